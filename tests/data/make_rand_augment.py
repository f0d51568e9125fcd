#!/usr/bin/env python3
"""Write rand_augment_reference.h: what Keras's RandAugment makes of an image by each of its layers, in float64.

Usage: make_rand_augment.py > rand_augment_reference.h   (needs keras and torch; the tests need only the file)

Its factor is two equal bounds. What it would draw of that is given to it, in all the ways that are left: a sign of the shear, a number of
bits. RandomContrast draws whatever the bounds are, and has no line. Keras's AugMix, of the same layers, is compared with the formula that
the tests go by. The layers are called one by one, for RandomBrightness adds to what it is given, chosen or not, and with copies of what
they draw, for affine_transform changes that. Images are channels_last, for AutoContrast takes no others, and one alone, for Equalization
takes a batch as one image.
"""
import copy
import math
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch

keras.backend.set_image_data_format("channels_last")
gen = torch.Generator().manual_seed(72)
names = ["random_shear", "random_translation", "random_rotation", "random_posterization", "solarization", "auto_contrast", "equalization",
         "random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness"]  # in AugMix's order
written, arrays = [], {}


def each(value, *shape, dtype=torch.float64):
    return torch.full(shape, value, dtype=dtype)


def transformations(f, x, values):
    """{name: what is drawn of the factor, in each way}"""
    h, w, span = x.shape[1], x.shape[2], values[1] - values[0]
    c, s = math.cos(2 * math.pi * f), math.sin(2 * math.pi * f)
    ch, cw = (h - 1) / 2, (w - 1) / 2
    most = max(1, int(8 * f))
    return {
        "random_shear": [{"shear_factor": each(sign * f, 1, 2)} for sign in (1, -1)],
        "random_translation": [{"translations": torch.tensor([[f * w, f * h]], dtype=torch.float64)}],
        "random_rotation": [{"rotation_matrix": torch.tensor([[c, -s, cw - cw * c + ch * s, s, c, ch - cw * s - ch * c, 0, 0]], dtype=torch.float64)}],
        "random_posterization": [{"shift_factor": each(8 - bits, 1, dtype=torch.uint8)} for bits in (range(1, most) if most > 1 else [1])],
        "solarization": [{"additions": each(255 * f, 1, 1, 1, 1), "thresholds": each(255 * f, 1, 1, 1, 1)}],
        "auto_contrast": [None],
        "equalization": [None],
        "random_brightness": [{"rgb_delta": each(f * span, 1, 1, 1, 1)}],
        "random_color_degeneration": [{"factor": each(f, 1, 1, 1, 1)}],
        "random_contrast": [{"contrast_factor": each(1.0, 1, 1, 1, 1)}],
        "random_sharpness": [{"factor": each(f, 1)}],
    }


def array(t):
    values = ", ".join("%.17g" % v for v in t.detach().cpu().double().permute(0, 3, 1, 2).reshape(-1).tolist())
    return arrays.setdefault(values, "rand_augment_%d" % len(arrays))


def case(f, values, interpolation, x):
    layer = keras.layers.RandAugment(values, num_ops=1, factor=(f, f), interpolation=interpolation, dtype="float64")
    assert set(layer._AUGMENT_LAYERS) == set(names)
    drawn = transformations(f, x, values)
    results = []
    for name in names:
        for transformation in drawn[name] if name != "random_contrast" else []:
            results.append((name, getattr(layer, name).transform_images(x.clone(), copy.deepcopy(transformation)), transformation))
    mixed(f, values, interpolation, x, results)
    options = '\\"value_range\\": [%g, %g], \\"factor\\": [%g, %g], \\"interpolation\\": \\"%s\\"' % (*values, f, f, interpolation)
    shape = (x.shape[3], x.shape[1], x.shape[2])
    written.append('    {"%s", {%s}, %g, %d, %s,\n     {%s}},' % (options, ", ".join(map(str, shape)), f, len(results), array(x),
                                                         ",\n      ".join("{%d, %s}" % (names.index(n), array(y)) for n, y, _ in results)))


def mixed(f, values, interpolation, x, results):
    layer = keras.layers.AugMix(values, num_chains=2, chain_depth=1, factor=(f, f), interpolation=interpolation, dtype="float64")
    for (a, y, drawn_a), (b, z, drawn_b) in zip(results, results[1:]):
        chains = [[{"layer_name": a, "transformation": copy.deepcopy(drawn_a)}], [{"layer_name": b, "transformation": copy.deepcopy(drawn_b)}]]
        got = layer.transform_images(x.clone(), {"chain_mixing_weights": torch.tensor([0.25, 0.75]), "weight_sample": torch.tensor(0.375),
                                                 "chain_transforms": chains})
        assert (got - (0.375 * x + 0.625 * (0.25 * y + 0.75 * z)).clip(*values)).abs().max() < 1e-9 * values[1], (a, b)


between = lambda low, high, *shape: low + (high - low) * torch.randint(0, 65, shape, generator=gen).double() / 64
case(0.25, (0, 255), "bilinear", between(70, 185, 1, 4, 5, 3))
case(0.4, (-1, 1), "nearest", between(-0.5, 0.5, 1, 5, 4, 3))
case(0.125, (0, 1), "bilinear", between(0.25, 0.75, 1, 3, 4, 3))

print("/* Made by make_rand_augment.py with Keras %s on PyTorch %s; do not edit. */" % (keras.__version__, torch.__version__.split("+")[0]))
for values, name in arrays.items():
    print("static const double %s[] = {%s};" % (name, values))
print("/* `layer` counts from 0 in the order %s. */" % ", ".join(names))
print("static const struct {\n    const char *options;\n    int64_t shape[3];\n    double factor;\n    int n;\n    const double *x;\n    struct {\n"
      "        int layer;\n        const double *y;\n    } by[16];\n} rand_augment_cases[] = {")
print("\n".join(written) + "\n};")
