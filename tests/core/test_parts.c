/* Backward through parts of one tensor: cost, bits, and memory that belongs to somebody else. */
#include "internal.h"
#include "strided.h"

#include <math.h>
#include <string.h>

#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
#define N(...) (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
#define assert_values(t, ...) assert_tensor_close(t, ROW(__VA_ARGS__), N(__VA_ARGS__), 0, 0)

static luron_tensor *leaf(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape) {
    luron_tensor *x = uniform(ctx, dtype, ndim, shape);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    return x;
}

/* ---- cost -------------------------------------------------------------------------------------------------------- */
enum { WIDTH = 8 };
/* Position i of n of x (n, WIDTH) or (WIDTH, n). */
typedef luron_status (*part_fn)(luron_tensor **, luron_ctx *, luron_tensor *, int64_t i, int64_t n);

static luron_status row(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t i, int64_t n) {
    (void)n;
    return luron_select(out, ctx, x, 0, i);
}
static luron_status wide_row(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t i, int64_t n) {
    (void)n;
    return luron_narrow(out, ctx, x, 0, i, 1);
}
static luron_status window(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t i, int64_t n) {
    return luron_slice(out, ctx, x, 0, i < n - 5 ? i : n - 5, 5, 2);
}

/* Bytes that a backward through n parts, each multiplied by -2, asks for. */
static int64_t cost(luron_ctx *ctx, part_fn part, int64_t n) {
    luron_tensor *x = leaf(ctx, LURON_F32, LURON_SHAPE(n, WIDTH)), *y, *sum, *total = NULL;
    for (int64_t i = 0; i < n; i++) {
        luron_tensor *p, *scaled;
        assert_ok(ctx, part(&p, ctx, x, i, n));
        assert_ok(ctx, luron_scale(&scaled, ctx, p, -2, 0));
        assert_ok(ctx, luron_sum(&sum, ctx, scaled, 0, NULL, 0));
        if (total) {
            assert_ok(ctx, luron_add(&y, ctx, total, sum));
            luron_tensor_unref(total);
            luron_tensor_unref(sum);
            total = y;
        } else {
            total = sum;
        }
        luron_tensor_unref(p);
        luron_tensor_unref(scaled);
    }
    int64_t before = luron__pool_given(ctx->pool);
    assert_ok(ctx, luron_backward(ctx, total, NULL, 0));
    int64_t given = luron__pool_given(ctx->pool) - before;
    if (part == row)
        for (int64_t i = 0; i < n * WIDTH; i++)
            assert_true(((const float *)luron_tensor_data(luron_tensor_grad(x)))[i] == -2);
    luron_tensor_unref(total);
    luron_tensor_unref(x);
    return given;
}

static void test_parts_cost_grows_with_the_tensor(void **state) {
    static const part_fn parts[] = {row, wide_row, window};
    for (int i = 0; i < 3; i++) {
        int64_t small = cost(*state, parts[i], 512), large = cost(*state, parts[i], 4096);
        assert_true(large < 9 * small); /* eight times the parts; as sums of whole tensors it would be 64 times */
        assert_true(large < (int64_t)4096 * 4096);
    }
}

static void test_parts_of_a_split(void **state) {
    luron_ctx *ctx = *state;
    int64_t given[2];
    for (int k = 0; k < 2; k++) {
        int64_t n = k ? 4096 : 512;
        luron_tensor *x = leaf(ctx, LURON_F32, LURON_SHAPE(n, WIDTH)), *y, *ones, **pieces;
        size_t bytes = (size_t)n * sizeof *pieces;
        assert_ok(ctx, luron__alloc(&pieces, ctx, bytes));
        assert_ok(ctx, luron_split(pieces, ctx, x, 1, 0));
        assert_ok(ctx, luron_cat(&y, ctx, (int)n, pieces, 1));
        assert_ok(ctx, luron_tensor_full(&ones, ctx, LURON_F32, 2, luron_tensor_shape(y), 1));
        int64_t before = luron__pool_given(ctx->pool);
        assert_ok(ctx, luron_backward(ctx, y, ones, 0));
        given[k] = luron__pool_given(ctx->pool) - before;
        for (int64_t i = 0; i < n; i++)
            luron_tensor_unref(pieces[i]);
        luron__free(ctx, pieces, bytes);
        luron_tensor_unref(ones);
        luron_tensor_unref(y);
        luron_tensor_unref(x);
    }
    assert_true(given[1] < 9 * given[0]);
}

/* Pieces of all sizes: each gets its own stretch of the gradient, in whichever order and as often as it is asked. */
static void test_parts_joined_from_unequal_pieces(void **state) {
    luron_ctx *ctx = *state;
    enum { PIECES = 60 };
    luron_tensor *x[PIECES], *y, *g, *one;
    int64_t total = 0;
    for (int i = 0; i < PIECES; i++) {
        x[i] = leaf(ctx, LURON_F64, LURON_SHAPE((i * 7) % 5));
        total += (i * 7) % 5;
    }
    assert_ok(ctx, luron_cat(&y, ctx, PIECES, x, 0));
    assert_ok(ctx, luron_tensor_arange(&g, ctx, LURON_F64, 0, (double)total - 0.5, 1));
    for (int pass = 0; pass < 2; pass++) {
        luron_tensor *gx[PIECES];
        assert_ok(ctx, luron_grad(gx, ctx, 1, &y, &g, PIECES, x, LURON_RETAIN_GRAPH));
        int64_t at = 0;
        for (int i = 0; i < PIECES; i++) {
            for (int64_t k = 0; k < luron_tensor_numel(gx[i]); k++)
                assert_true(((const double *)luron_tensor_data(gx[i]))[k] == (double)at++);
            luron_tensor_unref(gx[i]);
        }
        assert_ok(ctx, luron_grad(&one, ctx, 1, &y, &g, 1, &x[4 * (2 - pass)], LURON_RETAIN_GRAPH));
        luron_tensor_unref(one);
    }
    luron_tensor_unref(y);
    luron_tensor_unref(g);
    for (int i = 0; i < PIECES; i++)
        luron_tensor_unref(x[i]);
}

/* ---- bits -------------------------------------------------------------------------------------------------------- */
/* One of many parts: by `kind` a row, a window, every second, a column, or all. */
static luron_status some_part(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, unsigned kind) {
    int64_t n = luron_tensor_size(x, 0), i = (int64_t)(kind / 8) % n;
    switch (kind % 5) {
    case 0:
        return luron_select(out, ctx, x, 0, i);
    case 1:
        return luron_narrow(out, ctx, x, 0, i / 2, n - i);
    case 2:
        return luron_slice(out, ctx, x, 0, i, n - i, 2);
    case 3:
        return luron_select(out, ctx, x, 1, i % luron_tensor_size(x, 1));
    default:
        return luron_copy(out, ctx, x);
    }
}

/* The gradient of x through many parts, whose own gradients are numbers, 0, and -0.0. */
static luron_tensor *gradient(luron_ctx *ctx, luron_tensor *x, uint32_t dtype, unsigned seed, int n, uint32_t flags) {
    luron_tensor *ys[12], *gs[12], *g, *z;
    assert_ok(ctx, luron_cast(&z, ctx, x, dtype));
    luron_ctx_seed(ctx, seed);
    for (int i = 0; i < n; i++) {
        assert_ok(ctx, some_part(&ys[i], ctx, z, seed * (unsigned)(i + 1)));
        luron_tensor *u = uniform(ctx, LURON_F32, luron_tensor_ndim(ys[i]), luron_tensor_shape(ys[i])), *cast;
        float *values = luron_tensor_data(u);
        for (int64_t k = 0; k < luron_tensor_numel(u); k++)
            values[k] = values[k] < -0.4f ? -0.0f : values[k] < -0.2f ? 0 : values[k] < 0 ? -0.5f : values[k];
        if (seed % 3 == 0)
            for (int64_t k = 0; k < luron_tensor_numel(u); k++)
                values[k] = -0.0f;
        assert_ok(ctx, luron_cast(&cast, ctx, u, dtype));
        luron_tensor_unref(u);
        gs[i] = cast;
    }
    assert_ok(ctx, luron_grad(&g, ctx, n, ys, gs, 1, &x, flags));
    for (int i = 0; i < n; i++) {
        luron_tensor_unref(ys[i]);
        luron_tensor_unref(gs[i]);
    }
    luron_tensor_unref(z);
    return g;
}

/* With a graph of the gradient every part is a whole tensor of zeros but for itself, and the sum is made. */
static void test_parts_same_bits_as_whole_sums(void **state) {
    luron_ctx *ctx = *state;
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16};
    for (int d = 0; d < 4; d++)
        for (unsigned seed = 1; seed < 150; seed++) {
            luron_tensor *x = leaf(ctx, dtypes[d] == LURON_F64 ? LURON_F64 : LURON_F32, LURON_SHAPE(6, 4));
            int n = 1 + (int)(seed % 12);
            assert_ok(ctx, luron_ctx_set_threads(ctx, 1 + (int)(seed % 3)));
            luron_tensor *in_place = gradient(ctx, x, dtypes[d], seed, n, 0);
            luron_tensor *whole = gradient(ctx, x, dtypes[d], seed, n, LURON_CREATE_GRAPH);
            assert_tensor_same(in_place, whole);
            luron_tensor_unref(in_place);
            luron_tensor_unref(whole);
            luron_tensor_unref(x);
        }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */
/* One tensor is the gradient of a and of b: the part of a must not reach b's, nor what the caller gave. */
static void test_parts_leave_the_memory_of_others(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = leaf(ctx, LURON_F32, LURON_SHAPE(3)), *b = leaf(ctx, LURON_F32, LURON_SHAPE(3)), *sum, *part[2],
                 *g[2];
    luron_tensor *ones = tensor_row(ctx, LURON_F32, 1, 1, 1), *two = tensor_of(ctx, LURON_F32, 0, NULL, ROW(2));
    assert_ok(ctx, luron_select(&part[0], ctx, a, 0, 1));
    assert_ok(ctx, luron_select(&part[1], ctx, a, 0, 2));
    assert_ok(ctx, luron_add(&sum, ctx, a, b));
    assert_ok(ctx, luron_grad(g, ctx, 4, (luron_tensor *[]){sum, part[0], part[1], a},
                              (luron_tensor *[]){ones, two, two, ones}, 2, (luron_tensor *[]){a, b}, 0));
    assert_values(g[0], 2, 4, 4);
    assert_values(g[1], 1, 1, 1);
    assert_values(ones, 1, 1, 1);
    assert_values(two, 2);
    luron_tensor *all[] = {a, b, sum, part[0], part[1], g[0], g[1], ones, two};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

static void test_parts_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, LURON_F32, LURON_SHAPE(5, 2)), *rows[5], *y, *ones;
    for (int i = 0; i < 5; i++)
        assert_ok(ctx, luron_select(&rows[i], ctx, x, 0, i));
    assert_ok(ctx, luron_cat(&y, ctx, 5, rows, 0));
    ones = tensor_row(ctx, LURON_F32, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5);
    int64_t blocks = luron_ctx_live_blocks(ctx), k = 1;
    for (luron_status status = LURON_E_NOMEM; status; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_backward(ctx, y, ones, LURON_RETAIN_GRAPH);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        if (!status) break;
        assert_null(luron_tensor_grad(x));
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 12);
    assert_values(luron_tensor_grad(x), 1, 1, 2, 2, 3, 3, 4, 4, 5, 5);
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(rows[i]);
    luron_tensor *all[] = {x, y, ones};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_parts_cost_grows_with_the_tensor), test_case(test_parts_of_a_split),
        test_case(test_parts_joined_from_unequal_pieces), test_case(test_parts_same_bits_as_whole_sums),
        test_case(test_parts_leave_the_memory_of_others), test_case(test_parts_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
