/* norm.c -- the plugin: normalisations with the names, options and numbers of PyTorch's, and what its files share. */
#include "norm.h"

#define LISTED(id) &norm_##id,
static const luron_layer_type *const layers[] = {NORMS(LISTED) NULL};
LURON_PLUGIN_DEFINE(norm) = {.struct_size = sizeof(luron_plugin),
                             .abi_major = LURON_ABI_MAJOR,
                             .name = "norm",
                             .version = "0.1.0",
                             .layers = layers};

luron_status norm_declare_affine(luron_call *c, int64_t size) {
    const norm *o = luron_options(c);
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(size),
                                     luron_init_or(&o->weight_init, luron_init_constant(1))));
    return c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(size), luron_init_or(&o->bias_init, luron_init_zeros()));
}

luron_status norm_declare_features(luron_call *c) {
    const norm *o = luron_options(c);
    const luron_init zeros = luron_init_zeros();
    if (o->affine) LURON_TRY(norm_declare_affine(c, o->num_features));
    if (!o->track_running_stats) return LURON_OK;
    LURON_TRY(c->host->declare_state(c, MEAN, "running_mean", LURON_REAL, LURON_SHAPE(o->num_features), zeros));
    LURON_TRY(c->host->declare_state(c, VAR, "running_var", LURON_REAL, LURON_SHAPE(o->num_features),
                                     luron_init_constant(1)));
    return c->host->declare_state(c, BATCHES, "num_batches_tracked", LURON_I64, 0, NULL, zeros);
}

/* ---- in ops ------------------------------------------------------------------------------------------------------ */
luron_tensor *norm_composed(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *mean, luron_tensor *var) {
    const double eps = ((const norm *)luron_options(c))->eps;
    return o->mul(c, o->sub(c, x, mean), o->rsqrt(c, o->scale(c, var, 1, eps)));
}

/* A tensor of channels where they stand in x: (channels, 1, ...). */
static luron_tensor *beside(luron_call *c, const luron_ops *o, luron_tensor *t, const luron_tensor *x, int at) {
    int64_t shape[8] = {-1, 1, 1, 1, 1, 1, 1, 1};
    return o->reshape(c, t, o->ndim(c, (luron_tensor *)x) - at, shape);
}

luron_tensor *norm_compose_affine(luron_call *c, const luron_ops *o, luron_tensor *x, int at) {
    if (luron_param(c, WEIGHT)) x = o->mul(c, x, beside(c, o, o->param(c, WEIGHT), x, at));
    return luron_param(c, BIAS) ? o->add(c, x, beside(c, o, o->param(c, BIAS), x, at)) : x;
}

luron_status norm_compose_channels(luron_call *c, const luron_ops *o, int own, int at, int n_dims, const int *dims) {
    luron_tensor *x = o->in(c, 0);
    luron_tensor *mean = own ? o->mean(c, x, n_dims, dims, 1) : beside(c, o, o->state(c, MEAN), x, at);
    luron_tensor *var = own ? o->var(c, x, n_dims, dims, 1, 0) : beside(c, o, o->state(c, VAR), x, at);
    return o->set_out(c, 0, norm_compose_affine(c, o, norm_composed(c, o, x, mean, var), at));
}
