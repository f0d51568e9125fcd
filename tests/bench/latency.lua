--- Workload (f): the 784-128-10 network of (b), one picture a call, from Lua and from C (bench_latency.c).
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local luron = require "luron"

worker.run {
  name = "latency", order = 7, title = "(f) MLP 784-128-10, one picture a call", most_threads = 1,
  figures = { { name = "p50", unit = "us" }, { name = "p99", unit = "us", floorless = true } },
  steps = { quick = 3000, full = 20000, smoke = 20 },
  ours = { "{script} serve {args}", "{programs}/bench_latency {work}/mlp.h5 {steps}" },
  l2 = (784 * 128 + 128 + 128 * 10 + 10) * 4, -- the weights, from the second cache
  prepare = worker.save_mlp,
  start = function(given)
    local model = assert(luron.load(given.work .. "/mlp.h5"))
    model:eval()
    local numbers = {}
    for i = 0, 783 do numbers[i + 1] = i * 7 % 13 / 13 end
    local x = luron.tensor({ numbers })
    local names, calls = { "Lua", "Lua, planned" }, { model, luron.compile(function(input) return model(input) end) }
    local clock = luron.clock
    return function()
      local answer = {}
      luron.no_grad(function()
        for i, call in ipairs(calls) do
          local took = {}
          for _ = 1, 100 do call(x) end
          for n = 1, given.steps do
            local from = clock()
            call(x)
            took[n] = clock() - from
          end
          table.sort(took)
          answer[names[i]] = { p50 = took[#took // 2 + 1], p99 = took[#took - #took // 100] }
        end
      end)
      return answer
    end, function()
      local answer = {}
      luron.no_grad(function()
        for i, call in ipairs(calls) do answer[names[i]] = { sum = call(x):sum():item() } end
      end)
      return answer
    end
  end,
}
