--- Layers, losses and models. Types are found by name through core, so that those of third-party plugins are here too:
--- nn.Linear(784, 128), nn.relu(x).
local core = require "luron.core"
local module = require "luron.module"
local no_layer, check_options = require("luron.names").no_layer, require("luron.names").options

local nn = { Module = module.Module, class = module.class }

-- ---- graph nodes -----------------------------------------------------------------------------------------------------
local Node = { __name = "luron.node" }
local order = 0 -- nodes are put into a graph in the order in which they were made

local function is_node(value) return type(value) == "table" and getmetatable(value) == Node end

local function new_values(from, n)
  order = order + 1
  from.order = order
  local values = {}
  for i = 1, n do values[i] = setmetatable({ from = from, out = i }, Node) end
  return table.unpack(values, 1, n)
end

local function port_number(callee, name)
  local is_layer = core.is_layer(callee)
  for i, port in ipairs(is_layer and core.type_info("layer", callee:type()).inputs or (callee:inputs())) do
    if port == name then return i end
  end
  core.raise(string.format("%s has no input '%s'", is_layer and callee:type() or "the model", tostring(name)))
end

--- A layer or model was called with a node among its arguments.
function Node.apply(callee, ...)
  local ins, n = { ... }, select("#", ...)
  local last = ins[n]
  if type(last) == "table" and not is_node(last) then
    ins[n], n = nil, n - 1
    for name, node in pairs(last) do
      local i = port_number(callee, name)
      ins[i], n = node, math.max(n, i)
    end
  end
  for i = 1, n do
    if ins[i] ~= nil and not is_node(ins[i]) then
      core.raise(string.format("input %d: a graph node expected beside the others, got %s", i, core.got(ins[i])))
    end
  end
  local n_out
  if core.is_layer(callee) then
    n_out = callee:n_outs()
  else
    n_out = select(2, callee:inputs())
  end
  return new_values({ callee = callee, ins = ins, n = n }, n_out)
end

local methods = require "luron.graph_ops"(Node, is_node, new_values)

function Node.__index(_, key)
  if type(key) ~= "string" then core.raise "a graph node takes no [ ]: use narrow, select and index_select" end
  local found = methods[key] or core.layer_function(key)
  if found then return found end
  core.raise(string.format("a graph node has no '%s': it is no tensor yet; apply layers and models to it", tostring(key)))
end

function Node:__tostring()
  local from = rawget(self, "from")
  if from.callee then return "graph node of " .. tostring(from.callee):match "^[^\n]*" end
  return "graph node " .. (from.input and "(input)" or from.op and "of " .. from.op or "(constant)")
end

function Node.__concat() core.raise "'..' joins strings: join nodes with luron.cat({ a, b }, dim)" end

--- An input of a graph.
function nn.Input(name)
  if name ~= nil and type(name) ~= "string" then core.badarg(1, "Input", "name: string expected, got " .. core.got(name)) end
  return (new_values({ input = true, name = name }, 1))
end

local function list_of_nodes(options, key)
  local list = options[key]
  if is_node(list) then list = { list } end
  if type(list) ~= "table" or #list == 0 then core.badarg(1, "Graph", string.format("%s: list of nodes expected, got %s", key, core.got(list))) end
  for i, node in ipairs(list) do
    if not is_node(node) then core.badarg(1, "Graph", string.format("%s: node expected at [%d], got %s", key, i, core.got(node))) end
  end
  return list
end

-- Everything that the outputs are made from, in order of making.
local function reachable(outputs)
  local seen, todo, found = {}, {}, {}
  for _, node in ipairs(outputs) do todo[#todo + 1] = node.from end
  while #todo > 0 do
    local from = table.remove(todo)
    if not seen[from] then
      seen[from] = true
      found[#found + 1] = from
      for i = 1, from.n or 0 do
        if from.ins[i] then todo[#todo + 1] = from.ins[i].from end
      end
    end
  end
  table.sort(found, function(a, b) return a.order < b.order end)
  return found
end

local function add_to_graph(model, from, at, names)
  local name, values = names[from.callee or from.tensor], {}
  if from.number or from.tensor then
    at[from] = { { core.model_tensor(model, name, from.number or from.tensor, from.tensor and from.tensor:requires_grad()), 1 } }
    return
  end
  for i = 1, from.n do
    local node = from.ins[i]
    local value = node and at[node.from][node.out] or { -1, 1 }
    values[2 * i - 1], values[2 * i] = value[1], value[2]
  end
  local outs = {}
  if from.op then
    outs[1] = { core.model_op(model, from.op, from.attrs, values), 1 }
  elseif core.is_layer(from.callee) then
    local node = core.model_add(model, name, from.callee, values)
    for i = 1, from.callee:n_outs() do outs[i] = { node, i } end
  else
    local list = core.model_include(model, name, from.callee, values)
    for i = 1, #list // 2 do outs[i] = { list[2 * i - 1], list[2 * i] } end
  end
  at[from] = outs
end

local graph_options = { inputs = "any", outputs = "any", names = "any" }

--- nn.Graph { inputs = { a, b }, outputs = { y }, names = { encoder = layer } }: a model over nodes.
function nn.Graph(options)
  if type(options) ~= "table" then core.badarg(1, "Graph", "table { inputs =, outputs = } expected, got " .. core.got(options)) end
  check_options(1, "Graph", options, graph_options)
  local inputs, outputs = list_of_nodes(options, "inputs"), list_of_nodes(options, "outputs")
  local names = {}
  if options.names ~= nil and type(options.names) ~= "table" then core.badarg(1, "Graph", "names: table expected, got " .. core.got(options.names)) end
  for name, part in pairs(options.names or {}) do
    if type(name) ~= "string" or not (core.is_layer(part) or core.is_model(part) or core.is_tensor(part)) then
      core.badarg(1, "Graph", string.format("names: { name = layer, model or tensor } expected, got %s at %s", core.got(part), core.got(name)))
    end
    names[part] = name
  end
  local model, at = core.model_new(), {}
  for i, node in ipairs(inputs) do
    if not node.from.input then core.badarg(1, "Graph", string.format("inputs: a node made by nn.Input expected at [%d]", i)) end
    if at[node.from] then core.badarg(1, "Graph", string.format("inputs: the node at [%d] stands there twice", i)) end
    at[node.from] = { { core.model_input(model, node.from.name), 1 } }
  end
  for _, from in ipairs(reachable(outputs)) do
    if from.input and not at[from] then
      local name = from.name and " '" .. from.name .. "'" or ""
      core.badarg(1, "Graph", string.format("inputs: an input%s that the outputs need is not in the list", name))
    end
    if not from.input then add_to_graph(model, from, at, names) end
  end
  local outs = {}
  for _, node in ipairs(outputs) do
    local value = at[node.from][node.out]
    outs[#outs + 1], outs[#outs + 2] = value[1], value[2]
  end
  core.model_outputs(model, outs)
  return model
end

-- ---- sequential ------------------------------------------------------------------------------------------------------
local function append(model, value, item, name, i)
  if core.is_layer(item) then return { core.model_add(model, name, item, value), 1 } end
  if not core.is_model(item) then
    local hint = module.is_module(item) and " (an instance of a class is no part of a model in C: call it in a class of yours)"
      or type(item) == "function" and " (functions have layers of their own: nn.ReLU() for nn.relu)" or ""
    core.badarg(1, "Sequential", string.format("item %d: layer or model expected, got %s%s", i, core.got(item), hint))
  end
  local outs = core.model_include(model, name, item, value)
  if #outs ~= 2 then
    core.badarg(1, "Sequential", string.format("item %d: a model with one output expected, got one with %d", i, #outs // 2))
  end
  return outs
end

--- Layers and models one after the other: nn.Sequential { a, b }, with names nn.Sequential { { "enc", a }, { "dec", b } }.
function nn.Sequential(...)
  local items = { ... }
  if select("#", ...) == 1 and type(items[1]) == "table" and getmetatable(items[1]) == nil then items = items[1] end
  local n = items[1] == ... and select("#", ...) or 0 -- a nil at the end counts
  for key in pairs(items) do
    if math.type(key) ~= "integer" or key < 1 then core.badarg(1, "Sequential", string.format("a list expected, got the key %s", core.got(key))) end
    n = math.max(n, key)
  end
  if n == 0 then core.badarg(1, "Sequential", "at least one layer expected, got none") end
  local model = core.model_new()
  local value = { core.model_input(model), 1 }
  for i = 1, n do
    local item, name = items[i], nil
    if type(item) == "table" and getmetatable(item) == nil then
      name, item = item[1], item[2]
      if type(name) ~= "string" then
        core.badarg(1, "Sequential", string.format("item %d: { name, layer } expected, got a table without a name", i))
      end
    end
    value = append(model, value, item, name, i)
  end
  core.model_outputs(model, value)
  return model
end

--- The forward of an instance of a class as a model in C: nn.trace(net, example, ...[, { batch = }]).
function nn.trace(...) return require "luron.trace"("trace", ...) end

-- A node for a tensor, which a graph has as a parameter or constant.
local function tensor_node(tensor) return (new_values({ tensor = tensor, n = 0, ins = {} }, 1)) end

for _, name in ipairs { "weight_norm", "spectral_norm", "TimeDistributed" } do
  nn[name] = function(...) return require "luron.reparametrize"[name](nn, tensor_node, ...) end
end

for _, name in ipairs { "Transformer", "TransformerEncoderLayer", "TransformerDecoderLayer", "TransformerEncoder", "TransformerDecoder" } do
  nn[name] = function(...) return require "luron.transformer"(nn)[name](...) end
end

--- Tensors (t, ...) as one (n, t, ...), and their lengths.
function nn.pad_sequence(list, options)
  if type(list) ~= "table" or #list == 0 then core.badarg(1, "pad_sequence", "list of tensors expected, got " .. core.got(list)) end
  options = check_options(2, "pad_sequence", options, { padding_value = "number" })
  local lengths, most, padded = {}, 0, {}
  for i, x in ipairs(list) do
    if not core.is_tensor(x) or x:dim() == 0 then core.badarg(1, "pad_sequence", string.format("tensor expected at [%d], got %s", i, core.got(x))) end
    lengths[i] = x:size(1)
    most = math.max(most, lengths[i])
  end
  for i, x in ipairs(list) do
    local widths = { { 0, most - lengths[i] } }
    for d = 2, x:dim() do widths[d] = { 0, 0 } end
    padded[i] = x:pad(widths, options.padding_value or 0)
  end
  return core.stack(padded, 1), core.tensor(lengths, { dtype = "int64" })
end

-- ---- types by name ---------------------------------------------------------------------------------------------------
return setmetatable(nn, {
  __index = function(_, name)
    if type(name) ~= "string" then return nil end
    if name == "init" then -- loaded at first use
      nn.init = require "luron.initialise"
      return nn.init
    end
    local lazy = name:match "^Lazy(%u.*)$"
    local find = name:match "^%u" and core.layer_type or core.layer_function
    local found, message = lazy and require("luron.lazy").constructor(lazy)
    if not found then found, message = find(name) end
    if not found then core.raise(no_layer(name) or message) end
    nn[name] = found
    return found
  end,
  __name = "luron.nn",
})
