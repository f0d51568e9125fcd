/* cosine_embedding.c: 1 - cos where t is 1, max(cos - margin, 0) where it is -1. x1, x2 (n,D) or (D), t (n) or one
 * number. */
#include "distance.h"
enum { FIRST, SECOND, WHICH };

static luron_status check(luron_call *c) {
    const luron_view *x = luron_in(c, FIRST), *t = luron_in(c, WHICH);
    LURON_TRY(loss_same_shape(c, SECOND, "input2", FIRST, "input1"));
    if (x->ndim < 1 || x->ndim > 2)
        return luron_fail(c, LURON_E_SHAPE, "input1 has %d dimensions, expected (n, numbers) or (numbers)",
                          (int)x->ndim);
    if (t->ndim != x->ndim - 1 || (t->ndim && t->shape[0] != x->shape[0]))
        return luron_fail(
            c, LURON_E_SHAPE,
            "target has %d dimensions or another size than the rows of input1: one number for each expected",
            (int)t->ndim);
    return LURON_OK;
}
/* The sum of products along the last dimension. */
static luron_tensor *product(luron_call *c, const luron_ops *o, luron_tensor *a, luron_tensor *b) {
    const int last = -1;
    return o->sum(c, o->mul(c, a, b), 1, &last, 0);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    LURON_TRY(check(c));
    luron_tensor *a = o->in(c, FIRST), *b = o->in(c, SECOND), *t = o->in(c, WHICH), *zero = o->scalar(c, 0);
    luron_tensor *sizes =
        o->mul(c, o->scale(c, product(c, o, a, a), 1, 1e-12), o->scale(c, product(c, o, b, b), 1, 1e-12));
    luron_tensor *cos = o->div(c, product(c, o, a, b), o->sqrt(c, sizes));
    luron_tensor *apart = loss_positive(c, o, o->scale(c, cos, 1, -((const distance *)luron_options(c))->margin));
    apart = o->where(c, o->lt(c, t, zero), apart, zero);
    return distance_reduced(c, o, o->where(c, o->gt(c, t, zero), o->scale(c, cos, -1, 1), apart));
}
static const luron_option *const options[] = {
    LURON_OPT_FLOAT(distance, margin, 0.0, -1, 1, "cosine up to which vectors count as apart"), DISTANCE_REDUCTION,
    NULL};
static const luron_port *const in[] = {LURON_PORT("input1", 0, LURON_REAL, 0, "(n, numbers) or (numbers)"),
                                       LURON_PORT("input2", 0, LURON_REAL, 0, "as input1"),
                                       LURON_PORT("target", 0, LURON_REAL, 0, "1: alike, -1: not, (n)"), NULL};
const luron_layer_type distance_cosine_embedding = {
    LOSS_TYPE(distance, "CosineEmbeddingLoss", "cosine_embedding_loss",
              "angles between what is alike, and cosines beyond a margin of others")};
