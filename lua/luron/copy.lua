--- A deep copy of an instance of a Lua class: layers, models, tensors, tables and instances below it are copied, and what was
--- shared or tied among them stays so. Functions and other values are shared with the original.
local core = require "luron.core"

local function is_instance(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.is_module == true
end

-- What may be looked into: instances and plain tables.
local function is_open(value) return type(value) == "table" and (getmetatable(value) == nil or is_instance(value)) end

-- Layers and models below `value`, each once, in an order that does not matter.
local function find_parts(value, seen, layers, models)
  if seen[value] then return end
  seen[value] = true
  if core.is_layer(value) then
    layers[#layers + 1] = value
  elseif core.is_model(value) then
    models[#models + 1] = value
  elseif is_open(value) then
    for key, item in next, value do
      if key ~= "_hooks" and (type(item) == "table" or type(item) == "userdata") then find_parts(item, seen, layers, models) end
    end
  end
end

-- Note what has become of a layer's tensors. Those that have become something already are put into the new layer.
local function pair(tensors, owners, old, new)
  local owner = { old = old, new = new }
  for name, tensor in old:named_parameters() do
    local id = tensor:id()
    if tensors[id] then new[name] = tensors[id] end
    tensors[id], owners[id] = tensors[id] or new[name], owners[id] or owner
  end
  local states = {}
  for name, tensor in new:named_states() do states[name] = tensor end
  for name, tensor in old:named_states() do tensors[tensor:id()] = states[name] end
end

-- The new layer that has all tensors of this one: it is part of a model too, whose copy has it.
local function owner_of(owners, layer)
  local owner
  for _, tensor in layer:named_parameters() do
    local found = owners[tensor:id()]
    if not found or (owner and found ~= owner) then return nil end
    owner = found
  end
  return owner and owner.old:type() == layer:type() and owner.new
end

local function copy_layer(tensors, owners, layer)
  local new = owner_of(owners, layer)
  if new then return new end
  new = layer:clone()
  pair(tensors, owners, layer, new)
  return new
end

local function copy_tensor(tensors, tensor, note)
  local id = tensor:id()
  if not tensors[id] then
    tensors[id] = tensor:detach():clone()
    if tensor:is_leaf() and tensor:requires_grad() then tensors[id]:requires_grad_() end
  end
  note(tensor, tensors[id])
  return tensors[id]
end

local function copy_value(value, memo, tensors, note)
  if core.is_tensor(value) then return copy_tensor(tensors, value, note) end
  if memo[value] ~= nil then return memo[value] end
  if not is_open(value) then return value end
  local new = setmetatable({}, getmetatable(value))
  memo[value] = new
  for key, item in next, value do
    if key ~= "_hooks" then rawset(new, key, copy_value(item, memo, tensors, note)) end
  end
  return new
end

--- The copy; hooks stay with the original. note(old, new) is called for every tensor that the instance has itself.
return function(instance, note)
  local layers, models, memo, tensors, owners = {}, {}, {}, {}, {}
  find_parts(instance, {}, layers, models)
  for _, model in ipairs(models) do
    memo[model] = model:clone()
    for i = 1, #model do pair(tensors, owners, model[i], memo[model][i]) end
  end
  for _, layer in ipairs(layers) do memo[layer] = copy_layer(tensors, owners, layer) end
  return copy_value(instance, memo, tensors, note)
end
