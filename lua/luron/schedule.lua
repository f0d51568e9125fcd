--- Learning-rate schedules: `local lr = luron.schedule.StepLR(opt, { step_size = 30 })`, then `lr:step()` after every epoch or
--- batch. Names, options, defaults and numbers are PyTorch's. A rate follows from the number of steps and the base rate of its
--- group alone, so that what a checkpoint keeps is little, and schedules can stand one behind the other.
local core = require "luron.core"
local module = require "luron.module"

local Schedule = {}
Schedule.__index = Schedule
Schedule.__name = "luron.schedule"

local function is_schedule(value) return getmetatable(value) == Schedule end

-- ---- options -----------------------------------------------------------------------------------------------------------
local function is_number(value) return type(value) == "number" and value == value and math.abs(value) < math.huge end
local function is_list_of(check)
  return function(value)
    if type(value) ~= "table" or #value == 0 or debug.getmetatable(value) then return false end
    for _, item in ipairs(value) do
      if not check(item) then return false end
    end
    return true
  end
end
local function is_size(value) return is_number(value) and value >= 0 end
local function is_count(value) return math.type(value) == "integer" and value >= 0 end
local function one_of(first, second)
  return function(value) return value == first or value == second end
end

local kinds = {
  number = is_number,
  boolean = function(value) return type(value) == "boolean" end,
  ["number of at least 0"] = is_size,
  ["number above 0"] = function(value) return is_number(value) and value > 0 end,
  ["number of 0 to 1"] = function(value) return is_size(value) and value <= 1 end,
  ["number of 0 to below 1"] = function(value) return is_size(value) and value < 1 end,
  ["positive integer"] = function(value) return is_count(value) and value > 0 end,
  ["integer of at least 0"] = is_count,
  ["list of integers"] = is_list_of(is_count),
  ["number of at least 0, or a list of one for each group"] = function(value) return is_size(value) or is_list_of(is_size)(value) end,
  ["function, or a list of one for each group"] = function(value) return module.is_callable(value) or is_list_of(module.is_callable)(value) end,
  ["list of schedules"] = is_list_of(is_schedule),
  schedule = is_schedule,
  ["'cos' or 'linear'"] = one_of("cos", "linear"),
  ["'min' or 'max'"] = one_of("min", "max"),
  ["'rel' or 'abs'"] = one_of("rel", "abs"),
}

local function check_options(name, known, options)
  if options ~= nil and type(options) ~= "table" then core.badarg(2, name, "options: table expected, got " .. core.got(options)) end
  local checked = {}
  for key, value in pairs(options or {}) do
    local option = known[key]
    if not option then
      local names = {}
      for known_name in pairs(known) do names[#names + 1] = known_name end
      table.sort(names)
      core.badarg(2, name, string.format("no option %s; options: %s", core.got(key), table.concat(names, ", ")))
    elseif not kinds[option[1]](value) then
      core.badarg(2, name, string.format("%s: %s expected, got %s", key, option[1], core.got(value)))
    end
    checked[key] = value
  end
  for key, option in pairs(known) do
    if checked[key] == nil then checked[key] = option[2] end
    if checked[key] == nil and not option.optional then core.badarg(2, name, string.format("%s is missing: %s expected", key, option[1])) end
  end
  return checked
end

-- Of an option that may be a list of one for each group.
local function each_group(name, key, value, n)
  if is_number(value) or module.is_callable(value) then
    local list = {}
    for i = 1, n do list[i] = value end
    return list
  end
  if #value ~= n then core.badarg(2, name, string.format("%s: one for each of %d groups expected, got %d", key, n, #value)) end
  return value
end

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
  local known = {}
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
-- momenta or nil. begin = function(self) checks what one option alone does not tell.
local types = {}

local function rates_at(self, t)
  if self.type.rates then return self.type.rates(self, t) end
  local rates = {}
  for i, base in ipairs(self.base) do rates[i] = self.type.rate(self.options, base, t, i) end
  return rates
end

local gamma, factor = { "number of at least 0", 0.1 }, "number of at least 0"

types.StepLR = {
  options = { step_size = { "positive integer" }, gamma = gamma },
  rate = function(o, base, t) return base * o.gamma ^ (t // o.step_size) end,
}

types.MultiStepLR = {
  options = { milestones = { "list of integers" }, gamma = gamma },
  rate = function(o, base, t)
    local passed = 0
    for _, milestone in ipairs(o.milestones) do passed = passed + (milestone <= t and 1 or 0) end
    return base * o.gamma ^ passed
  end,
}

types.ExponentialLR = { options = { gamma = { factor } }, rate = function(o, base, t) return base * o.gamma ^ t end }

types.ConstantLR = {
  options = { factor = { factor, 1 / 3 }, total_iters = { "integer of at least 0", 5 } },
  rate = function(o, base, t) return t < o.total_iters and base * o.factor or base end,
}

types.LinearLR = {
  options = { start_factor = { factor, 1 / 3 }, end_factor = { factor, 1.0 }, total_iters = { "positive integer", 5 } },
  rate = function(o, base, t) return base * (o.start_factor + (o.end_factor - o.start_factor) * math.min(t, o.total_iters) / o.total_iters) end,
}

types.PolynomialLR = {
  options = { total_iters = { "positive integer", 5 }, power = { "number above 0", 1.0 } },
  rate = function(o, base, t) return base * (1 - math.min(t, o.total_iters) / o.total_iters) ^ o.power end,
}

local function cosine(from, to, share) return to + (from - to) * (1 + math.cos(math.pi * share)) / 2 end

types.CosineAnnealingLR = {
  options = { T_max = { "positive integer" }, eta_min = { "number of at least 0", 0 } },
  rate = function(o, base, t) return cosine(base, o.eta_min, t / o.T_max) end,
}

types.CosineAnnealingWarmRestarts = {
  options = { T_0 = { "positive integer" }, T_mult = { "positive integer", 1 }, eta_min = { "number of at least 0", 0 } },
  rate = function(o, base, t)
    local span = o.T_0
    if o.T_mult == 1 then t = t % span end
    while t >= span do
      t, span = t - span, span * o.T_mult
    end
    return cosine(base, o.eta_min, t / span)
  end,
}

types.LambdaLR = {
  options = { lr_lambda = { "function, or a list of one for each group" } },
  begin = function(self) self.options.lr_lambda = each_group("LambdaLR", "lr_lambda", self.options.lr_lambda, #self.base) end,
  rate = function(o, base, t, group)
    local times = o.lr_lambda[group](t)
    if not is_number(times) then core.raise("LambdaLR: the function has to give a number, got " .. core.got(times)) end
    return base * times
  end,
}

-- Phases of OneCycleLR: { last step, from, to }, where a point of the cycle is { rate, momentum }.
local function one_cycle_begin(self)
  local o, n = self.options, #self.base
  if not o.total_steps and not (o.epochs and o.steps_per_epoch) then
    core.badarg(2, "OneCycleLR", "total_steps, or epochs and steps_per_epoch, expected")
  end
  o.total_steps = o.total_steps or o.epochs * o.steps_per_epoch
  self.max_rates = each_group("OneCycleLR", "max_lr", o.max_lr, n)
  for _, option in ipairs(o.cycle_momentum and core.type_info("optim", self.opt:type()).options or {}) do
    if option == "momentum" or option == "beta1" then self.momentum = option end
  end
  if o.cycle_momentum and not self.momentum then
    core.badarg(1, "OneCycleLR", string.format("%s has neither momentum nor beta1: give cycle_momentum = false", self.opt:type()))
  end
  local last, up = o.total_steps - 1, o.pct_start * o.total_steps - 1
  if o.three_phase then
    self.phases = { { up, "start", "max" }, { 2 * up, "max", "start" }, { last, "start", "min" } }
  else
    self.phases = { { up, "start", "max" }, { last, "max", "min" } }
  end
end

local function one_cycle_rates(self, t)
  local o, from, phase = self.options, 0, nil
  if t > o.total_steps then core.raise(string.format("OneCycleLR: step %d of a cycle of %d", t, o.total_steps)) end
  for i, candidate in ipairs(self.phases) do
    phase = candidate
    if t <= phase[1] or i == #self.phases then break end
    from = phase[1]
  end
  local share = phase[1] > from and math.min((t - from) / (phase[1] - from), 1) or 1
  local function between(a, b) return o.anneal_strategy == "cos" and cosine(a, b, share) or a + (b - a) * share end
  local rates, momenta = {}, self.momentum and { option = self.momentum }
  for i, highest in ipairs(self.max_rates) do
    local start = highest / o.div_factor
    local rate = { start = start, max = highest, min = start / o.final_div_factor }
    local momentum = { start = o.max_momentum, max = o.base_momentum, min = o.max_momentum }
    rates[i] = between(rate[phase[2]], rate[phase[3]])
    if momenta then momenta[i] = between(momentum[phase[2]], momentum[phase[3]]) end
  end
  return rates, momenta
end

types.OneCycleLR = {
  options = {
    max_lr = { "number of at least 0, or a list of one for each group" }, total_steps = { "positive integer", optional = true },
    epochs = { "positive integer", optional = true }, steps_per_epoch = { "positive integer", optional = true },
    pct_start = { "number of 0 to 1", 0.3 }, anneal_strategy = { "'cos' or 'linear'", "cos" }, cycle_momentum = { "boolean", true },
    base_momentum = { "number of 0 to below 1", 0.85 }, max_momentum = { "number of 0 to below 1", 0.95 },
    div_factor = { "number above 0", 25 }, final_div_factor = { "number above 0", 1e4 }, three_phase = { "boolean", false },
  },
  begin = one_cycle_begin,
  rates = one_cycle_rates,
}

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

types.WarmupLR = {
  options = { steps = { "positive integer" }, start_factor = { factor, 0 }, schedule = { "schedule", optional = true } },
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
  },
  begin = function(self)
    self.min_rates = each_group("ReduceLROnPlateau", "min_lr", self.options.min_lr, #self.base)
    self.progress = { bad = 0, cooldown = 0 }
  end,
  observe = observe,
}

-- ---- objects -----------------------------------------------------------------------------------------------------------
local function make(name, opt, options)
  local kind = types[name]
  if not core.is_optim(opt) then core.badarg(1, name, "optimiser expected, got " .. core.got(opt)) end
  if name == "LambdaLR" and (module.is_callable(options) or is_list_of(module.is_callable)(options)) then options = { lr_lambda = options } end
  local self = setmetatable({ name = name, type = kind, opt = opt, options = check_options(name, kind.options, options), done = 0 }, Schedule)
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
  if self.type.observe then
    if core.is_tensor(metric) then metric = metric:item() end
    if type(metric) ~= "number" then core.badarg(1, "step", "metric: number expected, got " .. core.got(metric)) end
    self.type.observe(self, metric)
  else
    apply(self, rates_at(self, self.done + 1))
  end
  self.done = self.done + 1
end

--- Steps made so far.
function Schedule:steps()
  check_self(self, "steps")
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
  schedule[name] = function(opt, options) return make(name, opt, options) end
end

return schedule
