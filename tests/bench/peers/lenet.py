"""Workload (d): LeNet, batch 64, Adam."""
from common import Task, images, nn, torch, train


def model():
    return nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


train(Task(model=model, optimizer=lambda p, **form: torch.optim.Adam(p, lr=1e-3, **form), batch=64, warm_up=10,
           data=images(False), images=True))
