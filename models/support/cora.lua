--- For gcn.lua and gat.lua: the Cora graph, with the split of tkipf/pygcn.
local luron = require "luron"
local options = require "options"
local nn = luron.nn

local cora = {}

--- Papers as nodes: { x = (n, words), each row with sum 1; words = how many; y = ids of fields; classes = their names; edges = (2, m),
--- sources and their targets, both ways and of each node with itself; train, valid, test = ids of papers }.
function cora.read(args)
  local archive = options.file(args, "cora", "cora.tgz")
  local function rows_of(member)
    local path = options.unpack(archive, "cora/" .. member)
    local rows = options.need(luron.data.csv(path, { delimiter = "tab", header = "no", dtype = "float64" })) -- numbers of papers are long
    os.remove(path)
    return rows
  end
  local papers, cites = rows_of "cora.content", rows_of "cora.cites"
  local n, words = papers.data:size(1), papers.data:size(2) - 1
  local node = {}
  for i, number in ipairs(papers.data:select(2, 1):long():totable()) do node[number] = i end
  local from, to, seen = {}, {}, {}
  local function add(a, b)
    if not seen[a * n + b] then
      seen[a * n + b] = true
      from[#from + 1], to[#to + 1] = a, b
    end
  end
  for _, pair in ipairs(cites.data:long():totable()) do
    local a, b = node[pair[1]], node[pair[2]]
    add(a, b)
    add(b, a)
  end
  for i = 1, n do add(i, i) end
  local x = papers.data:narrow(2, 2, words):float()
  local field = "column" .. words + 2
  local edges = luron.sparse.coo(to, from, luron.ones(#from), { n, n }) -- in order
  return {
    x = x / x:sum(2, true), words = words, y = papers.ids[field], classes = papers.classes[field],
    edges = luron.stack { edges:cols(), edges:rows() },
    train = luron.arange(1, 140), valid = luron.arange(201, 500), test = luron.arange(501, 1500),
  }
end

--- Train a model of nodes (n, words) and edges: all papers go in at each step, and the fields of those known are compared.
function cora.learn(args, graph, model)
  local x, y, edges = graph.x, graph.y, graph.edges
  print(string.format("%d papers, %d words, %d edges; fields %s; %d weights", #x, graph.words, edges:size(2), table.concat(graph.classes, ", "),
    model:n_weights()))
  local opt = luron.optim.Adam(model, { lr = args.lr, weight_decay = 5e-4 })
  local step = luron.compile(function(ids, wanted)
    opt:zero_grad()
    local loss = nn.cross_entropy(model(x, edges):index_select(1, ids), wanted)
    loss:backward()
    opt:step()
    return loss
  end)
  -- Share of the papers with these ids whose field is right.
  local function accuracy(ids)
    model:eval()
    local scores = luron.no_grad(model, x, edges)
    model:train()
    return 100 * scores:argmax(2)[ids]:eq(y[ids]):float():mean():item()
  end
  local start = luron.clock()
  for epoch = 1, args.smoke and 4 or args.epochs do
    local loss = step(graph.train, y[graph.train]):item()
    if epoch % 50 == 0 then print(string.format("epoch %d  loss %.4f  validation %.1f %%", epoch, loss, accuracy(graph.valid))) end
  end
  print(string.format("%.1f %% of %d test papers right after %.1f s", accuracy(graph.test), #graph.test, luron.clock() - start))
  model:save(args.save, { optim = opt, preprocessing = { classes = graph.classes } })
  print("saved " .. args.save)
end

return cora
