/* DeformConv2d against numbers of PyTorch (tests/data/make_deform.py) and against Conv2d. */
#include "layer_check.h"
#include "made.h"
#include "put.h"
#include "refused.h"

#include "../data/deform_reference.h"

#include <math.h>
#include <stdio.h>

#define KERNEL(in, out, kernel) "{\"in_channels\": " #in ", \"out_channels\": " #out ", \"kernel_size\": " kernel

static void test_deform_gradients(void **state) {
    static const layer_case cases[] = {
        {"DeformConv2d",
         KERNEL(2, 3, "2") "}",
         2,
         {{INPUT_SHAPE(2, 2, 3, 4)}, {INPUT_SHAPE(2, 8, 2, 3), .lo = 0.05, .hi = 0.95}},
         .tol = 1e-7,
         .order = 2},
        {"DeformConv2d",
         KERNEL(4, 2, "[2, 3]") ", \"groups\": 2, \"padding\": [1, 2], \"stride\": [2, 1], \"dilation\": [1, 2]}",
         3,
         {{INPUT_SHAPE(1, 4, 3, 3)}, {INPUT_SHAPE(1, 24, 2, 3), .lo = -1.95, .hi = -1.05}, {INPUT_SHAPE(1, 12, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"DeformConv2d",
         KERNEL(1, 1, "1") ", \"bias\": false}",
         2,
         {{INPUT_SHAPE(1, 1, 1, 1)}, {INPUT_SHAPE(1, 2, 1, 1), .lo = 0.1, .hi = 0.9}},
         .tol = 1e-7,
         .order = 2},
        {"DeformConv2d",
         KERNEL(2, 2, "1") "}",
         3,
         {{INPUT_SHAPE(1, 2, 2, 2), .no_grad = true},
          {INPUT_SHAPE(1, 4, 2, 2), .lo = 0.1, .hi = 0.9, .no_grad = true},
          {INPUT_SHAPE(1, 2, 2, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"DeformConv2d", KERNEL(2, 2, "2") "}", 2, {{INPUT_SHAPE(0, 2, 3, 3)}, {INPUT_SHAPE(0, 8, 2, 2)}}, .tol = 1e-7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

static void check_values(luron_ctx *ctx, size_t k, uint32_t dtype) {
    const double tol = dtype == LURON_F64 ? 1e-12 : 2e-5; /* of sums of some dozen products of numbers up to 4 */
    const int64_t *x_shape = deform_cases[k].x_shape, *y_shape = deform_cases[k].y_shape,
                  offsets = deform_cases[k].offsets;
    luron_layer *layer = layer_of(ctx, "DeformConv2d", deform_cases[k].options);
    luron_tensor *all[5] = {
        tensor_of(ctx, dtype, 4, x_shape, deform_cases[k].in[0]),
        tensor_of(ctx, dtype, LURON_SHAPE(x_shape[0], offsets, y_shape[2], y_shape[3]), deform_cases[k].in[1]), NULL,
        luron_tensor_ref(luron_layer_param(layer, 0)),
        luron_layer_param(layer, 1) ? luron_tensor_ref(luron_layer_param(layer, 1)) : NULL};
    luron_tensor *y, *v = tensor_of(ctx, dtype, 4, y_shape, deform_cases[k].v);
    if (deform_cases[k].in[2])
        all[2] =
            tensor_of(ctx, dtype, LURON_SHAPE(x_shape[0], offsets / 2, y_shape[2], y_shape[3]), deform_cases[k].in[2]);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(all[i] != NULL, deform_cases[k].in[i] != NULL);
        if (i > 2 && all[i]) put(ctx, all[i], deform_cases[k].in[i]);
        if (i < 3 && all[i]) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, all[i], 1));
    }
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 3, all));
    assert_shape_(y, 4, y_shape, deform_cases[k].options, __FILE__, __LINE__);
    assert_tensor_close_(y, deform_cases[k].y, luron_tensor_numel(y), tol, tol, deform_cases[k].options, __FILE__,
                         __LINE__);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    for (int i = 0; i < 5; i++) {
        char name[200];
        snprintf(name, sizeof name, "%s: gradient %d", deform_cases[k].options, i);
        if (deform_cases[k].grad[i])
            assert_tensor_close_(luron_tensor_grad(all[i]), deform_cases[k].grad[i], luron_tensor_numel(all[i]), tol,
                                 tol, name, __FILE__, __LINE__);
        luron_tensor_unref(all[i]);
    }
    luron_tensor_unref(y), luron_tensor_unref(v);
    luron_layer_unref(layer);
}
static void test_deform_values_of_pytorch(void **state) {
    luron_ctx *ctx = *state;
    for (size_t k = 0; k < 4 * (sizeof deform_cases / sizeof *deform_cases); k++) {
        const uint32_t dtype = k % 2 ? LURON_F64 : LURON_F32;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_ctx_set_higher(ctx, k / 2 % 2);
        check_values(ctx, k / 4, dtype);
    }
}

/* Larger than one piece of work: with the offsets 0 Conv2d's numbers, with whole ones those of an input that is moved.
 */
static void test_deform_is_conv(void **state) {
    luron_ctx *ctx = *state;
    static const char options[] = KERNEL(16, 24, "3") ", \"padding\": 1, \"groups\": 2}";
    luron_layer *deform = layer_of(ctx, "DeformConv2d", options), *conv = layer_of(ctx, "Conv2d", options);
    luron_tensor *in[2], *y, *z;
    assert_ok(ctx, luron_tensor_new(&in[0], ctx, LURON_F32, LURON_SHAPE(2, 16, 33, 37)));
    assert_ok(ctx, luron_tensor_uniform(ctx, in[0], -1, 1));
    assert_ok(ctx, luron_tensor_new(&in[1], ctx, LURON_F32, LURON_SHAPE(2, 36, 33, 37)));
    luron_ctx_set_recording(ctx, 0);
    for (int i = 0; i < 2; i++)
        assert_ok(ctx, luron_tensor_copy(ctx, luron_layer_param(conv, i), luron_layer_param(deform, i)));
    for (int moved = 0; moved < 2; moved++) {
        luron_tensor *x = luron_tensor_ref(in[0]), *part;
        assert_ok(ctx, luron_tensor_fill(ctx, in[1], moved)); /* down and right by one */
        assert_ok(ctx, luron_layer_apply(&y, ctx, deform, 2, in));
        if (moved) {
            luron_tensor_unref(x);
            assert_ok(ctx, luron_pad(&x, ctx, in[0], 2, (const int64_t[]){0, 0}, (const int64_t[]){2, 2}, 0));
        }
        assert_ok(ctx, luron_layer_apply(&z, ctx, conv, 1, &x));
        for (int d = 2; d < 4 && moved; d++) { /* what lies beside the input stays away */
            assert_ok(ctx, luron_narrow(&part, ctx, z, d, 1, d == 2 ? 33 : 37));
            luron_tensor_unref(z), z = part;
        }
        const luron_tensor *t[2] = {y, z};
        luron_tensor *whole;
        assert_ok(ctx, luron_contiguous(&whole, ctx, z));
        t[1] = whole;
        double most = 0;
        for (int64_t i = 0; i < luron_tensor_numel(y); i++)
            most = fmax(most, fabs((double)((const float *)luron_tensor_data(t[0]))[i] -
                                   ((const float *)luron_tensor_data(t[1]))[i]));
        assert_true(most < 1e-5); /* 72 products, each of numbers below 1, in another order */
        luron_tensor_unref(whole), luron_tensor_unref(y), luron_tensor_unref(z), luron_tensor_unref(x);
    }
    luron_ctx_set_recording(ctx, 1);
    luron_tensor_unref(in[0]), luron_tensor_unref(in[1]);
    luron_layer_unref(deform), luron_layer_unref(conv);
}

/* Gradients of more than one piece of work are the same bits at any number of threads. */
static void test_deform_threads(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    luron_layer *layer = layer_of(ctx, "DeformConv2d", KERNEL(8, 6, "3") ", \"padding\": 1, \"groups\": 2}");
    static const int64_t shapes[3][4] = {{2, 8, 31, 33}, {2, 72, 31, 33}, {2, 36, 31, 33}};
    luron_tensor *in[3], *got[4][6], *v;
    const int was = luron_ctx_threads(ctx);
    for (int i = 0; i < 3; i++) {
        assert_ok(ctx, luron_tensor_new(&in[i], ctx, LURON_F32, 4, shapes[i]));
        assert_ok(ctx, luron_tensor_uniform(ctx, in[i], -2, 2));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[i], 1));
    }
    for (int t = 0; t < 4; t++) {
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
        luron_ctx_seed(ctx, 7);
        assert_ok(ctx, luron_layer_apply(&got[t][5], ctx, layer, 3, in));
        assert_ok(ctx, luron_tensor_new(&v, ctx, LURON_F32, LURON_SHAPE(2, 6, 31, 33)));
        assert_ok(ctx, luron_tensor_uniform(ctx, v, -1, 1));
        luron_tensor *wanted[5] = {in[0], in[1], in[2], luron_layer_param(layer, 0), luron_layer_param(layer, 1)};
        for (int i = 0; i < 5; i++)
            assert_ok(ctx, luron_tensor_set_grad(ctx, wanted[i], NULL));
        assert_ok(ctx, luron_backward(ctx, got[t][5], v, 0));
        for (int i = 0; i < 5; i++)
            got[t][i] = luron_tensor_ref(luron_tensor_grad(wanted[i]));
        luron_tensor_unref(v);
    }
    for (int t = 0; t < 4; t++)
        for (int i = 0; i < 6; i++)
            assert_tensor_same(got[t][i], got[0][i]);
    for (int i = 0; i < 24; i++)
        luron_tensor_unref(got[i / 6][i % 6]);
    for (int i = 0; i < 3; i++)
        luron_tensor_unref(in[i]);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_ctx_set_threads(ctx, was));
}

/* Offsets that are no numbers, or lead far away. */
static void test_deform_odd_offsets(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer =
        layer_of(ctx, "DeformConv2d", KERNEL(1, 1, "1") ", \"bias\": false, \"weight_init\": \"ones\"}");
    luron_tensor *in[2] = {tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 1, 1, 5), (const double[]){1, 2, 3, 4, 5}),
                           tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 2, 1, 5),
                                     (const double[]){NAN, 0, 0, 0, 0, 0, 1e30, -INFINITY, 1.5, -0.25})},
                 *y;
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
    const float *got = luron_tensor_data(y);
    assert_true(isnan(got[0]) && got[1] == 0 && got[2] == 0 && got[3] == 2.5 && got[4] == 4.75);
    luron_tensor_unref(in[0]), luron_tensor_unref(in[1]), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

static void test_deform_messages(void **state) {
    luron_ctx *ctx = *state;
    static const refused_case cases[] = {
        {"DeformConv2d",
         KERNEL(3, 2, "2") "}",
         "input has 2 channels, in_channels is 3",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(1, 2, 3, 3), REFUSED_REAL(1, 8, 2, 2)}},
        {"DeformConv2d",
         KERNEL(2, 2, "[2, 3]") ", \"dilation\": 2}",
         "input has size 4, 4 with padding: the kernel takes 5",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(1, 2, 3, 4), REFUSED_REAL(1, 12, 1, 1)}},
        {"DeformConv2d",
         KERNEL(2, 2, "2") "}",
         "offset: (1, 8, 2, 3) expected",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(1, 2, 3, 4), REFUSED_REAL(1, 8, 2, 2)}},
        {"DeformConv2d",
         KERNEL(2, 2, "2") "}",
         "offset: (1, 8, 2, 3) expected",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(1, 2, 3, 4), REFUSED_REAL(1, 4, 2, 3)}},
        {"DeformConv2d",
         KERNEL(2, 2, "2") "}",
         "2 channels a multiple of the groups",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(1, 2, 3, 4), REFUSED_REAL(1, 24, 2, 3)}},
        {"DeformConv2d",
         KERNEL(2, 2, "2") "}",
         "mask: (1, 4, 2, 3) expected: one for each two of offset",
         LURON_E_SHAPE,
         3,
         {REFUSED_REAL(1, 2, 3, 4), REFUSED_REAL(1, 8, 2, 3), REFUSED_REAL(1, 8, 2, 3)}},
    };
    luron_layer *none = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(ctx, &cases[i]);
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "DeformConv2d", KERNEL(3, 2, "2") ", \"groups\": 2}"),
                 LURON_E_ARGUMENT, "in_channels, 3, and out_channels, 2, have to be multiples of groups, 2");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "DeformConv2d", KERNEL(3, 2, "0") "}"), LURON_E_ARGUMENT,
                 "kernel_size");
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_deform_gradients),   test_case(test_deform_values_of_pytorch),
                                       test_case(test_deform_is_conv),     test_case(test_deform_threads),
                                       test_case(test_deform_odd_offsets), test_case(test_deform_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
