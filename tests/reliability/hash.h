/* hash.h -- the bits of tensors as one number, for comparing runs. */
#ifndef HASH_H
#define HASH_H
#include "tensor_assert.h"

#include <stdlib.h>
#include <string.h>

enum { HASH_START = 1469598103 };
/* FNV-1a by words of 8 bytes: by bytes it was a third of what test_threads does. A product moves no bit down, so the
 * upper half is folded into the lower one: else two signs that are turned would cancel. */
static inline uint64_t hash_bytes(uint64_t h, const void *data, size_t n) {
    const unsigned char *from = data;
    for (; n >= 8; n -= 8, from += 8) {
        uint64_t word;
        memcpy(&word, from, 8);
        h = (h ^ word) * 1099511628211u;
        h ^= h >> 32;
    }
    for (size_t i = 0; i < n; i++)
        h = (h ^ from[i]) * 1099511628211u;
    return h;
}

/** Shape and elements; NULL counts too. */
static inline uint64_t hash_tensor(uint64_t h, luron_ctx *ctx, const luron_tensor *t) {
    if (!t) return hash_bytes(h, "none", 4);
    size_t n = (size_t)luron_tensor_numel(t) * (size_t)luron_dtype_size(luron_tensor_dtype(t));
    void *data = malloc(n ? n : 1);
    assert_ok(ctx, luron_tensor_read(ctx, t, luron_tensor_dtype(t), data));
    h = hash_bytes(h, luron_tensor_shape(t), sizeof(int64_t) * (size_t)luron_tensor_ndim(t));
    h = hash_bytes(h, data, n);
    free(data);
    return h;
}

/** Parameters and state of a model. */
static inline uint64_t hash_model(uint64_t h, luron_ctx *ctx, const luron_model *model) {
    luron_tensor *t;
    for (int i = 0; (t = luron_model_param(model, i, NULL, 0)); i++)
        h = hash_tensor(h, ctx, t);
    for (int i = 0; (t = luron_model_state(model, i, NULL, 0)); i++)
        h = hash_tensor(h, ctx, t);
    return h;
}

/** State tensors, scalars and steps of an optimiser. */
static inline uint64_t hash_optim(uint64_t h, luron_ctx *ctx, const luron_optim *o) {
    int64_t steps = luron_optim_steps(o);
    for (int g = 0; g < luron_optim_n_groups(o); g++) {
        for (int i = 0; i < luron_optim_n_params(o, g); i++)
            for (int s = 0; s < luron_optim_n_states(o); s++)
                h = hash_tensor(h, ctx, luron_optim_state(o, g, i, s));
        for (int s = 0; s < luron_optim_n_scalars(o); s++) {
            double v = luron_optim_scalar(o, g, s);
            h = hash_bytes(h, &v, sizeof v);
        }
    }
    return hash_bytes(h, &steps, sizeof steps);
}

#endif
