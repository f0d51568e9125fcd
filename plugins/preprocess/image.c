/* image.c -- what the layers share that change images at random. */
#include "image.h"
#include <math.h>

const luron_port *const image_in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, c, h, w) or (c, h, w)"), NULL};

luron_status image_check(luron_call *c) {
    const int ndim = luron_in(c, 0)->ndim;
    return ndim == 3 || ndim == 4
               ? LURON_OK
               : luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, (n, c, h, w) or (c, h, w) expected", ndim);
}
luron_status image_setup(luron_call *c) {
    LURON_TRY(image_check(c));
    return luron_set_out_like(c, 0, luron_in(c, 0));
}
luron_status image_setup_rgb(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    LURON_TRY(image_check(c));
    if (x->shape[x->ndim - 3] != 3)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld channels, 3 expected: red, green, blue",
                          (long long)x->shape[x->ndim - 3]);
    return luron_set_out_like(c, 0, x);
}

luron_tensor *image_batch(luron_call *c, const luron_ops *o) {
    return luron_in(c, 0)->ndim == 4 ? o->in(c, 0) : o->unsqueeze(c, o->in(c, 0), 0);
}
luron_status image_give(luron_call *c, const luron_ops *o, luron_tensor *y) {
    return o->set_out(c, 0, luron_in(c, 0)->ndim == 4 ? y : o->squeeze(c, y, 0));
}
int image_stays(luron_call *c) { return !luron_is_training(c) || !luron_numel(luron_in(c, 0)); }
luron_status image_changed(luron_call *c, const luron_ops *o, image_change *change) {
    luron_tensor *x = image_batch(c, o);
    return image_give(c, o, image_stays(c) ? x : change(c, o, x, luron_options(c), 0));
}

luron_tensor *image_drawn(luron_call *c, const luron_ops *o, int stream) {
    const luron_view *x = luron_in(c, 0);
    return o->uniform(c, stream, LURON_SHAPE(x->ndim == 4 ? x->shape[0] : 1, 1, 1, 1));
}
luron_tensor *image_between(luron_call *c, const luron_ops *o, int stream, double low, double high) {
    return o->scale(c, image_drawn(c, o, stream), high - low, low);
}
luron_tensor *image_whole(luron_call *c, const luron_ops *o, luron_tensor *drawn, double n) {
    return o->clamp(c, o->floor(c, o->scale(c, drawn, n, 0)), 0, n - 1); /* rounding may give n */
}
/* Box and Muller's of two uniform ones. */
luron_tensor *image_normal(luron_call *c, const luron_ops *o, int stream, int ndim, const int64_t *shape) {
    luron_tensor *u = o->log1p(c, o->neg(c, o->uniform(c, stream, ndim, shape)));
    luron_tensor *turn = o->cos(c, o->scale(c, o->uniform(c, stream + 1, ndim, shape), 6.283185307179586, 0));
    return o->mul(c, o->sqrt(c, o->scale(c, u, -2, 0)), turn);
}
luron_tensor *image_line(luron_call *c, const luron_ops *o, int dim, int64_t n) {
    int64_t shape[4] = {1, 1, 1, 1};
    shape[dim] = n;
    luron_tensor *count = o->cumsum(c, o->expand(c, o->scalar(c, 1), LURON_SHAPE(n)), 0); /* from 1 */
    return o->reshape(c, o->scale(c, count, 1, -1), 4, shape);
}

image_range image_factor(const luron_floats *f, double least) {
    const double a = f->at[0], b = f->at[1], most = fabs(a);
    if (f->n < 2) return (image_range){-most > least ? -most : least, most};
    return a < b ? (image_range){a, b} : (image_range){b, a};
}
image_range image_values(const luron_floats *f) {
    if (f->n == 0) return (image_range){0, 255};
    return f->n == 1 ? (image_range){0, f->at[0]} : image_factor(f, 0);
}
luron_status image_check_values(luron_call *c, const luron_floats *f) {
    const image_range v = image_values(f);
    return v.low < v.high
               ? LURON_OK
               : luron_fail(c, LURON_E_ARGUMENT, "value_range is from %g to %g, a range expected", v.low, v.high);
}
luron_status image_declare(luron_call *c) {
    return image_check_values(c, &((const image_options *)luron_options(c))->value_range);
}
luron_tensor *image_clipped(luron_call *c, const luron_ops *o, luron_tensor *x, image_range values) {
    return o->clamp(c, x, values.low, values.high);
}
luron_tensor *image_some(luron_call *c, const luron_ops *o, int stream, const luron_floats *factor, luron_tensor *y,
                         luron_tensor *x) {
    const image_range f = image_factor(factor, 0);
    luron_tensor *share = image_between(c, o, stream, f.low, f.high);
    return o->where(c, o->lt(c, image_drawn(c, o, stream + 1), share), y, x);
}
luron_tensor *image_mixed(luron_call *c, const luron_ops *o, luron_tensor *a, luron_tensor *b, luron_tensor *share) {
    return o->add(c, o->mul(c, a, o->scale(c, share, -1, 1)), o->mul(c, b, share));
}
