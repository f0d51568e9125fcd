"""PyTorch with the recipe of models/resnet.lua --depth 8: the first batch of CIFAR-10, 5 epochs."""
import common
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
common.begin(torch)
EPOCHS, BATCH = 5, 64
MEAN, STD = torch.tensor([0.4914, 0.4822, 0.4465]).reshape(3, 1, 1), torch.tensor([0.2470, 0.2435, 0.2616]).reshape(3, 1, 1)
(x, y), (test_x, test_y) = ((torch.tensor(a), torch.tensor(b)) for a, b in map(common.cifar, ("data_batch_1.bin.gz", "test_batch_first1000.bin.gz")))


def scaled(a):
    return (a.float() / 255 - MEAN) / STD


def augment(a):
    n = len(a)
    wide = F.pad(a, (4, 4, 4, 4))
    top, left = torch.randint(0, 9, (n, 1, 1)), torch.randint(0, 9, (n, 1, 1))
    across = torch.arange(32).reshape(1, 1, 32)
    across = torch.where(torch.rand(n, 1, 1) < 0.5, 31 - across, across)
    ids = (torch.arange(32).reshape(1, 32, 1) + top) * 40 + across + left
    return wide.flatten(2).gather(2, ids.reshape(n, 1, 1024).expand(n, 3, 1024)).reshape(n, 3, 32, 32)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)) if stride > 1 else nn.Identity()

    def forward(self, a):
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(self.conv1(a))))) + self.short(a))


def net():
    model = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    for part in model.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
    return model


def run(seed):
    torch.manual_seed(seed)
    model = net().to(memory_format=torch.channels_last)
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = len(x) // BATCH
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, epochs=EPOCHS, steps_per_epoch=steps, cycle_momentum=False)
    for _ in range(EPOCHS):
        for ids in torch.randperm(len(x))[:steps * BATCH].split(BATCH):
            loss = F.cross_entropy(model(augment(scaled(x[ids])).contiguous(memory_format=torch.channels_last)), y[ids])
            opt.zero_grad()
            loss.backward()
            opt.step()
            rate.step()
    model.eval()
    with torch.no_grad():
        return {"accuracy": 100 * (model(scaled(test_x)).argmax(1) == test_y).double().mean().item()}


common.each_seed("resnet8", run)
