/* cosine_similarity_loss.c: minus the cosine of the angle between input and target along dim: -1 where they agree. */
#include "distance.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const distance *d = luron_options(c);
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    const int dim = d->dim == (int)d->dim ? (int)d->dim : INT32_MAX;
    return distance_reduced(c, o, o->neg(c, distance_cosine(c, o, o->in(c, INPUT), o->in(c, TARGET), dim, 1e-7)));
}
static const luron_option *const options[] = {LURON_OPT_AXIS(distance, dim, -1, "along which vectors lie"),
                                              DISTANCE_REDUCTION, NULL};
static const luron_port *const in[] = {LOSS_PAIR("any shape", "as input"), NULL};
const luron_layer_type distance_cosine_similarity_loss = {
    LOSS_TYPE(distance, "CosineSimilarityLoss", "cosine_similarity_loss",
              "minus the cosine of the angle between input and target")};
