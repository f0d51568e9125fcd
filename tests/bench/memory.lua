--- Peak memory of training ResNet-20, batch 128, SGD with momentum: what the process takes at most, less what it had taken when
--- the network, the optimiser and the data were there. A process for each way of training, since a peak does not go away.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local resnet = require "resnet"
local luron = require "luron"
local nn = luron.nn

local BATCH = 128
local ways = {
  eager = function(step) return step end,
  planned = luron.compile,
}

-- Bytes that this process has taken at most.
local function peak()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmHWM:%s*(%d+)"
    if kib then return kib * 1024 end
  end
  error "no VmHWM in /proc/self/status"
end

local function prepare(given)
  local net = resnet.Net(3)
  local parts = {}
  for i, p in ipairs(resnet.weights(net)) do parts[i] = p:tobytes() end
  worker.write(given.work .. "/weights.f32", table.concat(parts))
  worker.write(given.work .. "/x.f32", luron.randn(BATCH, 3, 32, 32):tobytes())
  worker.write(given.work .. "/y.i64", luron.randint(0, 9, BATCH):tobytes())
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function load_weights(net, bytes)
  local at = 1
  for _, p in ipairs(resnet.weights(net)) do
    local n = 4 * p:numel()
    p:copy_(luron.frombytes(bytes:sub(at, at + n - 1), "float32", p:shape()))
    at = at + n
  end
end

worker.run {
  name = "memory", order = 6.5, title = "ResNet-20, b128, SGD: peak memory", most_threads = 1, is_long = true,
  figures = { { name = "peak", unit = "MiB" } },
  steps = { quick = 2, full = 3, smoke = 1 },
  ours = { "{script} serve {args} --way eager", "{script} serve {args} --way planned" },
  peers = { "{python} {here}/peers/memory.py {args}", "{python} {here}/peers/memory.py {args} --channels_last" },
  prepare = prepare,
  start = function(given)
    local net = resnet.Net(3)
    luron.no_grad(function() load_weights(net, read(given.work .. "/weights.f32")) end)
    local opt = luron.optim.SGD(net, { lr = 0.05, momentum = 0.9 })
    local x = luron.frombytes(read(given.work .. "/x.f32"), "float32", BATCH, 3, 32, 32)
    local y = luron.frombytes(read(given.work .. "/y.i64"), "int64", BATCH) + 1
    local loss
    local step = ways[given.way](function(input, target)
      opt:zero_grad()
      local l = nn.cross_entropy(net(input), target)
      l:backward()
      opt:step()
      return l
    end)
    collectgarbage()
    local before, reached = peak(), nil
    return function()
      for _ = 1, given.steps do
        loss = step(x, y)
        collectgarbage "step"
      end
      reached = reached or loss:item() -- of the first round: both sides have done as many steps
      return { [given.way] = { peak = peak() - before } }
    end, function() return { [given.way] = { loss = reached } } end
  end,
}
