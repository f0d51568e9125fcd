--- Optimisers by name, those of third-party plugins too: luron.optim.AdamW(model, { lr = 1e-3 }).
local core = require "luron.core"
local module = require "luron.module"
local pattern = require "luron.pattern"

local optim = {}

local is_userdata = core.is_optim
function core.is_optim(value)
  if is_userdata(value) then return true end
  local lbfgs = package.loaded["luron.lbfgs"]
  return lbfgs ~= nil and lbfgs.is(value)
end

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

local function got_group(value) return type(value) == "table" and not getmetatable(value) and "one without" or core.got(value) end
local function is_group(value) return type(value) == "table" and not module.is_module(value) and rawget(value, "params") ~= nil end

-- Call a function of core with messages that name the optimiser in its place, and for a group the argument where it is.
local function named(name, fn, ...)
  local results = table.pack(pcall(fn, ...))
  if not results[1] then error(type(results[2]) == "string" and results[2]:gsub("'optim_%a+'", "'" .. name .. "'", 1) or results[2], 0) end
  return table.unpack(results, 2, results.n)
end
local function add(opt, name, arg, where, params, names, options)
  local ok, message = pcall(core.optim_add, opt, params, names, options)
  if ok then return end
  local there = string.format("bad argument #%d to '%s' (%s", arg, name, where):gsub("%%", "%%%%")
  error(type(message) == "string" and message:gsub("bad argument #%d+ to 'optim_add' %(", there, 1) or message, 0)
end

-- Names that another group has already say nothing: parameters without names are numbered.
local function unless_taken(names, taken)
  for _, name in ipairs(names or {}) do
    if taken[name] then return nil end
  end
  for _, name in ipairs(names or {}) do taken[name] = true end
  return names
end

local function without(options, ...)
  local rest = {}
  for key, value in pairs(options) do rest[key] = value end
  for _, key in ipairs { ... } do rest[key] = nil end
  return next(rest) and rest or nil
end

local function add_group(opt, name, group, where, taken)
  local params, names = collect(group.params, name, where)
  add(opt, name, 1, where, params, unless_taken(names, taken), without(group, "params"))
end

local function add_groups(opt, name, groups)
  local taken = {}
  for i, group in ipairs(groups) do
    local where = string.format("group %d: ", i)
    if not is_group(group) then core.badarg(1, name, where .. "table with params expected, got " .. got_group(group)) end
    add_group(opt, name, group, where, taken)
  end
end

-- ---- groups by patterns of names ---------------------------------------------------------------------------------------
-- Take out of `left`, the numbers of parameters without a group, those whose names fit the pattern.
local function take(name, where, match, names, left)
  local taken, rest, seen = {}, {}, false
  for _, text in ipairs(names) do seen = pattern.fits(2, name, where, text, match) or seen end
  if not seen then pattern.refuse(2, name, where, match, names) end
  for _, i in ipairs(left) do
    local list = pattern.fits(2, name, where, names[i], match) and taken or rest
    list[#list + 1] = i
  end
  if #taken == 0 then core.badarg(2, name, string.format("%searlier groups have all that %q matches", where, match)) end
  return taken, rest
end

local function add_matching(opt, name, params, names, groups)
  if type(groups) ~= "table" or #groups == 0 then core.badarg(2, name, "groups: list of { match = pattern, ... } expected, got " .. core.got(groups)) end
  if not names then core.badarg(2, name, "groups: patterns need a model, tensors have no names") end
  local function add_some(list, where, options)
    local some, their = {}, {}
    for k, i in ipairs(list) do some[k], their[k] = params[i], names[i] end
    add(opt, name, 2, where, some, their, options)
  end
  local left = {}
  for i = 1, #params do left[i] = i end
  for i, group in ipairs(groups) do
    local where = string.format("groups: [%d]: ", i)
    if type(group) ~= "table" then core.badarg(2, name, where .. "table with match expected, got " .. core.got(group)) end
    local taken, rest = take(name, where .. "match: ", group.match, names, left)
    add_some(taken, where, without(group, "match"))
    left = rest
  end
  if #left > 0 then add_some(left, "") end
end

local function make(name, what, options)
  if options ~= nil and type(options) ~= "table" then core.badarg(2, name, "options: table expected, got " .. core.got(options)) end
  local patterns = options and options.groups
  local opt = named(name, core.optim_new, name, options and without(options, "groups") or {})
  if is_group(what) then what = { what } end
  if type(what) == "table" and is_group(what[1]) then
    if patterns then core.badarg(2, name, "groups: give groups as the first argument or by patterns, not both") end
    add_groups(opt, name, what)
    return opt
  end
  local params, names = collect(what, name, "parameters: ")
  if #params == 0 then core.badarg(1, name, "parameters: at least one expected, got none") end
  if patterns then add_matching(opt, name, params, names, patterns) else add(opt, name, 1, "", params, names) end
  return opt
end

--- L-BFGS is no plugin's: its step calls a function, and sees all parameters as one vector.
function optim.LBFGS(what, options)
  if is_group(what) or (type(what) == "table" and is_group(what[1])) or (type(options) == "table" and options.groups) then
    core.badarg(1, "LBFGS", "parameters: one group alone: all parameters move along one direction")
  end
  local params, names = collect(what, "LBFGS", "parameters: ")
  return require("luron.lbfgs").new(params, names, options)
end

--- opt:add_group { params = ..., lr = ... }: another group, with the options of the optimiser but for those given.
function core.methods.optim.add_group(opt, group)
  if not core.is_optim(opt) then core.badarg(0, "add_group", "optimiser expected, got " .. core.got(opt)) end
  if not is_group(group) then core.badarg(1, "add_group", "group: table with params expected, got " .. got_group(group)) end
  local taken = {}
  for _, other in ipairs(opt.groups) do
    for _, name in ipairs(other.names) do taken[name] = true end
  end
  add_group(opt, "add_group", group, "", taken)
end

return setmetatable(optim, {
  __index = function(_, name)
    if type(name) ~= "string" then return nil end
    local info, message = core.type_info("optim", name)
    if not info then
      local hint = require("luron.names").hint("luron.optim", name, {})
      core.raise(hint ~= "" and "luron.optim has no '" .. name .. "'" .. hint or message)
    end
    local function constructor(what, options) return make(name, what, options) end
    optim[name] = constructor
    return constructor
  end,
  __name = "luron.optim",
})
