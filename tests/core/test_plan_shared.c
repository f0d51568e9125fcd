/* Plans of a context share the block of results in between, the gradients that they leave and the weights that they keep packed;
 * those that were not run for longest are let go of when memory is short.                                                    */
#include "training.h"

enum { IN = 96, OUT = 80, N_PLANS = 12, WEIGHTS = IN * OUT * 4 };

static luron_tensor *rows(luron_ctx *ctx, int n) {
    luron_tensor *x;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, 2, (const int64_t[]){n, IN}));
    assert_ok(ctx, luron_tensor_normal(ctx, x, 0, 1));
    return x;
}

static luron_plan *plan_predicting(luron_ctx *ctx, luron_layer *layer, luron_tensor *x) {
    luron_plan *plan;
    luron_tensor *y;
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_ok(ctx, luron_plan_end(plan, ctx, 1, &y));
    assert_null(luron_plan_refusal(plan));
    luron_tensor_unref(y);
    return plan;
}

static void assert_predicts(luron_ctx *ctx, luron_plan *plan, luron_layer *layer, luron_tensor *x) {
    luron_tensor *y, *expect;
    assert_ok(ctx, luron_layer_apply(&expect, ctx, layer, 1, &x));
    assert_ok(ctx, luron_plan_run(&y, plan, ctx, 1, &x));
    assert_tensor_same(y, expect);
    luron_tensor_unref(y), luron_tensor_unref(expect);
}

typedef struct predicting {
    luron_layer *layer;
    luron_tensor *x[N_PLANS];
    luron_plan *plan[N_PLANS];
} predicting;

static void begin_predicting(predicting *p, luron_ctx *ctx) {
    luron_ctx_set_recording(ctx, 0);
    p->layer = make_linear(ctx, IN, OUT);
    for (int i = 0; i < N_PLANS; i++) {
        p->x[i] = rows(ctx, 4 + i);
        p->plan[i] = plan_predicting(ctx, p->layer, p->x[i]);
    }
}
static void end_predicting(predicting *p) {
    for (int i = 0; i < N_PLANS; i++) {
        luron_plan_free(p->plan[i]);
        luron_tensor_unref(p->x[i]);
    }
    luron_layer_unref(p->layer);
}

static void test_plan_shares_packed_weights(void **state) {
    luron_ctx *ctx = *state;
    predicting p;
    begin_predicting(&p, ctx);
    const int64_t before = luron_ctx_live_bytes(ctx);
    for (int round = 0; round < 6; round++) {
        if (round == 3) assert_ok(ctx, luron_tensor_normal(ctx, luron_layer_param(p.layer, 0), 0, 1));
        for (int i = 0; i < N_PLANS; i++) assert_predicts(ctx, p.plan[i], p.layer, p.x[i]);
    }
    int64_t largest = 0;
    for (int i = 0; i < N_PLANS; i++) {
        assert_in_range(luron_plan_kept_bytes(p.plan[i]), WEIGHTS, 5 * WEIGHTS / 4);
        if (luron_plan_bytes(p.plan[i]) > largest) largest = luron_plan_bytes(p.plan[i]);
    }
    assert_in_range(luron_ctx_live_bytes(ctx) - before, WEIGHTS, luron_plan_kept_bytes(p.plan[0]) + largest + 4096);
    end_predicting(&p);
}

/* Of a plan that goes the others keep what they share. */
static void test_plan_leaves_others_what_they_share(void **state) {
    luron_ctx *ctx = *state;
    predicting p;
    begin_predicting(&p, ctx);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < N_PLANS; i++) assert_predicts(ctx, p.plan[i], p.layer, p.x[i]);
    for (int i = N_PLANS - 1; i > 0; i--) {
        luron_plan_free(p.plan[i]);
        p.plan[i] = NULL;
        for (int k = 0; k < i; k++) assert_predicts(ctx, p.plan[k], p.layer, p.x[k]);
    }
    end_predicting(&p);
}

static void test_plan_goes_when_memory_is_short(void **state) {
    luron_ctx *ctx = *state;
    predicting p;
    luron_tensor *large;
    const char *why;
    begin_predicting(&p, ctx);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < N_PLANS; i++) assert_predicts(ctx, p.plan[i], p.layer, p.x[i]);
    assert_predicts(ctx, p.plan[0], p.layer, p.x[0]);
    const int64_t n = 64 * 1024;
    assert_ok(ctx, luron_ctx_set_memory_limit(ctx, luron_ctx_live_bytes(ctx) + n / 2));
    assert_ok(ctx, luron_tensor_new(&large, ctx, LURON_U8, 1, &n));
    assert_true(luron_plan_fits(p.plan[0], ctx, 1, &p.x[0], &why));
    assert_false(luron_plan_fits(p.plan[1], ctx, 1, &p.x[1], &why));
    assert_string_equal(why, "memory was short");
    assert_int_equal(luron_plan_kept_bytes(p.plan[1]), 0);
    assert_predicts(ctx, p.plan[0], p.layer, p.x[0]);
    luron_tensor_unref(large);
    const int64_t much = 1 << 30;
    assert_int_equal(luron_tensor_new(&large, ctx, LURON_U8, 1, &much), LURON_E_NOMEM); /* all of them are not enough */
    assert_false(luron_plan_fits(p.plan[0], ctx, 1, &p.x[0], &why));
    assert_ok(ctx, luron_ctx_set_memory_limit(ctx, 0));
    luron_plan_free(p.plan[0]);
    p.plan[0] = plan_predicting(ctx, p.layer, p.x[0]);
    assert_predicts(ctx, p.plan[0], p.layer, p.x[0]);
    end_predicting(&p);
}

/* ---- training ----------------------------------------------------------------------------------------------------- */
typedef struct training_step {
    luron_layer *layer;
    luron_optim *optim;
} training_step;

static training_step make_step(luron_ctx *ctx) {
    luron_ctx_seed(ctx, 5);
    training_step t = {.layer = make_linear(ctx, IN, OUT)};
    luron_tensor *params[2] = {luron_layer_param(t.layer, 0), luron_layer_param(t.layer, 1)};
    luron_arg lr = {.name = "lr", .kind = LURON_ARG_NUMBER, .number = 0.01};
    assert_ok(ctx, luron_optim_new(&t.optim, ctx, "SGD", 1, &lr));
    assert_ok(ctx, luron_optim_add(t.optim, ctx, 2, params, (const char *[]){"w", "b"}, 0, NULL));
    return t;
}
static void drop_step(training_step *t) {
    luron_optim_free(t->optim);
    luron_layer_unref(t->layer);
}

static luron_tensor *train(luron_ctx *ctx, training_step *t, luron_tensor *x) {
    luron_tensor *y, *square, *loss;
    assert_ok(ctx, luron_optim_zero_grad(t->optim, ctx));
    assert_ok(ctx, luron_layer_apply(&y, ctx, t->layer, 1, &x));
    assert_ok(ctx, luron_mul(&square, ctx, y, y));
    assert_ok(ctx, luron_mean(&loss, ctx, square, 0, NULL, 0));
    assert_ok(ctx, luron_backward(ctx, loss, NULL, 0));
    assert_ok(ctx, luron_optim_step(t->optim, ctx));
    luron_tensor_unref(y), luron_tensor_unref(square);
    return loss;
}

static void test_plan_shares_gradients_of_a_parameter(void **state) {
    luron_ctx *ctx = *state;
    training_step a = make_step(ctx), b = make_step(ctx);
    luron_tensor *x[N_PLANS], *loss, *expect;
    luron_plan *plan[N_PLANS];
    for (int i = 0; i < N_PLANS; i++) {
        x[i] = rows(ctx, 4 + i);
        assert_ok(ctx, luron_plan_begin(&plan[i], ctx, 1, &x[i]));
        loss = train(ctx, &a, x[i]);
        assert_ok(ctx, luron_plan_end(plan[i], ctx, 1, &loss));
        assert_null(luron_plan_refusal(plan[i]));
        luron_tensor_unref(loss), luron_tensor_unref(train(ctx, &b, x[i]));
    }
    int64_t before = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N_PLANS; i++) {
            assert_ok(ctx, luron_plan_run(&loss, plan[i], ctx, 1, &x[i]));
            expect = train(ctx, &b, x[i]);
            assert_tensor_same(loss, expect);
            luron_tensor_unref(loss), luron_tensor_unref(expect);
            for (int k = 0; k < 2; k++) {
                luron_tensor *p = luron_layer_param(a.layer, k), *q = luron_layer_param(b.layer, k);
                assert_tensor_same(p, q);
                assert_tensor_same(luron_tensor_grad(p), luron_tensor_grad(q));
            }
            assert_in_range(luron_plan_kept_bytes(plan[i]), WEIGHTS, WEIGHTS + 4 * OUT);
            if (!round && !i) before = luron_ctx_live_bytes(ctx);
        }
    }
    assert_true(luron_ctx_live_bytes(ctx) - before < WEIGHTS); /* for all plans but the first */
    luron_tensor *gradient = luron_tensor_grad(luron_layer_param(a.layer, 0)), *same = gradient;
    assert_ok(ctx, luron_plan_run(&loss, plan[3], ctx, 1, &x[3]));
    assert_ptr_equal(luron_tensor_grad(luron_layer_param(a.layer, 0)), same);
    luron_tensor_unref(loss);
    for (int i = 0; i < N_PLANS; i++) luron_plan_free(plan[i]), luron_tensor_unref(x[i]);
    drop_step(&a), drop_step(&b);
}

/* A plan may outlive its context. */
static void test_plan_outlives_its_context(void **state) {
    (void)state;
    luron_ctx *ctx;
    predicting p;
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    begin_predicting(&p, ctx);
    for (int i = 0; i < 3; i++) assert_predicts(ctx, p.plan[i], p.layer, p.x[i]);
    luron_plan *refused, *unended;
    luron_tensor *y;
    assert_ok(ctx, luron_plan_begin(&refused, ctx, 1, &p.x[0]));
    assert_ok(ctx, luron_layer_apply(&y, ctx, p.layer, 1, &p.x[0]));
    luron_ctx_refuse_plan(ctx, "is refused");
    assert_ok(ctx, luron_plan_end(refused, ctx, 1, &y));
    luron_tensor_unref(y);
    assert_ok(ctx, luron_plan_begin(&unended, ctx, 1, &p.x[1]));
    assert_ok(ctx, luron_layer_apply(&y, ctx, p.layer, 1, &p.x[1]));
    luron_tensor_unref(y);
    luron_ctx_free(ctx);
    assert_non_null(strstr(luron_plan_refusal(refused), "is refused"));
    luron_plan_free(refused);
    luron_plan_free(unended);
    end_predicting(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_plan_shares_packed_weights),          test_case(test_plan_leaves_others_what_they_share),
        test_case(test_plan_goes_when_memory_is_short),      test_case(test_plan_shares_gradients_of_a_parameter),
        test_case(test_plan_outlives_its_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
