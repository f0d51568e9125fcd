/* error_loss.c -- the plugin: losses of numbers against numbers, PyTorch's and Keras's. */
#include "error_loss.h"

#define LISTED(id) &error_loss_##id,
static const luron_layer_type *const layers[] = {ERROR_LOSSES(LISTED) NULL};
LURON_PLUGIN_DEFINE(error_loss) = {.struct_size = sizeof(luron_plugin),
                                   .abi_major = LURON_ABI_MAJOR,
                                   .name = "error_loss",
                                   .version = "0.1.0",
                                   .layers = layers};
