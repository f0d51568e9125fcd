#include "golden.h"
#include "layer_check.h"
#include "refused.h"
#include "same_threads.h"

#include "../data/pad_reference.h"

#include <math.h>

static void test_pad_gradients(void **state) {
    static const layer_case cases[] = {
        {"ZeroPad1d", "{\"padding\": [1, 2]}", 1, {{INPUT_SHAPE(2, 1, 3)}}, .tol = 1e-7, .order = 2},
        {"ConstantPad2d",
         "{\"padding\": [-1, 2, 1, 0], \"value\": 3}",
         1,
         {{INPUT_SHAPE(2, 3, 4)}},
         .tol = 1e-7,
         .order = 2},
        {"ConstantPad1d", "{\"padding\": 1, \"value\": 2}", 1, {{INPUT_SHAPE(4)}}, .tol = 1e-7, .order = 2},
        {"ReflectionPad1d", "{\"padding\": [3, 2]}", 1, {{INPUT_SHAPE(2, 2, 4)}}, .tol = 1e-7, .order = 2},
        {"ReflectionPad2d", "{\"padding\": [1, 2, 0, 1]}", 1, {{INPUT_SHAPE(1, 2, 2, 3)}}, .tol = 1e-7, .order = 2},
        {"ReflectionPad3d", "{\"padding\": 1}", 1, {{INPUT_SHAPE(1, 2, 2, 3)}}, .tol = 1e-7, .order = 2},
        {"ReplicationPad2d", "{\"padding\": [3, 0, 1, 2]}", 1, {{INPUT_SHAPE(2, 1, 1, 2)}}, .tol = 1e-7, .order = 2},
        {"ReplicationPad3d",
         "{\"padding\": [1, 0, 2, -1, 0, 1]}",
         1,
         {{INPUT_SHAPE(1, 2, 2, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"CircularPad1d", "{\"padding\": [3, -1]}", 1, {{INPUT_SHAPE(2, 1, 4)}}, .tol = 1e-7, .order = 2},
        {"CircularPad2d", "{\"padding\": [2, 2, 1, 1]}", 1, {{INPUT_SHAPE(0, 1, 2, 2)}}, .order = 2},
        {"CircularPad3d", "{\"padding\": 1}", 1, {{INPUT_SHAPE(1, 1, 2, 1, 2)}}, .tol = 1e-7, .order = 2},
        {"Cropping1d", "{\"cropping\": [1, 2]}", 1, {{INPUT_SHAPE(2, 1, 5)}}, .tol = 1e-7, .order = 2},
        {"Cropping2d", "{\"cropping\": [1, 0, 1, 1]}", 1, {{INPUT_SHAPE(1, 2, 3, 4)}}, .tol = 1e-7, .order = 2},
        {"Cropping3d", "{\"cropping\": 1}", 1, {{INPUT_SHAPE(1, 1, 3, 4, 3)}}, .tol = 1e-7, .order = 2},
        {"CenterCrop", "{\"height\": 2, \"width\": 1}", 1, {{INPUT_SHAPE(2, 3, 4)}}, .tol = 1e-7, .order = 2},
        {"Upsample", "{\"scale_factor\": 2}", 1, {{INPUT_SHAPE(1, 2, 2, 3)}}, .tol = 1e-7, .order = 2},
        {"Upsample",
         "{\"size\": [3], \"mode\": \"nearest-exact\"}",
         1,
         {{INPUT_SHAPE(2, 1, 5)}},
         .tol = 1e-7,
         .order = 2},
        {"Upsample",
         "{\"scale_factor\": [1.5, 2], \"mode\": \"bicubic\"}",
         1,
         {{INPUT_SHAPE(1, 2, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"Upsample", "{\"size\": 5, \"mode\": \"linear\"}", 1, {{INPUT_SHAPE(0, 1, 3)}}, .order = 2},
        {"Upsample",
         "{\"size\": [70], \"mode\": \"linear\", \"align_corners\": true}",
         1,
         {{INPUT_SHAPE(1, 1, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"Upsample",
         "{\"scale_factor\": 1.5, \"mode\": \"bilinear\"}",
         1,
         {{INPUT_SHAPE(1, 2, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"Upsample",
         "{\"size\": [2, 4], \"mode\": \"bicubic\"}",
         1,
         {{INPUT_SHAPE(1, 1, 3, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"Upsample",
         "{\"size\": [2, 3, 1], \"mode\": \"trilinear\"}",
         1,
         {{INPUT_SHAPE(1, 1, 2, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"Upsample", "{\"size\": [2, 3], \"mode\": \"area\"}", 1, {{INPUT_SHAPE(1, 1, 5, 2)}}, .tol = 1e-7, .order = 2},
        {"UpsamplingNearest2d", "{\"size\": 3}", 1, {{INPUT_SHAPE(1, 1, 1, 2)}}, .tol = 1e-7, .order = 2},
        {"UpsamplingBilinear2d", "{\"scale_factor\": 2}", 1, {{INPUT_SHAPE(1, 1, 2, 2)}}, .tol = 1e-7, .order = 2},
        {"PixelShuffle", "{\"upscale_factor\": 2}", 1, {{INPUT_SHAPE(1, 4, 1, 2)}}, .tol = 1e-7, .order = 2},
        {"PixelUnshuffle", "{\"downscale_factor\": 2}", 1, {{INPUT_SHAPE(1, 4, 2)}}, .tol = 1e-7, .order = 2},
        {"ChannelShuffle", "{\"groups\": 2}", 1, {{INPUT_SHAPE(2, 4, 1, 2)}}, .tol = 1e-7, .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

static void test_pad_values_of_pytorch(void **state) {
    golden_check(*state, pad_cases, sizeof pad_cases / sizeof *pad_cases);
}

/* Which input a nearest output is of, in float32, as PyTorch 2.13 gives it: the scale is rounded before it is used. */
static void test_pad_nearest_rounds_as_pytorch(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *options;
        int n_in, out, place;
    } cases[] = {{"{\"size\": 82}", 2, 41, 0},
                 {"{\"size\": 123}", 3, 41, 0},
                 {"{\"size\": 82}", 4, 41, 1},
                 {"{\"size\": 61, \"mode\": \"nearest-exact\"}", 2, 30, 0},
                 {"{\"size\": 41, \"mode\": \"nearest-exact\"}", 4, 20, 1}};
    double ramp[128];
    for (int i = 0; i < 128; i++)
        ramp[i] = i;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t shape[] = {1, 1, cases[i].n_in};
        luron_tensor *x = tensor_of(ctx, LURON_F32, 3, shape, ramp), *y;
        luron_layer *layer;
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Upsample", cases[i].options));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        assert_int_equal((int)((const float *)luron_tensor_data(y))[cases[i].out], cases[i].place);
        luron_tensor_unref(x), luron_tensor_unref(y);
        luron_layer_unref(layer);
    }
}

/* What is not looked at does not count: an infinity beside a crop, and of a border that is none of the input. */
static void test_pad_keeps_apart(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){1, 4}, ((const double[]){INFINITY, 1, 2, NAN})),
                 *y;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "ConstantPad1d", "{\"padding\": [-1, -1], \"value\": 0}"));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_tensor_close(y, ((const double[]){1, 2}), 2, 0, 0);
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

static void test_pad_threads(void **state) {
    static const char *const modes[] = {"nearest", "bilinear", "bicubic", "area"};
    static const int64_t images[] = {3, 7, 33, 61}, volumes[] = {2, 3, 7, 19, 21}, rows[] = {40, 9, 101};
    char options[100];
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        snprintf(options, sizeof options, "{\"size\": [70, 41], \"mode\": \"%s\"}", modes[i]);
        same_threads(*state, "Upsample", options, 4, images);
    }
    same_threads(*state, "Upsample", "{\"scale_factor\": 1.7, \"mode\": \"trilinear\"}", 5, volumes);
    same_threads(*state, "ReflectionPad3d", "{\"padding\": [3, 2, 5, 1, 4, 0]}", 5, volumes);
    same_threads(*state, "ReplicationPad2d", "{\"padding\": [20, 2, 15, -1]}", 4, images);
    same_threads(*state, "CircularPad1d", "{\"padding\": [100, 99]}", 3, rows);
    same_threads(*state, "PixelShuffle", "{\"upscale_factor\": 3}", 4, (const int64_t[]){2, 18, 30, 31});
}

static void test_pad_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *none = NULL;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 4, (const int64_t[]){1, 2, 3, 4}, NULL),
                 *row = tensor_of(ctx, LURON_F32, 1, (const int64_t[]){3}, NULL);
    luron_tensor *empty = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){1, 0, 2}, NULL);
    refuses(ctx, "ReflectionPad2d", "{\"padding\": [0, 0, 3, 0]}", x, LURON_E_SHAPE,
            "padding of 3 is too much for a size of 3: a reflection has to be less than the size; given input (1, 2, "
            "3, 4)");
    refuses(ctx, "CircularPad2d", "{\"padding\": [5, 0, 0, 0]}", x, LURON_E_SHAPE,
            "padding of 5 is too much for a size of 4: a circle has to be at most the size");
    refuses(ctx, "CircularPad2d", "{\"padding\": [4, -1, 0, 0]}", x, LURON_E_SHAPE,
            "padding of 4 is too much for a size of 3");
    refuses(ctx, "ZeroPad2d", "{\"padding\": [0, 0, -2, -1]}", x, LURON_E_SHAPE,
            "output would have size 0 in dimension 2, at least 1 expected");
    refuses(ctx, "ZeroPad2d", "{\"padding\": [-9, 10, 0, 0]}", x, LURON_E_SHAPE,
            "output would have size 0 in dimension 3");
    refuses(ctx, "ConstantPad2d", "{\"padding\": 1, \"value\": 1}", row, LURON_E_SHAPE,
            "input has 1 dimension, at least 2 expected: (..., height, width)");
    refuses(ctx, "ReplicationPad2d", "{\"padding\": 1}", empty, LURON_E_SHAPE,
            "input has size 0 in dimension 1, at least 1 expected");
    refuses(ctx, "Cropping2d", "{\"cropping\": [1, 2, 0, 0]}", x, LURON_E_SHAPE,
            "output would have size 0 in dimension 2");
    refuses(ctx, "CenterCrop", "{\"height\": 2, \"width\": 5}", x, LURON_E_SHAPE,
            "input has width 4, 5 expected or more");
    refuses(ctx, "Upsample", "{\"scale_factor\": 0.3}", x, LURON_E_SHAPE, "output would have size 0 in dimension 2");
    refuses(ctx, "Upsample", "{\"scale_factor\": [1, 0.2]}", x, LURON_E_SHAPE, "output would have size 0 in dimension 3");
    refuses(ctx, "Upsample", "{\"scale_factor\": [2, 2, 2]}", x, LURON_E_SHAPE,
            "scale_factor has 3 numbers, the input 2 dimensions behind (n, c)");
    refuses(ctx, "Upsample", "{\"size\": [2, 2, 2]}", x, LURON_E_SHAPE,
            "size has 3 numbers, the input 2 dimensions behind (n, c)");
    refuses(ctx, "Upsample", "{\"size\": 2, \"mode\": \"linear\"}", x, LURON_E_SHAPE,
            "input has 4 dimensions, mode 'linear' takes 3: (n, c, length)");
    refuses(ctx, "Upsample", "{\"size\": 2}", row, LURON_E_SHAPE,
            "input has 1 dimensions, 3 to 5 expected: (n, c, ...)");
    refuses(ctx, "PixelShuffle", "{\"upscale_factor\": 2}", x, LURON_E_SHAPE,
            "input has channels 2, a multiple of upscale_factor squared, 4, expected");
    refuses(ctx, "PixelUnshuffle", "{\"downscale_factor\": 2}", x, LURON_E_SHAPE,
            "input has height 3, a multiple of downscale_factor, 2, expected");
    refuses(ctx, "ChannelShuffle", "{\"groups\": 3}", x, LURON_E_SHAPE,
            "input has channels 2, a multiple of groups, 3, expected");
    static const char *const wrong[][3] = {
        {"Upsample", "{}", "size or scale_factor has to be given"},
        {"Upsample", "{\"scale_factor\": 0}", "size or scale_factor has to be given"},
        {"Upsample", "{\"scale_factor\": [1, -1]}", "number from 0 to 1e+06 or list of 0 to 3 such expected, got { 1, -1 }"},
        {"UpsamplingNearest2d", "{\"scale_factor\": [1, 2, 3]}", "scale_factor"},
        {"Upsample", "{\"size\": 2, \"scale_factor\": [1, 2]}", "size or scale_factor has to be given, not both"},
        {"Upsample", "{\"size\": 2, \"scale_factor\": 2}", "size or scale_factor has to be given, not both"},
        {"Upsample", "{\"size\": 2, \"align_corners\": true}",
         "align_corners goes with linear, bilinear, trilinear and bicubic, mode is 'nearest'"},
        {"UpsamplingBilinear2d", "{}", "size or scale_factor has to be given"},
        {"Upsample", "{\"size\": 0}", "size"},
        {"ZeroPad2d", "{\"padding\": [1, 2]}", "padding"},
        {"ConstantPad1d", "{\"padding\": 1}", "value"},
        {"Cropping1d", "{\"cropping\": -1}", "cropping"},
        {"PixelShuffle", "{\"upscale_factor\": 0}", "upscale_factor"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(ctx, luron_layer_from_json(&none, ctx, wrong[i][0], wrong[i][1]), LURON_E_ARGUMENT, wrong[i][2]);
        assert_null(none);
    }
    luron_tensor_unref(x), luron_tensor_unref(row), luron_tensor_unref(empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_pad_gradients),
        test_case(test_pad_values_of_pytorch),
        test_case(test_pad_nearest_rounds_as_pytorch),
        test_case(test_pad_keeps_apart),
        test_case(test_pad_messages),
        test_case(test_pad_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
