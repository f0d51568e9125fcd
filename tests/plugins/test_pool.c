#include "golden.h"
#include "layer_check.h"

#include "../data/pool_reference.h"

#include <math.h>
#include <stdlib.h>

static void test_pool_gradients(void **state) {
    static const layer_case cases[] = {
        {"MaxPool1d",
         "{\"kernel_size\": 3, \"stride\": 1, \"padding\": 1}",
         1,
         {{INPUT_SHAPE(2, 1, 6)}},
         .tol = 1e-7,
         .order = 2},
        {"MaxPool2d", "{\"kernel_size\": 2}", 1, {{INPUT_SHAPE(1, 2, 4, 5)}}, .tol = 1e-7, .order = 2},
        {"MaxPool2d",
         "{\"kernel_size\": 3, \"stride\": 2, \"padding\": 1, \"ceil_mode\": true}",
         1,
         {{INPUT_SHAPE(2, 4, 5)}},
         .tol = 1e-7,
         .order = 2},
        {"MaxPool2d", "{\"kernel_size\": 2, \"dilation\": [1, 2]}", 1, {{INPUT_SHAPE(0, 2, 4, 5)}}, .order = 2},
        {"MaxPool3d",
         "{\"kernel_size\": [2, 1, 2], \"stride\": 1}",
         1,
         {{INPUT_SHAPE(1, 1, 3, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"AvgPool1d",
         "{\"kernel_size\": 3, \"stride\": 1, \"padding\": 1}",
         1,
         {{INPUT_SHAPE(2, 1, 6)}},
         .tol = 1e-7,
         .order = 2},
        {"MaxPool2d",
         "{\"kernel_size\": [3, 2], \"stride\": [2, 1], \"ceil_mode\": true}",
         1,
         {{INPUT_SHAPE(1, 1, 2, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"AvgPool2d",
         "{\"kernel_size\": [4, 3], \"stride\": [2, 4], \"padding\": [0, 1], \"ceil_mode\": true}",
         1,
         {{INPUT_SHAPE(2, 3, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"AvgPool2d",
         "{\"kernel_size\": 3, \"stride\": 2, \"padding\": 1, \"ceil_mode\": true, \"count_include_pad\": false}",
         1,
         {{INPUT_SHAPE(2, 4, 9)}},
         .tol = 1e-7,
         .order = 2},
        {"AvgPool2d",
         "{\"kernel_size\": 2, \"divisor_override\": 3}",
         1,
         {{INPUT_SHAPE(1, 2, 4, 5)}},
         .tol = 1e-7,
         .order = 2},
        {"AvgPool3d",
         "{\"kernel_size\": 2, \"padding\": 1}",
         1,
         {{INPUT_SHAPE(1, 1, 3, 2, 3)}},
         .tol = 1e-7,
         .order = 2},
        {"AdaptiveMaxPool1d", "{\"output_size\": 2}", 1, {{INPUT_SHAPE(2, 5)}}, .tol = 1e-7, .order = 2},
        {"AdaptiveMaxPool2d", "{\"output_size\": [3, 0]}", 1, {{INPUT_SHAPE(1, 2, 4, 3)}}, .tol = 1e-7, .order = 2},
        {"AdaptiveMaxPool3d", "{\"output_size\": 1}", 1, {{INPUT_SHAPE(2, 2, 2, 3)}}, .tol = 1e-7, .order = 2},
        {"AdaptiveAvgPool1d", "{\"output_size\": 70}", 1, {{INPUT_SHAPE(1, 3)}}, .tol = 1e-7, .order = 2},
        {"AdaptiveAvgPool2d", "{\"output_size\": 1}", 1, {{INPUT_SHAPE(2, 2, 4, 5)}}, .tol = 1e-7, .order = 2},
        {"AdaptiveAvgPool3d", "{\"output_size\": [2, 1, 3]}", 1, {{INPUT_SHAPE(2, 3, 2, 4)}}, .tol = 1e-7, .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

static void test_pool_values_of_pytorch(void **state) {
    golden_check(*state, pool_cases, sizeof pool_cases / sizeof *pool_cases);
}

/* ---- naive loops over random shapes ------------------------------------------------------------------------------ */
static uint64_t draw_state = 1;
static int64_t draw(int64_t least, int64_t most) {
    draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
    return least + (int64_t)((draw_state >> 33) % (uint64_t)(most - least + 1));
}

typedef struct windows {
    int is_max, include, ceil, planes;
    int64_t in[2], out[2], kernel[2], stride[2], pad[2], apart[2], divisor;
} windows;

/* PyTorch's rule for the number of windows, counted one by one. */
static int64_t count(const windows *w, int d) {
    const int64_t wide = w->apart[d] * (w->kernel[d] - 1) + 1;
    int64_t n = 0;
    for (int64_t from = -w->pad[d]; from + wide <= w->in[d] + w->pad[d]; from += w->stride[d])
        n++;
    const int64_t next = n * w->stride[d] - w->pad[d];
    const int over = next - w->stride[d] + wide < w->in[d] + w->pad[d]; /* the last one leaves something */
    return n + (w->ceil && over && next < w->in[d]);
}

/* One window of a plane: its number, and for a gradient g where it goes. */
static double window(const windows *w, const double *x, int64_t p, int64_t q, double g, double *gx) {
    double sum = 0, best = -INFINITY;
    int64_t n = 0, at = -1;
    for (int64_t i = 0; i < w->kernel[0]; i++)
        for (int64_t j = 0; j < w->kernel[1]; j++) {
            const int64_t r = p * w->stride[0] - w->pad[0] + i * w->apart[0],
                          s = q * w->stride[1] - w->pad[1] + j * w->apart[1];
            const int inside = r >= 0 && r < w->in[0] && s >= 0 && s < w->in[1];
            n += inside || (w->include && r < w->in[0] + w->pad[0] && s < w->in[1] + w->pad[1]);
            if (!inside) continue;
            const double v = x[r * w->in[1] + s];
            sum += v;
            if (at < 0 || v > best || isnan(v)) best = v, at = r * w->in[1] + s;
        }
    const double divisor = w->divisor ? (double)w->divisor : (double)n;
    if (gx && w->is_max && at >= 0) gx[at] += g;
    for (int64_t i = 0; gx && !w->is_max && i < w->kernel[0]; i++)
        for (int64_t j = 0; j < w->kernel[1]; j++) {
            const int64_t r = p * w->stride[0] - w->pad[0] + i, s = q * w->stride[1] - w->pad[1] + j;
            if (r >= 0 && r < w->in[0] && s >= 0 && s < w->in[1]) gx[r * w->in[1] + s] += g / divisor;
        }
    return w->is_max ? best : sum / divisor;
}

static windows random_windows(void) {
    windows w = {
        .is_max = (int)draw(0, 1), .include = (int)draw(0, 1), .ceil = (int)draw(0, 1), .planes = (int)draw(1, 3)};
    for (int d = 0; d < 2; d++) {
        w.in[d] = draw(1, 4) == 1 ? draw(1, 150) : draw(1, 9);
        w.apart[d] = w.is_max ? draw(1, 3) : 1;
        w.kernel[d] = draw(1, 4), w.stride[d] = draw(1, 4);
        w.pad[d] = draw(0, (w.apart[d] * (w.kernel[d] - 1) + 1) / 2);
        w.out[d] = count(&w, d);
    }
    if (!w.is_max && draw(0, 5) == 0) w.divisor = draw(1, 7);
    if (w.out[0] * w.out[1] == 1)
        w.planes++; /* backward refuses a loss of -inf: one number alone, of a window without a place */
    return w;
}

static void options_of(char *json, size_t n, const windows *w) {
    int at =
        snprintf(json, n, "{\"kernel_size\": [%d, %d], \"stride\": [%d, %d], \"padding\": [%d, %d], \"ceil_mode\": %s",
                 (int)w->kernel[0], (int)w->kernel[1], (int)w->stride[0], (int)w->stride[1], (int)w->pad[0],
                 (int)w->pad[1], w->ceil ? "true" : "false");
    if (w->is_max)
        snprintf(json + at, n - (size_t)at, ", \"dilation\": [%d, %d]}", (int)w->apart[0], (int)w->apart[1]);
    else
        snprintf(json + at, n - (size_t)at, ", \"count_include_pad\": %s, \"divisor_override\": %d}",
                 w->include ? "true" : "false", (int)w->divisor);
}

/* One number in `nans` is NaN; 0: none. */
static void check_windows(luron_ctx *ctx, const windows *w, uint32_t dtype, int nans) {
    const int64_t n_in = w->in[0] * w->in[1], n_out = w->out[0] * w->out[1], shape[] = {w->planes, w->in[0], w->in[1]};
    double *x = calloc((size_t)(3 * w->planes * (n_in + n_out) + 1), sizeof *x), *gx = x + w->planes * n_in,
           *y = gx + w->planes * n_in, *v = y + w->planes * n_out;
    char json[256];
    luron_layer *layer;
    options_of(json, sizeof json, w);
    for (int64_t i = 0; i < w->planes * n_in; i++)
        x[i] = nans && draw(1, nans) == 1 ? NAN : (double)draw(-40, 40) / 8;
    for (int64_t i = 0; i < w->planes * n_out; i++) {
        const int64_t plane = i / n_out;
        v[i] = (double)draw(-8, 8) / 8;
        y[i] = window(w, x + plane * n_in, i % n_out / w->out[1], i % w->out[1], v[i], gx + plane * n_in);
    }
    luron_tensor *in = tensor_of(ctx, dtype, 3, shape, x), *out, *g;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in, 1));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, w->is_max ? "MaxPool2d" : "AvgPool2d", json));
    assert_ok(ctx, luron_layer_apply(&out, ctx, layer, 1, &in));
    assert_shape(out, w->planes, w->out[0], w->out[1]);
    const double tol = dtype == LURON_F64 ? 1e-14 : 1e-6;
    assert_tensor_close_(out, y, w->planes * n_out, tol, tol, json, __FILE__, __LINE__);
    g = tensor_of(ctx, dtype, 3, luron_tensor_shape(out), v);
    assert_ok(ctx, luron_backward(ctx, out, g, 0));
    assert_tensor_close_(luron_tensor_grad(in), gx, w->planes * n_in, 8 * tol, 8 * tol, json, __FILE__, __LINE__);
    luron_tensor_unref(in);
    luron_tensor_unref(out);
    luron_tensor_unref(g);
    luron_layer_unref(layer);
    free(x);
}

static void test_pool_as_naive_loops(void **state) {
    int done = 0;
    for (int i = 0; i < 600; i++) {
        const windows w = random_windows();
        if (w.out[0] < 1 || w.out[1] < 1) continue;
        check_windows(*state, &w, i % 2 ? LURON_F64 : LURON_F32, 0);
        done++;
    }
    assert_true(done > 400);
}

/* Windows of 2 x 2 or of 1 x 2 side by side, which have loops of their own: lines of whole vectors and of what is left. */
static void test_pool_squares_and_pairs_as_naive_loops(void **state) {
    for (int i = 0; i < 320; i++) {
        windows w = {.is_max = 1, .planes = (int)draw(1, 3), .in = {draw(2, 7), 2 + i / 8}};
        for (int d = 0; d < 2; d++)
            w.kernel[d] = w.stride[d] = d == 0 && i & 4 ? 1 : 2, w.apart[d] = 1, w.out[d] = count(&w, d);
        check_windows(*state, &w, i % 2 ? LURON_F64 : LURON_F32, i & 2 ? 20 : 0);
    }
}

/* A window that lies in the padding alone gives -inf, and its gradient goes nowhere. */
static void test_pool_window_without_a_place(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer;
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 1), (const double[]){3, 4}), *y,
                 *v = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 1), (const double[]){1, 1});
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx,
              luron_layer_from_json(&layer, ctx, "MaxPool1d", "{\"kernel_size\": 2, \"padding\": 1, \"dilation\": 2}"));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_tensor_close(y, ((const double[]){-INFINITY, -INFINITY}), 2, 0, 0);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    assert_tensor_close(luron_tensor_grad(x), ((const double[]){0, 0}), 2, 0, 0);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_tensor_unref(v);
    luron_layer_unref(layer);
}

/* Sizes that are cut into several pieces of work. */
static void test_pool_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const char *const types[][2] = {{"MaxPool2d", "{\"kernel_size\": 3, \"stride\": 2, \"padding\": 1}"},
                                           {"MaxPool2d", "{\"kernel_size\": 2}"},
                                           {"MaxPool2d", "{\"kernel_size\": [1, 2]}"},
                                           {"AvgPool2d", "{\"kernel_size\": 3, \"stride\": 2, \"padding\": 1}"},
                                           {"AvgPool2d", "{\"kernel_size\": 33}"},
                                           {"AdaptiveAvgPool2d", "{\"output_size\": 5}"},
                                           {"AdaptiveMaxPool2d", "{\"output_size\": 5}"}};
    static const int threads[] = {1, 2, 3, 8};
    luron_tensor *x;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(7, 11, 41, 37)));
    assert_ok(ctx, luron_tensor_uniform(ctx, x, -1, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        luron_layer *layer;
        luron_tensor *first[2] = {NULL, NULL};
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, types[i][0], types[i][1]));
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            luron_tensor *y, *g;
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
            assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
            assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &y, 1, &x, 0));
            if (t == 0) first[0] = luron_tensor_ref(y), first[1] = luron_tensor_ref(g);
            assert_tensor_same_(y, first[0], types[i][0], __FILE__, __LINE__);
            assert_tensor_same_(g, first[1], types[i][0], __FILE__, __LINE__);
            luron_tensor_unref(y);
            luron_tensor_unref(g);
        }
        luron_tensor_unref(first[0]);
        luron_tensor_unref(first[1]);
        luron_layer_unref(layer);
    }
    luron_tensor_unref(x);
}

static void refused(luron_ctx *ctx, const char *type, const char *options, int ndim, const int64_t *shape,
                    luron_status status, const char *part) {
    luron_layer *layer;
    luron_tensor *x = tensor_of(ctx, LURON_F32, ndim, shape, NULL), *y = NULL;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), status, part);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
}

static void test_pool_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *none = NULL;
    refused(ctx, "MaxPool2d", "{\"kernel_size\": 2}", LURON_SHAPE(4, 5), LURON_E_SHAPE,
            "input has 2 dimensions, (n, c, h, w) or (c, h, w) expected; given input (4, 5)");
    refused(ctx, "AvgPool1d", "{\"kernel_size\": 2}", LURON_SHAPE(1, 2, 4, 5), LURON_E_SHAPE,
            "input has 4 dimensions, (n, c, l) or (c, l) expected");
    refused(ctx, "AdaptiveAvgPool3d", "{\"output_size\": 2}", LURON_SHAPE(4, 4, 5), LURON_E_SHAPE,
            "(n, c, d, h, w) or (c, d, h, w) expected");
    refused(ctx, "MaxPool2d", "{\"kernel_size\": [2, 4], \"padding\": [0, 1], \"dilation\": 3}",
            LURON_SHAPE(1, 1, 8, 7), LURON_E_SHAPE,
            "a window of size 10 does not fit dimension 3, which has size 7 and padding 1 on both sides");
    refused(ctx, "MaxPool1d", "{\"kernel_size\": 5, \"stride\": 3, \"ceil_mode\": true}", LURON_SHAPE(1, 2),
            LURON_E_SHAPE, "a window of size 5 does not fit dimension 1, which has size 2");
    refused(ctx, "AvgPool2d", "{\"kernel_size\": 3, \"padding\": [1, 2]}", LURON_SHAPE(1, 1, 8, 7), LURON_E_ARGUMENT,
            "padding 2 is more than half of the window's size 3");
    refused(ctx, "AdaptiveMaxPool2d", "{\"output_size\": 2}", LURON_SHAPE(1, 1, 0, 7), LURON_E_SHAPE,
            "input has size 0 in dimension 2, at least 1 expected");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "MaxPool2d", NULL), LURON_E_ARGUMENT, "kernel_size");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "MaxPool2d", "{\"kernel_size\": [1, 2, 3]}"), LURON_E_ARGUMENT,
                 "kernel_size");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "MaxPool1d", "{\"kernel_size\": 0}"), LURON_E_ARGUMENT,
                 "kernel_size");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_pool_gradients),
        test_case(test_pool_values_of_pytorch),
        test_case(test_pool_as_naive_loops),
        test_case(test_pool_squares_and_pairs_as_naive_loops),
        test_case(test_pool_window_without_a_place),
        test_case(test_pool_bits_at_any_thread_count),
        test_case(test_pool_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
