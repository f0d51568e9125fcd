/* log_cosh.c: log(cosh(x - t)) = d + log(1 + exp(-2 d)) - log 2 with d = |x - t|. */
#include "error_loss.h"

static luron_tensor *terms(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *t) {
    luron_tensor *d = o->abs(c, o->sub(c, x, t)), *far = o->exp(c, o->scale(c, d, -2, 0));
    return o->add(c, o->scale(c, d, 1, -0.69314718055994530942), o->log1p(c, far));
}
static luron_status compose(luron_call *c, const luron_ops *o) { return error_compose(c, o, terms); }
static const luron_option *const options[] = {ERROR_REDUCTION, NULL};
static const luron_port *const in[] = {LOSS_PAIR("any shape", "as input"), NULL};
const luron_layer_type error_loss_log_cosh = {
    LOSS_TYPE(error_loss, "LogCoshLoss", "log_cosh_loss", "logarithm of the hyperbolic cosine of the error")};
