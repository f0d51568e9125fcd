"""PyTorch with the recipe of models/gcn.lua."""
import common
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
common.begin(torch)
x, y, fields, at = common.cora()
scale = torch.bincount(at[0]).float().rsqrt()
a = torch.sparse_coo_tensor(at, scale[at[0]] * scale[at[1]], (len(x), len(x))).coalesce()


def run(seed):
    torch.manual_seed(seed)
    one, two = nn.Linear(x.shape[1], 16), nn.Linear(16, fields)
    nn.init.xavier_uniform_(one.weight), nn.init.xavier_uniform_(two.weight), nn.init.zeros_(one.bias), nn.init.zeros_(two.bias)

    def scores(training):
        h = F.relu(a @ F.linear(F.dropout(x, 0.5, training), one.weight) + one.bias)
        return a @ F.linear(F.dropout(h, 0.5, training), two.weight) + two.bias

    return common.learn_papers([*one.parameters(), *two.parameters()], scores, y, 0.01)


common.each_seed("gcn", run)
