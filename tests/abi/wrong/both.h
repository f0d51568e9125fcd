/* both.h -- y = sum of x^2, and its gradient in the same pass times FACTOR. */
#include <luron/plugin.h>

#ifndef FACTOR
#define FACTOR 1
#endif
static luron_status setup(luron_call *c) { return c->host->set_out(c, 0, LURON_REAL, 0, NULL); }
static luron_status forward(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    double sum = 0;
    for (int64_t i = 0, n = luron_numel(x); i < n; i++) {
        const double v = c->dtype == LURON_F64 ? luron_f64(x)[i] : (double)luron_f32(x)[i];
        sum += v * v;
    }
    if (c->dtype == LURON_F64)
        *luron_f64(luron_out(c, 0)) = sum;
    else
        *luron_f32(luron_out(c, 0)) = (float)sum;
    return LURON_OK;
}
static luron_status add(luron_call *c, double factor) {
    const luron_view *x = luron_in(c, 0), *gy = luron_grad_out(c, 0);
    luron_view *gx = luron_grad_in(c, 0);
    for (int64_t i = 0, n = gx ? luron_numel(gx) : 0; i < n; i++)
        if (c->dtype == LURON_F64)
            luron_f64(gx)[i] += factor * 2 * *luron_f64(gy) * luron_f64(x)[i];
        else
            luron_f32(gx)[i] += (float)factor * 2 * *luron_f32(gy) * luron_f32(x)[i];
    return LURON_OK;
}
static luron_status backward(luron_call *c) { return add(c, 1); }
static luron_status both(luron_call *c) {
    LURON_TRY(forward(c));
    return add(c, FACTOR);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->sum(c, o->mul(c, x, x), 0, NULL, 0));
}
static const luron_layer_type type = {.struct_size = sizeof type,
                                      .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS | LURON_LAYER_FREES_OUT,
                                      .name = "WrongSquares",
                                      .doc = "sum of squares",
                                      .setup = setup,
                                      .forward = forward,
                                      .backward = backward,
                                      .compose = compose,
                                      .forward_backward = both};
static const luron_layer_type *const layers[] = {&type, NULL};
LURON_PLUGIN_DEFINE(wrong) = {.struct_size = sizeof(luron_plugin),
                              .abi_major = LURON_ABI_MAJOR,
                              .name = "wrong",
                              .version = "1",
                              .layers = layers};
