--- Methods and operators of tensors on the nodes of nn.Graph: each makes a node that applies an op of core by its name. The
--- arguments are read in C (lua_nodes.c), as those of tensors are.
local core = require "luron.core"

-- install(Node, is_node, new_values): give nodes their operators; returns their methods.
local function install(Node, is_node, new_values)
  local function apply(op, attrs, ...)
    local ins = table.pack(...)
    for i = 1, ins.n do
      local value = ins[i]
      if type(value) == "number" then
        ins[i] = new_values({ number = value, n = 0, ins = {} }, 1)
      elseif not is_node(value) then
        ins[i] = new_values({ tensor = core.is_tensor(value) and value or core.tensor(value), n = 0, ins = {} }, 1)
      end
    end
    return (new_values({ op = op, attrs = attrs, ins = ins, n = ins.n }, 1))
  end

  -- Ids in a tensor count from 1 here, and as the program counts that runs the model.
  function Node.ids(tensor) return apply("to_ids", { from = 1 }, tensor) end

  local function flat(x) return apply("reshape", { shape = { -1 } }, x) end

  -- What is not one op with these attributes.
  local several = {}

  function several.squeeze(attrs, x) return apply(attrs.dim and "squeeze" or "squeeze_all", attrs, x) end

  -- Without a dim in all numbers as one row.
  for _, op in ipairs { "argmax", "argmin" } do
    several[op] = function(attrs, x)
      if not attrs.dim then return apply(op, { dims = { 0 } }, flat(x)) end
      return apply(op, { dims = { attrs.dim }, keepdim = attrs.keepdim }, x)
    end
  end

  function several.quantile(attrs, x)
    if attrs.dim then return apply("quantile", attrs, x) end
    return apply("quantile", { q = attrs.q, dim = 0, keepdim = false }, flat(x))
  end

  function several.repeat_interleave(attrs, x)
    if attrs.dim then return apply("repeat_each", attrs, x) end
    return apply("repeat_each", { times = attrs.times, dim = 0 }, flat(x))
  end

  -- The elements at ids that kept the dim, and these, without the dim unless it is kept.
  local function chosen(x, dim, keepdim, ids)
    local values = apply("gather", { dim = dim }, x, ids)
    if keepdim then return values, ids end
    return apply("squeeze", { dim = dim }, values), apply("squeeze", { dim = dim }, ids)
  end

  for name, of in pairs { max = { "amax", "argmax" }, min = { "amin", "argmin" } } do
    several[name] = function(attrs, x)
      if not attrs.dim then return apply(of[1], {}, x) end
      return chosen(x, attrs.dim, attrs.keepdim, apply(of[2], { dims = { attrs.dim }, keepdim = true }, x))
    end
  end

  for _, name in ipairs { "median", "mode", "kthvalue" } do
    several[name] = function(attrs, x)
      local dim, keepdim = attrs.dim, attrs.keepdim
      local from = dim and x or flat(x)
      attrs.dim, attrs.keepdim = dim or 0, true
      local values, ids = chosen(from, attrs.dim, dim and keepdim, apply(name .. "_ids", attrs, from))
      if dim then return values, ids end
      return values
    end
  end

  local function ordered(attrs, x)
    local ids = apply("argsort", attrs, x)
    return apply("gather", { dim = attrs.dim }, x, ids), ids
  end
  several.topk = ordered
  function several.sort(attrs, x)
    attrs.count = -1
    return ordered(attrs, x)
  end
  function several.argsort(attrs, x) return (select(2, several.sort(attrs, x))) end

  for name, smallest in pairs { cummax = false, cummin = true } do
    several[name] = function(attrs, x)
      local ids = apply("cummax", { dim = attrs.dim, smallest = smallest }, x)
      return apply("gather", attrs, x, ids), ids
    end
  end

  function several.bucketize(attrs, values, sorted) return apply("searchsorted", attrs, sorted, values) end

  function Node.make(method, op, attrs, ...)
    if several[method] then return several[method](attrs, ...) end
    return apply(op, attrs, ...)
  end

  local methods = core.node_methods(Node)
  for name, dtype in pairs { float = "float32", double = "float64", long = "int64", int = "int32", byte = "uint8", bool = "bool" } do
    methods[name] = function(self) return apply("cast", { dtype = dtype }, self) end
  end

  -- Compositions. A node does not know its rank: the products are matmul, which the run checks.
  methods.mm, methods.mv, methods.bmm = methods.matmul, methods.matmul, methods.matmul
  methods.lerp = require("luron.composed").lerp
  function methods.isinf(x) return x:abs():eq(math.huge) end

  local events = {
    __add = "add", __sub = "sub", __mul = "mul", __div = "div", __pow = "pow", __idiv = "floor_divide", __mod = "remainder",
    __band = "logical_and", __bor = "logical_or", __bxor = "logical_xor", __bnot = "logical_not", __unm = "neg",
  }
  for event, name in pairs(events) do Node[event] = methods[name] end
  return methods
end

return install
