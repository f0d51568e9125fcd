--- One neuron: an inner product, a threshold made smooth (the transfer function), and weights learned by gradient descent.
--- It learns AND and OR. XOR it cannot: no straight line separates its cases. Two layers of neurons can.
---   luron models/neuron.lua [--epochs 2000] [--seed 1] [--threads 1] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local luron = require "luron"
local nn = luron.nn

local args = options.parse("neuron.lua", "One neuron learns AND and OR; two layers learn XOR.",
  { epochs = 2000, epochs_are = "Steps of gradient descent", threads = "1" })
local steps = args.smoke and 600 or args.epochs

local inputs = luron.tensor { { 0.0, 0.0 }, { 0.0, 1.0 }, { 1.0, 0.0 }, { 1.0, 1.0 } }
local tables = {
  { name = "AND", wanted = luron.tensor { { 0.0 }, { 0.0 }, { 0.0 }, { 1.0 } } },
  { name = "OR", wanted = luron.tensor { { 0.0 }, { 1.0 }, { 1.0 }, { 1.0 } } },
  { name = "XOR", wanted = luron.tensor { { 0.0 }, { 1.0 }, { 1.0 }, { 0.0 } } },
}

--- How many of the four cases are on the right side of one half.
local function right(output, wanted)
  return output:gt(0.5):eq(wanted:gt(0.5)):sum():item()
end

--- A neuron by hand: y = sigmoid(x . w + b), its gradient from the tape, its step written out.
local function learn_neuron(wanted)
  local w = luron.randn(2, 1):requires_grad_()
  local b = luron.zeros(1):requires_grad_()
  local output
  for _ = 1, steps do
    output = (inputs:matmul(w) + b):sigmoid() -- inner product, then the transfer function
    local loss = ((output - wanted) ^ 2):mean()
    w:zero_grad()
    b:zero_grad()
    loss:backward()
    luron.no_grad(function()
      w:sub_(w:grad() * 4)
      b:sub_(b:grad() * 4)
    end)
  end
  return output, w, b
end

for _, case in ipairs(tables) do
  local output, w, b = learn_neuron(case.wanted)
  local n = right(output, case.wanted)
  print(string.format("one neuron, %-3s  %d of 4 right   w = (%6.2f, %6.2f), b = %6.2f   %s", case.name, n,
    w[1]:item(), w[2]:item(), b:item(), n == 4 and "learned" or "cannot: no line separates its cases"))
  assert((n == 4) == (case.name ~= "XOR"), "one neuron does not behave as it must")
end

--- The same with layers: two inputs, four hidden neurons, one output.
local xor = tables[3]
local model = nn.Sequential { nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1), nn.Sigmoid() }
local opt = luron.optim.Adam(model, { lr = 0.05 })
for _ = 1, steps do
  local loss = nn.bce_loss(model(inputs), xor.wanted)
  opt:zero_grad()
  loss:backward()
  opt:step()
end
local output = model(inputs)
print(string.format("two layers, XOR  %d of 4 right   outputs %.2f %.2f %.2f %.2f   learned", right(output, xor.wanted),
  output[1]:item(), output[2]:item(), output[3]:item(), output[4]:item()))
assert(right(output, xor.wanted) == 4, "two layers did not learn XOR")
