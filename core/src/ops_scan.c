/* ops_scan.c -- cumsum and cumprod, and the linear recurrence that the gradient of cumprod is. at = dim, backwards.
 * A row is one chain in its order, in float64 (integers: int64, wrapping), so the bits do not depend on threads.     */
#include "ops_expr.h"
#include "ops_rows.h"

#include <string.h>

enum { GRAIN = 32768, BLOCK = 128 };

/* ---- the loop ---------------------------------------------------------------------------------------------------- */
typedef enum scan_kind { SUM, PROD, RECUR } scan_kind;
typedef struct scan {
    scan_kind kind;
    int dim;
    bool backwards;
    uint32_t dtype; /* of the computation */
    const luron_tensor *x, *plus; /* plus: RECUR alone */
    luron_tensor *out;
} scan;

/* A row to walk along: where it begins and the way to the next element, in elements. */
typedef struct path {
    char *at;
    int64_t step;
    int size;
    uint32_t dtype;
} path;

static path path_of(const luron_tensor *t, const scan *s, int64_t row) {
    path p = {luron__row(t, s->dim, row), luron__row_stride(t, s->dim), luron_dtype_size(t->dtype), t->dtype};
    if (!s->backwards) return p;
    p.at += (luron__row_length(t, s->dim) - 1) * p.step * p.size;
    p.step = -p.step;
    return p;
}

/* x becomes the scan of x, which goes on from *carry. */
static void scan_real(scan_kind kind, int64_t n, double *x, const double *plus, double *carry) {
    double y = *carry;
    for (int64_t i = 0; i < n; i++)
        x[i] = y = kind == SUM ? y + x[i] : kind == PROD ? y * x[i] : x[i] * y + plus[i];
    *carry = y;
}

static void scan_whole(scan_kind kind, int64_t n, uint64_t *x, uint64_t *carry) {
    uint64_t y = *carry;
    for (int64_t i = 0; i < n; i++) x[i] = y = kind == SUM ? y + x[i] : y * x[i];
    *carry = y;
}

static void some_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const scan *s = arg;
    int64_t n = luron__row_length(s->out, s->dim);
    union {
        double real[BLOCK];
        uint64_t whole[BLOCK];
    } x;
    double plus[BLOCK];
    (void)chunk;
    for (int64_t r = begin; r < end; r++) {
        path from = path_of(s->x, s, r), add = path_of(s->plus ? s->plus : s->x, s, r), to = path_of(s->out, s, r);
        double real = s->kind == PROD;
        uint64_t whole = s->kind == PROD;
        for (int64_t done = 0, k; done < n; done += k) {
            k = n - done < BLOCK ? n - done : BLOCK;
            luron__convert(s->dtype, &x, 1, from.dtype, from.at + done * from.step * from.size, from.step, k);
            if (s->plus)
                luron__convert(s->dtype, plus, 1, add.dtype, add.at + done * add.step * add.size, add.step, k);
            if (s->dtype == LURON_F64)
                scan_real(s->kind, k, x.real, plus, &real);
            else
                scan_whole(s->kind, k, x.whole, &whole);
            luron__convert(to.dtype, to.at + done * to.step * to.size, to.step, s->dtype, &x, 1, k);
        }
    }
}

static luron_status compute(luron_ctx *ctx, luron__apply *a, scan_kind kind) {
    scan s = {.kind = kind,
              .dim = (int)a->attrs.at[0],
              .backwards = a->attrs.at[1] != 0,
              .dtype = luron_dtype_is_float(a->dtype) ? LURON_F64 : LURON_I64,
              .x = a->in[0],
              .plus = kind == RECUR ? a->in[1] : NULL,
              .out = a->out};
    int64_t n = luron__row_length(a->out, s.dim), rows = luron__row_count(a->out, s.dim);
    if (n > 0) luron__parallel_for(ctx->threads, rows, GRAIN / n + 1, some_rows, &s);
    return LURON_OK;
}
static luron_status compute_sum(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, SUM); }
static luron_status compute_prod(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, PROD); }
static luron_status compute_recur(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, RECUR); }

static luron_status infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "%s: a tensor with dims expected", a->op->name);
    LURON_TRY(luron__attr_dim(ctx, a, 0, x->ndim));
    LURON_TRY(luron__attr_bool(ctx, a, 1, "backwards"));
    a->dtype = luron_dtype_is_float(x->dtype) ? x->dtype : LURON_I64;
    a->ndim = x->ndim;
    memcpy(a->shape, x->shape, sizeof a->shape);
    return LURON_OK;
}

static luron_status infer_recur(luron_ctx *ctx, luron__apply *a) {
    LURON__CHECK(ctx, luron__same_shape(a->in[0], a->in[1]), LURON_E_SHAPE, "recur: operands of one shape expected");
    for (int i = 0; i < 2; i++)
        LURON__CHECK(ctx, luron_dtype_is_float(a->in[i]->dtype), LURON_E_DTYPE, "recur: real operands expected, got %s",
                     luron_dtype_name(a->in[i]->dtype));
    return infer(ctx, a);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static const luron__op op_cumsum, op_cumprod, op_recur;

/* x moved by one along dim: towards the end, or back; `fill` comes in. */
static luron_tensor *moved(luron__expr *e, luron_tensor *x, int dim, bool back, double fill) {
    luron_tensor *part = NULL, *t = NULL;
    int64_t before[LURON_MAX_DIMS] = {0}, after[LURON_MAX_DIMS] = {0};
    if (e->status || x->shape[dim] == 0) return x;
    *(back ? &after[dim] : &before[dim]) = 1;
    luron_status status = luron_narrow(&part, e->ctx, x, dim, back, x->shape[dim] - 1);
    if (!status) status = luron_pad(&t, e->ctx, part, x->ndim, before, after, fill);
    luron_tensor_unref(part);
    return luron__expr_keep(e, status, &t);
}

static luron_tensor *scanned(luron__expr *e, const luron__op *op, luron_tensor *x, luron_tensor *plus, int dim,
                             bool backwards) {
    luron_tensor *t = NULL, *in[] = {x, plus};
    luron__attrs attrs = {.at = {dim, backwards}};
    return e->status ? NULL : luron__expr_keep(e, luron__apply_op(&t, e->ctx, op, plus ? 2 : 1, in, &attrs), &t);
}

static luron_status gradient_sum(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron__expr e = {.ctx = ctx};
    (void)i;
    return luron__expr_done(&e, scanned(&e, &op_cumsum, g, NULL, (int)node->attrs.at[0], !node->attrs.at[1]), out);
}

/* dx[i] = y[i - 1] s[i], where s[i] = g[i] + x[i + 1] s[i + 1]: no division, so right where some x are 0. */
static luron_status gradient_prod(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron__expr e = {.ctx = ctx};
    int dim = (int)node->attrs.at[0];
    luron_tensor *next = moved(&e, node->in[i], dim, true, 0);
    luron_tensor *s = scanned(&e, &op_recur, next, g, dim, true);
    luron_tensor *before = moved(&e, luron__expr_out(&e, node), dim, false, 1);
    return luron__expr_done(&e, luron__expr_2(&e, luron_mul, before, s), out);
}

/* y[i] = a[i] y[i - 1] + b[i]: db[i] = g[i] + a[i + 1] db[i + 1], da[i] = db[i] y[i - 1]; backwards + and - change. */
static luron_status gradient_recur(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                   int i) {
    luron__expr e = {.ctx = ctx};
    int dim = (int)node->attrs.at[0];
    bool backwards = node->attrs.at[1] != 0;
    luron_tensor *next = moved(&e, node->in[0], dim, !backwards, 0);
    luron_tensor *db = scanned(&e, &op_recur, next, g, dim, !backwards);
    if (i == 1) return luron__expr_done(&e, db, out);
    luron_tensor *before = moved(&e, luron__expr_out(&e, node), dim, backwards, 0);
    return luron__expr_done(&e, luron__expr_2(&e, luron_mul, db, before), out);
}

static const luron__op_attr attrs_of[] = {{"dim", LURON__ATTR_DIM, 0}, {"backwards", LURON__ATTR_BOOL, 1}, {0}};
static const luron__op op_cumsum = {.name = "cumsum",
                                    .infer = infer,
                                    .compute = compute_sum,
                                    .gradient = gradient_sum,
                                    .attrs = attrs_of,
                                    .n_in = 1};
static const luron__op op_cumprod = {.name = "cumprod",
                                     .saves = LURON__SAVE_IN(0) | LURON__SAVE_OUT,
                                     .infer = infer,
                                     .compute = compute_prod,
                                     .gradient = gradient_prod,
                                     .attrs = attrs_of,
                                     .n_in = 1};
static const luron__op op_recur = {.name = "recur",
                                   .saves = LURON__SAVE_IN(0) | LURON__SAVE_OUT,
                                   .infer = infer_recur,
                                   .compute = compute_recur,
                                   .gradient = gradient_recur,
                                   .attrs = attrs_of,
                                   .n_in = 2};
const luron__op *const luron__ops_scan[] = {&op_cumsum, &op_cumprod, &op_recur, NULL};

/* A tensor without dims is scanned as a row of one. */
static luron_status apply(luron_tensor **out, luron_ctx *ctx, const luron__op *op, const char *what, luron_tensor *x,
                          int dim) {
    LURON_TRY(luron__wrap_dim(&dim, ctx, what, x->ndim));
    luron__attrs attrs = {.at = {dim, 0}};
    if (x->ndim) return luron__apply_op(out, ctx, op, 1, &x, &attrs);
    luron_tensor *row = NULL, *y = NULL;
    luron_status status = luron_reshape(&row, ctx, x, LURON_SHAPE(1));
    if (!status) status = luron__apply_op(&y, ctx, op, 1, &row, &attrs);
    if (!status) status = luron_reshape(out, ctx, y, 0, NULL);
    luron_tensor_unref(row);
    luron_tensor_unref(y);
    return status;
}

luron_status luron_cumsum(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return apply(out, ctx, &op_cumsum, "cumsum: dim", x, dim);
}
luron_status luron_cumprod(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return apply(out, ctx, &op_cumprod, "cumprod: dim", x, dim);
}
