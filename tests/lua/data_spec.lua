-- Datasets, loaders, fit, evaluate and the progress line.
local luron = require "luron"
local nn, data = luron.nn, luron.data

local function numbers(n) return luron.arange(1, n):float():reshape(n, 1) end

describe("a dataset", function()
  it("checks its tensors", function()
    local ok, message = pcall(function() data.tensors(luron.zeros(3, 1), luron.zeros(4)) end)
    assert.is_false(ok)
    assert.matches("data_spec.lua:%d+: bad argument #2 to 'tensors' %(3 examples expected as in the first tensor, got 4%)", message)
    assert.error_matches(function() data.tensors(5) end, "bad argument #1 to 'tensors' %(tensor expected, got 5%)")
    assert.error_matches(function() data.tensors() end, "got no value")
    assert.error_matches(function() data.tensors(luron.tensor(1)) end, "at least one dimension")
  end)

  it("has a length, elements from 1, ranges and splits", function()
    local ds = data.tensors(numbers(10), luron.arange(1, 10), { name = "ten" })
    assert.equal(10, #ds)
    assert.same({ 3, 3 }, { ds[3][1]:item(), ds[3][2]:item() })
    assert.equal(10, ds[-1][1]:item())
    assert.is_nil(ds[11])
    local count = 0
    for i, example in ipairs(ds) do
      count = count + 1
      assert.equal(i, example[2]:item())
    end
    assert.equal(10, count)
    assert.equal(4, #ds:range(2, 5))
    local a, b = ds:split(0.7)
    assert.equal(7, #a)
    assert.equal(3, #b)
    assert.equal(8, b[1][1]:item())
    assert.error_matches(function() ds:split(1.5) end, "fraction: number between 0 and 1 expected, got 1.5")
    assert.error_matches(function() ds:range(0, 3) end, "positions within 1 to 10 expected, got 0 to 3")
    assert.matches("ten: 10 examples", tostring(ds))
  end)

  it("applies maps to the first tensor of a batch", function()
    local ds = data.tensors(numbers(4)):map(function(x) return x * 2 end):map(function(x) return x + 1 end)
    assert.same({ { 3.0 }, { 5.0 } }, ds:batch(1, 2):totable())
  end)

  it("shuffles all its tensors alike", function()
    luron.seed(1)
    local x, y = data.tensors(numbers(50), luron.arange(1, 50)):shuffled():batch(1, 50)
    assert.is_true(x:flatten():eq(y):all():item())
    assert.is_false(y:eq(luron.arange(1, 50)):all():item())
  end)
end)

describe("what a function of map gives", function()
  it("is a tensor with a row for each example", function()
    local ds = data.tensors(luron.ones(4, 2), luron.ones(4):long())
    for text, fn in pairs {
      ["map: the function gave nothing for a batch"] = function() end,
      ["map: the function has to give a tensor for a batch, got 3"] = function() return 3 end,
      ["map: the function gave shape () for a batch of 2 examples"] = function(x) return x:sum() end,
      ["map: the function gave shape (1, 2) for a batch of 2 examples"] = function(x) return x:narrow(1, 1, 1) end,
    } do
      local ok, message = pcall(function() local x = ds:map(fn):batch(1, 2) return x end)
      assert.is_false(ok, text)
      assert.is_truthy(message:find(text, 1, true), message)
    end
  end)
end)

describe("a loader", function()
  local function seen(loader)
    local list = {}
    for x in loader do
      for i = 1, #x do list[#list + 1] = x[i]:item() end
    end
    return list
  end

  it("gives every example once an epoch, in a new order each time", function()
    luron.seed(5)
    local loader = data.tensors(numbers(23)):loader { batch = 5, shuffle = true }
    assert.equal(5, #loader)
    local first, second = seen(loader), seen(loader)
    assert.not_same(first, second)
    table.sort(first)
    table.sort(second)
    for i = 1, 23 do assert.is_true(first[i] == i and second[i] == i) end
  end)

  it("does not depend on other random draws, and does not disturb them", function()
    luron.seed(5)
    local a = data.tensors(numbers(9)):loader { shuffle = true }
    local order = seen(a)
    local next_number = luron.rand(1):item()
    luron.seed(5)
    local b = data.tensors(numbers(9)):loader { shuffle = true }
    assert.equal(next_number, luron.rand(1):item())
    assert.same(order, seen(b))
  end)

  it("drops the last short batch when asked", function()
    local loader = data.tensors(numbers(7)):loader { batch = 3, drop_last = true }
    assert.equal(2, #loader)
    assert.equal(6, loader:examples())
    assert.same({ 1, 2, 3, 4, 5, 6 }, seen(loader))
  end)

  it("begins a new epoch after a break, and goes on in the middle after restore", function()
    local ds = data.tensors(numbers(12))
    local loader = ds:loader { batch = 4, shuffle = true, seed = 2 }
    local state
    for x in loader do
      assert.equal(4, #x)
      state = state or loader:state()
      if state then break end
    end
    assert.equal(12, #seen(loader))
    local again = ds:loader { batch = 4, shuffle = true }
    again:restore(state)
    assert.equal(8, #seen(again))
    assert.equal(12, #seen(again))
  end)

  it("gives nothing more of an epoch whose last batch was out, and the next epoch when its loop was over", function()
    local ds = data.tensors(numbers(10))
    for _, drop_last in ipairs { true, false } do
      local options = { batch = 4, shuffle = true, seed = 2, drop_last = drop_last }
      local whole, loader, states = {}, ds:loader(options), {}
      for epoch = 1, 3 do
        for x in loader do
          whole[#whole + 1] = table.concat(x:reshape(-1):totable(), " ")
          states[#states + 1] = { at = #whole, epoch = epoch, state = loader:state() }
        end
        states[#states + 1] = { at = #whole, epoch = epoch + 1, state = loader:state() }
      end
      for _, from in ipairs(states) do -- as a program that is resumed there goes on
        local again, rest = ds:loader(options), { table.unpack(whole, 1, from.at) }
        again:restore(from.state)
        for _ = from.epoch, 3 do
          for x in again do rest[#rest + 1] = table.concat(x:reshape(-1):totable(), " ") end
        end
        assert.same(whole, rest)
      end
    end
  end)

  it("says what a state holds, and refuses one of another length", function()
    local loader = data.tensors(numbers(10)):loader { batch = 4, seed = 3 }
    assert.same({ seed = 3, epoch = 0, examples = 10 }, loader:state())
    loader()
    assert.same({ seed = 3, epoch = 1, position = 5, examples = 10 }, loader:state())
    local other, state = data.tensors(numbers(4)):loader(), loader:state()
    assert.error_matches(function() other:restore(state) end, "bad argument #1 to 'restore' %(the state is of 10 examples, the dataset has 4%)")
    state.examples, state.position = 4, 6
    assert.error_matches(function() other:restore(state) end, "position: integer of at most 5 expected, got 6")
    state.examples = nil
    assert.error_matches(function() other:restore(state) end, "examples: integer of at least 0 expected, got nil")
  end)

  it("refuses wrong options", function()
    local ds = data.tensors(numbers(3))
    assert.error_matches(function() ds:loader { bach = 3 } end, "no option 'bach'; options: batch, drop_last, seed, shuffle")
    assert.error_matches(function() ds:loader { batch = 0 } end, "batch: positive integer expected, got 0")
    assert.error_matches(function() ds:loader { shuffle = 1 } end, "shuffle: boolean expected, got 1")
  end)
end)

describe("what a loader makes of its batches", function()
  local function loader(fn, options)
    options = options or {}
    options.transform, options.batch = fn, 2
    return data.tensors(luron.arange(1, 5):float():reshape(5, 1), luron.arange(1, 5)):loader(options)
  end

  it("is what its function gives, of the batch's own tensors", function()
    local sums, counts = {}, {}
    for x, y, more in loader(function(x, y) return x * 2, y + 1, x end, { shuffle = true, seed = 3 }) do
      assert.is_true(more:flatten():long():eq(y - 1):all():item())
      sums[#sums + 1], counts[#counts + 1] = (x - 2 * more):abs():sum():item(), #x
    end
    assert.same({ { 0.0, 0.0, 0.0 }, { 2, 2, 1 } }, { sums, counts })
  end)

  it("are copies for a function that changes them in place", function()
    local ds = luron.data.tensors(luron.ones(6, 2), luron.ones(6))
    for _ in ds:loader { batch = 4, transform = function(x, y) return x:add_(1), y:mul_(3) end } do end
    local tripled = ds:map(function(x) return x:mul_(3) end)
    assert.equal(36, tripled:batch(1, 6):sum():item())
    local x, y = ds:batch(1, 6)
    assert.same({ 12, 6 }, { x:sum():item(), y:sum():item() })
  end)

  it("is a tensor with a row for each example, or several", function()
    for text, fn in pairs {
      ["loader: transform: the function gave nothing for a batch"] = function() end,
      ["loader: transform: the function has to give a tensor for a batch, got 3"] = function(x) return x, 3 end,
      ["loader: transform: the function gave shape () for a batch of 2 examples"] = function(x) return x:sum() end,
      ["loader: transform: the function gave shape (1,) for a batch of 2 examples"] = function(x, y) return x, y:narrow(1, 1, 1) end,
    } do
      local ok, message = pcall(function() for _ in loader(fn) do end end)
      assert.is_false(ok, text)
      assert.is_truthy(message:find(text, 1, true), message)
    end
    local ok, message = pcall(loader, 3)
    assert.is_false(ok)
    assert.is_truthy(message:find("transform: function or layer expected, got 3", 1, true), message)
  end)

  it("may be drawn: MixUp and CutMix in fit, and the same again after a restart", function()
    for _, mix in ipairs { nn.MixUp(), nn.CutMix() } do
      luron.seed(11)
      local ds = data.tensors(luron.rand(20, 1, 6, 6), luron.one_hot(luron.arange(1, 20) % 3 + 1, 3))
      local function run(stop)
        luron.seed(5)
        local model = nn.Sequential { nn.Flatten(), nn.Linear(36, 3) }
        local opt, batches = luron.optim.SGD(model, { lr = 0.1 }), ds:loader { batch = 8, shuffle = true, seed = 1, transform = mix }
        luron.fit(model, batches, { epochs = stop and 1 or 2, loss = "cross_entropy", optim = opt, progress = false })
        if not stop then return model:parameters()[1]:totable() end
        local path = os.tmpname()
        model:save(path, { optim = opt, loader = batches })
        local file = luron.checkpoint(path)
        os.remove(path)
        luron.seed(99)
        local again = file:model()
        opt = luron.optim.SGD(again, { lr = 0.1 })
        batches = ds:loader { batch = 8, shuffle = true, transform = mix }
        file:restore_optim(opt)
        batches:restore(file.training.loader)
        file:restore_random()
        luron.fit(again, batches, { epochs = 1, loss = "cross_entropy", optim = opt, progress = false })
        return again:parameters()[1]:totable()
      end
      assert.same(run(false), run(true))
    end
  end)
end)

describe("fit and evaluate", function()
  local function task()
    luron.seed(1)
    local x = luron.randn(200, 2)
    return data.tensors(x, x:sum(2):gt(0):long() + 1), nn.Sequential { nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2) }
  end

  it("learns and says how it went", function()
    local ds, model = task()
    local opt = luron.optim.Adam(model, { lr = 0.02 })
    local history = luron.fit(model, ds, { epochs = 15, batch = 20, optim = opt, validate = ds, progress = false })
    assert.equal(15, #history)
    assert.is_true(history[15].loss < history[1].loss)
    assert.is_true(history[15].validation.accuracy > 0.95)
    local result = luron.evaluate(model, ds, { batch = 7 })
    assert.equal(200, result.n)
    assert.is_true(math.abs(result.loss - history[15].validation.loss) < 1e-6)
  end)

  it("stops when a callback says so, and keeps the mode of the model", function()
    local ds, model = task()
    local function two(entry) return entry.epoch == 2 and "stop" or nil end
    local history = luron.fit(model, ds, { epochs = 5, progress = false, callbacks = { two } })
    assert.equal(2, #history)
    assert.is_true(model:is_training())
    luron.evaluate(model, ds)
    assert.is_true(model:is_training())
  end)

  it("fits regressions with a loss by name or a function", function()
    luron.seed(2)
    local x = luron.randn(64, 3)
    local ds = data.tensors(x, x:sum(2, true))
    local model = nn.Sequential { nn.Linear(3, 1) }
    local opt = luron.optim.SGD(model, { lr = 0.1 })
    luron.fit(model, ds, { epochs = 30, batch = 16, loss = "mse_loss", optim = opt, progress = false })
    local result = luron.evaluate(model, ds, { loss = function(a, b) return ((a - b) ^ 2):mean() end })
    assert.is_true(result.loss < 1e-3)
    assert.is_nil(result.accuracy)
  end)

  it("asks for the loss where the targets are no class ids", function()
    local x = luron.randn(8, 2)
    local ds, model = data.tensors(x, x:sum(2, true)), nn.Sequential { nn.Linear(2, 1) }
    for _, fn in ipairs { luron.fit, luron.evaluate } do
      local ok, message = pcall(function() return fn(model, ds, {}) end)
      assert.is_false(ok)
      assert.matches("data_spec.lua:%d+: .*loss: the targets are float32 and no class ids: name it, 'mse_loss'", message)
    end
  end)

  it("refuses wrong options at the caller's line", function()
    local ds, model = task()
    local ok, message = pcall(function() luron.fit(model, ds, { epoch = 3 }) end)
    assert.is_false(ok)
    assert.matches("data_spec.lua:%d+: bad argument #3 to 'fit' %(no option 'epoch'; options: accumulate, activity, batch, callbacks", message)
    ok, message = pcall(function() luron.fit(model, ds, { epochs = "3" }) end)
    assert.is_false(ok)
    assert.matches("data_spec.lua:%d+: bad argument #3 to 'fit' %(epochs: positive integer expected, got '3'", message)
    local function fails(text, fn, ...) assert.matches(text, select(2, pcall(fn, ...)), 1, true) end
    fails("options: table expected, got a dataset or loader: give { validate = dataset }", luron.fit, model, ds, ds)
    fails("options: table expected, got a dataset or loader)", luron.evaluate, model, ds, ds:loader())
    fails("optim: optimiser expected, got 'adam': give optim = luron.optim.Adam(model)", luron.fit, model, ds, { optim = "adam" })
    fails("optim: optimiser expected, got function: give optim = luron.optim.AdamW(model)", luron.fit, model, ds, { optim = luron.optim.SGD })
    fails("a loop takes its batches from a loader: for x, y in ds:loader { batch = 64 } do", function() for _ in ds do error "?" end end)
  end)
end)

describe("files of images", function()
  it("that are missing or damaged give nil, message and code", function()
    local set, message, code = data.mnist "/nonexistent"
    assert.is_nil(set)
    assert.matches("/nonexistent", message)
    assert.equal("IO", code)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write "\0\0\8\3\0\0\0\2\0\0\0\28\0\0\0\28 too short"
    file:close()
    set, message, code = data.idx(path)
    os.remove(path)
    assert.is_nil(set)
    assert.matches(path, message, 1, true)
    assert.equal("FORMAT", code)
  end)

  it("of CIFAR-10 are those of the batches that are there", function()
    local dir = os.tmpname()
    os.remove(dir)
    assert(os.execute("mkdir " .. dir))
    local function write(name, labels)
      local file <close> = assert(io.open(dir .. "/" .. name, "wb"))
      for label in labels:gmatch "%d" do file:write(string.char(label), ("\0\51\255"):rep(1024)) end
    end
    write("data_batch_1.bin", "09")
    local set, message, code = data.cifar10(dir)
    assert.is_nil(set)
    assert.matches("test_batch.bin", message, 1, true)
    assert.equal("IO", code)
    write("test_batch.bin", "3")
    write("some.bin", "21")
    write("data_batch_3.bin", "5")
    local train, test = data.cifar10(dir)
    assert.equal("CIFAR-10 train: 3 examples: (3, 3, 32, 32) uint8; (3,) int64; classes airplane, automobile, bird, cat, deer, dog, frog, horse, ship, "
      .. "truck; 2 of 5 batches; labels count from 1", tostring(train))
    local x, y = train:batch(1, 3)
    assert.same({ 1, 10, 6 }, y:totable())
    assert.same({ 0.0, luron.tensor(0.2):item(), 1.0 }, x[{ 2, 1, 1, { 1, 3 } }]:totable())
    assert.equal("cat", test.classes[test[1][2]:item()])
    assert.same({ 3, 2 }, select(2, data.cifar10(dir, { test = "some.bin" })).tensors[2]:totable())
    write("data_batch_1.bin", "")
    assert.equal("FORMAT", select(3, data.cifar10(dir)))
    assert.has_error(function() data.cifar10() end, "bad argument #1 to 'cifar10' (dir: string expected, got nil)")
    assert.has_error(function() data.cifar10(dir, { tset = 1 }) end, "bad argument #2 to 'cifar10' (no option 'tset'; options: test)")
    assert.has_error(function() data.cifar10(dir, "some.bin") end, "bad argument #2 to 'cifar10' (options: table expected, got 'some.bin')")
    assert.has_error(function() data.cifar10(dir, { test = 1 }) end, "bad argument #2 to 'cifar10' (test: string expected, got 1)")
    assert(os.execute("rm -r " .. dir))
  end)

  it("are read with labels from 1", function()
    local train, test = data.fashion_mnist()
    if not train then
      pending("Fashion-MNIST is not here: " .. test)
      return
    end
    assert.equal(60000, #train)
    assert.equal(10000, #test)
    local x, y = train:batch(1, 100)
    assert.same({ 100, 1, 28, 28 }, x:shape())
    assert.equal("float32", x:dtype())
    assert.equal(1, x:amax():item())
    assert.is_true(y:amin():item() >= 1 and y:amax():item() == 10)
    assert.equal("Ankle boot", train.classes[y[1]:item()])
    assert.matches("labels count from 1", tostring(train))
  end)
end)

describe("tables of numbers and words", function()
  local function csv(text, options)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    local result, message = data.csv(path, options)
    os.remove(path)
    return assert(result, message)
  end

  it("give data, columns and ids with their classes", function()
    local t = csv "size,weight,kind\n1,2.5,pear\n3,NA,apple\n"
    assert.same({ "size", "weight" }, t.columns)
    assert.same({ 2, 2 }, t.data:shape())
    assert.same({ 1.0, 3.0 }, t.data:select(2, 1):totable())
    assert.is_true(t.data[2][2]:isnan():item())
    assert.same({ 2, 1 }, t.ids.kind:totable())
    assert.same({ "apple", "pear" }, t.classes.kind)
    assert.is_nil(t.target)
  end)

  it("give the target beside the data, numbers or classes", function()
    local number = csv("a,b,y\n1,2,30\n4,5,60\n", { target = "y" })
    assert.same({ { 1.0, 2.0 }, { 4.0, 5.0 } }, number.data:totable())
    assert.same({ "a", "b" }, number.columns)
    assert.same({ 30.0, 60.0 }, number.target:totable())
    local class = csv("1,2,0\n4,5,1\n", { header = "no", target = "column3", target_kind = "classes" })
    assert.same({ 2, 2 }, class.data:shape())
    assert.same({ 1, 2 }, class.target:totable())
    assert.same({ "0", "1" }, class.classes.target)
    assert.same({}, class.ids)
  end)
end)

describe("the progress line", function()
  local progress = require "luron.progress"
  it("writes numbers and durations for people", function()
    assert.equal("1,234,567", progress.thousands(1234567))
    assert.equal("999", progress.thousands(999))
    assert.equal("0 s", progress.duration(0.2))
    assert.equal("59 s", progress.duration(59))
    assert.equal("2 min 05 s", progress.duration(125))
    assert.equal("1 h 01 min", progress.duration(3660))
  end)
end)
