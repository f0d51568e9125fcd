/* tensor.h -- dense row-major arrays with reference-counted storage.
 *
 * Rules for every function here and in the other headers:
 *   - fallible functions return luron_status, output parameters come first;
 *   - on failure outputs are untouched and luron_ctx_error(ctx) has the text;
 *   - `out` is owned by the caller (release with luron_tensor_unref, NULL is allowed);
 *   - arguments are borrowed; shapes are in elements, axes count from 0, -1 is the last;
 *   - dtypes are the LURON_F32 ... of plugin.h; at most LURON_MAX_DIMS dimensions.                                 */
#ifndef LURON_TENSOR_H
#define LURON_TENSOR_H
#include "luron/context.h"
LURON_BEGIN_DECLS

#define LURON_MAX_DIMS 8

/** Uninitialised (debug builds: NaN), contiguous. @return LURON_E_SHAPE, LURON_E_DTYPE, LURON_E_NOMEM. */
LURON_API LURON_NODISCARD luron_status luron_tensor_new(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape);
LURON_API LURON_NODISCARD luron_status luron_tensor_full(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, double value);
/** A copy of numel * size-of-dtype bytes at `data`. */
LURON_API LURON_NODISCARD luron_status luron_tensor_from(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, const void *data);
/** start, start + step, ... below stop (above it for a negative step). */
LURON_API LURON_NODISCARD luron_status luron_tensor_arange(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, double start, double stop, double step);

LURON_API luron_tensor *luron_tensor_ref(luron_tensor *t);
LURON_API void luron_tensor_unref(luron_tensor *t);

LURON_API int luron_tensor_ndim(const luron_tensor *t);
/** Size of a dimension (negative: from the end), -1 if there is no such dimension. */
LURON_API int64_t luron_tensor_size(const luron_tensor *t, int dim);
LURON_API const int64_t *luron_tensor_shape(const luron_tensor *t);
LURON_API const int64_t *luron_tensor_strides(const luron_tensor *t);
LURON_API int64_t luron_tensor_numel(const luron_tensor *t);
LURON_API uint32_t luron_tensor_dtype(const luron_tensor *t);
LURON_API int luron_tensor_is_contiguous(const luron_tensor *t);
/** First element. Whoever writes through it calls luron_tensor_touch afterwards. */
LURON_API void *luron_tensor_data(const luron_tensor *t);
/** Note that the data were changed, so that a backward that still needs the old ones reports it. */
LURON_API void luron_tensor_touch(luron_tensor *t);
/** Times the storage was changed in place. */
LURON_API uint64_t luron_tensor_version(const luron_tensor *t);
/** Do the two share a storage? */
LURON_API int luron_tensor_is_shared(const luron_tensor *a, const luron_tensor *b);

/** The number in a tensor of one element. @return LURON_E_SHAPE if there are more or none. */
LURON_API LURON_NODISCARD luron_status luron_tensor_item(double *out, luron_ctx *ctx, const luron_tensor *t);
LURON_API LURON_NODISCARD luron_status luron_tensor_item_int(int64_t *out, luron_ctx *ctx, const luron_tensor *t);
/** All elements in row-major order, converted to `dtype`, into `to`, which has room for numel of them. */
LURON_API LURON_NODISCARD luron_status luron_tensor_read(luron_ctx *ctx, const luron_tensor *t, uint32_t dtype, void *to);

/* In place. Not recorded on the tape: refused (LURON_E_STATE) while gradients are recorded if `t` is part of it or
 * `src` needs a gradient. `src` broadcasts to t and is converted to its dtype.                                      */
LURON_API LURON_NODISCARD luron_status luron_tensor_copy(luron_ctx *ctx, luron_tensor *t, luron_tensor *src);
LURON_API LURON_NODISCARD luron_status luron_tensor_fill(luron_ctx *ctx, luron_tensor *t, double value);
/** A leaf of a real dtype in another real one, with new memory behind the same header: layers, optimisers and tables that
 *  have it have it still. Its gradient goes; views of it keep the old memory. @return LURON_E_STATE for one that was made
 *  on the tape, LURON_E_DTYPE. */
LURON_API LURON_NODISCARD luron_status luron_tensor_set_dtype(luron_ctx *ctx, luron_tensor *t, uint32_t dtype);
/** Fill with uniform numbers in [a, b), normal ones, or 0 and 1 with probability p of 1. */
LURON_API LURON_NODISCARD luron_status luron_tensor_uniform(luron_ctx *ctx, luron_tensor *t, double a, double b);
LURON_API LURON_NODISCARD luron_status luron_tensor_normal(luron_ctx *ctx, luron_tensor *t, double mean, double deviation);
LURON_API LURON_NODISCARD luron_status luron_tensor_bernoulli(luron_ctx *ctx, luron_tensor *t, double p);
/** Fill a leaf of a real dtype as an initialiser says: "xavier_uniform", "kaiming_normal(0.2, fan_out)". Weights are [out, in, ...].
 *  @return LURON_E_ARGUMENT (the text lists the initialisers), LURON_E_SHAPE if it needs other dimensions. */
LURON_API LURON_NODISCARD luron_status luron_tensor_init(luron_ctx *ctx, luron_tensor *t, const char *initialiser);
/** Initialiser i: its name, what it does, and the name of its argument k; NULL past the last. */
LURON_API const char *luron_initialiser_name(int i);
LURON_API const char *luron_initialiser_doc(int i);
LURON_API const char *luron_initialiser_arg(int i, int k);
/** The ids 0..n-1 (counted in the context's base) in random order, int64. */
LURON_API LURON_NODISCARD luron_status luron_tensor_permutation(luron_tensor **out, luron_ctx *ctx, int64_t n);

/** "float32" for LURON_F32; "?" for no dtype. */
LURON_API const char *luron_dtype_name(uint32_t dtype);
/** LURON_F32 for "float32" (also "float", "double", "long", "int", "byte", "half"); 0 for an unknown name. */
LURON_API uint32_t luron_dtype_find(const char *name);
/** Bytes of one element, 0 for no dtype. */
LURON_API int luron_dtype_size(uint32_t dtype);
LURON_API int luron_dtype_is_float(uint32_t dtype);
/** "(64, 784)" into buf; returns buf. */
LURON_API const char *luron_shape_text(char *buf, size_t n, int ndim, const int64_t *shape);

LURON_END_DECLS
#endif
