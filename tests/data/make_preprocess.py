#!/usr/bin/env python3
"""Write preprocess_reference.h: Keras's preprocessing layers, with gradients by PyTorch, in float64; with --lua
preprocess_values.lua: what they fit to data.

Usage: make_preprocess.py [--lua] > preprocess_reference.h   (needs keras and torch; the tests need only the files)
"""
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import torch

keras.backend.set_floatx("float64")
torch.manual_seed(67)
data = (torch.randint(-16, 17, (40, 3)).double() / 8).numpy()
x = torch.randint(-16, 17, (4, 3)).double() / 8
ids = torch.tensor([[0, 3, 1], [3, 3, 4], [2, 2, 2], [1, 0, 4]])
weights = torch.randint(1, 17, (4, 3)).double() / 8
mean, variance = np.array([0.5, -1.25, 2.0]), np.array([2.25, 0.0625, 4.0])  # with roots that Keras, which takes them in float32, has whole


def layer(name, *args, **options):
    return getattr(keras.layers, name)(*args, dtype="float64", **options)


def normalization(axis, invert=False, m=mean, v=variance):
    made = layer("Normalization", axis=axis, mean=m, variance=v, invert=invert)
    made.build((4, 3))
    return made


# (type, options here, Keras's layer, input, weights, state)
CASES = [
    ("Normalization", '"num_features": 3', normalization(-1), x, None, (mean, variance)),
    ("Normalization", '"num_features": 3, "invert": true', normalization(-1, True), x, None, (mean, variance)),
    ("Normalization", '"num_features": 0', normalization(None, m=0.75, v=4.0), x, None, (np.array(0.75), np.array(4.0))),
    ("Rescaling", '"scale": 0.25, "offset": -1', layer("Rescaling", 0.25, -1.0), x, None, ()),
    ("CategoryEncoding", '"num_tokens": 5, "output_mode": "one_hot"', layer("CategoryEncoding", 5, "one_hot"), ids, None, ()),
    ("CategoryEncoding", '"num_tokens": 5, "output_mode": "one_hot"', layer("CategoryEncoding", 5, "one_hot"), ids[:, :1], None, ()),
    ("CategoryEncoding", '"num_tokens": 6', layer("CategoryEncoding", 6, "multi_hot"), ids, None, ()),
    ("CategoryEncoding", '"num_tokens": 5', layer("CategoryEncoding", 5, "multi_hot"), ids[0], None, ()),
    ("CategoryEncoding", '"num_tokens": 5, "output_mode": "count"', layer("CategoryEncoding", 5, "count"), ids, None, ()),
    ("CategoryEncoding", '"num_tokens": 5, "output_mode": "count"', layer("CategoryEncoding", 5, "count"), ids, weights, ()),
    ("Discretization", '"num_bins": 4', layer("Discretization", bin_boundaries=[-1.5, 0.0, 0.25]), x, None, (np.array([-1.5, 0.0, 0.25]),)),
]


def listed(t):
    return "{ %s }" % ", ".join("%.17g" % a for a in np.asarray(t, dtype=float).reshape(-1).tolist())


def row(k, case):
    name, options, made, given, w, state = case
    variable = w if w is not None else given if given.dtype.is_floating_point else None
    if variable is not None:
        variable = variable.clone().requires_grad_()
    y = made(given, count_weights=variable) if w is not None else made(variable if variable is not None else given)
    is_ids = name == "Discretization"
    arrays = {"x": given, "y": y.detach().cpu()}
    if w is not None:
        arrays["w"] = w
    if variable is not None and not is_ids:
        v = torch.randint(-16, 17, y.shape).double() / 8
        arrays["v"], arrays["g"] = v, torch.autograd.grad(y, variable, v)[0]
    for i, part in enumerate(state):
        arrays["state%d" % i] = part
    for label, t in arrays.items():
        print("static const double preprocess_%d_%s[] = %s;" % (k, label, listed(t)))
    of = lambda label: "preprocess_%d_%s" % (k, label) if label in arrays else "NULL"
    return '    { "%s", "{%s}", %d, %d, { %s }, %d, { %s }, %s },' % (
        name, options.replace('"', '\\"'), not given.dtype.is_floating_point, given.ndim, ", ".join(map(str, given.shape)), y.ndim, ", ".join(map(str, y.shape)),
        ", ".join(of(label) for label in ("x", "w", "state0", "state1", "y", "v", "g")))


def main():
    print("/* Made by make_preprocess.py with Keras %s on PyTorch %s. Ids count from 0. */" % (keras.__version__, torch.__version__.split("+")[0]))
    rows = [row(k, case) for k, case in enumerate(CASES)]
    print("static const struct {\n    const char *type, *options;\n    int ids, ndim;\n    int64_t shape[2];\n    int out_ndim;\n    int64_t out_shape[3];")
    print("    const double *x, *w, *state0, *state1, *y, *v, *g; /* g: the gradient of w, else of x; NULL: none */\n} preprocess_cases[] = {")
    print("\n".join(rows) + "\n};")


def adapted():
    fitted, bins = keras.layers.Normalization(axis=-1), keras.layers.Discretization(num_bins=4)
    fitted.build(data.shape)
    fitted.adapt(data)
    bins.update_state(data[:, 0])  # adapt itself asks for TensorFlow
    bins.finalize_state()
    print("-- Made by make_preprocess.py --lua with Keras %s: data (40, 3), its mean and variance; of its first column the boundaries of 4 bins." % keras.__version__)
    print("-- luacheck: no max line length\nreturn {")
    for label, t in (("data", data), ("mean", fitted.mean.detach().cpu()), ("variance", fitted.variance.detach().cpu()), ("boundaries", bins.bin_boundaries)):
        print("  %s = %s," % (label, listed(t)))
    print("}")


if "--lua" in sys.argv:
    adapted()
else:
    main()
