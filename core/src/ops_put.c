/* ops_put.c -- reading and writing at several tensors of ids at once: index, index_put, take, masked_scatter. The ids
 * become positions in the first dims of x, seen as one dim; the rest is index_select, index_copy or index_add.       */
#include "ops_expr.h"
#include "ops_ids.h"

#include <stdio.h>

/* ---- positions: at = sizes of the dims (n), base; in = ids, broadcast to one shape. The output counts from the base too -
 */
static luron_status infer(luron_ctx *ctx, luron__apply *a) {
    int64_t most = 1;
    LURON__CHECK(ctx, a->n_in <= LURON_MAX_DIMS && a->attrs.n == a->n_in, LURON_E_ARGUMENT,
                 "%s: ids for %d dims, and sizes of %d", a->op->name, a->n_in, a->attrs.n);
    LURON_TRY(luron__attr_base(ctx, a, LURON_MAX_DIMS));
    for (int d = 0; d < a->n_in; d++) {
        LURON_TRY(luron__check_id_dtype(ctx, a->op->name, a->in[d]));
        LURON__CHECK(ctx, luron__same_shape(a->in[0], a->in[d]), LURON_E_SHAPE, "%s: ids of one shape expected",
                     a->op->name);
        LURON__CHECK(ctx, a->attrs.at[d] >= 0 && !__builtin_mul_overflow(most, a->attrs.at[d], &most), LURON_E_SHAPE,
                     "%s: the sizes are negative or too large", a->op->name);
    }
    a->dtype = LURON_I64, a->ndim = 1;
    a->shape[0] = luron__numel(a->in[0]->ndim, a->in[0]->shape);
    return LURON_OK;
}

static luron_status compute(luron_ctx *ctx, luron__apply *a) {
    int64_t base = a->attrs.at[LURON_MAX_DIMS], n = a->shape[0], *to = (int64_t *)(void *)luron__data(a->out);
    char what[48];
    memset(to, 0, (size_t)n * sizeof *to);
    for (int d = 0; d < a->n_in; d++) {
        const luron_tensor *ids = a->in[d];
        int64_t size = a->attrs.at[d], add = d == a->n_in - 1 ? base : 0;
        snprintf(what, sizeof what, a->n_in == 1 ? "%s" : "%s: dim %d", a->op->name, d + ctx->index_base);
        LURON_TRY(luron__check_ids(ctx, what, ids, base, size));
        luron__walk w = luron__walk_make(ids->ndim, ids->shape, ids->strides, NULL, NULL);
        for (int64_t i = 0; i < n; i++, luron__walk_on(&w, 1))
            to[i] = to[i] * size + luron__id_at(ids->dtype, luron__data(ids), w.offset[0], base) + add;
    }
    return LURON_OK;
}

static const luron__op_attr attrs_of[] = {
    {"sizes", LURON__ATTR_INTS, 0}, {"base", LURON__ATTR_BASE, LURON_MAX_DIMS}, {0}};
#define POSITIONS(fn)                                                                                                  \
    static const luron__op op_##fn = {.name = #fn,                                                                     \
                                      .infer = infer,                                                                  \
                                      .compute = compute,                                                              \
                                      .attrs = attrs_of,                                                               \
                                      .n_in = -1,                                                                      \
                                      .flags = LURON__OP_GIVES_IDS,                                                    \
                                      .ids_in = LURON__SAVE_ALL_IN};
POSITIONS(index)
POSITIONS(index_put)
POSITIONS(take)
const luron__op *const luron__ops_put[] = {&op_index, &op_index_put, &op_take, NULL};

/* ---- x[ids 0, ids 1, ...] ---------------------------------------------------------------------------------------- */
typedef struct place {
    int n, ndim;                       /* how many ids; of the result: */
    int64_t shape[2 * LURON_MAX_DIMS]; /* that of the ids, then the dims of x that are left */
    int64_t rows[1 + LURON_MAX_DIMS];  /* x with its first n dims as one */
    int id_ndim;
} place;

static luron_status find_place(place *p, luron_ctx *ctx, const char *what, const luron_tensor *x, int n,
                               luron_tensor *const *ids) {
    char s[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, n >= 1 && n <= x->ndim, LURON_E_ARGUMENT, "%s: ids for 1 to %d dims of %s expected, got %d", what,
                 x->ndim, luron_shape_text(s, sizeof s, x->ndim, x->shape), n);
    luron_tensor wide = {.ndim = 0};
    for (int i = 0; i < n; i++) {
        int ndim;
        int64_t shape[LURON_MAX_DIMS];
        LURON_TRY(luron__check_id_dtype(ctx, what, ids[i]));
        LURON_TRY(luron__broadcast(ctx, what, &wide, ids[i], &ndim, shape));
        wide.ndim = ndim;
        memcpy(wide.shape, shape, (size_t)ndim * sizeof *shape);
    }
    p->n = n, p->id_ndim = wide.ndim, p->ndim = wide.ndim + x->ndim - n, p->rows[0] = 1;
    LURON__CHECK(ctx, p->ndim <= LURON_MAX_DIMS, LURON_E_SHAPE,
                 "%s: the result has %d dimensions, at most %d are possible", what, p->ndim, LURON_MAX_DIMS);
    memcpy(p->shape, wide.shape, sizeof wide.shape);
    for (int d = 0; d < x->ndim; d++) {
        if (d < n)
            p->rows[0] *= x->shape[d];
        else
            p->rows[1 + d - n] = p->shape[p->id_ndim + d - n] = x->shape[d];
    }
    luron_status status = luron__check_shape(ctx, x->dtype, p->ndim, p->shape, NULL);
    return status ? luron__wrap(ctx, status, "%s", what) : LURON_OK;
}

static luron_tensor *positions(luron__expr *e, const luron__op *op, const luron_tensor *x, const place *p,
                               luron_tensor *const *ids) {
    luron_tensor *wide[LURON_MAX_DIMS], *t = NULL;
    luron__attrs attrs = {.n = p->n};
    attrs.at[LURON_MAX_DIMS] = e->ctx->index_base;
    for (int i = 0; i < p->n; i++) {
        wide[i] = luron__expr_expand(e, ids[i], p->id_ndim, p->shape);
        attrs.at[i] = x->shape[i];
    }
    return e->status ? NULL : luron__expr_keep(e, luron__apply_op(&t, e->ctx, op, p->n, wide, &attrs), &t);
}

static luron_status read_at(luron_tensor **out, luron_ctx *ctx, const luron__op *op, luron_tensor *x, int n,
                            luron_tensor *const *ids) {
    luron__expr e = {.ctx = ctx};
    place p;
    luron_tensor *t = NULL;
    LURON_TRY(find_place(&p, ctx, op->name, x, n, ids));
    luron_tensor *rows = luron__expr_reshape(&e, x, 1 + x->ndim - n, p.rows), *list = positions(&e, op, x, &p, ids);
    if (!e.status) t = luron__expr_keep(&e, luron_index_select(&t, ctx, rows, 0, list), &t);
    return luron__expr_done(&e, luron__expr_reshape(&e, t, p.ndim, p.shape), out);
}

luron_status luron_index(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n, luron_tensor *const *ids) {
    return read_at(out, ctx, &op_index, x, n, ids);
}

luron_status luron_take(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids) {
    luron_tensor *row;
    LURON_TRY(luron_reshape(&row, ctx, x, LURON_SHAPE(luron_tensor_numel(x))));
    luron_status status = read_at(out, ctx, &op_take, row, 1, &ids);
    luron_tensor_unref(row);
    return status;
}

/* Do values fit the places of the ids? */
static luron_status check_values(luron_ctx *ctx, const place *p, const luron_tensor *values) {
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
    luron_tensor like = {.ndim = p->ndim};
    memcpy(like.shape, p->shape, sizeof like.shape);
    luron_status fits = luron__broadcast(ctx, "index_put", values, &like, &ndim, shape);
    LURON__CHECK(ctx, !fits && ndim == p->ndim && memcmp(shape, p->shape, (size_t)ndim * sizeof *shape) == 0,
                 LURON_E_SHAPE, "index_put: values %s do not broadcast to the shape at these ids, %s",
                 luron_shape_text(s, sizeof s, values->ndim, values->shape),
                 luron_shape_text(t, sizeof t, p->ndim, p->shape));
    return LURON_OK;
}

/* values as a row for each of the ids in `list`. */
static luron_tensor *source(luron__expr *e, luron_tensor *values, place p, const luron_tensor *list, int ndim) {
    luron_tensor *wide = luron__expr_expand(e, values, p.ndim, p.shape);
    if (e->status) return NULL;
    p.rows[0] = list->shape[0];
    return luron__expr_reshape(e, wide, ndim, p.rows);
}

luron_status luron_index_put(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n, luron_tensor *const *ids,
                             luron_tensor *values, int accumulate) {
    luron__expr e = {.ctx = ctx};
    place p;
    LURON_TRY(find_place(&p, ctx, "index_put", x, n, ids));
    LURON__CHECK(ctx, x->dtype == values->dtype, LURON_E_DTYPE,
                 "index_put: x is %s and values are %s, they must be the same", luron_dtype_name(x->dtype),
                 luron_dtype_name(values->dtype));
    LURON_TRY(check_values(ctx, &p, values));
    luron_tensor *rows = luron__expr_reshape(&e, x, 1 + x->ndim - n, p.rows), *list = positions(&e, &op_index_put, x, &p, ids);
    luron_tensor *src = source(&e, values, p, list, 1 + x->ndim - n), *y = NULL;
    if (!e.status)
        y = luron__expr_keep(&e, (accumulate ? luron_index_add : luron_index_copy)(&y, ctx, rows, 0, list, src), &y);
    return luron__expr_done(&e, luron__expr_reshape(&e, y, x->ndim, x->shape), out);
}

luron_status luron_tensor_put(luron_ctx *ctx, luron_tensor *t, int n, luron_tensor *const *ids, luron_tensor *values) {
    luron__expr e = {.ctx = ctx};
    place p;
    luron_tensor *row = NULL, *whole = NULL;
    LURON_TRY(luron__check_writable(ctx, "index_put", t, values));
    LURON_TRY(find_place(&p, ctx, "index_put", t, n, ids));
    LURON_TRY(check_values(ctx, &p, values));
    luron_tensor *rows = luron__expr_reshape(&e, t, 1 + t->ndim - n, p.rows), *list = positions(&e, &op_index_put, t, &p, ids);
    if (!e.status) row = luron__expr_keep(&e, luron_cast(&row, ctx, values, t->dtype), &row);
    if (row && luron_tensor_is_shared(t, row)) row = luron__expr_1(&e, luron_copy, row); /* the two may overlap */
    luron_tensor *src = source(&e, row, p, list, 1 + t->ndim - n);
    if (!e.status) {
        luron__put_rows(ctx, rows, list, src);
        if (luron_tensor_is_shared(t, rows)) luron_tensor_touch(t);
        else whole = luron__expr_reshape(&e, rows, t->ndim, t->shape); /* no view of t has such rows: they are a copy */
    }
    if (whole) e.status = luron_tensor_copy(ctx, t, whole);
    return luron__expr_done(&e, NULL, &whole);
}

/* ---- masked_scatter ---------------------------------------------------------------------------------------------- */
luron_status luron_masked_scatter(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *mask,
                                  luron_tensor *src) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *t = NULL, *y = NULL;
    int64_t numel = luron_tensor_numel(x), have = luron_tensor_numel(src);
    LURON__CHECK(ctx, mask->dtype == LURON_B8, LURON_E_DTYPE, "masked_scatter: the mask must be bool, got %s",
                 luron_dtype_name(mask->dtype));
    LURON__CHECK(ctx, x->dtype == src->dtype, LURON_E_DTYPE,
                 "masked_scatter: x is %s and src is %s, they must be the same", luron_dtype_name(x->dtype),
                 luron_dtype_name(src->dtype));
    luron_tensor *is = luron__expr_reshape(&e, luron__expr_expand(&e, mask, x->ndim, x->shape), 1, &numel);
    luron_tensor *places = luron__expr_1(&e, luron_nonzero, is);
    if (e.status) return luron__wrap(ctx, luron__expr_done(&e, NULL, out), "masked_scatter");
    int64_t count = places->shape[0];
    if (count > have)
        e.status =
            luron__fail(ctx, LURON_E_SHAPE, "masked_scatter: the mask is true %lld times, but src has %lld elements",
                        (long long)count, (long long)have);
    luron_tensor *ids = luron__expr_reshape(&e, places, 1, &count), *row = luron__expr_reshape(&e, src, 1, &have);
    luron_tensor *flat = luron__expr_reshape(&e, x, 1, &numel);
    if (!e.status) row = luron__expr_keep(&e, luron_narrow(&t, ctx, row, 0, 0, count), &t);
    if (!e.status) y = luron__expr_keep(&e, luron_index_copy(&y, ctx, flat, 0, ids, row), &y);
    return luron__expr_done(&e, luron__expr_reshape(&e, y, x->ndim, x->shape), out);
}
