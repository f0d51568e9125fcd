/* ops_matmul.c -- a @ b: rows and columns, matrices, and batches of matrices. */
#include "profile.h"

/* What is multiplied: `count` products of (m,k) and (k,n), batch dims outermost first. */
typedef struct product {
    int64_t m, n, k;
    int n_batch;
    int64_t batch[LURON_MAX_DIMS], a_stride[LURON_MAX_DIMS], b_stride[LURON_MAX_DIMS], count;
    int64_t a_row, a_col, b_row, b_col; /* strides */
} product;

/* ---- shapes ------------------------------------------------------------------------------------------------------ */
static luron_status check_operands(luron_ctx *ctx, const luron_tensor *a, const luron_tensor *b) {
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    bool real = (a->dtype == LURON_F32 || a->dtype == LURON_F64) && (b->dtype == LURON_F32 || b->dtype == LURON_F64);
    LURON__CHECK(ctx, real, LURON_E_DTYPE, "matmul: float32 or float64 expected, got %s @ %s",
                 luron_dtype_name(a->dtype), luron_dtype_name(b->dtype));
    luron_shape_text(s, sizeof s, a->ndim, a->shape);
    luron_shape_text(t, sizeof t, b->ndim, b->shape);
    LURON__CHECK(ctx, a->ndim > 0 && b->ndim > 0, LURON_E_SHAPE, "matmul: one dimension or more expected: %s @ %s", s,
                 t);
    int64_t a_inner = a->shape[a->ndim - 1], b_inner = b->shape[b->ndim == 1 ? 0 : b->ndim - 2];
    LURON__CHECK(ctx, a_inner == b_inner, LURON_E_SHAPE, "matmul: inner sizes differ: %s @ %s", s, t);
    for (int i = 3; i <= a->ndim && i <= b->ndim; i++) {
        int64_t x = a->shape[a->ndim - i], y = b->shape[b->ndim - i];
        LURON__CHECK(ctx, x == y || x == 1 || y == 1, LURON_E_SHAPE, "matmul: leading dims do not broadcast: %s @ %s",
                     s, t);
    }
    return LURON_OK;
}

static luron_status matmul_infer(luron_ctx *ctx, luron__apply *apply) {
    const luron_tensor *a = apply->in[0], *b = apply->in[1];
    LURON_TRY(check_operands(ctx, a, b));
    LURON__CHECK(ctx, a->dtype == b->dtype, LURON_E_DTYPE, "matmul: operands of one dtype expected, got %s @ %s",
                 luron_dtype_name(a->dtype), luron_dtype_name(b->dtype));
    apply->dtype = a->dtype;
    int n = a->ndim > b->ndim ? a->ndim : b->ndim, at = 0;
    for (int i = n; i >= 3; i--) {
        int64_t x = i <= a->ndim ? a->shape[a->ndim - i] : 1, y = i <= b->ndim ? b->shape[b->ndim - i] : 1;
        apply->shape[at++] = x == 1 ? y : x;
    }
    if (a->ndim > 1) apply->shape[at++] = a->shape[a->ndim - 2];
    if (b->ndim > 1) apply->shape[at++] = b->shape[b->ndim - 1];
    apply->ndim = at;
    return LURON_OK;
}

static product product_of(const luron_tensor *a, const luron_tensor *b) {
    int an = a->ndim, bn = b->ndim, n = an > bn ? an : bn;
    product p = {.k = a->shape[an - 1], .count = 1, .a_col = a->strides[an - 1]};
    p.m = an > 1 ? a->shape[an - 2] : 1;
    p.n = bn > 1 ? b->shape[bn - 1] : 1;
    p.a_row = an > 1 ? a->strides[an - 2] : 0;
    p.b_row = b->strides[bn > 1 ? bn - 2 : 0];
    p.b_col = bn > 1 ? b->strides[bn - 1] : 0;
    for (int i = n; i >= 3; i--) {
        int64_t x = i <= an ? a->shape[an - i] : 1, y = i <= bn ? b->shape[bn - i] : 1, size = x == 1 ? y : x;
        p.count *= size;
        if (size == 1) continue;
        p.batch[p.n_batch] = size;
        p.a_stride[p.n_batch] = x == 1 ? 0 : a->strides[an - i];
        p.b_stride[p.n_batch++] = y == 1 ? 0 : b->strides[bn - i];
    }
    /* Batches of rows that meet the same b and lie in one piece are one matrix of more rows. */
    while (p.n_batch && p.b_stride[p.n_batch - 1] == 0 && (p.m == 1 || p.a_stride[p.n_batch - 1] == p.m * p.a_row)) {
        p.n_batch--;
        if (p.m == 1) p.a_row = p.a_stride[p.n_batch];
        p.m *= p.batch[p.n_batch];
        p.count = p.batch[p.n_batch] ? p.count / p.batch[p.n_batch] : 0;
    }
    return p;
}

/* ---- computing --------------------------------------------------------------------------------------------------- */
/* Can the kernel read rows x cols with these strides in place? *ld and *trans say how. */
static bool in_place(int64_t rows, int64_t cols, int64_t row, int64_t col, int64_t *ld, bool *trans) {
    *trans = !(col == 1 || cols <= 1);
    *ld = *trans ? col : row;
    return !*trans || row == 1 || rows <= 1;
}

typedef struct batches {
    const product *p;
    luron__gemm_args gemm;
    const char *a, *b;
    char *c, *work;
    int64_t size, work_bytes;
    int threads;
} batches;

static void some_products(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const batches *job = arg;
    const product *p = job->p;
    for (int64_t i = begin; i < end; i++) {
        int64_t rest = i, a = 0, b = 0;
        for (int d = p->n_batch - 1; d >= 0; d--) {
            int64_t at = rest % p->batch[d];
            rest /= p->batch[d];
            a += at * p->a_stride[d];
            b += at * p->b_stride[d];
        }
        luron__gemm_args g = job->gemm;
        g.a = job->a + a * job->size;
        g.b = job->b + b * job->size;
        g.c = job->c + i * p->m * p->n * job->size;
        luron__gemm(&g, job->threads, job->work + chunk * job->work_bytes);
    }
}

/* Large products are shared out over threads one after the other, small ones go to a thread each. */
static luron_status multiply(luron_ctx *ctx, const product *p, luron__gemm_args g, const void *a, const void *b,
                             void *c) {
    enum { MOST_CHUNKS = 16 };
    batches job = {.p = p, .gemm = g, .a = a, .b = b, .c = c, .size = luron_dtype_size(g.dtype)};
    double flops = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    bool small = p->count > 1 && flops < 4e6;
    int64_t least = flops > 0 ? (int64_t)(1e6 / flops) + 1 : p->count, grain = p->count;
    if (small) {
        grain = (p->count + MOST_CHUNKS - 1) / MOST_CHUNKS;
        if (grain < least) grain = least;
        if (grain > p->count) grain = p->count;
    }
    int64_t chunks = (p->count + grain - 1) / grain;
    job.threads = small ? 1 : ctx->threads;
    job.work_bytes = luron__gemm_work(&g, job.threads);
    size_t bytes = (size_t)(job.work_bytes * chunks);
    job.work = luron__take(ctx, bytes);
    if (!job.work) return luron__nomem(ctx, bytes);
    luron__parallel_for(small ? ctx->threads : 1, p->count, grain, some_products, &job);
    luron__pool_free(ctx->pool, job.work, bytes);
    luron__profile_products(ctx->profile, p->count, p->m, p->n, p->k);
    return LURON_OK;
}

/* x as rows that the kernel can read in place: x itself or a copy; not on the tape. */
static luron_status readable(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, bool as_it_is) {
    luron_tensor *alias;
    LURON_TRY(luron__tensor_alias(&alias, ctx, x));
    if (as_it_is) {
        *out = alias;
        return LURON_OK;
    }
    luron_status status = luron_contiguous(out, ctx, alias);
    luron_tensor_unref(alias);
    return status;
}

/* Does one matrix stand for several of a batch? */
static bool repeats(const luron_tensor *b) {
    for (int i = 0; i < b->ndim - 2; i++)
        if (b->strides[i] == 0 && b->shape[i] > 1) return true;
    return false;
}

static luron_status matmul_compute(luron_ctx *ctx, luron__apply *apply) {
    luron_tensor *a = NULL, *b = NULL;
    if (luron_tensor_numel(apply->out) == 0) return LURON_OK;
    product p = product_of(apply->in[0], apply->in[1]);
    int64_t ld;
    bool trans;
    LURON_TRY(readable(&a, ctx, apply->in[0], in_place(p.m, p.k, p.a_row, p.a_col, &ld, &trans)));
    const bool far = p.n == 1 && p.m >= 32 && p.b_row != 1 && !repeats(apply->in[1]); /* a column whose numbers lie apart: many rows read it */
    luron_status status = readable(&b, ctx, apply->in[1], !far && in_place(p.k, p.n, p.b_row, p.b_col, &ld, &trans));
    if (!status) {
        p = product_of(a, b);
        luron__gemm_args g = {.dtype = apply->dtype, .m = p.m, .n = p.n, .k = p.k, .ldc = p.n, .isa = ctx->isa};
        in_place(p.m, p.k, p.a_row, p.a_col, &g.lda, &trans);
        g.flags = trans ? LURON_TRANS_A : 0;
        in_place(p.k, p.n, p.b_row, p.b_col, &g.ldb, &trans);
        g.flags |= trans ? LURON_TRANS_B : 0;
        status = multiply(ctx, &p, g, luron__data(a), luron__data(b), luron__data(apply->out));
    }
    luron_tensor_unref(a);
    luron_tensor_unref(b);
    return status;
}

/* ---- gradient ---------------------------------------------------------------------------------------------------- */
typedef luron_status dim_fn(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim);

/* *t, which is owned, becomes fn(*t, dim). */
static luron_status turn(luron_tensor **t, luron_ctx *ctx, dim_fn *fn, int dim) {
    luron_tensor *next;
    LURON_TRY(fn(&next, ctx, *t, dim));
    luron_tensor_unref(*t);
    *t = next;
    return LURON_OK;
}

/* All leading dims of x in one. */
static luron_status flatten(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    int64_t shape[2] = {1, x->shape[dim]};
    for (int i = 0; i < dim; i++)
        shape[0] *= x->shape[i];
    return luron_reshape(out, ctx, x, 2, shape);
}

static luron_status transpose_last(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    (void)dim;
    return luron_transpose(out, ctx, x, -2, -1);
}

/* da = g b^T. */
static luron_status gradient_a(luron_tensor **out, luron_ctx *ctx, luron_tensor **b, luron_tensor *g) {
    LURON_TRY(turn(b, ctx, transpose_last, 0));
    return luron_matmul(out, ctx, g, *b);
}

/* db = a^T g. Where b has no batch, all rows of all batches go into one product. */
static luron_status gradient_b(luron_tensor **out, luron_ctx *ctx, luron_tensor **a, luron_tensor **g, bool is_matrix) {
    if (is_matrix && (*a)->ndim > 2) {
        LURON_TRY(turn(a, ctx, flatten, (*a)->ndim - 1));
        LURON_TRY(turn(g, ctx, flatten, (*g)->ndim - 1));
    }
    LURON_TRY(turn(a, ctx, transpose_last, 0));
    return luron_matmul(out, ctx, *a, *g);
}

/* 1-d operands stand for matrices with a size of 1, which the gradient gets back first. */
static luron_status matmul_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *grad,
                                    int i) {
    luron_tensor *a = luron_tensor_ref(node->in[0]), *b = luron_tensor_ref(node->in[1]), *g = luron_tensor_ref(grad),
                 *made = NULL;
    bool row = a->ndim == 1, column = b->ndim == 1;
    luron_status status = LURON_OK;
    if (column) status = turn(&g, ctx, luron_unsqueeze, -1);
    if (!status && column) status = turn(&b, ctx, luron_unsqueeze, 1);
    if (!status && row) status = turn(&g, ctx, luron_unsqueeze, -2);
    if (!status && row) status = turn(&a, ctx, luron_unsqueeze, 0);
    if (!status) status = i == 0 ? gradient_a(&made, ctx, &b, g) : gradient_b(&made, ctx, &a, &g, b->ndim == 2);
    if (!status && i == 0 && row) status = turn(&made, ctx, luron_squeeze, -2);
    if (!status && i == 1 && column) status = turn(&made, ctx, luron_squeeze, -1);
    luron_tensor_unref(a);
    luron_tensor_unref(b);
    luron_tensor_unref(g);
    if (status)
        luron_tensor_unref(made);
    else
        *out = made;
    return status;
}

static luron_status matmul_call(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in,
                                luron_tensor *const *in, const luron__attrs *attrs) {
    (void)op, (void)n_in, (void)attrs;
    return luron_matmul(out, ctx, in[0], in[1]);
}

static const luron__op op_matmul = {.name = "matmul",
                                    .saves = LURON__SAVE_ALL_IN,
                                    .infer = matmul_infer,
                                    .compute = matmul_compute,
                                    .gradient = matmul_gradient,
                                    .n_in = 2,
                                    .call = matmul_call};
const luron__op *const luron__ops_matmul[] = {&op_matmul, NULL};

luron_status luron_matmul(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    LURON_TRY(check_operands(ctx, a, b));
    if (a->dtype == b->dtype) return luron__apply_op(out, ctx, &op_matmul, 2, (luron_tensor *[]){a, b}, NULL);
    luron_tensor *wide;
    LURON_TRY(luron_cast(&wide, ctx, a->dtype == LURON_F32 ? a : b, LURON_F64));
    luron_status status =
        luron__apply_op(out, ctx, &op_matmul, 2,
                        a->dtype == LURON_F32 ? (luron_tensor *[]){wide, b} : (luron_tensor *[]){a, wide}, NULL);
    luron_tensor_unref(wide);
    return status;
}
