/* soft_margin.c: log(1 + exp(-t x)), t -1 or 1. */
#include "margin_loss.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    return margin_reduced(c, o, loss_softplus(c, o, o->neg(c, o->mul(c, o->in(c, TARGET), o->in(c, INPUT)))));
}
static const luron_option *const options[] = {MARGIN_REDUCTION, NULL};
static const luron_port *const in[] = {LOSS_PAIR("any shape", "-1 or 1, as input"), NULL};
const luron_layer_type margin_loss_soft_margin = {LOSS_TYPE(
    margin_loss, "SoftMarginLoss", "soft_margin_loss", "logistic loss of a score whose sign should be the target's")};
