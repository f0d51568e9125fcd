/* swish.c: y = x * sigmoid(beta * x).      cc -O2 -shared -fPIC -o swish.so swish.c -lm */
#include <luron/plugin.h>
#include <math.h>
typedef struct swish { double beta; } swish;

static void apply(const luron_run *r) {
    const float *x = r->x, b = (float)((const swish *)r->options)->beta;
    float *y = r->to;
    for (int64_t i = 0; i < r->n; i++) y[i] = x[i] / (1 + expf(-b * x[i]));
}
static void derive(const luron_run *r) {
    const float *x = r->x, *gy = r->gy, b = (float)((const swish *)r->options)->beta;
    float *gx = r->to;
    for (int64_t i = 0; i < r->n; i++) {
        float s = 1 / (1 + expf(-b * x[i]));
        gx[i] = gy[i] * (s + b * x[i] * s * (1 - s));
    }
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(swish, beta, 1.0, 0, 0, "steepness"), NULL };
static const luron_elementwise fn = { .struct_size = sizeof fn, .apply = apply, .derive = derive };
static const luron_layer_type type = { .struct_size = sizeof type, .name = "Swish", .function = "swish", .doc = "x * sigmoid(beta * x)",
    .options = options, .options_size = sizeof(swish), .elementwise = &fn };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(swish) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "swish", .version = "1.0.0", .layers = layers };
