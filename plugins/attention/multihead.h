/* multihead.h -- sizes, parameters and ports of multi-head attention, for multihead.c (fused) and multihead_ops.c. */
#ifndef MULTIHEAD_H
#define MULTIHEAD_H
#include "positions.h"

enum { QUERY, KEY, VALUE, PADDING, MASK, PAST_KEY, PAST_VALUE }; /* ports in: the first three are projections too */
enum { OUTPUT, WEIGHTS, KEYS, VALUES };                          /* ports out */
typedef struct multihead {
    int64_t embed_dim, num_heads, kdim, vdim, num_kv_heads;
    double dropout, rope_base;
    int32_t bias, is_causal, need_weights, average_attn_weights, rotary;
    luron_named_init weight_init, bias_init;
} multihead;

/* Of one of the three projections, (n, rows, in) -> (n, rows, out): where it is among the parameters. */
typedef struct projection {
    int64_t in, out, first; /* first: row of its weight, in the weight that all three share where `packed` */
    int64_t bias_first;
    int slot;
} projection;
/* A call: s new places behind `past` older ones, `all` together. */
typedef struct sizes {
    luron_call *c;
    const multihead *o;
    int64_t n, t, s, past, all, embed, kv, head;
    int packed;
    projection by[3];
    int bias_slot, out_slot; /* bias_slot -1: no biases; that of the output is behind out_slot */
} sizes;
/** What follows from the options. */
sizes multihead_sizes(luron_call *c);
/** The sizes of a call, and `k` with them and its masks. */
luron_status multihead_open(luron_call *c, sizes *m, heads *k);
/** The waves of the places of projection QUERY or KEY, which go on behind the past. */
waves multihead_waves(const sizes *m, int projection);
/** The input that a projection reads: absent ones are the one before. */
int multihead_port(const luron_call *c, int i);
luron_status multihead_compose(luron_call *c, const luron_ops *o);
#endif
