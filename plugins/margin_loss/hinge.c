/* hinge.c: max(1 - t x, 0), t -1 or 1. */
#include "margin_loss.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    luron_tensor *wrong = o->scale(c, o->mul(c, o->in(c, TARGET), o->in(c, INPUT)), -1, 1);
    return margin_reduced(c, o, loss_positive(c, o, wrong));
}
static const luron_option *const options[] = {MARGIN_REDUCTION, NULL};
static const luron_port *const in[] = {LOSS_PAIR("any shape", "-1 or 1, as input"), NULL};
const luron_layer_type margin_loss_hinge = {
    LOSS_TYPE(margin_loss, "HingeLoss", "hinge_loss", "1 - t x where that is above 0")};
