/* Bilinear and EinsumDense. */
#include "golden.h"
#include "layer_check.h"
#include "refused.h"

#include "../data/linear_more_reference.h"

static void test_linear_more_gradients(void **state) {
    static const layer_case cases[] = {
        {"Bilinear",
         "{\"in1_features\": 3, \"in2_features\": 2, \"out_features\": 4}",
         2,
         {{INPUT_SHAPE(5, 3)}, {INPUT_SHAPE(5, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"Bilinear",
         "{\"in1_features\": 1, \"in2_features\": 1, \"out_features\": 1, \"bias\": false}",
         2,
         {{INPUT_SHAPE(0, 1)}, {INPUT_SHAPE(0, 1)}},
         .order = 2},
        {"Bilinear",
         "{\"in1_features\": 2, \"in2_features\": 3, \"out_features\": 1}",
         2,
         {{INPUT_SHAPE(2)}, {INPUT_SHAPE(3)}},
         .tol = 1e-7,
         .order = 2},
        {"EinsumDense",
         "{\"weight_shape\": [3, 2], \"bias_shape\": 2}",
         1,
         {{INPUT_SHAPE(2, 4, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"EinsumDense",
         "{\"equation\": \"abc,cde->abde\", \"weight_shape\": [3, 2, 2], \"bias_shape\": [2, 1]}",
         1,
         {{INPUT_SHAPE(2, 1, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"EinsumDense", "{\"weight_shape\": [3, 2]}", 1, {{INPUT_SHAPE(0, 3)}}, .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

static void test_linear_more_values_of_peers(void **state) {
    golden_check(*state, linear_more_cases, sizeof linear_more_cases / sizeof *linear_more_cases);
}

static void test_linear_more_messages(void **state) {
    luron_layer *none = NULL;
    const refused_case cases[] = {
        {"Bilinear", "{\"in1_features\": 3, \"in2_features\": 2, \"out_features\": 4}",
         "input2 has 3 features, in2_features is 2", LURON_E_SHAPE, 2, .in = {REFUSED_REAL(5, 3), REFUSED_REAL(5, 3)}},
        {"Bilinear", "{\"in1_features\": 3, \"in2_features\": 2, \"out_features\": 4}",
         "the inputs differ in more than their features", LURON_E_SHAPE, 2,
         .in = {REFUSED_REAL(5, 3), REFUSED_REAL(4, 2)}},
        {"EinsumDense", "{\"equation\": \"ab,bc\", \"weight_shape\": [3, 2]}", "einsum", LURON_E_SHAPE, 1,
         .in = {REFUSED_REAL(5, 4)}},
        {"EinsumDense", "{\"equation\": \"ab-\", \"weight_shape\": [3, 2]}", "einsum", LURON_E_ARGUMENT, 1,
         .in = {REFUSED_REAL(5, 3)}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(*state, &cases[i]);
    assert_fails(
        *state,
        luron_layer_from_json(&none, *state, "EinsumDense", "{\"weight_shape\": [3, 2], \"bias_shape\": [2, 0]}"),
        LURON_E_ARGUMENT, "bias_shape has a size of 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_linear_more_gradients),
                                       test_case(test_linear_more_values_of_peers),
                                       test_case(test_linear_more_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
