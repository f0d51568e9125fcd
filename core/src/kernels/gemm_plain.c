/* gemm_plain.c -- the matrix product in portable C: a * b + c in two roundings, vectors of 16 bytes (SSE2, NEON). */
#include "kernels/gemm_tile.h"

#define VEC_ROWS 6
#define FMA(a, b, c) ((a) * (b) + (c))

typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));

#define T float
#define VEC f32x4
#define NAME(x) x##_f32_plain
#include "kernels/gemm_body.h"
#undef T
#undef VEC
#undef NAME

#define T double
#define VEC f64x2
#define NAME(x) x##_f64_plain
#include "kernels/gemm_body.h"
