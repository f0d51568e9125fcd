/* Layers that put dimensions into another order, take parts, and work on the steps of sequences. */
#include "layer_check.h"
#include "refused.h"

#include <math.h>

static void test_shape_more_gradients(void **state) {
    static const layer_case cases[] = {
        {"Permute", "{\"dims\": [2, 1]}", 1, {{INPUT_SHAPE(2, 3, 4)}}, .tol = 1e-7, .order = 2},
        {"Transpose", "{\"dim0\": 0, \"dim1\": -1}", 1, {{INPUT_SHAPE(2, 3, 4)}}, .tol = 1e-7, .order = 2},
        {"Select", "{\"dim\": 1, \"index\": -1}", 1, {{INPUT_SHAPE(2, 3, 2)}}, .tol = 1e-7, .order = 2},
        {"Narrow", "{\"dim\": 1, \"start\": 1, \"length\": 2}", 1, {{INPUT_SHAPE(2, 4)}}, .tol = 1e-7, .order = 2},
        {"Narrow", "{\"dim\": 0, \"start\": 0, \"length\": 0}", 1, {{INPUT_SHAPE(2, 4)}}, .order = 2},
        {"Squeeze", "{\"dim\": 1}", 1, {{INPUT_SHAPE(2, 1, 3)}}, .tol = 1e-7, .order = 2},
        {"Unsqueeze", "{\"dim\": -1}", 1, {{INPUT_SHAPE(2, 3)}}, .tol = 1e-7, .order = 2},
        {"RepeatVector", "{\"n\": 3}", 1, {{INPUT_SHAPE(2, 3)}}, .tol = 1e-7, .order = 2},
        {"RepeatVector", "{\"n\": 2}", 1, {{INPUT_SHAPE(0, 3)}}, .order = 2},
        {"UnflattenSteps",
         NULL,
         2,
         {{INPUT_SHAPE(6, 2)}, {INPUT_SHAPE(2, 3, 5), .no_grad = true}},
         .tol = 1e-7,
         .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* Of x = 0, 1, 2 ... in its shape. */
static void test_shape_more_results(void **state) {
    luron_ctx *ctx = *state;
    const struct {
        const char *type, *options;
        int ndim;
        int64_t shape[4];
        int want_ndim;
        int64_t want_shape[4];
        double want[12];
    } cases[] = {
        {"Permute", "{\"dims\": [2, 1]}", 3, {1, 2, 3}, 3, {1, 3, 2}, {0, 3, 1, 4, 2, 5}},
        {"Permute", "{\"dims\": 1}", 2, {2, 2}, 2, {2, 2}, {0, 1, 2, 3}},
        {"Transpose", "{\"dim0\": 0, \"dim1\": 1}", 2, {2, 3}, 2, {3, 2}, {0, 3, 1, 4, 2, 5}},
        {"Select", "{\"dim\": -1, \"index\": 1}", 2, {2, 3}, 1, {2}, {1, 4}},
        {"Select", "{\"dim\": 0, \"index\": -2}", 2, {2, 3}, 1, {3}, {0, 1, 2}},
        {"Narrow", "{\"dim\": 1, \"start\": -2, \"length\": 2}", 2, {2, 3}, 2, {2, 2}, {1, 2, 4, 5}},
        {"Squeeze", "{\"dim\": 1}", 3, {2, 1, 2}, 2, {2, 2}, {0, 1, 2, 3}},
        {"Squeeze", "{\"dim\": 0}", 3, {2, 1, 2}, 3, {2, 1, 2}, {0, 1, 2, 3}},
        {"Unsqueeze", "{\"dim\": 1}", 2, {2, 2}, 3, {2, 1, 2}, {0, 1, 2, 3}},
        {"RepeatVector", "{\"n\": 2}", 2, {2, 2}, 3, {2, 2, 2}, {0, 1, 0, 1, 2, 3, 2, 3}},
    };
    static const double count[] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        luron_layer *layer;
        luron_tensor *x = tensor_of(ctx, LURON_F32, cases[i].ndim, cases[i].shape, count), *y;
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, cases[i].type, cases[i].options));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        assert_shape_(y, (size_t)cases[i].want_ndim, cases[i].want_shape, cases[i].type, __FILE__, __LINE__);
        assert_tensor_close_(y, cases[i].want, luron_tensor_numel(y), 0, 0, cases[i].type, __FILE__, __LINE__);
        luron_tensor_unref(x);
        luron_tensor_unref(y);
        luron_layer_unref(layer);
    }
}

/* A step that holds the value alone is 0, whatever else it would do, and the mask says so. Keras's numbers. */
static void test_shape_more_masking(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){1, 3, 2}, (const double[]){-1, -1, -1, 2, 0, 0}),
                 *out[2];
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Masking", "{\"mask_value\": -1}"));
    assert_ok(ctx, luron_layer_apply(out, ctx, layer, 1, &x));
    assert_tensor_close(out[0], ((const double[]){0, 0, -1, 2, 0, 0}), 6, 0, 0);
    assert_shape(out[1], 1, 3);
    assert_int_equal(luron_tensor_dtype(out[1]), LURON_B8);
    assert_memory_equal(luron_tensor_data(out[1]), ((const uint8_t[]){0, 1, 1}), 3);
    luron_tensor_unref(x);
    luron_tensor_unref(out[0]);
    luron_tensor_unref(out[1]);
    luron_layer_unref(layer);
}

static void test_shape_more_messages(void **state) {
    const refused_case cases[] = {
        {"Permute", "{\"dims\": [2, 1]}", "dims names 2 dimensions, an example has 1", LURON_E_SHAPE, 1,
         .in = {REFUSED_REAL(2, 3)}},
        {"Permute", "{\"dims\": [2, 2]}", "dims: each of 1 to 2 once expected, got 2 again", LURON_E_ARGUMENT, 1,
         .in = {REFUSED_REAL(2, 3, 4)}},
        {"Permute", "{\"dims\": [1, 3]}", "dims: each of 1 to 2 once expected, got 3", LURON_E_ARGUMENT, 1,
         .in = {REFUSED_REAL(2, 3, 4)}},
        {"Transpose", "{\"dim0\": 0, \"dim1\": 2}", "dim1 is 2, input has 2 dimensions", LURON_E_RANGE, 1,
         .in = {REFUSED_REAL(2, 3)}},
        {"Select", "{\"dim\": 1, \"index\": 3}", "index is 3, dimension 1 has size 3", LURON_E_RANGE, 1,
         .in = {REFUSED_REAL(2, 3)}},
        {"Narrow", "{\"dim\": 1, \"start\": 2, \"length\": 2}", "2 places from 2 on, dimension 1 has size 3",
         LURON_E_RANGE, 1, .in = {REFUSED_REAL(2, 3)}},
        {"RepeatVector", "{\"n\": 2}", "(n, features) expected", LURON_E_SHAPE, 1, .in = {REFUSED_REAL(2, 3, 4)}},
        {"Masking", NULL, "input has 1 dimensions, (n, t, ...) expected", LURON_E_SHAPE, 1, .in = {REFUSED_REAL(3)}},
        {"UnflattenSteps", NULL, "input has 5 rows, like has 2 times 3", LURON_E_SHAPE, 2,
         .in = {REFUSED_REAL(5, 2), REFUSED_REAL(2, 3)}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(*state, &cases[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_shape_more_gradients), test_case(test_shape_more_results),
                                       test_case(test_shape_more_masking), test_case(test_shape_more_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
