/* pairwise_distance.c: the p-norm of x1 - x2 + eps along the last dimension. x1, x2 (...,D) broadcast -> (...). */
#include "distance.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const distance *d = luron_options(c);
    return o->set_out(c, 0, distance_norm(c, o, o->in(c, 0), o->in(c, 1), d->p, d->eps, d->keepdim));
}
static const luron_option *const options[] = {
    DISTANCE_P, LURON_OPT_FLOAT(distance, eps, 1e-6, 0, 1e300, "added to each difference"),
    LURON_OPT_BOOL(distance, keepdim, 0, "the last dimension stays, with size 1"), NULL};
static const luron_port *const in[] = {LURON_PORT("x1", 0, LURON_REAL, 0, "(..., numbers)"),
                                       LURON_PORT("x2", 0, LURON_REAL, 0, "broadcasts with x1"), NULL};
const luron_layer_type distance_pairwise_distance = {
    DISTANCE_TYPE("PairwiseDistance", "pairwise_distance", "p-norm of the difference of vectors")};
