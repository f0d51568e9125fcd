-- What a compiled function may give: tensors and nil; what is said of what it may not; and what it does when what it uses was closed.
local luron = require "luron"
local nn = luron.nn

local function explains(compiled, text) assert.is_truthy(luron.explain(compiled):find(text, 1, true), luron.explain(compiled)) end

describe("a compiled function", function()
  it("gives nil where its step gave nil", function()
    local f = luron.compile(function(x, which)
      if which == "last" then return x * 2, nil end
      if which == "first" then return nil, x * 3, nil, x end
      if which == "all" then return nil, nil end
    end)
    for _ = 1, 5 do
      local last, first, all = table.pack(f(luron.ones(2), "last")), table.pack(f(luron.ones(2), "first")), table.pack(f(luron.ones(2), "all"))
      assert.are.same({ 2, 2, 2, 4, nil, 2, nil }, { last.n, last[1][1]:item(), last[1][2]:item(), first.n, first[1], all.n, all[1] })
      assert.are.same({ 3, 3 }, first[2]:totable())
      assert.is_nil(first[3])
      assert.are.same({ 1, 1 }, first[4]:totable())
      assert.are.equal(0, select("#", f(luron.ones(2), "none")))
    end
    assert.are.equal(4, select(2, luron.explain(f):gsub("run 3 times", "")), luron.explain(f))
  end)

  it("gives nil where its step gave nil, beside an instance of a class", function()
    local Twice = nn.class "Twice"
    function Twice:init() self.linear = nn.Linear(2, 2) end
    function Twice:forward(x) return self.linear(x) * 2 end
    local net = Twice()
    local f = luron.compile(function(x) return net(x):detach(), nil end)
    for _ = 1, 5 do
      local results = table.pack(f(luron.ones(1, 2)))
      assert.are.equal(2, results.n)
      assert.are.same(net(luron.ones(1, 2)):totable(), results[1]:totable())
    end
    explains(f, "run 3 times")
  end)

  it("has no plan for nil that is not there in each call, and none behind the 64th result", function()
    local n = 0
    local f = luron.compile(function(x)
      n = n + 1
      if n % 2 == 0 then return x, nil end
      return nil, x
    end)
    for k = 1, 5 do
      local results = table.pack(f(luron.ones(1)))
      assert.are.equal(2, results.n)
      assert.are.equal(1, results[2 - (k + 1) % 2]:item())
    end
    explains(f, "no plan yet: the last two calls did not do the same: other tensors came out")
    for last = 64, 65 do
      local g = luron.compile(function(x)
        local results = {}
        for i = 1, last - 1 do results[i] = x end
        return table.unpack(results, 1, last)
      end)
      for _ = 1, 5 do
        local results = table.pack(g(luron.ones(1)))
        assert.are.same({ last, 1, nil }, { results.n, results[last - 1]:item(), results[last] })
      end
      explains(g, last == 64 and "run 3 times" or "result 65 is no tensor but nil")
    end
  end)

  it("is an object, which a function of Lua's own gets wrapped", function()
    local f = luron.compile(function(x) return x * 2 end)
    assert.error_matches(function() coroutine.wrap(f) end, "function expected, got luron.compiled")
    for _ = 1, 4 do assert.are.equal(2, coroutine.wrap(function(...) return f(...) end)(luron.ones(1)):item()) end
    explains(f, "run 2 times")
  end)

  it("says what to do about a loss whose graph was retained", function()
    local w = luron.ones(2):requires_grad_()
    local function step_of(give)
      return luron.compile(function(x)
        w:zero_grad()
        local y = (w * x):exp()
        local a, b = y:sum(), (y * y):sum()
        a:backward(nil, { retain_graph = true })
        b:backward()
        return give(a), b
      end)
    end
    local as_it_is, detached = step_of(function(a) return a end), step_of(function(a) return a:detach() end)
    for _ = 1, 4 do assert.are.equal(as_it_is(luron.ones(2)):item(), detached(luron.ones(2)):item()) end
    explains(as_it_is, "it gives a tensor whose gradient can still be asked for: call backward in it, without retain_graph, "
      .. "record nothing (luron.no_grad), or give it detached (y:detach())")
    explains(detached, "run 2 times")
  end)

  it("raises as its step does when what it uses was closed", function()
    local x = luron.ones(1, 2)
    local function opened(object) return object, object end
    local uses = {
      layer = function() return opened(nn.Linear(2, 2)) end,
      model = function() return opened(nn.Sequential { nn.Linear(2, 2), nn.Tanh() }) end,
      ["layer made of ops"] = function() return opened(nn.RMSNorm(2)) end,
      ["layer of a model"] = function()
        local net = nn.Sequential { nn.Linear(2, 2), nn.Tanh() }
        local layer = net[1]
        return layer, function(v) return layer(v):tanh() end
      end,
    }
    for name, make in pairs(uses) do
      local object, call = make()
      local step = function(v) return call(v):detach() end
      local f = luron.compile(step)
      for _ = 1, 4 do f(x) end
      explains(f, "run 2 times")
      object:close()
      local _, want = pcall(step, x)
      for _ = 1, 4 do
        local ok, message = pcall(f, x)
        assert.is_false(ok, name)
        assert.are.equal(want, message)
      end
    end
  end)

  it("raises when an optimiser of it was closed, and keeps other plans", function()
    local net, other = nn.Linear(2, 2), nn.Linear(2, 2)
    local opt = luron.optim.SGD(net, { lr = 0.1 })
    local f = luron.compile(function(x)
      opt:zero_grad()
      net(x):sum():backward()
      opt:step()
    end)
    local g = luron.compile(function(x) return other(x):detach() end)
    for _ = 1, 4 do f(luron.ones(1, 2)) g(luron.ones(1, 2)) end
    explains(f, "run 2 times")
    opt:close()
    assert.error_matches(function() f(luron.ones(1, 2)) end, "the optimiser is closed")
    g(luron.ones(1, 2))
    explains(g, "run 3 times")
  end)

  it("is computed as it is where it gives or takes more tensors than a plan may", function()
    local gives = luron.compile(function(x)
      local all = {}
      for i = 1, 65 do all[i] = x + i end
      return table.unpack(all)
    end)
    local takes = luron.compile(function(...) return (select("#", ...) + select(65, ...)):detach() end)
    local all = {}
    for i = 1, 65 do all[i] = luron.full(i, 1) end
    for _ = 1, 4 do
      assert.are.equal(67.0, (select(65, gives(luron.full(2, 1)))):item())
      assert.are.equal(130.0, takes(table.unpack(all)):item())
    end
    explains(gives, "it gives 65 tensors, a plan at most 64")
    explains(takes, "it takes 65 tensors, a plan at most 64")
  end)

  it("has no plan that goes on with what it has closed itself", function()
    local layer, n = nn.Linear(2, 2), 0
    local f = luron.compile(function(x)
      n = n + 1
      local y = layer(x):detach()
      if n == 2 then layer:close() end
      return y
    end)
    f(luron.ones(1, 2))
    f(luron.ones(1, 2))
    explains(f, "closes a layer, model or optimiser that it has called")
    assert.error_matches(function() f(luron.ones(1, 2)) end, "the layer is closed")
  end)

  it("closes what only others call, and is planned", function()
    local layer = nn.Linear(2, 2)
    local f = luron.compile(function(x) return layer(x):detach() end)
    for _ = 1, 4 do f(luron.ones(1, 2)) end
    local g = luron.compile(function(x)
      if layer then layer = layer:close() end
      return x * 2
    end)
    for _ = 1, 4 do g(luron.ones(1, 2)) end
    explains(g, "run 2 times")
    explains(f, "was closed")
  end)

  it("keeps its plan while handles that it does not call are closed or collected", function()
    local net = nn.Sequential { nn.Linear(2, 2), nn.Tanh() }
    luron.zeros(1):requires_grad_():register_hook(function() end) -- core holds a Lua value: finalizers of handles look closer
    local f = luron.compile(function(x) return net(x):detach() end)
    for _ = 1, 20 do
      f(luron.ones(1, 2))
      net[1]:close()
      for _, layer in net:named_layers() do assert.is_string(layer:type()) end
      collectgarbage()
    end
    explains(f, "run 18 times")
  end)

  it("goes on with a model whose layer was closed under another name", function()
    local net = nn.Sequential { nn.Linear(2, 2), nn.Tanh() }
    local f = luron.compile(function(x) return net(x):detach() end)
    for _ = 1, 4 do f(luron.ones(1, 2)) end
    local want = net(luron.ones(1, 2)):totable()
    net[1]:close()
    for _ = 1, 4 do assert.are.same(want, f(luron.ones(1, 2)):totable()) end
    explains(f, "planned")
  end)
end)
