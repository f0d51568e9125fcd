--- ResNet-8 on CIFAR-10 (seeded noise without the file): three stages of one block, 16, 32 and 64 channels, batch 32, SGD with momentum.
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local worker = require "worker"
local resnet = require "resnet"
local luron = require "luron"

local PICTURES, HELD_OUT, RECORD = 2000, 500, 3073 -- a record is a label and 3 x 32 x 32 bytes
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
    batch = 32, warm_up = 4, data = pictures, model = function() return resnet.Net(1) end, weights = resnet.weights,
    optimizer = function(model) return luron.optim.SGD(model, { lr = 0.002, momentum = 0.9 }) end,
  },
}
