/* pairwise_distance.c: the p-norm of x1 - x2 + eps along the last dimension. x1, x2 (...,D) broadcast -> (...). */
#include "distance.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const distance *d = luron_options(c);
    const luron_view *a = luron_in(c, 0), *b = luron_in(c, 1);
    if (a->ndim < 1 || b->ndim < 1 || a->shape[a->ndim - 1] != b->shape[b->ndim - 1] ||
        (a->ndim != b->ndim && a->ndim > 1 && b->ndim > 1))
        return luron_fail(c, LURON_E_SHAPE,
                          "x1 and x2 (..., numbers) of one length expected, with as many dimensions or one");
    return o->set_out(c, 0, distance_norm(c, o, o->in(c, 0), o->in(c, 1), d->p, d->eps, d->keepdim));
}
static const luron_option *const options[] = {
    DISTANCE_P, LURON_OPT_FLOAT(distance, eps, 1e-6, 0, 1e300, "added to each difference"),
    LURON_OPT_BOOL(distance, keepdim, 0, "the last dimension stays, with size 1"), NULL};
static const luron_port *const in[] = {LURON_PORT("x1", 0, LURON_REAL, 0, "(..., numbers)"),
                                       LURON_PORT("x2", 0, LURON_REAL, 0, "broadcasts with x1"), NULL};
const luron_layer_type distance_pairwise_distance = {
    DISTANCE_TYPE("PairwiseDistance", "pairwise_distance", "p-norm of the difference of vectors")};
