/* ops_diagonal.c -- diagonal, a view, and the op that puts it back, each the gradient of the other; and diag, trace,
 * outer and dot, which are expressions of ops. at = offset, dim1, dim2, then the sizes of these for diagonal_pad. */
#include "ops_linalg.h"

#include <string.h>

/* ---- diagonal ---------------------------------------------------------------------------------------------------- */
/* Elements on a diagonal of (rows, cols), and where it begins. */
typedef struct line {
    int64_t length, row, col;
} line;

static line line_of(int64_t rows, int64_t cols, int64_t offset) {
    line l = {.row = offset < 0 ? offset == INT64_MIN ? INT64_MAX : -offset : 0, .col = offset > 0 ? offset : 0};
    if (l.row >= rows || l.col >= cols) return (line){0, 0, 0};
    l.length = rows - l.row < cols - l.col ? rows - l.row : cols - l.col;
    return l;
}

static luron_status diagonal_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    int64_t dim1 = a->attrs.at[1], dim2 = a->attrs.at[2];
    line l = line_of(x->shape[dim1], x->shape[dim2], a->attrs.at[0]);
    (void)ctx;
    a->is_view = true;
    a->dtype = x->dtype;
    a->offset = x->offset + (l.length ? l.row * x->strides[dim1] + l.col * x->strides[dim2] : 0);
    for (int d = 0; d < x->ndim; d++) {
        if (d == dim1 || d == dim2) continue;
        a->shape[a->ndim] = x->shape[d];
        a->strides[a->ndim++] = x->strides[d];
    }
    a->shape[a->ndim] = l.length;
    a->strides[a->ndim++] = x->strides[dim1] + x->strides[dim2];
    return LURON_OK;
}

static luron_status diagonal_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                      int i) {
    const int64_t *at = node->attrs.at, *shape = node->in[i]->shape;
    return luron__diagonal_pad(out, ctx, g, at[0], (int)at[1], (int)at[2], shape[at[1]], shape[at[2]]);
}

static const luron__op op_diagonal = {.name = "diagonal", .infer = diagonal_infer, .gradient = diagonal_gradient};

luron_status luron_diagonal(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t offset, int dim1, int dim2) {
    char text[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, x->ndim >= 2, LURON_E_SHAPE, "diagonal: two dims or more expected, got %s",
                 luron_shape_text(text, sizeof text, x->ndim, x->shape));
    LURON_TRY(luron__wrap_dim(&dim1, ctx, "diagonal: dim 1", x->ndim));
    LURON_TRY(luron__wrap_dim(&dim2, ctx, "diagonal: dim 2", x->ndim));
    LURON__CHECK(ctx, dim1 != dim2, LURON_E_ARGUMENT, "diagonal: both dims are %d", dim1 + ctx->index_base);
    luron__attrs attrs = {.at = {offset, dim1, dim2}};
    return luron__apply_op(out, ctx, &op_diagonal, 1, &x, &attrs);
}

/* ---- diagonal_pad ------------------------------------------------------------------------------------------------ */
static luron_status pad_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    (void)ctx;
    a->dtype = x->dtype, a->ndim = x->ndim + 1;
    for (int d = 0, from = 0; d < a->ndim; d++)
        a->shape[d] = d == a->attrs.at[1] ? a->attrs.at[3] : d == a->attrs.at[2] ? a->attrs.at[4] : x->shape[from++];
    return LURON_OK;
}

static luron_status pad_compute(luron_ctx *ctx, luron__apply *a) {
    luron_tensor *view;
    luron__attrs attrs = a->attrs;
    memset(luron__data(a->out), 0, a->out->storage->bytes);
    LURON_TRY(luron__apply_op(&view, ctx, &op_diagonal, 1, &a->out, &attrs));
    if (luron__numel(view->ndim, view->shape) > 0)
        luron__copy_into(ctx, a->dtype, luron__data(view), view->strides, a->in[0]);
    luron_tensor_unref(view);
    return LURON_OK;
}

static luron_status pad_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    (void)i;
    return luron__apply_op(out, ctx, &op_diagonal, 1, &g, &node->attrs);
}

static const luron__op op_pad = {
    .name = "diagonal_pad", .infer = pad_infer, .compute = pad_compute, .gradient = pad_gradient};

luron_status luron__diagonal_pad(luron_tensor **out, luron_ctx *ctx, luron_tensor *g, int64_t offset, int dim1,
                                 int dim2, int64_t size1, int64_t size2) {
    luron__attrs attrs = {.at = {offset, dim1, dim2, size1, size2}};
    return luron__apply_op(out, ctx, &op_pad, 1, &g, &attrs);
}

/* ---- diag, trace, outer, dot ------------------------------------------------------------------------------------- */
luron_status luron_diag(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t offset) {
    char text[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, x->ndim == 1 || x->ndim == 2, LURON_E_SHAPE, "diag: a vector or a matrix expected, got %s",
                 luron_shape_text(text, sizeof text, x->ndim, x->shape));
    if (x->ndim == 2) return luron_diagonal(out, ctx, x, offset, 0, 1);
    int64_t size = offset < 0 ? -(offset + 1) : offset;
    LURON__CHECK(ctx,
                 !__builtin_add_overflow(size, x->shape[0], &size) && !__builtin_add_overflow(size, offset < 0, &size),
                 LURON_E_SHAPE, "diag: an offset of %lld is too large", (long long)offset);
    return luron__diagonal_pad(out, ctx, x, offset, 0, 1, size, size);
}

luron_status luron_trace(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    char text[LURON__SHAPE_TEXT];
    luron_tensor *diagonal;
    LURON__CHECK(ctx, x->ndim >= 2, LURON_E_SHAPE, "trace: a matrix (or a batch of them) expected, got %s",
                 luron_shape_text(text, sizeof text, x->ndim, x->shape));
    LURON_TRY(luron_diagonal(&diagonal, ctx, x, 0, -2, -1));
    luron_status status = luron_sum(out, ctx, diagonal, 1, (const int[]){-1}, 0);
    luron_tensor_unref(diagonal);
    return status;
}

static luron_status check_vectors(luron_ctx *ctx, const char *what, const luron_tensor *a, const luron_tensor *b) {
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, a->ndim == 1 && b->ndim == 1, LURON_E_SHAPE, "%s: two vectors expected, got %s and %s", what,
                 luron_shape_text(s, sizeof s, a->ndim, a->shape), luron_shape_text(t, sizeof t, b->ndim, b->shape));
    return LURON_OK;
}

luron_status luron_outer(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    luron_tensor *column;
    LURON_TRY(check_vectors(ctx, "outer", a, b));
    LURON_TRY(luron_unsqueeze(&column, ctx, a, 1));
    luron_status status = luron_mul(out, ctx, column, b);
    luron_tensor_unref(column);
    return status;
}

/* By matmul where it can be; of other dtypes as a sum of products. */
luron_status luron_dot(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    luron_tensor *products;
    LURON_TRY(check_vectors(ctx, "dot", a, b));
    LURON__CHECK(ctx, a->shape[0] == b->shape[0], LURON_E_SHAPE, "dot: vectors of one size expected, got %lld and %lld",
                 (long long)a->shape[0], (long long)b->shape[0]);
    bool real = (a->dtype == LURON_F32 || a->dtype == LURON_F64) && (b->dtype == LURON_F32 || b->dtype == LURON_F64);
    if (real) return luron_matmul(out, ctx, a, b);
    LURON_TRY(luron_mul(&products, ctx, a, b));
    luron_status status = luron_sum(out, ctx, products, 0, NULL, 0);
    luron_tensor_unref(products);
    return status;
}
