#!/usr/bin/env python3
"""Write recurrent_more_reference.h: sequences of unequal length by PyTorch's pack_padded_sequence, Keras's masks, gates
of hard_sigmoid and ConvLSTM, with gradients, in float64.

The lists are struct layer_values of tests/plugins/layer_values.h. Keras computes in float32: those numbers are of its
formulas in float64, checked against it.
Usage: KERAS_BACKEND=torch make_recurrent_more.py > recurrent_more_reference.h   (needs torch and keras; the tests need only the header)
"""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import torch
from layer_values import draw, emit, leaf
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.manual_seed(61)
torch.set_default_dtype(torch.float64)


def hard(x):
    return F.relu6(x + 3) / 6


def packed(type_name, lengths, t, n_in, h, states=0, **kw):
    net = getattr(torch.nn, type_name)(n_in, h, batch_first=True, **kw)
    for p in net.parameters():
        p.data = draw(*p.shape, scale=64) / 2
    n, parts = len(lengths), kw.get("num_layers", 1) * (2 if kw.get("bidirectional") else 1)
    x, lengths = leaf(draw(n, t, n_in)), torch.tensor(lengths)
    lstm = type_name == "LSTM"
    first = [leaf(draw(parts, n, h)) for _ in range(states)]
    sequence = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, s = net(sequence, (tuple(first) if lstm else first[0]) if states else None)
    y = pad_packed_sequence(y, batch_first=True, total_length=t)[0]
    options = dict(input_size=n_in, hidden_size=h, **kw)
    emit(type_name, options, [x] + (first or [None] * (1 + lstm)) + [lengths], list(net.parameters()), [y] + (list(s) if lstm else [s]))


def gates(n, t, n_in, h, count):
    w = [leaf(draw(*shape, scale=64) / 2) for shape in ((count * h, n_in), (count * h, h), (count * h,), (count * h,))]
    return [leaf(draw(n, t, n_in, scale=3))] + w


def swap(w, order, h):
    return torch.cat([w[i * h:(i + 1) * h] for i in order]).detach().float().numpy()


def lstm(n, t, n_in, h, mask=None, gate=torch.sigmoid, name="sigmoid"):
    x, w_ih, w_hh, b_ih, b_hh = gates(n, t, n_in, h, 4)
    state, cell, steps = torch.zeros(n, h), torch.zeros(n, h), []
    for s in range(t):
        i, f, g, o = (x[:, s] @ w_ih.T + b_ih + state @ w_hh.T + b_hh).chunk(4, 1)
        c = gate(f) * cell + gate(i) * torch.tanh(g)
        now = (gate(o) * torch.tanh(c), c)
        seen = torch.ones(n, 1, dtype=torch.bool) if mask is None else mask[:, s, None]
        state, cell = torch.where(seen, now[0], state), torch.where(seen, now[1], cell)
        steps.append(state)
    y = torch.stack(steps, 1)
    net = keras.layers.LSTM(h, return_sequences=True, recurrent_activation=name)
    net.build((n, t, n_in))
    net.set_weights([swap(w, range(4), h).T for w in (w_ih, w_hh)] + [swap(b_ih + b_hh, range(4), h)])
    assert torch.allclose(net(x.detach().float(), mask=mask).double(), y, atol=1e-6)
    options = dict(input_size=n_in, hidden_size=h, recurrent_activation=name)
    emit("LSTM", options, [x, None, None, None, mask], [w_ih, w_hh, b_ih, b_hh], [y, state[None], cell[None]])


def gru(n, t, n_in, h, mask=None, gate=torch.sigmoid, name="sigmoid", after=True):
    x, w_ih, w_hh, b_ih, b_hh = gates(n, t, n_in, h, 3)
    state, steps = torch.zeros(n, h), []
    for s in range(t):
        a, b = x[:, s] @ w_ih.T + b_ih, state @ w_hh.T + b_hh
        r, z = (gate(u + v) for u, v in zip(a.chunk(3, 1)[:2], b.chunk(3, 1)[:2]))
        inner = r * b[:, 2 * h:] if after else (r * state) @ w_hh[2 * h:].T + b_hh[2 * h:]
        now = z * state + (1 - z) * torch.tanh(a[:, 2 * h:] + inner)
        state = now if mask is None else torch.where(mask[:, s, None], now, state)
        steps.append(state)
    y = torch.stack(steps, 1)
    net = keras.layers.GRU(h, return_sequences=True, recurrent_activation=name, reset_after=after)
    net.build((n, t, n_in))
    order = (1, 0, 2) # Keras's gates are z, r, h
    biases = torch.stack([b_ih, b_hh], 1) if after else b_ih + b_hh
    biases = swap(biases, order, h)
    net.set_weights([swap(w, order, h).T for w in (w_ih, w_hh)] + [biases.T])
    assert torch.allclose(net(x.detach().float(), mask=mask).double(), y, atol=1e-6)
    options = dict(input_size=n_in, hidden_size=h, recurrent_activation=name, reset_after=after)
    emit("GRU", options, [x, None, None, mask], [w_ih, w_hh, b_ih, b_hh], [y, state[None]])


def conv_lstm(dims, n, t, c, out, sizes, kernel, states=False, stride=1, padding="valid", dilation=1, name="sigmoid"):
    conv, gate = getattr(F, "conv%dd" % dims), hard if name == "hard_sigmoid" else torch.sigmoid
    x = leaf(draw(n, t, c, *sizes))
    w_ih, w_hh, b = leaf(draw(4 * out, c, *kernel, scale=32) / 2), leaf(draw(4 * out, out, *kernel, scale=32) / 2), leaf(draw(4 * out))
    z = conv(x.flatten(0, 1), w_ih, b, stride=stride, padding=padding, dilation=dilation)
    z = z.unflatten(0, (n, t))
    first = [leaf(draw(n, out, *z.shape[3:])) for _ in range(2)] if states else []
    state, cell = first if states else [torch.zeros(n, out, *z.shape[3:])] * 2
    steps = []
    for s in range(t):
        i, f, g, o = (z[:, s] + conv(state, w_hh, padding="same")).chunk(4, 1)
        cell = gate(f) * cell + gate(i) * torch.tanh(g)
        state = gate(o) * torch.tanh(cell)
        steps.append(state)
    y = torch.stack(steps, 1)
    net = getattr(keras.layers, "ConvLSTM%dD" % dims)(out, kernel, strides=stride, padding=padding, dilation_rate=dilation, return_sequences=True,
                                                      recurrent_activation=name, data_format="channels_first")
    net.build(tuple(x.shape))
    last = lambda w: w.movedim((0, 1), (-1, -2)).detach().float().numpy()
    net.set_weights([last(w_ih), last(w_hh), b.detach().float().numpy()])
    args = dict(initial_state=[s.detach().float() for s in first]) if states else {}
    assert torch.allclose(net(x.detach().float(), **args).double(), y, atol=1e-5)
    options = dict(in_channels=c, out_channels=out, kernel_size=list(kernel), stride=stride, padding=padding, dilation=dilation, recurrent_activation=name)
    emit("ConvLSTM%dd" % dims, options, [x] + first, [w_ih, w_hh, b], [y, state, cell])


print("/* Made by make_recurrent_more.py with PyTorch %s and Keras %s. */" % (torch.__version__.split("+")[0], keras.__version__))
print("static const layer_values recurrent_more_cases[] = {")
packed("LSTM", [2, 4, 1], 4, 2, 2, 2)
packed("LSTM", [3, 1], 3, 2, 1, num_layers=2, bidirectional=True)
packed("GRU", [1, 3], 4, 2, 2, 1, bidirectional=True)
packed("RNN", [2, 3], 3, 2, 2, num_layers=2)
some = torch.tensor([[True, False, True, True], [False, True, True, False]])
lstm(2, 4, 2, 2, some)
lstm(2, 3, 2, 2, None, hard, "hard_sigmoid")
gru(2, 4, 2, 2, some)
gru(2, 3, 2, 2, None, hard, "hard_sigmoid")
gru(2, 4, 2, 2, some, hard, "hard_sigmoid", False)
conv_lstm(2, 2, 2, 2, 1, (3, 4), (2, 3))
conv_lstm(2, 1, 3, 1, 2, (3, 3), (3, 3), True, padding="same", name="hard_sigmoid")
conv_lstm(1, 2, 2, 2, 1, (7,), (3,), True, stride=2)
conv_lstm(3, 1, 2, 1, 1, (3, 3, 2), (2, 2, 1), dilation=1)
print("};")
