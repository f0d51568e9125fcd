-- Learning-rate schedules, clipping of gradients, averages of weights.
return {
  title = "Schedules, clipping, averages",
  {
    title = "Learning-rate schedules",
    text = [[
`luron.schedule.NAME(opt, options)` sets the rates of all groups at once, and again at every `step`, which stands behind `opt:step()`, once an
epoch or once a batch. Names, options, defaults and numbers are PyTorch's, and Keras's where a name ends in Decay. Each rate follows from the base rate of
its group and the number of steps. The base is the rate that the optimiser was made with, or what was set since by `opt:set` or `opt.groups[i].lr`.

```lua
local luron = require "luron"

local model = luron.nn.Linear(2, 1)
local opt = luron.optim.SGD(model, { lr = 0.5 })
local lr = luron.schedule.StepLR(opt, { step_size = 2, gamma = 0.1 })
for epoch = 1, 4 do
  -- ... opt:step() for every batch ...
  lr:step()
end
print(lr)
```

```text
StepLR, 4 steps, rates 0.005
```

A checkpoint keeps it with the optimiser: `model:save(path, { optim = opt, training = { schedule = lr:state() } })`; later
`lr:restore(checkpoint.training.schedule)`. `luron.fit(model, ds, { optim = opt, schedule = lr })` steps it after every epoch, or after every batch those
whose options count batches: OneCycleLR, CyclicLR, NoamLR, WarmupLR, the decays of Keras, and what is made of them. The option
`every = "step"` or `"epoch"`, which all have, says otherwise.

Two schedules that are stepped by themselves on one optimiser do not multiply, as PyTorch's would: each sets what follows from the base, and the last
one counts. `ChainedScheduler` multiplies them, `WarmupLR` and `SequentialLR` put one behind the other.]],
    is = { { "luron.schedule.ConstantLR(luron.optim.SGD(nn.Linear(2, 1), { lr = 0.5 }), { factor = 0.5 }):rates()", "{ 0.25 }" } },
    raises = { { "luron.schedule.StepLR(luron.optim.SGD(nn.Linear(2, 1)), { step = 2 })", "no option 'step'; options: every, gamma, step_size" } },
    { "schedule.StepLR(opt: Optimizer, options: { step_size: integer, gamma: number? }): Schedule", "Times gamma (0.1) every step_size steps." },
    { "schedule.MultiStepLR(opt: Optimizer, options: { milestones: integer[], gamma: number? }): Schedule", "Times gamma (0.1) at each milestone." },
    { "schedule.ExponentialLR(opt: Optimizer, options: { gamma: number }): Schedule", "Times gamma at every step." },
    { "schedule.ConstantLR(opt: Optimizer, options?: { factor: number?, total_iters: integer? }): Schedule", "Times factor (1/3) for total_iters (5) steps, then the base." },
    { "schedule.LinearLR(opt: Optimizer, options?: { start_factor: number?, end_factor: number?, total_iters: integer? }): Schedule",
      "On a line from start_factor (1/3) to end_factor (1) times the base within total_iters (5) steps; then as it ended." },
    { "schedule.PolynomialLR(opt: Optimizer, options?: { total_iters: integer?, power: number? }): Schedule", "(1 - t / total_iters) to the power (1) times the base, 0 from total_iters (5) on." },
    { "schedule.CosineAnnealingLR(opt: Optimizer, options: { T_max: integer, eta_min: number? }): Schedule", "Half a cosine down to eta_min (0) at T_max, and up again behind it." },
    { "schedule.CosineAnnealingWarmRestarts(opt: Optimizer, options: { T_0: integer, T_mult: integer?, eta_min: number? }): Schedule",
      "Half a cosine down to eta_min (0) in T_0 steps, then again from the top, each time T_mult (1) times as long." },
    { "schedule.LambdaLR(opt: Optimizer, fn: function|function[]): Schedule", "The base times fn(t), t the number of steps; or a function for each group. The function is not saved.",
      is = { "luron.schedule.LambdaLR(luron.optim.SGD(nn.Linear(2, 1), { lr = 0.5 }), function(t) return 1 / (2 + t) end):rates()", "{ 0.25 }" } },
    { "schedule.MultiplicativeLR(opt: Optimizer, fn: function|function[]): Schedule", "Times fn(t) at step t, over what it was; or a function for each group. The function is not saved." },
    { "schedule.CyclicLR(opt: Optimizer, options: CyclicOptions): Schedule",
      "From base_lr up to max_lr in step_size_up (2000) steps and down in step_size_down (as many), again and again. mode `\"triangular\"`; `\"triangular2\"`, each cycle half as high; or `\"exp_range\"`, gamma (1) to the power of the step as high; or scale_fn, a function of the cycle, or of the step with scale_mode `\"iterations\"`. With cycle_momentum (true) momentum, or beta1, goes from max_momentum (0.9) down to base_momentum (0.8) and back." },
    { "schedule.NoamLR(opt: Optimizer, options?: { warmup_steps: integer?, model_size: number? }): Schedule",
      "The base times model_size (1) to the power -1/2, times the smaller of t ^ -0.5 and t warmup_steps (4000) ^ -1.5, where t is 1 at first: up on a line, then down as the inverse square root." },
    { "schedule.ExponentialDecay(opt: Optimizer, options: { decay_steps: number, decay_rate: number, staircase: boolean? }): Schedule", "The base times decay_rate to the power t / decay_steps, whole numbers alone with staircase." },
    { "schedule.InverseTimeDecay(opt: Optimizer, options: { decay_steps: number, decay_rate: number, staircase: boolean? }): Schedule", "The base over 1 + decay_rate t / decay_steps." },
    { "schedule.PolynomialDecay(opt: Optimizer, options: { decay_steps: number, end_learning_rate: number?, power: number?, cycle: boolean? }): Schedule",
      "From the base to end_learning_rate (1e-4) by (1 - t / decay_steps) to the power (1). With cycle decay_steps grows to the next multiple of itself instead of ending there." },
    { "schedule.PiecewiseConstantDecay(opt: Optimizer, options: { boundaries: integer[], values: number[] }): Schedule", "The first value up to and with step boundaries[1], the next up to boundaries[2], and so on, whatever the base." },
    { "schedule.CosineDecay(opt: Optimizer, options: { decay_steps: number, alpha: number?, warmup_target: number|number[]|nil, warmup_steps: integer? }): Schedule",
      "Half a cosine from the base to alpha (0) times it in decay_steps. With warmup_target first on a line from the base to it in warmup_steps, and the cosine from there.",
      is = { { "luron.schedule.CosineDecay(luron.optim.SGD(nn.Linear(2, 1), { lr = 0 }), { decay_steps = 10, warmup_target = 1, warmup_steps = 4 }):rates()", "{ 0.0 }" } } },
    { "schedule.CosineDecayRestarts(opt: Optimizer, options: { first_decay_steps: number, t_mul: number?, m_mul: number?, alpha: number? }): Schedule",
      "Half a cosine from the base to alpha (0) times it, then again, each time t_mul (2) times as long and m_mul (1) times as high." },
    { "schedule.OneCycleLR(opt: Optimizer, options: OneCycleOptions): Schedule",
      "Options max_lr and total_steps, or epochs and steps_per_epoch. One step a batch: from max_lr / div_factor (25) up to max_lr in the share pct_start (0.3) of all steps, then down to 1 / final_div_factor (1e4) of the start; anneal_strategy `\"cos\"` or `\"linear\"`. With cycle_momentum (true) momentum, or beta1, goes from max_momentum (0.95) to base_momentum (0.85) and back. three_phase goes down as fast as up and then on to the end. A step behind the end raises." },
    { "schedule.ReduceLROnPlateau(opt: Optimizer, options?: PlateauOptions): Schedule",
      "Times factor (0.1), down to min_lr (0), when the metric that step gets was not better for more than patience (10) steps. mode `\"min\"` or `\"max\"`; better is by more than threshold (1e-4), which threshold_mode `\"rel\"` takes as a share and `\"abs\"` as it is; for cooldown (0) steps behind a change nothing counts; changes of less than eps (1e-8) are left out." },
    { "schedule.SequentialLR(opt: Optimizer, options: { schedules: Schedule[], milestones: integer[] }): Schedule", "One schedule behind the other: at each milestone the next begins, as if new." },
    { "schedule.ChainedScheduler(opt: Optimizer, options: { schedules: Schedule[] }): Schedule", "All at once: the base times the share of it that each of them gives." },
    { "schedule.WarmupLR(opt: Optimizer, options: { steps: integer, start_factor: number?, schedule: Schedule? }): Schedule",
      "On a line from start_factor (0) times the rate with which `schedule` begins (the base unless given) to that rate in so many steps; then goes on with the schedule.",
      is = { "(function() local opt = luron.optim.SGD(nn.Linear(2, 1), { lr = 0.5 }) local lr = luron.schedule.WarmupLR(opt, { steps = 4 }) lr:step() return lr:rates() end)()", "{ 0.125 }" } },
    { "lr:step(metric?: number|Tensor)", "The next rates. ReduceLROnPlateau needs a metric; the others leave it alone." },
    { "lr:rates(): number[]", "The rates of the groups now." },
    { "lr:steps(): integer", "Steps made so far." },
    { "lr:every(): string", "When `fit` steps it: `\"step\"`, after every batch, or `\"epoch\"`." },
    { "lr:state(): table", "Where it is, in numbers, for a checkpoint." },
    { "lr:restore(state: table)", "Goes on from there and sets the rates. Options are those that it was made with." },
  },
  {
    title = "Clipping gradients",
    text = "Between `loss:backward()` and `opt:step()`. `what` is a model, layer, instance of a class, optimiser, or a list of these and of tensors; parameters without a gradient are left out, and one that is there twice counts once.",
    { "luron.clip_grad_norm(what: any, max: number, options?: { norm_type: number? }): number",
      "Scales all gradients together so that their norm is at most max, and gives the norm that they had. norm_type: 2 unless given, `math.huge` for the largest element. Gradients that are not finite stay as they are; the step names the parameter.",
      is = { "(function() local w = luron.zeros(2):requires_grad_() w:set_grad(luron.tensor { 3.0, 4.0 }) return luron.clip_grad_norm({ w }, 1) end)()", "5.0" } },
    { "luron.clip_grad_value(what: any, limit: number)", "Cuts every element of the gradients off at -limit and limit.",
      is = { "(function() local w = luron.zeros(2):requires_grad_() w:set_grad(luron.tensor { 3.0, -4.0 }) luron.clip_grad_value(w, 2) return w:grad() end)()", "{ 2.0, -2.0 }" } },
  },
  {
    title = "Averages of weights",
    text = "An average over the steps of a training often predicts better than the last step. Parameters are averaged; other state is the model's own.",
    { "luron.EMA(model: Model|Module|Layer, decay?: number): Average", "An average that keeps the share decay (0.999) at each update and takes the rest from the model; the first update takes the model as it is." },
    { "luron.SWA(model: Model|Module|Layer): Average", "The mean over all updates, for once an epoch near the end." },
    { "ema:update()", "Takes in the weights of now: after `opt:step()`." },
    { "ema:apply()", "Puts the averages into the model, to evaluate or save it, and keeps its weights. Until `restore` a step of an optimiser over the same parameters raises: it would be lost." },
    { "ema:restore()", "Puts the weights back, to go on training." },
    { "ema:updates(): integer", "How often `update` was called." },
    { "ema:state(): { updates: integer, tensors: table<string, Tensor> }", "Copies of the averages by name. A file keeps them with `model:save(path, { ema = ema })`." },
    { "ema:load(state: table|Checkpoint)", "Goes on from a state, or from a checkpoint saved with the option `ema`; all or nothing." },
  },
  {
    title = "Pruning",
    text = [[
Numbers of parameters that are set to 0 and stay so, by Lua patterns of parameter names. What is chosen is what `torch.nn.utils.prune` chooses,
among what is left, with what is pruned counted as 0; of equal ones the first go. An amount is a number of them (an integer) or a share
(`0.3`, `1.0`). Gradients of what is pruned are 0; call `apply` after every step, for momentum and the like may move it.

```lua
local luron = require "luron"
local nn = luron.nn
luron.seed(1)

local model = nn.Sequential { nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1) }
local x = luron.randn(64, 8)
local opt = luron.optim.AdamW(model)
local pruned = luron.prune(model):l1_unstructured("weight$", 0.5)
for _ = 1, 3 do
  local loss = nn.mse_loss(model(x), x:sum(2, true))
  opt:zero_grad()
  loss:backward()
  opt:step()
  pruned:apply()
end
print(pruned)
```

```text
pruning of 2 parameters: 72 of 144 numbers are 0
```

`fit` takes it as `prune`, and `model:save(path, { prune = pruned })` keeps the masks: `luron.prune(model):load(checkpoint)`. After `remove`,
or in a file saved without them, the zeros are plain zeros.]],
    { "luron.prune(model: Model|Module|Layer): Pruning", "A pruning of nothing so far.",
      raises = { { "luron.prune(nn.Linear(2, 1)):l1_unstructured('gain', 0.5)", 'no parameter matches "gain"; there are weight, bias' } } },
    { "pruned:l1_unstructured(pattern: string, amount: number, scores?: function): Pruning", "In each parameter the numbers of least size, or of least `scores(parameter, name)`.",
      is = { { "(function() local l = nn.Linear(2, 1) l.weight:detach():copy_(luron.tensor { { 1.0, -3.0 } }) luron.prune(l):l1_unstructured('weight', 1) return l.weight end)()", "{ { 0.0, -3.0 } }" } } },
    { "pruned:random_unstructured(pattern: string, amount: number): Pruning", "Any numbers." },
    { "pruned:ln_structured(pattern: string, amount: number, n: number, dim?: integer, scores?: function): Pruning", "The channels along dim (the last) of least n-norm, `math.huge` for the largest size. Rows of a weight, dim 1, are its units." },
    { "pruned:random_structured(pattern: string, amount: number, dim?: integer): Pruning", "Any channels along dim (the last)." },
    { "pruned:global_unstructured(pattern: string, amount: number, method?: string, scores?: function): Pruning", "As l1_unstructured (method `\"l1\"`) or random_unstructured (`\"random\"`), over all numbers of all parameters together." },
    { "pruned:custom_from_mask(pattern: string, mask: Tensor): Pruning", "Prunes where a tensor of the parameter's shape is 0 or false." },
    { "pruned:apply(): Pruning", "Sets what is pruned to 0: after `opt:step()`." },
    { "pruned:remove(pattern?: string): Pruning", "Forgets the masks of these parameters, or of all: the zeros may be trained again." },
    { "pruned:masks(): table<string, Tensor>", "Copies of the masks by name, true where a number is kept." },
    { "pruned:load(masks: table|Checkpoint): Pruning", "Takes masks by name, or those of a checkpoint saved with the option `prune`, in place of its own; all or nothing." },
  },
}
