/* preprocess.h -- what the files of this plugin share: layers that make numbers fit for a network, with the options and
 * numbers of Keras's. What they have to know of the data is their state, which luron.adapt fits in Lua and a checkpoint
 * keeps. */
#ifndef PREPROCESS_H
#define PREPROCESS_H
#include "../loops.h"

#define TYPES(T)                                                                                                       \
    T(normalization)                                                                                                   \
    T(rescaling) T(category_encoding) T(discretization) T(random_flip) T(random_crop)
#define DECLARE(name) extern const luron_layer_type preprocess_##name;
TYPES(DECLARE)

/** The axis of an option, counted from 0, within the dims of input 0. */
luron_status preprocess_axis(luron_call *c, int64_t axis, int *to);

#endif
