--- luron plugin check: file formats. Damaged files are refused or read, and never end the process.
local luron = require "luron"
local core = require "luron.core"
local guess = require "luron.plugin_check.guess"

local format = {}
local nn = luron.nn

local function read_bytes(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write_bytes(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(bytes))
end

-- One change: a byte, a few bytes, a piece cut out, twice, or the end lost.
local function mutate(bytes, rand)
  local n = #bytes
  if n == 0 then return string.char(rand(256) - 1) end
  local at, what = rand(n), rand(6)
  if what == 1 then return bytes:sub(1, at - 1) end
  if what == 2 then return bytes:sub(1, at - 1) .. bytes:sub(at + rand(16)) end
  if what == 3 then return bytes:sub(1, at) .. bytes:sub(math.max(1, at - rand(16))) end
  if what == 4 then return bytes:sub(1, at - 1) .. ("\255"):rep(4) .. bytes:sub(at + 4) end
  return bytes:sub(1, at - 1) .. string.char(rand(256) - 1) .. bytes:sub(at + 1)
end

local function try_read(t, path)
  local ok, result, message = pcall(core.read_file, path, { format = t.info.name })
  if not ok then t.judge(result) end
  if ok and not result then
    if type(message) ~= "string" or message == "" then t.fail "a file is refused without a message" end
    t.judge(message)
  end
  return ok and result
end

-- A file that its own writer made, or the sample that was given; nil and why not.
local function sample(t)
  if t.fixed.file then return read_bytes(t.fixed.file) end
  local path = os.tmpname()
  luron.seed(t.seed)
  local ok, message = pcall(function() nn.Sequential({ nn.Linear(3, 2), nn.ReLU() }):save(path, { format = t.info.name }) end)
  local bytes = ok and read_bytes(path)
  os.remove(path)
  return bytes, message
end

format[#format + 1] = { name = "round trip", run = function(t)
  local path = os.tmpname()
  local bytes, message = sample(t)
  if t.fixed.file then
    if not try_read(t, t.fixed.file) then t.fail("%s cannot be read", t.fixed.file) end
    return "the sample reads"
  end
  if not bytes then t.skip("it writes no models: " .. tostring(message):sub(1, 70)) end
  write_bytes(path, bytes)
  local loaded, why = luron.load(path)
  local tensors = not loaded and try_read(t, path)
  os.remove(path)
  if tensors then return string.format("%d tensors", #tensors) end
  if not loaded then t.fail("what it wrote cannot be read: %s", why) end
  luron.seed(t.seed)
  local model = nn.Sequential { nn.Linear(3, 2), nn.ReLU() }
  local x = luron.randn(4, 3)
  if model(x):tobytes() ~= loaded(x):tobytes() then t.fail "the model that was read gives other numbers" end
end }

local function damaged(t, bytes, read)
  local path, taken = os.tmpname(), 0
  for _ = 1, 500 do
    local damage = bytes
    for _ = 1, t.rand(3) do damage = mutate(damage, t.rand) end
    write_bytes(path, damage)
    if read(path) then taken = taken + 1 end
  end
  os.remove(path)
  return string.format("500 files: %d read, %d refused", taken, 500 - taken)
end

format[#format + 1] = { name = "damaged files", crash = "a damaged file ends the process", run = function(t)
  local bytes = sample(t)
  if not bytes then t.skip "no file to damage: give one with --file" end
  if t.fixed.file then return damaged(t, bytes, function(path) return try_read(t, path) end) end
  return damaged(t, bytes, function(path)
    local ok, model, message = pcall(luron.load, path)
    if not ok then t.judge(model) end
    if ok and not model and (type(message) ~= "string" or message == "") then t.fail "a file is refused without a message" end
    return ok and model
  end)
end }

format[#format + 1] = { name = "made-up files", crash = "a made-up file ends the process", run = function(t)
  local path, taken = os.tmpname(), 0
  for i = 1, 300 do
    local parts = {}
    for k = 1, t.rand(60) - 1 do parts[k] = i % 2 == 0 and string.char(t.rand(256) - 1) or ("1,-\n\"ae.; \t09"):sub(t.rand(12)):sub(1, 1) end
    write_bytes(path, table.concat(parts))
    if try_read(t, path) then taken = taken + 1 end
  end
  os.remove(path)
  return string.format("300 files: %d read, %d refused", taken, 300 - taken)
end }

format[#format + 1] = { name = "help", run = function(t) return guess.text({}) and core.help(t.info.name):match "\n%s*([^\n]*)" end }

return format
