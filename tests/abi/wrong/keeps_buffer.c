/* Works in a static buffer, which it fills anew each time: right, since a call of it is on one thread, but in two contexts at once
 * each has the other's numbers. */
#include <luron/plugin.h>

static float buffer[64];
/* y = 2 x, or that is added. */
static void twice(const float *x, float *y, int64_t n, int adds) {
    for (int64_t at = 0; at < n; at += 64) {
        const int64_t end = n - at < 64 ? n - at : 64;
        for (int64_t i = 0; i < end; i++) buffer[i] = 2 * x[at + i];
        for (int64_t i = 0; i < end; i++) y[at + i] = adds ? y[at + i] + buffer[i] : buffer[i];
    }
}
static luron_status forward(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    twice(luron_f32(x), luron_f32(luron_out(c, 0)), luron_numel(x), 0);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    luron_view *g = luron_grad_in(c, 0);
    if (g) twice(luron_f32(luron_grad_out(c, 0)), luron_f32(g), luron_numel(g), 1);
    return LURON_OK;
}
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongBuffer", .doc = "2 x", .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
