-- Gradients: backward, grad, no_grad, gradcheck, luron.op.
local luron = require "luron"

local function leaf(values) return luron.tensor(values, { dtype = "float64", requires_grad = true }) end

describe("backward", function()
  it("adds into the gradients of the leaves", function()
    local x = leaf { 1, 2, 3 };
    (x * x):sum():backward()
    assert.are.same({ 2.0, 4.0, 6.0 }, x:grad():totable());
    (x * 3):sum():backward()
    assert.are.same({ 5.0, 7.0, 9.0 }, x:grad():totable())
    x:zero_grad()
    assert.is_nil(x:grad())
  end)

  it("takes a gradient for what is not one number", function()
    local x = leaf { 1, 2 }
    local y = x * 2
    y:backward(luron.tensor({ 1, 10 }, { dtype = "float64" }))
    assert.are.same({ 2.0, 20.0 }, x:grad():totable())
    assert.has_error(function() (x * 2):backward() end)
  end)

  it("uses the tape up, unless told to keep it", function()
    local x = leaf { 2 }
    local y = (x * x):sum()
    y:backward { retain_graph = true }
    y:backward()
    assert.are.same({ 8.0 }, x:grad():totable())
    local ok, message = pcall(y.backward, y)
    assert.is_false(ok)
    assert.is_truthy(message:find "autograd_spec.lua:%d+: ")
  end)

  it("follows Lua's own control flow", function()
    local x = leaf { 3 }
    local y = x
    for _ = 1, 3 do y = y:item() > 10 and y + x or y * x end
    y:sum():backward() -- x^3 + x... 3 -> 9 -> 27 -> 30
    assert.are.same({ 28.0 }, x:grad():totable())
  end)

  it("gives no gradients under no_grad", function()
    local x = leaf { 1 }
    local y = luron.no_grad(function(a) return a * 2, "more" end, x)
    assert.is_false(y:requires_grad())
    assert.are.equal("more", select(2, luron.no_grad(function(a) return a * 2, "more" end, x)))
    do
      local _ <close> = luron.no_grad()
      assert.is_false(luron.is_recording())
      do
        local _ <close> = luron.enable_grad()
        assert.is_true(luron.is_recording())
      end
      assert.is_false((x + 1):requires_grad())
    end
    assert.is_true(luron.is_recording())
    assert.is_false(pcall(luron.no_grad, function() error "inside" end))
    assert.is_true(luron.is_recording())
    assert.is_true(luron.no_grad(function() return luron.enable_grad(luron.is_recording) end))
  end)

  it("knows leaves and detached tensors", function()
    local x = leaf { 1 }
    assert.is_true(x:is_leaf())
    local y = x * 2
    assert.is_false(y:is_leaf())
    assert.is_false(y:detach():requires_grad())
    assert.is_true(y:detach():is_shared(y))
    assert.is_true(x:requires_grad_(false) == x)
    assert.is_false(x:requires_grad())
    x:set_grad(luron.ones(1, { dtype = "float64" }))
    assert.are.equal(1.0, x:grad():item())
  end)

  it("notices changes in place", function()
    local x = leaf { 1, 2 }
    local y = x:exp()
    luron.no_grad(function() y:zero_() end)
    assert.has_error(function() y:sum():backward() end)
    assert.has_error(function() x:add_(1) end)
    assert.has_error(function() x[1] = 5 end)
    luron.no_grad(function() x[1] = 5 end)
    assert.are.same({ 5.0, 2.0 }, x:totable())
  end)

  it("walks a chain of 100,000 nodes", function()
    local x = leaf { 1 }
    local y = x
    for _ = 1, 100000 do y = y + 1 end
    y:sum():backward()
    assert.are.same({ 1.0 }, x:grad():totable())
    y = x
    for _ = 1, 100000 do y = y + 1 end
    y:close()
  end)
end)

describe("grad", function()
  it("gives gradients without adding them up", function()
    local a, b, c = leaf { 2 }, leaf { 3 }, leaf { 4 }
    local ga, gb, gc = luron.grad((a * a * b):sum(), { a, b, c })
    assert.are.equal(12.0, ga:item())
    assert.are.equal(4.0, gb:item())
    assert.is_nil(gc)
    assert.is_nil(a:grad())
  end)

  it("goes to higher orders", function()
    local x = leaf { 2 }
    local g = luron.grad((x ^ 4):sum(), x, { create_graph = true })
    local gg = luron.grad(g:sum(), x, { create_graph = true })
    assert.is_true(math.abs(g:item() - 32) < 1e-12 and math.abs(gg:item() - 48) < 1e-12)
    assert.is_true(math.abs(luron.grad(gg:sum(), x):item() - 48) < 1e-12)
  end)

  it("weighs several results", function()
    local x = leaf { 1, 1 }
    local g = luron.grad({ x * 2, x * 3 }, x, { grad_outputs = { luron.ones_like(x), luron.full_like(x, 10) } })
    assert.are.same({ 32.0, 32.0 }, g:totable())
  end)
end)

describe("gradcheck", function()
  it("is true for right gradients and says where wrong ones are", function()
    local x = luron.randn(2, 3, { dtype = "float64" })
    assert.is_true(luron.gradcheck(function(a) return a:tanh() * a end, x))
    assert.is_true(luron.gradcheck(function(a, b) return a:matmul(b) end, x, luron.randn(3, 2, { dtype = "float64" }), { order = 2 }))
    local wrong = luron.op { name = "wrong", forward = function(_, a) return a * 2 end, backward = function(_, g) return g * 3 end }
    local ok, message = luron.gradcheck(wrong, x)
    assert.is_false(ok)
    assert.is_string(message)
  end)

  it("checks the inputs that require gradients", function()
    local a = luron.randn(3, { dtype = "float64", requires_grad = true })
    local b = luron.randn(3, { dtype = "float64" })
    assert.is_true(luron.gradcheck(function(x, y) return x * y:detach() end, a, b))
  end)

  it("lets errors of the function through as they are", function()
    local problem = { "a table" }
    local ok, caught = pcall(luron.gradcheck, function() error(problem) end, luron.randn(2, { dtype = "float64" }))
    assert.is_false(ok)
    assert.are.equal(problem, caught)
    ok, caught = pcall(luron.gradcheck, function() return 3 end, luron.randn(2, { dtype = "float64" }))
    assert.is_false(ok)
    assert.is_truthy(caught:find "must return a tensor, got 3")
  end)
end)

describe("a guard that nothing closes", function()
  it("is named by the backward that finds nothing", function()
    local x = leaf { 1, 2 }
    local guard = luron.no_grad()
    local ok, message = pcall(function() x:sum():backward() end)
    guard:close()
    assert.is_false(ok)
    assert.is_truthy(message:find("nothing is recorded since .*autograd_spec.lua:%d+, where a guard was made that is still open"), message)
  end)

  it("is named by the line that made it through a function of C", function()
    local x = leaf { 1, 2 }
    local _, guard = pcall(luron.no_grad)
    local line = debug.getinfo(1, "l").currentline - 1
    local ok, message = pcall(function() x:sum():backward() end)
    guard:close()
    assert.is_false(ok)
    assert.is_truthy(message:find("autograd_spec.lua:" .. line .. ", where a guard was made that is still open", 1, true), message)
    luron.no_grad(function()
      ok, message = pcall(function() x:sum():backward() end)
      assert.is_truthy(not ok and not message:find "guard", message)
    end)
    x:sum():backward()
  end)
end)

describe("luron.op", function()
  it("wants a gradient of real numbers, or nil, for each tensor", function()
    local function wrong(text, backward)
      local op = luron.op { name = "two", forward = function(_, a, b) return a * b end, backward = backward }
      local ok, message = pcall(function() op(leaf { 1, 2 }, leaf { 3, 4 }, 5):sum():backward() end)
      assert.is_true(ok == (text == nil), message)
      if text then assert.is_truthy(message:find(text, 1, true), message) end
    end
    wrong("backward of 'two' gave 1 gradient, and argument 2 is a tensor: return nil where there is none", function(_, g) return g end)
    wrong("backward of 'two' gave 0 gradients, and argument 2 is a tensor", function() end)
    wrong("backward of 'two': gradient 2 is int64: real numbers expected", function(_, g) return g, g:long() end)
    wrong(nil, function(_, g) return g, nil end)
    wrong(nil, function(_, g) return nil, g, nil end)
  end)

  local half_square = luron.op {
    name = "half_square",
    forward = function(ctx, x)
      ctx:save(x)
      return x ^ 2 * 0.5
    end,
    backward = function(ctx, g) return g * ctx:saved() end,
  }

  it("has a forward and a backward in Lua", function()
    local x = leaf { 1, 2, 3 }
    local y = half_square(x)
    assert.are.same({ 0.5, 2.0, 4.5 }, y:totable())
    y:sum():backward()
    assert.are.same({ 1.0, 2.0, 3.0 }, x:grad():totable())
  end)

  it("differentiates again", function()
    assert.is_true(luron.gradcheck(half_square, luron.randn(3, 4, { dtype = "float64" }), { order = 2 }))
  end)

  it("takes several arguments, gives several results, and saves numbers too", function()
    local both = luron.op {
      name = "both",
      forward = function(ctx, a, factor, b)
        ctx:save(b, factor, a)
        return a * b * factor, a + b
      end,
      backward = function(ctx, g1, g2)
        local b, factor, a = ctx:saved()
        return g1 * b * factor + g2, nil, g1 * a * factor + g2
      end,
    }
    local a, b = leaf { 2 }, leaf { 5 }
    local p, s = both(a, 3, b)
    assert.are.equal(30.0, p:item());
    (p + s * 100):sum():backward()
    assert.are.equal(115.0, a:grad():item())
    assert.are.equal(106.0, b:grad():item())
    p = both(a, 3, b)
    p:sum():backward() -- nothing flows back through the second result
    assert.are.equal(130.0, a:grad():item())
    assert.is_true(luron.gradcheck(function(x, y)
      local q, t = both(x, 2, y)
      return q * t
    end, a:detach(), b:detach(), { order = 2 }))
  end)

  it("puts nothing on the tape when nothing needs it", function()
    assert.is_false(half_square(luron.ones(2)):requires_grad())
    assert.is_false(luron.no_grad(half_square, leaf { 1 }):requires_grad())
  end)

  it("takes what can be called in place of functions", function()
    local function callable(fn) return setmetatable({}, { __call = function(_, ...) return fn(...) end }) end
    local op = luron.op { name = "o", forward = callable(function(_, x) return x * 2 end), backward = luron.compile(function(_, g) return g * 3 end) }
    local x = luron.ones(2):requires_grad_()
    op(x):backward(luron.ones(2))
    assert.are.same({ 3, 3 }, x:grad():totable())
    for _, bad in ipairs { {}, 3, setmetatable({}, {}) } do
      assert.error_matches(function() luron.op { name = "o", forward = print, backward = bad } end, "backward: function expected")
    end
  end)

  it("may return its argument", function()
    local pass = luron.op { name = "pass", forward = function(_, x) return x end, backward = function(_, g) return g * 2 end }
    local x = leaf { 1 }
    local y = pass(x)
    assert.is_true(x:is_leaf())
    y:sum():backward()
    assert.are.equal(2.0, x:grad():item())
  end)

  it("may save an output, for first derivatives", function()
    local exp = luron.op {
      name = "exp2",
      forward = function(ctx, x)
        local y = x:exp()
        ctx:save(y)
        return y
      end,
      backward = function(ctx, g) return g * ctx:saved() end,
    }
    local x = leaf { 1 }
    exp(x):sum():backward()
    assert.is_true(math.abs(x:grad():item() - math.exp(1)) < 1e-12)
    local ok, message = pcall(luron.grad, exp(x):sum(), x, { create_graph = true })
    assert.is_false(ok)
    assert.is_truthy(message:find("save the inputs", 1, true))
  end)

  it("passes errors of its functions on", function()
    local problem = {}
    local bad = luron.op { name = "bad", forward = function(_, x) return x * 1 end, backward = function() error(problem) end }
    local x = leaf { 1 }
    local y = bad(x)
    local ok, caught = pcall(y.backward, y)
    assert.is_false(ok)
    assert.are.equal(problem, caught)
    assert.is_nil(x:grad())
    assert.is_false(pcall(luron.op { name = "f", forward = function() error "f" end, backward = print }, x))
    assert.is_true(luron.is_recording())
    for _, result in ipairs { 1, "x", { 1 } } do
      local op = luron.op { name = "odd", forward = function(_, a) return a * 1 end, backward = function() return result end }
      assert.is_false(pcall(function() op(x):sum():backward() end))
      assert.is_false(pcall(luron.op { name = "odd", forward = function() return result end, backward = print }, x))
    end
    local shape = luron.op { name = "shape", forward = function(_, a) return a * 1 end, backward = function() return luron.ones(7) end }
    ok, caught = pcall(function() shape(x):sum():backward() end)
    assert.is_false(ok)
    assert.is_truthy(caught:find("has shape (7,)", 1, true))
  end)

  it("notices that a saved tensor was changed", function()
    local a, x = luron.ones(1, { dtype = "float64" }), leaf { 1 }
    local scale = luron.op {
      name = "scale",
      forward = function(ctx, v)
        ctx:save(a)
        return v * a
      end,
      backward = function(ctx, g) return g * ctx:saved() end,
    }
    local y = scale(x)
    a:fill_(5)
    local ok, message = pcall(y.backward, y)
    assert.is_false(ok)
    assert.is_truthy(message:find "changed in place")
  end)

  it("leaves nothing behind, even on a tape that is dropped", function()
    local x = leaf { 1, 2, 3 }
    collectgarbage()
    collectgarbage()
    local before = luron.memory()
    for _ = 1, 1000 do half_square(half_square(x)) end
    local y = x
    for _ = 1, 20000 do y = half_square(y * 0.1) end
    y:close()
    y = nil -- luacheck: ignore
    half_square(x):sum():backward()
    x:zero_grad()
    collectgarbage()
    collectgarbage()
    assert.are.equal(before, (luron.memory()))
  end)

  it("runs in coroutines", function()
    local x = leaf { 3 }
    local thread = coroutine.wrap(function()
      local y = half_square(x)
      coroutine.yield()
      y:sum():backward()
      return "done"
    end)
    thread()
    assert.are.equal("done", thread())
    assert.are.same({ 3.0 }, x:grad():totable())
    collectgarbage()
  end)

  it("may be nested, and call backward itself", function()
    local inner = luron.op {
      name = "inner",
      forward = function(_, x)
        local a = leaf(x:totable())
        luron.enable_grad(function() half_square(a):sum():backward() end)
        return a:grad() * 1
      end,
      backward = function(_, g) return g end,
    }
    local x = leaf { 1, 2 }
    local y = inner(x)
    assert.are.same({ 1.0, 2.0 }, y:totable())
    y:sum():backward()
    assert.are.same({ 1.0, 1.0 }, x:grad():totable())
  end)
end)
