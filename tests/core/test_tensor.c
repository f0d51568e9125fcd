/* Tensors themselves: making, reading, names, and what may be changed in place. */
#include "tensor_assert.h"

#include <math.h>
#include <string.h>

static void test_tensor_dtypes_have_names_and_sizes(void **state) {
    (void)state;
    static const struct {
        uint32_t dtype;
        const char *name;
        int size, is_float;
    } table[] = {{LURON_F32, "float32", 4, 1}, {LURON_F64, "float64", 8, 1}, {LURON_F16, "float16", 2, 1}, {LURON_BF16, "bfloat16", 2, 1},
                 {LURON_I64, "int64", 8, 0},   {LURON_I32, "int32", 4, 0},   {LURON_U8, "uint8", 1, 0},    {LURON_B8, "bool", 1, 0}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_string_equal(luron_dtype_name(table[i].dtype), table[i].name);
        assert_int_equal(luron_dtype_find(table[i].name), table[i].dtype);
        assert_int_equal(luron_dtype_size(table[i].dtype), table[i].size);
        assert_int_equal(luron_dtype_is_float(table[i].dtype), table[i].is_float);
    }
    assert_int_equal(luron_dtype_find("double"), LURON_F64);
    assert_int_equal(luron_dtype_find("complex"), 0);
    assert_int_equal(luron_dtype_find(NULL), 0);
    assert_int_equal(luron_dtype_size(12345), 0);
}

static void test_tensor_shape_text(void **state) {
    (void)state;
    char text[64], tiny[6];
    assert_string_equal(luron_shape_text(text, sizeof text, 0, NULL), "()");
    assert_string_equal(luron_shape_text(text, sizeof text, 1, (const int64_t[]){5}), "(5,)");
    assert_string_equal(luron_shape_text(text, sizeof text, 2, (const int64_t[]){64, 784}), "(64, 784)");
    assert_true(strlen(luron_shape_text(tiny, sizeof tiny, 3, (const int64_t[]){100, 200, 300})) < sizeof tiny);
}

static void test_tensor_arange(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_arange(&t, ctx, LURON_F32, 0, 1, 0.25));
    assert_tensor_close(t, ((double[]){0, 0.25, 0.5, 0.75}), 4, 0, 0);
    luron_tensor_unref(t);
    assert_ok(ctx, luron_tensor_arange(&t, ctx, LURON_I64, 5, 0, -2));
    assert_tensor_close(t, ((double[]){5, 3, 1}), 3, 0, 0);
    luron_tensor_unref(t);
    assert_ok(ctx, luron_tensor_arange(&t, ctx, LURON_I64, 5, 0, 1));
    assert_int_equal(luron_tensor_numel(t), 0);
    luron_tensor_unref(t);
    assert_fails(ctx, luron_tensor_arange(&t, ctx, LURON_F32, 0, 1, 0), LURON_E_ARGUMENT, "step");
    assert_fails(ctx, luron_tensor_arange(&t, ctx, LURON_F32, 0, INFINITY, 1), LURON_E_ARGUMENT, "finite");
    assert_fails(ctx, luron_tensor_arange(&t, ctx, LURON_F32, 0, 1e300, 1), LURON_E_ARGUMENT, "too many");
}

static void test_tensor_item_and_read(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = tensor_of(ctx, LURON_F32, 3, (const int64_t[]){2, 3, 2}, (const double[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}), *p, *s;
    double x, all[12];
    assert_fails(ctx, luron_tensor_item(&x, ctx, t), LURON_E_SHAPE, "(2, 3, 2)");
    assert_ok(ctx, luron_permute(&p, ctx, t, 3, (const int[]){2, 0, 1}));
    assert_ok(ctx, luron_tensor_read(ctx, p, LURON_F64, all));
    const double expect[] = {0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11};
    assert_memory_equal(all, expect, sizeof all);
    assert_ok(ctx, luron_slice(&s, ctx, t, 1, 1, 1, 1));
    assert_ok(ctx, luron_tensor_read(ctx, s, LURON_F64, all));
    assert_true(all[0] == 2 && all[1] == 3 && all[2] == 8 && all[3] == 9);
    luron_tensor_unref(s);
    luron_tensor_unref(p);
    luron_tensor_unref(t);
    t = tensor_of(ctx, LURON_I64, 0, NULL, (const double[]){-7});
    int64_t n;
    assert_ok(ctx, luron_tensor_item_int(&n, ctx, t));
    assert_int_equal(n, -7);
    luron_tensor_unref(t);
}

static void test_tensor_in_place_is_refused_on_the_tape(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = tensor_row(ctx, LURON_F32, 1, 2), *y, *e;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    assert_fails(ctx, luron_tensor_fill(ctx, t, 0), LURON_E_STATE, "requires a gradient");
    assert_ok(ctx, luron_exp(&y, ctx, t));
    assert_fails(ctx, luron_tensor_fill(ctx, y, 0), LURON_E_STATE, "made by recorded operations");
    luron_tensor *row, *one, *of_result;
    assert_ok(ctx, luron_slice(&row, ctx, t, 0, 0, 2, 1));
    assert_ok(ctx, luron_select(&one, ctx, row, 0, 1));
    assert_ok(ctx, luron_select(&of_result, ctx, y, 0, 1));
    assert_fails(ctx, luron_tensor_fill(ctx, row, 0), LURON_E_STATE, "fill: the tensor is part of one that requires a gradient");
    assert_fails(ctx, luron_tensor_fill(ctx, one, 0), LURON_E_STATE, "fill: the tensor is part of one that requires a gradient");
    assert_fails(ctx, luron_tensor_fill(ctx, of_result, 0), LURON_E_STATE, "made by recorded operations");
    luron_tensor_unref(of_result);
    luron_tensor_unref(one);
    luron_tensor_unref(row);
    int was = luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_fill(ctx, t, 3));
    luron_ctx_set_recording(ctx, was);
    assert_tensor_close(t, ((double[]){3, 3}), 2, 0, 0);
    luron_tensor_unref(y);
    luron_tensor_unref(t);
    t = tensor_row(ctx, LURON_F32, 1);
    assert_ok(ctx, luron_expand(&e, ctx, t, 1, (const int64_t[]){4}));
    assert_fails(ctx, luron_tensor_fill(ctx, e, 0), LURON_E_STATE, "expanded");
    luron_tensor_unref(e);
    luron_tensor_unref(t);
}

static void test_tensor_status_names(void **state) {
    (void)state;
    assert_string_equal(luron_status_name(LURON_OK), "OK");
    assert_string_equal(luron_status_name(LURON_E_SHAPE), "SHAPE");
    assert_string_equal(luron_status_text(LURON_E_SHAPE), "shapes do not fit");
    assert_string_equal(luron_status_name(-99), "UNKNOWN");
}

static void test_tensor_context_settings(void **state) {
    luron_ctx *ctx = *state;
    assert_fails(ctx, luron_ctx_set_threads(ctx, 0), LURON_E_ARGUMENT, "1 to 256");
    assert_fails(ctx, luron_ctx_set_threads(ctx, 257), LURON_E_ARGUMENT, "1 to 256");
    assert_ok(ctx, luron_ctx_set_threads(ctx, 3));
    assert_int_equal(luron_ctx_threads(ctx), 3);
    assert_fails(ctx, luron_ctx_set_default_dtype(ctx, LURON_I64), LURON_E_DTYPE, "int64");
    uint64_t seed, position;
    luron_ctx_set_random_state(ctx, 5, 17);
    luron_ctx_random_state(ctx, &seed, &position);
    assert_true(seed == 5 && position == 17);
    luron_ctx_seed(ctx, 9);
    luron_ctx_random_state(ctx, &seed, &position);
    assert_true(seed == 9 && position == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_tensor_dtypes_have_names_and_sizes), test_case(test_tensor_shape_text),
        test_case(test_tensor_arange),                      test_case(test_tensor_item_and_read),
        test_case(test_tensor_in_place_is_refused_on_the_tape), test_case(test_tensor_status_names),
        test_case(test_tensor_context_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
