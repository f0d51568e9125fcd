--- Workload (a): three dice, 216 throws, a 3-8-2 network, batch 16, SGD: what a step costs beside its arithmetic.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local luron = require "luron"
local nn = luron.nn

worker.run {
  name = "dice", order = 1, title = "(a) dice 3-8-2, b16, SGD", most_threads = 1,
  figures = { { name = "step", unit = "us" } },
  steps = { quick = 400, full = 2000, smoke = 20 },
  flops = 16 * 2 * (3 * 8 * 2 + 8 * 2 * 3), floor = "dice", -- straight-line C
  start = worker.training {
    batch = 16, warm_up = 26,
    data = function()
      local throws, ids = {}, {}
      for k = 0, 215 do
        local a, b, c = k // 36 + 1, k // 6 % 6 + 1, k % 6 + 1
        throws[k + 1] = { (a - 3.5) / 1.7078, (b - 3.5) / 1.7078, (c - 3.5) / 1.7078 }
        ids[k + 1] = a + b + c > 10 and 2 or 1
      end
      local x, y = luron.tensor(throws), luron.tensor(ids)
      return { x = x, y = y, test_x = x, test_y = y }
    end,
    model = function() return nn.Sequential { nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2) } end,
    optimizer = function(model) return luron.optim.SGD(model, { lr = 0.1 }) end,
  },
}
