/* The image layers of the plugin `preprocess` that bend, mix and equalise, and HashedCrossing: Keras's numbers from
 * luron's draws (tests/data/make_augment_mix.py), and what has to hold of the draws. */
#include "layer_check.h"
#include "made.h"
#include "refused.h"

#include "../data/augment_mix_reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Keras's numbers --------------------------------------------------------------------------------------------- */
static void check_near(const luron_tensor *y, const double *want, const char *type, const char *options) {
    const int wide = luron_tensor_dtype(y) == LURON_F64;
    for (int64_t i = 0; i < luron_tensor_numel(y); i++) {
        const double got = wide ? ((const double *)luron_tensor_data(y))[i] : ((const float *)luron_tensor_data(y))[i];
        if (!(fabs(got - want[i]) <= (wide ? 1e-11 : 1e-5) * fmax(1, fabs(want[i]))))
            fail_msg("%s %s: number %d is %.9g, Keras's %.9g", type, options, (int)i, got, want[i]);
    }
}
static void check_values(luron_ctx *ctx, size_t k, uint32_t dtype) {
    const int64_t *shape = mix_cases[k].shape, rows[2] = {shape[0], mix_cases[k].classes};
    luron_layer *layer = layer_of(ctx, mix_cases[k].type, mix_cases[k].options);
    luron_tensor *in[2] = {tensor_of(ctx, dtype, 4, shape, mix_cases[k].x), NULL}, *out[2] = {NULL};
    if (rows[1]) in[1] = tensor_of(ctx, dtype, 2, rows, mix_cases[k].labels);
    luron_ctx_seed(ctx, mix_cases[k].seed);
    assert_ok(ctx, luron_layer_apply(out, ctx, layer, rows[1] ? 2 : 1, in));
    check_near(out[0], mix_cases[k].y, mix_cases[k].type, mix_cases[k].options);
    if (rows[1]) check_near(out[1], mix_cases[k].mixed, mix_cases[k].type, mix_cases[k].options);
    for (int i = 0; i < 2; i++)
        luron_tensor_unref(in[i]), luron_tensor_unref(out[i]);
    luron_layer_unref(layer);
}
static void test_mix_values_of_keras(void **state) {
    luron_ctx *ctx = *state;
    for (size_t k = 0; k < 4 * (sizeof mix_cases / sizeof *mix_cases); k++) {
        const uint32_t dtype = k % 2 ? LURON_F64 : LURON_F32;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_ctx_set_index_base(ctx, k / 2 % 2);
        check_values(ctx, k / 4, dtype);
    }
}

static void test_mix_gradients(void **state) {
#define CLAHE "ContrastLimitedAdaptiveHistogramEqualization"
    static const layer_case cases[] = {
        {"RandomPerspective", NULL, 1, {{INPUT_SHAPE(3, 2, 3, 4)}}, .tol = 1e-7, .order = 2},
        {"RandomPerspective",
         "{\"factor\": [1, 1], \"interpolation\": \"nearest\", \"fill_value\": 2}",
         1,
         {{INPUT_SHAPE(2, 3, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomPerspective", "{\"factor\": [1, 1]}", 1, {{INPUT_SHAPE(2, 1, 1, 4)}}, .tol = 1e-7},
        {"RandomPerspective", NULL, 1, {{INPUT_SHAPE(2, 1, 0, 4)}}, .tol = 1e-7},
        {"RandomElasticTransform",
         "{\"factor\": [1, 1], \"value_range\": [-9, 9]}",
         1,
         {{INPUT_SHAPE(2, 2, 8, 7)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomElasticTransform",
         "{\"fill_mode\": \"constant\", \"value_range\": [-9, 9]}",
         1,
         {{INPUT_SHAPE(1, 1, 5)}},
         .tol = 1e-7},
        {"RandomElasticTransform", NULL, 1, {{INPUT_SHAPE(0, 1, 3, 5)}}, .tol = 1e-7},
        {"MixUp", NULL, 2, {{INPUT_SHAPE(4, 2, 2, 3)}, {INPUT_SHAPE(4, 3)}}, .tol = 1e-7, .order = 2},
        {"MixUp", "{\"alpha\": 2}", 2, {{INPUT_SHAPE(1, 1, 2, 3)}, {INPUT_SHAPE(1, 2), .no_grad = true}}, .tol = 1e-7},
        {"MixUp", NULL, 2, {{INPUT_SHAPE(0, 2, 2, 3)}, {INPUT_SHAPE(0, 3)}}, .tol = 1e-7},
        {"CutMix", NULL, 2, {{INPUT_SHAPE(4, 2, 4, 3)}, {INPUT_SHAPE(4, 3)}}, .tol = 1e-7, .order = 2},
        {"CutMix", NULL, 2, {{INPUT_SHAPE(2, 1, 2, 3)}, {INPUT_SHAPE(2, 2)}}, .eval = true, .tol = 1e-7, .order = 2},
        {CLAHE,
         "{\"value_range\": [-9, 9], \"tile_grid_size\": [2, 1]}",
         1,
         {{INPUT_SHAPE(2, 2, 3, 4), .lo = 0.501, .hi = 0.55}},
         .tol = 1e-7,
         .order = 2},
        {CLAHE, "{\"value_range\": [-9, 9]}", 1, {{INPUT_SHAPE(2, 0, 3)}}, .tol = 1e-7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* ---- what is drawn ----------------------------------------------------------------------------------------------- */
static luron_tensor *uniform_of(luron_ctx *ctx, int ndim, const int64_t *shape) {
    luron_tensor *x;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, ndim, shape));
    luron_ctx_seed(ctx, 3);
    assert_ok(ctx, luron_tensor_uniform(ctx, x, 0, 1));
    return x;
}
static luron_tensor *drawn(luron_ctx *ctx, luron_layer *layer, luron_tensor *x, uint64_t seed) {
    luron_tensor *y;
    luron_ctx_seed(ctx, seed);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    return y;
}

/* In eval mode nothing changes; a seed draws the same, another one something else; the first image of a batch is drawn
 * as one that comes alone. */
static void test_mix_draws(void **state) {
    static const char *const types[][2] = {{"RandomPerspective", NULL},
                                           {"RandomElasticTransform", "{\"factor\": [1, 1], \"value_range\": 1}"}};
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform_of(ctx, LURON_SHAPE(8, 2, 9, 10)), *one;
    assert_ok(ctx, luron_select(&one, ctx, x, 0, 0));
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        luron_layer *layer = layer_of(ctx, types[k][0], types[k][1]);
        luron_tensor *y = drawn(ctx, layer, x, 1), *again = drawn(ctx, layer, x, 1), *other = drawn(ctx, layer, x, 2);
        luron_tensor *first = drawn(ctx, layer, one, 1);
        assert_tensor_same(again, y);
        assert_int_not_equal(memcmp(luron_tensor_data(y), luron_tensor_data(x), 8 * 180 * sizeof(float)), 0);
        assert_int_not_equal(memcmp(luron_tensor_data(y), luron_tensor_data(other), 8 * 180 * sizeof(float)), 0);
        assert_int_equal(memcmp(luron_tensor_data(first), luron_tensor_data(y), 180 * sizeof(float)), 0);
        luron_layer_set_training(layer, 0);
        luron_tensor *still = drawn(ctx, layer, x, 1), *all[] = {y, again, other, first, still};
        assert_tensor_same(still, x);
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            luron_tensor_unref(all[i]);
        luron_layer_unref(layer);
    }
    luron_tensor_unref(x), luron_tensor_unref(one);
}

/* Labels that are one row each of the unit matrix show the shares: how much of its own row each image has. Those that
 * are mixed with themselves show nothing. */
enum { N = 500, ROUNDS = 8 };
typedef struct moments {
    double n, mean, variance, low; /* low: how many are below 0.3 */
} moments;
static moments moments_of(luron_ctx *ctx, const char *type, const char *options) {
    luron_layer *layer = layer_of(ctx, type, options);
    luron_tensor *in[2], *out[2];
    moments m = {0};
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    assert_ok(ctx, luron_tensor_new(&in[0], ctx, LURON_F64, LURON_SHAPE(N, 1, 1, 1)));
    assert_ok(ctx, luron_tensor_new(&in[1], ctx, LURON_F64, LURON_SHAPE(N, N)));
    double *t = luron_tensor_data(in[1]);
    for (int i = 0; i < N * N; i++)
        t[i] = i % (N + 1) == 0;
    luron_ctx_seed(ctx, 21);
    for (int k = 0; k < ROUNDS; k++) {
        assert_ok(ctx, luron_layer_apply(out, ctx, layer, 2, in));
        const double *y = luron_tensor_data(out[1]);
        int taken[N] = {0};
        for (int i = 0; i < N; i++) {
            double sum = 0, far = y[i * N + i] - 0.5;
            int other = i;
            for (int j = 0; j < N; j++) {
                assert_true(y[i * N + j] >= 0 && y[i * N + j] <= 1);
                sum += y[i * N + j];
                if (j != i && y[i * N + j] > 0) other = j;
            }
            assert_true(fabs(sum - 1) < 1e-12);
            if (other == i) continue;
            taken[other]++;
            m.n++, m.mean += far, m.variance += far * far, m.low += far < -0.2;
        }
        for (int i = 0; i < N; i++)
            assert_true(taken[i] <= 1);
        luron_tensor_unref(out[0]), luron_tensor_unref(out[1]);
    }
    luron_tensor_unref(in[0]), luron_tensor_unref(in[1]);
    luron_layer_unref(layer);
    m.mean = 0.5 + m.mean / m.n, m.variance /= m.n;
    return m;
}
static void test_mix_shares_are_beta(void **state) {
    for (size_t k = 0; k < sizeof mix_betas / sizeof *mix_betas; k++) {
        char options[32];
        const double a = mix_betas[k].alpha, variance = 0.25 / (2 * a + 1), fourth = 3 * variance / (4 * (2 * a + 3));
        snprintf(options, sizeof options, "{\"alpha\": %g}", a);
        const moments m = moments_of(*state, "MixUp", options);
        const double all = (N - 1) * ROUNDS, below = mix_betas[k].below; /* one of a batch is expected to stay */
        assert_true(fabs(m.low - all * below) < 5 * sqrt(all * below * (1 - below)) + ROUNDS); /* standard errors */
        if (a < 0.5) continue; /* some shares are all of an image: they show no other */
        assert_true(fabs(m.n - all) < 20);
        assert_true(fabs(m.mean - 0.5) < 5 * sqrt(variance / m.n));
        assert_true(fabs(m.variance - variance) < 5 * sqrt((fourth - variance * variance) / m.n));
    }
}

/* A share and a rectangle go together, and what lies in it is the other image's. */
static void test_mix_cuts_rectangles(void **state) {
    luron_ctx *ctx = *state;
    enum { B = 24, SIDE = 20 };
    luron_layer *layer = layer_of(ctx, "CutMix", "{\"factor\": [1, 1]}");
    luron_tensor *in[2], *out[2];
    assert_ok(ctx, luron_tensor_new(&in[0], ctx, LURON_F32, LURON_SHAPE(B, 2, SIDE, SIDE)));
    assert_ok(ctx, luron_tensor_new(&in[1], ctx, LURON_F32, LURON_SHAPE(B, B)));
    float *x = luron_tensor_data(in[0]), *t = luron_tensor_data(in[1]);
    for (int i = 0; i < B * 2 * SIDE * SIDE; i++)
        x[i] = (float)(i / (2 * SIDE * SIDE));
    for (int i = 0; i < B * B; i++)
        t[i] = i % (B + 1) == 0;
    luron_ctx_seed(ctx, 4);
    assert_ok(ctx, luron_layer_apply(out, ctx, layer, 2, in));
    const float *y = luron_tensor_data(out[0]), *u = luron_tensor_data(out[1]);
    int mixed = 0;
    for (int i = 0; i < B; i++) {
        const float *first = y + i * 2 * SIDE * SIDE, *second = first + SIDE * SIDE;
        int top = SIDE, bottom = -1, left = SIDE, right = -1, count = 0, other = i;
        for (int k = 0; k < SIDE * SIDE; k++) {
            assert_true(first[k] == second[k]);
            if (first[k] == i) continue;
            other = (int)first[k], count++;
            top = k / SIDE < top ? k / SIDE : top, bottom = k / SIDE > bottom ? k / SIDE : bottom;
            left = k % SIDE < left ? k % SIDE : left, right = k % SIDE > right ? k % SIDE : right;
        }
        if (other == i) continue;
        mixed++;
        assert_int_equal(count, (bottom - top + 1) * (right - left + 1));
        const double side = SIDE * sqrt(u[i * B + other]); /* whole places in it: one more or less */
        assert_true(fabs(bottom - top + 1 - side) < 1.001 && fabs(right - left + 1 - side) < 1.001);
        assert_true(fabs(u[i * B + i] + u[i * B + other] - 1) < 1e-6);
    }
    assert_true(mixed > B / 2);
    for (int i = 0; i < 2; i++)
        luron_tensor_unref(in[i]), luron_tensor_unref(out[i]);
    luron_layer_unref(layer);
}

/* A channel without a number stays so, and NaN where it is; the others are equalised as without it. */
static void test_mix_equalises_beside_nan(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = layer_of(ctx, CLAHE, "{\"tile_grid_size\": [1, 1], \"clip_limit\": 0}");
    const double from[] = {0, 10, NAN, 10, NAN, NAN, NAN, NAN}, want[] = {0, 255, NAN, 255, NAN, NAN, NAN, NAN};
    luron_tensor *x = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){1, 2, 2, 2}, from), *y = drawn(ctx, layer, x, 1);
    for (int i = 0; i < 8; i++) {
        const float got = ((const float *)luron_tensor_data(y))[i];
        assert_true(isnan(want[i]) ? isnan(got) : got == (float)want[i]);
    }
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

/* ---- HashedCrossing ---------------------------------------------------------------------------------------------- */
static void test_mix_crosses_hashes(void **state) {
    luron_ctx *ctx = *state;
    enum { SIDE = 80, BINS = 7 };
    luron_layer *layer = layer_of(ctx, "HashedCrossing", "{\"num_bins\": 7}"),
                *wide = layer_of(ctx, "HashedCrossing", "{\"num_bins\": 1000000}");
    luron_tensor *in[3], *y;
    for (int p = 0; p < 3; p++) {
        assert_ok(ctx, luron_tensor_new(&in[p], ctx, LURON_I64, LURON_SHAPE(SIDE, SIDE)));
        for (int i = 0; i < SIDE * SIDE; i++)
            ((int64_t *)luron_tensor_data(in[p]))[i] = p == 0 ? i / SIDE - 3 : p == 1 ? i % SIDE : 0;
    }
    for (int base = 0; base < 2; base++) { /* all pairs of small numbers, into all bins alike */
        int found[BINS] = {0};
        luron_ctx_set_index_base(ctx, base);
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
        for (int i = 0; i < SIDE * SIDE; i++)
            found[((const int64_t *)luron_tensor_data(y))[i] - base]++;
        for (int b = 0; b < BINS; b++)
            assert_in_range(found[b], 914 - 140, 914 + 140); /* five standard errors */
        luron_tensor_unref(y);
    }
    /* What a checkpoint relies on: the hash stays what it is; (a, b) is not (b, a), and three are three. */
    luron_ctx_set_index_base(ctx, 0);
    static const int64_t expected[3][2] = {{490536, 369953}, {677483, 384237}, {557012, 189823}};
    luron_tensor *sets[3][3] = {{in[0], in[1], NULL}, {in[1], in[0], NULL}, {in[0], in[1], in[2]}};
    for (int s = 0; s < 3; s++) {
        assert_ok(ctx, luron_layer_apply(&y, ctx, wide, s == 2 ? 3 : 2, sets[s]));
        assert_int_equal(((const int64_t *)luron_tensor_data(y))[0], expected[s][0]);
        assert_int_equal(((const int64_t *)luron_tensor_data(y))[SIDE + 5], expected[s][1]);
        luron_tensor_unref(y);
    }
    for (int p = 0; p < 3; p++)
        luron_tensor_unref(in[p]);
    luron_layer_unref(layer), luron_layer_unref(wide);
}

static void test_mix_messages(void **state) {
    luron_ctx *ctx = *state;
    static const char *const wrong[][3] = {
        {"RandomPerspective", "{\"scale\": 1.5}", "scale: number from 0 to 1 expected, got 1.5"},
        {"RandomPerspective", "{\"fill_mode\": \"wrap\"}", "fill_mode"},
        {"RandomElasticTransform", "{\"factor\": 2}", "factor"},
        {"RandomElasticTransform", "{\"value_range\": 0}", "value_range is from 0 to 0, a range expected"},
        {"MixUp", "{\"alpha\": 0}", "alpha"},
        {"CutMix", "{\"factor\": -1}", "factor"},
        {CLAHE, "{\"clip_limit\": -1}", "clip_limit"},
        {CLAHE, "{\"tile_grid_size\": [0, 8]}", "tile_grid_size"},
        {CLAHE, "{\"value_range\": [3, 3]}", "value_range is from 3 to 3, a range expected"},
        {"HashedCrossing", "{\"num_bins\": 0}", "num_bins"},
    };
    const refused_case refusals[] = {
        {"RandomPerspective",
         NULL,
         "input has 2 dimensions, (n, c, h, w) or (c, h, w) expected",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(3, 4)}},
        {CLAHE, NULL, "input has 5 dimensions", LURON_E_SHAPE, 1, {REFUSED_REAL(1, 1, 3, 3, 3)}},
        {"MixUp",
         NULL,
         "labels is int64, float32 or float64 is expected: cast it to float32 (probabilities (n, classes), "
         "which one_hot makes of class ids)",
         LURON_E_DTYPE,
         2,
         {REFUSED_REAL(2, 1, 3, 3), REFUSED_IDS(2, 1, 1)}},
        {"MixUp",
         NULL,
         "labels has 1 dimension, (n, classes) expected: a row of probabilities for each image, which one_hot "
         "makes of class ids",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(2, 1, 3, 3), REFUSED_REAL(2)}},
        {"MixUp",
         NULL,
         "images has 3 dimensions, 4 expected: (n, c, h, w)",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(1, 3, 3), REFUSED_REAL(1, 2)}},
        {"CutMix",
         NULL,
         "there are 2 images and 3 rows of labels",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(2, 1, 3, 3), REFUSED_REAL(3, 2)}},
        {"HashedCrossing", "{\"num_bins\": 3}", "others", LURON_E_ARGUMENT, 1, {REFUSED_IDS(2, 1, 2)}},
        {"HashedCrossing",
         "{\"num_bins\": 3}",
         "has another shape than the first: integers of one shape expected",
         LURON_E_SHAPE,
         2,
         {REFUSED_IDS(2, 1, 2), REFUSED_IDS(3, 1, 2, 3)}},
        {"HashedCrossing", "{\"num_bins\": 3}", "int64", LURON_E_DTYPE, 2, {REFUSED_IDS(2, 1, 2), REFUSED_REAL(2)}},
    };
    luron_layer *none = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(ctx, luron_layer_from_json(&none, ctx, wrong[i][0], wrong[i][1]), LURON_E_ARGUMENT, wrong[i][2]);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        refused(ctx, &refusals[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_mix_values_of_keras), test_case(test_mix_gradients),
        test_case(test_mix_draws),           test_case(test_mix_shares_are_beta),
        test_case(test_mix_cuts_rectangles), test_case(test_mix_equalises_beside_nan),
        test_case(test_mix_crosses_hashes),  test_case(test_mix_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
