#include "layer_check.h"
#include "put.h"
#include "refused.h"
#include "tensor_assert.h"

#include "../data/conv_reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHANNELS(in, out, kernel) "{\"in_channels\": " #in ", \"out_channels\": " #out ", \"kernel_size\": " kernel
static void test_conv_gradients(void **state) {
    static const layer_case cases[] = {
        {"Conv1d", CHANNELS(2, 3, "3") "}", 1, {{INPUT_SHAPE(2, 2, 6)}}, .tol = 1e-7, .order = 2},
        {"Conv1d", CHANNELS(1, 1, "1") "}", 1, {{INPUT_SHAPE(1, 1, 1)}}, .tol = 1e-7, .order = 2},
        {"Conv1d", CHANNELS(2, 2, "3") ", \"padding\": \"causal\", \"dilation\": 2, \"stride\": 2}", 1, {{INPUT_SHAPE(2, 5)}}, .tol = 1e-7, .order = 2},
        {"Conv1d", CHANNELS(2, 2, "4") ", \"padding\": \"same\", \"padding_mode\": \"reflect\"}", 1, {{INPUT_SHAPE(2, 2, 5)}}, .tol = 1e-7, .order = 2},
        {"Conv2d", CHANNELS(2, 3, "3") ", \"padding\": 1}", 1, {{INPUT_SHAPE(2, 2, 4, 5)}}, .tol = 1e-7, .order = 2},
        {"Conv2d", CHANNELS(4, 2, "[3, 2]") ", \"stride\": [2, 3], \"padding\": [4, 1], \"dilation\": [1, 2], \"groups\": 2, \"bias\": false}", 1,
         {{INPUT_SHAPE(1, 4, 5, 6)}}, .tol = 1e-7, .order = 2},
        {"Conv2d", CHANNELS(2, 2, "3") ", \"padding\": [2, 1], \"padding_mode\": \"circular\"}", 1, {{INPUT_SHAPE(1, 2, 3, 4)}}, .tol = 1e-7, .order = 2},
        {"Conv2d", CHANNELS(2, 2, "2") ", \"padding\": 2, \"padding_mode\": \"replicate\", \"stride\": 2}", 1, {{INPUT_SHAPE(2, 3, 4)}}, .tol = 1e-7, .order = 2},
        {"Conv2d", CHANNELS(3, 2, "1") ", \"padding\": \"valid\"}", 1, {{INPUT_SHAPE(2, 3, 3, 3)}}, .tol = 1e-7, .order = 2},
        {"Conv2d", CHANNELS(3, 2, "2") "}", 1, {{INPUT_SHAPE(0, 3, 3, 3)}}, .tol = 1e-7},
        {"Conv2d", CHANNELS(2, 3, "3") "}", 1, {{INPUT_SHAPE(2, 2, 4, 4), .no_grad = true}}, .tol = 1e-7, .order = 2},
        {"Conv3d", CHANNELS(1, 2, "2") ", \"padding\": 1, \"stride\": [1, 2, 1]}", 1, {{INPUT_SHAPE(2, 1, 2, 3, 2)}}, .tol = 1e-7, .order = 2},
        {"Conv3d", CHANNELS(2, 2, "[2, 1, 3]") ", \"padding\": [1, 0, 1], \"padding_mode\": \"replicate\"}", 1, {{INPUT_SHAPE(2, 2, 2, 2)}}, .tol = 1e-7, .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

/* The numbers have few binary places: every sum is exact, in float32 too. */
static void check_values(luron_ctx *ctx, const conv_case *c, uint32_t dtype) {
    luron_layer *layer;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, c->type, c->options));
    luron_tensor *x = tensor_of(ctx, dtype, c->ndim, c->x_shape, c->x), *y, *v, *w = luron_layer_param(layer, 0), *b = luron_layer_param(layer, 1);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    put(ctx, w, c->w);
    assert_int_equal(b != NULL, c->b != NULL);
    if (b) put(ctx, b, c->b);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_shape_(y, (size_t)c->ndim, c->y_shape, c->options, __FILE__, __LINE__);
    assert_tensor_close(y, c->y, luron_tensor_numel(y), 0, 0);
    v = tensor_of(ctx, dtype, c->ndim, c->y_shape, c->v);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    assert_tensor_close(luron_tensor_grad(x), c->gx, luron_tensor_numel(x), 0, 0);
    assert_tensor_close(luron_tensor_grad(w), c->gw, luron_tensor_numel(w), 0, 0);
    if (b) assert_tensor_close(luron_tensor_grad(b), c->gb, luron_tensor_numel(b), 0, 0);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_tensor_unref(v);
    luron_layer_unref(layer);
}

static void test_conv_values_of_pytorch(void **state) {
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++) {
        check_values(*state, &conv_cases[i], LURON_F64);
        check_values(*state, &conv_cases[i], LURON_F32);
    }
}

/* Output k of a causal convolution knows inputs up to k alone. */
static void test_conv_causal(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    luron_tensor *x = tensor_of(ctx, LURON_F64, 3, (const int64_t[]){1, 1, 5}, ((const double[]){1, 2, 3, 4, 5})), *y;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Conv1d", CHANNELS(1, 1, "2") ", \"dilation\": 2, \"padding\": \"causal\", \"bias\": false}"));
    put(ctx, luron_layer_param(layer, 0), ((const double[]){10, 1}));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_shape(y, 1, 1, 5);
    assert_tensor_close(y, ((const double[]){1, 2, 13, 24, 35}), 5, 0, 0);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_layer_unref(layer);
}

/* PyTorch's distribution: uniform within 1 / sqrt(in_channels / groups * kernel), weight and bias alike; and by name. */
static void test_conv_initialised(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    const double bound = 1 / sqrt(8 * 15);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Conv2d", CHANNELS(16, 64, "[3, 5]") ", \"groups\": 2}"));
    luron_tensor *w = luron_layer_param(layer, 0), *b = luron_layer_param(layer, 1);
    assert_string_equal(luron_layer_param_name(layer, 0), "weight");
    assert_string_equal(luron_layer_param_name(layer, 1), "bias");
    assert_shape(w, 64, 8, 3, 5);
    assert_shape(b, 64);
    double most = 0;
    for (int i = 0; i < 64 * 8 * 15; i++) most = fmax(most, fabs(((const float *)luron_tensor_data(w))[i]));
    assert_true(most <= bound && most > 0.99 * bound);
    for (int i = 0; i < 64; i++) assert_true(fabs(((const float *)luron_tensor_data(b))[i]) <= bound);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Conv1d", CHANNELS(2, 2, "1") ", \"weight_init\": \"ones\", \"bias_init\": \"zeros\"}"));
    assert_tensor_close(luron_layer_param(layer, 0), ((const double[]){1, 1, 1, 1}), 4, 0, 0);
    assert_tensor_close(luron_layer_param(layer, 1), ((const double[]){0, 0}), 2, 0, 0);
    luron_layer_unref(layer);
}

static void test_conv_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *none = NULL;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){1, 2, 3, 4}, NULL), *flat = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){3, 4}, NULL);
    refuses(ctx, "Conv2d", CHANNELS(3, 2, "2") "}", x, LURON_E_SHAPE, "input has 2 channels, in_channels is 3; given input (1, 2, 3, 4)");
    refuses(ctx, "Conv2d", CHANNELS(3, 2, "2") "}", flat, LURON_E_SHAPE, "input has 2 dimensions, 4 expected, or 3 without a batch: (n, in_channels, height, width)");
    refuses(ctx, "Conv2d", CHANNELS(2, 2, "[2, 3]") ", \"dilation\": 2}", x, LURON_E_SHAPE, "input has size 4, 4 with padding: the kernel takes 5 with its dilation");
    refuses(ctx, "Conv2d", CHANNELS(2, 2, "2") ", \"padding\": 3, \"padding_mode\": \"reflect\"}", x, LURON_E_SHAPE,
            "padding of 3 is too much for a size of 3: with padding_mode 'reflect' less than the size is expected");
    refuses(ctx, "Conv2d", CHANNELS(2, 2, "2") ", \"padding\": 4, \"padding_mode\": \"circular\"}", x, LURON_E_SHAPE, "at most the size is expected");
    static const char *const wrong[][2] = {
        {CHANNELS(3, 2, "2") ", \"groups\": 2}", "in_channels, 3, and out_channels, 2, have to be multiples of groups, 2"},
        {CHANNELS(2, 2, "2") ", \"padding\": \"same\", \"stride\": 2}", "padding 'same' goes with stride 1 alone, stride is 2"},
        {CHANNELS(2, 2, "2") ", \"padding\": \"causal\"}", "or list of 2 such, or 'same', or 'valid' expected, got 'causal'"},
        {CHANNELS(2, 2, "[1, 2, 3]") "}", "kernel_size"},
        {CHANNELS(2, 2, "0") "}", "kernel_size"},
        {CHANNELS(2, 2, "2") ", \"padding\": -1}", "padding"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(ctx, luron_layer_from_json(&none, ctx, "Conv2d", wrong[i][0]), LURON_E_ARGUMENT, wrong[i][1]);
        assert_null(none);
    }
    luron_tensor_unref(x);
    luron_tensor_unref(flat);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_conv_gradients),
        test_case(test_conv_values_of_pytorch),
        test_case(test_conv_causal),
        test_case(test_conv_initialised),
        test_case(test_conv_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
