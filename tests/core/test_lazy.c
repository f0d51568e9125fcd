/* test_lazy.c -- layers whose first option their first input says, from C. tests/lua/lazy_spec.lua has the real types. */
#include "fake_bench.h"

#include "luron/checkpoint.h"

static luron_layer *lazy(luron_ctx *ctx, int axis) {
    luron_layer *layer = NULL;
    assert_ok(ctx, luron_layer_new_lazy(&layer, ctx, "Pair", axis, 0, NULL));
    return layer;
}

static void assert_same(luron_layer *a, luron_layer *b) {
    const luron_tensor *p = luron_layer_param(a, 0), *q = luron_layer_param(b, 0);
    assert_int_equal(luron_tensor_numel(p), luron_tensor_numel(q));
    assert_memory_equal(luron_tensor_data(p), luron_tensor_data(q), (size_t)luron_tensor_numel(p) * sizeof(float));
}

static luron_status apply(luron_ctx *ctx, luron_layer *layer, luron_tensor *x) {
    luron_tensor *y[2];
    LURON_TRY(luron_layer_apply(y, ctx, layer, 1, &x));
    luron_tensor_unref(y[0]);
    luron_tensor_unref(y[1]);
    return LURON_OK;
}

static void test_lazy_first_input(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F32, 1, 2, 3);
    uint64_t seed, position, after;
    luron_ctx_random_state(ctx, &seed, &position);
    luron_layer *layer = lazy(ctx, 0);
    luron_ctx_random_state(ctx, &seed, &after);
    assert_int_equal(after, position + 1); /* what is drawn behind it is as if it had its size */
    assert_int_equal(luron_layer_n_params(layer), 0);
    assert_int_equal(luron_layer_option(layer, 0).integer, 0);
    assert_fails(ctx, luron_layer_check_sized(ctx, layer), LURON_E_STATE,
                 "layer Pair: it has no parameters before its first input, which says n: call the model on one first");
    assert_ok(ctx, apply(ctx, layer, x));
    assert_ok(ctx, luron_layer_check_sized(ctx, layer));
    assert_int_equal(luron_layer_option(layer, 0).integer, 3);
    luron_ctx_random_state(ctx, &seed, &after);
    assert_int_equal(after, position + 1);
    luron_ctx_set_random_state(ctx, seed, position);
    luron_layer *eager = make(ctx, "Pair", "{\"n\": 3}");
    assert_same(layer, eager);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
    luron_layer_unref(eager);
}

static void test_lazy_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *layer = NULL, *square = make(ctx, "Square", NULL);
    const luron_arg n = {.name = "n", .kind = LURON_ARG_INTEGER, .integer = 3}, more = {.kind = LURON_ARG_INTEGER, .integer = 3};
    assert_fails(ctx, luron_layer_new_lazy(&layer, ctx, "Square", 0, 0, NULL), LURON_E_ARGUMENT,
                 "Square: a type whose first option is a size expected");
    assert_fails(ctx, luron_layer_new_lazy(&layer, ctx, "FakeTanh", 0, 0, NULL), LURON_E_ARGUMENT,
                 "FakeTanh: a type whose first option is a size expected");
    assert_fails(ctx, luron_layer_new_lazy(&layer, ctx, "Nothing", 0, 0, NULL), LURON_E_NOT_FOUND, "no layer type 'Nothing'");
    assert_fails(ctx, luron_layer_new_lazy(&layer, ctx, "Pair", 0, 1, &n), LURON_E_ARGUMENT, "Pair: n: given twice");
    assert_fails(ctx, luron_layer_new_lazy(&layer, ctx, "Pair", 0, 1, &more), LURON_E_ARGUMENT, "1 option expected at most, got 2");
    assert_null(layer);
    assert_fails(ctx, luron_layer_resize(ctx, square, 3), LURON_E_STATE, "layer Square: it was made with its size");
    luron_layer_unref(square);

    luron_tensor *scalar = tensor_of(ctx, LURON_F32, 0, NULL, NULL), *none = tensor_of(ctx, LURON_F32, 1, (const int64_t[]){0}, NULL), *y[2];
    layer = lazy(ctx, -1);
    assert_ok(ctx, luron_layer_set_name(ctx, layer, "enc.1"));
    assert_fails(ctx, apply(ctx, layer, scalar), LURON_E_SHAPE, "layer 'enc.1' = Pair: the first input says n, and () has too few dims");
    assert_fails(ctx, apply(ctx, layer, none), LURON_E_ARGUMENT, "layer 'enc.1' = Pair: n: integer from 1 to 1e+06 expected, got 0");
    assert_fails(ctx, luron_layer_apply(y, ctx, layer, 0, NULL), LURON_E_ARGUMENT, "the first input, which says n, is absent");
    assert_fails(ctx, luron_layer_infer(NULL, ctx, layer, 0, NULL), LURON_E_ARGUMENT, "the first input, which says n, is absent");
    assert_fails(ctx, luron_layer_resize(ctx, layer, -2), LURON_E_ARGUMENT, "n: integer from 1 to 1e+06 expected, got -2");
    assert_int_equal(luron_layer_n_params(layer), 0);
    assert_fails(ctx, luron_layer_check_sized(ctx, layer), LURON_E_STATE, "layer 'enc.1' = Pair: it has no parameters");
    luron_tensor_unref(scalar);
    luron_tensor_unref(none);
    luron_layer_unref(layer);
}

/* Given, taken back, and as the input says it: each time the same numbers. */
static void test_lazy_resize(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F32, 1, 2, 3);
    luron_layer *layer = lazy(ctx, 0), *copy, *sized;
    assert_ok(ctx, luron_layer_clone(&copy, ctx, layer));
    assert_ok(ctx, luron_layer_resize(ctx, layer, 3));
    assert_ok(ctx, luron_layer_clone(&sized, ctx, layer));
    assert_ok(ctx, luron_layer_check_sized(ctx, sized));
    assert_ok(ctx, luron_layer_resize(ctx, layer, 2));
    assert_shape(luron_layer_param(layer, 0), 2);
    assert_ok(ctx, luron_layer_resize(ctx, layer, 0));
    assert_int_equal(luron_layer_n_params(layer), 0);
    assert_ok(ctx, apply(ctx, layer, x));
    assert_ok(ctx, apply(ctx, copy, x));
    assert_same(layer, copy);
    assert_same(layer, sized);
    luron_tensor_unref(x);
    luron_layer_unref(layer);
    luron_layer_unref(copy);
    luron_layer_unref(sized);
}

static void test_lazy_model(void **state) {
    luron_ctx *ctx = *state;
    luron_model *model, *copy;
    luron_layer *layer = lazy(ctx, 0), *optional = lazy(ctx, 0);
    luron_value x, y;
    luron_checkpoint *c;
    char *text = NULL;
    assert_ok(ctx, luron_model_new(&model, ctx));
    assert_ok(ctx, luron_model_input(&x, ctx, model, NULL));
    assert_ok(ctx, luron_model_add(&y, ctx, model, "a", layer, 1, &x));
    assert_ok(ctx, luron_model_add(&y, ctx, model, "b", optional, 1, &y));
    static const char waits[] = "layer 'a' = Pair: it has no parameters before its first input, which says n";
    assert_fails(ctx, luron_model_check_sized(ctx, model), LURON_E_STATE, waits);
    assert_fails(ctx, luron_model_to_json(&text, ctx, model), LURON_E_STATE, waits);
    assert_fails(ctx, luron_model_summary(&text, ctx, model, 0, NULL), LURON_E_STATE, waits);
    assert_fails(ctx, luron_model_freeze(ctx, model, "b", 1), LURON_E_STATE, waits);
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_fails(ctx, luron_checkpoint_set_model(c, ctx, model), LURON_E_STATE, waits);
    assert_fails(ctx, luron_checkpoint_restore(ctx, c, model), LURON_E_STATE, waits);
    assert_int_equal(luron_model_n_weights(model), 0);

    const luron_dims dims = {LURON_F32, 1, {4}};
    assert_ok(ctx, luron_model_clone(&copy, ctx, model));
    assert_ok(ctx, luron_model_summary(&text, ctx, model, 1, &dims));
    luron_text_free(ctx, text);
    assert_ok(ctx, luron_model_check_sized(ctx, model));
    assert_int_equal(luron_model_n_weights(model), 8);
    assert_fails(ctx, luron_model_check_sized(ctx, copy), LURON_E_STATE, waits);
    assert_ok(ctx, luron_checkpoint_set_model(c, ctx, model));
    luron_checkpoint_free(c);
    luron_model_unref(copy);
    luron_model_unref(model);
    luron_layer_unref(layer);
    luron_layer_unref(optional);
}

static luron_status make_and_apply(luron_ctx *ctx, luron_tensor *x) {
    luron_layer *layer, *copy = NULL;
    LURON_TRY(luron_layer_new_lazy(&layer, ctx, "Pair", 0, 0, NULL));
    luron_status status = luron_layer_set_dtype(ctx, layer, LURON_F64);
    if (!status) status = luron_layer_clone(&copy, ctx, layer);
    if (!status) status = apply(ctx, layer, x);
    if (status) assert_int_equal(luron_layer_n_params(layer), 0);
    luron_layer_unref(layer);
    luron_layer_unref(copy);
    return status;
}

static void test_lazy_out_of_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F64, 1, 2, 3);
    for (int sticky = 0; sticky < 2; sticky++) {
        assert_ok(ctx, make_and_apply(ctx, x));
        const int64_t blocks = luron_ctx_live_blocks(ctx);
        uint64_t seed, position, after;
        luron_ctx_random_state(ctx, &seed, &position);
        int k = 1;
        for (;; k++) {
            luron_ctx_set_random_state(ctx, seed, position);
            luron_ctx_fail_alloc(ctx, k, sticky);
            luron_status status = make_and_apply(ctx, x);
            luron_ctx_fail_alloc(ctx, 0, 0);
            if (status == LURON_OK) break;
            assert_int_equal(status, LURON_E_NOMEM);
            assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        }
        luron_ctx_random_state(ctx, &seed, &after);
        assert_int_equal(after, position + 1);
        assert_true(k > 15);
    }
    luron_tensor_unref(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fake_test(test_lazy_first_input), fake_test(test_lazy_refused),       fake_test(test_lazy_resize),
        fake_test(test_lazy_model),       fake_test(test_lazy_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
