/* The losses that are made of ops: error_loss, margin_loss, distance, region_loss, and two of loss. */
#include "golden.h"
#include "layer_check.h"
#include "runs.h"

#include "../data/classes_losses_values.h"
#include "../data/distance_losses_values.h"
#include "../data/error_losses_values.h"
#include "../data/margin_losses_values.h"
#include "../data/region_losses_values.h"

static void test_losses_values(void **state) {
    golden_check(*state, error_cases, sizeof error_cases / sizeof *error_cases);
    golden_check(*state, margin_cases, sizeof margin_cases / sizeof *margin_cases);
    golden_check(*state, distance_cases, sizeof distance_cases / sizeof *distance_cases);
    golden_check(*state, region_cases, sizeof region_cases / sizeof *region_cases);
    golden_check(*state, classes_cases, sizeof classes_cases / sizeof *classes_cases);
}

#define REAL_IN(...) { INPUT_SHAPE(__VA_ARGS__), .lo = -2, .hi = 2 }
#define SHARE_IN(...) { INPUT_SHAPE(__VA_ARGS__), .lo = 0.05, .hi = 0.95 }
#define ABOVE_IN(...) { INPUT_SHAPE(__VA_ARGS__), .lo = 1.1, .hi = 2 }
#define SIGN_IN(ones, ...) { INPUT_SHAPE(__VA_ARGS__), .values = ones, .no_grad = true }
#define IDS_IN(n, ...) { INPUT_SHAPE(__VA_ARGS__), .ids = true, .n_ids = n }
static const double signs[] = { 1, -1, -1, 1, 1, -1, 1, 1, -1, -1, -1, 1 };

static void test_losses_gradients(void **state) {
    static const layer_case cases[] = {
        { "PoissonNLLLoss", NULL, 2, { REAL_IN(4, 3), REAL_IN(4, 3) }, .order = 2 },
        { "PoissonNLLLoss", "{\"log_input\": false, \"full\": true, \"reduction\": \"none\"}", 2, { ABOVE_IN(4, 3), ABOVE_IN(4, 3) }, .order = 2 },
        { "GaussianNLLLoss", NULL, 3, { REAL_IN(4, 3), REAL_IN(4, 3), SHARE_IN(4, 3) }, .order = 2 },
        { "GaussianNLLLoss", "{\"full\": true, \"reduction\": \"sum\"}", 3, { REAL_IN(4, 3), REAL_IN(4, 3), SHARE_IN(4) }, .order = 2 },
        { "GaussianNLLLoss", "{\"reduction\": \"none\"}", 3, { REAL_IN(4, 3), REAL_IN(4, 3), SHARE_IN(1, 3) }, .order = 2 },
        { "LogCoshLoss", NULL, 2, { REAL_IN(4, 3), ABOVE_IN(4, 3) }, .order = 2 },
        { "MAPELoss", NULL, 2, { SHARE_IN(4, 3), ABOVE_IN(4, 3) }, .order = 2 },
        { "MSLELoss", "{\"reduction\": \"none\"}", 2, { SHARE_IN(4, 3), ABOVE_IN(4, 3) }, .order = 2 },
        { "SoftMarginLoss", NULL, 2, { REAL_IN(4, 3), REAL_IN(4, 3) }, .order = 2 },
        { "HingeLoss", NULL, 2, { REAL_IN(4, 3), SIGN_IN(signs, 4, 3) }, .n_kinks = 2, .kinks = { -1, 1 } },
        { "SquaredHingeLoss", NULL, 2, { REAL_IN(4, 3), SIGN_IN(signs, 4, 3) }, .n_kinks = 2, .kinks = { -1, 1 }, .order = 2 },
        { "HingeEmbeddingLoss", "{\"reduction\": \"none\"}", 2, { REAL_IN(4, 3), SIGN_IN(signs, 4, 3) }, .n_kinks = 1, .kinks = { 1 } },
        { "MarginRankingLoss", "{\"margin\": 0.5}", 3, { ABOVE_IN(4, 3), SHARE_IN(4, 3), SIGN_IN(signs, 4, 3) }, .order = 1 },
        { "MultiMarginLoss", "{\"margin\": 5.0}", 2, { REAL_IN(5, 4), IDS_IN(4, 5) }, .order = 1 },
        { "MultiMarginLoss", "{\"margin\": 5.0, \"p\": 2, \"reduction\": \"none\"}", 3, { REAL_IN(5, 4), IDS_IN(4, 5), SHARE_IN(4) }, .order = 2 },
        { "MultiLabelMarginLoss", NULL, 2, { SHARE_IN(3, 4), IDS_IN(4, 3, 4) }, .order = 1 },
        { "MultiLabelSoftMarginLoss", NULL, 3, { REAL_IN(5, 4), SHARE_IN(5, 4), SHARE_IN(4) }, .order = 2 },
        { "MultiLabelSoftMarginLoss", "{\"reduction\": \"none\"}", 2, { REAL_IN(4), SHARE_IN(4) }, .order = 2 },
        { "CategoricalHingeLoss", NULL, 2, { SHARE_IN(5, 4), SHARE_IN(5, 4) }, .order = 1 },
        { "CosineSimilarity", NULL, 2, { REAL_IN(4, 3, 2), REAL_IN(1, 3, 1) }, .order = 2 },
        { "PairwiseDistance", "{\"keepdim\": true}", 2, { REAL_IN(4, 3), REAL_IN(3) }, .order = 2 },
        { "PairwiseDistance", "{\"p\": 3.0}", 2, { ABOVE_IN(4, 3), SHARE_IN(4, 3) }, .order = 2 },
        { "CosineSimilarityLoss", NULL, 2, { REAL_IN(4, 3), REAL_IN(4, 3) }, .order = 2 },
        { "CosineEmbeddingLoss", "{\"margin\": -1.0}", 3, { REAL_IN(4, 3), REAL_IN(4, 3), SIGN_IN(signs, 4) }, .order = 2 },
        { "TripletMarginLoss", "{\"margin\": 20.0}", 3, { REAL_IN(4, 3), REAL_IN(4, 3), REAL_IN(4, 3) }, .order = 2 },
        { "CircleLoss", "{\"gamma\": 3}", 2, { { INPUT_SHAPE(4, 3), .lo = -0.5, .hi = 0.5 }, IDS_IN(2, 4) }, .order = 2 },
        { "TripletMarginWithDistanceLoss", "{\"distance\": \"cosine\", \"margin\": 4.0, \"reduction\": \"none\"}", 3,
          { REAL_IN(4, 3), REAL_IN(4, 3), REAL_IN(4, 3) }, .order = 2 },
        { "DiceLoss", NULL, 2, { SHARE_IN(2, 3, 4), SHARE_IN(2, 3, 4) }, .order = 2 },
        { "DiceLoss", "{\"per\": \"example_class\", \"reduction\": \"none\"}", 2, { SHARE_IN(2, 3), SHARE_IN(2, 3) }, .order = 2 },
        { "TverskyLoss", "{\"per\": \"class\", \"alpha\": 0.3, \"smooth\": 1.0}", 2, { SHARE_IN(2, 3, 4), SHARE_IN(2, 3, 4) }, .order = 2 },
        { "BinaryFocalLoss", NULL, 2, { REAL_IN(4, 3), SHARE_IN(4, 3) }, .order = 2 },
        { "BinaryFocalLoss", "{\"gamma\": 0.5, \"from_logits\": false, \"apply_class_balancing\": true}", 2, { SHARE_IN(4, 3), SHARE_IN(4, 3) }, .order = 2 },
        { "FocalLoss", NULL, 3, { REAL_IN(2, 3, 4), IDS_IN(3, 2, 4), SHARE_IN(3) }, .order = 2 },
        { "FocalLoss", "{\"from_logits\": false, \"ignore_index\": 1, \"reduction\": \"none\"}", 2, { SHARE_IN(5, 4), IDS_IN(4, 5) }, .order = 2 },
        { "GeneralizedCrossEntropyLoss", "{\"ignore_index\": 1}", 2, { REAL_IN(5, 4), IDS_IN(4, 5) }, .order = 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

/* A type applied to inputs of these shapes (ids where n_ids), which must fail. */
typedef struct bad_case {
    const char *type, *options;
    int n_in;
    layer_input in[4];
    luron_status status;
    const char *part;
} bad_case;
static const double far_id[] = { 0, 1, 2, 4, 1 }, after_end[] = { 1, -1, 9, 9, 0, 7, -1, -1 };

static void test_losses_bad_inputs(void **state) {
    luron_ctx *ctx = *state;
    static const bad_case cases[] = {
        { "PoissonNLLLoss", NULL, 2, { REAL_IN(4, 3), REAL_IN(4) }, LURON_E_SHAPE, "target has 1 dimensions, input has 2" },
        { "LogCoshLoss", NULL, 2, { REAL_IN(4, 3), REAL_IN(4, 1) }, LURON_E_SHAPE, "target has size 1 in dimension 1, input has 3" },
        { "GaussianNLLLoss", NULL, 3, { REAL_IN(4, 3), REAL_IN(4, 3), REAL_IN(1, 1) }, LURON_E_SHAPE, "var fits no input" },
        { "GaussianNLLLoss", NULL, 3, { REAL_IN(4, 3), REAL_IN(4, 3), REAL_IN() }, LURON_E_SHAPE, "var has 0 dimensions" },
        { "MarginRankingLoss", NULL, 3, { REAL_IN(4), REAL_IN(4), REAL_IN(3) }, LURON_E_SHAPE, "target has size 3 in dimension 0, input1 has 4" },
        { "MultiMarginLoss", NULL, 2, { REAL_IN(5, 4), IDS_IN(4, 4) }, LURON_E_SHAPE, "target has size 4 in dimension 0, expected 5" },
        { "MultiMarginLoss", NULL, 2, { REAL_IN(5, 4), { INPUT_SHAPE(5), .ids = true, .values = far_id } }, LURON_E_RANGE, "4" },
        { "MultiMarginLoss", NULL, 3, { REAL_IN(5, 4), IDS_IN(4, 5), REAL_IN(3) }, LURON_E_SHAPE, "weight has 3 numbers, input has 4 classes" },
        { "MultiMarginLoss", "{\"p\": 3}", 0, { REAL_IN(1) }, LURON_E_ARGUMENT, "p: integer from 1 to 2" },
        { "MultiLabelMarginLoss", NULL, 2, { REAL_IN(2, 4), { INPUT_SHAPE(2, 4), .ids = true, .values = after_end } }, LURON_E_RANGE, "7" },
        { "MultiLabelSoftMarginLoss", NULL, 2, { REAL_IN(), REAL_IN() }, LURON_E_SHAPE, "input has no dimension" },
        { "CategoricalHingeLoss", NULL, 2, { REAL_IN(4, 0), REAL_IN(4, 0) }, LURON_E_SHAPE, "input has no classes" },
        { "CosineEmbeddingLoss", NULL, 3, { REAL_IN(4, 3), REAL_IN(4, 3), REAL_IN(3) }, LURON_E_SHAPE, "one number for each" },
        { "CosineSimilarity", NULL, 2, { REAL_IN(4, 3), REAL_IN(4, 2) }, LURON_E_SHAPE, "x2 has vectors of 2 numbers, x1 of 3" },
        { "PairwiseDistance", NULL, 2, { REAL_IN(4, 3), REAL_IN(4, 1) }, LURON_E_SHAPE, "of one length expected" },
        { "TripletMarginLoss", NULL, 3, { REAL_IN(4, 3), REAL_IN(4, 3), REAL_IN(3) }, LURON_E_SHAPE, "negative has 1 dimensions, anchor has 2" },
        { "TripletMarginWithDistanceLoss", "{\"distance\": \"far\"}", 0, { REAL_IN(1) }, LURON_E_ARGUMENT, "manhattan" },
        { "CircleLoss", NULL, 2, { REAL_IN(4, 3), IDS_IN(2, 3) }, LURON_E_SHAPE, "input has 4 rows: as many ids expected" },
        { "CircleLoss", NULL, 2, { REAL_IN(0, 3), IDS_IN(2, 0) }, LURON_E_SHAPE, "input has 0 rows of 3 numbers, at least one of 3 expected" },
        { "CircleLoss", NULL, 3, { REAL_IN(4, 3), IDS_IN(2, 4), REAL_IN(2, 3) }, LURON_E_SHAPE, "ref_input has 2 rows: as many ids expected" },
        { "CircleLoss", NULL, 3, { REAL_IN(4, 3), IDS_IN(2, 4), REAL_IN(2, 5) }, LURON_E_SHAPE, "ref_input has 2 rows of 5 numbers, at least one of 3 expected" },
        { "DiceLoss", "{\"per\": \"class\"}", 2, { REAL_IN(4), REAL_IN(4) }, LURON_E_SHAPE, "per = \"class\" expects (n, classes, ...)" },
        { "FocalLoss", NULL, 2, { REAL_IN(5, 4), { INPUT_SHAPE(5), .ids = true, .values = far_id } }, LURON_E_RANGE, "4" },
        { "FocalLoss", NULL, 2, { REAL_IN(5, 4), IDS_IN(4, 3) }, LURON_E_SHAPE, "target has size 3 in dimension 0, expected 5" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bad_case *b = &cases[i];
        const layer_case c = { .type = b->type, .options = b->options, .n_in = b->n_in, .in = { b->in[0], b->in[1], b->in[2], b->in[3] } };
        luron_tensor *in[4] = { NULL }, *y = NULL;
        luron_layer *layer = NULL;
        if (b->n_in == 0) {
            assert_fails(ctx, luron_layer_from_json(&layer, ctx, b->type, b->options), b->status, b->part);
            continue;
        }
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, b->type, b->options));
        layer_case_inputs(in, ctx, &c, LURON_F32);
        assert_fails(ctx, luron_layer_apply(&y, ctx, layer, b->n_in, in), b->status, b->part);
        assert_null(y);
        for (int k = 0; k < 4; k++) luron_tensor_unref(in[k]);
        luron_layer_unref(layer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { test_case(test_losses_values), test_case(test_losses_gradients), test_case(test_losses_bad_inputs) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
