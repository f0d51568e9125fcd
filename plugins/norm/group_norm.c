/* group_norm.c: each group of channels of each image. x (n,c,...) -> y as x. Wu and He, 2018. */
#include "norm.h"

static luron_status declare(luron_call *c) {
    const norm *o = luron_options(c);
    if (o->num_channels % o->num_groups)
        return luron_fail(c, LURON_E_ARGUMENT, "num_channels %lld is not a multiple of num_groups %lld",
                          (long long)o->num_channels, (long long)o->num_groups);
    return o->affine ? norm_declare_affine(c, o->num_channels) : LURON_OK;
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const norm *o = luron_options(c);
    if (x->ndim < 2) return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, (n, c, ...) expected", (int)x->ndim);
    if (x->shape[1] != o->num_channels)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld channels, num_channels is %lld", (long long)x->shape[1],
                          (long long)o->num_channels);
    const channels k = norm_channels(c, 1, o->num_groups);
    return norm_channels_setup(c, &k);
}
static luron_status forward(luron_call *c) {
    return norm_channels_forward(c, norm_channels(c, 1, ((const norm *)luron_options(c))->num_groups));
}
static luron_status backward(luron_call *c) {
    return norm_channels_backward(c, norm_channels(c, 1, ((const norm *)luron_options(c))->num_groups));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, 0);
    const channels k = norm_channels(c, 1, ((const norm *)luron_options(c))->num_groups);
    const int last = 1;
    luron_tensor *rows = o->reshape(c, o->in(c, 0), LURON_SHAPE(k.groups, k.count));
    rows = norm_composed(c, o, rows, o->mean(c, rows, 1, &last, 1), o->var(c, rows, 1, &last, 1, 0));
    return o->set_out(c, 0, norm_compose_affine(c, o, o->reshape(c, rows, x->ndim, x->shape), 1));
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(norm, num_groups, 1, 1e9, "groups, into which the channels are divided"),
    LURON_OPT_INT_REQ(norm, num_channels, 1, 1e9, "channels"),
    NORM_EPS,
    LURON_OPT_BOOL(norm, affine, 1, "a weight and a bias for each channel"),
    NORM_INITS,
    NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, c, ...)"), NULL};
const luron_layer_type norm_group = {.struct_size = sizeof(luron_layer_type),
                                     .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                     .name = "GroupNorm",
                                     .doc = "each group of channels of each image with mean 0 and variance 1",
                                     .options = options,
                                     .options_size = sizeof(norm),
                                     .in = in,
                                     .declare = declare,
                                     .setup = setup,
                                     .forward = forward,
                                     .backward = backward,
                                     .compose = compose};
