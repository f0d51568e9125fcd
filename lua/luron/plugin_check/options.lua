--- luron plugin check: option sets, those that the schema allows and others. Shared by layers and optimisers.
local core = require "luron.core"
local guess = require "luron.plugin_check.guess"

local options = {}

-- Values that an option of each kind must refuse.
local function wrong_values(o)
  local list = {}
  local number = o.kind == "int" or o.kind == "float" or o.kind == "axis" or o.kind == "id"
  if number then list = { "text", {}, true, print } end
  if o.kind == "int" or o.kind == "axis" or o.kind == "id" then list[#list + 1] = 1.5 end
  if o.kind == "bool" then list = { "text", 3, {}, print } end
  if o.kind == "string" then list = { {}, true, print } end
  if o.kind == "choice" then list = { "no such choice", 1, {}, print } end
  if o.kind == "ints" then list = { "text", true, { 1.5 }, { "a" }, { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, print } end
  if o.kind == "floats" then list = { "text", true, { 0 / 0 }, { "a" }, { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, print } end
  if o.min and number then
    list[#list + 1] = o.kind == "float" and o.min - 1 - math.abs(o.min) * 0.5 or math.tointeger(o.min) and math.tointeger(o.min) - 1 or nil
    list[#list + 1] = o.max < 2 ^ 53 and (o.kind == "float" and o.max + 1 + math.abs(o.max) * 0.5 or math.tointeger(o.max) + 1) or nil
  end
  return list
end

-- Values at the edges, which may be refused or not.
local function odd_values(o)
  if o.kind == "float" then return { 0 / 0, math.huge, -math.huge, 0.0, -0.0, 1e308, 5e-324, o.min, o.max } end
  if o.kind == "int" then return { 0, -1, o.min and math.tointeger(o.min), o.max and o.max <= 4096 and math.tointeger(o.max) or nil } end
  if o.kind == "axis" or o.kind == "id" then return { -1, 1, 9, -9, math.maxinteger, math.mininteger } end
  if o.kind == "floats" then return { {}, 0.0, { -1.5, 1.5 }, { 1, 1 }, { o.max, o.min }, { 1e308, 5e-324 } } end
  if o.kind == "ints" then return { {}, { 0 }, { -1 }, { -1, -1 }, 7, { 1, 1, 1 } } end
  if o.kind == "string" then return { "", ("x"):rep(300), "\255" } end
  return o.choices or { true, false }
end

local function message_of(t, make, set)
  local ok, message = pcall(make, set)
  if ok then return nil end
  if type(message) ~= "string" or message == "" then t.fail("%s is refused without a message", guess.text(set)) end
  t.judge(message)
  return message
end

--- make(options) constructs one. In the schema: constructs, or is refused by a message that names the type; otherwise: refused.
function options.check(t, make)
  local schema, name = t.info.schema, t.info.name
  for _ = 1, 200 do
    local set = guess.options(schema, t.rand, t.fixed.options)
    local message = message_of(t, make, set)
    if message and not message:find(name, 1, true) then
      t.fail("%s is refused by a message that does not name %s: %s", guess.text(set), name, message)
    end
  end
  local tried = 200
  for _, o in ipairs(schema) do
    for _, value in ipairs(wrong_values(o)) do
      local set = guess.plain_options(schema, t.rand, t.fixed.options)
      set[o.name] = value
      local message = message_of(t, make, set)
      if not message then t.fail("option '%s' takes %s", o.name, core.got(value)) end
      if not message:find(o.name, 1, true) then t.fail("option '%s' is refused by a message that does not name it: %s", o.name, message) end
      tried = tried + 1
    end
    for _, value in pairs(odd_values(o)) do
      local set = guess.plain_options(schema, t.rand, t.fixed.options)
      set[o.name] = value
      message_of(t, make, set)
      tried = tried + 1
    end
  end
  local set = guess.plain_options(schema, t.rand, t.fixed.options)
  set.no_such_option = 1
  local message = message_of(t, make, set)
  if not message or not message:find("no_such_option", 1, true) then t.fail "an unknown option is taken" end
  return tried + 1 .. " sets"
end

return options
