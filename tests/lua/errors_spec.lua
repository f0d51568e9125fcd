-- What goes wrong is said at the line of the caller: which argument, what came, what was expected. And whatever is given
-- to whatever function, the worst that happens is a Lua error.
local luron = require "luron"
local core = require "luron.core"
local nn, optim = luron.nn, luron.optim

-- The call must fail at this file with a text that has all of the parts in it.
local function fails(fn, ...)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  assert.is_string(message)
  assert.is_truthy(message:find "errors_spec%.lua:%d+: ", message)
  for _, part in ipairs { ... } do assert.is_truthy(message:find(part, 1, true), string.format("%q is not in %q", part, message)) end
end

local x = luron.randn(2, 3)

describe("bad arguments", function()
  it("of layers", function()
    fails(function() return nn.Linear(-3, 2) end, "bad argument #1 to 'Linear' (in_features: positive integer expected, got -3)")
    fails(function() return nn.Linear(3) end, "bad argument #2 to 'Linear' (out_features: positive integer expected, got no value)")
    fails(function() return nn.Linear(3, "2") end, "bad argument #2 to 'Linear' (out_features: positive integer expected, got '2')")
    fails(function() return nn.Linear { 3, 2, bas = true } end, "no option 'bas'; options: in_features, out_features, bias")
    fails(function() return nn.Linear { 3, 2, bias = 1 } end, "bias: boolean expected, got 1")
    fails(function() return nn.Linear(3, 2, true, "zeros", "zeros", 4) end, "#6", "one more: 4")
    fails(function() return nn.Linear { 3, 2, in_features = 3 } end, "in_features: given twice")
    fails(function() return nn.Linear(3.5, 2) end, "positive integer expected, got 3.5")
    fails(function() return nn.Dropout(1.5) end, "got 1.5")
    fails(function() return nn.Dropout(0 / 0) end, "Dropout")
    fails(function() return nn.Softmax(0) end, "counts from 1")
    fails(function() return nn.GELU { approximate = "tan" } end, "approximate: ", "tanh", "got 'tan'")
    fails(function() return nn.Linaer end, "Linaer", "Linear")
    fails(function() return nn.rlu end, "rlu")
    fails(function() return nn.Linear(3, 2)(luron.randn(2, 4)) end, "Linear", "(2, 4)")
    fails(function() return nn.Linear(3, 2)() end, "tensor expected, got no value")
    fails(function() return nn.Linear(3, 2)({}) end, "tensor expected, got no value")
    fails(function() return nn.Linear(3, 2)(x, x) end, "takes 1 inputs")
    fails(function() return nn.relu(3) end, "bad argument #1 to 'relu'", "tensor expected, got 3")
    fails(function() return nn.relu(x, { x = 1 }) end, "no option 'x'")
    fails(function() return x:relu(x) end, "takes 1 inputs")
    fails(function() return nn.cross_entropy(x, luron.tensor { 1, 2 }, { weigth = x }) end, "no option 'weigth'")
  end)

  it("of tensors", function()
    fails(function() return x + luron.zeros(4) end, "(2, 3)", "(4,)")
    fails(function() return x + {} end, "bad argument #2 to 'add' (b: tensor or number expected, got table)")
    fails(function() return x:matmul(luron.zeros(2, 2)) end, "(2, 3)", "(2, 2)")
    fails(function() return x:sum(3) end, "3")
    fails(function() return x:sum(0) end, "dims count from 1")
    fails(function() return x:sum({ 1, 1 }) end, "sum")
    fails(function() return x:narrow(1, 2, 5) end, "narrow")
    fails(function() return x:narrow(1, "2", 1) end, "bad argument #2 to 'narrow' (start: integer expected, got '2')")
    fails(function() return luron.narrow(x, 1, "2", 1) end, "bad argument #3 to 'narrow'")
    fails(function() return x.narrow(3, 1, 1, 1) end, "narrow", "tensor expected, got 3")
    fails(function() return x:reshape(4, 2) end, "(2, 3)", "(4, 2)")
    fails(function() return x:reshape(1, 2, 3, 1, 1, 1, 1, 1, 1) end, "at most 8 dims")
    fails(function() return luron.zeros(-1) end, "integer of at least 0 expected, got -1")
    fails(function() return luron.zeros(2, { dtyp = "x" }) end, "no option 'dtyp'; options: dtype, requires_grad")
    fails(function() return luron.zeros(2, { dtype = "float" .. 31 }) end, "dtype: float32, ", "got 'float31'")
    fails(function() return luron.zeros(math.maxinteger, 8) end, "too large")
    fails(function() return luron.tensor { { 1, 2 }, { 3 } } end, "[2]", "2 expected, got 1")
    fails(function() return luron.tensor { 1, { 2 } } end, "data: ", "[2]")
    fails(function() return luron.tensor { { 1 }, 2 } end, "data: ", "[2]")
    fails(function() return luron.tensor { 1, "2" } end, "number or boolean expected at [2], got '2'")
    fails(function() return luron.tensor { 1, true } end, "booleans and numbers")
    fails(function() return luron.tensor() end, "bad argument #1 to 'tensor' (data: number, boolean or table expected, got no value)")
    fails(function() return luron.tensor(nil) end, "data: number, boolean or table expected, got nil")
    fails(function() return luron.tensor { x = 1 } end, "a list of numbers expected, got the key 'x'")
    fails(function() return luron.tensor { x } end, "luron.stack")
    fails(function() return luron.tensor({ 1.5 }, { dtype = "int64" }) end, "1.5 at [1] does not fit into int64")
    fails(function() return luron.tensor({ 256 }, { dtype = "uint8" }) end, "does not fit into uint8")
    fails(function() return luron.arange(1, 5, 0) end, "step")
    fails(function() return luron.randint(5, 3, 2) end, "highest")
    fails(function() return luron.frombytes("abc", "float32") end, "needs 0 bytes, got 3")
    fails(function() return luron.frombytes("\2", "bool") end, "0 or 1")
    fails(function() return luron.cat {} end, "at least one tensor")
    fails(function() return luron.cat { x, 3 } end, "tensor expected at [2], got 3")
    fails(function() return luron.cat { x, luron.zeros(2, 2) } end, "cat")
    fails(function() return x:item() end, "(2, 3)")
    fails(function() return x:index_select(1, { 0 }) end, "0", "from 1")
    fails(function() return x:index_select(1, { 3 }) end, "3")
    fails(function() return luron.tensor({ 3 }):one_hot(2) end, "3")
    fails(function() return luron.arange(3) // 0 end, "floor_divide")
    fails(function() return luron.arange(2):add_(0.5) end, "float32", "int64")
    fails(function() return x:requires_grad_("yes") end, "boolean expected, got 'yes'")
    fails(function() return luron.arange(2):requires_grad_() end, "int64")
    fails(function() return x:backward() end, "backward")
    fails(function() return luron.where(x, x, x) end, "bool")
  end)

  it("of indexing", function()
    fails(function() return x[0] end, "count from 1")
    fails(function() return x[3] end, "position 3 is not within 1..2", "pairs(x)")
    fails(function() return x[-3] end, "position -3")
    fails(function() return x[1.5] end, "integer expected, got 1.5")
    fails(function() return x["1:9"] end, "range 1:9 is not within 1..2")
    fails(function() return x["2:0"] end, "range")
    fails(function() return x["1,2,3"] end, "3 positions", "(2, 3)")
    fails(function() return x["1:2:0"] end, "step")
    fails(function() return x["1:-"] end, "'1:-'")
    fails(function() return x[""] end, "no method ''")
    fails(function() return x[{ { 1 } }] end, "a range is")
    fails(function() return x[{ first = 1 }] end, "a list of positions and ranges expected, got the key 'first'")
    fails(function() return x[{ 1, last = 2 }] end, "got the key 'last'")
    fails(function() return x[{ "1" }] end, "integer expected, got '1'")
    fails(function() return x[luron.tensor { 1, 3 }] end, "index: id 3 at position 2 is not within 1 to 2")
    fails(function() return x[luron.tensor { 0 }] end, "ids count from 1 here")
    fails(function() return x[luron.tensor { 0.5 }] end, "a mask (bool) or ids (int64, int32 or uint8) expected, got a tensor of float32")
    fails(function() return x[{ luron.tensor { 1 }, { 1, 2 } }] end, "tensors of ids stand alone: one expected at [2], got table")
    fails(function() return x[luron.tensor { true, false, true }] end, "(2, 3) expected, got (3,)")
    fails(function() x[luron.tensor { 3 }] = 1 end, "index_put: id 3")
    fails(function() x[luron.tensor { 1 }] = "one" end, "number, boolean, table or tensor expected, got 'one'")
    fails(function() x[x:gt(9)] = luron.ones(2) end, "index_put: values (2,) do not broadcast to the shape at these ids, (0,)")
    fails(function() x[luron.tensor { true }] = 1 end, "(2, 3) expected, got (1,)")
    fails(function() return x[true] end, "position, table or string expected, got true")
    fails(function() return x:nonsense() end, "no method 'nonsense'")
    fails(function() x.field = 1 end, "no field 'field'")
    fails(function() x[1] = "one" end, "number, boolean, table or tensor expected, got 'one'")
    fails(function() x[1] = luron.zeros(7) end, "(7,)")
  end)

  it("of operators that tensors do not have", function()
    fails(function() return x < 3 end, "x:lt(y)")
    fails(function() return x <= x end, "x:le(y)")
    fails(function() return x .. x end, "luron.cat")
    fails(function() return "x" .. x end, "6")
    fails(function() return x & x end, "bool tensor expected, got float32")
    fails(function() return ~x end, "bool tensor expected")
    fails(function() return #luron.tensor(1) end, "no length")
    fails(function() return pairs(luron.tensor(1)) end, "no rows")
  end)

  it("of models, optimisers and files", function()
    fails(function() return nn.Sequential {} end, "at least one layer")
    fails(function() return nn.Sequential { nn.Linear(1, 1), print } end, "item 2: layer or model expected, got function")
    fails(function() return nn.Sequential { nn.Linear(1, 1), nn.class "ErrorsC"() } end, "item 2", "instance of a class")
    fails(function() return nn.Sequential { { nn.Linear(1, 1) } } end, "item 1")
    fails(function() return nn.Sequential { a = nn.Linear(1, 1) } end, "'a'")
    fails(function() return nn.Input(3) end, "name: string expected")
    fails(function() return optim.Adma end, "Adma", "Adam")
    fails(function() return optim.Adam() end, "model or list of tensors expected, got nil")
    fails(function() return optim.Adam({ 1 }) end, "tensor expected at [1], got 1")
    fails(function() return optim.Adam({ x }) end, "gradient")
    fails(function() return optim.Adam(nn.Linear(1, 1), { l = 1 }) end, "no option 'l'", "lr")
    fails(function() return optim.Adam(nn.Linear(1, 1), { lr = "high" }) end, "lr: number", "got 'high'")
    fails(function() return optim.Adam(nn.Linear(1, 1), 0.1) end, "options: table expected, got 0.1")
    local opt = optim.SGD(nn.Linear(1, 1), { lr = 1 })
    fails(function() opt.groups[1].size = 1 end, "no option 'size'")
    fails(function() opt.groups[1].lr = -1 end, "lr")
    fails(function() return opt:set { lr = {} } end, "lr: number")
    local model = nn.Sequential { nn.Linear(3, 2) }
    fails(function() return model() end, "tensor expected, got no value")
    fails(function() return model(x, x) end, "takes 1 inputs, got 2")
    fails(function() return model:save(3) end, "path: string expected, got 3")
    fails(function() return model:save("f", { epochs = 3 }) end, "no option 'epochs'; options: ", " epoch,")
    fails(function() return model:save("f", { epoch = "3" }) end, "epoch: integer expected, got '3'")
    fails(function() return model:freeze("nothing") end, "nothing")
    fails(function() return luron.load(3) end, "path: string expected")
    fails(function() return luron.load("f", { verfy = true }) end, "no option 'verfy'")
    fails(function() return luron.help "Nothing" end, "Nothing")
  end)

  it("of datasets, fit and evaluate", function()
    local data = luron.data
    local ds, model = data.tensors(x, luron.tensor { 1, 2 }), nn.Sequential { nn.Linear(3, 2) }
    fails(function() return data.mnist() end, "bad argument #1 to 'mnist' (dir: string expected, got nil)")
    fails(function() return data.fashion_mnist(3) end, "bad argument #1 to 'fashion_mnist' (dir: string expected, got 3)")
    fails(function() return data.idx(true) end, "bad argument #1 to 'idx' (path: string expected, got true)")
    fails(function() return data.csv(nil) end, "bad argument #1 to 'csv' (path: string expected, got nil)")
    fails(function() return data.csv("f", 3) end, "bad argument #2 to 'csv' (options: table expected, got 3)")
    fails(function() return data.csv("f", { x = 1 }) end, "bad argument #2 to 'csv' (no option 'x'; options: delimiter")
    fails(function() return data.read("f", print) end, "bad argument #2 to 'read' (options: table expected, got function)")
    fails(function() return data.tensors(x, { clases = {} }) end, "bad argument #2 to 'tensors' (no option 'clases'; options: classes, name)")
    fails(function() return data.tensors(x, { classes = { 1 } }) end, "classes: string expected at [1], got 1")
    fails(function() return data.tensors(x, luron.ones(3)) end, "2 examples expected as in the first tensor, got 3")
    fails(function() return ds:loader(3) end, "bad argument #1 to 'loader' (options: table expected, got 3)")
    fails(function() return ds.loader() end, "calling 'loader' on a bad object (dataset expected, got nil)")
    fails(function() return ds:map(3) end, "bad argument #1 to 'map' (function expected, got 3)")
    fails(function() return ds:map(function() end):batch(1, 2) end, "gave nothing")
    fails(function() return ds:batch(1, "2") end, "bad argument #2 to 'batch' (last: integer expected, got '2')")
    fails(function() return ds:batch(2, 3) end, "positions within 1 to 2 expected, got 2 to 3")
    fails(function() return ds:range(0, 1) end, "bad argument #1 to 'range' (positions within 1 to 2 expected, got 0 to 1)")
    fails(function() return ds:split(1) end, "bad argument #1 to 'split' (fraction: number between 0 and 1 expected, got 1)")
    fails(function() return ds:loader():restore { seed = 1, epoch = 1, position = 0 } end, "position: integer of at least 1 expected, got 0")
    fails(function() return luron.fit(ds, ds) end, "bad argument #1 to 'fit' (model, layer or instance of a class expected, got table)")
    fails(function() return luron.fit(model, {}) end, "bad argument #2 to 'fit' (dataset or loader expected, got table)")
    fails(function() return luron.fit(model, ds, 3) end, "bad argument #3 to 'fit' (options: table expected, got 3)")
    fails(function() return luron.fit(model, ds, { epochs = 0 }) end, "epochs: positive integer expected, got 0")
    fails(function() return luron.fit(model, ds, { optim = model }) end, "optim: optimiser expected, got luron.model")
    fails(function() return luron.fit(model, ds, { validate = {} }) end, "validate: dataset or loader expected, got table")
    fails(function() return luron.fit(model, ds, { callbacks = { 3 } }) end, "callbacks: list of functions expected, got table")
    fails(function() return luron.fit(model, ds, { progress = false, loss = function() end }) end, "loss: it has to give a tensor, got nil")
    fails(function() return luron.evaluate(model, ds, { loss = x }) end, "loss: name, function or layer expected, got luron.tensor")
    fails(function() return luron.evaluate(model, ds, { batch = 0.5 }) end, "bad argument #3 to 'evaluate' (batch: positive integer expected, got 0.5)")
    fails(function() return luron.progress("x") end, "bad argument #1 to 'progress' (epochs: integer of at least 0 expected, got 'x')")
  end)

  it("of classes and checkpoints called on something else", function()
    local A = nn.class "ErrorsA"
    fails(function() return A:parameters() end, "calling 'parameters' on a bad object (instance of a class expected", "a class is called to make one")
    fails(function() return A.save(3, "f") end, "calling 'save' on a bad object (instance of a class expected, got 3)")
    fails(function() return A():to() end, "bad argument #1 to 'to' (dtype: string expected, got nil)")
    fails(function() return A():restore(3) end, "bad argument #1 to 'restore' (path: string expected, got 3)")
    fails(function() return luron.load "a\0b" end, "bad argument #1 to 'load'", "zero byte")
    fails(function() return nn.Sequential { nn.ReLU() }:save("f", { history = { print } }) end, "bad argument #2 to 'save' (history: number, string")
    fails(function() return nn.Sequential { nn.ReLU() }:save("f", { loader = { state = 1 } }) end, "loader: loader expected, got table")
    fails(function() nn.Linear(2, 2).weight = 3 end, "Linear: weight: tensor expected, got 3")
    fails(function() return nn.Graph { inputs = nn.Input(), outputs = nn.Input(), names = 3 } end, "names: table expected, got 3")
  end)

  it("of the rest", function()
    fails(function() luron.seed "x" end, "bad argument #1 to 'seed' (seed: integer expected, got 'x')")
    fails(function() luron.threads(0) end, "integer from 1 to 256 expected, got 0")
    fails(function() luron.default_dtype "int64" end, "int64")
    fails(function() return luron.no_grad(3) end, "function expected, got 3")
    fails(function() return luron.scope() end, "function expected, got no value")
    fails(function() return luron.op { name = "x", forward = print } end, "backward: function expected, got nil")
    fails(function() return luron.op { name = "x", forwards = print } end, "no option 'forwards'")
    fails(function() return luron.grad(x, {}) end, "x: tensor or list of tensors expected")
    fails(function() return luron.gradcheck(print) end, "input: tensor expected")
    fails(function() return luron.gradcheck(print, x) end, "float64")
    fails(function() return nn.class() end, "name: string expected, got nil")
  end)

  it("blame the caller of luron's own Lua files, of pcall, and of coroutines", function()
    local ok, message = pcall(luron.zeros, "x")
    assert.is_false(ok)
    assert.is_truthy(message:find "errors_spec%.lua:%d+: bad argument #1 to 'zeros'")
    ok, message = pcall(coroutine.wrap(function() return 1 + luron.zeros("x") end))
    assert.is_false(ok)
    assert.is_truthy(message:find "errors_spec%.lua:%d+: bad argument #1 to 'zeros'")
  end)
end)

-- ---- abuse -----------------------------------------------------------------------------------------------------------
-- Calls with every kind of value, drawn from a fixed seed. Not called: what writes files or changes how memory behaves.
local skipped = { save = true, write = true, plugin_index = true, fail_alloc = true, raise = true, badarg = true, set_node = true, backward_ = true }

local function values()
  local closed_tensor, closed_layer, closed_model = luron.ones(2), nn.ReLU(), nn.Sequential { nn.ReLU() }
  closed_tensor:close()
  closed_layer:close()
  closed_model:close()
  local layer = nn.Linear(3, 2)
  local model = nn.Sequential { layer, nn.ReLU() }
  local all = {
    true, false, 0, 1, 2, 3, -1, -2, 7, 1 << 61, math.maxinteger, math.mininteger, 0.5, -1.5, 0 / 0, 1 / 0, -1 / 0, 1e300,
    "", "x", "float32", "int64", "1:2", "weight", "a\0b", ("long"):rep(1000), "layer",
    {}, { 1 }, { 1, 2 }, { 2, 3 }, { { 1, 2 }, { 3 } }, { { 1.5 } }, { true }, { x = 1 }, { dtype = "float32" }, { dtype = 3 },
    { requires_grad = true }, { lr = 0.1 }, { 1 << 61, 2 }, { -1 }, { 0 / 0 }, { {} }, { type },
    function() end, function(...) return ... end, function() error "callback" end, coroutine.create(function() end), io.stdout, luron,
    closed_tensor, closed_layer, closed_model, layer, model, optim.SGD(layer, { lr = 0.1 }), nn.Input(), core.checkpoint_new(),
    luron.zeros(0), luron.tensor(1.5), luron.tensor(3), luron.randn(2, 3), luron.randn(3), luron.randn(3, 2), luron.eye(3),
    luron.randn(2, 3, { dtype = "float64", requires_grad = true }), luron.tensor { 1, 2 }, luron.tensor { 0, 9 },
    luron.tensor { { true, false } }, luron.ones(2, 3, { dtype = "uint8" }), luron.ones(3, { dtype = "float16" }), luron.zeros(3, 0, 2),
    luron.randn(2, 1, 3):expand(2, 4, 3), luron.randn(3, 2):t(), { luron.randn(2), luron.randn(2) }, { luron.randn(2), closed_tensor },
  }
  if (os.getenv "LURON_TEST_SANITIZE" or "") == "" then all[#all + 1] = 1 << 42 end -- a sanitizer ends the process for it
  return all
end

local function functions()
  local all = {}
  local function add(prefix, t)
    local names = {}
    for name, fn in pairs(t) do
      if type(name) == "string" and type(fn) == "function" and not skipped[name] then names[#names + 1] = name end
    end
    table.sort(names)
    for _, name in ipairs(names) do all[#all + 1] = { prefix .. name, t[name] } end
  end
  add("core.", core)
  for kind, methods in pairs(core.methods) do add(kind .. ":", methods) end
  local objects = { luron.ones(2), nn.ReLU(), nn.Sequential { nn.ReLU() }, optim.SGD(nn.Linear(1, 1), { lr = 1 }), core.checkpoint_new() }
  for i, object in ipairs(objects) do add("meta " .. i .. ":", getmetatable(object)) end
  for _, name in ipairs(luron.types()) do
    all[#all + 1] = { "nn." .. name, nn[name] }
    local fn = luron.type_info("layer", name).function_name
    if fn then all[#all + 1] = { "nn." .. fn, nn[fn] } end
  end
  for _, name in ipairs(luron.types "optim") do all[#all + 1] = { "optim." .. name, optim[name] } end
  for _, name in ipairs { "Sequential", "Graph", "Input", "class" } do all[#all + 1] = { "nn." .. name, nn[name] } end
  for _, name in ipairs { "load", "checkpoint" } do all[#all + 1] = { "luron." .. name, luron[name] } end
  local ds = luron.data.tensors(luron.ones(4, 2), luron.tensor { 1, 2, 1, 2 })
  for _, name in ipairs { "tensors", "read", "idx", "csv", "mnist" } do all[#all + 1] = { "data." .. name, luron.data[name] } end
  for _, name in ipairs { "loader", "batch", "map", "range", "split", "shuffled" } do all[#all + 1] = { "dataset:" .. name, ds[name] } end
  local loader = getmetatable(ds:loader())
  for name, fn in pairs(loader) do
    if type(fn) == "function" then all[#all + 1] = { "loader:" .. name, fn } end
  end
  for name, fn in pairs(nn.Module) do
    if type(fn) == "function" and not skipped[name] and name ~= "__call" then all[#all + 1] = { "module:" .. name, fn } end
  end
  for name, fn in pairs(require("luron.checkpoint").Checkpoint) do
    if type(fn) == "function" then all[#all + 1] = { "read checkpoint:" .. name, fn } end
  end
  for _, name in ipairs { "evaluate", "progress" } do all[#all + 1] = { "luron." .. name, luron[name] } end
  table.sort(all, function(a, b) return a[1] < b[1] end)
  return all
end

describe("abuse", function()
  it("gives Lua errors with a place, never a crash", function()
    local random, rounds = tonumber(os.getenv "LURON_TEST_SEED" or 12345), tonumber(os.getenv "LURON_TEST_ROUNDS" or 24)
    local function draw(n)
      random = (random * 6364136223846793005 + 1442695040888963407) & math.maxinteger
      return (random >> 20) % n + 1
    end
    local calls, errors, seed, threads = 0, 0, core.random_state(), luron.threads()
    local function call(fn, n, a, b, c, d)
      calls = calls + 1
      local results
      if n == 0 then results = { fn() } elseif n == 1 then results = { fn(a) } elseif n == 2 then results = { fn(a, b) }
      elseif n == 3 then results = { fn(a, b, c) } else results = { fn(a, b, c, d) } end
      if type(results[1]) == "userdata" and tostring(results[1]):find "^luron.guard" then results[1]:close() end
      return results
    end
    for _, entry in ipairs(functions()) do
      local name, fn = entry[1], entry[2]
      local pool = values()
      local own = {
        tensor = luron.randn(2, 3), layer = nn.Linear(3, 2), model = nn.Sequential { nn.Linear(3, 2) },
        optim = optim.SGD(nn.Linear(1, 1), { lr = 1 }), checkpoint = core.checkpoint_new(),
        dataset = luron.data.tensors(luron.ones(4, 2), luron.tensor { 1, 2, 1, 2 }), module = nn.class "ErrorsAbuse"(),
      }
      own.loader = own.dataset:loader { batch = 3, shuffle = true }
      for round = 1, rounds do
        local n = round <= 2 and round - 1 or draw(5) - 1
        local args = {}
        for i = 1, n do args[i] = draw(8) > 1 and pool[draw(#pool)] or nil end
        if round % 3 == 0 and own[name:match "^(%a+):"] then args[1] = own[name:match "^(%a+):"] end
        local ok, message = pcall(call, fn, n, args[1], args[2], args[3], args[4])
        if not ok then
          errors = errors + 1
          assert(type(message) == "string", name .. " raised a " .. type(message))
          assert(message:find "errors_spec%.lua:%d+: ", name .. ": no place in: " .. message)
        end
      end
    end
    luron.seed(seed)
    luron.threads(threads)
    luron.default_dtype "float32"
    luron.higher(false)
    assert.is_true(luron.is_recording())
    assert.is_true(calls >= 2000, calls .. " calls")
    assert.is_true(errors > calls / 3, errors .. " errors in " .. calls)
  end)

  it("of fit and evaluate, option by option", function()
    local ds = luron.data.tensors(luron.randn(4, 3), luron.tensor { 1, 2, 1, 2 })
    local function check(name, fn, ...)
      local ok, message = pcall(fn, ...)
      if ok then return 1 end
      assert(type(message) == "string" and message:find "errors_spec%.lua:%d+: ", name .. ": no place in: " .. tostring(message))
      return 0
    end
    local done, calls = 0, 0
    local options = { "epochs", "batch", "loss", "optim", "validate", "progress", "callbacks", "shuffle", "other" }
    for i, value in ipairs(values()) do
      local large = math.type(value) == "integer" and value > 3 -- epochs without end
      for _, key in ipairs(options) do
        if not (key == "epochs" and large) and not (key == "progress" and value == true) then
          calls = calls + 1
          local given = { progress = false }
          given[key] = value
          done = done + check("fit " .. key .. " " .. i, function() luron.fit(nn.Sequential { nn.Linear(3, 2) }, ds, given) end)
        end
      end
      for _, key in ipairs { "batch", "loss", "other" } do
        calls = calls + 1
        done = done + check("evaluate " .. key .. " " .. i, function() luron.evaluate(nn.Linear(3, 2), ds, { [key] = value }) end)
      end
      calls = calls + 3
      done = done + check("fit model " .. i, function() luron.fit(value, ds, { progress = false }) end)
      done = done + check("fit data " .. i, function() luron.fit(nn.Sequential { nn.Linear(3, 2) }, value, { progress = false }) end)
      done = done + check("fit options " .. i, function() luron.fit(nn.Linear(3, 2), ds, type(value) == "table" and { value } or value or 1) end)
    end
    assert.is_true(done < calls / 4, done .. " of " .. calls .. " went through")
  end)
end)
