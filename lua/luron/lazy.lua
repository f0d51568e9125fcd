--- Layers whose first option, a size, is said by their first input: nn.LazyLinear(10) is nn.Linear(in_features, 10).
local core = require "luron.core"

local lazy = {}

-- The dim of the input that says it, by type.
local dims = { Linear = -1 }
for d = 1, 3 do
  dims["BatchNorm" .. d .. "d"] = 2
  for _, kind in ipairs { "Conv", "ConvTranspose", "InstanceNorm" } do dims[kind .. d .. "d"] = -d - 1 end
end

--- The constructor of the lazy layers of a type; nil: it has none.
function lazy.constructor(name) return dims[name] and core.lazy_type(name, dims[name]) end

--- The names of all lazy layers, in their order.
function lazy.names()
  local list = {}
  for name in pairs(dims) do list[#list + 1] = "Lazy" .. name end
  table.sort(list)
  return list
end

--- "nn.LazyLinear takes in_features from its first input", of "Linear"; nil: that type has none.
function lazy.told(name) return dims[name] and string.format("nn.Lazy%s takes %s from its first input", name, core.type_info("layer", name).options[1]) end

local function each_tensor(layer, visit)
  for name, tensor in layer:named_parameters() do visit("parameters", name, tensor) end
  for name, tensor in layer:named_states() do visit("state", name, tensor) end
end

-- The size with which the layer has the shapes of what find(group, name) gives, by those of its dims that grow with it; 0: none
-- of them tells; nil: it has no tensors.
local function size_like(layer, find)
  local size, shapes, found = layer:options().groups or 1, {}, 0
  assert(core.lazy_resize(layer, size))
  each_tensor(layer, function(group, name, tensor) shapes[group .. name] = tensor:shape() end)
  assert(core.lazy_resize(layer, 2 * size))
  each_tensor(layer, function(group, name, tensor)
    local from = find(group, name)
    for d, n in ipairs(shapes[group .. name]) do
      if tensor:size(d) ~= n and core.is_tensor(from) and from:dim() == tensor:dim() then found = from:size(d) * size // n end
    end
  end)
  return next(shapes) and found or nil
end

local function layers_of(part) return require("luron.parts").methods.named_layers(part) end

--- Is there a layer in the part that waits for its first input?
function lazy.waits(part)
  for _, layer in layers_of(part) do
    if core.waits(layer) then return true end
  end
  return false
end

--- Let the layers in a part that wait for their first input be as large as what find(group, name) gives: what lets them wait
--- again; nil, why, where that does not tell.
function lazy.resize(part, find)
  local resized = {}
  local function wait_again()
    for _, layer in ipairs(resized) do core.lazy_resize(layer, 0) end
  end
  for path, layer in layers_of(part) do
    if core.waits(layer) then
      local prefix = path == "" and "" or path .. "/"
      local size = size_like(layer, function(group, name) return find(group, prefix .. name) end)
      local _, why = core.lazy_resize(layer, size or 0) -- without tensors it goes on waiting
      if size == 0 then
        why = string.format("%s%s has no size by these tensors: call the model on an input first", path == "" and "" or path .. ": ", layer:type())
      end
      if why then
        wait_again()
        return nil, why
      end
      resized[#resized + 1] = layer
    end
  end
  return wait_again
end

return lazy
