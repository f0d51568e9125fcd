/* The tape: what is recorded, how gradients are collected, what is refused, and that all of it is released. */
#include "internal.h"
#include "tensor_assert.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROW(...) (const double[]) { __VA_ARGS__ }
#define N(...) (int)(sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))
#define assert_values(t, ...) assert_tensor_close(t, ROW(__VA_ARGS__), N(__VA_ARGS__), 1e-12, 0)
#define release(...)                                                                                                     \
    do {                                                                                                                 \
        luron_tensor *all_[] = { __VA_ARGS__ };                                                                          \
        for (size_t i_ = 0; i_ < sizeof all_ / sizeof *all_; i_++) luron_tensor_unref(all_[i_]);                         \
    } while (0)

static luron_tensor *leaf(luron_ctx *ctx, uint32_t dtype, int n, const double *values) {
    luron_tensor *t = tensor_of(ctx, dtype, 1, (const int64_t[]){ n }, values);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}
#define LEAF(ctx, ...) leaf((ctx), LURON_F64, N(__VA_ARGS__), ROW(__VA_ARGS__))

typedef luron_status (*op1)(luron_tensor **, luron_ctx *, luron_tensor *);
typedef luron_status (*op2)(luron_tensor **, luron_ctx *, luron_tensor *, luron_tensor *);
static luron_tensor *one(luron_ctx *ctx, op1 op, luron_tensor *x) {
    luron_tensor *y = NULL;
    assert_ok(ctx, op(&y, ctx, x));
    return y;
}
static luron_tensor *two(luron_ctx *ctx, op2 op, luron_tensor *a, luron_tensor *b) {
    luron_tensor *y = NULL;
    assert_ok(ctx, op(&y, ctx, a, b));
    return y;
}
static luron_tensor *total(luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y = NULL;
    assert_ok(ctx, luron_sum(&y, ctx, x, 0, NULL, 0));
    return y;
}

/* ---- leaves --------------------------------------------------------------------------------------------------------- */

static void test_autograd_accumulates_into_leaves(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2, 3);
    assert_null(luron_tensor_grad(x));
    for (int i = 1; i <= 3; i++) {
        luron_tensor *square = one(ctx, luron_square, x), *y = total(ctx, square);
        assert_ok(ctx, luron_backward(ctx, y, NULL, 0));
        assert_values(luron_tensor_grad(x), 2.0 * i, 4.0 * i, 6.0 * i);
        release(square, y);
    }
    assert_false(luron_tensor_requires_grad(luron_tensor_grad(x)));
    assert_ok(ctx, luron_tensor_set_grad(ctx, x, NULL));
    assert_null(luron_tensor_grad(x));
    release(x);
}

/* A leaf's gradient is its own memory: neither the cotangent nor another leaf's gradient is shared. */
static void test_autograd_gradients_share_no_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = LEAF(ctx, 1, 2), *b = LEAF(ctx, 3, 4), *y = two(ctx, luron_add, a, b), *v = tensor_row(ctx, LURON_F64, 5, 6);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    assert_false(luron_tensor_is_shared(luron_tensor_grad(a), v));
    assert_false(luron_tensor_is_shared(luron_tensor_grad(a), luron_tensor_grad(b)));
    assert_ok(ctx, luron_tensor_fill(ctx, luron_tensor_grad(a), 0));
    assert_values(luron_tensor_grad(b), 5, 6);
    assert_values(v, 5, 6);
    release(a, b, y, v);
}

static void test_autograd_leaf_rules(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2), *y = one(ctx, luron_square, x), *ids = tensor_row(ctx, LURON_I64, 1), *g;
    assert_true(luron_tensor_is_leaf(x));
    assert_false(luron_tensor_is_leaf(y));
    assert_true(luron_tensor_requires_grad(y));
    assert_fails(ctx, luron_tensor_set_requires_grad(ctx, y, 0), LURON_E_STATE, "only a leaf");
    assert_fails(ctx, luron_tensor_set_requires_grad(ctx, ids, 1), LURON_E_DTYPE, "int64");
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, ids, 0));
    g = tensor_row(ctx, LURON_F64, 1, 2, 3);
    assert_fails(ctx, luron_tensor_set_grad(ctx, x, g), LURON_E_SHAPE, "(3,)");
    release(g);
    g = tensor_row(ctx, LURON_F32, 1, 2);
    assert_fails(ctx, luron_tensor_set_grad(ctx, x, g), LURON_E_DTYPE, "float32");
    assert_null(luron_tensor_grad(x));
    release(x, y, ids, g);
}

/* ---- the tape's life -------------------------------------------------------------------------------------------------- */

static void test_autograd_second_backward_needs_retain_graph(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *y = one(ctx, luron_square, x);
    assert_ok(ctx, luron_backward(ctx, y, NULL, LURON_RETAIN_GRAPH));
    assert_ok(ctx, luron_backward(ctx, y, NULL, LURON_RETAIN_GRAPH));
    assert_ok(ctx, luron_backward(ctx, y, NULL, 0));
    assert_values(luron_tensor_grad(x), 18);
    assert_fails(ctx, luron_backward(ctx, y, NULL, 0), LURON_E_STATE, "backward through 'square' a second time");
    assert_values(luron_tensor_grad(x), 18);
    release(x, y);
}

/* Half of the tape used up by another backward: the message, and no gradient changed. */
static void test_autograd_shared_part_used_up(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *z = LEAF(ctx, 5), *shared = one(ctx, luron_square, x), *a = one(ctx, luron_square, shared), *b = two(ctx, luron_mul, shared, z);
    assert_ok(ctx, luron_backward(ctx, a, NULL, 0));
    assert_values(luron_tensor_grad(x), 108);
    assert_fails(ctx, luron_backward(ctx, b, NULL, 0), LURON_E_STATE, "a second time");
    assert_values(luron_tensor_grad(x), 108);
    assert_null(luron_tensor_grad(z));
    release(x, z, shared, a, b);
}

static void test_autograd_in_place_change_of_what_was_saved(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2), *w = tensor_row(ctx, LURON_F64, 3, 4), *y = two(ctx, luron_mul, x, w), *s = total(ctx, y), *part;
    assert_ok(ctx, luron_narrow(&part, ctx, w, 0, 1, 1));
    assert_ok(ctx, luron_tensor_fill(ctx, part, 7)); /* through a view */
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_STATE, "'mul' was changed in place after it was saved");
    assert_null(luron_tensor_grad(x));
    release(w, y, s, part);
    y = one(ctx, luron_exp, x), s = total(ctx, y); /* the output is what exp saves */
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_fill(ctx, y, 7));
    luron_ctx_set_recording(ctx, 1);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_STATE, "'exp' was changed in place after it was saved");
    release(y, s);
    w = tensor_row(ctx, LURON_F64, 3, 4), y = two(ctx, luron_add, x, w), s = total(ctx, y); /* add saves nothing */
    assert_ok(ctx, luron_tensor_fill(ctx, w, 7));
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_values(luron_tensor_grad(x), 1, 1);
    release(x, w, y, s);
}

static void test_autograd_in_place_is_refused_on_the_tape(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2), *y = one(ctx, luron_square, x), *plain = tensor_row(ctx, LURON_F64, 0, 0);
    assert_fails(ctx, luron_tensor_fill(ctx, x, 1), LURON_E_STATE, "requires a gradient");
    assert_fails(ctx, luron_tensor_fill(ctx, y, 1), LURON_E_STATE, "made by recorded operations");
    assert_fails(ctx, luron_tensor_copy(ctx, plain, x), LURON_E_STATE, "source needs a gradient");
    assert_int_equal(luron_ctx_set_recording(ctx, 0), 1);
    assert_ok(ctx, luron_tensor_copy(ctx, plain, x));
    assert_ok(ctx, luron_tensor_fill(ctx, x, 5));
    assert_int_equal(luron_ctx_set_recording(ctx, 1), 0);
    assert_values(x, 5, 5);
    assert_values(plain, 1, 2);
    release(x, y, plain);
}

static void test_autograd_no_recording_and_detach(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 2, 3), *y, *z, *s, *d;
    assert_true(luron_ctx_is_recording(ctx));
    luron_ctx_set_recording(ctx, 0);
    y = one(ctx, luron_square, x);
    luron_ctx_set_recording(ctx, 1);
    assert_false(luron_tensor_requires_grad(y));
    assert_true(luron_tensor_is_leaf(y));
    assert_fails(ctx, luron_backward(ctx, y, y, 0), LURON_E_STATE, "depends on nothing that requires a gradient");
    release(y);
    y = one(ctx, luron_square, x);
    assert_ok(ctx, luron_detach(&d, ctx, y));
    assert_false(luron_tensor_requires_grad(d));
    assert_true(luron_tensor_is_shared(d, y));
    z = two(ctx, luron_mul, d, x), s = total(ctx, z); /* x^2 as a constant times x */
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_values(luron_tensor_grad(x), 4, 9);
    release(x, y, z, s, d);
}

static void test_autograd_backward_arguments(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2), *y = one(ctx, luron_square, x), *g = tensor_row(ctx, LURON_F64, 1, 2, 3), *f = tensor_row(ctx, LURON_F32, 1, 2), *out = NULL;
    luron_tensor *plain = tensor_row(ctx, LURON_F64, 1);
    assert_fails(ctx, luron_backward(ctx, y, NULL, 0), LURON_E_SHAPE, "(2,)");
    assert_fails(ctx, luron_backward(ctx, y, g, 0), LURON_E_SHAPE, "gradient of shape (2,) expected, got (3,)");
    assert_fails(ctx, luron_backward(ctx, y, f, 0), LURON_E_DTYPE, "float64 expected, got float32");
    assert_fails(ctx, luron_grad(&out, ctx, 1, &y, &x, 1, &plain, 0), LURON_E_STATE, "grad: input 0 requires no gradient");
    assert_null(out);
    assert_null(luron_tensor_grad(x));
    release(x, y, g, f, plain);
}

/* ---- luron_grad ---------------------------------------------------------------------------------------------------------- */

static void test_autograd_grad_of_several_leaves_or_not(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = LEAF(ctx, 2, 3), *b = LEAF(ctx, 5, 7), *unused = LEAF(ctx, 1), *middle = two(ctx, luron_mul, a, b), *y = one(ctx, luron_square, middle);
    luron_tensor *other = one(ctx, luron_square, unused), *xs[] = { a, middle, unused, b, y, other }, *gs[6];
    luron_tensor *v = tensor_row(ctx, LURON_F64, 1, 10);
    assert_ok(ctx, luron_grad(gs, ctx, 1, &y, &v, 6, xs, 0));
    assert_values(gs[0], 2 * 10 * 5, 10 * 2 * 21 * 7); /* 2 ab b v */
    assert_values(gs[1], 20, 420);
    assert_null(gs[2]);
    assert_values(gs[3], 2 * 10 * 2, 10 * 2 * 21 * 3);
    assert_values(gs[4], 1, 10);
    assert_null(gs[5]);
    assert_null(luron_tensor_grad(a)); /* nothing is accumulated */
    release(gs[0], gs[1], gs[3], gs[4], a, b, unused, middle, y, other, v);
}

static void test_autograd_grad_of_several_outputs(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 2, 3), *square = one(ctx, luron_square, x), *cube = two(ctx, luron_mul, square, x), *ys[] = { square, cube, x }, *g;
    luron_tensor *gys[] = { tensor_row(ctx, LURON_F64, 1, 2), tensor_row(ctx, LURON_F64, 10, 20), tensor_row(ctx, LURON_F64, 1000, 2000) };
    assert_ok(ctx, luron_grad(&g, ctx, 3, ys, gys, 1, &x, LURON_RETAIN_GRAPH));
    assert_values(g, 1 * 4 + 10 * 12 + 1000, 2 * 6 + 20 * 27 + 2000);
    release(g);
    assert_ok(ctx, luron_grad(&g, ctx, 2, (luron_tensor *[]){ cube, cube }, gys, 1, &x, 0)); /* one twice */
    assert_values(g, 11 * 12, 22 * 27);
    release(g, x, square, cube, gys[0], gys[1], gys[2]);
}

/* A backward that stops at a tensor in the middle leaves what lies before it usable. */
static void test_autograd_grad_stops_at_what_is_asked_for(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *middle = one(ctx, luron_square, x), *y = one(ctx, luron_square, middle), *g;
    assert_ok(ctx, luron_grad(&g, ctx, 1, &y, NULL, 1, &middle, 0));
    assert_values(g, 18);
    assert_ok(ctx, luron_backward(ctx, middle, NULL, 0));
    assert_values(luron_tensor_grad(x), 6);
    release(x, middle, y, g);
}

static void test_autograd_third_derivatives(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 0.5, -1.25, 2), *ones, *square = one(ctx, luron_square, x), *y[2] = { one(ctx, luron_square, square), one(ctx, luron_sin, x) };
    assert_ok(ctx, luron_tensor_full(&ones, ctx, LURON_F64, LURON_SHAPE(3), 1));
    for (int f = 0; f < 2; f++) {
        luron_tensor *at = y[f], *next;
        for (int order = 1; order <= 3; order++) {
            assert_ok(ctx, luron_grad(&next, ctx, 1, &at, &ones, 1, &x, LURON_CREATE_GRAPH));
            release(at);
            at = next;
            assert_true(luron_tensor_requires_grad(at));
        }
        if (f == 0) assert_values(at, 12, -30, 48); /* 24 x */
        else assert_tensor_close(at, ROW(-cos(0.5), -cos(-1.25), -cos(2)), 3, 1e-12, 1e-14);
        release(at);
    }
    release(x, ones, square);
}

/* The gradient itself in a loss: d/dx sum((2x w)^2) = 8 x w^2, d/dw = 8 x^2 w. */
static void test_autograd_penalty_on_a_gradient(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2), *w = LEAF(ctx, 3, 5), *square = one(ctx, luron_square, x), *y = two(ctx, luron_mul, square, w), *s = total(ctx, y), *g;
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, LURON_CREATE_GRAPH));
    luron_tensor *penalty = one(ctx, luron_square, g), *loss = total(ctx, penalty);
    assert_ok(ctx, luron_backward(ctx, loss, NULL, 0));
    assert_values(luron_tensor_grad(x), 72, 400);
    assert_values(luron_tensor_grad(w), 24, 160);
    release(x, w, square, y, s, g, penalty, loss);
}

/* ---- shapes of graphs -------------------------------------------------------------------------------------------------------- */

static void test_autograd_diamonds_and_repeated_operands(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *a = one(ctx, luron_square, x), *b = one(ctx, luron_sin, a), *c = one(ctx, luron_exp, b), *left = two(ctx, luron_mul, c, a), *y = two(ctx, luron_mul, left, b);
    assert_ok(ctx, luron_backward(ctx, y, NULL, 0)); /* e^sin(a) a sin(a), a = x^2 */
    double s = sin(9), k = cos(9), e = exp(s);
    assert_tensor_close(luron_tensor_grad(x), ROW((e * k * 9 * s + e * s + e * 9 * k) * 6), 1, 1e-12, 0);
    release(x, a, b, c, left, y);
    x = LEAF(ctx, 3, 4), y = two(ctx, luron_mul, x, x), s = 0;
    luron_tensor *z = two(ctx, luron_sub, y, y), *both = two(ctx, luron_add, z, y), *sum = total(ctx, both);
    assert_ok(ctx, luron_backward(ctx, sum, NULL, 0));
    assert_values(luron_tensor_grad(x), 6, 8);
    release(x, y, z, both, sum);
}

/* 60 doublings of one tensor: 2^60 paths, walked node by node. */
static void test_autograd_many_paths(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1), *y = luron_tensor_ref(x);
    for (int i = 0; i < 60; i++) {
        luron_tensor *next = two(ctx, luron_add, y, y);
        release(y);
        y = next;
    }
    assert_ok(ctx, luron_backward(ctx, y, NULL, 0));
    assert_values(luron_tensor_grad(x), 0x1p60);
    release(x, y);
}

static void test_autograd_broadcasting(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 1, 3), ROW(1, 2, 3, 4, 5, 6)), *b = tensor_of(ctx, LURON_F64, LURON_SHAPE(4, 1), ROW(1, 10, 100, 1000)), *n = tensor_of(ctx, LURON_F64, 0, NULL, ROW(2));
    luron_tensor *leaves[] = { a, b, n };
    for (int i = 0; i < 3; i++) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, leaves[i], 1));
    luron_tensor *p = two(ctx, luron_mul, a, b), *q = two(ctx, luron_mul, p, n), *s = total(ctx, q);
    assert_shape(q, 2, 4, 3);
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_shape(luron_tensor_grad(a), 2, 1, 3);
    assert_values(luron_tensor_grad(a), 2222, 2222, 2222, 2222, 2222, 2222);
    assert_shape(luron_tensor_grad(b), 4, 1);
    assert_values(luron_tensor_grad(b), 42, 42, 42, 42);
    assert_int_equal(luron_tensor_ndim(luron_tensor_grad(n)), 0);
    assert_values(luron_tensor_grad(n), 21 * 1111);
    release(a, b, n, p, q, s);
}

static void test_autograd_mixed_dtypes(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *narrow = leaf(ctx, LURON_F32, 2, ROW(1, 2)), *wide = LEAF(ctx, 3, 4), *ids = tensor_row(ctx, LURON_I64, 5, 6), *y = two(ctx, luron_mul, narrow, wide), *z = two(ctx, luron_mul, y, ids);
    assert_int_equal(luron_tensor_dtype(z), LURON_F64);
    luron_tensor *s = total(ctx, z), *f, *t;
    assert_ok(ctx, luron_cast(&f, ctx, s, LURON_F32));
    assert_ok(ctx, luron_cast(&t, ctx, f, LURON_I64)); /* ends there */
    assert_false(luron_tensor_requires_grad(t));
    assert_ok(ctx, luron_backward(ctx, f, NULL, 0));
    assert_int_equal(luron_tensor_dtype(luron_tensor_grad(narrow)), LURON_F32);
    assert_int_equal(luron_tensor_dtype(luron_tensor_grad(wide)), LURON_F64);
    assert_values(luron_tensor_grad(narrow), 15, 24);
    assert_values(luron_tensor_grad(wide), 5, 12);
    release(narrow, wide, ids, y, z, s, f, t);
}

static void test_autograd_nothing_to_differentiate(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F64, LURON_SHAPE(0, 3), NULL), *y, *s;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    y = one(ctx, luron_square, x), s = total(ctx, y);
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_shape(luron_tensor_grad(x), 0, 3);
    release(x, y, s);
    x = LEAF(ctx, 7); /* a leaf is its own derivative */
    assert_ok(ctx, luron_backward(ctx, x, NULL, 0));
    assert_values(luron_tensor_grad(x), 1);
    release(x);
}

/* ---- long chains, little stack --------------------------------------------------------------------------------------------------- */
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

static luron_status run_chain(chain *c) {
    luron_ctx *ctx = c->ctx;
    luron_tensor *x, *y, *square, *g, *gg;
    LURON_TRY(luron_tensor_full(&x, ctx, LURON_F64, LURON_SHAPE(1), 3));
    LURON_TRY(luron_tensor_set_requires_grad(ctx, x, 1));
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
    luron_tensor *all[] = { x, square, g, gg };
    for (int i = 0; i < 4; i++) luron_tensor_unref(all[i]);
    return LURON_OK;
}

static void *run_thread(void *arg) {
    chain *c = arg;
    c->status = run_chain(c);
    return NULL;
}

static void test_autograd_long_chain_does_not_recurse(void **state) {
    chain c = { .ctx = *state, .status = LURON_E_INTERNAL };
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

/* ---- functions with a gradient of their own -------------------------------------------------------------------------------------------- */
typedef struct ours {
    luron_tensor *x;    /* saved, owned */
    int *calls, *released;
    luron_status fails; /* backward's status */
    bool bad_shape;
} ours;

static luron_status ours_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in, luron_tensor **grad_ins) {
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
static const luron_function ours_fn = { .struct_size = sizeof ours_fn, .name = "ours", .backward = ours_backward, .release = ours_release };

/** x^2 and a copy of x without a gradient, by a function of our own. */
static ours *ours_apply(luron_ctx *ctx, luron_tensor *x, luron_tensor **outs, int *calls, int *released) {
    ours *o = malloc(sizeof *o);
    assert_non_null(o);
    *o = (ours){ .x = luron_tensor_ref(x), .calls = calls, .released = released };
    int was = luron_ctx_set_recording(ctx, 0);
    outs[0] = one(ctx, luron_square, x), outs[1] = one(ctx, luron_copy, x);
    luron_ctx_set_recording(ctx, was);
    assert_ok(ctx, luron_record(ctx, &ours_fn, o, 1, &x, 2, outs));
    return o;
}

static void test_autograd_function_of_our_own(void **state) {
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

static void test_autograd_function_released_unused(void **state) {
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

/* A leaf gets no gradient when another branch of the same backward fails, whichever comes first. */
static void test_autograd_failing_backward_changes_nothing(void **state) {
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
        if (shape) assert_fails(ctx, luron_backward(ctx, s, NULL, LURON_RETAIN_GRAPH), LURON_E_SHAPE, "ours: backward gave a gradient of shape () for operand 0 of shape (2,)");
        else assert_fails(ctx, luron_backward(ctx, s, NULL, LURON_RETAIN_GRAPH), LURON_E_CALLBACK, "ours: as told");
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

static luron_status inner_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in, luron_tensor **grad_ins) {
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
static void test_autograd_backward_inside_a_backward(void **state) {
    luron_ctx *ctx = *state;
    static const luron_function fn = { .struct_size = sizeof fn, .name = "recompute", .backward = inner_backward };
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

/* ---- memory ------------------------------------------------------------------------------------------------------------------------------ */

static luron_status build_and_backward(luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    luron_tensor *t[6] = { NULL };
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
static void test_autograd_without_memory(void **state) {
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
                if (!accumulates) assert_tensor_same(kept[i], first[i]);
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

static void test_autograd_garbage_keeps_memory_constant(void **state) {
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

static void test_autograd_tensors_outlive_their_context(void **state) {
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
        test_case(test_autograd_accumulates_into_leaves),
        test_case(test_autograd_gradients_share_no_memory),
        test_case(test_autograd_leaf_rules),
        test_case(test_autograd_second_backward_needs_retain_graph),
        test_case(test_autograd_shared_part_used_up),
        test_case(test_autograd_in_place_change_of_what_was_saved),
        test_case(test_autograd_in_place_is_refused_on_the_tape),
        test_case(test_autograd_no_recording_and_detach),
        test_case(test_autograd_backward_arguments),
        test_case(test_autograd_grad_of_several_leaves_or_not),
        test_case(test_autograd_grad_of_several_outputs),
        test_case(test_autograd_grad_stops_at_what_is_asked_for),
        test_case(test_autograd_third_derivatives),
        test_case(test_autograd_penalty_on_a_gradient),
        test_case(test_autograd_diamonds_and_repeated_operands),
        test_case(test_autograd_many_paths),
        test_case(test_autograd_broadcasting),
        test_case(test_autograd_mixed_dtypes),
        test_case(test_autograd_nothing_to_differentiate),
        test_case(test_autograd_long_chain_does_not_recurse),
        test_case(test_autograd_function_of_our_own),
        test_case(test_autograd_function_released_unused),
        test_case(test_autograd_failing_backward_changes_nothing),
        test_case(test_autograd_backward_inside_a_backward),
        test_case(test_autograd_without_memory),
        test_case(test_autograd_garbage_keeps_memory_constant),
        test_case(test_autograd_tensors_outlive_their_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
