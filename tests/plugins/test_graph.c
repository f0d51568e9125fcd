/* The layers of the plugin `graph`: numbers and gradients against their formulas (tests/data/make_graph.py), the pools
 * by hand, the same bits on any number of threads, graphs with nothing in them, messages. */
#include "layer_check.h"
#include "made.h"

#include "../data/graph_reference.h"

#include <stdio.h>

enum { N_CASES = sizeof graph_cases / sizeof *graph_cases };

static luron_tensor *variable(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, const double *values) {
    luron_tensor *t = tensor_of(ctx, dtype, ndim, shape, values);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

/* Case k: what is differentiated by comes first in `at`, the gradients in `grads`. */
static void check_values(luron_ctx *ctx, int k, uint32_t dtype, uint32_t id_type) {
    const double rtol = dtype == LURON_F64 ? 1e-11 : 2e-5;
    luron_layer *layer = layer_of(ctx, graph_cases[k].type, graph_cases[k].options);
    luron_tensor *at[9], *grads[9], *y, *v, *in[3];
    const double *expect[9] = {graph_cases[k].gx, graph_cases[k].gw};
    char name[160];
    int n = graph_cases[k].w ? 2 : 1;
    in[0] = at[0] = variable(ctx, dtype, LURON_SHAPE(GRAPH_NODES, 3), graph_cases[k].x);
    in[1] = ids_of(ctx, id_type, LURON_SHAPE(2, GRAPH_EDGES), graph_edges);
    in[2] = at[1] = graph_cases[k].w ? variable(ctx, dtype, LURON_SHAPE(GRAPH_EDGES), graph_cases[k].w) : NULL;
    luron_ctx_set_recording(ctx, 0);
    for (int s = 0, i = 0; s < 7; s++) {
        if (!graph_cases[k].param[s]) continue;
        luron_tensor *p = luron_layer_param(layer, i++);
        luron_tensor *values =
            tensor_of(ctx, dtype, luron_tensor_ndim(p), luron_tensor_shape(p), graph_cases[k].param[s]);
        assert_ok(ctx, luron_tensor_copy(ctx, p, values));
        luron_tensor_unref(values);
        expect[n] = graph_cases[k].grad[s], at[n++] = p;
    }
    luron_ctx_set_recording(ctx, 1);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, in[2] ? 3 : 2, in));
    assert_shape(y, GRAPH_NODES, graph_cases[k].wide);
    snprintf(name, sizeof name, "case %d: %s %s", k, graph_cases[k].type, graph_cases[k].options);
    assert_tensor_close_(y, graph_cases[k].y, luron_tensor_numel(y), rtol, rtol, name, __FILE__, __LINE__);
    v = tensor_of(ctx, dtype, 2, luron_tensor_shape(y), graph_cases[k].v);
    for (int higher = 0; higher < 2; higher++) {
        assert_ok(ctx, luron_grad(grads, ctx, 1, &y, &v, n, at, higher ? LURON_CREATE_GRAPH : LURON_RETAIN_GRAPH));
        for (int i = 0; i < n; i++) {
            assert_tensor_close_(grads[i], expect[i], luron_tensor_numel(at[i]), 4 * rtol, 4 * rtol, name, __FILE__,
                                 __LINE__);
            luron_tensor_unref(grads[i]);
        }
    }
    luron_tensor *all[] = {in[0], in[1], in[2], y, v};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
}
static void test_graph_values(void **state) {
    luron_ctx *ctx = *state;
    luron_ctx_set_higher(ctx, 1);
    for (int k = 0; k < 4 * N_CASES; k++) {
        const uint32_t dtype = k % 2 ? LURON_F64 : LURON_F32;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_ctx_set_index_base(ctx, k / 2 % 2);
        check_values(ctx, k / 4, dtype, k % 2 ? LURON_I64 : LURON_I32);
    }
}

#define NODES(n) {INPUT_SHAPE(n, 3)}
#define EDGES(n, e) {INPUT_SHAPE(2, e), .ids = true, .n_ids = n}
#define OPTIONS "{\"in_channels\": 3, \"out_channels\": 2"
static void test_graph_gradients(void **state) {
    static const layer_case cases[] = {
        {"GCNConv",
         OPTIONS "}",
         3,
         {NODES(6), EDGES(6, 9), {INPUT_SHAPE(9), .lo = 0.2, .hi = 2}},
         .tol = 1e-6,
         .order = 2},
        {"GCNConv",
         OPTIONS ", \"normalize\": false}",
         3,
         {NODES(1), EDGES(1, 1), {INPUT_SHAPE(1)}},
         .tol = 1e-6,
         .order = 2},
        {"SAGEConv", OPTIONS ", \"normalize\": true}", 2, {NODES(6), EDGES(6, 9)}, .tol = 1e-6, .order = 2},
        {"SAGEConv", OPTIONS ", \"aggr\": \"max\"}", 2, {NODES(4), EDGES(4, 7)}, .tol = 1e-6, .order = 2},
        {"GATConv", OPTIONS ", \"heads\": 2, \"dropout\": 0.5}", 2, {NODES(4), EDGES(4, 7)}, .tol = 1e-6, .order = 2},
        {"GATConv",
         OPTIONS ", \"concat\": false, \"heads\": 2}",
         2,
         {NODES(5), EDGES(5, 3)},
         .tol = 1e-6,
         .order = 2,
         .eval = true},
        {"GATConv", OPTIONS ", \"add_self_loops\": false}", 2, {NODES(3), EDGES(3, 4)}, .tol = 1e-6, .order = 2},
        {"GATv2Conv", OPTIONS ", \"heads\": 2, \"dropout\": 0.3}", 2, {NODES(4), EDGES(4, 5)}, .tol = 1e-6, .order = 2},
        {"GINConv", "{\"eps\": 0.25, \"train_eps\": true}", 2, {NODES(4), EDGES(4, 7)}, .tol = 1e-6, .order = 2},
        {"GlobalMeanPool",
         "{\"size\": 3}",
         2,
         {NODES(6), {INPUT_SHAPE(6), .ids = true, .n_ids = 3}},
         .tol = 1e-6,
         .order = 2},
        {"GlobalAddPool", NULL, 1, {NODES(6)}, .tol = 1e-6, .order = 2},
        {"GlobalMaxPool",
         "{\"size\": 2}",
         2,
         {NODES(5), {INPUT_SHAPE(5), .ids = true, .n_ids = 2}},
         .tol = 1e-6,
         .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* Edges of which some nodes have many, cut into several pieces of work. */
static void test_graph_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    static const char *const types[] = {"GCNConv", "SAGEConv", "GATConv"};
    enum { N = 1200, E = 9000 };
    luron_tensor *in[2], *first[2], *got[2], *y, *v;
    assert_ok(ctx, luron_tensor_new(&in[0], ctx, LURON_F32, LURON_SHAPE(N, 9)));
    assert_ok(ctx, luron_tensor_normal(ctx, in[0], 0, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[0], 1));
    assert_ok(ctx, luron_tensor_new(&in[1], ctx, LURON_I64, LURON_SHAPE(2, E)));
    for (int64_t i = 0; i < 2 * E; i++)
        ((int64_t *)luron_tensor_data(in[1]))[i] = i * i % (i % 3 ? N : 7);
    assert_ok(ctx, luron_tensor_new(&v, ctx, LURON_F32, LURON_SHAPE(N, 33)));
    assert_ok(ctx, luron_tensor_normal(ctx, v, 0, 1));
    for (int k = 0; k < 4; k++) {
        luron_layer *layer = layer_of(ctx, types[k % 3],
                                      k < 3 ? "{\"in_channels\": 9, \"out_channels\": 33}"
                                            : "{\"in_channels\": 9, \"out_channels\": 33, \"improved\": true}");
        luron_tensor *at[2] = {in[0], luron_layer_param(layer, 0)};
        for (int t = 0; t < 4; t++) {
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
            assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
            assert_ok(ctx, luron_grad(got, ctx, 1, &y, &v, 2, at, 0));
            luron_tensor_unref(y);
            for (int i = 0; i < 2; i++) {
                if (t == 0) first[i] = luron_tensor_ref(got[i]);
                assert_tensor_same_(got[i], first[i], types[k % 3], __FILE__, __LINE__);
                luron_tensor_unref(got[i]);
            }
        }
        luron_tensor_unref(first[0]);
        luron_tensor_unref(first[1]);
        luron_layer_unref(layer);
    }
    luron_tensor_unref(in[0]);
    luron_tensor_unref(in[1]);
    luron_tensor_unref(v);
}

/* Nodes of graphs 1, 0, 1 of three; the third has none. */
static void test_graph_pools(void **state) {
    luron_ctx *ctx = *state;
    static const double x[] = {1, -2, 4, 8, 3, -6}, batch[] = {1, 0, 1}, ptr[] = {0, 1, 3, 3};
    static const struct {
        const char *type;
        double expect[6];
    } pools[] = {{"GlobalMeanPool", {4, 8, 2, -4, 0, 0}},
                 {"GlobalAddPool", {4, 8, 4, -8, 0, 0}},
                 {"GlobalMaxPool", {4, 8, 3, -2, 0, 0}}};
    for (int k = 0; k < 6; k++) {
        luron_ctx_set_index_base(ctx, k / 3);
        luron_layer *by_ptr = layer_of(ctx, pools[k % 3].type, NULL),
                    *by_size = layer_of(ctx, pools[k % 3].type, "{\"size\": 3}");
        luron_tensor *in[3] = {tensor_of(ctx, LURON_F32, LURON_SHAPE(3, 2), x),
                               ids_of(ctx, LURON_I64, LURON_SHAPE(3), batch),
                               ids_of(ctx, LURON_I64, LURON_SHAPE(4), ptr)},
                     *y;
        for (int i = 0; i < 2; i++) {
            assert_ok(ctx, luron_layer_apply(&y, ctx, i ? by_size : by_ptr, i ? 2 : 3, in));
            assert_shape(y, 3, 2);
            assert_tensor_close(y, pools[k % 3].expect, 6, 0, 0);
            luron_tensor_unref(y);
        }
        assert_fails(ctx, luron_layer_apply(&y, ctx, by_ptr, 2, in), LURON_E_RANGE, "is not within");
        assert_fails(ctx, luron_layer_apply(&y, ctx, by_size, 1, in), LURON_E_ARGUMENT,
                     "batch expected, the graph of each node: there are 3 graphs");
        for (int i = 0; i < 3; i++)
            luron_tensor_unref(in[i]);
        luron_layer_unref(by_ptr);
        luron_layer_unref(by_size);
    }
}

/* No edges, and no nodes either: shapes stay, a node that nothing reaches has its own share and the bias. */
static void test_graph_nothing(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = {"GCNConv", "SAGEConv", "GATConv", "GATv2Conv"};
    for (int k = 0; k < 8; k++) {
        luron_layer *layer = layer_of(ctx, types[k % 4], OPTIONS "}");
        luron_tensor *in[2] = {variable(ctx, LURON_F32, LURON_SHAPE(k < 4 ? 0 : 2, 3),
                                        (const double[]){1, 2, 3, 4, 5, 6}),
                               tensor_of(ctx, LURON_I64, LURON_SHAPE(2, 0), NULL)},
                     *y, *g, *v;
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
        assert_shape(y, k < 4 ? 0 : 2, 2);
        v = tensor_of(ctx, LURON_F32, 2, luron_tensor_shape(y), (const double[]){1, 1, 1, 1});
        assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &v, 1, in, 0));
        luron_tensor_unref(g);
        luron_tensor_unref(v);
        luron_tensor_unref(y);
        luron_tensor_unref(in[0]);
        luron_tensor_unref(in[1]);
        luron_layer_unref(layer);
    }
}

/* A node that no edge comes to has the whole share of its own loop, however low that scores; in ops as well. */
static void test_graph_alone(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = {"GATConv", "GATv2Conv"};
    luron_ctx_set_higher(ctx, 1);
    for (int k = 0; k < 4; k++) {
        const uint32_t dtype = k < 2 ? LURON_F32 : LURON_F64;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_layer *layer = layer_of(
            ctx, types[k % 2], "{\"in_channels\": 1, \"out_channels\": 1, \"bias\": false, \"negative_slope\": 1.0}");
        luron_tensor *in[2] = {variable(ctx, dtype, LURON_SHAPE(2, 1), (const double[]){-100, 50}),
                               ids_of(ctx, LURON_I64, LURON_SHAPE(2, 2), (const double[]){0, 1, 1, 1})},
                     *y, *g, *v = tensor_of(ctx, dtype, LURON_SHAPE(2, 1), (const double[]){1, 1});
        luron_ctx_set_recording(ctx, 0);
        for (int i = 0; i < luron_layer_n_params(layer); i++)
            assert_ok(ctx, luron_tensor_fill(ctx, luron_layer_param(layer, i), 1));
        luron_ctx_set_recording(ctx, 1);
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
        assert_tensor_close(y, ((const double[]){-100, 50}), 2, 0, 0);
        assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &v, 1, in, LURON_CREATE_GRAPH));
        assert_tensor_close(g, ((const double[]){1, 1}), 2, 0, 1e-6);
        luron_tensor *all[] = {in[0], in[1], y, g, v};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            luron_tensor_unref(all[i]);
        luron_layer_unref(layer);
    }
    luron_ctx_set_higher(ctx, 0);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
}

static void test_graph_messages(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = {"GCNConv", "SAGEConv", "GATConv", "GATv2Conv"};
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(3, 3), NULL), *y = NULL;
    luron_tensor *far = tensor_of(ctx, LURON_I64, LURON_SHAPE(2, 2), (const double[]){0, 1, 1, 3});
    luron_tensor *pairs = tensor_of(ctx, LURON_I64, LURON_SHAPE(3, 2), NULL),
                 *near = tensor_of(ctx, LURON_I64, LURON_SHAPE(2, 2), NULL);
    luron_tensor *w = tensor_of(ctx, LURON_F32, LURON_SHAPE(3), NULL);
    for (int k = 0; k < 4; k++) {
        luron_layer *layer = layer_of(ctx, types[k], OPTIONS "}"),
                    *wide = layer_of(ctx, types[k], "{\"in_channels\": 4, \"out_channels\": 2}");
        assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 2, (luron_tensor *[]){x, far}), LURON_E_RANGE,
                     "id 3 at position");
        assert_fails(
            ctx, luron_layer_apply(&y, ctx, layer, 2, (luron_tensor *[]){x, pairs}), LURON_E_SHAPE,
            "edge_index has 3 rows, 2 expected: sources and targets (a list of pairs is transposed: edge_index:t())");
        assert_fails(ctx, luron_layer_apply(&y, ctx, wide, 2, (luron_tensor *[]){x, near}), LURON_E_SHAPE,
                     "x has 3 features, in_channels is 4");
        if (k == 0)
            assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 3, (luron_tensor *[]){x, near, w}), LURON_E_SHAPE,
                         "edge_weight has 3 numbers for 2 edges");
        luron_layer_unref(layer);
        luron_layer_unref(wide);
    }
    assert_null(y);
    luron_tensor *all[] = {x, far, pairs, near, w};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_graph_values),  test_case(test_graph_gradients), test_case(test_graph_bits_at_any_thread_count),
        test_case(test_graph_pools),   test_case(test_graph_nothing),   test_case(test_graph_alone),
        test_case(test_graph_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
