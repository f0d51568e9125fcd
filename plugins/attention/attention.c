/* attention.c -- the plugin `attention`: scaled dot product, multi-head and additive attention, and positions. */
#include "attention.h"

static const luron_layer_type *const layers[] = {&attention_scaled,     &attention_multihead, &attention_additive,
                                                 &attention_sinusoidal, &attention_rotary,    NULL};
LURON_PLUGIN_DEFINE(attention) = {.struct_size = sizeof(luron_plugin),
                                  .abi_major = LURON_ABI_MAJOR,
                                  .name = "attention",
                                  .version = "0.1.0",
                                  .layers = layers};
