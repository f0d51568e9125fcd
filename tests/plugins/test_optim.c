/* Optimisers of the plugin `optim`, and the host side of them. */
#include "optim_tests.h"

#include <math.h>
#include <stdbool.h>

#include "../data/optim_values.h"

static void test_optim_values_of_pytorch(void **state) {
    for (size_t i = 0; i < sizeof optim_cases / sizeof *optim_cases; i++) {
        check_case(*state, &optim_cases[i], (int)i, LURON_F64, 1e-9);
        check_case(*state, &optim_cases[i], (int)i, LURON_F32, 2e-5); /* 50 roundings, and v' near 0 */
    }
}

static void test_optim_defaults_of_pytorch(void **state) {
    luron_ctx *ctx = *state;
    static const struct { const char *type, *name; double value; } defaults[] = {
        { "SGD", "lr", 1e-3 }, { "SGD", "momentum", 0 }, { "SGD", "dampening", 0 }, { "SGD", "weight_decay", 0 }, { "SGD", "nesterov", 0 },
        { "Adam", "lr", 1e-3 }, { "Adam", "beta1", 0.9 }, { "Adam", "beta2", 0.999 }, { "Adam", "eps", 1e-8 }, { "Adam", "weight_decay", 0 },
        { "AdamW", "lr", 1e-3 }, { "AdamW", "weight_decay", 0.01 }, { "RMSprop", "lr", 1e-2 }, { "RMSprop", "alpha", 0.99 }, { "RMSprop", "eps", 1e-8 },
        { "RMSprop", "momentum", 0 }, { "RMSprop", "centered", 0 }, { "Adagrad", "lr", 1e-2 }, { "Adagrad", "eps", 1e-10 }, { "Adagrad", "lr_decay", 0 },
    };
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        luron_optim *o;
        luron_tensor *p = leaf(ctx, LURON_F32, 2, (const double[]) { 1, 2 });
        assert_ok(ctx, luron_optim_new(&o, ctx, defaults[i].type, 0, NULL));
        assert_ok(ctx, luron_optim_add(o, ctx, 1, &p, NULL, 0, NULL));
        assert_true(option_value(o, 0, defaults[i].name) == defaults[i].value);
        luron_optim_free(o);
        luron_tensor_unref(p);
    }
}

/* ---- runs ---------------------------------------------------------------------------------------------------------------- */
enum { LONG = 70, STATES = 3 };
typedef struct numbers { double param[LONG], state[STATES][LONG]; } numbers; /* of either real type */

static void step_cut(const luron_optim_type *type, const luron_host *host, const void *options, uint32_t dtype, int64_t n, int64_t cut, numbers *x, const double *grad) {
    const int64_t size = luron_dtype_size(dtype), ends[] = { cut, n };
    double scalars[4] = { 0 };
    for (int64_t t = 1; t <= 3; t++) {
        luron_step s = { .struct_size = sizeof s, .dtype = dtype, .host = host, .options = options, .scalars = scalars, .t = t };
        if (type->begin) type->begin(&s);
        for (int k = 0, from = 0; k < 2; from = (int)ends[k++]) {
            void *state[STATES + 1] = { NULL };
            for (int j = 0; type->state[j]; j++) state[j] = (char *)x->state[j] + from * size;
            s.n = ends[k] - from, s.param = (char *)x->param + from * size, s.grad = (const char *)grad + from * size, s.state = state;
            if (s.n) type->step(&s);
        }
    }
}

static void start(numbers *x, uint32_t dtype) {
    memset(x, 0, sizeof *x);
    for (int i = 0; i < LONG; i++) {
        if (dtype == LURON_F64) x->param[i] = sin(i * 12.9898);
        else ((float *)x->param)[i] = sinf((float)i * 12.9898f);
    }
}

static void test_optim_runs_cut_anywhere(void **state) {
    const luron_host *host = runs_host(*state);
    const luron_plugin *plugin = runs_plugin("optim");
    for (int i = 0; plugin->optims[i]; i++)
        for (int variant = 0; variant < 2; variant++)
            for (int wide = 0; wide < 2; wide++) {
                const luron_optim_type *type = plugin->optims[i];
                if (type->flags & LURON_OPTIM_WHOLE) continue;
                const uint32_t dtype = wide ? LURON_F64 : LURON_F32;
                union runs_options options;
                numbers whole, parts, grads;
                runs_fill(&options, type->options, variant);
                start(&grads, dtype);
                for (int64_t n = 1; n <= LONG; n++) {
                    start(&whole, dtype);
                    step_cut(type, host, &options, dtype, n, n, &whole, grads.param);
                    for (int64_t cut = 0; cut < n; cut++) {
                        start(&parts, dtype);
                        step_cut(type, host, &options, dtype, n, cut, &parts, grads.param);
                        if (memcmp(&whole, &parts, sizeof whole)) fail_msg("%s: %d numbers cut at %d give other bits", type->name, (int)n, (int)cut);
                    }
                }
            }
}

/* Every type, over a parameter that is cut into several chunks, and into several tiles where it is a matrix to the type. */
static void test_optim_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    const luron_plugin *plugin = runs_plugin("optim");
    static const int threads[] = { 1, 2, 3, 8 };
    const int64_t shape[] = { 217, 231 };
    const int was = luron_ctx_threads(ctx);
    for (int i = 0; plugin->optims[i]; i++) {
        const char *type = plugin->optims[i]->name;
        luron_tensor *first = NULL;
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            luron_tensor *p = leaf_of(ctx, LURON_F32, 2, shape, NULL), *g;
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
            luron_ctx_seed(ctx, 3);
            assert_ok(ctx, luron_tensor_new(&g, ctx, LURON_F32, 2, shape));
            assert_ok(ctx, luron_tensor_set_grad(ctx, p, g));
            luron_optim *o = optim_over(ctx, type, 0, NULL, 1, &p);
            for (int k = 0; k < 20; k++) {
                if (k % 5 == 0) assert_ok(ctx, luron_tensor_uniform(ctx, g, -1, 1));
                assert_ok(ctx, luron_optim_step(o, ctx));
            }
            luron_optim_free(o);
            luron_tensor_unref(g);
            if (!first) first = luron_tensor_ref(p);
            assert_tensor_same_(p, first, type, __FILE__, __LINE__);
            luron_tensor_unref(p);
        }
        luron_tensor_unref(first);
    }
    assert_ok(ctx, luron_ctx_set_threads(ctx, was));
}

/* ---- the host side ----------------------------------------------------------------------------------------------------------- */
static void test_optim_groups(void **state) {
    luron_ctx *ctx = *state;
    luron_optim *o;
    luron_tensor *a = leaf(ctx, LURON_F64, 2, (const double[]) { 1, 2 }), *b = leaf(ctx, LURON_F64, 1, (const double[]) { 5 }), *idle = leaf(ctx, LURON_F64, 1, (const double[]) { 7 });
    luron_tensor *first[] = { a, idle };
    const char *const names[] = { "fc1/weight", "fc1/bias" };
    const luron_arg lr = number("lr", 0.5), momentum = number("momentum", 0.5), slow = number("lr", 0.25);
    assert_ok(ctx, luron_optim_new(&o, ctx, "SGD", 1, &lr));
    assert_ok(ctx, luron_optim_add(o, ctx, 2, first, names, 0, NULL));
    assert_ok(ctx, luron_optim_add(o, ctx, 1, &b, NULL, 1, &slow));
    assert_ok(ctx, luron_optim_set(o, ctx, 1, &momentum));
    assert_int_equal(luron_optim_n_groups(o), 2);
    assert_int_equal(luron_optim_n_params(o, 0), 2);
    assert_string_equal(luron_optim_param_name(o, 0, 1), "fc1/bias");
    assert_string_equal(luron_optim_param_name(o, 1, 0), "2");
    assert_ptr_equal(luron_optim_param(o, 1, 0), b);
    assert_true(option_value(o, 0, "lr") == 0.5 && option_value(o, 1, "lr") == 0.25 && option_value(o, 0, "momentum") == 0 && option_value(o, 1, "momentum") == 0.5);
    give(ctx, a, (const double[]) { 1, -1 });
    give(ctx, b, (const double[]) { 2 });
    const uint64_t version = luron_tensor_version(a), idle_version = luron_tensor_version(idle);
    assert_ok(ctx, luron_optim_step(o, ctx));
    assert_ok(ctx, luron_optim_step(o, ctx));
    assert_tensor_close(a, ((const double[]) { 0, 3 }), 2, 0, 0);
    assert_tensor_close(b, ((const double[]) { 5 - 0.25 * 2 - 0.25 * 3 }), 1, 0, 0);
    assert_tensor_close(idle, ((const double[]) { 7 }), 1, 0, 0);
    assert_true(luron_tensor_version(a) > version && luron_tensor_version(idle) == idle_version);
    assert_int_equal(luron_optim_n_states(o), 1);
    assert_string_equal(luron_optim_state_name(o, 0), "momentum_buffer");
    assert_tensor_close(luron_optim_state(o, 1, 0, 0), ((const double[]) { 3 }), 1, 0, 0);
    assert_tensor_close(luron_optim_state(o, 0, 1, 0), ((const double[]) { 0 }), 1, 0, 0);
    assert_null(luron_optim_state(o, 0, 2, 0));
    assert_null(luron_optim_param(o, 2, 0));
    assert_ok(ctx, luron_optim_zero_grad(o, ctx));
    assert_null(luron_tensor_grad(a));
    luron_optim_free(o);
    luron_tensor_unref(a);
    luron_tensor_unref(b);
    luron_tensor_unref(idle);
}

/* State, scalars and the count of steps moved into a second optimiser: it goes on with the same bits. */
static void test_optim_goes_on_from_its_state(void **state) {
    luron_ctx *ctx = *state;
    const luron_plugin *plugin = runs_plugin("optim");
    const int64_t shape[] = { SIZE, 1 };
    for (int i = 0; plugin->optims[i]; i++) {
        const char *type = plugin->optims[i]->name;
        luron_tensor *p[2] = { leaf_of(ctx, LURON_F32, 2, shape, optim_cases[0].start), leaf_of(ctx, LURON_F32, 2, shape, optim_cases[0].start) };
        luron_optim *o[2] = { optim_over(ctx, type, 0, NULL, 1, &p[0]), optim_over(ctx, type, 0, NULL, 1, &p[1]) };
        for (int t = 1; t <= 20; t++) {
            if (t == 8) {
                copy_state(ctx, o[1], o[0]);
                luron_ctx_set_recording(ctx, 0);
                assert_ok(ctx, luron_tensor_copy(ctx, p[1], p[0]));
                luron_ctx_set_recording(ctx, 1);
            }
            advance(ctx, o[0], p[0], t);
            if (t >= 8) advance(ctx, o[1], p[1], t);
        }
        assert_tensor_same_(p[1], p[0], type, __FILE__, __LINE__);
        for (int k = 0; k < 2; k++) luron_optim_free(o[k]), luron_tensor_unref(p[k]);
    }
}

/* A gradient that is not finite in the last group: nothing of the first has changed, and the step does not count. */
static void test_optim_refuses_what_is_not_finite(void **state) {
    luron_ctx *ctx = *state;
    static const double bad[] = { NAN, INFINITY, -INFINITY };
    for (int wide = 0; wide < 2; wide++)
        for (int i = 0; i < 3; i++) {
            const uint32_t dtype = wide ? LURON_F64 : LURON_F32;
            luron_optim *o;
            luron_tensor *a = leaf(ctx, dtype, 3, (const double[]) { 1, 2, 3 }), *b = leaf(ctx, dtype, 3, (const double[]) { 4, 5, 6 });
            const char *const name_a[] = { "linear1/weight" }, *const name_b[] = { "linear2/weight" };
            assert_ok(ctx, luron_optim_new(&o, ctx, "Adam", 0, NULL));
            assert_ok(ctx, luron_optim_add(o, ctx, 1, &a, name_a, 0, NULL));
            assert_ok(ctx, luron_optim_add(o, ctx, 1, &b, name_b, 0, NULL));
            give(ctx, a, (const double[]) { 1, 1, 1 });
            give(ctx, b, (const double[]) { 1, wide ? 1e300 : 1e38, 1 }); /* its square overflows, but it is finite */
            assert_ok(ctx, luron_optim_step(o, ctx));
            double before[3], scalar = luron_optim_scalar(o, 0, 0);
            assert_ok(ctx, luron_tensor_read(ctx, a, LURON_F64, before));
            give(ctx, b, (const double[]) { 1, bad[i], 1 });
            assert_fails(ctx, luron_optim_step(o, ctx), LURON_E_NONFINITE, "step 2: gradient of 'linear2/weight' is not finite");
            assert_tensor_close(a, before, 3, 0, 0);
            assert_int_equal(luron_optim_steps(o), 1);
            assert_true(luron_optim_scalar(o, 0, 0) == scalar);
            give(ctx, b, (const double[]) { 1, 1, 1 });
            assert_ok(ctx, luron_optim_step(o, ctx));
            assert_int_equal(luron_optim_steps(o), 2);
            luron_optim_free(o);
            luron_tensor_unref(a);
            luron_tensor_unref(b);
        }
}

/* A parameter whose first gradient comes late, as after unfreezing, takes the step of a first one: PyTorch counts the steps
 * of each parameter too. Otherwise Adam's first step would be sqrt(1 / (1 - beta2)) (1 - beta1) = 3.2 times lr.           */
static void test_optim_counts_the_steps_of_each_parameter(void **state) {
    luron_ctx *ctx = *state;
    const luron_plugin *plugin = runs_plugin("optim");
    static const struct { const char *type, *name[2]; } options[] = { { "SGD", { "momentum", "dampening" } }, { "Adagrad", { "lr", "lr_decay" } } };
    const int64_t shape[] = { 1, SIZE };
    for (int i = 0; plugin->optims[i]; i++) {
        const char *type = plugin->optims[i]->name;
        luron_arg args[2];
        int n = 0;
        for (int k = 0; k < 2; k++)
            if (!strcmp(type, options[k].type)) args[0] = number(options[k].name[0], 0.5), args[1] = number(options[k].name[1], 0.25), n = 2;
        luron_tensor *p[3];
        for (int k = 0; k < 3; k++) p[k] = leaf_of(ctx, LURON_F64, 2, shape, optim_cases[0].start);
        luron_optim *both = optim_over(ctx, type, n, args, 2, p), *alone = optim_over(ctx, type, n, args, 1, &p[2]);
        for (int t = 1; t <= 40; t++) {
            double g[SIZE];
            gradient(optim_cases[0].start, SIZE, t, g);
            give(ctx, p[0], g);
            if (t > 25) give(ctx, p[1], g), give(ctx, p[2], g);
            assert_ok(ctx, luron_optim_step(both, ctx));
            if (t > 25) assert_ok(ctx, luron_optim_step(alone, ctx));
        }
        assert_tensor_same_(p[1], p[2], type, __FILE__, __LINE__);
        luron_optim_free(both), luron_optim_free(alone);
        for (int k = 0; k < 3; k++) luron_tensor_unref(p[k]);
    }
}

/* A gradient that is a view with strides counts as its values. */
static void test_optim_gradient_that_is_a_view(void **state) {
    luron_ctx *ctx = *state;
    luron_optim *o;
    luron_tensor *p = tensor_of(ctx, LURON_F64, 2, (const int64_t[]) { 2, 3 }, NULL), *g = tensor_of(ctx, LURON_F64, 2, (const int64_t[]) { 3, 2 }, (const double[]) { 1, 4, 2, 5, 3, 6 }), *turned;
    const luron_arg lr = number("lr", 1);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, p, 1));
    assert_ok(ctx, luron_transpose(&turned, ctx, g, 0, 1));
    assert_ok(ctx, luron_tensor_set_grad(ctx, p, turned));
    assert_ok(ctx, luron_optim_new(&o, ctx, "SGD", 1, &lr));
    assert_ok(ctx, luron_optim_add(o, ctx, 1, &p, NULL, 0, NULL));
    assert_ok(ctx, luron_optim_step(o, ctx));
    assert_tensor_close(p, ((const double[]) { -1, -2, -3, -4, -5, -6 }), 6, 0, 0);
    luron_optim_free(o);
    luron_tensor_unref(p);
    luron_tensor_unref(g);
    luron_tensor_unref(turned);
}

static void test_optim_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_optim *o = NULL;
    luron_tensor *a = leaf(ctx, LURON_F32, 2, (const double[]) { 1, 2 }), *b = leaf(ctx, LURON_F32, 2, (const double[]) { 1, 2 }), *sum, *turned, *grid, *view;
    luron_tensor *ids = tensor_of(ctx, LURON_I64, 1, (const int64_t[]) { 2 }, NULL), *frozen = tensor_row(ctx, LURON_F32, 1, 2);
    const luron_arg negative = number("lr", -1), unknown = number("rate", 1), whole = number("beta1", 1), not_a_number = number("lr", NAN);
    const char *const names[] = { "w", "w" };
    assert_fails(ctx, luron_optim_new(&o, ctx, "Adamm", 0, NULL), LURON_E_NOT_FOUND, "Adam");
    assert_fails(ctx, luron_optim_new(&o, ctx, "SGD", 1, &negative), LURON_E_ARGUMENT, "lr");
    assert_fails(ctx, luron_optim_new(&o, ctx, "SGD", 1, &not_a_number), LURON_E_ARGUMENT, "lr");
    assert_fails(ctx, luron_optim_new(&o, ctx, "SGD", 1, &unknown), LURON_E_ARGUMENT, "weight_decay");
    assert_fails(ctx, luron_optim_new(&o, ctx, "Adam", 1, &whole), LURON_E_ARGUMENT, "beta1");
    assert_ok(ctx, luron_optim_new(&o, ctx, "SGD", 0, NULL));
    assert_ok(ctx, luron_optim_add(o, ctx, 1, &a, NULL, 0, NULL));
    assert_fails(ctx, luron_optim_add(o, ctx, 0, NULL, NULL, 0, NULL), LURON_E_ARGUMENT, "no parameters");
    assert_fails(ctx, luron_optim_add(o, ctx, 1, &a, NULL, 0, NULL), LURON_E_ARGUMENT, "parameter '1' is there already, as '0'");
    assert_fails(ctx, luron_optim_add(o, ctx, 2, (luron_tensor *[]) { b, b }, NULL, 0, NULL), LURON_E_ARGUMENT, "parameter '2' is there already, as '1'");
    assert_fails(ctx, luron_optim_add(o, ctx, 2, (luron_tensor *[]) { b, frozen }, names, 0, NULL), LURON_E_ARGUMENT, "two parameters are called 'w'");
    assert_fails(ctx, luron_optim_add(o, ctx, 1, &ids, NULL, 0, NULL), LURON_E_DTYPE, "int64");
    assert_ok(ctx, luron_add(&sum, ctx, a, b));
    assert_fails(ctx, luron_optim_add(o, ctx, 1, &sum, NULL, 0, NULL), LURON_E_STATE, "the result of an op");
    grid = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 2, 3 }, NULL);
    assert_ok(ctx, luron_transpose(&turned, ctx, grid, 0, 1));
    assert_ok(ctx, luron_detach(&view, ctx, turned));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, view, 1));
    assert_fails(ctx, luron_optim_add(o, ctx, 1, &view, NULL, 0, NULL), LURON_E_STATE, "not contiguous");
    assert_fails(ctx, luron_optim_add(o, ctx, 1, &b, NULL, 1, &negative), LURON_E_ARGUMENT, "lr");
    assert_fails(ctx, luron_optim_set(o, ctx, 1, &negative), LURON_E_RANGE, "no group 1");
    assert_fails(ctx, luron_optim_set(o, ctx, 0, &negative), LURON_E_ARGUMENT, "lr");
    assert_int_equal(luron_optim_n_groups(o), 1);
    assert_ok(ctx, luron_optim_add(o, ctx, 1, &b, NULL, 0, NULL)); /* none of the refusals left it behind */
    luron_ctx_set_index_base(ctx, 1);
    assert_fails(ctx, luron_optim_add(o, ctx, 1, &a, NULL, 0, NULL), LURON_E_ARGUMENT, "parameter '3' is there already, as '0'"); /* added while it was 0 */
    assert_fails(ctx, luron_optim_set(o, ctx, 2, &negative), LURON_E_RANGE, "no group 3");
    luron_ctx_set_index_base(ctx, 0);
    luron_optim_free(o);
    luron_tensor *all[] = { a, b, sum, ids, frozen, grid, turned, view };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

/* Every allocation of making, adding, setting and stepping fails once: LURON_E_NOMEM, nothing held, nothing changed. */
static luron_status train(luron_ctx *ctx, const char *type, luron_tensor **params, int *done) {
    luron_optim *o;
    const luron_arg amsgrad = { .name = "amsgrad", .kind = LURON_ARG_BOOLEAN, .integer = 1 };
    LURON_TRY(luron_optim_new(&o, ctx, type, 0, NULL));
    luron_status status = luron_optim_add(o, ctx, 2, params, NULL, 0, NULL);
    if (status == LURON_OK && !strcmp(type, "Adam")) {
        status = luron_optim_set(o, ctx, 0, &amsgrad);
        assert_true(option_value(o, 0, "amsgrad") == (status == LURON_OK));
        assert_true((luron_optim_state(o, 0, 1, 2) != NULL) == (status == LURON_OK));
    }
    if (status == LURON_OK) status = luron_optim_step(o, ctx);
    *done = (int)luron_optim_steps(o);
    luron_optim_free(o);
    return status;
}
static void test_optim_without_memory(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = { "RMSprop", "Adam", "LAMB", "Muon" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        int done = 0, failed = 0;
        luron_tensor *p[] = { leaf_of(ctx, LURON_F32, 2, (const int64_t[]) { 2, 2 }, NULL), leaf_of(ctx, LURON_F32, 2, (const int64_t[]) { 1, 1 }, NULL) };
        luron_tensor *g = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 2, 2 }, (const double[]) { 1, 2, 3, 4 }), *turned;
        assert_ok(ctx, luron_transpose(&turned, ctx, g, 0, 1)); /* so that the step allocates */
        assert_ok(ctx, luron_tensor_set_grad(ctx, p[0], turned));
        give(ctx, p[1], (const double[]) { 1 });
        assert_ok(ctx, train(ctx, types[i], p, &done)); /* loads the plugin */
        double before[4];
        assert_ok(ctx, luron_tensor_read(ctx, p[0], LURON_F64, before));
        for (int sticky = 0; sticky < 2; sticky++)
            for (int k = 1;; k++) {
                const int64_t held = luron_ctx_live_blocks(ctx);
                done = 0;
                luron_ctx_fail_alloc(ctx, k, sticky);
                luron_status status = train(ctx, types[i], p, &done);
                luron_ctx_fail_alloc(ctx, 0, 0);
                assert_int_equal(luron_ctx_live_blocks(ctx), held);
                if (status == LURON_OK) break;
                assert_int_equal(status, LURON_E_NOMEM);
                assert_int_equal(done, 0);
                if (!sticky) assert_tensor_close(p[0], before, 4, 0, 0);
                failed++;
            }
        assert_true(failed > 20);
        luron_tensor *all[] = { p[0], p[1], g, turned };
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) luron_tensor_unref(all[k]);
    }
}

/* Once there, an optimiser steps without memory. */
static void test_optim_steps_without_allocating(void **state) {
    luron_ctx *ctx = *state;
    const luron_plugin *plugin = runs_plugin("optim");
    const int64_t shape[] = { 40, 30 };
    for (int i = 0; plugin->optims[i]; i++) {
        luron_tensor *p = leaf_of(ctx, LURON_F32, 2, shape, NULL), *g = tensor_of(ctx, LURON_F32, 2, shape, NULL);
        assert_ok(ctx, luron_tensor_set_grad(ctx, p, g));
        luron_optim *o = optim_over(ctx, plugin->optims[i]->name, 0, NULL, 1, &p);
        assert_ok(ctx, luron_optim_step(o, ctx));
        luron_ctx_fail_alloc(ctx, 1, 1);
        luron_status status = luron_optim_step(o, ctx);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (status) fail_msg("%s: %s", plugin->optims[i]->name, luron_ctx_error(ctx));
        luron_optim_free(o);
        luron_tensor_unref(p), luron_tensor_unref(g);
    }
}

/* Parameters without a number in them, of one number, and of no dimension. */
static void test_optim_odd_shapes(void **state) {
    luron_ctx *ctx = *state;
    const luron_plugin *plugin = runs_plugin("optim");
    static const struct { int ndim; int64_t shape[3]; } shapes[] = { { 0, { 0 } }, { 1, { 0 } }, { 1, { 1 } }, { 2, { 0, 3 } }, { 2, { 3, 0 } }, { 3, { 1, 1, 1 } } };
    for (int i = 0; plugin->optims[i]; i++)
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
            if (!strcmp(plugin->optims[i]->name, "Muon") && shapes[k].ndim < 2) continue;
            luron_tensor *p = leaf_of(ctx, LURON_F64, shapes[k].ndim, shapes[k].shape, (const double[]) { 2 });
            luron_optim *o = optim_over(ctx, plugin->optims[i]->name, 0, NULL, 1, &p);
            for (int t = 0; t < 3; t++) {
                give(ctx, p, (const double[]) { 1 });
                assert_ok(ctx, luron_optim_step(o, ctx));
            }
            double now = 0;
            if (luron_tensor_numel(p)) assert_ok(ctx, luron_tensor_read(ctx, p, LURON_F64, &now));
            assert_true(now < 2 && now >= 0);
            luron_optim_free(o);
            luron_tensor_unref(p);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_optim_values_of_pytorch), test_case(test_optim_defaults_of_pytorch), test_case(test_optim_runs_cut_anywhere),
        test_case(test_optim_bits_at_any_thread_count), test_case(test_optim_groups), test_case(test_optim_goes_on_from_its_state),
        test_case(test_optim_refuses_what_is_not_finite), test_case(test_optim_gradient_that_is_a_view), test_case(test_optim_messages),
        test_case(test_optim_without_memory), test_case(test_optim_counts_the_steps_of_each_parameter),
        test_case(test_optim_steps_without_allocating), test_case(test_optim_odd_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
