/* gate.c -- the plugin: activations that look at more than one number, PyTorch's, Torch7's and Keras's, and RReLU. */
#include "gate.h"

#define LISTED(id) &gate_##id,
static const luron_layer_type *const layers[] = {GATES(LISTED) NULL};
LURON_PLUGIN_DEFINE(gate) = {.struct_size = sizeof(luron_plugin),
                             .abi_major = LURON_ABI_MAJOR,
                             .name = "gate",
                             .version = "0.1.0",
                             .layers = layers};
