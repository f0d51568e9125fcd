/* ops_linalg_factor.c -- det, slogdet; qr, svd, eigh. An op has one output: the parts of a factorisation lie behind one
 * another in its last dim, and what is given are views of them. Gradients: qr: Seeger, Hetzel, Dai, Lawrence,
 * Auto-differentiating linear algebra (2017), 3; svd: Townsend, Differentiating the singular value decomposition
 * (2016); det and eigh: Giles (ops_linalg.c), 2.2 and 3.1. */
#include "ops_linalg.h"

#include <math.h>
#include <string.h>

static int64_t rows_of(const luron_tensor *a) { return a->shape[a->ndim - 2]; }
static int64_t cols_of(const luron_tensor *a) { return a->shape[a->ndim - 1]; }

/* ---- parts of a packed output ------------------------------------------------------------------------------------ */
/* (..., rows, cols) of x (..., everything), from number `first` of the last dim; cols -1: a vector of `rows`. */
static luron_status part_of(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t first, int64_t rows,
                            int64_t cols) {
    int64_t shape[LURON_MAX_DIMS];
    luron_tensor *list;
    LURON_TRY(luron_narrow(&list, ctx, x, -1, first, cols < 0 ? rows : rows * cols));
    if (cols < 0) {
        *out = list;
        return LURON_OK;
    }
    memcpy(shape, x->shape, sizeof shape);
    shape[x->ndim - 1] = rows, shape[x->ndim] = cols;
    luron_status status = luron_reshape(out, ctx, list, x->ndim + 1, shape);
    luron_tensor_unref(list);
    return status;
}

static luron_tensor *part(luron__expr *e, luron_tensor *x, int64_t first, int64_t rows, int64_t cols) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, part_of(&t, e->ctx, x, first, rows, cols), &t);
}

/* dtype and batch of in[0], and one dim of n numbers. */
static void infer_packed(luron__apply *a, int64_t n) {
    luron__linalg_like(a);
    a->shape[a->ndim++] = n;
}

/* All of them to outs, or none. */
static luron_status give(luron_tensor *const *made, luron_tensor **const *outs, int n, luron_status status) {
    for (int i = 0; i < n; i++) {
        if (status)
            luron_tensor_unref(made[i]);
        else
            *outs[i] = made[i];
    }
    return status;
}

static luron_tensor *product(luron__expr *e, luron_tensor *a, luron_tensor *b) {
    return luron__expr_2(e, luron_matmul, a, b);
}
/* x - x^T */
static luron_tensor *skew(luron__expr *e, luron_tensor *x) {
    return luron__expr_2(e, luron_sub, x, luron__expr_t(e, x));
}
/* bool (n,n): true on the diagonal. */
static luron_tensor *diagonal_mask(luron__expr *e, int64_t n) {
    luron_tensor *ones = NULL, *t = NULL;
    if (!e->status) ones = luron__expr_keep(e, luron_tensor_full(&ones, e->ctx, LURON_B8, LURON_SHAPE(n), 1), &ones);
    return e->status ? NULL : luron__expr_keep(e, luron__diagonal_pad(&t, e->ctx, ones, 0, 0, 1, n, n), &t);
}
/* x (..., n) on the diagonals of matrices of zeros. */
static luron_tensor *embedded(luron__expr *e, luron_tensor *x) {
    luron_tensor *t = NULL;
    if (e->status) return NULL;
    int64_t n = x->shape[x->ndim - 1];
    return luron__expr_keep(e, luron__diagonal_pad(&t, e->ctx, x, 0, x->ndim - 1, x->ndim, n, n), &t);
}

/* ---- det, slogdet ------------------------------------------------------------------------------------------------ */
/* work: LU, pivots. Gives the sign and the log of the size of the determinant, and itself. */
static void determinant(const luron__linalg *job, int64_t i, double *work, double *sign, double *log_size,
                        double *value) {
    int64_t n = job->n, *pivot = (int64_t *)(void *)(work + n * n);
    *sign = 1, *log_size = 0, *value = 1;
    luron__linalg_read(job, 0, i, false, work);
    if (luron__lu(n, work, pivot)) {
        *sign = *value = 0, *log_size = -(double)INFINITY;
        return;
    }
    for (int64_t k = 0; k < n; k++) {
        double u = work[k * n + k];
        if ((pivot[k] != k) != (u < 0)) *sign = -*sign;
        if (pivot[k] != k) *value = -*value;
        *log_size += log(fabs(u));
        *value *= u;
        if (isnan(u)) *sign = u;
    }
}

static int64_t det_one(const luron__linalg *job, int64_t i, bool fresh, double *work) {
    double sign, log_size, value;
    (void)fresh;
    determinant(job, i, work, &sign, &log_size, &value);
    luron__linalg_write(job, i, 1, 0, 1, 1, &value);
    return 0;
}

static int64_t slogdet_one(const luron__linalg *job, int64_t i, bool fresh, double *work) {
    double both[2], value;
    (void)fresh;
    determinant(job, i, work, &both[0], &both[1], &value);
    luron__linalg_write(job, i, 2, 0, 1, 2, both);
    return 0;
}

static luron_status det_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__check_matrix(ctx, "det", a->in[0], true));
    luron__linalg_like(a);
    return LURON_OK;
}
static luron_status slogdet_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__check_matrix(ctx, "slogdet", a->in[0], true));
    infer_packed(a, 2);
    return LURON_OK;
}
static luron_status det_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t n = cols_of(a->in[0]);
    luron__linalg job = {.a = a, .one = det_one, .n = n, .work = n * n + n};
    return luron__linalg_run(ctx, &job, a->ndim);
}
static luron_status slogdet_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t n = cols_of(a->in[0]);
    luron__linalg job = {.a = a, .one = slogdet_one, .n = n, .work = n * n + n};
    return luron__linalg_run(ctx, &job, a->ndim - 1);
}

/* x (...) as (..., 1, 1). */
static luron_tensor *as_matrix(luron__expr *e, luron_tensor *x) {
    return luron__expr_unsqueeze(e, luron__expr_unsqueeze(e, x, -1), -1);
}

/* The derivative of det without a division: u diag(c) vh times the signs of u and vh, where c has for each singular
 * value the product of the others. */
static luron_tensor *cofactors(luron__expr *e, luron_tensor *a) {
    luron_tensor *usv[3] = {NULL}, *others = NULL;
    if (e->status) return NULL;
    luron_status status = luron_svd(&usv[0], &usv[1], &usv[2], e->ctx, a);
    for (int i = 0; i < 3; i++)
        luron__expr_keep(e, status, &usv[i]);
    luron_tensor *row = luron__expr_unsqueeze(e, usv[1], -2), *one = luron__expr_number(e, 1);
    row = luron__expr_where(e, diagonal_mask(e, cols_of(a)), one, row);
    if (!e->status) luron__expr_keep(e, luron_prod(&others, e->ctx, row, 1, (const int[]){-1}, 0), &others);
    luron_tensor *det_u = luron__expr_1(e, luron_det, luron__expr_1(e, luron_detach, usv[0]));
    luron_tensor *det_v = luron__expr_1(e, luron_det, luron__expr_1(e, luron_detach, usv[2]));
    luron_tensor *sign = luron__expr_1(e, luron_sign, luron__expr_2(e, luron_mul, det_u, det_v));
    luron_tensor *times = luron__expr_2(e, luron_mul, luron__expr_unsqueeze(e, others, -2), as_matrix(e, sign));
    return product(e, luron__expr_2(e, luron_mul, usv[0], times), usv[2]);
}

/* Of a dtype, with singular values that differ: what stands in for a matrix of a batch that is another rule's. */
static luron_tensor *stand_in(luron__expr *e, uint32_t dtype, int64_t n) {
    luron_tensor *t = NULL;
    return e->status ? NULL : embedded(e, luron__expr_keep(e, luron_tensor_arange(&t, e->ctx, dtype, 1, (double)n + 0.5, 1), &t));
}

/* da = g det a^-T; by cofactors where a matrix is singular. */
static luron_status det_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron__expr e = {.ctx = ctx};
    double some = 0;
    luron_tensor *a = node->in[i], *det = luron__expr_out(&e, node), *any = NULL, *by_cofactors = NULL;
    luron_tensor *singular = as_matrix(&e, luron__expr_2(&e, luron_eq, det, luron__expr_number(&e, 0)));
    if (!e.status) luron__expr_keep(&e, luron_any(&any, ctx, singular, 0, NULL, 0), &any);
    if (!e.status) e.status = luron_tensor_item(&some, ctx, any);
    if (some != 0) {
        luron_tensor *other = stand_in(&e, a->dtype, cols_of(a));
        luron_tensor *c = cofactors(&e, luron__expr_where(&e, singular, a, other));
        by_cofactors = luron__expr_2(&e, luron_mul, as_matrix(&e, g), c);
        a = luron__expr_where(&e, singular, other, a);
    }
    luron_tensor *turned = luron__expr_t(&e, luron__expr_1(&e, luron_inverse, a));
    luron_tensor *times = as_matrix(&e, luron__expr_2(&e, luron_mul, g, det));
    luron_tensor *da = luron__expr_2(&e, luron_mul, times, turned);
    return luron__expr_done(&e, some != 0 ? luron__expr_where(&e, singular, by_cofactors, da) : da, out);
}

/* d log|det| = a^-T. */
static luron_status slogdet_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                     int i) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *times = luron__expr_unsqueeze(&e, part(&e, g, 1, 1, -1), -1);
    luron_tensor *turned = luron__expr_t(&e, luron__expr_1(&e, luron_inverse, node->in[i]));
    luron_status status = luron__expr_done(&e, luron__expr_2(&e, luron_mul, times, turned), out);
    return status == LURON_E_ARGUMENT ? luron__wrap(ctx, status, "gradient of slogdet") : status;
}

static const luron__op op_det = {.name = "det",
                                 .saves = LURON__SAVE_IN(0) | LURON__SAVE_OUT,
                                 .infer = det_infer,
                                 .compute = det_compute,
                                 .gradient = det_gradient,
                                 .n_in = 1};
static const luron__op op_slogdet = {.name = "slogdet",
                                     .saves = LURON__SAVE_IN(0),
                                     .infer = slogdet_infer,
                                     .compute = slogdet_compute,
                                     .gradient = slogdet_gradient,
                                     .n_in = 1};

luron_status luron_det(luron_tensor **out, luron_ctx *ctx, luron_tensor *a) {
    LURON_TRY(luron__check_matrix(ctx, "det", a, true));
    return luron__apply_op(out, ctx, &op_det, 1, &a, NULL);
}

luron_status luron_slogdet(luron_tensor **sign, luron_tensor **logabsdet, luron_ctx *ctx, luron_tensor *a) {
    luron_tensor *both, *fixed = NULL, *made[2] = {NULL};
    LURON_TRY(luron__check_matrix(ctx, "slogdet", a, true));
    LURON_TRY(luron__apply_op(&both, ctx, &op_slogdet, 1, &a, NULL));
    luron_status status = luron_detach(&fixed, ctx, both);
    if (!status) status = luron_select(&made[0], ctx, fixed, -1, 0);
    if (!status) status = luron_select(&made[1], ctx, both, -1, 1);
    luron_tensor_unref(both);
    luron_tensor_unref(fixed);
    return give(made, (luron_tensor * *const[]){sign, logabsdet}, 2, status);
}

/* ---- qr of m >= n: q (m,n), r (n,n) ------------------------------------------------------------------------------ */
static int64_t qr_one(const luron__linalg *job, int64_t i, bool fresh, double *work) {
    int64_t m = job->m, n = job->n;
    double *q = work + m * n, *r = q + m * n;
    (void)fresh;
    luron__linalg_read(job, 0, i, false, work);
    luron__qr(m, n, work, q, r, r + n * n);
    luron__linalg_write(job, i, m * n + n * n, 0, 1, m * n + n * n, q);
    return 0;
}

static luron_status qr_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__check_matrix(ctx, "qr", a->in[0], false));
    int64_t m = rows_of(a->in[0]), n = cols_of(a->in[0]);
    LURON__CHECK(ctx, m >= n, LURON_E_SHAPE, "qr: as many rows as columns or more expected, got %lld and %lld",
                 (long long)m, (long long)n);
    infer_packed(a, m * n + n * n);
    return LURON_OK;
}

static luron_status qr_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t m = rows_of(a->in[0]), n = cols_of(a->in[0]);
    luron__linalg job = {.a = a, .one = qr_one, .m = m, .n = n, .work = 2 * m * n + n * n + 2 * n};
    return luron__linalg_run(ctx, &job, a->ndim - 1);
}

/* da = (gq + q c) r^-T, c: the lower triangle of r gr^T - gq^T q, mirrored. */
static luron_status qr_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron__expr e = {.ctx = ctx};
    int64_t m = rows_of(node->in[i]), n = cols_of(node->in[i]);
    luron_tensor *both = luron__expr_out(&e, node), *q = part(&e, both, 0, m, n), *r = part(&e, both, m * n, n, n);
    luron_tensor *gq = part(&e, g, 0, m, n), *gr = part(&e, g, m * n, n, n), *x = NULL;
    luron_tensor *c =
        luron__expr_2(&e, luron_sub, product(&e, r, luron__expr_t(&e, gr)), product(&e, luron__expr_t(&e, gq), q));
    luron_tensor *above = luron__expr_t(&e, luron__expr_triangle(&e, c, false, -1));
    c = luron__expr_2(&e, luron_add, luron__expr_triangle(&e, c, false, 0), above);
    luron_tensor *z = luron__expr_t(&e, luron__expr_2(&e, luron_add, gq, product(&e, q, c)));
    if (!e.status) luron__expr_keep(&e, luron_solve_triangular(&x, ctx, r, z, 1, 0), &x);
    luron_status status = luron__expr_done(&e, luron__expr_t(&e, x), out);
    return status == LURON_E_ARGUMENT ? luron__wrap(ctx, status, "gradient of qr") : status;
}

static const luron__op op_qr = {.name = "qr",
                                .saves = LURON__SAVE_OUT,
                                .infer = qr_infer,
                                .compute = qr_compute,
                                .gradient = qr_gradient,
                                .n_in = 1};

/* A wide matrix is [x y] with a square x = q u: r is [u, q^T y]. */
luron_status luron_qr(luron_tensor **q, luron_tensor **r, luron_ctx *ctx, luron_tensor *a) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *packed = NULL, *x = a, *y = NULL, *made[2] = {NULL}, *cat = NULL;
    LURON_TRY(luron__check_matrix(ctx, "qr", a, false));
    int64_t m = rows_of(a), n = cols_of(a), k = m < n ? m : n;
    if (m < n) x = luron__expr_keep(&e, luron_narrow(&x, ctx, a, -1, 0, m), &x);
    if (!e.status) luron__expr_keep(&e, luron__apply_op(&packed, ctx, &op_qr, 1, &x, NULL), &packed);
    luron_tensor *u = part(&e, packed, m * k, k, k);
    luron_tensor *orthogonal = part(&e, packed, 0, m, k);
    if (m < n && !e.status) {
        luron__expr_keep(&e, luron_narrow(&y, ctx, a, -1, m, n - m), &y);
        y = product(&e, luron__expr_t(&e, orthogonal), y);
        if (!e.status) u = luron__expr_keep(&e, luron_cat(&cat, ctx, 2, (luron_tensor *[]){u, y}, -1), &cat);
    }
    made[0] = luron_tensor_ref(orthogonal);
    luron_status status = luron__expr_done(&e, u, &made[1]);
    return give(made, (luron_tensor * *const[]){q, r}, 2, status);
}

/* ---- svd: u (m,k), s (k), vh (k,n) ------------------------------------------------------------------------------- */
static int64_t svd_one(const luron__linalg *job, int64_t i, bool fresh, double *work) {
    int64_t m = job->m, n = job->n, k = job->k, big = m > n ? m : n, each = m * k + k + k * n;
    bool wide = m < n;
    double *w = work, *v = w + big * k, *s = v + k * k, *left = wide ? v : w, *right = wide ? w : v;
    (void)fresh;
    luron__linalg_read(job, 0, i, !wide, w);
    int64_t failed = luron__svd(big, k, w, s, v, wide, s + k);
    for (int64_t j = 0; j < k && !failed; j++)
        luron__linalg_write(job, i, each, j, k, m, left + j * m);
    luron__linalg_write(job, i, each, m * k, 1, k, s);
    luron__linalg_write(job, i, each, m * k + k, 1, k * n, right);
    return failed;
}

static int64_t svd_rank(const luron_tensor *a) {
    int64_t m = rows_of(a), n = cols_of(a);
    return m < n ? m : n;
}

static luron_status svd_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__check_matrix(ctx, "svd", a->in[0], false));
    int64_t m = rows_of(a->in[0]), n = cols_of(a->in[0]), k = svd_rank(a->in[0]);
    infer_packed(a, m * k + k + k * n);
    return LURON_OK;
}

static luron_status svd_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t m = rows_of(a->in[0]), n = cols_of(a->in[0]), k = svd_rank(a->in[0]), big = m > n ? m : n;
    luron__linalg job = {.a = a, .one = svd_one, .m = m, .n = n, .k = k, .work = big * k + k * k + k + big};
    return luron__linalg_run(ctx, &job, a->ndim - 1);
}

/* Of a matrix x (..., m, n): is there an element that is not 0? (..., 1, 1), bool. */
static luron_tensor *is_used(luron__expr *e, luron_tensor *x) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_any(&t, e->ctx, x, 2, (const int[]){-2, -1}, 1), &t);
}

/* What to divide by: infinity where x is 0 and the matrix is not `used`, so that nothing over 0 is nothing. */
static luron_tensor *divisor(luron__expr *e, luron_tensor *x, luron_tensor *used) {
    luron_tensor *zero = luron__expr_2(e, luron_eq, x, luron__expr_number(e, 0));
    luron_tensor *free = luron__expr_2(e, luron_logical_and, zero, luron__expr_1(e, luron_logical_not, used));
    return luron__expr_where(e, free, luron__expr_number(e, (double)INFINITY), x);
}

/* In what is not u and vh: p = gu - u u^T gu divided by s, in its columns; luron_svd of the transpose has the other. */
static luron_tensor *outside(luron__expr *e, luron_tensor *u, luron_tensor *gu, luron_tensor *inner, luron_tensor *s) {
    luron_tensor *p = luron__expr_2(e, luron_sub, gu, product(e, u, inner));
    return luron__expr_2(e, luron_div, p, s);
}

/* da = u (c + diag(gs)) vh, and what leads out of u and vh. With a = skew(u^T gu), b = skew(v^T gv), s_i in row i:
 * 2 c = (a + b) / (s_j - s_i) + (a - b) / (s_j + s_i), which is (a s_j + s_i b) / (s_j^2 - s_i^2) twice. */
static luron_status svd_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron__expr e = {.ctx = ctx};
    int64_t m = rows_of(node->in[i]), n = cols_of(node->in[i]), k = svd_rank(node->in[i]);
    luron_tensor *all = luron__expr_out(&e, node), *u = part(&e, all, 0, m, k), *s = part(&e, all, m * k, k, -1);
    luron_tensor *vh = part(&e, all, m * k + k, k, n), *gu = part(&e, g, 0, m, k), *gs = part(&e, g, m * k, k, -1);
    luron_tensor *gvh = part(&e, g, m * k + k, k, n), *one = luron__expr_number(&e, 1);
    luron_tensor *used = luron__expr_2(&e, luron_logical_or, is_used(&e, gu), is_used(&e, gvh));
    luron_tensor *row = luron__expr_unsqueeze(&e, s, -2), *column = luron__expr_unsqueeze(&e, s, -1);
    luron_tensor *in_u = product(&e, luron__expr_t(&e, u), gu), *in_v = product(&e, vh, luron__expr_t(&e, gvh));
    luron_tensor *a = skew(&e, in_u), *b = skew(&e, in_v), *eye = diagonal_mask(&e, k);
    luron_tensor *gap = divisor(&e, luron__expr_2(&e, luron_sub, row, column), used);
    luron_tensor *sum = divisor(&e, luron__expr_2(&e, luron_add, row, column), used);
    gap = luron__expr_where(&e, eye, one, gap), sum = luron__expr_where(&e, eye, one, sum);
    luron_tensor *c =
        luron__expr_2(&e, luron_add, luron__expr_2(&e, luron_div, luron__expr_2(&e, luron_add, a, b), gap),
                      luron__expr_2(&e, luron_div, luron__expr_2(&e, luron_sub, a, b), sum));
    c = luron__expr_2(&e, luron_add, luron__expr_scale(&e, c, 0.5, 0), embedded(&e, gs));
    luron_tensor *left = product(&e, u, c);
    if (m > k) left = luron__expr_2(&e, luron_add, left, outside(&e, u, gu, in_u, divisor(&e, row, used)));
    luron_tensor *da = product(&e, left, vh);
    if (n > k) {
        luron_tensor *v = luron__expr_t(&e, vh), *gv = luron__expr_t(&e, gvh);
        luron_tensor *right = luron__expr_t(&e, outside(&e, v, gv, in_v, divisor(&e, row, used)));
        da = luron__expr_2(&e, luron_add, da, product(&e, u, right));
    }
    return luron__expr_done(&e, da, out);
}

static const luron__op op_svd = {.name = "svd",
                                 .saves = LURON__SAVE_OUT,
                                 .infer = svd_infer,
                                 .compute = svd_compute,
                                 .gradient = svd_gradient,
                                 .n_in = 1};

luron_status luron_svd(luron_tensor **u, luron_tensor **s, luron_tensor **vh, luron_ctx *ctx, luron_tensor *a) {
    luron_tensor *packed, *made[3] = {NULL};
    LURON_TRY(luron__check_matrix(ctx, "svd", a, false));
    int64_t m = rows_of(a), n = cols_of(a), k = svd_rank(a);
    LURON_TRY(luron__apply_op(&packed, ctx, &op_svd, 1, &a, NULL));
    luron_status status = part_of(&made[0], ctx, packed, 0, m, k);
    if (!status) status = part_of(&made[1], ctx, packed, m * k, k, -1);
    if (!status) status = part_of(&made[2], ctx, packed, m * k + k, k, n);
    luron_tensor_unref(packed);
    return give(made, (luron_tensor * *const[]){u, s, vh}, 3, status);
}

/* ---- eigh: values (n), q (n,n) ----------------------------------------------------------------------------------- */
static int64_t eigh_one(const luron__linalg *job, int64_t i, bool fresh, double *work) {
    int64_t n = job->n;
    double *v = work + n * n, *values = v + n * n;
    (void)fresh;
    luron__linalg_read(job, 0, i, false, work);
    int64_t failed = luron__eigh(n, work, values, v);
    luron__linalg_write(job, i, n + n * n, 0, 1, n, values);
    for (int64_t j = 0; j < n && !failed; j++)
        luron__linalg_write(job, i, n + n * n, n + j, n, n, v + j * n);
    return failed;
}

static luron_status eigh_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__check_matrix(ctx, "eigh", a->in[0], true));
    int64_t n = cols_of(a->in[0]);
    infer_packed(a, n + n * n);
    return LURON_OK;
}

static luron_status eigh_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t n = cols_of(a->in[0]);
    luron__linalg job = {.a = a, .one = eigh_one, .n = n, .work = 2 * n * n + n};
    return luron__linalg_run(ctx, &job, a->ndim - 1);
}

/* da = q (diag(gl) + skew(q^T gq) / (2 (l_j - l_i))) q^T, l_i in row i. */
static luron_status eigh_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron__expr e = {.ctx = ctx};
    int64_t n = cols_of(node->in[i]);
    luron_tensor *all = luron__expr_out(&e, node), *l = part(&e, all, 0, n, -1), *q = part(&e, all, n, n, n);
    luron_tensor *gl = part(&e, g, 0, n, -1), *gq = part(&e, g, n, n, n), *qt = luron__expr_t(&e, q);
    luron_tensor *gap =
        luron__expr_2(&e, luron_sub, luron__expr_unsqueeze(&e, l, -2), luron__expr_unsqueeze(&e, l, -1));
    gap = divisor(&e, gap, is_used(&e, gq));
    gap = luron__expr_where(&e, diagonal_mask(&e, n), luron__expr_number(&e, 1), gap);
    luron_tensor *c = luron__expr_2(&e, luron_div, skew(&e, product(&e, qt, gq)), gap);
    c = luron__expr_2(&e, luron_add, luron__expr_scale(&e, c, 0.5, 0), embedded(&e, gl));
    return luron__expr_done(&e, product(&e, product(&e, q, c), qt), out);
}

static const luron__op op_eigh = {.name = "eigh",
                                  .saves = LURON__SAVE_OUT,
                                  .infer = eigh_infer,
                                  .compute = eigh_compute,
                                  .gradient = eigh_gradient,
                                  .n_in = 1};
const luron__op *const luron__ops_linalg_factor[] = {&op_det, &op_slogdet, &op_qr, &op_svd, &op_eigh, NULL};

luron_status luron_eigh(luron_tensor **values, luron_tensor **q, luron_ctx *ctx, luron_tensor *a) {
    luron_tensor *packed, *made[2] = {NULL};
    LURON_TRY(luron__check_matrix(ctx, "eigh", a, true));
    int64_t n = cols_of(a);
    LURON_TRY(luron__apply_op(&packed, ctx, &op_eigh, 1, &a, NULL));
    luron_status status = part_of(&made[0], ctx, packed, 0, n, -1);
    if (!status) status = part_of(&made[1], ctx, packed, n, n, n);
    luron_tensor_unref(packed);
    return give(made, (luron_tensor * *const[]){values, q}, 2, status);
}
