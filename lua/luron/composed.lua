--- Functions that are compositions of ops: they have the gradients of those, to any order, and are traced as they are.
--- Each is a function of luron and, but for joins, a method of tensors.
local core = require "luron.core"

local composed, linalg = {}, {}

local function tensor(arg, where, name, value)
  if not core.is_tensor(value) then core.badarg(arg, where, name .. ": tensor expected, got " .. core.got(value)) end
  return value
end

local function of_rank(arg, where, name, value, rank)
  if tensor(arg, where, name, value):dim() ~= rank then
    core.badarg(arg, where, string.format("%s: %d dims expected, got %d", name, rank, value:dim()))
  end
  return value
end

--- bool: is it infinite?
function composed.isinf(x)
  tensor(1, "isinf", "x", x)
  if not x:is_floating() then return x:ne(x) end
  return x:abs():eq(math.huge)
end

-- Of tensors, or of nodes of a graph.
local function lerp(a, b, weight)
  local way = b - a
  if type(weight) == "number" then
    if math.abs(weight) < 0.5 then return a + way * weight end
    return b - way * (1 - weight)
  end
  return weight:abs():lt(0.5):where(a + way * weight, b - way * (1 - weight))
end

--- a + weight (b - a); near b from b on, so that 1 gives b itself.
function composed.lerp(a, b, weight)
  tensor(1, "lerp", "a", a)
  tensor(2, "lerp", "b", b)
  if type(weight) ~= "number" then tensor(3, "lerp", "weight", weight) end
  return lerp(a, b, weight)
end

-- ---- joins -------------------------------------------------------------------------------------------------------------
local function join(where, list, rank, dim_of)
  if type(list) ~= "table" or getmetatable(list) or #list == 0 then core.badarg(1, where, "list of tensors expected, got " .. core.got(list)) end
  local parts = {}
  for i, x in ipairs(list) do
    tensor(1, where, string.format("[%d]", i), x)
    parts[i] = x:dim() < rank and x:reshape(rank == 2 and { 1, x:numel() } or { x:numel() }) or x
  end
  return core.cat(parts, dim_of(parts[1]))
end

--- Side by side: along dim 2, vectors along dim 1.
function composed.hstack(list) return join("hstack", list, 1, function(x) return x:dim() == 1 and 1 or 2 end) end

--- One on top of the other: along dim 1, vectors as rows.
function composed.vstack(list) return join("vstack", list, 2, function() return 1 end) end

-- ---- products: matmul of given ranks -----------------------------------------------------------------------------------
local function product(name, rank, other_rank)
  composed[name] = function(a, b) return of_rank(1, name, "a", a, rank):matmul(of_rank(2, name, "b", b, other_rank)) end
end
product("mm", 2, 2)
product("bmm", 3, 3)
product("mv", 2, 1)

-- ---- draws -------------------------------------------------------------------------------------------------------------
local function check_weights(p)
  tensor(1, "multinomial", "weights", p)
  if not p:is_floating() or p:dim() < 1 or p:dim() > 2 or p:size(-1) == 0 then
    core.badarg(1, "multinomial", string.format("weights: float32 or float64 of 1 or 2 dims expected, got %s of %d", p:dtype(), p:dim()))
  end
  if not (p:isfinite() & p:ge(0)):all():item() then core.badarg(1, "multinomial", "weights: finite numbers of at least 0 expected") end
end

--- n ids, drawn by weights that need not sum to 1, of each row.
function composed.multinomial(p, n, replacement)
  check_weights(p)
  if math.type(n) ~= "integer" or n < 1 then core.badarg(2, "multinomial", "n: positive integer expected, got " .. core.got(n)) end
  if replacement ~= nil and type(replacement) ~= "boolean" then core.badarg(3, "multinomial", "replacement: boolean expected, got " .. core.got(replacement)) end
  p = p:detach():double()
  local least = p:dim() == 1 and p:gt(0):sum():item() or p:gt(0):sum(2):amin():item()
  if least < (replacement and 1 or n) then
    core.badarg(1, "multinomial", string.format("weights: at least %d above 0 expected, got %d", replacement and 1 or n, least))
  end
  local shape = p:shape()
  if not replacement then -- waiting times: the n that come first
    local wait = (1 - core.rand(shape, { dtype = "float64" })):log():neg():clamp(1e-300)
    return select(2, (p / wait):topk(n, -1))
  end
  shape[#shape] = n
  local up_to = p:cumsum(-1)
  up_to = up_to / up_to:narrow(-1, -1, 1) -- the last is 1, and no draw is
  return up_to:searchsorted(core.rand(shape, { dtype = "float64" }), true)
end

-- ---- luron.linalg ------------------------------------------------------------------------------------------------------
local function matrix(where, a)
  if tensor(1, where, "a", a):dim() < 2 then core.badarg(1, where, "a: matrices expected, got " .. a:dim() .. " dims") end
  return a
end

--- x with the least |a x - b|, of more unknowns than equations the shortest; a has full rank.
function linalg.lstsq(a, b)
  matrix("lstsq", a)
  tensor(2, "lstsq", "b", b)
  local is_vector = b:dim() < a:dim()
  if is_vector then b = b:unsqueeze(-1) end
  local x
  if a:size(-2) >= a:size(-1) then
    local q, r = core.linalg.qr(a)
    x = core.linalg.solve_triangular(r, q:transpose(-1, -2):matmul(b), true)
  else
    local q, r = core.linalg.qr(a:transpose(-1, -2))
    x = q:matmul(core.linalg.solve_triangular(r:transpose(-1, -2), b, false))
  end
  return is_vector and x:squeeze(-1) or x
end

--- The pseudo-inverse: singular values of at most rcond times the largest count as 0.
function linalg.pinv(a, rcond)
  matrix("pinv", a)
  if rcond == nil then rcond = math.max(a:size(-1), a:size(-2)) * (a:dtype() == "float32" and 0x1p-23 or 0x1p-52) end
  if type(rcond) ~= "number" or rcond < 0 or rcond ~= rcond then core.badarg(2, "pinv", "rcond: number of at least 0 expected, got " .. core.got(rcond)) end
  local u, s, vh = core.linalg.svd(a)
  local none = s:le(s:detach():narrow(-1, 1, 1) * rcond)
  local inverse = s:masked_fill(none, 1):reciprocal():masked_fill(none, 0)
  return (vh:transpose(-1, -2) * inverse:unsqueeze(-2)):matmul(u:transpose(-1, -2))
end

for name, fn in pairs(composed) do
  core[name] = fn
  if name ~= "hstack" and name ~= "vstack" then core.methods.tensor[name] = fn end
end
for name, fn in pairs(linalg) do core.linalg[name] = fn end

return { lerp = lerp }
