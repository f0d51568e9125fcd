#!/usr/bin/env python3
"""Random cases of layers and losses with PyTorch's numbers, one Lua table a line; fuzz_layers.lua compares.

    python3 tests/long/fuzz_layers.py CASES SEED    # needs PyTorch 2

All in float64, in which a wrong term stands out from rounding. What PyTorch refuses is not written. Sizes are small, 0 and 1 among them;
the other side makes some inputs non-contiguous.
"""
import math
import random
import sys
import warnings

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
warnings.simplefilter("ignore")
pick = lambda *choices: random.choice(choices)
flag = lambda: random.random() < 0.5
real = lambda *shape: torch.rand(shape) * 4 - 2
ties = lambda *shape: (torch.rand(shape) * 16).round() / 4 - 2
probability = lambda *shape: torch.rand(shape) * 0.98 + 0.01
signs = lambda *shape: torch.randint(0, 2, shape) * 2.0 - 1
sizes = lambda low, high: [pick(0, 1, 2, 3, 5, 7) if random.random() < 0.3 else pick(1, 2, 3, 5) for _ in range(random.randint(low, high))]
ids = lambda n, *shape: torch.randint(0, n, shape)
place = lambda dim: dim + 1 if dim >= 0 else dim  # over there places and ids count from 1


class Ids:
    """A tensor of ids, which count from 1 over there."""

    def __init__(self, t):
        self.t = t


def lua(v):
    if isinstance(v, Ids):
        return lua(torch.where(v.t >= 0, v.t + 1, v.t))
    if torch.is_tensor(v):
        kind = {torch.bool: "bool", torch.int64: "int64"}.get(v.dtype, "float64")
        return f'{{ kind = "{kind}", shape = {lua(list(v.shape))}, {", ".join(lua(float(x)) for x in v.detach().flatten().tolist())} }}'
    if isinstance(v, dict):
        return "{ " + ", ".join(f'["{k}"] = {lua(x)}' for k, x in v.items() if x is not None) + " }"
    if isinstance(v, (list, tuple)):
        return "{ " + ", ".join(map(lua, v)) + " }"
    if isinstance(v, float) and not math.isfinite(v):
        return "0 / 0" if v != v else "math.huge" if v > 0 else "-math.huge"
    return f'"{v}"' if isinstance(v, str) else str(v).lower() if isinstance(v, bool) else repr(v)


def case(kind, options, fn, inputs, named=None, module=None, constant=()):
    """fn(*inputs, **named): PyTorch's outputs. module: its parameters are drawn, and go by their names with _ for a dot. constant: names and
    positions of inputs whose gradient is not wanted."""
    named = named or {}
    for p in module.parameters() if module else []:
        p.data = real(*p.shape) / 2
    leaves = {k: x for k, x in [*enumerate(inputs, 1), *named.items()] if torch.is_tensor(x) and x.is_floating_point() and k not in constant}
    given = {k: x.clone().requires_grad_() for k, x in leaves.items()}
    plain = lambda k, x: given.get(k, x.t if isinstance(x, Ids) else x)
    outs = fn(*[plain(k, x) for k, x in enumerate(inputs, 1)], **{k: plain(k, x) for k, x in named.items()})
    outs = list(outs) if isinstance(outs, tuple) else [outs]
    by = {k.replace(".", "_"): p for k, p in module.named_parameters()} if module else {}
    record = {"type": kind, "options": options, "inputs": inputs, "named": named, "outputs": outs, "parameters": by}
    wanted = {**given, **by}
    if wanted:
        record["ups"] = [real(*y.shape) for y in outs]
        grads = torch.autograd.grad(outs, list(wanted.values()), record["ups"], allow_unused=True)
        slopes = {k: torch.zeros_like(x) if g is None else g for (k, x), g in zip(wanted.items(), grads)}
        record |= {"of_inputs": {str(k): slopes[k] for k in given}, "of_parameters": {k: slopes[k] for k in by}}
    return lua(record)


def layer(kind, options, inputs, over=None, named=None, **more):
    """A module of PyTorch of that name; over: options that are counted otherwise over there."""
    make = lambda **more: getattr(nn, kind)(**{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}, **more)
    module = None if named else make()  # a loss has its weight as an input over there
    return case(kind, {**options, **(over or {})}, module or (lambda *x, **w: make(**w)(*x)), inputs, named, module, **more)


# ---- families ----------------------------------------------------------------------------------------------------------------
def activation():
    plain = {k: dict for k in ("ReLU", "SELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softsign", "Hardswish", "ReLU6", "LogSigmoid", "Tanhshrink")}
    kind, options = pick(*{**plain, "LeakyReLU": lambda: {"negative_slope": pick(0.01, 0.5)}, "ELU": lambda: {"alpha": pick(1.0, 0.5)},
                           "GELU": lambda: {"approximate": pick("none", "tanh")}, "Softplus": lambda: {"beta": pick(1.0, 3.0), "threshold": pick(20.0, 1.0)},
                           "Hardtanh": lambda: {"min_val": -0.5, "max_val": pick(0.5, 1.0)}, "Hardshrink": dict, "Softshrink": dict,
                           "CELU": lambda: {"alpha": pick(1.0, 0.5)}}.items())
    return layer(kind, options(), [pick(real, ties)(*sizes(0, 4))])


def along():
    shape = sizes(1, 4)
    dim = random.randint(-len(shape), len(shape) - 1)
    kind = pick("Softmax", "LogSoftmax", "Softmin", "GLU")
    shape[dim] *= 2 if kind == "GLU" else 1
    return layer(kind, {"dim": dim}, [real(*shape)], {"dim": place(dim)})


def loss_of_pairs():
    options = {"reduction": pick("mean", "sum", "none")}
    kind = pick("MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss", "SoftMarginLoss", "HingeEmbeddingLoss", "BCEWithLogitsLoss", "BCELoss", "KLDivLoss", "PoissonNLLLoss")
    shape, named = sizes(1, 4), {}
    x = probability(*shape) if kind == "BCELoss" else pick(real, ties)(*shape)
    y = probability(*shape) if kind[0] in "BK" else x.clone() if random.random() < 0.1 else real(*shape).abs()
    y = signs(*shape) if kind in ("SoftMarginLoss", "HingeEmbeddingLoss") else y
    if kind[0] == "B" and flag():
        named["weight"] = probability(*shape[random.randint(0, len(shape)):])
    return layer(kind, options, [x, y], named=named, constant=(2, "weight"))


def loss_of_classes():
    kind, n = pick("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"), pick(1, 2, 3, 5, 17)
    shape = [random.randint(1, 4), n] + (sizes(0, 2) if kind != "MultiMarginLoss" else [])
    options, over, y = {"reduction": pick("mean", "sum", "none")}, {}, ids(n, shape[0], *shape[2:])
    if kind != "MultiMarginLoss" and flag():
        options["ignore_index"] = pick(-100, 0, n - 1)
        over["ignore_index"] = place(options["ignore_index"])
        y[torch.rand(y.shape) < 0.3] = options["ignore_index"]
    if kind == "CrossEntropyLoss":
        options["label_smoothing"] = pick(0.0, 0.1)
    return layer(kind, options, [pick(real, ties)(*shape), Ids(y)], over, {"weight": probability(n)} if flag() else {}, constant=("weight",))


def convolution():
    dims, groups = random.randint(1, 3), pick(1, 1, 2, 3)
    several = lambda *of: [pick(*of) for _ in range(dims)]
    kind = pick("Conv", "ConvTranspose")
    options = {"in_channels": groups * pick(1, 2), "out_channels": groups * pick(1, 2, 3), "kernel_size": several(1, 2, 3), "stride": several(1, 1, 2, 3),
               "padding": several(0, 1, 2), "dilation": several(1, 1, 2), "groups": groups, "bias": flag()}
    options |= {"padding_mode": pick("zeros", "reflect", "replicate", "circular")} if kind == "Conv" else {"output_padding": several(0, 0, 1)}
    batch = [pick(1, 2)] if flag() else []
    return layer(f"{kind}{dims}d", options, [real(*batch, options["in_channels"], *several(3, 4, 6))])


def pool():
    dims = random.randint(1, 3)
    several = lambda *of: [pick(*of) for _ in range(dims)]
    kind, x = pick("MaxPool", "AvgPool", "AdaptiveMaxPool", "AdaptiveAvgPool"), pick(real, ties)(*sizes(1, 1), pick(1, 2), *several(2, 3, 5, 8))
    if kind.startswith("Adaptive"):
        return layer(f"{kind}{dims}d", {"output_size": several(1, 2, 3, 7)}, [x])
    options = {"kernel_size": several(1, 2, 3), "stride": several(1, 2, 3), "padding": several(0, 0, 1), "ceil_mode": flag()}
    return layer(f"{kind}{dims}d", options | ({"count_include_pad": flag()} if kind == "AvgPool" else {}), [x])


def border():
    dims = random.randint(1, 3)
    kind = pick("ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad")
    options = {"padding": [pick(0, 1, 2, -1) for _ in range(2 * dims)]} | ({"value": 3.5} if kind == "ConstantPad" else {})
    return layer(f"{kind}{dims}d", options, [real(pick(1, 2), 2, *[pick(3, 5, 6) for _ in range(dims)])])


def resized():
    dims = random.randint(1, 3)
    mode = pick("nearest-exact", "area", *{1: ["linear"], 2: ["bilinear"], 3: ["trilinear"]}[dims])
    options = {"mode": mode, "size": [pick(1, 2, 4, 7, 9) for _ in range(dims)]} if flag() else {"mode": mode, "scale_factor": pick(0.75, 1.3, 1.7, 2.0, 2.5)}
    if mode.endswith("linear") and flag():
        options["align_corners"] = flag()
    return layer("Upsample", options, [real(pick(1, 2), 2, *[pick(2, 3, 5) for _ in range(dims)])])


def normalised():
    n, dims, kind = pick(2, 4, 6), random.randint(1, 3), pick("BatchNorm", "InstanceNorm", "GroupNorm", "LayerNorm", "RMSNorm")
    x = real(pick(1, 2, 3), n, *[pick(2, 3, 5) for _ in range(dims)]) + pick(0, 10)
    if kind == "GroupNorm":
        return layer(kind, {"num_groups": pick(1, 2), "num_channels": n, "affine": flag()}, [x])
    if kind in ("LayerNorm", "RMSNorm"):
        return layer(kind, {"normalized_shape": list(x.shape[random.randint(1, x.dim() - 1):]), "eps": 1e-4, "elementwise_affine": flag()}, [x])
    return layer(f"{kind}{dims}d", {"num_features": n, "affine": flag()}, [x])


def recurrent():
    kind, n, t = pick("LSTM", "GRU", "RNN"), pick(1, 2, 3), pick(1, 2, 5)
    options = {"input_size": pick(1, 3), "hidden_size": pick(1, 4), "num_layers": pick(1, 2), "bidirectional": flag(), "bias": flag()}
    module, state = getattr(nn, kind)(batch_first=True, **options), (options["num_layers"] * (1 + options["bidirectional"]), n, options["hidden_size"])
    named = {k: real(*state) for k in (["h_0", "c_0"] if kind == "LSTM" else ["h_0"])} if flag() else {}
    if flag():
        named["lengths"] = torch.tensor([random.randint(1, t) for _ in range(n)])

    def fn(x, h_0=None, c_0=None, lengths=None):
        first = h_0 if c_0 is None else (h_0, c_0)
        if lengths is None:
            y, last = module(x, first)
        else:
            y, last = module(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False), first)
            y = pad_packed_sequence(y, batch_first=True, total_length=t)[0]
        return (y, *last) if isinstance(last, tuple) else (y, last)

    return case(kind, options, fn, [real(n, t, options["input_size"])], named, module)


def bag():
    n, options = pick(1, 5, 9), {"mode": pick("sum", "mean", "max"), "padding_idx": pick(None, 0)}
    options |= {"num_embeddings": n, "embedding_dim": pick(1, 3)}
    many, module = random.randint(1, 8), nn.EmbeddingBag(**options)
    named = {"offsets": Ids(torch.tensor([0] + sorted(random.randint(0, many) for _ in range(pick(0, 1, 3)))))} if flag() else {}
    x = Ids(ids(n, many) if named else ids(n, 3, many))
    return case("EmbeddingBag", {**options, "padding_idx": None if options["padding_idx"] is None else 1}, lambda x, offsets=None: module(x, offsets), [x], named, module)


def attention():
    shape, t, s, n = pick([], [2], [1, 2]), pick(1, 2, 5), pick(1, 3), pick(1, 4)
    named = {"attn_mask": pick(real, lambda *z: torch.rand(z) < 0.7)(*pick([], shape), t, s)} if flag() else {}
    return case("ScaledDotProductAttention", {}, lambda q, k, v, attn_mask=None: F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask),
                [real(*shape, t, n), real(*shape, s, n), real(*shape, s, 2)], named)


random.seed(int(sys.argv[2]))
torch.manual_seed(int(sys.argv[2]))
families = [activation, along, loss_of_pairs, loss_of_classes, convolution, pool, border, resized, normalised, recurrent, bag, attention]
written = 0
while written < int(sys.argv[1]):
    try:
        print(families[written % len(families)]())
        written += 1
    except (RuntimeError, ValueError, IndexError, AssertionError):
        pass  # refused
