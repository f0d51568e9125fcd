--- Which of seven fields is a paper of? Cora: 140 of 2708 papers are labelled, all say which they cite. A graph convolution
--- network of two layers (Kipf and Welling, 2017): 80 % of the test papers right, about 3 s on two cores.
---   luron models/gcn.lua [--data DIR] [--epochs 200] [--seed 1] [--runs 1] [--threads N] [--save FILE] [--smoke]
package.path = arg[0]:gsub("[^/]*$", "support/?.lua;") .. package.path
local argparse = require "argparse"
local luron = require "luron"
local cora = require "cora"
local nn = luron.nn

--- A whole number from 1 on, for options.
local function count(text)
  local n = math.tointeger(tonumber(text))
  if n and n >= 1 then return n end
  return nil, string.format("'%s' is no whole number from 1 on", text)
end

local parser = argparse("gcn.lua", "Train a graph convolution network on Cora.")
parser:option("--data", "Folder with cora/cora.tgz", os.getenv "LURON_DATA" or "data")
parser:option("--epochs", "Steps, each over the whole graph", "200"):convert(count)
parser:option("--seed", "Seed of the random numbers", "1"):convert(math.tointeger)
parser:option("--runs", "Train so many times, with seeds one after the other", "1"):convert(count)
parser:option("--threads", "Threads (default: all)"):convert(count)
parser:option("--save", "Write a checkpoint of the last run here", "gcn.h5")
parser:flag("--smoke", "A short run, to see that it works")
local args = parser:parse()
if args.threads then luron.threads(args.threads) end
if args.smoke then args.epochs = 5 end

local graph, message = cora.read(args.data .. "/cora/cora.tgz")
if not graph then
  io.stderr:write(message, "\ngcn.lua: --data DIR (or LURON_DATA) has to name the folder that has cora/cora.tgz\n")
  os.exit(1)
end
local x, edges, y = graph.x, graph.edge_index, graph.y

local function network()
  local words, cites = nn.Input(), nn.Input()
  local hidden = nn.Dropout(0.5)(nn.GCNConv(1433, 16)(words, cites):relu())
  return nn.Graph { inputs = { words, cites }, outputs = { nn.GCNConv(16, 7)(hidden, cites) } }
end

--- Share of the papers `ids` whose field is found.
local function accuracy(model, ids)
  model:eval()
  local scores = luron.no_grad(model, x, edges)
  model:train()
  return scores:index_select(1, ids):argmax(2):eq(y:index_select(1, ids)):float():mean():item()
end

local model, opt
local function train(seed)
  luron.seed(seed)
  model = network()
  opt = luron.optim.Adam(model, { lr = 0.01, weight_decay = 5e-4 })
  local truth = y:index_select(1, graph.train)
  local step = luron.compile(function()
    local loss = nn.cross_entropy(model(x, edges):index_select(1, graph.train), truth)
    opt:zero_grad()
    loss:backward()
    opt:step()
    return loss
  end)
  for epoch = 1, args.epochs do
    local loss = step()
    if epoch % 50 == 0 then
      print(string.format("  epoch %3d  loss %.4f  validation %.1f %%", epoch, loss:item(), 100 * accuracy(model, graph.validation)))
    end
  end
  return 100 * accuracy(model, graph.test)
end

local start, sum = luron.clock(), 0
for run = 1, args.runs do
  local right = train(args.seed + run - 1)
  sum = sum + right
  print(string.format("seed %d: %.1f %% of 1000 test papers right", args.seed + run - 1, right))
end
print(string.format("mean of %d: %.2f %% after %.1f s", args.runs, sum / args.runs, luron.clock() - start))
model:save(args.save, { optim = opt, epoch = args.epochs, preprocessing = { classes = graph.classes } })
print("saved " .. args.save)
