/* vecmath_pair.h -- functions of two numbers over a run, included by vecmath_isa.h with PAIRS, the name of their table.
 *
 * The remainder has the bits that fmod gives: of a quotient below 2^23 (2^52 of float64) a whole number of divisors is taken away
 * exactly by one multiply-add. Where rounding made the quotient one too large, the rest is below 0, and exact as well. */
#include <float.h>
#include <math.h>

/* The loop over pieces; one number for all is written out for one of them. y may be a or b: all of a piece is read before any of it is
 * written. */
#define RUN_OF_PAIRS(name, T)                                                                                          \
    static void name##_run(int64_t n, const T *a, int sa, const T *b, int sb, T *y) {                                  \
        T one[PIECE];                                                                                                  \
        for (int i = 0; i < PIECE && !(sa && sb); i++)                                                                 \
            one[i] = sa ? *b : *a;                                                                                     \
        for (int64_t at = 0; at < n; at += PIECE)                                                                      \
            name##_piece(n - at < PIECE ? n - at : PIECE, sa ? a + at : one, sb ? b + at : one, y + at);               \
    }

/* % has the sign of the divisor, as in Lua. MOST: quotients below it are whole numbers that T holds, once their fraction is cut off. */
#define REMAINDER(name, T, W, C, FMA_OF, MOST, LARGEST)                                                                \
    static inline T name##_signed(T m, T b) { return ((m != 0) & ((m < 0) != (b < 0))) ? m + b : m; }                  \
    static __attribute__((noinline)) void name##_far(int64_t n, const T *a, const T *b, T *y) {                        \
        for (int64_t i = 0; i < n; i++)                                                                                \
            y[i] = name##_signed(C(fmod)(a[i], b[i]), b[i]);                                                           \
    }                                                                                                                  \
    static void name##_piece(int64_t n, const T *a, const T *b, T *y) {                                                \
        T out[PIECE];                                                                                                  \
        W far = 0;                                                                                                     \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const T u = a[i], v = b[i], x = C(fabs)(u), d = C(fabs)(v), q = x / d;                                     \
            const T rest = FMA_OF(-C(trunc)(q), d, x), m = C(copysign)(rest < 0 ? rest + d : rest, u);                 \
            far |= !((q < (MOST)) & (d <= (LARGEST)));                                                                 \
            out[i] = name##_signed(m, v);                                                                              \
        }                                                                                                              \
        if (far)                                                                                                       \
            name##_far(n, a, b, y);                                                                                    \
        else                                                                                                           \
            memcpy(y, out, (size_t)n * sizeof *y);                                                                     \
    }                                                                                                                  \
    RUN_OF_PAIRS(name, T)
#define C_F32(name) name##f
#define C_F64(name) name
REMAINDER(remainder_f32, float, int32_t, C_F32, __builtin_fmaf, 0x1p23f, FLT_MAX)
REMAINDER(remainder_f64, double, int64_t, C_F64, __builtin_fma, 0x1p52, DBL_MAX)

static void atan2_f32_piece(int64_t n, const float *a, const float *b, float *y) {
    float out[PIECE];
    for (int64_t i = 0; i < n; i++)
        out[i] = luron__atan2_f32(a[i], b[i]);
    memcpy(y, out, (size_t)n * sizeof *y);
}
RUN_OF_PAIRS(atan2_f32, float)

const luron__pairs PAIRS = {remainder_f32_run, atan2_f32_run, remainder_f64_run};
