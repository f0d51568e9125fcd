/* hinge_embedding.c: x where t is 1, max(margin - x, 0) where it is -1, both elsewhere, as PyTorch has it. */
#include "margin_loss.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    luron_tensor *x = o->in(c, INPUT), *t = o->in(c, TARGET), *zero = o->scalar(c, 0);
    luron_tensor *near = loss_positive(c, o, o->scale(c, x, -1, ((const margin_loss *)luron_options(c))->margin));
    near = o->where(c, o->ne(c, t, o->scalar(c, 1)), near, zero);
    return margin_reduced(c, o, o->add(c, near, o->where(c, o->ne(c, t, o->scalar(c, -1)), x, zero)));
}
static const luron_option *const options[] = {MARGIN(1.0), MARGIN_REDUCTION, NULL};
static const luron_port *const in[] = {LOSS_PAIR("distances, any shape", "1: alike, -1: not, as input"), NULL};
const luron_layer_type margin_loss_hinge_embedding = {
    LOSS_TYPE(margin_loss, "HingeEmbeddingLoss", "hinge_embedding_loss",
              "distances of what is alike, and how far others are within the margin")};
