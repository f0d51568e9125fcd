#!/usr/bin/env python3
"""Write linear_reference.h: Linear of PyTorch with gradients, in float64.

Usage: make_linear.py > linear_reference.h   (needs torch; the tests need only the header)
"""
import torch

torch.manual_seed(30)


def values(t):
    return "(const double[]) { " + ", ".join(repr(float(v)) for v in t.detach().reshape(-1)) + " }" if t is not None and t.numel() else "NULL"


def case(lead, n_in, n_out, bias):
    x = torch.randint(-40, 40, lead + (n_in,)).double().div(8).requires_grad_()
    w = torch.randn(n_out, n_in, dtype=torch.float64).mul(1024).round().div(1024).requires_grad_()
    b = torch.randn(n_out, dtype=torch.float64).mul(1024).round().div(1024).requires_grad_() if bias else None
    y = torch.nn.functional.linear(x, w, b)
    v = torch.randint(-40, 40, y.shape).double().div(8)
    g = torch.autograd.grad(y, [t for t in (x, w, b) if t is not None], v)
    shape = ", ".join(str(s) for s in x.shape)
    fields = [x, w, b, y, v, g[0], g[1], g[2] if bias else None]
    print("    { %d, { %s }, %d, %d, %d,\n      %s }," % (x.dim(), shape, n_in, n_out, bias, ",\n      ".join(values(t) for t in fields)))


print("/* Made by make_linear.py with PyTorch %s. */" % torch.__version__.split("+")[0])
print("typedef struct linear_case { int ndim; int64_t shape[4]; int64_t in_features, out_features; int bias; const double *x, *w, *b, *y, *v, *gx, *gw, *gb; } linear_case;")
print("static const linear_case linear_cases[] = {")
case((4,), 3, 2, True)
case((5,), 4, 3, False)
case((), 3, 2, True)
case((2, 3), 4, 2, True)
case((2, 1, 2), 3, 5, False)
case((1,), 1, 1, True)
case((0,), 3, 2, True)
print("};")
