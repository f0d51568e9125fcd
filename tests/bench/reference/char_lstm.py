"""PyTorch with the recipe of models/char_lstm.lua."""
import common
import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
common.begin(torch)
with open(common.path("tinyshakespeare", "input.txt"), "rb") as f:
    letters, ids = np.unique(np.frombuffer(f.read(), np.uint8), return_inverse=True)
ids = torch.tensor(ids)
first = len(ids) * 9 // 10


def windows(part):
    n = (len(part) - 1) // 64
    return part[:n * 64].reshape(n, 64), part[1:n * 64 + 1].reshape(n, 64)


(x, y), (valid_x, valid_y) = windows(ids[:first]), windows(ids[first:])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.out = nn.Embedding(len(letters), 64), nn.LSTM(64, 128, batch_first=True), nn.Linear(128, len(letters))

    def forward(self, ids):
        return self.out(self.lstm(self.embedding(ids))[0])


def run(seed):
    torch.manual_seed(seed)
    model = Net()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)

    def loss_of(a, b):
        return nn.functional.cross_entropy(model(a).flatten(0, 1), b.flatten())

    for _ in range(3):
        order = torch.randperm(len(x))
        for at in order[:len(x) // 32 * 32].split(32):
            loss = loss_of(x[at], y[at])
            opt.zero_grad()
            loss.backward()
            opt.step()
    with torch.no_grad():
        total = sum(loss_of(a, b).item() * len(a) for a, b in zip(valid_x.split(256), valid_y.split(256)))
    return {"loss": total / len(valid_x)}


common.each_seed("char_lstm", run, 2)
