/* The optimiser of a plan: its gradients lie in one block, and a step does what it does without a plan. */
#include "tensor_assert.h"

#include <string.h>

enum { W, V, N };
static const int64_t sizes[N] = {3, 21};

/* Two parameters, and a loss whose gradient is infinite where a product is 0: sum sqrt(w x) + sum v. */
typedef struct training {
    luron_tensor *param[N];
    luron_optim *optim;
} training;

static luron_tensor *filled(luron_ctx *ctx, int64_t n, double first) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_new(&t, ctx, LURON_F32, 1, &n));
    for (int64_t i = 0; i < n; i++)
        ((float *)luron_tensor_data(t))[i] = (float)(first + (double)i / 4);
    return t;
}

static training make(luron_ctx *ctx) {
    training t;
    const luron_arg lr = {.name = "lr", .kind = LURON_ARG_NUMBER, .number = 0.01};
    for (int i = 0; i < N; i++) {
        t.param[i] = filled(ctx, sizes[i], 1 + i);
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t.param[i], 1));
    }
    assert_ok(ctx, luron_optim_new(&t.optim, ctx, "Adam", 1, &lr));
    assert_ok(ctx, luron_optim_add(t.optim, ctx, N, t.param, (const char *const[]){"w", "v"}, 0, NULL));
    return t;
}

static void drop(training *t) {
    luron_optim_free(t->optim);
    for (int i = 0; i < N; i++)
        luron_tensor_unref(t->param[i]);
}

static luron_status loss_of(luron_tensor **out, luron_ctx *ctx, const training *t, luron_tensor *x) {
    luron_tensor *part[5] = {NULL};
    luron_status status = luron_mul(&part[0], ctx, t->param[W], x);
    if (!status) status = luron_sqrt(&part[1], ctx, part[0]);
    if (!status) status = luron_sum(&part[2], ctx, part[1], 0, NULL, 0);
    if (!status) status = luron_mul(&part[3], ctx, t->param[V], t->param[V]);
    if (!status) status = luron_sum(&part[4], ctx, part[3], 0, NULL, 0);
    if (!status) status = luron_add(out, ctx, part[2], part[4]);
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(part[i]);
    return status;
}

static luron_status step(luron_tensor **loss, luron_ctx *ctx, const training *t, luron_tensor *x) {
    LURON_TRY(luron_optim_zero_grad(t->optim, ctx));
    LURON_TRY(loss_of(loss, ctx, t, x));
    luron_status status = luron_backward(ctx, *loss, NULL, 0);
    if (!status) status = luron_optim_step(t->optim, ctx);
    if (status) luron_tensor_unref(*loss);
    return status;
}

static luron_plan *note(luron_ctx *ctx, const training *t, luron_tensor *x) {
    luron_plan *plan;
    luron_tensor *loss;
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
    assert_ok(ctx, step(&loss, ctx, t, x));
    assert_ok(ctx, luron_plan_end(plan, ctx, 1, &loss));
    if (luron_plan_refusal(plan)) fail_msg("refused: %s", luron_plan_refusal(plan));
    luron_tensor_unref(loss);
    return plan;
}

static void run(luron_ctx *ctx, luron_plan *plan, luron_tensor *x) {
    luron_tensor *loss;
    assert_ok(ctx, luron_plan_run(&loss, plan, ctx, 1, &x));
    luron_tensor_unref(loss);
}

static void eager(luron_ctx *ctx, const training *t, luron_tensor *x) {
    luron_tensor *loss;
    assert_ok(ctx, step(&loss, ctx, t, x));
    luron_tensor_unref(loss);
}

/* One behind the other, with the numbers of the step that is computed, and there when the plan is gone. */
static void test_plan_optim_puts_gradients_together(void **state) {
    luron_ctx *ctx = *state;
    training a = make(ctx), b = make(ctx);
    luron_tensor *x = filled(ctx, sizes[W], 2);
    luron_plan *plan = note(ctx, &a, x);
    eager(ctx, &b, x);
    for (int i = 0; i < 3; i++) {
        run(ctx, plan, x);
        eager(ctx, &b, x);
    }
    luron_tensor *grad[N] = {luron_tensor_grad(a.param[W]), luron_tensor_grad(a.param[V])};
    const char *first = luron_tensor_data(grad[W]), *next = luron_tensor_data(grad[V]);
    assert_int_equal(next - first, 64);
    assert_false(luron_tensor_is_shared(grad[W], grad[V]));
    luron_plan_free(plan);
    for (int i = 0; i < N; i++) {
        assert_tensor_same(luron_tensor_grad(a.param[i]), luron_tensor_grad(b.param[i]));
        assert_tensor_same(a.param[i], b.param[i]);
    }
    drop(&a), drop(&b);
    luron_tensor_unref(x);
}

/* What was held of the step that was noted is not written by a run. */
static void test_plan_optim_leaves_gradients_that_are_held(void **state) {
    luron_ctx *ctx = *state;
    training t = make(ctx);
    luron_tensor *x = filled(ctx, sizes[W], 2);
    luron_plan *plan = note(ctx, &t, x);
    luron_tensor *held = luron_tensor_ref(luron_tensor_grad(t.param[V])), *copy;
    const void *at = luron_tensor_data(held);
    assert_ok(ctx, luron_copy(&copy, ctx, held));
    run(ctx, plan, x);
    assert_ptr_equal(luron_tensor_data(held), at);
    assert_tensor_same(held, copy);
    assert_ptr_not_equal(luron_tensor_grad(t.param[V]), held);
    luron_plan_free(plan);
    luron_tensor_unref(held), luron_tensor_unref(copy), luron_tensor_unref(x);
    drop(&t);
}

/* Of a gradient that is not finite the message names the parameter, and no parameter is changed. */
static void test_plan_optim_finds_what_is_not_finite(void **state) {
    luron_ctx *ctx = *state;
    training t = make(ctx);
    luron_tensor *x = filled(ctx, sizes[W], 2), *bad = filled(ctx, sizes[W], 0), *before[N], *loss;
    luron_plan *plan = note(ctx, &t, x);
    run(ctx, plan, x);
    for (int i = 0; i < N; i++)
        assert_ok(ctx, luron_copy(&before[i], ctx, t.param[i]));
    assert_fails(ctx, luron_plan_run(&loss, plan, ctx, 1, &bad), LURON_E_NONFINITE, "gradient of 'w' is not finite");
    assert_fails(ctx, step(&loss, ctx, &t, bad), LURON_E_NONFINITE, "gradient of 'w' is not finite");
    for (int i = 0; i < N; i++) {
        assert_tensor_same(t.param[i], before[i]);
        luron_tensor_unref(before[i]);
    }
    run(ctx, plan, x);
    luron_plan_free(plan);
    luron_tensor_unref(x), luron_tensor_unref(bad);
    drop(&t);
}

/* Two optimisers with a parameter in common: its gradient lies in the block of the first one, which looks at it. */
static void test_plan_optim_shares_gradients(void **state) {
    luron_ctx *ctx = *state;
    training t = make(ctx);
    luron_optim *other;
    luron_plan *plan;
    luron_tensor *x = filled(ctx, sizes[W], 2), *bad = filled(ctx, sizes[W], 0), *before[N], *loss;
    assert_ok(ctx, luron_optim_new(&other, ctx, "SGD", 1, &(luron_arg){.name = "lr", .kind = LURON_ARG_NUMBER, .number = 0.01}));
    assert_ok(ctx, luron_optim_add(other, ctx, 1, t.param, (const char *const[]){"w"}, 0, NULL));
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
    assert_ok(ctx, step(&loss, ctx, &t, x));
    assert_ok(ctx, luron_optim_step(other, ctx));
    assert_ok(ctx, luron_plan_end(plan, ctx, 1, &loss));
    luron_tensor_unref(loss);
    run(ctx, plan, x);
    for (int i = 0; i < N; i++)
        assert_ok(ctx, luron_copy(&before[i], ctx, t.param[i]));
    assert_fails(ctx, luron_plan_run(&loss, plan, ctx, 1, &bad), LURON_E_NONFINITE, "gradient of 'w' is not finite");
    for (int i = 0; i < N; i++) {
        assert_tensor_same(t.param[i], before[i]);
        luron_tensor_unref(before[i]);
    }
    luron_plan_free(plan);
    luron_optim_free(other);
    luron_tensor_unref(x), luron_tensor_unref(bad);
    drop(&t);
}

/* The k-th allocation of the first run fails: the next one does what the step does. */
static void test_plan_optim_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = filled(ctx, sizes[W], 2), *loss;
    training first = make(ctx); /* loads the plugin */
    drop(&first);
    const int64_t blocks = luron_ctx_live_blocks(ctx);
    luron_status status = LURON_E_NOMEM;
    int64_t k = 1;
    for (; status; k++) {
        training a = make(ctx), b = make(ctx);
        luron_plan *plan = note(ctx, &a, x);
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_plan_run(&loss, plan, ctx, 1, &x);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        if (!status) luron_tensor_unref(loss);
        const int done = !status || luron_plan_changed(plan);
        run(ctx, plan, x);
        for (int i = 0; i < 2 + done; i++)
            eager(ctx, &b, x);
        for (int i = 0; i < N; i++) {
            assert_tensor_same(a.param[i], b.param[i]);
            assert_tensor_same(luron_tensor_grad(a.param[i]), luron_tensor_grad(b.param[i]));
        }
        luron_plan_free(plan);
        drop(&a), drop(&b);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 8);
    luron_tensor_unref(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_plan_optim_puts_gradients_together),
        test_case(test_plan_optim_leaves_gradients_that_are_held),
        test_case(test_plan_optim_finds_what_is_not_finite),
        test_case(test_plan_optim_shares_gradients),
        test_case(test_plan_optim_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
