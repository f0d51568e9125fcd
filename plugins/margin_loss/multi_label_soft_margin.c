/* multi_label_soft_margin.c: the mean over the classes of w ((1 - t) x + log(1 + exp(-x))). x, t (...,C), w (C). */
#include "margin_loss.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, INPUT), *w = luron_in(c, WEIGHT);
    const int last = -1;
    if (x->ndim < 1) return luron_fail(c, LURON_E_SHAPE, "input has no dimension, expected (..., classes)");
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    if (w && w->shape[0] != x->shape[x->ndim - 1])
        return luron_fail(c, LURON_E_SHAPE, "weight has %lld numbers, input has %lld classes", (long long)w->shape[0],
                          (long long)x->shape[x->ndim - 1]);
    luron_tensor *logits = o->in(c, INPUT), *y = o->mul(c, o->scale(c, o->in(c, TARGET), -1, 1), logits);
    y = o->add(c, y, loss_softplus(c, o, o->neg(c, logits)));
    if (w) y = o->mul(c, y, o->in(c, WEIGHT));
    return margin_reduced(c, o, o->mean(c, y, 1, &last, 0));
}
static const luron_option *const options[] = {MARGIN_REDUCTION, NULL};
static const luron_port *const in[] = {LOSS_PAIR("logits, (..., classes)", "0 or 1 for each class, as input"),
                                       LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 1, "of each class"), NULL};
const luron_layer_type margin_loss_multi_label_soft_margin = {
    LOSS_TYPE(margin_loss, "MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss",
              "yes-or-no cross entropy of each class, a row its mean")};
