-- What the plans of many kinds of calls hold together, and which kinds of calls have plans.
local luron = require "luron"
local nn = luron.nn

local function bytes()
  collectgarbage()
  collectgarbage()
  return luron.memory()
end

local function n_of(compiled, text) return select(2, luron.explain(compiled):gsub(text, "")) end

local function assert_same(a, b) assert.is_true(a:tobytes() == b:tobytes()) end

describe("the memory of plans", function()
  local WIDE = 192
  local WEIGHTS = 4 * (3 * WIDE * WIDE)

  local function network()
    luron.seed(4)
    return nn.Sequential { nn.Linear(WIDE, WIDE), nn.ReLU(), nn.Linear(WIDE, WIDE), nn.ReLU(), nn.Linear(WIDE, WIDE) }
  end

  local function step_of(model, wrap)
    local opt = luron.optim.Adam(model, { lr = 0.001 })
    return wrap(function(x)
      opt:zero_grad()
      local loss = model(x):square():mean()
      loss:backward()
      opt:step()
      return loss
    end)
  end

  -- Calls f(n) for n = 1 .. most, `rounds` times; bytes that this took.
  local function growth(f, most, rounds)
    local before = bytes()
    for _ = 1, rounds do
      for n = 1, most do f(n) end
    end
    return bytes() - before
  end

  it("is that of one copy of the weights in prediction", function()
    local net = network():eval()
    local predict = luron.compile(function(x) return net(x) end)
    local x = luron.randn(40, WIDE)
    luron.no_grad(function()
      local grown = growth(function(n) predict(x:narrow(1, 1, n)) end, 40, 5)
      assert.is_true(grown > WEIGHTS and grown < 2 * WEIGHTS + 40 * 150e3, grown)
      assert.are.equal(40, n_of(predict, "planned,"))
      for n = 1, 40 do assert_same(net(x:narrow(1, 1, n)), predict(x:narrow(1, 1, n))) end
      net[1].weight:mul_(0.5)
      for _ = 1, 3 do
        for n = 1, 40, 3 do assert_same(net(x:narrow(1, 1, n)), predict(x:narrow(1, 1, n))) end
      end
    end)
  end)

  it("is that of one set of gradients in training", function()
    local net, same = network(), network()
    local x = luron.randn(40, WIDE)
    local step, eager = step_of(net, luron.compile), step_of(same, function(fn) return fn end)
    step(x)
    eager(x)
    local grown = growth(function(n)
      local rows = x:narrow(1, 1, n)
      assert.are.equal(eager(rows):item(), step(rows):item())
    end, 40, 5)
    assert.is_true(grown < 2 * WEIGHTS + 40 * 250e3, grown)
    assert.are.equal(40, n_of(step, "planned,"))
    for path, p in net:named_parameters() do
      for other, q in same:named_parameters() do
        if path == other then assert_same(q, p) end
      end
    end
  end)

  it("does not mix up a gradient that is given with the one that is written", function()
    local w = luron.randn(4):requires_grad_()
    local f = luron.compile(function(x, g)
      w:zero_grad()
      local loss = (w * x):square():sum()
      loss:backward()
      return (g * 2):sum()
    end)
    for n = 1, 8 do
      local g = n > 1 and w:grad() or luron.ones(4)
      local expect = (g * 2):sum():item()
      assert.are.equal(expect, f(luron.ones(4) * n, g):item())
    end
  end)

  it("is that of the longest sequence of a recurrent net", function()
    luron.seed(2)
    local rnn = nn.LSTM(64, 64, 2)
    local step = step_of(rnn, luron.compile)
    local x = luron.randn(8, 60, 64)
    local grown = growth(function(n) step(x:narrow(2, 1, n + 9):contiguous()) end, 50, 5)
    local most = 0
    for between in luron.explain(step):gmatch "(%d+) bytes between them" do most = math.max(most, tonumber(between)) end
    assert.are.equal(50, n_of(step, "planned,"))
    assert.is_true(grown < most + 4 * 66560 * 4 + 50 * 250e3, grown)
  end)

  it("gives way before there is not enough", function()
    local net = network():eval()
    local predict = luron.compile(function(x) return net(x) end)
    local x = luron.randn(40, WIDE)
    local limit <close> = setmetatable({}, { __close = function() luron.memory_limit(0) end })
    luron.no_grad(function()
      local expect = net(x)
      for _ = 1, 4 do
        for n = 1, 40 do predict(x:narrow(1, 1, n)) end
      end
      assert.are.equal(40, n_of(predict, "planned,"))
      luron.memory_limit(bytes() - 600000)
      for _ = 1, 6 do
        for n = 1, 40 do
          predict(x:narrow(1, 1, n))
          if n % 4 == 0 then collectgarbage() end
        end
      end
      assert_same(expect, predict(x))
      assert.is_truthy(luron.explain(predict):find("memory was short", 1, true) or n_of(predict, "planned,") < 40, luron.explain(predict))
      luron.memory_limit(0)
      for _ = 1, 4 do assert_same(expect, predict(x)) end
      assert.is_truthy(luron.explain(predict):find "%(40, 192%), no gradients%): planned")
    end)
    assert.is_table(limit)
  end)
end)

describe("what the function itself made of a step that is noted", function()
  -- What explain says that the plans use: the largest share of the block, the most gradients and packed weights.
  local function told(compiled)
    local between, kept = 0, 0
    for block, more in luron.explain(compiled):gmatch "planned, %d+ things to do, (%d+) bytes between them, (%d+) in" do
      between, kept = math.max(between, tonumber(block)), math.max(kept, tonumber(more))
    end
    return between, kept
  end

  -- f(n) for many n, the smallest last; plans have the memory that explain tells of, a list of at most so many bytes each, and nothing else.
  local function assert_holds_what_it_tells(compiled, f, most, list)
    local before = bytes()
    for n = most, 1, -1 do
      for _ = 1, 4 do f(n) end
    end
    local grown = bytes() - before
    local between, kept = told(compiled)
    local lists = most * list
    assert.are.equal(most, n_of(compiled, "planned,"))
    assert.is_true(grown >= between and grown <= between + kept + lists, string.format("%d: %d %d %d", grown, between, kept, lists))
    luron.trim()
    grown = bytes() - before
    assert.is_true(grown <= kept + lists, string.format("after trim %d: %d %d", grown, kept, lists))
    f(1)
    assert.are.equal(most, n_of(compiled, "planned,"))
  end

  it("is not kept: ops", function()
    local f = luron.compile(function(x) return x:neg():abs():sum() end)
    assert_holds_what_it_tells(f, function(n) assert.are.equal((60 + n) * 1000, f(luron.ones(60 + n, 1000)):item()) end, 40, 15e3)
  end)

  it("is not kept: ops and layers in prediction", function()
    local layer = nn.Linear(64, 64)
    local f = luron.compile(function(x) return luron.no_grad(function() return layer(x:exp()):tanh():softmax(2) * 2 end) end)
    assert_holds_what_it_tells(f, function(n) f(luron.ones(500 + n, 64)) end, 40, 35e3)
  end)

  for _, clips in ipairs { false, true } do
    it("is not kept: a recurrent net" .. (clips and " whose gradients are clipped" or ""), function()
      luron.seed(1)
      local net = { nn.Embedding(20, 16), nn.LSTM(16, 32), nn.Linear(32, 20) }
      local opt = luron.optim.SGD(net, { lr = 0.01 })
      local step = luron.compile(function(x, y)
        opt:zero_grad()
        local loss = nn.cross_entropy(net[3]((net[2](net[1](x)))):reshape(-1, 20), y:reshape(-1))
        loss:backward()
        if clips then luron.clip_grad_norm(net, 1) end
        opt:step()
        return loss
      end)
      assert_holds_what_it_tells(step, function(n) step(luron.randint(1, 20, 16, n + 20), luron.randint(1, 20, 16, n + 20)) end, 40,
        clips and 260e3 or 130e3)
    end)
  end

  it("is not kept: attention and a norm of ops", function()
    luron.seed(1)
    local up, down, qkv = nn.Linear(32, 64), nn.Linear(64, 32), nn.Linear(32, 96)
    local opt = luron.optim.SGD({ up, down, qkv }, { lr = 0.01 })
    local function rms(x) return x * ((x * x):mean(3, true) + 1e-6):rsqrt() end
    local step = luron.compile(function(x)
      opt:zero_grad()
      local h = qkv(rms(x))
      local q, k, v = h:narrow(3, 1, 32), h:narrow(3, 33, 32), h:narrow(3, 65, 32)
      local y = x + (q:matmul(k:transpose(2, 3)) / 32 ^ 0.5):softmax(3):matmul(v)
      local loss = (y + down(up(rms(y)):gelu())):square():mean()
      loss:backward()
      opt:step()
      return loss
    end)
    assert_holds_what_it_tells(step, function(n) step(luron.randn(8, 40 + n, 32)) end, 16, 200e3)
  end)
end)

describe("gradients", function()
  -- What one function left is held while another one runs over the same parameters; the sum of both is the step's.
  local function surgery(wrap)
    luron.seed(2)
    local net = nn.Linear(4, 3)
    local opt = luron.optim.SGD(net, { lr = 0.1 })
    local function task(loss_of)
      return wrap(function(x)
        opt:zero_grad()
        local loss = loss_of(net(x))
        loss:backward()
        return loss
      end)
    end
    local first, second = task(function(y) return y:square():mean() end), task(function(y) return (y - 3):abs():mean() end)
    for _ = 1, 8 do
      local x = luron.randn(8, 4)
      first(x)
      local held = {}
      for i, p in ipairs(net:parameters()) do held[i] = p:grad() end
      second(x)
      for i, p in ipairs(net:parameters()) do p:set_grad(p:grad() + held[i]) end
      opt:step()
    end
    return net.weight, first
  end

  it("that a program holds stay, whatever other function runs over the same parameters", function()
    local weight, compiled = surgery(luron.compile)
    assert_same(surgery(function(f) return f end), weight)
    assert.are.equal(1, n_of(compiled, "planned,"))
  end)
end)

describe("kinds of calls", function()
  it("that come once leave plans to those that come again", function()
    local f = luron.compile(function(x, i) return x * i end)
    local x = luron.ones(3)
    for i = 1, 1500 do
      f(x, i)
      if i % 300 == 0 then f(x, 0.5) end
    end
    for _ = 1, 3 do assert.are.same({ 0.25, 0.25, 0.25 }, f(x, 0.25):totable()) end
    assert.is_truthy(luron.explain(f):find "0x1p%-2%): planned")
    assert.is_truthy(#luron.explain(f) < 8000)
  end)

  it("have 64 plans, which stay while they are in use", function()
    local f = luron.compile(function(x, i) return x * i end)
    local x = luron.ones(3)
    local function round(from, to)
      for i = from, to do assert.are.same({ i, i, i }, f(x, i):totable()) end
    end
    for _ = 1, 4 do round(1, 80) end
    assert.are.equal(64, n_of(f, "planned,"))
    assert.is_truthy(luron.explain(f):find("other kinds of calls without a plan: 16", 1, true))
    for _ = 1, 80 do round(101, 120) end -- others, for long
    assert.is_truthy(luron.explain(f):find "120%): planned")
    assert.are.equal(64, n_of(f, "planned,"))
    for _ = 1, 4 do round(1, 80) end
  end)
end)
