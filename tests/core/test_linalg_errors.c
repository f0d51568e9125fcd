/* Linear algebra: numbers that are none, dtypes, threads, memory, refusals. Values and gradients: test_linalg.c. */
#include "on_tape.h"
#include "strided.h"

#include <math.h>

static luron_tensor *turned(luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *t;
    assert_ok(ctx, luron_transpose(&t, ctx, x, -2, -1));
    return t;
}

/* ---- numbers that are none --------------------------------------------------------------------------------------- */
static void test_linalg_not_finite(void **state) {
    luron_ctx *ctx = *state;
    static const double bad[] = {(double)NAN, (double)INFINITY};
    for (int i = 0; i < 2; i++) {
        luron_tensor *a = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 3, 3),
                                    ROW(2, 0, 1, 0, 2, 0, 1, 0, 2, 2, 0, 1, 0, 2, 0, bad[i], 0, 2));
        luron_tensor *b = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 3), ROW(1, 2, 3, 1, 2, 3)), *x, *y = NULL, *z = NULL,
                     *w = NULL;
        assert_ok(ctx, luron_solve(&x, ctx, a, b));
        assert_true(isfinite(((double *)luron_tensor_data(x))[0])); /* of the matrix beside it */
        assert_true(i == 1 || isnan(((double *)luron_tensor_data(x))[3]));
        luron_tensor_unref(x);
        assert_ok(ctx, luron_det(&x, ctx, a));
        assert_false(isfinite(((double *)luron_tensor_data(x))[1]));
        luron_tensor_unref(x);
        assert_ok(ctx, luron_qr(&x, &y, ctx, a)); /* ends */
        release(x, y);
        y = NULL;
        assert_fails(ctx, luron_svd(&y, &z, &w, ctx, a), LURON_E_ARGUMENT,
                     "svd: matrix 1 has an element that is not finite");
        assert_fails(ctx, luron_eigh(&y, &z, ctx, a), LURON_E_ARGUMENT,
                     "eigh: matrix 1 has an element that is not finite");
        assert_fails(ctx, luron_cholesky(&y, ctx, a), LURON_E_ARGUMENT,
                     "cholesky: matrix 1 is not positive definite: pivot 2");
        assert_null(y);
        release(a, b);
    }
}

/* ---- dtypes, threads, memory, refusals --------------------------------------------------------------------------- */
static void test_linalg_dtypes(void **state) {
    luron_ctx *ctx = *state;
    static const uint32_t dtypes[] = {LURON_F16, LURON_BF16, LURON_I64, LURON_I32, LURON_U8, LURON_B8};
    for (int i = 0; i < 6; i++) {
        luron_tensor *a = tensor_of(ctx, dtypes[i], LURON_SHAPE(2, 2), ROW(1, 0, 0, 1)), *y = NULL, *z = NULL,
                     *w = NULL;
        luron_tensor *row = tensor_row(ctx, dtypes[i], 1, 1), *real = uniform(ctx, LURON_F32, LURON_SHAPE(2, 2));
        assert_fails(ctx, luron_solve(&y, ctx, a, row), LURON_E_DTYPE, "solve: float32 or float64 expected, got ");
        assert_fails(ctx, luron_solve(&y, ctx, real, row), LURON_E_DTYPE,
                     "solve: b: float32 or float64 expected, got ");
        assert_fails(ctx, luron_solve_triangular(&y, ctx, a, row, 0, 0), LURON_E_DTYPE, "solve_triangular: float32");
        assert_fails(ctx, luron_inverse(&y, ctx, a), LURON_E_DTYPE, "inverse: float32");
        assert_fails(ctx, luron_det(&y, ctx, a), LURON_E_DTYPE, "det: float32");
        assert_fails(ctx, luron_slogdet(&y, &z, ctx, a), LURON_E_DTYPE, "slogdet: float32");
        assert_fails(ctx, luron_cholesky(&y, ctx, a), LURON_E_DTYPE, "cholesky: float32");
        assert_fails(ctx, luron_qr(&y, &z, ctx, a), LURON_E_DTYPE, "qr: float32");
        assert_fails(ctx, luron_svd(&y, &z, &w, ctx, a), LURON_E_DTYPE, "svd: float32");
        assert_fails(ctx, luron_eigh(&y, &z, ctx, a), LURON_E_DTYPE, "eigh: float32");
        assert_null(y);
        assert_ok(ctx, luron_diag(&y, ctx, row, 0));
        assert_tensor_same(y, a);
        luron_tensor_unref(y);
        assert_ok(ctx, luron_trace(&y, ctx, a));
        assert_values(y, 2);
        luron_tensor_unref(y);
        assert_ok(ctx, luron_dot(&y, ctx, row, row));
        assert_values(y, 2);
        luron_tensor_unref(y);
        assert_ok(ctx, luron_outer(&y, ctx, row, row));
        assert_values(y, 1, 1, 1, 1);
        release(a, row, real, y);
    }
    luron_tensor *a = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 2), ROW(2, 0, 0, 4)),
                 *b = tensor_row(ctx, LURON_F64, 1, 1), *y;
    assert_ok(ctx, luron_solve(&y, ctx, a, b)); /* promoted */
    assert_int_equal(luron_tensor_dtype(y), LURON_F64);
    assert_values(y, 0.5, 0.25);
    release(a, b, y);
}

static void test_linalg_diagonal_is_a_view(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 3), ROW(1, 2, 3, 4, 5, 6)), *y;
    assert_ok(ctx, luron_diagonal(&y, ctx, x, 1, 0, 1));
    assert_true(luron_tensor_is_shared(x, y));
    assert_ok(ctx, luron_tensor_fill(ctx, y, 0));
    assert_values(x, 1, 0, 3, 4, 5, 0);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_diagonal(&y, ctx, x, INT64_MIN, 0, 1));
    assert_shape(y, 0);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_diagonal(&y, ctx, x, INT64_MAX, 0, 1));
    assert_shape(y, 0);
    release(x, y);
}

static void test_linalg_same_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    enum { OPS = 10 };
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(70, 2, 9, 9)),
                 *b = uniform(ctx, LURON_F32, LURON_SHAPE(9, 5));
    luron_tensor *t = turned(ctx, x), *even = two(ctx, luron_matmul, x, t), *want[OPS] = {NULL};
    for (int i = 0; i < 4; i++) {
        luron_tensor *y[OPS] = {NULL};
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[i]));
        assert_ok(ctx, luron_solve(&y[0], ctx, x, b));
        assert_ok(ctx, luron_inverse(&y[1], ctx, x));
        assert_ok(ctx, luron_det(&y[2], ctx, x));
        assert_ok(ctx, luron_qr(&y[3], &y[4], ctx, x));
        assert_ok(ctx, luron_svd(&y[5], &y[6], &y[7], ctx, x));
        assert_ok(ctx, luron_eigh(&y[8], &y[9], ctx, even));
        for (int k = 0; k < OPS; k++) {
            luron_tensor *copy;
            assert_ok(ctx, luron_copy(&copy, ctx, y[k]));
            luron_tensor_unref(y[k]);
            if (want[k]) assert_tensor_same(copy, want[k]);
            if (want[k])
                luron_tensor_unref(copy);
            else
                want[k] = copy;
        }
    }
    for (int k = 0; k < OPS; k++)
        luron_tensor_unref(want[k]);
    release(x, b, t, even);
}

/* One matrix against many right sides is the same as that matrix many times. */
static void test_linalg_solve_broadcasts(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = uniform(ctx, LURON_F64, LURON_SHAPE(5, 5)), *b = uniform(ctx, LURON_F64, LURON_SHAPE(40, 5, 2));
    luron_tensor *many, *apart, *x, *y;
    assert_ok(ctx, luron_expand(&many, ctx, a, LURON_SHAPE(40, 5, 5)));
    assert_ok(ctx, luron_copy(&apart, ctx, many));
    assert_ok(ctx, luron_solve(&x, ctx, a, b));
    assert_ok(ctx, luron_solve(&y, ctx, apart, b));
    assert_tensor_same(x, y);
    release(a, b, many, apart, x, y);
}

static luron_status many_ops(luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *t[20] = {NULL}, *g = NULL, *sum = NULL;
    luron_status status = luron_transpose(&t[0], ctx, x, -2, -1);
    if (!status) status = luron_matmul(&t[1], ctx, x, t[0]);
    if (!status) status = luron_cholesky(&t[2], ctx, t[1]);
    if (!status) status = luron_solve_triangular(&t[3], ctx, t[2], x, 0, 0);
    if (!status) status = luron_solve(&t[4], ctx, x, t[3]);
    if (!status) status = luron_inverse(&t[5], ctx, t[4]);
    if (!status) status = luron_qr(&t[6], &t[7], ctx, t[5]);
    if (!status) status = luron_svd(&t[8], &t[9], &t[10], ctx, t[7]);
    if (!status) status = luron_eigh(&t[11], &t[12], ctx, t[1]);
    if (!status) status = luron_slogdet(&t[13], &t[14], ctx, t[8]);
    if (!status) status = luron_det(&t[15], ctx, t[10]);
    if (!status) status = luron_diag(&t[16], ctx, t[11], 0);
    if (!status) status = luron_trace(&t[17], ctx, t[16]);
    if (!status) status = luron_add(&t[18], ctx, t[17], t[15]);
    if (!status) status = luron_add(&t[19], ctx, t[18], t[14]);
    if (!status) status = luron_sum(&sum, ctx, t[19], 0, NULL, 0);
    if (!status) status = luron_grad(&g, ctx, 1, &sum, NULL, 1, &x, 0);
    release(g, sum);
    for (int i = 0; i < 20; i++)
        luron_tensor_unref(t[i]);
    return status;
}

static void test_linalg_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(3, 3), ROW(3, 1, 0, 1, 2, 1, 0, 1, 4));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    int64_t blocks = luron_ctx_live_blocks(ctx), k = 1;
    for (luron_status status = LURON_E_NOMEM; status; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        status = many_ops(ctx, x);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 200);
    luron_tensor_unref(x);
}

static void test_linalg_refuses_matrices(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2, 2), ROW(1, 2, 3, 4, 1, 2, 2, 4)), *y = NULL,
                 *z = NULL, *g;
    luron_tensor *single = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2), ROW(1, 2, 2, 1)),
                 *b = tensor_row(ctx, LURON_F64, 1, 2);
    luron_tensor *zero = tensor_of(ctx, LURON_F64, LURON_SHAPE(1, 2, 3, 3), NULL);
    assert_fails(ctx, luron_solve(&y, ctx, a, b), LURON_E_ARGUMENT, "solve: matrix 1 is singular: pivot 1 is 0");
    luron_ctx_set_index_base(ctx, 1);
    assert_fails(ctx, luron_inverse(&y, ctx, a), LURON_E_ARGUMENT, "inverse: matrix 2 is singular: pivot 2 is 0");
    assert_fails(ctx, luron_inverse(&y, ctx, zero), LURON_E_ARGUMENT,
                 "inverse: matrix (1, 1) is singular: pivot 1 is 0");
    assert_fails(ctx, luron_cholesky(&y, ctx, single), LURON_E_ARGUMENT,
                 "cholesky: the matrix is not positive definite: pivot 2 is not above 0");
    assert_fails(ctx, luron_solve_triangular(&y, ctx, zero, b, 1, 0), LURON_E_SHAPE,
                 "solve_triangular: a is (1, 2, 3, 3), so b must have 3 numbers, got (2,)");
    luron_tensor *three = tensor_row(ctx, LURON_F64, 1, 2, 3);
    assert_fails(ctx, luron_solve_triangular(&y, ctx, zero, three, 1, 0), LURON_E_ARGUMENT,
                 "solve_triangular: matrix (1, 1) is singular: element 1 of the diagonal is 0");
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, a, 1));
    assert_ok(ctx, luron_slogdet(&y, &z, ctx, a));
    assert_false(luron_tensor_requires_grad(y));
    assert_tensor_close(y, ROW(-1, 0), 2, 0, 0);
    assert_tensor_close(z, ROW(log(2), -(double)INFINITY), 2, 1e-15, 0);
    assert_fails(ctx, luron_grad(&g, ctx, 1, &z, (luron_tensor *[]){b}, 1, &a, 0), LURON_E_ARGUMENT,
                 "gradient of slogdet: inverse: matrix 2 is singular");
    release(y, z);
    assert_ok(ctx, luron_qr(&y, &z, ctx, a));
    luron_tensor *ones;
    assert_ok(ctx, luron_tensor_full(&ones, ctx, LURON_F64, LURON_SHAPE(2, 2, 2), 1));
    luron_tensor *none = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2, 2), NULL), *q = NULL, *r = NULL;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, none, 1));
    assert_ok(ctx, luron_qr(&q, &r, ctx, none));
    assert_fails(ctx, luron_grad(&g, ctx, 1, &r, &ones, 1, &none, 0), LURON_E_ARGUMENT,
                 "gradient of qr: solve_triangular: matrix 1 is singular");
    release(a, y, z, single, b, zero, three, ones, none, q, r);
}

static void test_linalg_refuses_shapes(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *wide = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *row = uniform(ctx, LURON_F32, LURON_SHAPE(3));
    luron_tensor *three = uniform(ctx, LURON_F32, LURON_SHAPE(3, 3)),
                 *batch = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3, 3));
    luron_tensor *other = uniform(ctx, LURON_F32, LURON_SHAPE(4, 3, 1)), *point = uniform(ctx, LURON_F32, 0, NULL),
                 *y = NULL, *z = NULL;
    assert_fails(ctx, luron_solve(&y, ctx, wide, row), LURON_E_SHAPE, "solve: a square matrix expected, got (2, 3)");
    assert_fails(ctx, luron_solve(&y, ctx, row, row), LURON_E_SHAPE,
                 "solve: a matrix (or a batch of them) expected, got (3,)");
    assert_fails(ctx, luron_solve(&y, ctx, three, wide), LURON_E_SHAPE,
                 "solve: a is (3, 3), so b must have 3 rows, got (2, 3)");
    assert_fails(ctx, luron_solve(&y, ctx, three, point), LURON_E_SHAPE, "solve: b must be a vector or matrix, got ()");
    assert_fails(ctx, luron_solve(&y, ctx, batch, other), LURON_E_SHAPE,
                 "solve: leading dims of (2, 3, 3) and (4, 3, 1) do not broadcast");
    assert_fails(ctx, luron_det(&y, ctx, wide), LURON_E_SHAPE, "det: a square matrix expected");
    assert_fails(ctx, luron_eigh(&y, &z, ctx, wide), LURON_E_SHAPE, "eigh: a square matrix expected");
    assert_fails(ctx, luron_qr(&y, &z, ctx, row), LURON_E_SHAPE, "qr: a matrix");
    assert_fails(ctx, luron_trace(&y, ctx, row), LURON_E_SHAPE, "trace: a matrix");
    assert_fails(ctx, luron_diag(&y, ctx, batch, 0), LURON_E_SHAPE,
                 "diag: a vector or a matrix expected, got (2, 3, 3)");
    assert_fails(ctx, luron_diag(&y, ctx, row, INT64_MIN), LURON_E_SHAPE, "diag: an offset of");
    assert_fails(ctx, luron_diag(&y, ctx, row, INT64_MAX), LURON_E_SHAPE, "diag: an offset of");
    assert_fails(ctx, luron_diagonal(&y, ctx, row, 0, 0, 1), LURON_E_SHAPE,
                 "diagonal: two dims or more expected, got (3,)");
    assert_fails(ctx, luron_diagonal(&y, ctx, batch, 0, 0, 3), LURON_E_RANGE, "diagonal: dim 2: no dim 3");
    assert_fails(ctx, luron_diagonal(&y, ctx, batch, 0, 1, -2), LURON_E_ARGUMENT, "diagonal: both dims are 1");
    assert_fails(ctx, luron_outer(&y, ctx, wide, row), LURON_E_SHAPE,
                 "outer: two vectors expected, got (2, 3) and (3,)");
    assert_fails(ctx, luron_dot(&y, ctx, row, point), LURON_E_SHAPE, "dot: two vectors expected, got (3,) and ()");
    luron_tensor *two_numbers = uniform(ctx, LURON_F32, LURON_SHAPE(2));
    assert_fails(ctx, luron_dot(&y, ctx, row, two_numbers), LURON_E_SHAPE,
                 "dot: vectors of one size expected, got 3 and 2");
    assert_null(y);
    release(wide, row, three, batch, other, point, two_numbers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_linalg_not_finite),         test_case(test_linalg_dtypes),
        test_case(test_linalg_diagonal_is_a_view), test_case(test_linalg_same_bits_at_any_thread_count),
        test_case(test_linalg_solve_broadcasts),   test_case(test_linalg_without_memory),
        test_case(test_linalg_refuses_matrices),   test_case(test_linalg_refuses_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
