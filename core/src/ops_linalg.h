/* ops_linalg.h -- what the files of linear algebra share: the loop over the matrices of a batch, and steps of
 * gradients. */
#ifndef LURON_OPS_LINALG_H
#define LURON_OPS_LINALG_H
#include "kernels/linalg.h"
#include "ops_expr.h"

typedef struct luron__linalg luron__linalg;
/** Matrix i: read the operands, write the output. fresh: in[0] is not what the call before on this `work` read.
 *  @return 0, the number of a pivot that fails (from 1), or a reason of kernels/linalg.h. */
typedef int64_t luron__linalg_fn(const luron__linalg *job, int64_t i, bool fresh, double *work);
struct luron__linalg {
    const luron__apply *a;
    luron__linalg_fn *one;
    int64_t n, k, m;           /* sizes, for `one` */
    int64_t work;              /* numbers it needs */
    const char *fault, *ended; /* "is singular: pivot", "is 0" */
    /* filled by the loop: */
    int n_batch;
    int64_t batch[LURON_MAX_DIMS], count;
};
/** All matrices of job->a, whose output has n_batch batch dims. */
luron_status luron__linalg_run(luron_ctx *ctx, luron__linalg *job, int n_batch);
/** Matrix i of operand `in` to rows without gaps; transposed: of its transpose. */
void luron__linalg_read(const luron__linalg *job, int in, int64_t i, bool transposed, double *to);
/** n numbers to the output of matrix i, `each` numbers a matrix, from number `at` on, `step` apart. */
void luron__linalg_write(const luron__linalg *job, int64_t i, int64_t each, int64_t at, int64_t step, int64_t n,
                         const double *from);

/** A matrix, or a batch of them, of float32 or float64; `square` ones. */
luron_status luron__check_matrix(luron_ctx *ctx, const char *what, const luron_tensor *a, bool square);
/** dtype and batch dims of in[0]; the output has no dims but these. */
void luron__linalg_like(luron__apply *a);

/** Zeros, with the last dim of g on the diagonal of two new dims, which have these sizes: the gradient of diagonal.
 * dim1 and dim2 count in the result. */
luron_status luron__diagonal_pad(luron_tensor **out, luron_ctx *ctx, luron_tensor *g, int64_t offset, int dim1,
                                 int dim2, int64_t size1, int64_t size2);

static inline luron_tensor *luron__expr_t(luron__expr *e, luron_tensor *x) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_transpose(&t, e->ctx, x, -2, -1), &t);
}
static inline luron_tensor *luron__expr_unsqueeze(luron__expr *e, luron_tensor *x, int dim) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_unsqueeze(&t, e->ctx, x, dim), &t);
}
static inline luron_tensor *luron__expr_triangle(luron__expr *e, luron_tensor *x, bool upper, int64_t diagonal) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, (upper ? luron_triu : luron_tril)(&t, e->ctx, x, diagonal), &t);
}

#endif
