/* Counts its calls in a state tensor, in eval mode too. */
#include <luron/plugin.h>

static luron_status declare(luron_call *c) { return c->host->declare_state(c, 0, "calls", LURON_REAL, LURON_SHAPE(1), luron_init_zeros()); }
static luron_status forward(luron_call *c) {
    const float *x = luron_f32(luron_in(c, 0));
    float *y = luron_f32(luron_out(c, 0)), *calls = luron_f32(luron_state(c, 0));
    calls[0] += 1;
    for (int64_t i = 0; i < luron_numel(luron_in(c, 0)); i++) y[i] = 2 * x[i];
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    const float *gy = luron_f32(luron_grad_out(c, 0));
    float *gx = luron_f32(luron_grad_in(c, 0));
    for (int64_t i = 0; gx && i < luron_numel(luron_grad_out(c, 0)); i++) gx[i] += 2 * gy[i];
    return LURON_OK;
}
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongCounter", .doc = "2 x", .declare = declare,
                                       .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
