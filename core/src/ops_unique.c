/* ops_unique.c -- what is in a tensor, where it belongs, and how often it shall be there: unique, searchsorted,
 * repeat_interleave.                                                                                                 */
#include "ops_expr.h"
#include "ops_ids.h"
#include "ops_rows.h"

/* ---- steps ------------------------------------------------------------------------------------------------------- */
static luron_tensor *joined(luron__expr *e, luron_tensor *a, luron_tensor *b) {
    luron_tensor *t = NULL, *parts[] = {a, b};
    return e->status ? NULL : luron__expr_keep(e, luron_cat(&t, e->ctx, 2, parts, 0), &t);
}
static luron_tensor *filled(luron__expr *e, uint32_t dtype, int64_t n, double value) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_tensor_full(&t, e->ctx, dtype, 1, &n, value), &t);
}

/* ---- unique ------------------------------------------------------------------------------------------------------ */
/* From the order of n rows and which of them, in that order, differ from the one before: the places of the first ones
 * (from the base), for each row the number of its group, and the sizes of the groups. */
typedef struct groups {
    luron_tensor *first, *ids, *counts;
} groups;

static groups group(luron__expr *e, luron_tensor *order, luron_tensor *differs, int64_t n) {
    groups g = {NULL, NULL, NULL};
    luron_tensor *t = NULL, *number = NULL;
    int base = e->ctx->index_base;
    luron_tensor *begins = joined(e, filled(e, LURON_B8, n > 0, 1), differs);
    luron_tensor *places = luron__expr_1(e, luron_nonzero, begins);
    if (e->status) return g;
    int64_t count = places->shape[0], end = n + base;
    places = luron__expr_reshape(e, places, 1, &count);
    if (!e->status) number = luron__expr_keep(e, luron_cumsum(&t, e->ctx, begins, 0), &t);
    number = luron__expr_2(e, luron_sub, number, filled(e, LURON_I64, 1, 1 - base));
    if (!e->status) g.ids = luron__expr_keep(e, luron_index_copy(&t, e->ctx, order, 0, order, number), &t);
    luron_tensor *ends =
        count ? joined(e, luron__expr_narrow(e, places, 0, 1, count - 1), filled(e, LURON_I64, 1, (double)end)) : places;
    g.counts = luron__expr_2(e, luron_sub, ends, places);
    g.first = luron__expr_select(e, order, 0, places);
    return g;
}

/* All three or none. */
static luron_status give(luron__expr *e, luron_tensor *values, groups g, luron_tensor **out, luron_tensor **ids,
                         luron_tensor **counts) {
    if (!e->status) {
        *ids = luron_tensor_ref(g.ids);
        *counts = luron_tensor_ref(g.counts);
    }
    return luron__expr_done(e, values, out);
}

luron_status luron_unique(luron_tensor **values, luron_tensor **ids, luron_tensor **counts, luron_ctx *ctx,
                          luron_tensor *x) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *t = NULL, *order = NULL, *differs = NULL;
    int64_t n = luron_tensor_numel(x);
    luron_tensor *row = luron__expr_reshape(&e, x, 1, &n);
    if (!e.status) order = luron__expr_keep(&e, luron_argsort(&t, ctx, row, 0, 0), &t);
    luron_tensor *sorted = luron__expr_select(&e, luron__expr_1(&e, luron_detach, row), 0, order);
    int64_t rest = n > 0 ? n - 1 : 0;
    differs = luron__expr_2(&e, luron_ne, luron__expr_narrow(&e, sorted, 0, n > 0, rest),
                            luron__expr_narrow(&e, sorted, 0, 0, rest));
    groups g = group(&e, order, differs, n);
    luron_tensor *first = luron__expr_select(&e, row, 0, g.first);
    g.ids = luron__expr_reshape(&e, g.ids, x->ndim, x->shape);
    return give(&e, first, g, values, ids, counts);
}

luron_status luron_unique_dim(luron_tensor **values, luron_tensor **ids, luron_tensor **counts, luron_ctx *ctx,
                              luron_tensor *x, int dim) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *t = NULL, *order = NULL, *differs = NULL;
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "unique: a tensor without dims has no positions to compare");
    LURON_TRY(luron__wrap_dim(&dim, ctx, "unique: dim", x->ndim));
    int64_t n = x->shape[dim], columns = 1, rest = n > 0 ? n - 1 : 0;
    for (int d = 0; d < x->ndim; d++)
        columns *= d == dim ? 1 : x->shape[d];
    luron_tensor *turned = luron__expr_keep(&e, luron_movedim(&t, ctx, x, 1, &dim, &(int){0}), &t);
    luron_tensor *rows = luron__expr_1(&e, luron_detach, turned);
    rows = luron__expr_1(&e, luron_contiguous, luron__expr_reshape(&e, rows, 2, (const int64_t[]){n, columns}));
    if (!e.status) order = luron__expr_keep(&e, luron__order_rows(&t, ctx, rows), &t);
    luron_tensor *sorted = luron__expr_select(&e, rows, 0, order);
    luron_tensor *ne = luron__expr_2(&e, luron_ne, luron__expr_narrow(&e, sorted, 0, n > 0, rest),
                                     luron__expr_narrow(&e, sorted, 0, 0, rest));
    if (!e.status) differs = luron__expr_keep(&e, luron_any(&t, ctx, ne, 1, (const int[]){1}, 0), &t);
    groups g = group(&e, order, differs, n);
    luron_tensor *first = NULL;
    if (!e.status) first = luron__expr_keep(&e, luron_index_select(&t, ctx, x, dim, g.first), &t);
    return give(&e, first, g, values, ids, counts);
}

/* ---- searchsorted: at = base, right; in = sorted, values, both contiguous and float64 or int64 ------------------- */
enum { GRAIN = 4096 };
typedef struct searching {
    const void *sorted, *values;
    int64_t n, row, base, *to; /* row: values that share a sorted list */
    bool right;
} searching;

#define SEARCH(T)                                                                                                      \
    for (int64_t i = begin; i < end; i++) {                                                                            \
        const T *list = (const T *)s->sorted + i / s->row * s->n, value = ((const T *)s->values)[i];                   \
        int64_t low = 0, high = s->n;                                                                                  \
        while (low < high) {                                                                                           \
            int64_t middle = low + (high - low) / 2;                                                                   \
            if (s->right ? list[middle] > value : list[middle] >= value)                                               \
                high = middle;                                                                                         \
            else                                                                                                       \
                low = middle + 1;                                                                                      \
        }                                                                                                              \
        s->to[i] = low + s->base;                                                                                      \
    }

static void search_reals(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const searching *s = arg;
    (void)chunk;
    SEARCH(double)
}
static void search_wholes(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const searching *s = arg;
    (void)chunk;
    SEARCH(int64_t)
}

static luron_status search_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *sorted = a->in[0], *values = a->in[1];
    bool fits = sorted->ndim == 1 || (sorted->ndim > 1 && sorted->ndim == values->ndim);
    for (int d = 0; d < sorted->ndim - 1 && fits; d++)
        fits = sorted->shape[d] == values->shape[d];
    LURON__CHECK(ctx, fits, LURON_E_SHAPE, "searchsorted: the shapes of sorted and values do not fit");
    LURON__CHECK(ctx,
                 sorted->dtype == values->dtype && (sorted->dtype == LURON_F64 || sorted->dtype == LURON_I64) &&
                     luron_tensor_is_contiguous(sorted) && luron_tensor_is_contiguous(values),
                 LURON_E_DTYPE, "searchsorted: contiguous tensors, both of float64 or int64, expected");
    LURON_TRY(luron__attr_base(ctx, a, 0));
    LURON_TRY(luron__attr_bool(ctx, a, 1, "right"));
    a->dtype = LURON_I64, a->ndim = a->in[1]->ndim;
    memcpy(a->shape, a->in[1]->shape, sizeof a->shape);
    return LURON_OK;
}

static luron_status search_compute(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *sorted = a->in[0], *values = a->in[1];
    int64_t numel = luron_tensor_numel(values);
    if (numel == 0) return LURON_OK;
    searching s = {luron__data(sorted),
                   luron__data(values),
                   sorted->shape[sorted->ndim - 1],
                   sorted->ndim == 1 ? numel : values->shape[values->ndim - 1],
                   a->attrs.at[0],
                   (int64_t *)(void *)luron__data(a->out),
                   a->attrs.at[1] != 0};
    luron__parallel_for(ctx->threads, numel, GRAIN, sorted->dtype == LURON_F64 ? search_reals : search_wholes, &s);
    return LURON_OK;
}

static const luron__op_attr search_attrs[] = {{"base", LURON__ATTR_BASE, 0}, {"right", LURON__ATTR_BOOL, 1}, {0}};
static luron_status search_call(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in,
                                luron_tensor *const *in, const luron__attrs *attrs) {
    (void)op, (void)n_in;
    return luron_searchsorted(out, ctx, in[0], in[1], attrs->at[1] != 0);
}

static const luron__op op_searchsorted = {.name = "searchsorted",
                                          .infer = search_infer,
                                          .compute = search_compute,
                                          .attrs = search_attrs,
                                          .n_in = 2,
                                          .flags = LURON__OP_GIVES_IDS,
                                          .call = search_call};

luron_status luron_searchsorted(luron_tensor **out, luron_ctx *ctx, luron_tensor *sorted, luron_tensor *values,
                                int right) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *in[2] = {sorted, values}, *t = NULL;
    char s[LURON__SHAPE_TEXT], v[LURON__SHAPE_TEXT];
    bool fits = sorted->ndim == 1 || (sorted->ndim > 1 && sorted->ndim == values->ndim);
    for (int d = 0; d < sorted->ndim - 1 && fits; d++)
        fits = sorted->shape[d] == values->shape[d];
    LURON__CHECK(ctx, fits, LURON_E_SHAPE,
                 "searchsorted: sorted %s must be a list, or have the shape of values %s but for the last dim",
                 luron_shape_text(s, sizeof s, sorted->ndim, sorted->shape),
                 luron_shape_text(v, sizeof v, values->ndim, values->shape));
    bool real = luron_dtype_is_float(sorted->dtype) || luron_dtype_is_float(values->dtype);
    for (int i = 0; i < 2 && !e.status; i++) {
        luron__expr_keep(&e, luron_cast(&t, ctx, in[i], real ? LURON_F64 : LURON_I64), &t);
        in[i] = luron__expr_1(&e, luron_contiguous, t);
    }
    luron__attrs attrs = {.at = {ctx->index_base, right != 0}};
    if (!e.status) luron__expr_keep(&e, luron__apply_op(&t, ctx, &op_searchsorted, 2, in, &attrs), &t);
    return luron__expr_done(&e, t, out);
}

/* ---- repeat_interleave: ids of positions: at = base; in = repeats, contiguous int64 --------------------------------
 */
static luron_status repeat_infer(luron_ctx *ctx, luron__apply *a) {
    const int64_t *times = (const int64_t *)(const void *)luron__data(a->in[0]);
    int64_t total = 0;
    LURON__CHECK(ctx, a->in[0]->dtype == LURON_I64 && a->in[0]->ndim == 1 && luron_tensor_is_contiguous(a->in[0]),
                 LURON_E_DTYPE, "repeat_interleave: a contiguous list of int64 expected");
    LURON_TRY(luron__attr_base(ctx, a, 0));
    for (int64_t i = 0; i < a->in[0]->shape[0]; i++) {
        LURON__CHECK(ctx, times[i] >= 0, LURON_E_ARGUMENT,
                     "repeat_interleave: repeats: %lld at position %lld is negative", (long long)times[i],
                     (long long)i + ctx->index_base);
        LURON__CHECK(ctx, !__builtin_add_overflow(total, times[i], &total), LURON_E_SHAPE,
                     "repeat_interleave: the result is too large");
    }
    a->dtype = LURON_I64, a->ndim = 1, a->shape[0] = total;
    return LURON_OK;
}

static luron_status repeat_compute(luron_ctx *ctx, luron__apply *a) {
    const int64_t *times = (const int64_t *)(const void *)luron__data(a->in[0]);
    int64_t *to = (int64_t *)(void *)luron__data(a->out);
    (void)ctx;
    for (int64_t i = 0; i < a->in[0]->shape[0]; i++)
        for (int64_t k = 0; k < times[i]; k++)
            *to++ = i + a->attrs.at[0];
    return LURON_OK;
}

static const luron__op_attr repeat_attrs[] = {{"base", LURON__ATTR_BASE, 0}, {0}};
static const luron__op op_repeat = {.name = "repeat_interleave",
                                    .infer = repeat_infer,
                                    .compute = repeat_compute,
                                    .attrs = repeat_attrs,
                                    .n_in = 1,
                                    .flags = LURON__OP_GIVES_IDS | LURON__OP_BY_NUMBERS};
const luron__op *const luron__ops_unique[] = {&op_searchsorted, &op_repeat, NULL};

luron_status luron_repeat_interleave(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *repeats,
                                     int dim) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *t = NULL;
    char s[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE,
                 "repeat_interleave: a tensor without dims has no positions to repeat");
    LURON_TRY(luron__wrap_dim(&dim, ctx, "repeat_interleave: dim", x->ndim));
    LURON__CHECK(ctx, repeats->dtype == LURON_I64 || repeats->dtype == LURON_I32 || repeats->dtype == LURON_U8,
                 LURON_E_DTYPE, "repeat_interleave: repeats must be int64, int32 or uint8, got %s",
                 luron_dtype_name(repeats->dtype));
    int64_t n = x->shape[dim];
    LURON__CHECK(ctx, luron_tensor_numel(repeats) == 1 || (repeats->ndim == 1 && repeats->shape[0] == n), LURON_E_SHAPE,
                 "repeat_interleave: one number, or a list of %lld for dim %d expected, got repeats %s", (long long)n,
                 dim + ctx->index_base, luron_shape_text(s, sizeof s, repeats->ndim, repeats->shape));
    luron_tensor *times = luron__expr_keep(&e, luron_cast(&t, ctx, repeats, LURON_I64), &t);
    if (luron_tensor_numel(repeats) == 1) times = luron__expr_reshape(&e, times, 0, NULL);
    if (!e.status) times = luron__expr_keep(&e, luron_expand(&t, ctx, times, 1, &n), &t);
    times = luron__expr_1(&e, luron_contiguous, times);
    luron__attrs attrs = {.at = {ctx->index_base}};
    luron_tensor *ids = NULL, *y = NULL;
    if (!e.status) ids = luron__expr_keep(&e, luron__apply_op(&t, ctx, &op_repeat, 1, &times, &attrs), &t);
    if (!e.status) y = luron__expr_keep(&e, luron_index_select(&t, ctx, x, dim, ids), &t);
    return luron__expr_done(&e, y, out);
}
