/* Writing at ids into a tensor that exists. */
#include "on_tape.h"

/* t, which may be any view, becomes what index_put gives; alone: of nothing else in its memory is written. */
static void check_put(luron_ctx *ctx, luron_tensor *t, int n, luron_tensor *const *ids, luron_tensor *values) {
    luron_tensor *want;
    double was[24], is[24];
    assert_ok(ctx, luron_index_put(&want, ctx, t, n, ids, values, 0));
    assert_ok(ctx, luron_tensor_read(ctx, want, LURON_F64, was));
    uint64_t version = luron_tensor_version(t);
    assert_ok(ctx, luron_tensor_put(ctx, t, n, ids, values));
    assert_ok(ctx, luron_tensor_read(ctx, t, LURON_F64, is));
    assert_memory_equal(was, is, (size_t)luron_tensor_numel(t) * sizeof *is);
    assert_true(luron_tensor_version(t) > version);
    release(want);
}

static void test_put_in_place(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x, *row, *turned, *stepped, *i = tensor_row(ctx, LURON_I64, 2, 0, 2),
                                              *j = tensor_row(ctx, LURON_U8, 1, 1, 0);
    luron_tensor *number = tensor_of(ctx, LURON_F32, 0, NULL, ROW(9)), *list = tensor_row(ctx, LURON_F32, 7, 8, 6),
                 *small, *wide;
    luron_tensor *both[] = {i, j};
    assert_ok(ctx, luron_tensor_arange(&row, ctx, LURON_F32, 0, 23.5, 1));
    assert_ok(ctx, luron_reshape(&x, ctx, row, LURON_SHAPE(3, 4, 2)));
    assert_ok(ctx, luron_transpose(&turned, ctx, x, 0, 1)); /* two of its dims are no one dim */
    assert_ok(ctx, luron_slice(&stepped, ctx, x, 1, 0, 4, 2));
    check_put(ctx, x, 2, both, number);
    check_put(ctx, stepped, 1, &i, number);
    check_put(ctx, turned, 2, both, number);
    check_put(ctx, turned, 1, &i, number);
    check_put(ctx, row, 1, &i, list);
    assert_ok(ctx, luron_narrow(&small, ctx, row, 0, 0, 3));
    check_put(ctx, row, 1, &i, small); /* from what it is put into */
    assert_ok(ctx, luron_cast(&wide, ctx, list, LURON_F64));
    assert_ok(ctx, luron_tensor_put(ctx, row, 1, &i, wide));
    assert_true(((const float *)luron_tensor_data(row))[0] == 8 && ((const float *)luron_tensor_data(row))[2] == 6);
    release(x, turned, stepped, number, list, small);
    int64_t blocks = luron_ctx_live_blocks(ctx), k = 1;
    luron_status status;
    uint64_t version = luron_tensor_version(row);
    do {
        luron_ctx_fail_alloc(ctx, k++, 0);
        status = luron_tensor_put(ctx, row, 1, &i, wide);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        assert_true(luron_tensor_version(row) == version + (status == LURON_OK));
    } while (status == LURON_E_NOMEM);
    assert_ok(ctx, status);
    assert_true(k > 4);
    release(row, i, j, wide);
}

static void test_put_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, LURON_F32, 3, ROW(1, 2, 3)), *plain = tensor_row(ctx, LURON_F32, 1, 2, 3);
    luron_tensor *i = tensor_row(ctx, LURON_I64, 0, 3), *wide;
    uint64_t version = luron_tensor_version(plain);
    assert_fails(ctx, luron_tensor_put(ctx, x, 1, &i, plain), LURON_E_STATE,
                 "index_put: the tensor requires a gradient");
    assert_fails(ctx, luron_tensor_put(ctx, plain, 1, &i, x), LURON_E_STATE, "index_put: the source needs a gradient");
    assert_fails(ctx, luron_tensor_put(ctx, plain, 1, &i, plain), LURON_E_SHAPE,
                 "index_put: values (3,) do not broadcast");
    assert_ok(ctx, luron_narrow(&wide, ctx, plain, 0, 0, 2));
    assert_fails(ctx, luron_tensor_put(ctx, plain, 1, &i, wide), LURON_E_RANGE, "index_put: id 3 at position 1");
    assert_fails(ctx, luron_tensor_put(ctx, plain, 2, (luron_tensor *[]){i, i}, wide), LURON_E_ARGUMENT,
                 "index_put: ids for 1 to 1 dims");
    assert_fails(ctx, luron_tensor_put(ctx, plain, 1, &plain, wide), LURON_E_DTYPE, "index_put: ids must be");
    release(wide);
    assert_int_equal(luron_tensor_version(plain), version);
    assert_ok(ctx, luron_expand(&wide, ctx, plain, LURON_SHAPE(2, 3)));
    assert_fails(ctx, luron_tensor_put(ctx, wide, 1, &i, plain), LURON_E_STATE, "index_put: an expanded tensor");
    release(x, plain, i, wide);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_put_in_place), test_case(test_put_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
