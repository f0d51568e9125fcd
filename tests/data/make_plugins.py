#!/usr/bin/env python3
"""PyTorch's numbers for the tests of the plugins: values and gradients in float64 at inputs that float32 holds exactly.

    python3 tests/data/make_plugins.py      # needs PyTorch 2; writes the four *_values.h beside it
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
gen = torch.Generator().manual_seed(20)


def real(*shape, lo=-3.0, hi=3.0):
    """Uniform numbers with few digits, which float32 holds exactly."""
    return (torch.rand(shape, generator=gen, dtype=torch.float64) * (hi - lo) + lo).mul(256).round().div(256)


def exact(x):
    return x.float().double()


def number(x):
    return "NAN" if math.isnan(x) else ("-" if x < 0 else "") + "INFINITY" if math.isinf(x) else repr(x)


class Header:
    """A C header with arrays of doubles and one table of cases."""

    def __init__(self, name, table):
        self.name, self.table, self.arrays, self.cases = name, table, {}, []

    def array(self, t):
        if t is None:
            return "NULL"
        values = ", ".join(number(float(v)) for v in t.detach().flatten().tolist()) or "0"
        return self.arrays.setdefault(values, f"{self.table}_{len(self.arrays)}")

    def tensor(self, t):
        if t is None:
            return "GOLDEN_ABSENT"
        shape = ", ".join(map(str, t.shape)) or "0"
        kind = "GOLDEN_REAL" if t.is_floating_point() else "GOLDEN_IDS"
        return f"{{ {t.dim()}, {{ {shape} }}, {self.array(t)}, {kind} }}"

    def write(self, struct):
        text = f"/* Made by make_plugins.py with PyTorch {torch.__version__.split('+')[0]}; do not edit. */\n#include <math.h>\n"
        text += "\n".join(f"static const double {name}[] = {{ {values} }};" for values, name in self.arrays.items()) + f"\nstatic const {struct} {self.table}[] = {{\n" + "\n".join(self.cases) + "\n};\n"
        path = HERE / self.name
        path.write_text(text)
        print(path.name, len(self.cases), "cases", len(text), "bytes")

    def layer(self, kind, options, fn, inputs, param=None, gradients=True):
        """fn(*inputs[, param]) with gradients of the real inputs and the parameter for a random cotangent."""
        leaves = [x.clone().requires_grad_() if x is not None and x.is_floating_point() else x for x in inputs]
        p = param.clone().requires_grad_() if param is not None else None
        wanted = [False if x is None or not x.is_floating_point() else i < 2 for i, x in enumerate(leaves)]
        args = [x if x is None or i < 2 else x.detach() for i, x in enumerate(leaves)] + ([p] if p is not None else [])
        y = fn(*args)
        v = real(*y.shape, lo=-1, hi=1) if y.dim() else exact(torch.tensor(1.0 + 0.25 * (len(self.cases) % 3), dtype=torch.float64))
        grads = [None] * len(leaves)
        grad_param = None
        if gradients:
            y.backward(v)
            grads = [x.grad if w else None for x, w in zip(leaves, wanted)]
            grad_param = p.grad if p is not None else None
        text = "NULL" if not options else json.dumps(json.dumps(options))
        ins = ", ".join(self.tensor(x) for x in inputs)
        gs = ", ".join(self.array(g) for g in grads)
        self.cases.append(f"    {{ \"{kind}\", {text}, {len(inputs)}, {{ {ins} }}, {self.tensor(y.detach())}, {self.array(v) if gradients else 'NULL'}, {{ {gs} }},"
                          f" {self.array(param)}, {self.array(grad_param)} }},")


def activations():
    h = Header("activation_values.h", "activation_cases")
    grid = [-1000, -100, -30, -20.5, -8, -6, -4, -3, -2.75, -1.5, -1, -0.625, -0.125, -1e-3, 0, 1e-3, 0.125, 0.625, 1, 1.5, 2.75, 3, 4, 6, 8, 19.5, 20.5, 30, 100, 1000]
    grid = exact(torch.tensor(grid, dtype=torch.float64)).reshape(5, 6)
    odd = torch.tensor([math.nan, math.inf, -math.inf, 1e30, -1e30], dtype=torch.float64).float().double()
    # F.hardsigmoid's gradient takes 1/6 in float32 (2.13), so its formula stands here; hardswish(-inf) is 0, not NaN.
    elementwise = [
        ("Identity", {}, lambda x: x * 1), ("ReLU", {}, F.relu), ("ReLU6", {}, F.relu6),
        ("LeakyReLU", {}, F.leaky_relu), ("LeakyReLU", {"negative_slope": 0.25}, lambda x: F.leaky_relu(x, 0.25)),
        ("LeakyReLU", {"negative_slope": -0.5}, lambda x: F.leaky_relu(x, -0.5)),
        ("ELU", {}, F.elu), ("ELU", {"alpha": 0.5}, lambda x: F.elu(x, 0.5)), ("SELU", {}, F.selu),
        ("GELU", {}, F.gelu), ("GELU", {"approximate": "tanh"}, lambda x: F.gelu(x, approximate="tanh")),
        ("SiLU", {}, F.silu), ("Mish", {}, F.mish), ("Sigmoid", {}, torch.sigmoid), ("Tanh", {}, torch.tanh),
        ("Softplus", {}, F.softplus), ("Softplus", {"beta": 2.0, "threshold": 4.0}, lambda x: F.softplus(x, 2, 4)),
        ("Softsign", {}, F.softsign), ("Hardtanh", {}, F.hardtanh),
        ("Hardtanh", {"min_val": -3.0, "max_val": 1.5}, lambda x: F.hardtanh(x, -3, 1.5)),
        ("Hardsigmoid", {}, lambda x: F.relu6(x + 3) / 6), ("Hardswish", {}, lambda x: torch.where(x <= -3, 0, F.hardswish(x)))]
    for kind, options, fn in elementwise:
        h.layer(kind, options, fn, [grid])
        h.layer(kind, options, fn, [odd], gradients=False)
    x = real(3, 4, 2)
    x[0, 0, 0] = 0
    w4, w1 = exact(torch.tensor([0.25, -0.5, 0.0, 1.5], dtype=torch.float64)), exact(torch.tensor([0.3], dtype=torch.float64))
    h.layer("PReLU", {}, F.prelu, [x], w1)
    h.layer("PReLU", {"num_parameters": 4}, F.prelu, [x], w4)
    h.layer("PReLU", {"num_parameters": 4, "init": 0.1}, F.prelu, [real(5, 4)], w4)
    h.layer("PReLU", {}, F.prelu, [real(7)], w1)
    h.layer("PReLU", {}, F.prelu, [real()], w1)
    for kind, fn in (("Softmax", F.softmax), ("LogSoftmax", F.log_softmax)):
        h.layer(kind, {}, lambda x: fn(x, -1), [real(3, 5, lo=-30, hi=30)])
        for dim in (0, 1, -1):
            h.layer(kind, {"dim": dim}, lambda x: fn(x, dim), [real(2, 3, 4)])
    h.write("golden_case")


EVERY = ("mean", "sum", "none")


def reductions(h, kind, fn, options, inputs, **more):
    for reduction in EVERY:
        o = dict(options) | ({} if reduction == "mean" else {"reduction": reduction})
        h.layer(kind, o, lambda *a: fn(*a, reduction=reduction, **more), inputs)


def class_losses():
    h = Header("class_loss_values.h", "class_loss_cases")
    ids, ignored = torch.tensor([2, 0, 3, 1, 3, 0]), torch.tensor([2, -100, 3, -100, 3, 0])
    x, x3 = real(6, 4, lo=-5, hi=5), real(2, 3, 2, 2)
    ids3 = torch.tensor([[[0, 2], [1, 1]], [[2, 2], [0, 1]]])
    w, w3 = exact(torch.tensor([0.5, 2.0, 0.25, 1.5], dtype=torch.float64)), exact(torch.tensor([1.0, 0.75, 3.0], dtype=torch.float64))
    far = exact(torch.tensor([[1000, -1000, 0, 5], [-1e4, -1e4, -1e4, -1e4 + 1], [88, 89, 90, 91], [0, 0, 0, 0], [1e30, 0, 0, 0], [-90, 0, 90, 100]],
                             dtype=torch.float64))
    def both(*args, **more):
        reductions(h, *args, **more)

    def ce(x, t, w=None, **o):
        return F.cross_entropy(x, t, weight=w, **o)

    both("CrossEntropyLoss", ce, {}, [x, ids])
    both("CrossEntropyLoss", ce, {}, [x3, ids3])
    both("CrossEntropyLoss", ce, {}, [x, ignored, w])
    both("CrossEntropyLoss", ce, {"label_smoothing": 0.125}, [x, ids], label_smoothing=0.125)
    both("CrossEntropyLoss", ce, {"label_smoothing": 0.25, "ignore_index": 3}, [x, ids, w], label_smoothing=0.25, ignore_index=3)
    both("CrossEntropyLoss", ce, {"label_smoothing": 0.25, "ignore_index": 1}, [x3, ids3, w3], label_smoothing=0.25, ignore_index=1)
    both("CrossEntropyLoss", ce, {"label_smoothing": 1.0}, [x, ignored], label_smoothing=1.0)
    both("CrossEntropyLoss", ce, {}, [far, ids])
    both("CrossEntropyLoss", ce, {}, [real(5), torch.tensor(3)])
    h.layer("CrossEntropyLoss", {"label_smoothing": 0.5}, lambda *a: ce(*a, label_smoothing=0.5), [real(2, 300, lo=-8, hi=8), torch.tensor([299, 120])])
    all_ignored = torch.full((6,), -100)
    for o in ({}, {"label_smoothing": 0.5}):
        h.layer("CrossEntropyLoss", o, lambda *a: ce(*a, **o), [x, all_ignored], gradients=False)
    h.layer("CrossEntropyLoss", {"reduction": "sum"}, lambda *a: ce(*a, reduction="sum"), [x, all_ignored])
    h.layer("CrossEntropyLoss", {}, ce, [real(0, 4), torch.zeros(0, dtype=torch.long)], gradients=False)

    p, p3 = exact(F.softmax(real(6, 4), 1)), exact(F.softmax(real(2, 3, 2, 2), 1))
    both("SoftCrossEntropyLoss", ce, {}, [x, p])
    both("SoftCrossEntropyLoss", ce, {}, [x3, p3, w3])
    both("SoftCrossEntropyLoss", ce, {"label_smoothing": 0.25}, [x, p, w], label_smoothing=0.25)
    both("SoftCrossEntropyLoss", ce, {}, [real(5), exact(F.softmax(real(5), 0))])

    logp, logp3 = exact(F.log_softmax(x, 1)), exact(F.log_softmax(x3, 1))
    both("NLLLoss", lambda x, t, w=None, **o: F.nll_loss(x, t, w, **o), {}, [logp, ids])
    both("NLLLoss", lambda x, t, w=None, **o: F.nll_loss(x, t, w, **o), {}, [logp, ignored, w])
    both("NLLLoss", lambda x, t, w=None, **o: F.nll_loss(x, t, w, **o), {"ignore_index": 2}, [logp3, ids3, w3], ignore_index=2)

    h.write("golden_case")


def element_losses():
    h = Header("loss_values.h", "loss_cases")

    def both(*args, **more):
        reductions(h, *args, **more)

    a, b = real(4, 3), real(4, 3)
    b[0, 0], b[1, 1], a[1, 1] = a[0, 0], 0.5, 1.5  # a difference of 0, and one of exactly 1
    both("MSELoss", F.mse_loss, {}, [a, b])
    both("L1Loss", F.l1_loss, {}, [a, b])
    both("HuberLoss", F.huber_loss, {}, [a, b])
    both("HuberLoss", F.huber_loss, {"delta": 0.25}, [a, b], delta=0.25)
    both("SmoothL1Loss", F.smooth_l1_loss, {}, [a, b])
    both("SmoothL1Loss", F.smooth_l1_loss, {"beta": 0.25}, [a, b], beta=0.25)
    both("SmoothL1Loss", F.smooth_l1_loss, {"beta": 0.0}, [a, b], beta=0.0)
    h.layer("MSELoss", {}, F.mse_loss, [real(), real()])
    h.layer("MSELoss", {}, F.mse_loss, [real(0, 3), real(0, 3)], gradients=False)

    prob, yes = real(4, 3, lo=0.01, hi=0.99), real(4, 3, lo=0, hi=1)
    wide, row, column = real(4, 3, lo=0, hi=2), real(3, lo=0, hi=2), real(4, 1, lo=0, hi=2)

    def bce(x, t, w=None, **o):
        return F.binary_cross_entropy(x, t, weight=w, **o)

    def logits(x, t, w=None, p=None, **o):
        return F.binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p, **o)

    both("BCELoss", bce, {}, [prob, yes])
    both("BCELoss", bce, {}, [prob, yes, wide])
    both("BCELoss", bce, {}, [prob, yes, row])
    edge = exact(torch.tensor([0.0, 1.0, 0.0, 1.0, 1e-30], dtype=torch.float64))
    h.layer("BCELoss", {"reduction": "none"}, lambda *a: bce(*a, reduction="none"), [edge, exact(torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5], dtype=torch.float64))],
            gradients=False)
    score = real(4, 3, lo=-6, hi=6)
    both("BCEWithLogitsLoss", logits, {}, [score, yes])
    both("BCEWithLogitsLoss", logits, {}, [score, yes, wide])
    both("BCEWithLogitsLoss", logits, {}, [score, yes, None, row])
    both("BCEWithLogitsLoss", logits, {}, [score, yes, column, row])
    steep = exact(torch.tensor([1000.0, -1000.0, 1000.0, -1000.0, 0.0, 40.0, -40.0], dtype=torch.float64))
    both("BCEWithLogitsLoss", logits, {}, [steep, exact(torch.tensor([0.0, 0.0, 1.0, 1.0, 0.5, 0.0, 1.0], dtype=torch.float64))])

    q, logq, logp = exact(F.softmax(real(6, 4), 1)), exact(F.log_softmax(real(6, 4), 1)), exact(F.log_softmax(real(6, 4), 1))
    for reduction in EVERY + ("batchmean",):
        for log_target, t in ((False, q), (True, logq)):
            o = ({"log_target": True} if log_target else {}) | ({} if reduction == "mean" else {"reduction": reduction})
            h.layer("KLDivLoss", o, lambda x, t: F.kl_div(x, t, reduction=reduction, log_target=log_target), [logp, t])
    zero = q.clone()
    zero[0, 0], zero[2, 3] = 0, 0
    h.layer("KLDivLoss", {"reduction": "none"}, lambda x, t: F.kl_div(x, t, reduction="none"), [logp, zero], gradients=False)
    h.write("golden_case")


STEPS, SIZE, HALVED = 50, 7, 25


def gradient(p, t):
    """What the C test computes too: pulls towards 0 with another strength at each element, and a push that changes with t."""
    i = torch.arange(SIZE, dtype=torch.float64)
    push = (torch.arange(SIZE) * 3 + t * 7) % 11 - 5
    g = p * (0.25 + 0.5 * i) + 0.125 * push
    g[2] = 0 if t < 5 else g[2]
    return g


def optimisers():
    h = Header("optim_values.h", "optim_cases")
    start = exact(torch.tensor([1.5, -0.75, 0.5, 2.0, -1.25, 0.0, 3.0], dtype=torch.float64))
    cases = [("SGD", o) for o in ({}, {"lr": 0.0625}, {"lr": 0.0625, "momentum": 0.875}, {"lr": 0.0625, "momentum": 0.875, "dampening": 0.25},
                                  {"lr": 0.0625, "momentum": 0.875, "nesterov": True}, {"lr": 0.0625, "weight_decay": 0.125},
                                  {"lr": 0.0625, "momentum": 0.5, "weight_decay": 0.125, "maximize": True})]
    for kind in ("Adam", "AdamW"):
        cases += [(kind, o) for o in ({}, {"lr": 0.0625}, {"lr": 0.0625, "beta1": 0.5, "beta2": 0.75, "eps": 0.015625}, {"lr": 0.0625, "weight_decay": 0.25},
                                      {"lr": 0.0625, "weight_decay": 0.25, "maximize": True}, {"beta1": 0.0})]
    cases += [("RMSprop", o) for o in ({}, {"lr": 0.0625, "alpha": 0.75, "eps": 0.015625}, {"lr": 0.0625, "momentum": 0.5}, {"lr": 0.0625, "centered": True},
                                       {"lr": 0.03125, "centered": True, "momentum": 0.5, "weight_decay": 0.125}, {"maximize": True})]
    cases += [("Adagrad", o) for o in ({}, {"lr": 0.5, "lr_decay": 0.0625}, {"lr": 0.5, "initial_accumulator_value": 0.25}, {"lr": 0.5, "weight_decay": 0.125},
                                       {"lr": 0.5, "eps": 0.125, "maximize": True})]
    for kind, options in cases:
        p = start.clone().requires_grad_()
        o = dict(options)
        if kind in ("Adam", "AdamW"):
            o["betas"] = (o.pop("beta1", 0.9), o.pop("beta2", 0.999))
        optim = getattr(torch.optim, kind)([p], foreach=False, **o)
        seen = []
        for t in range(1, STEPS + 1):
            if t == HALVED:
                optim.param_groups[0]["lr"] /= 2
            p.grad = gradient(p.detach(), t)
            optim.step()
            if t in (1, 2, STEPS):
                seen.append(p.detach().clone())
        args = "".join(f"{{ \"{k}\", {number(float(v))} }}, " for k, v in options.items())
        h.cases.append(f"    {{ \"{kind}\", {{ {args or '{ NULL, 0 }'} }}, {h.array(start)}, {{ {', '.join(h.array(s) for s in seen)} }}, 0, 0 }},")
    h.write("optim_case")


activations()
class_losses()
element_losses()
optimisers()
