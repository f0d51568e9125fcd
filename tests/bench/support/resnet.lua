--- Residual networks of CIFAR-10 (He et al., 2015, section 4.2): three stages of `blocks` blocks, with 16, 32 and 64 channels. A
--- shortcut that changes the shape is a convolution of 1 x 1. The peers' is peers/resnet.py.
local nn = require "luron".nn

local function conv(inputs, outputs, kernel, stride)
  return nn.Conv2d { in_channels = inputs, out_channels = outputs, kernel_size = kernel, stride = stride, padding = kernel // 2, bias = false }
end

local Block = nn.class "Block"
function Block:init(inputs, outputs, stride)
  self.conv1, self.norm1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
  self.conv2, self.norm2 = conv(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs)
  self.short = stride > 1 and conv(inputs, outputs, 1, stride) or false
end

function Block:forward(x)
  local y = self.norm2(self.conv2(self.norm1(self.conv1(x)):relu()))
  return (y + (self.short and self.short(x) or x)):relu()
end

local Net = nn.class "ResNet"
function Net:init(blocks)
  self.conv, self.norm = conv(3, 16, 3, 1), nn.BatchNorm2d(16)
  self.blocks = {}
  for stage, outputs in ipairs { 16, 32, 64 } do
    for i = 1, blocks do
      local is_new = i == 1 and stage > 1
      self.blocks[#self.blocks + 1] = Block(is_new and outputs // 2 or outputs, outputs, is_new and 2 or 1)
    end
  end
  self.out = nn.Linear(64, 10)
end

function Net:forward(x)
  x = self.norm(self.conv(x)):relu()
  for _, block in ipairs(self.blocks) do x = block(x) end
  return self.out(x:mean { 3, 4 })
end

local resnet = { Net = Net }

--- The parameters in PyTorch's order.
function resnet.weights(net)
  local list = { net.conv.weight, net.norm.weight, net.norm.bias }
  for _, block in ipairs(net.blocks) do
    for _, part in ipairs { block.conv1, block.norm1, block.conv2, block.norm2, block.short or nil } do
      list[#list + 1] = part.weight
      list[#list + 1] = part:parameter "bias"
    end
  end
  list[#list + 1], list[#list + 2] = net.out.weight, net.out.bias
  return list
end

return resnet
