/* test_template.c -- the template of plugins/template built outside the tree with the one command it names, loaded, run
 * and differentiated; and what the built plugins export, link to and open. */
#include "abi_tools.h"

#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <sys/wait.h>

static char dir[64], plugins[512];

static int group_setup(void **state) {
    (void)state;
    const char *path = getenv("LURON_PLUGIN_PATH");
    snprintf(plugins, sizeof plugins, "%s", path ? path : "");
    make_folder(dir);
    return 0;
}
static int group_teardown(void **state) {
    (void)state;
    remove_folder(dir);
    return 0;
}

/* The command stands in the first line of swish.c, after the formula. */
static void build_swish(void) {
    char line[300];
    assert_int_equal(shell("cp '%s/plugins/template/swish.c' %s", source_tree(), dir), 0);
    first_line(line, sizeof line, "sed -n '1s/.*  cc \\(-O2 .*\\) \\*\\//\\1/p' %s/swish.c", dir);
    assert_string_equal(line, "-O2 -shared -fPIC -o swish.so swish.c -lm");
    assert_int_equal(shell("cd %s && ${CC:-cc} -Wall -Wextra -Werror -I'%s/core/include' %s", dir, source_tree(), line),
                     0);
}

static double swish(double x, double beta) { return x / (1 + exp(-beta * x)); }

static void test_template_builds_loads_and_learns(void **state) {
    (void)state;
    enum { N = 1001 };
    static float x[N], y[N], gx[N];
    luron_ctx *ctx;
    luron_layer *layer;
    luron_tensor *in, *out, *cotangent;
    const luron_type *type;
    build_swish();
    setenv("LURON_PLUGIN_PATH", dir, 1);
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    if (luron_function_find(&type, ctx, "swish")) fail_msg("%s", luron_ctx_error(ctx));
    assert_string_equal(luron_type_name(type), "Swish");
    const luron_arg beta = { .name = "beta", .kind = LURON_ARG_NUMBER, .number = 1.5 };
    if (luron_layer_new(&layer, ctx, "Swish", 1, &beta)) fail_msg("%s", luron_ctx_error(ctx));
    for (int i = 0; i < N; i++) x[i] = (float)(i - N / 2) / 50;
    assert_int_equal(luron_tensor_from(&in, ctx, LURON_F32, 1, (const int64_t[]){ N }, x), LURON_OK);
    assert_int_equal(luron_tensor_set_requires_grad(ctx, in, 1), LURON_OK);
    if (luron_layer_apply(&out, ctx, layer, 1, &in)) fail_msg("%s", luron_ctx_error(ctx));
    assert_int_equal(luron_tensor_full(&cotangent, ctx, LURON_F32, 1, (const int64_t[]){ N }, -0.75), LURON_OK);
    if (luron_backward(ctx, out, cotangent, 0)) fail_msg("%s", luron_ctx_error(ctx));
    assert_int_equal(luron_tensor_read(ctx, out, LURON_F32, y), LURON_OK);
    assert_int_equal(luron_tensor_read(ctx, luron_tensor_grad(in), LURON_F32, gx), LURON_OK);
    for (int i = 0; i < N; i++) { /* float32 against central differences in double */
        double h = 1e-5, want = swish(x[i], 1.5), slope = (swish(x[i] + h, 1.5) - swish(x[i] - h, 1.5)) / (2 * h);
        if (!(fabs(y[i] - want) <= 2e-6 * (1 + fabs(want))) || !(fabs(gx[i] + 0.75 * slope) <= 2e-6))
            fail_msg("at %g: %g, %g expected; gradient %g, %g expected", x[i], y[i], want, gx[i], -0.75 * slope);
    }
    luron_tensor *all[] = { in, out, cotangent };
    for (int i = 0; i < 3; i++) luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
    luron_ctx_free(ctx);
}

/* One defined symbol, one constructor (the compiler's own, 8 bytes), no library of luron, and the flags of a plugin. */
static void check_object(const char *path) {
    char line[300];
    first_line(line, sizeof line, "nm -D --defined-only '%s' | awk '{ print $3 }' | tr '\\n' ' '", path);
    if (strcmp(line, "luron_plugin_main ")) fail_msg("%s exports %s", path, line);
    first_line(line, sizeof line,
               "readelf -SW '%s' | sed -n 's/.*\\.init_array *INIT_ARRAY *[0-9a-f]* [0-9a-f]* \\([0-9a-f]*\\).*/\\1/p'",
               path);
    if (strtol(line, NULL, 16) != 8)
        fail_msg("%s: .init_array has '%s' bytes, 8 expected: it has a constructor of its own", path, line);
    first_line(line, sizeof line, "readelf -d '%s' | grep NEEDED | grep -E 'luron|gomp|lua'", path);
    if (line[0]) fail_msg("%s links to %s", path, line);
}

static void test_template_exports_one_symbol(void **state) {
    (void)state;
    char path[128];
    build_swish();
    snprintf(path, sizeof path, "%s/swish.so", dir);
    check_object(path);
    assert_int_equal(shell("printf '#include <luron/plugin.h>\\nstatic int n;\\n__attribute__((constructor)) static void start(void) { n++; }\\n' > %s/c.c && "
                           "${CC:-cc} -shared -fPIC -I'%s/core/include' -o %s/c.so %s/c.c",
                           dir, source_tree(), dir, dir), 0);
    char line[100]; /* the check sees a constructor */
    first_line(line, sizeof line,
               "readelf -SW %s/c.so | sed -n 's/.*\\.init_array *INIT_ARRAY *[0-9a-f]* [0-9a-f]* \\([0-9a-f]*\\).*/\\1/p'", dir);
    assert_int_equal(strtol(line, NULL, 16), 16);
}

static void test_plugins_export_one_symbol(void **state) {
    (void)state;
    if (UNDER_SANITIZER) skip();
    int n = 0;
    DIR *d = opendir(plugins);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1024];
        size_t length = strlen(e->d_name);
        if (length < 4 || strcmp(e->d_name + length - 3, ".so")) continue;
        snprintf(path, sizeof path, "%s/%s", plugins, e->d_name);
        check_object(path);
        n++;
    }
    if (d) closedir(d);
    assert_true(n >= 7);
}

/* Links to all built plugins in a folder of ours, indexed by a process of its own. */
static void test_plugins_linear_opens_nothing_else(void **state) {
    (void)state;
    char folder[80], line[512];
    luron_ctx *ctx;
    const luron_type *type;
    snprintf(folder, sizeof folder, "%s/linked", dir);
    assert_int_equal(shell("mkdir %s && ln -s '%s'/*.so %s/", folder, plugins, folder), 0);
    pid_t child = fork();
    if (child == 0) _exit(luron_ctx_new(&ctx, NULL, NULL) || luron_plugin_index(ctx, folder));
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    first_line(line, sizeof line, "grep -c '^file' %s/index", folder);
    assert_true(atoi(line) >= 7); /* none of ours was refused */
    first_line(line, sizeof line, "ls %s/*.so | wc -l", folder);
    char indexed[512];
    first_line(indexed, sizeof indexed, "grep -c '^file' %s/index", folder);
    assert_int_equal(atoi(line), atoi(indexed));
    setenv("LURON_PLUGIN_PATH", folder, 1);
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    if (luron_type_find(&type, ctx, LURON_KIND_LAYER, "Linear")) fail_msg("%s", luron_ctx_error(ctx));
    first_line(line, sizeof line,
               "grep -o '[^/]*\\.so$' /proc/%ld/maps | sort -u | grep -c -E '^(activation|loss|noise|shape|optim|hdf5|idx|csv)\\.so'", (long)getpid());
    assert_string_equal(line, "0");
    first_line(line, sizeof line, "grep -o '[^/]*\\.so$' /proc/%ld/maps | sort -u | grep -c '^linear\\.so'",
               (long)getpid());
    assert_string_equal(line, "1");
    first_line(line, sizeof line, "grep -c libhdf5 /proc/%ld/maps", (long)getpid());
    assert_string_equal(line, "0");
    luron_ctx_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plugins_linear_opens_nothing_else), /* first: nothing is loaded yet */
        cmocka_unit_test(test_template_builds_loads_and_learns),
        cmocka_unit_test(test_template_exports_one_symbol),
        cmocka_unit_test(test_plugins_export_one_symbol),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
