"""ResNet-8 on CIFAR-10, batch 32, SGD with momentum: three stages of one block, as in ../resnet8.lua."""
from common import Task, np, path, torch, train
from resnet import ResNet

PICTURES, HELD_OUT, RECORD = 2000, 500, 3073


records = torch.from_numpy(np.fromfile(path("pictures.u8"), np.uint8).reshape(PICTURES, RECORD))
x = records[:, 1:].float().reshape(PICTURES, 3, 32, 32) / 255 - 0.5
y = records[:, 0].long()
train(Task(model=lambda: ResNet(1), optimizer=lambda p, **form: torch.optim.SGD(p, lr=0.002, momentum=0.9, **form), batch=32, warm_up=4,
           data=(x, y, x[:HELD_OUT], y[:HELD_OUT]), images=True))
