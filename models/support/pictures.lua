--- For the scripts in models/ that work with pictures: CIFAR-10 with augmentation, and pictures written as a file.
local luron = require "luron"
local options = require "options"

local pictures = {}

--- Fashion-MNIST: training set and test set, small ones in a smoke run.
function pictures.clothes(args)
  local train, test = options.need(luron.data.fashion_mnist(options.folder(args, "fashion-mnist", "train-images-idx3-ubyte")))
  if not args.smoke then return train, test end
  args.epochs = 1
  return train:range(1000), test:range(500)
end

--- CIFAR-10 as far as it is there, each colour with mean 0 and deviation 1: training set and test set.
function pictures.cifar10(args)
  local folder, test = options.folder(args, "cifar10", "data_batch_1.bin"), "test_batch.bin"
  if not options.exists(folder .. "/" .. test) then test = "test_batch_first1000.bin" end
  local train, held_out = options.need(luron.data.cifar10(folder, { test = test }))
  local mean = luron.tensor({ 0.4914, 0.4822, 0.4465 }):reshape(3, 1, 1)
  local std = luron.tensor({ 0.2470, 0.2435, 0.2616 }):reshape(3, 1, 1)
  local function scaled(x) return (x - mean) / std end
  return train:map(scaled), held_out:map(scaled)
end

--- The batch x (n, c, h, w) with a border of 4 zeros, from which each picture is cut out anew at a random place, and mirrored or
--- not: small changes that leave the class what it is, so that a network cannot learn the pictures by heart.
function pictures.augment(x)
  local n, c, h, w = table.unpack(x:shape())
  local wide, tall = w + 8, h + 8
  local flat = x:pad { { 4, 4 }, { 4, 4 } }:reshape(n, c, tall * wide)
  local top, left = luron.randint(0, 8, n, 1, 1), luron.randint(0, 8, n, 1, 1)
  local across = luron.arange(w):reshape(1, 1, w)
  across = luron.where(luron.rand(n, 1, 1):lt(0.5), w + 1 - across, across)
  local ids = (luron.arange(0, h - 1):reshape(1, h, 1) + top) * wide + across + left
  return flat:gather(3, ids:reshape(n, 1, h * w):expand(n, c, h * w)):reshape(n, c, h, w)
end

--- CIFAR-10, the training set augmented; small sets in a smoke run.
function pictures.augmented_cifar10(args)
  local train, test = pictures.cifar10(args)
  train = train:map(pictures.augment)
  if not args.smoke then return train, test end
  args.epochs, args.batch = 1, 32
  return train:range(32), test:range(20)
end

--- The end of a script: print what the model reached on the test set, and save it.
function pictures.finish(args, model, opt, test, start)
  local result = luron.evaluate(model, test, { batch = 250 })
  print(string.format("%.1f %% of %d test pictures right after %.1f s", 100 * result.accuracy, result.n, luron.clock() - start))
  model:save(args.save, { optim = opt, epoch = args.epochs, preprocessing = { classes = test.classes } })
  print("saved " .. args.save)
end

--- Write grey pictures x (n, 1, h, w) in [0, 1] as one picture of `columns` columns, in the format PGM.
function pictures.write(path, x, columns)
  local _, _, h, w = table.unpack(x:shape())
  local rows = #x // columns
  local grid = x:narrow(1, 1, rows * columns):reshape(rows, columns, h, w):permute(1, 3, 2, 4):reshape(rows * h, columns * w)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(string.format("P5\n%d %d\n255\n", columns * w, rows * h), (grid * 255):round():clamp(0, 255):byte():tobytes()))
end

return pictures
