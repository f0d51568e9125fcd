#!/usr/bin/env python3
"""Write reparametrize_values.lua: weight and spectral normalisation of PyTorch, two training steps each, in float64.

    python3 tests/data/make_reparametrize.py    # needs PyTorch 2
"""
import pathlib

import torch
from torch.nn.utils import parametrizations

torch.set_default_dtype(torch.float64)
gen = torch.Generator().manual_seed(5)


def real(*shape):
    return (torch.rand(shape, generator=gen) * 4 - 2).mul(16).round().div(16)


def text(t):
    return "{ " + ", ".join(repr(float(x)) for x in t.detach().flatten()) + " }"


def shaped(t):
    return f"{{ {text(t)}, {{ {', '.join(map(str, t.shape))} }} }}"


def steps(layer, x, named):
    """Two steps of SGD of lr 0.25 on sum(y * v): what is there after each."""
    lines = []
    opt = torch.optim.SGD(layer.parameters(), lr=0.25)
    v = real(*layer.eval()(x).shape)
    layer.train()
    for _ in range(2):
        opt.zero_grad()
        y = layer(x)
        (y * v).sum().backward()
        lines.append("      { y = " + text(y) + ", " + ", ".join(f"{n} = {text(t)}" for n, t in named()) + " },")
        opt.step()
    y = layer.eval()(x)
    return [f"    v = {shaped(v)},", "    steps = {", *lines, "    },", f"    eval = {text(y)},"]


def case(kind, args, options, x, how, build):
    layer = getattr(torch.nn, kind)(*args)
    with torch.no_grad():
        layer.weight.copy_(real(*layer.weight.shape))
        layer.bias.copy_(real(*layer.bias.shape))
    lines = [f'  {{ type = "{kind}", args = {{ {", ".join(map(str, args))} }}, how = "{how}", option = {options},', f"    x = {shaped(x)},",
             f"    weight = {text(layer.weight)},", f"    bias = {text(layer.bias)},"]
    layer, named, more = build(layer)
    return "\n".join(lines + more + steps(layer, x, named) + ["  },"])


def weight(**options):
    def build(layer):
        layer = parametrizations.weight_norm(layer, **options)
        p = layer.parametrizations.weight
        return layer, lambda: (("g", p.original0.grad), ("w", p.original1.grad), ("b", layer.bias.grad)), []
    return build


def spectral(**options):
    def build(layer):
        layer = parametrizations.spectral_norm(layer, **options)
        p = layer.parametrizations.weight
        with torch.no_grad():
            for t in (p[0]._u, p[0]._v):
                t.copy_(torch.nn.functional.normalize(real(*t.shape), dim=0))
        more = [f"    u = {text(p[0]._u)},", f"    v0 = {text(p[0]._v)},"]
        return layer, lambda: (("w", p.original.grad), ("b", layer.bias.grad), ("su", p[0]._u), ("sv", p[0]._v)), more
    return build


cases = [
    case("Linear", (3, 2), "nil", real(4, 3), "weight_norm", weight()),
    case("Linear", (3, 2), "false", real(4, 3), "weight_norm", weight(dim=None)),
    case("Conv1d", (2, 3, 2), "nil", real(2, 2, 4), "weight_norm", weight()),
    case("Conv2d", (2, 2, 2), "nil", real(2, 3, 3), "weight_norm", weight()),
    case("Linear", (3, 2), "nil", real(4, 3), "spectral_norm", spectral()),
    case("Conv2d", (2, 3, 2), "{ n_power_iterations = 2 }", real(1, 2, 3, 3), "spectral_norm", spectral(n_power_iterations=2)),
]
out = pathlib.Path(__file__).with_name("reparametrize_values.lua")
out.write_text(f"-- Made by make_reparametrize.py with PyTorch {torch.__version__.split('+')[0]}; do not edit.\n-- luacheck: no max line length\nreturn {{\n" + "\n".join(cases) + "\n}\n")
print(out.name, len(cases), "cases")
