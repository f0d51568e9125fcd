/* merge.c -- the plugin: layers that make one tensor of several. */
#include "merge.h"

#define LISTED(id) &merge_##id,
static const luron_layer_type *const layers[] = {MERGES(LISTED) NULL};
LURON_PLUGIN_DEFINE(merge) = {.struct_size = sizeof(luron_plugin),
                              .abi_major = LURON_ABI_MAJOR,
                              .name = "merge",
                              .version = "0.1.0",
                              .layers = layers};

const luron_port *const merge_many[] = {LURON_PORT("input", LURON_PORT_VARIADIC, LURON_REAL, 0, "(n, ...)"), NULL};

luron_status merge_dim(luron_call *c, const char *option, int64_t dim, int i, int *out) {
    const int ndim = luron_in(c, i)->ndim;
    if (dim < -ndim || dim >= ndim)
        return luron_fail(c, LURON_E_RANGE, "%s is %lld, input %d has %d dimensions", option,
                          (long long)luron_shown(c, dim), i + 1, ndim);
    *out = (int)(dim < 0 ? dim + ndim : dim);
    return LURON_OK;
}
