#!/usr/bin/env python3
"""Metrics by their definitions, an element at a time, for tests/lua/metrics_spec.lua. Ids count from 1, as in Lua.

    python3 tests/data/make_metrics.py     # needs NumPy and PyTorch 2; writes metrics_values.lua beside it
"""
import itertools
import math
import pathlib
import textwrap

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(5)


def few(*shape):
    return np.round(rng.normal(size=shape) * 8) / 8


def lua(v):
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{k} = {lua(x)}" for k, x in v.items()) + " }"
    if isinstance(v, str):
        return '"' + v + '"'
    if isinstance(v, (list, tuple, np.ndarray)):
        return "{ " + ", ".join(lua(x) for x in v) + " }"
    return repr(int(v)) if isinstance(v, (int, np.integer)) else repr(float(v))


def per_class(said, is_, classes, beta=1.0):
    rows = []
    for c in range(classes):
        tp = sum(1 for s, t in zip(said, is_) if s == c and t == c)
        fp = sum(1 for s, t in zip(said, is_) if s == c and t != c)
        fn = sum(1 for s, t in zip(said, is_) if s != c and t == c)
        rows.append((tp, fp, fn, len(said) - tp - fp - fn))
    return rows


def div(a, b):
    return a / b if b else 0.0


RATIOS = {
    "Precision": lambda tp, fp, fn, tn: div(tp, tp + fp), "Recall": lambda tp, fp, fn, tn: div(tp, tp + fn),
    "Specificity": lambda tp, fp, fn, tn: div(tn, tn + fp), "IoU": lambda tp, fp, fn, tn: div(tp, tp + fp + fn),
    "Dice": lambda tp, fp, fn, tn: div(2 * tp, 2 * tp + fp + fn), "F1": lambda tp, fp, fn, tn: div(2 * tp, 2 * tp + fp + fn),
    "FBeta": lambda tp, fp, fn, tn: div(5 * tp, 5 * tp + 4 * fn + fp),  # beta 2
}


def of_classes(said, is_, classes):
    out, rows = {}, per_class(said, is_, classes)
    for name, ratio in RATIOS.items():
        each = [ratio(*r) for r in rows]
        there = [e for e, r in zip(each, rows) if r[0] + r[1] + r[2]]
        weights = [r[0] + r[2] for r in rows]
        out[name] = {"none": each, "macro": sum(there) / len(there), "micro": ratio(*map(sum, zip(*rows))),
                     "weighted": sum(e * w for e, w in zip(each, weights)) / sum(weights)}
        if classes == 2:
            out[name]["binary"] = each[1]
    x, y = np.eye(classes)[said], np.eye(classes)[is_]
    cov = lambda a, b: ((a - a.mean(0)) * (b - b.mean(0))).sum()
    out["MCC"] = cov(x, y) / math.sqrt(cov(x, x) * cov(y, y))
    n = len(said)
    for how, w in (("none", lambda i, j: i != j), ("linear", lambda i, j: abs(i - j)), ("quadratic", lambda i, j: (i - j) ** 2)):
        seen = sum(w(a, b) for a, b in zip(said, is_)) / n
        chance = sum(w(a, b) for a, b in itertools.product(said, is_)) / n ** 2
        out["CohenKappa_" + how] = 1 - seen / chance
    out["Accuracy"] = np.mean(said == is_)
    out["Hamming"] = np.mean(said != is_)
    matrix = np.zeros((classes, classes), dtype=int)
    for a, b in zip(said, is_):
        matrix[b, a] += 1
    out["ConfusionMatrix"] = matrix.tolist()
    return out


def roc(s, t):
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a in s[t == 1] for b in s[t == 0]]
    return sum(wins) / len(wins)


def pr(s, t):
    area, before = 0.0, 0.0
    for threshold in sorted(set(s), reverse=True):
        said = s >= threshold
        recall = (t[said] == 1).sum() / t.sum()
        area, before = area + (recall - before) * (t[said] == 1).mean(), recall
    return area


def edits(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (x != y)))
    return row[-1]


scores, is_ = few(40, 4), rng.integers(0, 3, 40)  # the last class is never so
said = scores.argmax(1)
many = of_classes(said, is_, 4) | {"TopK": np.mean([t in np.argsort(-s, kind="stable")[:2] for s, t in zip(scores, is_)])}
logp = F.log_softmax(torch.tensor(scores), 1)
many["Perplexity"] = F.nll_loss(logp, torch.tensor(is_)).exp().item()
shown = np.eye(3)[is_]
for name, fn in (("ROCAUC", roc), ("PRAUC", pr)):
    each = [fn(scores[:, c], shown[:, c]) for c in range(3)]
    many[name] = {"none": each, "macro": np.mean(each), "weighted": np.average(each, weights=shown.sum(0))}
prob, yes = np.round(rng.random(40) * 16) / 16, rng.integers(0, 2, 40)
two = of_classes((prob > 0.5).astype(int), yes, 2)
two |= {"ROCAUC": roc(prob, yes), "PRAUC": pr(prob, yes)}
inside = np.clip(prob, 1 / 32, 31 / 32)
two["LogLoss"] = F.binary_cross_entropy(torch.tensor(inside), torch.tensor(yes).double()).item()
a, b = few(20, 2), few(20, 2) + 1
numbers = {"MAE": np.abs(a - b).mean(), "MSE": ((a - b) ** 2).mean(), "RMSE": math.sqrt(((a - b) ** 2).mean()),
           "MAPE": 100 * (np.abs(a - b) / np.maximum(np.abs(b), 1e-7)).mean(),
           "R2": np.mean([1 - ((a - b) ** 2)[:, j].sum() / ((b[:, j] - b[:, j].mean()) ** 2).sum() for j in range(2)]),
           "Pearson": np.mean([np.corrcoef(a[:, j], b[:, j])[0, 1] for j in range(2)])}
pairs = [("the cat sat on the mat", "the cat sat on a mat"), ("kitten", "sitting"), ("grün", "gruen"), ("", "a b"), ("x y", "x y")]
text = {"pairs": [list(p) for p in pairs], "EditDistance": np.mean([edits(p, t) for p, t in pairs]),
        "CER": sum(edits(p, t) for p, t in pairs) / sum(len(t) for _, t in pairs),
        "WER": sum(edits(p.split(), t.split()) for p, t in pairs) / sum(len(t.split()) for _, t in pairs)}
path = pathlib.Path(__file__).parent / "metrics_values.lua"
made = (f"-- Made by make_metrics.py with NumPy {np.__version__} and PyTorch {torch.__version__.split('+')[0]}; do not edit.\nreturn {{\n"
                f"  many = {{ scores = {lua(scores)}, ids = {lua(is_ + 1)},\n    values = {lua(many)} }},\n"
                f"  two = {{ scores = {lua(prob)}, inside = {lua(inside)}, yes = {lua(yes)},\n    values = {lua(two)} }},\n"
                f"  numbers = {{ a = {lua(a)}, b = {lua(b)},\n    values = {lua(numbers)} }},\n  text = {lua(text)},\n}}\n")
wrap = textwrap.TextWrapper(width=160, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False, replace_whitespace=False)
path.write_text("\n".join("\n".join(wrap.wrap(line)) for line in made.splitlines()) + "\n")
print(path.name, path.stat().st_size, "bytes")
