"""Residual networks of CIFAR-10, as in ../support/resnet.lua."""
from common import F, nn


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.short = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride > 1 else None

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + (x if self.short is None else self.short(x)))


class ResNet(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        made = []
        for stage, outputs in enumerate((16, 32, 64)):
            for i in range(blocks):
                new = i == 0 and stage > 0
                made.append(Block(outputs // 2 if new else outputs, outputs, 2 if new else 1))
        self.blocks = nn.Sequential(*made)
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        return self.out(self.blocks(F.relu(self.norm(self.conv(x)))).mean((2, 3)))
