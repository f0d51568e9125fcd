/* Linear algebra: values and gradients against PyTorch, derivatives of order 2, what must hold of every factorisation,
 * hard matrices. Numbers that are none, threads, memory, refusals: test_linalg_errors.c. */
#include "on_tape.h"
#include "reference.h"

#include <stdlib.h>
#include <string.h>

#include "../data/linalg_reference.h"

enum { N_CASES = sizeof linalg_cases / sizeof *linalg_cases };

static bool is(const linalg_case *c, const char *op) { return strcmp(c->op, op) == 0; }

/* y[0..3): NULL where the function has fewer results. eigh and cholesky take the symmetric part of x. */
static luron_status apply(luron_tensor **y, luron_ctx *ctx, const linalg_case *c, luron_tensor *x, luron_tensor *b) {
    luron_tensor *t = NULL, *sum = NULL, *even = NULL;
    y[0] = y[1] = y[2] = NULL;
    if (is(c, "solve")) return luron_solve(y, ctx, x, b);
    if (is(c, "solve_triangular")) return luron_solve_triangular(y, ctx, x, b, (int)c->p[0], (int)c->p[1]);
    if (is(c, "inverse")) return luron_inverse(y, ctx, x);
    if (is(c, "det")) return luron_det(y, ctx, x);
    if (is(c, "slogdet")) return luron_slogdet(y, y + 1, ctx, x);
    if (is(c, "qr")) return luron_qr(y, y + 1, ctx, x);
    if (is(c, "svd")) return luron_svd(y, y + 1, y + 2, ctx, x);
    if (is(c, "trace")) return luron_trace(y, ctx, x);
    if (is(c, "outer")) return luron_outer(y, ctx, x, b);
    if (is(c, "dot")) return luron_dot(y, ctx, x, b);
    if (is(c, "diag")) return luron_diag(y, ctx, x, c->p[0]);
    if (is(c, "diagonal")) return luron_diagonal(y, ctx, x, c->p[0], (int)c->p[1], (int)c->p[2]);
    luron_status status = luron_transpose(&t, ctx, x, -2, -1);
    if (!status) status = luron_add(&sum, ctx, x, t);
    if (!status) status = luron_scale(&even, ctx, sum, 0.5, 0);
    if (!status) status = is(c, "eigh") ? luron_eigh(y, y + 1, ctx, even) : luron_cholesky(y, ctx, even);
    release(t, sum, even);
    return status;
}

static luron_tensor *operand(luron_ctx *ctx, uint32_t dtype, const reference_tensor *r, int scatter) {
    if (r->ndim < 0) return NULL;
    luron_tensor *t = from_reference(ctx, dtype, r, scatter);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

/* ---- against PyTorch --------------------------------------------------------------------------------------------- */
static void check_case(luron_ctx *ctx, const linalg_case *c, uint32_t dtype, int scatter) {
    double tolerance = dtype == LURON_F64 ? 1e-9 : 2e-3; /* condition numbers up to 1e3 are among the matrices */
    luron_tensor *ins[2] = {operand(ctx, dtype, &c->x, scatter), operand(ctx, dtype, &c->b, scatter)};
    luron_tensor *y[3], *v[3], *live[3], *g[2] = {NULL};
    int n = 0;
    assert_ok(ctx, apply(y, ctx, c, ins[0], ins[1]));
    for (int i = 0; i < 3 && y[i]; i++) {
        assert_int_equal(luron_tensor_dtype(y[i]), dtype);
        compare(y[i], &c->y[i], tolerance, tolerance);
        if (!luron_tensor_requires_grad(y[i])) continue;
        live[n] = y[i];
        v[n++] = from_reference(ctx, dtype, &c->v[i], scatter);
    }
    assert_ok(ctx, luron_grad(g, ctx, n, live, v, ins[1] ? 2 : 1, ins, 0));
    for (int i = 0; i < 2 && ins[i]; i++)
        compare(g[i], &c->g[i], tolerance, 10 * tolerance);
    for (int i = 0; i < n; i++)
        luron_tensor_unref(v[i]);
    release(ins[0], ins[1], y[0], y[1], y[2], g[0], g[1]);
}

static void test_linalg_values_and_gradients_as_pytorch(void **state) {
    for (int i = 0; i < N_CASES; i++)
        for (int scatter = 0; scatter < 2; scatter++) {
            check_case(*state, &linalg_cases[i], LURON_F64, scatter);
            check_case(*state, &linalg_cases[i], LURON_F32, scatter);
        }
}

/* ---- gradients of gradients -------------------------------------------------------------------------------------- */
typedef struct second {
    const linalg_case *c;
    int result;
} second;

static luron_status squared(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    const second *s = ud;
    luron_tensor *y[3];
    LURON_TRY(apply(y, ctx, s->c, ins[0], s->c->b.ndim < 0 ? NULL : ins[1]));
    luron_status status = luron_square(out, ctx, y[s->result]);
    release(y[0], y[1], y[2]);
    return status;
}

static void test_linalg_gradients_to_order_2(void **state) {
    luron_ctx *ctx = *state;
    luron_gradcheck_options options = {.order = 2, .seed = 3, .eps = 1e-5, .rtol = 1e-4, .atol = 1e-4};
    int n = 0;
    for (int i = 0; i < N_CASES; i++) {
        const linalg_case *c = &linalg_cases[i];
        for (int result = 0; result < 3; result++) {
            if (c->y[result].ndim < 0 || (is(c, "slogdet") && result == 0)) continue; /* a sign */
            luron_tensor *ins[2] = {operand(ctx, LURON_F64, &c->x, 1), operand(ctx, LURON_F64, &c->b, 0)};
            luron_status status = luron_gradcheck(ctx, squared, &(second){c, result}, ins[1] ? 2 : 1, ins, &options);
            if (status) print_error("case %d, %s, result %d: %s\n", i, c->op, result, luron_ctx_error(ctx));
            assert_int_equal(status, LURON_OK);
            release(ins[0], ins[1]);
            n++;
        }
    }
    assert_true(n > 100);
}

/* ---- what must hold of every factorisation ----------------------------------------------------------------------- */
static luron_tensor *times(luron_ctx *ctx, luron_tensor *a, luron_tensor *b) { return two(ctx, luron_matmul, a, b); }

static luron_tensor *turned(luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *t;
    assert_ok(ctx, luron_transpose(&t, ctx, x, -2, -1));
    return t;
}

/* The largest size of a - b, in float64. */
static double distance(luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {
    luron_tensor *gap = two(ctx, luron_sub, a, b), *size = one(ctx, luron_abs, gap), *most;
    double d = 0;
    if (luron_tensor_numel(size)) {
        assert_ok(ctx, luron_amax(&most, ctx, size, 0, NULL, 0));
        assert_ok(ctx, luron_tensor_item(&d, ctx, most));
        luron_tensor_unref(most);
    }
    release(gap, size);
    return d;
}

/* x (m,k): is x^T x the identity? */
static void assert_orthonormal(luron_ctx *ctx, luron_tensor *x, double tolerance) {
    luron_tensor *t = turned(ctx, x), *product = times(ctx, t, x), *ones, *eye;
    assert_ok(ctx, luron_tensor_full(&ones, ctx, luron_tensor_dtype(x), LURON_SHAPE(luron_tensor_size(x, 1)), 1));
    assert_ok(ctx, luron_diag(&eye, ctx, ones, 0));
    assert_true(distance(ctx, product, eye) < tolerance);
    release(t, product, ones, eye);
}

static void assert_svd(luron_ctx *ctx, luron_tensor *a, double size) {
    double tolerance = luron_tensor_dtype(a) == LURON_F64 ? 1e-13 : 1e-5;
    luron_tensor *u, *s, *vh, *v, *scaled, *back;
    assert_ok(ctx, luron_svd(&u, &s, &vh, ctx, a));
    v = turned(ctx, vh);
    assert_orthonormal(ctx, u, tolerance);
    assert_orthonormal(ctx, v, tolerance);
    scaled = two(ctx, luron_mul, u, s);
    back = times(ctx, scaled, vh);
    assert_true(distance(ctx, a, back) <= tolerance * size);
    int64_t k = luron_tensor_size(s, 0);
    double *values = malloc((size_t)(k + 1) * sizeof *values);
    assert_non_null(values);
    assert_ok(ctx, luron_tensor_read(ctx, s, LURON_F64, values));
    for (int64_t i = 0; i < k; i++)
        assert_true(values[i] >= 0 && (i == 0 || values[i] <= values[i - 1]));
    free(values);
    release(u, s, vh, v, scaled, back);
}

static void assert_qr_and_eigh(luron_ctx *ctx, luron_tensor *a, double size) {
    double tolerance = luron_tensor_dtype(a) == LURON_F64 ? 1e-13 : 1e-5;
    luron_tensor *q, *r, *back, *upper, *t, *even, *values, *scaled;
    assert_ok(ctx, luron_qr(&q, &r, ctx, a));
    assert_orthonormal(ctx, q, tolerance);
    assert_ok(ctx, luron_triu(&upper, ctx, r, 0));
    assert_true(distance(ctx, r, upper) == 0);
    back = times(ctx, q, r);
    assert_true(distance(ctx, a, back) <= tolerance * size);
    release(q, back, r);
    t = turned(ctx, a);
    even = times(ctx, t, a);
    assert_ok(ctx, luron_eigh(&values, &q, ctx, even));
    assert_orthonormal(ctx, q, tolerance);
    scaled = two(ctx, luron_mul, q, values);
    luron_tensor_unref(t);
    t = turned(ctx, q);
    back = times(ctx, scaled, t);
    assert_true(distance(ctx, even, back) <= 10 * tolerance * size * size);
    release(q, upper, t, even, values, scaled, back);
}

static void test_linalg_factors_of_all_shapes(void **state) {
    luron_ctx *ctx = *state;
    static const int64_t sizes[] = {1, 2, 3, 7, 20, 61};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (int i = 0; i < SIZES; i++)
        for (int k = 0; k < SIZES; k++)
            for (int is_double = 0; is_double < 2; is_double++) {
                uint32_t dtype = is_double ? LURON_F64 : LURON_F32;
                luron_tensor *a = uniform(ctx, dtype, LURON_SHAPE(sizes[i], sizes[k]));
                double size = 4 * sqrt((double)(sizes[i] * sizes[k]));
                assert_svd(ctx, a, size);
                assert_qr_and_eigh(ctx, a, size);
                luron_tensor_unref(a);
            }
}

/* Of low rank, zero, with equal columns, huge, tiny, and between both. */
static void test_linalg_factors_of_hard_matrices(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = uniform(ctx, LURON_F64, LURON_SHAPE(9, 2)), *y = uniform(ctx, LURON_F64, LURON_SHAPE(2, 6));
    luron_tensor *low = times(ctx, x, y), *low_t = turned(ctx, low), *zero, *full, *scaled;
    assert_ok(ctx, luron_tensor_full(&zero, ctx, LURON_F64, LURON_SHAPE(5, 3), 0));
    assert_ok(ctx, luron_tensor_full(&full, ctx, LURON_F64, LURON_SHAPE(4, 4), 1));
    assert_svd(ctx, low, 8);
    assert_svd(ctx, low_t, 8);
    assert_svd(ctx, zero, 0);
    assert_svd(ctx, full, 4);
    assert_qr_and_eigh(ctx, low, 8);
    assert_qr_and_eigh(ctx, zero, 0);
    assert_qr_and_eigh(ctx, full, 4);
    static const double powers[] = {1e300, 1e-300, 5e-324};
    for (int i = 0; i < 3; i++) {
        assert_ok(ctx, luron_scale(&scaled, ctx, full, powers[i], 0));
        assert_svd(ctx, scaled, 4 * powers[i] / 1e-13 * 1e-12);
        luron_tensor_unref(scaled);
    }
    release(x, y, low, low_t, zero, full);
}

/* Small singular values keep all their digits (Demmel and Veselic 1992). Of diag(d) times a well-conditioned b. */
static void test_linalg_svd_of_graded_columns(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 3), ROW(1, 1e-10, 1e-20, 0, 1e-10, 1e-20, 0, 0, 1e-20));
    luron_tensor *u, *s, *vh, *prod;
    assert_ok(ctx, luron_svd(&u, &s, &vh, ctx, a));
    assert_ok(ctx, luron_prod(&prod, ctx, s, 0, NULL, 0));
    assert_values(prod, 1e-30); /* the determinant */
    assert_true(((double *)luron_tensor_data(s))[2] > 0.5e-20);
    release(a, u, s, vh, prod);
}

/* Signs do not hang on rounding where elements are equal in size. */
static void test_linalg_signs(void **state) {
    luron_ctx *ctx = *state;
    const double h = sqrt(0.5);
    luron_tensor *a = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2), ROW(2, -1, -1, 2)), *values, *q, *u, *s, *vh;
    assert_ok(ctx, luron_eigh(&values, &q, ctx, a));
    assert_ok(ctx, luron_svd(&u, &s, &vh, ctx, a));
    assert_values(values, 1, 3);
    assert_values(q, h, h, h, -h);
    assert_values(s, 3, 1);
    assert_values(u, h, h, -h, h);
    assert_values(vh, h, -h, h, h);
    release(a, values, q, u, s, vh);
}

/* ---- gradients where formulas divide by 0 ------------------------------------------------------------------------ */
/* Through the sum of s alone: u vh, with equal values, with zeros, of any shape. */
static void test_linalg_gradient_through_singular_values(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *eye = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2), ROW(3, 0, 0, 3)), *u, *s, *vh, *g, *sum;
    luron_tensor *flat = tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 2), ROW(2, 0, 0, 0, 0, 0));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, eye, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, flat, 1));
    assert_ok(ctx, luron_svd(&u, &s, &vh, ctx, eye));
    sum = total(ctx, s);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &sum, NULL, 1, &eye, 0));
    assert_values(g, 1, 0, 0, 1);
    release(u, s, vh, g, sum);
    assert_ok(ctx, luron_svd(&u, &s, &vh, ctx, flat));
    luron_tensor *squares = one(ctx, luron_square, s);
    sum = total(ctx, squares);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &sum, NULL, 1, &flat, 0));
    assert_values(g, 4, 0, 0, 0, 0, 0);
    release(u, s, vh, g, sum, squares);
    assert_ok(ctx, luron_eigh(&s, &u, ctx, eye));
    sum = total(ctx, s);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &sum, NULL, 1, &eye, 0));
    assert_values(g, 1, 0, 0, 1);
    release(u, s, g, sum, eye, flat);
}

/* A gradient through u and vh of equal singular values does not exist: it is not finite, as in PyTorch, never wrong. */
static void test_linalg_gradient_through_vectors_of_equal_values(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *eye = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2), ROW(1, 0, 0, 1)), *u, *s, *vh, *g, *product;
    luron_tensor *w = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2), ROW(1, 2, 3, 4)), *finite;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, eye, 1));
    assert_ok(ctx, luron_svd(&u, &s, &vh, ctx, eye));
    luron_tensor *scaled = two(ctx, luron_mul, u, s);
    product = times(ctx, scaled, vh);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &product, &w, 1, &eye, 0));
    finite = one(ctx, luron_isfinite, g);
    assert_values(finite, 0, 0, 0, 0);
    release(eye, u, s, vh, g, product, w, finite, scaled);
}

/* Cofactors, at ranks n - 1 and n - 2, alone and in a batch with another; and the derivative of that. */
static void test_linalg_det_of_singular_matrices(void **state) {
    luron_ctx *ctx = *state;
    static const double values[] = {1, 2, 3, 2, 4, 6, 0, 1, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 0, 1, 4, 5, 6, 0};
    static const double cofactors[] = {14, -10, 2, -7, 5,   -1, 0,  0,  0,   0, 0, 0,  0, 0,
                                       0,  0,   0, 0,  -24, 20, -5, 18, -15, 4, 5, -4, 1};
    luron_tensor *a = tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 3, 3), values), *y, *g, *ones, *rank1;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, a, 1));
    assert_ok(ctx, luron_det(&y, ctx, a));
    assert_tensor_close(y, ROW(0, 0, 1), 3, 1e-12, 1e-12);
    ones = tensor_row(ctx, LURON_F64, 1, 1, 1);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &y, &ones, 1, &a, 0));
    assert_tensor_close(g, cofactors, 27, 1e-12, 1e-12);
    rank1 = tensor_of(ctx, LURON_F64, LURON_SHAPE(3, 3), values);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, rank1, 1));
    luron_gradcheck_options options = {.order = 2, .seed = 3, .eps = 1e-5};
    static const linalg_case det = {.op = "det", .b = {.ndim = -1}};
    assert_ok(ctx, luron_gradcheck(ctx, squared, &(second){&det, 0}, 1, &rank1, &options));
    /* Singular values of a neighbour that are equal are none of its business. */
    luron_tensor *pair = tensor_of(ctx, LURON_F64, LURON_SHAPE(2, 2, 2), ROW(1, 2, 2, 4, 1, 0, 0, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, pair, 1));
    assert_ok(ctx, luron_gradcheck(ctx, squared, &(second){&det, 0}, 1, &pair, &options));
    release(a, y, g, ones, rank1, pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_linalg_values_and_gradients_as_pytorch),
        test_case(test_linalg_gradients_to_order_2),
        test_case(test_linalg_factors_of_all_shapes),
        test_case(test_linalg_factors_of_hard_matrices),
        test_case(test_linalg_svd_of_graded_columns),
        test_case(test_linalg_signs),
        test_case(test_linalg_gradient_through_singular_values),
        test_case(test_linalg_gradient_through_vectors_of_equal_values),
        test_case(test_linalg_det_of_singular_matrices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
