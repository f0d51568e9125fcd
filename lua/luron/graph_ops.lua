--- Arithmetic and methods of tensors on the nodes of nn.Graph: each makes a node that applies an op of core by its name.
--- What needs the rank of a tensor (transpose, flatten) is not here: a node does not know it.
local core = require "luron.core"

-- install(Node, is_node, new_values): give nodes their operators; returns what makes a method.
local function install(Node, is_node, new_values)
  local methods = {}

  -- An operand: a node, or a number or tensor that becomes one.
  local function operand(value, what)
    if is_node(value) then return value end
    if type(value) == "number" then return (new_values({ number = value, n = 0, ins = {} }, 1)) end
    if core.is_tensor(value) then return (new_values({ tensor = value, n = 0, ins = {} }, 1)) end
    core.raise(string.format("%s: graph node, tensor or number expected, got %s", what, core.got(value)))
  end

  local function apply(name, attrs, ...)
    local ins = table.pack(...)
    for i = 1, ins.n do ins[i] = operand(ins[i], name) end
    return (new_values({ op = name, attrs = attrs, ins = ins, n = ins.n }, 1))
  end

  -- Ids in a tensor count from 1 here, and as the program counts that runs the model.
  local function ids(value, what)
    if core.is_tensor(value) then return apply("to_ids", { from = 1 }, value) end
    return operand(value, what)
  end

  local function integer(value, what)
    if math.type(value) ~= "integer" then core.raise(string.format("%s: integer expected, got %s", what, core.got(value))) end
    return value
  end

  local function dim(value, what)
    integer(value, what .. ": dim")
    if value == 0 then core.raise(what .. ": dim: dims count from 1 (or from the end: -1), got 0") end
    return value > 0 and value - 1 or value
  end

  local function sizes(what, ...)
    local list = type(...) == "table" and ... or { ... }
    for _, size in ipairs(list) do integer(size, what .. ": size") end
    return list
  end

  -- Dims of a reduction: none (all), one or a list.
  local function dims(value, what)
    local list = {}
    for i, d in ipairs(type(value) == "table" and value or { value }) do
      list[i] = dim(d, what)
      if list[i] < 0 then core.raise(what .. ": dim: on a graph node dims count from the front") end
    end
    return list
  end

  local function reduction(name, more)
    methods[name] = function(self, over, keepdim, number)
      local attrs = { dims = dims(over, name), keepdim = keepdim or false }
      if more then attrs[more] = number or 1 end
      return apply(name, attrs, self)
    end
  end

  local lists = core.op_list()
  for _, name in ipairs(lists.unary) do methods[name] = function(self) return apply(name, {}, self) end end
  for _, name in ipairs(lists.binary) do methods[name] = function(self, other) return apply(name, {}, self, other) end end
  for _, name in ipairs { "softmax", "log_softmax", "squeeze", "unsqueeze" } do
    methods[name] = function(self, d) return apply(name, { dim = dim(d, name) }, self) end
  end
  for _, name in ipairs { "cumsum", "cumprod" } do
    methods[name] = function(self, d) return apply(name, { dim = dim(d, name) }, self) end
  end
  for _, name in ipairs { "sum", "mean", "prod", "amax", "amin", "any", "all", "argmax", "argmin" } do reduction(name) end
  reduction("var", "correction")

  function methods:matmul(other) return apply("matmul", {}, self, other) end
  function methods:where(a, b) return apply("where", {}, self, a, b) end
  function methods:clone() return apply("copy", {}, self) end
  function methods:to(dtype) return apply("cast", { dtype = dtype }, self) end
  function methods:reshape(...) return apply("reshape", { shape = sizes("reshape", ...) }, self) end
  function methods:expand(...) return apply("expand", { shape = sizes("expand", ...) }, self) end
  function methods:clamp(lo, hi) return apply("clamp", { lowest = lo or -math.huge, highest = hi or math.huge }, self) end
  function methods:scale(times, plus) return apply("scale", { times = times, plus = plus or 0 }, self) end
  function methods:index_select(d, which) return apply("index_select", { dim = dim(d, "index_select") }, self, ids(which, "index_select")) end
  function methods:gather(d, which) return apply("gather", { dim = dim(d, "gather") }, self, ids(which, "gather")) end

  function methods:permute(...)
    local list = sizes("permute", ...)
    local order = {}
    for i, d in ipairs(list) do order[i] = dim(d, "permute") end
    return apply("permute", { dims = order }, self)
  end

  function methods:narrow(d, start, length)
    if integer(start, "narrow: start") < 1 then core.raise "narrow: start: on a graph node positions count from the front, from 1" end
    return apply("slice", { dim = dim(d, "narrow"), start = start - 1, count = integer(length, "narrow: length"), step = 1 }, self)
  end

  function methods:select(d, position)
    if integer(position, "select: position") == 0 then core.raise "select: positions count from 1 (or from the end: -1), got 0" end
    return apply("select", { dim = dim(d, "select"), position = position > 0 and position - 1 or position }, self)
  end

  -- luron.cat and luron.stack of a list with nodes.
  function Node.join(name, list, d)
    d = d == nil and 1 or d
    if type(name) ~= "string" or type(list) ~= "table" or is_node(list) then core.raise "join: list of graph nodes and tensors expected" end
    local items = {}
    for i, item in ipairs(list) do
      items[i] = name == "stack" and apply("unsqueeze", { dim = dim(d, name) }, item) or operand(item, name)
    end
    return apply("cat", { dim = dim(d, name) }, table.unpack(items))
  end

  local events = {
    __add = "add", __sub = "sub", __mul = "mul", __div = "div", __pow = "pow", __idiv = "floor_divide", __mod = "remainder",
    __band = "logical_and", __bor = "logical_or", __bxor = "logical_xor",
  }
  for event, name in pairs(events) do Node[event] = function(a, b) return apply(name, {}, a, b) end end
  function Node.__unm(a) return apply("neg", {}, a) end
  function Node.__bnot(a) return apply("logical_not", {}, a) end
  return methods
end

return install
