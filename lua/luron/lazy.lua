--- Layers whose first option, a size, is said by their first input: nn.LazyLinear(10) is nn.Linear(in_features, 10).
local core = require "luron.core"

-- The dim of the input that says it, by type.
local dims = { Linear = -1 }
for d = 1, 3 do
  dims["BatchNorm" .. d .. "d"] = 2
  for _, kind in ipairs { "Conv", "ConvTranspose", "InstanceNorm" } do dims[kind .. d .. "d"] = -d - 1 end
end

--- The constructor of the lazy layers of a type; nil: it has none.
return function(name) return dims[name] and core.lazy_type(name, dims[name]) end
