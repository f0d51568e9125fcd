"""Workload (h): 100 MB of parameters in 25 tensors, by torch.save with fsync, and torch.load."""
import os
import time

from common import given, path, serve, torch

tensors = {"layer%d.weight" % i: torch.rand(1000, 1000) for i in range(25)}
file, total = path("checkpoint.pt"), 25 * 1000 * 1000 * 4


def round_of():
    writes = reads = 0
    for _ in range(given.steps):
        if os.path.exists(file):
            os.unlink(file)
        start = time.perf_counter()
        with open(file, "wb") as f:
            torch.save(tensors, f)
            f.flush()
            os.fsync(f.fileno())
        writes, start = writes + time.perf_counter() - start, time.perf_counter()
        loaded = torch.load(file)
        reads += time.perf_counter() - start
        del loaded
    return {"torch.save, load": {"write": total * given.steps / writes, "read": total * given.steps / reads}}


def finish():
    loaded = torch.load(file)
    os.unlink(file)
    return {"torch.save, load": {"equal": sum(int(torch.equal(loaded[k], v)) for k, v in tensors.items())}}


serve(round_of, finish)
