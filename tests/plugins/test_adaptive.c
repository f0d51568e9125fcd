/* The plugin `adaptive`: gradients, PyTorch's numbers, first values, what it is without targets, messages. */
#include "layer_check.h"
#include "layer_values.h"

#include <string.h>

#include "../data/adaptive_reference.h"

#define OF(in, classes, ...) "{\"in_features\": " #in ", \"n_classes\": " #classes ", \"cutoffs\": " __VA_ARGS__ "}"
static const char *const name = "AdaptiveLogSoftmaxWithLoss";

static void test_adaptive_gradients(void **state) {
    static const layer_case cases[] = {
        {name,
         OF(4, 6, "[2, 4], \"div_value\": 2.0"),
         2,
         {{INPUT_SHAPE(3, 4)}, {INPUT_SHAPE(3), .ids = true, .n_ids = 6}},
         .order = 2},
        {name,
         OF(3, 4, "[1], \"div_value\": 3.0, \"head_bias\": true"),
         2,
         {{INPUT_SHAPE(3)}, {.ids = true, .n_ids = 4}},
         .order = 2},
        {name, OF(4, 5, "[2, 3], \"div_value\": 1.0"), 1, {{INPUT_SHAPE(2, 4)}}, .order = 2},
        {name, OF(4, 5, "3"), 1, {{INPUT_SHAPE(0, 4)}}, .order = 1},
        {name, OF(4, 5, "3"), 2, {{INPUT_SHAPE(0, 4)}, {INPUT_SHAPE(0), .ids = true, .n_ids = 5}}, .order = 1},
        {name,
         OF(1, 2, "[1], \"div_value\": 1"),
         2,
         {{INPUT_SHAPE(1, 1)}, {INPUT_SHAPE(1), .ids = true, .n_ids = 2}},
         .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

static void test_adaptive_values_of_pytorch(void **state) {
    for (size_t i = 0; i < sizeof adaptive_cases / sizeof *adaptive_cases; i++) {
        layer_values_all(*state, &adaptive_cases[i], LURON_F64, 1e-12);
        layer_values_all(*state, &adaptive_cases[i], LURON_F32, 4e-6);
    }
}

/* Names as PyTorch's with lines for dots; first values of a Linear. */
static void test_adaptive_parameters(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    static const char *const names[] = {"head_weight",     "head_bias",       "tail_0_0_weight",
                                        "tail_0_1_weight", "tail_1_0_weight", "tail_1_1_weight"};
    static const int64_t shapes[][2] = {{22, 64}, {22, 0}, {16, 64}, {30, 16}, {4, 64}, {50, 4}};
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, name, OF(64, 100, "[20, 50], \"head_bias\": true")));
    assert_int_equal(luron_layer_n_params(layer), 6);
    for (int i = 0; i < 6; i++) {
        luron_tensor *p = luron_layer_param(layer, i);
        const double most = i == 3 ? 0.25 : i == 5 ? 0.5 : 0.125;
        double largest = 0;
        assert_string_equal(luron_layer_param_name(layer, i), names[i]);
        assert_memory_equal(luron_tensor_shape(p), shapes[i], (size_t)luron_tensor_ndim(p) * sizeof(int64_t));
        for (int64_t k = 0; k < luron_tensor_numel(p); k++) {
            const double x = fabs((double)((const float *)luron_tensor_data(p))[k]);
            largest = x > largest ? x : largest;
        }
        assert_true(largest <= most && largest > most * 0.7);
    }
    luron_layer_unref(layer);
}

static void test_adaptive_messages(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *options, *part;
    } wrong[] = {
        {OF(4, 5, "[3, 2]"), "cutoffs: 2 behind 3, ascending numbers below n_classes 5 expected"},
        {OF(4, 5, "[5]"), "cutoffs: 5 behind 0, ascending numbers below n_classes 5 expected"},
        {OF(4, 5, "[2, 2]"), "cutoffs: 2 behind 2"},
        {OF(4, 5, "[]"), "cutoffs"},
        {OF(4, 9, "[2, 5]"), "cluster 1 has no features: in_features 4 is less than div_value 4 to the power of 2"}};
    luron_layer *layer = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(ctx, luron_layer_from_json(&layer, ctx, name, wrong[i].options), LURON_E_ARGUMENT, wrong[i].part);
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){2, 4}, NULL),
                 *odd = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){2, 3}, NULL);
    luron_tensor *cube = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){2, 2, 4}, NULL), *out[2];
    luron_tensor *few = tensor_of(ctx, LURON_I64, 1, (const int64_t[]){1}, NULL),
                 *far_id = tensor_of(ctx, LURON_I64, 1, (const int64_t[]){2}, (const double[]){0, 5});
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, name, OF(4, 5, "[2]")));
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, 1, &odd), LURON_E_SHAPE,
                 "input has 3 features, in_features is 4");
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, 1, &cube), LURON_E_SHAPE, "input has 3 dimensions");
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, 2, (luron_tensor *[]){x, few}), LURON_E_SHAPE,
                 "target: an id for each row of input expected");
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, 2, (luron_tensor *[]){x, far_id}), LURON_E_RANGE,
                 "}: target: id 5 at position 1 is not within 0 to 4; given input");
    luron_tensor *all[] = {x, odd, cube, few, far_id};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_adaptive_gradients), test_case(test_adaptive_values_of_pytorch),
                                       test_case(test_adaptive_parameters), test_case(test_adaptive_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
