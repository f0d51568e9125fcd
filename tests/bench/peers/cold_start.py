"""Workload (g): what predict.lua does.  cold_start.py predict FILE | save FILE WEIGHTS"""
import sys

import torch

model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
if sys.argv[1] == "save":
    import numpy as np
    flat, at = torch.from_numpy(np.fromfile(sys.argv[3], np.float32)), 0
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(flat[at:at + p.numel()].reshape(p.shape))
            at += p.numel()
    torch.save(model.state_dict(), sys.argv[2])
else:
    model.load_state_dict(torch.load(sys.argv[2]))
    model.eval()
    with torch.no_grad():
        print("%.4f" % model(torch.ones(1, 784)).max().item())
