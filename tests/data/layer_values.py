"""What make_attention.py and make_recurrent_more.py share: random tensors, and an entry of a table of struct layer_values."""
import json

import torch

KINDS = {torch.float64: 1, torch.bool: 2, torch.int64: 3}


def draw(*shape, scale=8):
    return torch.randint(-2 * scale, 2 * scale + 1, shape).double().div(scale)


def leaf(t):
    return t.requires_grad_() if t is not None and t.is_floating_point() else t


def values(tensors):
    numbers = [float(v) for t in tensors if t is not None for v in t.detach().reshape(-1).tolist()]
    text = ", ".join("-INFINITY" if v == float("-inf") else "%.17g" % v for v in numbers)
    return "(const double[]) { %s }" % text if numbers else "NULL"


def emit(type_name, options, ins, params, outs):
    """One entry of the table. ins: tensors or None, ids from 0; the cotangents are drawn. Infinite inputs get no gradient."""
    cotangents = [draw(*y.shape) for y in outs]
    real = [t for t in ins if t is not None and t.requires_grad]
    grads = torch.autograd.grad(outs, real + params, cotangents, allow_unused=True)
    grads = [torch.zeros_like(t) if g is None else g for g, t in zip(grads, real + params)]
    shapes = ", ".join("{ %d, %d, { %s } }" % (0 if t is None else KINDS[t.dtype] if t.requires_grad or t.dtype != torch.float64 else 4,
                                               0 if t is None else t.dim(), "0" if t is None else ", ".join(str(s) for s in t.shape)) for t in ins)
    print("    { %s, %s, %d, { %s }, %d," % (json.dumps(type_name), json.dumps(json.dumps(options)), len(ins), shapes, len(outs)))
    for part in (ins, params, outs, cotangents, grads[:len(real)], grads[len(real):]):
        print("      " + values(part) + ",")
    print("    },")
