/* ops_parts.c -- what small things are made of other ops: movedim, flatten, unflatten, unbind, split by sizes, isclose, logspace. */
#include "ops_expr.h"

#include <math.h>

luron_status luron_movedim(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n, const int *from, const int *to) {
    int dims[LURON_MAX_DIMS], at = 0;
    unsigned gone = 0, taken = 0;
    LURON__CHECK(ctx, n >= 0 && n <= x->ndim, LURON_E_ARGUMENT, "movedim: %d dims given, the tensor has %d", n,
                 x->ndim);
    for (int i = 0; i < n; i++) {
        int a = from[i], b = to[i];
        LURON_TRY(luron__wrap_dim(&a, ctx, "movedim: from", x->ndim));
        LURON_TRY(luron__wrap_dim(&b, ctx, "movedim: to", x->ndim));
        LURON__CHECK(ctx, !(gone >> a & 1u) && !(taken >> b & 1u), LURON_E_ARGUMENT,
                     "movedim: %s: dim %d is named twice", gone >> a & 1u ? "from" : "to",
                     (gone >> a & 1u ? a : b) + ctx->index_base);
        gone |= 1u << a, taken |= 1u << b;
        dims[b] = a;
    }
    for (int d = 0; d < x->ndim; d++) {
        if (taken >> d & 1u) continue;
        while (gone >> at & 1u)
            at++;
        dims[d] = at++;
    }
    return luron_permute(out, ctx, x, x->ndim, dims);
}

luron_status luron_flatten(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int from, int to) {
    int64_t shape[LURON_MAX_DIMS] = {1};
    int at = 0;
    LURON_TRY(luron__wrap_dim(&from, ctx, "flatten: from", x->ndim));
    LURON_TRY(luron__wrap_dim(&to, ctx, "flatten: to", x->ndim));
    LURON__CHECK(ctx, from <= to, LURON_E_ARGUMENT, "flatten: to: at least %d (from) expected, got %d",
                 from + ctx->index_base, to + ctx->index_base);
    for (int d = 0; d < x->ndim; d++) {
        bool joins = d > from && d <= to;
        at += d > 0 && !joins;
        shape[at] = (joins ? shape[at] : 1) * x->shape[d];
    }
    return luron_reshape(out, ctx, x, at + 1, shape);
}

luron_status luron_unflatten(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int n,
                             const int64_t *sizes) {
    int64_t shape[LURON_MAX_DIMS], known = 1;
    int open = -1, at = 0;
    bool fits = true;
    LURON_TRY(luron__wrap_dim(&dim, ctx, "unflatten: dim", x->ndim));
    LURON__CHECK(ctx, x->ndim > 0 && n > 0 && n <= LURON_MAX_DIMS + 1 - x->ndim, LURON_E_SHAPE,
                 "unflatten: sizes: %d dims and %d in place of one do not make a tensor of 1 to %d dims", x->ndim, n,
                 LURON_MAX_DIMS);
    for (int i = 0; i < n; i++) {
        if (sizes[i] == -1 && open < 0)
            open = i;
        else
            fits = fits && sizes[i] >= 0 && !__builtin_mul_overflow(known, sizes[i], &known);
    }
    int64_t rest = x->shape[dim];
    fits = fits && (open < 0 ? known == rest : known > 0 && rest % known == 0);
    LURON__CHECK(ctx, fits, LURON_E_SHAPE,
                 "unflatten: sizes: their product must be %lld, the size of dim %d (one may be -1)", (long long)rest,
                 dim + ctx->index_base);
    for (int d = 0; d < x->ndim; d++) {
        if (d != dim) shape[at++] = x->shape[d];
        for (int i = 0; d == dim && i < n; i++) shape[at++] = i == open ? rest / known : sizes[i];
    }
    return luron_reshape(out, ctx, x, at, shape);
}

/* n views, all or none in outs: pieces of dim of these sizes, or (NULL) its positions, without dim. */
static luron_status views(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x, int64_t n, const int64_t *sizes,
                          int dim) {
    luron_tensor **made;
    size_t bytes = (size_t)n * sizeof *made;
    LURON_TRY(luron__alloc(&made, ctx, bytes));
    luron_status status = LURON_OK;
    for (int64_t i = 0, at = 0; i < n && !status; i++) {
        status = sizes ? luron_narrow(&made[i], ctx, x, dim, at, sizes[i]) : luron_select(&made[i], ctx, x, dim, i);
        at += sizes ? sizes[i] : 0;
    }
    for (int64_t i = 0; i < n; i++) {
        if (status)
            luron_tensor_unref(made[i]);
        else
            outs[i] = made[i];
    }
    luron__free(ctx, made, bytes);
    return status;
}

luron_status luron_unbind(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x, int dim) {
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "unbind: a tensor without dims has no positions");
    LURON_TRY(luron__wrap_dim(&dim, ctx, "unbind: dim", x->ndim));
    return views(outs, ctx, x, x->shape[dim], NULL, dim);
}

luron_status luron_split_sizes(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x, int64_t n, const int64_t *sizes,
                               int dim) {
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "split: a tensor without dims cannot be split");
    LURON__CHECK(ctx, n >= 0, LURON_E_ARGUMENT, "split: number of sizes: 0 or more expected, got %lld", (long long)n);
    LURON_TRY(luron__wrap_dim(&dim, ctx, "split: dim", x->ndim));
    int64_t left = x->shape[dim];
    for (int64_t i = 0; i < n; i++) {
        LURON__CHECK(ctx, sizes[i] >= 0, LURON_E_ARGUMENT, "split: size %lld is %lld, it must not be negative",
                     (long long)i + ctx->index_base, (long long)sizes[i]);
        LURON__CHECK(ctx, sizes[i] <= left, LURON_E_SHAPE,
                     "split: the sizes are together more than %lld, the size of dim %d", (long long)x->shape[dim],
                     dim + ctx->index_base);
        left -= sizes[i];
    }
    LURON__CHECK(ctx, left == 0, LURON_E_SHAPE, "split: the sizes are together %lld, but dim %d has size %lld",
                 (long long)(x->shape[dim] - left), dim + ctx->index_base, (long long)x->shape[dim]);
    return views(outs, ctx, x, n, sizes, dim);
}

/* ---- nearly equal --------------------------------------------------------------------------------------------------
 */
/* Of integers in float64, so that large ones keep their differences. */
static luron_tensor *real(luron__expr *e, luron_tensor *x) {
    return e->status || luron_dtype_is_float(x->dtype) ? x : luron__expr_cast(e, x, LURON_F64);
}

luron_status luron_isclose(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b, double rtol,
                           double atol, int equal_nan) {
    luron__expr e = {.ctx = ctx};
    LURON__CHECK(ctx, rtol >= 0 && atol >= 0, LURON_E_ARGUMENT,
                 "isclose: rtol is %g and atol is %g, neither may be negative", rtol, atol);
    luron_tensor *is = luron__expr_2(&e, luron_eq, a, b);
    a = luron__expr_1(&e, luron_detach, real(&e, a));
    b = luron__expr_1(&e, luron_detach, real(&e, b));
    luron_tensor *gap = luron__expr_1(&e, luron_abs, luron__expr_2(&e, luron_sub, a, b));
    luron_tensor *most = luron__expr_scale(&e, luron__expr_1(&e, luron_abs, b), rtol, atol);
    luron_tensor *near = luron__expr_2(&e, luron_le, gap, most);
    near = luron__expr_2(&e, luron_logical_and, near, luron__expr_1(&e, luron_isfinite, gap));
    is = luron__expr_2(&e, luron_logical_or, is, near);
    if (equal_nan) {
        luron_tensor *both =
            luron__expr_2(&e, luron_logical_and, luron__expr_1(&e, luron_isnan, a), luron__expr_1(&e, luron_isnan, b));
        is = luron__expr_2(&e, luron_logical_or, is, both);
    }
    return luron__expr_done(&e, is, out);
}

luron_status luron_allclose(int *out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b, double rtol, double atol,
                            int equal_nan) {
    luron_tensor *is, *all = NULL;
    int64_t one = 0;
    LURON_TRY(luron_isclose(&is, ctx, a, b, rtol, atol, equal_nan));
    luron_status status = luron_all(&all, ctx, is, 0, NULL, 0);
    if (!status) status = luron_tensor_item_int(&one, ctx, all);
    if (!status) *out = one != 0;
    luron_tensor_unref(is);
    luron_tensor_unref(all);
    return status;
}

/* ---- logspace ------------------------------------------------------------------------------------------------------
 */
luron_status luron_logspace(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, double start, double stop, int64_t n,
                            double base) {
    luron_tensor *t;
    LURON__CHECK(ctx, luron_dtype_size(dtype) > 0, LURON_E_DTYPE, "logspace: 0x%x is no dtype", dtype);
    LURON__CHECK(ctx, base > 0 && isfinite(base), LURON_E_ARGUMENT, "logspace: base is %g, a number above 0 expected",
                 base);
    luron_status made = luron_linspace(&t, ctx, LURON_F64, start, stop, n);
    if (made) return luron__wrap(ctx, made, "logspace");
    double *to = luron_tensor_data(t);
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < n && !status; i++) {
        to[i] = pow(base, to[i]);
        status = luron__check_number(ctx, "logspace: a number of it", to[i], dtype);
    }
    if (!status) status = luron_cast(out, ctx, t, dtype);
    luron_tensor_unref(t);
    return status;
}
