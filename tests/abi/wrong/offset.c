/* Its option lies outside the struct: options_size is that of another one. */
#include <luron/plugin.h>

typedef struct small { int32_t on; } small;
typedef struct large { int32_t on, reserved; double size; } large;
static void apply(const luron_run *r) {
    const float *x = r->x;
    float *y = r->to;
    for (int64_t i = 0; i < r->n; i++) y[i] = x[i] * (float)((const large *)r->options)->size;
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(large, size, 2, 0, 10, "factor"), NULL };
static const luron_elementwise fn = { .struct_size = sizeof fn, .apply = apply, .derive = apply };
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongOffset", .doc = "x times size", .options = options,
                                       .options_size = sizeof(small), .elementwise = &fn };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
