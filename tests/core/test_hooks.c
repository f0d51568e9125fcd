/* Hooks of tensors, layers and models. */
#include "fake_layers.h"
#include "graph.h"
#include "on_tape.h"

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

/* ---- tensors ----------------------------------------------------------------------------------------------------- */
/* A hook that notes what came and in which order; it may replace it by times * g + plus, or do something wrong. */
typedef struct note {
    double times, plus; /* both 0: leave it */
    int calls, order, released;
    double first; /* of the last gradient */
    luron_status fails;
    bool wrong_shape, wrong_dtype, in_place;
    luron_tensor *remove_from;
    int64_t id;
} note;
static int clock_of_hooks;

static luron_status noting(luron_ctx *ctx, void *ud, luron_tensor *g, luron_tensor **instead) {
    note *n = ud;
    double values[16];
    LURON_TRY(luron_tensor_read(ctx, g, LURON_F64, values));
    n->calls++, n->order = ++clock_of_hooks, n->first = values[0];
    if (n->fails) return luron__fail(ctx, n->fails, "the hook says no");
    if (n->wrong_shape) return luron_tensor_full(instead, ctx, LURON_F64, 1, (const int64_t[]){7}, 0);
    if (n->wrong_dtype) return luron_cast(instead, ctx, g, LURON_F32);
    if (n->in_place) return luron_tensor_fill(ctx, g, 0);
    if (n->remove_from) LURON_TRY(luron_tensor_remove_hook(ctx, n->remove_from, n->id));
    return n->times != 0 || n->plus != 0 ? luron_scale(instead, ctx, g, n->times, n->plus) : LURON_OK;
}
static void released(void *ud) { ((note *)ud)->released++; }
static void hang(luron_ctx *ctx, luron_tensor *t, note *n) {
    assert_ok(ctx, luron_tensor_add_hook(&n->id, ctx, t, noting, n, released));
}

static void test_hooks_see_and_replace_gradients(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2), *y = one(ctx, luron_square, x), *z = one(ctx, luron_square, y),
                 *s = total(ctx, z);
    note first = {.times = 10}, second = {.plus = 1, .times = 1}, at_leaf = {.times = -1}, root = {0};
    hang(ctx, y, &first), hang(ctx, y, &second), hang(ctx, x, &at_leaf), hang(ctx, s, &root);
    assert_true(first.id > 0 && second.id > first.id);
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_true(first.calls == 1 && second.calls == 1 && at_leaf.calls == 1 && root.calls == 1);
    assert_true(root.order < first.order && first.order < second.order && second.order < at_leaf.order);
    assert_true(first.first == 2 && second.first == 20 && root.first == 1);
    assert_values(luron_tensor_grad(x), -(20 * 1 + 1) * 2.0, -(20 * 4 + 1) * 4.0);  /* dz/dy = 2 x^2 */
    assert_true(first.released == 1 && second.released == 1 && root.released == 1); /* with the tape */
    assert_int_equal(at_leaf.released, 0);
    release(x, y, z, s);
    assert_int_equal(at_leaf.released, 1);
}

/* All paths have come together when a hook is called, once. */
static void test_hooks_see_the_complete_gradient(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *y = one(ctx, luron_square, x), *a = two(ctx, luron_mul, y, y),
                 *b = two(ctx, luron_add, a, y), *c = two(ctx, luron_mul, b, x);
    note at_y = {0}, at_x = {0};
    hang(ctx, y, &at_y), hang(ctx, x, &at_x);
    assert_ok(ctx, luron_backward(ctx, c, NULL, 0)); /* x (x^4 + x^2) */
    assert_int_equal(at_y.calls, 1);
    assert_int_equal(at_x.calls, 1);
    assert_true(at_y.first == 3 * (2 * 9 + 1));
    assert_true(at_x.first == 5 * 81 + 3 * 9);
    release(x, y, a, b, c);
}

static void test_hooks_outlive_the_header_of_their_tensor(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *y = one(ctx, luron_square, x), *z = one(ctx, luron_exp, y), *s;
    note at_y = {.times = 0.5}, unused = {0};
    hang(ctx, y, &at_y);
    s = one(ctx, luron_log, z);
    release(y, z);
    assert_ok(ctx, luron_backward(ctx, s, NULL, LURON_RETAIN_GRAPH));
    assert_tensor_close(luron_tensor_grad(x), ROW(3), 1, 1e-12, 0);
    assert_int_equal(at_y.released, 0);
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_int_equal(at_y.calls, 2);
    assert_int_equal(at_y.released, 1);
    release(s);
    y = one(ctx, luron_square, x);
    hang(ctx, y, &unused);
    release(y); /* a tape that nobody walks */
    assert_int_equal(unused.released, 1);
    release(x);
}

static void test_hooks_are_removed(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *y = one(ctx, luron_square, x);
    note a = {.times = 2}, b = {.times = 3}, c = {.times = 5}, later = {0};
    hang(ctx, x, &a), hang(ctx, x, &b), hang(ctx, x, &c);
    assert_ok(ctx, luron_tensor_remove_hook(ctx, x, b.id));
    assert_int_equal(b.released, 1);
    assert_fails(ctx, luron_tensor_remove_hook(ctx, x, b.id), LURON_E_NOT_FOUND, "the tensor has no hook");
    a.remove_from = x; /* removes itself while it runs: the ones behind it still do */
    assert_ok(ctx, luron_backward(ctx, y, NULL, LURON_RETAIN_GRAPH));
    assert_values(luron_tensor_grad(x), 60);
    assert_int_equal(a.released, 1);
    assert_ok(ctx, luron_tensor_set_grad(ctx, x, NULL));
    assert_ok(ctx, luron_backward(ctx, y, NULL, LURON_RETAIN_GRAPH));
    assert_values(luron_tensor_grad(x), 30);
    assert_ok(ctx, luron_tensor_remove_hook(ctx, x, c.id));
    assert_null(x->hooks); /* as if there had never been one */
    hang(ctx, x, &later);
    assert_true(later.id > c.id);
    assert_fails(ctx, luron_tensor_remove_hook(ctx, x, c.id), LURON_E_NOT_FOUND, "no hook");
    assert_fails(ctx, luron_tensor_remove_hook(ctx, y, c.id), LURON_E_NOT_FOUND, "no hook");
    release(x, y);
    assert_int_equal(later.released, 1);
}

/* A failure: its own message, and no gradient of any leaf has changed. */
static void test_hooks_that_fail_end_the_backward(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        note n;
        luron_status status;
        const char *part;
    } cases[] = {
        {{.fails = LURON_E_CALLBACK}, LURON_E_CALLBACK, "the hook says no"},
        {{.wrong_shape = true}, LURON_E_SHAPE, "hook: a gradient of shape (2,) expected, got (7,)"},
        {{.wrong_dtype = true}, LURON_E_DTYPE, "hook: a gradient of dtype float64 expected, got float32"},
        {{.in_place = true}, LURON_E_STATE, "hook: the gradient was changed in place"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int at_leaf = 0; at_leaf < 2; at_leaf++) {
            luron_tensor *x = LEAF(ctx, 1, 2), *w = LEAF(ctx, 5, 6), *y = one(ctx, luron_square, x),
                         *z = two(ctx, luron_mul, y, w), *s = total(ctx, z), *kept = tensor_row(ctx, LURON_F64, 8, 9);
            note n = cases[k].n;
            assert_ok(ctx, luron_tensor_set_grad(ctx, x, kept));
            assert_ok(ctx, luron_tensor_retain_grad(ctx, z));
            hang(ctx, at_leaf ? x : y, &n);
            assert_fails(ctx, luron_backward(ctx, s, NULL, 0), cases[k].status, cases[k].part);
            assert_ptr_equal(luron_tensor_grad(x), kept);
            assert_values(kept, 8, 9);
            assert_null(luron_tensor_grad(w));
            assert_null(luron_tensor_grad(z));
            assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_STATE,
                         "was partly used by a backward that failed");
            release(x, w, y, z, s, kept);
            assert_int_equal(n.released, 1);
        }
}

static void test_hooks_in_grad_and_in_higher_derivatives(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 3), *y = one(ctx, luron_square, x), *z = one(ctx, luron_square, y), *g[2], *gg;
    note at_y = {.times = 10}, at_x = {.times = 2}, unasked = {0};
    hang(ctx, y, &at_y), hang(ctx, x, &at_x);
    assert_ok(ctx, luron_grad(g, ctx, 1, &z, NULL, 2, (luron_tensor *[]){y, x}, LURON_CREATE_GRAPH));
    assert_values(g[0], 180);      /* 10 * 2 y: what is asked for is what the hooks made of it */
    assert_values(g[1], 180 * 12); /* 20 x^2 * 2 x * 2 */
    assert_ok(ctx, luron_grad(&gg, ctx, 1, &g[1], NULL, 1, &x, 0));
    assert_values(gg, (80 * 9 + 80 * 3 * 10 * 6) * 2); /* of 80 y x, by x and by y, with the hooks of both once more */
    assert_int_equal(at_x.calls, 2);
    assert_null(luron_tensor_grad(x));
    release(g[0], g[1], gg, y, z);
    y = one(ctx, luron_square, x), z = one(ctx, luron_square, y);
    luron_tensor *w = LEAF(ctx, 1), *zw = two(ctx, luron_mul, z, w);
    hang(ctx, z, &unasked);
    assert_ok(ctx, luron_grad(g, ctx, 1, &zw, NULL, 1, &w, 0)); /* z leads to nothing that is asked for */
    assert_int_equal(unasked.calls, 0);
    release(g[0], x, y, z, w, zw);
}

static void test_hooks_retain_grad(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 2), *y = one(ctx, luron_square, x), *z = one(ctx, luron_square, y),
                 *s = total(ctx, z), *g;
    note doubled = {.times = 2};
    assert_ok(ctx, luron_tensor_retain_grad(ctx, y));
    assert_ok(ctx, luron_tensor_retain_grad(ctx, y));
    assert_ok(ctx, luron_tensor_retain_grad(ctx, x)); /* does so anyway */
    hang(ctx, y, &doubled);                           /* later, and yet before */
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, LURON_RETAIN_GRAPH));
    assert_null(luron_tensor_grad(y)); /* luron_grad accumulates nothing */
    assert_ok(ctx, luron_backward(ctx, s, NULL, LURON_RETAIN_GRAPH));
    assert_values(luron_tensor_grad(y), 4, 16);
    assert_ok(ctx, luron_backward(ctx, s, NULL, LURON_RETAIN_GRAPH));
    assert_values(luron_tensor_grad(y), 8, 32);
    assert_false(luron_tensor_is_shared(luron_tensor_grad(y), luron_tensor_grad(x)));
    assert_ok(ctx, luron_tensor_set_grad(ctx, y, NULL));
    luron_tensor_unref(y); /* nobody to keep it for */
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_int_equal(doubled.calls, 4);
    release(g, x, z, s);
}

static void test_hooks_where_no_gradient_comes_by(void **state) {
    luron_ctx *ctx = *state;
    int64_t id;
    luron_tensor *plain = tensor_row(ctx, LURON_F64, 1), *x = LEAF(ctx, 1), *y = one(ctx, luron_square, x);
    assert_fails(ctx, luron_tensor_add_hook(&id, ctx, plain, noting, NULL, NULL), LURON_E_STATE,
                 "hook: the tensor requires no gradient");
    assert_fails(ctx, luron_tensor_retain_grad(ctx, plain), LURON_E_STATE,
                 "retain_grad: the tensor requires no gradient");
    assert_ok(ctx, luron_backward(ctx, y, NULL, 0));
    assert_fails(ctx, luron_tensor_add_hook(&id, ctx, y, noting, NULL, NULL), LURON_E_STATE,
                 "used up the tape behind the tensor, made by 'square'");
    assert_fails(ctx, luron_tensor_remove_hook(ctx, plain, 1), LURON_E_NOT_FOUND, "no hook 1");
    release(plain, x, y);
}

/* ---- layers and models ------------------------------------------------------------------------------------------- */
typedef struct watch {
    int pre, after, back, order, released;
    int n_in, n_out, n_grads_in, n_grads_out;
    double times_in, times_out, times_back; /* 0: leave it */
    int fails;                              /* 1 pre, 2 forward, 3 backward */
    bool wrong;
    double grad_in, grad_out; /* first element of the first that is there */
} watch;

static int count(int n, luron_tensor *const *ts, double *first) {
    int there = 0;
    for (int i = n - 1; i >= 0; i--)
        if (ts[i]) *first = *(double *)luron_tensor_data(ts[i]), there++;
    return there;
}
static luron_status times_all(luron_ctx *ctx, int n, luron_tensor *const *ts, double times, luron_tensor **instead) {
    for (int i = 0; i < n && times != 0; i++)
        if (ts[i]) LURON_TRY(luron_scale(&instead[i], ctx, ts[i], times, 0));
    return LURON_OK;
}
static luron_status watch_pre(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, luron_tensor **instead) {
    watch *w = ud;
    w->pre++, w->order = ++clock_of_hooks, w->n_in = n_in;
    LURON_TRY(times_all(ctx, n_in, ins, w->times_in, instead));
    return w->fails == 1 ? luron__fail(ctx, LURON_E_CALLBACK, "pre says no") : LURON_OK;
}
static luron_status watch_forward(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, int n_out,
                                  luron_tensor *const *outs, luron_tensor **instead) {
    watch *w = ud;
    (void)ins;
    w->after++, w->n_in = n_in, w->n_out = n_out;
    LURON_TRY(times_all(ctx, n_out, outs, w->times_out, instead));
    return w->fails == 2 ? luron__fail(ctx, LURON_E_CALLBACK, "forward says no") : LURON_OK;
}
static luron_status watch_backward(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *grad_ins, int n_out,
                                   luron_tensor *const *grad_outs, luron_tensor **instead) {
    watch *w = ud;
    w->back++, w->n_grads_in = count(n_in, grad_ins, &w->grad_in),
               w->n_grads_out = count(n_out, grad_outs, &w->grad_out);
    if (w->wrong) return luron_tensor_full(instead, ctx, LURON_F64, 0, (const int64_t[]){0}, 1);
    LURON_TRY(times_all(ctx, n_in, grad_ins, w->times_back, instead));
    return w->fails == 3 ? luron__fail(ctx, LURON_E_CALLBACK, "backward says no") : LURON_OK;
}
static void watch_released(void *ud) { ((watch *)ud)->released++; }
static const luron_layer_hook watching = {.struct_size = sizeof watching,
                                          .forward_pre = watch_pre,
                                          .forward = watch_forward,
                                          .backward = watch_backward,
                                          .release = watch_released};

static void test_hooks_of_a_layer(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *square = make(ctx, "Square", NULL), *copy;
    luron_tensor *x = LEAF(ctx, 1, 3), *y, *s;
    watch a = {.times_in = 2}, b = {.times_out = 10, .times_back = 100};
    int64_t id[2];
    assert_ok(ctx, luron_layer_add_hook(&id[0], ctx, square, &watching, &a));
    assert_ok(ctx, luron_layer_add_hook(&id[1], ctx, square, &watching, &b));
    assert_ok(ctx, luron_layer_apply(&y, ctx, square, 1, &x));
    assert_values(y, 40, 360); /* 10 (2 x)^2 */
    assert_true(a.pre == 1 && b.pre == 1 && a.order < b.order && a.after == 1 && b.after == 1 && a.n_in == 1 &&
                a.n_out == 1);
    s = total(ctx, y);
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_values(luron_tensor_grad(x), 80 * 100, 240 * 100);
    assert_true(a.back == 1 && a.n_grads_in == 1 && a.n_grads_out == 1);
    assert_true(a.grad_out == 1 && a.grad_in == 40 && b.grad_in == 40); /* of what went in: 2 x */
    release(y, s);
    assert_ok(ctx, luron_layer_clone(&copy, ctx, square));
    assert_null(copy->hooks);
    luron_layer_unref(copy);
    assert_ok(ctx, luron_layer_remove_hook(ctx, square, id[0]));
    assert_int_equal(a.released, 1);
    assert_fails(ctx, luron_layer_remove_hook(ctx, square, id[0]), LURON_E_NOT_FOUND, "the layer has no hook");
    assert_ok(ctx, luron_layer_remove_hook(ctx, square, id[1]));
    assert_null(square->hooks);
    assert_ok(ctx, luron_layer_apply(&y, ctx, square, 1, &x));
    assert_values(y, 1, 9);
    assert_int_equal(a.pre, 1);
    release(x, y);
    luron_layer_unref(square);
}

/* Several inputs and outputs, one without a gradient, one absent; a composite; no input that requires a gradient. */
static void test_hooks_of_layers_of_all_kinds(void **state) {
    luron_ctx *ctx = *state;
    int64_t id;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_layer *pair = make(ctx, "Pair", "{\"n\": 2}"), *affine = make(ctx, "Affine", NULL);
    luron_tensor *a = LEAF(ctx, 1, 2), *b = tensor_row(ctx, LURON_F64, 5, 6), *outs[2], *s, *plain[3], *x, *y, *g;
    watch w = {.times_back = 3};
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 2, (luron_tensor *[]){a, b}));
    s = total(ctx, outs[0]);
    assert_ok(ctx, luron_grad(plain, ctx, 1, &s, NULL, 1, &a, 0));
    release(outs[0], outs[1], s);
    assert_ok(ctx, luron_layer_add_hook(&id, ctx, pair, &watching, &w));
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 2, (luron_tensor *[]){a, b}));
    assert_true(w.n_in == 2 && w.n_out == 2);
    s = total(ctx, outs[0]);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &a, 0));
    assert_true(w.back == 1 && w.n_grads_in == 1 &&
                w.n_grads_out == 1); /* b wants none; nothing came back to the sum */
    assert_ok(ctx, luron_scale(&y, ctx, plain[0], 3, 0));
    assert_tensor_same(g, y);
    release(outs[0], outs[1], s, g, y, plain[0]);
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 2, (luron_tensor *[]){a, NULL}));
    assert_ok(ctx, luron_backward(ctx, outs[1], NULL, 0));
    assert_true(w.back == 2 && w.n_grads_in == 1 && w.n_grads_out == 1 && w.grad_out == 1);
    release(outs[0], outs[1]);
    assert_ok(ctx,
              luron_layer_apply(outs, ctx, pair, 2, (luron_tensor *[]){b, b})); /* the weight alone has a gradient */
    assert_ok(ctx, luron_backward(ctx, outs[1], NULL, 0));
    assert_true(w.back == 3 && w.n_grads_in == 0 && w.n_grads_out == 1);
    release(outs[0], outs[1]);
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 1, &a));
    luron_ctx_set_recording(ctx, 1);
    assert_false(luron_tensor_requires_grad(outs[0]));
    release(a, b, outs[0], outs[1]);
    luron_layer_unref(pair);
    assert_int_equal(w.released, 1);

    watch v = {.times_back = 2};
    assert_ok(ctx, luron_layer_add_hook(&id, ctx, affine, &watching, &v));
    x = tensor_of(ctx, LURON_F64, LURON_SHAPE(4, 3), NULL);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_layer_apply(&y, ctx, affine, 1, &x));
    luron_layer_unref(affine); /* its hooks go on with the tape */
    s = total(ctx, y);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, LURON_CREATE_GRAPH));
    assert_int_equal(v.back, 1);
    assert_true(luron_tensor_requires_grad(g)); /* what the hook did is on the tape too */
    release(x, y, s, g);
    assert_int_equal(v.released, 1);
}

static void test_hooks_of_a_layer_that_fail(void **state) {
    luron_ctx *ctx = *state;
    int64_t id;
    luron_layer *square = make(ctx, "Square", NULL);
    luron_tensor *x = LEAF(ctx, 1, 3), *y, *s;
    watch w = {.fails = 1, .times_in = 2, .times_out = 2, .times_back = 2};
    assert_ok(ctx, luron_layer_add_hook(&id, ctx, square, &watching, &w));
    assert_fails(ctx, luron_layer_apply(&y, ctx, square, 1, &x), LURON_E_CALLBACK, "pre says no");
    w.fails = 2;
    assert_fails(ctx, luron_layer_apply(&y, ctx, square, 1, &x), LURON_E_CALLBACK, "forward says no");
    w.fails = 3;
    assert_ok(ctx, luron_layer_apply(&y, ctx, square, 1, &x));
    s = total(ctx, y);
    assert_fails(ctx, luron_backward(ctx, s, NULL, LURON_RETAIN_GRAPH), LURON_E_CALLBACK, "backward says no");
    assert_null(luron_tensor_grad(x));
    w.fails = 0, w.wrong = true;
    assert_fails(ctx, luron_backward(ctx, s, NULL, LURON_RETAIN_GRAPH), LURON_E_SHAPE,
                 "backward hook: gradient of shape (2,) for input 0 expected, got ()");
    assert_null(luron_tensor_grad(x));
    w.wrong = false;
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_non_null(luron_tensor_grad(x));
    luron_layer_hook none = {.struct_size = sizeof none}, small = {.struct_size = 4, .forward = watch_forward};
    assert_fails(ctx, luron_layer_add_hook(&id, ctx, square, &none, NULL), LURON_E_ARGUMENT, "all are NULL");
    assert_fails(ctx, luron_layer_add_hook(&id, ctx, square, &small, NULL), LURON_E_ARGUMENT, "struct_size");
    release(x, y, s);
    luron_layer_unref(square);
}

/* A struct of a program built when there was less in it: what is not there counts as NULL. */
static void test_hooks_of_an_older_struct(void **state) {
    luron_ctx *ctx = *state;
    int64_t id;
    luron_layer *square = make(ctx, "Square", NULL);
    luron_tensor *x = LEAF(ctx, 1, 3), *y;
    watch w = {0};
    luron_layer_hook older = watching;
    older.struct_size = offsetof(luron_layer_hook, forward);
    assert_ok(ctx, luron_layer_add_hook(&id, ctx, square, &older, &w));
    assert_ok(ctx, luron_layer_apply(&y, ctx, square, 1, &x));
    assert_ok(ctx, luron_backward(ctx, y, x, 0));
    assert_true(w.pre == 1 && w.after == 0 && w.back == 0);
    release(x, y);
    luron_layer_unref(square);
    assert_int_equal(w.released, 0);
}

static luron_model *two_squares(luron_ctx *ctx, luron_layer **first) {
    luron_model *m;
    luron_value v;
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    for (int i = 0; i < 2; i++) {
        luron_layer *square = make(ctx, "Square", NULL);
        assert_ok(ctx, luron_model_add(&v, ctx, m, NULL, square, 1, &v));
        if (i == 0) *first = square;
        luron_layer_unref(square);
    }
    return m;
}

static void test_hooks_of_a_model(void **state) {
    luron_ctx *ctx = *state;
    int64_t id[2];
    luron_layer *first;
    luron_model *m = two_squares(ctx, &first), *copy;
    luron_tensor *x = LEAF(ctx, 1, 2), *y, *s;
    watch whole = {.times_in = 2, .times_out = 3, .times_back = 5}, part = {.times_back = 7};
    assert_ok(ctx, luron_model_add_hook(&id[0], ctx, m, &watching, &whole));
    assert_ok(ctx, luron_layer_add_hook(&id[1], ctx, first, &watching, &part));
    assert_ok(ctx, luron_model_run(&y, ctx, m, 1, &x));
    assert_values(y, 3 * 16, 3 * 256); /* 3 (2 x)^4 */
    s = total(ctx, y);
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    assert_values(luron_tensor_grad(x), 3 * 64 * 35, 3 * 64 * 8 * 35);
    assert_true(whole.back == 1 && part.back == 1 && whole.grad_out == 1 && part.grad_out == 3 * 2 * 4);
    assert_ok(ctx, luron_model_clone(&copy, ctx, m));
    assert_null(copy->hooks);
    assert_null(luron_model_layer(copy, 0)->hooks);
    luron_model_unref(copy);
    assert_ok(ctx, luron_model_remove_hook(ctx, m, id[0]));
    assert_fails(ctx, luron_model_remove_hook(ctx, m, id[0]), LURON_E_NOT_FOUND, "the model has no hook");
    assert_null(m->hooks);
    release(x, y, s);
    luron_model_unref(m);
    assert_int_equal(part.released, 1);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */
static luron_status all_hooks(luron_ctx *ctx, luron_layer *layer, luron_tensor *x, note *n, watch *w) {
    luron_tensor *y = NULL, *z = NULL, *s = NULL;
    int64_t id, of_layer = 0;
    luron_status status = luron_layer_add_hook(&of_layer, ctx, layer, &watching, w);
    if (!status) status = luron_layer_apply(&y, ctx, layer, 1, &x);
    if (!status) status = luron_exp(&z, ctx, y);
    if (!status) status = luron_tensor_add_hook(&id, ctx, z, noting, n, released);
    if (!status) status = luron_tensor_retain_grad(ctx, y);
    if (!status) status = luron_sum(&s, ctx, z, 0, NULL, 0);
    if (!status) status = luron_backward(ctx, s, NULL, 0);
    if (of_layer) assert_int_equal(luron_layer_remove_hook(ctx, layer, of_layer), LURON_OK);
    release(y, z, s);
    return status;
}

static void test_hooks_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *square = make(ctx, "Square", NULL);
    luron_tensor *x = LEAF(ctx, 1, 2);
    note n = {.times = 2};
    watch w = {.times_in = 2, .times_out = 3, .times_back = 5};
    int64_t blocks = luron_ctx_live_blocks(ctx), bytes = luron_ctx_live_bytes(ctx), k = 1;
    for (;; k++) {
        n.released = w.released = n.calls = 0;
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = all_hooks(ctx, square, x, &n, &w);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(n.released <= 1 && w.released <= 1 && n.calls <= n.released);
        if (status == LURON_OK) break;
        assert_int_equal(status, LURON_E_NOMEM);
        assert_null(luron_tensor_grad(x));
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
    }
    assert_true(k > 30);
    assert_non_null(luron_tensor_grad(x));
    release(x);
    luron_layer_unref(square);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_hooks_see_and_replace_gradients),
        test_case(test_hooks_see_the_complete_gradient),
        test_case(test_hooks_outlive_the_header_of_their_tensor),
        test_case(test_hooks_are_removed),
        test_case(test_hooks_that_fail_end_the_backward),
        test_case(test_hooks_in_grad_and_in_higher_derivatives),
        test_case(test_hooks_retain_grad),
        test_case(test_hooks_where_no_gradient_comes_by),
        fake_test(test_hooks_of_a_layer),
        fake_test(test_hooks_of_layers_of_all_kinds),
        fake_test(test_hooks_of_a_layer_that_fail),
        fake_test(test_hooks_of_an_older_struct),
        fake_test(test_hooks_of_a_model),
        fake_test(test_hooks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
