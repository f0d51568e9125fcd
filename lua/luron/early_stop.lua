--- Early stopping for `fit`: watches a metric over the epochs and keeps the weights of the best.
local core = require "luron.core"
local no_option = require("luron.names").no_option

local known = {
  patience = { "positive integer", function(value) return math.type(value) == "integer" and value > 0 end, 5 },
  metric = { "'loss', 'accuracy' or the name of one of the metrics", function(value) return type(value) == "string" end, "loss" },
  min_delta = { "number of at least 0", function(value) return type(value) == "number" and value >= 0 end, 0 },
  restore_best = { "boolean", function(value) return type(value) == "boolean" end, true },
}

-- What is better of loss, accuracy, and the metrics that fit is given.
local function mode_of(name, metrics)
  if name == "loss" or name == "accuracy" then return name == "loss" and "min" or "max" end
  local mode = metrics[name] and metrics[name]:mode()
  if mode then return mode end
  local list = { "accuracy", "loss" }
  for other, metric in pairs(metrics) do list[#list + 1] = metric:mode() and other or nil end
  table.sort(list)
  core.badarg(3, "fit", string.format("early_stop: no metric '%s' to watch; there are: %s", name, table.concat(list, ", ")))
end

local function check_options(options)
  local checked = {}
  for name, kind in pairs(known) do checked[name] = kind[3] end
  for name, value in pairs(options) do
    local kind = known[name]
    if not kind then core.badarg(3, "fit", "early_stop: " .. no_option("early_stop", name, known)) end
    if not kind[2](value) then core.badarg(3, "fit", string.format("early_stop: %s: %s expected, got %s", name, kind[1], core.got(value))) end
    checked[name] = value
  end
  return checked
end

-- Every tensor that training may change, with a copy of it.
local function copy_weights(model)
  local copies = {}
  core.no_grad(function()
    for _, all in ipairs { "named_parameters", "named_states" } do
      for _, tensor in model[all](model) do copies[#copies + 1] = { tensor, tensor:detach():clone() } end
    end
  end)
  return copies
end

local Watch = {}
Watch.__index = Watch

--- Take in what `fit` notes of an epoch: true where it is time to stop. The metric is that of the validation where there is one.
function Watch:see(entry)
  local o, value = self.options, (entry.validation or entry)[self.options.metric]
  if value == nil then core.raise("fit: early_stop: there is no accuracy here: the targets are no class ids") end
  if type(value) ~= "number" then core.raise("fit: early_stop: " .. o.metric .. " is no number: give it another average") end
  local better = value == value and (not self.best or (self.mode == "min" and value < self.best - o.min_delta)
    or (self.mode == "max" and value > self.best + o.min_delta))
  self.bad = better and 0 or self.bad + 1
  if better then
    self.best, self.best_epoch = value, entry.epoch
    if o.restore_best then self.weights = copy_weights(self.model) end
  end
  return self.bad >= o.patience
end

--- Why it is time to stop.
function Watch:why()
  local o = self.options
  if not self.best then return string.format("stopped early: %s was no number in %d epochs", o.metric, self.bad) end
  return string.format("stopped early: %s was no better for %d epochs than the %.4f of epoch %d%s", o.metric, self.bad, self.best, self.best_epoch,
    o.restore_best and ", whose weights are back" or "")
end

--- Put the best weights back.
function Watch:finish()
  if not self.weights or self.bad == 0 then return end
  core.no_grad(function()
    for _, pair in ipairs(self.weights) do pair[1]:copy_(pair[2]) end
  end)
end

local function new(model, options, metrics)
  local checked = check_options(options)
  return setmetatable({ model = model, options = checked, mode = mode_of(checked.metric, metrics), bad = 0 }, Watch)
end

return { new = new }
