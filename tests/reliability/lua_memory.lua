-- What lua_memory.c runs while allocations fail. Each entry makes all that it needs, so that a second try gives the same.
local luron = require "luron"
local nn, data = luron.nn, luron.data

local Net = nn.class "MemoryNet"
function Net:init() self.a = nn.Linear(3, 3) end
function Net:forward(x) return self.a(x):relu() end

local double = luron.op {
  name = "double",
  forward = function(ctx, x)
    ctx:save(x)
    return x * 2
  end,
  backward = function(_, g) return g * 2 end,
}

local works = {}

function works.training()
  local model = nn.Sequential { nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2) }
  local opt = luron.optim.Adam(model, { lr = 0.01 })
  local rate, ema = luron.schedule.StepLR(opt, { step_size = 1 }), luron.EMA(model, 0.9)
  local loader = data.tensors(luron.randn(6, 3), luron.tensor { 1, 2, 1, 2, 1, 2 }):loader { batch = 3, shuffle = true }
  local losses = {}
  for x, y in loader do
    local loss = nn.cross_entropy(model(x), y)
    opt:zero_grad()
    loss:backward()
    luron.clip_grad_norm(model, 1)
    opt:step()
    ema:update()
    rate:step()
    losses[#losses + 1] = loss:tobytes()
  end
  return table.concat(losses) .. model[1].weight:tobytes()
end

function works.tensors()
  local x = luron.randn(6, 3)
  local parts = luron.cat(x:split(2), 1):t():contiguous()
  local values, ids = parts["1:2, ::2"]:max(2)
  local t = luron.tensor { { 1, 2 }, { 3, 4 } } + parts:sum()
  return tostring(t) .. t:totable()[1][2] .. values:tobytes() .. ids:tobytes() .. parts:tobytes()
end

function works.graph()
  local a, b = nn.Input "a", nn.Input "b"
  local layer = nn.Linear(3, 2)
  local model = nn.Graph { inputs = { a, b }, outputs = { nn.Softmax()(layer(a)), layer(b) }, names = { enc = layer } }
  local u, v = model(luron.ones(2, 3), luron.zeros(2, 3))
  return tostring(model) .. model:json() .. u:tobytes() .. v:tobytes()
end

function works.class()
  local net = Net()
  local g = luron.grad(net(luron.ones(2, 3)):sum(), net.a.weight)
  local names = {}
  for name in net:named_parameters() do names[#names + 1] = name end
  return table.concat(names) .. g:tobytes()
end

function works.own_op()
  local x = luron.ones(3, { requires_grad = true })
  double(x):sum():backward()
  return luron.scope(function() return x:grad():clone() end):tobytes()
end

-- Hooks that lead back to what they are on, and collections that follow: lua_held.c lays out and takes back.
function works.hooks()
  local x, layer, n = luron.ones(2, 3, { requires_grad = true }), nn.Linear(3, 3), 0
  for i = 1, 9 do
    x:register_hook(function(g)
      n = n + i
      return g * (x:numel() / 6)
    end)
    if i % 3 == 0 then collectgarbage() end
  end
  layer:register_forward_hook(function(self) n = n + 100 * #self:parameters() * #layer:parameters() end)
  layer.weight:register_hook(function() n = n + 1000 * layer.bias:numel() end)
  collectgarbage()
  for _ = 1, 2 do
    layer(double(x)):sum():backward()
    collectgarbage()
  end
  return n .. x:grad():tobytes()
end

function works.recompute()
  local net, x = Net(), luron.ones(2, 3, { requires_grad = true })
  local y = luron.recompute(function(a) return net(double(a)) end, x)
  collectgarbage()
  y:sum():backward()
  return x:grad():tobytes() .. net.a.weight:grad():tobytes()
end

function works.copies()
  local net = Net()
  net:register_forward_pre_hook(function(_, ins) return ins[1] * 2 end)
  local copy = net:clone()
  local traced = nn.trace(copy, luron.ones(2, 3))
  local a = luron.sparse.coo({ 1, 2, 2 }, { 1, 1, 3 }, { 1, 2, 3 }, { 2, 3 })
  return traced(luron.ones(2, 3)):tobytes() .. net(luron.ones(2, 3)):tobytes() .. a:t():matmul(luron.ones(2, 2)):tobytes()
end

function works.no_grad()
  return luron.no_grad(function()
    local list = {}
    for i = 1, 4 do list[i] = luron.full(i, 2) end
    return luron.stack(list):sum():item()
  end)
end

function works.files(path)
  local model = nn.Sequential { nn.Linear(3, 2) }
  local opt = luron.optim.SGD(model, { lr = 0.1, momentum = 0.9 })
  model:save(path, { optim = opt, history = { { loss = 1 } }, preprocessing = { classes = { "a", "b" } } })
  local loaded, checkpoint = assert(luron.load(path))
  assert(checkpoint:restore_optim(luron.optim.SGD(loaded, { lr = 0.1, momentum = 0.9 })))
  return loaded:json() .. #checkpoint:tensors() .. loaded[1].weight:tobytes()
end

-- The work `name`; and what core holds when nothing is left to collect.
return function(name, path)
  luron.set_random_state(9, 0)
  return works[name](path)
end, function()
  collectgarbage()
  collectgarbage()
  assert(luron.is_recording(), "recording is off")
  return select(2, luron.memory())
end
