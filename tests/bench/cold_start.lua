--- Workload (g): a program that loads the network of (b) from a file, predicts once and ends: time and memory.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"

worker.run {
  name = "cold_start", order = 8, title = "(g) start, load, predict, end", most_threads = 1,
  figures = { { name = "wall", unit = "ms" }, { name = "cpu", unit = "ms" }, { name = "peak", unit = "MiB" } },
  steps = { quick = 1, full = 5, smoke = 1 },
  ours = { "{programs}/bench_start Luron {steps} {luron} {here}/support/predict.lua {work}/mlp.h5" },
  peers = { "{programs}/bench_start PyTorch {steps} {python} {here}/peers/cold_start.py predict {work}/mlp.pt" },
  peers_prepare = "{python} {here}/peers/cold_start.py save {work}/mlp.pt {work}/weights.f32",
  prepare = worker.save_mlp,
}
