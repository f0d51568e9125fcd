/* take.c: a part of a tensor: one place of a dim, which goes away, or several; and dims of size 1, put in or taken out.
 */
#include "shape.h"
typedef struct take {
    int64_t dim, index, start, length;
} take;

static luron_status compose_select(luron_call *c, const luron_ops *o) {
    const take *opt = c->options;
    const luron_view *x = luron_in(c, 0);
    int dim;
    LURON_TRY(shape_dim(c, "dim", opt->dim, x->ndim, &dim));
    if (opt->index < -x->shape[dim] || opt->index >= x->shape[dim])
        return luron_fail(c, LURON_E_RANGE, "index is %lld, dimension %lld has size %lld",
                          (long long)luron_shown(c, opt->index), (long long)luron_shown(c, dim),
                          (long long)x->shape[dim]);
    return o->set_out(c, 0, o->select(c, o->in(c, 0), dim, opt->index < 0 ? opt->index + x->shape[dim] : opt->index));
}
static luron_status compose_narrow(luron_call *c, const luron_ops *o) {
    const take *opt = c->options;
    const luron_view *x = luron_in(c, 0);
    int dim;
    LURON_TRY(shape_dim(c, "dim", opt->dim, x->ndim, &dim));
    const int64_t size = x->shape[dim], start = opt->start < 0 ? opt->start + size : opt->start;
    if (start < 0 || start > size || opt->length > size - start)
        return luron_fail(c, LURON_E_RANGE, "%lld places from %lld on, dimension %lld has size %lld",
                          (long long)opt->length, (long long)luron_shown(c, opt->start), (long long)luron_shown(c, dim),
                          (long long)size);
    return o->set_out(c, 0, o->narrow(c, o->in(c, 0), dim, start, opt->length));
}
/* A dim of another size stays, as in PyTorch. */
static luron_status compose_squeeze(luron_call *c, const luron_ops *o) {
    int dim;
    LURON_TRY(shape_dim(c, "dim", ((const take *)c->options)->dim, luron_in(c, 0)->ndim, &dim));
    return o->set_out(c, 0, o->squeeze(c, o->in(c, 0), dim));
}
static luron_status compose_unsqueeze(luron_call *c, const luron_ops *o) {
    const int ndim = luron_in(c, 0)->ndim;
    int dim;
    if (ndim == 8) return luron_fail(c, LURON_E_SHAPE, "input has 8 dimensions, at most 7 expected");
    LURON_TRY(shape_dim(c, "dim", ((const take *)c->options)->dim, ndim + 1, &dim));
    return o->set_out(c, 0, o->unsqueeze(c, o->in(c, 0), dim));
}
static const luron_option *const options[] = {SHAPE_DIM(take, dim, "dimension"), NULL};
static const luron_option *const of_select[] = {SHAPE_DIM(take, dim, "dimension that goes away"),
                                                SHAPE_DIM(take, index, "place in it"), NULL};
static const luron_option *const of_narrow[] = {SHAPE_DIM(take, dim, "dimension"),
                                                SHAPE_DIM(take, start, "first place"),
                                                LURON_OPT_INT(take, length, 1, 0, 9e15, "how many places"), NULL};
const luron_layer_type shape_select =
    SHAPE_TYPE("Select", "one place of a dimension, which goes away", of_select, take, compose_select);
const luron_layer_type shape_narrow =
    SHAPE_TYPE("Narrow", "some places of a dimension", of_narrow, take, compose_narrow);
const luron_layer_type shape_squeeze =
    SHAPE_TYPE("Squeeze", "takes out a dimension if its size is 1", options, take, compose_squeeze);
const luron_layer_type shape_unsqueeze =
    SHAPE_TYPE("Unsqueeze", "puts in a dimension of size 1", options, take, compose_unsqueeze);
