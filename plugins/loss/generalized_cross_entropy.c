/* generalized_cross_entropy.c: w[t] (1 - p[t]^q) / q with p = softmax(x), reduced as cross entropy is: towards q = 0
 * that, at 1 an absolute error, which bears wrong labels. Zhang and Sabuncu, 2018. */
#include "loss.h"

static luron_status setup(luron_call *c) { return loss_classes_setup(c, 0, 0); }
static luron_status compose(luron_call *c, const luron_ops *o) {
    const double q = ((const loss *)c->options)->q;
    return loss_compose_ids(c, o, o->scale(c, o->expm1(c, o->scale(c, loss_log_probabilities(c, o), q, 0)), 1 / q, 0));
}
static const luron_option *const options[] = {
    LURON_OPT_FLOAT(loss, q, 0.5, 1e-6, 1, "from cross entropy to absolute error"), LOSS_LOGITS, LOSS_IGNORE,
    LOSS_REDUCTION, NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "logits, (n, classes, ...)"),
                                       LURON_PORT("target", LURON_PORT_INDEX, 0, 0, "class ids, (n, ...)"),
                                       LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 1, "of each class"), NULL};
const luron_layer_type loss_generalized_cross_entropy = {
    LOSS_TYPE("GeneralizedCrossEntropyLoss", "generalized_cross_entropy", "cross entropy that bears wrong labels"),
    .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS, .in = in, .setup = setup, .compose = compose};
