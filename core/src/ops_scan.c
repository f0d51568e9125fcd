/* ops_scan.c -- cumsum, cumprod and logcumsumexp, and the linear recurrence that gradients of them are. at = dim,
 * backwards. A row is one chain in its order, in float64 (integers: int64, wrapping), so the bits do not depend on
 * threads.                                                                                                           */
#include "ops_expr.h"
#include "ops_ids.h"
#include "ops_rows.h"

#include <math.h>
#include <string.h>

enum { GRAIN = 32768, BLOCK = 128, STRIP = 64 };

/* ---- the loop ---------------------------------------------------------------------------------------------------- */
typedef enum scan_kind { SUM, PROD, LOG_SUM, RECUR } scan_kind;
typedef struct scan {
    scan_kind kind;
    int dim;
    bool backwards, packed; /* packed: rows lie one behind the other */
    uint32_t dtype; /* of the computation */
    const luron_tensor *x, *plus, *begins; /* plus: RECUR alone; begins: there, or NULL */
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
    path p = {NULL, luron__row_stride(t, s->dim), luron_dtype_size(t->dtype), t->dtype};
    p.at = s->packed ? luron__data(t) + row * t->shape[s->dim] * p.size : luron__row(t, s->dim, row);
    if (!s->backwards) return p;
    p.at += (luron__row_length(t, s->dim) - 1) * p.step * p.size;
    p.step = -p.step;
    return p;
}

/* log(exp(a) + exp(b)) */
static double log_add(double a, double b) {
    double top = a > b ? a : b;
    if (a != a || b != b) return a + b;
    return isinf(top) ? top : top + log1p(exp(-fabs(a - b)));
}

/* A block of a row: x becomes the scan of x, which goes on from the carry. */
typedef struct block {
    union {
        double real[BLOCK];
        uint64_t whole[BLOCK];
    } x, plus;
    uint8_t begins[BLOCK];
    double real;
    uint64_t whole;
} block;

static void scan_real(scan_kind kind, int64_t n, block *b) {
    double y = b->real, *x = b->x.real;
    for (int64_t i = 0; i < n; i++) {
        switch (kind) {
        case SUM: y += x[i]; break;
        case PROD: y *= x[i]; break;
        case LOG_SUM: y = log_add(y, x[i]); break;
        default: y = b->begins[i] ? b->plus.real[i] : x[i] * y + b->plus.real[i];
        }
        x[i] = y;
    }
    b->real = y;
}

static void scan_whole(scan_kind kind, int64_t n, block *b) {
    uint64_t y = b->whole, *x = b->x.whole;
    for (int64_t i = 0; i < n; i++) {
        switch (kind) {
        case SUM: y += x[i]; break;
        case PROD: y *= x[i]; break;
        default: y = b->begins[i] ? b->plus.whole[i] : x[i] * y + b->plus.whole[i];
        }
        x[i] = y;
    }
    b->whole = y;
}

static void read_block(uint32_t dtype, void *to, const path *from, int64_t done, int64_t n) {
    luron__convert(dtype, to, 1, from->dtype, from->at + done * from->step * from->size, from->step, n);
}

/* ---- sums and products of rows side by side ------------------------------------------------------------------------
 * Where the elements of a row lie far apart, rows that lie beside each other are walked together, so that memory is read
 * in lines. Each stays one chain in its order: the bits are those of the row alone. */

static void scan_strip(const scan *s, int64_t row, int64_t count, int64_t from_step, int64_t to_step) {
    path from = path_of(s->x, s, row), to = path_of(s->out, s, row);
    union {
        double real[STRIP];
        int64_t whole[STRIP]; /* int64 wraps: added as uint64 */
    } x, y;
    for (int64_t k = 0; k < count; k++)
        if (s->dtype == LURON_F64) y.real[k] = s->kind == PROD;
        else y.whole[k] = s->kind == PROD;
    for (int64_t i = 0; i < luron__row_length(s->out, s->dim); i++) {
        luron__convert(s->dtype, &x, 1, from.dtype, from.at + i * from.step * from.size, from_step, count);
        if (s->dtype == LURON_F64 && s->kind == SUM)
            for (int64_t k = 0; k < count; k++) y.real[k] += x.real[k];
        else if (s->dtype == LURON_F64)
            for (int64_t k = 0; k < count; k++) y.real[k] *= x.real[k];
        else if (s->kind == SUM)
            for (int64_t k = 0; k < count; k++) y.whole[k] = (int64_t)((uint64_t)y.whole[k] + (uint64_t)x.whole[k]);
        else
            for (int64_t k = 0; k < count; k++) y.whole[k] = (int64_t)((uint64_t)y.whole[k] * (uint64_t)x.whole[k]);
        luron__convert(to.dtype, to.at + i * to.step * to.size, to_step, s->dtype, &y, 1, count);
    }
}

/* Scan rows from `row` on together, along the last of the other dims: how many; 0 where that does not pay. */
static int64_t scan_side_by_side(const scan *s, int64_t row, int64_t end) {
    const int across = s->out->ndim - 1 - (s->dim == s->out->ndim - 1);
    if (s->kind > PROD || across < 0 || s->dim > across) return 0;
    int64_t count = s->out->shape[across] - row % s->out->shape[across];
    if (count > end - row) count = end - row;
    if (count > STRIP) count = STRIP;
    if (count < 2) return 0;
    scan_strip(s, row, count, s->x->strides[across], s->out->strides[across]);
    return count;
}

/* Four rows at once, since each sum waits for the one before. */
static void scan_four(const scan *s, int64_t row) {
    enum { FOUR = 4 };
    path from[FOUR], to[FOUR];
    double x[FOUR][BLOCK], y[FOUR];
    const int64_t n = luron__row_length(s->out, s->dim);
    for (int k = 0; k < FOUR; k++)
        from[k] = path_of(s->x, s, row + k), to[k] = path_of(s->out, s, row + k), y[k] = s->kind == PROD;
    for (int64_t done = 0, count; done < n; done += count) {
        count = n - done < BLOCK ? n - done : BLOCK;
        for (int k = 0; k < FOUR; k++) read_block(LURON_F64, x[k], &from[k], done, count);
        if (s->kind == SUM)
            for (int64_t i = 0; i < count; i++)
                for (int k = 0; k < FOUR; k++) x[k][i] = y[k] += x[k][i];
        else
            for (int64_t i = 0; i < count; i++)
                for (int k = 0; k < FOUR; k++) x[k][i] = y[k] *= x[k][i];
        for (int k = 0; k < FOUR; k++)
            luron__convert(to[k].dtype, to[k].at + done * to[k].step * to[k].size, to[k].step, LURON_F64, x[k], 1, count);
    }
}

static void some_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const scan *s = arg;
    int64_t n = luron__row_length(s->out, s->dim);
    block b = {.begins = {0}};
    (void)chunk;
    for (int64_t r = begin; r < end; r++) {
        const int64_t together = scan_side_by_side(s, r, end);
        if (together) {
            r += together - 1;
            continue;
        }
        if (s->dtype == LURON_F64 && s->kind <= PROD && end - r >= 4) {
            scan_four(s, r);
            r += 3;
            continue;
        }
        path from = path_of(s->x, s, r), to = path_of(s->out, s, r), plus = from, begins = from;
        if (s->plus) plus = path_of(s->plus, s, r);
        if (s->begins) begins = path_of(s->begins, s, r);
        b.real = s->kind == PROD ? 1 : s->kind == LOG_SUM ? -(double)INFINITY : 0;
        b.whole = s->kind == PROD;
        for (int64_t done = 0, k; done < n; done += k) {
            k = n - done < BLOCK ? n - done : BLOCK;
            read_block(s->dtype, &b.x, &from, done, k);
            if (s->plus) read_block(s->dtype, &b.plus, &plus, done, k);
            if (s->begins) read_block(LURON_B8, b.begins, &begins, done, k);
            if (s->dtype == LURON_F64)
                scan_real(s->kind, k, &b);
            else
                scan_whole(s->kind, k, &b);
            luron__convert(to.dtype, to.at + done * to.step * to.size, to.step, s->dtype, &b.x, 1, k);
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
              .begins = a->n_in == 3 ? a->in[2] : NULL,
              .out = a->out};
    int64_t n = luron__row_length(a->out, s.dim), rows = luron__row_count(a->out, s.dim);
    s.packed = a->n_in == 1 && s.dim == a->ndim - 1 && luron_tensor_is_contiguous(s.x);
    if (n > 0) luron__parallel_for(ctx->threads, rows, GRAIN / n + STRIP, some_rows, &s);
    return LURON_OK;
}
static luron_status compute_sum(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, SUM); }
static luron_status compute_prod(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, PROD); }
static luron_status compute_log_sum(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, LOG_SUM); }
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

/* The gradient of a scan from the end on is none that is written here. */
static luron_status infer_log_sum(luron_ctx *ctx, luron__apply *a) {
    LURON__CHECK(ctx, luron_dtype_is_float(a->in[0]->dtype) && !a->attrs.at[1], LURON_E_ARGUMENT,
                 "logcumsumexp: a real tensor, and not backwards, expected");
    return infer(ctx, a);
}

static luron_status infer_recur(luron_ctx *ctx, luron__apply *a) {
    LURON__CHECK(ctx, a->n_in == 2 || a->n_in == 3, LURON_E_ARGUMENT, "recur: 2 or 3 operands expected, got %d", a->n_in);
    LURON__CHECK(ctx, a->n_in == 2 || (a->in[2]->dtype == LURON_B8 && luron__same_shape(a->in[0], a->in[2])), LURON_E_SHAPE,
                 "recur: operand %d: bool of the shape of the others expected", 2 + ctx->index_base);
    LURON__CHECK(ctx, luron__same_shape(a->in[0], a->in[1]), LURON_E_SHAPE, "recur: operands of one shape expected");
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

/* plus, begins: NULL where there is none */
static luron_tensor *scanned(luron__expr *e, const luron__op *op, luron_tensor *x, luron_tensor *plus,
                             luron_tensor *begins, int dim, bool backwards) {
    luron_tensor *t = NULL, *in[] = {x, plus, begins};
    luron__attrs attrs = {.at = {dim, backwards}};
    int n = begins ? 3 : plus ? 2 : 1;
    return e->status ? NULL : luron__expr_keep(e, luron__apply_op(&t, e->ctx, op, n, in, &attrs), &t);
}

static luron_status gradient_sum(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron__expr e = {.ctx = ctx};
    (void)i;
    return luron__expr_done(&e, scanned(&e, &op_cumsum, g, NULL, NULL, (int)node->attrs.at[0], !node->attrs.at[1]), out);
}

/* dx[i] = y[i - 1] s[i], where s[i] = g[i] + x[i + 1] s[i + 1]: no division, so right where some x are 0. */
static luron_status gradient_prod(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron__expr e = {.ctx = ctx};
    int dim = (int)node->attrs.at[0];
    luron_tensor *next = moved(&e, node->in[i], dim, true, 0);
    luron_tensor *s = scanned(&e, &op_recur, next, g, NULL, dim, true);
    luron_tensor *before = moved(&e, luron__expr_out(&e, node), dim, false, 1);
    return luron__expr_done(&e, luron__expr_2(&e, luron_mul, before, s), out);
}

/* x where it is more than -inf, else -inf: exp(x) is 0 there, and what it came from gets no gradient. */
static luron_tensor *or_nothing(luron__expr *e, luron_tensor *is, luron_tensor *x) {
    luron_tensor *none = luron__expr_number(e, -(double)INFINITY);
    return luron__expr_where(e, luron__expr_2(e, luron_eq, is, none), none, x);
}

/* dx[i] = exp(x[i] - y[i]) s[i], where s[i] = g[i] + exp(y[i] - y[i + 1]) s[i + 1]: no exponent is above 0. */
static luron_status gradient_log_sum(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                     int i) {
    luron__expr e = {.ctx = ctx};
    int dim = (int)node->attrs.at[0];
    luron_tensor *x = node->in[i], *y = luron__expr_out(&e, node);
    luron_tensor *next = e.status ? NULL : moved(&e, y, dim, true, (double)INFINITY);
    luron_tensor *ratio = luron__expr_1(&e, luron_exp, or_nothing(&e, y, luron__expr_2(&e, luron_sub, y, next)));
    luron_tensor *s = scanned(&e, &op_recur, ratio, g, NULL, dim, true);
    luron_tensor *part = luron__expr_1(&e, luron_exp, or_nothing(&e, x, luron__expr_2(&e, luron_sub, x, y)));
    return luron__expr_done(&e, luron__expr_2(&e, luron_mul, part, s), out);
}

/* y[i] = a[i] y[i - 1] + b[i]: db[i] = g[i] + a[i + 1] db[i + 1], da[i] = db[i] y[i - 1]; backwards + and - change. What
 * begins anew at i takes nothing from i - 1. */
static luron_status gradient_recur(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                   int i) {
    luron__expr e = {.ctx = ctx};
    int dim = (int)node->attrs.at[0];
    bool backwards = node->attrs.at[1] != 0;
    luron_tensor *begins = node->n_in == 3 ? node->in[2] : NULL;
    if (i == 2) return LURON_OK;
    luron_tensor *next = moved(&e, node->in[0], dim, !backwards, 0);
    luron_tensor *ends = begins && !e.status ? moved(&e, begins, dim, !backwards, 1) : NULL;
    luron_tensor *db = scanned(&e, &op_recur, next, g, ends, dim, !backwards);
    if (i == 1) return luron__expr_done(&e, db, out);
    luron_tensor *before = moved(&e, luron__expr_out(&e, node), dim, backwards, 0);
    luron_tensor *da = luron__expr_2(&e, luron_mul, db, before);
    if (begins) da = luron__expr_where(&e, begins, luron__expr_number(&e, 0), da);
    return luron__expr_done(&e, da, out);
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
static const luron__op op_log_sum = {.name = "logcumsumexp",
                                     .saves = LURON__SAVE_IN(0) | LURON__SAVE_OUT,
                                     .infer = infer_log_sum,
                                     .compute = compute_log_sum,
                                     .gradient = gradient_log_sum,
                                     .attrs = attrs_of,
                                     .n_in = 1,
                                     .call = luron__call_real};
static const luron__op op_recur = {.name = "recur",
                                   .saves = LURON__SAVE_IN(0) | LURON__SAVE_IN(2) | LURON__SAVE_OUT,
                                   .infer = infer_recur,
                                   .compute = compute_recur,
                                   .gradient = gradient_recur,
                                   .attrs = attrs_of,
                                   .n_in = -1};
const luron__op *const luron__ops_scan[] = {&op_cumsum, &op_cumprod, &op_log_sum, &op_recur, NULL};

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

luron_status luron__recur(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b, luron_tensor *begins,
                          int dim) {
    return luron__apply_op(out, ctx, &op_recur, 3, (luron_tensor *[]){a, b, begins}, &(luron__attrs){.at = {dim, 0}});
}

luron_status luron_logcumsumexp(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    luron_tensor *real;
    LURON_TRY(luron_cast(&real, ctx, x, luron_dtype_is_float(x->dtype) ? x->dtype : ctx->default_dtype));
    luron_status status = apply(out, ctx, &op_log_sum, "logcumsumexp: dim", real, dim);
    luron_tensor_unref(real);
    return status;
}

luron_status luron_cumsum(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return apply(out, ctx, &op_cumsum, "cumsum: dim", x, dim);
}
luron_status luron_cumprod(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return apply(out, ctx, &op_cumprod, "cumprod: dim", x, dim);
}
