#!/usr/bin/env python3
"""PyTorch's and Keras's numbers for the tests of the plugins pool and norm, at inputs that float32 holds exactly: PyTorch's in float64,
Keras's in float32, in which its BatchNormalization computes whatever its dtype.

    python3 tests/data/make_pool_norm.py    # needs PyTorch 2 and Keras 3; writes pool_reference.h and norm_reference.h beside it
"""
import json
import math
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch

HERE = pathlib.Path(__file__).parent
gen = torch.Generator().manual_seed(31)
torch.set_default_dtype(torch.float64)


def real(*shape, lo=-3.0, hi=3.0):
    """Uniform numbers with few digits, which float32 holds exactly; some of them are equal."""
    return (torch.rand(shape, generator=gen) * (hi - lo) + lo).mul(16).round().div(16)


def number(x):
    if math.isnan(x) or math.isinf(x):
        return "NAN" if math.isnan(x) else "INFINITY" if x > 0 else "-INFINITY"
    return repr(int(x)) if x == int(x) and abs(x) < 1e9 else repr(x)


class Header:
    """Arrays of doubles, each once, and one table of cases."""

    def __init__(self, table):
        self.table, self.arrays, self.cases = table, {}, []

    def array(self, t):
        if t is None:
            return "NULL"
        values = ", ".join(number(float(v)) for v in t.detach().flatten().tolist()) or "0"
        return self.arrays.setdefault(values, f"{self.table}_{len(self.arrays)}")

    def write(self, name, struct):
        lines = [f"/* Made by make_pool_norm.py with PyTorch {torch.__version__.split('+')[0]}, Keras {keras.__version__}; do not edit. */", "#include <math.h>"]
        lines += [f"static const double {name}[] = {{ {values} }};" for values, name in self.arrays.items()]
        text = "\n".join(lines + [f"static const {struct} {self.table}[] = {{"] + self.cases + ["};\n"])
        (HERE / name).write_text(text)
        print(name, len(self.cases), "cases", len(text), "bytes")


def quoted(options):
    return "NULL" if not options else json.dumps(json.dumps(options))


def dims(t):
    return f"{t.dim()}, {{ {', '.join(map(str, t.shape))} }}"


# ---- pool --------------------------------------------------------------------------------------------------------------------
def pools():
    h = Header("pool_cases")

    def case(kind, options, x):
        names = {k: None if k in ("output_size",) and v == 0 else v for k, v in options.items()}
        if isinstance(names.get("output_size"), list):
            names["output_size"] = tuple(v or None for v in names["output_size"])
        x = x.clone().requires_grad_()
        y = getattr(torch.nn, kind)(**names)(x)
        v = real(*y.shape, lo=-1, hi=1)
        y.backward(v)
        h.cases.append(f"    {{ \"{kind}\", {quoted(options)}, 1, {{ {{ {dims(x)}, {h.array(x)}, GOLDEN_REAL }} }}, {{ {dims(y)}, {h.array(y)}, GOLDEN_REAL }},"
                       f" {h.array(v)}, {{ {h.array(x.grad)} }}, NULL, NULL }},")

    odd = real(1, 1, 4, 5)
    odd[0, 0, 0, 1], odd[0, 0, 1, 1], odd[0, 0, 2] = math.nan, math.nan, -math.inf
    row, image, cube = real(2, 2, 7), real(2, 2, 5, 6), real(1, 2, 4, 3, 5)
    ties = real(1, 1, 4, 4, lo=-0.1, hi=0.1).mul(8).round()
    for o in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 2, "ceil_mode": True},
              {"kernel_size": 3, "stride": 1, "dilation": 2, "padding": 1}):
        case("MaxPool1d", o, row)
    case("MaxPool1d", {"kernel_size": 2}, real(3, 5))
    for o in ({"kernel_size": 2}, {"kernel_size": [3, 2], "stride": [2, 3], "padding": [1, 0]}, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
              {"kernel_size": 2, "stride": 1, "dilation": [2, 3]}):
        case("MaxPool2d", o, image)
    case("MaxPool2d", {"kernel_size": 2}, ties)
    case("MaxPool2d", {"kernel_size": 2, "stride": 1}, odd)
    case("MaxPool3d", {"kernel_size": 2, "stride": [1, 2, 1], "padding": [1, 0, 1]}, cube)
    for o in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}):
        case("AvgPool1d", o, row)
    for o in ({"kernel_size": 2}, {"kernel_size": [3, 2], "stride": [2, 1], "padding": 1}, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
              {"kernel_size": 2, "padding": 1, "count_include_pad": False}, {"kernel_size": 3, "stride": 1, "divisor_override": 2}):
        case("AvgPool2d", o, image)
    case("AvgPool3d", {"kernel_size": [2, 3, 2], "stride": 2, "padding": [1, 1, 0]}, cube)
    for way in ("Max", "Avg"):
        case(f"Adaptive{way}Pool1d", {"output_size": 3}, row)
        for size in (1, [3, 4], [0, 2], 7):
            case(f"Adaptive{way}Pool2d", {"output_size": size}, image)
        case(f"Adaptive{way}Pool3d", {"output_size": [2, 1, 3]}, cube)
        case(f"Adaptive{way}Pool2d", {"output_size": 2}, odd)
    h.write("pool_reference.h", "golden_case")


# ---- norm --------------------------------------------------------------------------------------------------------------------
STEPS = ((1, 0), (0.5, 1), (-2, 0.25))  # training passes beforehand over x times the first plus the second


def norms():
    h = Header("norm_cases")

    def add(kind, options, x, is_eval, w, b, v, y, mean, var, batches, grads, single=0):
        gx, gw, gb = grads
        arrays = ", ".join(h.array(t) for t in (x, w, b, v, y, gx, gw, gb, mean, var))
        h.cases.append(f"    {{ \"{kind}\", {quoted(options)}, {int(is_eval)}, {single}, {batches}, {dims(x)}, {arrays} }},")

    def case(kind, options, x, is_eval=False, names=None):
        layer = getattr(torch.nn, kind)(**(options if names is None else names))
        w, b = getattr(layer, "weight", None), getattr(layer, "bias", None)
        for p in (w, b):
            if p is not None:
                p.data = real(*p.shape)
        for times, plus in STEPS:
            layer(x * times + plus)
        layer.train(not is_eval)
        x = x.clone().requires_grad_()
        y = layer(x)
        v = real(*y.shape, lo=-1, hi=1)
        y.backward(v)
        mean, var = getattr(layer, "running_mean", None), getattr(layer, "running_var", None)
        batches = len(STEPS) + (not is_eval) if mean is not None else -1  # PyTorch does not count those of instance norm
        add(kind, options, x, is_eval, w, b, v, y, mean, var, batches, (x.grad, *(None if p is None else p.grad for p in (w, b))))

    flat, row, image, cube = real(5, 3), real(2, 3, 4), real(2, 4, 3, 3), real(2, 2, 2, 1, 3)
    far = real(8, 2) + 512
    for is_eval in (False, True):
        case("BatchNorm1d", {"num_features": 3}, flat, is_eval)
        case("BatchNorm1d", {"num_features": 3, "momentum": 0.25, "eps": 0.125}, row, is_eval)
        case("BatchNorm2d", {"num_features": 4, "affine": False}, image, is_eval)
        case("BatchNorm2d", {"num_features": 4, "cumulative": True}, image, is_eval, {"num_features": 4, "momentum": None})
        case("BatchNorm3d", {"num_features": 2, "track_running_stats": False}, cube, is_eval)
        case("InstanceNorm1d", {"num_features": 3, "affine": True, "track_running_stats": True}, row, is_eval)
        case("InstanceNorm2d", {"num_features": 4}, image, is_eval)
    case("BatchNorm1d", {"num_features": 2}, far)
    case("BatchNorm1d", {"num_features": 3}, real(1, 3, 11))
    case("InstanceNorm2d", {"num_features": 4, "track_running_stats": True}, image, True)
    case("InstanceNorm1d", {"num_features": 3, "affine": True}, real(3, 9))
    case("InstanceNorm3d", {"num_features": 2}, cube)
    for groups in (1, 2, 4):
        case("GroupNorm", {"num_groups": groups, "num_channels": 4}, image)
    case("GroupNorm", {"num_groups": 2, "num_channels": 4, "affine": False, "eps": 0.25}, real(3, 4))
    case("LayerNorm", {"normalized_shape": 3}, flat)
    case("LayerNorm", {"normalized_shape": [3, 3]}, image)
    case("LayerNorm", {"normalized_shape": 4, "bias": False}, row)
    case("LayerNorm", {"normalized_shape": 11, "elementwise_affine": False, "eps": 0.5}, real(2, 11))
    case("RMSNorm", {"normalized_shape": 3}, flat)
    case("RMSNorm", {"normalized_shape": [3, 4], "eps": 0.125}, row)
    case("RMSNorm", {"normalized_shape": 11, "elementwise_affine": False, "eps": 0.0}, real(2, 11))

    # Keras: momentum 0.75 is ours 0.25, moving_variance is not corrected.
    for is_eval in (False, True):
        layer = keras.layers.BatchNormalization(axis=1, momentum=0.75, epsilon=1e-3)
        w, b, x = (real(*shape).float() for shape in ((4,), (4,), (2, 4, 3, 3)))
        layer.build(x.shape)
        layer.set_weights([w.numpy(), b.numpy(), torch.zeros(4).float().numpy(), torch.ones(4).float().numpy()])
        for times, plus in STEPS:
            layer(x * times + plus, training=True)
        x = x.requires_grad_()
        y = layer(x, training=not is_eval)
        v = real(*y.shape, lo=-1, hi=1).float()
        y.backward(v)
        mean, var = (m.value.detach() for m in (layer.moving_mean, layer.moving_variance))
        options = {"num_features": 4, "momentum": 0.25, "eps": 1e-3, "unbiased": False}
        add("BatchNorm2d", options, x, is_eval, w, b, v, y, mean, var, 3 + (not is_eval), (x.grad, layer.gamma.value.grad, layer.beta.value.grad), single=1)
    h.write("norm_reference.h", "norm_case")


pools()
norms()
