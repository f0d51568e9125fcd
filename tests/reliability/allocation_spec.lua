-- R7 from Lua: the k-th allocation of core fails, for every k, once and from then on, in each of the works of
-- lua_memory.lua. The error says so, nothing leaks, and the same state then gives the same result.
local source = os.getenv "LURON_TEST_SOURCE" or "."
local bars = dofile(source .. "/tests/support/bar.lua")
local luron = require "luron"
local run, blocks = dofile(source .. "/tests/reliability/lua_memory.lua")
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""

describe("failed allocations of core, from Lua,", function()
  local b = bars.begin("R7", "failed allocations of core, from Lua", 7)
  local path, n, failures = os.tmpname(), 0, 0
  teardown(function() os.remove(path) end)

  local function complain(name, k, sticky, text)
    failures = failures + 1
    io.stderr:write(string.format("%s, allocation %d%s: %s\n", name, k, sticky and " and all after it" or "", text))
  end

  -- One try; true if something was made to fail.
  local function try(name, wanted, k, sticky)
    local before = blocks()
    luron.fail_alloc(k, sticky)
    local ok, message = pcall(run, name, path)
    luron.fail_alloc(0)
    if ok and message ~= wanted then complain(name, k, sticky, "another result") end
    if not ok and not (type(message) == "string" and message:find("not enough memory", 1, true)) then complain(name, k, sticky, tostring(message)) end
    if not ok and not message:find "lua_memory%.lua:%d+: " then complain(name, k, sticky, "no place in: " .. message) end
    if blocks() ~= before then complain(name, k, sticky, string.format("%d blocks are left", blocks() - before)) end
    if not ok and run(name, path) ~= wanted then complain(name, k, sticky, "another result the second time") end
    return not ok
  end

  for _, name in ipairs { "training", "tensors", "graph", "class", "own_op", "no_grad", "files" } do
    it(name, function()
      run(name, path) -- what is kept for later is there now
      local wanted = run(name, path)
      for _, sticky in ipairs { false, true } do
        local k, quiet = 1, 0
        while quiet < 3 do -- in a row that nothing fails
          if try(name, wanted, k, sticky) then
            n, quiet = n + 1, 0
          else
            quiet = quiet + 1
          end
          k = k + (sanitized and not bars.is_long and 5 or 1)
        end
      end
    end)
  end

  it("is counted", function()
    assert.is_true(n > (sanitized and 300 or 1000), n .. " failed")
    assert.are.equal(0, b:finish(n, failures))
  end)
end)
