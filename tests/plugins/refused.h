/* refused.h -- what a layer says to inputs that it does not take. */
#ifndef REFUSED_H
#define REFUSED_H
#include "tensor_assert.h"

typedef struct refused_input {
    uint32_t dtype;
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
    const double *values; /* NULL: zeros */
} refused_input;
#define REFUSED_REAL(...)                                                                                              \
    {                                                                                                                  \
        .dtype = LURON_F32, .ndim = (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                   \
        .shape = {__VA_ARGS__}                                                                                         \
    }
#define REFUSED_IDS(n, ...)                                                                                            \
    {                                                                                                                  \
        .dtype = LURON_I64, .ndim = 1, .shape = {n}, .values = (const double[]) { __VA_ARGS__ }                        \
    }
typedef struct refused_case {
    const char *type, *options, *part; /* part of the message */
    luron_status status;
    int n_in;
    refused_input in[4]; /* dtype 0: absent */
} refused_case;

static inline void refused(luron_ctx *ctx, const refused_case *c) {
    luron_layer *layer;
    luron_tensor *in[4] = {NULL}, *out[2] = {NULL};
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, c->type, c->options));
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i].dtype) in[i] = tensor_of(ctx, c->in[i].dtype, c->in[i].ndim, c->in[i].shape, c->in[i].values);
    assert_fails(ctx, luron_layer_apply(out, ctx, layer, c->n_in, in), c->status, c->part);
    assert_null(out[0]);
    for (int i = 0; i < c->n_in; i++)
        luron_tensor_unref(in[i]);
    luron_layer_unref(layer);
}

/* A type of one input says `part` to x. */
static inline void refuses(luron_ctx *ctx, const char *type, const char *options, luron_tensor *x, luron_status status,
                           const char *part) {
    luron_layer *layer;
    luron_tensor *y = NULL;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), status, part);
    assert_null(y);
    luron_layer_unref(layer);
}

#endif
