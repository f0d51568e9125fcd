--- Metrics of classes. All but TopK keep one thing: how often class j was said where i is true, (classes, classes), int64.
local core = require "luron.core"
local inputs = require "luron.metrics.inputs"

local function count(self, pred, target)
  local said, true_ids, classes = inputs.ids(self, pred, target)
  local state = self.state
  local had = state.matrix and state.matrix:size(1) or 0
  if classes < had then classes = had end
  if #said > 0 then
    local counts = ((true_ids - 1) * classes + said):bincount(nil, classes * classes):reshape(classes, classes)
    if had > 0 then counts = counts + (had < classes and state.matrix:pad { { 0, classes - had }, { 0, classes - had } } or state.matrix) end
    state.matrix = counts
  end
  state.n = state.n + #said
end

-- a / b, 0 where b is.
local function share(a, b)
  local none = b:eq(0)
  return (a / b:masked_fill(none, 1)):masked_fill(none, 0)
end

-- { tp =, fp =, fn =, tn = } of each class, or of all together.
local function parts(matrix, together)
  local m = matrix:to "float64"
  local p = { tp = m:diagonal() }
  p.fn, p.fp = m:sum(2) - p.tp, m:sum(1) - p.tp
  p.tn = m:sum() - p.tp - p.fn - p.fp
  if together then
    for key, value in pairs(p) do p[key] = value:sum() end
  end
  return p
end

-- ratio(self, parts) gives what is divided and by what.
local function averaged(ratio)
  return function(self)
    local matrix, average = self.state.matrix, self.options.average
    local classes = matrix:size(1)
    if average == "auto" then average = classes <= 2 and "binary" or "macro" end
    if average == "micro" then return share(ratio(self, parts(matrix, true))) end
    local p = parts(matrix)
    local each = share(ratio(self, p))
    if average == "none" then return each end
    if average == "binary" then
      if classes > 2 then inputs.fail(self, "average = 'binary' is for two classes, and there are %d: macro, micro, weighted or none", classes) end
      return classes == 2 and each[2] or each[1] * 0
    end
    local weight = p.tp + p.fn
    if average == "macro" then weight = (weight + p.fp):gt(0):to "float64" end
    return (each * weight):sum() / weight:sum()
  end
end

local averages = { "auto", "binary", "macro", "micro", "weighted", "none" }
local function options(more)
  local list = { threshold = { "number", 0.5 }, ignore_index = { "id" } }
  for key, option in pairs(more or {}) do list[key] = option end
  return list
end
local function of_classes(name, ratio, more)
  local list = options(more)
  list.average = { averages, "auto" }
  return { name = name, mode = "max", options = list, update = count, value = averaged(ratio) }
end

local function f(beta_of)
  return function(self, p)
    local b = beta_of(self) ^ 2
    return p.tp * (1 + b), p.tp * (1 + b) + p.fn * b + p.fp
  end
end

local function accuracy(self) return self.state.matrix:trace():item() / self.state.n end

local classes = {
  Precision = of_classes("precision", function(_, p) return p.tp, p.tp + p.fp end),
  Recall = of_classes("recall", function(_, p) return p.tp, p.tp + p.fn end),
  Specificity = of_classes("specificity", function(_, p) return p.tn, p.tn + p.fp end),
  IoU = of_classes("iou", function(_, p) return p.tp, p.tp + p.fp + p.fn end),
  Dice = of_classes("dice", f(function() return 1 end)),
  F1 = of_classes("f1", f(function() return 1 end)),
  FBeta = of_classes("fbeta", f(function(self) return self.options.beta end), { beta = { "number", 1 } }),
  Accuracy = { name = "accuracy", mode = "max", options = options(), update = count, value = accuracy },
  Hamming = { name = "hamming", mode = "min", options = options(), update = count, value = function(self) return 1 - accuracy(self) end },
}

--- Matthews' correlation, of any number of classes (Gorodkin, 2004); 0 where it has no meaning.
classes.MCC = { name = "mcc", mode = "max", options = options(), update = count, value = function(self)
  local m = self.state.matrix:to "float64"
  local said, is, n = m:sum(1), m:sum(2), m:sum()
  local spread = ((n * n - (said * said):sum()) * (n * n - (is * is):sum())):sqrt()
  return share(m:trace() * n - (said * is):sum(), spread)
end }

classes.CohenKappa = { name = "kappa", mode = "max", options = options { weights = { { "none", "linear", "quadratic" }, "none" } }, update = count,
  value = function(self)
    local m, how = self.state.matrix:to "float64", self.options.weights
    local at = core.arange(m:size(1)):to "float64"
    local apart = (at:unsqueeze(1) - at:unsqueeze(2)):abs()
    if how == "none" then apart = apart:gt(0):to "float64" elseif how == "quadratic" then apart = apart * apart end
    local by_chance = m:sum(2):outer(m:sum(1)) / m:sum()
    return 1 - (apart * m):sum() / (apart * by_chance):sum()
  end }

classes.TopK = { name = "top_k", mode = "max", options = { k = { "positive integer", 5 }, ignore_index = { "id" } },
  update = function(self, pred, target)
    local scores, ids, n = inputs.rows(self, pred, target)
    local _, best = scores:topk(math.min(self.options.k, n), 2)
    self.state.right = (self.state.right or 0) + best:eq(ids:unsqueeze(2)):sum():item()
    self.state.n = self.state.n + #ids
  end,
  value = function(self) return self.state.right / self.state.n end }

-- Right-aligned columns: the names, then a row a class.
local function show(self, value)
  local n, given, width = value:size(1), self.options.classes or {}, 1
  local format = value:is_floating() and "%.3f" or "%d"
  local rows, head = value:totable(), {}
  for i = 1, n do
    head[i] = given[i] or tostring(i)
    width = math.max(width, utf8.len(head[i]) or #head[i])
    for j = 1, n do
      rows[i][j] = string.format(format, rows[i][j])
      width = math.max(width, #rows[i][j])
    end
  end
  local function line(first, cells)
    for j, cell in ipairs(cells) do cells[j] = string.rep(" ", width - (utf8.len(cell) or #cell)) .. cell end
    return string.rep(" ", width - (utf8.len(first) or #first)) .. first .. " | " .. table.concat(cells, " ")
  end
  local lines = { line("", { table.unpack(head) }) }
  for i = 1, n do lines[i + 1] = line(head[i], rows[i]) end
  return "rows: what is so, columns: what was said\n" .. table.concat(lines, "\n")
end

classes.ConfusionMatrix = { name = "confusion_matrix", update = count, show = show,
  options = options { normalize = { { "none", "true", "pred", "all" }, "none" }, classes = { "list of names" } },
  value = function(self)
    local m, how = self.state.matrix, self.options.normalize
    if how == "none" then return m:clone() end
    m = m:to "float64"
    if how == "all" then return m / m:sum() end
    return share(m, m:sum(how == "true" and 2 or 1, true):expand(m:shape()))
  end }

return classes
