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

-- The sum over elements of |g|^p, or for infinity the largest |g|.
local function power_sum(g, p)
  if g:numel() == 0 then return 0 end
  if p == math.huge then return g:abs():amax():item() end
  if p == 1 then return g:abs():sum():item() end
  if p == 2 then return g:square():sum():item() end
  return g:abs():pow(p):sum():item()
end

local function norm_of(params, p, dtype)
  local total = 0.0
  for _, param in ipairs(params) do
    local sum = power_sum(dtype and param:grad():to(dtype) or param:grad(), p)
    if sum ~= sum then return sum end
    if p == math.huge then total = math.max(total, sum) else total = total + sum end
  end
  return p == math.huge and total or total ^ (1 / p)
end

--- Scale all gradients together so that the norm of all of them is at most `max`. Gives the norm that they had. If it is not
--- finite they stay as they are, for opt:step() to name the parameter.
local function clip_grad_norm(params, max, options)
  check_positive(max, 2, "clip_grad_norm", "max")
  local p = require("luron.names").options(3, "clip_grad_norm", options, { norm_type = "any" }).norm_type
  if p == nil then p = 2 end
  check_positive(p, 3, "clip_grad_norm", "norm_type")
  core.plan_refuse "takes the norm of gradients as a number: clip_grad_norm (clip_grad_value needs none)"
  local list = collect(params, "clip_grad_norm", {}, {}, 0)
  return core.no_grad(function()
    local norm = norm_of(list, p)
    if not (norm > 0 and norm < math.huge) then norm = norm_of(list, p, "float64") end -- float32 squares overflow or vanish early
    local scale = max / (norm + 1e-6)
    if norm < math.huge and scale < 1 then
      for _, param in ipairs(list) do param:set_grad(param:grad() * scale) end
    end
    return norm
  end)
end

--- Cut every element of the gradients off at -limit and limit.
local function clip_grad_value(params, limit)
  check_positive(limit, 2, "clip_grad_value", "limit")
  local list = collect(params, "clip_grad_value", {}, {}, 0)
  core.no_grad(function()
    for _, param in ipairs(list) do param:set_grad(param:grad():clamp(-limit, limit)) end
  end)
end

return { clip_grad_norm = clip_grad_norm, clip_grad_value = clip_grad_value }
