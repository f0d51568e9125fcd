--- Metrics of numbers against numbers. Where means are taken from what is squared, batches are joined by Chan's formula.
local inputs = require "luron.metrics.inputs"

local function mean_of(name, term, finish)
  return { name = name, mode = "min",
    update = function(self, pred, target)
      pred, target = inputs.same(self, pred, target)
      if pred:numel() == 0 then return end
      local state = self.state
      state.sum, state.n = (state.sum or 0) + term(pred:to "float64", target:to "float64"):sum():item(), state.n + pred:numel()
    end,
    value = function(self) return (finish or function(mean) return mean end)(self.state.sum / self.state.n) end }
end

-- Of each column the means of both, their spreads (sums of squares and of products about the means), and the squared error.
local function spreads(self, pred, target)
  pred, target = inputs.same(self, pred, target)
  if pred:numel() == 0 then return end
  local n, state = pred:size(1), self.state
  local x, y = pred:to("float64"):reshape(n, -1), target:to("float64"):reshape(n, -1)
  local mx, my = x:mean(1), y:mean(1)
  local dx, dy = x - mx, y - my
  local now = { xx = (dx * dx):sum(1), yy = (dy * dy):sum(1), xy = (dx * dy):sum(1), error = ((x - y) * (x - y)):sum(1) }
  if state.n == 0 then
    state.mx, state.my, state.sums, state.n = mx, my, now, n
    return
  end
  local all = state.n + n
  local ax, ay, weight = mx - state.mx, my - state.my, state.n * n / all
  now.xx, now.yy, now.xy = now.xx + ax * ax * weight, now.yy + ay * ay * weight, now.xy + ax * ay * weight
  for key, value in pairs(now) do state.sums[key] = state.sums[key] + value end
  state.mx, state.my, state.n = state.mx + ax * (n / all), state.my + ay * (n / all), all
end

return {
  MAE = mean_of("mae", function(x, y) return (x - y):abs() end),
  MSE = mean_of("mse", function(x, y) return (x - y) * (x - y) end),
  RMSE = mean_of("rmse", function(x, y) return (x - y) * (x - y) end, math.sqrt),
  MAPE = mean_of("mape", function(x, y) return ((x - y) / y:abs():maximum(1e-7)):abs() * 100 end),
  R2 = { name = "r2", mode = "max", update = spreads,
    value = function(self)
      local s = self.state.sums
      return s.yy:eq(0):where(s.error:eq(0):to "float64", 1 - s.error / s.yy):mean()
    end },
  Pearson = { name = "pearson", mode = "max", update = spreads,
    value = function(self) return (self.state.sums.xy / (self.state.sums.xx * self.state.sums.yy):sqrt()):mean() end },
}
