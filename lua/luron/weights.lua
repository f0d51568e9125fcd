--- Penalties on weights and on what layers give, to be added to the loss, and constraints on weights, to be applied after a step:
--- names, defaults and numbers are Keras's, for weights that are [out, in]. All go by patterns of names.
local core = require "luron.core"
local module = require "luron.module"
local names = require "luron.names"
local pattern = require "luron.pattern"

local EPSILON = 1e-7 -- Keras's

local function check_model(fn, model)
  if core.is_model(model) or core.is_layer(model) or module.is_module(model) then return end
  core.badarg(1, fn, "model: model, layer or instance of a class expected, got " .. core.got(model))
end

-- A number of at least 0, or the default.
local function size(fn, arg, name, value, default)
  if value == nil then return default end
  if type(value) ~= "number" or not (value >= 0 and value < math.huge) then
    core.badarg(arg, fn, string.format("%s: number of at least 0 expected, got %s", name, core.got(value)))
  end
  return value
end

-- ---- penalties: functions that give a scalar ---------------------------------------------------------------------------
local regularizer = {}
local own = setmetatable({}, { __mode = "k" }) -- functions that the ones below gave

-- It does the same each time.
local function fixed(rule)
  own[rule] = true
  return rule
end

--- factor sum |w|.
function regularizer.l1(factor)
  factor = size("l1", 1, "factor", factor, 0.01)
  return fixed(function(w) return w:abs():sum() * factor end)
end

--- factor sum w^2.
function regularizer.l2(factor)
  factor = size("l2", 1, "factor", factor, 0.01)
  return fixed(function(w) return w:square():sum() * factor end)
end

--- l1 sum |w| + l2 sum w^2.
function regularizer.l1_l2(l1, l2)
  l1, l2 = size("l1_l2", 1, "l1", l1, 0), size("l1_l2", 2, "l2", l2, 0)
  return fixed(function(w) return w:abs():sum() * l1 + w:square():sum() * l2 end)
end

--- factor times the mean |cosine| of the angles between all pairs of columns, or of rows, of a matrix.
function regularizer.orthogonal(factor, mode)
  factor = size("orthogonal", 1, "factor", factor, 0.01)
  mode = mode == nil and "columns" or mode -- Keras's rows: its matrices lie the other way
  if mode ~= "columns" and mode ~= "rows" then core.badarg(2, "orthogonal", "mode: 'columns' or 'rows' expected, got " .. core.got(mode)) end
  return fixed(function(w)
    if w:dim() ~= 2 then core.raise(string.format("orthogonal: matrix expected, got shape (%s)", table.concat(w:shape(), ", "))) end
    local vectors = mode == "columns" and w:t() or w
    local n = vectors:size(1)
    if n < 2 then return w:sum() * 0 end
    local unit = vectors * vectors:square():sum(2, true):clamp(EPSILON * EPSILON, math.huge):rsqrt()
    local between = unit:matmul(unit:t()) * (1 - core.eye(n, { dtype = w:dtype() }))
    return between:abs():sum() * (factor / (n * (n - 1)))
  end)
end

-- Do all of these rules come from luron.regularizer?
local function are_fixed(rules)
  for _, rule in pairs(rules) do
    if not own[rule] then return false end
  end
  return true
end

-- What it is, for messages.
local function shown(value) return core.is_tensor(value) and "shape " .. tostring(value:shape()) or core.got(value) end

-- What a rule gave for `name`, as a tensor without a dimension.
local function scalar(fn, name, value)
  if not core.is_tensor(value) or value:numel() ~= 1 then
    core.raise(string.format("%s: the rule for '%s' has to give a scalar, got %s", fn, name, shown(value)))
  end
  return value:reshape {}
end

--- The sum of what the rules, functions of a parameter by pattern of its name, give for a model's parameters.
local function penalty(model, rules)
  check_model("penalty", model)
  local sum
  for _, found in ipairs(pattern.each("penalty", model, rules)) do
    local name, tensor, rule = table.unpack(found)
    local value = scalar("penalty", name, rule(tensor))
    sum = sum and sum + value or value
  end
  return sum or core.zeros {}
end

-- The layers, models and instances in a model, each once with its path; a layer has itself alone.
local function parts_of(model)
  local list, seen = {}, {}
  local function note(part, path)
    if path ~= "" and not seen[part] then list[#list + 1] = { path, part } end
    seen[part] = true
  end
  if core.is_layer(model) then
    local name = model:name()
    note(model, name and name ~= "" and name or model:type())
  elseif core.is_model(model) then
    for path, layer in model:named_layers() do note(layer, path) end
  else
    model:apply(note)
  end
  return list
end

--- Apply a model to inputs: the sum of what the rules, functions of an output by pattern of the path of the layer that gave it,
--- give for all outputs on the way, and what the model gives.
local function activity(model, rules, ...)
  check_model("activity", model)
  core.plan_refuse "looks at what layers give through hooks: luron.activity"
  local found, handles, sum = pattern.over("activity", "layer", parts_of(model), rules), {}, nil
  local _ <close> = setmetatable({}, { __close = function()
    for _, handle in ipairs(handles) do handle:remove() end
  end })
  for _, item in ipairs(found) do
    local name, part, rule = table.unpack(item)
    handles[#handles + 1] = part:register_forward_hook(function(_, _, ...)
      for i = 1, select("#", ...) do
        local y = select(i, ...)
        if core.is_tensor(y) then
          local value = scalar("activity", name, rule(y))
          sum = sum and sum + value or value
        end
      end
    end)
  end
  local outputs = table.pack(model(...))
  return sum or core.zeros {}, table.unpack(outputs, 1, outputs.n)
end

-- ---- constraints: functions that give the new weights -------------------------------------------------------------------
local constraint = {}

local function check_dims(fn, arg, dims)
  if dims == nil or math.type(dims) == "integer" then return dims end
  local good = type(dims) == "table" and #dims > 0 and not debug.getmetatable(dims)
  for _, dim in ipairs(good and dims or {}) do good = good and math.type(dim) == "integer" end
  if not good then core.badarg(arg, fn, "dims: integer or list of integers expected, got " .. core.got(dims)) end
  return dims
end

-- Norms over dims: unless given over all but the first, so that there is one for each unit.
local function norms(w, dims)
  if w:dim() == 0 then return w:abs() end
  if dims == nil then
    dims = { w:dim() == 1 and 1 or nil }
    for i = 2, w:dim() do dims[#dims + 1] = i end
  end
  return w:square():sum(dims, true):sqrt()
end

--- Norms of at most max_value.
function constraint.max_norm(max_value, dims)
  max_value, dims = size("max_norm", 1, "max_value", max_value, 2), check_dims("max_norm", 2, dims)
  return function(w)
    local n = norms(w, dims)
    return w * (n:clamp(0, max_value) / (n + EPSILON))
  end
end

--- Norms from min_value to max_value; with a rate below 1 they move that share of the way.
function constraint.min_max_norm(min_value, max_value, rate, dims)
  min_value, max_value = size("min_max_norm", 1, "min_value", min_value, 0), size("min_max_norm", 2, "max_value", max_value, 1)
  rate, dims = size("min_max_norm", 3, "rate", rate, 1), check_dims("min_max_norm", 4, dims)
  if min_value > max_value then core.badarg(1, "min_max_norm", "min_value is above max_value") end
  return function(w)
    local n = norms(w, dims)
    return w * ((n:clamp(min_value, max_value) * rate + n * (1 - rate)) / (n + EPSILON))
  end
end

--- Norms of 1.
function constraint.unit_norm(dims)
  dims = check_dims("unit_norm", 1, dims)
  return function(w) return w / (norms(w, dims) + EPSILON) end
end

--- No number below 0.
function constraint.non_neg()
  return function(w) return w:clamp(0, math.huge) end
end

--- Put what the rules, functions of a parameter by pattern of its name, give in its place; all or nothing.
local function constrain(model, rules)
  check_model("constrain", model)
  core.no_grad(function()
    local found, values = pattern.each("constrain", model, rules), {}
    for i, item in ipairs(found) do
      local name, tensor, rule = table.unpack(item)
      local before = values[name] or tensor:detach()
      local value = rule(before)
      if not core.is_tensor(value) or table.concat(value:shape(), " ") ~= table.concat(tensor:shape(), " ") then
        core.raise(string.format("constrain: the rule for '%s' has to give a tensor of its shape, %s, got %s", name, tensor:shape(), shown(value)))
      end
      -- a plan reads no numbers: there the next loss is refused, as after any step
      if not core.is_planning() and value:is_floating() and not value:isfinite():all():item() then
        core.raise(string.format("constrain: the rule for '%s' gave numbers that are not finite", name))
      end
      values[name], values[i] = value, { tensor, name }
    end
    for _, target in ipairs(values) do target[1]:copy_(values[target[2]]) end
  end)
end

names.guard(regularizer, "luron.regularizer")
names.guard(constraint, "luron.constraint")
return { regularizer = regularizer, constraint = constraint, penalty = penalty, activity = activity, constrain = constrain, are_fixed = are_fixed }
