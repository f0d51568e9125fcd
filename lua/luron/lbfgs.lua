--- L-BFGS: `opt:step(closure)`, where the closure makes the loss and its gradients afresh, as often as a line search wants.
--- Formulas, options, defaults and numbers are PyTorch's. All parameters are one vector; a step is all or nothing.
local core = require "luron.core"
local names = require "luron.names"
local wolfe = require "luron.wolfe"

local LBFGS = { __name = "luron.lbfgs" }

local function is_lbfgs(value) return getmetatable(value) == LBFGS end

local function check_self(self, where)
  if not is_lbfgs(self) then core.badarg(0, where, "optimiser expected, got " .. core.got(self)) end
end

-- ---- options -----------------------------------------------------------------------------------------------------------
local function is_size(value) return type(value) == "number" and value >= 0 and value < math.huge end
local function is_count(value) return math.type(value) == "integer" and value > 0 end

-- In the order in which they are shown: name, kind, default.
local options = {
  { "lr", "number of at least 0", 1.0 }, { "max_iter", "positive integer", 20 }, { "max_eval", "positive integer" },
  { "tolerance_grad", "number of at least 0", 1e-7 }, { "tolerance_change", "number of at least 0", 1e-9 },
  { "history_size", "positive integer", 100 }, { "line_search_fn", "'strong_wolfe'" },
}
local kinds = {
  ["number of at least 0"] = is_size, ["positive integer"] = is_count, ["'strong_wolfe'"] = function(value) return value == "strong_wolfe" end,
}

local function find_option(name)
  local all = {}
  for i, option in ipairs(options) do
    if option[1] == name then return option end
    all[i] = option[1]
  end
  return nil, string.format("no option %s; options: %s", core.got(name), table.concat(all, ", "))
end

local function check_options(arg, where, given)
  if type(given) ~= "table" then core.badarg(arg, where, "options: table expected, got " .. core.got(given)) end
  for key, value in pairs(given) do
    local option, message = find_option(key)
    if not option then core.badarg(arg, where, message) end
    if not kinds[option[2]](value) then core.badarg(arg, where, string.format("%s: %s expected, got %s", key, option[2], core.got(value))) end
  end
  return given
end

-- opt.groups[1]: options are read and set by name, as those of other optimisers.
local Group = {}
function Group.__index(group, key)
  local self = rawget(group, 1)
  if key == "params" then return { table.unpack(self.params) } end
  if key == "names" then return { table.unpack(self.names) } end
  local option, message = find_option(key)
  if type(key) == "string" and not option then core.raise("LBFGS has " .. message) end
  return self.options[key]
end
function Group.__newindex(group, key, value) rawget(group, 1):set { [key] = value } end

-- ---- vectors -----------------------------------------------------------------------------------------------------------
local dot = wolfe.dot
local function largest(a) return a:numel() > 0 and a:abs():amax():item() or 0 end

-- The gradients of all parameters behind each other; 0 where there is none.
local function gradient(self)
  local parts, none = {}, true
  for i, p in ipairs(self.params) do
    local grad = p:requires_grad() and p:grad()
    none = none and not grad
    parts[i] = grad and grad:detach():reshape(-1) or core.zeros(p:numel(), { dtype = p:dtype() })
  end
  if none then core.raise "LBFGS: the closure left no gradients: it has to call loss:backward()" end
  return core.cat(parts, 1):clone()
end

local function clone_params(self)
  local copies = {}
  for i, p in ipairs(self.params) do copies[i] = p:detach():clone() end
  return copies
end

local function set_params(self, values)
  core.no_grad(function()
    for i, p in ipairs(self.params) do p:copy_(values[i]) end
  end)
end

-- Parameters at `from` + t d; frozen ones stay.
local function move(self, from, t, d)
  local at = 1
  core.no_grad(function()
    for i, p in ipairs(self.params) do
      local n = p:numel()
      if n > 0 and p:requires_grad() then p:copy_(from[i] + (d:narrow(1, at, n) * t):reshape(p:shape())) end
      at = at + n
    end
  end)
end

-- ---- the step ----------------------------------------------------------------------------------------------------------
-- backward refuses a loss that is not finite; a line search goes back from there.
local refusal = "backward: the value is "

-- What the closure gives, as it is and as a number, and the gradient.
local function evaluate(self, closure)
  local ok, loss = pcall(core.enable_grad, closure)
  if not ok then
    if type(loss) ~= "string" or not loss:find(refusal, 1, true) then error(loss, 0) end
    self.evaluations = self.evaluations + 1
    local n = 0
    for _, p in ipairs(self.params) do n = n + p:numel() end
    return loss, 0 / 0, core.full(0 / 0, { n }, { dtype = self.params[1]:dtype() })
  end
  local number = loss
  if core.is_tensor(loss) then number = loss:item() end
  if type(number) ~= "number" then core.raise("LBFGS: the closure has to give the loss, a tensor or number, got " .. core.got(loss)) end
  self.evaluations = self.evaluations + 1
  return loss, number, gradient(self)
end

local function is_finite(number) return number == number and math.abs(number) < math.huge end
local function all_finite(vector) return vector:isfinite():all():item() end

-- Refuse a loss or gradient that is not finite.
local function check_finite(self, number, grad)
  if not is_finite(number) then core.raise(string.format("step %d: the loss is not finite", self.done + 1)) end
  if all_finite(grad) then return end
  for i, p in ipairs(self.params) do
    if p:requires_grad() and p:grad() and not all_finite(p:grad()) then
      core.raise(string.format("step %d: gradient of '%s' is not finite", self.done + 1, self.names[i]))
    end
  end
end

-- Take the last step and the change of the gradient into the history.
local function remember(self, grad)
  local y, s = grad - self.prev_grad, self.d * self.t
  local ys = dot(y, s)
  if ys <= 1e-10 then return end
  if #self.dirs == self.options.history_size then
    for _, list in ipairs { self.dirs, self.steps_made, self.ro } do table.remove(list, 1) end
  end
  local n = #self.dirs + 1
  self.dirs[n], self.steps_made[n], self.ro[n] = y, s, 1 / ys
  self.scale = ys / dot(y, y)
end

-- The inverse Hessian, as the history knows it, times the negative gradient.
local function direction(self, grad)
  local share, q = {}, -grad
  for i = #self.dirs, 1, -1 do
    share[i] = dot(self.steps_made[i], q) * self.ro[i]
    q = q - self.dirs[i] * share[i]
  end
  local r = q * self.scale
  for i = 1, #self.dirs do r = r + self.steps_made[i] * (share[i] - dot(self.dirs[i], r) * self.ro[i]) end
  return r
end

-- Move along d: loss and gradient there. With `last`, and no line search, they are not wanted.
local function advance(self, closure, loss, grad, slope, evaluations_left, last)
  local o, from = self.options, clone_params(self)
  if not o.line_search_fn then
    move(self, from, self.t, self.d)
    if last then return loss, grad end
    local _, number, new_grad = evaluate(self, closure)
    check_finite(self, number, new_grad)
    return number, new_grad
  end
  local function at(t)
    move(self, from, t, self.d)
    local _, number, new_grad = evaluate(self, closure)
    if not (is_finite(number) and all_finite(new_grad)) then number, new_grad = math.huge, new_grad:clone():zero_() end -- too far
    return number, new_grad
  end
  local number, new_grad, t = wolfe.search(at, self.t, self.d, loss, grad, slope, o.tolerance_change, evaluations_left)
  self.t = t
  move(self, from, t, self.d)
  return number, new_grad
end

local function run(self, closure)
  local o, begun = self.options, self.evaluations
  local max_eval = o.max_eval or o.max_iter * 5 // 4
  local result, loss, grad = evaluate(self, closure)
  check_finite(self, loss, grad)
  if largest(grad) <= o.tolerance_grad then return result end
  for i = 1, o.max_iter do
    self.iterations = self.iterations + 1
    if self.iterations == 1 then
      self.d, self.dirs, self.steps_made, self.ro, self.scale = -grad, {}, {}, {}, 1
    else
      remember(self, grad)
      self.d = direction(self, grad)
    end
    self.t = self.iterations == 1 and math.min(1, 1 / grad:abs():sum():item()) * o.lr or o.lr
    local before = loss
    self.prev_grad = grad
    local slope = dot(grad, self.d)
    if slope > -o.tolerance_change then break end
    loss, grad = advance(self, closure, loss, grad, slope, max_eval - (self.evaluations - begun), i == o.max_iter)
    if self.evaluations - begun >= max_eval or largest(grad) <= o.tolerance_grad then break end
    if largest(self.d * self.t) <= o.tolerance_change or math.abs(loss - before) < o.tolerance_change then break end
  end
  return result
end

-- What a step changes. Vectors are never written in place, so that lists of them are all there is to copy.
local kept = { "d", "t", "prev_grad", "scale", "iterations", "evaluations" }
local lists = { "dirs", "steps_made", "ro" }

local function snapshot(self)
  local state = { params = clone_params(self) }
  for _, key in ipairs(kept) do state[key] = self[key] end
  for _, key in ipairs(lists) do state[key] = { table.unpack(self[key]) } end
  return state
end

local function go_back(self, state)
  set_params(self, state.params)
  for _, key in ipairs(kept) do self[key] = state[key] end
  for _, key in ipairs(lists) do self[key] = state[key] end
end

local methods = {}

--- One step: up to max_iter directions, with as many calls of the closure as they need. Gives what its first call gave.
function methods.step(self, closure)
  check_self(self, "step")
  if not require("luron.module").is_callable(closure) then
    core.badarg(1, "step", "closure: function that makes the loss, calls backward and returns it expected, got " .. core.got(closure))
  end
  core.plan_refuse "makes a step of LBFGS, which reads numbers to decide how far it goes: compile what its closure does, not the step"
  core.check_step(self)
  local before = snapshot(self)
  local ok, result = pcall(run, self, closure)
  if not ok then
    go_back(self, before)
    error(result, 0)
  end
  self.done = self.done + 1
  return result
end

function methods.zero_grad(self)
  check_self(self, "zero_grad")
  for _, p in ipairs(self.params) do p:zero_grad() end
end

function methods.set(self, given)
  check_self(self, "set")
  for key, value in pairs(check_options(1, "set", given)) do self.options[key] = value end
  return self
end

function methods.steps(self)
  check_self(self, "steps")
  return self.done
end

function methods.type() return "LBFGS" end

--- Directions and calls of the closure so far.
function methods.state(self)
  check_self(self, "state")
  return { iterations = self.iterations, evaluations = self.evaluations, history = #self.dirs }
end

function methods.add_group() core.raise "LBFGS: one group alone: all parameters move along one direction" end

local function forget(self)
  for _, key in ipairs(kept) do self[key] = nil end
  for _, key in ipairs(lists) do self[key] = {} end
  self.iterations, self.evaluations = 0, 0
end

function methods.close(self)
  check_self(self, "close")
  forget(self)
end

local optional = {} -- fields that it has only after a step
for _, key in ipairs(kept) do optional[key] = true end

function LBFGS.__index(self, key)
  if key == "groups" then return { setmetatable({ self }, Group) } end
  if methods[key] ~= nil or optional[key] then return methods[key] end
  if find_option(key) then core.raise(string.format("%s is an option of a group: read opt.groups[1].%s", key, key)) end
  names.refuse("LBFGS", "optimiser", key, methods)
end

function LBFGS.__tostring(self)
  local shown = {}
  for _, option in ipairs(options) do
    local value = self.options[option[1]]
    if value ~= nil then shown[#shown + 1] = option[1] .. " = " .. (type(value) == "string" and '"' .. value .. '"' or tostring(value)) end
  end
  return string.format("LBFGS, %d steps\n  group 1, %d parameters: %s", self.done, #self.params, table.concat(shown, ", "))
end

local function new(params, named, given)
  check_options(2, "LBFGS", given or {})
  if #params == 0 then core.badarg(1, "LBFGS", "parameters: at least one expected, got none") end
  local self, seen = { params = params, names = named or {}, file_names = {}, options = {}, done = 0 }, {}
  for i, p in ipairs(params) do
    self.names[i], self.file_names[i] = self.names[i] or tostring(i), self.names[i] or tostring(i - 1)
    if seen[p:id()] then core.badarg(1, "LBFGS", string.format("parameter '%s' is there twice", self.names[i])) end
    if p:dtype() ~= params[1]:dtype() then
      core.badarg(1, "LBFGS", string.format("parameter '%s' is %s, '%s' is %s: one dtype expected", self.names[i], p:dtype(), self.names[1], params[1]:dtype()))
    end
    seen[p:id()] = true
  end
  for _, option in ipairs(options) do
    local value = given and given[option[1]]
    if value == nil then value = option[3] end
    self.options[option[1]] = value
  end
  forget(self)
  return setmetatable(self, LBFGS)
end

-- ---- checkpoints: the text training/lbfgs and the tensors training/lbfgs_vectors/... -----------------------------------------
local function write(self, handle)
  local numbers = { options = self.options, parameters = self.file_names, steps = self.done, iterations = self.iterations, evaluations = self.evaluations,
    t = self.t, scale = self.scale, ro = #self.ro > 0 and self.ro or nil }
  handle:set_text("training/lbfgs", core.json_encode(numbers))
  local function put(name, vector) handle:set_tensor("training/lbfgs_vectors/" .. name, vector) end
  if self.d then put("direction", self.d) end
  if self.prev_grad then put("gradient", self.prev_grad) end
  if #self.dirs > 0 then
    put("changes", core.stack(self.dirs, 1))
    put("steps", core.stack(self.steps_made, 1))
  end
end

local function is_list(value, is_item)
  if type(value) ~= "table" then return false end
  for key, item in pairs(value) do
    if not (is_count(key) and key <= #value and is_item(item)) then return false end
  end
  return true
end
local function is_text(value) return type(value) == "string" end

-- The state in a checkpoint, or nil and what is wrong with it.
local function read(self, checkpoint)
  local saved, n = checkpoint.training.lbfgs, 0
  if type(saved) ~= "table" then return nil, "the checkpoint holds no LBFGS", "NOT_FOUND" end
  for _, p in ipairs(self.params) do n = n + p:numel() end
  local function wrong(text) return nil, "the LBFGS of the checkpoint: " .. text, "MISMATCH" end
  if not is_list(saved.parameters, is_text) then return wrong "it does not name its parameters" end
  if table.concat(saved.parameters, " ") ~= table.concat(self.file_names, " ") then
    return wrong("its parameters are others: " .. table.concat(saved.parameters, ", "))
  end
  if saved.ro and not is_list(saved.ro, is_size) then return wrong "its history is damaged" end
  if type(saved.options) ~= "table" or not pcall(check_options, 1, "restore", saved.options) then return wrong "options that there are not" end
  local state = { t = saved.t, scale = saved.scale, ro = saved.ro or {}, dirs = {}, steps_made = {}, options = saved.options }
  for _, key in ipairs { "steps", "iterations", "evaluations" } do
    if math.type(saved[key]) ~= "integer" or saved[key] < 0 then return wrong(key .. ": integer of at least 0 expected, got " .. core.got(saved[key])) end
    state[key] = saved[key]
  end
  local function vector(name, rows)
    local tensor = checkpoint:tensor("training/lbfgs_vectors/" .. name)
    local shape = rows and rows .. " " .. n or tostring(n)
    if tensor and tensor:dtype() == self.params[1]:dtype() and table.concat(tensor:shape(), " ") == shape then return tensor end
  end
  local rows = #state.ro
  if state.iterations > 0 then
    state.d, state.prev_grad = vector "direction", vector "gradient"
    local changes, steps = rows > 0 and vector("changes", rows), rows > 0 and vector("steps", rows)
    if not (state.d and state.prev_grad and is_size(state.t) and is_size(state.scale)) or (rows > 0 and not (changes and steps)) then
      return wrong(string.format("vectors of %d numbers in %s expected", n, self.params[1]:dtype()))
    end
    for i = 1, rows do state.dirs[i], state.steps_made[i] = changes[i]:clone(), steps[i]:clone() end
  end
  return state
end

local function restore(self, checkpoint)
  local state, message, code = read(self, checkpoint)
  if not state then return nil, message, code end
  self.options, self.done = state.options, state.steps
  for _, key in ipairs(kept) do self[key] = state[key] end
  for _, key in ipairs(lists) do self[key] = state[key] end
  return true
end

return { new = new, is = is_lbfgs, write = write, restore = restore }
