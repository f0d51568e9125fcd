-- Functions that are composed of ops in Lua. Values are PyTorch 2.13's where nothing else is said.
local luron = require "luron"
local linalg = luron.linalg

local function fails(message, fn, ...)
  local ok, got = pcall(fn, ...)
  assert.is_false(ok, message)
  assert.is_truthy(tostring(got):find(message, 1, true), got)
end

local function near(want, got, tolerance)
  local difference = (luron.tensor(want, { dtype = got:dtype() }) - got):abs():amax():item()
  assert.is_true(difference <= (tolerance or 1e-6), tostring(got))
end

local function randn(...) return luron.randn({ ... }, { dtype = "float64" }) end

local function checks(fn, ...)
  for order = 1, 2 do
    local arguments = table.pack(...)
    arguments[arguments.n + 1] = { order = order }
    assert.is_true(luron.gradcheck(fn, table.unpack(arguments, 1, arguments.n + 1)))
  end
end

describe("isinf", function()
  it("is true of both infinities alone", function()
    assert.same({ true, true, false, false }, luron.isinf(luron.tensor { 1 / 0, -1 / 0, 0 / 0, 2 }):totable())
    for _, dtype in ipairs { "int64", "int32", "uint8", "bool" } do assert.same({ false, false }, luron.ones(2, { dtype = dtype }):isinf():totable()) end
    assert.same({ 0, 3 }, luron.ones(0, 3):isinf():shape())
    fails("bad argument #1 to 'isinf' (x: tensor expected, got 3)", luron.isinf, 3)
  end)
end)

describe("lerp", function()
  it("goes from one to the other", function()
    near({ 1.6, 2.6 }, luron.lerp(luron.tensor { 1.0, 2.0 }, luron.tensor { 3.0, 4.0 }, 0.3))
    near({ 1.2, 3.8 }, luron.tensor({ 1.0, 2.0 }):lerp(luron.tensor { 3.0, 4.0 }, luron.tensor { 0.1, 0.9 }))
    assert.equal(0.1, luron.tensor(1e8, { dtype = "float64" }):lerp(luron.tensor(0.1, { dtype = "float64" }), 1):item()) -- exactly
    assert.same({ 2, 3 }, luron.ones(2, 1):lerp(luron.zeros(3), 0.7):shape())
    fails("bad argument #3 to 'lerp' (weight: tensor expected, got nil)", luron.lerp, luron.ones(1), luron.ones(1))
  end)

  it("has gradients", function()
    luron.seed(1)
    for _, weight in ipairs { 0.3, 0.8 } do checks(function(a, b) return a:lerp(b, weight) end, randn(2, 3), randn(3)) end
    checks(function(a, b, w) return a:lerp(b, w) end, randn(2, 3), randn(2, 3), luron.tensor({ 0.1, 0.7, 0.9 }, { dtype = "float64" }))
  end)
end)

describe("hstack and vstack", function()
  it("join along the second and the first dim", function()
    assert.same({ 1, 2, 3 }, luron.hstack({ luron.tensor { 1, 2 }, luron.tensor(3) }):totable())
    assert.same({ { 1, 3 }, { 2, 4 } }, luron.hstack({ luron.tensor { { 1 }, { 2 } }, luron.tensor { { 3 }, { 4 } } }):totable())
    assert.same({ { 1, 2 }, { 3, 4 } }, luron.vstack({ luron.tensor { 1, 2 }, luron.tensor { { 3, 4 } } }):totable())
    assert.same({ { 1 }, { 2 } }, luron.vstack({ luron.tensor(1), luron.tensor(2) }):totable())
    assert.same({ 2, 5, 2 }, luron.hstack({ luron.ones(2, 2, 2), luron.ones(2, 3, 2) }):shape())
    fails("bad argument #1 to 'hstack' (list of tensors expected, got table)", luron.hstack, {})
    fails("bad argument #1 to 'vstack' ([2]: tensor expected, got 3)", luron.vstack, { luron.ones(1), 3 })
    checks(function(a, b) return luron.hstack { a, b } end, randn(2, 2), randn(2, 1))
    checks(function(a, b) return luron.vstack { a, b } end, randn(3), randn(2, 3))
  end)
end)

describe("mm, bmm and mv", function()
  it("are matmul of tensors of the ranks that they say", function()
    local a, b, v = randn(2, 3), randn(3, 4), randn(3)
    assert.is_true(a:mm(b):eq(a:matmul(b)):all():item())
    assert.is_true(luron.mv(a, v):eq(a:matmul(v)):all():item())
    local c, d = randn(2, 2, 3), randn(2, 3, 1)
    assert.is_true(luron.bmm(c, d):eq(c:matmul(d)):all():item())
    fails("bad argument #1 to 'mm' (a: 2 dims expected, got 3)", luron.mm, c, b)
    fails("bad argument #2 to 'mv' (b: 1 dims expected, got 2)", luron.mv, a, b)
    fails("bad argument #2 to 'bmm' (b: tensor expected, got 'x')", luron.bmm, c, "x")
    checks(function(x, y) return x:bmm(y) end, c, d)
  end)
end)

describe("quantile of several q", function()
  it("stacks what each gives", function()
    local x = luron.tensor { { 1.0, 4.0, 2.0, 3.0 }, { 5.0, 5.0, 8.0, 9.0 } }
    near({ { 1.75, 5.0 }, { 2.5, 6.5 } }, x:quantile({ 0.25, 0.5 }, 2))
    near({ { 1.75, 5.0 }, { 2.5, 6.5 } }, luron.quantile(x, luron.tensor { 0.25, 0.5 }, -1))
    near({ 1.0, 9.0 }, x:quantile { 0, 1 })
    assert.same({ 3, 2, 1 }, x:quantile({ 0, 0.5, 1 }, 2, true):shape())
    assert.same({}, x:quantile(luron.tensor(0.5)):shape())
    fails("q: number, or list of numbers, expected", function() return x:quantile {} end)
    fails("q: number expected at [2], got 'x'", function() return x:quantile { 0.5, "x" } end)
    fails("quantile: q from 0 to 1 expected, got 2", function() return x:quantile { 0.5, 2 } end)
    checks(function(y) return y:quantile({ 0.2, 0.7 }, 1) end, randn(5, 2))
  end)
end)

describe("linalg.lstsq", function()
  it("solves in the sense of least squares", function()
    near({ 5.0, -3.0 }, linalg.lstsq(luron.tensor { { 1.0, 0.0 }, { 1.0, 1.0 }, { 1.0, 2.0 } }, luron.tensor { 6.0, 0.0, 0.0 }), 1e-5)
    luron.seed(2)
    for _, shape in ipairs { { 5, 3 }, { 3, 5 }, { 3, 3 }, { 2, 4, 3 }, { 1, 1 } } do
      local a = randn(table.unpack(shape))
      local b = #shape == 3 and randn(2, 4, 2) or randn(shape[1], 2)
      local x = linalg.lstsq(a, b)
      near((linalg.pinv(a):matmul(b)):totable(), x, 1e-10)
    end
    fails("bad argument #1 to 'lstsq' (a: matrices expected, got 1 dims)", linalg.lstsq, luron.ones(2), luron.ones(2))
    fails("bad argument #2 to 'lstsq' (b: tensor expected, got nil)", linalg.lstsq, luron.ones(2, 2))
  end)

  it("has gradients", function()
    luron.seed(3)
    checks(linalg.lstsq, randn(4, 2), randn(4))
    checks(linalg.lstsq, randn(2, 4), randn(2, 3))
  end)
end)

describe("linalg.pinv", function()
  it("is the pseudo-inverse, also of matrices without full rank", function()
    near({ { 0.04, 0.08 }, { 0.08, 0.16 } }, linalg.pinv(luron.tensor { { 1.0, 2.0 }, { 2.0, 4.0 } }), 1e-6)
    near({ { 0.5, 0.0 }, { 0.0, 0.0 } }, linalg.pinv(luron.tensor { { 2.0, 0.0 }, { 0.0, 0.1 } }, 0.1))
    luron.seed(4)
    for _, shape in ipairs { { 5, 3 }, { 3, 5 }, { 2, 3, 2 } } do
      local a = randn(table.unpack(shape))
      near(a:totable(), a:matmul(linalg.pinv(a)):matmul(a), 1e-12)
    end
    fails("bad argument #2 to 'pinv' (rcond: number of at least 0 expected, got -1)", linalg.pinv, luron.eye(2), -1)
  end)

  it("has gradients", function()
    luron.seed(5)
    checks(linalg.pinv, randn(3, 2))
    checks(linalg.pinv, randn(2, 3))
  end)
end)

describe("multinomial", function()
  local weights = { 1.0, 0.0, 3.0, 6.0 }

  it("draws by weight", function()
    luron.seed(6)
    local n = 40000
    local counts = luron.multinomial(luron.tensor(weights), n, true):bincount():totable()
    for id, weight in ipairs(weights) do assert.is_true(math.abs(counts[id] / n - weight / 10) < 0.01, id .. ": " .. counts[id]) end
    -- the first of two without replacement is drawn so too, and the second by what is left
    local first, second = { 0, 0, 0, 0 }, { 0, 0, 0, 0 }
    local ids = luron.tensor({ weights }):expand(n, 4):multinomial(2)
    for id = 1, 4 do
      first[id] = ids:select(2, 1):eq(id):sum():item() / n
      second[id] = ids:select(2, 2):eq(id):sum():item() / n
    end
    for id, weight in ipairs(weights) do
      local p = weight / 10
      local after = 0
      for other, w in ipairs(weights) do after = after + (other ~= id and w / 10 * weight / (10 - w) or 0) end
      assert.is_true(math.abs(first[id] - p) < 0.01 and math.abs(second[id] - after) < 0.01, id)
    end
    assert.is_false(ids:select(2, 1):eq(ids:select(2, 2)):any():item())
  end)

  it("follows the seed", function()
    local p = luron.tensor(weights)
    luron.seed(7)
    local a, b = p:multinomial(5, true), p:multinomial(3)
    luron.seed(7)
    assert.same({ a:totable(), b:totable() }, { p:multinomial(5, true):totable(), p:multinomial(3):totable() })
    assert.equal("int64", a:dtype())
  end)

  it("refuses what are no weights", function()
    local where = "bad argument #1 to 'multinomial' (weights: "
    fails(where .. "at least 4 above 0 expected, got 3)", luron.multinomial, luron.tensor(weights), 4)
    fails(where .. "at least 1 above 0 expected, got 0)", luron.multinomial, luron.tensor { { 1.0 }, { 0.0 } }, 1, true)
    fails(where .. "finite numbers of at least 0 expected)", luron.multinomial, luron.tensor { 1.0, -1.0 }, 1)
    fails(where .. "float32 or float64 of 1 or 2 dims expected, got int64 of 1)", luron.multinomial, luron.tensor { 1 }, 1)
    fails("bad argument #2 to 'multinomial' (n: positive integer expected, got 0)", luron.multinomial, luron.tensor(weights), 0)
  end)
end)
