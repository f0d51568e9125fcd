-- Steps that yield while they are noted: what runs meanwhile is no part of them, and is planned itself.
local luron = require "luron"
local nn = luron.nn

local function explains(compiled, text) assert.is_truthy(luron.explain(compiled):find(text, 1, true), luron.explain(compiled)) end
local YIELDS = "it yields in the middle (coroutine.yield), which a run would not"

local function yielding()
  return luron.compile(function(x)
    local y = x * 2
    coroutine.yield "in between"
    return y + 1
  end)
end

describe("a step that yields while it is noted", function()
  it("is computed as it is, and explained", function()
    local f = yielding()
    for _ = 1, 4 do
      local co = coroutine.wrap(function() return f(luron.ones(2)):totable() end)
      assert.are.equal("in between", co())
      assert.are.same({ 3, 3 }, co())
    end
    explains(f, "computed as it is: " .. YIELDS)
    assert.is_nil(luron.explain(f):find("spec.lua", 1, true))
  end)

  it("leaves plans to others while it is suspended", function()
    local f, g = yielding(), luron.compile(function(x) return x:exp() end)
    local co = coroutine.wrap(function() return f(luron.ones(2)):totable() end)
    co()
    for _ = 1, 4 do assert.are.equal(1, g(luron.zeros(1)):item()) end
    explains(g, "run 2 times")
    explains(f, "no plan yet: yields in the middle (coroutine.yield), which a run would not")
    assert.are.same({ 3, 3 }, co())
    explains(f, YIELDS)
    for _ = 1, 2 do assert.are.equal(1, g(luron.zeros(1)):item()) end
    explains(g, "run 4 times")
  end)

  it("goes on in the midst of another that is noted, and leaves that one its plan", function()
    local Mode = nn.class "Mode"
    function Mode:init() self.linear = nn.Linear(1, 1) end
    function Mode:forward(x) return self.linear(x) end
    local net = Mode()
    local opt = luron.optim.SGD(net, { lr = 0.1 })
    local f, co = luron.compile(function(x)
      coroutine.yield()
      return x
    end), nil
    local g = luron.compile(function(x)
      if co then co() end
      opt:zero_grad()
      local loss = net(x):sum()
      loss:backward()
      opt:step()
      return loss
    end)
    for _ = 1, 2 do
      co = coroutine.wrap(function() f(luron.ones(2)) end)
      co()
      g(luron.ones(1, 1))
    end
    co = nil
    for _ = 1, 3 do g(luron.ones(1, 1)) end
    explains(g, "run 3 times")
    net:eval()
    g(luron.ones(1, 1))
    explains(g, "no plan yet, the last did not fit: an instance of a class has another mode or hooks")
  end)

  it("notes no step of an optimiser that is made meanwhile", function()
    local net = nn.Linear(2, 2)
    local opt = luron.optim.SGD(net, { lr = 0.1 })
    local f = yielding()
    for _ = 1, 3 do
      local co = coroutine.wrap(function() return f(luron.ones(2)):totable() end)
      co()
      opt:zero_grad()
      net(luron.ones(1, 2)):sum():backward()
      opt:step()
      co()
    end
    local was = net.weight:detach():tobytes()
    for _ = 1, 3 do
      local co = coroutine.wrap(function() return f(luron.ones(2)):totable() end)
      co()
      co()
    end
    assert.are.equal(was, net.weight:detach():tobytes())
    explains(f, YIELDS)
  end)

  it("may be left there, fail or be closed", function()
    local g = luron.compile(function(x) return x:exp() end)
    local fails = luron.compile(function(x) error("failed with " .. x:size(1)) end)
    for n = 1, 3 do
      do
        local co = coroutine.create(function(x) return yielding()(x) end)
        coroutine.resume(co, luron.ones(n))
        if n == 2 then coroutine.close(co) end
      end
      if n == 3 then collectgarbage() end
      g(luron.ones(2))
      assert.is_false(coroutine.resume(coroutine.create(function() fails(luron.ones(n)) end))) -- and is not closed
      g(luron.ones(2))
      collectgarbage()
    end
    explains(g, "run 4 times")
    explains(fails, "no plan yet: failed")
  end)

  it("keeps nothing of a step that was left", function()
    for _, leaves in ipairs { coroutine.yield, error } do
      local f = luron.compile(function(x, k)
        local big = luron.zeros(1000, 1000) + k
        leaves "left"
        return big:sum() + x
      end)
      local before = luron.memory()
      for k = 1, 5 do coroutine.resume(coroutine.create(function() f(luron.ones(1), k) end)) end
      luron.memory() -- the last one is noticed by the next call
      collectgarbage()
      collectgarbage()
      assert.is_true(luron.memory() - before < 4e6)
      assert.is_string(luron.explain(f))
    end
  end)

  it("is noted with what coroutines of its own do", function()
    local f = luron.compile(function(x)
      local each = coroutine.wrap(function()
        for k = 1, 3 do coroutine.yield(x * k) end
      end)
      return each() + each() + each()
    end)
    for _ = 1, 4 do assert.are.equal(6, f(luron.ones(1)):item()) end
    explains(f, "run 2 times")
  end)
end)
