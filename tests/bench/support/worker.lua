--- Our side of a workload: a script that tells what it is (describe), makes files (prepare) and takes orders (serve), a line of JSON an answer.
---   luron NAME.lua describe
---   luron NAME.lua prepare | serve --work DIR --threads N --steps N [--data DIR] [--text FILE] [--cifar FILE]
--- Orders on standard input: "round" runs every variant once, "finish" tells what was reached and ends. The peers speak the same.
--- A workload with cases takes "case N" too, before the rounds of that case: round(order) gets every order but "finish".
--- What both sides start from is written here, once: DIR/weights.f32 (parameters one behind the other, as in PyTorch's order) and
--- DIR/order.i64 (which example comes when, counted from 0).
local core = require "luron.core"
local luron = require "luron"
local nn = luron.nn

local worker = {}

--- The options behind "serve".
local function options()
  local all = { threads = "1", steps = "10", work = "." }
  for i = 2, #arg, 2 do all[arg[i]:match "^%-%-(.+)$" or error("an option expected, got " .. arg[i], 0)] = arg[i + 1] end
  all.threads, all.steps = math.tointeger(tonumber(all.threads)), math.tointeger(tonumber(all.steps))
  return all
end

local function say(answer)
  io.write(core.json_encode(answer), "\n")
  io.flush()
end

--- On one thread the time on the processor, in which other programs have no part; on several the time on the wall.
function worker.clock_for(threads) return threads == 1 and os.clock or luron.clock end

function worker.write(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

--- A workload: spec is what describe tells, but for functions: start(options) gives round and finish, or nil and why there is
--- nothing to run; prepare(options) writes files before anything starts.
function worker.run(spec)
  local start, prepare = spec.start, spec.prepare
  spec.start, spec.prepare = nil, prepare and true
  if arg[1] == "describe" then return say(spec) end
  local given = options()
  luron.threads(given.threads)
  luron.seed(1)
  if arg[1] == "prepare" then return prepare(given) end
  local round, finish = start(given)
  if not round then return say { skip = finish } end
  say { ready = true, what = "Luron " .. luron.version }
  for order in io.lines() do
    if order == "finish" then return say(finish()) end
    say(round(order))
  end
end

--- The network of (b) in DIR/mlp.h5, its parameters in DIR/weights.f32: what is loaded and called elsewhere.
function worker.save_mlp(given)
  local model = nn.Sequential { nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10) }
  local parts = {}
  for i, p in ipairs(model:parameters()) do parts[i] = p:tobytes() end
  worker.write(given.work .. "/weights.f32", table.concat(parts))
  model:save(given.work .. "/mlp.h5")
end

-- ---- training ----------------------------------------------------------------------------------------------------------

--- Does this version have all of these layers? nil and a message for what is not.
function worker.has(...)
  for _, name in ipairs { ... } do
    if not pcall(function() return nn[name] end) then return nil, "nn." .. name .. " is not in this version" end
  end
  return true
end

--- Ids of batches, in order, over and over: what both sides train on.
local function batches(n, batch, path)
  local order = luron.randperm(n)
  worker.write(path, (order - 1):tobytes())
  local at, ids = 0, {}
  for i = 1, n // batch do ids[i] = order:narrow(1, (i - 1) * batch + 1, batch):clone() end
  return function()
    at = at % #ids + 1
    return ids[at]
  end
end

--- A step as one writes it, and the same compiled. They train copies of one model, each with an order of its own.
local function variant(task, data, model, next_ids, is_planned)
  local opt = task.optimizer(model)
  local step = function(ids)
    local x, y = task.batch_of(data, ids)
    local loss = task.loss(model, x, y)
    opt:zero_grad()
    loss:backward()
    opt:step()
    return loss
  end
  return { model = model, next = next_ids, step = is_planned and luron.compile(step) or step }
end

local defaults = {
  batch_of = function(data, ids) return data.x:index_select(1, ids), data.y:index_select(1, ids) end,
  loss = function(model, x, y) return nn.cross_entropy(model(x), y) end,
  weights = function(model) return model:parameters() end,
}

--- Loss and accuracy on what is held out: the proof that both sides did the same.
function defaults.evaluate(model, data)
  model:eval()
  local scores = luron.no_grad(function() return model(data.test_x) end)
  local right = scores:argmax(2):eq(data.test_y):float():mean():item()
  return { loss = nn.cross_entropy(scores, data.test_y):item(), accuracy = right }
end

--- start for a training: task has data(options), model(data), optimizer(model), batch, warm_up (steps), and what differs from the
--- defaults above.
function worker.training(task)
  setmetatable(task, { __index = defaults })
  return function(given)
    local data, why = task.data(given)
    if not data then return nil, why end
    local first = task.model(data)
    local parts = {}
    for i, p in ipairs(task.weights(first)) do parts[i] = p:tobytes() end
    worker.write(given.work .. "/weights.f32", table.concat(parts))
    local variants = {}
    for i, name in ipairs { "eager", "planned" } do
      luron.seed(2) -- the same order
      variants[i] = variant(task, data, first:clone(), batches(#(data.starts or data.x), task.batch, given.work .. "/order.i64"), name == "planned")
      variants[i].name = name
    end
    local clock = worker.clock_for(given.threads)
    local function run(v, steps)
      collectgarbage() -- of the variant before
      for _ = 1, math.ceil(steps / 10) do v.step(v.next()) end -- brings caches back, and threads, which sleep between rounds
      local from = clock()
      for _ = 1, steps do v.step(v.next()) end
      return (clock() - from) / steps
    end
    for _, v in ipairs(variants) do run(v, task.warm_up) end
    return function()
      local answer = {}
      for _, v in ipairs(variants) do answer[v.name] = { step = run(v, given.steps) } end
      return answer
    end, function()
      local answer = {}
      for _, v in ipairs(variants) do answer[v.name] = task.evaluate(v.model, data) end
      answer.planned.note = luron.explain(variants[2].step)
      return answer
    end
  end
end

--- Images in memory as float32 in [0, 1], flat or (n, 1, 28, 28); nil and why.
function worker.images(given, flat)
  if not given.data then return nil, "no images: LURON_DATA, or Debian's package dataset-fashion-mnist" end
  local train, test = luron.data.fashion_mnist(given.data)
  if not train then return nil, test end
  local function all(set, n)
    local x, y = set:batch(1, n)
    return flat and x:reshape(n, 784) or x, y
  end
  local data = {}
  data.x, data.y = all(train, #train)
  data.test_x, data.test_y = all(test, 2000)
  return data
end

return worker
