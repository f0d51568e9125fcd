--- Optimisers by name, those of third-party plugins too: luron.optim.AdamW(model, { lr = 1e-3 }).
local core = require "luron.core"
local module = require "luron.module"

local optim = {}

local function has_parameters(value) return core.is_layer(value) or core.is_model(value) or module.is_module(value) end

-- Parameters and names of a model, or of a list of tensors. Frozen ones too: they stay as they are until they are unfrozen.
local function collect(value, name, where)
  if core.is_tensor(value) then value = { value } end
  local params, names = {}, {}
  if has_parameters(value) then
    local prefix = core.is_layer(value) and value:name() ~= "" and value:name() .. "/" or "" -- as in the model that it is part of
    for path, tensor in value:named_parameters() do
      params[#params + 1], names[#names + 1] = tensor, prefix .. path
    end
    return params, names
  end
  if type(value) ~= "table" then core.badarg(1, name, string.format("%smodel or list of tensors expected, got %s", where, core.got(value))) end
  for i, item in ipairs(value) do
    if has_parameters(item) then
      local more = collect(item, name, where)
      table.move(more, 1, #more, #params + 1, params)
    elseif core.is_tensor(item) then
      -- A frozen parameter of a model is meant to be there; a tensor by itself has been forgotten.
      if not item:requires_grad() then
        core.badarg(1, name, string.format("%sthe tensor at [%d] requires no gradient: x:requires_grad_() says that it does", where, i))
      end
      params[#params + 1] = item
    else
      core.badarg(1, name, string.format("%stensor expected at [%d], got %s", where, i, core.got(item)))
    end
  end
  return params, nil
end

local function is_group(value) return type(value) == "table" and not module.is_module(value) and rawget(value, "params") ~= nil end

-- Call a function of core with messages that name the optimiser in its place.
local function named(name, fn, ...)
  local results = table.pack(pcall(fn, ...))
  if not results[1] then error(type(results[2]) == "string" and results[2]:gsub("'optim_%a+'", "'" .. name .. "'", 1) or results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- Names that another group has already say nothing: parameters without names are numbered.
local function unless_taken(names, taken)
  for _, name in ipairs(names or {}) do
    if taken[name] then return nil end
  end
  for _, name in ipairs(names or {}) do taken[name] = true end
  return names
end

local function add_group(opt, name, group, where, taken)
  local options = {}
  for key, value in pairs(group) do
    if key ~= "params" then options[key] = value end
  end
  local params, names = collect(group.params, name, where)
  named(name, core.optim_add, opt, params, unless_taken(names, taken), next(options) and options or nil)
end

local function make(name, what, options)
  if options ~= nil and type(options) ~= "table" then core.badarg(2, name, "options: table expected, got " .. core.got(options)) end
  local opt = named(name, core.optim_new, name, options or {})
  if is_group(what) then what = { what } end
  if type(what) == "table" and is_group(what[1]) then
    local taken = {}
    for i, group in ipairs(what) do
      local where = string.format("group %d: ", i)
      if not is_group(group) then core.badarg(1, name, where .. "table with params expected, got " .. core.got(group)) end
      add_group(opt, name, group, where, taken)
    end
    return opt
  end
  local params, names = collect(what, name, "parameters: ")
  if #params == 0 then core.badarg(1, name, "parameters: at least one expected, got none") end
  named(name, core.optim_add, opt, params, names)
  return opt
end

return setmetatable(optim, {
  __index = function(_, name)
    if type(name) ~= "string" then return nil end
    local info, message = core.type_info("optim", name)
    if not info then core.raise(message) end
    local function constructor(what, options) return make(name, what, options) end
    optim[name] = constructor
    return constructor
  end,
  __name = "luron.optim",
})
