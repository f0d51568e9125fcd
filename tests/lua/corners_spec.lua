-- Numbers at corners where only PyTorch's own (2.13, given here) say which are meant: ties, NaN, infinities, sizes that stay.
local luron = require "luron"
local nn = luron.nn
local nan, inf = 0 / 0, math.huge

-- The gradient of x under fn, whose result is one number or is summed.
local function slope(x, fn)
  local leaf = x:detach():requires_grad_()
  return (luron.grad(fn(leaf):sum(), leaf))
end
local function each_dtype(fn)
  for _, dtype in ipairs { "float32", "float64" } do fn(function(t) return luron.tensor(t, { dtype = dtype }) end) end
end

describe("a loss", function()
  it("hands on NaN as a gradient of NaN, beyond delta or beta too", function()
    each_dtype(function(tensor)
      local x, t = tensor { nan, 0.25, 5.0, -5.0 }, tensor { 0.0, 0.0, 0.0, 0.0 }
      for _, loss in ipairs { nn.huber_loss, nn.smooth_l1_loss } do
        local g = slope(x, function(v) return loss(v, t, { reduction = "none" }) end):totable()
        assert.is_true(g[1] ~= g[1])
        assert.same({ 0.25, 1.0, -1.0 }, { g[2], g[3], g[4] })
      end
    end)
  end)
  it("of several classes does not move what is just the margin away", function()
    each_dtype(function(tensor)
      local g = slope(tensor { { 1.0, 0.0, 0.5 } }, function(v) return nn.multi_margin_loss(v, luron.tensor { 1 }) end)
      assert.is_true(g:allclose(tensor { { -1 / 3, 0.0, 1 / 3 } }))
    end)
  end)
end)
