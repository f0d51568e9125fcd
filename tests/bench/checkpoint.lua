--- Workload (h): 100 MB of parameters in 25 tensors, written with fsync and a checksum, read with the checksum verified.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local luron = require "luron"
local nn = luron.nn

worker.run {
  name = "checkpoint", order = 9, title = "(h) checkpoint of 100 MB", is_long = true, most_threads = 1,
  figures = { { name = "write", unit = "MB/s", higher = true, floor = "write" }, { name = "read", unit = "MB/s", higher = true, floor = "read" } },
  steps = { quick = 1, full = 3, smoke = 1 },
  start = function(given)
    local layers = {}
    for i = 1, 25 do layers[i] = nn.Linear { in_features = 1000, out_features = 1000, bias = false } end
    local model, path, bytes = nn.Sequential(layers), given.work .. "/checkpoint.h5", 25 * 1000 * 1000 * 4
    return function()
      local writes, reads = 0, 0
      for _ = 1, given.steps do
        os.remove(path)
        local from = luron.clock()
        model:save(path)
        writes, from = writes + luron.clock() - from, luron.clock()
        do
          local loaded <const> = assert(luron.load(path))
          reads = reads + luron.clock() - from
          assert(#loaded == 25)
        end
        collectgarbage()
      end
      return { ["save, load"] = { write = bytes * given.steps / writes, read = bytes * given.steps / reads } }
    end, function()
      local loaded = assert(luron.load(path))
      local same = 0
      for i, p in ipairs(loaded:parameters()) do
        if p:tobytes() == model:parameters()[i]:tobytes() then same = same + 1 end
      end
      os.remove(path)
      return { ["save, load"] = { equal = same } }
    end
  end,
}
