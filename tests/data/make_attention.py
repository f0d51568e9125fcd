#!/usr/bin/env python3
"""Write attention_reference.h: scaled dot product and multi-head attention of PyTorch, additive attention of Keras, and
positions by their formulas, with gradients, in float64.

The lists are struct layer_values of tests/plugins/layer_values.h.
Usage: KERAS_BACKEND=torch make_attention.py > attention_reference.h   (needs torch and keras; the tests need only the header)
"""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import torch
from layer_values import draw, emit, leaf
from torch.nn import functional as F

torch.manual_seed(60)
torch.set_default_dtype(torch.float64)


def scaled(options, q, k, v, mask=None):
    q, k, v = leaf(draw(*q)), leaf(draw(*k)), leaf(draw(*v))
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, **{n: x for n, x in options.items()})
    emit("ScaledDotProductAttention", options, [q, k, v] + ([mask] if mask is not None else []), [], [y])


def heads_of(x, heads):
    return x.reshape(x.shape[0], x.shape[1], heads, -1)


def multihead(n, t, s, embed, heads, options=None, padding=None, mask=None, own=False):
    """own: key and value are the query, and absent for us."""
    options = options or {}
    kdim, vdim, bias = options.get("kdim", embed), options.get("vdim", embed), options.get("bias", True)
    extra = {name: options.get(name, False) for name in ("add_bias_kv", "add_zero_attn")}
    net = torch.nn.MultiheadAttention(embed, heads, bias=bias, kdim=kdim, vdim=vdim, batch_first=True, **extra)
    for p in net.parameters():
        p.data = draw(*p.shape, scale=16) / 2
    q = leaf(draw(n, t, embed))
    k, v = (q, q) if own else (leaf(draw(n, s, kdim)), leaf(draw(n, s, vdim)))
    need = options.get("need_weights", True)
    causal = torch.ones(t, s, dtype=torch.bool).triu(1) if options.get("is_causal") else None
    y, w = net(q, k, v, key_padding_mask=padding, attn_mask=causal if mask is None else mask, need_weights=need,
               average_attn_weights=options.get("average_attn_weights", True))
    if net.in_proj_weight is not None:
        ws = net.in_proj_weight.chunk(3)
        params = [net.in_proj_weight]
    else:
        ws = params = [net.q_proj_weight, net.k_proj_weight, net.v_proj_weight]
    bs = net.in_proj_bias.chunk(3) if bias else [None] * 3
    params = params + ([net.in_proj_bias] if bias else []) + [net.out_proj.weight] + ([net.out_proj.bias] if bias else [])
    params += [net.bias_k, net.bias_v] if extra["add_bias_kv"] else []
    kv = [heads_of(F.linear(x, ws[i], bs[i]), heads) for i, x in ((1, k), (2, v))]
    outs = [y, w if need else y.new_zeros(n, 0, s).requires_grad_()] + kv
    ins = [q, None, None] if own else [q, k, v]
    emit("MultiheadAttention", dict(embed_dim=embed, num_heads=heads, **options), ins + [padding, mask], params, outs)


def turned(x, first):
    """x (n, t, heads, d) by its positions from `first` on, halves of the features paired."""
    a, half = angles(torch.arange(x.shape[1]) + first, x.shape[3] // 2, 10000, 2 / x.shape[3])[:, None], x.shape[3] // 2
    u, v = x[..., :half], x[..., half:]
    return torch.cat([u * a.cos() - v * a.sin(), v * a.cos() + u * a.sin()], -1)


def grouped(n, t, past, embed, heads, kv_heads, rotary=False):
    """Grouped queries over a past, causal: PyTorch's function between projections."""
    turn = turned if rotary else lambda x, first: x
    d = embed // heads
    w, b = leaf(draw(embed + 2 * kv_heads * d, embed, scale=16) / 2), leaf(draw(embed + 2 * kv_heads * d, scale=16))
    w_o, b_o = leaf(draw(embed, embed, scale=16) / 2), leaf(draw(embed, scale=16))
    x, pk, pv = leaf(draw(n, t, embed)), leaf(draw(n, past, kv_heads, d)), leaf(draw(n, past, kv_heads, d))
    q, k, v = F.linear(x, w, b).split([embed, kv_heads * d, kv_heads * d], 2)
    q, k = turn(heads_of(q, heads), past), turn(heads_of(k, kv_heads), past)
    k, v = torch.cat([pk, k], 1), torch.cat([pv, heads_of(v, kv_heads)], 1)
    seen = torch.ones(t, past + t, dtype=torch.bool).tril(past)
    y = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=seen, enable_gqa=True)
    y = F.linear(y.transpose(1, 2).reshape(n, t, embed), w_o, b_o)
    emit("MultiheadAttention", dict(embed_dim=embed, num_heads=heads, num_kv_heads=kv_heads, is_causal=True, need_weights=False, rotary=rotary),
         [x, None, None, None, None, pk, pv], [w, b, w_o, b_o], [y, y.new_zeros(n, 0, past + t).requires_grad_(), k, v])


def additive(n, t, s, d, options=None, mask=None, key=False):
    """Keras computes in float32: the numbers are of its formula in float64, checked against it."""
    options = options or {}
    q, v, k = leaf(draw(n, t, d)), leaf(draw(n, s, 3 if key else d)), leaf(draw(n, s, d)) if key else None
    scale = leaf(draw(d)) if options.get("use_scale", True) else None
    x = torch.tanh(q[:, :, None] + (k if key else v)[:, None])
    x = (x if scale is None else x * scale).sum(-1)
    seen = torch.ones(n, t, s, dtype=torch.bool) if mask is None else mask[:, None].expand(n, t, s)
    if options.get("is_causal"):
        seen = seen & torch.ones(t, s, dtype=torch.bool).tril()
    w = torch.softmax(x.masked_fill(~seen, float("-inf")), -1)
    net = keras.layers.AdditiveAttention(use_scale=scale is not None)
    f = lambda a: a.detach().float()
    args = [f(q), f(v)] + ([f(k)] if key else [])
    net.build([a.shape for a in args])
    if scale is not None:
        net.set_weights([f(scale).numpy()])
    got = net(args, mask=None if mask is None else [None, mask], use_causal_mask=options.get("is_causal", False))
    assert torch.allclose(got.double(), w @ v, atol=1e-5)
    emit("AdditiveAttention", dict(embed_dim=d, **options), [q, v, k, mask], [] if scale is None else [scale], [w @ v, w])


def angles(places, pairs, base, exponent):
    return places[..., None].double() * base ** (-exponent * torch.arange(pairs).double())


def sinusoidal(n, t, d, places=None, **options):
    x = leaf(draw(n, t, d))
    at = torch.arange(t) + options.get("offset", 0) if places is None else places
    a = angles(at, (d + 1) // 2, options.get("base", 10000), 2 / d)
    y = x + torch.stack([a.sin(), a.cos()], -1).flatten(-2)[..., :d]
    emit("SinusoidalPositionalEncoding", options, [x, places], [], [y])


def rotary(shape, options=None, places=None):
    """options: dim, base, interleaved, offset; the places are dim -2."""
    options = options or {}
    x = leaf(draw(*shape))
    n = options.get("dim", shape[-1])
    at = torch.arange(shape[-2]) + options.get("offset", 0) if places is None else places
    a = angles(at, n // 2, options.get("base", 10000), 2 / n)
    if places is not None and places.dim() == 2:
        a = a.reshape(a.shape[0], *[1] * (len(shape) - 3), *a.shape[1:])
    u, v = (x[..., 0:n:2], x[..., 1:n:2]) if options.get("interleaved") else (x[..., :n // 2], x[..., n // 2:n])
    turned = u * a.cos() - v * a.sin(), v * a.cos() + u * a.sin()
    y = torch.stack(turned, -1).flatten(-2) if options.get("interleaved") else torch.cat(turned, -1)
    emit("RotaryEmbedding", options, [x, places], [], [torch.cat([y, x[..., n:]], -1)])


def bools(*shape):
    return torch.rand(*shape) < 0.6


print("/* Made by make_attention.py with PyTorch %s and Keras %s. */" % (torch.__version__.split("+")[0], keras.__version__))
print("static const layer_values attention_cases[] = {")
scaled({}, (2, 3, 4), (2, 5, 4), (2, 5, 3))
scaled({"is_causal": True, "scale": 0.3}, (1, 2, 4, 3), (1, 2, 4, 3), (1, 2, 4, 2))
scaled({"is_causal": True}, (2, 5, 2), (2, 3, 2), (2, 3, 2))
scaled({"enable_gqa": True}, (1, 4, 3, 2), (1, 2, 5, 2), (1, 2, 5, 3))
mask = bools(3, 5)
mask[1] = False  # a row without a key
scaled({}, (2, 3, 2), (2, 5, 2), (2, 5, 2), mask)
scaled({}, (2, 2, 3, 2), (2, 2, 4, 2), (2, 2, 4, 2), bools(2, 1, 1, 4) | (torch.arange(4) == 0))
scaled({}, (2, 3, 2), (2, 4, 2), (2, 4, 2), leaf(draw(2, 1, 4)))
scaled({}, (1, 2, 3, 2), (1, 2, 4, 2), (1, 2, 4, 2), draw(3, 4).masked_fill(torch.ones(3, 4).tril(-1) > 0, float("-inf")))
scaled({}, (3, 2), (1, 2), (1, 4))
multihead(2, 3, 4, 4, 2)
multihead(2, 4, 4, 4, 2, {"is_causal": True}, own=True)
multihead(1, 3, 2, 4, 1, {"kdim": 3, "vdim": 5, "average_attn_weights": False})
multihead(2, 2, 3, 4, 2, {"bias": False, "need_weights": False}, padding=torch.tensor([[False, False, True], [False, True, True]]))
multihead(2, 2, 3, 4, 2, {"average_attn_weights": False}, padding=torch.tensor([[False, False, True], [False, False, False]]), mask=torch.tensor([[False, True, False], [False, False, True]]))
multihead(2, 2, 3, 4, 2, {}, mask=leaf(draw(4, 2, 3)))
grouped(2, 2, 3, 8, 4, 2)
grouped(1, 1, 2, 6, 3, 1)
grouped(1, 2, 1, 8, 2, 1, True)
additive(2, 3, 4, 2)
additive(2, 3, 3, 2, {"use_scale": False, "is_causal": True})
additive(2, 2, 3, 2, mask=torch.tensor([[True, False, True], [False, True, True]]), key=True)
sinusoidal(2, 3, 4)
sinusoidal(1, 3, 5, base=100, offset=7)
sinusoidal(2, 2, 2, torch.tensor([[5, 0], [1, 9000]]))
rotary((2, 3, 4))
rotary((2, 2, 3, 4), {"interleaved": True, "offset": 3, "base": 500})
rotary((1, 2, 6), {"dim": 4}, torch.tensor([7, 2]))
rotary((2, 2, 2, 4), {"interleaved": True}, torch.tensor([[3, 4], [0, 8000]]))
multihead(2, 3, 4, 4, 2, {"add_bias_kv": True})
multihead(2, 3, 2, 4, 1, {"add_zero_attn": True, "average_attn_weights": False}, padding=torch.tensor([[False, True], [True, True]]))
multihead(2, 3, 3, 4, 2, {"add_bias_kv": True, "add_zero_attn": True, "is_causal": True}, own=True)
multihead(1, 2, 3, 4, 2, {"add_bias_kv": True, "add_zero_attn": True, "kdim": 3, "vdim": 5, "bias": False}, mask=leaf(draw(2, 2, 3)))
print("};")
