/* ops_named.c -- what models have by name and is more than one op: functions that are expressions of ops, and those
 * that need the rank of a tensor to say which op they are. A graph knows no rank before it runs. Each does what the
 * function of the library does, with its checks; the tape sees the ops alone. */
#include "internal.h"

luron_status luron__call_real(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in,
                              luron_tensor *const *in, const luron__attrs *attrs) {
    luron_tensor *real;
    if (luron_dtype_is_float(in[0]->dtype)) return luron__apply_op(out, ctx, op, n_in, in, attrs);
    LURON_TRY(luron_cast(&real, ctx, in[0], ctx->default_dtype));
    luron_status status = luron__apply_op(out, ctx, op, n_in, &real, attrs);
    luron_tensor_unref(real);
    return status;
}

/* A dim as luron_* functions take it; beyond an int no tensor has it either. */
static int dim_at(const luron__attrs *a, int place) {
    int64_t d = a->at[place];
    return d < INT32_MIN / 2 ? INT32_MIN / 2 : d > INT32_MAX / 2 ? INT32_MAX / 2 : (int)d;
}

/* Of two results the second alone. */
static luron_status second(luron_status status, luron_tensor *const *first) {
    if (!status) luron_tensor_unref(*first);
    return status;
}

/* ---- shape ------------------------------------------------------------------------------------------------------- */
static luron_status turned(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    char text[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, x->ndim <= 2, LURON_E_SHAPE, "t: a matrix expected, got shape %s; transpose names the dims",
                 luron_shape_text(text, sizeof text, x->ndim, x->shape));
    if (x->ndim == 2) return luron_transpose(out, ctx, x, 0, 1);
    *out = luron_tensor_ref(x);
    return LURON_OK;
}

static luron_status squeezed(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    int64_t shape[LURON_MAX_DIMS];
    int n = 0;
    for (int d = 0; d < x->ndim; d++)
        if (x->shape[d] != 1) shape[n++] = x->shape[d];
    return luron_reshape(out, ctx, x, n, shape);
}

static luron_status moved(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, const luron__attrs *a) {
    luron__attrs from = *a, to = *a;
    int list[2][LURON_MAX_DIMS];
    LURON__CHECK(ctx, a->n >= 0 && a->n <= LURON_MAX_DIMS, LURON_E_ARGUMENT,
                 "movedim: %d dims given, the tensor has %d", a->n, x->ndim);
    for (int i = 0; i < a->n; i++)
        list[0][i] = dim_at(&from, i), list[1][i] = dim_at(&to, LURON_MAX_DIMS + i);
    return luron_movedim(out, ctx, x, a->n, list[0], list[1]);
}

/* start counts from the end where it is negative. */
static luron_status narrowed(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int64_t start,
                             int64_t length) {
    int64_t size = luron_tensor_size(x, dim);
    return luron_narrow(out, ctx, x, dim, start < 0 && start >= -size ? start + size : start, length);
}

/* How many are put in depends on the numbers; the shape does not. */
static luron_status scattered(luron_tensor **out, luron_ctx *ctx, luron_tensor *const *in) {
    return ctx->shapes_only ? luron_copy(out, ctx, in[0]) : luron_masked_scatter(out, ctx, in[0], in[1], in[2]);
}

/* Each position times over; of shapes alone as many ids are chosen. */
static luron_status repeated(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int64_t times, int dim) {
    luron_tensor *number, ids = {.dtype = LURON_I64, .ndim = 1, .strides = {1}};
    LURON__CHECK(ctx, times >= 0, LURON_E_ARGUMENT, "repeat_interleave: repeats: %lld is negative", (long long)times);
    if (ctx->shapes_only) {
        LURON_TRY(luron__wrap_dim(&dim, ctx, "repeat_interleave: dim", x->ndim));
        LURON__CHECK(ctx, !__builtin_mul_overflow(luron_tensor_size(x, dim), times, &ids.shape[0]), LURON_E_SHAPE,
                     "repeat_interleave: the result is too large");
        return luron_index_select(out, ctx, x, dim, &ids);
    }
    LURON_TRY(luron_tensor_from(&number, ctx, LURON_I64, 0, NULL, &times));
    luron_status status = luron_repeat_interleave(out, ctx, x, number, dim);
    luron_tensor_unref(number);
    return status;
}

/* ---- attributes ---------------------------------------------------------------------------------------------------
 */
static const luron__op_attr
    no_attrs[] = {{0}},
    dim_attrs[] = {{"dim", LURON__ATTR_DIM, 0}, {0}},
    two_dims[] = {{"dim1", LURON__ATTR_DIM, 0}, {"dim2", LURON__ATTR_DIM, 1}, {0}},
    from_to[] = {{"from", LURON__ATTR_DIM, 0}, {"to", LURON__ATTR_DIM, 1}, {0}},
    move_attrs[] = {{"from", LURON__ATTR_INTS, 0}, {"to", LURON__ATTR_INTS, LURON_MAX_DIMS}, {0}},
    split_attrs[] = {{"dim", LURON__ATTR_DIM, LURON_MAX_DIMS}, {"sizes", LURON__ATTR_INTS, 0}, {0}},
    narrow_attrs[] = {{"dim", LURON__ATTR_DIM, 0}, {"start", LURON__ATTR_INT, 1}, {"length", LURON__ATTR_INT, 2}, {0}},
    roll_attrs[] = {{"shift", LURON__ATTR_INT, 0}, {"dim", LURON__ATTR_DIM, 1}, {0}},
    repeat_attrs[] = {{"times", LURON__ATTR_INT, 0}, {"dim", LURON__ATTR_DIM, 1}, {0}},
    tile_attrs[] = {{"times", LURON__ATTR_INTS, 0}, {0}},
    diff_attrs[] = {{"n", LURON__ATTR_INT, 0}, {"dim", LURON__ATTR_DIM, 1}, {0}},
    over_attrs[] = {{"dims", LURON__ATTR_DIMS, 0}, {"keepdim", LURON__ATTR_BOOL, 1}, {0}},
    std_attrs[] = {{"dims", LURON__ATTR_DIMS, 0},
                   {"keepdim", LURON__ATTR_BOOL, 1},
                   {"correction", LURON__ATTR_NUM, 0},
                   {0}},
    norm_attrs[] = {{"p", LURON__ATTR_NUM, 0}, {"dims", LURON__ATTR_DIMS, 0}, {"keepdim", LURON__ATTR_BOOL, 1}, {0}},
    quantile_attrs[] = {{"q", LURON__ATTR_NUM, 0}, {"dim", LURON__ATTR_DIM, 0}, {"keepdim", LURON__ATTR_BOOL, 1}, {0}},
    along_attrs[] = {{"dim", LURON__ATTR_DIM, 0}, {"keepdim", LURON__ATTR_BOOL, 1}, {0}},
    kth_attrs[] = {{"k", LURON__ATTR_INT, 2}, {"dim", LURON__ATTR_DIM, 0}, {"keepdim", LURON__ATTR_BOOL, 1}, {0}},
    value_attrs[] = {{"value", LURON__ATTR_NUM, 0}, {0}},
    fill_attrs[] = {{"dim", LURON__ATTR_DIM, 0}, {"value", LURON__ATTR_NUM, 0}, {0}},
    count_attrs[] = {{"count", LURON__ATTR_INT, 0}, {0}},
    close_attrs[] = {{"rtol", LURON__ATTR_NUM, 0},
                     {"atol", LURON__ATTR_NUM, 1},
                     {"equal_nan", LURON__ATTR_BOOL, 0},
                     {0}},
    offset_attrs[] = {{"offset", LURON__ATTR_INT, 0}, {0}};

/* name, operands, attributes, flags, the call: of in[], a->at and a->num; x is in[0], D a list of dims at 0. */
#define NAMED(NAME)                                                                                                    \
    NAME(transpose, 1, two_dims, 0, luron_transpose(out, ctx, x, dim_at(a, 0), dim_at(a, 1)))                          \
    NAME(t, 1, no_attrs, 0, turned(out, ctx, x))                                                                       \
    NAME(movedim, 1, move_attrs, 0, moved(out, ctx, x, a))                                                             \
    NAME(flatten, 1, from_to, 0, luron_flatten(out, ctx, x, dim_at(a, 0), dim_at(a, 1)))                               \
    NAME(unflatten, 1, split_attrs, 0, luron_unflatten(out, ctx, x, dim_at(a, LURON_MAX_DIMS), a->n, a->at))           \
    NAME(squeeze_all, 1, no_attrs, 0, squeezed(out, ctx, x))                                                           \
    NAME(narrow, 1, narrow_attrs, 0, narrowed(out, ctx, x, dim_at(a, 0), a->at[1], a->at[2]))                          \
    NAME(stack, -1, dim_attrs, 0, luron_stack(out, ctx, n, in, dim_at(a, 0)))                                          \
    NAME(roll, 1, roll_attrs, 0, luron_roll(out, ctx, x, a->at[0], dim_at(a, 1)))                                      \
    NAME(tile, 1, tile_attrs, 0, luron_tile(out, ctx, x, a->n, a->at))                                                 \
    NAME(repeat_each, 1, repeat_attrs, 0, repeated(out, ctx, x, a->at[0], dim_at(a, 1)))                               \
    NAME(diff, 1, diff_attrs, 0, luron_diff(out, ctx, x, a->at[0], dim_at(a, 1)))                                      \
    NAME(std, 1, std_attrs, 0, luron_std(out, ctx, x, D.n, D.at, a->at[1] != 0, a->num[0]))                            \
    NAME(norm, 1, norm_attrs, 0, luron_norm(out, ctx, x, a->num[0], D.n, D.at, a->at[1] != 0))                         \
    NAME(logsumexp, 1, over_attrs, 0, luron_logsumexp(out, ctx, x, D.n, D.at, a->at[1] != 0))                          \
    NAME(quantile, 1, quantile_attrs, 0, luron_quantile(out, ctx, x, a->num[0], dim_at(a, 0), a->at[1] != 0))          \
    NAME(median_ids, 1, along_attrs, LURON__OP_GIVES_IDS,                                                              \
         second(luron_median(&first, out, ctx, x, dim_at(a, 0), a->at[1] != 0), &first))                               \
    NAME(mode_ids, 1, along_attrs, LURON__OP_GIVES_IDS,                                                                \
         second(luron_mode(&first, out, ctx, x, dim_at(a, 0), a->at[1] != 0), &first))                                 \
    NAME(kthvalue_ids, 1, kth_attrs, LURON__OP_GIVES_IDS,                                                              \
         second(luron_kthvalue(&first, out, ctx, x, a->at[2], dim_at(a, 0), a->at[1] != 0), &first))                   \
    NAME(masked_fill, 2, value_attrs, 0, luron_masked_fill(out, ctx, x, in[1], a->num[0]))                             \
    NAME(masked_scatter, 3, no_attrs, 0, scattered(out, ctx, in))                                                      \
    NAME(index_fill, 2, fill_attrs, 0, luron_index_fill(out, ctx, x, dim_at(a, 0), in[1], a->num[0]))                  \
    NAME(take_elements, 2, no_attrs, 0, luron_take(out, ctx, x, in[1]))                                                \
    NAME(segment_sum, 2, count_attrs, 0, luron_segment_sum(out, ctx, x, in[1], a->at[0]))                              \
    NAME(segment_mean, 2, count_attrs, 0, luron_segment_mean(out, ctx, x, in[1], a->at[0]))                            \
    NAME(segment_largest, 2, count_attrs, 0, luron_segment_max(out, ctx, x, in[1], a->at[0]))                          \
    NAME(segment_smallest, 2, count_attrs, 0, luron_segment_min(out, ctx, x, in[1], a->at[0]))                         \
    NAME(isclose, 2, close_attrs, 0, luron_isclose(out, ctx, x, in[1], a->num[0], a->num[1], a->at[0] != 0))           \
    NAME(diag, 1, offset_attrs, 0, luron_diag(out, ctx, x, a->at[0]))                                                  \
    NAME(trace, 1, no_attrs, 0, luron_trace(out, ctx, x))                                                              \
    NAME(outer, 2, no_attrs, 0, luron_outer(out, ctx, x, in[1]))                                                       \
    NAME(dot, 2, no_attrs, 0, luron_dot(out, ctx, x, in[1]))

#define OP(fn, operands, schema, flag, ...)                                                                            \
    static luron_status call_##fn(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n,                      \
                                  luron_tensor *const *in, const luron__attrs *a) {                                    \
        luron_tensor *x = in[0], *first = NULL;                                                                        \
        const luron__dims D = luron__dims_of(a->at[0]);                                                                \
        (void)op, (void)n, (void)a, (void)x, (void)D, (void)first;                                                     \
        return __VA_ARGS__;                                                                                            \
    }                                                                                                                  \
    static const luron__op op_##fn = {.name = #fn, .attrs = schema, .n_in = operands, .flags = flag, .call = call_##fn};
NAMED(OP)

#define ENTRY(fn, ...) &op_##fn,
const luron__op *const luron__ops_named[] = {NAMED(ENTRY) NULL};
