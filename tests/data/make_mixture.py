#!/usr/bin/env python3
"""Write mixture_reference.h: a mixture of experts expert by expert, as Mixtral of transformers computes it, in PyTorch and float64.

The lists are struct layer_values of tests/plugins/layer_values.h.
Usage: make_mixture.py > mixture_reference.h   (needs torch; the tests need only the header)
"""
import torch
from layer_values import draw, emit, leaf
from torch.nn import functional as F

torch.manual_seed(72)
torch.set_default_dtype(torch.float64)


def mixture(shape, hidden, experts, top_k=2, activation="relu", bias=True, normalize=True):
    d = shape[-1]
    params = [leaf(draw(*s) / 2) for s in [(experts, d), (experts, hidden, d), (experts, d, hidden)] + ([(experts, hidden), (experts, d)] if bias else [])]
    gate, w1, w2 = params[:3]
    b1, b2 = params[3:] if bias else ([None] * experts,) * 2
    x = leaf(draw(*shape))
    rows = x.reshape(-1, d)
    probs = F.softmax(F.linear(rows, gate), 1)
    best, ids = torch.topk(probs, top_k, dim=1)
    if normalize:
        best = best / best.sum(1, keepdim=True)
    y = torch.zeros_like(rows)
    for e in range(experts):
        at, which = torch.where(ids == e)
        part = F.linear(getattr(F, activation)(F.linear(rows[at], w1[e], b1[e])), w2[e], b2[e])
        y = y.index_add(0, at, part * best[at, which, None])
    # load_balancing_loss_func of transformers' Mixtral
    tokens = F.one_hot(ids, experts).double().mean(0)
    loss = (tokens * probs.mean(0)[None]).sum() * experts
    options = dict(in_features=d, hidden_features=hidden, num_experts=experts, top_k=top_k, activation=activation, bias=bias, normalize=normalize)
    emit("MixtureOfExperts", options, [x], params, [y.reshape(shape), loss])


print("/* Made by make_mixture.py with PyTorch %s. */" % torch.__version__.split("+")[0])
print("static const layer_values mixture_cases[] = {")
mixture((5, 3), 4, 4)
mixture((2, 3, 2), 3, 3, 1, "gelu", normalize=False)
mixture((3, 2), 2, 3, 2, "silu", bias=False, normalize=False)
mixture((4,), 2, 2)
print("};")
