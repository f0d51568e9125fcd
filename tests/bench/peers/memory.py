"""Peak memory of training ResNet-20 (../memory.lua)."""
import resource

from common import F, given, load_weights, np, path, serve, torch
from resnet import ResNet

name = "eager, channels_last" if given.channels_last else "eager"
net = ResNet(3)
load_weights(net.parameters())
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
x = torch.from_numpy(np.fromfile(path("x.f32"), np.float32).reshape(-1, 3, 32, 32))
y = torch.from_numpy(np.fromfile(path("y.i64"), np.int64))
if given.channels_last:
    net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


before, reached = peak(), []


def round_of():
    for _ in range(given.steps):
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    reached.append(loss.item())
    return {name: {"peak": peak() - before}}


serve(round_of, lambda: {name: {"loss": reached[0]}})
