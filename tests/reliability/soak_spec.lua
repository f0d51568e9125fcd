-- R24 from Lua: long runs in one process. After a warm-up the memory of the process grows by 1 MiB at most, and open files
-- and the blocks that core holds stay.
local source = os.getenv "LURON_TEST_SOURCE" or "."
local bars = dofile(source .. "/tests/support/bar.lua")
local luron = require "luron"
local nn = luron.nn
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""

local function rss()
  local file <close> = assert(io.open "/proc/self/statm")
  local pages = file:read("a"):match "^%d+ (%d+)"
  return math.tointeger(pages) * 4096
end

-- By a shell, whose parent this process is; not by popen, which opens more.
local function open_files()
  local name = os.tmpname()
  os.execute("ls /proc/$PPID/fd | wc -l >" .. name)
  local file = assert(io.open(name))
  local n = file:read "n"
  file:close()
  os.remove(name)
  return n
end

describe("a long run", function()
  local b = bars.begin("R24", "soak in Lua: steps, builds, files", 24)
  local share = (bars.is_long and 1 or 5) * (sanitized and 20 or 1)
  local path, n, failures = os.tmpname(), 0, 0
  teardown(function()
    os.remove(path)
    os.remove(path .. ".prev")
  end)

  -- What garbage there is at the time, and what core keeps for reuse, depend on the collector's steps: without both.
  local function state()
    collectgarbage()
    luron.trim()
    return rss(), open_files(), select(2, luron.memory())
  end

  local function soak(what, rounds, fn)
    local function go(times)
      for i = 1, times do
        fn()
        if i % math.min(100, rounds // 20 + 1) == 0 then collectgarbage() end -- so that the peak of garbage is the same all the time
      end
    end
    go(rounds // 4)
    state()
    local memory, files, blocks = state()
    go(rounds)
    local memory_now, files_now, blocks_now = state()
    n = n + rounds
    local grown = memory_now - memory
    print(string.format("%d times %s: %d KiB more", rounds, what, grown // 1024))
    local function complain(text)
      failures = failures + 1
      io.stderr:write(what, ": ", text, "\n")
    end
    if not sanitized and grown > 1 << 20 then complain("memory grew by " .. grown) end -- a sanitizer keeps what was freed
    if files_now ~= files then complain(string.format("%d files are open, before %d", files_now, files)) end
    if blocks_now ~= blocks then complain(string.format("%d blocks, before %d", blocks_now, blocks)) end
  end

  local model = nn.Sequential { nn.Linear(30, 40), nn.GELU(), nn.Dropout(0.3), nn.Linear(40, 5) }
  local opt, ema = luron.optim.Adam(model), luron.EMA(model)
  local double = luron.op { name = "double", forward = function(ctx, x) ctx:save(x) return x * 2 end, backward = function(_, g) return g * 2 end }

  it("of training steps", function()
    local loader = luron.data.tensors(luron.randn(64, 30), luron.randint(1, 5, 64)):loader { batch = 16, shuffle = true }
    soak("a training step", 10000 // share, function()
      local x, y = loader() -- the first batch of the next epoch
      local loss = nn.cross_entropy(double(model(x)), y)
      opt:zero_grad()
      loss:backward()
      luron.clip_grad_norm(model, 1)
      opt:step()
      ema:update()
    end)
  end)

  it("of models built and released", function()
    soak("a model built and released", 1000 // share, function()
      local a, c = nn.Input(), nn.Input()
      local m = nn.Graph { inputs = { a, c }, outputs = { nn.Linear(4, 3)(a), nn.Tanh()(c) } }
      local x = luron.ones(2, 4)
      local y = m(x, x)
      luron.grad(y:sum(), m:parameters()[1])
      luron.optim.AdamW(m)
      pcall(m, 3)
      m:clone():json()
    end)
  end)

  it("of files written and read", function()
    soak("saved and loaded", (bars.is_long and 1000 or 500) // share, function()
      model:save(path, { optim = opt, ema = ema, keep_prev = true, history = { { loss = 1 } } })
      local loaded, checkpoint = assert(luron.load(path))
      assert(checkpoint:restore_optim(luron.optim.Adam(loaded)))
      luron.load "/nonexistent"
    end)
  end)

  it("is counted", function() assert.are.equal(0, b:finish(n, failures)) end)
end)
