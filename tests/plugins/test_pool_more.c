/* Max pooling with indices and back, LP and fractional max pooling. */
#include "golden.h"
#include "layer_check.h"
#include "refused.h"

#include <math.h>

#include "../data/pool_more_reference.h"

static void test_pool_more_gradients(void **state) {
    static const double places[] = {1, 3, 4, 0, 2, 5}, samples[] = {0.25, 0.5, 0.75, 0.125};
    static const layer_case cases[] = {
        {"MaxPool1dWithIndices",
         "{\"kernel_size\": 3, \"stride\": 1, \"padding\": 1}",
         1,
         {{INPUT_SHAPE(2, 1, 6)}},
         .tol = 1e-7,
         .order = 2},
        {"MaxPool2dWithIndices", "{\"kernel_size\": 2}", 1, {{INPUT_SHAPE(1, 2, 4, 5)}}, .tol = 1e-7, .order = 2},
        {"MaxPool3dWithIndices",
         "{\"kernel_size\": [2, 1, 2]}",
         1,
         {{INPUT_SHAPE(1, 1, 3, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"AdaptiveMaxPool1dWithIndices", "{\"output_size\": 4}", 1, {{INPUT_SHAPE(2, 1, 6)}}, .tol = 1e-7, .order = 2},
        {"AdaptiveMaxPool2dWithIndices", "{\"output_size\": [2, 0]}", 1, {{INPUT_SHAPE(2, 4, 3)}}, .tol = 1e-7, .order = 2},
        {"AdaptiveMaxPool3dWithIndices", "{\"output_size\": [1, 2, 3]}", 1, {{INPUT_SHAPE(1, 1, 3, 2, 3)}}, .tol = 1e-7, .order = 2},
        {"MaxUnpool1d",
         "{\"kernel_size\": 2}",
         2,
         {{INPUT_SHAPE(2, 1, 3)}, {INPUT_SHAPE(2, 1, 3), .ids = true, .values = places, .n_ids = 6}},
         .tol = 1e-7,
         .order = 2},
        {"MaxUnpool1d",
         "{\"kernel_size\": 2}",
         2,
         {{INPUT_SHAPE(1, 5)}, {INPUT_SHAPE(1, 5), .ids = true, .n_ids = 3}},
         .tol = 1e-7,
         .order = 2},
        {"MaxUnpool2d",
         "{\"kernel_size\": 2}",
         2,
         {{INPUT_SHAPE(0, 2, 2, 2)}, {INPUT_SHAPE(0, 2, 2, 2), .ids = true, .n_ids = 16}},
         .order = 2},
        {"LPPool1d", "{\"norm_type\": 2, \"kernel_size\": 3, \"stride\": 1}", 1, {{INPUT_SHAPE(2, 1, 6)}}, .order = 2},
        {"LPPool2d",
         "{\"norm_type\": 3, \"kernel_size\": 2, \"ceil_mode\": true}",
         1,
         {{INPUT_SHAPE(1, 2, 3, 5), .lo = 0.2, .hi = 1}},
         .order = 2},
        {"LPPool3d",
         "{\"norm_type\": 1.5, \"kernel_size\": 2}",
         1,
         {{INPUT_SHAPE(1, 2, 2, 2), .lo = 0.2, .hi = 1}},
         .order = 2},
        {"FractionalMaxPool2d",
         "{\"kernel_size\": 2, \"output_size\": [2, 3]}",
         2,
         {{INPUT_SHAPE(2, 5, 6)}, {INPUT_SHAPE(1, 2, 2), .values = samples, .no_grad = true}},
         .tol = 1e-7},
        {"FractionalMaxPool2d", "{\"kernel_size\": 2}", 1, {{INPUT_SHAPE(1, 2, 5, 6)}}, .tol = 1e-7},
        {"FractionalMaxPool3d", "{\"kernel_size\": 1}", 1, {{INPUT_SHAPE(1, 3, 4, 2)}}, .tol = 1e-7, .eval = true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

static void test_pool_more_values_of_pytorch(void **state) {
    golden_check(*state, pool_more_cases, sizeof pool_more_cases / sizeof *pool_more_cases);
}

/* In both real types and bases; by backward's form in ops too. */
static void test_pool_more_indices_of_pytorch(void **state) {
    luron_ctx *ctx = *state;
    for (size_t i = 0; i < 4 * (sizeof pool_ids_cases / sizeof *pool_ids_cases); i++) {
        const golden_tensor *x = &pool_ids_cases[i / 4].x, *y = &pool_ids_cases[i / 4].y;
        const uint32_t dtype = i % 2 ? LURON_F64 : LURON_F32;
        const int64_t base = i / 2 % 2, n = golden_numel(y->ndim, y->shape);
        luron_layer *layer, *plain;
        luron_tensor *in = tensor_of(ctx, dtype, x->ndim, x->shape, x->values), *out[2], *same;
        char name[32];
        luron_ctx_set_index_base(ctx, base);
        snprintf(name, sizeof name, "%.*s", (int)strcspn(pool_ids_cases[i / 4].type, "W"), pool_ids_cases[i / 4].type);
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, pool_ids_cases[i / 4].type, pool_ids_cases[i / 4].options));
        assert_ok(ctx, luron_layer_from_json(&plain, ctx, name, pool_ids_cases[i / 4].options));
        assert_ok(ctx, luron_layer_apply(out, ctx, layer, 1, &in));
        assert_ok(ctx, luron_layer_apply(&same, ctx, plain, 1, &in));
        assert_tensor_close_(out[0], y->values, n, 0, 0, name, __FILE__, __LINE__);
        assert_tensor_same(out[0], same);
        assert_int_equal(luron_tensor_dtype(out[1]), LURON_I64);
        for (int64_t k = 0; k < n; k++)
            assert_int_equal(((const int64_t *)luron_tensor_data(out[1]))[k],
                             (int64_t)pool_ids_cases[i / 4].ids.values[k] + base);
        luron_tensor *all[] = {in, out[0], out[1], same};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            luron_tensor_unref(all[k]);
        luron_layer_unref(layer);
        luron_layer_unref(plain);
    }
    luron_ctx_set_index_base(ctx, 0);
}

/* Of a place that comes twice the last in order stays, and it alone has a gradient. */
static void test_pool_more_place_that_comes_twice(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    luron_tensor *x = tensor_of(ctx, LURON_F64, LURON_SHAPE(1, 3), (const double[]){5, 6, 7}), *y,
                 *ids = tensor_of(ctx, LURON_I64, LURON_SHAPE(1, 3), (const double[]){4, 1, 4}),
                 *v = tensor_of(ctx, LURON_F64, LURON_SHAPE(1, 6), (const double[]){1, 2, 3, 4, 5, 6});
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "MaxUnpool1d", "{\"kernel_size\": 2}"));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, (luron_tensor *[]){x, ids}));
    assert_tensor_close(y, ((const double[]){0, 6, 0, 0, 7, 0}), 6, 0, 0);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    assert_tensor_close(luron_tensor_grad(x), ((const double[]){0, 2, 5}), 3, 0, 0);
    luron_tensor *all[] = {x, y, ids, v};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        luron_tensor_unref(all[k]);
    luron_layer_unref(layer);
}

/* Windows vary from call to call in training, and do not in eval mode; the same bits at any thread count. */
static void test_pool_more_fractional_draws(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    luron_layer *layer;
    luron_tensor *x, *first = NULL, *y;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(9, 11, 41, 37)));
    assert_ok(ctx, luron_tensor_uniform(ctx, x, -1, 1));
    assert_ok(ctx,
              luron_layer_from_json(&layer, ctx, "FractionalMaxPool2d", "{\"kernel_size\": 2, \"output_ratio\": 0.7}"));
    for (int eval = 0; eval < 2; eval++) {
        luron_layer_set_training(layer, !eval);
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
            luron_ctx_seed(ctx, 3);
            assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
            if (!first) first = luron_tensor_ref(y);
            assert_tensor_same(y, first);
            luron_tensor_unref(y);
        }
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        assert_true((memcmp(luron_tensor_data(y), luron_tensor_data(first),
                            (size_t)luron_tensor_numel(y) * sizeof(float)) == 0) == eval);
        luron_tensor_unref(y);
        luron_tensor_unref(first);
        first = NULL;
    }
    luron_tensor_unref(x);
    luron_layer_unref(layer);
}

static void test_pool_more_messages(void **state) {
    static const double many[] = {0, 6, 1}, below[] = {0, -1, 1};
    const refused_case cases[] = {
        {"MaxUnpool1d", "{\"kernel_size\": 2}", "indices: id 6 at position (0, 1) is not within 0 to 5", LURON_E_RANGE,
         2, .in = {REFUSED_REAL(1, 3), {.dtype = LURON_I64, .ndim = 2, .shape = {1, 3}, .values = many}}},
        {"MaxUnpool1d", "{\"kernel_size\": 2}", "id -1", LURON_E_RANGE, 2,
         .in = {REFUSED_REAL(1, 3), {.dtype = LURON_I64, .ndim = 2, .shape = {1, 3}, .values = below}}},
        {"MaxUnpool1d", "{\"kernel_size\": 2}", "indices do not have the shape of the input", LURON_E_SHAPE, 2,
         .in = {REFUSED_REAL(1, 3), {.dtype = LURON_I64, .ndim = 2, .shape = {1, 2}}}},
        {"MaxUnpool1d", "{\"kernel_size\": 2, \"output_size\": 8}", "output_size is 8, between 4 and 8 expected",
         LURON_E_SHAPE, 2, .in = {REFUSED_REAL(1, 3), {.dtype = LURON_I64, .ndim = 2, .shape = {1, 3}}}},
        {"MaxUnpool2d", "{\"kernel_size\": 2}", "input has 2 dimensions, (n, c, h, w) or (c, h, w) expected",
         LURON_E_SHAPE, 2, .in = {REFUSED_REAL(1, 3), {.dtype = LURON_I64, .ndim = 2, .shape = {1, 3}}}},
        {"MaxUnpool2d", "{\"kernel_size\": 1000000}", "planes of more than 2^31 - 1 numbers", LURON_E_UNSUPPORTED, 2,
         .in = {REFUSED_REAL(0, 50000, 50000), {.dtype = LURON_I64, .ndim = 3, .shape = {0, 50000, 50000}}}},
        {"FractionalMaxPool2d", "{\"kernel_size\": 2}", "planes of more than 2^31 - 1 numbers", LURON_E_UNSUPPORTED, 1,
         .in = {REFUSED_REAL(0, 50000, 50000)}},
        {"LPPool2d", "{\"norm_type\": 2, \"kernel_size\": 4}", "a window of size 4 does not fit dimension 1",
         LURON_E_SHAPE, 1, .in = {REFUSED_REAL(1, 3, 4)}},
        {"FractionalMaxPool2d", "{\"kernel_size\": 3, \"output_size\": 4}",
         "4 windows of size 3 do not fit dimension 2, which has size 5", LURON_E_SHAPE, 1,
         .in = {REFUSED_REAL(1, 6, 5)}},
        {"FractionalMaxPool2d", "{\"kernel_size\": 2}", "samples: (n, c, 2) expected", LURON_E_SHAPE, 2,
         .in = {REFUSED_REAL(1, 6, 5), REFUSED_REAL(1, 2, 2)}},
        {"FractionalMaxPool2d", "{\"kernel_size\": 1, \"output_ratio\": 0.1}",
         "the output would have size 0 in dimension 1", LURON_E_SHAPE, 1, .in = {REFUSED_REAL(1, 6, 5)}},
        {"FractionalMaxPool2d", "{\"kernel_size\": 2}", "samples: 1 is not within [0, 1)", LURON_E_RANGE, 2,
         .in = {REFUSED_REAL(1, 6, 5),
                {.dtype = LURON_F32, .ndim = 3, .shape = {1, 1, 2}, .values = (const double[]){0, 1}}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(*state, &cases[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_pool_more_gradients),          test_case(test_pool_more_values_of_pytorch),
        test_case(test_pool_more_indices_of_pytorch), test_case(test_pool_more_place_that_comes_twice),
        test_case(test_pool_more_fractional_draws),   test_case(test_pool_more_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
