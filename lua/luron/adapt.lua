--- luron.adapt(layer, data): what a layer has to know of the data, fitted before training and kept in its state.
local core = require "luron.core"

-- ---- data --------------------------------------------------------------------------------------------------------------
local BATCH = 1024

local function real(x)
  if not core.is_tensor(x) then core.badarg(2, "adapt", "data: tensors expected, got " .. core.got(x)) end
  if not x:dtype():find "float" then return x:to "float64" end
  return x:detach():to "float64"
end

-- A function that calls fn with the numbers of each batch, in float64.
local function batches_of(data)
  if core.is_tensor(data) then return function(fn) fn(real(data)) end end
  local ok, is_dataset = pcall(function() return type(data) == "table" and data.batch ~= nil and data.loader ~= nil end)
  if ok and is_dataset then
    return function(fn)
      for at = 1, #data, BATCH do fn(real((data:batch(at, math.min(at + BATCH - 1, #data))))) end
    end
  end
  core.badarg(2, "adapt", "data: tensor or dataset expected, got " .. core.got(data))
end

local function set(state, value)
  if not value:isfinite():all():item() then core.badarg(2, "adapt", "data: numbers expected that are finite, got others") end
  core.no_grad(function() state:copy_(value:reshape(state:shape())) end)
end

-- ---- layers ------------------------------------------------------------------------------------------------------------
local fitted = {}

-- The dims over which a feature's mean goes: all but the axis; nil: all.
local function others(x, options)
  if options.num_features == 0 then return nil end
  local axis, dims = options.axis < 0 and x:dim() + 1 + options.axis or options.axis, {}
  if axis < 1 or axis > x:dim() or x:size(axis) ~= options.num_features then
    core.badarg(2, "adapt", string.format("data: %d features along axis %d expected, got shape %s", options.num_features, options.axis, x:shape()))
  end
  for d = 1, x:dim() do
    if d ~= axis then dims[#dims + 1] = d end
  end
  return dims
end

-- In two passes, so that a large mean takes no digits from the variance.
function fitted.Normalization(layer, data)
  local options, each, n, sum, squares = layer:options(), batches_of(data), 0, nil, nil
  local function total(x)
    local dims = others(x, options)
    if dims and #dims == 0 then return x end
    return dims and x:sum(dims) or x:sum()
  end
  each(function(x)
    n, sum = n + x:numel() // math.max(options.num_features, 1), sum and sum + total(x) or total(x)
  end)
  if n == 0 then core.badarg(2, "adapt", "data: there are no numbers in it") end
  local mean = sum / n
  each(function(x)
    local shape = {}
    for d = 1, x:dim() do shape[d] = options.num_features > 0 and (d - 1 == options.axis - 1 or d - 1 == x:dim() + options.axis) and x:size(d) or 1 end
    local far = x - mean:reshape(shape)
    squares = squares and squares + total(far * far) or total(far * far)
  end)
  set(layer.mean, mean)
  set(layer.variance, squares / n)
end

-- Boundaries as given, or such that each bin has as many numbers: at share p of n numbers in order, between those beside it.
function fitted.Discretization(layer, data)
  local count, given = layer:options().num_bins - 1, type(data) == "table" and math.type(data[1]) ~= nil and data
  if given then
    if #given ~= count then core.badarg(2, "adapt", string.format("data: %d boundaries for %d bins expected, got %d", count, count + 1, #given)) end
    for i = 1, count do
      if type(given[i]) ~= "number" then core.badarg(2, "adapt", string.format("data: number expected at [%d], got %s", i, core.got(given[i]))) end
    end
    for i = 2, count do
      if given[i] <= given[i - 1] then core.badarg(2, "adapt", string.format("data: boundaries have to rise, [%d] does not", i)) end
    end
    return set(layer.bin_boundaries, core.tensor(given):to "float64")
  end
  local parts = {}
  batches_of(data)(function(x) parts[#parts + 1] = x:reshape(-1) end)
  local all = #parts > 0 and core.cat(parts, 1):sort(1) or core.zeros(0)
  local n = all:numel()
  if n == 0 then core.badarg(2, "adapt", "data: there are no numbers in it") end
  if count == 0 then return end
  local at = (core.arange(1, count):to "float64" * (n / (count + 1))):clamp(1, n)
  local low = at:floor()
  local below = low:to "int64"
  local first, second = all:index_select(1, below), all:index_select(1, (below + 1):clamp(1, n))
  set(layer.bin_boundaries, first + (second - first) * (at - low))
end

--- Fit the state of a layer to a tensor, or to the first tensors of a dataset; gives the layer back.
local function adapt(layer, data)
  if not core.is_layer(layer) then core.badarg(1, "adapt", "layer expected, got " .. core.got(layer)) end
  local fit = fitted[layer:type()]
  if not fit then core.badarg(1, "adapt", "a layer that is fitted to data expected (Normalization, Discretization), got " .. layer:type()) end
  fit(layer, data)
  return layer
end

return { adapt = adapt }
