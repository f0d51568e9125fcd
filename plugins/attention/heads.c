/* heads.c: q (n,h,t,d), k (n,kv,s,d), v (n,kv,s,dv) -> y (n,h,t,dv). A block of queries of one head at a time: its
 * products with the keys, softmax, the product with the values; backward the same again, and three products more.    */
#ifndef REAL
#include "attention.h"
enum { BLOCK = 65536, LEAST_ROWS = 64, MOST_ROWS = 256, LANES = 8, PIECE = 1024, GRAIN = 16384 };
/* Queries [first, first + count) of one head, which see `cols` keys at most. */
typedef struct block {
    const heads *k;
    int64_t item, first, count, cols;
    char *scores, *slopes; /* (count, cols) */
} block;
#define REAL float
#include "heads.c"
#define REAL double
#include "heads.c"
WIDE_PASS(soften)
WIDE_PASS(slope)

    static int64_t rows_of(const heads *k) {
    int64_t rows = BLOCK / (k->s ? k->s : 1);
    rows = rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
    return rows < k->t ? rows : k->t;
}
int64_t heads_scratch(const heads *k) { return 2 * rows_of(k) * k->s * attention_size(k->c); }

luron_status attention_product(luron_call *c, uint32_t flags, matrix a, matrix b, const luron_view *bias, matrix out,
                               double beta) {
    const matrix m[3] = {a, b, out};
    int64_t shape[3][2], strides[3][2];
    luron_view v[3];
    for (int i = 0; i < 3; i++) {
        shape[i][0] = m[i].rows, shape[i][1] = m[i].cols, strides[i][0] = m[i].step, strides[i][1] = 1;
        v[i] = (luron_view){.data = m[i].data,
                            .ndim = 2,
                            .dtype_code = (uint8_t)(c->dtype >> 8),
                            .dtype_bits = (uint8_t)c->dtype,
                            .dtype_lanes = 1,
                            .shape = shape[i],
                            .strides = strides[i]};
    }
    return c->host->gemm(c, &(luron_gemm){sizeof(luron_gemm), flags, &v[0], &v[1], bias, &v[2], beta});
}
/* Rows [first, first + count) of a head of an item, `cols` numbers each. */
static matrix part(const heads *k, const head_rows *r, int64_t item, int64_t heads_of, int64_t first, int64_t count,
                   int64_t cols) {
    const int64_t head = item % k->h / (k->h / heads_of);
    char *at = r->data + (item / k->h * r->batch + head * r->head + first * r->row) * attention_size(k->c);
    return (matrix){at, count, cols, r->row};
}
static block block_of(const heads *k, int64_t item, int64_t first) {
    block b = {k, item, first, rows_of(k), k->s, k->scratch, k->scratch + rows_of(k) * k->s * attention_size(k->c)};
    if (b.count > k->t - first) b.count = k->t - first;
    if (k->causal && !k->extra && b.cols > k->before + first + b.count) b.cols = k->before + first + b.count;
    return b;
}
static matrix scores_of(const block *b, char *of) { return (matrix){of, b->count, b->cols, b->cols}; }
static luron_status multiply(const block *b) {
    const heads *k = b->k;
    return attention_product(k->c, LURON_TRANS_B, part(k, &k->q, b->item, k->h, b->first, b->count, k->d),
                             part(k, &k->k, b->item, k->kv, 0, b->cols, k->d), NULL, scores_of(b, b->scores), 0);
}
static void pass(block *b, void (*fn)(void *, int64_t, int64_t, int64_t)) {
    b->k->c->host->parallel_for(b->k->c, b->count, 1 + GRAIN / (b->cols + 1), fn, b);
}

luron_status heads_forward(const heads *k) {
    for (int64_t item = 0; item < k->n * k->h; item++)
        for (int64_t first = 0; first < k->t; first += rows_of(k)) {
            block b = block_of(k, item, first);
            LURON_TRY(multiply(&b));
            pass(&b, BY_VECTORS(k->c, soften));
            LURON_TRY(attention_product(k->c, 0, scores_of(&b, b.scores), part(k, &k->v, item, k->kv, 0, b.cols, k->dv),
                                        NULL, part(k, &k->y, item, k->h, first, b.count, k->dv), 0));
        }
    return LURON_OK;
}
static luron_status backward_block(const heads *k, block *b) {
    const matrix gy = part(k, &k->gy, b->item, k->h, b->first, b->count, k->dv);
    const matrix weights = scores_of(b, b->scores), slopes = scores_of(b, b->slopes);
    LURON_TRY(multiply(b));
    LURON_TRY(
        attention_product(k->c, LURON_TRANS_B, gy, part(k, &k->v, b->item, k->kv, 0, b->cols, k->dv), NULL, slopes, 0));
    if (k->masks[0].grad || k->masks[1].grad) /* rows may add to one number */
        BY_VECTORS(k->c, slope)(b, 0, b->count, 0);
    else
        pass(b, BY_VECTORS(k->c, slope));
    if (k->gv.data)
        LURON_TRY(attention_product(k->c, LURON_TRANS_A, weights, gy, NULL,
                                    part(k, &k->gv, b->item, k->kv, 0, b->cols, k->dv), 1));
    if (k->gq.data)
        LURON_TRY(attention_product(k->c, 0, slopes, part(k, &k->k, b->item, k->kv, 0, b->cols, k->d), NULL,
                                    part(k, &k->gq, b->item, k->h, b->first, b->count, k->d), k->beta_q));
    if (!k->gk.data) return LURON_OK;
    return attention_product(k->c, LURON_TRANS_A, slopes, part(k, &k->q, b->item, k->h, b->first, b->count, k->d), NULL,
                             part(k, &k->gk, b->item, k->kv, 0, b->cols, k->d), 1);
}
luron_status heads_backward(const heads *k) {
    for (int64_t item = 0; item < k->n * k->h; item++)
        for (int64_t first = 0; first < k->t; first += rows_of(k)) {
            block b = block_of(k, item, first);
            LURON_TRY(backward_block(k, &b));
        }
    return LURON_OK;
}
#else
/* Keys that query `row` of the block may see, of those that the masks leave to be judged. */
INLINE int64_t TYPED(seen)(const block *b, int64_t row) {
    const int64_t last = b->k->before + b->first + row + 1;
    return b->k->causal && !b->k->extra && last < b->cols ? last : b->cols;
}
/* x = scale x + mask over n keys; what may not be seen is -infinity. */
LOOP TYPED(add_masks)(const block *b, int64_t row, int64_t n, REAL *x) {
    const REAL scale = (REAL)b->k->scale;
    for (int64_t j = 0; j < n; j++)
        x[j] *= scale;
    n -= b->k->extra;
    for (int64_t j = b->k->before + b->first + row + 1; b->k->causal && j < n; j++)
        x[j] = -(REAL)INFINITY;
    for (int i = 0; i < 2; i++) {
        const key_mask *m = &b->k->masks[i];
        if (!m->data) continue;
        const int64_t at = mask_row(m, b->item, b->first + row);
        if (m->is_bool)
            for (int64_t j = 0; j < n; j++)
                x[j] = (m->data[at + j * m->col] != 0) == m->passes ? x[j] : -(REAL)INFINITY;
        else
            for (int64_t j = 0; j < n; j++)
                x[j] += ((const REAL *)m->data)[at + j * m->col];
    }
}
/* The largest of n numbers but NaN, in LANES, so that one number does not wait for the one before. */
INLINE REAL TYPED(largest)(int64_t n, const REAL *x) {
    REAL lane[LANES], most = -(REAL)INFINITY;
    for (int l = 0; l < LANES; l++)
        lane[l] = most;
    const int64_t whole = n - n % LANES;
    for (int64_t j = 0; j < whole; j += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
    for (int64_t j = whole; j < n; j++)
        most = x[j] > most ? x[j] : most;
    for (int l = 0; l < LANES; l++)
        most = lane[l] > most ? lane[l] : most;
    return most;
}
/* The sum of a[j] b[j], b NULL: of a, in an order that follows from n. */
INLINE double TYPED(sum)(int64_t n, const REAL *a, const REAL *b) {
    quad low = {0}, high = {0};
    double rest = 0;
    const int64_t whole = n - n % LANES;
    for (int64_t j = 0; j < whole; j += LANES)
        if (b)
            low += QUAD(a + j) * QUAD(b + j), high += QUAD(a + j + 4) * QUAD(b + j + 4);
        else
            low += QUAD(a + j), high += QUAD(a + j + 4);
    for (int64_t j = whole; j < n; j++)
        rest += b ? (double)a[j] * (double)b[j] : (double)a[j];
    return FOLDED(low, high) + rest;
}
/* Dropout of n numbers, of a row of weights or of what goes back to them: what is dropped follows from the place. */
LOOP TYPED(thin)(const block *b, int64_t row, int64_t n, REAL *x) {
    const heads *k = b->k;
    const REAL least = (REAL)k->p, times = (REAL)(k->p < 1 ? 1 / (1 - k->p) : 0);
    const int64_t at = (b->item * k->t + b->first + row) * k->s;
    float u[PIECE];
    for (int64_t first = 0, m; first < n; first += m) {
        m = n - first < PIECE ? n - first : PIECE;
        k->c->host->rand_uniform(k->c, 0, at + first, m, u);
        for (int64_t j = 0; j < m; j++)
            x[first + j] = (REAL)u[j] >= least ? x[first + j] * times : 0;
    }
}
/* Where the weights of a query stand among those that are given. */
INLINE int64_t TYPED(weights_at)(const block *b, int64_t row) {
    const int64_t item = b->k->apart ? b->item : b->item / b->k->h;
    return (item * b->k->t + b->first + row) * b->k->s;
}
/* Scores to weights. */
LOOP TYPED(soften)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const block *b = arg;
    const heads *k = b->k;
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        REAL *x = (REAL *)b->scores + row * b->cols, *sums = (REAL *)k->sums + b->item * k->t + b->first + row;
        const int64_t n = TYPED(seen)(b, row);
        TYPED(add_masks)(b, row, n, x);
        const REAL most = TYPED(largest)(n, x), base = most == -(REAL)INFINITY ? 0 : most;
        for (int64_t j = 0; j < n; j++)
            x[j] -= base;
        k->c->host->map(k->c->host, LURON_MAP_exp, k->c->dtype, n, x, x);
        const double sum = TYPED(sum)(n, x, NULL);
        const REAL times = sum == 0 ? 0 : (REAL)(1 / sum); /* 0: no key is seen; a NaN among them makes all weights NaN */
        *sums = sum == 0 ? (REAL)INFINITY : (REAL)((double)most + log(sum));
        for (int64_t j = 0; j < n; j++)
            x[j] *= times;
        for (int64_t j = n; j < b->cols; j++)
            x[j] = 0;
        if (k->p > 0) TYPED(thin)(b, row, n, x);
        if (!k->weights) continue;
        REAL *to = (REAL *)k->weights + TYPED(weights_at)(b, row);
        const REAL share = (REAL)(k->apart ? 1 : 1 / (double)k->h);
        for (int64_t j = 0; j < n; j++)
            to[j] += x[j] * share;
    }
}
/* Adds the slopes of a row to the gradient of a mask that is numbers. */
static void TYPED(add_to_mask)(const block *b, const key_mask *m, int64_t row, int64_t n, const REAL *slope) {
    REAL *to = (REAL *)m->grad + mask_row(m, b->item, b->first + row);
    for (int64_t j = 0; j < n - b->k->extra; j++)
        to[j * m->col] += slope[j];
}
/* Scores to weights as they met the values; in place of the gradients of these, those of the products. */
LOOP TYPED(slope)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const block *b = arg;
    const heads *k = b->k;
    const REAL scale = (REAL)k->scale;
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        REAL *x = (REAL *)b->scores + row * b->cols, *g = (REAL *)b->slopes + row * b->cols;
        const REAL sums = ((const REAL *)k->sums)[b->item * k->t + b->first + row];
        const int64_t n = TYPED(seen)(b, row);
        TYPED(add_masks)(b, row, n, x);
        for (int64_t j = 0; j < n; j++)
            x[j] -= sums;
        k->c->host->map(k->c->host, LURON_MAP_exp, k->c->dtype, n, x, x);
        if (k->gweights) {
            const REAL *more = (const REAL *)k->gweights + TYPED(weights_at)(b, row);
            const REAL share = (REAL)(k->apart ? 1 : 1 / (double)k->h);
            for (int64_t j = 0; j < n; j++)
                g[j] += more[j] * share;
        }
        if (k->p > 0) TYPED(thin)(b, row, n, g);
        const REAL mean = (REAL)TYPED(sum)(n, x, g);
        for (int64_t j = 0; j < n; j++)
            g[j] = x[j] * (g[j] - mean);
        for (int i = 0; i < 2; i++)
            if (k->masks[i].grad) TYPED(add_to_mask)(b, &k->masks[i], row, n, g);
        for (int64_t j = 0; j < n; j++)
            g[j] *= scale;
        for (int64_t j = n; j < b->cols; j++)
            x[j] = g[j] = 0;
        if (k->p > 0) TYPED(thin)(b, row, n, x);
    }
}
#undef REAL
#endif
