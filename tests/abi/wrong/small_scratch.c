/* y = x x, whose backward needs scratch memory of the size of x and asks for one number: what lies behind that breaks. */
#include <luron/plugin.h>

static luron_status setup(luron_call *c) {
    LURON_TRY(luron_set_out_like(c, 0, luron_in(c, 0)));
    return c->host->declare_scratch(c, sizeof(float));
}
static luron_status forward(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    for (int64_t i = 0; i < luron_numel(x); i++) luron_f32(luron_out(c, 0))[i] = luron_f32(x)[i] * luron_f32(x)[i];
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    const luron_view *x = luron_in(c, 0), *gy = luron_grad_out(c, 0);
    luron_view *gx = luron_grad_in(c, 0);
    float *slope = luron_scratch(c);
    for (int64_t i = 0; i < luron_numel(x); i++) slope[i] = 2 * luron_f32(x)[i];
    for (int64_t i = 0; gx && i < luron_numel(x); i++) luron_f32(gx)[i] += slope[i] * luron_f32(gy)[i];
    return LURON_OK;
}
static const luron_layer_type type = { .struct_size = sizeof type, .flags = LURON_LAYER_FREES_OUT, .name = "WrongSquare", .doc = "x x", .setup = setup,
                                       .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
