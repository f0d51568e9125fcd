/* shape.c -- the plugin: layers that move numbers, or leave some out. */
#include "shape.h"

#define LISTED(id) &shape_##id,
static const luron_layer_type *const layers[] = { SHAPES(LISTED) NULL };
LURON_PLUGIN_DEFINE(shape) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "shape", .version = "0.1.0", .layers = layers
};

luron_status shape_dim(luron_call *c, const char *option, int64_t dim, int ndim, int *out) {
    if (dim < -ndim || dim >= ndim)
        return luron_fail(c, LURON_E_RANGE, "%s is %lld, input has %d dimensions", option, (long long)luron_shown(c, dim), ndim);
    *out = (int)(dim < 0 ? dim + ndim : dim);
    return LURON_OK;
}

luron_status shape_numel(luron_call *c, int n, const int64_t *sizes, int64_t *out) {
    int64_t numel = 1;
    for (int i = 0; i < n; i++)
        if (__builtin_mul_overflow(numel, sizes[i], &numel))
            return luron_fail(c, LURON_E_SHAPE, "the sizes multiply to more than an int64 can hold");
    *out = numel;
    return LURON_OK;
}

luron_status shape_fill(luron_call *c, const char *option, int n, int64_t *sizes, int64_t numel) {
    int free_at = -1;
    int64_t known = 1;
    for (int i = 0; i < n; i++) {
        if (sizes[i] >= 0) continue;
        if (sizes[i] != -1 || free_at >= 0)
            return luron_fail(c, LURON_E_ARGUMENT, "%s: one size may be -1, the others are 0 or more", option);
        free_at = i, sizes[i] = 1;
    }
    LURON_TRY(shape_numel(c, n, sizes, &known));
    if (free_at >= 0 && known > 0 && numel % known == 0) sizes[free_at] = numel / known;
    else if (free_at >= 0 || known != numel)
        return luron_fail(c, LURON_E_SHAPE, "%s: %lld elements do not fill its sizes, which multiply to %lld%s", option,
                          (long long)numel, (long long)known, free_at >= 0 ? " without the -1" : "");
    return LURON_OK;
}
