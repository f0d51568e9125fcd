--- Classes of nn.class by name, and the Lua modules that define them: a file names both, and loading it runs no code.
local core = require "luron.core"

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

-- ---- arguments of constructors ----------------------------------------------------------------------------------------
-- Why no file can hold the value, with the place in it: nil if one can.
local function refusal(value, at, depth)
  local plain = type(value) == "table" and getmetatable(value) == nil
  for key, item in next, plain and depth < 64 and value or {} do
    local found = refusal(item, at .. (type(key) == "string" and "." .. key or "[" .. tostring(key) .. "]"), depth + 1)
    if found then return found end
  end
  local ok, text = pcall(core.json_encode, value)
  if ok and (plain or type(value) ~= "table") then return nil end
  local want = ok and "number, string, boolean or table expected" or tostring(text):gsub("^.*JSON: ", "")
  return string.format("%s: %s, got %s", at, want, core.got(value))
end

--- The arguments of an instance's constructor as a JSON list, for luron.load to make it again. One that no file can hold
--- raises: without it that would be another instance.
function classes.arguments_text(self)
  local class, args, last, texts = getmetatable(self), rawget(self, "_args") or {}, 0, {}
  for i in pairs(args) do last = math.max(last, i) end
  for i = 1, last do
    local name = type(class.init) == "function" and debug.getlocal(class.init, i + 1)
    local wrong = args[i] ~= nil and refusal(args[i], string.format("argument %d%s", i, name and " (" .. name .. ")" or ""), 0)
    if wrong then
      core.raise(string.format("save: class '%s': %s: luron.load makes the instance again from its arguments. Give a name that init looks up, or make it "
        .. "in init from numbers, strings, booleans or tables; nn.trace(instance, example):save(path) writes the graph alone", class.__name, wrong))
    end
    texts[i] = args[i] == nil and "null" or core.json_encode(args[i])
  end
  local text = "[" .. table.concat(texts, ", ") .. "]"
  local _, message = core.json_decode('{"args": ' .. text .. "}") -- what is written can be read: a zero byte in a string cannot
  if message then core.raise(string.format("save: class '%s': its arguments: %s", class.__name, message)) end
  return text
end

return classes
