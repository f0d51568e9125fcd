"""PyTorch with the recipe of models/lenet.lua."""
import common
import torch
from torch import nn

torch.set_num_threads(1)
common.begin(torch)
x, y, test_x, test_y = (torch.tensor(a) for a in common.pictures("mnist"))


def run(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=5)
    for _ in range(5):
        for ids in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[ids]), y[ids])
            opt.zero_grad()
            loss.backward()
            opt.step()
        rate.step()
    with torch.no_grad():
        return {"accuracy": 100 * (model(test_x).argmax(1) == test_y).double().mean().item()}


common.each_seed("lenet", run, 2)
