#!/usr/bin/env python3
"""Write ctc_reference.h: CTC losses of PyTorch in float64, with the gradients of log_probs. PyTorch's have exp(log_probs) added, times
what the loss of a sequence counts, which log_softmax takes away; here it is taken away.

Usage: make_ctc.py > ctc_reference.h   (needs torch; the test needs only the header)
"""
import torch
import torch.nn.functional as F

gen = torch.Generator().manual_seed(23)


def values(t, real=True):
    numbers = t.detach().reshape(-1).tolist()
    text = ", ".join(("%.17g" % v if abs(v) < float("inf") else "INFINITY") if real else str(v) for v in numbers)
    return "(const %s[]) { %s }" % ("double" if real else "int64_t", text or "0")


def case(n, t, classes, targets, lengths=None, times=None, blank=0, reduction="mean", zero=False, first=True, gradients=True):
    """targets: rows, or one list behind the other with lengths; n 0: no batch."""
    batch = max(n, 1)
    z = (torch.rand(batch, t, classes, generator=gen, dtype=torch.float64) * 6 - 3).mul(16).round().div(16)
    logp = z.log_softmax(2).float().double().requires_grad_()
    ids = torch.tensor(targets)
    row = ids.shape[-1] if ids.dim() == 2 or n == 0 else 0
    target_lengths = torch.tensor(lengths if lengths else [row] * batch)
    input_lengths = torch.tensor(times or [t] * batch)
    each = F.ctc_loss(logp.transpose(0, 1), ids.reshape(1, -1) if n == 0 else ids, input_lengths, target_lengths, blank, "none", zero)
    weight = 1 / (batch * target_lengths.clamp_min(1)).double() if reduction == "mean" else torch.ones(batch, dtype=torch.float64)
    cotangent = (torch.rand(batch, generator=gen, dtype=torch.float64) * 2 - 1) if reduction == "none" else torch.full((batch,), 1.25, dtype=torch.float64)
    out = each if reduction == "none" else (each * weight).sum().reshape(1)
    if reduction != "none":
        theirs = F.ctc_loss(logp.transpose(0, 1), ids.reshape(1, -1) if n == 0 else ids, input_lengths, target_lengths, blank, reduction, zero)
        assert torch.allclose(theirs, out) or torch.isinf(out).all()
    g = torch.zeros_like(logp)
    if gradients:
        count = weight * cotangent
        g = torch.autograd.grad((each * count).sum(), logp)[0].clone()
        for i in range(batch):
            if each[i] > 0:  # not taken for 0 because it is infinite
                g[i, : input_lengths[i]] -= count[i].detach() * logp[i, : input_lengths[i]].detach().exp()
    arrange = (lambda x: x) if first or n == 0 else (lambda x: x.transpose(0, 1).contiguous())
    options = {"blank": blank, "reduction": '\\"%s\\"' % reduction, "zero_infinity": str(zero).lower(), "batch_first": str(first).lower()}
    print('    { "{%s}", %d, %d, %d, %d, %d,' % (", ".join('\\"%s\\": %s' % kv for kv in options.items()), n, t, classes, row, ids.numel()))
    print("      %s, %s, %s, %s," % (values(arrange(logp)), values(ids, False), values(input_lengths, False) if times else "NULL",
                                     values(target_lengths, False) if lengths else "NULL"))
    print("      %s, %s, %s }," % (values(out), values(cotangent), values(arrange(g)) if gradients else "NULL"))


print("/* Made by make_ctc.py with PyTorch %s; do not edit. */" % torch.__version__.split("+")[0])
print("static const ctc_case ctc_cases[] = {")
two = [[1, 2, 2], [3, 1, 3]]
for reduction in ("mean", "sum", "none"):
    case(2, 6, 4, two, reduction=reduction)
case(2, 6, 4, two, lengths=[3, 1], times=[5, 6])
case(2, 6, 4, two, lengths=[2, 0], times=[6, 3], first=False, reduction="none")
case(3, 5, 3, [1, 1, 2, 2], lengths=[2, 0, 2], times=[5, 4, 3])
case(2, 7, 4, [[0, 1, 0], [2, 2, 2]], blank=3, reduction="sum")
case(0, 5, 3, [1, 2])
case(1, 12, 5, [[1, 2, 3, 4, 4, 1]], reduction="none")
case(2, 2, 4, two, lengths=[3, 1], zero=True)
case(2, 3, 4, two, lengths=[0, 1], times=[0, 0], zero=True, reduction="none")
print("};")
