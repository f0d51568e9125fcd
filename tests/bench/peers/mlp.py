"""Workload (b): MLP 784-128-10, batch 64 gathered from the data set, SGD 0.1."""
from common import Task, images, nn, torch, train

train(Task(model=lambda: nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)),
           optimizer=lambda p, **form: torch.optim.SGD(p, lr=0.1, **form), batch=64, warm_up=20, data=images(True)))
