/* test_descriptor.c -- descriptors that are wrong: each refused with a message of its own, before any code of the plugin
 * runs, with nothing registered. */
#include "abi_tools.h"

#include <math.h>

typedef struct values { int64_t a, b; double c; luron_ints d; int32_t e, f; } values;

/* A good plugin with all three kinds, to be spoiled in one place. */
typedef struct fixture {
    const char *choices[4];
    luron_option option[3], many_options;
    const luron_option *options[66];
    luron_port in[2], out[2], many_ports;
    const luron_port *ins[34], *outs[34];
    luron_elementwise fn;
    luron_layer_type layer[2];
    const luron_layer_type *layers[258];
    const char *state[3], *scalars[3];
    luron_optim_type optim;
    const luron_optim_type *optims[3];
    luron_format_type format;
    const luron_format_type *formats[3];
    luron_plugin plugin;
} fixture;

static int calls; /* of the plugin's code */
static luron_status code(luron_call *c) {
    (void)c;
    calls++;
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) { return o ? code(c) : LURON_OK; }
static void run(const luron_run *r) { calls += r != NULL; }
static void step(luron_step *s) { calls += s != NULL; }
static luron_status read_file(luron_io *io, const luron_tree *t, const luron_source *s) {
    return io && t && s ? LURON_OK : LURON_E_INTERNAL;
}

static void prepare(fixture *f) {
    memset(f, 0, sizeof *f);
    f->choices[0] = "mean";
    f->choices[1] = "sum";
    f->option[0] = (luron_option){ .struct_size = sizeof(luron_option), .kind = LURON_INT,
                                   .offset = offsetof(values, a), .name = "count", .default_number = 2, .min = 1,
                                   .max = 5 };
    f->option[1] = (luron_option){ .struct_size = sizeof(luron_option), .kind = LURON_CHOICE,
                                   .offset = offsetof(values, e), .name = "mode", .choices = f->choices,
                                   .default_string = "sum" };
    f->option[2] = (luron_option){ .struct_size = sizeof(luron_option), .kind = LURON_INTS,
                                   .offset = offsetof(values, d), .name = "size", .n_min = 2, .n_max = 3 };
    for (int i = 0; i < 3; i++) f->options[i] = &f->option[i];
    f->in[0] = (luron_port){ .struct_size = sizeof(luron_port), .name = "input" };
    f->in[1] = (luron_port){ .struct_size = sizeof(luron_port), .name = "target", .flags = LURON_PORT_INDEX,
                             .ndim = 1 };
    f->out[0] = (luron_port){ .struct_size = sizeof(luron_port), .name = "output" };
    f->ins[0] = &f->in[0];
    f->ins[1] = &f->in[1];
    f->outs[0] = &f->out[0];
    f->fn = (luron_elementwise){ sizeof f->fn, 0, run, run };
    f->layer[0] = (luron_layer_type){ .struct_size = sizeof(luron_layer_type), .name = "Spoiled", .function = "spoiled",
                                      .options = f->options, .options_size = sizeof(values), .in = f->ins,
                                      .out = f->outs, .declare = code, .setup = code, .forward = code, .backward = code,
                                          .compose = compose };
    f->layer[1] = (luron_layer_type){ .struct_size = sizeof(luron_layer_type), .name = "Other", .elementwise = &f->fn };
    f->layers[0] = &f->layer[0];
    f->layers[1] = &f->layer[1];
    f->state[0] = "momentum";
    f->scalars[0] = "beta1_t";
    f->optim = (luron_optim_type){ .struct_size = sizeof f->optim, .name = "Descent", .state = f->state,
                                   .scalars = f->scalars, .step = step };
    f->optims[0] = &f->optim;
    f->format = (luron_format_type){ .struct_size = sizeof f->format, .name = "fmt", .read = read_file };
    f->formats[0] = &f->format;
    f->plugin = (luron_plugin){ .struct_size = sizeof f->plugin, .abi_major = LURON_ABI_MAJOR, .name = "spoiled",
                                .version = "1", .layers = f->layers, .optims = f->optims, .formats = f->formats };
}

/* Spoil it in way i; gives what the message must say, NULL past the last way. */
static const char *spoil_plugin(fixture *f, int i) {
    switch (i) {
    case 0: f->plugin.abi_major = 2; return "built for plugin ABI 2, this host has ABI 1.0";
    case 1: f->plugin.abi_major = 0; return "built for plugin ABI 0, this host has ABI 1.0";
    case 2: f->plugin.abi_minor = 1; return "needs plugin ABI 1.1 or newer, this host has 1.0";
    case 3: f->plugin.struct_size = sizeof f->plugin - 8; return "its luron_plugin has 56 bytes, at least 64 expected";
    case 4: f->plugin.name = NULL; return "name of the plugin: identifier expected, got NULL";
    case 5: f->plugin.name = "no name"; return "name of the plugin: identifier of at most 63 characters expected, got 'no name'";
    case 6: f->plugin.layers = NULL; f->plugin.optims = NULL; f->plugin.formats = NULL; return "it lists no layer type, no optimiser and no format";
    case 7: f->layers[0] = NULL; f->plugin.optims = NULL; f->formats[0] = NULL; return "it lists no layer type, no optimiser and no format";
    case 8: for (int k = 0; k < 257; k++) f->layers[k] = &f->layer[0]; return "more than 256 types";
    case 9: f->plugin.version = "1234567890123456789012345678901234567890123456789012345678901234"; return "its version has more than 63 characters";
    case 10: f->optim.struct_size = 16; return "a luron_optim_type has 16 bytes, at least 72 expected";
    case 11: f->optim.name = NULL; return "name of optimiser type 1: identifier expected, got NULL";
    case 12: f->optim.step = NULL; return "optimiser type 'Descent': step is missing";
    case 13: f->state[1] = "momentum"; return "optimiser type 'Descent': state 'momentum' is there twice";
    case 14: f->scalars[0] = "a/b"; return "scalars: identifier of at most 63 characters expected, got 'a/b'";
    case 15: f->format.struct_size = 0; return "a luron_format_type has 0 bytes, at least 80 expected";
    case 16: f->format.name = ""; return "name of format 1: identifier of at most 63 characters expected, got ''";
    case 17: f->format.read = NULL; return "format 'fmt': neither read nor write is there";
    case 18: f->format.over = "x y"; return "format 'fmt': over: identifier";
    case 19: f->formats[1] = &f->format; return "format 'fmt': there are two of this name in plugin 'spoiled'";
    case 20: f->plugin.version = "1.\xff"; return "its version is not UTF-8";
    default: return NULL;
    }
}

static const char *spoil_layer(fixture *f, int i) {
    luron_layer_type *l = &f->layer[0];
    switch (i) {
    case 0: l->struct_size = offsetof(luron_layer_type, elementwise); return "a luron_layer_type has 112 bytes, at least 120 expected";
    case 1: l->name = NULL; return "name of layer type 1: identifier expected, got NULL";
    case 2: l->name = "1st"; return "name of layer type 1: identifier of at most 63 characters expected, got '1st'";
    case 3: l->name = "A\nB"; return "got 'A?B'";
    case 4: l->function = "a.b"; return "layer type 'Spoiled': function: identifier";
    case 5: l->forward = NULL; l->backward = NULL; l->compose = NULL; return "layer type 'Spoiled': none of elementwise, forward and compose is there";
    case 6: l->backward = NULL; return "layer type 'Spoiled': forward without backward";
    case 7: l->forward = NULL; return "layer type 'Spoiled': backward without forward";
    case 8: l->elementwise = &f->fn; return "layer type 'Spoiled': elementwise and forward: one of the two expected";
    case 9: f->fn.apply = NULL; return "layer type 'Other': elementwise without apply";
    case 10: f->fn.derive = NULL; return "layer type 'Other': elementwise without derive";
    case 11: f->fn.struct_size = 8; return "layer type 'Other': its luron_elementwise has 8 bytes, at least 24 expected";
    case 12: f->layer[1].in = f->ins; return "layer type 'Other': elementwise with other ports than one input and one output";
    case 13: f->layer[1].name = "Spoiled"; return "layer type 'Spoiled': there are two of this name in plugin 'spoiled'";
    case 14: f->layer[1].function = "spoiled"; return "layer type 'Other': function 'spoiled' is that of 'Spoiled' too";
    case 15: f->in[0].name = NULL; return "name of input port 1: identifier expected, got NULL";
    case 16: f->in[1].name = "input"; return "input port 'input': there are two of this name";
    case 17: f->in[0].struct_size = 4; return "a luron_port has 4 bytes, at least 32 expected";
    case 18: f->in[0].dtype = 7; return "input port 'input': unknown dtype 0x7";
    case 19: f->in[0].ndim = 9; return "input port 'input': ndim from 0 to 8 expected, got 9";
    case 20: f->in[0].flags = LURON_PORT_VARIADIC; return "input port 'input': only the last port can be variadic";
    case 21: f->out[0].flags = LURON_PORT_OPTIONAL; return "output port 'output': an output is neither optional nor variadic";
    case 22: f->outs[0] = NULL; return "layer type 'Spoiled': no output port";
    case 23: for (int k = 0; k < 33; k++) f->ins[k] = &f->in[0]; return "more than 32 input ports";
    case 24: f->ins[0] = NULL; l->setup = NULL; return "a layer without inputs needs setup";
    case 25: f->in[1].dtype = LURON_F32; return "input port 'target': ids are int64, int32 or uint8, got float32";
    case 26: f->out[0].dtype = LURON_B8; f->out[0].flags = LURON_PORT_INDEX; return "output port 'output': ids are int64, int32 or uint8, got bool";
    case 27: f->in[1].flags |= LURON_PORT_MASK; return "input port 'target': a mask has dtype LURON_REAL and holds no ids";
    case 28: l->forward_backward = code; l->forward = l->backward = NULL; return "layer type 'Spoiled': forward_backward without forward and backward";
    default: return NULL;
    }
}

static const char *spoil_option(fixture *f, int i) {
    luron_option *count = &f->option[0], *mode = &f->option[1], *size = &f->option[2];
    switch (i) {
    case 0: f->layer[0].options_size = 0; return "layer type 'Spoiled': options_size is missing: it has 3 options";
    case 1: f->layer[0].options_size = 1 << 20; return "options_size 1048576 is above 65536";
    case 2: count->name = NULL; return "layer type 'Spoiled': name of option 1: identifier expected, got NULL";
    case 3: mode->name = "count"; return "option 'count': there are two of this name";
    case 4: count->offset = sizeof(values); return "option 'count': its member at offset 104 with 8 bytes lies outside the options struct of 104 bytes";
    case 5: count->offset = UINT32_MAX; return "lies outside the options struct";
    case 6: count->offset = 4; return "option 'count': its member at offset 4 is misaligned";
    case 7: count->kind = LURON_FLOATS + 1; return "option 'count': unknown kind 11";
    case 8: count->kind = 0; return "option 'count': unknown kind 0";
    case 9: mode->choices = NULL; return "option 'mode': a choice without choices";
    case 10: f->choices[0] = NULL; return "option 'mode': a choice without choices";
    case 11: mode->default_string = "max"; return "option 'mode': default 'max' is none of its choices";
    case 12: f->choices[0] = "sum"; return "option 'mode': choice 'sum' is there twice";
    case 13: count->default_number = 6; return "option 'count': default 6 is outside the range from 1 to 5";
    case 14: count->default_number = 1.5; return "option 'count': default 1.5 is no integer";
    case 15: count->default_number = NAN; return "option 'count': default nan is no integer";
    case 16: count->min = 9; return "option 'count': range from 9 to 5";
    case 17: count->max = NAN; return "option 'count': range from 1 to nan";
    case 18: size->n_min = 4; return "option 'size': n_min 4 and n_max 3";
    case 19: size->n_max = 9; return "option 'size': n_min 2 and n_max 9";
    case 20: size->n_min = -1; return "option 'size': n_min -1 and n_max 3";
    case 21: mode->kind = LURON_BOOL; mode->default_number = 2; return "option 'mode': default of a boolean: 0 or 1 expected, got 2";
    case 22: mode->offset = offsetof(values, a) + 4; return "option 'mode': shares its member with option 'count'";
    case 23: count->struct_size = 80; return "a luron_option has 80 bytes, at least 88 expected";
    case 24: for (int k = 0; k < 65; k++) f->options[k] = count; return "more than 64 options";
    case 25: f->choices[0] = "\xe4"; return "option 'mode': choice 1 is not UTF-8";
    case 26: size->kind = LURON_STRING; size->default_string = "a\xff"; return "option 'size': its default is not UTF-8";
    default: return NULL;
    }
}

static void check_all(const char *(*spoil)(fixture *, int), int n) {
    static fixture f, good;
    luron_ctx *ctx;
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    int64_t blocks = luron_ctx_live_blocks(ctx);
    int i = 0;
    for (;; i++) {
        prepare(&f);
        const char *text = spoil(&f, i);
        if (!text) break;
        expect_error(ctx, luron_plugin_add(ctx, &f.plugin, "/some/where.so"), LURON_E_PLUGIN, text);
        expect_error(ctx, luron_ctx_status(ctx), LURON_E_PLUGIN, "plugin /some/where.so refused: ");
        for (int kind = LURON_KIND_LAYER; kind <= LURON_KIND_FORMAT; kind++)
            assert_null(luron_type_at(ctx, (luron_kind)kind, 0));
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        assert_int_equal(calls, 0);
    }
    assert_int_equal(i, n); /* the whole table was gone through */
    prepare(&good);
    if (luron_plugin_add(ctx, &good.plugin, "/good.so")) fail_msg("%s", luron_ctx_error(ctx));
    assert_string_equal(luron_type_name(luron_type_at(ctx, LURON_KIND_LAYER, 1)), "Other");
    luron_ctx_free(ctx);
}

static void test_descriptor_of_plugin(void **state) { (void)state; check_all(spoil_plugin, 21); }
static void test_descriptor_of_layer(void **state) { (void)state; check_all(spoil_layer, 29); }
static void test_descriptor_of_option(void **state) { (void)state; check_all(spoil_option, 27); }

static void test_descriptor_duplicates_across_plugins(void **state) {
    (void)state;
    static fixture first, second;
    luron_ctx *ctx;
    const luron_type *type;
    prepare(&first);
    prepare(&second);
    second.plugin.name = "latecomer";
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    assert_int_equal(luron_plugin_add(ctx, &first.plugin, "/a.so"), LURON_OK);
    expect_error(ctx, luron_plugin_add(ctx, &second.plugin, "/b.so"), LURON_E_PLUGIN,
                 "plugin /b.so refused: layer type 'Spoiled': plugin 'latecomer' cannot register it, plugin 'spoiled' (/a.so) has it already");
    second.layer[0].name = "spoiled"; /* names are case-sensitive */
    second.layer[1].name = "Another";
    expect_error(ctx, luron_plugin_add(ctx, &second.plugin, "/b.so"), LURON_E_PLUGIN,
                 "function 'spoiled' of plugin 'latecomer' is registered already by 'Spoiled' of plugin 'spoiled' (/a.so)");
    second.layer[0].function = NULL;
    expect_error(ctx, luron_plugin_add(ctx, &second.plugin, "/b.so"), LURON_E_PLUGIN,
                 "optimiser type 'Descent': plugin 'latecomer' cannot register it");
    assert_null(luron_type_at(ctx, LURON_KIND_LAYER, 2)); /* all or nothing */
    second.optim.name = "Spoiled"; /* another kind: another name space */
    second.format.name = "fmt2";
    if (luron_plugin_add(ctx, &second.plugin, "/b.so")) fail_msg("%s", luron_ctx_error(ctx));
    assert_int_equal(luron_type_find(&type, ctx, LURON_KIND_OPTIM, "Spoiled"), LURON_OK);
    assert_string_equal(luron_type_plugin(type), "latecomer");
    assert_int_equal(luron_plugin_add(ctx, &first.plugin, "/a.so"), LURON_OK); /* the same once more: nothing to do */
    assert_null(luron_type_at(ctx, LURON_KIND_LAYER, 4));
    luron_ctx_free(ctx);
}

static void test_descriptor_is_readable_afterwards(void **state) {
    (void)state;
    static fixture f;
    luron_ctx *ctx;
    const luron_type *t;
    prepare(&f);
    f.plugin.version = NULL;
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    assert_int_equal(luron_plugin_add(ctx, &f.plugin, NULL), LURON_OK);
    assert_int_equal(luron_function_find(&t, ctx, "spoiled"), LURON_OK);
    assert_string_equal(luron_type_name(t), "Spoiled");
    assert_string_equal(luron_type_option(t, 2)->name, "size");
    assert_null(luron_type_option(t, 3));
    assert_null(luron_type_option(t, -1));
    assert_string_equal(luron_type_in(t, 1)->name, "target");
    assert_null(luron_type_in(t, 2));
    assert_string_equal(luron_type_out(t, 0)->name, "output");
    assert_string_equal(luron_type_plugin_version(t), "0");
    assert_string_equal(luron_type_plugin_path(t), "(linked in)");
    assert_int_equal(luron_type_find(&t, ctx, LURON_KIND_LAYER, "Other"), LURON_OK);
    assert_string_equal(luron_type_in(t, 0)->name, "input"); /* ports that are not given */
    assert_string_equal(luron_type_out(t, 0)->name, "output");
    expect_error(ctx, luron_plugin_add(ctx, NULL, "x"), LURON_E_ARGUMENT, "got NULL");
    luron_ctx_free(ctx);
}

static void test_descriptor_out_of_memory(void **state) {
    (void)state;
    static fixture f;
    luron_ctx *ctx;
    prepare(&f);
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    luron_status status = LURON_E_NOMEM;
    int k = 0;
    while (status == LURON_E_NOMEM) {
        assert_null(luron_type_at(ctx, LURON_KIND_LAYER, 0));
        luron_ctx_fail_alloc(ctx, ++k, 0);
        status = luron_plugin_add(ctx, &f.plugin, "/a.so");
    }
    luron_ctx_fail_alloc(ctx, 0, 0);
    assert_int_equal(status, LURON_OK);
    assert_true(k > 15);
    luron_ctx_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptor_of_plugin),
        cmocka_unit_test(test_descriptor_of_layer),
        cmocka_unit_test(test_descriptor_of_option),
        cmocka_unit_test(test_descriptor_duplicates_across_plugins),
        cmocka_unit_test(test_descriptor_is_readable_afterwards),
        cmocka_unit_test(test_descriptor_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
