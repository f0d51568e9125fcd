--- Ten kinds of clothes from pictures of 28 x 28: a 784-256-10 network, the explicit training loop, a checkpoint.
---   luron models/fashion_mnist.lua [--epochs 10] [--batch 64] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
---   luron models/fashion_mnist.lua --predict FILE     ten test pictures, with a checkpoint that was saved before
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local luron = require "luron"
local nn, data = luron.nn, luron.data

local args = options.parse("fashion_mnist.lua", "Train a network on Fashion-MNIST, or predict with a saved one.",
  { epochs = 10, batch = 64, lr = 0.001, data = true, save = "fashion_mnist.h5" },
  function(parser) parser:option("--predict", "Predict with this checkpoint and train nothing") end)

-- Debian's package dataset-fashion-mnist has the files.
local train, test = options.need(data.fashion_mnist(options.folder(args, "fashion-mnist", "train-images-idx3-ubyte")))

--- Class names and probabilities beside the truth for ten test pictures.
local function predict(path)
  local model, checkpoint = luron.load(path)
  if not model then error(checkpoint, 0) end
  model:eval()
  local classes = checkpoint.preprocessing.classes
  local x, y = test:batch(1, 10)
  local p = luron.no_grad(function() return model(x):softmax(2) end)
  local ids = p:argmax(2)
  print(string.format("%-4s %-12s %12s   %s", "", "prediction", "probability", "truth"))
  for i = 1, 10 do
    local id, truth = ids[i]:item(), y[i]:item()
    print(string.format("%3d. %-12s %10.1f %%   %-12s%s", i, classes[id], 100 * p[i][id]:item(), classes[truth], id == truth and "" or "   wrong"))
  end
end

if args.predict then
  predict(args.predict)
  return
end

if args.smoke then
  train, test, args.epochs = train:range(2000), test:range(500), 1
end

local model = nn.Sequential { nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10) }
print(model:summary { args.batch, 1, 28, 28 })
local opt = luron.optim.Adam(model, { lr = args.lr })
local loader = train:loader { batch = args.batch, shuffle = true }
local line = luron.progress(args.epochs, loader:examples())

local start, result = luron.clock(), nil
for epoch = 1, args.epochs do
  opt:set { lr = args.lr * (1 - (epoch - 1) / args.epochs) } -- smaller steps towards the end
  model:train()
  line:begin()
  for x, y in loader do
    local scores = model(x)
    local loss = nn.cross_entropy(scores, y)
    opt:zero_grad()
    loss:backward()
    opt:step()
    line:step(#x, loss:item(), scores:argmax(2):eq(y):sum():item())
  end
  result = luron.evaluate(model, test)
  line:finish(string.format("test accuracy %.2f %%", 100 * result.accuracy))
  -- After every epoch, so that a crash costs one at most; the old file stays whole until the new one is.
  model:save(args.save, { optim = opt, epoch = epoch, preprocessing = { classes = train.classes, scale = 1 / 255 } })
end
print(string.format("%.2f %% of %d test pictures right after %.1f s", 100 * result.accuracy, result.n, luron.clock() - start))
print("saved " .. args.save)
