"""The matrix product of PyTorch at the shapes of bench_gemm.c:  gemm.py FILE THREADS ROUNDS, FILE has bench_gemm's lines."""
import json
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = sys.argv[2]
import torch  # noqa: E402

torch.set_num_threads(int(sys.argv[2]))
clock = time.process_time if sys.argv[2] == "1" else time.perf_counter
seen = set()
for line in open(sys.argv[1]):
    shape = json.loads(line)
    if shape["shape"] in seen:
        continue
    seen.add(shape["shape"])
    m, n, k, op = shape["m"], shape["n"], shape["k"], shape["op"]
    a = torch.rand(k, m).t() if op[0] == "T" else torch.rand(m, k)
    b = torch.rand(n, k).t() if op[1] == "T" else torch.rand(k, n)
    c, flops = torch.empty(m, n), 2.0 * m * n * k
    repeats, took = min(int(5e8 / flops) + 1, 20000), []
    for r in range(int(sys.argv[3]) + 1):
        start = clock()
        for _ in range(repeats):
            torch.mm(a, b, out=c)
        took.append((clock() - start) / repeats)
    took = sorted(took[1:])
    t = took[len(took) // 2]
    print(json.dumps(dict(shape, name="PyTorch mm", us=t * 1e6, gflops=1e-9 * flops / t)))
