#!/usr/bin/env python3
"""Write index_reference.h: what PyTorch gives for indexing, with gradients, and for the dtype of cat.

Usage: make_index.py > index_reference.h   (needs torch; the tests need only the header)
"""
import torch

torch.manual_seed(20)
DTYPES = {
    "LURON_F32": torch.float32, "LURON_F64": torch.float64, "LURON_F16": torch.float16, "LURON_BF16": torch.bfloat16,
    "LURON_I64": torch.int64, "LURON_I32": torch.int32, "LURON_U8": torch.uint8, "LURON_B8": torch.bool,
}


def values(t):
    return "(const double[]) { " + ", ".join(repr(float(v)) for v in t.detach().reshape(-1)) + " }" if t is not None and t.numel() else "NULL"


def tensor(t):
    if t is None:
        return "{ -1, { 0 }, NULL }"
    shape = ", ".join(str(s) for s in t.shape) or "0"
    return "{ %d, { %s }, %s }" % (t.dim(), shape, values(t))


def case(op, dim, x_shape, ids_shape, src_shape=None):
    x = torch.randint(-40, 40, x_shape).double().div(8).requires_grad_()
    ids = torch.randint(0, max(x.shape[dim] if x.dim() else 1, 1), ids_shape)
    src = torch.randint(-40, 40, src_shape).double().div(8).requires_grad_() if src_shape is not None else None
    y = getattr(torch, op)(x, dim, ids) if src is None else getattr(torch, op)(x, dim, ids, src)
    v = torch.randint(-40, 40, y.shape).double().div(8)
    grads = torch.autograd.grad(y, [x] if src is None else [x, src], v)
    fields = [x, ids, src, y, v, grads[0], grads[1] if src is not None else None]
    print('    { "%s", %d,\n      %s },' % (op, dim, ",\n      ".join(tensor(t) for t in fields)))


print("/* Made by make_index.py with PyTorch %s. Ids count from 0. */" % torch.__version__.split("+")[0])
print("typedef struct reference_tensor { int ndim; /* -1: none */ int64_t shape[4]; const double *values; } reference_tensor;")
print("typedef struct index_case { const char *op; int dim; reference_tensor x, ids, src, y, v, gx, gsrc; } index_case;")
print("static const index_case index_cases[] = {")
case("index_select", 0, (5, 3), (4,))
case("index_select", 1, (2, 6, 3), (7,))
case("index_select", -1, (3, 4), (6,))
case("index_select", 0, (4,), (0,))
case("index_select", 1, (0, 3), (2,))
case("gather", 0, (4, 3), (5, 2))
case("gather", 1, (2, 5, 3), (2, 7, 3))
case("gather", -1, (3, 6), (2, 4))
case("gather", 0, (), ())
case("gather", 1, (3, 4), (3, 0))
case("scatter_add", 0, (4, 3), (6, 2), (6, 2))
case("scatter_add", 1, (2, 3, 3), (2, 9, 3), (2, 9, 3))
case("scatter_add", -1, (3, 4), (3, 5), (3, 5))
case("scatter_add", 0, (), (), ())
case("scatter_add", 0, (4, 3), (0, 3), (0, 3))
case("index_add", 0, (4, 3), (7,), (7, 3))
case("index_add", 1, (2, 3, 2), (5,), (2, 5, 2))
case("index_add", -1, (2, 4), (3,), (2, 3))
case("index_add", 0, (4, 2), (0,), (0, 2))
print("};")
print("static const uint32_t cat_dtypes[][3] = { /* of a, of b, of the result */")
for a, ta in DTYPES.items():
    row = []
    for b, tb in DTYPES.items():
        both = torch.cat([torch.ones(2, dtype=ta), torch.ones(1, dtype=tb)]).dtype
        row.append("{ %s, %s, %s }" % (a, b, next(k for k, v in DTYPES.items() if v == both)))
    print("    " + ", ".join(row) + ",")
print("};")
