/* Initialisers: their text, and what they fill a tensor with. The moments are those of torch.nn.init and Keras, whose
 * formulas are in initialisers.c; the generator is ours.                                                             */
#include "internal.h"
#include "tensor_assert.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static luron_tensor *filled(luron_ctx *ctx, const char *text, uint32_t dtype, int ndim, const int64_t *shape) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_new(&t, ctx, dtype, ndim, shape));
    assert_ok(ctx, luron_tensor_init(ctx, t, text));
    return t;
}

static double at(luron_ctx *ctx, const luron_tensor *t, int64_t i) {
    double *all = malloc((size_t)luron_tensor_numel(t) * sizeof *all), value;
    assert_ok(ctx, luron_tensor_read(ctx, t, LURON_F64, all));
    value = all[i];
    free(all);
    return value;
}

typedef struct moments {
    double mean, deviation, low, high;
} moments;
static moments moments_of(luron_ctx *ctx, const luron_tensor *t) {
    int64_t n = luron_tensor_numel(t);
    double *x = malloc((size_t)n * sizeof *x);
    moments m = {0, 0, INFINITY, -INFINITY};
    assert_ok(ctx, luron_tensor_read(ctx, t, LURON_F64, x));
    for (int64_t i = 0; i < n; i++)
        m.mean += x[i] / (double)n, m.low = fmin(m.low, x[i]), m.high = fmax(m.high, x[i]);
    for (int64_t i = 0; i < n; i++)
        m.deviation += (x[i] - m.mean) * (x[i] - m.mean) / (double)n;
    m.deviation = sqrt(m.deviation);
    free(x);
    return m;
}

/* A weight [60, 40, 5]: fan_in 200, fan_out 300; 12,000 numbers, so moments are known to about 1 %. */
static void test_initialisers_moments(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *text;
        double mean, deviation, bound;
    } cases[] = {
        {"uniform(2, 4)", 3, 2 / 3.4641016151, 1},
        {"normal(1, 3)", 1, 3, INFINITY},
        {"trunc_normal(1, 3)", 1, 3 * 0.8796256610, 6},
        {"xavier_uniform(2)", 0, 2 * 0.0632455532, 2 * 0.1095445115}, /* torch: sqrt(6 / 500) = 0.1095 */
        {"xavier_normal", 0, 0.0632455532, INFINITY},
        {"kaiming_uniform", 0, 0.1, 0.1732050808},                              /* sqrt(6 / 200) */
        {"kaiming_uniform(2.2360679774997896)", 0, 0.0408248290, 0.0707106781}, /* Linear's own: 1 / sqrt(fan_in) */
        {"kaiming_normal(0, fan_out)", 0, 0.0816496581, INFINITY},
        {"kaiming_normal(0.2,fan_in)", 0, 0.0980580676, INFINITY},
        {"lecun_uniform", 0, 0.0707106781, 0.1224744871},
        {"lecun_normal", 0, 0.0707106781, 2 * 0.0707106781 / 0.8796256610},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int wide = 0; wide < 2; wide++) {
            luron_tensor *t = filled(ctx, cases[i].text, wide ? LURON_F64 : LURON_F32, 3, (int64_t[]){60, 40, 5});
            moments m = moments_of(ctx, t);
            if (fabs(m.mean - cases[i].mean) > 0.04 * cases[i].deviation ||
                fabs(m.deviation - cases[i].deviation) > 0.03 * cases[i].deviation ||
                m.high - cases[i].mean > cases[i].bound * 1.000001 || cases[i].mean - m.low > cases[i].bound * 1.000001)
                fail_msg("%s: mean %g, deviation %g, from %g to %g", cases[i].text, m.mean, m.deviation, m.low, m.high);
            if (isfinite(cases[i].bound)) assert_true(m.high - cases[i].mean > 0.98 * cases[i].bound);
            luron_tensor_unref(t);
        }
    }
}

static void test_initialisers_fixed(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = filled(ctx, "eye(3)", LURON_F32, 2, (int64_t[]){2, 3});
    assert_tensor_close(t, ((const double[]){3, 0, 0, 0, 3, 0}), 6, 0, 0);
    luron_tensor_unref(t);
    /* torch.nn.init.dirac_(torch.empty(4, 2, 3), groups=2) */
    t = filled(ctx, "dirac( 2 )", LURON_F64, 3, (int64_t[]){4, 2, 3});
    assert_tensor_close(t, ((const double[]){0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}),
                        24, 0, 0);
    luron_tensor_unref(t);
    t = filled(ctx, "constant(-1.5e0)", LURON_F16, 0, NULL);
    assert_tensor_close(t, ((const double[]){-1.5}), 1, 0, 0);
    luron_tensor_unref(t);
    t = filled(ctx, "ones", LURON_BF16, 1, (int64_t[]){2});
    assert_tensor_close(t, ((const double[]){1, 1}), 2, 0, 0);
    luron_tensor_unref(t);
}

static void test_initialisers_orthogonal(void **state) {
    luron_ctx *ctx = *state;
    static const int64_t shapes[][2] = {{5, 12}, {12, 5}, {7, 7}, {1, 4}, {4, 1}, {0, 3}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        luron_tensor *t = filled(ctx, "orthogonal(2)", LURON_F64, 2, shapes[i]), *turned, *product;
        assert_ok(ctx, luron_transpose(&turned, ctx, t, 0, 1));
        bool wide = shapes[i][0] <= shapes[i][1];
        assert_ok(ctx, luron_matmul(&product, ctx, wide ? t : turned, wide ? turned : t));
        int64_t n = luron_tensor_size(product, 0);
        double want[64];
        for (int64_t k = 0; k < n * n; k++)
            want[k] = k % (n + 1) == 0 ? 4 : 0;
        assert_tensor_close(product, want, n * n, 0, 1e-14);
        luron_tensor_unref(product);
        luron_tensor_unref(turned);
        luron_tensor_unref(t);
    }
    luron_tensor *t = filled(ctx, "orthogonal", LURON_F32, 4, (int64_t[]){6, 2, 3, 3});
    luron_tensor_unref(t);
}

static void test_initialisers_sparse(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = filled(ctx, "sparse(0.55, 1)", LURON_F32, 2, (int64_t[]){10, 20});
    for (int64_t c = 0; c < 20; c++) {
        int zeros = 0;
        for (int64_t r = 0; r < 10; r++)
            zeros += at(ctx, t, r * 20 + c) == 0;
        assert_int_equal(zeros, 6); /* ceil(5.5) of each column */
    }
    luron_tensor_unref(t);
}

/* Every initialiser takes one position, whatever it fills: others keep their numbers. */
static void test_initialisers_take_one_position(void **state) {
    luron_ctx *ctx = *state;
    uint64_t seed, before, after;
    for (int i = 0; luron_initialiser_name(i); i++) {
        const char *name = luron_initialiser_name(i);
        luron_ctx_random_state(ctx, &seed, &before);
        int ndim = strcmp(name, "dirac") == 0 ? 3 : 2;
        luron_tensor *t = filled(ctx, name, LURON_F32, ndim, (int64_t[]){4, 6, 3});
        luron_ctx_random_state(ctx, &seed, &after);
        if (after - before != 1) fail_msg("%s takes %d positions", name, (int)(after - before));
        assert_non_null(luron_initialiser_doc(i));
        luron_tensor_unref(t);
    }
    assert_null(luron_initialiser_name(-1));
    assert_null(luron_initialiser_name(1000));
}

static void test_initialisers_fill_views(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *whole = tensor_of(ctx, LURON_F32, 2, (int64_t[]){6, 8}, NULL), *view, *same;
    for (int i = 0; luron_initialiser_name(i); i++) {
        if (strcmp(luron_initialiser_name(i), "dirac") == 0) continue;
        luron_ctx_seed(ctx, 3);
        assert_ok(ctx, luron_transpose(&view, ctx, whole, 0, 1));
        assert_ok(ctx, luron_tensor_init(ctx, view, luron_initialiser_name(i)));
        luron_ctx_seed(ctx, 3);
        same = filled(ctx, luron_initialiser_name(i), LURON_F32, 2, (int64_t[]){8, 6});
        luron_tensor *flat;
        assert_ok(ctx, luron_contiguous(&flat, ctx, view));
        assert_tensor_same(flat, same);
        luron_tensor_unref(flat);
        luron_tensor_unref(same);
        luron_tensor_unref(view);
    }
    luron_tensor_unref(whole);
}

static void test_initialisers_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = tensor_of(ctx, LURON_F32, 2, (int64_t[]){2, 2}, NULL),
                 *row = tensor_of(ctx, LURON_F32, 1, (int64_t[]){2}, NULL),
                 *ids = tensor_of(ctx, LURON_I64, 2, (int64_t[]){2, 2}, NULL);
    static const struct {
        const char *text, *part;
    } wrong[] = {
        {"glorot_normal", "no initialiser 'glorot_normal'; here it is 'xavier_normal'"},
        {"he_uniform", "here it is 'kaiming_uniform'"},
        {"xavier", "no initialiser 'xavier'; there are: zeros, ones"},
        {"", "no initialiser ''"},
        {"normal(0", "normal(mean, std) expected, got 'normal(0'"},
        {"normal(0, 1, 2)", "normal(mean, std) expected"},
        {"normal(0, -1)", "std of at least 0 expected, got -1"},
        {"normal(inf)", "normal(mean, std) expected"},
        {"normal(1e999)", "normal(mean, std) expected"},
        {"normal(,)", "normal(mean, std) expected"},
        {"normal(1) x", "normal(mean, std) expected"},
        {"zeros(1)", "zeros expected, got 'zeros(1)'"},
        {"uniform(1, 0)", "low 1 is above high 0"},
        {"kaiming_normal(0, both)", "kaiming_normal(slope, mode) expected"},
        {"sparse(1.5)", "part from 0 to 1 expected"},
        {"dirac(0.5)", "groups: positive integer expected"},
        {"normal("
         "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "00000000000000000)",
         "expected"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(ctx, luron_tensor_init(ctx, t, wrong[i].text), LURON_E_ARGUMENT, wrong[i].part);
    assert_fails(ctx, luron_tensor_init(ctx, t, NULL), LURON_E_ARGUMENT, "name of an initialiser expected");
    assert_fails(ctx, luron_tensor_init(ctx, row, "xavier_uniform"), LURON_E_SHAPE,
                 "2 or more dimensions expected, got shape (2,)");
    assert_fails(ctx, luron_tensor_init(ctx, t, "dirac"), LURON_E_SHAPE, "3 or more dimensions expected");
    assert_fails(ctx, luron_tensor_init(ctx, ids, "ones"), LURON_E_DTYPE, "a real dtype expected, got int64");
    luron_tensor_unref(t);
    luron_tensor_unref(row);
    luron_tensor_unref(ids);
}

/* A decimal comma in the program's own locale changes nothing. */
static void test_initialisers_read_numbers_in_any_locale(void **state) {
    luron_ctx *ctx = *state;
    const char *names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"};
    for (size_t i = 0; i < 3 && !setlocale(LC_ALL, names[i]); i++)
        if (i == 2) skip(); /* none of them is installed */
    luron_tensor *t = filled(ctx, "constant(0.5)", LURON_F32, 0, NULL);
    setlocale(LC_ALL, "C");
    assert_true(at(ctx, t, 0) == 0.5);
    luron_tensor_unref(t);
}

/* A leaf that requires a gradient may be filled while recording is on; what ops made may not. */
static void test_initialisers_and_the_tape(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *w = tensor_of(ctx, LURON_F32, 2, (int64_t[]){2, 2}, NULL), *y;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, w, 1));
    assert_ok(ctx, luron_tensor_init(ctx, w, "ones"));
    assert_true(luron_ctx_is_recording(ctx));
    assert_ok(ctx, luron_square(&y, ctx, w));
    assert_fails(ctx, luron_tensor_init(ctx, y, "ones"), LURON_E_STATE, "a leaf expected");
    luron_tensor_unref(y);
    luron_tensor_unref(w);
}

/* One row is zeros; the others are as without it. */
static void test_initialisers_zero_row(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a, *b;
    assert_ok(ctx, luron_tensor_new(&a, ctx, LURON_F64, LURON_SHAPE(3, 4)));
    assert_ok(ctx, luron_tensor_new(&b, ctx, LURON_F64, LURON_SHAPE(3, 4)));
    luron_ctx_seed(ctx, 1);
    assert_ok(ctx, luron__init_tensor(ctx, a, luron_init_normal(0, 1)));
    luron_ctx_seed(ctx, 1);
    assert_ok(ctx, luron__init_tensor(ctx, b, luron_init_zero_row(luron_init_normal(0, 1), 1)));
    for (int64_t i = 0; i < 12; i++) assert_true(at(ctx, b, i) == (i / 4 == 1 ? 0 : at(ctx, a, i)));
    assert_fails(ctx, luron__init_tensor(ctx, b, luron_init_zero_row(luron_init_zeros(), 3)), LURON_E_ARGUMENT, "leaves row 3 zero: there is no such row");
    luron_tensor_unref(a);
    luron_tensor_unref(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_initialisers_moments),           test_case(test_initialisers_fixed),
        test_case(test_initialisers_orthogonal),        test_case(test_initialisers_sparse),
        test_case(test_initialisers_take_one_position), test_case(test_initialisers_fill_views),
        test_case(test_initialisers_refused),           test_case(test_initialisers_read_numbers_in_any_locale),
        test_case(test_initialisers_and_the_tape), test_case(test_initialisers_zero_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
