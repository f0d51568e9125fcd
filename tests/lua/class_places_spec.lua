-- Losses over the classes of images: places beside each other, of which many are computed at once, give what rows give.
local luron = require "luron"
local nn = luron.nn

local N, CLASSES, H, W = 2, 5, 18, 17 -- more places than are computed at once

-- The loss and the gradient of x, after two backward passes that add up.
local function result_of(loss, x, target, weight)
  x:requires_grad_()
  for _ = 1, 2 do
    local y = loss(x, target, weight)
    y:backward(luron.full_like(y:detach(), 0.5))
  end
  return luron.no_grad(function() return loss(x, target, weight) end), x:grad()
end

local function rows_of(x) return x:permute(1, 3, 4, 2):reshape(-1, CLASSES):contiguous() end

local cases = {
  { "CrossEntropyLoss" }, { "CrossEntropyLoss", { label_smoothing = 0.2 } }, { "CrossEntropyLoss", { reduction = "none", ignore_index = 2 } },
  { "CrossEntropyLoss", { ignore_index = 3, label_smoothing = 0.1 }, weighed = true }, { "CrossEntropyLoss", { reduction = "sum" }, weighed = true },
  { "NLLLoss" }, { "NLLLoss", { reduction = "none", ignore_index = 2 } }, { "NLLLoss", {}, weighed = true },
  { "SoftCrossEntropyLoss", { label_smoothing = 0.2 }, soft = true }, { "SoftCrossEntropyLoss", { reduction = "none" }, weighed = true, soft = true },
}

describe("losses over classes of images", function()
  for _, dtype in ipairs { "float32", "float64" } do
    for i, case in ipairs(cases) do
      it(string.format("give what rows give: %s %d, %s", case[1], i, dtype), function()
        luron.seed(i)
        local loss = nn[case[1]](case[2] or {})
        local x = luron.randn(N, CLASSES, H, W):to(dtype)
        local weight = case.weighed and (luron.rand(CLASSES) + 0.5):to(dtype) or nil
        local target = case.soft and luron.rand(N, CLASSES, H, W):to(dtype) or luron.randint(1, CLASSES, N, H, W)
        local a, gradient = result_of(loss, x:clone(), target, weight)
        local b, by_rows = result_of(loss, rows_of(x), case.soft and rows_of(target) or target:reshape(-1), weight)
        local close = dtype == "float32" and 1e-5 or 1e-12
        assert.is_true(luron.allclose(a:reshape(-1), b:reshape(-1), { rtol = close, atol = close }))
        assert.is_true(luron.allclose(rows_of(gradient), by_rows, { rtol = close, atol = close / 10 }))
      end)
    end
  end
end)

describe("attention", function()
  it("gives NaN to the query that meets one, and to no other", function()
    luron.seed(1)
    local q, k, v = luron.randn(1, 3, 8), luron.randn(1, 19, 8), luron.randn(1, 19, 8)
    local mask = luron.zeros(3, 19)
    mask:narrow(1, 2, 1):narrow(2, 7, 1):fill_(0 / 0)
    local y, plain = nn.scaled_dot_product_attention(q, k, v, mask), nn.scaled_dot_product_attention(q, k, v)
    for row = 1, 3 do
      local got = y:narrow(2, row, 1)
      if row == 2 then
        assert.is_true(got:isnan():all():item())
      else
        assert.is_true(luron.allclose(got, plain:narrow(2, row, 1)))
      end
    end
  end)
end)
