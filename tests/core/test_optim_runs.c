/* Runs of an optimiser: parameters that lie one behind the other, with their gradients and state, are stepped over in one call,
 * and what lies beside them stays as it is. */
#define LURON_PLUGIN_STATIC
#include "luron/plugin.h"

#include "internal.h"
#include "tensor_assert.h"

#include <string.h>

/* ---- an optimiser that tells how it was called ----------------------------------------------------------------------- */
enum { CALLS = 16 };
static int64_t lengths[CALLS];
static int n_calls;

static void told_step(luron_step *s) {
    lengths[n_calls++ % CALLS] = s->n;
    for (int64_t i = 0; i < s->n; i++) {
        if (s->dtype == LURON_F64) ((double *)s->param)[i] -= ((const double *)s->grad)[i] * (double)s->t;
        else ((float *)s->param)[i] -= ((const float *)s->grad)[i] * (float)s->t;
    }
}
static const luron_optim_type told_type = { .struct_size = sizeof told_type, .name = "Told", .step = told_step };

static void count_step(luron_step *s) {
    lengths[n_calls++ % CALLS] = s->n;
    for (int64_t i = 0; i < s->n; i++) {
        float *count = s->state[0], *sum = s->state[1];
        count[i] += 1, sum[i] += ((const float *)s->grad)[i];
        ((float *)s->param)[i] -= sum[i];
    }
}
/* Options set late: with `rate` 0 it steps by nothing, `drag` pulls at the parameter itself, and `sum` is kept with `heavy` alone. */
typedef struct late {
    double rate, drag;
    int32_t heavy;
} late;
static void late_step(luron_step *s) {
    const late *o = s->options;
    lengths[n_calls++ % CALLS] = s->n;
    for (int64_t i = 0; i < s->n; i++) {
        const float own = ((const float *)s->grad)[i];
        float *param = (float *)s->param + i, *sum = s->state[0], g = own;
        if (o->heavy) g = sum[i] += own;
        *param -= (float)o->rate * g + (float)o->drag * *param;
    }
}
static int late_keeps(const void *options, int s) { return s > 0 || ((const late *)options)->heavy; }
static const char *const late_states[] = { "sum", NULL };
static const luron_option *const late_options[] = { LURON_OPT_FLOAT(late, rate, 1, 0, 0, "of the gradient"), LURON_OPT_FLOAT(late, drag, 0, 0, 0, "of the parameter"),
                                                    LURON_OPT_BOOL(late, heavy, 0, "steps by the sum of gradients"), NULL };
static const luron_optim_type late_type = { .struct_size = sizeof late_type, .name = "Late", .options = late_options, .options_size = sizeof(late),
                                            .state = late_states, .step = late_step, .keeps = late_keeps };

static const char *const count_states[] = { "count", "sum", NULL };
static const luron_optim_type count_type = { .struct_size = sizeof count_type, .name = "Count", .state = count_states, .step = count_step };

static const luron_optim_type *const optims[] = { &told_type, &count_type, &late_type, NULL };
LURON_PLUGIN_DEFINE(runs) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "runs", .version = "1", .optims = optims };

/* ---- parameters in a block ---------------------------------------------------------------------------------------------- */
enum { N = 4 };
static const int64_t sizes[N] = { 3, 16, 5, 1 }; /* of 64 bytes: a part, all, a part, a part */
typedef struct setup {
    luron_tensor *param[N], *grad[N];
    luron_optim *optim;
} setup;

/* N tensors one behind the other: number k of tensor i is first + i + k / 100. */
static void fill_block(luron_tensor **to, luron_ctx *ctx, uint32_t dtype, double first) {
    const size_t item = (size_t)luron_dtype_size(dtype);
    size_t bytes = 0, at = 0;
    for (int i = 0; i < N; i++) bytes += luron__aligned((size_t)sizes[i] * item);
    luron__block *block = luron__block_new(ctx->pool, bytes);
    assert_non_null(block);
    memset(block->data, 0, bytes);
    for (int i = 0; i < N; i++) {
        assert_ok(ctx, luron__tensor_in_block(&to[i], ctx, dtype, 1, &sizes[i], block, at));
        for (int64_t k = 0; k < sizes[i]; k++) {
            const double x = first + i + (double)k / 100;
            if (dtype == LURON_F64) ((double *)luron_tensor_data(to[i]))[k] = x;
            else ((float *)luron_tensor_data(to[i]))[k] = (float)x;
        }
        at += luron__aligned((size_t)sizes[i] * item);
    }
    luron__block_unref(block);
}

static setup make_tensors(luron_ctx *ctx, const char *type, uint32_t dtype) {
    setup s;
    assert_ok(ctx, luron_plugin_add(ctx, &luron_plugin_runs, NULL));
    fill_block(s.param, ctx, dtype, 10);
    fill_block(s.grad, ctx, dtype, 1);
    for (int i = 0; i < N; i++) {
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, s.param[i], 1));
        assert_ok(ctx, luron_tensor_set_grad(ctx, s.param[i], s.grad[i]));
    }
    assert_ok(ctx, luron_optim_new(&s.optim, ctx, type, 0, NULL));
    n_calls = 0;
    return s;
}
static setup make(luron_ctx *ctx, const char *type, uint32_t dtype) {
    setup s = make_tensors(ctx, type, dtype);
    assert_ok(ctx, luron_optim_add(s.optim, ctx, N, s.param, NULL, 0, NULL));
    return s;
}

static void drop(setup *s) {
    luron_optim_free(s->optim);
    for (int i = 0; i < N; i++) luron_tensor_unref(s->param[i]), luron_tensor_unref(s->grad[i]);
}

static void assert_calls(int n, const int64_t *expect) {
    assert_int_equal(n_calls, n);
    for (int i = 0; i < n; i++) assert_int_equal(lengths[i], expect[i]);
    n_calls = 0;
}
#define calls(...) sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), (const int64_t[]){ __VA_ARGS__ }

static double number(const luron_tensor *t, int64_t k) {
    return luron_tensor_dtype(t) == LURON_F64 ? ((const double *)luron_tensor_data(t))[k] : (double)((const float *)luron_tensor_data(t))[k];
}

/* Parameter i less its gradient, 1 + i + k / 100, `times` times. */
static void assert_param(const setup *s, int i, double times) {
    for (int64_t k = 0; k < sizes[i]; k++) {
        const double grad = 1 + i + (double)k / 100, expect = 10 + i + (double)k / 100 - grad * times;
        assert_true(number(s->param[i], k) > expect - 1e-4 && number(s->param[i], k) < expect + 1e-4);
    }
}

static void test_optim_runs_are_one_call(void **state) {
    luron_ctx *ctx = *state;
    for (int wide = 0; wide < 2; wide++) {
        setup s = make(ctx, "Told", wide ? LURON_F64 : LURON_F32);
        const uint64_t version = luron_tensor_version(s.param[2]);
        assert_ok(ctx, luron_optim_step(s.optim, ctx));
        assert_calls(calls(wide ? 8 + 16 + 8 + 1 : 16 + 16 + 16 + 1));
        for (int i = 0; i < N; i++) assert_param(&s, i, 1);
        assert_true(luron_tensor_version(s.param[2]) > version);
        drop(&s);
    }
}

static void test_optim_runs_end_where_a_gradient_is_missing(void **state) {
    luron_ctx *ctx = *state;
    setup s = make(ctx, "Told", LURON_F32);
    assert_ok(ctx, luron_tensor_set_grad(ctx, s.param[1], NULL));
    assert_ok(ctx, luron_optim_step(s.optim, ctx));
    assert_calls(calls(3, 16 + 1));
    assert_param(&s, 1, 0);
    assert_ok(ctx, luron_tensor_set_grad(ctx, s.param[1], s.grad[1]));
    assert_ok(ctx, luron_optim_step(s.optim, ctx)); /* its first step, of the others the second */
    assert_calls(calls(3, 16, 16 + 1));
    assert_param(&s, 1, 1);
    for (int i = 0; i < N; i++)
        if (i != 1) assert_param(&s, i, 1 + 2);
    drop(&s);
}

static void test_optim_runs_end_where_a_gradient_lies_elsewhere(void **state) {
    luron_ctx *ctx = *state;
    setup s = make(ctx, "Told", LURON_F32);
    luron_tensor *copy;
    assert_ok(ctx, luron_tensor_from(&copy, ctx, LURON_F32, 1, &sizes[2], luron_tensor_data(s.grad[2])));
    assert_ok(ctx, luron_tensor_set_grad(ctx, s.param[2], copy));
    assert_ok(ctx, luron_optim_step(s.optim, ctx));
    assert_calls(calls(16 + 16, 5, 1));
    for (int i = 0; i < N; i++) assert_param(&s, i, 1);
    luron_tensor_unref(copy);
    drop(&s);
}

/* What a parameter shows of a longer storage ends there: the numbers behind it are somebody else's. */
static void test_optim_runs_leave_the_rest_of_a_storage(void **state) {
    luron_ctx *ctx = *state;
    setup s = make(ctx, "Told", LURON_F32);
    luron_optim *over;
    luron_tensor *part, *params[2], *shown[2];
    for (int i = 0; i < 2; i++) {
        assert_ok(ctx, luron_narrow(&part, ctx, i ? s.grad[1] : s.param[1], 0, 0, 14)); /* of 16: 56 bytes, which takes 64 */
        assert_ok(ctx, luron_detach(&shown[i], ctx, part));
        luron_tensor_unref(part);
    }
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, shown[0], 1));
    assert_ok(ctx, luron_tensor_set_grad(ctx, shown[0], shown[1]));
    params[0] = shown[0], params[1] = s.param[2];
    assert_ok(ctx, luron_optim_new(&over, ctx, "Told", 0, NULL));
    assert_ok(ctx, luron_optim_add(over, ctx, 2, params, NULL, 0, NULL));
    assert_ok(ctx, luron_optim_step(over, ctx));
    assert_calls(calls(14, 5));
    for (int64_t k = 0; k < 16; k++) {
        const double expect = k < 14 ? 11 - 2 : 11 + (double)k / 100;
        assert_true(number(s.param[1], k) > expect - 1e-4 && number(s.param[1], k) < expect + 1e-4);
    }
    luron_optim_free(over);
    for (int i = 0; i < 2; i++) luron_tensor_unref(shown[i]);
    drop(&s);
}

/* States of one name lie together: where each has memory of its own, as under sanitizers, every parameter is a run. */
static void test_optim_runs_with_state(void **state) {
    luron_ctx *ctx = *state;
    setup s = make(ctx, "Count", LURON_F32);
    for (int t = 1; t <= 2; t++) {
        assert_ok(ctx, luron_optim_step(s.optim, ctx));
        if (LURON__HOSTILE) assert_calls(calls(3, 16, 5, 1));
        else assert_calls(calls(16 + 16 + 16 + 1));
    }
    for (int i = 0; i < N; i++) {
        assert_param(&s, i, 1 + 2);
        for (int64_t k = 0; k < sizes[i]; k++) assert_true(number(luron_optim_state(s.optim, 0, i, 0), k) == 2);
    }
    drop(&s);
}

/* What a checkpoint brings is written where the state is. */
static void test_optim_runs_with_loaded_state(void **state) {
    luron_ctx *ctx = *state;
    setup s = make(ctx, "Count", LURON_F32);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 2; k++) {
            luron_tensor *to = luron_optim_state(s.optim, 0, i, k);
            for (int64_t at = 0; at < sizes[i]; at++) ((float *)luron_tensor_data(to))[at] = k ? 10 * (float)i : 7;
        }
    luron_optim_set_steps(s.optim, 7);
    assert_ok(ctx, luron_optim_step(s.optim, ctx));
    if (LURON__HOSTILE) assert_calls(calls(3, 16, 5, 1));
    else assert_calls(calls(16 + 16 + 16 + 1));
    for (int i = 0; i < N; i++)
        for (int64_t k = 0; k < sizes[i]; k++) {
            const double grad = 1 + i + (double)k / 100, expect = 10 + i + (double)k / 100 - (10 * i + grad);
            assert_true(number(luron_optim_state(s.optim, 0, i, 0), k) == 8);
            assert_true(number(s.param[i], k) > expect - 1e-4 && number(s.param[i], k) < expect + 1e-4);
        }
    drop(&s);
}

/* A run ends with its group, whose options are its own. */
static void test_optim_runs_of_two_groups(void **state) {
    luron_ctx *ctx = *state;
    setup s = make_tensors(ctx, "Late", LURON_F32);
    const luron_arg rates[] = { { .name = "rate", .kind = LURON_ARG_NUMBER, .number = 2 }, { .name = "rate", .kind = LURON_ARG_NUMBER, .number = 0.5 } };
    for (int k = 0; k < 2; k++) assert_ok(ctx, luron_optim_add(s.optim, ctx, 2, s.param + 2 * k, NULL, 1, &rates[k]));
    assert_ok(ctx, luron_optim_step(s.optim, ctx));
    assert_calls(calls(16 + 16, 16 + 1));
    for (int i = 0; i < N; i++) assert_param(&s, i, i < 2 ? 2 : 0.5);
    drop(&s);
}

/* One without elements lies where the next begins, and is no end of a run. */
static void test_optim_runs_over_an_empty_parameter(void **state) {
    luron_ctx *ctx = *state;
    const int64_t none = 0;
    for (int with_state = 0; with_state < 2; with_state++) {
        setup s = make_tensors(ctx, with_state ? "Count" : "Told", LURON_F32);
        luron_tensor *params[N + 1], *empty[2];
        for (int i = 0; i < 2; i++) {
            const luron_tensor *first = i ? s.grad[0] : s.param[0];
            assert_ok(ctx, luron__tensor_in_block(&empty[i], ctx, LURON_F32, 1, &none, first->storage->in, luron__aligned(first->storage->bytes)));
        }
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, empty[0], 1));
        assert_ok(ctx, luron_tensor_set_grad(ctx, empty[0], empty[1]));
        params[0] = s.param[0], params[1] = empty[0];
        for (int i = 1; i < N; i++) params[i + 1] = s.param[i];
        assert_ok(ctx, luron_optim_add(s.optim, ctx, N + 1, params, NULL, 0, NULL));
        assert_ok(ctx, luron_optim_step(s.optim, ctx));
        if (LURON__HOSTILE && with_state) assert_calls(calls(3, 16, 5, 1));
        else assert_calls(calls(16 + 16 + 16 + 1));
        for (int i = 0; i < N; i++) assert_param(&s, i, 1);
        luron_tensor_unref(empty[0]);
        luron_tensor_unref(empty[1]);
        drop(&s);
    }
}

static void set_late(const setup *s, luron_ctx *ctx, const char *name, double value) {
    const luron_arg arg = { .name = name, .kind = strcmp(name, "heavy") == 0 ? LURON_ARG_BOOLEAN : LURON_ARG_NUMBER, .number = value, .integer = value != 0 };
    assert_ok(ctx, luron_optim_set(s->optim, ctx, 0, &arg));
}

/* Options that are set between steps hold for the whole of the run; state that they ask for begins at zero, and is made for each
 * parameter alone. */
static void test_optim_runs_with_options_set_late(void **state) {
    luron_ctx *ctx = *state;
    setup s = make(ctx, "Late", LURON_F32);
    assert_ok(ctx, luron_optim_step(s.optim, ctx));
    assert_calls(calls(16 + 16 + 16 + 1));
    set_late(&s, ctx, "rate", 0);
    set_late(&s, ctx, "drag", 1);
    assert_ok(ctx, luron_optim_step(s.optim, ctx));
    assert_calls(calls(16 + 16 + 16 + 1));
    for (int i = 0; i < N; i++)
        for (int64_t k = 0; k < sizes[i]; k++) assert_true(number(s.param[i], k) == 0);
    set_late(&s, ctx, "rate", 1);
    set_late(&s, ctx, "drag", 0);
    set_late(&s, ctx, "heavy", 1);
    for (int t = 1; t <= 2; t++) assert_ok(ctx, luron_optim_step(s.optim, ctx));
    assert_int_equal(n_calls, 2 * N);
    for (int i = 0; i < N; i++)
        for (int64_t k = 0; k < sizes[i]; k++) {
            const double expect = -3 * (1 + i + (double)k / 100); /* the gradient, and twice that */
            assert_true(number(s.param[i], k) > expect - 1e-4 && number(s.param[i], k) < expect + 1e-4);
        }
    drop(&s);
}

/* ---- parameters of layers ------------------------------------------------------------------------------------------------ */
static luron_layer *linear(luron_ctx *ctx, int64_t in, int64_t out) {
    luron_layer *layer;
    const luron_arg args[] = { { .kind = LURON_ARG_INTEGER, .integer = in }, { .kind = LURON_ARG_INTEGER, .integer = out } };
    assert_ok(ctx, luron_layer_new(&layer, ctx, "Linear", 2, args));
    return layer;
}

static void test_optim_runs_of_layers(void **state) {
    luron_ctx *ctx = *state;
    enum { LAYERS = 3 };
    const int64_t widths[LAYERS + 1] = { 2, 5, 64, 65 }; /* 64 x 65: too large for a shelf */
    luron_layer *layers[LAYERS], *copy;
    luron_layer_unref(linear(ctx, 1, 1)); /* loads the plugin */
    const int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int i = 0; i < LAYERS; i++) layers[i] = linear(ctx, widths[i], widths[i + 1]);
    assert_ok(ctx, luron_layer_clone(&copy, ctx, layers[0]));
    const char *at = luron_tensor_data(luron_layer_param(layers[0], 0));
    for (int i = 0; i < LAYERS && !LURON__HOSTILE; i++)
        for (int p = 0; p < 2; p++) {
            const luron_tensor *t = luron_layer_param(layers[i], p);
            if (luron__tensor_bytes(t) > LURON__SHELF / 4) continue;
            assert_ptr_equal(luron_tensor_data(t), at);
            at += luron__aligned(luron__tensor_bytes(t));
        }
    if (!LURON__HOSTILE) assert_ptr_equal(luron_tensor_data(luron_layer_param(copy, 0)), at);
    assert_ok(ctx, luron_layer_set_dtype(ctx, copy, LURON_F64));
    luron_layer_unref(copy);
    for (int i = 0; i < LAYERS; i++) luron_layer_unref(layers[i]);
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks); /* the shelf goes with the last of them */
}

static void test_optim_runs_of_more_than_a_shelf(void **state) {
    luron_ctx *ctx = *state;
    enum { MANY = 24 }; /* of 4 KiB each */
    luron_layer *layers[MANY];
    luron_layer_unref(linear(ctx, 1, 1)); /* loads the plugin */
    const int64_t bytes = luron_ctx_live_bytes(ctx);
    for (int i = 0; i < MANY; i++) layers[i] = linear(ctx, 31, 33);
    for (int i = 0; i < MANY; i++) {
        float *weight = luron_tensor_data(luron_layer_param(layers[i], 0));
        for (int k = 0; k < 31 * 33; k++) weight[k] = (float)i;
    }
    for (int i = 0; i < MANY; i += 2) luron_layer_unref(layers[i]);
    for (int i = 1; i < MANY; i += 2) {
        const float *weight = luron_tensor_data(luron_layer_param(layers[i], 0));
        for (int k = 0; k < 31 * 33; k++) assert_true(weight[k] == (float)i);
        luron_layer_unref(layers[i]);
    }
    assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
}

/* Layers of which few are kept: of a shelf that is half free or more the free places are taken again, one behind the other, and
 * what lies between them stays. */
static void test_optim_runs_places_are_taken_again(void **state) {
    luron_ctx *ctx = *state;
    if (LURON__HOSTILE) skip(); /* every parameter has memory of its own */
    enum { ROUNDS = 64, EACH = 64 }; /* two places a layer: a quarter of a shelf a round */
    luron_layer *kept[ROUNDS], *dropped[EACH];
    luron_layer_unref(linear(ctx, 1, 1)); /* loads the plugin */
    const int64_t bytes = luron_ctx_live_bytes(ctx);
    luron_layer *one = linear(ctx, 2, 2);
    const int64_t own = luron_ctx_live_bytes(ctx) - bytes - LURON__SHELF;
    for (int i = 0; i < ROUNDS; i++) {
        kept[i] = linear(ctx, 2, 2);
        for (int k = 0; k < EACH; k++) dropped[k] = linear(ctx, 2, 2);
        const char *weight = luron_tensor_data(luron_layer_param(kept[i], 0)), *bias = luron_tensor_data(luron_layer_param(kept[i], 1));
        assert_ptr_equal(bias, weight + LURON__PLACE);
        memset(luron_tensor_data(luron_layer_param(kept[i], 0)), i, 2 * 2 * sizeof(float));
        for (int k = 0; k < EACH; k++) luron_layer_unref(dropped[i % 2 ? k : EACH - 1 - k]);
    }
    assert_true(luron_ctx_live_bytes(ctx) - bytes - (ROUNDS + 1) * own <= 2 * LURON__SHELF); /* what is kept takes a quarter of one */
    for (int i = 0; i < ROUNDS; i++) {
        const char *weight = luron_tensor_data(luron_layer_param(kept[i], 0));
        for (size_t k = 0; k < 2 * 2 * sizeof(float); k++) assert_int_equal(weight[k], i);
        luron_layer_unref(kept[i]);
    }
    luron_layer_unref(one);
    assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_optim_runs_are_one_call),
        test_case(test_optim_runs_end_where_a_gradient_is_missing),
        test_case(test_optim_runs_end_where_a_gradient_lies_elsewhere),
        test_case(test_optim_runs_leave_the_rest_of_a_storage),
        test_case(test_optim_runs_with_state),
        test_case(test_optim_runs_with_loaded_state),
        test_case(test_optim_runs_of_two_groups),
        test_case(test_optim_runs_over_an_empty_parameter),
        test_case(test_optim_runs_with_options_set_late),
        test_case(test_optim_runs_of_layers),
        test_case(test_optim_runs_of_more_than_a_shelf),
        test_case(test_optim_runs_places_are_taken_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
