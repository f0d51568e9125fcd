/* conv_plain.c -- convolution in portable C: a * b + c in two roundings, vectors of 16 bytes (SSE2, NEON). */
#include "kernels/conv_part.h"

#define KEEP(v) (void)0
#define MOST_ROWS 6
#define MOST_VECS 2

typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));

#define T float
#define VEC f32x4
#define VNAME(x) x##_f32x4
#define FMA(a, b, c) ((a) * (b) + (c))
#define SET1(p) (*(p) - (f32x4){0}) /* in every lane, -0 too */
#define TURN LURON__TURN_F32
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7)
#define ZIP(a, b, h) __builtin_shufflevector(a, b, 0 + 2 * (h), 4 + 2 * (h), 1 + 2 * (h), 5 + 2 * (h))
#include "kernels/conv_kernel.h"
#undef T

#define T double
#define VEC f64x2
#define VNAME(x) x##_f64x2
#define FMA(a, b, c) ((a) * (b) + (c))
#define SET1(p) (*(p) - (f64x2){0})
#define TURN LURON__TURN_F64
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3)
#define ZIP(a, b, h) __builtin_shufflevector(a, b, 0 + (h), 2 + (h))
#include "kernels/conv_kernel.h"
#undef T

static const luron__conv_moves moves = {{turn_f32x4, turn_f64x2}, {copy_f32x4, copy_f64x2}, {zip_f32x4, zip_f64x2}};
const luron__conv_kernels luron__conv_plain = {
    {run_f32x4, run_f64x2}, {weight_f32x4, weight_f64x2}, &moves, {4, 2}, {4, 2}, NULL};
