/* training.h -- a small network in training, for the tests of checkpoints. */
#ifndef TRAINING_H
#define TRAINING_H
#include "test_files.h"

typedef struct training {
    luron_model *model;
    luron_optim *optim;
} training;

static inline luron_layer *make_linear(luron_ctx *ctx, int in, int out) {
    luron_layer *layer;
    luron_arg args[] = { { .name = "in_features", .kind = LURON_ARG_INTEGER, .integer = in },
                         { .name = "out_features", .kind = LURON_ARG_INTEGER, .integer = out } };
    assert_ok(ctx, luron_layer_new(&layer, ctx, "Linear", 2, args));
    return layer;
}

static inline luron_model *make_model(luron_ctx *ctx, int width) {
    luron_model *model;
    luron_value v;
    luron_layer *layers[3] = { make_linear(ctx, 3, width), NULL, make_linear(ctx, width, 2) };
    assert_ok(ctx, luron_layer_new(&layers[1], ctx, "Tanh", 0, NULL));
    assert_ok(ctx, luron_model_new(&model, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, model, NULL));
    for (int i = 0; i < 3; i++) {
        assert_ok(ctx, luron_model_add(&v, ctx, model, i == 2 ? "head.out" : NULL, layers[i], 1, &v));
        luron_layer_unref(layers[i]);
    }
    return model;
}

static inline luron_optim *make_optim(luron_ctx *ctx, luron_model *model, double lr) {
    luron_optim *optim;
    luron_tensor *params[8], *t;
    char names[8][64];
    const char *name_list[8];
    luron_arg arg = { .name = "lr", .kind = LURON_ARG_NUMBER, .number = lr };
    int n = 0;
    for (; (t = luron_model_param(model, n, names[n], sizeof names[n])); n++) params[n] = t, name_list[n] = names[n];
    assert_ok(ctx, luron_optim_new(&optim, ctx, "Adam", 1, &arg));
    assert_ok(ctx, luron_optim_add(optim, ctx, 2, params, name_list, 0, NULL));
    luron_arg decay = { .name = "weight_decay", .kind = LURON_ARG_NUMBER, .number = 0.01 };
    assert_ok(ctx, luron_optim_add(optim, ctx, n - 2, params + 2, name_list + 2, 1, &decay));
    return optim;
}

static inline training make_training(luron_ctx *ctx, int width) {
    training t = { .model = make_model(ctx, width) };
    t.optim = make_optim(ctx, t.model, 0.01);
    return t;
}
static inline void free_training(training *t) {
    luron_optim_free(t->optim);
    luron_model_unref(t->model);
}

/* One step on random input: the random state of the context goes on too. */
static inline void train_step(luron_ctx *ctx, training *t) {
    luron_tensor *x, *y, *square, *loss;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, 2, (const int64_t[]){ 5, 3 }));
    assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
    assert_ok(ctx, luron_model_run(&y, ctx, t->model, 1, &x));
    assert_ok(ctx, luron_mul(&square, ctx, y, y));
    assert_ok(ctx, luron_mean(&loss, ctx, square, 0, NULL, 0));
    assert_ok(ctx, luron_backward(ctx, loss, NULL, 0));
    assert_ok(ctx, luron_optim_step(t->optim, ctx));
    assert_ok(ctx, luron_optim_zero_grad(t->optim, ctx));
    luron_tensor *made[] = { x, y, square, loss };
    for (int i = 0; i < 4; i++) luron_tensor_unref(made[i]);
}

/* All of it: model, optimiser, texts. */
static inline luron_checkpoint *make_checkpoint(luron_ctx *ctx, training *t) {
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_model(c, ctx, t->model));
    assert_ok(ctx, luron_checkpoint_set_optim(c, ctx, t->optim));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/epoch", "3"));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "preprocessing/classes", "[\"T-shirt\",\"\xc3\xa9t\xc3\xa9\"]"));
    return c;
}

static inline void assert_same_training(const training *a, const training *b) {
    luron_tensor *t;
    for (int i = 0; (t = luron_model_param(a->model, i, NULL, 0)); i++)
        assert_tensor_same(t, luron_model_param(b->model, i, NULL, 0));
    assert_int_equal(luron_optim_steps(a->optim), luron_optim_steps(b->optim));
    for (int g = 0; g < luron_optim_n_groups(a->optim); g++)
        for (int i = 0; i < luron_optim_n_params(a->optim, g); i++)
            for (int s = 0; s < luron_optim_n_states(a->optim); s++)
                if (luron_optim_state(a->optim, g, i, s))
                    assert_tensor_same(luron_optim_state(a->optim, g, i, s), luron_optim_state(b->optim, g, i, s));
}
#endif
