#!/usr/bin/env python3
"""PyTorch's numbers for the activations of plugins/shrink and plugins/gate, and those of Keras's formulas where PyTorch has none: values
and gradients in float64 at inputs that float32 holds exactly.

    python3 tests/data/make_shrink.py     # needs PyTorch 2; writes shrink_values.h beside it
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

gen = torch.Generator().manual_seed(22)
arrays, cases = {}, []


def real(*shape, lo=-3.0, hi=3.0):
    return (torch.rand(shape, generator=gen, dtype=torch.float64) * (hi - lo) + lo).mul(64).round().div(64)


def number(x):
    return "NAN" if math.isnan(x) else ("-" if x < 0 else "") + "INFINITY" if math.isinf(x) else repr(x)


def array(t):
    values = ", ".join(number(float(v)) for v in t.detach().flatten().tolist()) or "0"
    return arrays.setdefault(values, f"shrink_{len(arrays)}")


def tensor(t):
    return f"{{ {t.dim()}, {{ {', '.join(map(str, t.shape)) or '0'} }}, {array(t)}, GOLDEN_REAL }}"


def case(kind, options, fn, x, gradients=True):
    leaf = x.clone().requires_grad_()
    y = fn(leaf)
    v = real(*y.shape, lo=-1, hi=1)
    if gradients:
        y.backward(v)
    text = json.dumps(json.dumps(options)) if options else "NULL"
    cases.append(f"    {{ \"{kind}\", {text}, 1, {{ {tensor(x)} }}, {tensor(y)}, {array(v) if gradients else 'NULL'},"
                 f" {{ {array(leaf.grad) if gradients else 'NULL'} }}, NULL, NULL }},")


def squareplus(x, b=4.0):
    s = torch.sqrt(x * x + b)
    return torch.where(x < 0, b / (2 * (s - torch.where(x < 0, x, 0))), (x + s) / 2)


def sparse_plus(x):
    return torch.where(x <= -1, 0, torch.where(x < 1, (x + 1) ** 2 / 4, x))


def sparsemax(x, dim=-1):
    """By bisection of tau, then exactly from the support."""
    lo, hi = x.detach().amax(dim, keepdim=True) - 1, x.detach().amax(dim, keepdim=True)
    for _ in range(80):
        mid = (lo + hi) / 2
        more = (x.detach() - mid).clamp_min(0).sum(dim, keepdim=True) > 1
        lo, hi = torch.where(more, mid, lo), torch.where(more, hi, mid)
    on = (x.detach() > hi).double()
    tau = ((x * on).sum(dim, keepdim=True) - 1) / on.sum(dim, keepdim=True)
    return (x - tau) * on


grid = [-1000, -100, -30, -8, -3, -2.75, -1.5, -1, -0.625, -0.5, -0.125, -1e-3, 0, 1e-3, 0.125, 0.5, 0.625, 1, 1.5, 2.75, 3, 8, 30, 1000]
grid = torch.tensor(grid, dtype=torch.float64).float().double().reshape(4, 6)
odd = torch.tensor([math.nan, math.inf, -math.inf, 1e30, -1e30], dtype=torch.float64).float().double()
for kind, options, fn in (
        ("Hardshrink", {}, F.hardshrink), ("Hardshrink", {"lambd": 1.5}, lambda x: F.hardshrink(x, 1.5)),
        ("Softshrink", {}, F.softshrink), ("Softshrink", {"lambd": 1.5}, lambda x: F.softshrink(x, 1.5)),
        ("Tanhshrink", {}, F.tanhshrink), ("Threshold", {"threshold": 0.5, "value": -2.0}, lambda x: F.threshold(x, 0.5, -2.0)),
        ("LogSigmoid", {}, F.logsigmoid), ("CELU", {}, F.celu), ("CELU", {"alpha": 0.5}, lambda x: F.celu(x, 0.5)),
        ("Squareplus", {}, squareplus), ("Squareplus", {"b": 0.25}, lambda x: squareplus(x, 0.25)), ("SparsePlus", {}, sparse_plus),
        ("SparseSigmoid", {}, lambda x: F.hardtanh(x) / 2 + 0.5)):
    case(kind, options, fn, grid)
    if kind != "Squareplus":
        case(kind, options, fn, odd, gradients=False)
case("Exponential", {}, torch.exp, real(4, 6, lo=-20, hi=8))
case("RReLU", {"lower": 0.25, "upper": 0.25}, lambda x: F.rrelu(x, 0.25, 0.25, training=False), grid)
case("GLU", {}, F.glu, real(3, 4))
case("GLU", {"dim": 1}, lambda x: F.glu(x, 1), real(2, 6, 3))
case("CReLU", {}, lambda x: torch.cat((F.relu(x), F.relu(-x)), 1), real(2, 3, 2))
case("CReLU", {"dim": -1}, lambda x: torch.cat((F.relu(x), F.relu(-x)), -1), real(5))
case("Maxout", {"num_units": 2}, lambda x: x.reshape(3, 2, 3).amax(2), real(3, 6))
case("Maxout", {"num_units": 3, "dim": 1}, lambda x: x.reshape(2, 3, 2, 4).amax(2), real(2, 6, 4))
case("Softmin", {}, lambda x: F.softmin(x, -1), real(3, 5, lo=-20, hi=20))
case("Softmin", {"dim": 0}, lambda x: F.softmin(x, 0), real(3, 5))
case("Softmax2d", {}, torch.nn.Softmax2d(), real(2, 3, 2, 2))
case("Softmax2d", {}, torch.nn.Softmax2d(), real(3, 2, 2))
case("Sparsemax", {}, sparsemax, real(4, 6))
case("Sparsemax", {"dim": 0}, lambda x: sparsemax(x, 0), real(4, 3, 2, lo=-1, hi=1))
text = f"/* Made by make_shrink.py with PyTorch {torch.__version__.split('+')[0]}; do not edit. */\n#include <math.h>\n"
text += "\n".join(f"static const double {name}[] = {{ {values} }};" for values, name in arrays.items())
text += "\nstatic const golden_case shrink_cases[] = {\n" + "\n".join(cases) + "\n};\n"
path = pathlib.Path(__file__).parent / "shrink_values.h"
path.write_text(text)
print(path.name, len(cases), "cases", len(text), "bytes")
