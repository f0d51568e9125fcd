-- Run by test_file_lua.c with io_shim.so preloaded (io_shim_preload.c): saving and loading through the Lua API while the
-- system fails. FOLDER faults SEED | FOLDER kill. Prints "n failures" for the former.
local luron = require "luron"
local nn, optim = luron.nn, luron.optim
local folder, what, seed = arg[1], arg[2], tonumber(arg[3])
local FAIL, SHORT = 0, 2
local errors = { [28] = "No space left on device", [5] = "Input/output error", [30] = "Read-only file system", [4] = "Interrupted system call" }
local path = folder .. "/model.h5"

luron.threads(1)

local function make()
  luron.seed(seed or 1)
  local model = nn.Sequential { nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2) }
  return model, optim.Adam(model, { lr = 0.01 })
end

local function step(model, opt)
  local x = luron.randn(16, 3)
  opt:zero_grad()
  nn.cross_entropy(model(x), x:sum(2):gt(0):long() + 1):backward()
  opt:step()
end

local function bytes_of(model)
  local parts = {}
  for _, t in model:named_parameters() do parts[#parts + 1] = t:tobytes() end
  return table.concat(parts)
end

-- Every parameter holds the number of the state, until somebody kills us.
if what == "kill" then
  local model, opt = make()
  step(model, opt)
  for i = 1, math.maxinteger do
    luron.no_grad(function()
      for _, t in model:named_parameters() do t:fill_(i) end
    end)
    model:save(path, { optim = opt, step = i, keep_prev = true })
    if i == 2 then
      io.write "ready\n"
      io.flush()
    end
  end
end

local n, failures = 0, 0
local function check(good, ...)
  if good then return end
  failures = failures + 1
  print("wrong:", ...)
end

local function armed(at, action, error, sticky, f)
  io.open(string.format("/io-shim/arm %d %d %d %d %s", at, action, error, sticky, folder))
  local results = table.pack(pcall(f))
  io.open "/io-shim/off"
  return os.getenv "IO_SHIM_FIRED" == "1", table.unpack(results, 1, results.n)
end

local function says(message, error)
  return type(message) == "string" and message:find(path, 1, true) and message:find(errors[error], 1, true)
end

-- Remove what is left of temporaries; how many there were.
local function temporaries()
  local list <close> = assert(io.popen("ls '" .. folder .. "'"))
  local found = 0
  for name in list:lines() do
    if name:find(".tmp.", 1, true) then
      os.remove(folder .. "/" .. name)
      found = found + 1
    end
  end
  return found
end

local calm, calm_opt = make()
local model, opt = make()
local steps = 0
model:save(path, { optim = opt, step = 0 })
luron.seed(seed)

-- Each call of a save fails: the error is raised, the old file stays, training goes on.
for _, error in ipairs { 4, 5, 28, 30 } do
  for sticky = 0, error == 4 and 0 or 1 do
    for at = 1, 1000 do
      step(model, opt)
      steps = steps + 1
      local fired, ok, message = armed(at, FAIL, error, sticky, function() model:save(path, { optim = opt, step = steps, keep_prev = true }) end)
      if not fired then break end
      n = n + 1
      if not ok then check(says(message, error), at, error, message) end
      local left = temporaries()
      check(left == 0 or sticky == 1, at, error, "a temporary is left") -- where it cannot be removed either
      local in_place = not ok and message:find("file is in place", 1, true)
      local checkpoint, why = luron.checkpoint(path)
      check(checkpoint and (checkpoint.step == steps) == (ok or in_place ~= nil), at, error, why or checkpoint.step)
      check(pcall(model.save, model, path, { optim = opt, step = steps, keep_prev = true }), at, error, "the next save")
    end
  end
end

-- Each call of a load fails: nil, message, "IO".
for _, error in ipairs { 5, 4 } do
  for at = 1, 1000 do
    local fired, ok, loaded, message, code = armed(at, FAIL, error, error == 5 and 1 or 0, function() return luron.load(path) end)
    if not fired then break end
    n = n + 1
    check(ok and (loaded or code == "IO" and says(message, error)), at, error, loaded, message, code)
  end
end
local fired, ok, loaded = armed(1, SHORT, 5, 1, function() return luron.load(path) end)
check(fired and ok and loaded, "short reads")

-- The numbers are those of a training without saves.
luron.seed(seed)
for _ = 1, steps do step(calm, calm_opt) end
check(bytes_of(calm) == bytes_of(model), "training went on with other numbers")

-- Names that are none.
check(not pcall(model.save, model, path .. "\0x"), "zero byte in save")
check(not pcall(luron.load, path .. "\0x"), "zero byte in load")
check(not pcall(luron.data.csv, path .. "\0x"), "zero byte in read")

-- A damaged file: the one before it is offered, and works.
do
  local file <close> = assert(io.open(path, "r+b"))
  file:seek("set", 3000)
  file:write "damage"
end
local none, message, code = luron.load(path)
check(none == nil and code == "CHECKSUM", message)
local prev = message:match "whole: (.*)$"
check(prev == path .. ".prev" and luron.load(prev), "the previous file", message)
n = n + 6
print(n .. " " .. failures)
