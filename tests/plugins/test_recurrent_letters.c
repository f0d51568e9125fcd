#include "layer_check.h"
#include "tensor_assert.h"

#include <string.h>

/* Inputs whose rows are zeros, but for a one in most: they choose rows of weight_ih in place of a product. */
enum { N = 2, T = 3, IN = 3 };
static const double letters[N * T * IN] = { 0, 1, 0, 0, 0, 1, 0, 1, 0, /**/ 1, 0, 0, 0, 0, 0, 0, 0, 1 };
static const double almost[N * T * IN] = { 0, 1, 0, 0, 0, 1, 0, 1, 0, /**/ 1, 0, 0, 0, 0, 0, 0, 1, 1 };
static const double others[N * T * IN] = { 0, 1, 0, 0, 0, 1, 0, 1, 0, /**/ 1, 0, 0, 0, 0, 0, 0, 0, 2 };

#define SIZES "{\"input_size\": 3, \"hidden_size\": 2"
#define LETTERS(of) { INPUT_SHAPE(N, T, IN), .values = of, .no_grad = true }
static void test_recurrent_letters_gradients(void **state) {
    static const layer_case cases[] = {
        { "LSTM", SIZES "}", 1, { LETTERS(letters) }, .tol = 1e-7, .order = 2 },
        { "LSTM", SIZES "}", 1, { LETTERS(almost) }, .tol = 1e-7 },
        { "LSTM", SIZES "}", 1, { LETTERS(others) }, .tol = 1e-7 },
        { "LSTM", SIZES "}", 1, { { INPUT_SHAPE(N, T, IN), .values = letters } }, .tol = 1e-7 }, /* beside a step of the numbers there is a product */
        { "LSTM", SIZES ", \"bias\": false, \"num_layers\": 2, \"bidirectional\": true}", 1, { LETTERS(letters) }, .tol = 1e-7 },
        { "GRU", SIZES "}", 1, { LETTERS(letters) }, .tol = 1e-7, .order = 2 },
        { "GRU", SIZES ", \"reset_after\": false, \"bidirectional\": true}", 2, { LETTERS(letters), { INPUT_SHAPE(2, 2, 2) } }, .tol = 1e-7 },
        { "RNN", SIZES ", \"num_layers\": 2, \"dropout\": 0.4}", 1, { LETTERS(letters) }, .tol = 1e-7 },
        { "LSTMCell", SIZES "}", 1, { { INPUT_SHAPE(N * T, IN), .values = letters, .no_grad = true } }, .tol = 1e-7, .order = 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

/* The bits of sequences of letters are those that they have beside one of other numbers, where all is multiplied. */
static void test_recurrent_letters_bits_of_the_product(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[][2] = { { "LSTM", SIZES ", \"num_layers\": 2}" }, { "GRU", SIZES ", \"bidirectional\": true}" },
        { "GRU", SIZES ", \"reset_after\": false}" }, { "RNN", SIZES "}" } };
    static double beside[(N + 1) * T * IN];
    memcpy(beside, letters, sizeof letters);
    for (int i = 0; i < T * IN; i++) beside[N * T * IN + i] = 0.3 * i - 1;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        luron_layer *layer;
        luron_tensor *x[2] = { tensor_of(ctx, LURON_F32, 3, (const int64_t[]) { N, T, IN }, letters),
            tensor_of(ctx, LURON_F32, 3, (const int64_t[]) { N + 1, T, IN }, beside) }, *out[2][3];
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, types[k][0], types[k][1]));
        luron_layer_set_training(layer, 0);
        for (int i = 0; i < 2; i++) assert_ok(ctx, luron_layer_apply(out[i], ctx, layer, 1, &x[i]));
        const size_t bytes = (size_t)luron_tensor_numel(out[0][0]) * sizeof(float);
        assert_memory_equal(luron_tensor_data(out[0][0]), luron_tensor_data(out[1][0]), bytes);
        for (int i = 0; i < 2; i++) {
            for (int o = 0; o < luron_layer_n_outs(layer); o++) luron_tensor_unref(out[i][o]);
            luron_tensor_unref(x[i]);
        }
        luron_layer_unref(layer);
    }
}

/* Gradients of the parameters: with the same bits at any number of threads, and those of the composed layer. */
static void gradients(luron_ctx *ctx, luron_layer *layer, luron_tensor *x, uint32_t flags, luron_tensor **g) {
    luron_tensor *out[3] = { NULL }, *params[4], *one = tensor_of(ctx, luron_tensor_dtype(x), 0, NULL, (const double[]) { 1 }), *sum;
    for (int i = 0; i < 4; i++) params[i] = luron_layer_param(layer, i);
    assert_ok(ctx, luron_layer_apply(out, ctx, layer, 1, &x));
    assert_ok(ctx, luron_sum(&sum, ctx, out[0], 0, NULL, 0));
    assert_ok(ctx, luron_grad(g, ctx, 1, &sum, &one, 4, params, flags));
    for (int i = 0; i < 3; i++) luron_tensor_unref(out[i]);
    luron_tensor_unref(sum);
    luron_tensor_unref(one);
}
static void test_recurrent_letters_threads(void **state) {
    luron_ctx *ctx = *state;
    enum { SEQUENCES = 300, STEPS = 5, LETTERS_OF = 7 };
    static const int threads[] = { 1, 2, 3, 8 };
    static double text[SEQUENCES * STEPS * LETTERS_OF];
    for (int i = 0; i < SEQUENCES * STEPS; i++)
        if (i % 11) text[i * LETTERS_OF + i * i % LETTERS_OF] = 1; /* some rows are zeros */
    luron_layer *layer;
    luron_tensor *x, *first[4], *g[4];
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_ctx_set_higher(ctx, 1);
    x = tensor_of(ctx, LURON_F64, 3, (const int64_t[]) { SEQUENCES, STEPS, LETTERS_OF }, text);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "LSTM", "{\"input_size\": 7, \"hidden_size\": 40}"));
    gradients(ctx, layer, x, LURON_CREATE_GRAPH, first);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
        gradients(ctx, layer, x, 0, g);
        for (int i = 0; i < 4; i++) {
            if (t) assert_tensor_same(g[i], first[i]);
            else assert_tensor_close_(first[i], luron_tensor_data(g[i]), luron_tensor_numel(g[i]), 1e-9, 1e-11, "LSTM", __FILE__, __LINE__);
            luron_tensor_unref(first[i]);
            first[i] = g[i];
        }
    }
    for (int i = 0; i < 4; i++) luron_tensor_unref(first[i]);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = { test_case(test_recurrent_letters_gradients), test_case(test_recurrent_letters_bits_of_the_product),
        test_case(test_recurrent_letters_threads) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
