/* Inputs that a layer refuses, and plugins that misuse the host: each is refused with the plugin and the layer named. */
#include "fake_bench.h"

#include <stdio.h>

static void test_layer_errors_inputs_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *pair = make(ctx, "Pair", "{\"n\": 2}"), *mix = make(ctx, "Mix", NULL),
                *table = make(ctx, "Table", "{\"n\": 10, \"width\": 1}");
    luron_tensor *a = tensor_row(ctx, LURON_F32, 1, 2), *d = tensor_row(ctx, LURON_F64, 1, 2),
                 *m = zeros(ctx, LURON_F32, 1, 2), *h = tensor_row(ctx, LURON_F16, 1, 2), *y[2];
    luron_tensor *in[3] = {NULL, a, a};
    assert_fails(ctx, luron_layer_apply(y, ctx, pair, 0, NULL), LURON_E_ARGUMENT,
                 "at least 1 input expected (a, b (optional)), got 0");
    assert_fails(ctx, luron_layer_apply(y, ctx, pair, 3, in), LURON_E_ARGUMENT,
                 "at least 2 inputs expected (a, b (optional)), got 3");
    assert_fails(ctx, luron_layer_apply(y, ctx, pair, 2, in), LURON_E_ARGUMENT, "input 'a' is absent");
    in[0] = m;
    assert_fails(ctx, luron_layer_apply(y, ctx, pair, 2, in), LURON_E_SHAPE,
                 "a has 2 dimensions, 1 expected: (n); given a (1, 2), b (2,)");
    in[0] = a, in[1] = NULL;
    assert_fails(ctx, luron_layer_apply(y, ctx, mix, 2, in), LURON_E_ARGUMENT, "input 'xs' is absent");
    assert_fails(ctx, luron_layer_apply(y, ctx, mix, 0, NULL), LURON_E_ARGUMENT, "(xs ...), got 0");
    in[1] = d;
    assert_fails(ctx, luron_layer_apply(y, ctx, mix, 2, in), LURON_E_DTYPE,
                 "xs is float64, xs is float32: cast one of them");
    assert_fails(ctx, luron_layer_apply(y, ctx, mix, 1, &h), LURON_E_DTYPE,
                 "xs is float16, float32 or float64 is expected");
    assert_fails(ctx, luron_layer_apply(y, ctx, table, 1, &a), LURON_E_DTYPE,
                 "ids is float32: ids are int64, int32 or uint8");
    assert_fails(ctx, luron_layer_apply(y, ctx, table, -1, NULL), LURON_E_ARGUMENT, "-1 inputs");
    luron_tensor *all[] = {a, d, m, h};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
    luron_layer_unref(pair);
    luron_layer_unref(mix);
    luron_layer_unref(table);
}

static void test_layer_errors_ids(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *table = make(ctx, "Table", "{\"n\": 10, \"width\": 1}");
    const uint32_t dtypes[] = {LURON_I64, LURON_I32, LURON_U8};
    for (int base = 0; base < 2; base++) {
        luron_ctx_set_index_base(ctx, base);
        for (int i = 0; i < 3; i++) {
            luron_tensor *good = tensor_row(ctx, dtypes[i], base, 9 + base),
                         *big = tensor_row(ctx, dtypes[i], 3, 4, 12, 0), *y;
            assert_ok(ctx, luron_layer_apply(&y, ctx, table, 1, &good));
            const float *rows = luron_tensor_data(luron_layer_param(table, 0));
            assert_tensor_close(y, ((const double[]){rows[0], rows[9]}), 2, 0, 0);
            luron_tensor_unref(y);
            assert_fails(ctx, luron_layer_apply(&y, ctx, table, 1, &big), LURON_E_RANGE,
                         base ? "ids: id 12 at position 3 is not within 1 to 10; given ids (4,)"
                              : "ids: id 12 at position 2 is not within 0 to 9; given ids (4,)");
            luron_tensor_unref(good);
            luron_tensor_unref(big);
        }
    }
    luron_tensor *zero = tensor_of(ctx, LURON_I64, 2, (const int64_t[]){2, 2}, (const double[]){1, 2, 0, 1}),
                 *minus = tensor_row(ctx, LURON_I64, -1), *y;
    assert_fails(ctx, luron_layer_apply(&y, ctx, table, 1, &zero), LURON_E_RANGE,
                 "id 0 at position (2, 1) is not within 1 to 10 (ids count from 1 here: 0 is no id; add 1 to labels "
                 "that count from 0)");
    assert_fails(ctx, luron_layer_apply(&y, ctx, table, 1, &minus), LURON_E_RANGE,
                 "id -1 at position 1 is not within 1 to 10");
    luron_tensor_unref(zero);
    luron_tensor_unref(minus);
    luron_layer_unref(table);
}

typedef struct misuse {
    const char *how;
    luron_status status;
    const char *text;
} misuse;

static void test_layer_errors_plugin_misuse_in_declare(void **state) {
    luron_ctx *ctx = *state;
    static const misuse cases[] = {
        {"declare_set_out", LURON_E_STATE, "plugin 'fakes': set_out can be called in setup alone"},
        {"param_slot", LURON_E_PLUGIN, "plugin 'fakes': declare_param: slot 16 is not within 0 to 15"},
        {"param_name", LURON_E_PLUGIN, "plugin 'fakes': declare_param: slot 0 needs a name"},
        {"param_twice", LURON_E_PLUGIN, "plugin 'fakes': declare_state: the name 'w' is taken"},
        {"param_shape", LURON_E_PLUGIN, "plugin 'fakes': declare_param: slot 0: shape (-2,) has a negative size"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char options[64];
        luron_layer *layer = NULL;
        snprintf(options, sizeof options, "{\"how\": \"%s\"}", cases[i].how);
        assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Bad", options), cases[i].status, cases[i].text);
        assert_non_null(strstr(luron_ctx_error(ctx), "layer Bad { how = "));
        assert_null(layer);
    }
}

static void test_layer_errors_plugin_misuse(void **state) {
    luron_ctx *ctx = *state;
    static const misuse cases[] = {
        {"negative", LURON_E_PLUGIN, "plugin 'fakes': set_out: output 0: shape (-3,) has a negative size"},
        {"rank", LURON_E_PLUGIN, "plugin 'fakes': set_out: output 0: 9 dimensions"},
        {"overflow", LURON_E_PLUGIN, "is too large"},
        {"dtype", LURON_E_PLUGIN, "plugin 'fakes': set_out: output 0: 0x999 is no dtype"},
        {"wrong_dtype", LURON_E_PLUGIN, "output 0 is int64, its port says float32"},
        {"rank_of_port", LURON_E_PLUGIN, "output 0 has 1 dimensions, its port says 2"},
        {"output_slot", LURON_E_PLUGIN, "set_out: output 16 is not within 0 to 0"},
        {"no_output", LURON_E_PLUGIN, "plugin 'fakes' set no shape for output 0"},
        {"saved_slot", LURON_E_PLUGIN, "declare_saved: slot -1 is not within 0 to 15"},
        {"scratch", LURON_E_PLUGIN, "declare_scratch: -8 bytes"},
        {"fail", LURON_E_RANGE, ": 12 is too much; given input (2, 3)"},
        {"silent", LURON_E_UNSUPPORTED, "plugin 'fakes' failed in forward and did not say why (not supported)"},
        {"strange_status", LURON_E_PLUGIN, "did not say why"},
        {"hidden_fail", LURON_E_RANGE, "said, and then forgotten"},
        {"two_fails", LURON_E_RANGE, "the first"},
        {"late_setup", LURON_E_STATE, "set_out can be called in setup alone"},
        {"gemm_shape", LURON_E_PLUGIN, "gemm: shapes do not fit: a (2, 3), b (2, 3), bias none, out (2, 3)"},
        {"gemm_dtype", LURON_E_PLUGIN, "gemm: a is float64, out is float32"},
        {"gemm_no_data", LURON_E_PLUGIN, "gemm: a has no data"},
        {"sum_to", LURON_E_PLUGIN, "sum_to: src (2, 3) does not sum to dst (7,)"},
        {"sum_to_rank", LURON_E_PLUGIN, "sum_to: src has 2 dimensions, dst 1073741824: 8 at most expected"},
        {"uniform", LURON_E_PLUGIN, "rand_uniform: 2 numbers from -5 on"},
        {"conv_rank", LURON_E_PLUGIN, "conv: w has 1073741824 dimensions, 5 at most expected"},
        {"conv_work", LURON_E_PLUGIN, "conv: work has 0 bytes of the scratch memory"},
        {"conv_groups", LURON_E_PLUGIN, "conv: shapes do not fit: x (1, 1, 2, 3), w (0, 2, 1, 1), output (1, 1, 2, 3), bias none, 9223372036854775807 groups"},
        {"conv_strides", LURON_E_PLUGIN, "conv: x has strides: one piece of memory expected"},
        {"conv_shared", LURON_E_PLUGIN, "conv: out shares memory with x"},
    };
    luron_tensor *x = zeros(ctx, LURON_F32, 2, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char options[64];
        snprintf(options, sizeof options, "{\"how\": \"%s\"}", cases[i].how);
        luron_layer *layer = make(ctx, "Bad", options);
        luron_tensor *y = NULL;
        assert_ok(ctx, luron_layer_set_name(ctx, layer, "net.bad"));
        assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), cases[i].status, cases[i].text);
        assert_non_null(strstr(luron_ctx_error(ctx), "layer 'net.bad' = Bad { how = "));
        assert_null(y);
        luron_layer_unref(layer);
    }
    luron_tensor_unref(x);
}

/* Text that does not fit is cut, not written beyond. */
static void test_layer_errors_long_messages(void **state) {
    luron_ctx *ctx = *state;
    char name[2000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    luron_layer *mix = make(ctx, "Mix", NULL);
    enum { N = 60 };
    luron_tensor *x[N], *y;
    assert_ok(ctx, luron_layer_set_name(ctx, mix, "m"));
    for (int i = 0; i < N; i++) x[i] = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){1, 1, i == N - 1 ? 2 : 1}, NULL);
    assert_fails(ctx, luron_layer_apply(&y, ctx, mix, N, x), LURON_E_SHAPE,
                 "input 59 has another size; given xs (1, 1, 1), xs");
    assert_string_equal(luron_ctx_error(ctx) + strlen(luron_ctx_error(ctx)) - 5, ", ...");
    assert_ok(ctx, luron_layer_set_name(ctx, mix, name));
    assert_fails(ctx, luron_layer_apply(&y, ctx, mix, N, x), LURON_E_SHAPE, "nnn");
    for (int i = 0; i < N; i++) luron_tensor_unref(x[i]);
    luron_layer_unref(mix);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fake_test(test_layer_errors_inputs_refused),
        fake_test(test_layer_errors_ids),
        fake_test(test_layer_errors_plugin_misuse_in_declare),
        fake_test(test_layer_errors_plugin_misuse),
        fake_test(test_layer_errors_long_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
