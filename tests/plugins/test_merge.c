#include "golden.h"
#include "layer_check.h"
#include "refused.h"

#include "../data/merge_reference.h"

static void test_merge_gradients(void **state) {
    static const layer_case cases[] = {
        {"Add", NULL, 3, {{INPUT_SHAPE(2, 3)}, {INPUT_SHAPE(2, 1)}, {INPUT_SHAPE(2, 3)}}, .tol = 1e-7, .order = 2},
        {"Add", NULL, 1, {{INPUT_SHAPE(2, 3)}}, .tol = 1e-7, .order = 2},
        {"Add", NULL, 2, {{INPUT_SHAPE(0, 3)}, {INPUT_SHAPE(0, 3)}}, .order = 2},
        {"Subtract", NULL, 2, {{INPUT_SHAPE(2, 2, 3)}, {INPUT_SHAPE(2, 3)}}, .tol = 1e-7, .order = 2},
        {"Multiply", NULL, 2, {{INPUT_SHAPE(2, 3)}, {INPUT_SHAPE(1, 3)}}, .tol = 1e-7, .order = 2},
        {"Average", NULL, 2, {{INPUT_SHAPE(4)}, {INPUT_SHAPE(4)}}, .tol = 1e-7, .order = 2},
        {"Maximum", NULL, 2, {{INPUT_SHAPE(3, 4)}, {INPUT_SHAPE(3, 4)}}, .tol = 1e-7, .order = 2},
        {"Minimum", NULL, 3, {{INPUT_SHAPE(3, 4)}, {INPUT_SHAPE(3, 4)}, {INPUT_SHAPE(3, 1)}}, .tol = 1e-7, .order = 2},
        {"Concatenate",
         NULL,
         3,
         {{INPUT_SHAPE(2, 3)}, {INPUT_SHAPE(2, 0)}, {INPUT_SHAPE(2, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"Dot", NULL, 2, {{INPUT_SHAPE(2, 3, 4)}, {INPUT_SHAPE(2, 4)}}, .tol = 1e-7, .order = 2},
        {"Dot", "{\"normalize\": true}", 2, {{INPUT_SHAPE(2, 3)}, {INPUT_SHAPE(2, 3)}}, .tol = 1e-6, .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

static void test_merge_values_of_keras(void **state) {
    golden_check(*state, merge_cases, sizeof merge_cases / sizeof *merge_cases);
}

/* As many as come: those of a wide network are joined in pieces. */
static void test_merge_many_inputs(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 70 };
    luron_tensor *in[N], *y;
    luron_layer *layer;
    for (int i = 0; i < N; i++)
        in[i] = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){1, 1}, (const double[]){i});
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Concatenate", NULL));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, N, in));
    assert_shape(y, 1, N);
    for (int i = 0; i < N; i++)
        assert_true(((const float *)luron_tensor_data(y))[i] == (float)i);
    luron_tensor_unref(y);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Average", NULL));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, N, in));
    assert_tensor_close(y, ((const double[]){(N - 1) / 2.0}), 1, 1e-6, 0);
    luron_tensor_unref(y);
    luron_layer_unref(layer);
    for (int i = 0; i < N; i++)
        luron_tensor_unref(in[i]);
}

static void test_merge_messages(void **state) {
    const refused_case cases[] = {
        {"Add", NULL, "input 2 with shape (2, 4) does not broadcast with input 1, (2, 3)", LURON_E_SHAPE, 2,
         .in = {REFUSED_REAL(2, 3), REFUSED_REAL(2, 4)}},
        {"Multiply", NULL, "input 3 with shape (3, 3) does not broadcast with input 1, (1, 3), and those between",
         LURON_E_SHAPE, 3, .in = {REFUSED_REAL(1, 3), REFUSED_REAL(2, 3), REFUSED_REAL(3, 3)}},
        {"Subtract", NULL, "2 inputs expected", LURON_E_ARGUMENT, 1, .in = {REFUSED_REAL(2, 3)}},
        {"Concatenate", NULL, "input 2 has size 3 in dimension 0, input 1 has 2", LURON_E_SHAPE, 2,
         .in = {REFUSED_REAL(2, 3), REFUSED_REAL(3, 3)}},
        {"Concatenate", NULL, "input 2 has 1 dimensions, input 1 has 2", LURON_E_SHAPE, 2,
         .in = {REFUSED_REAL(2, 3), REFUSED_REAL(3)}},
        {"Concatenate", "{\"dim\": 2}", "dim is 2, input 1 has 2 dimensions", LURON_E_RANGE, 1,
         .in = {REFUSED_REAL(2, 3)}},
        {"Dot", NULL, "vectors of size 3 and 4", LURON_E_SHAPE, 2, .in = {REFUSED_REAL(2, 3), REFUSED_REAL(2, 4)}},
        {"Dot", NULL, "batches of 2 and 3 examples", LURON_E_SHAPE, 2, .in = {REFUSED_REAL(2, 3), REFUSED_REAL(3, 3)}},
        {"Dot", "{\"dim2\": 0}", "dim2 is the batch", LURON_E_ARGUMENT, 2,
         .in = {REFUSED_REAL(2, 3), REFUSED_REAL(2, 3)}},
        {"Dot", NULL, "input 1 has 1 dimensions", LURON_E_SHAPE, 2, .in = {REFUSED_REAL(2), REFUSED_REAL(2, 3)}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(*state, &cases[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_merge_gradients), test_case(test_merge_values_of_keras),
                                       test_case(test_merge_many_inputs), test_case(test_merge_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
