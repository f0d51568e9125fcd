/* Functions of one number on every instruction set: against the C library in double, and bit for bit with each other.
 */
#include "internal.h"
#include "kernels/vecmath.h"
#include "tensor_assert.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { RUN = 1000 };
#define STEP 4001 /* of 2^32 floats: a million */

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

typedef struct function {
    const char *name;
    uint32_t id;
    double (*reference)(double);
} function;
static const function functions[] = {
    {"exp", LURON_MAP_exp, exp},       {"expm1", LURON_MAP_expm1, expm1}, {"log", LURON_MAP_log, log},
    {"log1p", LURON_MAP_log1p, log1p}, {"tanh", LURON_MAP_tanh, tanh},    {"sigmoid", LURON_MAP_sigmoid, sigmoid},
    {"erf", LURON_MAP_erf, erf},       {"sqrt", LURON_MAP_sqrt, sqrt},    {"floor", LURON_MAP_floor, floor},
    {"sin", LURON_MAP_sin, sin},       {"cos", LURON_MAP_cos, cos},       {"tan", LURON_MAP_tan, tan},
    {"asin", LURON_MAP_asin, asin},    {"acos", LURON_MAP_acos, acos},    {"atan", LURON_MAP_atan, atan},
    {"sinh", LURON_MAP_sinh, sinh},    {"cosh", LURON_MAP_cosh, cosh},    {"asinh", LURON_MAP_asinh, asinh},
    {"acosh", LURON_MAP_acosh, acosh}, {"atanh", LURON_MAP_atanh, atanh},
    {"ceil", LURON_MAP_ceil, ceil},    {"round", LURON_MAP_round, rint},  {"trunc", LURON_MAP_trunc, trunc},
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

static bool has(int isa) { return luron__isa_pick(luron__isa_name(isa)) == isa; }

static float from_bits(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Distance of y from the exact value in units of the last place that a float of that size has. */
static double ulps(float y, double exact) {
    float near = fabsf((float)exact);
    if (isnan(exact) || isinf(near)) return (isnan(exact) && isnan(y)) || y == (float)exact ? 0 : INFINITY;
    int exponent;
    frexp(near < FLT_MIN ? FLT_MIN : near, &exponent);
    return fabs(y - exact) / ldexp(1, exponent - 24);
}

static void test_vecmath_within_2_units(void **state) {
    (void)state;
    for (int isa = 0; isa < LURON__ISA_COUNT; isa++)
        for (int f = 0; f < N_FUNCTIONS && has(isa); f++) {
            double worst = 0; /* in plain C the functions are the C library's */
            for (uint64_t u = 0; u < 0x100000000u;) {
                float x[RUN], y[RUN];
                for (int i = 0; i < RUN; i++, u += STEP)
                    x[i] = from_bits((uint32_t)u);
                luron__map(isa, functions[f].id, LURON_F32, RUN, x, y);
                for (int i = 0; i < RUN; i++) {
                    double e = ulps(y[i], functions[f].reference(x[i]));
                    if (e > worst) worst = e;
                    if (!(e <= (isa == LURON__ISA_PLAIN ? 3 : 2)))
                        fail_msg("%s(%a) is %a on %s: %g units", functions[f].name, (double)x[i], (double)y[i],
                                 luron__isa_name(isa), e);
                }
            }
            print_message("%s, %s: %.2f\n", luron__isa_name(isa), functions[f].name, worst);
        }
}

static void test_vecmath_edges(void **state) {
    static const float x[] = {0.0f,     -0.0f,     INFINITY, -INFINITY, NAN, FLT_MIN,
                              -FLT_MIN, 0x1p-149f, FLT_MAX,  -FLT_MAX,  1,   -1};
    enum { N = sizeof x / sizeof *x };
    (void)state;
    for (int isa = 0; isa < LURON__ISA_COUNT; isa++)
        for (int f = 0; f < N_FUNCTIONS && has(isa); f++) {
            float y[N];
            luron__map(isa, functions[f].id, LURON_F32, N, x, y);
            for (int i = 0; i < N; i++) {
                double exact = functions[f].reference(x[i]);
                if (ulps(y[i], exact) <= 2 &&
                    (exact != 0 || !signbit(exact) == !signbit(y[i]) || functions[f].id == LURON_MAP_exp))
                    continue;
                fail_msg("%s(%a) is %a on %s, %a expected", functions[f].name, (double)x[i], (double)y[i],
                         luron__isa_name(isa), exact);
            }
        }
}

/* The sign and payload of a NaN are left open. */
static void assert_same(const float *x, const float *y) {
    for (int i = 0; i < RUN; i++)
        assert_true((isnan(x[i]) && isnan(y[i])) || memcmp(x + i, y + i, sizeof *x) == 0);
}

/* Instruction sets with a fused multiply-add agree; where a run is cut, and whether y is x, makes no difference. */
static void test_vecmath_same_bits(void **state) {
    (void)state;
    for (uint32_t fn = 0; fn < LURON__MAP_COUNT; fn++) {
        float x[RUN], first[RUN], y[RUN];
        bool known = false;
        for (int i = 0; i < RUN; i++)
            x[i] = from_bits((uint32_t)i * 4294967u + 12345u);
        for (int isa = LURON__ISA_PLAIN + 1; isa < LURON__ISA_COUNT; isa++) {
            if (!has(isa)) continue;
            luron__map(isa, fn, LURON_F32, RUN, x, y);
            if (known) assert_same(y, first);
            memcpy(first, y, sizeof y);
            known = true;
            for (int at = 0, n = 1; at < RUN; at += n, n = n % 37 + 3)
                luron__map(isa, fn, LURON_F32, at + n > RUN ? RUN - at : n, x + at, y + at);
            assert_same(y, first);
            memcpy(y, x, sizeof y);
            luron__map(isa, fn, LURON_F32, RUN, y, y);
            assert_same(y, first);
        }
    }
}

/* Random numbers do not depend on the machine. */
static void test_vecmath_normals_same_bits(void **state) {
    uint32_t words[2 * RUN] = {0, 0, UINT32_MAX, UINT32_MAX, 1, 1u << 29, 7, (1u << 29) - 1, 9, 1u << 31};
    float first[2 * RUN], y[2 * RUN];
    (void)state;
    for (int i = 10; i < 2 * RUN; i++)
        words[i] = (uint32_t)i * 2654435761u;
    luron__draw_normals(LURON__ISA_PLAIN, RUN, words, 1, 2, first);
    for (int isa = LURON__ISA_PLAIN + 1; isa < LURON__ISA_COUNT; isa++) {
        if (!has(isa)) continue;
        luron__draw_normals(isa, RUN, words, 1, 2, y);
        assert_memory_equal(y, first, sizeof y);
    }
    for (int i = 0; i < 2 * RUN; i++)
        assert_true(isfinite(first[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vecmath_within_2_units),
        cmocka_unit_test(test_vecmath_edges),
        cmocka_unit_test(test_vecmath_same_bits),
        cmocka_unit_test(test_vecmath_normals_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
