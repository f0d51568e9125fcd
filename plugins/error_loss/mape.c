/* mape.c: 100 |x - t| / max(|t|, eps), in per cent as Keras has it. */
#include "error_loss.h"

static luron_tensor *terms(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *t) {
    luron_tensor *size = o->clamp(c, o->abs(c, t), ((const error_loss *)luron_options(c))->eps, INFINITY);
    return o->scale(c, o->abs(c, o->div(c, o->sub(c, x, t), size)), 100, 0);
}
static luron_status compose(luron_call *c, const luron_ops *o) { return error_compose(c, o, terms); }
static const luron_option *const options[] = {ERROR_EPS(1e-7, "least size of a target"), ERROR_REDUCTION, NULL};
static const luron_port *const in[] = {LOSS_PAIR("any shape", "as input"), NULL};
const luron_layer_type error_loss_mape = {
    LOSS_TYPE(error_loss, "MAPELoss", "mape_loss", "absolute error in per cent of the target")};
