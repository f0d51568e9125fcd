/* Views: reshape, expand, permute, transpose, narrow, slice, select, unsqueeze, squeeze. */
#include "internal.h"
#include "tensor_assert.h"

#include <string.h>

#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
#define N(...) (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
#define assert_values(t, ...) assert_tensor_close(t, ROW(__VA_ARGS__), N(__VA_ARGS__), 0, 0)
#define DIMS(...)                                                                                                      \
    (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)), (const int[]) { __VA_ARGS__ }

/** 0, 1, 2 ... in float64. */
static luron_tensor *counting(luron_ctx *ctx, int ndim, const int64_t *shape) {
    luron_tensor *flat, *t;
    assert_ok(ctx, luron_tensor_arange(&flat, ctx, LURON_F64, 0, (double)luron__numel(ndim, shape), 1));
    assert_ok(ctx, luron_reshape(&t, ctx, flat, ndim, shape));
    luron_tensor_unref(flat);
    return t;
}

static void test_view_reshape_shares_storage(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counting(ctx, LURON_SHAPE(2, 6)), *y;
    assert_ok(ctx, luron_reshape(&y, ctx, x, LURON_SHAPE(3, -1, 1)));
    assert_shape(y, 3, 4, 1);
    assert_true(luron_tensor_is_shared(x, y));
    assert_values(y, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    assert_ok(ctx, luron_tensor_fill(ctx, y, 7));
    assert_values(x, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
}

static void test_view_reshape_copies_only_where_strides_force_it(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counting(ctx, LURON_SHAPE(2, 3, 4)), *t, *y;
    assert_ok(ctx, luron_permute(&t, ctx, x, DIMS(1, 0, 2)));              /* (3, 2, 4), strides 4, 12, 1 */
    assert_ok(ctx, luron_reshape(&y, ctx, t, LURON_SHAPE(3, 2, 2, 1, 2))); /* each dim cut: a view */
    assert_true(luron_tensor_is_shared(x, y));
    assert_values(y, 0, 1, 2, 3, 12, 13, 14, 15, 4, 5, 6, 7, 16, 17, 18, 19, 8, 9, 10, 11, 20, 21, 22, 23);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_reshape(&y, ctx, t, LURON_SHAPE(6, 4))); /* dims that do not lie in one piece: a copy */
    assert_false(luron_tensor_is_shared(x, y));
    assert_values(y, 0, 1, 2, 3, 12, 13, 14, 15, 4, 5, 6, 7, 16, 17, 18, 19, 8, 9, 10, 11, 20, 21, 22, 23);
    luron_tensor_unref(y);
    luron_tensor_unref(t);
    assert_ok(ctx, luron_slice(&t, ctx, x, 2, 0, 4, 2)); /* (2, 3, 2), strides 12, 4, 2: all of one step */
    assert_ok(ctx, luron_reshape(&y, ctx, t, LURON_SHAPE(-1)));
    assert_true(luron_tensor_is_shared(x, y));
    assert_values(y, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22);
    luron_tensor_unref(y);
    luron_tensor_unref(t);
    luron_tensor_unref(x);
}

static void test_view_reshape_of_nothing_and_of_one(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *none = counting(ctx, LURON_SHAPE(0, 3)), *one = counting(ctx, 0, NULL), *y;
    assert_ok(ctx, luron_reshape(&y, ctx, none, LURON_SHAPE(4, 0)));
    assert_shape(y, 4, 0);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_reshape(&y, ctx, none, LURON_SHAPE(3, -1)));
    assert_shape(y, 3, 0);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_reshape(&y, ctx, one, LURON_SHAPE(1, -1)));
    assert_shape(y, 1, 1);
    luron_tensor_unref(one);
    assert_ok(ctx, luron_reshape(&one, ctx, y, 0, NULL));
    assert_int_equal(luron_tensor_ndim(one), 0);
    assert_values(one, 0);
    assert_fails(ctx, luron_reshape(&y, ctx, none, LURON_SHAPE(0, -1)), LURON_E_SHAPE,
                 "the -1 in (0, -1) could be any size");
    luron_tensor_unref(one);
    luron_tensor_unref(y);
    luron_tensor_unref(none);
}

static void test_view_reshape_refuses(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counting(ctx, LURON_SHAPE(2, 3)), *y = NULL;
    assert_fails(ctx, luron_reshape(&y, ctx, x, LURON_SHAPE(4, 2)), LURON_E_SHAPE,
                 "reshape: (2, 3) has 6 elements, (4, 2) has 8");
    assert_fails(ctx, luron_reshape(&y, ctx, x, LURON_SHAPE(4, -1)), LURON_E_SHAPE,
                 "(2, 3) has 6 elements, which (4, -1) cannot share out");
    assert_fails(ctx, luron_reshape(&y, ctx, x, LURON_SHAPE(-1, -1)), LURON_E_SHAPE, "more than one -1");
    assert_fails(ctx, luron_reshape(&y, ctx, x, LURON_SHAPE(-2, -3)), LURON_E_SHAPE, "(-2, -3)");
    assert_fails(ctx, luron_reshape(&y, ctx, x, LURON_SHAPE(INT64_MAX, 2)), LURON_E_SHAPE, "too many");
    assert_fails(ctx, luron_reshape(&y, ctx, x, 9, (const int64_t[9]){6, 1, 1, 1, 1, 1, 1, 1, 1}), LURON_E_SHAPE,
                 "at most 8");
    assert_null(y);
    luron_tensor_unref(x);
}

static void test_view_expand(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counting(ctx, LURON_SHAPE(3, 1)), *y = NULL;
    assert_ok(ctx, luron_expand(&y, ctx, x, LURON_SHAPE(2, -1, 2)));
    assert_shape(y, 2, 3, 2);
    assert_true(luron_tensor_is_shared(x, y));
    assert_values(y, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_expand(&y, ctx, x, LURON_SHAPE(3, 0)));
    assert_shape(y, 3, 0);
    luron_tensor_unref(y);
    assert_fails(ctx, luron_expand(&y, ctx, x, LURON_SHAPE(2, 2)), LURON_E_SHAPE,
                 "expand: (3, 1) cannot become (2, 2)");
    assert_fails(ctx, luron_expand(&y, ctx, x, LURON_SHAPE(3)), LURON_E_SHAPE, "(3, 1) cannot become (3,)");
    assert_fails(ctx, luron_expand(&y, ctx, x, LURON_SHAPE(-1, 3, 1)), LURON_E_SHAPE, "expand");
    assert_fails(ctx, luron_expand(&y, ctx, x, LURON_SHAPE(INT64_MAX / 4, 3, 4)), LURON_E_SHAPE, "");
    luron_tensor *one = counting(ctx, 0, NULL);
    assert_ok(ctx, luron_expand(&y, ctx, one, LURON_SHAPE(2)));
    assert_values(y, 0, 0);
    luron_tensor_unref(y);
    luron_tensor_unref(one);
    luron_tensor_unref(x);
}

static void test_view_permute_and_transpose(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counting(ctx, LURON_SHAPE(2, 3, 2)), *y = NULL, *z;
    assert_ok(ctx, luron_permute(&y, ctx, x, DIMS(-1, 0, 1)));
    assert_shape(y, 2, 2, 3);
    assert_values(y, 0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11);
    assert_ok(ctx, luron_transpose(&z, ctx, y, 0, -1));
    assert_shape(z, 3, 2, 2);
    assert_values(z, 0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11);
    assert_true(luron_tensor_is_shared(z, x));
    luron_tensor_unref(y);
    luron_tensor_unref(z);
    luron_ctx_set_index_base(ctx, 1);
    assert_fails(ctx, luron_permute(&y, ctx, x, DIMS(0, 1, 1)), LURON_E_ARGUMENT, "dim 2 is named twice");
    assert_fails(ctx, luron_permute(&y, ctx, x, DIMS(0, 1, 3)), LURON_E_RANGE, "permute: dim");
    assert_fails(ctx, luron_permute(&y, ctx, x, DIMS(0, 1)), LURON_E_SHAPE, "permute: 2 dims given, (2, 3, 2) has 3");
    assert_fails(ctx, luron_transpose(&y, ctx, x, 0, 3), LURON_E_RANGE, "transpose: dim");
    luron_tensor *one = counting(ctx, 0, NULL);
    assert_ok(ctx, luron_permute(&y, ctx, one, 0, NULL));
    assert_values(y, 0);
    luron_tensor_unref(y);
    luron_tensor_unref(one);
    luron_tensor_unref(x);
}

static void test_view_narrow_slice_select(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counting(ctx, LURON_SHAPE(2, 5)), *y;
    assert_ok(ctx, luron_narrow(&y, ctx, x, 1, 1, 3));
    assert_values(y, 1, 2, 3, 6, 7, 8);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_slice(&y, ctx, x, -1, 0, 5, 2));
    assert_shape(y, 2, 3);
    assert_values(y, 0, 2, 4, 5, 7, 9);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_slice(&y, ctx, x, 1, 1, 3, INT64_MAX)); /* one position; the step must not overflow */
    assert_values(y, 1, 6);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_narrow(&y, ctx, x, 0, 2, 0));
    assert_shape(y, 0, 5);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_select(&y, ctx, x, 1, -2));
    assert_shape(y, 2);
    assert_values(y, 3, 8);
    luron_tensor *z;
    assert_ok(ctx, luron_select(&z, ctx, y, 0, 1));
    assert_int_equal(luron_tensor_ndim(z), 0);
    assert_values(z, 8);
    assert_true(luron_tensor_is_shared(z, x));
    luron_tensor_unref(z);
    luron_tensor_unref(y);
    luron_tensor_unref(x);
}

static void test_view_positions_out_of_range(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counting(ctx, LURON_SHAPE(2, 5)), *one = counting(ctx, 0, NULL), *y = NULL;
    assert_fails(ctx, luron_narrow(&y, ctx, x, 1, 3, 3), LURON_E_RANGE,
                 "narrow: 3 positions from 3 are not within dim 1 of (2, 5), which has size 5");
    assert_fails(ctx, luron_narrow(&y, ctx, x, 1, -1, 2), LURON_E_RANGE, "from -1");
    assert_fails(ctx, luron_narrow(&y, ctx, x, 1, 1, -1), LURON_E_RANGE, "-1 positions");
    assert_fails(ctx, luron_narrow(&y, ctx, x, 1, INT64_MAX, INT64_MAX), LURON_E_RANGE, "narrow");
    assert_fails(ctx, luron_slice(&y, ctx, x, 1, 0, 6, 2), LURON_E_RANGE, "slice: 6 positions");
    assert_fails(ctx, luron_slice(&y, ctx, x, 1, 0, 5, 0), LURON_E_ARGUMENT, "slice: step is 0");
    luron_ctx_set_index_base(ctx, 1);
    assert_fails(ctx, luron_select(&y, ctx, x, 1, 5), LURON_E_RANGE,
                 "select: position 6 is not within dim 2 of (2, 5), which has size 5");
    assert_fails(ctx, luron_select(&y, ctx, x, 1, -6), LURON_E_RANGE, "position -6");
    assert_fails(ctx, luron_select(&y, ctx, x, 2, 0), LURON_E_RANGE, "select: dim");
    assert_fails(ctx, luron_select(&y, ctx, one, 0, 0), LURON_E_SHAPE, "select: a tensor without dims");
    assert_fails(ctx, luron_narrow(&y, ctx, one, 0, 0, 0), LURON_E_SHAPE, "narrow: a tensor without dims");
    assert_null(y);
    luron_tensor_unref(one);
    luron_tensor_unref(x);
}

static void test_view_unsqueeze_and_squeeze(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counting(ctx, LURON_SHAPE(2, 3)), *y, *z;
    static const int64_t want[4][3] = {{1, 2, 3}, {2, 1, 3}, {2, 3, 1}, {2, 3, 1}};
    static const int dims[4] = {0, 1, 2, -1};
    for (int i = 0; i < 4; i++) {
        assert_ok(ctx, luron_unsqueeze(&y, ctx, x, dims[i]));
        assert_memory_equal(luron_tensor_shape(y), want[i], sizeof want[i]);
        assert_true(luron_tensor_is_contiguous(y));
        assert_ok(ctx, luron_squeeze(&z, ctx, y, dims[i]));
        assert_tensor_same(z, x);
        luron_tensor_unref(z);
        luron_tensor_unref(y);
    }
    assert_ok(ctx, luron_squeeze(&y, ctx, x, 0)); /* size 2: stays */
    assert_shape(y, 2, 3);
    assert_true(luron_tensor_is_shared(x, y));
    luron_tensor_unref(y);
    luron_tensor *one = counting(ctx, 0, NULL), *eight = counting(ctx, LURON_SHAPE(1, 1, 1, 1, 1, 1, 1, 1));
    assert_ok(ctx, luron_unsqueeze(&y, ctx, one, 0));
    assert_shape(y, 1);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_squeeze(&y, ctx, one, 0));
    assert_int_equal(luron_tensor_ndim(y), 0);
    luron_tensor_unref(y);
    assert_fails(ctx, luron_unsqueeze(&y, ctx, eight, 0), LURON_E_SHAPE, "unsqueeze");
    luron_tensor_unref(eight);
    luron_tensor_unref(one);
    luron_tensor_unref(x);
}

/* ---- against indices worked out one by one ---------------------------------------------------------------------- */

/** What a chain of views shows, moved element by element. */
typedef struct mirror {
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
    double values[512];
} mirror;

static uint32_t next(uint64_t *n, uint32_t limit) {
    uint32_t w[4];
    luron__philox(99, 0, 0, (*n)++, w);
    return w[0] % limit;
}

static void mirror_permute(mirror *m, const int *dims) {
    mirror from = *m;
    int64_t numel = luron__numel(m->ndim, m->shape), strides[LURON_MAX_DIMS], step = 1;
    for (int d = m->ndim - 1; d >= 0; step *= from.shape[d--]) strides[d] = step;
    for (int d = 0; d < m->ndim; d++) m->shape[d] = from.shape[dims[d]];
    for (int64_t k = 0; k < numel; k++) {
        int64_t left = k, at = 0;
        for (int d = m->ndim - 1; d >= 0; d--) {
            at += left % m->shape[d] * strides[dims[d]];
            left /= m->shape[d];
        }
        m->values[k] = from.values[at];
    }
}

static void mirror_slice(mirror *m, int dim, int64_t start, int64_t count, int64_t step) {
    mirror from = *m;
    int64_t inner = 1, outer = 1;
    for (int d = 0; d < m->ndim; d++) *(d < dim ? &outer : d > dim ? &inner : &(int64_t){0}) *= m->shape[d];
    m->shape[dim] = count;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t c = 0; c < count; c++)
            for (int64_t i = 0; i < inner; i++)
                m->values[(o * count + c) * inner + i] =
                    from.values[(o * from.shape[dim] + start + c * step) * inner + i];
}

static void random_view(luron_ctx *ctx, uint64_t *n, mirror *m, luron_tensor **x) {
    luron_tensor *y;
    if (next(n, 2)) {
        int dims[LURON_MAX_DIMS];
        for (int d = 0; d < m->ndim; d++) dims[d] = d;
        for (int d = m->ndim - 1; d > 0; d--) {
            int k = (int)next(n, (uint32_t)d + 1), kept = dims[d];
            dims[d] = dims[k];
            dims[k] = kept;
        }
        assert_ok(ctx, luron_permute(&y, ctx, *x, m->ndim, dims));
        mirror_permute(m, dims);
    } else {
        int dim = (int)next(n, (uint32_t)m->ndim);
        int64_t start = next(n, (uint32_t)m->shape[dim]), length = 1 + next(n, (uint32_t)(m->shape[dim] - start)),
                step = 1 + next(n, 3);
        assert_ok(ctx, luron_slice(&y, ctx, *x, dim, start, length, step));
        mirror_slice(m, dim, start, (length + step - 1) / step, step);
    }
    luron_tensor_unref(*x);
    *x = y;
}

static void test_view_random_chains(void **state) {
    luron_ctx *ctx = *state;
    uint64_t n = 0;
    for (int round = 0; round < 300; round++) {
        mirror m = {.ndim = 1 + (int)next(&n, 4)};
        for (int d = 0; d < m.ndim; d++) m.shape[d] = 1 + next(&n, 4);
        luron_tensor *x = counting(ctx, m.ndim, m.shape), *flat;
        for (int64_t k = 0; k < luron__numel(m.ndim, m.shape); k++) m.values[k] = (double)k;
        for (int steps = (int)next(&n, 4); steps >= 0; steps--) random_view(ctx, &n, &m, &x);
        int64_t numel = luron__numel(m.ndim, m.shape);
        assert_memory_equal(luron_tensor_shape(x), m.shape, (size_t)m.ndim * sizeof *m.shape);
        assert_tensor_close(x, m.values, numel, 0, 0);
        assert_ok(ctx, luron_reshape(&flat, ctx, x, LURON_SHAPE(-1, 1)));
        assert_tensor_close(flat, m.values, numel, 0, 0);
        luron_tensor_unref(flat);
        luron_tensor_unref(x);
    }
}

/* ---- gradients -------------------------------------------------------------------------------------------------- */
typedef luron_status (*view_fn)(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);
static luron_status reshape_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_reshape(out, ctx, x, LURON_SHAPE(2, -1));
}
static luron_status expand_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_expand(out, ctx, x, LURON_SHAPE(2, -1, -1, -1));
}
static luron_status permute_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_permute(out, ctx, x, DIMS(2, 0, 1));
}
static luron_status transpose_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_transpose(out, ctx, x, 0, 2);
}
static luron_status narrow_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_narrow(out, ctx, x, 2, 1, 2);
}
static luron_status empty_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_narrow(out, ctx, x, 2, 1, 0);
}
static luron_status slice_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_slice(out, ctx, x, 2, 0, 4, 3);
}
static luron_status select_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_select(out, ctx, x, 2, -1);
}
static luron_status unsqueeze_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_unsqueeze(out, ctx, x, 1);
}
static luron_status squeeze_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_squeeze(out, ctx, x, 1);
}
static luron_status squeeze_nothing_(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_squeeze(out, ctx, x, 0);
}

/** view(x)^3, so that the second derivative depends on x; the view of the cube too. */
static luron_status cubed(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    luron_tensor *seen = NULL, *square = NULL;
    luron_status status = (*(view_fn *)ud)(&seen, ctx, ins[0]);
    if (!status) status = luron_square(&square, ctx, seen);
    if (!status) status = luron_mul(out, ctx, square, seen);
    luron_tensor_unref(seen);
    luron_tensor_unref(square);
    return status;
}

static void test_view_gradients(void **state) {
    luron_ctx *ctx = *state;
    static const view_fn fns[] = {reshape_, expand_, permute_,   transpose_, narrow_,         empty_,
                                  slice_,   select_, unsqueeze_, squeeze_,   squeeze_nothing_};
    const luron_gradcheck_options options = {.order = 2, .seed = 5};
    for (size_t i = 0; i < sizeof fns / sizeof *fns; i++) {
        luron_tensor *base, *x;
        assert_ok(ctx, luron_tensor_new(&base, ctx, LURON_F64, LURON_SHAPE(4, 3, 1)));
        assert_ok(ctx, luron_tensor_uniform(ctx, base, 0.5, 1.5));
        assert_ok(ctx, luron_transpose(&x, ctx, base, 0, 1)); /* (3, 4, 1), then (3, 1, 4): not contiguous */
        luron_tensor_unref(base);
        assert_ok(ctx, luron_transpose(&base, ctx, x, 1, 2));
        luron_tensor_unref(x);
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, base, 1));
        view_fn fn = fns[i];
        assert_ok(ctx, luron_gradcheck(ctx, cubed, &fn, 1, &base, &options));
        luron_tensor_unref(base);
    }
}

/* What the gradient of a part is: zeros, and the cotangent in its place. */
static void test_view_gradient_values(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = counting(ctx, LURON_SHAPE(2, 5)), *y,
                 *v = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2), ROW(1, 2, 3, 4)), *g;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_slice(&y, ctx, x, 1, 1, 4, 2));
    assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &v, 1, &x, 0));
    assert_shape(g, 2, 5);
    assert_values(g, 0, 1, 0, 2, 0, 0, 3, 0, 4, 0);
    luron_tensor_unref(g);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_expand(&y, ctx, x, LURON_SHAPE(3, 2, 5)));
    assert_ok(ctx, luron_tensor_full(&g, ctx, LURON_F64, LURON_SHAPE(3, 2, 5), 1));
    assert_ok(ctx, luron_backward(ctx, y, g, 0));
    assert_values(luron_tensor_grad(x), 3, 3, 3, 3, 3, 3, 3, 3, 3, 3);
    luron_tensor_unref(g);
    luron_tensor_unref(y);
    luron_tensor_unref(v);
    luron_tensor_unref(x);
}

static void test_view_keeps_dtype(void **state) {
    luron_ctx *ctx = *state;
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                      LURON_I64, LURON_I32, LURON_U8,  LURON_B8};
    for (int i = 0; i < 8; i++) {
        luron_tensor *x = tensor_of(ctx, dtypes[i], LURON_SHAPE(2, 3), ROW(1, 0, 1, 0, 1, 0)), *t, *y;
        assert_ok(ctx, luron_transpose(&t, ctx, x, 0, 1));
        assert_ok(ctx, luron_reshape(&y, ctx, t, LURON_SHAPE(6)));
        assert_int_equal(luron_tensor_dtype(y), dtypes[i]);
        assert_values(y, 1, 0, 0, 1, 1, 0);
        luron_tensor_unref(y);
        luron_tensor_unref(t);
        luron_tensor_unref(x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_view_reshape_shares_storage),
        test_case(test_view_reshape_copies_only_where_strides_force_it),
        test_case(test_view_reshape_of_nothing_and_of_one),
        test_case(test_view_reshape_refuses),
        test_case(test_view_expand),
        test_case(test_view_permute_and_transpose),
        test_case(test_view_narrow_slice_select),
        test_case(test_view_positions_out_of_range),
        test_case(test_view_unsqueeze_and_squeeze),
        test_case(test_view_random_chains),
        test_case(test_view_gradients),
        test_case(test_view_gradient_values),
        test_case(test_view_keeps_dtype),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
