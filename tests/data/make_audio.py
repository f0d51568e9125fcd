#!/usr/bin/env python3
"""Write audio_reference.h: Keras's MelSpectrogram and STFTSpectrogram in float64, with gradients by PyTorch. What Keras computes
in float32, its matrix of bands, decibels, magnitudes and angles, is done by its formulas in float64, and compared.

Usage: make_audio.py > audio_reference.h   (needs keras and torch; the tests need only the file)
"""
import json
import math
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch

gen = torch.Generator().manual_seed(79)
rows = []


class Mel(keras.layers.MelSpectrogram):
    def _melscale(self, inputs):
        bins, n = inputs.shape[-1], self.num_mel_bins
        mel = lambda hertz: 1127 * torch.log1p(hertz / 700)
        edges = torch.linspace(*(float(mel(torch.tensor(f).double())) for f in (self.min_freq, self.max_freq)), n + 2, dtype=torch.float64)
        at = mel(torch.linspace(0, self.sampling_rate / 2, bins, dtype=torch.float64)).unsqueeze(1)
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        matrix = torch.minimum((at - low) / (middle - low), (high - at) / (high - middle)).clamp(min=0)
        matrix[0] = 0
        own = self.linear_to_mel_weight_matrix(n, bins, self.sampling_rate, self.min_freq, self.max_freq)
        assert (matrix - own).abs().max() < 1e-3
        return inputs @ matrix

    def _dbscale(self, inputs):  # which has a step in float32 too
        y = 10 * inputs.clamp(min=self.min_power).log10() - 10 * math.log10(max(abs(self.ref_power), self.min_power))
        y = torch.maximum(y, y.max() - self.top_db)
        assert (y - super()._dbscale(inputs)).abs().max() < 1e-4
        return y


def array(t):
    return "(const double[]){%s}" % ", ".join("%.17g" % v for v in t.detach().reshape(-1).tolist())


def keras_stft(x, options, **others):
    """Keras's takes (n, channels, samples) alone, and puts all frequencies of all channels in one row."""
    layer = keras.layers.STFTSpectrogram(**{**options, **others}, expand_dims=True, data_format="channels_first", dtype="float64")
    y = layer(x.reshape(-1, 1, x.shape[-1])).movedim(2, 3)
    return y.reshape(x.shape[:-1] + y.shape[2:])


def stft(x, options):
    y, mode = keras_stft(x, options), options["mode"]
    if mode not in ("log", "magnitude", "angle"):
        return y
    # From the parts on, Keras computes these in float32.
    real, imag = (keras_stft(x, options, mode=part) for part in ("real", "imag"))
    if mode == "angle":  # 0 to rounding at the first and last frequency, which are real: half turns are on one side
        ours = torch.atan2(torch.where(imag.abs() < 1e-12, 0, imag), real)
        assert torch.remainder(ours - y + 1, 2 * math.pi).sub(1).abs().max() < 1e-5
        return ours
    ours = (real.square() + imag.square()).clamp(min=keras.backend.epsilon()).sqrt()
    ours = ours.log() if mode == "log" else ours
    assert (ours - y).abs().max() < 1e-5
    return ours


def case(shape, **options):
    x = (torch.randint(-64, 65, shape, generator=gen).double() / 64).requires_grad_()
    o = {k: ("none" if v is None else v) for k, v in options.items()}
    y = stft(x, options) if "mode" in options else Mel(**options, dtype="float64")(x)
    v = torch.randint(-8, 9, y.shape, generator=gen).double() / 8
    (g,) = torch.autograd.grad(y, x, v)
    rows.append("    {%s, %s, %d, {%s}, {%s}, %s, %s, %s, %s}," % ('"STFTSpectrogram"' if "mode" in options else '"MelSpectrogram"', json.dumps(json.dumps(o)), len(shape), ", ".join(map(str, shape)), ", ".join(map(str, y.shape)),
                                                             array(x), array(y), array(v), array(g)))


case((2, 60), fft_length=16, sequence_stride=8, num_mel_bins=5, power_to_db=False)
case((40,), fft_length=32, sequence_stride=7, sequence_length=20, num_mel_bins=6, window="hamming", sampling_rate=8000, min_freq=100.0, max_freq=3000.0)
case((1, 2, 30), fft_length=15, sequence_stride=4, num_mel_bins=4, window=None, mag_exp=1.0, ref_power=0.5)
case((2, 33), fft_length=64, sequence_stride=16, num_mel_bins=8, top_db=6.0, min_power=1e-4)
case((2, 40), mode="log", frame_length=8)
case((2, 2, 21), mode="magnitude", frame_length=7, frame_step=3, fft_length=12, window="hamming", padding="same")
case((33,), mode="psd", frame_length=16, window="blackman", periodic=True, scaling="spectrum")
case((1, 30), mode="real", frame_length=10, frame_step=10, window="nuttall", scaling=None)
case((3, 17), mode="imag", frame_length=9, frame_step=4, fft_length=11, window="blackmanharris", padding="same")
case((2, 40), mode="angle", frame_length=8, window="flattop", scaling="spectrum")
case((1, 1, 2, 12), mode="stft", frame_length=5, frame_step=1, window="boxcar", padding="same")
case((5,), mode="log", frame_length=16, frame_step=3, window=None, padding="same")

print("/* Made by make_audio.py with Keras %s on PyTorch %s; do not edit. */" % (keras.__version__, torch.__version__.split("+")[0]))
print("static const struct {\n    const char *type, *options;\n    int ndim;\n    int64_t shape[4], out_shape[5];\n    const double *x, *y, *v, *g;\n} audio_cases[] = {")
print("\n".join(rows) + "\n};")
