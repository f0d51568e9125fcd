/* circle.c: Keras's circle loss. x (n,D) of length 1, ids (n); d = max(1 - x r, 0) from each row to each reference, by
 * default the rows themselves: softplus(log sum_same exp(gamma (d + m) (d - m)) + log sum_other exp(gamma max(1 + m -
 * d, 0) (1 - m - d))), 0 for a row without any of the same or of another id, which does not count in the mean.
 *
 * Sun and others, Circle loss: a unified perspective of pair similarity optimization, 2020. */
#include "distance.h"
enum { ROWS, IDS, REFERENCES, THEIR_IDS };

static luron_status check_pair(luron_call *c, int rows, int ids, const char *name) {
    const luron_view *x = luron_in(c, rows), *first = luron_in(c, ROWS), *t = luron_in(c, ids);
    if (x->shape[0] < 1 || x->shape[1] != first->shape[1])
        return luron_fail(c, LURON_E_SHAPE, "%s has %lld rows of %lld numbers, at least one of %lld expected", name,
                          (long long)x->shape[0], (long long)x->shape[1], (long long)first->shape[1]);
    return t && t->shape[0] == x->shape[0]
               ? LURON_OK
               : luron_fail(c, LURON_E_SHAPE, "%s has %lld rows: as many ids expected", name, (long long)x->shape[0]);
}
/* log of the sum of exp(x) where `counts`; far below 0 where nothing does. */
static luron_tensor *gathered(luron_call *c, const luron_ops *o, luron_tensor *counts, luron_tensor *x) {
    const int last = 1;
    return o->logsumexp(c, o->where(c, counts, x, o->scalar(c, -1e30)), 1, &last, 0);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const distance *l = luron_options(c);
    const int rows = luron_in(c, REFERENCES) ? REFERENCES : ROWS, ids = luron_in(c, REFERENCES) ? THEIR_IDS : IDS;
    LURON_TRY(check_pair(c, ROWS, IDS, "input"));
    LURON_TRY(check_pair(c, rows, ids, "ref_input"));
    const int64_t n = luron_in(c, ROWS)->shape[0], m = luron_in(c, rows)->shape[0];
    luron_tensor *d = o->matmul(c, o->in(c, ROWS), o->in(c, rows), LURON_TRANS_B), *zero = o->scalar(c, 0);
    d = loss_positive(c, o, o->scale(c, d, -1, 1));
    luron_tensor *same = o->eq(c, o->unsqueeze(c, o->in(c, IDS), 1), o->unsqueeze(c, o->in(c, ids), 0));
    luron_tensor *other = o->logical_not(c, same),
                 *one = o->contiguous(c, o->expand(c, o->scalar(c, 1), LURON_SHAPE(n, m)));
    if (l->remove_diagonal) same = o->logical_and(c, same, o->eq(c, o->triu(c, o->tril(c, one, 0), 0), zero));
    luron_tensor *apart =
        o->mul(c, loss_positive(c, o, o->scale(c, d, 1, l->margin)), o->scale(c, d, l->gamma, -l->gamma * l->margin));
    luron_tensor *near = o->mul(c, loss_positive(c, o, o->scale(c, d, -1, 1 + l->margin)),
                                o->scale(c, d, -l->gamma, l->gamma * (1 - l->margin)));
    luron_tensor *y = loss_softplus(c, o, o->add(c, gathered(c, o, same, apart), gathered(c, o, other, near)));
    if (l->reduction != LOSS_MEAN) return distance_reduced(c, o, y);
    luron_tensor *count = o->sum(c, o->cast(c, o->gt(c, y, zero), c->dtype), 0, NULL, 0);
    return o->set_out(c, 0, o->div(c, o->sum(c, y, 0, NULL, 0), o->clamp(c, count, 1, INFINITY)));
}
static const luron_option *const options[] = {
    LURON_OPT_FLOAT(distance, gamma, 80.0, 0, 1e6, "scale"),
    LURON_OPT_FLOAT(distance, margin, 0.4, 0, 1, "distance up to which rows of an id should come"),
    LURON_OPT_BOOL(distance, remove_diagonal, 1, "a row is no reference of its own"), DISTANCE_REDUCTION, NULL};
static const luron_port *const in[] = {
    LURON_PORT("input", 0, LURON_REAL, 2, "rows of length 1, (n, numbers)"),
    LURON_PORT("target", LURON_PORT_INDEX, 0, 1, "ids, (n)"),
    LURON_PORT("ref_input", LURON_PORT_OPTIONAL, LURON_REAL, 2, "rows to compare with, (m, numbers); absent: input"),
    LURON_PORT("ref_target", LURON_PORT_INDEX | LURON_PORT_OPTIONAL, 0, 1, "their ids, (m)"), NULL};
const luron_layer_type distance_circle = {
    LOSS_TYPE(distance, "CircleLoss", "circle_loss", "how far rows of one id are apart, and those of others near")};
