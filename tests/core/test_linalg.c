/* Linear algebra: values and gradients against PyTorch, derivatives of order 2, what must hold of every factorisation,
 * hard matrices, threads, memory, refusals.                                                                           */
#include "on_tape.h"
#include "reference.h"

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
    for (int i = 0; i < 2 && ins[i]; i++) compare(g[i], &c->g[i], tolerance, 10 * tolerance);
    for (int i = 0; i < n; i++) luron_tensor_unref(v[i]);
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
            luron_status status =
                luron_gradcheck(ctx, squared, &(second){c, result}, ins[1] ? 2 : 1, ins, &options);
            if (status) print_error("case %d, %s, result %d: %s\n", i, c->op, result, luron_ctx_error(ctx));
            assert_int_equal(status, LURON_OK);
            release(ins[0], ins[1]);
            n++;
        }
    }
    assert_true(n > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_linalg_values_and_gradients_as_pytorch),
        test_case(test_linalg_gradients_to_order_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
