/* optim_tests.h -- what the tests of optimisers share: cases of reference numbers, their gradient, and small helpers.
 */
#ifndef OPTIM_TESTS_H
#define OPTIM_TESTS_H
#include "runs.h"

enum { SIZE = 7, LARGEST = 12, STEPS = 50, HALVED = 25, ARGS = 6 };
typedef struct optim_option {
    const char *name;
    double value;
} optim_option;
typedef struct optim_case {
    const char *type;
    optim_option options[ARGS];
    const double *start, *after[3]; /* 1, 2 and STEPS steps */
    int64_t rows, cols;             /* rows 0: SIZE numbers in a row */
} optim_case;

/* The gradient of make_plugins.py and make_optim.py. */
static inline void gradient(const double *p, int n, int t, double *g) {
    for (int i = 0; i < n; i++)
        g[i] = p[i] * (0.25 + 0.5 * i) + 0.125 * ((i * 3 + t * 7) % 11 - 5);
    if (t < 5) g[2] = 0;
}

static inline luron_arg number(const char *name, double value) {
    return (luron_arg){.name = name, .kind = LURON_ARG_NUMBER, .number = value};
}
/* An option by a number: switches go as booleans and choices by name, for the host does not take a number for one. */
static inline luron_arg arg_of(const luron_type *type, const char *name, double value) {
    luron_arg a = number(name, value);
    const luron_option *o;
    for (int i = 0; (o = luron_type_option(type, i)); i++) {
        if (strcmp(o->name, name)) continue;
        if (o->kind == LURON_BOOL) a.kind = LURON_ARG_BOOLEAN, a.integer = value != 0;
        if (o->kind == LURON_INT) a.kind = LURON_ARG_INTEGER, a.integer = (int64_t)value;
        if (o->kind == LURON_CHOICE) a.kind = LURON_ARG_STRING, a.string = o->choices[(int)value];
    }
    return a;
}

static inline luron_tensor *leaf_of(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape,
                                    const double *values) {
    luron_tensor *t = tensor_of(ctx, dtype, ndim, shape, values);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}
static inline luron_tensor *leaf(luron_ctx *ctx, uint32_t dtype, int64_t n, const double *values) {
    return leaf_of(ctx, dtype, 1, &n, values);
}
static inline void give(luron_ctx *ctx, luron_tensor *p, const double *values) {
    luron_tensor *g = tensor_of(ctx, luron_tensor_dtype(p), luron_tensor_ndim(p), luron_tensor_shape(p), values);
    assert_ok(ctx, luron_tensor_set_grad(ctx, p, g));
    luron_tensor_unref(g);
}

static inline luron_optim *optim_over(luron_ctx *ctx, const char *type, int n_args, const luron_arg *args, int n,
                                      luron_tensor **params) {
    luron_optim *o;
    assert_ok(ctx, luron_optim_new(&o, ctx, type, n_args, args));
    assert_ok(ctx, luron_optim_add(o, ctx, n, params, NULL, 0, NULL));
    return o;
}
/* Step t: the gradient at the parameter, and the optimiser. */
static inline void advance(luron_ctx *ctx, luron_optim *o, luron_tensor *p, int t) {
    double at[LARGEST], g[LARGEST];
    assert_ok(ctx, luron_tensor_read(ctx, p, LURON_F64, at));
    gradient(at, (int)luron_tensor_numel(p), t, g);
    give(ctx, p, g);
    assert_ok(ctx, luron_optim_step(o, ctx));
}
static inline double option_value(const luron_optim *o, int group, const char *name) {
    for (int i = 0;; i++) {
        const luron_arg a = luron_optim_option(o, group, i);
        if (!a.name) fail_msg("no option '%s'", name);
        if (!strcmp(a.name, name)) return a.kind == LURON_ARG_NUMBER ? a.number : (double)a.integer;
    }
}

/* From the start to STEPS steps, the rate halved on the way. */
static inline void check_steps(luron_ctx *ctx, const char *kind, const optim_option *options, luron_tensor *p,
                               const double *const *after, int number_of_case, double tol) {
    const luron_type *type;
    luron_arg args[ARGS];
    int n = 0, seen = 0;
    assert_ok(ctx, luron_type_find(&type, ctx, LURON_KIND_OPTIM, kind));
    for (; n < ARGS && options[n].name; n++)
        args[n] = arg_of(type, options[n].name, options[n].value);
    luron_optim *o = optim_over(ctx, kind, n, args, 1, &p);
    for (int t = 1; t <= STEPS; t++) {
        if (t == HALVED) {
            const luron_arg lr = number("lr", option_value(o, 0, "lr") / 2);
            assert_ok(ctx, luron_optim_set(o, ctx, 0, &lr));
        }
        advance(ctx, o, p, t);
        if (t == 1 || t == 2 || t == STEPS) {
            char name[120];
            snprintf(name, sizeof name, "%s, case %d, step %d", kind, number_of_case, t);
            assert_tensor_close_(p, after[seen++], luron_tensor_numel(p), tol, tol, name, __FILE__, __LINE__);
        }
    }
    assert_int_equal(luron_optim_steps(o), STEPS);
    luron_optim_free(o);
    luron_tensor_unref(p);
}
static inline void check_case(luron_ctx *ctx, const optim_case *c, int number_of_case, uint32_t dtype, double tol) {
    const int64_t shape[] = {c->rows ? c->rows : SIZE, c->cols};
    luron_tensor *p = leaf_of(ctx, dtype, c->rows ? 2 : 1, shape, c->start);
    check_steps(ctx, c->type, c->options, p, c->after, number_of_case, tol);
}

/* State, scalars and the count of steps of one optimiser into another over the same parameters. */
static inline void copy_state(luron_ctx *ctx, luron_optim *to, const luron_optim *from) {
    luron_ctx_set_recording(ctx, 0);
    for (int i = 0; i < luron_optim_n_params(from, 0); i++)
        for (int s = 0; s < luron_optim_n_states(from); s++)
            if (luron_optim_state(from, 0, i, s))
                assert_ok(ctx,
                          luron_tensor_copy(ctx, luron_optim_state(to, 0, i, s), luron_optim_state(from, 0, i, s)));
    for (int s = 0; s < luron_optim_n_scalars(from); s++)
        luron_optim_set_scalar(to, 0, s, luron_optim_scalar(from, 0, s));
    luron_optim_set_steps(to, luron_optim_steps(from));
    luron_ctx_set_recording(ctx, 1);
}

#endif
