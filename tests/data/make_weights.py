#!/usr/bin/env python3
"""Keras's regularisers, with their gradients, and constraints for tests/lua/weights_spec.lua, in float64. Keras's weights are [in, out] and
[rows, columns, in, out]; they are written here as [out, in] and [out, in, rows, columns]. Where Keras rounds to float32 on the way, in
normalize, matmul and a default factor, it is put right here.

    python3 tests/data/make_weights.py      # needs Keras 3 and PyTorch 2; writes weights_values.lua beside it
"""
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch
from keras import constraints as c
from keras import regularizers as r
from keras.src.regularizers import regularizers as inside

keras.config.set_floatx("float64")
inside.normalize = lambda x, axis: x / x.square().sum(axis, keepdim=True).sqrt().clamp(min=1e-7)
inside.ops.matmul = torch.matmul
gen = torch.Generator().manual_seed(7)


def real(*shape):
    return torch.randn(shape, generator=gen, dtype=torch.float64).mul(256).round().div(256)


DENSE, CONV, BIAS = real(4, 3), real(2, 3, 2, 4), real(5)
DENSE[:, 1] *= 0.125
PENALTIES = [
    ("l1(0.25)", r.L1(0.25), DENSE), ("l2(0.25)", r.L2(0.25), DENSE), ("l1_l2(0.125, 0.25)", r.L1L2(0.125, 0.25), CONV), ("l1()", r.L1(), BIAS), ("l2()", r.L2(), BIAS),
    ("orthogonal()", r.OrthogonalRegularizer(), DENSE), ("orthogonal(0.5)", r.OrthogonalRegularizer(0.5), DENSE),
    ("orthogonal(0.5, 'rows')", r.OrthogonalRegularizer(0.5, "columns"), DENSE),
]
CONSTRAINTS = [
    ("max_norm()", c.MaxNorm(), DENSE), ("max_norm(0.75)", c.MaxNorm(0.75), DENSE), ("max_norm(0.75)", c.MaxNorm(0.75, axis=[0, 1, 2]), CONV),
    ("max_norm(0.75, 1)", c.MaxNorm(0.75, axis=1), DENSE), ("max_norm(0.75)", c.MaxNorm(0.75), BIAS), ("non_neg()", c.NonNeg(), DENSE),
    ("unit_norm()", c.UnitNorm(), DENSE), ("unit_norm()", c.UnitNorm(axis=[0, 1, 2]), CONV), ("unit_norm({ 3, 4 })", c.UnitNorm(axis=[0, 1]), CONV),
    ("min_max_norm()", c.MinMaxNorm(), DENSE), ("min_max_norm(0.5, 0.875, 0.25)", c.MinMaxNorm(0.5, 0.875, 0.25), DENSE),
    ("min_max_norm(0.5, 0.875, 1)", c.MinMaxNorm(0.5, 0.875, axis=[0, 1, 2]), CONV),
]


def ours(t):
    return t.permute(3, 2, 0, 1) if t.dim() == 4 else t.t() if t.dim() == 2 else t


def nested(t):
    return "{ " + ", ".join(nested(x) if x.dim() else repr(x.item()) for x in t) + " }"


out = [f"-- Made by make_weights.py with Keras {keras.__version__}; do not edit. A case: rule, weights, value and gradient, or new weights.", "-- luacheck: no max line length",
       "return {", "  penalties = {"]
for text, fn, w in PENALTIES:
    if "orthogonal()" == text:
        fn.factor = 0.01
    w = w.clone().requires_grad_()
    value = fn(w)
    value.backward()
    out.append(f'    {{ "{text}", {nested(ours(w.detach()))}, {value.item()!r}, {nested(ours(w.grad))} }},')
out += ["  },", "  constraints = {"]
out += [f'    {{ "{text}", {nested(ours(w))}, {nested(ours(fn(w)))} }},' for text, fn, w in CONSTRAINTS] + ["  },", "}"]
path = pathlib.Path(__file__).parent / "weights_values.lua"
path.write_text("\n".join(out) + "\n")
print(path.name, len(PENALTIES), "penalties,", len(CONSTRAINTS), "constraints", path.stat().st_size, "bytes")
