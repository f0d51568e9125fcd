/* made.h -- layers and ids whose making cannot fail in a test. */
#ifndef MADE_H
#define MADE_H
#include "tensor_assert.h"

static inline luron_layer *layer_of(luron_ctx *ctx, const char *type, const char *options) {
    luron_layer *layer;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    return layer;
}
/* Ids that count from 0 here, in the context's base; at most 64. */
static inline luron_tensor *ids_of(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, const double *from) {
    double ids[64];
    int64_t n = 1;
    for (int i = 0; i < ndim; i++)
        n *= shape[i];
    assert_true(n <= 64);
    for (int64_t i = 0; i < n; i++)
        ids[i] = from[i] + luron_ctx_index_base(ctx);
    return tensor_of(ctx, dtype, ndim, shape, ids);
}
#endif
