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
    { "x:set_grad(gradient?: Tensor): Tensor", "Puts another in its place; nil: none." },
    { "x:zero_grad(): Tensor", "Drops the gradient." },
    { "x:version(): integer", "How often the memory was changed in place." },
  },
  {
    title = "Functions",
    { "luron.grad(ys: Tensor|Tensor[], xs: Tensor|Tensor[], options?: { grad_outputs: (Tensor|Tensor[])?, retain_graph: boolean?, create_graph: boolean? }): Tensor? ...",
      "The gradients of the sum of ys with respect to each of xs, leaves or not, as so many results; nil where ys do not depend on it. Nothing is added up.",
      is = { "(function() local x = luron.tensor({ 3.0 }):requires_grad_() local g = luron.grad((x ^ 3):sum(), x, { create_graph = true }) return luron.grad(g:sum(), x) end)()", "{ 18.0 }" } },
    { "luron.no_grad(fn?: function, ...: any): any", "Runs fn(...) with nothing recorded and gives its results. Without fn: a guard, `local _ <close> = luron.no_grad()`, until the end of the block.",
      is = { "luron.no_grad(luron.is_recording)", "false" } },
    { "luron.enable_grad(fn?: function, ...: any): any", "The opposite, within `no_grad`." },
    { "luron.is_recording(): boolean", "Are gradients being recorded?" },
    { "luron.higher(on?: boolean): boolean", "Keep, while recording, what second derivatives through layers need? Off at first. With an argument sets it." },
    { "luron.gradcheck(fn: function, inputs...: Tensor, options?: { order: integer?, eps: number?, rtol: number?, atol: number?, seed: integer? }): boolean ok, string? message",
      "Compares the gradients of fn at float64 inputs with central differences: true, or false and the worst element. `order = 2` checks second derivatives too. fn may be a layer.",
      is = { 'luron.gradcheck(luron.tanh, luron.randn(3, { dtype = "float64" }), { order = 2 })', "true" } },
    { "luron.op(definition: { name: string, forward: function, backward: function }): function",
      "A differentiable function with its own gradient. `forward(ctx, ...)` gets the arguments and gives tensors; `backward(ctx, g...)` gets the gradients of the results and gives one gradient, or nil, for each argument. Written in functions of tensors, it can be differentiated again." },
    { "ctx:save(...: any)", "In `forward`: keeps values for `backward`." },
    { "ctx:saved(): any ...", "In `backward`: gives them back." },
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
