#include "golden.h"
#include "layer_check.h"
#include "refused.h"

#include "../data/bag_reference.h"

#define OF(mode) "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"" mode "\"}"
static void test_embedding_bag_gradients(void **state) {
    static const double offsets[] = {0, 2, 2};
    static const layer_case cases[] = {
        {"EmbeddingBag", OF("sum"), 1, {{INPUT_SHAPE(3, 4), .ids = true, .n_ids = 5}}, .tol = 1e-7, .order = 2},
        {"EmbeddingBag",
         OF("mean"),
         2,
         {{INPUT_SHAPE(6), .ids = true, .n_ids = 5}, {INPUT_SHAPE(3), .ids = true, .n_ids = 7, .values = offsets}},
         .tol = 1e-7,
         .order = 2},
        {"EmbeddingBag", OF("max"), 1, {{INPUT_SHAPE(2, 3), .ids = true, .n_ids = 5}}, .tol = 1e-7, .order = 2},
        {"EmbeddingBag",
         OF("sum"),
         3,
         {{INPUT_SHAPE(3, 2), .ids = true, .n_ids = 5}, {.absent = true}, {INPUT_SHAPE(3, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"EmbeddingBag", OF("mean"), 1, {{INPUT_SHAPE(0, 4), .ids = true, .n_ids = 5}}, .tol = 1e-7},
        {"EmbeddingBag", OF("max"), 1, {{INPUT_SHAPE(2, 0), .ids = true, .n_ids = 5}}, .tol = 1e-7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* By backward and by its form in ops, in both bases. */
static void test_embedding_bag_values_of_pytorch(void **state) {
    luron_ctx *ctx = *state;
    for (int k = 0; k < 4; k++)
        for (size_t i = 0; i < sizeof bag_cases / sizeof *bag_cases; i++) {
            luron_layer *layer = NULL;
            golden_case c = bag_cases[i];
            char name[200];
            snprintf(name, sizeof name, "case %zu: %s", i, c.options);
            luron_ctx_set_index_base(ctx, k % 2);
            luron_ctx_set_higher(ctx, k / 2);
            assert_ok(ctx, luron_layer_from_json(&layer, ctx, c.type, c.options)); /* options count from 0 in files */
            luron_layer_unref(layer);
            golden_check_as(ctx, &c, name, LURON_F64, 1e-12, 1e-15);
            golden_check_as(ctx, &c, name, LURON_F32, 1e-6, 1e-6);
        }
    luron_ctx_set_index_base(ctx, 0);
    luron_ctx_set_higher(ctx, 0);
}

static void test_embedding_bag_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    luron_layer *layer;
    luron_tensor *ids, *w, *y, *g, *first[2] = {NULL};
    assert_ok(ctx,
              luron_layer_from_json(&layer, ctx, "EmbeddingBag", "{\"num_embeddings\": 700, \"embedding_dim\": 33}"));
    w = luron_layer_param(layer, 0);
    assert_ok(ctx, luron_tensor_new(&ids, ctx, LURON_I64, LURON_SHAPE(900, 10)));
    for (int64_t i = 0; i < 9000; i++)
        ((int64_t *)luron_tensor_data(ids))[i] = i * i % 700;
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &ids));
        assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &y, 1, &w, 0));
        if (t == 0) first[0] = luron_tensor_ref(y), first[1] = luron_tensor_ref(g);
        assert_tensor_same(y, first[0]);
        assert_tensor_same(g, first[1]);
        luron_tensor_unref(y);
        luron_tensor_unref(g);
    }
    luron_tensor_unref(first[0]);
    luron_tensor_unref(first[1]);
    luron_tensor_unref(ids);
    luron_layer_unref(layer);
}

static void test_embedding_bag_messages(void **state) {
    const refused_case cases[] = {
        {"EmbeddingBag", OF("sum"), "id 5 at position 1 is not within 0 to 4", LURON_E_RANGE, 2,
         .in = {REFUSED_IDS(2, 0, 5), REFUSED_IDS(1, 0)}},
        {"EmbeddingBag", OF("sum"), "input has 1 dimensions, (bags, ids), or a row of ids and offsets, expected",
         LURON_E_SHAPE, 1, .in = {REFUSED_IDS(2, 0, 1)}},
        {"EmbeddingBag", OF("sum"), "offsets: 1 at position 0, they begin with 0 expected", LURON_E_ARGUMENT, 2,
         .in = {REFUSED_IDS(2, 0, 1), REFUSED_IDS(1, 1)}},
        {"EmbeddingBag", OF("sum"), "offsets: 0 at position 2, at least 1 expected", LURON_E_ARGUMENT, 2,
         .in = {REFUSED_IDS(2, 0, 1), REFUSED_IDS(3, 0, 1, 0)}},
        {"EmbeddingBag", OF("sum"), "offsets: id 3 at position 1 is not within 0 to 2", LURON_E_RANGE, 2,
         .in = {REFUSED_IDS(2, 0, 1), REFUSED_IDS(2, 0, 3)}},
        {"EmbeddingBag", OF("mean"), "per_sample_weights go with mode \"sum\" alone", LURON_E_ARGUMENT, 3,
         .in = {REFUSED_IDS(2, 0, 1), REFUSED_IDS(1, 0), REFUSED_REAL(2)}},
        {"EmbeddingBag", OF("sum"), "per_sample_weights do not have the shape of the input", LURON_E_SHAPE, 3,
         .in = {REFUSED_IDS(2, 0, 1), REFUSED_IDS(1, 0), REFUSED_REAL(3)}},
    };
    luron_layer *none = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(*state, &cases[i]);
    assert_fails(*state,
                 luron_layer_from_json(&none, *state, "EmbeddingBag",
                                       "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"padding_idx\": 5}"),
                 LURON_E_ARGUMENT, "padding_idx is 5, an id within num_embeddings = 5 expected");
    assert_fails(*state,
                 luron_layer_from_json(&none, *state, "EmbeddingBag",
                                       "{\"num_embeddings\": 5, \"embedding_dim\": 3, \"mode\": \"max\", "
                                       "\"scale_grad_by_freq\": true}"),
                 LURON_E_ARGUMENT, "scale_grad_by_freq goes with mode \"sum\" or \"mean\", got \"max\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_embedding_bag_gradients), test_case(test_embedding_bag_values_of_pytorch),
        test_case(test_embedding_bag_bits_at_any_thread_count), test_case(test_embedding_bag_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
