"""ResNet-8 on CIFAR-10, batch 32, SGD with momentum: three stages of one block, as in ../resnet8.lua."""
from common import F, Task, nn, np, path, torch, train

PICTURES, HELD_OUT, RECORD = 2000, 500, 3073


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.short = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride > 1 else None

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + (x if self.short is None else self.short(x)))


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.stage1, self.stage2, self.stage3 = Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)
        self.out = nn.Linear(64, 10)

    def forward(self, x):
        x = self.stage3(self.stage2(self.stage1(F.relu(self.norm(self.conv(x))))))
        return self.out(x.mean((2, 3)))


records = torch.from_numpy(np.fromfile(path("pictures.u8"), np.uint8).reshape(PICTURES, RECORD))
x = records[:, 1:].float().reshape(PICTURES, 3, 32, 32) / 255 - 0.5
y = records[:, 0].long()
train(Task(model=ResNet8, optimizer=lambda p, **form: torch.optim.SGD(p, lr=0.05, momentum=0.9, **form), batch=32, warm_up=4,
           data=(x, y, x[:HELD_OUT], y[:HELD_OUT]), images=True))
