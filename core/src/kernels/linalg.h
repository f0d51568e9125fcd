/* linalg.h -- dense linear algebra on matrices of double, row-major without gaps, each by one thread in a fixed order.
 * Golub and Van Loan, Matrix Computations, 4th ed., describe them all. NaN and infinity go through to the results of
 * those that say nothing of them. */
#ifndef LURON_KERNELS_LINALG_H
#define LURON_KERNELS_LINALG_H
#include <stdbool.h>
#include <stdint.h>

enum { LURON__NOT_FINITE = -1, LURON__NOT_CONVERGED = -2 };

/** a (n,n) becomes L (below the diagonal, of 1) and U of the matrix whose row i is row pivot[i] exchanged with row i,
 * for i = 0, 1, ...; pivots are the largest of their columns (3.4.1). @return 0, or 1 + the first pivot that is 0:
 * there it stops. */
int64_t luron__lu(int64_t n, double *a, int64_t *pivot);
/** b (n,k) becomes the solution of a x = b for the result of luron__lu. */
void luron__lu_solve(int64_t n, int64_t k, const double *lu, const int64_t *pivot, double *b);
/** b (n,k) becomes the solution of t x = b; one triangle of t (n,n) is read, without the diagonal if it is `unit`.
 *  @return 0, or 1 + the first place of a 0 on the diagonal: b is as it was. */
int64_t luron__triangular_solve(int64_t n, int64_t k, const double *t, bool upper, bool unit, double *b);
/** The lower triangle of a (n,n) becomes L with L L^T = a, the upper one 0 (4.2.5). @return 0, or 1 + the first pivot
 *  that is not above 0 (NaN is not). */
int64_t luron__cholesky(int64_t n, double *a);
/** a (m,n) = q r, m >= n: q (m,n), r (n,n). By reflections (5.2.1) with the signs of LAPACK: a diagonal element of r
 * has the sign opposite to what it replaced, unless there was nothing to reflect. a is used up; `work` has 2 n numbers.
 */
void luron__qr(int64_t m, int64_t n, double *a, double *q, double *r, double *work);
/** w (n,m), m >= n, holds the columns of a matrix (m,n) as rows; they become the left singular vectors (rows too), s
 * (n) the singular values, descending, and v (n,n) the right singular vectors as rows. Signs are such that in each row
 * of w (of v if by_v) the first of the elements of nearly the largest size is positive. By Jacobi rotations of pairs of
 *  columns (8.6.3); small singular values keep their accuracy. `work` has m numbers. @return 0 or a reason above. */
int64_t luron__svd(int64_t m, int64_t n, double *w, double *s, double *v, bool by_v, double *work);
/** The symmetric a (n,n), of which the lower triangle is read: values (n), ascending, and the vectors that belong to
 * them as rows of v (n,n), with signs as above. By Jacobi rotations (8.5.3). a is used up. @return 0 or a reason above.
 */
int64_t luron__eigh(int64_t n, double *a, double *values, double *v);

#endif
