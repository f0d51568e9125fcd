/* vecmath_f32.h -- exp, log, tanh, ... of a float32 without branches, so that a compiler makes vectors of them for any
 * instruction set with a fused multiply-add, with the same bits for all. Worst errors, over every 97th float:
 *
 *   exp 1.00, expm1 1.43, log 0.81, log1p 0.83, tanh 1.93, sigmoid 1.63, erf 1.07, sin 1.55,
 *   cos 1.55, tan 1.39, asin 1.53, acos 1.09, atan 1.36, atan2 0.76, sinh 1.61, cosh 1.40 units in the last place
 *
 * Polynomials: make_vecmath.py. NaN gives NaN: comparisons let it pass on the side that is kept. */
#ifndef LURON_VECMATH_F32_H
#define LURON_VECMATH_F32_H
#include <stdint.h>
#include <string.h>

#define FMA(a, b, c) __builtin_fmaf(a, b, c)

static inline uint32_t luron__bits(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}
static inline float luron__float(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* x = n ln 2 + r with |r| <= ln 2 / 2 -> q = exp(r) - 1; x within [-104, 89]. */
static inline float luron__reduce_exp(float x, int32_t *n) {
    const float magic = 0x1.8p23f; /* adding it leaves the nearest integer in the last bits */
    float t = FMA(x, 0x1.715476p0f, magic), k = t - magic;
    *n = (int32_t)(luron__bits(t) - luron__bits(magic));
    float r = FMA(k, -0x1.62ep-1f, x); /* ln 2 in two parts: k times the first is exact */
    r = FMA(k, -0x1.0bfbe8p-15f, r);
    float p = 0x1.6a4f72p-10f;
    p = FMA(p, r, 0x1.123980p-7f);
    p = FMA(p, r, 0x1.5558aep-5f);
    p = FMA(p, r, 0x1.555492p-3f);
    p = FMA(p, r, 0x1.fffffcp-2f);
    return FMA(r * r, p, r);
}
/* 2^n, n within [-127, 127]; -127 gives 0. */
static inline float luron__power_of_2(int32_t n) { return luron__float((uint32_t)(n + 127) << 23); }
/* Lowest and highest number. They stand in vecmath.c: of two that a compiler knows it makes comparisons and choices, where
 * a maximum and a minimum would do. */
extern const float luron__exp_range[2], luron__sigmoid_range[2], luron__most_tanh;
static inline float luron__clamp(float x, const float *range) {
    x = x < range[0] ? range[0] : x;
    return x > range[1] ? range[1] : x;
}

static inline float luron__exp_f32(float x) {
    int32_t n;
    float q = luron__reduce_exp(luron__clamp(x, luron__exp_range), &n);
    float a = luron__power_of_2(n >> 1), b = luron__power_of_2(n - (n >> 1)); /* 2^n itself may be out of range */
    return FMA(q, a, a) * b;
}

static inline float luron__expm1_f32(float x) {
    int32_t n;
    float q = luron__reduce_exp(luron__clamp(x, luron__exp_range), &n);
    float a = luron__power_of_2(n >> 1), b = luron__power_of_2(n - (n >> 1)), s = a * b;
    float small = FMA(q, s, s - 1), large = FMA(q, a, a) * b - 1;
    float y = n > 24 ? large : small;
    return x == 0 ? x : y; /* the zero keeps its sign */
}

/* log(1 + f) + n ln 2 + rest, the rest much smaller than f. */
static inline float luron__log_sum(float f, float n, float rest) {
    float p = -0x1.38cf20p-4f, s = f * f;
    p = FMA(p, f, 0x1.05602ep-3f);
    p = FMA(p, f, -0x1.0d81f2p-3f);
    p = FMA(p, f, 0x1.22d8f8p-3f);
    p = FMA(p, f, -0x1.54728cp-3f);
    p = FMA(p, f, 0x1.99a01ep-3f);
    p = FMA(p, f, -0x1.000226p-2f);
    p = FMA(p, f, 0x1.555554p-2f);
    p = FMA(p * f, s, FMA(n, -0x1.05c610p-29f, rest));
    p = FMA(s, -0.5f, p);
    return FMA(n, 0x1.62e43p-1f, f + p);
}
/* x > 0, normal: 1 + f = x 2^-n within [sqrt 1/2, sqrt 2]. */
static inline float luron__reduce_log(float x, float *n) {
    uint32_t u = luron__bits(x) - 0x3f3504f3u;
    *n = (float)((int32_t)u >> 23);
    return luron__float((u & 0x7fffffu) + 0x3f3504f3u) - 1;
}
/* log of what is not a positive number that is finite: x is. */
static inline float luron__log_edges(float x, float y) {
    y = x == 0 ? -__builtin_inff() : y;
    y = x < 0 ? __builtin_nanf("") : y;
    return x < __builtin_inff() ? y : x; /* infinity and NaN */
}

static inline float luron__log_f32(float x) {
    int tiny = x < 0x1p-126f;
    float n, f = luron__reduce_log(tiny ? x * 0x1p23f : x, &n);
    return luron__log_edges(x, luron__log_sum(f, tiny ? n - 23 : n, 0));
}

static inline float luron__log1p_f32(float x) {
    float u = 1 + x, n, f = luron__reduce_log(u, &n), lost = x - (u - 1);
    float y = luron__log_sum(n == 0 ? x : f, n, n == 0 ? 0 : lost / u); /* n = 0: f is x, rounded */
    y = x == 0 ? x : y;
    y = x == -1 ? -__builtin_inff() : y;
    y = x < -1 ? __builtin_nanf("") : y;
    return x < __builtin_inff() ? y : x;
}

/* x = quarter pi / 2 + r with |r| <= pi / 4; |x| within LURON__MOST_TURNED, so that the products with the parts of pi / 2 below are
 * exact where they have to be. */
#define LURON__MOST_TURNED 0x1p17f
static inline float luron__reduce_turn(float x, uint32_t *quarter) {
    const float magic = 0x1.8p23f;
    float t = FMA(x, 0x1.45f306p-1f, magic), k = t - magic;
    *quarter = luron__bits(t) - luron__bits(magic);
    float r = FMA(k, -0x1.921fb4p+0f, x);
    r = FMA(k, -0x1.4442d0p-24f, r);
    return FMA(k, -0x1.846988p-48f, r);
}
/* sin(r + quarter pi / 2), |r| <= pi / 4. */
static inline float luron__sine_of(float r, uint32_t quarter) {
    float s = r * r, p = 0x1.7c3da4p-19f, q = -0x1.361b24p-22f;
    p = FMA(p, s, -0x1.a05976p-13f);
    p = FMA(p, s, 0x1.111174p-7f);
    p = FMA(p, s, -0x1.555556p-3f);
    q = FMA(q, s, 0x1.a071c4p-16f);
    q = FMA(q, s, -0x1.6c175ep-10f);
    q = FMA(q, s, 0x1.555556p-5f);
    float sine = r == 0 ? r : FMA(r * s, p, r); /* -0 stays */
    float cosine = FMA(s * s, q, FMA(s, -0.5f, 1));
    return luron__float(luron__bits(quarter & 1 ? cosine : sine) ^ (quarter & 2) << 30);
}
static inline float luron__sin_f32(float x) {
    uint32_t quarter;
    float r = luron__reduce_turn(x, &quarter);
    return luron__sine_of(r, quarter);
}
static inline float luron__cos_f32(float x) {
    uint32_t quarter;
    float r = luron__reduce_turn(x, &quarter);
    return luron__sine_of(r, quarter + 1);
}

/* Box-Muller: words 2k and 2k + 1 give r = sqrt(-2 log u), u in (0, 1], and an angle; y[2k] and y[2k + 1] are mean + deviation
 * times r cos and r sin of it. */
static inline void luron__normals(int64_t pairs, const uint32_t *w, double mean, double deviation, float *restrict y) {
    for (int64_t k = 0; k < pairs; k++) {
        const float r = __builtin_sqrtf(-2 * luron__log_f32((float)(((double)w[2 * k] + 1) * 0x1p-32)));
        const uint32_t quarter = (w[2 * k + 1] + 0x20000000u) >> 30;
        const float angle = (float)(int32_t)(w[2 * k + 1] - (quarter << 30)) * 0x1.921fb6p-30f; /* 2 pi 2^-32 */
        y[2 * k] = (float)(mean + deviation * (double)(r * luron__sine_of(angle, quarter + 1)));
        y[2 * k + 1] = (float)(mean + deviation * (double)(r * luron__sine_of(angle, quarter)));
    }
}

/* (1 - e) / (1 + e), e = exp(-2 |x|), with one rounding above and one below: near 0 too no polynomial of its own is needed. */
static inline float luron__tanh_f32(float x) {
    float a = __builtin_fabsf(x);
    a = a > luron__most_tanh ? luron__most_tanh : a; /* where it is 1; NaN stays */
    int32_t n;
    float q = luron__reduce_exp(-2 * a, &n), e = luron__power_of_2(n), y = FMA(-q, e, 1 - e) / FMA(q, e, 1 + e);
    return luron__float(luron__bits(y) | (luron__bits(x) & 0x80000000u));
}

static inline float luron__sigmoid_f32(float x) {
    int32_t n;
    float q = luron__reduce_exp(luron__clamp(0 - x, luron__sigmoid_range), &n);
    int32_t near = n < 100 ? n : 100; /* what is left out of the sum, 2^(n - near), keeps it and its inverse in range */
    float s = luron__power_of_2(near), large = FMA(q, s, 1) + s, small = FMA(q, s, s + 1);
    float sum = n >= 24 ? large : small; /* s + 1 is exact below 2^24 */
    return 1 / sum * luron__power_of_2(near - n);
}

/* The same bits for |x| <= LURON__MOST_GATED, where there is no range to keep: half the work. */
#define LURON__MOST_GATED 16.0f
static inline float luron__gate_f32(float x) {
    int32_t n;
    float q = luron__reduce_exp(0 - x, &n), s = luron__power_of_2(n);
    return 1 / FMA(q, s, s + 1);
}

static inline float luron__erf_f32(float x) {
    float s = x * x, p = 0x1.4f48a2p-14f;
    p = FMA(p, s, -0x1.a603eep-11f);
    p = FMA(p, s, 0x1.5449b4p-8f);
    p = FMA(p, s, -0x1.b80116p-6f);
    p = FMA(p, s, 0x1.ce2d64p-4f);
    p = FMA(p, s, -0x1.812740p-2f);
    p = FMA(p, s, 0x1.06eba8p-3f);
    float near = FMA(x, p, x), a = __builtin_fabsf(x), t = a > 4 ? 4 : a, g = 0x1.5df19ep-17f;
    g = FMA(g, t, -0x1.4a1f0cp-12f);
    g = FMA(g, t, 0x1.d9340cp-9f);
    g = FMA(g, t, -0x1.8435b2p-6f);
    g = FMA(g, t, 0x1.b2d3bep-4f);
    g = FMA(g, t, 0x1.4538aep-1f);
    g = FMA(g, t, 0x1.20ee5cp+0f);
    int32_t n;
    float q = luron__reduce_exp(-t * g, &n), e = luron__power_of_2(n);
    float far = __builtin_copysignf(1 - FMA(q, e, e), x);
    return a > 0.925f ? far : near; /* NaN is near */
}

/* asin(r) - r, s = r^2, |r| <= 1/2. */
static inline float luron__asin_rest(float r, float s) {
    float p = 0x1.595c60p-5f;
    p = FMA(p, s, 0x1.8c3e50p-6f);
    p = FMA(p, s, 0x1.747bb8p-5f);
    p = FMA(p, s, 0x1.330204p-4f);
    p = FMA(p, s, 0x1.5555c8p-3f);
    return r * s * p;
}
#define LURON__HALF_PI 0x1.921fb6p+0f /* and what it is too much */
#define LURON__HALF_PI_REST 0x1.777a5cp-25f
/* Above 1/2 by asin(x) = pi / 2 - 2 asin(sqrt((1 - x) / 2)), with what the root lost. */
static inline float luron__asin_f32(float x) {
    const float a = __builtin_fabsf(x), s = a > 0.5f ? FMA(a, -0.5f, 0.5f) : x * x, root = __builtin_sqrtf(s), r = a > 0.5f ? root : a;
    const float rest = luron__asin_rest(r, s), lost = FMA(-r, r, s) / (r + 0x1p-126f);
    const float far = FMA(r, -2, LURON__HALF_PI) - (FMA(rest, 2, lost) + LURON__HALF_PI_REST);
    return __builtin_copysignf(a > 0.5f ? far : r + rest, x);
}
static inline float luron__acos_f32(float x) {
    const float a = __builtin_fabsf(x), s = a > 0.5f ? FMA(a, -0.5f, 0.5f) : x * x, root = __builtin_sqrtf(s), r = a > 0.5f ? root : x;
    const float rest = luron__asin_rest(r, s), above = FMA(rest, 2, 2 * r), below = 2 * LURON__HALF_PI - (above + 2 * LURON__HALF_PI_REST);
    const float near = (LURON__HALF_PI - r) - (rest + LURON__HALF_PI_REST), far = x > 0 ? above : below;
    return a > 0.5f ? far : near;
}

/* Above 1 by atan(x) = pi / 2 - atan(1 / x). */
static inline float luron__atan_f32(float x) {
    const float a = __builtin_fabsf(x), t = (a > 1 ? -1 : a) / (a > 1 ? a : 1), s = t * t;
    float p = 0x1.7ec704p-9f;
    p = FMA(p, s, -0x1.0c262ap-6f);
    p = FMA(p, s, 0x1.61f8bcp-5f);
    p = FMA(p, s, -0x1.355464p-4f);
    p = FMA(p, s, 0x1.b4dffep-4f);
    p = FMA(p, s, -0x1.230ab2p-3f);
    p = FMA(p, s, 0x1.9978eep-3f);
    p = FMA(p, s, -0x1.5554dcp-2f);
    const float near = FMA(t * s, p, t), far = LURON__HALF_PI + (near - LURON__HALF_PI_REST);
    return __builtin_copysignf(a > 1 ? far : near, x);
}

/* The angle of (x, y), by atan of the smaller size over the larger, in double: a rounded quotient would cost a unit. */
static inline float luron__atan2_f32(double y, double x) {
    const double u = __builtin_fabs(y), v = __builtin_fabs(x), most = u > v ? u : v, least = u > v ? v : u;
    const double alike = most == 0 ? 0.0 : 1.0, t = least == most ? alike : least / most, s = t * t; /* infinities too; NaN stays */
    double p = 0x1.7ec704p-9;
    p = __builtin_fma(p, s, -0x1.0c262ap-6);
    p = __builtin_fma(p, s, 0x1.61f8bcp-5);
    p = __builtin_fma(p, s, -0x1.355464p-4);
    p = __builtin_fma(p, s, 0x1.b4dffep-4);
    p = __builtin_fma(p, s, -0x1.230ab2p-3);
    p = __builtin_fma(p, s, 0x1.9978eep-3);
    p = __builtin_fma(p, s, -0x1.5554dcp-2);
    const double near = __builtin_fma(t * s, p, t), half = u > v ? 0x1.921fb54442d18p+0 - near : near;
    return (float)__builtin_copysign(__builtin_copysign(1, x) < 0 ? 0x1.921fb54442d18p+1 - half : half, y);
}

/* exp(a) / 2, a >= 0. */
static inline float luron__half_exp(float a) {
    int32_t n;
    const float q = luron__reduce_exp(a > 90 ? 90 : a, &n), most = luron__power_of_2(n >> 1);
    return FMA(q, most, most) * luron__power_of_2(n - (n >> 1) - 1);
}
static inline float luron__cosh_f32(float x) {
    const float half = luron__half_exp(__builtin_fabsf(x));
    return half + 0.25f / half;
}
static inline float luron__sinh_f32(float x) {
    const float a = __builtin_fabsf(x), half = luron__half_exp(a), s = x * x;
    float p = 0x1.756c1ep-19f;
    p = FMA(p, s, 0x1.a022bcp-13f);
    p = FMA(p, s, 0x1.1110e0p-7f);
    p = FMA(p, s, 0x1.555556p-3f);
    return a > 1 ? __builtin_copysignf(half - 0.25f / half, x) : FMA(x * s, p, x);
}

/* |x| within LURON__MOST_TURNED. Slopes are up to 2: r has a tail, and of odd quarters -1 / tan(r) what the sum that is tan(r) lost. */
static inline __attribute__((always_inline)) float luron__tan_f32(float x) { /* long: a compiler would rather call it */
    const float magic = 0x1.8p23f, turns = FMA(x, 0x1.45f306p-1f, magic), k = turns - magic;
    const float first = FMA(k, -0x1.921fb4p+0f, x), second = k * 0x1.4442d0p-24f, some = first - second, back = some - first;
    const float cut = (first - (some - back)) - (second + back) - FMA(k, 0x1.4442d0p-24f, -second);
    const float more = FMA(k, -0x1.846988p-48f, cut), r = some + more, tail = more - (r - some), s = r * r;
    float p = 0x1.33c2d2p-7f;
    p = FMA(p, s, 0x1.976570p-9f);
    p = FMA(p, s, 0x1.906382p-6f);
    p = FMA(p, s, 0x1.b586cap-5f);
    p = FMA(p, s, 0x1.112de2p-3f);
    p = FMA(p, s, 0x1.5554dep-2f);
    const float rest = FMA(r * s, p, FMA(tail, s, tail)), t = r + rest, lost = rest - (t - r), i = -1 / t;
    const float turned = FMA(i, FMA(lost, i, FMA(t, i, 1)), i);
    const float y = luron__bits(turns) & 1 ? turned : t;
    return x == 0 ? x : y; /* -0 stays */
}

#undef FMA
#endif
