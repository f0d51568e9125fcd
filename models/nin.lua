--- Network in network (Lin, Chen and Yan, 2013): behind each convolution come two of 1 x 1, a small network at every point, and
--- instead of linear layers the mean of one picture a class. 246,474 weights; an epoch over the first training batch of CIFAR-10
--- takes some minutes on two cores.
---   luron models/nin.lua [--epochs 10] [--batch 64] [--lr 0.001] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local pictures = require "pictures"
local luron = require "luron"
local nn = luron.nn

local args = options.parse("nin.lua", "Network in network learns CIFAR-10.", { epochs = 10, batch = 64, lr = 0.001, data = true, save = "nin.h5" })
local train, test = pictures.augmented_cifar10(args)

--- A convolution and, at every point, a network of two layers over the channels.
local function block(inputs, outputs, kernel)
  return nn.Sequential {
    nn.Conv2d { inputs, outputs[1], kernel, padding = kernel // 2, bias = false }, nn.BatchNorm2d(outputs[1]), nn.ReLU(),
    nn.Conv2d(outputs[1], outputs[2], 1), nn.ReLU(),
    nn.Conv2d(outputs[2], outputs[3], 1), nn.ReLU(),
  }
end

local model = nn.Sequential {
  block(3, { 96, 80, 48 }, 5), nn.MaxPool2d { 3, stride = 2, padding = 1 }, nn.Dropout(0.3), -- 16 x 16
  block(48, { 96, 96, 96 }, 5), nn.AvgPool2d { 3, stride = 2, padding = 1 }, nn.Dropout(0.3), -- 8 x 8
  block(96, { 96, 96, #train.classes }, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
}
print(model:summary { args.batch, 3, 32, 32 })
local opt = luron.optim.Adam(model, { lr = args.lr })
local start = luron.clock()
luron.fit(model, train, { epochs = args.epochs, batch = args.batch, optim = opt, validate = test })
pictures.finish(args, model, opt, test, start)
