/* multihead.h -- sizes, parameters and ports of multi-head attention, for multihead.c (fused), multihead_extra.c (keys
 * behind those that are given) and multihead_ops.c.                                                                  */
#ifndef MULTIHEAD_H
#define MULTIHEAD_H
#include "positions.h"

enum { QUERY, KEY, VALUE, PADDING, MASK, PAST_KEY, PAST_VALUE }; /* ports in: the first three are projections too */
enum { OUTPUT, WEIGHTS, KEYS, VALUES };                          /* ports out */
typedef struct multihead {
    int64_t embed_dim, num_heads, kdim, vdim, num_kv_heads;
    double dropout, rope_base;
    int32_t bias, add_bias_kv, add_zero_attn, is_causal, need_weights, average_attn_weights, rotary;
    luron_named_init weight_init, bias_init;
} multihead;

/* Of one of the three projections, (n, rows, in) -> (n, rows, out): where it is among the parameters. */
typedef struct projection {
    int64_t in, out, first; /* first: row of its weight, in the weight that all three share where `packed` */
    int64_t bias_first;
    int slot;
} projection;
/* A call: s new places behind `past` older ones, `all` together, and `extra` keys that stand behind them. */
typedef struct sizes {
    luron_call *c;
    const multihead *o;
    int64_t n, t, s, past, all, extra, embed, kv, head;
    int packed;
    projection by[3];
    int bias_slot, out_slot; /* bias_slot -1: no biases; that of the output is behind out_slot */
    int extra_slot;          /* bias_k, and behind it bias_v, of add_bias_kv */
} sizes;
/** What follows from the options. */
sizes multihead_sizes(luron_call *c);
/** The sizes of a call, and `k` with them and its masks. */
luron_status multihead_open(luron_call *c, sizes *m, heads *k);
/** The waves of the places of projection QUERY or KEY, which go on behind the past. */
waves multihead_waves(const sizes *m, int projection);
/** The input that a projection reads: absent ones are the one before. */
int multihead_port(const luron_call *c, int i);

/* ---- multihead_extra.c: add_bias_kv's key and value, then add_zero_attn's zeros --------------------------------- */
luron_status extra_declare(const sizes *m);
/** (n, all, numbers) -> (n, all + extra, numbers), with the extra ones of `input`, KEY or VALUE. */
void extra_append(const sizes *m, int input, const char *from, char *to);
/** Back, in place: of gradients. The share of bias_k or bias_v goes to its parameter; from: NULL, or (n, all, numbers)
 *  that are added. */
void extra_give(const sizes *m, int input, char *grad, const char *from);
/** x (n, all, heads, head) with the extra ones behind it, in ops. */
luron_tensor *extra_joined(const sizes *m, const luron_ops *o, int input, luron_tensor *x);
/** A mask whose last dim is the keys, with places for the extra ones. */
luron_tensor *extra_mask(const sizes *m, const luron_ops *o, luron_tensor *mask);

luron_status multihead_compose(luron_call *c, const luron_ops *o);
#endif
