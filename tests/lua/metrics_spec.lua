-- luron.metrics against values by their definitions (tests/data/make_metrics.py), in batches, and within evaluate and fit.
local luron = require "luron"
local nn, metrics = luron.nn, luron.metrics
local stored = dofile((os.getenv "LURON_TEST_SOURCE" or ".") .. "/tests/data/metrics_values.lua")

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end

local function close(want, got, name)
  if luron.is_tensor(got) then got = got:totable() end
  if type(want) ~= "table" then
    assert.is_true(math.abs(want - got) <= 1e-12 * math.max(1, math.abs(want)), string.format("%s: %.17g expected, got %.17g", name, want, got))
    return
  end
  for i, value in ipairs(want) do close(value, got[i], name .. " [" .. i .. "]") end
end

-- The value from all at once, and from unequal batches, one of them empty; and again after reset.
local function check(name, options, want, pred, target)
  local metric, n = metrics[name](options), #pred
  local title = tostring(metric)
  close(want, metric:update(pred, target):value(), title)
  for _ = 1, 2 do
    metric:reset()
    local at = 1
    for _, size in ipairs { 1, 12, 0, n - 13 } do
      metric:update(pred:narrow(1, at, size), target:narrow(1, at, size))
      at = at + size
    end
    close(want, metric:value(), title .. " in batches")
  end
end

-- Those with averages, and those without, of a set of stored values.
local function check_set(values, pred, target)
  local n = 0
  for name, want in pairs(values) do
    local options = name == "FBeta" and { beta = 2 } or name == "TopK" and { k = 2 } or {}
    local base, weights = name:match "^(CohenKappa)_(%w+)$"
    if type(want) == "table" and want.macro then
      for average, value in pairs(want) do
        options.average, n = average, n + 1
        check(name, options, value, pred, target)
      end
    else
      options.weights, n = weights, n + 1
      check(base or name, options, want, pred, target)
    end
  end
  return n
end

describe("metrics", function()
  for _, dtype in ipairs { "float32", "float64" } do
    it("of several classes, " .. dtype, function()
      local set = stored.many
      local scores, ids, values = luron.tensor(set.scores, { dtype = dtype }), luron.tensor(set.ids), {}
      for name, value in pairs(set.values) do values[name] = value end
      local ranks = { ROCAUC = values.ROCAUC, PRAUC = values.PRAUC }
      if dtype == "float64" then close(values.Perplexity, metrics.Perplexity():update(scores, ids):value(), "perplexity") end
      for _, name in ipairs { "ROCAUC", "PRAUC", "Perplexity" } do values[name] = nil end
      assert.equal(36, check_set(values, scores, ids))
      assert.equal(6, check_set(ranks, scores:narrow(2, 1, 3), ids)) -- the last class is never so
      -- Ids in place of scores; images in place of rows; what is ignored.
      values.TopK = nil
      check_set({ MCC = values.MCC, Accuracy = values.Accuracy, F1 = values.F1 }, scores:argmax(2), ids)
      local image = scores:reshape(2, 20, 4):movedim(3, 2)
      close(values.F1.macro, metrics.F1():update(image, ids:reshape(2, 20)):value(), "images")
      local some, rest = ids:clone(), metrics.Accuracy { ignore_index = -100 }
      some[1], some[40] = -100, -100
      rest:update(scores, some)
      close(metrics.Accuracy():update(scores:narrow(1, 2, 38), ids:narrow(1, 2, 38)):value(), rest:value(), "ignored")
    end)
  end

  it("of yes and no", function()
    local set = stored.two
    local scores, yes = luron.tensor(set.scores, { dtype = "float64" }), luron.tensor(set.yes)
    local loss = set.values.LogLoss
    set.values.LogLoss = nil
    for _, target in ipairs { yes:to "float32", yes:to "bool" } do assert.equal(44, check_set(set.values, scores, target)) end
    check("F1", {}, set.values.F1.binary, scores:reshape(-1, 1), yes:to "float32") -- binary where there are two
    local inside = luron.tensor(set.inside, { dtype = "float64" })
    check("LogLoss", {}, loss, inside, yes:to "float64")
    local both = luron.stack({ 1 - inside, inside }, 2)
    check("LogLoss", {}, loss, both, yes + 1)
    close(set.values.ROCAUC, metrics.ROCAUC():update(luron.stack({ 1 - scores, scores }, 2), yes + 1):value(), "columns of two")
  end)

  it("of numbers", function()
    local set = stored.numbers
    local a, b = luron.tensor(set.a, { dtype = "float64" }), luron.tensor(set.b, { dtype = "float64" })
    assert.equal(6, check_set(set.values, a, b))
    close(set.values.MAE, metrics.MAE():update(a:to "float32", b:to "float32"):value(), "float32")
    local far = luron.arange(1000):to "float64"
    close(1, metrics.Pearson():update(far + 1e9, far * 2 + 1e9):value(), "far from 0")
    assert.equal(0, metrics.MAE():update(luron.ones(3, 1), luron.ones(3)):value()) -- a column is no (3, 3)
  end)

  it("of sequences", function()
    local said, is = {}, {}
    for i, pair in ipairs(stored.text.pairs) do said[i], is[i] = pair[1], pair[2] end
    for _, name in ipairs { "EditDistance", "WER", "CER" } do
      local metric = metrics[name]():update(said, is)
      close(stored.text[name], metric:value(), name)
      metric:reset()
      for i = 1, #said do metric:update(said[i], is[i]) end
      close(stored.text[name], metric:value(), name .. " one by one")
    end
    assert.equal(2, metrics.EditDistance():update(luron.tensor { 1, 2, 3 }, luron.tensor { 2, 3, 4 }):value())
    assert.equal(1, metrics.EditDistance():update({ { "a", "b" } }, { { "a" } }):value())
  end)

  it("print", function()
    local metric = metrics.ConfusionMatrix { classes = { "cat", "dog" } }:update(luron.tensor { 1, 2, 2, 2 }, luron.tensor { 1, 1, 2, 2 })
    assert.equal([[
ConfusionMatrix(normalize = none, threshold = 0.5)
rows: what is so, columns: what was said
    | cat dog
cat |   1   1
dog |   0   2]], tostring(metric))
    close({ { 0.5, 0.5 }, { 0, 1 } }, metrics.ConfusionMatrix { normalize = "true" }:update(luron.tensor { 1, 2, 2, 2 }, luron.tensor { 1, 1, 2, 2 }):value(), "normal")
    assert.equal("F1(average = auto, threshold = 0.5)", tostring(metrics.F1()))
  end)

  it("refuse", function()
    local scores, ids = luron.rand(4, 3), luron.tensor { 1, 2, 3, 1 }
    fails("luron.metrics has no 'F2'; did you mean 'F1'", function() return metrics.F2 end)
    fails("luron.metrics has no 'AUC'; here it is luron.metrics.ROCAUC or PRAUC", function() return metrics.AUC end)
    fails("no option 'k'; options: average, ignore_index, threshold", metrics.F1, { k = 3 })
    fails("average: one of auto, binary, macro, micro, weighted, none expected, got 'mean'", metrics.F1, { average = "mean" })
    fails("F1: value: nothing was taken in", metrics.F1().value, metrics.F1())
    fails("F1: target has the id 4, not within the 3 classes", function() metrics.F1():update(scores, ids + 1) end)
    fails("Accuracy: target has the id 0, not within the 3 classes", function() metrics.Accuracy():update(scores, ids - 1) end)
    fails("pred (n, classes, ...) and target (n, ...) expected, got float32 (4, 3) and (3)", function() metrics.F1():update(scores, ids:narrow(1, 1, 3)) end)
    fails("average = 'binary' is for two classes, and there are 3", function() metrics.F1 { average = "binary" }:update(scores, ids):value() end)
    fails("LogLoss: pred: probabilities from 0 to 1 expected", function() metrics.LogLoss():update(scores * 3 - 2, ids) end)
    fails("ROCAUC: pred has NaN", function() metrics.ROCAUC():update(scores * (0 / 0), ids) end)
    fails("MAE: target has the shape (3), pred (4)", function() metrics.MAE():update(luron.ones(4), luron.ones(3)) end)
    fails("MAE: pred: tensor expected, got 3", function() metrics.MAE():update(3, luron.ones(3)) end)
    fails("WER: text, tensor of ids, or list of these expected in a list, got true", function() metrics.WER():update({ true }, { "a" }) end)
    fails("WER: target has 1 sequences, pred 2", function() metrics.WER():update({ "a", "b" }, { "a" }) end)
    local same = luron.full(0.1, 3)
    assert.are.equal(0.0, metrics.R2():update(luron.rand(3), same):value()) -- scikit-learn's, and not -inf or NaN
    assert.are.equal(1.0, metrics.R2():update(same, same):value())
    assert.is_true(math.type(metrics.ROCAUC():update(luron.rand(3), luron.ones(3)):value()) == "float") -- NaN: there is no no
  end)
end)

describe("evaluate and fit", function()
  local function task()
    luron.seed(3)
    local x = luron.randn(60, 2)
    return luron.data.tensors(x, x:sum(2):gt(0):to "int64" + 1)
  end

  it("take metrics by name", function()
    local ds, net = task(), nn.Linear(2, 2)
    local got = luron.evaluate(net, ds, { batch = 7, metrics = { "F1", "ConfusionMatrix", top = metrics.TopK { k = 2 } } })
    assert.equal(1, got.top)
    assert.equal(60, got.confusion_matrix:sum():item())
    fails("metrics: name or metric expected at 1, got 3", luron.evaluate, net, ds, { metrics = { 3 } })
    fails("metrics: there are two of the name 'f1'", luron.evaluate, net, ds, { metrics = { "F1", metrics.F1() } })
    fails("metrics: 'loss' is the name of something else", luron.evaluate, net, ds, { metrics = { loss = "F1" } })
    fails("metrics: they are of the validation: give validate", luron.fit, net, ds, { metrics = { "F1" } })
  end)

  it("watch them", function()
    local ds, net = task(), nn.Linear(2, 2)
    local opt = luron.optim.SGD(net, { lr = 0.5 })
    local history = luron.fit(net, ds, { epochs = 40, optim = opt, progress = false, validate = ds, metrics = { "MCC", "ConfusionMatrix" },
      early_stop = { metric = "mcc", patience = 3 }, schedule = luron.schedule.ReduceLROnPlateau(opt, { metric = "mcc", mode = "max", patience = 0 }) })
    assert.is_true(#history < 40)
    assert.is_true(history[#history].validation.mcc > 0.5)
    assert.is_true(opt.groups[1].lr < 0.5)
    assert.equal(60, history[1].validation.confusion_matrix[1][1] + history[1].validation.confusion_matrix[1][2]
      + history[1].validation.confusion_matrix[2][1] + history[1].validation.confusion_matrix[2][2])
    local path = os.tmpname()
    nn.Sequential { net }:save(path, { history = history }) -- tables, which a checkpoint takes
    assert.same(history, select(2, assert(luron.load(path))).history)
    os.remove(path)
    local function run(options)
      options.validate, options.progress, options.metrics = ds, false, { "MCC", "ConfusionMatrix", f1 = metrics.F1 { average = "none" } }
      luron.fit(net, ds, options)
    end
    fails("early_stop: no metric 'f2' to watch; there are: accuracy, f1, loss, mcc", run, { early_stop = { metric = "f2" } })
    fails("early_stop: no metric 'confusion_matrix' to watch", run, { early_stop = { metric = "confusion_matrix" } })
    fails("early_stop: f1 is no number", run, { early_stop = { metric = "f1" } })
    opt = luron.optim.SGD(net)
    fails("schedule: there is no metric 'kappa' here", run, { optim = opt, schedule = luron.schedule.ReduceLROnPlateau(opt, { metric = "kappa" }) })
  end)
end)
