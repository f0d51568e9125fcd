/* test_header.c -- the plugin header: its layout, and that it compiles alone in every language that plugins use. */
#include "abi_tools.h"

/* The 1.0 layout on machines with 64-bit pointers. A number here never changes: fields are appended behind it. */
#define ENDS_AT(type, field, end) _Static_assert(offsetof(type, field) + sizeof(((type *)NULL)->field) == (end), #type " ends otherwise than in 1.0")
#define IS_AT(type, field, at) _Static_assert(offsetof(type, field) == (at), #type "." #field " moved")
_Static_assert(sizeof(void *) == 8, "the layout below is that of 64-bit machines");
/* DLTensor */
_Static_assert(sizeof(luron_view) == 48, "luron_view is frozen");
IS_AT(luron_view, data, 0);
IS_AT(luron_view, device_type, 8);
IS_AT(luron_view, device_id, 12);
IS_AT(luron_view, ndim, 16);
IS_AT(luron_view, dtype_code, 20);
IS_AT(luron_view, dtype_bits, 21);
IS_AT(luron_view, dtype_lanes, 22);
IS_AT(luron_view, shape, 24);
IS_AT(luron_view, strides, 32);
IS_AT(luron_view, byte_offset, 40);
_Static_assert(sizeof(luron_ints) == 72 && sizeof(luron_floats) == 72 && sizeof(luron_init) == 24, "frozen");
ENDS_AT(luron_option, n_max, 88);
ENDS_AT(luron_port, ndim, 32);
ENDS_AT(luron_call, internal, 160);
ENDS_AT(luron_gemm, beta, 48);
ENDS_AT(luron_conv, work, 144);
ENDS_AT(luron_host, bad_id, 120);
ENDS_AT(luron_host, conv_grad_weight, 152);
ENDS_AT(luron_host, gemm_packed, 176);
ENDS_AT(luron_host, vector_bytes, 184);
ENDS_AT(luron_host, wants, 200);
ENDS_AT(luron_run, to, 64);
ENDS_AT(luron_elementwise, derive, 24);
ENDS_AT(luron_ops, csr_sample, 1192);
ENDS_AT(luron_layer_type, elementwise, 120);
ENDS_AT(luron_step, internal, 88);
ENDS_AT(luron_step, call, 96);
ENDS_AT(luron_optim_type, step, 72);
ENDS_AT(luron_optim_type, setup, 88);
ENDS_AT(luron_source, read_at, 32);
ENDS_AT(luron_tree, host, 176);
ENDS_AT(luron_format_type, write, 80);
ENDS_AT(luron_plugin, init, 64);
IS_AT(luron_call, in, 48);
IS_AT(luron_call, scratch, 128);
IS_AT(luron_host, gemm, 64);
IS_AT(luron_ops, matmul, 464);
IS_AT(luron_layer_type, declare, 72);
/* What the loader reads before it knows the major. */
IS_AT(luron_plugin, struct_size, 0);
IS_AT(luron_plugin, abi_major, 4);
IS_AT(luron_plugin, abi_minor, 8);

static const char *const strict = "-Wall -Wextra -Wpedantic -Werror -Wshadow";

static void test_header_compiles_alone_in_c(void **state) {
    (void)state;
    static const char *const standards[] = { "c99", "c11", "gnu17" };
    static const char *const headers[] = { "luron/plugin.h", "luron/luron.h" };
    for (int h = 0; h < 2; h++)
        for (int s = 0; s < 3; s++)
            assert_int_equal(shell("printf '#include <%s>\\n#include <%s>\\nint x;\\n' | ${CC:-cc} -std=%s %s -I'%s/core/include' -fsyntax-only -x c -", headers[h], headers[h], standards[s],
                                   strict, source_tree()),
                             0);
}

static void test_header_compiles_alone_in_cpp(void **state) {
    (void)state;
    if (shell("${CXX:-c++} --version >/dev/null 2>&1")) skip();
    static const char *const headers[] = { "luron/plugin.h", "luron/luron.h" };
    for (int h = 0; h < 2; h++)
        assert_int_equal(shell("printf '#include <%s>\\nint x;\\n' | ${CXX:-c++} -std=c++17 %s -I'%s/core/include' -fsyntax-only -x c++ -", headers[h], strict, source_tree()), 0);
}

static void test_header_has_no_implicit_padding(void **state) {
    (void)state;
    assert_int_equal(shell("printf '#include <luron/plugin.h>\\nint x;\\n' | ${CC:-cc} -std=c11 -Wpadded -Werror -I'%s/core/include' -fsyntax-only -x c -", source_tree()), 0);
    /* the check itself works */
    assert_int_not_equal(shell("printf 'struct s { char c; int i; };\\n' | ${CC:-cc} -Wpadded -Werror -fsyntax-only -x c - 2>/dev/null"), 0);
}

static void test_header_serves_a_plugin_in_c99_and_cpp(void **state) {
    (void)state;
    char dir[64];
    make_folder(dir);
    assert_int_equal(shell("${CC:-cc} -std=c99 %s -shared -fPIC -I'%s/core/include' -o %s/c99.so '%s/tests/abi/fake_plugin.c'", strict, source_tree(), dir, source_tree()), 0);
    if (!shell("${CXX:-c++} --version >/dev/null 2>&1")) {
        const char *text = "#include <luron/plugin.h>\n"
                           "static luron_status forward(luron_call *c) { return luron_in(c, 0) ? LURON_OK : LURON_E_INTERNAL; }\n"
                           "static luron_status compose(luron_call *c, const luron_ops *o) { return o->set_out(c, 0, o->exp(c, o->in(c, 0))); }\n"
                           "static luron_layer_type make() { luron_layer_type t = {}; t.struct_size = sizeof t; t.name = \"Cpp\"; t.forward = forward; t.backward = forward; t.compose = compose; return t; }\n"
                           "static const luron_layer_type type = make();\n"
                           "static const luron_layer_type *const layers[] = { &type, nullptr };\n"
                           "LURON_PLUGIN_DEFINE(cpp) = { sizeof(luron_plugin), LURON_ABI_MAJOR, 0, 0, \"cpp\", \"1\", layers, nullptr, nullptr, nullptr };\n";
        char path[128];
        snprintf(path, sizeof path, "%s/cpp.cc", dir);
        write_bytes(path, text, strlen(text));
        assert_int_equal(shell("${CXX:-c++} -std=c++17 %s -shared -fPIC -I'%s/core/include' -o %s/cpp.so %s", strict,
                               source_tree(), dir, path), 0);
        luron_ctx *ctx;
        const luron_type *type;
        assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
        snprintf(path, sizeof path, "%s/cpp.so", dir);
        if (luron_plugin_load(ctx, path)) fail_msg("%s", luron_ctx_error(ctx));
        assert_int_equal(luron_type_find(&type, ctx, LURON_KIND_LAYER, "Cpp"), LURON_OK);
        luron_ctx_free(ctx);
    }
    remove_folder(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_compiles_alone_in_c),
        cmocka_unit_test(test_header_compiles_alone_in_cpp),
        cmocka_unit_test(test_header_has_no_implicit_padding),
        cmocka_unit_test(test_header_serves_a_plugin_in_c99_and_cpp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
