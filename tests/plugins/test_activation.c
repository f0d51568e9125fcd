#include "golden.h"
#include "layer_check.h"
#include "runs.h"

#include "../data/activation_values.h"
#include "../data/shrink_values.h"

#include <math.h>

static void test_activation_values_of_pytorch(void **state) {
    golden_check(*state, activation_cases, sizeof activation_cases / sizeof *activation_cases);
    golden_check(*state, shrink_cases, sizeof shrink_cases / sizeof *shrink_cases);
}

static void test_activation_gradients(void **state) {
#define EW(type, options, ...) { type, options, 1, { { INPUT_SHAPE(3, 7), .lo = -4, .hi = 4 } }, .order = 2, __VA_ARGS__ }
    static const layer_case cases[] = {
        EW("Identity", NULL, .tol = 1e-7),
        EW("ReLU", NULL, .n_kinks = 1, .kinks = { 0 }),
        EW("ReLU6", NULL, .n_kinks = 2, .kinks = { 0, 6 }),
        EW("LeakyReLU", NULL, .n_kinks = 1, .kinks = { 0 }),
        EW("LeakyReLU", "{\"negative_slope\": -0.5}", .n_kinks = 1, .kinks = { 0 }),
        EW("ELU", NULL, .n_kinks = 1, .kinks = { 0 }),
        EW("ELU", "{\"alpha\": 0.5}", .n_kinks = 1, .kinks = { 0 }),
        EW("SELU", NULL, .n_kinks = 1, .kinks = { 0 }),
        EW("GELU", NULL, .n_kinks = 0),
        EW("GELU", "{\"approximate\": \"tanh\"}", .n_kinks = 0),
        EW("SiLU", NULL, .n_kinks = 0),
        EW("Mish", NULL, .n_kinks = 0),
        EW("Sigmoid", NULL, .n_kinks = 0),
        EW("Tanh", NULL, .n_kinks = 0),
        EW("Softplus", NULL, .n_kinks = 0),
        EW("Softplus", "{\"beta\": 2.0, \"threshold\": 4.0}", .n_kinks = 1, .kinks = { 2 }),
        EW("Softsign", NULL, .n_kinks = 1, .kinks = { 0 }),
        EW("Hardtanh", NULL, .n_kinks = 2, .kinks = { -1, 1 }),
        EW("Hardtanh", "{\"min_val\": -2.0, \"max_val\": 0.5}", .n_kinks = 2, .kinks = { -2, 0.5 }),
        EW("Hardsigmoid", NULL, .n_kinks = 2, .kinks = { -3, 3 }),
        EW("Hardswish", NULL, .n_kinks = 2, .kinks = { -3, 3 }),
        EW("Softmax", NULL, .n_kinks = 0),
        EW("Softmax", "{\"dim\": 0}", .n_kinks = 0),
        EW("LogSoftmax", NULL, .n_kinks = 0),
        EW("LogSoftmax", "{\"dim\": 0}", .n_kinks = 0),
        EW("PReLU", NULL, .n_kinks = 1, .kinks = { 0 }),
        EW("PReLU", "{\"num_parameters\": 7}", .n_kinks = 1, .kinks = { 0 }),
        { "PReLU", "{\"num_parameters\": 3}", 1, { { INPUT_SHAPE(2, 3, 2, 2), .lo = -4, .hi = 4 } }, .order = 2, .n_kinks = 1, .kinks = { 0 } },
        { "PReLU", NULL, 1, { { INPUT_SHAPE(6), .lo = -4, .hi = 4 } }, .order = 2, .n_kinks = 1, .kinks = { 0 } },
        EW("Hardshrink", NULL, .n_kinks = 2, .kinks = { -0.5, 0.5 }),
        EW("Softshrink", "{\"lambd\": 1.5}", .n_kinks = 2, .kinks = { -1.5, 1.5 }),
        EW("Tanhshrink", NULL, .n_kinks = 0),
        EW("Threshold", "{\"threshold\": 0.5, \"value\": 2.0}", .n_kinks = 1, .kinks = { 0.5 }),
        EW("LogSigmoid", NULL, .n_kinks = 0),
        EW("CELU", "{\"alpha\": 0.5}", .n_kinks = 1, .kinks = { 0 }),
        EW("Squareplus", NULL, .n_kinks = 0),
        EW("SparsePlus", NULL, .n_kinks = 2, .kinks = { -1, 1 }),
        EW("SparseSigmoid", NULL, .n_kinks = 2, .kinks = { -1, 1 }),
        EW("Exponential", NULL, .n_kinks = 0),
        EW("CReLU", NULL, .n_kinks = 1, .kinks = { 0 }),
        EW("Softmin", "{\"dim\": 0}", .n_kinks = 0),
        EW("RReLU", NULL, .n_kinks = 1, .kinks = { 0 }),
        EW("RReLU", NULL, .n_kinks = 1, .kinks = { 0 }, .eval = true),
        { "GLU", "{\"dim\": 1}", 1, { { INPUT_SHAPE(2, 4, 3), .lo = -4, .hi = 4 } }, .order = 2 },
        { "Maxout", "{\"num_units\": 2}", 1, { { INPUT_SHAPE(3, 6), .lo = -4, .hi = 4 } }, .order = 1 },
        { "Softmax2d", NULL, 1, { { INPUT_SHAPE(2, 3, 2, 2), .lo = -2, .hi = 2 } }, .order = 2 },
        { "Sparsemax", NULL, 1, { { INPUT_SHAPE(3, 5), .lo = -2, .hi = 2 } }, .order = 1 },
        { "GELU", NULL, 1, { { INPUT_SHAPE(1), .lo = -4, .hi = 4 } }, .order = 2 },
        { "SiLU", NULL, 1, { { INPUT_SHAPE(0, 3) } }, .order = 2 },
    };
#undef EW
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

/* The derivative of the fused form and of the composed one, which create_graph takes, at kinks and far out. */
static void test_activation_composed_agrees_at_kinks(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = { "ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softplus", "Softsign", "Hardtanh",
                                         "Hardsigmoid", "Hardswish", "PReLU", "Hardshrink", "Softshrink", "Tanhshrink", "LogSigmoid", "CELU", "Squareplus",
                                         "SparsePlus", "SparseSigmoid" };
    static const double points[] = { -1000, -100, -20, -3, -1, 0, 1, 3, 6, 20, 100, 1000 };
    enum { N = sizeof points / sizeof *points };
    luron_ctx_set_higher(ctx, 1);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        luron_layer *layer;
        luron_tensor *x = tensor_of(ctx, LURON_F64, 1, (const int64_t[]) { N }, points), *y, *ones, *plain = NULL, *graph = NULL;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
        assert_ok(ctx, luron_layer_new(&layer, ctx, types[i], 0, NULL));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        assert_ok(ctx, luron_tensor_full(&ones, ctx, LURON_F64, 1, (const int64_t[]) { N }, 1));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        assert_ok(ctx, luron_grad(&plain, ctx, 1, &y, &ones, 1, &x, LURON_RETAIN_GRAPH));
        assert_ok(ctx, luron_grad(&graph, ctx, 1, &y, &ones, 1, &x, LURON_CREATE_GRAPH));
        assert_tensor_close_(graph, luron_tensor_data(plain), N, 1e-12, 1e-12, types[i], __FILE__, __LINE__);
        luron_tensor_unref(x);
        luron_tensor_unref(y);
        luron_tensor_unref(ones);
        luron_tensor_unref(plain);
        luron_tensor_unref(graph);
        luron_layer_unref(layer);
    }
    luron_ctx_set_higher(ctx, 0);
}

/* One run of an element-wise type over n numbers, cut before `cut` (0: not at all), into out and gradient. */
static void run_cut(const luron_layer_type *type, const luron_host *host, const void *options, uint32_t dtype, int64_t n, int64_t cut, const void *x,
                    const void *gy, char *y, char *gx) {
    const int64_t size = luron_dtype_size(dtype), starts[3] = { 0, cut, n };
    for (int k = cut ? 0 : 1; k < 2; k++) {
        const int64_t at = cut ? starts[k] : 0;
        luron_run r = { .struct_size = sizeof r, .dtype = dtype, .host = host, .options = options, .n = starts[k + 1] - at, .x = (const char *)x + at * size,
                        .to = y + at * size };
        type->elementwise->apply(&r);
        r.y = r.to, r.gy = (const char *)gy + at * size, r.to = gx + at * size;
        if (type->elementwise->flags & LURON_EW_FROM_Y) r.x = NULL;
        else r.y = NULL;
        type->elementwise->derive(&r);
    }
}

static void check_runs(const luron_layer_type *type, const luron_host *host, const void *options, uint32_t dtype) {
    enum { N = 700 }; /* more than two of the pieces that types work in */
    static double x64[N], g64[N], y[2][N], gx[2][N];
    static float x32[N], g32[N];
    for (int i = 0; i < N; i++) {
        x32[i] = (float)(x64[i] = 5 * sin(i * 12.9898)), g32[i] = (float)(g64[i] = cos(i * 78.233));
    }
    const void *x = dtype == LURON_F64 ? (void *)x64 : x32, *g = dtype == LURON_F64 ? (void *)g64 : g32;
    const size_t size = (size_t)luron_dtype_size(dtype);
    for (int64_t n = 1; n <= N; n = n < 70 ? n + 1 : n * 2 - 1) {
        run_cut(type, host, options, dtype, n, 0, x, g, (char *)y[0], (char *)gx[0]);
        for (int64_t cut = 1; cut < n; cut++) {
            run_cut(type, host, options, dtype, n, cut, x, g, (char *)y[1], (char *)gx[1]);
            if (memcmp(y[0], y[1], (size_t)n * size) || memcmp(gx[0], gx[1], (size_t)n * size)) fail_msg("%s: %d numbers cut at %d give other bits", type->name, (int)n, (int)cut);
        }
        /* In place, and the gradient into the memory of gy. */
        memcpy(gx[1], g, (size_t)n * size);
        memcpy(y[1], x, (size_t)n * size);
        if (!(type->elementwise->flags & LURON_EW_IN_PLACE)) continue;
        luron_run r = { .struct_size = sizeof r, .dtype = dtype, .host = host, .options = options, .n = n, .x = y[1], .to = y[1] };
        type->elementwise->apply(&r);
        r.x = x, r.y = y[1], r.gy = r.to = gx[1];
        type->elementwise->derive(&r);
        if (memcmp(y[0], y[1], (size_t)n * size) || memcmp(gx[0], gx[1], (size_t)n * size)) fail_msg("%s: other bits in place", type->name);
    }
}

static void test_activation_runs_cut_anywhere(void **state) {
    const luron_host *host = runs_host(*state);
    const luron_plugin *plugins[] = { runs_plugin("activation"), runs_plugin("shrink") };
    int checked = 0;
    for (int i = 0, of = 0; of < 2; plugins[of]->layers[i + 1] ? i++ : (of++, i = 0)) {
        const luron_layer_type *type = plugins[of]->layers[i];
        if (!type->elementwise) continue;
        for (int variant = 0; variant < 2; variant++) {
            union runs_options options;
            runs_fill(&options, type->options, variant);
            check_runs(type, host, &options, LURON_F32);
            check_runs(type, host, &options, LURON_F64);
        }
        checked++;
    }
    assert_int_equal(checked, 26);
}

/* Several chunks, cut unevenly. */
static void test_activation_bits_at_any_thread_count(void **state) {
    const luron_plugin *plugin = runs_plugin("activation");
    for (int i = 0; plugin->layers[i]; i++) runs_threads(*state, plugin->layers[i]->name, NULL, 1, (const int64_t[]) { 9, 7001 }, NULL);
    plugin = runs_plugin("shrink");
    for (int i = 0; plugin->layers[i]; i++)
        if (strcmp(plugin->layers[i]->name, "Threshold")) runs_threads(*state, plugin->layers[i]->name, NULL, 1, (const int64_t[]) { 9, 7001 }, NULL);
    runs_threads(*state, "Threshold", "{\"threshold\": 0.5, \"value\": 2.0}", 1, (const int64_t[]) { 9, 7001 }, NULL);
    runs_threads(*state, "RReLU", NULL, 1, (const int64_t[]) { 9, 7001 }, NULL);
    runs_threads(*state, "PReLU", "{\"num_parameters\": 7001}", 1, (const int64_t[]) { 9, 7001 }, NULL);
}

static void test_activation_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = NULL;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 3, 4 }, NULL), *y = NULL, *ids = tensor_of(ctx, LURON_I64, 1, (const int64_t[]) { 2 }, NULL);
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Hardtanh", "{\"min_val\": 2.0}"), LURON_E_ARGUMENT, "min_val is 2, expected less than max_val, 1");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "GELU", "{\"approximate\": \"fast\"}"), LURON_E_ARGUMENT, "fast");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "ReLU", "{\"slope\": 1}"), LURON_E_ARGUMENT, "slope");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "PReLU", "{\"num_parameters\": 0}"), LURON_E_ARGUMENT, "num_parameters");
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "PReLU", "{\"num_parameters\": 3}"));
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), LURON_E_SHAPE, "input has 4 channels, num_parameters is 3");
    luron_layer_unref(layer);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "ReLU", NULL));
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &ids), LURON_E_DTYPE, "int64");
    luron_layer_unref(layer);
    static const struct { const char *type, *options, *part; } bad[] = {
        { "GLU", "{\"dim\": 0}", "input has size 3 in dimension 0: two halves expected" }, { "GLU", "{\"dim\": 2}", "dim 2 is not there: input has 2 dimensions" },
        { "Maxout", "{\"num_units\": 3}", "input has size 4 in dimension 1, which num_units = 3 does not divide" },
        { "Softmax2d", NULL, "input has 2 dimensions, expected (n, channels, h, w)" }, { "Sparsemax", "{\"dim\": -3}", "dim -3 is not there" },
        { "RReLU", "{\"lower\": 0.5}", "lower is 0.5, expected at most upper" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, bad[i].type, bad[i].options));
        assert_int_not_equal(luron_layer_apply(&y, ctx, layer, 1, &x), LURON_OK);
        assert_non_null(strstr(luron_ctx_error(ctx), bad[i].part));
        luron_layer_unref(layer);
    }
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Threshold", "{\"value\": 0.5}"), LURON_E_ARGUMENT, "threshold");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Softshrink", "{\"lambd\": -0.5}"), LURON_E_ARGUMENT, "lambd");
    for (int base = 0; base <= 1; base++) {
        luron_ctx_set_index_base(ctx, base);
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Softmax", "{\"dim\": 2}"));
        assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), LURON_E_RANGE, base ? "dim 3" : "dim 2");
        luron_layer_unref(layer);
    }
    luron_tensor_unref(x);
    luron_tensor_unref(ids);
}

static void test_activation_nan_stays(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    luron_tensor *y, *x = tensor_of(ctx, LURON_F64, 1, (const int64_t[]) { 3 }, (const double[]) { NAN, 2, -3 });
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "CReLU", "{\"dim\": 0}"));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_tensor_close(y, ((const double[]) { NAN, 2, 0, NAN, 0, 3 }), 6, 0, 0);
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_activation_nan_stays),
        test_case(test_activation_values_of_pytorch), test_case(test_activation_gradients), test_case(test_activation_composed_agrees_at_kinks),
        test_case(test_activation_runs_cut_anywhere), test_case(test_activation_bits_at_any_thread_count), test_case(test_activation_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
