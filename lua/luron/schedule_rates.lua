--- Schedules whose rate follows from the base and the number of steps alone: those of PyTorch, whose names end in LR, and of Keras.
--- A type is { options, rate = function(o, base, t, group), every }; begin = function(self) checks what one option does not tell.
local core = require "luron.core"
local options = require "luron.schedule_options"

local types = {}
local is_number, each_group = options.is_number, options.each_group

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
  begin = function(self) self.options.lr_lambda = each_group("LambdaLR", "lr_lambda", self.options.lr_lambda, self.base) end,
  rate = function(o, base, t, group)
    local times = o.lr_lambda[group](t)
    if not is_number(times) then core.raise("LambdaLR: the function has to give a number, got " .. core.got(times)) end
    return base * times
  end,
}

-- The factors are multiplied as they come: the product for t follows from that for t - 1.
types.MultiplicativeLR = {
  options = { lr_lambda = { "function, or a list of one for each group" } },
  begin = function(self)
    self.options.lr_lambda = each_group("MultiplicativeLR", "lr_lambda", self.options.lr_lambda, self.base)
    self.options.products = {}
  end,
  rate = function(o, base, t, group)
    local products = o.products[group] or { [0] = 1 }
    o.products[group] = products
    for k = #products + 1, t do
      local times = o.lr_lambda[group](k)
      if not is_number(times) then core.raise("MultiplicativeLR: the function has to give a number, got " .. core.got(times)) end
      products[k] = products[k - 1] * times
    end
    return base * products[t]
  end,
}

-- Attention is all you need (2017): the base is a factor, and the first step is 1.
types.NoamLR = {
  every = "step",
  options = { warmup_steps = { "positive integer", 4000 }, model_size = { "number above 0", 1 } },
  rate = function(o, base, t) return base * o.model_size ^ -0.5 * math.min((t + 1) ^ -0.5, (t + 1) * o.warmup_steps ^ -1.5) end,
}

-- ---- Keras -------------------------------------------------------------------------------------------------------------
local steps, staircase = { "number above 0" }, { "boolean", false }

local function periods(o, t) return o.staircase and t // o.decay_steps or t / o.decay_steps end

types.ExponentialDecay = {
  every = "step",
  options = { decay_steps = steps, decay_rate = { factor }, staircase = staircase },
  rate = function(o, base, t) return base * o.decay_rate ^ periods(o, t) end,
}

types.InverseTimeDecay = {
  every = "step",
  options = { decay_steps = steps, decay_rate = { factor }, staircase = staircase },
  rate = function(o, base, t) return base / (1 + o.decay_rate * periods(o, t)) end,
}

types.PolynomialDecay = {
  every = "step",
  options = { decay_steps = steps, end_learning_rate = { factor, 1e-4 }, power = { "number above 0", 1.0 }, cycle = { "boolean", false } },
  rate = function(o, base, t)
    local span = o.decay_steps
    if o.cycle then span = span * math.max(1, math.ceil(t / span)) else t = math.min(t, span) end
    return (base - o.end_learning_rate) * (1 - t / span) ^ o.power + o.end_learning_rate
  end,
}

types.PiecewiseConstantDecay = {
  every = "step",
  options = { boundaries = { "list of integers" }, values = { "list of numbers of at least 0" } },
  begin = function(self)
    local o = self.options
    if #o.values ~= #o.boundaries + 1 then
      core.badarg(2, self.name, string.format("%d boundaries need %d values, got %d", #o.boundaries, #o.boundaries + 1, #o.values))
    end
    for i = 2, #o.boundaries do
      if o.boundaries[i] <= o.boundaries[i - 1] then core.badarg(2, self.name, "boundaries: integers in ascending order expected") end
    end
  end,
  rate = function(o, _, t)
    for i, boundary in ipairs(o.boundaries) do
      if t <= boundary then return o.values[i] end
    end
    return o.values[#o.values]
  end,
}

types.CosineDecay = {
  every = "step",
  options = {
    decay_steps = steps, alpha = { factor, 0 }, warmup_steps = { "integer of at least 0", 0 },
    warmup_target = { "number of at least 0, or a list of one for each group", optional = true },
  },
  begin = function(self)
    local o = self.options
    if o.warmup_target then o.warmup_target = each_group(self.name, "warmup_target", o.warmup_target, self.base) end
    if o.warmup_steps > 0 and not o.warmup_target then core.badarg(2, self.name, "warmup_steps needs warmup_target, the rate to rise to") end
  end,
  rate = function(o, base, t, group)
    local top = o.warmup_target and o.warmup_target[group] or base
    if t < o.warmup_steps then return (top - base) * (t / o.warmup_steps) + base end
    return cosine(top, o.alpha * top, math.min((t - o.warmup_steps) / o.decay_steps, 1))
  end,
}

types.CosineDecayRestarts = {
  every = "step",
  options = { first_decay_steps = steps, t_mul = { "number of at least 1", 2.0 }, m_mul = { factor, 1.0 }, alpha = { factor, 0 } },
  rate = function(o, base, t)
    local span, height = o.first_decay_steps, 1
    while t >= span do
      t, span, height = t - span, span * o.t_mul, height * o.m_mul
    end
    return base * ((1 - o.alpha) * height * (1 + math.cos(math.pi * t / span)) / 2 + o.alpha)
  end,
}

return { types = types, cosine = cosine }
