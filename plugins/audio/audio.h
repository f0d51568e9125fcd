/* audio.h -- what the files of this plugin share: sound cut into frames, and the matrices of the Fourier transform. In
 * ops: matrices are made in float64 and then take the layer's dtype. */
#ifndef AUDIO_H
#define AUDIO_H
#include <luron/plugin.h>

extern const luron_layer_type audio_mel, audio_stft;

/** 0, step, 2 step ... + first, in float64, exact for whole numbers. */
luron_tensor *audio_line(luron_call *c, const luron_ops *o, int64_t n, double step, double first);
luron_tensor *audio_column(luron_call *c, const luron_ops *o, luron_tensor *x);
/** n numbers in float64: the sum over k < terms of (-1)^k at[k] cos(2 pi k i / turn). */
luron_tensor *audio_window(luron_call *c, const luron_ops *o, int64_t n, int64_t turn, int terms, const double *at);
/** x (n, samples), frames of `length` samples, one every `stride`: (n * frames, length). */
luron_tensor *audio_frames(luron_call *c, const luron_ops *o, luron_tensor *x, int64_t frames, int64_t length,
                           int64_t stride);
/** cos or sin of 2 pi t f / turn for t < times and f < bins: (times, bins), of the layer's dtype. */
luron_tensor *audio_waves(luron_call *c, const luron_ops *o, int64_t times, int64_t bins, int64_t turn, int sines);
#endif
