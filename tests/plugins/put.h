/* put.h -- numbers into a parameter, beside the tape. */
#ifndef PUT_H
#define PUT_H
#include "tensor_assert.h"

static inline void put(luron_ctx *ctx, luron_tensor *to, const double *values) {
    luron_tensor *t = tensor_of(ctx, LURON_F64, luron_tensor_ndim(to), luron_tensor_shape(to), values);
    const int recording = luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_copy(ctx, to, t));
    luron_ctx_set_recording(ctx, recording);
    luron_tensor_unref(t);
}

#endif
