#!/usr/bin/env python3
"""Write embedding_reference.h: Embedding of PyTorch with its gradient, in float64.

Usage: make_embedding.py > embedding_reference.h   (needs torch; the tests need only the header)
"""
import torch

torch.manual_seed(51)
ids = torch.tensor([[0, 3, 1], [3, 3, 4]])
table, v = (torch.randint(-16, 17, shape).double().div(8) for shape in ((5, 3), (2, 3, 3)))
y = torch.nn.functional.embedding(ids, table.requires_grad_(), padding_idx=1)
print("/* Made by make_embedding.py with PyTorch %s. ids (2, 3) from 0, weight (5, 3), padding_idx 1. */" % torch.__version__.split("+")[0])
print("static const double embedding_ids[] = { %s };" % ", ".join(str(i) for i in ids.reshape(-1).tolist()))
for name, t in (("weight", table), ("y", y), ("v", v), ("grad", torch.autograd.grad(y, table, v)[0])):
    print("static const double embedding_%s[] = { %s };" % (name, ", ".join("%.17g" % a for a in t.detach().reshape(-1).tolist())))
