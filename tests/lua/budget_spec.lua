-- What Luron may cost before it computes anything, counted and not timed: shared objects that are open, Lua modules, bytes on disk.
-- A budget is near what is there. Who needs more raises it here, in the commit that needs it.
local build = os.getenv "LURON_TEST_BUILD"
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""

local lines_of = dofile(os.getenv "LURON_TEST_SOURCE" .. "/tests/support/shell.lua").lines_of

--- The lines that `code` prints in the luron command.
local function lines_from(code)
  local script = os.tmpname()
  local file <close> = assert(io.open(script, "w"))
  file:write(code)
  file:close()
  local lines = lines_of(string.format("%s/bin/luron %s", build, script))
  os.remove(script)
  return lines
end

--- The shared objects that are open when `code` has run: paths by name, and the names in order.
local function opened(code)
  local set, names = {}, {}
  for _, path in ipairs(lines_from(code .. [[

for line in io.lines "/proc/self/maps" do
  local path = line:match "(/[^ ]*%.so[%d.]*)$"
  if path then print(path) end
end
]])) do
    local name = path:match "[^/]*$"
    if not set[name] then names[#names + 1] = name end
    set[name] = path
  end
  table.sort(names)
  return set, names
end

--- Names of what the linker opens with a file.
local function brings(path)
  local set = {}
  for _, line in ipairs(lines_of("ldd " .. path)) do
    local name = line:match "([^%s/]+%.so[%d.]*) =>" or line:match "/([^%s/]+%.so[%d.]*) "
    local target = line:match "=> (%S+)" -- a link; the maps show the name of the file
    if target and target:find "^/" then name = lines_of("readlink -f " .. target)[1]:match "[^/]*$" end
    if name then set[name] = true end
  end
  return set
end

local function stripped(path)
  local copy = os.tmpname()
  assert(os.execute(string.format("strip -o %s %s", copy, path)))
  local file <close> = assert(io.open(copy, "rb"))
  local n = file:seek "end"
  os.remove(copy)
  return n
end

--- What `run` gives for a program that loads a model from a file and predicts once; then the program does `more`.
local function predicting(run, more)
  local path = os.tmpname()
  local nn = require("luron").nn
  nn.Sequential({ nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10) }):save(path)
  local found, names = run(string.format([[
    local luron = require "luron"
    local model = assert(luron.load %q)
    model:eval()
    assert(luron.no_grad(function() return model(luron.ones(1, 784)) end):size(2) == 10)
    %s]], path, more or ""))
  os.remove(path)
  return found, names
end

local function assert_within(budget, n, what) assert.is_true(n <= budget, string.format("%s: %d, the budget is %d", what, n, budget)) end

describe("shared objects", function()
  if sanitized then return end -- sanitizers bring their own
  local command, required = opened "", nil

  it("of the command alone: Lua's library and libc's", function()
    local _, names = opened ""
    assert.is_nil(table.concat(names, " "):match "luron")
    assert_within(4, #names, "luron -e '': " .. table.concat(names, " "))
  end)

  it('of require "luron": four more', function()
    local names
    required, names = opened 'require "luron"'
    for name in pairs(command) do assert.is_truthy(required[name]) end
    assert_within(8, #names, 'require "luron": ' .. table.concat(names, " "))
  end)

  it("of load and predict: the plugins that the model needs, and hdf5 with its library", function()
    local set, names = predicting(opened)
    local of_hdf5, own = brings(build .. "/lib/luron/plugins/hdf5.so"), {}
    for _, name in ipairs(names) do
      if not required[name] and not of_hdf5[name] then own[#own + 1] = name end
    end
    assert.are.same({ "activation.so", "hdf5.so", "linear.so" }, own)
    assert.is_truthy(set["libluron.so.0.1.0"] or set["libluron.so.0"] or set["libluron.so"])
    assert_within(64, #names, "load and predict: " .. table.concat(names, " ")) -- Debian's libhdf5 brings some thirty, for files on the web
  end)
end)

describe("memory", function()
  if sanitized then return end

  it("of load and predict, at its peak, and of the library in it", function()
    local counted = predicting(lines_from, [[
      print(io.open("/proc/self/status"):read("a"):match "VmHWM:%s*(%d+) kB")
      local rss, ours = 0, false
      for line in io.lines "/proc/self/smaps" do
        if line:find "^%x+%-" then ours = line:find("libluron", 1, true) end
        if ours then rss = rss + (line:match "^Rss: +(%d+)" or 0) end
      end
      print(rss)]])
    local peak, ours = tonumber(counted[1]), tonumber(counted[2])
    assert_within(16384, peak, "KiB in all") -- as a rule 14,600; 3.2 MiB are libhdf5's, 5 of what it brings for files on the web, whichever the system has
    local is_wide = io.open("/proc/cpuinfo"):read("a"):find("avx512dq", 1, true)
    -- 648 to 708 with AVX2, 724 to 780 with AVX-512, by where the system puts it; core/CMakeLists.txt says what lies together
    assert_within(is_wide and 800 or 768, ours, "KiB of libluron")
  end)
end)

describe("Lua modules", function()
  it('of require "luron"', function()
    local names = {}
    local code = "require 'luron' for name in pairs(package.loaded) do if name:find '^luron' then print(name) end end"
    for _, name in ipairs(lines_of(string.format('%s/bin/luron -e "%s"', build, code))) do names[#names + 1] = name end
    assert_within(12, #names, table.concat(names, " "))
  end)
end)

describe("bytes on disk, stripped,", function()
  if sanitized then return end
  local KiB = 1024

  it("of the library, the command and the Lua module", function()
    assert_within(1856 * KiB, stripped(build .. "/lib/libluron.so"), "libluron") -- kernels for three instruction sets are 0.7 MiB of it
    assert_within(32 * KiB, stripped(build .. "/bin/luron"), "luron")
    assert_within(400 * KiB, stripped(build .. "/lib/lua/5.4/luron/core.so"), "luron.core")
  end)

  it("of the plugins", function()
    local sum, n = 0, 0
    for _, path in ipairs(lines_of("ls " .. build .. "/lib/luron/plugins/*.so")) do
      local bytes = stripped(path)
      assert_within(128 * KiB, bytes, path)
      sum, n = sum + bytes, n + 1
    end
    assert.is_true(n > 10)
    assert_within(64 * KiB * n, sum, "all plugins") -- small on the whole, whatever their number
  end)

  it("of the modules in Lua", function()
    local sum = 0
    for _, path in ipairs(lines_of("find -L " .. build .. "/share/lua/5.4 -name '*.lua'")) do
      local file <close> = assert(io.open(path, "rb"))
      sum = sum + file:seek "end"
    end
    assert.is_true(sum > 100 * KiB)
    assert_within(640 * KiB, sum, "Lua") -- 512 before there were metrics, preprocessing, transformers and their reference
  end)
end)
