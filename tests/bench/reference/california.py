"""PyTorch with the recipe of models/california.lua."""
import csv
import io

import common
import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
common.begin(torch)
rows = list(csv.reader(io.StringIO(common.member("tabular/california_housing.tgz", "housing.csv"))))[1:]
numbers = np.array([[float(v) if v else np.nan for v in row[:8]] for row in rows])
price = np.array([float(row[8]) for row in rows])
places = sorted({row[9] for row in rows})
place = np.eye(len(places))[[places.index(row[9]) for row in rows]]
test = np.arange(1, len(rows) + 1) % 5 == 0
mean, std = np.nanmean(numbers[~test], 0), np.nanstd(numbers[~test], 0)
x = torch.tensor(np.hstack([np.nan_to_num((numbers - mean) / std), place]), dtype=torch.float32)
y = torch.tensor((price - price[~test].mean()) / price[~test].std(), dtype=torch.float32)[:, None]
x, y, test_x, test_y = x[~test], y[~test], x[test], y[test]


def run(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(13, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=60)
    for _ in range(60):
        for ids in torch.randperm(len(x)).split(64):
            loss = nn.functional.mse_loss(model(x[ids]), y[ids])
            opt.zero_grad()
            loss.backward()
            opt.step()
        rate.step()
    with torch.no_grad():
        error = ((model(test_x) - test_y) ** 2).mean()
        return {"R2": 1 - (error / ((test_y - test_y.mean()) ** 2).mean()).item()}


common.each_seed("california", run, 3)
