/* What goes wrong on the tape: each case has a message of its own that says what to do. And threads that share leaves.
 */
#include "fake_layers.h"
#include "on_tape.h"

#include <pthread.h>
#include <string.h>

static int fake_setup(void **state) {
    if (test_ctx_new(state)) return -1;
    return luron_plugin_add(*state, &luron_plugin_fakes, NULL) == LURON_OK ? 0 : -1;
}
#define fake_test(f) cmocka_unit_test_setup_teardown(f, fake_setup, test_ctx_free)
static luron_layer *make(luron_ctx *ctx, const char *type, const char *options) {
    luron_layer *layer = NULL;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    return layer;
}
static luron_status apply(luron_tensor **out, luron_ctx *ctx, luron_layer *layer, luron_tensor *x) {
    return luron_layer_apply(out, ctx, layer, 1, &x);
}

/* ---- used up ----------------------------------------------------------------------------------------------------- */
static luron_status fails_in_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grads, int n_in,
                                      luron_tensor **ins) {
    (void)n_out, (void)n_in;
    if (*(int *)ud) return luron__fail(ctx, LURON_E_CALLBACK, "on purpose");
    ins[0] = luron_tensor_ref(grads[0]);
    return LURON_OK;
}
static const luron_function failing = {.struct_size = sizeof failing, .name = "failing", .backward = fails_in_backward};

static luron_tensor *by_function(luron_ctx *ctx, luron_tensor *x, int *fails) {
    luron_tensor *y = NULL;
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_copy(&y, ctx, x));
    luron_ctx_set_recording(ctx, 1);
    assert_ok(ctx, luron_record(ctx, &failing, fails, 1, &x, 1, &y));
    return y;
}

static void test_messages_of_a_tape_used_up(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *y = one(ctx, luron_square, x), *a = one(ctx, luron_exp, y),
                 *b = one(ctx, luron_sin, y);
    assert_ok(ctx, luron_backward(ctx, a, NULL, 0));
    assert_fails(ctx, luron_backward(ctx, a, NULL, 0), LURON_E_STATE,
                 "backward through 'exp' a second time: the first has used the tape up: give that one retain_graph");
    assert_fails(ctx, luron_backward(ctx, b, NULL, 0), LURON_E_STATE,
                 "backward through 'square' a second time: a backward from another result has used up the part");
    /* the last one got as far as 'sin' */
    assert_fails(
        ctx, luron_backward(ctx, b, NULL, 0), LURON_E_STATE,
        "backward through 'sin': the tape was partly used by a backward that failed: compute the result again");
    release(y, a, b);
    int fails = 1;
    y = one(ctx, luron_square, x), b = by_function(ctx, y, &fails), a = one(ctx, luron_exp, b);
    assert_fails(ctx, luron_backward(ctx, a, NULL, LURON_RETAIN_GRAPH), LURON_E_CALLBACK, "on purpose");
    fails = 0;
    assert_ok(ctx, luron_backward(ctx, a, NULL, LURON_RETAIN_GRAPH)); /* nothing was used up */
    assert_ok(ctx, luron_backward(ctx, a, NULL, 0));
    release(a);
    a = one(ctx, luron_exp, b);
    assert_fails(ctx, luron_backward(ctx, a, NULL, 0), LURON_E_STATE,
                 "backward through 'failing' a second time: a backward from another");
    release(x, y, a, b);
}

static void test_messages_name_layers(void **state) {
    luron_ctx *ctx = *state;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_layer *pair = make(ctx, "Pair", "{\"n\": 2}");
    luron_tensor *x = LEAF(ctx, 1, 2), *b = tensor_row(ctx, LURON_F64, 3, 4), *outs[2];
    assert_ok(ctx, luron_layer_set_name(ctx, pair, "enc.pair"));
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 2, (luron_tensor *[]){x, b}));
    assert_ok(ctx, luron_backward(ctx, outs[1], NULL, LURON_RETAIN_GRAPH));
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_fill(ctx, b, 1));
    luron_ctx_set_recording(ctx, 1);
    assert_fails(ctx, luron_backward(ctx, outs[1], NULL, 0), LURON_E_STATE,
                 "input 'b' of layer 'enc.pair' = Pair was changed in place after it was saved for the gradient (shape "
                 "(2,), version 1, saved 0): change a clone of it");
    release(outs[0], outs[1]);
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 2, (luron_tensor *[]){x, b}));
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_fill(ctx, luron_layer_param(pair, 0), 1));
    luron_ctx_set_recording(ctx, 1);
    assert_fails(ctx, luron_backward(ctx, outs[1], NULL, 0), LURON_E_STATE,
                 "parameter 'weight' of layer 'enc.pair' = Pair was changed in place after it was saved for the "
                 "gradient (shape (2,), version 2, saved 1): change parameters, as a step");
    release(outs[0], outs[1]);
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 2, (luron_tensor *[]){x, b}));
    assert_ok(ctx, luron_backward(ctx, outs[1], NULL, 0));
    luron_layer_unref(pair);
    assert_fails(ctx, luron_backward(ctx, outs[1], NULL, 0), LURON_E_STATE,
                 "backward through layer Pair a second time: the first has used");
    release(x, b, outs[0], outs[1]);
}

/* ---- what cannot be gone back from ------------------------------------------------------------------------------- */
static void test_messages_of_results_without_a_tape(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *square = make(ctx, "Square", NULL), *affine;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    affine = make(ctx, "Affine", NULL);
    luron_tensor *plain = tensor_row(ctx, LURON_F64, 1), *x = LEAF(ctx, 1, 2),
                 *rows = tensor_of(ctx, LURON_F64, LURON_SHAPE(1, 3), NULL), *y, *s, *g;
    assert_fails(ctx, luron_backward(ctx, plain, NULL, 0), LURON_E_STATE,
                 "backward: the tensor of shape (1,) depends on nothing that requires a gradient (say so of a leaf");
    s = one(ctx, luron_square, plain);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_STATE, "depends on nothing");
    release(s);
    luron_ctx_set_recording(ctx, 0);
    s = total(ctx, x);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_STATE,
                 "the tensor of shape () was made while nothing was recorded (no_grad, or a backward without "
                 "create_graph): compute it with");
    assert_ok(ctx, apply(&y, ctx, square, x));
    assert_fails(ctx, luron_backward(ctx, y, x, 0), LURON_E_STATE, "made while nothing was recorded");
    release(y, s);
    assert_ok(ctx, apply(&y, ctx, affine, rows));
    assert_fails(ctx, luron_backward(ctx, y, y, 0), LURON_E_STATE, "made while nothing was recorded");
    luron_ctx_set_recording(ctx, 1);
    release(y);
    y = one(ctx, luron_square, x);
    assert_fails(ctx, luron_backward(ctx, y, NULL, 0), LURON_E_SHAPE,
                 "a tensor of one element expected, got shape (2,) (reduce it with sum or mean, or give the gradient "
                 "of that shape)");
    s = total(ctx, y);
    luron_ctx_set_recording(ctx, 0); /* the tape is there: going back needs no recording */
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, 0));
    luron_ctx_set_recording(ctx, 1);
    assert_values(g, 2, 4);
    release(s);
    s = total(ctx, g);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_STATE,
                 "depends on nothing"); /* made while recording was on, from what was not */
    assert_fails(ctx, luron_backward(ctx, g, x, 0), LURON_E_STATE, "a backward without create_graph");
    release(plain, x, rows, y, s, g);
    luron_layer_unref(square);
    luron_layer_unref(affine);
}

/* ---- loops: they cannot be made ---------------------------------------------------------------------------------- */
static void test_messages_of_loops(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1), *w = LEAF(ctx, 2), *plain = tensor_row(ctx, LURON_F64, 3), *y, *part;
    int fails = 0;
    /* an output that is an input */
    assert_fails(ctx, luron_record(ctx, &failing, &fails, 1, &x, 1, &x), LURON_E_STATE,
                 "output 0 is already on the tape");
    assert_fails(ctx, luron_record(ctx, &failing, &fails, 2, (luron_tensor *[]){w, plain}, 1, &plain), LURON_E_ARGUMENT,
                 "failing: output 0 is input 1: a tensor cannot be made from itself (detach gives another one");
    /* writing a result into what it was made from */
    y = two(ctx, luron_mul, x, plain);
    assert_fails(ctx, luron_tensor_copy(ctx, x, y), LURON_E_STATE, "requires a gradient");
    assert_fails(ctx, luron_tensor_copy(ctx, plain, y), LURON_E_STATE, "source needs a gradient");
    assert_ok(ctx, luron_narrow(&part, ctx, y, 0, 0, 1));
    assert_fails(ctx, luron_tensor_copy(ctx, part, part), LURON_E_STATE, "made by recorded operations");
    assert_fails(ctx, luron_tensor_set_grad(ctx, x, x), LURON_E_ARGUMENT, "its own gradient");
    /* and if memory were overwritten so that there is one */
    uint64_t seq = y->node->seq;
    luron_tensor *z = one(ctx, luron_square, y);
    y->node->seq = z->node->seq;
    assert_fails(ctx, luron_backward(ctx, z, NULL, 0), LURON_E_INTERNAL,
                 "backward: the tape has a loop: an operand of 'square' was made after it");
    y->node->seq = seq;
    assert_ok(ctx, luron_backward(ctx, z, NULL, 0));
    release(x, w, plain, y, part, z);
}

static void test_messages_of_functions_that_are_no_functions(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1), *y = tensor_row(ctx, LURON_F64, 1);
    int fails = 0;
    luron_function fn = failing;
    fn.struct_size = 0;
    assert_fails(ctx, luron_record(ctx, &fn, &fails, 1, &x, 1, &y), LURON_E_ARGUMENT,
                 "record: struct_size of luron_function is 0, at least");
    fn = failing, fn.backward = NULL;
    assert_fails(ctx, luron_record(ctx, &fn, &fails, 1, &x, 1, &y), LURON_E_ARGUMENT, "needs a name and a backward");
    fn = failing, fn.struct_size = offsetof(luron_function, release);
    fn.release = (void (*)(void *))(uintptr_t)1; /* beyond what the struct says it has: not called */
    assert_ok(ctx, luron_record(ctx, &fn, &fails, 1, &x, 1, &y));
    assert_ok(ctx, luron_backward(ctx, y, NULL, 0));
    assert_values(luron_tensor_grad(x), 1);
    release(x, y);
}

/* ---- several contexts -------------------------------------------------------------------------------------------- */
/* What one context made goes on in another whose tape is younger: the order of the walk still holds. */
static void test_messages_none_for_a_tape_of_two_contexts(void **state) {
    luron_ctx *ctx = *state, *other;
    assert_int_equal(luron_ctx_new(&other, NULL, NULL), LURON_OK);
    luron_tensor *x = LEAF(ctx, 3), *y = luron_tensor_ref(x), *next, *a, *b, *c;
    for (int i = 0; i < 10; i++)
        next = one(ctx, luron_neg, y), luron_tensor_unref(y), y = next;
    a = one(other, luron_square, y), b = one(ctx, luron_exp, a), c = two(other, luron_mul, b, a);
    assert_true(a->node->seq > y->node->seq && b->node->seq > a->node->seq && c->node->seq > b->node->seq);
    assert_ok(other, luron_backward(other, c, NULL, 0)); /* x^2 e^(x^2) */
    assert_tensor_close(luron_tensor_grad(x), ROW(2 * 3 * 8103.083927575384 * 10), 1, 1e-12, 0);
    release(x, y, a, b, c);
    luron_ctx_free(other);
}

enum { THREADS = 4, ROUNDS = 200 };
typedef struct worker {
    luron_model *model;
    luron_tensor *x; /* of the worker's own */
    luron_ctx *ctx;
    luron_status status;
    double sums[4]; /* of the gradients of x and of the parameters */
} worker;

static luron_status work(worker *w) {
    luron_ctx *ctx = w->ctx;
    luron_tensor *xs[4] = {w->x}, *y, *s, *g[4], *sum;
    for (int i = 0; i < 3; i++)
        xs[i + 1] = luron_model_param(w->model, i, NULL, 0);
    for (int round = 0; round < ROUNDS; round++) {
        LURON_TRY(luron_model_run(&y, ctx, w->model, 1, &w->x));
        LURON_TRY(luron_sum(&s, ctx, y, 0, NULL, 0));
        LURON_TRY(luron_grad(g, ctx, 1, &s, NULL, 4, xs, round % 2 ? LURON_CREATE_GRAPH : 0));
        for (int i = 0; i < 4; i++) {
            double value;
            LURON_TRY(luron_sum(&sum, ctx, g[i], 0, NULL, 0));
            LURON_TRY(luron_tensor_item(&value, ctx, sum));
            if (round && value != w->sums[i])
                return luron__fail(ctx, LURON_E_INTERNAL, "gradient %d: %g, %g before", i, value, w->sums[i]);
            w->sums[i] = value;
            release(sum, g[i]);
        }
        release(y, s);
    }
    return LURON_OK;
}
static void *run_worker(void *arg) {
    worker *w = arg;
    w->status = work(w);
    return NULL;
}

/* One model in eval mode, in several threads at once: every one gets its own gradients. */
static void test_messages_none_for_threads_that_share_leaves(void **state) {
    luron_ctx *ctx = *state;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_model *m;
    luron_value v;
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    luron_layer *layers[] = {make(ctx, "Affine", NULL), make(ctx, "Square", NULL), make(ctx, "Lazy", NULL)};
    for (int i = 0; i < 3; i++) {
        assert_ok(ctx, luron_model_add(&v, ctx, m, NULL, layers[i], 1, &v));
        luron_layer_unref(layers[i]);
    }
    luron_tensor *once = tensor_of(ctx, LURON_F64, LURON_SHAPE(1, 3), ROW(1, 2, 3)), *y;
    assert_ok(ctx, luron_model_run(&y, ctx, m, 1, &once)); /* Lazy makes its weight */
    luron_model_set_training(m, 0);
    worker workers[THREADS], alone[THREADS];
    for (int k = 0; k < THREADS; k++) {
        luron_tensor *x = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 3), ROW(k, -1, 2, 0.5, k, 1));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        workers[k] = (worker){.model = m, .x = x};
        assert_int_equal(luron_ctx_new(&workers[k].ctx, NULL, NULL), LURON_OK);
        luron_ctx_set_higher(workers[k].ctx, 1);
        assert_ok(workers[k].ctx, luron_ctx_set_threads(workers[k].ctx, 1));
        alone[k] = workers[k];
        assert_int_equal(work(&alone[k]), LURON_OK);
    }
    pthread_t threads[THREADS];
    for (int k = 0; k < THREADS; k++)
        assert_int_equal(pthread_create(&threads[k], NULL, run_worker, &workers[k]), 0);
    for (int k = 0; k < THREADS; k++) {
        pthread_join(threads[k], NULL);
        assert_ok(workers[k].ctx, workers[k].status);
        assert_memory_equal(workers[k].sums, alone[k].sums, sizeof workers[k].sums);
        luron_tensor_unref(workers[k].x);
        luron_ctx_free(workers[k].ctx);
    }
    release(once, y);
    luron_model_unref(m);
}

/* More leaves than the table has places for at first. */
static void test_messages_none_for_many_leaves(void **state) {
    luron_ctx *ctx = *state;
    enum { LEAVES = 300 };
    luron_tensor *xs[LEAVES], *y, *next;
    for (int i = 0; i < LEAVES; i++)
        xs[i] = LEAF(ctx, i);
    y = one(ctx, luron_square, xs[0]);
    for (int i = 1; i < LEAVES; i++) {
        luron_tensor *square = one(ctx, luron_square, xs[i]);
        next = two(ctx, luron_add, y, square);
        release(y, square);
        y = next;
    }
    assert_ok(ctx, luron_backward(ctx, y, NULL, 0));
    for (int i = 0; i < LEAVES; i++) {
        assert_values(luron_tensor_grad(xs[i]), 2.0 * i);
        luron_tensor_unref(xs[i]);
    }
    release(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_messages_of_a_tape_used_up),
        fake_test(test_messages_name_layers),
        fake_test(test_messages_of_results_without_a_tape),
        test_case(test_messages_of_loops),
        test_case(test_messages_of_functions_that_are_no_functions),
        test_case(test_messages_none_for_a_tape_of_two_contexts),
        fake_test(test_messages_none_for_threads_that_share_leaves),
        test_case(test_messages_none_for_many_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
