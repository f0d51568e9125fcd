/* ops_segment.c -- rows in groups, by a list of the id of the group of each: sums, means, extremes, counts. */
#include "ops_expr.h"
#include "ops_ids.h"

static luron_status check(luron_ctx *ctx, const char *what, const luron_tensor *x, const luron_tensor *ids,
                          int64_t count) {
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, count >= 0, LURON_E_ARGUMENT, "%s: count is %lld, it must not be negative", what,
                 (long long)count);
    LURON_TRY(luron__check_id_dtype(ctx, what, ids));
    LURON__CHECK(ctx, x->ndim >= 1 && ids->ndim == 1 && ids->shape[0] == x->shape[0], LURON_E_SHAPE,
                 "%s: a list of as many ids as x has rows expected, got ids %s for x %s", what,
                 luron_shape_text(s, sizeof s, ids->ndim, ids->shape),
                 luron_shape_text(t, sizeof t, x->ndim, x->shape));
    return luron__check_ids(ctx, what, ids, ctx->index_base, count);
}

/* (count, the other dims of x) of 0. */
static luron_tensor *nothing(luron__expr *e, const luron_tensor *x, int64_t count) {
    int64_t shape[LURON_MAX_DIMS];
    luron_tensor *t = NULL;
    memcpy(shape, x->shape, sizeof shape);
    shape[0] = count;
    return luron__expr_keep(e, luron_tensor_full(&t, e->ctx, x->dtype, x->ndim, shape, 0), &t);
}

static luron_tensor *total(luron__expr *e, luron_tensor *x, luron_tensor *ids, int64_t count) {
    luron_tensor *t = NULL, *zero = e->status ? NULL : nothing(e, x, count);
    return e->status ? NULL : luron__expr_keep(e, luron_index_add(&t, e->ctx, zero, 0, ids, x), &t);
}

luron_status luron_segment_sum(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, int64_t count) {
    luron__expr e = {.ctx = ctx};
    LURON_TRY(check(ctx, "segment_sum", x, ids, count));
    return luron__expr_done(&e, total(&e, x, ids, count), out);
}

/* n times the int64 1. */
static luron_tensor *ones(luron__expr *e, int64_t n) {
    luron_tensor *one = NULL, *t = NULL;
    if (e->status) return NULL;
    one = luron__expr_keep(e, luron_tensor_full(&one, e->ctx, LURON_I64, 0, NULL, 1), &one);
    return e->status ? NULL : luron__expr_keep(e, luron_expand(&t, e->ctx, one, LURON_SHAPE(n)), &t);
}

luron_status luron_segment_mean(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, int64_t count) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *t = NULL;
    int64_t column[LURON_MAX_DIMS] = {count, 1, 1, 1, 1, 1, 1, 1};
    LURON_TRY(check(ctx, "segment_mean", x, ids, count));
    uint32_t dtype = luron_dtype_is_float(x->dtype) ? x->dtype : ctx->default_dtype;
    luron_tensor *real = luron__expr_keep(&e, luron_cast(&t, ctx, x, dtype), &t);
    luron_tensor *sum = total(&e, real, ids, count);
    luron_tensor *rows =
        luron__expr_2(&e, luron_maximum, total(&e, ones(&e, x->shape[0]), ids, count), luron__expr_whole(&e, 1));
    if (!e.status) rows = luron__expr_keep(&e, luron_reshape(&t, ctx, rows, x->ndim, column), &t);
    return luron__expr_done(&e, luron__expr_2(&e, luron_div, sum, rows), out);
}

static luron_status extreme(luron_tensor **out, luron_ctx *ctx, const char *what, luron_tensor *x, luron_tensor *ids,
                            int64_t count, bool largest) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *t = NULL, *zero;
    LURON_TRY(check(ctx, what, x, ids, count));
    zero = nothing(&e, x, count);
    if (!e.status) luron__expr_keep(&e, luron__segment_extreme(&t, ctx, zero, ids, x, largest), &t);
    return luron__expr_done(&e, t, out);
}

luron_status luron_segment_max(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, int64_t count) {
    return extreme(out, ctx, "segment_max", x, ids, count, true);
}
luron_status luron_segment_min(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, int64_t count) {
    return extreme(out, ctx, "segment_min", x, ids, count, false);
}

/* How many ids there are from the base to the largest one in the list. */
static int64_t largest(const luron_tensor *ids, int64_t base) {
    int64_t most = 0;
    for (int64_t i = 0; i < ids->shape[0]; i++) {
        int64_t id = luron__id_at(ids->dtype, luron__data(ids), i * ids->strides[0], base);
        if (id >= most) most = id + 1;
    }
    return most;
}

luron_status luron_bincount(luron_tensor **out, luron_ctx *ctx, luron_tensor *ids, luron_tensor *weights,
                            int64_t min_length) {
    luron__expr e = {.ctx = ctx};
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON_TRY(luron__check_id_dtype(ctx, "bincount", ids));
    LURON__CHECK(ctx, ids->ndim == 1, LURON_E_SHAPE, "bincount: ids must be a list (one dim), got %s",
                 luron_shape_text(s, sizeof s, ids->ndim, ids->shape));
    LURON__CHECK(ctx, min_length >= 0, LURON_E_ARGUMENT, "bincount: min_length is %lld, it must not be negative",
                 (long long)min_length);
    LURON__CHECK(ctx, !weights || luron__same_shape(weights, ids), LURON_E_SHAPE,
                 "bincount: a weight for each id expected, got weights %s for ids %s",
                 weights ? luron_shape_text(s, sizeof s, weights->ndim, weights->shape) : "",
                 luron_shape_text(t, sizeof t, ids->ndim, ids->shape));
    LURON_TRY(luron__check_ids(ctx, "bincount", ids, ctx->index_base, (int64_t)1 << 40));
    int64_t count = largest(ids, ctx->index_base);
    luron_tensor *src = weights ? weights : ones(&e, ids->shape[0]);
    return luron__expr_done(&e, total(&e, src, ids, count > min_length ? count : min_length), out);
}
