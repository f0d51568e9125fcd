--- luron plugin check: options and inputs for a layer type that nobody has described. Options are drawn from the schema; inputs
--- are tried, rank by rank and size by size, until the layer takes them.
local luron = require "luron"
local core = require "luron.core"

local guess = {}
local MOST_IN = 120 -- numbers of an input
local MOST_NUMBERS = 2000 -- of outputs, and of parameters where options give fewer: differences go through all

--- Random numbers of our own (splitmix64), so that a check repeats whatever else draws: rand(n) from 1 to n, rand() in [0, 1).
function guess.random(seed)
  local state = seed * 0x9e3779b9 + 0x7f4a7c15
  return function(n)
    state = state + 0x9e3779b97f4a7c15
    local z = state
    z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
    z = (z ~ (z >> 27)) * 0x94d049bb133111eb
    z = (z ~ (z >> 31)) >> 11
    if n then return z % n + 1 end
    return z * 0x1p-53
  end
end

local function pick(rand, list) return list[rand(#list)] end

-- ---- options ---------------------------------------------------------------------------------------------------------
local function small_integer(o, rand)
  local low = o.min and o.min >= 0 and o.min or 1
  local high = math.min(o.max or low + 5, low + 5)
  return math.tointeger(low) + rand(math.max(1, math.tointeger(high // 1) - math.tointeger(low) + 1)) - 1
end

local draw = {
  int = function(o, rand) return o.default and rand(3) == 1 and o.default <= 64 and o.default or small_integer(o, rand) end,
  bool = function(_, rand) return rand(2) == 1 end,
  choice = function(o, rand) return pick(rand, o.choices) end,
  string = function(o) return o.default or "a" end,
  initialiser = function(_, rand) return pick(rand, { "zeros", "normal(0, 0.1)", "uniform(-0.5, 0.5)" }) end,
  axis = function(o, rand) return pick(rand, { o.default or 1, -1, 1, 2, -2, 3 }) end,
  id = function(o, rand) return rand(2) == 1 and o.default or rand(3) end,
}

function draw.float(o, rand)
  if o.min and o.max - o.min <= 1000 then return o.min + (o.max - o.min) * (0.05 + 0.9 * rand()) end
  local value = pick(rand, { o.default or 1, (o.default or 1) * 0.5, (o.default or 1) * 2, 0.1, 0.5 })
  if o.min and (value < o.min or value > o.max) then return o.default or o.min end
  return value
end

function draw.ints(o, rand)
  local low, list = math.max(o.n_min, 1), {}
  for i = 1, low + rand(math.max(1, math.min(o.n_max, low + 2) - low + 1)) - 1 do
    list[i] = o.min == -1 and rand(8) == 1 and -1 or small_integer(o, rand)
  end
  return list
end

function draw.floats(o, rand)
  local list = {}
  for i = 1, math.max(o.n_min, 1) + rand(o.n_max - math.max(o.n_min, 1) + 1) - 1 do list[i] = draw.float(o, rand) end
  return list
end

--- Options drawn from the schema: what is required always, the rest in every second case. `fixed` overrides.
function guess.options(schema, rand, fixed, plain)
  local options = {}
  for _, o in ipairs(schema) do
    if o.required or not plain and rand(2) == 1 then options[o.name] = draw[o.kind](o, rand) end
  end
  for name, value in pairs(fixed or {}) do options[name] = value end
  return options
end

--- The defaults, and something for what is required.
function guess.plain_options(schema, rand, fixed) return guess.options(schema, rand, fixed, true) end

--- "{ in_features = 3, bias = false }"
function guess.text(options)
  local parts = {}
  for _, name in ipairs(require("luron.names").sorted(options)) do
    local value = options[name]
    local shown = type(value) == "string" and string.format("%q", value) or tostring(value)
    if type(value) == "table" then shown = "{ " .. table.concat(value, ", ") .. " }" end
    parts[#parts + 1] = name .. " = " .. shown
  end
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or "{}"
end

-- ---- inputs ----------------------------------------------------------------------------------------------------------
local function are_whole(list)
  for _, value in ipairs(list) do
    if math.type(value) ~= "integer" then return false end
  end
  return #list > 0
end

-- Sizes worth trying: small ones, and what the options name; lists of theirs, which may be the last sizes of a shape.
local function sizes_for(options)
  local sizes = { 1, 2, 3, 4, 5, 6, lists = {} }
  for _, name in ipairs(require("luron.names").sorted(options)) do -- in one order: the next process draws the same
    local value = options[name]
    if math.type(value) == "integer" and value > 0 and value <= 64 then
      for _ = 1, 4 do sizes[#sizes + 1] = value end
    elseif type(value) == "table" and are_whole(value) then
      local product = 1
      sizes.lists[#sizes.lists + 1] = value
      for _, part in ipairs(value) do
        if part > 0 then product = product * part end
      end
      if product <= 256 then
        for _ = 1, 6 do sizes[#sizes + 1] = product end
      end
    end
  end
  return sizes
end

local ranks = { 2, 2, 2, 3, 3, 4, 1, 5, 0 }

local function random_shape(rand, ndim, sizes)
  local shape = {}
  for i = 1, ndim or pick(rand, ranks) do shape[i] = pick(rand, sizes) end
  local list = #sizes.lists > 0 and rand(8) == 1 and pick(rand, sizes.lists) or {}
  for i = #list, 1, -1 do
    local at = #shape - #list + i
    if at > 0 and list[i] > 0 then shape[at] = list[i] end
  end
  return shape
end

-- Shapes that go with the first input's: as it is, without a dim, one of its dims, none.
local function related_shape(rand, first, port, sizes)
  local which = rand(7)
  local shape = { table.unpack(first) }
  if which == 1 and #shape > 0 then table.remove(shape)
  elseif which == 2 and #shape > 1 then table.remove(shape, 2)
  elseif which == 3 and #shape > 0 then shape = { shape[1] }
  elseif which == 4 and #shape > 1 then shape = { shape[2] }
  elseif which == 5 and #shape > 0 then shape = { shape[#shape] }
  elseif which == 6 then shape = random_shape(rand, port.ndim, sizes)
  end
  if port.ndim and #shape ~= port.ndim then return random_shape(rand, port.ndim, sizes) end
  return shape
end

local function count(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

-- A number of a domain (guess.tensor).
local function draw_number(rand, domain)
  if domain == "unit" then return 0.05 + 0.9 * rand() end
  if domain == "wide" then return (rand(2) == 1 and 1 or 6) * (2 * rand() - 1) end
  return math.sqrt(-2 * math.log(1 - rand())) * math.cos(2 * math.pi * rand())
end

local MANY = 1000
-- n numbers for a port at once, drawn by the host from a seed of ours; what it draws for others goes on as it was.
local function draw_many(rand, port, n, domain, ids)
  local seed, position = luron.random_state()
  luron.set_random_state(rand(1 << 30), 0)
  local double = { dtype = "float64" }
  local ok, values = pcall(function()
    if port.index then return luron.randint(1, ids, n) end
    if port.dtype == "bool" or port.mask then return luron.rand(n, double):lt(0.5) end
    if port.dtype and not port.dtype:find "float" then return luron.randint(1, 3, n) end
    if domain == "unit" then return luron.rand(n, double) * 0.9 + 0.05 end
    if domain == "wide" then return (luron.rand(n, double):lt(0.5):to "float64" * 5 + 1) * (luron.rand(n, double) * 2 - 1) end
    return luron.randn(n, double)
  end)
  luron.set_random_state(seed, position)
  if not ok then error(values, 0) end
  return values
end

--- A tensor for a port. domain: "normal" numbers, "wide" ones, half of them within -1 and 1 and half within -6 and 6, or "unit" ones
--- within (0, 1). ids: the largest id. id_column: of real numbers, the place in each row that an id has.
function guess.tensor(rand, port, shape, dtype, domain, ids, id_column)
  local n, values = count(shape), {}
  local kind = port.dtype or (port.index and "int64") or (port.mask and "bool") or dtype
  if n > MANY and not id_column then return draw_many(rand, port, n, domain, ids):to(kind):reshape(shape) end
  for i = 1, n do
    if port.index or (id_column and #shape > 0 and (i - 1) % shape[#shape] + 1 == id_column) then values[i] = rand(ids)
    elseif port.dtype == "bool" or port.mask then values[i] = rand(2) == 1
    elseif port.dtype and not port.dtype:find "float" then values[i] = rand(3)
    else values[i] = draw_number(rand, domain) end
  end
  if n == 0 then return luron.zeros(shape, { dtype = kind }) end
  return luron.tensor(values, { dtype = kind }):reshape(shape)
end

--- Port i; the last one repeats if it is variadic.
function guess.port(info, i)
  local port, last = info.ports[i], info.ports[#info.ports]
  return port or (last and last.variadic and last) or nil
end

function guess.is_real(port) return not port.index and not port.mask and (port.dtype == nil or port.dtype:find "float" ~= nil) end

local function is_finite(outs)
  for _, y in ipairs(outs) do
    if y:dtype():find "float" and y:numel() > 0 and not (y - y):eq(0):all():item() then return false end
  end
  return true
end

--- Apply the layer of a case to its inputs (or others): list of outputs. The same random numbers every time.
function guess.apply(case, ins, layer)
  luron.set_random_state(case.seed, 1000)
  return { (layer or case.layer)(table.unpack(ins or case.ins, 1, case.n)) }
end

-- ---- what it says to guesses that it refuses -------------------------------------------------------------------------------
-- Note a message; those that differ in options, sizes and numbers alone are of one kind.
local function hear(heard, message, depth)
  local kind = tostring(message):gsub("^.-}: ", ""):gsub("; given input.*$", ""):gsub("%d+", "N")
  local entry = heard[kind]
  if not entry then
    entry = { text = tostring(message), depth = depth, count = 0 }
    heard[kind], heard[#heard + 1] = entry, entry
  end
  entry.count = entry.count + 1
end

-- The first message, and that of the guess that came furthest: not refused for its options, and for what is seldom said.
local function told(heard)
  local first, far = heard[1], heard[1]
  for _, entry in ipairs(heard) do
    if entry.depth > far.depth or (entry.depth == far.depth and entry.count < far.count) then far = entry end
  end
  if not first then return "it says nothing" end
  return "it says first: " .. first.text .. (far ~= first and "; and to the guess that came furthest: " .. far.text or "")
end

-- Inputs as they are, for a layer that may write into them: strict mode shall find what it does to those that are kept.
local function copies(case)
  local ins = {}
  for i = 1, case.n do ins[i] = case.ins[i] and case.ins[i]:clone() end
  return ins
end

local function try(case, info, rand, domain)
  for i = 1, case.n do
    local shape = case.shapes[i]
    case.ins[i] = shape and guess.tensor(rand, guess.port(info, i), shape, case.dtype, domain, case.ids, case.id_columns[i]) or nil
  end
  case.domain = domain
  local ok, outs = pcall(luron.no_grad, guess.apply, case, copies(case))
  if ok then return outs end
  case.judge(outs)
  hear(case.heard, outs, 2)
  case.said = tostring(outs)
end

-- A shape that the layer has just asked for, "offset: (2, 18, 3, 3) expected", is the next to try.
local function take_shape(case, info)
  for i = 1, case.n do
    local sizes = case.said:match("%f[%w_]" .. guess.port(info, i).name .. ": %(([%d, ]+)%) expected")
    local shape = {}
    for size in (sizes or ""):gmatch "%d+" do shape[#shape + 1] = math.tointeger(tonumber(size)) end
    if #shape > 0 and count(shape) <= MOST_IN then
      case.shapes[i] = shape
      return true
    end
  end
end

-- A column of ids that the layer has just asked for, "rois: whole number expected in column 1".
local function take_column(case, info)
  for i = 1, case.n do
    local column = case.said:match("%f[%w_]" .. guess.port(info, i).name .. ": whole number expected in column (%d+)")
    if column and not case.id_columns[i] then
      case.id_columns[i] = math.tointeger(tonumber(column))
      return true
    end
  end
end

-- Does setup refuse the shapes of a case? It sees shapes alone: no numbers have to be drawn to hear so.
local function refused(case, info)
  for i = 1, case.n do
    local port = guess.port(info, i)
    if not case.shapes[i] or port.dtype or not guess.is_real(port) then return false end
  end
  if not (info.forms.fused or info.forms.elementwise) then return false end
  local ok, message = pcall(case.layer.infer, case.layer, table.unpack(case.shapes, 1, case.n))
  if ok then return false end
  case.judge(message)
  hear(case.heard, message, 2)
  case.said = tostring(message)
  return true
end

-- Does the layer take numbers of the domain, whichever are drawn, and give finite ones? How many it gives; nil: it does not.
local function steady(case, info, rand, domain)
  local n
  for _ = 1, 8 do
    local outs = try(case, info, rand, domain)
    if not outs or not is_finite(outs) then return nil end
    n = 0
    for _, y in ipairs(outs) do n = n + y:numel() end
  end
  return n
end

-- Inputs that can have no gradient, as the layer says itself: class weights, say.
local function find_constant(case, info)
  case.constant = {}
  for i = 1, case.n do
    if case.ins[i] and guess.is_real(guess.port(info, i)) then
      local ins = copies(case)
      ins[i]:requires_grad_()
      local ok, message = pcall(function()
        for _, y in ipairs(guess.apply(case, ins)) do
          if y:requires_grad() then luron.grad(y:sum(), ins[i]) end
        end
      end)
      case.constant[i] = not ok and tostring(message):find("no gradient", 1, true) ~= nil
      if not ok and luron.strict() then case.judge(message) end -- why backward has ended the process before
    end
  end
end

-- ---- parameters and states ---------------------------------------------------------------------------------------------
-- Fill with numbers that are neither 0 nor 1 nor like each other.
local function scatter(rand, tensor, signed)
  local values = {}
  for i = 1, tensor:numel() do
    local size = rand(4) == 1 and 1.2 + 0.4 * rand() or 0.2 + 0.6 * rand()
    values[i] = signed and rand(2) == 1 and -size or size
  end
  luron.no_grad(function() tensor:copy_(luron.tensor(values, { dtype = tensor:dtype() }):reshape(tensor:shape())) end)
end

-- What parameters begin with, often 1 and 0, hides a gradient that leaves them out or squares them: other numbers, of both signs
-- where the layer goes on to give finite outputs, or else positive ones (a scale, say), or else what was there. States get positive
-- ones (a variance, say).
local function scatter_parameters(case, info, rand)
  local tensors, before = {}, {}
  for _, list in ipairs { table.pack(case.layer:named_parameters()), table.pack(case.layer:named_states()) } do
    for _, tensor in table.unpack(list, 1, list.n) do
      if tensor:dtype():find "float" and tensor:numel() > 0 then
        tensors[#tensors + 1], before[#before + 1] = { tensor, tensor:requires_grad() }, tensor:detach():clone()
      end
    end
  end
  if #tensors == 0 then return end
  for _, signed in ipairs { true, false } do
    for _, one in ipairs(tensors) do scatter(rand, one[1], signed and one[2]) end
    case.layer:eval()
    local fine = steady(case, info, rand, case.domain)
    case.layer:train()
    if fine and steady(case, info, rand, case.domain) then return end
  end
  luron.no_grad(function()
    for i, one in ipairs(tensors) do one[1]:copy_(before[i]) end
  end)
end

-- Ids as large as the layer takes them.
local function widen_ids(case, info, rand)
  local most, has = 1, false
  for i, port in ipairs(info.ports) do has = has or port.index or case.id_columns[i] end
  if not has then return end
  for _, shape in pairs(case.shapes) do
    for _, size in ipairs(shape) do most = math.max(most, size) end
  end
  for _, value in pairs(case.options) do
    if math.type(value) == "integer" and value <= 64 then most = math.max(most, value) end
  end
  for ids = most, 1, -1 do
    case.ids = ids
    if steady(case, info, rand, case.domain) then return end
  end
end

-- Shapes for all ports. Optional ones are there in every second case.
local function draw_shapes(case, info, rand, sizes, fixed)
  case.shapes, case.n = {}, 0
  local n = #info.ports
  if n > 0 and info.ports[n].variadic then n = n - 1 + rand(3) end
  for i = 1, n do
    local port = guess.port(info, i)
    if fixed and fixed[i] then case.shapes[i], case.n = fixed[i], i
    elseif not port.optional or (not fixed and rand(3) == 1) then
      local first = case.shapes[1]
      case.shapes[i] = i == 1 and random_shape(rand, port.ndim, sizes) or related_shape(rand, first or {}, port, sizes)
      case.n = i
    end
    if case.shapes[i] and count(case.shapes[i]) > MOST_IN then return false end
  end
  return true
end

-- Inputs for the layer of a case: are there any?
local function find_inputs(case, info, rand, fixed)
  local sizes = sizes_for(case.options)
  for _ = 1, 400 do
    case.ids, case.ins, case.id_columns = 1, {}, {}
    if draw_shapes(case, info, rand, sizes, fixed) then
      local n
      for _ = 0, 2 * #info.ports do
        n = not refused(case, info) and (steady(case, info, rand, "normal") or steady(case, info, rand, "unit"))
        if n or not (take_shape(case, info) or take_column(case, info)) then break end
      end
      if n and n > 0 and n <= MOST_NUMBERS then
        widen_ids(case, info, rand)
        if steady(case, info, rand, case.domain) then
          find_constant(case, info)
          return true
        end
      end
    end
  end
  return false
end

-- Its numbers: those of parameters, and inputs over several scales in every second case, where it takes them.
local function find_numbers(case, info, rand, wide)
  scatter_parameters(case, info, rand)
  local domain = case.domain
  if wide and domain == "normal" and steady(case, info, rand, "wide") then return true end
  return steady(case, info, rand, domain) ~= nil
end

--- Up to n cases { options, layer, ins, n (of inputs), shapes, ids, id_columns, domain, dtype, seed, constant = { [input] = true } }; and what was
--- said of what was refused. judge(message) raises if it tells of a fault of the plugin.
function guess.cases(info, name, rand, n, fixed, judge)
  local cases, heard = {}, {}
  local dtype = info.flags.f64 and "float64" or "float32"
  for attempt = 1, 12 * n do
    if #cases == n then break end
    local draw_options = attempt <= 12 and #cases == 0 and guess.plain_options or guess.options
    local case = { options = draw_options(info.schema, rand, fixed.options), dtype = dtype, seed = rand(1000000), judge = judge, heard = heard }
    luron.set_random_state(case.seed, 0)
    local ok, layer = pcall(function() return core.layer_type(name)(case.options):to(dtype) end)
    local is_large = ok and not fixed.options and layer:n_weights() > MOST_NUMBERS and attempt < 10 * n
    if ok and not is_large then
      case.layer = layer
      if find_inputs(case, info, rand, fixed.inputs) and find_numbers(case, info, rand, #cases % 2 == 1) then cases[#cases + 1] = case end
    elseif not ok then
      judge(layer)
      hear(heard, layer, 1)
    end
  end
  return cases, told(heard)
end

--- The case with its first dim, where inputs share it, `times` as large; nil: the layer does not take it. rand: of its numbers, may be nil.
function guess.enlarged(case, info, times, rand)
  local first = case.shapes[1] and case.shapes[1][1]
  if not first then return nil end
  local big = { n = case.n, shapes = {}, ins = {} }
  rand = rand or guess.random(case.seed)
  for i = 1, case.n do
    local shape = case.shapes[i]
    if shape then
      shape = { table.unpack(shape) }
      if shape[1] == first then shape[1] = first * times end
      big.shapes[i] = shape
      big.ins[i] = guess.tensor(rand, guess.port(info, i), shape, case.dtype, case.domain, case.ids, case.id_columns[i])
    end
  end
  setmetatable(big, { __index = case })
  return pcall(luron.no_grad, guess.apply, big, copies(big)) and big or nil
end

return guess
