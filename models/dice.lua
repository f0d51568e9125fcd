--- Three dice are thrown; a sum of 11 or more is called "big". First a layer made by hand, with weights 1, 1, 1 and the
--- threshold; then a 3-8-2 network that learns the same from examples and is right on all 216 throws.
---   luron models/dice.lua [--epochs 400] [--seed 1] [--threads 1] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local luron = require "luron"
local nn, data = luron.nn, luron.data

local args = options.parse("dice.lua", "Big or small? A network learns to judge three dice.",
  { epochs = 400, epochs_are = "Passes over the 216 throws at most", threads = "1" })

local classes = { "small", "big" }
local throws, ids = {}, {}
for a = 1, 6 do
  for b = 1, 6 do
    for c = 1, 6 do
      throws[#throws + 1] = { a, b, c }
      ids[#ids + 1] = a + b + c >= 11 and 2 or 1 -- class ids count from 1, as Lua does
    end
  end
end
local x, y = luron.tensor(throws):float(), luron.tensor(ids)

--- By hand: the sum of the eyes is an inner product with (1, 1, 1); 10.5 is the threshold between small and big.
local by_hand = nn.Linear(3, 1)
luron.no_grad(function()
  by_hand.weight:fill_(1)
  by_hand.bias:fill_(-10.5)
end)
local hand_right = (by_hand(x):squeeze():gt(0)):eq(y:eq(2)):sum():item()
print(string.format("by hand:  w = (1, 1, 1), b = -10.5              %d of 216 right", hand_right))
assert(hand_right == 216)

--- Learned: 3 inputs, 8 hidden neurons, 2 classes.
local model = nn.Sequential { nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2) }
local opt = luron.optim.Adam(model, { lr = 0.01 })
local loader = data.tensors(x, y, { classes = classes }):loader { batch = 16, shuffle = true }
local right, epoch = 0, 0
while right < 216 and epoch < args.epochs do
  epoch = epoch + 1
  for bx, by in loader do
    local loss = nn.cross_entropy(model(bx), by)
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
  right = model(x):argmax(2):eq(y):sum():item()
end
print(string.format("learned:  3-8-2 network after %3d epochs            %d of 216 right", epoch, right))

--- What it learned: how the difference of the two outputs moves with one more eye on each die, beside the hand-made layer.
local at = luron.tensor({ { 3.5, 3.5, 3.5 } }):requires_grad_()
local scores = model(at)
local slope = luron.grad(scores[1][2] - scores[1][1], at)
local s1, s2, s3 = slope[1][1]:item(), slope[1][2]:item(), slope[1][3]:item()
local mean = (s1 + s2 + s3) / 3
print(string.format("one more eye moves its mind by (%.2f, %.2f, %.2f); divided by the mean: (%.2f, %.2f, %.2f); by hand (1, 1, 1)",
  s1, s2, s3, s1 / mean, s2 / mean, s3 / mean))

for _, throw in ipairs { { 1, 2, 3 }, { 3, 3, 4 }, { 4, 3, 4 }, { 6, 6, 5 } } do
  local p = model(luron.tensor({ throw }):float()):softmax(2)
  local id = p:argmax(2):item()
  print(string.format("  %d %d %d (sum %2d): %-5s  %5.1f %% sure", throw[1], throw[2], throw[3], throw[1] + throw[2] + throw[3], classes[id],
    100 * p[1][id]:item()))
end
assert(right == 216, "the network is not right on all throws: try more epochs or another seed")
