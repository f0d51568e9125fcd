/* noise.c -- the plugin: layers that add or multiply by chance when training. */
#include "noise.h"

#define LISTED(id) &noise_##id,
static const luron_layer_type *const layers[] = {NOISES(LISTED) NULL};
LURON_PLUGIN_DEFINE(noise) = {.struct_size = sizeof(luron_plugin),
                              .abi_major = LURON_ABI_MAJOR,
                              .name = "noise",
                              .version = "0.1.0",
                              .layers = layers};
