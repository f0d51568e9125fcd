#!/usr/bin/env python3
"""PyTorch's and Keras's learning rates for tests/lua/schedule_spec.lua: after construction and after each of 60 steps, in two
groups; and PyTorch's averages of weights and norms of gradients. NoamLR is the formula of Vaswani et al. (2017).

    python3 tests/data/make_schedule.py      # needs PyTorch 2 and Keras 3; writes schedule_values.lua beside it
"""
import math
import os
import pathlib
import warnings

os.environ["KERAS_BACKEND"] = "torch"
import keras
import keras.optimizers.schedules as k
import torch
from torch.optim import lr_scheduler as s
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

warnings.simplefilter("ignore")
keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)
STEPS, RATES = 60, (0.5, 0.125)
LAMBDAS = (lambda t: 1 / (1 + 0.25 * t), lambda t: 0.95**t)


def metric(t):
    """What the spec computes too: falls, stays, falls, with a wave on it."""
    return 2.0 + max(0, 12 - t) + (0.5 if t < 35 else 0.0) + 0.0625 * ((t * 7) % 5)


def warm(opt, after, steps, factor):
    return s.SequentialLR(opt, [s.LinearLR(opt, factor, 1.0, steps), after(opt)], [steps])


CASES = [
    ("StepLR", "{ step_size = 7 }", lambda o: s.StepLR(o, 7)),
    ("StepLR", "{ step_size = 20, gamma = 0.5 }", lambda o: s.StepLR(o, 20, 0.5)),
    ("MultiStepLR", "{ milestones = { 8, 20, 20, 41 }, gamma = 0.5 }", lambda o: s.MultiStepLR(o, [8, 20, 20, 41], 0.5)),
    ("ExponentialLR", "{ gamma = 0.9375 }", lambda o: s.ExponentialLR(o, 0.9375)),
    ("ConstantLR", "{}", lambda o: s.ConstantLR(o)),
    ("ConstantLR", "{ factor = 0.25, total_iters = 30 }", lambda o: s.ConstantLR(o, 0.25, 30)),
    ("LinearLR", "{}", lambda o: s.LinearLR(o)),
    ("LinearLR", "{ start_factor = 1.0, end_factor = 0.125, total_iters = 40 }", lambda o: s.LinearLR(o, 1.0, 0.125, 40)),
    ("PolynomialLR", "{}", lambda o: s.PolynomialLR(o)),
    ("PolynomialLR", "{ total_iters = 50, power = 2.5 }", lambda o: s.PolynomialLR(o, 50, 2.5)),
    ("CosineAnnealingLR", "{ T_max = 60 }", lambda o: s.CosineAnnealingLR(o, 60)),
    ("CosineAnnealingLR", "{ T_max = 25, eta_min = 0.0625 }", lambda o: s.CosineAnnealingLR(o, 25, 0.0625)),
    ("CosineAnnealingWarmRestarts", "{ T_0 = 11 }", lambda o: s.CosineAnnealingWarmRestarts(o, 11)),
    ("CosineAnnealingWarmRestarts", "{ T_0 = 5, T_mult = 2, eta_min = 0.03125 }", lambda o: s.CosineAnnealingWarmRestarts(o, 5, 2, 0.03125)),
    ("LambdaLR", "lambdas", lambda o: s.LambdaLR(o, LAMBDAS)),
    ("LambdaLR", "lambdas[1]", lambda o: s.LambdaLR(o, LAMBDAS[0])),
    ("OneCycleLR", "{ max_lr = 2.0, total_steps = 61 }", lambda o: s.OneCycleLR(o, 2.0, 61)),
    ("OneCycleLR", "{ max_lr = { 2.0, 0.5 }, epochs = 7, steps_per_epoch = 9, pct_start = 0.25, anneal_strategy = 'linear', div_factor = 10, final_div_factor = 100 }",
     lambda o: s.OneCycleLR(o, [2.0, 0.5], None, 7, 9, 0.25, "linear", div_factor=10, final_div_factor=100)),
    ("OneCycleLR", "{ max_lr = 2.0, total_steps = 64, three_phase = true, base_momentum = 0.5, max_momentum = 0.75 }",
     lambda o: s.OneCycleLR(o, 2.0, 64, three_phase=True, base_momentum=0.5, max_momentum=0.75)),
    ("OneCycleLR", "{ max_lr = 2.0, total_steps = 61, cycle_momentum = false }", lambda o: s.OneCycleLR(o, 2.0, 61, cycle_momentum=False)),
    ("ReduceLROnPlateau", "{ patience = 3, factor = 0.5 }", lambda o: s.ReduceLROnPlateau(o, patience=3, factor=0.5)),
    ("ReduceLROnPlateau", "{ patience = 2, cooldown = 4, factor = 0.25, threshold = 0.25, threshold_mode = 'abs', min_lr = { 0.0625, 0.001 } }",
     lambda o: s.ReduceLROnPlateau(o, patience=2, cooldown=4, factor=0.25, threshold=0.25, threshold_mode="abs", min_lr=[0.0625, 0.001])),
    ("ReduceLROnPlateau", "{ patience = 1, mode = 'max', eps = 0.001 }", lambda o: s.ReduceLROnPlateau(o, mode="max", patience=1, eps=0.001)),
    ("SequentialLR", "function(S, opt) return { milestones = { 10, 30 }, schedules = { S.ConstantLR(opt, { factor = 0.5, total_iters = 4 }), "
     "S.ExponentialLR(opt, { gamma = 0.875 }), S.CosineAnnealingLR(opt, { T_max = 20 }) } } end",
     lambda o: s.SequentialLR(o, [s.ConstantLR(o, 0.5, 4), s.ExponentialLR(o, 0.875), s.CosineAnnealingLR(o, 20)], [10, 30])),
    ("WarmupLR", "function(S, opt) return { steps = 8, start_factor = 0.125, schedule = S.CosineAnnealingLR(opt, { T_max = 52 }) } end",
     lambda o: warm(o, lambda o: s.CosineAnnealingLR(o, 52), 8, 0.125)),
    ("WarmupLR", "{ steps = 12, start_factor = 0.25 }", lambda o: s.LinearLR(o, 0.25, 1.0, 12)),
    ("MultiplicativeLR", "lambdas", lambda o: s.MultiplicativeLR(o, LAMBDAS)),
    ("CyclicLR", "{ base_lr = 0.125, max_lr = 1.0, step_size_up = 7 }", lambda o: s.CyclicLR(o, 0.125, 1.0, 7)),
    ("CyclicLR", "{ base_lr = { 0.125, 0.25 }, max_lr = { 1.0, 0.75 }, step_size_up = 5, step_size_down = 11, mode = 'triangular2', base_momentum = 0.5, max_momentum = 0.75 }",
     lambda o: s.CyclicLR(o, [0.125, 0.25], [1.0, 0.75], 5, 11, "triangular2", base_momentum=0.5, max_momentum=0.75)),
    ("CyclicLR", "{ base_lr = 0.125, max_lr = 1.0, step_size_up = 6, mode = 'exp_range', gamma = 0.96875, cycle_momentum = false }",
     lambda o: s.CyclicLR(o, 0.125, 1.0, 6, mode="exp_range", gamma=0.96875, cycle_momentum=False)),
    ("CyclicLR", "{ base_lr = 0.125, max_lr = 1.0, step_size_up = 6, scale_fn = function(x) return 1 / (1 + x) end, scale_mode = 'iterations' }",
     lambda o: s.CyclicLR(o, 0.125, 1.0, 6, scale_fn=lambda x: 1 / (1 + x), scale_mode="iterations")),
    ("ChainedScheduler", "function(S, opt) return { schedules = { S.ConstantLR(opt, { factor = 0.5, total_iters = 4 }), S.ExponentialLR(opt, { gamma = 0.875 }) } } end",
     lambda o: s.ChainedScheduler([s.ConstantLR(o, 0.5, 4), s.ExponentialLR(o, 0.875)])),
    ("ChainedScheduler", "function(S, opt) return { schedules = { S.LinearLR(opt), S.StepLR(opt, { step_size = 9, gamma = 0.5 }), S.CosineAnnealingLR(opt, { T_max = 64 }) } } end",
     lambda o: s.ChainedScheduler([s.LinearLR(o), s.StepLR(o, 9, 0.5), s.CosineAnnealingLR(o, 64)])),
    ("NoamLR", "{ warmup_steps = 16, model_size = 64 }", lambda o: s.LambdaLR(o, lambda t: 64**-0.5 * min((t + 1) ** -0.5, (t + 1) * 16**-1.5))),
    ("ExponentialDecay", "{ decay_steps = 10, decay_rate = 0.5 }", lambda r: k.ExponentialDecay(r, 10, 0.5)),
    ("ExponentialDecay", "{ decay_steps = 7, decay_rate = 0.75, staircase = true }", lambda r: k.ExponentialDecay(r, 7, 0.75, True)),
    ("InverseTimeDecay", "{ decay_steps = 10, decay_rate = 0.5 }", lambda r: k.InverseTimeDecay(r, 10, 0.5)),
    ("InverseTimeDecay", "{ decay_steps = 7, decay_rate = 0.75, staircase = true }", lambda r: k.InverseTimeDecay(r, 7, 0.75, True)),
    ("PolynomialDecay", "{ decay_steps = 40, power = 2 }", lambda r: k.PolynomialDecay(r, 40, power=2.0)),
    ("PolynomialDecay", "{ decay_steps = 13, end_learning_rate = 0.0625, cycle = true }", lambda r: k.PolynomialDecay(r, 13, 0.0625, cycle=True)),
    ("PiecewiseConstantDecay", "{ boundaries = { 10, 30 }, values = { 1, 0.5, 0.125 } }", lambda r: k.PiecewiseConstantDecay([10, 30], [1.0, 0.5, 0.125])),
    ("CosineDecay", "{ decay_steps = 40, alpha = 0.125 }", lambda r: k.CosineDecay(r, 40, 0.125)),
    ("CosineDecay", "{ decay_steps = 40, warmup_target = 2, warmup_steps = 8 }", lambda r: k.CosineDecay(r, 40, warmup_target=2.0, warmup_steps=8)),
    ("CosineDecayRestarts", "{ first_decay_steps = 7, m_mul = 0.75, alpha = 0.0625 }", lambda r: k.CosineDecayRestarts(r, 7, m_mul=0.75, alpha=0.0625)),
    ("CosineDecayRestarts", "{ first_decay_steps = 11, t_mul = 1 }", lambda r: k.CosineDecayRestarts(r, 11, t_mul=1.0)),
]
KERAS = {name for name, _, _ in CASES if hasattr(k, name)}


def numbers(values):
    return "{ " + ", ".join(repr(float(v)) for v in values) + " }"


def rates(name, make):
    if name in KERAS:
        return [[float(make(r)(t)) for t in range(STEPS + 1)] for r in RATES] + [[0.5] * (STEPS + 1)]
    params = [torch.zeros(1, requires_grad=True) for _ in RATES]
    opt = torch.optim.SGD([{"params": [p], "lr": r} for p, r in zip(params, RATES)], lr=1.0, momentum=0.5)
    schedule = make(opt)
    rows = [[] for _ in RATES] + [[]]
    for t in range(STEPS + 1):
        if t > 0:
            opt.step()
            schedule.step(*([metric(t)] if isinstance(schedule, s.ReduceLROnPlateau) else []))
        for row, group in zip(rows, opt.param_groups):
            row.append(group["lr"])
        rows[-1].append(opt.param_groups[0]["momentum"])
    return rows


def average(fn):
    model = torch.nn.Linear(3, 1, bias=False).double()
    averaged, seen = AveragedModel(model, multi_avg_fn=fn), []
    for t in range(1, 11):
        model.weight.data = weights(t)
        averaged.update_parameters(model)
        seen.append(numbers(averaged.module.weight.flatten().tolist()))
    return "{ " + ", ".join(seen) + " }"


def weights(t):
    return torch.tensor([[t * t % 7 - 2.5, 0.25 * t, 1.0 / t]], dtype=torch.float64)


def clipped(limit, p):
    params = [torch.zeros(3, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)]
    params[0].grad, params[1].grad = torch.tensor([3.0, -4.0, 0.5], dtype=torch.float64), torch.tensor([12.0, 0.0], dtype=torch.float64)
    norm = torch.nn.utils.clip_grad_norm_(params, limit, p)
    return f"{{ {limit!r}, {'math.huge' if math.isinf(p) else repr(p)}, {float(norm)!r}, {numbers(params[0].grad)}, {numbers(params[1].grad)} }},"


def main():
    out = [f"-- Made by make_schedule.py with PyTorch {torch.__version__.split('+')[0]} and Keras {keras.__version__}; do not edit. A case: type, options, rates of two groups from step 0",
           "-- on, momentum of the first.", "-- luacheck: no max line length", "local lambdas = { function(t) return 1 / (1 + 0.25 * t) end, function(t) return 0.95 ^ t end }",
           "return {", "  rates = {"]
    out += [f'    {{ "{name}", {options}, ' + ", ".join(numbers(row) for row in rates(name, make)) + " }," for name, options, make in CASES]
    out += ["  },", f"  ema = {average(get_ema_multi_avg_fn(0.875))},", f"  swa = {average(None)},", "  norms = {"]
    out += ["    " + clipped(limit, p) for limit, p in ((1.0, 2.0), (5.0, 2.0), (20.0, 2.0), (2.0, 1.0), (2.0, math.inf), (2.0, 3.0))]
    out += ["  },", "}"]
    path = pathlib.Path(__file__).parent / "schedule_values.lua"
    path.write_text("\n".join(out) + "\n")
    print(path.name, len(CASES), "schedules", path.stat().st_size, "bytes")


main()
