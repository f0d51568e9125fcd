/* random.c -- counter-based random numbers: a number is a function of (seed, position, stream, j) alone, so that it
 * does not matter which thread draws it, when, or whether it is drawn again.
 *
 * Philox4x32-10: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11. The key
 * is the seed. The counter is made of
 *   word 0: low half of the block        word 1: the stream (which of several series of one call)
 *   word 2: low half of the position     word 3: 16 more bits of the position, and above them 16 more of the block
 * so that 2^48 draws of 2^50 numbers each are distinct. A block gives four words: four numbers of 32 bits (element j is
 * word j % 4 of block j / 4) or two of 64 (element j is words 2 (j % 2) and the next of block j / 2).               */
#include "internal.h"

#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { GRAIN = 16384 /* numbers a chunk: a multiple of RUN */, RUN = 256 /* numbers made at a time */ };

void luron__philox(uint64_t seed, uint64_t position, uint32_t stream, uint64_t block, uint32_t out[4]) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)block, c1 = stream, c2 = (uint32_t)position;
    uint32_t c3 = (uint32_t)(position >> 32 & 0xffff) | (uint32_t)(block >> 32 & 0xffff) << 16;
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0, c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1, c3 = (uint32_t)a;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

enum { BLOCKS = 4 }; /* made at once */

#ifdef __SSE2__
/* A counter's word in the low half of each 64 bits, since that is what the product reads; the high half is whatever. */
static void philox_blocks(uint64_t seed, uint64_t position, uint32_t stream, uint64_t first, uint32_t *out) {
    enum { N = BLOCKS / 2 };
    const __m128i times_0 = _mm_set1_epi64x(0xD2511F53), times_2 = _mm_set1_epi64x(0xCD9E8D57);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    __m128i c0[N], c1[N], c2[N], c3[N];
    for (int i = 0; i < N; i++) {
        const uint64_t block = first + 2 * (uint64_t)i, next = block + 1, high = position >> 32 & 0xffff;
        c0[i] = _mm_set_epi64x((int64_t)next, (int64_t)block);
        c1[i] = _mm_set1_epi64x(stream);
        c2[i] = _mm_set1_epi64x((int64_t)position);
        c3[i] = _mm_set_epi64x((int64_t)(high | (next >> 32 & 0xffff) << 16), (int64_t)(high | (block >> 32 & 0xffff) << 16));
    }
    for (int round = 0; round < 10; round++) {
        const __m128i key_0 = _mm_set1_epi64x(k0), key_1 = _mm_set1_epi64x(k1);
        for (int i = 0; i < N; i++) {
            const __m128i a = _mm_mul_epu32(c0[i], times_0), b = _mm_mul_epu32(c2[i], times_2);
            c0[i] = _mm_xor_si128(_mm_xor_si128(_mm_srli_epi64(b, 32), c1[i]), key_0), c1[i] = b;
            c2[i] = _mm_xor_si128(_mm_xor_si128(_mm_srli_epi64(a, 32), c3[i]), key_1), c3[i] = a;
        }
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < N; i++, out += 8) {
        const __m128i low = _mm_shuffle_epi32(c0[i], 0x08), high = _mm_shuffle_epi32(c2[i], 0x08); /* words 0 and 2 of the lanes */
        const __m128i a = _mm_unpacklo_epi32(low, _mm_shuffle_epi32(c1[i], 0x08)), b = _mm_unpacklo_epi32(high, _mm_shuffle_epi32(c3[i], 0x08));
        _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi64(a, b));
        _mm_storeu_si128((__m128i *)(void *)(out + 4), _mm_unpackhi_epi64(a, b));
    }
}
#else
static void philox_blocks(uint64_t seed, uint64_t position, uint32_t stream, uint64_t first, uint32_t *out) {
    for (int i = 0; i < BLOCKS; i++) luron__philox(seed, position, stream, first + (uint64_t)i, out + 4 * i);
}
#endif

/** Words first .. first + n of (seed, position, stream). */
static void words32(uint64_t seed, uint64_t position, uint32_t stream, int64_t first, int64_t n, uint32_t *to) {
    uint32_t w[4];
    for (int64_t j = first, end = first + n; j < end;) {
        if (j % 4 == 0 && end - j >= 4 * BLOCKS) {
            philox_blocks(seed, position, stream, (uint64_t)j / 4, to + (j - first));
            j += 4 * BLOCKS;
            continue;
        }
        luron__philox(seed, position, stream, (uint64_t)j / 4, w);
        for (int64_t k = j % 4; k < 4 && j < end; k++) to[j++ - first] = w[k];
    }
}

/** The same in pairs, the low half first. */
static void words64(uint64_t seed, uint64_t position, uint32_t stream, int64_t first, int64_t n, uint64_t *to) {
    uint32_t w[2 * RUN];
    for (int64_t done = 0, some; done < n; done += some) {
        some = n - done < RUN ? n - done : RUN;
        words32(seed, position, stream, 2 * (first + done), 2 * some, w);
        for (int64_t i = 0; i < some; i++) to[done + i] = w[2 * i] | (uint64_t)w[2 * i + 1] << 32;
    }
}

void luron__uniform_f32(uint64_t seed, uint64_t position, uint32_t stream, int64_t first, int64_t n, float *to) {
    uint32_t w[RUN];
    for (int64_t done = 0, some; done < n; done += some) {
        some = n - done < RUN ? n - done : RUN;
        words32(seed, position, stream, first + done, some, w);
        for (int64_t i = 0; i < some; i++) to[done + i] = (float)(w[i] >> 8) * 0x1p-24f;
    }
}

void luron__uniform_f64(uint64_t seed, uint64_t position, uint32_t stream, int64_t first, int64_t n, double *to) {
    uint64_t w[RUN];
    for (int64_t done = 0, some; done < n; done += some) {
        some = n - done < RUN ? n - done : RUN;
        words64(seed, position, stream, first + done, some, w);
        for (int64_t i = 0; i < some; i++) to[done + i] = (double)(w[i] >> 11) * 0x1p-53;
    }
}

/* ---- filling a tensor ------------------------------------------------------------------------------------------- */
typedef struct drawing {
    luron_tensor *t;
    uint64_t seed, position, threshold;
    double a, b, last; /* last: uniform alone */
    uint32_t dtype; /* of what draw makes: n <= RUN numbers, first being a multiple of RUN */
    void (*draw)(const struct drawing *d, int64_t first, int64_t n, void *to);
    bool contiguous;
    int isa;
} drawing;

/* Real numbers are made in double and then rounded, which must not reach the end that is left out. */
static void draw_uniform_f32(const drawing *d, int64_t first, int64_t n, void *to) {
    float *y = to, last = (float)d->last;
    luron__uniform_f32(d->seed, d->position, 0, first, n, y);
    for (int64_t i = 0; i < n; i++) {
        float value = (float)(d->a + (d->b - d->a) * y[i]);
        y[i] = value <= last ? value : last;
    }
}

static void draw_uniform_f64(const drawing *d, int64_t first, int64_t n, void *to) {
    double *y = to;
    luron__uniform_f64(d->seed, d->position, 0, first, n, y);
    for (int64_t i = 0; i < n; i++) {
        double value = d->a + (d->b - d->a) * y[i];
        y[i] = value <= d->last ? value : d->last;
    }
}

/* Box-Muller: words 2k and 2k + 1 give r = sqrt(-2 log u), u in (0, 1], and an angle; elements 2k and 2k + 1 are r cos
 * and r sin of it. Both of a pair are made even if one is wanted, so that an element does not depend on the size.   */
static void draw_normal_f32(const drawing *d, int64_t first, int64_t n, void *to) {
    uint32_t w[RUN];
    float y[RUN];
    const int64_t pairs = (n + 1) / 2;
    words32(d->seed, d->position, 0, first, 2 * pairs, w);
    luron__draw_normals(d->isa, pairs, w, d->a, d->b, y);
    memcpy(to, y, (size_t)n * sizeof *y);
}

static void draw_normal_f64(const drawing *d, int64_t first, int64_t n, void *to) {
    uint64_t w[RUN];
    double r[RUN / 2] = {0}, sine[RUN / 2], cosine[RUN / 2], *y = to;
    int64_t pairs = (n + 1) / 2;
    words64(d->seed, d->position, 0, first, 2 * pairs, w);
    for (int64_t k = 0; k < pairs; k++) {
        r[k] = ((double)(w[2 * k] >> 11) + 1) * 0x1p-53;
        sine[k] = cosine[k] = 6.283185307179586 * 0x1p-53 * (double)(w[2 * k + 1] >> 11);
    }
    luron__map(LURON__ISA_PLAIN, LURON_MAP_log, LURON_F64, pairs, r, r);
    luron__map(LURON__ISA_PLAIN, LURON_MAP_cos, LURON_F64, pairs, cosine, cosine);
    luron__map(LURON__ISA_PLAIN, LURON_MAP_sin, LURON_F64, pairs, sine, sine);
    for (int64_t i = 0; i < n; i++) y[i] = d->a + d->b * (sqrt(-2 * r[i / 2]) * (i % 2 ? sine : cosine)[i / 2]);
}

/* The z below which a normal number lies with probability p: half of it by Giles's approximation of the inverse error
 * function (GPU Computing Gems, 2011), the rest by two steps of Newton.                                              */
static double normal_quantile(double p) {
    const double x = 2 * p - 1, w = -log1p(-x * x) - 2.5; /* |x| is below 0.955 here */
    double y = 2.81022636e-08;
    y = 3.43273939e-07 + y * w;
    y = -3.5233877e-06 + y * w;
    y = -4.39150654e-06 + y * w;
    y = 0.00021858087 + y * w;
    y = -0.00125372503 + y * w;
    y = -0.00417768164 + y * w;
    y = 0.246640727 + y * w;
    y = (1.50140941 + y * w) * x;
    for (int i = 0; i < 2; i++) y -= (erf(y) - x) * 0.886226925452758 * exp(y * y); /* sqrt(pi) / 2 */
    return y * 1.4142135623730951;
}

/* The inverse of the distribution function between its values at -2 and 2. */
static void draw_trunc_normal(const drawing *d, int64_t first, int64_t n, void *to) {
    const double below = 0.022750131948179209; /* of all normal numbers are less than -2 */
    double *y = to;
    luron__uniform_f64(d->seed, d->position, 0, first, n, y);
    for (int64_t i = 0; i < n; i++) {
        double z = normal_quantile(below + (1 - 2 * below) * y[i]);
        y[i] = d->a + d->b * (z < -2 ? -2 : z > 2 ? 2 : z);
    }
}

/* 1 where the word is below p 2^32. */
static void draw_bernoulli(const drawing *d, int64_t first, int64_t n, void *to) {
    uint32_t w[RUN];
    uint8_t *y = to;
    words32(d->seed, d->position, 0, first, n, w);
    for (int64_t i = 0; i < n; i++) y[i] = w[i] < d->threshold;
}

/** Put n elements, which count from `first` in row-major order, where the strides of t say. */
static void spread(const luron_tensor *t, int64_t first, int64_t n, uint32_t dtype, const char *from) {
    int size = luron_dtype_size(dtype);
    for (int64_t i = 0; i < n; i++) {
        int64_t left = first + i, offset = 0;
        for (int k = t->ndim - 1; k >= 0; k--) {
            offset += left % t->shape[k] * t->strides[k];
            left /= t->shape[k];
        }
        luron__convert(t->dtype, luron__data(t) + offset * luron_dtype_size(t->dtype), 1, dtype, from + i * size, 1, 1);
    }
}

static void draw_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    (void)chunk;
    const drawing *d = arg;
    double run[RUN];
    int size = luron_dtype_size(d->t->dtype);
    for (int64_t n; begin < end; begin += n) {
        n = end - begin < RUN ? end - begin : RUN;
        if (d->contiguous && d->dtype == d->t->dtype) {
            d->draw(d, begin, n, luron__data(d->t) + begin * size);
            continue;
        }
        d->draw(d, begin, n, run);
        if (d->contiguous)
            luron__convert(d->t->dtype, luron__data(d->t) + begin * size, 1, d->dtype, run, 1, n);
        else
            spread(d->t, begin, n, d->dtype, (const char *)run);
    }
}

static luron_status fill(luron_ctx *ctx, drawing *d) {
    LURON_TRY(luron__tracer_check_draw(ctx, "rand, randn"));
    d->seed = ctx->seed, d->position = ctx->position++, d->isa = ctx->isa;
    d->contiguous = luron_tensor_is_contiguous(d->t);
    luron__parallel_for(ctx->threads, luron_tensor_numel(d->t), GRAIN, draw_chunk, d);
    luron_tensor_touch(d->t);
    return LURON_OK;
}

static luron_status check_real(luron_ctx *ctx, const char *what, const luron_tensor *t) {
    LURON__CHECK(ctx, luron_dtype_is_float(t->dtype), LURON_E_DTYPE, "%s: a real dtype expected, got %s", what,
                 luron_dtype_name(t->dtype));
    return luron__check_writable(ctx, what, t, NULL);
}

/** The largest number below b that the dtype has, but not less than a. */
static double last_below(uint32_t dtype, double a, double b) {
    double last = dtype == LURON_F64 ? nextafter(b, -INFINITY) : (double)nextafterf((float)b, -INFINITY);
    if (luron_dtype_size(dtype) == 2) { /* the next 16 bits towards -infinity */
        uint16_t bits;
        luron__convert(dtype, &bits, 1, LURON_F64, &b, 1, 1);
        bits = !(bits & 0x7fff) ? 0x8001 : (uint16_t)(bits & 0x8000 ? bits + 1 : bits - 1);
        luron__convert(LURON_F64, &last, 1, dtype, &bits, 1, 1);
    }
    return last >= a ? last : a;
}

luron_status luron_tensor_uniform(luron_ctx *ctx, luron_tensor *t, double a, double b) {
    LURON_TRY(check_real(ctx, "uniform", t));
    LURON__CHECK(ctx, a <= b && isfinite(b - a), LURON_E_ARGUMENT,
                 "uniform: finite ends, the lower one first, expected, got %g and %g", a, b);
    bool wide = t->dtype == LURON_F64;
    LURON__CHECK(ctx, wide || isfinite((float)b - (float)a), LURON_E_ARGUMENT, "uniform: %g to %g is too far for %s", a,
                 b, luron_dtype_name(t->dtype));
    return fill(ctx, &(drawing){.t = t,
                                .a = a,
                                .b = b,
                                .last = last_below(t->dtype, a, b),
                                .draw = wide ? draw_uniform_f64 : draw_uniform_f32,
                                .dtype = wide ? LURON_F64 : LURON_F32});
}

luron_status luron_tensor_normal(luron_ctx *ctx, luron_tensor *t, double mean, double deviation) {
    LURON_TRY(check_real(ctx, "normal", t));
    LURON__CHECK(ctx, isfinite(mean) && isfinite(deviation) && deviation >= 0, LURON_E_ARGUMENT,
                 "normal: a finite mean and a deviation of 0 or more expected, got %g and %g", mean, deviation);
    bool wide = t->dtype == LURON_F64;
    return fill(ctx, &(drawing){.t = t,
                                .a = mean,
                                .b = deviation,
                                .draw = wide ? draw_normal_f64 : draw_normal_f32,
                                .dtype = wide ? LURON_F64 : LURON_F32});
}

luron_status luron_tensor_bernoulli(luron_ctx *ctx, luron_tensor *t, double p) {
    LURON_TRY(luron__check_writable(ctx, "bernoulli", t, NULL));
    LURON__CHECK(ctx, p >= 0 && p <= 1, LURON_E_ARGUMENT, "bernoulli: a probability of 0 to 1 expected, got %g", p);
    return fill(ctx,
                &(drawing){.t = t, .threshold = (uint64_t)(p * 0x1p32), .draw = draw_bernoulli, .dtype = LURON_U8});
}

luron_status luron__trunc_normal(luron_ctx *ctx, luron_tensor *t, double mean, double deviation) {
    LURON_TRY(check_real(ctx, "trunc_normal", t));
    LURON__CHECK(ctx, isfinite(mean) && isfinite(deviation) && deviation >= 0, LURON_E_ARGUMENT,
                 "trunc_normal: a finite mean and a deviation of 0 or more expected, got %g and %g", mean, deviation);
    return fill(ctx, &(drawing){.t = t, .a = mean, .b = deviation, .draw = draw_trunc_normal, .dtype = LURON_F64});
}

/* Fisher-Yates from the end; swap i takes number i of the draw, scaled to 0 .. i by the high half of a product (what
 * that favours some places by is below n / 2^64).                                                                   */
luron_status luron_tensor_permutation(luron_tensor **out, luron_ctx *ctx, int64_t n) {
    LURON__CHECK(ctx, n >= 0, LURON_E_ARGUMENT, "permutation: n is %lld, it must not be negative", (long long)n);
    LURON_TRY(luron__tracer_check_draw(ctx, "randperm"));
    luron_tensor *t;
    LURON_TRY(luron_tensor_new(&t, ctx, LURON_I64, 1, &n));
    uint64_t position = ctx->position++, w[RUN];
    int64_t *ids = (int64_t *)(void *)luron__data(t);
    for (int64_t i = 0; i < n; i++) ids[i] = i + ctx->index_base;
    for (int64_t i = n - 1; i > 0; i--) {
        if (i % RUN == RUN - 1 || i == n - 1) words64(ctx->seed, position, 0, i - i % RUN, i % RUN + 1, w);
        int64_t k = (int64_t)((unsigned __int128)w[i % RUN] * (uint64_t)(i + 1) >> 64);
        int64_t kept = ids[i];
        ids[i] = ids[k];
        ids[k] = kept;
    }
    *out = t;
    return LURON_OK;
}
