/* ops_elementwise.c -- promotion, what element-wise ops share, and those with numbers as arguments. */
#include "ops_elementwise.h"
#include "plan.h"

#include <math.h>
#include <string.h>

#include "ops_expr.h"

/* ---- promotion: PyTorch's rules -------------------------------------------------------------------------------- */
/* The smallest dtype that holds both, 0 standing for none. */
static uint32_t wider(uint32_t a, uint32_t b) {
    if (a == b || !b) return a;
    if (!a) return b;
    bool real_a = luron_dtype_is_float(a), real_b = luron_dtype_is_float(b);
    if (real_a != real_b) return real_a ? a : b;
    if (a == LURON_B8 || b == LURON_B8) return a == LURON_B8 ? b : a;
    uint32_t bits_a = a & 0xff, bits_b = b & 0xff;
    if (bits_a == bits_b) return LURON_F32; /* float16 and bfloat16 */
    return bits_a > bits_b ? a : b;
}

/* Operands with dims decide, then 0-d tensors, then numbers: a lower rank matters only where it is of a higher kind. */
static uint32_t above(uint32_t higher, uint32_t lower) {
    if (!higher || !lower) return higher ? higher : lower;
    if (luron_dtype_is_float(higher)) return higher;
    return higher == LURON_B8 || luron_dtype_is_float(lower) ? wider(higher, lower) : higher;
}

uint32_t luron__promote(const luron_tensor *a, const luron_tensor *b, uint32_t default_dtype) {
    enum { NUMBER, POINT, ARRAY, RANKS };
    uint32_t of[RANKS] = {0};
    for (int i = 0; i < 2; i++) {
        const luron_tensor *t = i ? b : a;
        int rank = t->is_number ? NUMBER : t->ndim == 0 ? POINT : ARRAY;
        uint32_t dtype = t->is_number && luron_dtype_is_float(t->dtype) ? default_dtype : t->dtype;
        of[rank] = wider(of[rank], dtype);
    }
    return above(of[ARRAY], above(of[POINT], of[NUMBER]));
}

uint32_t luron__real_dtype(const luron_ctx *ctx, uint32_t dtype) {
    return luron_dtype_is_float(dtype) ? dtype : ctx->default_dtype;
}

/* ---- from an application to the loop --------------------------------------------------------------------------- */
void luron__ew_operand_of(luron__ew_operand *o, const luron_tensor *t, uint32_t run, int ndim, const int64_t *shape) {
    o->data = luron__data(t);
    o->dtype = t->dtype, o->run = run;
    for (int d = 0; d < ndim; d++) {
        int own = d - (ndim - t->ndim);
        o->strides[d] = own < 0 || (t->shape[own] == 1 && shape[d] != 1) ? 0 : t->strides[own];
    }
}

luron_status luron__ew_compute(luron_ctx *ctx, luron__apply *a, luron__ew_fn fn, int32_t id, uint32_t run_in,
                               uint32_t run_out) {
    luron__ew e = {.fn = fn, .id = id, .isa = ctx->isa, .n_in = a->n_in, .ndim = a->ndim};
    memcpy(e.num, a->attrs.num, sizeof e.num);
    memcpy(e.shape, a->shape, sizeof e.shape);
    luron__ew_operand_of(&e.out, a->out, run_out, a->ndim, a->shape);
    for (int i = 0; i < a->n_in; i++)
        luron__ew_operand_of(&e.in[i], a->in[i], run_in, a->ndim, a->shape);
    if (fn == luron__ew_where) e.in[0].run = LURON_B8;
    int found = luron__elementwise(&e, ctx->threads);
    LURON__CHECK(ctx, !(found & LURON__EW_DIVISION_BY_ZERO), LURON_E_ARGUMENT, "%s: an integer divided by zero",
                 a->op->name);
    LURON__CHECK(ctx, !(found & LURON__EW_NEGATIVE_POWER), LURON_E_ARGUMENT,
                 "%s: an integer to a negative power is no integer (cast one side to a real dtype)", a->op->name);
    return LURON_OK;
}

luron_status luron__infer_like(luron__apply *a, uint32_t dtype) {
    a->dtype = dtype;
    a->ndim = a->in[0]->ndim;
    memcpy(a->shape, a->in[0]->shape, sizeof a->shape);
    return LURON_OK;
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */
static luron_status number(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, const void *value) {
    luron_tensor *t;
    LURON_TRY(luron__tensor_make(&t, ctx, dtype, 0, (const int64_t[]){0}));
    memcpy(luron__data(t), value, (size_t)luron_dtype_size(dtype));
    luron__plan_constant(ctx, t);
    t->is_number = true;
    *out = t;
    return LURON_OK;
}
luron_status luron_scalar(luron_tensor **out, luron_ctx *ctx, double value) {
    return number(out, ctx, LURON_F64, &value);
}
luron_status luron_scalar_int(luron_tensor **out, luron_ctx *ctx, int64_t value) {
    return number(out, ctx, LURON_I64, &value);
}

/* ---- scale: num = times, plus ---------------------------------------------------------------------------------- */
static luron_status scale_infer(luron_ctx *ctx, luron__apply *a) {
    return luron__infer_like(a, luron__real_dtype(ctx, a->in[0]->dtype));
}
static luron_status scale_compute(luron_ctx *ctx, luron__apply *a) {
    uint32_t run = luron__compute_dtype(a->dtype);
    return luron__ew_compute(ctx, a, luron__ew_number, LURON__NUMBER_SCALE, run, run);
}
static luron_status scale_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                   int i) {
    (void)i;
    return luron_scale(out, ctx, g, node->attrs.num[0], 0);
}
static const luron__op_attr scale_attrs[] = {{"times", LURON__ATTR_NUM, 0}, {"plus", LURON__ATTR_NUM, 1}, {0}};
static const luron__op op_scale = {.name = "scale",
                                   .infer = scale_infer,
                                   .compute = scale_compute,
                                   .gradient = scale_gradient,
                                   .attrs = scale_attrs,
                                   .n_in = 1,
                                   .flags = LURON__OP_ELEMENTWISE};
luron_status luron_scale(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, double times, double plus) {
    return luron__apply_op(out, ctx, &op_scale, 1, &x, &(luron__attrs){.num = {times, plus}});
}

/* ---- clamp: num = lo, hi --------------------------------------------------------------------------------------- */
static luron_status clamp_infer(luron_ctx *ctx, luron__apply *a) {
    uint32_t dtype = a->in[0]->dtype;
    for (int k = 0; k < 2; k++) {
        double bound = a->attrs.num[k];
        LURON__CHECK(ctx, !isnan(bound), LURON_E_ARGUMENT, "clamp: %s is not a number", k ? "hi" : "lo");
        LURON__CHECK(ctx, luron_dtype_is_float(dtype) || isinf(bound) || bound == floor(bound), LURON_E_ARGUMENT,
                     "clamp: %s is %g, but the tensor is %s: a whole number expected (or cast it first)",
                     k ? "hi" : "lo", bound, luron_dtype_name(dtype));
    }
    return luron__infer_like(a, dtype);
}
static luron_status clamp_compute(luron_ctx *ctx, luron__apply *a) {
    uint32_t run = luron__compute_dtype(a->dtype);
    return luron__ew_compute(ctx, a, luron__ew_number, LURON__NUMBER_CLAMP, run, run);
}
static luron_status clamp_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                   int i) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *x = node->in[i];
    luron_tensor *above_lo = luron__expr_2(&e, luron_ge, x, luron__expr_number(&e, node->attrs.num[0]));
    luron_tensor *below_hi = luron__expr_2(&e, luron_le, x, luron__expr_number(&e, node->attrs.num[1]));
    luron_tensor *inside = luron__expr_2(&e, luron_logical_and, above_lo, below_hi);
    return luron__expr_done(&e, luron__expr_where(&e, inside, g, luron__expr_number(&e, 0)), out);
}
static const luron__op_attr clamp_attrs[] = {{"lowest", LURON__ATTR_NUM, 0}, {"highest", LURON__ATTR_NUM, 1}, {0}};
static const luron__op op_clamp = {.name = "clamp",
                                   .saves = LURON__SAVE_IN(0),
                                   .infer = clamp_infer,
                                   .compute = clamp_compute,
                                   .gradient = clamp_gradient,
                                   .attrs = clamp_attrs,
                                   .n_in = 1,
                                   .flags = LURON__OP_ELEMENTWISE};
luron_status luron_clamp(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, double lo, double hi) {
    return luron__apply_op(out, ctx, &op_clamp, 1, &x, &(luron__attrs){.num = {lo, hi}});
}

/* ---- tests of one operand -------------------------------------------------------------------------------------- */
static luron_status bool_infer(luron_ctx *ctx, luron__apply *a) {
    (void)ctx;
    return luron__infer_like(a, LURON_B8);
}
static luron_status not_compute(luron_ctx *ctx, luron__apply *a) {
    return luron__ew_compute(ctx, a, luron__ew_number, LURON__NUMBER_NOT, LURON_B8, LURON_B8);
}
static luron_status isfinite_compute(luron_ctx *ctx, luron__apply *a) {
    return luron__ew_compute(ctx, a, luron__ew_number, LURON__NUMBER_ISFINITE, luron__compute_dtype(a->in[0]->dtype),
                             LURON_B8);
}
static luron_status isnan_compute(luron_ctx *ctx, luron__apply *a) {
    return luron__ew_compute(ctx, a, luron__ew_number, LURON__NUMBER_ISNAN, luron__compute_dtype(a->in[0]->dtype),
                             LURON_B8);
}
#define TEST(fn, text)                                                                                                 \
    static const luron__op op_##fn = {                                                                                 \
        .name = text, .infer = bool_infer, .compute = fn##_compute, .n_in = 1, .flags = LURON__OP_ELEMENTWISE};
TEST(not, "logical_not")
TEST(isfinite, "isfinite")
TEST(isnan, "isnan")
luron_status luron_logical_not(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron__apply_op(out, ctx, &op_not, 1, &x, NULL);
}
luron_status luron_isfinite(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron__apply_op(out, ctx, &op_isfinite, 1, &x, NULL);
}
luron_status luron_isnan(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron__apply_op(out, ctx, &op_isnan, 1, &x, NULL);
}

/* ---- where ----------------------------------------------------------------------------------------------------- */
static luron_status where_infer(luron_ctx *ctx, luron__apply *a) {
    LURON__CHECK(ctx, a->in[0]->dtype == LURON_B8, LURON_E_DTYPE, "where: the condition must be bool, got %s",
                 luron_dtype_name(a->in[0]->dtype));
    luron_tensor both = {.ndim = 0};
    LURON_TRY(luron__broadcast(ctx, "where", a->in[1], a->in[2], &both.ndim, both.shape));
    LURON_TRY(luron__broadcast(ctx, "where: condition", a->in[0], &both, &a->ndim, a->shape));
    a->dtype = luron__promote(a->in[1], a->in[2], ctx->default_dtype);
    return LURON_OK;
}
static luron_status where_compute(luron_ctx *ctx, luron__apply *a) {
    uint32_t run = luron__compute_dtype(a->dtype);
    return luron__ew_compute(ctx, a, luron__ew_where, 0, run, run);
}
static luron_status where_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                   int i) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *zero = luron__expr_number(&e, 0);
    return luron__expr_done(&e, luron__expr_where(&e, node->in[0], i == 1 ? g : zero, i == 1 ? zero : g), out);
}
static const luron__op op_where = {.name = "where",
                                   .saves = LURON__SAVE_IN(0),
                                   .infer = where_infer,
                                   .compute = where_compute,
                                   .gradient = where_gradient,
                                   .n_in = 3,
                                   .flags = LURON__OP_ELEMENTWISE,
                                   .carries = LURON__SAVE_IN(1) | LURON__SAVE_IN(2)};
luron_status luron_where(luron_tensor **out, luron_ctx *ctx, luron_tensor *cond, luron_tensor *a, luron_tensor *b) {
    return luron__apply_op(out, ctx, &op_where, 3, (luron_tensor *[]){cond, a, b}, NULL);
}

/* ---- cast (at[0] = dtype) and copy ----------------------------------------------------------------------------- */
static luron_status cast_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__attr_dtype(ctx, a, 0));
    return luron__infer_like(a, (uint32_t)a->attrs.at[0]);
}
static luron_status copy_infer(luron_ctx *ctx, luron__apply *a) {
    (void)ctx;
    return luron__infer_like(a, a->in[0]->dtype);
}
static luron_status convert_compute(luron_ctx *ctx, luron__apply *a) {
    return luron__ew_compute(ctx, a, NULL, 0, 0, 0);
}
static luron_status as_is_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                   int i) {
    (void)ctx, (void)node, (void)i;
    *out = luron_tensor_ref(g);
    return LURON_OK;
}
static const luron__op_attr cast_attrs[] = {{"dtype", LURON__ATTR_DTYPE, 0}, {0}};
static const luron__op op_cast = {.name = "cast",
                                  .infer = cast_infer,
                                  .compute = convert_compute,
                                  .gradient = as_is_gradient,
                                  .attrs = cast_attrs,
                                  .n_in = 1,
                                  .carries = LURON__SAVE_IN(0)};
static const luron__op op_copy = {.name = "copy",
                                  .infer = copy_infer,
                                  .compute = convert_compute,
                                  .gradient = as_is_gradient,
                                  .n_in = 1,
                                  .carries = LURON__SAVE_IN(0)};
/* x seen as it is, where it lies in one piece; else a copy. */
static luron_status contiguous_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    (void)ctx;
    a->is_view = luron_tensor_is_contiguous(x) != 0;
    a->offset = x->offset;
    memcpy(a->strides, x->strides, sizeof a->strides);
    return luron__infer_like(a, x->dtype);
}
static const luron__op op_contiguous = {.name = "contiguous",
                                        .infer = contiguous_infer,
                                        .compute = convert_compute,
                                        .gradient = as_is_gradient,
                                        .n_in = 1,
                                        .carries = LURON__SAVE_IN(0)};
const luron__op *const luron__ops_elementwise[] = {&op_scale, &op_clamp, &op_not,  &op_isfinite, &op_isnan,
                                                   &op_where, &op_cast,  &op_copy, &op_contiguous, NULL};

luron_status luron_cast(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, uint32_t dtype) {
    LURON__CHECK(ctx, luron_dtype_size(dtype) > 0, LURON_E_DTYPE, "cast: 0x%x is no dtype", dtype);
    if (dtype == x->dtype && !x->is_number) {
        *out = luron_tensor_ref(x);
        return LURON_OK;
    }
    return luron__apply_op(out, ctx, &op_cast, 1, &x, &(luron__attrs){.at = {dtype}});
}
luron_status luron_copy(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron__apply_op(out, ctx, &op_copy, 1, &x, NULL);
}
luron_status luron_contiguous(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    if (ctx->trace) return luron__apply_op(out, ctx, &op_contiguous, 1, &x, NULL); /* another time it may not be */
    if (!luron_tensor_is_contiguous(x)) return luron_copy(out, ctx, x);
    *out = luron_tensor_ref(x);
    return LURON_OK;
}
