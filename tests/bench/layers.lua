--- Layer by layer: forward alone, and forward with backward, of layers and losses at shapes that networks have, and the
--- steps of optimisers, in turn with PyTorch. Not part of a run that names no workload: `--only layers` asks for it.
--- A case is written as PyTorch writes the layer; both sides make of it what they call. Orders: "case N" takes a case and tells the
--- sums that prove equal work, "round" times it. DIR/case.json and DIR/case.f32 have what both sides start from.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local cases = require "layer_cases"
local core = require "luron.core"
local luron = require "luron"
local nn = luron.nn

-- ---- what a case says ------------------------------------------------------------------------------------------------------

-- "Conv2d(64, 192, 5, padding=2)" as a call in Lua: what has a name goes into a table behind the rest.
local function call_of(text, first)
  local name, words = text:match "^(%w+)%((.*)%)$"
  local values, named = { first }, {}
  for word in words:gmatch "[^,]+" do
    local list = word:find "=" and named or values
    list[#list + 1] = word
  end
  if #named > 0 then values[#values + 1] = "{" .. table.concat(named, ",") .. "}" end
  return string.format("%s(%s)", name, table.concat(values, ","))
end

local function evaluate(text, environment)
  environment.True, environment.False = true, false
  return assert(load("return " .. text, text, "t", environment))()
end

-- "target part 64x10": flags and a shape; "ids 64 of 10": ids from 1 to 10.
local function input_of(text)
  local flags, shape = {}, {}
  for word in text:gmatch "%S+" do flags[word] = true end
  for n in text:match("%d[%dx]*"):gmatch "%d+" do shape[#shape + 1] = math.tointeger(tonumber(n)) end
  local x
  if flags.ids then
    x = luron.randint(1, math.tointeger(tonumber(text:match "of (%d+)")), table.unpack(shape))
  elseif flags.sign then
    x = luron.randint(0, 1, table.unpack(shape)):float() * 2 - 1
  elseif flags.part then
    x = luron.rand(table.unpack(shape)) * 0.9 + 0.05
  else
    x = luron.randn(table.unpack(shape))
  end
  return (flags.ids or flags.sign or flags.target) and x or x:requires_grad_()
end

-- ---- equal work ------------------------------------------------------------------------------------------------------------

-- A sum in which every number of x has a weight of its own, and how large it may be.
local function weighed(x, weights)
  local wide = x:double()
  return { (wide * weights:double()):sum():item(), wide:square():sum():sqrt():item() }
end

-- Write a case for the peers: shapes in case.json, numbers in case.f32; ids count from 0 there.
local function hand_over(given, case, lists)
  local shapes, bytes = { layer = case[1], peer = case.peer, kind = case.kind }, {}
  for name, list in pairs(lists) do
    shapes[name] = {}
    for i, x in ipairs(list) do
      shapes[name][i] = { shape = x:shape(), type = x:dtype(), gradient = x:is_leaf() and x:requires_grad() }
    end
  end
  for _, name in ipairs { "parameters", "inputs", "weights" } do
    for _, x in ipairs(lists[name]) do bytes[#bytes + 1] = (x:dtype() == "int64" and x - 1 or x:detach()):float():tobytes() end
  end
  worker.write(given.work .. "/case.f32", table.concat(bytes))
  worker.write(given.work .. "/case.json", core.json_encode(shapes))
end

-- A layer's case: what is run, by figure, and the sums over output and gradients.
local function layer_case(given, case)
  local layer, inputs = evaluate(call_of(case[1]), setmetatable({}, { __index = nn })), {}
  for i = 2, #case do inputs[i - 1] = input_of(case[i]) end
  local parameters = layer:parameters()
  local leaves = table.move(parameters, 1, #parameters, 1, {})
  for _, x in ipairs(inputs) do
    if x:requires_grad() then leaves[#leaves + 1] = x end
  end
  local y = layer(table.unpack(inputs))
  local weights = { y:dim() > 0 and luron.randn_like(y:detach()) or luron.ones() }
  for i, x in ipairs(leaves) do weights[i + 1] = luron.randn_like(x:detach()) end
  hand_over(given, case, { parameters = parameters, inputs = inputs, weights = weights })
  local gradient = y:dim() > 0 and weights[1] or nil
  local has_gradient = y:requires_grad()
  local function step()
    for _, x in ipairs(leaves) do x:zero_grad() end
    layer(table.unpack(inputs)):backward(gradient)
  end
  local sums = { weighed(y:detach(), weights[1]) }
  if has_gradient and not case.output_only then
    step()
    for i, x in ipairs(leaves) do sums[i + 1] = weighed(x:grad() or luron.zeros_like(x:detach()), weights[i + 1]) end
  end
  return {
    forward = function(n)
      luron.no_grad(function()
        for _ = 1, n do layer(table.unpack(inputs)) end
      end)
    end,
    both = has_gradient and function(n)
      for _ = 1, n do step() end
    end or nil,
  }, not case.random and sums or nil
end

-- An optimiser's: ten layers of 346 x 346, 1.2 million parameters in 20 tensors, that have the same gradient at every step.
local function optimizer_case(given, case)
  local layers = {}
  for i = 1, 10 do layers[i] = nn.Linear(346, 346) end
  local parameters, gradients = nn.Sequential(layers):parameters(), {}
  for i, p in ipairs(parameters) do gradients[i] = luron.randn_like(p:detach()) end
  hand_over(given, case, { parameters = parameters, inputs = gradients, weights = gradients })
  for i, p in ipairs(parameters) do (p * gradients[i]):sum():backward() end
  local opt = evaluate(call_of(case[1], "parameters"), setmetatable({ parameters = parameters }, { __index = luron.optim }))
  for _ = 1, 3 do opt:step() end
  local sums = {}
  for i, p in ipairs(parameters) do sums[i] = weighed(p:detach(), gradients[i]) end
  return { forward = function(n)
    for _ = 1, n do opt:step() end
  end }, sums
end

-- ---- orders ----------------------------------------------------------------------------------------------------------------

-- How often to run it for about `piece` seconds; it has run when this returns.
local function repeats_of(run, clock, piece)
  local n = 1
  run(1)
  while true do
    local from = clock()
    run(n)
    local took = clock() - from
    if took >= piece / 4 or piece == 0 then return math.max(1, math.ceil(n * piece / math.max(took, 1e-9))) end
    n = n * 4
  end
end

local names = {}
for i, case in ipairs(cases) do names[i] = { name = case[1], inputs = table.concat(case, ", ", 2) } end

worker.run {
  name = "layers", order = 11, title = "layers", named_only = true, cases = names,
  figures = {},
  steps = { quick = 4, full = 8, smoke = 0 }, -- milliseconds a piece
  start = function(given)
    local clock = worker.clock_for(given.threads)
    local current, repeats
    return function(what)
      local number = math.tointeger(what:match "^case (%d+)$")
      if number then
        local case = cases[number]
        luron.seed(number)
        current, repeats = nil, {}
        collectgarbage()
        local runs, sums = (case.kind == "optimizer" and optimizer_case or layer_case)(given, case)
        current = runs
        for figure, run in pairs(current) do repeats[figure] = repeats_of(run, clock, given.steps / 1000) end
        return { sums = sums }
      end
      local answer = {}
      for figure, run in pairs(current) do
        collectgarbage()
        local from = clock()
        run(repeats[figure])
        answer[figure] = (clock() - from) / repeats[figure]
      end
      return answer
    end, function() return {} end
  end,
}
