/* conv_avx512.c -- convolution for x86-64 with AVX-512: vectors of 64 bytes, of two halves where these fill lines better.
 * Compiled with flags of its own; called only where the processor has them. */
#if defined(__x86_64__)
#include "kernels/conv_list.h"
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
#define TURN LURON__TURN_F32
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
#undef MOST_ROWS
#define MOST_ROWS 6
#define VEC __m256
#define VNAME(x) x##_f32x8
#define FMA _mm256_fmadd_ps
#define SET1(p) _mm256_set1_ps(*(p))
#define LIST_8 list_8
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#define ZIP(a, b, h) __builtin_shufflevector(a, b, 0 + 4 * (h), 8 + 4 * (h), 1 + 4 * (h), 9 + 4 * (h), 2 + 4 * (h), 10 + 4 * (h), 3 + 4 * (h), 11 + 4 * (h))
#include "kernels/conv_kernel.h"
#undef T

#define T double
#define VEC __m512d
#define VNAME(x) x##_f64x8
#define FMA _mm512_fmadd_pd
#define SET1(p) _mm512_set1_pd(*(p))
#define TURN LURON__TURN_F64
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#define ZIP(a, b, h) __builtin_shufflevector(a, b, 0 + 4 * (h), 8 + 4 * (h), 1 + 4 * (h), 9 + 4 * (h), 2 + 4 * (h), 10 + 4 * (h), 3 + 4 * (h), 11 + 4 * (h))
#include "kernels/conv_kernel.h"
#undef T

/* Halves of lines in one vector where the last one of a line would have nothing in its upper half. */
static void run_f32(const luron__conv_job *j) {
    if (j->columns % 16 == 0 || j->columns % 16 > 8)
        run_f32x16(j);
    else if (j->lines * ((j->columns + 7) / 8) > 1)
        run_f32x8x2(j);
    else
        run_f32x8(j);
}
static const luron__conv_sparse sparse = {list_f32x8, sparse_weight_f32x8, sparse_input_f32x8};
const luron__conv_kernels luron__conv_avx512 = {
    {run_f32, run_f64x8}, {weight_f32x16, weight_f64x8}, {turn_f32x16, turn_f64x8}, {copy_f32x8, copy_f64x8}, {zip_f32x8, zip_f64x8}, {16, 8}, &sparse};

#else
typedef int luron__conv_avx512_is_for_x86; /* ISO C wants one declaration in a file */
#endif
