-- Saving and loading: models, optimisers, random state, classes in Lua; and files that are not what they should be.
local luron = require "luron"
local nn, optim = luron.nn, luron.optim

local paths = {}
local function temporary()
  local path = os.tmpname()
  paths[#paths + 1] = path
  return path
end
local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end
local function write(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
end

teardown(function()
  for _, path in ipairs(paths) do
    os.remove(path)
    os.remove(path .. ".prev")
  end
end)

local function new_model()
  return nn.Sequential { { "body", nn.Sequential { nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.2) } }, { "head", nn.Linear(8, 2) } }
end

local function train(model, opt, steps)
  for _ = 1, steps do
    local x = luron.randn(16, 3)
    local y = x:sum(2):gt(0):long() + 1
    opt:zero_grad()
    nn.cross_entropy(model(x), y):backward()
    opt:step()
  end
end

local function bytes_of(model)
  local parts = {}
  for _, t in model:named_parameters() do parts[#parts + 1] = t:tobytes() end
  return table.concat(parts)
end

describe("checkpoints", function()
  it("bring a model back with the same bits", function()
    local path, model = temporary(), new_model()
    model:save(path)
    local loaded, checkpoint = luron.load(path)
    assert(loaded, checkpoint)
    model:eval()
    loaded:eval()
    local x = luron.randn(10, 3)
    assert.are.equal(model(x):tobytes(), loaded(x):tobytes())
    assert.are.equal(tostring(model), tostring(loaded))
    assert.is_nil(checkpoint.epoch)
    assert.are.equal(model:json(), loaded:json())
  end)

  it("keep what stands beside the model", function()
    local path, model = temporary(), new_model()
    local opt = optim.AdamW(model, { lr = 0.01 })
    train(model, opt, 3)
    model:save(path, {
      optim = opt, epoch = 4, step = 99, history = { { loss = 0.5, note = 'a "b"\n' }, { loss = 0.25 } },
      preprocessing = { classes = { "small", "größer" }, mean = { 0.5, 0.25 }, scale = 1 / 255, on = true }, training = { best = 0.1 },
    })
    local _, checkpoint = assert(luron.load(path))
    assert.are.equal(4, checkpoint.epoch)
    assert.are.equal(99, checkpoint.step)
    assert.are.same({ { loss = 0.5, note = 'a "b"\n' }, { loss = 0.25 } }, checkpoint.history)
    assert.are.same({ classes = { "small", "größer" }, mean = { 0.5, 0.25 }, scale = 1 / 255, on = true }, checkpoint.preprocessing)
    assert.are.equal(0.1, checkpoint.training.best)
    assert.is_truthy(checkpoint:tensor "parameters/head/weight")
    assert.is_nil(checkpoint:tensor "nothing")
    assert.is_string(checkpoint:text "training/epoch")
    assert.is_true(#checkpoint:tensors() > 4)
    assert.is_true(#checkpoint:texts() > 4)
    assert.is_truthy(tostring(checkpoint):find("epoch 4", 1, true))
  end)

  it("go on exactly where they were", function()
    local path, model = temporary(), new_model()
    luron.seed(11)
    local opt = optim.Adam(model, { lr = 0.02 })
    train(model, opt, 5)
    model:save(path, { optim = opt, step = 5 })
    train(model, opt, 5)
    local expected = bytes_of(model)
    luron.seed(99)
    local again, checkpoint = assert(luron.load(path))
    local opt2 = optim.Adam(again, { lr = 0.5 })
    assert(checkpoint:restore_optim(opt2))
    assert(checkpoint:restore_random())
    assert.are.equal(0.02, opt2.groups[1].lr)
    assert.are.equal(5, opt2:steps())
    train(again, opt2, 5)
    assert.is_true(bytes_of(again) == expected)
  end)

  it("restore into a model that is there, all or nothing", function()
    local path, model, other = temporary(), new_model(), new_model()
    model:save(path)
    assert(other:restore(path))
    assert.is_true(bytes_of(other) == bytes_of(model))
    local different = nn.Sequential { { "body", nn.Sequential { nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.2) } }, { "head", nn.Linear(8, 5) } }
    local before = bytes_of(different)
    local ok, message, code = different:restore(path)
    assert.is_nil(ok)
    assert.are.equal("MISMATCH", code)
    assert.is_truthy(message:find("head", 1, true))
    assert.is_true(bytes_of(different) == before)
    local opt = optim.SGD(different, { lr = 0.1 })
    local checkpoint = assert(luron.checkpoint(path))
    ok, message, code = checkpoint:restore_optim(opt)
    assert.is_nil(ok)
    assert.is_string(message)
    assert.is_string(code)
  end)

  it("hold classes in Lua by their parameters", function()
    local path = temporary()
    local Net = nn.class "SpecNet"
    function Net:init(n)
      self.a, self.b = nn.Linear(n, n), nn.Linear(n, 1)
      self.shift = luron.zeros(1, { requires_grad = true })
      self:buffer("count", luron.tensor { 3.0 })
    end
    function Net:forward(x) return self.b(self.a(x):relu()) + self.shift end
    local net, x = Net(4), luron.randn(2, 4)
    net.count:fill_(7)
    net:save(path, { epoch = 2 })
    local other = Net(4)
    local checkpoint = assert(other:restore(path))
    assert.are.equal(2, checkpoint.epoch)
    assert.are.equal(net(x):tobytes(), other(x):tobytes())
    local loaded = assert(luron.load(path))
    assert.are.equal(net(x):tobytes(), loaded(x):tobytes())
    assert.are.equal(7.0, loaded.count:item())
    local _, message, code = Net(5):restore(path)
    assert.are.equal("MISMATCH", code)
    assert.is_truthy(message:find("a/weight", 1, true))
    nn.class "SpecNet" -- another one of that name, which cannot hold these tensors
    _, message, code = luron.load(path)
    assert.are.equal("MISMATCH", code)
    assert.is_truthy(message:find("parameters/a/weight is in the file alone", 1, true))
  end)

  it("keep the last file on request", function()
    local path, model = temporary(), new_model()
    model:save(path, { epoch = 1 })
    model:save(path, { epoch = 2, keep_prev = true })
    assert.are.equal(2, luron.checkpoint(path).epoch)
    assert.are.equal(1, luron.checkpoint(path .. ".prev").epoch)
  end)
end)

describe("arguments of a class", function()
  local Net = nn.class "CheckpointArguments"
  function Net:init(n, act)
    self.layer, self.act = nn.Linear(n or 2, 2), type(act) == "string" and luron[act] or act or luron.tanh
  end
  function Net:forward(x) return self.act(self.layer(x)) end
  local x = luron.ones(1, 3)

  it("are there again, with holes in them too", function()
    local path = temporary()
    for _, net in ipairs { Net(3, "sigmoid"), Net(3) } do
      net:save(path)
      assert.are.same(net(x):totable(), assert(luron.load(path))(x):totable())
    end
    Net(nil, "sigmoid"):save(path)
    local net = assert(luron.load(path))
    assert.are.equal(luron.sigmoid, net.act)
    assert.are.equal('{"args": [null, "sigmoid"], "class": "CheckpointArguments"}', assert(luron.checkpoint(path)):text "training/module")
  end)

  it("that no file can hold are refused, and named", function()
    local path = temporary()
    local function refused(text, options, ...)
      local net = Net(3)
      net._args = { ... }
      local ok, message = pcall(function() net:save(path, options) end)
      assert.is_false(ok, text)
      assert.is_truthy(message:find "checkpoint_spec.lua:%d+: save: class 'CheckpointArguments': ", message)
      assert.is_truthy(message:find(text, 1, true), message)
    end
    local want = "number, string, boolean or table expected, got "
    refused("argument 2 (act): " .. want .. "function: luron.load makes the instance again from its arguments. Give a name that init looks up", nil, 3, luron.sigmoid)
    refused("argument 2 (act): " .. want .. "function", { trace = x }, 3, luron.sigmoid)
    refused("argument 1 (n): " .. want .. "luron.tensor", nil, luron.ones(1))
    refused("argument 1 (n): " .. want .. "luron.layer", nil, nn.ReLU())
    refused("argument 1 (n).sizes[2]: " .. want .. "luron.tensor", nil, { sizes = { 1, luron.ones(1) } })
    refused("argument 1 (n): " .. want .. "CheckpointArguments", nil, Net())
    refused("argument 3: a number is not finite, got ", nil, 1, 2, 1 / 0)
    refused("argument 1 (n): a table has both names and positions", nil, { 1, a = 2 })
    refused("argument 1 (n): a string has a zero byte in it, got ", nil, "a\0b")
    local deep = 1
    for _ = 1, 63 do deep = { deep } end
    refused("its arguments: JSON: nested too deep", nil, deep)
    local round = {}
    round.round = round
    refused("nested too deep, or in a circle", nil, round)
    local file <close> = assert(io.open(path))
    assert.are.equal("", file:read "a") -- nothing was written
  end)

  it("do not matter to the graph that a trace makes", function()
    local path, net = temporary(), Net(3, luron.sigmoid)
    nn.trace(net, x):save(path)
    assert.are.same(net(x):totable(), assert(luron.load(path))(x):totable())
  end)

  it("left out by an older version are no reason to make another instance", function()
    local path, net = temporary(), Net(3, "sigmoid")
    local put = require("luron.checkpoint").write
    put(function(handle)
      for name, tensor in net:named_parameters() do handle:set_tensor("parameters/" .. name, tensor) end
      handle:set_text("training/module", '{"class": "CheckpointArguments"}')
    end, path, nil, "save")
    local loaded, message, code = luron.load(path)
    assert.is_nil(loaded)
    assert.are.equal("MISMATCH", code)
    assert.is_truthy(message:find("the arguments of class 'CheckpointArguments' are not in it; make an instance and call restore(path)", 1, true), message)
    assert.is_truthy(Net(3, "sigmoid"):restore(path))
  end)
end)

describe("files that are wrong", function()
  local path, good
  setup(function()
    path = temporary()
    new_model():save(path, { epoch = 1 })
    good = read(path)
  end)

  local function refused(file, options)
    local model, message, code = luron.load(file, options)
    assert.is_nil(model)
    assert.is_string(message)
    assert.is_truthy(luron.status[code], code)
    return code, message
  end

  it("are refused with message and code", function()
    assert.are.equal("IO", (refused "/nonexistent/file.h5"))
    assert.is_truthy(select(2, refused "/nonexistent/file.h5"):find("/nonexistent/file.h5", 1, true))
    refused "/"
    local other = temporary()
    write(other, "")
    refused(other)
    write(other, "print 'not a checkpoint'")
    refused(other)
    for _, n in ipairs { 1, 100, #good // 2, #good - 33, #good - 1 } do
      write(other, good:sub(1, n))
      refused(other)
    end
    write(other, good .. "x")
    refused(other)
  end)

  it("are refused whichever byte was altered", function()
    local other = temporary()
    for i = 0, 40 do
      local at = 1 + i * (#good - 1) // 40
      write(other, good:sub(1, at - 1) .. string.char(good:byte(at) ~ 0x55) .. good:sub(at + 1))
      refused(other)
    end
  end)

  it("do not harm what is in memory or on disk", function()
    local model = new_model()
    local before = bytes_of(model)
    local other = temporary()
    write(other, good:sub(1, -40))
    assert.is_nil((model:restore(other)))
    assert.is_true(bytes_of(model) == before)
    local ok, message = pcall(model.save, model, "/nonexistent/folder/file.h5")
    assert.is_false(ok)
    assert.is_truthy(message:find "checkpoint_spec.lua:%d+: ")
    for text, options in pairs {
      ["preprocessing: f: number, string, boolean or table expected"] = { preprocessing = { f = print } },
      ["preprocessing: f: a string has a zero byte in it"] = { preprocessing = { f = { "a\0b" } } },
      ["(f: a name has a zero byte in it"] = { training = { f = { ["a\0b"] = 1 } } },
      ["training: epoch is written from the option epoch: give one of them"] = { epoch = 1, training = { epoch = 2 } },
      ["optim: one optimiser expected, got a table: save the others in files of their own"] = { optim = { optim.SGD(model), optim.Adam(model) } },
    } do
      ok, message = pcall(model.save, model, path, options)
      assert.is_false(ok, text)
      assert.is_truthy(message:find(text, 1, true), message)
    end
    assert.are.equal(good, read(path))
  end)

  it("of weights that are not finite are refused unless forced, and the old file stays", function()
    local target, model = temporary(), nn.Sequential { nn.Linear(2, 2) }
    model:save(target)
    local bytes = read(target)
    luron.no_grad(function() model[1].weight[1][2] = 0 / 0 end)
    local ok, message = pcall(model.save, model, target)
    assert.is_false(ok)
    assert.is_truthy(message:find("linear1/weight", 1, true))
    assert.is_truthy(message:find("the file is not written; nonfinite = true among the options writes it all the same", 1, true), message)
    assert.is_true(read(target) == bytes)
    model:save(target, { nonfinite = true })
    assert.is_truthy(luron.load(target))
  end)
end)
