/* gemm_plain.c -- the matrix product in portable C: a * b + c in two roundings, vectors of 16 bytes (SSE2, NEON). */
#include "kernels/gemm_tile.h"
#include "kernels/turn.h"

#define KEEP(v) (void)0

typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));

#define T float
#define NAME(x) x##_f32
#define GEMM_STORE
#include "kernels/gemm_body.h"
#define VEC f32x4
#define VNAME(x) x##_f32x4
#define FMA(a, b, c) ((a) * (b) + (c))
#define SET1(p) (*(p) - (f32x4){0}) /* in every lane, -0 too */
#include "kernels/gemm_kernel.h"
#define TURN LURON__TURN_F32
#include "kernels/gemm_row.h"
PANEL_KERNEL(x8_f32, ROWS_6(2))
PANEL_KERNEL(x4_f32, ROWS_8(1))
PANEL_KERNEL(x32_f32, ROWS_OF(1, 8, 2))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {8, 6, x8_f32}, { 4, 8, x4_f32 }                                                                               \
    }
#define WIDTHS {8, 4}
#define COPYING NULL
#define MOST_WIDTH 8
#define LEAST_WIDTH 4
#define TN 4
#define ONE_ROW {32, 1, x32_f32}
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
#include "kernels/gemm_kernel.h"
#define TURN LURON__TURN_F64
#include "kernels/gemm_row.h"
PANEL_KERNEL(x4_f64, ROWS_6(2))
PANEL_KERNEL(x2_f64, ROWS_8(1))
PANEL_KERNEL(x16_f64, ROWS_OF(1, 8, 2))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {4, 6, x4_f64}, { 2, 8, x2_f64 }                                                                               \
    }
#define WIDTHS {4, 2}
#define COPYING NULL
#define MOST_WIDTH 4
#define LEAST_WIDTH 2
#define TN 2
#define ONE_ROW {16, 1, x16_f64}
#include "kernels/gemm_body.h"

const luron__gemm_kernels luron__gemm_plain = {{tile_f32, tile_f64}, {pack_f32, pack_f64}, {{8, 4}, {4, 2}}, {few_f32, few_f64}, {line_f32, line_f64}};
