/* ops.h -- differentiable functions of tensors. Rules: tensor.h. Each records a tape node if an argument needs a
 * gradient and recording is on (autograd.h), and its gradient is written in these same ops, so that it can be
 * differentiated again. Dtypes promote as in PyTorch, except that numbers given as `double` never widen a tensor.
 * "Broadcast" is NumPy's rule. Ids (gather, one_hot, argmax, ...) count in the context's index base.                */
#ifndef LURON_OPS_H
#define LURON_OPS_H
#include "luron/tensor.h"
LURON_BEGIN_DECLS

/* luron_neg, luron_abs, luron_exp ...: element-wise. abs, neg, sign, square, floor, ceil, round, trunc keep integers;
 * others turn them into the default dtype. sign(0) = 0; round to even; derivatives at kinks are 0.                   */
#define LURON_UNARY_DECL(name) LURON_API LURON_NODISCARD luron_status luron_##name(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
LURON_UNARY_MAP(LURON_UNARY_DECL)
LURON_UNARY_DECL(asinh)
LURON_UNARY_DECL(acosh)
LURON_UNARY_DECL(atanh)
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
/** Sums of x^2, always float64, where no square of a float32 is too large or too small. */
LURON_API LURON_NODISCARD luron_status luron_sum_squares(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep);
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

/* ---- scans, order, places, masks ------------------------------------------------------------------------------------ */
/** Sums (products) of the elements up to each along dim. Integers and bool give int64. */
LURON_API LURON_NODISCARD luron_status luron_cumsum(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim);
LURON_API LURON_NODISCARD luron_status luron_cumprod(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim);
/** In ascending (else descending) order along dim, stable; NaN counts as the largest. ids: where each came from. */
LURON_API LURON_NODISCARD luron_status luron_sort(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim, int descending);
LURON_API LURON_NODISCARD luron_status luron_argsort(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int descending);
/** The first k of luron_sort, largest first (largest 0: smallest first). LURON_API LURON_NODISCARD luron_status return LURON_E_RANGE if there are fewer. */
LURON_API LURON_NODISCARD luron_status luron_topk(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int64_t k, int dim, int largest);
/** Turned round along the dims listed (n_dims 0: all); a copy. */
LURON_API LURON_NODISCARD luron_status luron_flip(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims);
/** Position i goes to i + shift, what leaves at one end comes in at the other. */
LURON_API LURON_NODISCARD luron_status luron_roll(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t shift, int dim);
/** x beside itself times[d] times along each dim; numbers and dims are lined up at the last. */
LURON_API LURON_NODISCARD luron_status luron_tile(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int64_t *times);
/** `before` and `after` positions of `value` around each of the last n_dims dims. */
LURON_API LURON_NODISCARD luron_status luron_pad(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int64_t *before, const int64_t *after, double value);
/** Of matrices the part below (above) the diagonal that lies `diagonal` to the right of the main one, and it; the rest 0. */
LURON_API LURON_NODISCARD luron_status luron_tril(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t diagonal);
LURON_API LURON_NODISCARD luron_status luron_triu(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t diagonal);
/** sum(|x|^p)^(1/p); p INFINITY: the largest |x|, 0: how many are not 0. Where it is 0 the gradient is 0 (p > 0). */
LURON_API LURON_NODISCARD luron_status luron_norm(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, double p, int n_dims, const int *dims, int keep);
/** The root of luron_var; its gradient where that is 0 is 0. */
LURON_API LURON_NODISCARD luron_status luron_std(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep, double correction);
/** The number below which a part q (0 to 1) of those along dim lie, between two of them by straight line; 0.5: the median.
 *  NaN where one is NaN. @return LURON_E_SHAPE if dim has size 0. */
LURON_API LURON_NODISCARD luron_status luron_quantile(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, double q, int dim, int keep);
/** log(sum(exp(x))) without overflow. */
LURON_API LURON_NODISCARD luron_status luron_logsumexp(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int n_dims, const int *dims, int keep);
/** mask ? value : x, of x's dtype, broadcast; mask is bool. */
LURON_API LURON_NODISCARD luron_status luron_masked_fill(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *mask, double value);
/** The elements where mask is true, after broadcasting, in row-major order: (count). */
LURON_API LURON_NODISCARD luron_status luron_masked_select(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *mask);
/** Places of the elements that are not 0, in row-major order: (count, ndim). */
LURON_API LURON_NODISCARD luron_status luron_nonzero(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
/** Views of n lists as a grid of n dims: outs[i] is xs[i] along dim i, repeated along the others. outs has room for n. */
LURON_API LURON_NODISCARD luron_status luron_meshgrid(luron_tensor **outs, luron_ctx *ctx, int n, luron_tensor *const *xs);
/** n numbers from start to stop, both included. */
LURON_API LURON_NODISCARD luron_status luron_linspace(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, double start, double stop, int64_t n);

LURON_END_DECLS
#endif
