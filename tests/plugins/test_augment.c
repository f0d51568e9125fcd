/* The random image layers of the plugin `preprocess`, and Hashing: at fixed parameters Keras's numbers
 * (tests/data/make_augment.py), at random ones what has to hold of each image. */
#include "layer_check.h"
#include "made.h"
#include "refused.h"

#include "../data/augment_reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Keras's numbers -----------------------------------------------------------------------------------------------
 */
/* How far `n` numbers are from those expected, beyond what rounding of places and of the range of values explains. */
static double beyond(const luron_tensor *y, int64_t first, int64_t n, const double *want) {
    const int wide = luron_tensor_dtype(y) == LURON_F64;
    double most = 0, largest = 1;
    for (int64_t i = first; i < first + n; i++) {
        const double got =
            wide ? ((const double *)luron_tensor_data(y))[i] : (double)((const float *)luron_tensor_data(y))[i];
        most = fmax(most, fabs(got - want[i])), largest = fmax(largest, fabs(want[i]));
    }
    return most - (wide ? 1e-12 : 2e-6) * largest;
}
static void check_values(luron_ctx *ctx, size_t k, uint32_t dtype) {
    const int64_t *shape = augment_cases[k].shape, each = shape[1] * shape[2] * shape[3];
    luron_layer *layer = layer_of(ctx, augment_cases[k].type, augment_cases[k].options);
    luron_tensor *x = tensor_of(ctx, dtype, 4, shape, augment_cases[k].x), *y;
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_shape_(y, 4, shape, augment_cases[k].type, __FILE__, __LINE__);
    for (int64_t i = 0; i < shape[0]; i++) { /* a sign that is drawn is each image's own */
        double least = INFINITY;
        for (int v = 0; v < augment_cases[k].variants; v++)
            least = fmin(least, beyond(y, i * each, each, augment_cases[k].y[v]));
        if (least > 0)
            fail_msg("%s %s: image %d is %g from Keras's", augment_cases[k].type, augment_cases[k].options, (int)i,
                     least);
    }
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}
static void test_augment_values_of_keras(void **state) {
    luron_ctx *ctx = *state;
    for (size_t k = 0; k < 4 * (sizeof augment_cases / sizeof *augment_cases); k++) {
        const uint32_t dtype = k % 2 ? LURON_F64 : LURON_F32;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_ctx_set_index_base(ctx, k / 2 % 2);
        check_values(ctx, k / 4, dtype);
    }
}

static void test_augment_gradients(void **state) {
#define WIDE "\"value_range\": [-9, 9]"
    static const layer_case cases[] = {
        {"RandomRotation", "{\"factor\": 0.2}", 1, {{INPUT_SHAPE(3, 2, 3, 4)}}, .tol = 1e-7, .order = 2},
        {"RandomRotation",
         "{\"factor\": 1, \"fill_mode\": \"constant\", \"fill_value\": 2}",
         1,
         {{INPUT_SHAPE(2, 3, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomZoom",
         "{\"height_factor\": 0.5, \"width_factor\": [-0.5, 1], \"fill_mode\": \"wrap\"}",
         1,
         {{INPUT_SHAPE(3, 1, 3, 4)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomTranslation",
         "{\"height_factor\": 0.5, \"width_factor\": 1, \"fill_mode\": \"nearest\", \"interpolation\": \"nearest\"}",
         1,
         {{INPUT_SHAPE(3, 1, 3, 4)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomShear",
         "{\"x_factor\": 0.5, \"y_factor\": [0.1, 0.3]}",
         1,
         {{INPUT_SHAPE(2, 2, 1, 5)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomShear", "{\"x_factor\": 0.5}", 1, {{INPUT_SHAPE(2, 2, 0, 5)}}, .tol = 1e-7},
        {"RandomZoom", "{\"height_factor\": 0.5}", 1, {{INPUT_SHAPE(0, 2, 3, 5)}}, .tol = 1e-7},
        {"RandomBrightness", "{\"factor\": 0.2, " WIDE "}", 1, {{INPUT_SHAPE(3, 1, 2, 3)}}, .tol = 1e-7, .order = 2},
        {"RandomContrast", "{\"factor\": 0.5, " WIDE "}", 1, {{INPUT_SHAPE(3, 2, 2, 3)}}, .tol = 1e-7, .order = 2},
        {"RandomSaturation",
         "{\"factor\": [0.2, 0.45], " WIDE "}",
         1,
         {{INPUT_SHAPE(2, 3, 2, 2), .lo = -8, .hi = 8}},
         .tol = 1e-6,
         .order = 2},
        {"RandomHue",
         "{\"factor\": 0.5, " WIDE "}",
         1,
         {{INPUT_SHAPE(2, 3, 2, 2), .lo = -8, .hi = 8}},
         .tol = 1e-6,
         .order = 2},
        {"RandomGrayscale", NULL, 1, {{INPUT_SHAPE(3, 3, 2, 2)}}, .tol = 1e-7, .order = 2},
        {"RandomInvert", "{\"factor\": 1, " WIDE "}", 1, {{INPUT_SHAPE(4, 1, 2, 2)}}, .tol = 1e-7, .order = 2},
        {"Solarization",
         "{\"addition_factor\": 0.1, \"threshold_factor\": 0.5, " WIDE "}",
         1,
         {{INPUT_SHAPE(2, 1, 2, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomErasing", "{\"scale\": 0.5, " WIDE "}", 1, {{INPUT_SHAPE(3, 2, 4, 3)}}, .tol = 1e-7, .order = 2},
        {"RandomErasing", "{\"fill_value\": [0, 1, 2]}", 1, {{INPUT_SHAPE(3, 4, 3)}}, .tol = 1e-7, .order = 2},
        {"RandomGaussianBlur",
         "{\"kernel_size\": [3, 5], " WIDE "}",
         1,
         {{INPUT_SHAPE(3, 2, 4, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomSharpness", "{\"factor\": 1, " WIDE "}", 1, {{INPUT_SHAPE(3, 2, 4, 3)}}, .tol = 1e-7, .order = 2},
        {"RandomSharpness", "{\"factor\": 1, " WIDE "}", 1, {{INPUT_SHAPE(2, 1, 5)}}, .tol = 1e-7, .order = 2},
        {"RandomColorDegeneration",
         "{\"factor\": 1, " WIDE "}",
         1,
         {{INPUT_SHAPE(3, 3, 2, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomPosterization", "{\"factor\": 3, " WIDE "}", 1, {{INPUT_SHAPE(3, 2, 2, 2)}}, .tol = 1e-7, .order = 2},
        {"RandomPosterization", "{\"factor\": 3}", 1, {{INPUT_SHAPE(0, 2, 2, 2)}}, .tol = 1e-7},
        {"RandomColorJitter",
         "{\"brightness_factor\": 0.2, \"contrast_factor\": 0.5, \"saturation_factor\": 0.45, \"hue_factor\": "
         "0.5, " WIDE "}",
         1,
         {{INPUT_SHAPE(2, 3, 2, 2), .lo = -5, .hi = 5}},
         .tol = 1e-6,
         .order = 2},
        {"RandomColorJitter",
         "{\"contrast_factor\": 0.5, " WIDE "}",
         1,
         {{INPUT_SHAPE(2, 2, 2, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"AutoContrast", "{" WIDE "}", 1, {{INPUT_SHAPE(2, 2, 3, 2)}}, .tol = 1e-6, .order = 2},
        {"AutoContrast", "{" WIDE "}", 1, {{INPUT_SHAPE(1, 2, 3)}}, .eval = true, .tol = 1e-6, .order = 2},
        {"Equalization",
         "{" WIDE ", \"bins\": 4}",
         1,
         {{INPUT_SHAPE(2, 2, 3, 2), .lo = 0.5, .hi = 1}},
         .tol = 1e-7,
         .order = 2},
        {"Equalization", "{" WIDE "}", 1, {{INPUT_SHAPE(0, 2, 3, 2)}}, .tol = 1e-7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* ---- what is drawn --------------------------------------------------------------------------------------------------
 */
static const struct {
    const char *type, *options;
} all_types[] = {
    {"RandomRotation", "{\"factor\": 0.3}"},
    {"RandomZoom", "{\"height_factor\": 0.3}"},
    {"RandomTranslation", "{\"height_factor\": 0.3, \"width_factor\": 0.3}"},
    {"RandomShear", "{\"x_factor\": 0.3, \"y_factor\": 0.2}"},
    {"RandomBrightness", "{\"factor\": 0.3, \"value_range\": 1}"},
    {"RandomContrast", "{\"factor\": 0.9, \"value_range\": 1}"},
    {"RandomSaturation", "{\"factor\": 1, \"value_range\": 1}"},
    {"RandomHue", "{\"factor\": 1, \"value_range\": 1}"},
    {"RandomGrayscale", NULL},
    {"RandomInvert", "{\"value_range\": 1}"},
    {"Solarization", "{\"threshold_factor\": 1, \"value_range\": 1}"},
    {"RandomErasing", "{\"value_range\": 1}"},
    {"RandomGaussianBlur", "{\"value_range\": 1}"},
    {"Equalization", "{\"value_range\": 1}"},
    {"RandomSharpness", "{\"factor\": 1, \"value_range\": 1}"},
    {"RandomColorDegeneration", "{\"factor\": 1, \"value_range\": 1}"},
    {"RandomPosterization", "{\"factor\": 8, \"value_range\": 1}"},
    {"RandomColorJitter", "{\"contrast_factor\": 1, \"hue_factor\": 1, \"value_range\": 1}"},
    {"RandAugment", "{\"value_range\": 1}"},
    {"AugMix", "{\"value_range\": 1}"},
};
enum { IMAGES = 12, EACH = 3 * 6 * 5 };

static luron_tensor *images(luron_ctx *ctx) {
    luron_tensor *x;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(IMAGES, 3, 6, 5)));
    luron_ctx_seed(ctx, 3);
    assert_ok(ctx, luron_tensor_uniform(ctx, x, 0, 1));
    return x;
}
static luron_tensor *drawn(luron_ctx *ctx, luron_layer *layer, luron_tensor *x, uint64_t seed) {
    luron_tensor *y;
    luron_ctx_seed(ctx, seed);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    return y;
}
static int differ(const luron_tensor *a, const luron_tensor *b, int image) {
    const float *x = (const float *)luron_tensor_data(a) + image * EACH,
                *y = (const float *)luron_tensor_data(b) + image * EACH;
    return memcmp(x, y, EACH * sizeof *x) != 0;
}

/* In eval mode nothing changes; a seed draws the same, another one something else; the first image of a batch is drawn
 * as one that comes alone, with or without a batch's dim. */
static void test_augment_draws(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = images(ctx), *one, *alone;
    assert_ok(ctx, luron_narrow(&one, ctx, x, 0, 0, 1));
    assert_ok(ctx, luron_reshape(&alone, ctx, one, LURON_SHAPE(3, 6, 5)));
    for (size_t k = 0; k < sizeof all_types / sizeof *all_types; k++) {
        luron_layer *layer = layer_of(ctx, all_types[k].type, all_types[k].options);
        luron_tensor *y = drawn(ctx, layer, x, 1), *again = drawn(ctx, layer, x, 1), *other = drawn(ctx, layer, x, 2);
        luron_tensor *first = drawn(ctx, layer, alone, 1), *batch = drawn(ctx, layer, one, 1);
        int changed = 0, unlike = 0;
        assert_tensor_same(again, y);
        for (int i = 0; i < IMAGES; i++)
            changed += differ(y, x, i), unlike += differ(y, other, i);
        assert_true(changed > 0);
        assert_true(unlike > 0 || !strcmp(all_types[k].type, "Equalization"));
        assert_shape(first, 3, 6, 5);
        assert_int_equal(differ(first, batch, 0), 0);
        if (strcmp(all_types[k].type, "RandomErasing"))
            assert_int_equal(differ(first, y, 0), 0); /* its noise goes by places */
        luron_layer_set_training(layer, 0);
        luron_tensor *still = drawn(ctx, layer, x, 1);
        assert_tensor_same(still, x);
        luron_tensor *all[] = {y, again, other, first, batch, still};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            luron_tensor_unref(all[i]);
        luron_layer_unref(layer);
    }
    luron_tensor_unref(x), luron_tensor_unref(one), luron_tensor_unref(alone);
}

/* 400 images of one number: what is added lies within the bounds, and everywhere there. */
static void test_augment_brightness_is_uniform(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = layer_of(ctx, "RandomBrightness", "{\"factor\": [-0.1, 0.3]}");
    luron_tensor *x, *y;
    double sum = 0, least = INFINITY, most = -INFINITY;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(400, 1, 1, 1)));
    assert_ok(ctx, luron_tensor_fill(ctx, x, 100));
    y = drawn(ctx, layer, x, 5);
    for (int i = 0; i < 400; i++) {
        const double d = (((const float *)luron_tensor_data(y))[i] - 100) / 255;
        sum += d, least = fmin(least, d), most = fmax(most, d);
    }
    assert_true(least >= -0.1 - 1e-6 && least < -0.08 && most <= 0.3 + 1e-6 && most > 0.28);
    assert_true(fabs(sum / 400 - 0.1) < 5 * 0.4 / sqrt(12 * 400)); /* five standard errors */
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

/* The distance from the mean of a channel is multiplied by one number an image, within the bounds. */
static void test_augment_contrast_keeps_the_mean(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = layer_of(ctx, "RandomContrast", "{\"factor\": [0.5, 0.25], \"value_range\": [-9, 9]}");
    luron_tensor *x = images(ctx), *y = drawn(ctx, layer, x, 4);
    const float *a = luron_tensor_data(x), *b = luron_tensor_data(y);
    for (int i = 0; i < IMAGES; i++)
        for (int channel = 0; channel < 3; channel++) {
            const float *from = a + i * EACH + channel * 30, *to = b + i * EACH + channel * 30;
            double mean = 0, factor = 0;
            for (int j = 0; j < 30; j++)
                mean += from[j] / 30.0;
            for (int j = 0; j < 30; j++) {
                const double now = (to[j] - mean) / (from[j] - mean);
                if (fabs(from[j] - mean) < 0.05) continue;
                if (factor == 0) factor = now;
                assert_true(now >= 0.5 - 1e-4 && now <= 1.25 + 1e-4 && fabs(now - factor) < 1e-4);
            }
        }
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

/* How many bits stay is drawn for each image, from the first bound up to what is below the second. */
static void test_augment_bits_are_drawn(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = layer_of(ctx, "RandomPosterization", "{\"factor\": [7, 3]}");
    luron_tensor *x, *y;
    int found[8] = {0};
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(400, 1, 1, 1)));
    assert_ok(ctx, luron_tensor_fill(ctx, x, 255));
    y = drawn(ctx, layer, x, 5);
    for (int i = 0; i < 400; i++)
        for (int bits = 0; bits < 8; bits++)
            found[bits] += ((const float *)luron_tensor_data(y))[i] == (float)(256 - (256 >> bits));
    for (int bits = 3; bits < 7; bits++)
        assert_in_range(found[bits], 100 - 43, 100 + 43); /* five standard errors */
    assert_int_equal(found[3] + found[4] + found[5] + found[6], 400);
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

/* RandomColorJitter is as bright as asked for, cut off, before the distance from that mean changes. */
static void test_augment_jitter_has_an_order(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer =
        layer_of(ctx, "RandomColorJitter",
                 "{\"brightness_factor\": [0.5, 0.5], \"contrast_factor\": [0.5, 0], \"value_range\": 1}");
    luron_tensor *x = images(ctx), *y = drawn(ctx, layer, x, 4);
    const float *a = luron_tensor_data(x), *b = luron_tensor_data(y);
    for (int i = 0; i < IMAGES; i++) {
        double factor = 0;
        for (int channel = 0; channel < 3; channel++) {
            const float *from = a + i * EACH + channel * 30, *to = b + i * EACH + channel * 30;
            double mean = 0;
            for (int j = 0; j < 30; j++)
                mean += fmin(from[j] + 0.5, 1) / 30;
            for (int j = 0; j < 30; j++) {
                const double far = fmin(from[j] + 0.5, 1) - mean;
                if (fabs(far) < 0.05) continue;
                if (factor == 0) factor = (to[j] - mean) / far;
                assert_true(fabs(mean + far * factor - to[j]) < 1e-4);
            }
        }
        assert_true(factor >= 0.5 - 1e-4 && factor <= 1 + 1e-4);
    }
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

/* How many of 400 images of a number change. */
static int changed_of(luron_ctx *ctx, const char *type, const char *options, int channels) {
    luron_layer *layer = layer_of(ctx, type, options);
    luron_tensor *x, *y;
    int n = 0;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(400, channels, 5, 5)));
    luron_ctx_seed(ctx, 3);
    assert_ok(ctx, luron_tensor_uniform(ctx, x, 1, 100));
    y = drawn(ctx, layer, x, 8);
    for (int i = 0; i < 400; i++)
        n +=
            memcmp((const float *)luron_tensor_data(x) + i * channels * 25,
                   (const float *)luron_tensor_data(y) + i * channels * 25, (size_t)channels * 25 * sizeof(float)) != 0;
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
    return n;
}
static void test_augment_some_images(void **state) { /* within five standard errors of 400 p (1 - p) */
    assert_in_range(changed_of(*state, "RandomInvert", "{\"factor\": [0.3, 0.3]}", 1), 120 - 46, 120 + 46);
    assert_in_range(changed_of(*state, "RandomInvert", "{\"factor\": 0.5}", 1), 100 - 43, 100 + 43);
    assert_int_equal(changed_of(*state, "RandomInvert", "{\"factor\": 0}", 1), 0);
    assert_in_range(changed_of(*state, "RandomGrayscale", "{\"factor\": 0.75}", 3), 300 - 43, 300 + 43);
    assert_in_range(changed_of(*state, "RandomGaussianBlur", "{\"factor\": [0.5, 0.5]}", 1), 200 - 50, 200 + 50);
    assert_int_equal(
        changed_of(*state, "RandomErasing", "{\"factor\": [1, 1], \"scale\": [0.5, 0.5], \"fill_value\": 0}", 1), 400);
}

/* What is erased is a rectangle of the size asked for, the same in all channels; the rest stays. */
static void test_augment_erases_rectangles(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 50, SIDE = 20 };
    luron_layer *layer =
        layer_of(ctx, "RandomErasing", "{\"factor\": [1, 1], \"scale\": [0.25, 0.25], \"fill_value\": [7, 300]}");
    luron_tensor *x, *y;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(N, 2, SIDE, SIDE)));
    assert_ok(ctx, luron_tensor_fill(ctx, x, 0));
    y = drawn(ctx, layer, x, 6);
    for (int i = 0; i < N; i++) {
        const float *first = (const float *)luron_tensor_data(y) + i * 2 * SIDE * SIDE, *second = first + SIDE * SIDE;
        int top = SIDE, bottom = -1, left = SIDE, right = -1, count = 0;
        for (int k = 0; k < SIDE * SIDE; k++) {
            assert_true((first[k] == 7 && second[k] == 255) || (first[k] == 0 && second[k] == 0)); /* 300 is no value */
            if (first[k] == 0) continue;
            count++;
            if (k / SIDE < top) top = k / SIDE;
            if (k / SIDE > bottom) bottom = k / SIDE;
            if (k % SIDE < left) left = k % SIDE;
            if (k % SIDE > right) right = k % SIDE;
        }
        assert_int_equal(count, (bottom - top + 1) * (right - left + 1));
        assert_in_range(bottom - top + 1, SIDE / 2 - 1, SIDE / 2 + 1); /* sqrt(0.25) of the side */
        assert_in_range(right - left + 1, SIDE / 2 - 1, SIDE / 2 + 1);
    }
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

/* Without fill_value there is noise of mean 0 and the largest value's deviation, cut off. */
static void test_augment_erases_with_noise(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer =
        layer_of(ctx, "RandomErasing", "{\"factor\": [1, 1], \"scale\": [1, 1], \"value_range\": [-9, 1]}");
    luron_tensor *x, *y;
    double sum = 0, squares = 0;
    int cut = 0;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(1, 1, 100, 100)));
    y = drawn(ctx, layer, x, 6);
    for (int i = 0; i < 10000; i++) {
        const double v = ((const float *)luron_tensor_data(y))[i];
        assert_true(v <= 1);
        cut += v == 1;
        if (v < 0) sum += v, squares += v * v;
    }
    assert_in_range(cut, 1587 - 183, 1587 + 183); /* beyond one deviation above; five standard errors */
    assert_true(fabs(sum / 10000 + 0.39894) < 0.03 && fabs(squares / 10000 - 0.5) < 0.05);
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer);
}

/* ---- Hashing ----------------------------------------------------------------------------------------------------- */
static void test_augment_hashing(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 7000, BINS = 7 };
    luron_layer *layer = layer_of(ctx, "Hashing", "{\"num_bins\": 7}"),
                *masked = layer_of(ctx, "Hashing", "{\"num_bins\": 4, \"mask_value\": -3}");
    luron_tensor *x, *y;
    int found[BINS] = {0}, first = 0;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_I64, LURON_SHAPE(N)));
    for (int i = 0; i < N; i++)
        ((int64_t *)luron_tensor_data(x))[i] = i - N / 2;
    for (int base = 0; base < 2; base++) {
        luron_ctx_set_index_base(ctx, base);
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        memset(found, 0, sizeof found);
        for (int i = 0; i < N; i++)
            found[((const int64_t *)luron_tensor_data(y))[i] - base]++;
        for (int b = 0; b < BINS; b++)
            assert_in_range(found[b], 1000 - 147, 1000 + 147); /* five standard errors */
        luron_tensor_unref(y);
        assert_ok(ctx, luron_layer_apply(&y, ctx, masked, 1, &x));
        first = 0;
        for (int i = 0; i < N; i++)
            if (((const int64_t *)luron_tensor_data(y))[i] == base) first++, assert_int_equal(i, N / 2 - 3);
        assert_int_equal(first, 1);
        luron_tensor_unref(y);
    }
    /* What a checkpoint relies on: the hash stays what it is. */
    static const int64_t kept[] = {0, 1, -1, 42, INT64_MAX, INT64_MIN};
    static const int64_t expected[] = {883310, 566561, 893942, 741564, 165646, 281719};
    luron_layer *wide = layer_of(ctx, "Hashing", "{\"num_bins\": 1000000}");
    memcpy(luron_tensor_data(x), kept, sizeof kept);
    luron_ctx_set_index_base(ctx, 0);
    assert_ok(ctx, luron_layer_apply(&y, ctx, wide, 1, &x));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        assert_int_equal(((const int64_t *)luron_tensor_data(y))[i], expected[i]);
    luron_tensor_unref(x), luron_tensor_unref(y);
    luron_layer_unref(layer), luron_layer_unref(masked), luron_layer_unref(wide);
}

static void test_augment_messages(void **state) {
    luron_ctx *ctx = *state;
    static const char *const wrong[][3] = {
        {"RandomRotation", "{}", "factor: number or list of 1 to 2 such expected, got nothing"},
        {"RandomRotation", "{\"factor\": 30}", "factor is 30, -1 to 1 expected: parts of a full turn, degrees / 360"},
        {"RandomRotation", "{\"factor\": [0.1, -1.5]}", "factor is -1.5, -1 to 1 expected"},
        {"RandomRotation", "{\"factor\": [0.1, 1.5]}",
         "factor is 1.5, -1 to 1 expected: parts of a full turn, degrees / 360"},
        {"RandomZoom", "{\"height_factor\": 1.5}", "height_factor"},
        {"RandomTranslation", "{\"height_factor\": 1}", "width_factor"},
        {"RandomShear", "{\"x_factor\": -0.5}", "x_factor"},
        {"RandomBrightness", "{\"factor\": 1, \"value_range\": [3, 3]}",
         "value_range is from 3 to 3, a range expected"},
        {"AutoContrast", "{\"value_range\": -1}", "value_range is from 0 to -1, a range expected"},
        {"RandomErasing", "{\"value_range\": 0}", "value_range is from 0 to 0, a range expected"},
        {"RandomGaussianBlur", "{\"kernel_size\": [3, 4]}", "kernel_size is 4, an odd number expected"},
        {"RandomGaussianBlur", "{\"value_range\": 0}", "value_range is from 0 to 0, a range expected"},
        {"RandomHue", "{\"factor\": -0.1}", "factor"},
        {"RandomSharpness", "{\"factor\": 1.5}", "factor: number from 0 to 1 or list of 1 to 2 such expected, got 1.5"},
        {"RandomSharpness", "{\"factor\": 1, \"value_range\": 0}", "value_range is from 0 to 0, a range expected"},
        {"RandomColorDegeneration", "{}", "factor"},
        {"RandomPosterization", "{\"factor\": 9}",
         "factor: integer from 1 to 8 or list of 1 to 2 such expected, got 9"},
        {"RandomPosterization", "{\"factor\": 1, \"value_range\": 0}", "value_range is from 0 to 0, a range expected"},
        {"RandomColorJitter", "{\"contrast_factor\": -0.5}", "contrast_factor"},
        {"RandomColorJitter", "{\"value_range\": 0}", "value_range is from 0 to 0, a range expected"},
        {"RandAugment", "{\"num_ops\": 0}", "num_ops"},
        {"RandAugment", "{\"value_range\": 0}", "value_range is from 0 to 0, a range expected"},
        {"RandAugment", "{\"interpolation\": \"cubic\"}", "interpolation"},
        {"AugMix", "{\"alpha\": 0}", "alpha"},
        {"AugMix", "{\"num_chains\": 17}", "num_chains"},
        {"AugMix", "{\"factor\": -0.1}", "factor"},
        {"Hashing", "{\"num_bins\": 0}", "num_bins"},
    };
    static const refused_case refusals[] = {
        {"RandomRotation",
         "{\"factor\": 1}",
         "input has 2 dimensions, (n, c, h, w) or (c, h, w) expected",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(3, 4)}},
        {"RandomHue",
         "{\"factor\": 1}",
         "input has 1 channels, 3 expected: red, green, blue",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(2, 1, 3, 4)}},
        {"RandomColorJitter",
         "{\"hue_factor\": 1}",
         "input has 1 channels, 3 expected: red, green, blue",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(1, 3, 4)}},
        {"RandomColorDegeneration", "{\"factor\": 1}", "3 expected", LURON_E_SHAPE, 1, {REFUSED_REAL(2, 4, 3, 4)}},
        {"RandAugment", NULL, "input has 1 channels, 3 expected", LURON_E_SHAPE, 1, {REFUSED_REAL(1, 3, 4)}},
        {"AugMix", NULL, "input has 1 channels, 3 expected", LURON_E_SHAPE, 1, {REFUSED_REAL(1, 3, 4)}},
        {"AugMix", "{\"all_ops\": false}", "input has 2 dimensions", LURON_E_SHAPE, 1, {REFUSED_REAL(3, 4)}},
        {"RandomGrayscale", NULL, "input has 5 dimensions", LURON_E_SHAPE, 1, {REFUSED_REAL(1, 1, 3, 3, 3)}},
        {"RandomErasing",
         "{\"fill_value\": [1, 2]}",
         "fill_value has 2 numbers, the input 3 channels",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(3, 3, 4)}},
        {"Hashing", "{\"num_bins\": 3}", "int64", LURON_E_DTYPE, 1, {REFUSED_REAL(3)}},
    };
    luron_layer *none = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(ctx, luron_layer_from_json(&none, ctx, wrong[i][0], wrong[i][1]), LURON_E_ARGUMENT, wrong[i][2]);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        refused(ctx, &refusals[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_augment_values_of_keras),
        test_case(test_augment_gradients),
        test_case(test_augment_draws),
        test_case(test_augment_brightness_is_uniform),
        test_case(test_augment_contrast_keeps_the_mean),
        test_case(test_augment_bits_are_drawn),
        test_case(test_augment_jitter_has_an_order),
        test_case(test_augment_some_images),
        test_case(test_augment_erases_rectangles),
        test_case(test_augment_erases_with_noise),
        test_case(test_augment_hashing),
        test_case(test_augment_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
