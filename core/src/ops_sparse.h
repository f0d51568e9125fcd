/* ops_sparse.h -- what ops_sparse.c (products) and ops_sparse_lists.c (the lists of a structure) share. */
#ifndef LURON_OPS_SPARSE_H
#define LURON_OPS_SPARSE_H
#include "ops_expr.h"

/* Operands of the products: two structures, and what is multiplied. LEFT: values, or g. */
enum { OFFSETS, COLS, ORDER, OFFSETS_T, COLS_T, ORDER_T, LEFT, RIGHT, N_IN };

static inline const int64_t *ids_of(const luron_tensor *t) { return (const int64_t *)(const void *)luron__data(t); }
static inline int64_t count_of(const luron_tensor *t) { return t->shape[0]; }

/** The six lists of a (NULL where it has none) as contiguous operands that e keeps, all checked. */
luron_status luron__csr_take(luron_tensor **in, luron__expr *e, const char *what, const luron_csr *a);
/** lists: offsets_t, cols_t, order_t of in[OFFSETS], in[COLS] and in[ORDER], which are checked. */
luron_status luron__csr_transpose(luron_tensor **lists, luron_ctx *ctx, luron_tensor *const *in, int64_t n_cols,
                                  int64_t base);
/** Release what e keeps; y to *out if both it and `status` are OK. */
static inline luron_status luron__csr_finish(luron_tensor **out, luron__expr *e, luron_tensor *y, luron_status status) {
    if (!e->status) e->status = status;
    return luron__expr_done(e, y, out);
}

#endif
