/* Writing and reducing at ids, segments, order: values and gradients against PyTorch, and second derivatives. */
#include "internal.h"
#include "reference.h"

#include <string.h>

#include "../data/indexing_reference.h"

enum { N_CASES = sizeof indexing_cases / sizeof *indexing_cases };

static bool is(const indexing_case *c, const char *op) { return strcmp(c->op, op) == 0; }

typedef luron_status (*segment_fn)(luron_tensor **, luron_ctx *, luron_tensor *, luron_tensor *, int64_t);

/* The one result of an op, of inputs x. */
static luron_status apply_one(luron_tensor **y, luron_ctx *ctx, const indexing_case *c, luron_tensor *const *x) {
    static const struct {
        const char *op;
        segment_fn fn;
    } segments[] = {{"segment_sum", luron_segment_sum},
                    {"segment_mean", luron_segment_mean},
                    {"segment_max", luron_segment_max},
                    {"segment_min", luron_segment_min}};
    int dim = c->at[0], on = c->at[0];
    for (int i = 0; i < 4; i++)
        if (is(c, segments[i].op)) return segments[i].fn(y, ctx, x[0], x[1], c->at[0]);
    if (is(c, "scatter")) return luron_scatter(y, ctx, x[0], dim, x[1], x[2]);
    if (is(c, "scatter_reduce"))
        return luron_scatter_reduce(y, ctx, x[0], dim, x[1], x[2], (int)c->at[1], c->at[2]);
    if (is(c, "index_copy")) return luron_index_copy(y, ctx, x[0], dim, x[1], x[2]);
    if (is(c, "index_fill")) return luron_index_fill(y, ctx, x[0], dim, x[1], c->p);
    if (is(c, "index")) return luron_index(y, ctx, x[0], 2, x + 1);
    if (is(c, "index_1")) return luron_index(y, ctx, x[0], 1, x + 1);
    if (is(c, "index_put")) return luron_index_put(y, ctx, x[0], 2, x + 1, x[3], on);
    if (is(c, "index_put_1")) return luron_index_put(y, ctx, x[0], 1, x + 1, x[2], on);
    if (is(c, "take")) return luron_take(y, ctx, x[0], x[1]);
    if (is(c, "masked_scatter")) return luron_masked_scatter(y, ctx, x[0], x[1], x[2]);
    if (is(c, "bincount")) return luron_bincount(y, ctx, x[0], NULL, c->at[0]);
    if (is(c, "bincount_w")) return luron_bincount(y, ctx, x[0], x[1], c->at[0]);
    if (is(c, "searchsorted")) return luron_searchsorted(y, ctx, x[0], x[1], on);
    if (is(c, "repeat_interleave")) return luron_repeat_interleave(y, ctx, x[0], x[1], dim);
    if (is(c, "logcumsumexp")) return luron_logcumsumexp(y, ctx, x[0], dim);
    if (is(c, "diff")) return luron_diff(y, ctx, x[0], c->at[1], dim);
    if (is(c, "isclose")) return luron_isclose(y, ctx, x[0], x[1], c->p, 0.25, on);
    if (is(c, "movedim")) return luron_movedim(y, ctx, x[0], 2, c->at, c->at + 2);
    return LURON_E_ARGUMENT;
}

/* y[1] and y[2] stay NULL where there are none. */
static luron_status apply(luron_tensor **y, luron_ctx *ctx, const indexing_case *c, luron_tensor *const *x) {
    int dim = c->at[0], keep = c->at[1];
    if (is(c, "unique")) return luron_unique(&y[0], &y[1], &y[2], ctx, x[0]);
    if (is(c, "unique_dim")) return luron_unique_dim(&y[0], &y[1], &y[2], ctx, x[0], dim);
    if (is(c, "median")) return luron_median(&y[0], &y[1], ctx, x[0], dim, keep);
    if (is(c, "mode")) return luron_mode(&y[0], &y[1], ctx, x[0], dim, keep);
    if (is(c, "kthvalue")) return luron_kthvalue(&y[0], &y[1], ctx, x[0], c->at[2], dim, keep);
    if (is(c, "cummax")) return luron_cummax(&y[0], &y[1], ctx, x[0], dim);
    if (is(c, "cummin")) return luron_cummin(&y[0], &y[1], ctx, x[0], dim);
    return apply_one(&y[0], ctx, c, x);
}

/* ---- against PyTorch --------------------------------------------------------------------------------------------- */
static luron_tensor *shifted(luron_ctx *ctx, luron_tensor *t, int by) {
    luron_tensor *number, *sum;
    assert_ok(ctx, luron_scalar_int(&number, ctx, by));
    assert_ok(ctx, luron_add(&sum, ctx, t, number));
    luron_tensor_unref(number);
    luron_tensor_unref(t);
    return sum;
}

static luron_tensor *input(luron_ctx *ctx, const reference_tensor *r, char kind, uint32_t dtype, int base,
                           int scatter) {
    uint32_t of = kind == 'x' ? dtype : kind == 'm' ? LURON_B8 : LURON_I64;
    luron_tensor *t = from_reference(ctx, of, r, scatter);
    if (kind == 'i') t = shifted(ctx, t, base);
    if (kind == 'x') assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

static void check_gradients(luron_ctx *ctx, const indexing_case *c, luron_tensor *y, luron_tensor *const *x,
                            double tolerance) {
    luron_tensor *wanted[4], *g[4], *v = from_reference(ctx, luron_tensor_dtype(y), &c->v, 0);
    int n = 0, at[4];
    for (int k = 0; c->kinds[k]; k++)
        if (c->kinds[k] == 'x') at[n] = k, wanted[n++] = x[k];
    assert_ok(ctx, luron_grad(g, ctx, 1, &y, &v, n, wanted, 0));
    for (int k = 0; k < n; k++) {
        if (c->g[at[k]].ndim >= 0) compare(g[k], &c->g[at[k]], tolerance, tolerance);
        luron_tensor_unref(g[k]);
    }
    luron_tensor_unref(v);
}

static void check_case(luron_ctx *ctx, const indexing_case *c, uint32_t dtype, int base, int scatter) {
    double tolerance = dtype == LURON_F64 ? 1e-12 : 2e-5;
    luron_tensor *x[4] = {NULL}, *y[3] = {NULL};
    luron_ctx_set_index_base(ctx, base);
    for (int k = 0; c->kinds[k]; k++)
        x[k] = input(ctx, &c->x[k], c->kinds[k], dtype, base, scatter);
    luron_status status = apply(y, ctx, c, x);
    if (status) print_error("%s: %s\n", c->op, luron_ctx_error(ctx));
    assert_int_equal(status, LURON_OK);
    luron_ctx_set_index_base(ctx, 1 - base); /* the tape keeps the base of its ids */
    if (c->v.ndim >= 0) check_gradients(ctx, c, y[0], x, tolerance);
    for (int k = 0; c->out[k]; k++) {
        uint32_t want = c->out[k] == 'x' ? dtype : c->out[k] == 'm' ? LURON_B8 : LURON_I64;
        assert_int_equal(luron_tensor_dtype(y[k]), want);
        if (c->out[k] == 'i') y[k] = shifted(ctx, y[k], -base);
        compare(y[k], &c->y[k], tolerance, tolerance);
    }
    for (int k = 0; k < 3; k++)
        luron_tensor_unref(y[k]);
    for (int k = 0; k < 4; k++)
        luron_tensor_unref(x[k]);
}

static void test_indexing_values_and_gradients_as_pytorch(void **state) {
    for (int i = 0; i < N_CASES; i++)
        for (int base = 0; base < 2; base++)
            for (int scatter = 0; scatter < 2; scatter++) {
                check_case(*state, &indexing_cases[i], LURON_F64, base, scatter);
                check_case(*state, &indexing_cases[i], LURON_F32, base, scatter);
            }
}

/* ---- gradients of gradients -------------------------------------------------------------------------------------- */
typedef struct second {
    const indexing_case *c;
    luron_tensor *fixed[4]; /* inputs that are not differentiated, at their places */
} second;

/* The square of the result, so that a second derivative passes through it. */
static luron_status squared(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    const second *s = ud;
    luron_tensor *x[4] = {NULL}, *y[3] = {NULL};
    int n = 0;
    for (int k = 0; s->c->kinds[k]; k++)
        x[k] = s->fixed[k] ? s->fixed[k] : ins[n++];
    LURON_TRY(apply(y, ctx, s->c, x));
    luron_status status = luron_mul(out, ctx, y[0], y[0]);
    for (int k = 0; k < 3; k++)
        luron_tensor_unref(y[k]);
    return status;
}

static bool is_smooth(const reference_tensor *r) {
    for (int64_t i = 0; r->ndim >= 0 && i < luron__numel(r->ndim, r->shape); i++)
        if (!isfinite(r->values[i]) || fabs(r->values[i]) > 1000) return false;
    return true;
}

/* Numbers that meet change places within a step: only where they are all different. */
static bool has_ties(const indexing_case *c) {
    static const char *const ops[] = {"mode", "cummax", "cummin"};
    for (int i = 0; i < 3; i++)
        if (is(c, ops[i])) return c->x[0].ndim > 0;
    return is(c, "scatter_reduce") && c->at[1] > 2 && c->x[0].ndim == 1;
}

static void test_indexing_gradients_to_order_2(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2, .seed = 3};
    int n = 0;
    for (int i = 0; i < N_CASES; i++) {
        const indexing_case *c = &indexing_cases[i];
        if (c->v.ndim < 0 || has_ties(c) || !is_smooth(&c->x[0]) || !is_smooth(&c->y[0])) continue;
        if (is(c, "segment_max") && c->x[0].ndim == 2 && c->x[0].shape[0] == 3) continue;
        luron_tensor *x[4];
        second s = {c, {NULL}};
        int wanted = 0;
        for (int k = 0; c->kinds[k]; k++) {
            luron_tensor *t = input(ctx, &c->x[k], c->kinds[k], LURON_F64, 0, 1);
            if (c->kinds[k] == 'x')
                x[wanted++] = t;
            else
                s.fixed[k] = t;
        }
        luron_status status = luron_gradcheck(ctx, squared, &s, wanted, x, &options);
        if (status) print_error("case %d, %s: %s\n", i, c->op, luron_ctx_error(ctx));
        assert_int_equal(status, LURON_OK);
        for (int k = 0; k < wanted; k++)
            luron_tensor_unref(x[k]);
        for (int k = 0; k < 4; k++)
            luron_tensor_unref(s.fixed[k]);
        n++;
    }
    assert_true(n > 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_indexing_values_and_gradients_as_pytorch),
        test_case(test_indexing_gradients_to_order_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
