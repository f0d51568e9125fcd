/* vecmath_isa.h -- float32 functions of one number over a run, included once per instruction set with a fused
 * multiply-add, with TABLE, PAIRS and NORMALS, the names of its tables and of luron__normals. What it leaves out, luron__map has from the C library.         */
#include "kernels/vecmath.h"
#include "kernels/vecmath_f32.h"

#include <math.h>

/* y may be x: element i is read before it is written and no other is touched, which ivdep states. */
#define UNARY(name, expr)                                                                                              \
    static void name##_run(int64_t n, const float *x, float *y) {                                                      \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                         \
            const float v = x[i];                                                                                      \
            y[i] = (expr);                                                                                             \
        }                                                                                                              \
    }
/* Numbers of which one too large for the quicker way makes all go the other. */
enum { PIECE = 64, GATES = 256 };
/* Of what is too large for luron__reduce_turn the C library knows more; an element's bits do not depend on the others of its piece. */
#define TURN(name)                                                                                                     \
    static __attribute__((noinline)) float name##_any(float x) {                                                       \
        return fabsf(x) <= LURON__MOST_TURNED ? luron__##name##_f32(x) : name##f(x);                                   \
    }                                                                                                                  \
    static void name##_run(int64_t n, const float *x, float *y) {                                                      \
        for (int64_t at = 0; at < n; at += PIECE) {                                                                    \
            const int64_t end = n - at < PIECE ? n : at + PIECE;                                                       \
            int large = 0;                                                                                             \
            for (int64_t i = at; i < end; i++) large |= !(fabsf(x[i]) <= LURON__MOST_TURNED);                          \
            if (large)                                                                                                 \
                for (int64_t i = at; i < end; i++) y[i] = name##_any(x[i]);                                            \
            else                                                                                                       \
                _Pragma("GCC ivdep") for (int64_t i = at; i < end; i++) y[i] = luron__##name##_f32(x[i]);              \
        }                                                                                                              \
    }
TURN(sin)
TURN(cos)
TURN(tan)
UNARY(far_sigmoid, luron__sigmoid_f32(v))
UNARY(gate, luron__gate_f32(v))
static void sigmoid_run(int64_t n, const float *x, float *y) {
    for (int64_t at = 0; at < n; at += GATES) {
        const int64_t some = n - at < GATES ? n - at : GATES;
        int large = 0;
        for (int64_t i = at; i < at + some; i++) large |= !(fabsf(x[i]) <= LURON__MOST_GATED);
        (large ? far_sigmoid_run : gate_run)(some, x + at, y + at);
    }
}

void NORMALS(int64_t pairs, const uint32_t *w, double mean, double deviation, float *y) { luron__normals(pairs, w, mean, deviation, y); }

#define FUNCTIONS(X)                                                                                                   \
    X(neg, -v)                                                                                                         \
    X(abs, fabsf(v))                                                                                                   \
    X(sign, (float)((v > 0) - (v < 0)))                                                                                \
    X(square, v *v)                                                                                                    \
    X(reciprocal, 1 / v)                                                                                               \
    X(sqrt, sqrtf(v))                                                                                                  \
    X(rsqrt, 1 / sqrtf(v))                                                                                             \
    X(exp, luron__exp_f32(v))                                                                                          \
    X(expm1, luron__expm1_f32(v))                                                                                      \
    X(log, luron__log_f32(v))                                                                                          \
    X(log1p, luron__log1p_f32(v))                                                                                      \
    X(tanh, luron__tanh_f32(v))                                                                                        \
    X(erf, luron__erf_f32(v))                                                                                          \
    X(asin, luron__asin_f32(v))                                                                                        \
    X(acos, luron__acos_f32(v))                                                                                        \
    X(atan, luron__atan_f32(v))                                                                                        \
    X(sinh, luron__sinh_f32(v))                                                                                        \
    X(cosh, luron__cosh_f32(v))                                                                                        \
    X(floor, floorf(v))                                                                                                \
    X(ceil, ceilf(v))                                                                                                  \
    X(round, rintf(v))                                                                                                 \
    X(trunc, truncf(v))
FUNCTIONS(UNARY)

#define ENTRY(name, expr) [LURON_MAP_##name] = name##_run,
luron__map_f32_fn *const TABLE[LURON_MAP_COUNT] = {FUNCTIONS(ENTRY)[LURON_MAP_sin] = sin_run, [LURON_MAP_cos] = cos_run,
                                                       [LURON_MAP_tan] = tan_run, [LURON_MAP_sigmoid] = sigmoid_run};

#include "kernels/vecmath_pair.h"
