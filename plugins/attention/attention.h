/* attention.h -- what the files of this plugin share. heads.c computes softmax(q k^T scale + mask) v and its gradients,
 * head by head and a block of queries at a time, so that no matrix of queries by keys is kept: backward computes the
 * weights again from the logarithms of their sums. masks.c reads masks; compose.c is the same in ops.               */
#ifndef ATTENTION_H
#define ATTENTION_H
#include "../loops.h"
#include <math.h>
#include <string.h>

enum { MOST_LEAD = 6 }; /* dims in front of (t, s) */

/* A mask that broadcasts to (lead ..., t, s); data NULL: none. A product of `lead` is the number of heads of a batch.
 */
typedef struct key_mask {
    const char *data;
    char *grad;          /* NULL: not wanted */
    int is_bool, passes; /* passes: the bool that lets a key be seen */
    int n_lead;
    int64_t lead[MOST_LEAD], step[MOST_LEAD], row, col; /* steps in elements, 0 along a dim that is repeated */
} key_mask;

/* Matrices (rows, numbers), one for each head of each sequence; steps in numbers. data NULL: not there. */
typedef struct head_rows {
    char *data;
    int64_t batch, head, row;
} head_rows;

/* q (n, h, t, d), k (n, kv, s, d), v (n, kv, s, dv) -> y (n, h, t, dv); a head of k and v serves h / kv of q. */
typedef struct heads {
    luron_call *c;
    int64_t n, h, kv, t, s, d, dv;
    int causal;
    int64_t before; /* keys before the first query: query i sees keys up to before + i */
    int64_t extra;  /* the last of the s keys, which no mask knows of: all queries see them */
    double scale, p;
    key_mask masks[2];
    head_rows q, k, v, y;
    char *sums;    /* saved: (n, h, t), log of the sum of exponentials; infinite where nothing is seen */
    char *scratch; /* heads_scratch bytes */
    char *weights; /* NULL, or zeros to which the weights are added, (n, t, s), or (n, h, t, s) where `apart` */
    int apart;
    head_rows gy, gq, gk, gv; /* gq is stored where beta_q is 0; gk and gv are added to, whatever there is */
    double beta_q;
    const char *gweights; /* gradient of `weights`, NULL: none */
} heads;

/* ---- heads.c ---------------------------------------------------------------------------------------------------- */
int64_t heads_scratch(const heads *k);
luron_status heads_forward(const heads *k);
luron_status heads_backward(const heads *k);
/** out = op(a) op(b) + beta out; steps from row to row. */
typedef struct matrix {
    char *data;
    int64_t rows, cols, step;
} matrix;
luron_status attention_product(luron_call *c, uint32_t flags, matrix a, matrix b, const luron_view *bias, matrix out,
                               double beta);
static inline int64_t attention_size(const luron_call *c) { return c->dtype == LURON_F64 ? 8 : 4; }

/* ---- masks.c ---------------------------------------------------------------------------------------------------- */
/** The mask at a port, or an error if it does not broadcast to (lead ..., t, s). No data in setup. */
luron_status mask_open(luron_call *c, int port, int passes, int n_lead, const int64_t *lead, int64_t t, int64_t s,
                       key_mask *m);
/** Where the numbers of row `row` of item `item` of the batch of heads begin. */
int64_t mask_row(const key_mask *m, int64_t item, int64_t row);

/* ---- compose.c: the same in ops ---------------------------------------------------------------------------------- */
/** Weights (n, h, t, s) from products: masked, soft, thinned. masks as below. */
luron_tensor *attention_weights(const heads *k, const luron_ops *o, luron_tensor *x, luron_tensor *const masks[2]);
/** y (n, h, t, dv) of q (n, h, t, d), k and v (n, kv, s, ...); masks: two at most, tensors (n, h, t, s) or broadcast to
 *  that, NULL: none. `weights`: NULL, or where they go, (n, h, t, s). */
luron_tensor *attention_compose(const heads *k, const luron_ops *o, luron_tensor *q, luron_tensor *key, luron_tensor *v,
                                luron_tensor *const masks[2], luron_tensor **weights);

extern const luron_layer_type attention_scaled, attention_multihead, attention_additive, attention_sinusoidal,
    attention_rotary;
#endif
