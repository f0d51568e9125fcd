/* ops_expr.h -- gradients as expressions of ops. Each step gives a tensor that the expression releases at its end; the
 * first failure sticks and makes every later step give NULL, so that a rule reads like its formula.                  */
#ifndef LURON_OPS_EXPR_H
#define LURON_OPS_EXPR_H
#include "internal.h"

enum { LURON__EXPR_STEPS = 64 };
typedef struct luron__expr {
    luron_ctx *ctx;
    luron_status status;
    int n;
    luron_tensor *made[LURON__EXPR_STEPS];
} luron__expr;

/* t by address: a call that sets it stands in the same argument list. */
static inline luron_tensor *luron__expr_keep(luron__expr *e, luron_status status, luron_tensor *const *t) {
    if (!status && e->n == LURON__EXPR_STEPS) {
        luron_tensor_unref(*t);
        status = luron__fail(e->ctx, LURON_E_INTERNAL, "a gradient rule has more than %d steps", LURON__EXPR_STEPS);
    }
    if (status) {
        e->status = status;
        return NULL;
    }
    return e->made[e->n++] = *t;
}
static inline luron_tensor *
luron__expr_1(luron__expr *e, luron_status (*fn)(luron_tensor **, luron_ctx *, luron_tensor *), luron_tensor *x) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, fn(&t, e->ctx, x), &t);
}
static inline luron_tensor *
luron__expr_2(luron__expr *e, luron_status (*fn)(luron_tensor **, luron_ctx *, luron_tensor *, luron_tensor *),
              luron_tensor *a, luron_tensor *b) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, fn(&t, e->ctx, a, b), &t);
}
static inline luron_tensor *luron__expr_scale(luron__expr *e, luron_tensor *x, double times, double plus) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_scale(&t, e->ctx, x, times, plus), &t);
}
static inline luron_tensor *luron__expr_where(luron__expr *e, luron_tensor *cond, luron_tensor *a, luron_tensor *b) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_where(&t, e->ctx, cond, a, b), &t);
}
static inline luron_tensor *luron__expr_number(luron__expr *e, double value) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_scalar(&t, e->ctx, value), &t);
}
static inline luron_tensor *luron__expr_whole(luron__expr *e, int64_t value) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_scalar_int(&t, e->ctx, value), &t);
}
static inline luron_tensor *luron__expr_zeros_like(luron__expr *e, const luron_tensor *x) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_tensor_full(&t, e->ctx, x->dtype, x->ndim, x->shape, 0), &t);
}
static inline luron_tensor *luron__expr_cast(luron__expr *e, luron_tensor *x, uint32_t dtype) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_cast(&t, e->ctx, x, dtype), &t);
}
static inline luron_tensor *luron__expr_reshape(luron__expr *e, luron_tensor *x, int ndim, const int64_t *shape) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_reshape(&t, e->ctx, x, ndim, shape), &t);
}
static inline luron_tensor *luron__expr_expand(luron__expr *e, luron_tensor *x, int ndim, const int64_t *shape) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_expand(&t, e->ctx, x, ndim, shape), &t);
}
static inline luron_tensor *luron__expr_narrow(luron__expr *e, luron_tensor *x, int dim, int64_t start, int64_t length) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_narrow(&t, e->ctx, x, dim, start, length), &t);
}
static inline luron_tensor *luron__expr_gather(luron__expr *e, luron_tensor *x, int dim, luron_tensor *ids) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_gather(&t, e->ctx, x, dim, ids), &t);
}
static inline luron_tensor *luron__expr_select(luron__expr *e, luron_tensor *x, int dim, luron_tensor *ids) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron_index_select(&t, e->ctx, x, dim, ids), &t);
}
/** The saved output of the node, on the tape. */
static inline luron_tensor *luron__expr_out(luron__expr *e, const luron__node *node) {
    luron_tensor *t = NULL;
    return e->status ? NULL : luron__expr_keep(e, luron__node_output(&t, e->ctx, node, 0), &t);
}
/** The value of the expression (made by a step, or borrowed) to *out; all steps are released. */
static inline luron_status luron__expr_done(luron__expr *e, luron_tensor *value, luron_tensor **out) {
    if (!e->status) *out = luron_tensor_ref(value);
    for (int i = 0; i < e->n; i++)
        luron_tensor_unref(e->made[i]);
    return e->status;
}

#endif
