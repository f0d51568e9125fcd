"""Write what PyTorch gives for every element-wise function, or for promotion and conversion of dtypes.

    python3 make_elementwise.py functions > elementwise_reference.h
    python3 make_elementwise.py dtypes > dtype_reference.h
"""
import itertools
import math
import sys

import numpy as np
import torch

INF, NAN = math.inf, math.nan
# Exact in float32, so that one list serves both real dtypes.
X = [-INF, -100.0, -20.5, -2.5, -1.5, -1.0, -0.75, -0.5, -2.0**-20, -0.0, 0.0, 2.0**-20, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.5, 20.5, 88.0, 1000.0, 2.0**30, INF, NAN]
A = [-INF, -2.5, -2.0, -1.0, -0.0, 0.5, 1.0, 3.0, INF, NAN]  # a column against a row B: every pair
B = [-INF, -3.0, -0.5, 0.0, 0.25, 1.0, 2.0, 3.0, INF, NAN]
IX = [-(2**63), -(2**40), -7, -1, 0, 1, 3, 2**33]
IA = [-(2**63), -7, -2, -1, 0, 1, 3, 5, 2**40]
IB = [-3, -1, 0, 1, 2, 5]
DIVISORS = [-3, -2, -1, 1, 2, 5]
POWERS = [0, 1, 2, 3, 5, 7]

UNARY = {n: getattr(torch, n) for n in """neg abs sign square reciprocal sqrt rsqrt exp expm1 log log1p log2 log10 sin cos
    tan asin acos atan sinh cosh asinh acosh atanh tanh sigmoid erf floor ceil round trunc""".split()}
BINARY = {n: getattr(torch, n) for n in "add sub mul div pow maximum minimum remainder atan2".split()}
BINARY["floor_divide"] = lambda a, b: torch.floor(a / b) if a.is_floating_point() else torch.floor_divide(a, b)  # Lua's //
COMPARE = {n: getattr(torch, n) for n in "eq ne lt le gt ge logical_and logical_or logical_xor".split()}
DTYPES = [("F32", torch.float32), ("F64", torch.float64), ("F16", torch.float16), ("BF16", torch.bfloat16), ("I64", torch.int64), ("I32", torch.int32),
          ("U8", torch.uint8), ("B8", torch.bool)]
NAMES = {d: n for n, d in DTYPES}


def number(v):
    if math.isnan(v):
        return "NAN"
    if math.isinf(v):
        return "INFINITY" if v > 0 else "-INFINITY"
    return repr(float(v))


def array(kind, name, values, text):
    values = list(values)
    print(f"static const {kind} {name}[{len(values)}] = {{")
    line = "   "
    for v in values:
        item = f" {text(v)},"
        if len(line) + len(item) > 176:
            print(line)
            line = "   "
        line += item
    print(line + "\n};")


def reals(name, tensor):
    array("double", f"reference_{name}", tensor.double().flatten().tolist(), number)


def whole(v):
    return "INT64_MIN" if v == -(2**63) else f"{v}"


def wholes(name, tensor):
    array("int64_t", f"reference_{name}", tensor.flatten().tolist(), whole)


def functions():
    reals("x", torch.tensor(X, dtype=torch.float64))
    reals("a", torch.tensor(A, dtype=torch.float64))
    reals("b", torch.tensor(B, dtype=torch.float64))
    for name, values in (("ix", IX), ("ia", IA), ("ib", IB), ("divisors", DIVISORS), ("powers", POWERS)):
        wholes(name, torch.tensor(values))
    for name, dtype in DTYPES[:2]:
        x = torch.tensor(X, dtype=dtype)
        a, b = torch.tensor(A, dtype=dtype)[:, None], torch.tensor(B, dtype=dtype)
        for fn, f in UNARY.items():
            reals(f"{fn}_{name}", f(x))
        for fn, f in {**BINARY, **COMPARE}.items():
            reals(f"{fn}_{name}", f(a, b))
    x, a = torch.tensor(IX), torch.tensor(IA)[:, None]
    for fn in ("neg", "abs", "sign", "square"):
        wholes(f"{fn}_I64", UNARY[fn](x))
    for fn, f in {**BINARY, **COMPARE}.items():
        b = torch.tensor({"pow": POWERS, "floor_divide": DIVISORS, "remainder": DIVISORS}.get(fn, IB))
        if fn not in ("div", "atan2"):
            wholes(f"{fn}_I64", f(a, b).long())


def promotion():
    """Operands: 8 dtypes with dims, 8 as 0-d tensors, a real number, a whole number."""
    operands = [torch.zeros(2, dtype=d) for _, d in DTYPES] + [torch.zeros((), dtype=d) for _, d in DTYPES] + [1.0, 1]
    for name, dtype in DTYPES[:2]:
        torch.set_default_dtype(dtype)
        rows = [NAMES[torch.result_type(p, q)] for p, q in itertools.product(operands, operands)]
        array("uint32_t", f"reference_promotion_{name}", rows, lambda v: "LURON_" + v)
    torch.set_default_dtype(torch.float32)


def fnv(values):
    h = 0xCBF29CE484222325
    for v in values.tolist():
        h = ((h ^ v) * 0x100000001B3) % 2**64
    return h


def conversions():
    """Checksums over bit patterns; a NaN counts as 0, as its payload is free."""
    halves = torch.arange(65536, dtype=torch.int32).to(torch.int16)
    floats = torch.from_numpy((np.arange(65536, dtype=np.uint64) * 65537 % 2**32).astype(np.uint32).view(np.float32).copy())
    for name, dtype in DTYPES[2:4]:
        wide = halves.view(dtype).float()
        bits = torch.where(wide.isnan(), 0, wide.view(torch.int32)).numpy().view(np.uint32)
        print(f"static const uint64_t reference_from_{name} = 0x{fnv(bits):x}u;")
        narrow = floats.to(dtype)
        bits = torch.where(narrow.isnan(), 0, narrow.view(torch.int16)).numpy().view(np.uint16)
        print(f"static const uint64_t reference_to_{name} = 0x{fnv(bits):x}u;")


what = sys.argv[1]
name = {"functions": "elementwise_reference.h", "dtypes": "dtype_reference.h"}[what]
print(f"/* {name} -- made by make_elementwise.py with PyTorch {torch.__version__.split('+')[0]}. */")
print("#include <math.h>\n#include <stdint.h>\n")
if what == "functions":
    functions()
else:
    promotion()
    conversions()
