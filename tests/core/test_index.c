/* Joining and indexing: cat, stack, split, index_select, gather, scatter_add, index_add, one_hot. */
#include "internal.h"
#include "tensor_assert.h"

#include <math.h>
#include <string.h>

#include "../data/index_reference.h"

#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }
#define N(...) (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
#define assert_values(t, ...) assert_tensor_close(t, ROW(__VA_ARGS__), N(__VA_ARGS__), 0, 0)
static const uint32_t all_dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                      LURON_I64, LURON_I32, LURON_U8,  LURON_B8};
enum { N_DTYPES = 8 };

static luron_tensor *uniform(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_new(&t, ctx, dtype, ndim, shape));
    assert_ok(ctx, luron_tensor_uniform(ctx, t, -1, 1));
    return t;
}

/** The same values in memory whose dims lie in another order, every second element of it: strides of all kinds. */
static luron_tensor *scattered(luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *base, *half, *back;
    int64_t shape[LURON_MAX_DIMS];
    int dims[LURON_MAX_DIMS], n = x->ndim;
    if (n == 0) return luron_tensor_ref(x);
    for (int d = 0; d < n; d++) shape[n - 1 - d] = x->shape[d] * (d == 0 ? 2 : 1), dims[d] = n - 1 - d;
    assert_ok(ctx, luron_tensor_full(&base, ctx, x->dtype, n, shape, 1));
    assert_ok(ctx, luron_slice(&half, ctx, base, -1, 0, shape[n - 1], 2));
    assert_ok(ctx, luron_permute(&back, ctx, half, n, dims));
    assert_ok(ctx, luron_tensor_copy(ctx, back, x));
    luron_tensor_unref(base);
    luron_tensor_unref(half);
    return back;
}

/* ---- against PyTorch -------------------------------------------------------------------------------------------- */

static luron_tensor *reference(luron_ctx *ctx, uint32_t dtype, const reference_tensor *r, int plus, bool scatter) {
    luron_tensor *t = tensor_of(ctx, dtype, r->ndim, r->shape, r->values), *other;
    if (plus) {
        luron_tensor *number;
        assert_ok(ctx, luron_scalar_int(&number, ctx, plus));
        assert_ok(ctx, luron_add(&other, ctx, t, number));
        luron_tensor_unref(number);
        luron_tensor_unref(t);
        t = other;
    }
    if (!scatter) return t;
    other = scattered(ctx, t);
    luron_tensor_unref(t);
    return other;
}

static luron_status apply(luron_tensor **y, luron_ctx *ctx, const char *op, int dim, luron_tensor *x, luron_tensor *ids,
                          luron_tensor *src) {
    if (!strcmp(op, "index_select")) return luron_index_select(y, ctx, x, dim, ids);
    if (!strcmp(op, "gather")) return luron_gather(y, ctx, x, dim, ids);
    if (!strcmp(op, "scatter_add")) return luron_scatter_add(y, ctx, x, dim, ids, src);
    assert_string_equal(op, "index_add");
    return luron_index_add(y, ctx, x, dim, ids, src);
}

static void compare(const luron_tensor *t, const reference_tensor *want) {
    assert_int_equal(t->ndim, want->ndim);
    assert_memory_equal(t->shape, want->shape, (size_t)t->ndim * sizeof *t->shape);
    assert_tensor_close(t, want->values, luron_tensor_numel(t), 0, 0); /* all numbers are small multiples of 1/64 */
}

static void check_reference(luron_ctx *ctx, const index_case *c, uint32_t dtype, uint32_t id_dtype, int base,
                            bool scatter) {
    bool adds = c->src.ndim >= 0;
    luron_ctx_set_index_base(ctx, base);
    luron_tensor *x = reference(ctx, dtype, &c->x, 0, scatter), *ids = reference(ctx, id_dtype, &c->ids, base, scatter),
                 *v = reference(ctx, dtype, &c->v, 0, scatter);
    luron_tensor *src = adds ? reference(ctx, dtype, &c->src, 0, scatter) : NULL, *y, *grads[2];
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    if (src) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, src, 1));
    assert_ok(ctx, apply(&y, ctx, c->op, c->dim, x, ids, src));
    compare(y, &c->y);
    luron_ctx_set_index_base(ctx, 1 - base); /* the tape reads ids as they were given */
    assert_ok(ctx, luron_grad(grads, ctx, 1, &y, &v, 1 + adds, (luron_tensor *[]){x, src}, 0));
    compare(grads[0], &c->gx);
    if (src) compare(grads[1], &c->gsrc);
    luron_tensor_unref(grads[0]);
    if (src) luron_tensor_unref(grads[1]);
    luron_tensor_unref(y);
    luron_tensor_unref(src);
    luron_tensor_unref(v);
    luron_tensor_unref(ids);
    luron_tensor_unref(x);
}

static void test_index_values_and_gradients_as_pytorch(void **state) {
    static const uint32_t id_dtypes[] = {LURON_I64, LURON_I32, LURON_U8};
    for (size_t i = 0; i < sizeof index_cases / sizeof *index_cases; i++)
        for (int kind = 0; kind < 3; kind++)
            for (int base = 0; base < 2; base++)
                for (int scatter = 0; scatter < 2; scatter++)
                    for (int wide = 0; wide < 2; wide++)
                        check_reference(*state, &index_cases[i], wide ? LURON_F64 : LURON_F32, id_dtypes[kind], base,
                                        scatter);
}

/* Values that every dtype holds; for bool, a sum is an or. */
static void test_index_any_dtype(void **state) {
    luron_ctx *ctx = *state;
    for (int i = 0; i < N_DTYPES; i++) {
        uint32_t dtype = all_dtypes[i];
        luron_tensor *x = tensor_of(ctx, dtype, LURON_SHAPE(2, 3), ROW(1, 0, 1, 0, 1, 1)),
                     *ids = tensor_row(ctx, LURON_I64, 2, 0), *y, *z, *h;
        assert_ok(ctx, luron_index_select(&y, ctx, x, 1, ids));
        assert_int_equal(luron_tensor_dtype(y), dtype);
        assert_values(y, 1, 1, 1, 0);
        assert_ok(ctx, luron_index_add(&z, ctx, x, 1, ids, y));
        assert_int_equal(luron_tensor_dtype(z), dtype);
        if (dtype == LURON_B8)
            assert_values(z, 1, 0, 1, 0, 1, 1);
        else
            assert_values(z, 2, 0, 2, 0, 1, 2);
        assert_ok(ctx, luron_one_hot(&h, ctx, ids, 3, dtype));
        assert_int_equal(luron_tensor_dtype(h), dtype);
        assert_values(h, 0, 0, 1, 1, 0, 0);
        luron_tensor_unref(h);
        luron_tensor_unref(z);
        luron_tensor_unref(y);
        luron_tensor_unref(ids);
        luron_tensor_unref(x);
    }
}

/* ---- ids that are none ------------------------------------------------------------------------------------------ */

/* Rows of 1 to 24 bytes, in one piece, of a part of a tensor or far apart, as a batch is drawn; each number is its place. */
static void check_rows(luron_ctx *ctx, uint32_t dtype, int64_t width, int layout, int base) {
    static const double list[] = {6, 0, 3, 3, 5, 1, 0};
    double values[8 * 7], ids[7], want[7 * 6];
    luron_tensor *all, *x, *at, *y;
    luron_ctx_set_index_base(ctx, base);
    for (int64_t i = 0; i < 8 * (width + 1); i++) values[i] = (double)i;
    for (int i = 0; i < 7; i++) ids[i] = list[i] + base;
    all = tensor_of(ctx, dtype, 2, (int64_t[]){8, width + (layout == 1)}, values);
    assert_ok(ctx, luron_narrow(&x, ctx, all, 1, layout == 1, width));
    if (layout == 2) {
        luron_tensor *other = scattered(ctx, x);
        luron_tensor_unref(x);
        x = other;
    }
    at = tensor_of(ctx, LURON_I64, 1, (int64_t[]){7}, ids);
    assert_ok(ctx, luron_index_select(&y, ctx, x, 0, at));
    for (int i = 0; i < 7; i++)
        for (int64_t k = 0; k < width; k++)
            want[i * width + k] = list[i] * (double)all->shape[1] + (double)k + (layout == 1);
    assert_tensor_close(y, want, 7 * width, 0, 0);
    luron_tensor *made[] = {all, x, at, y};
    for (int i = 0; i < 4; i++) luron_tensor_unref(made[i]);
    luron_ctx_set_index_base(ctx, 0);
}

static void test_index_rows_of_any_size(void **state) {
    static const uint32_t dtypes[] = {LURON_F32, LURON_U8, LURON_F16, LURON_F64, LURON_I64};
    for (int i = 0; i < 5; i++)
        for (int64_t width = 0; width <= 6; width++)
            for (int layout = 0; layout < 3; layout++)
                for (int base = 0; base < 2; base++) check_rows(*state, dtypes[i], width, layout, base);
}

static void test_index_ids_out_of_range(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(2, 10)), *list = tensor_row(ctx, LURON_I64, 3, 10), *y = NULL;
    luron_tensor *table = tensor_of(ctx, LURON_I32, LURON_SHAPE(2, 3), ROW(1, 2, 12, 1, 0, 1)),
                 *minus = tensor_row(ctx, LURON_I64, 1, -1);
    assert_fails(ctx, luron_index_select(&y, ctx, x, 1, list), LURON_E_RANGE,
                 "index_select: id 10 at position 1 is not within 0 to 9");
    assert_fails(ctx, luron_gather(&y, ctx, x, 1, table), LURON_E_RANGE,
                 "gather: id 12 at position (0, 2) is not within 0 to 9");
    assert_fails(ctx, luron_index_select(&y, ctx, x, 1, minus), LURON_E_RANGE,
                 "index_select: id -1 at position 1 is not within 0 to 9");
    assert_fails(ctx, luron_one_hot(&y, ctx, table, 12, LURON_F32), LURON_E_RANGE,
                 "one_hot: id 12 at position (0, 2) is not within 0 to 11");
    assert_fails(ctx, luron_one_hot(&y, ctx, list, 0, LURON_F32), LURON_E_RANGE,
                 "one_hot: id 3 at position 0, but there is nothing to choose from");
    luron_ctx_set_index_base(ctx, 1);
    assert_fails(ctx, luron_gather(&y, ctx, x, 1, table), LURON_E_RANGE,
                 "gather: id 12 at position (1, 3) is not within 1 to 10");
    assert_null(strstr(luron_ctx_error(ctx), "0 is no id"));
    luron_tensor *ok;
    assert_ok(ctx, luron_index_select(&ok, ctx, x, 1, list)); /* 10 is the last here */
    luron_tensor *zero = tensor_of(ctx, LURON_U8, LURON_SHAPE(2, 2), ROW(1, 10, 0, 1));
    assert_fails(ctx, luron_gather(&y, ctx, x, 1, zero), LURON_E_RANGE,
                 "gather: id 0 at position (2, 1) is not within 1 to 10; ids count from 1 here: 0 is no id (add 1 to "
                 "labels that count from 0)");
    luron_tensor *src = uniform(ctx, LURON_F32, LURON_SHAPE(2, 2));
    assert_fails(ctx, luron_scatter_add(&y, ctx, x, 1, zero, src), LURON_E_RANGE, "scatter_add: id 0");
    luron_tensor *least;
    assert_ok(ctx, luron_tensor_from(&least, ctx, LURON_I64, LURON_SHAPE(1), (const int64_t[]){INT64_MIN}));
    assert_fails(ctx, luron_index_select(&y, ctx, x, 1, least), LURON_E_RANGE,
                 "index_select: id -9223372036854775808 at position 1");
    assert_null(y);
    luron_tensor *all[] = {x, list, table, minus, ok, zero, src, least};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

static void test_index_refuses_shapes_and_dtypes(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *real = tensor_row(ctx, LURON_F32, 1),
                 *yes = tensor_row(ctx, LURON_B8, 1), *ids = tensor_row(ctx, LURON_I64, 1, 0);
    luron_tensor *wide = tensor_of(ctx, LURON_I64, LURON_SHAPE(3, 1), NULL),
                 *flat = tensor_of(ctx, LURON_I64, LURON_SHAPE(2, 1), NULL), *one = uniform(ctx, LURON_F32, 0, NULL);
    luron_tensor *src = uniform(ctx, LURON_F64, LURON_SHAPE(2, 1)), *y = NULL;
    assert_fails(ctx, luron_gather(&y, ctx, x, 0, real), LURON_E_DTYPE,
                 "gather: ids must be int64, int32 or uint8, got float32");
    assert_fails(ctx, luron_index_select(&y, ctx, x, 0, yes), LURON_E_DTYPE,
                 "index_select: ids must be int64, int32 or uint8, got bool");
    assert_fails(ctx, luron_gather(&y, ctx, x, 0, ids), LURON_E_SHAPE,
                 "gather: ids (2,) must have as many dims as x (2, 3)");
    assert_fails(ctx, luron_gather(&y, ctx, x, 1, wide), LURON_E_SHAPE, "ids (3, 1)");
    assert_fails(ctx, luron_gather(&y, ctx, x, 2, flat), LURON_E_RANGE, "gather: dim");
    assert_fails(ctx, luron_index_select(&y, ctx, x, 0, flat), LURON_E_SHAPE,
                 "index_select: ids must be a list (one dim), got (2, 1)");
    assert_fails(ctx, luron_index_select(&y, ctx, one, 0, ids), LURON_E_SHAPE, "index_select: a tensor without dims");
    assert_fails(ctx, luron_scatter_add(&y, ctx, x, 1, flat, src), LURON_E_DTYPE,
                 "scatter_add: x is float32 and src is float64");
    assert_fails(ctx, luron_scatter_add(&y, ctx, x, 1, flat, x), LURON_E_SHAPE,
                 "scatter_add: ids (2, 1) and src (2, 3) must have the same shape");
    assert_fails(ctx, luron_index_add(&y, ctx, x, 1, ids, x), LURON_E_SHAPE,
                 "index_add: src is (2, 3); like x (2, 3), with 2 positions (as many as ids) along dim 1");
    assert_fails(ctx, luron_one_hot(&y, ctx, ids, -1, LURON_F32), LURON_E_ARGUMENT, "one_hot: n is -1");
    assert_fails(ctx, luron_one_hot(&y, ctx, ids, 3, 77), LURON_E_DTYPE, "one_hot");
    assert_fails(ctx, luron_one_hot(&y, ctx, ids, INT64_MAX / 2, LURON_F32), LURON_E_SHAPE, "one_hot: shape");
    assert_null(y);
    luron_tensor *all[] = {x, real, yes, ids, wide, flat, one, src};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

/* ---- cat, stack, split ------------------------------------------------------------------------------------------ */

static void test_index_cat_dtypes_as_pytorch(void **state) {
    luron_ctx *ctx = *state;
    for (size_t i = 0; i < sizeof cat_dtypes / sizeof *cat_dtypes; i++) {
        luron_tensor *a = tensor_row(ctx, cat_dtypes[i][0], 1, 0), *b = tensor_row(ctx, cat_dtypes[i][1], 1), *y;
        assert_ok(ctx, luron_cat(&y, ctx, 2, (luron_tensor *[]){a, b}, 0));
        assert_string_equal(luron_dtype_name(luron_tensor_dtype(y)), luron_dtype_name(cat_dtypes[i][2]));
        assert_values(y, 1, 0, 1);
        luron_tensor_unref(y);
        luron_tensor_unref(a);
        luron_tensor_unref(b);
    }
}

static void test_index_cat_values(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 2), ROW(1, 2, 3, 4)),
                 *b = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 1), ROW(5, 6)), *t, *y;
    luron_tensor *none = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 0), NULL);
    assert_ok(ctx, luron_transpose(&t, ctx, a, 0, 1));
    assert_ok(ctx, luron_cat(&y, ctx, 4, (luron_tensor *[]){a, b, none, t}, -1));
    assert_shape(y, 2, 5);
    assert_values(y, 1, 2, 5, 1, 3, 3, 4, 6, 2, 4);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_cat(&y, ctx, 2, (luron_tensor *[]){t, a}, 0));
    assert_values(y, 1, 3, 2, 4, 1, 2, 3, 4);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_cat(&y, ctx, 1, &a, 0));
    assert_false(luron_tensor_is_shared(y, a));
    luron_tensor_unref(y);
    assert_ok(ctx, luron_stack(&y, ctx, 2, (luron_tensor *[]){a, t}, 1));
    assert_shape(y, 2, 2, 2);
    assert_values(y, 1, 2, 1, 3, 3, 4, 2, 4);
    luron_tensor_unref(y);
    luron_tensor *one = tensor_of(ctx, LURON_I64, 0, NULL, ROW(7)),
                 *half = tensor_of(ctx, LURON_F64, 0, NULL, ROW(0.5));
    assert_ok(ctx, luron_stack(&y, ctx, 2, (luron_tensor *[]){one, half}, 0));
    assert_int_equal(luron_tensor_dtype(y), LURON_F64);
    assert_values(y, 7, 0.5);
    luron_tensor *all[] = {y, a, b, t, none, one, half};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

static void test_index_cat_refuses(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *b = uniform(ctx, LURON_F32, LURON_SHAPE(2, 4)),
                 *one = uniform(ctx, LURON_F32, 0, NULL), *y = NULL;
    luron_tensor *pair[] = {a, b};
    assert_fails(ctx, luron_cat(&y, ctx, 0, NULL, 0), LURON_E_ARGUMENT, "cat: one tensor or more expected");
    assert_fails(ctx, luron_cat(&y, ctx, 2, pair, 0), LURON_E_SHAPE,
                 "cat: tensor 1 is (2, 4), the first is (2, 3), and all sizes but that of dim 0 must be the same");
    assert_fails(ctx, luron_cat(&y, ctx, 2, pair, 2), LURON_E_RANGE, "cat: dim");
    assert_fails(ctx, luron_cat(&y, ctx, 1, &one, 0), LURON_E_SHAPE, "cat: tensors without dims");
    assert_fails(ctx, luron_stack(&y, ctx, 2, pair, 0), LURON_E_SHAPE,
                 "stack: tensor 1 is (2, 4), the first is (2, 3), and all must be of one shape");
    assert_fails(ctx, luron_stack(&y, ctx, 0, NULL, 0), LURON_E_ARGUMENT, "stack");
    assert_fails(ctx, luron_split(&y, ctx, a, 0, 0), LURON_E_ARGUMENT, "split: size is 0");
    assert_fails(ctx, luron_split(&y, ctx, one, 1, 0), LURON_E_SHAPE, "split");
    assert_null(y);
    luron_tensor_unref(a);
    luron_tensor_unref(b);
    luron_tensor_unref(one);
}

static void test_index_split(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 5), ROW(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)), *parts[3], *y;
    assert_ok(ctx, luron_split(parts, ctx, x, 2, -1));
    assert_values(parts[0], 0, 1, 5, 6);
    assert_values(parts[1], 2, 3, 7, 8);
    assert_values(parts[2], 4, 9);
    assert_true(luron_tensor_is_shared(parts[1], x));
    assert_ok(ctx, luron_cat(&y, ctx, 3, parts, 1));
    assert_tensor_same(y, x);
    luron_tensor_unref(y);
    for (int i = 0; i < 3; i++) luron_tensor_unref(parts[i]);
    assert_ok(ctx, luron_split(parts, ctx, x, INT64_MAX, 0));
    assert_tensor_same(parts[0], x);
    luron_tensor_unref(parts[0]);
    luron_tensor_unref(x);
}

/* ---- gradients of gradients ------------------------------------------------------------------------------------- */
typedef struct second {
    const index_case *c;
    luron_tensor *ids;
} second;

/** The square of the op's result, so that a second derivative passes through it. */
static luron_status squared(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    const second *s = ud;
    luron_tensor *y;
    LURON_TRY(apply(&y, ctx, s->c->op, s->c->dim, ins[0], s->ids, ins[1]));
    luron_status status = luron_mul(out, ctx, y, y);
    luron_tensor_unref(y);
    return status;
}

static void test_index_gradients_to_order_2(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2, .seed = 3};
    luron_ctx_set_index_base(ctx, 1);
    for (size_t i = 0; i < sizeof index_cases / sizeof *index_cases; i++) {
        const index_case *c = &index_cases[i];
        bool adds = c->src.ndim >= 0;
        luron_tensor *ins[2] = {reference(ctx, LURON_F64, &c->x, 0, true),
                                adds ? reference(ctx, LURON_F64, &c->src, 0, true) : NULL};
        second s = {c, reference(ctx, LURON_I64, &c->ids, 1, true)};
        for (int k = 0; k <= adds; k++) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, ins[k], 1));
        assert_ok(ctx, luron_gradcheck(ctx, squared, &s, 1 + adds, ins, &options));
        luron_tensor_unref(ins[0]);
        luron_tensor_unref(ins[1]);
        luron_tensor_unref(s.ids);
    }
}

static luron_status cat_cubed(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    luron_tensor *y, *square = NULL;
    LURON_TRY(*(int *)ud ? luron_stack(&y, ctx, 2, ins, 1)
                         : luron_cat(&y, ctx, 3, (luron_tensor *[]){ins[0], ins[1], ins[0]}, 1));
    luron_status status = luron_square(&square, ctx, y);
    if (!status) status = luron_mul(out, ctx, square, y);
    luron_tensor_unref(square);
    luron_tensor_unref(y);
    return status;
}

static void test_index_cat_and_stack_gradients(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2, .seed = 4};
    for (int stacks = 0; stacks < 2; stacks++) {
        luron_tensor *ins[2] = {uniform(ctx, LURON_F64, LURON_SHAPE(2, 3)),
                                uniform(ctx, LURON_F64, LURON_SHAPE(2, stacks ? 3 : 2))};
        for (int k = 0; k < 2; k++) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, ins[k], 1));
        assert_ok(ctx, luron_gradcheck(ctx, cat_cubed, &stacks, 2, ins, &options));
        for (int k = 0; k < 2; k++) luron_tensor_unref(ins[k]);
    }
}

/* ---- order of sums, threads ------------------------------------------------------------------------------------- */

/** Many sources for each place, added in float32 in row-major order of src: naive loop, same bits. */
/* Pieces of one size, of one but for the last, and of different sizes each get their own part of the gradient. */
static void test_index_cat_gradient_of_any_sizes(void **state) {
    luron_ctx *ctx = *state;
    static const int64_t sizes[][3] = {{2, 2, 2}, {2, 2, 1}, {1, 2, 2}, {2, 0, 3}, {0, 0, 4}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        luron_tensor *xs[3], *y, *v;
        for (int i = 0; i < 3; i++) {
            xs[i] = uniform(ctx, LURON_F32, 1, &sizes[k][i]);
            assert_ok(ctx, luron_tensor_set_requires_grad(ctx, xs[i], 1));
        }
        assert_ok(ctx, luron_cat(&y, ctx, 3, xs, 0));
        assert_ok(ctx, luron_tensor_arange(&v, ctx, LURON_F32, 0, (double)luron_tensor_numel(y), 1));
        assert_ok(ctx, luron_backward(ctx, y, v, 0));
        double next = 0;
        for (int i = 0; i < 3; i++) {
            double got[4];
            assert_ok(ctx, luron_tensor_read(ctx, luron_tensor_grad(xs[i]), LURON_F64, got));
            for (int64_t j = 0; j < sizes[k][i]; j++) assert_true(got[j] == next++);
            luron_tensor_unref(xs[i]);
        }
        luron_tensor_unref(y);
        luron_tensor_unref(v);
    }
}

static void test_index_sums_in_order_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    enum { ROWS = 4000, COLUMNS = 70, PLACES = 7 };
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(PLACES, COLUMNS)),
                 *src = uniform(ctx, LURON_F32, LURON_SHAPE(ROWS, COLUMNS));
    luron_tensor *list, *table, *want = NULL, *want_columns = NULL;
    assert_ok(ctx, luron_tensor_new(&list, ctx, LURON_I64, LURON_SHAPE(ROWS)));
    assert_ok(ctx, luron_tensor_new(&table, ctx, LURON_I32, LURON_SHAPE(ROWS, COLUMNS)));
    assert_ok(ctx, luron_copy(&want, ctx, x));
    assert_ok(ctx, luron_copy(&want_columns, ctx, x));
    float *sum = luron_tensor_data(want), *sum_columns = luron_tensor_data(want_columns);
    const float *from = luron_tensor_data(src);
    for (int r = 0; r < ROWS; r++) {
        uint32_t w[4];
        int64_t id = ((int64_t *)luron_tensor_data(list))[r] = r * r % PLACES;
        for (int k = 0; k < COLUMNS; k++) {
            luron__philox(1, 0, 0, (uint64_t)(r * COLUMNS + k), w);
            int32_t own = ((int32_t *)luron_tensor_data(table))[r * COLUMNS + k] = (int32_t)(w[0] % PLACES);
            sum[id * COLUMNS + k] += from[r * COLUMNS + k];
            sum_columns[own * COLUMNS + k] += from[r * COLUMNS + k];
        }
    }
    for (int i = 0; i < 4; i++) {
        luron_tensor *y;
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[i]));
        assert_ok(ctx, luron_index_add(&y, ctx, x, 0, list, src));
        assert_tensor_same(y, want);
        luron_tensor_unref(y);
        assert_ok(ctx, luron_scatter_add(&y, ctx, x, 0, table, src));
        assert_tensor_same(y, want_columns);
        luron_tensor_unref(y);
        assert_ok(ctx, luron_index_select(&y, ctx, x, 0, list));
        for (int64_t r = 0; r < ROWS; r += 97)
            assert_memory_equal((float *)luron_tensor_data(y) + r * COLUMNS,
                                (float *)luron_tensor_data(x) + r * r % PLACES * COLUMNS, COLUMNS * sizeof(float));
        luron_tensor_unref(y);
    }
    luron_tensor *all[] = {x, src, list, table, want, want_columns};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) luron_tensor_unref(all[i]);
}

/* ---- every allocation failing once ------------------------------------------------------------------------------ */

static luron_status many_ops(luron_ctx *ctx, luron_tensor *x, luron_tensor *ids) {
    luron_tensor *parts[2] = {NULL}, *t[4] = {NULL};
    luron_status status = luron_split(parts, ctx, x, 2, 0);
    if (!status) status = luron_stack(&t[0], ctx, 2, parts, 1);
    if (!status) status = luron_cat(&t[1], ctx, 2, (luron_tensor *[]){x, x}, 1);
    if (!status) status = luron_index_select(&t[2], ctx, t[1], 1, ids);
    if (!status) status = luron_index_add(&t[3], ctx, t[1], 1, ids, t[2]);
    for (int i = 0; i < 2; i++) luron_tensor_unref(parts[i]);
    for (int i = 0; i < 4; i++) luron_tensor_unref(t[i]);
    return status;
}

static void test_index_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(4, 3)), *ids = tensor_row(ctx, LURON_I64, 5, 0, 5);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    int64_t blocks = luron_ctx_live_blocks(ctx), k = 1;
    for (luron_status status = LURON_E_NOMEM; status; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        status = many_ops(ctx, x, ids);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 20);
    luron_tensor_unref(x);
    luron_tensor_unref(ids);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_index_values_and_gradients_as_pytorch),
        test_case(test_index_any_dtype),
        test_case(test_index_rows_of_any_size),
        test_case(test_index_ids_out_of_range),
        test_case(test_index_refuses_shapes_and_dtypes),
        test_case(test_index_cat_dtypes_as_pytorch),
        test_case(test_index_cat_values),
        test_case(test_index_cat_refuses),
        test_case(test_index_split),
        test_case(test_index_gradients_to_order_2),
        test_case(test_index_cat_and_stack_gradients),
        test_case(test_index_cat_gradient_of_any_sizes),
        test_case(test_index_sums_in_order_at_any_thread_count),
        test_case(test_index_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
