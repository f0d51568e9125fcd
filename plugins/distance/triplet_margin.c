/* triplet_margin.c: max(margin + |a - p| - |a - n|, 0) with the norm of PairwiseDistance; and what both triplet losses
 * share. */
#include "distance.h"
enum { ANCHOR, POSITIVE, NEGATIVE };

const luron_port *const distance_triplet_ports[] = {
    LURON_PORT("anchor", 0, LURON_REAL, 0, "(..., numbers)"),
    LURON_PORT("positive", 0, LURON_REAL, 0, "of the anchor's kind, as anchor"),
    LURON_PORT("negative", 0, LURON_REAL, 0, "of another kind, as anchor"), NULL};
luron_status distance_triplets(luron_call *c, const luron_ops *o, distance_fn *d) {
    const distance *opt = luron_options(c);
    if (luron_in(c, ANCHOR)->ndim < 1)
        return luron_fail(c, LURON_E_SHAPE, "anchor has no dimension, expected (..., numbers)");
    LURON_TRY(loss_same_shape(c, POSITIVE, "positive", ANCHOR, "anchor"));
    LURON_TRY(loss_same_shape(c, NEGATIVE, "negative", ANCHOR, "anchor"));
    luron_tensor *a = o->in(c, ANCHOR), *p = o->in(c, POSITIVE), *n = o->in(c, NEGATIVE);
    luron_tensor *near = d(c, o, a, p), *far = d(c, o, a, n);
    if (opt->swap) far = o->minimum(c, far, d(c, o, p, n));
    return distance_reduced(c, o, loss_positive(c, o, o->scale(c, o->sub(c, near, far), 1, opt->margin)));
}
static luron_tensor *norm(luron_call *c, const luron_ops *o, luron_tensor *a, luron_tensor *b) {
    const distance *d = luron_options(c);
    return distance_norm(c, o, a, b, d->p, d->eps, 0);
}
static luron_status compose(luron_call *c, const luron_ops *o) { return distance_triplets(c, o, norm); }
static const luron_option *const options[] = {
    LURON_OPT_FLOAT(distance, margin, 1.0, 0, 1e300, "by which the negative should be farther"),
    DISTANCE_P,
    LURON_OPT_FLOAT(distance, eps, 1e-6, 0, 1e300, "added to each difference"),
    DISTANCE_SWAP,
    DISTANCE_REDUCTION,
    NULL};
const luron_layer_type distance_triplet_margin = {
    LOSS_TYPE_OF(distance, distance_triplet_ports, "TripletMarginLoss", "triplet_margin_loss",
                 "by how much the negative is not farther from the anchor than the positive")};
