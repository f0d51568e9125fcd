/* image.h -- what the layers share that change images at random when training, each of a batch by itself: x (n, c, h,
 * w) or (c, h, w) -> y as x unless a layer says otherwise. In ops alone: what is drawn is a number of the layer's call
 * and of the image's place in the batch, and all is linear or continuous in x. */
#ifndef PREPROCESS_IMAGE_H
#define PREPROCESS_IMAGE_H
#include "preprocess.h"

extern const luron_port *const image_in[];

/** An error unless input 0 is an image or a batch of them. */
luron_status image_check(luron_call *c);
/** The same, and output 0 like the input; for `setup`. */
luron_status image_setup(luron_call *c);
/** The same, and an error unless there are three channels. */
luron_status image_setup_rgb(luron_call *c);
/** Input 0 as four dims, and what it became as output 0 with as many dims as that has. */
luron_tensor *image_batch(luron_call *c, const luron_ops *o);
luron_status image_give(luron_call *c, const luron_ops *o, luron_tensor *y);
/** Is there nothing to do: no training, or no number. */
int image_stays(luron_call *c);
/** What a layer makes of x (n, c, h, w) when training, with the random numbers of IMAGE_STREAMS streams from `stream`
 * on. */
enum { IMAGE_STREAMS = 8 };
typedef luron_tensor *image_change(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream);
/** Input 0 as `change` makes it of the layer's own options; for `compose`, of which IMAGE_COMPOSE makes one. */
luron_status image_changed(luron_call *c, const luron_ops *o, image_change *change);
#define IMAGE_COMPOSE(change)                                                                                          \
    static luron_status change##_compose(luron_call *c, const luron_ops *o) { return image_changed(c, o, change); }
/** A number of [0, 1), or from `low` to `high`, for each image: (n, 1, 1, 1); each `stream` has numbers of its own. */
luron_tensor *image_drawn(luron_call *c, const luron_ops *o, int stream);
luron_tensor *image_between(luron_call *c, const luron_ops *o, int stream, double low, double high);
/** Of numbers of [0, 1): whole ones from 0 to n - 1, equally often. */
luron_tensor *image_whole(luron_call *c, const luron_ops *o, luron_tensor *drawn, double n);
/** Numbers of the normal distribution; two streams. */
luron_tensor *image_normal(luron_call *c, const luron_ops *o, int stream, int ndim, const int64_t *shape);
/** n rows of k numbers of sum 1, (n, k, 1, 1): Dirichlet's, all of concentration `alpha`, a scalar or what goes with
 * (n, k, 1, 1); each of two is Beta(alpha, alpha)'s. Four streams. */
luron_tensor *image_shares(luron_call *c, const luron_ops *o, int stream, int64_t n, int64_t k, luron_tensor *alpha);
/** Which places of dim 2 or 3, of n, lie in the part `share` (n, 1, 1, 1) of it, wherever that begins. */
luron_tensor *image_part(luron_call *c, const luron_ops *o, int stream, int dim, int64_t n, luron_tensor *share);
/** 0, 1 ... n - 1 as dim `dim` of four. */
luron_tensor *image_line(luron_call *c, const luron_ops *o, int dim, int64_t n);

/* Keras's options that are a number or two: what lies between. */
typedef struct image_range {
    double low, high;
} image_range;
/** Of one number f from -f, or `least` if that is more, to f; two in either order. */
image_range image_factor(const luron_floats *f, double least);
/** Of `value_range`: two numbers, or the second; none: 0 and 255. */
image_range image_values(const luron_floats *f);
luron_status image_check_values(luron_call *c, const luron_floats *f);
/** Within the range of values. */
luron_tensor *image_clipped(luron_call *c, const luron_ops *o, luron_tensor *x, image_range values);
/** Chosen images (n, 1, 1, 1) of y, the others of x: as many of them as `factor` says, which is drawn for each; two
 * streams. */
luron_tensor *image_some(luron_call *c, const luron_ops *o, int stream, const luron_floats *factor, luron_tensor *y,
                         luron_tensor *x);

/** a (1 - share) + b share */
luron_tensor *image_mixed(luron_call *c, const luron_ops *o, luron_tensor *a, luron_tensor *b, luron_tensor *share);

/* The layers of which others are made. They share one struct of options, of which each has some. */
typedef struct image_options {
    luron_floats factor, value_range, addition_factor, threshold_factor;
    luron_floats height_factor, width_factor, x_factor, y_factor;
    int32_t fill_mode, interpolation;
    double fill_value;
    int64_t bins;
} image_options;
image_change image_brightness, image_contrast, image_saturation, image_hue, image_degeneration, image_sharpness,
    image_solarization, image_auto_contrast, image_equalization;
/** An error unless their value_range is one; for `declare`. */
luron_status image_declare(luron_call *c);
/** This one has options of its own. */
typedef struct image_bits {
    luron_ints factor;
    luron_floats value_range;
} image_bits;
image_change image_posterization;
/** Those that move what an image shows say for each place, (n, 1, h, w) or what broadcasts to it, the one that it comes
 * from. */
typedef struct image_places {
    luron_tensor *row, *column;
} image_places;
typedef image_places image_map(luron_call *c, const luron_ops *o, luron_tensor *x, const image_options *p, int stream);
image_map image_rotation, image_translation, image_shear;
/** x at these places, as interpolation, fill_mode and fill_value say. */
luron_tensor *image_resampled(luron_call *c, const luron_ops *o, luron_tensor *x, image_places from,
                              const image_options *p);
enum { IMAGE_REFLECT, IMAGE_CONSTANT, IMAGE_WRAP, IMAGE_NEAREST }; /* fill_mode */
extern const char *const image_fill_modes[], *const image_interpolations[];
#define IMAGE_INTERPOLATION(type)                                                                                      \
    LURON_OPT_CHOICE(type, interpolation, "bilinear", image_interpolations, "between four numbers, or the nearest")
#define IMAGE_FILL_MODE(type)                                                                                          \
    LURON_OPT_CHOICE(type, fill_mode, "reflect", image_fill_modes, "what there is beside the image")
#define IMAGE_FILL_VALUE(type, doc) LURON_OPT_FLOAT(type, fill_value, 0, -1e9, 1e9, doc)
#define IMAGE_SAMPLING(type)                                                                                           \
    IMAGE_FILL_MODE(type), IMAGE_INTERPOLATION(type), IMAGE_FILL_VALUE(type, "of fill_mode \"constant\"")

#define IMAGE_VALUES(type)                                                                                             \
    LURON_OPT_FLOATS(type, value_range, 0, -1e9, 1e9, 0, 2,                                                            \
                     "least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }")
#define IMAGE_TYPE(type_name, text, opts, size, checks, shapes, body)                                                  \
    IMAGE_TYPE_(LURON_LAYER_RANDOM, type_name, text, opts, size, checks, shapes, body)
#define IMAGE_TYPE_(random, type_name, text, opts, size, checks, shapes, body)                                         \
    {.struct_size = sizeof(luron_layer_type),                                                                          \
     .flags = LURON_LAYER_F64 | (random),                                                                              \
     .name = type_name,                                                                                                \
     .doc = text,                                                                                                      \
     .options = opts,                                                                                                  \
     .options_size = size,                                                                                             \
     .in = image_in,                                                                                                   \
     .declare = checks,                                                                                                \
     .setup = shapes,                                                                                                  \
     .compose = body}

#endif
