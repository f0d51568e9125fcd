--- Clipping of gradients, between loss:backward() and opt:step(). Gradients get new tensors: what else shares their memory
--- stays as it is.
local core = require "luron.core"
local module = require "luron.module"

-- Parameters that have a gradient, each once: of a model, layer, instance, optimiser, or list of these and of tensors.
local function collect(value, where, list, seen, depth)
  if core.is_tensor(value) then
    if value:grad() and not seen[value:id()] then list[#list + 1] = value end
    seen[value:id()] = true
  elseif core.is_optim(value) then
    for _, group in ipairs(value.groups) do collect(group.params, where, list, seen, depth) end
  elseif core.is_layer(value) or core.is_model(value) or module.is_module(value) then
    collect(value:parameters(), where, list, seen, depth)
  elseif type(value) == "table" and depth < 8 then
    for _, item in ipairs(value) do collect(item, where, list, seen, depth + 1) end
  else
    core.badarg(1, where, "parameters: model, optimiser or list of tensors expected, got " .. core.got(value))
  end
  return list
end

local function check_positive(value, arg, where, name)
  if type(value) ~= "number" or value ~= value or value <= 0 then
    core.badarg(arg, where, name .. ": number above 0 expected, got " .. core.got(value))
  end
end

-- The sum over elements of |g|^p.
local function power_sum(g, p)
  if p == 1 then return g:abs():sum() end
  if p == 2 then return g:sum_squares() end
  return g:abs():pow(p):sum()
end

-- Of gradients that are float64, or that are not.
local function norm_alike(grads, p, is_wide)
  local highest, lowest, sums = {}, {}, {}
  if p == 2 and not is_wide then
    for i, g in ipairs(grads) do sums[i] = power_sum(g, p) end
    return core.stack(sums):sum():sqrt()
  end
  -- By gradients divided by the largest element: powers that are not made in float64, and squares of float64, overflow or vanish early.
  for i, g in ipairs(grads) do highest[i], lowest[i] = g:amax(), g:amin() end
  local largest = core.maximum(core.stack(highest):amax(), -core.stack(lowest):amin()):to "float64"
  if p == math.huge then return largest end
  local unit = largest:clamp(is_wide and 1e-300 or 1e-30, is_wide and 1e300 or 1e30) -- its inverse is a number of their dtype
  local factor = 1 / unit
  for i, g in ipairs(grads) do sums[i] = power_sum(g * factor:to(g:dtype()), p) end
  local sum = core.stack(sums):to("float64"):sum()
  return unit * (p == 2 and sum:sqrt() or sum:pow(1 / p))
end

local function norm_of(params, p)
  local wide, narrow = {}, {}
  for _, param in ipairs(params) do
    local g = param:numel() > 0 and param:grad()
    local list = g and g:dtype() == "float64" and wide or narrow
    if g then list[#list + 1] = g end
  end
  if #wide == 0 and #narrow == 0 then return core.zeros({}, { dtype = "float64" }) end
  if #wide == 0 or #narrow == 0 then return norm_alike(#wide == 0 and narrow or wide, p, #wide > 0) end
  return norm_alike({ core.stack { norm_alike(narrow, p, false):to "float64", norm_alike(wide, p, true) } }, p, true)
end

--- Scale all gradients together so that the norm of all of them is at most `max`. Gives the norm that they had, as a tensor: no
--- number is read, so that a plan can repeat it. If it is not finite they stay as they are, for opt:step() to name the parameter.
local function clip_grad_norm(params, max, options)
  check_positive(max, 2, "clip_grad_norm", "max")
  local p = require("luron.names").options(3, "clip_grad_norm", options, { norm_type = "any" }).norm_type
  if p == nil then p = 2 end
  check_positive(p, 3, "clip_grad_norm", "norm_type")
  local list = collect(params, "clip_grad_norm", {}, {}, 0)
  return core.no_grad(function()
    local norm = norm_of(list, p)
    local scale = core.where(norm:lt(math.huge), (max / (norm + 1e-6)):clamp(0, 1), 1)
    for _, param in ipairs(list) do
      local g <close> = param:grad() -- so that its memory is the next one's
      local scaled <close> = g * scale:to(g:dtype()) -- two tensors without dims would give the wider dtype
      param:set_grad(scaled)
    end
    return norm
  end)
end

--- Cut every element of the gradients off at -limit and limit.
local function clip_grad_value(params, limit)
  check_positive(limit, 2, "clip_grad_value", "limit")
  local list = collect(params, "clip_grad_value", {}, {}, 0)
  core.no_grad(function()
    for _, param in ipairs(list) do
      local g <close> = param:grad()
      local cut <close> = g:clamp(-limit, limit)
      param:set_grad(cut)
    end
  end)
end

return { clip_grad_norm = clip_grad_norm, clip_grad_value = clip_grad_value }
