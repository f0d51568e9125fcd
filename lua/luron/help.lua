--- luron.help: types of plugins from their descriptors, everything else from the reference (docs/reference/, installed as
--- luron_reference), which the docs are made of. Names that are nowhere give the nearest ones.
local core = require "luron.core"
local names = require "luron.names"

local WIDTH, CONTAINING = 100, 6
-- Tables below luron in signatures, in the order of the list; methods stand behind letters and words of their own, "x:sum".
local tables = {
  { "luron", "functions (luron.NAME)" }, { "nn", "functions and classes (nn.NAME)" }, { "optim", "optimisers in Lua (luron.optim.NAME)" },
  { "schedule", "schedules (luron.schedule.NAME)" }, { "init", "initialisers (nn.init.NAME)" }, { "regularizer", "regularisers (luron.regularizer.NAME)" },
  { "constraint", "constraints (luron.constraint.NAME)" }, { "data", "data (luron.data.NAME)" }, { "linalg", "linear algebra (luron.linalg.NAME)" },
  { "sparse", "sparse matrices (luron.sparse.NAME)" }, { "preprocess", "words and numbers as ids (luron.preprocess.NAME)" },
  { "boxes", "boxes of objects (luron.boxes.NAME)" },
}
local prefix = { init = "nn." }
for _, item in ipairs(tables) do
  if item[1] ~= "luron" and item[1] ~= "nn" and item[1] ~= "init" then prefix[item[1]] = "luron." end
end

-- ---- the reference -------------------------------------------------------------------------------------------------------
local all -- { owner, name, signature, entry, section, both }

local function collect(list, item, path)
  local where = path and path .. ", " .. item.title or item.title
  for _, field in ipairs(item.fields or {}) do
    local owner, name = field[1]:match "^(%w+)%.([%w_]+)$"
    list[#list + 1] = { owner = owner, name = name, signature = field[1] .. ": " .. field[2], entry = { nil, field[3] }, where = where }
  end
  for _, entry in ipairs(item) do
    if entry.title then
      collect(list, entry, where)
    else
      local owner, name = entry[1]:match "^([%a_]+)[.:]([%w_]+)"
      list[#list + 1] = { owner = owner, name = name, signature = (prefix[owner] or "") .. entry[1], entry = entry, where = where, both = item.both }
    end
  end
end

local function reference()
  if all then return all end
  local list = {}
  for _, part in ipairs(require "luron_reference.parts") do collect(list, require("luron_reference." .. part), nil) end
  all = list
  return all
end

-- ---- texts ---------------------------------------------------------------------------------------------------------------
local function fill(text, indent)
  local lines, line = {}, indent
  for word in text:gmatch "%S+" do
    if #line > #indent and #line + #word >= WIDTH then lines[#lines + 1], line = line, indent end
    line = line .. (line == indent and "" or " ") .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function example(pair, verb) return fill(string.format("%s %s %s", pair[1], verb, pair[2]), "  ") end

local function entry_text(item)
  local entry, lines = item.entry, { item.signature }
  if item.both then lines[1] = lines[1] .. ", also luron." .. item.name .. "(x, ...)" end
  lines[#lines + 1] = fill(entry[2], "  ")
  for _, key in ipairs { "is", "raises" } do
    local list = entry[key] and (type(entry[key][1]) == "table" and entry[key] or { entry[key] }) or {}
    for _, pair in ipairs(list) do
      if not pair[1]:find "%(function" then lines[#lines + 1] = example(pair, key) end -- a whole life in a line helps nobody
    end
  end
  lines[#lines + 1] = "  from docs/lua-api.md: " .. item.where
  return table.concat(lines, "\n")
end

-- The names in a table, in their order.
local function names_in(owner)
  local list, seen = {}, {}
  for _, item in ipairs(reference()) do
    if item.owner == owner and not seen[item.name] then list[#list + 1], seen[item.name] = item.name, true end
  end
  return list
end

local function overview()
  local lines = { core.help(), "lazy layers (nn.NAME), whose first input says the first option: " .. table.concat(require("luron.lazy").names(), ", ") }
  for _, item in ipairs(tables) do lines[#lines + 1] = item[2] .. ": " .. table.concat(names_in(item[1]), ", ") end
  lines[#lines + 1] = 'luron.help "Linear" tells about one of them, luron.help "x:sum" about a method of tensors; all are in docs/lua-api.md'
  return table.concat(lines, "\n")
end

-- ---- names that are near -------------------------------------------------------------------------------------------------
local function every_name()
  local set = {}
  local function add(name)
    if name then set[name] = true end
  end
  for _, kind in ipairs { "layer", "optim", "format" } do
    for _, name in ipairs(core.types(kind)) do
      add(name)
      add(core.type_info(kind, name).function_name)
    end
  end
  for _, item in ipairs(reference()) do add(item.name) end
  return set
end

-- "; did you mean 'a'?": names that are near, and where there are none, those that hold this one.
local function suggestion(name)
  local all_names, holding = every_name(), {}
  local list = names.near(name, all_names)
  if #list > 0 or #name <= 2 then return names.suggestion(list) end
  for other in pairs(all_names) do
    if other:lower():find(name:lower(), 1, true) then holding[#holding + 1] = other end
  end
  table.sort(holding, function(a, b)
    if #a ~= #b then return #a < #b end
    return a < b
  end)
  return names.suggestion(table.move(holding, 1, CONTAINING, 1, {}))
end

-- ---- options -------------------------------------------------------------------------------------------------------------
local lines_of -- "nn.Linear: add a bias" and others, by the option's name

-- Types of plugins that have an option of this name; nil: none has.
local function types_with(name)
  if not lines_of then
    lines_of = {}
    for _, kind in ipairs { "layer", "optim" } do
      for _, type_name in ipairs(core.types(kind)) do
        for _, option in ipairs(core.type_info(kind, type_name).schema) do
          lines_of[option.name] = lines_of[option.name] or {}
          table.insert(lines_of[option.name], string.format("  %s%s: %s", kind == "layer" and "nn." or "luron.optim.", type_name, option.doc))
        end
      end
    end
  end
  local lines = lines_of[name]
  if not lines then return nil end
  local more = #lines > CONTAINING and string.format("\n  and of %d others", #lines - CONTAINING) or ""
  return name .. ", an option of\n" .. table.concat(lines, "\n", 1, math.min(#lines, CONTAINING)) .. more
end

-- Entries whose text has the name as a word: options of functions in Lua.
local function entries_with(name, texts)
  local word = "%f[%w_]" .. name .. "%f[^%w_]"
  for _, item in ipairs(#name > 2 and reference() or {}) do
    if #texts < CONTAINING and (item.entry[2]:find(word) or item.signature:find(word)) then texts[#texts + 1] = entry_text(item) end
  end
end

-- ---- the whole -----------------------------------------------------------------------------------------------------------
local with_types = { nn = true, optim = true, x = true }

--- The text about whatever has this name, alone ("LBFGS") or as it is written ("luron.optim.LBFGS", "x:sum"); without a name
--- the list of all.
local function help(name)
  if name == nil then return overview() end
  if name == "luron" then return overview() .. "\n\n" .. core.help(name) end -- the module, and the file format of that name
  if type(name) ~= "string" then core.badarg(1, "help", "name: string expected, got " .. core.got(name)) end
  local owner, bare = name:match "^(.*)[.:]([^.:]*)$"
  owner, bare = owner and owner:match "[%w_]*$", bare or name
  local texts, refused = {}, nil
  if not owner or with_types[owner] then texts[1], refused = core.help(bare) end
  local of = bare:match "^Lazy(%u%w*)$"
  local told = of and require("luron.lazy").told(of)
  if told then texts = { told, (core.help(of)) } end
  for _, item in ipairs(reference()) do
    local fits = not owner or item.owner == owner or (item.both and owner == "luron")
    if fits and (item.name == bare or (item.owner == "init" and item.name == bare .. "_")) then texts[#texts + 1] = entry_text(item) end
  end
  for _, item in ipairs(tables) do
    if item[1] == bare and bare ~= "luron" then texts[#texts + 1] = fill(item[2] .. ": " .. table.concat(names_in(bare), ", "), "") end
  end
  if not owner and name:find "^[%l_][%l%d_]*$" then
    texts[#texts + 1] = types_with(name)
    if #texts == 0 and not names.no_layer(bare) then entries_with(name, texts) end
  end
  if #texts == 0 then
    local here = names.no_layer(bare)
    here = here and (here:match "^nn has no '.-'(.*)" or "; " .. here) or names.hint("luron", bare, {})
    core.raise(string.format("help: nothing is called '%s'%s%s", name, here ~= "" and here or suggestion(bare),
      refused and refused:match "; refused plugins:.*" or ""))
  end
  return table.concat(texts, "\n\n")
end

return { help = help }
