/* NAdam, RAdam, Adamax, Adadelta, Rprop, Lion, ASGD, LAMB, Muon, and Adam with amsgrad: numbers, defaults, what they refuse, and
 * the state and memory of those that keep or see more than others. What holds for every type is in test_optim.c.              */
#include "optim_tests.h"

#include <math.h>

#include "../data/optim_more_values.h"

static void test_optim_more_values(void **state) {
    for (size_t i = 0; i < sizeof optim_more_cases / sizeof *optim_more_cases; i++) {
        const optim_case *c = &optim_more_cases[i];
        check_case(*state, c, (int)i, LURON_F64, 1e-9);
        check_case(*state, c, (int)i, LURON_F32, !strcmp(c->type, "Muon") ? 2e-4 : 2e-5); /* 50 roundings; Muon stretches small singular values */
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
        { "ASGD", "lr", 1e-2 }, { "ASGD", "lambd", 1e-4 }, { "ASGD", "alpha", 0.75 }, { "ASGD", "t0", 1e6 }, { "LAMB", "lr", 1e-3 }, { "LAMB", "eps", 1e-6 },
        { "Muon", "lr", 1e-3 }, { "Muon", "weight_decay", 0.1 }, { "Muon", "momentum", 0.95 }, { "Muon", "nesterov", 1 }, { "Muon", "ns_a", 3.4445 },
        { "Muon", "ns_b", -4.775 }, { "Muon", "ns_c", 2.0315 }, { "Muon", "eps", 1e-7 }, { "Muon", "ns_steps", 5 }, { "Adam", "amsgrad", 0 },
        { "AdamW", "amsgrad", 0 },
    };
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        luron_tensor *p = leaf_of(ctx, LURON_F32, 2, (const int64_t[]) { 1, SIZE }, optim_more_start);
        luron_optim *o = optim_over(ctx, defaults[i].type, 0, NULL, 1, &p);
        assert_true(option_value(o, 0, defaults[i].name) == defaults[i].value);
        luron_optim_free(o);
        luron_tensor_unref(p);
    }
}

static void test_optim_more_refuses(void **state) {
    luron_ctx *ctx = *state;
    static const struct { const char *type, *name; double value; } bad[] = {
        { "NAdam", "beta1", 1 }, { "NAdam", "lr", -1 }, { "RAdam", "beta2", 1 }, { "Adamax", "beta2", -0.5 }, { "Adadelta", "rho", 1.5 },
        { "Rprop", "etaminus", 0 }, { "Rprop", "etaminus", 1 }, { "Rprop", "etaplus", 1 }, { "Lion", "beta2", 1 }, { "Lion", "weight_decay", -1 },
        { "ASGD", "alpha", -1 }, { "LAMB", "beta1", 1 }, { "Muon", "momentum", 1.5 }, { "Muon", "eps", -1 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        luron_optim *o = NULL;
        const luron_arg arg = { .name = bad[i].name, .kind = LURON_ARG_NUMBER, .number = bad[i].value };
        assert_fails(ctx, luron_optim_new(&o, ctx, bad[i].type, 1, &arg), LURON_E_ARGUMENT, bad[i].name);
    }
}

/* ---- state that an option brings --------------------------------------------------------------------------------------------- */
static void test_optim_more_amsgrad_state(void **state) {
    luron_ctx *ctx = *state;
    const luron_arg on = { .name = "amsgrad", .kind = LURON_ARG_BOOLEAN, .integer = 1 }, off = { .name = "amsgrad", .kind = LURON_ARG_BOOLEAN };
    for (int w = 0; w < 2; w++) {
        luron_tensor *p = leaf(ctx, LURON_F64, SIZE, optim_more_start), *most;
        luron_optim *o = optim_over(ctx, w ? "AdamW" : "Adam", 0, NULL, 1, &p);
        assert_int_equal(luron_optim_n_states(o), 3);
        assert_string_equal(luron_optim_state_name(o, 2), "max_exp_avg_sq");
        assert_non_null(luron_optim_state(o, 0, 0, 1));
        assert_null(luron_optim_state(o, 0, 0, 2));
        advance(ctx, o, p, 1);
        assert_ok(ctx, luron_optim_set(o, ctx, 0, &on));
        assert_non_null(most = luron_optim_state(o, 0, 0, 2));
        assert_tensor_close(most, ((const double[SIZE]) { 0 }), SIZE, 0, 0);
        advance(ctx, o, p, 2);
        assert_tensor_same(most, luron_optim_state(o, 0, 0, 1));
        assert_ok(ctx, luron_optim_set(o, ctx, 0, &off));
        assert_null(luron_optim_state(o, 0, 0, 2));
        advance(ctx, o, p, 3);
        assert_ok(ctx, luron_optim_set(o, ctx, 0, &on));
        assert_ptr_equal(luron_optim_state(o, 0, 0, 2), most);
        luron_optim_free(o);
        luron_tensor_unref(p);
    }
}

/* ---- types that see whole parameters ----------------------------------------------------------------------------------------- */
static void test_optim_more_muon_wants_matrices(void **state) {
    luron_ctx *ctx = *state;
    luron_optim *o;
    luron_tensor *bias = leaf(ctx, LURON_F64, 3, optim_more_start), *w = leaf_of(ctx, LURON_F64, 2, (const int64_t[]) { 3, 4 }, optim_more_start);
    luron_tensor *deep = leaf_of(ctx, LURON_F64, 4, (const int64_t[]) { 3, 2, 1, 2 }, optim_more_start), *both[] = { w, bias };
    const char *const names[] = { "fc/weight", "fc/bias" };
    assert_ok(ctx, luron_optim_new(&o, ctx, "Muon", 0, NULL));
    assert_fails(ctx, luron_optim_add(o, ctx, 2, both, names, 0, NULL), LURON_E_SHAPE,
                 "Muon: parameter 'fc/bias': 1 dims, at least 2 expected: give it to another optimiser");
    assert_int_equal(luron_optim_n_groups(o), 0);
    assert_ok(ctx, luron_optim_add(o, ctx, 1, &w, names, 0, NULL));
    assert_ok(ctx, luron_optim_add(o, ctx, 1, &deep, NULL, 0, NULL));
    for (int t = 1; t < 4; t++) {
        double g[LARGEST];
        gradient(optim_more_start, LARGEST, t, g);
        give(ctx, w, g), give(ctx, deep, g);
        assert_ok(ctx, luron_optim_step(o, ctx));
    }
    double flat[LARGEST];
    assert_ok(ctx, luron_tensor_read(ctx, w, LURON_F64, flat));
    assert_tensor_close(deep, flat, LARGEST, 0, 0); /* (3, 2, 1, 2) is the matrix (3, 4) */
    luron_optim_free(o);
    luron_tensor *all[] = { bias, w, deep };
    for (int i = 0; i < 3; i++) luron_tensor_unref(all[i]);
}

/* What a type does wrong is said and breaks nothing. */
static luron_status silent_setup(luron_step *s) { return s->n == 1 ? LURON_E_SHAPE : LURON_OK; }
static luron_status foreign_setup(luron_step *s) { return s->host->declare_param(s->call, 0, "w", 0, NULL, luron_init_zeros()); }
static void wrong_step(luron_step *s) {
    luron_view v = *s->whole;
    (void)s->host->gemm(s->call, &(const luron_gemm) { .struct_size = sizeof(luron_gemm), .a = &v, .b = &v, .out = &v });
}
static void test_optim_more_faults_of_types(void **state) {
    luron_ctx *ctx = *state;
    static const luron_optim_type silent = { .struct_size = sizeof silent, .flags = LURON_OPTIM_WHOLE, .name = "Silent", .doc = "", .setup = silent_setup, .step = wrong_step };
    static const luron_optim_type foreign = { .struct_size = sizeof foreign, .flags = LURON_OPTIM_WHOLE, .name = "Foreign", .doc = "", .setup = foreign_setup, .step = wrong_step };
    static const luron_optim_type *const types[] = { &silent, &foreign, NULL };
    static const luron_plugin plugin = { .struct_size = sizeof plugin, .abi_major = LURON_ABI_MAJOR, .name = "faults", .version = "1", .optims = types };
    luron_optim *o;
    luron_tensor *one = leaf(ctx, LURON_F64, 1, optim_more_start), *w = leaf_of(ctx, LURON_F64, 2, (const int64_t[]) { 3, 4 }, optim_more_start);
    assert_ok(ctx, luron_plugin_add(ctx, &plugin, "faults"));
    assert_ok(ctx, luron_optim_new(&o, ctx, "Foreign", 0, NULL));
    assert_fails(ctx, luron_optim_add(o, ctx, 1, &w, NULL, 0, NULL), LURON_E_STATE, "Foreign: parameter '0': plugin 'faults': declare_param can be called in declare and setup alone");
    luron_optim_free(o);
    assert_ok(ctx, luron_optim_new(&o, ctx, "Silent", 0, NULL));
    assert_fails(ctx, luron_optim_add(o, ctx, 1, &one, NULL, 0, NULL), LURON_E_PLUGIN, "Silent: plugin 'faults' refused parameter '0' and did not say why");
    assert_ok(ctx, luron_optim_add(o, ctx, 1, &w, NULL, 0, NULL));
    give(ctx, w, optim_more_start);
    assert_fails(ctx, luron_optim_step(o, ctx), LURON_E_PLUGIN, "Silent: parameter '0': plugin 'faults': gemm: shapes do not fit");
    luron_optim_free(o);
    luron_tensor_unref(one), luron_tensor_unref(w);
}

static void test_optim_more_refuses_what_is_not_finite(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = { "LAMB", "Muon", "ASGD" };
    for (int i = 0; i < 3; i++) {
        luron_tensor *p[2] = { leaf_of(ctx, LURON_F64, 2, (const int64_t[]) { 1, 2 }, optim_more_start), leaf_of(ctx, LURON_F64, 2, (const int64_t[]) { 1, 2 }, optim_more_start) };
        luron_optim *o = optim_over(ctx, types[i], 0, NULL, 2, p);
        give(ctx, p[0], (const double[]) { 1, 2 });
        give(ctx, p[1], (const double[]) { 1, NAN });
        assert_fails(ctx, luron_optim_step(o, ctx), LURON_E_NONFINITE, "step 1: gradient of '1' is not finite");
        assert_tensor_close(p[0], optim_more_start, 2, 0, 0);
        assert_tensor_close(luron_optim_state(o, 0, 0, 0), ((const double[]) { 0, 0 }), 2, 0, 0);
        luron_optim_free(o);
        luron_tensor_unref(p[0]), luron_tensor_unref(p[1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_optim_more_values), test_case(test_optim_more_defaults), test_case(test_optim_more_refuses),
        test_case(test_optim_more_amsgrad_state), test_case(test_optim_more_muon_wants_matrices), test_case(test_optim_more_faults_of_types),
        test_case(test_optim_more_refuses_what_is_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
