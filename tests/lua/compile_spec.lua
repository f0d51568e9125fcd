-- luron.compile: the same results as the function, whatever it does; and luron.explain says what became of it.
local luron = require "luron"
local nn = luron.nn

local function explains(compiled, text) assert.is_truthy(luron.explain(compiled):find(text, 1, true), luron.explain(compiled)) end

-- Training with `wrap` around the step; losses, and the model.
local function train(wrap, optim, layers)
  luron.seed(3)
  local net = nn.Sequential(layers())
  local opt = luron.optim[optim](net, { lr = 0.05 })
  local criterion = nn.CrossEntropyLoss()
  local step = wrap(function(x, t)
    opt:zero_grad()
    local loss = criterion(net(x), t)
    loss:backward()
    opt:step()
    return loss, net(x):argmax(2)
  end)
  local losses = {}
  for i = 1, 12 do
    local n = i % 5 == 0 and 7 or 16 -- a last batch that is smaller
    local x, t = luron.arange(n * 3):reshape(n, 3):float() * 0.1 - i, luron.arange(n):remainder(2):long() + 1
    local loss, classes = step(x, t)
    losses[i] = { loss:item(), classes:totable() }
  end
  return losses, net, step
end

describe("luron.compile", function()
  local networks = {
    plain = function() return { nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2) } end,
    dropout = function() return { nn.Linear(3, 9), nn.Dropout(0.4), nn.GELU(), nn.Linear(9, 2), nn.LogSoftmax() } end,
    images = function()
      return {
        nn.Linear(3, 36), nn.Reshape { shape = { 1, 6, 6 } }, nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 2),
      }
    end,
    tiles = function() -- what is done tile by tile behind and before convolutions and norms
      return {
        nn.Linear(3, 324), nn.Reshape { shape = { 1, 18, 18 } }, nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3, { padding = 1 }), nn.BatchNorm2d(6), nn.Tanh(),
        nn.Conv2d(6, 6, 3, { stride = 2, bias = false }), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(294, 2),
      }
    end,
    drawn = function() -- numbers drawn in layers that are made of ops, before and behind others
      return {
        nn.Linear(3, 36), nn.Reshape { shape = { 1, 6, 6 } }, nn.Dropout(0.2), nn.RandomFlip(), nn.RandomCrop(5, 5, { padding = 1 }), nn.Flatten(),
        nn.Dropout(0.2), nn.Linear(25, 2),
      }
    end,
    prelu = function() return { nn.Linear(3, 5, { bias = false }), nn.PReLU(), nn.Linear(5, 2) } end,
  }
  for name, layers in pairs(networks) do
    for _, optim in ipairs { "SGD", "AdamW", "Adafactor" } do
      it("trains with the same bits: " .. name .. ", " .. optim, function()
        local expect, net = train(function(fn) return fn end, optim, layers)
        local got, same, step = train(luron.compile, optim, layers)
        assert.are.same(expect, got)
        for path, p in net:named_parameters() do
          for other, q in same:named_parameters() do
            if other == path then assert.is_true(p:tobytes() == q:tobytes(), path) end
          end
        end
        explains(step, "(float32 (16, 3), int64 (16)): planned")
        explains(step, "run 8 times")
        explains(step, "(float32 (7, 3), int64 (7)): planned")
      end)
    end
  end

  it("mixes, bends and equalises images, and takes probabilities as targets", function()
    local function run(compile)
      luron.seed(4)
      local bend = nn.Sequential { nn.RandomPerspective(), nn.RandomElasticTransform { value_range = 1 },
        nn.ContrastLimitedAdaptiveHistogramEqualization { value_range = 1, tile_grid_size = 2 } }
      local mix, cut, net = nn.MixUp(), nn.CutMix(), nn.Sequential { nn.Flatten(), nn.Dropout(0.1), nn.Linear(144, 3) }
      local opt, losses = luron.optim.SGD(net, { lr = 0.1 }), {}
      local x, t = luron.rand(8, 1, 12, 12), luron.one_hot(luron.arange(1, 8) % 3 + 1, 3)
      local step = compile(function(a, b)
        opt:zero_grad()
        local images, labels = cut(mix(bend(a), b))
        local loss = nn.cross_entropy(net(images), labels)
        loss:backward()
        opt:step()
        return loss
      end)
      for i = 1, 6 do losses[i] = step(x, t):item() end
      return losses, step
    end
    local expect, got, step = run(function(fn) return fn end), run(luron.compile)
    assert.are.same(expect, got)
    explains(step, "planned")
  end)

  it("draws the dropout of edges that is made of ops", function()
    local function run(compile)
      luron.seed(6)
      local layer, x = nn.GATv2Conv(3, 2, { heads = 2, dropout = 0.5 }), luron.randn(4, 3)
      local edges = luron.tensor({ { 1, 2, 3, 4, 1 }, { 2, 3, 4, 1, 3 } }, { dtype = "int64" })
      local step = compile(function(a, e)
        for _, p in ipairs(layer:parameters()) do p:zero_grad() end
        local y = layer(a, e):square():sum()
        y:backward()
        return y:detach()
      end)
      local list = {}
      for i = 1, 5 do list[i] = step(x, edges):tobytes() .. layer.weight:grad():tobytes() end
      return list, step
    end
    local got, step = run(luron.compile)
    assert.are.same((run(function(fn) return fn end)), got)
    assert.are_not.equal(got[4], got[5])
    explains(step, "planned")
  end)

  it("takes the gradient that a step begins with as an argument", function()
    local net = nn.Sequential { nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU() }
    local function step(x, g)
      net(x):backward(g)
      local grads = {}
      for i, p in ipairs(net:parameters()) do grads[i] = p:grad():tobytes() end
      return grads
    end
    local x = luron.randn(2, 1, 5, 5)
    local again = net:clone()
    local planned = luron.compile(function(a, g)
      again:zero_grad()
      again(a):backward(g)
    end)
    for k = 1, 4 do
      local g = luron.randn(2, 2, 3, 3)
      net:zero_grad()
      local expect = step(x, g)
      planned(x, g)
      for i, p in ipairs(again:parameters()) do assert.is_true(p:grad():tobytes() == expect[i], "run " .. k .. ", parameter " .. i) end
    end
    explains(planned, "run 2 times")
  end)

  it("runs a model for predictions", function()
    local net = nn.Sequential { nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3), nn.Softmax() }
    net:eval()
    local predict = luron.compile(function(x)
      local _ <close> = luron.no_grad()
      return net(x)
    end)
    for i = 1, 5 do
      local x = luron.randn(2, 4)
      assert.is_true(predict(x):tobytes() == net(x):detach():tobytes(), "call " .. i)
    end
    explains(predict, "run 3 times")
    net:train()
    predict(luron.randn(2, 4))
    explains(predict, "no plan yet, the last did not fit: a layer has another mode")
  end)

  it("computes as it is what it cannot repeat", function()
    local calls = 0
    local cases = {
      { function(x) return x:sum():item() > 0 and x * 2 or x end, "reads numbers of a tensor: item" },
      { function(x) return x + luron.rand(3) end, "draws random numbers outside of layers" },
      { function(x) return x[x:gt(1)] end, "makes a shape of numbers" },
      { function(x) local y = x * 1 y[luron.tensor { 2 }] = 9 return y end, "writes in place: index_put" },
      { function(x) return x, 5 end, "result 2 is no tensor but 5" },
      { function(x) print(#x:totable() > 5 and x or nil) return x end, "reads numbers" },
      { function(x) calls = calls + 1 return x * calls end, "something else in every call", 12 },
      { function(x) local w = x:clone():requires_grad_() return w * x end, "gradient can still be asked for" },
    }
    local shown = print
    for _, case in ipairs(cases) do
      local compiled = luron.compile(case[1])
      _G.print = function() end -- luacheck: ignore
      for _ = 1, case[3] or 3 do compiled(luron.tensor { 1.0, 2.0, 3.0 }) end
      _G.print = shown -- luacheck: ignore
      explains(compiled, "computed as it is: ")
      explains(compiled, case[2])
    end
    assert.are.equal(12, calls)
  end)

  it("says in which line it does what it cannot repeat", function()
    local line = debug.getinfo(1, "l").currentline
    local function draw() return luron.randn(3) end
    local f = luron.compile(function(x) return x + draw() end)
    f(luron.ones(3))
    explains(f, string.format("draws random numbers outside of layers (%s:%d)", debug.getinfo(1, "S").short_src, line + 1))
  end)

  it("keeps kinds of calls apart", function()
    local f = luron.compile(function(x, n, flag) return flag and x * n or x + n end)
    local x = luron.tensor { 1.0, 2.0 }
    for _ = 1, 4 do
      assert.are.same({ 3.0, 6.0 }, f(x, 3, true):totable())
      assert.are.same({ 4.0, 5.0 }, f(x, 3):totable())
      assert.are.same({ 1.5, 2.5 }, f(x, 0.5):totable())
      assert.are.same({ 2.5, 3.5 }, f(x:double(), 1.5, false):totable())
    end
    explains(f, "(float32 (2), 3, true): planned")
    explains(f, "(float64 (2), 0x1.8p+0, false): planned")
    local t = luron.compile(function(v, options) return v * options.k end)
    assert.are.same({ 2.0, 4.0 }, t(x, { k = 2 }):totable())
    explains(t, "calls without a plan: argument 2 is a table")
    local g = luron.compile(function(v) return v * 2 end)
    assert.is_true(g(x:clone():requires_grad_()):requires_grad())
    explains(g, "argument 1 requires a gradient")
  end)

  it("says what two calls did differently", function()
    local x, n = luron.tensor { 1.0, 2.0, 3.0 }, 0
    local cases = {
      { function(v) return v * 2 end, 1, "no plan yet: it was called once" },
      { function(v) n = n + 1 return v:exp() * n end, 3, "no plan yet: the last two calls did not do the same: thing 2 of 2 was mul, with other numbers" },
      { function(v) n = n + 1 return n % 2 == 0 and v:exp() or v:log() end, 3, "thing 1 of 1 was" },
      { function(v) n = n + 1 return n % 2 == 1 and v:exp() or v:exp():sin() end, 3, "was sin, then nothing" },
      { function(v) n = n + 1 local w = v:exp() return n % 2 == 0 and w or v end, 3, "other tensors came out" },
      { function(v) n = n + 1 return v + luron.full(n, 3) end, 12, "it does something else in every call" },
      { function(v) n = n + 1 return v:exp() + luron.full(n, 3) end, 12, "the last time thing 2 of 3 was full, with other numbers, shapes or tensors" },
    }
    for _, case in ipairs(cases) do
      n = 0
      local f = luron.compile(case[1])
      for _ = 1, case[2] do f(x) end
      explains(f, case[3])
    end
  end)

  it("is made anew as often as modes change", function()
    local net = nn.Sequential { nn.Linear(3, 4), nn.Dropout(0.5) }
    local f = luron.compile(function(x) return luron.no_grad(function() return net(x) end) end)
    for i = 1, 60 do
      net:train(i % 6 < 3)
      f(luron.ones(2, 3))
    end
    explains(f, "no plan yet, the last did not fit: a layer has another mode")
    f(luron.ones(2, 3))
    f(luron.ones(2, 3))
    explains(f, "planned")
  end)

  it("gives results of their own", function()
    local f = luron.compile(function(x) return x * 2 end)
    local kept = {}
    for i = 1, 6 do kept[i] = f(luron.full(i, 2)) end
    for i = 1, 6 do assert.are.same({ 2.0 * i, 2.0 * i }, kept[i]:totable()) end
    assert.are.same({ 4.0, 8.0 }, f(luron.tensor { { 2.0, 0.0 }, { 4.0, 0.0 } }:t()[1]):totable()) -- not contiguous
  end)

  it("passes errors on and goes on", function()
    local fail = false
    local f = luron.compile(function(x)
      if fail then error "on purpose" end
      return x + 1
    end)
    local x = luron.tensor { 1.0 }
    fail = true
    assert.has_error(function() f(x) end)
    fail = false
    for _ = 1, 3 do assert.are.same({ 2.0 }, f(x):totable()) end
    assert.has_error(function() luron.compile(3) end, "bad argument #1 to 'compile' (fn: function expected, got 3)")
    assert.matches("bad argument #2 to 'compile' %(no options expected, got 'dynamic'; calls of other shapes have plans of their own%)",
      select(2, pcall(luron.compile, print, { dynamic = true })))
    assert.matches("no options expected, got 'reduce%-overhead'", select(2, pcall(luron.compile, print, "reduce-overhead")))
    assert.has_error(function() luron.explain(print) end)
  end)

  it("gives a tensor twice, and a gradient, as the step does", function()
    local twice = luron.compile(function(x)
      local y = x + x
      return y, y
    end)
    local w = luron.ones(1):requires_grad_()
    local gradient = luron.compile(function(x)
      w:zero_grad()
      local loss = (w * x):sum()
      loss:backward()
      return w:grad()
    end)
    for i = 1, 5 do
      local a, b = twice(luron.tensor { i * 1.0 })
      assert.are.same({ { 2.0 * i }, { 2.0 * i } }, { a:totable(), b:totable() })
      assert.are.same({ i * 1.0 }, gradient(luron.tensor { i * 1.0 }):totable())
      assert.are.same({ i * 1.0 }, w:grad():totable())
    end
    explains(twice, "planned")
    explains(gradient, "planned")
  end)

  it("gives a gradient that an element-wise layer writes over the one it is given", function()
    local zero, up = luron.zeros(2):requires_grad_(), luron.tensor { { 3.0, 0.0 }, { -5.0, 0.0 } }
    local function step(x)
      local gradient = luron.grad(nn.relu(x + zero), zero, { grad_outputs = up[":, 1"] })
      return gradient, x:exp() -- what is done last is not written over anything
    end
    local compiled = luron.compile(step)
    for i = 1, 5 do
      local x = luron.tensor { 1.0, i - 2.5 }
      assert.same(step(x):totable(), compiled(x):totable())
    end
    assert.truthy(luron.explain(compiled):find "planned")
  end)

  it("takes ops without one of their operands: sparse matrices without values", function()
    local a = luron.sparse.csr({ 1, 3, 4 }, { 1, 2, 2 }, nil, { 2, 2 })
    local w = luron.tensor({ { 1.0 }, { 2.0 } }):requires_grad_()
    local step = luron.compile(function(x)
      w:zero_grad()
      local loss = (a:matmul(x * w) ^ 2):sum()
      loss:backward()
      return loss, w:grad()
    end)
    for i = 1, 4 do
      local loss, gradient = step(luron.full(i, 2, 1))
      assert.are.same({ 13.0 * i * i, { { 6.0 * i * i }, { 10.0 * i * i } } }, { loss:item(), gradient:totable() })
    end
    explains(step, "planned")
  end)

  it("computes a step as it is that writes into numbers it brought in", function()
    local steps = {
      function(x)
        local t = luron.tensor { 0.0, 0.0 }
        for _ = 1, 3 do t:copy_(t + x) end
        return t
      end,
      function(x)
        local t = luron.tensor { 1.0, 1.0 }
        local y = x + t
        t:fill_(0)
        return y
      end,
    }
    for k, step in ipairs(steps) do
      local compiled = luron.compile(step)
      for _ = 1, 5 do assert.are.same(k == 1 and { 6.0, 6.0 } or { 3.0, 3.0 }, compiled(luron.tensor { 2.0, 2.0 }):totable()) end
      explains(compiled, "writes into numbers that it brought in")
    end
  end)

  it("lets a tape notice that a run has written over what it saved", function()
    local w = luron.ones(1):requires_grad_()
    local step = luron.compile(function(x)
      w:zero_grad()
      local loss = (w * x):sum()
      loss:backward()
      return loss
    end)
    for _ = 1, 3 do step(luron.tensor { 1.0 }) end
    local v = luron.ones(1):requires_grad_()
    local z = (w:grad() * v):sum()
    step(luron.tensor { 5.0 })
    assert.has_error(function() z:backward() end)
  end)

  it("leaves alone what a variable holds of the step that was noted", function()
    local h, z
    local step = luron.compile(function(x)
      h = x + x
      z = x:detach():requires_grad_()
      z:square():sum():backward()
      return h * 1, z:grad()
    end)
    local v = luron.ones(1):requires_grad_()
    local held = {}
    for i = 1, 6 do
      local y, g = step(luron.tensor { i + 0.0 })
      held[i] = { y, g }
      for k = 1, i do assert.are.same({ { 2.0 * k }, { 2.0 * k } }, { held[k][1]:totable(), held[k][2]:totable() }) end
    end
    assert.are.same({ { 4.0 }, { 2.0 }, { 4.0 } }, { h:totable(), z:totable(), z:grad():totable() })
    local sum = (h * v):sum()
    step(luron.tensor { 5.0 })
    sum:backward()
    assert.are.same({ 4.0 }, v:grad():totable())
    explains(step, "planned")
  end)

  it("makes no step while averages are in the place of weights", function()
    local layer = nn.Linear(2, 1)
    local opt, ema = luron.optim.SGD(layer, { lr = 0.1 }), luron.EMA(layer, 0.5)
    local step = luron.compile(function(x)
      opt:zero_grad()
      local loss = layer(x):sum()
      loss:backward()
      opt:step()
      return loss
    end)
    for _ = 1, 3 do step(luron.ones(3, 2)) end
    ema:apply()
    local before = layer.weight:tobytes()
    local ok, message = pcall(step, luron.ones(3, 2))
    assert.is_false(ok)
    assert.is_truthy(message:find("restore would take back", 1, true), message)
    assert.is_true(layer.weight:tobytes() == before)
    ema:restore()
    step(luron.ones(3, 2))
    explains(step, "planned")
  end)

  it("ends a noting that failed with nil", function()
    local fail = true
    local f = luron.compile(function(x)
      if fail then error() end
      return x + 1
    end)
    pcall(f, luron.ones(1))
    fail = false
    for _ = 1, 3 do f(luron.ones(1)) end
    explains(f, "planned")
  end)

  it("refuses a loss that is not finite as the step does", function()
    local w = luron.tensor { 1.0 }
    w:requires_grad_()
    local opt = luron.optim.SGD({ w }, { lr = 0.1 })
    local step = luron.compile(function(x)
      opt:zero_grad()
      local loss = (w * x):sum()
      loss:backward()
      opt:step()
      return loss
    end)
    for _ = 1, 3 do step(luron.tensor { 2.0 }) end
    local before = w:tobytes()
    local ok, message = pcall(step, luron.tensor { math.huge })
    assert.is_false(ok)
    assert.is_truthy(message:find("the loss is inf", 1, true) or message:find("backward", 1, true), message)
    assert.is_truthy(message:find("mul", 1, true), message) -- what made it
    assert.is_true(w:tobytes() == before)
  end)

  it("finds the plan of each kind of call, one after the other and in turn", function()
    local f = luron.compile(function(x, by) return x * by, x + by end)
    local a, b = luron.tensor { 1.0, 2.0 }, luron.tensor { 3.0 }
    for round = 1, 6 do
      for _, by in ipairs { 2, 0.5, 2, 2 } do
        for _, x in ipairs { a, b, b } do
          local product, sum = f(x, by)
          assert.are.same({ (x * by):totable(), (x + by):totable() }, { product:totable(), sum:totable() }, "round " .. round)
        end
      end
    end
    explains(f, "(float32 (1), 2): planned")
    explains(f, "run 34 times")
    luron.no_grad(function() assert.are.same({ 2.0, 4.0 }, f(a, 2):totable()) end)
    explains(f, "(float32 (2), 2, no gradients): no plan yet")
  end)

  it("takes parts of a tensor, wherever they lie", function()
    local f = luron.compile(function(x, y) return (x * y:sum()):sum() end)
    local all = luron.arange(40):float():reshape(10, 4)
    for i = 1, 5 do
      local x, y = all:narrow(1, 2 * i - 1, 2), luron.ones(3) * i
      assert.are.equal(x:sum():item() * 3 * i, f(x, y):item())
    end
    explains(f, "run 3 times")
    assert.are.equal(8 * 3, f(luron.ones(2, 4), luron.ones(3)):item())
    explains(f, "run 4 times")
  end)

  it("takes parts that share memory with each other, wherever they lie in it", function()
    local all = luron.arange(60):remainder(7):long() + 1
    local function make()
      luron.seed(6)
      local net = nn.Sequential { nn.Embedding(7, 5), nn.Linear(5, 7) }
      local opt = luron.optim.Adam(net, { lr = 0.05 })
      return net, function(x, y, again)
        opt:zero_grad()
        local loss = nn.cross_entropy(net(x), y) + (x:float() * y - again):square():mean() * 0.1
        loss:backward()
        opt:step()
        return loss, again, x + again
      end
    end
    local net, step = make()
    local other, f = make()
    f = luron.compile(f)
    for i = 1, 12 do -- one behind the other, then at other distances, before it, the same one, and apart
      local x = all:narrow(1, 10 + i, 8)
      local y = i < 6 and all:narrow(1, 11 + i, 8) or i < 10 and all:narrow(1, 2 * i, 8) or i == 10 and x or all:narrow(1, 3, 8):clone()
      local wanted, got = table.pack(step(x, y, x)), table.pack(f(x, y, x))
      for k = 1, 3 do assert.are.equal(wanted[k]:tobytes(), got[k]:tobytes()) end
    end
    local theirs = other:parameters()
    for i, p in ipairs(net:parameters()) do assert.are.equal(p:tobytes(), theirs[i]:tobytes()) end
    explains(f, "run 10 times")
  end)

  it("tells layers' inputs apart that share memory", function()
    local all = luron.randn(20, 3)
    local layer = nn.Bilinear(3, 3, 2)
    local f = luron.compile(function(a, b, g)
      layer:zero_grad()
      local y = layer(a, b)
      y:backward(g)
      return y, layer.weight:grad() * 1
    end)
    for i = 1, 6 do
      local a, b, g = all:narrow(1, i, 4), all:narrow(1, 14 - 2 * i, 4), luron.randn(4, 2)
      layer:zero_grad()
      local want = layer(a, b)
      want:backward(g)
      local wanted = layer.weight:grad():tobytes()
      local y, grad = f(a, b, g)
      assert.are.equal(want:tobytes(), y:tobytes())
      assert.are.equal(wanted, grad:tobytes())
    end
    explains(f, "run 4 times")
    local f2 = luron.compile(function(x, g) -- what a backward begins with
      layer:zero_grad()
      layer(x, x):backward(g)
      return layer.weight:grad() * 1
    end)
    local memory = luron.randn(30)
    for i = 1, 6 do
      local x, g = memory:narrow(1, i, 12):reshape(4, 3), memory:narrow(1, 20 - i, 8):reshape(4, 2)
      local grad = f2(x, g):tobytes()
      layer:zero_grad()
      layer(x, x):backward(g)
      assert.are.equal(layer.weight:grad():tobytes(), grad)
    end
  end)

  it("refuses writes into what is given to it, also where inputs share memory, and says in which line", function()
    local f = luron.compile(function(x, y)
      local before = y * 1
      x:add_(1)
      return before, y * 2
    end)
    local all = luron.zeros(9)
    for i = 1, 4 do
      local x, y = all:narrow(1, 1, 4), all:narrow(1, 3, 4)
      local before = y:clone()
      local a, b = f(x, y)
      assert.are.same(before:totable(), a:totable())
      assert.are.same((y * 2):totable(), b:totable())
      assert.are.equal(2.0 * i, b[1]:item())
    end
    assert.matches("writes into what is given to it: clone it first %(.*compile_spec%.lua:%d+%)", luron.explain(f))
  end)

  it("does not take what a function knows by itself for what is given to it", function()
    local all = luron.arange(40):float():reshape(10, 4)
    local whole = luron.compile(function(x) return all:sum() + x:sum() end)
    local sum = all:sum():item()
    for _ = 1, 4 do assert.are.equal(sum + all:narrow(1, 7, 2):sum():item(), whole(all:narrow(1, 7, 2)):item()) end
    assert.are.equal(sum + 8, whole(luron.ones(2, 4)):item())
    explains(whole, "it uses a tensor that shares memory with what is given to it")
    local same = luron.compile(function(x) return (all * x):sum() end)
    for _ = 1, 4 do assert.are.equal((all * all):sum():item(), same(all):item()) end
    assert.are.equal(sum, same(luron.ones(10, 4)):item())
    explains(same, "it uses a tensor that shares memory with what is given to it")
    local back = luron.compile(function(x) return x:narrow(1, 1, 1) * 2, all end)
    for _ = 1, 4 do assert.is_true(select(2, back(all)):is_shared(all)) end
  end)

  it("has no plan for what does not lie in one piece, and refuses what is closed", function()
    local f = luron.compile(function(x) return x + 1 end)
    local x = luron.arange(6):reshape(2, 3):float()
    for _ = 1, 4 do assert.are.same((x:t() + 1):totable(), f(x:t()):totable()) end
    explains(f, "argument 1 does not lie in one piece")
    for _ = 1, 4 do assert.are.same((x:t() + 1):totable(), f(x:t():contiguous()):totable()) end
    explains(f, "run 2 times")
    local write = luron.compile(function(y)
      y:add_(1)
      return y
    end)
    local y = luron.zeros(4, 3):t()
    for k = 1, 3 do
      assert.is_true(write(y):is_shared(y))
      assert.are.equal(12 * k, y:sum():item())
    end
    local gone = luron.ones(3, 2)
    gone:close()
    local _, message = pcall(f, gone)
    assert.matches("compile_spec%.lua:%d+: .*tensor is closed", message)
    assert.is_nil(message:find("plan_key", 1, true))
    assert.are.same({ { 2, 2 }, { 2, 2 }, { 2, 2 } }, f(luron.ones(3, 2)):totable())
  end)

  it("may give way to other coroutines while it is noted", function()
    local f = luron.compile(function(x)
      coroutine.yield "in between"
      return x * 2
    end)
    local co = coroutine.wrap(function() return f(luron.ones(2)):totable() end)
    assert.are.equal("in between", co())
    assert.are.same({ 2, 2 }, co())
  end)
end)
