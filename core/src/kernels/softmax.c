/* softmax.c -- exp(x - max) / sum, or (x - max) - log(sum), along a dim, and their gradients. What stands along the dim has bits that
 * depend on it and the shape alone. */
#include "internal.h"

#include <math.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { LANES = 8, PIECE = 256, COLUMNS = PIECE }; /* columns: many, for they may be pages apart */

#ifdef __x86_64__
#define SELDOM __attribute__((cold)) /* without AVX2 */
#else
#define SELDOM
#endif
#define T float
#define TARGET SELDOM
#define WIDEN(v) __builtin_convertvector(v, quad_f32)
#define NAME(x) x##_f32
#include "kernels/softmax_body.h"
#undef TARGET
#undef WIDEN
#undef NAME
#ifdef __x86_64__
#define TARGET __attribute__((target("avx2")))
#define WIDEN(v) _mm256_cvtps_pd(v)
#define NAME(x) x##_wide
#include "kernels/softmax_body.h"
#undef TARGET
#undef WIDEN
#undef NAME
#endif
#undef T
#define T double
#define TARGET
#define WIDEN(v) (v)
#define NAME(x) x##_f64
#include "kernels/softmax_body.h"

int64_t luron__softmax_width(const luron__softmax_args *a) { return a->inner < COLUMNS ? a->inner : COLUMNS; }

void luron__softmax(const luron__softmax_args *a, int64_t begin, int64_t end) {
    if (a->dtype == LURON_F64)
        some_f64(a, begin, end);
#ifdef __x86_64__
    else if (a->isa != LURON__ISA_PLAIN)
        some_wide(a, begin, end);
#endif
    else
        some_f32(a, begin, end);
}
