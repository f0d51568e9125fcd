--- Metrics of scores and probabilities: areas under curves, which keep every score, and likelihoods.
local core = require "luron.core"
local inputs = require "luron.metrics.inputs"

-- Scores and yes or no (m, columns) in float64: a column of yes-or-no, of each class against the others, or of each label.
local function columns(self, pred, target)
  if inputs.is_binary(target) then
    pred, target = inputs.same(self, pred, target)
    local n = pred:dim() > 1 and pred:size(2) or 1
    return pred:to("float64"):reshape(-1, n), target:to("float64"):gt(0.5):to("float64"):reshape(-1, n)
  end
  local scores, ids, classes = inputs.rows(self, pred, target)
  local is = core.one_hot(ids, classes):to "float64"
  scores = scores:to "float64"
  if classes == 2 then return scores:narrow(2, 2, 1), is:narrow(2, 2, 1) end
  return scores, is
end

local function keep(self, pred, target)
  local scores, is = columns(self, pred, target)
  if scores:numel() == 0 then return end
  if scores:isnan():any():item() then inputs.fail(self, "pred has NaN in it") end
  local state = self.state
  state.scores, state.is = state.scores or {}, state.is or {}
  if state.is[1] and state.is[1]:size(2) ~= is:size(2) then inputs.fail(self, "%d classes, and before there were %d", is:size(2), state.is[1]:size(2)) end
  state.scores[#state.scores + 1], state.is[#state.is + 1] = scores:clone(), is
  state.n = state.n + #scores
end

-- How many with a score of at least each threshold are right and wrong, from 0 on; the thresholds fall.
local function steps(scores, is)
  local n = #scores
  local sorted, order = scores:sort(1, true)
  is = is:index_select(1, order)
  local last = core.cat({ sorted:narrow(1, 1, n - 1):ne(sorted:narrow(1, 2, n - 1)), core.ones(1, { dtype = "bool" }) }, 1):nonzero():reshape(-1)
  local zero = core.zeros(1, { dtype = "float64" })
  return core.cat({ zero, is:cumsum(1):index_select(1, last) }, 1), core.cat({ zero, (1 - is):cumsum(1):index_select(1, last) }, 1)
end

-- The area by the trapezoidal rule: the chance that a yes scores above a no. NaN where either is missing.
local function roc(scores, is)
  local right, wrong = steps(scores, is)
  local n = #right - 1
  local high = right:narrow(1, 2, n) + right:narrow(1, 1, n)
  return (wrong:diff() * high):sum() / (2 * right[-1] * wrong[-1])
end

-- Average precision: the mean of the precisions at each yes, without interpolation.
local function pr(scores, is)
  local right, wrong = steps(scores, is)
  local tp, fp = right:narrow(1, 2, #right - 1), wrong:narrow(1, 2, #right - 1)
  return (right:diff() * tp / (tp + fp)):sum() / right[-1]
end

local function area(name, of)
  return { name = name, mode = "max", options = { average = { { "macro", "weighted", "none" }, "macro" }, ignore_index = { "id" } }, update = keep,
    value = function(self)
      local scores, is = core.cat(self.state.scores, 1), core.cat(self.state.is, 1)
      local each = {}
      for j = 1, is:size(2) do each[j] = of(scores:select(2, j):contiguous(), is:select(2, j):contiguous()) end
      each = core.stack(each, 1)
      if #each == 1 then return each[1] end
      if self.options.average == "none" then return each end
      if self.options.average == "macro" then return each:mean() end
      local weight = is:sum(1)
      return (each * weight):sum() / weight:sum()
    end }
end

local function add(self, sum, n) self.state.sum, self.state.n = (self.state.sum or 0) + sum, self.state.n + n end

local function log(p) return p:clamp(0x1p-52, 1 - 0x1p-52):log() end

local function log_loss(self, pred, target)
  local loss
  if inputs.is_binary(target) then
    local is
    pred, is = inputs.same(self, pred, target)
    pred, is = pred:to("float64"):reshape(-1), is:to("float64"):reshape(-1)
    loss = is * log(pred) + (1 - is) * log(1 - pred)
  else
    local ids
    pred, ids = inputs.rows(self, pred, target)
    pred = pred:to "float64"
    loss = log(pred:gather(2, ids:unsqueeze(2)))
  end
  if loss:numel() == 0 then return end
  if not pred:ge(0):logical_and(pred:le(1)):all():item() then inputs.fail(self, "pred: probabilities from 0 to 1 expected; Perplexity takes logits") end
  add(self, -loss:sum():item(), loss:numel())
end

return {
  ROCAUC = area("roc_auc", roc),
  PRAUC = area("pr_auc", pr),
  LogLoss = { name = "log_loss", mode = "min", options = { ignore_index = { "id" } }, update = log_loss,
    value = function(self) return self.state.sum / self.state.n end },
  Perplexity = { name = "perplexity", mode = "min", options = { ignore_index = { "id" } },
    update = function(self, pred, target)
      local scores, ids = inputs.rows(self, pred, target)
      if #ids == 0 then return end
      add(self, -scores:to("float64"):log_softmax(2):gather(2, ids:unsqueeze(2)):sum():item(), #ids)
    end,
    value = function(self) return math.exp(self.state.sum / self.state.n) end },
}
