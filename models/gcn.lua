--- A graph convolution network (Kipf and Welling, 2016): of 2,708 papers in seven fields, each a set of words, 140 are known. The
--- others follow from their words and from who cites whom: what a node holds is mixed with what its neighbours hold.
--- Reaches some 81 % of 1,000 test papers in 200 epochs, 5 s on two cores.
---   luron models/gcn.lua [--epochs 200] [--lr 0.01] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local cora = require "cora"
local luron = require "luron"
local nn = luron.nn

local args = options.parse("gcn.lua", "A graph convolution network sorts papers by field.", { epochs = 200, lr = 0.01, data = true, save = "gcn.h5" })
local graph = cora.read(args)
local x, y, known, test = graph.x, graph.y, graph.train, graph.test

-- Each edge is divided by the roots of its nodes' numbers of neighbours, so that sums stay in size.
local scale = graph.edges:sum(2):rsqrt()
local mix = graph.edges:with_values(scale[graph.edges:rows()] * scale[graph.edges:cols()])

local GCN = nn.class "GCN"
function GCN:init(inputs, hidden, classes)
  self.drop = nn.Dropout(0.5)
  self.one = nn.Linear { inputs, hidden, weight_init = "xavier_uniform", bias_init = "zeros" }
  self.two = nn.Linear { hidden, classes, weight_init = "xavier_uniform", bias_init = "zeros" }
end

-- Weights first, then neighbours, then the bias: few columns go over the edges.
local function convolve(layer, h) return mix:matmul(h:matmul(layer.weight:t())) + layer.bias end

function GCN:forward(h)
  h = convolve(self.one, self.drop(h)):relu()
  return convolve(self.two, self.drop(h))
end

local model = GCN(x:size(2), 16, #graph.classes)
print(string.format("%d papers, %d words, %d edges; fields %s; %d weights", x:size(1), x:size(2), graph.edges:nnz(), table.concat(graph.classes, ", "),
  model:n_weights()))
local opt = luron.optim.Adam(model, { lr = args.lr, weight_decay = 5e-4 })
local step = luron.compile(function(inputs, ids, wanted)
  opt:zero_grad()
  local loss = nn.cross_entropy(model(inputs):index_select(1, ids), wanted)
  loss:backward()
  opt:step()
  return loss
end)

--- Share of the papers with these ids whose field is right.
local function accuracy(ids)
  model:eval()
  local scores = luron.no_grad(function() return model(x) end)
  model:train()
  return 100 * scores:argmax(2)[ids]:eq(y[ids]):float():mean():item()
end

local start = luron.clock()
for epoch = 1, args.smoke and 10 or args.epochs do
  local loss = step(x, known, y[known]):item()
  if epoch % 50 == 0 then print(string.format("epoch %d  loss %.4f  validation %.1f %%", epoch, loss, accuracy(graph.valid))) end
end
print(string.format("%.1f %% of %d test papers right after %.1f s", accuracy(test), #test, luron.clock() - start))
model:save(args.save, { optim = opt, preprocessing = { classes = graph.classes } })
print("saved " .. args.save)
