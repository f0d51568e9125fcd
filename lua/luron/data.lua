--- Data sets: tensors with a first dimension that counts examples, read from files or given, in batches.
local core = require "luron.core"
local names = require "luron.names"
local is_callable = require("luron.parts").is_callable

local data = {}

-- ---- loaders ---------------------------------------------------------------------------------------------------------
local Loader = {}
Loader.__index = names.index(Loader, "a loader", "a loader", { ids = false, position = false, resumed = false, transform = false })

local function check_loader(value, name)
  if getmetatable(value) ~= Loader then core.badarg(0, name, "loader expected, got " .. core.got(value)) end
end

-- The order of an epoch depends on the loader's seed and the epoch alone, so that a resumed run goes on with it.
local function order(self)
  if not self.shuffle then return nil end
  local seed, position = core.random_state()
  core.set_random_state(self.seed, self.epoch)
  local ids = core.randperm(#self.dataset)
  core.set_random_state(seed, position)
  return ids
end

-- What a function of the user's gave for a batch: examples go with targets, one by one.
local function check_given(where, x, n)
  if x == nil then core.raise(where .. ": the function gave nothing for a batch") end
  if not core.is_tensor(x) then core.raise(where .. ": the function has to give a tensor for a batch, got " .. core.got(x)) end
  if x:dim() == 0 or #x ~= n then core.raise(string.format("%s: the function gave shape %s for a batch of %d examples", where, x:shape(), n)) end
end

local function checked(n, ...)
  for i = 1, math.max(1, select("#", ...)) do check_given("loader: transform", (select(i, ...)), n) end
  return ...
end

local function batch_at(self, at)
  local n = math.min(self.batch, #self.dataset - at + 1)
  local first, last = at, at + n - 1
  if self.ids then first, last = self.ids:narrow(1, at, n), nil end
  if not self.transform then return self.dataset:batch(first, last) end
  -- Not a view of the dataset's tensors, which a transform may change in place.
  return checked(n, self.transform(self.dataset:batch(self.ids and first or core.arange(first, last))))
end

--- Is there no batch from `position` on?
local function is_over(self, position)
  local left = #self.dataset - position + 1
  return left <= 0 or (self.drop_last and left < self.batch)
end

--- Batches of one epoch: `for x, y in loader do`. Each loop begins the next epoch, shuffled anew; after `restore` the first
--- loop goes on where the state was taken. The position is that of the next example, and nil between two epochs: a loop that
--- was left at its last batch is not yet over.
function Loader:__call(_, last)
  check_loader(self, "loader")
  core.plan_refuse "takes batches of a loader: give them as arguments"
  if (last == nil or not self.position) and not self.resumed then
    self.epoch, self.position = self.epoch + 1, 1
    self.ids = order(self)
  elseif self.resumed then
    self.ids, self.resumed = order(self), false
  end
  local at = self.position
  if is_over(self, at) then
    self.position = nil
    return nil
  end
  self.position = math.min(at + self.batch, #self.dataset + 1)
  return batch_at(self, at)
end

--- Number of batches in an epoch.
function Loader:__len()
  check_loader(self, "#")
  local n, batch = #self.dataset, self.batch
  return self.drop_last and n // batch or (n + batch - 1) // batch
end

--- Number of examples in an epoch.
function Loader:examples()
  check_loader(self, "examples")
  return self.drop_last and #self.dataset // self.batch * self.batch or #self.dataset
end

--- Where the loader is; a checkpoint keeps it ("training/loader"): the seed and the number of the epoch, which together
--- make the order, the position in it, and how many examples there are.
function Loader:state()
  check_loader(self, "state")
  return { seed = self.seed, epoch = self.epoch, position = self.position, examples = #self.dataset }
end

--- Go on from a state: one from within a loop with the rest of its epoch, which may be nothing; another with the next epoch.
function Loader:restore(state)
  check_loader(self, "restore")
  if type(state) ~= "table" then core.badarg(1, "restore", "state: table expected, got " .. core.got(state)) end
  for _, pair in ipairs { { "seed", math.mininteger }, { "epoch", 0 }, { "position", 1 }, { "examples", 0 } } do
    local key, least, value = pair[1], pair[2], state[pair[1]]
    if (value ~= nil or key ~= "position") and (math.type(value) ~= "integer" or value < least) then
      core.badarg(1, "restore", string.format("%s: %s expected, got %s", key, key == "seed" and "integer" or "integer of at least " .. least, core.got(value)))
    end
  end
  local n = #self.dataset
  if state.examples ~= n then core.badarg(1, "restore", string.format("the state is of %d examples, the dataset has %d", state.examples, n)) end
  if state.position and state.position > n + 1 then
    core.badarg(1, "restore", string.format("position: integer of at most %d expected, got %d", n + 1, state.position))
  end
  self.seed, self.epoch, self.position = state.seed, state.epoch, state.position
  self.resumed = state.position ~= nil
end

function Loader:__tostring()
  check_loader(self, "tostring")
  return string.format("loader of %d batches of %d%s over %s", #self, self.batch, self.shuffle and ", shuffled" or "", tostring(self.dataset))
end

-- ---- datasets --------------------------------------------------------------------------------------------------------
local Dataset = {}

local dataset_meta = {}

local function check_dataset(value, name)
  if getmetatable(value) ~= dataset_meta then core.badarg(0, name, "dataset expected, got " .. core.got(value)) end
end

local loader_options = { batch = "positive integer", shuffle = "boolean", drop_last = "boolean", seed = "integer", transform = "function or layer" }
local loader_kinds = { ["function or layer"] = is_callable }

--- Batches over the dataset: { batch = 64, shuffle = false, drop_last = false, seed = luron's, transform = nil }; transform makes
--- of the tensors of each batch those that the loop gets.
function Dataset:loader(options)
  check_dataset(self, "loader")
  options = names.options(1, "loader", options, loader_options, loader_kinds, "loader")
  return setmetatable({
    dataset = self, batch = math.min(options.batch or 64, 1 << 40), shuffle = options.shuffle or false, drop_last = options.drop_last or false, epoch = 0,
    transform = options.transform,
    -- Mixed, so that shuffling does not draw the numbers that initialised the parameters.
    seed = options.seed or (core.random_state()) ~ 0x9E3779B97F4A7C15,
  }, Loader)
end

local function pick(t, first, last)
  if last then return t:narrow(1, first, last - first + 1) end
  return t:index_select(1, first)
end

--- Examples `first` to `last`, or those that a tensor of ids names, transformed.
function Dataset:batch(first, last)
  check_dataset(self, "batch")
  if last ~= nil and math.type(last) ~= "integer" then core.badarg(2, "batch", "last: integer expected, got " .. core.got(last)) end
  if last == nil and type(first) == "number" then last = first end
  if last ~= nil and (math.type(first) ~= "integer" or first < 1 or last > #self or first > last + 1) then
    core.badarg(1, "batch", string.format("positions within 1 to %d expected, got %s to %s", #self, core.got(first), core.got(last)))
  end
  if last == nil and not core.is_tensor(first) and type(first) ~= "table" then core.badarg(1, "batch", "first: integer or ids expected, got " .. core.got(first)) end
  local parts = {}
  for i, t in ipairs(self.tensors) do parts[i] = pick(t, first, last) end
  if self.transform then
    local n = #parts[1]
    parts[1] = self.transform(last and parts[1]:clone() or parts[1]) -- no view, which the function may change in place
    check_given("map", parts[1], n)
  end
  return table.unpack(parts, 1, #self.tensors)
end

-- A dataset of other tensors that is what `self` is in all else.
local function like(self, tensors)
  local copy = data.tensors(table.unpack(tensors))
  copy.classes, copy.name, copy.note, copy.transform = self.classes, self.name, self.note, self.transform
  return copy
end

--- The dataset with `fn` applied to the first tensor of each batch.
function Dataset:map(fn)
  check_dataset(self, "map")
  if not is_callable(fn) then core.badarg(1, "map", "function expected, got " .. core.got(fn)) end
  local before = self.transform
  local copy = like(self, self.tensors)
  copy.transform = before and function(x) return fn(before(x)) end or fn
  return copy
end

--- The first `n` examples, or from `n` to `last`, as a dataset that shares memory.
function Dataset:range(first, last)
  check_dataset(self, "range")
  if last == nil then first, last = 1, first end
  local n = #self
  if math.type(first) ~= "integer" or math.type(last) ~= "integer" or first < 1 or last > n or first > last then
    core.badarg(1, "range", string.format("positions within 1 to %d expected, got %s to %s", n, core.got(first), core.got(last)))
  end
  local parts = {}
  for i, t in ipairs(self.tensors) do parts[i] = t:narrow(1, first, last - first + 1) end
  return like(self, parts)
end

--- Two datasets: the first `fraction` of the examples and the rest. Shuffle beforehand if the order matters: ds:shuffled().
function Dataset:split(fraction)
  check_dataset(self, "split")
  if type(fraction) ~= "number" or not (fraction > 0 and fraction < 1) then
    core.badarg(1, "split", "fraction: number between 0 and 1 expected, got " .. core.got(fraction))
  end
  local n = math.floor(#self * fraction + 0.5)
  if n < 1 or n >= #self then core.badarg(1, "split", string.format("fraction: %g of %d examples leaves one side empty", fraction, #self)) end
  return self:range(1, n), self:range(n + 1, #self)
end

--- The examples in random order, copied.
function Dataset:shuffled()
  check_dataset(self, "shuffled")
  local ids, parts = core.randperm(#self), {}
  for i, t in ipairs(self.tensors) do parts[i] = t:index_select(1, ids) end
  return like(self, parts)
end

-- Fields that a dataset may be without.
local optional = { classes = true, name = true, note = true, transform = true }

--- ds[i]: the parts of example i in a list, { x, y }; nil just past the end, so that ipairs walks the examples.
function dataset_meta:__index(key)
  if Dataset[key] ~= nil or optional[key] then return Dataset[key] end
  if math.type(key) ~= "integer" then names.refuse("a dataset", "dataset", key, Dataset) end
  local n = #self
  local at = key < 0 and n + 1 + key or key
  if at == n + 1 then return nil end
  if key == 0 then core.raise "dataset: examples count from 1 (or from the end: -1), got 0" end
  if at < 1 or at > n then core.raise(string.format("dataset: example %d is not within 1..%d", key, n)) end
  local parts = { self:batch(at, at) }
  for i, part in ipairs(parts) do parts[i] = part:select(1, 1) end
  return parts
end

function dataset_meta:__call()
  check_dataset(self, "call")
  core.raise "dataset: a loop takes its batches from a loader: for x, y in ds:loader { batch = 64 } do"
end

function dataset_meta:__len()
  check_dataset(self, "#")
  return #self.tensors[1]
end

function dataset_meta:__tostring()
  check_dataset(self, "tostring")
  local shapes = {}
  for i, t in ipairs(self.tensors) do shapes[i] = tostring(t:shape()) .. " " .. t:dtype() end
  local text = string.format("%s: %d examples: %s", self.name or "dataset", #self, table.concat(shapes, "; "))
  if self.classes then text = text .. "; classes " .. table.concat(self.classes, ", ") end
  if self.note then text = text .. "; " .. self.note end
  return text
end

local tensors_options, tensors_kinds = { classes = "list of names", name = "string" }, { ["list of names"] = function(value) return type(value) == "table" end }

local function check_options(options, arg)
  names.options(arg, "tensors", options, tensors_options, tensors_kinds)
  for i, class in ipairs(options.classes or {}) do
    if type(class) ~= "string" then core.badarg(arg, "tensors", string.format("classes: string expected at [%d], got %s", i, core.got(class))) end
  end
end

--- A dataset over tensors with the same first dimension; a table at the end may give { classes = {...}, name = }.
function data.tensors(...)
  local parts = table.pack(...)
  local options = {}
  if type(parts[parts.n]) == "table" and parts.n > 1 then
    options, parts.n = parts[parts.n], parts.n - 1
    check_options(options, parts.n + 1)
  end
  local tensors = {}
  for i = 1, parts.n do
    if not core.is_tensor(parts[i]) then core.badarg(i, "tensors", "tensor expected, got " .. core.got(parts[i])) end
    if parts[i]:dim() < 1 then core.badarg(i, "tensors", "a tensor of at least one dimension expected") end
    if #parts[i] ~= #parts[1] then
      core.badarg(i, "tensors", string.format("%d examples expected as in the first tensor, got %d", #parts[1], #parts[i]))
    end
    tensors[i] = parts[i]
  end
  if #tensors == 0 then core.badarg(1, "tensors", "tensor expected, got no value") end
  return setmetatable({ tensors = tensors, classes = options.classes, name = options.name }, dataset_meta)
end

-- ---- files -----------------------------------------------------------------------------------------------------------

-- core.read_file with messages that name the function in its place; the options are its second argument there too.
local function read(name, path, options)
  if type(options) ~= "table" then core.badarg(2, name, "options: table expected, got " .. core.got(options)) end
  local ok, file, message, code = pcall(core.read_file, path, options)
  if ok then return file, message, code end
  if type(file) == "string" then file = file:gsub("#3 to 'read_file'", "#2 to 'read_file'"):gsub("'read_file'", "'" .. name .. "'") end
  error(file, 0)
end

--- The tensors of a file that a format plugin reads: a list of { name, tensor, ids, ... attributes }, or nil, message, code.
---@param path string
---@param options? table of the format, and `format` itself; without it the first bytes decide
function data.read(path, options) return read("read", path, options or {}) end

--- The tensor of an IDX file, gzip or not; labels come counted from 1. nil, message, code on failure.
function data.idx(path)
  local file, message, code = read("idx", path, { format = "idx" })
  if not file then return nil, message, code end
  return file[1].tensor
end

--- A CSV file: numeric columns as `data` (rows, columns), text columns as ids with their classes, and the column that the
--- option `target` names as `target`: numbers, or ids with their names in `classes.target`.
--- Returns { data =, columns = {...}, target =, ids = { name = tensor }, classes = { name = {...} } }, or nil, message, code.
function data.csv(path, options)
  if options ~= nil and type(options) ~= "table" then core.badarg(2, "csv", "options: table expected, got " .. core.got(options)) end
  local all = { format = "csv" }
  for key, value in pairs(options or {}) do all[key] = value end
  local file, message, code = read("csv", path, all)
  if not file then return nil, message, code end
  local result = { ids = {}, classes = {} }
  for _, part in ipairs(file) do
    if part.ids then result.classes[part.name] = part.classes end
    if all.target and part.name == "target" then
      result.target = part.tensor
    elseif part.ids then
      result.ids[part.name] = part.tensor
    else
      result.data, result.columns = part.tensor, part.columns
    end
  end
  return result
end

local function find(dir, name)
  for _, path in ipairs { dir .. "/" .. name .. ".gz", dir .. "/" .. name } do
    local file = io.open(path, "rb")
    if file then
      file:close()
      return path, true
    end
  end
  return dir .. "/" .. name, false
end

-- Pictures as bytes, in [0, 1] in batches, and what is in them.
local function labelled(x, y, classes, name, note)
  local set = data.tensors(x, y, { classes = classes, name = name })
  set.note = note .. "labels count from 1"
  set.transform = function(batch) return batch / 255 end -- float32, in one pass
  return set
end

local function images(dir, prefix, classes, name)
  local x, message, code = data.idx(find(dir, prefix .. "-images-idx3-ubyte"))
  if not x then return nil, message, code end
  local y
  y, message, code = data.idx(find(dir, prefix .. "-labels-idx1-ubyte"))
  if not y then return nil, message, code end
  if x:dim() ~= 3 or #x ~= #y then
    return nil, string.format("FORMAT: %s: images %s do not go with %d labels", dir, table.concat(x:shape(), " x "), #y), "FORMAT"
  end
  local shape = x:shape()
  return labelled(x:reshape(shape[1], 1, shape[2], shape[3]), y, classes, name, "")
end

local function two(dir, classes, name)
  local train, message, code = images(dir, "train", classes, name .. " train")
  if not train then return nil, message, code end
  local test
  test, message, code = images(dir, "t10k", classes, name .. " test")
  if not test then return nil, message, code end
  return train, test
end

--- MNIST from its four IDX files in `dir`: training and test sets of images (n, 1, 28, 28) in [0, 1] and digits 0 to 9 as
--- ids 1 to 10; nil, message, code on failure.
function data.mnist(dir)
  if type(dir) ~= "string" then core.badarg(1, "mnist", "dir: string expected, got " .. core.got(dir)) end
  return two(dir, { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" }, "MNIST")
end

--- Fashion-MNIST likewise; without `dir` from Debian's package dataset-fashion-mnist or $LURON_DATA/fashion-mnist.
function data.fashion_mnist(dir)
  if dir ~= nil and type(dir) ~= "string" then core.badarg(1, "fashion_mnist", "dir: string expected, got " .. core.got(dir)) end
  local from = os.getenv "LURON_DATA"
  dir = dir or (from and from .. "/fashion-mnist") or "/usr/share/datasets/fashion-mnist"
  return two(dir, { "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot" }, "Fashion-MNIST")
end

-- One dataset of the records of several files.
local function cifar(paths, name, note)
  local x, y = {}, {}
  for i, path in ipairs(paths) do
    local file, message, code = read("cifar10", path, { format = "cifar" })
    if not file then return nil, message, code end
    x[i], y[i] = file[1].tensor, file[2].tensor
  end
  local classes = { "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck" }
  return labelled(core.cat(x, 1), core.cat(y, 1), classes, "CIFAR-10 " .. name, note)
end

--- CIFAR-10 from its binary files in `dir`: training set, of data_batch_1.bin and those of the further four that are there, and
--- test set, of test_batch.bin or the file that the option `test` names: images (n, 3, 32, 32) in [0, 1].
function data.cifar10(dir, options)
  if type(dir) ~= "string" then core.badarg(1, "cifar10", "dir: string expected, got " .. core.got(dir)) end
  options = names.options(2, "cifar10", options, { test = "string" })
  local paths = { (find(dir, "data_batch_1.bin")) }
  for i = 2, 5 do
    local path, is_there = find(dir, "data_batch_" .. i .. ".bin")
    if is_there then paths[#paths + 1] = path end
  end
  local train, message, code = cifar(paths, "train", #paths .. " of 5 batches; ")
  if not train then return nil, message, code end
  local test
  test, message, code = cifar({ (find(dir, options.test or "test_batch.bin")) }, "test", "")
  if not test then return nil, message, code end
  return train, test
end

-- ---- graphs ----------------------------------------------------------------------------------------------------------
--- Graphs { x, edge_index, edge_weight = nil, y = nil } side by side as one: luron.graphs.
function data.graphs(list) return require("luron.graphs").graphs(list) end

--- Edges with loops, and the weights that GCNConv gives them: luron.graphs.
function data.gcn_norm(edge_index, edge_weight, n, options) return require("luron.graphs").gcn_norm(edge_index, edge_weight, n, options) end

return names.guard(data, "luron.data")
