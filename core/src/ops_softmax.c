/* ops_softmax.c -- softmax and log_softmax along any dim. at[0] = dim. */
#include "internal.h"

#include <stdio.h>

enum { GRAIN = 8192 };

/* Rows along a dim with x's strides: one for each position in the other dims, in row-major order. */
typedef struct rows {
    int64_t n, rows, inner; /* numbers in a row; rows; positions after the dim */
    int dim;
    const luron_tensor *x;
    luron_tensor *out;
    uint32_t dtype; /* of the computation */
    char *work;     /* (rows, n), or NULL: x and out are that themselves */
    int is_log, isa;
} rows;

static int64_t offset_in_x(const rows *j, int64_t row) {
    int64_t offset = 0;
    for (int d = j->x->ndim - 1; d >= 0; d--) {
        if (d == j->dim) continue;
        offset += row % j->x->shape[d] * j->x->strides[d];
        row /= j->x->shape[d];
    }
    return offset;
}

static void some_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const rows *j = arg;
    int64_t size = luron_dtype_size(j->dtype), x_size = luron_dtype_size(j->x->dtype);
    (void)chunk;
    if (!j->work) {
        int64_t at = begin * j->n * size;
        luron__softmax_rows(j->isa, j->dtype, end - begin, j->n, luron__data(j->x) + at, luron__data(j->out) + at, j->is_log);
        return;
    }
    for (int64_t r = begin; r < end; r++) {
        char *row = j->work + r * j->n * size,
             *to = luron__data(j->out) + (r / j->inner * j->inner * j->n + r % j->inner) * x_size;
        luron__convert(j->dtype, row, 1, j->x->dtype, luron__data(j->x) + offset_in_x(j, r) * x_size,
                       j->x->ndim ? j->x->strides[j->dim] : 1, j->n);
        luron__softmax_rows(j->isa, j->dtype, 1, j->n, row, row, j->is_log);
        luron__convert(j->x->dtype, to, j->inner, j->dtype, row, 1, j->n);
    }
}

static luron_status compute(luron_ctx *ctx, luron__apply *a, int is_log) {
    const luron_tensor *x = a->in[0];
    rows j = {.n = 1,
              .rows = 1,
              .inner = 1,
              .dim = (int)a->attrs.at[0],
              .x = x,
              .out = a->out,
              .dtype = luron__compute_dtype(x->dtype),
              .is_log = is_log,
              .isa = ctx->isa};
    for (int d = 0; d < x->ndim; d++) {
        if (d == j.dim)
            j.n = x->shape[d];
        else
            j.rows *= x->shape[d];
        if (d > j.dim) j.inner *= x->shape[d];
    }
    if (j.n == 0 || j.rows == 0) return LURON_OK;
    bool direct = j.inner == 1 && x->dtype == j.dtype && luron_tensor_is_contiguous(x);
    size_t bytes = direct ? 0 : (size_t)(j.rows * j.n) * (size_t)luron_dtype_size(j.dtype);
    if (!direct && !(j.work = luron__pool_alloc(ctx->pool, bytes))) return luron__nomem(ctx, bytes);
    luron__parallel_for(ctx->threads, j.rows, GRAIN / j.n + 1, some_rows, &j);
    if (!direct) luron__pool_free(ctx->pool, j.work, bytes);
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
