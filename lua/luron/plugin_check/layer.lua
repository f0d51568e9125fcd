--- luron plugin check: layer types. Each check takes the context `t` (child.lua): t.info, t.cases, t.rand, t.fail, t.skip.
local luron = require "luron"
local core = require "luron.core"
local guess = require "luron.plugin_check.guess"
local elementwise = require "luron.plugin_check.elementwise"
local gradient = require "luron.plugin_check.gradient"
local options = require "luron.plugin_check.options"
local precision = require "luron.plugin_check.precision"

local layer = {}
local nn = luron.nn

local function bytes_of(outs)
  local parts = {}
  for i, y in ipairs(outs) do parts[i] = y:detach():tobytes() end
  return table.concat(parts)
end

local function shape_text(tensor) return tensor and "(" .. table.concat(tensor:shape(), ", ") .. ")" or "absent" end

local function case_text(case)
  local parts = {}
  for i = 1, case.n do parts[i] = shape_text(case.ins[i]) end
  return guess.text(case.options) .. " on " .. table.concat(parts, ", ")
end

-- Forward and backward with strict mode at a level; what it says is a finding.
local function under(level, t, fn)
  local was = luron.strict()
  luron.strict(level)
  local ok, message = pcall(fn)
  luron.strict(was)
  if not ok then t.fail("%s", message) end
end

-- ---- options, shapes -------------------------------------------------------------------------------------------------
layer[#layer + 1] = { name = "inputs", run = function(t)
  t.make_cases()
  return "such as " .. case_text(t.cases[1])
end }

layer[#layer + 1] = { name = "options", run = function(t)
  return options.check(t, function(set)
    luron.seed(t.seed)
    local made = core.layer_type(t.info.name)(set)
    return tostring(made)
  end)
end }

-- ---- strict mode -----------------------------------------------------------------------------------------------------
local function run_case(case, ins)
  luron.set_random_state(case.seed, 1000)
  local variables = {}
  for i = 1, case.n do
    if ins[i] and ins[i]:dtype():find "float" and not case.constant[i] then variables[i] = ins[i]:detach():requires_grad_() end
  end
  local arguments = {}
  for i = 1, case.n do arguments[i] = variables[i] or ins[i] end
  local outs, total = { case.layer(table.unpack(arguments, 1, case.n)) }, nil
  for _, y in ipairs(outs) do
    if y:requires_grad() then
      local term = (y * (luron.rand_like(y) * 2 - 1)):sum()
      total = total and total + term or term
    end
  end
  if total then
    total:backward({ retain_graph = true })
    total:backward() -- into gradients that are there
  end
  for _, parameter in ipairs(case.layer:parameters()) do parameter:zero_grad() end
  return outs
end

-- What strict mode says once is not said again.
local function strict_at(level)
  return function(t)
    local n = 0
    if level == "pages" and t.failed["strict mode"] then t.skip "strict mode has found something" end
    for _, case in ipairs(t.cases) do
      for _, training in ipairs { true, false } do
        case.layer:train(training)
        under(level, t, function() run_case(case, case.ins) end)
        n = n + 1
      end
      case.layer:train(true)
    end
    local narrow = t.info.flags.f64 and t.cases[1]
    if narrow then -- float32 as well
      local single, ins = narrow.layer:clone():to "float32", {}
      for i = 1, narrow.n do
        local x = narrow.ins[i]
        ins[i] = x and x:dtype() == "float64" and x:to "float32" or x
      end
      under(level, t, function() run_case({ layer = single, n = narrow.n, seed = narrow.seed, constant = narrow.constant }, ins) end)
    end
    local big = guess.enlarged(t.cases[1], t.info, 40)
    if big then under(level, t, function() run_case(big, big.ins) end) end
    return n + (narrow and 1 or 0) + (big and 1 or 0) .. " runs"
  end
end
layer[#layer + 1] = { name = "strict mode", run = strict_at(true) }
layer[#layer + 1] = { name = "guard pages", run = strict_at "pages", crash = "reads or writes outside its tensors" }

-- ---- shapes of any kind ----------------------------------------------------------------------------------------------
local odd_sizes = { 0, 1, 1, 2, 3, 5, 7, 33 }

local function odd_shape(t, case, i)
  local shape = {}
  if t.rand(3) == 1 and case.shapes[i] then -- one size of what it takes is changed
    shape = { table.unpack(case.shapes[i]) }
    if #shape > 0 then shape[t.rand(#shape)] = odd_sizes[t.rand(#odd_sizes)] end
  else
    for d = 1, t.rand(6) - 1 do shape[d] = odd_sizes[t.rand(d > 3 and 6 or #odd_sizes)] end
  end
  return shape
end

local function try_shapes(t, case, ins, text)
  local ok, outs = pcall(function() return run_case(case, ins) end)
  if not ok then
    if type(outs) ~= "string" or outs == "" then t.fail("%s: refused without a message", text) end
    if not outs:find "from finite numbers" then t.judge(outs) end -- the mean of nothing
    return false
  end
  local sizes, real = {}, true
  for i = 1, case.n do
    real = real and ins[i] ~= nil and guess.is_real(guess.port(t.info, i))
    sizes[i] = real and ins[i]:shape() or nil
  end
  if not real then return true end
  local said = { pcall(case.layer.infer, case.layer, table.unpack(sizes)) }
  if not said[1] then t.fail("%s: it runs, but its shapes cannot be asked for: %s", text, said[2]) end
  for k, y in ipairs(outs) do
    local a, b = table.concat(y:shape(), ", "), table.concat(said[k + 1], ", ")
    if a ~= b then t.fail("%s: output %d is (%s), setup says (%s)", text, k, a, b) end
  end
  return true
end

layer[#layer + 1] = { name = "shapes", run = function(t)
  local taken = 0
  for i = 1, 150 do
    local case = t.cases[i % #t.cases + 1]
    local ins, texts = {}, {}
    local same = t.rand(2) == 1 and odd_shape(t, case, 1)
    for k = 1, case.n do
      local shape = same or odd_shape(t, case, k)
      if case.ins[k] then
        ins[k] = guess.tensor(t.rand, guess.port(t.info, k), shape, case.dtype, case.domain, case.ids, case.id_columns[k])
      end
      texts[k] = shape_text(ins[k])
    end
    luron.strict(not t.failed["strict mode"])
    local ok, message = pcall(try_shapes, t, case, ins, guess.text(case.options) .. " on " .. table.concat(texts, ", "))
    luron.strict(false)
    if not ok then error(message, 0) end
    if message then taken = taken + 1 end
  end
  return string.format("%d taken, %d refused", taken, 150 - taken)
end }

layer[#layer + 1] = { name = "dtypes", run = function(t)
  local case = t.cases[1]
  for i = 1, case.n do
    local x, port = case.ins[i], guess.port(t.info, i)
    for _, dtype in ipairs { "float32", "float64", "int64", "int32", "uint8", "bool" } do
      if x and x:dtype() ~= dtype then
        local ins = { table.unpack(case.ins, 1, case.n) }
        ins[i] = x:to(dtype)
        local ok, message = pcall(luron.no_grad, guess.apply, case, ins)
        if ok and guess.is_real(port) and not dtype:find "float" then t.fail("input '%s' takes %s", port.name, dtype) end
        if not ok then t.judge(message) end
      end
    end
    if x and not port.optional then
      local ins = { table.unpack(case.ins, 1, case.n) }
      ins[i] = nil
      local ok, message = pcall(luron.no_grad, guess.apply, case, ins)
      if ok and not port.variadic then t.fail("input '%s' may be absent, though it is not optional", port.name) end
      if not ok then t.judge(message) end
    end
  end
end }

local function wrong_ids(case, dtype)
  if dtype == "uint8" then return { 0, math.min(case.ids + 1, 255), 255 } end
  if dtype == "int32" then return { 0, -1, -1000, case.ids + 1, 2 ^ 31 - 1 | 0, -2 ^ 31 | 0 } end
  return { 0, -1, -1000, case.ids + 1, 1 << 40, math.maxinteger, math.mininteger }
end

layer[#layer + 1] = { name = "ids", crash = "an id that is none is read or written with", run = function(t)
  local taken, n = 0, 0
  for _, case in ipairs(t.cases) do
    for i = 1, case.n do
      local x = case.ins[i]
      if x and guess.port(t.info, i).index and x:numel() > 0 then
        for k, id in ipairs(wrong_ids(case, x:dtype())) do
          local ins, ids = { table.unpack(case.ins, 1, case.n) }, x:clone():reshape(-1)
          ids[k % 2 == 0 and -1 or 1] = id
          ins[i], n = ids:reshape(x:shape()), n + 1
          luron.strict "pages"
          local ok, message = pcall(run_case, case, ins)
          luron.strict(false)
          if ok then taken = taken + 1 else t.judge(message) end
        end
      end
    end
  end
  if n == 0 then t.skip "no input holds ids" end
  return string.format("%d wrong ones: %d taken, %d refused", n, taken, n - taken)
end }

-- ---- gradients -------------------------------------------------------------------------------------------------------
layer[#layer + 1] = { name = "gradients", run = gradient.first }
layer[#layer + 1] = { name = "slopes", run = elementwise.slopes }
layer[#layer + 1] = { name = "large gradients", run = gradient.large }
layer[#layer + 1] = { name = "far from 0", run = elementwise.far }
layer[#layer + 1] = { name = "float32", run = precision.layer }
layer[#layer + 1] = { name = "each gradient alone", run = gradient.alone }
layer[#layer + 1] = { name = "second derivatives", run = gradient.second }

-- ---- threads, runs ---------------------------------------------------------------------------------------------------
local function with_gradients(case, info, vs)
  local outs = bytes_of(guess.apply(case)) -- of a run that is not for gradients
  local grads = {}
  for k, g in pairs(gradient.grads(case, gradient.variables(case, info), vs)) do
    if k ~= "n" then grads[#grads + 1] = k .. g:tobytes() end
  end
  table.sort(grads)
  return outs .. table.concat(grads)
end

local LONG = 0.05 -- seconds of a run, with backward and on five counts of threads some twenty times as many

-- The first case with so many numbers, some 60,000, that threads divide them; with fewer where a run would be long, for the work of
-- some layers (attention, say) grows with the square of their size.
local function divided(t)
  local case, first = t.cases[1], t.cases[1].ins[1]
  local times = 3000 // math.max(1, first and first:numel() // 20 or 1)
  for part = 5, 0, -1 do
    local big = guess.enlarged(t.cases[1], t.info, math.max(1, times >> part))
    if not big then break end
    local began = os.clock()
    luron.no_grad(guess.apply, big)
    if os.clock() - began > LONG then break end
    case = big
  end
  return case
end

layer[#layer + 1] = { name = "threads", run = function(t)
  local was = luron.threads()
  local case = divided(t)
  local wanted, states = nil, {} -- what a run takes from the state it finds again
  for _, tensor in case.layer:named_states() do states[tensor] = tensor:clone() end
  local vs = gradient.cotangents(case)
  for _, threads in ipairs { 1, 2, 3, 8, 1 } do
    luron.threads(threads)
    for tensor, value in pairs(states) do tensor:copy_(value) end
    local got = with_gradients(case, t.info, vs)
    if wanted and got ~= wanted then
      luron.threads(was)
      t.fail("%s: other bits on %d threads than on one", case_text(case), threads)
    end
    wanted = wanted or got
  end
  luron.threads(was)
  return "1, 2, 3 and 8 on " .. shape_text(case.ins[1])
end }

local function same_runs(t, case, training)
  local made = case.layer
  local rand = guess.random(t.seed + 1)
  local x = guess.tensor(rand, t.info.ports[1], { 400 }, case.dtype, case.domain, 1)
  local v = luron.rand_like(x) * 2 - 1
  local function both(from, n)
    local part = x:narrow(1, from, n):detach():requires_grad_()
    local y = made(part)
    return y:detach():tobytes(), luron.grad((y * v:narrow(1, from, n)):sum(), part):tobytes()
  end
  local whole_y, whole_g = both(1, 400)
  local size = #whole_y // 400
  for n = 1, 70 do
    for _, from in ipairs { 1, 2, rand(300), 401 - n } do
      local y, g = both(from, n)
      local first, last = (from - 1) * size + 1, (from - 1 + n) * size
      if y ~= whole_y:sub(first, last) then t.fail("%s: a run of %d numbers gives other bits than the same numbers within a longer one", guess.text(case.options), n) end
      if g ~= whole_g:sub(first, last) then t.fail("%s: the gradient of a run of %d has other bits than within a longer one", guess.text(case.options), n) end
    end
  end
  return training
end

layer[#layer + 1] = { name = "run lengths", run = function(t)
  if not t.info.forms.elementwise then t.skip "not element-wise" end
  for _, case in ipairs(t.cases) do same_runs(t, case) end
  return "1 to 70, cut anywhere"
end }

-- ---- files, copies, modes --------------------------------------------------------------------------------------------
local function as_model(case)
  local inputs, arguments = {}, {}
  for i = 1, case.n do
    if case.ins[i] then
      arguments[i] = nn.Input()
      inputs[#inputs + 1] = arguments[i]
    end
  end
  return nn.Graph { inputs = inputs, outputs = { case.layer(table.unpack(arguments, 1, case.n)) } }
end

local function present(case)
  local list = {}
  for i = 1, case.n do
    if case.ins[i] then list[#list + 1] = case.ins[i] end
  end
  return list
end

layer[#layer + 1] = { name = "save and load", run = function(t)
  local path = os.tmpname()
  for _, case in ipairs(t.cases) do
    guess.apply(case) -- state has moved
    local model = as_model(case):eval()
    model:save(path)
    local loaded, message = luron.load(path)
    os.remove(path)
    if not loaded then t.fail("%s: what was saved cannot be loaded: %s", guess.text(case.options), message) end
    loaded:eval()
    local a, b = { model(table.unpack(present(case))) }, { loaded(table.unpack(present(case))) }
    if bytes_of(a) ~= bytes_of(b) then t.fail("%s: other outputs after saving and loading", guess.text(case.options)) end
    local one, other = model[1], loaded[1]
    for name, value in pairs(one:options()) do
      local again = other:options()[name]
      if type(value) == "table" then value, again = table.concat(value, ","), table.concat(again, ",") end
      if value ~= again and value == value then t.fail("option '%s' was %s and is %s after loading", name, value, again) end
    end
    case.layer:train()
  end
  return #t.cases .. " layers"
end }

-- The same bits whether gradients are wanted or not?
local function same_unrecorded(t, case)
  local ins = { table.unpack(case.ins, 1, case.n) }
  for _, variable in ipairs(gradient.variables(case, t.info)) do
    if variable.input then ins[variable.input] = variable.tensor:detach():requires_grad_() end
  end
  return bytes_of(guess.apply(case, ins)) == bytes_of(luron.no_grad(guess.apply, case))
end

-- Two applications differ with some other options: what is random may need several of them (dropout between layers).
local function draws_elsewhere(t)
  for round = 1, 20 do
    for _, case in ipairs((guess.cases(t.info, t.info.name, guess.random(t.seed + round), 5, t.fixed, t.judge))) do
      local function apply() return bytes_of { case.layer(table.unpack(case.ins, 1, case.n)) } end
      case.layer:train()
      if apply() ~= apply() then return true end
    end
  end
  return false
end

layer[#layer + 1] = { name = "training and eval", run = function(t)
  local random, drawn, states = t.info.flags.random, false, 0
  for _, case in ipairs(t.cases) do
    local function states_of()
      local parts = {}
      for _, tensor in case.layer:named_states() do parts[#parts + 1] = tensor:tobytes() end
      states = math.max(states, #parts)
      return table.concat(parts)
    end
    local function apply()
      local _, before = luron.random_state()
      local outs = bytes_of({ case.layer(table.unpack(case.ins, 1, case.n)) })
      local _, after = luron.random_state()
      return outs, after - before
    end
    case.layer:eval()
    if not same_unrecorded(t, case) then t.fail("%s: other outputs where no gradient is wanted", guess.text(case.options)) end
    local before = states_of()
    local a, n = apply()
    local b = apply()
    if a ~= b then t.fail("%s: in eval mode two applications to one input differ", guess.text(case.options)) end
    if n ~= 0 then t.fail("%s: it draws random numbers in eval mode", guess.text(case.options)) end
    if states_of() ~= before then t.fail("%s: state changes in eval mode", guess.text(case.options)) end
    case.layer:train()
    local c, m = apply()
    local d = apply()
    drawn = drawn or c ~= d
    if not random and m ~= 0 then t.fail("it draws random numbers, and the flag LURON_LAYER_RANDOM is missing") end
    if states == 0 and not random and c ~= d then t.fail("%s: two applications to one input differ", guess.text(case.options)) end
    luron.set_random_state(case.seed, 77)
    local e = apply()
    luron.set_random_state(case.seed, 77)
    if states == 0 and apply() ~= e then t.fail("%s: the same random state gives other numbers", guess.text(case.options)) end
  end
  if random and not drawn and not draws_elsewhere(t) then t.fail "the flag LURON_LAYER_RANDOM is set, and nothing in training mode is random" end
  return states > 0 and states .. " state tensors" or nil
end }

layer[#layer + 1] = { name = "clone", run = function(t)
  for _, case in ipairs(t.cases) do
    case.layer:eval()
    local before = bytes_of(guess.apply(case))
    local copy = case.layer:clone()
    if bytes_of(guess.apply(case, nil, copy)) ~= before then t.fail("%s: a clone gives other outputs", guess.text(case.options)) end
    luron.no_grad(function()
      for _, parameter in ipairs(copy:parameters()) do parameter:mul_(0):add_(0.5) end
    end)
    copy:train()
    guess.apply(case, nil, copy)
    if bytes_of(guess.apply(case)) ~= before then t.fail("%s: a change of the clone changes the layer", guess.text(case.options)) end
    case.layer:train()
  end
end }

layer[#layer + 1] = { name = "loss", run = function(t)
  if not t.info.is_loss then t.skip "no loss" end
  local outs, moved = guess.apply(t.cases[1]), false
  if #outs ~= 1 or #outs[1]:shape() ~= 0 then t.fail("a loss gives one number, this one %s", shape_text(outs[1])) end
  for _, case in ipairs(t.cases) do
    local x = case.ins[1]:detach():requires_grad_()
    local y = guess.apply(case, { x, table.unpack(case.ins, 2, case.n) })[1]
    if not y:requires_grad() then t.fail "no gradient reaches its first input" end
    local g = luron.grad(y:sum(), x)
    moved = moved or g and g:abs():max():item() > 0
  end
  if not moved then t.fail "the gradient of its first input is 0 everywhere" end
end }

return layer
