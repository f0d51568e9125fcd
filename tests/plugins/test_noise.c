#include "layer_check.h"
#include "runs.h"

#include <math.h>

static void test_noise_gradients(void **state) {
    static const layer_case cases[] = {
        { "Dropout", NULL, 1, { { INPUT_SHAPE(6, 7) } }, .tol = 1e-7, .order = 2 },
        { "Dropout", "{\"p\": 0.2}", 1, { { INPUT_SHAPE(3, 2, 5) } }, .tol = 1e-7, .order = 2 },
        { "Dropout", "{\"p\": 0.0}", 1, { { INPUT_SHAPE(4, 4) } }, .tol = 1e-7, .order = 2 },
        { "Dropout", "{\"p\": 1.0}", 1, { { INPUT_SHAPE(4, 4) } }, .tol = 1e-7, .order = 2 },
        { "Dropout", NULL, 1, { { INPUT_SHAPE(4, 4) } }, .tol = 1e-7, .order = 2, .eval = true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

static luron_layer *dropout(luron_ctx *ctx, double p) {
    luron_layer *layer;
    assert_ok(ctx, luron_layer_new(&layer, ctx, "Dropout", 1, &(luron_arg) { .name = "p", .kind = LURON_ARG_NUMBER, .number = p }));
    return layer;
}

/* How many are kept is within five standard errors; what is kept is x / (1 - p), and its gradient is the mask. */
static void test_noise_keeps_its_share(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 40000 };
    static const double ps[] = { 0.1, 0.5, 0.9 };
    const int64_t shape[] = { N };
    for (size_t i = 0; i < sizeof ps / sizeof *ps; i++) {
        luron_layer *layer = dropout(ctx, ps[i]);
        luron_tensor *x, *y, *v;
        assert_ok(ctx, luron_tensor_full(&x, ctx, LURON_F32, 1, shape, 3));
        assert_ok(ctx, luron_tensor_full(&v, ctx, LURON_F32, 1, shape, 1));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        assert_ok(ctx, luron_backward(ctx, y, v, 0));
        const float *got = luron_tensor_data(y), *g = luron_tensor_data(luron_tensor_grad(x)), factor = (float)(1 / (1 - ps[i]));
        int kept = 0, in_a_row = 0, longest = 0;
        for (int k = 0; k < N; k++) {
            assert_true((got[k] == 0 && g[k] == 0) || (got[k] == 3 * factor && g[k] == factor));
            in_a_row = got[k] != 0 ? in_a_row + 1 : 0;
            if (in_a_row > longest) longest = in_a_row;
            kept += got[k] != 0;
        }
        assert_true(fabs(kept - N * (1 - ps[i])) < 5 * sqrt(N * ps[i] * (1 - ps[i])));
        assert_true(longest < 5 + log(N) / -log(1 - ps[i]) * 2); /* not in stretches */
        luron_tensor_unref(x);
        luron_tensor_unref(y);
        luron_tensor_unref(v);
        luron_layer_unref(layer);
    }
}

/* The composed form, which create_graph takes, drops the same elements, also where the fused one works in several chunks. */
static void test_noise_composed_drops_the_same(void **state) {
    luron_ctx *ctx = *state;
    const int64_t shape[] = { 40000 };
    for (int wide = 0; wide < 2; wide++) {
        const uint32_t dtype = wide ? LURON_F64 : LURON_F32;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_layer *layer = dropout(ctx, 0.3);
        luron_tensor *x, *y, *v, *plain = NULL, *graph = NULL;
        luron_ctx_set_higher(ctx, 1);
        assert_ok(ctx, luron_tensor_full(&x, ctx, dtype, 1, shape, 3));
        assert_ok(ctx, luron_tensor_full(&v, ctx, dtype, 1, shape, 1));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        assert_ok(ctx, luron_grad(&plain, ctx, 1, &y, &v, 1, &x, LURON_RETAIN_GRAPH));
        assert_ok(ctx, luron_grad(&graph, ctx, 1, &y, &v, 1, &x, LURON_CREATE_GRAPH));
        assert_tensor_same(graph, plain);
        luron_tensor *all[] = { x, y, v, plain, graph };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
        luron_layer_unref(layer);
    }
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
    luron_ctx_set_higher(ctx, 0);
}

/* Each call draws anew; the same state of the context draws the same; eval mode draws nothing and takes no number. */
static void test_noise_draws_by_position(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = dropout(ctx, 0.5);
    luron_tensor *x, *first, *second, *again;
    uint64_t seed, before, after;
    assert_ok(ctx, luron_tensor_full(&x, ctx, LURON_F32, 2, (const int64_t[]) { 8, 50 }, 1));
    luron_ctx_seed(ctx, 5);
    assert_ok(ctx, luron_layer_apply(&first, ctx, layer, 1, &x));
    assert_ok(ctx, luron_layer_apply(&second, ctx, layer, 1, &x));
    luron_ctx_seed(ctx, 5);
    assert_ok(ctx, luron_layer_apply(&again, ctx, layer, 1, &x));
    assert_tensor_same(again, first);
    assert_true(memcmp(luron_tensor_data(first), luron_tensor_data(second), 400 * sizeof(float)));
    luron_layer_set_training(layer, 0);
    luron_ctx_random_state(ctx, &seed, &before);
    luron_tensor_unref(again);
    assert_ok(ctx, luron_layer_apply(&again, ctx, layer, 1, &x));
    luron_ctx_random_state(ctx, &seed, &after);
    assert_true(before == after);
    assert_tensor_same(again, x);
    luron_tensor *all[] = { x, first, second, again };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
}

static void test_noise_everything_dropped(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = dropout(ctx, 1);
    luron_tensor *x = tensor_row(ctx, LURON_F32, 1, -2, INFINITY, NAN), *y;
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_tensor_close(y, ((const double[4]) { 0 }), 4, 0, 0);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_layer_unref(layer);
}

static void test_noise_bits_at_any_thread_count(void **state) { runs_threads(*state, "Dropout", "{\"p\": 0.3}", 1, (const int64_t[]) { 11, 7001 }, NULL); }

static void test_noise_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = NULL;
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Dropout", "{\"p\": 1.5}"), LURON_E_ARGUMENT, "1.5");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Dropout", "{\"p\": -0.1}"), LURON_E_ARGUMENT, "p");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Dropout", "{\"rate\": 0.1}"), LURON_E_ARGUMENT, "rate");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_noise_gradients), test_case(test_noise_keeps_its_share), test_case(test_noise_composed_drops_the_same), test_case(test_noise_draws_by_position),
        test_case(test_noise_everything_dropped), test_case(test_noise_bits_at_any_thread_count), test_case(test_noise_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
