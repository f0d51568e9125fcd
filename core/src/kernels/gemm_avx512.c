/* gemm_avx512.c -- the matrix product for x86-64 with AVX-512 (F, VL, BW, DQ): vectors of 64 bytes, and of 32 for the
 * last few columns. Compiled with flags of its own; called only where the processor has them.                        */
#if defined(__x86_64__)
#include "kernels/gemm_tile.h"

#include <immintrin.h>

#define KEEP(v) __asm__("" : "+v"(v))
#define FIRST(n) ((1u << (n)) - 1)

/* Rows of 16 numbers as columns: pairs of rows, then of pairs within lanes of 16 bytes, then lanes. */
static inline void transpose_f32(const float *from, int64_t ld, float *to, int64_t panel) {
    __m512 r[16], s[16];
    for (int i = 0; i < 16; i++)
        r[i] = _mm512_loadu_ps(from + i * ld);
    for (int i = 0; i < 16; i += 2) {
        s[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        s[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_shuffle_ps(s[i], s[i + 2], 0x44);
        r[i + 1] = _mm512_shuffle_ps(s[i], s[i + 2], 0xee);
        r[i + 2] = _mm512_shuffle_ps(s[i + 1], s[i + 3], 0x44);
        r[i + 3] = _mm512_shuffle_ps(s[i + 1], s[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) { /* r[4 q + i] has columns i, i + 4, i + 8, i + 12 of rows 4 q .. 4 q + 3 */
        __m512 a = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88), b = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd),
               c = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88), d = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
        _mm512_storeu_ps(to + i * panel, _mm512_shuffle_f32x4(a, c, 0x88));
        _mm512_storeu_ps(to + (i + 4) * panel, _mm512_shuffle_f32x4(b, d, 0x88));
        _mm512_storeu_ps(to + (i + 8) * panel, _mm512_shuffle_f32x4(a, c, 0xdd));
        _mm512_storeu_ps(to + (i + 12) * panel, _mm512_shuffle_f32x4(b, d, 0xdd));
    }
}

static inline void transpose_f64(const double *from, int64_t ld, double *to, int64_t panel) {
    __m512d r[8], s[8];
    for (int i = 0; i < 8; i++)
        r[i] = _mm512_loadu_pd(from + i * ld);
    for (int i = 0; i < 8; i += 2) {
        s[i] = _mm512_unpacklo_pd(r[i], r[i + 1]);
        s[i + 1] = _mm512_unpackhi_pd(r[i], r[i + 1]);
    }
    for (int i = 0; i < 2; i++) { /* s[2 q + i] has columns i, i + 2, i + 4, i + 6 of rows 2 q, 2 q + 1 */
        __m512d a = _mm512_shuffle_f64x2(s[i], s[i + 2], 0x88), b = _mm512_shuffle_f64x2(s[i], s[i + 2], 0xdd),
                c = _mm512_shuffle_f64x2(s[i + 4], s[i + 6], 0x88), d = _mm512_shuffle_f64x2(s[i + 4], s[i + 6], 0xdd);
        _mm512_storeu_pd(to + i * panel, _mm512_shuffle_f64x2(a, c, 0x88));
        _mm512_storeu_pd(to + (i + 2) * panel, _mm512_shuffle_f64x2(b, d, 0x88));
        _mm512_storeu_pd(to + (i + 4) * panel, _mm512_shuffle_f64x2(a, c, 0xdd));
        _mm512_storeu_pd(to + (i + 6) * panel, _mm512_shuffle_f64x2(b, d, 0xdd));
    }
}

#define T float
#define NAME(x) x##_f32
#define GEMM_STORE
#include "kernels/gemm_body.h"
#define VEC __m512
#define VNAME(x) x##_f32x16
#define FMA _mm512_fmadd_ps
#define SET1(p) _mm512_set1_ps(*(p))
#define LOAD_SOME(p, n) _mm512_maskz_loadu_ps((__mmask16)FIRST(n), p)
#define STORE_SOME(p, n, v) _mm512_mask_storeu_ps(p, (__mmask16)FIRST(n), v)
#include "kernels/gemm_kernel.h"
PANEL_KERNEL(x48_f32, ROWS_8(3))
PANEL_KERNEL(x48_copying_f32, COPYING_8(3))
PANEL_KERNEL(x32_f32, ROWS_8(2))
PANEL_KERNEL(x16_f32, ROWS_8(1))
PANEL_KERNEL(x96_f32, ROWS_OF(1, 6, 3))
#include "kernels/gemm_kernel_end.h"
#define VEC __m256
#define VNAME(x) x##_f32x8
#define FMA _mm256_fmadd_ps
#define SET1(p) _mm256_set1_ps(*(p))
#define LOAD_SOME(p, n) _mm256_maskz_loadu_ps((__mmask8)FIRST(n), p)
#define STORE_SOME(p, n, v) _mm256_mask_storeu_ps(p, (__mmask8)FIRST(n), v)
#include "kernels/gemm_kernel.h"
PANEL_KERNEL(x8_f32, ROWS_8(1))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {48, 8, x48_f32}, {32, 8, x32_f32}, {16, 8, x16_f32}, { 8, 8, x8_f32 }                                         \
    }
#define WIDTHS {48, 32, 16, 8}
#define COPYING x48_copying_f32
#define MOST_WIDTH 48
#define LEAST_WIDTH 8
#define ONE_ROW {96, 1, x96_f32}
#define TRANSPOSE transpose_f32
#define TN 16
#include "kernels/gemm_body.h"
#undef T
#undef NAME

#define T double
#define NAME(x) x##_f64
#define GEMM_STORE
#include "kernels/gemm_body.h"
#define VEC __m512d
#define VNAME(x) x##_f64x8
#define FMA _mm512_fmadd_pd
#define SET1(p) _mm512_set1_pd(*(p))
#define LOAD_SOME(p, n) _mm512_maskz_loadu_pd((__mmask8)FIRST(n), p)
#define STORE_SOME(p, n, v) _mm512_mask_storeu_pd(p, (__mmask8)FIRST(n), v)
#include "kernels/gemm_kernel.h"
PANEL_KERNEL(x24_f64, ROWS_8(3))
PANEL_KERNEL(x16_f64, ROWS_8(2))
PANEL_KERNEL(x8_f64, ROWS_8(1))
PANEL_KERNEL(x48_f64, ROWS_OF(1, 6, 3))
#include "kernels/gemm_kernel_end.h"
#define VEC __m256d
#define VNAME(x) x##_f64x4
#define FMA _mm256_fmadd_pd
#define SET1(p) _mm256_set1_pd(*(p))
#define LOAD_SOME(p, n) _mm256_maskz_loadu_pd((__mmask8)FIRST(n), p)
#define STORE_SOME(p, n, v) _mm256_mask_storeu_pd(p, (__mmask8)FIRST(n), v)
#include "kernels/gemm_kernel.h"
PANEL_KERNEL(x4_f64, ROWS_8(1))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {24, 8, x24_f64}, {16, 8, x16_f64}, {8, 8, x8_f64}, { 4, 8, x4_f64 }                                           \
    }
#define WIDTHS {24, 16, 8, 4}
#define COPYING NULL
#define MOST_WIDTH 24
#define LEAST_WIDTH 4
#define ONE_ROW {48, 1, x48_f64}
#define TRANSPOSE transpose_f64
#define TN 8
#include "kernels/gemm_body.h"

const luron__gemm_kernels luron__gemm_avx512 = {
    {tile_f32, tile_f64}, {pack_f32, pack_f64}, {{48, 32, 16, 8}, {24, 16, 8, 4}}, {NULL, NULL}, {NULL, NULL}};

#else
typedef int luron__gemm_avx512_is_for_x86; /* ISO C wants one declaration in a file */
#endif
