"""Workload (f): MLP 784-128-10, one picture a call."""
import time

from common import F, given, load_weights, nn, serve, torch

model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)).eval()
load_weights(model.parameters())
x = (torch.arange(784) * 7 % 13 / 13).reshape(1, 784).float()
w1, b1, w2, b2 = [p.detach() for p in model.parameters()]
calls, notes = {"eager": model, "F.linear by hand": lambda v: F.linear(F.relu(F.linear(v, w1, b1)), w2, b2)}, []


def attempt(name, make):
    try:
        call = make()
        with torch.inference_mode():
            call(x)
        calls[name] = call
    except Exception as error:
        notes.append("%s: %s" % (name, str(error).strip().split("\n")[0][:200]))


attempt("TorchScript, frozen", lambda: torch.jit.freeze(torch.jit.trace(model, x)))
if given.compile:
    attempt("compiled", lambda: torch.compile(model))


def round_of():
    answer = {}
    with torch.inference_mode():
        for name, call in calls.items():
            took = []
            for _ in range(100):
                call(x)
            for _ in range(given.steps):
                start = time.perf_counter()
                call(x)
                took.append(time.perf_counter() - start)
            took.sort()
            answer[name] = {"p50": took[len(took) // 2], "p99": took[len(took) - 1 - len(took) // 100]}
    return answer


def finish():
    with torch.inference_mode():
        return {name: {"sum": float(call(x).sum())} for name, call in calls.items()}


serve(round_of, finish, notes)
