#!/usr/bin/env python3
"""Write arrange_reference.h: what PyTorch gives for scans, sorting, moving and masking elements, with gradients.

Usage: make_arrange.py > arrange_reference.h   (needs torch; the tests need only the header)
"""
import torch

torch.manual_seed(11)
NAN, INF = float("nan"), float("inf")


def number(v):
    return "(double)NAN" if v != v else "(double)INFINITY" if v == INF else "-(double)INFINITY" if v == -INF else repr(v)


def tensor(t):
    if t is None:
        return "{ -1, { 0 }, NULL }"
    shape = ", ".join(str(s) for s in t.shape) or "0"
    values = ", ".join(number(v) for v in t.detach().double().reshape(-1).tolist())
    return "{ %d, { %s }, %s }" % (t.dim(), shape, "(const double[]) { " + values + " }" if t.numel() else "NULL")


def eighths(*shape):
    return torch.randint(-20, 20, shape).double().div(8)


def logsumexp(x, dims, keep):
    return x.logsumexp(dims or tuple(range(x.dim())), keepdim=keep)


OPS = {  # of x, the numbers, keep, p, and the mask
    "cumsum": lambda x, at, keep, p, mask: x.cumsum(at[0]),
    "cumprod": lambda x, at, keep, p, mask: x.cumprod(at[0]),
    "sort": lambda x, at, keep, p, mask: x.sort(dim=at[0], descending=bool(at[1]), stable=True),
    "topk": lambda x, at, keep, p, mask: x.topk(at[1], at[0], largest=bool(at[2])),
    "flip": lambda x, at, keep, p, mask: x.flip(at),
    "roll": lambda x, at, keep, p, mask: x.roll(at[1], at[0]),
    "tile": lambda x, at, keep, p, mask: x.tile(at),
    "pad": lambda x, at, keep, p, mask: torch.nn.functional.pad(x, sum((at[i:i + 2] for i in range(len(at) - 2, -1, -2)), []), value=p),
    "tril": lambda x, at, keep, p, mask: x.tril(at[0]),
    "triu": lambda x, at, keep, p, mask: x.triu(at[0]),
    "norm": lambda x, at, keep, p, mask: torch.linalg.vector_norm(x, p, at or None, keep),
    "std": lambda x, at, keep, p, mask: x.std(at or None, correction=p, keepdim=keep),
    "quantile": lambda x, at, keep, p, mask: x.quantile(p, at[0], keep),
    "logsumexp": lambda x, at, keep, p, mask: logsumexp(x, at, keep),
    "masked_fill": lambda x, at, keep, p, mask: x.masked_fill(mask, p),
    "masked_select": lambda x, at, keep, p, mask: x.masked_select(mask),
    "nonzero": lambda x, at, keep, p, mask: x.nonzero(),
}


def case(op, x, at=(), keep=False, p=0.0, mask=None):
    x = x.clone().requires_grad_()
    y, ids, v, gx = OPS[op](x, list(at), keep, p, mask), None, None, None
    if isinstance(y, tuple):
        y, ids = y
    if y.requires_grad:
        v = eighths(*y.shape)
        gx, = torch.autograd.grad(y, x, v, allow_unused=True)
    lines = [[x, mask, y], [ids, v, gx]]
    print('    { "%s", %d, { %s }, %d, %s,\n      %s },' % (op, len(at), ", ".join(map(str, at)) or "0", keep, number(p),
                                                           ",\n      ".join(", ".join(map(tensor, line)) for line in lines)))


print("/* Made by make_arrange.py with PyTorch %s. Dims and ids count from 0. Types: reduce_reference.h. */" % torch.__version__.split("+")[0])
print("typedef struct arrange_case { const char *op; int n; int64_t at[8]; int keep; double p; reference_tensor x, mask, y, ids, v, gx; } arrange_case;")
print("static const arrange_case arrange_cases[] = {")
for op in "cumsum", "cumprod":
    case(op, eighths(7), (0,))
    case(op, eighths(3, 5), (0,))
    case(op, eighths(3, 5), (-1,))
    case(op, eighths(2, 4, 3), (1,))
    case(op, eighths(1, 3), (0,))
    case(op, eighths(0, 3), (0,))
    case(op, eighths(3, 0), (0,))
    case(op, torch.tensor(2.5).double(), (0,))
case("cumprod", torch.tensor([[2.0, 0, 5, 1], [0, 3, 0, 3], [1, 2, 3, 0]]).double(), (1,))
case("cumprod", torch.tensor([2.0, -1, 0, 1.5, 3]).double(), (0,))
case("sort", eighths(9), (0, 0))
case("sort", eighths(4, 5), (0, 0))
case("sort", eighths(4, 5), (1, 1))
case("sort", eighths(2, 4, 3), (1, 0))
case("sort", eighths(2, 70).round(), (1, 0))
case("sort", eighths(2, 70).round(), (-1, 1))
case("sort", eighths(0, 3), (0, 0))
case("sort", eighths(3, 0), (0, 1))
case("sort", torch.tensor(-2.5).double(), (0, 0))
case("sort", torch.tensor([1.0, NAN, -0.0, INF, 0.0, -INF, NAN, -1.0]).double(), (0, 0))
case("sort", torch.tensor([1.0, NAN, -0.0, INF, 0.0, -INF, NAN, -1.0]).double(), (0, 1))
distinct = (torch.randperm(60) - 30).double().div(4)
case("topk", distinct[:12], (0, 4, 1))
case("topk", distinct[:12].reshape(3, 4), (1, 2, 0))
case("topk", distinct[:24].reshape(2, 4, 3), (1, 3, 1))
case("topk", distinct.reshape(2, 30), (-1, 30, 1))
case("topk", distinct[:12].reshape(3, 4), (0, 0, 1))
case("flip", eighths(5), (0,))
case("flip", eighths(2, 3), (0, 1))
case("flip", eighths(2, 3, 4), (1,))
case("flip", eighths(2, 3, 4), (-1, 0))
case("flip", eighths(2, 0), (0, 1))
case("roll", eighths(5), (0, 2))
case("roll", eighths(3, 4), (1, -1))
case("roll", eighths(3, 4), (0, 7))
case("roll", eighths(3, 4), (-1, 4))
case("roll", eighths(2, 3, 2), (1, -5))
case("roll", eighths(0, 2), (0, 1))
case("tile", eighths(3), (2,))
case("tile", eighths(2, 3), (2, 2))
case("tile", eighths(2, 3), (2,))
case("tile", eighths(3), (2, 1, 2))
case("tile", eighths(2, 1, 2), (1, 3, 2))
case("tile", eighths(2, 3), (1, 1))
case("tile", eighths(2, 3), (2, 0))
case("tile", eighths(1), (4,))
case("tile", eighths(0, 2), (2, 2))
case("tile", eighths(2, 2, 2, 2, 2), (2, 1, 2, 1, 2))
case("tile", torch.tensor(1.5).double(), (2, 2))
case("pad", eighths(3), (1, 2), p=0.5)
case("pad", eighths(2, 3), (1, 0, 0, 2))
case("pad", eighths(2, 3), (2, 1), p=-1.0)
case("pad", eighths(2, 2, 2), (0, 1, 1, 1))
case("pad", eighths(0, 2), (1, 1, 0, 0), p=2.0)
case("pad", eighths(2, 3), (0, 0, 0, 0))
for op in "tril", "triu":
    for k in (0, 1, -1, 3, -4, 9):
        case(op, eighths(4, 3), (k,))
    case(op, eighths(2, 3, 5), (1,))
    case(op, eighths(0, 3), (0,))
    case(op, eighths(3, 0), (0,))
for p in (2.0, 1.0, INF, -INF, 3.0, 0.5, 0.0, -1.0, 2.5):
    x = eighths(3, 5)
    x = torch.where(x == 0, torch.tensor(0.375).double(), x)
    case("norm", x, (1,), p=p)
    case("norm", x, (), p=p)
    case("norm", x.reshape(3, 5, 1), (0, 2), True, p)
for p in (2.0, 1.0, 3.0, 0.0):
    case("norm", torch.tensor([[0.0, 0, 0], [0, 3, -4]]).double(), (1,), p=p)
    case("norm", eighths(0, 3), (0,), p=p)
case("std", eighths(3, 5), (1,), p=1.0)
case("std", eighths(3, 5), (), p=0.0)
case("std", eighths(3, 5, 2), (0, 2), True, p=1.0)
for q in 0.0, 0.5, 0.3, 1.0:
    case("quantile", distinct[:20].reshape(4, 5), (0,), p=q)
    case("quantile", distinct[:20].reshape(4, 5), (1,), True, q)
case("quantile", torch.tensor([[1.0, 3, INF, 2], [NAN, 1, 2, 3]]).double(), (1,), p=0.25)
case("quantile", torch.tensor(1.5).double(), (0,), p=0.25)
case("logsumexp", eighths(3, 5), (1,))
case("logsumexp", eighths(3, 5), (0,), True)
case("logsumexp", eighths(2, 3, 2), (0, -1))
case("logsumexp", eighths(2, 3), ())
case("logsumexp", eighths(2, 3) * 1000, (1,))
case("logsumexp", torch.tensor([[-INF, -INF, 0.5], [-INF, 1, 2]]).double(), (1,))
case("logsumexp", eighths(2, 0), (1,))
case("logsumexp", eighths(0, 2), (1,))
yes = torch.tensor([[1, 0, 1], [0, 0, 1]]).bool()
case("masked_fill", eighths(2, 3), p=-7.5, mask=yes)
case("masked_fill", eighths(2, 3), p=1.0, mask=yes[1])
case("masked_fill", eighths(4, 2, 3), p=-INF, mask=yes[:, :1])
case("masked_fill", eighths(0, 3), p=1.0, mask=yes[0])
case("masked_select", eighths(2, 3), mask=yes)
case("masked_select", eighths(4, 2, 3), mask=yes)
case("masked_select", eighths(3), mask=yes)
case("masked_select", eighths(2, 3), mask=yes & False)
case("masked_select", eighths(0, 3), mask=yes[0])
case("masked_select", torch.tensor(1.5).double(), mask=torch.tensor(True))
case("nonzero", torch.tensor([[0.0, 2, NAN], [0, 0, -1]]).double())
case("nonzero", torch.tensor([0.0, 2, 0, 3]).double())
case("nonzero", eighths(2, 2, 3).round())
case("nonzero", torch.zeros(2, 2).double())
case("nonzero", eighths(0, 2))
case("nonzero", torch.tensor(3.0).double())
print("};")
