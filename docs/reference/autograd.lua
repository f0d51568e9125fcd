-- Gradients.
return {
  title = "Gradients",
  text = [[
What is computed from a tensor that requires a gradient is noted on a tape, and `backward` walks it from the result to the leaves:

```lua
local luron = require "luron"

local w = luron.tensor({ 2.0, 3.0 }):requires_grad_()
local y = (w * w):sum()
y:backward()
print(w:grad())                                     -- dy/dw = 2 w
```]],
  is = { { "(function() local w = luron.tensor({ 2.0, 3.0 }):requires_grad_(); (w * w):sum():backward() return w:grad() end)()", "{ 4.0, 6.0 }" } },
  {
    title = "Of tensors",
    { "x:requires_grad(): boolean", "Does x need a gradient?" },
    { "x:requires_grad_(on?: boolean): Tensor", "Says so (or, with false, that it does not), and gives x back. Real tensors that were not computed only." },
    { "x:is_leaf(): boolean", "Was x given rather than computed? Gradients are kept by leaves." },
    { "x:backward(gradient?: Tensor, options?: { retain_graph: boolean?, create_graph: boolean? })",
      "Adds dx/dleaf into the gradient of every leaf. Without `gradient` x must have one element. The tape is used up unless `retain_graph`; `create_graph` records the walk too, for higher derivatives.",
      raises = { "luron.ones(2):requires_grad_():backward()", "backward: a tensor of one element expected, got shape (2,)" } },
    { "x:grad(): Tensor?", "The gradient, nil if there is none." },
    { "x:retain_grad(): Tensor", "Keeps the gradient of x although it was computed: `backward` then adds it to `x:grad()`. Gives x back.",
      is = { "(function() local x = luron.tensor({ 3.0 }):requires_grad_() local y = (x * x):retain_grad(); (y * 5):backward() return y:grad() end)()", "{ 5.0 }" } },
    { "x:set_grad(gradient?: Tensor): Tensor", "Puts another in its place; nil: none." },
    { "x:zero_grad(): Tensor", "Drops the gradient." },
    { "x:version(): integer", "How often the memory was changed in place." },
  },
  {
    title = "Functions",
    { "luron.grad(ys: Tensor|Tensor[], xs: Tensor|Tensor[], options?: { grad_outputs: (Tensor|Tensor[])?, retain_graph: boolean?, create_graph: boolean? }): Tensor? ...",
      "The gradients of the sum of ys with respect to each of xs, leaves or not, as so many results; nil where ys do not depend on it. Nothing is added up.",
      is = { "(function() local x = luron.tensor({ 3.0 }):requires_grad_() local g = luron.grad((x ^ 3):sum(), x, { create_graph = true }) return luron.grad(g:sum(), x) end)()", "{ 18.0 }" } },
    { "luron.no_grad(fn?: function, ...: any): any", "Runs fn(...) with nothing recorded and gives its results. Without fn: a guard, `local _ <close> = luron.no_grad()`, until the end of the block. A line `luron.no_grad()` by itself leaves recording off for good, for nothing closes the guard: `backward` raises then, and names the line.",
      is = { "luron.no_grad(luron.is_recording)", "false" } },
    { "luron.enable_grad(fn?: function, ...: any): any", "The opposite, within `no_grad`." },
    { "luron.recompute(fn: function, ...: any): any",
      "Gives what fn(...) gives, but keeps nothing of it for the backward except the arguments: the backward runs fn once more, with the same random numbers, and the state of layers moves once. Memory for time: a block of ten layers keeps about a tenth. Tensors made in fn are closed when it is through, as in `luron.scope`, but for its results, which are tensors, not in tables, or other values as they are. fn must do the same twice; what it catches has to be open, and unchanged, in the backward.",
      is = { "(function() local n, x = 0, luron.tensor({ 3.0 }):requires_grad_() luron.recompute(function(t) n = n + 1 return t:square() end, x):backward() return { n, x:grad():item() } end)()", "{ 2, 6.0 }" } },
    { "luron.is_recording(): boolean", "Are gradients being recorded?" },
    { "luron.higher(on?: boolean): boolean", "Keep, while recording, what second derivatives through layers need? Off at first. With an argument sets it." },
    { "luron.detect_anomaly(on?: boolean|function, ...: any): any", "Looks for numbers that are not finite (below). `true` or `false` sets it and gives what it was; with a function, or nothing, it is a guard like `no_grad`: a line `luron.detect_anomaly()` by itself leaves it on.",
      is = { "luron.detect_anomaly(luron.is_detecting_anomaly)", "true" },
      raises = { "luron.detect_anomaly(luron.log, luron.tensor { 1.0, 0.0 })", "'log' gave numbers that are not finite: output (2,), 1 infinite of 2, the first at (2,); operand 1 (2,) from 0 to 1" } },
    { "luron.is_detecting_anomaly(): boolean", "Is it on?" },
    { "luron.gradcheck(fn: function, inputs...: Tensor, options?: { order: integer?, eps: number?, rtol: number?, atol: number?, seed: integer? }): boolean ok, string? message",
      "Compares the gradients of fn at float64 inputs with central differences: true, or false and the worst element. `order = 2` checks second derivatives too. fn may be a layer.",
      is = { 'luron.gradcheck(luron.tanh, luron.randn(3, { dtype = "float64" }), { order = 2 })', "true" } },
    { "luron.op(definition: { name: string, forward: function, backward: function }): function",
      "A differentiable function with its own gradient. `forward(ctx, ...)` gets the arguments and gives tensors; `backward(ctx, g...)` gets the gradients of the results and gives one gradient of real numbers, or nil, for each argument; behind the last tensor they may be left out. Written in functions of tensors, it can be differentiated again." },
    { "ctx:save(...: any)", "In `forward`: keeps values for `backward`." },
    { "ctx:saved(): any ...", "In `backward`: gives them back." },
  },  {
    title = "Hooks",
    text = [[
A hook is a function that is called as gradients, or inputs and outputs, come by. It may look at them, and what it returns takes their
place; nil leaves them as they are. They must not be changed in place.

```lua
local luron = require "luron"
local nn = luron.nn

local model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
local activations, handles = {}, {}
for path, layer in model:named_layers() do
  handles[#handles + 1] = layer:register_forward_hook(function(_, _, y) activations[path] = y:detach() end)
end
local x = luron.randn(16, 4)
local hidden = model:layer "linear1"(x)
hidden:register_hook(function(g) return g:clamp(-0.1, 0.1) end) -- clip what flows back here
model(x)
print(activations.relu1)
for _, handle in ipairs(handles) do handle:remove() end
```

Hooks run in the order in which they were registered; an error in one ends the call, or the backward with no gradient changed, and comes out with its
own message and line. Copies of a layer or model and files do not have its hooks. With `create_graph` what a hook computes is recorded too.
A hook may refer to anything, its own tensor, layer or model included: what nothing else leads to goes with it.]],
    is = {
      { "(function() local x = luron.tensor({ 3.0 }):requires_grad_() x:register_hook(function(g) return g * 10 end); (x * x):backward() return x:grad() end)()", "{ 60.0 }" },
      { "(function() local l = nn.ReLU() l:register_forward_hook(function(_, _, y) return y + 1 end) return l(luron.tensor { -1.0, 2.0 }) end)()", "{ 1.0, 3.0 }" },
    },
    { "x:register_hook(fn: function): HookHandle",
      "`fn(g)` gets the complete gradient of x in a backward, before it flows on or, if x is a leaf, is added up; it may return another of the same shape and dtype. The hook of a tensor that was computed goes with its part of the tape.",
      raises = { "luron.ones(2):register_hook(print)", "hook: the tensor requires no gradient, so none comes by" } },
    { "layer:register_forward_pre_hook(fn: function): HookHandle",
      "`fn(layer, inputs)` before the layer is applied; `inputs` is a list with its length `n`. It may return other inputs, one by one or as a list. So do models and instances of `nn.class`, whose `fn` gets the model or instance." },
    { "layer:register_forward_hook(fn: function): HookHandle", "`fn(layer, inputs, outputs...)` afterwards; it may return other outputs." },
    { "layer:register_full_backward_hook(fn: function): HookHandle",
      "`fn(layer, grad_inputs, grad_outputs)`, two lists, once a backward knows the gradients of the inputs (or, if no input requires one, of the outputs); it may return other gradients of inputs." },
    { "model:register_forward_pre_hook(fn: function): HookHandle", "Around a run of the whole model. Included in another model, its layers keep their hooks; its own do not run there." },
    { "model:register_forward_hook(fn: function): HookHandle", "The same, afterwards." },
    { "model:register_full_backward_hook(fn: function): HookHandle", "The same, in a backward." },
    { "module:register_forward_pre_hook(fn: function): HookHandle", "Around a call of the instance." },
    { "module:register_forward_hook(fn: function): HookHandle", "The same, afterwards." },
    { "module:register_full_backward_hook(fn: function): HookHandle", "The same, in a backward." },
    { "handle:remove()", "The hook is not called any more. `local _ <close> = x:register_hook(fn)` does so at the end of the block." },
  },
  {
    title = "Numbers that are not finite",
    text = [[
Two checks are always on, before anything changes. `backward` from one number that is infinite or NaN raises and names the first op or layer whose
numbers on the tape show it, as far as they were kept. `opt:step()` looks at all gradients of all groups and names the parameter. So a bad batch,
or a learning rate that is too high, ends in an error at its step, with the weights as they were.

`luron.detect_anomaly(true)` looks at the output of every op and layer and at every gradient, for a few per cent of the time. The error comes at the line
of the op or layer: its name and options, how many numbers are not finite and the first place, and the ranges of what went in. For a gradient it is the
op of the forward, and the line where it was applied.

```lua
local luron = require "luron"

local x = luron.tensor({ 4.0, 0.0 }, { requires_grad = true })
local ok, message = pcall(luron.detect_anomaly, function() luron.sqrt(x):sum():backward() end)
print(message)
-- backward: the gradient of operand 1 of 'sqrt' (applied at ...:4) is not finite: (2,), 1 infinite of 2, the first at (2,); ...
```

NaN is always refused then. An infinity is refused only if all that went in was finite, elements and numbers: `x:masked_fill(mask, -math.huge)`,
`luron.where` with an infinite number and padding with one are meant so, and what they lead to is let through until it becomes NaN. `luron.log` of 0
is not: clamp what goes in. Tensors made from given numbers and what is written in place are not looked at, nor the steps within a gradient.]],
    raises = {
      { "(luron.tensor({ 1.0, 0.0 }):requires_grad_():log()):sum():backward()", "backward: the value is -inf; what the tape keeps does not tell where that began: do the step again with detect_anomaly on, which does" },
    },
  },
  {
    title = "Derivatives of functions",
    text = "`fn` gets as many tensors as there are inputs (a tensor, or a list of them) and gives one. Results have the form of the inputs: a tensor, or a list. What `fn` catches from outside counts as constant. `create_graph = true` keeps the result on the tape.",
    { "luron.jacobian(fn: function, inputs: Tensor|Tensor[], options?: { create_graph: boolean? }): Tensor|Tensor[]",
      "All first derivatives: a tensor whose shape is that of the result and that of the input, one behind the other.",
      is = { "luron.jacobian(function(x) return x ^ 2 end, luron.tensor { 1.0, 2.0 })", "{ { 2.0, 0.0 }, { 0.0, 4.0 } }" } },
    { "luron.hessian(fn: function, inputs: Tensor|Tensor[], options?: { create_graph: boolean? }): Tensor|Tensor[][]",
      "All second derivatives of a function that gives one number; `[i][j]` of a list of inputs.",
      is = { "luron.hessian(function(x) return (x ^ 3):sum() end, luron.tensor { 1.0, 2.0 })", "{ { 6.0, 0.0 }, { 0.0, 12.0 } }" } },
    { "luron.vjp(fn: function, inputs: Tensor|Tensor[], v?: Tensor, options?: { create_graph: boolean? }): Tensor y, Tensor|Tensor[] product",
      "The result, and v times the derivatives: what `backward` computes." },
    { "luron.jvp(fn: function, inputs: Tensor|Tensor[], v: Tensor|Tensor[], options?: { create_graph: boolean? }): Tensor y, Tensor product",
      "The result, and its derivative along v.", is = { "select(2, luron.jvp(luron.exp, luron.zeros(2), luron.tensor { 1.0, 3.0 }))", "{ 1.0, 3.0 }" } },
    { "luron.hvp(fn: function, inputs: Tensor|Tensor[], v: Tensor|Tensor[], options?: { create_graph: boolean? }): Tensor y, Tensor|Tensor[] product",
      "The one number that fn gives, and its second derivatives times v, without the matrix." },
  },
}
