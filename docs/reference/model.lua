-- Models in C, classes in Lua, checkpoints.
return {
  title = "Models",
  text = [[
A model is a graph of layers and ops that C saves, loads and runs without Lua. A class (below) has its `forward` in Lua instead; `nn.trace` makes a model of it.
Layers have paths with dots, `encoder.linear2`; parameters are named `encoder.linear2/weight`; a layer without a name is called by its
type and a number.]],
  {
    title = "Building",
    { "nn.Sequential(items: table): Model", "Layers and models one after the other; named ones as pairs: `nn.Sequential { { \"encoder\", model }, { \"head\", nn.Linear(8, 2) } }`.",
      raises = { "nn.Sequential { nn.ReLU(), 3 }", "bad argument #1 to 'Sequential' (item 2: layer or model expected, got 3)" } },
    { "nn.Input(name?: string): Node", "An input of a graph. Layers and models called on nodes give nodes; so do operators, methods and functions of tensors (`a:transpose(2, 3)`, `luron.maximum(a, 0)`, `nn.relu(a)`), with the same arguments and errors, where nodes, tensors and numbers may stand together. A node has no shape or numbers before the model runs: what asks for them it has not, nor `split`, `chunk` and `unbind`, whose results it could not count.",
      is = { { "(function() local a = nn.Input() return nn.Graph({ inputs = a, outputs = a:flatten(2):std(-1) })(luron.ones(2, 3, 4)) end)()", "{ 0.0, 0.0 }" }, { "(function() local a = nn.Input() return #nn.Graph { inputs = a, outputs = a + nn.ReLU()(a) * 2 } end)()", "1" } } },
    { "nn.Graph(options: { inputs: Node|Node[], outputs: Node|Node[], names: table<string, Layer|Model|Tensor>? }): Model",
      "A model from nodes with any number of inputs and outputs; `names` gives layers, and tensors in formulas, their paths.",
      is = { "(function() local a = nn.Input() local l = nn.Linear(2, 2) return #nn.Graph { inputs = { a }, outputs = { l(l(a)) } } end)()", "1" } },
    { "nn.weight_norm(layer: Layer, dim?: integer|false): Model",
      "A linear layer or convolution whose weight is g v / |v|, for each output, or with `false` over the whole weight: `weight_g` and the layer's own weight, v, are trained. The model computes what PyTorch's `weight_norm` does by scaling the layer's output, and shares weight and bias with it.",
      is = { "nn.weight_norm(nn.Linear(3, 2)):n_weights()", "10" } },
    { "nn.spectral_norm(layer: Layer, options?: table): Model",
      "The same with weight / sigma, where sigma is the largest singular value of the weight, found by power iteration: `n_power_iterations` (1) steps, whenever the model is applied in training; `eps`, `dim` (of the outputs). `spectral/u` and `spectral/v` are state.",
      is = { "#nn.spectral_norm(nn.Conv2d(3, 4, 3))", "2" },
      raises = { "nn.spectral_norm(nn.ReLU())", "layer: nn.Linear, nn.Bilinear or a convolution expected, got ReLU" } },
    { "nn.TimeDistributed(part: Layer|Model): Model", "Applies a layer or model to every step of `(n, t, ...)`.",
      is = { "nn.TimeDistributed(nn.Conv2d(1, 2, 3))(luron.ones(2, 5, 1, 4, 4)):shape()", "{ 2, 5, 2, 2, 2 }" } },
    { "luron.model_from_json(json: string): Model?, string? message, string? code", "The model that `model:json()` described, with new parameters." },
    { "luron.is_model(value: any): boolean", "Is the value a model?" },
  },
  {
    title = "Methods of models",
    text = "`model(x, ...)` gives the outputs. `model[i]` is layer i (negative: from the end), `#model` their number, `tostring(model)` the tree. Positions and names that are not there raise. Instances of classes (below) have the same methods, but for `json`, `inputs` and `n_nodes`.",
    { "model:parameters(): Tensor[]", "List of the parameters, each once." },
    { "model:named_parameters(): NamedTensors", "Iterator over names and parameters.", is = { "nn.Sequential { nn.Linear(1, 1) }:named_parameters()()", '"linear1/weight"' } },
    { "model:named_states(): NamedTensors", "Iterator over what is saved and not trained." },
    { "model:named_layers(): NamedLayers", "Iterator over paths and layers." },
    { "model:layer(path: string): Layer?", "The layer at a path; nil: there is none.", raises = { "nn.Sequential({ nn.ReLU() }).relu1", "a model has no 'relu1'; the layer of that path is model:layer 'relu1'" } },
    { "model:parameter(name: string): Tensor?", "The parameter of that name; nil: there is none.", is = { 'nn.Sequential({ nn.Linear(1, 1) }):parameter("linear1/weight"):shape()', "{ 1, 1 }" } },
    { "model:state_dict(): table<string, Tensor>", "Parameters and state by name, shared, not copied." },
    { "model:load_state_dict(dict: table<string, Tensor>): Model", "Copies them in, all or nothing; missing names and other shapes raise." },
    { "model:apply(fn: function): Model", "Calls `fn(layer, path)` for every layer, and at last for the model itself with the path `\"\"`." },
    { "model:n_weights(): integer", "How many numbers are in all parameters.", is = { "nn.Sequential { nn.Linear(3, 2) }:n_weights()", "8" } },
    { "model:n_nodes(): integer", "Nodes of the graph, inputs included." },
    { "model:inputs(): string[] names, integer outputs", "Names of the inputs, and the number of outputs." },
    { "model:train(on?: boolean): Model", "Training mode, which a new model is in; `false` is `eval`. Gives the model back." },
    { "model:eval(): Model", "Mode of use: dropout lets all through." },
    { "model:is_training(): boolean", "Which of the two." },
    { "model:freeze(prefix?: string): Model", "No longer trains the parameters whose path begins so, `\"encoder\"`, `\"linear1/bias\"`; all without an argument." },
    { "model:unfreeze(prefix?: string): Model", "Trains them again." },
    { "model:zero_grad(): Model", "Drops the gradients of all parameters." },
    { "model:to(dtype: string): Model", "Casts everything to `float32` or `float64`." },
    { "model:clone(): Model", "A deep copy; what was shared inside stays shared in it." },
    { "model:summary(sizes...?: integer|integer[]): string", "A table of layers, shapes, parameters and FLOPs for inputs of these sizes, the batch included: those of one input one by one or as a list, of several as lists.", is = { "nn.Sequential({ nn.Linear(3, 2) }):summary(5, 3):match 'Linear +%((.-)%)'", '"5, 2"' } },
    { "model:json(): string", "The architecture as JSON (docs/file-format.md)." },
    { "model:save(path: string, options?: SaveOptions)", "Writes a checkpoint: under a temporary name, synced, renamed, so that a crash leaves the old file. Raises if it cannot." },
    { "model:restore(from: string|Checkpoint): Checkpoint?, string? message, string? code", "Puts parameters and state from a file or checkpoint into the model: all or nothing." },
    { "model:close()", "Lets go of the model." },
  },
  {
    title = "Checkpoints",
    text = [[
What `save` takes: `optim` (an optimiser, with its state), `epoch` and `step` (integers), `history` (a table, as `fit` gives it), `loader` (where a loader
is in the data), `ema` (averages of the weights), `prune` (masks of pruned weights), `preprocessing` and `training` (tables of anything that JSON can hold: class
names, mean, your own notes; a string with a zero byte it cannot), `keep_prev` (the old file stays as PATH.prev), `nonfinite` (weights with NaN in them are written
too, which is otherwise refused), `format` (`"luron"`); for instances of classes `trace` (below). The random state goes in too. What an option keeps in `/training`
(`epoch`, `step`, `history`, `loader`) cannot stand in the table `training` as well. docs/file-format.md describes the file.

A file holds one optimiser. Where two train a model (Muon for matrices, AdamW for the rest; the two sides of a GAN) save two files, and restore the
second for its optimiser alone:

```lua
local luron = require "luron"
local nn = luron.nn

local model = nn.Sequential { nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2) }
local first, second = luron.optim.SGD(model[1]), luron.optim.Adam(model[3])
local path = os.tmpname()
model:save(path, { optim = first })
model:save(path .. ".second", { optim = second })

local checkpoint = assert(model:restore(path))
assert(checkpoint:restore_optim(first))
assert(assert(luron.checkpoint(path .. ".second")):restore_optim(second))
os.remove(path)
os.remove(path .. ".second")
```]],
    { "luron.load(path: string, options?: { verify: boolean? }): (Model|Module)? model, Checkpoint|string, string? code",
      "The model in a file, and the checkpoint; or nil, message, code. The file is checked whole before anything is made of it; `verify = false` takes one without a checksum. A class of Lua is made if its file was required before.",
      is = { 'select(3, luron.load "no such file")', '"IO"' } },
    { "luron.checkpoint(path: string, options?: { verify: boolean? }): Checkpoint?, string? message, string? code",
      "The checkpoint alone. It has the fields `epoch`, `step`, `history`, `preprocessing`, `training` and `path`." },
    { "checkpoint:model(): (Model|Module)?, string? message, string? code", "Makes the model." },
    { "checkpoint:restore_optim(opt: Optimizer): boolean?, string? message, string? code", "Puts state, steps and options into an optimiser over the same parameters." },
    { "checkpoint:restore_random(): boolean?, string? message, string? code", "Goes on with the random numbers where the file was written." },
    { "checkpoint:tensor(path: string): Tensor?", "A tensor by its path, `\"parameters/linear1/weight\"`." },
    { "checkpoint:text(path: string): string?", "A text by its path, `\"training/epoch\"`." },
    { "checkpoint:tensors(): string[]", "Paths of all tensors." },
    { "checkpoint:texts(): string[]", "Paths of all texts." },
  },
  {
    title = "Classes",
    text = [[
`nn.class "Name"` makes a class. `init` gets the arguments of the constructor, `forward` those of the call. Layers, models,
instances of classes, lists of these, and tensors that require gradients are found by assignment; keys that begin with `_` are not.
Reading a field that neither the instance nor its class has raises, unless its name begins with `_`: a part that may be absent is `false`. So does reading
what a class does not have. An ordinary tensor, or a result, assigned over a parameter raises when the instance is next called, saved or asked for its
parameters: `copy_` into the parameter (in `luron.no_grad`), or `self:buffer(name, t)` where it is no longer to be trained.

```lua
local luron = require "luron"
local nn = luron.nn

local Block = nn.class "Block"
function Block:init(n) self.linear, self.gain = nn.Linear(n, n), luron.ones(1, { requires_grad = true }) end
function Block:forward(x) return x + self.gain * self.linear(x):relu() end

local block = Block(4)
print(block(luron.randn(2, 4)):shape()[2], #block:parameters())      -- 4  3
```]],
    { "nn.trace(module: Module, example: Tensor, more...?: Tensor): Model",
      "The model in C that does what `module:forward` does with inputs like the examples, of any batch size; it shares the parameters. A table `{ batch = false }` or `{ batch = { true, false } }` behind the examples says which of them have a batch as their first dim (all of them otherwise). `forward` is run twice, with batches of two sizes, and what differs must be a multiple of the size. Reading numbers of tensors, `is_training`, random draws outside of layers, changes in place, `x:register_hook` and `luron.op` are refused at their line: the graph would not show what depends on them. What depends on `math.random`, on time, or on numbers that were read before is baked in as it was. `luron.recompute(f, x)` is `f(x)` here.",
      is = { "(function() local C = nn.class 'Twice' function C:forward(x) return x * 2 end return nn.trace(C(), luron.ones(2, 3))(luron.ones(5, 3)):sum():item() end)()", "30.0" } },
    { "nn.class(name: string, base?: table): table", "A class; with `base` one that inherits from it. Name and arguments go into the checkpoint, so that `luron.load` can make the instance again: numbers, strings, booleans and tables of these. With another argument `save` raises: give a name that `init` looks up (`luron[act]`), make it in `init`, or save the graph alone, `nn.trace(net, example):save(path)`." },
    { "module:forward(...: any): any", "What `module(...)` does. Yours to write." },
    { "module:buffer(name: string, tensor: Tensor): Tensor", "Notes a tensor that is saved and not trained; it becomes `module[name]`." },
    { "module:parameters(): Tensor[]", "List of the parameters, each once." },
    { "module:named_parameters(): NamedTensors", "Iterator over names and parameters." },
    { "module:named_states(): NamedTensors", "Iterator over state and buffers." },
    { "module:apply(fn: function): Module", "Calls `fn(part, path)` for every layer, model and instance in it, what is inside first, then for itself with the path `\"\"`: `net:apply(function(part) if part:parameter \"weight\" then nn.init.zeros_(part.weight) end end)`." },
    { "module:parameter(name: string): Tensor?", "The parameter of that name; nil: there is none." },
    { "module:named_layers(): NamedLayers", "Iterator over paths and layers, those of models in it too." },
    { "module:layer(path: string): Layer?", "The layer at a path; nil: there is none." },
    { "module:n_weights(): integer", "How many numbers are in all parameters." },
    { "module:summary(sizes...?: integer|integer[]): string", "As `model:summary`. With sizes `forward` is run with zeros, as by `nn.trace`, and its graph is what is shown." },
    { "module:clone(): Module", "A deep copy with parameters and state of its own. What is shared or tied inside stays so; functions, and what is neither layer, tensor, table nor instance, is shared; hooks stay behind." },
    { "module:train(on?: boolean): Module", "Training mode for everything in it; `false` is `eval`." },
    { "module:eval(): Module", "Mode of use." },
    { "module:is_training(): boolean", "Which of the two." },
    { "module:freeze(prefix?: string): Module", "No longer trains the parameters whose path begins so, `\"encoder\"`, `\"encoder/bias\"`; all without an argument. They stay parameters: they are saved." },
    { "module:unfreeze(prefix?: string): Module", "Trains them again." },
    { "module:zero_grad(): Module", "Drops all gradients." },
    { "module:to(dtype: string): Module", "Casts parameters and state of real numbers in place; gradients are dropped, and an optimiser whose state is of the old dtype raises in its step." },
    { "module:state_dict(): table<string, Tensor>", "Parameters and state by name, shared, not copied." },
    { "module:load_state_dict(dict: table<string, Tensor>): Module", "Copies them in, all or nothing; missing names and other shapes raise." },
    { "module:save(path: string, options?: SaveOptions)", "As `model:save`. With `trace` (an example, a list of them, or what `nn.trace` gave) the graph of `forward` goes in beside the parameters: `luron.load` gives the class where it is defined, and the model elsewhere." },
    { "module:restore(from: string|Checkpoint): Checkpoint?, string? message, string? code", "As `model:restore`." },
  },
}
