/* test_ops_named.c -- functions by name in models: they do what the functions do, at every rank, say their shapes
 * without numbers, and give back what they took when memory ends. tests/lua/graph_spec.lua has them all, bit for bit.
 */
#include "graph.h"
#include "tensor_assert.h"

#include <stdio.h>
#include <string.h>

#define GRAPH(node)                                                                                                    \
    "{\"layers\":[],\"inputs\":[\"x\"],\"nodes\":[{\"op\":\"to_ids\",\"from\":0,\"inputs\":[[0,0]]}," node             \
    "],\"outputs\":[[2,0]],\"dtype\":\"float32\",\"tensors\":[]}"
#define X "\"inputs\":[[0,0]]"

/* x (3, 4) float32 of 0, 1, 2, 0, 1, 2, ...: its own ids, from 0. */
static luron_tensor *numbers(luron_ctx *ctx, uint32_t dtype) {
    luron_tensor *x, *y;
    float v[12];
    for (int i = 0; i < 12; i++)
        v[i] = (float)(i % 3);
    assert_ok(ctx, luron_tensor_from(&x, ctx, LURON_F32, LURON_SHAPE(3, 4), v));
    assert_ok(ctx, luron_cast(&y, ctx, x, dtype));
    luron_tensor_unref(x);
    return y;
}

static const struct named {
    const char *json, *shape;
    bool ids; /* x is integer */
    int n;
    double first[4];
} cases[] = {
    {GRAPH("{\"op\":\"transpose\",\"dim1\":0,\"dim2\":-1," X "}"), "(4, 3)", false, 4, {0, 1, 2, 1}},
    {GRAPH("{\"op\":\"t\"," X "}"), "(4, 3)", false, 4, {0, 1, 2, 1}},
    {GRAPH("{\"op\":\"movedim\",\"from\":[0],\"to\":[-1]," X "}"), "(4, 3)", false, 4, {0, 1, 2, 1}},
    {GRAPH("{\"op\":\"flatten\",\"from\":0,\"to\":-1," X "}"), "(12,)", false, 4, {0, 1, 2, 0}},
    {GRAPH("{\"op\":\"unflatten\",\"dim\":-1,\"sizes\":[-1,2]," X "}"), "(3, 2, 2)", false, 4, {0, 1, 2, 0}},
    {GRAPH("{\"op\":\"narrow\",\"dim\":1,\"start\":-2,\"length\":2," X "}"), "(3, 2)", false, 4, {2, 0, 0, 1}},
    {GRAPH("{\"op\":\"stack\",\"dim\":-1,\"inputs\":[[0,0],[0,0]]}"), "(3, 4, 2)", false, 4, {0, 0, 1, 1}},
    {GRAPH("{\"op\":\"sum\",\"dims\":[-1],\"keepdim\":false," X "}"), "(3,)", false, 3, {3, 4, 5}},
    {GRAPH("{\"op\":\"amax\",\"dims\":[-1,0],\"keepdim\":true," X "}"), "(1, 1)", false, 1, {2}},
    {GRAPH("{\"op\":\"flip\",\"dims\":[-2]," X "}"), "(3, 4)", false, 4, {2, 0, 1, 2}},
    {GRAPH("{\"op\":\"mean\",\"dims\":[0],\"keepdim\":false," X "}"), "(4,)", true, 4, {1, 1, 1, 1}},
    {GRAPH("{\"op\":\"std\",\"dims\":[0],\"keepdim\":true,\"correction\":1," X "}"), "(1, 4)", true, 4, {1, 1, 1, 1}},
    {GRAPH("{\"op\":\"norm\",\"p\":1,\"dims\":[],\"keepdim\":false," X "}"), "()", false, 1, {12}},
    {GRAPH("{\"op\":\"argsort\",\"dim\":0,\"descending\":true,\"count\":-1," X "}"), "(3, 4)", false, 4, {2, 1, 0, 2}},
    {GRAPH("{\"op\":\"median_ids\",\"dim\":0,\"keepdim\":false," X "}"), "(4,)", false, 4, {1, 0, 2, 1}},
    {GRAPH("{\"op\":\"kthvalue_ids\",\"k\":3,\"dim\":0,\"keepdim\":true," X "}"), "(1, 4)", false, 4, {2, 1, 0, 2}},
    {GRAPH("{\"op\":\"masked_fill\",\"value\":7,\"inputs\":[[0,0],[1,0]]}"), NULL, true, 0, {0}},
    {GRAPH("{\"op\":\"take_elements\",\"inputs\":[[0,0],[1,0]]}"), "(3, 4)", true, 4, {0, 1, 2, 0}},
    {GRAPH("{\"op\":\"scatter_reduce\",\"dim\":0,\"how\":3,\"include_self\":false,\"inputs\":[[0,0],[1,0],[0,0]]}"),
     "(3, 4)",
     true,
     4,
     {0, 0, 0, 0}},
    {GRAPH("{\"op\":\"scatter_reduce\",\"dim\":0,\"how\":4,\"include_self\":true,\"inputs\":[[0,0],[1,0],[0,0]]}"),
     "(3, 4)",
     true,
     4,
     {0, 0, 0, 0}},
    {GRAPH("{\"op\":\"scatter_reduce\",\"dim\":0,\"how\":5,\"include_self\":true,\"inputs\":[[0,0],[1,0],[0,0]]}"),
     "(3, 4)",
     true,
     4,
     {0, 0, 1, 0}},
    {GRAPH("{\"op\":\"scatter_reduce\",\"dim\":4000000000,\"how\":5,\"include_self\":true,\"inputs\":[[0,0],[1,0],[0,0]"
           "]}"),
     NULL,
     true,
     0,
     {0}},
    {GRAPH("{\"op\":\"repeat_each\",\"times\":2,\"dim\":-1," X "}"), "(3, 8)", false, 4, {0, 0, 1, 1}},
    {GRAPH("{\"op\":\"repeat_each\",\"times\":-2,\"dim\":-1," X "}"), NULL, false, 0, {0}},
    {GRAPH("{\"op\":\"sum\",\"dims\":[-1,1],\"keepdim\":false," X "}"), NULL, false, 0, {0}},
    {GRAPH("{\"op\":\"sum\",\"dims\":[-3],\"keepdim\":false," X "}"), NULL, false, 0, {0}},
    {GRAPH("{\"op\":\"tile\",\"times\":[-1]," X "}"), NULL, false, 0, {0}},
    {GRAPH("{\"op\":\"argsort\",\"dim\":0,\"descending\":true,\"count\":-2," X "}"), NULL, false, 0, {0}},
    {GRAPH("{\"op\":\"dot\",\"inputs\":[[0,0],[0,0]]}"), NULL, false, 0, {0}},
};
enum { N_CASES = sizeof cases / sizeof *cases };

static void check_numbers(luron_ctx *ctx, const struct named *c, luron_tensor *y) {
    luron_tensor *flat, *part;
    double got[4];
    assert_ok(ctx, luron_flatten(&flat, ctx, y, 0, -1));
    assert_ok(ctx, luron_narrow(&part, ctx, flat, 0, 0, c->n));
    assert_ok(ctx, luron_tensor_read(ctx, part, LURON_F64, got));
    for (int i = 0; i < c->n; i++)
        if (got[i] != c->first[i]) fail_msg("%s: number %d is %g, not %g", c->json, i, got[i], c->first[i]);
    luron_tensor_unref(flat);
    luron_tensor_unref(part);
}

static void check_case(luron_ctx *ctx, const struct named *c) {
    luron_model *m, *back;
    char shape[LURON__SHAPE_TEXT], *json, *again, *text = NULL;
    luron_tensor *x = numbers(ctx, c->ids ? LURON_I64 : LURON_F32), *y = NULL;
    assert_ok(ctx, luron_model_from_json(&m, ctx, c->json));
    assert_ok(ctx, luron_model_to_json(&json, ctx, m));
    assert_ok(ctx, luron_model_from_json(&back, ctx, json));
    assert_ok(ctx, luron_model_to_json(&again, ctx, back));
    assert_string_equal(json, again);
    luron_dims dims = {c->ids ? LURON_I64 : LURON_F32, 2, {3, 4}};
    luron_status summed = luron_model_summary(&text, ctx, m, 1, &dims), status = luron_model_run(&y, ctx, back, 1, &x);
    if (!c->shape) {
        assert_true(summed && status && *luron_ctx_error(ctx));
    } else {
        if (summed || status) fail_msg("%s: %s", c->json, luron_ctx_error(ctx));
        luron_shape_text(shape, sizeof shape, y->ndim, y->shape);
        assert_string_equal(shape, c->shape);
        if (!strstr(text, c->shape)) fail_msg("%s: no %s in\n%s", c->json, c->shape, text);
        check_numbers(ctx, c, y);
    }
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    char *texts[] = {json, again, text};
    for (int i = 0; i < 3; i++)
        luron_text_free(ctx, texts[i]);
    luron_model_unref(m);
    luron_model_unref(back);
}

static void test_ops_named_run_and_say_their_shapes(void **state) {
    luron_ctx *ctx = *state;
    for (int i = 0; i < N_CASES; i++)
        check_case(ctx, &cases[i]);
    assert_false(ctx->shapes_only);
}

static void test_ops_named_when_memory_is_short(void **state) {
    luron_ctx *ctx = *state;
    for (int i = 0; i < N_CASES; i++) {
        if (!cases[i].shape) continue;
        luron_model *m;
        luron_tensor *x = numbers(ctx, cases[i].ids ? LURON_I64 : LURON_F32);
        luron_dims dims = {x->dtype, 2, {3, 4}};
        assert_ok(ctx, luron_model_from_json(&m, ctx, cases[i].json));
        int64_t before = luron_ctx_live_bytes(ctx);
        luron_status status = LURON_E_NOMEM;
        for (int64_t k = 1; status; k++) {
            char *text = NULL;
            luron_tensor *y = NULL;
            luron_ctx_fail_alloc(ctx, k, 0);
            status = luron_model_summary(&text, ctx, m, 1, &dims);
            if (!status) status = luron_model_run(&y, ctx, m, 1, &x);
            luron_ctx_fail_alloc(ctx, 0, 0);
            if (status) assert_int_equal(status, LURON_E_NOMEM);
            luron_text_free(ctx, text);
            luron_tensor_unref(y);
            assert_int_equal(luron_ctx_live_bytes(ctx), before);
            assert_true(k < 1000);
        }
        luron_tensor_unref(x);
        luron_model_unref(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_ops_named_run_and_say_their_shapes),
                                       test_case(test_ops_named_when_memory_is_short)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
