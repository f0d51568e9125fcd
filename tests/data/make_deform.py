#!/usr/bin/env python3
"""Write deform_reference.h: deformable convolution as torchvision defines it, in float64, with PyTorch's gradients. Each tap is read
by grid_sample (zeros beside the input), multiplied by its mask, and summed with the weights; without offsets that is conv2d.

Usage: make_deform.py > deform_reference.h   (needs torch; the tests need only the file)
"""
import json

import torch

F = torch.nn.functional
torch.set_default_dtype(torch.float64)
gen = torch.Generator().manual_seed(73)
arrays, rows = {}, []


def few(*shape, most=12, parts=8):
    return torch.randint(-most, most + 1, shape, generator=gen).double() / parts


def array(t):
    if t is None:
        return "NULL"
    values = ", ".join("%.17g" % v for v in t.detach().reshape(-1).tolist())
    return arrays.setdefault(values, "deform_%d" % len(arrays))


def pair(v):
    return v if isinstance(v, list) else [v, v]


def deform(x, offset, mask, weight, bias, stride, padding, dilation, groups):
    n, c, h, w = x.shape
    p, q = offset.shape[2:]
    kernel = list(weight.shape[2:])
    taps = kernel[0] * kernel[1]
    sets = offset.shape[1] // (2 * taps)
    moved = offset.reshape(n, sets, taps, 2, p, q)
    rows_of = torch.arange(p).double().mul(stride[0]).reshape(p, 1)
    columns_of = torch.arange(q).double().mul(stride[1]).reshape(1, q)
    parts = []
    for s in range(sets):
        part = x[:, s * c // sets:(s + 1) * c // sets]
        reads = []
        for t in range(taps):
            y = moved[:, s, t, 0] + rows_of + t // kernel[1] * dilation[0] - padding[0]
            z = moved[:, s, t, 1] + columns_of + t % kernel[1] * dilation[1] - padding[1]
            grid = torch.stack([(2 * z + 1) / w - 1, (2 * y + 1) / h - 1], -1)
            read = F.grid_sample(part, grid, align_corners=False)
            reads.append(read if mask is None else read * mask.reshape(n, sets, taps, 1, p, q)[:, s, t])
        parts.append(torch.stack(reads, 2))
    columns = torch.cat(parts, 1).reshape(n, groups, c // groups * taps, p * q)
    y = (weight.reshape(groups, weight.shape[0] // groups, -1) @ columns).reshape(n, -1, p, q)
    return y if bias is None else y + bias.reshape(-1, 1, 1)


def case(x, c_out, kernel, sets=1, masked=False, offset=None, **o):
    options = {"in_channels": x.shape[1], "out_channels": c_out, "kernel_size": kernel, **o}
    stride, padding, dilation = (pair(o.get(k, d)) for k, d in (("stride", 1), ("padding", 0), ("dilation", 1)))
    groups, taps = o.get("groups", 1), kernel[0] * kernel[1]
    size = [(s + 2 * m - d * (k - 1) - 1) // t + 1 for s, m, d, k, t in zip(x.shape[2:], padding, dilation, kernel, stride)]
    # Not at whole places, where there is no derivative.
    offset = few(len(x), 2 * sets * taps, *size, most=9, parts=5) + 0.03 if offset is None else offset(len(x), 2 * sets * taps, *size)
    mask = few(len(x), sets * taps, *size) if masked else None
    weight, bias = few(c_out, x.shape[1] // groups, *kernel), few(c_out) if o.get("bias", True) else None
    ins = [t.requires_grad_() for t in (x, offset if offset.any() else None, mask, weight, bias) if t is not None]
    y = deform(x, offset, mask, weight, bias, stride, padding, dilation, groups)
    if not offset.any() and mask is None:
        assert torch.allclose(y, F.conv2d(x, weight, bias, stride, padding, dilation, groups))
    v = few(*y.shape)
    grads = dict(zip(map(id, ins), torch.autograd.grad(y, ins, v)))
    given = [x, offset, mask, weight, bias]
    rows.append("    {%s, {%s}, %d, {%s}, {%s}, {%s}, %s, %s}," % (
        json.dumps(json.dumps(options)), ", ".join(map(str, x.shape)), offset.shape[1], ", ".join(map(str, y.shape)), ", ".join(map(array, given)),
        ", ".join(array(grads.get(id(t))) for t in given), array(y), array(v)))


case(few(2, 2, 4, 3), 3, [2, 2])
case(few(1, 4, 3, 4), 2, [3, 2], sets=2, masked=True, padding=[1, 0], stride=[1, 2])
case(few(2, 4, 4, 4), 4, [2, 2], sets=4, groups=2, masked=True, bias=False, dilation=[2, 1])
case(few(1, 2, 3, 3), 2, [1, 1], masked=True, stride=2, padding=1)
case(few(1, 2, 3, 4), 2, [3, 3], padding=1, offset=lambda *s: torch.zeros(*s))
case(few(1, 1, 3, 3), 1, [2, 2], offset=lambda *s: few(*s, most=40, parts=7) + 0.01)

print("/* Made by make_deform.py with PyTorch %s; do not edit. in and grad: input, offset, mask, weight, bias. */" % torch.__version__.split("+")[0])
for values, name in arrays.items():
    print("static const double %s[] = {%s};" % (name, values))
print("static const struct {\n    const char *options;\n    int64_t x_shape[4], offsets, y_shape[4];\n    const double *in[5], *grad[5], *y, *v;\n} deform_cases[] = {")
print("\n".join(rows) + "\n};")
