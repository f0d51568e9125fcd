/* test_bad_plugins.c -- R14: plugin files that are wrong, each in a way of its own. Every one is refused with a message
 * of its own that names the file, the registry stays as it was, and the process goes on working. */
#include "../abi/abi_tools.h"
#include "bar.h"

#include <elf.h>

static char dir[64];
static int64_t n, failures;
static char reasons[64][400]; /* seen so far */

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

static int count_types(luron_ctx *ctx) {
    int count = 0;
    for (int kind = LURON_KIND_LAYER; kind <= LURON_KIND_FORMAT; kind++)
        for (int i = 0; luron_type_at(ctx, (luron_kind)kind, i); i++)
            count++;
    return count;
}

static bool still_works(luron_ctx *ctx) {
    luron_layer *layer;
    luron_tensor *x, *y = NULL;
    double value = 0;
    if (luron_layer_new(&layer, ctx, "FakeLayer", 0, NULL)) return false;
    if (luron_tensor_full(&x, ctx, LURON_F32, 0, NULL, 21)) return false;
    bool works = !luron_layer_apply(&y, ctx, layer, 1, &x) && !luron_tensor_item(&value, ctx, y) && value == 42;
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_layer_unref(layer);
    return works;
}

#define WRONG(...) (print_error("%s: ", path), print_error(__VA_ARGS__), print_error("\n"), failures++)

/* `part` of the reason is known; all of it must be new. */
static void refused(luron_ctx *ctx, const char *path, const char *part) {
    char start[400];
    int types = count_types(ctx);
    int64_t blocks = 0; /* after the first try, whose path and reason are noted */
    for (int again = 0; again < 2; again++) {
        luron_status status = luron_plugin_load(ctx, path);
        const char *text = luron_ctx_error(ctx);
        size_t m = (size_t)snprintf(start, sizeof start, "plugin %s refused: ", path);
        if (status != LURON_E_PLUGIN)
            WRONG("%s with '%s'", luron_status_name(status), text);
        else if (strncmp(text, start, m) || !strstr(text + m, part))
            WRONG("the reason is: %s", text);
        if (count_types(ctx) != types) WRONG("the registry has changed");
        if (again && luron_ctx_live_blocks(ctx) != blocks) WRONG("blocks are left");
        blocks = luron_ctx_live_blocks(ctx);
        if (!still_works(ctx)) WRONG("nothing works after it: %s", luron_ctx_error(ctx));
        if (again) continue;
        for (int i = 0; i < n; i++)
            if (!strcmp(reasons[i], text + m)) WRONG("not a message of its own: %s", text);
        snprintf(reasons[n], sizeof reasons[n], "%s", text + m);
    }
    n++;
}

static const char *path_of(const char *name) {
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, 256, "%s/%s", dir, name);
    return path;
}

/* Spoiled by macros of fake_plugin.c. */
static void refuse_built(luron_ctx *ctx) {
    static const struct {
        const char *name, *flags, *reason;
    } cases[] = {
        {"major.so", "-DMAJOR=2", "built for plugin ABI 2, this host has ABI 1"},
        {"old_major.so", "-DMAJOR=0", "built for plugin ABI 0"},
        {"minor.so", "-DMINOR=900", "needs plugin ABI 1.900 or newer"},
        {"plugin_size.so", "-DPLUGIN_SIZE=48", "its luron_plugin has 48 bytes"},
        {"layer_size.so", "-DLAYER_SIZE=80", "a luron_layer_type has 80 bytes"},
        {"null_type.so", "-DTYPE=0", "name of layer type 1: identifier expected, got NULL"},
        {"bad_type.so", "-DTYPE='\"no name\"'", "got 'no name'"},
        {"null_name.so", "-DNAME=0", "name of the plugin: identifier expected, got NULL"},
        {"duplicate.so", "-DNAME='\"other\"'", "plugin 'other' cannot register it, plugin 'fake'"},
        {"twice.so", "-DTWICE -DNAME='\"t\"' -DTYPE='\"Twice\"'", "there are two of this name"},
        {"no_types.so", "-DNO_TYPES -DNAME='\"none\"'", "it lists no layer type, no optimiser and no format"},
        {"no_callback.so", "-DNO_APPLY -DNAME='\"c\"' -DTYPE='\"C\"'", "elementwise without apply"},
        {"no_symbol.so", "-DNO_SYMBOL", "it has no symbol luron_plugin_main"},
        {"undefined.so", "-DUNDEFINED", "undefined symbol: luron_is_not_there"},
        {"init_fails.so", "-DNAME='\"i\"' -DTYPE='\"I\"' -DINIT_TEXT='\"accelerator\"'", "no accelerator here"},
        {"init_silent.so", "-DNAME='\"s\"' -DTYPE='\"S\"' -DINIT_SILENT", "init failed (STATE)"},
        {"init_leaks.so", "-DNAME='\"l\"' -DTYPE='\"L\"' -DINIT_LEAKS", "failed half-way"},
        {"choices.so", "-DTYPE='\"O\"' '-DOPTION=LURON_OPT_CHOICE(fake_options, mode, \"a\", NULL, \"\")'",
         "a choice without choices"},
        {"choice.so", "-DTYPE='\"O\"' '-DOPTION=LURON_OPT_CHOICE(fake_options, mode, \"c\", modes, \"\")'",
         "option 'mode'"},
        {"default.so", "-DTYPE='\"O\"' '-DOPTION=LURON_OPT_INT(fake_options, count, 9, 1, 5, \"\")'", "option 'count'"},
        {"offset.so",
         "-DTYPE='\"O\"' '-DOPTION=&(const luron_option){ .struct_size = sizeof(luron_option), .kind = LURON_INT, "
         ".offset = 4000, .name = \"far\" }'",
         "lies outside the options struct"},
        {"kind.so",
         "-DTYPE='\"O\"' '-DOPTION=&(const luron_option){ .struct_size = sizeof(luron_option), .kind = 99, .name = "
         "\"odd\" }'",
         "option 'odd': unknown kind 99"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (UNDER_SANITIZER && strstr(cases[i].flags, "INIT_LEAKS")) continue; /* what it leaks is its own */
        build_fake(path_of(cases[i].name), cases[i].flags);
        refused(ctx, path_of(cases[i].name), cases[i].reason);
    }
}

/* Files that are no plugin, or of another machine, or cut off. */
static void refuse_files(luron_ctx *ctx) {
    size_t size;
    char *bytes = read_bytes(path_of("good.so"), &size);
    Elf64_Ehdr *head = (Elf64_Ehdr *)(void *)bytes, kept = *head;
    write_bytes(path_of("text.so"), "#!/bin/sh\nexit 0\n", 17);
    write_bytes(path_of("empty.so"), "", 0);
    write_bytes(path_of("cut.so"), bytes, size / 2);
    head->e_machine = EM_S390;
    write_bytes(path_of("machine.so"), bytes, size);
    *head = kept;
    head->e_ident[EI_CLASS] = ELFCLASS32;
    write_bytes(path_of("bits.so"), bytes, size);
    *head = kept;
    head->e_type = ET_REL;
    write_bytes(path_of("object.so"), bytes, size);
    free(bytes);
    refused(ctx, path_of("text.so"), "not an ELF shared object");
    refused(ctx, path_of("empty.so"), "it is empty");
    refused(ctx, path_of("cut.so"), "truncated");
    refused(ctx, path_of("machine.so"), "made for another processor");
    refused(ctx, path_of("bits.so"), "made for 32-bit processes");
    refused(ctx, path_of("object.so"), "its type is 1");
    refused(ctx, path_of("missing.so"), "No such file or directory");
    refused(ctx, dir, "not a regular file");
    if (geteuid() == 0) return; /* root reads everything; test_loader.c does it as somebody else */
    build_fake(path_of("unreadable.so"), "");
    assert_int_equal(chmod(path_of("unreadable.so"), 0), 0);
    refused(ctx, path_of("unreadable.so"), "Permission denied");
}

static void test_bad_plugins(void **state) {
    luron_ctx *ctx;
    (void)state;
    bar b = bar_begin("R14", "bad plugins", 0);
    assert_int_equal(unsetenv("LURON_PLUGIN_PATH"), 0);
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    build_fake(path_of("good.so"), "");
    if (luron_plugin_load(ctx, path_of("good.so"))) fail_msg("%s", luron_ctx_error(ctx));
    refuse_built(ctx);
    refuse_files(ctx);
    luron_ctx_free(ctx);
    assert_true(n >= 15);
    assert_int_equal(bar_end(&b, n, failures), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bad_plugins)};
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
