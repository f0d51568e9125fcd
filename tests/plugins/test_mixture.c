/* The plugin `mixture`: gradients, numbers of the same in PyTorch, messages. */
#include "layer_check.h"
#include "layer_values.h"

#include "../data/mixture_reference.h"

#define OF(in, hidden, experts, ...)                                                                                   \
    "{\"in_features\": " #in ", \"hidden_features\": " #hidden ", \"num_experts\": " #experts __VA_ARGS__ "}"

static void test_mixture_gradients(void **state) {
    static const layer_case cases[] = {
        {"MixtureOfExperts", OF(3, 2, 3, ", \"activation\": \"gelu\""), 1, {{INPUT_SHAPE(4, 3)}}, .order = 2},
        {"MixtureOfExperts",
         OF(2, 2, 4, ", \"activation\": \"silu\", \"top_k\": 3, \"normalize\": false"),
         1,
         {{INPUT_SHAPE(2, 2, 2)}},
         .order = 2},
        {"MixtureOfExperts",
         OF(2, 3, 2, ", \"activation\": \"silu\", \"bias\": false, \"top_k\": 1"),
         1,
         {{INPUT_SHAPE(2)}},
         .order = 2},
        {"MixtureOfExperts",
         OF(1, 1, 1, ", \"activation\": \"silu\", \"top_k\": 1"),
         1,
         {{INPUT_SHAPE(1, 1)}},
         .order = 2},
        {"MixtureOfExperts", OF(3, 2, 3, ), 1, {{INPUT_SHAPE(0, 3)}}, .order = 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}
static void test_mixture_values_of_pytorch(void **state) {
    for (size_t i = 0; i < sizeof mixture_cases / sizeof *mixture_cases; i++) {
        layer_values_all(*state, &mixture_cases[i], LURON_F64, 1e-12);
        layer_values_all(*state, &mixture_cases[i], LURON_F32, 4e-6);
    }
}
static void test_mixture_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = NULL;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){2, 4}, NULL),
                 *one = tensor_of(ctx, LURON_F32, 0, NULL, NULL), *out[2];
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "MixtureOfExperts", OF(3, 2, 3, ", \"top_k\": 4")),
                 LURON_E_ARGUMENT, "top_k is 4, at most num_experts = 3 expected");
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "MixtureOfExperts", OF(3, 2, 3, )));
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, 1, &x), LURON_E_SHAPE,
                 "input has 4 features, in_features is 3");
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, 1, &one), LURON_E_SHAPE,
                 "input has 0 features, in_features is 3");
    luron_tensor_unref(x);
    luron_tensor_unref(one);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_mixture_gradients), test_case(test_mixture_values_of_pytorch),
                                       test_case(test_mixture_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
