--- Derivatives of functions: products with vectors on either side, whole matrices. fn gets as many tensors as there are
--- inputs and gives one; what it catches from outside counts as constant.
local core = require "luron.core"
local module = require "luron.module"

-- The inputs as a list. With create_graph those that need a gradient stay on the tape, so that the result can be
-- differentiated again; others become leaves of their own.
local function take_inputs(where, fn, inputs, create_graph)
  if not module.is_callable(fn) then core.badarg(1, where, "fn: function expected, got " .. core.got(fn)) end
  local list = core.is_tensor(inputs) and { inputs } or inputs
  if type(list) ~= "table" or getmetatable(list) or #list == 0 then core.badarg(2, where, "inputs: tensor or list of tensors expected, got " .. core.got(inputs)) end
  local xs = {}
  for i, x in ipairs(list) do
    if not core.is_tensor(x) then core.badarg(2, where, string.format("inputs: tensor expected at [%d], got %s", i, core.got(x))) end
    if not x:is_floating() then core.badarg(2, where, string.format("inputs: float32 or float64 expected at [%d], got %s", i, x:dtype())) end
    xs[i] = create_graph and x:requires_grad() and x or x:detach():requires_grad_()
  end
  return xs
end

local function is_create_graph(where, arg, options)
  return require("luron.names").options(arg, where, options, { create_graph = "boolean" }).create_graph == true
end

local function call(where, fn, xs)
  local y = fn(table.unpack(xs))
  if not core.is_tensor(y) then core.raise(string.format("%s: the function has to give a tensor, got %s", where, core.got(y))) end
  return y
end

-- Vectors of the shapes of `like`.
local function take_vectors(where, arg, name, v, like)
  local list = core.is_tensor(v) and { v } or v
  if type(list) ~= "table" or getmetatable(list) or #list ~= #like then
    core.badarg(arg, where, string.format("%s: %s expected, got %s", name, #like == 1 and "tensor" or "list of " .. #like .. " tensors", core.got(v)))
  end
  for i, t in ipairs(list) do
    if not core.is_tensor(t) then core.badarg(arg, where, string.format("%s: tensor expected at [%d], got %s", name, i, core.got(t))) end
    local got, want = tostring(t:shape()), tostring(like[i]:shape())
    if got ~= want then core.badarg(arg, where, string.format("%s: shape %s expected, got %s", name, want, got)) end
  end
  return list
end

-- Gradients with respect to each x, zeros where ys do not depend on it.
local function gradients(y, xs, v, create_graph, retain)
  if not y:requires_grad() then
    local zeros = {}
    for i, x in ipairs(xs) do zeros[i] = core.zeros_like(x) end
    return zeros
  end
  local list = { core.grad(y, xs, { grad_outputs = v, create_graph = create_graph, retain_graph = retain }) }
  for i, x in ipairs(xs) do list[i] = list[i] or core.zeros_like(x) end
  return list
end

-- As the inputs came: a tensor, or a list.
local function as(inputs, list) return core.is_tensor(inputs) and list[1] or list end

-- What second derivatives need is kept while fn(...) runs, and everything is recorded, also within no_grad.
local function recorded(higher, fn, ...)
  local was = core.higher()
  core.higher(higher or was)
  local results = table.pack(pcall(core.enable_grad, fn, ...))
  core.higher(was)
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

--- The value y of fn and v^T J, the gradient of sum(v y). v may be left out where y has one element.
local function vjp(fn, inputs, v, options)
  local create_graph = is_create_graph("vjp", 4, options)
  return recorded(create_graph, function()
    local xs = take_inputs("vjp", fn, inputs, create_graph)
    local y = call("vjp", fn, xs)
    if v == nil then
      if y:numel() ~= 1 then core.badarg(3, "vjp", string.format("v: tensor of shape %s expected, got nil", y:shape())) end
      v = core.ones_like(y)
    end
    v = take_vectors("vjp", 3, "v", v, { y })[1]
    local list = gradients(y, xs, v, create_graph)
    return create_graph and y or y:detach(), as(inputs, list)
  end)
end

--- The value y of fn and J v, its derivative along v: the gradient of the gradient, for v^T J is linear in v.
local function jvp(fn, inputs, v, options)
  local create_graph = is_create_graph("jvp", 4, options)
  return recorded(true, function()
    local xs = take_inputs("jvp", fn, inputs, create_graph)
    local vs = take_vectors("jvp", 3, "v", v, xs)
    local y = call("jvp", fn, xs)
    if not y:requires_grad() then return y, core.zeros_like(y) end
    local u = core.zeros_like(y):requires_grad_()
    local rows, used = {}, {}
    for i, g in ipairs(gradients(y, xs, u, true)) do
      if g:requires_grad() then rows[#rows + 1], used[#used + 1] = g, vs[i] end
    end
    if #rows == 0 then return y:detach(), core.zeros_like(y) end
    local along = core.grad(rows, u, { grad_outputs = used, create_graph = create_graph, retain_graph = create_graph }) or core.zeros_like(y)
    return create_graph and y or y:detach(), along
  end)
end

-- d y[i] / d x for every element i of y, stacked: shapes of y and x one behind the other.
local function jacobian_of(y, xs, create_graph)
  local n, rows = y:numel(), {}
  for k in ipairs(xs) do rows[k] = {} end
  for i = 1, n do
    local v = core.zeros(n, { dtype = y:dtype() })
    v[i] = 1
    for k, g in ipairs(gradients(y, xs, v:reshape(y:shape()), create_graph, true)) do rows[k][i] = g end
  end
  local list = {}
  for k, x in ipairs(xs) do
    local shape = table.move(x:shape(), 1, x:dim(), y:dim() + 1, table.move(y:shape(), 1, y:dim(), 1, {}))
    list[k] = n == 0 and core.zeros(shape, { dtype = x:dtype() }) or core.stack(rows[k], 1):reshape(shape)
  end
  return list
end

--- All derivatives: for each input a tensor of the shapes of the result and of the input, one behind the other.
local function jacobian(fn, inputs, options)
  local create_graph = is_create_graph("jacobian", 3, options)
  return recorded(create_graph, function()
    local xs = take_inputs("jacobian", fn, inputs, create_graph)
    return as(inputs, jacobian_of(call("jacobian", fn, xs), xs, create_graph))
  end)
end

local function check_one(where, y)
  if y:numel() ~= 1 then core.raise(string.format("%s: the function has to give one number, got shape %s", where, y:shape())) end
end

--- Second derivatives of a function that gives one number; for a list of inputs a list of lists.
local function hessian(fn, inputs, options)
  local create_graph = is_create_graph("hessian", 3, options)
  return recorded(true, function()
    local xs = take_inputs("hessian", fn, inputs, create_graph)
    local y = call("hessian", fn, xs)
    check_one("hessian", y)
    local rows = {}
    for i, g in ipairs(gradients(y, xs, core.ones_like(y), true)) do rows[i] = as(inputs, jacobian_of(g, xs, create_graph)) end
    return as(inputs, rows)
  end)
end

--- The value of a function that gives one number, and its second derivatives times v, without the matrix.
local function hvp(fn, inputs, v, options)
  local create_graph = is_create_graph("hvp", 4, options)
  return recorded(true, function()
    local xs = take_inputs("hvp", fn, inputs, create_graph)
    local vs = take_vectors("hvp", 3, "v", v, xs)
    local y = call("hvp", fn, xs)
    check_one("hvp", y)
    local along, used = {}, {}
    for i, g in ipairs(gradients(y, xs, core.ones_like(y), true)) do
      if g:requires_grad() then along[#along + 1], used[#used + 1] = g, vs[i] end
    end
    local list = {}
    if #along > 0 then list = { core.grad(along, xs, { grad_outputs = used, create_graph = create_graph, retain_graph = create_graph }) } end
    for i, x in ipairs(xs) do list[i] = list[i] or core.zeros_like(x) end
    return create_graph and y or y:detach(), as(inputs, list)
  end)
end

return { vjp = vjp, jvp = jvp, jacobian = jacobian, hessian = hessian, hvp = hvp }
