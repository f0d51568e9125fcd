-- Writing and reducing at ids, groups, order, einsum from Lua: counting from 1, optional arguments, gradients, refusals.
local luron = require "luron"

local function is(want, t) assert.are.same(want, t:totable()) end
local function fails(fn, ...)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  for _, part in ipairs { ... } do assert.is_truthy(message:find(part, 1, true), message) end
end

describe("writing at ids", function()
  local x = luron.tensor { { 1.0, 2.0, 3.0 }, { 4.0, 5.0, 6.0 } }

  it("scatters, the last of equal ids", function()
    is({ { 9, 2, 7 }, { 4, 8, 6 } }, x:scatter(2, { { 3, 1 }, { 2, 2 } }, luron.tensor { { 7.0, 9.0 }, { 0.0, 8.0 } }))
    is({ { 0, 2, 3 }, { 4, 5, 0 } }, luron.scatter(x, -1, { { 1 }, { 3 } }, 0))
    fails(function() return x:scatter(1, { { 0 } }, 1) end, "scatter: id 0", "ids count from 1 here")
    fails(function() return x:scatter(1, { { 1 } }, luron.tensor { { 1 } }) end, "x is float32 and src is int64")
    fails(function() return x:scatter(1, { 1 }, 1) end, "scatter: ids (1,) must have as many dims as x (2, 3)")
    fails(function() return x:scatter(1, { { 1 } }) end, "source: tensor, table or number expected")
    fails(function() return luron.arange(3):scatter(1, { 1 }, 0.5) end, "value is 0.5, but the tensor is int64")
    local s = luron.tensor({ 1.0, 2.0, 3.0 }, { requires_grad = true });
    (luron.zeros(2):scatter(1, { 2, 1, 2 }, s) * luron.tensor { 10.0, 20.0 }):sum():backward()
    is({ 0, 10, 20 }, s:grad())
  end)

  it("reduces what meets", function()
    local ids, s = { 1, 1, 3 }, luron.tensor { 5.0, -1.0, 2.0 }
    local y = luron.ones(3)
    is({ 5, 1, 3 }, y:scatter_reduce(1, ids, s, "sum"))
    is({ 4, 1, 2 }, y:scatter_reduce(1, ids, s, "sum", false))
    is({ -5, 1, 2 }, y:scatter_reduce(1, ids, s, "prod"))
    is({ 2, 1, 2 }, luron.scatter_reduce(y, 1, ids, s, "mean", false))
    is({ 5, 1, 2 }, y:scatter_reduce(1, ids, s, "amax"))
    is({ -1, 1, 1 }, y:scatter_reduce(1, ids, s, "amin"))
    fails(function() return y:scatter_reduce(1, ids, s, "max") end, "how: sum, prod, mean, amax or amin expected, got 'max'")
    fails(function() return y:scatter_reduce(1, ids, s, "sum", 1) end, "include_self: boolean expected")
  end)

  it("puts slices and numbers", function()
    is({ { 1, 2, 3 }, { 7, 8, 9 } }, x:index_copy(1, { 2 }, luron.tensor { { 7.0, 8.0, 9.0 } }))
    is({ { 0, 2, 0 }, { 0, 5, 0 } }, x:index_fill(2, { 3, 1 }, 0))
    is({ { 1, 7, 3 }, { 4, 5, 8 } }, x:index_put({ { 1, 2 }, luron.tensor { 2, 3 } }, { 7, 8 }))
    is({ { 4, 2, 3 }, { 4, 5, 6 } }, x:index_put({ { 1, 1, 1 }, { 1, 1, 1 } }, 1, true))
    is({ { 0, 0, 0 }, { 4, 5, 6 } }, x:index_put({ { 1 } }, 0))
    is({ 6, 1 }, x:take({ 6, 1 }))
    is({ { 1, 7, 8 }, { 4, 5, 9 } }, x:masked_scatter(luron.tensor { { false, true, true }, { false, false, true } }, luron.tensor { 7.0, 8.0, 9.0 }))
    fails(function() return x:index_put({}, 1) end, "a list of 1 to 8 tensors of ids expected, got 0")
    fails(function() return x:index_put({ { 1 }, "a" }, 1) end, "tensor or list of ids expected at [2], got 'a'")
    fails(function() return x:index_put({ { 1 }, { 4 } }, 1) end, "index_put: dim 2: id 4 at position 1 is not within 1 to 3")
    fails(function() return x:index_put({ { 1 }, { 1 }, { 1 } }, 1) end, "index_put: ids for 1 to 2 dims of (2, 3) expected, got 3")
    fails(function() return x:take({ 7 }) end, "take: id 7 at position 1 is not within 1 to 6")
    fails(function() return x:index_fill(1, { 1 }, "a") end, "value: number expected")
    fails(function() return x:masked_scatter(x:gt(0), luron.ones(2)) end, "masked_scatter: the mask is true 6 times, but src has 2 elements")
  end)
end)

describe("ids in brackets", function()
  it("read rows and elements", function()
    local x = luron.arange(6):reshape(3, 2)
    is({ { 5, 6 }, { 1, 2 } }, x[luron.tensor { 3, 1 }])
    is({ { { 5, 6 } }, { { 1, 2 } } }, x[luron.tensor { { 3 }, { 1 } }])
    is({ 1, 2 }, x[luron.tensor(1)])
    is({ 6, 1 }, x[{ luron.tensor { 3, 1 }, luron.tensor { 2, 1 } }])
    is({ { 5, 6 }, { 1, 2 } }, x[{ luron.tensor { { 3 }, { 1 } }, luron.tensor { 1, 2 } }])
    local w = luron.ones(3, { requires_grad = true })
    w[luron.tensor { 2, 2, 3 }]:sum():backward()
    is({ 0, 2, 1 }, w:grad())
  end)

  it("write in place", function()
    local x = luron.zeros(3, 2)
    x[luron.tensor { 3, 1 }] = luron.tensor { 7, 8 }
    is({ { 7, 8 }, { 0, 0 }, { 7, 8 } }, x)
    x[{ luron.tensor { 1, 2 }, luron.tensor { 1, 1 } }] = { 5, 6 }
    is({ { 5, 8 }, { 6, 0 }, { 7, 8 } }, x)
    x[2][luron.tensor { 2 }] = 9 -- through a view
    is({ { 5, 8 }, { 6, 9 }, { 7, 8 } }, x)
    x[x:gt(7)] = luron.tensor { 1, 2, 3 }
    is({ { 5, 1 }, { 6, 2 }, { 7, 3 } }, x)
    x[luron.tensor { false, true, true }] = luron.tensor { 0, 4 }
    is({ { 5, 1 }, { 0, 4 }, { 0, 4 } }, x)
    x[x:gt(100)] = luron.zeros(0)
    is({ { 5, 1 }, { 0, 4 }, { 0, 4 } }, x)
  end)

  it("are refused on the tape", function()
    local w = luron.ones(3, { requires_grad = true })
    for _, at in ipairs { 1, "1:2", luron.tensor { 1, 2 }, luron.tensor { true, false, true } } do
      fails(function() w[at] = 0 end, "cannot be changed in place while gradients are recorded (use no_grad")
    end
    luron.no_grad(function() w[luron.tensor { 1, 2 }] = 0 end)
    is({ 0, 0, 1 }, w)
  end)
end)

describe("groups", function()
  it("pool rows", function()
    local x, ids = luron.tensor { { 1.0, 2.0 }, { 3.0, -4.0 }, { 5.0, 6.0 } }, { 3, 1, 3 }
    is({ { 3, -4 }, { 0, 0 }, { 6, 8 } }, x:segment_sum(ids, 3))
    is({ { 3, -4 }, { 0, 0 }, { 3, 4 } }, luron.segment_mean(x, ids, 3))
    is({ { 3, -4 }, { 0, 0 }, { 5, 6 } }, x:segment_max(ids, 3))
    is({ { 3, -4 }, { 0, 0 }, { 1, 2 } }, x:segment_min(ids, 3))
    is({ 2.5, 0 }, luron.tensor({ 2, 3 }):segment_mean({ 1, 1 }, 2))
    fails(function() return x:segment_sum(ids, 2) end, "segment_sum: id 3 at position 1 is not within 1 to 2")
    fails(function() return x:segment_max({ 1 }, 2) end, "segment_max: a list of as many ids as x has rows expected, got ids (1,) for x (3, 2)")
    fails(function() return x:segment_mean(ids) end, "count: integer expected")
  end)

  it("count", function()
    is({ 2, 0, 1 }, luron.tensor({ 1, 3, 1 }):bincount())
    is({ 2, 0, 1, 0 }, luron.bincount({ 1, 3, 1 }, nil, 4))
    is({ 1.5, 0, 3 }, luron.tensor({ 1, 3, 1 }):bincount(luron.tensor { 1.0, 3.0, 0.5 }))
    fails(function() return luron.tensor({ 0 }):bincount() end, "bincount: id 0", "ids count from 1 here")
    local values, ids, counts = luron.tensor({ { 3, 1 }, { 3, 2 } }):unique()
    is({ 1, 2, 3 }, values)
    is({ { 3, 1 }, { 3, 2 } }, ids)
    is({ 1, 1, 2 }, counts)
    values, ids, counts = luron.tensor({ { 3, 1 }, { 0, 2 }, { 3, 1 } }):unique(1)
    is({ { 0, 2 }, { 3, 1 } }, values)
    is({ 2, 1, 2 }, ids)
    is({ 1, 2 }, counts)
  end)

  it("send gradients of unique to the first of equal ones", function()
    local w = luron.tensor({ 3.0, 1.0, 3.0 }, { requires_grad = true });
    ((w:unique()) * luron.tensor { 10.0, 20.0 }):sum():backward()
    is({ 20, 10, 0 }, w:grad())
  end)

  it("repeat", function()
    local x = luron.tensor { { 1, 2 }, { 3, 4 } }
    is({ 1, 1, 2, 2, 3, 3, 4, 4 }, x:repeat_interleave(2))
    is({ { 1, 2 }, { 3, 4 }, { 3, 4 } }, x:repeat_interleave({ 1, 2 }, 1))
    fails(function() return x:repeat_interleave({ 1, -1 }, 1) end, "repeats: -1 at position 2 is negative")
    fails(function() return x:repeat_interleave({ 1, 1, 1 }, 1) end, "a list of 2 for dim 1 expected")
    fails(function() return x:repeat_interleave(-1) end, "repeats: integer of at least 0 expected")
  end)
end)

describe("order", function()
  local x = luron.tensor { { 4.0, 1.0, 3.0, 2.0 }, { 5.0, 5.0, 0.0, 5.0 } }

  it("picks one of each row", function()
    assert.equal(3.0, x:median():item())
    local values, ids = x:median(2)
    is({ 2, 5 }, values)
    assert.equal(4, ids[1]:item())
    is({ { 2 }, { 5 } }, (luron.median(x, -1, true)))
    is({ 3, 5 }, (x:kthvalue(3)))
    is({ 5, 5, 3, 5 }, (x:kthvalue(2, 1)))
    is({ 1, 5 }, (x:mode()))
    is({ 2, 4 }, (select(2, x:mode(2))))
    fails(function() return x:kthvalue(0) end, "k: positive integer expected, got 0")
    fails(function() return x:kthvalue(5) end, "kthvalue: k is 5, but dim 2 of (2, 4) has 4 positions")
    fails(function() return luron.zeros(0):median(1) end, "median: dim 1 of (0,) has no numbers")
  end)

  it("runs along a dim", function()
    is({ { 4, 4, 4, 4 }, { 5, 5, 5, 5 } }, (x:cummax(2)))
    is({ { 1, 1, 1, 1 }, { 1, 2, 2, 4 } }, (select(2, x:cummax(2))))
    is({ { 4, 1, 3, 2 }, { 4, 1, 0, 2 } }, (x:cummin(1)))
    assert.is_true(x:logcumsumexp(2):allclose(x:exp():cumsum(2):log()))
    is({ { -3, 2, -1 }, { 0, -5, 5 } }, x:diff())
    is({ { 5, -3 }, { -5, 10 } }, x:diff(2))
    is({ { 1, 4, -3, 3 } }, x:diff(1, 1))
    fails(function() return x:cummax() end, "dim: integer expected")
    fails(function() return x:diff(-1) end, "n: integer of at least 0 expected")
  end)

  it("finds places", function()
    local list = luron.tensor { 1, 3, 3, 7 }
    is({ 1, 2, 5 }, list:searchsorted(luron.tensor { 0, 3, 9 }))
    is({ 1, 4, 5 }, list:searchsorted(luron.tensor { 0, 3, 9 }, true))
    assert.equal(4, list:searchsorted(3.5):item())
    is({ 1, 3 }, luron.tensor({ 0.5, 2.5 }):bucketize { 1, 2 })
    fails(function() return luron.zeros(2, 3):searchsorted(luron.zeros(3, 1)) end, "searchsorted: sorted (2, 3)")
  end)

  it("compares", function()
    is({ true, false }, luron.tensor({ 1.0, 2.0 }):isclose(luron.tensor { 1.000001, 2.1 }))
    is({ true, true }, luron.tensor({ 1.0, 2.0 }):isclose(luron.tensor { 1.000001, 2.1 }, { rtol = 0, atol = 0.2 }))
    assert.is_false(luron.tensor({ 0 / 0 }):allclose(luron.tensor { 0 / 0 }))
    assert.is_true(luron.allclose(luron.tensor { 0 / 0 }, luron.tensor { 0 / 0 }, { equal_nan = true }))
    assert.is_false(luron.tensor({ 2 }):allclose(2.5))
    fails(function() return x:isclose(x, { tol = 1 }) end, "tol")
    fails(function() return x:isclose(x, { rtol = "a" }) end, "rtol: number expected")
    fails(function() return x:isclose(x, { rtol = -1 }) end, "neither may be negative")
  end)
end)

describe("einsum", function()
  local a, b = luron.tensor { { 1.0, 2.0 }, { 3.0, 4.0 } }, luron.tensor { { 5.0, 6.0 }, { 7.0, 8.0 } }

  it("multiplies and sums", function()
    is(a:matmul(b):totable(), luron.einsum("ij,jk->ik", a, b))
    is(a:matmul(b):totable(), luron.einsum("ij,jk", { a, b }))
    assert.equal(5.0, luron.einsum("ii", a):item())
    assert.is_true(luron.einsum("...ij,...jk,kl->...il", luron.ones(3, 2, 2), a, b):allclose(luron.ones(3, 2, 2):matmul(a:matmul(b))))
    local w = a:double():requires_grad_()
    assert.is_true(luron.gradcheck(function(y) return luron.einsum("ij,kj,ii->ik", y, y, y) end, w, { order = 2 }))
  end)

  it("names the letter, the sizes and the tensors", function()
    fails(function() return luron.einsum("ij,jk", a, luron.ones(3, 2)) end, "letter 'j' has size 2 in tensor 1, but 3 in tensor 2")
    fails(function() return luron.einsum("ij,jk", a) end, "einsum: the equation is for 2 tensors, got 1")
    fails(function() return luron.einsum("ij", a, 3) end, "tensor expected, got 3")
    fails(function() return luron.einsum("ij") end, "a list of at least one tensor expected, got 0")
    fails(function() return luron.einsum(a, a) end, "equation: string expected")
  end)
end)

describe("views", function()
  local x = luron.arange(12):reshape(3, 4)

  it("unbind and split by sizes", function()
    is({ 5, 6, 7, 8 }, x:unbind()[2])
    is({ 2, 6, 10 }, luron.unbind(x, -1)[2])
    assert.equal(0, #luron.zeros(2, 0):unbind(2))
    is({ { 2, 3, 4 }, { 6, 7, 8 }, { 10, 11, 12 } }, x:split({ 1, 3 }, 2)[2])
    assert.equal(3, #x:split { 0, 1, 2 })
    fails(function() return x:split { 1, 1 } end, "split: the sizes are together 2, but dim 1 has size 3")
    fails(function() return x:split { 4, 1 } end, "together more than 3")
    fails(function() return x:split({ 1, "a" }) end, "integer expected at [2], got 'a'")
    fails(function() return x:split({ -1, 4 }) end, "split: size 1 is -1")
    fails(function() return x:unbind(3) end, "dim: the tensor has 2 dims")
  end)

  it("move, flatten and unflatten dims", function()
    local y = luron.zeros(2, 3, 4, 5)
    assert.are.same({ 3, 4, 5, 2 }, y:movedim(1, -1):shape())
    assert.are.same({ 4, 2, 5, 3 }, y:movedim({ 1, 2 }, { 2, 4 }):shape())
    assert.are.same({ 2, 5, 4, 3 }, y:swapdims(2, 4):shape())
    assert.are.same({ 2, 12, 5 }, y:flatten(2, 3):shape())
    assert.are.same({ 2, 60 }, y:flatten(2):shape())
    assert.are.same({ 120 }, y:flatten():shape())
    assert.are.same({ 1 }, luron.tensor(1):flatten():shape())
    assert.are.same({ 2, 3, 2, 2, 5 }, y:unflatten(3, 2, 2):shape())
    assert.are.same({ 2, 3, 2, 2, 5 }, y:unflatten(-2, { 2, -1 }):shape())
    assert.are.same({ 2, 4 }, luron.zeros(4):broadcast_to(2, 4):shape())
    fails(function() return y:flatten(3, 2) end, "to: at least 3 (from) expected, got 2")
    fails(function() return y:unflatten(1, 3) end, "sizes: their product must be 2, the size of dim 1")
    fails(function() return y:unflatten(1, -1, -1) end, "their product must be 2")
    fails(function() return y:unflatten(5, 1) end, "unflatten: dim: no dim 5 in a tensor of 4 dims")
    fails(function() return y:movedim(1) end, "to: dim or list of dims expected")
    fails(function() return y:movedim({ 1, 2 }, 1) end, "as many dims as in from (2) expected, got 1")
    fails(function() return y:movedim({ 1, 1 }, { 1, 2 }) end, "movedim: from: dim 1 is named twice")
  end)

  it("logspace", function()
    is({ 1, 10, 100 }, luron.logspace(0, 2, 3))
    is({ 1, 2, 4, 8 }, luron.logspace(0, 3, 4, { base = 2, dtype = "int64" }))
    fails(function() return luron.logspace(0, 1, 2, { base = 0 }) end, "logspace: base is 0")
    fails(function() return luron.logspace(0, 1, 2, { base = "e" }) end, "base: number expected")
    fails(function() return luron.logspace(0, 1, 2, { basis = 2 }) end, "basis")
  end)

  it("numbers that do not fit", function()
    local whole, bytes, double = luron.zeros(3, { dtype = "int64" }), luron.zeros(2, { dtype = "uint8" }), luron.zeros(2, { dtype = "float64" })
    local ways = {
      function(t, v) t[1] = v end, function(t, v) t["1:2"] = { 0, v } end, function(t, v) t[t:eq(0)] = v end, function(t, v) t[luron.tensor { 1 }] = v end,
      function(t, v) t:fill_(v) end, function(t, v) luron.full_like(t, v) end, function(t, v) t:masked_fill(t:eq(0), v) end,
      function(t, v) t:index_fill(1, { 1 }, v) end, function(t, v) t:pad({ { 1, 0 } }, v) end, function(t, v) luron.full(v, 2, { dtype = t:dtype() }) end,
    }
    for _, way in ipairs(ways) do
      for _, value in ipairs { 0.5, 0 / 0, 1 / 0, 1e300 } do fails(function() way(whole, value) end, "int64") end
      for _, value in ipairs { 300, -1, 0.5, 1 << 60 } do fails(function() way(bytes, value) end, "uint8") end
    end
    is({ 0, 0, 0 }, whole)
    is({ 0, 0 }, bytes)
    double["1:2"] = { 0.1, 0.2 } -- not through float32
    is({ 0.1, 0.2 }, double)
    whole[1] = math.maxinteger
    is({ math.maxinteger, 0, 0 }, whole)
    is({ math.mininteger }, luron.full(math.mininteger, 1, { dtype = "int64" }))
    local row = pairs(whole)
    fails(function() return row(whole, -2) end, "row: integer")
    assert.is_nil(row(luron.tensor(1), 0))
  end)
end)
