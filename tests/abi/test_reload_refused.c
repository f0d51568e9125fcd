/* test_reload_refused.c -- reloads that are refused change nothing: not one number, option, name or type, whenever they
 * fail. And those that happen while other threads let go of layers. */
#include "reload_tools.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

/* ---- all that a refused reload could have changed ---------------------------------------------------------------- */
static void add(uint64_t *hash, const void *data, size_t n) {
    for (size_t i = 0; i < n; i++)
        *hash = (*hash ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
}
static void add_text(uint64_t *hash, const char *s) { add(hash, s ? s : "-", s ? strlen(s) + 1 : 1); }
static void add_tensor(uint64_t *hash, luron_ctx *ctx, luron_tensor *t) {
    double values[16];
    if (luron_tensor_numel(t) > 16) fail_msg("more than 16 elements");
    GOOD(luron_tensor_read(ctx, t, LURON_F64, values));
    add(hash, values, (size_t)luron_tensor_numel(t) * sizeof *values);
}
static void add_arg(uint64_t *hash, const luron_arg *a) {
    add_text(hash, a->name), add_text(hash, a->string);
    add(hash, &a->integer, sizeof a->integer), add(hash, &a->number, sizeof a->number),
        add(hash, &a->ints, sizeof a->ints);
}
static void add_type(uint64_t *hash, const luron_type *type) {
    const void *address = type;
    add(hash, &address, sizeof address);
    add_text(hash, luron_type_name(type)), add_text(hash, luron_type_function(type)),
        add_text(hash, luron_type_plugin_path(type));
    for (int i = 0; luron_type_option(type, i); i++)
        add_text(hash, luron_type_option(type, i)->name);
}

static uint64_t fingerprint(world *w) {
    luron_ctx *ctx = w->ctx;
    uint64_t hash = 0xcbf29ce484222325u, seed, position;
    for (int i = 0; i < N_LAYERS; i++) {
        float y[N];
        luron_layer *layer = w->layer[i];
        apply_to(y, ctx, layer, w->x);
        add(&hash, y, sizeof y);
        for (int p = 0; luron_layer_param(layer, p); p++) {
            add_text(&hash, luron_layer_param_name(layer, p));
            add_tensor(&hash, ctx, luron_layer_param(layer, p));
        }
        for (int s = 0; luron_layer_state(layer, s); s++) {
            add_text(&hash, luron_layer_state_name(layer, s));
            add_tensor(&hash, ctx, luron_layer_state(layer, s));
        }
        for (int o = 0; luron_type_option(luron_layer_type_of(layer), o); o++) {
            const luron_arg a = luron_layer_option(layer, o);
            add_arg(&hash, &a);
        }
    }
    for (int g = 0; g < 2; g++)
        for (int s = 0; s < 2; s++) {
            const luron_arg a = luron_optim_option(w->optim, g, s);
            const double scalar = luron_optim_scalar(w->optim, g, s);
            add_arg(&hash, &a), add(&hash, &scalar, sizeof scalar),
                add_text(&hash, luron_optim_state_name(w->optim, s));
            add_tensor(&hash, ctx, luron_optim_state(w->optim, g, 0, s));
        }
    for (int kind = LURON_KIND_LAYER; kind <= LURON_KIND_FORMAT; kind++)
        for (int i = 0; luron_type_at(ctx, (luron_kind)kind, i); i++)
            add_type(&hash, luron_type_at(ctx, (luron_kind)kind, i));
    const double value = file_value(ctx);
    luron_ctx_random_state(ctx, &seed, &position);
    add(&hash, &value, sizeof value), add(&hash, &position, sizeof position);
    return hash;
}

/* ---- files that do not fit --------------------------------------------------------------------------------------- */
static void refused(world *w, uint64_t before, const char *flags, const char *reason) {
    char whole_text[700];
    install(flags);
    snprintf(whole_text, sizeof whole_text, "plugin %s refused, the one that is loaded stays: %s", path_of("plugin.so"),
             reason);
    expect_error(w->ctx, luron_plugin_reload(w->ctx, "reloaded"), LURON_E_PLUGIN, whole_text);
    if (fingerprint(w) != before) fail_msg("a refused reload with %s changed something", flags);
}

#define GAIN_TEXT                                                                                                      \
    "layer 'enc.1' = Gain { features = 3, gain = 4, mode = 'second', note = 'home', start = 'normal(0, 0.5)', sizes "  \
    "= { 1, 1 } }: "

static void test_reload_refuses_what_does_not_fit(void **state) {
    static const struct {
        const char *flags, *reason;
    } cases[] = {
        {"-DNO_NOTE", GAIN_TEXT "option 'note' is gone"},
        {"-DGAIN_MAX=1", GAIN_TEXT "option gain: number from 0 to 1 expected, got 4"},
        {"-DNEEDS", GAIN_TEXT "option 'factor' is new and required; option 'gain' is gone"},
        {"-DWIDE", GAIN_TEXT "parameter 'weight' is float32 (3, 2), the layer has float32 (3,)"},
        {"-DRENAMED", GAIN_TEXT "parameter 'kernel' is new; parameter 'weight' is gone"},
        {"-DMORE_STATE", GAIN_TEXT "state 'more' is new"},
        {"-DLESS_STATE", GAIN_TEXT "state 'scale' is gone"},
        {"-DTWO_OUTS", GAIN_TEXT "outputs: 2, the layer has 1"},
        {"-DNEW_INPUT", GAIN_TEXT "input 'more' is new and not optional"},
        {"-DDECLARE_FAILS", GAIN_TEXT "not today"},
        {"-DRENAMED -DNO_NOTE -DMORE_STATE", GAIN_TEXT "option 'note' is gone"},
        {"-DRENAMED -DMORE_STATE -DTWO_OUTS", GAIN_TEXT
         "outputs: 2, the layer has 1; parameter 'kernel' is new; state 'more' is new; parameter 'weight' is gone"},
        {"-DLAZY_NAME='\"w\"'", "layer Lazy: parameter 'w' is new; parameter 'weight' is gone"},
        {"-DNO_GAIN", "layer type 'Gain' is gone, and 1 of it is in use"},
        {"-DNO_HEAVY", "optimiser type 'Heavy' is gone, and 1 of it is in use"},
        {"-DOPTIM_STATE", "optimiser Heavy: state 'v' is gone"},
        {"-DREORDER -DNO_HEAVY", "optimiser type 'Heavy' is gone"}, /* after all layers fitted */
        {"-DMINOR=7", "needs plugin ABI 1.7 or newer, this host has 1."},
        {"-DPLUGIN_NAME='\"renamed\"'", "its plugin is called 'renamed' now"},
        {"-DINIT_FAILS", "init failed (UNSUPPORTED): no accelerator"},
    };
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    GOOD(luron_layer_set_name(ctx, w->layer[GAIN], "enc.1"));
    const uint64_t before = fingerprint(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(w, before, cases[i].flags, cases[i].reason);
    GOOD(luron_layer_set_dtype(ctx, w->layer[LAZY], LURON_F32));
    train(w); /* with the code that is there */
    reload(ctx, "-DLAZY_SLOT=5");
    assert_int_not_equal(fingerprint(w), before);
}

static void test_reload_refuses_a_lazy_layer(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    luron_layer *waits;
    GOOD(luron_layer_new_lazy(&waits, ctx, "Gain", -1, 0, NULL));
    const uint64_t before = fingerprint(w);
    expect_error(ctx, luron_plugin_reload(ctx, "reloaded"), LURON_E_PLUGIN, "it waits for its first input: call it before");
    assert_int_equal(fingerprint(w), before);
    float y[N];
    apply_to(y, ctx, waits, w->x);
    reload(ctx, "-DREORDER");
    luron_layer_unref(waits);
}

/* Half a file, one that is none, none at all; then it is there again. */
static void test_reload_refuses_half_a_file(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    const uint64_t before = fingerprint(w);
    for (int i = 0; i < 40; i++) {
        install_part("-DFACTOR=4", i / 40.0);
        expect_error(ctx, luron_plugin_reload(ctx, "reloaded"), LURON_E_PLUGIN,
                     i ? "truncated: its se" : "not an ELF shared object: it is empty");
        assert_int_equal(fingerprint(w), before);
    }
    assert_int_equal(unlink(path_of("plugin.so")), 0);
    expect_error(ctx, luron_plugin_reload(ctx, "reloaded"), LURON_E_PLUGIN,
                 "stays: cannot open the file: No such file");
    assert_int_equal(mkdir(path_of("plugin.so"), 0700), 0);
    expect_error(ctx, luron_plugin_reload(ctx, "reloaded"), LURON_E_PLUGIN, "stays: not a regular file");
    assert_int_equal(rmdir(path_of("plugin.so")), 0);
    assert_int_equal(fingerprint(w), before);
    reload(ctx, "");
    assert_int_equal(fingerprint(w), before);
}

static void test_reload_says_which_plugins_there_are(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    static const luron_layer_type type = {
        .struct_size = sizeof type, .name = "Linked", .compose = (luron_status (*)(luron_call *, const luron_ops *))1};
    static const luron_layer_type *const layers[] = {&type, NULL};
    static const luron_plugin linked = {
        .struct_size = sizeof linked, .abi_major = LURON_ABI_MAJOR, .name = "linked_in", .layers = layers};
    GOOD(luron_plugin_add(ctx, &linked, NULL));
    expect_error(ctx, luron_plugin_reload(ctx, NULL), LURON_E_ARGUMENT, "a name expected, got NULL");
    expect_error(ctx, luron_plugin_reload(ctx, "relaoded"), LURON_E_NOT_FOUND,
                 "no plugin 'relaoded' is loaded, did you mean 'reloaded'?; loaded: reloaded, linked_in");
    expect_error(ctx, luron_plugin_reload(ctx, "x"), LURON_E_NOT_FOUND,
                 "no plugin 'x' is loaded; loaded: reloaded, linked_in");
    expect_error(ctx, luron_plugin_reload(ctx, "Heavy"), LURON_E_NOT_FOUND,
                 "that is a optimiser type of plugin 'reloaded'");
    expect_error(ctx, luron_plugin_reload(ctx, "linked_in"), LURON_E_UNSUPPORTED,
                 "plugin 'linked_in' is linked into the program");
    build_fake(path_of("twin.so"), "-DNAME='\"reloaded\"'");
    GOOD(luron_plugin_load(ctx, path_of("twin.so")));
    expect_error(ctx, luron_plugin_reload(ctx, "reloaded"), LURON_E_ARGUMENT, "two files are plugin 'reloaded': ");
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */
static void test_reload_out_of_memory(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    luron_tensor *y;
    GOOD(luron_layer_apply(&y, ctx, w->layer[GAIN], 1, &w->x)); /* a call on the tape: more to keep */
    const uint64_t before = fingerprint(w);
    install("-DREORDER -DNEW_TYPE");
    luron_status status = LURON_E_NOMEM;
    int k = 0;
    for (; status == LURON_E_NOMEM; k++) {
        assert_int_equal(fingerprint(w), before);
        const int64_t bytes = luron_ctx_live_bytes(ctx);
        luron_ctx_fail_alloc(ctx, k + 1, 0);
        status = luron_plugin_reload(ctx, "reloaded");
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (status == LURON_E_NOMEM) assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
    }
    GOOD(status);
    assert_true(k > 60);
    luron_tensor_unref(y);
}

/* ---- the search -------------------------------------------------------------------------------------------------- */
static int copies(const char *name) {
    char line[64];
    first_line(line, sizeof line, "grep -c 'r-xp.*%s' /proc/%ld/maps", name, (long)getpid());
    return atoi(line);
}

/* The file that was loaded again is not taken for one that nobody knows, and is no plugin that was refused. */
static void test_reload_and_the_search(void **state) {
    const luron_type *type;
    const char *reason = "x";
    char folder[128], file[140];
    (void)state;
    strcpy(folder, path_of("folder"));
    install("");
    assert_int_equal(mkdir(folder, 0755), 0);
    snprintf(file, sizeof file, "%s/plugin.so", folder);
    assert_int_equal(rename(path_of("plugin.so"), file), 0);
    luron_ctx *ctx;
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    setenv("LURON_PLUGIN_PATH", folder, 1);
    GOOD(luron_plugin_index(ctx, folder));
    GOOD(luron_type_find(&type, ctx, LURON_KIND_LAYER, "Twist"));
    install("-DNEW_TYPE -DNO_GAIN");
    assert_int_equal(rename(path_of("plugin.so"), file), 0);
    /* before the reload the search opens the changed file and says what can be done */
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "Fresh"), LURON_E_NOT_FOUND,
                 "the file has changed since: it can be reloaded");
    const int before = copies("memfd:luron-reloaded");
    GOOD(luron_plugin_reload(ctx, "reloaded"));
    assert_int_equal(copies("memfd:luron-reloaded"), before + 1);
    const int mapped = copies(file);
    GOOD(luron_type_find(&type, ctx, LURON_KIND_LAYER, "Fresh"));
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "Gain"), LURON_E_NOT_FOUND, "no layer type 'Gain'");
    assert_null(strstr(luron_ctx_error(ctx), "refused"));
    GOOD(luron_plugin_load(ctx, file));
    assert_int_equal(copies(file), mapped);
    assert_string_equal(luron_plugin_file(ctx, 0, &reason), file);
    assert_null(reason);
    GOOD(luron_plugin_index(ctx, folder)); /* lists the file as it is */
    char line[64];
    first_line(line, sizeof line, "grep -c -e Fresh -e Gain %s/index", folder);
    assert_string_equal(line, "1");
    luron_ctx_free(ctx);
    unsetenv("LURON_PLUGIN_PATH");
}

/* Another context of the process goes on with what it loaded. */
static void test_reload_is_of_one_context(void **state) {
    world *w = *state, other;
    open_world(&other);
    const uint64_t before = fingerprint(&other);
    reload(w->ctx, "-DFACTOR=4");
    assert_int_equal(fingerprint(&other), before);
    /* layers cloned into another context are of the first one's types */
    luron_ctx *ctx = other.ctx;
    luron_layer *clone;
    float y[N], z[N];
    GOOD(luron_layer_clone(&clone, ctx, w->layer[GAIN]));
    reload(w->ctx, "-DREORDER");
    apply_to(y, ctx, clone, w->x);
    apply_to(z, w->ctx, w->layer[GAIN], w->x);
    assert_memory_equal(y, z, sizeof y);
    luron_layer_unref(clone);
    close_world(&other);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */
enum { MANY = 4000 };
typedef struct heap {
    luron_layer *layers[MANY];
    luron_tensor *outs[MANY]; /* each holds a call on the tape */
    atomic_int go;
} heap;
static void *let_go(void *arg) {
    heap *h = arg;
    while (!atomic_load(&h->go))
        sched_yield();
    for (int i = 0; i < MANY; i++) {
        luron_layer_unref(h->layers[i]);
        luron_tensor_unref(h->outs[i]);
    }
    return NULL;
}

static void test_reload_while_another_thread_lets_go(void **state) {
    world *w = *state;
    luron_ctx *ctx = w->ctx;
    static heap h;
    pthread_t thread;
    GOOD(luron_tensor_set_requires_grad(ctx, w->x, 1));
    for (int i = 0; i < MANY; i++) {
        h.layers[i] = new_gain(ctx);
        GOOD(luron_layer_apply(&h.outs[i], ctx, h.layers[i], 1, &w->x));
    }
    assert_int_equal(pthread_create(&thread, NULL, let_go, &h), 0);
    atomic_store(&h.go, 1);
    for (int i = 0; i < 12; i++)
        reload(ctx, i % 2 ? "" : "-DREORDER");
    assert_int_equal(pthread_join(thread, NULL), 0);
    train(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_reload_refuses_what_does_not_fit),    world_test(test_reload_refuses_half_a_file),
        world_test(test_reload_refuses_a_lazy_layer),
        world_test(test_reload_says_which_plugins_there_are), world_test(test_reload_out_of_memory),
        cmocka_unit_test(test_reload_and_the_search),         world_test(test_reload_is_of_one_context),
        world_test(test_reload_while_another_thread_lets_go),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
