/* ops_sparse.c -- products of a sparse matrix in compressed rows with dense ones. The gradients of csr_matmul and
 * csr_sample are these two again, of the structure or of its transpose, which shares the values through `order`: so no
 * values are moved, and any order of derivative works. at = n_cols, base; operands as listed below. */
#include "ops_sparse.h"

#include <string.h>

enum { GRAIN = 32768 };

static luron_status check_real(luron_ctx *ctx, const char *what, const char *name, const luron_tensor *t) {
    LURON__CHECK(ctx, t->dtype == LURON_F32 || t->dtype == LURON_F64, LURON_E_DTYPE,
                 "%s: %s: float32 or float64 expected, got %s", what, name, luron_dtype_name(t->dtype));
    return LURON_OK;
}

/* ---- matmul ------------------------------------------------------------------------------------------------------ */
typedef struct product {
    int64_t base, n;
    uint32_t dtype;
    const int64_t *offsets, *cols, *order; /* order NULL: as they come */
    const void *left, *right;
    void *out;
} product;

static product product_of(const luron__apply *a, int64_t n) {
    return (product){.base = a->attrs.at[1],
                     .n = n,
                     .dtype = a->dtype,
                     .offsets = ids_of(a->in[OFFSETS]),
                     .cols = ids_of(a->in[COLS]),
                     .order = a->in[ORDER] ? ids_of(a->in[ORDER]) : NULL,
                     .left = a->in[LEFT] ? luron__data(a->in[LEFT]) : NULL,
                     .right = luron__data(a->in[RIGHT]),
                     .out = luron__data(a->out)};
}

/* Rows of about GRAIN multiplications a chunk, by sizes alone. */
static void run(luron_ctx *ctx, const luron__apply *a, void (*fn)(void *, int64_t, int64_t, int64_t), product *p) {
    int64_t rows = count_of(a->in[OFFSETS]) - 1, entries = count_of(a->in[COLS]);
    double each = rows ? ((double)entries / (double)rows + 1) * (double)(p->n + 1) : 1;
    luron__parallel_for(ctx->threads, rows, each < GRAIN ? (int64_t)(GRAIN / each) : 1, fn, p);
}

#define SOME_ROWS(T, name)                                                                                             \
    static void name(const product *p, int64_t begin, int64_t end) {                                                   \
        const T *values = p->left, *x = p->right;                                                                      \
        for (int64_t r = begin; r < end; r++) {                                                                        \
            T *restrict out = (T *)p->out + r * p->n;                                                                  \
            memset(out, 0, (size_t)p->n * sizeof *out);                                                                \
            for (int64_t e = p->offsets[r] - p->base; e < p->offsets[r + 1] - p->base; e++) {                          \
                const T v = values ? values[p->order ? p->order[e] - p->base : e] : 1;                                 \
                const T *restrict row = x + (p->cols[e] - p->base) * p->n;                                             \
                for (int64_t i = 0; i < p->n; i++)                                                                     \
                    out[i] += v * row[i];                                                                              \
            }                                                                                                          \
        }                                                                                                              \
    }
SOME_ROWS(float, some_rows_f32)
SOME_ROWS(double, some_rows_f64)

static void some_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const product *p = arg;
    (void)chunk;
    (p->dtype == LURON_F32 ? some_rows_f32 : some_rows_f64)(p, begin, end);
}

/* One of the lists of a structure, by its shape: who reads its numbers checks them (luron__csr_take). n -1: any length. */
static luron_status check_shape_of(luron_ctx *ctx, const luron__apply *a, int i, int64_t n) {
    static const char *const names[] = {"offsets", "cols", "order", "offsets_t", "cols_t", "order_t"};
    char text[LURON__SHAPE_TEXT];
    const luron_tensor *t = a->in[i];
    if (!t && i > COLS) return LURON_OK;
    LURON__CHECK(ctx, t, LURON_E_ARGUMENT, "%s: %s: a tensor expected", a->op->name, names[i]);
    LURON__CHECK(ctx, t->dtype == LURON_I64, LURON_E_DTYPE, "%s: %s: int64 expected, got %s", a->op->name, names[i],
                 luron_dtype_name(t->dtype));
    LURON__CHECK(ctx, t->ndim == 1 && (n < 0 ? t->shape[0] > 0 : t->shape[0] == n), LURON_E_SHAPE,
                 "%s: %s: a list of %lld expected, got %s", a->op->name, names[i], (long long)(n < 0 ? 1 : n),
                 luron_shape_text(text, sizeof text, t->ndim, t->shape));
    return LURON_OK;
}

static luron_status check_structure(luron_ctx *ctx, const luron__apply *a) {
    LURON_TRY(check_shape_of(ctx, a, COLS, a->in[COLS] && a->in[COLS]->ndim == 1 ? count_of(a->in[COLS]) : 0));
    LURON_TRY(check_shape_of(ctx, a, OFFSETS, -1));
    const int64_t entries = count_of(a->in[COLS]), columns = a->attrs.at[0];
    LURON__CHECK(ctx, columns >= 0 && columns < INT64_MAX, LURON_E_ARGUMENT,
                 "%s: n_cols is %lld, it must not be negative", a->op->name, (long long)columns);
    LURON_TRY(check_shape_of(ctx, a, ORDER, entries));
    LURON__CHECK(ctx, !a->in[OFFSETS_T] == !a->in[COLS_T], LURON_E_ARGUMENT,
                 "%s: offsets_t and cols_t: both or none expected", a->op->name);
    LURON_TRY(check_shape_of(ctx, a, OFFSETS_T, columns + 1));
    LURON_TRY(check_shape_of(ctx, a, COLS_T, entries));
    return check_shape_of(ctx, a, ORDER_T, entries);
}

/* What is multiplied; a->dtype: of one that is wider the other is cast (luron_csr_matmul, luron_csr_sample). */
static luron_status check_factors(luron_ctx *ctx, luron__apply *a, const char *left, int left_ndim) {
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    const luron_tensor *l = a->in[LEFT], *r = a->in[RIGHT];
    LURON__CHECK(ctx, r && (l || a->op->optional >> LEFT & 1), LURON_E_ARGUMENT, "%s: %s: a tensor expected",
                 a->op->name, r ? left : "x");
    LURON_TRY(check_real(ctx, a->op->name, "x", r));
    if (l) LURON_TRY(check_real(ctx, a->op->name, left, l));
    LURON__CHECK(ctx, r->ndim == 2 && r->shape[0] == a->attrs.at[0] && (!l || l->ndim == left_ndim), LURON_E_SHAPE,
                 "%s: for a matrix of %lld columns, x (%lld, N) and %s of %d dims expected, got %s and %s", a->op->name,
                 (long long)a->attrs.at[0], (long long)a->attrs.at[0], left, left_ndim,
                 luron_shape_text(s, sizeof s, r->ndim, r->shape),
                 l ? luron_shape_text(t, sizeof t, l->ndim, l->shape) : "none");
    a->dtype = l && l->dtype == LURON_F64 ? LURON_F64 : r->dtype;
    return LURON_OK;
}

/* values (entries) or none, x (n_cols, N) -> (M, N) */
static luron_status matmul_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(check_structure(ctx, a));
    LURON_TRY(check_factors(ctx, a, "values", 1));
    LURON__CHECK(ctx, !a->in[LEFT] || count_of(a->in[LEFT]) == count_of(a->in[COLS]), LURON_E_SHAPE,
                 "%s: values: one for each of %lld entries expected, got %lld", a->op->name,
                 (long long)count_of(a->in[COLS]), (long long)count_of(a->in[LEFT]));
    a->ndim = 2;
    a->shape[0] = count_of(a->in[OFFSETS]) - 1, a->shape[1] = a->in[RIGHT]->shape[1];
    return luron__check_shape(ctx, a->dtype, 2, a->shape, NULL);
}

static luron_status matmul_compute(luron_ctx *ctx, luron__apply *a) {
    product p = product_of(a, a->shape[1]);
    run(ctx, a, some_rows, &p);
    return LURON_OK;
}

/* ---- sample ------------------------------------------------------------------------------------------------------ */
/* A chain of sums in lanes, by n alone. */
#define SOME_DOTS(T, name)                                                                                             \
    static void name(const product *p, int64_t begin, int64_t end) {                                                   \
        enum { LANES = 8 };                                                                                            \
        const T *gs = p->left, *xs = p->right;                                                                         \
        T *out = p->out;                                                                                               \
        for (int64_t r = begin; r < end; r++)                                                                          \
            for (int64_t e = p->offsets[r] - p->base; e < p->offsets[r + 1] - p->base; e++) {                          \
                const T *g = gs + r * p->n, *x = xs + (p->cols[e] - p->base) * p->n;                                   \
                T lane[LANES] = {0}, sum = 0;                                                                          \
                int64_t i = 0;                                                                                         \
                for (; i + LANES <= p->n; i += LANES)                                                                  \
                    for (int l = 0; l < LANES; l++)                                                                    \
                        lane[l] += g[i + l] * x[i + l];                                                                \
                for (int l = 0; i < p->n; i++, l++)                                                                    \
                    lane[l] += g[i] * x[i];                                                                            \
                for (int l = 0; l < LANES; l++)                                                                        \
                    sum += lane[l];                                                                                    \
                out[p->order ? p->order[e] - p->base : e] = sum;                                                       \
            }                                                                                                          \
    }
SOME_DOTS(float, some_dots_f32)
SOME_DOTS(double, some_dots_f64)

static void some_dots(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const product *p = arg;
    (void)chunk;
    (p->dtype == LURON_F32 ? some_dots_f32 : some_dots_f64)(p, begin, end);
}

/* g (M, N), x (n_cols, N) -> (entries) */
static luron_status sample_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(check_structure(ctx, a));
    LURON_TRY(check_factors(ctx, a, "g", 2));
    const luron_tensor *g = a->in[LEFT], *x = a->in[RIGHT];
    LURON__CHECK(ctx, g->shape[0] == count_of(a->in[OFFSETS]) - 1 && g->shape[1] == x->shape[1], LURON_E_SHAPE,
                 "%s: g (%lld, %lld) expected, got (%lld, %lld)", a->op->name,
                 (long long)count_of(a->in[OFFSETS]) - 1, (long long)x->shape[1], (long long)g->shape[0],
                 (long long)g->shape[1]);
    a->ndim = 1, a->shape[0] = count_of(a->in[COLS]);
    return LURON_OK;
}

static luron_status sample_compute(luron_ctx *ctx, luron__apply *a) {
    product p = product_of(a, a->in[RIGHT]->shape[1]);
    run(ctx, a, some_dots, &p);
    return LURON_OK;
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static const luron__op op_matmul, op_sample;

/* op on the structure of the node, or on its transpose, which is made if it has none. */
static luron_status again(luron_tensor **out, luron_ctx *ctx, const luron__op *op, const luron__node *node,
                          bool transposed, luron_tensor *left, luron_tensor *right) {
    luron_tensor *in[N_IN], *made[3] = {NULL};
    luron__attrs attrs = node->attrs;
    memcpy(in, node->in, sizeof in);
    if (transposed) {
        if (!in[OFFSETS_T]) LURON_TRY(luron__csr_transpose(made, ctx, node->in, attrs.at[0], attrs.at[1]));
        memcpy(in, made[0] ? made : node->in + OFFSETS_T, 3 * sizeof *in);
        memcpy(in + OFFSETS_T, node->in, 3 * sizeof *in);
        attrs.at[0] = count_of(node->in[OFFSETS]) - 1;
    }
    in[LEFT] = left, in[RIGHT] = right;
    luron__expr e = {.ctx = ctx}; /* the dense ones may be views */
    if (left) in[LEFT] = luron__expr_1(&e, luron_contiguous, left);
    in[RIGHT] = luron__expr_1(&e, luron_contiguous, right);
    luron_tensor *y = NULL;
    if (!e.status) y = luron__expr_keep(&e, luron__apply_op(&y, ctx, op, N_IN, in, &attrs), &y);
    for (int i = 0; i < 3; i++)
        luron_tensor_unref(made[i]);
    return luron__expr_done(&e, y, out);
}

/* y = a x: d values = the elements of g x^T that a has, dx = a^T g. */
static luron_status matmul_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                    int i) {
    if (i == LEFT) return again(out, ctx, &op_sample, node, false, g, node->in[RIGHT]);
    return again(out, ctx, &op_matmul, node, true, node->in[LEFT], g);
}

/* s = elements of h x^T: dh = s' x, dx = s'^T h, where s' has the gradients g as its values. */
static luron_status sample_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                    int i) {
    if (i == LEFT) return again(out, ctx, &op_matmul, node, false, g, node->in[RIGHT]);
    return again(out, ctx, &op_matmul, node, true, g, node->in[LEFT]);
}

/* ---- in models: whatever the lists of a file hold, they are checked as those of a program are ------------------------ */
static luron_status call(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in,
                         const luron__attrs *attrs) {
    const luron_csr a = {attrs->at[0], in[OFFSETS], in[COLS], in[ORDER], in[OFFSETS_T], in[COLS_T], in[ORDER_T]};
    luron__apply shapes = {.op = op, .n_in = n_in, .in = in, .attrs = *attrs};
    LURON_TRY(op->infer(ctx, &shapes));
    if (ctx->shapes_only) return luron__apply_op(out, ctx, op, n_in, in, attrs);
    return (op == &op_sample ? luron_csr_sample : luron_csr_matmul)(out, ctx, &a, in[LEFT], in[RIGHT]);
}

static const luron__op_attr attrs_of_csr[] = {{"n_cols", LURON__ATTR_INT, 0}, {"base", LURON__ATTR_BASE, 1}, {0}};
enum {
    MAY_MISS = 1 << ORDER | 1 << OFFSETS_T | 1 << COLS_T | 1 << ORDER_T,
    ARE_IDS = 1 << OFFSETS | 1 << COLS | MAY_MISS
};
static const luron__op op_matmul = {.name = "csr_matmul",
                                    .saves = LURON__SAVE_ALL_IN,
                                    .infer = matmul_infer,
                                    .compute = matmul_compute,
                                    .gradient = matmul_gradient,
                                    .attrs = attrs_of_csr,
                                    .n_in = N_IN,
                                    .ids_in = ARE_IDS,
                                    .optional = MAY_MISS | 1 << LEFT,
                                    .call = call};
/* With values that want no gradient x is not needed again. */
static const luron__op op_matmul_fixed = {.name = "csr_matmul",
                                          .saves = LURON__SAVE_ALL_IN & ~LURON__SAVE_IN(RIGHT),
                                          .infer = matmul_infer,
                                          .compute = matmul_compute,
                                          .gradient = matmul_gradient,
                                          .optional = MAY_MISS | 1 << LEFT};
static const luron__op op_sample = {.name = "csr_sample",
                                    .saves = LURON__SAVE_ALL_IN,
                                    .infer = sample_infer,
                                    .compute = sample_compute,
                                    .gradient = sample_gradient,
                                    .attrs = attrs_of_csr,
                                    .n_in = N_IN,
                                    .ids_in = ARE_IDS,
                                    .optional = MAY_MISS,
                                    .call = call};
const luron__op *const luron__ops_sparse[] = {&op_matmul, &op_sample, NULL};

/* ---- public ------------------------------------------------------------------------------------------------------ */

/* Of one dtype, without gaps. left may be NULL. */
static void make_alike(luron__expr *e, luron_tensor **left, luron_tensor **right) {
    uint32_t dtype = *left && (*left)->dtype == LURON_F64 ? LURON_F64 : (*right)->dtype;
    if (*left) *left = luron__expr_1(e, luron_contiguous, luron__expr_cast(e, *left, dtype));
    *right = luron__expr_1(e, luron_contiguous, luron__expr_cast(e, *right, dtype));
}

static luron_status matmul(luron_tensor **y, luron__expr *e, const luron_csr *a, luron_tensor *values,
                           luron_tensor *x) {
    luron_ctx *ctx = e->ctx;
    luron_tensor *in[N_IN], *made = NULL;
    char text[LURON__SHAPE_TEXT];
    LURON_TRY(luron__csr_take(in, e, "csr_matmul", a));
    LURON_TRY(check_real(ctx, "csr_matmul", "x", x));
    luron_shape_text(text, sizeof text, x->ndim, x->shape);
    LURON__CHECK(ctx, x->ndim == 1 || x->ndim == 2, LURON_E_SHAPE,
                 "csr_matmul: x: a matrix or a vector expected, got %s", text);
    LURON__CHECK(ctx, x->shape[0] == a->n_cols, LURON_E_SHAPE,
                 "csr_matmul: the matrix has %lld columns, so x must have as many rows, got %s", (long long)a->n_cols,
                 text);
    if (values) {
        LURON_TRY(check_real(ctx, "csr_matmul", "values", values));
        LURON__CHECK(ctx, values->ndim == 1 && count_of(values) == count_of(in[COLS]), LURON_E_SHAPE,
                     "csr_matmul: values: one for each of %lld entries expected, got %s", (long long)count_of(in[COLS]),
                     luron_shape_text(text, sizeof text, values->ndim, values->shape));
    }
    luron_tensor *wide = x;
    if (x->ndim == 1) wide = luron__expr_keep(e, luron_unsqueeze(&wide, ctx, x, 1), &wide);
    in[LEFT] = values, in[RIGHT] = wide;
    if (!e->status) make_alike(e, &in[LEFT], &in[RIGHT]);
    if (e->status) return e->status;
    luron__attrs attrs = {.at = {a->n_cols, ctx->index_base}};
    /* a trace knows the one that has a name in files */
    const luron__op *op = ctx->trace || (values && values->requires_grad) ? &op_matmul : &op_matmul_fixed;
    *y = luron__expr_keep(e, luron__apply_op(&made, ctx, op, N_IN, in, &attrs), &made);
    if (x->ndim == 1 && !e->status) *y = luron__expr_keep(e, luron_squeeze(y, ctx, made, 1), y);
    return e->status;
}

luron_status luron_csr_matmul(luron_tensor **out, luron_ctx *ctx, const luron_csr *a, luron_tensor *values,
                              luron_tensor *x) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *y = NULL;
    luron_status status = matmul(&y, &e, a, values, x);
    return luron__csr_finish(out, &e, y, status);
}

static luron_status sample(luron_tensor **y, luron__expr *e, const luron_csr *a, luron_tensor *g, luron_tensor *x) {
    luron_ctx *ctx = e->ctx;
    luron_tensor *in[N_IN], *made = NULL;
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON_TRY(luron__csr_take(in, e, "csr_sample", a));
    LURON_TRY(check_real(ctx, "csr_sample", "g", g));
    LURON_TRY(check_real(ctx, "csr_sample", "x", x));
    int64_t n_rows = count_of(in[OFFSETS]) - 1;
    bool fits =
        g->ndim == 2 && x->ndim == 2 && g->shape[0] == n_rows && x->shape[0] == a->n_cols && g->shape[1] == x->shape[1];
    LURON__CHECK(ctx, fits, LURON_E_SHAPE,
                 "csr_sample: for a matrix (%lld, %lld), g (%lld, N) and x (%lld, N) expected, got %s and %s",
                 (long long)n_rows, (long long)a->n_cols, (long long)n_rows, (long long)a->n_cols,
                 luron_shape_text(s, sizeof s, g->ndim, g->shape), luron_shape_text(t, sizeof t, x->ndim, x->shape));
    in[LEFT] = g, in[RIGHT] = x;
    make_alike(e, &in[LEFT], &in[RIGHT]);
    if (e->status) return e->status;
    luron__attrs attrs = {.at = {a->n_cols, ctx->index_base}};
    *y = luron__expr_keep(e, luron__apply_op(&made, ctx, &op_sample, N_IN, in, &attrs), &made);
    return e->status;
}

luron_status luron_csr_sample(luron_tensor **out, luron_ctx *ctx, const luron_csr *a, luron_tensor *g,
                              luron_tensor *x) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *y = NULL;
    luron_status status = sample(&y, &e, a, g, x);
    return luron__csr_finish(out, &e, y, status);
}
