/* CTCLoss against PyTorch, its gradients against differences, and what it refuses. */
#include "layer_check.h"
#include "tensor_assert.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct ctc_case {
    const char *options;
    int64_t n, t, classes, row, total; /* n 0: no batch; row 0: targets one behind the other */
    const double *log_probs;
    const int64_t *targets, *input_lengths, *target_lengths;
    const double *out, *cotangent, *grad;
} ctc_case;
#include "../data/ctc_reference.h"

static luron_tensor *integers(luron_ctx *ctx, int ndim, const int64_t *shape, const int64_t *values, int64_t plus) {
    double as[64];
    int64_t n = 1;
    for (int i = 0; i < ndim; i++) n *= shape[i];
    for (int64_t i = 0; i < n; i++) as[i] = (double)(values[i] + plus);
    return tensor_of(ctx, LURON_I64, ndim, shape, as);
}

/* The inputs of a case, log_probs first. Lengths are no ids: no base is added. */
static void inputs_of(luron_tensor **in, luron_ctx *ctx, const ctc_case *c, uint32_t dtype) {
    const int64_t n = c->n ? c->n : 1, first = strstr(c->options, "\"batch_first\": true") != NULL;
    const int64_t batched[] = { first ? n : c->t, first ? c->t : n, c->classes }, one[] = { c->t, c->classes }, rows[] = { n, c->row };
    in[0] = tensor_of(ctx, dtype, c->n ? 3 : 2, c->n ? batched : one, c->log_probs);
    if (c->row && c->n) in[1] = integers(ctx, 2, rows, c->targets, luron_ctx_index_base(ctx));
    else in[1] = integers(ctx, 1, &c->total, c->targets, luron_ctx_index_base(ctx));
    in[2] = c->input_lengths ? integers(ctx, 1, &n, c->input_lengths, 0) : NULL;
    in[3] = c->target_lengths ? integers(ctx, 1, &n, c->target_lengths, 0) : NULL;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[0], 1));
}

static void check_as(luron_ctx *ctx, const ctc_case *c, const char *name, uint32_t dtype, double rtol, double atol) {
    luron_tensor *in[4], *y, *v;
    luron_layer *layer;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    char options[160];
    snprintf(options, sizeof options, "%s", c->options);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "CTCLoss", options));
    inputs_of(in, ctx, c, dtype);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 4, in));
    const int64_t n = luron_tensor_numel(y);
    assert_tensor_close_(y, c->out, n, rtol, atol, name, __FILE__, __LINE__);
    if (c->grad) {
        v = tensor_of(ctx, dtype, luron_tensor_ndim(y), luron_tensor_shape(y), c->cotangent);
        assert_ok(ctx, luron_backward(ctx, y, v, 0));
        assert_tensor_close_(luron_tensor_grad(in[0]), c->grad, luron_tensor_numel(in[0]), rtol, atol, name, __FILE__, __LINE__);
        luron_tensor_unref(v);
    }
    for (int i = 0; i < 4; i++) luron_tensor_unref(in[i]);
    luron_tensor_unref(y);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
}

static void test_sequence_loss_values_of_pytorch(void **state) {
    luron_ctx *ctx = *state;
    for (size_t i = 0; i < sizeof ctc_cases / sizeof *ctc_cases; i++)
        for (int base = 0; base <= 1; base++) {
            char name[32];
            snprintf(name, sizeof name, "case %zu, base %d", i, base);
            luron_ctx_set_index_base(ctx, base);
            check_as(ctx, &ctc_cases[i], name, LURON_F64, 1e-11, 1e-14);
            check_as(ctx, &ctc_cases[i], name, LURON_F32, 1e-6, 1e-6);
        }
    luron_ctx_set_index_base(ctx, 0);
}

static void test_sequence_loss_gradients(void **state) {
    static const double letters[] = { 1, 2, 2, 3, 1, 3 };
#define LETTERS { INPUT_SHAPE(2, 3), .ids = true, .values = letters }
    static const layer_case cases[] = {
        { "CTCLoss", NULL, 2, { { INPUT_SHAPE(2, 6, 4), .lo = -3, .hi = -0.5 }, LETTERS }, .order = 2 },
        { "CTCLoss", "{\"reduction\": \"none\", \"batch_first\": false}", 2, { { INPUT_SHAPE(5, 2, 4), .lo = -3, .hi = -0.5 }, LETTERS }, .order = 2 },
        { "CTCLoss", "{\"reduction\": \"sum\", \"zero_infinity\": true}", 2, { { INPUT_SHAPE(2, 3, 4), .lo = -3, .hi = -0.5 }, LETTERS }, .order = 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

static void test_sequence_loss_refuses(void **state) {
    luron_ctx *ctx = *state;
    static const struct { const char *options; int64_t targets[4], target_lengths[2], input_lengths[2]; int base; luron_status status; const char *part; } cases[] = {
        { NULL, { 1, 2, 3, 4 }, { 2, 2 }, { 3, 3 }, 0, LURON_E_RANGE, "4" },
        { NULL, { 1, 2, 0, 3 }, { 2, 2 }, { 3, 3 }, 0, LURON_E_RANGE, "targets has the blank, 0, at element 0 of sequence 1" },
        { NULL, { 2, 3, 1, 4 }, { 2, 2 }, { 3, 3 }, 1, LURON_E_RANGE, "targets has the blank, 1, at element 1 of sequence 2" },
        { NULL, { 1, 2, 3, 3 }, { 2, 3 }, { 3, 3 }, 0, LURON_E_RANGE, "target_lengths has 3 at element 1, targets has 2 numbers for it" },
        { NULL, { 2, 2, 3, 3 }, { 2, -1 }, { 3, 3 }, 1, LURON_E_RANGE, "target_lengths has -1 at element 2" },
        { NULL, { 1, 2, 3, 1 }, { 2, 2 }, { 3, 4 }, 0, LURON_E_RANGE, "input_lengths has 4 at element 1, log_probs has 3 times" },
        { NULL, { 1, 2, 3, 3 }, { 2, 2 }, { 3, 2 }, 0, LURON_E_RANGE, "targets of sequence 1 need 3 times, and it has 2" },
        { NULL, { 2, 3, 3, 3 }, { 2, 1 }, { 1, 1 }, 1, LURON_E_RANGE, "targets of sequence 1 need 2 times, and it has 1" },
        { "{\"blank\": 4}", { 1, 2, 3, 3 }, { 2, 2 }, { 3, 3 }, 0, LURON_E_ARGUMENT, "blank is 4, log_probs has 4 classes" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t two = 2, square[] = { 2, 2 }, shape[] = { 2, 3, 4 };
        luron_layer *layer;
        luron_tensor *y = NULL, *in[] = { tensor_of(ctx, LURON_F32, 3, shape, NULL), integers(ctx, 2, square, cases[i].targets, 0),
                                          integers(ctx, 1, &two, cases[i].input_lengths, 0), integers(ctx, 1, &two, cases[i].target_lengths, 0) };
        luron_ctx_set_index_base(ctx, cases[i].base);
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "CTCLoss", cases[i].options));
        assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 4, in), cases[i].status, cases[i].part);
        in[3] = (luron_tensor_unref(in[3]), integers(ctx, 1, (const int64_t[]) { 1 }, cases[i].target_lengths, 0));
        if (!cases[i].options) assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 4, in), LURON_E_SHAPE, "target_lengths has 1 numbers, expected one for each of 2");
        for (int k = 0; k < 4; k++) luron_tensor_unref(in[k]);
        luron_layer_unref(layer);
        luron_ctx_set_index_base(ctx, 0);
    }
}

/* Numbers that are none show in the loss, whatever is done about infinite ones. */
static void test_sequence_loss_nan_stays(void **state) {
    luron_ctx *ctx = *state;
    static const double logp[] = { -1, -1, -1, NAN, NAN, NAN, -1, -1, -1, -1, -1, -1 };
    for (int zero = 0; zero <= 1; zero++) {
        luron_layer *layer;
        luron_tensor *y, *in[] = { tensor_of(ctx, LURON_F64, 3, (const int64_t[]) { 1, 4, 3 }, logp),
                                   integers(ctx, 2, (const int64_t[]) { 1, 2 }, (const int64_t[]) { 1, 2 }, 0) };
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "CTCLoss", zero ? "{\"zero_infinity\": true}" : NULL));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, in));
        assert_tensor_close(y, ((const double[]) { NAN }), 1, 0, 0);
        luron_tensor_unref(in[0]), luron_tensor_unref(in[1]), luron_tensor_unref(y);
        luron_layer_unref(layer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { test_case(test_sequence_loss_values_of_pytorch), test_case(test_sequence_loss_gradients),
                                        test_case(test_sequence_loss_refuses), test_case(test_sequence_loss_nan_stays) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
