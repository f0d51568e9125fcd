/* binary_focal.c: (1 - p)^gamma times the binary cross entropy, with the probability p of what is right; balanced:
 * times alpha t + (1 - alpha) (1 - t). Lin et al., 2017. */
#include "region_loss.h"

/* The cross entropy; *wrong: the probability of what is wrong. */
static luron_tensor *of_logits(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *t,
                               luron_tensor **wrong) {
    luron_tensor *down = o->neg(c, x), *rest = o->scale(c, t, -1, 1);
    *wrong = o->add(c, o->mul(c, t, o->sigmoid(c, down)), o->mul(c, rest, o->sigmoid(c, x)));
    return o->add(c, o->mul(c, rest, x), loss_softplus(c, o, down));
}
static luron_tensor *of_probabilities(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *t,
                                      luron_tensor **wrong) {
    luron_tensor *p = o->clamp(c, x, 1e-7, 1), *q = o->clamp(c, o->scale(c, x, -1, 1), 1e-7, 1),
                 *rest = o->scale(c, t, -1, 1);
    *wrong = o->add(c, o->mul(c, t, o->scale(c, x, -1, 1)), o->mul(c, rest, x));
    return o->neg(c, o->add(c, o->mul(c, t, o->log(c, p)), o->mul(c, rest, o->log(c, q))));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const region_loss *r = luron_options(c);
    const double s = r->label_smoothing;
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    luron_tensor *x = o->in(c, INPUT), *t = o->scale(c, o->in(c, TARGET), 1 - s, s / 2), *wrong;
    luron_tensor *y = r->from_logits ? of_logits(c, o, x, t, &wrong) : of_probabilities(c, o, x, t, &wrong);
    /* Never of 0, where a power below 1 has no slope. */
    if (r->gamma != 0) y = o->mul(c, y, o->pow(c, o->clamp(c, wrong, 1e-12, INFINITY), o->scalar(c, r->gamma)));
    if (r->apply_class_balancing) y = o->mul(c, y, o->scale(c, t, 2 * r->alpha - 1, 1 - r->alpha));
    return loss_reduced(c, o, y, r->reduction);
}
static const luron_option *const options[] = {
    LURON_OPT_FLOAT(region_loss, gamma, 2.0, 0, 1e9, "how much what is nearly right counts less"),
    LURON_OPT_FLOAT(region_loss, alpha, 0.25, 0, 1, "weight of the targets that are 1"),
    LURON_OPT_BOOL(region_loss, apply_class_balancing, 0, "weigh by alpha"),
    LURON_OPT_BOOL(region_loss, from_logits, 1, "input holds logits; false: probabilities"),
    LURON_OPT_FLOAT(region_loss, label_smoothing, 0.0, 0, 1, "share of the target that is 1/2"),
    REGION_REDUCTION,
    NULL};
static const luron_port *const in[] = {LOSS_PAIR("logits", "as input, from 0 to 1"), NULL};
const luron_layer_type region_loss_binary_focal = {
    LOSS_TYPE(region_loss, "BinaryFocalLoss", "binary_focal_loss",
              "cross entropy of yes-or-no logits, less of what is nearly right")};
