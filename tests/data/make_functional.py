"""Write functional_values.lua: derivatives of functions as torch.autograd.functional gives them.

    python3 tests/data/make_functional.py > tests/data/functional_values.lua
"""
import textwrap

import torch
from torch.autograd import functional as F

torch.set_default_dtype(torch.float64)
a = torch.tensor([0.5, -1.0, 2.0])
b = torch.tensor([[0.3, 1.2], [-0.7, 0.4], [1.5, -0.2]])
va, vb = torch.tensor([1.0, 0.5, -2.0]), torch.tensor([[0.1, -0.3], [2.0, 1.0], [0.0, 0.7]])
vy = torch.tensor([0.4, -1.5])


def f(a, b):
    return torch.sin(a).matmul(b) * (a * a).sum()


def g(a, b):
    return f(a, b).exp().sum()


def lua(t):
    if isinstance(t, (tuple, list)):
        return "{ " + ", ".join(lua(x) for x in t) + " }"
    return "{ " + ", ".join(repr(x) for x in t.reshape(-1).tolist()) + " }"


print(f"-- Made by make_functional.py with PyTorch {torch.__version__.split('+')[0]}. Flattened, float64.")
print("return {")
for name, value in (
    ("jacobian", F.jacobian(f, (a, b))),
    ("hessian", F.hessian(g, (a, b))),
    ("vjp", F.vjp(f, (a, b), vy)[1]),
    ("jvp", F.jvp(f, (a, b), (va, vb))[1]),
    ("hvp", F.hvp(g, (a, b), (va, vb))[1]),
):
    print(textwrap.fill(f"{name} = {lua(value)},", 120, initial_indent="  ", subsequent_indent="    "))
print("}")
