-- Layers with state: batch normalisation in models, in files, in plans and in recomputed blocks; and pooling between them.
local luron = require "luron"
local nn, optim = luron.nn, luron.optim

local function new_model()
  return nn.Sequential { nn.BatchNorm2d(3), nn.MaxPool2d(2), nn.InstanceNorm2d { 3, track_running_stats = true }, nn.AdaptiveAvgPool2d(1),
    nn.Flatten(), nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.LayerNorm(4), nn.Linear(4, 2) }
end

local function step(model, opt, x, y)
  opt:zero_grad()
  local loss = nn.cross_entropy(model(x), y)
  loss:backward()
  opt:step()
  return loss
end

local function batch(i)
  luron.seed(i)
  return luron.randn(6, 3, 6, 5) * 2 + 1, luron.tensor { 1, 2, 1, 2, 2, 1 }
end

-- Every parameter and every state of both are the same, to the last bit.
local function same(a, b)
  local n, theirs = 0, b:state_dict()
  for name, tensor in pairs(a:state_dict()) do
    assert.equal(tensor:tobytes(), theirs[name]:tobytes(), name)
    n = n + 1
  end
  return n
end

describe("running values", function()
  it("are saved and loaded with the model, and training goes on exactly", function()
    luron.seed(1)
    local model = new_model()
    local opt = optim.Adam(model, { lr = 0.01 })
    for i = 1, 3 do step(model, opt, batch(i)) end
    local path = os.tmpname()
    model:save(path, { optim = opt })
    local loaded, checkpoint = assert(luron.load(path))
    os.remove(path)
    assert.equal(19, same(model, loaded))
    assert.equal(3, loaded[1]:state_dict().num_batches_tracked:item())
    local again = optim.Adam(loaded, { lr = 0.01 })
    checkpoint:restore_optim(again)
    for i = 4, 5 do
      step(model, opt, batch(i))
      step(loaded, again, batch(i))
    end
    same(model, loaded)
    local x = batch(9)
    assert.equal(model:eval()(x):tobytes(), loaded:eval()(x):tobytes())
  end)

  it("change in training alone", function()
    local model = new_model()
    local before = model:clone():eval()
    before((batch(1)))
    model:eval()
    luron.no_grad(function() model((batch(2))) end)
    assert.equal(19, same(model, before))
    model:train()
    model((batch(2)))
    assert.equal(1, model[1]:state_dict().num_batches_tracked:item())
  end)

  it("change once where a block is computed twice", function()
    local model = nn.Sequential { nn.BatchNorm1d(3), nn.Linear(3, 2) }
    local plain = model:clone()
    local x = luron.randn(5, 3)
    luron.recompute(model, x):sum():backward()
    plain(x):sum():backward()
    same(model, plain)
    assert.equal(1, model[1]:state_dict().num_batches_tracked:item())
    assert.equal(plain[1].weight:grad():tobytes(), model[1].weight:grad():tobytes())
  end)

  it("are the same in a plan", function()
    luron.seed(1)
    local model = new_model()
    local plain = model:clone()
    local opt, other = optim.SGD(model, { lr = 0.05 }), optim.SGD(plain, { lr = 0.05 })
    local planned = luron.compile(function(x, y) return step(model, opt, x, y) end)
    for i = 1, 6 do
      local x, y = batch(i)
      assert.equal(step(plain, other, x, y):item(), planned(x, y):item())
    end
    assert.is_truthy(luron.explain(planned):find "run [1-9]", luron.explain(planned))
    same(model, plain)
  end)

  it("follow a model to float64", function()
    local layer = nn.BatchNorm1d(2):to "float64"
    layer(luron.randn(4, 2, { dtype = "float64" }))
    local state = layer:state_dict()
    assert.equal("float64", state.running_var:dtype())
    assert.equal("int64", state.num_batches_tracked:dtype())
    assert.is_false(state.running_mean:requires_grad())
  end)
end)

describe("errors", function()
  it("name the layer, its options and the shape", function()
    local model = nn.Sequential { nn.BatchNorm2d(3), nn.MaxPool2d(4) }
    local ok, message = pcall(model, luron.zeros(2, 4, 8, 8))
    assert.is_false(ok)
    assert.is_truthy(message:find("input has 4 channels, num_features is 3; given input (2, 4, 8, 8)", 1, true), message)
    ok, message = pcall(model, luron.zeros(2, 3, 8, 3))
    assert.is_false(ok)
    assert.is_truthy(message:find("a window of size 4 does not fit dimension 4, which has size 3 and padding 0 on both sides", 1, true), message)
    assert.is_truthy(message:find("MaxPool2d { kernel_size = { 4, 4 }", 1, true), message)
  end)
end)

describe("second derivatives", function()
  it("go through pooling and normalisation", function()
    local model = nn.Sequential { nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.AvgPool2d { 3, stride = 1, padding = 1 }, nn.GroupNorm(1, 2) }:to "float64"
    local x = luron.randn(2, 2, 4, 4, { dtype = "float64" }):requires_grad_()
    local v = luron.randn(2, 2, 2, 2, { dtype = "float64" })
    luron.gradcheck(function(t) return (model(t) * v):sum() end, x, { order = 2 })
  end)
end)
