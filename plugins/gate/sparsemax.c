/* sparsemax.c: the point nearest to x among those whose numbers along dim sum to 1 and are not negative: max(x - tau,
 * 0), where tau is the mean of the k largest less 1 / k, for the most k whose least is above it. Martins and Astudillo,
 * 2016.                */
#include "gate.h"
#include <math.h>

static luron_status compose(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, 0);
    int at = 0;
    LURON_TRY(gate_dim(c, &at));
    luron_tensor *y = o->in(c, 0), *z = o->sort(c, y, at, 1, NULL), *zero = o->scalar(c, 0);
    luron_tensor *k = o->cumsum(c, o->expand(c, o->scalar(c, 1), x->ndim, x->shape), at);
    luron_tensor *above = o->gt(c, o->scale(c, o->mul(c, k, z), 1, 1), o->cumsum(c, z, at));
    luron_tensor *sum = o->sum(c, o->where(c, above, z, zero), 1, &at, 1),
                 *most = o->sum(c, o->cast(c, above, c->dtype), 1, &at, 1);
    luron_tensor *tau = o->div(c, o->scale(c, sum, 1, -1), most);
    return o->set_out(c, 0, o->clamp(c, o->sub(c, y, tau), 0, INFINITY));
}
static const luron_option *const options[] = {LURON_OPT_AXIS(gate, dim, -1, "along which the results sum to 1"), NULL};
const luron_layer_type gate_sparsemax = {GATE_TYPE("Sparsemax", "sparsemax", "a softmax that gives zeros too"),
                                         GATE_OPTIONS};
