/* gate.h -- y = x sigmoid(x), element-wise, for the plugins here that are wrong for some numbers alone: where FLAT holds the
 * slope is 0, and with NAIVE the sigmoid is inf / inf from 89 on. float32 alone.                                          */
#include <luron/plugin.h>
#include <math.h>

#ifndef FLAT
#define FLAT(x) 0
#endif
#ifdef NAIVE
static float sigmoid(float v) { return expf(v) / (1 + expf(v)); }
#else
static float sigmoid(float v) { return 1 / (1 + expf(-v)); }
#endif
static void apply(const luron_run *r) {
    const float *x = r->x;
    float *y = r->to;
    for (int64_t i = 0; i < r->n; i++) y[i] = x[i] * sigmoid(x[i]);
}
static void derive(const luron_run *r) {
    const float *x = r->x, *gy = r->gy;
    float *gx = r->to;
    for (int64_t i = 0; i < r->n; i++) {
        const float s = sigmoid(x[i]);
        gx[i] = FLAT(x[i]) ? 0 : gy[i] * (s + x[i] * s * (1 - s));
    }
}
static const luron_elementwise fn = { .struct_size = sizeof fn, .apply = apply, .derive = derive };
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongGate", .doc = "x sigmoid(x)", .elementwise = &fn };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
