/* What indexing.h refuses: ids that do not exist, shapes, dtypes and numbers that do not fit. */
#include "strided.h"

#include <math.h>

#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
#define RELEASE(...)                                                                                                   \
    do {                                                                                                               \
        luron_tensor *all_[] = {__VA_ARGS__};                                                                          \
        for (size_t i_ = 0; i_ < sizeof all_ / sizeof *all_; i_++)                                                     \
            luron_tensor_unref(all_[i_]);                                                                              \
    } while (0)

static void test_indexing_refused_ids(void **state) {
    luron_ctx *ctx = *state;
    static const int64_t hostile[] = {-1, 3, INT64_MAX, INT64_MIN};
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(3)), *y = NULL, *real = tensor_row(ctx, LURON_F32, 1);
    luron_tensor *none = tensor_of(ctx, LURON_F32, LURON_SHAPE(0), NULL), *src = tensor_row(ctx, LURON_F32, 1);
    for (int i = 0; i < 4; i++)
        for (int base = 0; base < 2; base++) {
            luron_tensor *ids;
            int64_t id = hostile[i] + (i == 1 ? base : 0);
            luron_ctx_set_index_base(ctx, base);
            assert_ok(ctx, luron_tensor_from(&ids, ctx, LURON_I64, LURON_SHAPE(1), &id));
            assert_fails(ctx, luron_scatter(&y, ctx, x, 0, ids, src), LURON_E_RANGE, "scatter: id ");
            for (int how = 0; how < 5; how++)
                assert_fails(ctx, luron_scatter_reduce(&y, ctx, x, 0, ids, src, how, 0), LURON_E_RANGE,
                             "scatter_reduce: id ");
            assert_fails(ctx, luron_index_copy(&y, ctx, x, 0, ids, src), LURON_E_RANGE, "index_copy: id ");
            assert_fails(ctx, luron_index_fill(&y, ctx, x, 0, ids, 1), LURON_E_RANGE, "index_fill: id ");
            assert_fails(ctx, luron_index(&y, ctx, x, 1, &ids), LURON_E_RANGE, "index: id ");
            assert_fails(ctx, luron_index_put(&y, ctx, x, 1, &ids, src, 0), LURON_E_RANGE, "index_put: id ");
            assert_fails(ctx, luron_index_put(&y, ctx, x, 1, &ids, src, 1), LURON_E_RANGE, "index_put: id ");
            assert_fails(ctx, luron_take(&y, ctx, x, ids), LURON_E_RANGE, "take: id ");
            assert_fails(ctx, luron_take(&y, ctx, none, ids), LURON_E_RANGE, "there is nothing to choose from");
            assert_fails(ctx, luron_segment_sum(&y, ctx, src, ids, 3), LURON_E_RANGE, "segment_sum: id ");
            assert_fails(ctx, luron_segment_mean(&y, ctx, src, ids, 3), LURON_E_RANGE, "segment_mean: id ");
            assert_fails(ctx, luron_segment_max(&y, ctx, src, ids, 3), LURON_E_RANGE, "segment_max: id ");
            assert_fails(ctx, luron_segment_min(&y, ctx, src, ids, 0), LURON_E_RANGE, "segment_min: id ");
            if (i != 1) assert_fails(ctx, luron_bincount(&y, ctx, ids, NULL, 0), LURON_E_RANGE, "bincount: id ");
            luron_tensor_unref(ids);
        }
    assert_fails(ctx, luron_scatter(&y, ctx, x, 0, real, src), LURON_E_DTYPE,
                 "scatter: ids must be int64, int32 or uint8, got float32");
    assert_fails(ctx, luron_index(&y, ctx, x, 1, &real), LURON_E_DTYPE, "index: ids must be");
    assert_fails(ctx, luron_bincount(&y, ctx, real, NULL, 0), LURON_E_DTYPE, "bincount: ids must be");
    assert_null(y);
    RELEASE(x, real, none, src);
}

static void test_indexing_refused_writing(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *row = tensor_row(ctx, LURON_F32, 1, 2, 3), *y = NULL;
    luron_tensor *ids = tensor_row(ctx, LURON_I64, 0, 1),
                 *two = tensor_of(ctx, LURON_I64, LURON_SHAPE(1, 2), ROW(0, 1));
    luron_tensor *point = tensor_of(ctx, LURON_F32, 0, NULL, ROW(1));
    luron_tensor *mask = tensor_row(ctx, LURON_B8, 1, 0, 1), *list[] = {ids, ids, ids};
    assert_fails(ctx, luron_scatter(&y, ctx, x, 2, two, two), LURON_E_RANGE, "scatter: dim");
    assert_fails(ctx, luron_scatter(&y, ctx, x, 0, two, two), LURON_E_DTYPE, "scatter: x is float32 and src is int64");
    assert_fails(ctx, luron_scatter(&y, ctx, x, 0, two, x), LURON_E_SHAPE,
                 "scatter: ids (1, 2) and src (2, 3) must have the same shape");
    assert_fails(ctx, luron_scatter_reduce(&y, ctx, x, 0, two, x, LURON_SUM, 1), LURON_E_SHAPE,
                 "scatter_reduce: ids (1, 2)");
    assert_fails(ctx, luron_index_copy(&y, ctx, x, 1, ids, x), LURON_E_SHAPE,
                 "index_copy: src is (2, 3); like x (2, 3), with 2 positions");
    assert_fails(ctx, luron_index_copy(&y, ctx, x, 1, two, x), LURON_E_SHAPE, "index_copy: ids must be a list");
    assert_fails(ctx, luron_index_copy(&y, ctx, point, 0, ids, point), LURON_E_SHAPE,
                 "index_copy: a tensor without dims");
    assert_fails(ctx, luron_index_fill(&y, ctx, ids, 0, ids, 0.5), LURON_E_ARGUMENT,
                 "index_fill: value is 0.5, but the tensor is int64");
    assert_fails(ctx, luron_index(&y, ctx, x, 3, list), LURON_E_ARGUMENT,
                 "index: ids for 1 to 2 dims of (2, 3) expected, got 3");
    assert_fails(ctx, luron_index(&y, ctx, x, 0, list), LURON_E_ARGUMENT, "index: ids for");
    assert_fails(ctx, luron_index_put(&y, ctx, x, 1, list, ids, 0), LURON_E_DTYPE,
                 "index_put: x is float32 and values are int64");
    assert_fails(ctx, luron_index_put(&y, ctx, x, 2, list, row, 0), LURON_E_SHAPE,
                 "index_put: values (3,) do not broadcast to the shape at these ids, (2,)");
    assert_fails(ctx, luron_masked_scatter(&y, ctx, x, ids, row), LURON_E_DTYPE,
                 "masked_scatter: the mask must be bool, got int64");
    assert_fails(ctx, luron_masked_scatter(&y, ctx, x, mask, row), LURON_E_SHAPE,
                 "masked_scatter: the mask is true 4 times, but src has 3 elements");
    assert_fails(ctx, luron_masked_scatter(&y, ctx, point, mask, row), LURON_E_SHAPE, "masked_scatter: expand");
    assert_null(y);
    RELEASE(x, row, ids, two, point, mask);
}

static void test_indexing_refused_groups(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *row = tensor_row(ctx, LURON_F32, 1, 2, 3), *y = NULL;
    luron_tensor *ids = tensor_row(ctx, LURON_I64, 0, 1),
                 *two = tensor_of(ctx, LURON_I64, LURON_SHAPE(1, 2), ROW(0, 1));
    luron_tensor *point = tensor_of(ctx, LURON_F32, 0, NULL, ROW(1));
    luron_tensor *whole = tensor_row(ctx, LURON_I64, 1, -1), *i = NULL, *c = NULL;
    assert_fails(ctx, luron_segment_sum(&y, ctx, row, ids, 3), LURON_E_SHAPE,
                 "segment_sum: a list of as many ids as x has rows expected, got ids (2,) for x (3,)");
    assert_fails(ctx, luron_segment_max(&y, ctx, x, ids, -1), LURON_E_ARGUMENT, "segment_max: count is -1");
    assert_fails(ctx, luron_segment_mean(&y, ctx, point, ids, 1), LURON_E_SHAPE, "segment_mean: a list");
    assert_fails(ctx, luron_bincount(&y, ctx, two, NULL, 0), LURON_E_SHAPE, "bincount: ids must be a list");
    assert_fails(ctx, luron_bincount(&y, ctx, ids, row, 0), LURON_E_SHAPE,
                 "bincount: a weight for each id expected, got weights (3,) for ids (2,)");
    assert_fails(ctx, luron_bincount(&y, ctx, ids, NULL, -1), LURON_E_ARGUMENT, "bincount: min_length is -1");
    assert_fails(ctx, luron_unique_dim(&y, &i, &c, ctx, point, 0), LURON_E_SHAPE, "unique: a tensor without dims");
    assert_fails(ctx, luron_unique_dim(&y, &i, &c, ctx, x, 2), LURON_E_RANGE, "unique: dim");
    assert_fails(ctx, luron_searchsorted(&y, ctx, x, row, 0), LURON_E_SHAPE,
                 "searchsorted: sorted (2, 3) must be a list");
    assert_fails(ctx, luron_searchsorted(&y, ctx, point, row, 0), LURON_E_SHAPE, "searchsorted: sorted ()");
    assert_fails(ctx, luron_repeat_interleave(&y, ctx, x, whole, 0), LURON_E_ARGUMENT,
                 "repeat_interleave: repeats: -1 at position 1 is negative");
    assert_fails(ctx, luron_repeat_interleave(&y, ctx, x, whole, 1), LURON_E_SHAPE,
                 "repeat_interleave: one number, or a list of 3 for dim 1 expected");
    assert_fails(ctx, luron_repeat_interleave(&y, ctx, x, row, 1), LURON_E_DTYPE,
                 "repeat_interleave: repeats must be int64");
    assert_null(y);
    assert_null(i);
    assert_null(c);
    RELEASE(x, row, ids, two, point, whole);
}

static void test_indexing_refused_order(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *row = tensor_row(ctx, LURON_F32, 1, 2, 3), *y = NULL;
    luron_tensor *point = tensor_of(ctx, LURON_F32, 0, NULL, ROW(1));
    luron_tensor *none = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 0), NULL), *i = NULL;
    const int64_t sizes[] = {1, -1};
    int close = 7;
    assert_fails(ctx, luron_median(&y, &i, ctx, none, 1, 0), LURON_E_SHAPE, "median: dim 1 of (2, 0) has no numbers");
    assert_fails(ctx, luron_mode(&y, &i, ctx, none, 1, 0), LURON_E_SHAPE, "mode: dim 1 of (2, 0)");
    assert_fails(ctx, luron_kthvalue(&y, &i, ctx, x, 4, 1, 0), LURON_E_RANGE,
                 "kthvalue: k is 4, but dim 1 of (2, 3) has 3 positions");
    assert_fails(ctx, luron_cummax(&y, &i, ctx, x, 2), LURON_E_RANGE, "cummax: dim");
    assert_fails(ctx, luron_logcumsumexp(&y, ctx, x, 2), LURON_E_RANGE, "logcumsumexp: dim");
    assert_fails(ctx, luron_diff(&y, ctx, x, -1, 0), LURON_E_ARGUMENT, "diff: n is -1");
    assert_fails(ctx, luron_diff(&y, ctx, point, 1, 0), LURON_E_SHAPE, "diff: a tensor without dims");
    assert_fails(ctx, luron_isclose(&y, ctx, x, row, -1, 0, 0), LURON_E_ARGUMENT, "isclose: rtol is -1");
    assert_fails(ctx, luron_allclose(&close, ctx, x, none, 0, 0, 0), LURON_E_SHAPE, "shapes (2, 3) and (2, 0)");
    assert_int_equal(close, 7);
    assert_fails(ctx, luron_movedim(&y, ctx, x, 2, (const int[]){0, -2}, (const int[]){0, 1}), LURON_E_ARGUMENT,
                 "movedim: from: dim 0 is named twice");
    assert_fails(ctx, luron_movedim(&y, ctx, x, 3, (const int[]){0, 1, 2}, (const int[]){0, 1, 2}), LURON_E_ARGUMENT,
                 "movedim: 3 dims given");
    assert_fails(ctx, luron_flatten(&y, ctx, x, 1, -2), LURON_E_ARGUMENT, "flatten: to: at least 1 (from) expected, got 0");
    assert_fails(ctx, luron_flatten(&y, ctx, x, 0, 2), LURON_E_RANGE, "flatten: to: no dim 2");
    assert_fails(ctx, luron_unflatten(&y, ctx, x, 2, 1, sizes), LURON_E_RANGE, "unflatten: dim: no dim 2");
    assert_fails(ctx, luron_unflatten(&y, ctx, x, 1, 0, sizes), LURON_E_SHAPE, "2 dims and 0 in place of one");
    assert_fails(ctx, luron_unflatten(&y, ctx, x, 1, INT32_MAX, sizes), LURON_E_SHAPE, "do not make a tensor of 1 to 8");
    assert_fails(ctx, luron_unflatten(&y, ctx, point, 0, 1, sizes), LURON_E_SHAPE, "unflatten: sizes: 0 dims");
    assert_fails(ctx, luron_unflatten(&y, ctx, x, 1, 2, (const int64_t[]){-1, 2}), LURON_E_SHAPE, "their product must be 3");
    assert_fails(ctx, luron_unflatten(&y, ctx, x, 1, 2, (const int64_t[]){-1, 0}), LURON_E_SHAPE, "their product must be 3");
    assert_fails(ctx, luron_unflatten(&y, ctx, x, 1, 2, (const int64_t[]){INT64_MAX, INT64_MAX}), LURON_E_SHAPE, "of dim 1");
    assert_fails(ctx, luron_unbind(&y, ctx, point, 0), LURON_E_SHAPE, "unbind: a tensor without dims");
    assert_fails(ctx, luron_split_sizes(&y, ctx, x, 2, sizes, 0), LURON_E_ARGUMENT, "split: size 1 is -1");
    assert_fails(ctx, luron_split_sizes(&y, ctx, x, 1, sizes, 0), LURON_E_SHAPE,
                 "split: the sizes are together 1, but dim 0 has size 2");
    assert_fails(ctx, luron_logspace(&y, ctx, LURON_F32, 0, (double)INFINITY, 2, 10), LURON_E_ARGUMENT, "logspace: ");
    assert_fails(ctx, luron_logspace(&y, ctx, LURON_F32, 0, 1, 2, -2), LURON_E_ARGUMENT, "logspace: base is -2");
    assert_null(y);
    assert_null(i);
    RELEASE(x, row, point, none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_indexing_refused_ids),
        test_case(test_indexing_refused_writing),
        test_case(test_indexing_refused_groups),
        test_case(test_indexing_refused_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
