/* multi_margin.c: the mean over all C classes j but t of max(margin - x[t] + x[j], 0)^p, times w[t]. x (n,C) or (C). */
#include "margin_loss.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const margin_loss *m = luron_options(c);
    const luron_view *x = luron_in(c, INPUT), *w = luron_in(c, WEIGHT);
    LURON_TRY(margin_check_classes(c));
    const int last = x->ndim - 1;
    const int64_t n = x->shape[last];
    LURON_TRY(loss_rows_shape(c, last));
    if (w && w->shape[0] != n)
        return luron_fail(c, LURON_E_SHAPE, "weight has %lld numbers, input has %lld classes", (long long)w->shape[0],
                          (long long)n);
    luron_tensor *scores = o->in(c, INPUT), *ids = o->in(c, TARGET), *own = o->one_hot(c, ids, n);
    luron_tensor *y = o->sub(c, scores, o->gather(c, scores, last, o->unsqueeze(c, ids, -1)));
    y = loss_above(c, o, o->scale(c, y, 1, m->margin));
    if (m->p == 2) y = o->square(c, y);
    y = o->mean(c, o->mul(c, y, o->scale(c, own, -1, 1)), 1, &last, 0);
    if (w) y = o->mul(c, y, o->sum(c, o->mul(c, own, o->in(c, WEIGHT)), 1, &last, 0));
    return margin_reduced(c, o, y);
}
static const luron_option *const options[] = {LURON_OPT_INT(margin_loss, p, 1, 1, 2, "power of a term"), MARGIN(1.0),
                                              MARGIN_REDUCTION, NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "scores, (n, classes) or (classes)"),
                                       LURON_PORT("target", LURON_PORT_INDEX, 0, 0, "class ids, (n)"),
                                       LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 1, "of each class"), NULL};
const luron_layer_type margin_loss_multi_margin = {
    LOSS_TYPE(margin_loss, "MultiMarginLoss", "multi_margin_loss",
              "by how much other classes come within a margin of the right one")};
