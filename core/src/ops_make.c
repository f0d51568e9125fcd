/* ops_make.c -- tensors from nothing but attributes, and ids that count from another base. */
#include "ops_elementwise.h"

#include <math.h>
#include <string.h>

/* ---- full: at = dtype; shape from 1 on, n = ndim; num = value ------------------------------------------------------
 */
static luron_status full_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__attr_dtype(ctx, a, 0));
    LURON_TRY(luron__attr_count(ctx, a));
    a->dtype = (uint32_t)a->attrs.at[0], a->ndim = a->attrs.n;
    LURON_TRY(luron__check_number(ctx, "full: value", a->attrs.num[0], a->dtype));
    memcpy(a->shape, a->attrs.at + 1, sizeof a->shape);
    return LURON_OK;
}
static luron_status full_compute(luron_ctx *ctx, luron__apply *a) {
    enum { FEW = 64 }; /* where every backward begins there is one */
    const int64_t n = luron_tensor_numel(a->out);
    if (a->out->dtype == LURON_F32 && n <= FEW) {
        float *y = (float *)(void *)luron__data(a->out);
        for (int64_t i = 0; i < n; i++)
            y[i] = (float)a->attrs.num[0];
        return LURON_OK;
    }
    return luron_tensor_fill(ctx, a->out, a->attrs.num[0]);
}
static const luron__op_attr full_attrs[] = {
    {"dtype", LURON__ATTR_DTYPE, 0}, {"shape", LURON__ATTR_INTS, 1}, {"value", LURON__ATTR_NUM, 0}, {0}};
static const luron__op op_full = {.name = "full", .infer = full_infer, .compute = full_compute, .attrs = full_attrs};

luron_status luron_tensor_full(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape,
                               double value) {
    luron__attrs attrs = {.at = {dtype}, .num = {value}, .n = ndim};
    LURON_TRY(luron__check_shape(ctx, dtype, ndim, shape, NULL));
    if (ndim) memcpy(attrs.at + 1, shape, (size_t)ndim * sizeof *shape);
    return luron__apply_op(out, ctx, &op_full, 0, NULL, &attrs);
}

/* ---- arange: at = dtype, count; num = start, step ------------------------------------------------------------------
 */
static luron_status arange_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__attr_dtype(ctx, a, 0));
    LURON__CHECK(ctx, a->attrs.at[1] >= 0, LURON_E_ARGUMENT, "arange: %lld elements, it must not be negative",
                 (long long)a->attrs.at[1]);
    a->dtype = (uint32_t)a->attrs.at[0], a->ndim = 1, a->shape[0] = a->attrs.at[1];
    const double start = a->attrs.num[0], step = a->attrs.num[1];
    if (a->shape[0] > 0) LURON_TRY(luron__check_number(ctx, "arange: the first number", start, a->dtype));
    if (a->shape[0] < 2 || luron_dtype_is_float(a->dtype)) return LURON_OK;
    LURON__CHECK(ctx, step == floor(step), LURON_E_ARGUMENT,
                 "arange: the step is %g, but the tensor is %s: a whole number expected", step,
                 luron_dtype_name(a->dtype));
    return luron__check_number(ctx, "arange: the last number", start + (double)(a->shape[0] - 1) * step, a->dtype);
}
static luron_status arange_compute(luron_ctx *ctx, luron__apply *a) {
    char *to = luron__data(a->out);
    int size = luron_dtype_size(a->dtype);
    (void)ctx;
    enum { BLOCK = 256 };
    double value[BLOCK];
    for (int64_t done = 0; done < a->shape[0]; done += BLOCK) {
        const int64_t n = a->shape[0] - done < BLOCK ? a->shape[0] - done : BLOCK;
        for (int64_t i = 0; i < n; i++) value[i] = a->attrs.num[0] + (double)(done + i) * a->attrs.num[1];
        if (a->dtype == LURON_I64) /* within its range, as infer has seen */
            for (int64_t i = 0; i < n; i++) ((int64_t *)(void *)to)[done + i] = (int64_t)value[i];
        else
            luron__convert(a->dtype, to + done * size, 1, LURON_F64, value, 1, n);
    }
    return LURON_OK;
}
static const luron__op_attr arange_attrs[] = {{"dtype", LURON__ATTR_DTYPE, 0},
                                              {"count", LURON__ATTR_INT, 1},
                                              {"start", LURON__ATTR_NUM, 0},
                                              {"step", LURON__ATTR_NUM, 1},
                                              {0}};
static const luron__op op_arange = {
    .name = "arange", .infer = arange_infer, .compute = arange_compute, .attrs = arange_attrs};

luron_status luron_tensor_arange(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, double start, double stop,
                                 double step) {
    LURON__CHECK(ctx, isfinite(start) && isfinite(stop) && isfinite(step) && step != 0, LURON_E_ARGUMENT,
                 "arange: finite numbers and a step that is not 0 expected, got start %g, stop %g, step %g", start,
                 stop, step);
    double count = ceil((stop - start) / step);
    LURON__CHECK(ctx, count < 1e15, LURON_E_ARGUMENT, "arange: %g elements are too many", count);
    luron__attrs attrs = {.at = {dtype, count > 0 ? (int64_t)count : 0}, .num = {start, step}};
    return luron__apply_op(out, ctx, &op_arange, 0, NULL, &attrs);
}

/* ---- to_ids and from_ids: at = what the numbers count from, base ---------------------------------------------------
 * Where a graph is run, ids count as the context does; numbers in the graph itself count as they did where it was made:
 * to_ids makes ids of such numbers, from_ids numbers of ids. */
static luron_status ids_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, x->dtype != LURON_B8, LURON_E_DTYPE, "%s: bool counts nothing", a->op->name);
    LURON__CHECK(ctx, a->attrs.at[0] == 0 || a->attrs.at[0] == 1, LURON_E_ARGUMENT,
                 "%s: numbers count from 0 or 1, not from %lld", a->op->name, (long long)a->attrs.at[0]);
    LURON_TRY(luron__attr_base(ctx, a, 1));
    LURON_TRY(luron__infer_like(a, x->dtype));
    a->is_view = a->attrs.at[0] == a->attrs.at[1];
    a->offset = x->offset;
    memcpy(a->strides, x->strides, sizeof a->strides);
    return LURON_OK;
}
static luron_status shifted(luron_ctx *ctx, luron__apply *a, int64_t shift) {
    luron__storage storage = {.data = &shift};
    luron_tensor number = {.dtype = LURON_I64, .storage = &storage}, *in[] = {a->in[0], &number};
    luron__apply both = *a;
    uint32_t run = luron__compute_dtype(a->dtype);
    both.n_in = 2, both.in = in;
    return luron__ew_compute(ctx, &both, luron__ew_binary, LURON__BINARY_add, run, run);
}
static luron_status to_ids_compute(luron_ctx *ctx, luron__apply *a) {
    return shifted(ctx, a, a->attrs.at[1] - a->attrs.at[0]);
}
static luron_status from_ids_compute(luron_ctx *ctx, luron__apply *a) {
    return shifted(ctx, a, a->attrs.at[0] - a->attrs.at[1]);
}
static const luron__op_attr ids_attrs[] = {{"from", LURON__ATTR_INT, 0}, {"base", LURON__ATTR_BASE, 1}, {0}};
static const luron__op op_to_ids = {.name = "to_ids",
                                    .infer = ids_infer,
                                    .compute = to_ids_compute,
                                    .attrs = ids_attrs,
                                    .n_in = 1,
                                    .flags = LURON__OP_GIVES_IDS};
static const luron__op op_from_ids = {.name = "from_ids",
                                      .infer = ids_infer,
                                      .compute = from_ids_compute,
                                      .attrs = ids_attrs,
                                      .n_in = 1,
                                      .ids_in = LURON__SAVE_IN(0)};

const luron__op *const luron__ops_make[] = {&op_full, &op_arange, &op_to_ids, &op_from_ids, NULL};
