-- Weight and spectral normalisation, and layers applied to every step.
local luron = require "luron"
local nn = luron.nn

local source = os.getenv "LURON_TEST_SOURCE" or "."
local cases = dofile(source .. "/tests/data/reparametrize_values.lua")

local function real(values, shape)
  local t = luron.tensor(values, { dtype = "float64" })
  return shape and t:reshape(shape) or t
end
local function put(to, values) luron.no_grad(function() to:copy_(real(values):reshape(to:shape())) end) end
local function near(got, want, what)
  local d = (got:reshape(-1) - real(want)):abs():amax():item()
  assert.is_true(d < 1e-11, string.format("%s differs by %g", what, d))
end
local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end

-- The model of a case, its parameters by what PyTorch's numbers are called, and its power iteration.
local function build(case)
  local layer = nn[case.type](table.unpack(case.args)):to "float64"
  put(layer.weight, case.weight)
  put(layer.bias, case.bias)
  local model = nn[case.how](layer, case.option)
  local by = { b = model:parameter "bias", g = model:parameter "weight_g" }
  for name, tensor in model:named_parameters() do
    if name:find "/weight$" then by.w = tensor end
  end
  local states = model:state_dict()
  if case.u then
    put(states["spectral/u"], case.u)
    put(states["spectral/v"], case.v0)
    by.su, by.sv = states["spectral/u"], states["spectral/v"]
  end
  return model, by, layer
end

describe("weight and spectral norm", function()
  it("train with the numbers of PyTorch", function()
    for i, case in ipairs(cases) do
      local model, by = build(case)
      local opt = luron.optim.SGD(model, { lr = 0.25 })
      local x, v = real(table.unpack(case.x)), real(table.unpack(case.v))
      model:train()
      for n, step in ipairs(case.steps) do
        opt:zero_grad()
        local y = model(x)
        luron.sum(y * v):backward()
        local where = string.format("case %d, %s of %s, step %d: ", i, case.how, case.type, n)
        near(y, step.y, where .. "the output")
        for key, want in pairs(step) do
          if key ~= "y" then near(key:find "^s" and by[key] or by[key]:grad(), want, where .. key) end
        end
        opt:step()
      end
      near(model:eval()(x), case.eval, string.format("case %d: the output in eval mode", i))
    end
  end)

  it("give what the layer gave, and share its tensors", function()
    local layer = nn.Conv2d(2, 3, 3, { padding = 1 })
    local x = luron.randn(2, 2, 5, 5)
    local model = nn.weight_norm(layer)
    assert.is_true((model(x) - layer(x)):abs():amax():item() < 1e-5)
    assert.is_true(model:parameter("bias"):is_same(layer.bias))
    assert.are.equal(3 * 2 * 9 + 3 + 3, model:n_weights())
    model = nn.spectral_norm(nn.Linear(4, 3, { bias = false }))
    model:eval()
    local w = model:parameter "linear1/weight"
    local sigma = select(2, luron.linalg.svd(w:detach())):amax():item()
    local one = luron.randn(2, 4)
    for _ = 1, 200 do model:train()(one) end
    assert.is_true((model:eval()(one) - one:matmul(w:t()) / sigma):abs():amax():item() < 1e-4)
  end)

  it("are parts of models that are saved, loaded, copied and compiled", function()
    for _, how in ipairs { "weight_norm", "spectral_norm" } do
      local model = nn.Sequential { nn[how](nn.Linear(4, 5)), nn.ReLU(), { "last", nn[how](nn.Linear(5, 2)) } }
      local opt, x = luron.optim.SGD(model, { lr = 0.1 }), luron.randn(6, 4)
      for _ = 1, 3 do
        opt:zero_grad()
        model(x):square():mean():backward()
        opt:step()
      end
      local path = os.tmpname()
      model:eval()
      local want = model(x):tobytes()
      model:save(path)
      local loaded = assert(luron.load(path))
      os.remove(path)
      assert.are.equal(want, loaded:eval()(x):tobytes())
      assert.are.equal(want, model:clone():eval()(x):tobytes())
      assert.are.equal(loaded:n_weights(), model:n_weights())
      assert.is_truthy(model:json():find(how == "weight_norm" and "weight_g" or "PowerIteration", 1, true))
    end
  end)

  it("say what they do not take", function()
    fails("layer: nn.Linear, nn.Bilinear or a convolution expected, got Embedding", nn.weight_norm, nn.Embedding(3, 2))
    fails("got nil", nn.spectral_norm)
    fails("dim: 1 or false", nn.weight_norm, nn.Linear(3, 2), 2)
    fails("no option 'n'; options: dim, eps, n_power_iterations", nn.spectral_norm, nn.Linear(3, 2), { n = 1 })
    fails("dim: 1 to 2 expected, got 3", nn.spectral_norm, nn.Linear(3, 2), { dim = 3 })
  end)
end)

describe("nn.TimeDistributed", function()
  it("applies a layer or model to every step", function()
    local part = nn.Sequential { nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3) }
    local model, x = nn.TimeDistributed(part), luron.randn(2, 5, 1, 4, 4)
    local y = model(x)
    assert.are.same({ 2, 5, 3 }, y:shape())
    for t = 1, 5 do assert.is_true((y:select(2, t) - part(x:select(2, t))):abs():amax():item() < 1e-6) end
    assert.are.same({ 0, 5, 3 }, model(luron.zeros(0, 5, 1, 4, 4)):shape())
    fails("layer or model expected, got", nn.TimeDistributed, 3)
  end)
end)

describe("layers that count", function()
  it("count places and offsets from 1", function()
    local pool, x = nn.MaxPool2dWithIndices(2), luron.tensor { { { 1.0, 5.0 }, { 2.0, 3.0 } } }
    local y, ids = pool(x)
    assert.are.same({ { { 2 } } }, ids:totable())
    assert.are.same({ { { 0, 5 }, { 0, 0 } } }, nn.MaxUnpool2d(2)(y, ids):totable())
    local bag = nn.EmbeddingBag(3, 1, { mode = "sum" })
    luron.no_grad(function() bag.weight:copy_(luron.tensor { { 1.0 }, { 10.0 }, { 100.0 } }) end)
    assert.are.same({ { 11 }, { 0 }, { 102 } }, bag(luron.tensor { 1, 2, 3, 1, 1 }, luron.tensor { 1, 3, 3 }):totable())
    fails("offsets: 2 at position 1, they begin with 1 expected", bag, luron.tensor { 1, 2 }, luron.tensor { 2 })
    assert.are.same({ 2, 4, 3 }, nn.Permute({ 2, 1 })(luron.zeros(2, 3, 4)):shape())
    assert.are.same({ 3 }, nn.Select(2, -1)(luron.zeros(3, 4)):shape())
  end)
end)

describe("merging layers", function()
  it("make graphs", function()
    local a, b = nn.Input "a", nn.Input "b"
    local both = nn.Concatenate()(nn.Add()(a, b, a), nn.Dot()(a, b))
    local model = nn.Graph { inputs = { a, b }, outputs = { both } }
    assert.are.same({ { 5, 8, 11 } }, model(luron.tensor { { 1.0, 2.0 } }, luron.tensor { { 3.0, 4.0 } }):totable())
  end)

  it("tie an output to an embedding", function()
    local embed, out = nn.Embedding(5, 3), nn.Linear(3, 5, { bias = false })
    out.weight = embed.weight
    local model = nn.Sequential { embed, out }
    assert.are.equal(15, model:n_weights())
    local path = os.tmpname()
    model:save(path)
    local loaded = assert(luron.load(path))
    os.remove(path)
    assert.is_true(loaded[1].weight:is_same(loaded[2].weight))
  end)
end)
