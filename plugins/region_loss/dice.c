/* dice.c: 1 - 2 sum(x t) / (sum(x) + sum(t) + eps) of each region; and what the losses of regions share. */
#include "region_loss.h"

enum { BATCH, EXAMPLE, CLASS, BOTH };
const char *const region_pers[] = {"batch", "example", "class", "example_class", NULL};

luron_status region_check(luron_call *c) {
    const int32_t per = ((const region_loss *)luron_options(c))->per;
    const int ndim = luron_in(c, INPUT)->ndim, least = per == BATCH ? 0 : per == EXAMPLE ? 1 : 2;
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    if (ndim >= least) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, per = \"%s\" expects (n, classes, ...)", ndim,
                      region_pers[per]);
}
luron_tensor *region_sum(luron_call *c, const luron_ops *o, luron_tensor *x) {
    const int32_t per = ((const region_loss *)luron_options(c))->per;
    int dims[8], n = 0;
    for (int i = 0; i < luron_in(c, INPUT)->ndim; i++)
        if (per == BATCH || (i == 0 && per == CLASS) || (i == 1 && per == EXAMPLE) || i > 1) dims[n++] = i;
    return n ? o->sum(c, x, n, dims, 0) : x;
}
luron_status region_loss_of(luron_call *c, const luron_ops *o, luron_tensor *above, luron_tensor *below) {
    const region_loss *r = luron_options(c);
    luron_tensor *share = o->div(c, o->scale(c, above, 1, r->smooth), o->scale(c, below, 1, r->smooth + r->eps));
    return loss_reduced(c, o, o->scale(c, share, -1, 1), r->reduction);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    LURON_TRY(region_check(c));
    luron_tensor *x = o->in(c, INPUT), *t = o->in(c, TARGET), *both = region_sum(c, o, o->mul(c, x, t));
    return region_loss_of(c, o, o->scale(c, both, 2, 0), region_sum(c, o, o->add(c, x, t)));
}
static const luron_option *const options[] = {REGION_OPTIONS, NULL};
static const luron_port *const in[] = {LOSS_PAIR("probabilities, (n, classes, ...)", "0 or 1, as input"), NULL};
const luron_layer_type region_loss_dice = {
    LOSS_TYPE(region_loss, "DiceLoss", "dice_loss", "1 - the Dice coefficient of two masks")};
