--- luron plugin check: element-wise functions, number by number: the slope at many of them, and what comes far from 0.
local luron = require "luron"
local guess = require "luron.plugin_check.guess"

local elementwise = {}

-- Numbers to look at: within -1 and 1, -6 and 6, -20 and 20 in turn; within (0, 1) where the function takes those alone.
local function points(case, n)
  local rand, values = guess.random(case.seed), {}
  for i = 1, n do
    values[i] = case.domain == "unit" and 0.05 + 0.9 * rand() or (i % 3 == 0 and 20 or i % 3 == 1 and 6 or 1) * (2 * rand() - 1)
  end
  return values
end

local function on_tensor(layer, x)
  return luron.no_grad(function() return layer(x):to "float64" end)
end

-- The slope by backward.
local function slope(layer, x, higher)
  local was = luron.higher(higher or false)
  local variable = x:detach():clone():requires_grad_()
  local y = layer(variable)
  local g = luron.grad(y, variable, { grad_outputs = luron.ones_like(y, { requires_grad = false }) })
  luron.higher(was)
  return g:detach()
end

-- Which slopes agree with differences of step h: with those to the left, to the right or to both sides, of which one at least sees
-- no kink and no jump. Slack: 1e-2 of the slope (float64: 1e-5) and the rounding of the function.
local function agreeing(layer, x, g, h, double)
  local eps = double and 0x1p-53 or 0x1p-24
  local right, left = x + h, x - h
  local at, to_right, to_left = on_tensor(layer, x), on_tensor(layer, right), on_tensor(layer, left)
  local size = at:abs():maximum(to_right:abs()):maximum(to_left:abs())
  x, right, left = x:to "float64", right:to "float64", left:to "float64"
  local fine = ~(size:isfinite() & g:isfinite()) -- nothing to be said there
  for _, d in ipairs { (to_right - to_left) / (right - left), (to_right - at) / (right - x), (at - to_left) / (x - left) } do
    local slack = (d:abs() + g:abs()) * (double and 1e-5 or 1e-2) + size * (4 * eps / h) + (double and 1e-7 or 1e-4)
    fine = fine | (d - g):abs():le(slack)
  end
  return fine, (to_right - to_left) / (right - left)
end

local function check_slopes(t, case, layer, dtype)
  local x, double = luron.tensor(points(case, 1500), { dtype = dtype }), dtype == "float64"
  local g, fine, d = slope(layer, x):to "float64", nil, nil
  for _, h in ipairs(double and { 1e-6, 1e-5 } or { 1e-2, 1e-3, 1e-4 }) do
    local now, differences = agreeing(layer, x, g, h, double)
    fine, d = fine and fine | now or now, d or differences
  end
  if fine:all():item() then return end
  local i = (~fine):to "int64":argmax():item()
  t.fail("%s: slope at %.6g: differences give %.6g, backward %.6g (%s)", guess.text(case.options), x[i]:item(), d[i]:item(), g[i]:item(), dtype)
end

--- The layers of the cases, in the dtypes that they serve: fn(case, layer, dtype).
local function each_layer(t, fn)
  for _, case in ipairs(t.cases) do
    fn(case, case.layer, case.dtype)
    if case.dtype == "float64" then fn(case, case.layer:clone():to "float32", "float32") end
  end
end

function elementwise.slopes(t)
  if not t.info.forms.elementwise then t.skip "not element-wise" end
  if t.failed.gradients then t.skip "gradients are wrong already" end
  each_layer(t, function(case, layer, dtype) check_slopes(t, case, layer, dtype) end)
  return "1500 numbers from -20 to 20"
end

-- ---- far from 0 ------------------------------------------------------------------------------------------------------
local far = {}
for _, size in ipairs { 20, 50, 87, 89, 100, 104, 710, 1000, 10000 } do
  far[#far + 1], far[#far + 2] = size + 0.0, -size
end

local function fail_at(t, case, mask, x, what, dtype)
  if not mask:any():item() then return end
  t.fail("%s: %s from x = %g (%s)", guess.text(case.options), what, x[mask:to "int64":argmax():item()]:item(), dtype)
end

-- NaN is a fault wherever the function takes numbers of both signs; infinity is one where compose gives a number.
local function check_far(t, case, layer, dtype)
  local x = luron.tensor(far, { dtype = dtype })
  local y = on_tensor(layer, x)
  fail_at(t, case, y:isnan(), x, "NaN comes", dtype)
  fail_at(t, case, y:isfinite() & slope(layer, x):isnan(), x, "backward: NaN comes", dtype)
  if not t.info.forms.compose then return end
  local was = luron.higher(true)
  local composed = on_tensor(layer, x)
  luron.higher(was)
  fail_at(t, case, composed:isnan(), x, "compose: NaN comes", dtype)
  fail_at(t, case, composed:isfinite() & ~y:isfinite(), x, "infinity comes, and from compose a number,", dtype)
end

-- A layer that takes one input and gives one output of its shape (softmax, a norm) with inputs 100 and 10000 times as large.
local function check_large(t, case, layer, dtype)
  for _, factor in ipairs { 100, 10000 } do
    local x = case.ins[1]:to(dtype) * factor
    local y = on_tensor(layer, x)
    if table.concat(y:shape(), ",") ~= table.concat(x:shape(), ",") then return false end
    local what = string.format("from inputs %d times as large (%s)", factor, dtype)
    if y:isnan():any():item() then t.fail("%s: NaN comes %s", guess.text(case.options), what) end
    if y:isfinite():all():item() and slope(layer, x):isnan():any():item() then t.fail("%s: backward: NaN comes %s", guess.text(case.options), what) end
  end
  return true
end

function elementwise.far(t)
  local n, ports, one = 0, t.info.ports, t.info.forms.elementwise
  local ports_fit = #ports == 1 and #t.info.outputs == 1 and not ports[1].variadic and guess.is_real(ports[1]) and guess.is_real(t.info.outputs[1])
  if t.info.is_loss or not ports_fit then t.skip "not one output of one input" end
  each_layer(t, function(case, layer, dtype)
    if case.domain == "unit" then return end
    layer:eval()
    if one then check_far(t, case, layer, dtype) end
    if one or check_large(t, case, layer, dtype) then n = n + 1 end
    layer:train()
  end)
  if n == 0 then t.skip "its output has another shape, or it takes numbers within (0, 1) alone" end
  return "no NaN up to -10000 and 10000"
end

--- The points of both, for the comparison of the two real types.
function elementwise.points(case)
  local values = points(case, 1500)
  if case.domain ~= "unit" then table.move(far, 1, #far, #values + 1, values) end
  return values
end

return elementwise
