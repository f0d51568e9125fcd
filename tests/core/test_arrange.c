/* Scans, order, places and masks: values and gradients against PyTorch, second derivatives, dtypes, threads, memory. */
#include "internal.h"
#include "reference.h"

#include <string.h>

#include "../data/arrange_reference.h"

enum { N_CASES = sizeof arrange_cases / sizeof *arrange_cases };
static const uint32_t all_dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                      LURON_I64, LURON_I32, LURON_U8,  LURON_B8};
enum { N_DTYPES = 8 };
#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
#define N(...) (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
#define assert_values(t, ...) assert_tensor_close(t, ROW(__VA_ARGS__), N(__VA_ARGS__), 0, 0)

static bool is(const arrange_case *c, const char *op) { return strcmp(c->op, op) == 0; }

static luron_status pad_case(luron_tensor **y, luron_ctx *ctx, const arrange_case *c, luron_tensor *x) {
    int64_t before[4], after[4];
    for (int i = 0; i < c->n / 2; i++) before[i] = c->at[2 * i], after[i] = c->at[2 * i + 1];
    return luron_pad(y, ctx, x, c->n / 2, before, after, c->p);
}

/* ids may be NULL */
static luron_status apply(luron_tensor **y, luron_tensor **ids, luron_ctx *ctx, const arrange_case *c, luron_tensor *x,
                          luron_tensor *mask) {
    int dims[8];
    luron_tensor *own = NULL;
    if (!ids) ids = &own;
    for (int i = 0; i < c->n; i++) dims[i] = (int)c->at[i];
    luron_status status = LURON_E_ARGUMENT;
    if (is(c, "cumsum")) status = luron_cumsum(y, ctx, x, dims[0]);
    if (is(c, "cumprod")) status = luron_cumprod(y, ctx, x, dims[0]);
    if (is(c, "sort")) status = luron_sort(y, ids, ctx, x, dims[0], dims[1]);
    if (is(c, "topk")) status = luron_topk(y, ids, ctx, x, c->at[1], dims[0], dims[2]);
    if (is(c, "flip")) status = luron_flip(y, ctx, x, c->n, dims);
    if (is(c, "roll")) status = luron_roll(y, ctx, x, c->at[1], dims[0]);
    if (is(c, "tile")) status = luron_tile(y, ctx, x, c->n, c->at);
    if (is(c, "pad")) status = pad_case(y, ctx, c, x);
    if (is(c, "tril")) status = luron_tril(y, ctx, x, c->at[0]);
    if (is(c, "triu")) status = luron_triu(y, ctx, x, c->at[0]);
    if (is(c, "norm")) status = luron_norm(y, ctx, x, c->p, c->n, dims, c->keep);
    if (is(c, "std")) status = luron_std(y, ctx, x, c->n, dims, c->keep, c->p);
    if (is(c, "quantile")) status = luron_quantile(y, ctx, x, c->p, dims[0], c->keep);
    if (is(c, "logsumexp")) status = luron_logsumexp(y, ctx, x, c->n, dims, c->keep);
    if (is(c, "masked_fill")) status = luron_masked_fill(y, ctx, x, mask, c->p);
    if (is(c, "masked_select")) status = luron_masked_select(y, ctx, x, mask);
    if (is(c, "nonzero")) status = luron_nonzero(y, ctx, x);
    luron_tensor_unref(own);
    return status;
}

/* ---- against PyTorch --------------------------------------------------------------------------------------------- */
/* t - base has the values and shape of `want`. */
static void compare_ids(luron_ctx *ctx, luron_tensor *t, const reference_tensor *want, int base) {
    luron_tensor *number, *from_0;
    assert_int_equal(luron_tensor_dtype(t), LURON_I64);
    assert_ok(ctx, luron_scalar_int(&number, ctx, base));
    assert_ok(ctx, luron_sub(&from_0, ctx, t, number));
    compare(from_0, want, 0, 0);
    luron_tensor_unref(number);
    luron_tensor_unref(from_0);
}

static void check_case(luron_ctx *ctx, const arrange_case *c, uint32_t dtype, int base, int scatter) {
    double tolerance = dtype == LURON_F64 ? 1e-12 : 2e-5;
    luron_ctx_set_index_base(ctx, base);
    luron_tensor *x = from_reference(ctx, dtype, &c->x, scatter), *ids = NULL, *y, *gx;
    luron_tensor *mask = c->mask.ndim < 0 ? NULL : from_reference(ctx, LURON_B8, &c->mask, scatter);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, apply(&y, c->ids.ndim < 0 ? NULL : &ids, ctx, c, x, mask));
    luron_ctx_set_index_base(ctx, 1 - base); /* the tape keeps the base of its ids */
    if (is(c, "nonzero")) {
        compare_ids(ctx, y, &c->y, base);
    } else {
        assert_int_equal(luron_tensor_dtype(y), dtype);
        compare(y, &c->y, tolerance, tolerance);
    }
    if (ids) compare_ids(ctx, ids, &c->ids, base);
    if (c->gx.ndim >= 0) {
        luron_tensor *v = from_reference(ctx, dtype, &c->v, scatter);
        assert_ok(ctx, luron_grad(&gx, ctx, 1, &y, &v, 1, &x, 0));
        compare(gx, &c->gx, tolerance, tolerance);
        luron_tensor_unref(gx);
        luron_tensor_unref(v);
    }
    luron_tensor *all[] = {x, ids, y, mask};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

static void test_arrange_values_and_gradients_as_pytorch(void **state) {
    for (int i = 0; i < N_CASES; i++)
        for (int base = 0; base < 2; base++)
            for (int scatter = 0; scatter < 2; scatter++) {
                check_case(*state, &arrange_cases[i], LURON_F64, base, scatter);
                check_case(*state, &arrange_cases[i], LURON_F32, base, scatter);
            }
}

/* ---- gradients of gradients -------------------------------------------------------------------------------------- */
typedef struct second {
    const arrange_case *c;
    luron_tensor *mask;
} second;

/* The square of the result, so that a second derivative passes through it. */
static luron_status squared(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    const second *s = ud;
    luron_tensor *y;
    LURON_TRY(apply(&y, NULL, ctx, s->c, ins[0], s->mask));
    luron_status status = luron_mul(out, ctx, y, y);
    luron_tensor_unref(y);
    return status;
}

static bool has_kink(const arrange_case *c) { /* at x: values that meet, or are none */
    if (is(c, "norm") && c->n == 1 && c->x.ndim == 2 && c->x.shape[1] == 3) return true;
    for (int64_t i = 0; i < luron__numel(c->x.ndim, c->x.shape); i++)
        if (!isfinite(c->x.values[i])) return true;
    for (int64_t i = 0; i < luron__numel(c->y.ndim, c->y.shape); i++)
        if (!isfinite(c->y.values[i])) return true;
    return false;
}

static void test_arrange_gradients_to_order_2(void **state) {
    luron_ctx *ctx = *state;
    luron_gradcheck_options options = {.order = 2, .seed = 3};
    int n = 0;
    for (int i = 0; i < N_CASES; i++) {
        const arrange_case *c = &arrange_cases[i];
        if (c->gx.ndim < 0 || has_kink(c)) continue;
        if (is(c, "norm") && isinf(c->p)) continue; /* the second largest may be as large */
        luron_tensor *x = from_reference(ctx, LURON_F64, &c->x, 1), *row = NULL;
        second s = {c, c->mask.ndim < 0 ? NULL : from_reference(ctx, LURON_B8, &c->mask, 1)};
        if (is(c, "sort")) { /* all different, so that the order does not change within a step */
            assert_ok(ctx, luron_tensor_arange(&row, ctx, LURON_F64, 0, (double)luron_tensor_numel(x) - 0.5, 1));
            luron_tensor_unref(x);
            assert_ok(ctx, luron_reshape(&x, ctx, row, c->x.ndim, c->x.shape));
            luron_tensor_unref(row);
        }
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        luron_status status = luron_gradcheck(ctx, squared, &s, 1, &x, &options);
        if (status) print_error("case %d, %s: %s\n", i, c->op, luron_ctx_error(ctx));
        assert_int_equal(status, LURON_OK);
        luron_tensor_unref(x);
        luron_tensor_unref(s.mask);
        n++;
    }
    assert_true(n > 90);
}

static luron_status cumprod_cubed(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    luron_tensor *y, *square = NULL;
    (void)ud;
    LURON_TRY(luron_cumprod(&y, ctx, ins[0], 0));
    luron_status status = luron_square(&square, ctx, y);
    if (!status) status = luron_mul(out, ctx, square, y);
    luron_tensor_unref(square);
    luron_tensor_unref(y);
    return status;
}

/* The derivative of a derivative that passes through the recurrence, its own operands included. */
static luron_status slope(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    luron_tensor *y, *sum = NULL;
    LURON_TRY(cumprod_cubed(&y, ctx, ud, ins));
    luron_status status = luron_sum(&sum, ctx, y, 0, NULL, 0);
    if (!status) status = luron_grad(out, ctx, 1, &sum, NULL, 1, ins, LURON_CREATE_GRAPH);
    luron_tensor_unref(sum);
    luron_tensor_unref(y);
    return status;
}

static void test_arrange_cumprod_to_order_3(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2, .seed = 5};
    luron_tensor *x = tensor_row(ctx, LURON_F64, 0.5, -1.25, 0, 1.5, 0, -0.75);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_gradcheck(ctx, slope, NULL, 1, &x, &options));
    luron_tensor_unref(x);
}

/* At 0 the root has no derivative: 0 comes back, to any order, not NaN. */
static void test_arrange_norm_at_zero(void **state) {
    luron_ctx *ctx = *state;
    static const double ps[] = {2, 1, 3, 0.5, 1.5};
    for (int i = 0; i < 5; i++) {
        luron_tensor *x = tensor_of(ctx, LURON_F64, LURON_SHAPE(3), NULL), *y, *g, *gg;
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        assert_ok(ctx, luron_norm(&y, ctx, x, ps[i], 0, NULL, 0));
        assert_values(y, 0);
        assert_ok(ctx, luron_grad(&g, ctx, 1, &y, NULL, 1, &x, LURON_CREATE_GRAPH));
        assert_values(g, 0, 0, 0);
        if (luron_tensor_requires_grad(g)) {
            luron_tensor *ones = tensor_row(ctx, LURON_F64, 1, 1, 1);
            assert_ok(ctx, luron_grad(&gg, ctx, 1, &g, &ones, 1, &x, 0));
            if (gg) assert_values(gg, 0, 0, 0);
            luron_tensor_unref(gg);
            luron_tensor_unref(ones);
        }
        luron_tensor_unref(g);
        luron_tensor_unref(y);
        luron_tensor_unref(x);
    }
}

static void test_arrange_std_of_equal_numbers(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F64, 2, 2, 2), *y, *g;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_std(&y, ctx, x, 0, NULL, 0, 1));
    assert_ok(ctx, luron_grad(&g, ctx, 1, &y, NULL, 1, &x, 0));
    assert_values(y, 0);
    assert_values(g, 0, 0, 0);
    luron_tensor *all[] = {x, y, g};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

static void test_arrange_meshgrid(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = tensor_row(ctx, LURON_F64, 1, 2), *b = tensor_row(ctx, LURON_F64, 5, 6, 7), *grid[2], *y = NULL;
    luron_tensor *ones = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 3), ROW(1, 1, 1, 1, 1, 1)), *g[2];
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, a, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, b, 1));
    assert_ok(ctx, luron_meshgrid(grid, ctx, 2, (luron_tensor *[]){a, b}));
    assert_shape(grid[0], 2, 3);
    assert_values(grid[0], 1, 1, 1, 2, 2, 2);
    assert_values(grid[1], 5, 6, 7, 5, 6, 7);
    assert_true(luron_tensor_is_shared(grid[0], a));
    assert_ok(ctx, luron_grad(g, ctx, 2, grid, (luron_tensor *[]){ones, ones}, 2, (luron_tensor *[]){a, b}, 0));
    assert_values(g[0], 3, 3);
    assert_values(g[1], 2, 2, 2);
    assert_fails(ctx, luron_meshgrid(&y, ctx, 0, NULL), LURON_E_ARGUMENT, "meshgrid: 1 to 8 tensors expected, got 0");
    assert_fails(ctx, luron_meshgrid(&y, ctx, 1, &ones), LURON_E_SHAPE, "meshgrid: tensor 0 must have one dim, got (2, 3)");
    assert_null(y);
    luron_tensor *all[] = {a, b, grid[0], grid[1], ones, g[0], g[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

/* Of nothing but -inf: -inf, and a gradient of 0, where PyTorch gives NaN. */
static void test_arrange_logsumexp_of_nothing(void **state) {
    luron_ctx *ctx = *state;
    const double inf = (double)INFINITY;
    luron_tensor *x = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2), ROW(-inf, -inf, 1, 1)), *y, *g, *ones;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_logsumexp(&y, ctx, x, 1, (const int[]){1}, 0));
    assert_tensor_close(y, ROW(-inf, 1 + log(2)), 2, 1e-15, 0);
    ones = tensor_row(ctx, LURON_F64, 1, 1);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &ones, 1, &x, 0));
    assert_values(g, 0, 0, 0.5, 0.5);
    luron_tensor *all[] = {x, y, g, ones};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

/* ---- dtypes ------------------------------------------------------------------------------------------------------ */
static void test_arrange_any_dtype(void **state) {
    luron_ctx *ctx = *state;
    for (int i = 0; i < N_DTYPES; i++) {
        uint32_t dtype = all_dtypes[i], sum = luron_dtype_is_float(dtype) ? dtype : LURON_I64;
        luron_tensor *x = tensor_of(ctx, dtype, LURON_SHAPE(2, 3), ROW(1, 0, 1, 0, 1, 1)), *y, *ids;
        luron_tensor *mask = tensor_row(ctx, LURON_B8, 1, 0, 1);
#define CHECK(call, want, ...)                                                                                         \
    do {                                                                                                               \
        assert_ok(ctx, call);                                                                                          \
        assert_string_equal(luron_dtype_name(luron_tensor_dtype(y)), luron_dtype_name(want));                          \
        assert_values(y, __VA_ARGS__);                                                                                 \
        luron_tensor_unref(y);                                                                                         \
    } while (0)
        CHECK(luron_cumsum(&y, ctx, x, 1), sum, 1, 1, 2, 0, 1, 2);
        CHECK(luron_cumprod(&y, ctx, x, 0), sum, 1, 0, 1, 0, 0, 1);
        CHECK(luron_flip(&y, ctx, x, 0, NULL), dtype, 1, 1, 0, 1, 0, 1);
        CHECK(luron_roll(&y, ctx, x, 1, 1), dtype, 1, 1, 0, 1, 0, 1);
        CHECK(luron_tile(&y, ctx, x, 1, (const int64_t[]){2}), dtype, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1);
        CHECK(luron_pad(&y, ctx, x, 1, (const int64_t[]){1}, (const int64_t[]){0}, 1), dtype, 1, 1, 0, 1, 1, 0, 1, 1);
        CHECK(luron_tril(&y, ctx, x, 0), dtype, 1, 0, 0, 0, 1, 0);
        CHECK(luron_triu(&y, ctx, x, 1), dtype, 0, 0, 1, 0, 0, 1);
        CHECK(luron_masked_fill(&y, ctx, x, mask, 0), dtype, 0, 0, 0, 0, 1, 0);
        CHECK(luron_masked_select(&y, ctx, x, mask), dtype, 1, 1, 0, 1);
        CHECK(luron_nonzero(&y, ctx, x), LURON_I64, 0, 0, 0, 2, 1, 1, 1, 2);
        CHECK(luron_argsort(&y, ctx, x, 1, 0), LURON_I64, 1, 0, 2, 0, 1, 2);
        CHECK(luron_norm(&y, ctx, x, 1, 1, (const int[]){1}, 0), luron_dtype_is_float(dtype) ? dtype : LURON_F32, 2, 2);
        CHECK(luron_linspace(&y, ctx, dtype, 0, 1, 2), dtype, 0, 1);
        assert_ok(ctx, luron_topk(&y, &ids, ctx, x, 2, 1, 1));
        assert_int_equal(luron_tensor_dtype(y), dtype);
        assert_values(y, 1, 1, 1, 1);
        assert_values(ids, 0, 2, 1, 2); /* the first of equals comes first */
        luron_tensor *all[] = {x, y, ids, mask};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) luron_tensor_unref(all[k]);
    }
}

/* Integers that a double does not hold, and sums that wrap. */
static void test_arrange_large_integers(void **state) {
    luron_ctx *ctx = *state;
    const int64_t values[] = {INT64_MAX, INT64_MIN, INT64_MAX - 1, -1, 0}, order[] = {1, 3, 4, 2, 0};
    const int64_t sums[] = {INT64_MAX, -1, INT64_MAX - 2, INT64_MAX - 3, INT64_MAX - 3};
    luron_tensor *x, *y, *ids;
    assert_ok(ctx, luron_tensor_from(&x, ctx, LURON_I64, LURON_SHAPE(5), values));
    assert_ok(ctx, luron_sort(&y, &ids, ctx, x, 0, 0));
    assert_memory_equal(luron_tensor_data(ids), order, sizeof order);
    for (int i = 0; i < 5; i++) assert_int_equal(((int64_t *)luron_tensor_data(y))[i], values[order[i]]);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_cumsum(&y, ctx, x, 0));
    assert_memory_equal(luron_tensor_data(y), sums, sizeof sums);
    luron_tensor *all[] = {x, y, ids};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

static void test_arrange_linspace(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *y;
    CHECK(luron_linspace(&y, ctx, LURON_F64, -3, 7, 5), LURON_F64, -3, -0.5, 2, 4.5, 7);
    CHECK(luron_linspace(&y, ctx, LURON_F32, 2, 9, 1), LURON_F32, 2);
    CHECK(luron_linspace(&y, ctx, LURON_I64, 10, -2, 4), LURON_I64, 10, 6, 2, -2);
    assert_ok(ctx, luron_linspace(&y, ctx, LURON_F64, 0.1, 0.3, 1001)); /* both ends are exact */
    assert_true(((double *)luron_tensor_data(y))[0] == 0.1 && ((double *)luron_tensor_data(y))[1000] == 0.3);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_linspace(&y, ctx, LURON_F64, -1.5e308, 1.5e308, 3)); /* whose distance overflows */
    assert_values(y, -1.5e308, 0, 1.5e308);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_linspace(&y, ctx, LURON_F32, 0, 1, 0));
    assert_shape(y, 0);
    luron_tensor_unref(y);
}

/* Of many equal numbers and NaN, topk gives the same ids as the front of a sort, however many are wanted. */
static void test_arrange_topk_is_the_front_of_sort(void **state) {
    luron_ctx *ctx = *state;
    static const int64_t ks[] = {1, 2, 3, 17, 63, 64, 65, 199, 200};
    enum { ROWS = 3, SIZE = 200 };
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(ROWS, SIZE));
    float *values = luron_tensor_data(x);
    for (int i = 0; i < ROWS * SIZE; i++) values[i] = i % 31 == 7 ? NAN : roundf(values[i] * 8);
    for (int descending = 0; descending < 2; descending++) {
        luron_tensor *all, *front, *y, *ids;
        assert_ok(ctx, luron_argsort(&all, ctx, x, 1, descending));
        for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
            assert_ok(ctx, luron_topk(&y, &ids, ctx, x, ks[i], 1, descending));
            assert_ok(ctx, luron_narrow(&front, ctx, all, 1, 0, ks[i]));
            assert_tensor_same(ids, front);
            luron_tensor_unref(y);
            luron_tensor_unref(ids);
            luron_tensor_unref(front);
        }
        luron_tensor_unref(all);
    }
    luron_tensor_unref(x);
}

/* ---- threads, memory, refusals ----------------------------------------------------------------------------------- */
static void test_arrange_same_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    enum { OPS = 5 };
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(300, 701)), *want[OPS] = {NULL};
    for (int i = 0; i < 4; i++) {
        luron_tensor *y[OPS] = {NULL};
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[i]));
        assert_ok(ctx, luron_cumsum(&y[0], ctx, x, 0));
        assert_ok(ctx, luron_cumprod(&y[1], ctx, x, 1));
        assert_ok(ctx, luron_sort(&y[2], &y[3], ctx, x, 1, 1));
        assert_ok(ctx, luron_tril(&y[4], ctx, x, 5));
        for (int k = 0; k < OPS; k++) {
            if (want[k]) assert_tensor_same(y[k], want[k]);
            if (want[k])
                luron_tensor_unref(y[k]);
            else
                want[k] = y[k];
        }
    }
    const float *sorted = luron_tensor_data(want[2]);
    for (int r = 0; r < 300; r++)
        for (int k = 1; k < 701; k++) assert_true(sorted[r * 701 + k - 1] >= sorted[r * 701 + k]);
    for (int k = 0; k < OPS; k++) luron_tensor_unref(want[k]);
    luron_tensor_unref(x);
}

static luron_status many_ops(luron_ctx *ctx, luron_tensor *x, luron_tensor *mask) {
    luron_tensor *t[17] = {NULL}, *g = NULL;
    luron_status status = luron_cumprod(&t[0], ctx, x, 1);
    if (!status) status = luron_sort(&t[1], &t[2], ctx, t[0], 1, 0);
    if (!status) status = luron_pad(&t[3], ctx, t[1], 1, (const int64_t[]){1}, (const int64_t[]){1}, 0);
    if (!status) status = luron_roll(&t[4], ctx, t[3], 1, 0);
    if (!status) status = luron_tile(&t[5], ctx, t[4], 2, (const int64_t[]){2, 2});
    if (!status) status = luron_flip(&t[6], ctx, t[5], 0, NULL);
    if (!status) status = luron_masked_select(&t[7], ctx, t[6], mask);
    if (!status) status = luron_masked_fill(&t[8], ctx, t[7], mask, 1);
    if (!status) status = luron_norm(&t[9], ctx, t[8], 3, 0, NULL, 0);
    if (!status) status = luron_logsumexp(&t[10], ctx, t[9], 0, NULL, 0);
    if (!status) status = luron_linspace(&t[11], ctx, LURON_F32, 0, 1, 3);
    if (!status) status = luron_meshgrid(&t[12], ctx, 2, (luron_tensor *[]){t[11], t[11]});
    if (!status) status = luron_std(&t[14], ctx, t[12], 0, NULL, 0, 1);
    if (!status) status = luron_nonzero(&t[15], ctx, t[11]);
    if (!status) status = luron_quantile(&t[16], ctx, t[12], 0.3, 1, 0);
    if (!status) status = luron_grad(&g, ctx, 1, &t[10], NULL, 1, &x, 0);
    luron_tensor_unref(g);
    for (int i = 0; i < 17; i++) luron_tensor_unref(t[i]);
    return status;
}

static void test_arrange_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(4, 3)), *mask = tensor_row(ctx, LURON_B8, 1);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    int64_t blocks = luron_ctx_live_blocks(ctx), k = 1;
    for (luron_status status = LURON_E_NOMEM; status; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        status = many_ops(ctx, x, mask);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 100);
    luron_tensor_unref(x);
    luron_tensor_unref(mask);
}

static void test_arrange_refuses(void **state) {
    luron_ctx *ctx = *state;
    const int64_t one = 1, minus = -1, most = INT64_MAX;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *row = tensor_row(ctx, LURON_I64, 1, 2), *y = NULL,
                 *ids = NULL, *point = uniform(ctx, LURON_F32, 0, NULL), *mask = tensor_row(ctx, LURON_B8, 1, 0);
    luron_tensor *none = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 0), NULL);
    assert_fails(ctx, luron_cumsum(&y, ctx, x, 2), LURON_E_RANGE, "cumsum: dim");
    assert_fails(ctx, luron_sort(&y, &ids, ctx, x, -3, 0), LURON_E_RANGE, "sort: dim");
    assert_fails(ctx, luron_topk(&y, &ids, ctx, x, 4, 1, 1), LURON_E_RANGE,
                 "topk: k is 4, but dim 1 of (2, 3) has 3 positions");
    assert_fails(ctx, luron_topk(&y, &ids, ctx, x, -1, 1, 1), LURON_E_RANGE, "topk: k is -1");
    assert_fails(ctx, luron_flip(&y, ctx, x, 2, (const int[]){0, -2}), LURON_E_ARGUMENT, "flip: dim 0 is listed twice");
    assert_fails(ctx, luron_roll(&y, ctx, point, 1, 0), LURON_E_SHAPE, "roll: a tensor without dims");
    assert_fails(ctx, luron_tile(&y, ctx, x, 1, &minus), LURON_E_ARGUMENT, "tile: number 0 is -1");
    assert_fails(ctx, luron_tile(&y, ctx, x, 1, &most), LURON_E_SHAPE, "tile: the result is too large");
    assert_fails(ctx, luron_tile(&y, ctx, x, 9, &one), LURON_E_SHAPE, "tile: 9 numbers given");
    assert_fails(ctx, luron_pad(&y, ctx, x, 3, &one, &one, 0), LURON_E_ARGUMENT, "pad: widths for 3 dims");
    assert_fails(ctx, luron_pad(&y, ctx, x, 1, &minus, &one, 0), LURON_E_ARGUMENT, "pad: widths of dim 1 are -1 and 1");
    assert_fails(ctx, luron_pad(&y, ctx, x, 1, &most, &one, 0), LURON_E_SHAPE, "pad: the result is too large");
    assert_fails(ctx, luron_pad(&y, ctx, row, 1, &one, &one, 0.5), LURON_E_ARGUMENT, "pad: value is 0.5");
    assert_fails(ctx, luron_tril(&y, ctx, row, 0), LURON_E_SHAPE, "tril: a matrix (or a batch of them) expected, got (2,)");
    assert_fails(ctx, luron_norm(&y, ctx, x, (double)NAN, 0, NULL, 0), LURON_E_ARGUMENT, "norm: p is not a number");
    assert_fails(ctx, luron_quantile(&y, ctx, x, -0.1, 0, 0), LURON_E_ARGUMENT, "quantile: q from 0 to 1 expected");
    assert_fails(ctx, luron_quantile(&y, ctx, none, 0.5, 1, 0), LURON_E_SHAPE, "quantile: dim 1 of (2, 0) has no numbers");
    assert_fails(ctx, luron_masked_fill(&y, ctx, row, mask, 0.5), LURON_E_ARGUMENT, "masked_fill: value is 0.5");
    assert_fails(ctx, luron_masked_fill(&y, ctx, x, row, 0), LURON_E_DTYPE, "masked_fill: the mask must be bool, got int64");
    assert_fails(ctx, luron_masked_select(&y, ctx, x, mask), LURON_E_SHAPE, "masked_select: ");
    assert_fails(ctx, luron_linspace(&y, ctx, LURON_F32, 0, (double)INFINITY, 2), LURON_E_ARGUMENT, "linspace");
    assert_fails(ctx, luron_linspace(&y, ctx, LURON_F32, 0, 1, -1), LURON_E_ARGUMENT, "linspace: n is -1");
    assert_null(y);
    assert_null(ids);
    luron_tensor *all[] = {x, row, point, mask, none};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_arrange_values_and_gradients_as_pytorch),
        test_case(test_arrange_gradients_to_order_2),
        test_case(test_arrange_cumprod_to_order_3),
        test_case(test_arrange_norm_at_zero),
        test_case(test_arrange_std_of_equal_numbers),
        test_case(test_arrange_meshgrid),
        test_case(test_arrange_logsumexp_of_nothing),
        test_case(test_arrange_any_dtype),
        test_case(test_arrange_large_integers),
        test_case(test_arrange_linspace),
        test_case(test_arrange_topk_is_the_front_of_sort),
        test_case(test_arrange_same_bits_at_any_thread_count),
        test_case(test_arrange_without_memory),
        test_case(test_arrange_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
