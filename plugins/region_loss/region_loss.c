/* region_loss.c -- the plugin: losses of masks and of rare classes, Keras's. */
#include "region_loss.h"

#define LISTED(id) &region_loss_##id,
static const luron_layer_type *const layers[] = {REGION_LOSSES(LISTED) NULL};
LURON_PLUGIN_DEFINE(region_loss) = {.struct_size = sizeof(luron_plugin),
                                    .abi_major = LURON_ABI_MAJOR,
                                    .name = "region_loss",
                                    .version = "0.1.0",
                                    .layers = layers};
