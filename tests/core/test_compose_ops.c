/* The table of ops that `compose` gets: every entry is there, and the later ones do what the function of core does. */
#define LURON_PLUGIN_STATIC
#include "internal.h"

#include <string.h>

/* Each line: the op in a composite of x (4, 4), y (4, 4), ids (4) and a mask made from x; and the same by core. */
#define EACH(X)                                                                                                        \
    X(o->prod(c, x, 1, d1, 1), luron_prod(&t, ctx, x, 1, d1, 1))                                                       \
    X(o->amin(c, x, 1, d1, 0), luron_amin(&t, ctx, x, 1, d1, 0))                                                       \
    X(o->any(c, x, 0, NULL, 0), luron_any(&t, ctx, x, 0, NULL, 0))                                                     \
    X(o->all(c, x, 0, NULL, 0), luron_all(&t, ctx, x, 0, NULL, 0))                                                     \
    X(o->logsumexp(c, x, 1, d1, 0), luron_logsumexp(&t, ctx, x, 1, d1, 0))                                             \
    X(o->var(c, x, 1, d1, 0, 1), luron_var(&t, ctx, x, 1, d1, 0, 1))                                                   \
    X(o->std(c, x, 1, d1, 0, 0), luron_std(&t, ctx, x, 1, d1, 0, 0))                                                   \
    X(o->norm(c, x, 2, 1, d1, 1), luron_norm(&t, ctx, x, 2, 1, d1, 1))                                                 \
    X(o->quantile(c, x, 0.3, 1, 0), luron_quantile(&t, ctx, x, 0.3, 1, 0))                                             \
    X(o->argmax(c, x, 1, 0), luron_argmax(&t, ctx, x, 1, 0))                                                           \
    X(o->argmin(c, x, 0, 1), luron_argmin(&t, ctx, x, 0, 1))                                                           \
    X(o->argsort(c, x, 1, 1), luron_argsort(&t, ctx, x, 1, 1))                                                         \
    X(o->sum_to(c, x, LURON_SHAPE(1, 4)), luron_sum_to(&t, ctx, x, LURON_SHAPE(1, 4)))                                 \
    X(o->cumsum(c, x, 0), luron_cumsum(&t, ctx, x, 0))                                                                 \
    X(o->cumprod(c, x, 1), luron_cumprod(&t, ctx, x, 1))                                                               \
    X(o->logcumsumexp(c, x, 1), luron_logcumsumexp(&t, ctx, x, 1))                                                     \
    X(o->diff(c, x, 1, 0), luron_diff(&t, ctx, x, 1, 0))                                                               \
    X(o->permute(c, x, 2, turned), luron_permute(&t, ctx, x, 2, turned))                                               \
    X(o->movedim(c, x, 1, d0, d1), luron_movedim(&t, ctx, x, 1, d0, d1))                                               \
    X(o->unsqueeze(c, x, 1), luron_unsqueeze(&t, ctx, x, 1))                                                           \
    X(o->squeeze(c, o->select(c, x, 0, 2), 0), luron_select(&t, ctx, x, 0, 2))                                         \
    X(o->slice(c, x, 1, 0, 2, 2), luron_slice(&t, ctx, x, 1, 0, 2, 2))                                                 \
    X(o->diagonal(c, x, 1, 0, 1), luron_diagonal(&t, ctx, x, 1, 0, 1))                                                 \
    X(o->diag(c, o->diagonal(c, x, 0, 0, 1), 0), diag_of(&t, ctx, x))                                                  \
    X(o->contiguous(c, o->transpose(c, x, 0, 1)), luron_transpose(&t, ctx, x, 0, 1))                                   \
    X(o->detach(c, x), luron_detach(&t, ctx, x))                                                                       \
    X(o->flip(c, x, 1, d0), luron_flip(&t, ctx, x, 1, d0))                                                             \
    X(o->roll(c, x, 1, 1), luron_roll(&t, ctx, x, 1, 1))                                                               \
    X(o->tile(c, x, LURON_SHAPE(2, 1)), luron_tile(&t, ctx, x, LURON_SHAPE(2, 1)))                                     \
    X(o->pad(c, x, 1, one, one, 5), luron_pad(&t, ctx, x, 1, one, one, 5))                                             \
    X(o->tril(c, x, 0), luron_tril(&t, ctx, x, 0))                                                                     \
    X(o->triu(c, x, 1), luron_triu(&t, ctx, x, 1))                                                                     \
    X(o->masked_fill(c, x, mask, 7), luron_masked_fill(&t, ctx, x, mask, 7))                                           \
    X(o->masked_scatter(c, x, mask, y), luron_masked_scatter(&t, ctx, x, mask, y))                                     \
    X(o->logical_not(c, mask), luron_logical_not(&t, ctx, mask))                                                       \
    X(o->isfinite(c, x), luron_isfinite(&t, ctx, x))                                                                   \
    X(o->isnan(c, x), luron_isnan(&t, ctx, x))                                                                         \
    X(o->isclose(c, x, y, 0.1, 0.1, 0), luron_isclose(&t, ctx, x, y, 0.1, 0.1, 0))                                     \
    X(o->scatter(c, x, 0, wide, y), luron_scatter(&t, ctx, x, 0, wide, y))                                             \
    X(o->scatter_add(c, x, 0, wide, y), luron_scatter_add(&t, ctx, x, 0, wide, y))                                     \
    X(o->scatter_reduce(c, x, 1, wide, y, LURON_AMAX, 1), luron_scatter_reduce(&t, ctx, x, 1, wide, y, LURON_AMAX, 1)) \
    X(o->index_add(c, x, 0, ids, y), luron_index_add(&t, ctx, x, 0, ids, y))                                           \
    X(o->index_copy(c, x, 1, ids, y), luron_index_copy(&t, ctx, x, 1, ids, y))                                         \
    X(o->index_fill(c, x, 1, ids, 3), luron_index_fill(&t, ctx, x, 1, ids, 3))                                         \
    X(o->take(c, x, ids), luron_take(&t, ctx, x, ids))                                                                 \
    X(o->segment_sum(c, x, ids, 4), luron_segment_sum(&t, ctx, x, ids, 4))                                             \
    X(o->segment_mean(c, x, ids, 4), luron_segment_mean(&t, ctx, x, ids, 4))                                           \
    X(o->segment_max(c, x, ids, 4), luron_segment_max(&t, ctx, x, ids, 4))                                             \
    X(o->segment_min(c, x, ids, 4), luron_segment_min(&t, ctx, x, ids, 4))                                             \
    X(o->searchsorted(c, o->sort(c, x, 1, 0, NULL), y, 0), sorted_search(&t, ctx, x, y))                               \
    X(o->stack(c, 2, xs, 0), luron_stack(&t, ctx, 2, xs, 0))                                                           \
    X(o->einsum(c, "ij,kj->ik", 2, xs), luron_einsum(&t, ctx, "ij,kj->ik", 2, xs))                                     \
    X(o->outer(c, o->select(c, x, 0, 0), o->select(c, y, 0, 0)), outer_rows(&t, ctx, x, y))                            \
    X(o->dot(c, o->select(c, x, 0, 0), o->select(c, y, 0, 0)), dot_rows(&t, ctx, x, y))                                \
    X(o->trace(c, x), luron_trace(&t, ctx, x))                                                                         \
    X(o->solve(c, x, y), luron_solve(&t, ctx, x, y))                                                                   \
    X(o->inverse(c, x), luron_inverse(&t, ctx, x))                                                                     \
    X(o->det(c, x), luron_det(&t, ctx, x))                                                                             \
    X(o->cholesky(c, o->matmul(c, x, x, LURON_TRANS_B)), gram_root(&t, ctx, x))                                        \
    X(o->solve_triangular(c, x, y, 1, 0), luron_solve_triangular(&t, ctx, x, y, 1, 0))                                 \
    X(((void)o->slogdet(c, x, &other), other), (luron_slogdet(&u, &t, ctx, x)))                                        \
    X(((void)o->qr(c, x, &other), other), luron_qr(&u, &t, ctx, x))                                                    \
    X(((void)o->eigh(c, x, &other), other), luron_eigh(&u, &t, ctx, x))                                                \
    X(((void)o->svd(c, x, NULL, &other), other), luron_svd(&u, &v, &t, ctx, x))                                        \
    X(o->svd(c, x, &other, NULL), luron_svd(&t, &u, &v, ctx, x))                                                       \
    X(((void)o->sort(c, x, 1, 1, &other), other), luron_sort(&u, &t, ctx, x, 1, 1))                                    \
    X(o->topk(c, x, 2, 1, 1, NULL), luron_topk(&t, &u, ctx, x, 2, 1, 1))                                               \
    X(((void)o->topk(c, x, 2, 1, 0, &other), other), luron_topk(&u, &t, ctx, x, 2, 1, 0))                              \
    X(o->median(c, x, 1, 0, NULL), luron_median(&t, &u, ctx, x, 1, 0))                                                 \
    X(((void)o->mode(c, x, 1, 0, &other), other), luron_mode(&u, &t, ctx, x, 1, 0))                                    \
    X(o->kthvalue(c, x, 2, 1, 0, &other), luron_kthvalue(&t, &u, ctx, x, 2, 1, 0))                                     \
    X(((void)o->cummax(c, x, 1, &other), other), luron_cummax(&u, &t, ctx, x, 1))                                      \
    X(o->cummin(c, x, 0, NULL), luron_cummin(&t, &u, ctx, x, 0))                                                       \
    X(o->csr_matmul(c, offsets, ids, NULL, 4, x), luron_csr_matmul(&t, ctx, &csr, NULL, x))                            \
    X(o->csr_sample(c, offsets, ids, 4, y, x), luron_csr_sample(&t, ctx, &csr, y, x))                                  \
    X(o->asinh(c, x), luron_asinh(&t, ctx, x))                                                                         \
    X(o->acosh(c, x), luron_acosh(&t, ctx, x))                                                                         \
    X(o->atanh(c, x), luron_atanh(&t, ctx, x))
#define COUNT(plugin, core) +1
enum { N_CASES = 0 EACH(COUNT) };

static const int d0[] = {0}, d1[] = {1}, turned[] = {1, 0};
static const int64_t one[] = {1};

typedef struct probe {
    int64_t op;
} probe;

static luron_status probe_setup(luron_call *c) {
    (void)c;
    return LURON_OK;
}
static luron_status probe_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *y = o->in(c, 1), *ids = o->in(c, 2), *wide = o->in(c, 3), *offsets = o->in(c, 4),
                 *xs[] = {x, y}, *other = NULL, *out = NULL;
    luron_tensor *mask = o->gt(c, x, o->scalar(c, 0));
    int64_t at = 0, wanted = ((const probe *)luron_options(c))->op;
#define CASE(plugin, core)                                                                                             \
    if (at++ == wanted) out = plugin;
    EACH(CASE)
    return o->set_out(c, 0, o->cast(c, out, LURON_REAL));
}
static const luron_option *const options[] = {LURON_OPT_INT_REQ(probe, op, 0, 1000, "which"), NULL};
static const luron_port *const in[] = {
    LURON_PORT("x", 0, LURON_REAL, 2, ""),      LURON_PORT("y", 0, LURON_REAL, 2, ""),
    LURON_PORT("ids", 0, LURON_I64, 1, ""),     LURON_PORT("wide", 0, LURON_I64, 2, ""),
    LURON_PORT("offsets", 0, LURON_I64, 1, ""), NULL};
static const luron_layer_type type = {.struct_size = sizeof type,
                                      .flags = LURON_LAYER_F64,
                                      .name = "Probe",
                                      .options = options,
                                      .options_size = sizeof(probe),
                                      .in = in,
                                      .setup = probe_setup,
                                      .compose = probe_compose};
static const luron_layer_type *const layers[] = {&type, NULL};
LURON_PLUGIN_DEFINE(probes) = {.struct_size = sizeof(luron_plugin),
                               .abi_major = LURON_ABI_MAJOR,
                               .name = "probes",
                               .version = "1",
                               .layers = layers};

#include "tensor_assert.h"

/* ---- what core gives ------------------------------------------------------------------------------------------------
 */
typedef luron_status (*of_two)(luron_tensor **, luron_ctx *, luron_tensor *, luron_tensor *);
static luron_status of_rows(luron_tensor **out, luron_ctx *ctx, of_two fn, luron_tensor *x, luron_tensor *y) {
    luron_tensor *a, *b;
    assert_ok(ctx, luron_select(&a, ctx, x, 0, 0));
    assert_ok(ctx, luron_select(&b, ctx, y, 0, 0));
    luron_status status = fn(out, ctx, a, b);
    luron_tensor_unref(a);
    luron_tensor_unref(b);
    return status;
}
static luron_status outer_rows(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *y) {
    return of_rows(out, ctx, luron_outer, x, y);
}
static luron_status dot_rows(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *y) {
    return of_rows(out, ctx, luron_dot, x, y);
}
static luron_status sorted_search(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *y) {
    luron_tensor *sorted, *ids;
    assert_ok(ctx, luron_sort(&sorted, &ids, ctx, x, 1, 0));
    luron_status status = luron_searchsorted(out, ctx, sorted, y, 0);
    luron_tensor_unref(sorted);
    luron_tensor_unref(ids);
    return status;
}
static luron_status diag_of(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *row;
    assert_ok(ctx, luron_diagonal(&row, ctx, x, 0, 0, 1));
    luron_status status = luron_diag(out, ctx, row, 0);
    luron_tensor_unref(row);
    return status;
}
static luron_status gram_root(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *turn, *gram;
    assert_ok(ctx, luron_transpose(&turn, ctx, x, 0, 1));
    assert_ok(ctx, luron_matmul(&gram, ctx, x, turn));
    luron_status status = luron_cholesky(out, ctx, gram);
    luron_tensor_unref(turn);
    luron_tensor_unref(gram);
    return status;
}

static luron_tensor *by_core(luron_ctx *ctx, int64_t wanted, luron_tensor *const *ins) {
    luron_tensor *x = ins[0], *y = ins[1], *ids = ins[2], *wide = ins[3], *offsets = ins[4], *xs[] = {x, y}, *t = NULL,
                 *u = NULL, *v = NULL, *mask, *zero, *cast;
    const luron_csr csr = {.n_cols = 4, .offsets = offsets, .cols = ids};
    assert_ok(ctx, luron_scalar(&zero, ctx, 0));
    assert_ok(ctx, luron_gt(&mask, ctx, x, zero));
    int64_t at = 0;
#define CORE(plugin, core)                                                                                             \
    if (at++ == wanted) assert_ok(ctx, core);
    EACH(CORE)
    assert_ok(ctx, luron_cast(&cast, ctx, t, LURON_F64));
    luron_tensor *made[] = {t, u, v, mask, zero};
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(made[i]);
    return cast;
}

static void test_compose_ops_do_what_core_does(void **state) {
    luron_ctx *ctx = *state;
    static const double x[] = {1, -2, 3, 0.5, -1, 4, 0.25, 2, 3, 1, -5, -0.5, 2, 0, 1, 6},
                        y[] = {2, 1, -1, 0.5, 3, 3, 1, -2, 0, 1, 2, 1, -1, -2, 5, 4}, ids[] = {2, 0, 3, 1},
                        wide[] = {2, 0, 3, 1, 0, 0, 1, 2, 3, 3, 2, 2, 1, 0, 0, 3}, offsets[] = {0, 1, 1, 3, 4};
    luron_tensor *ins[] = {
        tensor_of(ctx, LURON_F64, 2, (int64_t[]){4, 4}, x), tensor_of(ctx, LURON_F64, 2, (int64_t[]){4, 4}, y),
        tensor_of(ctx, LURON_I64, 1, (int64_t[]){4}, ids), tensor_of(ctx, LURON_I64, 2, (int64_t[]){4, 4}, wide),
        tensor_of(ctx, LURON_I64, 1, (int64_t[]){5}, offsets)};
    assert_ok(ctx, luron_plugin_add(ctx, &luron_plugin_probes, NULL));
    for (int64_t i = 0; i < N_CASES; i++) {
        const luron_arg op = {.name = "op", .kind = LURON_ARG_INTEGER, .integer = i};
        luron_layer *layer;
        luron_tensor *got, *flat, *want, *want_flat;
        assert_ok(ctx, luron_layer_new(&layer, ctx, "Probe", 1, &op));
        assert_ok(ctx, luron_layer_apply(&got, ctx, layer, 5, ins));
        want = by_core(ctx, i, ins);
        assert_ok(ctx, luron_contiguous(&flat, ctx, got));
        assert_ok(ctx, luron_contiguous(&want_flat, ctx, want));
        assert_tensor_same(flat, want_flat);
        luron_tensor *made[] = {got, flat, want, want_flat};
        for (int k = 0; k < 4; k++)
            luron_tensor_unref(made[k]);
        luron_layer_unref(layer);
    }
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(ins[i]);
}

static void test_compose_ops_has_every_entry(void **state) {
    (void)state;
    const luron_ops *ops = luron__ops_table();
    const char *table = (const char *)ops;
    assert_int_equal(ops->struct_size, sizeof *ops);
    for (size_t at = offsetof(luron_ops, in); at < sizeof *ops; at += sizeof(void *)) {
        void *entry;
        memcpy(&entry, table + at, sizeof entry);
        if (!entry) fail_msg("the entry at offset %zu is missing", at);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_compose_ops_do_what_core_does),
                                       cmocka_unit_test(test_compose_ops_has_every_entry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
