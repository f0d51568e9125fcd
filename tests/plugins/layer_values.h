/* layer_values.h -- a layer with given parameters beside numbers of PyTorch or Keras: outputs and gradients. The tables
 * in tests/data are lists of what is below; numbers of several tensors stand one after the other. */
#ifndef LAYER_VALUES_H
#define LAYER_VALUES_H
#include "tensor_assert.h"

#include <math.h>
#include <stdio.h>

typedef struct layer_values {
    const char *type, *options;
    int n_in;
    struct {
        int kind, ndim; /* kind 0: absent, 1: real, 2: bool, 3: ids or int64, 4: real without a gradient */
        int64_t shape[6];
    } in[7];
    int n_out;
    const double *ins, *params, *outs, *cotangents, *grad_ins, *grad_params;
} layer_values;

/* Compare and go on behind the numbers. */
static void layer_values_check(luron_tensor *got, const double **at, double tol, const char *name, const char *what) {
    char text[300];
    snprintf(text, sizeof text, "%s: %s", name, what);
    if (luron_tensor_numel(got))
        assert_tensor_close_(got, *at, luron_tensor_numel(got), tol, tol, text, __FILE__, __LINE__);
    *at += luron_tensor_numel(got);
}
static luron_tensor *layer_values_in(luron_ctx *ctx, const layer_values *k, int i, uint32_t dtype, const double **at) {
    const int kind = k->in[i].kind;
    if (kind == 0) return NULL;
    const uint32_t of = kind == 2 ? LURON_B8 : kind == 3 ? LURON_I64 : dtype;
    luron_tensor *x = tensor_of(ctx, of, k->in[i].ndim, k->in[i].shape, *at);
    *at += luron_tensor_numel(x);
    if (kind == 1) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    return x;
}
static void layer_values_put(luron_ctx *ctx, luron_tensor *to, const double *values) {
    luron_tensor *t = tensor_of(ctx, LURON_F64, luron_tensor_ndim(to), luron_tensor_shape(to), values);
    const int recording = luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_copy(ctx, to, t));
    luron_ctx_set_recording(ctx, recording);
    luron_tensor_unref(t);
}
/** tol: of outputs; that of gradients is 8 times as large. Leaves the default dtype as `dtype`. */
static void layer_values_all(luron_ctx *ctx, const layer_values *k, uint32_t dtype, double tol) {
    const double *ins = k->ins, *params = k->params, *outs = k->outs, *v = k->cotangents;
    const double *grad_ins = k->grad_ins, *grad_params = k->grad_params;
    luron_layer *layer;
    luron_tensor *in[7], *out[4], *cotangent[4], *x[7 + 16], *g[7 + 16];
    int n_x = 0, n_in = 0;
    char name[240];
    snprintf(name, sizeof name, "%s %s", k->type, k->options);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, k->type, k->options));
    for (int i = 0; i < k->n_in; i++) {
        in[i] = layer_values_in(ctx, k, i, dtype, &ins);
        if (k->in[i].kind == 1) x[n_x++] = in[i], n_in++;
    }
    for (int p = 0; p < luron_layer_n_params(layer); p++) {
        x[n_x] = luron_layer_param(layer, p);
        layer_values_put(ctx, x[n_x], params);
        params += luron_tensor_numel(x[n_x++]);
    }
    assert_ok(ctx, luron_layer_apply(out, ctx, layer, k->n_in, in));
    assert_int_equal(luron_layer_n_outs(layer), k->n_out);
    for (int i = 0; i < k->n_out; i++) {
        layer_values_check(out[i], &outs, tol, name, "output");
        cotangent[i] = tensor_of(ctx, dtype, luron_tensor_ndim(out[i]), luron_tensor_shape(out[i]), v);
        v += luron_tensor_numel(out[i]);
    }
    assert_ok(ctx, luron_grad(g, ctx, k->n_out, out, cotangent, n_x, x, 0));
    for (int i = 0; i < n_x; i++) {
        const char *what = i < n_in ? "gradient of an input" : luron_layer_param_name(layer, i - n_in);
        layer_values_check(g[i], i < n_in ? &grad_ins : &grad_params, 8 * tol, name, what);
        luron_tensor_unref(g[i]);
    }
    for (int i = 0; i < k->n_out; i++)
        luron_tensor_unref(out[i]), luron_tensor_unref(cotangent[i]);
    for (int i = 0; i < k->n_in; i++)
        luron_tensor_unref(in[i]);
    luron_layer_unref(layer);
}
#endif
