--- Workload (c): the same pictures, a 784-1024-1024-10 network, batch 256, Adam: matrix products and the memory behind Adam.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local luron = require "luron"
local nn = luron.nn

local weights = 784 * 1024 + 1024 * 1024 + 1024 * 10
worker.run {
  name = "wide_mlp", order = 3, title = "(c) MLP 784-1024-1024-10, b256, Adam", is_long = true,
  figures = { { name = "step", unit = "us" } },
  steps = { quick = 4, full = 10, smoke = 1 },
  flops = 256 * 2 * (784 * 1024 * 2 + (1024 * 1024 + 1024 * 10) * 3),
  ram = weights * 4 * 7, -- Adam reads weight, gradient and two moments, and writes three of them
  start = worker.training {
    batch = 256, warm_up = 4,
    data = function(given) return worker.images(given, true) end,
    model = function() return nn.Sequential { nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10) } end,
    optimizer = function(model) return luron.optim.Adam(model, { lr = 0.001 }) end,
  },
}
