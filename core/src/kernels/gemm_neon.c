/* gemm_neon.c -- the matrix product for 64-bit ARM: one rounding a multiply-add, vectors of 16 bytes. */
#if defined(__aarch64__)
#include "kernels/gemm_tile.h"
#include "kernels/turn.h"

#include <arm_neon.h>

#define KEEP(v) __asm__("" : "+w"(v))

#define T float
#define NAME(x) x##_f32
#define GEMM_STORE
#include "kernels/gemm_body.h"
#define VEC float32x4_t
#define VNAME(x) x##_f32x4
#define FMA(a, b, c) vfmaq_f32(c, a, b)
#define SET1(p) vdupq_n_f32(*(p))
#include "kernels/gemm_kernel.h"
#define TURN LURON__TURN_F32
#include "kernels/gemm_row.h"
PANEL_KERNEL(x12_f32, ROWS_8(3))
PANEL_KERNEL(x12_copying_f32, COPYING_8(3))
PANEL_KERNEL(x8_f32, ROWS_8(2))
PANEL_KERNEL(x4_f32, ROWS_8(1))
PANEL_KERNEL(x24_f32, ROWS_OF(1, 6, 3))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {12, 8, x12_f32}, {8, 8, x8_f32}, { 4, 8, x4_f32 }                                                             \
    }
#define WIDTHS {12, 8, 4}
#define COPYING x12_copying_f32
#define MOST_WIDTH 12
#define LEAST_WIDTH 4
#define TN 4
#define ONE_ROW {24, 1, x24_f32}
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
#include "kernels/gemm_kernel.h"
#define TURN LURON__TURN_F64
#include "kernels/gemm_row.h"
PANEL_KERNEL(x6_f64, ROWS_8(3))
PANEL_KERNEL(x6_copying_f64, COPYING_8(3))
PANEL_KERNEL(x4_f64, ROWS_8(2))
PANEL_KERNEL(x2_f64, ROWS_8(1))
PANEL_KERNEL(x12_f64, ROWS_OF(1, 6, 3))
#include "kernels/gemm_kernel_end.h"
#define PANELS                                                                                                         \
    {                                                                                                                  \
        {6, 8, x6_f64}, {4, 8, x4_f64}, { 2, 8, x2_f64 }                                                               \
    }
#define WIDTHS {6, 4, 2}
#define COPYING x6_copying_f64
#define MOST_WIDTH 6
#define LEAST_WIDTH 2
#define TN 2
#define ONE_ROW {12, 1, x12_f64}
#include "kernels/gemm_body.h"

const luron__gemm_kernels luron__gemm_neon = {{tile_f32, tile_f64}, {pack_f32, pack_f64}, {{12, 8, 4}, {6, 4, 2}}, {few_f32, few_f64}, {line_f32, line_f64}};

#else
typedef int luron__gemm_neon_is_for_arm; /* ISO C wants one declaration in a file */
#endif
