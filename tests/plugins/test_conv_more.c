/* The other layers of the plugin conv: transposed, separable and locally connected convolution, Unfold and Fold. */
#include "layer_check.h"
#include "put.h"
#include "refused.h"
#include "same_threads.h"
#include "tensor_assert.h"

#include "../data/conv_layers_reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHANNELS(in, out) "{\"in_channels\": " #in ", \"out_channels\": " #out ", "
static void test_conv_more_gradients(void **state) {
    static const layer_case cases[] = {
        {"ConvTranspose1d",
         CHANNELS(2, 3) "\"kernel_size\": 3, \"stride\": 2, \"output_padding\": 1}",
         1,
         {{INPUT_SHAPE(2, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"ConvTranspose1d", CHANNELS(1, 1) "\"kernel_size\": 1}", 1, {{INPUT_SHAPE(1, 1)}}, .tol = 1e-7, .order = 2},
        {"ConvTranspose1d",
         CHANNELS(1, 2) "\"kernel_size\": 2, \"padding\": 2, \"stride\": 3, \"bias\": false}",
         1,
         {{INPUT_SHAPE(1, 1, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"ConvTranspose2d",
         CHANNELS(4, 2) "\"kernel_size\": [3, 2], \"stride\": [2, 1], \"padding\": [2, 1], \"dilation\": [1, 2], "
                        "\"groups\": 2}",
         1,
         {{INPUT_SHAPE(2, 4, 3, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"ConvTranspose2d",
         CHANNELS(2, 2) "\"kernel_size\": 2, \"stride\": 2}",
         1,
         {{INPUT_SHAPE(0, 2, 2, 2)}},
         .tol = 1e-7},
        {"ConvTranspose2d",
         CHANNELS(2, 1) "\"kernel_size\": 2}",
         1,
         {{INPUT_SHAPE(1, 2, 2, 2), .no_grad = true}},
         .tol = 1e-7,
         .order = 2},
        {"ConvTranspose3d",
         CHANNELS(1, 2) "\"kernel_size\": 2, \"stride\": [1, 2, 1], \"padding\": [1, 0, 0]}",
         1,
         {{INPUT_SHAPE(1, 1, 2, 1, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"ConvTranspose1d",
         CHANNELS(2, 2) "\"kernel_size\": 4, \"stride\": 3, \"padding\": \"same\"}",
         1,
         {{INPUT_SHAPE(2, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"ConvTranspose2d",
         CHANNELS(2, 2) "\"kernel_size\": [2, 5], \"stride\": [3, 2], \"padding\": \"same\", \"output_padding\": 1}",
         1,
         {{INPUT_SHAPE(2, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"ConvTranspose3d",
         CHANNELS(1, 2) "\"kernel_size\": [1, 2, 2], \"stride\": [2, 1, 1], \"padding\": \"valid\"}",
         1,
         {{INPUT_SHAPE(1, 1, 2, 1, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"SeparableConv1d",
         CHANNELS(2, 3) "\"kernel_size\": 3, \"padding\": \"causal\", \"depth_multiplier\": 2}",
         1,
         {{INPUT_SHAPE(2, 2, 4)}},
         .tol = 1e-7,
         .order = 2},
        {"SeparableConv2d",
         CHANNELS(2, 2) "\"kernel_size\": [3, 2], \"padding\": 1, \"padding_mode\": \"reflect\", \"stride\": 2}",
         1,
         {{INPUT_SHAPE(2, 2, 3, 4)}},
         .tol = 1e-7,
         .order = 2},
        {"SeparableConv2d",
         CHANNELS(2, 2) "\"kernel_size\": 2, \"bias\": false}",
         1,
         {{INPUT_SHAPE(2, 2, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"SeparableConv2d", CHANNELS(1, 2) "\"kernel_size\": 2}", 1, {{INPUT_SHAPE(0, 1, 2, 2)}}, .tol = 1e-7},
        {"LocallyConnected1d",
         CHANNELS(2, 2) "\"input_size\": 4, \"kernel_size\": 2}",
         1,
         {{INPUT_SHAPE(2, 2, 4)}},
         .tol = 1e-7,
         .order = 2},
        {"LocallyConnected2d",
         CHANNELS(1, 2) "\"input_size\": [3, 2], \"kernel_size\": 2, \"padding\": 1, \"stride\": 2}",
         1,
         {{INPUT_SHAPE(1, 3, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"LocallyConnected2d",
         CHANNELS(1, 1) "\"input_size\": 6, \"kernel_size\": 6}",
         1,
         {{INPUT_SHAPE(0, 1, 6, 6)}},
         .tol = 1e-7},
        {"Unfold",
         "{\"kernel_size\": [2, 3], \"padding\": [0, 1], \"stride\": [1, 2]}",
         1,
         {{INPUT_SHAPE(2, 2, 3, 4)}},
         .tol = 1e-7,
         .order = 2},
        {"Unfold", "{\"kernel_size\": 6}", 1, {{INPUT_SHAPE(1, 6, 7)}}, .tol = 1e-7, .order = 2},
        {"Unfold", "{\"kernel_size\": 2}", 1, {{INPUT_SHAPE(0, 1, 2, 2)}}, .order = 2},
        {"Fold",
         "{\"output_size\": [3, 4], \"kernel_size\": 2, \"stride\": [1, 2], \"padding\": [1, 0]}",
         1,
         {{INPUT_SHAPE(2, 4, 8)}},
         .tol = 1e-7,
         .order = 2},
        {"Fold",
         "{\"output_size\": 2, \"kernel_size\": 3, \"padding\": 3, \"stride\": 2}",
         1,
         {{INPUT_SHAPE(9, 9)}},
         .tol = 1e-7,
         .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* The numbers have few binary places: every sum is exact, in float32 too. */
static void check_values(luron_ctx *ctx, const conv_layer_case *c, uint32_t dtype) {
    char name[200];
    luron_layer *layer;
    snprintf(name, sizeof name, "%s %s", c->type, c->options);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, c->type, c->options));
    luron_tensor *x = tensor_of(ctx, dtype, c->x_ndim, c->x_shape, c->x), *y, *v;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    for (int i = 0; i < c->n_params; i++)
        put(ctx, luron_layer_param(layer, i), c->params[i]);
    assert_null(luron_layer_param(layer, c->n_params));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_shape_(y, (size_t)c->y_ndim, c->y_shape, name, __FILE__, __LINE__);
    assert_tensor_close_(y, c->y, luron_tensor_numel(y), 0, 0, name, __FILE__, __LINE__);
    v = tensor_of(ctx, dtype, c->y_ndim, c->y_shape, c->v);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    assert_tensor_close_(luron_tensor_grad(x), c->gx, luron_tensor_numel(x), 0, 0, name, __FILE__, __LINE__);
    for (int i = 0; i < c->n_params; i++) {
        luron_tensor *param = luron_layer_param(layer, i);
        assert_tensor_close_(luron_tensor_grad(param), c->gparams[i], luron_tensor_numel(param), 0, 0, name, __FILE__,
                             __LINE__);
    }
    luron_tensor_unref(x), luron_tensor_unref(y), luron_tensor_unref(v);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
}

static void test_conv_more_values_of_pytorch(void **state) {
    for (size_t i = 0; i < sizeof conv_layer_cases / sizeof *conv_layer_cases; i++) {
        check_values(*state, &conv_layer_cases[i], LURON_F64);
        check_values(*state, &conv_layer_cases[i], LURON_F32);
    }
}

static double largest(const luron_tensor *t) {
    double most = 0;
    for (int64_t i = 0; i < luron_tensor_numel(t); i++)
        most = fmax(most, fabs(((const float *)luron_tensor_data(t))[i]));
    return most;
}
static void assert_bound(const luron_tensor *t, double bound) {
    assert_true(largest(t) <= bound && largest(t) > 0.9 * bound);
}

/* Each place of a local convolution has 27 numbers in and 4 outputs, whatever the number of places. */
static void check_local_by_name(luron_ctx *ctx) {
    const struct {
        const char *name;
        double within, deviation;
    } cases[] = {
        {"xavier_uniform(2)", 2 * sqrt(6.0 / 31), 0},
        {"kaiming_uniform", sqrt(6.0 / 27), 0},
        {"lecun_uniform", sqrt(3.0 / 27), 0},
        {"xavier_normal", 0, sqrt(2.0 / 31)},
        {"kaiming_normal(0, fan_out)", 0, sqrt(0.5)},
        {"lecun_normal", 0, sqrt(1.0 / 27)},
        {"normal(0, 3)", 0, 3},
        {"xavier_uniform(0)", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char options[200];
        luron_layer *layer;
        snprintf(
            options, sizeof options,
            CHANNELS(3, 4) "\"input_size\": 8, \"kernel_size\": 3, \"weight_init\": \"%s\", \"bias_init\": \"ones\"}",
            cases[i].name);
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "LocallyConnected2d", options));
        const luron_tensor *w = luron_layer_param(layer, 0);
        const double n = (double)luron_tensor_numel(w);
        double squares = 0;
        for (int64_t k = 0; k < luron_tensor_numel(w); k++)
            squares += pow(((const float *)luron_tensor_data(w))[k], 2);
        if (cases[i].within > 0)
            assert_bound(w, cases[i].within);
        else /* within five standard errors */
            assert_true(fabs(sqrt(squares / n) - cases[i].deviation) <= 5 * cases[i].deviation / sqrt(2 * n));
        assert_true(((const float *)luron_tensor_data(luron_layer_param(layer, 1)))[143] == 1);
        luron_layer_unref(layer);
    }
}

/* PyTorch's bounds of the transposed; those of the separable are of its two convolutions; and by name. */
static void test_conv_more_initialised(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "ConvTranspose2d",
                                         CHANNELS(8, 32) "\"kernel_size\": [3, 5], \"groups\": 2}"));
    assert_shape(luron_layer_param(layer, 0), 8, 16, 3, 5);
    assert_shape(luron_layer_param(layer, 1), 32);
    assert_bound(luron_layer_param(layer, 0), 1 / sqrt(16 * 15));
    assert_true(largest(luron_layer_param(layer, 1)) <= 1 / sqrt(16 * 15));
    luron_layer_unref(layer);
    assert_ok(ctx, luron_layer_from_json(
                       &layer, ctx, "SeparableConv2d",
                       CHANNELS(16, 32) "\"kernel_size\": 3, \"depth_multiplier\": 2, \"bias_init\": \"ones\"}"));
    assert_string_equal(luron_layer_param_name(layer, 0), "depthwise_weight");
    assert_string_equal(luron_layer_param_name(layer, 1), "pointwise_weight");
    assert_shape(luron_layer_param(layer, 0), 32, 1, 3, 3);
    assert_shape(luron_layer_param(layer, 1), 32, 32, 1, 1);
    assert_bound(luron_layer_param(layer, 0), 1.0 / 3);
    assert_bound(luron_layer_param(layer, 1), 1 / sqrt(32));
    assert_true(((const float *)luron_tensor_data(luron_layer_param(layer, 2)))[31] == 1);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "LocallyConnected2d",
                                         CHANNELS(3, 4) "\"input_size\": 8, \"kernel_size\": 3}"));
    assert_shape(luron_layer_param(layer, 0), 36, 4, 27);
    assert_shape(luron_layer_param(layer, 1), 4, 6, 6);
    assert_bound(luron_layer_param(layer, 0), 1 / sqrt(27));
    luron_layer_unref(layer);
    check_local_by_name(ctx);
}

/* Unfold, a matrix product and the bias are a convolution; Fold of Unfold counts how often a place is taken. */
static void test_conv_more_unfold_is_fold(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *unfold, *fold;
    double ones[9];
    for (int i = 0; i < 9; i++)
        ones[i] = 1;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){1, 1, 3, 3}, ones), *y, *z;
    assert_ok(ctx, luron_layer_from_json(&unfold, ctx, "Unfold", "{\"kernel_size\": 2}"));
    assert_ok(ctx, luron_layer_from_json(&fold, ctx, "Fold", "{\"output_size\": 3, \"kernel_size\": 2}"));
    assert_ok(ctx, luron_layer_apply(&y, ctx, unfold, 1, &x));
    assert_shape(y, 1, 4, 4);
    assert_ok(ctx, luron_layer_apply(&z, ctx, fold, 1, &y));
    assert_tensor_close(z, ((const double[]){1, 2, 1, 2, 4, 2, 1, 2, 1}), 9, 0, 0);
    luron_tensor_unref(x), luron_tensor_unref(y), luron_tensor_unref(z);
    luron_layer_unref(unfold), luron_layer_unref(fold);
}

static void test_conv_more_threads(void **state) {
    static const int64_t image[] = {3, 16, 19, 23};
    same_threads(*state, "ConvTranspose2d",
                 CHANNELS(16, 12) "\"kernel_size\": [4, 3], \"stride\": 2, \"padding\": 1, \"groups\": 2}", 4, image);
    same_threads(*state, "ConvTranspose3d", CHANNELS(3, 4) "\"kernel_size\": 3, \"stride\": 2, \"dilation\": 2}", 5,
                 (const int64_t[]){2, 3, 5, 6, 7});
    same_threads(*state, "SeparableConv2d",
                 CHANNELS(16, 24) "\"kernel_size\": 3, \"depth_multiplier\": 2, \"padding\": 1}", 4, image);
    same_threads(*state, "SeparableConv2d",
                 CHANNELS(16, 24) "\"kernel_size\": 3, \"padding\": 1, \"padding_mode\": \"circular\"}", 4, image);
    same_threads(*state, "LocallyConnected2d", CHANNELS(16, 5) "\"input_size\": [19, 23], \"kernel_size\": 3}", 4,
                 image);
    same_threads(*state, "Unfold", "{\"kernel_size\": 3, \"padding\": 1, \"stride\": [1, 2]}", 4, image);
    same_threads(*state, "Fold", "{\"output_size\": [20, 22], \"kernel_size\": 3, \"padding\": 1}", 3,
                 (const int64_t[]){3, 36, 440});
}

static void test_conv_more_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *none = NULL;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){1, 2, 3, 4}, NULL),
                 *blocks = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){1, 6, 5}, NULL);
    luron_tensor *column = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){1, 2, 1, 3}, NULL);
    luron_tensor *empty = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){1, 2, 0, 4}, NULL),
                 *deep = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){0, 1000000000000, 1, 1}, NULL);
    refuses(ctx, "ConvTranspose2d", CHANNELS(3, 2) "\"kernel_size\": 2}", x, LURON_E_SHAPE,
            "input has 2 channels, in_channels is 3; given input (1, 2, 3, 4)");
    refuses(ctx, "ConvTranspose2d", CHANNELS(2, 2) "\"kernel_size\": 2}", blocks, LURON_E_SHAPE,
            "input has 1 channels, in_channels is 2; given input (1, 6, 5)");
    refuses(ctx, "ConvTranspose1d", CHANNELS(2, 2) "\"kernel_size\": 2}", x, LURON_E_SHAPE,
            "input has 4 dimensions, 3 expected, or 2 without a batch: (n, in_channels, length)");
    refuses(ctx, "ConvTranspose2d", CHANNELS(2, 2) "\"kernel_size\": 1, \"padding\": 2}", x, LURON_E_SHAPE,
            "output would have size -1: from an input of size 3 comes 3, and padding takes 4");
    refuses(ctx, "ConvTranspose2d", CHANNELS(2, 2) "\"kernel_size\": 2}", empty, LURON_E_SHAPE,
            "input has size 0, at least 1 expected behind the channels");
    refuses(ctx, "ConvTranspose2d",
            CHANNELS(2, 2) "\"kernel_size\": [2, 1], \"stride\": 4, \"padding\": \"same\", \"output_padding\": [0, 3]}",
            column, LURON_E_SHAPE, "output would have size 0: from an input of size 1 comes 2, and padding takes 2");
    /* at once, whatever the stride: a part for each place modulo the strides would take hours */
    assert_ok(ctx, luron_ctx_set_memory_limit(ctx, 1 << 30));
    refuses(ctx, "ConvTranspose2d", CHANNELS(2, 2) "\"kernel_size\": 2, \"stride\": 1000000}", x, LURON_E_NOMEM, "given input (1, 2, 3, 4)");
    assert_ok(ctx, luron_ctx_set_memory_limit(ctx, 0));
    refuses(ctx, "SeparableConv2d", CHANNELS(2, 2) "\"kernel_size\": [2, 5]}", x, LURON_E_SHAPE,
            "input has size 4, 4 with padding: the kernel takes 5");
    refuses(ctx, "LocallyConnected2d", CHANNELS(2, 2) "\"input_size\": [3, 3], \"kernel_size\": 2}", x, LURON_E_SHAPE,
            "input has size 4, input_size is 3");
    refuses(ctx, "Unfold", "{\"kernel_size\": [2, 3], \"dilation\": 2}", x, LURON_E_SHAPE,
            "input has size 4, 4 with padding: the kernel takes 5 with its dilation");
    refuses(ctx, "Unfold", "{\"kernel_size\": [4, 3]}", x, LURON_E_SHAPE,
            "input has size 3, 3 with padding: the kernel takes 4");
    refuses(ctx, "Unfold", "{\"kernel_size\": 1000000, \"padding\": 1000000}", deep, LURON_E_SHAPE,
            "1000000000000 channels times 1000000000000 numbers of the kernel are more than an int64 can hold");
    refuses(ctx, "Fold", "{\"output_size\": 3, \"kernel_size\": 2}", x, LURON_E_SHAPE,
            "input has 4 dimensions, 3 expected, or 2 without a batch: (n, c * kernel, places)");
    refuses(ctx, "Fold", "{\"output_size\": 3, \"kernel_size\": 2}", blocks, LURON_E_SHAPE,
            "input has 6 rows, a multiple of the kernel's 4 numbers expected");
    refuses(ctx, "Fold", "{\"output_size\": 3, \"kernel_size\": [1, 2]}", blocks, LURON_E_SHAPE,
            "input has 5 places, the kernel has 3 x 2 on output_size");
    refuses(ctx, "Fold", "{\"output_size\": 3, \"kernel_size\": 4}", blocks, LURON_E_SHAPE,
            "output_size is 3, 3 with padding: the kernel takes 4");
    static const char *const wrong[][3] = {
        {"ConvTranspose2d", CHANNELS(3, 2) "\"kernel_size\": 2, \"groups\": 2}",
         "in_channels, 3, and out_channels, 2, have to be multiples of groups, 2"},
        {"ConvTranspose2d", CHANNELS(2, 2) "\"kernel_size\": 2, \"stride\": 2, \"output_padding\": 2}",
         "output_padding is 2, less than stride, 2, or than dilation, 1, expected"},
        {"ConvTranspose2d", CHANNELS(2, 2) "\"kernel_size\": 2, \"padding\": \"causal\"}",
         "or list of 2 such, or 'same', or 'valid' expected, got 'causal'"},
        {"ConvTranspose3d", CHANNELS(2, 2) "\"kernel_size\": 2, \"stride\": 2, \"output_padding\": [1, 0]}",
         "output_padding has 2 numbers, 1 or 3 expected"},
        {"SeparableConv1d", CHANNELS(2, 2) "\"kernel_size\": 2, \"padding\": \"same\", \"stride\": 2}",
         "padding 'same' goes with stride 1 alone, stride is 2"},
        {"SeparableConv1d", CHANNELS(1000000, 2) "\"kernel_size\": 2, \"depth_multiplier\": 10000}",
         "in_channels times depth_multiplier is 10000000000, at most 1000000000 expected"},
        {"SeparableConv2d", CHANNELS(2, 2) "\"kernel_size\": 2, \"depth_multiplier\": 0}", "depth_multiplier"},
        {"LocallyConnected1d", CHANNELS(2, 2) "\"kernel_size\": 2}", "input_size"},
        {"LocallyConnected2d", CHANNELS(1000000000, 2) "\"input_size\": 1000000, \"kernel_size\": 1000000}",
         "in_channels, 1000000000, times the kernel are more than an int64 can hold"},
        {"Unfold", "{\"kernel_size\": 0}", "kernel_size"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(ctx, luron_layer_from_json(&none, ctx, wrong[i][0], wrong[i][1]), LURON_E_ARGUMENT, wrong[i][2]);
        assert_null(none);
    }
    assert_fails(ctx,
                 luron_layer_from_json(&none, ctx, "LocallyConnected2d",
                                       CHANNELS(2, 2) "\"input_size\": 3, \"kernel_size\": 4}"),
                 LURON_E_SHAPE, "the kernel takes 4");
    luron_tensor *all[] = {x, blocks, column, empty, deep};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_conv_more_gradients),   test_case(test_conv_more_values_of_pytorch),
        test_case(test_conv_more_initialised), test_case(test_conv_more_unfold_is_fold),
        test_case(test_conv_more_threads),     test_case(test_conv_more_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
