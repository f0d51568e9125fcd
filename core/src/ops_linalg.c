/* ops_linalg.c -- solve, solve_triangular, inverse, det, slogdet, cholesky. Gradients: Giles, Collected matrix
 * derivative results for forward and reverse mode algorithmic differentiation (2008); Cholesky: Murray, Differentiation
 * of the Cholesky decomposition (2016), 3. */
#include "ops_linalg.h"

#include <stdio.h>
#include <string.h>

enum { MOST_CHUNKS = 32 };

/* ---- the loop over a batch --------------------------------------------------------------------------------------- */
/* Where matrix i begins in t, in elements. */
static int64_t matrix_offset(const luron__linalg *job, const luron_tensor *t, int64_t i) {
    int64_t offset = 0;
    for (int d = job->n_batch - 1, at = t->ndim - 3; at >= 0; d--, at--) {
        if (t->shape[at] != 1) offset += i % job->batch[d] * t->strides[at];
        i /= job->batch[d];
    }
    return offset;
}

void luron__linalg_read(const luron__linalg *job, int in, int64_t i, bool transposed, double *to) {
    const luron_tensor *t = job->a->in[in];
    int row = t->ndim - (transposed ? 1 : 2), col = t->ndim - (transposed ? 2 : 1);
    const char *from = luron__data(t) + matrix_offset(job, t, i) * luron_dtype_size(t->dtype);
    for (int64_t r = 0; r < t->shape[row]; r++)
        luron__convert(LURON_F64, to + r * t->shape[col], 1, t->dtype,
                       from + r * t->strides[row] * luron_dtype_size(t->dtype), t->strides[col], t->shape[col]);
}

void luron__linalg_write(const luron__linalg *job, int64_t i, int64_t each, int64_t at, int64_t step, int64_t n,
                         const double *from) {
    const luron_tensor *out = job->a->out;
    luron__convert(out->dtype, luron__data(out) + (i * each + at) * luron_dtype_size(out->dtype), step, LURON_F64, from,
                   1, n);
}

/* A chunk ends at the first matrix that fails. */
typedef struct loop {
    const luron__linalg *job;
    double *work;
    struct {
        int64_t at, reason; /* reason 0: none failed */
    } failed[MOST_CHUNKS];
} loop;

static void some_matrices(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    loop *l = arg;
    int64_t before = 0;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = matrix_offset(l->job, l->job->a->in[0], i);
        int64_t reason = l->job->one(l->job, i, i == begin || at != before, l->work + chunk * l->job->work);
        before = at;
        if (!reason) continue;
        l->failed[chunk].at = i;
        l->failed[chunk].reason = reason;
        return;
    }
}

static luron_status fail_matrix(luron_ctx *ctx, const luron__linalg *job, int64_t i, int64_t reason) {
    int64_t at[LURON_MAX_DIMS];
    char text[LURON__SHAPE_TEXT], where[LURON__SHAPE_TEXT + 16];
    for (int d = job->n_batch - 1; d >= 0; d--) {
        at[d] = i % job->batch[d] + ctx->index_base;
        i /= job->batch[d];
    }
    if (job->n_batch == 0)
        snprintf(where, sizeof where, "the matrix");
    else if (job->n_batch == 1)
        snprintf(where, sizeof where, "matrix %lld", (long long)at[0]);
    else
        snprintf(where, sizeof where, "matrix %s", luron_shape_text(text, sizeof text, job->n_batch, at));
    if (reason < 0)
        return luron__fail(ctx, LURON_E_ARGUMENT, "%s: %s %s", job->a->op->name, where,
                           reason == LURON__NOT_FINITE ? "has an element that is not finite" : "does not converge");
    return luron__fail(ctx, LURON_E_ARGUMENT, "%s: %s %s %lld %s", job->a->op->name, where, job->fault,
                       (long long)(reason - 1 + ctx->index_base), job->ended);
}

luron_status luron__linalg_run(luron_ctx *ctx, luron__linalg *job, int n_batch) {
    loop l = {.job = job};
    double cost = (double)job->work * (double)job->n;
    int64_t least = cost < 65536 ? (int64_t)(65536 / (cost + 1)) + 1 : 1, bytes;
    job->n_batch = n_batch;
    memcpy(job->batch, job->a->shape, sizeof job->batch);
    job->count = luron__numel(n_batch, job->batch);
    if (job->count == 0) return LURON_OK;
    int64_t grain = (job->count + MOST_CHUNKS - 1) / MOST_CHUNKS;
    if (grain < least) grain = least;
    int64_t chunks = (job->count + grain - 1) / grain;
    if (__builtin_mul_overflow(job->work, chunks * (int64_t)sizeof *l.work, &bytes)) return luron__nomem(ctx, SIZE_MAX);
    l.work = luron__take(ctx, (size_t)bytes);
    if (!l.work) return luron__nomem(ctx, (size_t)bytes);
    luron__parallel_for(ctx->threads, job->count, grain, some_matrices, &l);
    luron__pool_free(ctx->pool, l.work, (size_t)bytes);
    for (int64_t c = 0; c < chunks; c++)
        if (l.failed[c].reason) return fail_matrix(ctx, job, l.failed[c].at, l.failed[c].reason);
    return LURON_OK;
}

/* ---- operands ---------------------------------------------------------------------------------------------------- */
luron_status luron__check_matrix(luron_ctx *ctx, const char *what, const luron_tensor *a, bool square) {
    char text[LURON__SHAPE_TEXT];
    luron_shape_text(text, sizeof text, a->ndim, a->shape);
    LURON__CHECK(ctx, a->dtype == LURON_F32 || a->dtype == LURON_F64, LURON_E_DTYPE,
                 "%s: float32 or float64 expected, got %s", what, luron_dtype_name(a->dtype));
    LURON__CHECK(ctx, a->ndim >= 2, LURON_E_SHAPE, "%s: a matrix (or a batch of them) expected, got %s", what, text);
    LURON__CHECK(ctx, !square || a->shape[a->ndim - 1] == a->shape[a->ndim - 2], LURON_E_SHAPE,
                 "%s: a square matrix expected, got %s", what, text);
    return LURON_OK;
}

void luron__linalg_like(luron__apply *a) {
    a->dtype = a->in[0]->dtype;
    a->ndim = a->in[0]->ndim - 2;
    memcpy(a->shape, a->in[0]->shape, sizeof a->shape);
}

static int64_t size_of(const luron_tensor *a) { return a->shape[a->ndim - 1]; }

static luron_status infer_same(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__check_matrix(ctx, a->op->name, a->in[0], true));
    luron__linalg_like(a);
    a->ndim += 2;
    return LURON_OK;
}

/* a (..., n, n), b (..., n, k) -> (..., n, k). */
static luron_status infer_solution(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *m = a->in[0], *b = a->in[1];
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON_TRY(luron__check_matrix(ctx, a->op->name, m, true));
    LURON_TRY(luron__check_matrix(ctx, a->op->name, b, false));
    LURON__CHECK(ctx, m->dtype == b->dtype, LURON_E_DTYPE, "%s: operands of one dtype expected, got %s and %s", a->op->name,
                 luron_dtype_name(m->dtype), luron_dtype_name(b->dtype));
    luron_shape_text(s, sizeof s, m->ndim, m->shape);
    luron_shape_text(t, sizeof t, b->ndim, b->shape);
    LURON__CHECK(ctx, b->shape[b->ndim - 2] == size_of(m), LURON_E_SHAPE,
                 "%s: a is %s, so b must have %lld rows, got %s", a->op->name, s, (long long)size_of(m), t);
    a->dtype = m->dtype;
    a->ndim = m->ndim > b->ndim ? m->ndim : b->ndim;
    a->shape[a->ndim - 2] = size_of(m), a->shape[a->ndim - 1] = size_of(b);
    for (int i = 3; i <= a->ndim; i++) {
        int64_t x = i <= m->ndim ? m->shape[m->ndim - i] : 1, y = i <= b->ndim ? b->shape[b->ndim - i] : 1;
        LURON__CHECK(ctx, x == y || x == 1 || y == 1, LURON_E_SHAPE, "%s: leading dims of %s and %s do not broadcast",
                     a->op->name, s, t);
        a->shape[a->ndim - i] = x == 1 ? y : x;
    }
    return LURON_OK;
}

enum { UPPER = 1, UNIT = 2 };

static luron_tensor *applied(luron__expr *e, const luron__op *op, luron_tensor *a, luron_tensor *b, int flags) {
    luron_tensor *t = NULL, *in[] = {a, b};
    luron__attrs attrs = {.at = {(flags & UPPER) != 0, (flags & UNIT) != 0}}; /* solve_triangular reads them */
    return e->status ? NULL : luron__expr_keep(e, luron__apply_op(&t, e->ctx, op, b ? 2 : 1, in, &attrs), &t);
}

/* A vector b is a matrix of one column. */
static luron_status solution(luron_tensor **out, luron_ctx *ctx, const luron__op *op, luron_tensor *a, luron_tensor *b,
                             int flags) {
    luron__expr e = {.ctx = ctx};
    char text[LURON__SHAPE_TEXT], of_a[LURON__SHAPE_TEXT];
    luron_tensor *y = NULL;
    LURON_TRY(luron__check_matrix(ctx, op->name, a, true));
    LURON__CHECK(ctx, b->dtype == LURON_F32 || b->dtype == LURON_F64, LURON_E_DTYPE,
                 "%s: b: float32 or float64 expected, got %s", op->name, luron_dtype_name(b->dtype));
    bool vector = b->ndim == 1 || (b->ndim == a->ndim - 1 && b->ndim > 0 &&
                                   memcmp(a->shape, b->shape, (size_t)b->ndim * sizeof *b->shape) == 0);
    LURON__CHECK(ctx, vector || b->ndim >= 2, LURON_E_SHAPE, "%s: b must be a vector or matrix, got %s", op->name,
                 luron_shape_text(text, sizeof text, b->ndim, b->shape));
    LURON__CHECK(ctx, !vector || b->shape[b->ndim - 1] == size_of(a), LURON_E_SHAPE,
                 "%s: a is %s, so b must have %lld numbers, got %s", op->name,
                 luron_shape_text(of_a, sizeof of_a, a->ndim, a->shape), (long long)size_of(a),
                 luron_shape_text(text, sizeof text, b->ndim, b->shape));
    if (a->dtype != b->dtype && a->dtype == LURON_F32) a = luron__expr_cast(&e, a, LURON_F64);
    if (!e.status && a->dtype != b->dtype) b = luron__expr_cast(&e, b, LURON_F64);
    if (vector) b = luron__expr_unsqueeze(&e, b, -1);
    luron_tensor *x = applied(&e, op, a, b, flags);
    if (vector && !e.status) x = luron__expr_keep(&e, luron_squeeze(&y, ctx, x, -1), &y);
    return luron__expr_done(&e, x, out);
}

/* ---- solve ------------------------------------------------------------------------------------------------------- */
/* work: LU, pivots, b */
static int64_t solve_one(const luron__linalg *job, int64_t i, bool fresh, double *work) {
    int64_t n = job->n, k = job->k, *pivot = (int64_t *)(void *)(work + n * n), failed = 0;
    double *b = work + n * n + n;
    if (fresh) {
        luron__linalg_read(job, 0, i, false, work);
        failed = luron__lu(n, work, pivot);
    }
    if (failed) return failed;
    luron__linalg_read(job, 1, i, false, b);
    luron__lu_solve(n, k, work, pivot, b);
    luron__linalg_write(job, i, n * k, 0, 1, n * k, b);
    return 0;
}

static luron_status solve_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t n = size_of(a->in[0]), k = size_of(a->in[1]);
    luron__linalg job = {.a = a, .one = solve_one, .n = n, .k = k, .work = n * n + n + n * k};
    job.fault = "is singular: pivot", job.ended = "is 0";
    return luron__linalg_run(ctx, &job, a->ndim - 2);
}

/* db = a^-T g, da = -db x^T. */
static luron_status solve_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                   int i) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *db = applied(&e, node->op, luron__expr_t(&e, node->in[0]), g, 0);
    if (i == 1) return luron__expr_done(&e, db, out);
    luron_tensor *product = luron__expr_2(&e, luron_matmul, db, luron__expr_t(&e, luron__expr_out(&e, node)));
    return luron__expr_done(&e, luron__expr_1(&e, luron_neg, product), out);
}

static const luron__op op_solve = {.name = "solve",
                                   .saves = LURON__SAVE_IN(0) | LURON__SAVE_OUT,
                                   .infer = infer_solution,
                                   .compute = solve_compute,
                                   .gradient = solve_gradient,
                                   .n_in = 2};

luron_status luron_solve(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    return solution(out, ctx, &op_solve, a, b, 0);
}

/* ---- solve_triangular: at = upper, unitriangular ----------------------------------------------------------------- */
static luron_status triangular_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__attr_bool(ctx, a, 0, "upper"));
    LURON_TRY(luron__attr_bool(ctx, a, 1, "unitriangular"));
    return infer_solution(ctx, a);
}

static int64_t triangular_one(const luron__linalg *job, int64_t i, bool fresh, double *work) {
    int64_t n = job->n, k = job->k;
    double *b = work + n * n;
    bool upper = job->a->attrs.at[0] != 0, unit = job->a->attrs.at[1] != 0;
    if (fresh) luron__linalg_read(job, 0, i, false, work);
    luron__linalg_read(job, 1, i, false, b);
    int64_t failed = luron__triangular_solve(n, k, work, upper, unit, b);
    luron__linalg_write(job, i, n * k, 0, 1, n * k, b);
    return failed;
}

static luron_status triangular_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t n = size_of(a->in[0]), k = size_of(a->in[1]);
    luron__linalg job = {.a = a, .one = triangular_one, .n = n, .k = k, .work = n * n + n * k};
    job.fault = "is singular: element", job.ended = "of the diagonal is 0";
    return luron__linalg_run(ctx, &job, a->ndim - 2);
}

/* The same, of the part of a that was read. */
static luron_status triangular_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                        int i) {
    luron__expr e = {.ctx = ctx};
    bool upper = node->attrs.at[0] != 0, unit = node->attrs.at[1] != 0;
    luron_tensor *db =
        applied(&e, node->op, luron__expr_t(&e, node->in[0]), g, (upper ? 0 : UPPER) | (unit ? UNIT : 0));
    if (i == 1) return luron__expr_done(&e, db, out);
    luron_tensor *product = luron__expr_2(&e, luron_matmul, db, luron__expr_t(&e, luron__expr_out(&e, node)));
    luron_tensor *part = luron__expr_triangle(&e, product, upper, !unit ? 0 : upper ? 1 : -1);
    return luron__expr_done(&e, luron__expr_1(&e, luron_neg, part), out);
}

static const luron__op_attr triangular_attrs[] = {
    {"upper", LURON__ATTR_BOOL, 0}, {"unitriangular", LURON__ATTR_BOOL, 1}, {0}};
static const luron__op op_triangular = {.name = "solve_triangular",
                                        .saves = LURON__SAVE_IN(0) | LURON__SAVE_OUT,
                                        .infer = triangular_infer,
                                        .compute = triangular_compute,
                                        .gradient = triangular_gradient,
                                        .attrs = triangular_attrs,
                                        .n_in = 2};

luron_status luron_solve_triangular(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b, int upper,
                                    int unitriangular) {
    return solution(out, ctx, &op_triangular, a, b, (upper ? UPPER : 0) | (unitriangular ? UNIT : 0));
}

/* ---- inverse ----------------------------------------------------------------------------------------------------- */
static int64_t inverse_one(const luron__linalg *job, int64_t i, bool fresh, double *work) {
    int64_t n = job->n, *pivot = (int64_t *)(void *)(work + n * n);
    double *b = work + n * n + n;
    (void)fresh;
    luron__linalg_read(job, 0, i, false, work);
    int64_t failed = luron__lu(n, work, pivot);
    if (failed) return failed;
    memset(b, 0, (size_t)(n * n) * sizeof *b);
    for (int64_t k = 0; k < n; k++)
        b[k * n + k] = 1;
    luron__lu_solve(n, n, work, pivot, b);
    luron__linalg_write(job, i, n * n, 0, 1, n * n, b);
    return 0;
}

static luron_status inverse_compute(luron_ctx *ctx, luron__apply *a) {
    int64_t n = size_of(a->in[0]);
    luron__linalg job = {.a = a, .one = inverse_one, .n = n, .work = 2 * n * n + n};
    job.fault = "is singular: pivot", job.ended = "is 0";
    return luron__linalg_run(ctx, &job, a->ndim - 2);
}

/* da = -y^T g y^T. */
static luron_status inverse_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                     int i) {
    luron__expr e = {.ctx = ctx};
    (void)i;
    luron_tensor *y = luron__expr_t(&e, luron__expr_out(&e, node));
    luron_tensor *product = luron__expr_2(&e, luron_matmul, luron__expr_2(&e, luron_matmul, y, g), y);
    return luron__expr_done(&e, luron__expr_1(&e, luron_neg, product), out);
}

static const luron__op op_inverse = {.name = "inverse",
                                     .saves = LURON__SAVE_OUT,
                                     .infer = infer_same,
                                     .compute = inverse_compute,
                                     .gradient = inverse_gradient,
                                     .n_in = 1};

luron_status luron_inverse(luron_tensor **out, luron_ctx *ctx, luron_tensor *a) {
    LURON_TRY(luron__check_matrix(ctx, "inverse", a, true));
    return luron__apply_op(out, ctx, &op_inverse, 1, &a, NULL);
}

/* ---- cholesky ---------------------------------------------------------------------------------------------------- */
static int64_t cholesky_one(const luron__linalg *job, int64_t i, bool fresh, double *work) {
    (void)fresh;
    luron__linalg_read(job, 0, i, false, work);
    int64_t failed = luron__cholesky(job->n, work);
    luron__linalg_write(job, i, job->n * job->n, 0, 1, job->n * job->n, work);
    return failed;
}

static luron_status cholesky_compute(luron_ctx *ctx, luron__apply *a) {
    luron__linalg job = {.a = a, .one = cholesky_one, .n = size_of(a->in[0])};
    job.work = job.n * job.n;
    job.fault = "is not positive definite: pivot", job.ended = "is not above 0";
    return luron__linalg_run(ctx, &job, a->ndim - 2);
}

/* da = l^-T p l^-1, where p is the symmetric part of the lower triangle of l^T g, whose diagonal counts half. */
static luron_status cholesky_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                      int i) {
    luron__expr e = {.ctx = ctx};
    (void)i;
    luron_tensor *lt = luron__expr_t(&e, luron__expr_out(&e, node)), *m = luron__expr_2(&e, luron_matmul, lt, g);
    luron_tensor *below = luron__expr_t(&e, luron__expr_triangle(&e, m, false, -1));
    luron_tensor *p = luron__expr_2(&e, luron_add, luron__expr_triangle(&e, m, false, 0), below);
    luron_tensor *left = applied(&e, &op_triangular, lt, p, UPPER);
    luron_tensor *both = applied(&e, &op_triangular, lt, luron__expr_t(&e, left), UPPER);
    return luron__expr_done(&e, luron__expr_scale(&e, both, 0.5, 0), out);
}

static const luron__op op_cholesky = {.name = "cholesky",
                                      .saves = LURON__SAVE_OUT,
                                      .infer = infer_same,
                                      .compute = cholesky_compute,
                                      .gradient = cholesky_gradient,
                                      .n_in = 1};
const luron__op *const luron__ops_linalg[] = {&op_solve, &op_triangular, &op_inverse, &op_cholesky, NULL};

luron_status luron_cholesky(luron_tensor **out, luron_ctx *ctx, luron_tensor *a) {
    LURON_TRY(luron__check_matrix(ctx, "cholesky", a, true));
    return luron__apply_op(out, ctx, &op_cholesky, 1, &a, NULL);
}
