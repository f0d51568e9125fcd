--- Weights made of other tensors that are trained in their place: weight and spectral normalisation, with PyTorch's numbers. Each
--- gives a model of a layer: as the layer is linear in its weight, its output is scaled, not the weight.
local core = require "luron.core"

-- Where the output channels of a layer's types lie: dims behind them. Of a transposed convolution they lie in the input.
local function places_behind(layer)
  local kind = layer:type()
  if kind == "Linear" or kind == "Bilinear" then return 0 end
  return math.tointeger(tonumber(kind:match "^Conv(%d)d$" or kind:match "^ConvTranspose(%d)d$"))
end

local function check_layer(where, layer)
  if core.is_layer(layer) and places_behind(layer) then return end
  core.badarg(1, where, "layer: nn.Linear, nn.Bilinear or a convolution expected, got " .. (core.is_layer(layer) and layer:type() or core.got(layer)))
end

-- The same layer without a bias, with the weight of the other.
local function bare(layer)
  local options = layer:options()
  options.bias = false
  local new = core.layer_type(layer:type())(options):to(layer.weight:dtype()):train(layer:is_training())
  new.weight = layer.weight
  return new
end

-- A vector of channels as it stands beside what has `behind` more dims.
local function beside(node, behind)
  local shape = { -1 }
  for i = 1, behind do shape[i + 1] = 1 end
  return node:reshape(shape)
end

-- The model: of node(tensor), and of scaled(apply, x, layer), whose result gets the bias.
local function model_of(nn, node, layer, names, scaled)
  local inputs = { nn.Input() }
  if layer:type() == "Bilinear" then inputs[2] = nn.Input() end
  local plain = bare(layer)
  local y = scaled(function(...) return plain(...) end, table.unpack(inputs))
  if layer:options().bias then
    local bias = layer.bias -- names go by the value
    names.bias = bias
    y = y + beside(node(bias), places_behind(layer))
  end
  return nn.Graph { inputs = inputs, outputs = { y }, names = names }
end

--- weight = g v / |v| for each output (dim 1), or for all of it (dim false): g and v are trained. Salimans and Kingma, 2016.
local function weight_norm(nn, node, layer, dim)
  check_layer("weight_norm", layer)
  if dim == nil then dim = 1 end
  if dim ~= 1 and dim ~= false then core.badarg(2, "weight_norm", "dim: 1 or false (of the whole weight) expected, got " .. core.got(dim)) end
  local v, dims = layer.weight, {}
  for d = dim and 2 or 1, v:dim() do dims[#dims + 1] = d end
  local g = core.no_grad(function() return v:norm(2, dims):clone() end):requires_grad_()
  local behind, turned = places_behind(layer), layer:type():find "Transpose"
  return model_of(nn, node, layer, { weight_g = g }, function(apply, ...)
    local scale = node(g) / node(v):norm(2, dims)
    if dim then scale = beside(scale, behind) end
    if dim and turned then return apply((...) * scale) end
    return apply(...) * scale
  end)
end

-- 15 steps to begin with, as in PyTorch.
local function warmed(power, matrix, n)
  power:train()
  core.no_grad(function()
    for _ = 1, math.ceil(15 / n) do power(matrix) end
  end)
  return power
end

local spectral_options = { n_power_iterations = "any", eps = "any", dim = "any" }

--- weight = W / sigma, where sigma is the largest singular value of W as a matrix of rows along dim. Miyato et al., 2018.
local function spectral_norm(nn, node, layer, options)
  check_layer("spectral_norm", layer)
  options = require("luron.names").options(2, "spectral_norm", options, spectral_options)
  local w = layer.weight
  local dim = options.dim or (layer:type():find "Transpose" and 2 or 1)
  if math.type(dim) ~= "integer" or dim < 1 or dim > w:dim() then
    core.badarg(2, "spectral_norm", string.format("dim: 1 to %d expected, got %s", w:dim(), core.got(dim)))
  end
  local rows = w:size(dim)
  local function matrix(t) return t:transpose(1, dim):reshape { rows, -1 } end
  local power = nn.PowerIteration { rows = rows, columns = w:numel() // rows, n_power_iterations = options.n_power_iterations, eps = options.eps }
  warmed(power:to(w:dtype()), matrix(w:detach()), power.n_power_iterations):train(layer:is_training())
  return model_of(nn, node, layer, { spectral = power }, function(apply, ...)
    local m = matrix(node(w))
    local u, v = power(m:detach())
    return apply(...) / (u * m:matmul(v)):sum()
  end)
end

--- A layer or model for each step of (n, t, ...), all with the same weights.
local function time_distributed(nn, _, part)
  if not (core.is_layer(part) or core.is_model(part)) then
    core.badarg(1, "TimeDistributed", "layer or model expected, got " .. core.got(part))
  end
  local x = nn.Input()
  return nn.Graph { inputs = { x }, outputs = { nn.UnflattenSteps()(part(nn.Flatten(1, 2)(x)), x) } }
end

return { weight_norm = weight_norm, spectral_norm = spectral_norm, TimeDistributed = time_distributed }
