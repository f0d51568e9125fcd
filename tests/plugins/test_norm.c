#include "layer_check.h"
#include "put.h"
#include "tensor_assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct norm_case {
    const char *type, *options;
    int eval, single; /* single: the numbers were computed in float32 */
    int batches;      /* num_batches_tracked at the end, -1: no running values */
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
    const double *x, *w, *b, *v, *y, *gx, *gw, *gb, *mean, *var;
} norm_case;
#include "../data/norm_reference.h"

static void test_norm_gradients(void **state) {
    static const layer_case cases[] = {
        {"BatchNorm1d", "{\"num_features\": 3}", 1, {{INPUT_SHAPE(5, 3)}}, .order = 2},
        {"BatchNorm1d", "{\"num_features\": 3}", 1, {{INPUT_SHAPE(5, 3)}}, .order = 2, .eval = true},
        {"BatchNorm1d", "{\"num_features\": 2, \"affine\": false}", 1, {{INPUT_SHAPE(2, 2, 5)}}, .order = 2},
        {"BatchNorm1d", "{\"num_features\": 1}", 1, {{INPUT_SHAPE(6, 1)}}, .order = 2},
        {"BatchNorm1d", "{\"num_features\": 3}", 1, {{INPUT_SHAPE(0, 3)}}, .order = 2},
        {"BatchNorm1d", "{\"num_features\": 3}", 1, {{INPUT_SHAPE(2, 3, 0)}}, .order = 2},
        {"BatchNorm1d", "{\"num_features\": 3}", 1, {{INPUT_SHAPE(5, 3), .no_grad = true}}, .order = 2},
        {"BatchNorm2d", "{\"num_features\": 2}", 1, {{INPUT_SHAPE(2, 2, 3, 2)}}, .order = 2},
        {"BatchNorm2d", "{\"num_features\": 2}", 1, {{INPUT_SHAPE(2, 2, 3, 2)}}, .order = 2, .eval = true},
        {"BatchNorm2d",
         "{\"num_features\": 2, \"track_running_stats\": false}",
         1,
         {{INPUT_SHAPE(2, 2, 3, 2)}},
         .order = 2,
         .eval = true},
        {"BatchNorm3d", "{\"num_features\": 2, \"cumulative\": true}", 1, {{INPUT_SHAPE(2, 2, 1, 3, 2)}}, .order = 2},
        {"InstanceNorm1d",
         "{\"num_features\": 2, \"affine\": true, \"track_running_stats\": true}",
         1,
         {{INPUT_SHAPE(2, 2, 5)}},
         .order = 2},
        {"InstanceNorm1d",
         "{\"num_features\": 2, \"affine\": true, \"track_running_stats\": true}",
         1,
         {{INPUT_SHAPE(2, 5)}},
         .order = 2,
         .eval = true},
        {"InstanceNorm2d", "{\"num_features\": 2}", 1, {{INPUT_SHAPE(2, 2, 3, 2)}}, .order = 2},
        {"InstanceNorm3d", "{\"num_features\": 2}", 1, {{INPUT_SHAPE(2, 2, 3, 1)}}, .order = 2},
        {"GroupNorm", "{\"num_groups\": 2, \"num_channels\": 4}", 1, {{INPUT_SHAPE(2, 4, 3)}}, .order = 2},
        {"GroupNorm",
         "{\"num_groups\": 1, \"num_channels\": 4, \"affine\": false}",
         1,
         {{INPUT_SHAPE(2, 4)}},
         .order = 2},
        {"LayerNorm", "{\"normalized_shape\": [2, 3]}", 1, {{INPUT_SHAPE(4, 2, 3)}}, .order = 2},
        {"LayerNorm", "{\"normalized_shape\": 5, \"bias\": false}", 1, {{INPUT_SHAPE(5)}}, .order = 2},
        {"LayerNorm", "{\"normalized_shape\": 9, \"elementwise_affine\": false}", 1, {{INPUT_SHAPE(2, 9)}}, .order = 2},
        {"LayerNorm", "{\"normalized_shape\": 5}", 1, {{INPUT_SHAPE(0, 5)}}, .order = 2},
        {"RMSNorm", "{\"normalized_shape\": 9}", 1, {{INPUT_SHAPE(3, 9)}}, .order = 2},
        {"RMSNorm",
         "{\"normalized_shape\": [2, 3], \"eps\": 0.1, \"elementwise_affine\": false}",
         1,
         {{INPUT_SHAPE(2, 2, 3)}},
         .order = 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

/* ---- PyTorch's and Keras's values -------------------------------------------------------------------------------- */

/* A training pass over x times a plus b. */
static void step(luron_ctx *ctx, luron_layer *layer, const norm_case *c, uint32_t dtype, double times, double plus) {
    double values[512];
    luron_tensor *x, *y;
    int64_t n = 1;
    for (int i = 0; i < c->ndim; i++)
        n *= c->shape[i];
    for (int64_t i = 0; i < n; i++)
        values[i] = c->x[i] * times + plus;
    x = tensor_of(ctx, dtype, c->ndim, c->shape, values);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    luron_tensor_unref(x);
    luron_tensor_unref(y);
}

static void close_to(const luron_tensor *t, const double *wanted, double tol, const char *name, const char *what) {
    char text[256];
    snprintf(text, sizeof text, "%s: %s", name, what);
    if (wanted) assert_tensor_close_(t, wanted, luron_tensor_numel(t), tol, tol, text, __FILE__, __LINE__);
}

static void check_values(luron_ctx *ctx, const norm_case *c, const char *name, uint32_t dtype) {
    const double narrow = c->x[0] > 100 ? 2e-4 : 1e-5; /* around 512 a float32 has 5 digits behind the point */
    const double tol = dtype == LURON_F32 ? narrow
                       : c->single        ? 2e-6
                                          : 1e-11,
                 of_state = dtype == LURON_F32 || c->single ? 1e-6 : tol;
    luron_layer *layer;
    luron_tensor *x, *y, *v;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, c->type, c->options));
    luron_tensor *w = luron_layer_param(layer, 0), *b = luron_layer_param(layer, 1);
    if (c->w) put(ctx, w, c->w);
    if (c->b) put(ctx, b, c->b);
    luron_ctx_set_recording(ctx, 0);
    step(ctx, layer, c, dtype, 1, 0), step(ctx, layer, c, dtype, 0.5, 1), step(ctx, layer, c, dtype, -2, 0.25);
    luron_ctx_set_recording(ctx, 1);
    luron_layer_set_training(layer, !c->eval);
    x = tensor_of(ctx, dtype, c->ndim, c->shape, c->x);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    close_to(y, c->y, tol, name, "output");
    v = tensor_of(ctx, dtype, c->ndim, c->shape, c->v);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    close_to(luron_tensor_grad(x), c->gx, tol, name, "gradient of the input");
    if (c->gw) close_to(luron_tensor_grad(w), c->gw, 4 * tol, name, "gradient of the weight");
    if (c->gb) close_to(luron_tensor_grad(b), c->gb, tol, name, "gradient of the bias");
    assert_int_equal(luron_layer_n_states(layer), c->batches < 0 ? 0 : 3);
    if (c->batches >= 0) {
        assert_string_equal(luron_layer_state_name(layer, 2), "num_batches_tracked");
        close_to(luron_layer_state(layer, 0), c->mean, of_state, name, "running_mean");
        close_to(luron_layer_state(layer, 1), c->var, of_state, name, "running_var");
        assert_int_equal(*(const int64_t *)luron_tensor_data(luron_layer_state(layer, 2)), c->batches);
    }
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_tensor_unref(v);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
}

static void test_norm_values_of_pytorch_and_keras(void **state) {
    for (size_t i = 0; i < sizeof norm_cases / sizeof *norm_cases; i++) {
        const norm_case *c = &norm_cases[i];
        char name[160];
        snprintf(name, sizeof name, "case %zu: %s %s %s", i, c->type, c->options ? c->options : "",
                 c->eval ? "eval" : "training");
        check_values(*state, c, name, LURON_F64);
        check_values(*state, c, name, LURON_F32);
    }
}

/* ---- naive loops over random shapes ------------------------------------------------------------------------------ */
static uint64_t draw_state = 1;
static int64_t draw(int64_t least, int64_t most) {
    draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
    return least + (int64_t)((draw_state >> 33) % (uint64_t)(most - least + 1));
}

enum { BATCH, INSTANCE, GROUP, LAYER, RMS, KINDS };
typedef struct problem {
    int kind;
    int64_t n, channels, places, groups, size; /* size: of x */
    double eps, *x, *w, *b, *v, *y, *gx, *gw, *gb;
} problem;

/* Which group number i belongs to, and which weight it has. */
static int64_t group_of(const problem *p, int64_t i) {
    const int64_t image = i / (p->channels * p->places), channel = i / p->places % p->channels;
    if (p->kind == BATCH) return channel;
    if (p->kind == INSTANCE) return image * p->channels + channel;
    return p->kind == GROUP ? image * p->groups + channel / (p->channels / p->groups) : i / p->places;
}
static int64_t weight_of(const problem *p, int64_t i) {
    return p->kind >= LAYER ? i % p->places : i / p->places % p->channels;
}

/* y and the gradients by their formulas, group by group, all over x each time. */
static void solve_group(const problem *p, int64_t group) {
    double n = 0, mean = 0, square = 0, s1 = 0, s2 = 0;
    for (int64_t i = 0; i < p->size; i++)
        if (group_of(p, i) == group) n++, mean += p->kind == RMS ? 0 : p->x[i];
    if (n == 0) return;
    mean /= n;
    for (int64_t i = 0; i < p->size; i++)
        if (group_of(p, i) == group) square += (p->x[i] - mean) * (p->x[i] - mean);
    const double inverse = 1 / sqrt(square / n + p->eps);
    for (int64_t i = 0; i < p->size; i++) {
        if (group_of(p, i) != group) continue;
        const int64_t k = weight_of(p, i);
        const double hat = (p->x[i] - mean) * inverse;
        p->y[i] = hat * p->w[k] + p->b[k];
        p->gw[k] += p->v[i] * hat, p->gb[k] += p->v[i];
        s1 += p->v[i] * p->w[k], s2 += p->v[i] * p->w[k] * hat;
    }
    for (int64_t i = 0; i < p->size; i++)
        if (group_of(p, i) == group)
            p->gx[i] = inverse * (p->v[i] * p->w[weight_of(p, i)] - (p->kind == RMS ? 0 : s1 / n) -
                                  (p->x[i] - mean) * inverse * s2 / n);
}

static luron_layer *layer_of(luron_ctx *ctx, const problem *p) {
    static const char *const names[] = {"BatchNorm1d", "InstanceNorm1d", "GroupNorm", "LayerNorm", "RMSNorm"};
    char json[160];
    luron_layer *layer;
    if (p->kind == GROUP)
        snprintf(json, sizeof json, "{\"num_groups\": %d, \"num_channels\": %d, \"eps\": %g}", (int)p->groups,
                 (int)p->channels, p->eps);
    else if (p->kind >= LAYER)
        snprintf(json, sizeof json, "{\"normalized_shape\": %d, \"eps\": %g}", (int)p->places, p->eps);
    else
        snprintf(json, sizeof json, "{\"num_features\": %d, \"affine\": true, \"eps\": %g}", (int)p->channels, p->eps);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, names[p->kind], json));
    put(ctx, luron_layer_param(layer, 0), p->w);
    if (p->kind != RMS) put(ctx, luron_layer_param(layer, 1), p->b);
    return layer;
}

static void check_problem(luron_ctx *ctx, problem *p, uint32_t dtype) {
    const int64_t weights = p->kind >= LAYER ? p->places : p->channels, shape[] = {p->n, p->channels, p->places},
                  plain = p->kind == BATCH && p->places == 1;
    double *all = calloc((size_t)(4 * p->size + 4 * weights), sizeof *all);
    p->x = all, p->v = p->x + p->size, p->y = p->v + p->size, p->gx = p->y + p->size;
    p->w = p->gx + p->size, p->b = p->w + weights, p->gw = p->b + weights, p->gb = p->gw + weights;
    for (int64_t i = 0; i < p->size; i++)
        p->x[i] = (double)draw(-40, 40) / 8, p->v[i] = (double)draw(-8, 8) / 8;
    for (int64_t i = 0; i < weights; i++)
        p->w[i] = (double)draw(-8, 8) / 4, p->b[i] = p->kind == RMS ? 0 : (double)draw(-8, 8) / 4;
    for (int64_t g = 0; g < p->n * p->channels; g++)
        solve_group(p, g); /* more than there are: those are empty */
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    luron_layer *layer = layer_of(ctx, p);
    luron_tensor *x = tensor_of(ctx, dtype, plain ? 2 : 3, shape, p->x),
                 *v = tensor_of(ctx, dtype, plain ? 2 : 3, shape, p->v), *y;
    char name[96];
    snprintf(name, sizeof name, "kind %d of (%d, %d, %d), %d groups", p->kind, (int)p->n, (int)p->channels,
             (int)p->places, (int)p->groups);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    const double tol = dtype == LURON_F64 ? 1e-11 : 2e-5;
    close_to(y, p->y, tol, name, "output");
    close_to(luron_tensor_grad(x), p->gx, tol, name, "gradient of the input");
    close_to(luron_tensor_grad(luron_layer_param(layer, 0)), p->gw, tol, name, "gradient of the weight");
    if (p->kind != RMS)
        close_to(luron_tensor_grad(luron_layer_param(layer, 1)), p->gb, tol, name, "gradient of the bias");
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
    luron_tensor_unref(x);
    luron_tensor_unref(v);
    luron_tensor_unref(y);
    luron_layer_unref(layer);
    free(all);
}

static void test_norm_as_naive_loops(void **state) {
    for (int i = 0; i < 150; i++) {
        problem p = {.kind = i % KINDS,
                     .n = draw(1, 4),
                     .channels = draw(1, 6),
                     .places = draw(1, 20),
                     .groups = 1,
                     .eps = 0.125};
        if (draw(0, 2) == 0) p.places = 1;
        if (p.kind == BATCH && draw(0, 1)) p.channels = draw(60, 70);
        if (p.kind == GROUP && p.channels % 2 == 0) p.groups = 2;
        if (p.kind >= LAYER && draw(0, 1)) p.places = draw(1, 300), p.n = draw(1, 20);
        if (p.kind == INSTANCE && p.places == 1) p.places = 2;
        if (p.kind == BATCH && p.n * p.places == 1) p.n = 3;
        p.size = p.n * p.channels * p.places;
        check_problem(*state, &p, i / KINDS % 2 ? LURON_F64 : LURON_F32);
    }
}

/* ---- state ------------------------------------------------------------------------------------------------------- */
static luron_layer *made(luron_ctx *ctx, const char *type, const char *options) {
    luron_layer *layer;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    return layer;
}
static void apply(luron_ctx *ctx, luron_layer *layer, int ndim, const int64_t *shape, const double *values) {
    luron_tensor *x = tensor_of(ctx, LURON_F32, ndim, shape, values), *y;
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    luron_tensor_unref(x);
    luron_tensor_unref(y);
}
static void assert_state(luron_layer *layer, double mean, double var, int64_t batches) {
    assert_tensor_close(luron_layer_state(layer, 0), &mean, 1, 1e-6, 0);
    assert_tensor_close(luron_layer_state(layer, 1), &var, 1, 1e-6, 0);
    assert_int_equal(*(const int64_t *)luron_tensor_data(luron_layer_state(layer, 2)), batches);
}

/* Only a training pass with something in it changes the running values; not eval mode, not a gradient, not an error. */
static void test_norm_state_changes_in_training_alone(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = made(ctx, "BatchNorm1d", "{\"num_features\": 1, \"momentum\": 0.5}");
    const double x[] = {1, 3};
    assert_state(layer, 0, 1, 0);
    apply(ctx, layer, LURON_SHAPE(2, 1), x);
    assert_state(layer, 1, 1.5, 1);
    apply(ctx, layer, LURON_SHAPE(0, 1), NULL);
    apply(ctx, layer, LURON_SHAPE(2, 1, 0), NULL); /* nor is anything read, as ASan sees */
    assert_state(layer, 1, 1.5, 1);
    luron_layer_set_training(layer, 0);
    apply(ctx, layer, LURON_SHAPE(2, 1), x);
    apply(ctx, layer, LURON_SHAPE(1, 1), x);
    assert_state(layer, 1, 1.5, 1);
    luron_layer_set_training(layer, 1);
    luron_tensor *one = tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 1), x), *y;
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &one), LURON_E_SHAPE,
                 "1 value for each channel, training needs at least 2");
    assert_state(layer, 1, 1.5, 1);
    luron_tensor_unref(one);
    apply(ctx, layer, LURON_SHAPE(2, 1), x);
    assert_state(layer, 1.5, 1.75, 2);
    luron_layer_unref(layer);
}

static void test_norm_initialised(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = made(ctx, "BatchNorm2d", "{\"num_features\": 2, \"weight_init\": \"constant(0.5)\"}");
    assert_tensor_close(luron_layer_param(layer, 0), ((const double[]){0.5, 0.5}), 2, 0, 0);
    assert_tensor_close(luron_layer_param(layer, 1), ((const double[]){0, 0}), 2, 0, 0);
    luron_layer_unref(layer);
    layer = made(ctx, "LayerNorm", "{\"normalized_shape\": [1, 2], \"bias_init\": \"constant(-1)\"}");
    assert_shape(luron_layer_param(layer, 0), 1, 2);
    assert_tensor_close(luron_layer_param(layer, 0), ((const double[]){1, 1}), 2, 0, 0);
    assert_tensor_close(luron_layer_param(layer, 1), ((const double[]){-1, -1}), 2, 0, 0);
    luron_layer_unref(layer);
}

/* Sizes that are cut into several pieces of work: output, gradients and running values. */
static void test_norm_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *type, *options;
        int ndim;
        int64_t shape[4];
    } cases[] = {
        {"BatchNorm2d", "{\"num_features\": 11}", 4, {7, 11, 41, 37}},
        {"BatchNorm1d", "{\"num_features\": 301}", 2, {257, 301}},
        {"InstanceNorm2d",
         "{\"num_features\": 11, \"affine\": true, \"track_running_stats\": true}",
         4,
         {7, 11, 41, 37}},
        {"GroupNorm", "{\"num_groups\": 3, \"num_channels\": 12}", 4, {7, 12, 41, 37}},
        {"LayerNorm", "{\"normalized_shape\": 301}", 2, {257, 301}},
        {"RMSNorm", "{\"normalized_shape\": 3001}", 2, {57, 3001}},
    };
    static const int threads[] = {1, 2, 3, 8};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        luron_tensor *x, *first[6] = {NULL};
        assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, cases[i].ndim, cases[i].shape));
        assert_ok(ctx, luron_tensor_uniform(ctx, x, -1, 1));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            luron_layer *layer = made(ctx, cases[i].type, cases[i].options);
            luron_tensor *got[6] = {NULL}, *xs[] = {x, luron_layer_param(layer, 0), luron_layer_param(layer, 1)};
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
            assert_ok(ctx, luron_layer_apply(&got[0], ctx, layer, 1, &x));
            assert_ok(ctx, luron_grad(got + 1, ctx, 1, &got[0], &x, xs[2] ? 3 : 2, xs, 0));
            for (int k = 0; k < 2 && luron_layer_n_states(layer); k++)
                got[4 + k] = luron_tensor_ref(luron_layer_state(layer, k));
            for (int k = 0; k < 6; k++) {
                if (t == 0) first[k] = luron_tensor_ref(got[k]);
                if (got[k]) assert_tensor_same_(got[k], first[k], cases[i].type, __FILE__, __LINE__);
                luron_tensor_unref(got[k]);
            }
            luron_layer_unref(layer);
        }
        for (int k = 0; k < 6; k++)
            luron_tensor_unref(first[k]);
        luron_tensor_unref(x);
    }
}

static void refused(luron_ctx *ctx, const char *type, const char *options, int ndim, const int64_t *shape,
                    const char *part) {
    luron_layer *layer = made(ctx, type, options);
    luron_tensor *x = tensor_of(ctx, LURON_F32, ndim, shape, NULL), *y = NULL;
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), LURON_E_SHAPE, part);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
}

static void test_norm_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *none = NULL;
    refused(ctx, "BatchNorm1d", "{\"num_features\": 3}", LURON_SHAPE(2, 3, 4, 5),
            "input has 4 dimensions, (n, c) or (n, c, l) expected");
    refused(ctx, "BatchNorm2d", "{\"num_features\": 3}", LURON_SHAPE(2, 3, 4),
            "input has 3 dimensions, (n, c, h, w) expected");
    refused(ctx, "BatchNorm3d", "{\"num_features\": 3}", LURON_SHAPE(2, 3, 4),
            "input has 3 dimensions, (n, c, d, h, w) expected");
    refused(ctx, "BatchNorm2d", "{\"num_features\": 3}", LURON_SHAPE(2, 4, 4, 5),
            "input has 4 channels, num_features is 3; given input (2, 4, 4, 5)");
    refused(ctx, "InstanceNorm2d", "{\"num_features\": 3}", LURON_SHAPE(3, 5),
            "input has 2 dimensions, (n, c, h, w) or (c, h, w) expected");
    refused(ctx, "InstanceNorm1d", "{\"num_features\": 3}", LURON_SHAPE(4, 5),
            "input has 4 channels, num_features is 3");
    refused(ctx, "InstanceNorm1d", "{\"num_features\": 3}", LURON_SHAPE(2, 3, 1),
            "1 value for each channel of an image, at least 2 expected");
    refused(ctx, "GroupNorm", "{\"num_groups\": 2, \"num_channels\": 4}", LURON_SHAPE(4),
            "input has 1 dimensions, (n, c, ...) expected");
    refused(ctx, "GroupNorm", "{\"num_groups\": 2, \"num_channels\": 4}", LURON_SHAPE(2, 3),
            "input has 3 channels, num_channels is 4");
    refused(ctx, "LayerNorm", "{\"normalized_shape\": [3, 4]}", LURON_SHAPE(4),
            "input has 1 dimensions, normalized_shape has 2");
    refused(ctx, "RMSNorm", "{\"normalized_shape\": [3, 4]}", LURON_SHAPE(2, 5, 4),
            "input has size 5 in dimension 1, normalized_shape says 3");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "GroupNorm", "{\"num_groups\": 4, \"num_channels\": 6}"),
                 LURON_E_ARGUMENT, "num_channels 6 is not a multiple of num_groups 4");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "BatchNorm2d", "{\"num_features\": 0}"), LURON_E_ARGUMENT,
                 "num_features");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "BatchNorm2d", "{\"num_features\": 2, \"momentum\": 1.5}"),
                 LURON_E_ARGUMENT, "momentum");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_norm_gradients),      test_case(test_norm_values_of_pytorch_and_keras),
        test_case(test_norm_as_naive_loops), test_case(test_norm_state_changes_in_training_alone),
        test_case(test_norm_initialised),    test_case(test_norm_bits_at_any_thread_count),
        test_case(test_norm_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
