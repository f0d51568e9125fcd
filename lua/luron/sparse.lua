--- Sparse matrices: `local a = luron.sparse.coo(rows, cols, values, { n, m })`, then `a:matmul(x)`, differentiable in the
--- values and in x. An object does not change; its structure, which transposes and with_values share, is checked and transposed
--- once, when it is made.
local core = require "luron.core"

local names = require "luron.names"

local Sparse = {}
Sparse.__index = names.index(Sparse, "a sparse matrix", "sparse", { weights = false })
Sparse.__name = "luron.sparse"
Sparse.__hint = "s:matmul(x) is the product, s:to_dense() makes a tensor" -- of messages where a tensor is expected

local function check_self(self, where)
  if getmetatable(self) ~= Sparse then core.badarg(0, where, "sparse matrix expected, got " .. core.got(self)) end
end

local shape_meta = debug.getmetatable(core.zeros(0):shape()) -- shows it as (3, 4)

-- structure: what core.sparse takes, with the transpose; weights: a value each, nil where all are 1.
local function new(n, structure, weights) return setmetatable({ n = n, structure = structure, weights = weights }, Sparse) end

local function make(n, m, offsets, cols, weights)
  local structure = { n_cols = m, offsets = offsets, cols = cols }
  structure.offsets_t, structure.cols_t, structure.order_t = core.sparse.transpose(structure)
  return new(n, structure, weights)
end

-- ---- arguments ---------------------------------------------------------------------------------------------------------
-- A list of integers as an int64 tensor of its own.
local function ids(value, arg, where, name)
  if type(value) == "table" and not debug.getmetatable(value) then
    value = #value > 0 and core.tensor(value) or core.zeros(0, { dtype = "int64" })
  end
  if not core.is_tensor(value) then core.badarg(arg, where, name .. ": tensor or list of integers expected, got " .. core.got(value)) end
  local dtype = value:dtype()
  if dtype ~= "int64" and dtype ~= "int32" and dtype ~= "uint8" then
    core.badarg(arg, where, name .. ": int64, int32 or uint8 expected, got " .. dtype)
  end
  return value:to("int64"):clone()
end

local function tensor(value, arg, where, name)
  if not core.is_tensor(value) then core.badarg(arg, where, name .. ": tensor expected, got " .. core.got(value)) end
  return value
end

local function weights_of(value, arg, where, count)
  if value == nil then return nil end
  if type(value) == "table" and not debug.getmetatable(value) then value = core.tensor(value):float() end
  tensor(value, arg, where, "values")
  local dtype = value:dtype()
  if dtype ~= "float32" and dtype ~= "float64" then core.badarg(arg, where, "values: float32 or float64 expected, got " .. dtype) end
  if value:dim() ~= 1 or value:size(1) ~= count then
    core.badarg(arg, where, string.format("values: one for each of %d entries expected, got shape (%s)", count, table.concat(value:shape(), ", ")))
  end
  return value
end

local function sizes(value, arg, where)
  local n, m
  if type(value) == "table" and #value == 2 then n, m = value[1], value[2] end
  if math.type(n) ~= "integer" or math.type(m) ~= "integer" or n < 0 or m < 0 then
    core.badarg(arg, where, "size: { rows, columns } expected, got " .. core.got(value))
  end
  return n, m
end

-- ---- making ------------------------------------------------------------------------------------------------------------
local function coo(rows, cols, values, size)
  rows, cols = ids(rows, 1, "coo", "rows"), ids(cols, 2, "coo", "cols")
  local count = rows:numel()
  values = weights_of(values, 3, "coo", count)
  local n, m = sizes(size, 4, "coo")
  local offsets, entries, place = core.sparse.from_coo(rows, cols, n, m)
  if values or entries:numel() < count then -- pairs that come again are counted, or their values added
    values = values or core.ones(count)
    values = core.zeros(entries:numel(), { dtype = values:dtype() }):index_add(1, place, values)
  end
  return make(n, m, offsets, entries, values)
end

local function csr(offsets, cols, values, size)
  offsets, cols = ids(offsets, 1, "csr", "offsets"), ids(cols, 2, "csr", "cols")
  values = weights_of(values, 3, "csr", cols:numel())
  local n, m = sizes(size, 4, "csr")
  if offsets:numel() ~= n + 1 then
    core.badarg(1, "csr", string.format("offsets: %d numbers expected, one more than rows, got %d", n + 1, offsets:numel()))
  end
  local ok, result = pcall(make, n, m, offsets, cols, values)
  if not ok then error(type(result) == "string" and result:gsub("csr_transpose: ", "csr: ", 1) or result, 0) end
  return result
end

local function from_dense(x)
  tensor(x, 1, "from_dense", "x")
  if x:dim() ~= 2 then core.badarg(1, "from_dense", "x: matrix expected, got shape " .. tostring(x:shape())) end
  local mask = x:ne(0)
  local places, n, m = mask:nonzero(), x:size(1), x:size(2)
  local values = weights_of(x:masked_select(mask), 1, "from_dense", places:size(1))
  local offsets, cols = core.sparse.from_coo(places:select(2, 1), places:select(2, 2), n, m)
  return make(n, m, offsets, cols, values)
end

-- ---- what it is --------------------------------------------------------------------------------------------------------
function Sparse:shape()
  check_self(self, "shape")
  return setmetatable({ self.n, self.structure.n_cols }, shape_meta)
end

function Sparse:size(dim)
  check_self(self, "size")
  local size = self:shape()[math.type(dim) == "integer" and dim < 0 and dim + 3 or dim]
  return size or core.badarg(1, "size", "dim: 1 or 2 expected, got " .. core.got(dim))
end

--- The number of entries.
function Sparse:nnz()
  check_self(self, "nnz")
  return self.structure.cols:numel()
end

--- Of each entry the value, row and column: row by row.
function Sparse:values()
  check_self(self, "values")
  local order = self.structure.order
  if not self.weights then return core.ones(self:nnz()) end
  return order and self.weights:index_select(1, order) or self.weights
end

function Sparse:cols()
  check_self(self, "cols")
  return self.structure.cols:clone()
end

-- Each row begins at its offset: how many have begun up to an entry is its row.
function Sparse:rows()
  check_self(self, "rows")
  if self:nnz() == 0 then return core.zeros(0, { dtype = "int64" }) end
  local begun = core.zeros(self:nnz() + 1, { dtype = "int64" })
  local starts = self.structure.offsets:narrow(1, 1, self.n)
  return begun:index_add(1, starts, core.ones(self.n, { dtype = "int64" })):cumsum(1):narrow(1, 1, self:nnz()):clone()
end

function Sparse:to_dense()
  check_self(self, "to_dense")
  local values, m = self:values(), self.structure.n_cols
  local flat = core.zeros(self.n * m, { dtype = values:dtype() })
  return flat:index_add(1, (self:rows() - 1) * m + self:cols(), values):reshape(self.n, m)
end

for _, name in ipairs { "add", "sub", "mul", "div", "pow", "unm", "concat" } do
  Sparse["__" .. name] = function()
    core.raise "a sparse matrix takes no operators: s:matmul(x) is the product, s:with_values(s:values() * 2) has other values, s:to_dense() makes a tensor"
  end
end

function Sparse:__tostring()
  local dtype = self.weights and self.weights:dtype() or "all 1"
  return string.format("sparse (%d, %d), %d entries, %s", self.n, self.structure.n_cols, self:nnz(), dtype)
end

-- ---- what it does ------------------------------------------------------------------------------------------------------
-- core.sparse[name](...), with messages that name the method.
local function named(name, ...)
  local ok, result = pcall(core.sparse[name], ...)
  if not ok then error(type(result) == "string" and result:gsub("csr_" .. name .. ": ", name .. " of a sparse matrix: ", 1) or result, 0) end
  return result
end

function Sparse:matmul(x)
  check_self(self, "matmul")
  return named("matmul", self.structure, self.weights, tensor(x, 1, "matmul", "x"))
end

--- The elements of g x^T that this matrix has entries for, as values: what `with_values` takes.
function Sparse:sample(g, x)
  check_self(self, "sample")
  local all = named("sample", self.structure, tensor(g, 1, "sample", "g"), tensor(x, 2, "sample", "x"))
  return self.structure.order and all:index_select(1, self.structure.order) or all
end

--- The transpose, over the same values.
function Sparse:t()
  check_self(self, "t")
  local s = self.structure
  local turned = { n_cols = self.n, offsets = s.offsets_t, cols = s.cols_t, order = s.order_t,
    offsets_t = s.offsets, cols_t = s.cols, order_t = s.order }
  return new(s.n_cols, turned, self.weights)
end

--- The same entries with other values, in their order; nil: all 1.
function Sparse:with_values(values)
  check_self(self, "with_values")
  values = weights_of(values, 1, "with_values", self:nnz())
  local order = self.structure.order
  if values and order then values = core.zeros(self:nnz(), { dtype = values:dtype() }):index_add(1, order, values) end
  return new(self.n, self.structure, values)
end

--- Sums of columns (dim 1), of rows (dim 2), or of all.
function Sparse:sum(dim)
  check_self(self, "sum")
  if dim == nil then return self:values():sum() end
  local size = self:size(dim) -- checks it
  local ones = core.ones(size, { dtype = self.weights and self.weights:dtype() or nil })
  return ((dim == 1 or dim == -2) and self:t() or self):matmul(ones)
end

return names.guard({ coo = coo, csr = csr, from_dense = from_dense }, "luron.sparse")
