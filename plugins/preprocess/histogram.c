/* histogram.c -- AutoContrast and Equalization: each channel of each image spread over the whole range of values, by
 * its least and largest number or by how often each comes. AutoContrast draws nothing and works in eval mode too, as
 * Keras's. */
#include "image.h"

luron_tensor *image_auto_contrast(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    static const int places[] = {2, 3};
    const image_range v = image_values(&((const image_options *)options)->value_range);
    (void)stream;
    luron_tensor *low = o->amin(c, x, 2, places, 1), *span = o->sub(c, o->amax(c, x, 2, places, 1), low);
    luron_tensor *is_even = o->eq(c, span, o->scalar(c, 0)); /* such a channel stays as it is */
    luron_tensor *share = o->div(c, o->sub(c, x, low), o->where(c, is_even, o->scalar(c, 1), span));
    luron_tensor *y = image_clipped(c, o, o->scale(c, share, v.high - v.low, v.low), v);
    return o->where(c, is_even, x, y);
}
static luron_status stretch_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = image_batch(c, o);
    const int is_empty = !luron_numel(luron_in(c, 0));
    return image_give(c, o, is_empty ? x : image_auto_contrast(c, o, x, luron_options(c), 0));
}

/* Numbers, from 0 to 255, become what a table says of their bin: the part of the numbers in bins up to it, in whole
 * steps. NaN stays, and counts in the first bin. */
luron_tensor *image_equalization(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    static const int bins[] = {1};
    const image_options *p = options;
    const image_range v = image_values(&p->value_range);
    (void)stream;
    const int64_t planes = o->size(c, x, 0) * o->size(c, x, 1), n = o->size(c, x, 2) * o->size(c, x, 3);
    const double most = (double)(p->bins - 1), step = 255 / (v.high - v.low);
    luron_tensor *flat = o->reshape(c, x, LURON_SHAPE(planes, n));
    luron_tensor *bin = o->scale(c, o->scale(c, flat, step, -v.low * step), most / 255, 0);
    luron_tensor *is_number = o->eq(c, flat, flat);
    bin = o->where(c, is_number, bin, o->scalar(c, 0));
    bin = o->cast(c, o->scale(c, o->trunc(c, o->clamp(c, bin, 0, most)), 1, (double)c->index_base), LURON_I64);
    luron_tensor *none = o->expand(c, o->scalar(c, 0), LURON_SHAPE(planes, p->bins));
    luron_tensor *ones = o->expand(c, o->scalar(c, 1), LURON_SHAPE(planes, n));
    luron_tensor *up_to = o->cumsum(c, o->scatter_add(c, o->contiguous(c, none), 1, bin, ones), 1);
    luron_tensor *all = o->scalar(c, (double)n);
    luron_tensor *first = o->amin(c, o->where(c, o->gt(c, up_to, o->scalar(c, 0)), up_to, all), 1, bins, 1);
    luron_tensor *others = o->scale(c, first, -1, (double)n), *one = o->scalar(c, 1);
    luron_tensor *table = o->div(c, o->scale(c, o->sub(c, up_to, first), 255, 0), o->maximum(c, others, one));
    luron_tensor *y = o->gather(c, o->clamp(c, o->round(c, table), 0, 255), 1, bin);
    y = o->where(c, o->gt(c, others, o->scalar(c, 0)), o->scale(c, y, 1 / step, v.low), flat);
    y = o->where(c, is_number, y, flat);
    return o->reshape(c, y, LURON_SHAPE(o->size(c, x, 0), o->size(c, x, 1), o->size(c, x, 2), o->size(c, x, 3)));
}
IMAGE_COMPOSE(image_equalization)

static const luron_option *const stretch_options[] = {IMAGE_VALUES(image_options), NULL};
static const luron_option *const equalise_options[] = {
    IMAGE_VALUES(image_options),
    LURON_OPT_INT(image_options, bins, 256, 2, 65536, "kinds of numbers that are told apart"), NULL};
const luron_layer_type preprocess_auto_contrast =
    IMAGE_TYPE_(0, "AutoContrast", "each channel from the least to the largest value, in eval mode too",
                stretch_options, sizeof(image_options), image_declare, image_setup, stretch_compose);
const luron_layer_type preprocess_equalization =
    IMAGE_TYPE_(0, "Equalization", "each channel with all values equally often, when training", equalise_options,
                sizeof(image_options), image_declare, image_setup, image_equalization_compose);
