--- Cora: 2708 papers, their words, and which of them cite each other. From cora.tgz as its authors packed it.
local luron = require "luron"

local cora = {}

--- The text of a member of the archive, by tar; nil and a message on failure.
local function member(path, name)
  local pipe = assert(io.popen(string.format("tar -xzOf '%s' %s", path:gsub("'", "'\\''"), name)))
  local text = pipe:read "a"
  if not pipe:close() or text == "" then return nil, string.format("%s: tar gives no %s", path, name) end
  return text
end

-- A line "35\t0\t1 ... 0\tGenetic_Algorithms" for each paper: its number, words there or not, class.
local function papers(text)
  local words, names, number = {}, {}, {}
  for id, row, class in text:gmatch "(%d+)\t([01\t]+)\t([%w_]+)\n" do
    words[#words + 1], names[#names + 1], number[id] = row .. "\t", class, #words + 1
  end
  local x = luron.frombytes(table.concat(words), "uint8", #words, #words[1] // 2, 2):select(3, 1):float() - ("0"):byte()
  local classes, seen, y = {}, {}, {}
  for _, class in ipairs(names) do
    if not seen[class] then classes[#classes + 1], seen[class] = class, true end
  end
  table.sort(classes)
  for i, class in ipairs(classes) do seen[class] = i end
  for i, class in ipairs(names) do y[i] = seen[class] end
  return x / x:sum(2, true), luron.tensor(y), classes, number
end

--- { x (2708, 1433), each row of sum 1; y; edge_index (2, 10556), each citation both ways; classes; train, validation, test:
--- ids of the split of tkipf/pygcn }; nil and a message on failure.
function cora.read(path)
  local content, message = member(path, "cora/cora.content")
  if not content then return nil, message end
  local cites
  cites, message = member(path, "cora/cora.cites")
  if not cites then return nil, message end
  local x, y, classes, number = papers(content)
  local from, to = {}, {}
  for cited, citing in cites:gmatch "(%d+)\t(%d+)\n" do
    local a, b = number[cited], number[citing]
    if not a or not b then return nil, string.format("%s: %s cites %s, and one of them is no paper of it", path, citing, cited) end
    table.move({ a, b }, 1, 2, #from + 1, from)
    table.move({ b, a }, 1, 2, #to + 1, to)
  end
  local pairs_once = luron.sparse.coo(from, to, nil, { #y, #y })
  return { x = x, y = y, classes = classes, edge_index = luron.stack { pairs_once:rows(), pairs_once:cols() },
    train = luron.arange(1, 140), validation = luron.arange(201, 500), test = luron.arange(501, 1500) }
end

return cora
