--- luron plugin new NAME: a folder with a plugin that works, to be changed into another: source, Makefile, test, README.
local luron = require "luron"
local core = require "luron.core"
local templates = require "luron.plugin_templates"

local new = {}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function first_line(command)
  local pipe <close> = assert(io.popen(command .. " 2>/dev/null"))
  return pipe:read "l"
end

-- my_layer: MyLayer
local function type_of(name)
  return (name:gsub("_*(%l)([^_]*)", function(first, rest) return first:upper() .. rest end):gsub("_", ""))
end

-- "luron" where that is the program that runs this; its path otherwise.
local function command_for(program)
  local found = first_line 'readlink -f "$(command -v luron)"'
  return found == first_line("readlink -f " .. quote(program)) and "luron" or program
end

local function check_name(name, kind)
  if not name:find "^%l[%l%d_]*$" or #name > 40 then
    return string.format("'%s': a name of lower-case letters, digits and underscores expected, such as my_layer", name)
  end
  local title = type_of(name)
  local info = luron.type_info(kind == "optimizer" and "optim" or "layer", title)
  if info then return string.format("there is a type %s already, in plugin %s (%s)", title, info.plugin, info.plugin_path) end
  if (kind == "activation" or kind == "loss") and core.layer_function(name) then
    return string.format("there is a function nn.%s already", name)
  end
end

local function write(path, text)
  local file, message = io.open(path, "w")
  if not file then return message end
  local ok, why = file:write(text)
  file:close()
  return not ok and why or nil
end

--- arguments: { name, kind, dir, program }. true; or nil and what is wrong.
function new.write(arguments)
  local name, template = arguments.name, templates[arguments.kind]
  local wrong = check_name(name, arguments.kind)
  if wrong then return nil, wrong end
  local dir = arguments.dir or name
  if not os.execute("mkdir " .. quote(dir) .. " 2>/dev/null") then
    return nil, string.format("cannot make the folder '%s': it is there already, or its parent is not (nothing is overwritten)", dir)
  end
  local words = { NAME = name, TYPE = type_of(name), USE = template.use, TRAINING = template.training:gsub("%s+$", ""), LURON_COMMAND = command_for(arguments.program) }
  local function fill(text) -- twice: what is put in has names of its own
    for _ = 1, 2 do text = text:gsub("%f[%u_]%u[%u_]*%f[^%u_]", words) end
    return text
  end
  local files = {
    { name .. ".c", template.source }, { "Makefile", templates.makefile }, { "test.lua", templates.test }, { "README.md", templates.readme },
  }
  for _, file in ipairs(files) do
    local message = write(dir .. "/" .. file[1], fill(file[2]))
    if message then return nil, message end
  end
  print(string.format("%s/: %s.c with the type %s, Makefile, test.lua, README.md", dir, name, type_of(name)))
  print(string.format("next: cd %s && make check", dir))
  return true
end

return new
