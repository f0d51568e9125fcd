/* Gradients of element-wise ops: against differences to second order, at kinks by hand, and when memory runs out. */
#include "luron/luron.h"

#include <math.h>

#include "tensor_assert.h"

typedef luron_status (*unary_fn)(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
typedef luron_status (*binary_fn)(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b);
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static luron_tensor *leaf(luron_ctx *ctx, int ndim, const int64_t *shape, const double *values) {
    luron_tensor *t = tensor_of(ctx, LURON_F64, ndim, shape, values);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}
#define leaf_row(ctx, ...)                                                                                             \
    leaf((ctx), 1, (const int64_t[]){COUNT(((const double[]){__VA_ARGS__}))}, (const double[]){__VA_ARGS__})

static void check(luron_ctx *ctx, const char *what,
                  luron_status (*fn)(luron_tensor **, luron_ctx *, void *, luron_tensor *const *), void *ud, int n_in,
                  luron_tensor *const *ins) {
    luron_gradcheck_options options = {.order = 2, .seed = 7};
    luron_status status = luron_gradcheck(ctx, fn, ud, n_in, ins, &options);
    if (status) print_error("%s: %s\n", what, luron_ctx_error(ctx));
    assert_int_equal(status, LURON_OK);
}

/* ---- second order, away from kinks ----------------------------------------------------------------------------- */
static const struct unary {
    const char *name;
    unary_fn fn;
} unary[] = {
#define UNARY(fn) {#fn, luron_##fn},
    LURON_UNARY_MAP(UNARY) UNARY(asinh) UNARY(acosh) UNARY(atanh)};

static luron_status apply_unary(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    return ((const struct unary *)ud)->fn(out, ctx, ins[0]);
}

static void test_elementwise_gradient_unary(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *positive = leaf_row(ctx, 0.21, 0.34, 0.62, 0.83), *negative = leaf_row(ctx, -0.83, -0.47, -0.21), *y;
    luron_tensor *above_1 = leaf_row(ctx, 1.21, 1.75, 4.5);
    for (int k = 0; k < COUNT(unary); k++) {
        struct unary one = unary[k];
        check(ctx, one.name, apply_unary, &one, 1, one.fn == luron_acosh ? &above_1 : &positive);
        assert_ok(ctx, one.fn(&y, ctx, negative));
        double values[3];
        assert_ok(ctx, luron_tensor_read(ctx, y, LURON_F64, values));
        luron_tensor_unref(y);
        if (!isnan(values[0])) check(ctx, one.name, apply_unary, &one, 1, &negative);
    }
    luron_tensor_unref(positive), luron_tensor_unref(negative), luron_tensor_unref(above_1);
}

static const struct binary {
    const char *name;
    binary_fn fn;
} binary[] = {
    {"add", luron_add},    {"sub", luron_sub},         {"mul", luron_mul},         {"div", luron_div},
    {"pow", luron_pow},    {"maximum", luron_maximum}, {"minimum", luron_minimum}, {"remainder", luron_remainder},
    {"atan2", luron_atan2}};

static luron_status apply_binary(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    return ((const struct binary *)ud)->fn(out, ctx, ins[0], ins[1]);
}

static void test_elementwise_gradient_binary(void **state) {
    luron_ctx *ctx = *state;
    for (int k = 0; k < COUNT(binary); k++) { /* one shape, then both operands broadcast, then one of them 0-d */
        struct binary both = binary[k];
        luron_tensor *same[] = {leaf_row(ctx, 1.35, 2.3, 2.9), leaf_row(ctx, 2.13, 1.21, 1.84)};
        luron_tensor *crossed[] = {leaf(ctx, 2, (const int64_t[]){2, 1}, (const double[]){1.35, 2.3}),
                                   leaf_row(ctx, 2.13, 1.21, 1.84)};
        luron_tensor *scalar[] = {leaf_row(ctx, 1.35, 2.3), leaf(ctx, 0, NULL, (const double[]){1.84})};
        check(ctx, both.name, apply_binary, &both, 2, same);
        check(ctx, both.name, apply_binary, &both, 2, crossed);
        check(ctx, both.name, apply_binary, &both, 2, scalar);
        for (int i = 0; i < 2; i++)
            luron_tensor_unref(same[i]), luron_tensor_unref(crossed[i]), luron_tensor_unref(scalar[i]);
    }
}

static luron_status apply_others(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    luron_tensor *t = NULL, *cond = NULL;
    luron_status status;
    switch (*(int *)ud) {
    case 0:
        return luron_scale(out, ctx, ins[0], -1.5, 2);
    case 1:
        return luron_clamp(out, ctx, ins[0], 0.3, 0.8);
    case 2:
        return luron_copy(out, ctx, ins[0]);
    case 3:
        LURON_TRY(luron_scalar(&t, ctx, 1.25));
        status = luron_pow(out, ctx, ins[0], t); /* a number as exponent */
        break;
    case 4:
        LURON_TRY(luron_scalar(&t, ctx, 1.25));
        status = luron_pow(out, ctx, t, ins[0]); /* and as base */
        break;
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
        LURON_TRY(luron_scalar(&t, ctx, ((const double[]){0.5, 1, 2, 3, -1})[*(int *)ud - 6]));
        status = luron_pow(out, ctx, ins[0], t);
        break;
    default:
        LURON_TRY(luron_lt(&cond, ctx, ins[0], ins[1]));
        status = luron_square(&t, ctx, ins[0]);
        if (!status) status = luron_where(out, ctx, cond, t, ins[1]);
        break;
    }
    luron_tensor_unref(t), luron_tensor_unref(cond);
    return status;
}

static void test_elementwise_gradient_others(void **state) {
    static const char *const names[] = {"scale", "clamp", "copy", "pow of a number", "power of a number", "where",
                                         "root", "power 1", "square", "cube", "reciprocal"};
    luron_ctx *ctx = *state;
    luron_tensor *ins[] = {leaf(ctx, 2, (const int64_t[]){2, 2}, (const double[]){0.2, 0.5, 0.7, 0.9}),
                           leaf_row(ctx, 0.6, 0.61)};
    for (int k = 0; k < COUNT(names); k++)
        check(ctx, names[k], apply_others, &k, k == 5 ? 2 : 1, ins);
    luron_tensor_unref(ins[0]), luron_tensor_unref(ins[1]);
}

/* ---- kinks and edges ------------------------------------------------------------------------------------------- */
/* Backward of y with a gradient of ones, y released. */
static void backward(luron_ctx *ctx, luron_tensor *y) {
    luron_tensor *ones;
    assert_ok(ctx,
              luron_tensor_full(&ones, ctx, luron_tensor_dtype(y), luron_tensor_ndim(y), luron_tensor_shape(y), 1));
    assert_ok(ctx, luron_backward(ctx, y, ones, 0));
    luron_tensor_unref(ones), luron_tensor_unref(y);
}

static void assert_gradient(luron_ctx *ctx, binary_fn fn, const double *a, const double *b, int64_t n, const double *ga,
                            const double *gb) {
    luron_tensor *x = leaf(ctx, 1, &n, a), *z = leaf(ctx, 1, &n, b), *y;
    assert_ok(ctx, fn(&y, ctx, x, z));
    backward(ctx, y);
    assert_tensor_close(luron_tensor_grad(x), ga, n, 1e-15, 0);
    assert_tensor_close(luron_tensor_grad(z), gb, n, 1e-15, 0);
    luron_tensor_unref(x), luron_tensor_unref(z);
}

static void test_elementwise_gradient_kinks(void **state) {
    static const struct {
        unary_fn fn;
        double expect[3];
    } cases[] = {{luron_abs, {-1, 0, 1}}, {luron_sign, {0, 0, 0}},  {luron_floor, {0, 0, 0}},
                 {luron_ceil, {0, 0, 0}}, {luron_round, {0, 0, 0}}, {luron_trunc, {0, 0, 0}}};
    luron_ctx *ctx = *state;
    luron_tensor *y;
    for (int k = 0; k < COUNT(cases); k++) {
        luron_tensor *x = leaf_row(ctx, -1, 0, 2);
        assert_ok(ctx, cases[k].fn(&y, ctx, x));
        backward(ctx, y);
        assert_tensor_close(luron_tensor_grad(x), cases[k].expect, 3, 0, 0);
        luron_tensor_unref(x);
    }
    luron_tensor *x = leaf_row(ctx, -2, -1, 0, 1, 2);
    assert_ok(ctx, luron_clamp(&y, ctx, x, -1, 1));
    backward(ctx, y);
    assert_tensor_close(luron_tensor_grad(x), ((const double[]){0, 1, 1, 1, 0}), 5, 0, 0);
    luron_tensor_unref(x);
    assert_gradient(ctx, luron_maximum, (const double[]){1, 2, 3}, (const double[]){2, 2, 2}, 3,
                    (const double[]){0, 0.5, 1}, (const double[]){1, 0.5, 0});
    assert_gradient(ctx, luron_minimum, (const double[]){1, 2, 3}, (const double[]){2, 2, 2}, 3,
                    (const double[]){1, 0.5, 0}, (const double[]){0, 0.5, 1});
    assert_gradient(ctx, luron_atan2, (const double[]){0}, (const double[]){0}, 1, (const double[]){0},
                    (const double[]){0});
}

/* pow where its formula has 0 times infinity: a^0, 0^b, negative bases. */
static void test_elementwise_gradient_pow_edges(void **state) {
    luron_ctx *ctx = *state;
    const double a[] = {0, 0, 0, -2, -2, 3}, b[] = {0, 2, 1, 3, 0, 0};
    const double ga[] = {0, 0, 1, 12, 0, 0}, gb[] = {0, 0, 0, NAN, NAN, log(3)};
    assert_gradient(ctx, luron_pow, a, b, COUNT(a), ga, gb);
}

/* Gradients come in the operand's dtype and shape; integers and what is not differentiable get none. */
static void test_elementwise_gradient_dtypes(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F32, 1, 2), *w = leaf_row(ctx, 3, 4),
                 *whole = tensor_row(ctx, LURON_I64, 5, 6), *half, *y, *z;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_mul(&y, ctx, x, w));
    assert_ok(ctx, luron_mul(&z, ctx, y, whole));
    luron_tensor_unref(y);
    backward(ctx, z);
    assert_int_equal(luron_tensor_dtype(luron_tensor_grad(x)), LURON_F32);
    assert_tensor_close(luron_tensor_grad(x), ((const double[]){15, 24}), 2, 0, 0);
    assert_tensor_close(luron_tensor_grad(w), ((const double[]){5, 12}), 2, 0, 0);
    assert_ok(ctx, luron_tensor_set_grad(ctx, x, NULL));
    assert_ok(ctx, luron_cast(&half, ctx, x, LURON_F16));
    assert_ok(ctx, luron_square(&y, ctx, half));
    backward(ctx, y);
    assert_tensor_close(luron_tensor_grad(x), ((const double[]){2, 4}), 2, 0, 0);
    luron_tensor_unref(half);
    assert_ok(ctx, luron_floor_divide(&y, ctx, x, w));
    assert_ok(ctx, luron_lt(&z, ctx, x, w));
    assert_false(luron_tensor_requires_grad(y) || luron_tensor_requires_grad(z));
    luron_tensor_unref(y), luron_tensor_unref(z), luron_tensor_unref(x), luron_tensor_unref(w),
        luron_tensor_unref(whole);
}

/* In place is refused for what the tape knows, and an operand changed behind its back is noticed. */
static void test_elementwise_gradient_in_place(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf_row(ctx, 1, 2), *other = tensor_row(ctx, LURON_F64, 5, 6), *y;
    assert_fails(ctx, luron_tensor_fill(ctx, x, 0), LURON_E_STATE, "fill");
    assert_fails(ctx, luron_tensor_copy(ctx, other, x), LURON_E_STATE, "copy");
    assert_ok(ctx, luron_mul(&y, ctx, x, other));
    assert_ok(ctx, luron_tensor_fill(ctx, other, 0));
    luron_tensor *ones = tensor_row(ctx, LURON_F64, 1, 1);
    assert_fails(ctx, luron_backward(ctx, y, ones, 0), LURON_E_STATE, "'mul' was changed in place");
    luron_tensor_unref(ones), luron_tensor_unref(x), luron_tensor_unref(other), luron_tensor_unref(y);
}

/* The rule with the most steps, forward and backward, with the k-th allocation failing, for every k. */
static void test_elementwise_gradient_out_of_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = leaf(ctx, 2, (const int64_t[]){2, 1}, (const double[]){0.5, 1.5}), *b = leaf_row(ctx, 2, 3),
                 *ones = tensor_of(ctx, LURON_F64, 2, (const int64_t[]){2, 2}, (const double[]){1, 1, 1, 1});
    int64_t blocks = luron_ctx_live_blocks(ctx), failures = 0;
    luron_status status = LURON_E_NOMEM;
    for (int64_t k = 1; status; k++) {
        luron_tensor *y = NULL;
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_pow(&y, ctx, a, b);
        if (!status) status = luron_backward(ctx, y, ones, 0);
        luron_ctx_fail_alloc(ctx, 0, 0);
        luron_tensor_unref(y);
        if (!status) break;
        assert_int_equal(status, LURON_E_NOMEM);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        assert_null(luron_tensor_grad(a));
        assert_null(luron_tensor_grad(b));
        failures++;
    }
    assert_true(failures > 30);
    assert_tensor_close(luron_tensor_grad(a), ((const double[]){2 * 0.5 + 3 * 0.25, 2 * 1.5 + 3 * 2.25}), 2, 1e-15, 0);
    luron_tensor_unref(a), luron_tensor_unref(b), luron_tensor_unref(ones);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_elementwise_gradient_unary),     test_case(test_elementwise_gradient_binary),
        test_case(test_elementwise_gradient_others),    test_case(test_elementwise_gradient_kinks),
        test_case(test_elementwise_gradient_pow_edges), test_case(test_elementwise_gradient_dtypes),
        test_case(test_elementwise_gradient_in_place),  test_case(test_elementwise_gradient_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
