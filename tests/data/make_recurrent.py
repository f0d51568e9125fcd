#!/usr/bin/env python3
"""Write recurrent_reference.h: LSTM, GRU, RNN and their cells of PyTorch, and Keras's GRU with reset_after=False, with
gradients, in float64.

Usage: KERAS_BACKEND=torch make_recurrent.py > recurrent_reference.h   (needs torch and keras; the tests need only the header)
"""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import torch

torch.manual_seed(50)
torch.set_default_dtype(torch.float64)


def draw(*shape, scale=8):
    return torch.randint(-2 * scale, 2 * scale + 1, shape).double().div(scale)


def values(tensors):
    numbers = [v for t in tensors if t is not None for v in t.detach().reshape(-1).tolist()]
    return "(const double[]) { " + ", ".join("%.17g" % v for v in numbers) + " }" if numbers else "NULL"


def emit(type_name, options, ins, params, outs):
    """One line of the table. ins: tensors or None; the cotangents are drawn."""
    cotangents = [draw(*y.shape) for y in outs]
    wanted = [t for t in ins + params if t is not None]
    grads = torch.autograd.grad(outs, wanted, cotangents)
    n_in = len([t for t in ins if t is not None])
    shapes = ", ".join("{ %s }" % ", ".join(str(s) for s in t.shape) if t is not None else "{ 0 }" for t in ins)
    print('    { "%s", "%s", %d, %d, { %s }, %d,' % (type_name, options.replace('"', '\\"'), len(ins), ins[0].dim(), shapes, len(outs)))
    for part in (ins, params, outs, cotangents, grads[:n_in], grads[n_in:]):
        print("      " + values(part) + ",")
    print("    },")


def leaf(t):
    return t.requires_grad_() if t is not None else None


def sequence(type_name, options, n, t, n_in, h, states, **kw):
    net = getattr(torch.nn, type_name)(n_in, h, batch_first=True, **kw)
    for p in net.parameters():
        p.data = draw(*p.shape, scale=64) / 2
    parts = kw.get("num_layers", 1) * (2 if kw.get("bidirectional") else 1)
    x = leaf(draw(n, t, n_in))
    first = [leaf(draw(parts, n, h)) for _ in range(states)]
    last = tuple(first) if type_name == "LSTM" else first[0] if first else None
    y, s = net(x, last if states else None)
    emit(type_name, '{"input_size": %d, "hidden_size": %d%s}' % (n_in, h, options), [x] + first, list(net.parameters()),
         [y] + (list(s) if type_name == "LSTM" else [s]))


def cell(type_name, options, n, n_in, h, states, **kw):
    net = getattr(torch.nn, type_name)(n_in, h, **kw)
    for p in net.parameters():
        p.data = draw(*p.shape, scale=64) / 2
    x, first = leaf(draw(n, n_in)), [leaf(draw(n, h)) for _ in range(states)]
    out = net(x, (tuple(first) if type_name == "LSTMCell" else first[0]) if states else None)
    emit(type_name, '{"input_size": %d, "hidden_size": %d%s}' % (n_in, h, options), [x] + first, list(net.parameters()),
         list(out) if type_name == "LSTMCell" else [out])


def keras_gru(n, t, n_in, h):
    """Keras multiplies in float32 whatever the dtype: the numbers are of its formula in float64, checked against it. Its gates
    are z, r, h, its kernels [in, 3h], and it has one bias."""
    w_ih, w_hh, b_ih, b_hh = (leaf(draw(*shape, scale=64) / 2) for shape in ((3 * h, n_in), (3 * h, h), (3 * h,), (3 * h,)))
    x, h_0 = leaf(draw(n, t, n_in)), leaf(draw(1, n, h))
    state, steps = h_0[0], []
    for step in x.unbind(1):
        x_r, x_z, x_n = (step @ w_ih.T + b_ih + b_hh).chunk(3, 1)
        w_r, w_z, w_n = w_hh.chunk(3)
        r, z = torch.sigmoid(x_r + state @ w_r.T), torch.sigmoid(x_z + state @ w_z.T)
        state = z * state + (1 - z) * torch.tanh(x_n + (r * state) @ w_n.T)
        steps.append(state)
    y = torch.stack(steps, 1)
    net = keras.layers.GRU(h, reset_after=False, return_sequences=True)
    net.build((n, t, n_in))
    swap = lambda w: torch.cat([w[h:2 * h], w[:h], w[2 * h:]]).detach().numpy()
    net.set_weights([swap(w_ih).T, swap(w_hh).T, swap(b_ih + b_hh)])
    assert torch.allclose(net(x.detach().float(), initial_state=h_0[0].detach().float()).double(), y, atol=1e-6)
    emit("GRU", '{"input_size": %d, "hidden_size": %d, "reset_after": false}' % (n_in, h), [x, h_0], [w_ih, w_hh, b_ih, b_hh], [y, state[None]])


print("/* Made by make_recurrent.py with PyTorch %s and Keras %s. */" % (torch.__version__.split("+")[0], keras.__version__))
print("typedef struct recurrent_case { const char *type, *options; int n_in, ndim; int64_t shape[3][3]; int n_out;")
print("    const double *ins, *params, *outs, *cotangents, *grad_ins, *grad_params; } recurrent_case; /* one after the other */")
print("static const recurrent_case recurrent_cases[] = {")
sequence("LSTM", "", 2, 3, 3, 2, 0)
sequence("LSTM", ', "bias": false', 2, 3, 2, 3, 2, bias=False)
sequence("LSTM", ', "num_layers": 2, "bidirectional": true', 2, 3, 3, 2, 2, num_layers=2, bidirectional=True)
sequence("GRU", "", 2, 4, 3, 2, 1)
sequence("GRU", ', "num_layers": 2, "bidirectional": true', 3, 2, 2, 2, 0, num_layers=2, bidirectional=True)
keras_gru(2, 4, 3, 2)
sequence("RNN", ', "num_layers": 2', 2, 3, 3, 2, 1, num_layers=2)
sequence("RNN", ', "nonlinearity": "relu", "bidirectional": true', 2, 4, 2, 3, 1, nonlinearity="relu", bidirectional=True)
sequence("RNN", "", 1, 1, 1, 1, 0)
cell("LSTMCell", "", 3, 2, 3, 2)
cell("LSTMCell", ', "bias": false', 2, 3, 2, 0, bias=False)
cell("GRUCell", "", 3, 2, 3, 1)
cell("RNNCell", ', "nonlinearity": "relu"', 3, 2, 3, 1, nonlinearity="relu")
cell("RNNCell", "", 2, 3, 2, 0)
print("};")
