#!/usr/bin/env python3
"""What models/gcn.lua and models/gat.lua are measured against: the same networks and recipes in plain PyTorch, on Cora with
the split of tkipf/pygcn (rows 0-139, 200-499, 500-1499), mean of five seeds.

Usage: gcn.py [--gat] [--seeds 5] [--threads 2] DATA     DATA has cora/cora.tgz
"""
import argparse
import tarfile
import time

import torch
import torch.nn.functional as F


def read(path):
    with tarfile.open(path) as tar:
        rows = [line.split("\t") for line in tar.extractfile("cora/cora.content").read().decode().splitlines()]
        cites = [line.split("\t") for line in tar.extractfile("cora/cora.cites").read().decode().splitlines()]
    number = {row[0]: i for i, row in enumerate(rows)}
    classes = sorted({row[-1] for row in rows})
    x = torch.tensor([[float(word) for word in row[1:-1]] for row in rows])
    pairs = {(number[a], number[b]) for a, b in cites} | {(number[b], number[a]) for a, b in cites}
    return x / x.sum(1, True), torch.tensor(sorted(pairs)).T, torch.tensor([classes.index(row[-1]) for row in rows])


def glorot(*shape):
    return torch.nn.Parameter(torch.nn.init.xavier_uniform_(torch.empty(shape)))


class GCN(torch.nn.Module):
    def __init__(self, edges, n):
        super().__init__()
        self.w1, self.w2 = glorot(16, 1433), glorot(7, 16)
        self.b1, self.b2 = torch.nn.Parameter(torch.zeros(16)), torch.nn.Parameter(torch.zeros(7))
        degree = torch.ones(n).index_add_(0, edges[1], torch.ones(edges.shape[1]))
        all_edges = torch.cat([edges.flip(0), torch.arange(n).repeat(2, 1)], 1)
        values = degree[all_edges[0]] ** -0.5 * degree[all_edges[1]] ** -0.5
        self.a = torch.sparse_coo_tensor(all_edges, values, (n, n)).coalesce().to_sparse_csr()

    def forward(self, x):
        x = F.dropout(x, 0.5, self.training)
        h = F.dropout(F.relu(self.a @ (x @ self.w1.T) + self.b1), 0.5, self.training)
        return self.a @ (h @ self.w2.T) + self.b2


class Attention(torch.nn.Module):
    def __init__(self, edges, n, size, out, heads):
        super().__init__()
        self.edges, self.heads = torch.cat([edges, torch.arange(n).repeat(2, 1)], 1), heads
        self.w, self.source, self.target = glorot(heads * out, size), glorot(heads, out), glorot(heads, out)
        self.b = torch.nn.Parameter(torch.zeros(heads * out))

    def forward(self, x):
        s, t = self.edges
        h = (x @ self.w.T).reshape(len(x), self.heads, -1)
        score = F.leaky_relu((h * self.source).sum(2)[s] + (h * self.target).sum(2)[t], 0.2)
        most = torch.full((len(x), self.heads), -torch.inf).index_reduce_(0, t, score.detach(), "amax")
        share = (score - most[t]).exp()
        share = F.dropout(share / torch.zeros_like(most).index_add(0, t, share)[t], 0.6, self.training)
        return torch.zeros_like(h).index_add(0, t, h[s] * share[:, :, None]).flatten(1) + self.b


class GAT(torch.nn.Module):
    def __init__(self, edges, n):
        super().__init__()
        self.first, self.second = Attention(edges, n, 1433, 8, 8), Attention(edges, n, 64, 7, 1)

    def forward(self, x):
        h = F.elu(self.first(F.dropout(x, 0.6, self.training)))
        return self.second(F.dropout(h, 0.6, self.training))


def train(net, lr, x, y):
    optim = torch.optim.Adam(net.parameters(), lr=lr, weight_decay=5e-4)
    for _ in range(200):
        net.train()
        loss = F.cross_entropy(net(x)[:140], y[:140])
        optim.zero_grad()
        loss.backward()
        optim.step()
    net.eval()
    with torch.no_grad():
        return 100 * (net(x)[500:1500].argmax(1) == y[500:1500]).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--gat", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    x, edges, y = read(args.data + "/cora/cora.tgz")
    results, start = [], time.process_time()
    for seed in range(1, args.seeds + 1):
        torch.manual_seed(seed)
        net = GAT(edges, len(x)) if args.gat else GCN(edges, len(x))
        results.append(train(net, 0.005 if args.gat else 0.01, x, y))
    print("%s, PyTorch %s: %s; mean %.2f %%, %.1f s of processor time a run" % (
        "GAT" if args.gat else "GCN", torch.__version__.split("+")[0], " ".join("%.1f" % r for r in results), sum(results) / len(results),
        (time.process_time() - start) / len(results)))


main()
