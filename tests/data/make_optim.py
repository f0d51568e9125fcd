#!/usr/bin/env python3
"""PyTorch's and Keras's numbers for the tests of the optimisers that came after the first five: 50 steps in float64. Lion and
LAMB are Keras's; where Keras has no such option (maximize; LAMB's weight decay as in You et al., 2020) they come from the formulas
below, which are checked against Keras first. PyTorch's Muon works in bfloat16: here it is made to keep its dtype.

    python3 tests/data/make_optim.py      # needs PyTorch 2 and Keras 3; writes optim_more_values.h beside it
"""
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch

torch.set_default_dtype(torch.float64)  # NAdam keeps its product of momenta in the default dtype
torch.Tensor.bfloat16 = lambda self: self.clone()
keras.config.set_floatx("float64")

STEPS, SIZE, HALVED = 50, 7, 25
START = [1.5, -0.75, 0.5, 2.0, -1.25, 0.0, 3.0, -2.0, 0.25, 1.0, -0.5, 1.75]
SHAPES = {"Muon": [(3, 4), (4, 3), (1, 5), (2, 2)]}
BETAS = {"NAdam": (0.9, 0.999), "RAdam": (0.9, 0.999), "Adamax": (0.9, 0.999), "Lion": (0.9, 0.99), "LAMB": (0.9, 0.999),
         "Adam": (0.9, 0.999), "AdamW": (0.9, 0.999)}
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
    ("Adam", {"amsgrad": True}), ("Adam", {"lr": 0.0625, "beta1": 0.5, "beta2": 0.75, "eps": 0.015625, "amsgrad": True}),
    ("Adam", {"lr": 0.0625, "beta2": 0.75, "weight_decay": 0.25, "amsgrad": True, "maximize": True}),
    ("AdamW", {"lr": 0.0625, "beta2": 0.75, "amsgrad": True}), ("AdamW", {"lr": 0.0625, "weight_decay": 0.25, "amsgrad": True}),
    ("ASGD", {}), ("ASGD", {"lr": 0.0625, "lambd": 0.125, "alpha": 0.5}), ("ASGD", {"lr": 0.125, "weight_decay": 0.25, "t0": 5.0}),
    ("ASGD", {"lr": 0.03125, "maximize": True}),
    ("LAMB", {}), ("LAMB", {"lr": 0.0625}), ("LAMB", {"lr": 0.0625, "beta1": 0.5, "beta2": 0.75, "eps": 0.015625}),
    ("LAMB", {"lr": 0.0625, "weight_decay": 0.25}), ("LAMB", {"lr": 0.03125, "weight_decay": 0.25, "maximize": True}),
    ("Muon", {}), ("Muon", {"lr": 0.0625, "momentum": 0.5, "nesterov": False}),
    ("Muon", {"lr": 0.0625, "weight_decay": 0.25, "ns_steps": 3, "adjust_lr_fn": "match_rms_adamw"}),
    ("Muon", {"lr": 0.0625, "ns_a": 1.875, "ns_b": -1.25, "ns_c": 0.375, "ns_steps": 12}),
]
CHOICES = {"original": 0, "match_rms_adamw": 1}


def gradient(p, t):
    """What the C test computes too: pulls towards 0 with another strength at each element, and a push that changes with t."""
    i = torch.arange(p.numel(), dtype=torch.float64)
    push = (torch.arange(p.numel()) * 3 + t * 7) % 11 - 5
    g = p.flatten() * (0.25 + 0.5 * i) + 0.125 * push
    g[2] = 0 if t < 5 else g[2]
    return g.reshape(p.shape)


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


class LAMB(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0, maximize=False, foreach=False):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                s = self.state[p] or self.state[p].update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p)) or self.state[p]
                g = -p.grad if group["maximize"] else p.grad
                s["t"] += 1
                s["m"] = beta1 * s["m"] + (1 - beta1) * g
                s["v"] = beta2 * s["v"] + (1 - beta2) * g * g
                u = s["m"] / (1 - beta1 ** s["t"]) / ((s["v"] / (1 - beta2 ** s["t"])).sqrt() + group["eps"]) + group["weight_decay"] * p
                ratio = p.norm() / u.norm() if p.norm() > 0 and u.norm() > 0 else 1.0
                p -= group["lr"] * ratio * u


OWN = {"Lion": Lion, "LAMB": LAMB}


class Keras:
    """One of Keras's over a torch parameter, as the others here."""

    def __init__(self, kind, p, options):
        names = {"lr": "learning_rate", "beta1": "beta_1", "beta2": "beta_2", "eps": "epsilon"}
        options = {"lr": 1e-3, **({"eps": 1e-6} if kind == "LAMB" else {}), **options}
        self.opt = getattr(keras.optimizers, kind.capitalize())(**{names.get(k, k): v for k, v in options.items()})
        self.p, self.v, self.param_groups = p, keras.Variable(p.detach().numpy(), dtype="float64"), [{"lr": options["lr"]}]

    def step(self):
        self.opt.learning_rate = self.param_groups[0]["lr"]
        self.opt.apply([self.p.grad], [self.v])
        self.p.data.copy_(self.v.value.detach())


def optimiser(kind, p, options, by_keras):
    o = dict(options)
    if by_keras:
        return Keras(kind, p, o)
    if kind in BETAS:
        o["betas"] = tuple(o.pop(f"beta{i + 1}", BETAS[kind][i]) for i in range(2))
    if kind == "Rprop":
        o["etas"] = (o.pop("etaminus", 0.5), o.pop("etaplus", 1.2))
        o["step_sizes"] = (o.pop("step_size_min", 1e-6), o.pop("step_size_max", 50))
    if kind == "Muon":
        if "ns_a" in o:
            o["ns_coefficients"] = tuple(o.pop(f"ns_{k}") for k in "abc")
        return torch.optim.Muon([p], **o)
    return OWN.get(kind, getattr(torch.optim, kind, None))([p], foreach=False, **o)


def run(kind, options, shape, by_keras=False):
    p = torch.tensor(START)[: torch.Size(shape).numel()].reshape(shape).requires_grad_()
    seen, optim = [], optimiser(kind, p, options, by_keras)
    for t in range(1, STEPS + 1):
        if t == HALVED:
            optim.param_groups[0]["lr"] /= 2
        p.grad = gradient(p.detach(), t)
        optim.step()
        if t in (1, 2, STEPS):
            seen.append(p.detach().flatten().clone())
    return seen


def row(values):
    return "(const double[]) { " + ", ".join(repr(float(v)) for v in values) + " }"


lines, by_keras = [], 0
for kind, options in MORE:
    for shape in SHAPES.get(kind, [(SIZE,)]):
        seen = run(kind, options, shape)
        if kind in OWN and "maximize" not in options and not (kind == "LAMB" and "weight_decay" in options):
            theirs = run(kind, options, shape, by_keras=True)
            worst = max(((a - b).abs() / b.abs().clamp(min=1)).max().item() for a, b in zip(seen, theirs))
            assert worst < 1e-12, (kind, options, worst)
            seen, by_keras = theirs, by_keras + 1
        args = ", ".join(f'{{ "{k}", {float(CHOICES.get(v, v))!r} }}' for k, v in options.items()) or "{ NULL, 0 }"
        size = ", %d, %d" % shape if len(shape) == 2 else ", 0, 0"
        lines.append(f'    {{ "{kind}", {{ {args} }}, optim_more_start,\n      {{ ' + ",\n        ".join(map(row, seen)) + f" }}{size} }},")
text = f"""/* Made by make_optim.py with PyTorch {torch.__version__.split('+')[0]} and Keras {keras.__version__}; do not edit. */
static const double optim_more_start[] = {{ {", ".join(map(repr, START))} }};
static const optim_case optim_more_cases[] = {{
"""
path = pathlib.Path(__file__).parent / "optim_more_values.h"
path.write_text(text + "\n".join(lines) + "\n};\n")
print(path.name, len(lines), "cases,", by_keras, "by Keras")
