#!/usr/bin/env python3
"""PyTorch's and Keras's numbers for the other layers of the plugin conv, in float64: transposed, separable and locally connected
convolution (a loop in numpy, since Keras 3 has none), Unfold and Fold. All sums are exact in float32 too.

    python3 tests/data/make_conv_layers.py    # needs PyTorch 2 and Keras 3; writes conv_layers_reference.h beside it
"""
import json
import os
import pathlib
import warnings

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy
import torch
from keras.src.backend.common.backend_utils import compute_conv_transpose_padding_args_for_jax

gen = torch.Generator().manual_seed(43)
torch.set_default_dtype(torch.float64)
arrays, cases = {}, []


def few(*shape):
    return torch.randint(-6, 7, shape, generator=gen).double().div(2)


def array(t):
    values = ", ".join("%.17g" % float(v) for v in t.detach().reshape(-1))
    return arrays.setdefault(values, "conv_layers_%d" % len(arrays))


def case(kind, options, x, params, forward):
    """params: numbers in the order of the layer's; forward(x, *params) -> y."""
    x, params = x.clone().requires_grad_(), [p.clone().requires_grad_() for p in params]
    y = forward(x, *params)
    v = few(*y.shape)
    grads = torch.autograd.grad(y, [x, *params], v)
    sizes = ["%d, { %s }" % (t.dim(), ", ".join(map(str, t.shape))) for t in (x, y)]
    cases.append("    { \"%s\", %s, %s, %s, %d, { %s }, %s, %s, %s, %s, { %s } }," % (
        kind, json.dumps(json.dumps(options)), *sizes, len(params), ", ".join(map(array, params)) or "NULL", array(x), array(y), array(v), array(grads[0]),
        ", ".join(map(array, grads[1:])) or "NULL"))


def transposed(x, c_in, c_out, kernel, **options):
    dims = len(kernel)
    o = {"in_channels": c_in, "out_channels": c_out, "kernel_size": kernel, **options}
    layer = getattr(torch.nn, "ConvTranspose%dd" % dims)(**o)
    names = [n for n, _ in layer.named_parameters()]
    params = [few(*p.shape) for p in layer.parameters()]
    case("ConvTranspose%dd" % dims, o, x, params, lambda x, *p: torch.func.functional_call(layer, dict(zip(names, p)), (x,)))


transposed(few(2, 2, 3), 2, 3, [3])
transposed(few(2, 4), 2, 2, [4], stride=2, padding=1, output_padding=1)
transposed(few(1, 2, 3), 2, 1, [2], stride=3, padding=2, dilation=4, output_padding=3, bias=False)
transposed(few(2, 2, 2, 3), 2, 2, [4, 4], stride=2, padding=1)
transposed(few(1, 4, 2, 2), 4, 6, [3, 2], stride=[2, 3], padding=[0, 1], output_padding=[1, 2], groups=2, dilation=[1, 2])
transposed(few(1, 2, 3, 3), 2, 3, [1, 1], stride=2, padding=1)
transposed(few(2, 3, 2, 2), 3, 3, [2, 2], groups=3, bias=False, stride=2)
transposed(few(1, 2, 2, 1, 2), 2, 2, [2, 3, 2], stride=[1, 2, 2], padding=[0, 1, 0], output_padding=[0, 1, 0])


def worded(x, c_out, kernel, padding, stride, output_padding=None, dilation=1):
    """Keras's Conv1DTranspose to 3D with a word for padding. Its PyTorch backend shifts the output of some kernels (and warns); so
    what its JAX backend does, which is TensorFlow's: zeros between the numbers of x and around them, and a convolution with the
    kernel turned round. Where Keras on PyTorch does not warn, the numbers have to be the same."""
    dims, c_in = len(kernel), x.shape[1]
    strides, dilations = ([v] * dims if isinstance(v, int) else v for v in (stride, dilation))
    o = {"in_channels": c_in, "out_channels": c_out, "kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    if output_padding is not None:
        o["output_padding"] = output_padding
    pads = compute_conv_transpose_padding_args_for_jax((0,) * (dims + 2), (*kernel, c_out, c_in), strides, padding, output_padding, dilations)

    def forward(x, w, b):
        wide = x.new_zeros(*x.shape[:2], *[(n - 1) * s + 1 for n, s in zip(x.shape[2:], strides)])
        wide[(..., *[slice(None, None, s) for s in strides])] = x
        wide = torch.nn.functional.pad(wide, [p for pair in reversed(pads) for p in pair])
        turned = w.transpose(0, 1).flip(list(range(2, dims + 2)))
        return getattr(torch.nn.functional, "conv%dd" % dims)(wide, turned, b, dilation=dilation)

    w, b = few(c_in, c_out, *kernel), few(c_out)
    layer = getattr(keras.layers, "Conv%dDTranspose" % dims)(
        c_out, kernel, stride, padding, data_format="channels_first", dilation_rate=dilation, dtype="float64",
        **({} if output_padding is None else {"output_padding": output_padding}))
    layer.build(tuple(x.shape))
    assert list(layer.compute_output_shape(tuple(x.shape))) == list(forward(x, w, b).shape)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = layer.stateless_call([w.permute(*range(2, dims + 2), 1, 0), b], [], x)[0]
    assert any("inconsistencies" in str(c.message) for c in caught) or torch.equal(y, forward(x, w, b))
    case("ConvTranspose%dd" % dims, o, x, [w, b], forward)


def separable(x, c_out, kernel, **options):
    """Keras's layer, with its kernels (k..., in, multiplier) and (1..., in * multiplier, out) put in its order."""
    dims, c_in = len(kernel), x.shape[1]
    o = {"in_channels": c_in, "out_channels": c_out, "kernel_size": kernel, **options}
    m = options.get("depth_multiplier", 1)
    names = {"stride": "strides", "dilation": "dilation_rate", "bias": "use_bias"}
    keras_options = {names.get(k, k): v for k, v in options.items()}
    layer = getattr(keras.layers, "SeparableConv%dD" % dims)(c_out, kernel, data_format="channels_last", dtype="float64", **keras_options)
    last = [0, *range(2, dims + 2), 1]
    layer.build(tuple(x.permute(last).shape))
    variables = layer.trainable_variables

    def forward(x, depthwise, pointwise, bias=None):
        deep = depthwise.reshape(c_in, m, *kernel).permute(*range(2, dims + 2), 0, 1)
        point = pointwise.reshape(c_out, c_in * m).t().reshape(*[1] * dims, c_in * m, c_out)
        values = [deep, point] + ([bias] if bias is not None else [])
        y, _ = layer.stateless_call(values, [], x.permute(last))
        return y.permute(0, dims + 1, *range(1, dims + 1))

    params = [few(c_in * m, 1, *kernel), few(c_out, c_in * m, *[1] * dims)] + ([few(c_out)] if options.get("bias", True) else [])
    assert len(variables) == len(params)
    case("SeparableConv%dd" % dims, o, x, params, forward)


separable(few(2, 2, 5), 3, [3])
separable(few(1, 2, 6), 2, [2], padding="valid", dilation=2, depth_multiplier=2)
separable(few(2, 2, 4, 4), 3, [3, 3], padding="same")
separable(few(1, 3, 5, 4), 2, [3, 2], stride=2, padding="valid", depth_multiplier=2, bias=False)
separable(few(1, 2, 5, 5), 2, [2, 2], dilation=2, padding="same")


def causal(x, c_out, kernel, **options):
    """Keras's Conv1D, whose kernel is (k, in, out)."""
    o = {"in_channels": x.shape[1], "out_channels": c_out, "kernel_size": [kernel], "padding": "causal", **options}
    layer = keras.layers.Conv1D(c_out, kernel, strides=options.get("stride", 1), dilation_rate=options.get("dilation", 1), padding="causal", dtype="float64")
    layer.build(tuple(x.transpose(1, 2).shape))
    forward = lambda x, w, b: layer.stateless_call([w.permute(2, 1, 0), b], [], x.transpose(1, 2))[0].transpose(1, 2)
    case("Conv1d", o, x, [few(c_out, x.shape[1], kernel), few(c_out)], forward)


causal(few(2, 2, 6), 3, 3)
causal(few(1, 2, 7), 2, 2, dilation=3)
causal(few(1, 1, 7), 2, 3, stride=2)


def local(x, c_out, kernel, stride=1, padding=0, bias=True, **options):
    """Place by place: the numbers under the kernel, in PyTorch's order (channel, kernel), times the place's own weights."""
    dims, c_in, size = len(kernel), x.shape[1], list(x.shape[2:])
    o = {"in_channels": c_in, "out_channels": c_out, "input_size": size, "kernel_size": kernel, "stride": stride, "padding": padding, "bias": bias, **options}
    out = [(s + 2 * padding - k) // stride + 1 for s, k in zip(size, kernel)]
    places = list(numpy.ndindex(*out))

    def forward(x, weight, b=None):
        x = torch.nn.functional.pad(x, [padding] * 2 * dims)
        columns = []
        for n, place in enumerate(places):
            window = x[(slice(None), slice(None), *[slice(p * stride, p * stride + k) for p, k in zip(place, kernel)])]
            columns.append(window.reshape(x.shape[0], -1) @ weight[n].t())
        y = torch.stack(columns, 2).reshape(x.shape[0], c_out, *out)
        return y if b is None else y + b

    params = [few(len(places), c_out, c_in * int(numpy.prod(kernel)))] + ([few(c_out, *out)] if bias else [])
    case("LocallyConnected%dd" % dims, o, x, params, forward)


local(few(2, 2, 5), 2, [3])
local(few(1, 1, 6), 3, [2], stride=2, padding=1, bias=False)
local(few(2, 2, 3, 4), 2, [2, 2])
local(few(1, 2, 3, 3), 1, [3, 2], stride=2, padding=1)


def blocks(kind, x, **options):
    case(kind, options, x, [], getattr(torch.nn, kind)(**options))


blocks("Unfold", few(2, 2, 3, 4), kernel_size=[2, 3])
blocks("Unfold", few(1, 4, 5), kernel_size=2, dilation=[2, 1], padding=[1, 2], stride=[1, 3])
blocks("Unfold", few(1, 2, 2, 2), kernel_size=3, padding=3, stride=2)
blocks("Fold", few(2, 8, 6), output_size=[3, 4], kernel_size=2)
blocks("Fold", few(4, 16), output_size=[4, 5], kernel_size=[2, 2], dilation=[2, 1], padding=[1, 2], stride=[1, 2])
blocks("Fold", few(1, 9, 9), output_size=2, kernel_size=3, padding=3, stride=2)

worded(few(2, 2, 4), 2, [3], "same", 2)
worded(few(1, 2, 4), 2, [4], "same", 2)
worded(few(1, 2, 3), 1, [2], "valid", 3)
worded(few(1, 1, 3), 2, [2], "same", 1, dilation=2)
worded(few(1, 2, 3), 2, [5], "same", 2, output_padding=1)
worded(few(1, 2, 3), 2, [3], "valid", 2, output_padding=1)
worded(few(2, 2, 2, 3), 2, [2, 5], "same", [3, 2])
worded(few(1, 2, 2, 3), 3, [3, 1], "valid", 2)
worded(few(1, 2, 3, 2), 2, [4, 2], "same", [2, 3], output_padding=[1, 2])
worded(few(1, 2, 2, 1, 2), 2, [3, 1, 2], "same", [2, 1, 2])
worded(few(1, 1, 2, 1, 2), 2, [1, 2, 2], "valid", [2, 1, 1])

lines = ["/* Made by make_conv_layers.py with PyTorch %s, Keras %s; do not edit. */" % (torch.__version__.split("+")[0], keras.__version__),
         "typedef struct conv_layer_case { const char *type, *options; int x_ndim; int64_t x_shape[5]; int y_ndim; int64_t y_shape[5]; int n_params;",
         "    const double *params[3], *x, *y, *v, *gx, *gparams[3]; } conv_layer_case;"]
lines += ["static const double %s[] = { %s };" % (name, values) for values, name in arrays.items()]
text = "\n".join(lines + ["static const conv_layer_case conv_layer_cases[] = {"] + cases + ["};\n"])
(pathlib.Path(__file__).parent / "conv_layers_reference.h").write_text(text)
print("conv_layers_reference.h", len(cases), "cases", len(text), "bytes", text.count("\n"), "lines")
