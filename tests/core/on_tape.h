/* on_tape.h -- for tests of the tape: leaves and ops in one line each. */
#ifndef ON_TAPE_H
#define ON_TAPE_H
#include "internal.h"
#include "tensor_assert.h"

#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
#define N(...) (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
#define assert_values(t, ...) assert_tensor_close(t, ROW(__VA_ARGS__), N(__VA_ARGS__), 1e-12, 0)
#define release(...)                                                                                                   \
    do {                                                                                                               \
        luron_tensor *all_[] = {__VA_ARGS__};                                                                          \
        for (size_t i_ = 0; i_ < sizeof all_ / sizeof *all_; i_++) luron_tensor_unref(all_[i_]);                       \
    } while (0)

static inline luron_tensor *leaf(luron_ctx *ctx, uint32_t dtype, int n, const double *values) {
    luron_tensor *t = tensor_of(ctx, dtype, 1, (const int64_t[]){n}, values);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}
#define LEAF(ctx, ...) leaf((ctx), LURON_F64, N(__VA_ARGS__), ROW(__VA_ARGS__))

typedef luron_status (*op1)(luron_tensor **, luron_ctx *, luron_tensor *);
typedef luron_status (*op2)(luron_tensor **, luron_ctx *, luron_tensor *, luron_tensor *);
static inline luron_tensor *one(luron_ctx *ctx, op1 op, luron_tensor *x) {
    luron_tensor *y = NULL;
    assert_ok(ctx, op(&y, ctx, x));
    return y;
}
static inline luron_tensor *two(luron_ctx *ctx, op2 op, luron_tensor *a, luron_tensor *b) {
    luron_tensor *y = NULL;
    assert_ok(ctx, op(&y, ctx, a, b));
    return y;
}
static inline luron_tensor *total(luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y = NULL;
    assert_ok(ctx, luron_sum(&y, ctx, x, 0, NULL, 0));
    return y;
}

#endif
