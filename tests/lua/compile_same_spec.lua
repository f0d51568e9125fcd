-- luron.compile: what a step may do beside arithmetic. Eight calls of the compiled step leave weights, gradients, the optimiser,
-- random numbers and modes as eight calls of the step itself, bit for bit; and luron.explain says that there is a plan, or why not.
local luron = require "luron"
local nn = luron.nn

local function text_of(value) return luron.is_tensor(value) and value:dtype() .. value:tobytes() or tostring(value) end

-- Everything that a step may have changed, by name.
local function snapshot(net, opt)
  local all = {}
  for name, p in net:named_parameters() do
    all[name], all[name .. " grad"] = text_of(p), text_of(p:grad())
    all[name .. " requires"] = tostring(p:requires_grad())
  end
  for name, s in net:named_states() do all[name] = text_of(s) end
  for g, group in ipairs(opt.groups) do
    for _, name in ipairs { "lr", "momentum", "weight_decay", "beta1" } do
      local ok, value = pcall(function() return group[name] end)
      if ok then all[g .. name] = tostring(value) end
    end
    for i, name in ipairs(group.names) do
      local state, scalars = opt:state(g, i)
      for key, value in pairs(state) do all[name .. key] = text_of(value) end
      for key, value in pairs(scalars) do all[g .. key] = tostring(value) end
    end
  end
  all.steps, all.mode, all.recording = opt:steps(), net:is_training(), luron.is_recording()
  all.seed, all.position = luron.random_state()
  return all
end

local function make_net() return nn.Sequential { nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Tanh(), nn.Linear(8, 2) } end

-- Eight calls: what came out, what is left, and what luron.explain says.
-- A case may have arguments of its own, and a call that fails.
local function calls(case, compiled)
  luron.seed(4)
  local net = (case.net or make_net)()
  local opt = luron.optim[case.optim or "AdamW"](net, { lr = 0.05 })
  local extra = case.make and case.make(net, opt)
  local function step(x, t) return case.step(net, opt, x, t, extra) end
  local fn = compiled and luron.compile(step) or step
  local left = {}
  for i = 1, 8 do
    if case.before then case.before(i, net, opt, extra) end
    local x, t = luron.arange(12 * 3):reshape(12, 3):float() * 0.1 - i, luron.arange(12):remainder(2):long() + 1
    if case.args then x, t = case.args(i, x, t) end
    local ok, result = pcall(fn, x, t)
    left["result " .. i] = ok and text_of(result) or "failed"
    if ok == (case.fails == i) then error(result) end
    if case.fails == i then -- what is left at once
      for key, value in pairs(snapshot(net, opt)) do left[key .. " then"] = value end
    end
  end
  for key, value in pairs(snapshot(net, opt)) do left[key] = value end
  if case.after then left.after = text_of(case.after(net, opt, extra)) end
  if case.close then case.close() end
  return left, compiled and luron.explain(fn)
end

local function loss_of(net, x, t) return nn.cross_entropy(net(x), t) end
local function backward(net, opt, x, t)
  opt:zero_grad()
  local loss = loss_of(net, x, t)
  loss:backward()
  return loss
end
local function plain(net, opt, x, t)
  local loss = backward(net, opt, x, t)
  opt:step()
  return loss
end
-- The plain step, with fn before it or behind it.
local function first(fn)
  return function(net, opt, x, t, extra)
    fn(net, opt, extra, x)
    return plain(net, opt, x, t)
  end
end
local function last(fn)
  return function(net, opt, x, t, extra)
    local loss = plain(net, opt, x, t)
    fn(net, opt, extra, loss)
    return loss
  end
end
-- ... between the gradients and the optimiser's step.
local function middle(fn)
  return function(net, opt, x, t, extra)
    local loss = backward(net, opt, x, t)
    fn(net, opt, extra)
    opt:step()
    return loss
  end
end
-- What is done before call n.
local function at(n, fn)
  return function(i, ...)
    if i == n then fn(...) end
  end
end

local Scaled = nn.class "CompileScaled"
function Scaled:init()
  self.linear, self.scale = nn.Linear(3, 2), luron.ones(2):requires_grad_()
end
function Scaled:forward(x)
  local y = self.linear(x) * self.scale
  return self:is_training() and y * 2 or y
end
local function make_scaled() return Scaled() end

local path = os.tmpname()

local cases = {
  -- ---- seen: the plan is made anew where it has to be
  { "nothing else", step = plain },
  -- The block of the plans moves, and what a frame knows of its products with it; loops run on two threads, then on one.
  { "memory that lies elsewhere", step = plain, make = function() return { threads = luron.threads() } end, before = function(i, _, _, e)
    luron.trim()
    e[i] = luron.ones(i * 300)
    luron.threads(i // 2 % 2 + 1)
  end, args = function(i, x, t) return i % 2 == 0 and x:clone() or x, t end, after = function(m, _, e)
    luron.threads(e.threads)
    return m[1].weight
  end },
  { "with SGD and momentum", step = plain, optim = "SGD", before = at(5, function(_, o) o:set { momentum = 0.9 } end) },
  { "freeze between", step = plain, before = at(5, function(m) m:freeze "linear1" end) },
  { "unfreeze between", step = plain, make = function(m) m:freeze "linear1" end, before = at(5, function(m) m:unfreeze() end) },
  { "freeze, and back", before = function(i, m) if i == 4 then m:freeze() elseif i == 5 then m:unfreeze() end end,
    step = function(m, o, x, t) return m[1].weight:requires_grad() and plain(m, o, x, t) or loss_of(m, x, t) end },
  { "freeze one parameter between", step = plain, before = at(5, function(m) m[5].bias:requires_grad_(false) end) },
  { "a tensor of an op is frozen between", step = function(_, _, x, _, w)
    w:zero_grad()
    local y = (x * w):sum()
    if y:requires_grad() then y:backward() end
    return y:detach()
  end, make = function() return luron.ones(3):requires_grad_() end, before = at(6, function(_, _, w) w:requires_grad_(false) w:zero_grad() end),
    after = function(_, _, w) return w:grad() end },
  { "a tensor of an op is trained from now on", step = function(_, _, x, _, w)
    w:zero_grad()
    local y = (x * w):sum()
    if y:requires_grad() then y:backward() end
    return y:detach()
  end, make = function() return luron.ones(3) end, before = at(6, function(_, _, w) w:requires_grad_() end), after = function(_, _, w) return w:grad() end },
  { "eval between", step = plain, before = function(i, m) m:train(i < 4) end },
  { "eval of a class between", net = make_scaled, step = plain, before = function(i, m) m:train(i < 4) end },
  { "freeze a tensor of a class between", net = make_scaled, step = plain, before = at(4, function(m) m.scale:requires_grad_(false) end) },
  { "rates between", step = plain, before = function(i, _, o) o.groups[1].lr = 0.1 / i end },
  { "schedule between", step = plain, make = function(_, o) return luron.schedule.ExponentialLR(o, { gamma = 0.5 }) end, before = function(_, _, _, s) s:step() end },
  { "EMA between", step = plain, make = function(m) return luron.EMA(m, 0.9) end, before = function(_, _, _, e) e:update() end,
    after = function(_, _, e) return e:updates() end },
  { "another group between", step = plain, before = at(5, function(_, o) o:add_group { params = { luron.ones(2):requires_grad_() } } end) },
  { "another parameter in a layer", step = first(function(m) m:zero_grad() end), before = at(5, function(m) m[1].weight = luron.ones(8, 3) end) },
  { "a layer in another dtype", step = function(_, _, x, _, l) return luron.no_grad(function() return x * l.bias:to(x:dtype()) end) end,
    make = function() return nn.Linear(2, 3) end, before = at(5, function(_, _, l) l:to "float64" end) },
  { "default dtype between", step = function(_, _, x) return (luron.ones(3) * 2):to(x:dtype()) + x end, before = at(5, function() luron.default_dtype "float64" end),
    close = function() luron.default_dtype "float32" end },
  { "a tensor changes in place", step = first(function(_, _, w, x) return x * w end), make = function() return luron.ones(3) end,
    before = function(i, _, _, w) w:fill_(i) end },
  { "load_state_dict between", step = plain, make = make_net, before = at(5, function(m, _, other) m:load_state_dict(other:state_dict()) end) },
  { "a target that is none", step = plain, args = function(i, x, t) return x, i == 6 and t + 4 or t end, fails = 6 },
  { "a target that is none, behind numbers that are drawn in ops", step = plain, args = function(i, x, t) return x, i == 6 and t + 4 or t end, fails = 6,
    net = function() return nn.Sequential { nn.Reshape { shape = { 1, 1, 3 } }, nn.RandomFlip(), nn.Flatten(), nn.Linear(3, 2) } end },
  { "a loss that is not finite", step = function(m, o, x, t)
    o:zero_grad()
    local loss = (m(x) * t:float()[1]):square():mean()
    loss:backward()
    o:step()
    return loss
  end, args = function(i, x, t) return x, i == 6 and t * 2 ^ 40 * 2 ^ 40 or t end, fails = 6 },
  { "a loss that is not finite, nothing changed before", net = make_scaled, step = plain,
    args = function(i, x, t) return i == 6 and x / 0 or x, t end, fails = 6 },
  { "one of two optimisers fails", step = function(m, o, x, t, e)
    e.opt:zero_grad();
    (e.w * x):sum():backward()
    e.opt:step()
    return plain(m, o, x * t:float()[1], t:clamp(1, 2))
  end, make = function()
    local w = luron.ones(3):requires_grad_()
    return { w = w, opt = luron.optim.Adam({ w }, { lr = 0.1 }) }
  end, args = function(i, x, t) return x, i == 6 and t * 2 ^ 40 * 2 ^ 40 * 2 ^ 40 * 2 ^ 40 or t end, fails = 6,
    after = function(_, _, e) return e.w + e.opt:steps() end },
  { "seed between", step = plain, before = at(5, function() luron.seed(11) end) },

  -- ---- planned: done again by the plan
  { "train() in the mode that it has", step = first(function(m) m:train() end) },
  { "freeze what is frozen", step = first(function(m) m:freeze "linear1" end) },
  { "clip_grad_value", step = middle(function(m) luron.clip_grad_value(m, 0.01) end) },
  { "penalty", step = function(m, o, x, t)
    o:zero_grad()
    local loss = loss_of(m, x, t) + luron.penalty(m, { ["weight$"] = luron.regularizer.l2(0.1) })
    loss:backward()
    o:step()
    return loss
  end },
  { "constrain", step = last(function(m) luron.constrain(m, { ["weight$"] = luron.constraint.max_norm(0.1) }) end) },
  { "two backwards in a step", step = function(m, o, x, t)
    o:zero_grad()
    loss_of(m, x, t):backward()
    local loss = loss_of(m, x * 2, t)
    loss:backward()
    o:step()
    return loss
  end },
  { "recompute", step = function(m, o, x, t)
    o:zero_grad()
    local loss = nn.cross_entropy(luron.recompute(m, x), t)
    loss:backward()
    o:step()
    return loss
  end },
  { "luron.grad and set_grad", step = function(m, o, x, t)
    o:zero_grad()
    local loss, params = loss_of(m, x, t), m:parameters()
    for i, g in ipairs { luron.grad(loss, params) } do params[i]:set_grad(g) end
    o:step()
    return loss
  end },
  { "grad_outputs from outside", step = function(m, o, x, _, up)
    o:zero_grad()
    local y, params = m(x), m:parameters()
    for i, g in ipairs { luron.grad(y, params, { grad_outputs = up }) } do params[i]:set_grad(g) end
    o:step()
    return y:detach()
  end, make = function() return luron.full(0.25, 12, 2) end, before = at(5, function(_, _, up) up:mul_(2) end) },
  { "backward with a gradient from outside", step = function(m, o, x, _, up)
    o:zero_grad()
    local y = m(x)
    y:backward(up)
    o:step()
    return y:detach()
  end, make = function() return luron.full(0.25, 12, 2) end, before = at(5, function(_, _, up) up:mul_(2) end) },
  { "weights changed by hand", step = function(m, _, x, t)
    m:zero_grad()
    local loss = loss_of(m, x, t)
    loss:backward()
    luron.no_grad(function() for _, p in ipairs(m:parameters()) do p:sub_(p:grad() * 0.1) end end)
    return loss
  end },
  { "a sum outside", step = last(function(_, _, sum, loss) sum:add_(loss:detach()) end), make = function() return luron.zeros {} end,
    after = function(_, _, sum) return sum end },
  { "a gradient of an input", step = function(_, _, x)
    local z = x:detach():requires_grad_()
    return (luron.grad(z:square():sum(), z))
  end },
  { "load_state_dict", step = first(function(m, _, other) m:load_state_dict(other:state_dict()) end), make = make_net },
  { "threads", step = first(function() luron.threads(luron.threads()) end) },
  { "no_grad in it", step = last(function(m, _, _, loss) return luron.no_grad(function() return m[1](loss:reshape(1, 1):expand(2, 3)) end) end) },

  -- ---- refused: computed as it is
  { "seed", step = first(function() luron.seed(3) end), why = "seeds random numbers" },
  { "set_random_state", step = first(function() luron.set_random_state(3, 4) end), why = "seeds random numbers" },
  { "random_state", step = first(function(_, o) local _, n = luron.random_state() o:set { lr = 1e-3 * n } end), why = "asks for the random state" },
  { "rand", step = function(m, o, x, t) return plain(m, o, x + luron.rand(12, 3), t) end, why = "draws random numbers outside of layers" },
  { "opt:set", step = first(function(_, o) o:set { lr = 0.01 } end), why = "changes options of an optimiser" },
  { "groups[1].lr", step = first(function(_, o) o.groups[1].lr = 0.01 end), why = "changes options of an optimiser" },
  { "a rate that is read", step = function(m, o, x, t) return plain(m, o, x, t) * o.groups[1].lr end, before = function(i, _, o) o:set { lr = 0.1 / i } end,
    why = "asks for numbers of an optimiser" },
  { "steps that are read", step = function(m, o, x, t) return plain(m, o, x, t) * (o:steps() > 4 and 1 or 2) end, why = "asks for numbers of an optimiser" },
  { "the text of an optimiser", step = function(m, o, x, t) return plain(m, o, x, t) * #tostring(o) end, why = "asks for numbers of an optimiser" },
  { "schedule:step", step = last(function(_, _, s) s:step() end), make = function(_, o) return luron.schedule.StepLR(o, { step_size = 1, gamma = 0.5 }) end,
    after = function(_, _, s) return s:steps() end, why = "changes options of an optimiser: step the schedule outside of the compiled function" },
  { "schedule:rates", step = function(m, o, x, t, s) return plain(m, o, x, t) * s:rates()[1] end,
    make = function(_, o) return luron.schedule.ExponentialLR(o, { gamma = 0.5 }) end,
    before = function(_, _, _, s) s:step() end, why = "asks for numbers of an optimiser" },
  { "schedule:steps", step = function(m, o, x, t, s) return plain(m, o, x, t) * s:steps() end,
    make = function(_, o) return luron.schedule.ExponentialLR(o, { gamma = 0.5 }) end,
    before = function(_, _, _, s) s:step() end, why = "asks for the steps of a schedule" },
  { "EMA", step = last(function(_, _, e) e:update() end), make = function(m) return luron.EMA(m, 0.9) end, after = function(_, _, e) return e:updates() end,
    why = "call EMA:update outside" },
  { "SWA", step = last(function(_, _, e) e:update() end), make = function(m) return luron.SWA(m) end,
    after = function(_, _, e) e:apply() return e.model[1].weight end, why = "call SWA:update outside" },
  { "averages in their place", step = function(m, o, x, t, e)
    e:apply()
    local y = loss_of(m, x, t):detach()
    e:restore()
    return plain(m, o, x, t):detach() + y
  end, make = function(m) return luron.EMA(m, 0.9) end, before = function(_, _, _, e) e:update() end, why = "call EMA:apply outside" },
  { "eval and train", step = function(m, o, x, t)
    m:eval()
    local y = loss_of(m, x, t):detach()
    m:train()
    return plain(m, o, x, t):detach() + y
  end, why = "switches the mode of a layer" },
  { "is_training", step = function(m, o, x, t) return plain(m, o, x, t) * (m:is_training() and 1 or 2) end, before = function(i, m) m:train(i < 4) end,
    why = "asks for the mode" },
  { "eval and train of a class", net = make_scaled, step = function(m, o, x, t)
    m:eval()
    local y = loss_of(m, x, t):detach()
    m:train()
    return plain(m, o, x, t):detach() + y
  end, why = "switches the mode" },
  { "freeze and unfreeze", step = function(m, o, x, t)
    m:freeze "linear1"
    local loss = plain(m, o, x, t)
    m:unfreeze()
    return loss
  end, why = "changes what was there before" },
  { "a hook of a tensor", step = function(m, o, x, t)
    o:zero_grad()
    local y = m(x)
    y:register_hook(function(g) return g * 2 end)
    local loss = nn.cross_entropy(y, t)
    loss:backward()
    o:step()
    return loss
  end, why = "registers a hook" },
  { "a hook of a parameter", step = plain, make = function(m) m[1].weight:register_hook(function(g) return g * 2 end) end, why = "calls a hook of a tensor" },
  { "a hook of a parameter, later", step = plain, before = at(5, function(m) m[1].weight:register_hook(function(g) return g * 2 end) end),
    why = "calls a hook of a tensor" },
  { "a hook of a parameter for luron.grad, later", step = function(m, _, x, t) return (luron.grad(loss_of(m, x, t), m[1].weight)) end,
    before = at(5, function(m) m[1].weight:register_hook(function(g) return g * 2 end) end), why = "calls a hook of a tensor" },
  { "a hook of a layer, later", step = plain, before = at(5, function(m) m[1]:register_forward_hook(function(_, _, y) return y * 2 end) end),
    why = "calls a hook of a layer" },
  { "a hook of a model, later", step = plain, before = at(5, function(m) m:register_forward_hook(function(_, _, y) return y * 2 end) end),
    why = "calls a hook of a model" },
  { "a hook of a class, later", net = make_scaled, step = plain, before = at(5, function(m) m:register_forward_hook(function(_, _, y) return y * 2 end) end),
    why = "calls a hook of an instance" },
  { "pruning", step = last(function(_, _, p) p:apply() end), make = function(m) return luron.prune(m):l1_unstructured("weight$", 0.5) end,
    why = "calls a hook of a tensor" },
  { "activity", step = function(m, o, x, t)
    o:zero_grad()
    local sum, y = luron.activity(m, { linear1 = luron.regularizer.l2(0.1) }, x)
    local loss = nn.cross_entropy(y, t) + sum
    loss:backward()
    o:step()
    return loss
  end, why = "luron.activity" },
  { "clip_grad_norm", step = middle(function(m) luron.clip_grad_norm(m, 0.1) end) },
  { "clip_grad_norm of the largest element", step = middle(function(m) luron.clip_grad_norm(m, 0.02, { norm_type = math.huge }) end) },
  { "clip_grad_norm where nothing is cut off", step = middle(function(_, o) luron.clip_grad_norm(o, 1e6, { norm_type = 1 }) end) },
  { "the norm that is given", step = function(m, o, x, t)
    backward(m, o, x, t)
    local norm = luron.clip_grad_norm(m, 0.5)
    o:step()
    return norm
  end },
  { "the norm read as a number", step = function(m, o, x, t)
    local loss = backward(m, o, x, t)
    if luron.clip_grad_norm(m, 0.5):item() < 100 then o:step() end
    return loss
  end, why = "reads numbers" },
  { "gradients that are not finite behind clip_grad_norm", step = middle(function(m) luron.clip_grad_norm(m, 0.1) end), fails = 5, args = function(i, x, t)
    return i == 5 and x * 1e38 * 1e5 or x, t
  end },
  { "gradients of several calls", step = function(m, _, x, t)
    local loss = loss_of(m, x, t)
    loss:backward()
    return loss
  end, before = function(i, _, o) if i % 4 == 0 then o:step() o:zero_grad() end end, why = "adds to gradients that were there before" },
  { "the step first", step = function(m, o, x, t)
    o:step()
    return backward(m, o, x, t)
  end, why = "uses gradients that were there before" },
  { "the step alone", step = function(_, o, x)
    o:step()
    return x * 1
  end, before = function(i, m, o) o:zero_grad() m(luron.ones(4, 3) * i):square():sum():backward() end, why = "uses gradients that were there before" },
  { "gradients that are looked at", step = function(m, _, x) return x * m[1].bias:grad():sum() end,
    before = function(i, m, o) o:zero_grad() m(luron.ones(4, 3) * i):square():sum():backward() end, why = "uses gradients that were there before" },
  { "a group", step = first(function(_, o) if #o.groups == 1 then o:add_group { params = { luron.ones(2):requires_grad_() } } end end),
    why = "adds parameters to an optimiser" },
  { "recording left off", step = function(m, _, x) luron.no_grad() return m(x):detach() end, before = function() luron.enable_grad() end,
    close = function() luron.enable_grad() end, why = "switches settings" },
  { "default dtype left", step = function(m, _, x) luron.default_dtype "float64" return m(x):detach() end, before = function() luron.default_dtype "float32" end,
    close = function() luron.default_dtype "float32" end, why = "switches settings" },
  { "detect_anomaly", step = function(m, o, x, t) return luron.detect_anomaly(function() return plain(m, o, x, t) end) end, why = "detect_anomaly" },
  { "a file that is written", step = last(function(m) m:save(path) end), after = function(m) return luron.load(path)[1].weight:eq(m[1].weight):all() end,
    why = "writes a file" },
  { "a file that is read", step = first(function(m) assert(m:restore(path)) end), make = function(m) m:save(path) end, why = "reads a file" },
  { "a loader", step = function(m, o, x, t, loader)
    for a, b in loader do plain(m, o, a, b) end
    return plain(m, o, x, t)
  end, make = function() return luron.data.tensors(luron.ones(4, 3), luron.ones(4):long()):loader { batch = 4 } end, after = function(_, _, l) return l:state().epoch end,
    why = "takes batches of a loader" },
  { "luron.evaluate", step = last(function(m)
    luron.evaluate(m, luron.data.tensors(luron.ones(4, 3), luron.ones(4):long()))
  end), why = "evaluates a model: call luron.evaluate outside" },
  { "luron.fit", step = last(function(m, _, sgd)
    luron.fit(m, luron.data.tensors(luron.ones(4, 3), luron.ones(4):long()), { progress = false, optim = sgd })
  end), make = function(m) return luron.optim.SGD(m, { lr = 0.1 }) end, why = "trains a model: call luron.fit outside" },
  { "LBFGS", step = function(m, o, x, t, lbfgs) return lbfgs:step(function() return backward(m, o, x, t) end) end,
    make = function(m) return luron.optim.LBFGS(m, { max_iter = 2 }) end, after = function(_, _, lbfgs) return lbfgs:steps() end,
    why = "makes a step of LBFGS" },
  { "a parameter is put in", step = first(function(m, _, _, x)
    m[1].weight = luron.no_grad(function() return x:sum():expand(8, 3):contiguous() end)
    m:zero_grad()
  end), why = "puts a parameter into a layer" },
  { "requires_grad_ of what is given", step = function(m, _, x)
    x:requires_grad_()
    m:zero_grad()
    local loss = m(x):sum()
    loss:backward()
    return x:grad()
  end, why = "makes what is given to it require a gradient" },
  { "retain_grad", step = function(m, _, x)
    m:zero_grad()
    local y = m(x)
    y:retain_grad()
    y:square():sum():backward()
    return y:grad()
  end, why = "retain_grad" },
  { "two networks against each other", step = function(m, o, x, _, e)
    e.net:freeze()
    o:zero_grad()
    local loss = e.net(m(x)):mean()
    loss:backward()
    o:step()
    e.net:unfreeze()
    e.opt:zero_grad()
    e.net(m(x):detach()):mean():backward()
    e.opt:step()
    return loss
  end, make = function()
    local net = nn.Linear(2, 1)
    return { net = net, opt = luron.optim.Adam(net, { lr = 0.1 }) }
  end, after = function(_, _, e) return e.net.weight end, why = "changes what was there before" },
  { "a layer that is drawn anew", step = first(function(m) m[1]:reset() end), why = "draws random numbers outside of layers" },
}

describe("luron.compile, eight times:", function()
  teardown(function() os.remove(path) os.remove(path .. ".prev") end)
  for _, case in ipairs(cases) do
    it(case[1], function()
      local expect = calls(case, false)
      local got, explained = calls(case, true)
      assert.is_truthy(explained:find(case.why or ": planned", 1, true), explained)
      if case.why then assert.is_truthy(explained:find("computed as it is", 1, true), explained) end
      for key, value in pairs(expect) do assert.is_true(value == got[key], key) end
      for key in pairs(got) do assert.is_true(expect[key] ~= nil, key) end
    end)
  end
end)
