/* noise.h -- what the files of this plugin share. What a call draws follows from its position and from the place in the
 * tensor alone, so that backward draws it again and nothing is kept. Without training all types are the identity. */
#ifndef NOISE_H
#define NOISE_H
#include <luron/plugin.h>

#define NOISES(X)                                                                                                      \
    X(dropout)                                                                                                         \
    X(dropout1d)                                                                                                       \
    X(dropout2d) X(dropout3d) X(alpha_dropout) X(feature_alpha_dropout) X(gaussian_dropout) X(gaussian_noise)
#define NOISE_DECLARE(id) extern const luron_layer_type noise_##id;
NOISES(NOISE_DECLARE)
#define NOISE_FLAGS (LURON_LAYER_F64 | LURON_LAYER_RANDOM | LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT)

#endif
