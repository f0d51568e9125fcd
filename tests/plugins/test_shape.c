#include "layer_check.h"
#include "tensor_assert.h"

#include <string.h>

static void test_shape_gradients(void **state) {
    static const layer_case cases[] = {
        { "Flatten", NULL, 1, { { INPUT_SHAPE(2, 3, 4) } }, .tol = 1e-7, .order = 2 },
        { "Flatten", "{\"start_dim\": 0, \"end_dim\": 1}", 1, { { INPUT_SHAPE(2, 3, 4) } }, .tol = 1e-7, .order = 2 },
        { "Unflatten", "{\"dim\": 1, \"sizes\": [2, -1]}", 1, { { INPUT_SHAPE(3, 6, 2) } }, .tol = 1e-7, .order = 2 },
        { "Reshape", "{\"shape\": [2, 3]}", 1, { { INPUT_SHAPE(4, 6) } }, .tol = 1e-7, .order = 2 },
        { "Reshape", "{\"shape\": [-1]}", 1, { { INPUT_SHAPE(4, 3, 2) } }, .tol = 1e-7, .order = 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) layer_check(*state, &cases[i]);
}

typedef struct shape_case {
    const char *type, *options;
    int ndim;
    int64_t shape[8];
    int want_ndim;
    int64_t want[8];
} shape_case;

/* The elements stay in row-major order, also of a view that is not contiguous. */
static void test_shape_of_results(void **state) {
    luron_ctx *ctx = *state;
    static const shape_case cases[] = {
        { "Flatten", NULL, 4, { 2, 3, 4, 5 }, 2, { 2, 60 } },
        { "Flatten", NULL, 2, { 2, 3 }, 2, { 2, 3 } },
        { "Flatten", "{\"start_dim\": 0}", 3, { 2, 3, 4 }, 1, { 24 } },
        { "Flatten", "{\"start_dim\": -3, \"end_dim\": -2}", 4, { 2, 3, 4, 5 }, 3, { 2, 12, 5 } },
        { "Flatten", "{\"start_dim\": 0}", 0, { 0 }, 1, { 1 } },
        { "Flatten", NULL, 3, { 0, 3, 4 }, 2, { 0, 12 } },
        { "Flatten", NULL, 3, { 2, 0, 4 }, 2, { 2, 0 } },
        { "Unflatten", "{\"dim\": 1, \"sizes\": [2, 5]}", 2, { 3, 10 }, 3, { 3, 2, 5 } },
        { "Unflatten", "{\"dim\": -1, \"sizes\": [-1, 5]}", 2, { 3, 10 }, 3, { 3, 2, 5 } },
        { "Unflatten", "{\"dim\": 0, \"sizes\": [3]}", 2, { 3, 2 }, 2, { 3, 2 } },
        { "Unflatten", "{\"dim\": 0, \"sizes\": [0, 4]}", 1, { 0 }, 2, { 0, 4 } },
        { "Reshape", "{\"shape\": [2, 5]}", 2, { 3, 10 }, 3, { 3, 2, 5 } },
        { "Reshape", "{\"shape\": [5, -1]}", 3, { 3, 2, 5 }, 3, { 3, 5, 2 } },
        { "Reshape", "{\"shape\": 10}", 3, { 3, 2, 5 }, 2, { 3, 10 } },
        { "Reshape", "{\"shape\": 1}", 1, { 3 }, 2, { 3, 1 } },
        { "Reshape", "{\"shape\": [2, 3]}", 2, { 0, 6 }, 3, { 0, 2, 3 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const shape_case *c = &cases[i];
        luron_layer *layer;
        luron_tensor *x, *y, *flat, *turned, *plain, *z;
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, c->type, c->options));
        assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, c->ndim, c->shape));
        assert_ok(ctx, luron_tensor_uniform(ctx, x, -1, 1));
        assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
        assert_shape_(y, (size_t)c->want_ndim, c->want, c->type, __FILE__, __LINE__);
        assert_ok(ctx, luron_reshape(&flat, ctx, x, c->want_ndim, c->want));
        assert_tensor_same(y, flat);
        luron_tensor_unref(y);
        luron_tensor_unref(flat);
        if (c->ndim > 1) {
            int64_t back[8];
            memcpy(back, c->shape, sizeof back);
            back[0] = c->shape[1], back[1] = c->shape[0];
            luron_tensor *base;
            assert_ok(ctx, luron_tensor_new(&base, ctx, LURON_F32, c->ndim, back));
            assert_ok(ctx, luron_tensor_uniform(ctx, base, -1, 1));
            assert_ok(ctx, luron_transpose(&turned, ctx, base, 0, 1));
            assert_ok(ctx, luron_copy(&plain, ctx, turned));
            assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &turned));
            assert_ok(ctx, luron_reshape(&z, ctx, plain, c->want_ndim, c->want));
            assert_tensor_same(y, z);
            luron_tensor *all[] = { base, turned, plain, y, z };
            for (size_t k = 0; k < sizeof all / sizeof *all; k++) luron_tensor_unref(all[k]);
        }
        luron_tensor_unref(x);
        luron_layer_unref(layer);
    }
}

static void expect(luron_ctx *ctx, const char *type, const char *options, luron_tensor *x, luron_status status, const char *part) {
    luron_layer *layer;
    luron_tensor *y = NULL;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), status, part);
    luron_layer_unref(layer);
}

static void test_shape_messages(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = NULL;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]) { 3, 10 }, NULL), *number = tensor_of(ctx, LURON_F32, 0, NULL, NULL), *wide;
    assert_ok(ctx, luron_tensor_new(&wide, ctx, LURON_F32, 8, (const int64_t[]) { 1, 1, 1, 1, 1, 1, 1, 4 }));
    expect(ctx, "Flatten", "{\"start_dim\": 2}", x, LURON_E_RANGE, "start_dim is 2, input has 2 dimensions");
    expect(ctx, "Flatten", "{\"start_dim\": 1, \"end_dim\": 0}", x, LURON_E_ARGUMENT, "start_dim is 1, after end_dim, which is 0");
    expect(ctx, "Unflatten", "{\"dim\": 1, \"sizes\": [3, 4]}", x, LURON_E_SHAPE, "sizes: 10 elements do not fill its sizes, which multiply to 12");
    expect(ctx, "Unflatten", "{\"dim\": 1, \"sizes\": [3, -1]}", x, LURON_E_SHAPE, "multiply to 3 without the -1");
    expect(ctx, "Unflatten", "{\"dim\": 1, \"sizes\": [-1, -1]}", x, LURON_E_ARGUMENT, "one size may be -1");
    expect(ctx, "Unflatten", "{\"dim\": 5, \"sizes\": [2]}", x, LURON_E_RANGE, "dim is 5");
    expect(ctx, "Unflatten", "{\"dim\": 7, \"sizes\": [2, 2]}", wide, LURON_E_SHAPE, "9 dimensions, at most 8");
    expect(ctx, "Reshape", "{\"shape\": [4, 4]}", x, LURON_E_SHAPE, "shape: 10 elements do not fill its sizes, which multiply to 16");
    expect(ctx, "Reshape", "{\"shape\": [4294967296, 4294967296]}", x, LURON_E_SHAPE, "int64");
    expect(ctx, "Reshape", "{\"shape\": [1]}", number, LURON_E_SHAPE, "input has no dimension");
    luron_ctx_set_index_base(ctx, 1);
    expect(ctx, "Flatten", "{\"start_dim\": 2}", x, LURON_E_RANGE, "start_dim is 3, input has 2 dimensions");
    luron_ctx_set_index_base(ctx, 0);
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Unflatten", "{\"dim\": 1}"), LURON_E_ARGUMENT, "sizes");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Reshape", NULL), LURON_E_ARGUMENT, "shape");
    assert_fails(ctx, luron_layer_from_json(&layer, ctx, "Reshape", "{\"shape\": [2, -3]}"), LURON_E_ARGUMENT, "shape");
    luron_tensor_unref(x);
    luron_tensor_unref(number);
    luron_tensor_unref(wide);
}

int main(void) {
    const struct CMUnitTest tests[] = { test_case(test_shape_gradients), test_case(test_shape_of_results), test_case(test_shape_messages) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
