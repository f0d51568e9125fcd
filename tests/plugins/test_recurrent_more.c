/* The plugin `recurrent`: sequences of unequal length, masks, hard gates, ConvLSTM. */
#include "layer_check.h"
#include "layer_values.h"

#include <math.h>
#include <string.h>

#include "../data/recurrent_more_reference.h"

#define SIZES(in, h) "{\"input_size\": " #in ", \"hidden_size\": " #h
#define CONV(in, out, kernel) "{\"in_channels\": " #in ", \"out_channels\": " #out ", \"kernel_size\": " kernel
static void test_recurrent_more_gradients(void **state) {
    static const layer_case cases[] = {
        {"LSTM", SIZES(3, 2) ", \"recurrent_activation\": \"hard_sigmoid\"}", 1, {{INPUT_SHAPE(2, 3, 3)}}, .order = 2},
        {"GRU", SIZES(3, 2) ", \"recurrent_activation\": \"hard_sigmoid\"}", 1, {{INPUT_SHAPE(2, 3, 3)}}, .order = 2},
        {"GRUCell",
         SIZES(3, 2) ", \"recurrent_activation\": \"hard_sigmoid\", \"reset_after\": false}",
         2,
         {{INPUT_SHAPE(2, 3)}, {INPUT_SHAPE(2, 2)}},
         .order = 2},
        {"ConvLSTM1d", CONV(2, 2, "3") ", \"padding\": \"same\"}", 1, {{INPUT_SHAPE(2, 3, 2, 3)}}, .order = 2},
        {"ConvLSTM2d",
         CONV(1, 2, "[2, 2]") ", \"bias\": false, \"dilation\": 2}",
         3,
         {{INPUT_SHAPE(1, 2, 1, 3, 4)}, {INPUT_SHAPE(1, 2, 1, 2)}, {.absent = true}},
         .order = 2},
        {"ConvLSTM2d", CONV(1, 1, "2") "}", 1, {{INPUT_SHAPE(0, 2, 1, 3, 3)}}, .order = 1},
        {"ConvLSTM3d",
         CONV(1, 1, "2") ", \"stride\": 2, \"recurrent_activation\": \"hard_sigmoid\"}",
         1,
         {{INPUT_SHAPE(1, 2, 1, 2, 3, 4)}},
         .order = 2},
        {"ConvLSTM1dCell",
         CONV(2, 1, "2") "}",
         3,
         {{INPUT_SHAPE(2, 2, 3)}, {INPUT_SHAPE(2, 1, 2)}, {INPUT_SHAPE(2, 1, 2)}},
         .order = 2},
        {"ConvLSTM2dCell", CONV(2, 1, "2") "}", 1, {{INPUT_SHAPE(2, 2, 3, 2)}}, .order = 2},
        {"ConvLSTM3dCell", CONV(1, 1, "1") "}", 1, {{INPUT_SHAPE(1, 1, 1, 2, 1)}}, .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}
static void test_recurrent_more_values_of_pytorch_and_keras(void **state) {
    for (size_t i = 0; i < sizeof recurrent_more_cases / sizeof *recurrent_more_cases; i++) {
        layer_values_all(*state, &recurrent_more_cases[i], LURON_F64, 1e-13);
        layer_values_all(*state, &recurrent_more_cases[i], LURON_F32, 2e-6);
    }
}

/* ---- held places --------------------------------------------------------------------------------------------------
 */
enum { N = 5, T = 70, IN = 3, H = 4 };
typedef struct results {
    int n;
    luron_tensor *t[24];
} results;
static results run(luron_ctx *ctx, luron_layer *layer, luron_tensor *const *in, uint32_t flags) {
    const int has_c = luron_layer_n_outs(layer) == 3, n = 2 + has_c + luron_layer_n_params(layer);
    results r = {luron_layer_n_outs(layer), {NULL}};
    luron_tensor *xs[24], *v[3], *g[24];
    luron_ctx_seed(ctx, 5);
    assert_ok(ctx, luron_layer_apply(r.t, ctx, layer, 4 + has_c, in));
    for (int i = 0; i < r.n; i++) {
        assert_ok(ctx, luron_tensor_new(&v[i], ctx, luron_tensor_dtype(in[0]), luron_tensor_ndim(r.t[i]),
                                        luron_tensor_shape(r.t[i])));
        assert_ok(ctx, luron_tensor_uniform(ctx, v[i], -1, 1));
    }
    for (int i = 0; i < n; i++)
        xs[i] = i < 2 + has_c ? in[i] : luron_layer_param(layer, i - 2 - has_c);
    assert_ok(ctx, luron_grad(g, ctx, r.n, r.t, v, n, xs, flags));
    for (int i = 0; i < r.n; i++)
        luron_tensor_unref(v[i]);
    for (int i = 0; i < n; i++)
        r.t[r.n++] = g[i];
    return r;
}
static void drop(results r) {
    for (int i = 0; i < r.n; i++)
        luron_tensor_unref(r.t[i]);
}
/* compose gives the same as forward and backward, and so do several threads, in blocks of one step and of many. What stands
 * at held places, here NaN, goes into nothing. */
static void test_recurrent_more_held_as_composed(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = {"LSTM", "GRU", "RNN"};
    static const int threads[] = {1, 2, 3, 8};
    uint8_t seen[N * T];
    const int64_t lengths[N] = {T, 0, 3, 69, 40};
    for (int i = 0; i < N * T; i++)
        seen[i] = i % 3 != 1;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_ctx_set_higher(ctx, 1);
    for (int k = 0; k < 3; k++) {
        const int has_c = k == 0;
        luron_layer *layer;
        luron_tensor *in[5];
        assert_ok(ctx,
                  luron_layer_from_json(&layer, ctx, types[k],
                                        SIZES(3, 4) ", \"num_layers\": 2, \"bidirectional\": true, \"dropout\": 0.2}"));
        assert_ok(ctx, luron_tensor_new(&in[0], ctx, LURON_F64, LURON_SHAPE(N, T, IN)));
        for (int i = 1; i < 2 + has_c; i++)
            assert_ok(ctx, luron_tensor_new(&in[i], ctx, LURON_F64, LURON_SHAPE(4, N, H)));
        for (int i = 0; i < 2 + has_c; i++) {
            assert_ok(ctx, luron_tensor_normal(ctx, in[i], 0, 1));
            assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[i], 1));
        }
        for (int i = 0; i < N * T * IN; i++)
            if (!seen[i / IN] || i / IN % T >= lengths[i / IN / T]) ((double *)luron_tensor_data(in[0]))[i] = NAN;
        assert_ok(ctx, luron_tensor_from(&in[2 + has_c], ctx, LURON_I64, LURON_SHAPE(N), lengths));
        assert_ok(ctx, luron_tensor_from(&in[3 + has_c], ctx, LURON_B8, LURON_SHAPE(N, T), seen));
        results first = run(ctx, layer, in, 0), composed = run(ctx, layer, in, LURON_CREATE_GRAPH);
        for (int i = 0; i < first.n; i++)
            assert_tensor_close_(composed.t[i], luron_tensor_data(first.t[i]), luron_tensor_numel(first.t[i]), 1e-9,
                                 1e-11, types[k], __FILE__, __LINE__);
        for (int i = 0; i < first.n; i++)
            for (int64_t e = 0; e < luron_tensor_numel(first.t[i]); e++)
                assert_true(isfinite(((const double *)luron_tensor_data(first.t[i]))[e]));
        drop(composed);
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
            results r = run(ctx, layer, in, 0);
            for (int i = 0; i < r.n; i++)
                assert_tensor_same_(r.t[i], first.t[i], types[k], __FILE__, __LINE__);
            drop(r);
        }
        drop(first);
        for (int i = 0; i < 4 + has_c; i++)
            luron_tensor_unref(in[i]);
        luron_layer_unref(layer);
    }
    luron_ctx_set_higher(ctx, 0);
}

/* ---- messages -----------------------------------------------------------------------------------------------------
 */
static void refused(luron_ctx *ctx, const char *type, const char *options, int n, luron_tensor **in,
                    luron_status status, const char *part) {
    luron_layer *layer;
    luron_tensor *out[3];
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, n, in), status, part);
    luron_layer_unref(layer);
}
static void test_recurrent_more_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){2, 3, 4}, NULL),
                 *image = tensor_of(ctx, LURON_F32, 5, (const int64_t[]){1, 2, 3, 4, 5}, NULL);
    luron_tensor *none = tensor_of(ctx, LURON_F32, 5, (const int64_t[]){1, 0, 3, 4, 5}, NULL),
                 *h = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){1, 2, 4, 5}, NULL);
    luron_tensor *longer = tensor_of(ctx, LURON_I64, 1, (const int64_t[]){2}, (const double[]){3, 4}),
                 *below = tensor_of(ctx, LURON_I64, 1, (const int64_t[]){2}, (const double[]){-1, 2});
    luron_tensor *more = tensor_of(ctx, LURON_I64, 1, (const int64_t[]){3}, (const double[]){1, 1, 1}),
                 *mask = tensor_of(ctx, LURON_B8, 2, (const int64_t[]){3, 2}, NULL);
    refused(ctx, "GRU", SIZES(4, 2) "}", 3, (luron_tensor *[]){x, NULL, longer}, LURON_E_RANGE,
            "length 4 of sequence 1: 0 to 3 expected");
    refused(ctx, "LSTM", SIZES(4, 2) "}", 4, (luron_tensor *[]){x, NULL, NULL, below}, LURON_E_RANGE,
            "length -1 of sequence 0: 0 to 3 expected");
    refused(ctx, "RNN", SIZES(4, 2) "}", 3, (luron_tensor *[]){x, NULL, more}, LURON_E_SHAPE,
            "lengths has 3 numbers, 2 expected: n");
    refused(ctx, "RNN", SIZES(4, 2) "}", 4, (luron_tensor *[]){x, NULL, NULL, mask}, LURON_E_SHAPE,
            "mask has shape (3, 2), (2, 3) expected: n, t");
    refused(ctx, "RNN", SIZES(4, 2) "}", 4, (luron_tensor *[]){x, NULL, NULL, more}, LURON_E_DTYPE,
            "mask is int64, bool is expected");
    refused(ctx, "ConvLSTM2d", CONV(2, 2, "3") "}", 1, (luron_tensor *[]){image}, LURON_E_SHAPE,
            "input has 3 channels, in_channels is 2");
    refused(ctx, "ConvLSTM2d", CONV(3, 2, "5") "}", 1, (luron_tensor *[]){image}, LURON_E_SHAPE,
            "input has size 4 in dimension 3, and the kernel reaches over 5");
    refused(ctx, "ConvLSTM2d", CONV(3, 2, "2") "}", 1, (luron_tensor *[]){none}, LURON_E_SHAPE,
            "input has sequences of length 0");
    refused(ctx, "ConvLSTM2d", CONV(3, 2, "2") "}", 2, (luron_tensor *[]){image, h}, LURON_E_SHAPE,
            "h_0: n, out_channels and the sizes of the output expected");
    luron_tensor *all[] = {x, image, none, h, longer, below, more, mask};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_recurrent_more_gradients), test_case(test_recurrent_more_values_of_pytorch_and_keras),
        test_case(test_recurrent_more_held_as_composed), test_case(test_recurrent_more_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
