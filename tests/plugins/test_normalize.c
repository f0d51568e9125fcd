/* Local response and unit norm, power iteration. */
#include "golden.h"
#include "layer_check.h"
#include "refused.h"

#include <math.h>

#include "../data/normalize_reference.h"

static void test_normalize_gradients(void **state) {
    static const layer_case cases[] = {
        {"LocalResponseNorm", "{\"size\": 3, \"alpha\": 1}", 1, {{INPUT_SHAPE(2, 4, 3)}}, .order = 2},
        {"LocalResponseNorm", "{\"size\": 2, \"k\": 0.5, \"beta\": 1}", 1, {{INPUT_SHAPE(1, 1, 2, 2)}}, .order = 2},
        {"LocalResponseNorm", "{\"size\": 5}", 1, {{INPUT_SHAPE(0, 4, 3)}}, .order = 2},
        {"Normalize", NULL, 1, {{INPUT_SHAPE(3, 4)}}, .order = 2},
        {"Normalize", "{\"p\": 3, \"dim\": 0}", 1, {{INPUT_SHAPE(3, 2, 2), .lo = 0.2, .hi = 1}}, .order = 2},
        {"Normalize", "{\"dim\": 0}", 1, {{INPUT_SHAPE(5)}}, .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

static void test_normalize_values_of_pytorch(void **state) {
    golden_check(*state, normalize_cases, sizeof normalize_cases / sizeof *normalize_cases);
}

/* After many steps u^T W v is the largest singular value of diag(3, -2), and eval mode leaves u and v as they are. */
static void test_normalize_power_iteration(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    luron_tensor *w = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 3), (const double[]){3, 0, 0, 0, -2, 0}), *out[2],
                 *again[2], *g = NULL;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "PowerIteration",
                                         "{\"rows\": 2, \"columns\": 3, \"n_power_iterations\": 60}"));
    assert_ok(ctx, luron_layer_apply(out, ctx, layer, 1, &w));
    const double *u = luron_tensor_data(out[0]), *v = luron_tensor_data(out[1]);
    assert_true(fabs(3 * u[0] * v[0] - 2 * u[1] * v[1] - 3) < 1e-12);
    assert_tensor_same(out[0], luron_layer_state(layer, 0));
    assert_tensor_same(out[1], luron_layer_state(layer, 1));
    luron_layer_set_training(layer, 0);
    assert_ok(ctx, luron_layer_apply(again, ctx, layer, 1, &w));
    assert_tensor_same(again[0], out[0]);
    assert_tensor_same(again[1], out[1]);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, w, 1));
    luron_tensor *more[2];
    assert_ok(ctx, luron_layer_apply(more, ctx, layer, 1, &w));
    assert_fails(ctx, luron_grad(&g, ctx, 1, more, out, 1, &w, 0), LURON_E_GRADIENT, "weight has no gradient here");
    luron_tensor *all[] = {w, out[0], out[1], again[0], again[1], more[0], more[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
}

static void test_normalize_messages(void **state) {
    const refused_case cases[] = {
        {"LocalResponseNorm", "{\"size\": 3}", "input has 2 dimensions, (n, c, ...) with at least 3 expected",
         LURON_E_SHAPE, 1, .in = {REFUSED_REAL(2, 3)}},
        {"Normalize", NULL, "dim is 1, input has 1 dimensions", LURON_E_RANGE, 1, .in = {REFUSED_REAL(2)}},
        {"PowerIteration", "{\"rows\": 2, \"columns\": 3}", "a matrix of 2 rows and 3 columns expected", LURON_E_SHAPE,
         1, .in = {REFUSED_REAL(3, 2)}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(*state, &cases[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_normalize_gradients), test_case(test_normalize_values_of_pytorch),
                                       test_case(test_normalize_power_iteration), test_case(test_normalize_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
