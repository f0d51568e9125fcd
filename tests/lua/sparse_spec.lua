-- luron.sparse: making, products, transposes, gradients, a graph convolution, refusals at the caller's line.
local luron = require "luron"
local sparse = luron.sparse

local function is(want, t) assert.are.same(want, t:totable()) end
local function fails(fn, ...)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  for _, part in ipairs { "sparse_spec.lua:", ... } do assert.is_truthy(message:find(part, 1, true), message) end
end

local dense = { { 0, 2, 0, 1 }, { 0, 0, 0, 0 }, { 3, 0, 4, 0 } }
local function example() return sparse.coo({ 3, 1, 3, 1 }, { 3, 4, 1, 2 }, luron.tensor { 4.0, 1.0, 3.0, 2.0 }, { 3, 4 }) end

describe("a sparse matrix", function()
  it("is made of pairs, of compressed rows and of a dense one", function()
    is(dense, example():to_dense())
    is(dense, sparse.csr({ 1, 3, 3, 5 }, { 2, 4, 1, 3 }, { 2.0, 1.0, 3.0, 4.0 }, { 3, 4 }):to_dense())
    is(dense, sparse.from_dense(luron.tensor(dense):float()):to_dense())
    is(dense, sparse.csr(luron.tensor({ 1, 3, 3, 5 }):to "int32", luron.tensor({ 2, 4, 1, 3 }):to "uint8", { 2, 1, 3, 4 }, { 3, 4 }):to_dense())
    is({ { 5, 0 } }, sparse.coo({ 1, 1 }, { 1, 1 }, { 2.0, 3.0 }, { 1, 2 }):to_dense())
    is({ { 2, 1 } }, sparse.coo({ 1, 1, 1 }, { 1, 2, 1 }, nil, { 1, 2 }):to_dense())
    local none = sparse.coo({}, {}, nil, { 2, 3 })
    is({ { 0, 0, 0 }, { 0, 0, 0 } }, none:to_dense())
    is({ { 0 }, { 0 } }, none:matmul(luron.ones(3, 1)))
    assert.equal(0, none:rows():numel())
    assert.are.same({ 0, 3 }, sparse.coo({}, {}, nil, { 0, 3 }):shape())
  end)

  it("says what it is", function()
    local a = example()
    assert.are.same({ 3, 4 }, a:shape())
    assert.are.same({ 3, 4, 4, 4 }, { a:size(1), a:size(2), a:size(-1), a:nnz() })
    is({ 2, 1, 3, 4 }, a:values())
    is({ 1, 1, 3, 3 }, a:rows())
    is({ 2, 4, 1, 3 }, a:cols())
    is({ 3, 2, 4, 1 }, a:sum(1))
    is({ 3, 0, 7 }, a:sum(2))
    assert.equal(10.0, a:sum():item())
    assert.equal("sparse (3, 4), 4 entries, float32", tostring(a))
    assert.equal("sparse (1, 1), 1 entries, all 1", tostring(sparse.coo({ 1 }, { 1 }, nil, { 1, 1 })))
  end)

  it("has a transpose over the same values", function()
    local a = example()
    local t = a:t()
    is(luron.tensor(dense):t():totable(), t:to_dense())
    is({ 3, 2, 4, 1 }, t:values())
    is({ 1, 2, 3, 4 }, t:rows())
    is({ 3, 1, 3, 1 }, t:cols())
    is(dense, t:t():to_dense())
    is({ { 0, 0, 1 }, { 2, 0, 0 }, { 0, 0, 3 }, { 4, 0, 0 } }, t:with_values({ 1.0, 2.0, 3.0, 4.0 }):to_dense())
    is({ { 0, 2, 0, 4 }, { 0, 0, 0, 0 }, { 1, 0, 3, 0 } }, t:with_values({ 1.0, 2.0, 3.0, 4.0 }):t():to_dense())
    is({ { 0, 0, 1 }, { 1, 0, 0 }, { 0, 0, 1 }, { 1, 0, 0 } }, t:with_values(nil):to_dense())
    local g, x = luron.randn(4, 2), luron.randn(3, 2)
    is(a:sample(x, g):totable(), t:sample(g, x):index_select(1, { 2, 4, 1, 3 }))
  end)

  it("does not follow what it was made of", function()
    local offsets = luron.tensor { 1, 2, 3 }
    local a = sparse.csr(offsets, { 1, 2 }, nil, { 2, 2 })
    offsets:fill_(9)
    is({ 1, 1 }, a:matmul(luron.ones(2)))
  end)

  it("multiplies as the dense one does, with gradients to order 2", function()
    local double = { dtype = "float64", requires_grad = true }
    local a, x = example(), luron.randn(4, 3, double)
    local values = luron.tensor({ 1.5, -2.0, 0.5, 3.0 }, double)
    local weighted = a:with_values(values)
    local gap = weighted:matmul(x) - weighted:to_dense():matmul(x)
    assert.is_true(gap:abs():amax():item() < 1e-14)
    assert.is_true(luron.gradcheck(function(v, y) return a:with_values(v):matmul(y):square() end, values, x, { order = 2 }))
    assert.is_true(luron.gradcheck(function(v, y) return a:with_values(v):t():matmul(y:narrow(1, 1, 3)):square() end, values, x, { order = 2 }))
    assert.is_true(luron.gradcheck(function(v, y) return a:with_values(a:sample(y:narrow(1, 1, 3), y) * v):sum(1):square() end, values, x, { order = 2 }))
    local full = luron.tensor(dense, { dtype = "float64", requires_grad = true })
    sparse.from_dense(full):matmul(luron.ones(4):double()):sum():backward()
    is({ { 0, 1, 0, 1 }, { 0, 0, 0, 0 }, { 1, 0, 1, 0 } }, full:grad())
  end)

  it("learns the two halves of a graph", function()
    luron.seed(3)
    local from, to = {}, {}
    for half = 0, 1 do -- a ring of four, twice
      for i = 0, 3 do
        local k, next = half * 4 + i + 1, half * 4 + (i + 1) % 4 + 1
        for _, pair in ipairs { { k, next }, { next, k }, { k, k } } do
          from[#from + 1], to[#to + 1] = pair[1], pair[2]
        end
      end
    end
    local a = sparse.coo(to, from, nil, { 8, 8 })
    a = a:with_values(1 / a:sum(2):index_select(1, a:rows()))
    local model = luron.nn.Sequential { luron.nn.Linear(8, 2) }
    local opt = luron.optim.Adam(model, { lr = 0.1 })
    local loss
    for _ = 1, 60 do
      local scores = a:matmul(model(a:matmul(luron.eye(8))))
      loss = luron.nn.cross_entropy(scores:index_select(1, { 1, 5 }), luron.tensor { 1, 2 })
      opt:zero_grad()
      loss:backward()
      opt:step()
    end
    assert.is_true(loss:item() < 0.1)
    is({ 1, 1, 1, 1, 2, 2, 2, 2 }, a:matmul(model(a:matmul(luron.eye(8)))):argmax(2))
  end)

  it("refuses at the caller's line", function()
    local a = example()
    fails(function() return sparse.coo({ 0 }, { 1 }, nil, { 2, 2 }) end, "row_ids: 0 at position 1 is not within 1 to 2; ids count from 1 here")
    fails(function() return sparse.coo({ 1 }, { 3 }, nil, { 2, 2 }) end, "col_ids: 3 at position 1 is not within 1 to 2")
    fails(function() return sparse.coo({ 1.5 }, { 1 }, nil, { 2, 2 }) end, "rows: int64, int32 or uint8 expected, got float32")
    fails(function() return sparse.coo("x", { 1 }, nil, { 2, 2 }) end, "bad argument #1 to 'coo' (rows: tensor or list of integers expected")
    fails(function() return sparse.coo({ 1 }, { 1 }, { 1.0, 2.0 }, { 2, 2 }) end, "values: one for each of 1 entries expected, got shape (2)")
    fails(function() return sparse.coo({ 1 }, { 1 }, luron.tensor { 1 }, { 2, 2 }) end, "values: float32 or float64 expected, got int64")
    fails(function() return sparse.coo({ 1 }, { 1 }) end, "size: { rows, columns } expected, got")
    fails(function() return sparse.coo({ 1 }, { 1 }, nil, { 2, -2 }) end, "size: { rows, columns } expected")
    fails(function() return sparse.csr({ 1, 2 }, { 1 }, nil, { 2, 2 }) end, "offsets: 3 numbers expected, one more than rows, got 2")
    fails(function() return sparse.csr({ 0, 1, 1 }, { 1 }, nil, { 2, 2 }) end, "csr: offsets must begin with 1, got 0; offsets and ids count from 1 here")
    fails(function() return sparse.csr({ 1, 5, 2 }, { 1 }, nil, { 2, 2 }) end, "offsets fall at position 3: 2 after 5")
    fails(function() return sparse.from_dense(luron.ones(2)) end, "x: matrix expected, got shape (2,)")
    fails(function() return a:matmul(luron.ones(3)) end, "matmul of a sparse matrix: the matrix has 4 columns, so x must have as many rows, got (3,)")
    fails(function() return luron.matmul(a, luron.ones(4)) end, "got luron.sparse: s:matmul(x) is the product, s:to_dense() makes a tensor")
    fails(function() return a * 2 end, "a sparse matrix takes no operators: s:matmul(x) is the product")
    assert.are.equal("(2, 2)", tostring(sparse.from_dense(luron.eye(2)):shape()))
    fails(function() return a:matmul() end, "bad argument #1 to 'matmul' (x: tensor expected, got nil)")
    fails(function() return a.matmul(3, luron.ones(4)) end, "sparse matrix expected, got 3")
    fails(function() return a:with_values(luron.ones(5)) end, "values: one for each of 4 entries expected")
    fails(function() return a:sum(3) end, "dim: 1 or 2 expected, got 3")
  end)
end)
