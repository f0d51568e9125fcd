/* affine.c -- RandomRotation, RandomZoom, RandomTranslation and RandomShear, with Keras's meaning of their factors:
 * place (row, column) of an image comes from a place of the input that an affine function says, drawn for each image.
 * Between the numbers of the input the two rows and columns around are weighed; beside it there is what fill_mode makes
 * of it. */
#include "image.h"

/* ---- the one resampler ---------------------------------------------------------------------------------------------
 */
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
                        const image_options *p) {
    const int64_t h = o->size(c, x, 2), w = o->size(c, x, 3), shape[4] = {o->size(c, x, 0), o->size(c, x, 1), h, w};
    const int64_t flat[3] = {shape[0], shape[1], h * w}, one[3] = {shape[0], 1, h * w};
    luron_tensor *line = o->cast(c, inside(c, o, row, h, p->fill_mode), LURON_F64);
    luron_tensor *ids = o->cast(c, inside(c, o, column, w, p->fill_mode), LURON_F64);
    ids = o->add(c, o->scale(c, line, (double)w, (double)c->index_base), ids);
    ids = o->expand(c, o->reshape(c, o->cast(c, ids, LURON_I64), 3, one), 3, flat);
    luron_tensor *y = o->reshape(c, o->gather(c, o->reshape(c, x, 3, flat), 2, ids), 4, shape);
    if (p->fill_mode != IMAGE_CONSTANT) return y;
    luron_tensor *known = o->logical_and(c, is_inside(c, o, row, h), is_inside(c, o, column, w));
    return o->where(c, known, y, o->scalar(c, p->fill_value));
}
luron_tensor *image_resampled(luron_call *c, const luron_ops *o, luron_tensor *x, image_places from,
                              const image_options *p) {
    if (p->interpolation) return at(c, o, x, o->round(c, from.row), o->round(c, from.column), p);
    luron_tensor *top = o->floor(c, from.row), *left = o->floor(c, from.column);
    luron_tensor *below = o->scale(c, top, 1, 1), *right = o->scale(c, left, 1, 1);
    luron_tensor *share = o->sub(c, from.column, left);
    luron_tensor *above = image_mixed(c, o, at(c, o, x, top, left, p), at(c, o, x, top, right, p), share);
    luron_tensor *under = image_mixed(c, o, at(c, o, x, below, left, p), at(c, o, x, below, right, p), share);
    return image_mixed(c, o, above, under, o->sub(c, from.row, top));
}

/* ---- where places come from -------------------------------------------------------------------------------------- */
/* Rows and columns of an image, from its middle where that stays. */
typedef struct grid {
    luron_tensor *row, *column;
    double middle_row, middle_column;
} grid;
static grid grid_of(luron_call *c, const luron_ops *o, luron_tensor *x, int centred) {
    const int64_t h = o->size(c, x, 2), w = o->size(c, x, 3);
    grid g = {.middle_row = centred ? (double)(h - 1) / 2 : 0, .middle_column = centred ? (double)(w - 1) / 2 : 0};
    g.row = o->scale(c, image_line(c, o, 2, h), 1, -g.middle_row);
    g.column = o->scale(c, image_line(c, o, 3, w), 1, -g.middle_column);
    return g;
}
static luron_tensor *drawn(luron_call *c, const luron_ops *o, int stream, const luron_floats *factor, double times,
                           double plus) {
    const image_range f = image_factor(factor, -1);
    return image_between(c, o, stream, times * f.low + plus, times * f.high + plus);
}

image_places image_rotation(luron_call *c, const luron_ops *o, luron_tensor *x, const image_options *p, int stream) {
    const grid g = grid_of(c, o, x, 1);
    luron_tensor *angle = drawn(c, o, stream, &p->factor, 6.283185307179586, 0);
    luron_tensor *cosine = o->cos(c, angle), *sine = o->sin(c, angle);
    luron_tensor *row = o->add(c, o->mul(c, sine, g.column), o->mul(c, cosine, g.row));
    luron_tensor *column = o->sub(c, o->mul(c, cosine, g.column), o->mul(c, sine, g.row));
    return (image_places){o->scale(c, row, 1, g.middle_row), o->scale(c, column, 1, g.middle_column)};
}
static image_places image_zoom(luron_call *c, const luron_ops *o, luron_tensor *x, const image_options *p, int stream) {
    const grid g = grid_of(c, o, x, 1);
    luron_tensor *height = drawn(c, o, stream, &p->height_factor, 1, 1);
    luron_tensor *width = p->width_factor.n ? drawn(c, o, stream + 1, &p->width_factor, 1, 1) : height;
    return (image_places){o->scale(c, o->mul(c, height, g.row), 1, g.middle_row),
                          o->scale(c, o->mul(c, width, g.column), 1, g.middle_column)};
}
image_places image_translation(luron_call *c, const luron_ops *o, luron_tensor *x, const image_options *p, int stream) {
    const grid g = grid_of(c, o, x, 0);
    luron_tensor *down = drawn(c, o, stream, &p->height_factor, (double)o->size(c, x, 2), 0);
    luron_tensor *right = drawn(c, o, stream + 1, &p->width_factor, (double)o->size(c, x, 3), 0);
    return (image_places){o->sub(c, g.row, down), o->sub(c, g.column, right)};
}
image_places image_shear(luron_call *c, const luron_ops *o, luron_tensor *x, const image_options *p, int stream) {
    const grid g = grid_of(c, o, x, 0);
    luron_tensor *way = o->le(c, image_drawn(c, o, stream + 2), o->scalar(c, 0.5)); /* one for both, as in Keras */
    way = o->where(c, way, o->scalar(c, 1), o->scalar(c, -1));
    luron_tensor *along = o->mul(c, drawn(c, o, stream, &p->x_factor, 1, 0), way);
    luron_tensor *across = o->mul(c, drawn(c, o, stream + 1, &p->y_factor, 1, 0), way);
    return (image_places){o->add(c, o->mul(c, across, g.column), g.row), o->add(c, g.column, o->mul(c, along, g.row))};
}

/* Other libraries' are degrees. */
static luron_status check_turns(luron_call *c) {
    const luron_floats *f = &((const image_options *)luron_options(c))->factor;
    for (int64_t i = 0; i < f->n; i++)
        if (!(f->at[i] >= -1 && f->at[i] <= 1))
            return luron_fail(c, LURON_E_ARGUMENT,
                              "factor is %g, -1 to 1 expected: parts of a full turn, degrees / 360", f->at[i]);
    return LURON_OK;
}

/* ---- the types --------------------------------------------------------------------------------------------------- */
const char *const image_fill_modes[] = {"reflect", "constant", "wrap", "nearest", NULL};
const char *const image_interpolations[] = {"bilinear", "nearest", NULL};
static const luron_option *const rotation_options[] = {
    LURON_OPT_FLOATS_REQ(image_options, factor, 0, 0, 1, 2, "parts of a full turn, -1 to 1: two bounds, or f for { -f, f }"),
    IMAGE_SAMPLING(image_options), NULL};
static const luron_option *const zoom_options[] = {
    LURON_OPT_FLOATS_REQ(image_options, height_factor, -1, 1, 1, 2,
                         "part by which more is seen: negative is nearer; two bounds, or f for { -f, f }"),
    LURON_OPT_FLOATS(image_options, width_factor, 0, -1, 1, 0, 2, "the same along rows; nil: as drawn for the height"),
    IMAGE_SAMPLING(image_options), NULL};
static const luron_option *const translation_options[] = {
    LURON_OPT_FLOATS_REQ(image_options, height_factor, -1, 1, 1, 2,
                         "parts of the height, positive is down; two bounds, or f for { -f, f }"),
    LURON_OPT_FLOATS_REQ(image_options, width_factor, -1, 1, 1, 2, "parts of the width, positive is right"),
    IMAGE_SAMPLING(image_options), NULL};
static const luron_option *const shear_options[] = {
    LURON_OPT_FLOATS(image_options, x_factor, 0, 0, 1, 1, 2,
                     "columns a row, to either side; two bounds, or f for all up to it"),
    LURON_OPT_FLOATS(image_options, y_factor, 0, 0, 1, 1, 2, "rows a column"), IMAGE_SAMPLING(image_options), NULL};
#define TYPE(name, title, checks, text)                                                                                \
    static luron_tensor *name(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {   \
        return image_resampled(c, o, x, image_##name(c, o, x, options, stream), options);                              \
    }                                                                                                                  \
    IMAGE_COMPOSE(name)                                                                                                \
    const luron_layer_type preprocess_random_##name =                                                                  \
        IMAGE_TYPE(title, text, name##_options, sizeof(image_options), checks, image_setup, name##_compose);
TYPE(rotation, "RandomRotation", check_turns, "images turned around their middle, at random when training")
TYPE(zoom, "RandomZoom", NULL, "images nearer or farther, at random when training")
TYPE(translation, "RandomTranslation", NULL, "images moved, at random when training")
TYPE(shear, "RandomShear", NULL, "images slanted, at random when training")
