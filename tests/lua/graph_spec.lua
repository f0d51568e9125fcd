-- Methods of tensors on the nodes of nn.Graph: what the model gives is compared bit for bit with the same on tensors, for two
-- batch sizes, with gradients, and from a file; and what is refused, with the words that tensors have for it.
local luron = require "luron"
local core = require "luron.core"
local nn = luron.nn
local build = os.getenv "LURON_TEST_BUILD"

local function same(a, b, what)
  assert.are.equal(table.concat(b:shape(), " "), table.concat(a:shape(), " "), what)
  assert.are.equal(b:dtype(), a:dtype(), what)
  assert.is_true(a:tobytes() == b:tobytes(), (what or "") .. " other bits")
end

local function results(f, ...) return table.pack(f(...)) end

local function compare(model, f, what, ...)
  local got, expected = results(model, ...), results(f, ...)
  assert.are.equal(expected.n, got.n, what)
  for i = 1, got.n do same(got[i], expected[i], what .. ", result " .. i) end
end

local function graph_of(f, n)
  local ins = {}
  for i = 1, n do ins[i] = nn.Input() end
  return nn.Graph { inputs = ins, outputs = { f(table.unpack(ins)) } }
end

local mask = luron.tensor { { true, false, true, true }, { false, false, true, false }, { true, true, false, true } }
local w = luron.randn(4, 2)
local ids = luron.tensor { { 1, 3, 2, 1 } }

-- Of x (n, 3, 4) in 0.1 to 2.1, which has its numbers in no order; several calls a method, with what they need.
local calls = {
  clamp = { { 0.5, 1 }, { nil, 1, n = 2 }, { 0.5 } }, scale = { { 2 }, { -1.5, 3 } }, to = { { "float64" }, { "int32" } },
  where = { call = function(x) return luron.where(x:gt(1), x, 0.5), x:lt(1):where(2, x) end },
  isclose = { { 1, { atol = 0.5 } }, { w:t():sum(1), { rtol = 1, equal_nan = true } } },
  matmul = { { w }, call = function(x) return w:t():matmul(x:transpose(2, 3)), luron.matmul(x, w) end },
  outer = { call = function(x) return x:select(1, 1):select(1, 1):outer(w:select(2, 1)) end },
  mm = { call = function(x) return x:select(1, 1):mm(w) end }, mv = { call = function(x) return x:select(1, 1):mv(w:select(2, 1)) end },
  bmm = { call = function(x) return x:bmm(x:transpose(2, 3)) end },
  lerp = { { luron.ones(3, 4), 0.25 }, { luron.ones(3, 4), 0.75 }, { 3.0 * luron.ones(4), luron.tensor { 0.1, 0.9, 0.5, -2 } } },
  dot = { call = function(x) return x:select(1, 1):select(1, 1):dot(w:select(2, 1)) end },
  norm = { {}, { 1, 2 }, { math.huge, { 1, -1 }, true } }, quantile = { { 0.3 }, { 0.3, nil, true, n = 3 }, { 0.5, 2 }, { 0.9, -1, true } },
  var = { {}, { 1, true }, { { 2, -1 }, false, 0 } }, std = { {}, { -1, true }, { { 2, 3 }, false, 0 } },
  argmax = { {}, { nil, true, n = 2 }, { 2 }, { -1, true } }, argmin = { {}, { 2 }, { -1, true } },
  max = { {}, { 2 }, { -1, true } }, min = { {}, { 2 }, { -1, true } }, median = { {}, { nil, true, n = 2 }, { 2 }, { -1, true } },
  mode = { {}, { 2 }, { -1, true } }, kthvalue = { { 2 }, { 1, 2 }, { 3, -1, true } },
  diff = { {}, { 2 }, { 1, 2 } }, sort = { {}, { 2, true } }, argsort = { {}, { 2, true } }, topk = { { 2 }, { 3, 2, false }, { 0 } },
  reshape = { { -1 }, { { -1, 4 } }, { -1, 3, 2, 2 } }, view = { { -1, 2 } }, expand = { { 2, -1, -1, -1 } }, broadcast_to = { { { 2, -1, 3, 4 } } },
  sum_to = { { 3, 4 }, { { 1, 4 } }, {} }, tile = { { 2 }, { 2, 1, 2 } }, permute = { { 3, 1, 2 }, { { -1, 1, 2 } } },
  flip = { {}, { 2 }, { 1, -1 }, { { 3, 2 } } }, transpose = { { 1, 2 }, { -1, -2 } }, swapdims = { { 1, 3 } },
  t = { call = function(x) return x:select(1, 1):t(), x:select(1, 1):select(1, 1):t() end },
  movedim = { { 1, -1 }, { { 1, 2 }, { 3, 1 } } }, flatten = { {}, { 2 }, { 1, 2 }, { -2, -1 } },
  unflatten = { { 3, 2, 2 }, { -1, -1, 2 }, { 2, { 3, 1 } } }, unsqueeze = { { 1 }, { -1 } },
  squeeze = { call = function(x) return x:unsqueeze(2):squeeze(), x:unsqueeze(2):squeeze(2), x:squeeze(-1) end },
  narrow = { { 2, 1, 2 }, { -1, -3, 2 } }, select = { { 2, 3 }, { -1, -4 } }, roll = { { 1, 2 }, { -3, -1 } },
  pad = { { { { 1, 0 }, { 0, 2 } } }, { { { 1, 1 } }, -1.5 }, { {} } }, tril = { {}, { -1 } }, triu = { {}, { 1 } },
  diagonal = { {}, { 1, 2, 3 }, { -1, -1, -2 } }, diag = { call = function(x) return x:select(1, 1):diag(1), x:select(1, 1):select(1, 1):diag(-1) end },
  trace = { {} }, repeat_interleave = { { 2 }, { 3, 2 }, { 0, -1 } },
  masked_fill = { { mask, 7 }, { mask, true }, call = function(x) return x:masked_fill(x:gt(1), 0) end },
  masked_scatter = { { mask, luron.arange(200):float() } },
  index_select = { { 2, { 3, 1, 1 } }, { -1, luron.tensor { 4 } },
    call = function(x) return x:index_select(2, x:argmax(2):flatten()), w:index_select(1, x:argmax(3):flatten()) end },
  gather = { { 2, { { { 3, 1, 2, 2 } } } }, call = function(x) return x:gather(3, x:argsort()) end },
  scatter_add = { { 2, { { { 3, 1, 2, 2 } } }, luron.ones(1, 1, 4) } }, scatter = { { 2, { { { 3, 1, 2, 2 } } }, luron.ones(1, 1, 4) }, { -1, { { { 1, 3 } } }, 5 } },
  index_add = { { 3, { 1, 1 }, luron.ones(2, 3, 2) }, batch = false }, index_copy = { { 3, { 4, 2 }, luron.ones(2, 3, 2) }, batch = false },
  index_fill = { { 3, { 4, 2 }, 9 }, { 2, luron.tensor { 1 }, true } },
  scatter_reduce = { call = function(x)
    local list = {}
    for _, how in ipairs { "sum", "prod", "mean", "amax", "amin" } do
      list[#list + 1] = x:scatter_reduce(2, ids:unsqueeze(1), luron.full(0.7, 1, 1, 4), how)
      list[#list + 1] = x:scatter_reduce(-2, ids:unsqueeze(1), luron.full(0.7, 1, 1, 4), how, false)
    end
    return table.unpack(list)
  end },
  take = { { { 1, 5, 12 } }, { ids } }, one_hot = { call = function(x) return x:argmax(2):one_hot(3), x:argmax(3):one_hot(5, { dtype = "float64" }) end },
  segment_sum = { call = function(x) return x:permute(2, 1, 3):segment_sum({ 1, 3, 1 }, 3) end },
  segment_mean = { call = function(x) return x:permute(2, 1, 3):segment_mean({ 1, 3, 1 }, 3) end },
  segment_max = { call = function(x) return x:permute(2, 1, 3):segment_max({ 1, 3, 1 }, 3) end },
  segment_min = { call = function(x) return x:permute(2, 1, 3):segment_min({ 1, 3, 1 }, 3) end },
  searchsorted = { call = function(x) return x:sort():searchsorted(x, true), luron.tensor({ 0.5, 1, 1.5 }):searchsorted(x), x:flatten():sort():searchsorted(1) end },
  bucketize = { { { 0.5, 1, 1.5 } }, { luron.tensor { 1 }, true } },
  acosh = { call = function(x) return (x + 1):acosh() end },
  logical_not = { call = function(x) return x:gt(1):logical_not(), ~x:gt(1) end },
}
local over, along, none, two = { {}, { 2 }, { { 1, -1 }, true }, { -2 } }, { { 2 }, { -1 } }, { {} }, { { 0.75 }, { w:t():sum(1) } }
for _, name in ipairs { "sum", "mean", "prod", "amax", "amin", "any", "all", "logsumexp", "sum_squares" } do calls[name] = over end
for _, name in ipairs { "softmax", "log_softmax", "cumsum", "cumprod", "logcumsumexp", "cummax", "cummin" } do calls[name] = along end
for _, name in ipairs { "float", "double", "long", "int", "byte", "bool", "isfinite", "isinf", "isnan", "contiguous", "detach", "clone" } do calls[name] = none end

-- What a node has not, and why.
local reasons = {
  ["in place"] = "add_ sub_ mul_ div_ fill_ zero_ copy_ uniform_ normal_ bernoulli_",
  ["of the tensor, not of its numbers"] = "shape size dim numel dtype is_floating strides is_contiguous is_shared is_same id version close",
  ["gives numbers"] = "item totable tobytes allclose",
  ["gradients"] = "backward grad retain_grad set_grad zero_grad requires_grad requires_grad_ is_leaf register_hook",
  ["its shape depends on numbers"] = "masked_select nonzero unique bincount",
  ["as many results as the dim has positions"] = "split chunk unbind",
  ["takes a list of ids"] = "index_put", ["draws outside of layers"] = "multinomial",
}

local function inputs(n)
  luron.seed(n)
  return luron.rand(n, 3, 4) * 2 + 0.1
end

-- Every result of every call of a method.
local function formula(name, case, x)
  local list = {}
  local function add(...)
    for _, y in ipairs { ... } do list[#list + 1] = y end
  end
  for _, arguments in ipairs(case) do add(x[name](x, table.unpack(arguments, 1, arguments.n or #arguments))) end
  if case.call then add(case.call(x)) end
  return table.unpack(list)
end

describe("a graph node", function()
  local names, absent = {}, {}
  for _, list in pairs(reasons) do
    for name in list:gmatch "%S+" do absent[name] = true end
  end
  for name in pairs(core.methods.tensor) do names[#names + 1] = name end
  table.sort(names)

  it("has the methods of tensors that a graph can have", function()
    local node = nn.Input()
    for _, name in ipairs(names) do
      local has = pcall(function() return node[name] end)
      assert.are.equal(not absent[name], has, name)
    end
    assert.is_true(#names > 150, #names .. " methods")
  end)

  for _, name in ipairs(names) do
    if not absent[name] then
      it("does what a tensor does: " .. name, function()
        local case = calls[name] or (pcall(core[name], luron.ones(1)) and none or two)
        local function f(x) return formula(name, case, x) end
        local model = graph_of(f, 1)
        local sizes = case.batch == false and { 2 } or { 2, 5 }
        for _, n in ipairs(sizes) do compare(model, f, name .. " of " .. n, inputs(n)) end
        if name ~= "logical_not" then compare(model, f, name .. " of integers", (inputs(2) * 3):long():to "int32":float()) end
        local shapes = model:summary { 2, 3, 4 }
        for i, y in ipairs { f(inputs(2)) } do
          local text = #y:shape() == 1 and string.format("(%d,)", y:size(1)) or "(" .. table.concat(y:shape(), ", ") .. ")"
          assert.is_truthy(shapes:find(text, 1, true), string.format("%s, result %d: no %s in\n%s", name, i, text, shapes))
        end
        local path = os.tmpname()
        model:save(path)
        local again = assert(luron.load(path))
        os.remove(path)
        compare(again, model, name .. " from a file", inputs(sizes[#sizes]))
        assert.are.equal(model:json(), again:json())
        compare(model:clone(), f, name .. " of a copy", inputs(2))
      end)

      it("lets gradients through as a tensor does: " .. name, function()
        local case = calls[name] or (pcall(core[name], luron.ones(1)) and none or two)
        local grads = {}
        for k, f in ipairs { graph_of(function(x) return formula(name, case, x) end, 1), function(x) return formula(name, case, x) end } do
          local x, loss = (inputs(2) * 0.4):requires_grad_(), 0 -- below 1, where asin ends
          for _, y in ipairs { f(x) } do
            if y:requires_grad() then loss = loss + (y * luron.arange(y:numel()):reshape(y:shape()):to(y:dtype())):sum() end
          end
          if loss ~= 0 then loss:backward() end
          grads[k] = x:grad() or luron.zeros(1)
        end
        same(grads[1], grads[2], name)
      end)
    end
  end
end)

-- ---- together --------------------------------------------------------------------------------------------------------
local function interpreter()
  local i = 0
  while arg and arg[i - 1] do i = i - 1 end
  return arg and i < 0 and arg[i] or "lua5.4"
end

describe("a graph of nodes", function()
  it("takes part in arithmetic", function()
    local l1, l2 = nn.Linear(4, 4), nn.Linear(4, 4)
    local gain = luron.randn(4, { requires_grad = true })
    local function f(p, q)
      local h = nn.relu(l1(p))
      local y = (h + l2(h)) * gain / 2 - q:tanh() + luron.cat({ p:narrow(2, 1, 2), q:narrow(2, -2, 2) }, 2)
      y = y:reshape(-1, 2, 2):permute(1, 3, 2):sum({ 2 }, true):softmax(3) ^ 2
      return y, 1 - y:mean(), p:gt(q):where(p, -q), luron.stack({ p:select(2, -1), q:amax(2) }, -1), (p:gt(0) & q:gt(0)) | ~p:lt(q)
    end
    local a, b = nn.Input "a", nn.Input "b"
    local model = nn.Graph { inputs = { a, b }, outputs = { f(a, b) }, names = { gain = gain, first = l1 } }
    local x, y = luron.randn(3, 4), luron.randn(3, 4)
    compare(model, f, "arithmetic", x, y)
    local names = {}
    for name in model:named_parameters() do names[#names + 1] = name end
    assert.are.same({ "first/weight", "first/bias", "linear1/weight", "linear1/bias", "gain" }, names)
    local path = os.tmpname()
    model:save(path)
    compare(assert(luron.load(path)), model, "from a file", x, y)
    os.remove(path)
  end)

  it("stands on either side of tensors and numbers, in functions and methods", function()
    local t = luron.randn(4)
    local function f(x)
      return t * x, 2 - x, t:maximum(x), luron.maximum(1, x), luron.where(x:gt(0), t, 0), t:gt(x) & x:gt(0), luron.sum(x, -1), luron.exp(x),
        luron.flatten(x, 1, -1), luron.topk(x, 2), t:masked_fill(x:gt(0):any(1), 3), t:reshape(1, 4):gather(2, x:argsort():narrow(1, 1, 1))
    end
    local model = graph_of(f, 1)
    for _, n in ipairs { 1, 6 } do compare(model, f, "either side", luron.randn(n, 4)) end
  end)

  it("has the layers without parameters as functions and methods", function()
    local function f(x, y)
      return x:relu(), nn.gelu(x), x:softplus { beta = 2 }, nn.leaky_relu(x, { negative_slope = 0.5 }), nn.mse_loss(x, y, { reduction = "sum" }),
        nn.mse_loss(x, { target = y, reduction = "none" })
    end
    local model = graph_of(f, 2)
    compare(model, f, "functions", luron.randn(3, 4), luron.randn(3, 4))
    assert.matches("relu1 +ReLU", model:summary())
    local a = nn.Input()
    assert.error_matches(function() return a:softplus { slope = 2 } end, "no option 'slope'")
  end)

  it("is run from C, and counts ids from 0 there", function()
    local a = nn.Input()
    local h = nn.Linear(4, 6)(a):relu()
    local table_ = luron.randn(6, 3)
    local model = nn.Graph { inputs = a, outputs = { h:std(-1), h:topk(2), table_:index_select(1, h:argmax(2)), h:index_select(2, { 6, 1 }):flatten() } }
    local x, path = luron.randn(5, 4), os.tmpname()
    local handle = core.checkpoint_new()
    handle:set_model(model:eval())
    handle:set_tensor("preprocessing/in1", x)
    for i, y in ipairs { model(x) } do handle:set_tensor("preprocessing/out" .. i, y:dtype() == "int64" and y - 1 or y) end
    handle:write(path, nil, false, true)
    assert.is_true((os.execute(string.format("LURON_PLUGIN_PATH=%s/lib/luron/plugins %s/tests/test_tracer %s", build, build, path))))
    local code = string.format([[local luron = require 'luron' local m, c = assert(luron.load %q)
      assert(m:eval()(c:tensor 'preprocessing/in1'):tobytes() == c:tensor 'preprocessing/out1':tobytes())]], path)
    assert.is_true((os.execute(interpreter() .. ' -e "' .. code:gsub('"', '\\"') .. '"')))
    os.remove(path)
  end)

  it("is part of a class that is traced", function()
    local C = nn.class "GraphTraced"
    function C:init()
      local a = nn.Input()
      self.body = nn.Graph { inputs = a, outputs = nn.Linear(4, 4)(a):norm(2, -1, true):transpose(1, 2) }
    end
    function C:forward(x) return self.body(x) * 2 end
    local module = C()
    local model = nn.trace(module, luron.randn(2, 4))
    for _, n in ipairs { 1, 5 } do compare(model, module, "traced", luron.randn(n, 4)) end
    assert.is_nil(model:json():find '"norm"') -- the ops that it is made of
  end)
end)

-- ---- refusals ----------------------------------------------------------------------------------------------------------
describe("a graph node refuses", function()
  local x, a = luron.randn(3, 4), nn.Input()

  -- The words, and the place, of the same call on a tensor.
  local function alike(method, ...)
    local arguments = table.pack(...)
    local function message(of)
      local ok, text = pcall(function() return of[method](of, table.unpack(arguments, 1, arguments.n)) end)
      assert.is_false(ok, method)
      return text
    end
    assert.are.equal(message(x), message(a))
    assert.matches("^[^:]*graph_spec.lua:%d+: ", message(a))
  end

  it("wrong arguments with the words of tensors", function()
    alike("sum", 0)
    alike("sum", "x")
    alike("sum", {})
    alike("sum", { 1, 1 })
    alike("sum", { 1, 2, 3, 4, 5, 6, 7, 8, 9 })
    alike("sum", 1, "yes")
    alike("mean", 12)
    alike("var", 1, true, "x")
    alike "softmax"
    alike("softmax", 0)
    alike("transpose", 1)
    alike("transpose", 1, 0)
    alike("reshape", 1.5)
    alike("reshape", -2)
    alike("reshape", { 1, "x" })
    alike("permute", 1, "x")
    alike("flip", 0)
    alike("movedim", 1)
    alike("movedim", { 1, 2 }, 1)
    alike("narrow", 1, 0, 1)
    alike("narrow", 1, 1, -1)
    alike("select", 1, 0)
    alike("select", 1, "x")
    alike("flatten", 0)
    alike("unflatten", 0, 2)
    alike("clamp", "x")
    alike "scale"
    alike("to", "int3")
    alike("add", "x")
    alike("where", 1)
    alike "matmul"
    alike("matmul", 3)
    alike("topk", -1)
    alike("topk", 2, 1, 1)
    alike("sort", 0)
    alike("kthvalue", 0)
    alike("roll", "x", 1)
    alike("pad", 1)
    alike("pad", { { 1 } })
    alike("pad", { { 1, -1 } })
    alike("tril", "x")
    alike("quantile", "x")
    alike("norm", "x")
    alike("one_hot", 0)
    alike("one_hot", 2, { dtyp = 1 })
    alike("one_hot", 2, { dtype = "int3" })
    alike("gather", 1)
    alike("index_select", 1, "x")
    alike("index_fill", 1, { 1 }, "x")
    alike("masked_fill", 3, 1)
    alike("scatter_reduce", 1, { { 1 } }, luron.ones(1, 1), "middle")
    alike("segment_sum", { 1 }, -1)
    alike("isclose", "x")
    alike("isclose", 1, { rtol = "x" })
    alike("bucketize", 3)
    alike("searchsorted", 1, "x")
    assert.error_matches(function() return a + "x" end, "bad argument #2 to 'add' %(b: tensor or number expected, got 'x'%)")
    assert.error_matches(function() return luron.cat({ a, 3 }, 1) end, "tensors: tensor expected at %[2%], got 3")
    assert.error_matches(function() return luron.cat({ a, a }, 0) end, "dim: dims count from 1")
  end)

  it("what no graph can hold", function()
    for _, list in pairs(reasons) do
      for name in list:gmatch "%S+" do
        local _, text = pcall(function() return a[name] end)
        assert.matches("^[^:]*graph_spec.lua:%d+: a graph node has no '" .. name .. "'", text)
      end
    end
    assert.error_matches(function() return a[1] end, "a graph node takes no %[ %]: use narrow")
    assert.error_matches(function() return a .. "x" end, "'%.%.' joins strings")
    assert.matches("^graph node of add$", tostring(a + 1))
    assert.matches("^graph node of transpose$", tostring(a:transpose(1, 2)))
  end)

  it("when it runs, what does not fit the shapes, with the words of tensors", function()
    local of_their_own = { topk = "^argsort: 9 are wanted of 4", narrow = "^narrow: 9 positions from 2", select = "^select: position 7" }
    local all = { { "sum", 3 }, { "sum", { 2, -1 } }, { "transpose", 1, 3 }, { "narrow", 1, 2, 9 }, { "flatten", 2, 1 }, { "unflatten", 1, 2, 2 },
      { "reshape", 5 }, { "std", -3 }, { "permute", 1, 1 }, { "softmax", 4 }, { "gather", 1, { { 9 } } }, { "diag", 1 }, { "topk", 9 }, { "select", 1, 7 } }
    for _, call in ipairs(all) do
      local y = call[1] == "diag" and luron.randn(1, 2, 3) or x
      local model = nn.Graph { inputs = a, outputs = (a[call[1]](a, table.unpack(call, 2))) }
      local ok, text = pcall(function() return (model(y)) end)
      local _, expected = pcall(function() return (y[call[1]](y, table.unpack(call, 2))) end)
      assert.is_false(ok, call[1])
      local bare = text:match "^[^:]*graph_spec.lua:%d+: (.*)"
      assert.is_string(bare, call[1])
      if of_their_own[call[1]] then
        assert.matches(of_their_own[call[1]], bare)
      else
        assert.are.equal(expected:match "^[^:]*graph_spec.lua:%d+: (.*)", bare)
      end
    end
  end)
end)
