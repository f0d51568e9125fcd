/* gat.h -- what gat.c, with the types and their ops, and attention.c, which runs GATConv, share. */
#ifndef GAT_H
#define GAT_H
#include "graph.h"

enum { WEIGHT, ATT_SOURCE, ATT_TARGET, BIAS, WEIGHT_R, BIAS_L, BIAS_R };
typedef struct gat {
    int64_t in_channels, out_channels, heads;
    double negative_slope, dropout;
    int32_t concat, add_self_loops, bias, share_weights;
    luron_named_init weight_init, bias_init;
} gat;

luron_status gat_setup(luron_call *c);
luron_status gat_forward(luron_call *c);
luron_status gat_backward(luron_call *c);

#endif
