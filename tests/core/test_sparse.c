/* Sparse matrices in compressed rows: products and gradients against PyTorch, derivatives of order 2, structures made
 * from pairs and transposed, hostile lists, threads, memory. */
#include "on_tape.h"
#include "reference.h"

#include <stdio.h>
#include <string.h>

#include "../data/linalg_reference.h"

enum { N_CASES = sizeof csr_cases / sizeof *csr_cases };

static luron_tensor *ids(luron_ctx *ctx, int64_t n, const int64_t *from_0) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_new(&t, ctx, LURON_I64, 1, &n));
    int64_t *to = luron_tensor_data(t);
    for (int64_t i = 0; i < n; i++)
        to[i] = from_0[i] + luron_ctx_index_base(ctx);
    return t;
}
#define IDS(ctx, ...)                                                                                                  \
    ids((ctx), sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (const int64_t[]){__VA_ARGS__})

static luron_csr structure(luron_ctx *ctx, const csr_case *c) {
    return (luron_csr){
        .n_cols = c->n_cols, .offsets = ids(ctx, c->n_rows + 1, c->offsets), .cols = ids(ctx, c->n, c->cols)};
}

static void with_transpose(luron_ctx *ctx, luron_csr *a) {
    assert_ok(ctx, luron_csr_transpose(&a->offsets_t, &a->cols_t, &a->order_t, ctx, a));
}

static luron_csr turned(const luron_csr *a) {
    return (luron_csr){.n_cols = luron_tensor_size(a->offsets, 0) - 1,
                       .offsets = a->offsets_t,
                       .cols = a->cols_t,
                       .order = a->order_t,
                       .offsets_t = a->offsets,
                       .cols_t = a->cols,
                       .order_t = a->order};
}

static void drop(luron_csr *a) { release(a->offsets, a->cols, a->order, a->offsets_t, a->cols_t, a->order_t); }

/* ---- against PyTorch --------------------------------------------------------------------------------------------- */
static void check_case(luron_ctx *ctx, const csr_case *c, uint32_t dtype, int base, int scatter, int cached) {
    double tolerance = dtype == LURON_F64 ? 1e-13 : 1e-5;
    luron_ctx_set_index_base(ctx, base);
    luron_csr a = structure(ctx, c);
    if (cached) with_transpose(ctx, &a);
    luron_tensor *ins[2] = {from_reference(ctx, dtype, &c->values, scatter),
                            from_reference(ctx, dtype, &c->x, scatter)};
    luron_tensor *v = from_reference(ctx, dtype, &c->v, scatter), *y, *g[2];
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, ins[0], 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, ins[1], 1));
    assert_ok(ctx, luron_csr_matmul(&y, ctx, &a, ins[0], ins[1]));
    assert_int_equal(luron_tensor_dtype(y), dtype);
    compare(y, &c->y, tolerance, tolerance);
    luron_ctx_set_index_base(ctx, 1 - base); /* the tape keeps the base of its ids */
    assert_ok(ctx, luron_grad(g, ctx, 1, &y, &v, 2, ins, 0));
    compare(g[0], &c->gvalues, tolerance, tolerance);
    compare(g[1], &c->gx, tolerance, tolerance);
    release(ins[0], ins[1], v, y, g[0], g[1]);
    drop(&a);
}

static void test_sparse_values_and_gradients_as_pytorch(void **state) {
    for (int i = 0; i < N_CASES; i++)
        for (int k = 0; k < 8; k++) {
            check_case(*state, &csr_cases[i], LURON_F64, k & 1, k >> 1 & 1, k >> 2);
            check_case(*state, &csr_cases[i], LURON_F32, k & 1, k >> 1 & 1, k >> 2);
        }
}

/* ---- gradients of gradients -------------------------------------------------------------------------------------- */
typedef struct check {
    luron_csr a;
    bool is_sample, is_turned;
} check;

static luron_status squared(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    const check *c = ud;
    luron_csr a = c->is_turned ? turned(&c->a) : c->a;
    luron_tensor *y;
    LURON_TRY(c->is_sample ? luron_csr_sample(&y, ctx, &a, ins[0], ins[1])
                           : luron_csr_matmul(&y, ctx, &a, ins[0], ins[1]));
    luron_status status = luron_square(out, ctx, y);
    luron_tensor_unref(y);
    return status;
}

/* With the transpose at hand and without it; of the transpose itself; of both ops. */
static void test_sparse_gradients_to_order_2(void **state) {
    luron_ctx *ctx = *state;
    const luron_gradcheck_options options = {.order = 2, .seed = 3};
    for (int i = 0; i < N_CASES; i++)
        for (int k = 0; k < 8; k++) {
            const csr_case *c = &csr_cases[i];
            check job = {structure(ctx, c), k & 1, k >> 1 & 1};
            if (k >> 2 || job.is_turned) with_transpose(ctx, &job.a);
            int64_t rows = job.is_turned ? c->n_cols : c->n_rows, cols = job.is_turned ? c->n_rows : c->n_cols;
            luron_tensor *ins[2] = {job.is_sample ? uniform(ctx, LURON_F64, LURON_SHAPE(rows, 2))
                                                  : uniform(ctx, LURON_F64, LURON_SHAPE(c->n)),
                                    uniform(ctx, LURON_F64, LURON_SHAPE(cols, 2))};
            assert_ok(ctx, luron_tensor_set_requires_grad(ctx, ins[0], 1));
            assert_ok(ctx, luron_tensor_set_requires_grad(ctx, ins[1], 1));
            assert_ok(ctx, luron_gradcheck(ctx, squared, &job, 2, ins, &options));
            release(ins[0], ins[1]);
            drop(&job.a);
        }
}

/* ---- structures -------------------------------------------------------------------------------------------------- */
static void assert_ids(luron_ctx *ctx, luron_tensor *t, int64_t n, const int64_t *from_0) {
    assert_int_equal(luron_tensor_numel(t), n);
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(((int64_t *)luron_tensor_data(t))[i] - luron_ctx_index_base(ctx), from_0[i]);
}
#define assert_list(ctx, t, ...)                                                                                       \
    assert_ids((ctx), (t), sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (const int64_t[]){__VA_ARGS__})

static void test_sparse_from_coo(void **state) {
    luron_ctx *ctx = *state;
    for (int base = 0; base < 2; base++) {
        luron_ctx_set_index_base(ctx, base);
        luron_tensor *rows = IDS(ctx, 2, 0, 2, 0, 2), *cols = IDS(ctx, 1, 3, 0, 1, 1), *offsets, *entries, *place;
        assert_ok(ctx, luron_csr_from_coo(&offsets, &entries, &place, ctx, rows, cols, 4, 4));
        assert_list(ctx, offsets, 0, 2, 2, 4, 4);
        assert_list(ctx, entries, 1, 3, 0, 1);
        assert_list(ctx, place, 3, 1, 2, 0, 3); /* the last is the first again */
        release(rows, cols, offsets, entries, place);
        rows = ids(ctx, 0, NULL), cols = ids(ctx, 0, NULL);
        assert_ok(ctx, luron_csr_from_coo(&offsets, &entries, &place, ctx, rows, cols, 2, 0));
        assert_list(ctx, offsets, 0, 0, 0);
        assert_int_equal(luron_tensor_numel(entries), 0);
        release(rows, cols, offsets, entries, place);
    }
}

/* Columns that are not in order, and one that comes twice. */
static void test_sparse_transpose(void **state) {
    luron_ctx *ctx = *state;
    for (int base = 0; base < 2; base++) {
        luron_ctx_set_index_base(ctx, base);
        luron_csr a = {.n_cols = 4, .offsets = IDS(ctx, 0, 3, 3, 5), .cols = IDS(ctx, 3, 1, 3, 0, 1)};
        with_transpose(ctx, &a);
        assert_list(ctx, a.offsets_t, 0, 1, 3, 3, 5);
        assert_list(ctx, a.cols_t, 2, 0, 2, 0, 0);
        assert_list(ctx, a.order_t, 3, 1, 4, 0, 2);
        luron_tensor *values = tensor_row(ctx, LURON_F64, 1, 2, 4, 8, 16), *y,
                     *x = tensor_row(ctx, LURON_F64, 1, 10, 100);
        luron_csr t = turned(&a);
        assert_ok(ctx, luron_csr_matmul(&y, ctx, &t, values, x));
        assert_values(y, 800, 1602, 0, 5);
        luron_tensor_unref(y);
        assert_ok(ctx, luron_csr_matmul(&y, ctx, &t, NULL, x));
        assert_values(y, 100, 101, 0, 2);
        release(values, x, y);
        drop(&a);
    }
}

static void test_sparse_dtypes(void **state) {
    luron_ctx *ctx = *state;
    luron_csr a = {.n_cols = 2, .offsets = IDS(ctx, 0, 1, 2), .cols = IDS(ctx, 1, 0)};
    luron_tensor *f32 = tensor_row(ctx, LURON_F32, 1, 2), *f64 = tensor_row(ctx, LURON_F64, 3, 4),
                 *whole = tensor_row(ctx, LURON_I64, 1, 2), *y;
    assert_ok(ctx, luron_csr_matmul(&y, ctx, &a, f32, f64));
    assert_int_equal(luron_tensor_dtype(y), LURON_F64);
    assert_values(y, 4, 6);
    luron_tensor_unref(y);
    assert_ok(ctx, luron_csr_matmul(&y, ctx, &a, f64, f32));
    assert_int_equal(luron_tensor_dtype(y), LURON_F64);
    luron_tensor_unref(y);
    assert_fails(ctx, luron_csr_matmul(&y, ctx, &a, whole, f32), LURON_E_DTYPE,
                 "csr_matmul: values: float32 or float64 expected, got int64");
    assert_fails(ctx, luron_csr_matmul(&y, ctx, &a, NULL, whole), LURON_E_DTYPE,
                 "csr_matmul: x: float32 or float64 expected, got int64");
    assert_fails(ctx, luron_csr_sample(&y, ctx, &a, f32, whole), LURON_E_DTYPE, "csr_sample: x: float32");
    release(f32, f64, whole);
    drop(&a);
}

/* ---- threads, memory --------------------------------------------------------------------------------------------- */
static void random_pairs(luron_ctx *ctx, int64_t n, int64_t n_rows, int64_t n_cols, luron_tensor **rows,
                         luron_tensor **cols) {
    luron_tensor *u = uniform(ctx, LURON_F64, LURON_SHAPE(2, n));
    const double *values = luron_tensor_data(u);
    assert_ok(ctx, luron_tensor_new(rows, ctx, LURON_I64, 1, &n));
    assert_ok(ctx, luron_tensor_new(cols, ctx, LURON_I64, 1, &n));
    for (int64_t i = 0; i < n; i++) {
        double r = (values[i] + 1) / 2, c = (values[n + i] + 1) / 2;
        ((int64_t *)luron_tensor_data(*rows))[i] = (int64_t)(r * r * r * (double)n_rows); /* some rows are long */
        ((int64_t *)luron_tensor_data(*cols))[i] = (int64_t)(c * (double)n_cols);
    }
    luron_tensor_unref(u);
}

static void test_sparse_same_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    luron_tensor *rows, *cols, *place, *want[3] = {NULL};
    luron_csr a = {.n_cols = 700};
    random_pairs(ctx, 20000, 900, 700, &rows, &cols);
    assert_ok(ctx, luron_csr_from_coo(&a.offsets, &a.cols, &place, ctx, rows, cols, 900, 700));
    with_transpose(ctx, &a);
    luron_tensor *values = uniform(ctx, LURON_F32, LURON_SHAPE(luron_tensor_numel(a.cols))),
                 *x = uniform(ctx, LURON_F32, LURON_SHAPE(700, 19));
    luron_tensor *ins[] = {values, x}, *v = uniform(ctx, LURON_F32, LURON_SHAPE(900, 19));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, values, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    for (int i = 0; i < 4; i++) {
        luron_tensor *y[3];
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[i]));
        assert_ok(ctx, luron_csr_matmul(&y[0], ctx, &a, values, x));
        assert_ok(ctx, luron_grad(&y[1], ctx, 1, &y[0], &v, 2, ins, 0));
        for (int k = 0; k < 3; k++) {
            if (want[k]) assert_tensor_same(y[k], want[k]);
            if (want[k])
                luron_tensor_unref(y[k]);
            else
                want[k] = y[k];
        }
    }
    release(rows, cols, place, values, x, v, want[0], want[1], want[2]);
    drop(&a);
}

static luron_status many_ops(luron_ctx *ctx, luron_tensor *rows, luron_tensor *cols, luron_tensor *values,
                             luron_tensor *x) {
    luron_csr a = {.n_cols = 3};
    luron_tensor *place = NULL, *y[3] = {NULL}, *g[2] = {NULL}, *ins[] = {values, x};
    luron_status status = luron_csr_from_coo(&a.offsets, &a.cols, &place, ctx, rows, cols, 3, 3);
    if (!status) status = luron_csr_matmul(&y[0], ctx, &a, values, x);
    if (!status) status = luron_csr_transpose(&a.offsets_t, &a.cols_t, &a.order_t, ctx, &a);
    if (!status) status = luron_csr_sample(&y[1], ctx, &a, y[0], x);
    if (!status) status = luron_sum(&y[2], ctx, y[1], 0, NULL, 0);
    if (!status) status = luron_grad(g, ctx, 1, &y[2], NULL, 2, ins, LURON_CREATE_GRAPH);
    release(place, y[0], y[1], y[2], g[0], g[1]);
    drop(&a);
    return status;
}

static void test_sparse_without_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *rows = IDS(ctx, 0, 2, 2), *cols = IDS(ctx, 1, 0, 2), *values = LEAF(ctx, 1, 2, 3);
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(3, 2), ROW(1, 2, 3, 4, 5, 6));
    int64_t blocks = luron_ctx_live_blocks(ctx), k = 1;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    for (luron_status status = LURON_E_NOMEM; status; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        status = many_ops(ctx, rows, cols, values, x);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 80);
    release(rows, cols, values, x);
}

/* ---- hostile lists ----------------------------------------------------------------------------------------------- */
static void refuse(luron_ctx *ctx, luron_csr a, luron_status status, const char *text) {
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(3, 2)), *y = NULL, *z[3];
    char with_name[256];
    snprintf(with_name, sizeof with_name, "csr_matmul: %s", text);
    assert_fails(ctx, luron_csr_matmul(&y, ctx, &a, NULL, x), status, with_name);
    assert_fails(ctx, luron_csr_sample(&y, ctx, &a, x, x), status, text);
    assert_fails(ctx, luron_csr_transpose(&z[0], &z[1], &z[2], ctx, &a), status, text);
    assert_null(y);
    luron_tensor_unref(x);
    drop(&a);
}

static luron_csr lists(luron_tensor *offsets, luron_tensor *cols) {
    return (luron_csr){.n_cols = 3, .offsets = offsets, .cols = cols};
}

static void test_sparse_refuses_lists(void **state) {
    luron_ctx *ctx = *state;
    luron_ctx_set_index_base(ctx, 1);
    refuse(ctx, lists(NULL, IDS(ctx, 0)), LURON_E_ARGUMENT, "offsets: a tensor expected");
    refuse(ctx, lists(tensor_row(ctx, LURON_F32, 1, 2), IDS(ctx, 0)), LURON_E_DTYPE,
           "offsets: int64 expected, got float32");
    refuse(ctx, lists(IDS(ctx, 0, 1), tensor_of(ctx, LURON_I64, LURON_SHAPE(1, 1), NULL)), LURON_E_SHAPE,
           "cols: a list (one dim) expected, got (1, 1)");
    refuse(ctx, lists(ids(ctx, 0, NULL), ids(ctx, 0, NULL)), LURON_E_SHAPE,
           "offsets: one more than rows expected, got none");
    refuse(ctx, lists(IDS(ctx, -1, 1), IDS(ctx, 0)), LURON_E_ARGUMENT, "offsets must begin with 1, got 0");
    refuse(ctx, lists(IDS(ctx, 0, 2, 1, 2), IDS(ctx, 0, 1)), LURON_E_ARGUMENT, "offsets fall at position 3: 2 after 3");
    refuse(ctx, lists(IDS(ctx, 0, INT64_MAX - 1, 2), IDS(ctx, 0, 1)), LURON_E_ARGUMENT, "offsets fall at position 3");
    refuse(ctx, lists(IDS(ctx, 0, INT64_MAX - 1), IDS(ctx, 0, 1)), LURON_E_ARGUMENT,
           "offsets must end with 3, for there are 2 entries, got 9223372036854775807");
    refuse(ctx, lists(IDS(ctx, 0, 1), IDS(ctx, 0, 1)), LURON_E_ARGUMENT,
           "offsets must end with 3, for there are 2 entries, got 2");
    refuse(ctx, lists(IDS(ctx, 0, 2), IDS(ctx, 0, 3)), LURON_E_RANGE, "cols: 4 at position 2 is not within 1 to 3");
    refuse(ctx, lists(IDS(ctx, 0, 2), IDS(ctx, -1, 2)), LURON_E_RANGE, "cols: 0 at position 1 is not within 1 to 3");
    refuse(ctx, lists(IDS(ctx, 0, 2), IDS(ctx, INT64_MIN + 5, 2)), LURON_E_RANGE, "cols: ");
    luron_csr a = lists(IDS(ctx, 0, 2), IDS(ctx, 0, 1));
    a.order = IDS(ctx, 1, 1);
    refuse(ctx, a, LURON_E_ARGUMENT, "order: 2 comes a second time at position 2");
    a = lists(IDS(ctx, 0, 2), IDS(ctx, 0, 1)), a.order = IDS(ctx, 0, 2);
    refuse(ctx, a, LURON_E_RANGE, "order: 3 at position 2 is not within 1 to 2");
    a = lists(IDS(ctx, 0, 2), IDS(ctx, 0, 1)), a.order = IDS(ctx, 0);
    refuse(ctx, a, LURON_E_SHAPE, "order: 2 entries expected, got 1");
    a = lists(IDS(ctx, 0, 2), IDS(ctx, 0, 1)), a.offsets_t = IDS(ctx, 0, 1, 2, 2);
    refuse(ctx, a, LURON_E_ARGUMENT, "offsets_t and cols_t: both or none expected");
    a = lists(IDS(ctx, 0, 2), IDS(ctx, 0, 1)), a.offsets_t = IDS(ctx, 0, 2), a.cols_t = IDS(ctx, 0, 0);
    refuse(ctx, a, LURON_E_SHAPE, "offsets_t: 4 numbers expected, one more than columns, got 2");
    a = lists(IDS(ctx, 0, 2), IDS(ctx, 0, 1)), a.offsets_t = IDS(ctx, 0, 1, 2, 2), a.cols_t = IDS(ctx, 0, 1);
    refuse(ctx, a, LURON_E_RANGE, "cols_t: 2 at position 2 is not within 1 to 1");
    a = lists(IDS(ctx, 0, 2), IDS(ctx, 0, 1)), a.n_cols = -1;
    refuse(ctx, a, LURON_E_SHAPE, "n_cols is -1, which is no size");
}

static void test_sparse_refuses_operands(void **state) {
    luron_ctx *ctx = *state;
    luron_csr a = lists(IDS(ctx, 0, 2), IDS(ctx, 0, 1));
    luron_tensor *x = uniform(ctx, LURON_F32, LURON_SHAPE(2, 2)), *right = uniform(ctx, LURON_F32, LURON_SHAPE(3, 2)),
                 *y = NULL, *z[3];
    luron_tensor *cube = uniform(ctx, LURON_F32, LURON_SHAPE(3, 1, 1)), *values = tensor_row(ctx, LURON_F32, 1, 2, 3);
    assert_fails(ctx, luron_csr_matmul(&y, ctx, &a, NULL, x), LURON_E_SHAPE,
                 "csr_matmul: the matrix has 3 columns, so x must have as many rows, got (2, 2)");
    assert_fails(ctx, luron_csr_matmul(&y, ctx, &a, NULL, cube), LURON_E_SHAPE,
                 "csr_matmul: x: a matrix or a vector expected, got (3, 1, 1)");
    assert_fails(ctx, luron_csr_matmul(&y, ctx, &a, values, right), LURON_E_SHAPE,
                 "csr_matmul: values: one for each of 2 entries expected, got (3,)");
    assert_fails(ctx, luron_csr_sample(&y, ctx, &a, x, right), LURON_E_SHAPE,
                 "csr_sample: for a matrix (1, 3), g (1, N) and x (3, N) expected, got (2, 2) and (3, 2)");
    luron_tensor *rows = IDS(ctx, 0, 2), *cols = IDS(ctx, 0, 1);
    assert_fails(ctx, luron_csr_from_coo(&z[0], &z[1], &z[2], ctx, rows, cols, 2, 2), LURON_E_RANGE,
                 "csr_from_coo: row_ids: 2 at position 1 is not within 0 to 1");
    assert_fails(ctx, luron_csr_from_coo(&z[0], &z[1], &z[2], ctx, cols, rows, 2, 2), LURON_E_RANGE,
                 "csr_from_coo: col_ids: 2 at position 1");
    assert_fails(ctx, luron_csr_from_coo(&z[0], &z[1], &z[2], ctx, rows, a.offsets, 2, -1), LURON_E_SHAPE,
                 "csr_from_coo: (2, -1) is no shape of a matrix");
    assert_fails(ctx, luron_csr_from_coo(&z[0], &z[1], &z[2], ctx, rows, values, 2, 2), LURON_E_DTYPE,
                 "csr_from_coo: col_ids: int64 expected");
    luron_tensor *three = IDS(ctx, 0, 1, 1);
    assert_fails(ctx, luron_csr_from_coo(&z[0], &z[1], &z[2], ctx, rows, three, 3, 2), LURON_E_SHAPE,
                 "csr_from_coo: 2 row_ids and 3 col_ids");
    assert_null(y);
    release(x, right, cube, values, rows, cols, three);
    drop(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_sparse_values_and_gradients_as_pytorch),
        test_case(test_sparse_gradients_to_order_2),
        test_case(test_sparse_from_coo),
        test_case(test_sparse_transpose),
        test_case(test_sparse_dtypes),
        test_case(test_sparse_same_bits_at_any_thread_count),
        test_case(test_sparse_without_memory),
        test_case(test_sparse_refuses_lists),
        test_case(test_sparse_refuses_operands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
