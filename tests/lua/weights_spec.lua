-- Penalties on weights and constraints on them.
local luron = require "luron"
local nn = luron.nn

local source = os.getenv "LURON_TEST_SOURCE" or "."
local values = dofile(source .. "/tests/data/weights_values.lua")

local function real(v) return luron.tensor(v, { dtype = "float64" }) end
local function distance(a, b) return (a - b):abs():amax():item() end
local function make(rules, text) return load("return (...)." .. text)(rules) end
local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end

-- A class whose one parameter is `w`.
local One = nn.class "SpecWeights"
function One:init(w) self.w = w:clone():requires_grad_() end
local function net() return nn.Sequential { { "a", nn.Linear(3, 4) }, { "b", nn.Linear(4, 2) } } end

describe("penalties", function()
  it("have the numbers of Keras, and their gradients", function()
    for i, case in ipairs(values.penalties) do
      local model = One(real(case[2]))
      local value = luron.penalty(model, { w = make(luron.regularizer, case[1]) })
      value:backward()
      assert.are.same({}, value:shape())
      assert.is_true(math.abs(value:item() - case[3]) < 1e-12, "case " .. i .. ", " .. case[1])
      assert.is_true(distance(model.w:grad(), real(case[4])) < 1e-12, "gradient of case " .. i .. ", " .. case[1])
    end
  end)

  it("add up over parameters and patterns, and differentiate to second order", function()
    local model = net()
    local l1, l2 = luron.regularizer.l1, luron.regularizer.l2
    local sum = luron.penalty(model, { ["weight$"] = l2(0.5), ["^a"] = l1(2) }):item()
    local want = 0
    for name, p in model:named_parameters() do
      if name:find "weight$" then want = want + 0.5 * p:square():sum():item() end
      if name:find "^a" then want = want + 2 * p:abs():sum():item() end
    end
    assert.is_true(math.abs(sum - want) < 1e-5)
    assert.are.equal(0.0, luron.penalty(model, {}):item())
    local w = luron.randn(3, 4, { dtype = "float64", requires_grad = true })
    for _, rule in ipairs { l1(0.5), l2(0.5), luron.regularizer.l1_l2(0.5, 0.25), luron.regularizer.orthogonal(2), luron.regularizer.orthogonal(2, "rows") } do
      assert.is_true(luron.gradcheck(rule, w, { order = 2 }))
    end
  end)

  it("of one column, or of none, are 0, and have gradients where a column is 0", function()
    local orthogonal = luron.regularizer.orthogonal(1)
    assert.are.equal(0.0, orthogonal(real { { 1 }, { 2 } }):item())
    local w = real({ { 0, 1 }, { 0, 2 } }):requires_grad_()
    orthogonal(w):backward()
    assert.is_true(w:grad():isfinite():all():item())
    assert.are.equal(0.0, luron.regularizer.l2(1)(luron.zeros(0, 3)):item())
  end)

  it("say what is wrong", function()
    local model, l2 = net(), luron.regularizer.l2(1)
    fails("bad argument #2 to 'penalty' (rules: no parameter matches \"c\"; there are a/weight, a/bias, b/weight, b/bias)", luron.penalty, model, { c = l2 })
    fails("rules: ['weight']: function of a parameter expected, got 'l2'", luron.penalty, model, { weight = "l2" })
    fails("rules: unfinished capture", luron.penalty, model, { ["(w"] = l2 })
    fails("rules: pattern of names expected, got 1", luron.penalty, model, { l2 })
    fails("rules: table of functions by pattern expected, got 5", luron.penalty, model, 5)
    fails("bad argument #1 to 'penalty' (model: model, layer or instance of a class expected, got table)", luron.penalty, {}, {})
    fails("the rule for 'a/weight' has to give a scalar, got", luron.penalty, model, { weight = function(w) return w end })
    fails("orthogonal: matrix expected, got shape (4)", luron.penalty, model, { ["a/bias"] = luron.regularizer.orthogonal() })
    fails("bad argument #1 to 'l1' (factor: number of at least 0 expected, got -1)", luron.regularizer.l1, -1)
    fails("bad argument #2 to 'orthogonal' (mode: 'columns' or 'rows' expected, got 'all')", luron.regularizer.orthogonal, 1, "all")
  end)
end)

describe("constraints", function()
  it("have the numbers of Keras", function()
    for i, case in ipairs(values.constraints) do
      local model = One(real(case[2]))
      luron.constrain(model, { ["^w$"] = make(luron.constraint, case[1]) })
      assert.is_true(distance(model.w, real(case[3])) < 1e-12, "case " .. i .. ", " .. case[1])
      assert.is_true(model.w:requires_grad() and model.w:is_leaf())
    end
  end)

  it("go one after the other, by name of their patterns, all or nothing", function()
    local model = net()
    luron.constrain(model, { ["weight"] = luron.constraint.non_neg(), ["^a/weight"] = function(w) return w - 0.25 end })
    assert.is_true(model:parameters()[1]:amin():item() >= 0) -- "^" comes before "w"
    local before = model:parameters()[1]:tobytes()
    fails("the rule for 'b/weight' has to give a tensor of its shape, (2, 4), got shape ()", luron.constrain, model,
      { ["a/weight"] = function(w) return w + 1 end, ["b/weight"] = function(w) return w:sum() end })
    assert.are.equal(before, model:parameters()[1]:tobytes())
  end)

  it("take parameters without a dimension or a number", function()
    for _, text in ipairs { "max_norm(0.5)", "unit_norm()", "non_neg()", "min_max_norm(0.25, 0.5)" } do
      local rule = make(luron.constraint, text)
      assert.is_true(math.abs(rule(real(2.0)):item() - (text == "unit_norm()" and 1 or text == "non_neg()" and 2 or 0.5)) < 1e-6, text)
      assert.are.same({ 0, 3 }, rule(luron.zeros(0, 3)):shape())
    end
  end)

  it("say what is wrong", function()
    fails("bad argument #2 to 'constrain' (rules: no parameter matches", luron.constrain, net(), { c = luron.constraint.non_neg() })
    fails("bad argument #1 to 'max_norm' (max_value: number of at least 0 expected, got 'two')", luron.constraint.max_norm, "two")
    fails("bad argument #2 to 'max_norm' (dims: integer or list of integers expected, got 1.5)", luron.constraint.max_norm, 2, 1.5)
    fails("has to give a tensor of its shape, (3,), got shape (2,)", luron.constrain, nn.Linear(2, 3), { bias = function() return luron.ones(2) end })
    local layer = nn.Linear(2, 3)
    local before = layer.weight:tobytes()
    fails("the rule for 'bias' gave numbers that are not finite", luron.constrain, layer, { weight = luron.constraint.non_neg(), bias = function(w) return w / 0 end })
    assert.are.equal(before, layer.weight:tobytes())
    fails("the rule for 'weight' has to give a scalar, got shape (3, 2)", luron.penalty, layer, { weight = function(w) return w end })
    fails("min_value is above max_value", luron.constraint.min_max_norm, 2, 1)
  end)
end)
