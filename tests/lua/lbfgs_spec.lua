-- L-BFGS: PyTorch's numbers, all or nothing, going on from a checkpoint.
local luron = require "luron"
local nn, optim = luron.nn, luron.optim

local source = os.getenv "LURON_TEST_SOURCE" or "."
local values = dofile(source .. "/tests/data/lbfgs_values.lua")

local function weight(v, dtype) return luron.tensor(v, { dtype = dtype or "float64", requires_grad = true }) end
local function flat(params)
  local parts = {}
  for i, p in ipairs(params) do parts[i] = p:reshape(-1) end
  return luron.cat(parts, 1)
end

local functions = {}
function functions.rosenbrock(params)
  local x = flat(params)
  local n = #x
  local a, b = x:narrow(1, 1, n - 1), x:narrow(1, 2, n - 1)
  return (100 * (b - a ^ 2) ^ 2 + (1 - a) ^ 2):sum()
end
function functions.quartic(params)
  local x = flat(params)
  return (luron.arange(1, #x):to(x:dtype()) * (x - 0.5) ^ 2):sum() + (x ^ 4):sum() + x:sin():sum()
end

local function start(dtype) return { weight({ -1.5, 1.25 }, dtype), weight({ { 0.5, -0.75, 2.0 } }, dtype) } end
local function closure_of(opt, fn, params, losses)
  return function()
    opt:zero_grad()
    local loss = fn(params)
    loss:backward()
    if losses then losses[#losses + 1] = loss:item() end
    return loss
  end
end

local function near(got, want, text)
  assert.are.equal(#want, #got, text)
  for i, value in ipairs(want) do
    assert.is_true(math.abs(got[i] - value) <= 1e-9 * math.max(1, math.abs(value)), string.format("%s, [%d]: %.17g, expected %.17g", text, i, got[i], value))
  end
end

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end

local function bits(params)
  local all = {}
  for i, p in ipairs(params) do all[i] = p:tobytes() end
  return table.concat(all)
end

describe("LBFGS", function()
  it("has the numbers of PyTorch at every evaluation", function()
    for i, case in ipairs(values) do
      local params, losses = start(), {}
      local opt = optim.LBFGS(params, case[2])
      while #losses < 50 do
        local first = #losses + 1
        assert.are.equal(opt:step(closure_of(opt, functions[case[1]], params, losses)):item(), losses[first])
      end
      near(losses, case[3], "losses of case " .. i)
      near(flat(params):totable(), case[4], "parameters of case " .. i)
      assert.are.equal(#losses, opt:state().evaluations)
    end
  end)

  it("has the same bits at any number of threads", function()
    local was, first = luron.threads(), nil
    for _, n in ipairs { 1, 2, 3, 8 } do
      luron.threads(n)
      luron.seed(5)
      local model = nn.Sequential { nn.Linear(40, 200), nn.Tanh(), nn.Linear(200, 1) }
      local x = luron.randn(300, 40)
      local y = x:sum(2, true)
      local opt = optim.LBFGS(model, { line_search_fn = "strong_wolfe", max_iter = 5 })
      opt:step(closure_of(opt, function() return nn.mse_loss(model(x), y) end))
      first = first or bits(model:parameters())
      assert.is_true(first == bits(model:parameters()), n .. " threads")
    end
    luron.threads(was)
  end)

  it("goes on from a checkpoint with the same bits", function()
    for _, how in ipairs { { line_search_fn = "strong_wolfe", max_iter = 3, history_size = 4 }, { lr = 0.125, max_iter = 2 } } do
      local path = os.tmpname()
      local x = luron.randn(20, 3)
      local y = (x * x):sum(2, true)
      local function make(options)
        local model = nn.Sequential { nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1) }
        return model, optim.LBFGS(model, options)
      end
      local function train(model, opt, steps)
        for _ = 1, steps do opt:step(closure_of(opt, function() return nn.mse_loss(model(x), y) end)) end
      end
      local model, opt = make(how)
      local fresh, fresh_opt = make { lr = 0.75 } -- options come with the file
      model:save(path, { optim = opt })
      assert(assert(luron.checkpoint(path)):restore_optim(fresh_opt)) -- before the first step
      train(model, opt, 4)
      model:save(path, { optim = opt })
      local position = luron.rand(1):item()
      train(model, opt, 4)
      local checkpoint = assert(fresh:restore(path))
      assert(checkpoint:restore_optim(fresh_opt))
      assert(checkpoint:restore_random())
      assert.are.equal(position, luron.rand(1):item())
      train(fresh, fresh_opt, 4)
      assert.is_true(bits(model:parameters()) == bits(fresh:parameters()))
      assert.are.same(opt:state(), fresh_opt:state())
      assert.are.equal(8, fresh_opt:steps())
      local other = optim.Adam(model)
      local ok, message, code = checkpoint:restore_optim(other)
      assert.are.same({ nil, "NOT_FOUND" }, { ok, code })
      assert.is_truthy(message:find "holds no optimiser")
      ok, message, code = checkpoint:restore_optim(optim.LBFGS(nn.Linear(3, 5)))
      assert.are.same({ nil, "MISMATCH" }, { ok, code })
      assert.is_truthy(message:find("its parameters are others: linear1/weight", 1, true))
      local wide = nn.Sequential { nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1) }
      ok, message = checkpoint:restore_optim(optim.LBFGS(wide))
      assert.is_nil(ok)
      assert.is_truthy(message:find("vectors of 31 numbers in float32 expected", 1, true))
      model:save(path, { optim = other })
      ok, message, code = assert(luron.checkpoint(path)):restore_optim(opt)
      assert.are.same({ nil, "NOT_FOUND" }, { ok, code })
      assert.is_truthy(message:find "holds no LBFGS")
      os.remove(path)
    end
  end)

  it("refuses checkpoints that are damaged", function()
    local path, model = os.tmpname(), nn.Sequential { nn.Linear(1, 1) }
    local opt = optim.LBFGS(model)
    opt:step(closure_of(opt, function() return (model(luron.ones(1, 1)) - 3):square():sum() end))
    model:save(path, { optim = opt })
    local good = assert(luron.checkpoint(path)).training.lbfgs
    local function refused(text, key, value)
      local bad = {}
      for name, kept in pairs(good) do bad[name] = kept end
      bad[key] = value
      model:save(path, { training = { lbfgs = bad } })
      local before = opt:state()
      local ok, message, code = assert(luron.checkpoint(path)):restore_optim(opt)
      assert.are.same({ nil, "MISMATCH" }, { ok, code })
      assert.is_truthy(message:find(text, 1, true), message)
      assert.are.same(before, opt:state())
    end
    refused("it does not name its parameters", "parameters", { {} })
    refused("it does not name its parameters", "parameters", "linear1/weight")
    refused("its parameters are others: x", "parameters", { "x" })
    refused("its history is damaged", "ro", { "a" })
    refused("its history is damaged", "ro", "abc")
    refused("options that there are not", "options", { rate = 1 })
    refused("options that there are not", "options", 5)
    refused("steps: integer of at least 0 expected, got -1", "steps", -1)
    refused("iterations: integer of at least 0 expected, got 'two'", "iterations", "two")
    refused("vectors of 2 numbers in float32 expected", "t", "x") -- and there are none
    os.remove(path)
  end)

  it("changes nothing where a step fails", function()
    for _, search in ipairs { false, "strong_wolfe" } do
      local params = start()
      local opt = optim.LBFGS(params, { lr = 0.125, line_search_fn = search or nil })
      opt:step(closure_of(opt, functions.quartic, params))
      local before, state, calls = bits(params), opt:state(), 0
      fails("at the third", opt.step, opt, function()
        calls = calls + 1
        if calls == 3 then error "at the third" end
        return closure_of(opt, functions.quartic, params)()
      end)
      assert.is_true(before == bits(params))
      assert.are.same(state, opt:state())
      assert.are.equal(1, opt:steps())
      fails("step 2: gradient of '2' is not finite", opt.step, opt, function()
        opt:zero_grad()
        local loss = functions.quartic(params)
        loss:backward()
        params[2]:set_grad(params[2]:grad() * (0 / 0))
        return loss
      end)
      fails("step 2: the loss is not finite", opt.step, opt, function() return closure_of(opt, functions.quartic, params)() * (1 / 0) end)
      fails("the closure has to give the loss, a tensor or number, got nil", opt.step, opt, function() end)
      fails("the closure left no gradients", opt.step, opt, function() opt:zero_grad() return 1 end)
      fails("closure: function that makes the loss", opt.step, opt)
      assert.is_true(before == bits(params))
      assert.are.same(state, opt:state())
    end
  end)

  it("comes back from where the loss is not finite, with a line search", function()
    local x = weight { 3.0 }
    local opt = optim.LBFGS({ x }, { lr = 64, line_search_fn = "strong_wolfe" }) -- the first steps fall where the logarithm ends
    for _ = 1, 5 do opt:step(closure_of(opt, function() return (x - x:log()):sum() end)) end
    assert.is_true(math.abs(x:item() - 1) < 1e-6, tostring(x))
    local y = weight { 3.0 }
    opt = optim.LBFGS({ y }, { lr = 64 })
    fails("is not finite", opt.step, opt, closure_of(opt, function() return (y - y:log()):sum() end))
    assert.are.equal(3.0, y:item())
  end)

  it("leaves frozen parameters, and takes those without a number or dimension", function()
    local frozen, empty, single = weight { 1, 2 }, luron.zeros(0, 3, { dtype = "float64", requires_grad = true }), weight(2.0)
    frozen:requires_grad_(false)
    local model = nn.Sequential { nn.Linear(2, 1) }
    model:freeze()
    fails("requires no gradient", optim.LBFGS, { frozen })
    assert.are.same({ "linear1/weight", "linear1/bias" }, optim.LBFGS(model).groups[1].names)
    frozen:requires_grad_(true)
    local opt = optim.LBFGS({ frozen, empty, single })
    frozen:requires_grad_(false)
    opt:step(closure_of(opt, function() return (frozen ^ 2):sum() + (single - 0.5) ^ 2 + empty:sum() end))
    assert.are.same({ 1.0, 2.0 }, frozen:totable())
    assert.is_true(math.abs(single:item() - 0.5) < 1e-6)
    local none = optim.LBFGS { empty }
    none:step(closure_of(none, function() return empty:sum() end))
    assert.are.equal(1, none:steps())
  end)

  it("looks like other optimisers", function()
    local params = start "float32"
    local opt = optim.LBFGS(params, { lr = 0.5 })
    assert.is_true(luron.is_optim(opt))
    assert.are.equal("LBFGS", opt:type())
    local shown = "lr = 0.5, max_iter = 20, tolerance_grad = 1e-07, tolerance_change = 1e-09, history_size = 100"
    assert.are.equal("LBFGS, 0 steps\n  group 1, 2 parameters: " .. shown, tostring(opt))
    assert.are.equal(0.5, opt.groups[1].lr)
    opt.groups[1].lr = 0.25
    opt:set { max_iter = 2 }
    assert.are.same({ 0.25, 2 }, { opt.groups[1].lr, opt.groups[1].max_iter })
    assert.are.same({ "1", "2" }, opt.groups[1].names)
    assert.is_true(opt.groups[1].params[2]:is_same(params[2]))
    local lr = luron.schedule.ExponentialLR(opt, { gamma = 0.5 })
    local before = functions.quartic(params):item()
    for _ = 1, 3 do
      opt:step(closure_of(opt, functions.quartic, params))
      lr:step()
    end
    assert.is_true(functions.quartic(params):item() < before)
    assert.are.equal(0.03125, opt.groups[1].lr)
    assert.is_true(luron.clip_grad_norm(opt, 1e-3):item() > 0)
    opt:close()
    assert.are.equal(0, opt:state().history)
  end)

  it("says what is wrong", function()
    local params = start()
    local opt = optim.LBFGS(params)
    fails("bad argument #2 to 'LBFGS' (no option 'momentum'; options: lr, max_iter", optim.LBFGS, params, { momentum = 1 })
    fails("lr: number of at least 0 expected, got -1", optim.LBFGS, params, { lr = -1 })
    fails("line_search_fn: 'strong_wolfe' expected, got 'armijo'", optim.LBFGS, params, { line_search_fn = "armijo" })
    fails("one group alone", optim.LBFGS, { { params = params } })
    fails("one group alone", optim.LBFGS, nn.Linear(1, 1), { groups = { { match = "bias" } } })
    fails("one group alone", opt.add_group, opt, { params = weight { 1 } })
    fails("parameter '2' is there twice", optim.LBFGS, { params[1], params[1] })
    fails("parameter '2' is float32, '1' is float64: one dtype expected", optim.LBFGS, { params[1], weight({ 1 }, "float32") })
    fails("parameters: at least one expected, got none", optim.LBFGS, {})
    fails("model or list of tensors expected, got 5", optim.LBFGS, 5)
    fails("max_iter: positive integer expected, got 0", opt.set, opt, { max_iter = 0 })
    fails("LBFGS has no option 'rate'", function() return opt.groups[1].rate end)
    fails("no option 'rate'", function() opt.groups[1].rate = 1 end)
    fails("lr is an option of a group: read opt.groups[1].lr", function() return opt.lr end)
    fails("calling 'step' on a bad object (optimiser expected, got table)", opt.step, {})
  end)
end)
