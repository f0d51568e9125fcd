/* Values of element-wise ops: against PyTorch's, over layouts, dtypes and threads, and what is refused. Gradients:
 * test_elementwise_gradient.c. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../data/dtype_reference.h"
#include "../data/elementwise_reference.h"
#include "kernels/elementwise.h"
#include "tensor_assert.h"

typedef luron_status (*unary_fn)(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
typedef luron_status (*binary_fn)(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b);

#define COUNT(array) ((int64_t)(sizeof(array) / sizeof *(array)))
enum {
    N_X = COUNT(reference_x),
    N_A = COUNT(reference_a),
    N_B = COUNT(reference_b),
    N_IX = COUNT(reference_ix),
    N_IA = COUNT(reference_ia),
    N_IB = COUNT(reference_ib)
};

static const struct unary {
    const char *name;
    unary_fn fn;
    const double *f32, *f64;
} unary[] = {
#define UNARY(fn) {#fn, luron_##fn, reference_##fn##_F32, reference_##fn##_F64},
    LURON_UNARY_MAP(UNARY) UNARY(asinh) UNARY(acosh) UNARY(atanh)};
static const struct binary {
    const char *name;
    binary_fn fn;
    const double *f32, *f64;
} binary[] = {
#define BINARY(fn) {#fn, luron_##fn, reference_##fn##_F32, reference_##fn##_F64},
    LURON_BINARY_MAP(BINARY) LURON_COMPARE_MAP(BINARY)};
static const struct whole_binary {
    const char *name;
    binary_fn fn;
    const int64_t *b, *expect;
} whole_binary[] = {
#define WHOLE(fn, b) {#fn, luron_##fn, reference_##b, reference_##fn##_I64},
    WHOLE(add, ib) WHOLE(sub, ib) WHOLE(mul, ib) WHOLE(maximum, ib) WHOLE(minimum, ib) WHOLE(pow, powers)
        WHOLE(floor_divide, divisors) WHOLE(remainder, divisors)
#define WHOLE_COMPARE(fn) WHOLE(fn, ib)
            LURON_COMPARE_MAP(WHOLE_COMPARE)};

/* ---- against PyTorch: two good libraries differ by a unit or two in the last place ----------------------------- */
static void test_elementwise_unary_values(void **state) {
    luron_ctx *ctx = *state;
    for (int k = 0; k < COUNT(unary); k++)
        for (int wide = 0; wide < 2; wide++) {
            luron_tensor *y, *x = tensor_of(ctx, wide ? LURON_F64 : LURON_F32, 1, (const int64_t[]){N_X}, reference_x);
            assert_ok(ctx, unary[k].fn(&y, ctx, x));
            assert_int_equal(luron_tensor_dtype(y), luron_tensor_dtype(x));
            double atol = strcmp(unary[k].name, "sigmoid") == 0 ? 1e-43 : 0; /* PyTorch: 0, not exp(-100) */
            assert_tensor_close_(y, wide ? unary[k].f64 : unary[k].f32, N_X, wide ? 1e-15 : 2.4e-7, atol, unary[k].name,
                                 __FILE__, __LINE__);
            luron_tensor_unref(x), luron_tensor_unref(y);
        }
}

static void test_elementwise_binary_values(void **state) {
    luron_ctx *ctx = *state;
    for (int k = 0; k < COUNT(binary); k++)
        for (int wide = 0; wide < 2; wide++) {
            uint32_t dtype = wide ? LURON_F64 : LURON_F32;
            luron_tensor *y, *a = tensor_of(ctx, dtype, 2, (const int64_t[]){N_A, 1}, reference_a),
                             *b = tensor_of(ctx, dtype, 1, (const int64_t[]){N_B}, reference_b);
            assert_ok(ctx, binary[k].fn(&y, ctx, a, b));
            assert_shape(y, N_A, N_B);
            assert_int_equal(luron_tensor_dtype(y), k < LURON__BINARY_eq ? dtype : LURON_B8);
            assert_tensor_close_(y, wide ? binary[k].f64 : binary[k].f32, N_A * N_B, wide ? 1e-15 : 2e-7, 0,
                                 binary[k].name, __FILE__, __LINE__);
            luron_tensor_unref(a), luron_tensor_unref(b), luron_tensor_unref(y);
        }
}

static luron_tensor *wholes(luron_ctx *ctx, int ndim, const int64_t *shape, const int64_t *values) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_from(&t, ctx, LURON_I64, ndim, shape, values));
    return t;
}

/* In int64: doubles would not tell all of them apart. */
static void assert_wholes(luron_ctx *ctx, const luron_tensor *t, const int64_t *expect, int64_t n, const char *what) {
    int64_t got[N_IA * N_IB];
    assert_int_equal(luron_tensor_numel(t), n);
    assert_ok(ctx, luron_tensor_read(ctx, t, LURON_I64, got));
    for (int64_t i = 0; i < n; i++) {
        if (got[i] != expect[i])
            print_error("%s: element %lld: got %lld, expected %lld\n", what, (long long)i, (long long)got[i],
                        (long long)expect[i]);
        assert_true(got[i] == expect[i]);
    }
}

static void test_elementwise_integer_values(void **state) {
    static const struct {
        const char *name;
        unary_fn fn;
        const int64_t *expect;
    } one[] = {{"neg", luron_neg, reference_neg_I64},
               {"abs", luron_abs, reference_abs_I64},
               {"sign", luron_sign, reference_sign_I64},
               {"square", luron_square, reference_square_I64}};
    luron_ctx *ctx = *state;
    luron_tensor *x = wholes(ctx, 1, (const int64_t[]){N_IX}, reference_ix),
                 *a = wholes(ctx, 2, (const int64_t[]){N_IA, 1}, reference_ia), *y;
    for (int k = 0; k < COUNT(one); k++) {
        assert_ok(ctx, one[k].fn(&y, ctx, x));
        assert_int_equal(luron_tensor_dtype(y), LURON_I64);
        assert_wholes(ctx, y, one[k].expect, N_IX, one[k].name);
        luron_tensor_unref(y);
    }
    for (int k = 0; k < COUNT(whole_binary); k++) {
        luron_tensor *b = wholes(ctx, 1, (const int64_t[]){N_IB}, whole_binary[k].b);
        assert_ok(ctx, whole_binary[k].fn(&y, ctx, a, b));
        assert_wholes(ctx, y, whole_binary[k].expect, N_IA * N_IB, whole_binary[k].name);
        luron_tensor_unref(b), luron_tensor_unref(y);
    }
    luron_tensor_unref(x), luron_tensor_unref(a);
}

/* Integers are whole: rounding leaves them as they are, beyond 2^24 too. */
static void test_elementwise_rounding_keeps_integers(void **state) {
    static const unary_fn fns[] = {luron_floor, luron_ceil, luron_round, luron_trunc};
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_I64, -3, 0, 0x1p24 + 1), *small = tensor_row(ctx, LURON_U8, 7), *y;
    for (int k = 0; k < COUNT(fns); k++) {
        assert_ok(ctx, fns[k](&y, ctx, x));
        assert_tensor_same(y, x);
        luron_tensor_unref(y);
        assert_ok(ctx, fns[k](&y, ctx, small));
        assert_tensor_same(y, small);
        luron_tensor_unref(y);
    }
    luron_tensor_unref(x), luron_tensor_unref(small);
}

/* Narrow integers wrap around and compare as int64 would, cut to their size; numbers beside them that they do not hold, too. */
static void test_elementwise_narrow_integers(void **state) {
    static const binary_fn fns[] = {luron_add, luron_sub, luron_mul, luron_maximum, luron_minimum,
                                    luron_eq,  luron_ne,  luron_lt,  luron_le,      luron_gt, luron_ge};
    static const uint32_t dtypes[] = {LURON_U8, LURON_I32};
    static const int64_t numbers[] = {0, 7, 255, 256, -1, INT32_MIN, (int64_t)1 << 40};
    enum { N = 83, FIRST_COMPARISON = 5 };
    double a_values[N], b_values[N];
    luron_ctx *ctx = *state;
    for (int d = 0; d < COUNT(dtypes); d++) {
        const double most = dtypes[d] == LURON_U8 ? 256 : 0x1p32, least = dtypes[d] == LURON_U8 ? 0 : -0x1p31;
        for (int i = 0; i < N; i++) {
            a_values[i] = least + floor(fmod(i * 0.6180339887, 1) * most);
            b_values[i] = i % 3 ? least + floor(fmod(i * 0.7548776662, 1) * most) : a_values[i];
        }
        luron_tensor *a = tensor_of(ctx, dtypes[d], 1, (const int64_t[]){N}, a_values), *wide, *y, *want, *cut;
        assert_ok(ctx, luron_cast(&wide, ctx, a, LURON_I64));
        for (int k = 0; k < COUNT(fns); k++)
            for (int n = -1; n < COUNT(numbers); n++) {
                luron_tensor *b, *other;
                if (n < 0) b = tensor_of(ctx, dtypes[d], 1, (const int64_t[]){N}, b_values);
                else assert_ok(ctx, luron_scalar_int(&b, ctx, numbers[n]));
                assert_ok(ctx, luron_cast(&other, ctx, b, LURON_I64));
                assert_ok(ctx, fns[k](&y, ctx, a, b));
                if (n >= 0 && k < FIRST_COMPARISON) { /* the number is cut to size first */
                    luron_tensor *small;
                    assert_ok(ctx, luron_cast(&small, ctx, other, dtypes[d]));
                    luron_tensor_unref(other);
                    assert_ok(ctx, luron_cast(&other, ctx, small, LURON_I64));
                    luron_tensor_unref(small);
                }
                assert_ok(ctx, fns[k](&want, ctx, wide, other));
                assert_ok(ctx, luron_cast(&cut, ctx, want, k < FIRST_COMPARISON ? dtypes[d] : LURON_B8));
                assert_tensor_same(y, cut);
                luron_tensor_unref(b), luron_tensor_unref(other), luron_tensor_unref(y), luron_tensor_unref(want), luron_tensor_unref(cut);
            }
        luron_tensor_unref(a), luron_tensor_unref(wide);
    }
}

/* Functions that integers cannot express give the default dtype. */
static void test_elementwise_integers_become_real(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_I32, 1, 4, 9), *two = tensor_row(ctx, LURON_U8, 2), *y;
    assert_ok(ctx, luron_sqrt(&y, ctx, x));
    assert_int_equal(luron_tensor_dtype(y), LURON_F32);
    assert_tensor_close(y, ((const double[]){1, 2, 3}), 3, 0, 0);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    assert_ok(ctx, luron_div(&y, ctx, x, two));
    assert_int_equal(luron_tensor_dtype(y), LURON_F64);
    assert_tensor_close(y, ((const double[]){0.5, 2, 4.5}), 3, 0, 0);
    luron_tensor_unref(y), luron_tensor_unref(x), luron_tensor_unref(two);
}

static void test_elementwise_bool(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = tensor_row(ctx, LURON_B8, 0, 0, 1, 1), *b = tensor_row(ctx, LURON_B8, 0, 1, 0, 1), *y;
    static const struct {
        binary_fn fn;
        double expect[4];
    } cases[] = {{luron_add, {0, 1, 1, 1}},
                 {luron_mul, {0, 0, 0, 1}},
                 {luron_maximum, {0, 1, 1, 1}},
                 {luron_minimum, {0, 0, 0, 1}},
                 {luron_logical_xor, {0, 1, 1, 0}}};
    for (int k = 0; k < COUNT(cases); k++) {
        assert_ok(ctx, cases[k].fn(&y, ctx, a, b));
        assert_int_equal(luron_tensor_dtype(y), LURON_B8);
        assert_tensor_close(y, cases[k].expect, 4, 0, 0);
        luron_tensor_unref(y);
    }
    assert_fails(ctx, luron_sub(&y, ctx, a, b), LURON_E_DTYPE, "sub: not defined for two bool tensors");
    assert_fails(ctx, luron_remainder(&y, ctx, a, b), LURON_E_DTYPE, "remainder");
    assert_fails(ctx, luron_neg(&y, ctx, a), LURON_E_DTYPE, "logical_not");
    assert_ok(ctx, luron_logical_not(&y, ctx, a));
    assert_tensor_close(y, ((const double[]){1, 1, 0, 0}), 4, 0, 0);
    luron_tensor_unref(a), luron_tensor_unref(b), luron_tensor_unref(y);
}

/* ---- functions with numbers ------------------------------------------------------------------------------------ */
static void test_elementwise_numbers(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F32, -2, 0.5, NAN, INFINITY), *whole = tensor_row(ctx, LURON_U8, 1, 7, 200),
                 *y;
    assert_ok(ctx, luron_scale(&y, ctx, x, 2, 1));
    assert_tensor_close(y, ((const double[]){-3, 2, NAN, INFINITY}), 4, 0, 0);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_clamp(&y, ctx, x, -1, INFINITY));
    assert_tensor_close(y, ((const double[]){-1, 0.5, NAN, INFINITY}), 4, 0, 0);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_clamp(&y, ctx, whole, 5, 100));
    assert_int_equal(luron_tensor_dtype(y), LURON_U8);
    assert_tensor_close(y, ((const double[]){5, 7, 100}), 3, 0, 0);
    luron_tensor_unref(y);
    assert_fails(ctx, luron_clamp(&y, ctx, whole, 0.5, 3), LURON_E_ARGUMENT,
                 "clamp: lo is 0.5, but the tensor is uint8");
    assert_fails(ctx, luron_clamp(&y, ctx, x, 0, NAN), LURON_E_ARGUMENT, "clamp: hi is not a number");
    assert_ok(ctx, luron_isfinite(&y, ctx, x));
    assert_tensor_close(y, ((const double[]){1, 1, 0, 0}), 4, 0, 0);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_isnan(&y, ctx, x));
    assert_tensor_close(y, ((const double[]){0, 0, 1, 0}), 4, 0, 0);
    luron_tensor_unref(y), luron_tensor_unref(x), luron_tensor_unref(whole);
}

static luron_status with_numbers(luron_tensor **y, luron_ctx *ctx, luron_tensor *x, int which) {
    switch (which) {
    case 0:
        return luron_scale(y, ctx, x, 3, 0.5);
    case 1:
        return luron_clamp(y, ctx, x, -1, 2);
    case 2:
        return luron_isfinite(y, ctx, x);
    case 3:
        return luron_isnan(y, ctx, x);
    default:
        return luron_logical_not(y, ctx, x);
    }
}

/* In a run of any length, and as one number for all of it, an element has the bits that it has alone. */
static void test_elementwise_numbers_of_runs(void **state) {
    static const double values[] = {-2, 0.5, NAN, INFINITY, -0.0, 0, 1, 3, -INFINITY};
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_B8};
    enum { MOST = 37 };
    luron_ctx *ctx = *state;
    double v[MOST];
    for (int i = 0; i < MOST; i++)
        v[i] = values[i % COUNT(values)];
    for (int d = 0; d < COUNT(dtypes); d++)
        for (int which = d == 2 ? 4 : 0; which < (d == 2 ? 5 : 4); which++)
            for (int64_t n = 1; n <= MOST; n += 3) {
                luron_tensor *x = tensor_of(ctx, dtypes[d], LURON_SHAPE(n), v), *y, *one, *alone, *wide, *all, *want, *got;
                assert_ok(ctx, with_numbers(&y, ctx, x, which));
                for (int64_t i = 0; i < n; i++) {
                    assert_ok(ctx, luron_narrow(&one, ctx, x, 0, i, 1));
                    assert_ok(ctx, with_numbers(&alone, ctx, one, which));
                    assert_ok(ctx, luron_narrow(&got, ctx, y, 0, i, 1));
                    assert_tensor_same(got, alone);
                    assert_ok(ctx, luron_expand(&wide, ctx, one, LURON_SHAPE(n)));
                    assert_ok(ctx, with_numbers(&all, ctx, wide, which));
                    assert_ok(ctx, luron_expand(&want, ctx, alone, LURON_SHAPE(n)));
                    assert_tensor_same(all, want);
                    luron_tensor_unref(one), luron_tensor_unref(alone), luron_tensor_unref(got), luron_tensor_unref(wide);
                    luron_tensor_unref(all), luron_tensor_unref(want);
                }
                luron_tensor_unref(x), luron_tensor_unref(y);
            }
}

/* A number never widens a tensor. */
static void test_elementwise_number_operands(void **state) {
    static const struct {
        uint32_t dtype;
        bool real;
        uint32_t expect;
    } cases[] = {{LURON_F32, true, LURON_F32}, {LURON_F32, false, LURON_F32}, {LURON_F16, true, LURON_F16},
                 {LURON_F64, true, LURON_F64}, {LURON_U8, false, LURON_U8},   {LURON_I32, true, LURON_F32},
                 {LURON_B8, false, LURON_I64}, {LURON_B8, true, LURON_F32}};
    luron_ctx *ctx = *state;
    for (int k = 0; k < COUNT(cases); k++) {
        luron_tensor *y, *number, *x = tensor_row(ctx, cases[k].dtype, 1, 0);
        if (cases[k].real)
            assert_ok(ctx, luron_scalar(&number, ctx, 3));
        else
            assert_ok(ctx, luron_scalar_int(&number, ctx, 3));
        assert_ok(ctx, luron_add(&y, ctx, x, number));
        assert_string_equal(luron_dtype_name(luron_tensor_dtype(y)), luron_dtype_name(cases[k].expect));
        assert_tensor_close(y, ((const double[]){4, 3}), 2, 0, 0);
        luron_tensor_unref(x), luron_tensor_unref(y), luron_tensor_unref(number);
    }
}

static void test_elementwise_where(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *cond = tensor_of(ctx, LURON_B8, 2, (const int64_t[]){2, 1}, (const double[]){1, 0}),
                 *a = tensor_row(ctx, LURON_F32, 1, 2, 3), *b = tensor_of(ctx, LURON_F64, 0, NULL, (const double[]){9}),
                 *y;
    assert_ok(ctx, luron_where(&y, ctx, cond, a, b));
    assert_shape(y, 2, 3);
    assert_int_equal(luron_tensor_dtype(y), LURON_F32); /* b is 0-d and of the same kind */
    assert_tensor_close(y, ((const double[]){1, 2, 3, 9, 9, 9}), 6, 0, 0);
    luron_tensor_unref(y);
    assert_fails(ctx, luron_where(&y, ctx, a, a, b), LURON_E_DTYPE, "where: the condition must be bool, got float32");
    luron_tensor *four = tensor_row(ctx, LURON_B8, 1, 1, 1, 1);
    assert_fails(ctx, luron_where(&y, ctx, four, a, b), LURON_E_SHAPE, "shapes (4,) and (3,) do not broadcast");
    luron_tensor_unref(cond), luron_tensor_unref(a), luron_tensor_unref(b), luron_tensor_unref(four);
}

/* ---- layouts --------------------------------------------------------------------------------------------------- */
static luron_tensor *counted(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape) {
    int64_t n = luron__numel(ndim, shape);
    double *values = malloc((size_t)(n ? n : 1) * sizeof *values);
    for (int64_t i = 0; i < n; i++)
        values[i] = (double)(i * 37 % 61 - 20); /* small, so that every dtype holds the sums */
    luron_tensor *t = tensor_of(ctx, dtype, ndim, shape, values);
    free(values);
    return t;
}

static double at(const luron_tensor *t, const int64_t *index, int ndim) {
    int64_t offset = 0;
    double v;
    for (int d = 0; d < t->ndim; d++) {
        int64_t i = index[d + ndim - t->ndim];
        offset += (t->shape[d] == 1 ? 0 : i) * t->strides[d];
    }
    luron__convert(LURON_F64, &v, 1, t->dtype, luron__data(t) + offset * luron_dtype_size(t->dtype), 1, 1);
    return v;
}

/* a + b in every element against a loop over indices. */
static void check_sum(luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    luron_tensor *y;
    assert_ok(ctx, luron_add(&y, ctx, a, b));
    assert_true(luron_tensor_is_contiguous(y));
    int64_t n = luron_tensor_numel(y);
    for (int64_t k = 0; k < n; k++) {
        int64_t index[LURON_MAX_DIMS], left = k;
        for (int d = y->ndim - 1; d >= 0; d--)
            index[d] = left % y->shape[d], left /= y->shape[d];
        assert_true(at(y, index, y->ndim) == at(a, index, y->ndim) + at(b, index, y->ndim));
    }
    luron_tensor_unref(y);
}

/* Pairs of shapes that take every way through the loop: one run, rows with one operand broadcast, short rows through
 * buffers, more than a buffer, more than a chunk; and each with both operands transposed, in other dtypes. */
static void test_elementwise_layouts(void **state) {
    static const struct {
        int a_ndim, b_ndim;
        int64_t a[4], b[4];
    } cases[] = {{1, 1, {7}, {7}},
                 {0, 1, {0}, {5}},
                 {0, 0, {0}, {0}},
                 {2, 1, {3, 200}, {200}},
                 {2, 2, {300, 1}, {1, 150}},
                 {2, 2, {5, 3}, {5, 1}},
                 {3, 2, {4, 5, 6}, {5, 1}},
                 {4, 4, {2, 3, 1, 5}, {1, 3, 4, 1}},
                 {2, 1, {700, 3}, {3}},
                 {2, 2, {40, 1700}, {40, 1}},
                 {3, 3, {30, 40, 50}, {30, 1, 50}},
                 {1, 1, {1}, {1}},
                 {2, 2, {0, 3}, {1, 3}},
                 {1, 1, {0}, {1}},
                 {2, 2, {1, 1}, {1, 130}}};
    static const uint32_t dtypes[][2] = {{LURON_F32, LURON_F32},
                                         {LURON_F64, LURON_F32},
                                         {LURON_F16, LURON_I64},
                                         {LURON_I32, LURON_I64},
                                         {LURON_I32, LURON_F64}};
    luron_ctx *ctx = *state;
    for (int k = 0; k < COUNT(cases); k++)
        for (int d = 0; d < COUNT(dtypes); d++) {
            luron_tensor *a = counted(ctx, dtypes[d][0], cases[k].a_ndim, cases[k].a),
                         *b = counted(ctx, dtypes[d][1], cases[k].b_ndim, cases[k].b), *at_, *bt;
            check_sum(ctx, a, b);
            check_sum(ctx, b, a);
            if (a->ndim >= 2 && b->ndim == a->ndim) {
                assert_ok(ctx, luron_transpose(&at_, ctx, a, 0, -1));
                assert_ok(ctx, luron_transpose(&bt, ctx, b, 0, -1));
                check_sum(ctx, at_, bt);
                luron_tensor_unref(at_), luron_tensor_unref(bt);
            }
            luron_tensor_unref(a), luron_tensor_unref(b);
        }
}

/* Positions 1, 3, 5 ... of a dim, and an expanded operand: strides that are no permutation. */
static void test_elementwise_strided(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counted(ctx, LURON_F32, 2, (const int64_t[]){9, 300}), *odd,
                 *row = counted(ctx, LURON_I64, 1, (const int64_t[]){150}), *wide;
    assert_ok(ctx, luron_slice(&odd, ctx, x, 1, 1, 299, 2));
    assert_ok(ctx, luron_expand(&wide, ctx, row, 2, (const int64_t[]){9, 150}));
    check_sum(ctx, odd, wide);
    luron_tensor *copy, *same;
    assert_ok(ctx, luron_contiguous(&copy, ctx, odd));
    assert_true(luron_tensor_is_contiguous(copy));
    assert_tensor_same(copy, odd);
    assert_ok(ctx, luron_contiguous(&same, ctx, copy));
    assert_ptr_equal(same, copy);
    luron_tensor_unref(same);
    assert_ok(ctx, luron_copy(&same, ctx, copy));
    assert_false(luron_tensor_is_shared(same, copy));
    assert_tensor_same(same, copy);
    luron_tensor_unref(same), luron_tensor_unref(copy), luron_tensor_unref(wide), luron_tensor_unref(row),
        luron_tensor_unref(odd), luron_tensor_unref(x);
}

/* An element's bits depend on its operands alone: not on its place, its neighbours or the threads. */
static void test_elementwise_bits_do_not_depend_on_place_or_threads(void **state) {
    enum { ROWS = 3, N = 40000 };
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){ROWS, N}, NULL), *y, *whole = NULL, *part, *again,
                 *piece;
    assert_ok(ctx, luron_tensor_uniform(ctx, x, 0.1, 0.9));
    assert_ok(ctx, luron_select(&y, ctx, x, 0, 1));
    for (int k = 0; k < COUNT(unary) + COUNT(binary); k++) {
        for (int threads = 1; threads <= 8; threads += threads == 3 ? 5 : 1) {
            assert_ok(ctx, luron_ctx_set_threads(ctx, threads));
            if (k < COUNT(unary))
                assert_ok(ctx, unary[k].fn(&again, ctx, x));
            else
                assert_ok(ctx, binary[k - COUNT(unary)].fn(&again, ctx, x, y));
            if (threads == 1) whole = luron_tensor_ref(again);
            assert_tensor_same(again, whole);
            luron_tensor_unref(again);
        }
        luron_tensor *px, *py;
        assert_ok(ctx, luron_narrow(&px, ctx, x, 1, 1237, 75));
        assert_ok(ctx, luron_narrow(&py, ctx, y, 0, 1237, 75));
        if (k < COUNT(unary))
            assert_ok(ctx, unary[k].fn(&part, ctx, px));
        else
            assert_ok(ctx, binary[k - COUNT(unary)].fn(&part, ctx, px, py));
        assert_ok(ctx, luron_narrow(&piece, ctx, whole, 1, 1237, 75));
        assert_tensor_same(part, piece);
        luron_tensor_unref(px), luron_tensor_unref(py), luron_tensor_unref(part), luron_tensor_unref(piece),
            luron_tensor_unref(whole);
    }
    luron_tensor_unref(x), luron_tensor_unref(y);
}

/* ---- in place -------------------------------------------------------------------------------------------------- */
static void test_elementwise_copy_and_fill_in_place(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){2, 3}, NULL), *turned,
                 *column = tensor_of(ctx, LURON_I64, 2, (const int64_t[]){3, 1}, (const double[]){1, 2, 3});
    uint64_t version = luron_tensor_version(t);
    assert_ok(ctx, luron_transpose(&turned, ctx, t, 0, 1));
    assert_ok(ctx, luron_tensor_copy(ctx, turned, column));
    assert_tensor_close(t, ((const double[]){1, 2, 3, 1, 2, 3}), 6, 0, 0);
    assert_true(luron_tensor_version(t) > version);
    luron_tensor *row;
    assert_ok(ctx, luron_select(&row, ctx, t, 0, 1));
    assert_ok(ctx, luron_tensor_fill(ctx, row, 7.5));
    assert_tensor_close(t, ((const double[]){1, 2, 3, 7.5, 7.5, 7.5}), 6, 0, 0);
    assert_fails(ctx, luron_tensor_copy(ctx, row, t), LURON_E_SHAPE,
                 "copy: source of shape (2, 3) does not broadcast to (3,)");
    luron_tensor_unref(row), luron_tensor_unref(t), luron_tensor_unref(turned), luron_tensor_unref(column);
}

/* Onto a view of itself: what is written last would be read changed. */
static void test_elementwise_copy_overlapping(void **state) {
    enum { N = 40 };
    luron_ctx *ctx = *state;
    luron_tensor *t = counted(ctx, LURON_I32, 2, (const int64_t[]){N, N}), *turned, *before, *expect;
    assert_ok(ctx, luron_transpose(&turned, ctx, t, 0, 1));
    assert_ok(ctx, luron_copy(&before, ctx, t));
    assert_ok(ctx, luron_transpose(&expect, ctx, before, 0, 1));
    assert_ok(ctx, luron_tensor_copy(ctx, t, turned));
    assert_tensor_same(t, expect);
    luron_tensor_unref(t), luron_tensor_unref(turned), luron_tensor_unref(before), luron_tensor_unref(expect);
}

/* Powers that have ways of their own, of numbers that are none and of both zeros: as the C library has them, also one by one. */
static void test_elementwise_powers(void **state) {
    static const double powers[] = {0.5, -0.5, -1, 2, 3}, of[] = {0.0, -0.0, 1, 2.25, 1e30, -4, INFINITY, -INFINITY, NAN};
    luron_ctx *ctx = *state;
    for (int wide = 0; wide < 2; wide++)
        for (int k = 0; k < COUNT(powers); k++) {
            double want[COUNT(of)], all[COUNT(of)];
            for (int i = 0; i < COUNT(of); i++) want[i] = pow(of[i], all[i] = powers[k]);
            luron_tensor *x = tensor_of(ctx, wide ? LURON_F64 : LURON_F32, 1, (const int64_t[]){COUNT(of)}, of), *p, *ps, *y, *z;
            ps = tensor_of(ctx, wide ? LURON_F64 : LURON_F32, 1, (const int64_t[]){COUNT(of)}, all);
            assert_ok(ctx, luron_scalar(&p, ctx, powers[k]));
            assert_ok(ctx, luron_pow(&y, ctx, x, p));
            assert_ok(ctx, luron_pow(&z, ctx, x, ps));
            for (int i = 0; i < COUNT(of) && !wide; i++) want[i] = (float)want[i];
            assert_tensor_close(y, want, COUNT(of), wide ? 1e-15 : 2e-7, 0);
            assert_tensor_close(z, want, COUNT(of), wide ? 1e-15 : 2e-7, 0);
            luron_tensor_unref(x), luron_tensor_unref(ps), luron_tensor_unref(y), luron_tensor_unref(z);
            assert_ok(ctx, luron_tensor_full(&x, ctx, wide ? LURON_F64 : LURON_F32, 1, (const int64_t[]){1000}, 0));
            assert_ok(ctx, luron_tensor_uniform(ctx, x, 0.1, 10));
            assert_ok(ctx, luron_tensor_full(&ps, ctx, wide ? LURON_F64 : LURON_F32, 1, (const int64_t[]){1000}, powers[k]));
            assert_ok(ctx, luron_pow(&y, ctx, x, p));
            assert_ok(ctx, luron_pow(&z, ctx, x, ps)); /* a power is one, whether it is one number or many */
            assert_memory_equal(luron_tensor_data(y), luron_tensor_data(z), 1000 * (wide ? 8 : 4));
            luron_tensor_unref(x), luron_tensor_unref(p), luron_tensor_unref(ps), luron_tensor_unref(y), luron_tensor_unref(z);
        }
}

/* ---- errors ---------------------------------------------------------------------------------------------------- */
static void test_elementwise_errors(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){2, 3}, NULL),
                 *b = tensor_row(ctx, LURON_F32, 1, 2), *y = NULL;
    luron_tensor *i = tensor_row(ctx, LURON_I32, 1, -1, 0);
    assert_fails(ctx, luron_mul(&y, ctx, a, b), LURON_E_SHAPE, "mul: shapes (2, 3) and (2,) do not broadcast");
    assert_fails(ctx, luron_eq(&y, ctx, a, b), LURON_E_SHAPE, "eq: shapes (2, 3) and (2,) do not broadcast");
    assert_fails(ctx, luron_floor_divide(&y, ctx, i, i), LURON_E_ARGUMENT, "floor_divide: an integer divided by zero");
    assert_fails(ctx, luron_remainder(&y, ctx, i, i), LURON_E_ARGUMENT, "remainder: an integer divided by zero");
    assert_fails(ctx, luron_pow(&y, ctx, i, i), LURON_E_ARGUMENT, "pow: an integer to a negative power");
    assert_null(y);
    luron_tensor_unref(a), luron_tensor_unref(b), luron_tensor_unref(i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_elementwise_unary_values),
        test_case(test_elementwise_binary_values),
        test_case(test_elementwise_powers),
        test_case(test_elementwise_integer_values),
        test_case(test_elementwise_narrow_integers),
        test_case(test_elementwise_rounding_keeps_integers),
        test_case(test_elementwise_integers_become_real),
        test_case(test_elementwise_bool),
        test_case(test_elementwise_numbers),
        test_case(test_elementwise_numbers_of_runs),
        test_case(test_elementwise_number_operands),
        test_case(test_elementwise_where),
        test_case(test_elementwise_layouts),
        test_case(test_elementwise_strided),
        test_case(test_elementwise_bits_do_not_depend_on_place_or_threads),
        test_case(test_elementwise_copy_and_fill_in_place),
        test_case(test_elementwise_copy_overlapping),
        test_case(test_elementwise_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
