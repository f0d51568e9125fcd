#!/usr/bin/env python3
"""Write adaptive_reference.h: AdaptiveLogSoftmaxWithLoss of PyTorch with its gradients, and its log_prob, in float64.

The lists are struct layer_values of tests/plugins/layer_values.h.
Usage: make_adaptive.py > adaptive_reference.h   (needs torch; the tests need only the header)
"""
import torch
from layer_values import draw, emit, leaf

torch.manual_seed(71)
torch.set_default_dtype(torch.float64)


def adaptive(shape, n_classes, cutoffs, target=None, **options):
    net = torch.nn.AdaptiveLogSoftmaxWithLoss(shape[-1], n_classes, cutoffs, **options)
    for p in net.parameters():
        p.data = draw(*p.shape) / 2
    x = leaf(draw(*shape))
    target = None if target is None else torch.tensor(target)
    outs = [net.log_prob(x), x.new_zeros(0).requires_grad_()] if target is None else list(net(x, target))
    emit("AdaptiveLogSoftmaxWithLoss", dict(in_features=shape[-1], n_classes=n_classes, cutoffs=cutoffs, **options),
         [x, target], list(net.parameters()), outs)


print("/* Made by make_adaptive.py with PyTorch %s. */" % torch.__version__.split("+")[0])
print("static const layer_values adaptive_cases[] = {")
adaptive((5, 6), 9, [2, 5], [0, 8, 3, 1, 4], div_value=2.0)
adaptive((4, 4), 7, [3], [6, 6, 0, 2], head_bias=True)
adaptive((4,), 5, [1, 2, 3], 2, div_value=1.5, head_bias=True)
adaptive((3, 4), 6, [2, 4], div_value=2.0)
print("};")
