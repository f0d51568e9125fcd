#!/usr/bin/env python3
"""Write augment_mix_reference.h: Keras's layers that bend, mix and equalise images, in float64.

Usage: make_augment_mix.py > augment_mix_reference.h   (needs keras of at least 3.14, scipy and torch; the tests need only the file)

What a layer draws are luron's own numbers, made here as core/src/random.c and plugins/preprocess/draw.c make them, and given to
Keras's layer as its transformation. Its projections are solved in float32: here they are in float64, near its own. It computes with
float32 in ContrastLimitedAdaptiveHistogramEqualization too: tiles are of so many places, 1 to 16 by powers of 2, that the parts of them
are exact. On PyTorch it counts in integers, to which it cuts its limit, and pads with the last place repeated; here
it counts in numbers and pads with what is reflected, as it does on TensorFlow and JAX.
"""
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import scipy.stats
import torch

keras.backend.set_image_data_format("channels_first")
keras.backend.set_floatx("float64")
gen = torch.Generator().manual_seed(72)
arrays, rows = {}, []


def philox(seed, stream, block):
    k0, k1, c = seed & 0xFFFFFFFF, seed >> 32, [block, stream, 0, 0]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k0, b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k1, a & 0xFFFFFFFF]
        k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
    return c


def uniform(seed, stream, *shape):
    """The numbers of the first call after the seed."""
    n = int(np.prod(shape))
    words = [w for block in range((n + 3) // 4) for w in philox(seed, stream, block)][:n]
    return torch.tensor([(w >> 8) / 2**24 for w in words], dtype=torch.float64).reshape(shape)


def normal(seed, stream, *shape):
    far, turn = torch.log1p(-uniform(seed, stream, *shape)), uniform(seed, stream + 1, *shape)
    return torch.sqrt(-2 * far) * torch.cos(2 * np.pi * turn)


def shares(seed, stream, n, k, alpha):
    d, x, u = alpha + 2 / 3, normal(seed, stream, n, k, 8), uniform(seed, stream + 2, n, k, 8)
    v = (1 + x / (9 * d) ** 0.5) ** 3
    log_v = torch.log(v.clamp(min=1e-300))
    accepted = (v > 0) & (torch.log1p(-u) < x**2 / 2 + d - d * v + d * log_v)
    log_gamma = np.log(d) + torch.gather(log_v, 2, accepted.double().argmax(2, keepdim=True))[:, :, 0]
    return torch.softmax(log_gamma + torch.log1p(-uniform(seed, stream + 3, n, k)) / alpha, 1)


def few(*shape, most=16):
    return torch.randint(0, most + 1, shape, generator=gen).double() / most


def array(t):
    if t is None:
        return "NULL"
    values = ", ".join("%.17g" % v for v in t.detach().cpu().double().reshape(-1).tolist())
    return arrays.setdefault(values, "mix_%d" % len(arrays))


def case(name, options, seed, x, y, labels=None, mixed=None):
    text = "{%s}" % ", ".join('"%s": %s' % (k, v) for k, v in options.items())
    rows.append('    {"%s", "%s", %d, {%s}, %d, %s, %s, %s, %s},' % (
        name, text.replace('"', '\\"'), seed, ", ".join(map(str, x.shape)), 0 if labels is None else labels.shape[1], array(x), array(y),
        array(labels), array(mixed)))


def quoted(options):
    return {k: '"%s"' % v if isinstance(v, str) else list(v) if isinstance(v, tuple) else v for k, v in options.items()}


keras_solve = keras.src.backend.torch.image.compute_homography_matrix


def solve(start, end):
    rows, zero, one = [], torch.zeros(len(start), dtype=torch.float64), torch.ones(len(start), dtype=torch.float64)
    for corner in range(4):
        x, y = end[:, corner].unbind(1)
        rows.append(torch.stack([x, y, one, zero, zero, zero, -start[:, corner, 0] * x, -start[:, corner, 0] * y], 1))
        rows.append(torch.stack([zero, zero, zero, x, y, one, -start[:, corner, 1] * x, -start[:, corner, 1] * y], 1))
    exact = torch.linalg.solve(torch.stack(rows, 1), start.reshape(-1, 8))
    assert (exact - keras_solve(start, end)).abs().max() < 1e-4
    return exact


keras.src.backend.torch.image.compute_homography_matrix = solve
image = few(2, 2, 4, 5)
for seed, options in ((1, {}), (2, {"scale": 0.5, "fill_value": -1.0}), (3, {"interpolation": "nearest"}), (4, {"scale": 0.75})):
    layer = keras.layers.RandomPerspective((1.0, 1.0), **options, dtype="float64")
    given = layer.get_random_transformation(image)
    growth = torch.zeros(len(image), 4, 2, dtype=torch.float64)
    for stream, corner, axis in ((2, 1, 0), (3, 2, 1), (4, 3, 0), (5, 3, 1)):  # the others stand at 0
        growth[:, corner, axis] = (uniform(seed, stream, len(image)) - 0.5) * layer.scale
    given["end_points"] = given["start_points"] * (1 + growth)
    case("RandomPerspective", {"factor": "[1, 1]", **quoted(options)}, seed, image, layer.transform_images(image, given))

torch_normal = torch.normal
for seed, x, scale, options in ((5, few(2, 2, 8, 10), 1.0, {}), (6, few(2, 1, 9, 8), 0.9, {"fill_mode": "constant", "fill_value": 0.25}),
                                (7, few(2, 1, 8, 8), 1.0, {"interpolation": "nearest", "fill_mode": "wrap"}),
                                (8, few(1, 1, 20, 16), 1.0, {"fill_mode": "nearest"})):
    layer = keras.layers.RandomElasticTransform((1.0, 1.0), (scale, scale), **options, value_range=(0, 1), dtype="float64")
    given = {"apply_transform": torch.ones(len(x), dtype=bool), "distortion_factor": torch.tensor(scale, dtype=torch.float64), "seed": None}
    streams = [5, 3]  # along the columns first
    torch.normal = lambda *_, size, **__: normal(seed, streams.pop(0), *size)
    case("RandomElasticTransform", {"factor": "[1, 1]", "scale": [scale, scale], **quoted(options), "value_range": 1}, seed, x,
         layer.transform_images(x, given))
torch.normal = torch_normal

labels = torch.eye(3, dtype=torch.float64)[[0, 2, 1, 0, 1]]
batch = few(5, 2, 3, 4)
for seed, alpha in ((9, 0.2), (10, 1.0), (11, 5.0)):
    layer = keras.layers.MixUp(alpha, dtype="float64")
    given = {"permutation_order": torch.argsort(uniform(seed, 0, len(batch)), stable=True), "mix_weight": shares(seed, 1, len(batch), 2, alpha)[:, 0]}
    case("MixUp", {"alpha": alpha}, seed, batch, layer.transform_images(batch, given), labels, layer.transform_labels(labels, given))
for seed, factor in ((12, 1.0), (13, 0.4)):
    layer = keras.layers.CutMix((factor, factor), dtype="float64")
    weight = shares(seed, 2, len(batch), 2, factor + 1e-6)[:, 0]
    side, bounds = torch.sqrt(1 - weight), []
    for stream, n in ((7, batch.shape[3]), (6, batch.shape[2])):
        first = uniform(seed, stream, len(batch)) * (n - side * n)
        bounds += [first, first + side * n]
    masks, weight = layer._generate_batch_mask(batch.shape, bounds)
    given = {"permutation_order": torch.argsort(uniform(seed, 0, len(batch)), stable=True), "batch_masks": masks, "mix_weight": weight}
    case("CutMix", {"factor": [factor, factor]}, seed, batch, layer.transform_images(batch, given), labels, layer.transform_labels(labels, given))

keras_one_hot = keras.src.backend.torch.nn.one_hot
keras.src.backend.torch.nn.one_hot = lambda x, classes: keras_one_hot(x, classes).double()
keras.src.backend.torch.numpy.pad = lambda x, widths, mode: torch.from_numpy(np.pad(x.numpy(), widths, mode))
keras.src.backend.torch.numpy.cumsum = lambda x, axis: torch.cumsum(x, axis)  # its own gives float32
bytes_of = torch.randint(0, 256, (2, 2, 7, 6), generator=gen).double()
dark = torch.randint(90, 110, (1, 1, 15, 16), generator=gen).double()
for x, options in ((bytes_of, {}), (bytes_of, {"tile_grid_size": (2, 3), "clip_limit": 60.0}), (bytes_of, {"tile_grid_size": (8, 8), "clip_limit": 0.0}),
                   (dark, {"tile_grid_size": (2, 2), "clip_limit": 16.0}), (dark, {"tile_grid_size": (4, 1), "clip_limit": 40.0}),
                   (dark[..., 8:], {"tile_grid_size": (1000, 2), "clip_limit": 90.0}), (dark, {"tile_grid_size": (2, 5), "clip_limit": 16.0}),
                   (torch.full((1, 1, 4, 4), 255.0, dtype=torch.float64), {"clip_limit": 0.0})):
    layer = keras.layers.ContrastLimitedAdaptiveHistogramEqualization(**options, dtype="float64")
    y = layer.transform_images(x)
    case("ContrastLimitedAdaptiveHistogramEqualization", quoted(options), 0, x, y)
unit = {"tile_grid_size": (2, 2), "clip_limit": 16.0, "value_range": (0, 1)}  # Keras's steps of 1/255 are float32
own = keras.layers.ContrastLimitedAdaptiveHistogramEqualization(**unit, dtype="float64").transform_images((dark + 0.5) / 255)
exact = keras.layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2), clip_limit=16.0, dtype="float64").transform_images(dark + 0.5) / 255
assert (own - exact).abs().max() < 1e-6
case("ContrastLimitedAdaptiveHistogramEqualization", quoted(unit), 0, (dark + 0.5) / 255, exact)

print("/* Made by make_augment_mix.py with Keras %s on PyTorch %s; do not edit. */" % (keras.__version__, torch.__version__.split("+")[0]))
for values, name in arrays.items():
    print("static const double %s[] = {%s};" % (name, values))
print("static const struct {\n    const char *type, *options;\n    uint64_t seed;\n    int64_t shape[4], classes;\n"
      "    const double *x, *y, *labels, *mixed;\n} mix_cases[] = {")
print("\n".join(rows) + "\n};")
print("/* How often a share is below 0.3. */\nstatic const struct {\n    double alpha, below;\n} mix_betas[] = {%s};" % ", ".join(
    "{%g, %.17g}" % (a, scipy.stats.beta.cdf(0.3, a, a)) for a in (0.05, 0.2, 0.5, 1, 2.5, 6)))
