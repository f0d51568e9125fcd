/* gemm_plain.c -- the matrix product in portable C: a * b + c in two roundings, vectors of 16 bytes (SSE2, NEON). */
#include "kernels/gemm_tile.h"

#define KEEP(v) (void)0

typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));

static inline f32x4 some_f32(const float *p, int n) {
    f32x4 v = {0};
    memcpy(&v, p, (size_t)n * sizeof(*p));
    return v;
}
static inline f64x2 some_f64(const double *p, int n) {
    f64x2 v = {0};
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
#define VEC f32x4
#define VNAME(x) x##_f32x4
#define FMA(a, b, c) ((a) * (b) + (c))
#define SET1(p) (*(p) - (f32x4){0}) /* in every lane, -0 too */
#define LOAD_SOME(p, n) some_f32(p, n)
#define STORE_SOME(p, n, v) memcpy(p, &v, (size_t)(n) * sizeof(T))
#include "kernels/gemm_kernel.h"
PANEL_KERNEL(x8_f32, ROWS_6(2))
PANEL_KERNEL(x4_f32, ROWS_8(1))
PANEL_KERNEL(x32_f32, ROWS(1, 8))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {8, 6, x8_f32}, { 4, 8, x4_f32 }                                                                               \
    }
#define WIDTHS {8, 4}
#define MOST_WIDTH 8
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
#define VEC f64x2
#define VNAME(x) x##_f64x2
#define FMA(a, b, c) ((a) * (b) + (c))
#define SET1(p) (*(p) - (f64x2){0})
#define LOAD_SOME(p, n) some_f64(p, n)
#define STORE_SOME(p, n, v) memcpy(p, &v, (size_t)(n) * sizeof(T))
#include "kernels/gemm_kernel.h"
PANEL_KERNEL(x4_f64, ROWS_6(2))
PANEL_KERNEL(x2_f64, ROWS_8(1))
PANEL_KERNEL(x16_f64, ROWS(1, 8))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {4, 6, x4_f64}, { 2, 8, x2_f64 }                                                                               \
    }
#define WIDTHS {4, 2}
#define MOST_WIDTH 4
#define LEAST_WIDTH 2
#define ONE_ROW {16, 1, x16_f64}
#define TRANSPOSE transpose_f64
#define TN 2
#include "kernels/gemm_body.h"

const luron__gemm_kernels luron__gemm_plain = {{tile_f32, tile_f64}, {pack_f32, pack_f64}, {{8, 4}, {4, 2}}};
