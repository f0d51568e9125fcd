/* convert.c -- conversion between any two dtypes, and the 16-bit floats by their bits. */
#include "kernels/kernels.h"
#include "luron/luron.h"

#include <stdbool.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

uint32_t luron__compute_dtype(uint32_t dtype) {
    switch (dtype) {
    case LURON_F16:
    case LURON_BF16:
    case LURON_F32:
        return LURON_F32;
    case LURON_F64:
        return LURON_F64;
    default:
        return LURON_I64;
    }
}

/* ---- 16-bit floats --------------------------------------------------------------------------------------------- */
static inline uint32_t bits_of(float v) {
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static inline float float_of(uint32_t u) {
    float v;
    memcpy(&v, &u, sizeof v);
    return v;
}

static inline float f32_from_f16(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = (uint32_t)(h & 0x7fffu) << 13;
    uint32_t normal = rest + (112u << 23);                            /* bias 15 to 127 */
    uint32_t small = bits_of(float_of(rest | 113u << 23) - 0x1p-14f); /* subnormal: fraction without a leading one */
    uint32_t quiet = rest > 31u << 23 ? 1u << 22 : 0; /* a NaN, as processors convert it */
    return float_of(sign | quiet | (rest >= 31u << 23 ? rest | 255u << 23 : rest < 1u << 23 ? small : normal));
}

static inline float f32_from_bf16(uint16_t h) { return float_of((uint32_t)h << 16); }

/* Round to nearest, ties to even. A NaN stays one, quiet, with the top of its payload. Without branches, as all that is
 * done often: of these loops a compiler makes vectors. */
static inline uint16_t f16_from_f32(float v) {
    const uint32_t u = bits_of(v), rest = u & 0x7fffffffu;
    const int32_t size = (int32_t)rest;
    const uint32_t small = bits_of(float_of(rest) + 0.5f) - (126u << 23); /* the addition rounds at 2^-24 */
    uint32_t h = (rest - (112u << 23) + 0xfffu + (rest >> 13 & 1u)) >> 13;
    h = size < 113 << 23 ? small : h;
    h = size >= 143 << 23 ? 0x7c00u : h; /* from 65536 on */
    h = size > 255 << 23 ? 0x7e00u | (rest >> 13 & 0x3ffu) : h;
    return (uint16_t)((u >> 16 & 0x8000u) | h);
}

static inline uint16_t bf16_from_f32(float v) {
    const uint32_t u = bits_of(v), near = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return (uint16_t)(v != v ? u >> 16 | 0x40u : near);
}

/* To the float whose last bit is odd if v lies between two: then a second rounding, to fewer bits, gives what rounding
 * v at once would have given. */
static inline float odd_float(double v) {
    float near = (float)v;
    uint32_t u = bits_of(near);
    if ((double)near == v || v != v || (u & 1u)) return near;
    double size = v < 0 ? -v : v, near_size = v < 0 ? -(double)near : (double)near;
    return float_of(near_size > size ? u - 1 : u + 1);
}

/* ---- from the value that was read (float, double, int64_t or int32_t) to what is stored ------------------------ */
static inline uint16_t f16_from_f64(double v) { return f16_from_f32(odd_float(v)); }
static inline uint16_t f16_from_i64(int64_t v) { return f16_from_f32(odd_float((double)v)); }
static inline uint16_t bf16_from_f64(double v) { return bf16_from_f32(odd_float(v)); }
static inline uint16_t bf16_from_i64(int64_t v) { return bf16_from_f32(odd_float((double)v)); }

static inline int64_t i64_from_f64(double v) {
    return v != v ? 0 : v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
}
static inline int32_t i32_from_f64(double v) {
    return v != v ? 0 : v >= 0x1p31 ? INT32_MAX : v < -0x1p31 ? INT32_MIN : (int32_t)v;
}
static inline uint8_t u8_from_f64(double v) { return (uint8_t)(v != v || v < 0 ? 0 : v >= 255 ? 255 : (int)v); }
static inline int32_t i32_from_f32(float v) {
    float t = v < 0x1p31f ? v : 0; /* NaN gives 0 */
    t = t > -0x1p31f ? t : -0x1p31f;
    const int32_t i = (int32_t)t;
    return v >= 0x1p31f ? INT32_MAX : i;
}
static inline uint8_t u8_from_f32(float v) {
    float t = v > 0 ? v : 0;
    t = t < 255 ? t : 255;
    return (uint8_t)(int32_t)t;
}
static inline int64_t i64_from_i64(int64_t v) { return v; }
static inline int32_t i32_from_i64(int64_t v) { return (int32_t)(uint32_t)(uint64_t)v; } /* wraps, as integers do */
static inline uint8_t u8_from_i64(int64_t v) { return (uint8_t)(uint64_t)v; }

#define STORE_F32(v) ((float)(v))
#define STORE_F64(v) ((double)(v))
#define BY_TYPE(v, f32, f64, whole) _Generic((v), float: f32, double: f64, int64_t: whole, int32_t: whole)(v)
#define STORE_F16(v) BY_TYPE(v, f16_from_f32, f16_from_f64, f16_from_i64)
#define STORE_BF16(v) BY_TYPE(v, bf16_from_f32, bf16_from_f64, bf16_from_i64)
#define STORE_I64(v) BY_TYPE(v, i64_from_f64, i64_from_f64, i64_from_i64)
#define STORE_I32(v) BY_TYPE(v, i32_from_f32, i32_from_f64, i32_from_i64)
#define STORE_U8(v) BY_TYPE(v, u8_from_f32, u8_from_f64, u8_from_i64)
#define STORE_B8(v) ((uint8_t)((v) != 0))

#define LOAD_F32(p) (p)
#define LOAD_F64(p) (p)
#define LOAD_F16(p) f32_from_f16(p)
#define LOAD_BF16(p) f32_from_bf16(p)
#define LOAD_I64(p) ((int64_t)(p))
#define LOAD_I32(p) (p)
#define LOAD_U8(p) ((int32_t)(p)) /* of 32 bits there are vector instructions that make a float */
#define LOAD_B8(p) ((int32_t)((p) != 0))

/* name, what is in memory */
/* clang-format off: a table */
#define DTYPES(X)                                                                                                      \
    X(F32, float) X(F64, double) X(F16, uint16_t) X(BF16, uint16_t)                                                    \
    X(I64, int64_t) X(I32, int32_t) X(U8, uint8_t) X(B8, uint8_t)
/* clang-format on */

/* 64 loops that are vectorised would be a tenth of the library: all are compiled for size, and those that are not rare
 * once more, for what lies in order. */
#define SMALL(from, from_type, to, to_type)                                                                            \
    __attribute__((cold)) static void convert_##from##_##to(int64_t n, const void *x, int64_t xs, void *y, int64_t ys) {\
        const from_type *restrict p = x;                                                                               \
        to_type *restrict q = y;                                                                                       \
        for (int64_t i = 0; i < n; i++)                                                                                \
            q[i * ys] = STORE_##to(LOAD_##from(p[i * xs]));                                                            \
    }
#define TO_F32(from, type) SMALL(from, type, F32, float)
#define TO_F64(from, type) SMALL(from, type, F64, double)
#define TO_F16(from, type) SMALL(from, type, F16, uint16_t)
#define TO_BF16(from, type) SMALL(from, type, BF16, uint16_t)
#define TO_I64(from, type) SMALL(from, type, I64, int64_t)
#define TO_I32(from, type) SMALL(from, type, I32, int32_t)
#define TO_U8(from, type) SMALL(from, type, U8, uint8_t)
#define TO_B8(from, type) SMALL(from, type, B8, uint8_t)
DTYPES(TO_F32)
DTYPES(TO_F64)
DTYPES(TO_F16)
DTYPES(TO_BF16)
DTYPES(TO_I64)
DTYPES(TO_I32)
DTYPES(TO_U8)
DTYPES(TO_B8)

/* clang-format off: a table */
#define OFTEN(X)                                                                                                       \
    X(F32, float, F64, double) X(F32, float, BF16, uint16_t) X(F32, float, I64, int64_t)                               \
    X(F32, float, I32, int32_t) X(F32, float, U8, uint8_t) X(F32, float, B8, uint8_t) X(F64, double, F32, float)       \
    X(F64, double, I64, int64_t) X(BF16, uint16_t, F32, float) X(I64, int64_t, F32, float)                             \
    X(I64, int64_t, F64, double) X(I64, int64_t, I32, int32_t) X(I64, int64_t, U8, uint8_t)                            \
    X(I64, int64_t, B8, uint8_t) X(I32, int32_t, F32, float) X(I32, int32_t, F64, double) X(I32, int32_t, I64, int64_t)\
    X(U8, uint8_t, F32, float) X(U8, uint8_t, F64, double) X(U8, uint8_t, I64, int64_t) X(U8, uint8_t, I32, int32_t)   \
    X(B8, uint8_t, F32, float) X(B8, uint8_t, F64, double) X(B8, uint8_t, I64, int64_t)
/* clang-format on */
#ifdef __x86_64__ /* nearly everywhere there is AVX2; the same bits */
#define WIDE __attribute__((target("avx2")))
#define HAS_WIDE luron__has_avx2()
#else
#define WIDE
#define HAS_WIDE 1
#endif
#define FAST(from, from_type, to, to_type)                                                                             \
    WIDE static void fast_##from##_##to(int64_t n, const void *x, int64_t xs, void *y, int64_t ys) {                   \
        const from_type *restrict p = x;                                                                               \
        to_type *restrict q = y;                                                                                       \
        if (xs != 1 || ys != 1)                                                                                        \
            convert_##from##_##to(n, x, xs, y, ys);                                                                    \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++)                                                                            \
                q[i] = STORE_##to(LOAD_##from(p[i]));                                                                  \
    }
OFTEN(FAST)

/* The same by instructions that AVX2 machines have for it. */
#ifdef __x86_64__
#define HALF __attribute__((target("avx2,f16c")))
HALF static void half_F32_F16(int64_t n, const void *x, int64_t xs, void *y, int64_t ys) {
    const int64_t most = xs == 1 && ys == 1 ? n / 8 * 8 : 0;
    const float *p = x;
    uint16_t *q = y;
    for (int64_t i = 0; i < most; i += 8)
        _mm_storeu_si128((__m128i *)(q + i), _mm256_cvtps_ph(_mm256_loadu_ps(p + i), _MM_FROUND_TO_NEAREST_INT));
    convert_F32_F16(n - most, p + most, xs, q + most, ys);
}
HALF static void half_F16_F32(int64_t n, const void *x, int64_t xs, void *y, int64_t ys) {
    const int64_t most = xs == 1 && ys == 1 ? n / 8 * 8 : 0;
    const uint16_t *p = x;
    float *q = y;
    for (int64_t i = 0; i < most; i += 8)
        _mm256_storeu_ps(q + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + i))));
    convert_F16_F32(n - most, p + most, xs, q + most, ys);
}
#else
FAST(F32, float, F16, uint16_t)
FAST(F16, uint16_t, F32, float)
#define half_F32_F16 fast_F32_F16
#define half_F16_F32 fast_F16_F32
#endif

/* A load waits for a store before it whose address has the same last 12 bits, as where a row goes to a few places
 * further on than it comes from: then in pieces that are loaded as a whole before they are stored. */
static void copy_bytes(char *to, const char *from, size_t n) {
    typedef char part __attribute__((vector_size(16), aligned(1), may_alias));
    enum { NEAR = 96, PIECE = 8 * sizeof(part) };
    const size_t ahead = ((uintptr_t)to - (uintptr_t)from) & 4095;
    if (ahead > 0 && ahead < NEAR)
        for (; n >= PIECE; n -= PIECE, to += PIECE, from += PIECE) {
            const part *p = (const void *)from, a = p[0], b = p[1], c = p[2], d = p[3], e = p[4], f = p[5], g = p[6], h = p[7];
            part *q = (void *)to;
            q[0] = a, q[1] = b, q[2] = c, q[3] = d, q[4] = e, q[5] = f, q[6] = g, q[7] = h;
        }
    memcpy(to, from, n);
}

/* The same dtype: by size, so that every bit survives. */
#define COPY(bits)                                                                                                     \
    static void copy_##bits(int64_t n, const void *x, int64_t xs, void *y, int64_t ys) {                               \
        const uint##bits##_t *restrict p = x;                                                                          \
        uint##bits##_t *restrict q = y;                                                                                \
        if (xs == 1 && ys == 1)                                                                                        \
            copy_bytes(y, x, (size_t)n * sizeof *p);                                                                   \
        else if (xs == 0 && ys == 1)                                                                                   \
            for (int64_t i = 0; i < n; i++)                                                                            \
                q[i] = *p;                                                                                             \
        else if (xs == 1 && ys == -1)                                                                                  \
            for (int64_t i = 0; i < n; i++)                                                                            \
                q[i - n + 1] = p[n - 1 - i];                                                                           \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++)                                                                            \
                q[i * ys] = p[i * xs];                                                                                 \
    }
COPY(8)
COPY(16)
COPY(32)
COPY(64)

enum { AT_F32, AT_F64, AT_F16, AT_BF16, AT_I64, AT_I32, AT_U8, AT_B8, N_DTYPES };

static int place(uint32_t dtype) {
    switch (dtype) {
#define PLACE(name, type)                                                                                              \
    case LURON_##name:                                                                                                 \
        return AT_##name;
        DTYPES(PLACE)
    default:
        return -1;
    }
}

luron__convert_fn luron__convert_pick(uint32_t to, uint32_t from) {
/* clang-format off: a table */
#define COLUMN(name)                                                                                                   \
    {convert_F32_##name, convert_F64_##name, convert_F16_##name, convert_BF16_##name,                                  \
     convert_I64_##name, convert_I32_##name, convert_U8_##name,  convert_B8_##name}
    static const luron__convert_fn table[N_DTYPES][N_DTYPES] = { /* [to][from] */
        COLUMN(F32), COLUMN(F64), COLUMN(F16), COLUMN(BF16), COLUMN(I64), COLUMN(I32), COLUMN(U8), COLUMN(B8)};
    /* clang-format on */
    static const luron__convert_fn fast[N_DTYPES][N_DTYPES] = {
#define FAST_AT(from, from_type, to, to_type) [AT_##to][AT_##from] = fast_##from##_##to,
        OFTEN(FAST_AT)[AT_F16][AT_F32] = half_F32_F16,
        [AT_F32][AT_F16] = half_F16_F32};
    static const luron__convert_fn copies[9] = {[1] = copy_8, [2] = copy_16, [4] = copy_32, [8] = copy_64};
    if (to == from) return copies[luron_dtype_size(to)];
    const luron__convert_fn quick = fast[place(to)][place(from)];
    return quick && HAS_WIDE ? quick : table[place(to)][place(from)];
}

void luron__convert(uint32_t to_dtype, void *to, int64_t to_stride, uint32_t from_dtype, const void *from,
                    int64_t from_stride, int64_t n) {
    if (n > 0) luron__convert_pick(to_dtype, from_dtype)(n, from, from_stride, to, to_stride);
}
