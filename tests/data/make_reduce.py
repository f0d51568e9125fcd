#!/usr/bin/env python3
"""Write reduce_reference.h: what PyTorch gives for reductions, softmax and matrix products, with gradients.

Usage: make_reduce.py > reduce_reference.h   (needs torch; the tests need only the header)
"""
import torch

torch.manual_seed(7)


def values(t):
    return "(const double[]) { " + ", ".join("(double)INFINITY" if v == float("inf") else "-(double)INFINITY" if v == -float("inf") else "(double)NAN" if v != v
                                             else repr(v) for v in t.detach().double().reshape(-1).tolist()) + " }" if t is not None and t.numel() else "NULL"


def tensor(t):
    if t is None:
        return "{ -1, { 0 }, NULL }"
    shape = ", ".join(str(s) for s in t.shape) or "0"
    return "{ %d, { %s }, %s }" % (t.dim(), shape, values(t))


def eighths(shape):
    return torch.randint(-40, 40, shape).double().div(8)


def prod(x, dims, keep):
    for d in sorted((d % max(x.dim(), 1) for d in dims), reverse=True):
        x = x.prod(d, keepdim=keep)
    return x


OPS = {
    "sum": lambda x, dims, keep, c: x.sum(dims, keepdim=keep),
    "mean": lambda x, dims, keep, c: x.mean(dims, keepdim=keep),
    "prod": lambda x, dims, keep, c: prod(x, dims, keep),
    "var": lambda x, dims, keep, c: x.var(dims, correction=c, keepdim=keep),
    "amax": lambda x, dims, keep, c: x.amax(dims, keepdim=keep),
    "amin": lambda x, dims, keep, c: x.amin(dims, keepdim=keep),
}


def reduction(op, x, dims, keep=False, correction=1):
    x = x.clone().requires_grad_()
    listed = dims or tuple(range(x.dim()))
    y = OPS[op](x, listed, keep, correction)
    v = eighths(y.shape)
    gx, = torch.autograd.grad(y, x, v)
    print('    { "%s", %d, { %s }, %d, %g,\n      %s },' % (op, len(dims), ", ".join(map(str, dims)) or "0", keep, correction,
                                                          ",\n      ".join(tensor(t) for t in (x, y, v, gx))))


def choice(x, dim, keep=False):
    fields = [x, torch.argmax(x, dim, keepdim=keep), torch.argmin(x, dim, keepdim=keep), x.bool().any(dim, keepdim=keep), x.bool().all(dim, keepdim=keep)]
    print("    { %d, %d,\n      %s }," % (dim, keep, ",\n      ".join(tensor(t) for t in fields)))


def softmax(shape, dim, scale=1.0):
    x = (eighths(shape) * scale).requires_grad_()
    fields = [x]
    v = eighths(shape)
    fields.append(v)
    for f in (torch.softmax, torch.log_softmax):
        y = f(x, dim)
        fields += [y, torch.autograd.grad(y, x, v)[0]]
    print("    { %d,\n      %s }," % (dim, ",\n      ".join(tensor(t) for t in fields)))


def product(a_shape, b_shape):
    a, b = eighths(a_shape).requires_grad_(), eighths(b_shape).requires_grad_()
    y = torch.matmul(a, b)
    v = eighths(y.shape)
    ga, gb = torch.autograd.grad(y, (a, b), v)
    print("    { %s }," % ",\n      ".join(tensor(t) for t in (a, b, y, v, ga, gb)))


print("/* Made by make_reduce.py with PyTorch %s. Dims and ids count from 0. */" % torch.__version__.split("+")[0])
print("typedef struct reference_tensor { int ndim; int64_t shape[5]; const double *values; } reference_tensor;")

print("typedef struct reduce_case { const char *op; int n_dims, dims[4], keep; double correction; reference_tensor x, y, v, gx; } reduce_case;")
print("static const reduce_case reduce_cases[] = {")
for name in OPS:
    reduction(name, eighths((3, 4)), ())
    reduction(name, eighths((3, 4)), (0,))
    reduction(name, eighths((3, 4)), (1,), True)
    reduction(name, eighths((2, 3, 2)), (0, 2))
    reduction(name, eighths((2, 3, 2)), (-1, 0), True)
    reduction(name, eighths((2, 1, 3, 2)), (1, 2))
    reduction(name, eighths((1, 17)), (1,))
    reduction(name, eighths((5, 1)), (0,))
reduction("sum", eighths(()), ())
reduction("sum", eighths((0, 3)), (0,))
reduction("sum", eighths((0, 3)), (1,))
reduction("mean", eighths(()), ())
reduction("prod", eighths((0, 3)), (0,))
reduction("var", eighths((2, 5)), (1,), False, 0)
reduction("var", eighths((6,)), (0,), True, 2)
reduction("amax", torch.tensor([[2.0, 5, 5, 1], [3, 3, 3, 3]]).double(), (1,))
reduction("amin", torch.tensor([[2.0, 1, 5, 1], [3, 3, 3, 3]]).double(), ())
reduction("prod", torch.tensor([[2.0, 0, 5, 1], [0, 3, 0, 3], [1, 2, 3, 4]]).double(), (1,))
reduction("prod", torch.tensor([[2.0, 0, 5, 1], [4, 3, 7, 3], [0, 2, 3, 4]]).double(), (0, 1))
print("};")

print("typedef struct choice_case { int dim, keep; reference_tensor x, largest, smallest, any, all; } choice_case;")
print("static const choice_case choice_cases[] = {")
NAN, INF = float("nan"), float("inf")
choice(eighths((4, 5)), 0)
choice(eighths((4, 5)), 1, True)
choice(eighths((2, 3, 4)), 1)
choice(eighths((3, 1)), -1)
choice(torch.tensor([[1.0, 7, 7, 0], [0, 0, 0, 0], [-3, -3, 2, 2]]).double(), 1)
choice(torch.tensor([[1.0, NAN, 7, NAN], [NAN, INF, -INF, 0], [-INF, -INF, INF, INF]]).double(), 1)
choice(torch.tensor([[1.0, NAN, 7, NAN], [NAN, INF, -INF, 0], [-INF, -INF, INF, INF]]).double(), 0)
choice(torch.tensor(-2.5).double(), 0)
print("};")

print("typedef struct softmax_case { int dim; reference_tensor x, v, y, gx, log_y, log_gx; } softmax_case;")
print("static const softmax_case softmax_cases[] = {")
softmax((3, 4), 1)
softmax((3, 4), 0)
softmax((2, 3, 4), 1)
softmax((2, 3, 4), -3)
softmax((2, 1), 1)
softmax((2, 11), -1, 20.0)
softmax((19,), 0)
softmax((), 0)
softmax((0, 3), 1)
softmax((3, 0), 1)
print("};")

print("typedef struct product_case { reference_tensor a, b, y, v, ga, gb; } product_case;")
print("static const product_case product_cases[] = {")
for shapes in [((3, 4), (4, 2)), ((1, 1), (1, 1)), ((5,), (5,)), ((5,), (5, 3)), ((3, 5), (5,)), ((2, 3, 4), (4, 2)), ((2, 3, 4), (4,)), ((3, 4), (2, 4, 2)), ((4,), (2, 4, 3)),
               ((2, 3, 4), (2, 4, 5)), ((2, 1, 2, 3), (3, 3, 2)), ((2, 1, 2, 3), (1, 3, 3, 2)), ((1, 2, 3), (2, 3, 1)), ((2, 2, 1, 2, 3), (2, 3, 2)),
               ((0, 4), (4, 2)), ((3, 0), (0, 2)), ((3, 4), (4, 0)), ((0,), (0,)), ((0, 2, 3), (3, 2)), ((2, 0, 3), (3, 2)), ((17, 9), (9, 21))]:
    product(*shapes)
print("};")
