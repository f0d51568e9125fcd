"""PyTorch with the recipe of models/gcn.lua: Cora with the split of tkipf/pygcn (rows of cora.content)."""
import common
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
common.begin(torch)
rows = [line.split("\t") for line in common.member("cora/cora.tgz", "cora/cora.content").splitlines()]
index = {row[0]: i for i, row in enumerate(rows)}
x = torch.tensor(np.array([[float(v) for v in row[1:-1]] for row in rows]), dtype=torch.float32)
x = x / x.sum(1, keepdim=True)
names = sorted({row[-1] for row in rows})
y = torch.tensor([names.index(row[-1]) for row in rows])
pairs = {(index[a], index[b]) for a, b in (line.split() for line in common.member("cora/cora.tgz", "cora/cora.cites").splitlines())}
pairs = pairs | {(b, a) for a, b in pairs} | {(i, i) for i in range(len(rows))}
at = torch.tensor(sorted(pairs)).t()
scale = torch.bincount(at[0]).float().rsqrt()
a = torch.sparse_coo_tensor(at, scale[at[0]] * scale[at[1]], (len(rows), len(rows))).coalesce()


def run(seed):
    torch.manual_seed(seed)
    one, two = nn.Linear(x.shape[1], 16), nn.Linear(16, len(names))
    nn.init.xavier_uniform_(one.weight), nn.init.xavier_uniform_(two.weight), nn.init.zeros_(one.bias), nn.init.zeros_(two.bias)
    opt = torch.optim.Adam([*one.parameters(), *two.parameters()], lr=0.01, weight_decay=5e-4)

    def scores(training):
        h = F.relu(a @ F.linear(F.dropout(x, 0.5, training), one.weight) + one.bias)
        return a @ F.linear(F.dropout(h, 0.5, training), two.weight) + two.bias

    for _ in range(200):
        loss = F.cross_entropy(scores(True)[:140], y[:140])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        return {"accuracy": 100 * (scores(False)[500:1500].argmax(1) == y[500:1500]).double().mean().item()}


common.each_seed("gcn", run)
