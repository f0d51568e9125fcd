/* poisson_nll.c: exp(x) - t x, or x - t log(x + eps) without log_input; full: and Stirling's log t! where t > 1. */
#include "error_loss.h"

static luron_tensor *terms(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *t) {
    const error_loss *e = luron_options(c);
    luron_tensor *y = e->log_input ? o->sub(c, o->exp(c, x), o->mul(c, t, x))
                                   : o->sub(c, x, o->mul(c, t, o->log(c, o->scale(c, x, 1, e->eps))));
    if (!e->full) return y;
    luron_tensor *one = o->scalar(c, 1), *many = o->gt(c, t, one), *n = o->where(c, many, t, one);
    luron_tensor *root = o->scale(c, o->log(c, o->scale(c, n, 6.28318530717958647692, 0)), 0.5, 0);
    n = o->add(c, o->sub(c, o->mul(c, n, o->log(c, n)), n), root);
    return o->add(c, y, o->where(c, many, n, o->scalar(c, 0)));
}
static luron_status compose(luron_call *c, const luron_ops *o) { return error_compose(c, o, terms); }
static const luron_option *const options[] = {
    LURON_OPT_BOOL(error_loss, log_input, 1, "input is the logarithm of the expected number"),
    LURON_OPT_BOOL(error_loss, full, 0, "add log t! (Stirling)"),
    ERROR_EPS(1e-8, "added to input before its logarithm; Keras's Poisson: 1e-7"), ERROR_REDUCTION, NULL};
static const luron_port *const in[] = {LOSS_PAIR("log of the expected number, or itself", "counts, as input"), NULL};
const luron_layer_type error_loss_poisson_nll = {
    LOSS_TYPE(error_loss, "PoissonNLLLoss", "poisson_nll_loss", "negative log-likelihood of counts")};
