--- For gcn.lua and gat.lua: the Cora graph, with the split of tkipf/pygcn.
local luron = require "luron"
local options = require "options"

local cora = {}

--- Papers as nodes: { x = (n, words), each row with sum 1; y = ids of fields; classes = their names; edges = a sparse (n, n) matrix,
--- both ways and of each node with itself, all values 1; train, valid, test = ids of papers }.
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
  return {
    x = x / x:sum(2, true), y = papers.ids[field], classes = papers.classes[field],
    edges = luron.sparse.coo(to, from, luron.ones(#from), { n, n }),
    train = luron.arange(1, 140), valid = luron.arange(201, 500), test = luron.arange(501, 1500),
  }
end

return cora
