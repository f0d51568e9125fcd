-- R5: a training that is stopped or killed at a random step and resumed, at another number of threads, ends with the bits
-- of one that was never interrupted: weights, state of the optimiser, averages, schedule, random state, place in the data.
local source = os.getenv "LURON_TEST_SOURCE" or "."
local bars = dofile(source .. "/tests/support/bar.lua")
local resume = dofile(source .. "/tests/reliability/resume_run.lua")
local luron = require "luron"
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""
local command = sanitized and os.getenv "LURON_TEST_BUILD" .. "/bin/luron" or "lua5.4"

describe("a resumed training", function()
  local threads = luron.threads()
  local path = os.tmpname()
  if os.execute "test -w /dev/shm" then -- in memory: syncs take no time
    os.remove(path)
    path = "/dev/shm/" .. path:match "[^/]*$"
  end
  local b = bars.begin("R5", "resumed trainings, stopped and killed", 5)
  local each = bars.is_long and 20 or sanitized and 2 or 6 -- of each optimiser type
  local random, n, failures, killed = b.seed, 0, 0, 0
  local function draw(k)
    random = (random * 6364136223846793005 + 1442695040888963407) & math.maxinteger
    return (random >> 20) % k + 1
  end
  local function clean()
    os.remove(path)
    os.remove(path .. ".prev")
  end
  teardown(function()
    clean()
    luron.threads(threads)
  end)

  -- A child that is killed once it has reported step `at`, wherever it is by then.
  local function kill_child(job, at)
    local pipe <close> = assert(io.popen(string.format("echo $$; exec %s %s/tests/reliability/resume_run.lua %s %d '%s' %d 2>&1", command, source,
      job.optim, job.schedule, path, job.threads)))
    local pid, last = pipe:read "l", nil
    for line in pipe:lines() do
      last = line
      if math.tointeger(line) == at then os.execute("kill -9 " .. pid .. " 2>/dev/null") end
    end
    local _, how, signal = pipe:close()
    if how == "signal" and signal == 9 then killed = killed + 1
    elseif math.tointeger(last) ~= resume.steps then error("the child ended with " .. tostring(last)) end
  end

  local function interrupted(job, i)
    clean()
    local at = draw(resume.steps - 1)
    if i % 2 == 0 then
      resume.run { optim = job.optim, schedule = job.schedule, path = path, threads = job.threads, stop = at }
    else
      kill_child(job, at)
    end
    local file = io.open(path)
    if file then file:close() end
    -- Killed before anything was saved: from the beginning.
    return resume.run { optim = job.optim, schedule = job.schedule, path = path, threads = 3 - job.threads, resume = file ~= nil }, at
  end

  for k, name in ipairs(luron.types "optim") do
    it("with " .. name, function()
      local whole = {}
      for i = 1, each do
        local job = { optim = name, schedule = (i + k) % resume.n_schedules + 1, path = path, threads = draw(2) }
        clean()
        whole[job.schedule] = whole[job.schedule] or resume.run(job)
        local got, at = interrupted(job, i)
        n = n + 1
        if got ~= whole[job.schedule] then
          failures = failures + 1
          io.stderr:write(string.format("%s, schedule %d, %s at step %d: other bits\n", name, job.schedule, i % 2 == 0 and "stopped" or "killed", at))
        end
      end
    end)
  end

  it("differs where one part is not brought back", function()
    for part in pairs(resume.parts) do
      local job = { optim = "Adam", schedule = 3, path = path }
      clean()
      local whole = resume.run(job)
      resume.run { optim = job.optim, schedule = job.schedule, path = path, stop = 7 }
      assert.is_true(resume.run { optim = job.optim, schedule = job.schedule, path = path, resume = true, forget = part } ~= whole, part .. " is not missed")
    end
  end)

  it("is counted", function()
    print(string.format("%d trainings were killed", killed))
    assert.is_true(killed > n // 4, killed .. " of " .. n .. " were killed")
    assert.are.equal(0, b:finish(n, failures))
  end)
end)
