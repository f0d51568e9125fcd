/* focal.c: -alpha w[t] (1 - p[t])^gamma log p[t] with p = softmax(x), reduced as cross entropy is. Lin et al., 2017. */
#include "loss.h"

static luron_status setup(luron_call *c) { return loss_classes_setup(c, 0, 0); }
static luron_status compose(luron_call *c, const luron_ops *o) {
    const loss *l = c->options;
    luron_tensor *logp = loss_log_probabilities(c, o), *y = o->scale(c, logp, l->alpha, 0);
    /* 1 - p, never 0, where a power below 1 has no slope. */
    luron_tensor *wrong = o->clamp(c, o->neg(c, o->expm1(c, logp)), 1e-12, 1);
    if (l->gamma != 0) y = o->mul(c, y, o->pow(c, wrong, o->scalar(c, l->gamma)));
    return loss_compose_ids(c, o, y);
}
static const luron_option *const options[] = {
    LURON_OPT_FLOAT(loss, gamma, 2.0, 0, 1e9, "how much what is nearly right counts less"),
    LURON_OPT_FLOAT(loss, alpha, 0.25, 0, 1e9, "times all"),
    LOSS_LOGITS,
    LOSS_IGNORE,
    LOSS_SMOOTHING,
    LOSS_REDUCTION,
    NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "logits, (n, classes, ...)"),
                                       LURON_PORT("target", LURON_PORT_INDEX, 0, 0, "class ids, (n, ...)"),
                                       LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 1, "of each class"), NULL};
const luron_layer_type loss_focal = {
    LOSS_TYPE("FocalLoss", "focal_loss", "cross entropy, less of what is nearly right"),
    .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS, .in = in, .setup = setup, .compose = compose};
