/* flip_crop.c -- RandomFlip -> y as x, RandomCrop -> (..., height, width), where it begins within x with zeros around
 * it; in eval mode its middle. */
#include "image.h"

/* ---- RandomFlip ----------------------------------------------------------------------------------------------------
 */
enum { BOTH, HORIZONTAL, VERTICAL };
typedef struct flip {
    int32_t mode;
} flip;
static luron_status flip_compose(luron_call *c, const luron_ops *o) {
    const int32_t mode = ((const flip *)luron_options(c))->mode;
    luron_tensor *x = image_batch(c, o);
    for (int dim = 2; dim < 4 && luron_is_training(c); dim++)
        if (mode == BOTH || mode == (dim == 2 ? VERTICAL : HORIZONTAL))
            x = o->where(c, o->lt(c, image_drawn(c, o, dim - 2), o->scalar(c, 0.5)), o->flip(c, x, 1, &dim), x);
    return image_give(c, o, x);
}
static const char *const modes[] = {"horizontal_and_vertical", "horizontal", "vertical", NULL};
static const luron_option *const flip_options[] = {
    LURON_OPT_CHOICE(flip, mode, "horizontal_and_vertical", modes, "which ways, each with probability 0.5"), NULL};
const luron_layer_type preprocess_random_flip =
    IMAGE_TYPE("RandomFlip", "images the other way round, at random when training", flip_options, sizeof(flip), NULL,
               image_setup, flip_compose);

/* ---- RandomCrop ----------------------------------------------------------------------------------------------------
 */
typedef struct crop {
    int64_t height, width, padding;
} crop;
static luron_status crop_setup(luron_call *c) {
    const crop *o = luron_options(c);
    const luron_view *x = luron_in(c, 0);
    int64_t shape[4] = {0};
    LURON_TRY(image_check(c));
    for (int i = 0; i < x->ndim; i++)
        shape[i] = x->shape[i];
    int64_t *to = shape + x->ndim - 2;
    if (o->height > to[0] + 2 * o->padding || o->width > to[1] + 2 * o->padding)
        return luron_fail(c, LURON_E_SHAPE,
                          "height and width (%lld, %lld) are more than an image of (%lld, %lld) with padding %lld has",
                          (long long)o->height, (long long)o->width, (long long)to[0], (long long)to[1],
                          (long long)o->padding);
    to[0] = o->height, to[1] = o->width;
    return c->host->set_out(c, 0, LURON_REAL, x->ndim, shape);
}
/* `size` places of dim 2 or 3 of x, from one of `choices` places on. */
static luron_tensor *part(luron_call *c, const luron_ops *o, luron_tensor *x, int dim, int64_t size) {
    const int64_t choices = o->size(c, x, dim) - size + 1;
    if (!luron_is_training(c)) return o->narrow(c, x, dim, (choices - 1) / 2, size);
    int64_t shape[4] = {o->size(c, x, 0), o->size(c, x, 1), o->size(c, x, 2), o->size(c, x, 3)}, line[4] = {1, 1, 1, 1};
    luron_tensor *first = image_whole(c, o, image_drawn(c, o, dim - 2), (double)choices);
    luron_tensor *ones = o->cast(c, o->expand(c, o->scalar(c, 1), LURON_SHAPE(size)), LURON_I64),
                 *count = o->cumsum(c, ones, 0); /* from 1 */
    first = o->cast(c, o->scale(c, first, 1, (double)c->index_base - 1), LURON_I64);
    line[dim] = shape[dim] = size;
    luron_tensor *at = o->add(c, first, o->reshape(c, count, 4, line));
    return o->gather(c, x, dim, o->expand(c, at, 4, shape));
}
static luron_status crop_compose(luron_call *c, const luron_ops *o) {
    const crop *p = luron_options(c);
    const int64_t around[] = {p->padding, p->padding};
    luron_tensor *x = image_batch(c, o);
    if (p->padding) x = o->pad(c, x, 2, around, around, 0);
    return image_give(c, o, part(c, o, part(c, o, x, 2, p->height), 3, p->width));
}
static const luron_option *const crop_options[] = {
    LURON_OPT_INT_REQ(crop, height, 1, 1e6, "rows of a result"),
    LURON_OPT_INT_REQ(crop, width, 1, 1e6, "columns of a result"),
    LURON_OPT_INT(crop, padding, 0, 0, 1e6, "zeros around an image beforehand"), NULL};
const luron_layer_type preprocess_random_crop =
    IMAGE_TYPE("RandomCrop", "a part of each image, at random when training, else its middle", crop_options,
               sizeof(crop), NULL, crop_setup, crop_compose);
