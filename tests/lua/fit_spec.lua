-- What fit adds to the plain loop: several batches a step, clipping, schedules, early stopping, penalties and constraints.
local luron = require "luron"
local nn, data, optim = luron.nn, luron.data, luron.optim

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end

local function copy(model, dtype)
  local net = nn.Sequential { nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1) }:to(dtype or "float64")
  luron.no_grad(function()
    local from = model and model:parameters()
    for i, p in ipairs(model and net:parameters() or {}) do p:copy_(from[i]) end
  end)
  return net
end

local function task(n)
  luron.seed(4)
  local x = luron.randn(n or 22, 3, { dtype = "float64" })
  return data.tensors(x, x:sum(2, true)), x, x:sum(2, true)
end

local function fit(model, ds, options)
  options.loss, options.progress, options.shuffle = options.loss or "mse_loss", false, false
  return luron.fit(model, ds, options)
end

local function distance(a, b)
  local most, theirs = 0, b:parameters()
  for i, p in ipairs(a:parameters()) do most = math.max(most, (p - theirs[i]):abs():amax():item()) end
  return most
end

describe("fit", function()
  it("takes several batches as one, and the last ones by their examples", function()
    local ds = task(22) -- 4 + 4 + 4, 4 + 4 + 2
    local one = copy()
    local several = copy(one)
    fit(one, ds, { epochs = 3, batch = 12, optim = optim.SGD(one, { lr = 0.1 }) })
    local opt = optim.SGD(several, { lr = 0.1 })
    local history = fit(several, ds, { epochs = 3, batch = 4, accumulate = 3, optim = opt })
    assert.is_true(distance(one, several) < 1e-12)
    assert.are.equal(6, opt:steps())
    assert.are.equal(3, #history)
    assert.is_true(history[3].loss < history[1].loss)
  end)

  it("has the bits of the loop written by hand", function()
    local ds, x, y = task(20)
    local byhand = copy()
    local inone = copy(byhand)
    local opt = optim.AdamW(byhand, { lr = 0.01 })
    local lr = luron.schedule.CosineDecay(opt, { decay_steps = 8 })
    local rules, limits = { ["weight$"] = luron.regularizer.l2(0.01) }, { ["weight$"] = luron.constraint.max_norm(0.5) }
    for _ = 1, 2 do
      for k = 0, 3 do
        local loss = nn.mse_loss(byhand(x:narrow(1, 5 * k + 1, 5)), y:narrow(1, 5 * k + 1, 5)) + luron.penalty(byhand, rules)
        opt:zero_grad()
        loss:backward()
        luron.clip_grad_norm(byhand, 0.5)
        luron.clip_grad_value(byhand, 0.25)
        opt:step()
        luron.constrain(byhand, limits)
        lr:step()
      end
    end
    local other = optim.AdamW(inone, { lr = 0.01 })
    local schedule = luron.schedule.CosineDecay(other, { decay_steps = 8 })
    local history = fit(inone, ds,
      { epochs = 2, batch = 5, optim = other, schedule = schedule, penalty = rules, constrain = limits, clip_norm = 0.5, clip_value = 0.25 })
    assert.matches("planned, %d+ things to do, .* run 6 times", luron.explain(history))
    assert.are.equal(0, distance(byhand, inone))
    assert.are.equal(8, schedule:steps())
    assert.are.same(lr:rates(), schedule:rates())
    assert.is_true(inone:parameters()[1]:square():sum(2):sqrt():amax():item() < 0.5 + 1e-6)
  end)

  it("has the bits of the loop written by hand where several batches make a step", function()
    local ds, x, y = task(20)
    local byhand = copy()
    local inone = copy(byhand)
    local opt, other = optim.AdamW(byhand, { lr = 0.01 }), optim.AdamW(inone, { lr = 0.01 })
    for _ = 1, 4 do
      for k = 0, 1 do -- of 8 and 8 rows; the 4 that are left make a step of their own
        local sizes = k == 0 and { 8, 8 } or { 4 }
        opt:zero_grad()
        for i, n in ipairs(sizes) do
          local at = 16 * k + 8 * (i - 1) + 1
          local loss = nn.mse_loss(byhand(x:narrow(1, at, n)), y:narrow(1, at, n))
          if #sizes > 1 then loss = loss * (n / 16) end
          loss:backward()
        end
        luron.clip_grad_norm(byhand, 0.05)
        opt:step()
      end
    end
    local history = fit(inone, ds, { epochs = 4, batch = 8, accumulate = 2, optim = other, clip_norm = 0.05 })
    assert.are.equal(0, distance(byhand, inone))
    assert.are.equal(8, other:steps())
    local _, planned = luron.explain(history):gsub("planned, %d+ things to do, %d+ bytes between them, %d+ in gradients and packed weights, run 2 times", "")
    assert.are.equal(2, planned)
  end)

  it("steps schedules after batches or epochs, as they say", function()
    local ds = task(20)
    local model = copy()
    local opt = optim.SGD(model, { lr = 0.1 })
    local step = luron.schedule.StepLR(opt, { step_size = 2 })
    fit(model, ds, { epochs = 4, batch = 5, optim = opt, schedule = step })
    assert.are.equal(4, step:steps())
    local every = luron.schedule.ExponentialLR(opt, { gamma = 0.5, every = "step" })
    fit(model, ds, { epochs = 2, batch = 5, accumulate = 2, optim = opt, schedule = every })
    assert.are.equal(4, every:steps())
    local plateau = luron.schedule.ReduceLROnPlateau(opt, { patience = 0, threshold = 1e9, threshold_mode = "abs" })
    local before = opt.groups[1].lr
    fit(model, ds, { epochs = 2, batch = 5, optim = opt, schedule = plateau, validate = ds })
    assert.is_true(opt.groups[1].lr < before)
    fails("schedule: it is over another optimiser", fit, model, ds, { optim = optim.SGD(model), schedule = step })
    fails("schedule: it is over another optimiser", fit, model, ds, { schedule = step })
    fails("schedule: schedule expected, got 'StepLR'", fit, model, ds, { schedule = "StepLR" })
  end)

  it("counts on from first_epoch", function()
    local ds, model = task(20), copy()
    local opt = optim.SGD(model, { lr = 0.1 })
    local step, seen = luron.schedule.StepLR(opt, { step_size = 2 }), {}
    local callbacks = { function(entry) seen[#seen + 1] = entry.epoch end }
    local history = fit(model, ds, { epochs = 2, optim = opt, schedule = step, callbacks = callbacks })
    assert.are.equal(2, #history)
    local path = os.tmpname()
    model:save(path, { optim = opt, epoch = 2, history = history, training = { schedule = step:state() } })
    local again = copy()
    local checkpoint = assert(luron.checkpoint(path))
    assert(again:restore(checkpoint))
    local other = optim.SGD(again, { lr = 0.1 })
    checkpoint:restore_optim(other)
    local resumed = luron.schedule.StepLR(other, { step_size = 2 })
    local rest = { epochs = 5, first_epoch = checkpoint.epoch + 1, optim = other, schedule = resumed, callbacks = callbacks }
    fails("schedule: it has made no step, and first_epoch is 3: schedule:restore(state) brings it there", fit, again, ds, rest)
    resumed:restore(checkpoint.training.schedule)
    history = fit(again, ds, rest)
    assert.are.same({ 1, 2, 3, 4, 5 }, seen)
    assert.are.equal(3, #history)
    assert.are.equal(3, history[1].epoch)
    assert.are.equal(5, resumed:steps())
    fit(model, ds, { epochs = 3, optim = opt, schedule = step })
    assert.are.equal(0, distance(model, again))
    assert.are.same({}, fit(model, ds, { epochs = 5, first_epoch = 6 })) -- all is done
    fails("bad argument #3 to 'fit' (first_epoch: at most 6 expected, one more than epochs, got 7)", fit, model, ds, { epochs = 5, first_epoch = 7 })
    fails("bad argument #3 to 'fit' (first_epoch: it is 3, so epochs is wanted too: the number of the last epoch)", fit, model, ds, { first_epoch = 3 })
    assert.are.equal(1, #fit(model, ds, { first_epoch = 1, progress = false }))
    fails("first_epoch: positive integer expected, got 0", fit, model, ds, { epochs = 5, first_epoch = 0 })
    fails("no option 'initial_epoch': it is called first_epoch, which is one more; options: ", fit, model, ds, { initial_epoch = 1 })
    local line = luron.progress(9, 20, 8)
    line:begin()
    assert.are.equal(8, line.epoch)
    fails("first: positive integer expected, got 0", luron.progress, 9, 20, 0)
    os.remove(path)
  end)

  it("stops early, and goes back to the best weights and state", function()
    local ds = task(20)
    for _, with in ipairs { { restore_best = true }, { restore_best = false } } do
      local model = copy()
      local opt, losses, best = optim.SGD(model, { lr = 0.05 }), {}, nil
      local function note(entry) -- after the third epoch it gets worse
        losses[entry.epoch] = entry.validation.loss
        if entry.epoch == 3 then
          best = copy(model)
          opt:set { maximize = true }
        end
      end
      local options = { epochs = 20, batch = 5, optim = opt, validate = ds, callbacks = { note } }
      options.early_stop = { patience = 2, restore_best = with.restore_best }
      local history = fit(model, ds, options)
      assert.are.equal(5, #history)
      assert.is_true(losses[3] < losses[4] and losses[3] < losses[5])
      assert.are.equal(with.restore_best, distance(model, best) == 0)
      assert.are.equal(with.restore_best, luron.evaluate(model, ds, { loss = "mse_loss" }).loss == losses[3])
    end
  end)

  it("watches what it is told to", function()
    luron.seed(1)
    local x = luron.randn(40, 2)
    local ds = data.tensors(x, x:sum(2):gt(0):long() + 1)
    local model = nn.Sequential { nn.Linear(2, 2) }
    local opt = optim.SGD(model, { lr = 0.5 })
    local history = fit(model, ds, { epochs = 50, optim = opt, loss = "cross_entropy", early_stop = { metric = "accuracy", patience = 3 } })
    assert.is_true(#history < 50)
    local best = 0
    for _, entry in ipairs(history) do best = math.max(best, entry.accuracy) end
    assert.is_true(luron.evaluate(model, ds).accuracy >= best - 0.05)
    history = fit(copy(), task(20), { epochs = 9, early_stop = { min_delta = 1e9, patience = 4 } })
    assert.are.equal(5, #history) -- the first is the best
    fails("early_stop: there is no accuracy here", fit, copy(), task(20), { early_stop = { metric = "accuracy" } })
    fails("early_stop: no option 'patient'; options: metric, min_delta, patience, restore_best", fit, copy(), task(20), { early_stop = { patient = 1 } })
    fails("early_stop: patience: positive integer expected, got 0", fit, copy(), task(20), { early_stop = { patience = 0 } })
    fails("bad argument #3 to 'fit' (early_stop: no metric 'mae' to watch; there are: accuracy, loss)", fit, copy(), task(20), { early_stop = { metric = "mae" } })
    fails("early_stop: table expected, got true", fit, copy(), task(20), { early_stop = true })
  end)

  it("says in its line what was asked for, and why it stopped", function()
    local script = os.tmpname()
    local file <close> = assert(io.open(script, "w"))
    file:write [[
      local luron = require "luron"
      luron.seed(1)
      local ds = luron.data.tensors(luron.randn(8, 2), luron.tensor { 1, 2, 1, 2, 1, 2, 1, 2 })
      luron.fit(luron.nn.Sequential { luron.nn.Linear(2, 2) }, ds, { epochs = 9, validate = ds,
        metrics = { mcc = luron.metrics.MCC(), all = luron.metrics.ConfusionMatrix() }, early_stop = { patience = 2, min_delta = 9 } })
    ]]
    file:close()
    local lines = dofile(os.getenv "LURON_TEST_SOURCE" .. "/tests/support/shell.lua").lines_of(os.getenv "LURON_TEST_BUILD" .. "/bin/luron " .. script)
    os.remove(script)
    assert.matches("^epoch 1/9 .*  validation loss %d%.%d+ accuracy %d+%.%d %% mcc %-?%d%.%d+$", lines[1])
    assert.matches("^stopped early: loss was no better for 2 epochs than the %d%.%d+ of epoch 1, whose weights are back$", lines[4])
    assert.equal(4, #lines)
  end)

  it("wants a batch at least", function()
    local model, empty, few = copy(), data.tensors(luron.zeros(0, 3), luron.zeros(0, 1)), data.tensors(luron.zeros(3, 3), luron.zeros(3, 1))
    local dropping = few:loader { batch = 4, drop_last = true }
    for name, fn in pairs { fit = fit, evaluate = luron.evaluate } do
      fails(string.format("bad argument #2 to '%s' (data: there is no example in it)", name), fn, model, empty, { loss = "mse_loss" })
      fails(string.format("bad argument #2 to '%s' (data: 3 examples make no batch of 4, and drop_last leaves the rest out)", name), fn, model, dropping,
        { loss = "mse_loss" })
      local nothing = setmetatable({ examples = function() return 3 end }, { __call = function() end })
      fails(string.format("bad argument #2 to '%s' (data: the loader gave no batch)", name), fn, model, nothing, { loss = "mse_loss" })
    end
    assert.is_true(model:is_training())
  end)

  it("has no loss of an epoch whose batches were all made before", function()
    local ds, model, best = task(8), copy(), {}
    local function restored()
      local loader = ds:loader { batch = 4 }
      for _ in loader do
        if loader:state().position == 9 then break end
      end
      local again = ds:loader { batch = 4 }
      again:restore(loader:state())
      return again
    end
    local opt = optim.SGD(model, { lr = 0.1 })
    local steps = luron.schedule.StepLR(opt, { step_size = 1, gamma = 0.5 })
    local history = fit(model, restored(), { epochs = 3, optim = opt, schedule = steps, early_stop = { patience = 2 },
      callbacks = { function(entry) best[#best + 1] = entry.loss or "none" end } })
    assert.are.equal(3, #history)
    assert.are.same({ epoch = 1 }, history[1])
    assert.are.same({ "none", history[2].loss, history[3].loss }, best)
    assert.is_true(history[2].loss == history[2].loss and history[3].loss < history[2].loss)
    assert.are.equal(3, steps:steps()) -- that of the first epoch too
    assert.are.equal(4, opt:steps())
    local plateau = luron.schedule.ReduceLROnPlateau(opt)
    history = fit(model, restored(), { epochs = 2, optim = opt, schedule = plateau, validate = ds })
    assert.is_true(history[1].loss == nil and history[1].validation.loss > 0)
    assert.are.equal(2, plateau:steps())
    plateau = luron.schedule.ReduceLROnPlateau(opt)
    fit(model, restored(), { epochs = 2, optim = opt, schedule = plateau })
    assert.are.equal(1, plateau:steps())
    fails("bad argument #2 to 'evaluate' (data: the loader gave no batch: it was restored at the end of an epoch)", luron.evaluate, model, restored(),
      { loss = "mse_loss" })
  end)

  it("tells on request whether its steps were planned, and if not, why", function()
    local set = task(24)
    local function explained(options, model)
      options.batch, options.epochs, options.loss, options.progress = 8, options.epochs or 2, options.loss or "mse_loss", false
      return luron.explain(luron.fit(model or copy(), set, options))
    end
    assert.is_truthy(explained({}):find "planned, %d+ things to do")
    for name, value in pairs { accumulate = 2, clip_norm = 1, clip_value = 1, penalty = { ["linear1/weight"] = luron.regularizer.l2() } } do
      assert.is_truthy(explained({ [name] = value, epochs = 4 }):find "planned, %d+ things to do", name)
    end
    local own_rule = function(w) return w:square():sum() end
    local Net = nn.class "SpecFitPlain"
    function Net:init(part) self.part = part end
    function Net:forward(x) return self.part(x) end
    for why, options in pairs {
      ["loss is Lua code"] = { loss = function(y, t) return nn.mse_loss(y, t) end },
      ["a rule of penalty is Lua code"] = { penalty = { ["linear1/weight"] = own_rule } },
      ["activity: hooks of layers"] = { activity = { linear1 = luron.regularizer.l2() } },
      ["accumulate: a plan takes 32 batches at most"] = { accumulate = 33 },
      ["the forward of a class is Lua code"] = { model = Net(copy()) },
    } do
      local model = options.model
      options.model = nil
      assert.is_truthy(explained(options, model):find("computed as they are: " .. why, 1, true), why)
    end
    assert.is_truthy(explained({}, nn.trace(Net(copy()), luron.ones(2, 3, { dtype = "float64" }))):find "planned, %d+ things to do")
    local model = copy()
    local opt = optim.SGD(model, { lr = 0.1 })
    local own = { step = function() opt:step() end, zero_grad = function() opt:zero_grad() end }
    assert.is_truthy(explained({ optim = own }, model):find("optim is no optimiser of luron", 1, true))
    fails("the function that luron.compile gave, or the history of luron.fit, expected, got", luron.explain, {})
    fails("expected, got nil", luron.explain, nil)
  end)

  it("says what is wrong", function()
    local ds, model = task(20), copy()
    fails("bad argument #3 to 'fit' (optim: LBFGS needs a closure: call opt:step(closure) in a loop of your own", fit, model, ds, { optim = optim.LBFGS(model) })
    fails("bad argument #3 to 'fit' (optim: none of its parameters belongs to the model", fit, model, ds, { optim = optim.SGD(copy()) })
    assert.are.equal(1, #fit(model, ds, { loss = "mse_loss", progress = false, optim = optim.SGD { model[1].weight, luron.ones(1, { requires_grad = true }) } }))
    fails("accumulate: positive integer expected, got 0", fit, model, ds, { accumulate = 0 })
    fails("clip_norm: number above 0 expected, got -1", fit, model, ds, { clip_norm = -1 })
    fails('rules: no parameter matches "bn"', fit, model, ds, { penalty = { bn = luron.regularizer.l2() } })
    fails("constrain: table expected, got 'non_neg'", fit, model, ds, { constrain = "non_neg" })
  end)
end)
