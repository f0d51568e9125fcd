--- Lua patterns over the names of parameters: groups of optimisers, penalties and constraints are given by them.
local core = require "luron.core"

-- Does `text` fit `pattern`? A pattern that is none is an error of argument `arg` of `fn`.
local function fits(arg, fn, where, text, pattern)
  if type(pattern) ~= "string" then core.badarg(arg, fn, string.format("%spattern of names expected, got %s", where, core.got(pattern))) end
  local ok, found = pcall(string.find, text, pattern)
  if not ok then core.badarg(arg, fn, where .. tostring(found):gsub("^.-:%d+: ", "")) end
  return found ~= nil
end

local function refuse(arg, fn, where, pattern, names)
  core.badarg(arg, fn, string.format("%sno parameter matches %q; there are %s", where, pattern, table.concat(names, ", ")))
end

-- What `rules`, a table of functions by pattern, say for a model: a list of { name, tensor, rule }, by parameters and then
-- patterns, in an order that is always the same. A pattern that fits nothing is an error.
local function each(fn, model, rules)
  local where, keys, names, list = "rules: ", {}, {}, {}
  if type(rules) ~= "table" or debug.getmetatable(rules) then core.badarg(2, fn, where .. "table of functions by pattern expected, got " .. core.got(rules)) end
  for pattern, rule in pairs(rules) do
    if not require("luron.module").is_callable(rule) then
      core.badarg(2, fn, string.format("%s[%s]: function of a parameter expected, got %s", where, core.got(pattern), core.got(rule)))
    end
    fits(2, fn, where, "", pattern)
    keys[#keys + 1] = pattern
  end
  table.sort(keys)
  local used = {}
  for name, tensor in model:named_parameters() do
    names[#names + 1] = name
    for _, pattern in ipairs(keys) do
      if fits(2, fn, where, name, pattern) then
        list[#list + 1], used[pattern] = { name, tensor, rules[pattern] }, true
      end
    end
  end
  for _, pattern in ipairs(keys) do
    if not used[pattern] then refuse(2, fn, where, pattern, names) end
  end
  return list
end

return { fits = fits, refuse = refuse, each = each }
