"""What the reference scripts share: where data are, how they are read, and how a result is written.

A script prints a line a seed and a line of the means, and says versions. What was measured is stored beside it as NAME.txt:
    LURON_DATA=DIR python3 tests/bench/reference/NAME.py | tee tests/bench/reference/NAME.txt
"""
import csv
import gzip
import io
import os
import sys
import tarfile
import time

import numpy as np

DATA = os.environ.get("LURON_DATA", "data")
SEEDS = int(os.environ.get("LURON_SEEDS", "0"))  # instead of as many as a script takes


def path(*parts):
    return os.path.join(DATA, *parts)


def opened(name):
    return gzip.open(name, "rb") if name.endswith(".gz") else open(name, "rb")


def idx(name):
    with opened(name) as f:
        b = f.read()
    shape = np.frombuffer(b, ">i4", b[3], 4)
    return np.frombuffer(b, np.uint8, offset=4 + 4 * b[3]).reshape(shape)


def pictures(folder):
    """Four IDX files: train x (n, 1, 28, 28) in [0, 1], train y, test x, test y."""
    out = []
    for part in ("train", "t10k"):
        x = idx(path(folder, part + "-images-idx3-ubyte.gz"))
        out += [x.reshape(-1, 1, 28, 28).astype(np.float32) / 255, idx(path(folder, part + "-labels-idx1-ubyte.gz")).astype(np.int64)]
    return out


def cifar(name):
    with opened(path("cifar10", name)) as f:
        b = np.frombuffer(f.read(), np.uint8).reshape(-1, 3073)
    return b[:, 1:].reshape(-1, 3, 32, 32), b[:, 0].astype(np.int64)


def table(name, delimiter=","):
    with opened(path(name)) as f:
        return list(csv.reader(io.TextIOWrapper(f, "utf-8"), delimiter=delimiter))


def member(archive, name):
    with tarfile.open(path(archive)) as f:
        return f.extractfile(name).read().decode()


def letters(length):
    """Tiny Shakespeare: how many letters there are, and windows (x, y) of ids, y the letter behind x, of the first nine tenths
    and of the last."""
    import torch
    with opened(path("tinyshakespeare", "input.txt")) as f:
        names, ids = np.unique(np.frombuffer(f.read(), np.uint8), return_inverse=True)
    ids = torch.tensor(ids)
    first = len(ids) * 9 // 10

    def windows(part):
        n = (len(part) - 1) // length
        return part[:n * length].reshape(n, length), part[1:n * length + 1].reshape(n, length)

    return len(names), windows(ids[:first]), windows(ids[first:])


def learn_letters(model, train, valid):
    """Three epochs of Adam with batches of 32; the loss on `valid`."""
    import torch
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    (x, y), (valid_x, valid_y) = train, valid

    def loss_of(a, b):
        return torch.nn.functional.cross_entropy(model(a).flatten(0, 1), b.flatten())

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


def cora():
    """The papers of Cora with the split of tkipf/pygcn: x (n, words), each row with sum 1, ids y (n), how many fields, and edges
    (2, m), both ways and of each paper with itself."""
    import torch
    rows = [line.split("\t") for line in member("cora/cora.tgz", "cora/cora.content").splitlines()]
    index = {row[0]: i for i, row in enumerate(rows)}
    x = torch.tensor(np.array([[float(v) for v in row[1:-1]] for row in rows]), dtype=torch.float32)
    names = sorted({row[-1] for row in rows})
    y = torch.tensor([names.index(row[-1]) for row in rows])
    pairs = {(index[a], index[b]) for a, b in (line.split() for line in member("cora/cora.tgz", "cora/cora.cites").splitlines())}
    pairs = pairs | {(b, a) for a, b in pairs} | {(i, i) for i in range(len(rows))}
    return x / x.sum(1, keepdim=True), y, len(names), torch.tensor(sorted(pairs)).t()


def learn_papers(parameters, scores, y, lr):
    """200 steps of Adam on the first 140 papers; `scores(training)` are those of all. How many per cent of the test's are right."""
    import torch
    opt = torch.optim.Adam(parameters, lr=lr, weight_decay=5e-4)
    for _ in range(200):
        loss = torch.nn.functional.cross_entropy(scores(True)[:140], y[:140])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        return {"accuracy": 100 * (scores(False)[500:1500].argmax(1) == y[500:1500]).double().mean().item()}


def begin(*modules):
    print("Python %s" % sys.version.split()[0], *("%s %s" % (m.__name__, m.__version__) for m in modules), flush=True)


def each_seed(name, run, seeds=5):
    """Run for the seeds 1, 2, ...; `run(seed)` gives figures by name, of which means are printed."""
    rows = []
    for seed in range(1, (SEEDS or seeds) + 1):
        start = time.process_time()
        rows.append(run(seed))
        print(name, "seed", seed, *("%s %.4f" % (k, v) for k, v in rows[-1].items()), "in %.1f s of one core" % (time.process_time() - start), flush=True)
    for k in rows[0]:
        v = [row[k] for row in rows]
        print("%s mean of %d: %s %.4f, from %.4f to %.4f" % (name, len(v), k, np.mean(v), min(v), max(v)), flush=True)
