--- First values of parameters: nn.init.xavier_uniform_(layer.weight, 1.4), in place and without a tape. The same names stand in the
--- options of layers, nn.Linear(3, 2, { weight_init = "xavier_uniform(1.4)" }).
local core = require "luron.core"

local init = {}

-- Arguments as they stand behind the name: "(0.2, fan_out)".
local function text_of(entry, ...)
  local values = {}
  for i = 1, select("#", ...) do
    local value, arg = select(i, ...), entry[i + 1]
    local what = entry[1] .. "_"
    if value == nil then break end
    if not arg then
      core.badarg(i + 1, what, string.format("%d argument%s expected behind the tensor, got %s", #entry - 1, #entry == 2 and "" or "s", core.got(value)))
    end
    if arg == "mode" then
      if value ~= "fan_in" and value ~= "fan_out" then core.badarg(i + 1, what, "mode: 'fan_in' or 'fan_out' expected, got " .. core.got(value)) end
    elseif type(value) ~= "number" then
      core.badarg(i + 1, what, string.format("%s: number expected, got %s", arg, core.got(value)))
    else
      value = string.format("%.17g", value)
    end
    values[i] = value
  end
  return #values > 0 and string.format("%s(%s)", entry[1], table.concat(values, ", ")) or entry[1]
end

for _, entry in ipairs(core.initialisers()) do
  init[entry[1] .. "_"] = function(tensor, ...)
    if not core.is_tensor(tensor) then core.badarg(1, entry[1] .. "_", "tensor expected, got " .. core.got(tensor)) end
    return core.tensor_init(tensor, text_of(entry, ...))
  end
end

return setmetatable(init, {
  __index = function(_, name)
    core.raise(string.format("no initialiser '%s'; there are: %s", tostring(name), table.concat(require("luron.names").sorted(init), ", ")))
  end,
  __name = "luron.nn.init",
})
