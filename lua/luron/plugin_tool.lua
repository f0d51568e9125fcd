--- The command `luron plugin`: list, info, new, check. (`luron plugin index` is in the command itself: the build needs it.)
local has_argparse, argparse = pcall(require, "argparse") -- check-one and the index do without
local luron = require "luron"
local core = require "luron.core"

local tool = {}

local kinds = { "layer", "optim", "format" }
local titles = { layer = "layer", optim = "optimiser", format = "format" }

-- ---- list ------------------------------------------------------------------------------------------------------------
-- Plugins with their types, in the order of loading: { name, version, abi, path, types = { { kind, info } ... } }.
local function loaded_plugins()
  luron.plugins() -- loads all of the path
  local list, by_name = {}, {}
  for _, kind in ipairs(kinds) do
    for _, name in ipairs(luron.types(kind, true)) do
      local info = luron.type_info(kind, name)
      local plugin = by_name[info.plugin]
      if not plugin then
        plugin = { name = info.plugin, version = info.plugin_version, abi = info.abi, path = info.plugin_path, types = {} }
        by_name[info.plugin], list[#list + 1] = plugin, plugin
      end
      plugin.types[#plugin.types + 1] = { kind = kind, info = info }
    end
  end
  return list, by_name
end

local function print_types(plugin)
  for _, one in ipairs(plugin.types) do
    print(string.format("  %-9s %-20s %s", titles[one.kind], one.info.name, one.info.doc or ""))
  end
end

function tool.list()
  for _, plugin in ipairs(loaded_plugins()) do
    print(string.format("%s %s  %s", plugin.name, plugin.version, plugin.path))
    print_types(plugin)
  end
  for _, file in ipairs(luron.plugins()) do
    if file.refused then print(string.format("refused  %s\n  %s", file.path, file.refused)) end
  end
  return true
end

-- ---- info ------------------------------------------------------------------------------------------------------------
local function flags_of(info)
  local names = {}
  for _, set in ipairs { info.forms, info.flags } do
    for name in pairs(set) do names[#names + 1] = name end
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local function print_type(info)
  print(core.help(info.name))
  if flags_of(info) ~= "" then print("  " .. flags_of(info)) end
  print("  plugin ABI " .. info.abi .. ", " .. info.plugin_path)
end

function tool.info(arguments)
  local name = arguments.name
  if name:find("/", 1, true) then
    local ok, message = luron.load_plugin(name)
    if not ok then return nil, message end
    for _, kind in ipairs(kinds) do
      for _, type_name in ipairs(luron.types(kind, true)) do print_type(luron.type_info(kind, type_name)) end
    end
    return true
  end
  for _, kind in ipairs(kinds) do
    local info = luron.type_info(kind, name)
    if info then
      print_type(info)
      return true
    end
  end
  local _, by_name = loaded_plugins()
  local plugin = by_name[name]
  if not plugin then
    local _, message = luron.type_info("layer", name)
    local said, near = message:match "^(.-); did you mean (.*)%?" -- core has looked among the layers
    if near then by_name = {} end
    for found in (near or ""):gmatch "'([^']+)'" do by_name[found] = true end
    for _, kind in ipairs(kinds) do
      for _, type_name in ipairs(near and kind == "layer" and {} or luron.types(kind)) do by_name[type_name] = true end
    end
    return nil, "no plugin and " .. (said or message) .. require("luron.names").hint("plugin", name, by_name)
  end
  print(string.format("%s %s\n  plugin ABI %s, %s", plugin.name, plugin.version, plugin.abi, plugin.path))
  print_types(plugin)
  return true
end

-- ---- new and check ---------------------------------------------------------------------------------------------------
function tool.new(arguments)
  if arguments.kind == "optimiser" then arguments.kind = "optimizer" end -- both spellings
  return require("luron.plugin_new").write(arguments)
end

function tool.check(arguments)
  local path = arguments.file
  if not path:find("/", 1, true) then path = "./" .. path end
  return require("luron.plugin_check").run {
    program = arguments.program, path = path, seed = arguments.seed, types = arguments.type, timeout = arguments.timeout,
    options = arguments.options, inputs = arguments.input, file = arguments.sample,
  }
end

function tool.index(arguments)
  local ok, message = pcall(luron.plugin_index, arguments.folder)
  return ok, not ok and message:gsub("^luron plugin:1: ", "") or nil
end

-- ---- arguments -------------------------------------------------------------------------------------------------------
local function whole(text)
  local n = math.tointeger(tonumber(text))
  if n and n >= 1 then return n end
  return nil, string.format("'%s' is no whole number from 1 on", text)
end

local function sizes(text)
  if text == "" or text:find "^%d+[%d,]*$" then return text end
  return nil, string.format("'%s' is no list of sizes, such as 3,4", text)
end

local function options(text)
  local chunk = load("return " .. text, "=--options", "t", {})
  local ok, value = pcall(chunk or error)
  if ok and type(value) == "table" then return text end
  return nil, string.format("'%s' is no table of options, such as { size = 3 }", text)
end

local function make_parser()
  local parser = argparse("luron plugin", "Plugins: look at them, begin one, check one.")
  parser:command_target "command"
  parser:require_command(true)
  parser:command("list", "What there is, by plugin; and what was refused, with the reason")
  parser:command("info", "A plugin, a type, or a plugin file"):argument("name", "Name, or path with a '/'")
  local new = parser:command("new", "Write a plugin to begin with: source, Makefile, test, README")
  new:argument("name", "Lower-case letters, digits and underscores: my_layer")
  new:option("--kind", "activation, layer, loss or optimiser", "activation"):choices { "activation", "layer", "loss", "optimiser", "optimizer" }
  new:option("--dir", "Folder to write; it must not be there yet (default: NAME)")
  local check = parser:command("check", "Look for faults of a plugin: exit status 0 if there are none")
  check:argument("file", "The shared object")
  check:option("--type", "This type alone; again for a further one"):count "*"
  check:option("--seed", "Seed of what is tried", "1"):convert(whole)
  check:option("--options", "Options of the type, as a Lua table: '{ size = 3 }'"):convert(options)
  check:option("--input", "Sizes of the next input: 3,4"):count "*":convert(sizes)
  check:option("--sample", "For formats: a file to read and to damage")
  check:option("--timeout", "Seconds for the checks of a type", "120"):convert(whole)
  parser:command("index", "Note which plugin of a folder has which names"):argument("folder", "The folder")
  return parser
end

local function complain(message)
  io.stderr:write("luron: ", message, "\n")
  return false
end

--- program: path of the luron command; then the words behind `luron plugin`. true; or false, and it is said why.
function tool.main(program, ...)
  local words = { ... }
  if words[1] == "check-one" then return require("luron.plugin_check").child(table.unpack(words, 2)) end
  if not has_argparse then return complain "luron plugin needs the Lua module argparse (Debian: lua-argparse)" end
  local parser = make_parser()
  local ok, arguments = parser:pparse(words)
  if not ok then return complain(arguments .. "\n" .. parser:get_usage()) end
  arguments.program = program
  local done, message = tool[arguments.command](arguments)
  if message then return complain(message) end
  return done == true
end

return tool
