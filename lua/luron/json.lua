--- JSON for what checkpoints keep as text: history, class names, states of loaders.
local core = require "luron.core"

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local MAX_DEPTH = 64

local function quote(text)
  if not utf8.len(text) then core.raise("JSON: a string is not UTF-8") end
  return '"' .. text:gsub('[%c"\\]', function(c) return escapes[c] or string.format("\\u%04x", c:byte()) end) .. '"'
end

local function number(value)
  if math.type(value) == "integer" then return string.format("%d", value) end
  if value ~= value or value == math.huge or value == -math.huge then core.raise("JSON: a number is not finite") end
  for digits = 15, 17 do
    local text = string.format("%." .. digits .. "g", value)
    if tonumber(text) == value then return text:find "[.e]" and text or text .. ".0" end
  end
end

local encode

local function object(value, depth)
  local keys, parts = {}, {}
  for key in pairs(value) do
    if type(key) ~= "string" then core.raise("JSON: a table has both names and positions, or positions with holes") end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = quote(key) .. ": " .. encode(value[key], depth + 1) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

function encode(value, depth)
  local kind = type(value)
  if kind == "string" then return quote(value) end
  if kind == "number" then return number(value) end
  if kind == "boolean" then return tostring(value) end
  if core.is_tensor(value) then return encode(value:totable(), depth) end
  if kind ~= "table" then core.raise(string.format("JSON: number, string, boolean or table expected, got %s", core.got(value))) end
  if depth > MAX_DEPTH then core.raise "JSON: tables nested too deep (or in a circle)" end
  local n, count = #value, 0
  for _ in pairs(value) do count = count + 1 end
  if n == 0 or count ~= n then return object(value, depth) end
  local parts = {}
  for i = 1, n do parts[i] = encode(value[i], depth + 1) end
  return "[" .. table.concat(parts, ", ") .. "]"
end

-- ---- decoding --------------------------------------------------------------------------------------------------------
local named = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function code_point(text, at)
  local hex = text:match("^%x%x%x%x", at)
  if not hex then error("bad \\u", 0) end
  local high = tonumber(hex, 16)
  local low = text:match("^\\u(%x%x%x%x)", at + 4)
  if high >= 0xD800 and high < 0xDC00 and low then
    return utf8.char(0x10000 + ((high - 0xD800) << 10) + (tonumber(low, 16) - 0xDC00)), at + 10
  end
  return utf8.char(high), at + 4
end

local function read_string(text, at)
  local parts = {}
  while true do
    local plain, stop = text:match('^([^"\\]*)()', at)
    parts[#parts + 1] = plain
    local c = text:sub(stop, stop)
    if c == '"' then return table.concat(parts), stop + 1 end
    if c == "" then error("a string does not end", 0) end
    local e = text:sub(stop + 1, stop + 1)
    if e == "u" then
      parts[#parts + 1], at = code_point(text, stop + 2)
    else
      parts[#parts + 1], at = named[e] or e, stop + 2
    end
  end
end

local read

local function read_list(text, at, depth)
  local list, n = {}, 0
  at = text:match("^%s*()", at)
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    n = n + 1
    list[n], at = read(text, at, depth + 1)
    local c
    c, at = text:match("^%s*([,%]])()", at)
    if c == "]" then return list, at end
    if not c then error("',' or ']' expected", 0) end
  end
end

local function read_object(text, at, depth)
  local result = {}
  at = text:match("^%s*()", at)
  if text:sub(at, at) == "}" then return result, at + 1 end
  while true do
    local key, c
    at = text:match('^%s*"()', at) or error("a name expected", 0)
    key, at = read_string(text, at)
    at = text:match("^%s*:()", at) or error("':' expected", 0)
    result[key], at = read(text, at, depth + 1)
    c, at = text:match("^%s*([,}])()", at)
    if c == "}" then return result, at end
    if not c then error("',' or '}' expected", 0) end
  end
end

local words = { ["true"] = true, ["false"] = false }

function read(text, at, depth)
  if depth > MAX_DEPTH then error("nested too deep", 0) end
  local c
  c, at = text:match("^%s*(.)()", at)
  if c == "{" then return read_object(text, at, depth) end
  if c == "[" then return read_list(text, at, depth) end
  if c == '"' then return read_string(text, at) end
  local word, stop = text:match("^([%w+.-]+)()", (at or 1) - 1)
  if words[word] ~= nil then return words[word], stop end
  if word == "null" then return nil, stop end
  local value = word and word:match "^-?%d" and not word:find "[xX]" and tonumber(word)
  if not value then error("a value expected", 0) end
  return value, stop
end

--- The value of a JSON text, or nil and what is wrong.
local function decode(text)
  local ok, value, stop = pcall(read, text, 1, 0)
  if not ok then return nil, "JSON: " .. tostring(value) end
  if text:find("%S", stop) then return nil, "JSON: more after the value" end
  return value
end

return { encode = function(value) return encode(value, 0) end, decode = decode }
