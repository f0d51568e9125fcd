/* moves.c: products of parts of tensors, copies between layouts, dropout between layers. */
#ifndef REAL
#include "recurrent.h"
enum { PIECE = 1024, GRAIN = 16384, STRIP = 16 };
typedef struct thinning { const run *r; int64_t layer; const char *from; char *to; } thinning;
typedef struct turning { const char *from; char *to; int64_t rows, cols; double beta; } turning;
#define REAL float
#include "moves.c"
#define REAL double
#include "moves.c"
WIDE_PASS(rows)

static luron_view view_of(const run *r, char *data, int64_t *shape, int64_t *strides) {
    const uint32_t dtype = r->c->dtype;
    return (luron_view) { .data = data, .ndim = 2, .dtype_code = (uint8_t)(dtype >> 8), .dtype_bits = (uint8_t)dtype, .dtype_lanes = 1, .shape = shape,
        .strides = strides };
}
static luron_status product(const run *r, uint32_t flags, matrix a, matrix b, const char *packed, matrix out, double beta) {
    const matrix m[3] = { a, b, out };
    int64_t shape[3][2], strides[3][2];
    luron_view v[3];
    for (int i = 0; i < 3; i++) {
        shape[i][0] = m[i].rows, shape[i][1] = m[i].cols, strides[i][0] = m[i].ld, strides[i][1] = 1;
        v[i] = view_of(r, m[i].data, shape[i], strides[i]);
    }
    luron_gemm g = { sizeof g, flags, &v[0], &v[1], NULL, &v[2], beta };
    return packed ? r->c->host->gemm_packed(r->c, &g, packed) : r->c->host->gemm(r->c, &g);
}
luron_status rnn_product(const run *r, uint32_t flags, matrix a, matrix b, matrix out, double beta) { return product(r, flags, a, b, NULL, out, beta); }

/* weight_hh from row 0 or, split, the rows of the last gate; see rnn_recurrent. */
static int64_t first_row(const run *r, int i) { return i ? r->wide - r->h : 0; }
static int64_t n_rows(const run *r, int i) { return i ? r->h : r->split ? r->wide - r->h : r->wide; }
static matrix weight_rows(const run *r, int64_t part, int i) {
    return (matrix) { rnn_at(r, luron_data(rnn_param(r, part, W_HH)), first_row(r, i) * r->h), n_rows(r, i), r->h, r->h };
}
luron_status rnn_recurrent(const run *r, uint32_t flags, matrix a, int64_t part, int i, matrix out, double beta) {
    if (a.data == r->zero) {
        rnn_move(&(move) { r, r->zero, out.data, 1, out.rows, out.cols, 0, 0, 0, out.ld, 0 });
        return LURON_OK;
    }
    return product(r, flags, a, weight_rows(r, part, i), r->packed[i], out, beta);
}
int64_t rnn_packed_bytes(const run *r, int i) {
    int64_t shape[2] = { n_rows(r, i), r->h }, most = 0;
    luron_view b = view_of(r, NULL, shape, NULL);
    for (uint32_t flags = 0; flags <= LURON_TRANS_B; flags += LURON_TRANS_B) {
        const int64_t bytes = r->c->host->gemm_packed_bytes(r->c, &(luron_gemm) { .struct_size = sizeof(luron_gemm), .flags = flags, .b = &b });
        if (bytes < 0) return bytes;
        most = bytes > most ? bytes : most;
    }
    return most;
}
luron_status rnn_pack(const run *r, int64_t part, uint32_t flags) {
    for (int i = 0; i <= r->split && r->packed[i]; i++) {
        const matrix m = weight_rows(r, part, i);
        int64_t shape[2] = { m.rows, m.cols };
        luron_view b = view_of(r, m.data, shape, NULL);
        LURON_TRY(r->c->host->gemm_pack(r->c, &(luron_gemm) { .struct_size = sizeof(luron_gemm), .flags = flags, .b = &b }, r->packed[i]));
    }
    return LURON_OK;
}
void rnn_move(const move *m) {
    move copy = *m;
    copy.r->c->host->parallel_for(copy.r->c, copy.a * copy.b, 1 + GRAIN / (copy.w + 1), BY_VECTORS(copy.r->c, rows), &copy);
}
void rnn_swap(const run *r, const char *from, char *to, int64_t a, int64_t b, int64_t w, double beta) {
    rnn_move(&(move) { r, from, to, b, a, w, w, b * w, a * w, w, beta });
}
void rnn_turn(const run *r, const char *from, int64_t rows, int64_t cols, char *to, double beta) {
    turning k = { from, to, rows, cols, beta };
    r->c->host->parallel_for(r->c, (cols + STRIP - 1) / STRIP, 1 + GRAIN / (STRIP * rows + 1), BY_TYPE(r->c, turn), &k);
}
void rnn_thin(const run *r, int64_t layer, const char *from, char *to) {
    thinning k = { r, layer, from, to };
    r->c->host->parallel_for(r->c, r->t * r->n * r->out, GRAIN, BY_TYPE(r->c, thin), &k);
}
#else
LOOP TYPED(rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
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
/* Strips of columns of `from`. */
static void TYPED(turn)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const turning *k = arg;
    (void)chunk;
    for (int64_t strip = begin; strip < end; strip++) {
        const int64_t first = strip * STRIP, w = k->cols - first < STRIP ? k->cols - first : STRIP;
        REAL *to = (REAL *)k->to + first * k->rows;
        for (int64_t i = 0; i < k->rows; i++) {
            const REAL *from = (const REAL *)k->from + i * k->cols + first;
            if (k->beta != 0)
                for (int64_t j = 0; j < w; j++) to[j * k->rows + i] += from[j];
            else
                for (int64_t j = 0; j < w; j++) to[j * k->rows + i] = from[j];
        }
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
