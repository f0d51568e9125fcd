--- Handwritten digits: luron.fit in one call. MNIST is not in Debian; --data names the folder with its four IDX files.
---   luron models/mnist.lua --data DIR [--epochs 5] [--batch 64] [--seed 1] [--threads N] [--save FILE] [--smoke]
local argparse = require "argparse"
local luron = require "luron"
local nn, data = luron.nn, luron.data

--- A whole number from 1 on, for options.
local function count(text)
  local n = math.tointeger(tonumber(text))
  if n and n >= 1 then return n end
  return nil, string.format("'%s' is no whole number from 1 on", text)
end

local parser = argparse("mnist.lua", "Train a network on MNIST.")
parser:option("--data", "Folder with train-images-idx3-ubyte(.gz) and the other three", os.getenv "LURON_DATA" and os.getenv "LURON_DATA" .. "/mnist")
parser:option("--epochs", "Passes over the training set", "5"):convert(count)
parser:option("--batch", "Examples a step", "64"):convert(count)
parser:option("--seed", "Seed of the random numbers", "1"):convert(math.tointeger)
parser:option("--threads", "Threads (default: all)"):convert(count)
parser:option("--save", "Write a checkpoint here")
parser:flag("--smoke", "A short run, to see that it works")
local args = parser:parse()
luron.seed(args.seed)
if args.threads then luron.threads(args.threads) end
if not args.data then
  io.stderr:write "mnist.lua: --data DIR (or LURON_DATA) has to name the folder with the IDX files\n"
  os.exit(2)
end

local train, test = data.mnist(args.data)
if not train then
  io.stderr:write(test, "\n")
  os.exit(1)
end
if args.smoke then
  train, test, args.epochs = train:range(2000), test:range(500), 1
end

local model = nn.Sequential { nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10) }
print(model:summary { args.batch, 1, 28, 28 })
local opt = luron.optim.AdamW(model, { lr = 1e-3 })
luron.fit(model, train, { epochs = args.epochs, batch = args.batch, optim = opt, validate = test })
local result = luron.evaluate(model, test)
print(string.format("%.2f %% of %d test digits right", 100 * result.accuracy, result.n))
if args.save then
  model:save(args.save, { optim = opt, epoch = args.epochs, preprocessing = { classes = train.classes, scale = 1 / 255 } })
  print("saved " .. args.save)
end
