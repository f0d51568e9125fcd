/* Functions of two numbers that have loops of their own, on every instruction set: the remainder bit for bit as fmod makes it, atan2
 * against the C library in double, logic of bool. */
#include "internal.h"
#include "kernels/elementwise.h"
#include "tensor_assert.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { RUN = 203 }; /* pieces of a loop, vectors, and what is left */

static bool has(int isa) { return luron__isa_pick(luron__isa_name(isa)) == isa; }
#define FOR_EACH_ISA(isa)                                                                                              \
    for (int isa = 0; isa < LURON__ISA_COUNT; isa++)                                                                   \
        if (has(isa))

static uint64_t next(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 11 ^ *seed << 53;
}

static void run(int isa, int32_t id, uint32_t dtype, int64_t n, const void *a, int sa, const void *b, int sb, void *y) {
    const luron__ew e = {.id = id, .isa = isa, .n_in = 2, .in = {{.run = dtype}, {.run = dtype}}, .out = {.run = dtype}};
    assert_int_equal(luron__ew_binary(&e, n, (const void *[]){a, b}, (const int[]){sa, sb}, y), 0);
}

/* ---- the remainder ----------------------------------------------------------------------------------------------- */
#define REMAINDER(T, U, suffix, MIN, MAX, DIGITS, DTYPE)                                                               \
    static T from_bits_##T(U u) {                                                                                      \
        T x;                                                                                                           \
        memcpy(&x, &u, sizeof x);                                                                                      \
        return x;                                                                                                      \
    }                                                                                                                  \
    static T rule_##T(T a, T b) { /* the sign of the divisor, as in Lua */                                             \
        const T m = fmod##suffix(a, b);                                                                                \
        return m != 0 && (m < 0) != (b < 0) ? m + b : m;                                                               \
    }                                                                                                                  \
    /* Numbers of all kinds, near ones, and whole multiples of b and their neighbours, with quotients around the edge. */ \
    static void make_##T(uint64_t *seed, T *a, T *b) {                                                                 \
        static const T edges[] = {0, 1, 3, (T)0.1, MIN, MIN / 2, MAX, MAX / 2, (T)INFINITY, (T)NAN};                   \
        for (int i = 0; i < RUN; i++) {                                                                                \
            const uint64_t kind = next(seed) % 6;                                                                      \
            a[i] = from_bits_##T((U)next(seed)), b[i] = from_bits_##T((U)next(seed));                                  \
            if (kind == 1) a[i] = edges[next(seed) % 10], b[i] = edges[next(seed) % 10];                               \
            if (kind >= 2) b[i] = (T)((double)(next(seed) % 100003 + 1) * ldexp(1, (int)(next(seed) % 40) - 20));      \
            if (kind == 2) a[i] = b[i] * (T)(next(seed) % 4096);                                                       \
            if (kind == 3) a[i] = b[i] * (T)(next(seed) % ((uint64_t)1 << (DIGITS)));                                  \
            if (kind >= 4) a[i] = (T)((double)next(seed) * ldexp(1, -(int)(next(seed) % 70)));                         \
            const uint64_t step = next(seed) % 3;                                                                      \
            if (kind >= 2 && step) a[i] = nextafter##suffix(a[i], step == 1 ? 0 : (T)INFINITY);                        \
            if (next(seed) % 2) a[i] = -a[i];                                                                          \
            if (next(seed) % 2) b[i] = -b[i];                                                                          \
            if (*seed % 1000 < 900 && !(fabs##suffix(a[i] / b[i]) < (T)4e6)) a[i] = b[i] * 3; /* quick pieces too */   \
        }                                                                                                              \
    }                                                                                                                  \
    static void test_pairs_remainder_as_fmod_##T(void **state) {                                                       \
        uint64_t seed = 1;                                                                                             \
        (void)state;                                                                                                   \
        for (int round = 0; round < 600; round++) {                                                                    \
            T a[RUN], b[RUN], y[RUN];                                                                                  \
            make_##T(&seed, a, b);                                                                                     \
            FOR_EACH_ISA(isa)                                                                                          \
            for (int steps = 0; steps < 4; steps++) {                                                                  \
                const int sa = steps & 1, sb = steps >> 1;                                                             \
                const int64_t n = round % 2 ? RUN : (int64_t)(next(&seed) % RUN) + 1;                                  \
                memcpy(y, a, sizeof y);                                                                                \
                run(isa, LURON__BINARY_remainder, DTYPE, n, sa ? y : a, sa, b, sb, y);                                 \
                for (int64_t i = 0; i < n; i++) {                                                                      \
                    const T u = a[i * sa], v = b[i * sb], m = rule_##T(u, v);                                          \
                    if ((isnan(m) && isnan(y[i])) || memcmp(&m, &y[i], sizeof m) == 0) continue;                       \
                    fail_msg("%a %% %a is %a on %s, %a expected", (double)u, (double)v, (double)y[i],                  \
                             luron__isa_name(isa), (double)m);                                                         \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
REMAINDER(float, uint32_t, f, FLT_MIN, FLT_MAX, 24, LURON_F32)
REMAINDER(double, uint64_t, , DBL_MIN, DBL_MAX, 53, LURON_F64)

/* ---- atan2 ------------------------------------------------------------------------------------------------------- */
static double ulps(float y, double exact) {
    int exponent;
    if (isnan(exact)) return isnan(y) ? 0 : INFINITY;
    frexp(fabs(exact) < FLT_MIN ? FLT_MIN : fabs(exact), &exponent);
    return fabs(y - exact) / ldexp(1, exponent - 24);
}

static void check_angles(const float *a, int sa, const float *b, int sb, int64_t n, double *worst) {
    float first[RUN], y[RUN];
    bool known = false;
    FOR_EACH_ISA(isa) {
        memcpy(y, b, (size_t)(sb ? n : 1) * sizeof *y);
        run(isa, LURON__BINARY_atan2, LURON_F32, n, a, sa, sb ? y : b, sb, y);
        for (int64_t i = 0; i < n; i++) {
            const double exact = atan2(a[i * sa], b[i * sb]), e = ulps(y[i], exact);
            if (e > worst[isa]) worst[isa] = e;
            if (e <= 2 && (isnan(exact) || !signbit(exact) == !signbit(y[i]))) continue;
            fail_msg("atan2(%a, %a) is %a on %s: %g units", (double)a[i * sa], (double)b[i * sb], (double)y[i], luron__isa_name(isa), e);
        }
        if (isa == LURON__ISA_PLAIN) continue; /* the C library's */
        for (int64_t i = 0; i < n && known; i++)
            assert_true((isnan(y[i]) && isnan(first[i])) || memcmp(y + i, first + i, sizeof *y) == 0);
        memcpy(first, y, sizeof y);
        known = true;
    }
}

static void test_pairs_atan2_within_2_units(void **state) {
    static const float edges[] = {0, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, FLT_MIN, -FLT_MIN, FLT_MAX, -FLT_MAX, 0x1p-149f, -0x1p-149f};
    enum { N = sizeof edges / sizeof *edges };
    double worst[LURON__ISA_COUNT] = {0};
    uint64_t seed = 2;
    (void)state;
    for (int i = 0; i < N; i++) {
        check_angles(edges, 1, edges + i, 0, N, worst);
        check_angles(edges + i, 0, edges, 1, N, worst);
    }
    for (int round = 0; round < 3000; round++) {
        float a[RUN], b[RUN];
        for (int i = 0; i < RUN; i++) {
            a[i] = from_bits_float((uint32_t)next(&seed)), b[i] = from_bits_float((uint32_t)next(&seed));
            if (round % 4) { /* of sizes near each other */
                a[i] = (float)next(&seed) * 0x1p-40f - 0x1p12f, b[i] = (float)next(&seed) * 0x1p-40f - 0x1p12f;
                if (round % 4 == 2) a[i] *= 0x1p-7f;
                if (round % 4 == 3) b[i] *= 0x1p-16f;
            }
        }
        check_angles(a, 1, b, 1, round % 3 ? RUN : (int64_t)(next(&seed) % RUN) + 1, worst);
    }
    FOR_EACH_ISA(isa) print_message("%s, atan2: %.2f\n", luron__isa_name(isa), worst[isa]);
}

/* ---- logic ------------------------------------------------------------------------------------------------------- */
static void test_pairs_logic(void **state) {
    uint8_t a[RUN], b[RUN + 1], y[RUN];
    uint64_t seed = 3;
    (void)state;
    for (int i = 0; i < RUN; i++) a[i] = next(&seed) % 2, b[i] = b[RUN] = next(&seed) % 2;
    for (int64_t n = 1; n <= RUN; n++)
        for (int steps = 0; steps < 4; steps++) {
            const int sa = steps & 1, sb = steps >> 1;
            for (int32_t id = LURON__BINARY_logical_and; id <= LURON__BINARY_logical_xor; id++) {
                run(LURON__ISA_PLAIN, id, LURON_B8, n, a + RUN - (sa ? n : 1), sa, b + n % 2, sb, y);
                for (int64_t i = 0; i < n; i++) {
                    const uint8_t u = a[RUN - (sa ? n : 1) + i * sa], v = b[n % 2 + i * sb];
                    assert_int_equal(y[i], id == LURON__BINARY_logical_and ? u && v : id == LURON__BINARY_logical_or ? u || v : u != v);
                }
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_remainder_as_fmod_float),
        cmocka_unit_test(test_pairs_remainder_as_fmod_double),
        cmocka_unit_test(test_pairs_atan2_within_2_units),
        cmocka_unit_test(test_pairs_logic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
