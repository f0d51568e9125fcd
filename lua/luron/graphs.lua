--- Graphs as data: several as one, and edges normalised once for many steps.
local core = require "luron.core"
local names = require "luron.names"

local graphs = {}

local function tensor(graph, i, key, ndim)
  local t = graph[key]
  local where = string.format("graphs[%d].%s: tensor", i, key)
  if not core.is_tensor(t) then core.badarg(1, "graphs", where .. " expected, got " .. core.got(t)) end
  if t:dim() ~= ndim then core.badarg(1, "graphs", string.format("%s of %d dims expected, got shape %s", where, ndim, t:shape())) end
  return t
end

local function check(graph, i)
  if type(graph) ~= "table" then core.badarg(1, "graphs", string.format("graphs[%d]: table expected, got %s", i, core.got(graph))) end
  local x, edges = tensor(graph, i, "x", 2), tensor(graph, i, "edge_index", 2)
  if edges:size(1) ~= 2 then core.badarg(1, "graphs", string.format("graphs[%d].edge_index: (2, edges) expected, got shape %s", i, edges:shape())) end
  if edges:numel() > 0 and (edges:min():item() < 1 or edges:max():item() > #x) then
    core.badarg(1, "graphs", string.format("graphs[%d].edge_index: ids within 1 to %d, its nodes, expected, got %d to %d", i, #x, edges:min():item(), edges:max():item()))
  end
  if graph.edge_weight ~= nil and #tensor(graph, i, "edge_weight", 1) ~= edges:size(2) then
    core.badarg(1, "graphs", string.format("graphs[%d].edge_weight: one for each of %d edges expected, got %d", i, edges:size(2), #graph.edge_weight))
  end
  return x, edges
end

-- What all graphs have under `key`, one after the other; nil: none has it.
local function joined(list, key)
  local parts = {}
  for i, graph in ipairs(list) do
    local part = graph[key]
    if (part == nil) ~= (list[1][key] == nil) then core.badarg(1, "graphs", string.format("graphs[%d]: %s in all graphs or in none expected", i, key)) end
    if type(part) == "number" then part = core.tensor(part) end
    if part ~= nil and not core.is_tensor(part) then
      core.badarg(1, "graphs", string.format("graphs[%d].%s: tensor or number expected, got %s", i, key, core.got(part)))
    end
    if part ~= nil then parts[i] = part:dim() == 0 and part:reshape(1) or part end
  end
  return #parts > 0 and core.cat(parts, 1) or nil
end

--- A list of graphs { x (nodes, features), edge_index (2, edges), edge_weight = nil, y = nil } as one graph that has them side by
--- side: { x, edge_index, edge_weight, y, batch: the graph of each node, ptr: where each graph begins, and the end }.
function graphs.graphs(list)
  if type(list) ~= "table" or debug.getmetatable(list) or #list == 0 then core.badarg(1, "graphs", "graphs: list of at least one expected, got " .. core.got(list)) end
  local edges, batch, ptr, n = {}, {}, { 1 }, 0
  for i, graph in ipairs(list) do
    local x, ids = check(graph, i)
    edges[i], batch[i] = ids:to "int64" + n, core.full(i, #x, { dtype = "int64" })
    n = n + #x
    ptr[i + 1] = n + 1
  end
  return { x = joined(list, "x"), edge_index = core.cat(edges, 2), edge_weight = joined(list, "edge_weight"), y = joined(list, "y"),
    batch = core.cat(batch, 1), ptr = core.tensor(ptr) }
end

--- The edges with a loop for each of n nodes that has none, and D^-1/2 (A + I) D^-1/2 as their weights: what
--- nn.GCNConv { normalize = false } takes, the same in every step.
function graphs.gcn_norm(edge_index, edge_weight, n, options)
  if not core.is_tensor(edge_index) or edge_index:dim() ~= 2 or edge_index:size(1) ~= 2 then
    core.badarg(1, "gcn_norm", "edge_index: tensor (2, edges) expected, got " .. core.got(edge_index))
  end
  if math.type(n) ~= "integer" or n < 0 then core.badarg(3, "gcn_norm", "n: number of nodes expected, got " .. core.got(n)) end
  if edge_weight ~= nil and (not core.is_tensor(edge_weight) or edge_weight:dim() ~= 1 or #edge_weight ~= edge_index:size(2)) then
    core.badarg(2, "gcn_norm", string.format("edge_weight: tensor (%d), one for each edge, expected, got %s", edge_index:size(2), core.got(edge_weight)))
  end
  options = names.options(4, "gcn_norm", options, { improved = "any" })
  local from, to = edge_index:select(1, 1), edge_index:select(1, 2)
  local weights = edge_weight or core.ones(edge_index:size(2))
  local looped = from:eq(to):to "float32":segment_sum(to, n):gt(0)
  local bare = looped:logical_not():nonzero():reshape(-1)
  local loops = core.full(options.improved and 2 or 1, #bare, { dtype = weights:dtype() })
  from, to, weights = core.cat({ from:to "int64", bare }, 1), core.cat({ to:to "int64", bare }, 1), core.cat({ weights, loops }, 1)
  local degree = weights:segment_sum(to, n)
  local scale = core.where(degree:eq(0), degree, degree:rsqrt())
  return core.stack { from, to }, scale:index_select(1, from) * weights * scale:index_select(1, to)
end

return graphs
