--- Workload (b): pictures of 28 x 28, a 784-128-10 network, batch 64 gathered from the data set, SGD 0.1.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local luron = require "luron"
local nn = luron.nn

worker.run {
  name = "mlp", order = 2, title = "(b) MLP 784-128-10, b64, SGD", is_long = true,
  figures = { { name = "step", unit = "us" } },
  steps = { quick = 100, full = 300, smoke = 2 },
  flops = 64 * 2 * (784 * 128 * 2 + 128 * 10 * 3),
  start = worker.training {
    batch = 64, warm_up = 20,
    data = function(given) return worker.images(given, true) end,
    model = function() return nn.Sequential { nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10) } end,
    optimizer = function(model) return luron.optim.SGD(model, { lr = 0.1 }) end,
  },
}
