--- Lua patterns over the names of parameters: groups of optimisers, penalties and constraints are given by them.
local core = require "luron.core"

-- Does `text` fit `pattern`? A pattern that is none is an error of argument `arg` of `fn`.
local function fits(arg, fn, where, text, pattern)
  if type(pattern) ~= "string" then core.badarg(arg, fn, string.format("%spattern of names expected, got %s", where, core.got(pattern))) end
  local ok, found = pcall(string.find, text, pattern)
  if not ok then core.badarg(arg, fn, where .. tostring(found):gsub("^.-:%d+: ", "")) end
  return found ~= nil
end

local function refuse(arg, fn, where, pattern, names, what)
  core.badarg(arg, fn, string.format("%sno %s matches %q; there are %s", where, what or "parameter", pattern, table.concat(names, ", ")))
end

-- What `rules`, a table of functions of a `what` by pattern of its name, say for `things`, a list of { name, thing }: a list of
-- { name, thing, rule }, by things and then patterns, in an order that is always the same. A pattern that fits nothing is an error.
local function over(fn, what, things, rules)
  local where, keys, names, list = "rules: ", {}, {}, {}
  if type(rules) ~= "table" or debug.getmetatable(rules) then core.badarg(2, fn, where .. "table of functions by pattern expected, got " .. core.got(rules)) end
  for pattern, rule in pairs(rules) do
    if not require("luron.module").is_callable(rule) then
      core.badarg(2, fn, string.format("%s[%s]: function of a %s expected, got %s", where, core.got(pattern), what, core.got(rule)))
    end
    fits(2, fn, where, "", pattern)
    keys[#keys + 1] = pattern
  end
  table.sort(keys)
  local used = {}
  for _, pair in ipairs(things) do
    local name, thing = table.unpack(pair)
    names[#names + 1] = name
    for _, pattern in ipairs(keys) do
      if fits(2, fn, where, name, pattern) then
        list[#list + 1], used[pattern] = { name, thing, rules[pattern] }, true
      end
    end
  end
  for _, pattern in ipairs(keys) do
    if not used[pattern] then refuse(2, fn, where, pattern, names, what) end
  end
  return list
end

-- The same for the parameters of a model.
local function each(fn, model, rules)
  local things = {}
  for name, tensor in model:named_parameters() do things[#things + 1] = { name, tensor } end
  return over(fn, "parameter", things, rules)
end

return { fits = fits, refuse = refuse, each = each, over = over }
