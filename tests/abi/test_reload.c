/* test_reload.c -- a plugin that is loaded again while layers, optimisers and the tape use it: what changes, what
 * stays. */
#include "reload_tools.h"

#include <dirent.h>

/* y is FACTOR times what it was. */
static void expect_times(const float *y, const float *was, float times) {
    for (int i = 0; i < N; i++)
        if (y[i] != was[i] * times) fail_msg("output %d: %g, %g expected", i, (double)y[i], (double)(was[i] * times));
}

static void test_reload_gives_all_layers_the_new_code(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    float before[N_LAYERS][N], y[N];
    const luron_type *type, *gain = luron_layer_type_of(w->layer[GAIN]);
    luron_layer *clone;
    uint64_t seed, position, after;
    GOOD(luron_layer_clone(&clone, ctx, w->layer[GAIN]));
    const luron_tensor *weight = luron_layer_param(w->layer[GAIN], 0);
    luron_ctx_random_state(ctx, &seed, &position);
    for (int i = 0; i < N_LAYERS; i++)
        apply_to(before[i], ctx, w->layer[i], w->x);
    assert_true(file_value(ctx) == 2);
    reload(ctx, "-DFACTOR=4");
    for (int i = 0; i < N_LAYERS; i++) {
        apply_to(y, ctx, w->layer[i], w->x);
        expect_times(y, before[i], 2);
    }
    apply_to(y, ctx, clone, w->x);
    expect_times(y, before[GAIN], 2);
    assert_true(file_value(ctx) == 4);
    luron_ctx_random_state(ctx, &seed, &after);
    assert_int_equal(after, position);
    assert_ptr_equal(luron_layer_param(w->layer[GAIN], 0), weight);
    GOOD(luron_type_find(&type, ctx, LURON_KIND_LAYER, "Gain"));
    assert_ptr_equal(type, gain); /* the same handle */
    assert_ptr_equal(luron_layer_type_of(clone), gain);
    GOOD(luron_function_find(&type, ctx, "twist"));
    assert_string_equal(luron_type_plugin_path(type), path_of("plugin.so"));
    luron_layer_unref(clone);
}

static void expect_option(luron_layer *layer, const char *name, double value, const char *string) {
    const luron_type *type = luron_layer_type_of(layer);
    for (int i = 0; luron_type_option(type, i); i++) {
        if (strcmp(luron_type_option(type, i)->name, name)) continue;
        const luron_arg a = luron_layer_option(layer, i);
        if (string)
            assert_string_equal(a.string, string);
        else
            assert_true((a.kind == LURON_ARG_NUMBER ? a.number : (double)a.integer) == value);
        return;
    }
    fail_msg("no option '%s'", name);
}

/* Everything stands elsewhere, there is a new option, a new choice before the old ones and a new optional input. */
static void test_reload_matches_by_name(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    float before[N], y[N];
    luron_layer *layer = w->layer[GAIN];
    luron_tensor *weight = luron_layer_param(layer, 0), *calls = luron_layer_state(layer, 0);
    luron_tensor *m = luron_optim_state(w->optim, 1, 0, 0), *v = luron_optim_state(w->optim, 1, 0, 1);
    const double a = luron_optim_scalar(w->optim, 0, 0), b = luron_optim_scalar(w->optim, 0, 1);
    assert_true(a == 0.375 && b == 3);
    assert_int_equal(luron_tensor_set_requires_grad(ctx, weight, 0), LURON_OK); /* frozen, and stays so */
    apply_to(before, ctx, layer, w->x);
    for (int i = 0; i < 2; i++) { /* twice: and from the new order to itself */
        reload(ctx, "-DREORDER -DADDED");
        apply_to(y, ctx, layer, w->x);
        expect_times(y, before, 4);
        assert_string_equal(luron_layer_param_name(layer, 0), "bias");
        assert_ptr_equal(luron_layer_param(layer, 1), weight);
        assert_string_equal(luron_layer_state_name(layer, 1), "calls");
        assert_ptr_equal(luron_layer_state(layer, 1), calls);
        assert_false(luron_tensor_requires_grad(weight));
        assert_true(luron_tensor_requires_grad(luron_layer_param(layer, 0)));
        expect_option(layer, "gain", 4, NULL), expect_option(layer, "note", 0, "home"),
            expect_option(layer, "mode", 0, "second");
        expect_option(layer, "start", 0, "normal(0, 0.5)"), expect_option(layer, "added", 4, NULL);
        assert_string_equal(luron_optim_state_name(w->optim, 0), "v");
        assert_ptr_equal(luron_optim_state(w->optim, 1, 0, 0), v);
        assert_ptr_equal(luron_optim_state(w->optim, 1, 0, 1), m);
        assert_true(luron_optim_scalar(w->optim, 0, 0) == b && luron_optim_scalar(w->optim, 0, 1) == a);
        assert_true(luron_optim_option(w->optim, 0, 2).number == 0.75 &&
                    luron_optim_option(w->optim, 1, 1).number == 0.0625);
    }
    GOOD(luron_layer_reset(ctx, layer)); /* by the new initialisers, in the new order */
    reload(ctx, "-DADDED");
    assert_ptr_equal(luron_layer_param(layer, 0), weight);
    expect_option(layer, "note", 0, "home");
}

/* ---- the tape ---------------------------------------------------------------------------------------------------- */
static void gradients(float to[3][N], world *w, luron_tensor *y, uint32_t flags) {
    luron_ctx *ctx = w->ctx;
    luron_tensor *ones, *of[] = {w->x, param_named(w->layer[GAIN], "weight"), luron_layer_param(w->layer[LAZY], 0)};
    GOOD(luron_tensor_full(&ones, ctx, LURON_F32, luron_tensor_ndim(y), luron_tensor_shape(y), 1));
    for (int i = 0; i < 3; i++)
        GOOD(luron_tensor_set_grad(ctx, of[i], NULL));
    GOOD(luron_backward(ctx, y, ones, flags));
    for (int i = 0; i < 3; i++)
        GOOD(luron_tensor_read(ctx, luron_tensor_grad(of[i]), LURON_F32, to[i]));
    luron_tensor_unref(ones);
}

/* y = Lazy(Mix(Twist(Gain(x)))) */
static luron_tensor *chain(world *w) {
    luron_ctx *ctx = w->ctx;
    luron_tensor *y = luron_tensor_ref(w->x), *next;
    for (int i = 0; i < N_LAYERS; i++) {
        GOOD(luron_layer_apply(&next, ctx, w->layer[i], 1, &y));
        luron_tensor_unref(y);
        y = next;
    }
    return y;
}

static void test_reload_leaves_the_tape_its_code(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    float want[3][N] = {{0}}, got[3][N] = {{0}};
    GOOD(luron_tensor_set_requires_grad(ctx, w->x, 1));
    luron_tensor *y = chain(w), *z;
    gradients(want, w, y, LURON_RETAIN_GRAPH);
    reload(ctx, "-DREORDER -DFACTOR=4");
    for (int i = 0; i < 3; i++) {
        if (i == 1) reload(ctx, "-DFACTOR=4");    /* by way of other slots */
        if (i == 2) luron_ctx_set_strict(ctx, 1); /* names in its messages, copies of the state */
        gradients(got, w, y, i < 2 ? LURON_RETAIN_GRAPH : 0);
        assert_memory_equal(got, want, sizeof want);
    }
    luron_ctx_set_strict(ctx, 0);
    luron_tensor_unref(y);
    z = chain(w);
    gradients(got, w, z, 0);
    for (int i = 0; i < N; i++)
        assert_true(got[0][i] == want[0][i] * 64); /* 2 for Gain, Twist and Lazy; of Mix 2 and 4 */
    luron_tensor_unref(z);
}

/* Messages name what the old code had in the slot. */
static void test_reload_and_messages_of_the_tape(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    luron_tensor *y;
    GOOD(luron_tensor_set_requires_grad(ctx, w->x, 1));
    GOOD(luron_layer_apply(&y, ctx, w->layer[GAIN], 1, &w->x));
    luron_tensor_touch(param_named(w->layer[GAIN], "weight"));
    reload(ctx, "-DREORDER");
    expect_error(ctx, luron_backward(ctx, y, w->x, 0), LURON_E_STATE,
                 "parameter 'weight' of layer Gain was changed in place");
    luron_tensor_unref(y);
}

/* Second derivatives compose the old code, too; a context may end before its tape. */
static void test_reload_leaves_second_derivatives_their_code(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    luron_tensor *y, *squared, *sum, *first;
    float want[N], got[N];
    GOOD(luron_tensor_set_requires_grad(ctx, w->x, 1));
    for (int i = 0; i < 2; i++) {
        GOOD(luron_layer_apply(&y, ctx, w->layer[GAIN], 1, &w->x));
        GOOD(luron_square(&squared, ctx, y));
        GOOD(luron_sum(&sum, ctx, squared, 0, NULL, 0));
        if (i) reload(ctx, "-DREORDER");
        GOOD(luron_grad(&first, ctx, 1, &sum, NULL, 1, &w->x, LURON_CREATE_GRAPH));
        GOOD(luron_tensor_set_grad(ctx, w->x, NULL));
        luron_tensor *total;
        GOOD(luron_sum(&total, ctx, first, 0, NULL, 0));
        GOOD(luron_backward(ctx, total, NULL, 0));
        GOOD(luron_tensor_read(ctx, luron_tensor_grad(w->x), LURON_F32, i ? got : want));
        luron_tensor *all[] = {y, squared, sum, first, total};
        for (int k = 0; k < 5; k++)
            luron_tensor_unref(all[k]);
    }
    assert_memory_equal(got, want, sizeof want);
}

static void test_reload_outlives_the_context(void **state) {
    (void)state;
    world w;
    install("");
    open_world(&w);
    luron_ctx *ctx = w.ctx;
    GOOD(luron_tensor_set_requires_grad(ctx, w.x, 1));
    luron_tensor *y = chain(&w);
    reload(ctx, "-DREORDER");
    luron_ctx_free(ctx);
    for (int i = 0; i < N_LAYERS; i++)
        luron_layer_unref(w.layer[i]);
    luron_optim_free(w.optim);
    luron_tensor_unref(w.x);
    luron_tensor_unref(y);
}

/* ---- types that come and go -------------------------------------------------------------------------------------- */
static void test_reload_types_come_and_go(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    const luron_type *fresh, *type;
    luron_layer *layer;
    expect_error(ctx, luron_type_find(&fresh, ctx, LURON_KIND_LAYER, "Fresh"), LURON_E_NOT_FOUND,
                 "no layer type 'Fresh'");
    reload(ctx, "-DNEW_TYPE");
    GOOD(luron_type_find(&fresh, ctx, LURON_KIND_LAYER, "Fresh"));
    GOOD(luron_layer_new(&layer, ctx, "Fresh", 0, NULL));
    install("");
    expect_error(ctx, luron_plugin_reload(ctx, "reloaded"), LURON_E_PLUGIN,
                 "layer type 'Fresh' is gone, and 1 of it is in use");
    luron_layer_unref(layer);
    reload(ctx, "");
    expect_error(ctx, luron_layer_new(&layer, ctx, "Fresh", 0, NULL), LURON_E_NOT_FOUND, "no layer type 'Fresh'");
    expect_error(ctx, luron_function_find(&type, ctx, "fresh"), LURON_E_NOT_FOUND, "no layer function 'fresh'");
    for (int i = 0; (type = luron_type_at(ctx, LURON_KIND_LAYER, i)); i++)
        assert_ptr_not_equal(type, fresh);
    assert_string_equal(luron_type_name(fresh), "Fresh"); /* the handle lives on, and comes back */
    reload(ctx, "-DNEW_TYPE -DFACTOR=8");
    GOOD(luron_function_find(&type, ctx, "fresh"));
    assert_ptr_equal(type, fresh);
    float y[N];
    GOOD(luron_layer_new(&layer, ctx, "Fresh", 0, NULL));
    apply_to(y, ctx, layer, w->x);
    expect_times(y, xs, 8);
    luron_layer_unref(layer);
    /* a name that has become free is anybody's */
    reload(ctx, "");
    build_fake(path_of("other.so"), "-DTYPE='\"Fresh\"' -DNAME='\"other\"'");
    GOOD(luron_plugin_load(ctx, path_of("other.so")));
    install("-DNEW_TYPE");
    expect_error(ctx, luron_plugin_reload(ctx, "reloaded"), LURON_E_PLUGIN,
                 "layer type 'Fresh': plugin 'reloaded' cannot register it, plugin 'other' (");
}

/* ---- what an optimiser wants ------------------------------------------------------------------------------------- */
/* State that the new code keeps and the old one did not begins at zero; what it does not keep stays, unseen. */
static void test_reload_makes_the_state_that_is_kept(void **state) {
    world w;
    float v[COLS];
    (void)state;
    install("-DKEEPS");
    open_world(&w);
    luron_ctx *ctx = w.ctx;
    assert_non_null(luron_optim_state(w.optim, 0, 0, 1));
    assert_null(luron_optim_state(w.optim, 1, 0, 1)); /* keep is 0.5 there */
    reload(ctx, "-DREORDER");
    GOOD(luron_tensor_read(ctx, luron_optim_state(w.optim, 1, 0, 0), LURON_F32, v));
    for (int i = 0; i < COLS; i++)
        assert_true(v[i] == 0);
    train(&w);
    GOOD(luron_tensor_read(ctx, luron_optim_state(w.optim, 1, 0, 0), LURON_F32, v));
    for (int i = 0; i < COLS; i++)
        assert_true(v[i] != 0);
    reload(ctx, "-DKEEPS");
    assert_null(luron_optim_state(w.optim, 1, 0, 1));
    train(&w);
    reload(ctx, "");
    float again[COLS];
    GOOD(luron_tensor_read(ctx, luron_optim_state(w.optim, 1, 0, 1), LURON_F32, again));
    assert_memory_equal(again, v, sizeof v);
    close_world(&w);
}

/* A type that sees whole parameters is asked again which it takes, and how much scratch it wants. */
static void test_reload_asks_for_scratch(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    luron_optim *o;
    luron_tensor *p;
    float before[COLS], after[COLS];
    GOOD(luron_tensor_full(&p, ctx, LURON_F32, 1, (const int64_t[]){COLS}, 1));
    GOOD(luron_tensor_set_requires_grad(ctx, p, 1));
    GOOD(luron_optim_new(&o, ctx, "Broad", 0, NULL));
    GOOD(luron_optim_add(o, ctx, 1, &p, NULL, 0, NULL));
    for (int i = 0; i < 3; i++) {
        luron_tensor *sum;
        GOOD(luron_optim_zero_grad(o, ctx));
        GOOD(luron_sum(&sum, ctx, p, 0, NULL, 0));
        GOOD(luron_backward(ctx, sum, NULL, 0));
        luron_tensor_unref(sum);
        GOOD(luron_tensor_read(ctx, p, LURON_F32, before));
        GOOD(luron_optim_step(o, ctx));
        GOOD(luron_tensor_read(ctx, p, LURON_F32, after));
        assert_true(after[0] == before[0] - (i == 1 ? 4 : 2));
        install("-DSETUP_FAILS");
        expect_error(ctx, luron_plugin_reload(ctx, "reloaded"), LURON_E_PLUGIN, "Broad: parameter '0': not this one");
        install("-DTOTALS=2");
        expect_error(ctx, luron_plugin_reload(ctx, "reloaded"), LURON_E_PLUGIN,
                     "Broad: state 'total' of parameter '0' has shape (1,), now (2,) is wanted");
        reload(ctx, i ? "" : "-DFACTOR=4 -DROOM=4096");
    }
    float total; /* of its own shape and first value, it stays over reloads */
    assert_int_equal(luron_tensor_numel(luron_optim_state(o, 0, 0, 0)), 1);
    GOOD(luron_tensor_read(ctx, luron_optim_state(o, 0, 0, 0), LURON_F32, &total));
    assert_true(total == 3 + 3 * COLS);
    luron_optim_free(o);
    luron_tensor_unref(p);
}

/* ---- training ---------------------------------------------------------------------------------------------------- */
static void save(world *w, const char *path) {
    luron_ctx *ctx = w->ctx;
    luron_checkpoint *c;
    GOOD(luron_checkpoint_new(&c, ctx));
    GOOD(luron_checkpoint_set_tensor(c, ctx, "parameters/gain/weight", luron_optim_param(w->optim, 0, 0)));
    GOOD(luron_checkpoint_set_tensor(c, ctx, "parameters/gain/bias", luron_optim_param(w->optim, 1, 0)));
    GOOD(luron_checkpoint_set_optim(c, ctx, w->optim));
    GOOD(luron_checkpoint_save(c, ctx, path, NULL, 0));
    luron_checkpoint_free(c);
}

/* Steps over four reloads end in the same file, byte for byte, as those of a process that was stopped and resumed with
 * the other plugin in place each time. */
static void test_reload_training_goes_on(void **state) {
    static const char *const flags[] = {"", "-DFACTOR=4", "-DREORDER", "-DREORDER -DFACTOR=4", "-DFACTOR=3"};
    char path[600];
    world w;
    (void)state;
    snprintf(path, sizeof path, "%s/lib/luron/plugins", getenv("LURON_TEST_BUILD"));
    setenv("LURON_PLUGIN_PATH", path, 1);
    install(flags[0]);
    open_world(&w);
    save(&w, path_of("start.h5"));
    for (int i = 1; i < 5; i++) {
        reload(w.ctx, flags[i]);
        for (int k = 0; k < 3; k++)
            train(&w);
    }
    save(&w, path_of("reloaded.h5"));
    close_world(&w);
    assert_int_equal(rename(path_of("start.h5"), path_of("resumed.h5")), 0);
    for (int i = 1; i < 5; i++) {
        luron_checkpoint *c;
        install(flags[i]);
        open_world(&w);
        luron_ctx *ctx = w.ctx;
        GOOD(luron_checkpoint_load(&c, ctx, path_of("resumed.h5"), 1));
        GOOD(luron_checkpoint_restore_optim(ctx, c, w.optim));
        const int recording = luron_ctx_set_recording(ctx, 0);
        GOOD(luron_tensor_copy(ctx, luron_optim_param(w.optim, 0, 0),
                               luron_checkpoint_tensor(c, "parameters/gain/weight")));
        GOOD(luron_tensor_copy(ctx, luron_optim_param(w.optim, 1, 0),
                               luron_checkpoint_tensor(c, "parameters/gain/bias")));
        luron_ctx_set_recording(ctx, recording);
        GOOD(luron_checkpoint_restore_random(ctx, c));
        luron_checkpoint_free(c);
        for (int k = 0; k < 3; k++)
            train(&w);
        save(&w, path_of("resumed.h5"));
        close_world(&w);
    }
    size_t n, m;
    char *a = read_bytes(path_of("reloaded.h5"), &n), *b = read_bytes(path_of("resumed.h5"), &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
    unsetenv("LURON_PLUGIN_PATH");
}

static int open_files(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* 200 reloads, a step after each: nothing grows but the copies in memory. */
static void test_reload_200_times(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    int64_t bytes = 0, blocks = 0;
    int files = 0;
    for (int i = 0; i < 200; i++) {
        reload(ctx, i % 2 ? "" : i % 4 ? "-DREORDER -DFACTOR=4" : "-DREORDER -DNEW_TYPE");
        train(w);
        if (i % 4 != 3) continue;
        if (i == 7) bytes = luron_ctx_live_bytes(ctx), blocks = luron_ctx_live_blocks(ctx), files = open_files();
        if (i < 8) continue;
        assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        assert_int_equal(open_files(), files);
    }
    assert_int_equal(luron_optim_steps(w->optim), 203);
}

static luron_status see_nothing(luron_ctx *ctx, void *ud, luron_tensor *grad, luron_tensor **instead) {
    (void)ctx, (void)ud, (void)grad, (void)instead;
    return LURON_OK;
}
static void reload_now(void *ctx) { reload(ctx, "-DFACTOR=4"); }

/* What a layer or an optimiser that is going lets go of loads its plugin again. */
static void test_reload_when_a_hook_is_released(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    const luron_arg lr = number("lr", 0.0625);
    for (int of_optim = 0; of_optim < 2; of_optim++) {
        luron_layer *layer = new_gain(ctx);
        luron_optim *optim;
        int64_t id;
        luron_tensor *weight = param_named(layer, "weight");
        const char *name = "weight";
        GOOD(luron_optim_new(&optim, ctx, "Heavy", 1, &lr));
        if (of_optim) GOOD(luron_optim_add(optim, ctx, 1, &weight, &name, 0, NULL));
        GOOD(luron_tensor_add_hook(&id, ctx, weight, see_nothing, ctx, reload_now));
        luron_layer_unref(layer);
        assert_true(file_value(ctx) == (of_optim ? 2 : 4));
        luron_optim_free(optim);
        assert_true(file_value(ctx) == 4);
        reload(ctx, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_reload_gives_all_layers_the_new_code),
        world_test(test_reload_matches_by_name),
        world_test(test_reload_leaves_the_tape_its_code),
        world_test(test_reload_and_messages_of_the_tape),
        world_test(test_reload_leaves_second_derivatives_their_code),
        cmocka_unit_test(test_reload_outlives_the_context),
        world_test(test_reload_types_come_and_go),
        cmocka_unit_test(test_reload_makes_the_state_that_is_kept),
        world_test(test_reload_asks_for_scratch),
        cmocka_unit_test(test_reload_training_goes_on),
        world_test(test_reload_200_times),
        world_test(test_reload_when_a_hook_is_released),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
