#!/usr/bin/env python3
"""Numbers for the tests of Adafactor, LARS and FTRL: 50 steps in float64. Adafactor is PyTorch's, and checked against Keras's where
both do the same (no weight decay), to 1e-6, for Keras takes means in float32 whatever the dtype; FTRL is Keras's; LARS is the formula
of You et al., 2017, below, in numpy.

    python3 tests/data/make_optim_shaped.py      # needs PyTorch 2 and Keras 3; writes optim_shaped_values.h beside it
"""
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy
import torch

keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)  # through which Keras takes Python numbers

STEPS, HALVED = 50, 25
START = [1.5, -0.75, 0.5, 2.0, -1.25, 0.0, 3.0, -2.0, 0.25, 1.0, -0.5, 1.75]
ROW, WIDE, TALL, PILE = (7,), (3, 4), (4, 3), (2, 2, 3)
CASES = [
    ("Adafactor", {}, [ROW, WIDE, TALL, PILE]), ("Adafactor", {"lr": 0.25, "eps1": 1e-15}, [ROW, WIDE, PILE]),
    ("Adafactor", {"lr": 0.5, "beta2_decay": -0.5, "d": 2.0, "eps1": 1e-15}, [ROW, TALL]),
    ("Adafactor", {"lr": 0.125, "weight_decay": 0.25, "eps2": 0.75}, [ROW, WIDE]),
    ("Adafactor", {"lr": 0.0625, "eps1": 0.5, "maximize": True}, [ROW, PILE]), ("Adafactor", {"beta2_decay": 0.0}, [TALL]),
    ("LARS", {}, [ROW]), ("LARS", {"lr": 0.5, "trust_coefficient": 0.125}, [WIDE]),
    ("LARS", {"lr": 0.5, "momentum": 0.5, "weight_decay": 0.25, "trust_coefficient": 0.0625}, [ROW]),
    ("LARS", {"lr": 0.5, "momentum": 0.0, "trust_coefficient": 0.25, "eps": 0.125}, [PILE]),
    ("LARS", {"lr": 0.25, "weight_decay": 0.25, "trust_coefficient": 0.0625, "maximize": True}, [ROW]),
    ("FTRL", {}, [ROW]), ("FTRL", {"lr": 0.0625}, [ROW]), ("FTRL", {"lr": 0.5, "l1": 0.25}, [ROW]),
    ("FTRL", {"lr": 0.25, "l2": 0.125, "beta": 0.5}, [ROW]),
    ("FTRL", {"lr": 0.25, "l2_shrinkage": 0.0625, "lr_power": -0.75, "initial_accumulator_value": 0.5}, [ROW]),
    ("FTRL", {"lr": 0.0625, "lr_power": 0.0}, [WIDE]), ("FTRL", {"lr": 0.03125, "l1": 0.5, "maximize": True}, [ROW]),
]
NAMES = {"lr": "learning_rate", "lr_power": "learning_rate_power", "l1": "l1_regularization_strength", "l2": "l2_regularization_strength",
         "l2_shrinkage": "l2_shrinkage_regularization_strength", "beta2_decay": "beta_2_decay", "eps2": "epsilon_2", "d": "clip_threshold"}


def gradient(p, t):
    """What the C test computes too, as in make_optim.py."""
    i = numpy.arange(p.size)
    g = p.ravel() * (0.25 + 0.5 * i) + 0.125 * ((i * 3 + t * 7) % 11 - 5)
    g[2] = 0 if t < 5 else g[2]
    return g.reshape(p.shape)


class Torch:
    def __init__(self, p, options):
        options = dict(options)
        eps = (options.pop("eps1", None), options.pop("eps2", 1e-3))
        self.p = torch.tensor(p, requires_grad=True)
        self.opt = torch.optim.Adafactor([self.p], eps=eps, foreach=False, **options)

    def step(self, g):
        self.p.grad = torch.tensor(g)
        self.opt.step()
        return self.p.detach().numpy().copy()

    def halve(self):
        self.opt.param_groups[0]["lr"] /= 2


class Keras:
    def __init__(self, kind, p, options):
        options = dict(options)
        self.sign = -1 if options.pop("maximize", False) else 1
        if "eps1" in options:
            options["epsilon_1"] = options.pop("eps1") ** 2
        if kind == "Adafactor":
            options.setdefault("lr", 1e-2)
        self.v = keras.Variable(p, dtype="float64")
        self.opt = getattr(keras.optimizers, kind.capitalize())(**{NAMES.get(k, k): v for k, v in options.items()})

    def step(self, g):
        self.opt.apply([torch.tensor(self.sign * g)], [self.v])
        return self.v.value.detach().numpy().copy()

    def halve(self):
        self.opt.learning_rate = float(self.opt.learning_rate) / 2


class LARS:
    def __init__(self, p, options):
        o = {"lr": 1e-2, "momentum": 0.9, "weight_decay": 0.0, "trust_coefficient": 1e-3, "eps": 0.0, "maximize": False, **options}
        self.p, self.v, self.o = p.copy(), numpy.zeros_like(p), o

    def step(self, g):
        o, p, g = self.o, self.p, -g if self.o["maximize"] else g
        long, steep = numpy.linalg.norm(p), numpy.linalg.norm(g)
        local = o["trust_coefficient"] * long / (steep + o["weight_decay"] * long + o["eps"]) if long > 0 and steep > 0 else 1.0
        self.v = o["momentum"] * self.v + local * o["lr"] * (g + o["weight_decay"] * p)
        self.p = p - self.v
        return self.p.copy()

    def halve(self):
        self.o["lr"] /= 2


def run(make, shape):
    p = numpy.array(START)[: numpy.prod(shape)].reshape(shape)
    seen, opt = [], make(p)
    for t in range(1, STEPS + 1):
        if t == HALVED:
            opt.halve()
        p = opt.step(gradient(p, t))
        if t in (1, 2, STEPS):
            seen.append(p.ravel())
    return seen


def row(values):
    return "(const double[]) { " + ", ".join(repr(float(v)) for v in values) + " }"


lines, checked = [], 0
for kind, options, shapes in CASES:
    for shape in shapes:
        make = {"Adafactor": lambda p: Torch(p, options), "FTRL": lambda p: Keras("FTRL", p, options), "LARS": lambda p: LARS(p, options)}[kind]
        seen = run(make, shape)
        if kind == "Adafactor" and options.get("eps1") == 1e-15:
            theirs = run(lambda p: Keras(kind, p, options), shape)
            worst = max((abs(a - b) / numpy.maximum(abs(b), 1)).max() for a, b in zip(seen, theirs))
            assert worst < 1e-6, (kind, options, shape, worst)
            checked += 1
        args = ", ".join(f'{{ "{k}", {float(v)!r} }}' for k, v in options.items()) or "{ NULL, 0 }"
        dims = ", ".join(map(str, shape))
        lines.append(f'    {{ "{kind}", {{ {args} }}, {len(shape)}, {{ {dims} }},\n      {{ ' + ",\n        ".join(map(row, seen)) + " } },")
text = f"""/* Made by make_optim_shaped.py with PyTorch {torch.__version__.split('+')[0]}, Keras {keras.__version__} and numpy {numpy.__version__}; do not edit. */
static const double shaped_start[] = {{ {", ".join(map(repr, START))} }};
static const shaped_case shaped_cases[] = {{
"""
path = pathlib.Path(__file__).parent / "optim_shaped_values.h"
path.write_text(text + "\n".join(lines) + "\n};\n")
print(path.name, len(lines), "cases,", checked, "of Adafactor by Keras too")
