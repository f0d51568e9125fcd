/* gemm_neon.c -- the matrix product for 64-bit ARM: one rounding a multiply-add, vectors of 16 bytes. */
#if defined(__aarch64__)
#include "kernels/gemm_tile.h"

#include <arm_neon.h>

#define KEEP(v) __asm__("" : "+w"(v))

static inline float32x4_t some_f32(const float *p, int n) {
    float32x4_t v = {0};
    memcpy(&v, p, (size_t)n * sizeof(*p));
    return v;
}
static inline float64x2_t some_f64(const double *p, int n) {
    float64x2_t v = {0};
    memcpy(&v, p, (size_t)n * sizeof(*p));
    return v;
}
static inline void transpose_f32(const float *from, int64_t ld, float *to, int64_t panel) {
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            to[i * panel + j] = from[j * ld + i];
}
static inline void transpose_f64(const double *from, int64_t ld, double *to, int64_t panel) {
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            to[i * panel + j] = from[j * ld + i];
}

#define T float
#define NAME(x) x##_f32
#define GEMM_STORE
#include "kernels/gemm_body.h"
#define VEC float32x4_t
#define VNAME(x) x##_f32x4
#define FMA(a, b, c) vfmaq_f32(c, a, b)
#define SET1(p) vdupq_n_f32(*(p))
#define LOAD_SOME(p, n) some_f32(p, n)
#define STORE_SOME(p, n, v) memcpy(p, &v, (size_t)(n) * sizeof(T))
#include "kernels/gemm_kernel.h"
PANEL_KERNEL(x12_f32, ROWS_8(3))
PANEL_KERNEL(x8_f32, ROWS_8(2))
PANEL_KERNEL(x4_f32, ROWS_8(1))
PANEL_KERNEL(x32_f32, ROWS(1, 8))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {12, 8, x12_f32}, {8, 8, x8_f32}, { 4, 8, x4_f32 }                                                             \
    }
#define WIDTHS {12, 8, 4}
#define MOST_WIDTH 12
#define LEAST_WIDTH 4
#define ONE_ROW {32, 1, x32_f32}
#define TRANSPOSE transpose_f32
#define TN 4
#include "kernels/gemm_body.h"
#undef T
#undef NAME

#define T double
#define NAME(x) x##_f64
#define GEMM_STORE
#include "kernels/gemm_body.h"
#define VEC float64x2_t
#define VNAME(x) x##_f64x2
#define FMA(a, b, c) vfmaq_f64(c, a, b)
#define SET1(p) vdupq_n_f64(*(p))
#define LOAD_SOME(p, n) some_f64(p, n)
#define STORE_SOME(p, n, v) memcpy(p, &v, (size_t)(n) * sizeof(T))
#include "kernels/gemm_kernel.h"
PANEL_KERNEL(x6_f64, ROWS_8(3))
PANEL_KERNEL(x4_f64, ROWS_8(2))
PANEL_KERNEL(x2_f64, ROWS_8(1))
PANEL_KERNEL(x16_f64, ROWS(1, 8))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {6, 8, x6_f64}, {4, 8, x4_f64}, { 2, 8, x2_f64 }                                                               \
    }
#define WIDTHS {6, 4, 2}
#define MOST_WIDTH 6
#define LEAST_WIDTH 2
#define ONE_ROW {16, 1, x16_f64}
#define TRANSPOSE transpose_f64
#define TN 2
#include "kernels/gemm_body.h"

const luron__gemm_kernels luron__gemm_neon = {{tile_f32, tile_f64}, {pack_f32, pack_f64}, {{12, 8, 4}, {6, 4, 2}}};

#else
typedef int luron__gemm_neon_is_for_arm; /* ISO C wants one declaration in a file */
#endif
