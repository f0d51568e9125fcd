/* ops_composed.c -- functions that are expressions of other ops, which bring their gradients along: roll, tile,
 * meshgrid, norm, std, quantile, logsumexp, masked_fill, masked_select; and linspace.                                                              */
#include "ops_expr.h"

#include <math.h>
#include <string.h>

/* ---- places ------------------------------------------------------------------------------------------------------ */
luron_status luron_roll(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t shift, int dim) {
    luron_tensor *part[2] = {NULL};
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "roll: a tensor without dims cannot be rolled");
    LURON_TRY(luron__wrap_dim(&dim, ctx, "roll: dim", x->ndim));
    int64_t n = x->shape[dim], over = n ? (shift % n + n) % n : 0; /* positions that come in at the front */
    if (over == 0) return luron_copy(out, ctx, x);
    luron_status status = luron_narrow(&part[0], ctx, x, dim, n - over, over);
    if (!status) status = luron_narrow(&part[1], ctx, x, dim, 0, n - over);
    if (!status) status = luron_cat(out, ctx, 2, part, dim);
    luron_tensor_unref(part[0]);
    luron_tensor_unref(part[1]);
    return status;
}

/* Dim d of x, which becomes its own neighbour `times` times: (before, 1, d and what is after), expanded. */
static luron_status repeat_dim(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int d, int64_t times) {
    luron_tensor *flat = NULL, *wide = NULL;
    int64_t shape[LURON_MAX_DIMS], before = 1, after = 1;
    memcpy(shape, x->shape, sizeof shape);
    LURON__CHECK(ctx, !__builtin_mul_overflow(shape[d], times, &shape[d]), LURON_E_SHAPE,
                 "tile: the result is too large");
    LURON_TRY(luron__check_shape(ctx, x->dtype, x->ndim, shape, NULL));
    for (int i = 0; i < x->ndim; i++) *(i < d ? &before : &after) *= x->shape[i];
    luron_status status = luron_reshape(&flat, ctx, x, LURON_SHAPE(before, 1, after));
    if (!status) status = luron_expand(&wide, ctx, flat, LURON_SHAPE(before, times, after));
    if (!status) status = luron_reshape(out, ctx, wide, x->ndim, shape);
    luron_tensor_unref(flat);
    luron_tensor_unref(wide);
    return status;
}

luron_status luron_tile(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int64_t *times) {
    luron_tensor *now, *next;
    int64_t shape[LURON_MAX_DIMS];
    LURON__CHECK(ctx, ndim >= 0 && ndim <= LURON_MAX_DIMS, LURON_E_SHAPE,
                 "tile: %d numbers given, at most %d are possible", ndim, LURON_MAX_DIMS);
    int lead = ndim > x->ndim ? ndim - x->ndim : 0, skip = x->ndim > ndim ? x->ndim - ndim : 0;
    for (int d = 0; d < lead; d++) shape[d] = 1;
    for (int d = 0; d < x->ndim; d++) shape[lead + d] = x->shape[d];
    LURON_TRY(luron_reshape(&now, ctx, x, lead + x->ndim, shape));
    for (int d = 0; d < ndim; d++) {
        luron_status status = LURON_OK;
        if (times[d] < 0)
            status = luron__fail(ctx, LURON_E_ARGUMENT, "tile: number %d is %lld, it must not be negative",
                                 d + ctx->index_base, (long long)times[d]);
        else if (times[d] != 1)
            status = repeat_dim(&next, ctx, now, skip + d, times[d]);
        else
            next = luron_tensor_ref(now);
        luron_tensor_unref(now);
        if (status) return status;
        now = next;
    }
    if (!luron_tensor_is_shared(now, x)) {
        *out = now;
        return LURON_OK;
    }
    luron_status status = luron_copy(out, ctx, now); /* never a view */
    luron_tensor_unref(now);
    return status;
}

luron_status luron_meshgrid(luron_tensor **outs, luron_ctx *ctx, int n, luron_tensor *const *xs) {
    luron_tensor *made[LURON_MAX_DIMS] = {NULL}, *one;
    int64_t shape[LURON_MAX_DIMS], own[LURON_MAX_DIMS];
    char text[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, n >= 1 && n <= LURON_MAX_DIMS, LURON_E_ARGUMENT, "meshgrid: 1 to %d tensors expected, got %d",
                 LURON_MAX_DIMS, n);
    for (int i = 0; i < n; i++) {
        LURON__CHECK(ctx, xs[i]->ndim == 1, LURON_E_SHAPE, "meshgrid: tensor %d must have one dim, got %s",
                     i + ctx->index_base, luron_shape_text(text, sizeof text, xs[i]->ndim, xs[i]->shape));
        shape[i] = xs[i]->shape[0];
    }
    LURON_TRY(luron__check_shape(ctx, LURON_F64, n, shape, NULL));
    luron_status status = LURON_OK;
    for (int i = 0; i < n && !status; i++) {
        for (int d = 0; d < n; d++) own[d] = d == i ? shape[i] : 1;
        status = luron_reshape(&one, ctx, xs[i], n, own);
        if (status) break;
        status = luron_expand(&made[i], ctx, one, n, shape);
        luron_tensor_unref(one);
    }
    for (int i = 0; i < n; i++) {
        if (status)
            luron_tensor_unref(made[i]);
        else
            outs[i] = made[i];
    }
    return status;
}

/* ---- reductions -------------------------------------------------------------------------------------------------- */
typedef luron_status (*reduction)(luron_tensor **, luron_ctx *, luron_tensor *, int, const int *, int);
typedef struct over {
    int n, keep;
    const int *dims;
} over;

static luron_tensor *reduced(luron__expr *e, reduction fn, luron_tensor *x, over o, int keep) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, fn(&t, e->ctx, x, o.n, o.dims, keep), &t);
}
static luron_tensor *to_real(luron__expr *e, luron_tensor *x) {
    return luron__expr_cast(e, x, luron_dtype_is_float(x->dtype) ? x->dtype : e->ctx->default_dtype);
}

/* x to the power p, 0 (and no gradient) where x is 0: there the derivative of a root is infinite. */
static luron_tensor *power(luron__expr *e, luron_tensor *x, double p) {
    luron_tensor *none = luron__expr_2(e, luron_eq, x, luron__expr_number(e, 0));
    luron_tensor *safe = luron__expr_where(e, none, luron__expr_number(e, 1), x);
    luron_tensor *y = p == 0.5 ? luron__expr_1(e, luron_sqrt, safe)
                               : luron__expr_2(e, luron_pow, safe, luron__expr_number(e, p));
    return luron__expr_where(e, none, luron__expr_number(e, 0), y);
}

static luron_tensor *norm(luron__expr *e, luron_tensor *x, double p, over o) {
    if (p == 2) return power(e, reduced(e, luron_sum, luron__expr_1(e, luron_square, x), o, o.keep), 0.5);
    if (p == 0) {
        luron_tensor *is = luron__expr_2(e, luron_ne, x, luron__expr_number(e, 0)), *t = NULL;
        if (!e->status) is = luron__expr_keep(e, luron_cast(&t, e->ctx, is, x->dtype), &t);
        return reduced(e, luron_sum, is, o, o.keep);
    }
    luron_tensor *size = luron__expr_1(e, luron_abs, x);
    if (p == 1) return reduced(e, luron_sum, size, o, o.keep);
    if (isinf(p)) return reduced(e, p > 0 ? luron_amax : luron_amin, size, o, o.keep);
    luron_tensor *powers = p > 0 ? power(e, size, p) : luron__expr_2(e, luron_pow, size, luron__expr_number(e, p));
    luron_tensor *sum = reduced(e, luron_sum, powers, o, o.keep);
    return p > 0 ? power(e, sum, 1 / p) : luron__expr_2(e, luron_pow, sum, luron__expr_number(e, 1 / p));
}

luron_status luron_norm(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, double p, int n_dims, const int *dims,
                        int keep) {
    luron__expr e = {.ctx = ctx};
    LURON__CHECK(ctx, !isnan(p), LURON_E_ARGUMENT, "norm: p is not a number");
    luron_tensor *real = to_real(&e, x);
    luron_tensor *y = e.status ? NULL : norm(&e, real, p, (over){n_dims, keep, dims});
    return luron__expr_done(&e, y, out);
}

luron_status luron_std(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep,
                       double correction) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *var;
    LURON_TRY(luron_var(&var, ctx, x, n_dims, dims, keep, correction));
    luron_status status = luron__expr_done(&e, power(&e, var, 0.5), out);
    luron_tensor_unref(var);
    return status;
}

luron_status luron_quantile(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, double q, int dim, int keep) {
    luron__expr e = {.ctx = ctx};
    char text[LURON__SHAPE_TEXT];
    luron_tensor *sorted = NULL, *ids = NULL, *last = NULL, *y = NULL, *small = NULL;
    LURON__CHECK(ctx, q >= 0 && q <= 1, LURON_E_ARGUMENT, "quantile: q from 0 to 1 expected, got %g", q);
    LURON_TRY(luron__wrap_dim(&dim, ctx, "quantile: dim", x->ndim));
    x = to_real(&e, x);
    if (e.status || x->ndim == 0) return luron__expr_done(&e, x, out);
    int64_t n = x->shape[dim];
    if (n == 0)
        e.status = luron__fail(ctx, LURON_E_SHAPE, "quantile: dim %d of %s has no numbers", dim + ctx->index_base,
                               luron_shape_text(text, sizeof text, x->ndim, x->shape));
    if (!e.status) luron__expr_keep(&e, luron_sort(&sorted, &ids, ctx, x, dim, 0), &sorted);
    luron_tensor_unref(ids);
    double rank = q * (double)(n - 1), part = rank - floor(rank);
    y = luron__expr_narrow(&e, sorted, dim, (int64_t)rank, 1);
    if (part > 0) { /* a + part (b - a) */
        luron_tensor *above = luron__expr_narrow(&e, sorted, dim, (int64_t)rank + 1, 1);
        luron_tensor *gap = luron__expr_2(&e, luron_sub, above, y);
        y = luron__expr_2(&e, luron_add, y, luron__expr_scale(&e, gap, part, 0));
    }
    last = luron__expr_narrow(&e, sorted, dim, n - 1, 1); /* where NaN is, if there is any */
    y = luron__expr_where(&e, luron__expr_1(&e, luron_isnan, last), last, y);
    if (!keep && !e.status) y = luron__expr_keep(&e, luron_squeeze(&small, ctx, y, dim), &small);
    return luron__expr_done(&e, y, out);
}

/* The largest is taken out, so that nothing overflows; it is a constant here, for its gradients cancel. Where all are
 * -inf the sum is 0, and no gradient flows. */
luron_status luron_logsumexp(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims,
                             int keep) {
    luron__expr e = {.ctx = ctx};
    over o = {n_dims, keep, dims};
    x = to_real(&e, x);
    if (e.status) return luron__expr_done(&e, NULL, out);
    bool some = luron__numel(x->ndim, x->shape) > 0;
    luron_tensor *zero = luron__expr_number(&e, 0), *top = NULL, *rest = x;
    if (some) {
        top = reduced(&e, luron_amax, luron__expr_1(&e, luron_detach, x), o, 1);
        top = luron__expr_where(&e, luron__expr_1(&e, luron_isfinite, top), top, zero);
        rest = luron__expr_2(&e, luron_sub, x, top);
    }
    luron_tensor *sum = reduced(&e, luron_sum, luron__expr_1(&e, luron_exp, rest), o, keep);
    luron_tensor *none = luron__expr_2(&e, luron_eq, sum, zero);
    luron_tensor *log = luron__expr_1(&e, luron_log, luron__expr_where(&e, none, luron__expr_number(&e, 1), sum));
    log = luron__expr_where(&e, none, luron__expr_number(&e, -(double)INFINITY), log);
    if (some && sum) log = luron__expr_2(&e, luron_add, log, luron__expr_reshape(&e, top, sum->ndim, sum->shape));
    return luron__expr_done(&e, log, out);
}

/* ---- masks ------------------------------------------------------------------------------------------------------- */
static luron_status check_mask(luron_ctx *ctx, const char *what, const luron_tensor *mask) {
    LURON__CHECK(ctx, mask->dtype == LURON_B8, LURON_E_DTYPE, "%s: the mask must be bool, got %s", what,
                 luron_dtype_name(mask->dtype));
    return LURON_OK;
}

luron_status luron_masked_fill(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *mask, double value) {
    bool real = luron_dtype_is_float(x->dtype);
    LURON_TRY(check_mask(ctx, "masked_fill", mask));
    LURON_TRY(luron__check_number(ctx, "masked_fill: value", value, x->dtype));
    luron_tensor *number = NULL, *filled = NULL;
    luron_status status =
        real ? luron_scalar(&number, ctx, value) : luron_scalar_int(&number, ctx, (int64_t)value);
    if (!status) status = luron_where(&filled, ctx, mask, number, x);
    if (!status) status = luron_cast(out, ctx, filled, x->dtype);
    luron_tensor_unref(number);
    luron_tensor_unref(filled);
    return status;
}

/* x, broadcast to shape, as one row. */
static luron_tensor *flat(luron__expr *e, luron_tensor *x, int ndim, const int64_t *shape) {
    luron_tensor *t = NULL, *row = NULL;
    if (e->status) return NULL;
    luron_status status = luron_expand(&t, e->ctx, x, ndim, shape);
    if (!status) status = luron_reshape(&row, e->ctx, t, LURON_SHAPE(luron__numel(ndim, shape)));
    luron_tensor_unref(t);
    return luron__expr_keep(e, status, &row);
}

luron_status luron_masked_select(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *mask) {
    luron__expr e = {.ctx = ctx};
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
    LURON_TRY(check_mask(ctx, "masked_select", mask));
    LURON_TRY(luron__broadcast(ctx, "masked_select", x, mask, &ndim, shape));
    LURON_TRY(luron__check_shape(ctx, x->dtype, ndim, shape, NULL));
    luron_tensor *row = flat(&e, x, ndim, shape), *places = flat(&e, mask, ndim, shape), *chosen = NULL;
    luron_tensor *ids = luron__expr_1(&e, luron_nonzero, places), *list = NULL;
    if (!e.status) ids = luron__expr_keep(&e, luron_reshape(&list, ctx, ids, LURON_SHAPE(ids->shape[0])), &list);
    if (!e.status) luron__expr_keep(&e, luron_index_select(&chosen, ctx, row, 0, ids), &chosen);
    return luron__expr_done(&e, chosen, out);
}

/* ---- linspace ---------------------------------------------------------------------------------------------------- */
luron_status luron_linspace(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, double start, double stop, int64_t n) {
    luron_tensor *t;
    LURON__CHECK(ctx, n >= 0, LURON_E_ARGUMENT, "linspace: n is %lld, it must not be negative", (long long)n);
    LURON__CHECK(ctx, isfinite(start) && isfinite(stop), LURON_E_ARGUMENT, "linspace: from %g to %g: both must be finite",
                 start, stop);
    LURON__CHECK(ctx, luron_dtype_size(dtype) > 0, LURON_E_DTYPE, "linspace: 0x%x is no dtype", dtype);
    LURON_TRY(luron_tensor_new(&t, ctx, LURON_F64, LURON_SHAPE(n)));
    double *to = luron_tensor_data(t);
    double parts = n > 1 ? (double)(n - 1) : 1, step = (stop - start) / parts;
    if (!isfinite(step)) step = stop / parts - start / parts;
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < n && !status; i++) { /* from both ends, which are exact */
        to[i] = i < n / 2 || n == 1 ? start + step * (double)i : stop - step * (double)(n - 1 - i);
        status = luron__check_number(ctx, "linspace: a number of it", to[i], dtype);
    }
    if (!status) status = luron_cast(out, ctx, t, dtype);
    luron_tensor_unref(t);
    return status;
}
