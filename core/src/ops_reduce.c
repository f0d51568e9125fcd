/* ops_reduce.c -- sum, mean, var, prod, extremes and their places. at[0] = bit mask of the dims reduced, at[1] = keep.  */
#include "internal.h"
#include "kernels/reduce.h"

#include <stdio.h>

/* ---- shapes and computing ---------------------------------------------------------------------------------------- */
static uint32_t mask_of(const luron__attrs *attrs) { return (uint32_t)attrs->at[0]; }

static int64_t count_of(const luron_tensor *x, uint32_t mask) {
    int64_t n = 1;
    for (int d = 0; d < x->ndim; d++)
        if (mask >> d & 1u) n *= x->shape[d];
    return n;
}

/* The shape of x with the dims of mask reduced to 1, or left out. */
static int reduced_shape(const luron_tensor *x, uint32_t mask, bool keep, int64_t *shape) {
    int n = 0;
    for (int d = 0; d < x->ndim; d++) {
        bool out = mask >> d & 1u;
        if (!out || keep) shape[n++] = out ? 1 : x->shape[d];
    }
    return n;
}

static luron_status infer_as(luron_ctx *ctx, luron__apply *a, uint32_t dtype) {
    LURON_TRY(luron__attr_dims(ctx, a, 0, a->in[0]->ndim));
    LURON_TRY(luron__attr_bool(ctx, a, 1, "keepdim"));
    a->dtype = dtype;
    a->ndim = reduced_shape(a->in[0], mask_of(&a->attrs), a->attrs.at[1] != 0, a->shape);
    return LURON_OK;
}

static luron_status infer_sum(luron_ctx *ctx, luron__apply *a) {
    return infer_as(ctx, a, luron_dtype_is_float(a->in[0]->dtype) ? a->in[0]->dtype : LURON_I64);
}

static luron_status infer_real(luron_ctx *ctx, luron__apply *a) {
    LURON__CHECK(ctx, luron_dtype_is_float(a->in[0]->dtype), LURON_E_DTYPE, "%s: a real tensor expected, got %s",
                 a->op->name, luron_dtype_name(a->in[0]->dtype));
    return infer_as(ctx, a, a->in[0]->dtype);
}

static luron_status infer_squares(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(infer_real(ctx, a));
    a->dtype = LURON_F64;
    return LURON_OK;
}

static luron_status infer_bool(luron_ctx *ctx, luron__apply *a) {
    return infer_as(ctx, a, LURON_B8);
}

/* An extreme of nothing does not exist. */
static luron_status check_some(luron_ctx *ctx, const luron__apply *a) {
    char text[LURON__SHAPE_TEXT];
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, count_of(x, mask_of(&a->attrs)) > 0, LURON_E_SHAPE,
                 "%s: there are no numbers to choose from along the dims reduced of %s", a->op->name,
                 luron_shape_text(text, sizeof text, x->ndim, x->shape));
    return LURON_OK;
}

static luron_status infer_extreme(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(infer_as(ctx, a, a->in[0]->dtype));
    return check_some(ctx, a);
}

static luron_status infer_ids(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(infer_as(ctx, a, LURON_I64));
    LURON__CHECK(ctx, (mask_of(&a->attrs) & (mask_of(&a->attrs) - 1)) == 0, LURON_E_ARGUMENT,
                 "%s: one dim expected", a->op->name);
    return check_some(ctx, a);
}

/* Run the kernel over x, which has a dtype that it serves, into memory for its results. */
static luron_status run_kernel(luron_ctx *ctx, luron__reduce_args *r, const luron_tensor *x, void *y) {
    r->x = luron__data(x);
    r->y = y;
    int64_t bytes = luron__reduce_work(r);
    void *work = bytes ? luron__take(ctx, (size_t)bytes) : NULL;
    if (bytes && !work) return luron__nomem(ctx, (size_t)bytes);
    luron__reduce(r, ctx->threads, work);
    luron__pool_free(ctx->pool, work, (size_t)bytes);
    return LURON_OK;
}

static luron_status reduce_into(luron_ctx *ctx, luron_tensor *out, const luron_tensor *x, uint32_t mask, int fn,
                                uint32_t dtype, double correction) {
    luron__reduce_args r = {.fn = fn, .dtype = dtype, .base = ctx->index_base};
    luron_tensor *cast = NULL;
    if (x->dtype != dtype) { /* rare dtypes are converted first */
        luron_tensor *alias;
        LURON_TRY(luron__tensor_alias(&alias, ctx, x)); /* not on the tape */
        luron_status status = luron_cast(&cast, ctx, alias, dtype);
        luron_tensor_unref(alias);
        if (status) return status;
        x = cast;
    }
    luron__reduce_dims(&r, x->ndim, x->shape, x->strides, mask);
    r.divisor = (double)r.n - correction > 0 ? (double)r.n - correction : 0;
    uint32_t made = fn == LURON__REDUCE_ARGMAX || fn == LURON__REDUCE_ARGMIN ? LURON_I64 : fn == LURON__REDUCE_SQUARES ? LURON_F64 : dtype;
    size_t bytes = made == out->dtype ? 0 : (size_t)r.outputs * (size_t)luron_dtype_size(made);
    void *buffer = bytes ? luron__take(ctx, bytes) : NULL;
    luron_status status =
        bytes && !buffer ? luron__nomem(ctx, bytes) : run_kernel(ctx, &r, x, buffer ? buffer : luron__data(out));
    if (!status && buffer) luron__convert(out->dtype, luron__data(out), 1, made, buffer, 1, r.outputs);
    luron__pool_free(ctx->pool, buffer, bytes);
    luron_tensor_unref(cast);
    return status;
}

static luron_status compute(luron_ctx *ctx, luron__apply *a, int fn) {
    const luron_tensor *x = a->in[0];
    return reduce_into(ctx, a->out, x, mask_of(&a->attrs), fn, luron__compute_dtype(x->dtype), a->attrs.num[0]);
}
static luron_status compute_sum(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LURON__REDUCE_SUM); }
static luron_status compute_mean(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LURON__REDUCE_MEAN); }
static luron_status compute_var(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LURON__REDUCE_VAR); }
static luron_status compute_squares(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LURON__REDUCE_SQUARES); }
static luron_status compute_prod(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LURON__REDUCE_PROD); }
static luron_status compute_max(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LURON__REDUCE_MAX); }
static luron_status compute_min(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LURON__REDUCE_MIN); }
static luron_status compute_argmax(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LURON__REDUCE_ARGMAX); }
static luron_status compute_argmin(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LURON__REDUCE_ARGMIN); }
static luron_status compute_any(luron_ctx *ctx, luron__apply *a) {
    return reduce_into(ctx, a->out, a->in[0], mask_of(&a->attrs), LURON__REDUCE_MAX, LURON_B8, 0);
}
static luron_status compute_all(luron_ctx *ctx, luron__apply *a) {
    return reduce_into(ctx, a->out, a->in[0], mask_of(&a->attrs), LURON__REDUCE_MIN, LURON_B8, 0);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
/* t, of the output's shape, expanded to the operand's; without `expand` only the dims that were left out come back. */
static luron_status restore(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *t, bool expand) {
    const luron_tensor *x = node->in[0];
    int64_t shape[LURON_MAX_DIMS];
    luron_tensor *kept;
    int ndim = reduced_shape(x, mask_of(&node->attrs), true, shape);
    if (!expand) return luron_reshape(out, ctx, t, ndim, shape);
    LURON_TRY(luron_reshape(&kept, ctx, t, ndim, shape));
    luron_status status = luron_expand(out, ctx, kept, x->ndim, x->shape);
    luron_tensor_unref(kept);
    return status;
}

static luron_status gradient_sum(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    (void)i;
    return restore(out, ctx, node, g, true);
}

static void release(int n, luron_tensor **t) {
    for (int i = 0; i < n; i++)
        luron_tensor_unref(t[i]);
}

static luron_status gradient_mean(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    enum { N, SHARE, COUNT };
    luron_tensor *t[COUNT] = {NULL};
    (void)i;
    luron_status status = luron_scalar(&t[N], ctx, (double)count_of(node->in[0], mask_of(&node->attrs)));
    if (!status) status = luron_div(&t[SHARE], ctx, g, t[N]);
    if (!status) status = restore(out, ctx, node, t[SHARE], true);
    release(COUNT, t);
    return status;
}

/* dx = 2 g x, in float64 as g is: what is not a number of x's dtype may be one with x. */
static luron_status gradient_squares(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    enum { G, WIDE, PART, TWICE, COUNT };
    luron_tensor *t[COUNT] = {NULL};
    luron_status status = restore(&t[G], ctx, node, g, false);
    if (!status) status = luron_cast(&t[WIDE], ctx, node->in[i], LURON_F64);
    if (!status) status = luron_mul(&t[PART], ctx, t[G], t[WIDE]);
    if (!status) status = luron_scale(&t[TWICE], ctx, t[PART], 2, 0);
    if (!status) status = luron_cast(out, ctx, t[TWICE], node->in[i]->dtype);
    release(COUNT, t);
    return status;
}

/* The dims of a mask as a list; none, which stands for all, only where x has none. */
static int dims_of(const luron_tensor *x, uint32_t mask, int *dims) {
    int n = 0;
    for (int d = 0; d < x->ndim; d++)
        if (mask >> d & 1u) dims[n++] = d;
    return n;
}

/* dx = g 2 / (n - correction) (x - mean). */
static luron_status gradient_var(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    enum { MEAN, OFF, G, PART, COUNT };
    luron_tensor *x = node->in[i], *t[COUNT] = {NULL};
    int dims[LURON_MAX_DIMS], n = dims_of(x, mask_of(&node->attrs), dims);
    double left = (double)count_of(x, mask_of(&node->attrs)) - node->attrs.num[0];
    luron_status status = luron_mean(&t[MEAN], ctx, x, n, dims, 1);
    if (!status) status = luron_sub(&t[OFF], ctx, x, t[MEAN]);
    if (!status) status = restore(&t[G], ctx, node, g, false);
    if (!status) status = luron_mul(&t[PART], ctx, t[OFF], t[G]);
    if (!status) status = luron_scale(out, ctx, t[PART], 2 / (left > 0 ? left : 0), 0);
    release(COUNT, t);
    return status;
}

/* dx = g / k where x is the output, k of them. */
static luron_status gradient_extreme(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                     int i) {
    enum { Y, Y_KEPT, IS, MASK, K, G, SHARE, COUNT };
    luron_tensor *x = node->in[i], *t[COUNT] = {NULL};
    int dims[LURON_MAX_DIMS], n = dims_of(x, mask_of(&node->attrs), dims);
    luron_status status = luron__node_output(&t[Y], ctx, node, 0);
    if (!status) status = restore(&t[Y_KEPT], ctx, node, t[Y], false);
    if (!status) status = luron_eq(&t[IS], ctx, x, t[Y_KEPT]);
    if (!status) status = luron_cast(&t[MASK], ctx, t[IS], g->dtype);
    if (!status) status = luron_sum(&t[K], ctx, t[MASK], n, dims, 1);
    if (!status) status = restore(&t[G], ctx, node, g, false);
    if (!status) status = luron_div(&t[SHARE], ctx, t[G], t[K]);
    if (!status) status = luron_mul(out, ctx, t[MASK], t[SHARE]);
    release(COUNT, t);
    return status;
}

/* p (rows, n) -> for each number the product of the others in its row, without a division: pairs are multiplied into a
 * shorter row, and the products of the others there, times the other one of the pair, are what is wanted. */
static luron_status others(luron_tensor **out, luron_ctx *ctx, luron_tensor *p) {
    enum { ONES, EVEN, PAIRS, LEFT, RIGHT, PARENT, UP, OF_LEFT, OF_RIGHT, BOTH, FLAT, COUNT };
    luron_tensor *t[COUNT] = {NULL};
    int64_t rows = p->shape[0], n = p->shape[1], half = (n + 1) / 2;
    if (n == 1) return luron_tensor_full(out, ctx, p->dtype, 2, p->shape, 1);
    luron_status status = luron_tensor_full(&t[ONES], ctx, p->dtype, 2, (const int64_t[]){rows, n % 2}, 1);
    if (!status) status = luron_cat(&t[EVEN], ctx, 2, (luron_tensor *[]){p, t[ONES]}, 1);
    if (!status) status = luron_reshape(&t[PAIRS], ctx, t[EVEN], 3, (const int64_t[]){rows, half, 2});
    if (!status) status = luron_select(&t[LEFT], ctx, t[PAIRS], 2, 0);
    if (!status) status = luron_select(&t[RIGHT], ctx, t[PAIRS], 2, 1);
    if (!status) status = luron_mul(&t[PARENT], ctx, t[LEFT], t[RIGHT]);
    if (!status) status = others(&t[UP], ctx, t[PARENT]);
    if (!status) status = luron_mul(&t[OF_LEFT], ctx, t[UP], t[RIGHT]);
    if (!status) status = luron_mul(&t[OF_RIGHT], ctx, t[UP], t[LEFT]);
    if (!status) status = luron_stack(&t[BOTH], ctx, 2, &t[OF_LEFT], 2);
    if (!status) status = luron_reshape(&t[FLAT], ctx, t[BOTH], 2, (const int64_t[]){rows, half * 2});
    if (!status) status = luron_narrow(out, ctx, t[FLAT], 1, 0, n);
    release(COUNT, t);
    return status;
}

/* dx = g times the product of the other numbers: right where some are 0, and differentiable again. */
static luron_status gradient_prod(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    enum { TURNED, FLAT, OTHERS, G, PART, BACK, COUNT };
    luron_tensor *x = node->in[i], *t[COUNT] = {NULL};
    int dims[LURON_MAX_DIMS], back[LURON_MAX_DIMS], n = 0;
    uint32_t mask = mask_of(&node->attrs);
    int64_t shape[LURON_MAX_DIMS], numel = luron_tensor_numel(x), count = count_of(x, mask);
    if (numel == 0) return luron_tensor_full(out, ctx, x->dtype, x->ndim, x->shape, 0);
    for (int d = 0; d < x->ndim; d++) /* kept dims first */
        if (!(mask >> d & 1u)) dims[n++] = d;
    dims_of(x, mask, dims + n);
    for (int d = 0; d < x->ndim; d++)
        back[dims[d]] = d, shape[d] = x->shape[dims[d]];
    luron_status status = luron_permute(&t[TURNED], ctx, x, x->ndim, dims);
    if (!status) status = luron_reshape(&t[FLAT], ctx, t[TURNED], 2, (const int64_t[]){numel / count, count});
    if (!status) status = others(&t[OTHERS], ctx, t[FLAT]);
    if (!status) status = luron_reshape(&t[G], ctx, g, 2, (const int64_t[]){numel / count, 1});
    if (!status) status = luron_mul(&t[PART], ctx, t[OTHERS], t[G]);
    if (!status) status = luron_reshape(&t[BACK], ctx, t[PART], x->ndim, shape);
    if (!status) status = luron_permute(out, ctx, t[BACK], x->ndim, back);
    release(COUNT, t);
    return status;
}

/* ---- ops --------------------------------------------------------------------------------------------------------- */
static const luron__op_attr attrs_of[] = {{"dims", LURON__ATTR_DIMS, 0}, {"keepdim", LURON__ATTR_BOOL, 1}, {0}};
static const luron__op_attr var_attrs[] = {
    {"dims", LURON__ATTR_DIMS, 0}, {"keepdim", LURON__ATTR_BOOL, 1}, {"correction", LURON__ATTR_NUM, 0}, {0}};
#define REDUCE .attrs = attrs_of, .n_in = 1
static const luron__op op_sum = {
    .name = "sum", .infer = infer_sum, .compute = compute_sum, .gradient = gradient_sum, REDUCE};
static const luron__op op_mean = {
    .name = "mean", .infer = infer_real, .compute = compute_mean, .gradient = gradient_mean, REDUCE, .call = luron__call_real};
static const luron__op op_var = {.name = "var",
                                 .saves = LURON__SAVE_IN(0),
                                 .infer = infer_real,
                                 .compute = compute_var,
                                 .gradient = gradient_var,
                                 .attrs = var_attrs,
                                 .n_in = 1,
                                 .call = luron__call_real};
static const luron__op op_sum_squares = {.name = "sum_squares",
                                         .saves = LURON__SAVE_IN(0),
                                         .infer = infer_squares,
                                         .compute = compute_squares,
                                         .gradient = gradient_squares,
                                         REDUCE,
                                         .call = luron__call_real};
static const luron__op op_prod = {.name = "prod",
                                  .saves = LURON__SAVE_IN(0),
                                  .infer = infer_sum,
                                  .compute = compute_prod,
                                  .gradient = gradient_prod,
                                  REDUCE};
static const luron__op op_amax = {.name = "amax",
                                  .saves = LURON__SAVE_IN(0) | LURON__SAVE_OUT,
                                  .infer = infer_extreme,
                                  .compute = compute_max,
                                  .gradient = gradient_extreme,
                                  REDUCE,
                                  .carries = LURON__SAVE_IN(0)};
static const luron__op op_amin = {.name = "amin",
                                  .saves = LURON__SAVE_IN(0) | LURON__SAVE_OUT,
                                  .infer = infer_extreme,
                                  .compute = compute_min,
                                  .gradient = gradient_extreme,
                                  REDUCE,
                                  .carries = LURON__SAVE_IN(0)};
static const luron__op op_any = {.name = "any", .infer = infer_bool, .compute = compute_any, REDUCE};
static const luron__op op_all = {.name = "all", .infer = infer_bool, .compute = compute_all, REDUCE};
static const luron__op op_argmax = {
    .name = "argmax", .infer = infer_ids, .compute = compute_argmax, REDUCE, .flags = LURON__OP_GIVES_IDS};
static const luron__op op_argmin = {
    .name = "argmin", .infer = infer_ids, .compute = compute_argmin, REDUCE, .flags = LURON__OP_GIVES_IDS};

/* Check the dims and apply; real: integers become the default dtype first. */
static luron_status reduce(luron_tensor **out, luron_ctx *ctx, const luron__op *op, luron_tensor *x, int n_dims,
                           const int *dims, int keep, double number, bool real) {
    luron__attrs attrs = {.at = {0, keep != 0}, .num = {number}, .n = 2};
    char what[32];
    LURON__CHECK(ctx, n_dims >= 0, LURON_E_ARGUMENT, "%s: number of dims: 0 or more expected, got %d", op->name,
                 n_dims);
    snprintf(what, sizeof what, "%s: dim", op->name);
    for (int i = 0; i < n_dims; i++) {
        int d = dims[i];
        LURON_TRY(luron__wrap_dim(&d, ctx, what, x->ndim));
        LURON__CHECK(ctx, !(attrs.at[0] >> d & 1), LURON_E_ARGUMENT, "%s: dim %d is listed twice", op->name,
                     d + ctx->index_base);
        attrs.at[0] |= (int64_t)1 << d;
    }
    int64_t all = ((int64_t)1 << x->ndim) - 1; /* a 0-d tensor has no dim to reduce */
    attrs.at[0] = n_dims ? attrs.at[0] & all : all;
    if (!real || luron_dtype_is_float(x->dtype)) return luron__apply_op(out, ctx, op, 1, &x, &attrs);
    luron_tensor *cast;
    LURON_TRY(luron_cast(&cast, ctx, x, ctx->default_dtype));
    luron_status status = luron__apply_op(out, ctx, op, 1, &cast, &attrs);
    luron_tensor_unref(cast);
    return status;
}

#define REDUCTION(name, real)                                                                                          \
    luron_status luron_##name(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims,        \
                              int keep) {                                                                              \
        return reduce(out, ctx, &op_##name, x, n_dims, dims, keep, 0, real);                                           \
    }
REDUCTION(sum, false)
REDUCTION(mean, true)
REDUCTION(prod, false)
REDUCTION(amax, false)
REDUCTION(amin, false)
REDUCTION(any, false)
REDUCTION(all, false)
REDUCTION(sum_squares, true)

luron_status luron_var(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep,
                       double correction) {
    return reduce(out, ctx, &op_var, x, n_dims, dims, keep, correction, true);
}
luron_status luron_argmax(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int keep) {
    return reduce(out, ctx, &op_argmax, x, 1, &dim, keep, 0, false);
}
luron_status luron_argmin(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int keep) {
    return reduce(out, ctx, &op_argmin, x, 1, &dim, keep, 0, false);
}

/* ---- sum_to: at = shape, n = ndim -------------------------------------------------------------------------------- */
static luron_status infer_sum_to(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    char from[LURON__SHAPE_TEXT], to[LURON__SHAPE_TEXT];
    LURON_TRY(luron__attr_count(ctx, a));
    bool fits = a->attrs.n <= x->ndim;
    for (int i = 1; fits && i <= a->attrs.n; i++)
        fits = a->attrs.at[a->attrs.n - i] == 1 || a->attrs.at[a->attrs.n - i] == x->shape[x->ndim - i];
    LURON__CHECK(ctx, fits, LURON_E_SHAPE, "sum_to: %s does not broadcast to %s",
                 luron_shape_text(to, sizeof to, a->attrs.n, a->attrs.at),
                 luron_shape_text(from, sizeof from, x->ndim, x->shape));
    a->dtype = luron_dtype_is_float(x->dtype) ? x->dtype : LURON_I64;
    a->ndim = a->attrs.n;
    for (int i = 0; i < a->ndim; i++)
        a->shape[i] = a->attrs.at[i];
    return LURON_OK;
}

/* By the kernel that plugins have for bias gradients: a fused layer and the same in ops give the same bits. */
static luron_status sum_dense(luron_ctx *ctx, luron_tensor *out, const luron_tensor *x) {
    luron_tensor *alias, *dense;
    int64_t kept[LURON_MAX_DIMS];
    for (int d = 0; d < x->ndim; d++) kept[d] = d < x->ndim - out->ndim ? 1 : out->shape[d - (x->ndim - out->ndim)];
    LURON_TRY(luron__tensor_alias(&alias, ctx, x)); /* not on the tape */
    luron_status status = luron_contiguous(&dense, ctx, alias);
    luron_tensor_unref(alias);
    if (status) return status;
    luron__sum_to(x->dtype, x->ndim, x->shape, luron__data(dense), kept, luron__data(out), 0, ctx->threads);
    luron_tensor_unref(dense);
    return LURON_OK;
}

static luron_status compute_sum_to(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    uint32_t mask = 0;
    if (x->dtype == LURON_F32 || x->dtype == LURON_F64) return sum_dense(ctx, a->out, x);
    for (int d = 0; d < x->ndim; d++) {
        int at = d - (x->ndim - a->ndim);
        if (at < 0 || (a->shape[at] == 1 && x->shape[d] != 1)) mask |= 1u << d;
    }
    return reduce_into(ctx, a->out, x, mask, LURON__REDUCE_SUM, luron__compute_dtype(x->dtype), 0);
}

static luron_status gradient_sum_to(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                    int i) {
    return luron_expand(out, ctx, g, node->in[i]->ndim, node->in[i]->shape);
}

static const luron__op_attr sum_to_attrs[] = {{"shape", LURON__ATTR_INTS, 0}, {0}};
static const luron__op op_sum_to = {.name = "sum_to",
                                    .infer = infer_sum_to,
                                    .compute = compute_sum_to,
                                    .gradient = gradient_sum_to,
                                    .attrs = sum_to_attrs,
                                    .n_in = 1};
const luron__op *const luron__ops_reduce[] = {&op_sum, &op_mean, &op_var,    &op_prod,   &op_amax,   &op_amin,
                                              &op_any, &op_all,  &op_argmax, &op_argmin, &op_sum_to, &op_sum_squares, NULL};

luron_status luron_sum_to(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int64_t *shape) {
    luron__attrs attrs = {.n = ndim};
    LURON__CHECK(ctx, ndim >= 0 && ndim <= LURON_MAX_DIMS, LURON_E_SHAPE, "sum_to: %d dimensions: at most %d", ndim,
                 LURON_MAX_DIMS);
    for (int i = 0; i < ndim; i++)
        attrs.at[i] = shape[i];
    return luron__apply_op(out, ctx, &op_sum_to, 1, &x, &attrs);
}
