/* activation.c -- the plugin: activation functions with the names, options and numbers of PyTorch's. */
#include "activation.h"

#define LISTED(id) &activation_##id,
static const luron_layer_type *const layers[] = { ACTIVATIONS(LISTED) NULL };
LURON_PLUGIN_DEFINE(activation) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "activation", .version = "0.1.0", .layers = layers
};
