--- luron plugin check: gradients against differences, first and second order. float64 by luron.gradcheck; a type that serves
--- float32 alone by a 4-point stencil in here.
local luron = require "luron"
local core = require "luron.core"
local guess = require "luron.plugin_check.guess"

local gradient = {}

--- What a case is differentiated by: { name, tensor, input = number } or { name, tensor, parameter = name }.
function gradient.variables(case, info)
  local list = {}
  for i = 1, case.n do
    local port = guess.port(info, i)
    if case.ins[i] and guess.is_real(port) and not case.constant[i] then
      list[#list + 1] = { name = "input '" .. port.name .. "'", tensor = case.ins[i], input = i }
    end
  end
  for name, tensor in case.layer:named_parameters() do
    list[#list + 1] = { name = "parameter '" .. name .. "'", tensor = tensor, parameter = name }
  end
  return list
end

local function is_real(y) return y:dtype():find "float" ~= nil end

-- The outputs at other values of the variables.
local function outputs_at(case, variables, values)
  local ins = { table.unpack(case.ins, 1, case.n) }
  for k, variable in ipairs(variables) do
    if variable.input then ins[variable.input] = values[k] else case.layer[variable.parameter] = values[k] end
  end
  return guess.apply(case, ins)
end

local function copies(variables)
  local list = {}
  for k, variable in ipairs(variables) do list[k] = variable.tensor:detach():clone():requires_grad_() end
  return list
end

local function restore(case, variables)
  for _, variable in ipairs(variables) do
    if variable.parameter then case.layer[variable.parameter] = variable.tensor end
  end
end

-- An id among the options (of padding) may stop gradients on purpose, and an option of LURON_OPTION_GRADIENT changes them: a boolean
-- where it is true. Then the case is checked without it; with it, backward is compared with compose.
local function without_such(t, case)
  local options, has = {}, false
  for name, value in pairs(case.options) do options[name] = value end
  for _, o in ipairs(t.info.schema) do
    if o.gradient and o.kind == "bool" then
      has = has or options[o.name] or (options[o.name] == nil and o.default)
      options[o.name] = false
    elseif (o.kind == "id" or o.gradient) and options[o.name] then
      options[o.name], has = nil, true
    end
  end
  if not has or not t.info.forms.compose then return nil end
  local bare = setmetatable({ options = options, layer = core.layer_type(t.info.name)(options):to(case.dtype) }, { __index = case })
  bare.layer:train(case.layer:is_training())
  return bare
end

local function by_gradcheck(t, case, variables, outs, order)
  for k, y in ipairs(outs) do
    if is_real(y) and y:numel() > 0 then
      local xs = copies(variables)
      local arguments = { table.unpack(xs) }
      arguments[#arguments + 1] = { order = order, seed = t.seed }
      local ok, message = luron.gradcheck(function(...) return outputs_at(case, variables, { ... })[k] end, table.unpack(arguments))
      restore(case, variables)
      local bare = not ok and without_such(t, case)
      if bare then return by_gradcheck(t, bare, variables, guess.apply(bare), order) end
      if not ok then
        t.judge(message)
        t.fail("%s: %s", guess.text(case.options), (message:gsub("input (%d+)", function(n)
          local variable = variables[tonumber(n)]
          return variable and "gradient of " .. variable.name or nil
        end)))
      end
    end
  end
end

-- ---- float32 ---------------------------------------------------------------------------------------------------------
local function cotangents(outs)
  local vs = {}
  for k, y in ipairs(outs) do vs[k] = is_real(y) and luron.rand_like(y) * 2 - 1 or false end
  return vs
end

-- The sum of outputs times cotangents, and that of its terms' sizes.
local function loss(case, variables, values, vs)
  return luron.no_grad(function()
    local sum, size = 0.0, 0.0
    for k, y in ipairs(outputs_at(case, variables, values)) do
      if vs[k] then
        local terms = y:to "float64" * vs[k]:to "float64"
        sum, size = sum + terms:sum():item(), size + terms:abs():sum():item()
      end
    end
    return sum, size
  end)
end

local function difference(case, variables, values, vs, k, i, h)
  local flat = values[k]:reshape(-1)
  local at = flat[i]:item()
  local function moved(d)
    luron.no_grad(function() flat[i] = at + d end)
    local value = loss(case, variables, values, vs)
    luron.no_grad(function() flat[i] = at end)
    return value
  end
  return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
end

local function near(a, b, slack, noise) return math.abs(a - b) <= slack * math.max(math.abs(a) + math.abs(b), 0.5) + noise end

-- The first element at which backward and differences are apart, whatever the step: a message; nil: none.
local function apart(case, variables)
  local values = copies(variables)
  local outs = outputs_at(case, variables, values)
  local vs, total = cotangents(outs), nil
  for k, y in ipairs(outs) do
    if vs[k] then total = total and total + (y * vs[k]):sum() or (y * vs[k]):sum() end
  end
  if not total or not total:requires_grad() then return nil end
  local grads = { luron.grad(total, values) }
  local plain = {}
  for k in ipairs(values) do plain[k] = values[k]:detach():clone() end
  local _, size = loss(case, variables, plain, vs)
  for k in ipairs(plain) do
    local g = grads[k] and grads[k]:reshape(-1)
    for i = 1, math.min(plain[k]:numel(), 40) do
      local a, d, found = g and g[i]:item() or 0.0, 0.0, false
      for _, h in ipairs { 1e-2, 3e-3, 3e-2 } do
        d = difference(case, variables, plain, vs, k, i, h)
        found = near(a, d, 2e-2, 0x1p-24 * size / h)
        if found then break end
      end
      if not found then
        return string.format("gradient of %s, element %d: differences give %.6g, backward %.6g", variables[k].name, i, d, a)
      end
    end
  end
end

--- The gradients of a case in float32 against differences.
function gradient.by_stencil(t, case, variables)
  local message
  for _ = 1, 3 do -- a kink is met by chance, a wrong gradient every time
    message = apart(case, variables)
    restore(case, variables)
    if not message then return end
    for _, variable in ipairs(variables) do
      if variable.input then
        local port = guess.port(t.info, variable.input)
        variable.tensor = guess.tensor(t.rand, port, case.shapes[variable.input], case.dtype, case.domain, case.ids,
          case.id_columns[variable.input])
      end
    end
  end
  t.fail("%s: %s", guess.text(case.options), message)
end

-- ---- many numbers ----------------------------------------------------------------------------------------------------
-- All of n numbers, and where there are many the last ones and some within, { first, last } each.
local function stretches(n, rand)
  if n <= 256 then return { { 1, n } } end
  local first = rand(n - 64)
  return { { 1, n }, { n - 63, n }, { first, first + 63 } }
end

-- Numbers within -1 and 1 in a stretch of a tensor's shape, 0 elsewhere.
local function direction_in(like, stretch)
  local r = luron.zeros(like:numel(), { dtype = like:dtype() })
  local part = r:narrow(1, stretch[1], stretch[2] - stretch[1] + 1)
  part:copy_(luron.rand_like(part) * 2 - 1)
  return r:reshape(like:shape())
end

-- How far the loss is off by rounding: what moving all by a few units in the last place makes of it, and its terms' own.
local function jitter(case, variables, values, vs, k, r, eps)
  local low, high, at = math.huge, -math.huge, values[k]
  local size
  for i = -2, 2 do
    values[k] = at + r * (i * 8 * eps)
    local sum, terms = loss(case, variables, values, vs)
    low, high, size = math.min(low, sum), math.max(high, sum), terms
  end
  values[k] = at
  return 2 * (high - low) + 4 * eps * size
end

-- The slope of the loss along r is that of the gradient g: nil, or both if they are apart whatever the step.
local function apart_along(case, variables, values, vs, k, g, r)
  local double, at = case.dtype == "float64", values[k]
  local slopes = g and g:to "float64" * r:to "float64" or r:to "float64" * 0
  local a, norm = slopes:sum():item(), (slopes * slopes):sum():item() ^ 0.5
  local eps = double and 0x1p-53 or 0x1p-24
  local noise, d -- noise: asked for where they are apart without it
  local least = 16 * eps * r:numel() ^ 0.5 -- a gradient that is 0 has its rounding too
  for _, h in ipairs(double and { 1e-6, 1e-5 } or { 3e-3, 1e-2, 1e-3 }) do
    values[k] = at + r * h
    local above = loss(case, variables, values, vs)
    values[k] = at - r * h
    d = (above - loss(case, variables, values, vs)) / (2 * h)
    values[k] = at
    local gap = math.abs(a - d) - (double and 1e-5 or 5e-2) * norm - least
    if gap <= 0 then return nil end
    noise = noise or jitter(case, variables, values, vs, k, r, eps)
    if gap <= noise / h then return nil end
  end
  return a, d
end

-- A message of the first direction along which backward and differences are apart; nil: none.
local function apart_at_large(case, variables, rand)
  local vs, values = gradient.cotangents(case), {}
  local grads = gradient.grads(case, variables, vs)
  for k, variable in ipairs(variables) do values[k] = variable.tensor:detach():clone() end
  for k, variable in ipairs(variables) do
    for n, stretch in ipairs(stretches(variable.tensor:numel(), rand)) do
      luron.set_random_state(case.seed, 9000 + n)
      local a, d = luron.no_grad(function() return apart_along(case, variables, values, vs, k, grads[k], direction_in(values[k], stretch)) end)
      if a then
        return string.format("gradient of %s, in a direction through its elements %d to %d of %d: differences give %.6g, backward %.6g",
          variable.name, stretch[1], stretch[2], variable.tensor:numel(), d, a)
      end
    end
  end
end

-- The case with several thousand numbers: how many, or nil if it takes no more; and what is wrong with its gradients, or nil.
local function check_large(t, case)
  local most, n, message = 1, nil, nil
  for i = 1, case.n do most = math.max(most, case.ins[i] and case.ins[i]:numel() or 0) end
  for _ = 1, 3 do -- a kink is met by chance, a wrong gradient every time
    local big = guess.enlarged(case, t.info, 5000 // most + 1, t.rand)
    if not big then return nil end
    local variables = gradient.variables(big, t.info)
    n, message = big.ins[1]:numel(), apart_at_large(big, variables, t.rand)
    restore(case, variables)
    if not message then return n end
  end
  local bare = without_such(t, case)
  if bare then return check_large(t, bare) end
  return n, message
end

--- Several thousand numbers, along random directions: what a small input does not reach (later rows, whole vectors, chunks).
function gradient.large(t)
  if t.failed.gradients or t.failed.slopes then t.skip "something is wrong with smaller ones" end
  local most, checked = 0, 0
  for _, case in ipairs(t.cases) do
    if checked < 2 and #gradient.variables(case, t.info) > 0 then
      local n, message = check_large(t, case)
      if message then t.fail("%s: %s", guess.text(case.options), message) end
      if n then most, checked = math.max(most, n), checked + 1 end
    end
  end
  if checked == 0 then t.skip "it takes no larger inputs, or nothing has a gradient" end
  return most .. " numbers, along random directions"
end

-- ---- the checks ------------------------------------------------------------------------------------------------------
function gradient.first(t)
  for _, case in ipairs(t.cases) do
    for _, training in ipairs { true, false } do
      case.layer:train(training)
      local variables, outs = gradient.variables(case, t.info), guess.apply(case)
      if #variables > 0 and case.dtype == "float64" then by_gradcheck(t, case, variables, outs, 1) end
      if #variables > 0 and case.dtype ~= "float64" then gradient.by_stencil(t, case, variables) end
      case.layer:train(true)
    end
  end
  return t.info.flags.f64 and "float64" or "float32"
end

local function sum_of(outs, vs)
  local total
  for k, y in ipairs(outs) do
    if is_real(y) and y:requires_grad() then total = total and total + (y * vs[k]):sum() or (y * vs[k]):sum() end
  end
  return total
end

--- Gradients of the outputs by the variables, with fixed cotangents. higher: by compose.
function gradient.grads(case, variables, vs, higher)
  local was = luron.higher(higher or false)
  local ok, result = pcall(function()
    local values = copies(variables)
    local total = sum_of(outputs_at(case, variables, values), vs)
    return total and { n = #values, luron.grad(total, values, { create_graph = higher }) } or { n = #values }
  end)
  luron.higher(was)
  restore(case, variables)
  if not ok then error(result, 0) end
  return result
end

function gradient.cotangents(case)
  luron.set_random_state(case.seed, 5000)
  local vs = {}
  for k, y in ipairs(guess.apply(case)) do vs[k] = is_real(y) and luron.rand_like(y) * 2 - 1 or false end
  return vs
end

--- The largest difference of two gradients (nil: zeros) over 1 + the size of the first.
function gradient.distance(a, b)
  if not a and not b then return 0 end
  a, b = a or b * 0, b or a * 0
  if a:numel() == 0 then return 0 end
  local d = ((a - b):abs() / (a:abs() + 1)):max():item()
  return d == d and d or math.huge
end

function gradient.second(t)
  if not t.info.forms.compose then
    for _, case in ipairs(t.cases) do
      local variables, vs, has_real = gradient.variables(case, t.info), gradient.cotangents(case), false
      for _, v in ipairs(vs) do has_real = has_real or v end
      if #variables > 0 and has_real then
        local ok, message = pcall(gradient.grads, case, variables, vs, true)
        if ok then t.fail "there is no compose, and create_graph gives something all the same" end
        if not tostring(message):find "no second derivative" then t.fail("create_graph says: %s", message) end
      end
    end
    return "no compose: create_graph says so"
  end
  for i, case in ipairs(t.cases) do
    local variables, slack = gradient.variables(case, t.info), case.dtype == "float64" and 1e-8 or 1e-3
    if #variables > 0 then
      local vs = gradient.cotangents(case)
      local a, b = gradient.grads(case, variables, vs, false), gradient.grads(case, variables, vs, true)
      for k, variable in ipairs(variables) do
        local d = gradient.distance(a[k], b[k])
        if d > slack then
          t.fail("%s: the gradient of %s by compose differs from that by backward by %.3g", guess.text(case.options), variable.name, d)
        end
      end
      if case.dtype == "float64" and i <= 2 then by_gradcheck(t, case, variables, guess.apply(case), 2) end
    end
  end
  return "compose agrees with backward"
end

--- Each gradient alone is what it is among the others.
function gradient.alone(t)
  local n = 0
  for _, case in ipairs(t.cases) do
    local variables, slack = gradient.variables(case, t.info), case.dtype == "float64" and 1e-10 or 1e-4
    if #variables > 0 then
      local vs = gradient.cotangents(case)
      local all = gradient.grads(case, variables, vs)
      for k, variable in ipairs(variables) do
        local values = copies(variables)
        for j, value in ipairs(values) do
          if j ~= k then value:requires_grad_(false) end
        end
        local total = sum_of(outputs_at(case, variables, values), vs)
        local alone = total and luron.grad(total, values[k]) or nil
        restore(case, variables)
        n = n + 1
        if gradient.distance(all[k], alone) > slack then
          t.fail("%s: the gradient of %s is another when the others are not wanted (they are NULL then)", guess.text(case.options), variable.name)
        end
      end
    end
  end
  return n .. " gradients"
end

return gradient
