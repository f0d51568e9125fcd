/* NAdam, RAdam, Adamax, Adadelta, Rprop and Lion: numbers, defaults, bits at any number of threads, first gradients that come
 * late, going on from saved state.                                                                                         */
#include "runs.h"

enum { SIZE = 7, STEPS = 50, HALVED = 25, ARGS = 6 };
typedef struct optim_case {
    const char *type;
    struct { const char *name; double value; } options[ARGS];
    const double *after[3]; /* 1, 2 and STEPS steps */
} optim_case;
#include "../data/optim_more_values.h"

static const char *const types[] = { "NAdam", "RAdam", "Adamax", "Adadelta", "Rprop", "Lion" };
static const double start[SIZE] = { 1.5, -0.75, 0.5, 2, -1.25, 0, 3 };
enum { TYPES = sizeof types / sizeof *types };

/* The gradient of make_optim.py. */
static void gradient(const double *p, int t, double *g) {
    for (int i = 0; i < SIZE; i++) g[i] = p[i] * (0.25 + 0.5 * i) + 0.125 * ((i * 3 + t * 7) % 11 - 5);
    if (t < 5) g[2] = 0;
}

static luron_tensor *leaf(luron_ctx *ctx, uint32_t dtype, int64_t n, const double *values) {
    luron_tensor *t = tensor_of(ctx, dtype, 1, &n, values);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}
static luron_optim *optim_over(luron_ctx *ctx, const char *type, int n_args, const luron_arg *args, int n, luron_tensor **params) {
    luron_optim *o;
    assert_ok(ctx, luron_optim_new(&o, ctx, type, n_args, args));
    assert_ok(ctx, luron_optim_add(o, ctx, n, params, NULL, 0, NULL));
    return o;
}
static void give(luron_ctx *ctx, luron_tensor *p, const double *values) {
    luron_tensor *g = tensor_of(ctx, luron_tensor_dtype(p), luron_tensor_ndim(p), luron_tensor_shape(p), values);
    assert_ok(ctx, luron_tensor_set_grad(ctx, p, g));
    luron_tensor_unref(g);
}
/* Step t of a case: the gradient at the parameter, and the optimiser. */
static void advance(luron_ctx *ctx, luron_optim *o, luron_tensor *p, int t) {
    double at[SIZE], g[SIZE];
    assert_ok(ctx, luron_tensor_read(ctx, p, LURON_F64, at));
    gradient(at, t, g);
    give(ctx, p, g);
    assert_ok(ctx, luron_optim_step(o, ctx));
}
static luron_arg option(const luron_optim *o, const char *name) {
    for (int i = 0;; i++) {
        const luron_arg a = luron_optim_option(o, 0, i);
        if (!a.name) fail_msg("no option '%s'", name);
        if (!strcmp(a.name, name)) return a;
    }
}

/* ---- numbers -------------------------------------------------------------------------------------------------------------- */
static void check_case(luron_ctx *ctx, const optim_case *c, uint32_t dtype, double tol) {
    luron_arg args[ARGS];
    int n = 0, seen = 0;
    luron_tensor *p = leaf(ctx, dtype, SIZE, start);
    for (; n < ARGS && c->options[n].name; n++) {
        const int is_switch = !strcmp(c->options[n].name, "maximize") || !strncmp(c->options[n].name, "decoupled", 9);
        args[n] = (luron_arg) { .name = c->options[n].name, .kind = is_switch ? LURON_ARG_BOOLEAN : LURON_ARG_NUMBER,
                                .number = c->options[n].value, .integer = c->options[n].value != 0 };
    }
    luron_optim *o = optim_over(ctx, c->type, n, args, 1, &p);
    for (int t = 1; t <= STEPS; t++) {
        if (t == HALVED) {
            luron_arg lr = option(o, "lr");
            lr.number /= 2;
            assert_ok(ctx, luron_optim_set(o, ctx, 0, &lr));
        }
        advance(ctx, o, p, t);
        if (t == 1 || t == 2 || t == STEPS) {
            char name[120];
            snprintf(name, sizeof name, "%s, case %d, step %d", c->type, (int)(c - optim_more_cases), t);
            assert_tensor_close_(p, c->after[seen++], SIZE, tol, tol, name, __FILE__, __LINE__);
        }
    }
    luron_optim_free(o);
    luron_tensor_unref(p);
}

static void test_optim_more_values(void **state) {
    for (size_t i = 0; i < sizeof optim_more_cases / sizeof *optim_more_cases; i++) {
        check_case(*state, &optim_more_cases[i], LURON_F64, 1e-9);
        check_case(*state, &optim_more_cases[i], LURON_F32, 2e-5); /* 50 roundings */
    }
}

static void test_optim_more_defaults(void **state) {
    luron_ctx *ctx = *state;
    static const struct { const char *type, *name; double value; } defaults[] = {
        { "NAdam", "lr", 2e-3 }, { "NAdam", "beta1", 0.9 }, { "NAdam", "beta2", 0.999 }, { "NAdam", "eps", 1e-8 }, { "NAdam", "momentum_decay", 4e-3 },
        { "RAdam", "lr", 1e-3 }, { "RAdam", "beta2", 0.999 }, { "RAdam", "eps", 1e-8 }, { "Adamax", "lr", 2e-3 }, { "Adamax", "eps", 1e-8 },
        { "Adadelta", "lr", 1 }, { "Adadelta", "rho", 0.9 }, { "Adadelta", "eps", 1e-6 }, { "Rprop", "lr", 1e-2 }, { "Rprop", "etaminus", 0.5 },
        { "Rprop", "etaplus", 1.2 }, { "Rprop", "step_size_min", 1e-6 }, { "Rprop", "step_size_max", 50 }, { "Lion", "lr", 1e-3 },
        { "Lion", "beta1", 0.9 }, { "Lion", "beta2", 0.99 }, { "Lion", "weight_decay", 0 },
    };
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        luron_tensor *p = leaf(ctx, LURON_F32, SIZE, start);
        luron_optim *o = optim_over(ctx, defaults[i].type, 0, NULL, 1, &p);
        assert_true(option(o, defaults[i].name).number == defaults[i].value);
        luron_optim_free(o);
        luron_tensor_unref(p);
    }
}

static void test_optim_more_refuses(void **state) {
    luron_ctx *ctx = *state;
    static const struct { const char *type, *name; double value; } bad[] = {
        { "NAdam", "beta1", 1 }, { "NAdam", "lr", -1 }, { "RAdam", "beta2", 1 }, { "Adamax", "beta2", -0.5 }, { "Adadelta", "rho", 1.5 },
        { "Rprop", "etaminus", 0 }, { "Rprop", "etaminus", 1 }, { "Rprop", "etaplus", 1 }, { "Lion", "beta2", 1 }, { "Lion", "weight_decay", -1 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        luron_optim *o = NULL;
        const luron_arg arg = { .name = bad[i].name, .kind = LURON_ARG_NUMBER, .number = bad[i].value };
        assert_fails(ctx, luron_optim_new(&o, ctx, bad[i].type, 1, &arg), LURON_E_ARGUMENT, bad[i].name);
    }
}

/* ---- steps ---------------------------------------------------------------------------------------------------------------- */
/* 40 steps of a parameter that is cut into several chunks. */
static void test_optim_more_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = { 1, 2, 3, 8 };
    const int64_t n = 50001;
    const int was = luron_ctx_threads(ctx);
    for (int i = 0; i < TYPES; i++) {
        luron_tensor *first = NULL;
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            luron_tensor *p = leaf(ctx, LURON_F32, n, NULL), *g;
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
            luron_ctx_seed(ctx, 3);
            assert_ok(ctx, luron_tensor_new(&g, ctx, LURON_F32, 1, &n));
            assert_ok(ctx, luron_tensor_set_grad(ctx, p, g));
            luron_optim *o = optim_over(ctx, types[i], 0, NULL, 1, &p);
            for (int k = 0; k < 40; k++) {
                if (k % 10 == 0) assert_ok(ctx, luron_tensor_uniform(ctx, g, -1, 1));
                assert_ok(ctx, luron_optim_step(o, ctx));
            }
            luron_optim_free(o);
            luron_tensor_unref(g);
            if (!first) first = luron_tensor_ref(p);
            assert_tensor_same_(p, first, types[i], __FILE__, __LINE__);
            luron_tensor_unref(p);
        }
        luron_tensor_unref(first);
    }
    assert_ok(ctx, luron_ctx_set_threads(ctx, was));
}

/* A parameter whose first gradient comes late takes the steps of a new one. */
static void test_optim_more_late_gradients(void **state) {
    luron_ctx *ctx = *state;
    for (int i = 0; i < TYPES; i++) {
        luron_tensor *p[2] = { leaf(ctx, LURON_F64, SIZE, start), leaf(ctx, LURON_F64, SIZE, start) }, *late = leaf(ctx, LURON_F64, SIZE, start);
        luron_optim *both = optim_over(ctx, types[i], 0, NULL, 2, p), *alone = optim_over(ctx, types[i], 0, NULL, 1, &late);
        for (int t = 1; t <= 40; t++) {
            double g[SIZE];
            gradient(start, t, g);
            give(ctx, p[0], g);
            if (t > 25) give(ctx, p[1], g), give(ctx, late, g);
            assert_ok(ctx, luron_optim_step(both, ctx));
            if (t > 25) assert_ok(ctx, luron_optim_step(alone, ctx));
        }
        assert_tensor_same_(p[1], late, types[i], __FILE__, __LINE__);
        luron_optim_free(both), luron_optim_free(alone);
        luron_tensor_unref(p[0]), luron_tensor_unref(p[1]), luron_tensor_unref(late);
    }
}

/* State, scalars and the count of steps moved into a second optimiser: it goes on with the same bits. */
static void test_optim_more_goes_on_from_its_state(void **state) {
    luron_ctx *ctx = *state;
    for (int i = 0; i < TYPES; i++) {
        luron_tensor *p[2] = { leaf(ctx, LURON_F32, SIZE, start), leaf(ctx, LURON_F32, SIZE, start) };
        luron_optim *o[2] = { optim_over(ctx, types[i], 0, NULL, 1, &p[0]), optim_over(ctx, types[i], 0, NULL, 1, &p[1]) };
        for (int t = 1; t <= 20; t++) {
            if (t == 8) {
                luron_ctx_set_recording(ctx, 0);
                assert_ok(ctx, luron_tensor_copy(ctx, p[1], p[0]));
                for (int s = 0; s < luron_optim_n_states(o[0]); s++)
                    assert_ok(ctx, luron_tensor_copy(ctx, luron_optim_state(o[1], 0, 0, s), luron_optim_state(o[0], 0, 0, s)));
                for (int s = 0; s < luron_optim_n_scalars(o[0]); s++) luron_optim_set_scalar(o[1], 0, s, luron_optim_scalar(o[0], 0, s));
                luron_optim_set_steps(o[1], luron_optim_steps(o[0]));
                luron_ctx_set_recording(ctx, 1);
            }
            advance(ctx, o[0], p[0], t);
            if (t >= 8) advance(ctx, o[1], p[1], t);
        }
        assert_tensor_same_(p[1], p[0], types[i], __FILE__, __LINE__);
        for (int k = 0; k < 2; k++) luron_optim_free(o[k]), luron_tensor_unref(p[k]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_optim_more_values), test_case(test_optim_more_defaults), test_case(test_optim_more_refuses),
        test_case(test_optim_more_bits_at_any_thread_count), test_case(test_optim_more_late_gradients),
        test_case(test_optim_more_goes_on_from_its_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
