-- Layers whose size their first input says: against those that were made with it, bit for bit.
local luron = require "luron"
local nn = luron.nn

local build = os.getenv "LURON_TEST_BUILD" or "."
local path = build .. "/lazy_spec.h5"

-- Type, shape of an input, arguments behind the first.
local cases = { { "Linear", { 4, 6 }, 5 }, { "Linear", { 2, 3, 6 }, 2, { bias = false, weight_init = "orthogonal" } } }
for d = 1, 3 do
  local shape, alone = { 2, 6, 5, 6, 7 }, { 6, 5, 6, 7 }
  shape, alone = table.move(shape, 1, d + 2, 1, {}), table.move(alone, 1, d + 1, 1, {})
  for _, kind in ipairs { "Conv%dd", "ConvTranspose%dd" } do
    cases[#cases + 1] = { kind:format(d), shape, 4, 3 }
    cases[#cases + 1] = { kind:format(d), shape, 4, 3, { groups = 2, stride = 2 } }
    cases[#cases + 1] = { kind:format(d), alone, { out_channels = 3, kernel_size = 2, bias = false } }
  end
  cases[#cases + 1] = { ("BatchNorm%dd"):format(d), shape }
  cases[#cases + 1] = { ("InstanceNorm%dd"):format(d), shape, { affine = true, track_running_stats = true } }
  cases[#cases + 1] = { ("InstanceNorm%dd"):format(d), alone }
end
cases[#cases + 1] = { "BatchNorm1d", { 5, 6 }, { affine = false } }

local function sized(case)
  local args = table.move(case, 3, #case, 1, {})
  if type(args[1]) == "table" then
    local options = { 6 }
    for key, value in pairs(args[1]) do options[key] = value end
    return nn[case[1]](options)
  end
  return nn[case[1]](6, table.unpack(args))
end
local function lazy(case) return nn["Lazy" .. case[1]](table.unpack(case, 3)) end

local function same(a, b) return a:dtype() == b:dtype() and a:tobytes() == b:tobytes() end

local function same_tensors(a, b, what)
  local want, n = b:state_dict(), 0
  for name, tensor in pairs(a:state_dict()) do
    n = n + 1
    assert.is_true(want[name] and same(tensor, want[name]) and tensor:requires_grad() == want[name]:requires_grad(), what .. ": " .. name)
    want[name] = nil
  end
  assert.is_nil(next(want), what)
  return n
end

-- Output and gradients of a step.
local function step(layer, x)
  local input = x:detach():requires_grad_()
  local y = layer(input)
  luron.sum(y * y):backward()
  local list = { y, input:grad() }
  for _, tensor in layer:named_parameters() do list[#list + 1] = tensor:grad() end
  return list
end

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end

local waits = "it has no parameters before its first input, which says in_features: call the model on one first"

describe("a lazy layer", function()
  it("is the layer that was made with its size, bit for bit", function()
    for _, dtype in ipairs { "float32", "float64" } do
      local n = 0
      for i, case in ipairs(cases) do
        local what = string.format("case %d, %s, %s", i, case[1], dtype)
        local x = luron.randn(case[2], { dtype = dtype })
        luron.seed(i)
        local a = lazy(case):to(dtype)
        local after = luron.randn(4)
        luron.seed(i)
        local b = sized(case):to(dtype)
        assert.is_true(same(after, luron.randn(4)), what .. ": what is drawn behind it")
        assert.equal(0, a:options()[luron.type_info("layer", case[1]).options[1]])
        luron.seed(99) -- the numbers do not hang on when the input comes
        luron.randn(3)
        local got, want = step(a, x), step(b, x)
        assert.equal(#want, #got, what)
        for k, tensor in ipairs(want) do assert.is_true(same(got[k], tensor), what .. ": value " .. k) end
        n = n + same_tensors(a, b, what)
        assert.equal(tostring(b), tostring(a))
        assert.equal(b:type(), a:type())
      end
      assert.is_true(n > 60, n .. " tensors")
    end
  end)

  it("has all thirteen types of PyTorch", function()
    local types = {}
    for _, case in ipairs(cases) do types[case[1]] = true end
    local n = 0
    for name in pairs(types) do
      n = n + 1
      assert.is_function(nn["Lazy" .. name])
      assert.is_truthy(luron.help("Lazy" .. name):find("nn.Lazy" .. name .. " takes ", 1, true))
    end
    assert.equal(13, n)
  end)

  it("takes its options as the layer does, without the first", function()
    assert.equal("Linear(in_features = 0, out_features = 3, bias = false)", tostring(nn.LazyLinear(3, { bias = false })))
    assert.equal(tostring(nn.LazyLinear(3, false)), tostring(nn.LazyLinear { 3, bias = false }))
    assert.equal(tostring(nn.LazyLinear(3)), tostring(nn.LazyLinear { out_features = 3 }))
    fails("bad argument #1 to 'LazyLinear' (out_features: positive integer expected, got no value)", function() nn.LazyLinear() end)
    fails("bad argument #1 to 'LazyLinear' (out_features: positive integer expected, got -3)", function() nn.LazyLinear(-3) end)
    fails("bad argument #1 to 'LazyLinear' (in_features: the first input says it)", function() nn.LazyLinear { in_features = 3, out_features = 2 } end)
    fails("bad argument #1 to 'LazyLinear' (no option 'biass'; options: out_features, bias, ", function() nn.LazyLinear { 3, biass = false } end)
    fails("Linear takes 4 options, got one more: 7", function() nn.LazyLinear(3, true, "zeros", "zeros", 7) end)
    fails("have to be multiples of groups, 4", function() nn.LazyConv2d(6, 3, { groups = 4 }) end)
    fails("no layer type 'LazyReLU'", function() return nn.LazyReLU end)
    fails("; nn.LazyLinear takes in_features from its first input", function() return nn.Dense end)
    fails("; nn.LazyConvTranspose2d takes in_channels from its first input", function() return nn.Conv2DTranspose end)
  end)

  it("waits for another input after one that does not fit", function()
    local conv = nn.LazyConv2d(4, 3)
    fails("layer Conv2d: the first input says in_channels, and (3, 3) has too few dims", conv, luron.ones(3, 3))
    fails("in_channels: integer of at least 1 expected, got 0", conv, luron.ones(2, 0, 5, 5))
    fails("input has size 2, 2 with padding: the kernel takes 3; given input (1, 7, 2, 2)", conv, luron.ones(1, 7, 2, 2))
    fails("input is int64, float32 or float64 is expected", conv, luron.ones(1, 8, 5, 5, { dtype = "int64" }))
    fails("the layer's parameters are float32", conv, luron.ones(1, 8, 5, 5, { dtype = "float64" }))
    fails("input: tensor expected, got no value", conv)
    fails("input has size 1, 1 with padding: the kernel takes 3", conv.infer, conv, { 2, 6, 1, 5 })
    assert.equal(0, conv.in_channels)
    assert.are.same({ 1, 4, 3, 3 }, conv(luron.ones(1, 5, 5, 5)):shape())
    assert.equal(5, conv.in_channels)
    fails("input has 6 channels, in_channels is 5", conv, luron.ones(1, 6, 5, 5))
    local grouped = nn.LazyConv1d(4, 3, { groups = 4 })
    fails("have to be multiples of groups, 4", grouped, luron.ones(1, 6, 5))
    assert.are.same({ 4, 2, 3 }, (grouped(luron.ones(1, 8, 5)) and grouped.weight:shape()))
    local inferred = nn.LazyLinear(2)
    assert.are.same({ 5, 2 }, inferred:infer { 5, 3 })
    assert.are.same({ 2, 3 }, inferred.weight:shape())
  end)

  it("has no parameters before, and says what to do", function()
    local layer = nn.LazyLinear(3)
    for _, fn in ipairs {
      function() return layer.weight end, function() layer.weight = luron.ones(3, 3) end, function() return layer.weigth end,
      function() layer:parameters() end, function() layer:named_parameters() end, function() layer:named_states() end, function() layer:n_weights() end,
      function() layer:parameter "weight" end, function() layer:state_dict() end, function() layer:freeze() end, function() layer:zero_grad() end,
      function() nn.weight_norm(layer) end, function() luron.optim.SGD(layer, { lr = 0.1 }) end,
    } do fails("layer Linear: " .. waits, fn) end
    assert.equal("Linear", layer:type())
    assert.equal("float32", layer:dtype())
    assert.equal(1, layer:n_outs())
  end)

  it("is reset, copied and cast before as after", function()
    local function all(layer, x)
      local copy = layer:clone()
      layer:reset()
      layer:to "float64"
      local cast = layer:clone()
      local back = layer:clone():to "float32"
      local wide = x:to "float64"
      return { layer(wide), cast(wide), back(x), copy(x) }
    end
    local x = luron.randn(2, 6)
    luron.seed(3)
    local got = all(nn.LazyLinear(4), x)
    luron.seed(3)
    local want = all(nn.Linear(6, 4), x)
    for i, y in ipairs(want) do assert.is_true(same(got[i], y), i) end
    assert.is_false(same(got[3], got[4])) -- after reset others
    local norm = nn.LazyBatchNorm1d():eval()
    assert.is_false(norm:clone():is_training())
    assert.is_true(same(norm(x), nn.BatchNorm1d(6):eval()(x)))
    assert.is_true(same(norm.running_mean, luron.zeros(6)))
    norm:train()(x)
    assert.is_false(same(norm.running_mean, luron.zeros(6)))
  end)

  it("makes parameters that are trained where no gradients are recorded", function()
    local layer = nn.LazyLinear(3)
    luron.no_grad(function() layer(luron.ones(2, 4)) end)
    assert.is_true(layer.weight:requires_grad())
  end)

  it("is called with hooks and under recompute", function()
    local layer, seen = nn.LazyLinear(3), nil
    layer:register_forward_pre_hook(function(_, inputs) return luron.cat({ inputs[1], inputs[1] }, 2) end)
    layer:register_forward_hook(function(self) seen = self.in_features end)
    layer(luron.ones(2, 4))
    assert.equal(8, seen)
    local other = nn.LazyLinear(2)
    luron.sum(luron.recompute(other, luron.ones(3, 5, { requires_grad = true }))):backward()
    assert.are.same({ 2, 5 }, other.weight:grad():shape())
  end)
end)

-- The same model lazy and not.
local function convolutional(is_lazy)
  local function of(name, size, ...)
    if is_lazy then return nn["Lazy" .. name](...) end
    return nn[name](size, ...)
  end
  return nn.Sequential {
    of("Conv2d", 1, 4, 3), of("BatchNorm2d", 4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), { "head", of("Linear", 4 * 6 * 6, 5) }, nn.Tanh(), of("Linear", 5, 2),
  }
end

-- Two branches, and a part twice.
local function graph(is_lazy)
  local a, b = nn.Input "a", nn.Input "b"
  local shared = is_lazy and nn.LazyLinear(4) or nn.Linear(3, 4)
  local joined = is_lazy and nn.LazyLinear(2) or nn.Linear(8, 2)
  return nn.Graph { inputs = { a, b }, outputs = { joined(luron.cat({ shared(a), shared(b):tanh() }, -1)) }, names = { both = shared } }
end

local Net = nn.class "LazyNet"
function Net:init(is_lazy)
  self.body = convolutional(is_lazy)
  self.out = is_lazy and nn.LazyLinear(3) or nn.Linear(2, 3)
  self.scale = luron.ones(3, { requires_grad = true })
end
function Net:forward(x) return self.out(self.body(x)) * self.scale end

local images = luron.rand(20, 1, 8, 8)

describe("a model with lazy layers", function()
  it("may have one in several places", function()
    local layer = nn.LazyLinear(3)
    assert.equal(12, (nn.Sequential { layer, nn.ReLU(), layer }(luron.ones(2, 3)) and layer:n_weights()))
    local twice = nn.LazyLinear(3)
    fails("layer 'linear1' = Linear { in_features = 4, out_features = 3, bias = true }: input has 3 features, in_features is 4",
      nn.Sequential { twice, nn.ReLU(), twice }, luron.ones(2, 4))
    local failing = nn.Sequential { nn.LazyLinear(4), nn.LazyConv1d(2, 3) }
    fails("layer 'conv1d1' = Conv1d", failing, luron.ones(2, 2, 5, 5))
    assert.equal(5, failing:layer("linear1").in_features) -- as it was told; the one that failed waits
    assert.equal(0, failing:layer("conv1d1").in_channels)
    assert.are.same({ 2, 4, 3 }, nn.TimeDistributed(nn.LazyLinear(3))(luron.ones(2, 4, 5)):shape())
  end)

  it("trains with the same bits, in Sequential, Graph and a class", function()
    local pair = { luron.randn(5, 3), luron.randn(5, 3) }
    for i, kind in ipairs { { convolutional, { images } }, { graph, pair }, { Net, { images } } } do
      local results = {}
      for k, is_lazy in ipairs { true, false } do
        luron.seed(5)
        local model = kind[1](is_lazy)
        if k == 1 then luron.no_grad(function() model:eval()(table.unpack(kind[2])) end) end
        model:train()
        local opt = luron.optim.AdamW(model, { lr = 1e-2 })
        for _ = 1, 3 do
          opt:zero_grad()
          luron.mean(model(table.unpack(kind[2])) ^ 2):backward()
          opt:step()
        end
        results[k] = model
      end
      assert.is_true(same_tensors(results[1], results[2], "kind " .. i) > 3)
      assert.equal(tostring(results[2]), tostring(results[1]))
      if kind[1] ~= Net then assert.equal(results[2]:json(), results[1]:json()) end
    end
  end)

  it("says before its first input that it has no parameters", function()
    for _, model in ipairs { graph(true), Net(true), nn.Sequential { nn.LazyLinear(3) } } do
      for _, fn in ipairs {
        function() model:parameters() end, function() model:named_parameters() end, function() model:named_states() end, function() model:n_weights() end,
        function() model:parameter "weight" end, function() model:state_dict() end, function() model:summary() end, function() model:save(path) end,
        function() model:freeze() end, function() model:zero_grad() end, function() luron.optim.Adam(model) end, function() luron.EMA(model) end,
        function() luron.fit(model, luron.data.tensors(luron.ones(4, 3), luron.ones(4, 3))) end,
      } do fails("it has no parameters before its first input, which says ", fn) end
    end
    local model = nn.Sequential { nn.Linear(2, 3), { "head", nn.LazyLinear(3) } }
    fails("layer 'head' = Linear: " .. waits, model.json, model)
    fails("layer 'head' = Linear: " .. waits, model.freeze, model, "linear1")
    assert.equal("model (1 input, 1 output, 9 weights so far)", tostring(model):match "^[^\n]*")
    local net = Net(true)
    fails("it has no parameters before its first input", net.clone, net)
  end)

  it("has its sizes by a summary with a shape", function()
    local model = convolutional(true)
    local text = model:summary(20, 1, 8, 8)
    assert.equal(convolutional(false):summary(20, 1, 8, 8), text)
    assert.equal(convolutional(false):n_weights(), model:n_weights())
    local net = Net(true):to "float64"
    assert.equal(Net(false):summary(20, 1, 8, 8), net:summary(20, 1, 8, 8))
    assert.equal(2, net.out.in_features)
    assert.equal("float64", net.out.weight:dtype())
  end)

  it("is copied, cast, put into modes and given to apply before", function()
    luron.seed(6)
    local model = convolutional(true)
    luron.seed(6)
    local other = convolutional(false)
    local copy = model:clone():to("float64"):eval()
    local x = images:to "float64"
    assert.is_true(same(copy(x), other:clone():to("float64"):eval()(x)))
    assert.equal(0, model:layer("head").in_features)
    local types = {}
    model:apply(function(part) if luron.is_layer(part) then types[#types + 1] = part:type() end end)
    assert.equal("Conv2d BatchNorm2d ReLU Dropout Flatten Linear Tanh Linear", table.concat(types, " "))
    assert.is_true(same(model:eval()(images), other:eval()(images)))
    model:freeze "head"
    assert.is_false(model:parameter("head/weight"):requires_grad())
  end)

  it("is planned, traced and fitted", function()
    luron.seed(7)
    local model = nn.Sequential { nn.LazyLinear(4), nn.Tanh(), nn.LazyLinear(2) }
    local plain, x = model:clone(), luron.randn(6, 3)
    local compiled = luron.compile(model)
    luron.no_grad(function()
      for _ = 1, 4 do assert.is_true(same(compiled(x), plain(x))) end
    end)
    assert.is_truthy(luron.explain(compiled):find "planned")
    local y = luron.tensor { 1, 2, 1, 2, 1, 2 }
    assert.equal(2, #luron.fit(model, luron.data.tensors(x, y), { epochs = 2, batch = 3, progress = false }))
    local net = Net(true)
    local graph_of = nn.trace(net, images)
    assert.is_true(net:is_training())
    assert.is_true(same(graph_of:eval()(images), net:eval()(images)))
  end)

  it("is saved as one without, and restored before it has seen an input", function()
    luron.seed(8)
    local model = convolutional(true):eval()
    local y = model(images)
    model:save(path)
    assert.is_true(same(assert(luron.load(path)):eval()(images), y))
    local other = convolutional(true):eval()
    assert(other:restore(path))
    assert.is_true(same(other(images), y))
    local third = convolutional(true):eval()
    third:load_state_dict(model:state_dict())
    assert.is_true(same(third(images), y))
    os.remove(path)
  end)

  it("of a class is loaded with the sizes in the file", function()
    local net = Net(true):eval()
    local y = net(images)
    net:save(path)
    local loaded = assert(luron.load(path)):eval()
    assert.is_true(same(loaded(images), y))
    assert.equal(tostring(net), tostring(loaded))
    os.remove(path)
  end)

  it("has the sizes of grouped convolutions and of state from tensors", function()
    for _, make in ipairs {
      function() return nn.LazyConv2d(4, 3, { groups = 2, bias = false }) end, function() return nn.LazyConvTranspose1d(4, 3, { groups = 4 }) end,
      function() return nn.LazyBatchNorm2d { affine = false } end, function() return nn.LazyInstanceNorm1d { affine = true } end,
    } do
      local a, b = make(), make()
      local shape = { 1, 8, 5, 5 }
      if a:type():find "1d" then shape[4] = nil end
      a(luron.randn(shape))
      b:load_state_dict(a:state_dict())
      assert.is_true(same_tensors(a, b, a:type()) > 0)
      assert.equal(tostring(a), tostring(b))
    end
  end)

  it("needs no size for layers without tensors", function()
    local function bare()
      return nn.Sequential { nn.LazyConv2d(4, 3), nn.LazyInstanceNorm2d(), nn.LazyBatchNorm2d { affine = false, track_running_stats = false }, nn.ReLU() }
    end
    local one, x = bare(), luron.rand(2, 3, 6, 6)
    local y = one(x)
    one:save(path)
    local two, three = bare(), bare()
    assert(two:restore(path))
    three:load_state_dict(one:state_dict())
    assert.equal(0, two[2].num_features)
    assert.equal(y:tobytes(), two(x):tobytes())
    assert.equal(y:tobytes(), three(x):tobytes())
    assert.equal(3, two[1].in_channels)
    assert.same({}, nn.LazyInstanceNorm2d():parameters())
    os.remove(path)
  end)

  it("waits for an input still where tensors do not fit, all or nothing", function()
    local model = convolutional(false)
    model:save(path)
    local dict = model:state_dict()
    local narrow = nn.Sequential { nn.LazyConv2d(3, 3), nn.LazyBatchNorm2d() }
    local _, message, code = narrow:restore(path)
    assert.equal("MISMATCH", code)
    assert.is_truthy(message:find("parameters/conv2d1/weight has shape (4, 1, 3, 3) in the file, (3, 1, 3, 3) expected", 1, true), message)
    assert.equal(0, narrow:layer("conv2d1").in_channels)
    fails("there is no tensor 'more'", narrow.load_state_dict, narrow, { more = luron.ones(2), ["conv2d1/weight"] = dict["conv2d1/weight"],
      ["batch_norm2d1/weight"] = luron.ones(3) })
    assert.equal(0, narrow:layer("conv2d1").in_channels)
    local lazy_one = convolutional(true)
    dict["head/bias"] = nil
    fails("head/bias is missing", lazy_one.load_state_dict, lazy_one, dict)
    assert.equal(0, lazy_one:layer("head").in_features)
    fails("linear1: Linear has no size by these tensors: call the model on an input first", function() nn.Sequential { nn.LazyLinear(2) }:load_state_dict {} end)
    local groups = nn.Sequential { nn.LazyConv1d(4, 2), nn.LazyConvTranspose1d(4, 1, { groups = 2 }) }
    fails("bad argument #1 to 'load_state_dict' (layer 'conv_transpose1d1' = ConvTranspose1d { in_channels = 3, ", groups.load_state_dict, groups,
      { ["conv1d1/weight"] = luron.ones(4, 3, 2), ["conv1d1/bias"] = luron.ones(4), ["conv_transpose1d1/weight"] = luron.ones(3, 2, 1),
        ["conv_transpose1d1/bias"] = luron.ones(4) })
    assert.equal(0, groups:layer("conv1d1").in_channels)
    assert.are.same({ 2, 4, 5 }, groups(luron.ones(2, 3, 6)):shape())
    _, message, code = nn.Sequential { nn.LazyLinear(2) }:restore(path)
    assert.equal("MISMATCH", code)
    assert.is_truthy(message:find("linear1: Linear has no size by these tensors", 1, true) or message:find("does not fit the model", 1, true), message)
    local net = Net(true)
    _, message = net:restore(path)
    assert.is_truthy(message, "a model's file for a class")
    assert.equal(0, net.out.in_features)
    os.remove(path)
  end)
end)
