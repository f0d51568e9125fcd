"""PyTorch with the recipe of models/char_gpt.lua."""
import common
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
common.begin(torch)
LENGTH, WIDTH, HEADS = 64, 64, 4
with open(common.path("tinyshakespeare", "input.txt"), "rb") as f:
    letters, ids = np.unique(np.frombuffer(f.read(), np.uint8), return_inverse=True)
ids = torch.tensor(ids)
first = len(ids) * 9 // 10


def windows(part):
    n = (len(part) - 1) // LENGTH
    return part[:n * LENGTH].reshape(n, LENGTH), part[1:n * LENGTH + 1].reshape(n, LENGTH)


(x, y), (valid_x, valid_y) = windows(ids[:first]), windows(ids[first:])


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.asks, self.says = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.thinks = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, a):
        n, t, _ = a.shape
        q, k, v = self.asks(self.norm1(a)).reshape(n, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        a = a + self.says(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, t, WIDTH))
        return a + self.thinks(self.norm2(a))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.letter, self.place = nn.Embedding(len(letters), WIDTH), nn.Embedding(LENGTH, WIDTH)
        nn.init.normal_(self.letter.weight, 0, 0.02), nn.init.normal_(self.place.weight, 0, 0.02)
        self.blocks, self.norm, self.out = nn.Sequential(Block(), Block()), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, len(letters))

    def forward(self, a):
        return self.out(self.norm(self.blocks(self.letter(a) + self.place.weight[:a.shape[1]])))


def run(seed):
    torch.manual_seed(seed)
    model = Net()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)

    def loss_of(a, b):
        return F.cross_entropy(model(a).flatten(0, 1), b.flatten())

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


common.each_seed("char_gpt", run, 2)
