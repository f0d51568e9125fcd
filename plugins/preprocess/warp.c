/* warp.c -- RandomPerspective and RandomElasticTransform, Keras's: place (row, column) of some of the images comes from
 * where a projection of the plane, or a smooth field of random steps, says. */
#include "image.h"

typedef struct warp {
    luron_floats factor, scale, value_range;
    int32_t fill_mode, interpolation;
    double fill_value;
} warp;
typedef struct view {
    luron_floats factor;
    double scale, fill_value;
    int32_t interpolation;
} view;

/* ---- RandomPerspective ------------------------------------------------------------------------------------------- */
/* By how much of its distance from the top left the x or y of a corner grows. */
static luron_tensor *grown(luron_call *c, const luron_ops *o, const view *p, int stream) {
    return image_between(c, o, stream, 1 - p->scale / 2, 1 + p->scale / 2);
}
/* (x / y - 1) / z */
static luron_tensor *slope(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *y, luron_tensor *z) {
    return o->div(c, o->scale(c, o->div(c, x, y), 1, -1), z);
}
/* The projection that takes the corners to where they were. The top left one stays where it is, and the ones beside it
 * stay on their sides: of its eight numbers four are left. A place t of an axis, of which `side` is the growth along
 * it, comes from t (slope + 1 / side) / (1 + all slopes, each times its axis's place from 0 to 1). */
static luron_tensor *perspective(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const view *p = options;
    luron_tensor *right = grown(c, o, p, stream + 2), *bottom = grown(c, o, p, stream + 3),
                 *far_x = grown(c, o, p, stream + 4), *far_y = grown(c, o, p, stream + 5);
    luron_tensor *along = slope(c, o, far_y, bottom, far_x), *down = slope(c, o, far_x, right, far_y), *place[2],
                 *under;
    const int64_t h = o->size(c, x, 2), w = o->size(c, x, 3);
    luron_tensor *row = image_line(c, o, 2, h), *column = image_line(c, o, 3, w);
    under = o->add(c, o->mul(c, along, o->scale(c, column, 1.0 / (double)(w > 1 ? w - 1 : 1), 0)),
                   o->mul(c, down, o->scale(c, row, 1.0 / (double)(h > 1 ? h - 1 : 1), 0)));
    under = o->scale(c, under, 1, 1);
    under = o->where(c, o->eq(c, under, o->scalar(c, 0)), o->scalar(c, 1e-30), under); /* the horizon */
    place[0] = o->mul(c, row, o->add(c, down, o->reciprocal(c, bottom)));
    place[1] = o->mul(c, column, o->add(c, along, o->reciprocal(c, right)));
    for (int d = 0; d < 2; d++) /* far beside is beside */
        place[d] = o->clamp(c, o->div(c, place[d], under), -2, (double)(d ? w : h) + 1);
    const image_options how = {
        .fill_mode = IMAGE_CONSTANT, .interpolation = p->interpolation, .fill_value = p->fill_value};
    luron_tensor *y = image_resampled(c, o, x, (image_places){place[0], place[1]}, &how);
    return image_some(c, o, stream, &p->factor, y, x);
}
IMAGE_COMPOSE(perspective)

/* ---- RandomElasticTransform -------------------------------------------------------------------------------------- */
/* Weights of a normal distribution of deviation `sigma`, cut off at three of them, at the distances `far`. */
static luron_tensor *bell(luron_call *c, const luron_ops *o, luron_tensor *far, luron_tensor *sigma) {
    luron_tensor *square = o->scale(c, o->square(c, sigma), 2, 1e-30);
    luron_tensor *weight = o->exp(c, o->neg(c, o->div(c, o->square(c, far), square)));
    return o->where(c, o->le(c, o->abs(c, far), o->scale(c, sigma, 3, 0)), weight, o->scalar(c, 0));
}
/* The means that a blur along n places takes, as a matrix, with zeros beside the image. */
static luron_tensor *blur_of(luron_call *c, const luron_ops *o, int64_t n, luron_tensor *sigma) {
    luron_tensor *line = image_line(c, o, 3, n);
    luron_tensor *half = o->sum(c, bell(c, o, line, sigma), 0, NULL, 0); /* from the middle on */
    luron_tensor *weights = bell(c, o, o->sub(c, image_line(c, o, 2, n), line), sigma);
    return o->reshape(c, o->div(c, weights, o->scale(c, half, 2, -1)), LURON_SHAPE(n, n));
}
static luron_tensor *elastic(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const warp *p = options;
    const image_range f = image_factor(&p->factor, 0), strength = image_factor(&p->scale, 0);
    luron_tensor *place[2];
    if (f.high == 0 || strength.high == 0) return x;
    const int64_t n = o->size(c, x, 0), size[2] = {o->size(c, x, 2), o->size(c, x, 3)},
                  most = size[0] > size[1] ? size[0] : size[1];
    const double least = (double)(size[0] < size[1] ? size[0] : size[1]);
    luron_tensor *scale = o->uniform(c, stream + 2, LURON_SHAPE(1, 1, 1, 1)); /* one for the batch, as in Keras */
    scale = o->scale(c, scale, strength.high - strength.low, strength.low);
    luron_tensor *sigma = o->scale(c, scale, 0.05 * least, 0),
                 *times = o->mul(c, sigma, o->scale(c, scale, 0.1 * (double)most, 0));
    luron_tensor *rows = blur_of(c, o, size[0], sigma), *columns = blur_of(c, o, size[1], sigma);
    for (int d = 0; d < 2; d++) {
        luron_tensor *step = image_normal(c, o, stream + 3 + 2 * d, 4, (const int64_t[]){n, 1, size[0], size[1]});
        step = o->matmul(c, rows, o->matmul(c, o->mul(c, step, times), columns, 0), 0);
        place[d] = o->add(c, image_line(c, o, 2 + d, size[d]), step);
    }
    const image_options how = {
        .fill_mode = p->fill_mode, .interpolation = p->interpolation, .fill_value = p->fill_value};
    luron_tensor *y = image_resampled(c, o, x, (image_places){place[0], place[1]}, &how);
    return image_clipped(c, o, image_some(c, o, stream, &p->factor, y, x), image_values(&p->value_range));
}
IMAGE_COMPOSE(elastic)

/* ---- the types --------------------------------------------------------------------------------------------------- */
#define FACTOR(type)                                                                                                   \
    LURON_OPT_FLOATS(type, factor, 1, 0, 1, 1, 2, "part of the images that changes: two bounds, or f for { 0, f }")
static const luron_option *const perspective_options[] = {
    FACTOR(view), LURON_OPT_FLOAT(view, scale, 1, 0, 1, "sides grow or shrink by at most half of it"),
    IMAGE_INTERPOLATION(view), IMAGE_FILL_VALUE(view, "what there is beside the image"), NULL};
static const luron_option *const elastic_options[] = {
    FACTOR(warp),
    LURON_OPT_FLOATS(warp, scale, 1, 0, 1, 1, 2, "how far places move: two bounds, or s for { 0, s }"),
    IMAGE_INTERPOLATION(warp),
    IMAGE_FILL_MODE(warp),
    IMAGE_FILL_VALUE(warp, "of fill_mode \"constant\""),
    IMAGE_VALUES(warp),
    NULL};
static luron_status check_values(luron_call *c) {
    return image_check_values(c, &((const warp *)luron_options(c))->value_range);
}
const luron_layer_type preprocess_random_perspective =
    IMAGE_TYPE("RandomPerspective", "images seen from aside, at random when training", perspective_options,
               sizeof(view), NULL, image_setup, perspective_compose);
const luron_layer_type preprocess_random_elastic_transform =
    IMAGE_TYPE("RandomElasticTransform", "images stretched here and there, at random when training", elastic_options,
               sizeof(warp), check_values, image_setup, elastic_compose);
