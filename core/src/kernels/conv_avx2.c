/* conv_avx2.c -- convolution for x86-64 with AVX2 and FMA: one rounding a multiply-add, vectors of 32 bytes.
 * Compiled with -mavx2 -mfma; called only where the processor has both.                                              */
#if defined(__x86_64__)
#include "kernels/conv_list.h"
#include "kernels/conv_part.h"

#include <immintrin.h>

#define KEEP(v) __asm__("" : "+x"(v))

#define MOST_ROWS 6
#define MOST_VECS 2

#define T float
#define VEC __m256
#define VNAME(x) x##_f32x8
#define FMA _mm256_fmadd_ps
#define SET1(p) _mm256_set1_ps(*(p))
#define TURN LURON__TURN_F32
#define LOW_ROWS 4
#define LIST_8 list_8
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#define ZIP(a, b, h) __builtin_shufflevector(a, b, 0 + 4 * (h), 8 + 4 * (h), 1 + 4 * (h), 9 + 4 * (h), 2 + 4 * (h), 10 + 4 * (h), 3 + 4 * (h), 11 + 4 * (h))
#include "kernels/conv_kernel.h"
#undef T

#define T double
#define VEC __m256d
#define VNAME(x) x##_f64x4
#define FMA _mm256_fmadd_pd
#define SET1(p) _mm256_set1_pd(*(p))
#define TURN LURON__TURN_F64
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7)
#define ZIP(a, b, h) __builtin_shufflevector(a, b, 0 + 2 * (h), 4 + 2 * (h), 1 + 2 * (h), 5 + 2 * (h))
#include "kernels/conv_kernel.h"
#undef T

const luron__conv_sparse luron__conv_sparse_avx2 = {list_f32x8, sparse_weight_f32x8, sparse_input_f32x8};
const luron__conv_moves luron__conv_moves_avx2 = {{turn_f32x8, turn_f64x4}, {copy_f32x8, copy_f64x4}, {zip_f32x8, zip_f64x4}};
const luron__conv_kernels luron__conv_avx2 = {
    {run_f32x8, run_f64x4}, {weight_f32x8, weight_f64x4}, &luron__conv_moves_avx2, {8, 4}, {8, 4}, &luron__conv_sparse_avx2};

#else
typedef int luron__conv_avx2_is_for_x86; /* ISO C wants one declaration in a file */
#endif
