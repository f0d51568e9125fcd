-- luron tests/long/fuzz_layers.lua FILE: the cases of fuzz_layers.py, some of their tensors non-contiguous.
local luron = require "luron"
local nn = luron.nn

local function tensor(r)
  local t = luron.tensor({ table.unpack(r) }, { dtype = "float64" }):reshape(r.shape)
  return r.kind == "float64" and t or t:to(r.kind)
end
-- The same numbers, in other places.
local function moved(t, way)
  if way == 1 and t:dim() >= 2 then return t:transpose(1, -1):contiguous():transpose(1, -1) end
  if way == 2 and t:dim() >= 1 and t:dim() < 8 then return luron.stack({ t, t }, t:dim() + 1)["..., 1"] end
  return t
end

local where, n_wrong, n_cases = "", 0, 0
local function wrong(...)
  n_wrong = n_wrong + 1
  print(where, ...)
end
local function compare(name, is, expected)
  expected = tensor(expected)
  is = is and is:to "float64" or luron.zeros_like(expected)
  if table.concat(is:shape(), " ") ~= table.concat(expected:shape(), " ") then return wrong(name, is, "expected", expected) end
  local largest = expected:numel() > 0 and luron.where(expected:isfinite(), expected:abs(), 0.0):max():item() or 0
  if not is:allclose(expected, { rtol = 1e-7, atol = 1e-9 * math.max(largest, 1), equal_nan = true }) then wrong(name, is, "expected", expected) end
end

local function run(c, i)
  local layer, args, leaves = nn[c.type](c.options):to "float64", {}, {}
  local function take(key, r)
    local t, slope = moved(tensor(r), (i + #leaves) % 3), (c.of_inputs or {})[tostring(key)]
    if slope then leaves[#leaves + 1] = { t:requires_grad_(), slope, "gradient of input " .. key } end
    return t
  end
  for k, r in ipairs(c.inputs) do args[k] = take(k, r) end
  local named = {}
  for name, r in pairs(c.named) do named[name] = take(name, r) end
  if next(named) then args[#args + 1] = named end
  for name, r in pairs(c.parameters) do
    luron.no_grad(function() layer:parameter(name):copy_(tensor(r)) end)
    leaves[#leaves + 1] = { layer:parameter(name), c.of_parameters[name], "gradient of " .. name }
  end
  local outs, xs, ups = { layer(table.unpack(args)) }, {}, {}
  for k, r in ipairs(c.outputs) do compare("output " .. k, outs[k], r) end
  if #leaves == 0 then return end
  for k, r in ipairs(c.ups) do ups[k] = moved(tensor(r), (i + k) % 3) end
  for k, l in ipairs(leaves) do xs[k] = l[1] end
  local grads = { luron.grad({ table.unpack(outs, 1, #ups) }, xs, { grad_outputs = ups }) }
  for k, l in ipairs(leaves) do compare(l[3], grads[k], l[2]) end
end

for line in io.lines(arg[1]) do
  n_cases = n_cases + 1
  local c = assert(load("return " .. line, "case", "t", { math = math }))()
  where = ("case %d, %s:"):format(n_cases, c.type)
  local ok, message = pcall(run, c, n_cases)
  if not ok then wrong(message) end
end
print(("%d cases, %d differences"):format(n_cases, n_wrong))
os.exit(n_wrong == 0 and n_cases > 0)
