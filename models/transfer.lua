--- What was learned once helps again: a residual network learns seven classes of CIFAR-10 from 1,000 pictures each. Then its body is
--- frozen, and a new last layer learns the other three from 20 pictures each; beside it the same network from scratch on those 60.
--- Reaches some 78 % against 69 % (three classes: guessing is right on 33 %), in a minute on two cores.
---   luron models/transfer.lua [--epochs 4] [--batch 64] [--lr 0.1] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local pictures = require "pictures"
local luron = require "luron"
local nn, data = luron.nn, luron.data

local FEW = 20
local args = options.parse("transfer.lua", "What a network learned helps it with new classes.",
  { epochs = 4, batch = 64, lr = 0.1, data = true, save = "transfer.h5" })
local train, test = pictures.cifar10(args)
if args.smoke then train, test, args.epochs = train:range(1000), test:range(100), 1 end

--- The examples of the classes `from` to `to`, at most `n` of each, which count from 1 then.
local function of_classes(set, from, to, n)
  local ids, seen = {}, {}
  for i, id in ipairs(set.tensors[2]:totable()) do
    seen[id] = (seen[id] or 0) + 1
    if id >= from and id <= to and seen[id] <= n then ids[#ids + 1] = i end
  end
  local x, y = set:batch(luron.tensor(ids))
  local names = table.move(set.classes, from, to, 1, {})
  return data.tensors(x, y - (from - 1), { classes = names })
end
local many = of_classes(train, 1, 7, args.smoke and 10 or math.maxinteger):map(pictures.augment)
local few, held_out = of_classes(train, 8, 10, FEW), of_classes(test, 8, 10, math.maxinteger)

local function conv(inputs, outputs, kernel, stride)
  return nn.Conv2d { inputs, outputs, kernel, stride = stride, padding = kernel // 2, bias = false }
end

local Block = nn.class "Block" -- as in resnet.lua, with two convolutions
function Block:init(inputs, outputs, stride)
  self.inside = nn.Sequential { conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(), conv(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs) }
  self.short = stride > 1 and nn.Sequential { conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs) } or nn.Identity()
end
function Block:forward(x) return (self.inside(x) + self.short(x)):relu() end

local Net = nn.class "Net"
function Net:init(classes)
  self.first, self.norm = conv(3, 16, 3, 1), nn.BatchNorm2d(16)
  self.blocks = { Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2) }
  self.head = nn.Linear(64, classes)
end
function Net:forward(x)
  x = self.norm(self.first(x)):relu()
  for _, block in ipairs(self.blocks) do x = block(x) end
  return self.head(x:mean { 3, 4 })
end

local start = luron.clock()
--- Train with a rate that rises and falls; the share of the test pictures of the new classes that is right, if `check`.
local function learn(model, set, epochs, lr, batch, check)
  local opt = luron.optim.SGD(model, { lr = lr, momentum = 0.9, nesterov = true, weight_decay = 5e-4 })
  local loader = set:loader { batch = batch, shuffle = true, drop_last = #set > batch }
  local rate = luron.schedule.OneCycleLR(opt, { max_lr = lr, epochs = epochs, steps_per_epoch = #loader, cycle_momentum = false })
  luron.fit(model, loader, { epochs = epochs, optim = opt, schedule = rate, progress = not check })
  return check and 100 * luron.evaluate(model, check).accuracy
end

local model = Net(7)
learn(model, many, args.epochs, args.lr, args.batch)

-- The new classes: the body stays as it is, so it need see each picture but once; what it makes of them is what the head learns from.
local function seen_by(body, set)
  body.head = nn.Identity()
  body:eval()
  local x, y = set:batch(1, #set)
  return data.tensors(luron.no_grad(function() return body(x) end), y)
end
model:freeze()
local head = nn.Linear(64, 3)
local rounds = args.smoke and 2 or 100
local moved = learn(head, seen_by(model, few), rounds, 0.05, 20, seen_by(model, held_out))
local alone = learn(Net(3), few:map(pictures.augment), rounds, 0.05, 20, held_out)
print(string.format("%s, from %d pictures each: %.1f %% of %d test pictures right with what was learned before, %.1f %% from scratch; %.1f s",
  table.concat(few.classes, ", "), FEW, moved, #held_out, alone, luron.clock() - start))
model.head = head
model:save(args.save, { preprocessing = { classes = few.classes } })
print("saved " .. args.save)
