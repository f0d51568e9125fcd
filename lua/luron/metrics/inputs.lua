--- What metrics are given: checks, and the forms that they compute with.
local core = require "luron.core"

local inputs = {}

function inputs.fail(self, ...) core.raise(self.type .. ": " .. string.format(...)) end

local function shape(x) return "(" .. table.concat(x:shape(), ", ") .. ")" end

function inputs.check(self, pred, target)
  if not core.is_tensor(pred) then inputs.fail(self, "pred: tensor expected, got %s", core.got(pred)) end
  if not core.is_tensor(target) then inputs.fail(self, "target: tensor expected, got %s", core.got(target)) end
end

-- Is b the shape of a without dim `at`?
local function is_without(a, at, b)
  if a:dim() ~= b:dim() + 1 then return false end
  for d = 1, b:dim() do
    if b:size(d) ~= a:size(d < at and d or d + 1) then return false end
  end
  return true
end

--- Both in one shape: a column (n, 1) stands for (n).
function inputs.same(self, pred, target)
  inputs.check(self, pred, target)
  if pred:dim() == 2 and pred:size(2) == 1 and target:dim() == 1 then pred = pred:reshape(-1) end
  if target:dim() == 2 and target:size(2) == 1 and pred:dim() == 1 then target = target:reshape(-1) end
  if shape(pred) ~= shape(target) then inputs.fail(self, "target has the shape %s, pred %s: the two must have one", shape(target), shape(pred)) end
  return pred:detach(), target:detach()
end

--- Do the targets say yes or no to each number of pred, and are no ids?
function inputs.is_binary(target) return core.is_tensor(target) and (target:is_floating() or target:dtype() == "bool") end

local function check_ids(self, name, ids, n)
  if ids:numel() == 0 then return end
  local low, high = ids:amin():item(), ids:amax():item()
  if low < 1 or high > n then inputs.fail(self, "%s has the id %d, not within the %d classes that there are: ids count from 1", name, low < 1 and low or high, n) end
end

--- Rows of scores (m, classes) and their ids (m), without those that are ignored. Scores (n, classes, ...) or (classes).
function inputs.rows(self, pred, target)
  inputs.check(self, pred, target)
  local at = pred:dim() > 1 and 2 or 1
  if inputs.is_binary(target) then inputs.fail(self, "target: class ids expected, got %s", target:dtype()) end
  if not pred:is_floating() or not is_without(pred, at, target) then
    inputs.fail(self, "pred (n, classes, ...) and target (n, ...) expected, got %s %s and %s", pred:dtype(), shape(pred), shape(target))
  end
  local classes = pred:size(at)
  local scores = pred:detach():movedim(at, -1):reshape(target:numel(), classes)
  local ids = target:detach():to("int64"):reshape(-1)
  if self.options.ignore_index then
    local kept = ids:ne(self.options.ignore_index):nonzero():reshape(-1)
    scores, ids = scores:index_select(1, kept), ids:index_select(1, kept)
  end
  check_ids(self, "target", ids, classes)
  return scores, ids, classes
end

--- Ids said and true (m), and how many classes there are at least: from scores of classes, from ids, or from numbers against the
--- threshold where the targets are 0 and 1 (then 1 is no and 2 is yes).
function inputs.ids(self, pred, target)
  inputs.check(self, pred, target)
  if inputs.is_binary(target) then
    pred, target = inputs.same(self, pred, target)
    local said = pred:dtype() == "bool" and pred or pred:gt(self.options.threshold or 0.5)
    return said:to("int64"):reshape(-1) + 1, target:to("float64"):gt(0.5):to("int64"):reshape(-1) + 1, 2
  end
  if pred:is_floating() then
    local scores, ids, classes = inputs.rows(self, pred, target)
    return scores:argmax(2), ids, classes
  end
  pred, target = inputs.same(self, pred, target)
  pred, target = pred:to("int64"):reshape(-1), target:to("int64"):reshape(-1)
  if self.options.ignore_index then
    local kept = target:ne(self.options.ignore_index):nonzero():reshape(-1)
    pred, target = pred:index_select(1, kept), target:index_select(1, kept)
  end
  local most = target:numel() == 0 and 1 or math.max(pred:amax():item(), target:amax():item(), 1)
  check_ids(self, "pred", pred, most)
  check_ids(self, "target", target, most)
  return pred, target, most
end

return inputs
