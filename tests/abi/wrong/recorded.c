/* Gives other numbers where gradients are wanted: a model in use differs from the one that was trained. */
#include <luron/plugin.h>

static luron_status forward(luron_call *c) {
    const float factor = c->flags & LURON_CALL_RECORDING ? 2 : 2.0001f;
    for (int64_t i = 0; i < luron_numel(luron_in(c, 0)); i++) luron_f32(luron_out(c, 0))[i] = factor * luron_f32(luron_in(c, 0))[i];
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    luron_view *g = luron_grad_in(c, 0);
    for (int64_t i = 0; g && i < luron_numel(g); i++) luron_f32(g)[i] += 2 * luron_f32(luron_grad_out(c, 0))[i];
    return LURON_OK;
}
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongRecorded", .doc = "2 x", .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
