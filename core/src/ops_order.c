/* ops_order.c -- by place in order, or along a dim: median, kthvalue, mode, cummax, cummin, diff. The values are
 * gathered at ids, so that a gradient goes back to where each came from. */
#include "ops_expr.h"
#include "ops_rows.h"

#include <stdio.h>
#include <string.h>

enum { GRAIN = 32768, BLOCK = 128 };

/* ---- cummax and cummin: ids. at = dim, base, smallest --------------------------------------------------------------
 */
typedef struct scan {
    int dim;
    int64_t base;
    bool smallest;
    const luron_tensor *x;
    luron_tensor *out;
} scan;

/* Of equal ones the last is taken; NaN is taken, and only another NaN after it. What is taken is rare: a branch costs less than to
 * wait for the number before. */
#define WALK(T, name)                                                                                                  \
    static inline __attribute__((always_inline)) int64_t name##_kind(const T *x, int64_t n, int64_t place, T *so_far,  \
                                                                     int64_t best, int64_t *to, int64_t step, const bool smallest) { \
        T top = *so_far;                                                                                               \
        for (int64_t k = 0; k < n; k++) {                                                                              \
            const T v = x[k];                                                                                          \
            if (__builtin_expect(!(smallest ? v > top : v < top), 0) && (top == top || v != v)) top = v, best = place + k; \
            to[k * step] = best;                                                                                       \
        }                                                                                                              \
        *so_far = top;                                                                                                 \
        return best;                                                                                                   \
    }                                                                                                                  \
    static int64_t name(const T *x, int64_t n, int64_t place, T *so_far, int64_t best, int64_t *to, int64_t step, bool smallest) { \
        return smallest ? name##_kind(x, n, place, so_far, best, to, step, true)                                       \
                        : name##_kind(x, n, place, so_far, best, to, step, false);                                     \
    }
WALK(double, walk_reals)
WALK(int64_t, walk_wholes)

static void some_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const scan *s = arg;
    int64_t n = luron__row_length(s->x, s->dim), stride = luron__row_stride(s->x, s->dim);
    int64_t to_stride = luron__row_stride(s->out, s->dim), size = luron_dtype_size(s->x->dtype);
    bool real = luron_dtype_is_float(s->x->dtype);
    double reals[BLOCK], real_top = 0;
    int64_t wholes[BLOCK], whole_top = 0, best = 0;
    (void)chunk;
    for (int64_t r = begin; r < end; r++) {
        const char *from = luron__row(s->x, s->dim, r);
        int64_t *to = (int64_t *)(void *)luron__row(s->out, s->dim, r);
        for (int64_t i = 0, count; i < n; i += count) {
            count = n - i < BLOCK ? n - i : BLOCK;
            luron__convert(real ? LURON_F64 : LURON_I64, real ? (void *)reals : wholes, 1, s->x->dtype, from + i * stride * size,
                           stride, count);
            if (i == 0) best = s->base;
            if (i == 0 && real) real_top = reals[0];
            if (i == 0 && !real) whole_top = wholes[0];
            if (real)
                best = walk_reals(reals, count, i + s->base, &real_top, best, to + i * to_stride, to_stride, s->smallest);
            else
                best = walk_wholes(wholes, count, i + s->base, &whole_top, best, to + i * to_stride, to_stride, s->smallest);
        }
    }
}

static luron_status infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__attr_dim(ctx, a, 0, a->in[0]->ndim));
    LURON_TRY(luron__attr_base(ctx, a, 1));
    LURON_TRY(luron__attr_bool(ctx, a, 2, "smallest"));
    a->dtype = LURON_I64, a->ndim = a->in[0]->ndim;
    memcpy(a->shape, a->in[0]->shape, sizeof a->shape);
    return LURON_OK;
}

static luron_status compute(luron_ctx *ctx, luron__apply *a) {
    scan s = {(int)a->attrs.at[0], a->attrs.at[1], a->attrs.at[2] != 0, a->in[0], a->out};
    int64_t n = luron__row_length(a->in[0], s.dim);
    if (n > 0) luron__parallel_for(ctx->threads, luron__row_count(a->in[0], s.dim), GRAIN / n + 1, some_rows, &s);
    return LURON_OK;
}

static const luron__op_attr attrs_of[] = {
    {"dim", LURON__ATTR_DIM, 0}, {"base", LURON__ATTR_BASE, 1}, {"smallest", LURON__ATTR_BOOL, 2}, {0}};
static const luron__op op_ids = {.name = "cummax",
                                 .infer = infer,
                                 .compute = compute,
                                 .attrs = attrs_of,
                                 .n_in = 1,
                                 .flags = LURON__OP_GIVES_IDS};
const luron__op *const luron__ops_order[] = {&op_ids, NULL};

static luron_status running(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, const char *what,
                            luron_tensor *x, int dim, bool smallest) {
    luron_tensor *found;
    LURON_TRY(luron__wrap_dim(&dim, ctx, what, x->ndim));
    luron__attrs attrs = {.at = {dim, ctx->index_base, smallest}};
    LURON_TRY(luron__apply_op(&found, ctx, &op_ids, 1, &x, &attrs));
    luron_status status = luron_gather(values, ctx, x, dim, found);
    if (status)
        luron_tensor_unref(found);
    else
        *ids = found;
    return status;
}

luron_status luron_cummax(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim) {
    return running(values, ids, ctx, "cummax: dim", x, dim, false);
}
luron_status luron_cummin(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim) {
    return running(values, ids, ctx, "cummin: dim", x, dim, true);
}

/* ---- one of each row -----------------------------------------------------------------------------------------------
 */
static luron_tensor *in_order(luron__expr *e, luron_tensor *x, int dim) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_argsort(&t, e->ctx, x, dim, 0), &t);
}

/* dim positive, and is there anything along it? A number is a row of one: given. */
static luron_status begin(luron_tensor **rows, luron_ctx *ctx, const char *what, luron_tensor *x, int *dim) {
    char text[64], shape[LURON__SHAPE_TEXT];
    snprintf(text, sizeof text, "%s: dim", what);
    LURON_TRY(luron__wrap_dim(dim, ctx, text, x->ndim));
    LURON__CHECK(ctx, luron__row_length(x, *dim) > 0, LURON_E_SHAPE, "%s: dim %d of %s has no numbers", what,
                 *dim + ctx->index_base, luron_shape_text(shape, sizeof shape, x->ndim, x->shape));
    if (x->ndim) {
        *rows = luron_tensor_ref(x);
        return LURON_OK;
    }
    return luron_reshape(rows, ctx, x, LURON_SHAPE(1));
}

/* What stands at the id (..., 1, ...) in each row of x, without dim unless `keep`. The first op of the expression is
 * the handle of rows that begin gave. */
static luron_status finish(luron_tensor **values, luron_tensor **ids, luron__expr *e, luron_tensor *rows,
                           luron_tensor *id, const luron_tensor *x, int dim, int keep) {
    luron_tensor *value = luron__expr_gather(e, rows, dim, id), *t = NULL;
    int64_t shape[LURON_MAX_DIMS];
    int n = 0;
    for (int d = 0; d < x->ndim; d++)
        if (d != dim || keep) shape[n++] = d == dim ? 1 : x->shape[d];
    if (!e->status) value = luron__expr_keep(e, luron_reshape(&t, e->ctx, value, n, shape), &t);
    if (!e->status) id = luron__expr_keep(e, luron_reshape(&t, e->ctx, id, n, shape), &t);
    if (!e->status) *ids = luron_tensor_ref(id);
    luron_status status = luron__expr_done(e, value, values);
    luron_tensor_unref(rows);
    return status;
}

luron_status luron_kthvalue(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int64_t k,
                            int dim, int keep) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *rows;
    char text[LURON__SHAPE_TEXT];
    LURON_TRY(begin(&rows, ctx, "kthvalue", x, &dim));
    int64_t n = rows->shape[dim];
    if (k < 1 || k > n)
        e.status =
            luron__fail(ctx, LURON_E_RANGE, "kthvalue: k is %lld, but dim %d of %s has %lld positions", (long long)k,
                        dim + ctx->index_base, luron_shape_text(text, sizeof text, x->ndim, x->shape), (long long)n);
    return finish(values, ids, &e, rows, luron__expr_narrow(&e, in_order(&e, rows, dim), dim, k - 1, 1), x, dim, keep);
}

/* NaN stands at the end of the order: where there is any, the first of them is taken. */
luron_status luron_median(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim,
                          int keep) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *rows, *t = NULL;
    LURON_TRY(begin(&rows, ctx, "median", x, &dim));
    int64_t n = rows->shape[dim];
    luron_tensor *order = in_order(&e, rows, dim), *id = luron__expr_narrow(&e, order, dim, (n - 1) / 2, 1);
    if (luron_dtype_is_float(x->dtype) && !e.status) {
        luron_tensor *nans = luron__expr_1(&e, luron_isnan, rows), *end = luron__expr_whole(&e, n + ctx->index_base);
        luron_tensor *last = luron__expr_whole(&e, n - 1 + ctx->index_base);
        if (!e.status) nans = luron__expr_keep(&e, luron_sum(&t, ctx, nans, 1, &dim, 1), &t);
        luron_tensor *first = luron__expr_2(&e, luron_minimum, luron__expr_2(&e, luron_sub, end, nans), last);
        luron_tensor *none = luron__expr_2(&e, luron_eq, nans, luron__expr_number(&e, 0));
        id = luron__expr_where(&e, none, id, luron__expr_gather(&e, order, dim, first));
    }
    return finish(values, ids, &e, rows, id, x, dim, keep);
}

/* In order, the place where the longest run of equal numbers ends: how far each is from the begin of its run is largest
 * there, and argmax takes the first such place, so the smallest number. */
luron_status luron_mode(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim, int keep) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *rows, *t = NULL, *start = NULL, *ids_of_start = NULL, *last = NULL;
    LURON_TRY(begin(&rows, ctx, "mode", x, &dim));
    int64_t n = rows->shape[dim], wide[LURON_MAX_DIMS];
    for (int d = 0; d < rows->ndim; d++)
        wide[d] = d == dim ? n : 1;
    luron_tensor *order = in_order(&e, rows, dim);
    luron_tensor *sorted = luron__expr_gather(&e, luron__expr_1(&e, luron_detach, rows), dim, order);
    luron_tensor *same = luron__expr_2(&e, luron_eq, luron__expr_narrow(&e, sorted, dim, 1, n - 1), luron__expr_narrow(&e, sorted, dim, 0, n - 1));
    luron_tensor *place =
        e.status ? NULL : luron__expr_keep(&e, luron_tensor_arange(&t, ctx, LURON_I64, 0, (double)n - 0.5, 1), &t);
    if (!e.status) place = luron__expr_keep(&e, luron_reshape(&t, ctx, place, rows->ndim, wide), &t);
    luron_tensor *begins = luron__expr_where(&e, same, luron__expr_whole(&e, 0), luron__expr_narrow(&e, place, dim, 1, n - 1));
    int64_t before[LURON_MAX_DIMS] = {0}, after[LURON_MAX_DIMS] = {0};
    before[dim] = 1;
    if (!e.status) begins = luron__expr_keep(&e, luron_pad(&t, ctx, begins, rows->ndim, before, after, 0), &t);
    if (!e.status) luron__expr_keep(&e, luron_cummax(&start, &ids_of_start, ctx, begins, dim), &start);
    luron_tensor_unref(ids_of_start);
    luron_tensor *length = luron__expr_2(&e, luron_sub, place, start);
    if (!e.status) last = luron__expr_keep(&e, luron_argmax(&t, ctx, length, dim, 1), &t);
    return finish(values, ids, &e, rows, luron__expr_gather(&e, order, dim, last), x, dim, keep);
}

/* ---- diff ----------------------------------------------------------------------------------------------------------
 */
luron_status luron_diff(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t n, int dim) {
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "diff: a tensor without dims has no neighbours");
    LURON__CHECK(ctx, n >= 0, LURON_E_ARGUMENT, "diff: n is %lld, it must not be negative", (long long)n);
    LURON_TRY(luron__wrap_dim(&dim, ctx, "diff: dim", x->ndim));
    luron_tensor *now = luron_tensor_ref(x), *next = NULL;
    for (; n > 0 && now->shape[dim] > 0; n--) {
        luron__expr e = {.ctx = ctx};
        int64_t rest = now->shape[dim] - 1;
        luron_tensor *a = luron__expr_narrow(&e, now, dim, 1, rest), *b = luron__expr_narrow(&e, now, dim, 0, rest);
        luron_tensor *y = luron__expr_2(&e, x->dtype == LURON_B8 ? luron_logical_xor : luron_sub, a, b);
        luron_status status = luron__expr_done(&e, y, &next);
        luron_tensor_unref(now);
        if (status) return status;
        now = next;
    }
    *out = now;
    return LURON_OK;
}
