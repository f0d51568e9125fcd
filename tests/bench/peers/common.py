"""The peers' side of a workload: takes orders on standard input, answers with a line of JSON each (support/worker.lua).

usage: NAME.py --work DIR --threads N --steps N [--data DIR] [--compile]
DIR has what both sides start from: weights.f32 and order.i64. --data is the folder with the IDX files.
Works on torch 1.13 and 2.x; what a version cannot do is left out with a note.
"""
import argparse
import gc
import gzip
import json
import os
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--work", required=True)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--steps", type=int, default=10)
parser.add_argument("--data", default="")
parser.add_argument("--compile", action="store_true", help="torch.compile too: takes from seconds to a minute a model")
parser.add_argument("--channels_last", action="store_true", help="for memory.py")
given = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(given.threads)  # torch.set_num_threads does not reach every BLAS
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print is no answer


def say(answer):
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


try:
    import numpy as np
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
except ImportError as error:
    say({"skip": "PyTorch: %s" % error})
    sys.exit(0)

torch.set_num_threads(given.threads)
# On one thread the time on the processor, in which other programs have no part; on several the time on the wall.
clock = time.process_time if given.threads == 1 else time.perf_counter
WHAT = "PyTorch " + torch.__version__.split("+")[0]


def serve(round_of, finish, notes=()):
    say({"ready": True, "what": WHAT, "notes": list(notes)})
    for order in sys.stdin:
        if order.strip() == "finish":
            say(finish())
            return
        say(round_of())


def path(name):
    return os.path.join(given.work, name)


def load_weights(parameters):
    """Put weights.f32 into parameters, in order."""
    flat, at = np.fromfile(path("weights.f32"), np.float32), 0
    with torch.no_grad():
        for p in parameters:
            p.copy_(torch.from_numpy(flat[at:at + p.numel()]).reshape(p.shape))
            at += p.numel()
    if at != flat.size:
        raise SystemExit("weights.f32 has %d numbers, the model %d" % (flat.size, at))


def idx(name):
    for suffix, opener in ((".gz", gzip.open), ("", open)):
        file = os.path.join(given.data, name + suffix)
        if os.path.exists(file):
            with opener(file, "rb") as f:
                raw = f.read()
            shape = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
            return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)
    raise SystemExit("no %s in %s" % (name, given.data))


def images(flat):
    """Training pictures and labels, 2000 test pictures and labels: float32 in [0, 1]."""
    def part(prefix, n):
        x = torch.from_numpy(idx(prefix + "-images-idx3-ubyte")[:n].astype(np.float32) / np.float32(255))
        y = torch.from_numpy(idx(prefix + "-labels-idx1-ubyte")[:n].astype(np.int64))
        return x.reshape(-1, 784) if flat else x.unsqueeze(1), y
    return part("train", None) + part("t10k", 2000)


class Batches:
    """Ids of batches, in the order that both sides train on, over and over."""

    def __init__(self, batch):
        order = torch.from_numpy(np.fromfile(path("order.i64"), np.int64))
        self.ids = [order[i * batch:(i + 1) * batch].clone() for i in range(len(order) // batch)]
        self.at = 0

    def next(self):
        ids = self.ids[self.at]
        self.at = (self.at + 1) % len(self.ids)
        return ids


def classify(net, x, y):
    return F.cross_entropy(net(x), y)


class Variant:
    """One way of training: eager or compiled, with one of the forms of the optimiser, in one of the memory formats."""

    def __init__(self, task, mode, form, channels_last):
        self.model = task.model()
        load_weights(self.model.parameters())
        self.channels_last = channels_last
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        kwargs = {form: True} if form else {}
        self.optimizer = task.optimizer(self.model.parameters(), **kwargs)
        net, loss = self.model, task.loss
        self.loss = lambda x, y: loss(net, x, y)
        if mode == "compiled":
            self.loss = torch.compile(self.loss)
        self.batch_of, self.batches = task.batch_of, Batches(task.batch)

    def step(self):
        x, y = self.batch_of(self.batches.next())
        if self.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(x, y).backward()
        self.optimizer.step()

    def run(self, steps):
        gc.collect()  # of the variant before
        for _ in range(-(-steps // 10)):  # bring caches back, and threads, which sleep between rounds
            self.step()
        start = clock()
        for _ in range(steps):
            self.step()
        return (clock() - start) / steps


class Task:
    """A training. model(), optimizer(parameters, **form), batch and warm_up (steps) are given; batch_of(ids), loss(net, x, y)
    and evaluate(net) have defaults for classification of data = (x, y, test_x, test_y)."""

    def __init__(self, model, optimizer, batch, warm_up, data=None, loss=classify, batch_of=None, evaluate=None, images=False):
        self.model, self.optimizer, self.batch, self.warm_up, self.data, self.loss = model, optimizer, batch, warm_up, data, loss
        self.batch_of = batch_of or (lambda ids: (data[0][ids], data[1][ids]))
        self.evaluate = evaluate or self.held_out
        self.images = images  # four dimensions: channels_last applies

    def held_out(self, net):
        net.eval()
        with torch.no_grad():
            scores = net(self.data[2])
            right = (scores.argmax(1) == self.data[3]).float().mean()
            return {"loss": float(F.cross_entropy(scores, self.data[3])), "accuracy": float(right)}

    def variants(self):
        """Those that this PyTorch can do, warm, by name; and notes on the others."""
        made, notes = {}, []
        modes = ["eager"] + (["compiled"] if given.compile and hasattr(torch, "compile") else [])
        for mode in modes:
            for form in (None, "foreach", "fused"):
                for last in (False, True) if self.images else (False,):
                    if mode == "compiled" and form != "fused":
                        continue  # the optimiser is outside of what is compiled, and fused is its best form
                    name = ", ".join(filter(None, (mode, form, "channels_last" if last else None)))
                    try:
                        variant = Variant(self, mode, form, last)
                        variant.run(self.warm_up)
                        made[name] = variant
                    except Exception as error:  # an old version, or no compiler
                        notes.append("%s: %s" % (name, str(error).strip().split("\n")[0][:200]))
        return made, notes


def train(task):
    made, notes = task.variants()
    serve(lambda: {name: {"step": v.run(given.steps)} for name, v in made.items()},
          lambda: {name: task.evaluate(v.model) for name, v in made.items()}, notes)
