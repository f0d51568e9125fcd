/* Plans: a step that is repeated gives the bits of the step that is computed, and what cannot be repeated is refused. */
#include "fake_layers.h"
#include "training.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

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
            if (getenv("SHOW")) print_message("%d\n", i);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_plan_trains_with_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
