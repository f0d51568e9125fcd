--- Classes of nn.class by name, and the Lua modules that define them: a file names both, and loading it runs no code.
local classes = {}

local by_name = {} -- lists of { class =, source = }, in order of definition

--- Note a class that was defined in the chunk `source` ("@net.lua"). One of the same name from the same chunk is replaced.
function classes.note(name, class, source)
  local list = by_name[name] or {}
  by_name[name] = list
  for i, entry in ipairs(list) do
    if entry.source == source then table.remove(list, i) break end
  end
  list[#list + 1] = { class = class, source = source }
end

-- The name under which `require` has loaded the file, nil: it was run in another way.
local function module_of(entry)
  local path = entry.source:match "^@(.*)$"
  if entry.module == nil and path then
    for name in pairs(package.loaded) do
      if type(name) == "string" and package.searchpath(name, package.path) == path then
        entry.module = name
        break
      end
    end
  end
  return entry.module
end

--- The module that defines a class, nil: none that `require` knows.
function classes.module_of(name, class)
  for _, entry in ipairs(by_name[name] or {}) do
    if entry.class == class then return module_of(entry) end
  end
end

--- The class of a name, as defined by a module (nil: not known); nil and what to do.
function classes.find(name, module)
  local list = by_name[name] or {}
  if module then
    for i = #list, 1, -1 do
      if module_of(list[i]) == module then return list[i].class end
    end
  end
  local last = list[#list]
  if last and (not module or module_of(last) == nil) then return last.class end
  if last then
    return nil, string.format("'%s' of the Lua module '%s', which is not loaded; the '%s' here is that of '%s': require '%s' first, "
      .. "or make an instance and call restore(path)", name, module, name, module_of(last), module)
  end
  if module then return nil, string.format("'%s', a class of the Lua module '%s': require '%s' first", name, module, module) end
  return nil, string.format("'%s', a class in Lua: require the file that defines it first", name)
end

return classes
