/* patch.c -- RandomErasing and RandomGaussianBlur: what an image shows goes lost in part, for some of the images. */
#include "image.h"

typedef struct patch {
    luron_floats factor, scale, fill_value, sigma, value_range;
    luron_ints kernel_size;
} patch;

/* ---- RandomErasing -------------------------------------------------------------------------------------------------
 */
/* Which places of dim 2 or 3 lie in a part of the length. */
static luron_tensor *part(luron_call *c, const luron_ops *o, int stream, int dim, int64_t n, image_range scale) {
    luron_tensor *length = o->sqrt(c, image_between(c, o, stream, scale.low, scale.high));
    return image_part(c, o, stream + 1, dim, n, length);
}
/* What is put there: the numbers given, or normal ones times the largest value. */
static luron_tensor *filling(luron_call *c, const luron_ops *o, luron_tensor *x, const patch *p, int stream) {
    const luron_floats *f = &p->fill_value;
    const image_range v = image_values(&p->value_range);
    const int64_t shape[4] = {o->size(c, x, 0), o->size(c, x, 1), o->size(c, x, 2), o->size(c, x, 3)};
    luron_tensor *one[8];
    for (int i = 0; i < f->n; i++)
        one[i] = o->reshape(c, o->scalar(c, f->at[i]), LURON_SHAPE(1, 1, 1, 1));
    if (f->n) return image_clipped(c, o, f->n == 1 ? one[0] : o->cat(c, (int)f->n, one, 1), v);
    return image_clipped(c, o, o->scale(c, image_normal(c, o, stream, 4, shape), v.high, 0), v);
}
static luron_tensor *erasing(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const patch *p = options;
    const image_range share = p->scale.n ? image_factor(&p->scale, 0) : (image_range){0.02, 0.33};
    luron_tensor *rows = part(c, o, stream + 4, 2, o->size(c, x, 2), share);
    luron_tensor *columns = part(c, o, stream + 6, 3, o->size(c, x, 3), share);
    luron_tensor *erased = o->where(c, o->logical_and(c, rows, columns), filling(c, o, x, p, stream + 2), x);
    return image_some(c, o, stream, &p->factor, erased, x);
}
IMAGE_COMPOSE(erasing)
static luron_status erasing_setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const int64_t n = ((const patch *)luron_options(c))->fill_value.n;
    LURON_TRY(image_setup(c));
    if (n < 2 || n == x->shape[x->ndim - 3]) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "fill_value has %lld numbers, the input %lld channels", (long long)n,
                      (long long)x->shape[x->ndim - 3]);
}
static luron_status check_values(luron_call *c) {
    const patch *p = luron_options(c);
    for (int d = 0; d < p->kernel_size.n; d++)
        if (p->kernel_size.at[d] % 2 == 0)
            return luron_fail(c, LURON_E_ARGUMENT, "kernel_size is %lld, an odd number expected",
                              (long long)p->kernel_size.at[d]);
    return image_check_values(c, &p->value_range);
}

/* ---- RandomGaussianBlur --------------------------------------------------------------------------------------------
 */
/* x with each number along dim 2 or 3 a mean of those around it, with zeros beside the image. */
static luron_tensor *blurred(luron_call *c, const luron_ops *o, luron_tensor *x, int dim, int64_t taps,
                             luron_tensor *per_sigma) {
    const int64_t n = o->size(c, x, dim), around[2] = {dim == 2 ? taps / 2 : 0, dim == 3 ? taps / 2 : 0};
    luron_tensor *wide = o->pad(c, x, 2, around, around, 0), *sum = NULL, *weights = NULL;
    for (int64_t i = 0; i < taps; i++) {
        luron_tensor *far = o->scale(c, per_sigma, (double)(i - taps / 2), 0);
        luron_tensor *weight = o->exp(c, o->scale(c, o->square(c, far), -0.5, 0));
        luron_tensor *term = o->mul(c, o->narrow(c, wide, dim, i, n), weight);
        sum = i ? o->add(c, sum, term) : term, weights = i ? o->add(c, weights, weight) : weight;
    }
    return o->div(c, sum, weights);
}
static luron_tensor *blur(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const patch *p = options;
    const image_range s = image_factor(&p->sigma, 0);
    luron_tensor *y = x;
    for (int d = 0; d < 2; d++) {
        luron_tensor *sigma = image_between(c, o, stream + 2 + d, s.low + 1e-6, s.high + 1e-6);
        y = blurred(c, o, y, 2 + d, p->kernel_size.at[d], o->reciprocal(c, sigma));
    }
    y = image_some(c, o, stream, &p->factor, y, x);
    return image_clipped(c, o, y, image_values(&p->value_range));
}
IMAGE_COMPOSE(blur)

/* ---- the types -----------------------------------------------------------------------------------------------------
 */
#define FACTOR LURON_OPT_FLOATS(patch, factor, 1, 0, 1, 1, 2, "part of the images: two bounds, or f for { 0, f }")
static const luron_option *const erasing_options[] = {
    FACTOR,
    LURON_OPT_FLOATS(patch, scale, 0, 0, 1, 0, 2,
                     "part of the image: two bounds, or f for { 0, f }; nil: { 0.02, 0.33 }"),
    LURON_OPT_FLOATS(patch, fill_value, 0, -1e9, 1e9, 0, 8, "one number, or one a channel; nil: noise"),
    IMAGE_VALUES(patch), NULL};
static const luron_option *const blur_options[] = {
    FACTOR, LURON_OPT_INTS(patch, kernel_size, 3, 1, 1e3, 2, 2, "rows and columns of which a mean is taken, odd"),
    LURON_OPT_FLOATS(patch, sigma, 1, 0, 1, 1, 2, "deviation along rows and columns: two bounds, or f for { 0, f }"),
    IMAGE_VALUES(patch), NULL};
const luron_layer_type preprocess_random_erasing =
    IMAGE_TYPE("RandomErasing", "a rectangle of each image filled, at random when training", erasing_options,
               sizeof(patch), check_values, erasing_setup, erasing_compose);
const luron_layer_type preprocess_random_gaussian_blur =
    IMAGE_TYPE("RandomGaussianBlur", "images out of focus, at random when training", blur_options, sizeof(patch),
               check_values, image_setup, blur_compose);
