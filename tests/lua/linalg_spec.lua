-- luron.linalg from Lua: results, batches, gradients, refusals at the caller's line.
local luron = require "luron"
local linalg = luron.linalg

local function close(want, t, tolerance)
  local got = t:double()
  local gap = (got - luron.tensor(want, { dtype = "float64" })):abs()
  assert.is_true(gap:numel() == 0 or gap:amax():item() < (tolerance or 1e-6), tostring(t))
end
local function fails(fn, ...)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  for _, part in ipairs { "linalg_spec.lua:", ... } do assert.is_truthy(message:find(part, 1, true), message) end
end

describe("luron.linalg", function()
  local a = luron.tensor { { 4.0, 1.0 }, { 1.0, 3.0 } }

  it("solves", function()
    close({ 1, 2 }, linalg.solve(a, luron.tensor { 6.0, 7.0 }))
    close({ { 1, 0 }, { 0, 1 } }, linalg.solve(a, a))
    assert.are.same({ 5, 2, 3 }, linalg.solve(a:expand(5, 2, 2), luron.ones(2, 3)):shape())
    close({ 2, 1 }, linalg.solve_triangular(a, luron.tensor { 9.0, 3.0 }, true))
    close({ 6, 3 }, linalg.solve_triangular(a, luron.tensor { 9.0, 3.0 }, true, true))
    close({ { 3 / 11, -1 / 11 }, { -1 / 11, 4 / 11 } }, linalg.inverse(a))
  end)

  it("factorises", function()
    close(11, linalg.det(a), 1e-5)
    local sign, log = linalg.slogdet(a)
    close(1, sign)
    close(math.log(11), log)
    local l = linalg.cholesky(a)
    close(a:totable(), l:matmul(l:t()))
    local q, r = linalg.qr(luron.randn(2, 4, 3))
    assert.are.same({ { 2, 4, 3 }, { 2, 3, 3 } }, { q:shape(), r:shape() })
    local u, s, vh = linalg.svd(a)
    close(a:totable(), (u * s):matmul(vh))
    local values, vectors = linalg.eigh(a)
    close(a:totable(), (vectors * values):matmul(vectors:t()))
    close(s:flip(1):totable(), values)
  end)

  it("has gradients", function()
    local x = luron.tensor({ { 4.0, 1.0 }, { 1.0, 3.0 } }, { dtype = "float64", requires_grad = true })
    local _, log = linalg.slogdet(x)
    log:backward()
    close(linalg.inverse(x:detach()):t():totable(), x:grad(), 1e-12)
    assert.is_true(luron.gradcheck(function(w)
      local _, s = linalg.svd(w)
      return linalg.solve(w, s)
    end, x, { order = 2 }))
  end)

  it("refuses at the caller's line", function()
    fails(function() return linalg.solve(a, luron.ones(3)) end, "solve: a is (2, 2), so b must have 2 numbers, got (3,)")
    fails(function() return linalg.solve(a) end, "bad argument #2 to 'solve' (b: tensor expected")
    fails(function() return linalg.inverse(luron.ones(2, 2)) end, "inverse: the matrix is singular: pivot 2 is 0")
    local batch = luron.eye(2):expand(3, 2, 2) * luron.tensor({ 1.0, 0.0, 1.0 }):reshape(3, 1, 1)
    fails(function() return linalg.inverse(batch) end, "inverse: matrix 2 is singular: pivot 1 is 0")
    fails(function() return linalg.det(luron.arange(4):reshape(2, 2)) end, "det: float32 or float64 expected, got int64")
    fails(function() return linalg.det(a:to "float16") end, "det: float32 or float64 expected, got float16")
    fails(function() return linalg.solve_triangular(a, a, 1) end, "upper: boolean expected, got 1")
    fails(function() return linalg.svd(a * math.huge) end, "svd: the matrix has an element that is not finite")
  end)

  it("is one table", function()
    assert.equal(linalg, luron.linalg)
    local n = 0
    for name, fn in pairs(linalg) do
      n = n + 1
      assert.is_function(fn, name)
    end
    assert.equal(11, n)
  end)
end)

describe("diagonals and products of vectors", function()
  local x = luron.tensor { { 1, 2, 3 }, { 4, 5, 6 } }

  it("are functions and methods", function()
    assert.are.same({ 1, 5 }, x:diagonal():totable())
    assert.are.same({ 2, 6 }, luron.diagonal(x, 1):totable())
    assert.are.same({ 4 }, x:diagonal(-1):totable())
    assert.are.same({ 2, 6 }, x:diagonal(-1, 2, 1):totable())
    assert.are.same({ { 0, 7 }, { 0, 0 } }, luron.diag(luron.tensor { 7 }, 1):totable())
    assert.are.same({ 3 }, luron.diag(x, 2):totable())
    assert.are.same(6, x:trace():item())
    assert.are.same({ { 2, 4 }, { 3, 6 } }, luron.outer(luron.tensor { 2, 3 }, luron.tensor { 1, 2 }):totable())
    assert.are.same(32.0, luron.dot(luron.tensor { 1.0, 2.0, 3.0 }, luron.tensor { 4.0, 5.0, 6.0 }):item())
  end)

  it("refuse", function()
    fails(function() return x:diagonal(0, 0, 1) end, "count from 1")
    fails(function() return x:diagonal(0, 1, 1) end, "diagonal: both dims are 1")
    fails(function() return x:diagonal(0, 1, 3) end, "diagonal: dim 2: no dim 3")
    fails(function() return x:diag(0.5) end, "offset: integer expected, got 0.5")
    fails(function() return luron.outer(x, x) end, "outer: two vectors expected")
  end)
end)
