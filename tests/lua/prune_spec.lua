-- luron.prune: masks of parameters, chosen as PyTorch chooses, that hold while training goes on and over files.
local luron = require "luron"
local nn = luron.nn

local source = os.getenv "LURON_TEST_SOURCE" or "."
local values = dofile(source .. "/tests/data/prune_values.lua")

local function real(v) return luron.tensor(v, { dtype = "float64" }) end
local function distance(a, b) return (a - b):abs():amax():item() end
local function count(mask) return mask:sum():item() end
local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end
local function folder()
  local path = os.tmpname()
  os.remove(path)
  return path .. ".h5"
end

local function net()
  local model = nn.Sequential { { "a", nn.Linear(3, 4, false) }, { "squash", nn.Tanh() }, { "b", nn.Linear(4, 2, false) } }:to "float64"
  luron.no_grad(function()
    model:layer "a".weight:copy_(real(values.w1))
    model:layer "b".weight:copy_(real(values.w2))
  end)
  return model, model:layer "a".weight, model:layer "b".weight
end

-- A class whose one parameter is `conv`.
local One = nn.class "SpecPrune"
function One:init(w) self.conv = w:clone():requires_grad_() end

local function do_it(text, p) return load("local p, mask = ...; return " .. text)(p, real(values.mask)) end

describe("luron.prune", function()
  it("prunes what PyTorch prunes, and 50 steps end where its steps end", function()
    local x, y = real(values.x), real(values.y)
    for i, case in ipairs(values) do
      local model, a, b = net()
      local p = luron.prune(model)
      assert.is_true(rawequal(p, do_it(case[1], p)))
      assert.are.equal(0.0, distance(a, real(case[2])), "case " .. i .. ": " .. case[1])
      assert.are.equal(0.0, distance(b, real(case[3])), "case " .. i .. ": " .. case[1])
      local opt = luron.optim.SGD(model, { lr = values.lr, momentum = values.momentum, weight_decay = values.weight_decay })
      for _ = 1, values.steps do
        opt:zero_grad()
        nn.mse_loss(model(x), y):backward()
        luron.clip_grad_norm(model, values.clip)
        opt:step()
        p:apply()
      end
      assert.is_true(distance(a, real(case[4])) < 1e-9, "case " .. i .. ": " .. case[1])
      assert.is_true(distance(b, real(case[5])) < 1e-9, "case " .. i .. ": " .. case[1])
    end
    for i, case in ipairs(values.convs) do
      local one = One(real(values.conv))
      do_it(case[1], luron.prune(one))
      assert.are.equal(0.0, distance(one.conv, real(case[2])), "case " .. i .. " of convs: " .. case[1])
    end
  end)

  it("prunes as many at random as it is told", function()
    luron.seed(4)
    local model, a, b = net()
    local p = luron.prune(model):random_unstructured("weight", 0.5)
    assert.are.equal(6, count(a:eq(0)))
    assert.are.equal(4, count(b:eq(0)))
    p:random_unstructured("^a", 2):random_unstructured("^b", 1.0)
    assert.are.equal(8, count(a:eq(0)))
    assert.are.equal(8, count(b:eq(0)))
    model, a, b = net()
    luron.prune(model):random_structured("weight", 1, 2)
    assert.are.same({ 1, 1 }, { count(a:eq(0):all(1)), count(b:eq(0):all(1)) })
    model, a, b = net()
    luron.prune(model):global_unstructured("weight", 7, "random")
    assert.are.equal(7, count(a:eq(0)) + count(b:eq(0)))
    luron.seed(4)
    local again, other = net()
    luron.prune(again):random_unstructured("weight", 0.5)
    luron.seed(4)
    local third, same = net()
    luron.prune(third):random_unstructured("weight", 0.5)
    assert.are.equal(other:tobytes(), same:tobytes())
  end)

  it("masks gradients, of tensors that module:to has put in place too", function()
    local one = One(real(values.conv))
    local p = luron.prune(one):l1_unstructured("conv", 0.5)
    one.conv:sum():backward()
    assert.are.equal(12.0, one.conv:grad():sum():item())
    one:to "float32"
    p:apply()
    one.conv:sum():backward()
    assert.are.equal(12.0, one.conv:grad():sum():item())
    one.conv:requires_grad_(false)
    p:apply()
    p:remove()
    one.conv:requires_grad_(true)
    one.conv:zero_grad()
    one.conv:sum():backward()
    assert.are.equal(24.0, one.conv:grad():sum():item())
    assert.are.equal(12, count(one.conv:eq(0)))
    assert.are.same({}, p:masks())
  end)

  it("holds in fit, whichever optimiser it is", function()
    local data = luron.data.tensors(real(values.x), real(values.y))
    for _, name in ipairs { "AdamW", "Muon", "LAMB", "Adafactor", "RMSprop" } do
      local model, a, b = net()
      local p = luron.prune(model)
      luron.fit(model, data, { loss = "mse_loss", epochs = 2, progress = false, optim = luron.optim[name](model, { lr = 0.1 }) }) -- momentum first
      p:l1_unstructured("^a", 0.5)
      local mask = p:masks()["a/weight"]
      luron.fit(model, data, { loss = "mse_loss", epochs = 3, progress = false, optim = luron.optim[name](model, { lr = 0.1 }), prune = p })
      assert.are.equal(6, count(a:eq(0)), name)
      assert.is_true(a:ne(0):eq(mask):all():item(), name)
      assert.are.equal(0, count(b:eq(0)))
    end
    local model = net()
    fails("prune: it is of another model", luron.fit, net(), data, { loss = "mse_loss", prune = luron.prune(model) })
    fails("prune: pruning expected, got table", luron.fit, model, data, { loss = "mse_loss", prune = {} })
  end)

  it("goes into files and comes back", function()
    local path, model, a = folder(), net()
    local p = luron.prune(model):l1_unstructured("^a", 0.5):random_unstructured("^b", 1)
    model:save(path, { prune = p })
    local loaded, checkpoint = assert(luron.load(path))
    local q = luron.prune(loaded):l1_unstructured("^b", 5)
    q:load(checkpoint)
    assert.are.equal(a:tobytes(), loaded:layer "a".weight:tobytes())
    for name, mask in pairs(p:masks()) do assert.are.equal(mask:tobytes(), q:masks()[name]:tobytes()) end
    assert.are.equal("pruning of 2 parameters: 7 of 20 numbers are 0", tostring(q))
    loaded:layer "a".weight:sum():backward()
    assert.are.equal(6.0, loaded:layer "a".weight:grad():sum():item())
    luron.prune(loaded):load(p:masks())
    q:load { ["a/weight"] = p:masks()["a/weight"] }
    assert.is_nil(q:masks()["b/weight"])
    loaded:layer "b".weight:sum():backward()
    assert.are.equal(7.0, loaded:layer "b".weight:grad():sum():item()) -- masked by the other one still
    model:save(path)
    assert.are.same({}, luron.prune(loaded):load(assert(luron.checkpoint(path))):masks())
    os.remove(path)
    fails("bad argument #1 to 'load' (a/weight: mask of shape (4, 3) expected, got (3,))", q.load, q, { ["a/weight"] = luron.ones(3) })
    fails("there is no parameter 'c'", q.load, q, { c = luron.ones(3) })
    fails("masks: table or checkpoint expected, got 5", q.load, q, 5)
    fails("prune: pruning expected, got 5", model.save, model, path, { prune = 5 })
  end)

  it("takes parameters without a number or a dimension", function()
    for _, shape in ipairs { {}, { 0 }, { 0, 3 }, { 1 } } do
      local one = One(luron.zeros(table.unpack(shape)) + 3)
      local p = luron.prune(one):l1_unstructured("conv", 0.25):random_unstructured("conv", 0)
      p:global_unstructured("conv", 1.0)
      assert.are.equal(0, count(one.conv:ne(0)))
      assert.are.same(shape, p:masks().conv:shape())
    end
  end)

  it("says what is wrong, and changes nothing", function()
    local model, a, b = net()
    local p = luron.prune(model)
    local before = a:tobytes()
    fails("bad argument #1 to 'prune' (model, layer or instance of a class expected, got 5)", luron.prune, 5)
    fails("bad argument #1 to 'l1_unstructured' (no parameter matches \"bias\"; there are a/weight, b/weight)", p.l1_unstructured, p, "bias", 0.5)
    fails("pattern of names expected, got 5", p.l1_unstructured, p, 5, 0.5)
    for _, amount in ipairs { -1, 1.5, -0.5, "half", 0 / 0 } do
      fails("bad argument #2 to 'random_unstructured' (amount: integer of at least 0, or share of 0.0 to 1.0, expected", p.random_unstructured, p, "a", amount)
    end
    fails("amount: 13 of the 12 numbers that are left", p.l1_unstructured, p, "^a", 13)
    fails("amount: 5 of the 4 channels that are left", p.ln_structured, p, "^a", 5, 2, 1)
    fails("amount: 9 of the 8 numbers that are left", p.l1_unstructured, p, "weight", 9) -- the second of two
    fails("bad argument #3 to 'ln_structured' (n: number expected, got 'fro')", p.ln_structured, p, "^a", 1, "fro", 1)
    fails("bad argument #4 to 'ln_structured' (dim: 1 to 2, or negative from the end, expected, got 3)", p.ln_structured, p, "^a", 1, 2, 3)
    fails("dim: 1 to 2, or negative from the end, expected, got 0", p.random_structured, p, "^a", 1, 0)
    fails("bad argument #3 to 'global_unstructured' (method: 'l1' or 'random' expected, got 'l2')", p.global_unstructured, p, "a", 1, "l2")
    fails("mask: tensor of shape (4, 3) for 'a/weight' expected, got (2,)", p.custom_from_mask, p, "^a", luron.ones(2))
    fails("scores: 'a/weight' has shape (4, 3), they are of shape ()", p.l1_unstructured, p, "^a", 1, function(w) return w:sum() end)
    fails("bad argument #3 to 'l1_unstructured' (scores: function of a parameter expected, got 5)", p.l1_unstructured, p, "^a", 1, 5)
    fails("'conv' has shape (3,): channels need at least 2 dims", function() luron.prune(One(luron.ones(3))):ln_structured("conv", 1, 2) end)
    fails("calling 'apply' on a bad object (pruning expected, got table)", p.apply, {})
    assert.are.equal(before, a:tobytes())
    assert.are.equal(0, count(b:eq(0)))
    assert.are.same({}, p:masks())
  end)
end)
