/* Works in a static buffer, which it fills anew each time: right in one thread, and in two contexts at once each has the
 * other's numbers. */
#include <luron/plugin.h>

static float buffer[64];
static void twice(const float *x, float *y, int64_t n) {
    for (int64_t at = 0; at < n; at += 64) {
        const int64_t end = n - at < 64 ? n - at : 64;
        for (int64_t i = 0; i < end; i++) buffer[i] = 2 * x[at + i];
        for (int64_t i = 0; i < end; i++) y[at + i] = buffer[i];
    }
}
static void apply(const luron_run *r) { twice(r->x, r->to, r->n); }
static void derive(const luron_run *r) { twice(r->gy, r->to, r->n); }
static const luron_elementwise fn = { .struct_size = sizeof fn, .flags = LURON_EW_FROM_Y, .apply = apply, .derive = derive };
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongBuffer", .doc = "2 x", .elementwise = &fn };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
