-- Learning-rate schedules, clipping of gradients, averages of weights.
local luron = require "luron"
local nn, optim, schedule = luron.nn, luron.optim, luron.schedule

local source = os.getenv "LURON_TEST_SOURCE" or "."
local values = dofile(source .. "/tests/data/schedule_values.lua")
local STEPS = 60

local function weight(v) return luron.tensor(v, { dtype = "float64", requires_grad = true }) end
local function two_groups() return optim.SGD({ { params = weight { 1 }, lr = 0.5 }, { params = weight { 1 }, lr = 0.125 } }, { momentum = 0.5 }) end

-- The metric of make_schedule.py.
local function metric(t) return 2.0 + math.max(0, 12 - t) + (t < 35 and 0.5 or 0.0) + 0.0625 * ((t * 7) % 5) end

local function make(case, opt)
  local options = case[2]
  if type(options) == "function" and not case[1]:find "^[LM].*L.*R$" then options = options(schedule, opt) end
  return schedule[case[1]](opt, options)
end

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end

describe("schedules", function()
  it("have the numbers of PyTorch and Keras, in every group", function()
    local n, seen = 0, {}
    for i, case in ipairs(values.rates) do
      local opt = two_groups()
      local lr = make(case, opt)
      for t = 0, STEPS do
        if t > 0 then lr:step(metric(t)) end
        for k, got in ipairs { opt.groups[1].lr, opt.groups[2].lr, opt.groups[1].momentum } do
          local want = case[2 + k][t + 1]
          assert.is_true(math.abs(got - want) <= 1e-12, string.format("case %d, %s, step %d: %.17g, expected %.17g", i, case[1], t, got, want))
          n = n + 1
        end
      end
      assert.are.same({ opt.groups[1].lr, opt.groups[2].lr }, lr:rates())
      assert.are.equal(STEPS, lr:steps())
      seen[case[1]] = true
    end
    for name in pairs(schedule) do assert.is_true(seen[name], name) end
    assert.are.equal(45 * 61 * 3, n)
  end)

  it("go on from a state that was JSON, with the same bits", function()
    local core = require "luron.core"
    for i, case in ipairs(values.rates) do
      local opt, again = two_groups(), two_groups()
      local lr, fresh = make(case, opt), nil
      for t = 1, STEPS do
        if t % 13 == 0 then
          again = two_groups()
          again:set { lr = 0.03 } -- what it stands on does not matter: the base is in the state
          fresh = make(case, again)
          fresh:restore(core.json_decode(core.json_encode(lr:state())))
        end
        lr:step(metric(t))
        if fresh then
          fresh:step(metric(t))
          assert.are.same(lr:rates(), fresh:rates(), string.format("case %d, %s, step %d", i, case[1], t))
          assert.are.equal(opt.groups[1].momentum, again.groups[1].momentum)
        end
      end
    end
  end)

  it("resume a training from a checkpoint with the same bits", function()
    local x = luron.randn(16, 3)
    local y = x:sum(2, true)
    local function train(model, opt, lr, steps)
      for _ = 1, steps do
        opt:zero_grad()
        nn.mse_loss(model(x), y):backward()
        opt:step()
        lr:step()
      end
    end
    local function start()
      local model = nn.Sequential { nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1) }
      local opt = optim.NAdam(model, { lr = 0.05 })
      local after = schedule.CosineAnnealingLR(opt, { T_max = 20 })
      return model, opt, schedule.WarmupLR(opt, { steps = 4, schedule = after })
    end
    local path = os.tmpname()
    local model, opt, lr = start()
    train(model, opt, lr, 7)
    model:save(path, { optim = opt, training = { schedule = lr:state() } })
    train(model, opt, lr, 12)
    local model2, opt2, lr2 = start()
    local checkpoint = assert(model2:restore(path))
    assert(checkpoint:restore_optim(opt2))
    lr2:restore(checkpoint.training.schedule)
    train(model2, opt2, lr2, 12)
    os.remove(path)
    assert.are.same(lr:rates(), lr2:rates())
    local theirs = model2:parameters()
    for i, p in ipairs(model:parameters()) do assert.are.equal(p:tobytes(), theirs[i]:tobytes()) end
  end)

  it("stand in each other", function()
    local function parts(opt)
      local cosine, exponential = schedule.CosineAnnealingLR(opt, { T_max = 10 }), schedule.ExponentialLR(opt, { gamma = 0.75 })
      return schedule.LinearLR(opt), cosine, exponential
    end
    local flat_opt, deep_opt = two_groups(), two_groups()
    local flat = schedule.SequentialLR(flat_opt, { schedules = { parts(flat_opt) }, milestones = { 5, 12 } })
    local first, second, third = parts(deep_opt)
    local inner = schedule.SequentialLR(deep_opt, { schedules = { second, third }, milestones = { 7 } })
    local deep = schedule.SequentialLR(deep_opt, { schedules = { first, inner }, milestones = { 5 } })
    for t = 1, 20 do
      flat:step()
      deep:step()
      assert.are.same(flat:rates(), deep:rates(), "step " .. t)
    end
    assert.is_true(math.abs(flat:rates()[1] - 0.5 * 0.75 ^ 8) < 1e-15)
  end)

  it("say after what a training steps them", function()
    local opt = two_groups()
    local step, exponential = schedule.StepLR(opt, { step_size = 2 }), schedule.ExponentialDecay(opt, { decay_steps = 5, decay_rate = 0.5 })
    assert.are.equal("epoch", step:every())
    assert.are.equal("step", exponential:every())
    assert.are.equal("step", schedule.OneCycleLR(opt, { max_lr = 1, total_steps = 5 }):every())
    assert.are.equal("step", schedule.StepLR(opt, { step_size = 2, every = "step" }):every())
    assert.are.equal("epoch", schedule.ChainedScheduler(opt, { schedules = { step, step } }):every())
    assert.are.equal("step", schedule.ChainedScheduler(opt, { schedules = { step, exponential } }):every())
    assert.are.equal("epoch", schedule.WarmupLR(opt, { steps = 2, every = "epoch" }):every())
  end)

  it("multiply in a chain, whatever the base", function()
    local opt = optim.SGD({ { params = weight { 1 }, lr = 0 }, { params = weight { 1 }, lr = 0.5 } })
    local cycle = schedule.CyclicLR(opt, { base_lr = 0.25, max_lr = 1, step_size_up = 2, cycle_momentum = false })
    local chained = schedule.ChainedScheduler(opt, { schedules = { cycle, schedule.ExponentialLR(opt, { gamma = 0.5 }) } })
    chained:step()
    chained:step()
    assert.are.same({ 0.0, 0.25 }, chained:rates()) -- 1 / 4 of the top
  end)

  it("take the rate as their base that the user has set since", function()
    local opt = optim.SGD(weight { 1 }, { lr = 0.5 })
    schedule.ConstantLR(opt, { factor = 0.5 })
    assert.are.equal(0.25, opt.groups[1].lr)
    schedule.ConstantLR(opt, { factor = 0.5 }) -- over the same base
    assert.are.equal(0.25, opt.groups[1].lr)
    opt:set { lr = 0.125 }
    schedule.ConstantLR(opt, { factor = 0.5 })
    assert.are.equal(0.0625, opt.groups[1].lr)
  end)

  it("turn beta1 where there is no momentum, and say where there is neither", function()
    local opt = optim.Adam(weight { 1 }, { lr = 0.1 })
    local lr = schedule.OneCycleLR(opt, { max_lr = 0.5, total_steps = 10 })
    assert.are.equal(0.95, opt.groups[1].beta1)
    for _ = 1, 9 do lr:step() end
    assert.is_true(math.abs(opt.groups[1].lr - 0.5 / 25 / 1e4) < 1e-15)
    lr:step() -- as often as the cycle is long
    fails("OneCycleLR: step 11 of a cycle of 10", lr.step, lr)
    assert.are.equal(10, lr:steps())
    fails("Adagrad has neither momentum nor beta1", schedule.OneCycleLR, optim.Adagrad(weight { 1 }), { max_lr = 1, total_steps = 5 })
    schedule.OneCycleLR(optim.Adagrad(weight { 1 }), { max_lr = 1, total_steps = 5, cycle_momentum = false })
  end)

  it("say what is wrong, and have changed nothing then", function()
    local opt, other = two_groups(), two_groups()
    local function refused(text, name, ...)
      fails(text, schedule[name], ...)
      assert.are.equal(0.5, opt.groups[1].lr)
    end
    refused("bad argument #1 to 'StepLR' (optimiser expected, got table)", "StepLR", {}, { step_size = 1 })
    refused("bad argument #2 to 'StepLR' (step_size is missing: positive integer expected)", "StepLR", opt)
    refused("step_size: positive integer expected, got 0", "StepLR", opt, { step_size = 0 })
    refused("no option 'step'; options: every, gamma, step_size", "StepLR", opt, { step = 1 })
    refused("gamma: number of at least 0 expected", "ExponentialLR", opt, { gamma = -1 })
    refused("gamma: number of at least 0 expected", "ExponentialLR", opt, { gamma = 0 / 0 })
    refused("options: table expected, got 5", "ExponentialLR", opt, 5)
    refused("milestones: list of integers expected", "MultiStepLR", opt, { milestones = { 1.5 } })
    refused("max_lr: one for each of 2 groups expected, got 3", "OneCycleLR", opt, { max_lr = { 1, 2, 3 }, total_steps = 5 })
    refused("total_steps, or epochs and steps_per_epoch, expected", "OneCycleLR", opt, { max_lr = 1, epochs = 5 })
    refused("mode: 'min' or 'max' expected, got 'least'", "ReduceLROnPlateau", opt, { mode = "least" })
    refused("lr_lambda: one for each of 2 groups expected, got 1", "LambdaLR", opt, { function() return 1 end })
    refused("LambdaLR: the function has to give a number, got nil", "LambdaLR", opt, function() end)
    refused("LambdaLR: rate of group 1: number of at least 0 expected, got -0.5", "LambdaLR", opt, function() return -1 end)
    refused("schedule 1 is over another optimiser", "SequentialLR", opt, { schedules = { schedule.ConstantLR(other) }, milestones = { 1 } })
    refused("needs a metric", "WarmupLR", opt, { steps = 2, schedule = schedule.ReduceLROnPlateau(opt) })
    local parts = {}
    for i = 1, 3 do parts[i] = schedule.ExponentialLR(opt, { gamma = 0.5 }) end
    refused("3 schedules need 2 milestones, got 1", "SequentialLR", opt, { schedules = parts, milestones = { 3 } })
    refused("ascending order", "SequentialLR", opt, { schedules = parts, milestones = { 3, 3 } })
    refused("schedule 1 is over another optimiser", "ChainedScheduler", opt, { schedules = { schedule.ConstantLR(other) } })
    refused("needs a metric", "ChainedScheduler", opt, { schedules = { schedule.ReduceLROnPlateau(opt) } })
    refused("max_lr is missing", "CyclicLR", opt, { base_lr = 1 })
    refused("mode: 'triangular', 'triangular2' or 'exp_range' expected, got 'square'", "CyclicLR", opt, { base_lr = 1, max_lr = 2, mode = "square" })
    refused("base_lr: one for each of 2 groups expected, got 1", "CyclicLR", opt, { base_lr = { 1 }, max_lr = 2 })
    refused("CyclicLR: rate of group 1: number of at least 0 expected", "CyclicLR", opt, { base_lr = 1, max_lr = 2, scale_fn = function() return -2 / 0 end })
    refused("2 boundaries need 3 values, got 2", "PiecewiseConstantDecay", opt, { boundaries = { 1, 2 }, values = { 1, 2 } })
    refused("boundaries: integers in ascending order expected", "PiecewiseConstantDecay", opt, { boundaries = { 2, 2 }, values = { 1, 2, 3 } })
    refused("warmup_steps needs warmup_target", "CosineDecay", opt, { decay_steps = 5, warmup_steps = 2 })
    refused("t_mul: number of at least 1 expected, got 0.5", "CosineDecayRestarts", opt, { first_decay_steps = 5, t_mul = 0.5 })
    refused("every: 'step' or 'epoch' expected, got 'batch'", "StepLR", opt, { step_size = 1, every = "batch" })
    fails("MultiplicativeLR: the function has to give a number, got nil", function()
      schedule.MultiplicativeLR(opt, function() end):step()
    end)
    local plateau = schedule.ReduceLROnPlateau(opt)
    fails("metric: number expected, got nil", plateau.step, plateau)
    plateau:step(luron.tensor(1.5))
    assert.are.equal(1, plateau:steps())
    fails("calling 'step' on a bad object (schedule expected, got table)", plateau.step, {})
  end)

  it("refuse states that are not theirs", function()
    local opt = two_groups()
    local lr, plateau = schedule.StepLR(opt, { step_size = 2 }), schedule.ReduceLROnPlateau(opt)
    local function with(key, value)
      local state = lr:state()
      state[key] = value
      return state
    end
    fails("state of StepLR: table expected, got nil", lr.restore, lr, nil)
    fails("one of the same type expected, got 'ReduceLROnPlateau'", lr.restore, lr, plateau:state())
    fails("steps, an integer of at least 0, expected, got -1", lr.restore, lr, with("steps", -1))
    fails("base, a list of 2 rates, expected", lr.restore, lr, with("base", { 1 }))
    fails("base, a list of 2 rates, expected", lr.restore, lr, with("base", { 1, 0 / 0 }))
    local cycle = schedule.OneCycleLR(opt, { max_lr = 1, total_steps = 5 })
    local state = cycle:state()
    state.steps = 9
    local before = opt.groups[1].lr
    fails("step 9 of a cycle of 5", cycle.restore, cycle, state)
    assert.are.equal(0, cycle:steps())
    assert.are.equal(before, opt.groups[1].lr)
    assert.is_truthy(tostring(cycle):find("OneCycleLR, 0 steps, rates 0.04, 0.04", 1, true))
  end)
end)

describe("clipping", function()
  local function with_gradients(dtype)
    local a, b = weight { 0, 0, 0 }, weight { 0, 0 }
    if dtype then a, b = luron.zeros(3, { dtype = dtype, requires_grad = true }), luron.zeros(2, { dtype = dtype, requires_grad = true }) end
    a:set_grad(luron.tensor({ 3, -4, 0.5 }, { dtype = dtype or "float64" }))
    b:set_grad(luron.tensor({ 12, 0 }, { dtype = dtype or "float64" }))
    return a, b
  end
  local function near(want, tensor)
    for i, value in ipairs(tensor:totable()) do assert.is_true(math.abs(value - want[i]) < 1e-12, value .. ", expected " .. want[i]) end
  end

  it("by norm has the numbers of PyTorch", function()
    for _, case in ipairs(values.norms) do
      local a, b = with_gradients()
      local norm = luron.clip_grad_norm({ a, b, a, weight { 1 } }, case[1], { norm_type = case[2] }):item()
      assert.is_true(math.abs(norm - case[3]) < 1e-12, norm .. ", expected " .. case[3])
      near(case[4], a:grad())
      near(case[5], b:grad())
    end
  end)

  it("takes models, optimisers and instances, in float32 too", function()
    local model = nn.Sequential { nn.Linear(3, 4), nn.Linear(4, 1) }
    local M = nn.class "SpecClip"
    function M:init(part) self.part = part end
    for _, what in ipairs { model, optim.SGD(model, { lr = 1 }), M(model), { model }, model:parameters() } do
      model:zero_grad();
      (model(luron.randn(8, 3)) * 100):sum():backward()
      local before = luron.clip_grad_norm(what, 0.5):item()
      assert.is_true(before > 0.5)
      assert.is_true(math.abs(luron.clip_grad_norm(what, 0.5):item() - 0.5) < 1e-5)
    end
  end)

  it("does not overflow where float32 squares would, and leaves what is not finite to the step", function()
    local a, b = with_gradients "float32"
    a:set_grad(luron.tensor({ 3e30, 4e30, 0 }))
    b:set_grad(luron.zeros(2))
    local norm = luron.clip_grad_norm({ a, b }, 1):item()
    assert.is_true(math.abs(norm / 5e30 - 1) < 1e-6)
    assert.is_true(math.abs(a:grad()[2]:item() - 0.8) < 1e-6)
    a:set_grad(luron.tensor({ 3e-30, 4e-30, 0 }))
    assert.is_true(math.abs(luron.clip_grad_norm({ a, b }, 1):item() / 5e-30 - 1) < 1e-6)
    local wide = with_gradients()
    wide:set_grad(luron.tensor({ 3e160, 4e160, 0 }, { dtype = "float64" }))
    assert.is_true(math.abs(luron.clip_grad_norm({ a, wide }, 1):item() / 5e160 - 1) < 1e-12)
    assert.is_true(math.abs(wide:grad()[2]:item() - 0.8) < 1e-12)
    a:set_grad(luron.ones(3)) -- float32 beside what float32 does not hold
    wide:set_grad(luron.tensor({ 3e200, 4e200, 0 }, { dtype = "float64" }))
    assert.is_true(math.abs(luron.clip_grad_norm({ a, wide }, 1):item() / 5e200 - 1) < 1e-12)
    assert.is_true(math.abs(wide:grad()[2]:item() - 0.8) < 1e-12)
    for _, unit in ipairs { 1e200, 1e-200 } do
      wide:set_grad(luron.tensor({ 3 * unit, 4 * unit, 0 }, { dtype = "float64" }))
      assert.is_true(math.abs(luron.clip_grad_norm(wide, 1):item() / (5 * unit) - 1) < 1e-12)
    end
    a:set_grad(luron.tensor({ 1, 0 / 0, 0 }))
    norm = luron.clip_grad_norm({ a, b }, 1):item()
    assert.is_true(norm ~= norm)
    assert.are.equal(1.0, a:grad()[1]:item())
    a:set_grad(luron.tensor({ 1, 1 / 0, 0 }))
    assert.are.equal(math.huge, luron.clip_grad_norm({ a, b }, 1):item())
    assert.are.equal(1.0, a:grad()[1]:item())
    assert.are.equal(0.0, luron.clip_grad_norm({}, 1):item())
  end)

  it("leaves alone what shares memory with a gradient", function()
    local a, b = weight { 0, 0 }, weight { 0, 0 }
    local g = luron.tensor({ 3, 4 }, { dtype = "float64" })
    a:set_grad(g)
    b:set_grad(g)
    assert.is_true(math.abs(luron.clip_grad_norm({ a, b }, 1):item() - 50 ^ 0.5) < 1e-12)
    assert.are.same({ 3.0, 4.0 }, g:totable())
    assert.is_true(math.abs(luron.clip_grad_norm({ a, b }, 1):item() - 1) < 1e-6)
  end)

  it("by norm takes parameters without dims", function()
    for _, dtype in ipairs { "float32", "float64" } do
      local a, b = luron.tensor(3.0, { dtype = dtype, requires_grad = true }), luron.tensor({ 4.0 }, { dtype = dtype, requires_grad = true })
      for _ = 1, 2 do
        a:set_grad(luron.tensor(3.0, { dtype = dtype }))
        b:set_grad(luron.tensor({ 4.0 }, { dtype = dtype }))
        assert.are.equal(5.0, luron.clip_grad_norm({ a, b }, 2.5):item())
        assert.is_true(math.abs(a:grad():item() - 1.5) < 1e-6 and math.abs(b:grad()[1]:item() - 2) < 1e-6)
      end
    end
  end)

  it("by norm is part of a plan, and leaves what is not finite to the step, which names the parameter", function()
    local function clipped()
      local net = nn.Linear(3, 1, { bias = false })
      net.weight = luron.tensor { { 1.0, 2.0, 3.0 } }
      local opt = luron.optim.SGD(net, { lr = 0.1 })
      return net, function(x)
        opt:zero_grad()
        local loss = (net.weight * x):abs():sqrt():sum()
        loss:backward()
        local norm = luron.clip_grad_norm(net, 0.25)
        opt:step()
        return loss, norm
      end
    end
    local net, step = clipped()
    local other, f = clipped()
    f = luron.compile(f)
    for i = 1, 8 do
      local x = luron.ones(3) * (i == 6 and 0 or i / 4)
      local ok, loss, norm = pcall(step, x)
      local same, got, got_norm = pcall(f, x)
      assert.are.equal(i ~= 6, ok)
      assert.are.equal(ok, same)
      if ok then
        assert.are.equal(loss:item(), got:item())
        assert.are.equal(norm:item(), got_norm:item())
        assert.are.equal("float64", norm:dtype())
      else
        assert.matches("gradient of 'weight' is not finite: .*", loss)
        assert.are.equal(loss:match "step %d: .*", got:match "step %d: .*")
      end
      assert.are.equal(net.weight:grad():tobytes(), other.weight:grad():tobytes())
      assert.are.equal(net.weight:tobytes(), other.weight:tobytes())
    end
    assert.matches("planned", luron.explain(f))
  end)

  it("by value cuts off at both ends", function()
    local a, b = with_gradients()
    luron.clip_grad_value({ a, b }, 2.5)
    assert.are.same({ 2.5, -2.5, 0.5 }, a:grad():totable())
    assert.are.same({ 2.5, 0.0 }, b:grad():totable())
  end)

  it("says what is wrong", function()
    local a = with_gradients()
    fails("bad argument #1 to 'clip_grad_norm' (parameters: model, optimiser or list of tensors expected, got 5)", luron.clip_grad_norm, 5, 1)
    fails("max: number above 0 expected, got 0", luron.clip_grad_norm, { a }, 0)
    fails("max: number above 0 expected, got nil", luron.clip_grad_norm, { a })
    fails("norm_type: number above 0 expected, got 'two'", luron.clip_grad_norm, { a }, 1, { norm_type = "two" })
    fails("no option 'norm'; options: norm_type", luron.clip_grad_norm, { a }, 1, { norm = 1 })
    fails("limit: number above 0 expected, got -1", luron.clip_grad_value, { a }, -1)
  end)
end)

describe("averages of weights", function()
  local function numbers(t) return luron.tensor({ { t * t % 7 - 2.5, 0.25 * t, 1.0 / t } }, { dtype = "float64" }) end
  local function put(model, t)
    luron.no_grad(function() model.weight:copy_(numbers(t)) end)
  end
  local function linear() return nn.Linear(3, 1, false):to "float64" end

  it("have the numbers of PyTorch", function()
    for _, name in ipairs { "ema", "swa" } do
      local model = linear()
      local average = name == "ema" and luron.EMA(model, 0.875) or luron.SWA(model)
      for t = 1, 10 do
        put(model, t)
        average:update()
        for i, value in ipairs(average:state().tensors.weight:totable()[1]) do
          assert.is_true(math.abs(value - values[name][t][i]) < 1e-12, name .. ", update " .. t)
        end
      end
      assert.are.equal(10, average:updates())
    end
  end)

  it("go into the model and out of it again", function()
    local model = linear()
    local ema = luron.EMA(model, 0.5)
    put(model, 1)
    ema:update()
    put(model, 2)
    ema:update()
    local trained, averaged = numbers(2):totable(), ((numbers(1) + numbers(2)) / 2):totable()
    ema:apply()
    assert.are.same(averaged, model.weight:totable())
    fails("EMA: apply: the averages are applied already", ema.apply, ema)
    local during = luron.optim.SGD(model, { lr = 0.1 })
    fails("step: 'weight' has the averages of EMA, which restore would take back with the step", during.step, during)
    local lbfgs = luron.optim.LBFGS(model)
    fails("step: 'weight' has the averages of EMA", lbfgs.step, lbfgs, function() end)
    assert.has_no_error(function() luron.optim.SGD(luron.ones(1):requires_grad_()):step() end)
    fails("call restore first", ema.update, ema)
    ema:restore()
    assert.are.same(trained, model.weight:totable())
    fails("EMA: restore: the averages are not applied", ema.restore, ema)
    assert.are.equal("EMA of 1 parameters, decay 0.5, 2 updates", tostring(ema))
  end)

  it("go on from a state", function()
    local model = linear()
    local ema, again = luron.EMA(model, 0.75), luron.EMA(model, 0.75)
    for t = 1, 4 do
      put(model, t)
      ema:update()
    end
    local before = ema:state()
    again:load(before)
    put(model, 5)
    ema:update()
    assert.are_not.equal(before.tensors.weight:tobytes(), ema:state().tensors.weight:tobytes())
    again:update()
    assert.are.equal(ema:state().tensors.weight:tobytes(), again:state().tensors.weight:tobytes())
    assert.are.equal(5, again:updates())
    local path = os.tmpname()
    local whole = nn.Sequential { nn.Linear(2, 3), nn.Linear(3, 1) }
    local saved, restored = luron.SWA(whole), luron.SWA(whole)
    saved:update()
    luron.no_grad(function()
      for _, p in ipairs(whole:parameters()) do p:normal_() end
    end)
    saved:update()
    whole:save(path, { ema = saved })
    local checkpoint = assert(whole:restore(path))
    os.remove(path)
    restored:load(checkpoint)
    assert.are.equal(2, restored:updates())
    for name, tensor in pairs(saved:state().tensors) do assert.are.equal(tensor:tobytes(), restored:state().tensors[name]:tobytes()) end
    fails("weight: tensor expected, got nil", ema.load, ema, checkpoint)
    whole:save(path)
    fails(path .. " holds no averages: it was saved without the option ema", restored.load, restored, assert(luron.checkpoint(path)))
    os.remove(path)
    fails("ema: average expected, got 5", whole.save, whole, path, { ema = 5 })
    local state = ema:state()
    state.tensors.weight = luron.zeros(2, 2)
    fails("weight has shape (2, 2), expected (1, 3)", ema.load, ema, state)
    fails("tensors: table expected, got nil", ema.load, ema, { updates = 1 })
    fails("weight: tensor expected, got nil", ema.load, ema, { updates = 1, tensors = {} })
    fails("decay: number of 0 to below 1 expected, got 1", luron.EMA, model, 1)
    fails("model, layer or instance of a class expected", luron.EMA, {}, 0.5)
    fails("calling 'update' on a bad object (average expected, got table)", ema.update, {})
  end)
end)
