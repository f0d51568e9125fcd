"""PyTorch with the recipe of models/autoencoder.lua."""
import common
import torch
from torch import nn

torch.set_num_threads(1)
common.begin(torch)
x, _, test, _ = (torch.tensor(a) for a in common.pictures("fashion-mnist"))


def run(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 32), nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 784),
                          nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(5):
        for ids in torch.randperm(len(x)).split(128):
            loss = nn.functional.mse_loss(model(x[ids]), x[ids])
            opt.zero_grad()
            loss.backward()
            opt.step()
    with torch.no_grad():
        return {"error": nn.functional.mse_loss(model(test), test).item()}


common.each_seed("autoencoder", run, 2)
