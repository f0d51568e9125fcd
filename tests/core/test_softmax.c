/* softmax and log_softmax: values and gradients against PyTorch's, extremes, strides, threads. */
#include "internal.h"
#include "tensor_assert.h"

#include <stdlib.h>

#include "reference.h"

enum { N_CASES = sizeof softmax_cases / sizeof *softmax_cases };
typedef luron_status softmax_fn(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim);

/* Errors of exp and of one division; the float32 sums here are of a few numbers. */
static double tolerance(uint32_t dtype) { return dtype == LURON_F64 ? 1e-13 : 2e-6; }

static void check(luron_ctx *ctx, softmax_fn *fn, const softmax_case *c, const reference_tensor *want,
                  const reference_tensor *want_g, uint32_t dtype, int layout) {
    luron_tensor *x = from_reference(ctx, dtype, &c->x, layout), *v = from_reference(ctx, dtype, &c->v, layout), *y,
                 *gx;
    double tol = tolerance(dtype);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, fn(&y, ctx, x, c->dim));
    assert_int_equal(luron_tensor_dtype(y), dtype);
    assert_int_equal(luron_tensor_is_contiguous(y), 1);
    compare(y, want, tol, tol);
    assert_ok(ctx, luron_grad(&gx, ctx, 1, &y, &v, 1, &x, 0));
    compare(gx, want_g, 10 * tol, 10 * tol); /* differences of numbers up to 40 */
    luron_tensor *all[] = {x, v, y, gx};
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(all[i]);
}

static void test_softmax_values_and_gradients_as_pytorch(void **state) {
    for (int i = 0; i < N_CASES; i++)
        for (int layout = 0; layout < 2; layout++)
            for (int wide = 0; wide < 2; wide++) {
                const softmax_case *c = &softmax_cases[i];
                check(*state, luron_softmax, c, &c->y, &c->gx, wide ? LURON_F64 : LURON_F32, layout);
                check(*state, luron_log_softmax, c, &c->log_y, &c->log_gx, wide ? LURON_F64 : LURON_F32, layout);
            }
}

typedef struct call {
    softmax_fn *fn;
    int dim;
} call;

static luron_status run(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    const call *c = ud;
    return c->fn(out, ctx, ins[0], c->dim);
}

static void test_softmax_gradcheck_to_second_order(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2};
    for (int dim = 0; dim < 3; dim++)
        for (int log = 0; log < 2; log++) {
            call c = {log ? luron_log_softmax : luron_softmax, dim};
            luron_tensor *x = uniform(ctx, LURON_F64, LURON_SHAPE(2, 3, 4));
            assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
            assert_ok(ctx, luron_gradcheck(ctx, run, &c, 1, &x, &options));
            luron_tensor_unref(x);
        }
}

static void expect_row(luron_ctx *ctx, uint32_t dtype, const double *x, const double *y, const double *log_y) {
    luron_tensor *t = tensor_of(ctx, dtype, LURON_SHAPE(3), x), *s, *l;
    assert_ok(ctx, luron_softmax(&s, ctx, t, 0));
    assert_ok(ctx, luron_log_softmax(&l, ctx, t, 0));
    assert_tensor_close(s, y, 3, 1e-6, 0);
    assert_tensor_close(l, log_y, 3, 1e-6, 0);
    luron_tensor_unref(t);
    luron_tensor_unref(s);
    luron_tensor_unref(l);
}

#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
static void test_softmax_extremes(void **state) {
    for (int wide = 0; wide < 2; wide++) {
        uint32_t dtype = wide ? LURON_F64 : LURON_F32;
        const double inf = (double)INFINITY, nan = (double)NAN;
        expect_row(*state, dtype, ROW(1e30, -1e30, 0), ROW(1, 0, 0), ROW(0, -2e30, -1e30));
        expect_row(*state, dtype, ROW(-1000, -1001, -inf), ROW(0.7310585786300049, 0.2689414213699951, 0),
                   ROW(-0.31326168751822286, -1.3132616875182228, -inf));
        expect_row(*state, dtype, ROW(-inf, -inf, -inf), ROW(nan, nan, nan), ROW(nan, nan, nan));
        expect_row(*state, dtype, ROW(0, nan, 0), ROW(nan, nan, nan), ROW(nan, nan, nan));
        expect_row(*state, dtype, ROW(inf, 0, 0), ROW(nan, nan, nan), ROW(nan, nan, nan));
    }
}

/* A long row against sums in double; numbers that a sum in float32 would lose. */
static void test_softmax_long_rows(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 100003 };
    int64_t shape[] = {N};
    luron_tensor *x = uniform(ctx, LURON_F32, 1, shape), *wide, *y, *want, *l, *want_l;
    assert_ok(ctx, luron_cast(&wide, ctx, x, LURON_F64));
    assert_ok(ctx, luron_softmax(&y, ctx, x, 0));
    assert_ok(ctx, luron_softmax(&want, ctx, wide, 0));
    assert_ok(ctx, luron_log_softmax(&l, ctx, x, 0));
    assert_ok(ctx, luron_log_softmax(&want_l, ctx, wide, 0));
    assert_tensor_close(y, luron_tensor_data(want), N, 5e-7, 0);
    assert_tensor_close(l, luron_tensor_data(want_l), N, 3e-7, 0);
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += ((const double *)luron_tensor_data(want))[i];
    assert_true(fabs(sum - 1) < 1e-12);
    luron_tensor *all[] = {x, wide, y, want, l, want_l};
    for (int i = 0; i < 6; i++)
        luron_tensor_unref(all[i]);
}

static void test_softmax_rows_in_place_and_alone(void **state) {
    enum { ROWS = 5, N = 300 };
    (void)state;
    for (int log = 0; log < 2; log++) {
        float x[ROWS * N], y[ROWS * N], one[N];
        for (int i = 0; i < ROWS * N; i++)
            x[i] = (float)((i * 7919) % 1000) / 100;
        luron__softmax_args args = {
            .dtype = LURON_F32, .isa = luron__isa_pick(getenv("LURON_ISA")), .log = log, .n = N, .inner = 1, .x = x, .to = y};
        luron__softmax(&args, 0, ROWS);
        for (int r = 0; r < ROWS; r++) {
            args.x = x + r * N, args.to = one;
            luron__softmax(&args, 0, 1);
            assert_memory_equal(one, y + r * N, sizeof one);
        }
        args.x = args.to = x;
        luron__softmax(&args, 0, ROWS);
        assert_memory_equal(x, y, sizeof x);
    }
}

static void test_softmax_of_other_dtypes(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *half = tensor_row(ctx, LURON_F16, 1, 2, 3), *ids = tensor_row(ctx, LURON_I64, 1, 2, 3), *y, *z;
    assert_ok(ctx, luron_softmax(&y, ctx, half, -1));
    assert_int_equal(luron_tensor_dtype(y), LURON_F16);
    assert_tensor_close(y, ROW(0.09003057, 0.24472847, 0.66524096), 3, 1e-3, 0);
    assert_ok(ctx, luron_softmax(&z, ctx, ids, -1)); /* integers become the default dtype */
    assert_int_equal(luron_tensor_dtype(z), LURON_F32);
    assert_tensor_close(z, ROW(0.09003057, 0.24472847, 0.66524096), 3, 1e-6, 0);
    luron_tensor *all[] = {half, ids, y, z};
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(all[i]);
}

static void test_softmax_same_bits_on_any_thread_count_and_layout(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(37, 30, 41)), *other = scattered(ctx, x);
    for (int dim = 0; dim < 3; dim++) {
        luron_tensor *first = NULL;
        for (int threads = 1; threads <= 8; threads += threads < 3 ? 1 : 5)
            for (int layout = 0; layout < 2; layout++) {
                luron_tensor *y;
                assert_ok(ctx, luron_ctx_set_threads(ctx, threads));
                assert_ok(ctx, luron_softmax(&y, ctx, layout ? other : x, dim));
                if (first)
                    assert_tensor_same(y, first);
                else
                    first = luron_tensor_ref(y);
                luron_tensor_unref(y);
            }
        luron_tensor_unref(first);
    }
    luron_tensor_unref(x);
    luron_tensor_unref(other);
}

/* Along a dim that is not the last one, of few and of many neighbours, and its gradient by a gradient with strides, as of rows. */
static void check_columns(luron_ctx *ctx, softmax_fn *fn, uint32_t dtype, int64_t n, int64_t inner) {
    const double tol = 10 * tolerance(dtype);
    const int64_t numel = 2 * n * inner;
    luron_tensor *x = uniform(ctx, dtype, LURON_SHAPE(2, n, inner)), *v = uniform(ctx, dtype, LURON_SHAPE(2, n, inner)), *t[8];
    luron_tensor *apart = scattered(ctx, v);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, fn(&t[0], ctx, x, 1));
    assert_ok(ctx, luron_grad(&t[1], ctx, 1, &t[0], &apart, 1, &x, 0));
    assert_ok(ctx, luron_transpose(&t[2], ctx, x, 1, 2));
    assert_ok(ctx, fn(&t[3], ctx, t[2], 2));
    assert_ok(ctx, luron_transpose(&t[4], ctx, t[3], 1, 2));
    assert_ok(ctx, luron_contiguous(&t[5], ctx, t[4]));
    assert_ok(ctx, luron_grad(&t[6], ctx, 1, &t[5], &v, 1, &x, 0));
    assert_ok(ctx, luron_cast(&t[7], ctx, t[5], LURON_F64));
    assert_tensor_close(t[0], luron_tensor_data(t[7]), numel, tol, tol);
    luron_tensor_unref(t[7]);
    assert_ok(ctx, luron_cast(&t[7], ctx, t[6], LURON_F64));
    luron_tensor *last;
    assert_ok(ctx, luron_contiguous(&last, ctx, t[7]));
    assert_tensor_close(t[1], luron_tensor_data(last), numel, tol, tol);
    luron_tensor_unref(last);
    for (int i = 0; i < 8; i++) luron_tensor_unref(t[i]);
    luron_tensor_unref(x), luron_tensor_unref(v), luron_tensor_unref(apart);
}

static void test_softmax_columns_as_rows(void **state) {
    static const int64_t sizes[][2] = {{1, 1}, {5, 3}, {300, 2}, {3, 64}, {17, 65}, {0, 3}, {3, 0}, {1000, 130}, {3, 256}, {7, 257}, {2, 600}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int wide = 0; wide < 2; wide++)
            for (int log = 0; log < 2; log++)
                check_columns(*state, log ? luron_log_softmax : luron_softmax, wide ? LURON_F64 : LURON_F32, sizes[i][0],
                              sizes[i][1]);
}

/* Forward and backward with every allocation made to fail, one after the other. */
static void test_softmax_survives_failing_allocations(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(4, 5));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int log = 0; log < 2; log++) {
        luron_status status = LURON_E_NOMEM;
        for (int k = 1; status; k++) {
            luron_tensor *y = NULL, *total = NULL, *gx = NULL;
            luron_ctx_fail_alloc(ctx, k, 0);
            status = log ? luron_log_softmax(&y, ctx, x, 0) : luron_softmax(&y, ctx, x, 0);
            if (!status) status = luron_sum(&total, ctx, y, 0, NULL, 0);
            if (!status) status = luron_grad(&gx, ctx, 1, &total, NULL, 1, &x, 0);
            luron_ctx_fail_alloc(ctx, 0, 0);
            luron_tensor *all[] = {y, total, gx};
            for (int i = 0; i < 3; i++)
                luron_tensor_unref(all[i]);
            if (status) assert_int_equal(status, LURON_E_NOMEM);
            assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        }
    }
    luron_tensor_unref(x);
}

static void test_softmax_refuses_dims_that_are_not_there(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *y = NULL;
    assert_fails(ctx, luron_softmax(&y, ctx, x, 2), LURON_E_RANGE, "softmax: dim");
    assert_fails(ctx, luron_log_softmax(&y, ctx, x, -3), LURON_E_RANGE, "log_softmax: dim");
    assert_null(y);
    luron_tensor_unref(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_softmax_values_and_gradients_as_pytorch),
        test_case(test_softmax_gradcheck_to_second_order),
        test_case(test_softmax_extremes),
        test_case(test_softmax_long_rows),
        test_case(test_softmax_rows_in_place_and_alone),
        test_case(test_softmax_of_other_dtypes),
        test_case(test_softmax_same_bits_on_any_thread_count_and_layout),
        test_case(test_softmax_columns_as_rows),
        test_case(test_softmax_survives_failing_allocations),
        test_case(test_softmax_refuses_dims_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
