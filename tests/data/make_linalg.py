#!/usr/bin/env python3
"""Write linalg_reference.h: what PyTorch gives for linear algebra and sparse products, with gradients.

Usage: make_linalg.py > linalg_reference.h   (needs torch; the tests need only the header)

Signs of svd and eigh are put as luron puts them: in each column of u the first element of nearly the largest size is
positive. Functions of a symmetric matrix take the symmetric part of x, so that the gradients of both are comparable.
"""
import warnings

import torch

warnings.filterwarnings("ignore")
torch.manual_seed(7)
L = torch.linalg


def number(v):
    return "(double)NAN" if v != v else "(double)INFINITY" if v == float("inf") else "-(double)INFINITY" if v == -float("inf") else "%.17g" % v


def tensor(t):
    if t is None:
        return "{-1, {0}, NULL}"
    shape = ", ".join(str(s) for s in t.shape) or "0"
    values = ", ".join(number(v) for v in t.detach().double().reshape(-1).tolist())
    return "{%d, {%s}, %s}" % (t.dim(), shape, "(const double[]){" + values + "}" if t.numel() else "NULL")


def eighths(*shape):
    return torch.randint(-20, 20, shape).double().div(8)


def signs(u):
    if u.numel() == 0:
        return u.new_ones(u.shape[:-2] + (1, u.shape[-1]))
    size = u.detach().abs()
    near = size >= size.amax(-2, keepdim=True) * (1 - 1e-6)
    first = near.double().argmax(-2, keepdim=True)
    return u.detach().gather(-2, first).sign()


def svd(x, b, p):
    u, s, vh = L.svd(x, full_matrices=False)
    t = signs(u)
    return u * t, s, vh * t.transpose(-2, -1)


def eigh(x, b, p):
    values, q = L.eigh((x + x.mT) / 2)
    return values, q * signs(q)


OPS = {  # of x, b and two numbers; up to three results
    "solve": lambda x, b, p: L.solve(x, b),
    "solve_triangular": lambda x, b, p: L.solve_triangular(x, b, upper=bool(p[0]), unitriangular=bool(p[1])),
    "inverse": lambda x, b, p: L.inv(x),
    "det": lambda x, b, p: L.det(x),
    "slogdet": lambda x, b, p: tuple(L.slogdet(x)),
    "cholesky": lambda x, b, p: L.cholesky((x + x.mT) / 2),
    "qr": lambda x, b, p: tuple(L.qr(x)),
    "svd": svd,
    "eigh": eigh,
    "trace": lambda x, b, p: x.diagonal(0, -2, -1).sum(-1),
    "outer": lambda x, b, p: torch.outer(x, b),
    "dot": lambda x, b, p: torch.dot(x, b),
    "diag": lambda x, b, p: torch.diag(x, p[0]),
    "diagonal": lambda x, b, p: torch.diagonal(x, *p),
}


def case(op, x, b=None, p=(0, 0)):
    ins = [t.clone().requires_grad_() for t in ([x] if b is None else [x, b])]
    ys = OPS[op](ins[0], ins[1] if len(ins) > 1 else None, p)
    ys = list(ys) if isinstance(ys, tuple) else [ys]
    vs = [eighths(*y.shape) for y in ys]
    live = [i for i, y in enumerate(ys) if y.requires_grad]
    gs = list(torch.autograd.grad([ys[i] for i in live], ins, [vs[i] for i in live]))
    lists = [tensor(x) + ", " + tensor(b)] + ["{" + ", ".join(tensor(t) for t in pad) + "}"
                                              for pad in (ys + [None] * (3 - len(ys)), vs + [None] * (3 - len(vs)), gs + [None] * (2 - len(gs)))]
    print('    {"%s", {%s},\n     %s},' % (op, ", ".join(map(str, p)), lists[0] + ",\n     " + lists[1] + ", " + lists[2] + ",\n     " + lists[3]))


def definite(*shape):
    x = eighths(*shape)
    return x @ x.mT + torch.eye(shape[-1]).double()


print("/* Made by make_linalg.py with PyTorch %s. Dims count from 0. Types: reduce_reference.h. */" % torch.__version__.split("+")[0])
print("typedef struct linalg_case { const char *op; int64_t p[3]; reference_tensor x, b, y[3], v[3], g[2]; } linalg_case;")
print("static const linalg_case linalg_cases[] = {")
case("solve", eighths(3, 3), eighths(3, 2))
case("solve", eighths(4, 4), eighths(4))
case("solve", eighths(2, 3, 3), eighths(2, 3))
case("solve", eighths(2, 1, 3, 3), eighths(4, 3, 2))
case("solve", eighths(3, 3), eighths(2, 3, 1))
case("solve", eighths(1, 1), eighths(1, 1))
case("solve", eighths(0, 0), eighths(0, 2))
case("solve", eighths(0, 3, 3), eighths(0, 3, 2))
case("solve", torch.tensor([[0.0, 2, 1], [1, 0, 0], [3, 0, 1]]).double(), eighths(3, 1))
for upper in 0, 1:
    for unit in 0, 1:
        case("solve_triangular", eighths(4, 4) + 0.0625, eighths(4, 2), (upper, unit))
case("solve_triangular", eighths(2, 3, 3) + 0.0625, eighths(3, 2), (1, 0))
case("inverse", eighths(4, 4))
case("inverse", eighths(2, 2, 3, 3))
case("inverse", eighths(0, 0))
for op in "det", "slogdet":
    case(op, eighths(4, 4))
    case(op, eighths(2, 3, 3))
    case(op, eighths(1, 1))
    case(op, eighths(0, 0))
case("cholesky", definite(4, 4))
case("cholesky", definite(2, 3, 3))
case("cholesky", torch.tensor([[4.0]]).double())
case("cholesky", eighths(0, 0))
for shape in (4, 4), (5, 3), (3, 5), (2, 4, 2), (1, 3), (3, 1), (1, 1), (3, 0), (0, 3), (0, 3, 2):
    case("qr", eighths(*shape))
    case("svd", eighths(*shape))
for shape in (4, 4), (2, 3, 3), (1, 1), (0, 0):
    case("eigh", eighths(*shape))
case("trace", eighths(3, 4))
case("trace", eighths(2, 3, 3))
case("trace", eighths(0, 3))
case("outer", eighths(3), eighths(2))
case("outer", eighths(0), eighths(2))
case("dot", eighths(5), eighths(5))
case("dot", eighths(0), eighths(0))
for offset in 0, 2, -1:
    case("diag", eighths(3), None, (offset,))
    case("diag", eighths(3, 4), None, (offset,))
case("diag", eighths(3, 4), None, (5,))
case("diagonal", eighths(3, 4), None, (0, 0, 1))
case("diagonal", eighths(3, 4), None, (1, 1, 0))
case("diagonal", eighths(2, 3, 4), None, (-1, -2, -1))
case("diagonal", eighths(2, 3, 4), None, (0, 0, 2))
case("diagonal", eighths(2, 3), None, (4, 0, 1))
print("};\n")

# Sparse: x is the dense matrix; offsets and cols count from 0; gradients through the dense product.
print("typedef struct csr_case { int64_t n_rows, n_cols, n; const int64_t *offsets, *cols; reference_tensor values, x, y, v, gvalues, gx; } csr_case;")
print("static const csr_case csr_cases[] = {")


def csr_case(n_rows, n_cols, keep, *wide):
    full = eighths(n_rows, n_cols) * (torch.rand(n_rows, n_cols) < keep)
    s = full.to_sparse_csr()
    values, x = s.values().clone().requires_grad_(), eighths(n_cols, *wide).requires_grad_()
    rows = torch.repeat_interleave(torch.arange(n_rows), s.crow_indices().diff())
    dense = torch.zeros(n_rows, n_cols).double().index_put((rows, s.col_indices()), values)
    y, v = dense @ x, eighths(n_rows, *wide)
    if len(wide) == 1 and y.numel() and s.values().numel():
        assert torch.allclose(torch.sparse_csr_tensor(s.crow_indices(), s.col_indices(), values.detach(), (n_rows, n_cols)) @ x.detach(), y)
    gs = torch.autograd.grad(y, [values, x], v)
    ids = lambda t: "(const int64_t[]) { " + ", ".join(map(str, t.tolist())) + " }" if t.numel() else "NULL"
    print("    { %d, %d, %d, %s, %s,\n      %s }," % (n_rows, n_cols, values.numel(), ids(s.crow_indices()), ids(s.col_indices()),
                                                 ",\n      ".join(tensor(t) for t in [values, x, y, v, *gs])))


csr_case(4, 5, 0.5, 3)
csr_case(6, 3, 0.3, 2)
csr_case(3, 4, 0.6)
csr_case(3, 2, 0, 2)
csr_case(0, 3, 1, 2)
csr_case(3, 0, 1, 2)
csr_case(2, 3, 1, 0)
csr_case(1, 1, 1, 1)
print("};")
