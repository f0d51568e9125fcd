/* tensor_assert.h -- what the C tests share: a context whose every byte is counted, and checks on tensors. */
#ifndef TENSOR_ASSERT_H
#define TENSOR_ASSERT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <luron/luron.h>

/* Fixtures for cmocka_unit_test_setup_teardown: *state is a luron_ctx. The teardown frees it and fails the test if a
 * byte of it is still allocated, so every test checks that all was released.                                        */
int test_ctx_new(void **state);
int test_ctx_free(void **state);
#define test_case(f) cmocka_unit_test_setup_teardown(f, test_ctx_new, test_ctx_free)

/** The expression gives LURON_OK; else the context's error is printed. */
#define assert_ok(ctx, expr) assert_ok_((ctx), (expr), #expr, __FILE__, __LINE__)
void assert_ok_(luron_ctx *ctx, luron_status status, const char *expr, const char *file, int line);
/** The expression gives `status`, and the error text contains `part`. */
#define assert_fails(ctx, expr, status, part) assert_fails_((ctx), (expr), (status), (part), #expr, __FILE__, __LINE__)
void assert_fails_(luron_ctx *ctx, luron_status got, luron_status status, const char *part, const char *expr,
                   const char *file, int line);

/** Tensors whose making cannot fail in a test: of doubles converted to dtype (NULL: zeros), a row, a number. */
luron_tensor *tensor_of(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, const double *values);
#define tensor_row(ctx, dtype, ...)                                                                                    \
    tensor_of((ctx), (dtype), 1, (const int64_t[]){sizeof((const double[]){__VA_ARGS__}) / sizeof(double)},            \
              (const double[]){__VA_ARGS__})

/** |t - expect| <= atol + rtol |expect| for all n elements in row-major order; NaN equals NaN, infinities must be the
 *  same. On failure: the worst index, both values, shape and dtype.                                                  */
#define assert_tensor_close(t, expect, n, rtol, atol)                                                                  \
    assert_tensor_close_((t), (expect), (n), (rtol), (atol), #t, __FILE__, __LINE__)
void assert_tensor_close_(const luron_tensor *t, const double *expect, int64_t n, double rtol, double atol,
                          const char *what, const char *file, int line);
/** The same dtype, shape and bits. */
#define assert_tensor_same(a, b) assert_tensor_same_((a), (b), #a, __FILE__, __LINE__)
void assert_tensor_same_(const luron_tensor *a, const luron_tensor *b, const char *what, const char *file, int line);
#define assert_shape(t, ...)                                                                                           \
    assert_shape_((t), sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (const int64_t[]){__VA_ARGS__}, #t,   \
                  __FILE__, __LINE__)
void assert_shape_(const luron_tensor *t, size_t ndim, const int64_t *shape, const char *what, const char *file,
                   int line);

#endif
