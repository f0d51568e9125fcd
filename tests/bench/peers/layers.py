"""PyTorch's side of layers.lua: a case is taken from case.json and case.f32, proves that it does the same, and is timed."""
import gc
import json
import math
import sys

from common import F, WHAT, clock, given, nn, np, path, say, torch


class Sequences(nn.Module):
    """A recurrent layer with the batch first, of which the outputs count."""

    def __init__(self, kind, *sizes, **options):
        super().__init__()
        self.inner = kind(*sizes, batch_first=True, **options)

    def forward(self, x):
        return self.inner(x)[0]


class Attention(nn.Module):
    def __init__(self, features, heads):
        super().__init__()
        self.inner = nn.MultiheadAttention(features, heads, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x, need_weights=False)[0]


class Block(nn.TransformerEncoderLayer):
    def __init__(self, features, heads, hidden):
        super().__init__(features, heads, hidden, dropout=0.0, batch_first=True)

    def parameters(self, recurse=True):
        """In the order in which they are used."""
        for part in (self.self_attn, self.norm1, self.linear1, self.linear2, self.norm2):
            yield from part.parameters(recurse)


def causal(query, key, value):
    return F.scaled_dot_product_attention(query, key, value, is_causal=True)


def ctc(blank):
    lengths = []

    def loss(scores, targets):
        if not lengths:
            n, times, _ = scores.shape
            lengths[:] = torch.full((n,), times), torch.full((n,), targets.shape[1])
        return F.ctc_loss(scores.transpose(0, 1), targets, *lengths, blank=blank)
    return loss


def weighed(x, weights):
    wide = x.double()
    return [float((wide * weights.double()).sum()), math.sqrt(float(wide.square().sum()))]


def take_case():
    """What the case says, and its tensors by list."""
    with open(path("case.json")) as file:
        case = json.load(file)
    flat, at = torch.from_numpy(np.fromfile(path("case.f32"), np.float32)), 0
    for name in ("parameters", "inputs", "weights"):
        tensors = []
        for like in case[name]:
            n = math.prod(like["shape"])
            x = flat[at:at + n].reshape(tuple(like["shape"])).clone()
            at += n
            if like["type"] == "int64":
                x = x.long()
            tensors.append(x.requires_grad_() if name == "inputs" and like["gradient"] else x)
        case[name] = tensors
    return case


def layer_case(case):
    layer = eval(case["peer"]) if "peer" in case else eval("nn." + case["layer"])
    inputs, weights = case["inputs"], case["weights"]
    parameters = list(layer.parameters()) if isinstance(layer, nn.Module) else []
    with torch.no_grad():
        for p, values in zip(parameters, case["parameters"], strict=True):
            p.copy_(values)
    leaves = parameters + [x for x in inputs if x.requires_grad]
    y = layer(*inputs)
    y = y[0] if isinstance(y, tuple) else y
    is_cell = isinstance(layer, nn.LSTMCell)
    gradient = weights[0] if y.dim() > 0 else None

    def forward(n):
        with torch.no_grad():
            for _ in range(n):
                layer(*inputs)

    def both(n):
        for _ in range(n):
            for x in leaves:
                x.grad = None
            out = layer(*inputs)
            (out[0] if is_cell else out).backward(gradient)

    both(1)
    sums = [weighed(y.detach(), weights[0])]
    sums += [weighed(torch.zeros_like(x) if x.grad is None else x.grad, w) for x, w in zip(leaves, weights[1:], strict=True)]
    return {"forward": [forward], "both": [both]}, sums


def optimizer_case(case):
    """Each form of the optimiser that there is; the quickest counts."""
    runs = []
    for form in ({}, {"foreach": True}, {"fused": True}):
        parameters = [p.clone().requires_grad_() for p in case["parameters"]]
        for p, g in zip(parameters, case["inputs"], strict=True):
            p.grad = g.clone()
        options = ", parameters, " + case["layer"].split("(", 1)[1][:-1] + ", **form"
        try:
            optimizer = eval("torch.optim." + case["layer"].split("(", 1)[0] + "(" + options[2:] + ")")
            for _ in range(3):
                optimizer.step()
        except (TypeError, RuntimeError):
            continue

        def run(n, optimizer=optimizer):
            for _ in range(n):
                optimizer.step()
        runs.append(run)
        sums = [weighed(p.detach(), w) for p, w in zip(parameters, case["weights"], strict=True)]
    return {"forward": runs}, sums


def repeats_of(run, piece):
    n = 1
    run(1)
    while True:
        start = clock()
        run(n)
        took = clock() - start
        if took >= piece / 4:
            return max(1, math.ceil(n * piece / max(took, 1e-9)))
        n *= 4


def time_of(run, n):
    gc.collect()
    start = clock()
    run(n)
    return (clock() - start) / n


gc.collect()
gc.freeze()  # of PyTorch itself: it need not be looked through before every piece
say({"ready": True, "what": WHAT})
current = {}
for order in sys.stdin:
    if order.startswith("case"):
        current = {}
        case = take_case()
        runs, sums = (optimizer_case if case.get("kind") == "optimizer" else layer_case)(case)
        current = {name: [(run, repeats_of(run, given.steps / 1000)) for run in forms] for name, forms in runs.items()}
        say({"sums": sums})
    elif order.strip() == "finish":
        say({})
        break
    else:
        say({name: min(time_of(run, n) for run, n in forms) for name, forms in current.items()})
