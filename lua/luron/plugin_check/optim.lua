--- luron plugin check: optimiser types.
local luron = require "luron"
local core = require "luron.core"
local guess = require "luron.plugin_check.guess"
local options = require "luron.plugin_check.options"
local precision = require "luron.plugin_check.precision"
local sorted = require("luron.names").sorted

local optim = {}
local nn = luron.nn

local function make(t, params, set)
  return luron.optim[t.info.name](params, set or guess.plain_options(t.info.schema, guess.random(t.seed), t.fixed.options))
end

-- Parameters of these shapes, and a function that gives them gradients of step number i: the same whenever asked.
local function parameters(t, shapes, dtype)
  local rand, list = guess.random(t.seed + 7), {}
  for i, shape in ipairs(shapes) do list[i] = guess.tensor(rand, {}, shape, dtype, "normal", 1):requires_grad_() end
  return list, function(step)
    for i, p in ipairs(list) do
      luron.set_random_state(t.seed, 1000 * step + i)
      p:set_grad(luron.randn_like(p, { requires_grad = false }))
    end
  end
end

-- A type that wants whole tensors may want matrices.
local function shape_of(t, rows, columns) return t.info.flags.whole and { rows, columns } or { rows * columns } end

local function bytes_of(opt, params)
  local parts = {}
  for i, p in ipairs(params) do
    parts[#parts + 1] = p:detach():tobytes()
    local tensors = opt:state(1, i)
    for _, name in ipairs(sorted(tensors)) do parts[#parts + 1] = tensors[name]:tobytes() end
  end
  return parts
end

-- wild: drawn options of a type that iterates (Muon) may diverge, which is no fault.
local function under(level, t, wild, fn)
  local was = luron.strict()
  luron.strict(level)
  local ok, message = pcall(fn)
  luron.strict(was)
  local diverged = not ok and wild and t.info.flags.whole and message:find("from finite numbers", 1, true)
  if not ok and not diverged then t.fail("%s", message) end
end

optim[#optim + 1] = { name = "options", run = function(t)
  local params = { luron.zeros(shape_of(t, 3, 1), { requires_grad = true }) }
  return options.check(t, function(set)
    local opt = make(t, params, set)
    params[1]:set_grad(luron.ones_like(params[1], { requires_grad = false }))
    opt:step()
    return tostring(opt)
  end)
end }

local odd_shapes = { { 7 }, { 3, 5 }, {}, { 1 }, { 0 }, { 2, 1, 3 }, { 65 } }
local odd_matrices = { { 3, 5 }, { 5, 2 }, { 0, 4 }, { 1, 7 }, { 2, 1, 3 } }

-- What strict mode says once is not said again.
local function strict_at(level)
  return function(t)
    if level == "pages" and t.failed["strict mode"] then t.skip "strict mode has found something" end
    for _, dtype in ipairs { "float32", "float64" } do
      for i = 1, 4 do
        local set = i > 1 and guess.options(t.info.schema, t.rand, t.fixed.options) or nil
        local params, give = parameters(t, odd_shapes, dtype)
        local ok, opt = pcall(make, t, params, set)
        if not ok then
          params, give = parameters(t, odd_matrices, dtype)
          ok, opt = pcall(make, t, params, set)
        end
        for step = 1, ok and 3 or 0 do
          give(step)
          under(level, t, set ~= nil, function() opt:step() end)
        end
      end
    end
    return "both dtypes"
  end
end
optim[#optim + 1] = { name = "strict mode", run = strict_at(true) }
optim[#optim + 1] = { name = "guard pages", run = strict_at "pages", crash = "reads or writes outside its run" }

-- ---- float32 ---------------------------------------------------------------------------------------------------------
-- What an optimiser holds, each over all parameters, in one dim: by how much they have changed (`from`: what they were), how large they
-- are, and by name the states.
local function held(opt, params, from)
  local parts = { change = {}, size = {} }
  for i, p in ipairs(params) do
    local now = p:detach():to "float64":reshape(-1)
    table.insert(parts.change, now - from[i]:reshape(-1))
    table.insert(parts.size, now:abs())
    for name, tensor in pairs(opt:state(1, i)) do
      parts["state '" .. name .. "'"] = parts["state '" .. name .. "'"] or {}
      if tensor:dtype():find "float" then table.insert(parts["state '" .. name .. "'"], tensor:to "float64":reshape(-1)) end
    end
  end
  local whole = {}
  for name, list in pairs(parts) do whole[name] = #list > 0 and luron.cat(list, 1) or nil end
  return whole
end

-- Six steps in float32 and in float64, and in float64 with gradients moved a little.
local function compare_steps(t, shapes, set)
  local single, give = parameters(t, shapes, "float32")
  local sides, from = { single, {}, {} }, {}
  for i, p in ipairs(single) do
    from[i] = p:detach():to "float64"
    for k = 2, 3 do sides[k][i] = from[i]:clone():requires_grad_() end
  end
  local opts = {}
  for k, side in ipairs(sides) do
    local ok, opt = pcall(make, t, side, set)
    if not ok then return false end
    opts[k] = opt
  end
  for step = 1, 6 do
    give(step)
    for i, p in ipairs(single) do
      local g = p:grad():to "float64"
      sides[2][i]:set_grad(g)
      sides[3][i]:set_grad(precision.moved(g))
    end
    for _, opt in ipairs(opts) do opt:step() end
    local a, b, c = held(opts[1], sides[1], from), held(opts[2], sides[2], from), held(opts[3], sides[3], from)
    local rounding = a.size * (4 * step * 0x1p-24)
    a.size = nil
    for _, name in ipairs(sorted(a)) do -- beyond 1e6 it diverges
      local i, x, y = precision.apart({ a[name], b[name], c[name] }, 1e-3, name == "change" and rounding or 1e-9, 1e6)
      if i then
        t.fail("%s: step %d: %s, element %d: float32 gives %.7g, float64 %.7g", guess.text(set), step, name == "change" and "change of the parameters" or name, i, x, y)
      end
    end
  end
  return true
end

optim[#optim + 1] = { name = "float32", run = function(t)
  local n, plain = 0, guess.plain_options(t.info.schema, guess.random(t.seed), t.fixed.options)
  for i = 1, 6 do
    local set = i > 1 and guess.options(t.info.schema, t.rand, t.fixed.options) or plain
    if compare_steps(t, odd_shapes, set) or compare_steps(t, odd_matrices, set) then n = n + 1 end
  end
  return n .. " times six steps, as in float64"
end }

optim[#optim + 1] = { name = "run lengths", run = function(t)
  if t.info.flags.whole then t.skip "takes whole tensors" end
  for _, dtype in ipairs { "float32", "float64" } do
    local size = dtype == "float32" and 4 or 8
    local whole, give = parameters(t, { { 400 } }, dtype)
    local opt = make(t, whole)
    local parts, at = {}, {}
    local rand, from = guess.random(t.seed + 3), 1
    while from <= 400 do
      local n = math.min(from <= 71 and from or rand(70), 401 - from) -- lengths 1, 2, 4 ... at odd places
      parts[#parts + 1], at[#at + 1] = whole[1]:detach():narrow(1, from, n):clone():requires_grad_(), from
      from = from + n
    end
    local cut = make(t, parts)
    for step = 1, 4 do
      give(step)
      local g = whole[1]:grad()
      for i, p in ipairs(parts) do p:set_grad(g:narrow(1, at[i], p:numel()):clone()) end
      opt:step()
      cut:step()
      local bytes = whole[1]:detach():tobytes()
      for i, p in ipairs(parts) do
        local n = p:numel()
        if p:detach():tobytes() ~= bytes:sub((at[i] - 1) * size + 1, (at[i] - 1 + n) * size) then
          t.fail("step %d of %s over a run of %d numbers gives other bits than within a longer one", step, dtype, n)
        end
      end
    end
  end
  return "1 to 70, cut anywhere"
end }

optim[#optim + 1] = { name = "threads", run = function(t)
  local was, wanted = luron.threads(), nil
  for _, threads in ipairs { 1, 2, 3, 8 } do
    luron.threads(threads)
    local params, give = parameters(t, { shape_of(t, 500, 80) }, "float32")
    local opt = make(t, params)
    for step = 1, 3 do
      give(step)
      opt:step()
    end
    local got = table.concat(bytes_of(opt, params))
    luron.threads(was)
    if wanted and got ~= wanted then t.fail("other bits on %d threads than on one", threads) end
    wanted = wanted or got
  end
  return "1, 2, 3 and 8"
end }

optim[#optim + 1] = { name = "save and resume", run = function(t)
  local path = os.tmpname()
  local function steps(model, opt, from, to)
    for step = from, to do
      for i, p in ipairs(model:parameters()) do
        luron.set_random_state(t.seed, 1000 * step + i)
        p:set_grad(luron.randn_like(p, { requires_grad = false }))
      end
      opt:step()
    end
  end
  for _ = 1, 3 do
    luron.seed(t.seed)
    local model = nn.Sequential { nn.Linear { 5, 3, bias = not t.info.flags.whole }, nn.Linear { 3, 1, bias = not t.info.flags.whole } }
    local set = guess.options(t.info.schema, t.rand, t.fixed.options)
    local ok, opt = pcall(make, t, model, set)
    if ok then
      steps(model, opt, 1, 3)
      model:save(path, { optim = opt, nonfinite = true })
      steps(model, opt, 4, 6)
      local loaded, checkpoint = luron.load(path)
      os.remove(path)
      if not loaded then t.fail("what was saved cannot be loaded: %s", checkpoint) end
      local again = make(t, loaded)
      local restored, message = checkpoint:restore_optim(again)
      if not restored then t.fail("its state cannot be restored: %s", message) end
      steps(loaded, again, 4, 6)
      local a, b = bytes_of(opt, model:parameters()), bytes_of(again, loaded:parameters())
      if table.concat(a) ~= table.concat(b) then
        t.fail("%s: goes on otherwise after saving and loading: something is kept outside of state and scalars", guess.text(set))
      end
    end
  end
  return "bit for bit"
end }

optim[#optim + 1] = { name = "left alone", run = function(t)
  local params, give = parameters(t, { shape_of(t, 3, 3), shape_of(t, 4, 1), shape_of(t, 1, 5) }, "float32")
  local opt = make(t, params)
  give(1)
  params[2]:set_grad(nil)
  local before = bytes_of(opt, params)
  opt:step()
  local after, per = bytes_of(opt, params), #before // 3
  for i = per + 1, 2 * per do
    if before[i] ~= after[i] then t.fail "a parameter without a gradient is changed" end
  end
  local moved = before[1] ~= after[1]
  for step = 2, 5 do
    give(step)
    opt:step()
    moved = moved or params[1]:detach():tobytes() ~= before[1]
  end
  if not moved then t.fail "five steps with a gradient move nothing" end
end }

optim[#optim + 1] = { name = "descent", run = function(t)
  local aim = luron.tensor({ 1.0, -2.0, 3.0, 0.5 }):reshape(shape_of(t, 2, 2))
  local p = luron.zeros(shape_of(t, 2, 2), { requires_grad = true })
  local opt = make(t, { p })
  local function loss() return ((p - aim) ^ 2):sum() end
  local first = loss():item()
  for _ = 1, 300 do
    opt:zero_grad()
    loss():backward()
    opt:step()
  end
  local last = loss():item()
  if last ~= last or last >= first then t.fail("300 steps on a bowl lead from %.6g to %.6g", first, last) end
  return string.format("a bowl from %.4g to %.4g", first, last)
end }

optim[#optim + 1] = { name = "help", run = function(t) return core.help(t.info.name):match "\n%s*([^\n]*)" end }

return optim
