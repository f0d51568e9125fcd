--- Options of learning-rate schedules: their kinds, checks and defaults.
local core = require "luron.core"
local module = require "luron.module"
local names = require "luron.names"

local function is_number(value) return type(value) == "number" and value == value and math.abs(value) < math.huge end
local function is_list_of(check)
  return function(value)
    if type(value) ~= "table" or #value == 0 or debug.getmetatable(value) then return false end
    for _, item in ipairs(value) do
      if not check(item) then return false end
    end
    return true
  end
end
local function is_size(value) return is_number(value) and value >= 0 end
local function is_count(value) return math.type(value) == "integer" and value >= 0 end
local function one_of(first, second)
  return function(value) return value == first or value == second end
end

local kinds = {
  number = is_number,
  ["number of at least 0"] = is_size,
  ["number above 0"] = function(value) return is_number(value) and value > 0 end,
  ["number of 0 to 1"] = function(value) return is_size(value) and value <= 1 end,
  ["number of 0 to below 1"] = function(value) return is_size(value) and value < 1 end,
  ["integer of at least 0"] = is_count,
  ["list of integers"] = is_list_of(is_count),
  ["number of at least 0, or a list of one for each group"] = function(value) return is_size(value) or is_list_of(is_size)(value) end,
  ["function, or a list of one for each group"] = function(value) return module.is_callable(value) or is_list_of(module.is_callable)(value) end,
  ["function"] = module.is_callable,
  ["number of at least 1"] = function(value) return is_number(value) and value >= 1 end,
  ["list of numbers of at least 0"] = is_list_of(is_size),
  ["'cos' or 'linear'"] = one_of("cos", "linear"),
  ["'step' or 'epoch'"] = one_of("step", "epoch"),
  ["'cycle' or 'iterations'"] = one_of("cycle", "iterations"),
  ["'triangular', 'triangular2' or 'exp_range'"] = function(value) return value == "triangular" or value == "triangular2" or value == "exp_range" end,
  ["'min' or 'max'"] = one_of("min", "max"),
  name = function(value) return type(value) == "string" end,
  ["'rel' or 'abs'"] = one_of("rel", "abs"),
}

-- Checked options with defaults; `known` has { kind, default } or { kind, optional = true } by name.
local function check(name, known, options)
  local checked, wanted = {}, { every = "'step' or 'epoch'" }
  for key, option in pairs(known) do wanted[key] = option[1] end
  for key, value in pairs(names.options(2, name, options, wanted, kinds)) do checked[key] = value end
  for key, option in pairs(known) do
    if checked[key] == nil then checked[key] = option[2] end
    if checked[key] == nil and not option.optional then core.badarg(2, name, string.format("%s is missing: %s expected", key, option[1])) end
  end
  return checked
end

-- Of an option that may be a list of one for each group, of which `groups` has one each.
local function each_group(name, key, value, groups)
  if is_number(value) or module.is_callable(value) then
    local list = {}
    for i in ipairs(groups) do list[i] = value end
    return list
  end
  if #value ~= #groups then core.badarg(2, name, string.format("%s: one for each of %d groups expected, got %d", key, #groups, #value)) end
  return value
end

return { kinds = kinds, check = check, each_group = each_group, is_number = is_number, is_size = is_size, is_count = is_count, is_list_of = is_list_of }
