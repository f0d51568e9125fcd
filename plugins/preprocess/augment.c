/* augment.c -- layers made of others: RandomColorJitter, one after the other; RandAugment, of which chosen ones;
 * AugMix, means of chains of chosen ones. As in Keras a choice is one for the whole batch, what the layers then draw
 * each image's own. A plan is the same for every choice: all that may be chosen is computed. */
#include "image.h"

/* ---- RandomColorJitter ------------------------------------------------------------------------------------------- */
typedef struct jitter {
    luron_floats value_range, brightness_factor, contrast_factor, saturation_factor, hue_factor;
} jitter;
static luron_tensor *jittered(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    static image_change *const parts[] = {image_brightness, image_contrast, image_saturation, image_hue};
    const jitter *p = options;
    const luron_floats *const factors[] = {&p->brightness_factor, &p->contrast_factor, &p->saturation_factor,
                                           &p->hue_factor};
    for (int k = 0; k < 4; k++) {
        const image_options part = {.factor = *factors[k], .value_range = p->value_range};
        if (part.factor.n) x = parts[k](c, o, x, &part, stream + k * IMAGE_STREAMS);
    }
    return x;
}
static luron_status jitter_check(luron_call *c) {
    return image_check_values(c, &((const jitter *)luron_options(c))->value_range);
}
static luron_status jitter_setup(luron_call *c) {
    const jitter *p = luron_options(c);
    return p->saturation_factor.n || p->hue_factor.n ? image_setup_rgb(c) : image_setup(c);
}

/* ---- one of several layers --------------------------------------------------------------------------------------- */
typedef struct augment {
    luron_floats value_range, factor;
    int64_t num_ops, num_chains, chain_depth;
    double alpha;
    int32_t all_ops, interpolation;
} augment;
/* AugMix's order: the last four go by all_ops. */
static image_map *const maps[] = {image_shear, image_translation, image_rotation};
static image_change *const changes[] = {image_posterization, image_solarization, image_auto_contrast,
                                        image_equalization,  image_brightness,   image_degeneration,
                                        image_contrast,      image_sharpness};
enum { MAPS = 3, CHANGES = 8, ALL = MAPS + CHANGES, SOME = ALL - 4, SLOT_STREAMS = (ALL + 1) * IMAGE_STREAMS };

/* A whole number from 0 to n - 1 for the batch. */
static luron_tensor *choice(luron_call *c, const luron_ops *o, int stream, int n) {
    return image_whole(c, o, o->uniform(c, stream, LURON_SHAPE(1, 1, 1, 1)), n);
}
static luron_tensor *is(luron_call *c, const luron_ops *o, luron_tensor *which, int k) {
    return o->eq(c, which, o->scalar(c, k));
}
/* x as layer `which` of the first n makes it; n: as it is. Those that move what is shown have the places chosen, and x
 * is resampled once. */
static luron_tensor *changed(luron_call *c, const luron_ops *o, luron_tensor *x, const augment *p, luron_tensor *which,
                             int n, int stream) {
    const image_range f = image_factor(&p->factor, 0);
    const luron_floats factor = {2, {f.low, f.high}};
    const int64_t bits = (int64_t)(8 * f.high);
    const image_bits few = {{2, {1, bits < 1 ? 1 : bits}}, p->value_range};
    const image_options all = {.factor = factor, /* fill_mode: the first, "reflect" */
                               .value_range = p->value_range,
                               .addition_factor = factor,
                               .threshold_factor = factor,
                               .height_factor = factor,
                               .width_factor = factor,
                               .x_factor = factor,
                               .y_factor = factor,
                               .interpolation = p->interpolation,
                               .bins = 256};
    image_places from = {NULL, NULL};
    for (int k = 0; k < MAPS; k++) {
        const image_places own = maps[k](c, o, x, &all, stream + k * IMAGE_STREAMS);
        from.row = k ? o->where(c, is(c, o, which, k), own.row, from.row) : own.row;
        from.column = k ? o->where(c, is(c, o, which, k), own.column, from.column) : own.column;
    }
    luron_tensor *is_moved = o->lt(c, which, o->scalar(c, MAPS));
    luron_tensor *y = o->where(c, is_moved, image_resampled(c, o, x, from, &all), x);
    for (int k = MAPS; k < n; k++) {
        const void *own = k == MAPS ? (const void *)&few : &all;
        y = o->where(c, is(c, o, which, k), changes[k - MAPS](c, o, x, own, stream + k * IMAGE_STREAMS), y);
    }
    return y;
}
static luron_status augment_check(luron_call *c) {
    return image_check_values(c, &((const augment *)luron_options(c))->value_range);
}
static luron_status augment_setup(luron_call *c) {
    return ((const augment *)luron_options(c))->all_ops ? image_setup_rgb(c) : image_setup(c);
}

/* ---- RandAugment ------------------------------------------------------------------------------------------------- */
/* A layer that is chosen twice does the same twice, as in Keras. */
static luron_tensor *rand_augmented(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options,
                                    int stream) {
    const augment *p = options;
    for (int k = 0; k < p->num_ops; k++)
        x = changed(c, o, x, p, choice(c, o, stream + SLOT_STREAMS + k, ALL), ALL, stream);
    return x;
}

/* ---- AugMix ------------------------------------------------------------------------------------------------------ */
static luron_tensor *mixed(luron_call *c, const luron_ops *o, luron_tensor *x, const void *options, int stream) {
    const augment *p = options;
    const int n = p->all_ops ? ALL : SOME;
    luron_tensor *alpha = o->scalar(c, p->alpha), *weights = image_shares(c, o, stream, 1, p->num_chains, alpha);
    luron_tensor *kept = o->narrow(c, image_shares(c, o, stream + IMAGE_STREAMS, 1, 2, alpha), 1, 0, 1), *sum = NULL;
    stream += 2 * IMAGE_STREAMS;
    for (int64_t chain = 0; chain < p->num_chains; chain++) {
        luron_tensor *y = x;
        for (int64_t k = 0; k < p->chain_depth; k++, stream += SLOT_STREAMS)
            y = changed(c, o, y, p, choice(c, o, stream + ALL * IMAGE_STREAMS, n + 1), n, stream);
        y = o->mul(c, y, o->narrow(c, weights, 1, chain, 1));
        sum = chain ? o->add(c, sum, y) : y;
    }
    return image_clipped(c, o, image_mixed(c, o, sum, x, kept), image_values(&p->value_range));
}

/* ---- the types --------------------------------------------------------------------------------------------------- */
static const luron_option *const random_color_jitter_options[] = {
    IMAGE_VALUES(jitter),
    LURON_OPT_FLOATS(jitter, brightness_factor, 0, -1, 1, 0, 2, "factor of nn.RandomBrightness; nil: without it"),
    LURON_OPT_FLOATS(jitter, contrast_factor, 0, 0, 1, 0, 2, "factor of nn.RandomContrast; nil: without it"),
    LURON_OPT_FLOATS(jitter, saturation_factor, 0, 0, 1, 0, 2, "factor of nn.RandomSaturation; nil: without it"),
    LURON_OPT_FLOATS(jitter, hue_factor, 0, 0, 1, 0, 2, "factor of nn.RandomHue; nil: without it"),
    NULL};
#define FACTOR(strength)                                                                                               \
    LURON_OPT_FLOATS(augment, factor, strength, 0, 1, 1, 2, "factor of each layer: two bounds, or f for { 0, f }")
#define BETWEEN                                                                                                        \
    LURON_OPT_CHOICE(augment, interpolation, "bilinear", image_interpolations, "between four numbers, or the nearest")
static const luron_option *const rand_augment_options[] = {
    IMAGE_VALUES(augment), LURON_OPT_INT(augment, num_ops, 2, 1, 16, "layers one after the other"), FACTOR(0.5),
    BETWEEN, NULL};
static const luron_option *const aug_mix_options[] = {
    IMAGE_VALUES(augment),
    LURON_OPT_INT(augment, num_chains, 3, 1, 16, "chains of layers, of whose results a mean is taken"),
    LURON_OPT_INT(augment, chain_depth, 3, 1, 16, "layers of a chain, some of which do nothing"),
    FACTOR(0.3),
    LURON_OPT_FLOAT(augment, alpha, 1, 1e-3, 1e3, "of the weights' distributions: a large one makes them equal"),
    LURON_OPT_BOOL(augment, all_ops, 1, "choose among brightness, colour, contrast and sharpness too"),
    BETWEEN,
    NULL};
#define TYPE(name, change, title, checks, shapes, size, text)                                                          \
    IMAGE_COMPOSE(change)                                                                                              \
    const luron_layer_type preprocess_##name =                                                                         \
        IMAGE_TYPE(title, text, name##_options, size, checks, shapes, change##_compose);
TYPE(random_color_jitter, jittered, "RandomColorJitter", jitter_check, jitter_setup, sizeof(jitter),
     "brightness, contrast, saturation and hue, at random when training")
TYPE(rand_augment, rand_augmented, "RandAugment", augment_check, image_setup_rgb, sizeof(augment),
     "images changed by layers chosen at random, when training")
TYPE(aug_mix, mixed, "AugMix", augment_check, augment_setup, sizeof(augment),
     "images mixed with what chains of layers chosen at random make of them, when training")
