/* resample.c -- an image read at other places: between its numbers the two rows and columns around are weighed; beside
 * it there is what fill_mode makes of it. */
#include "image.h"

const char *const image_fill_modes[] = {"reflect", "constant", "wrap", "nearest", NULL};
const char *const image_interpolations[] = {"bilinear", "nearest", NULL};

/* Places of an axis of `size` numbers, whole ones, that stand for those beside it. */
static luron_tensor *inside(luron_call *c, const luron_ops *o, luron_tensor *place, int64_t size, int32_t fill_mode) {
    const double n = (double)size;
    luron_tensor *period;
    switch (fill_mode) {
    case IMAGE_REFLECT: /* d c b a | a b c d | d c b a */
        period = o->remainder(c, place, o->scalar(c, 2 * n));
        return o->minimum(c, period, o->scale(c, period, -1, 2 * n - 1));
    case IMAGE_WRAP:
        return o->remainder(c, place, o->scalar(c, n));
    default:
        return o->clamp(c, place, 0, n - 1);
    }
}
static luron_tensor *is_inside(luron_call *c, const luron_ops *o, luron_tensor *place, int64_t size) {
    luron_tensor *after = o->lt(c, place, o->scalar(c, (double)size));
    return o->logical_and(c, o->ge(c, place, o->scalar(c, 0)), after);
}
/* The numbers of x (n, c, h, w) at whole places: row and column broadcast to (n, 1, h, w). */
static luron_tensor *at(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *row, luron_tensor *column,
                        image_sampling s) {
    const int64_t h = o->size(c, x, 2), w = o->size(c, x, 3), shape[4] = {o->size(c, x, 0), o->size(c, x, 1), h, w};
    const int64_t flat[3] = {shape[0], shape[1], h * w}, one[3] = {shape[0], 1, h * w};
    luron_tensor *line =
        o->scale(c, o->cast(c, inside(c, o, row, h, s.fill_mode), LURON_F64), (double)w, (double)c->index_base);
    luron_tensor *ids = o->add(c, line, o->cast(c, inside(c, o, column, w, s.fill_mode), LURON_F64));
    ids = o->expand(c, o->reshape(c, o->cast(c, ids, LURON_I64), 3, one), 3, flat);
    luron_tensor *y = o->reshape(c, o->gather(c, o->reshape(c, x, 3, flat), 2, ids), 4, shape);
    if (s.fill_mode != IMAGE_CONSTANT) return y;
    luron_tensor *known = o->logical_and(c, is_inside(c, o, row, h), is_inside(c, o, column, w));
    return o->where(c, known, y, o->scalar(c, s.fill_value));
}
luron_tensor *image_resampled(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *row,
                              luron_tensor *column, image_sampling s) {
    if (s.interpolation) return at(c, o, x, o->round(c, row), o->round(c, column), s);
    luron_tensor *top = o->floor(c, row), *left = o->floor(c, column);
    luron_tensor *below = o->scale(c, top, 1, 1), *right = o->scale(c, left, 1, 1), *share = o->sub(c, column, left);
    luron_tensor *above = image_mixed(c, o, at(c, o, x, top, left, s), at(c, o, x, top, right, s), share);
    luron_tensor *under = image_mixed(c, o, at(c, o, x, below, left, s), at(c, o, x, below, right, s), share);
    return image_mixed(c, o, above, under, o->sub(c, row, top));
}
