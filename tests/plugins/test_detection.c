/* The plugin detection against numbers of torchvision and of Darknet's formulas (tests/data/make_detection.py). */
#include "layer_check.h"
#include "layer_values.h"
#include "made.h"
#include "refused.h"

#include "../data/detection_reference.h"

static void test_detection_values(void **state) {
    for (size_t i = 0; i < sizeof detection_cases / sizeof *detection_cases; i++) {
        layer_values_all(*state, &detection_cases[i], LURON_F64, 1e-12);
        layer_values_all(*state, &detection_cases[i], LURON_F32, 8e-6); /* sums of some hundred terms */
    }
}

#define BOXES(...)                                                                                                     \
    { INPUT_SHAPE(__VA_ARGS__), .lo = -2, .hi = 2 }
#define FIXED(numbers, ...)                                                                                            \
    { INPUT_SHAPE(__VA_ARGS__), .values = numbers, .no_grad = true }
/* Regions within, at the border of, beside and far beyond an image, turned round, and without an area. */
static const double regions[] = {0, 0.5, 0.75, 3.2, 2.9, 1, -2.3, 1.2, 1.9, 8.1,  0, 2.2, 1.1, 0.6,  0.3,
                                 1, 9.3, 9.1,  12,  12,  0, -70,  -50, 80,  60.5, 1, 1.3, 1.3, 1.31, 1.32};
/* Two boxes of one cell and anchor, one that has none, one that belongs to another head. */
static const double truths[] = {1, 0.55, 0.3, 0.25, 0.5,  0,  0.56, 0.32, 0.3, 0.45, -1, 9, 9, 9, 9,
                                0, 0.9,  0.9, 1,    0.05, -2, 0,    0,    0,   0,    1,  1, 1, 1, 1};
#define HEAD "{\"anchors\": \"16,24, 48,20\", \"classes\": 2, \"stride\": [8, 16]"

static void test_detection_gradients(void **state) {
    static const layer_case cases[] = {
        {"GIoULoss", NULL, 2, {BOXES(5, 4), BOXES(5, 4)}, .tol = 1e-6, .order = 2},
        {"DIoULoss", "{\"reduction\": \"none\"}", 2, {BOXES(2, 3, 4), BOXES(2, 3, 4)}, .tol = 1e-6, .order = 2},
        {"CIoULoss", "{\"constant_alpha\": false}", 2, {BOXES(5, 4), BOXES(5, 4)}, .tol = 1e-6, .order = 2},
        {"RoIAlign",
         "{\"output_size\": [2, 3]}",
         2,
         {{INPUT_SHAPE(2, 2, 4, 3)}, FIXED(regions, 6, 5)},
         .tol = 1e-7,
         .order = 2},
        {"RoIAlign",
         "{\"output_size\": 2, \"aligned\": true, \"spatial_scale\": 0.5, \"sampling_ratio\": 3}",
         2,
         {{INPUT_SHAPE(2, 1, 3, 4)}, FIXED(regions, 6, 5)},
         .tol = 1e-7,
         .order = 2},
        {"RoIPool",
         "{\"output_size\": [2, 3]}",
         2,
         {{INPUT_SHAPE(2, 2, 4, 3)}, FIXED(regions, 6, 5)},
         .tol = 1e-7,
         .order = 2},
        {"Yolo", HEAD "}", 1, {{INPUT_SHAPE(2, 14, 2, 3)}}, .tol = 1e-7, .order = 2},
        {"Yolo",
         HEAD ", \"softmax\": true, \"scale_xy\": 1.2}",
         1,
         {{INPUT_SHAPE(1, 14, 1, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"YoloLoss", HEAD "}", 2, {{INPUT_SHAPE(2, 14, 2, 3)}, FIXED(truths, 2, 3, 5)}, .tol = 1e-7, .order = 2},
        {"YoloLoss",
         HEAD ", \"softmax\": true, \"scale_xy\": 1.2, \"ignore_thresh\": 0.2, \"other_anchors\": \"30,2\"}",
         2,
         {{INPUT_SHAPE(2, 14, 2, 3)}, FIXED(truths, 2, 3, 5)},
         .tol = 1e-7,
         .order = 2},
        {"YoloLoss",
         HEAD ", \"reduction\": \"none\"}",
         2,
         {{INPUT_SHAPE(2, 14, 1, 2)}, FIXED(truths, 2, 0, 5)},
         .tol = 1e-7,
         .order = 2},
        {"RoIAlign", "{\"output_size\": 2}", 2, {{INPUT_SHAPE(0, 2, 4, 3)}, FIXED(regions, 0, 5)}, .tol = 1e-7},
        {"RoIPool", "{\"output_size\": 2}", 2, {{INPUT_SHAPE(1, 2, 4, 3)}, FIXED(regions, 0, 5)}, .tol = 1e-7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* Ids at the heads of rows count as the context does: the same numbers in both bases. */
static void test_detection_bases(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[] = {"RoIAlign", "RoIPool", "YoloLoss"};
    static const char *const options[] = {"{\"output_size\": 2}", "{\"output_size\": 2}", HEAD "}"};
    for (int k = 0; k < 3; k++) {
        const int64_t rows_shape[3] = {k == 2 ? 2 : 6, k == 2 ? 3 : 5, 5}, ndim = k == 2 ? 3 : 2;
        luron_layer *layer = layer_of(ctx, types[k], options[k]);
        luron_tensor *y[2], *x;
        assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(2, 14, 2, 3)));
        assert_ok(ctx, luron_tensor_uniform(ctx, x, -1, 1));
        for (int base = 0; base < 2; base++) {
            double rows[30];
            for (int i = 0; i < 30; i++)
                rows[i] = (k == 2 ? truths : regions)[i] + (i % 5 == 0) * base;
            luron_ctx_set_index_base(ctx, base);
            luron_tensor *in[2] = {x, tensor_of(ctx, LURON_F32, (int)ndim, rows_shape, rows)};
            assert_ok(ctx, luron_layer_apply(&y[base], ctx, layer, 2, in));
            luron_tensor_unref(in[1]);
        }
        luron_ctx_set_index_base(ctx, 0);
        assert_tensor_same(y[0], y[1]);
        luron_tensor_unref(y[0]), luron_tensor_unref(y[1]), luron_tensor_unref(x);
        luron_layer_unref(layer);
    }
}

/* Numbers of an input that are none: they come out where they are read, and nowhere else. */
static void test_detection_odd_inputs(void **state) {
    luron_ctx *ctx = *state;
    static const double x[] = {1, NAN, 3, 4, 5, -INFINITY, 7, 8, 9},
                        rois[] = {0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 2, 0, 2, 0};
    luron_tensor *in[2] = {tensor_of(ctx, LURON_F64, LURON_SHAPE(1, 1, 3, 3), x),
                           tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 5), rois)},
                 *y;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_layer *layer = layer_of(ctx, "RoIPool", "{\"output_size\": 1}");
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
    const double *got = luron_tensor_data(y);
    assert_true(got[0] == 4 && isnan(got[1]) && got[2] == 3);
    luron_tensor_unref(y), luron_layer_unref(layer);
    layer = layer_of(ctx, "RoIAlign", "{\"output_size\": 1, \"aligned\": true, \"sampling_ratio\": 1}");
    luron_tensor_unref(in[1]);
    in[1] =
        tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 5), (const double[]){0, -5, -5, -4, -4, 0, 0, 1, 1, 2, 0, 0, 0, 2, 1});
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
    got = luron_tensor_data(y);
    assert_true(got[0] == 0 && got[1] == 4 && isnan(got[2]));
    luron_tensor_unref(y), luron_tensor_unref(in[0]), luron_tensor_unref(in[1]);
    luron_layer_unref(layer);
}

/* Regions that reach a billion numbers beside their image end, and soon. */
static void test_detection_far_regions(void **state) {
    luron_ctx *ctx = *state;
    static const double rois[] = {0, -1e9, -1e9, 1e9, 1e9, 0, 1, 1, 1e9, 2, 0, 1e9, 1e9, -1e9, -1e9};
    const char *const options[] = {"{\"output_size\": 2}", "{\"output_size\": 2, \"aligned\": true}"};
    luron_tensor *in[2], *y;
    assert_ok(ctx, luron_tensor_full(&in[0], ctx, LURON_F32, LURON_SHAPE(1, 1, 4, 4), 1));
    in[1] = tensor_of(ctx, LURON_F32, LURON_SHAPE(3, 5), rois);
    for (int k = 0; k < 4; k++) {
        luron_layer *layer = layer_of(ctx, k < 2 ? "RoIAlign" : "RoIPool", options[k < 2 ? k : 0]);
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
        for (int i = 0; i < 12; i++)
            assert_true(((const float *)luron_tensor_data(y))[i] >= 0 && ((const float *)luron_tensor_data(y))[i] <= 1);
        luron_tensor_unref(y), luron_layer_unref(layer);
    }
    luron_tensor_unref(in[0]), luron_tensor_unref(in[1]);
}

#define ROWS(dims, numbers, ...)                                                                                       \
    { .dtype = LURON_F32, .ndim = dims, .shape = {__VA_ARGS__}, .values = numbers }
#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
#define ALIGN(numbers)                                                                                                 \
    { REFUSED_REAL(2, 2, 3, 3), ROWS(2, numbers, 1, 5) }
#define TRUTH(...)                                                                                                     \
    { REFUSED_REAL(1, 14, 2, 3), ROWS(3, ROW(__VA_ARGS__), 1, 1, 5) }
static void test_detection_messages(void **state) {
    luron_ctx *ctx = *state;
    static const double beyond[] = {2, 0, 0, 1, 1}, before[] = {-1, 0, 0, 1, 1}, parted[] = {0.5, 0, 0, 1, 1},
                        no_id[] = {NAN, 0, 0, 1, 1}, no_box[] = {1, 0, NAN, 1, 1}, endless[] = {1, 0, 0, INFINITY, 1};
    static const char align[] = "{\"output_size\": 2}";
    const refused_case cases[] = {
        {"RoIAlign", align, "rois: image 2 in row 0, input has images 0 to 1", LURON_E_RANGE, 2, ALIGN(beyond)},
        {"RoIAlign", align, "rois: image -1 in row 0", LURON_E_RANGE, 2, ALIGN(before)},
        {"RoIAlign", align, "rois: whole number expected in column 0, got 0.5", LURON_E_ARGUMENT, 2, ALIGN(parted)},
        {"RoIPool", align, "rois: whole number expected in column 0, got nan", LURON_E_ARGUMENT, 2, ALIGN(no_id)},
        {"RoIPool", align, "rois: nan in column 2 of row 0", LURON_E_ARGUMENT, 2, ALIGN(no_box)},
        {"RoIAlign", align, "rois: inf in column 3 of row 0, a place within 1e+09 expected", LURON_E_ARGUMENT, 2,
         ALIGN(endless)},
        {"RoIAlign", align, "rois: (3, 5) expected", LURON_E_SHAPE, 2, {REFUSED_REAL(1, 2, 3, 3), REFUSED_REAL(3, 4)}},
        {"RoIPool",
         align,
         "input has size 0 in dimension 3",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(1, 2, 3, 0), REFUSED_REAL(3, 5)}},
        {"GIoULoss", NULL, "boxes1: (..., 4) expected", LURON_E_SHAPE, 2, {REFUSED_REAL(3, 5), REFUSED_REAL(3, 5)}},
        {"CIoULoss",
         NULL,
         "boxes2 has size 2 in dimension 0, boxes1 has 3",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(3, 4), REFUSED_REAL(2, 4)}},
        {"NonMaxSuppression", NULL, "scores: (3) expected", LURON_E_SHAPE, 2, {REFUSED_REAL(3, 4), REFUSED_REAL(2)}},
        {"NonMaxSuppression", NULL, "boxes: (3, 4) expected", LURON_E_SHAPE, 2, {REFUSED_REAL(3, 5), REFUSED_REAL(3)}},
        {"NonMaxSuppression",
         NULL,
         "classes: (1) expected",
         LURON_E_SHAPE,
         3,
         {REFUSED_REAL(1, 4), REFUSED_REAL(1), REFUSED_IDS(2, 0, 0)}},
        {"NonMaxSuppression", NULL, "-1", LURON_E_RANGE, 3, {REFUSED_REAL(1, 4), REFUSED_REAL(1), REFUSED_IDS(1, -1)}},
        {"Yolo", HEAD "}", "input: (1, 14, 2, 3) expected", LURON_E_SHAPE, 1, {REFUSED_REAL(1, 21, 2, 3)}},
        {"YoloLoss",
         HEAD "}",
         "target: (1, 2, 5) expected",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(1, 14, 2, 3), REFUSED_REAL(1, 2, 4)}},
        {"YoloLoss",
         HEAD "}",
         "input has no cells, 0 by 3",
         LURON_E_SHAPE,
         2,
         {REFUSED_REAL(1, 14, 0, 3), REFUSED_REAL(1, 2, 5)}},
        {"YoloLoss", HEAD "}", "target: class 2 of box 0 of picture 0, there are 0 to 1", LURON_E_RANGE, 2,
         TRUTH(2, 0.5, 0.5, 0.5, 0.5)},
        {"YoloLoss", HEAD "}", "target: whole number expected in column 0, got 0.25", LURON_E_ARGUMENT, 2,
         TRUTH(0.25, 0.5, 0.5, 0.5, 1)},
        {"YoloLoss", HEAD "}", "has the centre (1.5, 0.5)", LURON_E_ARGUMENT, 2, TRUTH(0, 1.5, 0.5, 0.5, 0.5)},
        {"YoloLoss", HEAD "}", "the size (0, 0.5)", LURON_E_ARGUMENT, 2, TRUTH(0, 0.5, 0.5, 0, 0.5)},
        {"YoloLoss", HEAD "}", "the size (0.5, -0.5)", LURON_E_ARGUMENT, 2, TRUTH(0, 0.5, 0.5, 0.5, -0.5)},
        {"YoloLoss", HEAD "}", "the centre (nan, 0.5)", LURON_E_ARGUMENT, 2, TRUTH(0, NAN, 0.5, 0.5, 0.5)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(ctx, &cases[i]);
    static const struct {
        const char *type, *options, *part;
    } made[] = {
        {"Yolo", "{\"classes\": 2, \"anchors\": \"1,2,3\"}", "anchors: pairs of numbers above 0"},
        {"Yolo", "{\"classes\": 2, \"anchors\": \"\"}", "anchors: pairs of numbers above 0"},
        {"Yolo", "{\"classes\": 2, \"anchors\": \"1,-2\"}", "anchors: pairs of numbers above 0"},
        {"Yolo", "{\"classes\": 2, \"anchors\": \"1,nan\"}", "anchors: pairs of numbers above 0"},
        {"YoloLoss", "{\"classes\": 2, \"other_anchors\": \"a\"}", "other_anchors: pairs of numbers above 0"},
        {"Yolo", "{\"classes\": 0}", "classes"},
        {"RoIAlign", "{\"output_size\": 0}", "output_size"},
        {"RoIAlign", "{\"output_size\": 1, \"sampling_ratio\": -2}", "sampling_ratio"},
        {"NonMaxSuppression", "{\"iou_threshold\": 1.5}", "iou_threshold"},
    };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        luron_layer *none = NULL;
        assert_fails(ctx, luron_layer_from_json(&none, ctx, made[i].type, made[i].options), LURON_E_ARGUMENT,
                     made[i].part);
    }
}

/* What holds ids has no gradient. */
static void test_detection_no_gradient(void **state) {
    luron_ctx *ctx = *state;
    static const double rois[] = {0, 0, 0, 1, 1};
    luron_tensor *in[2], *y;
    luron_layer *layer = layer_of(ctx, "RoIAlign", "{\"output_size\": 1}");
    assert_ok(ctx, luron_tensor_full(&in[0], ctx, LURON_F32, LURON_SHAPE(1, 1, 4, 4), 1));
    in[1] = tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 5), rois);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[1], 1));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
    luron_tensor *v = tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 1, 1, 1), (const double[]){1});
    assert_fails(ctx, luron_backward(ctx, y, v, 0), LURON_E_GRADIENT, "rois has no gradient: give rois:detach()");
    luron_tensor_unref(v), luron_tensor_unref(y), luron_tensor_unref(in[0]), luron_tensor_unref(in[1]);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_detection_values),      test_case(test_detection_gradients),
                                       test_case(test_detection_bases),       test_case(test_detection_odd_inputs),
                                       test_case(test_detection_far_regions), test_case(test_detection_messages),
                                       test_case(test_detection_no_gradient)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
