/* own_gradient.h -- y = x, and with `half` on purpose half the gradient, as LURON_OPTION_GRADIENT says. PLAIN_COMPOSE:
 * compose knows nothing of that. */
#include <luron/plugin.h>

typedef struct own {
    int32_t half;
} own;
static int halves(const luron_call *c) { return ((const own *)luron_options(c))->half; }
static luron_status forward(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    for (int64_t i = 0, n = luron_numel(x); i < n; i++)
        if (c->dtype == LURON_F64)
            luron_f64(luron_out(c, 0))[i] = luron_f64(x)[i];
        else
            luron_f32(luron_out(c, 0))[i] = luron_f32(x)[i];
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    luron_view *gx = luron_grad_in(c, 0);
    const luron_view *gy = luron_grad_out(c, 0);
    for (int64_t i = 0, n = gx ? luron_numel(gx) : 0; i < n; i++)
        if (c->dtype == LURON_F64)
            luron_f64(gx)[i] += luron_f64(gy)[i] * (halves(c) ? 0.5 : 1);
        else
            luron_f32(gx)[i] += luron_f32(gy)[i] * (halves(c) ? 0.5f : 1);
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
#ifndef PLAIN_COMPOSE
    luron_tensor *fixed = o->detach(c, x);
    if (halves(c)) x = o->add(c, fixed, o->scale(c, o->sub(c, x, fixed), 0.5, 0));
#endif
    return o->set_out(c, 0, x);
}
static const luron_option *const options[] = {
    LURON_OPT_(own, half, LURON_BOOL, LURON_OPTION_GRADIENT, 0, 0, 0, NULL, NULL, 0, 0, "give half the gradient"),
    NULL};
static const luron_layer_type type = {.struct_size = sizeof type,
                                      .flags = LURON_LAYER_F64,
                                      .name = "WrongHalf",
                                      .doc = "the input",
                                      .options = options,
                                      .options_size = sizeof(own),
                                      .forward = forward,
                                      .backward = backward,
                                      .compose = compose};
static const luron_layer_type *const layers[] = {&type, NULL};
LURON_PLUGIN_DEFINE(wrong) = {.struct_size = sizeof(luron_plugin),
                              .abi_major = LURON_ABI_MAJOR,
                              .name = "wrong",
                              .version = "1",
                              .layers = layers};
