/* msle.c: (log(1 + max(x, eps)) - log(1 + max(t, eps)))^2. */
#include "error_loss.h"

static luron_tensor *terms(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *t) {
    const double eps = ((const error_loss *)luron_options(c))->eps;
    luron_tensor *a = o->log1p(c, o->clamp(c, x, eps, INFINITY)), *b = o->log1p(c, o->clamp(c, t, eps, INFINITY));
    return o->square(c, o->sub(c, a, b));
}
static luron_status compose(luron_call *c, const luron_ops *o) { return error_compose(c, o, terms); }
static const luron_option *const options[] = {ERROR_EPS(1e-7, "least value that is looked at"), ERROR_REDUCTION, NULL};
static const luron_port *const in[] = {LOSS_PAIR("any shape", "as input"), NULL};
const luron_layer_type error_loss_msle = {
    LOSS_TYPE(error_loss, "MSLELoss", "msle_loss", "squared error of log(1 + x)")};
