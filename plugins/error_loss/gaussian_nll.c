/* gaussian_nll.c: (log v + (x - t)^2 / v) / 2 with v = max(var, eps), through which var gets its gradient as if it were
 * not cut; full: and log(2 pi) / 2. var: as input, without its last dimension, or of size 1 in one. */
#include "error_loss.h"
enum { VAR = 2 };

static luron_status check_var(luron_call *c) {
    const luron_view *x = luron_in(c, INPUT), *v = luron_in(c, VAR);
    int64_t others = 0;
    if (v->ndim != x->ndim && v->ndim != x->ndim - 1)
        return luron_fail(c, LURON_E_SHAPE,
                          "var has %d dimensions, input has %d: expected its shape, or that without the last",
                          (int)v->ndim, (int)x->ndim);
    for (int i = 0; i < v->ndim; i++)
        if (v->shape[i] != x->shape[i]) others += v->shape[i] == 1 && v->ndim == x->ndim ? 1 : 2;
    if (others < 2) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE,
                      "var fits no input of this shape: expected the same, or that without the last dimension, or with "
                      "one of size 1");
}
static luron_tensor *terms(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *t) {
    const error_loss *e = luron_options(c);
    luron_tensor *v = o->in(c, VAR), *zero = o->scalar(c, 0);
    luron_tensor *up = o->sub(c, o->clamp(c, v, e->eps, INFINITY), v);
    /* A negative one stays as it is, and its logarithm is NaN. */
    v = o->add(c, v, o->detach(c, o->where(c, o->lt(c, v, zero), zero, up)));
    if (luron_in(c, VAR)->ndim < luron_in(c, INPUT)->ndim) v = o->unsqueeze(c, v, -1);
    luron_tensor *far = o->div(c, o->square(c, o->sub(c, x, t)), v);
    return o->scale(c, o->add(c, o->log(c, v), far), 0.5, e->full ? 0.91893853320467274178 : 0);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    LURON_TRY(check_var(c));
    return error_compose(c, o, terms);
}
static const luron_option *const options[] = {LURON_OPT_BOOL(error_loss, full, 0, "add log(2 pi) / 2"),
                                              ERROR_EPS(1e-6, "least variance"), ERROR_REDUCTION, NULL};
static const luron_port *const in[] = {
    LOSS_PAIR("expected values", "as input"),
    LURON_PORT("var", 0, LURON_REAL, 0, "variances, broadcast to input; a negative one gives NaN"), NULL};
const luron_layer_type error_loss_gaussian_nll = {
    LOSS_TYPE(error_loss, "GaussianNLLLoss", "gaussian_nll_loss",
              "negative log-likelihood of numbers with a variance of their own")};
