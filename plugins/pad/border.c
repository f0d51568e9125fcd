/* border.c -- the paddings: a border of a value, of the input's reflection, of its last numbers, or of its other end.
 */
#include "pad.h"
typedef struct border {
    luron_ints padding; /* the last dim's before and after first, as in PyTorch */
    double value;
} border;

static luron_status too_wide(luron_call *c, int mode, const pad_axis *a) {
    const int64_t most = a->before > a->after ? a->before : a->after;
    const int64_t left = a->in + (a->before < 0 ? a->before : 0) + (a->after < 0 ? a->after : 0);
    const int64_t limit = mode == PAD_REFLECT ? a->in - 1 : mode == PAD_CIRCULAR ? left : INT64_MAX;
    if (most <= limit || left < 1) return LURON_OK; /* nothing left: the output's size is refused */
    return luron_fail(
        c, LURON_E_SHAPE, "padding of %lld is too much for a size of %lld: %s", (long long)most, (long long)left,
        mode == PAD_REFLECT ? "a reflection has to be less than the size" : "a circle has to be at most the size");
}
static luron_status open(luron_call *c, int ndim, const int64_t *sizes, pad *p, int mode) {
    const border *o = luron_options(c);
    LURON_TRY(pad_begin(c, ndim, sizes, (int)(o->padding.n / 2), p));
    p->mode = mode;
    for (int k = 0; k < p->dims; k++) {
        pad_axis *a = pad_axis_of(p, p->dims - 1 - k);
        a->before = o->padding.at[2 * k], a->after = o->padding.at[2 * k + 1];
        a->out = a->in + a->before + a->after;
        if (a->before <= -a->in || a->after <= -a->in)
            a->out = a->out < 0 ? a->out : 0; /* all cut on one side: nothing to pad */
        LURON_TRY(too_wide(c, mode, a));
    }
    return LURON_OK;
}

#define OPEN(name, mode)                                                                                               \
    static luron_status name(luron_call *c, int ndim, const int64_t *sizes, pad *p) {                                  \
        return open(c, ndim, sizes, p, mode);                                                                          \
    }                                                                                                                  \
    PAD_FUNCTIONS(name)
OPEN(zero, PAD_CONSTANT)
OPEN(reflection, PAD_REFLECT)
OPEN(replication, PAD_REPLICATE)
OPEN(circular, PAD_CIRCULAR)
static luron_status constant(luron_call *c, int ndim, const int64_t *sizes, pad *p) {
    p->value = ((const border *)luron_options(c))->value;
    return open(c, ndim, sizes, p, PAD_CONSTANT);
}
PAD_FUNCTIONS(constant)

#define PADDING(n, order)                                                                                              \
    LURON_OPT_INTS_REQ(border, padding, -1e6, 1e6, 2 * n, 2 * n, "on all sides, or " order "; negative: cut off")
#define VALUE LURON_OPT_(border, value, LURON_FLOAT, LURON_OPTION_REQUIRED, 0, 0, 0, NULL, NULL, 0, 0, "of the border")
#define TYPES(n, order)                                                                                                \
    static const luron_option *const options##n[] = {PADDING(n, order), NULL}, *const valued##n[] = {                  \
                                                                                   PADDING(n, order), VALUE, NULL};    \
    const luron_layer_type pad_zero##n##d =                                                                            \
        PAD_TYPE("ZeroPad" #n "d", NULL, "a border of zeros", options##n, sizeof(border), pad_in##n, zero);            \
    const luron_layer_type pad_constant##n##d =                                                                        \
        PAD_TYPE("ConstantPad" #n "d", NULL, "a border of one value", valued##n, sizeof(border), pad_in##n, constant); \
    const luron_layer_type pad_reflection##n##d =                                                                      \
        PAD_TYPE("ReflectionPad" #n "d", NULL, "a border that mirrors the input", options##n, sizeof(border),          \
                 pad_in##n, reflection);                                                                               \
    const luron_layer_type pad_replication##n##d =                                                                     \
        PAD_TYPE("ReplicationPad" #n "d", NULL, "a border that repeats the outermost numbers", options##n,             \
                 sizeof(border), pad_in##n, replication);                                                              \
    const luron_layer_type pad_circular##n##d =                                                                        \
        PAD_TYPE("CircularPad" #n "d", NULL, "a border that is the input's other end", options##n, sizeof(border),     \
                 pad_in##n, circular);
TYPES(1, "left, right")
TYPES(2, "left, right, top, bottom")
TYPES(3, "left, right, top, bottom, front, back")
