/* reference.h -- for tests on tests/data/reduce_reference.h: a stored tensor as a tensor, and the comparison. */
#ifndef REFERENCE_H
#define REFERENCE_H
#include "strided.h"

#include <math.h>

#include "../data/reduce_reference.h"

static inline luron_tensor *from_reference(luron_ctx *ctx, uint32_t dtype, const reference_tensor *r,
                                           int is_scattered) {
    luron_tensor *t = tensor_of(ctx, dtype, r->ndim, r->shape, r->values), *other;
    if (!is_scattered) return t;
    other = scattered(ctx, t);
    luron_tensor_unref(t);
    return other;
}

static inline void compare(const luron_tensor *t, const reference_tensor *want, double rtol, double atol) {
    assert_int_equal(luron_tensor_ndim(t), want->ndim);
    assert_memory_equal(luron_tensor_shape(t), want->shape, (size_t)want->ndim * sizeof(int64_t));
    assert_tensor_close(t, want->values, luron_tensor_numel(t), rtol, atol);
}

#endif
