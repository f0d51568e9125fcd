/* scale.h -- y = x * weight + bias over the last dimension, for the plugins here that get one thing of it wrong. Each says by
 * a macro what, and is wrong nowhere else. float32 alone.                                                              */
#include <luron/plugin.h>

#ifdef BEGINS_WITH_1 /* parameters begin with 1 and 0, which hides what is wrong with them */
#define FIRST_WEIGHT luron_init_constant(1)
#define FIRST_BIAS luron_init_zeros()
#else
#define FIRST_WEIGHT luron_init_uniform(0.5, 1.5)
#define FIRST_BIAS luron_init_uniform(-1, 1)
#endif
#ifndef SLOPE_OF_X
#define SLOPE_OF_X w[i % size]
#endif
#ifndef BIAS_OF
#define BIAS_OF(b) b
#define SLOPE_OF_BIAS(b) (0 * b + 1)
#endif
#ifndef ROWS_OF_WEIGHT
#define ROWS_OF_WEIGHT n
#endif

enum { WEIGHT, BIAS };
typedef struct scale { int64_t size; } scale;
static int64_t size_of(const luron_call *c) { return ((const scale *)luron_options(c))->size; }

static luron_status declare(luron_call *c) {
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(size_of(c)), FIRST_WEIGHT));
    return c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(size_of(c)), FIRST_BIAS);
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    if (x->ndim < 1 || x->shape[x->ndim - 1] != size_of(c))
        return luron_fail(c, LURON_E_SHAPE, "input of shape (..., %lld) expected", (long long)size_of(c));
    return luron_set_out_like(c, 0, x);
}
static luron_status forward(luron_call *c) {
    const int64_t n = luron_numel(luron_in(c, 0)), size = size_of(c);
    const float *x = luron_f32(luron_in(c, 0)), *w = luron_f32(luron_param(c, WEIGHT)), *b = luron_f32(luron_param(c, BIAS));
    float *y = luron_f32(luron_out(c, 0));
#ifdef WRITES_INPUT
    for (int64_t i = 0; i < n; i++)
        if (x[i] < 0) luron_f32(luron_in(c, 0))[i] = 0;
#endif
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * w[i % size] + BIAS_OF(b[i % size]);
#ifdef WRITES_PAST
    if (n) y[n + WRITES_PAST] = 0;
#endif
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    const int64_t n = luron_numel(luron_grad_out(c, 0)), size = size_of(c);
    const float *gy = luron_f32(luron_grad_out(c, 0)), *x = luron_f32(luron_in(c, 0)), *w = luron_f32(luron_param(c, WEIGHT));
    const float *b = luron_f32(luron_param(c, BIAS));
    float *gx = luron_f32(luron_grad_in(c, 0)), *gw = luron_f32(luron_grad_param(c, WEIGHT)), *gb = luron_f32(luron_grad_param(c, BIAS));
#ifdef FORGETS_BIAS
    if (!gw) gb = NULL;
#endif
#ifdef STORES
    for (int64_t i = 0; gb && i < size; i++) gb[i] = 0; /* then adds: all that was there is gone */
#endif
    for (int64_t i = 0; i < n; i++) {
        if (gx) gx[i] += gy[i] * SLOPE_OF_X;
        if (gw && i < ROWS_OF_WEIGHT) gw[i % size] += gy[i] * x[i];
        if (gb) gb[i % size] += gy[i] * SLOPE_OF_BIAS(b[i % size]);
    }
    return LURON_OK;
}
#ifdef COMPOSES
static luron_status compose(luron_call *c, const luron_ops *o) {
    return o->set_out(c, 0, o->add(c, o->mul(c, o->in(c, 0), o->param(c, WEIGHT)), o->param(c, BIAS)));
}
#define COMPOSE compose
#else
#define COMPOSE NULL
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
static const luron_option *const options[] = { LURON_OPT_INT_REQ(scale, size, 1, 1e6, "size of the last dimension"), NULL };
static const luron_layer_type type = {
    .struct_size = sizeof type, .flags = FLAGS, .name = "WrongScale", .doc = "x * weight + bias", .options = options,
    .options_size = sizeof(scale), .declare = declare, .setup = setup, .forward = forward, .backward = backward, .compose = COMPOSE };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
