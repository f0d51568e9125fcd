-- luron.recompute: the gradients of a function of which nothing is kept.
local source = os.getenv "LURON_TEST_SOURCE" or "."
local sanitize = os.getenv "LURON_TEST_SANITIZE" or ""
local luron = require "luron"
local nn = luron.nn

local function leaf(values) return luron.tensor(values, { dtype = "float64", requires_grad = true }) end

local function raises(message, fn, ...)
  local ok, text = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(text:find(message, 1, true), text)
  assert.matches("recompute_spec.lua:%d+: ", text)
  return text
end

local function close_to(expected, got, tolerance)
  assert.are.same(expected:shape(), got:shape())
  local worst = ((expected - got):abs() / (expected:abs() + 1)):reshape(-1)
  assert.is_true(worst:numel() == 0 or worst:max():item() <= tolerance, tostring(expected) .. tostring(got))
end

-- The gradients of fn(run) with respect to xs, where run is luron.recompute or a plain call: nearly the same, and as
-- many random numbers are drawn.
local function same_gradients(xs, fn)
  local grads, drawn = {}, {}
  for i, run in ipairs { function(f, ...) return f(...) end, luron.recompute } do
    luron.seed(3)
    local y = fn(run)
    grads[i] = { luron.grad((y * y):sum(), xs) }
    drawn[i] = { luron.random_state() }
  end
  assert.are.same(drawn[1], drawn[2])
  for k in ipairs(xs) do close_to(grads[1][k], grads[2][k], 1e-14) end
end

local function mlp(n_layers, width, dtype)
  local layers = {}
  for i = 1, n_layers do layers[i] = nn.Sequential(nn.Linear(width, width), nn.Tanh()):to(dtype or "float64") end
  return layers
end

local function parameters(layers)
  local all = {}
  for _, layer in ipairs(layers) do
    for _, p in layer:named_parameters() do all[#all + 1] = p end
  end
  return all
end

describe("luron.recompute", function()
  it("gives what the function gives", function()
    local x, list = leaf { 1, 2 }, { 7 }
    local a, b, c, d, e = luron.recompute(function(t, k, nothing)
      assert.is_nil(nothing)
      return k, t * 2, nil, list, t:gt(1)
    end, x, "word", nil)
    assert.are.equal("word", a)
    assert.are.same({ 2.0, 4.0 }, b:totable())
    assert.is_true(b:requires_grad())
    assert.is_nil(c)
    assert.are.equal(list, d)
    assert.are.same({ false, true }, e:totable())
    assert.are.equal(0, select("#", luron.recompute(function() end)))
    local same, other = luron.recompute(function(t) return t, t end, x)
    assert.is_true(x:is_leaf())
    same:sum():backward()
    other:sum():backward()
    assert.are.same({ 2.0, 2.0 }, x:grad():totable())
  end)

  it("has the gradients of what is kept", function()
    luron.seed(1)
    local layers, x = mlp(4, 5), luron.randn(3, 5, { dtype = "float64", requires_grad = true })
    local xs = parameters(layers)
    xs[#xs + 1] = x
    same_gradients(xs, function(run)
      local y = x
      for _, layer in ipairs(layers) do y = run(layer, y) end
      return y
    end)
    same_gradients(xs, function(run) -- caught, not handed over; two results, one of which nothing flows through
      local y, n, unused = run(function()
        local y = x
        for i = 1, 4 do y = layers[i](y) end
        return y * x, 3, y:exp()
      end)
      assert.is_true(unused:requires_grad())
      return y * n
    end)
  end)

  it("draws the same random numbers", function()
    local drop, x = nn.Dropout(0.5), luron.randn(50, 4, { dtype = "float64", requires_grad = true })
    same_gradients({ x }, function(run)
      local y = run(function(t) return drop(t) * luron.rand(50, 4, { dtype = "float64" }) end, x)
      return run(function(t) return drop(t:tanh()) end, y) + luron.rand(1, { dtype = "float64" })
    end)
  end)

  it("runs twice, with recording on and the same arguments", function()
    local x, seen, argument = leaf { 3 }, {}, {}
    local y = luron.recompute(function(t, a, n)
      seen[#seen + 1] = { luron.is_recording(), t:item(), a == argument, n }
      return luron.no_grad(function() return t * 2 end) * t
    end, x, argument, nil)
    luron.no_grad(function() y:backward() end)
    assert.are.same({ { true, 3.0, true }, { true, 3.0, true } }, seen)
    assert.are.equal(6.0, x:grad():item())
  end)

  it("may be nested, and walked again", function()
    local w = luron.randn(4, 4, { dtype = "float64", requires_grad = true })
    local x, calls = luron.randn(2, 4, { dtype = "float64", requires_grad = true }), 0
    same_gradients({ x, w }, function(run)
      return run(function(a)
        local b = run(function(t) calls = calls + 1 return (t:matmul(w)):sin() end, a)
        return run(function(t) return t:matmul(w) * t end, b)
      end, x)
    end)
    assert.are.equal(1 + 3, calls)
    local y = luron.recompute(function(t) return t:exp() end, x):sum()
    y:backward { retain_graph = true }
    y:backward()
    close_to(luron.no_grad(function() return 2 * x:exp() end), x:grad(), 1e-15)
    raises("a second time", y.backward, y)
  end)

  it("has derivatives of any order", function()
    local w, act = luron.randn(3, 3, { dtype = "float64" }), nn.GELU()
    local function block(x, v)
      local y = luron.recompute(function(a) return act(a:matmul(v)) end, x)
      return luron.recompute(function(a, b) return luron.recompute(function() return a:tanh() end) * b end, y, x)
    end
    assert.is_true(luron.gradcheck(block, luron.randn(2, 3, { dtype = "float64" }), w, { order = 2 }))
    local x = leaf { 2 }
    local g = luron.grad(luron.recompute(function(t) return t ^ 4 end, x), x, { create_graph = true })
    g = luron.grad(g, x, { create_graph = true })
    assert.are.equal(48.0, luron.grad(g, x):item())
    local h = luron.hessian(function(t) return luron.recompute(function(s) return (s ^ 3):sum() end, t) end, luron.tensor { 1.0, 2.0 })
    assert.are.same({ { 6.0, 0.0 }, { 0.0, 12.0 } }, h:totable())
  end)

  it("works in models, classes and training", function()
    local Net = nn.class "RecomputedNet"
    function Net:init(run)
      self.run = run
      self.first, self.second, self.drop = nn.Linear(4, 8), nn.Sequential(nn.Linear(8, 8), nn.ReLU()), nn.Dropout(0.2)
    end
    function Net:hidden(x, scale) return self.drop(self.first(x):tanh()) * scale end
    function Net:forward(x) return self.run(self.second, self.run(self.hidden, self, x, 0.5)) end
    local losses, weights = {}, {}
    for i, run in ipairs { function(f, ...) return f(...) end, luron.recompute } do
      luron.seed(5)
      local net = Net(run)
      local opt, x = luron.optim.Adam(net, { lr = 0.01 }), luron.randn(16, 4)
      losses[i] = {}
      for step = 1, 5 do
        luron.scope(function()
          opt:zero_grad()
          local loss = (net(x) - x:sum(2, true)):square():mean()
          loss:backward()
          opt:step()
          losses[i][step] = loss:item()
        end)
      end
      weights[i] = net.first.weight:totable()
    end
    assert.are.same(losses[1], losses[2])
    assert.are.same(weights[1], weights[2])
  end)

  it("has nothing to do where nothing is recorded", function()
    local n, w = 0, leaf { 2 }
    local function f(t) n = n + 1 return t * w, t end
    local y, same = luron.no_grad(luron.recompute, f, w)
    assert.is_false(y:requires_grad())
    assert.is_true(same:requires_grad())
    assert.is_false(luron.recompute(function(t) return t * 2 end, luron.ones(1)):requires_grad())
    assert.are.equal(1, n)
  end)
end)

describe("what luron.recompute keeps", function()
  it("is all of it in a trace, where it is a plain call", function()
    local Net = nn.class "RecomputeTraced"
    function Net:init() self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 2) end
    function Net:forward(x)
      local y, three = luron.recompute(function(v) return self.a(v):tanh(), 3 end, x)
      return self.b(y) * three
    end
    local net, x = Net(), luron.randn(2, 3)
    assert.are.same(net(x):totable(), nn.trace(net, x)(x):totable())
  end)

  it("is a small part of what ten layers keep", function()
    local layers, x = mlp(10, 64, "float32"), luron.randn(4096, 64)
    local function forward(t)
      for _, layer in ipairs(layers) do t = layer(t) end
      return t
    end
    local function held_by(fn, ...)
      collectgarbage()
      collectgarbage "stop"
      local before = luron.memory()
      local _ <close> = fn(...)
      local held = luron.memory() - before
      collectgarbage "restart"
      return held
    end
    held_by(forward, x)
    local plain = held_by(luron.scope, forward, x) -- as recompute, without garbage
    local block, all = held_by(function(t)
      for i = 1, 10, 5 do
        t = luron.recompute(function(s)
          for k = i, i + 4 do s = layers[k](s) end
          return s
        end, t)
      end
      return t
    end, x), held_by(luron.recompute, forward, x)
    local one = 4096 * 64 * 4
    assert.is_true(plain >= 10 * one)
    assert.is_true(block < 2 * one + 20000, block)
    assert.is_true(all < one + 10000, all)
    print(string.format("10 layers keep %.1f MB, two blocks of five %.1f MB (1/%.1f), all in one %.1f MB (1/%.1f)", plain / 1e6, block / 1e6,
      plain / block, all / 1e6, plain / all))
  end)

  it("needs no collector in a backward either", function()
    local layers, x = mlp(10, 16, "float32"), luron.randn(1024, 16)
    local y = x
    for _, layer in ipairs(layers) do
      y = luron.recompute(function(t) return (layer(t) * 2):tanh():exp():log() end, y)
    end
    y = y:sum()
    collectgarbage()
    collectgarbage "stop"
    local before = luron.memory()
    y:backward()
    y:close()
    local more = luron.memory() - before
    collectgarbage "restart"
    assert.is_true(more < 10 * (16 * 16 + 16) * 4 + 20000, more) -- gradients of the weights
  end)

  it("is closed but for the results, which an outer scope closes", function()
    local x, inner, result, ids = leaf { 1, 2 }, nil, nil, nil
    local y = luron.recompute(function(t)
      inner, result, ids = t * 2, t * 3, t:argsort()
      return result, ids
    end, x)
    assert.are.equal("tensor (closed)", tostring(inner))
    assert.are.equal(y, result)
    assert.are.same({ 1, 2 }, ids:totable())
    assert.are.same({ 1.0, 2.0 }, x:totable())
    local a
    local kept = luron.scope(function()
      a = luron.recompute(function(t) return t * 2 end, x)
      return luron.scope(function() return (a * 3):sum() end)
    end)
    assert.are.equal("tensor (closed)", tostring(a))
    kept:backward()
    assert.are.same({ 6.0, 6.0 }, x:grad():totable())
    local late
    luron.scope(function() luron.scope(function() late = luron.ones(1) return late end) end)
    assert.are.equal("tensor (closed)", tostring(late))
  end)

  it("are the arguments, also when they are closed", function()
    local x = leaf { 1, 2 }
    local y = x * 2
    local z = luron.recompute(function(a, b) return a * b end, y, y)
    y:close()
    z:sum():backward()
    assert.are.same({ 8.0, 16.0 }, x:grad():totable())
  end)

  it("goes, whatever leads to what", function()
    local function settle()
      for _ = 1, 6 do collectgarbage() end
      luron.trim()
      return select(2, luron.memory())
    end
    local function leaves_nothing(fn)
      fn()
      local before = settle()
      for _ = 1, 5 do fn() end
      assert.are.equal(before, settle())
    end
    local w = leaf { 1, 2 }
    leaves_nothing(function() luron.recompute(function(t) return t * w end, w) end)
    leaves_nothing(function() pcall(luron.recompute, function(t) return t * w, error "stop" end, w * 2) end)
    leaves_nothing(function() pcall(luron.recompute, function(t) return { t * w } end, w * 2) end)
    leaves_nothing(function()
      local n = 0
      local y = luron.recompute(function(t) n = n + 1 return n == 1 and t * w or error "stop" end, w * 2)
      pcall(y.backward, y:sum())
    end)
    leaves_nothing(function()
      local y, list
      list = {}
      y = luron.recompute(function(t, l) return t * 2, l, y end, leaf { 1 }, list)
      list[1] = y
    end)
    leaves_nothing(function()
      local y
      y = luron.recompute(function(t) return t * 2, y and y:close() end, leaf { 1 })
      local z = y * 3
      z:register_hook(function() return y end)
    end)
  end)
end)

describe("luron.recompute the second time", function()
  it("passes errors on, with their line and nothing changed", function()
    local w, second = leaf { 2 }, false
    local function block(t)
      local y = t * w
      return second and y[7] or y
    end
    local y = luron.recompute(block, w)
    second = true
    local text = raises("position 7 is not within 1..1", y.backward, y)
    assert.is_truthy(text:find("recompute_spec.lua:" .. debug.getinfo(1, "l").currentline - 5 .. ":", 1, true), text)
    assert.is_nil(w:grad())
    local value = {}
    second = false
    y = luron.recompute(function(t) second = not second return second and t * w or error(value) end, w)
    local _, got = pcall(luron.grad, y, w)
    assert.are.equal(value, got)
    assert.is_true(luron.is_recording())
    second = false
    y = luron.recompute(block, w)
    y:backward()
    assert.are.equal(4.0, w:grad():item())
  end)

  it("has to do the same", function()
    local w, n = leaf { 2, 3 }, 0
    local function other(first, second)
      n = 0
      local y = luron.recompute(function() n = n + 1 return (n == 1 and first or second)() end)
      y:backward(luron.ones(2, { dtype = "float64" }))
    end
    local function twice() return w * 2 end
    raises("recompute: output 1 was float64 (2,), the second time it is float64 (1,): the function has to do the same again", other, twice,
      function() return (w * 2)["1:1"] end)
    raises("recompute: output 1 was float64 (2,), the second time it is float32 (2,)", other, twice, function() return (w * 2):to "float32" end)
    local where = "recompute_spec.lua:" .. debug.getinfo(other, "S").linedefined + 2 .. ") "
    local text = raises("gave 1 results, the second time 2: it has to do the same again", other, twice, function() return w * 2, 3 end)
    assert.is_truthy(text:find(where, 1, true), text)
    for given, value in pairs { ["3"] = 3, ["nil"] = false, ["one that needs none"] = luron.ones(2, { dtype = "float64" }) } do
      raises("was a tensor that needs a gradient, the second time it is " .. given .. ": it has to do the same again", other, twice,
        function() return value or nil end)
    end
    raises("a closed one", other, twice, function() local y = w * 2 y:close() return y end)
    assert.is_nil(w:grad())
  end)

  it("notices arguments that were changed in place", function()
    local w, x = leaf { 2 }, luron.ones(1, { dtype = "float64" })
    local y = luron.recompute(function(a, b) return a * b end, x, w)
    x:fill_(5)
    raises("recompute: argument 1 of the function (", y.backward, y)
    y = luron.recompute(function(a) return a * x end, w)
    luron.no_grad(function() w:fill_(5) end)
    raises("changed in place", y.backward, y)
  end)
end)

describe("luron.recompute", function()
  it("refuses what it cannot do", function()
    raises("bad argument #1 to 'recompute' (function: function expected, got no value)", function() luron.recompute() end)
    raises("bad argument #1 to 'recompute' (function: function expected, got 3)", function() luron.recompute(3) end)
    raises("got a tensor: recompute(f, x), not recompute(f(x))", function() luron.recompute(luron.ones(1)) end)
    raises("result 2 of the function (", function() luron.recompute(function(t) return t, { deep = { t * 2 } } end, leaf { 1 }) end)
    raises("is a table with tensors: it has to give tensors one by one", function() luron.recompute(function(t) return { t } end, leaf { 1 }) end)
    raises("is a closed tensor", function() luron.recompute(function(t) local y = t * 2 y:close() return y end, leaf { 1 }) end)
    raises("bad argument #3 to 'recompute' (the tensor is closed)", function()
      local t = luron.ones(1)
      t:close()
      luron.recompute(print, 1, t)
    end)
    raises("inside", luron.recompute, function() error "inside" end)
    assert.are.equal(2.0, (luron.ones(1) + 1):item())
  end)

  it("moves the state of a layer once", function()
    local pipe <close> = assert(io.popen "mktemp -d")
    local dir = pipe:read "l"
    local file <close> = assert(io.open(dir .. "/counter.c", "w"))
    file:write [[
/* x + count, where count is how often the layer was applied in training. */
#include <luron/plugin.h>
static luron_status declare(luron_call *c) { return c->host->declare_state(c, 0, "count", LURON_REAL, 0, NULL, luron_init_zeros()); }
static luron_status setup(luron_call *c) { return luron_set_out_like(c, 0, luron_in(c, 0)); }
static luron_status forward(luron_call *c) {
    const int64_t n = luron_numel(luron_in(c, 0));
    if (luron_is_training(c)) luron_f32(luron_state(c, 0))[0]++;
    for (int64_t i = 0; i < n; i++) luron_f32(luron_out(c, 0))[i] = luron_f32(luron_in(c, 0))[i] + luron_f32(luron_state(c, 0))[0];
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    const int64_t n = luron_numel(luron_grad_out(c, 0));
    for (int64_t i = 0; i < n; i++) luron_f32(luron_grad_in(c, 0))[i] += luron_f32(luron_grad_out(c, 0))[i];
    return LURON_OK;
}
static const luron_layer_type type = { .struct_size = sizeof type, .name = "AppliedCounter", .doc = "x + count", .declare = declare, .setup = setup,
                                       .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(counter) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "counter", .version = "1", .layers = layers };
]]
    file:close()
    local flags = sanitize ~= "" and "-fsanitize=" .. sanitize or ""
    assert(os.execute(string.format("cd %s && ${CC:-cc} %s -shared -fPIC -I'%s/core/include' counter.c -o counter.so", dir, flags, source)))
    assert(luron.load_plugin(dir .. "/counter.so"))
    os.execute("rm -rf " .. dir)
    local counter, x = nn.AppliedCounter(), luron.ones(2):requires_grad_()
    local y = luron.recompute(function(t) return counter(t) * counter(t) end, x)
    assert.are.same({ 6.0, 6.0 }, y:totable())
    y:sum():backward()
    local _, count = counter:named_states()()
    assert.are.equal(2.0, count:item())
  end)
end)
