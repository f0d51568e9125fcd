"""Workload (c): MLP 784-1024-1024-10, batch 256, Adam."""
from common import Task, images, nn, torch, train


def model():
    return nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))


train(Task(model=model, optimizer=lambda p, **form: torch.optim.Adam(p, lr=1e-3, **form), batch=256, warm_up=4, data=images(True)))
