--- A step size that meets the strong Wolfe conditions, by brackets and cubic interpolation, as PyTorch's L-BFGS finds it.
local function dot(a, b) return (a * b):sum():item() end

-- The least value of the cubic through two points with slopes, within low and high; their middle where there is none.
local function cubic(x1, f1, g1, x2, f2, g2, low, high)
  low, high = low or math.min(x1, x2), high or math.max(x1, x2)
  local d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
  local square = d1 * d1 - g1 * g2
  if square >= 0 then
    local d2 = math.sqrt(square)
    if x1 > x2 then
      x1, g1, x2, g2 = x2, g2, x1, g1
    end
    local at = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    if at == at then return math.min(math.max(at, low), high) end -- a loss that is infinite gives none
  end
  return (low + high) / 2
end

local C1, C2 = 1e-4, 0.9

-- Two points between which the conditions are met, or one where they are; and how many turns it took.
local function bracket(at, start, first, max_turns)
  local before, now, turns = start, first, 0
  while turns < max_turns do
    if now.f > start.f + C1 * now.t * start.slope or (turns > 1 and now.f >= before.f) then return before, now, turns end
    if math.abs(now.slope) <= -C2 * start.slope then return now, nil, turns end
    if now.slope >= 0 then return before, now, turns end
    local t = cubic(before.t, before.f, before.slope, now.t, now.f, now.slope, now.t + 0.01 * (now.t - before.t), now.t * 10)
    before, now, turns = now, at(t), turns + 1
  end
  return start, now, turns
end

-- Where to look within the bracket; `stalled` whether the last place was too near to an end as well.
local function inside(a, b, stalled)
  local t, low, high = cubic(a.t, a.f, a.slope, b.t, b.f, b.slope), math.min(a.t, b.t), math.max(a.t, b.t)
  local margin = 0.1 * (high - low)
  if math.min(high - t, t - low) >= margin then return t, false end
  if not (stalled or t >= high or t <= low) then return t, true end
  return math.abs(t - high) < math.abs(t - low) and high - margin or low + margin, false
end

--- Search along d from loss f and gradient g with this slope, beginning with step t. `evaluate(t)` gives loss and gradient.
--- Gives loss, gradient and step size.
local function search(evaluate, t, d, f, g, slope, tolerance, max_turns)
  local function at(where)
    local loss, grad = evaluate(where)
    return { t = where, f = loss, g = grad, slope = dot(grad, d) }
  end
  local start = { t = 0, f = f, g = g, slope = slope }
  local first, second, turns = bracket(at, start, at(t), max_turns)
  local points, length, stalled, done = { first, second }, d:abs():amax():item(), false, not second
  local low = (done or first.f <= second.f) and 1 or 2
  while not done and turns < max_turns and math.abs(points[2].t - points[1].t) * length >= tolerance do
    local high = 3 - low
    t, stalled = inside(points[1], points[2], stalled)
    local now = at(t)
    turns = turns + 1
    if now.f > f + C1 * t * slope or now.f >= points[low].f then
      points[high] = now
      low = points[1].f <= points[2].f and 1 or 2
    else
      done = math.abs(now.slope) <= -C2 * slope
      if not done and now.slope * (points[high].t - points[low].t) >= 0 then points[high] = points[low] end
      points[low] = now
    end
  end
  return points[low].f, points[low].g, points[low].t
end

return { search = search, dot = dot }
