-- luron.activity: penalties on what layers give.
local luron = require "luron"
local nn = luron.nn

local source = os.getenv "LURON_TEST_SOURCE" or "."
local values = dofile(source .. "/tests/data/activity_values.lua")
local regularizer = luron.regularizer

local function real(v) return luron.tensor(v, { dtype = "float64" }) end
local function distance(a, b) return (a - b):abs():amax():item() end
local function make(text) return load("return (...)." .. text)(regularizer) end
local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end

local function net()
  local model = nn.Sequential { { "a", nn.Linear(3, 4, false) }, { "squash", nn.Tanh() }, { "b", nn.Linear(4, 2, false) } }:to "float64"
  luron.no_grad(function()
    model:layer "a".weight:copy_(real(values.w1))
    model:layer "b".weight:copy_(real(values.w2))
  end)
  return model
end

describe("luron.activity", function()
  it("has the numbers of Keras, their gradients, and ends where 50 steps end", function()
    local x, y = real(values.x), real(values.y)
    for i, case in ipairs(values) do
      local model = net()
      local rules = { squash = make(case[1]), ["^b$"] = case[2] and make(case[2]) }
      local a, b = model:layer "a".weight, model:layer "b".weight
      local penalty, out = luron.activity(model, rules, x)
      assert.are.same({}, penalty:shape())
      assert.is_true(math.abs(penalty:item() - case[3]) < 1e-12, "case " .. i)
      assert.are.equal(0.0, distance(out, model(x)))
      penalty:backward()
      assert.is_true(distance(a:grad(), real(case[4])) < 1e-12, "gradient of case " .. i)
      if case[2] then assert.is_true(distance(b:grad(), real(case[5])) < 1e-12, "gradient of case " .. i) else assert.is_nil(b:grad()) end
      local opt = luron.optim.SGD(model, { lr = values.lr })
      for _ = 1, values.steps do
        opt:zero_grad()
        local extra, scores = luron.activity(model, rules, x)
        local loss = nn.mse_loss(scores, y) + extra
        loss:backward()
        opt:step()
      end
      assert.is_true(distance(a, real(case[6])) < 1e-9, "weights of case " .. i)
      assert.is_true(distance(b, real(case[7])) < 1e-9, "weights of case " .. i)
    end
  end)

  it("does the same in fit, whose history leaves it out", function()
    local case, model = values[2], net()
    local data = luron.data.tensors(real(values.x), real(values.y))
    local before = luron.evaluate(model, data, { loss = "mse_loss" }).loss
    local history = luron.fit(model, data, { loss = "mse_loss", optim = luron.optim.SGD(model, { lr = values.lr }), epochs = values.steps, batch = 6,
      shuffle = false, progress = false, activity = { squash = make(case[1]), ["^b$"] = make(case[2]) } })
    assert.is_true(distance(model:layer "a".weight, real(case[6])) < 1e-9)
    assert.is_true(math.abs(history[1].loss - before) < 1e-12)
    fails("no layer matches \"tanh\"; there are a, squash, b", luron.fit, model, data, { loss = "mse_loss", progress = false, activity = { tanh = make "l1()" } })
    fails("activity: table expected, got 'l1'", luron.fit, model, data, { activity = "l1" })
  end)

  it("counts every call, every pattern and every part of classes, and leaves no hook behind", function()
    local Twice = nn.class "SpecActivityTwice"
    function Twice:init() self.act, self.inner = nn.ReLU(), nn.Sequential { nn.ReLU() } end
    function Twice:forward(x) return self.inner(self.act(self.act(x) + 1)), x end
    local Outer = nn.class "SpecActivityOuter"
    function Outer:init() self.part = Twice() end
    function Outer:forward(x) return self.part(x) end
    local outer, x, l1 = Outer(), real { 1, -2 }, regularizer.l1(1)
    local function sum(rules) return (luron.activity(outer, rules, x)):item() end
    assert.are.equal(1.0 + 3.0, sum { ["%.act$"] = l1 })
    assert.are.equal(3.0, sum { ["^part%.inner%.relu1$"] = l1 })
    assert.are.equal(3.0 + 3.0, sum { ["^part$"] = l1 }) -- both outputs
    assert.are.equal(4.0 + 4.0, sum { ["act"] = l1, ["^part%.act"] = l1 })
    local penalty, y, second = luron.activity(outer, {}, x)
    assert.are.equal(0.0, penalty:item())
    assert.are.same({ 2.0, 1.0 }, y:totable())
    assert.is_true(second:is_same(x))
    local calls = 0
    local function noted(v) calls = calls + 1 return v:sum() end
    luron.activity(outer, { act = noted }, x)
    outer(x)
    assert.are.equal(2, calls)
    fails("stop", luron.activity, outer, { act = function() error "stop" end }, x)
    outer(x)
    local layer = nn.ReLU()
    assert.are.equal(1.0, (luron.activity(layer, { ReLU = l1 }, x)):item())
  end)

  it("differentiates to second order", function()
    local model = net()
    local rules = { squash = regularizer.l2(0.5), b = regularizer.orthogonal(0.25, "rows") }
    assert.is_true(luron.gradcheck(function(x) return (luron.activity(model, rules, x)) end, real(values.x):requires_grad_(), { order = 2 }))
  end)

  it("says what is wrong", function()
    local model, l1, x = net(), regularizer.l1(1), real(values.x)
    fails("bad argument #1 to 'activity' (model: model, layer or instance of a class expected, got 5)", luron.activity, 5, {}, x)
    fails("bad argument #2 to 'activity' (rules: no layer matches \"c\"; there are a, squash, b)", luron.activity, model, { c = l1 }, x)
    fails("rules: ['a']: function of a layer expected, got 'l1'", luron.activity, model, { a = "l1" }, x)
    fails("rules: table of functions by pattern expected, got function", luron.activity, model, l1, x)
    fails("activity: the rule for 'squash' has to give a scalar, got", luron.activity, model, { squash = function(y) return y end }, x)
  end)
end)
