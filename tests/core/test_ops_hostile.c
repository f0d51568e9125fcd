/* test_ops_hostile.c -- ops by name, as files have them: whatever their attributes and operands are, an application is
 * refused with a text, or gives what infer said, with gradients that can be taken. Memory beyond a limit is not there.
 */
#include "internal.h"
#include "tensor_assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 200000, MOST_BYTES = 64 << 20 };

/* ---- memory with an end ---------------------------------------------------------------------------------------- */
static void *limited(void *ud, void *ptr, size_t old_size, size_t new_size) {
    int64_t *held = ud;
    if (new_size == 0) {
        free(ptr);
        *held -= (int64_t)old_size;
        return NULL;
    }
    if (new_size > MOST_BYTES || *held + (int64_t)new_size - (int64_t)old_size > MOST_BYTES) return NULL;
    void *p = realloc(ptr, new_size);
    if (p) *held += (int64_t)new_size - (int64_t)old_size;
    return p;
}

/* ---- chance ----------------------------------------------------------------------------------------------------- */
static uint64_t chance = 88172645463325252u;
static uint64_t next(void) {
    chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
    return chance;
}
static int64_t below(int64_t n) { return (int64_t)(next() >> 11) % n; }

static int64_t wild_integer(void) {
    static const int64_t most[] = {
        INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 1, INT32_MIN, INT32_MAX,    -1, 1LL << 31, 1LL << 32,
        1LL << 40, 1LL << 62,     255,       256,           65,        -(1LL << 40), -9, 8,         9,
        1000003,   0x220,         0x221};
    return below(4) ? most[below(sizeof most / sizeof *most)] : (int64_t)next();
}
static double some_number(void) {
    static const double some[] = {0, 1, -1, 0.5, 2, -2.5, 1e300, -1e300, 1e-320, 9e15, 1e20};
    int64_t i = below(16);
    return i < 11    ? some[i]
           : i == 11 ? (double)NAN
           : i == 12 ? (double)INFINITY
           : i == 13 ? -(double)INFINITY
                     : (double)below(9) - 4;
}
static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_I64, LURON_I32,
                                  LURON_U8,  LURON_B8,  LURON_F16, LURON_BF16};

static luron_tensor *some_operand(luron_ctx *ctx, const luron_tensor *like, bool ids) {
    luron_tensor *t, *view;
    int ndim = below(20) ? (int)below(4) : (int)below(LURON_MAX_DIMS + 1);
    int64_t shape[LURON_MAX_DIMS];
    uint32_t dtype = dtypes[below(3) ? below(3) : below(8)];
    for (int d = 0; d < ndim; d++)
        shape[d] = below(12) ? 1 + below(4) : 0;
    if (like && below(2)) { /* so that some fit together */
        ndim = like->ndim;
        memcpy(shape, like->shape, sizeof shape);
        if (ndim && !below(3)) shape[below(ndim)] = 1;
        if (below(2)) dtype = like->dtype;
    }
    if (ids && below(8)) dtype = LURON_I64;
    assert_ok(ctx, luron_tensor_full(&t, ctx, dtype, ndim, shape, 0));
    for (int64_t i = 0; i < luron_tensor_numel(t); i++) {
        double value = dtype == LURON_B8 ? (double)below(2) : (double)below(ids ? 3 : 6) - !ids;
        luron__convert(dtype, luron__data(t) + i * luron_dtype_size(dtype), 1, LURON_F64, &value, 1, 1);
    }
    if (ndim > 1 && !below(3)) {
        assert_ok(ctx, luron_transpose(&view, ctx, t, (int)below(ndim), (int)below(ndim)));
        luron_tensor_unref(t);
        t = view;
    }
    if (luron_dtype_is_float(dtype) && luron_dtype_size(dtype) >= 4 && !t->node && below(2))
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

/* ---- attributes ------------------------------------------------------------------------------------------------- */
static void fill_attr(luron__attrs *attrs, const luron__op_attr *k, const luron_tensor *x) {
    int ndim = x ? x->ndim : 2;
    int64_t *at = &attrs->at[k->place];
    bool wild = !below(6);
    switch (k->kind) {
    case LURON__ATTR_NUM:
        attrs->num[k->place] = some_number();
        return;
    case LURON__ATTR_BASE:
        *at = below(2);
        return; /* settled by who runs it */
    case LURON__ATTR_INT:
        *at = wild ? wild_integer() : below(6) - 1;
        return;
    case LURON__ATTR_DIM:
        *at = wild ? wild_integer() : ndim ? below(2 * ndim) - ndim : 0;
        return;
    case LURON__ATTR_BOOL:
        *at = wild ? wild_integer() : below(2);
        return;
    case LURON__ATTR_DTYPE:
        *at = wild ? wild_integer() : dtypes[below(8)];
        return;
    case LURON__ATTR_DIMS:
        *at = wild ? wild_integer() : below((int64_t)1 << ndim);
        return;
    default:
        break;
    }
    attrs->n = wild && below(2) ? (int32_t)wild_integer() : below(3) ? ndim : (int32_t)below(LURON_MAX_DIMS + 1);
    for (int i = 0; i < LURON_MAX_DIMS; i++) {
        int64_t plain = x && i < ndim && below(2) ? x->shape[i] : below(5) - 1;
        at[i] = wild && !below(3) ? wild_integer() : plain;
    }
    for (int i = 0; i < ndim && !below(3); i++)
        at[i] = (i + 1) % ndim; /* an order of dims */
}

/* ---- one application ----------------------------------------------------------------------------------------------
 */
static void check_gradient(luron_ctx *ctx, luron_tensor *y) {
    luron_tensor *sum;
    if (!y->node || (y->dtype != LURON_F32 && y->dtype != LURON_F64)) return;
    luron_status status = luron_sum(&sum, ctx, y, 0, NULL, 0);
    if (!status) {
        status = luron_backward(ctx, sum, NULL, 0);
        luron_tensor_unref(sum);
    }
    if (!status) return;
    assert_true(*luron_ctx_error(ctx) != 0);
    assert_int_not_equal(status, LURON_E_INTERNAL);
}

/* Every element lies in its storage. A view may repeat one so often that nobody could read them all. */
static void check_elements(luron_ctx *ctx, luron_tensor *y) {
    int64_t numel = luron_tensor_numel(y);
    if (numel > 1 << 20) return;
    void *read = malloc((size_t)(numel * luron_dtype_size(y->dtype)) + 1);
    assert_non_null(read);
    assert_ok(ctx, luron_tensor_read(ctx, y, y->dtype, read));
    free(read);
    check_gradient(ctx, y);
}

/* The lists of a sparse matrix of some rows and columns, as they should be, and what it is multiplied with. */
static void sparse_operands(luron_ctx *ctx, luron_tensor **in, luron__attrs *attrs, bool samples) {
    const int64_t n_rows = below(4), n_cols = 1 + below(3), entries = n_rows ? below(5) : 0, n = below(3),
                  base = luron_ctx_index_base(ctx);
    assert_ok(ctx, luron_tensor_full(&in[0], ctx, LURON_I64, LURON_SHAPE(n_rows + 1), (double)base));
    assert_ok(ctx, luron_tensor_new(&in[1], ctx, LURON_I64, LURON_SHAPE(entries)));
    for (int64_t i = 0; i < entries; i++) {
        ((int64_t *)luron_tensor_data(in[1]))[i] = below(n_cols) + base;
        for (int64_t r = 1 + below(n_rows); r <= n_rows; r++) ((int64_t *)luron_tensor_data(in[0]))[r]++;
    }
    const luron_csr a = {n_cols, in[0], in[1], NULL, NULL, NULL, NULL};
    if (below(2)) assert_ok(ctx, luron_csr_transpose(&in[3], &in[4], &in[5], ctx, &a));
    const uint32_t left = below(2) ? LURON_F32 : LURON_F64, right = below(2) ? LURON_F32 : LURON_F64;
    if (samples) assert_ok(ctx, luron_tensor_full(&in[6], ctx, left, LURON_SHAPE(n_rows, n), 2));
    else if (below(2)) assert_ok(ctx, luron_tensor_full(&in[6], ctx, left, LURON_SHAPE(entries), 2));
    assert_ok(ctx, luron_tensor_full(&in[7], ctx, right, LURON_SHAPE(n_cols, n), 3));
    for (int i = 6; i < 8; i++)
        if (in[i] && below(2)) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[i], 1));
    attrs->at[0] = n_cols;
}

static bool apply(luron_ctx *ctx, const luron__op *op) {
    luron_tensor *in[8] = {NULL}, *y = NULL;
    luron__attrs attrs = {.flags = op->id};
    int n = op->n_in < 0 ? 1 + (int)below(4) : op->n_in;
    const bool sparse = op->optional && below(2), broken = !below(3);
    if (sparse) sparse_operands(ctx, in, &attrs, !luron__may_miss(op, 6));
    for (int i = 0; i < n; i++) {
        if (in[i] && broken && !below(4)) {
            luron_tensor_unref(in[i]);
            in[i] = NULL;
        }
        if (sparse && !broken) continue;
        if (!in[i] && !(luron__may_miss(op, i) && below(2)))
            in[i] = some_operand(ctx, i ? in[below(i)] : NULL, op->ids_in & LURON__SAVE_IN(i));
    }
    for (const luron__op_attr *k = op->attrs; k && k->name && !(sparse && !broken); k++)
        fill_attr(&attrs, k, in[0]);
    luron_dims said;
    luron_status inferred = luron__infer_named(&said, ctx, op, n, in, &attrs),
                 status = luron__apply_named(&y, ctx, op, n, in, &attrs);
    if (status) {
        assert_true(strlen(luron_ctx_error(ctx)) > 0);
        if (status == LURON_E_INTERNAL) fail_msg("%s: %s", op->name, luron_ctx_error(ctx));
    } else {
        assert_int_equal(inferred, LURON_OK);
        assert_int_equal(y->dtype, said.dtype);
        assert_int_equal(y->ndim, said.ndim);
        if (y->ndim) assert_memory_equal(y->shape, said.shape, (size_t)y->ndim * sizeof *y->shape);
        check_elements(ctx, y);
    }
    luron_tensor_unref(y);
    for (int i = 0; i < n; i++)
        luron_tensor_unref(in[i]);
    return !status;
}

static void test_ops_whatever_their_attributes(void **state) {
    (void)state;
    luron_ctx *ctx;
    int64_t held = 0, worked[256] = {0};
    int count = 0;
    while (luron__op_at(count))
        count++;
    assert_true(count > 90 && count < 256);
    assert_int_equal(luron_ctx_new(&ctx, limited, &held), LURON_OK);
    int64_t empty = luron_ctx_live_bytes(ctx);
    assert_ok(ctx, luron_ctx_set_threads(ctx, 2));
    for (int i = 0; i < ROUNDS; i++) {
        luron_ctx_set_index_base(ctx, i % 2);
        int which = i % count;
        worked[which] += apply(ctx, luron__op_at(which));
    }
    for (int i = 0; i < count; i++)
        if (worked[i] < 3) fail_msg("%s worked %d times alone", luron__op_at(i)->name, (int)worked[i]);
    assert_int_equal(luron_ctx_live_bytes(ctx), empty);
    luron_ctx_free(ctx);
    assert_int_equal(held, 0);
}

static void test_ops_names_are_unique(void **state) {
    (void)state;
    const luron__op *op;
    for (int i = 0; (op = luron__op_at(i)); i++) {
        assert_ptr_equal(luron__op_find(op->name), op);
        for (const luron__op_attr *k = op->attrs; k && k->name; k++)
            assert_true(strcmp(k->name, "op") && strcmp(k->name, "inputs") && strcmp(k->name, "batch"));
    }
    assert_null(luron__op_find("layer"));
    assert_null(luron__op_find("function"));
}

/* " `dim` dim, `start` integer " */
static void attrs_text(char to[400], const luron__op *op) {
    static const char *const kinds[] = {"", "integer", "dim", "boolean", "dtype", "integers", "dims", "number"};
    size_t n = (size_t)snprintf(to, 400, " ");
    for (const luron__op_attr *k = op->attrs; k && k->name; k++)
        if (k->kind != LURON__ATTR_BASE)
            n += (size_t)snprintf(to + n, 400 - n, "%s`%s` %s", n > 1 ? ", " : "", k->name, kinds[k->kind]);
    if (n > 1) snprintf(to + n, 400 - n, " ");
}

/* One line of the table: "| `neg`, `abs` | 1 | | ...": how many ops it names. */
static int check_line(char *line) {
    char *cells[4], attrs[400], count[20];
    int n = 0;
    for (int i = 0; i < 4; i++) {
        cells[i] = strtok(i ? NULL : line, "|");
        assert_non_null(cells[i]);
    }
    for (char *name = strtok(cells[0], "` ,"); name; name = strtok(NULL, "` ,"), n++) {
        const luron__op *op = luron__op_find(name);
        if (!op) fail_msg("docs/file-format.md: there is no op '%s'", name);
        attrs_text(attrs, op);
        snprintf(count, sizeof count, op->n_in < 0 ? " 1 or more " : " %d ", op->n_in);
        assert_string_equal(cells[1], count);
        assert_string_equal(cells[2], attrs);
    }
    return n;
}

static void test_ops_are_all_in_the_format(void **state) {
    (void)state;
    char path[600], line[1000];
    int named = 0, ops = 0;
    bool inside = false;
    const luron__op *op;
    snprintf(path, sizeof path, "%s/docs/file-format.md", getenv("LURON_TEST_SOURCE"));
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "| op | operands", 15)) inside = true;
        if (inside && !strncmp(line, "| `", 3)) named += check_line(line);
        if (inside && line[0] != '|') break;
    }
    fclose(f);
    for (int i = 0; (op = luron__op_at(i)); i++)
        ops += !(op->flags & LURON__OP_BY_NUMBERS); /* others stand in no model */
    assert_int_equal(named, ops);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops_whatever_their_attributes),
        cmocka_unit_test(test_ops_names_are_unique),
        cmocka_unit_test(test_ops_are_all_in_the_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
