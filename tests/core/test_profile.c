/* Where the time of a context goes: what is counted exactly, and that the rest adds up. */
#include "test_files.h"

#include "luron/luron.h"

static luron_layer *linear(luron_ctx *ctx, int64_t in, int64_t out) {
    const luron_arg args[] = {{.name = "in_features", .kind = LURON_ARG_INTEGER, .integer = in},
                              {.name = "out_features", .kind = LURON_ARG_INTEGER, .integer = out}};
    luron_layer *layer;
    assert_ok(ctx, luron_layer_new(&layer, ctx, "Linear", 2, args));
    return layer;
}

/* loss = sum(relu(linear(x))), backward, step. x requires no gradient. */
static luron_status train(luron_ctx *ctx, luron_layer *l, luron_layer *relu, luron_tensor *x, luron_optim *optim) {
    luron_tensor *y = NULL, *z = NULL, *loss = NULL;
    luron_status status = luron_layer_apply(&y, ctx, l, 1, &x);
    if (!status) status = luron_layer_apply(&z, ctx, relu, 1, &y);
    if (!status) status = luron_sum(&loss, ctx, z, 0, NULL, 0);
    if (!status) status = luron_backward(ctx, loss, NULL, 0);
    if (!status && optim) status = luron_optim_step(optim, ctx);
    luron_tensor_unref(loss);
    luron_tensor_unref(z);
    luron_tensor_unref(y);
    return status;
}

typedef struct net {
    luron_layer *linear, *relu;
    luron_tensor *x;
    luron_optim *optim;
} net;

static net make_net(luron_ctx *ctx) {
    net n = {.linear = linear(ctx, 30, 20)};
    const luron_arg lr = {.name = "lr", .kind = LURON_ARG_NUMBER, .number = 0.01};
    assert_ok(ctx, luron_layer_new(&n.relu, ctx, "ReLU", 0, NULL));
    assert_ok(ctx, luron_tensor_full(&n.x, ctx, LURON_F32, 2, (const int64_t[]){7, 30}, 1));
    assert_ok(ctx, luron_optim_new(&n.optim, ctx, "SGD", 1, &lr));
    luron_tensor *params[] = {luron_layer_param(n.linear, 0), luron_layer_param(n.linear, 1)};
    assert_ok(ctx, luron_optim_add(n.optim, ctx, 2, params, NULL, 0, NULL));
    return n;
}
static void free_net(net *n) {
    luron_optim_free(n->optim);
    luron_tensor_unref(n->x);
    luron_layer_unref(n->relu);
    luron_layer_unref(n->linear);
}

static void test_profile_counts(void **state) {
    luron_ctx *ctx = *state;
    net n = make_net(ctx);
    luron_profile_part p[8];
    int count = 0;
    double sum = 0;
    assert_int_equal(luron_profile_at(p, ctx, 0), 0);
    assert_true(luron_profile_seconds(ctx) == 0);
    assert_ok(ctx, luron_layer_set_name(ctx, n.linear, "enc.1"));
    assert_ok(ctx, luron_profile_begin(ctx));
    for (int i = 0; i < 3; i++)
        assert_ok(ctx, train(ctx, n.linear, n.relu, n.x, n.optim));
    luron_profile_end(ctx);
    assert_ok(ctx, train(ctx, n.linear, n.relu, n.x, n.optim)); /* not counted any more */
    while (luron_profile_at(&p[count], ctx, count))
        count++;
    assert_int_equal(count, 4);
    for (int i = 0; i < count; i++)
        sum += p[i].forward + p[i].backward;
    const double seconds = luron_profile_seconds(ctx);
    assert_true(sum > 0 && sum <= seconds && seconds == luron_profile_seconds(ctx));
    assert_true(p[0].kind == LURON_PROFILE_LAYER && p[0].calls == 3 && p[0].backward_calls == 3);
    assert_string_equal(p[0].name, "enc.1");
    assert_string_equal(p[0].type, "Linear");
    assert_true(p[0].forward > 0 && p[0].backward > 0);
    assert_true(p[0].forward_flops == 3 * 2 * 7 * 20 * 30 &&
                p[0].backward_flops == 3 * 2 * 7 * 20 * 30);                   /* of the weight alone */
    assert_true(p[0].bytes > 3 * 4 * (2 * (7 * 30 + 30 * 20 + 20) + 7 * 20)); /* x, weight, bias; twice; y */
    assert_true(p[1].kind == LURON_PROFILE_LAYER && p[1].forward_flops == 3 * 7 * 20 &&
                p[1].backward_flops == 3 * 7 * 20);
    assert_string_equal(p[1].name, "");
    assert_true(p[2].kind == LURON_PROFILE_BACKWARD && p[2].backward_calls == 3 && p[2].calls == 0 &&
                p[2].backward > 0);
    assert_true(p[3].kind == LURON_PROFILE_OPTIM && p[3].calls == 3 && p[3].forward > 0);
    assert_string_equal(p[3].type, "SGD");
    assert_int_equal(luron_profile_at(p, ctx, count), 0);
    assert_int_equal(luron_profile_at(p, ctx, -1), 0);
    free_net(&n); /* the profile keeps the layers */
    assert_true(luron_profile_at(&p[0], ctx, 0));
    assert_string_equal(p[0].type, "Linear");
}

static luron_status begin_within(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, int n_out,
                                 luron_tensor *const *outs, luron_tensor **instead) {
    (void)n_in, (void)ins, (void)n_out, (void)outs, (void)instead;
    *(luron_status *)ud = luron_profile_begin(ctx);
    return LURON_OK;
}
static luron_status end_within(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, int n_out,
                               luron_tensor *const *outs, luron_tensor **instead) {
    (void)ud, (void)n_in, (void)ins, (void)n_out, (void)outs, (void)instead;
    luron_profile_end(ctx);
    return LURON_OK;
}

/* From a hook of the backward: refused while a span is open, and the end there leaves nothing open. */
static void test_profile_begins_and_ends_anywhere(void **state) {
    luron_ctx *ctx = *state;
    net n = make_net(ctx);
    luron_status begun = LURON_OK;
    int64_t id;
    luron_profile_part p;
    luron_layer_hook hook = {.struct_size = sizeof hook, .backward = begin_within};
    assert_ok(ctx, luron_layer_add_hook(&id, ctx, n.relu, &hook, &begun));
    assert_ok(ctx, luron_profile_begin(ctx));
    assert_ok(ctx, train(ctx, n.linear, n.relu, n.x, n.optim));
    assert_int_equal(begun, LURON_E_STATE);
    assert_ok(ctx, luron_layer_remove_hook(ctx, n.relu, id));
    hook.backward = end_within;
    assert_ok(ctx, luron_layer_add_hook(&id, ctx, n.relu, &hook, NULL));
    assert_ok(ctx, train(ctx, n.linear, n.relu, n.x, n.optim));
    assert_ok(ctx, luron_layer_remove_hook(ctx, n.relu, id));
    assert_true(luron_profile_at(&p, ctx, 0) && p.calls == 2 && p.backward_calls == 1);
    assert_ok(ctx, luron_profile_begin(ctx)); /* nothing is open */
    assert_int_equal(luron_profile_at(&p, ctx, 0), 0);
    luron_profile_end(ctx);
    free_net(&n);
}

static void test_profile_of_failures_and_plans(void **state) {
    luron_ctx *ctx = *state;
    net n = make_net(ctx);
    luron_tensor *y, *wrong;
    luron_plan *plan;
    luron_profile_part p;
    assert_ok(ctx, luron_tensor_full(&wrong, ctx, LURON_F32, 2, (const int64_t[]){7, 31}, 1));
    assert_ok(ctx, luron_profile_begin(ctx));
    assert_fails(ctx, luron_layer_apply(&y, ctx, n.linear, 1, &wrong), LURON_E_SHAPE, "31");
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &n.x));
    assert_ok(ctx, luron_layer_apply(&y, ctx, n.linear, 1, &n.x));
    assert_ok(ctx, luron_plan_end(plan, ctx, 1, &y));
    assert_string_equal(luron_plan_refusal(plan), "is being profiled");
    luron_plan_free(plan);
    luron_tensor_unref(y);
    luron_profile_end(ctx);
    assert_true(luron_profile_at(&p, ctx, 0) && p.calls == 2);
    luron_tensor_unref(wrong);
    free_net(&n);
}

/* No memory for the profile's own rows is no failure of what is timed. */
static void test_profile_every_allocation_may_fail(void **state) {
    luron_ctx *ctx = *state;
    net n = make_net(ctx);
    assert_ok(ctx, train(ctx, n.linear, n.relu, n.x, n.optim)); /* state and gradients are there */
    luron_profile_end(ctx);
    int64_t failures = 0;
    for (int64_t k = 1;; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron_profile_begin(ctx);
        if (!status) status = train(ctx, n.linear, n.relu, n.x, n.optim);
        const int done = !status;
        luron_ctx_fail_alloc(ctx, 0, 0);
        luron_profile_end(ctx);
        if (status && status != LURON_E_NOMEM) fail_msg("%lld: %s", (long long)k, luron_ctx_error(ctx));
        failures += !done;
        if (done && k > 200) break;
    }
    assert_true(failures > 5);
    free_net(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_profile_counts),
        test_case(test_profile_begins_and_ends_anywhere),
        test_case(test_profile_of_failures_and_plans),
        test_case(test_profile_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
