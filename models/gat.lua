--- A graph attention network (Velickovic et al., 2017) on the papers of gcn.lua: it learns which neighbours to listen to. Eight heads
--- of 8 numbers, then one layer to the seven fields, dropout 0.6 on numbers and on attention.
--- Reaches some 82 % of 1,000 test papers in 200 epochs, 40 s on two cores.
---   luron models/gat.lua [--epochs 200] [--lr 0.005] [--seed 1] [--threads N] [--data DIR] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local options = require "options"
local cora = require "cora"
local luron = require "luron"
local nn = luron.nn

local args = options.parse("gat.lua", "A graph attention network sorts papers by field.", { epochs = 200, lr = 0.005, data = true, save = "gat.h5" })
local graph = cora.read(args)
local x, y, edges = graph.x, graph.y, graph.edges
local n, rows, cols = x:size(1), edges:rows(), edges:cols() -- of each edge the node that listens, and the one that is heard

--- Attention over the neighbours: of each edge a score, from both of its nodes; softmax over the edges of a node; and the sum of
--- what the neighbours say, each times its share. One head after the other, their outputs side by side.
local Attention = nn.class "Attention"
function Attention:init(inputs, outputs, heads)
  self.drop, self.linear = nn.Dropout(0.6), nn.Linear { inputs, outputs * heads, bias = false, weight_init = "xavier_uniform" }
  self.listens = nn.Linear { outputs, heads, bias = false, weight_init = "xavier_uniform" } -- row h belongs to head h
  self.speaks = nn.Linear { outputs, heads, bias = false, weight_init = "xavier_uniform" }
  self.heads = heads
end

function Attention:forward(h)
  local all = self.linear(self.drop(h)):chunk(self.heads, 2)
  local out = {}
  for i, z in ipairs(all) do
    local score = z:matmul(self.listens.weight[i]):index_select(1, rows) + z:matmul(self.speaks.weight[i]):index_select(1, cols)
    score = nn.leaky_relu(score, { negative_slope = 0.2 })
    local weight = (score - score:segment_max(rows, n):detach():index_select(1, rows)):exp()
    local share = weight / weight:segment_sum(rows, n):index_select(1, rows)
    out[i] = edges:with_values(self.drop(share)):matmul(self.drop(z))
  end
  return luron.cat(out, 2)
end

local GAT = nn.class "GAT"
function GAT:init(inputs, classes) self.one, self.two = Attention(inputs, 8, 8), Attention(64, classes, 1) end
function GAT:forward(h) return self.two(nn.elu(self.one(h))) end

local model = GAT(x:size(2), #graph.classes)
print(string.format("%d papers, %d edges; %d weights", n, edges:nnz(), model:n_weights()))
local opt = luron.optim.Adam(model, { lr = args.lr, weight_decay = 5e-4 })

--- Share of the papers with these ids whose field is right.
local function accuracy(ids)
  model:eval()
  local scores = luron.no_grad(function() return model(x) end)
  model:train()
  return 100 * scores:argmax(2)[ids]:eq(y[ids]):float():mean():item()
end

local start = luron.clock()
for epoch = 1, args.smoke and 4 or args.epochs do
  local loss = nn.cross_entropy(model(x)[graph.train], y[graph.train])
  opt:zero_grad()
  loss:backward()
  opt:step()
  if epoch % 50 == 0 then print(string.format("epoch %d  loss %.4f  validation %.1f %%", epoch, loss:item(), accuracy(graph.valid))) end
end
print(string.format("%.1f %% of %d test papers right after %.1f s", accuracy(graph.test), #graph.test, luron.clock() - start))
model:save(args.save, { optim = opt, preprocessing = { classes = graph.classes } })
print("saved " .. args.save)
