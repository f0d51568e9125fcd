/* shrink.c -- the plugin: further element-wise activation functions, PyTorch's and Keras's. */
#include "shrink.h"

#define LISTED(id) &activation_##id,
static const luron_layer_type *const layers[] = {SHRINKS(LISTED) NULL};
LURON_PLUGIN_DEFINE(shrink) = {.struct_size = sizeof(luron_plugin),
                               .abi_major = LURON_ABI_MAJOR,
                               .name = "shrink",
                               .version = "0.1.0",
                               .layers = layers};
