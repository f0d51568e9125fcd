/* ops_unary.c -- functions of one tensor, LURON_UNARY_MAP and what came after it, with their gradients. attrs.flags is
 * the function's id. */
#include "kernels/vecmath.h"
#include "ops_elementwise.h"
#include "ops_expr.h"

#include <math.h>

/* ---- gradients: g is that of the output; X is the operand and Y the output, where they are saved --------------- */
#define X (node->in[0])
#define Y luron__expr_out(&e, node)
#define F(name, x) luron__expr_1(&e, luron_##name, x)
#define MUL(a, b) luron__expr_2(&e, luron_mul, a, b)
#define DIV(a, b) luron__expr_2(&e, luron_div, a, b)
#define SCALE(x, times, plus) luron__expr_scale(&e, x, times, plus)

#define SAVE_X LURON__SAVE_IN(0)
#define SAVE_Y LURON__SAVE_OUT

/* clang-format off: a table */
#define RULES(R)                                                                                                       \
    R(neg, 0, F(neg, g))                                                                                               \
    R(abs, SAVE_X, MUL(g, F(sign, X)))                                                                                 \
    R(sign, 0, luron__expr_zeros_like(&e, g))                                                                          \
    R(square, SAVE_X, MUL(g, SCALE(X, 2, 0)))                                                                          \
    R(reciprocal, SAVE_Y, F(neg, MUL(g, F(square, Y))))                                                                \
    R(sqrt, SAVE_Y, DIV(g, SCALE(Y, 2, 0)))                                                                            \
    R(rsqrt, SAVE_Y, MUL(SCALE(g, -0.5, 0), MUL(Y, F(square, Y))))                                                     \
    R(exp, SAVE_Y, MUL(g, Y))                                                                                          \
    R(expm1, SAVE_Y, MUL(g, SCALE(Y, 1, 1)))                                                                           \
    R(log, SAVE_X, DIV(g, X))                                                                                          \
    R(log1p, SAVE_X, DIV(g, SCALE(X, 1, 1)))                                                                           \
    R(log2, SAVE_X, DIV(g, SCALE(X, M_LN2, 0)))                                                                        \
    R(log10, SAVE_X, DIV(g, SCALE(X, M_LN10, 0)))                                                                      \
    R(sin, SAVE_X, MUL(g, F(cos, X)))                                                                                  \
    R(cos, SAVE_X, F(neg, MUL(g, F(sin, X))))                                                                          \
    R(tan, SAVE_Y, MUL(g, SCALE(F(square, Y), 1, 1)))                                                                  \
    R(asin, SAVE_X, MUL(g, F(rsqrt, SCALE(F(square, X), -1, 1))))                                                      \
    R(acos, SAVE_X, F(neg, MUL(g, F(rsqrt, SCALE(F(square, X), -1, 1)))))                                              \
    R(atan, SAVE_X, DIV(g, SCALE(F(square, X), 1, 1)))                                                                 \
    R(sinh, SAVE_X, MUL(g, F(cosh, X)))                                                                                \
    R(cosh, SAVE_X, MUL(g, F(sinh, X)))                                                                                \
    R(asinh, SAVE_X, MUL(g, F(rsqrt, SCALE(F(square, X), 1, 1))))                                                      \
    R(acosh, SAVE_X, MUL(g, F(rsqrt, SCALE(F(square, X), 1, -1))))                                                     \
    R(atanh, SAVE_X, DIV(g, SCALE(F(square, X), -1, 1)))                                                               \
    R(tanh, SAVE_Y, MUL(g, SCALE(F(square, Y), -1, 1)))                                                                \
    R(sigmoid, SAVE_Y, MUL(g, MUL(Y, SCALE(Y, -1, 1))))                                                                \
    R(erf, SAVE_X, MUL(g, SCALE(F(exp, F(neg, F(square, X))), M_2_SQRTPI, 0)))                                         \
    R(floor, 0, luron__expr_zeros_like(&e, g))                                                                         \
    R(ceil, 0, luron__expr_zeros_like(&e, g))                                                                          \
    R(round, 0, luron__expr_zeros_like(&e, g))                                                                         \
    R(trunc, 0, luron__expr_zeros_like(&e, g))
/* clang-format on */

#define GRADIENT(name, saved, rule)                                                                                    \
    static luron_status name##_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,  \
                                        int i) {                                                                       \
        (void)node, (void)i;                                                                                           \
        luron__expr e = {.ctx = ctx};                                                                                  \
        luron_tensor *value = rule;                                                                                    \
        return luron__expr_done(&e, value, out);                                                                       \
    }
RULES(GRADIENT)

/* ---- forward --------------------------------------------------------------------------------------------------- */
static luron_status infer(luron_ctx *ctx, luron__apply *a) {
    uint32_t dtype = a->in[0]->dtype;
    switch (a->attrs.flags) {
    case LURON_MAP_neg:
        LURON__CHECK(ctx, dtype != LURON_B8, LURON_E_DTYPE, "neg: bool has no negative (logical_not turns it round)");
        return luron__infer_like(a, dtype);
    case LURON_MAP_abs:
    case LURON_MAP_sign:
    case LURON_MAP_square:
    case LURON_MAP_floor:
    case LURON_MAP_ceil:
    case LURON_MAP_round:
    case LURON_MAP_trunc:
        return luron__infer_like(a, dtype);
    default:
        return luron__infer_like(a, luron__real_dtype(ctx, dtype));
    }
}

static luron_status compute(luron_ctx *ctx, luron__apply *a) {
    uint32_t run = luron__compute_dtype(a->dtype);
    return luron__ew_compute(ctx, a, luron__ew_unary, a->attrs.flags, run, run);
}

#define OP(fn, saved, rule)                                                                                            \
    static const luron__op op_##fn = {.name = #fn,                                                                     \
                                      .saves = saved,                                                                  \
                                      .infer = infer,                                                                  \
                                      .compute = compute,                                                              \
                                      .gradient = fn##_gradient,                                                       \
                                      .n_in = 1,                                                                       \
                                      .id = LURON_MAP_##fn,                                                            \
                                      .flags = LURON__OP_ELEMENTWISE};                                                 \
    luron_status luron_##fn(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {                                     \
        return luron__apply_op(out, ctx, &op_##fn, 1, &x, &(luron__attrs){.flags = LURON_MAP_##fn});                   \
    }
RULES(OP)

#define ENTRY(fn, saved, rule) &op_##fn,
const luron__op *const luron__ops_unary[] = {RULES(ENTRY) NULL};
