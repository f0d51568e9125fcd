/* matmul: values and gradients against PyTorch's, strides, batches, threads, errors. The bits: test_gemm.c. */
#include "internal.h"
#include "tensor_assert.h"

#include <math.h>
#include <string.h>

#include "reference.h"

enum { N_CASES = sizeof product_cases / sizeof *product_cases };

/* ---- values ------------------------------------------------------------------------------------------------------ */
static void check_case(luron_ctx *ctx, const product_case *c, uint32_t dtype, int layout) {
    luron_tensor *a = from_reference(ctx, dtype, &c->a, layout & 1), *b = from_reference(ctx, dtype, &c->b, layout & 2),
                 *v = from_reference(ctx, dtype, &c->v, layout & 1);
    luron_tensor *y, *grads[2];
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, a, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, b, 1));
    assert_ok(ctx, luron_matmul(&y, ctx, a, b));
    assert_int_equal(luron_tensor_dtype(y), dtype);
    assert_int_equal(luron_tensor_is_contiguous(y), 1);
    compare(y, &c->y, 0, 0); /* small multiples of 1/64: every sum is exact */
    assert_ok(ctx, luron_grad(grads, ctx, 1, &y, &v, 2, (luron_tensor *[]){a, b}, 0));
    compare(grads[0], &c->ga, 0, 0);
    compare(grads[1], &c->gb, 0, 0);
    luron_tensor *all[] = {a, b, v, y, grads[0], grads[1]};
    for (int i = 0; i < 6; i++)
        luron_tensor_unref(all[i]);
}

static void test_matmul_values_and_gradients_as_pytorch(void **state) {
    for (int i = 0; i < N_CASES; i++)
        for (int layout = 0; layout < 4; layout++)
            for (int wide = 0; wide < 2; wide++)
                check_case(*state, &product_cases[i], wide ? LURON_F64 : LURON_F32, layout);
}

static luron_status product(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    (void)ud;
    return luron_matmul(out, ctx, ins[0], ins[1]);
}

static void test_matmul_gradcheck_to_second_order(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2};
    for (int i = 0; i < N_CASES; i++) {
        luron_tensor *a = uniform(ctx, LURON_F64, product_cases[i].a.ndim, product_cases[i].a.shape);
        luron_tensor *b = uniform(ctx, LURON_F64, product_cases[i].b.ndim, product_cases[i].b.shape);
        if (luron_tensor_numel(a) + luron_tensor_numel(b) < 60) {
            assert_ok(ctx, luron_tensor_set_requires_grad(ctx, a, 1));
            assert_ok(ctx, luron_tensor_set_requires_grad(ctx, b, 1));
            assert_ok(ctx, luron_gradcheck(ctx, product, NULL, 2, (luron_tensor *[]){a, b}, &options));
        }
        luron_tensor_unref(a);
        luron_tensor_unref(b);
    }
}

/* x @ x: one tensor in both places. */
static luron_status square(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    (void)ud;
    return luron_matmul(out, ctx, ins[0], ins[0]);
}

static void test_matmul_of_a_tensor_with_itself(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2};
    luron_tensor *x = uniform(ctx, LURON_F64, LURON_SHAPE(2, 3, 3));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_gradcheck(ctx, square, NULL, 1, &x, &options));
    luron_tensor_unref(x);
}

/* ---- strides, batches, dtypes ------------------------------------------------------------------------------------ */
/* Allocations of one call; each of them is made to fail first. */
static int allocations(luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    luron_tensor *y = NULL;
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int k = 1;; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron_matmul(&y, ctx, a, b);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (status == LURON_OK) {
            luron_tensor_unref(y);
            return k - 1;
        }
        assert_int_equal(status, LURON_E_NOMEM);
        assert_null(y);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
}

static void test_matmul_reads_transposed_and_expanded_operands_in_place(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = uniform(ctx, LURON_F32, LURON_SHAPE(6, 4)), *b = uniform(ctx, LURON_F32, LURON_SHAPE(4, 6)), *at,
                 *bt, *batch, *strided = scattered(ctx, b);
    assert_ok(ctx, luron_transpose(&at, ctx, a, 0, 1));
    assert_ok(ctx, luron_transpose(&bt, ctx, b, 0, 1));
    assert_ok(ctx, luron_expand(&batch, ctx, b, LURON_SHAPE(5, 4, 6)));
    int plain = allocations(ctx, a, b);
    assert_int_equal(allocations(ctx, at, bt), plain);
    assert_int_equal(allocations(ctx, a, batch), plain);
    assert_true(allocations(ctx, a, strided) > plain);
    luron_tensor *all[] = {a, b, at, bt, batch, strided};
    for (int i = 0; i < 6; i++)
        luron_tensor_unref(all[i]);
}

/* Forward and backward with every allocation made to fail, one after the other. */
static void sweep(luron_ctx *ctx, int a_ndim, const int64_t *a_shape, int b_ndim, const int64_t *b_shape) {
    luron_tensor *xs[2] = {uniform(ctx, LURON_F32, a_ndim, a_shape), uniform(ctx, LURON_F32, b_ndim, b_shape)};
    for (int i = 0; i < 2; i++)
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, xs[i], 1));
    int64_t blocks = luron_ctx_live_blocks(ctx);
    luron_status status = LURON_E_NOMEM;
    for (int k = 1; status; k++) {
        luron_tensor *y = NULL, *total = NULL, *grads[2] = {NULL};
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_matmul(&y, ctx, xs[0], xs[1]);
        if (!status) status = luron_sum(&total, ctx, y, 0, NULL, 0);
        if (!status) status = luron_grad(grads, ctx, 1, &total, NULL, 2, xs, 0);
        luron_ctx_fail_alloc(ctx, 0, 0);
        luron_tensor *all[] = {y, total, grads[0], grads[1]};
        for (int i = 0; i < 4; i++)
            luron_tensor_unref(all[i]);
        if (status) assert_int_equal(status, LURON_E_NOMEM);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    luron_tensor_unref(xs[0]);
    luron_tensor_unref(xs[1]);
}

static void test_matmul_survives_failing_allocations(void **state) {
    sweep(*state, LURON_SHAPE(2, 3, 4), LURON_SHAPE(4, 5));
    sweep(*state, LURON_SHAPE(4), LURON_SHAPE(2, 4, 5));
    sweep(*state, LURON_SHAPE(2, 3, 4), LURON_SHAPE(4));
}

/* Rows of a batch have the bits that they have alone. */
static void test_matmul_batch_has_the_bits_of_its_parts(void **state) {
    luron_ctx *ctx = *state;
    for (int two = 0; two < 2; two++) {
        luron_tensor *a = uniform(ctx, LURON_F32, LURON_SHAPE(5, 7, 600)),
                     *b = two ? uniform(ctx, LURON_F32, LURON_SHAPE(5, 600, 9))
                              : uniform(ctx, LURON_F32, LURON_SHAPE(600, 9)),
                     *y;
        assert_ok(ctx, luron_matmul(&y, ctx, a, b));
        for (int i = 0; i < 5; i++) {
            luron_tensor *ai, *bi = NULL, *yi, *alone;
            assert_ok(ctx, luron_select(&ai, ctx, a, 0, i));
            if (two) assert_ok(ctx, luron_select(&bi, ctx, b, 0, i));
            assert_ok(ctx, luron_select(&yi, ctx, y, 0, i));
            assert_ok(ctx, luron_matmul(&alone, ctx, ai, two ? bi : b));
            assert_tensor_same(yi, alone);
            luron_tensor *all[] = {ai, bi, yi, alone};
            for (int k = 0; k < 4; k++)
                luron_tensor_unref(all[k]);
        }
        luron_tensor_unref(a);
        luron_tensor_unref(b);
        luron_tensor_unref(y);
    }
}

static void test_matmul_same_bits_on_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int64_t shapes[][2][3] = {{{1, 200, 520}, {1, 520, 130}},
                                           {{300, 9, 20}, {300, 20, 11}},
                                           {{3, 150, 300}, {3, 300, 150}},
                                           {{70, 40, 30}, {1, 30, 50}}};
    for (int s = 0; s < 4; s++) {
        luron_tensor *a = uniform(ctx, LURON_F32, 3, shapes[s][0]), *b = uniform(ctx, LURON_F32, 3, shapes[s][1]),
                     *first = NULL;
        for (int threads = 1; threads <= 8; threads += threads < 3 ? 1 : 5) {
            luron_tensor *y;
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads));
            assert_ok(ctx, luron_matmul(&y, ctx, a, b));
            if (first)
                assert_tensor_same(y, first);
            else
                first = luron_tensor_ref(y);
            luron_tensor_unref(y);
        }
        luron_tensor_unref(a);
        luron_tensor_unref(b);
        luron_tensor_unref(first);
    }
}

static void test_matmul_float32_with_float64_is_float64(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 2), (const double[]){1, 0.5}),
                 *b = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 1), (const double[]){3, 0.1}), *y, *ga;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, a, 1));
    assert_ok(ctx, luron_matmul(&y, ctx, a, b));
    assert_int_equal(luron_tensor_dtype(y), LURON_F64);
    assert_tensor_close(y, ((const double[]){3.05}), 1, 1e-15, 0);
    assert_ok(ctx, luron_grad(&ga, ctx, 1, &y, NULL, 1, &a, 0));
    assert_int_equal(luron_tensor_dtype(ga), LURON_F32);
    assert_tensor_close(ga, ((const double[]){3, 0.1}), 2, 1e-7, 0);
    luron_tensor *all[] = {a, b, y, ga};
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(all[i]);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */
static void refuse(luron_ctx *ctx, luron_tensor *a, luron_tensor *b, luron_status status, const char *text) {
    luron_tensor *y = NULL;
    assert_fails(ctx, luron_matmul(&y, ctx, a, b), status, text);
    assert_null(y);
    luron_tensor_unref(a);
    luron_tensor_unref(b);
}

static void test_matmul_refuses(void **state) {
    luron_ctx *ctx = *state;
#define ZEROS(dtype, ...) tensor_of(ctx, dtype, LURON_SHAPE(__VA_ARGS__), NULL)
    refuse(ctx, ZEROS(LURON_F32, 64, 784), ZEROS(LURON_F32, 128, 10), LURON_E_SHAPE,
           "matmul: inner sizes differ: (64, 784) @ (128, 10)");
    refuse(ctx, ZEROS(LURON_F32, 3), ZEROS(LURON_F32, 4), LURON_E_SHAPE, "matmul: inner sizes differ: (3,) @ (4,)");
    refuse(ctx, ZEROS(LURON_F32, 2, 3, 4), ZEROS(LURON_F32, 3, 4, 5), LURON_E_SHAPE,
           "matmul: leading dims do not broadcast: (2, 3, 4) @ (3, 4, 5)");
    refuse(ctx, tensor_of(ctx, LURON_F32, 0, NULL, NULL), ZEROS(LURON_F32, 3), LURON_E_SHAPE,
           "matmul: one dimension or more expected: () @ (3,)");
    refuse(ctx, ZEROS(LURON_I64, 2, 2), ZEROS(LURON_I64, 2, 2), LURON_E_DTYPE,
           "matmul: float32 or float64 expected, got int64 @ int64");
    refuse(ctx, ZEROS(LURON_F32, 2, 2), ZEROS(LURON_B8, 2, 2), LURON_E_DTYPE, "got float32 @ bool");
#undef ZEROS
}

/* (n, 1) @ (1, n), both expanded from one number, would need more bytes than there are addresses. */
static void test_matmul_refuses_results_without_end(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *one = tensor_of(ctx, LURON_F32, LURON_SHAPE(1, 1), NULL), *a, *b;
    assert_ok(ctx, luron_expand(&a, ctx, one, LURON_SHAPE((int64_t)1 << 40, 1)));
    assert_ok(ctx, luron_expand(&b, ctx, one, LURON_SHAPE(1, (int64_t)1 << 40)));
    refuse(ctx, a, b, LURON_E_SHAPE, "matmul: shape");
    luron_tensor_unref(one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_matmul_values_and_gradients_as_pytorch),
        test_case(test_matmul_gradcheck_to_second_order),
        test_case(test_matmul_of_a_tensor_with_itself),
        test_case(test_matmul_reads_transposed_and_expanded_operands_in_place),
        test_case(test_matmul_survives_failing_allocations),
        test_case(test_matmul_batch_has_the_bits_of_its_parts),
        test_case(test_matmul_same_bits_on_any_thread_count),
        test_case(test_matmul_float32_with_float64_is_float64),
        test_case(test_matmul_refuses),
        test_case(test_matmul_refuses_results_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
