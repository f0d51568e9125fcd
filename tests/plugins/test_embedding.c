#include "layer_check.h"
#include "tensor_assert.h"

#include "../data/embedding_reference.h"

#include <math.h>
#include <string.h>

static void test_embedding_gradients(void **state) {
    static const layer_case cases[] = {
        { "Embedding", "{\"num_embeddings\": 5, \"embedding_dim\": 3}", 1, { { INPUT_SHAPE(4, 3), .ids = true, .n_ids = 5 } }, .tol = 1e-7, .order = 2 },
        { "Embedding", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"max_norm\": 99, \"norm_type\": 3}", 1, { { INPUT_SHAPE(4, 3), .ids = true, .n_ids = 5 } }, .tol = 1e-7, .order = 2 },
        { "Embedding", "{\"num_embeddings\": 1, \"embedding_dim\": 1}", 1, { { INPUT_SHAPE(7), .ids = true, .n_ids = 1 } }, .tol = 1e-7, .order = 2 },
        { "Embedding", "{\"num_embeddings\": 3, \"embedding_dim\": 2}", 1, { { .ids = true, .n_ids = 3 } }, .tol = 1e-7, .order = 2 },
        { "Embedding", "{\"num_embeddings\": 3, \"embedding_dim\": 2}", 1, { { INPUT_SHAPE(0), .ids = true, .n_ids = 3 } }, .tol = 1e-7 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

static luron_layer *padded(luron_ctx *ctx) {
    luron_layer *layer;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Embedding", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"padding_idx\": 1}"));
    return layer;
}
static luron_tensor *ids_of(luron_ctx *ctx, uint32_t dtype) {
    double ids[6];
    for (int i = 0; i < 6; i++) ids[i] = embedding_ids[i] + luron_ctx_index_base(ctx);
    return tensor_of(ctx, dtype, 2, (const int64_t[]) { 2, 3 }, ids);
}
/* In both real types, both bases and all kinds of ids; fused and composed. */
static void test_embedding_values_of_pytorch(void **state) {
    luron_ctx *ctx = *state;
    static const uint32_t id_types[] = { LURON_I64, LURON_I32, LURON_U8 };
    luron_ctx_set_higher(ctx, 1);
    for (int k = 0; k < 12; k++) {
        const uint32_t dtype = k % 2 ? LURON_F64 : LURON_F32;
        luron_ctx_set_index_base(ctx, 0);
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_layer *layer = padded(ctx);
        luron_ctx_set_index_base(ctx, k / 2 % 2);
        luron_tensor *w = luron_layer_param(layer, 0), *ids = ids_of(ctx, id_types[k / 4]), *y, *v, *g;
        luron_tensor *values = tensor_of(ctx, dtype, 2, luron_tensor_shape(w), embedding_weight);
        luron_ctx_set_recording(ctx, 0);
        assert_ok(ctx, luron_tensor_copy(ctx, w, values));
        luron_ctx_set_recording(ctx, 1);
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &ids));
        assert_shape(y, 2, 3, 3);
        assert_tensor_close(y, embedding_y, 18, 0, 0);
        v = tensor_of(ctx, dtype, 3, luron_tensor_shape(y), embedding_v);
        for (int higher = 0; higher < 2; higher++) {
            assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &v, 1, &w, higher ? LURON_CREATE_GRAPH : LURON_RETAIN_GRAPH));
            assert_tensor_close(g, embedding_grad, 15, 0, 0);
            luron_tensor_unref(g);
        }
        luron_tensor *all[] = { ids, y, v, values };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
        luron_layer_unref(layer);
    }
}

/* Long rows are given short, with rows of zeros among them; the table stays, in training too, and a row that is short has its bits. */
static void test_embedding_max_norm(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    luron_tensor *w, *y, *ids = tensor_of(ctx, LURON_I64, 1, (const int64_t[]) { 3 }, (const double[]) { 0, 1, 2 });
    static const double rows[] = { 3, 4, 0, 0, 0.1, -0.2 }, given[] = { 0.6, 0.8, 0, 0, 0.1, -0.2 };
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Embedding", "{\"num_embeddings\": 3, \"embedding_dim\": 2, \"max_norm\": 1}"));
    luron_tensor *values = tensor_of(ctx, LURON_F64, 2, (const int64_t[]) { 3, 2 }, rows);
    w = luron_layer_param(layer, 0);
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_copy(ctx, w, values));
    luron_ctx_set_recording(ctx, 1);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &ids));
    assert_tensor_close(y, given, 6, 1e-7, 0); /* as far as PyTorch's 1e-7 goes */
    assert_memory_equal((const double *)luron_tensor_data(y) + 2, rows + 2, 4 * sizeof(double));
    assert_memory_equal(luron_tensor_data(w), rows, sizeof rows);
    luron_tensor *all[] = { ids, y, values };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
}

/* Normal numbers, and zeros in the row of padding, also after a reset and with other first values. */
static void test_embedding_initialised(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    for (int other = 0; other < 2; other++) {
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Embedding", other ? "{\"num_embeddings\": 200, \"embedding_dim\": 50, \"padding_idx\": 199, \"weight_init\": \"normal(0, 2)\"}"
            : "{\"num_embeddings\": 200, \"embedding_dim\": 50, \"padding_idx\": 199}"));
        for (int again = 0; again < 2; again++) {
            const float *w = luron_tensor_data(luron_layer_param(layer, 0));
            double squares = 0, std = other ? 2 : 1;
            for (int i = 0; i < 199 * 50; i++) squares += (double)w[i] * w[i];
            assert_true(fabs(squares / (199 * 50) / (std * std) - 1) < 0.08); /* five standard errors */
            for (int i = 199 * 50; i < 200 * 50; i++) assert_true(w[i] == 0);
            assert_ok(ctx, luron_layer_reset(ctx, layer));
        }
        luron_layer_unref(layer);
    }
}

/* Ids that come often and in any order, cut into several pieces of work. */
static void test_embedding_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = { 1, 2, 3, 8 };
    luron_layer *layer;
    luron_tensor *ids, *v, *w, *first = NULL;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Embedding", "{\"num_embeddings\": 1500, \"embedding_dim\": 33}"));
    w = luron_layer_param(layer, 0);
    assert_ok(ctx, luron_tensor_new(&ids, ctx, LURON_I64, LURON_SHAPE(9000)));
    for (int64_t i = 0; i < 9000; i++) ((int64_t *)luron_tensor_data(ids))[i] = i * i % 1500;
    assert_ok(ctx, luron_tensor_new(&v, ctx, LURON_F32, LURON_SHAPE(9000, 33)));
    assert_ok(ctx, luron_tensor_normal(ctx, v, 0, 1));
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        luron_tensor *y, *g;
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &ids));
        assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &v, 1, &w, 0));
        luron_tensor_unref(y);
        if (t) assert_tensor_same(g, first);
        if (t) luron_tensor_unref(g);
        else first = g;
    }
    luron_tensor_unref(first);
    luron_tensor_unref(ids);
    luron_tensor_unref(v);
    luron_layer_unref(layer);
}

static void test_embedding_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = padded(ctx), *none = NULL;
    luron_tensor *y = NULL, *ids = tensor_of(ctx, LURON_I64, 2, (const int64_t[]) { 1, 3 }, (const double[]) { 0, 5, 1 });
    luron_tensor *real = tensor_of(ctx, LURON_F32, 1, (const int64_t[]) { 2 }, NULL), *below = tensor_row(ctx, LURON_I64, 2, -1);
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &ids), LURON_E_RANGE, "input: id 5 at position (0, 1) is not within 0 to 4");
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &below), LURON_E_RANGE, "input: id -1 at position 1 is not within 0 to 4");
    luron_ctx_set_index_base(ctx, 1);
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &ids), LURON_E_RANGE, "ids count from 1 here");
    luron_ctx_set_index_base(ctx, 0);
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &real), LURON_E_DTYPE, "input is float32");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "Embedding", "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"padding_idx\": 5}"), LURON_E_ARGUMENT,
        "padding_idx is 5, an id within num_embeddings = 5 expected");
    assert_null(y);
    assert_null(none);
    luron_tensor_unref(ids);
    luron_tensor_unref(real);
    luron_tensor_unref(below);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = { test_case(test_embedding_gradients), test_case(test_embedding_values_of_pytorch), test_case(test_embedding_max_norm), test_case(test_embedding_initialised),
        test_case(test_embedding_bits_at_any_thread_count), test_case(test_embedding_messages) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
