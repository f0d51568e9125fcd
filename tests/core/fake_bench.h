/* fake_bench.h -- what the tests over the fake layer types share. */
#ifndef FAKE_BENCH_H
#define FAKE_BENCH_H
#include "fake_layers.h"

#include "layer_check.h"
#include "tensor_assert.h"

FAKE int fake_setup(void **state) {
    if (test_ctx_new(state)) return -1;
    return luron_plugin_add(*state, &luron_plugin_fakes, NULL) == LURON_OK ? 0 : -1;
}
#define fake_test(f) cmocka_unit_test_setup_teardown(f, fake_setup, test_ctx_free)

FAKE luron_layer *make(luron_ctx *ctx, const char *type, const char *options) {
    luron_layer *layer = NULL;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    return layer;
}
FAKE luron_tensor *zeros(luron_ctx *ctx, uint32_t dtype, int64_t n, int64_t m) {
    return tensor_of(ctx, dtype, 2, (const int64_t[]){n, m}, NULL);
}
FAKE luron_tensor *leaf(luron_ctx *ctx, luron_tensor *t) {
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

#endif
