/* normalize.c -- the plugin: vectors and channels over their size, and the size of matrices. */
#include "normalize.h"

#define LISTED(id) &normalize_##id,
static const luron_layer_type *const layers[] = {NORMALIZATIONS(LISTED) NULL};
LURON_PLUGIN_DEFINE(normalize) = {.struct_size = sizeof(luron_plugin),
                                  .abi_major = LURON_ABI_MAJOR,
                                  .name = "normalize",
                                  .version = "0.1.0",
                                  .layers = layers};
