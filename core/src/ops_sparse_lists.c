/* ops_sparse_lists.c -- the lists that a sparse structure consists of: checked, transposed, made from pairs. Sorting is
 * by counting: stable, and linear in entries, rows and columns. */
#include "ops_sparse.h"

#include <string.h>

/* ---- checks ------------------------------------------------------------------------------------------------------ */
static luron_status check_list(luron_ctx *ctx, const char *what, const char *name, const luron_tensor *t) {
    char text[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, t, LURON_E_ARGUMENT, "%s: %s: a tensor expected", what, name);
    LURON__CHECK(ctx, t->dtype == LURON_I64, LURON_E_DTYPE, "%s: %s: int64 expected, got %s", what, name,
                 luron_dtype_name(t->dtype));
    LURON__CHECK(ctx, t->ndim == 1, LURON_E_SHAPE, "%s: %s: a list (one dim) expected, got %s", what, name,
                 luron_shape_text(text, sizeof text, t->ndim, t->shape));
    return LURON_OK;
}

/* All ids of a list within size; t is contiguous. */
static luron_status check_ids(luron_ctx *ctx, const char *what, const char *name, const luron_tensor *t, int64_t base,
                              int64_t size) {
    const int64_t *ids = ids_of(t);
    for (int64_t i = 0; i < count_of(t); i++)
        LURON__CHECK(ctx, ids[i] >= base && ids[i] - base < size, LURON_E_RANGE,
                     "%s: %s: %lld at position %lld is not within %lld to %lld%s", what, name, (long long)ids[i],
                     (long long)(i + base), (long long)base, (long long)(size - 1 + base),
                     base == 1 && ids[i] == 0 ? "; ids count from 1 here: 0 is no id" : "");
    return LURON_OK;
}

/* From base to base + entries, never falling; t is contiguous. */
static luron_status check_offsets(luron_ctx *ctx, const char *what, const char *name, const luron_tensor *t,
                                  int64_t base, int64_t entries) {
    const int64_t *at = ids_of(t);
    int64_t n = count_of(t);
    LURON__CHECK(ctx, n >= 1, LURON_E_SHAPE, "%s: %s: one more than rows expected, got none", what, name);
    LURON__CHECK(ctx, at[0] == base, LURON_E_ARGUMENT, "%s: %s must begin with %lld, got %lld%s", what, name,
                 (long long)base, (long long)at[0], base && !at[0] ? "; offsets and ids count from 1 here" : "");
    for (int64_t i = 1; i < n; i++)
        LURON__CHECK(ctx, at[i] >= at[i - 1], LURON_E_ARGUMENT, "%s: %s fall at position %lld: %lld after %lld", what,
                     name, (long long)(i + base), (long long)at[i], (long long)at[i - 1]);
    LURON__CHECK(ctx, at[n - 1] == entries + base, LURON_E_ARGUMENT,
                 "%s: %s must end with %lld, for there are %lld entries, got %lld", what, name,
                 (long long)(entries + base), (long long)entries, (long long)at[n - 1]);
    return LURON_OK;
}

/* Does each entry come once? t is contiguous, its ids are within n. */
static luron_status check_once(luron_ctx *ctx, const char *what, const char *name, const luron_tensor *t,
                               int64_t base) {
    const int64_t *ids = ids_of(t);
    int64_t n = count_of(t), bad = -1;
    char *seen;
    LURON_TRY(luron__alloc(&seen, ctx, (size_t)n));
    for (int64_t i = 0; i < n && bad < 0; i++)
        if (seen[ids[i] - base]++) bad = i;
    luron__free(ctx, seen, (size_t)n);
    LURON__CHECK(ctx, bad < 0, LURON_E_ARGUMENT, "%s: %s: %lld comes a second time at position %lld", what, name,
                 (long long)ids[bad], (long long)(bad + base));
    return LURON_OK;
}

/* One of the two structures; in[] is contiguous. names: for messages. */
static luron_status check_structure(luron_ctx *ctx, const char *what, luron_tensor *const *in, const char *const *names,
                                    int64_t base, int64_t entries, int64_t n_cols) {
    LURON_TRY(check_offsets(ctx, what, names[0], in[0], base, entries));
    LURON__CHECK(ctx, count_of(in[1]) == entries, LURON_E_SHAPE, "%s: %s: %lld entries expected, got %lld", what,
                 names[1], (long long)entries, (long long)count_of(in[1]));
    LURON_TRY(check_ids(ctx, what, names[1], in[1], base, n_cols));
    if (!in[2]) return LURON_OK;
    LURON__CHECK(ctx, count_of(in[2]) == entries, LURON_E_SHAPE, "%s: %s: %lld entries expected, got %lld", what,
                 names[2], (long long)entries, (long long)count_of(in[2]));
    LURON_TRY(check_ids(ctx, what, names[2], in[2], base, entries));
    return check_once(ctx, what, names[2], in[2], base);
}

static const char *const list_names[] = {"offsets", "cols", "order", "offsets_t", "cols_t", "order_t"};

static luron_status check_lists(luron_ctx *ctx, const char *what, luron_tensor *const *in, int64_t n_cols,
                                int64_t base) {
    int64_t entries = count_of(in[COLS]), n_rows = count_of(in[OFFSETS]) - 1;
    LURON_TRY(check_structure(ctx, what, in, list_names, base, entries, n_cols));
    if (!in[OFFSETS_T]) return LURON_OK;
    LURON__CHECK(ctx, count_of(in[OFFSETS_T]) - 1 == n_cols, LURON_E_SHAPE,
                 "%s: offsets_t: %lld numbers expected, one more than columns, got %lld", what, (long long)n_cols + 1,
                 (long long)count_of(in[OFFSETS_T]));
    return check_structure(ctx, what, in + OFFSETS_T, list_names + OFFSETS_T, base, entries, n_rows);
}

luron_status luron__csr_take(luron_tensor **in, luron__expr *e, const char *what, const luron_csr *a) {
    luron_tensor *given[] = {a->offsets, a->cols, a->order, a->offsets_t, a->cols_t, a->order_t};
    luron_ctx *ctx = e->ctx;
    LURON__CHECK(ctx, a->n_cols >= 0 && a->n_cols < INT64_MAX, LURON_E_SHAPE, "%s: n_cols is %lld, which is no size",
                 what, (long long)a->n_cols);
    LURON__CHECK(ctx, !a->offsets_t == !a->cols_t, LURON_E_ARGUMENT, "%s: offsets_t and cols_t: both or none expected",
                 what);
    for (int i = 0; i < 6; i++) {
        in[i] = NULL;
        if (!given[i] && i != OFFSETS && i != COLS) continue;
        LURON_TRY(check_list(ctx, what, list_names[i], given[i]));
        in[i] = luron__expr_1(e, luron_contiguous, given[i]);
        if (e->status) return e->status;
    }
    return check_lists(ctx, what, in, a->n_cols, ctx->index_base);
}

/* ---- transpose --------------------------------------------------------------------------------------------------- */
/* Lists of int64 made together: all or none. */
static luron_status make_lists(luron_tensor **lists, luron_ctx *ctx, int n, const int64_t *sizes) {
    for (int i = 0; i < n; i++) {
        luron_status status = luron__tensor_make(&lists[i], ctx, LURON_I64, 1, &sizes[i]);
        for (int k = 0; k < i && status; k++) {
            luron_tensor_unref(lists[k]);
            lists[k] = NULL;
        }
        if (status) return status;
    }
    return LURON_OK;
}

/* Counting sort of the entries by column. lists: offsets_t, cols_t, order_t; in[] is contiguous and checked. */
luron_status luron__csr_transpose(luron_tensor **lists, luron_ctx *ctx, luron_tensor *const *in, int64_t n_cols,
                                  int64_t base) {
    int64_t entries = count_of(in[COLS]), n_rows = count_of(in[OFFSETS]) - 1, n = 0;
    LURON_TRY(make_lists(lists, ctx, 3, (const int64_t[]){n_cols + 1, entries, entries}));
    const int64_t *offsets = ids_of(in[OFFSETS]), *cols = ids_of(in[COLS]),
                  *order = in[ORDER] ? ids_of(in[ORDER]) : NULL;
    int64_t *at = luron_tensor_data(lists[0]), *rows = luron_tensor_data(lists[1]),
            *places = luron_tensor_data(lists[2]);
    memset(at, 0, (size_t)(n_cols + 1) * sizeof *at);
    for (int64_t e = 0; e < entries; e++)
        at[cols[e] - base]++;
    for (int64_t c = 0; c <= n_cols; c++) { /* counts become where each column begins */
        int64_t count = at[c];
        at[c] = n;
        n += count;
    }
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t e = offsets[r] - base; e < offsets[r + 1] - base; e++) {
            int64_t to = at[cols[e] - base]++;
            rows[to] = r + base;
            places[to] = order ? order[e] : e + base;
        }
    for (int64_t c = n_cols; c > 0; c--)
        at[c] = at[c - 1] + base; /* and were moved on by one */
    at[0] = base;
    return LURON_OK;
}

luron_status luron_csr_transpose(luron_tensor **offsets_t, luron_tensor **cols_t, luron_tensor **order_t,
                                 luron_ctx *ctx, const luron_csr *a) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *in[6], *lists[3] = {NULL}, *none = NULL;
    luron_status status = luron__csr_take(in, &e, "csr_transpose", a);
    if (!status) status = luron__csr_transpose(lists, ctx, in, a->n_cols, ctx->index_base);
    status = luron__csr_finish(&none, &e, NULL, status);
    if (!status) *offsets_t = lists[0], *cols_t = lists[1], *order_t = lists[2];
    return status;
}

/* ---- from lists of places ---------------------------------------------------------------------------------------- */
/* to: the n positions `from` (NULL: 0, 1, ...) sorted by ids, stable. at has size + 1 numbers. */
static void sort_by(int64_t n, const int64_t *ids, int64_t base, int64_t size, const int64_t *from, int64_t *to,
                    int64_t *at) {
    memset(at, 0, (size_t)(size + 1) * sizeof *at);
    for (int64_t i = 0; i < n; i++)
        at[ids[i] - base + 1]++;
    for (int64_t k = 0; k < size; k++)
        at[k + 1] += at[k];
    for (int64_t i = 0; i < n; i++) {
        int64_t position = from ? from[i] : i;
        to[at[ids[position] - base]++] = position;
    }
}

/* Pairs in order become entries, equal ones the same. Gives how many. offsets has n_rows + 1 numbers. */
static int64_t number_entries(int64_t n, const int64_t *order, const int64_t *rows, const int64_t *cols, int64_t base,
                              int64_t n_rows, int64_t *offsets, int64_t *entry_cols, int64_t *place) {
    int64_t entries = 0, row = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t now = order[i];
        bool again = i > 0 && rows[now] == rows[order[i - 1]] && cols[now] == cols[order[i - 1]];
        while (row <= rows[now] - base)
            offsets[row++] = entries + base;
        if (!again) entry_cols[entries++] = cols[now];
        place[now] = entries - 1 + base;
    }
    while (row <= n_rows)
        offsets[row++] = entries + base;
    return entries;
}

/* lists: offsets, cols (room for all pairs), place, then two orders and the counts of the sort. */
static luron_status from_coo(luron_tensor **lists, int64_t *entries, luron_ctx *ctx, const luron_tensor *rows,
                             const luron_tensor *cols, int64_t n_rows, int64_t n_cols) {
    int64_t n = count_of(rows), base = ctx->index_base, size = n_rows > n_cols ? n_rows : n_cols;
    LURON_TRY(check_ids(ctx, "csr_from_coo", "row_ids", rows, base, n_rows));
    LURON_TRY(check_ids(ctx, "csr_from_coo", "col_ids", cols, base, n_cols));
    LURON_TRY(make_lists(lists, ctx, 6, (const int64_t[]){n_rows + 1, n, n, n, n, size + 1}));
    int64_t *list[6];
    for (int i = 0; i < 6; i++)
        list[i] = luron_tensor_data(lists[i]);
    sort_by(n, ids_of(cols), base, n_cols, NULL, list[3], list[5]);
    sort_by(n, ids_of(rows), base, n_rows, list[3], list[4], list[5]);
    *entries = number_entries(n, list[4], ids_of(rows), ids_of(cols), base, n_rows, list[0], list[1], list[2]);
    return LURON_OK;
}

luron_status luron_csr_from_coo(luron_tensor **offsets, luron_tensor **cols, luron_tensor **place, luron_ctx *ctx,
                                luron_tensor *row_ids, luron_tensor *col_ids, int64_t n_rows, int64_t n_cols) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *lists[6] = {NULL}, *front = NULL;
    int64_t entries = 0;
    LURON__CHECK(ctx, n_rows >= 0 && n_cols >= 0 && n_rows < INT64_MAX && n_cols < INT64_MAX, LURON_E_SHAPE,
                 "csr_from_coo: (%lld, %lld) is no shape of a matrix", (long long)n_rows, (long long)n_cols);
    LURON_TRY(check_list(ctx, "csr_from_coo", "row_ids", row_ids));
    LURON_TRY(check_list(ctx, "csr_from_coo", "col_ids", col_ids));
    LURON__CHECK(ctx, count_of(row_ids) == count_of(col_ids), LURON_E_SHAPE,
                 "csr_from_coo: %lld row_ids and %lld col_ids, they must be as many", (long long)count_of(row_ids),
                 (long long)count_of(col_ids));
    luron_tensor *rows = luron__expr_1(&e, luron_contiguous, row_ids);
    luron_tensor *columns = luron__expr_1(&e, luron_contiguous, col_ids);
    luron_status status = e.status;
    if (!status) status = from_coo(lists, &entries, ctx, rows, columns, n_rows, n_cols);
    if (!status) status = luron_narrow(&front, ctx, lists[1], 0, 0, entries);
    if (!status) status = luron_copy(cols, ctx, front); /* no longer than it has to be */
    luron_tensor_unref(front);
    if (!status) *offsets = luron_tensor_ref(lists[0]), *place = luron_tensor_ref(lists[2]);
    for (int i = 0; i < 6; i++)
        luron_tensor_unref(lists[i]);
    luron_tensor *none = NULL;
    return luron__csr_finish(&none, &e, NULL, status);
}
