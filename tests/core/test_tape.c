/* The tape's life: long chains on a small stack, functions of our own, memory that runs out, garbage. */
#include "on_tape.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- long chains, little stack ---------------------------------------------------------------------------------- */
static luron_status copy_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in,
                                  luron_tensor **grad_ins) {
    (void)ctx, (void)ud, (void)n_out, (void)n_in;
    grad_ins[0] = luron_tensor_ref(grad_outs[0]);
    return LURON_OK;
}
static void copy_release(void *ud) { luron_tensor_unref(ud); }
/** Its data is its operand, as of a function that saves it. */
static const luron_function copy_fn = {
    .struct_size = sizeof copy_fn, .name = "copy", .backward = copy_backward, .release = copy_release};

static luron_status apply_copy(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    int was = luron_ctx_set_recording(ctx, 0);
    luron_status status = luron_copy(out, ctx, x);
    luron_ctx_set_recording(ctx, was);
    return status ? status : luron_record(ctx, &copy_fn, luron_tensor_ref(x), 1, &x, 1, out);
}

enum { LINKS = 100000, STACK = 256 * 1024 };
typedef struct chain {
    luron_ctx *ctx;
    luron_status status;
    double grad, second;
} chain;

/** y = x + 1 + 1 ... or x doubled and halved ..., LINKS nodes. */
static luron_status links(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, bool scales) {
    luron_tensor *y = luron_tensor_ref(x), *next;
    for (int i = 0; i < LINKS; i++) {
        luron_status status = luron_scale(&next, ctx, y, !scales ? 1 : i % 2 ? 0.5 : 2, scales ? 0 : 1);
        luron_tensor_unref(y);
        LURON_TRY(status);
        y = next;
    }
    *out = y;
    return LURON_OK;
}

/** Chains that only the data of functions, and only gradients of gradients hold. */
static luron_status drop_chains(luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y = luron_tensor_ref(x), *g = luron_tensor_ref(x), *next;
    for (int i = 0; i < LINKS; i++) {
        LURON_TRY(apply_copy(&next, ctx, y));
        luron_tensor_unref(y);
        y = next;
        LURON_TRY(luron_tensor_full(&next, ctx, LURON_F64, LURON_SHAPE(1), 0));
        LURON_TRY(luron_tensor_set_grad(ctx, next, g));
        luron_tensor_unref(g);
        g = next;
    }
    luron_tensor_unref(y);
    luron_tensor_unref(g);
    return LURON_OK;
}

static luron_status run_chain(chain *c) {
    luron_ctx *ctx = c->ctx;
    luron_tensor *x, *y, *square, *g, *gg;
    LURON_TRY(luron_tensor_full(&x, ctx, LURON_F64, LURON_SHAPE(1), 3));
    LURON_TRY(luron_tensor_set_requires_grad(ctx, x, 1));
    LURON_TRY(drop_chains(ctx, x));
    LURON_TRY(links(&y, ctx, x, false));
    luron_tensor_unref(y); /* a chain that nobody walks */
    LURON_TRY(links(&y, ctx, x, false));
    LURON_TRY(luron_backward(ctx, y, NULL, LURON_RETAIN_GRAPH));
    LURON_TRY(luron_backward(ctx, y, NULL, 0)); /* released while it is walked */
    luron_tensor_unref(y);
    LURON_TRY(luron_tensor_item(&c->grad, ctx, luron_tensor_grad(x)));
    LURON_TRY(luron_square(&square, ctx, x));
    LURON_TRY(links(&y, ctx, square, true));
    LURON_TRY(luron_grad(&g, ctx, 1, &y, NULL, 1, &x, LURON_CREATE_GRAPH)); /* a tape of the backward as long again */
    luron_tensor_unref(y);
    LURON_TRY(luron_grad(&gg, ctx, 1, &g, NULL, 1, &x, 0));
    LURON_TRY(luron_tensor_item(&c->second, ctx, gg));
    luron_tensor *all[] = {x, square, g, gg};
    for (int i = 0; i < 4; i++) luron_tensor_unref(all[i]);
    return LURON_OK;
}

static void *run_thread(void *arg) {
    chain *c = arg;
    c->status = run_chain(c);
    return NULL;
}

static void test_tape_long_chain_does_not_recurse(void **state) {
    chain c = {.ctx = *state, .status = LURON_E_INTERNAL};
    pthread_attr_t attr;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, STACK), 0);
    assert_int_equal(pthread_create(&thread, &attr, run_thread, &c), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
    assert_ok(c.ctx, c.status);
    assert_true(c.grad == 2);
    assert_true(c.second == 2);
}

/* ---- functions with a gradient of their own --------------------------------------------------------------------- */
typedef struct ours {
    luron_tensor *x; /* saved, owned */
    int *calls, *released;
    luron_status fails; /* backward's status */
    bool bad_shape;
} ours;

static luron_status ours_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in,
                                  luron_tensor **grad_ins) {
    ours *o = ud;
    (void)n_out, (void)n_in;
    ++*o->calls;
    if (o->fails) return luron__fail(ctx, o->fails, "ours: as told");
    if (o->bad_shape) return luron_sum(&grad_ins[0], ctx, grad_outs[0], 0, NULL, 0);
    luron_tensor *twice;
    if (!grad_outs[0]) return LURON_OK;
    LURON_TRY(luron_scale(&twice, ctx, o->x, 2, 0));
    luron_status status = luron_mul(&grad_ins[0], ctx, twice, grad_outs[0]);
    luron_tensor_unref(twice);
    return status;
}
static void ours_release(void *ud) {
    ours *o = ud;
    ++*o->released;
    luron_tensor_unref(o->x);
    free(o);
}
static const luron_function ours_fn = {
    .struct_size = sizeof ours_fn, .name = "ours", .backward = ours_backward, .release = ours_release};

/** x^2 and a copy of x without a gradient, by a function of our own. */
static ours *ours_apply(luron_ctx *ctx, luron_tensor *x, luron_tensor **outs, int *calls, int *released) {
    ours *o = malloc(sizeof *o);
    assert_non_null(o);
    *o = (ours){.x = luron_tensor_ref(x), .calls = calls, .released = released};
    int was = luron_ctx_set_recording(ctx, 0);
    outs[0] = one(ctx, luron_square, x), outs[1] = one(ctx, luron_copy, x);
    luron_ctx_set_recording(ctx, was);
    assert_ok(ctx, luron_record(ctx, &ours_fn, o, 1, &x, 2, outs));
    return o;
}

static void test_tape_function_of_our_own(void **state) {
    luron_ctx *ctx = *state;
    int calls = 0, released = 0;
    luron_tensor *x = LEAF(ctx, 3, 4), *outs[2], *s, *g, *gg;
    ours_apply(ctx, x, outs, &calls, &released);
    assert_true(luron_tensor_requires_grad(outs[0]) && luron_tensor_requires_grad(outs[1]));
    s = total(ctx, outs[0]);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, LURON_CREATE_GRAPH));
    assert_values(g, 6, 8);
    release(s);
    s = total(ctx, g);
    assert_ok(ctx, luron_grad(&gg, ctx, 1, &s, NULL, 1, &x, LURON_RETAIN_GRAPH)); /* its backward is made of ops */
    assert_values(gg, 2, 2);
    release(s, g, gg);
    s = total(ctx, outs[1]); /* flows into the second output alone */
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, 0));
    assert_null(g);
    assert_int_equal(calls, 2);
    assert_int_equal(released, 1); /* with the tape that it was on */
    assert_fails(ctx, luron_backward(ctx, outs[0], x, 0), LURON_E_STATE, "a second time");
    release(s, outs[0], outs[1], x);
    assert_int_equal(released, 1);
}

static void test_tape_function_released_unused(void **state) {
    luron_ctx *ctx = *state;
    int calls = 0, released = 0;
    luron_tensor *x = LEAF(ctx, 3), *outs[2], *plain = tensor_row(ctx, LURON_F64, 1);
    ours_apply(ctx, x, outs, &calls, &released);
    release(outs[0], outs[1]);
    assert_int_equal(released, 1);
    ours_apply(ctx, plain, outs, &calls, &released); /* nothing needs a gradient: at once */
    assert_int_equal(released, 2);
    assert_false(luron_tensor_requires_grad(outs[0]));
    release(outs[0], outs[1], x, plain);
    assert_int_equal(calls, 0);
}

/* Function data that looks at a leaf whose gradient it is going with. */
typedef struct looking {
    luron_tensor *leaf;
    double seen;
} looking;
static void look(void *ud) {
    looking *l = ud;
    luron_tensor *g = luron_tensor_grad(l->leaf);
    l->seen = g ? ((const double *)luron_tensor_data(g))[0] : 0;
}

static void test_tape_gradient_replaced_before_released(void **state) {
    luron_ctx *ctx = *state;
    static const luron_function fn = {.struct_size = sizeof fn, .name = "look", .backward = copy_backward, .release = look};
    luron_tensor *x = LEAF(ctx, 3), *g = tensor_row(ctx, LURON_F64, 1), *y = one(ctx, luron_square, x);
    looking l = {.leaf = x};
    assert_ok(ctx, luron_record(ctx, &fn, &l, 1, &y, 1, &g));
    assert_ok(ctx, luron_tensor_set_grad(ctx, x, g));
    double before = ((const double *)luron_tensor_data(g))[0];
    release(g, y);
    y = one(ctx, luron_square, x);
    assert_ok(ctx, luron_backward(ctx, y, NULL, 0));
    assert_true(l.seen == before + 6);
    release(x, y);
}

/* A leaf gets no gradient when another branch of the same backward fails, whichever comes first. */
static void test_tape_failing_backward_changes_nothing(void **state) {
    luron_ctx *ctx = *state;
    int calls = 0, released = 0;
    for (int shape = 0; shape < 2; shape++) {
        luron_tensor *x = LEAF(ctx, 3, 4), *w = LEAF(ctx, 1, 1), *outs[2], *late, *sum, *s;
        ours *o = ours_apply(ctx, x, outs, &calls, &released);
        o->fails = shape ? LURON_OK : LURON_E_CALLBACK, o->bad_shape = shape;
        assert_ok(ctx, luron_tensor_full(&sum, ctx, LURON_F64, LURON_SHAPE(2), 10));
        assert_ok(ctx, luron_tensor_set_grad(ctx, w, sum));
        release(sum);
        late = two(ctx, luron_mul, outs[0], w), sum = two(ctx, luron_add, late, w), s = total(ctx, sum);
        if (shape)
            assert_fails(ctx, luron_backward(ctx, s, NULL, LURON_RETAIN_GRAPH), LURON_E_SHAPE,
                         "ours: backward gave a gradient of shape () for operand 0 of shape (2,)");
        else
            assert_fails(ctx, luron_backward(ctx, s, NULL, LURON_RETAIN_GRAPH), LURON_E_CALLBACK, "ours: as told");
        assert_null(luron_tensor_grad(x));
        assert_values(luron_tensor_grad(w), 10, 10);
        o->fails = LURON_OK, o->bad_shape = false;
        assert_ok(ctx, luron_backward(ctx, s, NULL, 0)); /* and goes through afterwards */
        assert_values(luron_tensor_grad(x), 6, 8);
        assert_values(luron_tensor_grad(w), 20, 27);
        release(x, w, outs[0], outs[1], late, sum, s);
    }
    assert_int_equal(released, 2);
}

static luron_status inner_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in,
                                   luron_tensor **grad_ins) {
    (void)n_out, (void)n_in;
    luron_tensor *x = ud, *again = NULL, *y = NULL;
    int was = luron_ctx_set_recording(ctx, 1);
    luron_status status = luron_detach(&again, ctx, x);
    if (!status) status = luron_tensor_set_requires_grad(ctx, again, 1);
    if (!status) status = luron_square(&y, ctx, again);
    if (!status) status = luron_grad(grad_ins, ctx, 1, &y, grad_outs, 1, &again, 0);
    luron_ctx_set_recording(ctx, was);
    luron_tensor_unref(again);
    luron_tensor_unref(y);
    return status;
}

/* Recomputation: a backward that records and runs a backward of its own. */
static void test_tape_backward_inside_a_backward(void **state) {
    luron_ctx *ctx = *state;
    static const luron_function fn = {.struct_size = sizeof fn, .name = "recompute", .backward = inner_backward};
    luron_tensor *x = LEAF(ctx, 3, 4), *y, *z, *s;
    luron_ctx_set_recording(ctx, 0);
    y = one(ctx, luron_square, x);
    luron_ctx_set_recording(ctx, 1);
    assert_ok(ctx, luron_record(ctx, &fn, x, 1, &x, 1, &y));
    z = two(ctx, luron_mul, y, x), s = total(ctx, z); /* x^3 */
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_values(luron_tensor_grad(x), 27, 48);
    release(x, y, z, s);
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static luron_status build_and_backward(luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    luron_tensor *t[6] = {NULL};
    luron_status status = luron_mul(&t[0], ctx, a, b);
    if (!status) status = luron_sin(&t[1], ctx, t[0]);
    if (!status) status = luron_add(&t[2], ctx, t[1], b);
    if (!status) status = luron_mul(&t[3], ctx, t[2], t[0]);
    if (!status) status = luron_narrow(&t[4], ctx, t[3], 0, 0, 2);
    if (!status) status = luron_sum(&t[5], ctx, t[4], 0, NULL, 0);
    if (!status) status = luron_backward(ctx, t[5], NULL, 0);
    for (int i = 0; i < 6; i++) luron_tensor_unref(t[i]);
    return status;
}

/* The k-th allocation fails, alone or with all after it, for every k: reported, nothing lost, nothing changed; and what
 * was made to fail then goes through with the bits that it would have had.                                          */
static void test_tape_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = leaf(ctx, LURON_F32, 3, ROW(1, 2, 3)), *b = LEAF(ctx, 4, 5, 6), *first[2], *kept[2];
    assert_ok(ctx, build_and_backward(ctx, a, b));
    first[0] = one(ctx, luron_copy, luron_tensor_grad(a)), first[1] = one(ctx, luron_copy, luron_tensor_grad(b));
    for (int accumulates = 0; accumulates < 2; accumulates++)
        for (int sticky = 0; sticky < 2; sticky++) {
            assert_ok(ctx, luron_tensor_set_grad(ctx, a, accumulates ? first[0] : NULL));
            assert_ok(ctx, luron_tensor_set_grad(ctx, b, accumulates ? first[1] : NULL));
            int64_t blocks = luron_ctx_live_blocks(ctx), bytes = luron_ctx_live_bytes(ctx), k = 1;
            for (;; k++) {
                luron_ctx_fail_alloc(ctx, k, sticky);
                luron_status status = build_and_backward(ctx, a, b);
                luron_ctx_fail_alloc(ctx, 0, 0);
                if (status == LURON_OK) break;
                assert_int_equal(status, LURON_E_NOMEM);
                assert_non_null(strstr(luron_ctx_error(ctx), "not enough memory"));
                assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
                assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
                assert_ptr_equal(luron_tensor_grad(a), accumulates ? first[0] : NULL);
                assert_ptr_equal(luron_tensor_grad(b), accumulates ? first[1] : NULL);
            }
            assert_true(k > 40);
            for (int i = 0; i < 2; i++) {
                kept[i] = luron_tensor_ref(luron_tensor_grad(i ? b : a));
                if (!accumulates)
                    assert_tensor_same(kept[i], first[i]);
                else {
                    luron_tensor *twice;
                    assert_ok(ctx, luron_scale(&twice, ctx, first[i], 2, 0));
                    assert_tensor_same(kept[i], twice);
                    release(twice);
                }
                release(kept[i]);
            }
        }
    release(a, b, first[0], first[1]);
}

static void test_tape_garbage_keeps_memory_constant(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2, 3, 4);
    int64_t bytes = 0, blocks = 0;
    for (int i = 0; i < 100000; i++) {
        luron_tensor *y = NULL, *z = NULL, *g = NULL;
        luron_status status = luron_square(&y, ctx, x);
        if (!status && i % 10 == 0) {
            status = luron_mul(&z, ctx, y, x);
            if (!status) status = luron_grad(&g, ctx, 1, &z, &y, 1, &x, i % 20 ? LURON_CREATE_GRAPH : 0);
        }
        assert_int_equal(status, LURON_OK);
        release(y, z, g);
        if (i == 0) bytes = luron_ctx_live_bytes(ctx), blocks = luron_ctx_live_blocks(ctx);
    }
    assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    release(x);
}

static void test_tape_tensors_outlive_their_context(void **state) {
    (void)state;
    luron_ctx *ctx;
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    luron_tensor *x = LEAF(ctx, 1, 2), *y = one(ctx, luron_square, x), *z = two(ctx, luron_mul, y, x);
    release(x, y);
    luron_ctx_free(ctx);
    assert_values(z, 1, 8);
    release(z); /* with its tape, and then the pool */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_tape_long_chain_does_not_recurse),
        test_case(test_tape_function_of_our_own),
        test_case(test_tape_function_released_unused),
        test_case(test_tape_gradient_replaced_before_released),
        test_case(test_tape_failing_backward_changes_nothing),
        test_case(test_tape_backward_inside_a_backward),
        test_case(test_tape_without_memory),
        test_case(test_tape_garbage_keeps_memory_constant),
        test_case(test_tape_tensors_outlive_their_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
