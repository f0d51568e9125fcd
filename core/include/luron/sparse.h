/* sparse.h -- sparse matrices in compressed rows (CSR), as in graphs: products with dense matrices, differentiable to any
 * order in the values and in the dense factor. Rules: tensor.h. Offsets and ids are int64 and count from the context's
 * index base. What comes in is checked on every call, and errors name the place.                                     */
#ifndef LURON_SPARSE_H
#define LURON_SPARSE_H
#include "luron/tensor.h"
LURON_BEGIN_DECLS

/** Which elements of a matrix (M, n_cols) there are: its entries, row by row. All borrowed. The transpose is another
 *  structure over the same values: luron_csr_transpose makes the last three, and exchanging them with the first gives it. */
typedef struct luron_csr {
    int64_t n_cols;
    luron_tensor *offsets; /* (M + 1): entries offsets[i] to offsets[i + 1] - 1 are those of row i; the first is the base */
    luron_tensor *cols;    /* (entries): the column of each */
    luron_tensor *order;   /* (entries): the value of each is values[order]; NULL: as they come */
    luron_tensor *offsets_t, *cols_t, *order_t; /* of the transpose. NULL: made where a gradient needs it */
} luron_csr;

/** a @ x: x (n_cols, N) -> (M, N), or (n_cols) -> (M). values (entries), or NULL: all 1. float32 or float64. The entries
 *  of a row are added in their order. @return LURON_E_SHAPE, LURON_E_DTYPE; LURON_E_ARGUMENT for offsets that fall or do
 *  not end behind the last entry; LURON_E_RANGE for a column that does not exist. */
LURON_API LURON_NODISCARD luron_status luron_csr_matmul(luron_tensor **out, luron_ctx *ctx, const luron_csr *a, luron_tensor *values, luron_tensor *x);
/** The elements of g x^T that a has: g (M, N), x (n_cols, N) -> (entries), each sum(g[row] x[column]). The gradient of the
 *  values of a matmul; scores of edges. */
LURON_API LURON_NODISCARD luron_status luron_csr_sample(luron_tensor **out, luron_ctx *ctx, const luron_csr *a, luron_tensor *g, luron_tensor *x);
/** offsets_t, cols_t and order_t for a. Entries of one column stay in the order of their rows. */
LURON_API LURON_NODISCARD luron_status luron_csr_transpose(luron_tensor **offsets_t, luron_tensor **cols_t, luron_tensor **order_t, luron_ctx *ctx, const luron_csr *a);
/** The structure of (n_rows, n_cols) with an entry wherever rows and cols (count each) have one, columns ascending; pairs
 *  that come more than once are one entry. place (count): the entry of each pair, so that its values are
 *  index_add(zeros (entries), 0, place, values), which adds those of equal pairs. */
LURON_API LURON_NODISCARD luron_status luron_csr_from_coo(luron_tensor **offsets, luron_tensor **cols, luron_tensor **place, luron_ctx *ctx, luron_tensor *row_ids, luron_tensor *col_ids,
                                                          int64_t n_rows, int64_t n_cols);

LURON_END_DECLS
#endif
