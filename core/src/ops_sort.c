/* ops_sort.c -- ids of elements: in order of size (sort, argsort, topk), and of those that are not 0 (nonzero). Ids
 * count from the index base of the context at the time of the call, which the attributes keep. Sorting is stable, and
 * NaN counts as larger than everything, as in PyTorch.                                                               */
#include "ops_rows.h"

#include <string.h>

enum { GRAIN = 4096, RUN = 16 /* sorted by insertion */, FEW = 64, MANY = 400 /* from here on by digits */, BATCH = 1 << 18 /* elements sorted at a time */ };

/* ---- argsort: at = dim, base, descending, how many are wanted ----------------------------------------------------- */
typedef struct item {
    uint64_t key; /* ordered as the elements are */
    int64_t id;
} item;
typedef struct sorting {
    int dim;
    int64_t n, k, base, first; /* first row of this batch */
    bool descending;
    const luron_tensor *x;
    luron_tensor *out;
    item *work; /* 2 n for each row of a batch */
} sorting;

/* -0 and 0 are one, NaN is the largest. */
static uint64_t key_of_real(double value) {
    const uint64_t sign = (uint64_t)1 << 63;
    uint64_t bits;
    if (value != value) return UINT64_MAX;
    value += 0.0;
    memcpy(&bits, &value, sizeof bits);
    return bits & sign ? ~bits : bits | sign;
}

static void read_keys(const sorting *s, int64_t row, item *items) {
    enum { BLOCK = 128 };
    int64_t stride = luron__row_stride(s->x, s->dim), size = luron_dtype_size(s->x->dtype);
    const char *from = luron__row(s->x, s->dim, row);
    bool real = luron_dtype_is_float(s->x->dtype);
    double reals[BLOCK];
    int64_t wholes[BLOCK];
    for (int64_t done = 0, k; done < s->n; done += k) {
        k = s->n - done < BLOCK ? s->n - done : BLOCK;
        luron__convert(real ? LURON_F64 : LURON_I64, real ? (void *)reals : wholes, 1, s->x->dtype,
                       from + done * stride * size, stride, k);
        for (int64_t i = 0; i < k; i++) {
            uint64_t key = real ? key_of_real(reals[i]) : (uint64_t)wholes[i] ^ (uint64_t)1 << 63;
            items[done + i] = (item){s->descending ? ~key : key, done + i + s->base};
        }
    }
}

static void sort_runs(item *items, int64_t n) {
    for (int64_t begin = 0; begin < n; begin += RUN) {
        int64_t end = n - begin < RUN ? n : begin + RUN;
        for (int64_t i = begin + 1; i < end; i++) {
            item one = items[i];
            int64_t to = i;
            for (; to > begin && items[to - 1].key > one.key; to--) items[to] = items[to - 1];
            items[to] = one;
        }
    }
}

/* By digits of 8 bits, the last first; a digit that all keys share (float32 has three such) needs no pass. */
static const item *sort_by_digits(item *items, item *room, int64_t n) {
    enum { DIGITS = 8, VALUES = 256 };
    uint32_t count[DIGITS][VALUES] = {{0}};
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < DIGITS; d++) count[d][items[i].key >> 8 * d & 255]++;
    for (int d = 0; d < DIGITS; d++) {
        if (count[d][items[0].key >> 8 * d & 255] == n) continue;
        uint32_t before = 0;
        for (int v = 0; v < VALUES; v++) {
            const uint32_t here = count[d][v];
            count[d][v] = before;
            before += here;
        }
        for (int64_t i = 0; i < n; i++) room[count[d][items[i].key >> 8 * d & 255]++] = items[i];
        item *other = items;
        items = room, room = other;
    }
    return items;
}

/* Sorted: items, or the room beside them that the merges go through. */
static const item *sort_items(item *items, item *room, int64_t n) {
    if (n >= MANY && n <= UINT32_MAX) return sort_by_digits(items, room, n);
    sort_runs(items, n);
    for (int64_t width = RUN; width < n; width *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * width) {
            int64_t middle = n - begin < width ? n : begin + width, end = n - middle < width ? n : middle + width;
            int64_t a = begin, b = middle;
            for (int64_t to = begin; to < end; to++)
                room[to] = a < middle && (b == end || items[a].key <= items[b].key) ? items[a++] : items[b++];
        }
        item *other = items;
        items = room, room = other;
    }
    return items;
}

/* The first k of n, for a small k: the k first so far stand sorted in front, and few of the others get in. */
static void select_items(item *items, int64_t n, int64_t k) {
    for (int64_t i = 1; i < n; i++) {
        item one = items[i];
        int64_t to = i < k ? i : k;
        if (i >= k && items[k - 1].key <= one.key) continue;
        if (to == k) to--; /* the last one goes */
        for (; to > 0 && items[to - 1].key > one.key; to--) items[to] = items[to - 1];
        items[to] = one;
    }
}

static void some_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const sorting *s = arg;
    (void)chunk;
    for (int64_t r = begin; r < end; r++) {
        item *items = s->work + r * 2 * s->n;
        read_keys(s, s->first + r, items);
        const item *sorted = items;
        if (s->k < s->n && s->k <= FEW)
            select_items(items, s->n, s->k);
        else
            sorted = sort_items(items, items + s->n, s->n);
        int64_t *to = (int64_t *)(void *)luron__row(s->out, s->dim, s->first + r);
        for (int64_t i = 0; i < s->k; i++) to[i * luron__row_stride(s->out, s->dim)] = sorted[i].id;
    }
}

static luron_status argsort_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    int64_t k = a->attrs.at[3];
    LURON_TRY(luron__attr_dim(ctx, a, 0, x->ndim));
    LURON_TRY(luron__attr_base(ctx, a, 1));
    LURON_TRY(luron__attr_bool(ctx, a, 2, "descending"));
    if (k == -1) k = a->attrs.at[3] = luron__row_length(x, (int)a->attrs.at[0]);
    LURON__CHECK(ctx, k >= (x->ndim == 0) && k <= luron__row_length(x, (int)a->attrs.at[0]), LURON_E_RANGE,
                 "argsort: %lld are wanted of %lld", (long long)k,
                 (long long)luron__row_length(x, (int)a->attrs.at[0]));
    a->dtype = LURON_I64, a->ndim = x->ndim;
    memcpy(a->shape, x->shape, sizeof a->shape);
    if (a->ndim) a->shape[a->attrs.at[0]] = a->attrs.at[3];
    return LURON_OK;
}

static luron_status argsort_compute(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    const int64_t *at = a->attrs.at;
    sorting s = {.dim = (int)at[0], .base = at[1], .descending = at[2] != 0, .k = at[3], .x = x, .out = a->out};
    s.n = luron__row_length(x, s.dim);
    int64_t rows = luron__row_count(x, s.dim);
    if (s.n == 0 || s.k == 0 || rows == 0) return LURON_OK;
    int64_t batch = BATCH / s.n < 1 ? 1 : BATCH / s.n < rows ? BATCH / s.n : rows;
    size_t bytes = (size_t)(batch * s.n) * 2 * sizeof(item);
    if (!(s.work = luron__take(ctx, bytes))) return luron__nomem(ctx, bytes);
    for (; s.first < rows; s.first += batch) {
        int64_t count = rows - s.first < batch ? rows - s.first : batch;
        luron__parallel_for(ctx->threads, count, GRAIN / s.n + 1, some_rows, &s);
    }
    luron__pool_free(ctx->pool, s.work, bytes);
    return LURON_OK;
}

static const luron__op_attr argsort_attrs[] = {{"dim", LURON__ATTR_DIM, 0},
                                            {"base", LURON__ATTR_BASE, 1},
                                            {"descending", LURON__ATTR_BOOL, 2},
                                            {"count", LURON__ATTR_INT, 3},
                                            {0}};
static const luron__op op_argsort = {.name = "argsort",
                                     .infer = argsort_infer,
                                     .compute = argsort_compute,
                                     .attrs = argsort_attrs,
                                     .n_in = 1,
                                     .flags = LURON__OP_GIVES_IDS};

luron_status luron_argsort(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int descending) {
    LURON_TRY(luron__wrap_dim(&dim, ctx, "argsort: dim", x->ndim));
    luron__attrs attrs = {.at = {dim, ctx->index_base, descending != 0, luron__row_length(x, dim)}};
    return luron__apply_op(out, ctx, &op_argsort, 1, &x, &attrs);
}

/* The first k in order: their ids, and themselves, gathered, so that a gradient goes back to their places. */
static luron_status order(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim,
                          int descending, int64_t k) {
    luron__attrs attrs = {.at = {dim, ctx->index_base, descending != 0, k}};
    luron_tensor *found;
    LURON_TRY(luron__apply_op(&found, ctx, &op_argsort, 1, &x, &attrs));
    luron_status status = luron_gather(values, ctx, x, dim, found);
    if (status)
        luron_tensor_unref(found);
    else
        *ids = found;
    return status;
}

luron_status luron_sort(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int dim,
                        int descending) {
    LURON_TRY(luron__wrap_dim(&dim, ctx, "sort: dim", x->ndim));
    return order(values, ids, ctx, x, dim, descending, luron__row_length(x, dim));
}

luron_status luron_topk(luron_tensor **values, luron_tensor **ids, luron_ctx *ctx, luron_tensor *x, int64_t k, int dim,
                        int largest) {
    char text[LURON__SHAPE_TEXT];
    LURON_TRY(luron__wrap_dim(&dim, ctx, "topk: dim", x->ndim));
    LURON__CHECK(ctx, k >= (x->ndim == 0) && k <= luron__row_length(x, dim), LURON_E_RANGE,
                 "topk: k is %lld, but dim %d of %s has %lld positions", (long long)k, dim + ctx->index_base,
                 luron_shape_text(text, sizeof text, x->ndim, x->shape), (long long)luron__row_length(x, dim));
    return order(values, ids, ctx, x, dim, largest, k);
}

/* ---- rows in order ------------------------------------------------------------------------------------------------ */
static uint64_t key_at(const luron_tensor *x, int64_t i) {
    const char *at = luron__data(x) + i * luron_dtype_size(x->dtype);
    double real;
    int64_t whole;
    if (!luron_dtype_is_float(x->dtype)) {
        luron__convert(LURON_I64, &whole, 1, x->dtype, at, 1, 1);
        return (uint64_t)whole ^ (uint64_t)1 << 63;
    }
    luron__convert(LURON_F64, &real, 1, x->dtype, at, 1, 1);
    return key_of_real(real);
}

/* n rows in the order of a column. */
static void order_by(const luron_tensor *x, int64_t column, item *items, item *room, int64_t n) {
    bool ordered = true;
    for (int64_t i = 0; i < n; i++) {
        items[i].key = key_at(x, items[i].id * x->shape[1] + column);
        ordered &= i == 0 || items[i - 1].key <= items[i].key;
    }
    const item *sorted = ordered ? items : sort_items(items, room, n);
    if (sorted != items) memcpy(items, sorted, (size_t)n * sizeof *items);
}

/* A column orders what those before it left equal: the rows from one that begins another value to the next. */
static void order_items(const luron_tensor *x, item *items, uint8_t *begins) {
    const int64_t n = x->shape[0];
    bool tied = n > 1;
    for (int64_t i = 0; i < n; i++) items[i].id = i, begins[i] = i == 0;
    for (int64_t column = 0; column < x->shape[1] && tied; column++) {
        tied = false;
        for (int64_t first = 0, end; first < n; first = end) {
            for (end = first + 1; end < n && !begins[end];) end++;
            if (end - first == 1) continue;
            order_by(x, column, items + first, items + n, end - first);
            for (int64_t i = first + 1; i < end; i++) {
                begins[i] = items[i].key != items[i - 1].key;
                tied |= !begins[i];
            }
        }
    }
}

luron_status luron__order_rows(luron_tensor **out, luron_ctx *ctx, const luron_tensor *x) {
    const int64_t n = x->shape[0];
    const size_t bytes = (size_t)n * (2 * sizeof(item) + 1);
    item *items;
    LURON_TRY(luron_tracer_reads(ctx, x, "unique"));
    LURON_TRY(luron__alloc(&items, ctx, bytes));
    luron_status status = luron__tensor_make(out, ctx, LURON_I64, 1, &n);
    if (!status) {
        order_items(x, items, (uint8_t *)(items + 2 * n));
        int64_t *to = (int64_t *)(void *)luron__data(*out);
        for (int64_t i = 0; i < n; i++) to[i] = items[i].id + ctx->index_base;
    }
    luron__free(ctx, items, bytes);
    return status;
}

/* ---- nonzero: at = base. in is bool and contiguous ---------------------------------------------------------------- */
static luron_status nonzero_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    const char *is = luron__data(x);
    int64_t n = 0, numel = luron__numel(x->ndim, x->shape);
    LURON__CHECK(ctx, x->dtype == LURON_B8 && luron_tensor_is_contiguous(x), LURON_E_DTYPE,
                 "nonzero: a contiguous bool tensor expected, got %s", luron_dtype_name(x->dtype));
    LURON_TRY(luron__attr_base(ctx, a, 0));
    for (int64_t i = 0; i < numel; i++) n += is[i] != 0;
    a->dtype = LURON_I64, a->ndim = 2;
    a->shape[0] = n, a->shape[1] = x->ndim;
    return LURON_OK;
}

static luron_status nonzero_compute(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    const char *is = luron__data(x);
    int64_t numel = luron__numel(x->ndim, x->shape), *to = (int64_t *)(void *)luron__data(a->out);
    (void)ctx;
    for (int64_t i = 0; i < numel; i++) {
        if (!is[i]) continue;
        int64_t rest = i;
        for (int d = x->ndim - 1; d >= 0; d--) {
            to[d] = rest % x->shape[d] + a->attrs.at[0];
            rest /= x->shape[d];
        }
        to += x->ndim;
    }
    return LURON_OK;
}

static const luron__op_attr nonzero_attrs[] = {{"base", LURON__ATTR_BASE, 0}, {0}};
static const luron__op op_nonzero = {.name = "nonzero",
                                     .infer = nonzero_infer,
                                     .compute = nonzero_compute,
                                     .attrs = nonzero_attrs,
                                     .n_in = 1,
                                     .flags = LURON__OP_GIVES_IDS | LURON__OP_BY_NUMBERS};
const luron__op *const luron__ops_sort[] = {&op_argsort, &op_nonzero, NULL};

luron_status luron_nonzero(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *is = NULL, *packed = NULL;
    luron__attrs attrs = {.at = {ctx->index_base}};
    luron_status status = luron_cast(&is, ctx, x, LURON_B8);
    if (!status) status = luron_contiguous(&packed, ctx, is);
    if (!status) status = luron__apply_op(out, ctx, &op_nonzero, 1, &packed, &attrs);
    luron_tensor_unref(is);
    luron_tensor_unref(packed);
    return status;
}
