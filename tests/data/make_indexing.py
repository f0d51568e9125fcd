#!/usr/bin/env python3
"""Write indexing_reference.h: what PyTorch gives for writing and reducing at ids, segments and order, with gradients.

Usage: make_indexing.py > indexing_reference.h   (needs torch; the tests need only the header)
"""
import torch

torch.manual_seed(21)
NAN, INF = float("nan"), float("inf")
HOW = ["sum", "prod", "mean", "amax", "amin"]


def number(v):
    return "(double)NAN" if v != v else "(double)INFINITY" if v == INF else "-(double)INFINITY" if v == -INF else "%.17g" % v


def tensor(t):
    if t is None:
        return "{ -1, { 0 }, NULL }"
    shape = ", ".join(str(s) for s in t.shape) or "0"
    values = ", ".join(number(v) for v in t.detach().double().reshape(-1).tolist())
    return "{ %d, { %s }, %s }" % (t.dim(), shape, "(const double[]) { " + values + " }" if t.numel() else "NULL")


def eighths(*shape):
    return torch.randint(-20, 20, shape).double().div(8)


def distinct(*shape):
    n = torch.Size(shape).numel()
    return (torch.randperm(n) - n // 2).double().div(4).add(0.125).reshape(shape)


def ids(values):
    return torch.tensor(values, dtype=torch.int64)


def segment(how):  # of numbers that are not 0: PyTorch takes the zeros that it begins with for largest ones, too, in gradients
    def run(x, i, at, p):
        count = at[0]
        shape = (count,) + x.shape[1:]
        index = i.reshape((-1,) + (1,) * (x.dim() - 1)).expand(x.shape)
        return torch.zeros(shape, dtype=x.dtype).scatter_reduce(0, index, x, how, include_self=False)
    return run


OPS = {
    "scatter": lambda x, i, s, at, p: x.scatter(at[0], i, s),
    "scatter_reduce": lambda x, i, s, at, p: x.scatter_reduce(at[0], i, s, HOW[at[1]], include_self=bool(at[2])),
    "index_copy": lambda x, i, s, at, p: x.index_copy(at[0], i, s),
    "index_fill": lambda x, i, at, p: x.index_fill(at[0], i, p),
    "index": lambda x, i, j, at, p: x[i, j],
    "index_1": lambda x, i, at, p: x[i],
    "index_put": lambda x, i, j, s, at, p: x.index_put((i, j), s, bool(at[0])),
    "index_put_1": lambda x, i, s, at, p: x.index_put((i,), s, bool(at[0])),
    "take": lambda x, i, at, p: x.take(i),
    "masked_scatter": lambda x, m, s, at, p: x.masked_scatter(m, s),
    "segment_sum": segment("sum"), "segment_mean": segment("mean"), "segment_max": segment("amax"), "segment_min": segment("amin"),
    "bincount": lambda i, at, p: i.bincount(minlength=at[0]),
    "bincount_w": lambda i, w, at, p: torch.zeros(max(at[0], int(i.max()) + 1), dtype=w.dtype).index_add(0, i, w),
    "unique": lambda x, at, p: torch.unique(x, return_inverse=True, return_counts=True),
    "unique_dim": lambda x, at, p: torch.unique(x, return_inverse=True, return_counts=True, dim=at[0]),
    "searchsorted": lambda s, v, at, p: torch.searchsorted(s.contiguous(), v, right=bool(at[0])),
    "repeat_interleave": lambda x, n, at, p: x.repeat_interleave(n, at[0]),
    "median": lambda x, at, p: tuple(x.median(at[0], keepdim=bool(at[1]))),
    "kthvalue": lambda x, at, p: tuple(x.kthvalue(at[2], at[0], keepdim=bool(at[1]))),
    "mode": lambda x, at, p: tuple(x.mode(at[0], keepdim=bool(at[1]))),
    "cummax": lambda x, at, p: tuple(x.cummax(at[0])),
    "cummin": lambda x, at, p: tuple(x.cummin(at[0])),
    "logcumsumexp": lambda x, at, p: x.logcumsumexp(at[0]),
    "diff": lambda x, at, p: x.diff(at[1], at[0]),
    "isclose": lambda x, y, at, p: torch.isclose(x, y, rtol=p, atol=0.25, equal_nan=bool(at[0])),
    "movedim": lambda x, at, p: x.movedim((at[0], at[1]), (at[2], at[3])),
}


def case(op, kinds, *inputs, at=(), p=0.0, out="x", grad=True):
    """kinds: x real, i ids, n numbers, m mask; out: x values, i ids, n numbers, m mask."""
    at = list(at)
    ins = [t.clone().requires_grad_() if k == "x" and grad else t for k, t in zip(kinds, inputs)]
    y = OPS[op](*ins, at, p)
    y = list(y) if isinstance(y, tuple) else [y]
    v, g = None, [None] * len(ins)
    if y[0].requires_grad:
        v = eighths(*y[0].shape)
        wanted = [k for k, t in enumerate(ins) if t.requires_grad]
        for k, t in zip(wanted, torch.autograd.grad(y[0], [ins[k] for k in wanted], v, allow_unused=True)):
            g[k] = t
    pad = lambda ts, n: ", ".join(tensor(t) for t in ts + [None] * (n - len(ts)))
    print('    { "%s", "%s", "%s", { %s }, %s, { %s },\n      { %s }, %s, { %s } },'
          % (op, kinds, out, ", ".join(map(str, at)) or "0", number(p), pad(ins, 4), pad(y, 3), tensor(v), pad(g, 4)))


print("/* Made by make_indexing.py with PyTorch %s. Dims and ids count from 0. Types: reduce_reference.h. */" % torch.__version__.split("+")[0])
print("typedef struct indexing_case { const char *op, *kinds, *out; int at[4]; double p; reference_tensor x[4], y[3], v, g[4]; } indexing_case;")
print("static const indexing_case indexing_cases[] = {")
x34, x345 = eighths(3, 4), eighths(3, 4, 5)
case("scatter", "xix", x34, ids([[2, 0, 1, 1], [0, 2, 0, 2]]), eighths(2, 4), at=(0,))
case("scatter", "xix", x34, ids([[3], [0]]), eighths(2, 1), at=(1,))
case("scatter", "xix", eighths(5), ids([4, 0, 2]), eighths(3), at=(-1,))
case("scatter", "xix", x345, ids([[[1, 0], [2, 3]], [[0, 2], [1, 0]]]), eighths(2, 2, 2), at=(1,))
case("scatter", "xix", eighths(3), ids([]), eighths(0), at=(0,))
case("scatter", "xix", torch.tensor(1.5).double(), ids(0), torch.tensor(-2.0).double(), at=(0,))
twice = ids([[2, 0, 1, 1], [0, 2, 1, 1], [2, 2, 0, 1], [0, 0, 1, 2]])
for how in range(5):
    for include in (1, 0):
        source = distinct(4, 4) if how > 2 else eighths(4, 4)
        source[source == 0] = 0.625
        case("scatter_reduce", "xix", eighths(3, 4) + 3 if how == 1 else eighths(3, 4), twice, source, at=(0, how, include))
        case("scatter_reduce", "xix", eighths(4, 3).abs() + 1, twice[:, :2].t() % 3, eighths(2, 4).abs() + 0.5, at=(1, how, include))
    case("scatter_reduce", "xix", torch.tensor(1.5).double(), ids(0), torch.tensor(-2.0).double(), at=(0, how, 1))
case("scatter_reduce", "xix", torch.tensor([2.0, 3, 5, 7]).double(), ids([1, 2, 1, 2, 2, 3]), torch.tensor([0, 2.0, 3, 0, 0, 4]).double(), at=(0, 1, 1))
case("scatter_reduce", "xix", torch.tensor([1.0, 2, 3]).double(), ids([0, 0, 1, 2, 2]), torch.tensor([1.0, 1, 3, 2, 3]).double(), at=(0, 3, 1))
case("scatter_reduce", "xix", torch.tensor([1.0, 5, 3]).double(), ids([0, 0, 1, 2]), torch.tensor([-1.0, -1, 2, INF]).double(), at=(0, 4, 0))
case("index_copy", "xix", x345, ids([3, 0]), eighths(3, 2, 5), at=(1,))
case("index_copy", "xix", eighths(4), ids([2, 3]), eighths(2), at=(0,))
case("index_fill", "xi", x345, ids([1, 1, 3]), at=(-2,), p=2.5)
case("index_1", "xi", x34, ids([[2, 0], [1, 1]]))
case("index", "xii", x345, ids([[2], [0]]), ids([1, 3, 0]))
case("index", "xii", x34, ids([2, 0, 2]), ids(3))
case("index_put_1", "xix", x34, ids([2, 0]), eighths(4), at=(0,))
case("index_put_1", "xix", x34, ids([2, 0, 2]), eighths(3, 4), at=(1,))
case("index_put", "xiix", x345, ids([[2], [0]]), ids([1, 3, 0]), eighths(2, 3, 5), at=(0,))
case("index_put", "xiix", x345, ids([[2], [2]]), ids([1, 3, 1]), eighths(3, 1), at=(1,))
case("index_put", "xiix", x34, ids([2, 0]), ids([0, 3]), torch.tensor(0.75).double(), at=(0,))
case("take", "xi", x34, ids([[11, 0], [5, 5]]))
case("take", "xi", x34, ids(7))
yes = torch.tensor([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0]]).bool()
case("masked_scatter", "xmx", x34, yes, eighths(8))
case("masked_scatter", "xmx", x34, yes[0], eighths(3, 5))
case("masked_scatter", "xmx", x34, yes & False, eighths(0))
of = ids([2, 0, 2, 4, 0, 2])
for op in "segment_sum", "segment_mean", "segment_max", "segment_min":
    case(op, "xi", distinct(6, 3), of, at=(5,))
    case(op, "xi", distinct(6), of, at=(6,))
    case(op, "xi", distinct(6, 2, 2), of, at=(5,))
    case(op, "xi", eighths(0, 2), ids([]), at=(2,))
case("segment_max", "xi", torch.tensor([[1.0, 2], [1, 3], [0, 3]]).double(), ids([1, 1, 1]), at=(2,))
case("bincount", "i", ids([3, 1, 1, 5]), at=(0,), out="n")
case("bincount", "i", ids([3, 1, 1, 5]), at=(9,), out="n")
case("bincount", "i", ids([]), at=(2,), out="n")
case("bincount_w", "ix", ids([3, 1, 1, 5]), eighths(4), at=(0,))
some = torch.tensor([[3.0, 1, 2], [1, 3, -4], [2, 2, 1]]).double()
case("unique", "x", some, out="xin", grad=False)
case("unique", "x", torch.tensor([0.0, NAN, 1, NAN, -INF, 1]).double(), out="xin", grad=False)
case("unique", "x", torch.tensor(2.5).double(), out="xin", grad=False)
case("unique", "x", eighths(0), out="xin", grad=False)
pairs = torch.tensor([[3.0, 1], [1, 2], [3, 0], [1, 2], [3, 1], [3, 1]]).double()
case("unique_dim", "x", pairs, at=(0,), out="xin", grad=False)
case("unique_dim", "x", pairs.t(), at=(1,), out="xin", grad=False)
case("unique_dim", "x", pairs.reshape(3, 2, 2)[[0, 1, 0]], at=(0,), out="xin", grad=False)
ladder = torch.tensor([-1.0, 0, 0, 2.5, 7]).double()
probe = torch.tensor([[-2.0, -1, 0], [2.5, 9, NAN]]).double()
case("searchsorted", "xx", ladder, probe, at=(0,), out="i", grad=False)
case("searchsorted", "xx", ladder, probe, at=(1,), out="i", grad=False)
case("searchsorted", "xx", torch.stack([ladder, ladder + 1]), probe, at=(0,), out="i", grad=False)
case("searchsorted", "xx", ladder, torch.tensor(0.5).double(), at=(0,), out="i", grad=False)
case("repeat_interleave", "xn", x34, ids([2, 0, 1]), at=(0,))
case("repeat_interleave", "xn", x34, ids(3), at=(1,))
case("repeat_interleave", "xn", eighths(3), ids([0, 0, 0]), at=(0,))
for op in "median", "mode", "kthvalue":
    case(op, "x", distinct(5, 4), at=(0, 0, 2), out="xi")
    case(op, "x", distinct(5, 4), at=(1, 1, 4), out="xi")
    case(op, "x", distinct(2, 5, 3), at=(1, 0, 3), out="xi")
    case(op, "x", torch.tensor(2.5).double(), at=(0, 0, 1), out="xi")
case("median", "x", torch.tensor([[1.0, NAN, 3, NAN], [4, 2, INF, 1]]).double(), at=(1, 0), out="xi")
case("mode", "x", torch.tensor([[1.0, 2, 2, 1, 3], [3, 3, 1, 1, 3], [5, 4, 3, 2, 1]]).double(), at=(1, 0), out="xi")
for op in "cummax", "cummin":
    case(op, "x", torch.tensor([[1.0, 3, 3, 2, 5, 5], [4, 1, 1, 0, 6, -7]]).double(), at=(1,), out="xi")
    case(op, "x", eighths(4, 3), at=(0,), out="xi")
    case(op, "x", torch.tensor([1.0, 2, NAN, 3, NAN, -INF]).double(), at=(0,), out="xi")
    case(op, "x", torch.tensor(2.5).double(), at=(0,), out="xi")
case("logcumsumexp", "x", eighths(3, 5), at=(1,))
case("logcumsumexp", "x", eighths(3, 5) * 300, at=(0,))
case("logcumsumexp", "x", torch.tensor([0.5, -INF, 2]).double(), at=(0,))
case("logcumsumexp", "x", torch.tensor(2.5).double(), at=(0,))
case("diff", "x", x34, at=(1, 1))
case("diff", "x", x34, at=(0, 2))
case("diff", "x", x34, at=(0, 5))
case("diff", "x", x34, at=(0, 0))
near = torch.tensor([1.0, 100, 0, INF, -INF, NAN, INF, 3]).double()
other = torch.tensor([1.2, 101, 0.3, INF, INF, NAN, 1, 3.5]).double()
for equal_nan in 0, 1:
    case("isclose", "xx", near, other, at=(equal_nan,), p=0.01, out="m", grad=False)
case("isclose", "xx", near[:1], other.reshape(2, 4), at=(0,), p=0.0, out="m", grad=False)
case("movedim", "x", x345, at=(0, 2, 1, 0))
case("movedim", "x", x345, at=(-1, 0, 0, -1))
print("};")
