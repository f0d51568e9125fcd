/* Plans: a step that is repeated gives the bits of the step that is computed, and what cannot be repeated is refused. */
#include "fake_layers.h"
#include "training.h"

#include <stdbool.h>
#include <stdio.h>

enum { BATCH = 16, STEPS = 12 };

/* ---- a network in training, by hand ------------------------------------------------------------------------------- */
typedef struct network {
    luron_layer *layers[8];
    int n;
    luron_optim *optim;
    uint32_t dtype;
} network;

static luron_arg number(const char *name, double v) { return (luron_arg){.name = name, .kind = LURON_ARG_NUMBER, .number = v}; }

static void add_layer(network *net, luron_ctx *ctx, const char *type, int n_args, const luron_arg *args) {
    assert_ok(ctx, luron_layer_new(&net->layers[net->n++], ctx, type, n_args, args));
}
static void add_linear(network *net, luron_ctx *ctx, int in, int out) { net->layers[net->n++] = make_linear(ctx, in, out); }

/* Its last layer is the loss. */
static void make_network(network *net, luron_ctx *ctx, const char *activation, const char *optim) {
    *net = (network){.dtype = LURON_F32};
    luron_ctx_seed(ctx, 7);
    luron_arg p = number("p", 0.3), lr = number("lr", 0.05);
    add_linear(net, ctx, 10, 33);
    add_layer(net, ctx, activation, 0, NULL);
    add_layer(net, ctx, "Dropout", 1, &p);
    add_linear(net, ctx, 33, 17);
    add_layer(net, ctx, activation, 0, NULL);
    add_linear(net, ctx, 17, 4);
    add_layer(net, ctx, "CrossEntropyLoss", 0, NULL);
    assert_ok(ctx, luron_optim_new(&net->optim, ctx, optim, 1, &lr));
    for (int i = 0; i < net->n; i++) {
        luron_tensor *params[2] = {luron_layer_param(net->layers[i], 0), luron_layer_param(net->layers[i], 1)};
        char names[2][16];
        const char *list[2] = {names[0], names[1]};
        for (int k = 0; k < 2; k++)
            snprintf(names[k], sizeof names[k], "%d.%d", i, k);
        if (params[0]) assert_ok(ctx, luron_optim_add(net->optim, ctx, 2, params, list, 0, NULL));
    }
}
static void free_network(network *net) {
    luron_optim_free(net->optim);
    for (int i = 0; i < net->n; i++)
        luron_layer_unref(net->layers[i]);
}

static luron_status step(luron_tensor **loss, luron_ctx *ctx, network *net, luron_tensor *x, luron_tensor *t) {
    LURON_TRY(luron_optim_zero_grad(net->optim, ctx));
    luron_tensor *h = luron_tensor_ref(x);
    luron_status status = LURON_OK;
    for (int i = 0; i < net->n && !status; i++) {
        luron_tensor *next, *in[2] = {h, t};
        status = luron_layer_apply(&next, ctx, net->layers[i], i == net->n - 1 ? 2 : 1, in);
        luron_tensor_unref(h);
        h = status ? NULL : next;
    }
    if (!status) status = luron_backward(ctx, h, NULL, 0);
    if (!status) status = luron_optim_step(net->optim, ctx);
    if (!status) *loss = luron_tensor_ref(h);
    luron_tensor_unref(h);
    return status;
}

static void make_batch(luron_tensor **x, luron_tensor **t, luron_ctx *ctx, int number) {
    double xs[BATCH * 10], ts[BATCH];
    for (int i = 0; i < BATCH * 10; i++)
        xs[i] = (i * 37 + number * 11) % 23 / 11.0 - 1;
    for (int i = 0; i < BATCH; i++)
        ts[i] = (i + number) % 4;
    *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){BATCH, 10}, xs);
    *t = tensor_of(ctx, LURON_I64, 1, (const int64_t[]){BATCH}, ts);
}

static luron_plan *note(luron_ctx *ctx, network *net, luron_tensor **loss, luron_tensor *x, luron_tensor *t) {
    luron_plan *plan;
    luron_tensor *ins[2] = {x, t};
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 2, ins));
    assert_ok(ctx, step(loss, ctx, net, x, t));
    assert_ok(ctx, luron_plan_end(plan, ctx, 1, loss));
    return plan;
}

/* Losses, parameters and gradients of STEPS steps: `planned` notes the second one and repeats it. */
static void train(luron_ctx *ctx, network *net, bool planned, luron_tensor **losses) {
    luron_plan *plan = NULL;
    for (int i = 0; i < STEPS; i++) {
        luron_tensor *x, *t;
        make_batch(&x, &t, ctx, i);
        if (plan) {
            assert_ok(ctx, luron_plan_run(&losses[i], plan, ctx, 2, (luron_tensor *[]){x, t}));
        } else if (planned && i == 1) {
            plan = note(ctx, net, &losses[i], x, t);
            if (luron_plan_refusal(plan)) fail_msg("refused: %s", luron_plan_refusal(plan));
        } else
            assert_ok(ctx, step(&losses[i], ctx, net, x, t));
        luron_tensor_unref(x);
        luron_tensor_unref(t);
    }
    luron_plan_free(plan);
}

static void test_plan_trains_with_the_same_bits(void **state) {
    static const char *const cases[][2] = {{"ReLU", "SGD"}, {"Tanh", "Adam"}, {"GELU", "RMSprop"}, {"Softplus", "Adagrad"}, {"Sigmoid", "LAMB"}};
    luron_ctx *ctx = *state;
    for (int c = 0; c < 5; c++) {
        network a, b;
        luron_tensor *first[STEPS], *second[STEPS];
        make_network(&a, ctx, cases[c][0], cases[c][1]);
        train(ctx, &a, false, first);
        make_network(&b, ctx, cases[c][0], cases[c][1]);
        train(ctx, &b, true, second);
        for (int i = 0; i < STEPS; i++) {
            assert_tensor_same(first[i], second[i]);
            luron_tensor_unref(first[i]);
            luron_tensor_unref(second[i]);
        }
        for (int i = 0; i < a.n; i++)
            for (int k = 0; k < 2 && luron_layer_param(a.layers[i], k); k++) {
                assert_tensor_same(luron_layer_param(a.layers[i], k), luron_layer_param(b.layers[i], k));
                assert_tensor_same(luron_tensor_grad(luron_layer_param(a.layers[i], k)), luron_tensor_grad(luron_layer_param(b.layers[i], k)));
            }
        assert_int_equal(luron_optim_steps(a.optim), luron_optim_steps(b.optim));
        free_network(&a);
        free_network(&b);
    }
}

/* ---- small steps ------------------------------------------------------------------------------------------------- */
typedef luron_status step_fn(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);

static luron_tensor *ramp(luron_ctx *ctx, int n, double from) {
    double v[64];
    for (int i = 0; i < n; i++)
        v[i] = from + i;
    return tensor_of(ctx, LURON_F32, 1, (const int64_t[]){n}, v);
}

/* The plan of fn on x. */
static luron_plan *plan_of(luron_ctx *ctx, step_fn *fn, luron_tensor *x) {
    luron_plan *plan;
    luron_tensor *y = NULL;
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
    assert_ok(ctx, fn(&y, ctx, x));
    assert_ok(ctx, luron_plan_end(plan, ctx, 1, &y));
    luron_tensor_unref(y);
    return plan;
}

static void assert_refused(luron_ctx *ctx, step_fn *fn, const char *why) {
    luron_tensor *x = ramp(ctx, 4, 1);
    luron_plan *plan = plan_of(ctx, fn, x);
    assert_non_null(luron_plan_refusal(plan));
    if (!strstr(luron_plan_refusal(plan), why)) fail_msg("'%s' is not in '%s'", why, luron_plan_refusal(plan));
    luron_tensor *y;
    assert_fails(ctx, luron_plan_run(&y, plan, ctx, 1, &x), LURON_E_STATE, "cannot be run");
    luron_plan_free(plan);
    luron_tensor_unref(x);
}

/* exp(x) + sum of the middle, in pieces that are written in place. */
static luron_status in_pieces(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *e, *whole, *middle, *sum, *number;
    LURON_TRY(luron_exp(&e, ctx, x));
    LURON_TRY(luron_tensor_full(&whole, ctx, LURON_F32, 1, (const int64_t[]){4}, 7));
    LURON_TRY(luron_tensor_copy(ctx, whole, e));
    LURON_TRY(luron_slice(&middle, ctx, whole, 0, 1, 2, 1));
    LURON_TRY(luron_tensor_fill(ctx, middle, 0.5));
    LURON_TRY(luron_sum(&sum, ctx, whole, 0, NULL, 0));
    LURON_TRY(luron_scalar(&number, ctx, 2));
    luron_tensor_unref(e);
    LURON_TRY(luron_add(&e, ctx, whole, sum));
    LURON_TRY(luron_mul(out, ctx, e, number));
    luron_tensor *made[] = {e, whole, middle, sum, number};
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(made[i]);
    return LURON_OK;
}

static void test_plan_of_ops_and_writes_in_place(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = ramp(ctx, 4, 1), *y, *expect;
    luron_plan *plan = plan_of(ctx, in_pieces, x);
    assert_null(luron_plan_refusal(plan));
    luron_tensor_unref(x);
    for (int i = 0; i < 3; i++) {
        x = ramp(ctx, 4, -i);
        assert_ok(ctx, in_pieces(&expect, ctx, x));
        assert_ok(ctx, luron_plan_run(&y, plan, ctx, 1, &x));
        assert_tensor_same(y, expect);
        luron_tensor_unref(x), luron_tensor_unref(y), luron_tensor_unref(expect);
    }
    luron_plan_free(plan);
}

/* A chain needs the memory of two of its links. */
static luron_status chain(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *h = luron_tensor_ref(x), *next;
    for (int i = 0; i < 20; i++) {
        LURON_TRY(luron_scale(&next, ctx, h, 1.5, 0.25));
        luron_tensor_unref(h);
        h = next;
    }
    *out = h;
    return LURON_OK;
}

static void test_plan_shares_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 1, (const int64_t[]){1000}, NULL);
    luron_plan *plan = plan_of(ctx, chain, x);
    assert_int_equal(luron_plan_n_steps(plan), 20);
    assert_true(luron_plan_bytes(plan) <= 2 * 4032);
    luron_plan_free(plan);
    luron_tensor_unref(x);
}

/* The program may hold what the step makes: it keeps its numbers, and the plan has the same memory as without. */
static luron_tensor *held[2];
static luron_status holds(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    const float ones[1000] = {1, 1};
    LURON_TRY(luron_scale(&held[0], ctx, x, 2, 1));
    LURON_TRY(luron_tensor_from(&held[1], ctx, LURON_F32, 1, (const int64_t[]){1000}, ones));
    return luron_add(out, ctx, held[0], held[1]);
}

static void test_plan_leaves_alone_what_is_held(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 1, (const int64_t[]){1000}, NULL), *was[2], *first, *y;
    luron_plan *plan = plan_of(ctx, holds, x);
    assert_in_range(luron_plan_bytes(plan), 1, 2 * 4032);
    for (int i = 0; i < 2; i++)
        assert_ok(ctx, luron_copy(&was[i], ctx, held[i]));
    assert_ok(ctx, luron_plan_run(&first, plan, ctx, 1, &x));
    assert_ok(ctx, luron_tensor_fill(ctx, x, 7));
    assert_ok(ctx, luron_plan_run(&y, plan, ctx, 1, &x));
    luron_tensor_unref(y);
    for (int i = 0; i < 2; i++) {
        assert_tensor_same(held[i], was[i]);
        luron_tensor_unref(was[i]);
        assert_ok(ctx, luron_tensor_fill(ctx, held[i], 100)); /* which no run sees */
    }
    assert_ok(ctx, luron_plan_run(&y, plan, ctx, 1, &x));
    assert_float_equal(((const float *)luron_tensor_data(y))[1], 16, 0);
    assert_float_equal(((const float *)luron_tensor_data(y))[2], 15, 0);
    const int64_t before = luron_ctx_live_bytes(ctx), block = luron_plan_bytes(plan);
    luron_tensor_unref(held[0]), luron_tensor_unref(held[1]);
    assert_true(before - luron_ctx_live_bytes(ctx) >= 2 * 4000);
    luron_ctx_trim(ctx);
    assert_true(before - luron_ctx_live_bytes(ctx) >= 2 * 4000 + block);
    luron_tensor_unref(y), luron_tensor_unref(first);
    assert_ok(ctx, luron_plan_run(&y, plan, ctx, 1, &x));
    assert_float_equal(((const float *)luron_tensor_data(y))[0], 16, 0);
    luron_plan_free(plan);
    luron_tensor_unref(x), luron_tensor_unref(y);
}

static luron_status reads(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    double first;
    luron_tensor *s;
    LURON_TRY(luron_select(&s, ctx, x, 0, 0));
    LURON_TRY(luron_tensor_item(&first, ctx, s));
    luron_tensor_unref(s);
    return luron_scale(out, ctx, x, first, 0);
}
static luron_status draws(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    LURON_TRY(luron_scale(out, ctx, x, 1, 0));
    return luron_tensor_uniform(ctx, *out, 0, 1);
}
static luron_status counts(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) { return luron_nonzero(out, ctx, x); }
static luron_status puts_there(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *ids, *value;
    LURON_TRY(luron_scale(out, ctx, x, 1, 0));
    LURON_TRY(luron_tensor_from(&ids, ctx, LURON_I64, 1, (const int64_t[]){1}, (const int64_t[]){2}));
    LURON_TRY(luron_scalar(&value, ctx, 5));
    LURON_TRY(luron_tensor_put(ctx, *out, 1, &ids, value));
    luron_tensor_unref(ids), luron_tensor_unref(value);
    return LURON_OK;
}
static luron_status leaves_a_tape(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *w;
    LURON_TRY(luron_copy(&w, ctx, x));
    LURON_TRY(luron_tensor_set_requires_grad(ctx, w, 1));
    luron_status status = luron_mul(out, ctx, w, x);
    luron_tensor_unref(w);
    return status;
}
static luron_status permutes(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *ids;
    LURON_TRY(luron_tensor_permutation(&ids, ctx, 4));
    luron_status status = luron_index_select(out, ctx, x, 0, ids);
    luron_tensor_unref(ids);
    return status;
}

static luron_status writes_into_it(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    LURON_TRY(luron_tensor_fill(ctx, x, 3));
    return luron_scale(out, ctx, x, 2, 0);
}

static void test_plan_refuses_what_it_cannot_repeat(void **state) {
    luron_ctx *ctx = *state;
    assert_refused(ctx, reads, "reads numbers of a tensor: item");
    assert_refused(ctx, draws, "random numbers outside of layers");
    assert_refused(ctx, counts, "makes a shape of numbers: nonzero");
    assert_refused(ctx, puts_there, "writes in place: index_put");
    assert_refused(ctx, leaves_a_tape, "gradient can still be asked for");
    assert_refused(ctx, permutes, "random numbers outside of layers");
    assert_refused(ctx, writes_into_it, "writes into what is given to it");
    luron_ctx_set_detect_anomaly(ctx, 1);
    assert_refused(ctx, chain, "detect_anomaly");
    luron_ctx_set_detect_anomaly(ctx, 0);
}

static void test_plan_fits_what_it_was_made_for(void **state) {
    luron_ctx *ctx = *state;
    network net;
    luron_tensor *x, *t, *loss, *out;
    const char *why;
    make_network(&net, ctx, "ReLU", "SGD");
    make_batch(&x, &t, ctx, 0);
    luron_plan *plan = note(ctx, &net, &loss, x, t);
    luron_tensor *ins[2] = {x, t}, *swapped[2] = {t, x};
    assert_int_equal(luron_plan_fits(plan, ctx, 2, ins, &why), 1);
    assert_null(why);
    assert_int_equal(luron_plan_fits(plan, ctx, 1, ins, &why), 0);
    assert_string_equal(why, "another number of inputs");
    assert_int_equal(luron_plan_fits(plan, ctx, 2, swapped, &why), 0);
    assert_non_null(strstr(why, "inputs of another shape"));
    luron_ctx *another;
    assert_int_equal(luron_ctx_new(&another, NULL, NULL), LURON_OK);
    assert_int_equal(luron_plan_fits(plan, another, 2, ins, &why), 0);
    assert_string_equal(why, "it is of another context");
    luron_ctx_free(another);
    luron_ctx_set_recording(ctx, 0);
    assert_int_equal(luron_plan_fits(plan, ctx, 2, ins, &why), 0);
    luron_ctx_set_recording(ctx, 1);
    luron_layer_set_training(net.layers[2], 0);
    assert_int_equal(luron_plan_fits(plan, ctx, 2, ins, &why), 0);
    assert_non_null(strstr(why, "a layer has another mode"));
    luron_layer_set_training(net.layers[2], 1);
    luron_tensor *other;
    assert_ok(ctx, luron_copy(&other, ctx, luron_layer_param(net.layers[0], 0)));
    assert_ok(ctx, luron_layer_set_param(ctx, net.layers[0], 0, other));
    assert_int_equal(luron_plan_fits(plan, ctx, 2, ins, &why), 0);
    assert_fails(ctx, luron_plan_run(&out, plan, ctx, 2, ins), LURON_E_STATE, "made for something else");
    luron_plan_free(plan);
    luron_tensor_unref(other), luron_tensor_unref(loss), luron_tensor_unref(x), luron_tensor_unref(t);
    free_network(&net);
}

/* Weights that do not change are kept packed: the same bits, and a change is seen. */
static luron_status predict(luron_tensor **out, luron_ctx *ctx, luron_layer *layer, luron_tensor *x) { return luron_layer_apply(out, ctx, layer, 1, &x); }

static void test_plan_keeps_weights_packed(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = make_linear(ctx, 37, 21);
    luron_tensor *x, *y, *expect, *w = luron_layer_param(layer, 0);
    luron_plan *plan;
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, 2, (const int64_t[]){3, 37}));
    assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
    assert_ok(ctx, predict(&y, ctx, layer, x));
    assert_ok(ctx, luron_plan_end(plan, ctx, 1, &y));
    luron_tensor_unref(y);
    for (int i = 0; i < 9; i++) {
        if (i % 4 == 3) assert_ok(ctx, luron_tensor_normal(ctx, w, 0, 1));
        assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
        assert_ok(ctx, predict(&expect, ctx, layer, x));
        assert_ok(ctx, luron_plan_run(&y, plan, ctx, 1, &x));
        assert_tensor_same(y, expect);
        luron_tensor_unref(y), luron_tensor_unref(expect);
    }
    luron_ctx_set_recording(ctx, 1);
    luron_plan_free(plan);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
}

/* Gradients that a step adds to stay what they are in a run too. */
static void test_plan_does_not_lose_gradients(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *w = ramp(ctx, 4, 1), *x = ramp(ctx, 4, 2), *y, *sum;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, w, 1));
    for (int before = 0; before < 2; before++) {
        luron_plan *plan;
        assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
        assert_ok(ctx, luron_mul(&y, ctx, w, x));
        assert_ok(ctx, luron_sum(&sum, ctx, y, 0, NULL, 0));
        assert_ok(ctx, luron_backward(ctx, sum, NULL, 0));
        assert_ok(ctx, luron_plan_end(plan, ctx, 1, &sum));
        luron_tensor_unref(y), luron_tensor_unref(sum);
        if (before)
            assert_non_null(strstr(luron_plan_refusal(plan), "adds to gradients that were there"));
        else {
            assert_null(luron_plan_refusal(plan));
            assert_fails(ctx, luron_plan_run(&sum, plan, ctx, 1, &x), LURON_E_STATE, "there are gradients");
            assert_ok(ctx, luron_tensor_set_grad(ctx, w, NULL));
            assert_ok(ctx, luron_plan_run(&sum, plan, ctx, 1, &x));
            assert_tensor_close(luron_tensor_grad(w), ((const double[]){2, 3, 4, 5}), 4, 0, 0);
            luron_tensor_unref(sum);
        }
        luron_plan_free(plan);
    }
    luron_tensor_unref(w), luron_tensor_unref(x);
}

static void test_plan_begins_and_ends_once(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = ramp(ctx, 4, 1), *twice[2] = {x, x}, *w = ramp(ctx, 4, 1), *y;
    luron_plan *plan, *other;
    assert_fails(ctx, luron_plan_begin(&plan, ctx, 2, twice), LURON_E_ARGUMENT, "input 1 is the same tensor as another one");
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, w, 1));
    assert_fails(ctx, luron_plan_begin(&plan, ctx, 1, &w), LURON_E_ARGUMENT, "input 0 requires a gradient");
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
    assert_fails(ctx, luron_plan_begin(&other, ctx, 1, &x), LURON_E_STATE, "another one is being made");
    assert_ok(ctx, luron_exp(&y, ctx, x));
    assert_ok(ctx, luron_plan_end(plan, ctx, -1, NULL)); /* the step failed */
    assert_fails(ctx, luron_plan_end(plan, ctx, 0, NULL), LURON_E_STATE, "not being made");
    assert_string_equal(luron_plan_refusal(plan), "failed");
    luron_plan_free(plan);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x)); /* let go of in the middle */
    assert_ok(ctx, luron_exp(&y, ctx, x));
    luron_plan_free(plan);
    assert_int_equal(luron_ctx_is_planning(ctx), 0);
    luron_tensor_unref(y), luron_tensor_unref(x), luron_tensor_unref(w);
}

/* A step that does the same has the same hash; one with another number or constant has not. */
static double factor;
static luron_status scales(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) { return luron_scale(out, ctx, x, factor, 0); }
static luron_status adds(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *number;
    LURON_TRY(luron_scalar(&number, ctx, factor));
    luron_status status = luron_add(out, ctx, x, number);
    luron_tensor_unref(number);
    return status;
}
static void test_plan_hash(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = ramp(ctx, 4, 1);
    step_fn *const fns[] = {scales, adds, in_pieces};
    for (int f = 0; f < 3; f++) {
        uint64_t hash[3];
        for (int i = 0; i < 3; i++) {
            factor = i == 2 ? 3 : 2;
            luron_plan *plan = plan_of(ctx, fns[f], x);
            hash[i] = luron_plan_hash(plan);
            luron_plan_free(plan);
        }
        assert_true(hash[0] == hash[1]);
        assert_true((hash[0] == hash[2]) == (f == 2));
    }
    luron_tensor_unref(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_plan_trains_with_the_same_bits),
        test_case(test_plan_of_ops_and_writes_in_place),
        test_case(test_plan_shares_memory),
        test_case(test_plan_leaves_alone_what_is_held),
        test_case(test_plan_refuses_what_it_cannot_repeat),
        test_case(test_plan_fits_what_it_was_made_for),
        test_case(test_plan_keeps_weights_packed),
        test_case(test_plan_does_not_lose_gradients),
        test_case(test_plan_begins_and_ends_once),
        test_case(test_plan_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
