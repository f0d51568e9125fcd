/* strided.h -- tensors for tests: of random numbers, and the same numbers in memory of all kinds of strides. */
#ifndef STRIDED_H
#define STRIDED_H
#include "tensor_assert.h"

/** Uniform in [-1, 1). */
static inline luron_tensor *uniform(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_new(&t, ctx, dtype, ndim, shape));
    assert_ok(ctx, luron_tensor_uniform(ctx, t, -1, 1));
    return t;
}

/** The values of x in memory whose dims lie in the opposite order, every second element of it. */
static inline luron_tensor *scattered(luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *base, *half, *back;
    int64_t shape[LURON_MAX_DIMS];
    int dims[LURON_MAX_DIMS], n = luron_tensor_ndim(x);
    if (n == 0) return luron_tensor_ref(x);
    for (int d = 0; d < n; d++) {
        shape[n - 1 - d] = luron_tensor_size(x, d) * (d == 0 ? 2 : 1);
        dims[d] = n - 1 - d;
    }
    assert_ok(ctx, luron_tensor_full(&base, ctx, luron_tensor_dtype(x), n, shape, 1));
    assert_ok(ctx, luron_slice(&half, ctx, base, -1, 0, shape[n - 1], 2));
    assert_ok(ctx, luron_permute(&back, ctx, half, n, dims));
    assert_ok(ctx, luron_tensor_copy(ctx, back, x));
    luron_tensor_unref(base);
    luron_tensor_unref(half);
    return back;
}

#endif
