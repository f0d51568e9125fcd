/* luron_trace: which references lead to which hooks, and what else does. */
#include "fake_layers.h"
#include "on_tape.h"

static int fake_setup(void **state) {
    if (test_ctx_new(state)) return -1;
    return luron_plugin_add(*state, &luron_plugin_fakes, NULL) == LURON_OK ? 0 : -1;
}
#define fake_test(f) cmocka_unit_test_setup_teardown(f, fake_setup, test_ctx_free)

static luron_status nothing(luron_ctx *ctx, void *ud, luron_tensor *g, luron_tensor **instead) {
    (void)ctx, (void)ud, (void)g, (void)instead;
    return LURON_OK;
}
static luron_status no_forward(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, int n_out,
                               luron_tensor *const *outs, luron_tensor **instead) {
    (void)ctx, (void)ud, (void)n_in, (void)ins, (void)n_out, (void)outs, (void)instead;
    return LURON_OK;
}
static luron_status no_backward(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *grad_ins, int n_out,
                                luron_tensor *const *grad_outs, luron_tensor **instead) {
    (void)ctx, (void)ud, (void)n_in, (void)grad_ins, (void)n_out, (void)grad_outs, (void)instead;
    return LURON_OK;
}
static const luron_layer_hook layer_hook = {
    .struct_size = sizeof layer_hook, .forward = no_forward, .backward = no_backward};

static luron_held tensor(luron_tensor *t) { return (luron_held){LURON_HELD_TENSOR, t, 77}; }

static void test_trace_of_tensors(void **state) {
    luron_ctx *ctx = *state;
    int marks[3];
    void *uds[3] = {&marks[0], &marks[1], &marks[2]};
    int64_t id;
    uint64_t elsewhere = 0;
    luron_tensor *x = LEAF(ctx, 1), *w = LEAF(ctx, 2), *y = one(ctx, luron_square, x), *z = two(ctx, luron_mul, y, w),
                 *apart = LEAF(ctx, 3);
    assert_ok(ctx, luron_tensor_add_hook(&id, ctx, x, nothing, uds[0], NULL));
    assert_ok(ctx, luron_tensor_add_hook(&id, ctx, y, nothing, uds[1], NULL));
    luron_held held[] = {tensor(z), tensor(y), tensor(x), tensor(w), tensor(apart), tensor(NULL)};
    assert_ok(ctx, luron_trace_hooks(&elsewhere, ctx, 6, held, 3, uds));
    const uint64_t reaches[] = {3, 3, 1, 0, 0, 0};
    for (int i = 0; i < 6; i++)
        assert_int_equal(held[i].reaches, reaches[i]);
    assert_int_equal(elsewhere & 7, 4);                                /* nobody has the third */
    assert_ok(ctx, luron_trace_hooks(&elsewhere, ctx, 5, held + 1, 3, uds)); /* z is somebody else's */
    assert_int_equal(elsewhere & 7, 7);
    luron_tensor_unref(z);
    assert_ok(ctx, luron_trace_hooks(&elsewhere, ctx, 5, held + 1, 3, uds));
    assert_int_equal(elsewhere & 7, 4);
    luron_tensor_ref(x);
    assert_ok(ctx, luron_trace_hooks(&elsewhere, ctx, 5, held + 1, 3, uds));
    assert_int_equal(elsewhere & 7, 4 | 1); /* y's hook is not behind x */
    luron_held both[] = {tensor(x), tensor(x), tensor(y)};
    assert_ok(ctx, luron_trace_hooks(&elsewhere, ctx, 3, both, 3, uds));
    assert_int_equal(elsewhere & 7, 4);
    release(x, x, w, y, apart);
}

/* A gradient on the tape holds its leaf: a loop. */
static void test_trace_through_loops(void **state) {
    luron_ctx *ctx = *state;
    int mark;
    void *uds[1] = {&mark};
    int64_t id;
    uint64_t elsewhere = 0;
    luron_tensor *x = LEAF(ctx, 3), *y = one(ctx, luron_square, x), *z;
    assert_ok(ctx, luron_backward(ctx, y, NULL, LURON_CREATE_GRAPH));
    z = luron_tensor_grad(x);
    assert_ok(ctx, luron_tensor_add_hook(&id, ctx, z, nothing, &mark, NULL));
    luron_held held[] = {tensor(x), tensor(y)};
    assert_ok(ctx, luron_trace_hooks(&elsewhere, ctx, 2, held, 1, uds));
    assert_true(held[0].reaches == 1 && held[1].reaches == 1 && (elsewhere & 1) == 0);
    luron_tensor_ref(z);
    assert_ok(ctx, luron_trace_hooks(&elsewhere, ctx, 2, held, 1, uds));
    assert_int_equal(elsewhere & 1, 1);
    assert_ok(ctx, luron_tensor_set_grad(ctx, x, NULL));
    release(z, x, y);
}

static void test_trace_of_layers_models_and_optimisers(void **state) {
    luron_ctx *ctx = *state;
    int marks[3];
    void *uds[3] = {&marks[0], &marks[1], &marks[2]};
    int64_t id;
    uint64_t elsewhere = 0;
    luron_layer *layer;
    luron_model *m;
    luron_value v;
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 3), NULL), *y;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Affine", NULL));
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    assert_ok(ctx, luron_model_add(&v, ctx, m, NULL, layer, 1, &v));
    assert_ok(ctx, luron_layer_add_hook(&id, ctx, layer, &layer_hook, uds[0]));
    assert_ok(ctx, luron_model_add_hook(&id, ctx, m, &layer_hook, uds[1]));
    assert_ok(ctx, luron_tensor_add_hook(&id, ctx, luron_layer_param(layer, 0), nothing, uds[2], NULL));
    assert_ok(ctx, luron_model_run(&y, ctx, m, 1, &x)); /* its gates lead to layer and model */
    luron_held held[] = {{LURON_HELD_LAYER, layer, 0}, {LURON_HELD_MODEL, m, 0}, tensor(y), tensor(x)};
    assert_ok(ctx, luron_trace_hooks(&elsewhere, ctx, 4, held, 3, uds));
    assert_true(held[0].reaches == 5 && held[1].reaches == 7 && held[2].reaches == 7 && held[3].reaches == 0);
    assert_int_equal(elsewhere & 7, 0);
    assert_ok(ctx, luron_trace_hooks(&elsewhere, ctx, 1, held, 3, uds)); /* the layer alone: the model has it too */
    assert_int_equal(elsewhere & 7, 7);
    release(x, y);
    luron_layer_unref(layer);
    luron_model_unref(m);
}

static luron_status trace_inside(luron_ctx *ctx, void *ud, luron_tensor *g, luron_tensor **instead) {
    uint64_t elsewhere;
    (void)ud, (void)g, (void)instead;
    return luron_trace_hooks(&elsewhere, ctx, 0, NULL, 0, NULL);
}

static void test_trace_refuses_and_runs_out_of_memory(void **state) {
    luron_ctx *ctx = *state;
    int64_t id;
    uint64_t elsewhere = 0;
    luron_tensor *x = LEAF(ctx, 3), *y = luron_tensor_ref(x), *next;
    assert_ok(ctx, luron_tensor_add_hook(&id, ctx, x, trace_inside, NULL, NULL));
    for (int i = 0; i < 3000; i++)
        next = one(ctx, luron_neg, y), luron_tensor_unref(y), y = next;
    assert_fails(ctx, luron_backward(ctx, y, NULL, LURON_RETAIN_GRAPH), LURON_E_STATE, "trace: a backward is going on");
    assert_fails(ctx, luron_trace_hooks(&elsewhere, ctx, 0, NULL, 65, NULL), LURON_E_ARGUMENT, "at most 64");
    luron_held held[] = {tensor(y), tensor(x)};
    void *uds[] = {NULL};
    int64_t blocks = luron_ctx_live_blocks(ctx), k = 1;
    for (;; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron_trace_hooks(&elsewhere, ctx, 2, held, 1, uds);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        if (status == LURON_OK) break;
        assert_int_equal(status, LURON_E_NOMEM);
    }
    assert_true(k > 8 && held[0].reaches == 1 && elsewhere == ~(uint64_t)1);
    release(x, y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_trace_of_tensors),
        test_case(test_trace_through_loops),
        fake_test(test_trace_of_layers_models_and_optimisers),
        test_case(test_trace_refuses_and_runs_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
