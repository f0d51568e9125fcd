/* frozen_tools.h -- for the tests of the frozen plugin: test_frozen.c says what it is. Every test runs on the binary,
 * then on its source compiled against the header of today. */
#ifndef FROZEN_TOOLS_H
#define FROZEN_TOOLS_H
#include "abi_tools.h"

#include <math.h>

static char dir[64], plugin[512];

static void compile(const char *flags) {
    snprintf(plugin, sizeof plugin, "%s/frozen.so", dir);
    if (shell("${CC:-cc} -std=c11 -O2 -shared -fPIC %s -o %s '%s/tests/abi/frozen/frozen.c'", flags, plugin,
              source_tree()))
        fail_msg("cannot compile frozen.c with %s", flags);
}

static int binary_setup(void **state) {
    (void)state;
    make_folder(dir);
    unsetenv("LURON_PLUGIN_PATH");
#if defined(__x86_64__) && defined(__linux__)
    snprintf(plugin, sizeof plugin, "%s/tests/abi/frozen/frozen-x86_64.so", source_tree());
#else
    print_message("no binary for this machine: frozen.c against plugin-1.0.h in its place\n");
    compile("");
#endif
    return 0;
}
static int source_setup(void **state) {
    char flags[600];
    (void)state;
    make_folder(dir);
    snprintf(flags, sizeof flags, "-I'%s/core/include' -DFROZEN_HEADER='<luron/plugin.h>'", source_tree());
    compile(flags);
    return 0;
}
static int group_teardown(void **state) {
    (void)state;
    remove_folder(dir);
    return 0;
}

#define GOOD(expression)                                                                                               \
    do {                                                                                                               \
        if (expression) fail_msg("%s: %s", #expression, luron_ctx_error(ctx));                                         \
    } while (0)

static int setup(void **state) {
    luron_ctx *ctx;
    if (luron_ctx_new(&ctx, NULL, NULL)) return 1;
    *state = ctx;
    GOOD(luron_plugin_load(ctx, plugin));
    return 0;
}
static int teardown(void **state) {
    luron_ctx_free(*state);
    return 0;
}

/* ---- tools ------------------------------------------------------------------------------------------------------- */
static luron_layer *layer_of(luron_ctx *ctx, const char *type, const char *options) {
    luron_layer *layer;
    GOOD(luron_layer_from_json(&layer, ctx, type, options));
    return layer;
}

/* Numbers from 0.1 to 0.9, by a formula. */
static luron_tensor *numbers(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape) {
    double values[64];
    int64_t n = 1;
    luron_tensor *t;
    for (int d = 0; d < ndim; d++)
        n *= shape[d];
    for (int64_t i = 0; i < n; i++)
        values[i] = 0.1 + 0.8 * (double)(i * 7 % 13) / 13 + (double)i / 1000;
    GOOD(luron_tensor_from(&t, ctx, LURON_F64, ndim, shape, values));
    luron_tensor *cast = t;
    if (dtype != LURON_F64) {
        GOOD(luron_cast(&cast, ctx, t, dtype));
        luron_tensor_unref(t);
    }
    GOOD(luron_tensor_set_requires_grad(ctx, cast, 1));
    return cast;
}

static const double *read_out(luron_ctx *ctx, luron_tensor *t) {
    static double values[16][64];
    static int next;
    double *to = values[next++ % 16];
    assert_non_null(t);
    assert_true(luron_tensor_numel(t) <= 64);
    GOOD(luron_tensor_read(ctx, t, LURON_F64, to));
    return to;
}

static void near(const char *what, int64_t i, double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s[%d]: %.17g, %.17g expected", what, (int)i, got, want);
}

/* Gradients of the sum of y. */
static void back(luron_ctx *ctx, luron_tensor *y) {
    luron_tensor *sum;
    GOOD(luron_sum(&sum, ctx, y, 0, NULL, 0));
    GOOD(luron_backward(ctx, sum, NULL, 0));
    luron_tensor_unref(sum);
}

#define frozen_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
