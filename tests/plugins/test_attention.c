/* The plugin `attention`: gradients, PyTorch's and Keras's numbers, bits, generation step by step, messages. */
#include "layer_check.h"
#include "layer_values.h"

#include <string.h>

#include "../data/attention_reference.h"

#define MHA(embed, heads) "{\"embed_dim\": " #embed ", \"num_heads\": " #heads
static void test_attention_gradients(void **state) {
    static const double seen[] = {1, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1, 0};
    static const layer_case cases[] = {
        {"ScaledDotProductAttention",
         NULL,
         3,
         {{INPUT_SHAPE(2, 3, 2)}, {INPUT_SHAPE(2, 4, 2)}, {INPUT_SHAPE(2, 4, 3)}},
         .order = 2},
        {"ScaledDotProductAttention",
         "{\"is_causal\": true}",
         3,
         {{INPUT_SHAPE(2, 2, 4, 2)}, {INPUT_SHAPE(2, 2, 4, 2)}, {INPUT_SHAPE(2, 2, 4, 1)}},
         .order = 2},
        {"ScaledDotProductAttention",
         "{\"enable_gqa\": true, \"scale\": 0.7}",
         3,
         {{INPUT_SHAPE(1, 4, 3, 2)}, {INPUT_SHAPE(1, 2, 2, 2)}, {INPUT_SHAPE(1, 2, 2, 2)}},
         .order = 2},
        {"ScaledDotProductAttention",
         NULL,
         4,
         {{INPUT_SHAPE(2, 3, 2)}, {INPUT_SHAPE(2, 4, 2)}, {INPUT_SHAPE(2, 4, 3)}, {INPUT_SHAPE(2, 1, 4)}},
         .order = 2},
        {"ScaledDotProductAttention",
         NULL,
         4,
         {{INPUT_SHAPE(3, 2)},
          {INPUT_SHAPE(4, 2)},
          {INPUT_SHAPE(4, 3)},
          {INPUT_SHAPE(3, 4), .no_grad = true, .values = seen}},
         .order = 2},
        {"ScaledDotProductAttention",
         "{\"dropout_p\": 0.4}",
         3,
         {{INPUT_SHAPE(2, 3, 2)}, {INPUT_SHAPE(2, 4, 2)}, {INPUT_SHAPE(2, 4, 3)}},
         .order = 2},
        {"ScaledDotProductAttention",
         "{\"dropout_p\": 1}",
         3,
         {{INPUT_SHAPE(2, 2)}, {INPUT_SHAPE(4, 2)}, {INPUT_SHAPE(4, 3)}},
         .order = 1},
        {"ScaledDotProductAttention",
         NULL,
         3,
         {{INPUT_SHAPE(0, 3, 2)}, {INPUT_SHAPE(0, 4, 2)}, {INPUT_SHAPE(0, 4, 3)}},
         .order = 1},
        {"ScaledDotProductAttention",
         NULL,
         3,
         {{INPUT_SHAPE(1, 1)}, {INPUT_SHAPE(1, 1)}, {INPUT_SHAPE(1, 1)}},
         .order = 1},
        {"ScaledDotProductAttention",
         NULL,
         3,
         {{INPUT_SHAPE(2, 3, 2)}, {INPUT_SHAPE(2, 4, 2), .no_grad = true}, {INPUT_SHAPE(2, 4, 3), .no_grad = true}},
         .order = 1},
        {"MultiheadAttention", MHA(4, 2) "}", 1, {{INPUT_SHAPE(2, 3, 4)}}, .order = 2},
        {"MultiheadAttention",
         MHA(4, 2) ", \"is_causal\": true, \"bias\": false, \"need_weights\": false}",
         1,
         {{INPUT_SHAPE(2, 3, 4)}},
         .order = 2},
        {"MultiheadAttention",
         MHA(4, 1) ", \"kdim\": 2, \"vdim\": 3, \"average_attn_weights\": false}",
         3,
         {{INPUT_SHAPE(2, 2, 4)}, {INPUT_SHAPE(2, 3, 2)}, {INPUT_SHAPE(2, 3, 3)}},
         .order = 2},
        {"MultiheadAttention",
         MHA(4, 4) ", \"num_kv_heads\": 2, \"dropout\": 0.3, \"is_causal\": true}",
         7,
         {{INPUT_SHAPE(2, 2, 4)},
          {.absent = true},
          {.absent = true},
          {.absent = true},
          {.absent = true},
          {INPUT_SHAPE(2, 3, 2, 1)},
          {INPUT_SHAPE(2, 3, 2, 1)}},
         .order = 2},
        {"MultiheadAttention",
         MHA(4, 2) "}",
         5,
         {{INPUT_SHAPE(2, 2, 4)},
          {INPUT_SHAPE(2, 3, 4)},
          {.absent = true},
          {INPUT_SHAPE(2, 3)},
          {INPUT_SHAPE(4, 2, 3)}},
         .order = 1},
        {"MultiheadAttention", MHA(4, 2) "}", 1, {{INPUT_SHAPE(0, 3, 4)}}, .order = 1},
        {"MultiheadAttention",
         MHA(4, 2) "}",
         7,
         {{INPUT_SHAPE(0, 2, 4)},
          {.absent = true},
          {.absent = true},
          {.absent = true},
          {.absent = true},
          {INPUT_SHAPE(0, 3, 2, 2)},
          {INPUT_SHAPE(0, 3, 2, 2)}},
         .order = 1},
        {"MultiheadAttention",
         MHA(8, 2) ", \"num_kv_heads\": 1, \"rotary\": true, \"rope_base\": 50, \"is_causal\": true}",
         7,
         {{INPUT_SHAPE(2, 2, 8)},
          {.absent = true},
          {.absent = true},
          {.absent = true},
          {.absent = true},
          {INPUT_SHAPE(2, 3, 1, 4)},
          {INPUT_SHAPE(2, 3, 1, 4)}},
         .order = 2},
        {"MultiheadAttention",
         MHA(4, 2) ", \"add_bias_kv\": true, \"add_zero_attn\": true, \"average_attn_weights\": false}",
         5,
         {{INPUT_SHAPE(2, 2, 4)},
          {INPUT_SHAPE(2, 3, 4)},
          {.absent = true},
          {INPUT_SHAPE(2, 3)},
          {INPUT_SHAPE(2, 1)}},
         .order = 2},
        {"MultiheadAttention",
         MHA(4, 2) ", \"num_kv_heads\": 1, \"add_bias_kv\": true, \"is_causal\": true, \"dropout\": 0.2, \"rotary\": true}",
         7,
         {{INPUT_SHAPE(2, 2, 4)},
          {.absent = true},
          {.absent = true},
          {.absent = true},
          {.absent = true},
          {INPUT_SHAPE(2, 3, 1, 2)},
          {INPUT_SHAPE(2, 3, 1, 2)}},
         .order = 2},
        {"MultiheadAttention",
         MHA(4, 2) ", \"add_bias_kv\": true, \"add_zero_attn\": true}",
         1,
         {{INPUT_SHAPE(0, 3, 4)}},
         .order = 1},
        {"AdditiveAttention", "{\"embed_dim\": 2}", 2, {{INPUT_SHAPE(2, 3, 2)}, {INPUT_SHAPE(2, 4, 2)}}, .order = 2},
        {"AdditiveAttention",
         "{\"embed_dim\": 2, \"use_scale\": false, \"dropout\": 0.3}",
         3,
         {{INPUT_SHAPE(2, 3, 2)}, {INPUT_SHAPE(2, 4, 3)}, {INPUT_SHAPE(2, 4, 2)}},
         .order = 2},
        {"SinusoidalPositionalEncoding", NULL, 1, {{INPUT_SHAPE(2, 3, 5)}}, .order = 2},
        {"SinusoidalPositionalEncoding",
         NULL,
         2,
         {{INPUT_SHAPE(2, 3, 4)}, {INPUT_SHAPE(3), .ids = true, .n_ids = 9}},
         .order = 1},
        {"RotaryEmbedding", NULL, 1, {{INPUT_SHAPE(2, 3, 4)}}, .order = 2},
        {"RotaryEmbedding",
         "{\"interleaved\": true, \"dim\": 2, \"seq_dim\": 1}",
         2,
         {{INPUT_SHAPE(2, 3, 2, 4)}, {INPUT_SHAPE(2, 3), .ids = true, .n_ids = 9}},
         .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* ---- PyTorch's and Keras's numbers --------------------------------------------------------------------------------
 */
static void test_attention_values_of_pytorch_and_keras(void **state) {
    for (size_t i = 0; i < sizeof attention_cases / sizeof *attention_cases; i++) {
        layer_values_all(*state, &attention_cases[i], LURON_F64, 1e-12);
        layer_values_all(*state, &attention_cases[i], LURON_F32, 4e-6);
    }
}

/* ---- sizes that are cut into pieces -------------------------------------------------------------------------------
 */
typedef struct results {
    int n;
    luron_tensor *t[24];
} results;
static results run(luron_ctx *ctx, luron_layer *layer, luron_tensor *x, uint32_t flags) {
    results r = {luron_layer_n_outs(layer), {NULL}};
    luron_tensor *xs[24] = {x}, *v[4], *g[24];
    const int n = 1 + luron_layer_n_params(layer);
    luron_ctx_seed(ctx, 5);
    assert_ok(ctx, luron_layer_apply(r.t, ctx, layer, 1, &x));
    for (int i = 0; i < r.n; i++) {
        assert_ok(ctx, luron_tensor_new(&v[i], ctx, luron_tensor_dtype(x), luron_tensor_ndim(r.t[i]),
                                        luron_tensor_shape(r.t[i])));
        assert_ok(ctx, luron_tensor_uniform(ctx, v[i], -1, 1));
    }
    for (int i = 1; i < n; i++)
        xs[i] = luron_layer_param(layer, i - 1);
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
static const char *const long_cases[] = {MHA(12, 3) ", \"is_causal\": true, \"dropout\": 0.2}",
                                         MHA(12, 4) ", \"num_kv_heads\": 2}",
                                         MHA(12, 3) ", \"is_causal\": true, \"add_bias_kv\": true}"};

/* More queries than a block has, and the same bits however many threads there are. */
static void test_attention_long_sequences(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    for (size_t k = 0; k < sizeof long_cases / sizeof *long_cases; k++) {
        for (int wide = 0; wide < 2; wide++) {
            const uint32_t dtype = wide ? LURON_F64 : LURON_F32;
            luron_layer *layer;
            luron_tensor *x;
            results first = {0};
            assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
            assert_ok(ctx, luron_layer_from_json(&layer, ctx, "MultiheadAttention", long_cases[k]));
            assert_ok(ctx, luron_tensor_new(&x, ctx, dtype, LURON_SHAPE(2, 301, 12)));
            assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
            assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
            luron_ctx_set_higher(ctx, 1);
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
                assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
                results r = run(ctx, layer, x, 0);
                for (int i = 0; t && i < r.n; i++)
                    assert_tensor_same_(r.t[i], first.t[i], long_cases[k], __FILE__, __LINE__);
                if (t)
                    drop(r);
                else
                    first = r;
            }
            if (wide) { /* and compose gives the same */
                results composed = run(ctx, layer, x, LURON_CREATE_GRAPH);
                for (int i = 0; i < first.n; i++)
                    assert_tensor_close_(composed.t[i], luron_tensor_data(first.t[i]), luron_tensor_numel(first.t[i]),
                                         1e-9, 1e-11, long_cases[k], __FILE__, __LINE__);
                drop(composed);
            }
            luron_ctx_set_higher(ctx, 0);
            drop(first);
            luron_tensor_unref(x);
            luron_layer_unref(layer);
        }
    }
}

/* One place after the other, with the keys and values of those before: the numbers of the whole sequence. */
static void test_attention_generation(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    luron_tensor *x, *whole[4], *past[2] = {NULL, NULL};
    enum { N = 2, T = 9 };
    luron_ctx_set_recording(ctx, 0);
    assert_ok(
        ctx, luron_layer_from_json(
                 &layer, ctx, "MultiheadAttention",
                 MHA(8, 4) ", \"num_kv_heads\": 2, \"is_causal\": true, \"rotary\": true, \"bias_init\": \"normal\"}"));
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(N, T, 8)));
    assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
    assert_ok(ctx, luron_layer_apply(whole, ctx, layer, 1, &x));
    for (int t = 0; t < T; t += t == 0 ? 3 : 1) { /* three at once, then one by one */
        const int n = t == 0 ? 3 : 1;
        luron_tensor *step, *out[4], *wanted;
        assert_ok(ctx, luron_narrow(&step, ctx, x, 1, t, n));
        assert_ok(ctx, luron_layer_apply(out, ctx, layer, 7,
                                         (luron_tensor *[]){step, NULL, NULL, NULL, NULL, past[0], past[1]}));
        assert_ok(ctx, luron_narrow(&wanted, ctx, whole[0], 1, t, n));
        double numbers[N * 3 * 8];
        assert_ok(ctx, luron_tensor_read(ctx, wanted, LURON_F64, numbers));
        assert_tensor_close(out[0], numbers, luron_tensor_numel(wanted), 1e-6, 1e-6);
        luron_tensor *drop_these[] = {step, wanted, out[0], out[1], past[0], past[1]};
        for (size_t i = 0; i < sizeof drop_these / sizeof *drop_these; i++)
            luron_tensor_unref(drop_these[i]);
        past[0] = out[2], past[1] = out[3];
    }
    assert_shape(past[0], N, T, 2, 2);
    for (int i = 0; i < 2; i++)
        assert_tensor_same(past[i], whole[2 + i]), luron_tensor_unref(past[i]);
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(whole[i]);
    luron_ctx_set_recording(ctx, 1);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
}

/* ---- parameters, errors -------------------------------------------------------------------------------------------
 */
static void test_attention_parameters(void **state) {
    luron_ctx *ctx = *state;
    static const char *const names[2][6] = {
        {"in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias", "bias_k", "bias_v"},
        {"q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias"}};
    for (int k = 0; k < 2; k++) {
        luron_layer *layer;
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "MultiheadAttention",
                                             k ? MHA(8, 2) ", \"vdim\": 3}"
                                               : MHA(8, 2) ", \"num_kv_heads\": 1, \"add_bias_kv\": true}"));
        assert_int_equal(luron_layer_n_params(layer), 6);
        for (int i = 0; i < luron_layer_n_params(layer); i++)
            assert_string_equal(luron_layer_param_name(layer, i), names[k][i]);
        if (k)
            assert_shape(luron_layer_param(layer, 2), 8, 3);
        else
            assert_shape(luron_layer_param(layer, 0), 16, 8), assert_shape(luron_layer_param(layer, 5), 1, 1, 4);
        luron_layer_unref(layer);
    }
}
static void refused(luron_ctx *ctx, const char *type, const char *options, int n, luron_tensor **in,
                    luron_status status, const char *part) {
    luron_layer *layer;
    luron_tensor *out[4];
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, n, in), status, part);
    luron_layer_unref(layer);
}
static void test_attention_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *none = NULL;
    luron_tensor *a = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){2, 3, 4}, NULL),
                 *b = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){2, 5, 4}, NULL);
    luron_tensor *c = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){1, 5, 4}, NULL),
                 *empty = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){2, 0, 4}, NULL);
    luron_tensor *m = tensor_of(ctx, LURON_B8, 2, (const int64_t[]){5, 3}, NULL),
                 *flat = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){2, 4}, NULL);
    luron_tensor *ids = tensor_of(ctx, LURON_I64, 2, (const int64_t[]){3, 5}, NULL),
                 *past = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){2, 1, 2, 3}, NULL);
    luron_tensor *odd = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){2, 3, 5}, NULL);
    static const char *const dot = "ScaledDotProductAttention", *const multi = "MultiheadAttention";
    refused(ctx, dot, NULL, 3, (luron_tensor *[]){a, flat, b}, LURON_E_SHAPE,
            "query, key and value have 3, 2 and 3 dimensions");
    refused(ctx, dot, NULL, 3, (luron_tensor *[]){a, c, c}, LURON_E_SHAPE,
            "query, key and value have sizes 2, 1 and 1 in dimension 0, the same expected");
    refused(ctx, dot, "{\"enable_gqa\": true}", 3, (luron_tensor *[]){c, a, a}, LURON_E_SHAPE,
            "in dimension 0, heads of which each of key and value serves as many of query expected");
    refused(ctx, dot, NULL, 3, (luron_tensor *[]){odd, b, b}, LURON_E_SHAPE, "query has 5 features, key 4");
    refused(ctx, dot, NULL, 3, (luron_tensor *[]){a, b, a}, LURON_E_SHAPE, "key has 5 places, value 3");
    refused(ctx, dot, NULL, 3, (luron_tensor *[]){a, empty, empty}, LURON_E_SHAPE,
            "key has 0 places, value 0: the same number of 1 or more expected");
    refused(ctx, dot, NULL, 4, (luron_tensor *[]){a, b, b, m}, LURON_E_SHAPE,
            "mask has shape (5, 3), which does not broadcast to (2, 3, 5)");
    refused(ctx, dot, NULL, 4, (luron_tensor *[]){a, b, b, ids}, LURON_E_DTYPE,
            "attn_mask is int64: a mask is bool, or numbers that are added");
    refused(ctx, multi, MHA(4, 2) "}", 1, (luron_tensor *[]){odd}, LURON_E_SHAPE, "query has 5 features, 4 expected");
    refused(ctx, multi, MHA(4, 2) "}", 2, (luron_tensor *[]){a, c}, LURON_E_SHAPE, "the same batch");
    refused(ctx, multi, MHA(4, 2) "}", 3, (luron_tensor *[]){a, b, a}, LURON_E_SHAPE,
            "as many keys as values expected");
    refused(ctx, multi, MHA(4, 2) "}", 1, (luron_tensor *[]){empty}, LURON_E_SHAPE, "key has sequences of length 0");
    refused(ctx, multi, MHA(4, 2) "}", 4, (luron_tensor *[]){a, NULL, NULL, m}, LURON_E_SHAPE,
            "key_padding_mask has shape (5, 3), (2, 3) expected");
    refused(ctx, multi, MHA(4, 2) "}", 6, (luron_tensor *[]){a, NULL, NULL, NULL, NULL, past}, LURON_E_SHAPE,
            "both or none");
    refused(ctx, multi, MHA(4, 2) "}", 7, (luron_tensor *[]){a, NULL, NULL, NULL, NULL, past, past}, LURON_E_SHAPE,
            "past_key has shape (2, 1, 2, 3), (2, 1, 2, 2) expected");
    refused(ctx, "AdditiveAttention", "{\"embed_dim\": 4}", 2, (luron_tensor *[]){a, odd}, LURON_E_SHAPE,
            "value has 5 features, embed_dim is 4");
    refused(ctx, "AdditiveAttention", "{\"embed_dim\": 4}", 4, (luron_tensor *[]){a, b, NULL, m}, LURON_E_SHAPE,
            "value_mask has shape (5, 3), (2, 5) expected");
    refused(ctx, "RotaryEmbedding", NULL, 1, (luron_tensor *[]){odd}, LURON_E_SHAPE,
            "input has 5 features, of which 5 are turned: an even number");
    refused(ctx, "RotaryEmbedding", NULL, 2, (luron_tensor *[]){a, ids}, LURON_E_SHAPE,
            "positions: shape (3) or (2, 3) expected");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, multi, MHA(4, 3) "}"), LURON_E_ARGUMENT,
                 "embed_dim 4 is not divisible by num_heads 3");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, multi, MHA(8, 4) ", \"num_kv_heads\": 3}"), LURON_E_ARGUMENT,
                 "num_heads 4 is not divisible by num_kv_heads 3");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, multi, MHA(6, 2) ", \"rotary\": true}"), LURON_E_ARGUMENT,
                 "rotary: heads have 3 features, an even number expected");
    luron_tensor *all[] = {a, b, c, empty, m, flat, ids, past, odd};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_attention_gradients),      test_case(test_attention_values_of_pytorch_and_keras),
        test_case(test_attention_long_sequences), test_case(test_attention_generation),
        test_case(test_attention_parameters),     test_case(test_attention_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
