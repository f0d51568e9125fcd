-- Optimisers, data, and training in one call.
return {
  title = "Training",
  {
    title = "Optimisers",
    text = [[
`luron.optim.AdamW(what, options)`: `what` is a layer, model, instance of a class, tensor, list of these, or a list of groups
`{ params = ..., lr = ... }` whose options override the common ones. `opt.groups[i].lr` reads and sets an option of a group between steps;
`opt.groups[i].params` and `.names` are its parameters; those without a name are numbered, from 1. `tostring(opt)` shows all. The types are listed at the end.

The option `groups` makes groups of a model by Lua patterns of parameter names, in the order in which they are written; the first that fits
counts, and what is left is the last group. A pattern that fits nothing raises and lists the names.

```lua
local luron = require "luron"
local nn = luron.nn

local model = nn.Sequential { { "encoder", nn.Linear(4, 8) }, nn.ReLU(), { "head", nn.Linear(8, 2) } }
local opt = luron.optim.AdamW(model, { lr = 1e-3, groups = { { match = "bias$", weight_decay = 0 }, { match = "^encoder", lr = 1e-4 } } })
for i, group in ipairs(opt.groups) do print(i, group.lr, group.weight_decay, table.concat(group.names, " ")) end
```

```text
1	0.001	0.0	encoder/bias head/bias
2	0.0001	0.01	encoder/weight
3	0.001	0.01	head/weight
```

Gradients add up until `zero_grad`: call it once for several batches, with each loss divided by their number, and the step is that of one large batch
(in `fit`: `accumulate`). `Muon` takes matrices alone: give biases and norms to another optimiser, and call both. `Adafactor` keeps
a row and a column of numbers for a matrix where Adam keeps two matrices; `LARS` is for large batches; `FTRL` for wide linear models with sparse weights.]],
    is = { { "luron.optim.SGD(nn.Linear(2, 1), { lr = 0.5 }).groups[1].lr", "0.5" } },
    raises = { { "luron.optim.AdamW(nn.Linear(2, 1), { betas = { 0.9, 0.95 } })", "no option 'betas': give beta1 and beta2" } },
    { "opt:step(closure?: function): any", "One step with the gradients that are there. A gradient that is not finite raises, and nothing has changed. With a closure, a function that drops the gradients, makes the loss, calls `backward` and returns the loss, it is called first, and step gives the loss. LBFGS, below, needs one.",
      is = { "(function() local w = luron.ones(1):requires_grad_() local opt = luron.optim.SGD({ w }, { lr = 1 }) return opt:step(function() local loss = (w * 3):sum() loss:backward() return loss end):item(), w:item() end)()", "3.0, -2.0" },
      raises = { "luron.optim.SGD(nn.Linear(2, 1)):step(luron.ones(1))", "closure: function expected, got a tensor: loss:backward() comes first, then opt:step()" } },
    { "opt:zero_grad()", "Drops the gradients of all parameters." },
    { "opt:add_group(group: table)", "Another group: `opt:add_group { params = layer, lr = 1e-4 }`. Make schedules afterwards." },
    { "opt:set(options: table): Optimizer", "Sets options of all groups: `opt:set { lr = 1e-4 }`." },
    { "opt:steps(): integer", "Steps made so far." },
    { "opt:type(): string", "The name of its type." },
    { "opt:state(group: integer, parameter: integer): table<string, Tensor> tensors, table<string, number> scalars", "What it keeps for a parameter, and for its group." },
    { "opt:close()", "Lets go of the optimiser." },
    { "optim.LBFGS(parameters: any, options?: LBFGSOptions): Optimizer",
      "L-BFGS, for whole batches: `opt:step(closure)`, where the closure drops the gradients, makes the loss, calls `backward` and returns the loss; step gives what its first call gave. Options: lr (1), max_iter (20) directions a step, max_eval (max_iter * 5 // 4) calls of the closure, tolerance_grad (1e-7), tolerance_change (1e-9), history_size (100), line_search_fn `\"strong_wolfe\"` or none. One group alone. Where a step fails nothing has changed; a line search comes back from where the loss is not finite. `opt:state()` gives `{ iterations, evaluations, history }`." },
    { "luron.is_optim(value: any): boolean", "Is the value an optimiser?" },
  },
  {
    title = "Penalties and constraints",
    text = [[
Functions of one parameter, by Lua patterns of parameter names. Names, defaults and numbers are Keras's, for weights that are [out, in]. A rule may
be a function of your own.

```lua
local luron = require "luron"
local nn = luron.nn
luron.seed(1)

local model = nn.Sequential { nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1) }
local x = luron.randn(64, 3)
local y = x:sum(2, true)
local opt = luron.optim.SGD(model, { lr = 0.1 })
for _ = 1, 20 do
  local loss = nn.mse_loss(model(x), y) + luron.penalty(model, { ["weight$"] = luron.regularizer.l2(1e-3) })
  opt:zero_grad()
  loss:backward()
  opt:step()
  luron.constrain(model, { ["^linear1/weight"] = luron.constraint.max_norm(1) })
end
print(model:parameters()[1]:square():sum(2):amax():item() < 1.001)
```

```text
true
```]],
    { "luron.penalty(model: Model|Module|Layer, rules: table<string, function>): Tensor", "The sum of what the rules give, a scalar to add to the loss.",
      is = { { "luron.penalty(nn.Linear(2, 1), { weight = function(w) return w:sum() * 0 + 2 end }):item()", "2.0" } },
      raises = { { "luron.penalty(nn.Linear(2, 1), { gain = luron.regularizer.l1() })", 'no parameter matches "gain"; there are weight, bias' } } },
    { "luron.activity(model: Model|Module|Layer, rules: table<string, function>, inputs...: any): Tensor penalty, any outputs...",
      "Calls the model and gives, before its outputs, the sum of what the rules say to the outputs of its layers, found by patterns of their paths (`model:named_layers()`), each time that they are called: `local penalty, y = luron.activity(model, { [\"^relu\"] = luron.regularizer.l1(1e-4) }, x)`. Keras's `activity_regularizer`.",
      is = { { "luron.activity(nn.Sequential { nn.ReLU() }, { relu = luron.regularizer.l1(1) }, luron.tensor { -1.0, 2.0 }):item()", "2.0" } },
      raises = { { "luron.activity(nn.Sequential { nn.ReLU() }, { tanh = luron.regularizer.l1() }, luron.ones(2))", 'no layer matches "tanh"; there are relu1' } } },
    { "regularizer.l1(factor?: number): function", "factor (0.01) times the sum of |w|.", is = { { "luron.regularizer.l1(0.5)(luron.tensor { 1, -3 }):item()", "2.0" } } },
    { "regularizer.l2(factor?: number): function", "factor (0.01) times the sum of w^2." },
    { "regularizer.l1_l2(l1?: number, l2?: number): function", "l1 (0) times the sum of |w| and l2 (0) times that of w^2." },
    { "regularizer.orthogonal(factor?: number, mode?: string): function", "factor (0.01) times the mean |cosine| between the columns of a matrix, or with mode `\"rows\"` between its rows, which are the weights into a unit. (Keras's matrices lie the other way: its default, rows, are the columns here.)" },
    { "luron.constrain(model: Model|Module|Layer, rules: table<string, function>)", "Puts what the rules give in place of the parameters; all or nothing. Numbers that are not finite raise. Call it after `opt:step()`." },
    { "constraint.max_norm(max_value?: number, dims?: integer|integer[]): function", "Norms over dims (all but the first: one for each unit) of at most max_value (2).",
      is = { { "luron.constraint.max_norm(1)(luron.tensor { { 3.0, 4.0 }, { 0.0, 0.5 } }):round()", "{ { 1.0, 1.0 }, { 0.0, 0.0 } }" } } },
    { "constraint.min_max_norm(min_value?: number, max_value?: number, rate?: number, dims?: integer|integer[]): function", "Norms between min_value (0) and max_value (1); with a rate below 1 they move that share of the way." },
    { "constraint.unit_norm(dims?: integer|integer[]): function", "Norms of 1." },
    { "constraint.non_neg(): function", "No number below 0.", is = { { "luron.constraint.non_neg()(luron.tensor { -1.0, 2.0 })", "{ 0.0, 2.0 }" } } },
  },
  {
    title = "Datasets",
    text = [[
A dataset is one or more tensors whose first dim counts the examples. `#ds` is their number, `ds[i]` the list of tensors of example i (nil just past the end, where `ipairs` stops; other positions raise), `ds.classes` the
list of class names where there is one, `ds.name` its name. `ds.tensors` holds the tensors as they are kept, pictures as bytes; `ds:batch` and loaders give them scaled and mapped.]],
    { "data.tensors(tensors...: Tensor, options?: { classes: string[]?, name: string? }): Dataset", "A dataset of tensors.", is = { "#luron.data.tensors(luron.zeros(5, 2), luron.ones(5))", "5" } },
    { "data.mnist(dir: string): Dataset? train, Dataset|string test, string? code", "MNIST from its four IDX files in a folder, gzip or not: images (n, 1, 28, 28) in [0, 1], digits 0 to 9 as ids 1 to 10. nil, message, code on failure." },
    { "data.fashion_mnist(dir?: string): Dataset? train, Dataset|string test, string? code", "Fashion-MNIST likewise; without a folder from $LURON_DATA/fashion-mnist or where Debian's package dataset-fashion-mnist puts it." },
    { "data.cifar10(dir: string, options?: { test: string? }): Dataset? train, Dataset|string test, string? code", "CIFAR-10 from its binary files, gzip or not: images (n, 3, 32, 32) in [0, 1]. The training set is made of data_batch_1.bin and those of the other four that are there, the test set of test_batch.bin or the file that `test` names. nil, message, code on failure." },
    { "data.idx(path: string): Tensor?, string? message, string? code", "The tensor of an IDX file, gzip or not. A row of uint8 is taken for labels, which come as ids from 1." },
    { "data.csv(path: string, options?: table): table?, string? message, string? code", "A CSV file as `{ data = tensor, columns = names, target = tensor, ids = { name = tensor }, classes = { name = names } }`: numbers, text columns as ids with their classes, and the column that the option `target` names. Without a header columns are called column1, column2, ... Empty cells and NA are NaN (id -1 in a text column). Options: see the format csv at the end." },
    { "data.read(path: string, options?: table): table[]?, string? message, string? code", "The tensors of a file of any format that a plugin reads, as a list of `{ name, tensor, ids, ... }`; `{ format = \"csv\" }` names the format, which options of the format need; otherwise the first bytes decide." },
    { "ds:loader(options?: { batch: integer?, shuffle: boolean?, drop_last: boolean?, seed: integer? }): Loader", "Batches: `for x, y in ds:loader { batch = 64, shuffle = true } do`. 64 unless given, in order unless told to shuffle." },
    { "ds:batch(first: integer|Tensor, last?: integer): Tensor ...", "Examples first to last, or those that a tensor of ids names, as one tensor each." },
    { "ds:range(first: integer, last?: integer): Dataset", "The first n examples, or those from first to last; memory is shared.", is = { "#luron.data.tensors(luron.zeros(5, 2)):range(2, 4)", "3" } },
    { "ds:split(fraction: number): Dataset first, Dataset rest", "Two datasets, in order: use `ds:shuffled():split(0.8)` where order matters." },
    { "ds:shuffled(): Dataset", "The examples in random order, copied." },
    { "ds:map(fn: fun(x: Tensor): Tensor): Dataset", "fn applied to the first tensor of every batch; it gives a tensor with as many rows." },
    { "loader:examples(): integer", "Number of examples in an epoch; `#loader` is the number of batches." },
    { "loader:state(): table", "Where it is; a checkpoint keeps it (`save { loader = }`): `seed`, `epoch` (how many have begun), `position` (within a loop that of the next example in the order of the epoch, one more than there are behind the last batch; nil before a loop and when it has ended) and `examples` (how many there are).",
      is = { "(function() local l = luron.data.tensors(luron.ones(5)):loader { batch = 2, seed = 1 } for _ in l do local s = l:state() return s.epoch, s.position, s.examples end end)()", "1, 3, 5" } },
    { "loader:restore(state: table)", "Goes on from there. A state from within a loop: the next loop gives the rest of that epoch, in the same order, and nothing if the last batch was out; any other: the next epoch. So `for epoch = checkpoint.epoch, n do for x, y in loader do` makes the steps that were left, at whichever step it was saved. A state of another number of examples raises." },
  },
  {
    title = "Steps that are repeated",
    text = [[
A loop spends part of its time on what surrounds the arithmetic: Lua, the tape, memory. `luron.compile(step)` gives a function that does the same as
`step`, but notes what two calls do, and from the third call on does that again, for the arguments that it is given, without Lua and without a tape:

```lua
local luron = require "luron"
local nn = luron.nn

local net = nn.Sequential { nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2) }
local opt = luron.optim.SGD(net, { lr = 0.1 })
local criterion = nn.CrossEntropyLoss()
local step = luron.compile(function(x, t)
  opt:zero_grad()
  local loss = criterion(net(x), t)
  loss:backward()
  opt:step()
  return loss
end)
for _ = 1, 5 do step(luron.randn(16, 3), luron.ones(16):long()) end
print(luron.explain(step))
```

The results have the bits of the function itself, with dropout too. Batches of another size, or other numbers and strings among the arguments, get a plan
of their own.

**Seen between calls**, so that the step is noted anew: another mode (`train`, `eval`), also of instances of classes; `freeze`, `unfreeze`, `requires_grad_` of
a parameter or of any other tensor that the step uses; another tensor in a layer (`layer.weight = t`) or another dtype (`to`); a group added to an optimiser; a
hook; a plugin that was reloaded; the default dtype. Rates and other options of optimisers, and the numbers in tensors, are read in every run:

```lua
local luron = require "luron"
local nn = luron.nn

local net = nn.Sequential { nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2) }
local opt = luron.optim.SGD(net, { lr = 0.1 })
local schedule = luron.schedule.StepLR(opt, { step_size = 10 })
local ema = luron.EMA(net)
local step = luron.compile(function(x, t)
  opt:zero_grad()
  local loss = nn.cross_entropy(net(x), t)
  loss:backward()
  luron.clip_grad_value(net, 0.5)
  opt:step()
  return loss
end)
for i = 1, 40 do
  if i == 20 then net:freeze "linear1" end
  step(luron.randn(16, 3), luron.ones(16):long())
  schedule:step() -- beside the step, not in it
  ema:update()
end
print(luron.explain(step))
```

**Refused**: a step that a plan could not repeat is computed as it is, every time, and `luron.explain` says why:

- it reads numbers of a tensor (`item`, `totable`, `print`), or the shape of a result depends on them (`nonzero`, `x[mask]`). `luron.clip_grad_norm` gives a
  number, so it does; `luron.clip_grad_value` does not.
- it draws random numbers outside of layers (`luron.rand`), asks for their state or seeds them
- it changes options of an optimiser (`opt:set`, `opt.groups[1].lr = 0.1`, `schedule:step()`), asks for them or for `opt:steps()`, or adds a group
- it counts: `ema:update()`, a loader in it
- it switches the mode or freezes and unfreezes, asks for the mode of a layer or model, puts a parameter into a layer, registers or calls a hook (pruning and
  `luron.activity` have hooks), looks with `detect_anomaly`, leaves gradients switched off
- it uses gradients that were there before, or adds to them: `zero_grad` and `backward` belong into it
- it writes or reads a file, writes `x[i] = v`, writes into what is given to it, uses by another name a tensor that shares memory with what is given
  to it, or gives what is no tensor.

**Not seen**: the function is not called any more once there is a plan. What else it does (count, print, change variables of Lua) happens in the first calls
alone, and numbers and tensors that it takes from variables stay what they were, as do layers that a class holds: after `net.layer = nn.Linear(3, 3)`, compile
anew. So give as arguments what changes. A gradient that is held (`w:grad()`) is written by the next run: clone it to keep it. What differs between the first two calls is noticed, and `luron.explain` names it:

```lua
local luron = require "luron"

local k = 0
local f = luron.compile(function(x)
  k = k + 1
  return x:exp() * k
end)
for _ = 1, 3 do f(luron.ones(2)) end
print(luron.explain(f)) -- no plan yet: the last two calls did not do the same: thing 2 of 2 was mul, with other numbers, shapes or tensors

local g = luron.compile(function(x, factor) return x:exp() * factor end)
for _ = 1, 5 do g(luron.ones(2), luron.tensor { 3.0 }) end
print(luron.explain(g)) -- planned
```]],
    { "luron.compile(fn: function): function", "A function that does the same as fn, which takes tensors (and numbers, booleans, strings, nil) and gives tensors, by a plan of what it did where it can.",
      is = { "(function() local f = luron.compile(function(x) return x * 2 end) for i = 1, 3 do f(luron.ones(2)) end return f(luron.tensor { 3.0 }) end)()", "{ 6.0 }" } },
    { "luron.explain(compiled: function): string", "For each kind of call whether there is a plan, and if not, why.",
      is = { '(function() local f = luron.compile(function(x) return x:item() end) f(luron.ones(1)) return luron.explain(f):match "reads numbers of a tensor: item" end)()', '"reads numbers of a tensor: item"' } },
  },
  {
    title = "In one call",
    { "luron.fit(model: Model|Module|Layer, data: Dataset|Loader, options?: FitOptions): table[]",
      "Trains and gives the history, one entry `{ epoch, loss, accuracy, validation }` an epoch. The loop in it is the one that the tutorial writes by hand. Data without a batch raise; of a loader that was restored behind the last batch of an epoch the first entry has no loss.",
      raises = { 'luron.fit(nn.Linear(2, 2), luron.data.tensors(luron.zeros(3, 2), luron.ones(3)):loader { batch = 4, drop_last = true })', "3 examples make no batch of 4" } },
    { "luron.evaluate(model: Model|Module|Layer, data: Dataset|Loader, options?: { batch: integer?, loss: string|function|Layer|nil, metrics: table? }): { loss: number, accuracy: number?, n: integer }",
      "Mean loss and, where targets are class ids, the share that is right, and the metrics by their names (see Metrics); in eval mode, with nothing recorded." },
    { "luron.progress(epochs: integer, examples: integer): Progress", "The progress line that `fit` shows: loss, accuracy, examples a second, time left." },
    { "line:begin()", "Begins the next epoch." },
    { "line:step(n: integer, loss: number, right?: integer)", "A batch of n examples with this mean loss, of which `right` were right." },
    { "line:finish(extra?: string)", "Ends the epoch and its line, with a text of yours behind." },
    text = [[
Options of `fit`: `epochs` (1), `batch` (64), `shuffle` (true), `loss` (`"cross_entropy"`, the name of another loss function, or a
function of outputs and targets), `optim` (AdamW over the model; one without any of its parameters raises), `validate` (a dataset to evaluate after every epoch), `progress` (false: no line),
`metrics` (of the validation; see Metrics),
`callbacks` (functions of entry, model and optimiser; one that returns `"stop"` ends the training).

What a step is made of: `accumulate` (1: so many batches make a step, each counted by its examples, as do those that are left at the end),
`clip_norm` and `clip_value` (limits, as in `luron.clip_grad_norm` and `luron.clip_grad_value`; none), `penalty`, `activity` and `constrain` (rules by pattern, as
above; the history has the loss without the penalties), `prune` (a pruning of the model, applied after the step), `schedule` (one over `optim`, stepped after batches or epochs as its `every()` says, with the
loss of the validation, or of the epoch, as its metric). `optim` may be a table with functions `step` and `zero_grad` that calls several optimisers.

`early_stop = { patience = 5, metric = "loss", min_delta = 0, restore_best = true }`: ends when the metric, `"loss"`, `"accuracy"` or one of `metrics`, of the
validation where there is one, was not better by more than `min_delta` for `patience` epochs; then, and after the last epoch, the weights are those of the best. A line says that it ended and why.]],
  },
}
