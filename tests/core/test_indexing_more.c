/* Ids that come twice, dtypes, threads and memory of what indexing.h declares. */
#include "internal.h"
#include "strided.h"

#include <math.h>
#include <string.h>

#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
#define N(...) (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
#define assert_values(t, ...) assert_tensor_close(t, ROW(__VA_ARGS__), N(__VA_ARGS__), 0, 0)
#define RELEASE(...)                                                                                                   \
    do {                                                                                                               \
        luron_tensor *all_[] = {__VA_ARGS__};                                                                          \
        for (size_t i_ = 0; i_ < sizeof all_ / sizeof *all_; i_++)                                                     \
            luron_tensor_unref(all_[i_]);                                                                              \
    } while (0)

static luron_tensor *leaf(luron_ctx *ctx, luron_tensor *t) {
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

/* ---- the same id twice ------------------------------------------------------------------------------------------ */
static luron_status scatter_twice(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    luron_tensor *y;
    LURON_TRY(luron_scatter(&y, ctx, ins[0], 0, ud, ins[1]));
    luron_status status = luron_square(out, ctx, y);
    luron_tensor_unref(y);
    return status;
}
static luron_status copy_twice(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    luron_tensor *y;
    LURON_TRY(luron_index_copy(&y, ctx, ins[0], -1, ud, ins[1]));
    luron_status status = luron_square(out, ctx, y);
    luron_tensor_unref(y);
    return status;
}
static luron_status put_twice(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    luron_tensor *y, *ids = ud;
    LURON_TRY(luron_index_put(&y, ctx, ins[0], 1, &ids, ins[1], 0));
    luron_status status = luron_square(out, ctx, y);
    luron_tensor_unref(y);
    return status;
}

static void test_indexing_more_last_one_stays(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 2), ROW(1, 2, 3, 4, 5, 6)));
    luron_tensor *src = leaf(ctx, tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 2), ROW(10, 20, 30, 40, 50, 60)));
    luron_tensor *ids = tensor_of(ctx, LURON_I64, LURON_SHAPE(3, 2), ROW(2, 0, 2, 1, 0, 0)), *y, *g[2];
    luron_tensor *v = tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 2), ROW(1, 2, 3, 4, 5, 6)), *ins[] = {x, src};
    assert_ok(ctx, luron_scatter(&y, ctx, x, 0, ids, src));
    assert_values(y, 50, 60, 3, 40, 30, 6);
    assert_ok(ctx, luron_grad(g, ctx, 1, &y, &v, 2, ins, 0));
    assert_values(g[0], 0, 0, 3, 0, 0, 6);
    assert_values(g[1], 0, 0, 5, 4, 1, 2);
    const luron_gradcheck_options options = {.order = 2, .seed = 3};
    assert_ok(ctx, luron_gradcheck(ctx, scatter_twice, ids, 2, ins, &options));
    RELEASE(y, g[0], g[1], v, ids, src);
    luron_tensor *list = tensor_row(ctx, LURON_I32, 1, 0, 1, 1);
    src = leaf(ctx, tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 4), ROW(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)));
    assert_ok(ctx, luron_index_copy(&y, ctx, x, 1, list, src));
    assert_values(y, 2, 4, 6, 8, 10, 12);
    ins[1] = src;
    assert_ok(ctx, luron_gradcheck(ctx, copy_twice, list, 2, ins, &options));
    RELEASE(y, src, list);
    list = tensor_of(ctx, LURON_U8, LURON_SHAPE(2, 2), ROW(2, 0, 2, 2));
    ins[1] = src = leaf(ctx, tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2, 2), ROW(1, 2, 3, 4, 5, 6, 7, 8)));
    assert_ok(ctx, luron_index_put(&y, ctx, x, 1, &list, src, 0));
    assert_values(y, 3, 4, 3, 4, 7, 8);
    assert_ok(ctx, luron_gradcheck(ctx, put_twice, list, 2, ins, &options));
    RELEASE(y, src, list, x);
}

/* What include_self leaves out has no part in the gradient, though it is as large. */
static void test_indexing_more_extreme_without_self(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, tensor_row(ctx, LURON_F32, 2, 7)),
                 *src = leaf(ctx, tensor_row(ctx, LURON_F32, 2, 1, 2));
    luron_tensor *ids = tensor_row(ctx, LURON_I64, 0, 0, 0), *y, *g[2], *v = tensor_row(ctx, LURON_F32, 4, 8);
    luron_tensor *nan = tensor_row(ctx, LURON_F32, 1, (double)NAN, 3), *ins[] = {x, src};
    for (int self = 0; self < 2; self++) {
        assert_ok(ctx, luron_scatter_reduce(&y, ctx, x, 0, ids, src, LURON_AMAX, self));
        assert_values(y, 2, 7);
        assert_ok(ctx, luron_grad(g, ctx, 1, &y, &v, 2, ins, 0));
        double share = self ? 4 / 3. : 2;
        assert_tensor_close(g[0], ROW(self ? share : 0, 8), 2, 1e-6, 0);
        assert_tensor_close(g[1], ROW(share, 0, share), 3, 1e-6, 0);
        RELEASE(y, g[0], g[1]);
        assert_ok(ctx, luron_scatter_reduce(&y, ctx, x, 0, ids, nan, LURON_AMIN, self));
        assert_values(y, (double)NAN, 7);
        luron_tensor_unref(y);
    }
    RELEASE(x, src, ids, v, nan);
}

/* A product that overflows stays with its id. */
static void test_indexing_more_products_keep_apart(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, tensor_row(ctx, LURON_F32, 1, 1, 2)),
                 *src = tensor_row(ctx, LURON_F32, 1e30, 3, 1e30, (double)NAN, -2);
    luron_tensor *ids = tensor_row(ctx, LURON_I64, 0, 2, 0, 1, 2), *y, *g, *v = tensor_row(ctx, LURON_F32, 0, 0, 1);
    leaf(ctx, src);
    assert_ok(ctx, luron_scatter_reduce(&y, ctx, x, 0, ids, src, LURON_PROD, 1));
    assert_values(y, (double)INFINITY, (double)NAN, -12);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &v, 1, &src, 0));
    const float *values = luron_tensor_data(g);
    assert_true(values[1] == -4 && values[4] == 6);
    RELEASE(x, src, ids, y, g, v);
}

/* With two zeros at one id, the second derivative by both is what is left: 6. */
static void test_indexing_more_products_of_zeros(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F64, 2), *src = leaf(ctx, tensor_row(ctx, LURON_F64, 0, 3, 0));
    luron_tensor *ids = tensor_row(ctx, LURON_I64, 0, 0, 0), *y, *g, *part, *gg;
    assert_ok(ctx, luron_scatter_reduce(&y, ctx, x, 0, ids, src, LURON_PROD, 1));
    luron_tensor *v = tensor_row(ctx, LURON_F64, 1);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &v, 1, &src, LURON_CREATE_GRAPH));
    assert_values(g, 0, 0, 0);
    assert_ok(ctx, luron_select(&part, ctx, g, 0, 0));
    assert_ok(ctx, luron_grad(&gg, ctx, 1, &part, NULL, 1, &src, 0));
    assert_values(gg, 0, 0, 6);
    RELEASE(x, src, ids, y, g, part, gg, v);
}

static void test_indexing_more_logcumsumexp_of_nothing(void **state) {
    luron_ctx *ctx = *state;
    const double inf = (double)INFINITY;
    luron_tensor *x = leaf(ctx, tensor_row(ctx, LURON_F64, -inf, -inf, 0, 0)), *y, *g,
                 *v = tensor_row(ctx, LURON_F64, 1, 1, 1, 2);
    assert_ok(ctx, luron_logcumsumexp(&y, ctx, x, 0));
    assert_tensor_close(y, ROW(-inf, -inf, 0, log(2)), 4, 1e-15, 0);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &v, 1, &x, 0));
    assert_tensor_close(g, ROW(0, 0, 2, 1), 4, 1e-15, 0);
    RELEASE(x, y, g, v);
}

/* ---- dtypes ----------------------------------------------------------------------------------------------------- */
static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                  LURON_I64, LURON_I32, LURON_U8,  LURON_B8};
#define CHECK(call, want, ...)                                                                                         \
    do {                                                                                                               \
        assert_ok(ctx, call);                                                                                          \
        assert_string_equal(luron_dtype_name(luron_tensor_dtype(y)), luron_dtype_name(want));                          \
        assert_values(y, __VA_ARGS__);                                                                                 \
        luron_tensor_unref(y);                                                                                         \
    } while (0)
#define CHECK_IDS(...)                                                                                                 \
    do {                                                                                                               \
        assert_int_equal(luron_tensor_dtype(ids_out), LURON_I64);                                                      \
        assert_values(ids_out, __VA_ARGS__);                                                                           \
        luron_tensor_unref(ids_out);                                                                                   \
    } while (0)

static void writes_in(luron_ctx *ctx, uint32_t dtype, luron_tensor *x, luron_tensor *src, luron_tensor *ids) {
    bool is_bool = dtype == LURON_B8;
    luron_tensor *y, *mask = tensor_row(ctx, LURON_B8, 1, 0, 1), *two = tensor_row(ctx, dtype, 0, 1);
    uint32_t real = luron_dtype_is_float(dtype) ? dtype : LURON_F32;
    CHECK(luron_scatter(&y, ctx, x, 0, ids, src), dtype, 1, 0, 1);
    CHECK(luron_index_copy(&y, ctx, x, 0, ids, src), dtype, 1, 0, 1);
    CHECK(luron_index_fill(&y, ctx, x, 0, ids, 0), dtype, 0, 0, 1);
    CHECK(luron_index_put(&y, ctx, x, 1, &ids, src, 0), dtype, 1, 0, 1);
    CHECK(luron_index(&y, ctx, x, 1, &ids), dtype, 0, 0);
    CHECK(luron_take(&y, ctx, x, ids), dtype, 0, 0);
    CHECK(luron_scatter_reduce(&y, ctx, x, 0, ids, src, LURON_MEAN, 0), dtype, 1, 0, 1);
    CHECK(luron_masked_scatter(&y, ctx, x, mask, two), dtype, 0, 0, 1);
    CHECK(luron_scatter_reduce(&y, ctx, x, 0, ids, src, LURON_SUM, 1), dtype, is_bool ? 1 : 2, 0, 1);
    CHECK(luron_scatter_reduce(&y, ctx, x, 0, ids, src, LURON_PROD, 0), dtype, 1, 0, 1);
    CHECK(luron_scatter_reduce(&y, ctx, x, 0, ids, src, LURON_AMAX, 1), dtype, 1, 0, 1);
    CHECK(luron_scatter_reduce(&y, ctx, x, 0, ids, src, LURON_AMIN, 1), dtype, 0, 0, 1);
    CHECK(luron_segment_sum(&y, ctx, src, ids, 2), dtype, is_bool ? 1 : 2, 0);
    CHECK(luron_segment_mean(&y, ctx, src, ids, 2), real, 1, 0);
    CHECK(luron_segment_max(&y, ctx, src, ids, 3), dtype, 1, 0, 0);
    CHECK(luron_segment_min(&y, ctx, src, ids, 2), dtype, 1, 0);
    CHECK(luron_bincount(&y, ctx, ids, src, 3), dtype, is_bool ? 1 : 2, 0, 0);
    RELEASE(mask, two);
}

static void order_in(luron_ctx *ctx, uint32_t dtype, luron_tensor *x) {
    uint32_t real = luron_dtype_is_float(dtype) ? dtype : LURON_F32;
    luron_tensor *y, *ids_out, *counts, *n = tensor_row(ctx, LURON_I32, 0, 2, 1);
    CHECK(luron_median(&y, &ids_out, ctx, x, 0, 0), dtype, 0);
    CHECK_IDS(1);
    CHECK(luron_kthvalue(&y, &ids_out, ctx, x, 3, 0, 1), dtype, 1);
    CHECK_IDS(2);
    CHECK(luron_mode(&y, &ids_out, ctx, x, 0, 0), dtype, 0);
    CHECK_IDS(1);
    CHECK(luron_cummax(&y, &ids_out, ctx, x, 0), dtype, 0, 0, 1);
    CHECK_IDS(0, 1, 2);
    CHECK(luron_cummin(&y, &ids_out, ctx, x, 0), dtype, 0, 0, 0);
    CHECK_IDS(0, 1, 1);
    CHECK(luron_unique(&y, &ids_out, &counts, ctx, x), dtype, 0, 1);
    CHECK_IDS(0, 0, 1);
    luron_tensor_unref(counts);
    CHECK(luron_unique_dim(&y, &ids_out, &counts, ctx, x, 0), dtype, 0, 1);
    CHECK_IDS(0, 0, 1);
    luron_tensor_unref(counts);
    CHECK(luron_searchsorted(&y, ctx, x, x, 1), LURON_I64, 2, 2, 3);
    CHECK(luron_repeat_interleave(&y, ctx, x, n, 0), dtype, 0, 0, 1);
    CHECK(luron_diff(&y, ctx, x, 1, 0), dtype, 0, 1);
    CHECK(luron_isclose(&y, ctx, x, x, 0, 0, 0), LURON_B8, 1, 1, 1);
    CHECK(luron_movedim(&y, ctx, x, 1, (const int[]){0}, (const int[]){-1}), dtype, 0, 0, 1);
    CHECK(luron_flatten(&y, ctx, x, 0, -1), dtype, 0, 0, 1);
    CHECK(luron_unflatten(&y, ctx, x, -1, 2, (const int64_t[]){1, -1}), dtype, 0, 0, 1);
    assert_ok(ctx, luron_logcumsumexp(&y, ctx, x, 0));
    assert_int_equal(luron_tensor_dtype(y), real);
    assert_tensor_close(y, ROW(0, log(2), log(2 + exp(1))), 3, 1e-2, 0);
    RELEASE(y, n);
    CHECK(luron_logspace(&y, ctx, dtype, 0, 0, 2, 10), dtype, 1, 1);
}

static void test_indexing_more_any_dtype(void **state) {
    luron_ctx *ctx = *state;
    static const uint32_t id_dtypes[] = {LURON_I64, LURON_I32, LURON_U8};
    for (int i = 0; i < 8; i++) {
        luron_tensor *x = tensor_row(ctx, dtypes[i], 0, 0, 1), *src = tensor_row(ctx, dtypes[i], 1, 1);
        luron_tensor *ids = tensor_row(ctx, id_dtypes[i % 3], 0, 0);
        writes_in(ctx, dtypes[i], x, src, ids);
        order_in(ctx, dtypes[i], x);
        RELEASE(ids, src, x);
    }
}

/* Beyond 2^53, where float64 has gaps. */
static void test_indexing_more_large_integers(void **state) {
    luron_ctx *ctx = *state;
    const int64_t values[] = {INT64_MAX, INT64_MAX - 1, INT64_MIN, INT64_MAX};
    luron_tensor *x, *y, *ids, *counts, *sorted;
    assert_ok(ctx, luron_tensor_from(&x, ctx, LURON_I64, LURON_SHAPE(4), values));
    assert_ok(ctx, luron_unique(&y, &ids, &counts, ctx, x));
    assert_memory_equal(luron_tensor_data(y), ((const int64_t[]){INT64_MIN, INT64_MAX - 1, INT64_MAX}),
                        3 * sizeof(int64_t));
    assert_values(counts, 1, 1, 2);
    assert_ok(ctx, luron_searchsorted(&sorted, ctx, y, x, 0));
    assert_values(sorted, 2, 1, 0, 2);
    RELEASE(y, ids, counts, sorted);
    assert_ok(ctx, luron_cummax(&y, &ids, ctx, x, 0));
    assert_values(ids, 0, 0, 0, 3);
    RELEASE(x, y, ids);
}

/* Ids of extremes so far against a loop that states the rule, in rows of some blocks, in order and apart: ties, and NaN. */
static void test_indexing_more_extremes_so_far(void **state) {
    luron_ctx *ctx = *state;
    enum { ROWS = 7, LENGTH = 300 };
    static const uint32_t kinds[] = {LURON_F32, LURON_F64, LURON_F16, LURON_I64, LURON_I32, LURON_U8};
    double values[ROWS * LENGTH];
    for (int d = 0; d < 6; d++)
        for (int apart = 0; apart < 2; apart++)
            for (int smallest = 0; smallest < 2; smallest++) {
                luron_tensor *y, *ids, *x;
                for (int i = 0; i < ROWS * LENGTH; i++)
                    values[i] = d < 3 && i % 997 == 500 ? (double)NAN : (i * 7919 % 1009 + (smallest ? LENGTH - i % LENGTH : i % LENGTH)) % 200;
                assert_ok(ctx, luron_ctx_set_threads(ctx, 1 + apart));
                luron_tensor *all = tensor_of(ctx, kinds[d], 2,
                                              apart ? (const int64_t[]){LENGTH, ROWS} : (const int64_t[]){ROWS, LENGTH}, values);
                assert_ok(ctx, luron_transpose(&x, ctx, all, 0, apart));
                assert_ok(ctx, (smallest ? luron_cummin : luron_cummax)(&y, &ids, ctx, x, 1));
                const int64_t *got = luron_tensor_data(ids);
                assert_ok(ctx, luron_tensor_read(ctx, x, LURON_F64, values));
                for (int r = 0; r < ROWS; r++)
                    for (int64_t i = 0, best = 0; i < LENGTH; i++) {
                        const double v = values[r * LENGTH + i], top = values[r * LENGTH + best];
                        if (isnan(v) || (smallest ? v <= top : v >= top)) best = i;
                        assert_int_equal(got[r * LENGTH + i], best);
                    }
                RELEASE(all, x, y, ids);
            }
}

/* Lists of ids for the only column there is, whatever lies between its numbers: sums in the order of the list. */
static void test_indexing_more_sums_at_a_list(void **state) {
    luron_ctx *ctx = *state;
    enum { COUNT = 1500, PLACES = 9 };
    static const uint32_t kinds[] = {LURON_F32, LURON_F64, LURON_I64, LURON_I32, LURON_U8};
    double number[2 * COUNT], at[COUNT];
    for (int i = 0; i < 2 * COUNT; i++) number[i] = i * 7919 % 1009 * 0.25;
    for (int i = 0; i < COUNT; i++) at[i] = i * 31 % 101 % PLACES;
    for (int d = 0; d < 5; d++)
        for (int kind = 0; kind < 4; kind++) { /* step of the numbers: 1, 2, 0; ids of int32 */
            const int64_t step = kind == 1 ? 2 : kind == 2 ? 0 : 1;
            luron_tensor *all = tensor_of(ctx, kinds[d], LURON_SHAPE(step == 0 ? 1 : step * COUNT), number), *src, *zero, *y,
                         *ids = tensor_of(ctx, kind == 3 ? LURON_I32 : LURON_I64, LURON_SHAPE(COUNT), at);
            assert_ok(ctx, luron_tensor_full(&zero, ctx, kinds[d], LURON_SHAPE(PLACES), 3));
            if (step)
                assert_ok(ctx, luron_slice(&src, ctx, all, 0, 0, step * COUNT, step));
            else
                assert_ok(ctx, luron_expand(&src, ctx, all, LURON_SHAPE(COUNT)));
            assert_ok(ctx, luron_index_add(&y, ctx, zero, 0, ids, src));
            double got[PLACES], want[PLACES], from[COUNT];
            assert_ok(ctx, luron_tensor_read(ctx, y, LURON_F64, got));
            assert_ok(ctx, luron_tensor_read(ctx, src, LURON_F64, from));
            for (int k = 0; k < PLACES; k++) want[k] = 3;
            for (int i = 0; i < COUNT; i++) {
                double *to = &want[(int)at[i]];
                *to += from[i];
                if (kinds[d] == LURON_U8) *to = (uint8_t)(int)*to;
            }
            for (int k = 0; k < PLACES; k++) assert_true(got[k] == want[k]); /* quarters, small: no sum is rounded */
            RELEASE(all, src, zero, y, ids);
        }
}

/* In the order of their elements, the last dim quickest, whichever dim they lie along; the last element may decide. */
static void test_indexing_more_unique_slices_in_order(void **state) {
    luron_ctx *ctx = *state;
    enum { WIDE = 300 };
    static double wide[4 * WIDE];
    luron_tensor *x = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2, 2), ROW(0, 0, 1, 0, 0, 1, 0, 0)), *y, *ids, *counts;
    assert_ok(ctx, luron_unique_dim(&y, &ids, &counts, ctx, x, 2));
    assert_values(ids, 1, 0);
    assert_values(y, 0, 0, 0, 1, 1, 0, 0, 0);
    RELEASE(x, y, ids, counts);
    wide[WIDE - 1] = wide[3 * WIDE - 1] = 2, wide[2 * WIDE - 1] = 1, wide[4 * WIDE - 1] = (double)NAN;
    static const uint32_t reals[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16};
    for (int i = 0; i < 4; i++) {
        x = tensor_of(ctx, reals[i], LURON_SHAPE(4, WIDE), wide);
        assert_ok(ctx, luron_unique_dim(&y, &ids, &counts, ctx, x, 0));
        assert_values(ids, 1, 0, 1, 2);
        assert_values(counts, 1, 2, 1);
        RELEASE(x, y, ids, counts);
    }
}

/* ---- threads ---------------------------------------------------------------------------------------------------- */
enum { OPS = 18 };
static void many_results(luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, luron_tensor *list, luron_tensor **y) {
    luron_tensor *g = NULL, *v;
    assert_ok(ctx, luron_scatter(&y[0], ctx, x, 0, ids, x));
    for (int how = 0; how < 5; how++)
        assert_ok(ctx, luron_scatter_reduce(&y[1 + how], ctx, x, 0, ids, x, how, how & 1));
    assert_ok(ctx, luron_index_copy(&y[6], ctx, x, 0, list, x));
    assert_ok(ctx, luron_segment_sum(&y[7], ctx, x, list, 300));
    assert_ok(ctx, luron_segment_max(&y[8], ctx, x, list, 300));
    assert_ok(ctx, luron_cummax(&y[9], &y[10], ctx, x, 0));
    assert_ok(ctx, luron_logcumsumexp(&y[11], ctx, x, 1));
    assert_ok(ctx, luron_unique(&y[12], &y[13], &y[14], ctx, ids));
    assert_ok(ctx, luron_median(&y[15], &y[16], ctx, x, 1, 0));
    assert_ok(ctx, luron_tensor_full(&v, ctx, LURON_F32, 2, luron_tensor_shape(x), 0.3));
    assert_ok(ctx, luron_grad(&g, ctx, 1, &y[2], &v, 1, &x, 0));
    y[17] = g;
    luron_tensor_unref(v);
}

static void test_indexing_more_same_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    luron_tensor *x = leaf(ctx, uniform(ctx, LURON_F32, LURON_SHAPE(300, 301))), *order, *ids, *list, *want[OPS];
    assert_ok(ctx, luron_argsort(&order, ctx, x, 0, 0));
    luron_tensor *sixty = tensor_of(ctx, LURON_I64, 0, NULL, ROW(60));
    assert_ok(ctx, luron_remainder(&ids, ctx, order, sixty)); /* five of each */
    assert_ok(ctx, luron_select(&list, ctx, ids, 1, 0));
    for (int i = 0; i < 4; i++) {
        luron_tensor *y[OPS];
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[i]));
        many_results(ctx, x, ids, list, i ? y : want);
        for (int k = 0; k < OPS && i; k++) {
            assert_tensor_same(y[k], want[k]);
            luron_tensor_unref(y[k]);
        }
    }
    for (int k = 0; k < OPS; k++)
        luron_tensor_unref(want[k]);
    RELEASE(x, order, ids, list, sixty);
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */
static luron_status many_ops(luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, luron_tensor *list,
                             luron_tensor *mask) {
    luron_tensor *t[25] = {NULL}, *g = NULL, *wide[3] = {NULL}, *both[] = {list, list};
    luron_status status = luron_scatter(&t[0], ctx, x, 0, ids, x);
    for (int how = 0; how < 5 && !status; how++)
        status = luron_scatter_reduce(&t[1 + how], ctx, t[how], 0, ids, x, how, how & 1);
    if (!status) status = luron_index_copy(&t[6], ctx, t[5], 0, list, x);
    if (!status) status = luron_index_fill(&t[7], ctx, t[6], 1, list, 2);
    if (!status) status = luron_index_put(&t[24], ctx, t[7], 1, both, t[0], 1);
    if (!status) status = luron_index(&t[8], ctx, t[24], 1, both);
    if (!status) status = luron_masked_scatter(&t[9], ctx, t[8], mask, x);
    if (!status) status = luron_segment_mean(&t[10], ctx, t[9], list, 3);
    if (!status) status = luron_segment_min(&t[11], ctx, t[10], list, 3);
    if (!status) status = luron_unique(&t[12], &t[13], &t[14], ctx, ids);
    if (!status) status = luron_median(&t[15], &t[16], ctx, t[11], 1, 1);
    if (!status) status = luron_mode(&t[17], &t[18], ctx, ids, 1, 0);
    if (!status) status = luron_cummin(&t[19], &t[20], ctx, t[11], 1);
    if (!status) status = luron_logcumsumexp(&t[21], ctx, t[19], 0);
    if (!status) status = luron_diff(&t[22], ctx, t[21], 1, 0);
    if (!status) status = luron_sum(&t[23], ctx, t[22], 0, NULL, 0);
    if (!status) status = luron_grad(&g, ctx, 1, &t[23], NULL, 1, &x, 0);
    luron_tensor_unref(g);
    for (int i = 0; i < 25; i++)
        luron_tensor_unref(t[i]);
    if (!status) status = luron_unbind(wide, ctx, x, 0);
    for (int i = 0; i < 3; i++)
        luron_tensor_unref(wide[i]);
    return status;
}

static luron_status more_ops(luron_ctx *ctx, luron_tensor *x, luron_tensor *list) {
    luron_tensor *t[12] = {NULL};
    int close;
    luron_status status = luron_unique_dim(&t[0], &t[1], &t[2], ctx, x, 1);
    if (!status) status = luron_searchsorted(&t[3], ctx, list, x, 0);
    if (!status) status = luron_repeat_interleave(&t[4], ctx, x, list, 0);
    if (!status) status = luron_bincount(&t[5], ctx, list, NULL, 5);
    if (!status) status = luron_take(&t[6], ctx, x, list);
    if (!status) status = luron_kthvalue(&t[7], &t[8], ctx, x, 2, 0, 0);
    if (!status) status = luron_allclose(&close, ctx, x, x, 0, 0, 1);
    if (!status) status = luron_logspace(&t[9], ctx, LURON_F32, 0, 1, 3, 2);
    if (!status) status = luron_split_sizes(&t[10], ctx, x, 2, (const int64_t[]){1, 2}, 0);
    for (int i = 0; i < 12; i++)
        luron_tensor_unref(t[i]);
    return status;
}

static void test_indexing_more_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, uniform(ctx, LURON_F32, LURON_SHAPE(3, 3))),
                 *list = tensor_row(ctx, LURON_I64, 0, 2, 0);
    luron_tensor *ids = tensor_of(ctx, LURON_I64, LURON_SHAPE(3, 3), ROW(0, 1, 2, 2, 1, 0, 0, 0, 1)),
                 *mask = tensor_row(ctx, LURON_B8, 1, 0, 1);
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int which = 0; which < 2; which++) {
        int64_t k = 1;
        for (luron_status status = LURON_E_NOMEM; status; k++) {
            luron_ctx_fail_alloc(ctx, k, 0);
            status = which ? more_ops(ctx, x, list) : many_ops(ctx, x, ids, list, mask);
            luron_ctx_fail_alloc(ctx, 0, 0);
            if (status && status != LURON_E_NOMEM) print_error("%s\n", luron_ctx_error(ctx));
            assert_true(status == LURON_OK || status == LURON_E_NOMEM);
            assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        }
        assert_true(k > (which ? 60 : 300));
    }
    RELEASE(x, list, ids, mask);
}

/* Each row is one chain in its order, however many are walked at once, and of numbers in any order of the dims. */
static void test_indexing_more_sums_so_far(void **state) {
    luron_ctx *ctx = *state;
    for (int64_t rows = 1; rows < 10; rows++)
        for (int64_t n = 1; n < 300; n += n < 5 ? 1 : 97)
            for (int layout = 0; layout < 2; layout++) {
                luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(rows, n)), *apart = scattered(ctx, x), *y, *z, *counted;
                assert_ok(ctx, luron_cumsum(&y, ctx, layout ? apart : x, 1));
                assert_ok(ctx, luron_cumprod(&z, ctx, layout ? apart : x, 1));
                const float *from = luron_tensor_data(x), *to = luron_tensor_data(y), *product = luron_tensor_data(z);
                for (int64_t r = 0; r < rows; r++) {
                    double sum = 0, all = 1;
                    for (int64_t i = 0; i < n; i++) assert_true(to[r * n + i] == (float)(sum += from[r * n + i]));
                    for (int64_t i = 0; i < n; i++) assert_true(product[r * n + i] == (float)(all *= from[r * n + i]));
                }
                assert_ok(ctx, luron_tensor_arange(&counted, ctx, rows % 2 ? LURON_I64 : LURON_I32, -3, (double)n * 2 - 3, 2));
                assert_int_equal(luron_tensor_numel(counted), n);
                for (int64_t i = 0; i < n; i++)
                    assert_int_equal(rows % 2 ? ((const int64_t *)luron_tensor_data(counted))[i]
                                              : ((const int32_t *)luron_tensor_data(counted))[i], 2 * i - 3);
                RELEASE(x, apart, y, z, counted);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_indexing_more_last_one_stays),
        test_case(test_indexing_more_extreme_without_self),
        test_case(test_indexing_more_products_keep_apart),
        test_case(test_indexing_more_products_of_zeros),
        test_case(test_indexing_more_logcumsumexp_of_nothing),
        test_case(test_indexing_more_sums_so_far),
        test_case(test_indexing_more_any_dtype),
        test_case(test_indexing_more_large_integers),
        test_case(test_indexing_more_extremes_so_far),
        test_case(test_indexing_more_sums_at_a_list),
        test_case(test_indexing_more_unique_slices_in_order),
        test_case(test_indexing_more_same_bits_at_any_thread_count),
        test_case(test_indexing_more_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
