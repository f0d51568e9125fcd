/* same_threads.h -- a layer of one input, of any rank, gives the same bits at 1, 2, 3 and 8 threads: output, gradients
 * of the input and of all parameters. */
#ifndef SAME_THREADS_H
#define SAME_THREADS_H
#include "tensor_assert.h"

enum { SAME_THREADS_MOST = 6 };

/* Output, the input's gradient and the parameters' at this number of threads. */
static inline void same_threads_run(luron_ctx *ctx, luron_layer *layer, luron_tensor *x, int threads,
                                    luron_tensor **got) {
    luron_tensor *v;
    assert_ok(ctx, luron_ctx_set_threads(ctx, threads));
    luron_ctx_seed(ctx, 7);
    assert_ok(ctx, luron_layer_apply(&got[0], ctx, layer, 1, &x));
    assert_ok(ctx, luron_tensor_new(&v, ctx, LURON_F32, luron_tensor_ndim(got[0]), luron_tensor_shape(got[0])));
    assert_ok(ctx, luron_tensor_uniform(ctx, v, -1, 1));
    for (int i = 1; i < SAME_THREADS_MOST; i++) {
        luron_tensor *t = i == 1 ? x : luron_layer_param(layer, i - 2);
        if (t) assert_ok(ctx, luron_tensor_set_grad(ctx, t, NULL));
    }
    assert_ok(ctx, luron_backward(ctx, got[0], v, 0));
    luron_tensor_unref(v);
    for (int i = 1; i < SAME_THREADS_MOST; i++) {
        luron_tensor *t = i == 1 ? x : luron_layer_param(layer, i - 2);
        if (t) got[i] = luron_tensor_ref(luron_tensor_grad(t));
    }
}

static inline void same_threads(luron_ctx *ctx, const char *type, const char *options, int ndim, const int64_t *shape) {
    static const int threads[] = {1, 2, 3, 8};
    luron_tensor *x, *got[4][SAME_THREADS_MOST] = {{NULL}};
    luron_layer *layer;
    const int was = luron_ctx_threads(ctx);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, ndim, shape));
    assert_ok(ctx, luron_tensor_uniform(ctx, x, -1, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    for (int t = 0; t < 4; t++)
        same_threads_run(ctx, layer, x, threads[t], got[t]);
    for (int t = 0; t < 4; t++)
        for (int i = 0; i < SAME_THREADS_MOST && got[0][i]; i++)
            assert_tensor_same_(got[t][i], got[0][i], type, __FILE__, __LINE__);
    for (int i = 0; i < 4 * SAME_THREADS_MOST; i++)
        luron_tensor_unref(got[i / SAME_THREADS_MOST][i % SAME_THREADS_MOST]);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_ctx_set_threads(ctx, was));
}

#endif
