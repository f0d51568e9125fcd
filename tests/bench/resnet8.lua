--- ResNet-8 on CIFAR-10 (seeded noise without the file): three stages of one block, 16, 32 and 64 channels, batch 32, SGD with momentum.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local luron = require "luron"
local nn = luron.nn

local PICTURES, HELD_OUT, RECORD = 2000, 500, 3073 -- a record is a label and 3 x 32 x 32 bytes
local Block = nn.class "Block"
function Block:init(inputs, outputs, stride)
  self.conv1 = nn.Conv2d { in_channels = inputs, out_channels = outputs, kernel_size = 3, stride = stride, padding = 1, bias = false }
  self.norm1 = nn.BatchNorm2d(outputs)
  self.conv2, self.norm2 = nn.Conv2d { in_channels = outputs, out_channels = outputs, kernel_size = 3, padding = 1, bias = false }, nn.BatchNorm2d(outputs)
  self.short = stride > 1 and nn.Conv2d { in_channels = inputs, out_channels = outputs, kernel_size = 1, stride = stride, bias = false } or false
end

function Block:forward(x)
  local y = self.norm2(self.conv2(self.norm1(self.conv1(x)):relu()))
  return (y + (self.short and self.short(x) or x)):relu()
end

local Net = nn.class "ResNet8"
function Net:init()
  self.conv, self.norm = nn.Conv2d { in_channels = 3, out_channels = 16, kernel_size = 3, padding = 1, bias = false }, nn.BatchNorm2d(16)
  self.stage1, self.stage2, self.stage3 = Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)
  self.out = nn.Linear(64, 10)
end

function Net:forward(x)
  x = self.stage3(self.stage2(self.stage1(self.norm(self.conv(x)):relu())))
  return self.out(x:mean { 3, 4 })
end

-- In PyTorch's order.
local function weights(net)
  local list = { net.conv.weight, net.norm.weight, net.norm.bias }
  for _, stage in ipairs { net.stage1, net.stage2, net.stage3 } do
    for _, part in ipairs { stage.conv1, stage.norm1, stage.conv2, stage.norm2, stage.short or nil } do
      list[#list + 1] = part.weight
      list[#list + 1] = part:parameter "bias"
    end
  end
  list[#list + 1], list[#list + 2] = net.out.weight, net.out.bias
  return list
end

local function pictures(given)
  local has, why = worker.has("Conv2d", "BatchNorm2d")
  if not has then return nil, why end
  local bytes
  if given.cifar then
    local pipe = assert(io.popen("gzip -dc '" .. given.cifar .. "'"))
    bytes = pipe:read(PICTURES * RECORD)
    pipe:close()
  else
    local labels, pixels = luron.randint(0, 9, PICTURES, 1), luron.randint(0, 255, PICTURES, RECORD - 1)
    bytes = luron.cat({ labels, pixels }, 2):to "uint8":tobytes()
  end
  worker.write(given.work .. "/pictures.u8", bytes) -- for the peers
  local all = luron.frombytes(bytes, "uint8", PICTURES, RECORD)
  local x = all:narrow(2, 2, RECORD - 1):float():reshape(PICTURES, 3, 32, 32) / 255 - 0.5
  local y = all:select(2, 1):long() + 1
  return { x = x, y = y, test_x = x:narrow(1, 1, HELD_OUT), test_y = y:narrow(1, 1, HELD_OUT) }
end

-- Products a picture: the first convolution, whose input needs no gradient, and the rest.
local first = 1024 * 3 * 16 * 9
local rest = 1024 * 2 * 16 * 16 * 9 + 256 * (16 * 32 * 10 + 32 * 32 * 9) + 64 * (32 * 64 * 10 + 64 * 64 * 9) + 640
worker.run {
  name = "resnet8", order = 5, title = "ResNet-8, CIFAR-10, b32, SGD", is_long = true,
  figures = { { name = "step", unit = "us" } },
  steps = { quick = 2, full = 6, smoke = 1 },
  flops = 32 * 2 * (first * 2 + rest * 3),
  start = worker.training {
    batch = 32, warm_up = 4, data = pictures, model = Net, weights = weights,
    optimizer = function(model) return luron.optim.SGD(model, { lr = 0.05, momentum = 0.9 }) end,
  },
}
