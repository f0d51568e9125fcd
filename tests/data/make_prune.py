#!/usr/bin/env python3
"""PyTorch's pruning (torch.nn.utils.prune) for tests/lua/prune_spec.lua, in float64: weights of two layers after rounds of pruning, and
after 50 steps of training with them.

    python3 tests/data/make_prune.py      # needs PyTorch 2; writes prune_values.lua beside it
"""
import math
import pathlib

import torch
from torch.nn.utils import prune

gen = torch.Generator().manual_seed(5)
torch.set_default_dtype(torch.float64)
STEPS, LR, MOMENTUM, DECAY, CLIP = 50, 0.0625, 0.5, 0.125, 0.5


def real(*shape):
    return torch.randn(shape, generator=gen).mul(256).round().div(256)


X, Y, W1, W2, CONV = real(6, 3), real(6, 2), real(4, 3), real(2, 4), real(2, 3, 2, 2)
MASK = torch.tensor([[1, 0, 1], [1, 1, 1], [0, 1, 1], [1, 1, 0]])


def l1(amount, **more):
    return lambda m: prune.l1_unstructured(m[0], "weight", amount, **more)


def ln(amount, n, dim):
    return lambda m: prune.ln_structured(m[0], "weight", amount, n, dim)


def everywhere(amount):
    return lambda m: prune.global_unstructured([(m[0], "weight"), (m[1], "weight")], prune.L1Unstructured, amount=amount)


# Lua, for a pruning `p`, and the same here
CASES = [
    ("p:l1_unstructured('^a', 0.5)", [l1(0.5)]), ("p:l1_unstructured('^a', 5)", [l1(5)]),
    ("p:l1_unstructured('^a', 0.375)", [l1(0.375)]), ("p:l1_unstructured('^a', 0.125)", [l1(0.125)]), # 4.5 and 1.5: to the even one
    ("p:l1_unstructured('^a', 0.25):l1_unstructured('^a', 0.25)", [l1(0.25), l1(0.25)]),
    ("p:l1_unstructured('^a', 1.0)", [l1(1.0)]), ("p:l1_unstructured('^a', 0)", [l1(0)]),
    ("p:l1_unstructured('^a', 4, function(w) return w:exp() end)", [l1(4, importance_scores=W1.exp())]),
    ("p:ln_structured('^a', 1, 2, 1)", [ln(1, 2, 0)]), ("p:ln_structured('^a', 0.5, 1, 2)", [ln(0.5, 1, 1)]),
    ("p:ln_structured('^a', 2, math.huge, -2)", [ln(2, math.inf, -2)]), ("p:ln_structured('^a', 1, -math.huge, 1)", [ln(1, -math.inf, 0)]),
    ("p:ln_structured('^a', 1, 2, 1):ln_structured('^a', 0.5, 2, 1)", [ln(1, 2, 0), ln(0.5, 2, 0)]),
    ("p:ln_structured('^a', 1, 2, 1):l1_unstructured('^a', 0.5)", [ln(1, 2, 0), l1(0.5)]),
    ("p:global_unstructured('weight', 0.5)", [everywhere(0.5)]),
    ("p:global_unstructured('weight', 3):global_unstructured('weight', 0.25)", [everywhere(3), everywhere(0.25)]),
    ("p:custom_from_mask('^a', mask)", [lambda m: prune.custom_from_mask(m[0], "weight", MASK)]),
    ("p:custom_from_mask('^a', mask):l1_unstructured('^a', 0.5)", [lambda m: prune.custom_from_mask(m[0], "weight", MASK), l1(0.5)]),
]
CONVS = [("p:ln_structured('conv', 1, 2, 1)", ln(1, 2, 0)), ("p:ln_structured('conv', 1, 1, 2)", ln(1, 1, 1)), ("p:ln_structured('conv', 1, 2)", ln(1, 2, -1)),
         ("p:l1_unstructured('conv', 0.5)", l1(0.5))]


def nested(t):
    return "{ " + ", ".join(nested(x) if x.dim() else repr(x.item()) for x in t) + " }"


def net():
    a, b = torch.nn.Linear(3, 4, bias=False), torch.nn.Linear(4, 2, bias=False)
    a.weight.data.copy_(W1), b.weight.data.copy_(W2)
    return [a, b]


def run(rounds):
    a, b = m = net()
    for step in rounds:
        step(m)
    seen = [a.weight.detach().clone(), b.weight.detach().clone()]
    model = torch.nn.Sequential(a, torch.nn.Tanh(), b)
    opt = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=DECAY)
    for _ in range(STEPS):
        opt.zero_grad()
        (model(X) - Y).square().mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        opt.step()
    model(X)  # so that the masks are applied to what the last step left
    for layer in m:
        if prune.is_pruned(layer):
            prune.remove(layer, "weight")
    return seen + [a.weight.detach(), b.weight.detach()]


out = [f"-- Made by make_prune.py with PyTorch {torch.__version__.split('+')[0]}; do not edit. A case: what is pruned, the weights of both layers, and after training.",
       "-- luacheck: no max line length", "return {", f"  steps = {STEPS}, lr = {LR}, momentum = {MOMENTUM}, weight_decay = {DECAY}, clip = {CLIP},"]
out += [f"  {name} = {nested(t)}," for name, t in [("x", X), ("y", Y), ("w1", W1), ("w2", W2), ("conv", CONV), ("mask", MASK)]]
out += [f'  {{ "{text}", ' + ", ".join(map(nested, run(rounds))) + " }," for text, rounds in CASES]
out += ["  convs = {"]
for text, step in CONVS:
    layer = torch.nn.Conv2d(3, 2, 2, bias=False)
    layer.weight.data.copy_(CONV)
    step([layer])
    out.append(f'    {{ "{text}", {nested(layer.weight.detach())} }},')
out += ["  },", "}"]
path = pathlib.Path(__file__).parent / "prune_values.lua"
path.write_text("\n".join(out) + "\n")
print(path.name, len(CASES) + len(CONVS), "cases", path.stat().st_size, "bytes")
