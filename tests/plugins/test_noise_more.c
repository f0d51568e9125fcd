/* Dropout of channels, alpha dropout and Gaussian noises. */
#include "layer_check.h"
#include "refused.h"
#include "runs.h"

#include <math.h>

static const struct {
    const char *type, *options;
    int ndim;
    int64_t shape[5];
    int n_decided; /* leading dims that are decided one by one */
} noises[] = {
    {"Dropout1d", "{\"p\": 0.3}", 3, {20, 30, 40}, 2},      {"Dropout1d", "{\"p\": 0.3}", 2, {600, 40}, 1},
    {"Dropout2d", "{\"p\": 0.3}", 4, {20, 30, 5, 8}, 2},    {"Dropout2d", "{\"p\": 0.3}", 3, {20, 30, 7}, 2},
    {"Dropout3d", "{\"p\": 0.3}", 5, {20, 30, 2, 3, 4}, 2}, {"Dropout3d", "{\"p\": 0.3}", 4, {600, 2, 3, 4}, 1},
    {"AlphaDropout", "{\"p\": 0.3}", 2, {60, 10}, 2},       {"FeatureAlphaDropout", "{\"p\": 0.3}", 3, {20, 30, 9}, 2},
};
enum { N_NOISES = sizeof noises / sizeof *noises };

static void test_noise_more_gradients(void **state) {
    static const layer_case cases[] = {
        {"Dropout1d", NULL, 1, {{INPUT_SHAPE(4, 3, 2)}}, .tol = 1e-7, .order = 2},
        {"Dropout1d", "{\"p\": 1.0}", 1, {{INPUT_SHAPE(4, 3)}}, .tol = 1e-7, .order = 2},
        {"Dropout2d", "{\"p\": 0.2}", 1, {{INPUT_SHAPE(2, 3, 2, 2)}}, .tol = 1e-7, .order = 2},
        {"Dropout3d", NULL, 1, {{INPUT_SHAPE(2, 3, 1, 2, 2)}}, .tol = 1e-7, .order = 2},
        {"Dropout2d", NULL, 1, {{INPUT_SHAPE(0, 3, 2, 2)}}, .order = 2},
        {"Dropout2d", NULL, 1, {{INPUT_SHAPE(2, 3, 2, 2)}}, .tol = 1e-7, .order = 2, .eval = true},
        {"AlphaDropout", NULL, 1, {{INPUT_SHAPE(6, 7)}}, .tol = 1e-7, .order = 2},
        {"AlphaDropout", "{\"p\": 1.0}", 1, {{INPUT_SHAPE(5)}}, .tol = 1e-7, .order = 2},
        {"FeatureAlphaDropout", "{\"p\": 0.0}", 1, {{INPUT_SHAPE(4, 3, 2)}}, .tol = 1e-7, .order = 2},
        {"FeatureAlphaDropout", NULL, 1, {{INPUT_SHAPE(4, 3, 2)}}, .tol = 1e-7, .order = 2},
        {"GaussianDropout", "{\"rate\": 0.25}", 1, {{INPUT_SHAPE(3, 5)}}, .tol = 1e-7, .order = 2},
        {"GaussianNoise", "{\"stddev\": 0.5}", 1, {{INPUT_SHAPE(3, 5)}}, .tol = 1e-7, .order = 2},
        {"GaussianNoise", "{\"stddev\": 0}", 1, {{INPUT_SHAPE(3, 5)}}, .tol = 1e-7, .order = 2},
        {"GaussianNoise", "{\"stddev\": 1}", 1, {{.ndim = 0}}, .tol = 1e-7, .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* y of x = 2, `times` as many as the table says, and the gradient, which are owned. */
static void run(luron_ctx *ctx, size_t i, int64_t times, uint32_t dtype, luron_tensor **y, luron_tensor **g) {
    luron_layer *layer;
    luron_tensor *x, *v;
    int64_t shape[5];
    memcpy(shape, noises[i].shape, sizeof shape);
    shape[0] *= times;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, noises[i].type, noises[i].options));
    assert_ok(ctx, luron_tensor_full(&x, ctx, dtype, noises[i].ndim, shape, 2));
    assert_ok(ctx, luron_tensor_full(&v, ctx, dtype, noises[i].ndim, shape, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_layer_apply(y, ctx, layer, 1, &x));
    assert_ok(ctx, luron_grad(g, ctx, 1, y, &v, 1, &x, 0));
    luron_tensor_unref(x);
    luron_tensor_unref(v);
    luron_layer_unref(layer);
}

/* A channel is dropped whole or not at all; how many are is within five standard errors; the gradient is the slope. */
static void test_noise_more_decides_by_channel(void **state) {
    luron_ctx *ctx = *state;
    /* PyTorch's numbers of AlphaDropout(0.3) for x = 2, and its slope. */
    const double slope = 1 / sqrt((1.7580993408473766 * 1.7580993408473766 * 0.3 + 1) * 0.7);
    for (size_t i = 0; i < N_NOISES; i++) {
        luron_tensor *y, *g;
        run(ctx, i, 1, LURON_F64, &y, &g);
        const double *got = luron_tensor_data(y), *grad = luron_tensor_data(g);
        const int alpha = strstr(noises[i].type, "Alpha") != NULL;
        const double kept = alpha ? 2 * slope + 1.7580993408473766 * slope * 0.3 : 2 / 0.7;
        const double dropped = alpha ? -1.7580993408473766 * slope * 0.7 : 0;
        int64_t places = 1, n = 0, decided = 1;
        for (int d = 0; d < noises[i].ndim; d++)
            *(d < noises[i].n_decided ? &decided : &places) *= noises[i].shape[d];
        for (int64_t k = 0; k < decided * places; k++) {
            const int is_kept = got[k / places * places] > 0;
            assert_true(fabs(got[k] - (is_kept ? kept : dropped)) < 1e-14);
            assert_true(fabs(grad[k] - (is_kept ? (alpha ? slope : 1 / 0.7) : 0)) < 1e-14);
            n += is_kept && k % places == 0;
        }
        assert_true(fabs((double)(n - decided * 7 / 10)) < 5 * sqrt((double)decided * 0.21));
        luron_tensor_unref(y);
        luron_tensor_unref(g);
    }
}

/* Of PyTorch 2.13 for x = 2: kept and dropped with p = 0.25 and 0.5. */
static void test_noise_more_alpha_of_pytorch(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *options;
        double kept, dropped;
    } cases[] = {{"{\"p\": 0.25}", 2.1156972437856907, -1.1435441882094726},
                 {"{\"p\": 0.5}", 2.5520037198498953, -0.7791939305180315}};
    for (size_t i = 0; i < 2; i++) {
        luron_layer *layer;
        luron_tensor *x, *y;
        int seen = 0;
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "AlphaDropout", cases[i].options));
        assert_ok(ctx, luron_tensor_full(&x, ctx, LURON_F64, LURON_SHAPE(100), 2));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        for (int k = 0; k < 100; k++) {
            const double got = ((const double *)luron_tensor_data(y))[k];
            assert_true(fabs(got - cases[i].kept) < 1e-14 || fabs(got - cases[i].dropped) < 1e-14);
            seen |= got > 0 ? 1 : 2;
        }
        assert_int_equal(seen, 3);
        luron_tensor_unref(x);
        luron_tensor_unref(y);
        luron_layer_unref(layer);
    }
}

/* Mean, variance and the share within one deviation of a million numbers, within five standard errors. */
static void test_noise_more_gaussian_numbers(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 1000000 };
    static const char *const types[][2] = {{"GaussianNoise", "{\"stddev\": 0.5}"},
                                           {"GaussianDropout", "{\"rate\": 0.2}"}};
    for (int i = 0; i < 4; i++) {
        const uint32_t dtype = i / 2 ? LURON_F64 : LURON_F32;
        luron_layer *layer;
        luron_tensor *x, *y, *g;
        double sum = 0, squares = 0, within = 0;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, types[i % 2][0], types[i % 2][1]));
        assert_ok(ctx, luron_tensor_full(&x, ctx, dtype, LURON_SHAPE(N), 1));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x)); /* both have mean 1 and deviation 0.5 */
        assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &x, 1, &x, 0));
        for (int k = 0; k < N; k++) {
            const double z = 2 * ((dtype == LURON_F64 ? ((const double *)luron_tensor_data(y))[k]
                                                      : ((const float *)luron_tensor_data(y))[k]) -
                                  1);
            const double slope = dtype == LURON_F64 ? ((const double *)luron_tensor_data(g))[k]
                                                    : ((const float *)luron_tensor_data(g))[k];
            sum += z, squares += z * z, within += fabs(z) < 1;
            assert_true(fabs(slope - (i % 2 ? 1 + z / 2 : 1)) < 1e-6);
            assert_true(fabs(z) < 7);
        }
        assert_true(fabs(sum) < 5 * sqrt(N));
        assert_true(fabs(squares - N) < 5 * sqrt(2.0 * N));
        assert_true(fabs(within - 0.6826894921370859 * N) < 5 * sqrt(0.2166 * N));
        luron_tensor *all[] = {x, y, g};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            luron_tensor_unref(all[k]);
        luron_layer_unref(layer);
    }
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
}

static void test_noise_more_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    for (size_t i = 0; i < N_NOISES; i++) {
        luron_tensor *y, *g, *first[2] = {NULL};
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
            luron_ctx_seed(ctx, 11);
            run(ctx, i, 90, LURON_F32, &y, &g);
            if (t == 0) first[0] = luron_tensor_ref(y), first[1] = luron_tensor_ref(g);
            assert_tensor_same(y, first[0]);
            assert_tensor_same(g, first[1]);
            luron_tensor_unref(y);
            luron_tensor_unref(g);
        }
        luron_tensor_unref(first[0]);
        luron_tensor_unref(first[1]);
    }
    runs_threads(*state, "GaussianNoise", "{\"stddev\": 1}", 1, (const int64_t[]){3, 30011}, NULL);
    runs_threads(*state, "GaussianDropout", "{\"rate\": 0.5}", 1, (const int64_t[]){3, 30011}, NULL);
}

static void test_noise_more_messages(void **state) {
    luron_layer *none = NULL;
    const refused_case cases[] = {
        {"Dropout1d", NULL, "input has 4 dimensions, (n, c, l) or (c, l) expected", LURON_E_SHAPE, 1,
         .in = {REFUSED_REAL(1, 2, 3, 4)}},
        {"Dropout2d", NULL, "(n, c, h, w) or (n, c, l) expected", LURON_E_SHAPE, 1, .in = {REFUSED_REAL(1, 2)}},
        {"Dropout3d", NULL, "(n, c, d, h, w) or (c, d, h, w) expected", LURON_E_SHAPE, 1, .in = {REFUSED_REAL(1, 2)}},
        {"FeatureAlphaDropout", NULL, "(n, c, ...) expected", LURON_E_SHAPE, 1, .in = {REFUSED_REAL(2)}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(*state, &cases[i]);
    assert_fails(*state, luron_layer_from_json(&none, *state, "GaussianDropout", "{\"rate\": 1}"), LURON_E_ARGUMENT,
                 "rate is 1, a number below expected");
    assert_fails(*state, luron_layer_from_json(&none, *state, "GaussianNoise", "{\"stddev\": -1}"), LURON_E_ARGUMENT,
                 "stddev");
    assert_fails(*state, luron_layer_from_json(&none, *state, "GaussianNoise", NULL), LURON_E_ARGUMENT, "stddev");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_noise_more_gradients),
        test_case(test_noise_more_decides_by_channel),
        test_case(test_noise_more_alpha_of_pytorch),
        test_case(test_noise_more_gaussian_numbers),
        test_case(test_noise_more_bits_at_any_thread_count),
        test_case(test_noise_more_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
