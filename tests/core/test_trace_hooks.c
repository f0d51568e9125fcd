/* Which of the references of a binding lead to which hooks. */
#include "fake_layers.h"

#include "on_tape.h"

#include <stdlib.h>

static int fake_setup(void **state) {
    if (test_ctx_new(state)) return -1;
    return luron_plugin_add(*state, &luron_plugin_fakes, NULL) == LURON_OK ? 0 : -1;
}

static luron_status nothing(luron_ctx *ctx, void *ud, luron_tensor *grad, luron_tensor **instead) {
    (void)ctx, (void)ud, (void)grad, (void)instead;
    return LURON_OK;
}

static void hang(luron_ctx *ctx, luron_tensor *t, int *ud) {
    int64_t id;
    assert_ok(ctx, luron_tensor_add_hook(&id, ctx, t, nothing, ud, NULL));
}

static luron_held of(luron_tensor *t) { return (luron_held){LURON_HELD_TENSOR, t, 7}; }

/* Is there a way from the place to hook k? */
static int leads(const luron_ways *w, int64_t place, int k) {
    for (int64_t i = 0; i < w->n_ways; i++) {
        if (w->ways[i].from != place) continue;
        if (w->ways[i].to == -1 - k || (w->ways[i].to >= 0 && leads(w, w->ways[i].to, k))) return 1;
    }
    return 0;
}

static luron_tensor *times(luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    luron_tensor *out;
    assert_ok(ctx, luron_mul(&out, ctx, a, b));
    return out;
}

static void test_trace_hooks_finds_the_ways(void **state) {
    luron_ctx *ctx = *state;
    int ud[3];
    void *const uds[] = {&ud[0], &ud[1], &ud[2]};
    luron_tensor *x = LEAF(ctx, 2), *w = LEAF(ctx, 3), *other = LEAF(ctx, 1);
    luron_tensor *y = times(ctx, x, w), *z = times(ctx, y, y), *end = times(ctx, z, z);
    hang(ctx, x, &ud[0]), hang(ctx, y, &ud[1]);
    luron_held all[] = {of(x), of(w), of(y), of(z), of(end), of(other), {LURON_HELD_LAYER, NULL, 7}};
    luron_ways ways;
    assert_ok(ctx, luron_trace_hooks(&ways, ctx, 7, all, 3, uds));
    assert_true(leads(&ways, all[0].place, 0) && !leads(&ways, all[0].place, 1));
    assert_true(leads(&ways, all[2].place, 0) && leads(&ways, all[2].place, 1));
    assert_int_equal(all[3].place, all[2].place); /* they lead to nothing else */
    assert_int_equal(all[4].place, all[2].place);
    assert_int_equal(all[1].place, -1);
    assert_int_equal(all[5].place, -1);
    assert_int_equal(all[6].place, -1);
    assert_int_equal(ways.n_places, 2);
    for (int64_t i = 1; i < ways.n_ways; i++)
        assert_true(ways.ways[i - 1].from <= ways.ways[i].from);
    luron_ways_free(ctx, &ways);
    luron_held few[] = {of(y), of(w), of(z), of(end)}; /* x is held by this test as well */
    assert_ok(ctx, luron_trace_hooks(&ways, ctx, 4, few, 3, uds));
    assert_true(leads(&ways, few[0].place, 1) && !leads(&ways, few[0].place, 0));
    luron_ways_free(ctx, &ways);
    luron_held last[] = {of(end), of(w), of(x)}; /* and y too, through whose hook nothing is to be lost */
    assert_ok(ctx, luron_trace_hooks(&ways, ctx, 3, last, 3, uds));
    assert_int_equal(last[0].place, -1);
    luron_ways_free(ctx, &ways);
    assert_ok(ctx, luron_trace_hooks(&ways, ctx, 0, NULL, 0, NULL));
    assert_int_equal(ways.n_ways, 0);
    luron_ways_free(ctx, &ways);
    release(x, w, other, y, z, end);
}

/* The gradient of a gradient leads back to its leaf: a loop. */
static void test_trace_hooks_in_a_loop(void **state) {
    luron_ctx *ctx = *state;
    int ud[1];
    void *const uds[] = {&ud[0]};
    luron_tensor *x = LEAF(ctx, 2), *y = times(ctx, x, x), *y2 = times(ctx, y, x);
    hang(ctx, x, &ud[0]);
    assert_ok(ctx, luron_backward(ctx, y2, NULL, LURON_CREATE_GRAPH));
    luron_held held[] = {of(y2), of(x), of(y)};
    luron_ways ways;
    assert_ok(ctx, luron_trace_hooks(&ways, ctx, 3, held, 1, uds));
    assert_true(held[0].place >= 0 && held[1].place >= 0 && held[2].place >= 0);
    int found = 0;
    for (int64_t i = 0; i < ways.n_ways; i++)
        found += ways.ways[i].to == -1;
    assert_int_equal(found, 1);
    luron_ways_free(ctx, &ways);
    assert_ok(ctx, luron_tensor_set_grad(ctx, x, NULL));
    release(x, y, y2);
}

static luron_status no_forward(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, int n_out,
                               luron_tensor *const *outs, luron_tensor **instead) {
    (void)ctx, (void)ud, (void)n_in, (void)ins, (void)n_out, (void)outs, (void)instead;
    return LURON_OK;
}
static const luron_layer_hook layer_hook = {
    .struct_size = sizeof layer_hook, .forward = no_forward, .backward = no_forward};

static void test_trace_hooks_of_layers_models_and_optimisers(void **state) {
    luron_ctx *ctx = *state;
    int ud[3];
    void *const uds[3] = {&ud[0], &ud[1], &ud[2]};
    int64_t id;
    luron_layer *layer;
    luron_model *m;
    luron_value v;
    luron_ways w;
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 3), NULL), *y;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Affine", NULL));
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    assert_ok(ctx, luron_model_add(&v, ctx, m, NULL, layer, 1, &v));
    assert_ok(ctx, luron_layer_add_hook(&id, ctx, layer, &layer_hook, uds[0]));
    assert_ok(ctx, luron_model_add_hook(&id, ctx, m, &layer_hook, uds[1]));
    assert_ok(ctx, luron_tensor_add_hook(&id, ctx, luron_layer_param(layer, 0), nothing, uds[2], NULL));
    assert_ok(ctx, luron_model_run(&y, ctx, m, 1, &x)); /* its gates lead to layer and model */
    luron_held held[] = {{LURON_HELD_LAYER, layer, 0}, {LURON_HELD_MODEL, m, 0}, of(y), of(x)};
    assert_ok(ctx, luron_trace_hooks(&w, ctx, 4, held, 3, uds));
    static const int right[3][3] = {{1, 0, 1}, {1, 1, 1}, {1, 1, 1}};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            assert_int_equal(leads(&w, held[i].place, k), right[i][k]);
    assert_int_equal(held[3].place, -1);
    luron_ways_free(ctx, &w);
    assert_ok(ctx, luron_trace_hooks(&w, ctx, 1, held, 3, uds)); /* the layer alone: the model has it too */
    assert_int_equal(held[0].place, -1);
    luron_ways_free(ctx, &w);
    release(x, y);
    luron_layer_unref(layer);
    luron_model_unref(m);
}

/* A hundred thousand hooks on one tape: none is too many. */
static void test_trace_hooks_of_a_long_tape(void **state) {
    luron_ctx *ctx = *state;
    enum { MANY = 100000 };
    int *ud = malloc(MANY * sizeof *ud);
    void **uds = malloc(MANY * sizeof *uds);
    luron_tensor *x = LEAF(ctx, 1), *at = luron_tensor_ref(x);
    for (int k = 0; k < MANY; k++) {
        luron_tensor *next;
        assert_ok(ctx, luron_neg(&next, ctx, at));
        luron_tensor_unref(at);
        at = next, uds[k] = &ud[k];
        hang(ctx, at, &ud[k]);
    }
    luron_held held[] = {of(at), of(x)};
    luron_ways ways;
    assert_ok(ctx, luron_trace_hooks(&ways, ctx, 2, held, MANY, uds));
    assert_int_equal(ways.n_places, MANY);
    assert_int_equal(ways.n_ways, 2 * MANY - 1);
    luron_ways_free(ctx, &ways);
    release(at, x);
    free(ud), free(uds);
}

static luron_status trace_within(luron_ctx *ctx, void *ud, luron_tensor *grad, luron_tensor **instead) {
    luron_ways ways;
    (void)ud, (void)grad, (void)instead;
    return luron_trace_hooks(&ways, ctx, 0, NULL, 0, NULL);
}

static void test_trace_hooks_refused(void **state) {
    luron_ctx *ctx = *state;
    int64_t id;
    luron_tensor *x = LEAF(ctx, 2), *y = times(ctx, x, x);
    assert_ok(ctx, luron_tensor_add_hook(&id, ctx, y, trace_within, NULL, NULL));
    assert_fails(ctx, luron_backward(ctx, y, NULL, 0), LURON_E_STATE, "trace: a backward is going on");
    release(x, y);
}

static void test_trace_hooks_out_of_memory(void **state) {
    luron_ctx *ctx = *state;
    int ud[1], failures = 0;
    void *const uds[] = {&ud[0]};
    luron_tensor *x = LEAF(ctx, 2), *y = times(ctx, x, x);
    hang(ctx, x, &ud[0]);
    luron_held held[] = {of(x), of(y)};
    const int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int64_t k = 1;; k++, failures++) {
        luron_ways ways = {0};
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron_trace_hooks(&ways, ctx, 2, held, 1, uds);
        luron_ctx_fail_alloc(ctx, 0, 0);
        luron_ways_free(ctx, &ways);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        if (!status) break;
        assert_int_equal(status, LURON_E_NOMEM);
        assert_null(ways.ways);
    }
    assert_true(failures > 4);
    release(x, y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_trace_hooks_finds_the_ways),
        test_case(test_trace_hooks_in_a_loop),
        cmocka_unit_test_setup_teardown(test_trace_hooks_of_layers_models_and_optimisers, fake_setup, test_ctx_free),
        test_case(test_trace_hooks_of_a_long_tape),
        test_case(test_trace_hooks_refused),
        test_case(test_trace_hooks_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
