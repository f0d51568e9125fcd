/* batch_norm.c: each channel over batch and places. x (n,c) or (n,c,...) -> y as x. In training by the statistics of
 * the batch, which go into running_mean and running_var; in eval mode by those. An empty batch changes neither. Ioffe
 * and Szegedy, 2015. */
#include "norm.h"

static luron_status setup_ranks(luron_call *c, int least, int most, const char *wanted) {
    const luron_view *x = luron_in(c, 0);
    const int64_t features = ((const norm *)luron_options(c))->num_features;
    if (x->ndim < least || x->ndim > most)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, %s expected", (int)x->ndim, wanted);
    if (x->shape[1] != features)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld channels, num_features is %lld", (long long)x->shape[1],
                          (long long)features);
    const channels k = norm_channels(c, 1, 0);
    return norm_channels_setup(c, &k);
}
static luron_status setup1(luron_call *c) { return setup_ranks(c, 2, 3, "(n, c) or (n, c, l)"); }
static luron_status setup2(luron_call *c) { return setup_ranks(c, 4, 4, "(n, c, h, w)"); }
static luron_status setup3(luron_call *c) { return setup_ranks(c, 5, 5, "(n, c, d, h, w)"); }

static luron_status forward(luron_call *c) {
    const channels k = norm_channels(c, 1, 0);
    if (luron_is_training(c) && k.count == 1)
        return luron_fail(c, LURON_E_SHAPE,
                          "1 value for each channel, training needs at least 2 (a batch of one: use eval mode)");
    return norm_channels_forward(c, k);
}
static luron_status backward(luron_call *c) { return norm_channels_backward(c, norm_channels(c, 1, 0)); }
static luron_status compose(luron_call *c, const luron_ops *o) {
    static const int dims[] = {0, 2, 3, 4};
    return norm_compose_channels(c, o, norm_channels(c, 1, 0).own, 1, luron_in(c, 0)->ndim - 1, dims);
}

static const luron_option *const options[] = {LURON_OPT_INT_REQ(norm, num_features, 1, 1e9, "channels"),
                                              NORM_EPS,
                                              NORM_MOMENTUM,
                                              LURON_OPT_BOOL(norm, affine, 1, "a weight and a bias for each channel"),
                                              NORM_RUNNING(1),
                                              NORM_INITS,
                                              NULL};
#define TYPE(n, shape)                                                                                                 \
    static const luron_port *const in##n[] = {LURON_PORT("input", 0, LURON_REAL, 0, shape), NULL};                     \
    const luron_layer_type norm_batch##n##d = {.struct_size = sizeof(luron_layer_type),                                \
                                               .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,                       \
                                               .name = "BatchNorm" #n "d",                                             \
                                               .doc = "each channel with mean 0 and variance 1 over the batch",        \
                                               .options = options,                                                     \
                                               .options_size = sizeof(norm),                                           \
                                               .in = in##n,                                                            \
                                               .declare = norm_declare_features,                                       \
                                               .setup = setup##n,                                                      \
                                               .forward = forward,                                                     \
                                               .backward = backward,                                                   \
                                               .compose = compose};
TYPE(1, "(n, c) or (n, c, l)") TYPE(2, "(n, c, h, w)") TYPE(3, "(n, c, d, h, w)")
