/* MelSpectrogram and STFTSpectrogram against Keras's numbers (tests/data/make_audio.py). */
#include "layer_check.h"
#include "made.h"
#include "refused.h"

#include "../data/audio_reference.h"

#include <stdio.h>

static void check_values(luron_ctx *ctx, size_t k, uint32_t dtype) {
    /* Decibels of weak bands, and their slopes, lose digits that the strongest band has. */
    const double tol = dtype == LURON_F64 ? 1e-9 : 2e-4;
    luron_layer *layer = layer_of(ctx, audio_cases[k].type, audio_cases[k].options);
    luron_tensor *x = tensor_of(ctx, dtype, audio_cases[k].ndim, audio_cases[k].shape, audio_cases[k].x), *y, *v;
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    assert_shape_(y, (size_t)audio_cases[k].ndim + 1, audio_cases[k].out_shape, audio_cases[k].options, __FILE__,
                  __LINE__);
    assert_tensor_close_(y, audio_cases[k].y, luron_tensor_numel(y), tol, tol, audio_cases[k].options, __FILE__,
                         __LINE__);
    v = tensor_of(ctx, dtype, audio_cases[k].ndim + 1, audio_cases[k].out_shape, audio_cases[k].v);
    assert_ok(ctx, luron_backward(ctx, y, v, 0));
    assert_tensor_close_(luron_tensor_grad(x), audio_cases[k].g, luron_tensor_numel(x), tol, tol,
                         audio_cases[k].options, __FILE__, __LINE__);
    luron_tensor_unref(x), luron_tensor_unref(y), luron_tensor_unref(v);
    luron_layer_unref(layer);
}
static void test_audio_values_of_keras(void **state) {
    luron_ctx *ctx = *state;
    for (size_t k = 0; k < 4 * (sizeof audio_cases / sizeof *audio_cases); k++) {
        const uint32_t dtype = k % 2 ? LURON_F64 : LURON_F32;
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_ctx_set_index_base(ctx, k / 2 % 2);
        check_values(ctx, k / 4, dtype);
    }
}

static void test_audio_gradients(void **state) {
#define SMALL "{\"fft_length\": 8, \"sequence_stride\": 3, \"num_mel_bins\": 3"
    static const layer_case cases[] = {
        {"MelSpectrogram", SMALL ", \"power_to_db\": false}", 1, {{INPUT_SHAPE(2, 13)}}, .tol = 1e-7, .order = 2},
        {"MelSpectrogram", SMALL "}", 1, {{INPUT_SHAPE(11)}}, .tol = 1e-6, .order = 2, .tol32 = 1e-3},
        {"MelSpectrogram",
         SMALL ", \"sequence_length\": 5, \"mag_exp\": 1, \"top_db\": 1000}",
         1,
         {{INPUT_SHAPE(1, 2, 9)}},
         .tol = 1e-6,
         .order = 2,
         .tol32 = 1e-3},
        {"MelSpectrogram", SMALL "}", 1, {{INPUT_SHAPE(0, 9)}}, .tol = 1e-7},
#define STFT(mode) "{\"mode\": \"" mode "\", \"frame_length\": 6"
        {"STFTSpectrogram", STFT("log") "}", 1, {{INPUT_SHAPE(2, 13)}}, .tol = 1e-6, .order = 2, .tol32 = 1e-3},
        {"STFTSpectrogram",
         STFT("magnitude") ", \"window\": \"none\"}",
         1,
         {{INPUT_SHAPE(2, 2, 9)}},
         .tol = 1e-6,
         .order = 2,
         .tol32 = 1e-3},
        {"STFTSpectrogram", STFT("psd") ", \"padding\": \"same\"}", 1, {{INPUT_SHAPE(13)}}, .tol = 1e-7, .order = 2},
        {"STFTSpectrogram", STFT("real") "}", 1, {{INPUT_SHAPE(2, 9)}}, .tol = 1e-7, .order = 2},
        {"STFTSpectrogram", STFT("imag") "}", 1, {{INPUT_SHAPE(2, 9)}}, .tol = 1e-7, .order = 2},
        {"STFTSpectrogram",
         STFT("angle") ", \"window\": \"hamming\"}",
         1,
         {{INPUT_SHAPE(2, 13), .lo = 0.5, .hi = 2}},
         .tol = 1e-6,
         .order = 2,
         .tol32 = 1e-3},
        {"STFTSpectrogram", STFT("stft") "}", 1, {{INPUT_SHAPE(1, 13)}}, .tol = 1e-7, .order = 2},
        {"STFTSpectrogram", STFT("stft") "}", 1, {{INPUT_SHAPE(0, 9)}}, .tol = 1e-7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

static void test_audio_messages(void **state) {
    luron_ctx *ctx = *state;
    static const refused_case cases[] = {
        {"MelSpectrogram",
         SMALL "}",
         "input has 4 samples, more than half of fft_length, 8, expected",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(2, 4)}},
        {"MelSpectrogram",
         SMALL "}",
         "input has 8 dimensions, 1 to 7 expected: (..., samples)",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(1, 1, 1, 1, 1, 1, 1, 9)}},
        {"STFTSpectrogram",
         STFT("log") "}",
         "input has 5 samples, at least 6 expected: a frame, or padding 'same'",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(2, 5)}},
        {"STFTSpectrogram",
         STFT("log") ", \"padding\": \"same\"}",
         "input has 0 samples, at least 1 expected",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(2, 0)}},
        {"STFTSpectrogram",
         STFT("log") "}",
         "input has 8 dimensions, 1 to 7 expected: (..., samples)",
         LURON_E_SHAPE,
         1,
         {REFUSED_REAL(1, 1, 1, 1, 1, 1, 1, 9)}},
    };
    luron_layer *none = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(ctx, &cases[i]);
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "MelSpectrogram", SMALL ", \"sequence_length\": 9}"),
                 LURON_E_ARGUMENT, "sequence_length is 9, at most fft_length, 8, expected");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "MelSpectrogram", "{\"min_freq\": 8000}"), LURON_E_ARGUMENT,
                 "frequencies from min_freq, 8000, to 8000: a range expected");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "STFTSpectrogram", STFT("log") ", \"frame_step\": 7}"),
                 LURON_E_ARGUMENT, "frame_step is 7, at most frame_length, 6, expected");
    assert_fails(ctx, luron_layer_from_json(&none, ctx, "STFTSpectrogram", STFT("log") ", \"fft_length\": 5}"),
                 LURON_E_ARGUMENT, "fft_length is 5, at least frame_length, 6, expected");
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_audio_values_of_keras), test_case(test_audio_gradients),
                                       test_case(test_audio_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
