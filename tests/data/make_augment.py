#!/usr/bin/env python3
"""Write augment_reference.h: Keras's random image layers at fixed parameters, in float64.

Usage: make_augment.py > augment_reference.h   (needs keras and torch; the tests need only the file)

Keras makes its matrices in float32, so those of rotation, zoom, translation and shear are made here by its formulas and given to
its affine_transform; each is compared with the layer itself. The others get what they would draw as their transformation. Where a
layer draws a sign too, both results are written.
"""
import math
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch

keras.backend.set_image_data_format("channels_first")
gen = torch.Generator().manual_seed(71)
arrays, rows = {}, []


def few(*shape, most=16):
    return torch.randint(0, most + 1, shape, generator=gen).double() / most


def array(t):
    values = ", ".join("%.17g" % v for v in t.detach().cpu().double().reshape(-1).tolist())
    return arrays.setdefault(values, "augment_%d" % len(arrays))


def case(name, options, x, *variants):
    text = "{%s}" % ", ".join('"%s": %s' % (k, v) for k, v in options.items())
    rows.append('    {"%s", "%s", {%s}, %d, %s, {%s}},' % (name, text.replace('"', '\\"'), ", ".join(map(str, x.shape)), len(variants), array(x),
                                                          ", ".join(array(v) for v in variants)))


def quoted(options):
    return {k: '"%s"' % v if isinstance(v, str) else list(v) if isinstance(v, tuple) else v for k, v in options.items()}


def warped(name, options, x, matrices, **rest):
    """matrices: (a0, a1, a2, b0, b1, b2) of each variant."""
    results = []
    for m in matrices:
        matrix = torch.tensor([[*m, 0.0, 0.0]] * len(x), dtype=torch.float64)
        results.append(keras.ops.image.affine_transform(x, matrix, rest.get("interpolation", "bilinear"), rest.get("fill_mode", "reflect"),
                                                        rest.get("fill_value", 0.0)).cpu())
    own = getattr(keras.layers, name)(**options, **rest)(x.float(), training=True).cpu().double()
    for i in range(len(x)):
        assert min(float((own[i] - r[i]).abs().max()) for r in results) < 1e-4, (name, options)
    case(name, {**quoted(options), **quoted(rest)}, x, *results)


def turn(f, x):
    h, w = (x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2
    c, s = math.cos(2 * math.pi * f), math.sin(2 * math.pi * f)
    return [(c, -s, w - w * c + h * s, s, c, h - w * s - h * c)]


def nearer(height, width, x):
    h, w = (x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2
    return [(1 + width, 0.0, w * -width, 0.0, 1 + height, h * -height)]


def moved(height, width, x):
    return [(1.0, 0.0, -width * x.shape[3], 0.0, 1.0, -height * x.shape[2])]


image, small = few(2, 2, 4, 5), few(1, 1, 3, 3)
for f, rest in ((0.1, {}), (-0.3, {"fill_mode": "constant", "fill_value": 0.5}), (0.07, {"fill_mode": "wrap", "interpolation": "nearest"}),
                (0.6, {"fill_mode": "nearest"})):
    warped("RandomRotation", {"factor": (f, f)}, image, turn(f, image), **rest)
for height, width, rest in ((0.3, -0.4, {"fill_mode": "nearest"}), (0.75, 0.9, {}), (-0.45, 0.2, {"fill_mode": "constant", "fill_value": -1.0})):
    warped("RandomZoom", {"height_factor": (height, height), "width_factor": (width, width)}, image, nearer(height, width, image), **rest)
warped("RandomZoom", {"height_factor": (0.35, 0.35)}, small, nearer(0.35, 0.35, small), fill_mode="wrap", interpolation="nearest")
for height, width, rest in ((0.3, -0.45, {}), (1.0, -0.9, {}), (0.4, 0.7, {"fill_mode": "wrap"}), (-0.3, 0.25, {"fill_mode": "constant"}),
                            (0.3, 0.3, {"fill_mode": "nearest", "interpolation": "nearest"})):
    warped("RandomTranslation", {"height_factor": (height, height), "width_factor": (width, width)}, image, moved(height, width, image), **rest)
for x_factor, y_factor, rest in ((0.4, 0.1, {}), (0.15, 0.7, {"fill_mode": "constant", "fill_value": 2.0})):
    warped("RandomShear", {"x_factor": (x_factor, x_factor), "y_factor": (y_factor, y_factor)}, image,
           [(1.0, s * x_factor, 0.0, s * y_factor, 1.0, 0.0) for s in (1, -1)], **rest)


def changed(name, options, keras_options, x, *transformations):
    layer = getattr(keras.layers, name)(**keras_options, dtype="float64")
    case(name, options, x, *[layer.transform_images(x.clone(), transformation=t, training=True) for t in transformations])


def each(value, *shape):
    return torch.full(shape, value, dtype=torch.float64)


colours, bytes_of = few(2, 3, 3, 4), torch.randint(0, 256, (2, 3, 4, 5), generator=gen).double()
grey = torch.cat([colours[:1], few(1, 1, 3, 4).expand(1, 3, 3, 4)])
unit = {"value_range": (0, 1)}
changed("RandomBrightness", {"factor": "[0.3, 0.3]"}, {"factor": 0.3}, bytes_of, {"rgb_delta": each(0.3 * 255, 2, 1, 1, 1)})
changed("RandomBrightness", {"factor": "[-0.2, -0.2]", "value_range": 1}, {"factor": 0.2, **unit}, colours, {"rgb_delta": each(-0.2, 2, 1, 1, 1)})
for f in (0.25, 0.8):
    changed("RandomSaturation", {"factor": "[%g, %g]" % (f, f), "value_range": 1}, {"factor": f, **unit}, grey, {"factor": each(f / (1 - f + 1e-7), 2)})
for f in (0.3, 1.0):
    changed("RandomHue", {"factor": "[%g, %g]" % (f, f), "value_range": 1}, {"factor": f, **unit}, grey, *[{"factor": each(s * f / 2, 2)} for s in (1, -1)])
hues = [{"factor": each(s * 0.2, 2)} for s in (1, -1)]  # Keras divides by 255 in float32
exact = [keras.layers.RandomHue(0.4, **unit, dtype="float64").transform_images(bytes_of / 255, t) * 255 for t in hues]
assert all((keras.layers.RandomHue(0.4, dtype="float64").transform_images(bytes_of, t) - y).abs().max() < 1e-3 for t, y in zip(hues, exact))
case("RandomHue", {"factor": "[0.4, 0.4]"}, bytes_of, *exact)
case("RandomGrayscale", {"factor": 1}, colours, keras.layers.RandomGrayscale(1.0, dtype="float64").transform_images(colours, torch.ones(2, 1, 1, 1, dtype=bool)))
changed("RandomInvert", {"factor": "[1, 1]"}, {"factor": 1.0}, bytes_of, {"apply_inversion": torch.ones(2, dtype=bool)})
changed("Solarization", {}, {}, bytes_of, {"additions": each(0.0, 2, 1, 1, 1), "thresholds": each(0.0, 2, 1, 1, 1)})
changed("Solarization", {"addition_factor": "[0.1, 0.1]", "threshold_factor": "[0.6, 0.6]", "value_range": 1}, unit, colours,
        {"additions": each(25.5, 2, 1, 1, 1), "thresholds": each(153.0, 2, 1, 1, 1)})
last = lambda x: x.permute(0, 2, 3, 1)
contrast = keras.layers.AutoContrast(dtype="float64")  # takes its channels last, whatever the data format says
case("AutoContrast", {}, bytes_of, contrast.transform_images(last(bytes_of)).permute(0, 3, 1, 2))
flat = torch.cat([colours[:1], each(0.5, 1, 3, 3, 4)])
case("AutoContrast", {"value_range": 1}, flat, keras.layers.AutoContrast((0, 1), dtype="float64").transform_images(last(flat)).permute(0, 3, 1, 2))
for options, keras_options, x in (({}, {}, bytes_of[:1]), ({"bins": 16}, {"bins": 16}, bytes_of[1:]), ({"value_range": 1, "bins": 256}, unit, flat[:1]),
                                  ({"value_range": 1}, unit, flat[1:])):
    changed("Equalization", options, keras_options, x, None)
for size, s in ((3, 0.7), (5, 1.0)):
    changed("RandomGaussianBlur", {"factor": "[1, 1]", "kernel_size": size, "sigma": "[%g, %g]" % (s, s)}, {"factor": 1.0, "kernel_size": size, "sigma": s}, bytes_of,
            {"should_apply_blur": torch.ones(2, dtype=bool), "blur_factor": each(s + 1e-6, 2)})
for f in (0.0, 0.25, 1.0):
    changed("RandomSharpness", {"factor": "[%g, %g]" % (f, f)}, {"factor": f}, bytes_of, {"factor": each(f, 2)})
changed("RandomSharpness", {"factor": "[0.9, 0.9]", "value_range": 1}, {"factor": 0.9, **unit}, small, {"factor": each(0.9, 1)})
for f in (0.375, 1.0):
    changed("RandomColorDegeneration", {"factor": "[%g, %g]" % (f, f)}, {"factor": f}, bytes_of, {"factor": each(f, 2, 1, 1, 1)})
changed("RandomColorDegeneration", {"factor": "[0.5, 0.5]", "value_range": 1}, {"factor": 0.5, **unit}, colours, {"factor": each(0.5, 2, 1, 1, 1)})
bits = lambda n, x: {"shift_factor": torch.full((len(x),), 8 - n, dtype=torch.uint8)}
for options, n, x, rest in (("[3, 3]", 3, bytes_of, {}), (1, 1, bytes_of + 0.75, {}), ("[8, 8]", 8, bytes_of + 0.75, {}), ("[4, 5]", 4, colours, unit)):
    changed("RandomPosterization", {"factor": options, **({"value_range": 1} if rest else {})}, {"factor": n, **rest}, x, bits(n, x))
changed("RandomPosterization", {"factor": 3}, {"factor": 3}, bytes_of, bits(1, bytes_of), bits(2, bytes_of))

# Keras's RandomColorJitter computes in float32: its parts one after the other, compared with it.
jitter = {"brightness_factor": (0.25, 0.25), "contrast_factor": (0.0, 0.0), "saturation_factor": (0.25, 0.25), "hue_factor": (0.375, 0.375)}
for names in (("brightness_factor", "contrast_factor", "saturation_factor", "hue_factor"), ("hue_factor", "brightness_factor"), ("brightness_factor",), ()):
    x, results = colours, []
    chosen = {k: jitter[k] for k in names}
    for sign in (1, -1):
        y = x.clone()
        for name, part, drawn in (("brightness_factor", "Brightness", {"rgb_delta": each(0.25, 2, 1, 1, 1)}),
                                  ("contrast_factor", "Contrast", {"contrast_factor": each(1.0, 2, 1, 1, 1)}),
                                  ("saturation_factor", "Saturation", {"factor": each(0.25 / (1 - 0.25 + 1e-7), 2)}),
                                  ("hue_factor", "Hue", {"factor": each(sign * 0.375 / 2, 2)})):
            if name in names:
                y = getattr(keras.layers, "Random" + part)(0.5, **unit, dtype="float64").transform_images(y, drawn)
        results.append(y)
    own = keras.layers.RandomColorJitter(**unit, **chosen)(x.float(), training=True).cpu().double()
    for i in range(len(x)):
        assert min(float((own[i] - r[i]).abs().max()) for r in results) < 1e-5, chosen
    case("RandomColorJitter", {"value_range": 1, **quoted(chosen)}, x, *results)

print("/* Made by make_augment.py with Keras %s on PyTorch %s; do not edit. */" % (keras.__version__, torch.__version__.split("+")[0]))
for values, name in arrays.items():
    print("static const double %s[] = {%s};" % (name, values))
print("static const struct {\n    const char *type, *options;\n    int64_t shape[4];\n    int variants;\n    const double *x, *y[2];\n} augment_cases[] = {")
print("\n".join(rows) + "\n};")
