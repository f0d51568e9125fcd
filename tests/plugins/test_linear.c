#include "layer_check.h"
#include "put.h"
#include "tensor_assert.h"

#include "../data/linear_reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void test_linear_gradients(void **state) {
    static const layer_case cases[] = {
        {"Linear", "{\"in_features\": 3, \"out_features\": 2}", 1, {{INPUT_SHAPE(5, 3)}}, .tol = 1e-7, .order = 2},
        {"Linear",
         "{\"in_features\": 4, \"out_features\": 3, \"bias\": false}",
         1,
         {{INPUT_SHAPE(2, 4)}},
         .tol = 1e-7,
         .order = 2},
        {"Linear", "{\"in_features\": 3, \"out_features\": 2}", 1, {{INPUT_SHAPE(3)}}, .tol = 1e-7, .order = 2},
        {"Linear", "{\"in_features\": 3, \"out_features\": 4}", 1, {{INPUT_SHAPE(2, 2, 3)}}, .tol = 1e-7, .order = 2},
        {"Linear", "{\"in_features\": 1, \"out_features\": 1}", 1, {{INPUT_SHAPE(1, 1)}}, .tol = 1e-7, .order = 2},
        {"Linear", "{\"in_features\": 17, \"out_features\": 19}", 1, {{INPUT_SHAPE(9, 17)}}, .tol = 1e-7},
        {"Linear", "{\"in_features\": 3, \"out_features\": 2}", 1, {{INPUT_SHAPE(0, 3)}}, .tol = 1e-7},
        {"Linear",
         "{\"in_features\": 3, \"out_features\": 2}",
         1,
         {{INPUT_SHAPE(4, 3), .no_grad = true}},
         .tol = 1e-7,
         .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

static luron_layer *linear(luron_ctx *ctx, int64_t in, int64_t out, int bias) {
    char options[128];
    luron_layer *layer = NULL;
    snprintf(options, sizeof options, "{\"in_features\": %lld, \"out_features\": %lld, \"bias\": %s}", (long long)in,
             (long long)out, bias ? "true" : "false");
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Linear", options));
    return layer;
}

static void check_values(luron_ctx *ctx, const linear_case *c, uint32_t dtype) {
    double rtol = dtype == LURON_F64 ? 1e-13 : 1e-5, atol = rtol * 10; /* sums of up to 20 terms of size 5 */
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    luron_layer *layer = linear(ctx, c->in_features, c->out_features, c->bias);
    luron_tensor *x = tensor_of(ctx, dtype, c->ndim, c->shape, c->x), *y, *v, *w = luron_layer_param(layer, 0),
                 *b = luron_layer_param(layer, 1);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    put(ctx, w, c->w);
    if (b) put(ctx, b, c->b);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_int_equal(luron_tensor_dtype(y), dtype);
    assert_tensor_close(y, c->y, luron_tensor_numel(y), rtol, atol);
    v = tensor_of(ctx, dtype, luron_tensor_ndim(y), luron_tensor_shape(y), c->v);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    assert_tensor_close(luron_tensor_grad(x), c->gx, luron_tensor_numel(x), rtol, atol);
    if (luron_tensor_numel(x)) {
        assert_tensor_close(luron_tensor_grad(w), c->gw, luron_tensor_numel(w), rtol, atol);
        if (b) assert_tensor_close(luron_tensor_grad(b), c->gb, luron_tensor_numel(b), rtol, atol);
    }
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_tensor_unref(v);
    luron_layer_unref(layer);
}

static void test_linear_values_of_pytorch(void **state) {
    for (size_t i = 0; i < sizeof linear_cases / sizeof *linear_cases; i++) {
        check_values(*state, &linear_cases[i], LURON_F64);
        check_values(*state, &linear_cases[i], LURON_F32);
    }
}

/* No rows: the weight's gradient is zeros, not what lay in memory. */
static void test_linear_no_rows(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = linear(ctx, 3, 2, 1);
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){0, 3}, NULL), *y, *s;
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_shape(y, 0, 2);
    assert_ok(ctx, luron_sum(&s, ctx, y, 0, NULL, 0));
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_tensor_close(luron_tensor_grad(luron_layer_param(layer, 0)), ((const double[6]){0}), 6, 0, 0);
    assert_tensor_close(luron_tensor_grad(luron_layer_param(layer, 1)), ((const double[2]){0}), 2, 0, 0);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_tensor_unref(s);
    luron_layer_unref(layer);
}

/* PyTorch's distribution: uniform within 1 / sqrt(in_features), weight and bias alike. */
static void test_linear_initialised(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 400, M = 100 };
    luron_layer *layer = linear(ctx, N, M, 1);
    assert_int_equal(luron_layer_n_params(layer), 2);
    assert_string_equal(luron_layer_param_name(layer, 0), "weight");
    assert_string_equal(luron_layer_param_name(layer, 1), "bias");
    luron_tensor *w = luron_layer_param(layer, 0);
    assert_shape(w, M, N);
    assert_shape(luron_layer_param(layer, 1), M);
    double sum = 0, squares = 0, bound = 1 / sqrt(N), most = 0;
    for (int i = 0; i < N * M; i++) {
        double v = ((const float *)luron_tensor_data(w))[i];
        sum += v, squares += v * v;
        if (fabs(v) > most) most = fabs(v);
    }
    assert_true(most <= bound && most > 0.999 * bound);
    assert_true(fabs(sum / (N * M)) < 5 * bound / sqrt(3.0 * N * M)); /* five standard errors */
    assert_true(fabs(squares / (N * M) / (bound * bound / 3) - 1) < 0.03);
    for (int i = 0; i < 2; i++) assert_true(luron_tensor_requires_grad(luron_layer_param(layer, i)));
    luron_layer_unref(layer);
}

/* Sizes that are cut into several pieces of work. */
static void test_linear_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    luron_layer *layer = linear(ctx, 301, 203, 1);
    luron_tensor *x, *first[4] = {0};
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, 2, (const int64_t[]){157, 301}));
    assert_ok(ctx, luron_tensor_uniform(ctx, x, -1, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        luron_tensor *y, *sq, *s, *xs[] = {x, luron_layer_param(layer, 0), luron_layer_param(layer, 1)}, *g[4];
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        assert_ok(ctx, luron_square(&sq, ctx, y));
        assert_ok(ctx, luron_sum(&s, ctx, sq, 0, NULL, 0));
        assert_ok(ctx, luron_grad(g, ctx, 1, &s, NULL, 3, xs, 0));
        g[3] = y;
        luron_tensor_unref(sq);
        luron_tensor_unref(s);
        for (int i = 0; i < 4; i++) {
            if (t == 0)
                first[i] = g[i];
            else {
                assert_tensor_same(g[i], first[i]);
                luron_tensor_unref(g[i]);
            }
        }
    }
    for (int i = 0; i < 4; i++) luron_tensor_unref(first[i]);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
}

static void test_linear_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = linear(ctx, 3, 8, 1), *none = NULL;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){8, 4}, NULL),
                 *wide = tensor_of(ctx, LURON_F64, 2, (const int64_t[]){8, 3}, NULL), *y = NULL;
    luron_tensor *ids = tensor_of(ctx, LURON_I64, 2, (const int64_t[]){8, 3}, NULL),
                 *number = tensor_of(ctx, LURON_F32, 0, (const int64_t[]){0}, NULL);
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), LURON_E_SHAPE, "layer Linear { in_features = 3");
    assert_ok(ctx, luron_layer_set_name(ctx, layer, "enc.1"));
    assert_int_equal(luron_layer_apply(&y, ctx, layer, 1, &x), LURON_E_SHAPE);
    assert_string_equal(luron_ctx_error(ctx), "layer 'enc.1' = Linear { in_features = 3, out_features = 8, bias = true "
                                              "}: input has 4 features, in_features is 3; given input (8, 4)");
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &wide), LURON_E_DTYPE,
                 "input is float64, the layer's parameters are float32: cast the input to float32 or the layer to "
                 "float64; given input (8, 3)");
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &ids), LURON_E_DTYPE,
                 "input is int64, float32 or float64 is expected: cast it");
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &number), LURON_E_SHAPE, "input has no dimension");
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 0, NULL), LURON_E_ARGUMENT, "1 input expected (input), got 0");
    luron_tensor *two[] = {x, x}, *absent = NULL;
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 2, two), LURON_E_ARGUMENT, "1 input expected (input), got 2");
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &absent), LURON_E_ARGUMENT, "input 'input' is absent");
    assert_null(y);
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "Linear", "{\"in_features\": -3, \"out_features\": 2}"),
                 LURON_E_ARGUMENT, "in_features");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "Linear", "{\"in_features\": 3}"), LURON_E_ARGUMENT,
                 "out_features");
    assert_null(none);
    luron_tensor_unref(x);
    luron_tensor_unref(wide);
    luron_tensor_unref(ids);
    luron_tensor_unref(number);
    luron_layer_unref(layer);
}

/* The bias gradient of the fused layer has the bits of the same in ops: both sum by one kernel. */
static void test_linear_bias_gradient_as_in_ops(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = linear(ctx, 5, 30, 1);
    luron_tensor *x, *y[2], *v, *g[2], *w, *product, *b = luron_layer_param(layer, 1);
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(1500, 5)));
    assert_ok(ctx, luron_tensor_new(&v, ctx, LURON_F32, LURON_SHAPE(1500, 30)));
    assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
    assert_ok(ctx, luron_tensor_normal(ctx, v, 0, 1));
    assert_ok(ctx, luron_layer_apply(&y[0], ctx, layer, 1, &x));
    assert_ok(ctx, luron_transpose(&w, ctx, luron_layer_param(layer, 0), 0, 1));
    assert_ok(ctx, luron_matmul(&product, ctx, x, w));
    assert_ok(ctx, luron_add(&y[1], ctx, product, b));
    for (int i = 0; i < 2; i++) assert_ok(ctx, luron_grad(&g[i], ctx, 1, &y[i], &v, 1, &b, 0));
    assert_tensor_same(g[0], g[1]);
    luron_tensor *made[] = {x, y[0], y[1], v, g[0], g[1], w, product};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) luron_tensor_unref(made[i]);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_linear_gradients),
        test_case(test_linear_values_of_pytorch),
        test_case(test_linear_no_rows),
        test_case(test_linear_initialised),
        test_case(test_linear_bits_at_any_thread_count),
        test_case(test_linear_messages),
        test_case(test_linear_bias_gradient_as_in_ops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
