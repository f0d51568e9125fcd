/* Recomputation: the same gradients from less memory. */
#include "fake_layers.h"

#include "on_tape.h"

/* ---- blocks that are applied once more in the backward ----------------------------------------------------------- */
typedef struct block {
    luron_tensor *x, *w; /* borrowed */
    bool draws;
    int calls, released, done, graph, fail_at, other_at; /* the call (from 1) that fails, or gives another shape */
} block;

/* tanh(x w) w, times uniform numbers where it draws. */
static luron_status compute(luron_tensor **out, luron_ctx *ctx, const block *b) {
    luron_tensor *t[4] = {0};
    luron_status status = luron_mul(&t[0], ctx, b->x, b->w);
    if (!status) status = luron_tanh(&t[1], ctx, t[0]);
    if (!status) status = luron_tensor_full(&t[2], ctx, LURON_F64, b->x->ndim, b->x->shape, 1);
    if (!status && b->draws) status = luron_tensor_uniform(ctx, t[2], 0, 1);
    if (!status) status = luron_mul(&t[3], ctx, t[1], t[2]);
    if (!status) status = luron_mul(out, ctx, t[3], b->w);
    release(t[0], t[1], t[2], t[3]);
    return status;
}

static luron_status again(luron_ctx *ctx, void *ud, int n_out, luron_tensor **outs) {
    block *b = ud;
    assert_int_equal(n_out, 1);
    if (++b->calls == b->fail_at) return luron__fail(ctx, LURON_E_CALLBACK, "again fails on purpose");
    if (b->calls == b->other_at) return luron_sum(outs, ctx, b->x, 0, NULL, 0);
    return compute(outs, ctx, b);
}
static void let_go(void *ud) { ((block *)ud)->released++; }
static void finish(luron_ctx *ctx, void *ud, int graph) {
    block *b = ud;
    (void)ctx;
    b->done++, b->graph = graph;
}
static const luron_segment segment = {sizeof segment, 0, again, let_go, finish};

/* N blocks one after the other that share w; y is the sum of the last. */
enum { N_BLOCKS = 3 };
typedef struct chain {
    block b[N_BLOCKS];
    luron_tensor *made[N_BLOCKS], *y;
} chain;

static luron_status chain_make(chain *c, luron_ctx *ctx, luron_tensor *x, luron_tensor *w, bool keep) {
    for (int i = 0; i < N_BLOCKS; i++) {
        luron_mark mark = luron_tape_mark(ctx);
        c->b[i].x = i ? c->made[i - 1] : x, c->b[i].w = w;
        LURON_TRY(compute(&c->made[i], ctx, &c->b[i]));
        if (!keep) LURON_TRY(luron_recompute(ctx, mark, &segment, &c->b[i], 1, &c->made[i]));
    }
    return luron_sum(&c->y, ctx, c->made[N_BLOCKS - 1], 0, NULL, 0);
}
static void chain_free(chain *c) {
    for (int i = 0; i < N_BLOCKS; i++)
        luron_tensor_unref(c->made[i]);
    luron_tensor_unref(c->y);
}

/* ---- tests ---- */
static void gradients(luron_ctx *ctx, bool keep, bool draws, luron_tensor **gx, luron_tensor **gw) {
    luron_tensor *x = LEAF(ctx, 0.3, -1, 2), *w = LEAF(ctx, 0.5, 1.5, -0.7);
    chain c = {.b = {{.draws = draws}, {.draws = draws}, {.draws = draws}}};
    uint64_t seed, before, after;
    luron_ctx_seed(ctx, 5);
    assert_ok(ctx, chain_make(&c, ctx, x, w, keep));
    luron_ctx_random_state(ctx, &seed, &before);
    assert_ok(ctx, luron_backward(ctx, c.y, NULL, 0));
    luron_ctx_random_state(ctx, &seed, &after);
    assert_int_equal(before, after);
    for (int i = 0; i < N_BLOCKS && !keep; i++) {
        assert_int_equal(c.b[i].calls, 1);
        assert_int_equal(c.b[i].done, 1);
        assert_int_equal(c.b[i].graph, 0);
        assert_int_equal(c.b[i].released, 1);
    }
    *gx = luron_tensor_ref(luron_tensor_grad(x)), *gw = luron_tensor_ref(luron_tensor_grad(w));
    chain_free(&c);
    release(x, w);
}

static void test_recompute_gives_the_same_gradients(void **state) {
    luron_ctx *ctx = *state;
    for (int draws = 0; draws < 2; draws++) {
        luron_tensor *gx, *gw, *rx, *rw;
        gradients(ctx, true, draws, &gx, &gw);
        gradients(ctx, false, draws, &rx, &rw);
        assert_tensor_same(rx, gx);
        /* w's gradient: each block's share is summed before it is added to the others', so the last bit may differ */
        double values[3];
        assert_ok(ctx, luron_tensor_read(ctx, gw, LURON_F64, values));
        assert_tensor_close(rw, values, 3, 1e-14, 0);
        release(gx, gw, rx, rw);
    }
}

static luron_status checked(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    chain *c = ud;
    chain_free(c);
    *c = (chain){0};
    LURON_TRY(chain_make(c, ctx, ins[0], ins[1], false));
    *out = luron_tensor_ref(c->made[N_BLOCKS - 1]);
    return LURON_OK;
}

static void test_recompute_to_second_order(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *ins[2] = {LEAF(ctx, 0.3, -1, 2), LEAF(ctx, 0.5, 1.5, -0.7)};
    chain c = {0};
    assert_ok(ctx, luron_gradcheck(ctx, checked, &c, 2, ins, &(luron_gradcheck_options){.order = 2}));
    chain_free(&c);
    c = (chain){0};
    luron_tensor *g;
    assert_ok(ctx, chain_make(&c, ctx, ins[0], ins[1], false));
    assert_ok(ctx, luron_grad(&g, ctx, 1, &c.y, NULL, 1, ins, LURON_CREATE_GRAPH));
    assert_int_equal(c.b[0].done, 1);
    assert_int_equal(c.b[0].graph, 1);
    luron_tensor_unref(g);
    chain_free(&c);
    release(ins[0], ins[1]);
}

/* A block of ten functions over 1 MiB: ten results are kept, or none of them. */
static luron_status deep(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *at = luron_tensor_ref(x), *next;
    for (int i = 0; i < 10; i++) {
        luron_status status = luron_tanh(&next, ctx, at);
        luron_tensor_unref(at);
        LURON_TRY(status);
        at = next;
    }
    *out = at;
    return LURON_OK;
}
static luron_status deep_again(luron_ctx *ctx, void *ud, int n_out, luron_tensor **outs) {
    (void)n_out;
    return deep(outs, ctx, ud);
}

static void test_recompute_keeps_less(void **state) {
    luron_ctx *ctx = *state;
    static const luron_segment fn = {sizeof fn, 0, deep_again, NULL, NULL};
    const int64_t numbers = 1 << 17;
    luron_tensor *x = tensor_of(ctx, LURON_F64, 1, &numbers, NULL), *y;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    const int64_t before = luron_ctx_live_bytes(ctx);
    assert_ok(ctx, deep(&y, ctx, x));
    assert_true(luron_ctx_live_bytes(ctx) - before >= 10 * numbers * 8);
    luron_tensor_unref(y);
    luron_mark mark = luron_tape_mark(ctx);
    assert_ok(ctx, deep(&y, ctx, x));
    assert_ok(ctx, luron_recompute(ctx, mark, &fn, x, 1, &y));
    assert_true(luron_ctx_live_bytes(ctx) - before < numbers * 8 + 4096);
    luron_tensor *sum = total(ctx, y);
    assert_ok(ctx, luron_backward(ctx, sum, NULL, 0));
    double least;
    luron_tensor *all_one;
    assert_ok(ctx, luron_amin(&all_one, ctx, luron_tensor_grad(x), 0, NULL, 0));
    assert_ok(ctx, luron_tensor_item(&least, ctx, all_one));
    assert_true(least == 1);
    luron_tensor_unref(all_one);
    release(x, y, sum);
}

/* The same segment may be walked twice where the tape is kept; a segment inside a segment is made again twice. */
static void test_recompute_again_and_nested(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 0.25), *w = LEAF(ctx, 2);
    chain c = {0};
    assert_ok(ctx, chain_make(&c, ctx, x, w, false));
    assert_ok(ctx, luron_backward(ctx, c.y, NULL, LURON_RETAIN_GRAPH));
    assert_int_equal(c.b[0].released, 0);
    luron_tensor *once, *twice;
    assert_ok(ctx, luron_copy(&once, ctx, luron_tensor_grad(x)));
    assert_ok(ctx, luron_backward(ctx, c.y, NULL, 0));
    assert_ok(ctx, luron_scale(&twice, ctx, once, 2, 0));
    assert_tensor_same(luron_tensor_grad(x), twice);
    assert_int_equal(c.b[0].calls, 2);
    assert_fails(ctx, luron_backward(ctx, c.y, NULL, 0), LURON_E_STATE, "a second time");
    chain_free(&c);
    release(x, w, once, twice);
}

static void test_recompute_with_nothing_to_record(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F64, 1, 2), *w = tensor_row(ctx, LURON_F64, 3, 4);
    chain c = {0};
    assert_ok(ctx, chain_make(&c, ctx, x, w, false));
    for (int i = 0; i < N_BLOCKS; i++)
        assert_int_equal(c.b[i].released, 1);
    assert_false(luron_tensor_requires_grad(c.y));
    chain_free(&c);
    luron_mark later = {luron_tape_mark(ctx).seq + 1, 0};
    block b = {.x = x, .w = w};
    luron_tensor *y = luron_tensor_ref(x);
    assert_fails(ctx, luron_recompute(ctx, later, &segment, &b, 1, &y), LURON_E_ARGUMENT,
                 "the mark is none of this context");
    assert_fails(ctx, luron_recompute(ctx, luron_tape_mark(ctx), &(luron_segment){0}, &b, 1, &y), LURON_E_ARGUMENT,
                 "a function expected");
    release(x, w, y);
}

static void test_recompute_refused(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        block b;
        bool change;
        luron_status status;
        const char *part;
    } cases[] = {
        {{.fail_at = 1}, false, LURON_E_CALLBACK, "again fails on purpose"},
        {{.other_at = 1},
         false,
         LURON_E_STATE,
         "recompute: output 0 was float64 (2,), the second time it is float64 (): the function has to do the same "
         "again"},
        {{0}, true, LURON_E_STATE, "of 'recompute' was changed in place"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        luron_tensor *x = LEAF(ctx, 0.3, -1), *w = LEAF(ctx, 0.5, 1.5);
        chain c = {.b = {[1] = cases[i].b}};
        assert_ok(ctx, chain_make(&c, ctx, x, w, false));
        if (cases[i].change) {
            luron_ctx_set_recording(ctx, 0);
            assert_ok(ctx, luron_tensor_fill(ctx, w, 1));
            luron_ctx_set_recording(ctx, 1);
        }
        assert_fails(ctx, luron_backward(ctx, c.y, NULL, 0), cases[i].status, cases[i].part);
        assert_null(luron_tensor_grad(x));
        assert_null(luron_tensor_grad(w));
        assert_true(luron_ctx_is_recording(ctx));
        chain_free(&c);
        for (int k = 0; k < N_BLOCKS; k++)
            assert_int_equal(c.b[k].released, 1);
        assert_int_equal(c.b[1].done, c.b[1].calls && !cases[i].b.fail_at);
        release(x, w);
    }
}

/* Running state of a layer moves once, in the first forward. */
typedef struct counting {
    luron_layer *layer;
    luron_tensor *x;
} counting;
static luron_status count_again(luron_ctx *ctx, void *ud, int n_out, luron_tensor **outs) {
    counting *c = ud;
    (void)n_out;
    return luron_layer_apply(outs, ctx, c->layer, 1, &c->x);
}

static void test_recompute_moves_state_once(void **state) {
    luron_ctx *ctx = *state;
    static const luron_segment fn = {offsetof(luron_segment, done), 0, count_again, NULL, finish /* not read */};
    assert_ok(ctx, luron_plugin_add(ctx, &luron_plugin_fakes, NULL));
    counting c = {.x = LEAF(ctx, 1)};
    luron_tensor *y;
    double count;
    assert_ok(ctx, luron_layer_new(&c.layer, ctx, "Counter", 0, NULL));
    assert_ok(ctx, luron_layer_set_dtype(ctx, c.layer, LURON_F64));
    luron_mark mark = luron_tape_mark(ctx);
    assert_ok(ctx, luron_layer_apply(&y, ctx, c.layer, 1, &c.x));
    assert_ok(ctx, luron_recompute(ctx, mark, &fn, &c, 1, &y));
    assert_ok(ctx, luron_backward(ctx, y, NULL, 0));
    assert_ok(ctx, luron_tensor_item(&count, ctx, luron_layer_state(c.layer, 0)));
    assert_true(count == 4);
    luron_layer_unref(c.layer);
    release(c.x, y);
}

static void test_recompute_out_of_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 0.3, -1, 2), *w = LEAF(ctx, 0.5, 1.5, -0.7);
    int failures = 0;
    for (int64_t k = 1;; k++) {
        chain c = {0};
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = chain_make(&c, ctx, x, w, false);
        if (!status) status = luron_backward(ctx, c.y, NULL, 0);
        luron_ctx_fail_alloc(ctx, 0, 0);
        chain_free(&c);
        if (!status) break;
        assert_int_equal(status, LURON_E_NOMEM);
        assert_null(luron_tensor_grad(x));
        failures++;
    }
    assert_true(failures > 50);
    release(x, w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_recompute_gives_the_same_gradients),
        test_case(test_recompute_to_second_order),
        test_case(test_recompute_keeps_less),
        test_case(test_recompute_again_and_nested),
        test_case(test_recompute_with_nothing_to_record),
        test_case(test_recompute_refused),
        test_case(test_recompute_moves_state_once),
        test_case(test_recompute_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
