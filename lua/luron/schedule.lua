--- Learning-rate schedules: `local lr = luron.schedule.StepLR(opt, { step_size = 30 })`, then `lr:step()` after every epoch or
--- batch. Names, options, defaults and numbers are PyTorch's. A rate follows from the number of steps and the base rate of its
--- group alone, so that what a checkpoint keeps is little, and schedules can stand one behind the other.
local core = require "luron.core"
local module = require "luron.module"
local names = require "luron.names"
local options = require "luron.schedule_options"

local is_size, is_number, is_count, is_list_of, each_group = options.is_size, options.is_number, options.is_count, options.is_list_of, options.each_group

local Schedule = {}
Schedule.__index = names.index(Schedule, "a schedule", "schedule", { parts = false, progress = false })
Schedule.__name = "luron.schedule"

local function is_schedule(value) return getmetatable(value) == Schedule end

options.kinds["list of schedules"], options.kinds.schedule = is_list_of(is_schedule), is_schedule

-- ---- rates of an optimiser ---------------------------------------------------------------------------------------------
-- What schedules have set, by optimiser: { base, set } for each group. Of a rate that the user has set since, the base is itself.
local set_rates = setmetatable({}, { __mode = "k" })

local function base_rates(opt)
  local base, known = {}, set_rates[opt] or {}
  for i, group in ipairs(opt.groups) do
    local rate = group.lr
    base[i] = known[i] and known[i].set == rate and known[i].base or rate
  end
  return base
end

local function check_rates(self, rates)
  for i, rate in ipairs(rates) do
    if not is_size(rate) then
      core.raise(string.format("%s: rate of group %d: number of at least 0 expected, got %s", self.name, i, core.got(rate)))
    end
  end
end

local function apply(self, rates, momenta)
  local known, n = {}, #self.opt.groups
  if n ~= #self.base then core.raise(string.format("%s: the optimiser has %d groups, it had %d: make the schedule after add_group", self.name, n, #self.base)) end
  check_rates(self, rates)
  for i, group in ipairs(self.opt.groups) do
    group.lr = rates[i]
    if momenta then group[momenta.option] = momenta[i] end
    known[i] = { base = self.base[i], set = group.lr }
  end
  set_rates[self.opt] = known
end

-- ---- types -------------------------------------------------------------------------------------------------------------
-- types[name] = { options, rate = function(o, base, t, group) } or, in place of rate, rates = function(self, t): a list, and
-- momenta or nil. begin = function(self) checks what one option alone does not tell. every: what `fit` steps after, "epoch" unless given.
local types = {}
for name, kind in pairs(require("luron.schedule_rates").types) do types[name] = kind end
for name, kind in pairs(require "luron.schedule_cycles") do types[name] = kind end

local function rates_at(self, t)
  if self.type.rates then return self.type.rates(self, t) end
  local rates = {}
  for i, base in ipairs(self.base) do rates[i] = self.type.rate(self.options, base, t, i) end
  return rates
end

-- ---- of other schedules ------------------------------------------------------------------------------------------------
local function check_part(self, part, where)
  if part.opt ~= self.opt then core.badarg(2, self.name, where .. " is over another optimiser") end
  if part.type.observe then core.badarg(2, self.name, where .. " needs a metric, so it can be no part of another schedule") end
end

types.SequentialLR = {
  options = { schedules = { "list of schedules" }, milestones = { "list of integers" } },
  begin = function(self)
    local o = self.options
    self.parts = o.schedules
    for i, part in ipairs(self.parts) do check_part(self, part, "schedule " .. i) end
    if #o.milestones ~= #self.parts - 1 then
      core.badarg(2, self.name, string.format("%d schedules need %d milestones, got %d", #self.parts, #self.parts - 1, #o.milestones))
    end
    for i, milestone in ipairs(o.milestones) do
      if milestone <= (o.milestones[i - 1] or 0) then core.badarg(2, self.name, "milestones: positive integers in ascending order expected") end
    end
  end,
  rates = function(self, t)
    local part, from = self.parts[1], 0
    for i, milestone in ipairs(self.options.milestones) do
      if t >= milestone then part, from = self.parts[i + 1], milestone end
    end
    return rates_at(part, t - from)
  end,
}

-- PyTorch's multiply what the one before made of the rate; here each gives its share of the base.
types.ChainedScheduler = {
  options = { schedules = { "list of schedules" } },
  begin = function(self)
    self.parts = self.options.schedules
    for i, part in ipairs(self.parts) do check_part(self, part, "schedule " .. i) end
  end,
  rates = function(self, t)
    local rates, momenta = { table.unpack(self.base) }, nil
    for _, part in ipairs(self.parts) do
      local their, turned = rates_at(part, t)
      momenta = turned or momenta
      for i, rate in ipairs(their) do rates[i] = part.base[i] == 0 and 0 or rates[i] * (rate / part.base[i]) end
    end
    return rates, momenta
  end,
}

types.WarmupLR = {
  every = "step",
  options = { steps = { "positive integer" }, start_factor = { "number of at least 0", 0 }, schedule = { "schedule", optional = true } },
  begin = function(self)
    self.parts = { self.options.schedule }
    if self.options.schedule then check_part(self, self.options.schedule, "schedule") end
  end,
  rates = function(self, t)
    local o, goal, momenta = self.options, self.base, nil
    if o.schedule then goal, momenta = rates_at(o.schedule, math.max(t - o.steps, 0)) end
    if t >= o.steps then return goal, momenta end
    local rates = {}
    for i, rate in ipairs(goal) do rates[i] = rate * (o.start_factor + (1 - o.start_factor) * t / o.steps) end
    return rates, momenta
  end,
}

-- ---- by a metric -------------------------------------------------------------------------------------------------------
local function is_better(o, metric, best)
  if not best then return metric == metric and math.abs(metric) < math.huge end
  local margin = o.threshold_mode == "rel" and best * o.threshold or o.threshold
  if o.mode == "min" then return metric < best - margin end
  return metric > best + margin
end

local function observe(self, metric)
  local o, now = self.options, self.progress
  if is_better(o, metric, now.best) then
    now.best, now.bad = metric, 0
  else
    now.bad = now.bad + 1
  end
  if now.cooldown > 0 then now.cooldown, now.bad = now.cooldown - 1, 0 end
  if now.bad <= o.patience then return end
  now.cooldown, now.bad = o.cooldown, 0
  local rates = {}
  for i, group in ipairs(self.opt.groups) do
    local lower = math.max(group.lr * o.factor, self.min_rates[i])
    rates[i] = group.lr - lower > o.eps and lower or group.lr
  end
  apply(self, rates)
end

types.ReduceLROnPlateau = {
  options = {
    mode = { "'min' or 'max'", "min" }, factor = { "number of 0 to below 1", 0.1 }, patience = { "integer of at least 0", 10 },
    threshold = { "number of at least 0", 1e-4 }, threshold_mode = { "'rel' or 'abs'", "rel" }, cooldown = { "integer of at least 0", 0 },
    min_lr = { "number of at least 0, or a list of one for each group", 0 }, eps = { "number of at least 0", 1e-8 },
    metric = { "name", optional = true },
  },
  begin = function(self)
    self.min_rates = each_group("ReduceLROnPlateau", "min_lr", self.options.min_lr, self.base)
    self.progress = { bad = 0, cooldown = 0 }
  end,
  observe = observe,
}

-- ---- objects -----------------------------------------------------------------------------------------------------------
local function make(name, opt, given)
  local kind = types[name]
  if not core.is_optim(opt) then core.badarg(1, name, "optimiser expected, got " .. core.got(opt)) end
  if kind.options.lr_lambda and (module.is_callable(given) or is_list_of(module.is_callable)(given)) then given = { lr_lambda = given } end
  local self = setmetatable({ name = name, type = kind, opt = opt, options = options.check(name, kind.options, given), done = 0 }, Schedule)
  self.base = base_rates(opt)
  if kind.begin then kind.begin(self) end
  if not kind.observe then apply(self, rates_at(self, 0)) end
  return self
end

local function check_self(self, where)
  if not is_schedule(self) then core.badarg(0, where, "schedule expected, got " .. core.got(self)) end
end

--- The next rates. ReduceLROnPlateau needs a metric; the others leave it alone.
function Schedule:step(metric)
  check_self(self, "step")
  core.plan_refuse "changes options of an optimiser: step the schedule outside of the compiled function"
  if self.type.observe then
    if core.is_tensor(metric) then metric = metric:item() end
    if type(metric) ~= "number" then core.badarg(1, "step", "metric: number expected, got " .. core.got(metric)) end
    self.type.observe(self, metric)
  else
    apply(self, rates_at(self, self.done + 1))
  end
  self.done = self.done + 1
end

--- Does `fit` step after every batch, "step", or after every "epoch"?
function Schedule:every()
  check_self(self, "every")
  local every = self.options.every or self.type.every
  for _, part in ipairs(not every and self.parts or {}) do every = part:every() == "step" and "step" or every end
  return every or "epoch"
end

--- Steps made so far.
function Schedule:steps()
  check_self(self, "steps")
  core.plan_refuse "asks for the steps of a schedule"
  return self.done
end

--- The rates of the groups now.
function Schedule:rates()
  check_self(self, "rates")
  local rates = {}
  for i, group in ipairs(self.opt.groups) do rates[i] = group.lr end
  return rates
end

--- Where it is, as a table of numbers: for `model:save(path, { training = { schedule = lr:state() } })`.
function Schedule:state()
  check_self(self, "state")
  local state = { type = self.name, steps = self.done, base = { table.unpack(self.base) } }
  if self.progress then
    state.rates, state.best, state.bad, state.cooldown = self:rates(), self.progress.best, self.progress.bad, self.progress.cooldown
  end
  for i, part in ipairs(self.parts or {}) do
    state.schedules = state.schedules or {}
    state.schedules[i] = part:state()
  end
  return state
end

local function check_state(self, state)
  local function wrong(what, got) core.badarg(1, "restore", string.format("state of %s: %s expected, got %s", self.name, what, got)) end
  local n = #self.base
  if type(state) ~= "table" then wrong("table", core.got(state)) end
  if state.type ~= self.name then wrong("one of the same type", core.got(state.type)) end
  if not is_count(state.steps) then wrong("steps, an integer of at least 0,", core.got(state.steps)) end
  for _, key in ipairs { "base", self.progress and "rates" or nil } do
    if not is_list_of(is_size)(state[key]) or #state[key] ~= n then wrong(string.format("%s, a list of %d rates,", key, n), core.got(state[key])) end
  end
  if self.progress and not (is_count(state.bad) and is_count(state.cooldown) and (state.best == nil or is_number(state.best))) then
    wrong("numbers best, bad and cooldown", "others")
  end
  for i, part in ipairs(self.parts or {}) do check_state(part, type(state.schedules) == "table" and state.schedules[i] or nil) end
end

local function take_state(self, state)
  self.done, self.base = state.steps, { table.unpack(state.base) }
  if self.progress then self.progress = { best = state.best, bad = state.bad, cooldown = state.cooldown } end
  for i, part in ipairs(self.parts or {}) do take_state(part, state.schedules[i]) end
end

--- Go on from there, and set the rates. Options are those that this schedule was made with.
function Schedule:restore(state)
  check_self(self, "restore")
  check_state(self, state)
  local before = self:state()
  take_state(self, state)
  local ok, message = pcall(function()
    if self.progress then apply(self, state.rates) else apply(self, rates_at(self, self.done)) end
  end)
  if not ok then
    take_state(self, before)
    error(message, 0)
  end
end

function Schedule:__tostring()
  check_self(self, "tostring")
  local rates = {}
  for i, rate in ipairs(self:rates()) do rates[i] = string.format("%g", rate) end
  return string.format("%s, %d steps, rates %s", self.name, self.done, table.concat(rates, ", "))
end

local schedule = {}
for name in pairs(types) do
  schedule[name] = function(opt, given) return make(name, opt, given) end
end

return names.guard(schedule, "luron.schedule")
