-- Hooks of tensors, layers, models and instances of nn.class; and that nothing they refer to lives for ever.
local luron = require "luron"
local nn = luron.nn

local function leaf(values) return luron.tensor(values, { dtype = "float64", requires_grad = true }) end

local function raises(message, fn, ...)
  local ok, text = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(text:find(message, 1, true), text)
  assert.matches("hooks_spec.lua:%d+: ", text)
  return text
end

describe("x:register_hook", function()
  it("sees the gradient, and may replace it", function()
    local x, seen = leaf { 1, 2 }, {}
    local y = x * x
    y:register_hook(function(g) seen[#seen + 1] = "y " .. g[2]:item() end)
    y:register_hook(function(g) return g * 10 end)
    x:register_hook(function(g) seen[#seen + 1] = "x " .. g[2]:item() end)
    y:sum():backward()
    assert.are.same({ "y 1.0", "x 40.0" }, seen)
    assert.are.same({ 20.0, 40.0 }, x:grad():totable())
  end)

  it("gives a handle", function()
    local x, n = leaf { 1 }, 0
    local handle = x:register_hook(function() n = n + 1 end)
    local y = x * 3
    local of_y = y:register_hook(function() n = n + 100 end)
    y:backward { retain_graph = true }
    assert.are.equal(101, n)
    handle:remove()
    of_y:remove()
    handle:remove() -- once more does no harm
    y:backward()
    assert.are.equal(101, n)
    do
      local _ <close> = x:register_hook(function() n = n + 1 end);
      (x * 2):backward()
    end
    (x * 2):backward()
    assert.are.equal(102, n)
    local own
    own = x:register_hook(function() own:remove() n = n + 1 end);
    (x * 2):backward();
    (x * 2):backward()
    assert.are.equal(103, n)
  end)

  it("passes errors on, with nothing changed", function()
    local x, w = leaf { 1 }, leaf { 2 }
    x:register_hook(function(g) return g[7] end)
    local text = raises("position 7 is not within 1..1", function() (x * w):backward() end)
    assert.is_truthy(text:find("hooks_spec.lua:" .. debug.getinfo(1, "l").currentline - 2 .. ":", 1, true), text)
    assert.is_nil(x:grad())
    assert.is_nil(w:grad())
    local y = leaf { 1 }
    y:register_hook(function() return 3 end)
    raises("result 1: tensor or nil expected, got 3", y.backward, y * 2)
    local z = leaf { 1 }
    z:register_hook(function(g) return g, g end)
    raises("at most 1 results expected, got 2", z.backward, z * 2)
    local v = leaf { 1 }
    v:register_hook(function() error({ code = 7 }) end)
    local _, value = pcall(v.backward, v * 2)
    assert.are.equal(7, value.code)
    raises("hook: function expected, got no value", function() x:register_hook() end)
    raises("hook: function expected, got 3", function() x:register_hook(3) end)
    raises("the tensor requires no gradient", function() luron.ones(2):register_hook(print) end)
  end)

  it("works in luron.grad and in higher derivatives", function()
    local x = leaf { 3 }
    local y = x * x
    y:register_hook(function(g) return g * g end)
    local g = luron.grad(y * y, x, { create_graph = true }) -- (2 x^2)^2 2 x
    assert.are.equal(8 * 3 ^ 5, g:item())
    assert.is_true(g:requires_grad()) -- what the hook computed is on the tape as well
  end)

  it("may use the tape itself", function()
    local x = leaf { 3 }
    local norm
    x:register_hook(function(g)
      norm = luron.enable_grad(function() local a = leaf { 2 } return luron.grad(a * a, a) end)
      return g * norm
    end);
    (x * 2):backward()
    assert.are.equal(8.0, x:grad():item())
    assert.are.equal(4.0, norm:item())
  end)

  it("runs in coroutines", function()
    local x, n = leaf { 1 }, 0
    x:register_hook(function(g) n = n + 1 return coroutine.wrap(function() return g * 2 end)() end)
    local co = coroutine.wrap(function() (x * 2):backward() return x:grad():item() end)
    assert.are.equal(4.0, co())
    assert.are.equal(1, n)
  end)
end)

describe("x:retain_grad", function()
  it("keeps the gradient of what was computed", function()
    local x = leaf { 1, 2 }
    local y = (x * x):retain_grad()
    local z = y * 3
    assert.is_true(z:retain_grad() == z)
    z:sum():backward()
    assert.are.same({ 3.0, 3.0 }, y:grad():totable())
    assert.are.same({ 1.0, 1.0 }, z:grad():totable())
    assert.are.same({ 6.0, 12.0 }, x:grad():totable())
    raises("requires no gradient", function() luron.ones(2):retain_grad() end)
  end)
end)

describe("hooks of a layer", function()
  local function layer()
    local l = nn.Linear(2, 2, { bias = false }):to "float64"
    luron.no_grad(function() l.weight:copy_(luron.tensor { { 1, 2 }, { 3, 4 } }) end)
    return l
  end

  it("see and replace inputs and outputs", function()
    local l, seen = layer(), {}
    local x = luron.tensor({ { 1, 1 } }, { dtype = "float64" })
    local pre = l:register_forward_pre_hook(function(self, inputs)
      seen[#seen + 1] = ("%s %d %d"):format(self:type(), inputs.n, inputs[1]:size(2))
      return inputs[1] * 10
    end)
    l:register_forward_hook(function(self, inputs, output)
      seen[#seen + 1] = ("%s %g %g"):format(self:type(), inputs[1][1][1]:item(), output[1][1]:item())
    end)
    local post = l:register_forward_hook(function(_, _, output) return { output + 1 } end)
    assert.are.same({ { 31.0, 71.0 } }, l(x):totable())
    assert.are.same({ "Linear 1 2", "Linear 10 30" }, seen)
    pre:remove()
    post:remove()
    assert.are.same({ { 3.0, 7.0 } }, l(x):totable())
    assert.are.same({ { 3.0, 7.0 } }, l:clone()(x):totable())
    assert.are.equal(3, #seen)
  end)

  it("see and replace gradients", function()
    local l, seen = layer(), nil
    local x = leaf { { 1, 1 } }
    l:register_full_backward_hook(function(self, grad_inputs, grad_outputs)
      local g = grad_inputs[1]
      seen = { self:type(), grad_inputs.n, grad_outputs.n, g and g:totable() or "none", grad_outputs[1]:totable() }
      return g and g * 2
    end)
    l(x):sum():backward()
    assert.are.same({ "Linear", 1, 1, { { 4.0, 6.0 } }, { { 1.0, 1.0 } } }, seen)
    assert.are.same({ { 8.0, 12.0 } }, x:grad():totable())
    assert.are.same({ { 1.0, 1.0 }, { 1.0, 1.0 } }, l.weight:grad():totable())
    l(luron.tensor({ { 1, 1 } }, { dtype = "float64" })):sum():backward() -- the weight alone has a gradient
    assert.are.same({ "Linear", 1, 1, "none", { { 1.0, 1.0 } } }, seen)
  end)

  it("pass errors on", function()
    local l = layer()
    local x = leaf { { 1, 1 } }
    local h = l:register_forward_pre_hook(function() error "no pre" end)
    raises("no pre", l, x)
    h:remove()
    h = l:register_forward_hook(function() return 1, 2 end)
    raises("forward hook (", l, x)
    raises("at most 1 results expected, got 2", l, x)
    h:remove()
    h = l:register_forward_hook(function() return "y" end)
    raises("result 1: tensor or nil expected, got 'y'", l, x)
    h:remove()
    l:register_full_backward_hook(function() return luron.ones(7) end)
    raises("gradient of shape (1, 2) for input 1 expected, got (7,)", function() l(x):sum():backward() end)
    assert.is_nil(x:grad())
    raises("hook: function expected, got nil", function() l:register_forward_hook(nil) end)
    raises("bad argument #1 to 'register_forward_hook' (layer: layer or model expected, got 3)", function() l.register_forward_hook(3, print) end)
  end)

  it("run in models, whose own hooks go around the whole", function()
    local model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    local seen = {}
    for path, l in model:named_layers() do
      l:register_forward_hook(function(_, _, y) seen[#seen + 1] = path .. " " .. y:size(2) end)
    end
    model:register_forward_pre_hook(function(self, inputs) seen[#seen + 1] = "model " .. #self .. " " .. inputs.n end)
    model:register_forward_hook(function(_, _, y) return y * 0 end)
    model:register_full_backward_hook(function(_, gi, go) seen[#seen + 1] = "back " .. gi[1]:size(2) .. " " .. go[1]:size(2) return gi[1] + 1 end)
    local x = luron.randn(4, 2):requires_grad_()
    local y = model(x)
    assert.are.same({ "model 3 1", "linear1 3", "relu1 3", "linear2 1" }, seen)
    assert.are.same({ { 0.0 }, { 0.0 }, { 0.0 }, { 0.0 } }, y:totable())
    y:sum():backward()
    assert.are.equal("back 2 1", seen[5])
    assert.are.same({ 1.0, 1.0 }, x:grad()[1]:totable())
    assert.are.equal(5, #seen)
    model:clone()(x)
    assert.are.equal(5, #seen)
  end)

  it("are not saved", function()
    local model = nn.Sequential(nn.Linear(2, 3))
    model:register_forward_hook(function() error "run" end)
    local path = os.tmpname()
    model:save(path)
    local again = assert(luron.load(path))
    os.remove(path)
    assert.are.equal(3, again(luron.ones(1, 2)):size(2))
  end)

  it("may close what they belong to", function()
    local l = layer()
    l:register_forward_pre_hook(function() l:close() end)
    assert.are.same({ { 3.0, 7.0 } }, l(leaf { { 1, 1 } }):totable())
    local model = nn.Sequential(nn.ReLU())
    model:layer("relu1"):register_forward_hook(function() model:close() end)
    assert.are.equal(1.0, model(luron.ones(1)):item())
    local y
    local x = leaf { 2 }
    y = x * x
    y:register_hook(function() y:close() x:close() end)
    y:backward()
  end)
end)

describe("hooks of an instance of nn.class", function()
  local Twice = nn.class "TwiceHooked"
  function Twice:init() self.lin = nn.Linear(2, 2, { bias = false }):to "float64" end
  function Twice:forward(x, extra)
    local y = self.lin(self.lin(x))
    return y, extra and y * extra
  end

  it("are removed by their own handles alone", function()
    local C = nn.class "RefusesRemoval"
    function C.forward(_, x) return x end
    local handle = C():register_forward_hook(function() end)
    assert.error_matches(function() handle.remove(5) end, "calling 'remove' on a bad object %(hook expected, got 5%)")
    assert.error_matches(function() handle.remove() end, "hook expected, got nil")
    handle:remove()
  end)

  it("are those of a layer", function()
    local m, seen = Twice(), {}
    luron.no_grad(function() m.lin.weight:copy_(luron.eye(2) * 3) end)
    local x = leaf { { 1, 2 } }
    local pre = m:register_forward_pre_hook(function(self, inputs) seen[#seen + 1] = { self == m, inputs.n } return inputs[1] * 2 end)
    m:register_forward_hook(function(_, inputs, y, z) seen[#seen + 1] = { inputs.n, z == nil } return y + 1 end)
    m:register_full_backward_hook(function(self, gi, go) seen[#seen + 1] = { self == m, gi.n, go.n, gi[1]:totable(), go[1]:totable() } return gi[1] * 100 end)
    local y, z = m(x)
    assert.is_nil(z)
    assert.are.same({ { 19.0, 37.0 } }, y:totable())
    y:sum():backward()
    assert.are.same({ { true, 1 }, { 1, true }, { true, 1, 2, { { 9.0, 9.0 } }, { { 1.0, 1.0 } } } }, seen)
    assert.are.same({ { 1800.0, 1800.0 } }, x:grad():totable())
    pre:remove()
    pre:remove()
    assert.are.same({ { 10.0, 19.0 } }, (m(x)):totable())
    assert.is_nil(m:state_dict()._hooks)
    raises("function expected, got 3", function() m:register_forward_hook(3) end)
    raises("on a bad object", function() m.register_full_backward_hook(3, print) end)
    m:register_forward_hook(function() return 1, 2, 3 end)
    raises("at most 2 results expected, got 3", m, x)
  end)

  it("see no gradient of inputs where none requires one", function()
    local m, seen = Twice(), nil
    m:register_full_backward_hook(function(_, gi, go) seen = { gi.n, gi[1], go.n, go[1] ~= nil, go[2] ~= nil } end)
    local y, z = m(luron.ones(1, 2, { dtype = "float64" }), 2);
    (y + z):sum():backward()
    assert.are.same({ 2, nil, 2, true, true }, seen)
  end)
end)

describe("what a hook refers to", function()
  local function settle()
    for _ = 1, 6 do collectgarbage() end
    luron.trim()
    return select(2, luron.memory())
  end

  -- fn makes garbage; all of it has to go, whatever leads to what
  local function leaves_nothing(fn)
    fn() -- loads plugins
    local before = settle()
    for _ = 1, 5 do fn() end
    assert.are.equal(before, settle())
  end

  it("goes with a leaf that it captures", function()
    leaves_nothing(function()
      local x = leaf { 1, 2 }
      x:register_hook(function() return x end)
    end)
  end)

  it("goes with the result that it captures", function()
    leaves_nothing(function()
      local x = leaf { 1, 2 }
      local y = x * 2
      y:register_hook(function() return y end)
    end)
  end)

  it("goes with what was computed from its tensor", function()
    leaves_nothing(function()
      local x = leaf { 1, 2 }
      local all = {}
      local y = x
      for i = 1, 10 do
        y = y * 2
        y:register_hook(function() return all[1] end)
        all[i] = y
      end
    end)
  end)

  it("goes with a layer, a model and their activations", function()
    leaves_nothing(function()
      local l = nn.Linear(2, 2)
      l:register_forward_hook(function() return l end)
      local model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
      local activations = {}
      for path, part in model:named_layers() do
        part:register_forward_hook(function(self, _, y) activations[path] = { y, model, self } end)
        part:register_full_backward_hook(function() return activations end)
      end
      model:register_forward_pre_hook(function() activations.model = model end)
      activations.y = model(luron.ones(1, 2):requires_grad_())
      local opt = luron.optim.SGD(model, { lr = 0.1 })
      model:layer("linear1").weight:register_hook(function() return opt, model end)
    end)
  end)

  it("goes with an instance of a class", function()
    local Keeps = nn.class "KeepsHooked"
    function Keeps:init() self.lin = nn.Linear(2, 2) end
    function Keeps:forward(x) return self.lin(x) end
    leaves_nothing(function()
      local m = Keeps()
      m:register_forward_hook(function(self, _, y) self._last = y end)
      m:register_full_backward_hook(function() return m end)
      m(luron.ones(1, 2):requires_grad_())
    end)
  end)

  it("goes with the op whose result its backward captures", function()
    leaves_nothing(function()
      local y
      local op = luron.op { name = "own", forward = function(ctx, x) ctx.x = x return x * 2 end, backward = function() return y end }
      local x = leaf { 1 }
      y = op(x)
      local first, second
      local a = luron.op { name = "a", forward = function(ctx, v) ctx:save(v) return v * 2 end, backward = function() return second end }
      first = a(x)
      second = a(first)
    end)
  end)

  it("goes however many there are", function()
    leaves_nothing(function()
      collectgarbage "stop"
      for _ = 1, 3000 do
        local x = leaf { 1 }
        local y = x * 2
        y:register_hook(function() return y end)
      end
      local all, x = {}, leaf { 1 }
      for i = 1, 3000 do
        x = x * 2
        x:register_hook(function() return all end)
        all[i] = x
      end
      collectgarbage "restart"
    end)
  end)

  it("leads on by what it keeps in C", function()
    local n, y = 0
    do
      local x = leaf { 3 }
      local z = x * 1
      z:register_hook(function(g) n = n + 1 return g + 0 * (z and 1) end)
      local op = luron.op { name = "keeps", forward = function(ctx, v) ctx:save(z) return v * 2 end, backward = function(ctx) return ctx:saved() end }
      y = op(leaf { 1 })
    end
    settle()
    luron.grad(y, y, { retain_graph = true })
    local got
    local x = leaf { 1 };
    (y * x):backward()
    got = x:grad():item()
    assert.are.equal(2.0, got)
    assert.are.equal(0, n)
  end)

  it("stays as long as a backward may come by", function()
    local n = 0
    local function prepare()
      local x = leaf { 1, 2 }
      local y = x * 2
      y:register_hook(function(g) n = n + 1 return g * y:detach() end)
      return x, y
    end
    local x, y = prepare()
    settle()
    local z = (y * 1):sum() -- not there when the collector looked
    y = nil -- luacheck: ignore
    settle()
    z:backward()
    assert.are.equal(1, n)
    assert.are.same({ 4.0, 8.0 }, x:grad():totable())
    -- a step of the collector at a time
    for _ = 1, 50 do
      local a, b = prepare()
      collectgarbage "step"
      local c = b + a
      b = nil -- luacheck: ignore
      collectgarbage "step"
      c = c:sum()
      collectgarbage "step"
      c:backward()
    end
    assert.are.equal(51, n)
  end)

  it("stays in models that are alive", function()
    local n, l = 0
    do
      local model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
      l = model:layer "linear1"
      l:register_forward_hook(function() n = n + (model and 1 or 0) end)
    end
    settle()
    l(luron.ones(1, 2))
    local model = nn.Sequential(l)
    l = nil -- luacheck: ignore
    settle()
    model(luron.ones(1, 2))
    settle()
    model(luron.ones(1, 2))
    assert.are.equal(3, n)
  end)

  it("is where it has to be in whatever order things go", function()
    local before = settle()
    math.randomseed(11)
    for round = 1, 60 do
      collectgarbage(round % 2 == 0 and "generational" or "incremental")
      local pool, calls, expected = { leaf { 1 } }, 0, 0
      for _ = 1, 40 do
        local what, i = math.random(6), math.random(#pool)
        if what <= 3 then
          pool[#pool + 1] = pool[i] * pool[math.random(#pool)]
        elseif what == 4 then
          local other = pool[math.random(#pool)]
          pool[i]:register_hook(function(g) calls = calls + 1 return other:requires_grad() and g end)
        elseif #pool > 1 then
          table.remove(pool, i)
        end
        local c = math.random(4)
        if c == 1 then collectgarbage() elseif c == 2 then collectgarbage "step" end
      end
      -- what is left is computed anew from: each hook on the way is called once
      local last = pool[#pool]
      local handle = last:register_hook(function() expected = expected + 1 end)
      for _, t in ipairs(pool) do if t ~= last then last = last + t end end
      pool = nil -- luacheck: ignore
      collectgarbage()
      last:backward { retain_graph = true }
      local first = calls
      collectgarbage()
      last:backward()
      assert.are.equal(2, expected)
      assert.are.equal(2 * first, calls)
      handle:remove()
    end
    collectgarbage "incremental"
    assert.are.equal(before, settle())
  end)
end)
