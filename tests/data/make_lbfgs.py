#!/usr/bin/env python3
"""PyTorch's L-BFGS in float64 for tests/lua/lbfgs_spec.lua: the loss at every evaluation, of 50 or a few more, and the parameters in the end.

    python3 tests/data/make_lbfgs.py      # needs PyTorch 2; writes lbfgs_values.lua beside it
"""
import pathlib

import torch

torch.set_default_dtype(torch.float64)
EVALUATIONS = 50


def rosenbrock(p):
    x = torch.cat([q.flatten() for q in p])
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def quartic(p):
    x = torch.cat([q.flatten() for q in p])
    scale = torch.arange(1, x.numel() + 1, dtype=torch.float64)
    return (scale * (x - 0.5) ** 2).sum() + (x**4).sum() + x.sin().sum()


CASES = [
    ("rosenbrock", {"line_search_fn": "strong_wolfe"}), ("rosenbrock", {"line_search_fn": "strong_wolfe", "max_iter": 4, "history_size": 3}),
    ("rosenbrock", {"lr": 0.001953125}), ("rosenbrock", {"line_search_fn": "strong_wolfe", "lr": 8.0, "max_eval": 12}),
    ("quartic", {}), ("quartic", {"lr": 0.5, "max_iter": 3, "history_size": 2}), ("quartic", {"line_search_fn": "strong_wolfe", "max_iter": 2}),
    ("quartic", {"lr": 0.25, "max_iter": 1}), ("quartic", {"tolerance_grad": 0.5, "line_search_fn": "strong_wolfe"}),
    ("quartic", {"tolerance_change": 0.01}), ("quartic", {"line_search_fn": "strong_wolfe", "max_eval": 2}),
]


def numbers(values):
    return "{ " + ", ".join(repr(float(v)) for v in values) + " }"


def run(name, options):
    p = [torch.tensor([-1.5, 1.25]).requires_grad_(), torch.tensor([[0.5, -0.75, 2.0]]).requires_grad_()]
    opt, losses = torch.optim.LBFGS(p, **options), []

    def closure():
        opt.zero_grad()
        loss = globals()[name](p)
        loss.backward()
        losses.append(loss.item())
        return loss

    while len(losses) < EVALUATIONS:
        opt.step(closure)
    return losses, torch.cat([q.detach().flatten() for q in p])


out = [f"-- Made by make_lbfgs.py with PyTorch {torch.__version__.split('+')[0]}; do not edit. A case: function, options, losses, parameters in the end.",
       "-- luacheck: no max line length", "return {"]
for name, options in CASES:
    losses, after = run(name, options)
    lua = ", ".join(f"{k} = " + (f"'{v}'" if isinstance(v, str) else repr(v)) for k, v in options.items())
    out.append(f"  {{ '{name}', {{ {lua} }}, {numbers(losses)}, {numbers(after)} }},")
out += ["}"]
path = pathlib.Path(__file__).parent / "lbfgs_values.lua"
path.write_text("\n".join(out) + "\n")
print(path.name, len(CASES), "cases", path.stat().st_size, "bytes")
