"""PyTorch with the recipe of models/char_gpt.lua."""
import common
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
common.begin(torch)
LENGTH, WIDTH, HEADS = 64, 64, 4
n_letters, train, valid = common.letters(LENGTH)


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
        self.letter, self.place = nn.Embedding(n_letters, WIDTH), nn.Embedding(LENGTH, WIDTH)
        nn.init.normal_(self.letter.weight, 0, 0.02), nn.init.normal_(self.place.weight, 0, 0.02)
        self.blocks, self.norm, self.out = nn.Sequential(Block(), Block()), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, n_letters)

    def forward(self, a):
        return self.out(self.norm(self.blocks(self.letter(a) + self.place.weight[:a.shape[1]])))


def run(seed):
    torch.manual_seed(seed)
    return common.learn_letters(Net(), train, valid)


common.each_seed("char_gpt", run, 2)
