/* affine.c -- RandomRotation, RandomZoom, RandomTranslation and RandomShear, with Keras's meaning of their factors:
 * place (row, column) of an image comes from a place of the input that an affine function says, drawn for each image.
 */
#include "image.h"

typedef struct affine {
    luron_floats factor, height_factor, width_factor, x_factor, y_factor;
    int32_t fill_mode, interpolation;
    double fill_value;
} affine;

static luron_status resampled(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *row,
                              luron_tensor *column) {
    const affine *p = luron_options(c);
    const image_sampling s = {p->fill_mode, p->interpolation, p->fill_value};
    return image_give(c, o, image_resampled(c, o, x, row, column, s));
}

/* ---- where places come from -------------------------------------------------------------------------------------- */
/* Rows and columns of an image, from its middle where that stays. */
typedef struct grid {
    luron_tensor *x, *row, *column;
    double middle_row, middle_column;
} grid;
static grid grid_of(luron_call *c, const luron_ops *o, int centred) {
    grid g = {.x = image_batch(c, o)};
    const int64_t h = o->size(c, g.x, 2), w = o->size(c, g.x, 3);
    g.middle_row = centred ? (double)(h - 1) / 2 : 0, g.middle_column = centred ? (double)(w - 1) / 2 : 0;
    g.row = o->scale(c, image_line(c, o, 2, h), 1, -g.middle_row);
    g.column = o->scale(c, image_line(c, o, 3, w), 1, -g.middle_column);
    return g;
}
static luron_tensor *drawn(luron_call *c, const luron_ops *o, int stream, const luron_floats *factor, double times,
                           double plus) {
    const image_range f = image_factor(factor, -1);
    return image_between(c, o, stream, times * f.low + plus, times * f.high + plus);
}

static luron_status rotation(luron_call *c, const luron_ops *o) {
    if (image_stays(c)) return image_give(c, o, image_batch(c, o));
    const grid g = grid_of(c, o, 1);
    luron_tensor *angle = drawn(c, o, 0, &((const affine *)luron_options(c))->factor, 6.283185307179586, 0);
    luron_tensor *cosine = o->cos(c, angle), *sine = o->sin(c, angle);
    luron_tensor *row = o->add(c, o->mul(c, sine, g.column), o->mul(c, cosine, g.row));
    luron_tensor *column = o->sub(c, o->mul(c, cosine, g.column), o->mul(c, sine, g.row));
    return resampled(c, o, g.x, o->scale(c, row, 1, g.middle_row), o->scale(c, column, 1, g.middle_column));
}
static luron_status zoom(luron_call *c, const luron_ops *o) {
    const affine *p = luron_options(c);
    if (image_stays(c)) return image_give(c, o, image_batch(c, o));
    const grid g = grid_of(c, o, 1);
    luron_tensor *height = drawn(c, o, 0, &p->height_factor, 1, 1);
    luron_tensor *width = p->width_factor.n ? drawn(c, o, 1, &p->width_factor, 1, 1) : height;
    return resampled(c, o, g.x, o->scale(c, o->mul(c, height, g.row), 1, g.middle_row),
                     o->scale(c, o->mul(c, width, g.column), 1, g.middle_column));
}
static luron_status translation(luron_call *c, const luron_ops *o) {
    const affine *p = luron_options(c);
    if (image_stays(c)) return image_give(c, o, image_batch(c, o));
    const grid g = grid_of(c, o, 0);
    luron_tensor *down = drawn(c, o, 0, &p->height_factor, (double)o->size(c, g.x, 2), 0);
    luron_tensor *right = drawn(c, o, 1, &p->width_factor, (double)o->size(c, g.x, 3), 0);
    return resampled(c, o, g.x, o->sub(c, g.row, down), o->sub(c, g.column, right));
}
static luron_status shear(luron_call *c, const luron_ops *o) {
    const affine *p = luron_options(c);
    if (image_stays(c)) return image_give(c, o, image_batch(c, o));
    const grid g = grid_of(c, o, 0);
    luron_tensor *way = o->le(c, image_drawn(c, o, 2), o->scalar(c, 0.5)); /* one for both, as in Keras */
    way = o->where(c, way, o->scalar(c, 1), o->scalar(c, -1));
    luron_tensor *along = o->mul(c, drawn(c, o, 0, &p->x_factor, 1, 0), way);
    luron_tensor *across = o->mul(c, drawn(c, o, 1, &p->y_factor, 1, 0), way);
    return resampled(c, o, g.x, o->add(c, o->mul(c, across, g.column), g.row),
                     o->add(c, g.column, o->mul(c, along, g.row)));
}

/* ---- the types --------------------------------------------------------------------------------------------------- */
static const luron_option *const rotation_options[] = {
    LURON_OPT_FLOATS_REQ(affine, factor, -1, 1, 1, 2, "parts of a full turn, two bounds, or f for { -f, f }"),
    IMAGE_SAMPLING(affine), NULL};
static const luron_option *const zoom_options[] = {
    LURON_OPT_FLOATS_REQ(affine, height_factor, -1, 1, 1, 2,
                         "part by which more is seen: negative is nearer; two bounds, or f for { -f, f }"),
    LURON_OPT_FLOATS(affine, width_factor, 0, -1, 1, 0, 2, "the same along rows; nil: as drawn for the height"),
    IMAGE_SAMPLING(affine), NULL};
static const luron_option *const translation_options[] = {
    LURON_OPT_FLOATS_REQ(affine, height_factor, -1, 1, 1, 2,
                         "parts of the height, positive is down; two bounds, or f for { -f, f }"),
    LURON_OPT_FLOATS_REQ(affine, width_factor, -1, 1, 1, 2, "parts of the width, positive is right"),
    IMAGE_SAMPLING(affine), NULL};
static const luron_option *const shear_options[] = {
    LURON_OPT_FLOATS(affine, x_factor, 0, 0, 1, 1, 2,
                     "columns a row, to either side; two bounds, or f for all up to it"),
    LURON_OPT_FLOATS(affine, y_factor, 0, 0, 1, 1, 2, "rows a column"), IMAGE_SAMPLING(affine), NULL};
#define TYPE(name, title, text)                                                                                        \
    const luron_layer_type preprocess_random_##name =                                                                  \
        IMAGE_TYPE(title, text, name##_options, sizeof(affine), NULL, image_setup, name)
TYPE(rotation, "RandomRotation", "images turned around their middle, at random when training");
TYPE(zoom, "RandomZoom", "images nearer or farther, at random when training");
TYPE(translation, "RandomTranslation", "images moved, at random when training");
TYPE(shear, "RandomShear", "images slanted, at random when training");
