/* ops_binary.c -- functions of two tensors: LURON_BINARY_MAP and LURON_COMPARE_MAP. attrs.flags is the id of the
 * function. */
#include "ops_elementwise.h"
#include "ops_expr.h"

/* ---- gradients of operand i: g is that of the output, A and B the operands, Y the output, where they are saved ----
 */
#define A (node->in[0])
#define B (node->in[1])
#define Y luron__expr_out(e, node)
#define F(name, x) luron__expr_1(e, luron_##name, x)
#define G(name, a, b) luron__expr_2(e, luron_##name, a, b)
#define NUMBER(value) luron__expr_number(e, value)
#define WHERE(cond, a, b) luron__expr_where(e, cond, a, b)

static luron_tensor *pow_rule(luron__expr *e, const luron__node *node, luron_tensor *g, int i) {
    if (i == 0 && B->is_number && B->storage) {
        double power;
        luron__convert(LURON_F64, &power, 1, B->dtype, luron__data(B), 1, 1);
        if (power == 1) return g;
        if (power == 2) return G(mul, g, luron__expr_scale(e, A, 2, 0));
        if (power != 0) return G(mul, g, luron__expr_scale(e, G(pow, A, NUMBER(power - 1)), power, 0));
    }
    if (i == 0) { /* b a^(b-1), and 0 for b = 0 even where a^-1 is infinite */
        luron_tensor *slope = G(mul, B, G(pow, A, luron__expr_scale(e, B, 1, -1)));
        return WHERE(G(eq, B, NUMBER(0)), NUMBER(0), G(mul, g, slope));
    }
    luron_tensor *flat = G(logical_and, G(eq, A, NUMBER(0)), G(ge, B, NUMBER(0))); /* 0^b stays 0 (or 1 at the edge) */
    return G(mul, g, WHERE(flat, NUMBER(0), G(mul, Y, F(log, A))));
}

/* Half to each side on a tie. A NaN counts as chosen. */
static luron_tensor *extreme_rule(luron__expr *e, const luron__node *node, luron_tensor *g, int i, bool largest) {
    luron_tensor *mine = node->in[i], *other = node->in[!i];
    luron_tensor *lost = largest ? G(lt, mine, other) : G(gt, mine, other);
    return WHERE(G(eq, mine, other), luron__expr_scale(e, g, 0.5, 0), WHERE(lost, NUMBER(0), g));
}

static luron_tensor *atan2_rule(luron__expr *e, const luron__node *node, luron_tensor *g, int i) {
    luron_tensor *length = G(add, F(square, A), F(square, B));
    length = WHERE(G(eq, length, NUMBER(0)), NUMBER(1), length); /* no direction at the origin: 0 */
    return i == 0 ? G(div, G(mul, g, B), length) : F(neg, G(div, G(mul, g, A), length));
}

#define SAVE_A LURON__SAVE_IN(0)
#define SAVE_B LURON__SAVE_IN(1)
#define SAVE_Y LURON__SAVE_OUT

/* floor_divide is not differentiable: it has no rule. */
/* clang-format off: a table */
#define RULES(R)                                                                                                       \
    R(add, 0, g)                                                                                                       \
    R(sub, 0, i == 0 ? g : F(neg, g))                                                                                  \
    R(mul, SAVE_A | SAVE_B, G(mul, g, i == 0 ? B : A))                                                                 \
    R(div, SAVE_B | SAVE_Y, i == 0 ? G(div, g, B) : F(neg, G(mul, g, G(div, Y, B))))                                   \
    R(pow, SAVE_A | SAVE_B | SAVE_Y, pow_rule(e, node, g, i))                                                          \
    R(maximum, SAVE_A | SAVE_B, extreme_rule(e, node, g, i, true))                                                     \
    R(minimum, SAVE_A | SAVE_B, extreme_rule(e, node, g, i, false))                                                    \
    R(remainder, SAVE_A | SAVE_B, i == 0 ? g : F(neg, G(mul, g, G(floor_divide, A, B))))                               \
    R(atan2, SAVE_A | SAVE_B, atan2_rule(e, node, g, i))
/* clang-format on */

#define GRADIENT(name, saved, rule)                                                                                    \
    static luron_status name##_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,  \
                                        int i) {                                                                       \
        (void)node, (void)i;                                                                                           \
        luron__expr expr = {.ctx = ctx}, *e = &expr;                                                                   \
        (void)e;                                                                                                       \
        luron_tensor *value = rule;                                                                                    \
        return luron__expr_done(&expr, value, out);                                                                    \
    }
RULES(GRADIENT)

/* ---- forward --------------------------------------------------------------------------------------------------- */
static luron_status no_bool(luron_ctx *ctx, const luron__apply *a, const char *instead) {
    LURON__CHECK(ctx, a->dtype != LURON_B8, LURON_E_DTYPE, "%s: not defined for two bool tensors (%s)", a->op->name,
                 instead);
    return LURON_OK;
}

static luron_status infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(luron__broadcast(ctx, a->op->name, a->in[0], a->in[1], &a->ndim, a->shape));
    a->dtype = luron__promote(a->in[0], a->in[1], ctx->default_dtype);
    switch (a->attrs.flags) {
    case LURON__BINARY_sub:
        return no_bool(ctx, a, "logical_xor tells where they differ");
    case LURON__BINARY_pow:
    case LURON__BINARY_floor_divide:
    case LURON__BINARY_remainder:
        return no_bool(ctx, a, "cast one of them");
    case LURON__BINARY_div:
    case LURON__BINARY_atan2:
        a->dtype = luron__real_dtype(ctx, a->dtype);
        return LURON_OK;
    default:
        return LURON_OK;
    }
}

/* A number beside integers of a narrower dtype, as one of them; x itself where it is none. Room for it is given. */
static luron_tensor *narrowed(luron_tensor *to, luron__storage *storage, int64_t *room, luron_tensor *x, uint32_t dtype) {
    if (luron_dtype_is_float(dtype) || x->ndim > 0 || luron_dtype_size(x->dtype) <= luron_dtype_size(dtype)) return x;
    luron__convert(dtype, room, 1, x->dtype, luron__data(x), 1, 1);
    *storage = (luron__storage){.data = room};
    *to = (luron_tensor){.dtype = dtype, .storage = storage};
    return to;
}

/* What is computed in: of what wraps around or chooses the bits are the same as in int64. */
static uint32_t run_dtype(uint32_t dtype, int64_t fn) {
    const bool narrow = dtype == LURON_I32 || dtype == LURON_U8;
    return narrow && fn != LURON__BINARY_pow && fn != LURON__BINARY_floor_divide && fn != LURON__BINARY_remainder ? dtype
                                                                                                                  : luron__compute_dtype(dtype);
}

static luron_status compute(luron_ctx *ctx, luron__apply *a) {
    luron_tensor number[2], *in[2];
    luron__storage storage[2];
    int64_t room[2];
    luron__apply both = *a;
    for (int i = 0; i < 2; i++) in[i] = narrowed(&number[i], &storage[i], &room[i], a->in[i], a->dtype);
    both.in = in;
    const uint32_t run = run_dtype(a->dtype, a->attrs.flags);
    return luron__ew_compute(ctx, &both, luron__ew_binary, a->attrs.flags, run, run);
}

/* Is x of uint8, or a number that uint8 holds? */
static bool is_u8(const luron_tensor *x) {
    int64_t number = -1;
    if (x->ndim == 0 && !luron_dtype_is_float(x->dtype)) luron__convert(LURON_I64, &number, 1, x->dtype, luron__data(x), 1, 1);
    return x->dtype == LURON_U8 || (number >= 0 && number <= UINT8_MAX);
}

static luron_status compare_infer(luron_ctx *ctx, luron__apply *a) {
    a->dtype = LURON_B8;
    return luron__broadcast(ctx, a->op->name, a->in[0], a->in[1], &a->ndim, a->shape);
}

static luron_status compare_compute(luron_ctx *ctx, luron__apply *a) {
    const uint32_t dtype = luron__promote(a->in[0], a->in[1], ctx->default_dtype);
    uint32_t run = dtype == LURON_U8 && is_u8(a->in[0]) && is_u8(a->in[1]) ? dtype : luron__compute_dtype(dtype);
    switch (a->attrs.flags) {
    case LURON__BINARY_logical_and:
    case LURON__BINARY_logical_or:
    case LURON__BINARY_logical_xor:
        run = LURON_B8;
        break;
    default:
        break;
    }
    return luron__ew_compute(ctx, a, luron__ew_binary, a->attrs.flags, run, LURON_B8);
}

#define APPLY(fn)                                                                                                      \
    luron_status luron_##fn(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b) {                    \
        return luron__apply_op(out, ctx, &op_##fn, 2, (luron_tensor *[]){a, b},                                        \
                               &(luron__attrs){.flags = LURON__BINARY_##fn});                                          \
    }
#define OP(fn, saved, rule)                                                                                            \
    static const luron__op op_##fn = {.name = #fn,                                                                     \
                                      .saves = saved,                                                                  \
                                      .infer = infer,                                                                  \
                                      .compute = compute,                                                              \
                                      .gradient = fn##_gradient,                                                       \
                                      .n_in = 2,                                                                       \
                                      .id = LURON__BINARY_##fn,                                                        \
                                      .flags = LURON__OP_ELEMENTWISE};                                                 \
    APPLY(fn)
RULES(OP)
static const luron__op op_floor_divide = {.name = "floor_divide",
                                          .infer = infer,
                                          .compute = compute,
                                          .n_in = 2,
                                          .id = LURON__BINARY_floor_divide,
                                          .flags = LURON__OP_ELEMENTWISE};
APPLY(floor_divide)

#define COMPARISON(fn)                                                                                                 \
    static const luron__op op_##fn = {.name = #fn,                                                                     \
                                      .infer = compare_infer,                                                          \
                                      .compute = compare_compute,                                                      \
                                      .n_in = 2,                                                                       \
                                      .id = LURON__BINARY_##fn,                                                        \
                                      .flags = LURON__OP_ELEMENTWISE};                                                 \
    APPLY(fn)
LURON_COMPARE_MAP(COMPARISON)

#define ENTRY(fn, ...) &op_##fn,
const luron__op *const luron__ops_binary[] = {RULES(ENTRY) &op_floor_divide, LURON_COMPARE_MAP(ENTRY) NULL};
