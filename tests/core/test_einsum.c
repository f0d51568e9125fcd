/* einsum: values and gradients against PyTorch, second derivatives, dtypes, threads, memory, refusals. */
#include "internal.h"
#include "reference.h"

#include <string.h>

#include "../data/einsum_reference.h"

enum { N_CASES = sizeof einsum_cases / sizeof *einsum_cases };
#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
#define N(...) (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
#define assert_values(t, ...) assert_tensor_close(t, ROW(__VA_ARGS__), N(__VA_ARGS__), 0, 0)

static void make_inputs(luron_tensor **x, luron_ctx *ctx, const einsum_case *c, uint32_t dtype, int scatter) {
    for (int k = 0; k < c->n; k++) {
        x[k] = from_reference(ctx, dtype, &c->x[k], scatter);
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x[k], 1));
    }
}

static void check_case(luron_ctx *ctx, const einsum_case *c, uint32_t dtype, int scatter) {
    double tolerance = dtype == LURON_F64 ? 1e-12 : 2e-5;
    luron_tensor *x[4], *y, *g[4], *v = from_reference(ctx, dtype, &c->v, scatter);
    make_inputs(x, ctx, c, dtype, scatter);
    assert_ok(ctx, luron_einsum(&y, ctx, c->equation, c->n, x));
    assert_int_equal(luron_tensor_dtype(y), dtype);
    compare(y, &c->y, tolerance, tolerance);
    assert_ok(ctx, luron_grad(g, ctx, 1, &y, &v, c->n, x, 0));
    for (int k = 0; k < c->n; k++) {
        compare(g[k], &c->g[k], tolerance, tolerance);
        luron_tensor_unref(g[k]);
        luron_tensor_unref(x[k]);
    }
    luron_tensor_unref(v);
    luron_tensor_unref(y);
}

static void test_einsum_values_and_gradients_as_pytorch(void **state) {
    for (int i = 0; i < N_CASES; i++)
        for (int scatter = 0; scatter < 2; scatter++) {
            check_case(*state, &einsum_cases[i], LURON_F64, scatter);
            check_case(*state, &einsum_cases[i], LURON_F32, scatter);
        }
}

/* The square of the result, so that a second derivative passes through it. */
static luron_status squared(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    const einsum_case *c = ud;
    luron_tensor *y;
    LURON_TRY(luron_einsum(&y, ctx, c->equation, c->n, ins));
    luron_status status = luron_mul(out, ctx, y, y);
    luron_tensor_unref(y);
    return status;
}

static void test_einsum_gradients_to_order_2(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2, .seed = 3};
    for (int i = 0; i < N_CASES; i++) {
        luron_tensor *x[4];
        make_inputs(x, ctx, &einsum_cases[i], LURON_F64, 1);
        luron_status status = luron_gradcheck(ctx, squared, (void *)&einsum_cases[i], einsum_cases[i].n, x, &options);
        if (status) print_error("case %d, %s: %s\n", i, einsum_cases[i].equation, luron_ctx_error(ctx));
        assert_int_equal(status, LURON_OK);
        for (int k = 0; k < einsum_cases[i].n; k++)
            luron_tensor_unref(x[k]);
    }
}

/* Integers sum to int64; half precision is summed in float32; mixed dtypes promote. */
static void test_einsum_any_dtype(void **state) {
    luron_ctx *ctx = *state;
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                      LURON_I64, LURON_I32, LURON_U8,  LURON_B8};
    for (int i = 0; i < 8; i++) {
        luron_tensor *a = tensor_of(ctx, dtypes[i], LURON_SHAPE(2, 2), ROW(1, 0, 1, 1)), *y;
        assert_ok(ctx, luron_einsum(&y, ctx, "ij,jk->ik", 2, (luron_tensor *[]){a, a}));
        assert_int_equal(luron_tensor_dtype(y), luron_dtype_is_float(dtypes[i]) ? dtypes[i] : LURON_I64);
        assert_values(y, 1, 0, 2, 1);
        luron_tensor_unref(y);
        assert_ok(ctx, luron_einsum(&y, ctx, "ii->i", 1, &a));
        assert_int_equal(luron_tensor_dtype(y), dtypes[i]);
        assert_values(y, 1, 1);
        luron_tensor_unref(y);
        luron_tensor_unref(a);
    }
    luron_tensor *half = tensor_row(ctx, LURON_F16, 2048, 1, 1), *whole = tensor_row(ctx, LURON_I64, 1, 1, 1), *y;
    assert_ok(ctx, luron_einsum(&y, ctx, "i,i", 2, (luron_tensor *[]){half, whole}));
    assert_int_equal(luron_tensor_dtype(y), LURON_F16);
    assert_values(y, 2050);
    luron_tensor *all[] = {half, whole, y};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

static void test_einsum_same_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    luron_tensor *a = uniform(ctx, LURON_F32, LURON_SHAPE(8, 40, 70)),
                 *b = uniform(ctx, LURON_F32, LURON_SHAPE(70, 8, 90));
    luron_tensor *c = uniform(ctx, LURON_F32, LURON_SHAPE(90, 90)), *want = NULL;
    for (int i = 0; i < 4; i++) {
        luron_tensor *y;
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[i]));
        assert_ok(ctx, luron_einsum(&y, ctx, "bij,jbk,kk->kbi", 3, (luron_tensor *[]){a, b, c}));
        assert_shape(y, 90, 8, 40);
        if (want) assert_tensor_same(y, want);
        if (want)
            luron_tensor_unref(y);
        else
            want = y;
    }
    luron_tensor *all[] = {a, b, c, want};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

static void test_einsum_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(3, 3));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    int64_t blocks = luron_ctx_live_blocks(ctx), k = 1;
    for (luron_status status = LURON_E_NOMEM; status; k++) {
        luron_tensor *y = NULL, *g = NULL;
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_einsum(&y, ctx, "ij,jj,ki,kl->", 4, (luron_tensor *[]){x, x, x, x});
        if (!status) status = luron_grad(&g, ctx, 1, &y, NULL, 1, &x, 0);
        luron_ctx_fail_alloc(ctx, 0, 0);
        luron_tensor_unref(y);
        luron_tensor_unref(g);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 80);
    luron_tensor_unref(x);
}

static void test_einsum_refuses(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *b = uniform(ctx, LURON_F32, LURON_SHAPE(4, 5)),
                 *y = NULL;
    luron_tensor *wide = uniform(ctx, LURON_F32, LURON_SHAPE(1, 1, 1, 1, 1));
    luron_tensor *ab[] = {a, b}, *wides[] = {wide, wide, wide, wide};
    luron_ctx_set_index_base(ctx, 1);
#define REFUSES(equation, n, xs, status, text) assert_fails(ctx, luron_einsum(&y, ctx, equation, n, xs), status, text)
    REFUSES("ij,jk->ik", 2, ab, LURON_E_SHAPE, "einsum: letter 'j' has size 3 in tensor 1, but 4 in tensor 2");
    REFUSES("i...,j...", 2, ab, LURON_E_SHAPE,
            "einsum: the dims behind '...' do not broadcast: sizes 3 in tensor 1 and 5 in tensor 2");
    REFUSES("ii", 1, ab, LURON_E_SHAPE, "einsum: letter 'i' stands for sizes 2 and 3 in tensor 1");
    REFUSES("ijk", 1, ab, LURON_E_SHAPE, "einsum: 3 letters for tensor 1 of shape (2, 3)");
    REFUSES("ij,i", 2, ab, LURON_E_SHAPE, "einsum: 1 letters for tensor 2 of shape (4, 5)");
    REFUSES("ijk...", 1, ab, LURON_E_SHAPE, "einsum: 3 letters and '...' for tensor 1");
    REFUSES("ij", 2, ab, LURON_E_ARGUMENT, "einsum: the equation is for 1 tensors, got 2");
    REFUSES("ij->i,", 1, ab, LURON_E_ARGUMENT, "einsum: ',' behind '->'");
    REFUSES("ij,jk", 1, ab, LURON_E_ARGUMENT, "einsum: the equation is for 2 tensors, got 1");
    REFUSES("ij->ik", 1, ab, LURON_E_ARGUMENT, "einsum: letter 'k' behind '->' is in no tensor");
    REFUSES("ij->ii", 1, ab, LURON_E_ARGUMENT, "einsum: letter 'i' twice behind '->'");
    REFUSES("i1", 1, ab, LURON_E_ARGUMENT, "einsum: '1' in the equation; letters, '...', ',' and '->' expected");
    REFUSES("i..j", 1, ab, LURON_E_ARGUMENT, "einsum: '.' in the equation");
    REFUSES("i-j", 1, ab, LURON_E_ARGUMENT, "einsum: '-' in the equation");
    REFUSES("......", 1, ab, LURON_E_ARGUMENT, "einsum: '...' twice in one operand");
    REFUSES("ij->i->j", 1, ab, LURON_E_ARGUMENT, "einsum: '-' behind '->'");
    REFUSES("ij->......", 1, ab, LURON_E_ARGUMENT, "einsum: '...' twice");
    REFUSES("\xc3\xa4", 1, ab, LURON_E_ARGUMENT, "einsum: ");
    REFUSES("abcde,fghij", 2, wides, LURON_E_SHAPE, "einsum: the result has 10 dimensions, at most 8 are possible");
    REFUSES("abcde,fghij,abcde,fghij->", 4, wides, LURON_E_SHAPE,
            "einsum: a product of two tensors has 10 dimensions, at most 8 are possible");
    REFUSES("", 0, NULL, LURON_E_ARGUMENT, "einsum: one tensor or more expected");
    char many[400];
    memset(many, 'a', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    REFUSES(many, 1, ab, LURON_E_ARGUMENT, "einsum: too many letters");
    assert_null(y);
    luron_tensor *all[] = {a, b, wide};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_einsum_values_and_gradients_as_pytorch),
        test_case(test_einsum_gradients_to_order_2),
        test_case(test_einsum_any_dtype),
        test_case(test_einsum_same_bits_at_any_thread_count),
        test_case(test_einsum_without_memory),
        test_case(test_einsum_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
