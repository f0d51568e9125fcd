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

describe("a linear interpolation", function()
  it("leaves a size alone that scale_factor does not change", function()
    each_dtype(function(tensor)
      local x = tensor { { { { 1.0, 2.0, 4.0 }, { 8.0, -2.0, 0.5 } } } }
      local function stretched(v) return nn.interpolate(v, { scale_factor = 1.3, mode = "bilinear" }) end
      assert.same(x:totable(), stretched(x):totable())
      assert.same(luron.ones_like(x):totable(), slope(x, stretched):totable())
      local row = nn.interpolate(tensor { { { 1.0, 2.0, 4.0 } } }, { scale_factor = 2.3, mode = "linear" })
      assert.is_true(row:allclose(tensor { { { 1.0, 1.1521739, 1.5869565, 2.0434783, 2.9130435, 3.7826087 } } }, { rtol = 1e-6 }))
    end)
  end)
end)

describe("batch normalisation by running values", function()
  it("has a gradient that infinities and NaN of the input have no part in", function()
    each_dtype(function(tensor)
      for _, x in ipairs { tensor { { inf, 1.0 }, { nan, 2.0 } }, tensor { { { inf, nan, 1.0 }, { 1.0, -inf, 2.0 } } } } do
        local norm = nn.BatchNorm1d { 2, eps = 0.0 }:to(x:dtype()):eval()
        assert.same(luron.ones_like(x):totable(), slope(x, norm):totable())
      end
    end)
  end)
end)
