#include "golden.h"
#include "layer_check.h"
#include "runs.h"

#include "../data/class_loss_values.h"
#include "../data/loss_values.h"

#include <math.h>

static void test_loss_values_of_pytorch(void **state) {
    golden_check(*state, class_loss_cases, sizeof class_loss_cases / sizeof *class_loss_cases);
    golden_check(*state, loss_cases, sizeof loss_cases / sizeof *loss_cases);
}

#define REAL_IN(...) { INPUT_SHAPE(__VA_ARGS__), .lo = -2, .hi = 2 }
#define SHARE_IN(...) { INPUT_SHAPE(__VA_ARGS__), .lo = 0.05, .hi = 0.95 }
#define FIXED_IN(...) { INPUT_SHAPE(__VA_ARGS__), .lo = 0.2, .hi = 2, .no_grad = true }
#define IDS_IN(n, ...) { INPUT_SHAPE(__VA_ARGS__), .ids = true, .n_ids = n }
#define ABSENT_IN { .absent = true }

static void test_loss_gradients_of_classes(void **state) {
    static const layer_case cases[] = {
        { "CrossEntropyLoss", NULL, 2, { REAL_IN(5, 4), IDS_IN(4, 5) }, .order = 2 },
        { "CrossEntropyLoss", "{\"reduction\": \"sum\"}", 2, { REAL_IN(5, 4), IDS_IN(4, 5) }, .order = 2 },
        { "CrossEntropyLoss", "{\"reduction\": \"none\"}", 2, { REAL_IN(2, 3, 2, 2), IDS_IN(3, 2, 2, 2) }, .order = 2 },
        { "CrossEntropyLoss", "{\"label_smoothing\": 0.2}", 3, { REAL_IN(5, 4), IDS_IN(4, 5), FIXED_IN(4) }, .order = 2 },
        { "CrossEntropyLoss", "{\"label_smoothing\": 0.2, \"ignore_index\": 1}", 3, { REAL_IN(2, 3, 4), IDS_IN(3, 2, 4), FIXED_IN(3) }, .order = 2 },
        { "CrossEntropyLoss", "{\"ignore_index\": 0, \"reduction\": \"none\"}", 3, { REAL_IN(6, 3), IDS_IN(3, 6), FIXED_IN(3) }, .order = 2 },
        { "CrossEntropyLoss", NULL, 2, { REAL_IN(4), { .ids = true, .n_ids = 4 } }, .order = 2 },
        { "CrossEntropyLoss", NULL, 2, { REAL_IN(3, 1), IDS_IN(1, 3) }, .order = 2 },
        { "NLLLoss", NULL, 2, { REAL_IN(5, 4), IDS_IN(4, 5) }, .order = 1 },
        { "NLLLoss", "{\"ignore_index\": 1}", 3, { REAL_IN(2, 3, 4), IDS_IN(3, 2, 4), FIXED_IN(3) }, .order = 1 },
        { "NLLLoss", "{\"reduction\": \"none\"}", 2, { REAL_IN(5, 4), IDS_IN(4, 5) }, .order = 1 },
        { "SoftCrossEntropyLoss", NULL, 2, { REAL_IN(5, 4), SHARE_IN(5, 4) }, .order = 2 },
        { "SoftCrossEntropyLoss", "{\"label_smoothing\": 0.2}", 3, { REAL_IN(2, 3, 4), SHARE_IN(2, 3, 4), FIXED_IN(3) }, .order = 2 },
        { "SoftCrossEntropyLoss", "{\"reduction\": \"none\"}", 2, { REAL_IN(2, 3, 4), SHARE_IN(2, 3, 4) }, .order = 2 },
        { "SoftCrossEntropyLoss", "{\"reduction\": \"sum\"}", 2, { REAL_IN(4), SHARE_IN(4) }, .order = 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

/* Differences of input (here above the target) from it stay away from the kinks. */
static void test_loss_gradients_of_elements(void **state) {
#define ABOVE { INPUT_SHAPE(4, 3), .lo = 0.3, .hi = 0.9 }
#define BELOW { INPUT_SHAPE(4, 3), .lo = -0.4, .hi = 0.2 }
#define FAR { INPUT_SHAPE(4, 3), .lo = 3, .hi = 5 }
    static const layer_case cases[] = {
        { "MSELoss", NULL, 2, { REAL_IN(4, 3), REAL_IN(4, 3) }, .order = 2 },
        { "MSELoss", "{\"reduction\": \"none\"}", 2, { REAL_IN(4, 3), REAL_IN(4, 3) }, .order = 2 },
        { "MSELoss", "{\"reduction\": \"sum\"}", 2, { REAL_IN(7), REAL_IN(7) }, .order = 2 },
        { "L1Loss", NULL, 2, { ABOVE, BELOW }, .order = 1 },
        { "L1Loss", "{\"reduction\": \"none\"}", 2, { BELOW, ABOVE }, .order = 1 },
        { "HuberLoss", "{\"delta\": 2.0}", 2, { ABOVE, BELOW }, .order = 2 },
        { "HuberLoss", "{\"delta\": 2.0}", 2, { BELOW, FAR }, .order = 1 },
        { "HuberLoss", "{\"delta\": 1.5, \"reduction\": \"none\"}", 2, { FAR, BELOW }, .order = 1 },
        { "SmoothL1Loss", "{\"beta\": 2.0}", 2, { ABOVE, BELOW }, .order = 2 },
        { "SmoothL1Loss", NULL, 2, { BELOW, FAR }, .order = 1 },
        { "SmoothL1Loss", "{\"beta\": 0.0, \"reduction\": \"none\"}", 2, { FAR, BELOW }, .order = 1 },
        { "BCELoss", NULL, 2, { SHARE_IN(4, 3), SHARE_IN(4, 3) }, .order = 2 },
        { "BCELoss", "{\"reduction\": \"none\"}", 3, { SHARE_IN(4, 3), SHARE_IN(4, 3), FIXED_IN(4, 1) }, .order = 2 },
        { "BCELoss", "{\"reduction\": \"sum\"}", 3, { SHARE_IN(4, 3), SHARE_IN(4, 3), FIXED_IN(3) }, .order = 2 },
        { "BCEWithLogitsLoss", NULL, 2, { REAL_IN(4, 3), SHARE_IN(4, 3) }, .order = 2 },
        { "BCEWithLogitsLoss", NULL, 4, { REAL_IN(4, 3), SHARE_IN(4, 3), FIXED_IN(4, 1), FIXED_IN(3) }, .order = 2 },
        { "BCEWithLogitsLoss", "{\"reduction\": \"none\"}", 4, { REAL_IN(4, 3), SHARE_IN(4, 3), ABSENT_IN, FIXED_IN(3) }, .order = 2 },
        { "KLDivLoss", NULL, 2, { REAL_IN(4, 3), SHARE_IN(4, 3) }, .order = 2 },
        { "KLDivLoss", "{\"reduction\": \"batchmean\"}", 2, { REAL_IN(4, 3), SHARE_IN(4, 3) }, .order = 2 },
        { "KLDivLoss", "{\"reduction\": \"none\", \"log_target\": true}", 2, { REAL_IN(4, 3), REAL_IN(4, 3) }, .order = 2 },
        { "KLDivLoss", "{\"reduction\": \"sum\", \"log_target\": true}", 2, { REAL_IN(5), REAL_IN(5) }, .order = 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

/* Gradients of the composed form, which create_graph takes, at the stored inputs: kinks, ignored ids, steep logits. */
static void test_loss_composed_agrees(void **state) {
    luron_ctx *ctx = *state;
    const golden_case *tables[] = { class_loss_cases, loss_cases };
    const size_t sizes[] = { sizeof class_loss_cases / sizeof *class_loss_cases, sizeof loss_cases / sizeof *loss_cases };
    int compared = 0;
    luron_ctx_set_higher(ctx, 1);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < sizes[k]; i++)
            for (int base = 0; base <= 1; base++) {
                const golden_case *c = &tables[k][i];
                if (!c->cotangent) continue;
                luron_ctx_set_index_base(ctx, base);
                char name[200];
                snprintf(name, sizeof name, "table %d, case %zu, base %d: composed %s %s", k, i, base, c->type, c->options ? c->options : "");
                luron_layer *layer;
                luron_tensor *in[GOLDEN_IN] = { NULL }, *y, *v = tensor_of(ctx, LURON_F64, c->out.ndim, c->out.shape, c->cotangent), *g[2] = { NULL };
                assert_ok(ctx, luron_layer_from_json(&layer, ctx, c->type, c->options));
                for (int j = 0; j < c->n_in; j++) in[j] = golden_input(ctx, c, j, LURON_F64);
                assert_ok(ctx, luron_layer_apply(&y, ctx, layer, c->n_in, in));
                assert_ok(ctx, luron_grad(g, ctx, 1, &y, &v, c->grad[1] ? 2 : 1, in, LURON_CREATE_GRAPH));
                for (int j = 0; j < 2; j++)
                    if (c->grad[j]) assert_tensor_close_(g[j], c->grad[j], luron_tensor_numel(in[j]), 1e-11, 1e-11, name, __FILE__, __LINE__);
                for (int j = 0; j < GOLDEN_IN; j++) luron_tensor_unref(in[j]);
                for (int j = 0; j < 2; j++) luron_tensor_unref(g[j]);
                luron_tensor_unref(y);
                luron_tensor_unref(v);
                luron_layer_unref(layer);
                compared++;
            }
    assert_true(compared > 150);
    luron_ctx_set_index_base(ctx, 0);
}

static void test_loss_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const char *const pairs[] = { "MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss", "BCELoss", "BCEWithLogitsLoss", "KLDivLoss", "SoftCrossEntropyLoss" };
    static const char *const reductions[] = { NULL, "{\"reduction\": \"sum\"}", "{\"reduction\": \"none\"}" };
    const int64_t shape[] = { 1501, 23 };
    luron_tensor *ids;
    assert_ok(ctx, luron_tensor_permutation(&ids, ctx, shape[0]));
    for (int64_t i = 0; i < shape[0]; i++) ((int64_t *)luron_tensor_data(ids))[i] %= shape[1];
    for (int r = 0; r < 3; r++) {
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) runs_threads(ctx, pairs[i], reductions[r], 2, shape, NULL);
        runs_threads(ctx, "CrossEntropyLoss", reductions[r], 1, shape, ids);
        runs_threads(ctx, "NLLLoss", reductions[r], 1, shape, ids);
    }
    runs_threads(ctx, "CrossEntropyLoss", "{\"label_smoothing\": 0.1, \"ignore_index\": 7}", 1, shape, ids);
    luron_tensor_unref(ids);
}

/* Weights of one change no bit of the gradient, though rows are then computed one by one. */
static void test_loss_rows_in_one_run(void **state) {
    luron_ctx *ctx = *state;
    const char *options[] = { "{\"ignore_index\": 1}", "{\"ignore_index\": 1, \"reduction\": \"sum\"}" };
    const int64_t sizes[] = { 2, 3, 10, 255 }, rows = 301;
    for (int i = 0; i < 16; i++) {
        const int64_t n = sizes[i % 4];
        luron_layer *layer;
        luron_tensor *in[3], *y, *g[2];
        assert_ok(ctx, luron_tensor_new(&in[0], ctx, i & 4 ? LURON_F64 : LURON_F32, 2, (int64_t[]) { rows, n }));
        assert_ok(ctx, luron_tensor_normal(ctx, in[0], 0, 3));
        assert_ok(ctx, luron_tensor_permutation(&in[1], ctx, rows));
        for (int64_t k = 0; k < rows; k++) ((int64_t *)luron_tensor_data(in[1]))[k] %= n;
        assert_ok(ctx, luron_tensor_full(&in[2], ctx, luron_tensor_dtype(in[0]), 1, &n, 1));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[0], 1));
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "CrossEntropyLoss", options[i / 8]));
        for (int with = 0; with < 2; with++) {
            assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2 + with, in));
            assert_ok(ctx, luron_grad(&g[with], ctx, 1, &y, NULL, 1, in, 0));
            luron_tensor_unref(y);
        }
        assert_memory_equal(luron_tensor_data(g[0]), luron_tensor_data(g[1]), (size_t)(rows * n) * (i & 4 ? 8 : 4));
        luron_tensor *made[] = { in[0], in[1], in[2], g[0], g[1] };
        for (int k = 0; k < 5; k++) luron_tensor_unref(made[k]);
        luron_layer_unref(layer);
    }
}

/* A type applied to two or three tensors, which must fail. */
static void expect(luron_ctx *ctx, const char *type, const char *options, luron_tensor *x, luron_tensor *t, luron_tensor *w, luron_status status, const char *part) {
    luron_layer *layer;
    luron_tensor *y = NULL, *in[] = { x, t, w };
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, w ? 3 : 2, in), status, part);
    assert_null(y);
    luron_layer_unref(layer);
}

static luron_tensor *ids_of(luron_ctx *ctx, int64_t n, const double *values) { return tensor_of(ctx, LURON_I64, 1, &n, values); }

static void test_loss_bad_ids(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 3, 4 }, NULL), *ids;
    static const struct bad {
        int base;
        double ids[3];
        const char *options, *part;
    } bad[] = {
        { 0, { 0, 4, 1 }, NULL, "4" }, { 0, { 0, 1, -1 }, NULL, "-1" }, { 1, { 1, 4, 5 }, NULL, "5" }, { 1, { 1, 0, 4 }, NULL, "0" },
        { 1, { 1, -1, 4 }, NULL, "-1" }, { 0, { 0, -100, 9 }, NULL, "9" }, { 0, { 3, -100, 2 }, "{\"ignore_index\": 1}", "-100" },
        { 1, { 4, 2, 255 }, "{\"ignore_index\": 255}", "255" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        luron_ctx_set_index_base(ctx, bad[i].base);
        ids = ids_of(ctx, 3, bad[i].ids);
        expect(ctx, "CrossEntropyLoss", bad[i].options, x, ids, NULL, LURON_E_RANGE, bad[i].part);
        assert_non_null(strstr(luron_ctx_error(ctx), "target"));
        expect(ctx, "NLLLoss", bad[i].options, x, ids, NULL, LURON_E_RANGE, bad[i].part);
        luron_tensor_unref(ids);
    }
    luron_ctx_set_index_base(ctx, 0);
    luron_tensor_unref(x);
}

static void test_loss_bad_shapes(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 3, 4 }, NULL), *deep = tensor_of(ctx, LURON_F32, 3, (const int64_t[]) { 3, 4, 2 }, NULL);
    luron_tensor *column = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 3, 1 }, NULL), *number = tensor_of(ctx, LURON_F32, 0, NULL, NULL);
    luron_tensor *ids = ids_of(ctx, 2, (const double[]) { 0, 1 }), *good = ids_of(ctx, 3, (const double[]) { 0, 1, 2 }), *row = tensor_of(ctx, LURON_F32, 1, (const int64_t[]) { 3 }, NULL);
    luron_tensor *empty = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 3, 0 }, NULL);
    expect(ctx, "CrossEntropyLoss", NULL, x, ids, NULL, LURON_E_SHAPE, "target has size 2 in dimension 0, expected 3 as in input");
    assert_non_null(strstr(luron_ctx_error(ctx), "(3, 4)")); /* the host adds the shapes */
    expect(ctx, "CrossEntropyLoss", NULL, deep, good, NULL, LURON_E_SHAPE, "target has 1 dimensions, expected 2");
    expect(ctx, "CrossEntropyLoss", NULL, x, good, row, LURON_E_SHAPE, "weight has 3 numbers, input has 4 classes");
    expect(ctx, "CrossEntropyLoss", NULL, number, good, NULL, LURON_E_SHAPE, "input has no dimension");
    expect(ctx, "CrossEntropyLoss", NULL, empty, good, NULL, LURON_E_SHAPE, "0 classes");
    expect(ctx, "CrossEntropyLoss", NULL, x, row, NULL, LURON_E_DTYPE, "target");
    expect(ctx, "SoftCrossEntropyLoss", NULL, x, column, NULL, LURON_E_SHAPE, "target has size 1 in dimension 1, expected 4 as in input");
    expect(ctx, "MSELoss", NULL, x, column, NULL, LURON_E_SHAPE, "target has size 1 in dimension 1, input has 4");
    expect(ctx, "MSELoss", NULL, x, row, NULL, LURON_E_SHAPE, "target has 1 dimensions, input has 2");
    expect(ctx, "BCELoss", NULL, x, x, row, LURON_E_SHAPE, "weight has size 3 in dimension -1, expected 1 or 4");
    expect(ctx, "KLDivLoss", "{\"reduction\": \"batchmean\"}", number, number, NULL, LURON_E_SHAPE, "batchmean");
    luron_ctx_set_index_base(ctx, 1);
    expect(ctx, "MSELoss", NULL, x, column, NULL, LURON_E_SHAPE, "target has size 1 in dimension 2, input has 4");
    luron_ctx_set_index_base(ctx, 0);
    luron_tensor *all[] = { x, deep, column, number, ids, good, row, empty };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

static void test_loss_bad_numbers_and_options(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = NULL;
    luron_tensor *p = tensor_row(ctx, LURON_F32, 0.5, 1.5, -0.5), *t = tensor_row(ctx, LURON_F32, 0, 1, 1), *nan = tensor_row(ctx, LURON_F64, 0, 0.5, NAN);
    luron_tensor *t64 = tensor_row(ctx, LURON_F64, 0, 1, 1);
    expect(ctx, "BCELoss", NULL, p, t, NULL, LURON_E_RANGE, "input has 1.5 at element 1, expected probabilities from 0 to 1");
    expect(ctx, "BCELoss", NULL, nan, t64, NULL, LURON_E_RANGE, "at element 2");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "CrossEntropyLoss", "{\"label_smoothing\": 1.5}"), LURON_E_ARGUMENT, "label_smoothing");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "CrossEntropyLoss", "{\"reduction\": \"batchmean\"}"), LURON_E_ARGUMENT, "reduction");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "HuberLoss", "{\"delta\": 0}"), LURON_E_ARGUMENT, "delta");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "MSELoss", "{\"delta\": 1}"), LURON_E_ARGUMENT, "reduction");
    luron_tensor *all[] = { p, t, nan, t64 };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

/* No weight has a gradient: asked for, it is refused and nothing has changed. */
static void test_loss_gradient_of_weight_is_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 2, 3 }, NULL), *t = ids_of(ctx, 2, (const double[]) { 0, 2 }), *w = tensor_row(ctx, LURON_F32, 1, 2, 3);
    luron_tensor *y, *in[] = { x, t, w };
    luron_layer *layer;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, w, 1));
    assert_ok(ctx, luron_layer_new(&layer, ctx, "CrossEntropyLoss", 0, NULL));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 3, in));
    assert_fails(ctx, luron_backward(ctx, y, NULL, 0), LURON_E_GRADIENT, "weight has no gradient");
    assert_null(luron_tensor_grad(x));
    luron_tensor *all[] = { x, t, w, y };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_loss_values_of_pytorch), test_case(test_loss_gradients_of_classes), test_case(test_loss_gradients_of_elements),
        test_case(test_loss_composed_agrees), test_case(test_loss_bits_at_any_thread_count), test_case(test_loss_rows_in_one_run),
        test_case(test_loss_bad_ids), test_case(test_loss_bad_shapes),
        test_case(test_loss_bad_numbers_and_options), test_case(test_loss_gradient_of_weight_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
