/* Softmax over the last dimension without taking the largest off: inf / inf from 89 on. */
#include <luron/plugin.h>
#include <math.h>

static luron_status setup(luron_call *c) {
    return luron_in(c, 0)->ndim < 1 ? luron_fail(c, LURON_E_SHAPE, "a dimension expected") : luron_set_out_like(c, 0, luron_in(c, 0));
}
static luron_status forward(luron_call *c) {
    const luron_view *v = luron_in(c, 0);
    const int64_t n = luron_numel(v), size = v->shape[v->ndim - 1];
    const float *x = luron_f32(v);
    float *y = luron_f32(luron_out(c, 0));
    for (int64_t at = 0; at < n; at += size) {
        float sum = 0;
        for (int64_t i = at; i < at + size; i++) sum += y[i] = expf(x[i]);
        for (int64_t i = at; i < at + size; i++) y[i] /= sum;
    }
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    const luron_view *v = luron_in(c, 0);
    const int64_t n = luron_numel(v), size = v->shape[v->ndim - 1];
    const float *y = luron_f32(luron_out(c, 0)), *gy = luron_f32(luron_grad_out(c, 0));
    float *gx = luron_f32(luron_grad_in(c, 0));
    for (int64_t at = 0; gx && at < n; at += size) {
        float dot = 0;
        for (int64_t i = at; i < at + size; i++) dot += y[i] * gy[i];
        for (int64_t i = at; i < at + size; i++) gx[i] += y[i] * (gy[i] - dot);
    }
    return LURON_OK;
}
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongSoftmax", .doc = "e^x over its sum", .setup = setup,
                                       .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
