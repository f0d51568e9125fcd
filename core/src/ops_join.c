/* ops_join.c -- cat, stack and split, and putting a tensor into a part of another. */
#include "internal.h"
#include "kernels/elementwise.h"

#include <string.h>

void luron__copy_into(luron_ctx *ctx, uint32_t dtype, char *to, const int64_t *to_strides, const luron_tensor *from) {
    luron__ew e = {.n_in = 1,
                   .ndim = from->ndim,
                   .out = {.data = to, .dtype = dtype, .run = dtype},
                   .in = {{.data = luron__data(from), .dtype = from->dtype, .run = dtype}}};
    memcpy(e.shape, from->shape, sizeof e.shape);
    memcpy(e.out.strides, to_strides, sizeof e.out.strides);
    memcpy(e.in[0].strides, from->strides, sizeof e.in[0].strides);
    if (e.ndim == 0) e.shape[e.ndim++] = 1;
    luron__elementwise(&e, ctx->threads);
}

/* ---- pad_slice: at = shape, then dim, start, step; n = ndim ----------------------------------------------------- */

static luron_status pad_slice_infer(luron_ctx *ctx, luron__apply *a) {
    (void)ctx;
    a->dtype = a->in[0]->dtype, a->ndim = a->attrs.n;
    memcpy(a->shape, a->attrs.at, sizeof a->shape);
    return LURON_OK;
}

static luron_status pad_slice_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t dim = a->attrs.at[8], start = a->attrs.at[9], step = a->attrs.at[10], strides[LURON_MAX_DIMS];
    memset(luron__data(a->out), 0, a->out->storage->bytes);
    memcpy(strides, a->out->strides, sizeof strides);
    char *to = luron__data(a->out) + start * strides[dim] * luron_dtype_size(a->dtype);
    strides[dim] *= step;
    luron__copy_into(ctx, a->dtype, to, strides, a->in[0]);
    return LURON_OK;
}

static luron_status pad_slice_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                       int i) {
    const int64_t *at = node->attrs.at;
    int64_t count = node->in[i]->shape[at[8]];
    return luron_slice(out, ctx, g, (int)at[8], at[9], count ? (count - 1) * at[10] + 1 : 0, at[10]);
}

static const luron__op op_pad_slice = {
    .name = "pad_slice", .infer = pad_slice_infer, .compute = pad_slice_compute, .gradient = pad_slice_gradient};

luron_status luron__pad_slice(luron_tensor **out, luron_ctx *ctx, luron_tensor *g, int ndim, const int64_t *shape,
                              int dim, int64_t start, int64_t step) {
    luron__attrs attrs = {.n = ndim};
    memcpy(attrs.at, shape, (size_t)ndim * sizeof *shape);
    attrs.at[8] = dim, attrs.at[9] = start, attrs.at[10] = step;
    return luron__apply_op(out, ctx, &op_pad_slice, 1, &g, &attrs);
}

/* ---- cat: at = dim, size along it of every operand but the last (-1: they differ); then, for the gradients, which are
 * asked for one after the other: an operand, and where it starts ------------------------------------------------- */

static luron_status cat_infer(luron_ctx *ctx, luron__apply *a) {
    int64_t dim = a->attrs.at[0];
    luron_tensor kind = *a->in[0]; /* promotion looks at dtype and rank alone */
    a->ndim = kind.ndim;
    memcpy(a->shape, kind.shape, sizeof a->shape);
    for (int i = 1; i < a->n_in; i++) {
        const luron_tensor *x = a->in[i];
        kind.dtype = luron__promote(&kind, x, ctx->default_dtype);
        LURON__CHECK(ctx, !__builtin_add_overflow(a->shape[dim], x->shape[dim], &a->shape[dim]), LURON_E_SHAPE,
                     "cat: the result is too large");
    }
    a->dtype = kind.dtype;
    return LURON_OK;
}

static luron_status cat_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t dim = a->attrs.at[0], done = 0;
    int size = luron_dtype_size(a->dtype);
    for (int i = 0; i < a->n_in; i++) {
        luron__copy_into(ctx, a->dtype, luron__data(a->out) + done * a->out->strides[dim] * size, a->out->strides,
                         a->in[i]);
        done += a->in[i]->shape[dim];
    }
    return LURON_OK;
}

static luron_status cat_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    int64_t *at = ((luron__node *)node)->attrs.at, dim = at[0], start = i * at[1];
    if (at[1] < 0) {
        if (at[2] > i) at[2] = at[3] = 0;
        for (; at[2] < i; at[2]++) at[3] += node->in[at[2]]->shape[dim];
        start = at[3];
    }
    return luron_narrow(out, ctx, g, (int)dim, start, node->in[i]->shape[dim]);
}

static const luron__op op_cat = {.name = "cat", .infer = cat_infer, .compute = cat_compute, .gradient = cat_gradient};

/** All of one rank, and of one shape but for dim (-1: of one shape)? */
static luron_status check_alike(luron_ctx *ctx, const char *what, int n, luron_tensor *const *xs, int dim) {
    for (int i = 1; i < n; i++) {
        bool same = xs[i]->ndim == xs[0]->ndim;
        for (int d = 0; d < xs[0]->ndim && same; d++) same = d == dim || xs[i]->shape[d] == xs[0]->shape[d];
        if (same) continue;
        char first[LURON__SHAPE_TEXT], other[LURON__SHAPE_TEXT];
        luron_shape_text(first, sizeof first, xs[0]->ndim, xs[0]->shape);
        luron_shape_text(other, sizeof other, xs[i]->ndim, xs[i]->shape);
        if (dim < 0)
            return luron__fail(ctx, LURON_E_SHAPE, "%s: tensor %d is %s, the first is %s, and all must be of one shape",
                               what, i + ctx->index_base, other, first);
        return luron__fail(ctx, LURON_E_SHAPE,
                           "%s: tensor %d is %s, the first is %s, and all sizes but that of dim %d must be the same",
                           what, i + ctx->index_base, other, first, dim + ctx->index_base);
    }
    return LURON_OK;
}

luron_status luron_cat(luron_tensor **out, luron_ctx *ctx, int n, luron_tensor *const *xs, int dim) {
    LURON__CHECK(ctx, n > 0, LURON_E_ARGUMENT, "cat: one tensor or more expected, got none");
    LURON__CHECK(ctx, xs[0]->ndim > 0, LURON_E_SHAPE,
                 "cat: tensors without dims cannot be joined (stack gives them one)");
    LURON_TRY(luron__wrap_dim(&dim, ctx, "cat: dim", xs[0]->ndim));
    LURON_TRY(check_alike(ctx, "cat", n, xs, dim));
    luron__attrs attrs = {.at = {dim, xs[0]->shape[dim]}}; /* so that many pieces of one size cost no quadratic time */
    for (int i = 1; i < n - 1; i++)
        if (xs[i]->shape[dim] != xs[0]->shape[dim]) attrs.at[1] = -1;
    return luron__apply_op(out, ctx, &op_cat, n, xs, &attrs);
}

luron_status luron_stack(luron_tensor **out, luron_ctx *ctx, int n, luron_tensor *const *xs, int dim) {
    LURON__CHECK(ctx, n > 0, LURON_E_ARGUMENT, "stack: one tensor or more expected, got none");
    LURON__CHECK(ctx, xs[0]->ndim < LURON_MAX_DIMS, LURON_E_SHAPE,
                 "stack: the tensors have %d dimensions, and no more are possible", xs[0]->ndim);
    LURON_TRY(luron__wrap_dim(&dim, ctx, "stack: dim", xs[0]->ndim + 1));
    LURON_TRY(check_alike(ctx, "stack", n, xs, -1));
    luron_tensor **wide;
    size_t bytes = (size_t)n * sizeof *wide;
    LURON_TRY(luron__alloc(&wide, ctx, bytes));
    luron_status status = LURON_OK;
    for (int i = 0; i < n && !status; i++) status = luron_unsqueeze(&wide[i], ctx, xs[i], dim);
    if (!status) status = luron_cat(out, ctx, n, wide, dim);
    for (int i = 0; i < n; i++) luron_tensor_unref(wide[i]);
    luron__free(ctx, wide, bytes);
    return status;
}

luron_status luron_split(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x, int64_t size, int dim) {
    LURON__CHECK(ctx, size >= 1, LURON_E_ARGUMENT, "split: size is %lld, it must be 1 or more", (long long)size);
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "split: a tensor without dims cannot be split");
    LURON_TRY(luron__wrap_dim(&dim, ctx, "split: dim", x->ndim));
    int64_t total = x->shape[dim], n = total / size + (total % size != 0);
    luron_tensor **parts; /* outs stays untouched until all are made */
    size_t bytes = (size_t)n * sizeof *parts;
    LURON_TRY(luron__alloc(&parts, ctx, bytes));
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < n && !status; i++)
        status = luron_narrow(&parts[i], ctx, x, dim, i * size, total - i * size < size ? total - i * size : size);
    for (int64_t i = 0; i < n; i++) {
        if (status)
            luron_tensor_unref(parts[i]);
        else
            outs[i] = parts[i];
    }
    luron__free(ctx, parts, bytes);
    return status;
}
