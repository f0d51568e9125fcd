/* vecmath.c -- luron__map: exp, tanh, ... over a run. */
#include "kernels/vecmath.h"

#include "kernels/kernels.h"
#include "kernels/vecmath_f32.h"

#include <math.h>

/* Declared in vecmath_f32.h. */
extern const float luron__exp_range[2], luron__sigmoid_range[2], luron__most_tanh;
const float luron__exp_range[2] = {-104, 89}, luron__sigmoid_range[2] = {-88, 104}, luron__most_tanh = 10;

#define T float
#define NAME(f) f##_f32
#define C(name) name##f
#include "kernels/vecmath_body.h"
#undef T
#undef NAME
#undef C
#define T double
#define NAME(f) f##_f64
#define C(name) name
#include "kernels/vecmath_body.h"

/* Integers wrap around: the smallest one is its own negative. */
static void map_i64(uint32_t fn, int64_t n, const int64_t *x, int64_t *y) {
    for (int64_t i = 0; i < n; i++) {
        const int64_t v = x[i], negative = (int64_t)(0 - (uint64_t)v);
        switch (fn) {
        case LURON_MAP_neg:
            y[i] = negative;
            break;
        case LURON_MAP_abs:
            y[i] = v < 0 ? negative : v;
            break;
        case LURON_MAP_sign:
            y[i] = (v > 0) - (v < 0);
            break;
        case LURON_MAP_square:
            y[i] = (int64_t)((uint64_t)v * (uint64_t)v);
            break;
        default: /* floor, ceil, round, trunc */
            y[i] = v;
            break;
        }
    }
}

static luron__map_f32_fn *fast_f32(int isa, uint32_t fn) {
    if (fn >= LURON_MAP_COUNT) return NULL;
    switch (isa) {
#if defined(__x86_64__)
    case LURON__ISA_AVX512:
        return luron__map_avx512[fn];
    case LURON__ISA_AVX2:
        return luron__map_avx2[fn];
#elif defined(__aarch64__)
    case LURON__ISA_NEON:
        return luron__map_neon[fn];
#endif
    default:
        return NULL;
    }
}

const luron__pairs *luron__pairs_of(int isa) {
    switch (isa) {
#if defined(__x86_64__)
    case LURON__ISA_AVX512:
        return &luron__pairs_avx512;
    case LURON__ISA_AVX2:
        return &luron__pairs_avx2;
#elif defined(__aarch64__)
    case LURON__ISA_NEON:
        return &luron__pairs_neon;
#endif
    default:
        return NULL;
    }
}

void luron__draw_normals(int isa, int64_t pairs, const uint32_t *w, double mean, double deviation, float *y) {
    switch (isa) {
#if defined(__x86_64__)
    case LURON__ISA_AVX512:
        luron__normals_avx512(pairs, w, mean, deviation, y);
        break;
    case LURON__ISA_AVX2:
        luron__normals_avx2(pairs, w, mean, deviation, y);
        break;
#elif defined(__aarch64__)
    case LURON__ISA_NEON:
        luron__normals_neon(pairs, w, mean, deviation, y);
        break;
#endif
    default:
        luron__normals(pairs, w, mean, deviation, y);
        break;
    }
}

void luron__map(int isa, uint32_t fn, uint32_t dtype, int64_t n, const void *x, void *y) {
    luron__map_f32_fn *fast = dtype == LURON_F32 ? fast_f32(isa, fn) : NULL;
    if (fast) {
        fast(n, x, y);
        return;
    }
    switch (dtype) {
    case LURON_F32:
        map_f32(fn, n, x, y);
        break;
    case LURON_F64:
        map_f64(fn, n, x, y);
        break;
    case LURON_I64:
        map_i64(fn, n, x, y);
        break;
    default:
        break;
    }
}
