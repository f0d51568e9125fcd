/* ops_move.c -- elements in other places: flip, pad, tril and triu. */
#include "internal.h"

#include <math.h>
#include <string.h>

static luron_status infer_like(luron_ctx *ctx, luron__apply *a) {
    (void)ctx;
    a->dtype = a->in[0]->dtype, a->ndim = a->in[0]->ndim;
    memcpy(a->shape, a->in[0]->shape, sizeof a->shape);
    return LURON_OK;
}

/* ---- flip: at = bit mask of the dims ------------------------------------------------------------------------------ */
static luron_status flip_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__attr_dims(ctx, a, 0, a->in[0]->ndim));
    return infer_like(ctx, a);
}

static luron_status flip_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t strides[LURON_MAX_DIMS], offset = 0;
    if (luron__numel(a->ndim, a->shape) == 0) return LURON_OK;
    memcpy(strides, a->out->strides, sizeof strides);
    for (int d = 0; d < a->ndim; d++) {
        if (!(a->attrs.at[0] >> d & 1)) continue;
        offset += (a->shape[d] - 1) * strides[d];
        strides[d] = -strides[d];
    }
    luron__copy_into(ctx, a->dtype, luron__data(a->out) + offset * luron_dtype_size(a->dtype), strides, a->in[0]);
    return LURON_OK;
}

static luron_status flip_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i);
static const luron__op_attr flip_attrs[] = {{"dims", LURON__ATTR_DIMS, 0}, {0}};
static const luron__op op_flip = {.name = "flip",
                                  .infer = flip_infer,
                                  .compute = flip_compute,
                                  .gradient = flip_gradient,
                                  .attrs = flip_attrs,
                                  .n_in = 1,
                                  .carries = LURON__SAVE_IN(0)};

static luron_status flip_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                  int i) {
    (void)i;
    return luron__apply_op(out, ctx, &op_flip, 1, &g, &node->attrs);
}

luron_status luron_flip(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims) {
    luron__attrs attrs = {.at = {0}};
    LURON__CHECK(ctx, n_dims >= 0, LURON_E_ARGUMENT, "flip: number of dims: 0 or more expected, got %d", n_dims);
    for (int i = 0; i < n_dims; i++) {
        int d = dims[i];
        LURON_TRY(luron__wrap_dim(&d, ctx, "flip: dim", x->ndim));
        LURON__CHECK(ctx, !(attrs.at[0] >> d & 1), LURON_E_ARGUMENT, "flip: dim %d is listed twice",
                     d + ctx->index_base);
        attrs.at[0] |= (int64_t)1 << d;
    }
    if (n_dims == 0) attrs.at[0] = ((int64_t)1 << x->ndim) - 1;
    return luron__apply_op(out, ctx, &op_flip, 1, &x, &attrs);
}

/* ---- pad: at = positions before each dim, then after; n = dims; num = value --------------------------------------- */
static luron_status pad_infer(luron_ctx *ctx, luron__apply *a) {
    const int64_t *before = a->attrs.at, *after = before + LURON_MAX_DIMS;
    double value = a->attrs.num[0];
    infer_like(ctx, a);
    LURON__CHECK(ctx, a->attrs.n == a->ndim, LURON_E_SHAPE, "pad: widths for %d dims, the tensor has %d", a->attrs.n,
                 a->ndim);
    LURON_TRY(luron__check_number(ctx, "pad: value", value, a->dtype));
    for (int d = 0; d < a->ndim; d++)
        LURON__CHECK(ctx,
                     before[d] >= 0 && after[d] >= 0, LURON_E_ARGUMENT,
                     "pad: widths of dim %d are %lld and %lld, they must not be negative (narrow cuts off)",
                     d + ctx->index_base, (long long)before[d], (long long)after[d]);
    for (int d = 0; d < a->ndim; d++)
        LURON__CHECK(ctx,
                     !__builtin_add_overflow(a->shape[d], before[d], &a->shape[d]) &&
                         !__builtin_add_overflow(a->shape[d], after[d], &a->shape[d]),
                     LURON_E_SHAPE, "pad: the result is too large");
    return LURON_OK;
}

static luron_status pad_compute(luron_ctx *ctx, luron__apply *a) {
    char *to = luron__data(a->out);
    int size = luron_dtype_size(a->dtype);
    luron__convert(a->dtype, to, 1, LURON_F64, a->attrs.num, 0, luron__numel(a->ndim, a->shape));
    for (int d = 0; d < a->ndim; d++) to += a->attrs.at[d] * a->out->strides[d] * size;
    if (luron__numel(a->in[0]->ndim, a->in[0]->shape) > 0)
        luron__copy_into(ctx, a->dtype, to, a->out->strides, a->in[0]);
    return LURON_OK;
}

static luron_status pad_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron_tensor *now = luron_tensor_ref(g), *part;
    const luron_tensor *x = node->in[i];
    for (int d = 0; d < x->ndim; d++) {
        if (g->shape[d] == x->shape[d]) continue;
        luron_status status = luron_narrow(&part, ctx, now, d, node->attrs.at[d], x->shape[d]);
        luron_tensor_unref(now);
        if (status) return status;
        now = part;
    }
    *out = now;
    return LURON_OK;
}

static const luron__op_attr pad_attrs[] = {{"before", LURON__ATTR_INTS, 0},
                                        {"after", LURON__ATTR_INTS, LURON_MAX_DIMS},
                                        {"value", LURON__ATTR_NUM, 0},
                                        {0}};
/* Widths for the last dims alone are enough. */
static luron_status pad_call(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in,
                             const luron__attrs *attrs) {
    (void)op, (void)n_in;
    return luron_pad(out, ctx, in[0], attrs->n, attrs->at, attrs->at + LURON_MAX_DIMS, attrs->num[0]);
}

static const luron__op op_pad = {.name = "pad",
                                 .infer = pad_infer,
                                 .compute = pad_compute,
                                 .gradient = pad_gradient,
                                 .attrs = pad_attrs,
                                 .n_in = 1,
                                 .call = pad_call};

luron_status luron_pad(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int64_t *before,
                       const int64_t *after, double value) {
    luron__attrs attrs = {.num = {value}, .n = x->ndim};
    LURON__CHECK(ctx, n_dims >= 0 && n_dims <= x->ndim, LURON_E_ARGUMENT,
                 "pad: widths for %d dims, the tensor has %d", n_dims, x->ndim);
    for (int i = 0; i < n_dims; i++) {
        int d = x->ndim - n_dims + i;
        attrs.at[d] = before[i], attrs.at[LURON_MAX_DIMS + d] = after[i];
    }
    return luron__apply_op(out, ctx, &op_pad, 1, &x, &attrs);
}

/* ---- tril and triu: at = diagonal --------------------------------------------------------------------------------- */
static luron_status triangle_infer(luron_ctx *ctx, luron__apply *a) {
    char text[LURON__SHAPE_TEXT];
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, x->ndim >= 2, LURON_E_SHAPE, "%s: a matrix (or a batch of them) expected, got %s", a->op->name,
                 luron_shape_text(text, sizeof text, x->ndim, x->shape));
    return infer_like(ctx, a);
}

typedef struct triangle {
    char *to;
    int64_t rows, columns, diagonal;
    int size;
    bool upper;
} triangle;

/* Row r keeps what is up to the diagonal (upper: from it on); 0 goes over the rest. */
static void clear_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const triangle *t = arg;
    (void)chunk;
    for (int64_t r = begin; r < end; r++) {
        int64_t row = r % t->rows, edge; /* columns before the edge are the lower part */
        if (t->diagonal >= t->columns)
            edge = t->columns;
        else if (t->diagonal <= -t->rows)
            edge = 0;
        else
            edge = row + t->diagonal + !t->upper;
        edge = edge < 0 ? 0 : edge > t->columns ? t->columns : edge;
        int64_t first = t->upper ? 0 : edge, last = t->upper ? edge : t->columns;
        memset(t->to + (r * t->columns + first) * t->size, 0, (size_t)((last - first) * t->size));
    }
}

static luron_status triangle_compute(luron_ctx *ctx, luron__apply *a, bool upper) {
    int64_t numel = luron__numel(a->ndim, a->shape);
    triangle t = {.to = luron__data(a->out),
                  .rows = a->shape[a->ndim - 2],
                  .columns = a->shape[a->ndim - 1],
                  .diagonal = a->attrs.at[0],
                  .size = luron_dtype_size(a->dtype),
                  .upper = upper};
    if (numel == 0) return LURON_OK;
    luron__copy_into(ctx, a->dtype, t.to, a->out->strides, a->in[0]);
    luron__parallel_for(ctx->threads, numel / t.columns, 32768 / t.columns + 1, clear_rows, &t);
    return LURON_OK;
}
static luron_status tril_compute(luron_ctx *ctx, luron__apply *a) { return triangle_compute(ctx, a, false); }
static luron_status triu_compute(luron_ctx *ctx, luron__apply *a) { return triangle_compute(ctx, a, true); }

static luron_status tril_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                  int i) {
    (void)i;
    return luron_tril(out, ctx, g, node->attrs.at[0]);
}
static luron_status triu_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                  int i) {
    (void)i;
    return luron_triu(out, ctx, g, node->attrs.at[0]);
}

static const luron__op_attr triangle_attrs[] = {{"diagonal", LURON__ATTR_INT, 0}, {0}};
static const luron__op op_tril = {.name = "tril",
                                  .infer = triangle_infer,
                                  .compute = tril_compute,
                                  .gradient = tril_gradient,
                                  .attrs = triangle_attrs,
                                  .n_in = 1};
static const luron__op op_triu = {.name = "triu",
                                  .infer = triangle_infer,
                                  .compute = triu_compute,
                                  .gradient = triu_gradient,
                                  .attrs = triangle_attrs,
                                  .n_in = 1};
const luron__op *const luron__ops_move[] = {&op_flip, &op_pad, &op_tril, &op_triu, NULL};

luron_status luron_tril(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t diagonal) {
    return luron__apply_op(out, ctx, &op_tril, 1, &x, &(luron__attrs){.at = {diagonal}});
}
luron_status luron_triu(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t diagonal) {
    return luron__apply_op(out, ctx, &op_triu, 1, &x, &(luron__attrs){.at = {diagonal}});
}
