/* cosine_similarity.c: the cosine of the angle between vectors that lie along dim. x1, x2 broadcast -> without dim. */
#include "distance.h"

/* As many dimensions, and vectors of one length. */
static luron_status check(luron_call *c) {
    const luron_view *a = luron_in(c, 0), *b = luron_in(c, 1);
    const int64_t dim = ((const distance *)luron_options(c))->dim, at = dim < 0 ? dim + a->ndim : dim;
    if (a->ndim != b->ndim)
        return luron_fail(c, LURON_E_SHAPE, "x2 has %d dimensions, x1 has %d", (int)b->ndim, (int)a->ndim);
    if (at < 0 || at >= a->ndim)
        return luron_fail(c, LURON_E_RANGE, "dim %lld is not there: x1 has %d dimensions",
                          (long long)luron_shown(c, dim), (int)a->ndim);
    if (a->shape[at] == b->shape[at]) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "x2 has vectors of %lld numbers, x1 of %lld", (long long)b->shape[at],
                      (long long)a->shape[at]);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const distance *d = luron_options(c);
    LURON_TRY(check(c));
    luron_tensor *both =
        o->add(c, o->in(c, 0), o->in(c, 1)); /* says what does not broadcast; its rank is that of the result */
    int64_t shape[8];
    const int ndim = o->ndim(c, both);
    for (int i = 0; i < ndim; i++)
        shape[i] = o->size(c, both, i);
    luron_tensor *a = o->expand(c, o->in(c, 0), ndim, shape), *b = o->expand(c, o->in(c, 1), ndim, shape);
    return o->set_out(c, 0, distance_cosine(c, o, a, b, d->dim == (int)d->dim ? (int)d->dim : INT32_MAX, d->eps));
}
static const luron_option *const options[] = {
    LURON_OPT_AXIS(distance, dim, 1, "along which vectors lie"),
    LURON_OPT_FLOAT(distance, eps, 1e-8, 0, 1e300, "least length of a vector"), NULL};
static const luron_port *const in[] = {LURON_PORT("x1", 0, LURON_REAL, 0, "any shape"),
                                       LURON_PORT("x2", 0, LURON_REAL, 0, "as many dimensions; broadcasts with x1"),
                                       NULL};
const luron_layer_type distance_cosine_similarity = {
    DISTANCE_TYPE("CosineSimilarity", "cosine_similarity", "cosine of the angle between vectors")};
