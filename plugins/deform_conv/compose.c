/* compose.c -- the deformable convolution in ops, for second derivatives. */
#include "deform_conv.h"

/* Where a tap reads along rows (dim 0) or columns (dim 1) when nothing is moved, (1, 1, taps, places). */
static luron_tensor *regular(luron_call *c, const luron_ops *o, const deform_shapes *s, int dim) {
    const deform *opt = luron_options(c);
    const int64_t taps[2] = {opt->kernel_size.at[0], opt->kernel_size.at[1]}, places[2] = {s->p, s->q};
    int64_t all[4] = {taps[0], taps[1], s->p, s->q}, tap[4] = {1, 1, 1, 1}, place[4] = {1, 1, 1, 1};
    tap[dim] = taps[dim], place[2 + dim] = places[dim];
    luron_tensor *one = o->expand(c, o->scalar(c, 1), LURON_SHAPE(taps[dim]));
    luron_tensor *far = o->reshape(c, o->scale(c, o->cumsum(c, one, 0), (double)opt->dilation.at[dim], 0), 4, tap);
    one = o->expand(c, o->scalar(c, 1), LURON_SHAPE(places[dim]));
    luron_tensor *at = o->reshape(c, o->scale(c, o->cumsum(c, one, 0), (double)opt->stride.at[dim], 0), 4, place);
    const int64_t ones = opt->dilation.at[dim] + opt->stride.at[dim] + opt->padding.at[dim]; /* both count from 1 */
    at = o->contiguous(c, o->expand(c, o->scale(c, o->add(c, far, at), 1, -(double)ones), 4, all));
    return o->reshape(c, at, LURON_SHAPE(1, 1, s->taps, s->places));
}
/* What moves taps along dim 0 or 1: (n, offset groups, taps, places). */
static luron_tensor *moved(luron_call *c, const luron_ops *o, const deform_shapes *s, int dim) {
    luron_tensor *offset =
        o->reshape(c, o->in(c, DEFORM_OFFSET), LURON_SHAPE(s->n, s->offset_groups, s->taps, 2, s->places));
    return o->add(c, o->select(c, offset, 3, dim), regular(c, o, s, dim));
}
static luron_tensor *known(luron_call *c, const luron_ops *o, luron_tensor *at, int64_t size) {
    luron_tensor *before = o->lt(c, at, o->scalar(c, (double)size));
    return o->logical_and(c, o->ge(c, at, o->scalar(c, 0)), before);
}
/* x (n, offset groups, channels, h w) at whole rows and columns, 0 beside it. */
static luron_tensor *at(luron_call *c, const luron_ops *o, const deform_shapes *s, luron_tensor *x, luron_tensor *row,
                        luron_tensor *column) {
    const int64_t flat[4] = {s->n, s->offset_groups, s->c / s->offset_groups, s->taps * s->places};
    const int64_t one[4] = {s->n, s->offset_groups, 1, flat[3]};
    luron_tensor *none = o->scalar(c, 0), *there = o->logical_and(c, known(c, o, row, s->h), known(c, o, column, s->w));
    luron_tensor *line = o->cast(c, o->where(c, there, row, none), LURON_F64);
    luron_tensor *ids = o->cast(c, o->where(c, there, column, none), LURON_F64);
    ids = o->add(c, o->scale(c, line, (double)s->w, (double)c->index_base), ids);
    ids = o->expand(c, o->reshape(c, o->cast(c, ids, LURON_I64), 4, one), 4, flat);
    return o->where(c, o->reshape(c, there, 4, one), o->gather(c, x, 3, ids), none);
}
static luron_tensor *mixed(luron_call *c, const luron_ops *o, luron_tensor *a, luron_tensor *b, luron_tensor *share) {
    return o->add(c, o->mul(c, a, o->scale(c, share, -1, 1)), o->mul(c, b, share));
}

luron_status deform_compose(luron_call *c, const luron_ops *o) {
    const deform *opt = luron_options(c);
    deform_shapes s;
    LURON_TRY(deform_shapes_of(c, &s));
    const int64_t one[4] = {s.n, s.offset_groups, 1, s.taps * s.places}, g = opt->groups, part = s.c / g * s.taps;
    luron_tensor *x =
        o->reshape(c, o->in(c, DEFORM_INPUT), LURON_SHAPE(s.n, s.offset_groups, s.c / s.offset_groups, s.h * s.w));
    luron_tensor *row = moved(c, o, &s, 0), *column = moved(c, o, &s, 1);
    luron_tensor *top = o->floor(c, row), *left = o->floor(c, column);
    luron_tensor *below = o->scale(c, top, 1, 1), *right = o->scale(c, left, 1, 1);
    luron_tensor *down = o->reshape(c, o->sub(c, row, top), 4, one);
    luron_tensor *along = o->reshape(c, o->sub(c, column, left), 4, one);
    luron_tensor *above = mixed(c, o, at(c, o, &s, x, top, left), at(c, o, &s, x, top, right), along);
    luron_tensor *under = mixed(c, o, at(c, o, &s, x, below, left), at(c, o, &s, x, below, right), along);
    luron_tensor *read = mixed(c, o, above, under, down);
    if (luron_in(c, DEFORM_MASK)) read = o->mul(c, read, o->reshape(c, o->in(c, DEFORM_MASK), 4, one));
    read = o->reshape(c, read, LURON_SHAPE(s.n, g, part, s.places));
    luron_tensor *w = o->reshape(c, o->param(c, DEFORM_WEIGHT), LURON_SHAPE(g, opt->out_channels / g, part));
    luron_tensor *y = o->reshape(c, o->matmul(c, w, read, 0), LURON_SHAPE(s.n, opt->out_channels, s.p, s.q));
    if (opt->bias) y = o->add(c, y, o->reshape(c, o->param(c, DEFORM_BIAS), LURON_SHAPE(opt->out_channels, 1, 1)));
    return o->set_out(c, 0, y);
}
