--- How the time of a planned step grows with batch, width, depth and threads, and with threads beside a program that takes all it
--- gets of a core; ours alone, on numbers drawn at random.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local luron = require "luron"
local nn = luron.nn

-- What grows, from 64 examples through 2 layers of 256 on one thread; threads on what is large enough for them.
local lines = {
  batch = { 16, 32, 64, 128, 256 }, width = { 64, 128, 256, 512 }, depth = { 1, 2, 4, 8 }, threads = { 1, 2 }, ["beside a busy program, threads"] = { 1, 2 },
}

-- A program that keeps a core busy until it is closed, a minute at most.
local function busy_program()
  local pipe = assert(io.popen "echo $$; exec timeout 60 sh -c 'while :; do :; done'")
  local pid = pipe:read "l"
  return setmetatable({}, { __close = function()
    os.execute("kill " .. pid)
    pipe:close()
  end })
end

local function step_of(at)
  local layers = {}
  for i = 1, at.depth do
    layers[2 * i - 1], layers[2 * i] = nn.Linear(at.width, at.width), nn.ReLU()
  end
  local model = nn.Sequential(layers)
  local opt = luron.optim.SGD(model, { lr = 0.001 })
  local x, y = luron.randn(at.batch, at.width), luron.randint(1, at.width, at.batch)
  local step = luron.compile(function(inputs, classes)
    local loss = nn.cross_entropy(model(inputs), classes)
    opt:zero_grad()
    loss:backward()
    opt:step()
    return loss
  end)
  return function() return step(x, y) end
end

worker.run {
  name = "scaling", order = 10, title = "cost against size", is_long = true, most_threads = 1, is_scaling = true,
  steps = { quick = 1, full = 3, smoke = 1 },
  figures = {}, peers = {},
  start = function(given)
    local points = {}
    for what, values in pairs(lines) do
      for _, value in ipairs(values) do
        local on_threads = what:find "threads"
        local at = on_threads and { batch = 256, width = 1024, depth = 2 } or { batch = 64, width = 256, depth = 2, threads = 1 }
        at[on_threads and "threads" or what] = value
        local work = 6 * at.batch * at.width * at.width * at.depth
        points[#points + 1] = { what = what, value = value, step = step_of(at), threads = at.threads, steps = given.steps * math.max(1, 2e8 // work) }
      end
    end
    return function()
      local answer = {}
      for _, p in ipairs(points) do
        luron.threads(p.threads)
        local clock = p.what:find "threads" and luron.clock or worker.clock_for(1)
        local _ <close> = p.what:find "busy" and busy_program() or nil
        for _ = 1, 2 do p.step() end
        local from = clock()
        for _ = 1, p.steps do p.step() end
        answer[p.what] = answer[p.what] or {}
        answer[p.what][tostring(p.value)] = (clock() - from) / p.steps
      end
      luron.threads(1)
      return answer
    end, function() return { batch = {} } end
  end,
}
