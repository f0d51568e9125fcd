-- Numbers that are not finite: bar R20. At the step where one appears there is an error that names where, and nothing is changed.
local luron = require "luron"
local nn = luron.nn
local source = os.getenv "LURON_TEST_SOURCE" or "."
local bar = dofile(source .. "/tests/support/bar.lua")
local nan, inf = 0 / 0, math.huge

local function bits(model, opt)
  local all = {}
  for _, t in ipairs(model:parameters()) do all[#all + 1] = t:tobytes() end
  for i = 1, #all do
    for _, t in pairs((opt:state(1, i))) do all[#all + 1] = t:tobytes() end
  end
  return table.concat(all) .. opt:steps()
end

-- Where it begins: x, y and the model before the step; what the loss is of; what is to be named without the guard (nil: that
-- cannot be told) and with it.
local sources = {
  { "NaN in the data", x = function(x) x[2][3] = nan end, says = "input 'input' of layer 'linear1' = Linear", guard = "layer 'linear1' = Linear" },
  { "infinity in the data", x = function(x) x[2][3] = -inf end }, -- goes through Tanh, and then the optimiser sees its gradient
  { "NaN in the targets", y = function(y) y[1][2] = nan end, says = "input 'target' of layer", guard = "Loss" },
  { "log(0) before the model", make = function(x) return luron.log(x * 0) end, says = "linear1' = Linear", guard = "'log'" },
  { "0/0 before the model", make = function(x) return x * 0 / (x * 0) end, says = "input 'input' of layer 'linear1'", guard = "'div'" },
  { "log(0) behind it", after = function(p) return luron.log(p * 0) end, says = "output of 'log'", guard = "'log'" },
  { "log of negative numbers", after = function(p) return luron.log(p * p * -1 - 1) end, says = "output of 'log'", guard = "'log'" },
  { "0/0 behind it", after = function(p) return (p * 0) / (p * 0) end, says = "output of 'div'", guard = "'div'" },
  { "a root of negative numbers", after = function(p) return luron.sqrt(p * p * -1 - 1) end, says = "output of 'sqrt'", guard = "'sqrt'" },
  { "overflow of exp", after = function(p) return luron.exp(p * p * 1e6 + 1e6) end, says = "output of 'exp'", guard = "'exp'" },
  { "overflow of float16", after = function(p) return (p * p * 1e7 + 1e7):to("float16"):to "float32" end, says = "'cast'", guard = "'cast'" },
  { "NaN in a weight", model = function(m) m:layer("linear2").weight[1][2] = nan end, says = "parameter 'weight' of layer 'linear2' = Linear",
    guard = "layer 'linear2' = Linear" },
  { "infinity in a bias", model = function(m) m:layer("linear2").bias[1] = inf end, says = "parameter 'bias' of layer 'linear2' = Linear",
    guard = "parameter 'bias' of layer 'linear2' = Linear" },
  { "weights that overflow", model = function(m) m:layer("linear1").bias:fill_(9) m:layer("linear2").weight:fill_(3e38) end, says = "output of layer 'linear2' = Linear",
    guard = "layer 'linear2' = Linear" },
}
local activations = { "ReLU", "Tanh", "GELU" }
local losses = { "MSELoss", "L1Loss" }
local optims = { "SGD", "Adam" }

local function setting(activation, optim, lr)
  luron.seed(5)
  local model = nn.Sequential(nn.Linear(4, 8), nn[activation](), nn.Linear(8, 3))
  return model, luron.optim[optim](model, { lr = lr or 0.01 }), luron.randn(5, 4), luron.rand(5, 3)
end

-- One step; the error, or nil. A gradient from before has to stay as it was, too.
local function step(s, model, opt, loss, x, y)
  local ok, text = pcall(function()
    local p = model(s.make and s.make(x) or x)
    if s.after then p = s.after(p) end
    loss(p, y):backward()
    opt:step()
  end)
  return not ok and text or nil
end

-- What is wrong with the case, or nil.
local function try(s, activation, lossname, optim, guard)
  local model, opt, x, y = setting(activation, optim)
  local loss = nn[lossname]()
  assert(not step({}, model, opt, loss, x, y)) -- a good one before
  luron.no_grad(function()
    if s.x then s.x(x) end
    if s.y then s.y(y) end
    if s.model then s.model(model) end
  end)
  local before, grads = bits(model, opt), {}
  for i, t in ipairs(model:parameters()) do grads[i] = t:grad():tobytes() end
  local was = luron.detect_anomaly(guard)
  local text = step(s, model, opt, loss, x, y)
  luron.detect_anomaly(was)
  local expected = guard and s.guard or s.says
  if not text then return "no error" end
  if not text:find "nonfinite_spec.lua:%d+: " then return "no line: " .. text end
  if expected and not text:find(expected, 1, true) then return text end
  if not guard and not text:find("backward: the value is", 1, true) and not text:find("step 2: gradient of 'linear1/weight'", 1, true) then return text end
  if bits(model, opt) ~= before then return "changed" end
  for i, t in ipairs(model:parameters()) do -- a step's refusal comes after the gradients
    if t:grad():tobytes() ~= grads[i] and not text:find "step 2:" then return "gradient changed" end
  end
end

describe("what is not finite", function()
  it("is refused at its step, by name, with nothing changed", function()
    local b, n, failures, texts = bar.begin("R20", "not finite", 0), 0, 0, {}
    for _, s in ipairs(sources) do
      for _, activation in ipairs(activations) do
        for _, loss in ipairs(losses) do
          for _, optim in ipairs(optims) do
            for _, guard in ipairs { false, true } do
              local wrong = try(s, activation, loss, optim, guard)
              n = n + 1
              if wrong then
                failures = failures + 1
                texts[#texts + 1] = ("%s, %s, %s, %s%s: %s"):format(s[1], activation, loss, optim, guard and ", guarded" or "", wrong)
              end
            end
          end
        end
      end
    end
    assert.is_true(n >= 300, n)
    assert.are.same({}, texts)
    assert.are.equal(0, b:finish(n, failures))
  end)

  -- The loss rises until it overflows: that step is refused, the weights before it are finite, and so is what was saved.
  it("stops a training whose learning rate is too high", function()
    local b, n, failures, path = bar.begin("R20", "exploding learning rates", 0), 0, 0, os.tmpname()
    for _, activation in ipairs(activations) do
      for _, optim in ipairs(optims) do
        for _, lr in ipairs { 1e2, 1e8, 1e20, 1e30, 3e38 } do
          for _, guard in ipairs { false, true } do
            local model, opt, x, y = setting(activation, optim, lr)
            local loss, text, before, finite = nn.MSELoss(), nil, nil, true
            luron.detect_anomaly(guard)
            for _ = 1, 30 do
              before = bits(model, opt)
              text = step({}, model, opt, loss, x * 100, y)
              if text then break end
              finite = pcall(model.save, model, path) and finite
            end
            luron.detect_anomaly(false)
            local named = not text or text:find "layer '%w+' = " or text:find "layer %w+Loss" or text:find "gradient of '"
            local unchanged = not text or bits(model, opt) == before
            local loaded = luron.load(path)
            local all_finite = loaded ~= nil
            for _, t in ipairs(loaded and loaded:parameters() or {}) do all_finite = all_finite and t:isfinite():all():item() end
            n = n + 1
            if not (named and unchanged and all_finite) or (text and not text:find "nonfinite_spec.lua:%d+: ") then
              failures = failures + 1
              print(activation, optim, lr, guard, text, unchanged, all_finite)
            end
          end
        end
      end
    end
    os.remove(path)
    os.remove(path .. ".prev")
    assert.are.equal(0, b:finish(n, failures))
  end)

  it("is refused by the optimiser, all groups before any weight", function()
    local b, n, failures = bar.begin("R20", "gradients", 0), 0, 0
    for _, name in ipairs { "SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "Lion" } do
      for _, value in ipairs { nan, inf, -inf } do
        for at = 1, 4 do
          local model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
          local ps = model:parameters()
          local opt = luron.optim[name]({ { params = { ps[1], ps[2] } }, { params = { ps[3], ps[4] } } }, { lr = 0.1 })
          for _, p in ipairs(ps) do p:set_grad(luron.ones(p:shape())) end
          local g = luron.ones(ps[at]:shape())
          g:reshape(-1)[2] = value
          ps[at]:set_grad(g)
          local before = {}
          for i, p in ipairs(ps) do before[i] = p:tobytes() end
          local ok, text = pcall(opt.step, opt)
          local good = not ok and text:find "step 1: gradient of '" and text:find "the first at" and opt:steps() == 0
          for i, p in ipairs(ps) do good = good and p:tobytes() == before[i] end
          n = n + 1
          if not good then
            failures = failures + 1
            print(name, value, at, text)
          end
        end
      end
    end
    assert.are.equal(0, b:finish(n, failures))
  end)

  it("is seen in a gradient that was changed after the guard had looked at it", function()
    local model, opt, x, y = setting("ReLU", "SGD")
    luron.detect_anomaly(function() nn.MSELoss()(model(x), y):backward() end)
    opt:step()
    luron.no_grad(function() model:layer("linear2").weight:grad()[2][3] = inf end)
    local ok, text = pcall(opt.step, opt)
    assert.is_false(ok)
    assert.matches("step 2: gradient of 'linear2/weight' is not finite: %(3, 8%), 1 infinite of 24, the first at %(2, 3%)", text)
  end)

  it("is not saved, unless that is asked for", function()
    local path = os.tmpname()
    for _, value in ipairs { nan, inf, -inf } do
      local model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3))
      model:save(path)
      luron.no_grad(function() model:layer("linear2").weight[2][5] = value end)
      local ok, text = pcall(model.save, model, path)
      assert.is_false(ok)
      assert.matches("linear2/weight.* is not finite", text)
      for _, t in ipairs(assert(luron.load(path)):parameters()) do assert.is_true(t:isfinite():all():item()) end
      model:save(path, { nonfinite = true })
      assert.is_false(assert(luron.load(path)):layer("linear2").weight[2][5]:isfinite():item())
    end
    os.remove(path)
    os.remove(path .. ".prev")
  end)
end)

describe("luron.detect_anomaly", function()
  it("is a guard like no_grad", function()
    assert.is_false(luron.is_detecting_anomaly())
    assert.is_false(luron.detect_anomaly(true))
    assert.is_true(luron.detect_anomaly(false))
    do
      local _ <close> = luron.detect_anomaly()
      assert.is_true(luron.is_detecting_anomaly())
    end
    assert.is_false(luron.is_detecting_anomaly())
    assert.are.equal("b", select(2, luron.detect_anomaly(function(a, b) return luron.is_detecting_anomaly() and a, b end, "a", "b")))
    assert.is_false(pcall(luron.detect_anomaly, function() error "inside" end))
    assert.is_false(luron.is_detecting_anomaly())
    assert.has_error(function() luron.detect_anomaly(3) end)
  end)

  it("says where the op was applied whose gradient is not finite", function()
    local x = luron.zeros(2, { requires_grad = true })
    local line = debug.getinfo(1, "l").currentline + 1
    local y = luron.detect_anomaly(function() return x:sqrt() end)
    local ok, text = pcall(luron.detect_anomaly, function() y:sum():backward() end)
    assert.is_false(ok)
    assert.is_truthy(text:find("gradient of operand 1 of 'sqrt' (applied at " .. debug.getinfo(1, "S").short_src .. ":" .. line .. ")", 1, true), text)
    assert.is_truthy(text:find("nonfinite_spec.lua:" .. line + 1 .. ": ", 1, true), text)
    assert.is_nil(x:grad())
    -- also from a coroutine that is gone
    local z = coroutine.wrap(function() luron.detect_anomaly(true) return x:sqrt() end)()
    collectgarbage()
    z = z * 2
    assert.is_false(pcall(z.backward, z:sum()))
    luron.detect_anomaly(false)
  end)

  it("leaves ordinary work alone, and its bits", function()
    local function work()
      luron.seed(3)
      local x = luron.randn(4, 6, { requires_grad = true })
      local results = {}
      local function note(y)
        y:sum():backward()
        results[#results + 1] = y:tobytes() .. x:grad():tobytes()
        x:zero_grad()
      end
      local mask = x:detach():gt(0)
      note(x:masked_fill(mask, -inf):softmax(2))
      note(x:masked_fill(mask, -inf):logsumexp(2))
      note(luron.where(mask, luron.tensor(inf), x):clamp(-2, 2))
      note(x:pad { { 1, 1 } })
      note(x:log_softmax(-1))
      note(x:relu() + x:gelu() + x:tanh() + x:sigmoid())
      note(x:sort(2))
      note(x:cumprod(2))
      note((x * 0):norm())
      note(x:std(2) + x:var(2))
      note(x:quantile(0.3, 2))
      note((x * 0):prod(2))
      note((x:abs() + 1):log() ^ 0.5)
      note(luron.maximum(x, -inf))
      note(nn.CrossEntropyLoss()(x, luron.tensor({ 1, 2, 3, 4 })))
      local model = nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), nn.ReLU(), nn.Linear(5, 2))
      note(model(x))
      return results
    end
    local plain = work()
    assert.are.same(plain, luron.detect_anomaly(work))
  end)
end)
