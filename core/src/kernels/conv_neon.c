/* conv_neon.c -- convolution for 64-bit ARM: one rounding a multiply-add, vectors of 16 bytes. */
#if defined(__aarch64__)
#include "kernels/conv_part.h"

#include <arm_neon.h>

#define KEEP(v) __asm__("" : "+w"(v))
#define MOST_ROWS 8
#define MOST_VECS 3

#define T float
#define VEC float32x4_t
#define VNAME(x) x##_f32x4
#define FMA(a, b, c) vfmaq_f32(c, a, b)
#define SET1(p) vdupq_n_f32(*(p))
#define TURN LURON__TURN_F32
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7)
#define ZIP(a, b, h) __builtin_shufflevector(a, b, 0 + 2 * (h), 4 + 2 * (h), 1 + 2 * (h), 5 + 2 * (h))
#include "kernels/conv_kernel.h"
#undef T

#define T double
#define VEC float64x2_t
#define VNAME(x) x##_f64x2
#define FMA(a, b, c) vfmaq_f64(c, a, b)
#define SET1(p) vdupq_n_f64(*(p))
#define TURN LURON__TURN_F64
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3)
#define ZIP(a, b, h) __builtin_shufflevector(a, b, 0 + (h), 2 + (h))
#include "kernels/conv_kernel.h"
#undef T

static const luron__conv_moves moves = {{turn_f32x4, turn_f64x2}, {copy_f32x4, copy_f64x2}, {zip_f32x4, zip_f64x2}};
const luron__conv_kernels luron__conv_neon = {
    {run_f32x4, run_f64x2}, {weight_f32x4, weight_f64x2}, &moves, {4, 2}, {4, 2}, NULL};

#else
typedef int luron__conv_neon_is_for_arm; /* ISO C wants one declaration in a file */
#endif
