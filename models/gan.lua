--- Two networks play against each other (Goodfellow et al., 2014): one draws clothes from noise, the other tells drawn ones from real
--- ones, and each learns from the other's mistakes. A third one, that knows the ten kinds of clothes, counts what is drawn.
--- Reaches all ten kinds in 1,000 pictures after 6 epochs, two minutes on two cores (more epochs: better ones).
---   luron models/gan.lua [--epochs 6] [--batch 64] [--lr 0.0002] [--seed 1] [--threads N] [--data DIR] [--save FILE]
---     [--picture FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local pictures = require "pictures"
local luron = require "luron"
local nn = luron.nn

local NOISE = 64
local args = options.parse("gan.lua", "Two networks learn to draw clothes by playing against each other.",
  { epochs = 6, batch = 64, lr = 2e-4, data = true, save = "gan.h5" },
  function(parser) parser:option("--picture", "Write drawn pictures here", "gan.pgm") end)
local train, test = pictures.clothes(args)

local generator = nn.Sequential {
  nn.Linear(NOISE, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 512), nn.BatchNorm1d(512), nn.ReLU(),
  nn.Linear(512, 784), nn.Sigmoid(), nn.Reshape { 1, 28, 28 },
}
local judge = nn.Sequential {
  nn.Flatten(), nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(256, 1),
}
local draws = luron.optim.Adam(generator, { lr = args.lr, beta1 = 0.5 })
local judges = luron.optim.Adam(judge, { lr = args.lr, beta1 = 0.5 })
local real, drawn = luron.full(0.9, args.batch, 1), luron.zeros(args.batch, 1) -- 0.9: not too sure of itself

--- One move of each: noise comes as an argument, for a step that is repeated draws no random numbers outside of layers.
local step = luron.compile(function(x, noise)
  local picture = generator(noise)
  judges:zero_grad()
  local fault = nn.bce_with_logits_loss(judge(x), real) + nn.bce_with_logits_loss(judge(picture:detach()), drawn)
  fault:backward()
  judges:step()
  draws:zero_grad()
  local found = nn.bce_with_logits_loss(judge(picture), real) -- drawn pictures shall be taken for real ones
  found:backward()
  draws:step()
  return fault, found
end)

local loader = train:loader { batch = args.batch, shuffle = true, drop_last = true }
local line, start = luron.progress(args.epochs, loader:examples()), luron.clock()
for _ = 1, args.epochs do
  line:begin()
  local sum = 0
  for x in loader do
    local fault, found = step(x, luron.randn(args.batch, NOISE))
    line:step(#x, fault:item())
    sum = sum + found:item()
  end
  line:finish(string.format("of the generator %.4f", sum / #loader))
end

-- What was drawn, as one sees it who knows clothes.
local expert = nn.Sequential { nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10) }
luron.fit(expert, train, { epochs = args.smoke and 1 or 4, progress = false })
generator:eval()
local x = luron.no_grad(function() return generator(luron.randn(1000, NOISE)) end)
local counts = luron.no_grad(function() return expert(x):argmax(2) end):bincount(nil, 10):totable()
local kinds, words = 0, {}
for id, count in ipairs(counts) do
  kinds = kinds + (count > 0 and 1 or 0)
  words[id] = string.format("%s %d", train.classes[id], count)
end
print(string.format("%d kinds of clothes in 1,000 drawn pictures after %.1f s: %s (by one who is right on %.1f %% of real ones)", kinds,
  luron.clock() - start, table.concat(words, ", "), 100 * luron.evaluate(expert, test).accuracy))
pictures.write(args.picture, x, 10)
generator:save(args.save, { optim = draws })
print("saved " .. args.save .. " and " .. args.picture)
