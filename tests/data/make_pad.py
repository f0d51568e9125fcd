#!/usr/bin/env python3
"""PyTorch's and Keras's numbers (Cropping, CenterCrop) for the tests of the plugin pad, in float64 at inputs that float32 holds exactly.

    python3 tests/data/make_pad.py    # needs PyTorch 2 and Keras 3; writes pad_reference.h beside it
"""
import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"
import keras
import torch

gen = torch.Generator().manual_seed(41)
torch.set_default_dtype(torch.float64)
arrays, cases = {}, []


def few(*shape):
    return torch.randint(-24, 25, shape, generator=gen).double().div(8)


def array(t):
    values = ", ".join("%.15g" % float(v) for v in t.detach().flatten())
    return arrays.setdefault(values, "pad_%d" % len(arrays))


def dims(t):
    return "%d, { %s }" % (t.dim(), ", ".join(map(str, t.shape)))


def case(kind, options, x, layer=None):
    x = x.clone().requires_grad_()
    y = (layer or getattr(torch.nn, kind)(**{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}))(x)
    v = few(*y.shape)
    y.backward(v)
    cases.append("    { \"%s\", %s, 1, { { %s, %s, GOLDEN_REAL } }, { %s, %s, GOLDEN_REAL }, %s, { %s }, NULL, NULL }," % (
        kind, json.dumps(json.dumps(options)), dims(x), array(x), dims(y), array(y), array(v), array(x.grad)))


row, flat, image, plain, cube = few(2, 1, 7), few(2, 5), few(1, 2, 4, 5), few(2, 3, 4), few(1, 1, 3, 2, 4)
paddings = {"1d": ([2], [1, 3], [-2, 1], [3, -1]), "2d": ([1], [1, 2, 0, 2], [-1, 2, 1, -2], [2, -2, -1, 1]), "3d": ([1], [2, 1, 0, 1, 2, 1], [-1, 2, 1, -1, 1, -2])}
inputs = {"1d": (row, flat), "2d": (image, plain), "3d": (cube, cube[0])}
for name in ("ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad"):
    for d, list_of in paddings.items():
        for i, p in enumerate(list_of if name in ("ReflectionPad", "CircularPad") else list_of[1:3]):
            if name == "CircularPad" and d == "3d" and i == 2:
                p = [-1, 2, 1, -1, 1, -1]
            if name == "ReflectionPad" and d == "3d":
                p = [[1, 1, 1, 1, 1, 1], [2, 1, 0, 1, 2, 1], [-1, 2, 1, -1, 1, -1]][i]
            o = {"padding": p[0] if len(p) == 1 else p}
            if name == "ConstantPad":
                o["value"] = -1.5
            case(name + d, o, inputs[d][i % 2])
swap = lambda layer: lambda x: layer(x.transpose(1, 2)).transpose(1, 2)
case("Cropping1d", {"cropping": [2, 1]}, row, swap(keras.layers.Cropping1D((2, 1), dtype="float64")))
case("Cropping2d", {"cropping": 1}, image, keras.layers.Cropping2D(1, data_format="channels_first", dtype="float64"))
case("Cropping2d", {"cropping": [1, 0, 1, 3]}, image, keras.layers.Cropping2D(((1, 0), (1, 3)), data_format="channels_first", dtype="float64"))
case("Cropping3d", {"cropping": [1, 0, 0, 1, 2, 1]}, cube, keras.layers.Cropping3D(((1, 0), (0, 1), (2, 1)), data_format="channels_first", dtype="float64"))
case("CenterCrop", {"height": 3, "width": 2}, image, keras.layers.CenterCrop(3, 2, data_format="channels_first", dtype="float64"))
case("CenterCrop", {"height": 4, "width": 5}, image, keras.layers.CenterCrop(4, 5, data_format="channels_first", dtype="float64"))

for o in ({"size": 9}, {"scale_factor": 2}, {"size": 3}, {"size": 11, "mode": "nearest-exact"}, {"scale_factor": 0.6, "mode": "nearest-exact"}, {"scale_factor": 1.7},
          {"scale_factor": 1.7, "mode": "linear"}, {"scale_factor": 1.7, "mode": "linear", "recompute_scale_factor": True}, {"size": 4, "mode": "linear"},
          {"size": 12, "mode": "linear", "align_corners": True}, {"size": 1, "mode": "linear", "align_corners": True}, {"size": 3, "mode": "area"}, {"size": 9, "mode": "area"}):
    case("Upsample", o, row)
for o in ({"scale_factor": 2}, {"size": [3, 8]}, {"scale_factor": 2.5, "mode": "bilinear"}, {"size": [3, 7], "mode": "bilinear"}, {"size": [6, 5], "mode": "bilinear", "align_corners": True},
          {"scale_factor": 1.5, "mode": "bicubic"}, {"size": [3, 6], "mode": "bicubic", "align_corners": True}, {"size": [2, 3], "mode": "bicubic"}, {"size": [3, 2], "mode": "area"}):
    case("Upsample", o, image)
for o in ({"scale_factor": 2}, {"size": [2, 3, 5], "mode": "nearest-exact"}, {"size": [4, 3, 3], "mode": "trilinear"}, {"scale_factor": 1.5, "mode": "trilinear", "align_corners": True},
          {"size": [2, 1, 3], "mode": "area"}):
    case("Upsample", o, cube)
case("Upsample", {"size": 3, "mode": "bilinear"}, few(2, 1, 1, 1))
case("UpsamplingNearest2d", {"scale_factor": 3}, few(1, 2, 2, 2))
case("UpsamplingBilinear2d", {"size": [5, 7]}, few(1, 2, 3, 2))
case("UpsamplingBilinear2d", {"scale_factor": 2}, few(1, 2, 2, 3))
case("PixelShuffle", {"upscale_factor": 2}, few(1, 8, 2, 2))
case("PixelShuffle", {"upscale_factor": 3}, few(9, 1, 2))
case("PixelUnshuffle", {"downscale_factor": 2}, few(1, 2, 4, 2))
case("PixelUnshuffle", {"downscale_factor": 2}, few(1, 1, 2, 2, 4))
case("ChannelShuffle", {"groups": 3}, few(2, 6, 1, 2))
case("ChannelShuffle", {"groups": 2}, few(1, 4, 3))

for o, x in (({"scale_factor": [2.5]}, row), ({"scale_factor": [1, 2.5]}, image), ({"scale_factor": [1.5, 0.6], "mode": "bilinear"}, image),
             ({"scale_factor": [0.6, 1.7], "mode": "bicubic", "align_corners": True}, image),
             ({"scale_factor": [1.7, 2], "mode": "bilinear", "recompute_scale_factor": True}, image), ({"scale_factor": [1, 2.5, 0.5], "mode": "trilinear"}, cube)):
    case("Upsample", o, x)
case("UpsamplingNearest2d", {"scale_factor": [1.5, 2]}, few(1, 2, 2, 2))
case("UpsamplingBilinear2d", {"scale_factor": [2, 1.5]}, few(1, 2, 2, 3))

lines = ["/* Made by make_pad.py with PyTorch %s, Keras %s; do not edit. */" % (torch.__version__.split("+")[0], keras.__version__)]
lines += ["static const double %s[] = { %s };" % (name, values) for values, name in arrays.items()]
text = "\n".join(lines + ["static const golden_case pad_cases[] = {"] + cases + ["};\n"])
(pathlib.Path(__file__).parent / "pad_reference.h").write_text(text)
print("pad_reference.h", len(cases), "cases", len(text), "bytes", text.count("\n"), "lines")
