#!/usr/bin/env python3
"""PyTorch's and Keras's numbers for merge, and for the later types of pool, norm, embedding and linear, in float64 at inputs that
float32 holds exactly.

    python3 tests/data/make_layers.py    # needs PyTorch 2 and Keras 3; writes *_more_reference.h and merge_reference.h beside it
"""
import json
import math
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
gen = torch.Generator().manual_seed(47)
torch.set_default_dtype(torch.float64)
keras.config.set_dtype_policy("float64")


def real(*shape, lo=-3.0, hi=3.0):
    """Uniform numbers with few digits."""
    return (torch.rand(shape, generator=gen) * (hi - lo) + lo).mul(16).round().div(16)


def number(x):
    if math.isnan(x) or math.isinf(x):
        return "NAN" if math.isnan(x) else "INFINITY" if x > 0 else "-INFINITY"
    return repr(int(x)) if x == int(x) and abs(x) < 1e9 else repr(x)


class Header:
    """Arrays of doubles, each once, and tables of cases."""

    def __init__(self, table):
        self.table, self.arrays, self.cases, self.others = table, {}, [], []

    def array(self, t):
        if t is None:
            return "NULL"
        values = ", ".join(number(float(v)) for v in t.detach().flatten().tolist()) or "0"
        return self.arrays.setdefault(values, f"{self.table}_{len(self.arrays)}")

    def tensor(self, t):
        if t is None:
            return "GOLDEN_ABSENT"
        return f"{{ {dims(t)}, {self.array(t)}, {'GOLDEN_REAL' if t.is_floating_point() else 'GOLDEN_IDS'} }}"

    def case(self, kind, options, ins, y, param=None, before=None):
        """ins that require gradients get them, and so does param; before: its numbers, where y changed them."""
        v = real(*y.shape, lo=-1, hi=1)
        y.backward(v)
        grads = ", ".join(self.array(x.grad) if x is not None and x.is_floating_point() and x.requires_grad else "NULL" for x in ins)
        text = "NULL" if not options else json.dumps(json.dumps(options))
        self.cases.append(f"    {{ \"{kind}\", {text}, {len(ins)}, {{ {', '.join(self.tensor(x) for x in ins)} }}, {self.tensor(y)}, {self.array(v)},"
                          f" {{ {grads} }}, {self.array(param if before is None else before)}, {self.array(None if param is None else param.grad)} }},")

    def write(self, name):
        lines = [f"/* Made by make_layers.py with PyTorch {torch.__version__.split('+')[0]}, Keras {keras.__version__}; do not edit. */"]
        lines += [f"static const double {name}[] = {{ {values} }};" for values, name in self.arrays.items()]
        text = "\n".join(lines + [f"static const golden_case {self.table}[] = {{"] + self.cases + ["};"] + self.others) + "\n"
        (HERE / name).write_text(text)
        print(name, len(self.cases), "cases", len(text), "bytes")


def dims(t):
    return f"{t.dim()}, {{ {', '.join(map(str, t.shape))} }}"


def grad(t):
    return t.detach().clone().requires_grad_()


# ---- merge -------------------------------------------------------------------------------------------------------------------
def merges():
    h = Header("merge_cases")

    def case(kind, layer, shapes, options=None):
        ins = [grad(real(*shape)) for shape in shapes]
        h.case(kind, options, ins, layer(ins))

    for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum"):
        for shapes in ([(2, 3), (2, 3), (2, 3)], [(2, 1, 4), (2, 3, 1)], [(2, 4), (2, 3, 4)]):
            case(kind, getattr(keras.layers, kind)(), shapes)
    case("Subtract", keras.layers.Subtract(), [(2, 3), (2, 3)])
    case("Subtract", keras.layers.Subtract(), [(2, 3, 4), (2, 4)])
    case("Concatenate", keras.layers.Concatenate(), [(2, 3), (2, 1), (2, 2)])
    case("Concatenate", keras.layers.Concatenate(axis=1), [(2, 1, 3), (2, 2, 3)], {"dim": 1})
    case("Dot", keras.layers.Dot(axes=1), [(3, 4), (3, 4)], {"dim1": 1, "dim2": 1})
    case("Dot", keras.layers.Dot(axes=(2, 1)), [(2, 3, 4), (2, 4, 2)], {"dim1": 2, "dim2": 1})
    a, b = grad(real(2, 3, 4)), grad(real(2, 4))
    y = torch.einsum("nak,nk->na", F.normalize(a, dim=-1, eps=1e-7), F.normalize(b, dim=-1, eps=1e-7))
    assert torch.allclose(keras.layers.Dot(axes=-1, normalize=True)([a, b]).double(), y, rtol=1e-5)  # Keras's is of float32
    h.case("Dot", {"normalize": True}, [a, b], y)
    case("Dot", keras.layers.Dot(axes=(1, 2)), [(2, 3, 2, 2), (2, 2, 3)], {"dim1": 1, "dim2": 2})
    h.write("merge_reference.h")


# ---- pool --------------------------------------------------------------------------------------------------------------------
def pools():
    h = Header("pool_more_cases")
    row, image, cube = real(2, 2, 7), real(1, 2, 6, 6), real(1, 1, 4, 6, 3)

    def unpool(n, x, options, size=None):
        y, ids = getattr(torch.nn, f"MaxPool{n}d")(**options, return_indices=True)(x)
        y = grad(y)
        kept = options if size is None else {**options, "output_size": list(size)}
        h.case(f"MaxUnpool{n}d", kept, [y, ids], getattr(torch.nn, f"MaxUnpool{n}d")(**options)(y, ids, output_size=size))

    unpool(1, row, {"kernel_size": 2})
    unpool(1, row, {"kernel_size": 2}, (7,))
    unpool(2, image, {"kernel_size": 2})
    unpool(2, real(2, 6, 7), {"kernel_size": [2, 3], "stride": [2, 3]}, (6, 7))
    unpool(2, image, {"kernel_size": 3, "stride": 3, "padding": 1}, (6, 6))
    unpool(3, cube, {"kernel_size": [2, 2, 1]})
    for n, x in ((1, row), (2, image), (3, cube)):
        for o in ({"norm_type": 2, "kernel_size": 2}, {"norm_type": 3, "kernel_size": 3, "stride": 2, "ceil_mode": True}):
            x = grad(x.abs() + 0.125)
            h.case(f"LPPool{n}d", o, [x], getattr(torch.nn, f"LPPool{n}d")(**o)(x))
    zeros = grad(torch.cat([torch.zeros(1, 1, 2), real(1, 1, 2)], 2))
    h.case("LPPool1d", {"norm_type": 2, "kernel_size": 2}, [zeros], F.lp_pool1d(zeros, 2, 2))
    for n, x, o in ((2, image, {"kernel_size": 2, "output_size": [3, 4]}), (2, image, {"kernel_size": [2, 3], "output_ratio": 0.5}),
                    (2, image[0], {"kernel_size": 2, "output_size": [1, 5]}), (3, cube, {"kernel_size": 2, "output_size": [2, 3, 1]}),
                    (3, cube, {"kernel_size": [1, 2, 1], "output_ratio": 0.625})):
        samples = real(x.shape[0] if x.dim() == n + 2 else 1, x.shape[-n - 1], n, lo=0, hi=0.9)
        x = grad(x)
        layer = getattr(torch.nn, f"FractionalMaxPool{n}d")(**o, _random_samples=samples)
        h.case(f"FractionalMaxPool{n}d", o, [x, samples], layer(x))
    h.others.append("static const struct { const char *type, *options; golden_tensor x, y, ids; } pool_ids_cases[] = {")
    odd = image.clone()
    odd[0, 0, 2, 3], odd[0, 1, 0, :4] = math.nan, -math.inf
    for n, x, o in ((1, row, {"kernel_size": 2}), (1, row[0], {"kernel_size": 3, "stride": 1, "padding": 1, "dilation": 2}), (2, image, {"kernel_size": 3, "stride": 2, "padding": 1}),
                    (2, odd, {"kernel_size": 2, "ceil_mode": True}), (2, image, {"kernel_size": 1}), (3, cube, {"kernel_size": 2, "stride": 1})):
        y, ids = getattr(torch.nn, f"MaxPool{n}d")(**o, return_indices=True)(x)
        h.others.append(f"    {{ \"MaxPool{n}dWithIndices\", {json.dumps(json.dumps(o))}, {h.tensor(x)}, {h.tensor(y)}, {h.tensor(ids)} }},")
    for n, x, size in ((1, row, 3), (2, odd, [4, 2]), (2, image[0], [5, 6]), (3, cube, [3, 1, 2])):
        y, ids = getattr(torch.nn, f"AdaptiveMaxPool{n}d")(size, return_indices=True)(x)
        h.others.append(f"    {{ \"AdaptiveMaxPool{n}dWithIndices\", {json.dumps(json.dumps({'output_size': size}))}, {h.tensor(x)}, {h.tensor(y)}, {h.tensor(ids)} }},")
    h.others.append("};")
    h.write("pool_more_reference.h")


# ---- norm, linear ------------------------------------------------------------------------------------------------------------
def norms():
    h = Header("normalize_cases")
    for o, shape in (({"size": 3}, (2, 4, 3)), ({"size": 2, "alpha": 0.5, "beta": 1.5, "k": 2.0}, (2, 3, 2, 2)), ({"size": 5, "alpha": 1.0}, (1, 6, 1, 2, 2))):
        x = grad(real(*shape))
        h.case("LocalResponseNorm", o, [x], torch.nn.LocalResponseNorm(**o)(x))
    for o, shape in (({}, (3, 4)), ({"p": 1.0, "dim": 0}, (3, 4)), ({"p": 3.0, "dim": -1, "eps": 6.0}, (2, 3, 4)), ({"dim": 1}, (2, 3, 2, 1))):
        x = grad(real(*shape))
        h.case("Normalize", o, [x], F.normalize(x, **o))
    zeros = grad(torch.zeros(2, 3))
    h.case("Normalize", {}, [zeros], F.normalize(zeros))
    x = grad(real(3, 4))
    y = F.normalize(x, dim=-1)
    assert torch.allclose(keras.layers.UnitNormalization()(x).double(), y, rtol=1e-5)
    h.case("Normalize", {"dim": -1}, [x], y)
    h.write("normalize_reference.h")
    h = Header("linear_more_cases")
    for shape, sizes in (((5,), (3, 2, 4)), ((2, 3), (1, 4, 2)), ((), (3, 3, 1))):
        a, b, w = grad(real(*shape, sizes[0])), grad(real(*shape, sizes[1])), grad(real(sizes[2], sizes[0], sizes[1]))
        o = {"in1_features": sizes[0], "in2_features": sizes[1], "out_features": sizes[2], "bias": False}
        h.case("Bilinear", o, [a, b], F.bilinear(a, b, w), w)
    for equation, x, w, b in (("...a,ab->...b", (2, 3), (3, 4), ()), ("abc,cde->abde", (2, 2, 3), (3, 2, 2), ()), ("abc,bd->adc", (2, 3, 2), (3, 4), ())):
        x, w = grad(real(*x)), grad(real(*w))
        y = torch.einsum(equation, x, w)
        layer = keras.layers.EinsumDense(equation, y.shape[1:])
        layer.build(x.shape)
        layer.set_weights([w.detach().numpy()])
        assert torch.allclose(layer(x).double(), y)
        h.case("EinsumDense", {"equation": equation, "weight_shape": list(w.shape)}, [x], y, w)
    h.write("linear_more_reference.h")


# ---- embedding ---------------------------------------------------------------------------------------------------------------
def bags():
    h = Header("bag_cases")
    flat, square = torch.tensor([1, 4, 0, 4, 2, 2, 3, 0]), torch.tensor([[1, 4, 0], [2, 2, 3]])
    for mode in ("sum", "mean", "max"):
        for padding in (None, 2):
            o = {"num_embeddings": 5, "embedding_dim": 3, "mode": mode}
            if padding is not None:
                o["padding_idx"] = padding
            for ids, offsets, last in ((square, None, False), (flat, torch.tensor([0, 3, 3, 7]), False), (flat, torch.tensor([0, 2, 6, 8]), True)):
                w = grad(real(5, 3))
                options = {**o, "include_last_offset": True} if last else o
                y = F.embedding_bag(ids, w, offsets, mode=mode, padding_idx=padding, include_last_offset=last)
                h.case("EmbeddingBag", options, [ids] if offsets is None else [ids, offsets], y, w)
    for padding in (None, 0):
        o = {"num_embeddings": 5, "embedding_dim": 3, "mode": "sum"}
        if padding is not None:
            o["padding_idx"] = padding
        w, s = grad(real(5, 3)), grad(real(8))
        h.case("EmbeddingBag", o, [flat, torch.tensor([0, 3, 5]), s],
               F.embedding_bag(flat, w, torch.tensor([0, 3, 5]), mode="sum", per_sample_weights=s, padding_idx=padding), w)
        w, s = grad(real(5, 3)), grad(real(2, 3))
        h.case("EmbeddingBag", o, [square, None, s], F.embedding_bag(square, w, mode="sum", per_sample_weights=s, padding_idx=padding), w)
    # with limits, for which PyTorch writes to the table; by frequency its bag divides by the count of another id, its rows do not
    def bag_of_rows(ids, w, mode, offsets=None, padding_idx=None, **limits):
        n = ids.shape[1] if offsets is None else None
        of = torch.arange(ids.numel()) // n if n else torch.searchsorted(offsets, torch.arange(ids.numel()), right=True) - 1
        ids = ids.flatten()
        rows = F.embedding(ids, w, padding_idx, **limits) * (ids != (-1 if padding_idx is None else padding_idx))[:, None]
        y = torch.zeros(int(of.max()) + 1, w.shape[1]).index_add(0, of, rows)
        return y / n if mode == "mean" else y

    often, offsets, weights = torch.tensor([[1, 4, 1], [2, 1, 3]]), torch.tensor([0, 3, 3, 7]), grad(real(2, 3))
    for kind, ids, more, limits in (
            ("Embedding", square, {"padding_idx": 2}, {"max_norm": 2}),
            ("Embedding", often, {}, {"max_norm": 1.5, "norm_type": 1, "scale_grad_by_freq": True}),
            ("EmbeddingBag", flat, {"mode": "sum", "padding_idx": 2, "offsets": offsets}, {"max_norm": 2, "scale_grad_by_freq": True}),
            ("EmbeddingBag", often, {"mode": "mean"}, {"max_norm": 2.5, "norm_type": 3, "scale_grad_by_freq": True}),
            ("EmbeddingBag", flat, {"mode": "max", "offsets": offsets}, {"max_norm": 2}),
            ("EmbeddingBag", often, {"mode": "sum", "per_sample_weights": weights}, {"max_norm": 2})):
        before = real(5, 3)
        w = grad(before.clone())
        bag = bag_of_rows if "scale_grad_by_freq" in limits else F.embedding_bag
        y = (F.embedding if kind == "Embedding" else bag)(ids, w, **more, **limits)
        ins = [ids] + [more.pop(name) for name in ("offsets", "per_sample_weights") if name in more]
        if ins[-1] is weights:
            ins.insert(1, None)
        h.case(kind, {"num_embeddings": 5, "embedding_dim": 3, **more, **limits}, ins, y, w, before)
    h.write("bag_reference.h")


merges()
pools()
norms()
bags()
