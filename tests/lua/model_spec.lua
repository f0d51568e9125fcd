-- Models in C (Sequential, Graph) and classes in Lua.
local luron = require "luron"
local nn = luron.nn

local function names_of(model)
  local names = {}
  for name in model:named_parameters() do names[#names + 1] = name end
  return names
end

describe("nn.Sequential", function()
  it("applies one after the other", function()
    local a, b = nn.Linear(3, 4), nn.Linear(4, 2)
    local model = nn.Sequential { a, nn.ReLU(), b }
    local x = luron.randn(5, 3)
    assert.is_true(model(x):eq(b(a(x):relu())):all():item())
    assert.are.equal(3, #model)
    assert.are.equal("Linear", model[1]:type())
    assert.are.equal("Linear", model[-1]:type())
    assert.are.same({ "linear1/weight", "linear1/bias", "linear2/weight", "linear2/bias" }, names_of(model))
    assert.are.equal(3 * 4 + 4 + 4 * 2 + 2, model:n_weights())
    assert.is_true(nn.Sequential(a, b)(x):eq(b(a(x))):all():item())
  end)

  it("takes names and models", function()
    local part = nn.Sequential { { "fc", nn.Linear(2, 3) }, nn.Tanh() }
    local model = nn.Sequential { { "encoder", part }, { "head", nn.Linear(3, 1) } }
    assert.are.same({ "encoder.fc/weight", "encoder.fc/bias", "head/weight", "head/bias" }, names_of(model))
    assert.is_true(model:layer("encoder.fc").weight:is_same(part[1].weight))
    assert.is_nil(model:layer "nothing")
    assert.is_truthy(tostring(model):find("    fc: Linear(", 1, true))
    local paths = {}
    for path in model:named_layers() do paths[#paths + 1] = path end
    assert.are.same({ "encoder.fc", "encoder.tanh1", "head" }, paths)
  end)

  it("may hold a layer twice", function()
    local layer = nn.Linear(3, 3)
    local model = nn.Sequential { layer, nn.Tanh(), layer }
    local x = luron.randn(2, 3)
    assert.is_true(model(x):eq(layer(layer(x):tanh())):all():item())
    assert.are.equal(2, #model:parameters())
    assert.is_truthy(tostring(model):find("\n  linear1: Linear(in_features = 3, out_features = 3, bias = true), 2 times\n  tanh1: Tanh()", 1, true))
  end)
end)

describe("models", function()
  it("switch modes, freeze, cast and clone", function()
    local model = nn.Sequential { { "a", nn.Linear(2, 2) }, nn.Dropout(0.5), { "b", nn.Linear(2, 2) } }
    assert.is_true(model:is_training())
    assert.is_false(model:eval():is_training())
    assert.is_false(model[2]:is_training())
    model:freeze "a"
    assert.is_false(model:layer("a").weight:requires_grad())
    assert.is_true(model:layer("b").weight:requires_grad())
    model:unfreeze()
    assert.is_true(model:layer("a").weight:requires_grad())
    local x = luron.randn(3, 2)
    local copy = model:clone()
    assert.is_true(copy(x):eq(model(x)):all():item())
    assert.is_false(copy[1].weight:is_shared(model[1].weight))
    assert.are.equal("float64", copy:to("float64")(x:double()):dtype())
    model(x):sum():backward()
    assert.is_truthy(model[1].weight:grad())
    model:zero_grad()
    assert.is_nil(model[1].weight:grad())
  end)

  it("describe themselves", function()
    local model = nn.Sequential { nn.Linear(4, 2), nn.ReLU() }
    local text = model:summary { 7, 4 }
    assert.is_truthy(text:find("(7, 2)", 1, true))
    assert.is_truthy(text:find("10", 1, true))
    assert.is_string(model:summary())
    assert.is_truthy(model:json():find('"Linear"', 1, true))
    assert.has_error(function() model:summary { 7, 5 } end)
    assert.are.equal(3, model:n_nodes())
  end)

  it("say where shapes do not fit", function()
    local model = nn.Sequential { { "first", nn.Linear(4, 2) }, { "second", nn.Linear(3, 1) } }
    local ok, message = pcall(model, luron.zeros(1, 4))
    assert.is_false(ok)
    assert.is_truthy(message:find("second", 1, true))
    assert.is_truthy(message:find "model_spec.lua:%d+: ")
  end)
end)

describe("nn.Graph", function()
  it("has several inputs and outputs", function()
    local a, b = nn.Input "left", nn.Input "right"
    local shared, head = nn.Linear(3, 4), nn.Linear(4, 2)
    local ha, hb = shared(a), shared(b)
    local model = nn.Graph { inputs = { a, b }, outputs = { head(nn.Tanh()(ha)), hb }, names = { shared = shared } }
    local x, y = luron.randn(2, 3), luron.randn(2, 3)
    local p, q = model(x, y)
    assert.is_true(p:eq(head(shared(x):tanh())):all():item())
    assert.is_true(q:eq(shared(y)):all():item())
    assert.are.same({ "left", "right" }, (model:inputs()))
    assert.are.equal(2, select(2, model:inputs()))
    assert.are.equal(4, #model:parameters())
    assert.is_truthy(model:layer "shared")
  end)

  it("includes models and feeds losses", function()
    local x, y = nn.Input "x", nn.Input "y"
    local body = nn.Sequential { nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2) }
    local model = nn.Graph { inputs = { x, y }, outputs = nn.CrossEntropyLoss()(body(x), y) }
    local input, ids = luron.randn(5, 3), luron.tensor { 1, 2, 1, 2, 1 }
    assert.is_true(math.abs(model(input, ids):item() - nn.cross_entropy(body(input), ids):item()) < 1e-6)
  end)

  it("refuses what is no graph", function()
    local a, b = nn.Input(), nn.Input()
    local y = nn.Linear(2, 2)(a)
    assert.has_error(function() nn.Graph { inputs = { b }, outputs = { y } } end)
    assert.has_error(function() nn.Graph { inputs = { a, a }, outputs = { y } } end)
    assert.has_error(function() nn.Graph { inputs = { y }, outputs = { y } } end)
    assert.has_error(function() nn.Graph { inputs = { a } } end)
    assert.has_error(function() nn.Graph { inputs = { a }, outputs = { y }, name = "x" } end)
    assert.has_error(function() return y + "1" end)
    assert.has_error(function() return y:item() end)
    assert.has_error(function() nn.CrossEntropyLoss()(y, luron.zeros(2)) end)
    assert.is_string(tostring(y))
  end)
end)

describe("nn.class", function()
  it("refuses an ordinary tensor in the place of a parameter, where it is next used", function()
    local Scale = nn.class "ModelScale"
    function Scale:init() self.w, self.inner = luron.ones(2):requires_grad_(), { nn.Linear(2, 2) } end
    function Scale:forward(x) return x * self.w end
    local scale, x = Scale(), luron.ones(2)
    local kept = scale.w
    for text, wrong in pairs { ["requires no gradient"] = luron.zeros(2), ["is a result"] = kept * 2 } do
      scale.w = wrong
      for _, use in ipairs { function() scale(x) end, function() scale:parameters() end, function() scale:save "/nonexistent/file" end } do
        local ok, message = pcall(use)
        assert.is_false(ok)
        assert.is_truthy(message:find("model_spec.lua:%d+: 'w' was a parameter, and the tensor that was assigned to it " .. text), message)
      end
    end
    scale.w = luron.zeros(2):requires_grad_() -- another parameter
    assert.are.same({ 0.0, 0.0 }, scale(x):totable())
    scale.w = kept
    scale:freeze "w" -- stays one
    assert.are.same({ 1.0, 1.0 }, scale(x):totable())
    scale.w = nil
    assert.are.equal(2, #scale:parameters())
    scale.w = luron.full(3.0, 2) -- none any more, as it was taken away
    assert.are.same({ 3.0, 3.0 }, scale:forward(x):totable())
    scale:buffer("w", luron.full(4.0, 2))
    assert.are.same({ 4.0, 4.0 }, scale(x):totable())
  end)

  it("shows the parts of lists in lists, and takes the sizes of one input one by one", function()
    local Nested = nn.class "ModelNested"
    function Nested:init() self.parts = { { nn.Linear(2, 1), { act = nn.ReLU() } }, luron.ones(3, { requires_grad = true }) } end
    function Nested:forward(x) return self.parts[1][1](x) end
    assert.are.equal("ModelNested\n  parts.1.1: Linear(in_features = 2, out_features = 1, bias = true)\n  parts.1.2.act: ReLU()\n  "
      .. "parts.2: tensor (3,) float32", tostring(Nested()))
    assert.are.equal(Nested():summary { 5, 2 }, Nested():summary(5, 2))
    local model = nn.Sequential { nn.Conv2d(1, 1, 3) }
    assert.are.equal(model:summary { 2, 1, 8, 8 }, model:summary(2, 1, 8, 8))
  end)

  local Gated = nn.class "SpecGated"
  function Gated:init(n, hidden)
    self.gate, self.up = nn.Linear(n, hidden), nn.Linear(n, hidden)
    self.down = nn.Sequential { nn.Linear(hidden, n) }
    self.scale = luron.ones(1, { requires_grad = true })
    self.extra = { nn.Linear(n, n), nn.Dropout(0.5) }
  end
  function Gated:forward(x) return self.down(self.gate(x):silu() * self.up(x)) * self.scale + self.extra[1](x) end

  it("finds what it is made of", function()
    local module = Gated(3, 5)
    assert.are.same({
      "down.linear1/weight", "down.linear1/bias", "extra.1/weight", "extra.1/bias", "gate/weight", "gate/bias", "scale", "up/weight", "up/bias",
    }, names_of(module))
    assert.are.equal(9, #module:parameters())
    assert.are.same({ 2, 3 }, module(luron.randn(2, 3)):shape())
    module:eval()
    assert.is_false(module.extra[2]:is_training())
    assert.is_false(module:is_training())
    assert.is_true(module:train():is_training())
    module(luron.randn(2, 3)):sum():backward()
    for name, t in module:named_parameters() do assert.is_truthy(t:grad(), name) end
    module:zero_grad()
    assert.is_nil(module.gate.weight:grad())
    assert.is_truthy(tostring(module):find("gate: Linear(", 1, true))
    assert.are.equal("float64", module:to("float64")(luron.randn(2, 3, { dtype = "float64" })):dtype())
    assert.are.equal("float64", module.scale:dtype())
  end)

  it("nests, and takes tied parameters once", function()
    local Outer = nn.class "SpecOuter"
    function Outer:init()
      self.a, self.b = Gated(2, 2), Gated(2, 2)
      self.b.gate.weight = self.a.gate.weight
      self.again = self.a
    end
    function Outer:forward(x) return self.b(self.a(x)) end
    local module = Outer()
    assert.are.equal(17, #module:parameters())
    assert.are.equal("a.down.linear1/weight", names_of(module)[1])
  end)

  it("inherits", function()
    local Twice = nn.class("SpecTwice", Gated)
    function Twice:forward(x) return Gated.forward(self, x) * 2 end
    local module = Twice(2, 2)
    module:eval()
    local x = luron.randn(1, 2)
    assert.is_true(module(x):eq(Gated.forward(module, x) * 2):all():item())
  end)

  it("copies state in, all or nothing", function()
    local a, b = Gated(2, 3), Gated(2, 3)
    b:load_state_dict(a:state_dict())
    assert.is_true(b.up.weight:eq(a.up.weight):all():item())
    assert.is_false(b.up.weight:is_shared(a.up.weight))
    local dict = Gated(2, 3):state_dict()
    dict["up/bias"] = luron.zeros(7)
    local before = b.gate.weight:clone()
    local ok, message = pcall(b.load_state_dict, b, dict)
    assert.is_false(ok)
    assert.is_truthy(message:find("up/bias has shape (7,)", 1, true))
    assert.is_true(b.gate.weight:eq(before):all():item())
    dict["up/bias"] = nil
    assert.has_error(function() b:load_state_dict(dict) end)
    assert.has_error(function() b:load_state_dict { nothing = luron.ones(1) } end)
  end)

  it("is frozen by path, and keeps frozen tensors among its parameters and in its file", function()
    local Scaled = nn.class "SpecScaled"
    function Scaled:init()
      self.scale = luron.full(2, 3):requires_grad_()
      self.enc, self.encoder = nn.Linear(3, 3), nn.Linear(3, 1)
    end
    function Scaled:forward(x) return self.encoder(self.enc(x) * self.scale) end
    local module = Scaled()
    module:freeze "enc"
    assert.is_false(module.enc.weight:requires_grad())
    assert.is_true(module.encoder.weight:requires_grad())
    module:freeze()
    assert.are.equal(5, #module:parameters())
    local path = os.tmpname()
    module:save(path)
    local other = Scaled()
    luron.no_grad(function() other.scale:fill_(7) end)
    assert(other:restore(path))
    os.remove(path)
    assert.are.equal(2, other.scale[1]:item())
    module:unfreeze "scale"
    assert.is_true(module.scale:requires_grad())
    assert.has_error(function() module:freeze "nothing" end)
  end)
end)
