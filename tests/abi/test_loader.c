/* test_loader.c -- plugin files: every way of being refused, the search path, and the index. Refusals leave the process
 * and the registry as they were. */
#include "abi_tools.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/inotify.h>
#include <sys/wait.h>

static char dir[64]; /* of this program; each test has folders and files of its own in it */

static int group_setup(void **state) {
    (void)state;
    make_folder(dir);
    return chmod(dir, 0755);
}
static int group_teardown(void **state) {
    (void)state;
    remove_folder(dir);
    return 0;
}

/* A context without plugin folders of its own. */
static int setup(void **state) {
    luron_ctx *ctx;
    if (luron_ctx_new(&ctx, NULL, NULL)) return 1;
    *state = ctx;
    return unsetenv("LURON_PLUGIN_PATH");
}
static int teardown(void **state) {
    luron_ctx_free(*state);
    return 0;
}

static const char *path_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *path_of(const char *fmt, ...) {
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    va_list args;
    va_start(args, fmt);
    int n = snprintf(path, 256, "%s/", dir);
    vsnprintf(path + n, 256 - (size_t)n, fmt, args);
    va_end(args);
    return path;
}

static void refused(luron_ctx *ctx, const char *path, const char *reason) {
    char text[600];
    snprintf(text, sizeof text, "plugin %s refused: %s", path, reason);
    expect_error(ctx, luron_plugin_load(ctx, path), LURON_E_PLUGIN, text);
    for (int kind = LURON_KIND_LAYER; kind <= LURON_KIND_FORMAT; kind++)
        assert_null(luron_type_at(ctx, (luron_kind)kind, 0));
}

/* A fake type computes, forward and backward. */
static void doubles(luron_ctx *ctx, const char *type) {
    luron_layer *layer;
    luron_tensor *x, *y;
    double value;
    assert_int_equal(luron_layer_new(&layer, ctx, type, 0, NULL), LURON_OK);
    assert_int_equal(luron_tensor_full(&x, ctx, LURON_F32, 1, (const int64_t[]){ 1 }, 21), LURON_OK);
    assert_int_equal(luron_tensor_set_requires_grad(ctx, x, 1), LURON_OK);
    assert_int_equal(luron_layer_apply(&y, ctx, layer, 1, &x), LURON_OK);
    assert_int_equal(luron_tensor_item(&value, ctx, y), LURON_OK);
    assert_true(value == 42);
    assert_int_equal(luron_backward(ctx, y, NULL, 0), LURON_OK);
    assert_int_equal(luron_tensor_item(&value, ctx, luron_tensor_grad(x)), LURON_OK);
    assert_true(value == 2);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_layer_unref(layer);
}

/* The context still works: a good plugin loads and computes. */
static void usable(luron_ctx *ctx) {
    const char *path = path_of("good.so");
    if (access(path, F_OK)) build_fake(path, "");
    if (luron_plugin_load(ctx, path)) fail_msg("%s", luron_ctx_error(ctx));
    doubles(ctx, "FakeLayer");
}

static void test_loader_refuses_built_plugins(void **state) {
    static const struct {
        const char *flags, *reason;
    } cases[] = {
        { "-DMAJOR=2", "built for plugin ABI 2, this host has ABI 1.0" },
        { "-DMINOR=7", "needs plugin ABI 1.7 or newer, this host has 1.0" },
        { "-DPLUGIN_SIZE=48", "its luron_plugin has 48 bytes, at least 64 expected" },
        { "-DLAYER_SIZE=80", "a luron_layer_type has 80 bytes, at least 120 expected" },
        { "-DTYPE=0", "name of layer type 1: identifier expected, got NULL" },
        { "-DNAME=0", "name of the plugin: identifier expected, got NULL" },
        { "-DNO_SYMBOL", "it has no symbol luron_plugin_main" },
        { "-DUNDEFINED", "undefined symbol: luron_is_not_there" },
        { "-DINIT_TEXT='\"accelerator\"'", "init failed (UNSUPPORTED): no accelerator here" },
        { "-DINIT_SILENT", "init failed (STATE): not possible in this state" },
    };
    luron_ctx *ctx = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = path_of("bad%zu.so", i);
        build_fake(path, cases[i].flags);
        refused(ctx, path, cases[i].reason);
        refused(ctx, path, cases[i].reason); /* an explicit load tries again */
    }
    usable(ctx);
}

static void test_loader_refuses_what_is_no_plugin_file(void **state) {
    luron_ctx *ctx = *state;
    const char *text = path_of("text.so"), *empty = path_of("empty.so"), *pipe_path = path_of("pipe.so");
    write_bytes(text, "#!/bin/sh\nexit 0\n", 17);
    write_bytes(empty, "", 0);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    refused(ctx, path_of("missing.so"), "cannot open the file: No such file or directory");
    refused(ctx, text, "not an ELF shared object");
    refused(ctx, empty, "not an ELF shared object: it is empty");
    refused(ctx, dir, "not a regular file");
    refused(ctx, pipe_path, "not a regular file");
    expect_error(ctx, luron_plugin_load(ctx, "swish.so"), LURON_E_PLUGIN,
                 "plugin swish.so refused: a path with a '/' expected ('./swish.so')");
    expect_error(ctx, luron_plugin_load(ctx, NULL), LURON_E_ARGUMENT, "got NULL");
    usable(ctx);
}

static void test_loader_refuses_unreadable(void **state) {
    luron_ctx *ctx = *state;
    const char *path = path_of("unreadable.so");
    build_fake(path, "");
    assert_int_equal(chmod(path, 0), 0);
    bool root = geteuid() == 0;
    if (root) assert_int_equal(seteuid(65534), 0);
    luron_status status = luron_plugin_load(ctx, path);
    if (root) assert_int_equal(seteuid(0), 0);
    expect_error(ctx, status, LURON_E_PLUGIN, "unreadable.so refused: cannot open the file: Permission denied");
    usable(ctx);
}

static void test_loader_refuses_other_machines(void **state) {
    luron_ctx *ctx = *state;
    const char *good = path_of("machine.so"), *path = path_of("other.so");
    build_fake(good, "");
    size_t n;
    char *bytes = read_bytes(good, &n);
    Elf64_Ehdr *head = (Elf64_Ehdr *)(void *)bytes, kept = *head;
    head->e_machine = EM_S390;
    write_bytes(path, bytes, n);
    refused(ctx, path, "made for another processor (ELF machine 22, here it is ");
    *head = kept;
    head->e_ident[EI_CLASS] = ELFCLASS32;
    write_bytes(path, bytes, n);
    refused(ctx, path, "made for 32-bit processes, this one has 64 bits");
    *head = kept;
    head->e_type = ET_REL;
    write_bytes(path, bytes, n);
    refused(ctx, path, "not an ELF shared object: its type is 1");
    free(bytes);
    usable(ctx);
}

/* Cut off anywhere: no crash (the linker alone would take SIGBUS), always refused. */
static void test_loader_refuses_truncated(void **state) {
    luron_ctx *ctx = *state;
    const char *good = path_of("whole.so");
    build_fake(good, "-DTYPE='\"Whole\"'");
    size_t n;
    char *bytes = read_bytes(good, &n);
    for (int i = 0; i < 64; i++) {
        const char *path = path_of("cut%d.so", i);
        write_bytes(path, bytes, n * (size_t)i / 64);
        refused(ctx, path, n * (size_t)i / 64 < sizeof(Elf64_Ehdr) ? "not an ELF shared object" : "truncated: its se");
    }
    free(bytes);
    usable(ctx);
}

static void test_loader_takes_longer_structs_and_good_init(void **state) {
    luron_ctx *ctx = *state;
    const luron_type *type;
    const char *newer = path_of("newer.so"), *init = path_of("init.so");
    build_fake(newer, "-DLONGER -DTYPE='\"Newer\"' -DNAME='\"newer\"'");
    build_fake(init, "-DINIT_GOOD -DTYPE='\"WithInit\"' -DNAME='\"with_init\"'");
    if (luron_plugin_load(ctx, newer) || luron_plugin_load(ctx, init)) fail_msg("%s", luron_ctx_error(ctx));
    assert_int_equal(luron_type_find(&type, ctx, LURON_KIND_LAYER, "Newer"), LURON_OK);
    assert_string_equal(luron_type_plugin_path(type), newer);
    assert_int_equal(luron_type_find(&type, ctx, LURON_KIND_LAYER, "WithInit"), LURON_OK);
    usable(ctx);
    assert_int_equal(luron_plugin_load(ctx, newer), LURON_OK); /* again: nothing changes */
    assert_null(luron_type_at(ctx, LURON_KIND_LAYER, 3));
}

/* Built against a header of 1.0, whose layer type ended with `elementwise`. */
static void test_loader_takes_shorter_structs(void **state) {
    luron_ctx *ctx = *state;
    const char *older = path_of("older.so"), *whole = path_of("whole.so");
    build_fake(older, "-DSHORTER '-DLAYER_SIZE=offsetof(luron_layer_type, forward_backward)' -DTYPE='\"Older\"' -DNAME='\"older\"'");
    build_fake(whole, "-DSHORTER");
    refused(ctx, whole, "layer type 'FakeLayer': forward_backward without forward and backward");
    if (luron_plugin_load(ctx, older)) fail_msg("%s", luron_ctx_error(ctx));
    doubles(ctx, "Older");
    usable(ctx);
}

static void test_loader_refuses_duplicates(void **state) {
    luron_ctx *ctx = *state;
    const char *path = path_of("twin.so");
    char text[400];
    usable(ctx);
    build_fake(path, "-DNAME='\"twin\"'");
    snprintf(text, sizeof text,
             "plugin %s refused: layer type 'FakeLayer': plugin 'twin' cannot register it, plugin 'fake' (%s) has it already", path, path_of("good.so"));
    expect_error(ctx, luron_plugin_load(ctx, path), LURON_E_PLUGIN, text);
    assert_null(luron_type_at(ctx, LURON_KIND_LAYER, 1));
    /* another context takes it */
    luron_ctx *other;
    assert_int_equal(luron_ctx_new(&other, NULL, NULL), LURON_OK);
    assert_int_equal(luron_plugin_load(other, path), LURON_OK);
    luron_ctx_free(other);
}

/* ---- search ---------------------------------------------------------------------------------------------------- */
static const luron_type *found(luron_ctx *ctx, const char *name) {
    const luron_type *type;
    if (luron_type_find(&type, ctx, LURON_KIND_LAYER, name)) fail_msg("%s", luron_ctx_error(ctx));
    return type;
}

static void test_loader_searches_absolute_folders_in_order(void **state) {
    luron_ctx *ctx = *state;
    char path[400], cwd[512];
    const luron_type *type;
    assert_int_equal(shell("mkdir -p %s/a %s/b", dir, dir), 0);
    build_fake(path_of("a/one.so"), "-DTYPE='\"SearchOne\"' -DNAME='\"from_a\"'");
    build_fake(path_of("b/one.so"), "-DTYPE='\"SearchOne\"' -DNAME='\"from_b\"'");
    build_fake(path_of("b/two.so"), "-DTYPE='\"SearchTwo\"' -DNAME='\"two\"'");
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(chdir(path_of("b")), 0);
    setenv("LURON_PLUGIN_PATH", ":.:./:../b::b:", 1); /* never the working directory */
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "SearchTwo"), LURON_E_NOT_FOUND,
                 "no layer type 'SearchTwo'");
    for (int i = 0; (type = luron_type_at(ctx, LURON_KIND_LAYER, i)); i++)
        assert_int_not_equal(strncmp(luron_type_plugin_path(type), dir, strlen(dir)), 0);
    assert_int_equal(chdir(cwd), 0);
    assert_int_equal(chmod(path_of("b"), 0777), 0); /* nor where everybody may put a plugin */
    snprintf(path, sizeof path, "relative:%s/b", dir);
    setenv("LURON_PLUGIN_PATH", path, 1);
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "SearchTwo"), LURON_E_NOT_FOUND,
                 "; ignored in LURON_PLUGIN_PATH: relative (not an absolute path), ");
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "SearchTwo"), LURON_E_NOT_FOUND,
                 "/b (everybody may write to it)");
    assert_int_equal(chmod(path_of("b"), 0755), 0);
    snprintf(path, sizeof path, "relative:%s/a/::%s/b:/nowhere", dir, dir);
    setenv("LURON_PLUGIN_PATH", path, 1);
    assert_string_equal(luron_type_plugin(found(ctx, "SearchOne")), "from_a");
    assert_string_equal(luron_type_plugin_path(found(ctx, "SearchTwo")), path_of("b/two.so"));
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "SearchTow"), LURON_E_NOT_FOUND,
                 "no layer type 'SearchTow'; did you mean 'SearchTwo'");
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "SearchTow"), LURON_E_NOT_FOUND, ", /nowhere (no folder)");
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "search"), LURON_E_NOT_FOUND,
                 "did you mean 'SearchOne' or 'SearchTwo'?");
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_OPTIM, "SearchTwo"), LURON_E_NOT_FOUND,
                 "no optimiser type 'SearchTwo'");
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "../x"), LURON_E_NOT_FOUND,
                 "that is no identifier");
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, NULL), LURON_E_NOT_FOUND, "(NULL)");
    expect_error(ctx, luron_function_find(&type, ctx, "searchtwo"), LURON_E_NOT_FOUND, "no layer function 'searchtwo'");
}

/* Counts how often files of a folder are opened. */
typedef struct watch {
    int fd;
} watch;
static watch watch_folder(const char *path) {
    watch w = { inotify_init1(IN_NONBLOCK) };
    assert_true(w.fd >= 0 && inotify_add_watch(w.fd, path, IN_OPEN) >= 0);
    return w;
}
static int times_opened(watch w, const char *name) { /* since the last call; name NULL: any plugin */
    char buf[8192] __attribute__((aligned(8)));
    int times = 0;
    for (ssize_t n; (n = read(w.fd, buf, sizeof buf)) > 0;)
        for (char *p = buf; p < buf + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(void *)p;
            if (e->len && strstr(e->name, ".so") && (!name || !strcmp(e->name, name))) times++;
            p += sizeof *e + e->len;
        }
    return times;
}

/* The index is made by another process, as the build does it: here nothing of the folder must be loaded yet. */
static void index_in_child(const char *folder) {
    pid_t child = fork();
    if (child == 0) {
        luron_ctx *ctx;
        _exit(luron_ctx_new(&ctx, NULL, NULL) || luron_plugin_index(ctx, folder));
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_loader_index_opens_the_one_file_that_is_needed(void **state) {
    luron_ctx *ctx = *state;
    const luron_type *type;
    const char *folder = path_of("indexed");
    char line[600];
    assert_int_equal(shell("mkdir -p %s", folder), 0);
    build_fake(path_of("indexed/first.so"), "-DTYPE='\"IndexFirst\"' -DNAME='\"first\"'");
    build_fake(path_of("indexed/second.so"), "-DTYPE='\"IndexSecond\"' -DNAME='\"second\"'");
    write_bytes(path_of("indexed/broken.so"), "no plugin", 9);
    index_in_child(folder);
    first_line(line, sizeof line, "ls -A %s | tr '\\n' ' '", folder);
    assert_string_equal(line, "broken.so first.so index second.so "); /* nothing half-written stays */
    first_line(line, sizeof line, "grep -v '^file' %s/index | tr '\\n' ';'", folder);
    assert_string_equal(line, "luron-index 1;layer IndexFirst -;layer IndexSecond -;");

    setenv("LURON_PLUGIN_PATH", folder, 1);
    watch w = watch_folder(folder);
    assert_string_equal(luron_type_plugin(found(ctx, "IndexSecond")), "second");
    assert_true(times_opened(w, "second.so") > 0);
    assert_string_equal(luron_type_plugin(found(ctx, "IndexSecond")), "second"); /* known now */
    assert_int_equal(times_opened(w, NULL), 0);

    /* a name that nobody has: what the index knows stays closed, what it does not know is opened, once */
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "IndexFist"), LURON_E_NOT_FOUND,
                 "did you mean 'IndexFirst'");
    expect_error(ctx, LURON_E_NOT_FOUND, LURON_E_NOT_FOUND, "refused plugins: ");
    expect_error(ctx, LURON_E_NOT_FOUND, LURON_E_NOT_FOUND, "broken.so (not an ELF shared object)");
    assert_int_equal(times_opened(w, NULL), 1);
    expect_error(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, "IndexFist"), LURON_E_NOT_FOUND,
                 "broken.so (not an ELF shared object)");
    assert_int_equal(times_opened(w, NULL), 0);
    assert_null(dlopen(path_of("indexed/first.so"), RTLD_NOW | RTLD_NOLOAD));

    /* a file that is dropped in, and one that has changed since it was refused, are found */
    build_fake(path_of("indexed/dropped.so"), "-DTYPE='\"IndexDropped\"' -DNAME='\"dropped\"'");
    assert_string_equal(luron_type_plugin(found(ctx, "IndexDropped")), "dropped");
    build_fake(path_of("indexed/broken.so"), "-DTYPE='\"IndexMended\"' -DNAME='\"mended\"'");
    assert_string_equal(luron_type_plugin(found(ctx, "IndexMended")), "mended");
    close(w.fd);
}

static void test_loader_index_that_is_stale_or_damaged(void **state) {
    luron_ctx *ctx = *state;
    const char *folder = path_of("stale");
    assert_int_equal(shell("mkdir -p %s", folder), 0);
    setenv("LURON_PLUGIN_PATH", folder, 1);
    build_fake(path_of("stale/old.so"), "-DTYPE='\"StaleBefore\"' -DNAME='\"old\"'");
    index_in_child(folder);
    build_fake(path_of("stale/old.so"), "-DTYPE='\"StaleAfter\"' -DNAME='\"renewed\"'"); /* the time tells */
    assert_string_equal(luron_type_plugin(found(ctx, "StaleAfter")), "renewed");
    static const char *const damaged[] = { "", "luron-index 2\n", "luron-index 1\nlayer X -\n",
                                           "luron-index 1\nfile 1 2 3 ../../x.so\nlayer Evil -\n",
                                           "luron-index 1\nfile a b c d.so\n",
                                           "luron-index 1\nfile 1 2 3 x.so\nlayer\n",
                                               "luron-index 1\nfile 1 2 3 x.so\nlayer a/b -\n",
                                               "luron-index 1\nfile 1 2 3 x.so\nother X -\n",
                                           "\0\0\0\0" };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        luron_ctx *fresh;
        const luron_type *type;
        write_bytes(path_of("stale/index"), damaged[i], i + 1 == sizeof damaged / sizeof *damaged ? 4
                    : strlen(damaged[i]));
        assert_int_equal(luron_ctx_new(&fresh, NULL, NULL), LURON_OK);
        assert_string_equal(luron_type_plugin(found(fresh, "StaleAfter")), "renewed");
        expect_error(fresh, luron_type_find(&type, fresh, LURON_KIND_LAYER, "Evil"), LURON_E_NOT_FOUND,
                     "no layer type 'Evil'");
        luron_ctx_free(fresh);
    }
}

static void test_loader_index_errors(void **state) {
    luron_ctx *ctx = *state;
    const char *file = path_of("file");
    write_bytes(file, "x", 1);
    expect_error(ctx, luron_plugin_index(ctx, path_of("nowhere")), LURON_E_IO, "nowhere: No such file or directory");
    expect_error(ctx, luron_plugin_index(ctx, file), LURON_E_IO, "file is not a folder");
    expect_error(ctx, luron_plugin_index(ctx, ""), LURON_E_ARGUMENT, "a folder expected");
    expect_error(ctx, luron_plugin_index(ctx, "/proc"), LURON_E_IO, "cannot create /proc/index.tmp.");
    /* indexing registers nothing and minds no names that are registered already */
    const char *folder = path_of("again");
    assert_int_equal(shell("mkdir -p %s", folder), 0);
    build_fake(path_of("again/x.so"), "-DTYPE='\"Again\"' -DNAME='\"again\"'");
    assert_int_equal(luron_plugin_index(ctx, folder), LURON_OK);
    assert_null(luron_type_at(ctx, LURON_KIND_LAYER, 0));
    assert_int_equal(luron_plugin_load(ctx, path_of("again/x.so")), LURON_OK);
    assert_int_equal(luron_plugin_index(ctx, folder), LURON_OK);
    assert_non_null(luron_type_at(ctx, LURON_KIND_LAYER, 0));
}

static void test_loader_load_all_skips_the_refused(void **state) {
    luron_ctx *ctx = *state;
    const char *folder = path_of("all");
    assert_int_equal(shell("mkdir -p %s", folder), 0);
    setenv("LURON_PLUGIN_PATH", folder, 1);
    build_fake(path_of("all/a.so"), "-DTYPE='\"AllA\"' -DNAME='\"a\"'");
    build_fake(path_of("all/c.so"), "-DTYPE='\"AllC\"' -DNAME='\"c\"'");
    write_bytes(path_of("all/b.so"), "no", 2);
    assert_int_equal(luron_plugin_load_all(ctx), LURON_OK);
    int n = 0, mine = 0;
    for (const luron_type *t; (t = luron_type_at(ctx, LURON_KIND_LAYER, n)); n++)
        mine += !strncmp(luron_type_name(t), "All", 3);
    assert_int_equal(mine, 2);
}

static void test_loader_out_of_memory(void **state) {
    luron_ctx *ctx = *state;
    const luron_type *type;
    const char *folder = path_of("memory");
    assert_int_equal(shell("mkdir -p %s", folder), 0);
    setenv("LURON_PLUGIN_PATH", folder, 1);
    build_fake(path_of("memory/m.so"), "-DTYPE='\"Memory\"' -DNAME='\"memory\"'");
    assert_int_equal(luron_plugin_index(ctx, folder), LURON_OK);
    luron_status status = LURON_E_NOMEM;
    int k = 0;
    while (status == LURON_E_NOMEM) {
        assert_null(luron_type_at(ctx, LURON_KIND_LAYER, 0));
        luron_ctx_fail_alloc(ctx, ++k, 0);
        status = luron_type_find(&type, ctx, LURON_KIND_LAYER, "Memory");
    }
    luron_ctx_fail_alloc(ctx, 0, 0);
    assert_int_equal(status, LURON_OK);
    assert_true(k > 10);
    luron_ctx_trim(ctx);
    for (k = 0, status = LURON_E_NOMEM; status == LURON_E_NOMEM;) {
        luron_ctx_fail_alloc(ctx, ++k, 0);
        status = luron_plugin_index(ctx, folder);
    }
    luron_ctx_fail_alloc(ctx, 0, 0);
    assert_int_equal(status, LURON_OK);
    char line[300];
    first_line(line, sizeof line, "ls -A %s | tr '\\n' ' '", folder);
    assert_string_equal(line, "index m.so ");
}

#define loader_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        loader_test(test_loader_refuses_built_plugins),
        loader_test(test_loader_refuses_what_is_no_plugin_file),
        loader_test(test_loader_refuses_unreadable),
        loader_test(test_loader_refuses_other_machines),
        loader_test(test_loader_refuses_truncated),
        loader_test(test_loader_takes_longer_structs_and_good_init),
        loader_test(test_loader_takes_shorter_structs),
        loader_test(test_loader_refuses_duplicates),
        loader_test(test_loader_searches_absolute_folders_in_order),
        loader_test(test_loader_index_opens_the_one_file_that_is_needed),
        loader_test(test_loader_index_that_is_stale_or_damaged),
        loader_test(test_loader_index_errors),
        loader_test(test_loader_load_all_skips_the_refused),
        loader_test(test_loader_out_of_memory),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
