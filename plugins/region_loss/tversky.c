/* tversky.c: 1 - s / (s + alpha sum((1 - x) t) + beta sum(x (1 - t)) + eps) of each region, s = sum(x t). As in Keras
 * alpha weighs what is missed. */
#include "region_loss.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const region_loss *r = luron_options(c);
    LURON_TRY(region_check(c));
    luron_tensor *x = o->in(c, INPUT), *t = o->in(c, TARGET), *both = region_sum(c, o, o->mul(c, x, t));
    luron_tensor *missed = region_sum(c, o, o->mul(c, o->scale(c, x, -1, 1), t)),
                 *more = region_sum(c, o, o->mul(c, x, o->scale(c, t, -1, 1)));
    luron_tensor *wrong = o->add(c, o->scale(c, missed, r->alpha, 0), o->scale(c, more, r->beta, 0));
    return region_loss_of(c, o, both, o->add(c, both, wrong));
}
static const luron_option *const options[] = {
    LURON_OPT_FLOAT(region_loss, alpha, 0.5, 0, 1e9, "weight of what is missed"),
    LURON_OPT_FLOAT(region_loss, beta, 0.5, 0, 1e9, "weight of what is too much"), REGION_OPTIONS, NULL};
static const luron_port *const in[] = {LOSS_PAIR("probabilities, (n, classes, ...)", "0 or 1, as input"), NULL};
const luron_layer_type region_loss_tversky = {
    LOSS_TYPE(region_loss, "TverskyLoss", "tversky_loss", "the Dice loss with weights of the two kinds of error")};
