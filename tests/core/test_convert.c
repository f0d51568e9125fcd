/* Conversions between dtypes: the 16-bit floats over all their patterns, integers, and promotion. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../data/dtype_reference.h"
#include "tensor_assert.h"

enum { PATTERNS = 65536 };

static uint64_t fnv(uint64_t h, uint64_t value) { return (h ^ value) * 0x100000001b3u; }
static const uint64_t fnv_start = 0xcbf29ce484222325u;

static double widen(uint32_t dtype, unsigned bits) {
    uint16_t h = (uint16_t)bits;
    double v;
    luron__convert(LURON_F64, &v, 1, dtype, &h, 1, 1);
    return v;
}

static unsigned narrow(uint32_t dtype, double v) {
    uint16_t h;
    luron__convert(dtype, &h, 1, LURON_F64, &v, 1, 1);
    return h;
}

static unsigned narrow_float(uint32_t dtype, double v) {
    uint16_t h;
    float f = (float)v;
    luron__convert(dtype, &h, 1, LURON_F32, &f, 1, 1);
    return h;
}

static void test_convert_halves_match_pytorch(void **state) {
    static const struct {
        uint32_t dtype;
        uint64_t from, to;
    } cases[] = {{LURON_F16, reference_from_F16, reference_to_F16},
                 {LURON_BF16, reference_from_BF16, reference_to_BF16}};
    (void)state;
    for (int c = 0; c < 2; c++) {
        uint64_t from = fnv_start, to = fnv_start;
        for (uint32_t i = 0; i < PATTERNS; i++) {
            uint16_t h = (uint16_t)i, back;
            uint32_t bits, pattern = i * 65537u;
            float wide, f;
            luron__convert(LURON_F32, &wide, 1, cases[c].dtype, &h, 1, 1);
            memcpy(&bits, &wide, sizeof bits);
            from = fnv(from, isnan(wide) ? 0 : bits);
            memcpy(&f, &pattern, sizeof f);
            luron__convert(cases[c].dtype, &back, 1, LURON_F32, &f, 1, 1);
            to = fnv(to, isnan(f) ? 0 : back);
        }
        assert_int_equal(from, cases[c].from);
        assert_int_equal(to, cases[c].to);
    }
}

static void test_convert_halves_round_trip(void **state) {
    static const uint32_t dtypes[] = {LURON_F16, LURON_BF16};
    (void)state;
    for (int c = 0; c < 2; c++)
        for (unsigned h = 0; h < PATTERNS; h++) {
            double v = widen(dtypes[c], h);
            if (isnan(v))
                assert_true(isnan(widen(dtypes[c], narrow(dtypes[c], v))));
            else
                assert_int_equal(narrow(dtypes[c], v), h);
        }
}

/* Between neighbours: halfway goes to the even one, a little less or more to the nearer one, and a double is rounded
 * once (rounding it to float32 first would move "a little more than half" onto the tie). */
static void test_convert_halves_round_to_even(void **state) {
    static const struct {
        uint32_t dtype;
        unsigned infinity;
    } cases[] = {{LURON_F16, 0x7c00}, {LURON_BF16, 0x7f80}};
    (void)state;
    for (int c = 0; c < 2; c++) {
        uint32_t dtype = cases[c].dtype;
        for (unsigned h = 0; h < cases[c].infinity; h++) {
            double low = widen(dtype, h),
                   high = h + 1 < cases[c].infinity ? widen(dtype, h + 1) : 2 * low - widen(dtype, h - 1);
            double middle = low + (high - low) / 2;
            unsigned even = h & 1 ? h + 1 : h;
            assert_int_equal(narrow(dtype, middle), even);
            assert_int_equal(narrow(dtype, -middle), even | 0x8000);
            assert_int_equal(narrow(dtype, nextafter(middle, 0)), h);
            assert_int_equal(narrow(dtype, nextafter(middle, INFINITY)), h + 1);
            assert_int_equal(narrow_float(dtype, middle), even);
            assert_int_equal(narrow_float(dtype, nextafterf((float)middle, 0)), h);
            assert_int_equal(narrow_float(dtype, nextafterf((float)middle, INFINITY)), h + 1);
        }
    }
}

/* Reals to integers truncate, NaN gives 0, what does not fit saturates; integers to integers wrap. */
static void test_convert_integers(void **state) {
    static const double reals[] = {2.9, -2.9, NAN, INFINITY, -INFINITY, 1e30, 255.5, -0.5, 0};
    static const int64_t as_i64[] = {2, -2, 0, INT64_MAX, INT64_MIN, INT64_MAX, 255, 0, 0};
    static const int32_t as_i32[] = {2, -2, 0, INT32_MAX, INT32_MIN, INT32_MAX, 255, 0, 0};
    static const uint8_t as_u8[] = {2, 0, 0, 255, 0, 255, 255, 0, 0}, as_b8[] = {1, 1, 1, 1, 1, 1, 1, 1, 0};
    static const int64_t wholes[] = {300, -1, (1ll << 40) + 7};
    enum { N = sizeof reals / sizeof *reals };
    int64_t i64[N];
    int32_t i32[N];
    uint8_t u8[N];
    float f32[N];
    (void)state;
    luron__convert(LURON_F32, f32, 1, LURON_F64, reals, 1, N);
    for (int wide = 0; wide < 2; wide++) {
        uint32_t dtype = wide ? LURON_F64 : LURON_F32;
        const void *from = wide ? (const void *)reals : f32;
        luron__convert(LURON_I64, i64, 1, dtype, from, 1, N);
        assert_memory_equal(i64, as_i64, sizeof as_i64);
        luron__convert(LURON_I32, i32, 1, dtype, from, 1, N);
        assert_memory_equal(i32, as_i32, sizeof as_i32);
        luron__convert(LURON_U8, u8, 1, dtype, from, 1, N);
        assert_memory_equal(u8, as_u8, sizeof as_u8);
        luron__convert(LURON_B8, u8, 1, dtype, from, 1, N);
        assert_memory_equal(u8, as_b8, sizeof as_b8);
    }
    luron__convert(LURON_U8, u8, 1, LURON_I64, wholes, 1, 3);
    assert_memory_equal(u8, ((const uint8_t[]){44, 255, 7}), 3);
    luron__convert(LURON_I32, i32, 1, LURON_I64, wholes, 1, 3);
    assert_memory_equal(i32, ((const int32_t[]){300, -1, 7}), 12);
}

/* All 64 pairs, with every stride, against the way through double: on values that every dtype holds. */
static void test_convert_pairs_and_strides(void **state) {
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                      LURON_I64, LURON_I32, LURON_U8,  LURON_B8};
    enum { N = 37, ROOM = 8 * 3 * N };
    double values[N], back[N];
    (void)state;
    for (int i = 0; i < N; i++)
        values[i] = i % 2;
    for (int f = 0; f < 8; f++)
        for (int t = 0; t < 8; t++)
            for (int s = 0; s < 4; s++) {
                int xs = s & 1 ? 3 : 1, ys = s & 2 ? 2 : 1;
                unsigned char from[ROOM], to[ROOM], untouched[ROOM];
                memset(from, 0, sizeof from), memset(to, 0x5a, sizeof to), memset(untouched, 0x5a, sizeof untouched);
                luron__convert(dtypes[f], from, xs, LURON_F64, values, 1, N);
                luron__convert(dtypes[t], to, ys, dtypes[f], from, xs, N);
                luron__convert(LURON_F64, back, 1, dtypes[t], to, ys, N);
                assert_memory_equal(back, values, sizeof values);
                size_t end = (size_t)(((N - 1) * ys + 1) * luron_dtype_size(dtypes[t]));
                assert_memory_equal(to + end, untouched, sizeof to - end);
            }
}

/* Any bits at all in order, for which there may be other loops, and apart. */
static void test_convert_the_same_bits_apart(void **state) {
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                      LURON_I64, LURON_I32, LURON_U8,  LURON_B8};
    enum { N = 4096, LESS = 5 };
    static uint8_t from[8 * N], apart[24 * N], to[8 * N], to_apart[16 * N];
    uint32_t word = 1;
    (void)state;
    for (int i = 0; i < 8 * N; i++) from[i] = (uint8_t)((word = word * 1664525u + 1013904223u) >> 24);
    for (int i = 0; i < N; i++) from[8 * i + 7] = (uint8_t)(i % 8 < 4 ? 0x40 | (i & 0x81) : from[8 * i + 7]); /* doubles that are not all huge or tiny */
    for (int f = 0; f < 8; f++)
        for (int t = 0; t < 8; t++) {
            const size_t in = (size_t)luron_dtype_size(dtypes[f]), out = (size_t)luron_dtype_size(dtypes[t]);
            for (size_t i = 0; i < N; i++) memcpy(apart + 3 * i * in, from + i * in, in);
            luron__convert(dtypes[t], to, 1, dtypes[f], from, 1, N - LESS);
            luron__convert(dtypes[t], to_apart, 2, dtypes[f], apart, 3, N - LESS);
            for (size_t i = 0; i < N - LESS; i++) assert_memory_equal(to + i * out, to_apart + 2 * i * out, out);
        }
}

static void test_convert_promotion_matches_pytorch(void **state) {
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                      LURON_I64, LURON_I32, LURON_U8,  LURON_B8};
    enum { N = 18 };
    luron_ctx *ctx = *state;
    luron_tensor *operands[N];
    for (int i = 0; i < 8; i++) {
        operands[i] = tensor_of(ctx, dtypes[i], 1, (const int64_t[]){2}, NULL);
        operands[8 + i] = tensor_of(ctx, dtypes[i], 0, NULL, NULL);
    }
    assert_ok(ctx, luron_scalar(&operands[16], ctx, 1));
    assert_ok(ctx, luron_scalar_int(&operands[17], ctx, 1));
    for (int p = 0; p < N; p++)
        for (int q = 0; q < N; q++) {
            assert_string_equal(luron_dtype_name(luron__promote(operands[p], operands[q], LURON_F32)),
                                luron_dtype_name(reference_promotion_F32[p * N + q]));
            assert_string_equal(luron_dtype_name(luron__promote(operands[p], operands[q], LURON_F64)),
                                luron_dtype_name(reference_promotion_F64[p * N + q]));
        }
    for (int i = 0; i < N; i++)
        luron_tensor_unref(operands[i]);
}

static void test_convert_cast(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F32, 1.5, -2, 0), *y, *same;
    assert_ok(ctx, luron_cast(&y, ctx, x, LURON_B8));
    assert_int_equal(luron_tensor_dtype(y), LURON_B8);
    assert_tensor_close(y, ((const double[]){1, 1, 0}), 3, 0, 0);
    assert_ok(ctx, luron_cast(&same, ctx, x, LURON_F32));
    assert_ptr_equal(same, x);
    luron_tensor *none = NULL;
    assert_fails(ctx, luron_cast(&none, ctx, x, 0x999), LURON_E_DTYPE, "0x999 is no dtype");
    assert_null(none);
    luron_tensor_unref(x), luron_tensor_unref(y), luron_tensor_unref(same);
}

/* Runs to addresses that end like those they come from, or a few bytes further on: see convert.c. */
static void test_convert_copies_near_runs(void **state) {
    enum { PAGE = 4096, N = 1500 };
    static uint8_t from[PAGE], to[3 * PAGE], want[3 * PAGE];
    (void)state;
    for (int i = 0; i < PAGE; i++) from[i] = (uint8_t)(i * 31 + i / 256);
    for (int64_t n = 200; n <= N; n += 1 + n / 7)
        for (int ahead = 0; ahead < 130; ahead++) {
            uint8_t *at = to + (((uintptr_t)from - (uintptr_t)to) & (PAGE - 1)) + ahead;
            memset(to, 7, sizeof to), memset(want, 7, sizeof want);
            for (int64_t i = 0; i < n; i++) want[at - to + i] = from[i];
            luron__convert(LURON_U8, at, 1, LURON_U8, from, 1, n);
            assert_memory_equal(to, want, sizeof to);
            luron__convert(LURON_U8, at + n - 1, -1, LURON_U8, from, 1, n);
            for (int64_t i = 0; i < n; i++) assert_int_equal(at[i], from[n - 1 - i]);
        }
}

/* Conversions have no context: they take AVX2 where contexts do, in this program and, by LURON_ISA, in test_convert_plain. */
static void test_convert_follows_the_instruction_set(void **state) {
    const char *isa = luron_ctx_isa(*state), *wanted = getenv("LURON_ISA");
    if (wanted && *wanted) assert_string_equal(isa, wanted);
    assert_int_equal(luron__has_avx2(), strcmp(isa, "avx2") == 0 || strcmp(isa, "avx512") == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_convert_copies_near_runs),
        test_case(test_convert_halves_match_pytorch),
        test_case(test_convert_halves_round_trip),
        test_case(test_convert_halves_round_to_even),
        test_case(test_convert_integers),
        test_case(test_convert_pairs_and_strides),
        test_case(test_convert_the_same_bits_apart),
        test_case(test_convert_promotion_matches_pytorch),
        test_case(test_convert_cast),
        test_case(test_convert_follows_the_instruction_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
