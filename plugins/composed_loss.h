/* composed_loss.h -- for plugins whose losses are expressions of ops: their gradients follow, to any order. */
#ifndef COMPOSED_LOSS_H
#define COMPOSED_LOSS_H
#include <luron/plugin.h>
#include <math.h>

enum { INPUT, TARGET, WEIGHT }; /* ports of most */
enum { LOSS_MEAN, LOSS_SUM, LOSS_NONE };
static const char *const loss_reductions[] = {"mean", "sum", "none", NULL};

/* `type`: the options struct of the plugin, with an int32_t reduction; options, in and compose: of the file. */
#define LOSS_REDUCTION(type)                                                                                           \
    LURON_OPT_CHOICE(type, reduction, "mean", loss_reductions, "of the losses; \"none\" keeps each")
#define LOSS_TYPE(type, ...) LOSS_TYPE_OF(type, in, __VA_ARGS__)
#define LOSS_TYPE_OF(type, ports, type_name, call_name, text)                                                          \
    .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS, .name = type_name,           \
    .function = call_name, .doc = text, .options = options, .options_size = sizeof(type), .in = ports,                 \
    .compose = compose
/* Ports of the most usual kind: both of one shape. */
#define LOSS_PAIR(input_text, target_text)                                                                             \
    LURON_PORT("input", 0, LURON_REAL, 0, input_text), LURON_PORT("target", 0, LURON_REAL, 0, target_text)

/** An error unless input `port` has the shape of input `like`, which messages call by these names. */
static inline luron_status loss_same_shape(luron_call *c, int port, const char *name, int like, const char *like_name) {
    const luron_view *x = luron_in(c, like), *t = luron_in(c, port);
    if (x->ndim != t->ndim)
        return luron_fail(c, LURON_E_SHAPE, "%s has %d dimensions, %s has %d: the two must have one shape", name,
                          (int)t->ndim, like_name, (int)x->ndim);
    for (int i = 0; i < x->ndim; i++)
        if (x->shape[i] != t->shape[i])
            return luron_fail(c, LURON_E_SHAPE,
                              "%s has size %lld in dimension %lld, %s has %lld: the two must have one shape", name,
                              (long long)t->shape[i], (long long)luron_shown(c, i), like_name, (long long)x->shape[i]);
    return LURON_OK;
}
/** An error unless the target has the shape of the input without its dimension `at`. */
static inline luron_status loss_rows_shape(luron_call *c, int at) {
    const luron_view *x = luron_in(c, INPUT), *t = luron_in(c, TARGET);
    if (t->ndim != x->ndim - 1)
        return luron_fail(c, LURON_E_SHAPE, "target has %d dimensions, expected %d: one for each row of input",
                          (int)t->ndim, (int)x->ndim - 1);
    for (int i = 0; i < t->ndim; i++)
        if (t->shape[i] != x->shape[i < at ? i : i + 1])
            return luron_fail(c, LURON_E_SHAPE, "target has size %lld in dimension %lld, expected %lld as in input",
                              (long long)t->shape[i], (long long)luron_shown(c, i),
                              (long long)x->shape[i < at ? i : i + 1]);
    return LURON_OK;
}
/** The sum or mean of terms, or each. */
static inline luron_status loss_reduced(luron_call *c, const luron_ops *o, luron_tensor *terms, int32_t reduction) {
    if (reduction == LOSS_MEAN) terms = o->mean(c, terms, 0, NULL, 0);
    if (reduction == LOSS_SUM) terms = o->sum(c, terms, 0, NULL, 0);
    return o->set_out(c, 0, terms);
}
/** max(x, 0), with the slope of 1 at 0, as PyTorch's clamp. */
static inline luron_tensor *loss_positive(luron_call *c, const luron_ops *o, luron_tensor *x) {
    return o->clamp(c, x, 0, INFINITY);
}
/** The same with the slope of 0 at 0: what does not lie above it counts for nothing. */
static inline luron_tensor *loss_above(luron_call *c, const luron_ops *o, luron_tensor *x) {
    luron_tensor *zero = o->scalar(c, 0);
    return o->where(c, o->le(c, x, zero), zero, x);
}
/** log(1 + exp(x)), of any size of x and with the slope of 1/2 at 0. */
static inline luron_tensor *loss_softplus(luron_call *c, const luron_ops *o, luron_tensor *x) {
    luron_tensor *zero = o->scalar(c, 0), *up = o->gt(c, x, zero);
    return o->add(c, o->where(c, up, x, zero), o->log1p(c, o->exp(c, o->where(c, up, o->neg(c, x), x))));
}
#endif
