/* ops_rows.h -- rows of a tensor: the elements along one dim, a row for each position in the other dims, which are
 * taken in row-major order. A tensor without dims is one row of one.                                                 */
#ifndef LURON_OPS_ROWS_H
#define LURON_OPS_ROWS_H
#include "internal.h"

static inline int64_t luron__row_length(const luron_tensor *t, int dim) { return t->ndim ? t->shape[dim] : 1; }
static inline int64_t luron__row_stride(const luron_tensor *t, int dim) { return t->ndim ? t->strides[dim] : 1; }
static inline int64_t luron__row_count(const luron_tensor *t, int dim) {
    int64_t n = 1;
    for (int d = 0; d < t->ndim; d++)
        if (d != dim) n *= t->shape[d];
    return n;
}
/** The first element of row r. */
static inline char *luron__row(const luron_tensor *t, int dim, int64_t r) {
    int64_t offset = 0;
    for (int d = t->ndim - 1; d >= 0; d--) {
        if (d == dim) continue;
        offset += r % t->shape[d] * t->strides[d];
        r /= t->shape[d];
    }
    return luron__data(t) + offset * luron_dtype_size(t->dtype);
}

/** The ids of the rows of x (n, columns), contiguous, by their first element that differs, as sort orders it: (n). */
luron_status luron__order_rows(luron_tensor **out, luron_ctx *ctx, const luron_tensor *x);

#endif
