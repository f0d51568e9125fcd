#!/usr/bin/env python3
"""Write conv_reference.h: Conv1d, Conv2d and Conv3d of PyTorch with gradients, in float64.

Usage: make_conv.py > conv_reference.h   (needs torch; the tests need only the header)
"""
import json

import torch

torch.manual_seed(31)
KINDS = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d, 3: torch.nn.Conv3d}


def few(*shape):
    """Numbers with few digits, so that the header is short and float32 holds them exactly."""
    return torch.randint(-12, 13, shape).double().div(4)


def values(t):
    return "(const double[]) { " + ", ".join("%.17g" % float(v) for v in t.detach().reshape(-1)) + " }" if t is not None and t.numel() else "NULL"


def case(shape, c_in, c_out, kernel, **options):
    dims = len(kernel)
    layer = KINDS[dims](c_in, c_out, kernel, dtype=torch.float64, **options)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(few(*p.shape))
    x = few(*shape).requires_grad_()
    y = layer(x)
    v = few(*y.shape)
    g = torch.autograd.grad(y, [x, *layer.parameters()], v)
    text = json.dumps(json.dumps({"in_channels": c_in, "out_channels": c_out, "kernel_size": kernel, **options}))
    fields = [x, layer.weight, layer.bias, y, v, g[0], g[1], g[2] if layer.bias is not None else None]
    sizes = [", ".join(str(s) for s in t.shape) for t in (x, y)]
    print('    { "Conv%dd", %s, %d, { %s }, { %s },\n      %s },' % (dims, text, x.dim(), *sizes, ",\n      ".join(values(t) for t in fields)))


print("/* Made by make_conv.py with PyTorch %s. */" % torch.__version__.split("+")[0])
print("typedef struct conv_case { const char *type, *options; int ndim; int64_t x_shape[5], y_shape[5]; const double *x, *w, *b, *y, *v, *gx, *gw, *gb; } conv_case;")
print("static const conv_case conv_cases[] = {")
case((2, 2, 7), 2, 3, [3])
case((1, 2, 9), 2, 2, [4], stride=2, padding=3, dilation=2, bias=False)
case((3, 8), 3, 2, [3], padding="same", dilation=3)
case((2, 2, 6), 2, 2, [4], padding="same", padding_mode="replicate")
case((1, 1, 5), 1, 2, [3], padding=5, padding_mode="circular", stride=3)
case((2, 3, 5, 6), 3, 4, [3, 3], padding=1)
case((1, 4, 7, 5), 4, 6, [3, 2], stride=[2, 3], padding=[0, 2], dilation=[1, 2], groups=2)
case((2, 3, 4, 4), 3, 3, [2, 2], groups=3, padding="same", bias=False)
case((1, 2, 4, 5), 2, 2, [1, 1])
case((1, 2, 5, 5), 2, 3, [1, 1], stride=2)
case((1, 1, 2, 3), 1, 2, [3, 3], padding=4)
case((1, 2, 4, 5), 2, 2, [3, 3], padding=[3, 2], padding_mode="reflect")
case((1, 2, 3, 4, 3), 2, 2, [2, 3, 2], padding=[1, 1, 0])
case((1, 2, 4, 3, 5), 2, 2, [2, 1, 3], stride=[2, 1, 2], dilation=[2, 1, 1], padding=1, padding_mode="replicate", groups=2)
print("};")
