-- Functions with options (nn.gelu(x, { approximate = "tanh" })) in compiled steps: they have one layer for each set of options, so
-- that a plan finds the same one in each call, whatever the collector does; and what is said of layers that a step makes itself.
local luron = require "luron"
local core = require "luron.core"
local nn = luron.nn

local function line_of(level) return debug.getinfo(level + 1, "l").currentline end
local function explains(compiled, text) assert.is_truthy(luron.explain(compiled):find(text, 1, true), luron.explain(compiled)) end

local function ids(n, classes) return luron.arange(n):remainder(classes):long() + 1 end
local function attention(options)
  return function(x) return nn.scaled_dot_product_attention(x:unsqueeze(1), x:unsqueeze(1), x:unsqueeze(1), options()) end,
    function() local layer = nn.ScaledDotProductAttention(options()) return function(x) return layer(x:unsqueeze(1), x:unsqueeze(1), x:unsqueeze(1)) end end
end

-- name; the step by a function, of x (6, 4); the same by a layer made outside.
local cases = {}
local function case(name, by_function, make) cases[#cases + 1] = { name, by_function, make } end
local function unary(fn, layer, options)
  case(fn, function(x) return nn[fn](x, { [options[1]] = options[2] }) end, function() return nn[layer] { [options[1]] = options[2] } end)
  case("x:" .. fn, function(x) return x[fn](x, { [options[1]] = options[2] }) end, function() return nn[layer] { [options[1]] = options[2] } end)
end
local function loss(fn, layer, options, target)
  case(fn .. ", " .. next(options), function(x)
    local copy = {} -- a table of its own in each call, as { ... } in the source is
    for k, v in pairs(options) do copy[k] = v end
    return nn[fn](x, target(x), copy)
  end, function()
    local made = nn[layer](options)
    return function(x) return made(x, target(x)) end
  end)
end
local function classes() return ids(6, 4) end
local function near(x) return x:detach() * 0.5 end
loss("cross_entropy", "CrossEntropyLoss", { label_smoothing = 0.1 }, classes)
loss("cross_entropy", "CrossEntropyLoss", { ignore_index = 3 }, classes)
loss("cross_entropy", "CrossEntropyLoss", { reduction = "sum" }, classes)
loss("cross_entropy", "CrossEntropyLoss", { label_smoothing = 0.1 }, function(x) return x:detach():softmax(2) end)
loss("soft_cross_entropy", "SoftCrossEntropyLoss", { reduction = "sum" }, function(x) return x:detach():softmax(2) end)
loss("nll_loss", "NLLLoss", { ignore_index = 2 }, classes)
loss("huber_loss", "HuberLoss", { delta = 0.5 }, near)
loss("smooth_l1_loss", "SmoothL1Loss", { beta = 0.5 }, near)
loss("mse_loss", "MSELoss", { reduction = "sum" }, near)
loss("bce_with_logits_loss", "BCEWithLogitsLoss", { reduction = "none" }, function(x) return x:detach():sigmoid() end)
unary("leaky_relu", "LeakyReLU", { "negative_slope", 0.2 })
unary("elu", "ELU", { "alpha", 0.5 })
unary("gelu", "GELU", { "approximate", "tanh" })
unary("softplus", "Softplus", { "beta", 2 })
unary("dropout", "Dropout", { "p", 0.3 })
case("softmin", function(x) return nn.softmin(x, { dim = 1 }) end, function() return nn.Softmin { dim = 1 } end)
case("attention, causal", attention(function() return { is_causal = true } end))
case("attention, scale", attention(function() return { scale = 0.3 } end))
case("attention, dropout", attention(function() return { dropout_p = 0.2 } end))
case("reshape", function(x) return nn.reshape(x, { shape = { 2, 2 } }) end, function() return nn.Reshape { shape = { 2, 2 } } end)

describe("a function with options in a compiled step", function()
  after_each(function() collectgarbage "restart" end)

  local collectors = {
    ["with the collector as it is"] = function() end,
    ["without collections"] = function() collectgarbage "stop" end,
    ["with a collection before each call"] = function() return collectgarbage end,
  }
  for name, set in pairs(collectors) do
    for _, c in ipairs(cases) do
      it("is planned, and has the bits of a layer: " .. c[1] .. ", " .. name, function()
        local collect = set() or function() end
        for _, dtype in ipairs { "float32", "float64" } do
          local x, w, layer = luron.randn(6, 4):to(dtype), luron.randn(6, 4):to(dtype):requires_grad_(), c[3]()
          local function step_of(fn)
            return function(v)
              w:zero_grad()
              local y = fn(v + w)
              y:sum():backward()
              return y:detach()
            end
          end
          local f, step, want = luron.compile(step_of(c[2])), step_of(layer), {}
          luron.seed(2)
          for i = 1, 6 do want[i] = { step(x):tobytes(), w:grad():tobytes() } end
          luron.seed(2)
          for i = 1, 6 do
            collect()
            assert.are.same(want[i], { f(x):tobytes(), w:grad():tobytes() })
          end
          explains(f, "run 4 times")
        end
      end)
    end
  end

  it("has other options in other calls", function()
    local x, y = luron.randn(6, 4), ids(6, 4)
    local f = luron.compile(function(v, t, smoothing) return nn.cross_entropy(v, t, { label_smoothing = smoothing }) end)
    for _ = 1, 5 do
      for _, smoothing in ipairs { 0, 0.1, 0.3 } do
        assert.are.equal(nn.CrossEntropyLoss { label_smoothing = smoothing }(x, y):item(), f(x, y, smoothing):item())
      end
    end
    assert.are.equal(3, select(2, luron.explain(f):gsub("run 3 times", "")))
    local slope = 0
    local g = luron.compile(function(v) return nn.leaky_relu(v, { negative_slope = slope }) end)
    for i = 1, 20 do
      slope = i / 32
      assert.are.equal(nn.LeakyReLU(slope)(x):tobytes(), g(x):tobytes())
    end
    explains(g, "it does something else in every call: numbers or tensors that it brings in, or layers, change; the last time thing 1 of 1 was LeakyReLU")
  end)

  it("keeps no more layers the more options there were", function()
    local x = luron.ones(3)
    local function held(n)
      for i = 1, n do x:dropout { p = i / 4096 } end
      collectgarbage()
      return luron.memory()
    end
    held(100)
    local before = held(100)
    assert.is_true(held(1000) <= before + 1024)
    for _ = 1, 3 do -- more sets in turn than are kept: right all the same
      for i = 1, 40 do assert.are.equal(nn.LeakyReLU(i / 64)(-x):tobytes(), (-x):leaky_relu({ negative_slope = i / 64 }):tobytes()) end
    end
  end)

  it("tells options apart by their values, and takes them in any order", function()
    local x = luron.tensor { -1.0, 25.0 }
    for _ = 1, 3 do
      assert.are.same(x:softplus({ beta = 2, threshold = 1 }):totable(), x:softplus({ threshold = 1, beta = 2 }):totable())
      assert.are_not.same(x:softplus({ beta = 2, threshold = 1 }):totable(), x:softplus({ beta = 1, threshold = 2 }):totable())
      assert.are.same({ 1, 2 }, nn.reshape(luron.ones(1, 2), { shape = { 2 } }):shape())
      assert.are.same({ 1, 2, 1 }, nn.reshape(luron.ones(1, 2), { shape = { 2, 1 } }):shape())
    end
    assert.has_error(function() nn.prelu(x, { num_parameters = 1 }) end)
  end)

  it("is one row of a profile, as a function and as a method", function()
    local x = luron.randn(6, 4)
    core.profile_begin()
    for _ = 1, 30 do
      nn.gelu(x, { approximate = "tanh" })
      x:gelu { approximate = "tanh" }
    end
    core.profile_end()
    local rows = {}
    for _, part in ipairs((core.profile_parts())) do rows[#rows + 1] = part end
    assert.are.equal(1, #rows)
    assert.are.equal(60, rows[1].calls)
  end)
end)

describe("a layer made in a compiled step", function()
  it("is named, with its line", function()
    local x, layer, line = luron.randn(4, 3), nn.Linear(3, 3), line_of(1)
    local function first(v) return nn.Linear(3, 3)(v):detach() end
    local function made(v) return nn.LeakyReLU(0.2)(v) end
    local function sequence(v)
      local net = nn.Sequential { nn.ReLU(), nn.Tanh() }
      return net(v:exp())
    end
    local function cloned(v) return layer:clone()(v):detach() end
    local function norm(v) return nn.BatchNorm1d(3)(v):detach() end
    local says = {
      { first, "computed as it is: it makes a layer, Linear, and draws its parameters: make it outside of the step", 1 },
      { made, "computed as it is: it makes a layer, LeakyReLU: make it outside of the step", 2 },
      { sequence, "computed as it is: it makes a layer, ReLU: make it outside of the step", 4 },
      { cloned, "computed as it is: it makes a layer, Linear: make it outside of the step", 7 },
      { norm, "computed as it is: it makes a layer, BatchNorm1d: make it outside of the step", 8 },
    }
    for _, case_ in ipairs(says) do
      for _, collect in ipairs { function() end, collectgarbage } do
        local f = luron.compile(case_[1])
        for _ = 1, 12 do
          collect()
          f(x)
        end
        explains(f, case_[2])
        explains(f, ("compile_functions_spec.lua:%d)"):format(line + case_[3]))
      end
    end
    local f = luron.compile(made)
    for _ = 1, 2 do f(x) end
    explains(f, "no plan yet: the last two calls did not do the same: it makes a layer, LeakyReLU: make it outside of the step (")
  end)

  it("is no reason once it stays", function()
    local layer
    local f = luron.compile(function(v)
      layer = layer or nn.Hardtanh { min_val = -2 }
      return layer(v)
    end)
    for _ = 1, 6 do f(luron.ones(2)) end
    explains(f, "run 4 times")
  end)
end)

describe("what a compiled function takes from a variable", function()
  local x = -luron.rand(4)
  local taken = {
    { "a tensor", function(n) return luron.ones(4) * n end, function(w) return x * w end },
    { "a layer without parameters", function(n) return nn.LeakyReLU { negative_slope = n / 100 } end },
    { "a layer", function() return nn.Linear(4, 4) end },
    { "a layer of ops", function() return nn.GroupNorm(2, 4) end, function(layer) return layer(x:reshape(1, 4)) end },
    { "a model", function(n) return nn.Sequential { nn.LeakyReLU { negative_slope = n / 100 } } end },
  }
  for _, one in ipairs(taken) do
    it("is another one where it is another one each time: " .. one[1], function()
      local what
      local function fn() return (one[3] or what)(one[3] and what or x) end
      local f = luron.compile(fn)
      luron.no_grad(function()
        for n = 1, 8 do
          what = nil
          collectgarbage() -- the next one may lie where this one was
          collectgarbage()
          what = one[2](n)
          assert.are.same(fn():totable(), f():totable())
        end
      end)
      explains(f, "with other numbers, shapes or tensors")
    end)
  end

  it("is another one where it is another one each time: an optimiser", function()
    local net = nn.Linear(2, 2)
    local opt
    local f = luron.compile(function(v)
      opt:zero_grad()
      local sum = net(v):sum()
      sum:backward()
      opt:step()
      return sum
    end)
    for n = 1, 6 do
      opt = nil
      collectgarbage()
      collectgarbage()
      opt = luron.optim.SGD(net, { lr = 2.0 ^ -n })
      local before = net.bias:clone()
      f(luron.ones(1, 2))
      assert.is_true(math.abs((before - net.bias):totable()[1] - 2.0 ^ -n) < 1e-6)
    end
    explains(f, "no plan yet")
  end)
end)

describe("a compiled function of many kinds of calls", function()
  local begin = core.plan_begin
  after_each(function() core.plan_begin = begin end)

  it("notes none that comes once for ever, and those that come again", function()
    local n_noted, x = 0, luron.ones(2)
    core.plan_begin = function(...)
      n_noted = n_noted + 1
      return begin(...)
    end
    local f = luron.compile(function(v, k) return v * k end)
    for k = 1, 2000 do assert.are.same({ k + 0.0, k + 0.0 }, f(x, k):totable()) end
    assert.are.equal(32, n_noted)
    explains(f, "32 more kinds were noted than came again: others are noted once they do, one in 64 calls")
    for _ = 1, 5 do assert.are.same({ 0.5, 0.5 }, f(x, 0.5):totable()) end
    explains(f, "run 2 times")
    f(x, 3000)
    assert.are.equal(35, n_noted) -- a plan came: the next one is noted at once
  end)

  it("notes few of random kinds, of which some come again", function()
    local n_noted, x, n = 0, luron.ones(2), 6000
    core.plan_begin = function(...)
      n_noted = n_noted + 1
      return begin(...)
    end
    for _, n_kinds in ipairs { 2000, 20000 } do
      local f, at = luron.compile(function(v, k) return v * k end), 1
      n_noted = 0
      for _ = 1, n do
        at = at * 48271 % 0x7fffffff
        f(x, at % n_kinds)
      end
      assert.is_true(n_noted <= 32 + 2 * 64 + 2 * n // 64, n_kinds .. " kinds, notings: " .. n_noted)
    end
  end)
end)
