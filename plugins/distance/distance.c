/* distance.c -- the plugin: distances of vectors, and losses made of them, PyTorch's and Keras's. */
#include "distance.h"

#define LISTED(id) &distance_##id,
static const luron_layer_type *const layers[] = {DISTANCES(LISTED) NULL};
LURON_PLUGIN_DEFINE(distance) = {.struct_size = sizeof(luron_plugin),
                                 .abi_major = LURON_ABI_MAJOR,
                                 .name = "distance",
                                 .version = "0.1.0",
                                 .layers = layers};
