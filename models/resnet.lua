--- Residual networks (He et al., 2015) tell ten kinds of things apart in the colour pictures of CIFAR-10. --depth 8 and 20: three
--- stages of 16, 32 and 64 channels; 18 and 50: the four stages of the large ones. Each block adds what it finds to what it was given.
--- ResNet-8 on the first of the five training batches reaches some 59 % in 5 epochs of 20 s on two cores; docs/models.md has the rest.
---   luron models/resnet.lua [--depth 8] [--epochs 5] [--batch 64] [--lr 0.1] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local pictures = require "pictures"
local luron = require "luron"
local nn = luron.nn

local args = options.parse("resnet.lua", "A residual network learns CIFAR-10.", { epochs = 5, batch = 64, lr = 0.1, data = true, save = "resnet.h5" },
  function(parser) parser:option("--depth", "Layers: 8, 18, 20 or 50", "8"):choices { "8", "18", "20", "50" } end)
local train, test = pictures.augmented_cifar10(args)

local function conv(inputs, outputs, kernel, stride)
  return nn.Conv2d { inputs, outputs, kernel, stride = stride, padding = kernel // 2, bias = false, weight_init = "kaiming_normal(0, fan_out)" }
end

--- Convolutions of the kernel sizes in `shape`, each with a norm; the sum with the input goes through the last ReLU.
local Block = nn.class "Block"
function Block:init(inputs, width, outputs, stride, shape)
  self.convs, self.norms = {}, {}
  local from = inputs
  for i, kernel in ipairs(shape) do
    local to = i == #shape and outputs or width
    -- The step is in the first convolution of 3 x 3.
    self.convs[i] = conv(from, to, kernel, kernel == 3 and shape[i - 1] ~= 3 and stride or 1)
    self.norms[i] = nn.BatchNorm2d(to)
    from = to
  end
  if stride > 1 or inputs ~= outputs then
    self.short, self.short_norm = conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
  end
end

function Block:forward(x)
  local y = x
  for i, layer in ipairs(self.convs) do
    y = self.norms[i](layer(y))
    if i < #self.convs then y = y:relu() end
  end
  return (y + (rawget(self, "short") and self.short_norm(self.short(x)) or x)):relu()
end

local kinds = { -- blocks of each stage, channels of the first, times wider that a block ends than it is inside, kernels
  ["8"] = { { 1, 1, 1 }, 16, 1, { 3, 3 } },
  ["20"] = { { 3, 3, 3 }, 16, 1, { 3, 3 } },
  ["18"] = { { 2, 2, 2, 2 }, 64, 1, { 3, 3 } },
  ["50"] = { { 3, 4, 6, 3 }, 64, 4, { 1, 3, 1 } },
}

local ResNet = nn.class "ResNet"
function ResNet:init(depth, classes)
  local blocks, width, wider, shape = table.unpack(kinds[depth])
  self.conv, self.norm, self.blocks = conv(3, width, 3, 1), nn.BatchNorm2d(width), {}
  local channels = width
  for stage, n in ipairs(blocks) do
    for i = 1, n do
      local inside = width << (stage - 1)
      self.blocks[#self.blocks + 1] = Block(channels, inside, inside * wider, i == 1 and stage > 1 and 2 or 1, shape)
      channels = inside * wider
    end
  end
  self.out = nn.Linear(channels, classes)
end

function ResNet:forward(x)
  x = self.norm(self.conv(x)):relu()
  for _, block in ipairs(self.blocks) do x = block(x) end
  return self.out(x:mean { 3, 4 })
end

local model = ResNet(args.depth, #train.classes)
print(string.format("ResNet-%s, %d weights; %s", args.depth, model:n_weights(), train))
local opt = luron.optim.SGD(model, { lr = args.lr, momentum = 0.9, nesterov = true, weight_decay = 5e-4 })
local loader = train:loader { batch = args.batch, shuffle = true, drop_last = true }
local rate = luron.schedule.OneCycleLR(opt, { max_lr = args.lr, epochs = args.epochs, steps_per_epoch = #loader, cycle_momentum = false })
local start = luron.clock()
luron.fit(model, loader, { epochs = args.epochs, optim = opt, schedule = rate })
pictures.finish(args, model, opt, test, start)
