#!/usr/bin/env python3
"""Numbers of PyTorch and Keras for the losses of error_loss, margin_loss, distance, region_loss and sequence_loss, and for focal and
generalised cross entropy: values and gradients in float64 at inputs that float32 holds exactly.

    KERAS_BACKEND=torch python3 tests/data/make_losses.py     # needs PyTorch 2 and Keras 3; writes *_losses_values.h beside it
"""
import json
import math
import os
import pathlib
import re

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import torch
import torch.nn as nn
import torch.nn.functional as F

keras.config.set_floatx("float64")
gen = torch.Generator().manual_seed(21)
arrays, cases = {}, {}


def real(*shape, lo=-3.0, hi=3.0):
    return (torch.rand(shape, generator=gen, dtype=torch.float64) * (hi - lo) + lo).mul(64).round().div(64)


def number(x):
    return "NAN" if math.isnan(x) else ("-" if x < 0 else "") + "INFINITY" if math.isinf(x) else repr(x)


def array(t):
    if t is None:
        return "NULL"
    values = ", ".join(number(float(v)) for v in t.detach().flatten().tolist()) or "0"
    return arrays.setdefault(values, f"composed_{len(arrays)}")


def tensor(t):
    if t is None:
        return "GOLDEN_ABSENT"
    kind = "GOLDEN_REAL" if t.is_floating_point() else "GOLDEN_IDS"
    return f"{{ {t.dim()}, {{ {', '.join(map(str, t.shape)) or '0'} }}, {array(t)}, {kind} }}"


def case(table, kind, options, fn, inputs, no_grad=(), value_only=False):
    """fn(*inputs) with gradients of the real inputs but those of no_grad for a random cotangent."""
    wanted = [x is not None and x.is_floating_point() and i not in no_grad and not value_only for i, x in enumerate(inputs)]
    leaves = [x.clone().requires_grad_() if w else x for x, w in zip(inputs, wanted)]
    y = fn(*leaves)
    v = real(*y.shape, lo=-1, hi=1) if y.dim() else torch.tensor(1.25, dtype=torch.float64)
    grads = [None] * len(inputs)
    if any(wanted):
        y.backward(v)
        grads = [(x.grad if x.grad is not None else torch.zeros_like(x)) if w else None for x, w in zip(leaves, wanted)]
    text = json.dumps(json.dumps(options)) if options else "NULL"
    cases.setdefault(table, []).append(
        f"    {{ \"{kind}\", {text}, {len(inputs)}, {{ {', '.join(map(tensor, inputs))} }}, {tensor(y)}, {'NULL' if value_only else array(v)},"
        f" {{ {', '.join(map(array, grads))} }}, NULL, NULL }},")


def each(table, kind, options, fn, inputs, **more):
    """Two reductions, and of a table's first type all; fn takes it by name."""
    for reduction in ("mean", "none") if table in cases and len(cases[table]) > 2 else ("mean", "sum", "none"):
        o = dict(options) | ({} if reduction == "mean" else {"reduction": reduction})
        case(table, kind, o, lambda *a: fn(*a, reduction=reduction), inputs, **more)


def reduced(fn):
    """A loss of one term each, reduced as PyTorch does it."""
    return lambda *a, reduction: {"mean": torch.mean, "sum": torch.sum, "none": lambda y: y}[reduction](fn(*a))


def agreed(fn, keras_fn):
    """fn, once it has Keras's numbers, which go by float32 in places (3.12)."""
    def terms(x, t, *more):
        y = fn(x, t, *more)
        theirs = keras_fn(t.detach() if t.is_floating_point() else t, x.detach())
        if theirs.dim() > y.dim() - 1 and theirs.shape != y.shape:
            theirs = theirs.reshape(y.shape)
        assert torch.allclose(theirs.double(), y.detach(), rtol=2e-6, atol=2e-6), (theirs, y)
        return y
    return reduced(terms)


def single(fn):
    """A loss of Keras that takes the mean over the last dim, of each number by itself."""
    return lambda t, x: fn(t[..., None], x[..., None])


def errors():
    x, t = real(3, 4), real(3, 4, lo=0, hi=4)
    t[0, 0], t[1, 1] = 0, 1
    for o in ({}, {"full": True}, {"log_input": False}, {"log_input": False, "full": True, "eps": 0.25}):
        xs = x if o.get("log_input", True) else real(3, 4, lo=0.25, hi=3)
        each("error", "PoissonNLLLoss", o, lambda a, b, reduction: F.poisson_nll_loss(a, b, **o, reduction=reduction), [xs, t], no_grad=(1,) if o.get("full") else ())  # of log 0 theirs is NaN
    p = real(3, 4, lo=0.25, hi=3)
    each("error", "PoissonNLLLoss", {"log_input": False, "eps": 1e-7}, agreed(lambda x, t: x - t * torch.log(x + 1e-7), single(keras.losses.poisson)), [p, t])
    small = real(3, 4, lo=0.25, hi=2)
    small[0, 1] = 1 / 1024
    for o in ({}, {"full": True, "eps": 0.5}):
        for var in (small, small[:, 0].clone(), small[:, :1].clone(), small[:1].clone()):
            fn = lambda a, b, v, reduction: F.gaussian_nll_loss(a, b, v, **o, reduction=reduction)
            case("error", "GaussianNLLLoss", o, lambda *a: fn(*a, reduction="mean"), [x, t, var])
            case("error", "GaussianNLLLoss", o | {"reduction": "none"}, lambda *a: fn(*a, reduction="none"), [x, t, var])
    a, b = real(3, 4), real(3, 4)
    b[2, 1] = a[2, 1]
    a[0, 2] = 300  # far out
    each("error", "LogCoshLoss", {}, agreed(lambda x, t: torch.log(torch.cosh(x - t)), single(keras.losses.log_cosh)), [b, real(3, 4)])
    case("error", "LogCoshLoss", {"reduction": "none"}, lambda u, v: torch.log(torch.cosh(u - v)), [a, b])
    each("error", "MAPELoss", {}, agreed(lambda x, t: 100 * ((x - t) / t.abs().clamp_min(1e-7)).abs(), single(keras.losses.mean_absolute_percentage_error)), [a, real(3, 4, lo=0.5, hi=3)])
    each("error", "MSLELoss", {}, agreed(lambda x, t: (torch.log1p(x.clamp_min(1e-7)) - torch.log1p(t)) ** 2, single(keras.losses.mean_squared_logarithmic_error)), [real(3, 4, lo=-0.5, hi=3), t + 0.5])
    for kind in ("PoissonNLLLoss", "LogCoshLoss"):
        case("error", kind, {}, lambda a, b: (a * b).mean(), [real(0, 3), real(0, 3)], value_only=True)  # NaN, as PyTorch


def margins():
    x, sign = real(4, 3), torch.sign(real(4, 3) + 1 / 128)
    each("margin", "SoftMarginLoss", {}, F.soft_margin_loss, [x, sign], no_grad=(1,))
    each("margin", "HingeLoss", {}, agreed(lambda x, t: F.relu(1 - t * x), single(keras.losses.hinge)), [x, sign], no_grad=(1,))
    each("margin", "SquaredHingeLoss", {}, agreed(lambda x, t: F.relu(1 - t * x) ** 2, single(keras.losses.squared_hinge)), [x, sign], no_grad=(1,))
    each("margin", "HingeEmbeddingLoss", {}, F.hinge_embedding_loss, [x, sign], no_grad=(1,))
    odd = sign.clone()
    odd[0, 0] = 0.5
    each("margin", "HingeEmbeddingLoss", {"margin": 2.0}, lambda a, b, reduction: F.hinge_embedding_loss(a, b, margin=2.0, reduction=reduction),
         [x, odd], no_grad=(1,))
    for m in (0.0, 0.75):
        each("margin", "MarginRankingLoss", {"margin": m} if m else {},
             lambda a, b, t, reduction: F.margin_ranking_loss(a, b, t, margin=m, reduction=reduction), [x, real(4, 3), sign], no_grad=(2,))
    scores, ids, w = real(5, 4), torch.tensor([3, 0, 1, 1, 2]), real(4, lo=0.25, hi=2)
    for o in ({}, {"p": 2, "margin": 0.5}):
        fn = lambda a, t, w=None, reduction="mean": F.multi_margin_loss(a, t, weight=w, reduction=reduction, **o)
        each("margin", "MultiMarginLoss", o, fn, [scores, ids])
        each("margin", "MultiMarginLoss", o, fn, [scores, ids, w], no_grad=(2,))
    case("margin", "MultiMarginLoss", {}, F.multi_margin_loss, [real(4), torch.tensor(2)])
    lists = torch.tensor([[2, 0, -1, 3], [-1, 1, 1, 1], [0, 1, 2, 3], [1, -1, -1, -1], [3, 3, 0, -1]])
    each("margin", "MultiLabelMarginLoss", {}, F.multilabel_margin_loss, [scores, lists])
    case("margin", "MultiLabelMarginLoss", {}, F.multilabel_margin_loss, [real(4), torch.tensor([1, 2, -1, 0])])
    yes = torch.round(real(5, 4, lo=0, hi=1))
    fn = lambda a, t, w=None, reduction="mean": F.multilabel_soft_margin_loss(a, t, weight=w, reduction=reduction)
    each("margin", "MultiLabelSoftMarginLoss", {}, fn, [scores, yes])
    each("margin", "MultiLabelSoftMarginLoss", {}, fn, [scores, yes, w], no_grad=(2,))
    case("margin", "MultiLabelSoftMarginLoss", {}, F.multilabel_soft_margin_loss, [real(3), torch.tensor([0.0, 1, 1], dtype=torch.float64)])
    each("margin", "CategoricalHingeLoss", {}, agreed(lambda a, t: F.relu(1 + ((1 - t) * a).amax(1) - (t * a).sum(1)), keras.losses.categorical_hinge), [scores, F.one_hot(ids, 4).double()], no_grad=(1,))


def distances():
    a, b, c = real(4, 5), real(4, 5), real(4, 5)
    for o in ({}, {"dim": -1, "eps": 2.0}, {"dim": 0}):
        case("distance", "CosineSimilarity", o, nn.CosineSimilarity(**o), [a, b])
    case("distance", "CosineSimilarity", {}, nn.CosineSimilarity(), [real(2, 3, 4), real(1, 3, 1)])
    for o in ({}, {"p": 1.0}, {"p": 3.0, "eps": 0.25, "keepdim": True}):
        case("distance", "PairwiseDistance", o, nn.PairwiseDistance(**o), [a, b])
    case("distance", "PairwiseDistance", {}, nn.PairwiseDistance(), [a, real(5)])
    case("distance", "PairwiseDistance", {}, nn.PairwiseDistance(), [real(5), real(5)])
    each("distance", "CosineSimilarityLoss", {}, agreed(lambda x, t: -F.cosine_similarity(x, t, dim=-1, eps=1e-7), keras.losses.cosine_similarity), [a, b])
    each("distance", "CosineSimilarityLoss", {"dim": 0}, agreed(lambda x, t: -F.cosine_similarity(x, t, dim=0, eps=1e-7), lambda t, x: keras.losses.cosine_similarity(t, x, axis=0)), [a, b])
    alike = torch.tensor([1.0, -1, 1, -1], dtype=torch.float64)
    near = b.clone()
    near[1] = a[1] + 1 / 64
    for m in (0.0, 0.25):
        each("distance", "CosineEmbeddingLoss", {"margin": m} if m else {},
             lambda x, y, t, reduction: F.cosine_embedding_loss(x, y, t, margin=m, reduction=reduction), [a, near, alike], no_grad=(2,))
    case("distance", "CosineEmbeddingLoss", {}, F.cosine_embedding_loss, [real(5), real(5), torch.tensor(1.0, dtype=torch.float64)], no_grad=(2,))
    for o in ({}, {"margin": 2.5, "p": 1.0, "swap": True}, {"margin": 2.0, "p": 4.0, "eps": 0.125}):
        each("distance", "TripletMarginLoss", o, lambda *t, reduction: F.triplet_margin_loss(*t, **o, reduction=reduction), [a, b, c])
    case("distance", "TripletMarginLoss", {}, F.triplet_margin_loss, [real(5), real(5), real(5)])
    named = {"euclidean": nn.PairwiseDistance(), "squared_euclidean": lambda x, y: ((x - y) ** 2).sum(-1),
             "manhattan": nn.PairwiseDistance(p=1.0), "cosine": lambda x, y: 1 - F.cosine_similarity(x, y, dim=-1)}
    for name, d in named.items():
        o = {"distance": name, "margin": 2.0, "swap": name != "cosine"}
        fn = lambda *t, reduction: F.triplet_margin_with_distance_loss(*t, distance_function=d, margin=2.0, swap=o["swap"], reduction=reduction)
        case("distance", "TripletMarginWithDistanceLoss", o, lambda *t: fn(*t, reduction="mean"), [a, b, c])
        case("distance", "TripletMarginWithDistanceLoss", o | {"reduction": "none"}, lambda *t: fn(*t, reduction="none"), [a, b, c])


def regions():
    x, t = real(2, 3, 4, lo=0.05, hi=0.95), torch.round(real(2, 3, 4, lo=0, hi=1))
    def dice(axis):
        dims = axis or (0, 1, 2)
        return lambda u, v: 1 - 2 * (u * v).sum(dims) / (u.sum(dims) + v.sum(dims) + 1e-7)

    def tversky(axis):
        dims = axis or (0, 1, 2)
        return lambda u, v: 1 - (u * v).sum(dims) / ((u * v).sum(dims) + 0.25 * (v * (1 - u)).sum(dims) + 0.75 * (u * (1 - v)).sum(dims) + 1e-7)

    axes = {"batch": None, "example": (1, 2), "class": (0, 2), "example_class": (2,)}
    for per, axis in axes.items():
        o = {} if per == "batch" else {"per": per}
        for reduction in ("mean", "none"):
            r = {"reduction": "none"} if reduction == "none" else {}
            case("region", "DiceLoss", o | r, lambda a, b: agreed(dice(axis), lambda v, u: keras.losses.dice(v, u, axis=axis))(a, b, reduction=reduction), [x, t])
            case("region", "TverskyLoss", o | r | {"alpha": 0.25, "beta": 0.75},
                 lambda a, b: agreed(tversky(axis), lambda v, u: keras.losses.tversky(v, u, 0.25, 0.75, axis))(a, b, reduction=reduction), [x, t])
    case("region", "DiceLoss", {"smooth": 1.0, "eps": 0.0}, lambda a, b: 1 - (2 * (a * b).sum() + 1) / (a.sum() + b.sum() + 1), [x, t])

    def focal(a, b, reduction, gamma=2.0, alpha=0.25, balance=False, logits=True, s=0.0):
        b = b * (1 - s) + s / 2
        p = torch.sigmoid(a) if logits else a
        y = (1 - (b * p + (1 - b) * (1 - p))) ** gamma * (F.binary_cross_entropy_with_logits(a, b, reduction="none") if logits else
                                                          -(b * torch.log(a) + (1 - b) * torch.log(1 - a)))
        y = y * (b * alpha + (1 - b) * (1 - alpha)) if balance else y
        return reduced(lambda: y)(reduction=reduction)

    z = real(3, 4)
    each("region", "BinaryFocalLoss", {}, focal, [z, torch.round(real(3, 4, lo=0, hi=1))])
    each("region", "BinaryFocalLoss", {"gamma": 0.5, "apply_class_balancing": True, "alpha": 0.75, "label_smoothing": 0.25},
         lambda a, b, reduction: focal(a, b, reduction, 0.5, 0.75, True, s=0.25), [z, real(3, 4, lo=0, hi=1)])
    each("region", "BinaryFocalLoss", {"from_logits": False, "gamma": 0.0}, lambda a, b, reduction: focal(a, b, reduction, 0.0, logits=False), [x[0], t[0]])
    each("region", "BinaryFocalLoss", {"from_logits": False}, agreed(lambda a, b: focal(a, b, "none", logits=False), single(keras.losses.binary_focal_crossentropy)), [x[0], t[0]])


def classes():
    z, ids, w = real(5, 4), torch.tensor([3, 0, 1, 1, 2]), real(4, lo=0.25, hi=2)
    p = real(5, 4, lo=0.1, hi=1)
    one_hot = lambda t: F.one_hot(t, 4).double()

    def focal(gamma=2.0, alpha=0.25, label_smoothing=0.0, logits=True):
        def terms(a, t):
            p, b = F.softmax(a, 1) if logits else a / a.sum(1, keepdim=True), one_hot(t) * (1 - label_smoothing) + label_smoothing / 4
            return (-alpha * b * (1 - p) ** gamma * torch.log(p)).sum(1)
        return terms

    for o in ({}, {"gamma": 0.5, "alpha": 1.0, "label_smoothing": 0.25}):
        theirs = keras.losses.categorical_focal_crossentropy
        each("classes", "FocalLoss", o, agreed(focal(**o), lambda t, a: theirs(one_hot(t), a, from_logits=True, **o)), [z, ids])
        each("classes", "FocalLoss", o | {"from_logits": False}, agreed(focal(**o, logits=False), lambda t, a: theirs(one_hot(t), a, **o)), [p, ids])
    gathered = lambda y, t: y.gather(1, t[:, None])[:, 0]

    def weighted(terms, t, w, reduction):
        terms = terms * w[t]
        return terms.sum() / w[t].sum() if reduction == "mean" else reduced(lambda: terms)(reduction=reduction)

    each("classes", "FocalLoss", {"gamma": 1.0}, lambda a, t, w, reduction: weighted(
        gathered(-0.25 * (1 - F.softmax(a, 1)) * F.log_softmax(a, 1), t), t, w, reduction), [z, ids, w], no_grad=(2,))
    for q in (0.5, 1.0):
        o = {} if q == 0.5 else {"q": q}
        each("classes", "GeneralizedCrossEntropyLoss", o, agreed(lambda a, t: gathered((1 - F.softmax(a, 1) ** q) / q, t),
                                                               lambda t, a: keras.losses.categorical_generalized_cross_entropy(t, F.softmax(a, 1), q)), [z, ids])
    each("classes", "GeneralizedCrossEntropyLoss", {"from_logits": False},
         reduced(lambda a, t: gathered((1 - (a / a.sum(1, keepdim=True)) ** 0.5) / 0.5, t)), [p, ids])
    each("classes", "GeneralizedCrossEntropyLoss", {"q": 0.75}, lambda a, t, w, reduction: weighted(
        gathered((1 - F.softmax(a, 1) ** 0.75) / 0.75, t), t, w, reduction), [z, ids, w], no_grad=(2,))


def circles():
    def terms(x, t, r, rt, diagonal, gamma, margin):
        d = (1 - x @ r.T).clamp_min(0)
        same = t[:, None] == rt[None]
        other = ~same
        if diagonal:
            same = same & ~torch.eye(*same.shape, dtype=torch.bool)
        sums = [torch.where(mask, y, torch.tensor(-1e30, dtype=torch.float64)).logsumexp(1) for mask, y in (
            (same, gamma * (margin + d).clamp_min(0) * (d - margin)), (other, gamma * (1 + margin - d).clamp_min(0) * (1 - margin - d)))]
        y = F.softplus(sums[0] + sums[1])
        theirs = keras.losses.circle(t, x.detach(), rt, r.detach(), diagonal, gamma, margin)
        assert torch.allclose(theirs.double(), y.detach(), rtol=2e-6, atol=2e-6), (theirs, y)
        return y

    def reduce(y, reduction):  # Keras's mean is over the rows that lose something
        return {"mean": lambda: y.sum() / (y > 0).sum().clamp_min(1), "sum": y.sum, "none": lambda: y}[reduction]()

    x, ids, r, their_ids = real(5, 3) / 4, torch.tensor([1, 0, 1, 2, 0]), real(4, 3) / 4, torch.tensor([0, 1, 1, 3])
    for o in ({}, {"gamma": 4.0, "margin": 0.25, "remove_diagonal": False}):
        diagonal, gamma, margin = o.get("remove_diagonal", True), o.get("gamma", 80.0), o.get("margin", 0.4)
        each("distance", "CircleLoss", o, lambda x, t, reduction: reduce(terms(x, t, x, t, diagonal, gamma, margin), reduction), [x, ids])
        each("distance", "CircleLoss", o, lambda x, t, r, rt, reduction: reduce(terms(x, t, r, rt, diagonal, gamma, margin), reduction), [x, ids, r, their_ids])
    theirs = keras.losses.Circle()(ids, x)
    assert torch.allclose(theirs.double(), reduce(terms(x, ids, x, ids, True, 80.0, 0.4), "mean"), rtol=1e-6)


for make in (errors, margins, distances, regions, classes, circles):
    make()
for table, lines in cases.items():
    text = f"/* Made by make_losses.py with PyTorch {torch.__version__.split('+')[0]} and Keras {keras.__version__}; do not edit. */\n#include <math.h>\n"
    body = "\n".join(lines).replace("composed_", table + "_")
    for values, name in arrays.items():  # what stands there once is written there
        name = name.replace("composed", table)
        uses = len(re.findall(name + r"(?=[ ,])", body))
        if uses > 1:
            text += f"static const double {name}[] = {{ {values} }};\n"
        elif uses:
            body = re.sub(name + r"(?=[ ,])", f"(const double[]) {{ {values} }}", body)
    text += f"static const golden_case {table}_cases[] = {{\n{body}\n}};\n"
    path = pathlib.Path(__file__).parent / f"{table}_losses_values.h"
    path.write_text(text)
    print(path.name, len(lines), "cases", len(text), "bytes")
