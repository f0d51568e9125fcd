/* ops_index.c -- choosing from tensors by ids. An id inside a tensor counts from the index base of the context at the
 * time of the call, which the attributes keep, so that a gradient computed later reads the same ids.
 *
 * All of these move elements along rows: a walk goes through positions in row-major order with up to three offsets.
 * Where sums meet in one element they are added in the row-major order of the source, at any number of threads.     */
#include "internal.h"

#include <stdio.h>
#include <string.h>

enum { GRAIN = 32768 /* elements a chunk */, SEGMENT = 64 /* columns that a scatter works on at a time */ };

/* ---- walking ---------------------------------------------------------------------------------------------------- */
enum { STREAMS = 3 };
typedef struct walk {
    int ndim; /* 1 or more */
    int64_t shape[LURON_MAX_DIMS], at[LURON_MAX_DIMS];
    int64_t stride[STREAMS][LURON_MAX_DIMS], offset[STREAMS];
} walk;

/** A walk through `shape`; the dims that are of size 1 go, and those that are one run in every stream become one. */
static walk walk_make(int ndim, const int64_t *shape, const int64_t *a, const int64_t *b, const int64_t *c) {
    const int64_t *stream[STREAMS] = {a, b, c};
    walk w = {.ndim = 0};
    for (int d = 0; d < ndim; d++) {
        if (shape[d] == 1) continue;
        bool joins = w.ndim > 0;
        for (int s = 0; s < STREAMS && joins; s++)
            joins = w.stride[s][w.ndim - 1] == (stream[s] ? stream[s][d] * shape[d] : 0);
        if (!joins) w.shape[w.ndim++] = 1;
        w.shape[w.ndim - 1] *= shape[d];
        for (int s = 0; s < STREAMS; s++) w.stride[s][w.ndim - 1] = stream[s] ? stream[s][d] : 0;
    }
    if (w.ndim == 0) w.shape[w.ndim++] = 1;
    return w;
}

static void walk_to(walk *w, int64_t position) {
    memset(w->offset, 0, sizeof w->offset);
    for (int d = w->ndim - 1; d >= 0; d--) {
        w->at[d] = position % w->shape[d];
        position /= w->shape[d];
        for (int s = 0; s < STREAMS; s++) w->offset[s] += w->at[d] * w->stride[s][d];
    }
}

/** What is left of this row, at most `most`. */
static int64_t walk_row(const walk *w, int64_t most) {
    int64_t left = w->shape[w->ndim - 1] - w->at[w->ndim - 1];
    return left < most ? left : most;
}

static void walk_on(walk *w, int64_t n) {
    int d = w->ndim - 1;
    w->at[d] += n;
    for (int s = 0; s < STREAMS; s++) w->offset[s] += n * w->stride[s][d];
    for (; d > 0 && w->at[d] == w->shape[d]; d--) {
        for (int s = 0; s < STREAMS; s++) w->offset[s] += w->stride[s][d - 1] - w->at[d] * w->stride[s][d];
        w->at[d] = 0;
        w->at[d - 1]++;
    }
}

/* ---- ids -------------------------------------------------------------------------------------------------------- */

static inline int64_t id_at(uint32_t dtype, const char *ids, int64_t offset, int64_t base) {
    if (dtype == LURON_I64) return ((const int64_t *)(const void *)ids)[offset] - base;
    if (dtype == LURON_I32) return ((const int32_t *)(const void *)ids)[offset] - base;
    return ((const uint8_t *)ids)[offset] - base;
}

static luron_status check_id_dtype(luron_ctx *ctx, const char *what, const luron_tensor *ids) {
    LURON__CHECK(ctx, ids->dtype == LURON_I64 || ids->dtype == LURON_I32 || ids->dtype == LURON_U8, LURON_E_DTYPE,
                 "%s: ids must be int64, int32 or uint8, got %s", what, luron_dtype_name(ids->dtype));
    return LURON_OK;
}

static luron_status fail_id(luron_ctx *ctx, const char *what, const luron_tensor *ids, int64_t position, int64_t id,
                            int64_t base, int64_t size) {
    int64_t at[LURON_MAX_DIMS];
    char where[LURON__SHAPE_TEXT];
    for (int d = ids->ndim - 1; d >= 0; d--) {
        at[d] = position % ids->shape[d] + base;
        position /= ids->shape[d];
    }
    if (ids->ndim == 1)
        snprintf(where, sizeof where, "%lld", (long long)at[0]);
    else
        luron_shape_text(where, sizeof where, ids->ndim, at);
    if (size == 0)
        return luron__fail(ctx, LURON_E_RANGE,
                           "%s: id %lld at position %s, but there is nothing to choose from: the size is 0", what,
                           (long long)id, where);
    return luron__fail(ctx, LURON_E_RANGE, "%s: id %lld at position %s is not within %lld to %lld%s", what,
                       (long long)id, where, (long long)base, (long long)(size - 1 + base),
                       base == 1 && id == 0 ? "; ids count from 1 here: 0 is no id (add 1 to labels that count from 0)"
                                            : "");
}

/** Are all ids within `size`? The first that is not is named. */
static luron_status check_ids(luron_ctx *ctx, const char *what, const luron_tensor *ids, int64_t base, int64_t size) {
    walk w = walk_make(ids->ndim, ids->shape, ids->strides, NULL, NULL);
    int64_t n = luron__numel(ids->ndim, ids->shape), step = w.stride[0][w.ndim - 1];
    for (int64_t done = 0, row; done < n; done += row, walk_on(&w, row)) {
        row = walk_row(&w, n - done);
        for (int64_t i = 0; i < row; i++) {
            int64_t id = id_at(ids->dtype, luron__data(ids), w.offset[0] + i * step, 0);
            if (id < base || id - base >= size) return fail_id(ctx, what, ids, done + i, id, base, size);
        }
    }
    return LURON_OK;
}

/** Strides of `ids` over a shape of ndim dims: those of a list run along dim alone. */
static void id_strides(int64_t *strides, const luron_tensor *ids, int ndim, int dim, bool list) {
    for (int d = 0; d < ndim; d++) strides[d] = !list ? ids->strides[d] : d == dim ? ids->strides[0] : 0;
}

/* ---- choosing: gather, and index_select, whose ids are the same in all columns. at = dim, base; in = x, ids ----- */
typedef struct choosing {
    walk w; /* streams: out, x without dim, ids */
    int size;
    uint32_t id_dtype;
    int64_t base, x_stride;
    char *out;
    const char *x, *ids;
} choosing;

/* One row of elements of one size: x moves by x_step, and by x_stride times the id. */
#define CHOOSE_ROW(T)                                                                                                  \
    for (int64_t i = 0; i < n; i++)                                                                                    \
    ((T *)(void *)out)[i * out_step] =                                                                                 \
        ((const T *)(const void *)x)[i * x_step + id_at(c->id_dtype, c->ids, at + i * id_step, c->base) * c->x_stride]

static void choose_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    (void)chunk;
    const choosing *c = arg;
    walk w = c->w;
    int last = w.ndim - 1;
    int64_t out_step = w.stride[0][last], x_step = w.stride[1][last], id_step = w.stride[2][last];
    walk_to(&w, begin);
    for (int64_t n; begin < end; begin += n, walk_on(&w, n)) {
        n = walk_row(&w, end - begin);
        int64_t at = w.offset[2];
        char *out = c->out + w.offset[0] * c->size;
        const char *x = c->x + w.offset[1] * c->size;
        if (id_step == 0 && out_step == 1 && x_step == 1) {
            memcpy(out, x + id_at(c->id_dtype, c->ids, at, c->base) * c->x_stride * c->size, (size_t)(n * c->size));
            continue;
        }
        switch (c->size) {
        case 1: CHOOSE_ROW(uint8_t); break;
        case 2: CHOOSE_ROW(uint16_t); break;
        case 4: CHOOSE_ROW(uint32_t); break;
        default: CHOOSE_ROW(uint64_t);
        }
    }
}

static luron_status choose(luron_ctx *ctx, luron__apply *a, bool list) {
    const luron_tensor *x = a->in[0], *ids = a->in[1], *out = a->out;
    int dim = (int)a->attrs.at[0];
    int64_t x_strides[LURON_MAX_DIMS], ids_strides[LURON_MAX_DIMS];
    LURON_TRY(check_ids(ctx, a->op->name, ids, a->attrs.at[1], x->ndim ? x->shape[dim] : 1));
    memcpy(x_strides, x->strides, sizeof x_strides);
    x_strides[dim] = 0;
    id_strides(ids_strides, ids, x->ndim, dim, list);
    choosing c = {.w = walk_make(out->ndim, out->shape, out->strides, x_strides, ids_strides),
                  .size = luron_dtype_size(x->dtype),
                  .id_dtype = ids->dtype,
                  .base = a->attrs.at[1],
                  .x_stride = x->ndim ? x->strides[dim] : 0,
                  .out = luron__data(out),
                  .x = luron__data(x),
                  .ids = luron__data(ids)};
    luron__parallel_for(ctx->threads, luron__numel(out->ndim, out->shape), GRAIN, choose_chunk, &c);
    return LURON_OK;
}

/* ---- adding at ids: scatter_add and index_add. at = dim, base; in = x, ids, src --------------------------------- */
typedef struct adding {
    walk w; /* through the columns, which leave dim out. Streams: out, src, ids */
    uint32_t dtype, id_dtype;
    int64_t n, base, out_stride, src_stride, id_stride; /* along dim */
    char *out;
    const char *src, *ids;
} adding;

/** *to += *from. Integers wrap, bool is an or, half precision is added as float32. */
static void add_one(uint32_t dtype, char *to, const char *from) {
    float sum[2];
    switch (dtype) {
    case LURON_F32: *(float *)(void *)to += *(const float *)(const void *)from; break;
    case LURON_F64: *(double *)(void *)to += *(const double *)(const void *)from; break;
    case LURON_I64: *(uint64_t *)(void *)to += *(const uint64_t *)(const void *)from; break;
    case LURON_I32: *(uint32_t *)(void *)to += *(const uint32_t *)(const void *)from; break;
    case LURON_U8: *(uint8_t *)to = (uint8_t)(*(uint8_t *)to + *(const uint8_t *)from); break;
    case LURON_B8: *to |= *from; break;
    default:
        luron__convert(LURON_F32, &sum[0], 1, dtype, to, 1, 1);
        luron__convert(LURON_F32, &sum[1], 1, dtype, from, 1, 1);
        sum[0] += sum[1];
        luron__convert(dtype, to, 1, LURON_F32, &sum[0], 1, 1);
    }
}

/** n columns, next to each other by these steps, at one position of dim. */
static void add_row(const adding *a, char *to, const char *from, int64_t id_offset, const int64_t step[STREAMS],
                    int64_t n) {
    int size = luron_dtype_size(a->dtype);
    if (step[2] == 0) {
        to += id_at(a->id_dtype, a->ids, id_offset, a->base) * a->out_stride * size;
        if (a->dtype == LURON_F32 && step[0] == 1 && step[1] == 1) {
            for (int64_t i = 0; i < n; i++) ((float *)(void *)to)[i] += ((const float *)(const void *)from)[i];
            return;
        }
        for (int64_t i = 0; i < n; i++) add_one(a->dtype, to + i * step[0] * size, from + i * step[1] * size);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t id = id_at(a->id_dtype, a->ids, id_offset + i * step[2], a->base);
        add_one(a->dtype, to + (i * step[0] + id * a->out_stride) * size, from + i * step[1] * size);
    }
}

static void add_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    (void)chunk;
    const adding *a = arg;
    walk w = a->w;
    int size = luron_dtype_size(a->dtype);
    int64_t step[STREAMS];
    for (int s = 0; s < STREAMS; s++) step[s] = w.stride[s][w.ndim - 1];
    walk_to(&w, begin);
    for (int64_t n; begin < end; begin += n, walk_on(&w, n)) {
        n = walk_row(&w, end - begin < SEGMENT ? end - begin : SEGMENT);
        for (int64_t k = 0; k < a->n; k++)
            add_row(a, a->out + w.offset[0] * size, a->src + (w.offset[1] + k * a->src_stride) * size,
                    w.offset[2] + k * a->id_stride, step, n);
    }
}

static luron_status add_at(luron_ctx *ctx, luron__apply *a, bool list) {
    const luron_tensor *x = a->in[0], *ids = a->in[1], *src = a->in[2], *out = a->out;
    int dim = (int)a->attrs.at[0];
    int64_t columns[LURON_MAX_DIMS], ids_strides[LURON_MAX_DIMS], n = src->ndim ? src->shape[dim] : 1;
    LURON_TRY(check_ids(ctx, a->op->name, ids, a->attrs.at[1], x->ndim ? x->shape[dim] : 1));
    luron__copy_into(ctx, a->dtype, luron__data(out), out->strides, x);
    if (luron__numel(src->ndim, src->shape) == 0) return LURON_OK;
    id_strides(ids_strides, ids, x->ndim, dim, list);
    memcpy(columns, src->shape, sizeof columns);
    columns[dim] = 1;
    adding add = {.w = walk_make(src->ndim, columns, out->strides, src->strides, ids_strides),
                  .dtype = a->dtype,
                  .id_dtype = ids->dtype,
                  .n = n,
                  .base = a->attrs.at[1],
                  .out = luron__data(out),
                  .src = luron__data(src),
                  .ids = luron__data(ids)};
    if (src->ndim)
        add.out_stride = out->strides[dim], add.src_stride = src->strides[dim], add.id_stride = ids_strides[dim];
    int64_t grain = GRAIN / n / SEGMENT * SEGMENT;
    luron__parallel_for(ctx->threads, luron__numel(src->ndim, columns), grain < SEGMENT ? SEGMENT : grain, add_chunk,
                        &add);
    return LURON_OK;
}

/* ---- the four ops ----------------------------------------------------------------------------------------------- */

static luron_status infer_like(luron__apply *a, const luron_tensor *shape) {
    a->dtype = a->in[0]->dtype, a->ndim = shape->ndim;
    memcpy(a->shape, shape->shape, sizeof a->shape);
    return LURON_OK;
}
/** ids of x's rank, and no larger than x outside dim. */
static luron_status check_gather(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0], *ids = a->in[1];
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON_TRY(check_id_dtype(ctx, a->op->name, ids));
    LURON_TRY(luron__attr_dim(ctx, a, 0, x->ndim));
    LURON_TRY(luron__attr_base(ctx, a, 1));
    int dim = (int)a->attrs.at[0];
    bool fits = ids->ndim == x->ndim;
    for (int d = 0; d < x->ndim && fits; d++) fits = d == dim || ids->shape[d] <= x->shape[d];
    LURON__CHECK(ctx, fits, LURON_E_SHAPE, "%s: ids %s must have as many dims as x %s, and be no larger outside dim %d",
                 a->op->name, luron_shape_text(s, sizeof s, ids->ndim, ids->shape),
                 luron_shape_text(t, sizeof t, x->ndim, x->shape), dim + ctx->index_base);
    return LURON_OK;
}

/** A list of ids, for a dim of x. */
static luron_status check_list(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0], *ids = a->in[1];
    char s[LURON__SHAPE_TEXT];
    LURON_TRY(check_id_dtype(ctx, a->op->name, ids));
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "%s: a tensor without dims has no positions to choose from",
                 a->op->name);
    LURON__CHECK(ctx, ids->ndim == 1, LURON_E_SHAPE, "%s: ids must be a list (one dim), got %s", a->op->name,
                 luron_shape_text(s, sizeof s, ids->ndim, ids->shape));
    LURON_TRY(luron__attr_base(ctx, a, 1));
    return luron__attr_dim(ctx, a, 0, x->ndim);
}

static luron_status check_source_dtype(luron_ctx *ctx, const char *what, const luron_tensor *x,
                                       const luron_tensor *src) {
    LURON__CHECK(ctx, x->dtype == src->dtype, LURON_E_DTYPE, "%s: x is %s and src is %s, they must be the same", what,
                 luron_dtype_name(x->dtype), luron_dtype_name(src->dtype));
    return LURON_OK;
}

static luron_status gather_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(check_gather(ctx, a));
    return infer_like(a, a->in[1]);
}
static luron_status scatter_add_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *ids = a->in[1], *src = a->in[2];
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON_TRY(check_gather(ctx, a));
    LURON_TRY(check_source_dtype(ctx, "scatter_add", a->in[0], src));
    LURON__CHECK(
        ctx, luron__same_shape(ids, src), LURON_E_SHAPE, "scatter_add: ids %s and src %s must have the same shape",
        luron_shape_text(s, sizeof s, ids->ndim, ids->shape), luron_shape_text(t, sizeof t, src->ndim, src->shape));
    return infer_like(a, a->in[0]);
}
static luron_status index_select_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(check_list(ctx, a));
    infer_like(a, a->in[0]);
    a->shape[a->attrs.at[0]] = a->in[1]->shape[0];
    return LURON_OK;
}
static luron_status index_add_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0], *ids = a->in[1], *src = a->in[2];
    char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
    LURON_TRY(check_list(ctx, a));
    LURON_TRY(check_source_dtype(ctx, "index_add", x, src));
    int dim = (int)a->attrs.at[0];
    bool fits = src->ndim == x->ndim;
    for (int d = 0; d < x->ndim && fits; d++) fits = src->shape[d] == (d == dim ? ids->shape[0] : x->shape[d]);
    LURON__CHECK(ctx, fits, LURON_E_SHAPE,
                 "index_add: src is %s; like x %s, with %lld positions (as many as ids) along dim %d, was expected",
                 luron_shape_text(s, sizeof s, src->ndim, src->shape), luron_shape_text(t, sizeof t, x->ndim, x->shape),
                 (long long)ids->shape[0], dim + ctx->index_base);
    return infer_like(a, x);
}
static luron_status gather_compute(luron_ctx *ctx, luron__apply *a) { return choose(ctx, a, false); }
static luron_status index_select_compute(luron_ctx *ctx, luron__apply *a) { return choose(ctx, a, true); }
static luron_status scatter_add_compute(luron_ctx *ctx, luron__apply *a) { return add_at(ctx, a, false); }
static luron_status index_add_compute(luron_ctx *ctx, luron__apply *a) { return add_at(ctx, a, true); }

static const luron__op op_gather, op_scatter_add, op_index_select, op_index_add;

/** x's gradient of a choice: g added at the ids into zeros of x's shape. */
static luron_status choice_gradient(luron_tensor **out, luron_ctx *ctx, const luron__op *add, const luron__node *node,
                                    luron_tensor *g, int i) {
    if (i != 0) return LURON_OK;
    luron_tensor *in[3] = {NULL, node->in[1], g};
    LURON_TRY(luron_tensor_full(&in[0], ctx, g->dtype, node->in[0]->ndim, node->in[0]->shape, 0));
    luron_status status = luron__apply_op(out, ctx, add, 3, in, &node->attrs);
    luron_tensor_unref(in[0]);
    return status;
}

/** x gets g as it is, src what was chosen from it. */
static luron_status addition_gradient(luron_tensor **out, luron_ctx *ctx, const luron__op *choice,
                                      const luron__node *node, luron_tensor *g, int i) {
    if (i == 0) *out = luron_tensor_ref(g);
    if (i != 2) return LURON_OK;
    return luron__apply_op(out, ctx, choice, 2, (luron_tensor *[]){g, node->in[1]}, &node->attrs);
}

static luron_status gather_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                    int i) {
    return choice_gradient(out, ctx, &op_scatter_add, node, g, i);
}
static luron_status index_select_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                          int i) {
    return choice_gradient(out, ctx, &op_index_add, node, g, i);
}
static luron_status scatter_add_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                         int i) {
    return addition_gradient(out, ctx, &op_gather, node, g, i);
}
static luron_status index_add_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                       int i) {
    return addition_gradient(out, ctx, &op_index_select, node, g, i);
}

static const luron__op_attr attrs_of[] = {{"dim", LURON__ATTR_DIM, 0}, {"base", LURON__ATTR_BASE, 1}, {0}};
#define CHOICE(fn, operands, carried)                                                                                  \
    static const luron__op op_##fn = {.name = #fn,                                                                     \
                                      .saves = LURON__SAVE_IN(1),                                                      \
                                      .infer = fn##_infer,                                                             \
                                      .compute = fn##_compute,                                                         \
                                      .gradient = fn##_gradient,                                                       \
                                      .attrs = attrs_of,                                                               \
                                      .n_in = operands,                                                                \
                                      .ids_in = LURON__SAVE_IN(1),                                                     \
                                      .carries = carried};
CHOICE(gather, 2, LURON__SAVE_IN(0))
CHOICE(scatter_add, 3, 0)
CHOICE(index_select, 2, LURON__SAVE_IN(0))
CHOICE(index_add, 3, 0)

/* ---- public ------------------------------------------------------------------------------------------------------ */

luron_status luron_index_select(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids) {
    luron__attrs attrs = {.at = {dim, ctx->index_base}};
    return luron__apply_op(out, ctx, &op_index_select, 2, (luron_tensor *[]){x, ids}, &attrs);
}

luron_status luron_gather(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids) {
    luron__attrs attrs = {.at = {dim, ctx->index_base}};
    return luron__apply_op(out, ctx, &op_gather, 2, (luron_tensor *[]){x, ids}, &attrs);
}

luron_status luron_scatter_add(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                               luron_tensor *src) {
    luron__attrs attrs = {.at = {dim, ctx->index_base}};
    return luron__apply_op(out, ctx, &op_scatter_add, 3, (luron_tensor *[]){x, ids, src}, &attrs);
}

luron_status luron_index_add(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                             luron_tensor *src) {
    luron__attrs attrs = {.at = {dim, ctx->index_base}};
    return luron__apply_op(out, ctx, &op_index_add, 3, (luron_tensor *[]){x, ids, src}, &attrs);
}

/* ---- one_hot: at = n, base, dtype ------------------------------------------------------------------------------- */

static luron_status one_hot_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *ids = a->in[0];
    LURON_TRY(check_id_dtype(ctx, "one_hot", ids));
    LURON__CHECK(ctx, a->attrs.at[0] >= 0, LURON_E_ARGUMENT, "one_hot: n is %lld, it must not be negative",
                 (long long)a->attrs.at[0]);
    LURON_TRY(luron__attr_base(ctx, a, 1));
    LURON_TRY(luron__attr_dtype(ctx, a, 2));
    LURON__CHECK(ctx, ids->ndim < LURON_MAX_DIMS, LURON_E_SHAPE,
                 "one_hot: ids have %d dimensions, and no more are possible", ids->ndim);
    infer_like(a, ids);
    a->dtype = (uint32_t)a->attrs.at[2];
    a->shape[a->ndim++] = a->attrs.at[0];
    return LURON_OK;
}

static luron_status one_hot_compute(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *ids = a->in[0];
    int64_t n = a->attrs.at[0], base = a->attrs.at[1], count = luron__numel(ids->ndim, ids->shape);
    int size = luron_dtype_size(a->dtype);
    char one[8], *out = luron__data(a->out);
    LURON_TRY(check_ids(ctx, "one_hot", ids, base, n));
    luron__convert(a->dtype, one, 1, LURON_F64, &(double){1}, 1, 1);
    memset(out, 0, a->out->storage->bytes);
    walk w = walk_make(ids->ndim, ids->shape, ids->strides, NULL, NULL);
    for (int64_t i = 0; i < count; i++, walk_on(&w, 1))
        memcpy(out + (i * n + id_at(ids->dtype, luron__data(ids), w.offset[0], base)) * size, one, (size_t)size);
    return LURON_OK;
}

static const luron__op_attr one_hot_attrs[] = {
    {"n", LURON__ATTR_INT, 0}, {"base", LURON__ATTR_BASE, 1}, {"dtype", LURON__ATTR_DTYPE, 2}, {0}};
static const luron__op op_one_hot = {.name = "one_hot",
                                     .infer = one_hot_infer,
                                     .compute = one_hot_compute,
                                     .attrs = one_hot_attrs,
                                     .n_in = 1,
                                     .ids_in = LURON__SAVE_IN(0)};
const luron__op *const luron__ops_index[] = {&op_gather,    &op_scatter_add, &op_index_select,
                                             &op_index_add, &op_one_hot,     NULL};

luron_status luron_one_hot(luron_tensor **out, luron_ctx *ctx, luron_tensor *ids, int64_t n, uint32_t dtype) {
    luron__attrs attrs = {.at = {n, ctx->index_base, dtype}};
    return luron__apply_op(out, ctx, &op_one_hot, 1, &ids, &attrs);
}
