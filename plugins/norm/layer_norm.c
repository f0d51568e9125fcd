/* layer_norm.c: each row over its last dims. x (..., normalized_shape) -> y as x. Ba, Kiros and Hinton, 2016. */
#include "norm.h"

static luron_status forward(luron_call *c) { return norm_rows_forward(c, 1, ((const norm *)luron_options(c))->eps); }
static luron_status backward(luron_call *c) { return norm_rows_backward(c, 1); }
static luron_status compose(luron_call *c, const luron_ops *o) {
    const int n = (int)((const norm *)luron_options(c))->normalized_shape.n;
    luron_tensor *x = o->in(c, 0);
    int dims[8];
    for (int i = 0; i < n; i++)
        dims[i] = i - n;
    x = norm_composed(c, o, x, o->mean(c, x, n, dims, 1), o->var(c, x, n, dims, 1, 0));
    if (luron_param(c, WEIGHT)) x = o->mul(c, x, o->param(c, WEIGHT));
    return o->set_out(c, 0, luron_param(c, BIAS) ? o->add(c, x, o->param(c, BIAS)) : x);
}

static const luron_option *const options[] = {
    LURON_OPT_INTS_REQ(norm, normalized_shape, 1, 1e9, 1, 8, "sizes of the last dims, over which it goes"),
    NORM_EPS,
    LURON_OPT_BOOL(norm, elementwise_affine, 1, "a weight and a bias for each number of a row"),
    LURON_OPT_BOOL(norm, bias, 1, "the bias too"),
    NORM_INITS,
    NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., normalized_shape)"), NULL};
const luron_layer_type norm_layer = {.struct_size = sizeof(luron_layer_type),
                                     .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                     .name = "LayerNorm",
                                     .doc = "each row with mean 0 and variance 1",
                                     .options = options,
                                     .options_size = sizeof(norm),
                                     .in = in,
                                     .declare = norm_rows_declare,
                                     .setup = norm_rows_setup,
                                     .forward = forward,
                                     .backward = backward,
                                     .compose = compose};
