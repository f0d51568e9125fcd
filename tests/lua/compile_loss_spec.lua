-- luron.compile: a loss at which backward begins makes its gradient in the same pass; where it does not begin there the two are
-- done as they are written. Loss and gradients have the same bits in either way.
local luron = require "luron"
local nn = luron.nn

local function ids(n, classes) return luron.arange(n):remainder(classes):long() + 1 end
local function plain(loss) return loss end
local function half(loss) return loss * 0.5 end
local function summed(loss) return loss:sum() end

local function ce(options)
  local loss = nn.CrossEntropyLoss(options)
  return function(y, n, w) return loss(y, ids(n, 3), w) end
end
local function class_weights(dtype) return luron.tensor({ 0.3, 1.7, 0.9 }):to(dtype) end
local l1, none = nn.L1Loss { reduction = "sum" }, nn.CrossEntropyLoss { reduction = "none" }
local nll, kl = nn.NLLLoss { ignore_index = 1 }, nn.KLDivLoss { reduction = "batchmean" }

-- name, logits' shape behind the batch, loss(y, n, weights), what backward begins at, weights(dtype).
local cases = {
  { "cross entropy", { 3 }, ce {} },
  { "two classes", { 2 }, function(y, n) return nn.cross_entropy(y, ids(n, 2)) end },
  { "many classes", { 300 }, function(y, n) return nn.cross_entropy(y, ids(n, 300)) end },
  { "places", { 3, 5 }, function(y, n) return nn.cross_entropy(y, ids(n * 5, 3):reshape(n, 5)) end },
  { "sum", { 3 }, ce { reduction = "sum" } },
  { "smoothed", { 3 }, ce { label_smoothing = 0.1 } },
  { "some ignored", { 3 }, ce { ignore_index = 2 } },
  { "weights", { 3 }, ce {}, plain, class_weights },
  { "all of it", { 3 }, ce { label_smoothing = 0.2, ignore_index = 1 }, plain, class_weights },
  { "each", { 3 }, function(y, n) return none(y, ids(n, 3)) end, summed },
  { "half of it", { 3 }, ce {}, half },
  { "nll", { 3 }, function(y, n) return nn.nll_loss(y:log_softmax(2), ids(n, 3)) end },
  { "nll, weights", { 3 }, function(y, n, w) return nll(y:log_softmax(2), ids(n, 3), w) end, plain, class_weights },
  { "soft", { 3 }, function(y) return nn.soft_cross_entropy(y, y:detach():softmax(2)) end },
  { "mse", { 7 }, function(y) return nn.mse_loss(y, y:detach() * y:detach()) end },
  { "mse, both ways", { 7 }, function(y) return nn.mse_loss(y * 2, y) end },
  { "mse, half", { 7 }, function(y) return nn.mse_loss(y, y:detach() + 1) end, half },
  { "l1, sum", { 7 }, function(y) return l1(y, y:detach() * y:detach()) end },
  { "huber", { 7 }, function(y) return nn.huber_loss(y, y:detach() * 3) end },
  { "bce", { 7 }, function(y) return nn.bce_loss(y:sigmoid(), y:detach():sigmoid():round()) end },
  { "bce with logits", { 7 }, function(y) return nn.bce_with_logits_loss(y, y:detach():gt(0):to(y:dtype())) end },
  { "bce, weights", { 7 }, function(y, _, w) return nn.bce_with_logits_loss(y, y:detach():gt(0):to(y:dtype()), w, w) end, plain,
    function(dtype) return luron.full(0.5, 1, 7):to(dtype) end },
  { "kl", { 3 }, function(y) return kl(y:log_softmax(2), y:detach():neg():softmax(2)) end },
}

describe("a compiled step with its loss", function()
  local threads = luron.threads()
  after_each(function() luron.threads(threads) end)

  for _, case in ipairs(cases) do
    local name, shape, loss_of, root = case[1], case[2], case[3], case[4] or plain
    for _, dtype in ipairs { "float32", "float64" } do
      it(("has the bits of the step, %s, %s"):format(name, dtype), function()
        luron.seed(5)
        local size = 1
        for _, s in ipairs(shape) do size = size * s end
        local w = luron.randn(4, size):to(dtype):requires_grad_()
        local weights = case[5] and case[5](dtype)
        local function step(x)
          local n = x:size(1)
          w:zero_grad()
          local loss = loss_of(x:matmul(w):reshape(n, table.unpack(shape)), n, weights)
          root(loss):backward()
          return loss:detach()
        end
        local compiled = luron.compile(step)
        for i = 1, 6 do
          local n = i % 2 == 0 and 37 or 2 -- several chunks, and one
          luron.threads(1 + i % 3)
          local x = luron.randn(n, 4):to(dtype)
          local expect = { step(x), w:grad():clone() }
          local got = { compiled(x), w:grad():clone() }
          for k = 1, 2 do assert.are.equal(expect[k]:tobytes(), got[k]:tobytes()) end
        end
        assert.is_truthy(luron.explain(compiled):find("planned", 1, true))
      end)
    end
  end

  it("tells of a target that is none, and goes on", function()
    local w = luron.ones(4, 3):requires_grad_()
    local step = luron.compile(function(x, t)
      w:zero_grad()
      local loss = nn.cross_entropy(x:matmul(w), t)
      loss:backward()
      return loss:detach()
    end)
    local x = luron.ones(6, 4)
    for _ = 1, 4 do step(x, ids(6, 3)) end
    local before = w:grad():tobytes()
    local ok, why = pcall(step, x, ids(6, 3) + 1)
    assert.is_false(ok)
    assert.is_truthy(tostring(why):find("3 classes", 1, true) or tostring(why):find("4", 1, true))
    step(x, ids(6, 3))
    assert.are.equal(before, w:grad():tobytes())
  end)
end)
