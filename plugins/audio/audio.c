/* audio.c -- the plugin, and MelSpectrogram: sound (..., samples) as (..., num_mel_bins, frames), with Keras's options
 * and numbers. Frames, with the sound reflected at its ends, times a window, by the cosines and sines of the Fourier
 * transform; magnitudes by triangles on the mel scale; decibels. In ops: matrices are made in float64 and then take the
 * layer's dtype. */
#include "audio.h"

#include <math.h>

typedef struct mel {
    int64_t fft_length, sequence_stride, sequence_length, num_mel_bins;
    double sampling_rate, min_freq, max_freq, top_db, mag_exp, min_power, ref_power;
    int32_t window, power_to_db;
} mel;
enum { HANN, HAMMING, NONE };

static int64_t window_length(const mel *o) { return o->sequence_length ? o->sequence_length : o->fft_length; }
static double top_freq(const mel *o) { return o->max_freq > 0 ? o->max_freq : floor(o->sampling_rate / 2); }
static luron_status declare(luron_call *c) {
    const mel *o = luron_options(c);
    if (window_length(o) > o->fft_length)
        return luron_fail(c, LURON_E_ARGUMENT, "sequence_length is %lld, at most fft_length, %lld, expected",
                          (long long)o->sequence_length, (long long)o->fft_length);
    if (o->min_freq >= top_freq(o))
        return luron_fail(c, LURON_E_ARGUMENT, "frequencies from min_freq, %g, to %g: a range expected", o->min_freq,
                          top_freq(o));
    return LURON_OK;
}
static int64_t frames_of(const mel *o, int64_t samples) {
    return 1 + (samples + o->fft_length / 2 * 2 - o->fft_length) / o->sequence_stride;
}
/* (..., num_mel_bins, frames) of an input (..., samples). */
static void shape_of(const luron_call *c, int64_t shape[8]) {
    const luron_view *x = luron_in(c, 0);
    const mel *o = luron_options(c);
    for (int i = 0; i < x->ndim - 1; i++)
        shape[i] = x->shape[i];
    shape[x->ndim - 1] = o->num_mel_bins, shape[x->ndim] = frames_of(o, x->shape[x->ndim - 1]);
}
static luron_status setup(luron_call *c) {
    const mel *o = luron_options(c);
    const luron_view *x = luron_in(c, 0);
    int64_t shape[8];
    if (x->ndim < 1 || x->ndim > 7)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, 1 to 7 expected: (..., samples)", x->ndim);
    const int64_t samples = x->shape[x->ndim - 1];
    if (samples <= o->fft_length / 2)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld samples, more than half of fft_length, %lld, expected",
                          (long long)samples, (long long)o->fft_length);
    shape_of(c, shape);
    return c->host->set_out(c, 0, LURON_REAL, x->ndim + 1, shape);
}

/* ---- matrices ---------------------------------------------------------------------------------------------------- */
/* The window in the middle of fft_length numbers. */
static luron_tensor *window(luron_call *c, const luron_ops *o, const mel *p) {
    const int64_t n = window_length(p), before[1] = {(p->fft_length - n) / 2},
                  after[1] = {p->fft_length - n - before[0]};
    const double at[3][2] = {[HANN] = {0.5, 0.5}, [HAMMING] = {0.54, 0.46}, [NONE] = {1, 0}};
    luron_tensor *w = audio_window(c, o, n, n, 2, at[p->window]);
    return o->cast(c, o->pad(c, w, 1, before, after, 0), c->dtype);
}
static double mel_of(double hertz) { return 1127 * log(1 + hertz / 700); }
/* (bins, num_mel_bins): triangles that are 1 in their middle and end at those of their neighbours. */
static luron_tensor *triangles(luron_call *c, const luron_ops *o, const mel *p, int64_t bins) {
    const int64_t n = p->num_mel_bins;
    const double low = mel_of(p->min_freq), step = (mel_of(top_freq(p)) - low) / (double)(n + 1);
    luron_tensor *bin = audio_line(c, o, bins, 1, 0), *none = o->cast(c, o->scalar(c, 0), LURON_F64);
    luron_tensor *hertz = o->scale(c, bin, p->sampling_rate / 2 / (double)(bins > 1 ? bins - 1 : 1) / 700, 0);
    luron_tensor *at = audio_column(c, o, o->scale(c, o->log1p(c, hertz), 1127, 0)),
                 *edge = audio_line(c, o, n, step, low);
    luron_tensor *up = o->scale(c, o->sub(c, at, edge), 1 / step, 0), *down = o->scale(c, up, -1, 2);
    luron_tensor *weights = o->maximum(c, o->minimum(c, up, down), none);
    return o->cast(c, o->where(c, audio_column(c, o, o->gt(c, bin, none)), weights, none),
                   c->dtype); /* without the constant part */
}

/* ---- the layer --------------------------------------------------------------------------------------------------- */
/* x (n, samples) reflected at its ends, cut into frames: (n * frames, fft_length). */
static luron_tensor *framed(luron_call *c, const luron_ops *o, const mel *p, luron_tensor *x) {
    static const int along[] = {1};
    const int64_t samples = o->size(c, x, 1), half = p->fft_length / 2, frames = frames_of(p, samples);
    luron_tensor *parts[3] = {o->flip(c, o->narrow(c, x, 1, 1, half), 1, along), x,
                              o->flip(c, o->narrow(c, x, 1, samples - 1 - half, half), 1, along)};
    if (half) x = o->cat(c, 3, parts, 1);
    return audio_frames(c, o, x, frames, p->fft_length, p->sequence_stride);
}
/* Squares of the magnitudes of rows x, for frequencies up to the middle: (rows, fft_length / 2 + 1). */
static luron_tensor *power(luron_call *c, const luron_ops *o, const mel *p, luron_tensor *x) {
    luron_tensor *sum = NULL;
    for (int sines = 0; sines < 2; sines++) {
        luron_tensor *matrix = audio_waves(c, o, p->fft_length, p->fft_length / 2 + 1, p->fft_length, sines);
        luron_tensor *part = o->square(c, o->matmul(c, x, matrix, 0));
        sum = sines ? o->add(c, sum, part) : part;
    }
    return sum;
}
static luron_tensor *decibels(luron_call *c, const luron_ops *o, const mel *p, luron_tensor *x) {
    const double reference = fmax(fabs(p->ref_power), p->min_power);
    x = o->scale(c, o->log10(c, o->maximum(c, x, o->scalar(c, p->min_power))), 10, -10 * log10(reference));
    return o->maximum(c, x, o->scale(c, o->amax(c, x, 0, NULL, 0), 1, -p->top_db));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const mel *p = luron_options(c);
    const luron_view *in = luron_in(c, 0);
    int64_t shape[8];
    const int64_t samples = in->shape[in->ndim - 1], n = luron_numel(in) / samples, frames = frames_of(p, samples);
    luron_tensor *y = o->reshape(c, o->in(c, 0), LURON_SHAPE(n, samples));
    y = power(c, o, p, o->mul(c, framed(c, o, p, y), window(c, o, p)));
    if (p->mag_exp != 2) y = o->pow(c, y, o->scalar(c, p->mag_exp / 2));
    y = o->matmul(c, y, triangles(c, o, p, p->fft_length / 2 + 1), 0);
    if (p->power_to_db && n) y = decibels(c, o, p, y);
    y = o->transpose(c, o->reshape(c, y, LURON_SHAPE(n, frames, p->num_mel_bins)), 1, 2);
    shape_of(c, shape);
    return o->set_out(c, 0, o->reshape(c, y, in->ndim + 1, shape));
}

static const char *const windows[] = {"hann", "hamming", "none", NULL};
static const luron_option *const options[] = {
    LURON_OPT_INT(mel, fft_length, 2048, 2, 8192, "samples of a frame; memory grows as their square"),
    LURON_OPT_INT(mel, sequence_stride, 512, 1, 1e9, "samples from frame to frame"),
    LURON_OPT_INT(mel, sequence_length, 0, 0, 8192, "samples of the window; 0: as fft_length"),
    LURON_OPT_CHOICE(mel, window, "hann", windows, "what a frame is multiplied by"),
    LURON_OPT_FLOAT(mel, sampling_rate, 16000, 1, 1e9, "samples a second"),
    LURON_OPT_INT(mel, num_mel_bins, 128, 1, 65536, "bands of the result"),
    LURON_OPT_FLOAT(mel, min_freq, 20, 0, 1e9, "where the first band begins, in hertz"),
    LURON_OPT_FLOAT(mel, max_freq, 0, 0, 1e9, "where the last band ends; 0: half of sampling_rate"),
    LURON_OPT_BOOL(mel, power_to_db, 1, "decibels in place of powers"),
    LURON_OPT_FLOAT(mel, top_db, 80, 0, 1e9, "decibels below the largest, less is cut off"),
    LURON_OPT_FLOAT(mel, mag_exp, 2, 0.01, 100, "exponent of the magnitudes: 1 energy, 2 power"),
    LURON_OPT_FLOAT(mel, min_power, 1e-10, 1e-30, 1e9, "powers that are not distinguished from less"),
    LURON_OPT_FLOAT(mel, ref_power, 1, -1e9, 1e9, "power of 0 decibels"),
    NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., samples)"), NULL};
static const luron_port *const out[] = {LURON_PORT("output", 0, LURON_REAL, 0, "(..., num_mel_bins, frames)"), NULL};
const luron_layer_type audio_mel = {.struct_size = sizeof(luron_layer_type),
                                    .flags = LURON_LAYER_F64,
                                    .name = "MelSpectrogram",
                                    .doc = "sound as how strong bands of frequencies are, frame by frame",
                                    .options = options,
                                    .options_size = sizeof(mel),
                                    .in = in,
                                    .out = out,
                                    .declare = declare,
                                    .setup = setup,
                                    .compose = compose};
static const luron_layer_type *const layers[] = {&audio_mel, &audio_stft, NULL};
LURON_PLUGIN_DEFINE(audio) = {.struct_size = sizeof(luron_plugin),
                              .abi_major = LURON_ABI_MAJOR,
                              .name = "audio",
                              .version = "0.1.0",
                              .layers = layers};
