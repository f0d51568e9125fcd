/* gemm_avx2.c -- the matrix product for x86-64 with AVX2 and FMA: one rounding a multiply-add, vectors of 32 bytes.
 * Compiled with -mavx2 -mfma; called only where the processor has both.                                              */
#if defined(__x86_64__)
#include "kernels/gemm_tile.h"
#include "kernels/turn.h"

#include <immintrin.h>

#define KEEP(v) __asm__("" : "+x"(v))

/* All ones in the first n lanes. */
static inline __m256i first_f32(int n) {
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(ones + 8 - n));
}
static inline __m256i first_f64(int n) { return first_f32(2 * n); }

/* The first n < 8 or 4 numbers, piece by piece: a masked store takes tens of cycles on some processors. */
static inline void store_some_f32(float *p, int n, __m256 v) {
    __m128 x = _mm256_castps256_ps128(v);
    if (n & 4) {
        _mm_storeu_ps(p, x);
        x = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)p, x);
        x = _mm_movehl_ps(x, x);
        p += 2;
    }
    if (n & 1) _mm_store_ss(p, x);
}
static inline void store_some_f64(double *p, int n, __m256d v) {
    __m128d x = _mm256_castpd256_pd128(v);
    if (n & 2) {
        _mm_storeu_pd(p, x);
        x = _mm256_extractf128_pd(v, 1);
        p += 2;
    }
    if (n & 1) _mm_store_sd(p, x);
}

#define T float
#define NAME(x) x##_f32
#define GEMM_STORE
#include "kernels/gemm_body.h"
#define VEC __m256
#define VNAME(x) x##_f32x8
#define FMA _mm256_fmadd_ps
#define SET1(p) _mm256_set1_ps(*(p))
#define LOAD_SOME(p, n) _mm256_maskload_ps(p, first_f32(n))
#define STORE_SOME(p, n, v) store_some_f32(p, n, v)
#include "kernels/gemm_kernel.h"
#define HALVES(p, q) _mm256_loadu2_m128(q, p)
#define TURN LURON__TURN_F32_X2
#include "kernels/gemm_row.h"
PANEL_KERNEL(x24_f32, ROWS(3, 3) ROWS(4, 3))
PANEL_KERNEL(x24_copying_f32, ROWS_IN(3, 3, 3, true) ROWS_IN(4, 3, 3, true))
PANEL_KERNEL(x16_f32, ROWS_6(2))
PANEL_KERNEL(x16_copying_f32, COPYING_6(2))
PANEL_KERNEL(x8_f32, ROWS_8(1))
PANEL_KERNEL(x64_f32, ROWS_OF(1, 8, 2))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {16, 6, x16_f32}, { 8, 8, x8_f32 }                                                                             \
    }
#define WIDTHS {16, 8}
#define COPYING x16_copying_f32
#define MOST_WIDTH 16
#define LEAST_WIDTH 8
#define ONE_ROW {64, 1, x64_f32}
#define TN 8
#define TURNS_ROWS
#define WIDE {24, 4, x24_f32}
#define WIDE_WIDTH 24
#define WIDE_ROWS 4
#define WIDE_COPYING x24_copying_f32
#include "kernels/gemm_body.h"
#undef T
#undef NAME

#define T double
#define NAME(x) x##_f64
#define GEMM_STORE
#include "kernels/gemm_body.h"
#define VEC __m256d
#define VNAME(x) x##_f64x4
#define FMA _mm256_fmadd_pd
#define SET1(p) _mm256_set1_pd(*(p))
#define LOAD_SOME(p, n) _mm256_maskload_pd(p, first_f64(n))
#define STORE_SOME(p, n, v) store_some_f64(p, n, v)
#include "kernels/gemm_kernel.h"
#define HALVES(p, q) _mm256_loadu2_m128d(q, p)
#define TURN LURON__TURN_F64_X2
#include "kernels/gemm_row.h"
PANEL_KERNEL(x8_f64, ROWS_6(2))
PANEL_KERNEL(x8_copying_f64, COPYING_6(2))
PANEL_KERNEL(x4_f64, ROWS_8(1))
PANEL_KERNEL(x32_f64, ROWS_OF(1, 8, 2))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {8, 6, x8_f64}, { 4, 8, x4_f64 }                                                                               \
    }
#define WIDTHS {8, 4}
#define COPYING x8_copying_f64
#define MOST_WIDTH 8
#define LEAST_WIDTH 4
#define ONE_ROW {32, 1, x32_f64}
#define TN 4
#define TURNS_ROWS
#include "kernels/gemm_body.h"

const luron__gemm_kernels luron__gemm_avx2 = {{tile_f32, tile_f64}, {pack_f32, pack_f64}, {{16, 8}, {8, 4}}, {few_f32, few_f64}, {line_f32, line_f64}};

#else
typedef int luron__gemm_avx2_is_for_x86; /* ISO C wants one declaration in a file */
#endif
