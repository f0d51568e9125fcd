/* ops.h -- differentiable functions of tensors. Rules: tensor.h. Each records a tape node if an argument needs a
 * gradient and recording is on (autograd.h), and its gradient is written in these same ops, so that it can be
 * differentiated again. Dtypes promote as in PyTorch, except that numbers given as `double` never widen a tensor.
 * "Broadcast" is NumPy's rule. Ids (gather, one_hot, argmax, ...) count in the context's index base.                */
#ifndef LURON_OPS_H
#define LURON_OPS_H
#include "luron/tensor.h"
LURON_BEGIN_DECLS

/* luron_neg, luron_abs, luron_exp ...: element-wise. abs, neg, sign, square keep integers; others turn them into the
 * default dtype. sign(0) = 0; round to even; derivatives at kinks are 0.                                            */
#define LURON_UNARY_DECL(name) LURON_API LURON_NODISCARD luron_status luron_##name(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
LURON_UNARY_MAP(LURON_UNARY_DECL)
#undef LURON_UNARY_DECL

/* luron_add, luron_pow, luron_eq ...: element-wise, broadcast. Comparisons give bool. div of integers gives the default
 * dtype; floor_divide and remainder follow Lua (// and %), an integer divided by 0 is LURON_E_ARGUMENT. On a tie
 * maximum and minimum give half the gradient to each side.                                                          */
#define LURON_BINARY_DECL(name) LURON_API LURON_NODISCARD luron_status luron_##name(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b);
LURON_BINARY_MAP(LURON_BINARY_DECL)
LURON_COMPARE_MAP(LURON_BINARY_DECL)
#undef LURON_BINARY_DECL

/** A 0-d tensor for the second operand of the functions above: it takes part in promotion as a number, not as a tensor. */
LURON_API LURON_NODISCARD luron_status luron_scalar(luron_tensor **out, luron_ctx *ctx, double value);
LURON_API LURON_NODISCARD luron_status luron_scalar_int(luron_tensor **out, luron_ctx *ctx, int64_t value);

/** times x + plus. */
LURON_API LURON_NODISCARD luron_status luron_scale(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, double times, double plus);
/** min(max(x, lo), hi); -INFINITY and INFINITY leave a side open. The gradient passes where lo <= x <= hi. */
LURON_API LURON_NODISCARD luron_status luron_clamp(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, double lo, double hi);
LURON_API LURON_NODISCARD luron_status luron_logical_not(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
LURON_API LURON_NODISCARD luron_status luron_isfinite(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
LURON_API LURON_NODISCARD luron_status luron_isnan(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
/** cond ? a : b, broadcast; cond is bool. */
LURON_API LURON_NODISCARD luron_status luron_where(luron_tensor **out, luron_ctx *ctx, luron_tensor *cond, luron_tensor *a, luron_tensor *b);
/** Real to integer truncates and saturates (NaN: 0), integers wrap; x itself (one more reference) if it has the dtype. */
LURON_API LURON_NODISCARD luron_status luron_cast(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, uint32_t dtype);
/** A copy with storage of its own. */
LURON_API LURON_NODISCARD luron_status luron_copy(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
/** x itself (one more reference) if it is contiguous, else a copy. */
LURON_API LURON_NODISCARD luron_status luron_contiguous(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);

/** a @ b. (M,K) (K,N) -> (M,N); leading dims broadcast; a 1-d argument is a row (a) or column (b) whose 1 is dropped. */
LURON_API LURON_NODISCARD luron_status luron_matmul(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b);

/* ---- reductions: over the dims listed (n_dims 0: all); `keep` leaves them as size 1. Sums of integers and bool are int64 */
LURON_API LURON_NODISCARD luron_status luron_sum(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep);
LURON_API LURON_NODISCARD luron_status luron_mean(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep);
LURON_API LURON_NODISCARD luron_status luron_prod(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep);
/** sum((x - mean)^2) / (n - correction); correction 1 is the unbiased estimate. */
LURON_API LURON_NODISCARD luron_status luron_var(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep, double correction);
/** Largest or smallest; ties share the gradient equally; NaN wins. An empty reduction is LURON_E_SHAPE. */
LURON_API LURON_NODISCARD luron_status luron_amax(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep);
LURON_API LURON_NODISCARD luron_status luron_amin(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep);
/** True if any / all are not zero. */
LURON_API LURON_NODISCARD luron_status luron_any(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep);
LURON_API LURON_NODISCARD luron_status luron_all(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep);
/** Id of the first largest or smallest along dim, int64, in the context's index base. */
LURON_API LURON_NODISCARD luron_status luron_argmax(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int keep);
LURON_API LURON_NODISCARD luron_status luron_argmin(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int keep);
/** Sum down to `shape`, to which x's shape broadcasts: the gradient of expand. */
LURON_API LURON_NODISCARD luron_status luron_sum_to(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int64_t *shape);
LURON_API LURON_NODISCARD luron_status luron_softmax(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim);
LURON_API LURON_NODISCARD luron_status luron_log_softmax(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim);

/* ---- views: share the storage of x ------------------------------------------------------------------------------- */
/** One size may be -1. Copies only where the strides of x make a view impossible. */
LURON_API LURON_NODISCARD luron_status luron_reshape(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int64_t *shape);
/** Sizes of 1 (and new leading dims) repeat; -1 keeps a size. */
LURON_API LURON_NODISCARD luron_status luron_expand(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int64_t *shape);
LURON_API LURON_NODISCARD luron_status luron_permute(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int *dims);
LURON_API LURON_NODISCARD luron_status luron_transpose(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim0, int dim1);
LURON_API LURON_NODISCARD luron_status luron_narrow(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int64_t start, int64_t length);
/** Every step-th of length positions from start (step >= 1): narrow with a step. */
LURON_API LURON_NODISCARD luron_status luron_slice(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int64_t start, int64_t length, int64_t step);
/** Position `at` (negative: from the end) of dim, which is dropped. */
LURON_API LURON_NODISCARD luron_status luron_select(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int64_t at);
LURON_API LURON_NODISCARD luron_status luron_unsqueeze(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim);
/** Drop dim if its size is 1. */
LURON_API LURON_NODISCARD luron_status luron_squeeze(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim);

/* ---- joining and indexing ------------------------------------------------------------------------------------------ */
LURON_API LURON_NODISCARD luron_status luron_cat(luron_tensor **out, luron_ctx *ctx, int n, luron_tensor *const *xs, int dim);
LURON_API LURON_NODISCARD luron_status luron_stack(luron_tensor **out, luron_ctx *ctx, int n, luron_tensor *const *xs, int dim);
/** Views of `size` positions along dim, the last one may be shorter; `outs` has room for ceil(size of dim / size). */
LURON_API LURON_NODISCARD luron_status luron_split(luron_tensor **outs, luron_ctx *ctx, luron_tensor *x, int64_t size, int dim);
/** x[ids] along dim; ids is 1-d and integer. @return LURON_E_RANGE naming the first id that does not exist. */
LURON_API LURON_NODISCARD luron_status luron_index_select(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids);
/** out[i][j] = x[ids[i][j]][j] for dim 0; ids has x's rank and is no larger outside dim. */
LURON_API LURON_NODISCARD luron_status luron_gather(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids);
/** A copy of x with src added at ids: out[ids[i][j]][j] += src[i][j] for dim 0, in row-major order of src. */
LURON_API LURON_NODISCARD luron_status luron_scatter_add(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids, luron_tensor *src);
/** A copy of x with the rows of src added at ids along dim: the gradient of index_select. */
LURON_API LURON_NODISCARD luron_status luron_index_add(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids, luron_tensor *src);
/** ids (...) -> (..., n) of `dtype`, 1 at the id. */
LURON_API LURON_NODISCARD luron_status luron_one_hot(luron_tensor **out, luron_ctx *ctx, luron_tensor *ids, int64_t n, uint32_t dtype);

LURON_END_DECLS
#endif
