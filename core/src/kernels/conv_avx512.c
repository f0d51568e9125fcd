/* conv_avx512.c -- convolution for x86-64 with AVX-512: vectors of 64 bytes, of two halves where these fill lines better.
 * Compiled with flags of its own; called only where the processor has them. */
#if defined(__x86_64__)
#include "kernels/conv_part.h"

#include <immintrin.h>

#define KEEP(v) __asm__("" : "+v"(v))

#define MOST_ROWS 8
#define MOST_VECS 3

#define T float
#define VEC __m512
#define VNAME(x) x##_f32x16
#define FMA _mm512_fmadd_ps
#define SET1(p) _mm512_set1_ps(*(p))
#define PAIRS
#include "kernels/conv_kernel.h"
#undef MOST_VECS
#define MOST_VECS 2
#define VEC __m512
#define VNAME(x) x##_f32x8x2
#define HALF __m256
#define HALVES(low, high) _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1)
#define HALF_OF(v, i) ((i) ? _mm512_extractf32x8_ps(v, 1) : _mm512_castps512_ps256(v))
#define FMA _mm512_fmadd_ps
#define SET1(p) _mm512_set1_ps(*(p))
#include "kernels/conv_kernel.h"
#undef T

#define T double
#define VEC __m512d
#define VNAME(x) x##_f64x8
#define FMA _mm512_fmadd_pd
#define SET1(p) _mm512_set1_pd(*(p))
#define PAIRS
#include "kernels/conv_kernel.h"
#undef T

/* A number from memory in each lane of a whole vector, one a multiply-add, takes as long as one and a quarter of these on Zen 4: panels
 * of one such vector are two of AVX2. */
static void weight_f32(const luron__conv_weight_job *j) { (j->width > 16 ? weight_f32x16 : luron__conv_avx2.weight[0])(j); }
static void weight_f64(const luron__conv_weight_job *j) { (j->width > 8 ? weight_f64x8 : luron__conv_avx2.weight[1])(j); }

/* Places of the numbers among n that are not 0, ascending, in whole vectors. */
static int list_f32(const float *g, int n, int32_t *list) {
    enum { N = 16 };
    __m512i place = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    int found = 0;
    for (int i = 0; i < n; i += N) {
        const __mmask16 some = n - i < N ? (__mmask16)((1u << (n - i)) - 1) : (__mmask16)-1;
        const __mmask16 is = _mm512_mask_cmp_ps_mask(some, _mm512_maskz_loadu_ps(some, g + i), _mm512_setzero_ps(), _CMP_NEQ_UQ);
        _mm512_storeu_si512(list + found, _mm512_maskz_compress_epi32(is, place));
        found += __builtin_popcount(is);
        place = _mm512_add_epi32(place, _mm512_set1_epi32(N));
    }
    return found;
}
static void sparse_weight_f32(const luron__conv_sparse_job *j) { luron__conv_sparse_avx2.weight(j); }
static void sparse_input_f32(const luron__conv_sparse_job *j) { luron__conv_sparse_avx2.input(j); }
static const luron__conv_sparse sparse = {list_f32, sparse_weight_f32, sparse_input_f32};

/* Halves of lines in one vector where the last one of a line would have nothing in its upper half. */
static void run_f32(const luron__conv_job *j) {
    if (j->columns % 16 == 0 || j->columns % 16 > 8)
        run_f32x16(j);
    else if (j->lines * ((j->columns + 7) / 8) > 1)
        run_f32x8x2(j);
    else
        luron__conv_avx2.run[0](j);
}
const luron__conv_kernels luron__conv_avx512 = {
    {run_f32, run_f64x8}, {weight_f32, weight_f64}, &luron__conv_moves_avx2, {16, 8}, {8, 4}, &sparse};

#else
typedef int luron__conv_avx512_is_for_x86; /* ISO C wants one declaration in a file */
#endif
