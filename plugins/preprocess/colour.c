/* colour.c -- layers that change the numbers of images, not their places: brightness, contrast, saturation, hue, grey
 * and inverted images, solarisation, sharpness, fewer bits. With Keras's meaning of their factors, drawn for each
 * image. */
#include "image.h"

typedef struct colourless {
    double factor;
} colourless;

/* x from the range of values to 0 to 1, and the way back. */
static luron_tensor *shares(luron_call *c, const luron_ops *o, luron_tensor *x, image_range v) {
    return o->scale(c, x, 1 / (v.high - v.low), -v.low / (v.high - v.low));
}
static luron_tensor *values(luron_call *c, const luron_ops *o, luron_tensor *x, image_range v) {
    return o->scale(c, x, v.high - v.low, v.low);
}

luron_tensor *image_brightness(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const image_options *p = options;
    const image_range v = image_values(&p->value_range), f = image_factor(&p->factor, -1);
    x = o->add(c, x, image_between(c, o, stream, f.low * (v.high - v.low), f.high * (v.high - v.low)));
    return image_clipped(c, o, x, v);
}
/* From 1 - the first factor to 1 + the second; one number is both, as Keras's documentation has it. */
luron_tensor *image_contrast(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    static const int places[] = {2, 3};
    const image_options *p = options;
    const double more = p->factor.at[p->factor.n > 1];
    luron_tensor *mean = o->mean(c, x, 2, places, 1);
    x = o->mul(c, o->sub(c, x, mean), image_between(c, o, stream, 1 - p->factor.at[0], 1 + more));
    return image_clipped(c, o, o->add(c, x, mean), image_values(&p->value_range));
}

/* ---- hue, saturation and value ----------------------------------------------------------------------------------- */
typedef struct hsv {
    luron_tensor *hue, *saturation, *value;
} hsv;
static luron_tensor *or_one(luron_call *c, const luron_ops *o, luron_tensor *x) {
    return o->where(c, o->gt(c, x, o->scalar(c, 0)), x, o->scalar(c, 1));
}
/* x (n, 3, h, w), from 0 to 1. Keras's rgb_to_hsv: hue in full turns, 0 of what is grey. */
static hsv hsv_of(luron_call *c, const luron_ops *o, luron_tensor *x) {
    luron_tensor *r = o->narrow(c, x, 1, 0, 1), *g = o->narrow(c, x, 1, 1, 1), *b = o->narrow(c, x, 1, 2, 1);
    luron_tensor *most = o->maximum(c, o->maximum(c, r, g), b), *least = o->minimum(c, o->minimum(c, r, g), b);
    luron_tensor *span = o->sub(c, most, least), *none = o->scalar(c, 0);
    luron_tensor *sixth = o->reciprocal(c, o->scale(c, or_one(c, o, span), 6, 0));
    luron_tensor *of_red = o->mul(c, sixth, o->sub(c, g, b));
    luron_tensor *of_green = o->scale(c, o->mul(c, sixth, o->sub(c, b, r)), 1, 1.0 / 3);
    luron_tensor *of_blue = o->scale(c, o->mul(c, sixth, o->sub(c, r, g)), 1, 2.0 / 3);
    luron_tensor *hue = o->where(c, o->eq(c, most, g), of_green, of_blue);
    hue = o->where(c, o->eq(c, most, r), of_red, hue);
    hue = o->where(c, o->gt(c, span, none), hue, none);
    luron_tensor *saturation = o->where(c, o->gt(c, most, none), o->div(c, span, or_one(c, o, most)), none);
    return (hsv){hue, saturation, most};
}
/* Between 0 and 1: how far hue, in sixths of a turn, is from where a colour is at its most. */
static luron_tensor *part_of(luron_call *c, const luron_ops *o, luron_tensor *turn, double middle, double times,
                             double plus) {
    return o->clamp(c, o->scale(c, o->abs(c, o->scale(c, turn, 1, -middle)), times, plus), 0, 1);
}
static luron_tensor *rgb_of(luron_call *c, const luron_ops *o, hsv p) {
    luron_tensor *turn = o->scale(c, o->remainder(c, p.hue, o->scalar(c, 1)), 6, 0);
    luron_tensor *parts[3] = {part_of(c, o, turn, 3, 1, -1), part_of(c, o, turn, 2, -1, 2),
                              part_of(c, o, turn, 4, -1, 2)};
    luron_tensor *grey = o->scale(c, p.saturation, -1, 1);
    for (int i = 0; i < 3; i++)
        parts[i] = o->mul(c, p.value, o->add(c, grey, o->mul(c, p.saturation, parts[i])));
    return o->cat(c, 3, parts, 1);
}
/* A factor f makes saturation f / (1 - f) as much: 0 grey, 0.5 as it is, 1 full colours. */
luron_tensor *image_saturation(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const image_options *p = options;
    const image_range v = image_values(&p->value_range), f = image_factor(&p->factor, 0);
    luron_tensor *factor = image_between(c, o, stream, f.low, f.high);
    factor = o->div(c, factor, o->scale(c, factor, -1, 1 + 1e-7));
    hsv all = hsv_of(c, o, shares(c, o, x, v));
    all.saturation = o->clamp(c, o->mul(c, all.saturation, factor), 0, 1);
    return values(c, o, rgb_of(c, o, all), v);
}
luron_tensor *image_hue(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const image_options *p = options;
    const image_range v = image_values(&p->value_range), f = image_factor(&p->factor, 0);
    luron_tensor *turn = image_between(c, o, stream, f.low / 2, f.high / 2);
    turn = o->where(c, o->gt(c, image_drawn(c, o, stream + 1), o->scalar(c, 0.5)), o->neg(c, turn), turn);
    hsv all = hsv_of(c, o, shares(c, o, x, v));
    all.hue = o->add(c, all.hue, turn);
    x = o->clamp(c, rgb_of(c, o, all), 0, 1);
    return values(c, o, x, v);
}

/* ---- others ------------------------------------------------------------------------------------------------------ */
static luron_tensor *grey_of(luron_call *c, const luron_ops *o, luron_tensor *x) {
    luron_tensor *grey = o->scale(c, o->narrow(c, x, 1, 0, 1), 0.2989, 0);
    grey = o->add(c, grey, o->scale(c, o->narrow(c, x, 1, 1, 1), 0.587, 0));
    return o->add(c, grey, o->scale(c, o->narrow(c, x, 1, 2, 1), 0.114, 0));
}
static luron_tensor *grayscale(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    luron_tensor *factor = o->scalar(c, ((const colourless *)options)->factor);
    return o->where(c, o->lt(c, image_drawn(c, o, stream), factor), grey_of(c, o, x), x);
}
luron_tensor *image_degeneration(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const image_options *p = options;
    const image_range f = image_factor(&p->factor, 0);
    luron_tensor *change = o->sub(c, grey_of(c, o, x), x);
    x = o->add(c, x, o->mul(c, image_between(c, o, stream, f.low, f.high), change));
    return image_clipped(c, o, x, image_values(&p->value_range));
}
static luron_tensor *image_invert(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const image_options *p = options;
    const image_range v = image_values(&p->value_range);
    return image_some(c, o, stream, &p->factor, o->scale(c, x, -1, v.low + v.high), x);
}
/* Numbers are made larger, then those at the threshold and above inverted. */
luron_tensor *image_solarization(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const image_options *p = options;
    const image_range v = image_values(&p->value_range), a = image_factor(&p->addition_factor, 0),
                      t = image_factor(&p->threshold_factor, 0);
    x = o->clamp(c, o->add(c, shares(c, o, x, v), image_between(c, o, stream, a.low, a.high)), 0, 1);
    x = o->where(c, o->lt(c, x, image_between(c, o, stream + 1, t.low, t.high)), x, o->scale(c, x, -1, 1));
    return values(c, o, x, v);
}

/* Each number nearer to a mean of those around it, or farther. Beside the image there are zeros. */
luron_tensor *image_sharpness(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    static const int64_t around[] = {1, 1};
    const image_options *p = options;
    const image_range f = image_factor(&p->factor, 0);
    luron_tensor *sum = o->pad(c, x, 2, around, around, 0);
    for (int dim = 2; dim < 4; dim++) {
        const int64_t n = o->size(c, x, dim);
        luron_tensor *ends = o->add(c, o->narrow(c, sum, dim, 0, n), o->narrow(c, sum, dim, 2, n));
        sum = o->add(c, ends, o->narrow(c, sum, dim, 1, n));
    }
    luron_tensor *mean = o->scale(c, o->add(c, sum, o->scale(c, x, 4, 0)), 1.0 / 13, 0);
    luron_tensor *nearer = image_between(c, o, stream, 1 - 2 * f.low, 1 - 2 * f.high);
    return image_clipped(c, o, o->add(c, x, o->mul(c, nearer, o->sub(c, mean, x))), image_values(&p->value_range));
}
/* Of numbers, from 0 to 255, the upper bits. */
luron_tensor *image_posterization(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const image_bits *p = options;
    const image_range v = image_values(&p->value_range);
    const int64_t a = p->factor.at[0], b = p->factor.n > 1 ? p->factor.at[1] : 1;
    const int64_t least = a < b ? a : b, most = a < b ? b : a; /* which is left out, as by Keras, where it can be */
    const double times = 255 / (v.high - v.low);
    luron_tensor *more = image_whole(c, o, image_drawn(c, o, stream), least < most ? (double)(most - least) : 1);
    luron_tensor *gone = o->scale(c, more, -1, (double)(8 - least));
    luron_tensor *step = o->round(c, o->pow(c, o->scalar(c, 2), gone));
    x = o->clamp(c, o->scale(c, x, times, -v.low * times), 0, 255);
    x = o->mul(c, o->floor(c, o->div(c, x, step)), step);
    return o->scale(c, x, 1 / times, v.low);
}
static luron_status check_bits(luron_call *c) {
    return image_check_values(c, &((const image_bits *)luron_options(c))->value_range);
}

/* ---- the types --------------------------------------------------------------------------------------------------- */
#define FACTOR(doc, low) LURON_OPT_FLOATS_REQ(image_options, factor, low, 1, 1, 2, doc)
static const luron_option *const brightness_options[] = {
    FACTOR("parts of the range of values that are added: two bounds, or f for { -f, f }", -1),
    IMAGE_VALUES(image_options), NULL};
static const luron_option *const contrast_options[] = {
    FACTOR("how much less and more than 1 the distance from the mean is multiplied by", 0), IMAGE_VALUES(image_options),
    NULL};
static const luron_option *const saturation_options[] = {
    FACTOR("0: grey, 0.5: as it is, 1: full colours; two bounds, or f for { 0, f }", 0), IMAGE_VALUES(image_options),
    NULL};
static const luron_option *const hue_options[] = {
    FACTOR("half turns of the colours to either side: two bounds, or f for { 0, f }", 0), IMAGE_VALUES(image_options),
    NULL};
static const luron_option *const invert_options[] = {
    LURON_OPT_FLOATS(image_options, factor, 1, 0, 1, 1, 2,
                     "part of the images that changes: two bounds, or f for { 0, f }"),
    IMAGE_VALUES(image_options), NULL};
static const luron_option *const solarization_options[] = {
    LURON_OPT_FLOATS(image_options, addition_factor, 0, 0, 1, 1, 2,
                     "part of the range of values that is added: two bounds, or f for { 0, f }"),
    LURON_OPT_FLOATS(image_options, threshold_factor, 0, 0, 1, 1, 2,
                     "part of the range of values from which on they are inverted, likewise"),
    IMAGE_VALUES(image_options), NULL};
static const luron_option *const degeneration_options[] = {
    FACTOR("0: as it is, 1: grey; two bounds, or f for { 0, f }", 0), IMAGE_VALUES(image_options), NULL};
static const luron_option *const sharpness_options[] = {
    FACTOR("0: a mean of the numbers around, 0.5: as it is, 1: as much farther from it; two bounds, or f for { 0, f }",
           0),
    IMAGE_VALUES(image_options), NULL};
static const luron_option *const grey_options[] = {
    LURON_OPT_FLOAT(colourless, factor, 0.5, 0, 1, "part of the images that changes"), NULL};
static const luron_option *const bits_options[] = {
    LURON_OPT_INTS_REQ(image_bits, factor, 1, 8, 1, 2,
                       "how many of 8 bits stay: two bounds, fewer than the larger unless both are one; f is { 1, f }"),
    IMAGE_VALUES(image_bits), NULL};
#define TYPE(type, name, shapes, title, text)                                                                          \
    IMAGE_COMPOSE(image_##name)                                                                                        \
    const luron_layer_type preprocess_##type =                                                                         \
        IMAGE_TYPE(title, text, name##_options, sizeof(image_options), image_declare, shapes, image_##name##_compose);
TYPE(random_brightness, brightness, image_setup, "RandomBrightness",
     "images brighter or darker, at random when training")
TYPE(random_contrast, contrast, image_setup, "RandomContrast",
     "images of more or less contrast, at random when training")
TYPE(random_saturation, saturation, image_setup_rgb, "RandomSaturation",
     "images of stronger or paler colours, at random when training")
TYPE(random_hue, hue, image_setup_rgb, "RandomHue", "images of other colours, at random when training")
TYPE(random_invert, invert, image_setup, "RandomInvert", "images as negatives, at random when training")
TYPE(solarization, solarization, image_setup, "Solarization", "bright numbers as negatives, at random when training")
TYPE(random_color_degeneration, degeneration, image_setup_rgb, "RandomColorDegeneration",
     "images of paler colours, at random when training")
TYPE(random_sharpness, sharpness, image_setup, "RandomSharpness", "images blurred or sharper, at random when training")
IMAGE_COMPOSE(grayscale)
const luron_layer_type preprocess_random_grayscale =
    IMAGE_TYPE("RandomGrayscale", "images without colours, at random when training", grey_options, sizeof(colourless),
               NULL, image_setup_rgb, grayscale_compose);
IMAGE_COMPOSE(image_posterization)
const luron_layer_type preprocess_random_posterization =
    IMAGE_TYPE("RandomPosterization", "images of fewer bits, at random when training", bits_options, sizeof(image_bits),
               check_bits, image_setup, image_posterization_compose);
