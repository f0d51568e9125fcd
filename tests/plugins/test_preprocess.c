/* The layers of the plugin `preprocess` against Keras's numbers (tests/data/make_preprocess.py). */
#include "layer_check.h"
#include "made.h"

#include "../data/preprocess_reference.h"

#include <stdio.h>

enum { N_CASES = sizeof preprocess_cases / sizeof *preprocess_cases };

static void fill(luron_ctx *ctx, luron_tensor *state, const double *values) {
    if (!values) return;
    luron_tensor *t =
        tensor_of(ctx, luron_tensor_dtype(state), luron_tensor_ndim(state), luron_tensor_shape(state), values);
    assert_ok(ctx, luron_tensor_copy(ctx, state, t));
    luron_tensor_unref(t);
}

static void check_values(luron_ctx *ctx, int k, uint32_t dtype) {
    const double rtol = dtype == LURON_F64 ? 1e-13 : 1e-6;
    const int64_t *shape = preprocess_cases[k].shape;
    const int ndim = preprocess_cases[k].ndim, base = (int)luron_ctx_index_base(ctx),
              weighed = preprocess_cases[k].w != NULL;
    luron_layer *layer = layer_of(ctx, preprocess_cases[k].type, preprocess_cases[k].options);
    luron_tensor *in[2], *y, *v, *g;
    char name[160];
    fill(ctx, luron_layer_state(layer, 0), preprocess_cases[k].state0);
    fill(ctx, luron_layer_state(layer, 1), preprocess_cases[k].state1);
    in[0] = preprocess_cases[k].ids
                ? ids_of(ctx, dtype == LURON_F64 ? LURON_I64 : LURON_U8, ndim, shape, preprocess_cases[k].x)
                : tensor_of(ctx, dtype, ndim, shape, preprocess_cases[k].x);
    in[1] = weighed ? tensor_of(ctx, dtype, ndim, shape, preprocess_cases[k].w) : NULL;
    if (preprocess_cases[k].g) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[weighed], 1));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1 + weighed, in));
    snprintf(name, sizeof name, "case %d: %s %s", k, preprocess_cases[k].type, preprocess_cases[k].options);
    assert_shape_(y, (size_t)preprocess_cases[k].out_ndim, preprocess_cases[k].out_shape, name, __FILE__, __LINE__);
    if (luron_tensor_dtype(y) == LURON_I64) { /* ids */
        for (int64_t i = 0; i < luron_tensor_numel(y); i++)
            assert_int_equal(((const int64_t *)luron_tensor_data(y))[i], (int64_t)preprocess_cases[k].y[i] + base);
    } else
        assert_tensor_close_(y, preprocess_cases[k].y, luron_tensor_numel(y), rtol, rtol, name, __FILE__, __LINE__);
    for (int higher = 0; higher < 2 && preprocess_cases[k].g; higher++) {
        v = tensor_of(ctx, dtype, luron_tensor_ndim(y), luron_tensor_shape(y), preprocess_cases[k].v);
        assert_ok(ctx,
                  luron_grad(&g, ctx, 1, &y, &v, 1, &in[weighed], higher ? LURON_CREATE_GRAPH : LURON_RETAIN_GRAPH));
        assert_tensor_close_(g, preprocess_cases[k].g, luron_tensor_numel(g), rtol, rtol, name, __FILE__, __LINE__);
        luron_tensor_unref(g);
        luron_tensor_unref(v);
    }
    luron_tensor_unref(in[0]);
    luron_tensor_unref(in[1]);
    luron_tensor_unref(y);
    luron_layer_unref(layer);
}
static void test_preprocess_values_of_keras(void **state) {
    luron_ctx *ctx = *state;
    luron_ctx_set_higher(ctx, 1);
    for (int k = 0; k < 4 * N_CASES; k++) {
        const uint32_t dtype = k % 2 ? LURON_F64 : LURON_F32;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_ctx_set_index_base(ctx, k / 2 % 2);
        check_values(ctx, k / 4, dtype);
    }
}

static void test_preprocess_gradients(void **state) {
    static const layer_case cases[] = {
        {"Normalization", "{\"num_features\": 3, \"axis\": 1}", 1, {{INPUT_SHAPE(2, 3, 2)}}, .tol = 1e-7, .order = 2},
        {"Normalization", "{\"num_features\": 0}", 1, {{.ndim = 0}}, .tol = 1e-7, .order = 2},
        {"Rescaling", "{\"scale\": 0.5, \"offset\": 3}", 1, {{INPUT_SHAPE(2, 33)}}, .tol = 1e-7, .order = 2},
        {"CategoryEncoding",
         "{\"num_tokens\": 4, \"output_mode\": \"count\"}",
         2,
         {{INPUT_SHAPE(3, 5), .ids = true, .n_ids = 4}, {INPUT_SHAPE(3, 5)}},
         .tol = 1e-7,
         .order = 2},
        {"CategoryEncoding",
         "{\"num_tokens\": 4, \"output_mode\": \"count\"}",
         2,
         {{INPUT_SHAPE(3, 0), .ids = true, .n_ids = 4}, {INPUT_SHAPE(3, 0)}},
         .tol = 1e-7},
        {"RandomFlip", NULL, 1, {{INPUT_SHAPE(4, 2, 3, 3)}}, .tol = 1e-7, .order = 2},
        {"RandomCrop",
         "{\"height\": 2, \"width\": 3, \"padding\": 1}",
         1,
         {{INPUT_SHAPE(3, 2, 3, 2)}},
         .tol = 1e-7,
         .order = 2},
        {"RandomCrop", "{\"height\": 2, \"width\": 2}", 1, {{INPUT_SHAPE(0, 2, 3, 2)}}, .tol = 1e-7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* 400 images of (1, 2, 3) with the numbers 1 to 6: how often each of four ways round comes. */
static void test_preprocess_flips(void **state) {
    luron_ctx *ctx = *state;
    static const char *const modes[] = {"{\"mode\": \"horizontal\"}", "{\"mode\": \"vertical\"}", NULL};
    static const double ways[4][6] = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {4, 5, 6, 1, 2, 3}, {6, 5, 4, 3, 2, 1}};
    static const int expected[3][4] = {{200, 200, 0, 0}, {200, 0, 200, 0}, {100, 100, 100, 100}};
    luron_tensor *x, *y;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(400, 1, 2, 3)));
    for (int i = 0; i < 2400; i++)
        ((float *)luron_tensor_data(x))[i] = (float)(i % 6 + 1);
    for (int k = 0; k < 3; k++) {
        int found[4] = {0};
        luron_layer *layer = layer_of(ctx, "RandomFlip", modes[k]);
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        for (int i = 0; i < 400; i++)
            for (int w = 0, same = 1; w < 4; w++, same = 1) {
                for (int j = 0; j < 6; j++)
                    same = same && ((const float *)luron_tensor_data(y))[6 * i + j] == (float)ways[w][j];
                found[w] += same;
            }
        assert_int_equal(found[0] + found[1] + found[2] + found[3], 400);
        for (int w = 0; w < 4; w++) /* within five standard errors */
            assert_in_range(found[w], expected[k][w] ? expected[k][w] - 50 : 0,
                            expected[k][w] ? expected[k][w] + 50 : 0);
        luron_tensor_unref(y);
        luron_layer_set_training(layer, 0);
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        assert_tensor_same(y, x);
        luron_tensor_unref(y);
        luron_layer_unref(layer);
    }
    luron_tensor_unref(x);
}

/* 600 images (1, 3, 4) with the numbers 1 to 12, parts of 2 x 3: every place comes, and they are whole; with zeros
 * around. */
static void test_preprocess_crops(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x, *y, *one;
    luron_layer *layer = layer_of(ctx, "RandomCrop", "{\"height\": 2, \"width\": 3}"),
                *wide = layer_of(ctx, "RandomCrop", "{\"height\": 3, \"width\": 4, \"padding\": 1}");
    int found[2][2] = {{0}};
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(600, 1, 3, 4)));
    for (int i = 0; i < 7200; i++)
        ((float *)luron_tensor_data(x))[i] = (float)(i % 12 + 1);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_shape(y, 600, 1, 2, 3);
    for (int i = 0; i < 600; i++) {
        const float *part = (const float *)luron_tensor_data(y) + 6 * i;
        const int at = (int)part[0] - 1;
        for (int j = 0; j < 6; j++)
            assert_true(part[j] == (float)(at + j / 3 * 4 + j % 3 + 1));
        found[at / 4][at % 4]++;
    }
    for (int k = 0; k < 4; k++)
        assert_in_range(found[k / 2][k % 2], 150 - 53, 150 + 53); /* five standard errors */
    luron_tensor_unref(y);
    assert_ok(ctx, luron_layer_apply(&y, ctx, wide, 1, &x));
    for (int i = 0, zeros = 0; i < 600; i++, zeros = 0) {
        for (int j = 0; j < 12; j++)
            zeros += ((const float *)luron_tensor_data(y))[12 * i + j] == 0;
        assert_true(zeros == 0 || zeros == 3 || zeros == 4 || zeros == 6); /* none, a column, a row, both */
    }
    luron_tensor_unref(y);
    luron_layer_set_training(layer, 0);
    luron_layer_set_training(wide, 0);
    assert_ok(ctx, luron_layer_apply(&y, ctx, wide, 1, &x));
    assert_tensor_same(y, x);
    luron_tensor_unref(y);
    one = tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 3, 4), (const double[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &one));
    assert_shape(y, 1, 2, 3);
    assert_tensor_close(y, ((const double[]){1, 2, 3, 5, 6, 7}), 6, 0, 0);
    luron_tensor *all[] = {x, y, one};
    for (int i = 0; i < 3; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
    luron_layer_unref(wide);
}

static void test_preprocess_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *normal = layer_of(ctx, "Normalization", "{\"num_features\": 4}");
    luron_layer *hot = layer_of(ctx, "CategoryEncoding", "{\"num_tokens\": 4}"),
                *count = layer_of(ctx, "CategoryEncoding", "{\"num_tokens\": 4, \"output_mode\": \"count\"}"),
                *none = NULL;
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 3), NULL), *y = NULL,
                 *ids = tensor_of(ctx, LURON_I64, LURON_SHAPE(2, 2), (const double[]){0, 1, 4, 2});
    assert_fails(ctx, luron_layer_apply(&y, ctx, normal, 1, &x), LURON_E_SHAPE,
                 "input has 3 features along axis -1, num_features is 4");
    assert_fails(ctx, luron_layer_apply(&y, ctx, hot, 1, &ids), LURON_E_RANGE,
                 "input: id 4 at position (1, 0) is not within 0 to 3");
    assert_fails(ctx, luron_layer_apply(&y, ctx, hot, 2, (luron_tensor *[]){ids, x}), LURON_E_ARGUMENT,
                 "count_weights go with output_mode = \"count\" alone");
    assert_fails(ctx, luron_layer_apply(&y, ctx, count, 2, (luron_tensor *[]){ids, x}), LURON_E_SHAPE,
                 "count_weights: one for each id of input expected");
    luron_layer *crop = layer_of(ctx, "RandomCrop", "{\"height\": 4, \"width\": 2}");
    luron_tensor *image = tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 3, 2), NULL);
    assert_fails(ctx, luron_layer_apply(&y, ctx, crop, 1, &x), LURON_E_SHAPE,
                 "input has 2 dimensions, (n, c, h, w) or (c, h, w) expected");
    assert_fails(ctx, luron_layer_apply(&y, ctx, crop, 1, &image), LURON_E_SHAPE,
                 "height and width (4, 2) are more than an image of (3, 2) with padding 0 has");
    luron_tensor_unref(image);
    luron_layer_unref(crop);
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "Rescaling", NULL), LURON_E_ARGUMENT, "scale");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "Discretization", "{\"num_bins\": 0}"), LURON_E_ARGUMENT,
                 "num_bins");
    luron_layer *layers[] = {normal, hot, count};
    for (int i = 0; i < 3; i++)
        luron_layer_unref(layers[i]);
    luron_tensor_unref(x);
    luron_tensor_unref(ids);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_preprocess_values_of_keras), test_case(test_preprocess_gradients),
                                       test_case(test_preprocess_flips), test_case(test_preprocess_crops),
                                       test_case(test_preprocess_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
