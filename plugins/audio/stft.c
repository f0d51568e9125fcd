/* stft.c -- STFTSpectrogram: sound (..., samples) as (..., bins, frames), with Keras's options and numbers; its
 * matrices are fixed. Frames times a window, by the cosines and sines of the Fourier transform. */
#include "audio.h"

typedef struct stft {
    int64_t frame_length, frame_step, fft_length;
    int32_t mode, window, periodic, scaling, padding;
} stft;
enum { LOG, MAGNITUDE, PSD, REAL_PART, IMAG_PART, ANGLE, STFT };
enum { DENSITY, SPECTRUM, UNSCALED };
enum { VALID, SAME };
static const char *const modes[] = {"log", "magnitude", "psd", "real", "imag", "angle", "stft", NULL};
static const char *const scalings[] = {"density", "spectrum", "none", NULL};
static const char *const paddings[] = {"valid", "same", NULL};
static const char *const windows[] = {"hann",    "hamming", "blackman", "nuttall", "blackmanharris",
                                      "flattop", "boxcar",  "none",     NULL};
/* Sums of cosines, as SciPy has them; the row behind them, none, is no window. */
enum { TERMS = 5, NO_WINDOW = 7 };
static const double cosines[][TERMS] = {{0.5, 0.5},
                                        {0.54, 0.46},
                                        {0.42, 0.5, 0.08},
                                        {0.3635819, 0.4891775, 0.1365995, 0.0106411},
                                        {0.35875, 0.48829, 0.14128, 0.01168},
                                        {0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368},
                                        {1}};
static const double epsilon = 1e-7; /* Keras's: powers are at least that */

static int64_t step_of(const stft *o) { return o->frame_step ? o->frame_step : o->frame_length / 2; }
static int64_t fft_of(const stft *o) {
    int64_t n = o->fft_length ? o->fft_length : 1;
    while (n < o->frame_length)
        n *= 2;
    return n;
}
static int64_t bins_of(const stft *o) { return fft_of(o) / 2 + 1; }
static int64_t frames_of(const stft *o, int64_t samples) {
    return o->padding == SAME ? (samples - 1) / step_of(o) + 1 : (samples - o->frame_length) / step_of(o) + 1;
}
static luron_status declare(luron_call *c) {
    const stft *o = luron_options(c);
    if (o->frame_step > o->frame_length)
        return luron_fail(c, LURON_E_ARGUMENT, "frame_step is %lld, at most frame_length, %lld, expected",
                          (long long)o->frame_step, (long long)o->frame_length);
    if (o->fft_length && o->fft_length < o->frame_length)
        return luron_fail(c, LURON_E_ARGUMENT, "fft_length is %lld, at least frame_length, %lld, expected",
                          (long long)o->fft_length, (long long)o->frame_length);
    return LURON_OK;
}
/* (..., bins, frames) of an input (..., samples). */
static void shape_of(const luron_call *c, int64_t shape[8]) {
    const luron_view *x = luron_in(c, 0);
    const stft *o = luron_options(c);
    for (int i = 0; i < x->ndim - 1; i++)
        shape[i] = x->shape[i];
    shape[x->ndim - 1] = bins_of(o) * (o->mode == STFT ? 2 : 1);
    shape[x->ndim] = frames_of(o, x->shape[x->ndim - 1]);
}
static luron_status setup(luron_call *c) {
    const stft *o = luron_options(c);
    const luron_view *x = luron_in(c, 0);
    int64_t shape[8];
    if (x->ndim < 1 || x->ndim > 7)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, 1 to 7 expected: (..., samples)", x->ndim);
    const int64_t samples = x->shape[x->ndim - 1], least = o->padding == SAME ? 1 : o->frame_length;
    if (samples < least)
        return luron_fail(c, LURON_E_SHAPE,
                          "input has %lld samples, at least %lld expected: a frame, or padding 'same'",
                          (long long)samples, (long long)least);
    shape_of(c, shape);
    return c->host->set_out(c, 0, LURON_REAL, x->ndim + 1, shape);
}

/* Frames of x (n, samples): (n * frames, frame_length); padding "same" adds zeros, one more behind than before. */
static luron_tensor *framed(luron_call *c, const luron_ops *o, const stft *p, luron_tensor *x) {
    const int64_t samples = o->size(c, x, 1), frames = frames_of(p, samples);
    int64_t missing = (frames - 1) * step_of(p) + p->frame_length - samples;
    if (p->padding == SAME && missing > 0) {
        const int64_t before[2] = {0, missing / 2}, after[2] = {0, missing - missing / 2};
        x = o->pad(c, x, 2, before, after, 0);
    }
    return audio_frames(c, o, x, frames, p->frame_length, step_of(p));
}
/* Frames times the window, divided by its length (density) or its sum (spectrum). */
static luron_tensor *windowed(luron_call *c, const luron_ops *o, const stft *p, luron_tensor *x) {
    if (p->window == NO_WINDOW) return x; /* nor scaled */
    const int64_t n = p->frame_length;
    luron_tensor *w = audio_window(c, o, n, p->periodic ? n : n - 1, TERMS, cosines[p->window]);
    if (p->scaling == DENSITY) w = o->div(c, w, o->sqrt(c, o->sum(c, o->square(c, w), 0, NULL, 0)));
    if (p->scaling == SPECTRUM) w = o->div(c, w, o->sum(c, o->abs(c, w), 0, NULL, 0));
    return o->mul(c, x, o->cast(c, w, c->dtype));
}
/* The power of all frequencies but the first and the last stands for two. */
static luron_tensor *one_sided(luron_call *c, const luron_ops *o, luron_tensor *power) {
    const int64_t end[1] = {1}, inner = o->size(c, power, 1) - 2;
    luron_tensor *twice = o->expand(c, o->reshape(c, o->scalar(c, 1), LURON_SHAPE(1)), LURON_SHAPE(inner));
    return o->mul(c, power, o->scale(c, o->pad(c, twice, 1, end, end, 0), 1, 1));
}
/* (n * frames, bins), of `mode`, of windowed frames. */
static luron_tensor *spectrum(luron_call *c, const luron_ops *o, const stft *p, luron_tensor *x) {
    const int64_t bins = bins_of(p), turn = 2 * (bins - 1); /* so in Keras, for an odd fft_length too */
    luron_tensor *parts[2] = {NULL, NULL};
    for (int sines = 0; sines < 2; sines++)
        if (p->mode != (sines ? REAL_PART : IMAG_PART))
            parts[sines] = o->matmul(c, x, audio_waves(c, o, p->frame_length, bins, turn, sines), 0);
    if (p->mode == REAL_PART) return parts[0];
    parts[1] = o->scale(c, parts[1], -1, 0);
    if (p->mode == IMAG_PART) return parts[1];
    if (p->mode == ANGLE) return o->atan2(c, parts[1], parts[0]);
    if (p->mode == STFT) return o->cat(c, 2, parts, 1);
    luron_tensor *power = o->add(c, o->square(c, parts[0]), o->square(c, parts[1]));
    if (p->mode == PSD) return one_sided(c, o, power);
    power = o->maximum(c, power, o->scalar(c, epsilon));
    return p->mode == LOG ? o->scale(c, o->log(c, power), 0.5, 0) : o->sqrt(c, power);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const stft *p = luron_options(c);
    const luron_view *in = luron_in(c, 0);
    int64_t shape[8];
    const int64_t samples = in->shape[in->ndim - 1], n = luron_numel(in) / samples, frames = frames_of(p, samples);
    luron_tensor *y = framed(c, o, p, o->reshape(c, o->in(c, 0), LURON_SHAPE(n, samples)));
    y = spectrum(c, o, p, windowed(c, o, p, y));
    shape_of(c, shape);
    y = o->transpose(c, o->reshape(c, y, LURON_SHAPE(n, frames, shape[in->ndim - 1])), 1, 2);
    return o->set_out(c, 0, o->reshape(c, y, in->ndim + 1, shape));
}

static const luron_option *const options[] = {
    LURON_OPT_CHOICE(stft, mode, "log", modes, "what is given of each frequency; stft: real, then imag"),
    LURON_OPT_INT(stft, frame_length, 256, 3, 8192, "samples of a frame"),
    LURON_OPT_INT(stft, frame_step, 0, 0, 8192, "samples from frame to frame; 0: half of frame_length"),
    LURON_OPT_INT(
        stft, fft_length, 0, 0, 8192,
        "bins are half of it and 1; 0: the power of two from frame_length; memory grows with frame_length times it"),
    LURON_OPT_CHOICE(stft, window, "hann", windows, "what a frame is multiplied by; none: not scaled either"),
    LURON_OPT_BOOL(stft, periodic, 0, "the window is one of a row without end"),
    LURON_OPT_CHOICE(stft, scaling, "density", scalings, "the window is divided by its length, or by its sum"),
    LURON_OPT_CHOICE(stft, padding, "valid", paddings, "same: zeros at both ends, for a frame each frame_step samples"),
    NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., samples)"), NULL};
static const luron_port *const out[] = {LURON_PORT("output", 0, LURON_REAL, 0, "(..., bins, frames)"), NULL};
const luron_layer_type audio_stft = {.struct_size = sizeof(luron_layer_type),
                                     .flags = LURON_LAYER_F64,
                                     .name = "STFTSpectrogram",
                                     .doc = "sound by short-time Fourier transform: its frequencies, frame by frame",
                                     .options = options,
                                     .options_size = sizeof(stft),
                                     .in = in,
                                     .out = out,
                                     .setup = setup,
                                     .declare = declare,
                                     .compose = compose};
