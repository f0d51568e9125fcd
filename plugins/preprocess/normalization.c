/* normalization.c: y = (x - mean) / max(sqrt(variance), 1e-7), mean and variance (num_features) along an axis, or one
 * for all numbers; inverted, x from y. They are 0 and 1 until luron.adapt fits them. */
#include "preprocess.h"

enum { MEAN, VARIANCE };
typedef struct normalization {
    int64_t num_features, axis;
    int32_t invert;
} normalization;

static luron_status declare(luron_call *c) {
    const int64_t n = ((const normalization *)luron_options(c))->num_features;
    LURON_TRY(c->host->declare_state(c, MEAN, "mean", LURON_REAL, n > 0, &n, luron_init_zeros()));
    return c->host->declare_state(c, VARIANCE, "variance", LURON_REAL, n > 0, &n, luron_init_constant(1));
}
static luron_status setup(luron_call *c) {
    const normalization *o = luron_options(c);
    const luron_view *x = luron_in(c, 0);
    int axis;
    if (o->num_features) {
        LURON_TRY(preprocess_axis(c, o->axis, &axis));
        if (x->shape[axis] != o->num_features)
            return luron_fail(c, LURON_E_SHAPE, "input has %lld features along axis %lld, num_features is %lld",
                              (long long)x->shape[axis], (long long)luron_shown(c, o->axis),
                              (long long)o->num_features);
    }
    return luron_set_out_like(c, 0, x);
}
/* A state in a shape that broadcasts to x. */
static luron_tensor *along(luron_call *c, const luron_ops *o, int slot) {
    const normalization *p = luron_options(c);
    int64_t shape[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    int axis;
    if (!p->num_features || preprocess_axis(c, p->axis, &axis)) return o->state(c, slot);
    shape[axis] = p->num_features;
    return o->reshape(c, o->state(c, slot), luron_in(c, 0)->ndim, shape);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *mean = along(c, o, MEAN);
    luron_tensor *deviation = o->maximum(c, o->sqrt(c, along(c, o, VARIANCE)), o->scalar(c, 1e-7));
    if (((const normalization *)luron_options(c))->invert)
        return o->set_out(c, 0, o->add(c, o->mul(c, x, deviation), mean));
    return o->set_out(c, 0, o->div(c, o->sub(c, x, mean), deviation));
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(normalization, num_features, 0, 1e9,
                      "features along the axis; 0: one mean and variance for all numbers"),
    LURON_OPT_AXIS(normalization, axis, -1, "the dim of features"),
    LURON_OPT_BOOL(normalization, invert, 0, "undo it: input * deviation + mean"), NULL};
const luron_layer_type preprocess_normalization = {
    .struct_size = sizeof(luron_layer_type),
    .flags = LURON_LAYER_F64,
    .name = "Normalization",
    .doc = "each feature with mean 0 and variance 1 over the data of luron.adapt",
    .options = options,
    .options_size = sizeof(normalization),
    .declare = declare,
    .setup = setup,
    .compose = compose};
