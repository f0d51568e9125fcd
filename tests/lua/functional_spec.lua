-- jacobian, hessian, vjp, jvp, hvp, against PyTorch and against themselves.
local luron = require "luron"
local nn = luron.nn
local source = os.getenv "LURON_TEST_SOURCE" or "."
local values = dofile(source .. "/tests/data/functional_values.lua")

local function f64(t) return luron.tensor(t, { dtype = "float64" }) end
local a, b = f64 { 0.5, -1.0, 2.0 }, f64 { { 0.3, 1.2 }, { -0.7, 0.4 }, { 1.5, -0.2 } }
local va, vb = f64 { 1.0, 0.5, -2.0 }, f64 { { 0.1, -0.3 }, { 2.0, 1.0 }, { 0.0, 0.7 } }
local vy = f64 { 0.4, -1.5 }
local function f(x, w) return x:sin():matmul(w) * (x * x):sum() end
local function g(x, w) return f(x, w):exp():sum() end

local function assert_near(t, want, tolerance)
  local got = t:reshape(-1):totable()
  assert.equal(#want, #got)
  for i = 1, #want do
    if math.abs(got[i] - want[i]) > (tolerance or 1e-12) * (1 + math.abs(want[i])) then error(string.format("[%d]: %.17g, expected %.17g", i, got[i], want[i]), 2) end
  end
end

describe("derivatives of functions", function()
  it("are PyTorch's", function()
    for k, t in ipairs(luron.jacobian(f, { a, b })) do assert_near(t, values.jacobian[k]) end
    for i, row in ipairs(luron.hessian(g, { a, b })) do
      for k, t in ipairs(row) do assert_near(t, values.hessian[i][k]) end
    end
    for k, t in ipairs(select(2, luron.vjp(f, { a, b }, vy))) do assert_near(t, values.vjp[k]) end
    assert_near(select(2, luron.jvp(f, { a, b }, { va, vb })), values.jvp)
    for k, t in ipairs(select(2, luron.hvp(g, { a, b }, { va, vb }))) do assert_near(t, values.hvp[k]) end
    assert.are.same({ 2, 3, 2 }, luron.jacobian(f, { a, b })[2]:shape())
  end)

  it("give the value beside", function()
    local y = luron.vjp(f, { a, b }, vy)
    assert_near(y, f(a, b):totable(), 0)
    assert.is_false(y:requires_grad())
    assert_near((luron.jvp(f, { a, b }, { va, vb })), f(a, b):totable(), 0)
  end)

  it("go through layers that keep no inputs, within no_grad too, and leave the switches as they were", function()
    local net = nn.Sequential { nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.Sigmoid() }
    net:to "float64"
    local whole = luron.no_grad(luron.jacobian, function(x) return net(x) end, a)
    local rows = {}
    for i = 1, 2 do
      local v = luron.zeros(2, { dtype = "float64" })
      v[i] = 1
      rows[i] = select(2, luron.vjp(function(x) return net(x) end, a, v))
    end
    assert_near(whole, luron.stack(rows):reshape(-1):totable())
    assert_near(select(2, luron.jvp(function(x) return net(x) end, a, va)), whole:matmul(va):totable())
    local h = luron.hessian(function(x) return net(x):sum() end, a)
    assert_near(select(2, luron.hvp(function(x) return net(x):sum() end, a, va)), h:matmul(va):totable())
    assert.is_false(luron.higher())
    assert.is_true(luron.is_recording())
    for _, p in ipairs(net:parameters()) do assert.is_nil(p:grad()) end
  end)

  it("are zero where there is no dependence", function()
    local function constant() return f64 { 1, 2 } end
    assert_near(luron.jacobian(constant, a), { 0, 0, 0, 0, 0, 0 })
    assert_near(select(2, luron.jvp(constant, a, va)), { 0, 0 })
    assert_near(select(2, luron.hvp(function(x) return x:sum() end, a, va)), { 0, 0, 0 })
    assert_near(luron.hessian(function(x) return x:sum() end, a), { 0, 0, 0, 0, 0, 0, 0, 0, 0 })
    local both = luron.hessian(function(x, _) return x:square():sum() end, { a, b })
    assert.are.same({ 3, 3, 2 }, both[1][2]:shape())
    assert.are.same({ 0, 3 }, luron.jacobian(function(x) return x[{ { 1, 0 } }] end, a):shape())
  end)

  it("can be differentiated again", function()
    local x = f64({ 0.5, 2.0 }):requires_grad_()
    local j = luron.jacobian(function(t) return t ^ 3 end, x, { create_graph = true })
    j:sum():backward()
    assert_near(x:grad(), { 3, 12 })
    x:zero_grad()
    local _, along = luron.jvp(function(t) return t ^ 3 end, x, luron.ones_like(x), { create_graph = true })
    along:sum():backward()
    assert_near(x:grad(), { 3, 12 })
  end)

  it("say what is wrong", function()
    local function refused(part, fn, ...)
      local ok, message = pcall(fn, ...)
      assert.is_false(ok)
      assert.is_truthy(message:find(part, 1, true), message)
    end
    refused("bad argument #1 to 'jacobian' (fn: function expected, got 3)", luron.jacobian, 3, a)
    refused("bad argument #2 to 'jacobian' (inputs: tensor or list of tensors expected, got nil)", luron.jacobian, f)
    refused("inputs: tensor expected at [2], got 3", luron.hessian, g, { a, 3 })
    refused("inputs: float32 or float64 expected at [1], got int64", luron.jacobian, f, luron.tensor { 1, 2 })
    refused("hessian: the function has to give one number, got shape (2,)", luron.hessian, f, { a, b })
    refused("bad argument #3 to 'jvp' (v: list of 2 tensors expected", luron.jvp, f, { a, b }, va)
    refused("v: shape (2,) expected, got (3,)", luron.vjp, f, { a, b }, va)
    refused("v: tensor of shape (2,) expected, got nil", luron.vjp, f, { a, b })
    refused("bad argument #4 to 'vjp' (no option 'graph'; options: create_graph)", luron.vjp, f, { a, b }, vy, { graph = true })
    refused("jacobian: the function has to give a tensor, got 'x'", luron.jacobian, function() return "x" end, a)
    refused("on purpose", luron.hessian, function() error "on purpose" end, a)
    assert.is_false(luron.higher())
  end)
end)
