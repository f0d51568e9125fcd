/* ops_softmax.c -- softmax and log_softmax along any dim. at[0] = dim. */
#include "internal.h"
#include "kernels/elementwise.h"

#include <stdio.h>
#include <string.h>

enum { GRAIN = 8192 };

typedef struct rows {
    int64_t n; /* numbers in a row */
    const char *x;
    char *y;
    uint32_t dtype;
    int is_log, isa;
} rows;

static void some_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const rows *j = arg;
    int64_t at = begin * j->n * luron_dtype_size(j->dtype);
    (void)chunk;
    luron__softmax_rows(j->isa, j->dtype, end - begin, j->n, j->x + at, j->y + at, j->is_log);
}

/* Strides of a contiguous tensor of x's shape but for `dim`, which comes last. */
static void strides_with_last(const luron_tensor *x, int dim, int64_t *strides) {
    int64_t step = x->shape[dim];
    for (int d = x->ndim - 1; d >= 0; d--) {
        if (d == dim) continue;
        strides[d] = step;
        step *= x->shape[d];
    }
    strides[dim] = 1;
}

static void copy(luron_ctx *ctx, const luron_tensor *x, luron__ew_operand to, luron__ew_operand from) {
    luron__ew e = {.n_in = 1, .ndim = x->ndim ? x->ndim : 1, .shape = {1}, .out = to, .in = {from}};
    for (int d = 0; d < x->ndim; d++) e.shape[d] = x->shape[d];
    luron__elementwise(&e, ctx->threads);
}

static luron__ew_operand operand(char *data, uint32_t dtype, uint32_t run, const int64_t *strides) {
    luron__ew_operand o = {.data = data, .dtype = dtype, .run = run};
    memcpy(o.strides, strides, sizeof o.strides);
    return o;
}

/* What does not lie as rows of the dtype of the computation is copied to where it does, and back. */
static luron_status compute(luron_ctx *ctx, luron__apply *a, int is_log) {
    const luron_tensor *x = a->in[0];
    const int dim = x->ndim ? (int)a->attrs.at[0] : 0;
    const int64_t numel = luron_tensor_numel(x);
    if (numel == 0) return LURON_OK;
    rows j = {.n = x->ndim ? x->shape[dim] : 1,
              .x = luron__data(x),
              .y = luron__data(a->out),
              .dtype = luron__compute_dtype(x->dtype),
              .is_log = is_log,
              .isa = ctx->isa};
    const bool direct = x->dtype == j.dtype && luron_tensor_is_contiguous(x) && (x->ndim == 0 || x->strides[dim] == 1);
    const size_t bytes = direct ? 0 : (size_t)numel * (size_t)luron_dtype_size(j.dtype);
    int64_t strides[LURON_MAX_DIMS] = {0};
    char *work = NULL;
    if (!direct) {
        if (!(work = luron__pool_alloc(ctx->pool, bytes))) return luron__nomem(ctx, bytes);
        if (x->ndim) strides_with_last(x, dim, strides);
        copy(ctx, x, operand(work, j.dtype, j.dtype, strides), operand(luron__data(x), x->dtype, j.dtype, x->strides));
        j.x = j.y = work;
    }
    luron__parallel_for(ctx->threads, numel / j.n, GRAIN / j.n + 1, some_rows, &j);
    if (!direct) {
        copy(ctx, x, operand(luron__data(a->out), x->dtype, x->dtype, a->out->strides), operand(work, j.dtype, x->dtype, strides));
        luron__pool_free(ctx->pool, work, bytes);
    }
    return LURON_OK;
}

static luron_status compute_softmax(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, 0); }
static luron_status compute_log_softmax(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, 1); }

static luron_status infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, luron_dtype_is_float(x->dtype), LURON_E_DTYPE, "%s: a real tensor expected, got %s", a->op->name,
                 luron_dtype_name(x->dtype));
    LURON_TRY(luron__attr_dim(ctx, a, 0, x->ndim));
    a->dtype = x->dtype;
    a->ndim = x->ndim;
    for (int d = 0; d < x->ndim; d++)
        a->shape[d] = x->shape[d];
    return LURON_OK;
}

/* dx = y (g - sum(g y)). */
static luron_status gradient_softmax(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                     int i) {
    luron_tensor *y = NULL, *gy = NULL, *sum = NULL, *rest = NULL;
    int dim = (int)node->attrs.at[0];
    (void)i;
    luron_status status = luron__node_output(&y, ctx, node, 0);
    if (!status) status = luron_mul(&gy, ctx, g, y);
    if (!status) status = luron_sum(&sum, ctx, gy, 1, &dim, 1);
    if (!status) status = luron_sub(&rest, ctx, g, sum);
    if (!status) status = luron_mul(out, ctx, y, rest);
    luron_tensor_unref(y);
    luron_tensor_unref(gy);
    luron_tensor_unref(sum);
    luron_tensor_unref(rest);
    return status;
}

/* dx = g - exp(y) sum(g). */
static luron_status gradient_log_softmax(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                         int i) {
    luron_tensor *y = NULL, *p = NULL, *sum = NULL, *part = NULL;
    int dim = (int)node->attrs.at[0];
    (void)i;
    luron_status status = luron__node_output(&y, ctx, node, 0);
    if (!status) status = luron_exp(&p, ctx, y);
    if (!status) status = luron_sum(&sum, ctx, g, 1, &dim, 1);
    if (!status) status = luron_mul(&part, ctx, p, sum);
    if (!status) status = luron_sub(out, ctx, g, part);
    luron_tensor_unref(y);
    luron_tensor_unref(p);
    luron_tensor_unref(sum);
    luron_tensor_unref(part);
    return status;
}

static const luron__op_attr attrs_of[] = {{"dim", LURON__ATTR_DIM, 0}, {0}};
static const luron__op op_softmax = {.name = "softmax",
                                     .saves = LURON__SAVE_OUT,
                                     .infer = infer,
                                     .compute = compute_softmax,
                                     .gradient = gradient_softmax,
                                     .attrs = attrs_of,
                                     .n_in = 1,
                                     .call = luron__call_real};
static const luron__op op_log_softmax = {.name = "log_softmax",
                                         .saves = LURON__SAVE_OUT,
                                         .infer = infer,
                                         .compute = compute_log_softmax,
                                         .gradient = gradient_log_softmax,
                                         .attrs = attrs_of,
                                         .n_in = 1,
                                         .call = luron__call_real};
const luron__op *const luron__ops_softmax[] = {&op_softmax, &op_log_softmax, NULL};

static luron_status apply(luron_tensor **out, luron_ctx *ctx, const luron__op *op, luron_tensor *x, int dim) {
    luron__attrs attrs = {.n = 1};
    char what[32];
    snprintf(what, sizeof what, "%s: dim", op->name);
    LURON_TRY(luron__wrap_dim(&dim, ctx, what, x->ndim));
    attrs.at[0] = dim;
    if (luron_dtype_is_float(x->dtype)) return luron__apply_op(out, ctx, op, 1, &x, &attrs);
    luron_tensor *real;
    LURON_TRY(luron_cast(&real, ctx, x, ctx->default_dtype));
    luron_status status = luron__apply_op(out, ctx, op, 1, &real, &attrs);
    luron_tensor_unref(real);
    return status;
}

luron_status luron_softmax(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return apply(out, ctx, &op_softmax, x, dim);
}
luron_status luron_log_softmax(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return apply(out, ctx, &op_log_softmax, x, dim);
}
