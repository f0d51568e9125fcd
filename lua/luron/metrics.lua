--- Metrics: luron.metrics.F1 { average = "macro" }, an object with update(pred, target), value() and reset(), by hand or among the
--- options of evaluate and fit. Sums go by float64 and int64. What each is stands in a table of the modules in metrics/.
local core = require "luron.core"
local names = require "luron.names"

local kinds = {
  id = function(value) return math.type(value) == "integer" end,
  ["list of names"] = function(value)
    for _, name in ipairs(type(value) == "table" and value or { false }) do
      if type(name) ~= "string" then return false end
    end
    return true
  end,
}

local Metric = { __name = "luron.metric" }

local function is_metric(value) return type(value) == "table" and getmetatable(value) == Metric end

local function check_self(self, where)
  if not is_metric(self) then core.badarg(0, where, "metric expected, got " .. core.got(self)) end
end

local methods = {}

--- Take in what a model said of some examples, and what is so.
function methods:update(pred, target)
  check_self(self, "update")
  self.kind.update(self, pred, target)
  return self
end

--- The metric of all that was taken in: a number, or a tensor of one for each class.
function methods:value()
  check_self(self, "value")
  if self.state.n == 0 then core.raise(self.type .. ": value: nothing was taken in: call update first") end
  local value = core.no_grad(self.kind.value, self)
  return core.is_tensor(value) and value:dim() == 0 and value:item() or value
end

--- Forget what was taken in.
function methods:reset()
  check_self(self, "reset")
  self.state = { n = 0 }
  return self
end

--- What it is called in the results of evaluate: "f1".
function methods:name()
  check_self(self, "name")
  return self.kind.name
end

--- "max" or "min": what is better; nil: neither.
function methods:mode()
  check_self(self, "mode")
  return self.kind.mode
end

Metric.__index = names.index(methods, "a metric", "metric", { options = true, kind = false, state = false, type = false })

function Metric:__tostring()
  local list, shown = {}, ""
  for name, value in pairs(self.options) do
    if type(value) ~= "table" then list[#list + 1] = string.format("%s = %s", name, value) end
  end
  table.sort(list)
  if self.state.n > 0 then
    local value = self:value()
    shown = self.kind.show and "\n" .. self.kind.show(self, value) or " = " .. (type(value) == "number" and string.format("%.6g", value) or tostring(value))
  end
  return string.format("%s(%s)%s", self.type, table.concat(list, ", "), shown)
end

local function one_of(choices, value)
  for _, choice in ipairs(choices) do
    if choice == value then return true end
  end
  return false
end

local function make(name, kind, given)
  if given ~= nil and (type(given) ~= "table" or getmetatable(given)) then core.badarg(1, name, "options: table expected, got " .. core.got(given)) end
  local options, wanted, more = {}, {}, setmetatable({}, { __index = kinds })
  for key, option in pairs(kind.options or {}) do
    local choices = type(option[1]) == "table" and option[1]
    options[key], wanted[key] = option[2], choices and "one of " .. table.concat(choices, ", ") or option[1]
    if choices then more[wanted[key]] = function(value) return one_of(choices, value) end end
  end
  for key, value in pairs(names.options(1, name, given, wanted, more, "metric")) do options[key] = value end
  return setmetatable({ type = name, kind = kind, options = options }, Metric):reset()
end

-- Which module has what.
local home = {}
for module, list in pairs {
  classes = "Accuracy TopK Precision Recall FBeta F1 Specificity IoU Dice ConfusionMatrix MCC CohenKappa Hamming",
  curves = "ROCAUC PRAUC LogLoss Perplexity", numbers = "MAE MSE RMSE MAPE R2 Pearson", text = "EditDistance WER CER",
} do
  for name in list:gmatch "%S+" do home[name] = module end
end

local metrics = { is_metric = is_metric }

setmetatable(metrics, { __name = "luron.metrics", __index = function(t, name)
  local module = home[name]
  if not module then
    local known = { is_metric = true }
    for key in pairs(home) do known[key] = true end
    names.refuse("luron.metrics", "luron.metrics", name, known)
  end
  local kind = require("luron.metrics." .. module)[name]
  t[name] = function(options) return make(name, kind, options) end
  return t[name]
end })

--- The metrics among the options of `where`, by name and forgetful: { "F1", top = luron.metrics.TopK { k = 5 } }.
local function prepare(where, list)
  local found = {}
  for key, item in pairs(list) do
    local metric = type(item) == "string" and metrics[item]() or item
    if not is_metric(metric) then core.badarg(3, where, string.format("metrics: name or metric expected at %s, got %s", core.got(key), core.got(item))) end
    local name = type(key) == "string" and key or metric:name()
    if name == "loss" or name == "n" or name == "epoch" then core.badarg(3, where, "metrics: '" .. name .. "' is the name of something else") end
    if found[name] then core.badarg(3, where, "metrics: there are two of the name '" .. name .. "': give names, { first = ..., second = ... }") end
    found[name] = metric:reset()
  end
  return found
end

getmetatable(metrics).prepare = prepare -- for evaluate and fit
return metrics
