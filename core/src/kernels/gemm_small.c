/* gemm_small.c -- products of float32 so small that packing, tiles and bounds would cost more than the sums: few
 * columns, read where they are, or turned on the stack. By the rule of gemm.c, so the bits are those of the tiles. For
 * x86-64 with AVX2; an element is the same chain of multiply-adds in vectors of any length, so AVX-512 takes these too.
 */
#include "internal.h"
#include "kernels/gemm_tile.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { VL = 8, MOST_N = 2 * VL, MOST_TURNED = 1024 /* numbers of a transposed b */ };
#define MOST_MULTIPLIES 8192
#define TARGET __attribute__((target("avx2,fma")))
#define BODY TARGET static inline __attribute__((always_inline))

typedef struct product {
    const float *a, *b, *bias;
    float *c, beta;
    int64_t k, row_stride, k_stride, ldb, ldc;
    int some; /* columns of the last vector */
    __m256i mask;
} product;

/* The first n of the numbers in v; a masked store takes many times as long on some processors. */
BODY void store_some(float *to, int n, __m256 v) {
    __m128 part = _mm256_castps256_ps128(v);
    if (n & 4) {
        _mm_storeu_ps(to, part);
        part = _mm256_extractf128_ps(v, 1), to += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)to, part);
        part = _mm_movehl_ps(part, part), to += 2;
    }
    if (n & 1) _mm_store_ss(to, part);
}

BODY __m256 load(const product *p, const float *from, const bool is_some) {
    return is_some ? _mm256_maskload_ps(from, p->mask) : _mm256_loadu_ps(from);
}

/* Rows `row` to row + rows; all, vecs and rows are constants where it is inlined. all: the last vector is full. */
BODY void tile(const product *p, int64_t row, const int rows, const int vecs, const bool all) {
    const float *a = p->a + row * p->row_stride, *b = p->b;
    __m256 sum[8][2];
    LURON__UNROLL(8)
    for (int r = 0; r < rows; r++)
        LURON__UNROLL(2)
        for (int v = 0; v < vecs; v++)
            sum[r][v] = _mm256_setzero_ps();
    for (int64_t k = 0; k < p->k; k++, a += p->k_stride, b += p->ldb) {
        __m256 y[2];
        LURON__UNROLL(2)
        for (int v = 0; v < vecs; v++)
            y[v] = load(p, b + v * VL, !all && v == vecs - 1);
        LURON__UNROLL(8)
        for (int r = 0; r < rows; r++)
            LURON__UNROLL(2)
            for (int v = 0; v < vecs; v++)
                sum[r][v] = _mm256_fmadd_ps(_mm256_broadcast_ss(a + r * p->row_stride), y[v], sum[r][v]);
    }
    LURON__UNROLL(2)
    for (int v = 0; v < vecs; v++) {
        const bool is_some = !all && v == vecs - 1;
        const __m256 bias = p->bias ? load(p, p->bias + v * VL, is_some) : _mm256_setzero_ps();
        float *c = p->c + row * p->ldc + v * VL;
        LURON__UNROLL(8)
        for (int r = 0; r < rows; r++, c += p->ldc) {
            __m256 s = sum[r][v];
            if (p->beta != 0) s = _mm256_add_ps(s, _mm256_mul_ps(_mm256_set1_ps(p->beta), load(p, c, is_some)));
            if (p->bias) s = _mm256_add_ps(s, bias);
            if (is_some)
                store_some(c, p->some, s);
            else
                _mm256_storeu_ps(c, s);
        }
    }
}

/* 8 / vecs rows at a time: as many sums as hide the time of a multiply-add. */
BODY void rows_of(const product *p, int64_t m, const int vecs, const bool all) {
    int64_t row = 0;
    for (; row + 8 / vecs <= m; row += 8 / vecs)
        tile(p, row, 8 / vecs, vecs, all);
    if (vecs == 1 && row + 4 <= m) tile(p, row, 4, vecs, all), row += 4;
    if (row + 2 <= m) tile(p, row, 2, vecs, all), row += 2;
    if (row < m) tile(p, row, 1, vecs, all);
}

TARGET void luron__gemm_small_run(const luron__gemm_args *g) {
    _Alignas(32) float turned[MOST_TURNED];
    const bool trans_a = g->flags & LURON_TRANS_A;
    const int vecs = (int)(g->n + VL - 1) / VL, some = (int)g->n - (vecs - 1) * VL;
    product p = {.a = g->a,
                 .b = g->b,
                 .bias = g->bias,
                 .c = g->c,
                 .beta = (float)g->beta,
                 .k = g->k,
                 .ldb = g->ldb,
                 .ldc = g->ldc,
                 .some = some};
    p.row_stride = trans_a ? 1 : g->lda, p.k_stride = trans_a ? g->lda : 1;
    p.mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(some), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    if (g->flags & LURON_TRANS_B) {
        for (int64_t j = 0; j < g->n; j++)
            for (int64_t k = 0; k < g->k; k++)
                turned[k * g->n + j] = p.b[j * g->ldb + k];
        p.b = turned, p.ldb = g->n;
    }
    if (vecs == 1 && some == VL)
        rows_of(&p, g->m, 1, true);
    else if (vecs == 1)
        rows_of(&p, g->m, 1, false);
    else if (some == VL)
        rows_of(&p, g->m, 2, true);
    else
        rows_of(&p, g->m, 2, false);
}

bool luron__gemm_is_small(const luron__gemm_args *g) {
    return g->n <= MOST_N && g->m * g->n * g->k <= MOST_MULTIPLIES && g->k <= LURON__GEMM_K && g->dtype == LURON_F32 &&
           (g->isa == LURON__ISA_AVX2 || g->isa == LURON__ISA_AVX512) && !g->packed && g->m > 1 && g->n > 0 &&
           (!(g->flags & LURON_TRANS_B) || g->n * g->k <= MOST_TURNED);
}

#else
bool luron__gemm_is_small(const luron__gemm_args *g) {
    (void)g;
    return false;
}
void luron__gemm_small_run(const luron__gemm_args *g) { (void)g; }
#endif

bool luron__gemm_small(const luron__gemm_args *g) {
    if (!luron__gemm_is_small(g)) return false;
    luron__gemm_small_run(g);
    return true;
}
