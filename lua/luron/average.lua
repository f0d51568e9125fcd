--- Averages of a model's weights: `local ema = luron.EMA(model, 0.999)`, `ema:update()` after every step, `ema:apply()` to
--- evaluate or save the model with the averages, `ema:restore()` to go on training.
local core = require "luron.core"
local module = require "luron.module"
local names = require "luron.names"

local Average = {}
Average.__index = names.index(Average, "an average", "average", { decay = false, kept = false })
Average.__name = "luron.average"

local function check_self(self, where)
  if getmetatable(self) ~= Average then core.badarg(0, where, "average expected, got " .. core.got(self)) end
end

-- The parameters now, by name and in order. They are looked up each time: a model may have been changed.
local function parameters(self)
  local list = {}
  for name, tensor in self.model:named_parameters() do list[#list + 1] = { name, tensor } end
  if #list ~= #self.averages then core.raise(string.format("%s: the model has %d parameters, it had %d", self.name, #list, #self.averages)) end
  return list
end

-- Averages that are applied, while they are: a step would be lost when restore puts the weights back.
local applied = setmetatable({}, { __mode = "k" })

local function refuse_step(opt)
  local stepped = {}
  for _, group in ipairs(opt.groups) do
    for _, tensor in ipairs(group.params) do stepped[tensor:id()] = true end
  end
  for average in pairs(applied) do
    for path, tensor in average.model:named_parameters() do
      if stepped[tensor:id()] then
        core.raise(string.format("step: '%s' has the averages of %s, which restore would take back with the step: call its restore first", path, average.name))
      end
    end
  end
end

local function note_applied(self, on)
  applied[self] = on
  core.before_step(next(applied) and refuse_step or nil)
end

local function make(name, model, decay)
  if not (core.is_model(model) or core.is_layer(model) or module.is_module(model)) then
    core.badarg(1, name, "model, layer or instance of a class expected, got " .. core.got(model))
  end
  local self = setmetatable({ name = name, model = model, decay = decay, done = 0, averages = {} }, Average)
  core.no_grad(function()
    for path, tensor in model:named_parameters() do self.averages[#self.averages + 1] = { path, tensor:detach():clone() } end
  end)
  if #self.averages == 0 then core.badarg(1, name, "the model has no parameters") end
  return self
end

local function ema(model, decay)
  if decay == nil then decay = 0.999 end
  if type(decay) ~= "number" or not (decay >= 0 and decay < 1) then
    core.badarg(2, "EMA", "decay: number of 0 to below 1 expected, got " .. core.got(decay))
  end
  return make("EMA", model, decay)
end

local function swa(model) return make("SWA", model) end

--- Take the weights of now into the averages. The first time they are the averages.
function Average:update()
  check_self(self, "update")
  if self.kept then core.raise(self.name .. ": update: the averages are applied; call restore first") end
  core.plan_refuse(string.format("counts updates of averages: call %s:update outside of the compiled function", self.name))
  local share = self.done == 0 and 1 or self.decay and 1 - self.decay or 1 / (self.done + 1)
  core.no_grad(function()
    for i, pair in ipairs(parameters(self)) do
      local average = self.averages[i][2]
      if share == 1 then average:copy_(pair[2]) else average:add_((pair[2] - average) * share) end
    end
  end)
  self.done = self.done + 1
end

local function put(self, values)
  core.no_grad(function()
    for i, pair in ipairs(parameters(self)) do pair[2]:copy_(values[i]) end
  end)
end

--- Put the averages into the model, and keep its weights for restore.
function Average:apply()
  check_self(self, "apply")
  if self.kept then core.raise(self.name .. ": apply: the averages are applied already") end
  core.plan_refuse(string.format("exchanges weights and averages: call %s:apply outside of the compiled function", self.name))
  local kept, values = {}, {}
  core.no_grad(function()
    for i, pair in ipairs(parameters(self)) do kept[i], values[i] = pair[2]:detach():clone(), self.averages[i][2] end
  end)
  put(self, values)
  self.kept = kept
  note_applied(self, true)
end

--- Put the weights back that apply has kept.
function Average:restore()
  check_self(self, "restore")
  if not self.kept then core.raise(self.name .. ": restore: the averages are not applied") end
  put(self, self.kept)
  self.kept = nil
  note_applied(self, nil)
end

--- How often update was called.
function Average:updates()
  check_self(self, "updates")
  core.plan_refuse "asks how often averages were updated"
  return self.done
end

--- Copies of the averages by name, and how often they were updated.
function Average:state()
  check_self(self, "state")
  local tensors = {}
  core.no_grad(function()
    for _, pair in ipairs(self.averages) do tensors[pair[1]] = pair[2]:clone() end
  end)
  return { updates = self.done, tensors = tensors }
end

--- Put the averages into a checkpoint that is being written.
local function write(self, handle)
  for _, pair in ipairs(self.averages) do handle:set_tensor("training/ema/" .. pair[1], pair[2]) end
  handle:set_text("training/ema_updates", core.json_encode(self.done))
end

local function from_checkpoint(self, checkpoint)
  if checkpoint.training.ema_updates == nil then
    core.badarg(1, "load", string.format("%s holds no averages: it was saved without the option ema", checkpoint.path))
  end
  local tensors = {}
  for _, pair in ipairs(self.averages) do tensors[pair[1]] = checkpoint:tensor("training/ema/" .. pair[1]) end
  return { updates = checkpoint.training.ema_updates, tensors = tensors }
end

--- Go on from a state, or from a checkpoint that was saved with the option `ema`; all or nothing.
function Average:load(state)
  check_self(self, "load")
  if getmetatable(state) == require("luron.checkpoint").Checkpoint then state = from_checkpoint(self, state) end
  local function wrong(text) core.badarg(1, "load", text) end
  if type(state) ~= "table" then wrong("state: table expected, got " .. core.got(state)) end
  if math.type(state.updates) ~= "integer" or state.updates < 0 then
    wrong("updates: integer of at least 0 expected, got " .. core.got(state.updates))
  end
  if type(state.tensors) ~= "table" then wrong("tensors: table expected, got " .. core.got(state.tensors)) end
  for _, pair in ipairs(self.averages) do
    local from = state.tensors[pair[1]]
    if not core.is_tensor(from) then wrong(string.format("%s: tensor expected, got %s", pair[1], core.got(from))) end
    local got, expected = table.concat(from:shape(), ", "), table.concat(pair[2]:shape(), ", ")
    if got ~= expected then wrong(string.format("%s has shape (%s), expected (%s)", pair[1], got, expected)) end
  end
  core.no_grad(function()
    for _, pair in ipairs(self.averages) do pair[2]:copy_(state.tensors[pair[1]]) end
  end)
  self.done = state.updates
end

function Average:__tostring()
  check_self(self, "tostring")
  local how = self.decay and string.format("decay %g", self.decay) or "equal shares"
  return string.format("%s of %d parameters, %s, %d updates", self.name, #self.averages, how, self.done)
end

return { ema = ema, swa = swa, write = write, Average = Average }
