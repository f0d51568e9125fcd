#!/usr/bin/env python3
"""Keras's activity regularisers for tests/lua/activity_spec.lua, in float64: two dense layers, the penalty on what they give with its
gradients, and the weights after 50 steps of SGD on the mean square error and the penalty. Where Keras rounds to float32 on the way, in
matmul and normalize, it is put right here.

    python3 tests/data/make_activity.py      # needs Keras 3 and PyTorch 2; writes activity_values.lua beside it
"""
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch
from keras import regularizers as r
from keras.src.regularizers import regularizers as inside

keras.config.set_floatx("float64")
inside.normalize = lambda x, axis: x / x.square().sum(axis, keepdim=True).sqrt().clamp(min=1e-7)
inside.ops.matmul = torch.matmul
gen = torch.Generator().manual_seed(11)
STEPS, LR = 50, 0.0625


def real(*shape):
    return torch.randn(shape, generator=gen, dtype=torch.float64).mul(256).round().div(256)


X, Y, W1, W2 = real(6, 3), real(6, 2), real(4, 3), real(2, 4)
CASES = [  # rules of the first layer, with its tanh, and of the second
    ("l1(0.125)", r.L1(0.125), None, None), ("l2(0.25)", r.L2(0.25), "l1(0.0625)", r.L1(0.0625)),
    ("l1_l2(0.0625, 0.125)", r.L1L2(0.0625, 0.125), "l2(0.5)", r.L2(0.5)),
    ("orthogonal(0.5, 'rows')", r.OrthogonalRegularizer(0.5, "rows"), None, None),
]


def nested(t):
    return "{ " + ", ".join(nested(x) if x.dim() else repr(x.item()) for x in t) + " }"


def run(first, second):
    a = keras.layers.Dense(4, activation="tanh", use_bias=False, activity_regularizer=first)
    b = keras.layers.Dense(2, use_bias=False, activity_regularizer=second)
    model = keras.Sequential([keras.Input((3,)), a, b])
    a.set_weights([W1.t().numpy()]), b.set_weights([W2.t().numpy()])
    weights = [a.kernel.value, b.kernel.value]
    for step in range(STEPS):
        for w in weights:
            w.grad = None
        out = model(X)
        penalty = sum(model.losses)
        if step == 0:
            grads = torch.autograd.grad(penalty, weights, retain_graph=True, allow_unused=True)
            grads = [torch.zeros_like(w) if g is None else g for g, w in zip(grads, weights)]
            seen = [penalty.item()] + [g.t().clone() for g in grads]
        ((out - Y).square().mean() + penalty).backward()
        with torch.no_grad():
            for w in weights:
                w -= LR * w.grad
    return seen + [w.detach().t().clone() for w in weights]


out = [f"-- Made by make_activity.py with Keras {keras.__version__} over PyTorch {torch.__version__.split('+')[0]}; do not edit. A case: rules of both layers, penalty,",
       f"-- its gradients, weights after {STEPS} steps.", "-- luacheck: no max line length", "return {", f"  steps = {STEPS}, lr = {LR},"]
out += [f"  {name} = {nested(t)}," for name, t in [("x", X), ("y", Y), ("w1", W1), ("w2", W2)]]
for first, a, second, b in CASES:
    value, *tensors = run(a, b)
    out.append(f'  {{ "{first}", {repr(second) if second else "nil"}, {value!r}, ' + ", ".join(map(nested, tensors)) + " },")
out += ["}"]
path = pathlib.Path(__file__).parent / "activity_values.lua"
path.write_text("\n".join(out) + "\n")
print(path.name, len(CASES), "cases", path.stat().st_size, "bytes")
