/* margin_ranking.c: max(margin - t (a - b), 0): t 1: a should be the larger, -1: b. */
#include "margin_loss.h"
enum { FIRST, SECOND, WHICH };

static luron_status compose(luron_call *c, const luron_ops *o) {
    LURON_TRY(loss_same_shape(c, SECOND, "input2", FIRST, "input1"));
    LURON_TRY(loss_same_shape(c, WHICH, "target", FIRST, "input1"));
    luron_tensor *by = o->mul(c, o->in(c, WHICH), o->sub(c, o->in(c, FIRST), o->in(c, SECOND)));
    return margin_reduced(c, o,
                          loss_positive(c, o, o->scale(c, by, -1, ((const margin_loss *)luron_options(c))->margin)));
}
static const luron_option *const options[] = {MARGIN(0.0), MARGIN_REDUCTION, NULL};
static const luron_port *const in[] = {
    LURON_PORT("input1", 0, LURON_REAL, 0, "any shape"), LURON_PORT("input2", 0, LURON_REAL, 0, "as input1"),
    LURON_PORT("target", 0, LURON_REAL, 0, "1: input1 ranks higher, -1: input2"), NULL};
const luron_layer_type margin_loss_margin_ranking = {
    LOSS_TYPE(margin_loss, "MarginRankingLoss", "margin_ranking_loss", "which of two scores should be the larger")};
