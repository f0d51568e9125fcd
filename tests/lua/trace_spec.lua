-- nn.trace: the forward of a class as a model in C. What it gives is compared bit for bit with the class: other inputs, other
-- batch sizes, both modes, gradients; in a fresh process without the class, and in C.
local luron = require "luron"
local core = require "luron.core"
local nn = luron.nn
local build = os.getenv "LURON_TEST_BUILD"

local function interpreter()
  local i = 0
  while arg and arg[i - 1] do i = i - 1 end
  return arg and i < 0 and arg[i] or "lua5.4"
end

local function same(a, b, what)
  assert.are.equal(tostring(b:shape()), tostring(a:shape()), what)
  assert.are.equal(b:dtype(), a:dtype(), what)
  assert.is_true(a:tobytes() == b:tobytes(), (what or "") .. " other bits")
end

-- ---- modules ---------------------------------------------------------------------------------------------------------
local Residual = nn.class "TraceResidual"
function Residual:init(n) self.a, self.b = nn.Linear(n, n), nn.Linear(n, n) end
function Residual:forward(x) return x + self.b(nn.relu(self.a(x))) end

local TwoInputs = nn.class "TraceTwoInputs"
function TwoInputs:init()
  self.left, self.right = nn.Sequential { nn.Linear(3, 4), nn.Tanh() }, { nn.Linear(5, 4), nn.Dropout(0.5) }
  self.gain = luron.ones(4, { requires_grad = true })
end
function TwoInputs:forward(x, y)
  local l, r = self.left(x), self.right[2](self.right[1](y))
  return luron.cat({ l * self.gain, r }, 2), luron.maximum(l, r):sum(2), x
end

local Attention = nn.class "TraceAttention"
function Attention:init(d, heads)
  self.heads, self.q, self.k, self.v, self.out = heads, nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
  self.hidden = luron.tril(luron.ones(5, 5)):eq(0)
end
function Attention:split(x) return x:reshape(x:size(1), x:size(2), self.heads, -1):transpose(2, 3) end
function Attention:forward(x)
  local q, k, v = self:split(self.q(x)), self:split(self.k(x)), self:split(self.v(x))
  local score = q:matmul(k:transpose(3, 4)) / math.sqrt(q:size(4))
  local weights = score:masked_fill(self.hidden, -math.huge):softmax(4)
  return self.out(weights:matmul(v):transpose(2, 3):reshape(x:size(1), x:size(2), -1))
end

local Recurrent = nn.class "TraceRecurrent"
function Recurrent:init(n, h) self.h, self.cell, self.out = h, nn.Linear(n + h, h), nn.Linear(h, 2) end
function Recurrent:forward(x)
  local h, all = luron.zeros(x:size(1), self.h), {}
  for t = 1, x:size(2) do
    h = self.cell(luron.cat({ x:select(2, t), h }, 2)):tanh()
    all[t] = self.out(h)
  end
  return luron.stack(all, 2), h
end

local Buffers = nn.class "TraceBuffers"
function Buffers:init()
  self.inner = Residual(3)
  self:buffer("mean", luron.tensor { 1.5, -2, 0.25 })
  self.inner:buffer("shift", luron.tensor { 1.0, 2, 3 })
  self.constant = luron.tensor { 3.0, 2, 1 }
end
function Buffers:forward(x)
  local centred = (x - self.mean) / x:size(1)
  return self.inner(centred) * self.constant + self.inner.shift, self.inner(x):clamp(nil, 0.5)
end

local Tied = nn.class "TraceTied"
function Tied:init() self.zed, self.embed = nn.Linear(4, 6, false), luron.randn(6, 4, { requires_grad = true }) end
function Tied:forward(ids)
  local x = self.embed:index_select(1, ids:reshape(-1)):reshape(ids:size(1), ids:size(2), 4)
  local places = self.zed.weight:index_select(1, luron.arange(ids:size(2)))
  local known = ids:ne(1):float():unsqueeze(3)
  local logits = self.zed((x + places) * known)
  local best = logits:argmax(3)
  return logits, best, best:eq(2), self.zed.weight:index_select(1, best:reshape(-1))
end

local Sparse = nn.class "TraceSparse"
function Sparse:init()
  self.a = luron.sparse.coo({ 1, 1, 2, 4, 4 }, { 2, 3, 1, 1, 4 }, nil, { 4, 5 })
  self.values = luron.randn(5, { requires_grad = true })
end
function Sparse:forward(x, y)
  local a = self.a:with_values(self.values)
  local wide = a:matmul(x:t()) -- (4, n)
  return self.a:matmul(x:t()):t(), wide:t(), a:t():matmul(y:t()):t(), a:sample(wide, x:t()), a:matmul(x:sum(1))
end

local cases = {
  { "a residual block", function() return Residual(4) end, function(n) return luron.randn(n, 4) end },
  { "two inputs, three outputs", TwoInputs, function(n) return luron.randn(n, 3), luron.randn(n, 5) end, random = true },
  { "attention by hand", function() return Attention(8, 2) end, function(n) return luron.randn(n, 5, 8) end },
  { "an unrolled recurrence", function() return Recurrent(3, 4) end, function(n) return luron.randn(n, 4, 3) end },
  { "buffers, constants, a layer applied twice", Buffers, function(n) return luron.randn(n, 3) end },
  { "products of sparse matrices", Sparse, function(n) return luron.randn(n, 5), luron.randn(n, 4) end },
  { "ids and the weight of a layer", Tied, function(n) return luron.randint(1, 6, n, 5) end, ids = true },
}

local function results(f, ...) return table.pack(f(...)) end

local function compare(model, module, ...)
  local got, expected = results(model, ...), results(module, ...)
  assert.are.equal(expected.n, got.n)
  for i = 1, got.n do same(got[i], expected[i], "result " .. i) end
end

-- ---- the same as the class ---------------------------------------------------------------------------------------------
describe("nn.trace", function()
  for _, case in ipairs(cases) do
    local name, make, draw = case[1], case[2], case[3]

    it("gives what the class gives: " .. name, function()
      luron.seed(3)
      local module = make()
      local model = nn.trace(module, draw(2))
      assert.is_true(model:is_training())
      for n = 1, 6 do
        local x = { draw(n) }
        local _, position = luron.random_state()
        local got = results(model, table.unpack(x))
        luron.set_random_state(3, position)
        local expected = results(module, table.unpack(x))
        for i = 1, got.n do same(got[i], expected[i], "training, " .. i) end
      end
      module:eval()
      for _, n in ipairs { 1, 3, 7 } do compare(model, module, draw(n)) end
    end)

    it("has the same gradients and parameters: " .. name, function()
      luron.seed(4)
      local module = make()
      local x = { draw(3) }
      local model = nn.trace(module, draw(2))
      local grads = {}
      for k, f in ipairs { model, module } do
        luron.seed(9)
        local loss = 0
        for _, y in ipairs(results(f, table.unpack(x))) do
          if y:requires_grad() then loss = loss + (y * luron.arange(y:numel()):reshape(y:shape()):to(y:dtype())):sum() end
        end
        loss:backward()
        grads[k] = {}
        for path, p in module:named_parameters() do grads[k][path] = p:grad() p:zero_grad() end
      end
      local n = 0
      for path, g in pairs(grads[2]) do
        n = n + 1
        same(grads[1][path], g, path)
      end
      assert.is_true(n > 0)
      local own = {}
      for path, p in module:named_parameters() do own[path] = p:id() end
      for path, p in model:named_parameters() do assert.are.equal(own[path], p:id(), path) end
    end)

    it("is saved, loaded without the class and served from C: " .. name, function()
      luron.seed(5)
      local module = make():eval()
      local model, x = nn.trace(module, draw(2)), { draw(4) }
      local expected = results(module, table.unpack(x))
      local path = os.tmpname()
      local handle = core.checkpoint_new()
      handle:set_model(model)
      for i, t in ipairs(x) do handle:set_tensor("preprocessing/in" .. i, case.ids and t - 1 or t) end
      for i, t in ipairs(expected) do handle:set_tensor("preprocessing/out" .. i, t:dtype() == "int64" and t - 1 or t:contiguous()) end
      handle:write(path, nil, false, true)
      local loaded = assert(luron.load(path)):eval()
      compare(loaded, module, table.unpack(x))
      local script = string.format([[local luron = require "luron"
        local model, c = assert(luron.load %q) model:eval()
        local base, x = %d, {}
        while c:tensor("preprocessing/in" .. #x + 1) do x[#x + 1] = c:tensor("preprocessing/in" .. #x + 1) + base end
        for i, y in ipairs { model(table.unpack(x)) } do
          local expected = c:tensor("preprocessing/out" .. i)
          if y:dtype() == "int64" then y = y - 1 end
          assert(y:tobytes() == expected:tobytes(), "output " .. i)
        end]], path, case.ids and 1 or 0)
      local file = assert(io.open(path .. ".lua", "w"))
      file:write(script)
      file:close()
      assert.is_true((os.execute(interpreter() .. " " .. path .. ".lua")))
      assert.is_true((os.execute(string.format("LURON_PLUGIN_PATH=%s/lib/luron/plugins %s/tests/test_tracer %s", build, build, path))))
      os.remove(path .. ".lua")
      os.remove(path)
    end)
  end

  it("names layers by their paths, and is what it says", function()
    local module = Buffers()
    local model = nn.trace(module, luron.randn(2, 3))
    local paths = {}
    for path in model:named_layers() do paths[#paths + 1] = path end
    assert.are.same({ "inner.a", "inner.b", "relu1" }, paths)
    local states = {}
    for path in model:named_states() do states[path] = true end
    assert.are.same({ mean = true, ["inner/shift"] = true, constant1 = true }, states)
    module.mean:fill_(7)
    compare(model, module, luron.randn(3, 3))
    assert.matches("reshape%s+%(op%)%s+%(7, 5, 2, 4%)", nn.trace(Attention(8, 2), luron.randn(2, 5, 8)):summary { 7, 5, 8 })
    local copy = model:clone()
    module.mean:fill_(0)
    assert.is_false(copy(luron.ones(1, 3)):tobytes() == model(luron.ones(1, 3)):tobytes())
    local whole = nn.Sequential { { "body", nn.trace(Residual(3), luron.randn(2, 3)) }, nn.Linear(3, 1) }
    assert.is_not_nil(whole:layer "body.a")
    same(assert(luron.model_from_json(model:json())):to "float64"(luron.ones(2, 3):double()):to "float32" * 0, luron.zeros(2, 3))
  end)

  it("knows in a summary which inputs are ids", function()
    local Rows = nn.class "TraceRows"
    function Rows:init() self.rows = luron.randn(9, 4, { requires_grad = true }) end
    function Rows:forward(ids, x) return self.rows:index_select(1, ids:reshape(-1)) + x end
    local model = nn.trace(Rows(), luron.tensor { { 1, 2 }, { 3, 4 } }, luron.randn(4), { batch = { true, false } })
    assert.matches("index_select%s+%(op%)%s+%(4, 4%)", model:summary({ 2, 2 }, { 4 }))
    local x, target = nn.Input(), nn.Input()
    local graph = nn.Graph { inputs = { x, target }, outputs = { nn.CrossEntropyLoss()(nn.Linear(4, 3)(x), target) } }
    assert.matches("cross_entropy_loss1", graph:summary({ 5, 4 }, { 5 }))
  end)

  it("leaves modes and the random state as they were", function()
    local module = TwoInputs()
    module.right[2]:eval()
    local seed, position = luron.random_state()
    nn.trace(module, luron.zeros(2, 3), luron.zeros(2, 5))
    assert.are.same({ seed, position }, { luron.random_state() })
    assert.is_true(module:is_training() and module.left:is_training() and module.right[1]:is_training())
    assert.is_false(module.right[2]:is_training())
    module:eval()
    assert.is_false(nn.trace(module, luron.zeros(2, 3), luron.zeros(2, 5)):is_training())
  end)

  it("knows which inputs have a batch", function()
    local C = nn.class "TraceBatches"
    function C.forward(_, x, table_) return x:matmul(table_) / x:size(1) end
    local weights = luron.randn(4, 3)
    assert.error_matches(function() nn.trace(C(), luron.randn(2, 4), weights) end, "bad argument #3 to 'trace' %(example: 4 rows, input 1 has 2; { batch")
    local model = nn.trace(C(), luron.randn(2, 4), weights, { batch = { true, false } })
    compare(model, C(), luron.randn(5, 4), weights)
    local fixed = nn.trace(C(), luron.randn(2, 4), weights, { batch = false })
    local x = luron.randn(5, 4)
    same(fixed(x, weights), x:matmul(weights) / 2)
  end)

  it("lets no gradient through what forward made without", function()
    local C = nn.class "TraceNoGrad"
    function C:init() self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3) end
    function C:forward(x)
      local fixed = luron.no_grad(function() return self.a(x) * 2 end)
      return self.b(x) * fixed + self.a(x):detach()
    end
    local module = C()
    local model = nn.trace(module, luron.randn(2, 3))
    model(luron.randn(4, 3)):sum():backward()
    assert.is_nil(module.a.weight:grad())
    assert.is_not_nil(module.b.weight:grad())
  end)

  it("takes inputs with other strides", function()
    local module = Recurrent(3, 4)
    local model = nn.trace(module, luron.randn(2, 4, 3))
    compare(model, module, luron.randn(4, 5, 3):transpose(1, 2))
    local flat = nn.class "TraceFlat"
    function flat.forward(_, x) return x:reshape(x:size(1), -1) end
    compare(nn.trace(flat(), luron.randn(2, 3, 4)), flat(), luron.randn(3, 4, 5):transpose(1, 3):transpose(2, 3))
  end)
end)

-- ---- what is refused -----------------------------------------------------------------------------------------------------
describe("nn.trace refuses", function()
  local function refused(message, forward, ...)
    local C = nn.class "TraceRefused"
    C.forward = forward
    local ok, text = pcall(nn.trace, C(), ...)
    assert.is_false(ok, message)
    assert.matches(message, text)
    return text
  end
  local x = luron.randn(3, 4)

  it("what depends on the numbers in a tensor, at the line of forward", function()
    local text = refused("trace: forward reads the numbers of a tensor %(item%): what it does would depend on them", function(_, a)
      return a:sum():item() > 0 and a or -a
    end, x)
    assert.matches("^[^:]*trace_spec.lua:%d+: ", text)
    refused("%(totable%)", function(_, a) return a + luron.tensor(a:totable()) end, x)
    refused("%(tobytes%)", function(_, a) return #a:tobytes() > 0 and a end, x)
    refused("%(tostring%)", function(_, a) return #tostring(a) > 0 and a end, x)
    refused("%(%.%.%)", function(_, a) return #(a:sum() .. "") > 0 and a end, x)
    refused("chooses by a mask", function(_, a) return a[a:gt(0)] end, x)
    refused("chooses by a mask", function(_, a) return a:nonzero() end, x)
    refused("%(item%)", function(_, a) pcall(function() return a:sum():item() end) return a end, x) -- even if the program hides it
    local C = nn.class "TraceParameter"
    function C:init() self.inner = nn.Linear(4, 4) end
    function C:forward(a) return a * self.inner.bias:mean():item() end
    assert.error_matches(function() nn.trace(C(), x) end, "%(item%)")
  end)

  it("chance, gradients, changes in place, Lua", function()
    refused("draws random numbers", function(_, a) return a + luron.randn(4) end, x)
    refused("draws random numbers", function(_, a) return a:index_select(1, luron.randperm(3)) end, x)
    refused("applies a Dropout that is no part of the module", function(_, a) return nn.dropout(a) end, x)
    refused("applies a Linear that is no part of the module", function(_, a) return nn.Linear(4, 4)(a) end, x)
    refused("'a number' at .*trace_spec.lua:%d+: it is .* random", function(_, a) return a * math.random() end, x)
    refused("computes gradients", function(_, a) a:sum():backward() return a end, x:clone():requires_grad_())
    refused("changes a tensor in place %(fill%)", function(_, a) local b = a + 1 b[1] = 0 return b end, x)
    refused("changes a tensor in place %(copy%)", function(_, a) a:add_(1) return a end, x)
    local twice = luron.op { name = "twice", forward = function(_, a) return a * 2 end, backward = function(_, g) return g * 2 end }
    refused("applies 'twice', a luron.op", function(_, a) return twice(a) end, x)
    local Hooked = nn.class "TraceHooked"
    function Hooked:init() self.inner = nn.Linear(4, 4) self.inner:register_forward_hook(function() end) end
    function Hooked:forward(a) return self.inner(a) end
    assert.error_matches(function() nn.trace(Hooked(), x) end, "applies a layer with hooks, which no file can hold")
    refused("trace_spec.lua:%d+: trace: forward registers a hook on a tensor", function(_, a)
      local y = a * luron.ones(4):requires_grad_()
      y:register_hook(print)
      return y
    end, x)
    refused("asks for the mode", function(self, a) return self:is_training() and a or -a end, x)
    local ticks = 0
    refused("does not do the same twice: 'a number'", function(_, a) ticks = ticks + 1 return a * ticks end, x, { batch = false })
    refused("takes another way when it runs a second time", function(_, a) ticks = ticks + 1 return ticks % 2 == 0 and a + 1 or a - 1 end, x, { batch = false })
  end)

  it("what depends on the batch size otherwise than as a multiple", function()
    refused("depends on the batch size: 'a number' at .*: it is 0.333333 for a batch of 3 and 0.166667 for one of 6", function(_, a) return a * (1 / a:size(1)) end, x)
    refused("'slice' at .*: count is 2 for a batch of 3 and 5 for one of 6", function(_, a) return a:narrow(1, 2, a:size(1) - 1) end, x)
    refused("takes another way when the batch is larger: first 'sub' at .*, then 'add' at", function(_, a) return a:size(1) > 3 and a + 1 or a - 1 end, x)
    refused("first nothing, then 'a number' at", function(_, a) for _ = 1, a:size(1) do a = a + 1 end return a end, x)
    refused("reshape: %(6, 4%) has 24 elements, %(12,%) has 12", function(_, a) return a:reshape(12) end, x)
    refused("makes another tensor at", function(_, a) return a + luron.linspace(0, 1, a:size(1)):unsqueeze(2) end, x)
  end)

  it("tensors that nobody owns, and what is no tensor", function()
    local w = luron.randn(4, { requires_grad = true })
    refused("needs a gradient and is no part of the module", function(_, a) return a * w end, x)
    local large = luron.randn(600, 600)
    refused("more than 1 MiB has to be named as a buffer", function(_, a) return a + large:sum() end, x)
    refused("forward gives table as result 1", function(_, a) return { a } end, x)
    refused("forward gives nothing", function() end, x)
    refused("bad argument #1 to 'forward' %(shout%)", function() error("bad argument #1 to 'forward' (shout)", 0) end, x)
    assert.is_false(core.is_tracing())
    assert.error_matches(function() nn.trace(nn.Linear(2, 2), x) end, "bad argument #1 to 'trace' %(instance of a class expected")
    assert.error_matches(function() nn.trace(Residual(4)) end, "bad argument #2 to 'trace' %(example: tensor expected, got no value")
    assert.error_matches(function() nn.trace(Residual(4), x, { size = 3 }) end, "no option 'size'; options: batch")
    assert.error_matches(function() nn.trace(Residual(4), luron.zeros(0, 4)) end, "at least one row expected")
  end)
end)

-- ---- beside a class in its file -------------------------------------------------------------------------------------------
describe("module:save { trace = }", function()
  local function fresh(path, code)
    local file = assert(io.open(path .. ".lua", "w"))
    file:write(string.format("local luron = require 'luron' local path = %q\n%s", path, code))
    file:close()
    local pipe = assert(io.popen(interpreter() .. " " .. path .. ".lua 2>&1"))
    local out = pipe:read "a"
    os.remove(path .. ".lua")
    return out, (pipe:close())
  end

  it("gives the class where it is known, and the model where it is not", function()
    local Extra = nn.class "TraceExtra"
    function Extra:init(n)
      self.body, self.idle = Residual(n), nn.Linear(n, n)
      self.twin = nn.Linear(n, n)
      self.body.b.weight = self.twin.weight -- shared with a layer that forward does not apply
    end
    function Extra:forward(a) return self.body(a) + luron.tensor { 0.5, 1, 2 } end
    local module, x, path = Extra(3), luron.randn(2, 3), os.tmpname()
    module:save(path, { trace = x, epoch = 4 })
    local again, checkpoint = luron.load(path)
    assert.are.equal("TraceExtra", getmetatable(again).__name)
    assert.are.equal(4, checkpoint.epoch)
    same(again(x), module(x))
    local other = Extra(3)
    assert(other:restore(path))
    same(other(x), module(x))
    local out, ok = fresh(path, [[local model, c = assert(luron.load(path))
      assert(luron.is_model(model) and c.epoch == 4)
      local x = luron.arange(3):float():reshape(1, 3)
      for _, v in ipairs(model(x):flatten():totable()) do io.write(string.format("%.9g ", v)) end]])
    assert.is_true(ok, out)
    local expected = {}
    for i, v in ipairs(module(luron.arange(3):float():reshape(1, 3)):flatten():totable()) do expected[i] = string.format("%.9g ", v) end
    assert.are.equal(table.concat(expected), out)
    local Less = nn.class("TraceExtra") -- the same name, and fewer parameters
    function Less:init(n) self.inner = nn.Linear(n, n) end
    function Less:forward(a) return self.inner(a) end
    local _, message, code = luron.load(path)
    assert.are.equal("MISMATCH", code)
    assert.matches("body.a/bias is in the file alone", message)
    nn.trace(module, x):save(path)
    _, message = Less(3):restore(path)
    assert.matches("body.a/bias is in the file alone", message) -- a graph alone
    module:save(path, { trace = nn.trace(module, x) })
    module:save(path, { trace = { x, batch = false } })
    module:save(path)
    assert.matches("holds a 'TraceExtra', a class in Lua: require the file", (fresh(path, "print(select(2, luron.load(path)))")))
    assert.error_matches(function() module:save(path, { trace = nn.trace(Extra(3), x) }) end, "is no parameter of this instance")
    assert.error_matches(function() module:save(path, { trace = { x, x, { batch = true } } }) end, "trace: batch stands beside the examples")
    assert.error_matches(function() module:save(path, { trace = 3 }) end, "trace: model of nn.trace, example or list of examples expected, got 3")
    os.remove(path)
  end)
end)
