/* test_frozen.c -- frozen/frozen-x86_64.so was compiled from frozen.c against the header of 1.0 (plugin-1.0.h) and is
 * never compiled again: it has to give the same numbers, gradients and files with every Luron of this major. So has its
 * source against the header of today. On other machines the source against the old header takes the place of the
 * binary.   */
#include "frozen_tools.h"

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */
static void test_frozen_is_read_as_it_was_written(void **state) {
    luron_ctx *ctx = *state;
    static const char *const names[3][7] = {
        {"FrozenAffine", "FrozenNoise", "FrozenSum", "FrozenSwish", "FrozenRamp", "FrozenOps"},
        {"FrozenDescent", "FrozenWhole"},
        {"frozen_file"}};
    static const uint32_t kinds[] = {LURON_INT,  LURON_FLOAT, LURON_BOOL, LURON_CHOICE,     LURON_STRING,
                                     LURON_INTS, LURON_AXIS,  LURON_ID,   LURON_INITIALISER};
    const luron_type *type;
    for (int kind = 0; kind < 3; kind++)
        for (int i = 0; i < 7; i++) {
            type = luron_type_at(ctx, (luron_kind)kind, i);
            if (!names[kind][i]) {
                assert_null(type);
                break;
            }
            assert_string_equal(luron_type_name(type), names[kind][i]);
            assert_int_equal(luron_type_plugin_abi(type), 0);
        }
    type = luron_type_at(ctx, LURON_KIND_LAYER, 0);
    for (int i = 0; i < 9; i++)
        assert_int_equal(luron_type_option(type, i)->kind, kinds[i]);
    assert_null(luron_type_option(type, 9));
    assert_int_equal(luron_type_option(type, 0)->flags, LURON_OPTION_REQUIRED);
    assert_true(luron_type_option(type, 1)->min == -100 && luron_type_option(type, 1)->max == 100);
    assert_string_equal(luron_type_option(type, 3)->choices[1], "twice");
    assert_int_equal(luron_type_in(type, 1)->flags, LURON_PORT_OPTIONAL | LURON_PORT_INDEX);
    assert_int_equal(luron_type_flags(type), LURON_LAYER_F64 | LURON_LAYER_FREES_OUT);
    assert_int_equal(luron_type_forms(type), LURON_FORM_FUSED | LURON_FORM_COMPOSE);
    assert_string_equal(luron_type_out(luron_type_at(ctx, LURON_KIND_LAYER, 2), 1)->name, "count");
    GOOD(luron_function_find(&type, ctx, "frozen_swish"));
    assert_int_equal(luron_type_forms(type), LURON_FORM_ELEMENTWISE);
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */
enum { ROWS = 5, IN = 3, OUT = 2 };

/* of: input, weight, bias; y = row (x W^T + b), and the gradients of its sum. */
static void expect_affine(luron_ctx *ctx, const double row[ROWS], luron_tensor *const of[3], luron_tensor *y,
                          double tolerance) {
    const double *xs = read_out(ctx, of[0]), *w = read_out(ctx, of[1]), *b = read_out(ctx, of[2]),
                 *ys = read_out(ctx, y);
    const double *gx = read_out(ctx, luron_tensor_grad(of[0])), *gw = read_out(ctx, luron_tensor_grad(of[1])),
                 *gb = read_out(ctx, luron_tensor_grad(of[2]));
    double rows = 0;
    for (int r = 0; r < ROWS; r++) {
        rows += row[r];
        for (int o = 0; o < OUT; o++) {
            double want = b[o];
            for (int i = 0; i < IN; i++)
                want += xs[r * IN + i] * w[o * IN + i];
            near("y", r * OUT + o, ys[r * OUT + o], want * row[r], tolerance);
        }
    }
    for (int i = 0; i < ROWS * IN; i++)
        near("gx", i, gx[i], row[i / IN] * (w[i % IN] + w[IN + i % IN]), tolerance);
    for (int i = 0; i < OUT * IN; i++) {
        double want = 0;
        for (int r = 0; r < ROWS; r++)
            want += row[r] * xs[r * IN + i % IN];
        near("gw", i, gw[i], want, tolerance);
    }
    for (int o = 0; o < OUT; o++)
        near("gb", o, gb[o], rows, tolerance);
}

static void affine(luron_ctx *ctx, uint32_t dtype, int base, bool has_ids) {
    luron_ctx_set_index_base(ctx, base);
    luron_layer *layer = layer_of(ctx, "FrozenAffine",
                                  "{\"in_features\": 3, \"gain\": 0.5, \"mode\": \"twice\", \"note\": \"note\", "
                                  "\"sizes\": 2, \"axis\": -1, \"skip\": 2, "
                                  "\"weight_init\": \"uniform(0.25, 0.5)\"}");
    GOOD(luron_layer_set_dtype(ctx, layer, dtype));
    luron_tensor *x = numbers(ctx, dtype, 2, (const int64_t[]){ROWS, IN}), *y, *ids;
    const int64_t raw[ROWS] = {base, 3 + base, 2 + base, 1 + base, base};
    GOOD(luron_tensor_from(&ids, ctx, LURON_I64, 1, (const int64_t[]){ROWS}, raw));
    luron_tensor *ins[] = {x, ids}, *of[] = {x, luron_layer_param(layer, 0), luron_layer_param(layer, 1)};
    const int n_in = has_ids ? 2 : 1;
    GOOD(luron_layer_apply(&y, ctx, layer, n_in, ins));
    luron_tensor_unref(y);
    GOOD(luron_layer_apply(&y, ctx, layer, n_in, ins));
    back(ctx, y);
    assert_true(read_out(ctx, of[1])[0] >= 0.25 && read_out(ctx, of[1])[0] < 0.5);
    assert_true(read_out(ctx, of[2])[1] == 0.5);
    assert_true(read_out(ctx, luron_layer_state(layer, 0))[0] == 2);
    double row[ROWS];
    for (int r = 0; r < ROWS; r++) {
        row[r] = -2; /* gain 0.5, twice, scale 2, and the note */
        if (has_ids) row[r] *= raw[r] - base == 2 ? 0 : (double)(raw[r] - base + 1);
    }
    expect_affine(ctx, row, of, y, dtype == LURON_F64 ? 1e-13 : 1e-5);
    luron_tensor *all[] = {x, y, ids};
    for (int i = 0; i < 3; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
}

/* Strict mode compares compose with forward on the way, and looks for much else. */
static void test_frozen_affine(void **state) {
    luron_ctx *ctx = *state;
    for (int i = 0; i < 16; i++) {
        luron_ctx_set_strict(ctx, i >> 3);
        affine(ctx, i & 1 ? LURON_F64 : LURON_F32, i >> 1 & 1, i >> 2 & 1);
    }
    luron_layer *layer = layer_of(ctx, "FrozenAffine", "{\"in_features\": 4, \"sizes\": [2, 1], \"bias\": false}");
    luron_tensor *x = numbers(ctx, LURON_F32, 2, (const int64_t[]){5, 3}),
                 *wide = numbers(ctx, LURON_F32, 2, (const int64_t[]){2, 4}), *y, *ids;
    assert_int_equal(luron_layer_n_params(layer), 1);
    expect_error(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), LURON_E_SHAPE, "input has 3 features, 4 expected");
    GOOD(luron_tensor_from(&ids, ctx, LURON_I32, 1, (const int64_t[]){2}, (const int32_t[]){1, 9}));
    luron_tensor *ins[] = {wide, ids};
    expect_error(ctx, luron_layer_apply(&y, ctx, layer, 2, ins), LURON_E_RANGE,
                 "ids: id 9 at position 2 is not within 1 to 4");
    expect_error(ctx, luron_layer_from_json(&layer, ctx, "FrozenAffine", "{\"in_features\": 4}"), LURON_E_ARGUMENT,
                 "sizes: integer from 1 to 1000");
    luron_tensor *all[] = {x, wide, ids};
    for (int i = 0; i < 3; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
}

static void test_frozen_second_derivatives(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = layer_of(ctx, "FrozenAffine", "{\"in_features\": 3, \"sizes\": 2}");
    luron_tensor *x = numbers(ctx, LURON_F32, 2, (const int64_t[]){1, 3}), *y, *squared, *sum, *first, *total;
    GOOD(luron_layer_apply(&y, ctx, layer, 1, &x));
    GOOD(luron_square(&squared, ctx, y));
    GOOD(luron_sum(&sum, ctx, squared, 0, NULL, 0));
    GOOD(luron_grad(&first, ctx, 1, &sum, NULL, 1, &x, LURON_CREATE_GRAPH));
    GOOD(luron_sum(&total, ctx, first, 0, NULL, 0));
    GOOD(luron_backward(ctx, total, NULL, 0));
    const double *w = read_out(ctx, luron_layer_param(layer, 0)), *gx = read_out(ctx, luron_tensor_grad(x));
    for (int i = 0; i < 3; i++) { /* y = 2 (x W^T + b): d/dx of the sum of the gradient of y^2 is 8 W^T W 1 */
        double want = 0;
        for (int o = 0; o < 2; o++)
            want += 8 * w[o * 3 + i] * (w[o * 3] + w[o * 3 + 1] + w[o * 3 + 2]);
        near("second", i, gx[i], want, 1e-5);
    }
    luron_tensor *all[] = {x, y, squared, sum, first, total};
    for (int i = 0; i < 6; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
}

static void test_frozen_noise_and_sum(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *noise = layer_of(ctx, "FrozenNoise", NULL), *sum = layer_of(ctx, "FrozenSum", NULL);
    luron_tensor *x = numbers(ctx, LURON_F32, 2, (const int64_t[]){5, 7}), *y, *again, *outs[2];
    GOOD(luron_layer_apply(&y, ctx, noise, 1, &x)); /* makes its parameter, which takes a random position */
    luron_tensor_unref(y);
    luron_ctx_seed(ctx, 5);
    GOOD(luron_layer_apply(&y, ctx, noise, 1, &x));
    assert_int_equal(luron_layer_n_params(noise), 1);
    back(ctx, y);
    const double *xs = read_out(ctx, x), *ys = read_out(ctx, y), *gx = read_out(ctx, luron_tensor_grad(x));
    for (int i = 0; i < 35; i++) {
        assert_true(gx[i] >= 0 && gx[i] < 1); /* u itself */
        near("noise", i, ys[i], xs[i] * gx[i], 1e-6);
    }
    luron_ctx_seed(ctx, 5);
    GOOD(luron_layer_apply(&again, ctx, noise, 1, &x));
    assert_memory_equal(read_out(ctx, again), ys, 35 * sizeof *ys);
    GOOD(luron_tensor_set_grad(ctx, x, NULL));
    luron_tensor *ins[] = {x, again, x, x, x, x, x, x, x, x};
    GOOD(luron_layer_apply(outs, ctx, sum, 10, ins));
    assert_true(read_out(ctx, outs[1])[0] == 10);
    back(ctx, outs[0]);
    const double *s = read_out(ctx, outs[0]), *ga = read_out(ctx, luron_tensor_grad(x));
    for (int i = 0; i < 35; i++) {
        near("sum", i, s[i], 9 * xs[i] + ys[i], 1e-5);
        near("gradient", i, ga[i], 9 + gx[i], 1e-6);
    }
    luron_tensor *all[] = {x, y, again, outs[0], outs[1]};
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(noise), luron_layer_unref(sum);
}

static void test_frozen_elementwise(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *swish = layer_of(ctx, "FrozenSwish", "{\"beta\": 1.5}"), *ramp = layer_of(ctx, "FrozenRamp", NULL);
    for (int i = 0; i < 3; i++) {
        const uint32_t dtype = i == 1 ? LURON_F64 : LURON_F32;
        const double tolerance = i == 1 ? 1e-13 : 1e-5;
        luron_tensor *x = numbers(ctx, dtype, 1, (const int64_t[]){60}), *centred, *y;
        GOOD(luron_scale(&centred, ctx, x, 1, -0.5));
        luron_ctx_set_strict(ctx, 1);
        GOOD(luron_layer_apply(&y, ctx, i == 2 ? ramp : swish, 1, &centred));
        back(ctx, y);
        const double *xs = read_out(ctx, centred), *ys = read_out(ctx, y), *gx = read_out(ctx, luron_tensor_grad(x));
        for (int k = 0; k < 60; k++) {
            const double v = xs[k], s = 1 / (1 + exp(-1.5 * v));
            near("y", k, ys[k], i == 2 ? fmax(v, 0) : v * s, tolerance);
            near("gradient", k, gx[k], i == 2 ? v > 0 : s + 1.5 * v * s * (1 - s), tolerance);
        }
        luron_tensor *all[] = {x, centred, y};
        for (int k = 0; k < 3; k++)
            luron_tensor_unref(all[k]);
    }
    luron_layer_unref(swish), luron_layer_unref(ramp);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        frozen_test(test_frozen_is_read_as_it_was_written),
        frozen_test(test_frozen_affine),
        frozen_test(test_frozen_second_derivatives),
        frozen_test(test_frozen_noise_and_sum),
        frozen_test(test_frozen_elementwise),
    };
    int failed = cmocka_run_group_tests_name("the binary of 1.0", tests, binary_setup, group_teardown);
    return failed +
           cmocka_run_group_tests_name("its source with the header of today", tests, source_setup, group_teardown);
}
