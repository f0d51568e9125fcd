/* Gradients: how they are collected from the tape, and what is refused. */
#include "on_tape.h"

#include <math.h>

/* ---- leaves ----------------------------------------------------------------------------------------------------- */

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
    luron_tensor *a = LEAF(ctx, 1, 2), *b = LEAF(ctx, 3, 4), *y = two(ctx, luron_add, a, b),
                 *v = tensor_row(ctx, LURON_F64, 5, 6);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    assert_false(luron_tensor_is_shared(luron_tensor_grad(a), v));
    assert_false(luron_tensor_is_shared(luron_tensor_grad(a), luron_tensor_grad(b)));
    assert_ok(ctx, luron_tensor_fill(ctx, luron_tensor_grad(a), 0));
    assert_values(luron_tensor_grad(b), 5, 6);
    assert_values(v, 5, 6);
    release(a, b, y, v);
}

/* Nor is it with create_graph, and it can be written: what came from an expanded cotangent is spread out. */
static void test_autograd_gradients_on_the_tape_share_no_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = LEAF(ctx, 1, 2), *b = LEAF(ctx, 3, 4), *y = two(ctx, luron_add, a, b), *s,
                 *v = tensor_row(ctx, LURON_F64, 5, 6);
    assert_ok(ctx, luron_backward(ctx, y, v, LURON_CREATE_GRAPH));
    assert_false(luron_tensor_is_shared(luron_tensor_grad(a), v));
    assert_false(luron_tensor_is_shared(luron_tensor_grad(a), luron_tensor_grad(b)));
    assert_ok(ctx, luron_tensor_set_grad(ctx, a, NULL));
    s = total(ctx, a);
    assert_ok(ctx, luron_backward(ctx, s, NULL, LURON_CREATE_GRAPH));
    assert_true(luron_tensor_is_contiguous(luron_tensor_grad(a)));
    assert_ok(ctx, luron_tensor_fill(ctx, luron_tensor_grad(a), 2));
    assert_values(luron_tensor_grad(a), 2, 2);
    release(a, b, y, v, s);
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

/* ---- the tape's life -------------------------------------------------------------------------------------------- */

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
    luron_tensor *x = LEAF(ctx, 3), *z = LEAF(ctx, 5), *shared = one(ctx, luron_square, x),
                 *a = one(ctx, luron_square, shared), *b = two(ctx, luron_mul, shared, z);
    assert_ok(ctx, luron_backward(ctx, a, NULL, 0));
    assert_values(luron_tensor_grad(x), 108);
    assert_fails(ctx, luron_backward(ctx, b, NULL, 0), LURON_E_STATE, "a second time");
    assert_values(luron_tensor_grad(x), 108);
    assert_null(luron_tensor_grad(z));
    release(x, z, shared, a, b);
}

static void test_autograd_in_place_change_of_what_was_saved(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2), *w = tensor_row(ctx, LURON_F64, 3, 4), *y = two(ctx, luron_mul, x, w),
                 *s = total(ctx, y), *part;
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
    assert_fails(ctx, luron_backward(ctx, y, y, 0), LURON_E_STATE, "made while nothing was recorded (no_grad");
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
    luron_tensor *x = LEAF(ctx, 1, 2), *y = one(ctx, luron_square, x), *g = tensor_row(ctx, LURON_F64, 1, 2, 3),
                 *f = tensor_row(ctx, LURON_F32, 1, 2), *out = NULL;
    luron_tensor *plain = tensor_row(ctx, LURON_F64, 1);
    assert_fails(ctx, luron_backward(ctx, y, NULL, 0), LURON_E_SHAPE, "(2,)");
    assert_fails(ctx, luron_backward(ctx, y, g, 0), LURON_E_SHAPE, "gradient of shape (2,) expected, got (3,)");
    assert_fails(ctx, luron_backward(ctx, y, f, 0), LURON_E_DTYPE, "float64 expected, got float32");
    assert_fails(ctx, luron_grad(&out, ctx, 1, &y, &x, 1, &plain, 0), LURON_E_STATE,
                 "grad: input 0 requires no gradient");
    assert_null(out);
    assert_null(luron_tensor_grad(x));
    release(x, y, g, f, plain);
}

/* ---- luron_grad ------------------------------------------------------------------------------------------------- */

static void test_autograd_grad_of_several_leaves_or_not(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = LEAF(ctx, 2, 3), *b = LEAF(ctx, 5, 7), *unused = LEAF(ctx, 1),
                 *middle = two(ctx, luron_mul, a, b), *y = one(ctx, luron_square, middle);
    luron_tensor *other = one(ctx, luron_square, unused), *xs[] = {a, middle, unused, b, y, other}, *gs[6];
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
    luron_tensor *x = LEAF(ctx, 2, 3), *square = one(ctx, luron_square, x), *cube = two(ctx, luron_mul, square, x),
                 *ys[] = {square, cube, x}, *g;
    luron_tensor *gys[] = {tensor_row(ctx, LURON_F64, 1, 2), tensor_row(ctx, LURON_F64, 10, 20),
                           tensor_row(ctx, LURON_F64, 1000, 2000)};
    assert_ok(ctx, luron_grad(&g, ctx, 3, ys, gys, 1, &x, LURON_RETAIN_GRAPH));
    assert_values(g, 1 * 4 + 10 * 12 + 1000, 2 * 6 + 20 * 27 + 2000);
    release(g);
    assert_ok(ctx, luron_grad(&g, ctx, 2, (luron_tensor *[]){cube, cube}, gys, 1, &x, 0)); /* one twice */
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

/* What made h was used up by an earlier backward; a gradient with respect to h does not need it, one beyond h does. */
static void test_autograd_grad_of_what_a_used_node_made(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *h = one(ctx, luron_square, x), *z, *g;
    assert_ok(ctx, luron_backward(ctx, h, NULL, 0));
    z = one(ctx, luron_square, h);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &z, NULL, 1, &h, LURON_RETAIN_GRAPH));
    assert_values(g, 18);
    assert_fails(ctx, luron_grad(&g, ctx, 1, &z, NULL, 1, &x, LURON_RETAIN_GRAPH), LURON_E_STATE, "a second time");
    assert_fails(ctx, luron_grad(&g, ctx, 1, &z, NULL, 2, (luron_tensor *[]){h, x}, 0), LURON_E_STATE, "a second time");
    release(x, h, z, g);
}

static void test_autograd_third_derivatives(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 0.5, -1.25, 2), *ones, *square = one(ctx, luron_square, x),
                 *y[2] = {one(ctx, luron_square, square), one(ctx, luron_sin, x)};
    assert_ok(ctx, luron_tensor_full(&ones, ctx, LURON_F64, LURON_SHAPE(3), 1));
    for (int f = 0; f < 2; f++) {
        luron_tensor *at = y[f], *next;
        for (int order = 1; order <= 3; order++) {
            assert_ok(ctx, luron_grad(&next, ctx, 1, &at, &ones, 1, &x, LURON_CREATE_GRAPH));
            release(at);
            at = next;
            assert_true(luron_tensor_requires_grad(at));
        }
        if (f == 0)
            assert_values(at, 12, -30, 48); /* 24 x */
        else
            assert_tensor_close(at, ROW(-cos(0.5), -cos(-1.25), -cos(2)), 3, 1e-12, 1e-14);
        release(at);
    }
    release(x, ones, square);
}

/* The gradient itself in a loss: d/dx sum((2x w)^2) = 8 x w^2, d/dw = 8 x^2 w. */
static void test_autograd_penalty_on_a_gradient(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2), *w = LEAF(ctx, 3, 5), *square = one(ctx, luron_square, x),
                 *y = two(ctx, luron_mul, square, w), *s = total(ctx, y), *g;
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, LURON_CREATE_GRAPH));
    luron_tensor *penalty = one(ctx, luron_square, g), *loss = total(ctx, penalty);
    assert_ok(ctx, luron_backward(ctx, loss, NULL, 0));
    assert_values(luron_tensor_grad(x), 72, 400);
    assert_values(luron_tensor_grad(w), 24, 160);
    release(x, w, square, y, s, g, penalty, loss);
}

/* ---- shapes of graphs ------------------------------------------------------------------------------------------- */

static void test_autograd_diamonds_and_repeated_operands(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *a = one(ctx, luron_square, x), *b = one(ctx, luron_sin, a),
                 *c = one(ctx, luron_exp, b), *left = two(ctx, luron_mul, c, a), *y = two(ctx, luron_mul, left, b);
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
    luron_tensor *a = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 1, 3), ROW(1, 2, 3, 4, 5, 6)),
                 *b = tensor_of(ctx, LURON_F64, LURON_SHAPE(4, 1), ROW(1, 10, 100, 1000)),
                 *n = tensor_of(ctx, LURON_F64, 0, NULL, ROW(2));
    luron_tensor *leaves[] = {a, b, n};
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
    luron_tensor *narrow = leaf(ctx, LURON_F32, 2, ROW(1, 2)), *wide = LEAF(ctx, 3, 4),
                 *ids = tensor_row(ctx, LURON_I64, 5, 6), *y = two(ctx, luron_mul, narrow, wide),
                 *z = two(ctx, luron_mul, y, ids);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_autograd_accumulates_into_leaves),
        test_case(test_autograd_gradients_share_no_memory),
        test_case(test_autograd_gradients_on_the_tape_share_no_memory),
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
        test_case(test_autograd_grad_of_what_a_used_node_made),
        test_case(test_autograd_third_derivatives),
        test_case(test_autograd_penalty_on_a_gradient),
        test_case(test_autograd_diamonds_and_repeated_operands),
        test_case(test_autograd_many_paths),
        test_case(test_autograd_broadcasting),
        test_case(test_autograd_mixed_dtypes),
        test_case(test_autograd_nothing_to_differentiate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
