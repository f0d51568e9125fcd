/* op_matrices.h -- functions of op_list.h that do not take any numbers: linear algebra needs matrices away from
 * singular ones and with values apart, and what is unique up to signs alone is checked by products without them; sparse
 * products need a structure. Each is made from the random inputs, on the tape, so that all of their numbers are
 * differentiated. */
#ifndef OP_MATRICES_H
#define OP_MATRICES_H
#include "luron/luron.h"

/** op(x y, y): the quotient is x, which keeps away from whole numbers, where these jump. */
static inline luron_status times_and_back(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *y,
                                          luron_status (*op)(luron_tensor **, luron_ctx *, luron_tensor *,
                                                             luron_tensor *)) {
    luron_tensor *xy;
    LURON_TRY(luron_mul(&xy, ctx, x, y));
    luron_status status = op(out, ctx, xy, y);
    luron_tensor_unref(xy);
    return status;
}

/** x / (d max(m, n)) and on the diagonal base + step i more: rows of x with numbers below 2 come to less than 2 / d. */
static inline luron_status with_diagonal(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, double d, double base,
                                         double step) {
    const int64_t m = luron_tensor_size(x, -2), n = luron_tensor_size(x, -1), k = m < n ? m : n, max = m > n ? m : n;
    luron_tensor *eye = NULL, *diagonal = NULL, *values = NULL, *small = NULL;
    luron_status status = luron_tensor_full(&eye, ctx, luron_tensor_dtype(x), LURON_SHAPE(m, n), 0);
    if (!status) status = luron_diagonal(&diagonal, ctx, eye, 0, 0, 1);
    if (!status) status = luron_tensor_arange(&values, ctx, luron_tensor_dtype(x), 0, (double)k, 1);
    if (!status) status = luron_scale(&small, ctx, values, step, base);
    if (!status) status = luron_tensor_copy(ctx, diagonal, small);
    luron_tensor_unref(small), small = NULL;
    if (!status) status = luron_scale(&small, ctx, x, 1 / (d * (double)(max ? max : 1)), 0);
    if (!status) status = luron_add(out, ctx, small, eye);
    luron_tensor_unref(eye);
    luron_tensor_unref(diagonal);
    luron_tensor_unref(values);
    luron_tensor_unref(small);
    return status;
}

/** Rows dominated by the diagonal: far from singular, also in the first columns of a matrix that is not square. */
static inline luron_status regular(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return with_diagonal(out, ctx, x, 2, 1.25, 0);
}
/** Singular values at least 1/4 apart, and from 0. */
static inline luron_status apart(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return with_diagonal(out, ctx, x, 4, 1.25, 1.25);
}

/** (x + x^T) / 2 of what `make` makes. */
static inline luron_status symmetric(luron_tensor **out, luron_ctx *ctx, luron_tensor *x,
                                     luron_status (*make)(luron_tensor **, luron_ctx *, luron_tensor *)) {
    luron_tensor *a = NULL, *t = NULL, *sum = NULL;
    luron_status status = make(&a, ctx, x);
    if (!status) status = luron_transpose(&t, ctx, a, -1, -2);
    if (!status) status = luron_add(&sum, ctx, a, t);
    if (!status) status = luron_scale(out, ctx, sum, 0.5, 0);
    luron_tensor_unref(a);
    luron_tensor_unref(t);
    luron_tensor_unref(sum);
    return status;
}

/** a diag(1, 2, ...) b: no sign of a column of a, with that of the row of b, is in it. */
static inline luron_status without_signs(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    luron_tensor *w = NULL, *aw = NULL;
    luron_status status =
        luron_tensor_arange(&w, ctx, luron_tensor_dtype(a), 1, (double)luron_tensor_size(a, -1) + 1, 1);
    if (!status) status = luron_mul(&aw, ctx, a, w);
    if (!status) status = luron_matmul(out, ctx, aw, b);
    luron_tensor_unref(w);
    luron_tensor_unref(aw);
    return status;
}

static inline luron_status regular_solve(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *b) {
    luron_tensor *a;
    LURON_TRY(regular(&a, ctx, x));
    luron_status status = luron_solve(out, ctx, a, b);
    luron_tensor_unref(a);
    return status;
}
static inline luron_status regular_triangle(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *b,
                                            int upper, int unitriangular) {
    luron_tensor *a;
    LURON_TRY(regular(&a, ctx, x));
    luron_status status = luron_solve_triangular(out, ctx, a, b, upper, unitriangular);
    luron_tensor_unref(a);
    return status;
}
static inline luron_status regular_inverse(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *a;
    LURON_TRY(regular(&a, ctx, x));
    luron_status status = luron_inverse(out, ctx, a);
    luron_tensor_unref(a);
    return status;
}
static inline luron_status regular_slogdet(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *a;
    LURON_TRY(regular(&a, ctx, x));
    luron_status status = luron_slogdet(&outs[0], &outs[1], ctx, a);
    luron_tensor_unref(a);
    return status;
}
static inline luron_status regular_cholesky(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *a;
    LURON_TRY(symmetric(&a, ctx, x, regular));
    luron_status status = luron_cholesky(out, ctx, a);
    luron_tensor_unref(a);
    return status;
}
static inline luron_status regular_qr(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *a;
    LURON_TRY(regular(&a, ctx, x));
    luron_status status = luron_qr(&outs[0], &outs[1], ctx, a);
    luron_tensor_unref(a);
    return status;
}

/** outs: s; u w u^T, u w vh and vh^T w vh with w = diag(1, 2, ...). */
static inline luron_status apart_svd(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *a, *u = NULL, *vh = NULL, *ut = NULL, *v = NULL;
    LURON_TRY(apart(&a, ctx, x));
    luron_status status = luron_svd(&u, &outs[0], &vh, ctx, a);
    if (!status) status = luron_transpose(&ut, ctx, u, -1, -2);
    if (!status) status = luron_transpose(&v, ctx, vh, -1, -2);
    if (!status) status = without_signs(&outs[1], ctx, u, ut);
    if (!status) status = without_signs(&outs[2], ctx, u, vh);
    if (!status) status = without_signs(&outs[3], ctx, v, vh);
    luron_tensor_unref(a);
    luron_tensor_unref(u);
    luron_tensor_unref(vh);
    luron_tensor_unref(ut);
    luron_tensor_unref(v);
    return status;
}
/** outs: values; q w q^T. */
static inline luron_status apart_eigh(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *a, *q = NULL, *qt = NULL;
    LURON_TRY(symmetric(&a, ctx, x, apart));
    luron_status status = luron_eigh(&outs[0], &q, ctx, a);
    if (!status) status = luron_transpose(&qt, ctx, q, -1, -2);
    if (!status) status = without_signs(&outs[1], ctx, q, qt);
    luron_tensor_unref(a);
    luron_tensor_unref(q);
    luron_tensor_unref(qt);
    return status;
}

/** A structure from pairs of ids; *place: the entry of each pair. Owned, as transposed says. */
typedef struct pairs {
    luron_csr a;
    luron_tensor *place;
} pairs;
static inline void pairs_free(pairs *p) {
    luron_tensor_unref(p->a.offsets), luron_tensor_unref(p->a.cols), luron_tensor_unref(p->a.order);
    luron_tensor_unref(p->a.offsets_t), luron_tensor_unref(p->a.cols_t), luron_tensor_unref(p->a.order_t);
    luron_tensor_unref(p->place);
}
static inline luron_status pairs_new(pairs *p, luron_ctx *ctx, luron_tensor *rows, luron_tensor *cols, int64_t n_rows,
                                     int64_t n_cols, int transposed) {
    *p = (pairs){.a = {.n_cols = n_cols}};
    luron_csr *a = &p->a;
    luron_status status = luron_csr_from_coo(&a->offsets, &a->cols, &p->place, ctx, rows, cols, n_rows, n_cols);
    if (status || !transposed) return status;
    status = luron_csr_transpose(&a->offsets_t, &a->cols_t, &a->order_t, ctx, a);
    if (status) {
        pairs_free(p);
        return status;
    }
    *a = (luron_csr){n_rows, a->offsets_t, a->cols_t, a->order_t, a->offsets, a->cols, NULL};
    return LURON_OK;
}

/** in: row ids, column ids, values of the pairs (NULL: all entries 1), x. transposed: the matrix is applied as its
 *  transpose, by the structure that csr_transpose makes. */
static inline luron_status pairs_matmul(luron_tensor **out, luron_ctx *ctx, luron_tensor *const *in, int64_t n_rows,
                                        int64_t n_cols, int transposed) {
    pairs p;
    luron_tensor *none = NULL, *values = NULL;
    LURON_TRY(pairs_new(&p, ctx, in[0], in[1], n_rows, n_cols, transposed));
    luron_status status = LURON_OK;
    if (in[2]) {
        status = luron_tensor_full(&none, ctx, luron_tensor_dtype(in[2]), LURON_SHAPE(luron_tensor_numel(p.a.cols)), 0);
        if (!status) status = luron_index_add(&values, ctx, none, 0, p.place, in[2]);
    }
    if (!status) status = luron_csr_matmul(out, ctx, &p.a, values, in[3]);
    luron_tensor_unref(none);
    luron_tensor_unref(values);
    pairs_free(&p);
    return status;
}
/** in: row ids, column ids, g, x. */
static inline luron_status pairs_sample(luron_tensor **out, luron_ctx *ctx, luron_tensor *const *in, int64_t n_rows,
                                        int64_t n_cols, int transposed) {
    pairs p;
    LURON_TRY(pairs_new(&p, ctx, in[0], in[1], n_rows, n_cols, transposed));
    luron_status status = luron_csr_sample(out, ctx, &p.a, in[2], in[3]);
    pairs_free(&p);
    return status;
}
#endif
