--- luron plugin check: float32 beside float64, which the other checks prefer: outputs, gradients and states of layers, steps of
--- optimisers. Both get the same numbers, rounded to float32. Rule, for a number b of float64 in a tensor: float32 gives it to
---   share (|b| + mean |b|) + 4 (m + mean m) + rounding,
--- where share is 1e-4 for layers and 1e-3 for optimisers, and m is how much b, and for layers the number of float32, moves when what
--- it is computed from moves by 1e-6 of itself: what is badly conditioned is no fault.
local luron = require "luron"
local elementwise = require "luron.plugin_check.elementwise"
local gradient = require "luron.plugin_check.gradient"
local guess = require "luron.plugin_check.guess"

local precision = {}

--- x, each number made larger or smaller by 1e-6 of itself.
function precision.moved(x) return luron.no_grad(function() return x + x * (luron.rand_like(x) - 0.5):sign() * 1e-6 end) end

-- How much numbers move, with the mean of those that are finite.
local function movement(a, b)
  local move = (a - b):abs()
  return move + luron.where(move:isfinite(), move, 0.0):mean()
end

--- nil, or where float32 is apart from float64: the element, both numbers. sides: the result in float32, in float64, in float64 from
--- moved numbers and, may be nil, in float32 from moved ones. rounding: a number, or a tensor of one dim. limit: larger ones may differ.
function precision.apart(sides, share, rounding, limit)
  if sides[1]:numel() == 0 then return nil end
  local flat = {}
  for k, side in ipairs(sides) do flat[k] = side:detach():to "float64":reshape(-1) end
  local a, b, size = flat[1], flat[2], flat[2]:abs()
  local move = movement(b, flat[3])
  if flat[4] then move = move:maximum(movement(a, flat[4])) end
  local known = size:le(limit) & flat[3]:isfinite()
  local slack = (size + luron.where(known, size, 0.0):mean()) * share + luron.where(move:isfinite(), move, 0.0) * 4 + rounding
  local bad = known & ~(a - b):abs():le(slack)
  if not bad:any():item() then return nil end
  local i = bad:to "int64":argmax():item()
  return i, a[i]:item(), b[i]:item()
end

-- ---- layers ----------------------------------------------------------------------------------------------------------
local function is_real(x) return x:dtype():find "float" ~= nil end

-- The case in another real type. change(tensor): of its numbers.
local function in_dtype(case, dtype, change)
  local side = setmetatable({ layer = case.layer:clone():to(dtype), ins = {}, dtype = dtype }, { __index = case })
  side.layer:train(case.layer:is_training())
  for i = 1, case.n do
    local x = case.ins[i]
    if x and is_real(x) then x = change and not case.id_columns[i] and change(x:to(dtype)) or x:to(dtype) end
    side.ins[i] = x
  end
  if not change then return side end
  luron.no_grad(function()
    for _, parameter in ipairs(side.layer:parameters()) do parameter:copy_(change(parameter:detach())) end
  end)
  return side
end

-- What comes of a case: list of { name, tensor }.
local function results(side, info, vs)
  local list = {}
  for k, y in ipairs(guess.apply(side)) do
    if is_real(y) then list[#list + 1] = { "output '" .. info.outputs[k].name .. "'", y:detach() } end
  end
  for name, state in side.layer:named_states() do
    if is_real(state) then list[#list + 1] = { "state '" .. name .. "'", state:clone() } end
  end
  local cotangents = {}
  for k, v in ipairs(vs) do cotangents[k] = v and v:to(side.dtype) end
  local variables = gradient.variables(side, info)
  local grads = gradient.grads(side, variables, cotangents)
  for k, variable in ipairs(variables) do
    list[#list + 1] = { "gradient of " .. variable.name, grads[k] or luron.zeros_like(variable.tensor, { requires_grad = false }) }
  end
  return list
end

-- Numbers that are not so near 0 that an epsilon, which may be that of the real type, is to be seen.
local function away_from_0(x) return x + x:sign() * 0.2 end

local function compare(t, case)
  local shifted = case.domain ~= "unit" and not t.info.forms.elementwise
  local single = in_dtype(case, "float32", shifted and away_from_0 or nil)
  luron.set_random_state(case.seed, 7000)
  local double = in_dtype(single, "float64")
  local sides = { single, double, in_dtype(double, "float64", precision.moved), in_dtype(single, "float32", precision.moved) }
  local vs, lists = gradient.cotangents(in_dtype(single, "float32")), {}
  local moved_vs = {}
  for k, v in ipairs(vs) do moved_vs[k] = v and precision.moved(v) end
  for k, side in ipairs(sides) do lists[k] = results(side, t.info, k > 2 and moved_vs or vs) end
  for k, one in ipairs(lists[1]) do
    local i, narrow, wide = precision.apart({ one[2], lists[2][k][2], lists[3][k][2], lists[4][k][2] }, 1e-4, 3e-5, 1e30)
    if i then t.fail("%s: %s, element %d: float32 gives %.7g, float64 %.7g", guess.text(case.options), one[1], i, narrow, wide) end
  end
  return #lists[1]
end

-- A type that draws numbers draws others in float32: there gradients against differences.
local function compare_random(t, case)
  local single = in_dtype(case, "float32")
  local variables = gradient.variables(single, t.info)
  if #variables > 0 then gradient.by_stencil(t, single, variables) end
end

-- The first case with more numbers, so that whole vectors are met: an element-wise function with those of many sizes.
local function larger(t)
  local case = t.cases[1]
  if not t.info.forms.elementwise then return guess.enlarged(case, t.info, 5) end
  return setmetatable({ ins = { luron.tensor(elementwise.points(case), { dtype = case.dtype }) } }, { __index = case })
end

function precision.layer(t)
  if not t.info.flags.f64 then t.skip "float32 alone" end
  local n, list = 0, { table.unpack(t.cases) }
  list[#list + 1] = larger(t)
  for i, case in ipairs(list) do
    for _, training in ipairs { true, false } do
      case.layer:train(training)
      if not (training and t.info.flags.random) then n = n + compare(t, case)
      elseif i <= 2 then compare_random(t, case) end
    end
    case.layer:train(true)
  end
  return n .. " tensors, as in float64"
end

return precision
