/* reload_tools.h -- for the tests of luron_plugin_reload: variants of reload_plugin.c, and a world of all that can
 * live. */
#ifndef RELOAD_TOOLS_H
#define RELOAD_TOOLS_H
#include "abi_tools.h"

static char dir[64]; /* of this program */

static const char *path_of(const char *name) {
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, 256, "%s/%s", dir, name);
    return path;
}

/* The plugin compiled with these flags; each is compiled once. */
static const char *variant(const char *flags) {
    static struct {
        const char *flags;
        char path[128];
    } built[48];
    static int n;
    for (int i = 0; i < n; i++)
        if (!strcmp(built[i].flags, flags)) return built[i].path;
    assert_true(n < 48);
    built[n].flags = flags;
    snprintf(built[n].path, sizeof built[n].path, "%s/variant%d.so", dir, n);
    if (shell("${CC:-cc} -std=gnu11 -O1 -shared -fPIC -I'%s/core/include' %s -o %s '%s/tests/abi/reload_plugin.c'",
              source_tree(), flags, built[n].path, source_tree()))
        fail_msg("cannot build the plugin with %s", flags);
    return built[n++].path;
}

/* Put the first n bytes of it into the place of plugin.so, as a linker does: a new file. */
static void install_part(const char *flags, double share) {
    size_t n;
    char *bytes = read_bytes(variant(flags), &n);
    write_bytes(path_of("plugin.so.new"), bytes, (size_t)((double)n * share));
    free(bytes);
    assert_int_equal(rename(path_of("plugin.so.new"), path_of("plugin.so")), 0);
}
static void install(const char *flags) { install_part(flags, 1); }

#define GOOD(expression)                                                                                               \
    do {                                                                                                               \
        if (expression) fail_msg("%s: %s", #expression, luron_ctx_error(ctx));                                         \
    } while (0)

static void reload(luron_ctx *ctx, const char *flags) {
    install(flags);
    GOOD(luron_plugin_reload(ctx, "reloaded"));
}

/* ---- a world ----------------------------------------------------------------------------------------------------- */
enum { N_LAYERS = 4, ROWS = 2, COLS = 3, N = ROWS * COLS };
enum { GAIN, TWIST, MIX, LAZY };
typedef struct world {
    luron_ctx *ctx;
    luron_layer *layer[N_LAYERS];
    luron_optim *optim; /* over the parameters of GAIN */
    luron_tensor *x;
} world;

static const float xs[N] = {1, -2, 0.5f, 3, 0.25f, -1};

static luron_arg number(const char *name, double value) {
    return (luron_arg){.name = name, .kind = LURON_ARG_NUMBER, .number = value};
}
static luron_arg text(const char *name, const char *value) {
    return (luron_arg){.name = name, .kind = LURON_ARG_STRING, .string = value};
}
static luron_arg whole(const char *name, int64_t value) {
    return (luron_arg){.name = name, .kind = LURON_ARG_INTEGER, .integer = value};
}

static luron_layer *new_gain(luron_ctx *ctx) {
    luron_layer *layer;
    const luron_arg args[] = {whole("features", COLS), number("gain", 4), text("note", "home"),
                              text("start", "normal(0, 0.5)")};
    GOOD(luron_layer_new(&layer, ctx, "Gain", 4, args));
    return layer;
}

static luron_tensor *param_named(const luron_layer *layer, const char *name) {
    for (int i = 0; luron_layer_param(layer, i); i++)
        if (!strcmp(luron_layer_param_name(layer, i), name)) return luron_layer_param(layer, i);
    return NULL;
}

static void apply_to(float y[N], luron_ctx *ctx, luron_layer *layer, luron_tensor *x) {
    luron_tensor *out;
    GOOD(luron_layer_apply(&out, ctx, layer, 1, &x));
    GOOD(luron_tensor_read(ctx, out, LURON_F32, y));
    luron_tensor_unref(out);
}

/* One step of training: the gradient of every output is 1, over the number of outputs. */
static void train(world *w) {
    luron_ctx *ctx = w->ctx;
    luron_tensor *y, *mean;
    GOOD(luron_optim_zero_grad(w->optim, ctx));
    GOOD(luron_layer_apply(&y, ctx, w->layer[GAIN], 1, &w->x));
    GOOD(luron_mean(&mean, ctx, y, 0, NULL, 0));
    GOOD(luron_backward(ctx, mean, NULL, 0));
    GOOD(luron_optim_step(w->optim, ctx));
    luron_tensor_unref(y);
    luron_tensor_unref(mean);
}

static void open_world(world *w) {
    static const char *const types[] = {"Gain", "Twist", "Mix", "Lazy"};
    luron_ctx *ctx;
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    w->ctx = ctx;
    GOOD(luron_plugin_load(ctx, path_of("plugin.so")));
    w->layer[GAIN] = new_gain(ctx);
    GOOD(luron_tensor_from(&w->x, ctx, LURON_F32, 2, (const int64_t[]){ROWS, COLS}, xs));
    for (int i = TWIST; i < N_LAYERS; i++) {
        const luron_arg by = number("by", 1.5);
        float y[N];
        GOOD(luron_layer_new(&w->layer[i], ctx, types[i], i == TWIST, &by));
        apply_to(y, ctx, w->layer[i], w->x); /* Lazy has its parameter from here on */
    }
    luron_tensor *params[] = {param_named(w->layer[GAIN], "weight"), param_named(w->layer[GAIN], "bias")};
    const char *const names[] = {"gain/weight", "gain/bias"};
    const luron_arg lr = number("lr", 0.0625), keep = number("keep", 0.75);
    GOOD(luron_optim_new(&w->optim, ctx, "Heavy", 1, &lr));
    GOOD(luron_optim_add(w->optim, ctx, 1, params, names, 1, &keep));
    GOOD(luron_optim_add(w->optim, ctx, 1, params + 1, names + 1, 0, NULL));
    for (int i = 0; i < 3; i++)
        train(w);
    for (int i = 0; i < N_LAYERS; i++)
        luron_layer_set_training(w->layer[i], 0);
}

static void close_world(world *w) {
    luron_optim_free(w->optim);
    luron_tensor_unref(w->x);
    for (int i = 0; i < N_LAYERS; i++)
        luron_layer_unref(w->layer[i]);
    luron_ctx_trim(w->ctx);
    luron_ctx_free(w->ctx);
}

static double file_value(luron_ctx *ctx) {
    luron_file *file;
    float value;
    write_bytes(path_of("data"), "RLD1", 4);
    GOOD(luron_file_read(&file, ctx, path_of("data"), "reloaded_file", 0, NULL));
    GOOD(luron_tensor_read(ctx, luron_file_tensor(file, 0), LURON_F32, &value));
    luron_file_free(file);
    return value;
}

static int group_setup(void **state) {
    (void)state;
    make_folder(dir);
    return chmod(dir, 0755) || unsetenv("LURON_PLUGIN_PATH");
}
static int group_teardown(void **state) {
    (void)state;
    remove_folder(dir);
    return 0;
}
static int setup(void **state) {
    world *w = calloc(1, sizeof *w);
    install("");
    open_world(w);
    *state = w;
    return 0;
}
static int teardown(void **state) {
    close_world(*state);
    free(*state);
    return 0;
}
#define world_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
