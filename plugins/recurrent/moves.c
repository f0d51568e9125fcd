/* moves.c: products of parts of tensors, copies between layouts, dropout between layers. */
#ifndef REAL
#include "recurrent.h"
enum { PIECE = 1024, GRAIN = 16384 };
typedef struct thinning { const run *r; int64_t layer; const char *from; char *to; } thinning;
#define REAL float
#include "moves.c"
#define REAL double
#include "moves.c"

static luron_view view_of(const run *r, char *data, int64_t *shape, int64_t *strides) {
    const uint32_t dtype = r->c->dtype;
    return (luron_view) { .data = data, .ndim = 2, .dtype_code = (uint8_t)(dtype >> 8), .dtype_bits = (uint8_t)dtype, .dtype_lanes = 1, .shape = shape,
        .strides = strides };
}
luron_status rnn_product(const run *r, uint32_t flags, matrix a, matrix b, const char *bias, matrix out, double beta) {
    const matrix m[3] = { a, b, out };
    int64_t shape[4][2] = { { 0 } }, strides[3][2];
    luron_view v[4];
    for (int i = 0; i < 3; i++) {
        shape[i][0] = m[i].rows, shape[i][1] = m[i].cols, strides[i][0] = m[i].ld, strides[i][1] = 1;
        v[i] = view_of(r, m[i].data, shape[i], strides[i]);
    }
    shape[3][0] = out.cols;
    v[3] = view_of(r, NULL, shape[3], NULL);
    v[3].ndim = 1, v[3].data = (void *)(uintptr_t)bias; /* read alone */
    luron_gemm g = { sizeof g, flags, &v[0], &v[1], bias ? &v[3] : NULL, &v[2], beta };
    return r->c->host->gemm(r->c, &g);
}
void rnn_move(const move *m) {
    move copy = *m;
    copy.r->c->host->parallel_for(copy.r->c, copy.a * copy.b, 1 + GRAIN / (copy.w + 1), BY_TYPE(copy.r->c, rows), &copy);
}
void rnn_swap(const run *r, const char *from, char *to, int64_t a, int64_t b, int64_t w, double beta) {
    rnn_move(&(move) { r, from, to, b, a, w, w, b * w, a * w, w, beta });
}
void rnn_thin(const run *r, int64_t layer, const char *from, char *to) {
    thinning k = { r, layer, from, to };
    r->c->host->parallel_for(r->c, r->t * r->n * r->out, GRAIN, BY_TYPE(r->c, thin), &k);
}
#else
static void TYPED(rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const move *m = arg;
    (void)chunk;
    for (int64_t k = begin, i = begin / m->b, j = begin % m->b; k < end; k++) {
        const REAL *from = (const REAL *)m->from + i * m->from_a + j * m->from_b;
        REAL *to = (REAL *)m->to + i * m->to_a + j * m->to_b;
        if (m->beta != 0)
            for (int64_t x = 0; x < m->w; x++) to[x] += from[x];
        else
            for (int64_t x = 0; x < m->w; x++) to[x] = from[x];
        if (++j == m->b) j = 0, i++;
    }
}
static void TYPED(thin)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const thinning *k = arg;
    const double p = k->r->o->dropout;
    const REAL least = (REAL)p, times = (REAL)(p < 1 ? 1 / (1 - p) : 0), *from = (const REAL *)k->from;
    REAL *to = (REAL *)k->to;
    float u[PIECE];
    (void)chunk;
    for (int64_t at = begin, m; at < end; at += m) {
        m = end - at < PIECE ? end - at : PIECE;
        k->r->c->host->rand_uniform(k->r->c, (int)k->layer, at, m, u);
        for (int64_t i = 0; i < m; i++) to[at + i] = (REAL)u[i] >= least ? from[at + i] * times : 0;
    }
}
#undef REAL
#endif
