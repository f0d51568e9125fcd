/* ops_index.c -- choosing from tensors by ids. An id inside a tensor counts from the index base of the context at the
 * time of the call, which the attributes keep, so that a gradient computed later reads the same ids.
 * Where sums meet in one element they are added in the row-major order of the source, at any number of threads.     */
#include "ops_ids.h"

#include <string.h>

enum { GRAIN = 32768 /* elements a chunk */, CHOSEN = 8192 /* and of what only moves */, SEGMENT = 256 /* columns that a scatter works on at a time */ };

/* ---- choosing: gather, and index_select, whose ids are the same in all columns. at = dim, base; in = x, ids ----- */
typedef struct choosing {
    luron__walk w; /* streams: out, x without dim, ids */
    int size;
    uint32_t id_dtype;
    int64_t base, x_stride;
    char *out;
    const char *x, *ids;
} choosing;

/* One row of elements of one size: x moves by x_step, and by x_stride times the id. */
#define CHOOSE_ROW(T)                                                                                                  \
    if (list)                                                                                                          \
        for (int64_t i = 0; i < n; i++)                                                                                \
            ((T *)(void *)out)[i * out_step] = ((const T *)(const void *)x)[i * x_step + (list[i] - c->base) * x_stride]; \
    else                                                                                                               \
        for (int64_t i = 0; i < n; i++)                                                                                \
            ((T *)(void *)out)[i * out_step] =                                                                         \
                ((const T *)(const void *)x)[i * x_step + luron__id_at(c->id_dtype, c->ids, at + i * id_step, c->base) * x_stride]

static void choose_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    (void)chunk;
    const choosing *c = arg;
    luron__walk w = c->w;
    int last = w.ndim - 1;
    const int64_t out_step = w.stride[0][last], x_step = w.stride[1][last], id_step = w.stride[2][last], x_stride = c->x_stride;
    luron__walk_to(&w, begin);
    for (int64_t n; begin < end; begin += n, luron__walk_on(&w, n)) {
        n = luron__walk_row(&w, end - begin);
        int64_t at = w.offset[2];
        char *out = c->out + w.offset[0] * c->size;
        const char *x = c->x + w.offset[1] * c->size;
        const int64_t *list = c->id_dtype == LURON_I64 && id_step == 1 ? (const int64_t *)(const void *)c->ids + at : NULL;
        if (id_step == 0 && out_step == 1 && x_step == 1) {
            memcpy(out, x + luron__id_at(c->id_dtype, c->ids, at, c->base) * c->x_stride * c->size, (size_t)(n * c->size));
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

/* The rows of a batch, each in one piece, drawn by a list of int64: few enough for one thread, in so many bytes each. */
#define COPY_ROWS(bytes)                                                                                               \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
        const uint64_t at = (uint64_t)id[i] - (uint64_t)base;                                                          \
        if (at >= (uint64_t)n_rows) return false;                                                                      \
        memcpy(to + i * (bytes), from + (int64_t)at * step, (size_t)(bytes));                                          \
    }                                                                                                                  \
    break

/* false: that is not what is wanted, or an id is not there, which the checks will name. */
static bool choose_rows(const luron_tensor *out, const luron_tensor *x, const luron_tensor *ids, int64_t base) {
    const int64_t size = luron_dtype_size(x->dtype), n = ids->shape[0], step = x->strides[0] * size, n_rows = x->shape[0];
    int64_t row = size;
    if (ids->dtype != LURON_I64 || ids->strides[0] != 1) return false;
    for (int d = x->ndim - 1; d > 0; d--) {
        if (x->strides[d] * size != row && x->shape[d] != 1) return false;
        row *= x->shape[d];
    }
    if (n * row > GRAIN) return false;
    const int64_t *id = (const int64_t *)(const void *)luron__data(ids);
    char *to = luron__data(out);
    const char *from = luron__data(x);
    switch (row) {
    case 4: COPY_ROWS(4);
    case 8: COPY_ROWS(8);
    case 12: COPY_ROWS(12);
    case 16: COPY_ROWS(16);
    default: COPY_ROWS(row);
    }
    return true;
}

static luron_status choose(luron_ctx *ctx, luron__apply *a, bool list) {
    const luron_tensor *x = a->in[0], *ids = a->in[1], *out = a->out;
    int dim = (int)a->attrs.at[0];
    int64_t x_strides[LURON_MAX_DIMS], ids_strides[LURON_MAX_DIMS];
    if (list && dim == 0 && choose_rows(out, x, ids, a->attrs.at[1])) return LURON_OK;
    LURON_TRY(luron__check_ids(ctx, a->op->name, ids, a->attrs.at[1], x->ndim ? x->shape[dim] : 1));
    memcpy(x_strides, x->strides, sizeof x_strides);
    x_strides[dim] = 0;
    luron__id_strides(ids_strides, ids, x->ndim, dim, list);
    choosing c = {.w = luron__walk_make(out->ndim, out->shape, out->strides, x_strides, ids_strides),
                  .size = luron_dtype_size(x->dtype),
                  .id_dtype = ids->dtype,
                  .base = a->attrs.at[1],
                  .x_stride = x->ndim ? x->strides[dim] : 0,
                  .out = luron__data(out),
                  .x = luron__data(x),
                  .ids = luron__data(ids)};
    luron__parallel_for(ctx->threads, luron__numel(out->ndim, out->shape), CHOSEN, choose_chunk, &c);
    return LURON_OK;
}

/* ---- adding at ids: scatter_add and index_add. at = dim, base; in = x, ids, src --------------------------------- */
typedef struct adding {
    luron__walk w; /* through the columns, which leave dim out. Streams: out, src, ids */
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

/** n columns, next to each other by these steps, at one position of dim; or of one column n positions. */
static void add_row(const adding *a, char *to, const char *from, int64_t id_offset, const int64_t step[LURON__STREAMS],
                    int64_t n) {
    int size = luron_dtype_size(a->dtype);
    if (step[2] == 0) {
        to += luron__id_at(a->id_dtype, a->ids, id_offset, a->base) * a->out_stride * size;
        if (a->dtype == LURON_F32 && step[0] == 1 && step[1] == 1) {
            for (int64_t i = 0; i < n; i++) ((float *)(void *)to)[i] += ((const float *)(const void *)from)[i];
            return;
        }
        for (int64_t i = 0; i < n; i++) add_one(a->dtype, to + i * step[0] * size, from + i * step[1] * size);
        return;
    }
    if (a->id_dtype == LURON_I64) {
        const int64_t *ids = (const int64_t *)(const void *)a->ids + id_offset;
#define ADD_ROW(T)                                                                                                     \
    for (int64_t i = 0; i < n; i++)                                                                                    \
        ((T *)(void *)to)[i * step[0] + (ids[i * step[2]] - a->base) * a->out_stride] += ((const T *)(const void *)from)[i * step[1]]; \
    return
        switch (a->dtype) {
        case LURON_F32: ADD_ROW(float);
        case LURON_F64: ADD_ROW(double);
        case LURON_I64: ADD_ROW(uint64_t);
        default: break;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t id = luron__id_at(a->id_dtype, a->ids, id_offset + i * step[2], a->base);
        add_one(a->dtype, to + (i * step[0] + id * a->out_stride) * size, from + i * step[1] * size);
    }
}

static void add_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    (void)chunk;
    const adding *a = arg;
    luron__walk w = a->w;
    int size = luron_dtype_size(a->dtype);
    int64_t step[LURON__STREAMS];
    for (int s = 0; s < LURON__STREAMS; s++) step[s] = w.stride[s][w.ndim - 1];
    luron__walk_to(&w, begin);
    const bool alone = luron__numel(w.ndim, w.shape) == 1;
    for (int64_t n; begin < end; begin += n, luron__walk_on(&w, n)) {
        n = luron__walk_row(&w, end - begin < SEGMENT ? end - begin : SEGMENT);
        if (alone || (a->out_stride == 1 && a->src_stride == 1)) {
            for (int64_t i = 0; i < n; i++) /* a column as it lies, or the only one */
                add_row(a, a->out + (w.offset[0] + i * step[0]) * size, a->src + (w.offset[1] + i * step[1]) * size,
                        w.offset[2] + i * step[2], (const int64_t[]){0, a->src_stride, a->id_stride}, a->n);
            continue;
        }
        for (int64_t k = 0; k < a->n; k++)
            add_row(a, a->out + w.offset[0] * size, a->src + (w.offset[1] + k * a->src_stride) * size,
                    w.offset[2] + k * a->id_stride, step, n);
    }
}

static luron_status add_at(luron_ctx *ctx, luron__apply *a, bool list) {
    const luron_tensor *x = a->in[0], *ids = a->in[1], *src = a->in[2], *out = a->out;
    int dim = (int)a->attrs.at[0];
    int64_t columns[LURON_MAX_DIMS], ids_strides[LURON_MAX_DIMS], n = src->ndim ? src->shape[dim] : 1;
    LURON_TRY(luron__check_ids(ctx, a->op->name, ids, a->attrs.at[1], x->ndim ? x->shape[dim] : 1));
    luron__copy_into(ctx, a->dtype, luron__data(out), out->strides, x);
    if (luron__numel(src->ndim, src->shape) == 0) return LURON_OK;
    luron__id_strides(ids_strides, ids, x->ndim, dim, list);
    memcpy(columns, src->shape, sizeof columns);
    columns[dim] = 1;
    adding add = {.w = luron__walk_make(src->ndim, columns, out->strides, src->strides, ids_strides),
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
/* at = dim, base. */
static luron_status check_attrs(luron_ctx *ctx, luron__apply *a, int *dim) {
    LURON_TRY(luron__attr_dim(ctx, a, 0, a->in[0]->ndim));
    *dim = (int)a->attrs.at[0];
    return luron__attr_base(ctx, a, 1);
}
static luron_status gather_infer(luron_ctx *ctx, luron__apply *a) {
    int dim;
    LURON_TRY(check_attrs(ctx, a, &dim));
    LURON_TRY(luron__check_gather(ctx, a->op->name, a->in[0], &dim, a->in[1]));
    return infer_like(a, a->in[1]);
}
static luron_status scatter_add_infer(luron_ctx *ctx, luron__apply *a) {
    int dim;
    LURON_TRY(check_attrs(ctx, a, &dim));
    LURON_TRY(luron__check_scatter(ctx, a->op->name, a->in[0], &dim, a->in[1], a->in[2]));
    return infer_like(a, a->in[0]);
}
static luron_status index_add_infer(luron_ctx *ctx, luron__apply *a) {
    int dim;
    LURON_TRY(check_attrs(ctx, a, &dim));
    LURON_TRY(luron__check_rows(ctx, a->op->name, a->in[0], &dim, a->in[1], a->in[2]));
    return infer_like(a, a->in[0]);
}
static luron_status index_select_infer(luron_ctx *ctx, luron__apply *a) {
    int dim;
    LURON_TRY(check_attrs(ctx, a, &dim));
    LURON_TRY(luron__check_list(ctx, a->op->name, a->in[0], &dim, a->in[1]));
    infer_like(a, a->in[0]);
    a->shape[a->attrs.at[0]] = a->in[1]->shape[0];
    return LURON_OK;
}
static luron_status gather_compute(luron_ctx *ctx, luron__apply *a) { return choose(ctx, a, false); }
static luron_status index_select_compute(luron_ctx *ctx, luron__apply *a) { return choose(ctx, a, true); }
static luron_status scatter_add_compute(luron_ctx *ctx, luron__apply *a) { return add_at(ctx, a, false); }
static luron_status index_add_compute(luron_ctx *ctx, luron__apply *a) { return add_at(ctx, a, true); }

static const luron__op op_gather, op_scatter_add, op_index_select, op_index_add;

/** x's gradient of a choice: g added at the ids into zeros of x's shape, which one zero stands for. */
static luron_status choice_gradient(luron_tensor **out, luron_ctx *ctx, const luron__op *add, const luron__node *node,
                                    luron_tensor *g, int i) {
    if (i != 0) return LURON_OK;
    luron_tensor *in[3] = {NULL, node->in[1], g}, *zero;
    LURON_TRY(luron_tensor_full(&zero, ctx, g->dtype, 0, NULL, 0));
    luron_status status = luron_expand(&in[0], ctx, zero, node->in[0]->ndim, node->in[0]->shape);
    if (!status) status = luron__apply_op(out, ctx, add, 3, in, &node->attrs);
    luron_tensor_unref(zero);
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
#define OP(fn, operands, carried)                                                                                      \
    static const luron__op op_##fn = {.name = #fn,                                                                     \
                                      .saves = LURON__SAVE_IN(1),                                                      \
                                      .infer = fn##_infer,                                                             \
                                      .compute = fn##_compute,                                                         \
                                      .gradient = fn##_gradient,                                                       \
                                      .attrs = attrs_of,                                                               \
                                      .n_in = operands,                                                                \
                                      .ids_in = LURON__SAVE_IN(1),                                                     \
                                      .carries = carried};
OP(gather, 2, LURON__SAVE_IN(0))
OP(scatter_add, 3, 0)
OP(index_select, 2, LURON__SAVE_IN(0))
OP(index_add, 3, 0)
#undef OP

luron_status luron__choose(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                           int64_t base, bool list) {
    luron__attrs attrs = {.at = {dim, base}};
    return luron__apply_op(out, ctx, list ? &op_index_select : &op_gather, 2, (luron_tensor *[]){x, ids}, &attrs);
}

luron_status luron__add_at(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                           luron_tensor *src, int64_t base, bool list) {
    luron__attrs attrs = {.at = {dim, base}};
    return luron__apply_op(out, ctx, list ? &op_index_add : &op_scatter_add, 3, (luron_tensor *[]){x, ids, src},
                           &attrs);
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

luron_status luron_index_select(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids) {
    return luron__choose(out, ctx, x, dim, ids, ctx->index_base, true);
}

luron_status luron_gather(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids) {
    return luron__choose(out, ctx, x, dim, ids, ctx->index_base, false);
}

luron_status luron_scatter_add(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                               luron_tensor *src) {
    return luron__add_at(out, ctx, x, dim, ids, src, ctx->index_base, false);
}

luron_status luron_index_add(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                             luron_tensor *src) {
    return luron__add_at(out, ctx, x, dim, ids, src, ctx->index_base, true);
}

/* ---- one_hot: at = n, base, dtype ------------------------------------------------------------------------------- */

static luron_status one_hot_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *ids = a->in[0];
    LURON_TRY(luron__check_id_dtype(ctx, "one_hot", ids));
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
    LURON_TRY(luron__check_ids(ctx, "one_hot", ids, base, n));
    luron__convert(a->dtype, one, 1, LURON_F64, &(double){1}, 1, 1);
    memset(out, 0, a->out->storage->bytes);
    luron__walk w = luron__walk_make(ids->ndim, ids->shape, ids->strides, NULL, NULL);
    for (int64_t i = 0; i < count; i++, luron__walk_on(&w, 1))
        memcpy(out + (i * n + luron__id_at(ids->dtype, luron__data(ids), w.offset[0], base)) * size, one, (size_t)size);
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
