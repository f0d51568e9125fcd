--- LeNet-5 (LeCun et al., 1998) with ReLU and max pooling reads handwritten digits: 61,706 weights.
--- Reaches some 98.9 % of the 10,000 test digits in 5 epochs; half a minute at most on two cores.
---   luron models/lenet.lua [--epochs 5] [--batch 64] [--lr 0.001] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local luron = require "luron"
local nn, data = luron.nn, luron.data

local args = options.parse("lenet.lua", "LeNet-5 reads handwritten digits.", { epochs = 5, batch = 64, lr = 0.001, data = true, save = "lenet.h5" })
local train, test = options.need(data.mnist(options.folder(args, "mnist", "train-images-idx3-ubyte")))
if args.smoke then
  train, test, args.epochs = train:range(1500), test:range(500), 1
end

local model = nn.Sequential {
  nn.Conv2d { 1, 6, 5, padding = 2 }, nn.ReLU(), nn.MaxPool2d(2), -- 6 pictures of 14 x 14: edges and corners
  nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), -- 16 of 5 x 5: what they make up
  nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
}
print(model:summary { args.batch, 1, 28, 28 })
local opt = luron.optim.Adam(model, { lr = args.lr })
local start = luron.clock()
local rate = luron.schedule.CosineAnnealingLR(opt, { T_max = args.epochs }) -- smaller steps towards the end
luron.fit(model, train, { epochs = args.epochs, batch = args.batch, optim = opt, schedule = rate, validate = test })
local result = luron.evaluate(model, test)
print(string.format("%.2f %% of %d test digits right after %.1f s", 100 * result.accuracy, result.n, luron.clock() - start))
model:save(args.save, { optim = opt, epoch = args.epochs, preprocessing = { classes = train.classes, scale = 1 / 255 } })
print("saved " .. args.save)
