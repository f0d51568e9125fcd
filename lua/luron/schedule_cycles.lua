--- Schedules in cycles, which turn the momentum as well: { options, begin, rates = function(self, t), every }.
local core = require "luron.core"
local cosine = require("luron.schedule_rates").cosine
local each_group = require("luron.schedule_options").each_group

local types = {}

-- The option of the optimiser that is its momentum.
local function momentum_of(self)
  local info = core.type_info("optim", self.opt:type())
  for _, option in ipairs(info and info.options or {}) do
    if option == "momentum" or option == "beta1" then return option end
  end
  core.badarg(1, self.name, string.format("%s has neither momentum nor beta1: give cycle_momentum = false", self.opt:type()))
end

-- Phases of OneCycleLR: { last step, from, to }, where a point of the cycle is { rate, momentum }.
local function one_cycle_begin(self)
  local o = self.options
  if not o.total_steps and not (o.epochs and o.steps_per_epoch) then
    core.badarg(2, "OneCycleLR", "total_steps, or epochs and steps_per_epoch, expected")
  end
  o.total_steps = o.total_steps or o.epochs * o.steps_per_epoch
  self.max_rates = each_group("OneCycleLR", "max_lr", o.max_lr, self.base)
  self.momentum = o.cycle_momentum and momentum_of(self)
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
  every = "step",
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

-- How high a cycle, or a step, goes: a share of the distance between base_lr and max_lr.
local scales = {
  triangular = { mode = "cycle", fn = function() return 1 end },
  triangular2 = { mode = "cycle", fn = function(cycle) return 1 / 2 ^ (cycle - 1) end },
  exp_range = { mode = "iterations", fn = function(t, o) return o.gamma ^ t end },
}

local function cyclic_rates(self, t)
  local o, scale = self.options, self.scale
  local total, peak = o.step_size_up + o.step_size_down, o.step_size_up / (o.step_size_up + o.step_size_down)
  local cycle = math.floor(1 + t / total)
  local x = 1 + t / total - cycle
  local height = (x <= peak and x / peak or (x - 1) / (peak - 1)) * scale.fn(scale.mode == "cycle" and cycle or t, o)
  local rates, momenta = {}, self.momentum and { option = self.momentum }
  for i, low in ipairs(self.base_rates) do
    rates[i] = low + (self.max_rates[i] - low) * height
    if momenta then momenta[i] = o.max_momentum - (o.max_momentum - o.base_momentum) * height end
  end
  return rates, momenta
end

types.CyclicLR = {
  every = "step",
  options = {
    base_lr = { "number of at least 0, or a list of one for each group" }, max_lr = { "number of at least 0, or a list of one for each group" },
    step_size_up = { "number above 0", 2000 }, step_size_down = { "number above 0", optional = true },
    mode = { "'triangular', 'triangular2' or 'exp_range'", "triangular" }, gamma = { "number above 0", 1.0 },
    scale_fn = { "function", optional = true }, scale_mode = { "'cycle' or 'iterations'", "cycle" }, cycle_momentum = { "boolean", true },
    base_momentum = { "number of 0 to below 1", 0.8 }, max_momentum = { "number of 0 to below 1", 0.9 },
  },
  begin = function(self)
    local o = self.options
    o.step_size_down = o.step_size_down or o.step_size_up
    self.scale = o.scale_fn and { mode = o.scale_mode, fn = o.scale_fn } or scales[o.mode]
    self.base_rates = each_group(self.name, "base_lr", o.base_lr, self.base)
    self.max_rates = each_group(self.name, "max_lr", o.max_lr, self.base)
    self.momentum = o.cycle_momentum and momentum_of(self)
  end,
  rates = cyclic_rates,
}

return types
