--- Hooks of instances of nn.class, as those of layers (core/src/hooks_layer.c): self._hooks is a list of { kind, fn, id }.
local core = require "luron.core"
local names = require "luron.names"

local Handle = { __name = "luron.hook" }
Handle.__index = names.index(Handle, "the handle of a hook", "hook", { owner = false })

function Handle:remove()
  if getmetatable(self) ~= Handle then core.badarg(0, "remove", "hook expected, got " .. core.got(self)) end
  local owner = self.owner
  local hooks = owner and rawget(owner, "_hooks")
  for i, hook in ipairs(hooks or {}) do
    if hook == self.hook then table.remove(hooks, i) break end
  end
  if hooks and #hooks == 0 then owner._hooks = nil end
  self.owner = nil
end

Handle.__close = Handle.remove

local last = 0 -- number of a hook

local function add(self, kind, name, fn)
  if not require("luron.module").is_callable(fn) then core.badarg(1, name, "hook: function expected, got " .. core.got(fn)) end
  last = last + 1
  local hook = { kind = kind, fn = fn, id = last }
  self._hooks = rawget(self, "_hooks") or {}
  table.insert(self._hooks, hook)
  return setmetatable({ owner = self, hook = hook }, Handle)
end

-- Hooks of a kind up to a number, in order; one that removes itself disturbs nobody.
local function each(self, kind, up_to)
  local list = {}
  for _, hook in ipairs(rawget(self, "_hooks") or {}) do
    if hook.kind == kind and hook.id <= up_to then list[#list + 1] = hook.fn end
  end
  return ipairs(list)
end

local function wrong(kind, text) core.raise(kind:gsub("_pre", " pre") .. " hook: " .. text) end

-- What a hook gave, one by one or as one list, takes the place of what is in `now`.
local function take(kind, now, ...)
  local given, n = { ... }, select("#", ...)
  if n == 1 and type(given[1]) == "table" and not getmetatable(given[1]) then given, n = given[1], #given[1] end
  if n > now.n then wrong(kind, string.format("at most %d results expected, got %d", now.n, n)) end
  for i = 1, n do
    if given[i] ~= nil then now[i] = given[i] end
  end
end

local function wants_grad(value) return core.is_tensor(value) and value:requires_grad() end

-- Send those of `values` that require a gradient through an op that gives them on as they are: their gradients come to
-- `came`, at the places that they have in `values`, and what it returns flows on.
local function pass(values, name, came)
  local at, through = {}, {}
  for i = 1, values.n do
    if wants_grad(values[i]) then
      at[#at + 1] = i
      through[#through + 1] = values[i]
    end
  end
  if #at == 0 then return false end
  local gate = core.op {
    name = name,
    forward = function(_, ...) return ... end,
    backward = function(_, ...)
      local grads = { n = values.n }
      for k = 1, #at do grads[at[k]] = (select(k, ...)) end
      grads = came(grads)
      local back = {}
      for k = 1, #at do back[k] = grads[at[k]] end
      return table.unpack(back, 1, #at)
    end,
  }
  local passed = table.pack(gate(table.unpack(through)))
  for k, i in ipairs(at) do values[i] = passed[k] end
  return true
end

local function check_grads(was, is)
  for i = 1, is.n do
    local a, b = was[i], is[i]
    if b ~= nil and not core.is_tensor(b) then wrong("backward", "tensor or nil expected, got " .. core.got(b)) end
    if b ~= nil and a == nil then wrong("backward", string.format("input %d has no gradient that could be replaced", i)) end
    if b ~= nil and tostring(a:shape()) ~= tostring(b:shape()) then
      wrong("backward", string.format("gradient of shape %s for input %d expected, got %s", a:shape(), i, b:shape()))
    end
  end
end

local function run_backward(self, up_to, grads, grad_outs)
  for _, fn in each(self, "backward", up_to) do
    local before = { table.unpack(grads, 1, grads.n) }
    take("backward", grads, fn(self, grads, grad_outs))
    check_grads(before, grads)
  end
  return grads
end

local function has_backward(self)
  for _, hook in ipairs(rawget(self, "_hooks") or {}) do
    if hook.kind == "backward" then return true end
  end
  return false
end

--- self:forward(...), with the hooks around it.
local function call(self, ...)
  local inputs, up_to, flowing = table.pack(...), last, nil
  for _, fn in each(self, "forward_pre", up_to) do take("forward_pre", inputs, fn(self, inputs)) end
  local gates = core.is_recording() and has_backward(self)
  local entered = gates and pass(inputs, "inputs of a module with hooks", function(grads)
    local grad_outs = flowing or { n = 0 }
    flowing = nil
    return run_backward(self, up_to, grads, grad_outs)
  end)
  local outputs = table.pack(self:forward(table.unpack(inputs, 1, inputs.n)))
  for _, fn in each(self, "forward", up_to) do
    take("forward", outputs, fn(self, inputs, table.unpack(outputs, 1, outputs.n)))
  end
  if gates then
    pass(outputs, "outputs of a module with hooks", function(grads)
      if entered then flowing = grads else run_backward(self, up_to, { n = inputs.n }, grads) end
      return grads
    end)
  end
  return table.unpack(outputs, 1, outputs.n)
end

return { add = add, call = call }
