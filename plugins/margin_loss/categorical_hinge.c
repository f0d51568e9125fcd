/* categorical_hinge.c: max(1 + max_j (1 - t) x - sum_j t x, 0). x, t (n,C,...) or (C). */
#include "margin_loss.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, INPUT);
    const int at = x->ndim > 1 ? 1 : 0;
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    if (x->ndim < 1 || x->shape[at] < 1)
        return luron_fail(c, LURON_E_SHAPE, "input has no classes, expected (n, classes, ...) or (classes)");
    luron_tensor *scores = o->in(c, INPUT), *t = o->in(c, TARGET), *right = o->sum(c, o->mul(c, t, scores), 1, &at, 0);
    luron_tensor *other = o->amax(c, o->mul(c, o->scale(c, t, -1, 1), scores), 1, &at, 0);
    return margin_reduced(c, o, loss_positive(c, o, o->scale(c, o->sub(c, other, right), 1, 1)));
}
static const luron_option *const options[] = {MARGIN_REDUCTION, NULL};
static const luron_port *const in[] = {
    LOSS_PAIR("scores, (n, classes, ...) or (classes)", "1 for the right class, else 0, as input"), NULL};
const luron_layer_type margin_loss_categorical_hinge = {
    LOSS_TYPE(margin_loss, "CategoricalHingeLoss", "categorical_hinge_loss",
              "by how much the best other class comes within 1 of the right one")};
