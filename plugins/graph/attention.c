/* attention.c: GATConv (gat.c) forward and backward. x (n, in), edge_index (2, e) -> y (n, heads out) or (n, out).
 * Shares are those of softmax: s = exp(z - most) / sum over the edges of a target, z = leaky(from[source] +
 * to[target]), from = a_s h, to = a_t h. Backward: ds = s (d - sum of s d) leaky'(z), where d = g h[source] and g is
 * the gradient of a head's output. */
#ifndef REAL
#include "gat.h"
#include <math.h>

enum {
    H,
    SHARE,
    OWN
}; /* saved: x W^T (n, heads out), shares of edges (e, heads) and of loops (n, heads), nothing dropped */
typedef struct work {
    luron_call *c;
    const gat *o;
    graph_ends ends;
    int64_t n, e, heads, out, wide; /* wide: heads out */
    const void *att_source, *att_target, *bias, *gy;
    void *h, *share, *own, *y;
    /* Scratch: from and to (n, heads); slope (e, heads): scores in the order of `ends`, backward ds by edge; of own
     * loops ds (n, heads); gradients of from and to (n, heads), forward the
     * largest scores and totals, and of h (n, wide); numbers drawn for edges and loops,
     * or NULL. */
    void *from, *to, *slope, *own_slope, *g_from, *g_to, *gh;
    float *drawn, *own_drawn;
    double larger; /* what a share that is kept is multiplied by */
} work;
enum { GRAIN = 16384 };

static int64_t numbers(const luron_call *c, work *k,
                       char *at) { /* bytes of the scratch memory; at: where it is, or NULL */
    const int64_t rows = k->n * k->heads, edges = k->e * k->heads;
    const int64_t bytes[] = {graph_ends_bytes(k->n, k->e),
                             graph_bytes(c, rows),
                             graph_bytes(c, rows),
                             graph_bytes(c, edges),
                             graph_bytes(c, rows),
                             graph_bytes(c, rows),
                             graph_bytes(c, rows),
                             graph_bytes(c, k->n * k->wide),
                             graph_round(edges * 4),
                             graph_round(rows * 4)};
    void **to[] = {NULL, &k->from, &k->to, &k->slope, &k->own_slope, &k->g_from, &k->g_to, &k->gh};
    int64_t sum = 0;
    for (int i = 0; i < 10; i++) {
        if (at && i > 0 && i < 8) *to[i] = at + sum;
        if (at && i == 8) k->drawn = (float *)(void *)(at + sum);
        if (at && i == 9) k->own_drawn = (float *)(void *)(at + sum);
        sum += bytes[i];
    }
    return sum;
}
static work work_of(luron_call *c, char *scratch) {
    const gat *o = luron_options(c);
    work k = {.c = c,
              .o = o,
              .n = graph_nodes(c),
              .e = graph_edges(c),
              .heads = o->heads,
              .out = o->out_channels,
              .wide = o->heads * o->out_channels};
    numbers(c, &k, scratch);
    k.larger = o->dropout < 1 ? 1 / (1 - o->dropout) : 0;
    k.h = luron_data(luron_saved(c, H)), k.share = luron_data(luron_saved(c, SHARE)),
    k.own = luron_data(luron_saved(c, OWN));
    k.att_source = luron_data(luron_param(c, ATT_SOURCE)), k.att_target = luron_data(luron_param(c, ATT_TARGET));
    return k;
}
static int64_t grain(const work *k) { return 1 + GRAIN / (k->n ? (k->e / k->n + 2) * (k->wide + 8) : 1); }
static void draw_edges(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    k->c->host->rand_uniform(k->c, 0, begin, end - begin, k->drawn + begin);
}
static void draw_own(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    k->c->host->rand_uniform(k->c, 1, begin, end - begin, k->own_drawn + begin);
}
/* The rows of the next edge are on their way while this one's are worked on: nodes are anywhere in memory. */
INLINE void ahead(const work *k, int64_t p, const void *rows, int64_t wide) {
    if (p + 1 >= k->e) return;
    const char *row = (const char *)rows + k->ends.other[p + 1] * wide * graph_size(k->c);
    for (int64_t at = 0; at < wide * graph_size(k->c); at += 64)
        __builtin_prefetch(row + at);
}
/* The numbers of this call, the same in forward and backward. */
static void draw(work *k) {
    if (!luron_is_training(k->c) || k->o->dropout == 0) {
        k->drawn = k->own_drawn = NULL;
        return;
    }
    k->c->host->parallel_for(k->c, k->e * k->heads, GRAIN, draw_edges, k);
    k->c->host->parallel_for(k->c, k->n * k->heads, GRAIN, draw_own, k);
}
#define REAL float
#include "attention.c"
#undef REAL
WIDE_PASS(score)
WIDE_PASS(attend)
WIDE_PASS(slopes)
WIDE_PASS(gather)
#define REAL double
#include "attention.c"
#undef REAL

luron_status gat_setup(luron_call *c) {
    const gat *o = luron_options(c);
    LURON_TRY(graph_setup(c, o->in_channels, o->concat ? o->heads * o->out_channels : o->out_channels));
    work k = work_of(c, NULL);
    LURON_TRY(c->host->declare_saved(c, H, LURON_REAL, LURON_SHAPE(k.n, k.wide)));
    LURON_TRY(c->host->declare_saved(c, SHARE, LURON_REAL, LURON_SHAPE(k.e, k.heads)));
    LURON_TRY(c->host->declare_saved(c, OWN, LURON_REAL, LURON_SHAPE(k.n, k.heads)));
    return c->host->declare_scratch(c, numbers(c, &k, NULL));
}
luron_status gat_forward(luron_call *c) {
    work k = work_of(c, luron_scratch(c));
    LURON_TRY(luron_check_ids(c, EDGES, k.n));
    LURON_TRY(graph_product(c, LURON_TRANS_B, luron_in(c, X), luron_param(c, WEIGHT), NULL, luron_saved(c, H), 0));
    k.y = luron_data(luron_out(c, 0)), k.bias = luron_data(luron_param(c, BIAS));
    graph_sort(c, &k.ends, BY_TARGET, luron_scratch(c));
    draw(&k);
    c->host->parallel_for(c, k.n, 1 + GRAIN / k.wide, BY_VECTORS(c, score), &k);
    c->host->parallel_for(c, k.n, grain(&k), BY_VECTORS(c, attend), &k);
    return LURON_OK;
}
/* The gradient of a or of the other: sums over the nodes of g (n, heads) times h. */
static luron_status attention_slope(work *k, int slot, const void *g) {
    double beta;
    int64_t shape[2] = {k->n, k->wide}, row[1] = {k->wide};
    luron_view *to = luron_grad_param_beta(k->c, slot, &beta), terms = graph_matrix(k->c, k->gh, shape), flat = terms;
    if (!to) return LURON_OK;
    BY_TYPE(k->c, weigh)(k, g);
    flat.data = luron_data(to), flat.ndim = 1, flat.shape = row;
    return k->c->host->sum_to(k->c, &terms, &flat, beta);
}
luron_status gat_backward(luron_call *c) {
    work k = work_of(c, luron_scratch(c));
    double beta;
    int64_t shape[2] = {k.n, k.wide};
    luron_view gh = graph_matrix(c, k.gh, shape), *g;
    const luron_view *gy = luron_grad_out(c, 0);
    k.gy = luron_data(gy);
    draw(&k);
    c->host->parallel_for(c, k.n, 1 + GRAIN / k.wide, BY_VECTORS(c, score), &k);
    graph_sort(c, &k.ends, BY_TARGET, luron_scratch(c));
    c->host->parallel_for(c, k.n, grain(&k), BY_VECTORS(c, slopes), &k);
    graph_sort(c, &k.ends, BY_SOURCE, luron_scratch(c));
    c->host->parallel_for(c, k.n, grain(&k), BY_VECTORS(c, gather), &k);
    if ((g = luron_grad_in_beta(c, X, &beta)))
        LURON_TRY(graph_product(c, 0, &gh, luron_param(c, WEIGHT), NULL, g, beta));
    if ((g = luron_grad_param_beta(c, WEIGHT, &beta)))
        LURON_TRY(graph_product(c, LURON_TRANS_A, &gh, luron_in(c, X), NULL, g, beta));
    LURON_TRY(attention_slope(&k, ATT_SOURCE, k.g_from)); /* over gh, of which nothing is left to do */
    LURON_TRY(attention_slope(&k, ATT_TARGET, k.g_to));
    g = luron_grad_param_beta(c, BIAS, &beta);
    return g ? c->host->sum_to(c, gy, g, beta) : LURON_OK;
}
#else
/* from and to: what nodes score as sources and as targets. */
LOOP TYPED(score)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t i = begin * k->heads; i < end * k->heads; i++) {
        const REAL *h = (const REAL *)k->h + i * k->out;
        ((REAL *)k->from)[i] = TYPED(dot)(h, (const REAL *)k->att_source + i % k->heads * k->out, k->out);
        ((REAL *)k->to)[i] = TYPED(dot)(h, (const REAL *)k->att_target + i % k->heads * k->out, k->out);
    }
}
INLINE REAL TYPED(leaky)(REAL below, REAL z) { return z > 0 ? z : below * z; }
/* What is left of a share: drawn as the number at `at`. */
INLINE REAL TYPED(kept)(const work *k, const float *drawn, int64_t at, REAL share) {
    return !drawn ? share : (REAL)drawn[at] >= (REAL)k->o->dropout ? share * (REAL)k->larger : 0;
}
INLINE void TYPED(add)(REAL *restrict to, REAL times, const REAL *restrict from, int64_t n) {
    for (int64_t j = 0; j < n; j++)
        to[j] += times * from[j];
}
INLINE void TYPED(clear)(REAL *to, int64_t n, REAL value) {
    for (int64_t j = 0; j < n; j++)
        to[j] = value;
}
/* The shares of the edges of target i, from their scores; that of a loop in place of which there is another one is 0.
 */
INLINE void TYPED(softmax)(const work *k, int64_t i) {
    const int64_t heads = k->heads, begin = k->ends.first[i], end = k->ends.first[i + 1];
    const int loops = k->o->add_self_loops;
    const REAL *from = k->from, *to = (const REAL *)k->to + i * heads, below = (REAL)k->o->negative_slope;
    REAL *z = (REAL *)k->slope, *own = (REAL *)k->own + i * heads, *most = (REAL *)k->g_from + i * heads,
         *total = (REAL *)k->g_to + i * heads;
    for (int64_t head = 0; head < heads; head++) {
        own[head] = loops ? TYPED(leaky)(below, from[i * heads + head] + to[head]) : -(REAL)INFINITY;
        most[head] = own[head], total[head] = 0;
    }
    for (int64_t p = begin; p < end; p++) {
        const REAL *source = from + k->ends.other[p] * heads;
        const int there = !loops || k->ends.other[p] != i;
        for (int64_t head = 0; head < heads; head++) {
            const REAL score = there ? TYPED(leaky)(below, source[head] + to[head]) : -(REAL)INFINITY;
            z[p * heads + head] = score, most[head] = score > most[head] ? score : most[head];
        }
    }
    for (int64_t p = begin; p < end; p++)
        for (int64_t head = 0; head < heads; head++)
            z[p * heads + head] -= most[head];
    for (int64_t head = 0; head < heads; head++)
        own[head] -= most[head];
    k->c->host->map(k->c->host, LURON_MAP_exp, k->c->dtype, (end - begin) * heads, z + begin * heads,
                    z + begin * heads);
    k->c->host->map(k->c->host, LURON_MAP_exp, k->c->dtype, loops ? heads : 0, own, own);
    for (int64_t p = begin; p < end; p++)
        TYPED(add)(total, 1, z + p * heads, heads);
    for (int64_t head = 0; head < heads; head++) {
        total[head] = (total[head] + (REAL)1e-16) + (loops ? own[head] : 0);
        own[head] = loops ? own[head] / total[head] : 0;
    }
    for (int64_t p = begin; p < end; p++)
        for (int64_t head = 0; head < heads; head++)
            ((REAL *)k->share)[k->ends.edge[p] * heads + head] = z[p * heads + head] / total[head];
}
LOOP TYPED(attend)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t heads = k->heads, out = k->out, row = k->o->concat ? k->wide : out, step = k->o->concat ? out : 0;
    const REAL *h = k->h, *bias = k->bias, part = k->o->concat ? 1 : 1 / (REAL)heads;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *y = (REAL *)k->y + i * row;
        TYPED(softmax)(k, i);
        TYPED(clear)(y, row, 0);
        for (int64_t p = k->ends.first[i]; p < k->ends.first[i + 1]; p++) {
            ahead(k, p, h, k->wide);
            for (int64_t head = 0, at = k->ends.edge[p] * heads; head < heads; head++, at++) {
                const REAL share = TYPED(kept)(k, k->drawn, at, ((const REAL *)k->share)[at]) * part;
                TYPED(add)(y + head * step, share, h + (k->ends.other[p] * heads + head) * out, out);
            }
        }
        for (int64_t head = 0, at = i * heads; head < heads; head++, at++)
            TYPED(add)(y + head * step, TYPED(kept)(k, k->own_drawn, at, ((const REAL *)k->own)[at]) * part,
                       h + at * out, out);
        for (int64_t j = 0; bias && j < row; j++)
            y[j] += bias[j];
    }
}
/* ds of the edges of targets, of their own loops, and the gradient of to. g: of what a head gives, but for the 1 /
 * heads of a mean. */
LOOP TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t heads = k->heads, out = k->out, step = k->o->concat ? out : 0;
    const REAL *h = k->h, *share = k->share, *from = k->from, part = k->o->concat ? 1 : 1 / (REAL)heads,
               below = (REAL)k->o->negative_slope;
    REAL *slope = k->slope;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *g = (const REAL *)k->gy + i * (k->o->concat ? k->wide : out),
                   *own = (const REAL *)k->own + i * heads, *to = (const REAL *)k->to + i * heads;
        REAL *own_slope = (REAL *)k->own_slope + i * heads, *mean = (REAL *)k->g_from + i * heads,
             *sum = (REAL *)k->g_to + i * heads;
        for (int64_t head = 0, at = i * heads; head < heads; head++, at++) {
            own_slope[head] = TYPED(kept)(k, k->own_drawn, at, part * TYPED(dot)(g + head * step, h + at * out, out));
            mean[head] = own[head] * own_slope[head], sum[head] = 0;
        }
        for (int64_t p = k->ends.first[i]; p < k->ends.first[i + 1]; p++) {
            ahead(k, p, h, k->wide);
            for (int64_t head = 0, at = k->ends.edge[p] * heads; head < heads; head++, at++) {
                const REAL *source = h + (k->ends.other[p] * heads + head) * out;
                slope[at] = TYPED(kept)(k, k->drawn, at, part * TYPED(dot)(g + head * step, source, out));
                mean[head] += share[at] * slope[at];
            }
        }
        for (int64_t p = k->ends.first[i]; p < k->ends.first[i + 1]; p++)
            for (int64_t head = 0, at = k->ends.edge[p] * heads; head < heads; head++, at++) {
                const REAL z = from[k->ends.other[p] * heads + head] + to[head];
                slope[at] = share[at] * (slope[at] - mean[head]) * (z > 0 ? 1 : below);
                sum[head] += slope[at];
            }
        for (int64_t head = 0; head < heads; head++) {
            own_slope[head] =
                own[head] * (own_slope[head] - mean[head]) * (from[i * heads + head] + to[head] > 0 ? 1 : below);
            sum[head] += own_slope[head];
        }
    }
}
/* The gradients of from and of h, of nodes as sources. */
LOOP TYPED(gather)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t heads = k->heads, out = k->out, row = k->o->concat ? k->wide : out, step = k->o->concat ? out : 0;
    const REAL part = k->o->concat ? 1 : 1 / (REAL)heads, *slope = k->slope, *gy = k->gy;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *gh = (REAL *)k->gh + i * k->wide, *sum = (REAL *)k->g_from + i * heads;
        TYPED(clear)(gh, k->wide, 0);
        TYPED(clear)(sum, heads, 0);
        for (int64_t p = k->ends.first[i]; p < k->ends.first[i + 1]; p++) {
            ahead(k, p, gy, row);
            for (int64_t head = 0, at = k->ends.edge[p] * heads; head < heads; head++, at++) {
                const REAL share = TYPED(kept)(k, k->drawn, at, ((const REAL *)k->share)[at]) * part;
                TYPED(add)(gh + head * out, share, gy + k->ends.other[p] * row + head * step, out);
                sum[head] += slope[at];
            }
        }
        for (int64_t head = 0, at = i * heads; head < heads; head++, at++) {
            TYPED(add)(gh + head * out, TYPED(kept)(k, k->own_drawn, at, ((const REAL *)k->own)[at]) * part,
                       gy + i * row + head * step, out);
            sum[head] += ((const REAL *)k->own_slope)[at];
            TYPED(add)(gh + head * out, sum[head], (const REAL *)k->att_source + head * out, out);
            TYPED(add)(gh + head * out, ((const REAL *)k->g_to)[at], (const REAL *)k->att_target + head * out, out);
        }
    }
}
/* gh = g (n, heads) times h. */
static void TYPED(weigh)(const work *k, const void *g) {
    for (int64_t i = 0; i < k->n * k->heads; i++)
        for (int64_t j = 0; j < k->out; j++)
            ((REAL *)k->gh)[i * k->out + j] = ((const REAL *)g)[i] * ((const REAL *)k->h)[i * k->out + j];
}
#endif
