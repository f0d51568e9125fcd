/* preprocess.c -- the plugin `preprocess`. */
#include "preprocess.h"

#define LISTED(name) &preprocess_##name,
static const luron_layer_type *const layers[] = {TYPES(LISTED) NULL};
LURON_PLUGIN_DEFINE(preprocess) = {.struct_size = sizeof(luron_plugin),
                                   .abi_major = LURON_ABI_MAJOR,
                                   .name = "preprocess",
                                   .version = "0.1.0",
                                   .layers = layers};

luron_status preprocess_axis(luron_call *c, int64_t axis, int *to) {
    const int ndim = luron_in(c, 0)->ndim;
    if (axis < -ndim || axis >= ndim)
        return luron_fail(c, LURON_E_RANGE, "axis is %lld, input has %d dimensions", (long long)luron_shown(c, axis),
                          ndim);
    *to = (int)(axis < 0 ? axis + ndim : axis);
    return LURON_OK;
}
