--- Workload (d): LeNet (6 of 5x5, pool, 16 of 5x5, pool, 120, 84, 10) on pictures of 28 x 28, batch 64, Adam.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local luron = require "luron"
local nn = luron.nn

local conv1, conv2, dense = 576 * 6 * 25, 64 * 16 * 150, 256 * 120 + 120 * 84 + 84 * 10 -- products a picture
worker.run {
  name = "lenet", order = 4, title = "(d) LeNet, b64, Adam",
  figures = { { name = "step", unit = "us" } },
  steps = { quick = 10, full = 30, smoke = 1 },
  flops = 64 * 2 * (conv1 * 2 + (conv2 + dense) * 3),
  start = worker.training {
    batch = 64, warm_up = 10,
    data = function(given)
      local has, why = worker.has("Conv2d", "MaxPool2d")
      if not has then return nil, why end
      return worker.images(given, false)
    end,
    model = function()
      return nn.Sequential {
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
      }
    end,
    optimizer = function(model) return luron.optim.Adam(model, { lr = 0.001 }) end,
  },
}
