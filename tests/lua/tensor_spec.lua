-- Tensors in Lua: making, indexing, arithmetic, reductions, views, text, memory.
local luron = require "luron"

local function same(t, expected)
  assert.are.same(expected, t:totable())
end

-- Elements within 1e-6 of those of a nested table.
local function close(t, expected)
  local x = luron.tensor(expected, { dtype = "float64" })
  assert.are.same(x:shape(), t:shape())
  local difference = (t:double() - x):abs():max():item()
  assert.is_true(difference < 1e-6, "differs by " .. difference)
end

describe("making tensors", function()
  it("takes shape and dtype from nested tables", function()
    local t = luron.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
    assert.are.same({ 2, 3 }, t:shape())
    assert.are.equal("int64", t:dtype())
    same(t, { { 1, 2, 3 }, { 4, 5, 6 } })
    assert.are.equal("float32", luron.tensor({ 1, 2.5 }):dtype())
    assert.are.equal("bool", luron.tensor({ true, false }):dtype())
    same(luron.tensor { true, false }, { true, false })
    assert.are.equal("float64", luron.tensor({ 1, 2 }, { dtype = "float64" }):dtype())
    assert.are.equal(7, luron.tensor(7):item())
    assert.are.same({}, luron.tensor(7):shape())
    assert.are.same({ 0 }, luron.tensor({}):shape())
    assert.are.same({ 2, 0 }, luron.tensor({ {}, {} }):shape())
    same(luron.tensor({ 1.5, -2 }, { dtype = "bfloat16" }), { 1.5, -2.0 })
  end)

  it("keeps every integer", function()
    same(luron.tensor { math.maxinteger, math.mininteger }, { math.maxinteger, math.mininteger })
    local odd, t = (1 << 53) + 1, luron.zeros(2, { dtype = "int64" })
    same(luron.full(odd, 1, { dtype = "int64" }), { odd })
    same(luron.full_like(t, odd), { odd, odd })
    same(t:fill_(odd), { odd, odd })
    t[1] = -odd
    same(t, { -odd, odd })
    assert.are.equal("9007199254740993", t[2] .. "")
  end)

  it("fills", function()
    same(luron.zeros(2, 2), { { 0.0, 0.0 }, { 0.0, 0.0 } })
    same(luron.ones({ 2 }, { dtype = "int32" }), { 1, 1 })
    same(luron.full(2.5, 2), { 2.5, 2.5 })
    assert.are.same({}, luron.zeros({}):shape())
    assert.are.same({ 3, 0 }, luron.empty(3, 0):shape())
    assert.is_true(luron.zeros(2, { requires_grad = true }):requires_grad())
    same(luron.eye(2), { { 1.0, 0.0 }, { 0.0, 1.0 } })
    same(luron.full_like(luron.zeros(2), 3), { 3.0, 3.0 })
    assert.are.equal("float64", luron.zeros_like(luron.ones(2), { dtype = "float64" }):dtype())
  end)

  it("counts as Lua's for does", function()
    same(luron.arange(4), { 1, 2, 3, 4 })
    same(luron.arange(2, 8, 3), { 2, 5, 8 })
    same(luron.arange(3, 1, -1), { 3, 2, 1 })
    same(luron.arange(3, 1), {})
    close(luron.arange(0, 1, 0.25), { 0, 0.25, 0.5, 0.75, 1 })
    assert.are.equal(11, #luron.arange(0, 1, 0.1))
  end)

  it("draws random numbers from the seed", function()
    luron.seed(7)
    local a = luron.randn(100)
    luron.seed(7)
    local b = luron.randn(100)
    assert.is_true(a:eq(b):all():item())
    local n = luron.randint(3, 5, 1000)
    assert.are.equal(3, n:min():item())
    assert.are.equal(5, n:max():item())
    local seen = {}
    for _, id in ipairs(luron.randperm(50):totable()) do seen[id] = true end
    for i = 1, 50 do assert.is_true(seen[i]) end
    local u = luron.rand(1000)
    assert.is_true(u:min():item() >= 0 and u:max():item() < 1)
  end)

  it("goes to bytes and back", function()
    local t = luron.tensor { { 1.5, -2 }, { 0, 4 } }
    assert.are.equal(string.pack("<ffff", 1.5, -2, 0, 4), t:tobytes())
    same(luron.frombytes(t:tobytes(), "float32", 2, 2), t:totable())
    same(luron.frombytes(t:t():tobytes(), "float32", 2, 2), t:t():totable())
    same(luron.frombytes("\1\0", "bool"), { true, false })
  end)
end)

describe("indexing", function()
  local x
  before_each(function() x = luron.arange(12):reshape(3, 4) end)

  it("takes positions from 1 and from the end", function()
    same(x[1], { 1, 2, 3, 4 })
    same(x[-1], { 9, 10, 11, 12 })
    assert.are.equal(7, x[2][3]:item())
  end)

  it("takes inclusive ranges in tables and strings", function()
    same(x[{ { 1, 2 }, { 2, 3 } }], { { 2, 3 }, { 6, 7 } })
    same(x[{ {}, -1 }], { 4, 8, 12 })
    same(x["1:2, -1"], { 4, 8 })
    same(x[":, 2:3"], { { 2, 3 }, { 6, 7 }, { 10, 11 } })
    same(x["2:, ::2"], { { 5, 7 }, { 9, 11 } })
    same(x[{ 2, { 1, 4, 3 } }], { 5, 8 })
    same(x["-2:-1, 1"], { 5, 9 })
    same(x["3:2"], {})
  end)

  it("gives views", function()
    x[2]:fill_(0)
    same(x, { { 1, 2, 3, 4 }, { 0, 0, 0, 0 }, { 9, 10, 11, 12 } })
    assert.is_true(x[2]:is_shared(x))
  end)

  it("assigns", function()
    x[1] = 0
    x[{ {}, 4 }] = luron.tensor { 7, 8, 9 }
    x["3, 1:3"] = { 5, 5, 5 }
    same(x, { { 0, 0, 0, 7 }, { 5, 6, 7, 8 }, { 5, 5, 5, 9 } })
    local mask = luron.zeros(2, { dtype = "bool" })
    mask[1] = true
    same(mask, { true, false })
  end)

  it("walks rows", function()
    local sums = {}
    for i, row in pairs(x) do sums[i] = row:sum():item() end
    assert.are.same({ 10, 26, 42 }, sums)
    assert.are.equal(3, #x)
  end)
end)

describe("arithmetic", function()
  it("has Lua's operators, element by element", function()
    local a, b = luron.tensor { 7.0, -7.0 }, luron.tensor { 2.0, 2.0 }
    close(a + b, { 9, -5 })
    close(a - 1, { 6, -8 })
    close(2 * a, { 14, -14 })
    close(a / b, { 3.5, -3.5 })
    close(a // b, { 7 // 2, -7 // 2 })
    close(a % b, { 7 % 2, -7 % 2 })
    close(b ^ 3, { 8, 8 })
    close(-a, { -7, 7 })
    close(1 - a, { -6, 8 })
    close(2 ^ b, { 4, 4 })
  end)

  it("broadcasts and promotes, a number never widens", function()
    local a = luron.ones(2, 1) + luron.tensor { 1.0, 2.0, 3.0 }
    close(a, { { 2, 3, 4 }, { 2, 3, 4 } })
    assert.are.equal("float32", (luron.ones(2) * 2.5):dtype())
    assert.are.equal("float64", (luron.ones(2) + luron.ones(2, { dtype = "float64" })):dtype())
    assert.are.equal("int64", (luron.arange(3) + 1):dtype())
    assert.are.equal("float32", (luron.arange(3) / 2):dtype())
    local bytes = luron.tensor({ 3, 200 }, { dtype = "uint8" })
    assert.are.equal("uint8", (bytes + 1):dtype())
    -- The number becomes one of the tensor's dtype first, as in PyTorch: -1 is 255.
    same(bytes:minimum(-1), { 3, 200 })
    same(bytes:maximum(-1), { 255, 255 })
    same(bytes // -1, { 0, 0 })
    same(bytes % luron.tensor(-1), { 3, 200 })
    same(luron.tensor({ 5, -5 }, { dtype = "int32" }):minimum(luron.tensor(1 << 40)), { 0, -5 })
    same(bytes + -1, { 2, 199 })
    same(bytes:lt(-1), { false, false }) -- numbers as they are
  end)

  it("makes sequences of the numbers that were meant", function()
    local fails = function(part, ...)
      local ok, message = pcall(...)
      assert.is_false(ok)
      assert.is_truthy(message:find(part, 1, true), message)
    end
    same(luron.arange(4, 0, -2, { dtype = "uint8" }), { 4, 2, 0 })
    same(luron.linspace(0, 9, 4, { dtype = "int32" }), { 0, 3, 6, 9 })
    same(luron.arange(2.5, 2.5), { 2.5 })
    fails("arange: the step is 0.5, but the tensor is int64: a whole number expected", luron.arange, 0, 2, 0.5, { dtype = "int64" })
    fails("arange: the first number is 0.5, but the tensor is int32", luron.arange, 0.5, 3, 1, { dtype = "int32" })
    fails("arange: the last number is 256, but the tensor is uint8: a whole number from 0 to 255 expected", luron.arange, 0, 256, { dtype = "uint8" })
    fails("linspace: a number of it is 2.5, but the tensor is int64", luron.linspace, 0, 10, 5, { dtype = "int64" })
    fails("linspace: a number of it is -1, but the tensor is uint8", luron.linspace, 1, -1, 3, { dtype = "uint8" })
    fails("logspace: a number of it is", luron.logspace, 0, 1, 3, { dtype = "int64" })
    fails("bad argument #1 to 'arange' (start: number from -4e15 to 4e15 expected, got " .. math.maxinteger - 1, luron.arange, math.maxinteger - 1, math.maxinteger)
    fails("bad argument #2 to 'arange' (stop: number from -4e15 to 4e15 expected, got 5e+15", luron.arange, 1, 5e15)
    fails("bad argument #1 to 'arange' (n: number from", luron.arange, 1e16)
    fails("numbers are too many", luron.arange, 0, 1, 1e-16)
  end)

  it("takes a number as a row of one", function()
    same(luron.tensor(7):flip(1), 7)
    same(luron.tensor(7):flip(-1), 7)
    same(luron.tensor(7):flip(), 7)
    local ok, message = pcall(luron.zeros(0).reshape, luron.zeros(0), 0, 1 << 31, 1 << 31, 1 << 31)
    assert.is_false(ok)
    assert.is_truthy(message:find("^[^:]*:?%d*:? ?reshape: shape %(0, 2147483648, 2147483648, 2147483648%) is too large"), message)
  end)

  it("combines masks", function()
    local x = luron.tensor { 1.0, 2.0, 3.0 }
    same(x:gt(1) & x:lt(3), { false, true, false })
    same(x:lt(2) | x:gt(2), { true, false, true })
    same(~x:eq(2), { true, false, true })
    same(x:ge(2):logical_xor(x:le(2)), { true, false, true })
  end)

  it("formats with '..'", function()
    assert.are.equal("loss 0.25", "loss " .. luron.tensor(0.25))
    assert.are.equal("3 of", luron.tensor(3) .. " of")
    assert.are.equal("true!", luron.tensor(true) .. "!")
  end)

  it("has functions beside methods", function()
    local x = luron.tensor { 0.5, 1.5 }
    for _, name in ipairs { "exp", "log", "sqrt", "tanh", "sin", "floor", "neg", "square", "sigmoid", "erf", "log1p", "atan", "asinh" } do
      assert.is_true(luron[name](x):eq(x[name](x)):all():item(), name)
    end
    close(x:exp(), { math.exp(0.5), math.exp(1.5) })
    close(luron.acosh(x + 1):cosh(), { 1.5, 2.5 })
    close(luron.atanh(x - 1):tanh(), { -0.5, 0.5 })
    close(luron.maximum(x, 1), { 1, 1.5 })
    close(x:clamp(nil, 1), { 0.5, 1 })
    close(x:clamp(1), { 1, 1.5 })
    close(luron.where(x:gt(1), x, 0), { 0, 1.5 })
    close(x:scale(2, 1), { 2, 4 })
  end)

  it("multiplies matrices", function()
    local a, b = luron.tensor { { 1.0, 2.0 }, { 3.0, 4.0 } }, luron.tensor { { 1.0, 0.0 }, { 1.0, 1.0 } }
    close(a:matmul(b), { { 3, 2 }, { 7, 4 } })
    close(a:t():matmul(luron.tensor { 1.0, 1.0 }), { 4, 6 })
    assert.are.same({ 5, 2, 3 }, luron.ones(5, 2, 4):matmul(luron.ones(4, 3)):shape())
  end)

  it("casts", function()
    local x = luron.tensor { 1.7, -1.7 }
    same(x:long(), { 1, -1 })
    same(x:bool(), { true, true })
    assert.are.equal("int32", x:int():dtype())
    assert.are.equal("uint8", luron.arange(2):byte():dtype())
    assert.are.equal("float64", x:to("double"):dtype())
    assert.are.equal("float16", x:to("float16"):dtype())
  end)

  it("changes in place", function()
    local x = luron.ones(2)
    local version = x:version()
    x:add_(2):mul_(luron.tensor { 2.0, 3.0 }):sub_(1):div_(2)
    close(x, { 2.5, 4 })
    assert.is_true(x:version() > version)
    close(x:copy_(luron.tensor { 8.0, 9.0 }), { 8, 9 })
    close(x:zero_(), { 0, 0 })
    assert.is_true(luron.zeros(100):bernoulli_(1):all():item())
    local n = luron.zeros(10000):normal_(5, 2)
    assert.is_true(math.abs(n:mean():item() - 5) < 0.1 and math.abs(n:std():item() - 2) < 0.1)
    local u = luron.zeros(1000):uniform_(-1, 3)
    assert.is_true(u:min():item() >= -1 and u:max():item() < 3)
  end)
end)

describe("changes in place that are refused", function()
  local function says(text, fn)
    local ok, message = pcall(fn)
    assert.is_false(ok)
    assert.is_truthy(message:find(text, 1, true), message)
  end

  it("are called what they are", function()
    local w, wide = luron.ones(2):requires_grad_(), luron.ones(3)
    says("x[i] = value: the tensor is part of one that requires a gradient, so it cannot be changed in place", function() w[1] = 3 end)
    says("x[i] = value: the tensor is part of one that requires a gradient", function() w["1:2"] = wide["1:2"] end)
    says("x[i] = value: the tensor was made by recorded operations", function() (w * 2)[1] = 3 end)
    says("x[i] = value: source of shape (3,) does not broadcast to ()", function() wide[1] = luron.ones(3) end)
    says("x[i] = value: the tensor requires a gradient", function() w[w:gt(0)] = 3 end)
    says("x[i] = value: the tensor requires a gradient", function() w[luron.tensor { 1 }] = 3 end)
    says("sub_: the tensor requires a gradient", function() w:sub_(1) end)
    says("sub_: the source needs a gradient", function() luron.ones(2):sub_(w) end)
    says("add_: source of shape (3, 3) does not broadcast to (3,)", function() wide:add_(luron.ones(3, 3)) end)
    assert.are.same({ 1, 1 }, w:totable())
  end)
end)

describe("reductions", function()
  local x = luron.tensor { { 1.0, 5.0, 3.0 }, { 4.0, 2.0, 6.0 } }

  it("go over all dims, one, or several", function()
    assert.are.equal(21, x:sum():item())
    close(x:sum(1), { 5, 7, 9 })
    close(x:sum(-1), { 9, 12 })
    close(x:mean({ 1, 2 }), 3.5)
    close(x:sum(2, true), { { 9 }, { 12 } })
    close(x:prod(2), { 15, 48 })
    close(x:var(2), { 4, 4 })
    close(x:std(2, false, 0), { math.sqrt(8 / 3), math.sqrt(8 / 3) })
    same(x:gt(3):any(1), { true, true, true })
    same(x:gt(3):all(1), { false, false, false })
    assert.are.equal("int64", x:gt(3):sum():dtype())
    assert.are.equal(3, x:gt(3):sum():item())
  end)

  it("name places from 1", function()
    local values, ids = x:max(2)
    close(values, { 5, 6 })
    same(ids, { 2, 3 })
    values, ids = x:min(1, true)
    close(values, { { 1, 2, 3 } })
    same(ids, { { 1, 2, 1 } })
    same(x:argmax(2), { 2, 3 })
    same(x:argmin(1, true), { { 1, 2, 1 } })
    assert.are.equal(6, x:argmax():item())
    assert.are.equal(6, x:max():item())
    close(x:amax(1), { 4, 5, 6 })
    close(x:amin({ 1, 2 }), 1)
  end)

  it("include softmax", function()
    close(luron.tensor({ 0.0, 0.0 }):softmax(1), { 0.5, 0.5 })
    close(luron.tensor({ 0.0, 0.0 }):log_softmax(-1), { math.log(0.5), math.log(0.5) })
  end)
end)

describe("views", function()
  local x = luron.arange(6):reshape(2, 3)

  it("change shape", function()
    same(x:t(), { { 1, 4 }, { 2, 5 }, { 3, 6 } })
    same(x:reshape(-1), { 1, 2, 3, 4, 5, 6 })
    same(x:view(3, 2), { { 1, 2 }, { 3, 4 }, { 5, 6 } })
    same(x:flatten(), { 1, 2, 3, 4, 5, 6 })
    assert.are.same({ 2, 12 }, luron.zeros(2, 3, 4):flatten(2):shape())
    assert.are.same({ 4, 2, 3 }, luron.zeros(2, 3, 4):permute(3, 1, 2):shape())
    assert.are.same({ 4, 3, 2 }, luron.zeros(2, 3, 4):transpose(1, -1):shape())
    assert.are.same({ 2, 1, 3 }, x:unsqueeze(2):shape())
    assert.are.same({ 2, 3, 1 }, x:unsqueeze(-1):shape())
    assert.are.same({ 3 }, luron.zeros(1, 3, 1):squeeze():shape())
    assert.are.same({ 3, 1 }, luron.zeros(1, 3, 1):squeeze(1):shape())
    same(luron.arange(2):expand(2, 2), { { 1, 2 }, { 1, 2 } })
    same(x:narrow(2, 2, 2), { { 2, 3 }, { 5, 6 } })
    same(x:narrow(2, -1, 1), { { 3 }, { 6 } })
    same(x:select(2, -2), { 2, 5 })
    assert.is_false(x:t():is_contiguous())
    assert.is_true(x:t():contiguous():is_contiguous())
  end)

  it("split and join", function()
    local parts = x:split(2, 2)
    assert.are.equal(2, #parts)
    same(parts[1], { { 1, 2 }, { 4, 5 } })
    same(parts[2], { { 3 }, { 6 } })
    assert.are.equal(3, #luron.arange(7):chunk(3))
    same(luron.arange(7):chunk(3)[3], { 7 })
    same(luron.cat({ x, x }, 1):select(1, 3), { 1, 2, 3 })
    same(luron.cat({ parts[1], parts[2] }, 2), x:totable())
    same(luron.stack { luron.arange(2), luron.arange(2) }, { { 1, 2 }, { 1, 2 } })
    same(luron.stack({ luron.arange(2), luron.arange(2) }, 2), { { 1, 1 }, { 2, 2 } })
  end)

  it("index by ids from 1", function()
    same(x:index_select(2, luron.tensor { 3, 1 }), { { 3, 1 }, { 6, 4 } })
    same(x:index_select(1, { 2, 2 }), { { 4, 5, 6 }, { 4, 5, 6 } })
    same(x:gather(2, luron.tensor { { 3 }, { 1 } }), { { 3 }, { 4 } })
    same(luron.zeros(3):scatter_add(1, { 2, 2, 3 }, luron.tensor { 1.0, 2.0, 4.0 }), { 0.0, 3.0, 4.0 })
    same(luron.zeros(2, 2):index_add(1, { 2 }, luron.ones(1, 2)), { { 0.0, 0.0 }, { 1.0, 1.0 } })
    same(luron.tensor({ 2, 1 }):one_hot(3), { { 0.0, 1.0, 0.0 }, { 1.0, 0.0, 0.0 } })
    assert.are.equal("int64", luron.tensor({ 2 }):one_hot(3, { dtype = "int64" }):dtype())
  end)
end)

describe("text", function()
  it("shows shape, dtype and values", function()
    assert.are.equal("tensor (2, 3) float32\n  1.0000  2.0000  3.0000\n  4.0000  5.0000  6.0000",
      tostring(luron.tensor { { 1.0, 2.0, 3.0 }, { 4.0, 5.0, 6.0 } }))
    assert.are.equal("tensor (3,) int64\n  -1  20   3", tostring(luron.tensor { -1, 20, 3 }))
    assert.are.equal("tensor () bool\n  true", tostring(luron.tensor(true)))
    assert.are.equal("tensor (0,) float32", tostring(luron.zeros(0)))
    assert.is_truthy(tostring(luron.zeros(1, { requires_grad = true })):find("requires_grad", 1, true))
    assert.are.equal("tensor (2, 1, 2) int64\n[1, :, :]\n  1  2\n[2, :, :]\n  3  4", tostring(luron.arange(4):reshape(2, 1, 2)))
  end)

  it("shows extreme numbers", function()
    assert.are.equal("tensor (3,) float64\n  1.0000e-08  1.0000e+00         nan", tostring(luron.tensor({ 1e-8, 1, 0 / 0 }, { dtype = "float64" })))
    assert.is_truthy(tostring(luron.tensor { 1 / 0, -1 / 0 }):find("inf  -inf", 1, true))
    assert.is_truthy(tostring(luron.tensor { math.mininteger }):find("-9223372036854775808", 1, true))
  end)

  it("leaves out the middle of large tensors", function()
    local text = tostring(luron.arange(2000):reshape(50, 40))
    local lines = select(2, text:gsub("\n", ""))
    assert.are.equal(7, lines)
    assert.is_truthy(text:find("...", 1, true))
    assert.is_truthy(text:find("2000", 1, true))
  end)

  it("shows every dtype", function()
    for _, dtype in ipairs { "float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool" } do
      assert.is_truthy(tostring(luron.ones(2, { dtype = dtype })):find(dtype, 1, true))
    end
  end)
end)

describe("lifetime", function()
  it("ends with the block for <close>", function()
    local kept
    do
      local t <close> = luron.ones(3)
      kept = t
    end
    assert.are.equal("tensor (closed)", tostring(kept))
    assert.has_error(function() return kept + 1 end)
    kept:close()
  end)

  it("gives everything back", function()
    collectgarbage()
    local before = luron.memory()
    do
      local t = luron.ones(1000)
      t = (t * 2 + t:reshape(10, 100):sum(1):sum()):exp()
      assert.is_true(luron.memory() > before)
      t:close()
    end
    collectgarbage()
    collectgarbage()
    assert.are.equal(before, (luron.memory()))
  end)

  it("keeps a loop of 100,000 garbage tensors within fixed memory", function()
    collectgarbage()
    local before, most = luron.memory(), 0
    local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= "" -- which makes every byte dear
    for i = 1, sanitized and 3000 or 100000 do
      local _ = luron.empty(1024 << (i % 9)) -- 4 KiB to 1 MiB
      local now = luron.memory()
      if now > most then most = now end
    end
    assert.is_true(most - before < 100 << 20, string.format("%d MiB", (most - before) >> 20))
  end)

  it("leaves alone a collector that is stopped", function()
    collectgarbage()
    collectgarbage "stop"
    local before = luron.memory()
    for _ = 1, 100 do local _ = luron.empty(1 << 18) end
    local held = luron.memory() - before
    collectgarbage "restart"
    assert.is_true(held >= 100 << 20)
  end)

  it("releases the temporaries of a scope", function()
    local x, inner = luron.ones(1000), nil
    collectgarbage()
    collectgarbage "stop"
    local before = luron.memory()
    local y, list = luron.scope(function(a)
      inner = x * 3
      local z = (x * 2):exp():sum()
      return z + a, { x:sum() }
    end, 1)
    collectgarbage "restart"
    assert.are.equal("tensor (closed)", tostring(inner))
    assert.are.equal(1000, list[1]:item())
    assert.is_true(y:item() > 7000)
    assert.is_true(luron.memory() - before < 4000)
    assert.has_error(function() luron.scope(function() error "inside" end) end)
    assert.are.equal(2, (luron.ones(1) + 1):item())
  end)
end)

describe("luron", function()
  it("has a limit of memory", function()
    collectgarbage()
    local most = luron.memory() + (1 << 20)
    assert.are.equal(most, luron.memory_limit(most))
    local ok, message = pcall(luron.zeros, 1 << 20)
    assert.is_false(ok)
    assert.is_truthy(message:match("not enough memory: 4194304 bytes wanted, %d+ are held, the limit is " .. most), message)
    local kept = luron.zeros(1000)
    assert.are.equal(0, luron.memory_limit(0))
    assert.are.equal(1 << 20, luron.zeros(1 << 20):numel())
    assert.are.equal(1000, kept:numel())
  end)

  it("lets go of garbage before it makes the next tensor", function()
    local x, size = luron.zeros(1 << 24), 1 << 26
    local function loop(n)
      for _ = 1, n do x:neg() end
    end
    local before = collectgarbage "incremental"
    for _, mode in ipairs { "incremental", "generational" } do
      collectgarbage(mode)
      loop(3)
      collectgarbage()
      luron.memory_limit(luron.memory() + size + size // 2)
      local ok, message = pcall(loop, 5)
      luron.memory_limit(0)
      assert.is_true(ok, mode .. ": " .. tostring(message))
    end
    collectgarbage(before)
  end)

  it("has settings", function()
    assert.are.equal("float32", luron.default_dtype())
    luron.default_dtype "float64"
    assert.are.equal("float64", luron.zeros(1):dtype())
    luron.default_dtype "float32"
    local n = luron.threads()
    assert.are.equal(2, luron.threads(2))
    luron.threads(n)
    assert.are.equal(0, luron.memory_limit())
    assert.has_error(function() luron.memory_limit(-1) end)
    assert.is_string(luron.isa())
    assert.are.equal(-2, luron.status.SHAPE)
    assert.is_string(luron.version)
  end)

  it("computes the same at any thread count", function()
    local n = luron.threads()
    luron.seed(1)
    local a, b = luron.randn(100, 300), luron.randn(300, 50)
    local first
    for _, threads in ipairs { 1, 2, 3, 8 } do
      luron.threads(threads)
      local bytes = (a:matmul(b):exp():sum(1) / 7):tobytes()
      first = first or bytes
      assert.is_true(first == bytes)
    end
    luron.threads(n)
  end)

  it("prints shapes", function()
    assert.are.equal("(2, 3)", tostring(luron.zeros(2, 3):shape()))
    assert.are.equal("(4,)", tostring(luron.zeros(4):shape()))
    assert.are.equal("()", tostring(luron.tensor(1):shape()))
    assert.are.same({ 2, 3 }, luron.zeros(luron.zeros(2, 3):shape()):shape())
  end)
end)
