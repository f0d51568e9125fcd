/* wave.h -- y = sin(x), element-wise, for the plugins here that get one thing of it wrong. */
#include <luron/plugin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void apply(const luron_run *r) {
    const float *x = r->x;
    float *y = r->to;
    for (int64_t i = 0; i < r->n; i++) y[i] = sinf(x[i]);
#ifdef TAIL
    for (int64_t i = r->n & ~(int64_t)7; i < r->n; i++) y[i] = (float)sin((double)x[i] + 1e-8); /* the "rest" of a vector loop */
#endif
#ifdef CRASHES
    volatile int *volatile nowhere = NULL;
    if (r->n > 300) *nowhere = 1;
#endif
#ifdef HANGS
    for (volatile int64_t i = 0; r->n == 33 * 7; i++) { }
#endif
#ifdef EXITS
    if (r->n == 37) exit(0);
#endif
#ifdef PRINTS
    if (r->n == 7) printf("seven\n");
#endif
}
static void derive(const luron_run *r) {
    const float *x = r->x, *gy = r->gy;
    float *gx = r->to;
    for (int64_t i = 0; i < r->n; i++) gx[i] = gy[i] * cosf(x[i]);
#ifdef SLOPE
    for (int64_t i = 0; i < r->n; i++) gx[i] *= x[i] < 0 ? 0.5f : 1.0f;
#endif
}
static const luron_elementwise fn = { .struct_size = sizeof fn, .apply = apply, .derive = derive };
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongWave", .doc = "sin(x)", .elementwise = &fn };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
