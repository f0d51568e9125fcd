/* moves.c: products of parts of tensors, copies between layouts, dropout between layers. */
#ifndef REAL
#include "recurrent.h"
enum { PIECE = 1024, GRAIN = 16384, STRIP = 16 };
typedef struct thinning { const run *r; int64_t layer; const char *from; char *to; } thinning;
typedef struct turning { const char *from; char *to; int64_t rows, cols; double beta; } turning;
/* Pieces of 16 bytes, and how a square of them is turned. */
#define SIDE(T) ((int)(16 / sizeof(T)))
typedef float piece_float __attribute__((vector_size(16), aligned(4), may_alias));
typedef double piece_double __attribute__((vector_size(16), aligned(8), may_alias));
static inline void TURN_float(piece_float *p) {
    const piece_float a = __builtin_shufflevector(p[0], p[1], 0, 4, 1, 5), b = __builtin_shufflevector(p[0], p[1], 2, 6, 3, 7),
                      c = __builtin_shufflevector(p[2], p[3], 0, 4, 1, 5), d = __builtin_shufflevector(p[2], p[3], 2, 6, 3, 7);
    p[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5), p[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    p[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5), p[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}
static inline void TURN_double(piece_double *p) {
    const piece_double a = p[0];
    p[0] = __builtin_shufflevector(a, p[1], 0, 2), p[1] = __builtin_shufflevector(a, p[1], 1, 3);
}
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
/* A square of pieces, rows for columns. */
LOOP TYPED(square)(const REAL *from, int64_t ld_from, REAL *to, int64_t ld_to, int adds) {
    TYPED(piece) p[SIDE(REAL)];
    for (int i = 0; i < SIDE(REAL); i++) p[i] = *(const TYPED(piece) *)(from + i * ld_from);
    JOIN(TURN, REAL)(p);
    for (int i = 0; i < SIDE(REAL); i++) {
        TYPED(piece) *at = (TYPED(piece) *)(to + i * ld_to);
        if (adds) p[i] += *at;
        *at = p[i];
    }
}
/* Strips of columns of `from`. */
static void TYPED(turn)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const turning *k = arg;
    const int64_t whole = k->rows - k->rows % SIDE(REAL);
    const int adds = k->beta != 0;
    (void)chunk;
    for (int64_t strip = begin; strip < end; strip++) {
        const int64_t first = strip * STRIP, w = k->cols - first < STRIP ? k->cols - first : STRIP, squares = w - w % SIDE(REAL);
        const REAL *from = (const REAL *)k->from + first;
        REAL *to = (REAL *)k->to + first * k->rows;
        for (int64_t i = 0; i < whole; i += SIDE(REAL)) {
            const int64_t on = i + STRIP < whole ? i + STRIP : i; /* what comes next: short rows far apart are no stream */
            for (int64_t x = 0; x < SIDE(REAL); x++) rnn_fetch(from + (on + x) * k->cols, w * (int64_t)sizeof(REAL));
            for (int64_t x = 0; x < w && i % STRIP == 0; x++) rnn_fetch_to_write(to + x * k->rows + on, STRIP * (int64_t)sizeof(REAL));
            for (int64_t j = 0; j < squares; j += SIDE(REAL))
                TYPED(square)(from + i * k->cols + j, k->cols, to + j * k->rows + i, k->rows, adds);
        }
        for (int64_t i = 0; i < k->rows; i++)
            for (int64_t j = i < whole ? squares : 0; j < w; j++) {
                const REAL x = from[i * k->cols + j];
                to[j * k->rows + i] = adds ? to[j * k->rows + i] + x : x;
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
