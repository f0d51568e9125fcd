/* Adafactor, LARS and FTRL: numbers, defaults, what they refuse; and state of another shape than the parameter's. What
 * holds for every type is in test_optim.c. */
#include "optim_tests.h"
#include "test_files.h"

#include <math.h>

typedef struct shaped_case {
    const char *type;
    optim_option options[ARGS];
    int ndim;
    int64_t shape[3];
    const double *after[3]; /* 1, 2 and STEPS steps */
} shaped_case;
#include "../data/optim_shaped_values.h"

static void test_shaped_values(void **state) {
    luron_ctx *ctx = *state;
    for (size_t i = 0; i < sizeof shaped_cases / sizeof *shaped_cases; i++) {
        const shaped_case *c = &shaped_cases[i];
        check_steps(ctx, c->type, c->options, leaf_of(ctx, LURON_F64, c->ndim, c->shape, shaped_start), c->after,
                    (int)i, 1e-9);
        check_steps(ctx, c->type, c->options, leaf_of(ctx, LURON_F32, c->ndim, c->shape, shaped_start), c->after,
                    (int)i, 2e-5); /* 50 roundings */
    }
}

static void test_shaped_defaults(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *type, *name;
        double value;
    } defaults[] = {
        {"Adafactor", "lr", 1e-2},
        {"Adafactor", "beta2_decay", -0.8},
        {"Adafactor", "eps2", 1e-3},
        {"Adafactor", "d", 1},
        {"Adafactor", "weight_decay", 0},
        {"LARS", "momentum", 0.9},
        {"LARS", "trust_coefficient", 1e-3},
        {"LARS", "eps", 0},
        {"FTRL", "lr", 1e-3},
        {"FTRL", "lr_power", -0.5},
        {"FTRL", "initial_accumulator_value", 0.1},
        {"FTRL", "l1", 0},
        {"FTRL", "beta", 0},
    };
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        luron_tensor *p = leaf(ctx, LURON_F32, SIZE, shaped_start);
        luron_optim *o = optim_over(ctx, defaults[i].type, 0, NULL, 1, &p);
        assert_true(option_value(o, 0, defaults[i].name) == defaults[i].value);
        luron_optim_free(o);
        luron_tensor_unref(p);
    }
}

static void test_shaped_refuses(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *type, *name;
        double value;
    } bad[] = {
        {"Adafactor", "lr", -1},
        {"Adafactor", "beta2_decay", 0.5},
        {"Adafactor", "d", 0.5},
        {"Adafactor", "eps1", -1},
        {"Adafactor", "eps2", -1},
        {"LARS", "momentum", -0.5},
        {"LARS", "trust_coefficient", -1},
        {"FTRL", "lr_power", 0.5},
        {"FTRL", "l1", -1},
        {"FTRL", "l2", -1},
        {"FTRL", "initial_accumulator_value", -1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        luron_optim *o = NULL;
        const luron_arg arg = number(bad[i].name, bad[i].value);
        assert_fails(ctx, luron_optim_new(&o, ctx, bad[i].type, 1, &arg), LURON_E_ARGUMENT, bad[i].name);
    }
}

/* Without a length to go by LARS steps as SGD does; FTRL at a rate of 0 moves nothing; l1 gives zeros. */
static void test_shaped_edges(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *p = leaf(ctx, LURON_F64, 2, (const double[]){0, 0});
    const luron_arg half = number("lr", 0.5), none = number("lr", 0), strong = number("l1", 100);
    luron_optim *o = optim_over(ctx, "LARS", 1, &half, 1, &p);
    give(ctx, p, (const double[]){1, -2});
    assert_ok(ctx, luron_optim_step(o, ctx));
    assert_tensor_close(p, ((const double[]){-0.5, 1}), 2, 0, 0);
    luron_optim_free(o);
    o = optim_over(ctx, "FTRL", 1, &none, 1, &p);
    give(ctx, p, (const double[]){1, -2});
    assert_ok(ctx, luron_optim_step(o, ctx));
    assert_tensor_close(p, ((const double[]){-0.5, 1}), 2, 0, 0);
    luron_optim_free(o);
    o = optim_over(ctx, "FTRL", 1, &strong, 1, &p);
    for (int t = 0; t < 200; t++) {
        give(ctx, p, (const double[]){0.125, -0.125});
        assert_ok(ctx, luron_optim_step(o, ctx));
    }
    double end[2];
    assert_ok(ctx, luron_tensor_read(ctx, p, LURON_F64, end));
    assert_true(end[0] == 0 && end[1] == 0);
    luron_optim_free(o);
    luron_tensor_unref(p);
}

/* ---- state of a shape of its own --------------------------------------------------------------------------------- */
static void assert_state(const luron_optim *o, int i, int s, int ndim, const int64_t *shape) {
    const luron_tensor *t = luron_optim_state(o, 0, i, s);
    if (ndim < 0) {
        assert_null(t);
        return;
    }
    assert_non_null(t);
    assert_int_equal(luron_tensor_ndim(t), ndim);
    if (ndim) assert_memory_equal(luron_tensor_shape(t), shape, (size_t)ndim * sizeof *shape);
}

static void test_shaped_state(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        int ndim;
        int64_t shape[3], row[3], col[3];
    } cases[] = {
        {0, {0}, {0}, {0}}, {1, {4}, {0}, {0}}, {2, {3, 4}, {3, 1}, {1, 4}}, {3, {2, 2, 3}, {2, 2, 1}, {2, 1, 3}}};
    luron_tensor *p[4];
    for (int i = 0; i < 4; i++)
        p[i] = leaf_of(ctx, LURON_F32, cases[i].ndim, cases[i].shape, shaped_start);
    luron_optim *o = optim_over(ctx, "Adafactor", 0, NULL, 4, p);
    for (int i = 0; i < 4; i++) {
        assert_state(o, i, 0, cases[i].ndim > 1 ? cases[i].ndim : -1, cases[i].row);
        assert_state(o, i, 1, cases[i].ndim > 1 ? cases[i].ndim : -1, cases[i].col);
        assert_state(o, i, 2, cases[i].ndim > 1 ? -1 : cases[i].ndim, cases[i].shape);
    }
    luron_optim_free(o);
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(p[i]);
}

/* A large matrix costs a row and a column, and scratch that does not grow with it. */
static void test_shaped_state_is_small(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *p = leaf_of(ctx, LURON_F32, 2, (const int64_t[]){1000, 1000}, NULL);
    const int64_t before = luron_ctx_live_bytes(ctx);
    luron_optim *o = optim_over(ctx, "Adafactor", 0, NULL, 1, &p);
    assert_true(luron_ctx_live_bytes(ctx) - before < 40000); /* of 4,000,000 */
    luron_optim_free(o);
    luron_tensor_unref(p);
}

/* Through a file into an optimiser of other options over the same shapes: it goes on with the same bits. */
static void test_shaped_checkpoint(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = {"Adafactor", "LARS", "FTRL"};
    static const int64_t wide[] = {3, 4}, tall[] = {4, 3};
    const luron_arg fast = number("lr", 0.5);
    for (int i = 0; i < 3; i++) {
        luron_tensor *p = leaf_of(ctx, LURON_F32, 2, wide, shaped_start),
                     *q = leaf_of(ctx, LURON_F32, 2, wide, shaped_start),
                     *other = leaf_of(ctx, LURON_F32, 2, tall, shaped_start);
        luron_optim *from = optim_over(ctx, types[i], 0, NULL, 1, &p), *to = optim_over(ctx, types[i], 1, &fast, 1, &q),
                    *misfit = optim_over(ctx, types[i], 1, &fast, 1, &other);
        luron_checkpoint *c;
        for (int t = 1; t <= 5; t++)
            advance(ctx, from, p, t);
        assert_ok(ctx, luron_checkpoint_new(&c, ctx));
        assert_ok(ctx, luron_checkpoint_set_optim(c, ctx, from));
        assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("shaped.h5"), NULL, 0));
        luron_checkpoint_free(c);
        assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("shaped.h5"), 1));
        assert_ok(ctx, luron_checkpoint_restore_optim(ctx, c, to));
        assert_fails(ctx, luron_checkpoint_restore_optim(ctx, c, misfit), LURON_E_MISMATCH,
                     i ? "has shape (3, 4) in the file, (4, 3) expected"
                       : "optimizer/state/0/row_var has shape (3, 1) in the file, (4, 1) expected");
        assert_true(option_value(misfit, 0, "lr") == 0.5);
        luron_checkpoint_free(c);
        luron_ctx_set_recording(ctx, 0);
        assert_ok(ctx, luron_tensor_copy(ctx, q, p));
        luron_ctx_set_recording(ctx, 1);
        for (int t = 6; t <= 12; t++)
            advance(ctx, from, p, t), advance(ctx, to, q, t);
        assert_tensor_same_(q, p, types[i], __FILE__, __LINE__);
        luron_optim_free(from), luron_optim_free(to), luron_optim_free(misfit);
        luron_tensor_unref(p), luron_tensor_unref(q), luron_tensor_unref(other);
    }
}

/* ---- types that ask for state ------------------------------------------------------------------------------------ */
enum { FINE, NO_SLOT, NO_NAME, NO_DTYPE, NO_SHAPE, NO_START };
typedef struct odd {
    int64_t how, size;
    int32_t past;
} odd;
static luron_status odd_setup(luron_step *s) {
    const odd *o = s->options;
    const int64_t size = o->how == NO_SHAPE ? -2 : o->size;
    return s->host->declare_state(s->call, o->how == NO_SLOT ? 2 : 1, o->how == NO_NAME ? "mode" : "median",
                                  o->how == NO_DTYPE ? LURON_I64 : LURON_REAL, 1, &size,
                                  o->how == NO_START ? luron_init_normal(0, 1) : luron_init_constant(2.5));
}
static void odd_step(luron_step *s) {
    const odd *o = s->options;
    double *p = s->param, *mean = s->state[0], *median = s->state[1];
    for (int64_t i = 0; i < s->n; i++)
        mean[i] += 1, p[i] -= median ? median[0] : 0;
    if (median) median[o->past ? o->size : 0] += 1;
}
static const luron_option *const odd_options[] = {LURON_OPT_INT(odd, how, 0, 0, 9, "what goes wrong"),
                                                  LURON_OPT_INT(odd, size, 2, 0, 9, "of the state"),
                                                  LURON_OPT_BOOL(odd, past, 0, "write past it"), NULL};
static const char *const odd_state[] = {"mean", "median", NULL};
static const luron_optim_type odd_type = {.struct_size = sizeof odd_type,
                                          .flags = LURON_OPTIM_WHOLE,
                                          .name = "Odd",
                                          .doc = "",
                                          .options = odd_options,
                                          .options_size = sizeof(odd),
                                          .state = odd_state,
                                          .setup = odd_setup,
                                          .step = odd_step};

static luron_optim *odd_optim(luron_ctx *ctx, const char *name, int64_t value) {
    static const luron_optim_type *const types[] = {&odd_type, NULL};
    static const luron_plugin plugin = {
        .struct_size = sizeof plugin, .abi_major = LURON_ABI_MAJOR, .name = "odds", .version = "1", .optims = types};
    const luron_arg arg = {.name = name, .kind = LURON_ARG_INTEGER, .integer = value};
    luron_optim *o;
    assert_ok(ctx, luron_plugin_add(ctx, &plugin, "odds"));
    assert_ok(ctx, luron_optim_new(&o, ctx, "Odd", 1, &arg));
    return o;
}

static void test_shaped_declarations(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        int how;
        luron_status status;
        const char *text;
    } bad[] = {
        {NO_SLOT, LURON_E_PLUGIN,
         "Odd: parameter '0': plugin 'odds': declare_state: slot 2, but the type lists 2 state tensors"},
        {NO_NAME, LURON_E_PLUGIN,
         "Odd: parameter '0': plugin 'odds': declare_state: slot 1 is 'median' in the type's list, not 'mode'"},
        {NO_DTYPE, LURON_E_PLUGIN, "declare_state: 'median' is int64, the parameter's float64 expected"},
        {NO_SHAPE, LURON_E_PLUGIN, "declare_state: slot 1"},
        {NO_START, LURON_E_PLUGIN,
         "declare_state: 'median' has an initialiser of kind 3, zeros or a constant expected"},
    };
    luron_tensor *p = leaf(ctx, LURON_F64, 3, shaped_start);
    const luron_arg size = {.name = "size", .kind = LURON_ARG_INTEGER, .integer = 5};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        luron_optim *o = odd_optim(ctx, "how", bad[i].how);
        assert_fails(ctx, luron_optim_add(o, ctx, 1, &p, NULL, 0, NULL), bad[i].status, bad[i].text);
        assert_int_equal(luron_optim_n_groups(o), 0);
        luron_optim_free(o);
    }
    luron_optim *o = odd_optim(ctx, "size", 2);
    assert_ok(ctx, luron_optim_add(o, ctx, 1, &p, NULL, 0, NULL));
    assert_tensor_close(luron_optim_state(o, 0, 0, 0), ((const double[]){0, 0, 0}), 3, 0, 0);
    assert_tensor_close(luron_optim_state(o, 0, 0, 1), ((const double[]){2.5, 2.5}), 2, 0, 0);
    assert_fails(ctx, luron_optim_set(o, ctx, 0, &size), LURON_E_STATE,
                 "Odd: state 'median' of parameter '0' has shape (2,), now (5,) is wanted");
    assert_true(option_value(o, 0, "size") == 2);
    advance(ctx, o, p, 1);
    assert_tensor_close(luron_optim_state(o, 0, 0, 1), ((const double[]){3.5, 2.5}), 2, 0, 0);
    luron_optim_free(o);
    luron_tensor_unref(p);
}

/* State of no elements is none, and stays none: what comes and goes with options is for `keeps`. */
static void test_shaped_state_of_no_elements(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *p = leaf(ctx, LURON_F64, 3, (const double[]){4, 4, 4});
    const luron_arg size = {.name = "size", .kind = LURON_ARG_INTEGER, .integer = 1};
    luron_optim *o = odd_optim(ctx, "size", 0);
    assert_ok(ctx, luron_optim_add(o, ctx, 1, &p, NULL, 0, NULL));
    assert_null(luron_optim_state(o, 0, 0, 1));
    advance(ctx, o, p, 1);
    assert_tensor_close(p, ((const double[]){4, 4, 4}), 3, 0, 0);
    assert_fails(ctx, luron_optim_set(o, ctx, 0, &size), LURON_E_STATE,
                 "Odd: state 'median' of parameter '0' has shape none, now (1,) is wanted");
    assert_true(option_value(o, 0, "size") == 0);
    assert_null(luron_optim_state(o, 0, 0, 1));
    luron_optim_free(o);
    luron_tensor_unref(p);
}

/* Strict mode sees what is written past such a state, and finds nothing in what is right. */
static void test_shaped_strict(void **state) {
    luron_ctx *ctx = *state;
    static const int64_t wide[] = {3, 4};
    for (int mode = 1; mode <= 2; mode++) {
        luron_tensor *p = leaf(ctx, LURON_F64, 3, shaped_start), *w = leaf_of(ctx, LURON_F64, 2, wide, shaped_start);
        luron_optim *past = odd_optim(ctx, "size", 1), *right = optim_over(ctx, "Adafactor", 0, NULL, 1, &w);
        const luron_arg on = {.name = "past", .kind = LURON_ARG_BOOLEAN, .integer = 1};
        assert_ok(ctx, luron_optim_add(past, ctx, 1, &p, NULL, 1, &on));
        give(ctx, p, shaped_start), give(ctx, w, shaped_start);
        luron_ctx_set_strict(ctx, mode);
        if (mode == 1)
            assert_fails(ctx, luron_optim_step(past, ctx), LURON_E_PLUGIN,
                         "bytes past the end of its run of state 'median' of '0'");
        assert_ok(ctx, luron_optim_step(right, ctx));
        luron_ctx_set_strict(ctx, 0);
        luron_optim_free(past), luron_optim_free(right);
        luron_tensor_unref(p), luron_tensor_unref(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_shaped_values),
        test_case(test_shaped_defaults),
        test_case(test_shaped_refuses),
        test_case(test_shaped_edges),
        test_case(test_shaped_state),
        test_case(test_shaped_state_is_small),
        test_case(test_shaped_checkpoint),
        test_case(test_shaped_declarations),
        test_case(test_shaped_state_of_no_elements),
        test_case(test_shaped_strict),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
