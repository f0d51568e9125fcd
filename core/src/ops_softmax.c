/* ops_softmax.c -- softmax and log_softmax along any dim, and their gradients. at[0] = dim. */
#include "ops_expr.h"

#include <stdio.h>
#include <string.h>

enum { GRAIN = 8192 };

static void some_tiles(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    (void)chunk;
    luron__softmax(arg, begin, end);
}

/* The numbers of t as they are, where they lie in order and have the dtype of the computation, else a copy of that kind in *work. */
static luron_status in_order(const void **out, void **work, luron_ctx *ctx, const luron_tensor *t, uint32_t dtype) {
    const size_t bytes = (size_t)(luron_tensor_numel(t) * luron_dtype_size(dtype));
    int64_t strides[LURON_MAX_DIMS], step = 1;
    *out = luron__data(t);
    if (t->dtype == dtype && luron_tensor_is_contiguous(t)) return LURON_OK;
    if (!(*work = luron__take(ctx, bytes))) return luron__nomem(ctx, bytes);
    for (int d = t->ndim - 1; d >= 0; step *= t->shape[d--]) strides[d] = step;
    luron__copy_into(ctx, dtype, *work, strides, t);
    *out = *work;
    return LURON_OK;
}

/* in = x, or the gradient of the result and the result. */
static luron_status compute(luron_ctx *ctx, luron__apply *a, bool is_log) {
    const luron_tensor *x = a->in[a->n_in - 1];
    const int dim = (int)a->attrs.at[0];
    const int64_t numel = luron_tensor_numel(x);
    if (numel == 0) return LURON_OK;
    luron__softmax_args s = {.dtype = luron__compute_dtype(x->dtype), .isa = ctx->isa, .log = is_log, .n = 1, .inner = 1};
    const size_t bytes = (size_t)(numel * luron_dtype_size(s.dtype));
    void *work[3] = {NULL};
    if (x->ndim) s.n = x->shape[dim];
    for (int d = dim + 1; d < x->ndim; d++) s.inner *= x->shape[d];
    luron_status status = in_order(&s.x, &work[0], ctx, x, s.dtype);
    if (!status && a->n_in == 2) status = in_order(&s.g, &work[1], ctx, a->in[0], s.dtype);
    if (!status && a->dtype != s.dtype && !(work[2] = luron__take(ctx, bytes))) status = luron__nomem(ctx, bytes);
    if (!status) {
        const int64_t width = luron__softmax_width(&s), tiles = numel / s.n / s.inner * ((s.inner + width - 1) / width);
        s.to = work[2] ? work[2] : luron__data(a->out);
        luron__parallel_for(ctx->threads, tiles, GRAIN / (s.n * width) + 1, some_tiles, &s);
        if (work[2]) luron__convert(a->dtype, luron__data(a->out), 1, s.dtype, work[2], 1, numel);
    }
    for (int i = 0; i < 3; i++) luron__pool_free(ctx->pool, work[i], bytes);
    return status;
}

static luron_status compute_softmax(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, false); }
static luron_status compute_log_softmax(luron_ctx *ctx, luron__apply *a) { return compute(ctx, a, true); }

static luron_status infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, luron_dtype_is_float(x->dtype), LURON_E_DTYPE, "%s: a real tensor expected, got %s", a->op->name,
                 luron_dtype_name(x->dtype));
    LURON_TRY(luron__attr_dim(ctx, a, 0, x->ndim));
    a->dtype = x->dtype;
    a->ndim = x->ndim;
    for (int d = 0; d < x->ndim; d++)
        a->shape[d] = x->shape[d];
    return LURON_OK;
}

static luron_status gradient_infer(luron_ctx *ctx, luron__apply *a) {
    char g[LURON__SHAPE_TEXT], y[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, a->in[0]->dtype == a->in[1]->dtype && luron__same_shape(a->in[0], a->in[1]), LURON_E_SHAPE,
                 "%s: operands of one dtype and shape expected, got %s and %s", a->op->name,
                 luron_shape_text(g, sizeof g, a->in[0]->ndim, a->in[0]->shape),
                 luron_shape_text(y, sizeof y, a->in[1]->ndim, a->in[1]->shape));
    return infer(ctx, a);
}

/* ---- gradients of the gradients: v is that of dx, g and y the operands ------------------------------------------- */
#define G (node->in[0])
#define Y (node->in[1])
#define SUB(a, b) luron__expr_2(&e, luron_sub, a, b)
#define MUL(a, b) luron__expr_2(&e, luron_mul, a, b)
#define NEG(a) luron__expr_1(&e, luron_neg, a)

static luron_tensor *sum(luron__expr *e, const luron__node *node, luron_tensor *x) {
    luron_tensor *t = NULL;
    int dim = (int)node->attrs.at[0];
    return e->status ? NULL : luron__expr_keep(e, luron_sum(&t, e->ctx, x, x->ndim != 0, &dim, 1), &t);
}

/* Of dx = y (g - sum(g y)): that of g is of the same form. */
static luron_status gradient_of_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *v, int i) {
    luron__expr e = {.ctx = ctx};
    if (i == 0) return luron__apply_op(out, ctx, node->op, 2, (luron_tensor *[]){v, Y}, &node->attrs);
    luron_tensor *rest = SUB(G, sum(&e, node, MUL(G, Y)));
    return luron__expr_done(&e, SUB(MUL(v, rest), MUL(G, sum(&e, node, MUL(v, Y)))), out);
}

/* Of dx = g - exp(y) sum(g). */
static luron_status gradient_of_log_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *v,
                                             int i) {
    luron__expr e = {.ctx = ctx};
    luron_tensor *part = MUL(v, luron__expr_1(&e, luron_exp, Y));
    return luron__expr_done(&e, i == 0 ? SUB(v, sum(&e, node, part)) : NEG(MUL(part, sum(&e, node, G))), out);
}

static const luron__op_attr attrs_of[] = {{"dim", LURON__ATTR_DIM, 0}, {0}};
#define GRADIENT(fn, of)                                                                                               \
    static const luron__op op_##fn##_gradient = {.name = #fn "_gradient",                                              \
                                                 .saves = LURON__SAVE_IN(0) | LURON__SAVE_IN(1),                       \
                                                 .infer = gradient_infer,                                              \
                                                 .compute = compute_##fn,                                              \
                                                 .gradient = of,                                                       \
                                                 .attrs = attrs_of,                                                    \
                                                 .n_in = 2};                                                           \
    static luron_status gradient_##fn(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,    \
                                      int i) {                                                                         \
        luron_tensor *y;                                                                                               \
        (void)i;                                                                                                       \
        LURON_TRY(luron__node_output(&y, ctx, node, 0));                                                               \
        luron_status status =                                                                                          \
            luron__apply_op(out, ctx, &op_##fn##_gradient, 2, (luron_tensor *[]){g, y}, &node->attrs);                 \
        luron_tensor_unref(y);                                                                                         \
        return status;                                                                                                 \
    }                                                                                                                  \
    static const luron__op op_##fn = {.name = #fn,                                                                     \
                                      .saves = LURON__SAVE_OUT,                                                        \
                                      .infer = infer,                                                                  \
                                      .compute = compute_##fn,                                                         \
                                      .gradient = gradient_##fn,                                                       \
                                      .attrs = attrs_of,                                                               \
                                      .n_in = 1,                                                                       \
                                      .call = luron__call_real};
GRADIENT(softmax, gradient_of_gradient)
GRADIENT(log_softmax, gradient_of_log_gradient)
const luron__op *const luron__ops_softmax[] = {&op_softmax, &op_log_softmax, &op_softmax_gradient, &op_log_softmax_gradient, NULL};

static luron_status apply(luron_tensor **out, luron_ctx *ctx, const luron__op *op, luron_tensor *x, int dim) {
    luron__attrs attrs = {.n = 1};
    char what[32];
    snprintf(what, sizeof what, "%s: dim", op->name);
    LURON_TRY(luron__wrap_dim(&dim, ctx, what, x->ndim));
    attrs.at[0] = dim;
    if (luron_dtype_is_float(x->dtype)) return luron__apply_op(out, ctx, op, 1, &x, &attrs);
    luron_tensor *real;
    LURON_TRY(luron_cast(&real, ctx, x, ctx->default_dtype));
    luron_status status = luron__apply_op(out, ctx, op, 1, &real, &attrs);
    luron_tensor_unref(real);
    return status;
}

luron_status luron_softmax(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return apply(out, ctx, &op_softmax, x, dim);
}
luron_status luron_log_softmax(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return apply(out, ctx, &op_log_softmax, x, dim);
}
