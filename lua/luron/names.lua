--- Names that are not there: what is near, as core does it for names of types, and what other libraries call otherwise.
local core = require "luron.core"
-- Loaded for the first message that needs it: `require "luron"` stays quick.
local function foreign(kind) return require("luron.foreign_names")[kind] end

local names = {}

-- How many letters have to be put in, taken out, changed, or swapped with their neighbour; case does not matter.
local function distance(a, b)
  local before, row, n = nil, {}, #b
  for j = 0, n do row[j] = j end
  for i = 1, #a do
    local last = row
    row = { [0] = i }
    for j = 1, n do
      local same = a:byte(i) == b:byte(j)
      local least = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if before and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then least = math.min(least, before[j - 2] + 1) end
      row[j] = least
    end
    before = last
  end
  return row[n]
end

--- Up to three names of the set `known` (names are its keys) that are near, the nearest first.
function names.near(name, known)
  local found, limit, lower = {}, (#name + 2) // 3, name:lower()
  for other in pairs(known) do
    if type(other) == "string" and #other < 64 and #name < 64 and other:sub(1, 1) ~= "_" then
      local far = distance(lower, other:lower())
      if far > limit and #name >= 3 and other:sub(1, #name):lower() == lower then far = limit end -- "summ" for "summary"
      if far <= limit then found[#found + 1] = { other, far } end
    end
  end
  table.sort(found, function(a, b)
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[1] < b[1]
  end)
  for i, pair in ipairs(found) do found[i] = i <= 3 and pair[1] or nil end
  return found
end

--- "; did you mean 'a' or 'b'?" of a list of names; "" of none.
function names.suggestion(list)
  if #list == 0 then return "" end
  return "; did you mean '" .. table.concat(list, "', '", 1, #list - 1) .. (#list > 1 and "' or '" or "") .. list[#list] .. "'?"
end

local function here_it_is(here) return here:find "^: " and here or "; here it is " .. here end

--- "; here it is luron.seed", a suggestion, or "". `kind` says which table of other libraries' names counts.
function names.hint(kind, name, known)
  local here = (foreign(kind) or {})[name]
  return here and here_it_is(here) or names.suggestion(names.near(name, known))
end

--- Raise: `what` has no `name`.
function names.refuse(what, kind, name, known)
  if type(name) ~= "string" then core.raise(string.format("%s has no %s", what, core.got(name))) end
  core.raise(string.format("%s has no '%s'%s", what, name, names.hint(kind, name, known)))
end

--- The keys of a table, strings, in their order.
function names.sorted(t)
  local keys = {}
  for key in next, t do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

--- "no option 'batch_size': it is called batch; options: batch, shuffle"
function names.no_option(kind, key, known)
  local here = type(key) == "string" and (foreign(kind) or {})[key]
  local hint = here and (here:find "^: " and here or known[here:match "^[%w_]+"] and ": it is called " .. here) or ""
  return string.format("no option %s%s; options: %s", core.got(key), hint, table.concat(names.sorted(known), ", "))
end

-- Kinds of options, in the words of messages; others are the names of Lua's types.
local kinds = {
  any = function() return true end, -- the function judges it
  integer = function(value) return math.type(value) == "integer" end,
  ["positive integer"] = function(value) return math.type(value) == "integer" and value >= 1 end,
}

--- Options as a table (nil: an empty one), each in `known`, { batch = "positive integer" }, and of its kind; else this raises.
--- `more`: kinds of the function's own; `kind`: whose options other libraries call otherwise.
function names.options(arg, where, options, known, more, kind)
  if options == nil then return {} end
  if type(options) ~= "table" then core.badarg(arg, where, "options: table expected, got " .. core.got(options)) end
  for key, value in pairs(options) do
    local wanted = known[key]
    if not wanted then core.badarg(arg, where, names.no_option(kind, key, known)) end
    local fits = more and more[wanted] or kinds[wanted]
    if fits and not fits(value) or not fits and type(value) ~= wanted then
      core.badarg(arg, where, string.format("%s: %s expected, got %s", key, wanted, core.got(value)))
    end
  end
  return options
end

--- What to say of a layer type or function that no plugin has; nil: nothing is known of the name.
function names.no_layer(name)
  local here, theirs = foreign("luron.nn")[name], foreign("keras")[name]
  if not here and name:find "^%l" then -- a function of PyTorch's whose layer alone is here: max_pool2d
    for _, layer in ipairs(core.types "layer") do
      if layer:lower() == name:gsub("_", "") then here = "the layer nn." .. layer end
    end
  end
  local of = name:match "^Lazy(%u.*)"
  local row = of and foreign("keras")[of]
  if row and require("luron.lazy").told(row[1]) then here = string.format("nn.Lazy%s; nn.%s tells how the options go", row[1], of) end
  if here then return "nn has no '" .. name .. "'" .. here_it_is(here) end
  if not theirs then return nil end
  local lazy = require("luron.lazy").told(theirs[1])
  return string.format("nn has no '%s', Keras's name for nn.%s: %s%s", name, theirs[1], theirs[2],
    lazy and "; " .. lazy or "")
end

--- What an option of other libraries' layers is at the layer type `type_name`, as the rows of Keras's layers say; nil: nothing is known;
--- ": " and what is said where it has no like. The binding asks.
function names.layer_option(type_name, key)
  local known, info = {}, core.type_info("layer", type_name)
  for _, option in ipairs(info.options) do known[option.name or option] = true end
  local here = foreign("option")[key]
  for _, text in ipairs(type(here) == "table" and here or {}) do
    if known[text:match "^[%w_]+"] then return text:match "^[%w_]+(: .*)" or text end
  end
  if key == "return_indices" and core.layer_type(type_name .. "WithIndices") then return "nn." .. type_name .. "WithIndices, a type of its own" end
  if type(here) == "string" then return here end
  for _, row in next, foreign "keras" do
    for theirs, ours in row[2]:gmatch "([%w_]+) is ([%w_]+)" do
      if theirs == key and known[ours] then return ours end
    end
  end
end

--- Let reading what is not in the table raise; rawget still gives nil. `title`: "luron.linalg", also the kind of its names.
function names.guard(t, title)
  return setmetatable(t, { __name = title, __index = function(_, name) names.refuse(title, title, name, t) end })
end

--- __index of objects with these methods: what neither the object nor its methods have raises. `fields`: true for those that
--- users read, false for the object's own that may be nil. `title`: "a checkpoint"; `kind`: of its names.
function names.index(methods, title, kind, fields)
  return function(_, key)
    local value = methods[key]
    if value ~= nil or fields and fields[key] ~= nil then return value end
    local known = {}
    for name in next, methods do known[name] = true end
    for name, public in next, fields or {} do known[name] = public or nil end
    names.refuse(title, kind, key, known)
  end
end

return names
