/* test_strict.c -- strict mode (R15): every way in which a plugin can go wrong at run time is found before what it did
 * is used, and the error names plugin, layer and place. With strict mode off nothing is looked for, and right plugins
 * pass. */
#include "wrong_layers.h"

#include "abi_tools.h"

#include "bar.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void ok(luron_ctx *ctx, luron_status status) {
    if (status) fail_msg("%s: %s", luron_status_name(status), luron_ctx_error(ctx));
}

static luron_tensor *numbers(luron_ctx *ctx, int64_t n) {
    luron_tensor *t;
    ok(ctx, luron_tensor_new(&t, ctx, LURON_F32, 2, (const int64_t[]){n, 4}));
    for (int64_t i = 0; i < 4 * n; i++)
        ((float *)luron_tensor_data(t))[i] = 1.3f * sinf((float)(i * i) + 0.7f);
    ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

/* A layer called 'enc.1', applied and differentiated; ids: a second input. The status of what failed. */
typedef struct trial {
    const char *type, *how;
    bool ids, eval;
} trial;
static luron_status go(luron_ctx *ctx, const trial *t, int *forward) {
    luron_layer *layer;
    luron_tensor *ins[2] = {numbers(ctx, 5), NULL}, *y = NULL, *v = NULL;
    const int64_t ids[3] = {0, 2, 1};
    const luron_arg how = {.name = "how", .kind = LURON_ARG_STRING, .string = t->how};
    ok(ctx, luron_layer_new(&layer, ctx, t->type, 1, &how));
    ok(ctx, luron_layer_set_name(ctx, layer, "enc.1"));
    luron_layer_set_training(layer, !t->eval);
    if (t->ids) ok(ctx, luron_tensor_from(&ins[1], ctx, LURON_I64, 1, (const int64_t[]){3}, ids));
    luron_status status = luron_layer_apply(&y, ctx, layer, t->ids ? 2 : 1, ins);
    *forward = status != LURON_OK;
    if (!status) {
        ok(ctx, luron_tensor_new(&v, ctx, LURON_F32, luron_tensor_ndim(y), luron_tensor_shape(y)));
        for (int64_t i = 0; i < luron_tensor_numel(v); i++)
            ((float *)luron_tensor_data(v))[i] = (float)(i % 5) - 1.5f;
        status = luron_backward(ctx, y, v, 0);
    }
    if (status && *luron_layer_name(layer)) { /* as if it had not been tried */
        if (luron_tensor_grad(ins[0])) fail_msg("%s %s: there is a gradient in spite of the error", t->type, t->how);
        luron_tensor *calls = luron_layer_state(layer, 0);
        if (calls && *forward) assert_true(((float *)luron_tensor_data(calls))[0] == 0);
    }
    luron_tensor *all[] = {ins[0], ins[1], y, v};
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
    return status;
}

/* All that a plugin can do wrong: what is said of it after "plugin 'wrongs': ", and whether forward (1) or backward
 * says it. */
static const struct {
    trial t;
    int forward;
    const char *text;
} faults[] = {
    {{"Wrong", "narrow", 0, 0}, 1, "forward writes 20 bytes past the end of output 'output'"},
    {{"Wrong", "wide", 0, 0}, 1, "forward leaves output 'output', element 20, unwritten"},
    {{"Wrong", "negative", 0, 0}, 1, "set_out: output 0"},
    {{"Wrong", "past", 0, 0}, 1, "forward writes 4 bytes past the end of output 'output'"},
    {{"Wrong", "before", 0, 0}, 1, "forward writes 4 bytes before the start of output 'output'"},
    {{"Wrong", "past_saved", 0, 0}, 1, "forward writes 16 bytes past the end of saved tensor 0"},
    {{"Wrong", "past_scratch", 0, 0}, 1, "forward writes 4 bytes past the end of the scratch memory"},
    {{"Wrong", "nan", 0, 0}, 1, "forward gives nan in output 'output', element 10, from finite numbers"},
    {{"Wrong", "unwritten", 0, 0}, 1, "forward leaves output 'output', element 19, unwritten"},
    {{"Wrong", "input", 0, 0}, 1, "forward changes input 'input'"},
    {{"Wrong", "param", 0, 0}, 1, "forward changes parameter 'weight'"},
    {{"Wrong", "options", 0, 0}, 1, "forward changes the options of the layer"},
    {{"Wrong", "state_in_eval", 0, true}, 1, "forward changes state 'calls', which only forward may, in training"},
    {{"Wrong", "error", 0, 0}, 1, "not today"},
    {{"Wrong", "scratch", 0, 0},
     1,
     "forward reads scratch memory before it has written it: output 'output', element 0"},
    {{"Wrong", "static_forward", 0, 0},
     1,
     "forward gives other bits in output 'output', element 0, when it is run again"},
    {{"Wrong", "order", 0, 0},
     1,
     "forward gives other bits in output 'output', element 0, when the pieces of parallel_for"},
    {{"Wrong", "outside", 0, 0}, 1, "forward reads outside its tensors: output 'output', element 0, depends on it"},
    {{"Wrong", "reads_output", 0, 0}, 1, "forward reads output 'output'"},
    {{"Wrong", "raw_ids", true, 0},
     1,
     "forward gives other bits in output 'output', element 0, when ids count from the other base"},
    {{"Wrong", "setup_again", 0, 0}, 1, "setup gives another answer when it is asked again"},
    {{"Wrong", "setup_reads", true, 0}, 1, "setup reads the numbers of its inputs"},
    {{"Wrong", "compose_differs", 0, 0}, 1, "compose gives"},
    {{"Wrong", "compose_fails", 0, 0}, 1, "compose fails where forward does not: no ops for it"},
    {{"Wrong", "grad_unwritten", 0, 0},
     0,
     "backward leaves the gradient of input 'input', element 2, unwritten, though beta is 0"},
    {{"Wrong", "grad_store", 0, 0}, 0, "backward does not add to the gradient of input 'input'"},
    {{"Wrong", "grad_store_param", 0, 0}, 0, "backward does not add to the gradient of parameter 'bias'"},
    {{"Wrong", "grad_adds_to_unset", 0, 0}, 0, "backward reads the gradient of input 'input'"},
    {{"Wrong", "grad_past", 0, 0}, 0, "backward writes 4 bytes past the end of the gradient of parameter 'bias'"},
    {{"Wrong", "grad_nan", 0, 0}, 0, "backward gives nan in the gradient of parameter 'weight', element 0"},
    {{"Wrong", "grad_out", 0, 0}, 0, "backward changes the gradient of output 'output'"},
    {{"Wrong", "grad_state", 0, 0}, 0, "backward changes state 'calls'"},
    {{"Wrong", "changes_saved", 0, 0}, 0, "backward changes saved tensor 0"},
    {{"Wrong", "saved_unset", 0, 0}, 0, "backward gives nan in the gradient of parameter 'weight'"},
    {{"Wrong", "static_backward", 0, 0}, 0, "backward gives other bits in the gradient of parameter 'weight'"},
    {{"Wrong", "reads_freed", 0, 0},
     0,
     "backward reads input 'input' although LURON_LAYER_FREES_IN says that it does not"},
    {{"FakeWave", "past", 0, 0}, 1, "forward writes 4 bytes past the end of output 'output'"},
    {{"FakeWave", "tail", 0, 0}, 1, "forward gives other bits in output 'output', element 0, when the run is cut"},
    {{"FakeWave", "static", 0, 0}, 1, "forward gives other bits in output 'output', element 0, when it is run again"},
    {{"FakeWave", "nan", 0, 0}, 1, "forward gives inf in output 'output', element 1"},
    {{"FakeWave", "derive_past", 0, 0}, 0, "backward writes 4 bytes before the start of the gradient of input 'input'"},
    {{"FakeWave", "derive_reads_x", 0, 0},
     0,
     "backward reads input 'input' although LURON_EW_FROM_Y says that it does not"},
    {{"FakeWave", "derive_tail", 0, 0},
     0,
     "backward gives other bits in the gradient of input 'input', element 0, when the run is cut"},
    {{"WrongOps", "static", 0, 0}, 1, "compose gives another output 'output' when it is run again"},
    {{"WrongOps", "nan", 0, 0}, 1, "compose gives nan in output 'output', element 0"},
    {{"WrongOps", "input", 0, 0}, 1, "compose changes an input or a parameter"},
};
enum { N_FAULTS = sizeof faults / sizeof *faults };

/* The error of a trial has all that it has to name. Returns 1 where it has not. */
static int64_t misses(luron_ctx *ctx, int i) {
    int forward;
    char layer[64];
    snprintf(layer, sizeof layer, "layer 'enc.1' = %s { how = '%s' }: ", faults[i].t.type, faults[i].t.how);
    const luron_status status = go(ctx, &faults[i].t, &forward);
    const char *text = luron_ctx_error(ctx);
    const bool own = strcmp(faults[i].t.how, "error") == 0; /* the plugin's own words and status */
    if (status == (own ? LURON_E_RANGE : LURON_E_PLUGIN) && forward == faults[i].forward && strstr(text, layer) &&
        strstr(text, faults[i].text) && (own || strstr(text, "plugin 'wrongs'")))
        return 0;
    print_error("%s %s (%d): %s, in %s: %s\n", faults[i].t.type, faults[i].t.how, luron_ctx_strict(ctx),
                luron_status_name(status), forward ? "forward" : "backward", text);
    return 1;
}

static void test_strict_names_every_fault(void **state) {
    luron_ctx *ctx = *state;
    bar b = bar_begin("R15", "misbehaving layers, strict mode", 0);
    int64_t n = 0, failures = 0;
    luron_ctx_set_strict(ctx, 1);
    for (int i = 0; i < N_FAULTS; i++, n++)
        failures += misses(ctx, i);
    assert_int_equal(bar_end(&b, n, failures), 0);
}

static void test_strict_lets_right_ones_pass(void **state) {
    luron_ctx *ctx = *state;
    int forward;
    for (int level = 0; level <= 2; level++) {
        luron_ctx_set_strict(ctx, level);
        for (int eval = 0; eval < 2; eval++)
            for (int ids = 0; ids < 2; ids++) {
                const trial right = {"Wrong", "none", ids, eval};
                ok(ctx, go(ctx, &right, &forward));
            }
        const trial others[] = {{"FakeWave", "none", 0, 0}, {"WrongOps", "none", 0, 0}, {"Wrong", "grad_left", 0, 0}};
        for (int i = 0; i < 3; i++)
            ok(ctx, go(ctx, &others[i], &forward));
        assert_int_equal(luron_ctx_set_strict(ctx, level), level);
    }
}

/* Twice the layer in one graph, and gradients that hold something already: no false alarm. */
static void test_strict_gives_the_same_numbers(void **state) {
    luron_ctx *ctx = *state;
    float got[2][2][20];
    for (int level = 0; level < 2; level++) {
        luron_layer *layer;
        luron_tensor *x = numbers(ctx, 5), *y, *z, *sum;
        luron_ctx_set_strict(ctx, level);
        luron_ctx_seed(ctx, 3);
        ok(ctx, luron_layer_new(&layer, ctx, "Wrong", 0, NULL));
        ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        ok(ctx, luron_layer_apply(&z, ctx, layer, 1, &y));
        ok(ctx, luron_sum(&sum, ctx, z, 0, NULL, 0));
        ok(ctx, luron_backward(ctx, sum, NULL, LURON_RETAIN_GRAPH));
        ok(ctx, luron_backward(ctx, sum, NULL, 0)); /* into gradients that are there */
        ok(ctx, luron_tensor_read(ctx, z, LURON_F32, got[level][0]));
        ok(ctx, luron_tensor_read(ctx, luron_tensor_grad(x), LURON_F32, got[level][1]));
        luron_tensor *all[] = {x, y, z, sum};
        for (int i = 0; i < 4; i++)
            luron_tensor_unref(all[i]);
        luron_layer_unref(layer);
    }
    assert_memory_equal(got[0], got[1], sizeof got[0]);
}

/* Off, nothing is looked for: what harms nobody passes. */
static void test_strict_off_looks_for_nothing(void **state) {
    luron_ctx *ctx = *state;
    int forward;
    const trial harmless[] = {{"Wrong", "nan", 0, 0},
                              {"Wrong", "static_forward", 0, 0},
                              {"Wrong", "grad_store", 0, 0},
                              {"FakeWave", "tail", 0, 0}};
    for (int i = 0; i < 4; i++)
        ok(ctx, go(ctx, &harmless[i], &forward));
}

/* ---- optimisers -------------------------------------------------------------------------------------------------- */
static void test_strict_optimisers(void **state) {
    static const char *const cases[][2] = {
        {"past", "step writes 4 bytes past the end of its run of state 'momentum' of 'w'"},
        {"before", "step writes 8 bytes before the start of its run of parameter 'w'"},
        {"gradient", "step changes the gradient of 'w'"},
        {"scalar", "step changes a scalar, which only begin may"},
        {"tail", "step gives other bits in parameter 'w', element 0, when the run is cut into pieces"},
        {"static", "step gives other bits in parameter 'w', element 0, when it is run again"},
        {"nan", "step gives"},
        {"options", "step changes the options"},
        {"begin_static", "begin gives other scalars when it is run again"},
        {"none", NULL},
    };
    luron_ctx *ctx = *state;
    bar b = bar_begin("R15", "misbehaving optimisers, strict mode", 0);
    int64_t failures = 0, n = sizeof cases / sizeof *cases;
    luron_ctx_set_strict(ctx, 1);
    for (int64_t i = 0; i < n; i++) {
        luron_optim *optim;
        luron_tensor *w = numbers(ctx, 5), *g, *before;
        const char *name = "w";
        const luron_arg how = {.name = "how", .kind = LURON_ARG_STRING, .string = cases[i][0]};
        ok(ctx, luron_optim_new(&optim, ctx, "WrongOptim", 1, &how));
        ok(ctx, luron_optim_add(optim, ctx, 1, &w, &name, 0, NULL));
        ok(ctx, luron_tensor_full(&g, ctx, LURON_F32, 2, luron_tensor_shape(w), 0.5));
        ok(ctx, luron_tensor_set_grad(ctx, w, g));
        before = numbers(ctx, 5);
        const luron_status status = luron_optim_step(optim, ctx);
        const bool same = !memcmp(luron_tensor_data(w), luron_tensor_data(before), 80);
        const char *text = luron_ctx_error(ctx), *wanted = cases[i][1];
        const bool right = wanted ? status == LURON_E_PLUGIN && same && luron_optim_steps(optim) == 0 &&
                                        strstr(text, wanted) && strstr(text, "WrongOptim: plugin 'wrongs': ")
                                  : status == LURON_OK && !same;
        if (!right) print_error("%s: %s: %s\n", cases[i][0], luron_status_name(status), text);
        failures += !right;
        luron_optim_free(optim);
        luron_tensor *all[] = {w, g, before};
        for (int k = 0; k < 3; k++)
            luron_tensor_unref(all[k]);
    }
    assert_int_equal(bar_end(&b, n, failures), 0);
}

/* ---- pages that cannot be touched -------------------------------------------------------------------------------- */
/* Signal that ends a process of its own in which the trial runs, 0: it came to an end. */
static int dies(luron_ctx *ctx, const trial *t) {
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        int forward;
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGSEGV, SIG_DFL);             /* a sanitizer would write a report */
        (void)!luron_ctx_set_threads(ctx, 1); /* threads do not survive a fork */
        luron_ctx_set_strict(ctx, 2);
        (void)!go(ctx, t, &forward);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_strict_pages_stop_what_goes_outside(void **state) {
    luron_ctx *ctx = *state;
    static const trial cases[] = {{"Wrong", "past", 0, 0},       {"Wrong", "outside", 0, 0},
                                  {"Wrong", "before", 0, 0},     {"FakeWave", "past", 0, 0},
                                  {"Wrong", "past_saved", 0, 0}, {"Wrong", "grad_past", 0, 0}};
    bar b = bar_begin("R15", "guard pages", 0);
    int64_t failures = 0, n = sizeof cases / sizeof *cases;
    for (int64_t i = 0; i < n; i++)
        if (dies(ctx, &cases[i]) != SIGSEGV && strcmp(cases[i].how, "before"))
            failures++, print_error("%s lives\n", cases[i].how);
    const trial right = {"Wrong", "none", true, false};
    failures += dies(ctx, &right) != 0;
    assert_int_equal(bar_end(&b, n, failures), 0);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */
static void test_strict_survives_failing_allocations(void **state) {
    luron_ctx *ctx = *state;
    int forward;
    const trial right = {"Wrong", "none", true, false};
    luron_ctx_set_strict(ctx, 1);
    ok(ctx, go(ctx, &right, &forward));
    luron_layer *layer;
    luron_tensor *x = numbers(ctx, 5), *y;
    ok(ctx, luron_layer_new(&layer, ctx, "Wrong", 0, NULL));
    const int64_t blocks = luron_ctx_live_blocks(ctx);
    int k = 1;
    for (;; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron_layer_apply(&y, ctx, layer, 1, &x);
        if (!status) {
            status = luron_backward(ctx, y, x, 0);
            luron_tensor_unref(y);
        }
        luron_ctx_fail_alloc(ctx, 0, 0);
        ok(ctx, luron_tensor_set_grad(ctx, x, NULL));
        for (int i = 0; i < luron_layer_n_params(layer); i++)
            ok(ctx, luron_tensor_set_grad(ctx, luron_layer_param(layer, i), NULL));
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        if (!status) break;
        if (status != LURON_E_NOMEM && !strstr(luron_ctx_error(ctx), "not enough memory"))
            fail_msg("%d: %s", k, luron_ctx_error(ctx));
    }
    assert_true(k > 20);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
}

static int setup(void **state) {
    luron_ctx *ctx;
    if (luron_ctx_new(&ctx, NULL, NULL)) return 1;
    *state = ctx;
    return luron_plugin_add(ctx, &luron_plugin_wrongs, NULL);
}
static int teardown(void **state) {
    luron_ctx_free(*state);
    return 0;
}
#define strict_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        strict_test(test_strict_names_every_fault),
        strict_test(test_strict_lets_right_ones_pass),
        strict_test(test_strict_gives_the_same_numbers),
        strict_test(test_strict_off_looks_for_nothing),
        strict_test(test_strict_optimisers),
        strict_test(test_strict_pages_stop_what_goes_outside),
        strict_test(test_strict_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
