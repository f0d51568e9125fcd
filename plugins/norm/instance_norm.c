/* instance_norm.c: each channel of each image over its places. x (n,c,...) or (c,...) -> y as x. Ulyanov et al., 2016.
 */
#include "norm.h"

static int channel_dim(luron_call *c, int places) { return luron_in(c, 0)->ndim - places - 1; }
static luron_status setup_ranks(luron_call *c, int places, const char *wanted) {
    const luron_view *x = luron_in(c, 0);
    const int64_t features = ((const norm *)luron_options(c))->num_features;
    const int at = channel_dim(c, places);
    if (at != 0 && at != 1)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, %s expected", (int)x->ndim, wanted);
    if (x->shape[at] != features)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld channels, num_features is %lld", (long long)x->shape[at],
                          (long long)features);
    const channels k = norm_channels(c, at, features);
    return norm_channels_setup(c, &k);
}
static luron_status forward_at(luron_call *c, int at) {
    const channels k = norm_channels(c, at, luron_in(c, 0)->shape[at]);
    if (k.own && k.count == 1)
        return luron_fail(c, LURON_E_SHAPE, "1 value for each channel of an image, at least 2 expected");
    return norm_channels_forward(c, k);
}
static luron_status backward_at(luron_call *c, int at) {
    return norm_channels_backward(c, norm_channels(c, at, luron_in(c, 0)->shape[at]));
}
static luron_status compose_at(luron_call *c, const luron_ops *o, int at) {
    const int dims[] = {at + 1, at + 2, at + 3}, n_dims = luron_in(c, 0)->ndim - at - 1;
    return norm_compose_channels(c, o, norm_channels(c, at, luron_in(c, 0)->shape[at]).own, at, n_dims, dims);
}

static const luron_option *const options[] = {LURON_OPT_INT_REQ(norm, num_features, 1, 1e9, "channels"),
                                              NORM_EPS,
                                              NORM_MOMENTUM,
                                              LURON_OPT_BOOL(norm, affine, 0, "a weight and a bias for each channel"),
                                              NORM_RUNNING(0),
                                              NORM_INITS,
                                              NULL};
#define TYPE(n, shape)                                                                                                 \
    static luron_status setup##n(luron_call *c) { return setup_ranks(c, n, shape); }                                   \
    static luron_status forward##n(luron_call *c) { return forward_at(c, channel_dim(c, n)); }                         \
    static luron_status backward##n(luron_call *c) { return backward_at(c, channel_dim(c, n)); }                       \
    static luron_status compose##n(luron_call *c, const luron_ops *o) { return compose_at(c, o, channel_dim(c, n)); }  \
    static const luron_port *const in##n[] = {LURON_PORT("input", 0, LURON_REAL, 0, shape), NULL};                     \
    const luron_layer_type norm_instance##n##d = {.struct_size = sizeof(luron_layer_type),                             \
                                                  .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,                    \
                                                  .name = "InstanceNorm" #n "d",                                       \
                                                  .doc = "each channel of each image with mean 0 and variance 1",      \
                                                  .options = options,                                                  \
                                                  .options_size = sizeof(norm),                                        \
                                                  .in = in##n,                                                         \
                                                  .declare = norm_declare_features,                                    \
                                                  .setup = setup##n,                                                   \
                                                  .forward = forward##n,                                               \
                                                  .backward = backward##n,                                             \
                                                  .compose = compose##n};
TYPE(1, "(n, c, l) or (c, l)") TYPE(2, "(n, c, h, w) or (c, h, w)") TYPE(3, "(n, c, d, h, w) or (c, d, h, w)")
