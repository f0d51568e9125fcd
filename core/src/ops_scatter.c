/* ops_scatter.c -- writing at ids: scatter, index_copy, and reductions of what meets in one element. Along dim the
 * source is taken in its order, so that what comes last stays, at any number of threads. */
#include "ops_expr.h"
#include "ops_ids.h"
#include "ops_rows.h"

#include <math.h>

enum { GRAIN = 32768, SEGMENT = 256 /* columns at a time */ };

/* ---- the loop ---------------------------------------------------------------------------------------------------- */
typedef enum meeting { LAST, LARGEST, SMALLEST } meeting;
typedef struct writing {
    luron__walk w; /* through the columns, which leave dim out. Streams: out, src, ids */
    meeting how;
    uint32_t dtype, id_dtype;
    int size;
    int64_t n, base, out_stride, src_stride, id_stride; /* along dim */
    char *out;
    const char *src, *ids;
} writing;

#define EXTREME(T, wins)                                                                                               \
    do {                                                                                                               \
        T a, b;                                                                                                        \
        memcpy(&a, to, sizeof a);                                                                                      \
        memcpy(&b, from, sizeof b);                                                                                    \
        if (wins) memcpy(to, &b, sizeof b);                                                                            \
        return;                                                                                                        \
    } while (0)
#define WHOLE_WINS (how == LARGEST ? b > a : b < a)
#define REAL_WINS (b != b || (how == LARGEST ? b > a : b < a)) /* no number is larger than NaN, so it stays */

static void extreme(meeting how, uint32_t dtype, char *to, const char *from) {
    switch (dtype) {
    case LURON_F32:
        EXTREME(float, REAL_WINS);
    case LURON_F64:
        EXTREME(double, REAL_WINS);
    case LURON_I64:
        EXTREME(int64_t, WHOLE_WINS);
    case LURON_I32:
        EXTREME(int32_t, WHOLE_WINS);
    case LURON_U8:
    case LURON_B8:
        EXTREME(uint8_t, WHOLE_WINS);
    default:
        break;
    }
    float a, b; /* half precision */
    luron__convert(LURON_F32, &a, 1, dtype, to, 1, 1);
    luron__convert(LURON_F32, &b, 1, dtype, from, 1, 1);
    if (REAL_WINS) memcpy(to, from, 2);
}

#define WRITE_ROW(T)                                                                                                   \
    for (int64_t i = 0; i < n; i++)                                                                                    \
    ((T *)(void *)to)[i * step[0] + luron__id_at(a->id_dtype, a->ids, id_offset + i * step[2], a->base) * a->out_stride] = \
        ((const T *)(const void *)from)[i * step[1]]

/* n columns, next to each other by these steps, at one position of dim; or of one column n positions. */
static void write_row(const writing *a, char *to, const char *from, int64_t id_offset,
                      const int64_t step[LURON__STREAMS], int64_t n) {
    int size = a->size;
    if (a->how == LAST && step[2]) switch (size) {
        case 1: WRITE_ROW(uint8_t); return;
        case 2: WRITE_ROW(uint16_t); return;
        case 4: WRITE_ROW(uint32_t); return;
        default: WRITE_ROW(uint64_t); return;
        }
    if (step[2] == 0) {
        to += luron__id_at(a->id_dtype, a->ids, id_offset, a->base) * a->out_stride * size;
        if (a->how == LAST && step[0] == 1 && step[1] == 1) {
            memcpy(to, from, (size_t)(n * size));
            return;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t id = step[2] ? luron__id_at(a->id_dtype, a->ids, id_offset + i * step[2], a->base) : 0;
        char *at = to + (i * step[0] + id * a->out_stride) * size;
        const char *value = from + i * step[1] * size;
        if (a->how == LAST)
            memcpy(at, value, (size_t)size);
        else
            extreme(a->how, a->dtype, at, value);
    }
}

static void write_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    (void)chunk;
    const writing *a = arg;
    luron__walk w = a->w;
    int64_t step[LURON__STREAMS];
    for (int s = 0; s < LURON__STREAMS; s++)
        step[s] = w.stride[s][w.ndim - 1];
    luron__walk_to(&w, begin);
    for (int64_t n; begin < end; begin += n, luron__walk_on(&w, n)) {
        n = luron__walk_row(&w, end - begin < SEGMENT ? end - begin : SEGMENT);
        if (a->out_stride == 1 && a->src_stride <= 1) {
            for (int64_t i = 0; i < n; i++) /* a column as it lies */
                write_row(a, a->out + (w.offset[0] + i * step[0]) * a->size, a->src + (w.offset[1] + i * step[1]) * a->size,
                          w.offset[2] + i * step[2], (const int64_t[]){0, a->src_stride, a->id_stride}, a->n);
            continue;
        }
        for (int64_t k = 0; k < a->n; k++)
            write_row(a, a->out + w.offset[0] * a->size, a->src + (w.offset[1] + k * a->src_stride) * a->size,
                      w.offset[2] + k * a->id_stride, step, n);
    }
}

/* ---- the ops: at = dim, base, what happens where ids meet, include_self; the op's id: ids are a list; in = x, ids, src --
 */
/* src into the output, which holds x, at ids that there are. */
static void write_src(luron_ctx *ctx, const luron__apply *a) {
    const luron_tensor *ids = a->in[1], *src = a->in[2], *out = a->out;
    int dim = (int)a->attrs.at[0];
    int64_t columns[LURON_MAX_DIMS], id_strides[LURON_MAX_DIMS], n = luron__row_length(src, dim);
    if (luron__numel(src->ndim, src->shape) == 0) return;
    luron__id_strides(id_strides, ids, out->ndim, dim, a->attrs.flags);
    memcpy(columns, src->shape, sizeof columns);
    columns[dim] = 1;
    writing w = {.w = luron__walk_make(src->ndim, columns, out->strides, src->strides, id_strides),
                 .dtype = out->dtype,
                 .id_dtype = ids->dtype,
                 .size = luron_dtype_size(out->dtype),
                 .n = n,
                 .base = a->attrs.at[1],
                 .out = luron__data(out),
                 .src = luron__data(src),
                 .ids = luron__data(ids)};
    if (src->ndim) w.out_stride = out->strides[dim], w.src_stride = src->strides[dim], w.id_stride = id_strides[dim];
    int64_t grain = GRAIN / n / SEGMENT * SEGMENT, count = luron__numel(src->ndim, columns);
    meeting how = (meeting)a->attrs.at[2];
    for (int pass = how == LAST || !a->attrs.at[3] ? 0 : 1; pass < (how == LAST ? 1 : 2); pass++) {
        w.how = pass ? how : LAST; /* without x: first one of those that meet there in its place */
        luron__parallel_for(ctx->threads, count, grain < SEGMENT ? SEGMENT : grain, write_chunk, &w);
    }
}

static luron_status compute(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON_TRY(luron__check_ids(ctx, a->op->name, a->in[1], a->attrs.at[1], luron__row_length(x, (int)a->attrs.at[0])));
    luron__copy_into(ctx, a->dtype, luron__data(a->out), a->out->strides, x);
    write_src(ctx, a);
    return LURON_OK;
}

void luron__put_rows(luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, luron_tensor *src) {
    const luron__apply a = {.attrs = {.at = {0, ctx->index_base, LAST}, .flags = true},
                            .in = (luron_tensor *[]){x, ids, src},
                            .out = x};
    write_src(ctx, &a);
}

static luron_status infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__attr_dim(ctx, a, 0, a->in[0]->ndim));
    LURON_TRY(luron__attr_base(ctx, a, 1));
    LURON_TRY(luron__attr_bool(ctx, a, 3, "include_self"));
    int dim = (int)a->attrs.at[0];
    LURON_TRY((a->op->id ? luron__check_rows : luron__check_scatter)(ctx, a->op->name, a->in[0], &dim, a->in[1], a->in[2]));
    a->dtype = a->in[0]->dtype, a->ndim = a->in[0]->ndim;
    memcpy(a->shape, a->in[0]->shape, sizeof a->shape);
    return LURON_OK;
}

static luron_status last_infer(luron_ctx *ctx, luron__apply *a) {
    a->attrs.at[2] = LAST, a->attrs.at[3] = 0;
    return infer(ctx, a);
}
static luron_status reduce_infer(luron_ctx *ctx, luron__apply *a) {
    LURON__CHECK(ctx, a->attrs.at[2] == LARGEST || a->attrs.at[2] == SMALLEST, LURON_E_ARGUMENT,
                 "scatter_reduce: how is %lld, 1 (largest) or 2 (smallest) expected", (long long)a->attrs.at[2]);
    return infer(ctx, a);
}
static luron_status max_infer(luron_ctx *ctx, luron__apply *a) {
    a->attrs.at[2] = LARGEST, a->attrs.at[3] = 0;
    return infer(ctx, a);
}
static luron_status min_infer(luron_ctx *ctx, luron__apply *a) {
    a->attrs.at[2] = SMALLEST, a->attrs.at[3] = 0;
    return infer(ctx, a);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
typedef struct at {
    int dim;
    luron_tensor *ids;
    int64_t base;
    bool list;
} at;

static at at_of(const luron__node *node) {
    return (at){(int)node->attrs.at[0], node->in[1], node->attrs.at[1], node->attrs.flags};
}
static luron_tensor *chosen(luron__expr *e, luron_tensor *x, at a) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron__choose(&t, e->ctx, x, a.dim, a.ids, a.base, a.list), &t);
}
static luron_tensor *written(luron__expr *e, luron_tensor *x, at a, luron_tensor *src) {
    luron_tensor *t = NULL;
    return e->status ? NULL
                     : luron__expr_keep(e, luron__write_at(&t, e->ctx, x, a.dim, a.ids, src, a.base, a.list), &t);
}
static luron_tensor *added(luron__expr *e, luron_tensor *x, at a, luron_tensor *src) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron__add_at(&t, e->ctx, x, a.dim, a.ids, src, a.base, a.list), &t);
}
/* One number of dtype, as large as `like` by strides of 0. */
static luron_tensor *number_like(luron__expr *e, uint32_t dtype, double value, const luron_tensor *like) {
    luron_tensor *t = NULL;
    if (e->status) return NULL;
    return luron__expr_expand(e, luron__expr_keep(e, luron_tensor_full(&t, e->ctx, dtype, 0, NULL, value), &t), like->ndim,
                              like->shape);
}

/* The positions 0, 1, ... along dim: (n), or to broadcast over src. */
static luron_tensor *positions(luron__expr *e, const luron_tensor *src, int dim, bool list) {
    int64_t shape[LURON_MAX_DIMS], n = luron__row_length(src, dim);
    luron_tensor *t = NULL;
    if (e->status) return NULL;
    for (int d = 0; d < src->ndim; d++)
        shape[d] = d == dim ? n : 1;
    luron_tensor *row = luron__expr_keep(e, luron_tensor_arange(&t, e->ctx, LURON_I64, 0, (double)n - 0.5, 1), &t);
    return list ? row : luron__expr_reshape(e, row, src->ndim, shape);
}

/* bool, to broadcast over src: is it what stays where it was written? Its position is, where positions are written. */
static luron_tensor *stays(luron__expr *e, const luron_tensor *x, const luron_tensor *src, at a) {
    int64_t size = luron__row_length(x, a.dim);
    luron_tensor *row = positions(e, src, a.dim, a.list), *t = NULL;
    if (e->status) return NULL;
    luron_tensor *from = luron__expr_keep(
        e, luron_tensor_full(&t, e->ctx, LURON_I64, a.list ? 1 : x->ndim, a.list ? &size : x->shape, 0), &t);
    at flat = {a.list ? 0 : a.dim, a.ids, a.base, a.list};
    luron_tensor *each = a.list ? row : luron__expr_expand(e, row, src->ndim, src->shape);
    luron_tensor *last = chosen(e, written(e, from, flat, each), flat);
    luron_tensor *is = luron__expr_2(e, luron_eq, last, row);
    if (!a.list) return is;
    int64_t shape[LURON_MAX_DIMS];
    for (int d = 0; d < src->ndim; d++)
        shape[d] = d == a.dim ? src->shape[d] : 1;
    return luron__expr_reshape(e, is, src->ndim, shape);
}

static luron_status gradient_last(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i) {
    luron__expr e = {.ctx = ctx};
    at a = at_of(node);
    if (i == 1) return LURON_OK;
    if (i == 0) return luron__expr_done(&e, written(&e, g, a, number_like(&e, g->dtype, 0, node->in[2])), out);
    luron_tensor *is = stays(&e, node->in[0], node->in[2], a);
    return luron__expr_done(&e, luron__expr_where(&e, is, chosen(&e, g, a), luron__expr_number(&e, 0)), out);
}

/* g / k to each of the k that are the extreme of an element. */
static luron_status gradient_extreme(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                     int i) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *x = node->in[0], *src = node->in[2], *y = luron__expr_out(&e, node);
    at a = at_of(node);
    if (i == 1) return luron__expr_done(&e, NULL, out);
    luron_tensor *is_x = luron__expr_cast(&e, luron__expr_2(&e, luron_eq, x, y), g->dtype);
    if (!node->attrs.at[3]) is_x = written(&e, is_x, a, number_like(&e, g->dtype, 0, src));
    luron_tensor *is_src = luron__expr_cast(&e, luron__expr_2(&e, luron_eq, src, chosen(&e, y, a)), g->dtype);
    luron_tensor *share = luron__expr_2(&e, luron_div, g, added(&e, is_x, a, is_src));
    if (i == 0) return luron__expr_done(&e, luron__expr_2(&e, luron_mul, is_x, share), out);
    return luron__expr_done(&e, luron__expr_2(&e, luron_mul, is_src, chosen(&e, share, a)), out);
}

static const luron__op_attr attrs_of[] = {{"dim", LURON__ATTR_DIM, 0}, {"base", LURON__ATTR_BASE, 1}, {0}};
static const luron__op_attr reduce_attrs[] = {{"dim", LURON__ATTR_DIM, 0},
                                              {"base", LURON__ATTR_BASE, 1},
                                              {"how", LURON__ATTR_INT, 2},
                                              {"include_self", LURON__ATTR_BOOL, 3},
                                              {0}};
/* A number goes to all places. */
static luron_status call_scatter(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in,
                                 luron_tensor *const *in, const luron__attrs *attrs) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *src = in[2], *t = NULL;
    if (src->is_number) src = luron__expr_cast(&e, src, in[0]->dtype);
    if (!e.status && in[2]->is_number)
        src = luron__expr_keep(&e, luron_expand(&t, ctx, src, in[1]->ndim, in[1]->shape), &t);
    luron_tensor *all[] = {in[0], in[1], src}, *y = NULL;
    if (!e.status) y = luron__expr_keep(&e, luron__apply_op(&y, ctx, op, n_in, all, attrs), &y);
    return luron__expr_done(&e, y, out);
}

/* how: LARGEST and SMALLEST as the op has them; then those that are several ops. */
static luron_status call_reduce(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in,
                                luron_tensor *const *in, const luron__attrs *attrs) {
    static const int how[] = {LURON_SUM, LURON_PROD, LURON_MEAN};
    int64_t k = attrs->at[2] - SMALLEST - 1, dim = attrs->at[0];
    if (k < 0 || k > 2) return luron__apply_op(out, ctx, op, n_in, in, attrs);
    if (dim < -LURON_MAX_DIMS || dim > LURON_MAX_DIMS) dim = LURON_MAX_DIMS; /* no tensor has it */
    return luron_scatter_reduce(out, ctx, in[0], (int)dim, in[1], in[2], how[k], attrs->at[3] != 0);
}

#define OP(fn, says, list, schema, saved, rule, by)                                                                        \
    static const luron__op op_##fn = {.name = #fn,                                                                     \
                                      .saves = saved,                                                                  \
                                      .infer = says,                                                                   \
                                      .compute = compute,                                                              \
                                      .gradient = rule,                                                                \
                                      .attrs = schema,                                                                 \
                                      .n_in = 3,                                                                       \
                                      .id = list,                                                                      \
                                      .ids_in = LURON__SAVE_IN(1),                                                     \
                                      .call = by}
#define SAVED (LURON__SAVE_IN(0) | LURON__SAVE_IN(1) | LURON__SAVE_IN(2) | LURON__SAVE_OUT)
OP(scatter, last_infer, false, attrs_of, LURON__SAVE_IN(1), gradient_last, call_scatter);
OP(index_copy, last_infer, true, attrs_of, LURON__SAVE_IN(1), gradient_last, NULL);
OP(scatter_reduce, reduce_infer, false, reduce_attrs, SAVED, gradient_extreme, call_reduce);
OP(segment_max, max_infer, true, attrs_of, SAVED, gradient_extreme, NULL);
OP(segment_min, min_infer, true, attrs_of, SAVED, gradient_extreme, NULL);
const luron__op *const luron__ops_scatter[] = {&op_scatter,     &op_index_copy,  &op_scatter_reduce,
                                               &op_segment_max, &op_segment_min, NULL};

luron_status luron__write_at(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                             luron_tensor *src, int64_t base, bool list) {
    luron__attrs attrs = {.at = {dim, base, LAST}, .flags = list};
    return luron__apply_op(out, ctx, list ? &op_index_copy : &op_scatter, 3, (luron_tensor *[]){x, ids, src}, &attrs);
}

/* ---- public: assignment ------------------------------------------------------------------------------------------ */
luron_status luron_scatter(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                           luron_tensor *src) {
    LURON_TRY(luron__check_scatter(ctx, "scatter", x, &dim, ids, src));
    return luron__write_at(out, ctx, x, dim, ids, src, ctx->index_base, false);
}

luron_status luron_index_copy(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                              luron_tensor *src) {
    LURON_TRY(luron__check_rows(ctx, "index_copy", x, &dim, ids, src));
    return luron__write_at(out, ctx, x, dim, ids, src, ctx->index_base, true);
}

luron_status luron_index_fill(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                              double value) {
    luron__expr e = {.ctx = ctx};
    LURON_TRY(luron__check_list(ctx, "index_fill", x, &dim, ids));
    LURON_TRY(luron__check_number(ctx, "index_fill: value", value, x->dtype));
    LURON_TRY(luron__check_ids(ctx, "index_fill", ids, ctx->index_base, x->shape[dim]));
    luron_tensor like = {.ndim = x->ndim};
    memcpy(like.shape, x->shape, sizeof like.shape);
    like.shape[dim] = ids->shape[0];
    luron_tensor *src = number_like(&e, x->dtype, value, &like);
    return luron__expr_done(&e, written(&e, x, (at){dim, ids, ctx->index_base, true}, src), out);
}

/* ---- public: reductions ------------------------------------------------------------------------------------------ */
/* x, or with `value` wherever something will be added. */
static luron_tensor *start(luron__expr *e, luron_tensor *x, at a, const luron_tensor *src, int include_self,
                           double value) {
    return include_self ? x : written(e, x, a, number_like(e, x->dtype, value, src));
}

static luron_tensor *sum(luron__expr *e, luron_tensor *x, at a, luron_tensor *src, int include_self) {
    return added(e, start(e, x, a, src, include_self, 0), a, src);
}

/* Integers are added as int64, so that no sum wraps before it is divided. */
static luron_tensor *mean(luron__expr *e, luron_tensor *x, at a, luron_tensor *src, int include_self) {
    bool real = luron_dtype_is_float(x->dtype);
    luron_tensor *to = real ? x : luron__expr_cast(e, x, LURON_I64);
    luron_tensor *from = real ? src : luron__expr_cast(e, src, LURON_I64);
    luron_tensor *count =
        added(e, number_like(e, LURON_I64, include_self != 0, x), a, number_like(e, LURON_I64, 1, src));
    luron_tensor *total = e->status ? NULL : sum(e, to, a, from, include_self);
    count = luron__expr_2(e, luron_maximum, count, luron__expr_whole(e, 1));
    if (real) return luron__expr_2(e, luron_div, total, count);
    return luron__expr_cast(e, luron__expr_2(e, luron_floor_divide, total, count), x->dtype);
}

/* Along dim: is the id another one than that before it? */
static luron_tensor *begins(luron__expr *e, luron_tensor *ids, int dim) {
    luron_tensor *a = NULL, *b = NULL, *t = NULL;
    int64_t shape[LURON_MAX_DIMS];
    if (e->status) return NULL;
    int64_t n = ids->shape[dim];
    memcpy(shape, ids->shape, sizeof shape);
    shape[dim] = n > 0;
    luron_tensor *first = luron__expr_keep(e, luron_tensor_full(&t, e->ctx, LURON_B8, ids->ndim, shape, 1), &t);
    if (e->status || n < 2) return first;
    a = luron__expr_keep(e, luron_narrow(&t, e->ctx, ids, dim, 1, n - 1), &t);
    if (!e->status) b = luron__expr_keep(e, luron_narrow(&t, e->ctx, ids, dim, 0, n - 1), &t);
    luron_tensor *parts[2] = {first, luron__expr_2(e, luron_ne, a, b)};
    return e->status ? NULL : luron__expr_keep(e, luron_cat(&t, e->ctx, 2, parts, dim), &t);
}

/* In order of ids, and where they are equal as before: running products, begun anew at every id, of which scatter
 * leaves the last. Exact in every derivative where elements are 0, for nothing is divided. */
static luron_tensor *prod(luron__expr *e, luron_tensor *x, at a, luron_tensor *src, int include_self) {
    luron_tensor *t = NULL, *order = NULL;
    if (luron__numel(src->ndim, src->shape) == 0) return luron__expr_1(e, luron_copy, x);
    luron_status status = luron_argsort(&order, e->ctx, a.ids, a.dim, 0);
    at by = {a.dim, luron__expr_keep(e, status, &order), e->ctx->index_base, false};
    luron_tensor *ids = chosen(e, a.ids, by), *factor = chosen(e, src, by), *first = begins(e, ids, a.dim);
    at sorted = {a.dim, ids, a.base, false};
    luron_tensor *from = luron__expr_number(e, 1), *zero = luron__expr_number(e, 0);
    if (include_self) from = chosen(e, x, sorted);
    luron_tensor *begin = luron__expr_where(e, first, luron__expr_2(e, luron_mul, factor, from), zero);
    if (e->status) return NULL;
    luron_tensor *run = luron__expr_keep(e, luron__recur(&t, e->ctx, factor, begin, first, a.dim), &t);
    return written(e, x, sorted, luron__expr_cast(e, run, x->dtype));
}

static luron_tensor *extremes(luron__expr *e, luron_tensor *x, at a, luron_tensor *src, meeting how, int include_self) {
    luron_tensor *t = NULL;
    luron__attrs attrs = {.at = {a.dim, a.base, how, include_self != 0}};
    return luron__expr_keep(
        e, luron__apply_op(&t, e->ctx, &op_scatter_reduce, 3, (luron_tensor *[]){x, a.ids, src}, &attrs), &t);
}

luron_status luron_scatter_reduce(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                                  luron_tensor *src, int how, int include_self) {
    luron__expr e = {.ctx = ctx};
    LURON_TRY(luron__check_scatter(ctx, "scatter_reduce", x, &dim, ids, src));
    LURON__CHECK(ctx, how >= LURON_SUM && how <= LURON_AMIN, LURON_E_ARGUMENT, "scatter_reduce: %d is no reduction",
                 (int)how);
    LURON_TRY(luron__check_ids(ctx, "scatter_reduce", ids, ctx->index_base, luron__row_length(x, dim)));
    luron_tensor *given = x, *y = NULL;
    if (x->ndim == 0) { /* as rows of one */
        given = luron__expr_reshape(&e, x, 1, (const int64_t[]){1});
        ids = luron__expr_reshape(&e, ids, 1, (const int64_t[]){1});
        src = luron__expr_reshape(&e, src, 1, (const int64_t[]){1});
        if (e.status) return luron__expr_done(&e, NULL, out);
    }
    at a = {dim, ids, ctx->index_base, false};
    switch (how) {
    case LURON_SUM:
        y = sum(&e, given, a, src, include_self);
        break;
    case LURON_MEAN:
        y = mean(&e, given, a, src, include_self);
        break;
    case LURON_PROD:
        y = prod(&e, given, a, src, include_self);
        break;
    case LURON_AMAX:
        y = extremes(&e, given, a, src, LARGEST, include_self);
        break;
    default:
        y = extremes(&e, given, a, src, SMALLEST, include_self);
    }
    return luron__expr_done(&e, x->ndim ? y : luron__expr_reshape(&e, y, 0, NULL), out);
}

luron_status luron__segment_extreme(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids,
                                    luron_tensor *src, bool largest) {
    luron__attrs attrs = {.at = {0, ctx->index_base, largest ? LARGEST : SMALLEST, false}, .flags = true};
    return luron__apply_op(out, ctx, largest ? &op_segment_max : &op_segment_min, 3, (luron_tensor *[]){x, ids, src},
                           &attrs);
}
