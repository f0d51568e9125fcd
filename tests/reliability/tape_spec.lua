-- R16: hooks, luron.recompute and detect_anomaly together, over random graphs. The same graph without them says what is right: a
-- hook that returns g * f is y * f - y:detach() * (f - 1) there. Nothing may be left of any of it.
local source = os.getenv "LURON_TEST_SOURCE" or "."
local bars = dofile(source .. "/tests/support/bar.lua")
local luron = require "luron"
local nn = luron.nn

local N_LEAVES <const> = 3
local random -- of the graph at hand

local function one_in(n) return random(n) == 1 end
local function scaled(y, f) return f and y * f - y:detach() * (f - 1) or y end

-- ---- operations: all keep the shape (3, 4) and sizes of about 1 ----------------------------------------------------------
local ops = {
  function(a) return a:tanh() end,
  function(a) return (a * 0.5):sin() end,
  function(a) return a:sigmoid() end,
  function(a) return a - a:mean(2, true) end,
  function(a, b) return (a + b):atan() end,
  function(a, b) return a * b:tanh() end,
  function(a, b) return luron.where(b:detach():gt(0), a, b) end,
  function(a) return a:flip(1):contiguous() end,
  function(a, b) return luron.cat({ a[":, :2"], b[":, 3:"] }, 2) end,
  function(a, _, env) return a:matmul(env.w):tanh() end,
  function(a, b) return luron.einsum("ik,jk,jl->il", a, b, b):tanh() end,
  function(a) return a:index_select(1, luron.tensor { 3, 1, 1 }) end,
  function(a) return a * luron.rand(3, 4, { dtype = "float64" }) end,
}
for i = 1, 5 do
  local n = #ops + 1
  ops[n] = function(a, _, env) return env.apply(i, a) end
end

local function draw_layers()
  local layers = { nn.Linear(4, 4), nn.GELU(), nn.Dropout(0.3), nn.Sequential(nn.Linear(4, 4), nn.Tanh()), nn.Softmax() }
  for i, layer in ipairs(layers) do layers[i] = { layer:to "float64", forward = one_in(3) and 0.5, backward = one_in(3) and 2 or one_in(3) and -1 } end
  return layers
end

-- ---- graphs -------------------------------------------------------------------------------------------------------------------
-- A list of steps and blocks of them; step i makes value N_LEAVES + i.
local function draw_block(steps, first, last, depth)
  local block = { first = first, last = last }
  local i = first
  while i <= last do
    local n = random(last - i + 1)
    if depth < 3 and n < last - first + 1 and one_in(3) then
      block[#block + 1] = draw_block(steps, i, i + n - 1, depth + 1)
      i = i + n
    else
      block[#block + 1] = steps[i]
      steps[i].depth = depth
      i = i + 1
    end
  end
  block.hands_over, block.checks = one_in(2), one_in(4)
  return block
end

local function draw_graph()
  local steps, n = {}, 3 + random(10)
  for i = 1, n do
    local function any() return one_in(2) and N_LEAVES + i - 1 or random(N_LEAVES + i - 1) end
    steps[i] = { number = N_LEAVES + i, op = random(#ops), a = any(), b = any(), hook = one_in(4) and random(3) - 2, looks = one_in(4),
      gone = one_in(8), retains = one_in(4) }
  end
  return { steps = steps, block = draw_block(steps, 1, n, 0), layers = draw_layers() }
end

local function leaves()
  local xs = {}
  for i = 1, N_LEAVES do xs[i] = luron.randn(3, 4, { dtype = "float64", requires_grad = true }) end
  return xs
end

-- ---- running one --------------------------------------------------------------------------------------------------------------
local function run_step(step, values, run)
  local y = ops[step.op](values[step.a], values[step.b], run.env)
  if step.hook then y = y + 0 end -- to second order an op may use its own result, which does not go through scaled
  values[step.number] = y
  if step.retains and step.depth == 0 then run.retained[step.number] = y:retain_grad() end
  if not run.features then
    values[step.number] = scaled(y, step.hook)
    return
  end
  if step.gone then y:register_hook(function() error "of a hook that was removed" end):remove() end
  if step.hook then y:register_hook(function(g) return g * step.hook end) end
  if step.looks then
    y:register_hook(function(g)
      run.calls = run.calls + 1
      if run.calls == run.fails_at then error("planned", 0) end
      assert(g:dim() == y:dim() and values) -- y leads to this very function
    end)
  end
end

local run_block

local function run_parts(block, values, run)
  for _, part in ipairs(block) do
    if part.number then run_step(part, values, run) else run_block(part, values, run) end
  end
end

-- Which values of others a block takes, and which of its own others take.
local function interface(block, steps)
  local from, to, seen = {}, {}, {}
  for i, step in ipairs(steps) do
    for _, k in ipairs { step.a, step.b } do
      local inside, used_inside = k > N_LEAVES and k - N_LEAVES >= block.first and k - N_LEAVES <= block.last, i >= block.first and i <= block.last
      if inside ~= used_inside and not seen[k] then
        seen[k] = true
        table.insert(inside and to or from, k)
      end
    end
  end
  local last = N_LEAVES + #steps
  if block.last == #steps and not seen[last] then to[#to + 1] = last end
  return from, to
end

function run_block(block, values, run)
  if not run.features then return run_parts(block, values, run) end
  local from, to = interface(block, run.steps)
  local given = {}
  for i, k in ipairs(from) do given[i] = values[k] end
  local function body(...)
    local own = setmetatable({}, { __index = not block.hands_over and values or nil })
    if block.hands_over then
      for i, k in ipairs(from) do own[k] = select(i, ...) end
    end
    run_parts(block, own, run)
    local results = {}
    for i, k in ipairs(to) do results[i] = own[k] end
    return table.unpack(results)
  end
  local function call() return luron.recompute(body, table.unpack(block.hands_over and given or {})) end
  local results = { (block.checks and luron.detect_anomaly or function(f) return f() end)(call) }
  assert(#results == #to)
  for i, k in ipairs(to) do values[k] = results[i] end
end

local function run_graph(graph, seed, xs, w, features, fails_at)
  local run = { features = features, steps = graph.steps, retained = {}, calls = 0, fails_at = fails_at, env = { w = w } }
  function run.env.apply(i, x)
    local layer = graph.layers[i]
    if features then return layer[1](x) end
    local y = layer[1](scaled(x, layer.backward or nil))
    return layer.forward and y * layer.forward or y
  end
  local handles = {}
  for _, layer in ipairs(features and graph.layers or {}) do
    if layer.forward then handles[#handles + 1] = layer[1]:register_forward_hook(function(_, _, y) return y * layer.forward end) end
    if layer.backward then handles[#handles + 1] = layer[1]:register_full_backward_hook(function(_, g) return g[1] * layer.backward end) end
  end
  luron.seed(seed)
  local values = table.move(xs, 1, #xs, 1, {})
  run_parts(graph.block, values, run)
  run.loss = values[N_LEAVES + #graph.steps]:square():sum()
  run.drawn = select(2, luron.random_state())
  return run, handles
end

local function parameters(graph, xs, w)
  local all = table.move(xs, 1, #xs, 1, { w })
  table.move(xs, 1, #xs, 2, all)
  for _, layer in ipairs(graph.layers) do
    for _, p in layer[1]:named_parameters() do all[#all + 1] = p end
  end
  return all
end

local function close_to(a, b)
  if not a or not b then return a == b or (a or b):abs():max():item() == 0 end
  return ((a - b):abs() - b:abs() * 1e-10):max():item() <= 1e-11
end

-- The gradients of one run: of a backward, with those that were retained, or to second order.
local function gradients(run, all, order)
  if order == 1 then
    run.loss:backward()
    local grads = {}
    for i, p in ipairs(all) do
      grads[i] = p:grad() or false
      p:zero_grad()
    end
    for k, y in pairs(run.retained) do grads["value " .. k] = y:grad() or false end
    return grads
  end
  local first = { luron.grad(run.loss, all, { create_graph = true }) }
  local sum = run.loss
  for i = 1, #all do sum = first[i] and sum + (first[i] * first[i]):sum() or sum end
  local grads = { luron.grad(sum, all) }
  for i = 1, #all do
    grads[i] = grads[i] or false
    grads["first " .. i] = first[i] and first[i]:detach() or false
  end
  return grads
end

local function check_graph(seed)
  local state = seed
  random = function(n) -- the same on every machine
    state = (state * 6364136223846793005 + 1442695040888963407)
    return (state >> 33) % n + 1
  end
  luron.seed(seed)
  local graph, xs, w = draw_graph(), leaves(), luron.randn(4, 4, { dtype = "float64", requires_grad = true })
  local all, order = parameters(graph, xs, w), one_in(3) and 2 or 1
  luron.higher(order == 2)
  local plain = run_graph(graph, seed, xs, w, false)
  local right = gradients(plain, all, order)
  if one_in(4) then -- a hook that fails: nothing has changed
    local run, handles = run_graph(graph, seed, xs, w, true, 1)
    local ok, message = pcall(run.loss.backward, run.loss)
    if not ok and message ~= "planned" or ok and run.calls > 0 then return "a failing hook: " .. tostring(message) end
    for i, p in ipairs(all) do
      if not ok and p:grad() then return "a gradient after a hook failed: " .. i end
      p:zero_grad()
    end
    for _, h in ipairs(handles) do h:remove() end
  end
  local run, handles = run_graph(graph, seed, xs, w, true)
  local grads = one_in(2) and luron.detect_anomaly(gradients, run, all, order) or gradients(run, all, order)
  for _, h in ipairs(handles) do h:remove() end
  if plain.loss:item() ~= run.loss:item() then return "another value" end
  if plain.drawn ~= run.drawn or run.drawn ~= select(2, luron.random_state()) then return "other random numbers" end
  if luron.is_detecting_anomaly() or not luron.is_recording() then return "settings changed" end
  for k, g in pairs(right) do
    if not close_to(grads[k], g) then return string.format("gradient %s, order %d: %s instead of %s", k, order, grads[k], g) end
  end
end

local function settle()
  for _ = 1, 8 do collectgarbage() end
  luron.trim()
  return select(2, luron.memory())
end

describe("hooks, recompute and detect_anomaly", function()
  it("give the gradients of the plain graph, and leave nothing", function()
    local b = bars.begin("R16", "random graphs with hooks, recompute, detect_anomaly", 16)
    local n, failures = bars.is_long and 4000 or 400, 0
    local higher = luron.higher()
    check_graph(b.seed) -- loads plugins
    local before = settle()
    for i = 1, n do
      local ok, wrong = pcall(check_graph, b.seed + i)
      if not ok or wrong then
        failures = failures + 1
        print(string.format("LURON_TEST_SEED=%d, graph %d: %s", b.seed, i, wrong))
      end
    end
    luron.higher(higher)
    assert.equal(0, b:finish(n, failures))
    assert.equal(before, settle())
  end)

  it("find where a number that is not finite began, within a block too", function()
    local x = luron.tensor({ 4.0, 0.0 }, { dtype = "float64", requires_grad = true })
    local function block(t)
      local y = t:sqrt()
      y:register_hook(function(g) return g * 2 end)
      return y * 3
    end
    local y = luron.recompute(block, x)
    local ok, message = pcall(luron.detect_anomaly, y.backward, y, luron.ones(2, { dtype = "float64" }))
    assert.is_false(ok)
    assert.matches("'sqrt'", message)
    assert.matches("tape_spec.lua:%d+", message)
    assert.is_nil(x:grad())
    ok, message = pcall(luron.detect_anomaly, luron.recompute, function(t) return t:log() end, x)
    assert.is_false(ok)
    assert.matches("^[^\n]*tape_spec.lua:%d+: 'log' gave numbers that are not finite", message)
  end)
end)
