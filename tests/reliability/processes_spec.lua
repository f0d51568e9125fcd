-- R18: the same seed gives the same bits in every process, whatever its environment, folder and addresses are; with --long
-- also where the library is compiled by -O2.
local source = os.getenv "LURON_TEST_SOURCE" or "."
local build = os.getenv "LURON_TEST_BUILD"
local bars = dofile(source .. "/tests/support/bar.lua")
local luron = require "luron"
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""

-- Trains a little and prints the bits of every loss and of the weights.
local script = [[
local luron = require "luron"
local nn, data = luron.nn, luron.data
luron.seed(18)
local x = luron.randn(300, 40)
local model = nn.Sequential { nn.Linear(40, 70), nn.GELU(), nn.Dropout(0.3), nn.Linear(70, 5) }
local opt = luron.optim.AdamW(model)
local parts = {}
for _ = 1, 3 do
  for bx, by in data.tensors(x, x:narrow(2, 1, 5):argmax(2)):loader { batch = 64, shuffle = true } do
    local loss = nn.cross_entropy(model(bx), by)
    opt:zero_grad()
    loss:backward()
    opt:step()
    parts[#parts + 1] = loss:tobytes()
  end
end
for _, p in model:named_parameters() do parts[#parts + 1] = p:tobytes() end
io.write((table.concat(parts):gsub(".", function(c) return string.format("%02x", c:byte()) end)))
]]

local path = os.tmpname()

-- What a child prints; `before` stands in front of the command, `env` sets variables for it.
local function child(command, before, env)
  local pipe <close> = assert(io.popen(string.format("%s env %s %s '%s' 2>&1", before, env, command, path)))
  local text = pipe:read "a"
  assert(pipe:close(), text)
  return text
end

-- The i-th way to start a process.
local function surroundings(i)
  local before = ({ "cd / &&", "cd /tmp &&", "", "ulimit -s unlimited;", "cd '" .. source .. "/docs' &&" })[i % 5 + 1]
  local env = string.format("FILLER='%s' LURON_NUM_THREADS=%d %s", ("x"):rep(i * 997 % 5000), i % 4 + 1, i % 3 == 0 and "MALLOC_PERTURB_=" .. 1 + i % 250 or "")
  if i % 6 == 5 and os.execute "setarch -R true 2>/dev/null" then before = before .. " setarch -R" end -- fixed addresses too
  return before, env
end

describe("processes", function()
  local command = sanitized and build .. "/bin/luron" or "lua5.4"
  local b = bars.begin("R18", "training in other processes", 18)
  local n, failures = 0, 0
  setup(function()
    local file <close> = assert(io.open(path, "w"))
    file:write(script)
  end)
  teardown(function() os.remove(path) end)

  local function compare(what, run, times)
    local first
    for i = 1, times do
      local bits = run(surroundings(i))
      assert(bits:find "^%x+$" and #bits > 10000, bits:sub(1, 500))
      first = first or bits
      n = n + 1
      if bits ~= first then
        failures = failures + 1
        io.stderr:write(what, ", process ", i, ": other bits\n")
      end
    end
  end

  for _, isa in ipairs { luron.isa(), "plain" } do
    it("give the same bits with the kernels " .. isa, function()
      compare(isa, function(before, env) return child(command, before, env .. " LURON_ISA=" .. isa) end, bars.is_long and 10 or 4)
    end)
  end

  it("give the same bits when compiled by -O2", function()
    if not bars.is_long or sanitized then return end
    local folder = build .. "/O2"
    assert(os.execute(string.format("sh '%s/.ci/build.sh' '%s' -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O2", source, folder)))
    compare("-O2", function(before, env) return child(folder .. "/bin/luron", before, env .. " LUA_PATH= LUA_CPATH=") end, 10)
  end)

  it("are counted", function() assert.are.equal(0, b:finish(n, failures)) end)
end)
