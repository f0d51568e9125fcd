/* ops_ids.c -- checks of ids and of what goes with them, for ops that choose, write and group by ids. */
#include "ops_ids.h"

#include <stdio.h>

/* ---- ids -------------------------------------------------------------------------------------------------------- */

luron_status luron__check_id_dtype(luron_ctx *ctx, const char *what, const luron_tensor *ids) {
    LURON__CHECK(ctx, ids->dtype == LURON_I64 || ids->dtype == LURON_I32 || ids->dtype == LURON_U8, LURON_E_DTYPE,
                 "%s: ids must be int64, int32 or uint8, got %s", what, luron_dtype_name(ids->dtype));
    return LURON_OK;
}

static luron_status fail_id(luron_ctx *ctx, const char *what, const luron_tensor *ids, int64_t position, int64_t id,
                            int64_t base, int64_t size) {
    int64_t at[LURON_MAX_DIMS];
    char where[LURON__SHAPE_TEXT];
    for (int d = ids->ndim - 1; d >= 0; d--) {
        at[d] = position % ids->shape[d] + base;
        position /= ids->shape[d];
    }
    if (ids->ndim == 1)
        snprintf(where, sizeof where, "%lld", (long long)at[0]);
    else
        luron_shape_text(where, sizeof where, ids->ndim, at);
    if (size == 0)
        return luron__fail(ctx, LURON_E_RANGE,
                           "%s: id %lld at position %s, but there is nothing to choose from: the size is 0", what,
                           (long long)id, where);
    return luron__fail(ctx, LURON_E_RANGE, "%s: id %lld at position %s is not within %lld to %lld%s", what,
                       (long long)id, where, (long long)base, (long long)(size - 1 + base),
                       base == 1 && id == 0 ? "; ids count from 1 here: 0 is no id (add 1 to labels that count from 0)"
                                            : "");
}

luron_status luron__check_ids(luron_ctx *ctx, const char *what, const luron_tensor *ids, int64_t base, int64_t size) {
    if (ctx->shapes_only) return LURON_OK;
    luron__walk w = luron__walk_make(ids->ndim, ids->shape, ids->strides, NULL, NULL);
    int64_t n = luron__numel(ids->ndim, ids->shape), step = w.stride[0][w.ndim - 1];
    for (int64_t done = 0, row; done < n; done += row, luron__walk_on(&w, row)) {
        row = luron__walk_row(&w, n - done);
        if (ids->dtype == LURON_I64 && step == 1) {
            const int64_t *id = (const int64_t *)(const void *)luron__data(ids) + w.offset[0];
            uint64_t out = 0; /* its first bit: that of a place below 0, or of what is left above one beyond the last */
            for (int64_t i = 0; i < row; i++) {
                const uint64_t place = (uint64_t)id[i] - (uint64_t)base;
                out |= place | ((uint64_t)size - 1 - place);
            }
            if (!(out >> 63)) continue;
        }
        for (int64_t i = 0; i < row; i++) {
            int64_t id = luron__id_at(ids->dtype, luron__data(ids), w.offset[0] + i * step, 0);
            if (id < base || id - base >= size) return fail_id(ctx, what, ids, done + i, id, base, size);
        }
    }
    return LURON_OK;
}

/* ---- shapes ----------------------------------------------------------------------------------------------------- */

luron_status luron__check_gather(luron_ctx *ctx, const char *what, const luron_tensor *x, int *dim,
                                 const luron_tensor *ids) {
    char text[64], s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    snprintf(text, sizeof text, "%s: dim", what);
    LURON_TRY(luron__check_id_dtype(ctx, what, ids));
    LURON_TRY(luron__wrap_dim(dim, ctx, text, x->ndim));
    bool fits = ids->ndim == x->ndim;
    for (int d = 0; d < x->ndim && fits; d++)
        fits = d == *dim || ids->shape[d] <= x->shape[d];
    LURON__CHECK(ctx, fits, LURON_E_SHAPE, "%s: ids %s must have as many dims as x %s, and be no larger outside dim %d",
                 what, luron_shape_text(s, sizeof s, ids->ndim, ids->shape),
                 luron_shape_text(t, sizeof t, x->ndim, x->shape), *dim + ctx->index_base);
    return LURON_OK;
}

luron_status luron__check_list(luron_ctx *ctx, const char *what, const luron_tensor *x, int *dim,
                               const luron_tensor *ids) {
    char text[64], s[LURON__SHAPE_TEXT];
    snprintf(text, sizeof text, "%s: dim", what);
    LURON_TRY(luron__check_id_dtype(ctx, what, ids));
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "%s: a tensor without dims has no positions to choose from", what);
    LURON__CHECK(ctx, ids->ndim == 1, LURON_E_SHAPE, "%s: ids must be a list (one dim), got %s", what,
                 luron_shape_text(s, sizeof s, ids->ndim, ids->shape));
    return luron__wrap_dim(dim, ctx, text, x->ndim);
}

static luron_status check_source_dtype(luron_ctx *ctx, const char *what, const luron_tensor *x,
                                       const luron_tensor *src) {
    LURON__CHECK(ctx, x->dtype == src->dtype, LURON_E_DTYPE, "%s: x is %s and src is %s, they must be the same", what,
                 luron_dtype_name(x->dtype), luron_dtype_name(src->dtype));
    return LURON_OK;
}

luron_status luron__check_scatter(luron_ctx *ctx, const char *what, const luron_tensor *x, int *dim,
                                  const luron_tensor *ids, const luron_tensor *src) {
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON_TRY(luron__check_gather(ctx, what, x, dim, ids));
    LURON_TRY(check_source_dtype(ctx, what, x, src));
    LURON__CHECK(ctx, luron__same_shape(ids, src), LURON_E_SHAPE, "%s: ids %s and src %s must have the same shape",
                 what, luron_shape_text(s, sizeof s, ids->ndim, ids->shape),
                 luron_shape_text(t, sizeof t, src->ndim, src->shape));
    return LURON_OK;
}

luron_status luron__check_rows(luron_ctx *ctx, const char *what, const luron_tensor *x, int *dim,
                               const luron_tensor *ids, const luron_tensor *src) {
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON_TRY(luron__check_list(ctx, what, x, dim, ids));
    LURON_TRY(check_source_dtype(ctx, what, x, src));
    bool fits = src->ndim == x->ndim;
    for (int d = 0; d < x->ndim && fits; d++)
        fits = src->shape[d] == (d == *dim ? ids->shape[0] : x->shape[d]);
    LURON__CHECK(ctx, fits, LURON_E_SHAPE,
                 "%s: src is %s; like x %s, with %lld positions (as many as ids) along dim %d, was expected", what,
                 luron_shape_text(s, sizeof s, src->ndim, src->shape), luron_shape_text(t, sizeof t, x->ndim, x->shape),
                 (long long)ids->shape[0], *dim + ctx->index_base);
    return LURON_OK;
}
