#include "layer_check.h"
#include "put.h"
#include "tensor_assert.h"

#include "../data/recurrent_reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SIZES(in, h) "{\"input_size\": " #in ", \"hidden_size\": " #h
static void test_recurrent_gradients(void **state) {
    static const layer_case cases[] = {
        { "LSTM", SIZES(3, 2) "}", 1, { { INPUT_SHAPE(2, 3, 3) } }, .tol = 1e-7, .order = 2 },
        { "LSTM", SIZES(2, 2) ", \"bias\": false}", 3, { { INPUT_SHAPE(2, 3, 2) }, { INPUT_SHAPE(1, 2, 2) }, { INPUT_SHAPE(1, 2, 2) } }, .tol = 1e-7, .order = 2 },
        { "LSTM", SIZES(2, 2) ", \"num_layers\": 2, \"bidirectional\": true}", 3, { { INPUT_SHAPE(2, 3, 2) }, { INPUT_SHAPE(4, 2, 2) }, { INPUT_SHAPE(4, 2, 2) } }, .tol = 1e-7 },
        { "LSTM", SIZES(2, 3) ", \"num_layers\": 2, \"dropout\": 0.4}", 1, { { INPUT_SHAPE(3, 2, 2) } }, .tol = 1e-7, .order = 2 },
        { "LSTM", SIZES(2, 3) ", \"num_layers\": 2, \"dropout\": 1.0}", 1, { { INPUT_SHAPE(3, 2, 2) } }, .tol = 1e-7 },
        { "LSTM", SIZES(2, 2) "}", 2, { { INPUT_SHAPE(2, 2, 2), .no_grad = true }, { INPUT_SHAPE(1, 2, 2) } }, .tol = 1e-7 },
        { "LSTM", SIZES(2, 2) "}", 3, { { INPUT_SHAPE(2, 2, 2) }, { .absent = true }, { INPUT_SHAPE(1, 2, 2) } }, .tol = 1e-7 },
        { "LSTM", SIZES(1, 1) "}", 1, { { INPUT_SHAPE(1, 1, 1) } }, .tol = 1e-7, .order = 2 },
        { "LSTM", SIZES(2, 2) "}", 1, { { INPUT_SHAPE(0, 3, 2) } }, .tol = 1e-7 },
        { "LSTM", SIZES(2, 2) "}", 1, { { INPUT_SHAPE(130, 3, 2) } }, .tol = 1e-7 }, /* blocks of one step */
        { "GRU", SIZES(3, 2) "}", 2, { { INPUT_SHAPE(2, 3, 3) }, { INPUT_SHAPE(1, 2, 2) } }, .tol = 1e-7, .order = 2 },
        { "GRU", SIZES(3, 2) ", \"reset_after\": false}", 2, { { INPUT_SHAPE(2, 3, 3) }, { INPUT_SHAPE(1, 2, 2) } }, .tol = 1e-7, .order = 2 },
        { "GRU", SIZES(2, 2) ", \"reset_after\": false, \"bias\": false, \"bidirectional\": true}", 1, { { INPUT_SHAPE(2, 3, 2) } }, .tol = 1e-7, .order = 2 },
        { "GRU", SIZES(2, 2) ", \"num_layers\": 2, \"bidirectional\": true, \"dropout\": 0.3}", 1, { { INPUT_SHAPE(2, 3, 2) } }, .tol = 1e-7 },
        { "GRU", SIZES(2, 2) ", \"reset_after\": false}", 1, { { INPUT_SHAPE(0, 3, 2) } }, .tol = 1e-7 },
        { "RNN", SIZES(3, 2) ", \"num_layers\": 2}", 2, { { INPUT_SHAPE(2, 3, 3) }, { INPUT_SHAPE(2, 2, 2) } }, .tol = 1e-7, .order = 2 },
        { "RNN", SIZES(3, 2) ", \"nonlinearity\": \"relu\", \"bidirectional\": true}", 1, { { INPUT_SHAPE(2, 3, 3) } }, .tol = 1e-7, .order = 2 },
        { "LSTMCell", SIZES(3, 2) "}", 3, { { INPUT_SHAPE(4, 3) }, { INPUT_SHAPE(4, 2) }, { INPUT_SHAPE(4, 2) } }, .tol = 1e-7, .order = 2 },
        { "LSTMCell", SIZES(3, 2) ", \"bias\": false}", 1, { { INPUT_SHAPE(4, 3) } }, .tol = 1e-7, .order = 2 },
        { "GRUCell", SIZES(3, 2) "}", 2, { { INPUT_SHAPE(4, 3) }, { INPUT_SHAPE(4, 2) } }, .tol = 1e-7, .order = 2 },
        { "GRUCell", SIZES(3, 2) ", \"reset_after\": false}", 2, { { INPUT_SHAPE(4, 3) }, { INPUT_SHAPE(4, 2) } }, .tol = 1e-7, .order = 2 },
        { "RNNCell", SIZES(3, 2) "}", 2, { { INPUT_SHAPE(4, 3) }, { INPUT_SHAPE(4, 2) } }, .tol = 1e-7, .order = 2 },
        { "RNNCell", SIZES(3, 2) ", \"nonlinearity\": \"relu\"}", 1, { { INPUT_SHAPE(1, 3) } }, .tol = 1e-7, .order = 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

/* ---- PyTorch's numbers ----------------------------------------------------------------------------------------------- */
/* Compare and go on behind the numbers. */
static void check(luron_ctx *ctx, luron_tensor *got, const double **at, double tol, const char *name, const char *what) {
    char text[200];
    (void)ctx;
    snprintf(text, sizeof text, "%s: %s", name, what);
    assert_tensor_close_(got, *at, luron_tensor_numel(got), tol, tol, text, __FILE__, __LINE__);
    *at += luron_tensor_numel(got);
}
static void check_values(luron_ctx *ctx, const recurrent_case *k, uint32_t dtype) {
    const double tol = dtype == LURON_F64 ? 1e-13 : 2e-6, *ins = k->ins, *params = k->params, *outs = k->outs, *v = k->cotangents;
    const double *grad_ins = k->grad_ins, *grad_params = k->grad_params;
    luron_layer *layer;
    luron_tensor *in[3], *out[3], *cotangent[3], *x[3 + 16], *g[3 + 16];
    int n_x = 0, n_in = 0;
    char name[160];
    snprintf(name, sizeof name, "%s %s", k->type, k->options);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, k->type, k->options));
    for (int i = 0; i < k->n_in; i++) {
        in[i] = tensor_of(ctx, dtype, k->ndim, k->shape[i], ins);
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[i], 1));
        ins += luron_tensor_numel(in[i]), x[n_x++] = in[i], n_in++;
    }
    for (int p = 0; p < luron_layer_n_params(layer); p++) {
        x[n_x] = luron_layer_param(layer, p);
        put(ctx, x[n_x], params);
        params += luron_tensor_numel(x[n_x++]);
    }
    assert_ok(ctx, luron_layer_apply(out, ctx, layer, k->n_in, in));
    for (int i = 0; i < k->n_out; i++) {
        check(ctx, out[i], &outs, tol, name, "output");
        cotangent[i] = tensor_of(ctx, dtype, luron_tensor_ndim(out[i]), luron_tensor_shape(out[i]), v);
        v += luron_tensor_numel(out[i]);
    }
    assert_ok(ctx, luron_grad(g, ctx, k->n_out, out, cotangent, n_x, x, 0));
    for (int i = 0; i < n_x; i++) {
        check(ctx, g[i], i < n_in ? &grad_ins : &grad_params, 4 * tol, name, i < n_in ? "gradient of an input" : luron_layer_param_name(layer, i - n_in));
        luron_tensor_unref(g[i]);
    }
    for (int i = 0; i < k->n_out; i++) luron_tensor_unref(out[i]), luron_tensor_unref(cotangent[i]);
    for (int i = 0; i < k->n_in; i++) luron_tensor_unref(in[i]);
    luron_layer_unref(layer);
}
static void test_recurrent_values_of_pytorch(void **state) {
    for (size_t i = 0; i < sizeof recurrent_cases / sizeof *recurrent_cases; i++) {
        check_values(*state, &recurrent_cases[i], LURON_F64);
        check_values(*state, &recurrent_cases[i], LURON_F32);
    }
}

/* ---- sizes that are cut into pieces ----------------------------------------------------------------------------------- */
typedef struct results { int n; luron_tensor *t[24]; } results;
static results run(luron_ctx *ctx, luron_layer *layer, luron_tensor *x, uint32_t flags) {
    results r = { luron_layer_n_outs(layer), { NULL } };
    luron_tensor *xs[24] = { x }, *v[3], *g[24];
    const int n = 1 + luron_layer_n_params(layer);
    luron_ctx_seed(ctx, 5);
    assert_ok(ctx, luron_layer_apply(r.t, ctx, layer, 1, &x));
    for (int i = 0; i < r.n; i++) {
        assert_ok(ctx, luron_tensor_new(&v[i], ctx, luron_tensor_dtype(x), luron_tensor_ndim(r.t[i]), luron_tensor_shape(r.t[i])));
        assert_ok(ctx, luron_tensor_uniform(ctx, v[i], -1, 1));
    }
    for (int i = 1; i < n; i++) xs[i] = luron_layer_param(layer, i - 1);
    assert_ok(ctx, luron_grad(g, ctx, r.n, r.t, v, n, xs, flags));
    for (int i = 0; i < r.n; i++) luron_tensor_unref(v[i]);
    for (int i = 0; i < n; i++) r.t[r.n++] = g[i];
    return r;
}
static void drop(results r) {
    for (int i = 0; i < r.n; i++) luron_tensor_unref(r.t[i]);
}
static const char *const long_cases[][2] = {
    { "LSTM", SIZES(7, 40) ", \"num_layers\": 2, \"bidirectional\": true, \"dropout\": 0.3}" },
    { "GRU", SIZES(7, 40) ", \"bidirectional\": true}" }, { "GRU", SIZES(7, 40) ", \"reset_after\": false}" }, { "RNN", SIZES(7, 40) ", \"num_layers\": 3}" } };

static void test_recurrent_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = { 1, 2, 3, 8 };
    for (size_t k = 0; k < sizeof long_cases / sizeof *long_cases; k++) {
        luron_layer *layer;
        luron_tensor *x;
        results first = { 0 };
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, long_cases[k][0], long_cases[k][1]));
        assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(300, 5, 7)));
        assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
            results r = run(ctx, layer, x, 0);
            for (int i = 0; t && i < r.n; i++) assert_tensor_same_(r.t[i], first.t[i], long_cases[k][0], __FILE__, __LINE__);
            if (t) drop(r);
            else first = r;
        }
        drop(first);
        luron_tensor_unref(x);
        luron_layer_unref(layer);
    }
}

/* More steps than are taken in one block of the weights' gradients, and than compose joins at once. */
static void test_recurrent_long_sequences_as_composed(void **state) {
    luron_ctx *ctx = *state;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_ctx_set_higher(ctx, 1);
    for (size_t k = 0; k < sizeof long_cases / sizeof *long_cases; k++) {
        luron_layer *layer;
        luron_tensor *x;
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, long_cases[k][0], long_cases[k][1]));
        assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F64, LURON_SHAPE(3, 187, 7)));
        assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        results fused = run(ctx, layer, x, 0), composed = run(ctx, layer, x, LURON_CREATE_GRAPH);
        for (int i = 0; i < fused.n; i++)
            assert_tensor_close_(composed.t[i], luron_tensor_data(fused.t[i]), luron_tensor_numel(fused.t[i]), 1e-9, 1e-11, long_cases[k][0], __FILE__, __LINE__);
        drop(fused);
        drop(composed);
        luron_tensor_unref(x);
        luron_layer_unref(layer);
    }
}

/* A sequence is its cell in a loop, to the bit. */
static void test_recurrent_cells_are_steps(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = { "LSTM", "GRU", "RNN" };
    enum { N = 3, T = 5, IN = 4, H = 6 };
    for (int k = 0; k < 3; k++) {
        char name[16];
        luron_layer *layer, *cell;
        luron_tensor *x, *out[3], *state_of[2] = { NULL, NULL };
        snprintf(name, sizeof name, "%sCell", types[k]);
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, types[k], SIZES(4, 6) "}"));
        assert_ok(ctx, luron_layer_from_json(&cell, ctx, name, SIZES(4, 6) "}"));
        luron_ctx_set_recording(ctx, 0);
        for (int p = 0; p < 4; p++) assert_ok(ctx, luron_tensor_copy(ctx, luron_layer_param(cell, p), luron_layer_param(layer, p)));
        assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(N, T, IN)));
        assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
        assert_ok(ctx, luron_layer_apply(out, ctx, layer, 1, &x));
        for (int t = 0; t < T; t++) {
            luron_tensor *step, *next[2] = { NULL, NULL }, *in[3];
            assert_ok(ctx, luron_select(&step, ctx, x, 1, t));
            in[0] = step, in[1] = state_of[0], in[2] = state_of[1];
            assert_ok(ctx, luron_layer_apply(next, ctx, cell, t == 0 ? 1 : k == 0 ? 3 : 2, in));
            luron_tensor_unref(step);
            for (int i = 0; i < 2; i++) luron_tensor_unref(state_of[i]), state_of[i] = next[i];
        }
        for (int i = 0; i < (k == 0 ? 2 : 1); i++) {
            luron_tensor *last;
            assert_ok(ctx, luron_select(&last, ctx, out[1 + i], 0, 0));
            assert_tensor_same(last, state_of[i]);
            luron_tensor_unref(last);
            luron_tensor_unref(state_of[i]);
        }
        luron_ctx_set_recording(ctx, 1);
        for (int i = 0; i < luron_layer_n_outs(layer); i++) luron_tensor_unref(out[i]);
        luron_tensor_unref(x);
        luron_layer_unref(layer);
        luron_layer_unref(cell);
    }
}

/* ---- parameters, dropout, errors -------------------------------------------------------------------------------------- */
static void test_recurrent_parameters(void **state) {
    luron_ctx *ctx = *state;
    static const char *const names[] = { "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse", "weight_hh_l0_reverse",
        "bias_ih_l0_reverse", "bias_hh_l0_reverse", "weight_ih_l1", "weight_hh_l1", "bias_ih_l1", "bias_hh_l1", "weight_ih_l1_reverse" };
    luron_layer *layer;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "LSTM", SIZES(30, 25) ", \"num_layers\": 2, \"bidirectional\": true, \"bias_init\": \"zeros\"}"));
    assert_int_equal(luron_layer_n_params(layer), 16);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_string_equal(luron_layer_param_name(layer, (int)i), names[i]);
    assert_shape(luron_layer_param(layer, 0), 100, 30);
    assert_shape(luron_layer_param(layer, 1), 100, 25);
    assert_shape(luron_layer_param(layer, 2), 100);
    assert_shape(luron_layer_param(layer, 8), 100, 50);
    const float *w = luron_tensor_data(luron_layer_param(layer, 0)), *b = luron_tensor_data(luron_layer_param(layer, 2));
    double most = 0;
    for (int i = 0; i < 3000; i++) most = fabs(w[i]) > most ? fabs(w[i]) : most;
    assert_true(most <= 0.2 && most > 0.199); /* uniform within 1 / sqrt(hidden_size) */
    for (int i = 0; i < 100; i++) assert_true(b[i] == 0);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "GRUCell", SIZES(3, 5) ", \"bias\": false}"));
    assert_int_equal(luron_layer_n_params(layer), 2);
    assert_string_equal(luron_layer_param_name(layer, 1), "weight_hh");
    assert_shape(luron_layer_param(layer, 1), 15, 5);
    luron_layer_unref(layer);
}

/* Between the layers alone, and only when training. */
static void test_recurrent_dropout(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer, *one;
    luron_tensor *x, *a[2], *b[2];
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "RNN", SIZES(3, 4) ", \"num_layers\": 2, \"dropout\": 0.5}"));
    assert_ok(ctx, luron_layer_from_json(&one, ctx, "RNN", SIZES(3, 4) ", \"dropout\": 0.5}"));
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(8, 6, 3)));
    assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
    for (int k = 0; k < 3; k++) {
        luron_layer *of = k == 2 ? one : layer;
        luron_layer_set_training(of, k != 1);
        assert_ok(ctx, luron_layer_apply(a, ctx, of, 1, &x));
        assert_ok(ctx, luron_layer_apply(b, ctx, of, 1, &x));
        const size_t bytes = (size_t)luron_tensor_numel(a[0]) * sizeof(float);
        assert_int_equal(memcmp(luron_tensor_data(a[0]), luron_tensor_data(b[0]), bytes) != 0, k == 0);
        for (int i = 0; i < 2; i++) luron_tensor_unref(a[i]), luron_tensor_unref(b[i]);
    }
    luron_tensor_unref(x);
    luron_layer_unref(layer);
    luron_layer_unref(one);
}

static void refused(luron_ctx *ctx, luron_layer *layer, int n, luron_tensor **in, const char *part) {
    luron_tensor *out[3];
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, n, in), LURON_E_SHAPE, part);
}
static void test_recurrent_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer, *cell, *none = NULL;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 3, (const int64_t[]) { 2, 3, 4 }, NULL), *empty = tensor_of(ctx, LURON_F32, 3, (const int64_t[]) { 2, 0, 4 }, NULL);
    luron_tensor *wide = tensor_of(ctx, LURON_F32, 3, (const int64_t[]) { 2, 3, 5 }, NULL), *h = tensor_of(ctx, LURON_F32, 3, (const int64_t[]) { 2, 2, 6 }, NULL);
    luron_tensor *flat = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 2, 4 }, NULL), *small = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 1, 6 }, NULL);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "LSTM", SIZES(4, 6) "}"));
    assert_ok(ctx, luron_layer_from_json(&cell, ctx, "LSTMCell", SIZES(4, 6) "}"));
    refused(ctx, layer, 1, &wide, "input has 5 features, input_size is 4; given input (2, 3, 5)");
    refused(ctx, layer, 1, &empty, "input has sequences of length 0, 1 or more expected");
    refused(ctx, layer, 1, &flat, "input has 2 dimensions, 3 expected");
    refused(ctx, layer, 2, (luron_tensor *[]) { x, h }, "h_0 has shape (2, 2, 6), (1, 2, 6) expected: layers times directions, n, hidden_size");
    refused(ctx, layer, 3, (luron_tensor *[]) { x, NULL, h }, "c_0 has shape (2, 2, 6), (1, 2, 6) expected");
    refused(ctx, cell, 2, (luron_tensor *[]) { flat, small }, "h has shape (1, 6), (2, 6) expected: n, hidden_size");
    refused(ctx, cell, 3, (luron_tensor *[]) { flat, NULL, small }, "c has shape (1, 6), (2, 6) expected");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "LSTM", SIZES(4, 6) ", \"num_layers\": 5}"), LURON_E_UNSUPPORTED,
        "5 layers need 20 parameters, a layer holds at most 16: put several behind each other");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "GRU", SIZES(4, 6) ", \"num_layers\": 3, \"bidirectional\": true}"), LURON_E_UNSUPPORTED,
        "3 layers in two directions need 24 parameters");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "RNN", SIZES(4, 6) ", \"nonlinearity\": \"gelu\"}"), LURON_E_ARGUMENT, "nonlinearity");
    assert_null(none);
    luron_tensor *all[] = { x, empty, wide, h, flat, small };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
    luron_layer_unref(cell);
}

int main(void) {
    const struct CMUnitTest tests[] = { test_case(test_recurrent_gradients), test_case(test_recurrent_values_of_pytorch),
        test_case(test_recurrent_bits_at_any_thread_count), test_case(test_recurrent_long_sequences_as_composed), test_case(test_recurrent_cells_are_steps),
        test_case(test_recurrent_parameters), test_case(test_recurrent_dropout), test_case(test_recurrent_messages) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
