/* preprocess.h -- what the files of this plugin share: layers that make numbers fit for a network, with the options and
 * numbers of Keras's. What they have to know of the data is their state, which luron.adapt fits in Lua and a checkpoint
 * keeps. */
#ifndef PREPROCESS_H
#define PREPROCESS_H
#include "../loops.h"

#define TYPES(T)                                                                                                       \
    T(normalization)                                                                                                   \
    T(rescaling)                                                                                                       \
    T(category_encoding) T(discretization) T(hashing) T(random_flip) T(random_crop) T(random_rotation) T(random_zoom)  \
        T(random_translation) T(random_shear) T(random_brightness) T(random_contrast) T(random_saturation)             \
            T(random_hue) T(random_grayscale) T(random_invert) T(random_erasing) T(random_gaussian_blur)               \
                T(solarization) T(auto_contrast) T(equalization) T(random_color_degeneration) T(random_sharpness)      \
                    T(random_posterization) T(random_color_jitter) T(rand_augment) T(aug_mix) T(hashed_crossing)       \
                        T(random_perspective) T(random_elastic_transform) T(clahe) T(mix_up) T(cut_mix)
#define DECLARE(name) extern const luron_layer_type preprocess_##name;
TYPES(DECLARE)

/** The axis of an option, counted from 0, within the dims of input 0. */
luron_status preprocess_axis(luron_call *c, int64_t axis, int *to);

#endif
