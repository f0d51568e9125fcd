"""PyTorch with the recipe of models/gat.lua: attention of Velickovic and others, 2018, from PyTorch's own scatter functions."""
import common
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
common.begin(torch)
x, y, fields, (target, source) = common.cora()


class Attention(nn.Module):
    def __init__(self, width, out, heads):
        super().__init__()
        self.shape = heads, out
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads * out, width)))
        self.of_source = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, out)))
        self.of_target = nn.Parameter(nn.init.xavier_uniform_(torch.empty(heads, out)))
        self.bias = nn.Parameter(torch.zeros(heads * out))

    def forward(self, h, training):
        h = F.linear(F.dropout(h, 0.6, training), self.weight).view(-1, *self.shape)
        score = F.leaky_relu((h * self.of_source).sum(2)[source] + (h * self.of_target).sum(2)[target], 0.2)
        at = target[:, None].expand_as(score)
        score = (score - torch.full_like(h[..., 0], -torch.inf).scatter_reduce(0, at, score, "amax")[target]).exp()
        share = F.dropout(score / torch.zeros_like(h[..., 0]).scatter_add(0, at, score)[target], 0.6, training)
        return torch.zeros_like(h).index_add(0, target, share[..., None] * h[source]).flatten(1) + self.bias


def run(seed):
    torch.manual_seed(seed)
    one, two = Attention(x.shape[1], 8, 8), Attention(64, fields, 1)

    def scores(training):
        return two(F.elu(one(x, training)), training)

    return common.learn_papers([*one.parameters(), *two.parameters()], scores, y, 0.005)


common.each_seed("gat", run)
