/* golden.h -- checks of a layer type against stored numbers of PyTorch (tests/data/make_plugins.py): output, gradients of
 * the inputs and of the parameter, in float64 and float32.                                                            */
#ifndef GOLDEN_H
#define GOLDEN_H
#include "tensor_assert.h"

#include <stdio.h>
#include <string.h>

enum { GOLDEN_IN = 4 };
enum { GOLDEN_REAL, GOLDEN_IDS, GOLDEN_NONE };
typedef struct golden_tensor {
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
    const double *values;
    int kind;
} golden_tensor;
#define GOLDEN_ABSENT { 0, { 0 }, NULL, GOLDEN_NONE }
typedef struct golden_case {
    const char *type, *options; /* JSON or NULL */
    int n_in;
    golden_tensor in[GOLDEN_IN], out;
    const double *cotangent, *grad[GOLDEN_IN]; /* NULL: none */
    const double *param, *grad_param;
} golden_case;

static inline int64_t golden_numel(int ndim, const int64_t *shape) {
    int64_t n = 1;
    for (int i = 0; i < ndim; i++) n *= shape[i];
    return n;
}

/* Input i in the dtype; ids in the context's base (negative ones stay), as 64- or 32-bit integers. */
static inline luron_tensor *golden_input(luron_ctx *ctx, const golden_case *c, int i, uint32_t dtype) {
    const golden_tensor *in = &c->in[i];
    if (in->kind == GOLDEN_NONE) return NULL;
    double ids[512];
    const int64_t n = golden_numel(in->ndim, in->shape);
    for (int64_t k = 0; in->kind == GOLDEN_IDS && k < n; k++) ids[k] = in->values[k] + (in->values[k] >= 0 ? luron_ctx_index_base(ctx) : 0);
    luron_tensor *t = tensor_of(ctx, in->kind != GOLDEN_IDS ? dtype : dtype == LURON_F64 ? LURON_I64 : LURON_I32, in->ndim, in->shape, in->kind == GOLDEN_IDS ? ids : in->values);
    if (c->grad[i]) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

static inline void golden_check_as(luron_ctx *ctx, const golden_case *c, const char *name, uint32_t dtype, double rtol, double atol) {
    /* Derivatives taken from y (tanh, SELU) have an absolute error near the ends of its range. */
    const double gradient_atol = atol > 1e-15 ? atol : 1e-15;
    luron_layer *layer;
    luron_tensor *in[GOLDEN_IN] = { NULL }, *out = NULL, *v;
    char what[256];
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, c->type, c->options));
    luron_tensor *param = luron_layer_param(layer, 0);
    if (c->param) {
        v = tensor_of(ctx, dtype, luron_tensor_ndim(param), luron_tensor_shape(param), c->param);
        luron_ctx_set_recording(ctx, 0);
        assert_ok(ctx, luron_tensor_copy(ctx, param, v));
        luron_ctx_set_recording(ctx, 1);
        luron_tensor_unref(v);
    }
    for (int i = 0; i < c->n_in; i++) in[i] = golden_input(ctx, c, i, dtype);
    assert_ok(ctx, luron_layer_apply(&out, ctx, layer, c->n_in, in));
    assert_shape_(out, (size_t)c->out.ndim, c->out.shape, name, __FILE__, __LINE__);
    assert_int_equal(luron_tensor_dtype(out), dtype);
    const int64_t n = golden_numel(c->out.ndim, c->out.shape);
    assert_tensor_close_(out, c->out.values, n, rtol, atol, name, __FILE__, __LINE__);
    if (c->cotangent) {
        v = tensor_of(ctx, dtype, c->out.ndim, c->out.shape, c->cotangent);
        assert_ok(ctx, luron_backward(ctx, out, v, 0));
        luron_tensor_unref(v);
        for (int i = 0; i < c->n_in; i++) {
            snprintf(what, sizeof what, "%s: gradient of input %d", name, i);
            if (c->grad[i]) assert_tensor_close_(luron_tensor_grad(in[i]), c->grad[i], luron_tensor_numel(in[i]), rtol, gradient_atol, what, __FILE__, __LINE__);
        }
        snprintf(what, sizeof what, "%s: gradient of the parameter", name);
        if (c->grad_param) assert_tensor_close_(luron_tensor_grad(param), c->grad_param, luron_tensor_numel(param), rtol, gradient_atol, what, __FILE__, __LINE__);
    }
    luron_tensor_unref(out);
    for (int i = 0; i < c->n_in; i++) luron_tensor_unref(in[i]);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
}

/* Every case in both real types and with both index bases; a failure names its case. */
static inline void golden_check(luron_ctx *ctx, const golden_case *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const golden_case *c = &cases[i];
        char name[160];
        snprintf(name, sizeof name, "case %zu: %s %s", i, c->type, c->options ? c->options : "");
        for (int base = 0; base <= (c->n_in > 1 && c->in[1].kind == GOLDEN_IDS); base++) {
            luron_ctx_set_index_base(ctx, base);
            golden_check_as(ctx, c, name, LURON_F64, 1e-12, 1e-17);
            golden_check_as(ctx, c, name, LURON_F32, 1e-6, 1e-6);
        }
        luron_ctx_set_index_base(ctx, 0);
    }
}

#endif
