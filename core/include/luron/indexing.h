/* indexing.h -- more functions of tensors: writing and reducing at ids, segments, what is in a tensor and in which
 * order, products by letters, and further views. The rules are those of ops.h; ids count in the context's index base,
 * are int64, int32 or uint8, and the first that does not exist is named (LURON_E_RANGE).
 *
 * Where an id comes twice, what is written last, in row-major order of the source, stays, at any number of threads, and
 * the gradient goes to it alone (PyTorch leaves both open).                                                           */
#ifndef LURON_INDEXING_H
#define LURON_INDEXING_H
#include "luron/tensor.h"
LURON_BEGIN_DECLS

/* ---- writing at ids: each gives a copy of x ------------------------------------------------------------------------- */
/** out[ids[i][j]][j] = src[i][j] for dim 0; ids has x's rank, is no larger outside dim, and has src's shape. */
LURON_API LURON_NODISCARD luron_status luron_scatter(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids, luron_tensor *src);
/** The same, but what meets in one element is reduced by `how` (LURON_SUM, _PROD, _MEAN, _AMAX, _AMIN: plugin.h), with what was there in x if include_self. Means of integers are
 *  rounded down; of several largest (smallest) each gets the same share of the gradient; NaN wins. */
LURON_API LURON_NODISCARD luron_status luron_scatter_reduce(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids, luron_tensor *src, int how, int include_self);
/** The slices of src along dim to the positions in the list ids. */
LURON_API LURON_NODISCARD luron_status luron_index_copy(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids, luron_tensor *src);
/** One number to all positions in the list ids. */
LURON_API LURON_NODISCARD luron_status luron_index_fill(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids, double value);
/** x[ids 0, ids 1, ...]: n tensors of ids, for the first n dims of x, broadcast to one shape: (that shape, dims left). */
LURON_API LURON_NODISCARD luron_status luron_index(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n, luron_tensor *const *ids);
/** x with values, which broadcast to the shape that luron_index gives, there; `accumulate`: added. */
LURON_API LURON_NODISCARD luron_status luron_index_put(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n, luron_tensor *const *ids, luron_tensor *values, int accumulate);
/** The same in t itself, as luron_tensor_copy does it: values are converted to its dtype. Nothing has changed on failure. */
LURON_API LURON_NODISCARD luron_status luron_tensor_put(luron_ctx *ctx, luron_tensor *t, int n, luron_tensor *const *ids, luron_tensor *values);
/** The elements of x as one row at ids: of the shape of ids. */
LURON_API LURON_NODISCARD luron_status luron_take(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids);
/** The elements of src, in order, where mask, which broadcasts to x, is true. @return LURON_E_SHAPE if src has fewer. */
LURON_API LURON_NODISCARD luron_status luron_masked_scatter(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *mask, luron_tensor *src);

/* ---- segments: x (n, ...) and a list of n ids, in any order, give (count, ...): row i from all rows whose id is i. A
 * segment without rows is 0, the largest and smallest too, so that no infinity gets into a network. ------------------- */
LURON_API LURON_NODISCARD luron_status luron_segment_sum(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, int64_t count);
/** Of integers in the default dtype. */
LURON_API LURON_NODISCARD luron_status luron_segment_mean(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, int64_t count);
LURON_API LURON_NODISCARD luron_status luron_segment_max(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, int64_t count);
LURON_API LURON_NODISCARD luron_status luron_segment_min(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, int64_t count);
/** How often each id is in the list ids, int64, for as many as there are, and min_length at least. With weights (NULL
 *  allowed), a list as long: the sums of their weights, in their dtype. */
LURON_API LURON_NODISCARD luron_status luron_bincount(luron_tensor **out, luron_ctx *ctx, luron_tensor *ids, luron_tensor *weights, int64_t min_length);

/* ---- what is there, and in which order --------------------------------------------------------------------------------- */
/** The different elements in ascending order, for every element of x which of them it is, and how often each is there.
 *  The gradient of values goes to the first of equal ones; NaN equals nothing. */
LURON_API LURON_NODISCARD luron_status luron_unique(luron_tensor **values, luron_tensor **ids, luron_tensor **counts, luron_ctx *ctx, luron_tensor *x);
/** The same for the slices along dim, by their first element that differs. */
LURON_API LURON_NODISCARD luron_status luron_unique_dim(luron_tensor **values, luron_tensor **ids, luron_tensor **counts, luron_ctx *ctx, luron_tensor *x, int dim);
/** Where in sorted (..., n), ascending, each of values (..., m) belongs: before what equals it, or after it (`right`).
 *  A position from the index base on. sorted may be one list for all values. NaN belongs at the end. */
LURON_API LURON_NODISCARD luron_status luron_searchsorted(luron_tensor **out, luron_ctx *ctx, luron_tensor *sorted, luron_tensor *values, int right);
/** Position i of dim repeats[i] times; repeats is a list as long as dim, or of one number for all. */
LURON_API LURON_NODISCARD luron_status luron_repeat_interleave(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *repeats, int dim);
/** The one in the middle along dim, of two the smaller, and its id; NaN if there is one. @return LURON_E_SHAPE if dim has
 *  size 0, as the next two. */
LURON_API LURON_NODISCARD luron_status luron_median(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim, int keep);
/** The k-th smallest along dim, k from 1, and its id. NaN counts as the largest. */
LURON_API LURON_NODISCARD luron_status luron_kthvalue(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int64_t k, int dim, int keep);
/** The one that is there most often along dim, of several the smallest, and the id of the last of it. */
LURON_API LURON_NODISCARD luron_status luron_mode(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim, int keep);
/** The largest (smallest) of the elements up to each along dim, and its id, of equal ones the last. NaN wins. */
LURON_API LURON_NODISCARD luron_status luron_cummax(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim);
LURON_API LURON_NODISCARD luron_status luron_cummin(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim);
/** log(sum(exp(x))) of the elements up to each along dim, without overflow. */
LURON_API LURON_NODISCARD luron_status luron_logcumsumexp(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim);
/** Each element along dim less the one before, n times over; of bool: do they differ? */
LURON_API LURON_NODISCARD luron_status luron_diff(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t n, int dim);
/** bool: |a - b| <= atol + rtol |b|, or equal (infinities too); `equal_nan`: or both NaN. Broadcast. */
LURON_API LURON_NODISCARD luron_status luron_isclose(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b, double rtol, double atol, int equal_nan);
/** *out = 1 if that is so of all elements, else 0. */
LURON_API LURON_NODISCARD luron_status luron_allclose(int *out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b, double rtol, double atol, int equal_nan);

/* ---- products by letters, and views ------------------------------------------------------------------------------------ */
/** Einstein's sums: "ij,jk->ik" is a matrix product. A letter names a dim of each operand that has it; what is not in the
 *  output is summed; '...' stands for any further dims, which broadcast, as sizes of 1 do; a letter twice in an operand is
 *  its diagonal. Without "->" the letters that come once, in alphabetical order. Operands are contracted from left to
 *  right, two at a time. Integers that are summed give int64. */
LURON_API LURON_NODISCARD luron_status luron_einsum(luron_tensor **out, luron_ctx *ctx, const char *equation, int n, luron_tensor *const *xs);
/** Dims from[i] go to to[i], the others keep their order. */
LURON_API LURON_NODISCARD luron_status luron_movedim(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n, const int *from, const int *to);
/** Dims from..to become one. A tensor without dims becomes a list of one. */
LURON_API LURON_NODISCARD luron_status luron_flatten(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int from, int to);
/** dim becomes n dims of these sizes, of which one may be -1: what is left. */
LURON_API LURON_NODISCARD luron_status luron_unflatten(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int n, const int64_t *sizes);
/** A view of each position along dim; `outs` has room for the size of dim. */
LURON_API LURON_NODISCARD luron_status luron_unbind(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x, int dim);
/** Views of sizes[i] positions along dim, whose sum is the size of dim; `outs` has room for n. */
LURON_API LURON_NODISCARD luron_status luron_split_sizes(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x, int64_t n, const int64_t *sizes, int dim);
/** base to the power of n numbers from start to stop, both included. */
LURON_API LURON_NODISCARD luron_status luron_logspace(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, double start, double stop, int64_t n, double base);

LURON_END_DECLS
#endif
