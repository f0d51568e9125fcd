--- AlexNet (Krizhevsky, Sutskever and Hinton, 2012) in a size for CIFAR-10: five convolutions, three poolings, three linear layers,
--- dropout between these. 2.6 million weights; an epoch over the first training batch takes some minutes on two cores.
---   luron models/alexnet.lua [--epochs 10] [--batch 64] [--lr 0.001] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local pictures = require "pictures"
local luron = require "luron"
local nn = luron.nn

local args = options.parse("alexnet.lua", "AlexNet learns CIFAR-10.", { epochs = 10, batch = 64, lr = 0.001, data = true, save = "alexnet.h5" })
local train, test = pictures.augmented_cifar10(args)

local model = nn.Sequential {
  nn.Conv2d { 3, 64, 3, padding = 1 }, nn.ReLU(), nn.MaxPool2d { 3, stride = 2, padding = 1 }, -- 16 x 16
  nn.Conv2d { 64, 128, 3, padding = 1 }, nn.ReLU(), nn.MaxPool2d { 3, stride = 2, padding = 1 }, -- 8 x 8
  nn.Conv2d { 128, 192, 3, padding = 1 }, nn.ReLU(),
  nn.Conv2d { 192, 192, 3, padding = 1 }, nn.ReLU(),
  nn.Conv2d { 192, 128, 3, padding = 1 }, nn.ReLU(), nn.MaxPool2d { 3, stride = 2, padding = 1 }, -- 4 x 4
  nn.Flatten(),
  nn.Dropout(0.5), nn.Linear(128 * 4 * 4, 768), nn.ReLU(),
  nn.Dropout(0.5), nn.Linear(768, 256), nn.ReLU(),
  nn.Linear(256, #train.classes),
}
print(model:summary { args.batch, 3, 32, 32 })
local opt = luron.optim.Adam(model, { lr = args.lr })
local start = luron.clock()
luron.fit(model, train, { epochs = args.epochs, batch = args.batch, optim = opt, validate = test })
pictures.finish(args, model, opt, test, start)
