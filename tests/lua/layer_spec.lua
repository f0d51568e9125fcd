-- Layers: construction by any type's schema, application, parameters, functional forms, help.
local luron = require "luron"
local nn = luron.nn

describe("constructors", function()
  it("take options by position, by name, and mixed", function()
    for _, layer in ipairs {
      nn.Linear(3, 2, false), nn.Linear { in_features = 3, out_features = 2, bias = false }, nn.Linear { 3, 2, bias = false },
      nn.Linear(3, 2, { bias = false }), nn.Linear(3, { out_features = 2, bias = false }),
    } do
      assert.are.same({ in_features = 3, out_features = 2, bias = false }, layer:options())
      assert.are.equal("Linear", layer:type())
      assert.are.equal("Linear(in_features = 3, out_features = 2, bias = false)", tostring(layer))
    end
  end)

  it("give every type of every plugin", function()
    local types = luron.types()
    assert.is_true(#types >= 30)
    for _, name in ipairs(types) do
      assert.is_function(nn[name])
      assert.is_string(luron.help(name))
      local info = luron.type_info("layer", name)
      assert.are.equal(name, info.name)
      if info.function_name then assert.is_function(nn[info.function_name]) end
    end
    assert.is_true(nn.Linear == nn.Linear)
    assert.is_truthy(luron.help():find("Linear", 1, true))
    assert.is_truthy(luron.help("relu"):find("ReLU", 1, true))
    assert.is_truthy(luron.help("AdamW"):find("lr", 1, true))
  end)

  it("count dims from 1", function()
    local softmax = nn.Softmax(1)
    assert.are.equal(1, softmax.dim)
    assert.are.same({ 0.5, 0.5 }, softmax(luron.zeros(2)):totable())
    local sums = nn.Softmax(2)(luron.randn(2, 3)):sum(2)
    assert.is_true((sums - 1):abs():max():item() < 1e-6)
    assert.is_true((nn.Softmax(-1)(luron.randn(2, 3)):sum(2) - 1):abs():max():item() < 1e-6)
  end)

  it("take lists of integers", function()
    assert.are.same({ 4, 7, 2 }, nn.Reshape { 7, 2 }(luron.zeros(4, 14)):shape())
    assert.are.same({ 4, 7, 2 }, nn.Reshape({ { 7, 2 } })(luron.zeros(4, 14)):shape())
  end)
end)

describe("layers", function()
  it("apply, and give gradients", function()
    local layer = nn.Linear(2, 1)
    luron.no_grad(function()
      layer.weight:copy_(luron.tensor { { 2.0, 3.0 } })
      layer.bias:fill_(1)
    end)
    local y = layer(luron.tensor { { 1.0, 10.0 } })
    assert.are.same({ { 33.0 } }, y:totable())
    y:sum():backward()
    assert.are.same({ { 1.0, 10.0 } }, layer.weight:grad():totable())
    layer:zero_grad()
    assert.is_nil(layer.weight:grad())
  end)

  it("have parameters by name", function()
    local layer = nn.Linear(2, 3)
    assert.are.equal(2, #layer:parameters())
    local names = {}
    for name, t in layer:named_parameters() do
      names[#names + 1] = name
      assert.is_true(t:requires_grad())
    end
    assert.are.same({ "weight", "bias" }, names)
    assert.is_true(layer.weight:is_same(layer:parameters()[1]))
    assert.are.equal(2, layer.in_features)
  end)

  it("tie parameters by assignment", function()
    local a, b = nn.Linear(3, 3), nn.Linear(3, 3)
    b.weight = a.weight
    assert.is_true(b.weight:is_same(a.weight))
    assert.has_error(function() b.weight = luron.zeros(2, 2) end)
    assert.has_error(function() b.size = a.weight end)
    assert.is_true(b.weight:is_same(a.weight))
  end)

  it("take a tensor as a parameter that is trained as the one before it", function()
    local layer, w, mine = nn.Linear(2, 2), luron.ones(2, 2), luron.zeros(2, { requires_grad = true })
    layer.weight = w
    assert.is_true(layer.weight:is_same(w) and w:requires_grad())
    local opt = luron.optim.SGD(layer, { lr = 0.5 })
    layer(luron.ones(1, 2)):sum():backward()
    opt:step()
    assert.are.same({ { 0.5, 0.5 }, { 0.5, 0.5 } }, layer.weight:totable())
    layer.bias:requires_grad_(false)
    layer.bias = luron.ones(2)
    assert.is_false(layer.bias:requires_grad()) -- as before
    layer.bias = mine
    assert.is_true(layer.bias:requires_grad()) -- it says so itself
    local ok, message = pcall(function() layer.weight = w * 2 end)
    assert.is_false(ok)
    assert.matches("layer_spec.lua:%d+: Linear: weight: the tensor was made by recorded operations, a leaf expected: detach%(%) it", message)
    assert.is_true(layer.weight:is_same(w))
    layer.weight = (w * 2):detach()
    assert.is_true(layer.weight:requires_grad())
  end)

  it("switch between training and evaluation", function()
    local drop = nn.Dropout(0.5)
    local x = luron.ones(1000)
    assert.is_true(drop:is_training())
    local zeros = drop(x):eq(0):sum():item()
    assert.is_true(zeros > 300 and zeros < 700)
    assert.is_true(drop:eval() == drop)
    assert.is_true(drop(x):eq(x):all():item())
    assert.is_true(drop:train():is_training())
    assert.is_false(drop:train(false):is_training())
  end)

  it("cast, reset and clone", function()
    local layer = nn.Linear(4, 4)
    assert.are.equal("float64", layer:to("float64"):dtype())
    assert.are.equal("float64", layer.weight:dtype())
    assert.are.equal("float64", layer(luron.zeros(1, 4, { dtype = "float64" })):dtype())
    local copy = layer:clone()
    assert.is_true(copy.weight:eq(layer.weight):all():item())
    assert.is_false(copy.weight:is_shared(layer.weight))
    copy:reset()
    assert.is_false(copy.weight:eq(layer.weight):all():item())
  end)

  it("infer shapes", function()
    assert.are.same({ 5, 2 }, nn.Linear(3, 2):infer { 5, 3 })
    assert.has_error(function() nn.Linear(3, 2):infer { 5, 4 } end)
  end)

  it("close", function()
    local layer = nn.Linear(2, 2)
    layer:close()
    assert.has_error(function() layer(luron.zeros(1, 2)) end)
    assert.are.equal("layer (closed)", tostring(layer))
  end)
end)

describe("functional forms", function()
  local x = luron.tensor { { -1.0, 2.0 }, { 3.0, -4.0 } }

  it("are functions of nn and methods of tensors", function()
    assert.are.same({ { 0.0, 2.0 }, { 3.0, 0.0 } }, nn.relu(x):totable())
    assert.are.same({ { 0.0, 2.0 }, { 3.0, 0.0 } }, x:relu():totable())
    assert.is_true(x:gelu():eq(nn.GELU()(x)):all():item())
    assert.is_false(nn.gelu(x, { approximate = "tanh" }):eq(x:gelu()):all():item())
    assert.are.equal("float64", x:double():relu():dtype())
    assert.are.equal("float32", x:relu():dtype())
  end)

  it("take inputs by name beside options", function()
    local y = luron.tensor { 1, 2 }
    local plain = nn.cross_entropy(x, y):item()
    local expected = 0
    for i = 1, 2 do expected = expected - x:log_softmax(2)[i][y[i]:item()]:item() / 2 end
    assert.is_true(math.abs(plain - expected) < 1e-5)
    local weighed = nn.cross_entropy(x, y, { weight = luron.tensor { 1.0, 0.0 } }):item()
    assert.is_true(math.abs(weighed + x:log_softmax(2)[1][1]:item()) < 1e-5)
    assert.is_true(nn.cross_entropy(x, y, { label_smoothing = 0.1 }):item() ~= plain)
    local smooth = nn.CrossEntropyLoss { label_smoothing = 0.1 }
    assert.are.equal(smooth(x, y):item(), nn.cross_entropy(x, y, { label_smoothing = 0.1 }):item())
    local layer = nn.CrossEntropyLoss()
    assert.are.equal(weighed, layer(x, y, { weight = luron.tensor { 1.0, 0.0 } }):item())
  end)

  it("take probabilities for class ids, as PyTorch's cross_entropy does", function()
    local p = luron.tensor { { 0.25, 0.75 }, { 1.0, 0.0 } }
    local expected = -(p * x:log_softmax(2)):sum():item() / 2
    for _, loss in ipairs { nn.cross_entropy(x, p), x:cross_entropy(p), nn.cross_entropy(x, { target = p }), nn.soft_cross_entropy(x, p) } do
      assert.is_true(math.abs(loss:item() - expected) < 1e-6)
    end
    local w = luron.tensor { 1.0, 3.0 }
    assert.are.equal(nn.soft_cross_entropy(x, p, { weight = w }):item(), nn.cross_entropy(x, p, { weight = w }):item())
    assert.are.same({ 2 }, nn.cross_entropy(x, p, { reduction = "none" }):shape())
    assert.has_no_error(function() nn.cross_entropy(x, luron.tensor { 1, 2 }) end)
    local layer = nn.CrossEntropyLoss { label_smoothing = 0.1 }
    assert.are.equal(nn.cross_entropy(x, p, { label_smoothing = 0.1, weight = w }):item(), layer(x, p, { weight = w }):item())
    assert.are.equal(layer(x, p):item(), layer(x, { target = p }):item())
    local planned = luron.compile(function(a, t) return layer(a, t) end)
    for _ = 1, 3 do assert.are.equal(layer(x, p):item(), planned(x, p):item()) end
    assert.is_truthy(luron.explain(planned):find("planned", 1, true))
    for _, loss in ipairs { nn.CrossEntropyLoss { ignore_index = 2 }, function(a, t) return nn.cross_entropy(a, t, { ignore_index = 2 }) end } do
      assert.error_matches(function() loss(x, p) end, "^ignore_index goes with class ids, and the target holds probabilities")
    end
    for _, wrong in ipairs { { nn.CrossEntropyLoss(), luron.tensor { 1.0, 2.0 } }, { nn.cross_entropy, luron.tensor { 1.0, 2.0 } } } do
      local ok, message = pcall(function() return wrong[1](x, wrong[2]) end)
      assert.is_false(ok)
      assert.is_truthy(message:find("ids are int64, int32 or uint8", 1, true) and message:find("SoftCrossEntropyLoss takes probabilities", 1, true))
    end
    local ok, message = pcall(function() return nn.nll_loss(x, p) end)
    assert.is_true(not ok and message:find("ids are", 1, true) and not message:find("probabilities", 1, true))
  end)

  it("have gradients", function()
    for _, name in ipairs { "relu", "gelu", "silu", "sigmoid", "tanh", "softplus", "elu", "mish" } do
      local input = luron.randn(3, 3, { dtype = "float64" }) + 0.01
      assert.is_true(luron.gradcheck(nn[name], input), name)
    end
  end)
end)

describe("bce_with_logits_loss", function()
  it("is exact in float32 where it is small, on both sides", function()
    for _, logit in ipairs { 3, 10, 14, 17, 30, 60 } do
      for target = 0, 1 do
        local x = luron.tensor({ target == 1 and logit or -logit }):float():requires_grad_(true)
        local loss = nn.bce_with_logits_loss(x, luron.tensor { target }:float(), { pos_weight = luron.tensor { 3.0 }:float() })
        loss:backward()
        local weight, u = target == 1 and 3 or 1, math.exp(-logit)
        local slope = weight * u / (1 + u)
        assert.is_true(math.abs(x:grad():item()) / slope - 1 < 1e-5 and math.abs(x:grad():item()) / slope - 1 > -1e-5, logit .. ", " .. target)
        local wanted = weight * (u < 1e-8 and u or math.log(1 + u))
        assert.is_true(math.abs(loss:item() / wanted - 1) < 1e-5, logit .. ", " .. target .. ": " .. loss:item())
      end
    end
  end)
end)
