/* triplet_margin_with_distance.c: max(margin + d(a, p) - d(a, n), 0) with a distance by name. */
#include "distance.h"

enum { EUCLIDEAN, SQUARED, MANHATTAN, COSINE };
static const char *const names[] = {"euclidean", "squared_euclidean", "manhattan", "cosine", NULL};
static luron_tensor *named(luron_call *c, const luron_ops *o, luron_tensor *a, luron_tensor *b) {
    const int32_t which = ((const distance *)luron_options(c))->distance;
    const int last = -1;
    if (which == SQUARED) return o->sum(c, o->square(c, o->sub(c, a, b)), 1, &last, 0);
    if (which == COSINE) return o->scale(c, distance_cosine(c, o, a, b, -1, 1e-8), -1, 1);
    return distance_norm(c, o, a, b, which == MANHATTAN ? 1 : 2, 1e-6, 0);
}
static luron_status compose(luron_call *c, const luron_ops *o) { return distance_triplets(c, o, named); }
static const luron_option *const options[] = {
    LURON_OPT_CHOICE(distance, distance, "euclidean", names, "what is far"),
    LURON_OPT_FLOAT(distance, margin, 1.0, 0, 1e300, "by which the negative should be farther"), DISTANCE_SWAP,
    DISTANCE_REDUCTION, NULL};
const luron_layer_type distance_triplet_margin_with_distance = {
    LOSS_TYPE_OF(distance, distance_triplet_ports, "TripletMarginWithDistanceLoss", "triplet_margin_with_distance_loss",
                 "the triplet loss with another distance")};
