-- Scans, order, places and masks from Lua: counting from 1, optional arguments, gradients, refusals.
local luron = require "luron"

local function is(want, t) assert.are.same(want, t:totable()) end
local function fails(fn, ...)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  for _, part in ipairs { ... } do assert.is_truthy(message:find(part, 1, true), message) end
end

describe("scans and order", function()
  local x = luron.tensor { { 3, 1, 2 }, { 4, 6, 5 } }

  it("scan along dims that count from 1 or from the end", function()
    is({ { 3, 1, 2 }, { 7, 7, 7 } }, x:cumsum(1))
    is({ { 3, 3, 6 }, { 4, 24, 120 } }, luron.cumprod(x, -1))
    fails(function() return x:cumsum() end, "dim: integer expected")
    fails(function() return x:cumsum(0) end, "count from 1")
    fails(function() return x:cumsum(3) end, "cumsum: dim")
  end)

  it("scan rows that lie side by side to the bits of each alone", function()
    luron.seed(1)
    for _, dtype in ipairs { "float32", "float64", "int64" } do
      for _, shape in ipairs { { 3, 5 }, { 70, 130 }, { 4, 3, 7 }, { 2, 200, 3 }, { 5, 1 }, { 0, 4 }, { 4, 0 } } do
        local whole = (luron.randn(shape) * 3):to(dtype)
        for _, y in ipairs { whole, whole:transpose(1, -1), whole:narrow(1, 1, math.min(1, shape[1])):expand(shape[1] > 0 and shape or { 0, 4 }) } do
          for _, name in ipairs { "cumsum", "cumprod" } do
            for d = 1, y:dim() do
              local alone = y:transpose(d, -1):contiguous()
              assert.is_true(y[name](y, d):contiguous():tobytes() == alone[name](alone, -1):transpose(d, -1):contiguous():tobytes(), name)
            end
          end
        end
      end
    end
  end)

  it("sort many as few: stable, NaN last, by any dtype", function()
    luron.seed(2)
    local n = 3000
    local special = { 0 / 0, 1 / 0, -1 / 0, 0.0, -0.0, 1e-310, -1e300 }
    for _, dtype in ipairs { "float32", "float64", "int64", "int32", "uint8", "bool" } do
      local numbers = {}
      for i = 1, n do
        numbers[i] = dtype:find "float" and i % 50 < 7 and special[i % 50 + 1] or math.random(-40, 40) * (dtype:find "float" and 0.25 or 1)
        if dtype == "uint8" then numbers[i] = numbers[i] % 256 end
        if dtype == "bool" then numbers[i] = numbers[i] > 0 end
        if dtype == "int64" and i % 9 == 0 then numbers[i] = numbers[i] * (1 << 55) end
      end
      local many = luron.tensor(numbers, { dtype = dtype })
      local list = many:totable()
      for _, descending in ipairs { false, true } do
        local order = {}
        for i = 1, n do order[i] = i end
        local function rank(v) return v ~= v and math.huge or v == true and 1 or v == false and 0 or v end
        table.sort(order, function(i, k)
          local a, b = rank(list[i]), rank(list[k])
          local a_nan, b_nan = list[i] ~= list[i], list[k] ~= list[k]
          if a_nan ~= b_nan then return (b_nan and not descending) or (a_nan and descending) end
          if a ~= b and not a_nan then return (a < b) ~= descending end
          return i < k
        end)
        is(order, many:argsort(1, descending))
      end
    end
  end)

  it("sort, with ids from 1 that gather takes", function()
    local values, ids = x:sort()
    is({ { 1, 2, 3 }, { 4, 5, 6 } }, values)
    is({ { 2, 3, 1 }, { 1, 3, 2 } }, ids)
    is(values:totable(), x:gather(2, ids))
    values, ids = luron.sort(x, 1, true)
    is({ { 4, 6, 5 }, { 3, 1, 2 } }, values)
    is({ { 2, 2, 2 }, { 1, 1, 1 } }, ids)
    is({ { 2, 1, 3 }, { 1, 2, 3 } }, luron.tensor({ { 2, 1, 3 }, { 0, 0, 0 } }):argsort())
    fails(function() return x:sort(1, 1) end, "descending: boolean expected")
  end)

  it("give the k largest", function()
    local values, ids = x:topk(2)
    is({ { 3, 2 }, { 6, 5 } }, values)
    is({ { 1, 3 }, { 2, 3 } }, ids)
    is({ { 3, 1, 2 } }, (x:topk(1, 1, false)))
    fails(function() return x:topk(4, 2) end, "topk: k is 4, but dim 2 of (2, 3) has 3 positions")
    fails(function() return x:topk(-1) end, "k:")
  end)

  it("send gradients back to where values came from", function()
    local w = luron.tensor({ 5.0, 1.0, 3.0 }, { requires_grad = true });
    (w:topk(2) * luron.tensor { 1.0, 10.0 }):sum():backward()
    is({ 1, 0, 10 }, w:grad())
    local y = luron.tensor({ 0.5, 0.0, 2.0 }, { dtype = "float64", requires_grad = true })
    assert.is_true(luron.gradcheck(function(a) return a:cumprod(1):square() end, y, { order = 2 }))
  end)
end)

describe("places", function()
  local x = luron.tensor { { 1, 2, 3 }, { 4, 5, 6 } }

  it("flip, roll, tile and pad", function()
    is({ { 6, 5, 4 }, { 3, 2, 1 } }, x:flip())
    is({ { 6, 5, 4 }, { 3, 2, 1 } }, x:flip(1, 2))
    is({ { 3, 2, 1 }, { 6, 5, 4 } }, luron.flip(x, { -1 }))
    is({ { 2, 3, 1 }, { 5, 6, 4 } }, x:roll(-1, 2))
    is({ { 1, 2, 3, 1, 2, 3 }, { 4, 5, 6, 4, 5, 6 } }, x:tile(2))
    is({ 2, 4, 3 }, luron.tensor(x:tile({ 2, 2, 1 }):shape()))
    is({ { 0, 1, 2, 3 }, { 0, 4, 5, 6 } }, x:pad { { 1, 0 } })
    is({ { 7, 7, 7 }, { 1, 2, 3 }, { 4, 5, 6 } }, x:pad({ { 1, 0 }, { 0, 0 } }, 7))
    fails(function() return x:pad(1) end, "widths: list of pairs { before, after } expected")
    fails(function() return x:pad { { 1 } } end, "a pair { before, after } expected at [1], got 1 numbers")
    fails(function() return x:pad { { 1, -1 } } end, "integer of at least 0 expected at [1][2], got -1")
    fails(function() return x:pad { { 0, 0 }, { 0, 0 }, { 0, 0 } } end, "pad: widths for 3 dims, the tensor has 2")
    fails(function() return x:roll(1) end, "dim: integer expected")
    fails(function() return x:flip(1, 1) end, "flip: dim 1 is listed twice")
  end)

  it("triangles", function()
    is({ { 1, 0, 0 }, { 4, 5, 0 } }, x:tril())
    is({ { 0, 2, 3 }, { 0, 0, 6 } }, luron.triu(x, 1))
    fails(function() return luron.arange(3):tril() end, "tril: a matrix")
  end)

  it("meshgrid", function()
    local a, b = table.unpack(luron.meshgrid { luron.arange(2), luron.arange(3) })
    is({ { 1, 1, 1 }, { 2, 2, 2 } }, a)
    is({ { 1, 2, 3 }, { 1, 2, 3 } }, b)
    fails(function() return luron.meshgrid {} end, "a list of 1 to 8 tensors expected, got 0")
    fails(function() return luron.meshgrid { luron.arange(2), 3 } end, "tensor expected at [2], got 3")
    fails(function() return luron.meshgrid { x } end, "meshgrid: tensor 1 must have one dim, got (2, 3)")
  end)

  it("linspace", function()
    is({ 0, 2.5, 5 }, luron.linspace(0, 5, 3))
    assert.equal("int64", luron.linspace(1, 3, 3, { dtype = "int64" }):dtype())
    fails(function() return luron.linspace(0, 1) end, "n: integer expected")
    fails(function() return luron.linspace(0, math.huge, 2) end, "linspace")
    fails(function() return luron.linspace(0, 1, 2, { type = "int64" }) end, "type")
  end)
end)

describe("norms and masks", function()
  local x = luron.tensor { { 3.0, -4.0 }, { 0.0, 12.0 } }

  it("norms", function()
    assert.equal(13.0, x:norm():item())
    is({ 5, 12 }, x:norm(2, 2))
    is({ { 3, 16 } }, x:norm(1, 1, true))
    assert.equal(12.0, luron.norm(x, math.huge):item())
    assert.equal(3.0, x:norm(0):item())
    assert.is_true(math.abs(x:logsumexp():item() - x:exp():sum():log():item()) < 1e-6)
    assert.are.same({ 2 }, x:logsumexp(1):shape())
  end)

  it("quantiles", function()
    assert.equal(1.5, x:quantile(0.5):item())
    is({ 1.5, 4 }, x:quantile(0.5, 1))
    is({ { 3 }, { 12 } }, luron.quantile(x, 1, 2, true))
    fails(function() return x:quantile() end, "q: number expected")
    fails(function() return x:quantile(0.5, 3) end, "quantile: dim")
  end)

  it("fill and choose", function()
    is({ { 9, -4 }, { 0, 9 } }, x:masked_fill(x:gt(0), 9))
    is({ { 3, 0 }, { 0, 12 } }, x:masked_fill(x:lt(0), false))
    is({ 3, 12 }, x:masked_select(x:gt(0)))
    is({ 3, 12 }, x[x:gt(0)])
    is({ { 0, 12 } }, x[luron.tensor { false, true }])
    is({ 3, 0 }, x:masked_select(luron.tensor { true, false }))
    is({ { 1, 1 }, { 2, 2 } }, x:gt(0):nonzero())
    local w = luron.tensor({ { 1.0, 2.0 }, { 3.0, 4.0 } }, { requires_grad = true })
    w[luron.tensor { true, false }]:sum():backward()
    is({ { 1, 1 }, { 0, 0 } }, w:grad())
    local z = luron.tensor { { 1, -2 }, { -3, 4 } }
    z[z:lt(0)] = 0
    is({ { 1, 0 }, { 0, 4 } }, z)
    z[luron.tensor { false, true }] = 7
    is({ { 1, 0 }, { 7, 7 } }, z)
    z[1][luron.tensor { true, false }] = 5 -- through a view
    is({ { 5, 0 }, { 7, 7 } }, z)
    fails(function() z[z:gt(0)] = 0.5 end, "masked_fill: value is 0.5, but the tensor is int64")
    fails(function() w[w:gt(0)] = 0 end, "requires a gradient")
    fails(function() return x:masked_fill(x, 1) end, "the mask must be bool, got float32")
    fails(function() return luron.arange(2):masked_fill(luron.tensor { true, false }, 0.5) end, "masked_fill: value is 0.5")
  end)
end)
