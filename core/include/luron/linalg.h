/* linalg.h -- linear algebra on matrices, which are the last two dims; those in front are batches and broadcast as in
 * matmul. Rules: tensor.h. Functions are differentiable to any order; float32 and float64 (others: LURON_E_DTYPE). All is
 * computed in float64, by one thread a matrix, in a fixed order. Places and pivots in messages count in the context's
 * index base.                                                                                                         */
#ifndef LURON_LINALG_H
#define LURON_LINALG_H
#include "luron/tensor.h"
LURON_BEGIN_DECLS

/** x with a x = b. a (..., n, n); b (..., n, k), or a vector: (n), or a's shape without the last dim.
 *  @return LURON_E_ARGUMENT if a matrix is singular, naming it and the pivot that is 0. NaN and infinity go through. */
LURON_API LURON_NODISCARD luron_status luron_solve(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b);
/** The same for a triangle of a, of which the rest is not read; with `unitriangular` its diagonal is not read either and
 *  counts as 1. @return LURON_E_ARGUMENT if there is a 0 on the diagonal. */
LURON_API LURON_NODISCARD luron_status luron_solve_triangular(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b, int upper, int unitriangular);
/** @return LURON_E_ARGUMENT if a matrix is singular. */
LURON_API LURON_NODISCARD luron_status luron_inverse(luron_tensor **out, luron_ctx *ctx, luron_tensor *a);
/** Determinant: a (..., n, n) -> (...). The gradient is right at singular matrices too; the second derivative there is
 *  NaN where singular values are equal. */
LURON_API LURON_NODISCARD luron_status luron_det(luron_tensor **out, luron_ctx *ctx, luron_tensor *a);
/** Its sign (1, -1, 0), which needs no gradient, and the logarithm of its size, -infinity where the matrix is singular:
 *  there the gradient is LURON_E_ARGUMENT. */
LURON_API LURON_NODISCARD luron_status luron_slogdet(luron_tensor **sign, luron_tensor **logabsdet, luron_ctx *ctx, luron_tensor *a);
/** The lower l, with a positive diagonal, of a = l l^T. The lower triangle of a is read; the gradient is that for a
 *  symmetric a. @return LURON_E_ARGUMENT if a matrix is not positive definite. */
LURON_API LURON_NODISCARD luron_status luron_cholesky(luron_tensor **out, luron_ctx *ctx, luron_tensor *a);
/** a (..., m, n) = q r with q (..., m, k), of orthonormal columns, and r (..., k, n), upper triangular, k the smaller of m
 *  and n. Signs are LAPACK's, and so PyTorch's. The gradient needs the first k columns of a to be independent:
 *  LURON_E_ARGUMENT otherwise. */
LURON_API LURON_NODISCARD luron_status luron_qr(luron_tensor **q, luron_tensor **r, luron_ctx *ctx, luron_tensor *a);
/** a (..., m, n) = u diag(s) vh with u (..., m, k), s (..., k), descending, and vh (..., k, n), k the smaller of m and n.
 *  Unique up to signs, where values of s differ: in each column of u the first of the elements of nearly the largest size
 *  is positive. Gradients through u and vh have a meaning only for what does not depend on such choices, and are not
 *  finite where values of s are equal, or 0 is among them and a is not square; the gradient through s alone always is.
 *  @return LURON_E_ARGUMENT if an element is not finite. */
LURON_API LURON_NODISCARD luron_status luron_svd(luron_tensor **u, luron_tensor **s, luron_tensor **vh, luron_ctx *ctx, luron_tensor *a);
/** The symmetric a (..., n, n) = q diag(values) q^T: values (..., n), ascending, q (..., n, n) with a vector in each column,
 *  whose signs, and gradients, are as those of svd. The lower triangle of a is read; the gradient is that for a symmetric
 *  a. @return LURON_E_ARGUMENT if an element is not finite. */
LURON_API LURON_NODISCARD luron_status luron_eigh(luron_tensor **values, luron_tensor **q, luron_ctx *ctx, luron_tensor *a);

/* ---- diagonals and products, of any dtype -------------------------------------------------------------------------- */
/** The elements of dims dim1 and dim2 at (i, i + offset), as a new last dim: a view. */
LURON_API LURON_NODISCARD luron_status luron_diagonal(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t offset, int dim1, int dim2);
/** A matrix of zeros with the vector x on that diagonal; of a matrix x its diagonal, a view. */
LURON_API LURON_NODISCARD luron_status luron_diag(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t offset);
/** Sum of the diagonal of a matrix, or of each in a batch. */
LURON_API LURON_NODISCARD luron_status luron_trace(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
/** out[i][j] = a[i] b[j] of two vectors. */
LURON_API LURON_NODISCARD luron_status luron_outer(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b);
/** sum(a b) of two vectors of one size. */
LURON_API LURON_NODISCARD luron_status luron_dot(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b);

LURON_END_DECLS
#endif
