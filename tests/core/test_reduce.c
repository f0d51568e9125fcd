/* Reductions: values and gradients against PyTorch's, the order of sums, ids, empties, integers, threads. */
#include "internal.h"
#include "kernels/reduce.h"
#include "tensor_assert.h"

#include "reference.h"

#include <stdlib.h>
#include <string.h>

enum { N_REDUCE = sizeof reduce_cases / sizeof *reduce_cases, N_CHOICE = sizeof choice_cases / sizeof *choice_cases };
#define ROW(...)                                                                                                       \
    (const double[]) { __VA_ARGS__ }

typedef struct call {
    const char *op;
    int n_dims, keep;
    const int *dims;
    double correction;
} call;

static luron_status run(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    static const struct {
        const char *name;
        luron_status (*fn)(luron_tensor **, luron_ctx *, luron_tensor *, int, const int *, int);
    } ops[] = {{"sum", luron_sum},   {"mean", luron_mean}, {"prod", luron_prod}, {"amax", luron_amax},
               {"amin", luron_amin}, {"any", luron_any},   {"all", luron_all},   {"sum_squares", luron_sum_squares}};
    const call *c = ud;
    for (int i = 0; i < 8; i++)
        if (!strcmp(ops[i].name, c->op)) return ops[i].fn(out, ctx, ins[0], c->n_dims, c->dims, c->keep);
    assert_string_equal(c->op, "var");
    return luron_var(out, ctx, ins[0], c->n_dims, c->dims, c->keep, c->correction);
}

static luron_tensor *reduced(luron_ctx *ctx, const char *op, luron_tensor *x, int n_dims, const int *dims) {
    luron_tensor *y;
    call c = {op, n_dims, 0, dims, 1};
    assert_ok(ctx, run(&y, ctx, &c, &x));
    return y;
}

/* ---- against PyTorch --------------------------------------------------------------------------------------------- */
static void check_case(luron_ctx *ctx, const reduce_case *k, uint32_t dtype, int layout) {
    call c = {k->op, k->n_dims, k->keep, k->dims, k->correction};
    luron_tensor *x = from_reference(ctx, dtype, &k->x, layout), *v = from_reference(ctx, dtype, &k->v, layout), *y,
                 *gx;
    double tol = dtype == LURON_F64 ? 1e-14 : 4e-7; /* a few roundings: sums are made in double */
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, run(&y, ctx, &c, &x));
    assert_int_equal(luron_tensor_dtype(y), dtype);
    compare(y, &k->y, tol, 0);
    assert_ok(ctx, luron_grad(&gx, ctx, 1, &y, &v, 1, &x, 0));
    compare(gx, &k->gx, 3 * tol, 3 * tol);
    luron_tensor *all[] = {x, v, y, gx};
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(all[i]);
}

static void test_reduce_values_and_gradients_as_pytorch(void **state) {
    for (int i = 0; i < N_REDUCE; i++)
        for (int layout = 0; layout < 2; layout++)
            for (int wide = 0; wide < 2; wide++)
                check_case(*state, &reduce_cases[i], wide ? LURON_F64 : LURON_F32, layout);
}

/* The values of the cases: amax and amin need numbers further apart than eps, prod its zeros. */
static void test_reduce_gradcheck_to_second_order(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2};
    for (int i = 0; i < N_REDUCE; i++) {
        const reduce_case *k = &reduce_cases[i];
        call c = {k->op, k->n_dims, k->keep, k->dims, k->correction};
        bool extreme = k->op[0] == 'a';
        luron_tensor *x =
            extreme ? uniform(ctx, LURON_F64, k->x.ndim, k->x.shape) : from_reference(ctx, LURON_F64, &k->x, 0);
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        assert_ok(ctx, luron_gradcheck(ctx, run, &c, 1, &x, &options));
        luron_tensor_unref(x);
    }
}

static void check_choice(luron_ctx *ctx, const choice_case *k, uint32_t dtype, int layout, int base) {
    luron_tensor *x = from_reference(ctx, dtype, &k->x, layout), *largest, *smallest, *any, *all;
    luron_ctx_set_index_base(ctx, base);
    assert_ok(ctx, luron_argmax(&largest, ctx, x, k->dim, k->keep));
    assert_ok(ctx, luron_argmin(&smallest, ctx, x, k->dim, k->keep));
    assert_ok(ctx, luron_any(&any, ctx, x, 1, &k->dim, k->keep));
    assert_ok(ctx, luron_all(&all, ctx, x, 1, &k->dim, k->keep));
    assert_int_equal(luron_tensor_dtype(largest), LURON_I64);
    assert_int_equal(luron_tensor_dtype(any), LURON_B8);
    for (int64_t i = 0; i < luron_tensor_numel(largest); i++) {
        ((int64_t *)luron_tensor_data(largest))[i] -= base;
        ((int64_t *)luron_tensor_data(smallest))[i] -= base;
    }
    compare(largest, &k->largest, 0, 0);
    compare(smallest, &k->smallest, 0, 0);
    compare(any, &k->any, 0, 0);
    compare(all, &k->all, 0, 0);
    luron_tensor *made[] = {x, largest, smallest, any, all};
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(made[i]);
}

static void test_reduce_ids_any_and_all_as_pytorch(void **state) {
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16};
    for (int i = 0; i < N_CHOICE; i++)
        for (int d = 0; d < 4; d++)
            for (int layout = 0; layout < 2; layout++)
                for (int base = 0; base < 2; base++)
                    check_choice(*state, &choice_cases[i], dtypes[d], layout, base);
}

/* ---- the order of sums ------------------------------------------------------------------------------------------- */
/* In double: blocks of 4096, in a block 16 lanes folded 8-4-2-1, blocks in order; then one rounding. */
static double number_at(uint32_t dtype, const void *x, int64_t i) {
    return dtype == LURON_F32 ? ((const float *)x)[i] : ((const double *)x)[i];
}

static double ordered_sum(uint32_t dtype, int64_t n, const void *x, int64_t at, int64_t stride, bool squares) {
    double total = 0;
    for (int64_t first = 0; first < n; first += 4096) {
        double lane[16] = {0};
        for (int64_t i = 0; i < 4096 && first + i < n; i++) {
            double v = number_at(dtype, x, at + (first + i) * stride);
            lane[i % 16] += squares ? v * v : v;
        }
        for (int half = 8; half; half /= 2)
            for (int l = 0; l < half; l++) lane[l] += lane[l + half];
        double block = lane[0];
        total = first == 0 ? block : total + block;
    }
    return total;
}

static void check_sums(luron_ctx *ctx, uint32_t dtype, int64_t length, int64_t columns) {
    luron_tensor *x = uniform(ctx, dtype, LURON_SHAPE(length, columns)), *t;
    const void *data = luron_tensor_data(x);
    assert_ok(ctx, luron_transpose(&t, ctx, x, 0, 1));
    luron_tensor *y = reduced(ctx, "sum", x, 1, (const int[]){0}), *z = reduced(ctx, "sum", t, 1, (const int[]){1}),
                 *squares = reduced(ctx, "sum_squares", x, 1, (const int[]){0});
    assert_tensor_same(z, y);
    for (int64_t c = 0; c < columns; c++) {
        double square = ordered_sum(dtype, length, data, c, columns, true);
        assert_memory_equal((const double *)luron_tensor_data(squares) + c, &square, sizeof square);
        double want = ordered_sum(dtype, length, data, c, columns, false), got = number_at(dtype, luron_tensor_data(y), c);
        double alone = dtype == LURON_F32 ? luron__sum_f32(length, (const float *)data + c, columns)
                                          : luron__sum_f64(length, (const double *)data + c, columns);
        if (dtype == LURON_F32) want = (float)want;
        assert_memory_equal(&got, &want, sizeof want);
        assert_memory_equal(&alone, &want, sizeof want);
    }
    luron_tensor *all[] = {x, t, y, z, squares};
    for (int k = 0; k < 5; k++)
        luron_tensor_unref(all[k]);
}

static void test_reduce_sums_follow_the_rule(void **state) {
    static const int64_t lengths[] = {1, 7, 8, 9, 100, 4095, 4096, 4097, 70001};
    for (int i = 0; i < 9; i++)
        for (int columns = 1; columns <= 70; columns += 23) {
            check_sums(*state, LURON_F32, lengths[i], columns);
            check_sums(*state, LURON_F64, lengths[i], columns);
        }
}

/* Strides, and the path through memory that they choose, change no bit: in float64, where no rounding hides one. */
static void test_reduce_same_bits_in_any_layout_and_on_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const char *const ops[] = {"sum", "var", "prod", "amax", "sum_squares"};
    static const int64_t shapes[][3] = {{3, 70, 90}, {2, 5, 14000}, {300, 2, 301}, {70000, 2, 3}, {150, 4, 5}, {2, 90, 100}};
    static const struct {
        int n, dims[3];
    } over[] = {{0, {0}}, {1, {0}}, {1, {1}}, {1, {2}}, {2, {0, 2}}, {2, {0, 1}}, {2, {1, 2}}};
    for (int s = 0; s < 6; s++) {
        luron_tensor *x = uniform(ctx, LURON_F64, 3, shapes[s]), *other = scattered(ctx, x);
        for (int op = 0; op < 5; op++)
            for (int o = 0; o < 7; o++) {
                assert_ok(ctx, luron_ctx_set_threads(ctx, 1));
                luron_tensor *first = reduced(ctx, ops[op], x, over[o].n, over[o].dims),
                             *y = reduced(ctx, ops[op], other, over[o].n, over[o].dims);
                assert_tensor_same(y, first);
                luron_tensor_unref(y);
                for (int threads = 2; threads <= 8; threads += threads < 3 ? 1 : 5) {
                    assert_ok(ctx, luron_ctx_set_threads(ctx, threads));
                    y = reduced(ctx, ops[op], threads == 3 ? other : x, over[o].n, over[o].dims);
                    assert_tensor_same(y, first);
                    luron_tensor_unref(y);
                }
                luron_tensor_unref(first);
            }
        luron_tensor_unref(x);
        luron_tensor_unref(other);
    }
}

/* 0.1 in float32, ten million times: a plain loop in float32 gives 1087937. */
static void test_reduce_long_sums_are_accurate(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *one, *x, *y, *m, *v;
    double each = 0.1f;
    assert_ok(ctx, luron_tensor_full(&one, ctx, LURON_F32, LURON_SHAPE(1), 0.1));
    assert_ok(ctx, luron_expand(&x, ctx, one, LURON_SHAPE(10000000)));
    y = reduced(ctx, "sum", x, 0, NULL), m = reduced(ctx, "mean", x, 0, NULL), v = reduced(ctx, "var", x, 0, NULL);
    assert_tensor_close(y, ROW(each * 1e7), 1, 6e-8, 0);
    assert_tensor_close(m, ROW(each), 1, 6e-8, 0);
    assert_tensor_close(v, ROW(0), 1, 0, 1e-18);
    luron_tensor *all[] = {one, x, y, m, v};
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(all[i]);
}

/* Numbers far from 0 with a small spread: var has two passes. */
static void test_reduce_var_of_far_numbers(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F32, 1000001, 1000002, 1000003, 1000004),
                 *v = reduced(ctx, "var", x, 0, NULL);
    assert_tensor_close(v, ROW(5.0 / 3), 1, 1e-7, 0);
    luron_tensor_unref(x);
    luron_tensor_unref(v);
}

/* ---- special values ---------------------------------------------------------------------------------------------- */
static void expect(luron_ctx *ctx, const char *op, luron_tensor *x, uint32_t dtype, double want) {
    luron_tensor *y = reduced(ctx, op, x, 0, NULL);
    assert_int_equal(luron_tensor_dtype(y), dtype);
    assert_tensor_close(y, &want, 1, 0, 0);
    luron_tensor_unref(y);
}

static void test_reduce_nan_wins(void **state) {
    luron_ctx *ctx = *state;
    for (int at = 0; at < 20; at++) {
        double values[20];
        for (int i = 0; i < 20; i++)
            values[i] = i == at ? (double)NAN : i - 10;
        luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(20), values), *id;
        expect(ctx, "amax", x, LURON_F32, (double)NAN);
        expect(ctx, "amin", x, LURON_F32, (double)NAN);
        expect(ctx, "sum", x, LURON_F32, (double)NAN);
        assert_ok(ctx, luron_argmax(&id, ctx, x, 0, 0));
        assert_tensor_close(id, ROW(at), 1, 0, 0);
        luron_tensor_unref(id);
        luron_tensor_unref(x);
    }
}

static void test_reduce_of_nothing(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(0), NULL), *y = NULL,
                 *wide = tensor_of(ctx, LURON_F32, LURON_SHAPE(3, 0), NULL);
    expect(ctx, "sum", x, LURON_F32, 0);
    expect(ctx, "prod", x, LURON_F32, 1);
    expect(ctx, "mean", x, LURON_F32, (double)NAN);
    expect(ctx, "var", x, LURON_F32, (double)NAN);
    expect(ctx, "any", x, LURON_B8, 0);
    expect(ctx, "all", x, LURON_B8, 1);
    assert_fails(ctx, luron_amax(&y, ctx, wide, 1, (const int[]){1}, 0), LURON_E_SHAPE,
                 "amax: there are no numbers to choose from along the dims reduced of (3, 0)");
    assert_fails(ctx, luron_amin(&y, ctx, x, 0, NULL, 0), LURON_E_SHAPE, "amin:");
    assert_fails(ctx, luron_argmax(&y, ctx, wide, 1, 0), LURON_E_SHAPE, "argmax:");
    assert_null(y);
    assert_ok(ctx, luron_amax(&y, ctx, wide, 1, (const int[]){0}, 0)); /* no outputs: nothing to choose */
    assert_shape(y, 0);
    luron_tensor_unref(y);
    luron_tensor_unref(x);
    luron_tensor_unref(wide);
}

static void test_reduce_of_one_number(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 0, NULL, ROW(2.5)), *y;
    expect(ctx, "sum", x, LURON_F32, 2.5);
    expect(ctx, "prod", x, LURON_F32, 2.5);
    expect(ctx, "amax", x, LURON_F32, 2.5);
    expect(ctx, "var", x, LURON_F32, (double)NAN); /* 0 / 0: no spread in one number */
    assert_ok(ctx, luron_var(&y, ctx, x, 0, NULL, 0, 0));
    assert_tensor_close(y, ROW(0), 1, 0, 0);
    luron_tensor_unref(y);
    luron_tensor_unref(x);
}

static void test_reduce_integers_and_bool(void **state) {
    luron_ctx *ctx = *state;
    static const uint32_t dtypes[] = {LURON_I64, LURON_I32, LURON_U8};
    for (int i = 0; i < 3; i++) {
        luron_tensor *x = tensor_row(ctx, dtypes[i], 200, 3, 7, 200, 0), *y;
        expect(ctx, "sum", x, LURON_I64, 410);
        expect(ctx, "prod", x, LURON_I64, 0);
        expect(ctx, "amax", x, dtypes[i], 200);
        expect(ctx, "amin", x, dtypes[i], 0);
        expect(ctx, "mean", x, LURON_F32, 82);
        expect(ctx, "any", x, LURON_B8, 1);
        expect(ctx, "all", x, LURON_B8, 0);
        assert_ok(ctx, luron_argmin(&y, ctx, x, 0, 1));
        assert_tensor_close(y, ROW(4), 1, 0, 0);
        luron_tensor_unref(y);
        luron_tensor_unref(x);
    }
    luron_tensor *b = tensor_row(ctx, LURON_B8, 1, 0, 1), *big = tensor_row(ctx, LURON_I64, 9007199254740992.0, 1),
                 *sum = reduced(ctx, "sum", big, 0, NULL);
    expect(ctx, "sum", b, LURON_I64, 2);
    expect(ctx, "amax", b, LURON_B8, 1);
    expect(ctx, "amin", b, LURON_B8, 0);
    assert_int_equal(*(const int64_t *)luron_tensor_data(sum), 9007199254740993); /* double could not hold it */
    luron_tensor_unref(b);
    luron_tensor_unref(big);
    luron_tensor_unref(sum);
}

/* Sums of squares are float64, whatever is squared: of float32 none overflows or vanishes. The gradient has the operand's dtype. */
static void test_reduce_squares(void **state) {
    luron_ctx *ctx = *state;
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16, LURON_I64, LURON_U8};
    for (int i = 0; i < 6; i++) {
        luron_tensor *x = tensor_row(ctx, dtypes[i], 2, 0, 3, 1), *none = tensor_of(ctx, dtypes[i], LURON_SHAPE(0), NULL), *y, *gx;
        expect(ctx, "sum_squares", x, LURON_F64, 14);
        expect(ctx, "sum_squares", none, LURON_F64, 0);
        if (i < 2) { /* others have no gradient */
            assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
            y = reduced(ctx, "sum_squares", x, 0, NULL);
            assert_ok(ctx, luron_grad(&gx, ctx, 1, &y, NULL, 1, &x, 0));
            assert_int_equal(luron_tensor_dtype(gx), dtypes[i]);
            assert_tensor_close(gx, ROW(4, 0, 6, 2), 4, 0, 0);
            luron_tensor_unref(y);
            luron_tensor_unref(gx);
        }
        luron_tensor_unref(x);
        luron_tensor_unref(none);
    }
    luron_tensor *least = tensor_row(ctx, LURON_F32, 0x1p-140, 0), *root, *g; /* d sqrt(sum x^2) = x / sqrt(sum x^2): 1 */
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, least, 1));
    luron_tensor *sum = reduced(ctx, "sum_squares", least, 0, NULL);
    assert_ok(ctx, luron_sqrt(&root, ctx, sum));
    assert_ok(ctx, luron_grad(&g, ctx, 1, &root, NULL, 1, &least, 0));
    assert_tensor_close(g, ROW(1, 0), 2, 0, 0);
    luron_tensor *of_least[] = {least, root, sum, g};
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(of_least[i]);
    luron_tensor *large = tensor_row(ctx, LURON_F32, 0x1p127, -0x1p127), *small = tensor_row(ctx, LURON_F32, 0x1p-149, 0),
                 *nan = tensor_row(ctx, LURON_F32, 1, (double)NAN, (double)INFINITY), *inf = tensor_row(ctx, LURON_F32, 1, -(double)INFINITY);
    expect(ctx, "sum_squares", large, LURON_F64, 0x1p255);
    expect(ctx, "sum_squares", small, LURON_F64, 0x1p-298);
    expect(ctx, "sum_squares", nan, LURON_F64, (double)NAN);
    expect(ctx, "sum_squares", inf, LURON_F64, (double)INFINITY);
    luron_tensor *all[] = {large, small, nan, inf};
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(all[i]);
}

static void test_reduce_half_precision_sums_in_float32(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *one, *x;
    assert_ok(ctx, luron_tensor_full(&one, ctx, LURON_F16, LURON_SHAPE(1), 1));
    assert_ok(ctx, luron_expand(&x, ctx, one, LURON_SHAPE(4096)));
    expect(ctx, "sum", x, LURON_F16, 4096); /* in float16 a sum of ones stops at 2048 */
    luron_tensor_unref(one);
    luron_tensor_unref(x);
}

/* ---- sum_to ------------------------------------------------------------------------------------------------------ */
typedef struct to_shape {
    int ndim;
    int64_t shape[4];
} to_shape;

static luron_status run_sum_to(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    const to_shape *to = ud;
    return luron_sum_to(out, ctx, ins[0], to->ndim, to->shape);
}

static void test_reduce_sum_to_undoes_broadcasting(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2};
    to_shape tos[] = {{3, {2, 3, 4}}, {2, {3, 4}}, {2, {1, 4}}, {3, {2, 1, 4}}, {3, {1, 3, 1}}, {1, {1}}, {0, {0}}};
    luron_tensor *x = uniform(ctx, LURON_F64, LURON_SHAPE(2, 3, 4));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    for (int i = 0; i < 7; i++) {
        luron_tensor *y;
        double want[24] = {0};
        int64_t places = 0;
        assert_ok(ctx, luron_sum_to(&y, ctx, x, tos[i].ndim, tos[i].shape));
        for (int64_t k = 0; k < 24; k++) {
            int64_t at[3] = {k / 12, k / 4 % 3, k % 4}, place = 0;
            for (int d = 0; d < tos[i].ndim; d++)
                place = place * tos[i].shape[d] + at[3 - tos[i].ndim + d] % tos[i].shape[d];
            want[place] += ((const double *)luron_tensor_data(x))[k];
            if (place >= places) places = place + 1;
        }
        assert_int_equal(luron_tensor_ndim(y), tos[i].ndim);
        assert_tensor_close(y, want, places, 1e-14, 1e-15);
        luron_tensor_unref(y);
        assert_ok(ctx, luron_gradcheck(ctx, run_sum_to, &tos[i], 1, &x, &options));
    }
    luron_tensor *y = NULL;
    assert_fails(ctx, luron_sum_to(&y, ctx, x, LURON_SHAPE(2, 4)), LURON_E_SHAPE,
                 "sum_to: (2, 4) does not broadcast to (2, 3, 4)");
    assert_fails(ctx, luron_sum_to(&y, ctx, x, LURON_SHAPE(1, 2, 3, 4)), LURON_E_SHAPE, "sum_to: (1, 2, 3, 4)");
    luron_tensor_unref(x);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */
static void test_reduce_refuses_dims(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(2, 3)), *y = NULL;
    assert_fails(ctx, luron_sum(&y, ctx, x, 1, (const int[]){2}, 0), LURON_E_RANGE, "sum: dim");
    assert_fails(ctx, luron_mean(&y, ctx, x, 2, (const int[]){0, -3}, 0), LURON_E_RANGE, "mean: dim");
    assert_fails(ctx, luron_prod(&y, ctx, x, 2, (const int[]){1, -1}, 0), LURON_E_ARGUMENT,
                 "prod: dim 1 is listed twice");
    luron_ctx_set_index_base(ctx, 1);
    assert_fails(ctx, luron_prod(&y, ctx, x, 2, (const int[]){1, -1}, 0), LURON_E_ARGUMENT,
                 "prod: dim 2 is listed twice");
    assert_fails(ctx, luron_var(&y, ctx, x, -1, NULL, 0, 1), LURON_E_ARGUMENT, "var: number of dims");
    assert_fails(ctx, luron_argmin(&y, ctx, x, -3, 0), LURON_E_RANGE, "argmin: dim");
    assert_null(y);
    luron_tensor_unref(x);
}

/* Forward and backward with every allocation made to fail, one after the other. */
static void test_reduce_survives_failing_allocations(void **state) {
    luron_ctx *ctx = *state;
    static const char *const ops[] = {"sum", "mean", "var", "prod", "amax", "sum_squares"};
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(3, 5));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    for (int op = 0; op < 6; op++) {
        call c = {ops[op], 1, 0, (const int[]){1}, 1};
        int64_t blocks = luron_ctx_live_blocks(ctx);
        luron_status status = LURON_E_NOMEM;
        for (int k = 1; status; k++) {
            luron_tensor *y = NULL, *total = NULL, *gx = NULL;
            luron_ctx_fail_alloc(ctx, k, 0);
            status = run(&y, ctx, &c, &x);
            if (!status) status = luron_sum(&total, ctx, y, 0, NULL, 0);
            if (!status) status = luron_grad(&gx, ctx, 1, &total, NULL, 1, &x, 0);
            luron_ctx_fail_alloc(ctx, 0, 0);
            luron_tensor_unref(y);
            luron_tensor_unref(total);
            luron_tensor_unref(gx);
            if (status) assert_int_equal(status, LURON_E_NOMEM);
            assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        }
    }
    luron_tensor_unref(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_reduce_values_and_gradients_as_pytorch),
        test_case(test_reduce_gradcheck_to_second_order),
        test_case(test_reduce_ids_any_and_all_as_pytorch),
        test_case(test_reduce_sums_follow_the_rule),
        test_case(test_reduce_same_bits_in_any_layout_and_on_any_thread_count),
        test_case(test_reduce_long_sums_are_accurate),
        test_case(test_reduce_var_of_far_numbers),
        test_case(test_reduce_nan_wins),
        test_case(test_reduce_of_nothing),
        test_case(test_reduce_of_one_number),
        test_case(test_reduce_integers_and_bool),
        test_case(test_reduce_squares),
        test_case(test_reduce_half_precision_sums_in_float32),
        test_case(test_reduce_sum_to_undoes_broadcasting),
        test_case(test_reduce_refuses_dims),
        test_case(test_reduce_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
