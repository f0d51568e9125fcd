#!/usr/bin/env python3
"""PyTorch's numbers for the tests of the optimisers that came after the first five: 50 steps in float64. PyTorch has no Lion:
its numbers come from the formula of Chen et al. (2023) below, which is Keras's too.

    python3 tests/data/make_optim.py      # needs PyTorch 2; writes optim_more_values.h beside it
"""
import pathlib

import torch

torch.set_default_dtype(torch.float64)  # NAdam keeps its product of momenta in the default dtype

STEPS, SIZE, HALVED = 50, 7, 25
BETAS = {"NAdam": (0.9, 0.999), "RAdam": (0.9, 0.999), "Adamax": (0.9, 0.999), "Lion": (0.9, 0.99)}
MORE = [
    ("NAdam", {}), ("NAdam", {"lr": 0.0625}), ("NAdam", {"lr": 0.0625, "beta1": 0.5, "beta2": 0.75, "eps": 0.015625}),
    ("NAdam", {"lr": 0.0625, "weight_decay": 0.25, "momentum_decay": 0.5}), ("NAdam", {"beta1": 0.0}),
    ("NAdam", {"lr": 0.0625, "weight_decay": 0.25, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {}), ("RAdam", {"lr": 0.0625}), ("RAdam", {"lr": 0.0625, "beta1": 0.5, "beta2": 0.75, "eps": 0.015625}),
    ("RAdam", {"lr": 0.0625, "weight_decay": 0.25}), ("RAdam", {"lr": 0.0625, "beta2": 0.9375, "eps": 0.125}),
    ("RAdam", {"lr": 0.03125, "weight_decay": 0.25, "decoupled_weight_decay": True, "maximize": True}),
    ("Adamax", {}), ("Adamax", {"lr": 0.0625}), ("Adamax", {"lr": 0.0625, "beta1": 0.5, "beta2": 0.75, "eps": 0.015625}),
    ("Adamax", {"lr": 0.0625, "weight_decay": 0.25}), ("Adamax", {"beta1": 0.0, "maximize": True}),
    ("Adadelta", {}), ("Adadelta", {"lr": 0.5, "rho": 0.75}), ("Adadelta", {"lr": 2.0, "eps": 0.015625, "weight_decay": 0.125}),
    ("Adadelta", {"rho": 0.5, "maximize": True}), ("Adadelta", {"rho": 1.0}),
    ("Rprop", {}), ("Rprop", {"lr": 0.25}), ("Rprop", {"lr": 0.0625, "etaminus": 0.25, "etaplus": 1.5}),
    ("Rprop", {"lr": 0.25, "step_size_min": 0.03125, "step_size_max": 0.375}), ("Rprop", {"maximize": True}),
    ("Lion", {}), ("Lion", {"lr": 0.0625}), ("Lion", {"lr": 0.0625, "beta1": 0.5, "beta2": 0.75}),
    ("Lion", {"lr": 0.0625, "weight_decay": 0.25}), ("Lion", {"lr": 0.03125, "weight_decay": 0.25, "maximize": True}),
]


def gradient(p, t):
    """What the C test computes too: pulls towards 0 with another strength at each element, and a push that changes with t."""
    i = torch.arange(SIZE, dtype=torch.float64)
    push = (torch.arange(SIZE) * 3 + t * 7) % 11 - 5
    g = p * (0.25 + 0.5 * i) + 0.125 * push
    g[2] = 0 if t < 5 else g[2]
    return g


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0, maximize=False, foreach=False):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (beta1, beta2), lr = group["betas"], group["lr"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                g = -p.grad if group["maximize"] else p.grad
                update = (beta1 * m + (1 - beta1) * g).sign()
                p -= lr * (update + group["weight_decay"] * p)
                m.copy_(beta2 * m + (1 - beta2) * g)


def optimiser(kind, p, options):
    o = dict(options)
    if kind in BETAS:
        o["betas"] = tuple(o.pop(f"beta{i + 1}", BETAS[kind][i]) for i in range(2))
    if kind == "Rprop":
        o["etas"] = (o.pop("etaminus", 0.5), o.pop("etaplus", 1.2))
        o["step_sizes"] = (o.pop("step_size_min", 1e-6), o.pop("step_size_max", 50))
    return (Lion if kind == "Lion" else getattr(torch.optim, kind))([p], foreach=False, **o)


def row(values):
    return "(const double[]) { " + ", ".join(repr(float(v)) for v in values) + " }"


lines = []
for kind, options in MORE:
    p = torch.tensor([1.5, -0.75, 0.5, 2.0, -1.25, 0.0, 3.0], requires_grad=True)
    seen = []
    optim = optimiser(kind, p, options)
    for t in range(1, STEPS + 1):
        if t == HALVED:
            optim.param_groups[0]["lr"] /= 2
        p.grad = gradient(p.detach(), t)
        optim.step()
        if t in (1, 2, STEPS):
            seen.append(row(p.detach()))
    args = ", ".join(f'{{ "{k}", {float(v)!r} }}' for k, v in options.items()) or "{ NULL, 0 }"
    lines.append(f'    {{ "{kind}", {{ {args} }},\n      {{ ' + ",\n        ".join(seen) + " } },")
text = f"/* Made by make_optim.py with PyTorch {torch.__version__.split('+')[0]}; do not edit. */\nstatic const optim_case optim_more_cases[] = {{\n"
path = pathlib.Path(__file__).parent / "optim_more_values.h"
path.write_text(text + "\n".join(lines) + "\n};\n")
print(path.name, len(lines), "cases")
