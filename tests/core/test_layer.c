#include "fake_bench.h"

#include <stdio.h>

/* ---- gradients and the traps ------------------------------------------------------------------------------------- */
static void test_layer_gradients(void **state) {
    static const layer_case cases[] = {
        {"Square", "{\"times\": 1.5}", 1, {{INPUT_SHAPE(3, 4)}}, .order = 2},
        {"Square", NULL, 1, {{INPUT_SHAPE(0)}}, .order = 2},
        {"Square", NULL, 1, {{.ndim = 0}}, .order = 2},
        {"FakeTanh", NULL, 1, {{INPUT_SHAPE(2, 3)}}, .order = 2},
        {"NoCompose", NULL, 1, {{INPUT_SHAPE(5)}}, .order = 1},
        {"Pair", "{\"n\": 5}", 2, {{INPUT_SHAPE(5)}, {INPUT_SHAPE(5)}}, .order = 2},
        {"Pair", "{\"n\": 5}", 2, {{INPUT_SHAPE(5)}, {.absent = true}}, .order = 2},
        {"Pair", "{\"n\": 5}", 1, {{INPUT_SHAPE(5)}}, .order = 2},
        {"Mix", NULL, 3, {{INPUT_SHAPE(4)}, {INPUT_SHAPE(4)}, {INPUT_SHAPE(4), .no_grad = true}}, .order = 2},
        {"Noise", NULL, 1, {{INPUT_SHAPE(3, 3)}}, .order = 2},
        {"Noise", NULL, 1, {{INPUT_SHAPE(3, 3)}}, .order = 2, .eval = true},
        {"NoiseOps", NULL, 1, {{INPUT_SHAPE(3, 3)}}, .order = 2},
        {"Counter", NULL, 1, {{INPUT_SHAPE(4)}}, .order = 2, .eval = true},
        {"Table", "{\"n\": 6, \"width\": 3}", 1, {{INPUT_SHAPE(2, 4), .ids = true, .n_ids = 6}}, .order = 2},
        {"Lazy", NULL, 1, {{INPUT_SHAPE(4, 3)}}, .order = 2},
        {"Affine", NULL, 1, {{INPUT_SHAPE(4, 3)}}, .order = 2},
        {"Narrow", NULL, 1, {{INPUT_SHAPE(3, 4)}}, .order = 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

/* More inputs than fit in a frame, and element-wise work in several pieces. */
static void test_layer_gradients_of_many(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 12 };
    luron_layer *mix = make(ctx, "Mix", NULL);
    luron_tensor *x[N], *y, *g[N], *s;
    for (int i = 0; i < N; i++) x[i] = leaf(ctx, tensor_row(ctx, LURON_F32, i, 1));
    assert_ok(ctx, luron_layer_apply(&y, ctx, mix, N, x));
    assert_tensor_close(y, ((const double[]){572, 78}), 2, 1e-6, 0);
    assert_ok(ctx, luron_sum(&s, ctx, y, 0, NULL, 0));
    assert_ok(ctx, luron_grad(g, ctx, 1, &s, NULL, N, x, 0));
    for (int i = 0; i < N; i++) {
        assert_tensor_close(g[i], ((const double[]){i + 1, i + 1}), 2, 0, 0);
        luron_tensor_unref(g[i]);
        luron_tensor_unref(x[i]);
    }
    luron_tensor_unref(y);
    luron_tensor_unref(s);
    luron_layer_unref(mix);
}

static void test_layer_elementwise_in_pieces(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 50001 };
    luron_layer *square = make(ctx, "Square", NULL);
    luron_tensor *x, *y, *sum, *both, *g;
    assert_ok(ctx, luron_ctx_set_threads(ctx, 3));
    assert_ok(ctx, luron_tensor_arange(&x, ctx, LURON_F32, 0, N, 1));
    leaf(ctx, x);
    assert_ok(ctx, luron_layer_apply(&y, ctx, square, 1, &x));
    assert_ok(ctx, luron_add(&both, ctx, y, x)); /* x has a gradient when the layer's comes: derive adds */
    assert_ok(ctx, luron_sum(&sum, ctx, both, 0, NULL, 0));
    assert_ok(ctx, luron_grad(&g, ctx, 1, &sum, NULL, 1, &x, 0));
    for (int i = 0; i < N; i++) {
        assert_true(((const float *)luron_tensor_data(y))[i] == (float)i * (float)i);
        assert_true(((const float *)luron_tensor_data(g))[i] == 2 * (float)i + 1);
    }
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_tensor_unref(both);
    luron_tensor_unref(sum);
    luron_tensor_unref(g);
    luron_layer_unref(square);
}

/* One tensor in three places of a call, which store or add in the order of their own. */
static void test_layer_one_tensor_in_several_places(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *mix = make(ctx, "Mix", NULL), *pair = make(ctx, "Pair", "{\"n\": 2}");
    luron_tensor *a = leaf(ctx, tensor_row(ctx, LURON_F64, 2, 3)), *b = leaf(ctx, tensor_row(ctx, LURON_F64, 5, 7)),
                 *in[] = {a, b, a}, *y, *s, *g[2], *ab[] = {a, b};
    assert_ok(ctx, luron_layer_apply(&y, ctx, mix, 3, in));
    assert_tensor_close(y, ((const double[]){2 + 10 + 6, 3 + 14 + 9}), 2, 1e-6, 0);
    assert_ok(ctx, luron_sum(&s, ctx, y, 0, NULL, 0));
    assert_ok(ctx, luron_grad(g, ctx, 1, &s, NULL, 2, ab, 0));
    assert_tensor_close(g[0], ((const double[]){4, 4}), 2, 0, 0);
    assert_tensor_close(g[1], ((const double[]){2, 2}), 2, 0, 0);
    for (int i = 0; i < 2; i++) luron_tensor_unref(g[i]);
    luron_tensor_unref(y);
    luron_tensor_unref(s);
    assert_ok(ctx, luron_layer_set_dtype(ctx, pair, LURON_F64));
    luron_tensor *w = luron_layer_param(pair, 0), *outs[2], *aw[] = {w, w}, *one[1],
                 *v = tensor_row(ctx, LURON_F64, 1, 1);
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 2, aw)); /* the parameter is both inputs: w^3 */
    assert_ok(ctx, luron_grad(one, ctx, 1, outs, &v, 1, &w, LURON_RETAIN_GRAPH));
    const double *p = luron_tensor_data(w);
    assert_tensor_close(one[0], ((const double[]){3 * p[0] * p[0], 3 * p[1] * p[1]}), 2, 1e-12, 0);
    luron_tensor_unref(one[0]);
    assert_ok(ctx, luron_ctx_set_higher(ctx, 1) ? LURON_E_STATE : LURON_OK);
    assert_ok(ctx, luron_grad(one, ctx, 1, outs, &v, 1, &w, LURON_CREATE_GRAPH)); /* and through compose */
    assert_tensor_close(one[0], ((const double[]){3 * p[0] * p[0], 3 * p[1] * p[1]}), 2, 1e-12, 0);
    luron_tensor_unref(one[0]);
    luron_tensor_unref(outs[0]);
    luron_tensor_unref(outs[1]);
    luron_tensor_unref(v);
    luron_tensor_unref(a);
    luron_tensor_unref(b);
    luron_layer_unref(mix);
    luron_layer_unref(pair);
}

static void test_layer_untouched_gradient_is_zero(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *bad = make(ctx, "Bad", "{\"how\": \"gives_nothing\"}");
    luron_tensor *x = leaf(ctx, zeros(ctx, LURON_F32, 2, 2)), *y, *s, *g, *dirt[8];
    assert_ok(ctx, luron_layer_apply(&y, ctx, bad, 1, &x));
    assert_ok(ctx, luron_sum(&s, ctx, y, 0, NULL, 0));
    for (int i = 0; i < 8; i++)
        assert_ok(ctx, luron_tensor_full(&dirt[i], ctx, LURON_F32, 1, (const int64_t[]){4},
                                         7)); /* so that reused memory shows */
    for (int i = 0; i < 8; i++) luron_tensor_unref(dirt[i]);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, 0));
    assert_tensor_close(g, ((const double[4]){0}), 4, 0, 0);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_tensor_unref(s);
    luron_tensor_unref(g);
    luron_layer_unref(bad);
}

/* A backward that fails after writing: the gradients of the leaves are as before. */
static void test_layer_failed_backward_changes_nothing(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *bad = make(ctx, "Bad", "{\"how\": \"backward\"}");
    luron_tensor *x = leaf(ctx, zeros(ctx, LURON_F32, 1, 2)), *grad = zeros(ctx, LURON_F32, 1, 2), *y, *both, *s;
    assert_ok(ctx, luron_tensor_fill(ctx, grad, 5));
    assert_ok(ctx, luron_tensor_set_grad(ctx, x, grad));
    assert_ok(ctx, luron_layer_set_name(ctx, bad, "b"));
    assert_ok(ctx, luron_layer_apply(&y, ctx, bad, 1, &x));
    assert_ok(ctx, luron_add(&both, ctx, y, x));
    assert_ok(ctx, luron_sum(&s, ctx, both, 0, NULL, 0));
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_RANGE,
                 "layer 'b' = Bad { how = 'backward' }: not backwards; given input (1, 2)");
    assert_tensor_close(luron_tensor_grad(x), ((const double[]){5, 5}), 2, 0, 0);
    luron_tensor_unref(x);
    luron_tensor_unref(grad);
    luron_tensor_unref(y);
    luron_tensor_unref(both);
    luron_tensor_unref(s);
    luron_layer_unref(bad);
}

/* ---- higher derivatives ------------------------------------------------------------------------------------------ */
static luron_status second(luron_ctx *ctx, luron_layer *layer, luron_tensor *x) {
    luron_tensor *y, *s, *g;
    LURON_TRY(luron_layer_apply(&y, ctx, layer, 1, &x));
    luron_status status = luron_sum(&s, ctx, y, 0, NULL, 0);
    luron_tensor_unref(y);
    if (status) return status;
    status = luron_grad(&g, ctx, 1, &s, NULL, 1, &x, LURON_CREATE_GRAPH);
    luron_tensor_unref(s);
    if (!status) luron_tensor_unref(g);
    return status;
}

static void test_layer_second_derivative_needs(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *plain = make(ctx, "NoCompose", NULL), *tanh = make(ctx, "FakeTanh", NULL);
    luron_tensor *x = leaf(ctx, tensor_row(ctx, LURON_F32, 1, 2));
    assert_ok(ctx, luron_layer_set_name(ctx, plain, "act"));
    assert_fails(ctx, second(ctx, plain, x), LURON_E_GRADIENT, "layer 'act' = NoCompose");
    assert_non_null(strstr(luron_ctx_error(ctx), "no compose"));
    assert_fails(ctx, second(ctx, tanh, x), LURON_E_GRADIENT, "luron.higher"); /* the input was let go */
    assert_int_equal(luron_ctx_set_higher(ctx, 1), 0);
    assert_int_equal(luron_ctx_is_higher(ctx), 1);
    assert_ok(ctx, second(ctx, tanh, x));
    luron_tensor_unref(x);
    luron_layer_unref(plain);
    luron_layer_unref(tanh);
}

/* d2/dx2 of f(x, g(x)) where the layer's two inputs depend on each other: x^2 x = x^3. */
static void test_layer_second_derivative_of_dependent_inputs(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *pair = make(ctx, "Pair", "{\"n\": 1}");
    assert_ok(ctx, luron_layer_set_dtype(ctx, pair, LURON_F64));
    luron_tensor *w = luron_layer_param(pair, 0), *x = leaf(ctx, tensor_row(ctx, LURON_F64, 3)), *in[2] = {x}, *outs[2],
                 *v = tensor_row(ctx, LURON_F64, 1), *g, *g2;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, w, 0));
    assert_ok(ctx, luron_tensor_fill(ctx, w, 1));
    assert_ok(ctx, luron_square(&in[1], ctx, x));
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 2, in));
    assert_ok(ctx, luron_grad(&g, ctx, 1, outs, &v, 1, &x, LURON_CREATE_GRAPH));
    assert_tensor_close(g, ((const double[]){27}), 1, 1e-12, 0);
    assert_ok(ctx, luron_grad(&g2, ctx, 1, &g, NULL, 1, &x, 0));
    assert_tensor_close(g2, ((const double[]){18}), 1, 1e-12, 0);
    luron_tensor *all[] = {x, in[1], outs[0], outs[1], v, g, g2};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
    luron_layer_unref(pair);
}

/* ---- random numbers and state ------------------------------------------------------------------------------------ */
static uint64_t position(luron_ctx *ctx) {
    uint64_t seed, at;
    luron_ctx_random_state(ctx, &seed, &at);
    return at;
}

static void test_layer_random_positions(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *noise = make(ctx, "Noise", NULL), *ops = make(ctx, "NoiseOps", NULL),
                *square = make(ctx, "Square", NULL);
    luron_tensor *x = tensor_row(ctx, LURON_F32, 1, 1, 1), *y[4], *g, *s;
    luron_ctx_set_random_state(ctx, 9, 40);
    assert_ok(ctx, luron_layer_apply(&y[0], ctx, noise, 1, &x));
    assert_ok(ctx, luron_layer_apply(&y[1], ctx, square, 1, &x)); /* takes none */
    assert_ok(ctx, luron_layer_apply(&y[2], ctx, noise, 1, &x));
    assert_int_equal(position(ctx), 42);
    assert_true(memcmp(luron_tensor_data(y[0]), luron_tensor_data(y[2]), 12) != 0);
    luron_ctx_set_random_state(ctx, 9, 40);
    assert_ok(ctx, luron_layer_apply(&y[3], ctx, ops, 1, &x)); /* compose draws the same numbers */
    assert_tensor_same(y[3], y[0]);
    for (int i = 0; i < 4; i++) luron_tensor_unref(y[i]);
    leaf(ctx, x);
    assert_ok(ctx, luron_layer_apply(&y[0], ctx, noise, 1, &x));
    luron_ctx_seed(ctx, 1); /* the call keeps its own */
    assert_ok(ctx, luron_sum(&s, ctx, y[0], 0, NULL, 0));
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, 0));
    assert_true(memcmp(luron_tensor_data(y[0]), luron_tensor_data(g), 12) ==
                0); /* x is 1, so both are the numbers drawn */
    luron_layer_set_training(noise, 0);
    assert_false(luron_layer_is_training(noise));
    luron_tensor_unref(y[0]);
    assert_ok(ctx, luron_layer_apply(&y[0], ctx, noise, 1, &x));
    assert_int_equal(position(ctx), 0);
    assert_tensor_close(y[0], ((const double[]){1, 1, 1}), 3, 0, 0);
    luron_tensor_unref(y[0]);
    luron_tensor_unref(x);
    luron_tensor_unref(s);
    luron_tensor_unref(g);
    luron_layer_unref(noise);
    luron_layer_unref(ops);
    luron_layer_unref(square);
}

static void test_layer_failure_takes_no_position(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *noise = make(ctx, "Noise", NULL), *none = NULL;
    luron_tensor *x = tensor_row(ctx, LURON_I64, 1), *y = NULL;
    luron_ctx_set_random_state(ctx, 9, 40);
    assert_fails(ctx, luron_layer_apply(&y, ctx, noise, 1, &x), LURON_E_DTYPE, "int64");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "Bad", "{\"how\": \"param_twice\"}"), LURON_E_PLUGIN,
                 "'w' is taken");
    assert_int_equal(position(ctx), 40);
    luron_tensor_unref(x);
    x = leaf(ctx, tensor_row(ctx, LURON_F32, 1));
    int k = 1;
    for (;; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron_layer_apply(&y, ctx, noise, 1, &x);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (status == LURON_OK) break;
        assert_int_equal(position(ctx), 40);
    }
    assert_true(k > 3); /* some of them after the numbers were drawn */
    assert_int_equal(position(ctx), 41);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_layer_unref(noise);
}

static double state_of(luron_ctx *ctx, const luron_layer *layer) {
    double v = 0;
    assert_ok(ctx, luron_tensor_item(&v, ctx, luron_layer_state(layer, 0)));
    return v;
}

/* Only a training forward writes the state, whatever the plugin does. */
static void test_layer_state(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *counter = make(ctx, "Counter", NULL);
    luron_tensor *x = leaf(ctx, tensor_row(ctx, LURON_F32, 10)), *y[3], *g;
    assert_int_equal(luron_layer_n_states(counter), 1);
    assert_string_equal(luron_layer_state_name(counter, 0), "count");
    assert_null(luron_layer_state(counter, 1));
    assert_ok(ctx, luron_layer_apply(&y[0], ctx, counter, 1, &x));
    assert_tensor_close(y[0], ((const double[]){13}), 1, 0, 0);
    assert_true(state_of(ctx, counter) == 4);
    assert_ok(ctx, luron_grad(&g, ctx, 1, y, NULL, 1, &x, 0)); /* its backward writes too */
    assert_true(state_of(ctx, counter) == 4);
    luron_layer_set_training(counter, 0);
    assert_ok(ctx, luron_layer_apply(&y[1], ctx, counter, 1, &x));
    assert_tensor_close(y[1], ((const double[]){14}), 1, 0, 0);
    assert_true(state_of(ctx, counter) == 4);
    assert_ok(ctx, luron_layer_reset(ctx, counter));
    assert_true(state_of(ctx, counter) == 3);
    luron_tensor_unref(x);
    luron_tensor_unref(y[0]);
    luron_tensor_unref(y[1]);
    luron_tensor_unref(g);
    luron_layer_unref(counter);
}

/* ---- layers as objects ------------------------------------------------------------------------------------------- */
static void test_layer_clone(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *table = make(ctx, "Table", "{\"n\": 2, \"width\": 3}"), *copy;
    luron_tensor *rows = luron_layer_param(table, 0), *other;
    luron_layer_set_training(table, 0);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, rows, 0));
    uint64_t before = position(ctx);
    assert_ok(ctx, luron_layer_clone(&copy, ctx, table));
    assert_int_equal(position(ctx), before);
    other = luron_layer_param(copy, 0);
    assert_tensor_same(other, rows);
    assert_false(luron_tensor_is_shared(other, rows));
    assert_false(luron_tensor_requires_grad(other));
    assert_false(luron_layer_is_training(copy));
    assert_string_equal(luron_layer_param_name(copy, 0), "rows");
    assert_int_equal(luron_layer_option(copy, 1).integer, 3);
    luron_layer_unref(table); /* stands without the original */
    assert_ok(ctx, luron_layer_reset(ctx, copy));
    assert_string_equal(luron_type_name(luron_layer_type_of(copy)), "Table");
    luron_layer_unref(copy);
}

static void test_layer_reset_draws_anew(void **state) {
    luron_ctx *ctx = *state;
    luron_ctx_seed(ctx, 5);
    luron_layer *a = make(ctx, "Affine", NULL);
    luron_ctx_seed(ctx, 5);
    luron_layer *b = make(ctx, "Affine", NULL);
    assert_tensor_same(luron_layer_param(a, 0), luron_layer_param(b, 0)); /* same seed, same layer */
    luron_tensor *w = luron_layer_param(b, 0);
    assert_ok(ctx, luron_layer_reset(ctx, b));
    assert_ptr_equal(luron_layer_param(b, 0), w); /* an optimiser that holds it goes on */
    assert_true(memcmp(luron_tensor_data(w), luron_tensor_data(luron_layer_param(a, 0)), 6 * 4) != 0);
    luron_layer_unref(a);
    luron_layer_unref(b);
}

static void test_layer_tying(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *a = make(ctx, "Affine", NULL), *b = make(ctx, "Affine", NULL);
    luron_tensor *w = luron_layer_param(a, 0), *x = zeros(ctx, LURON_F32, 1, 3), *wide = zeros(ctx, LURON_F64, 3, 2),
                 *ya, *yb, *s, *g[2], *xs[] = {w, luron_layer_param(b, 1)};
    assert_ok(ctx, luron_tensor_fill(ctx, x, 0.5));
    assert_ok(ctx, luron_layer_set_param(ctx, b, 0, w));
    assert_ptr_equal(luron_layer_param(b, 0), w);
    assert_ok(ctx, luron_layer_apply(&ya, ctx, a, 1, &x));
    assert_ok(ctx, luron_layer_apply(&yb, ctx, b, 1, &x));
    assert_ok(ctx, luron_add(&s, ctx, ya, yb));
    luron_tensor *v = zeros(ctx, LURON_F32, 1, 2);
    assert_ok(ctx, luron_tensor_fill(ctx, v, 1));
    assert_ok(ctx, luron_grad(g, ctx, 1, &s, &v, 2, xs, 0));
    assert_non_null(g[0]);
    assert_fails(ctx, luron_layer_set_param(ctx, b, 0, x), LURON_E_SHAPE, "'w' has shape (3, 2), got (1, 3)");
    assert_fails(ctx, luron_layer_set_param(ctx, b, 0, wide), LURON_E_DTYPE, "'w' is float32, got float64");
    assert_fails(ctx, luron_layer_set_param(ctx, b, 2, w), LURON_E_RANGE, "no parameter 2");
    assert_ok(ctx, luron_layer_set_dtype(ctx, a, LURON_F64)); /* the tie holds */
    assert_ok(ctx, luron_layer_set_dtype(ctx, b, LURON_F64));
    assert_ptr_equal(luron_layer_param(b, 0), luron_layer_param(a, 0));
    luron_tensor *all[] = {x, wide, ya, yb, s, v, g[0], g[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
    luron_layer_unref(a);
    luron_layer_unref(b);
}

static void test_layer_dtype(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *a = make(ctx, "Affine", NULL), *narrow = make(ctx, "Narrow", NULL),
                *square = make(ctx, "Square", NULL), *none = NULL;
    luron_tensor *w = luron_layer_param(a, 0), *x = zeros(ctx, LURON_F32, 1, 3), *wide = zeros(ctx, LURON_F64, 1, 3),
                 *y, *old;
    float first = *(float *)luron_tensor_data(w);
    assert_ok(ctx, luron_layer_apply(&old, ctx, a, 1, &x));
    assert_ok(ctx, luron_layer_set_dtype(ctx, a, LURON_F64));
    assert_int_equal(luron_layer_dtype(a), LURON_F64);
    assert_ptr_equal(luron_layer_param(a, 0), w);
    assert_true(*(double *)luron_tensor_data(w) == (double)first);
    assert_true(luron_tensor_requires_grad(w));
    luron_tensor *v = zeros(ctx, LURON_F32, 1, 2); /* a backward of before must not read the new numbers as the old */
    assert_fails(ctx, luron_backward(ctx, old, v, 0), LURON_E_STATE, "changed in place");
    assert_fails(ctx, luron_layer_apply(&y, ctx, a, 1, &x), LURON_E_DTYPE,
                 "cast the input to float64 or the layer to float32");
    assert_ok(ctx, luron_layer_apply(&y, ctx, a, 1, &wide));
    assert_int_equal(luron_tensor_dtype(y), LURON_F64);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_layer_apply(&y, ctx, square, 1, &wide)); /* no parameters: as the input is */
    assert_int_equal(luron_tensor_dtype(y), LURON_F64);
    luron_tensor_unref(y);
    assert_fails(ctx, luron_layer_apply(&y, ctx, narrow, 1, &wide), LURON_E_DTYPE, "float32 alone");
    assert_fails(ctx, luron_layer_set_dtype(ctx, narrow, LURON_F64), LURON_E_DTYPE,
                 "Narrow: this type serves float32 alone");
    assert_fails(ctx, luron_layer_set_dtype(ctx, a, LURON_I64), LURON_E_DTYPE, "float32 or float64");
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    assert_fails(ctx, luron_layer_new(&none, ctx, "Narrow", 0, NULL), LURON_E_DTYPE,
                 "Narrow: this type serves float32 alone");
    luron_layer *b = make(ctx, "Affine", NULL);
    assert_int_equal(luron_layer_dtype(b), LURON_F64);
    luron_tensor *all[] = {x, wide, old, v};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
    luron_layer_unref(a);
    luron_layer_unref(b);
    luron_layer_unref(narrow);
    luron_layer_unref(square);
}

static void test_layer_lazy_parameters(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *lazy = make(ctx, "Lazy", NULL);
    luron_tensor *x = zeros(ctx, LURON_F32, 2, 5), *other = zeros(ctx, LURON_F32, 2, 4), *y = NULL;
    assert_int_equal(luron_layer_n_params(lazy), 0);
    assert_ok(ctx, luron_layer_apply(&y, ctx, lazy, 1, &x));
    assert_int_equal(luron_layer_n_params(lazy), 1);
    assert_shape(luron_layer_param(lazy, 0), 5, 2);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_layer_apply(&y, ctx, lazy, 1, &x));
    assert_fails(ctx, luron_layer_apply(&y, ctx, lazy, 1, &other), LURON_E_SHAPE,
                 "weight has shape (5, 2) since an earlier input, this input needs (4, 2); given input (2, 4)");
    luron_tensor_unref(y);
    luron_tensor_unref(x);
    luron_tensor_unref(other);
    luron_layer_unref(lazy);
}

static void test_layer_infer(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *pair = make(ctx, "Pair", "{\"n\": 4}"), *affine = make(ctx, "Affine", NULL),
                *table = make(ctx, "Table", "{\"n\": 2, \"width\": 3}"), *square = make(ctx, "Square", NULL);
    luron_dims in[2] = {{LURON_F32, 1, {4}}, {0}}, out[2];
    assert_ok(ctx, luron_layer_infer(out, ctx, pair, 2, in)); /* dtype 0: absent */
    assert_int_equal(luron_layer_n_outs(pair), 2);
    assert_int_equal(out[0].ndim, 1);
    assert_int_equal(out[0].shape[0], 4);
    assert_int_equal(out[1].ndim, 0);
    in[0] = (luron_dims){LURON_F32, 2, {7, 3}};
    assert_ok(ctx, luron_layer_infer(out, ctx, affine, 1, in)); /* ops alone: by running them */
    assert_int_equal(out[0].ndim, 2);
    assert_int_equal(out[0].shape[1], 2);
    in[0] = (luron_dims){LURON_I64, 2, {5, 6}};
    assert_ok(ctx, luron_layer_infer(out, ctx, table, 1, in));
    assert_int_equal(out[0].ndim, 3);
    assert_int_equal(out[0].shape[2], 3);
    assert_int_equal(out[0].dtype, LURON_F32);
    in[0] = (luron_dims){LURON_F64, 1, {1000000000000}}; /* nothing is computed */
    assert_ok(ctx, luron_layer_infer(out, ctx, square, 1, in));
    assert_true(out[0].shape[0] == 1000000000000 && out[0].dtype == LURON_F64);
    in[0].shape[0] = -1;
    assert_fails(ctx, luron_layer_infer(out, ctx, square, 1, in), LURON_E_SHAPE, "negative");
    luron_layer_unref(pair);
    luron_layer_unref(affine);
    luron_layer_unref(table);
    luron_layer_unref(square);
}

/* ---- running out of memory in what layer_check does not sweep ---------------------------------------------------- */
static luron_status clone_and_cast(luron_ctx *ctx, luron_layer *layer, luron_tensor *x) {
    luron_layer *copy;
    (void)x;
    LURON_TRY(luron_layer_clone(&copy, ctx, layer));
    luron_status status = luron_layer_set_dtype(ctx, copy, LURON_F64);
    if (status) { /* all or nothing */
        for (int i = 0; i < luron_layer_n_params(copy); i++)
            assert_int_equal(luron_tensor_dtype(luron_layer_param(copy, i)), LURON_F32);
        assert_int_equal(luron_layer_dtype(copy), LURON_F32);
    }
    if (!status) status = luron_layer_set_name(ctx, copy, "a name that takes memory");
    luron_layer_unref(copy);
    return status;
}
static luron_status infer_affine(luron_ctx *ctx, luron_layer *layer, luron_tensor *x) {
    luron_dims in = {LURON_F32, 2, {4, 3}}, out;
    (void)x;
    return luron_layer_infer(&out, ctx, layer, 1, &in);
}
static luron_status mix_of_many(luron_ctx *ctx, luron_layer *layer, luron_tensor *x) {
    luron_tensor *in[12], *y, *s, *g;
    for (int i = 0; i < 12; i++) in[i] = x;
    LURON_TRY(luron_layer_apply(&y, ctx, layer, 12, in));
    luron_status status = luron_sum(&s, ctx, y, 0, NULL, 0);
    luron_tensor_unref(y);
    if (status) return status;
    status = luron_grad(&g, ctx, 1, &s, NULL, 1, &x, luron_ctx_is_higher(ctx) ? LURON_CREATE_GRAPH : 0);
    luron_tensor_unref(s);
    if (status) return status;
    assert_tensor_close(g, ((const double[]){78}), 1, 0, 0); /* 1 + ... + 12 */
    luron_tensor_unref(g);
    return LURON_OK;
}

static void sweep(luron_ctx *ctx, luron_status (*fn)(luron_ctx *, luron_layer *, luron_tensor *), luron_layer *layer,
                  luron_tensor *x, int least) {
    for (int sticky = 0; sticky < 2; sticky++) {
        assert_ok(ctx, fn(ctx, layer, x));
        int64_t blocks = luron_ctx_live_blocks(ctx);
        int k = 1;
        for (;; k++) {
            luron_ctx_fail_alloc(ctx, k, sticky);
            luron_status status = fn(ctx, layer, x);
            luron_ctx_fail_alloc(ctx, 0, 0);
            if (status == LURON_OK) break;
            assert_int_equal(status, LURON_E_NOMEM);
            assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        }
        assert_true(k > least);
    }
}

static void test_layer_out_of_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *affine = make(ctx, "Affine", NULL), *mix = make(ctx, "Mix", NULL), *tanh = make(ctx, "FakeTanh", NULL);
    luron_tensor *x = leaf(ctx, tensor_row(ctx, LURON_F32, 1));
    sweep(ctx, clone_and_cast, affine, x, 10);
    sweep(ctx, infer_affine, affine, x, 10);
    sweep(ctx, mix_of_many, mix, x, 10);
    luron_ctx_set_higher(ctx, 1);
    sweep(ctx, mix_of_many, mix, x, 40);
    sweep(ctx, second, tanh, x, 20);
    luron_tensor_unref(x);
    luron_layer_unref(affine);
    luron_layer_unref(mix);
    luron_layer_unref(tanh);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fake_test(test_layer_gradients),
        fake_test(test_layer_gradients_of_many),
        fake_test(test_layer_elementwise_in_pieces),
        fake_test(test_layer_one_tensor_in_several_places),
        fake_test(test_layer_untouched_gradient_is_zero),
        fake_test(test_layer_failed_backward_changes_nothing),
        fake_test(test_layer_second_derivative_needs),
        fake_test(test_layer_second_derivative_of_dependent_inputs),
        fake_test(test_layer_random_positions),
        fake_test(test_layer_failure_takes_no_position),
        fake_test(test_layer_state),
        fake_test(test_layer_clone),
        fake_test(test_layer_reset_draws_anew),
        fake_test(test_layer_tying),
        fake_test(test_layer_dtype),
        fake_test(test_layer_lazy_parameters),
        fake_test(test_layer_infer),
        fake_test(test_layer_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
