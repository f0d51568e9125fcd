"""Workload (a): dice 3-8-2, batch 16, SGD 0.1."""
from common import Task, nn, torch, train

throws = torch.tensor([[a, b, c] for a in range(1, 7) for b in range(1, 7) for c in range(1, 7)], dtype=torch.float32)
y = (throws.sum(1) > 10).long()
x = (throws - 3.5) / 1.7078
train(Task(model=lambda: nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)),
           optimizer=lambda p, **form: torch.optim.SGD(p, lr=0.1, **form), batch=16, warm_up=26, data=(x, y, x, y)))
