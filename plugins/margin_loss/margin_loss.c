/* margin_loss.c -- the plugin: losses that leave alone what is right by a margin, PyTorch's and Keras's. */
#include "margin_loss.h"

#define LISTED(id) &margin_loss_##id,
static const luron_layer_type *const layers[] = {MARGIN_LOSSES(LISTED) NULL};
LURON_PLUGIN_DEFINE(margin_loss) = {.struct_size = sizeof(luron_plugin),
                                    .abi_major = LURON_ABI_MAJOR,
                                    .name = "margin_loss",
                                    .version = "0.1.0",
                                    .layers = layers};
