"""PyTorch with the recipe of models/intrusion.lua: normal against attack in NSL-KDD."""
import common
import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
common.begin(torch)
train, test = common.table("nsl-kdd/KDDTrain+_20Percent.txt.gz"), common.table("nsl-kdd/KDDTest+.txt.gz")
TEXT = (1, 2, 3)
classes = [sorted({row[c] for row in train}) for c in TEXT]


def columns(rows):
    numbers = np.array([[float(v) for c, v in enumerate(row[:41]) if c not in TEXT] for row in rows])
    numbers = np.sign(numbers) * np.log1p(np.abs(numbers))
    known = []
    for c, names in zip(TEXT, classes):
        hot = np.zeros((len(rows), len(names)))
        for i, row in enumerate(rows):
            if row[c] in names:
                hot[i, names.index(row[c])] = 1
        known.append(hot)
    return numbers, np.hstack(known), torch.tensor([int(row[41] != "normal") for row in rows])


numbers, hot, y = columns(train)
mean, std = numbers.mean(0), numbers.std(0)
std[std == 0] = 1
x = torch.tensor(np.hstack([(numbers - mean) / std, hot]), dtype=torch.float32)
numbers, hot, test_y = columns(test)
test_x = torch.tensor(np.hstack([((numbers - mean) / std).clip(-10, 10), hot]), dtype=torch.float32)
x = x.clamp(-10, 10)


def run(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 2))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(10):
        model.train()
        for ids in torch.randperm(len(x)).split(128):
            loss = nn.functional.cross_entropy(model(x[ids]), y[ids])
            opt.zero_grad()
            loss.backward()
            opt.step()
    model.eval()
    with torch.no_grad():
        answer = model(test_x).argmax(1)
        right = (answer == test_y).double()
        return {"accuracy": 100 * right.mean().item(), "found": 100 * right[test_y == 1].mean().item(),
                "false alarms": 100 - 100 * right[test_y == 0].mean().item()}


common.each_seed("intrusion", run)
