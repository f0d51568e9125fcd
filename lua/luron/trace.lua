--- nn.trace(instance, example...): the forward of a class as a model in C. It is run twice, with batches of two sizes, and what
--- is noted in C is compared there.
local core = require "luron.core"
local module = require "luron.module"

local function check_options(options, where, n)
  local batch = require("luron.names").options(n + 2, where, options, { batch = "any" }).batch
  if batch == nil then return end
  if type(batch) ~= "boolean" and type(batch) ~= "table" then
    core.badarg(n + 2, where, "batch: boolean or list of booleans expected, got " .. core.got(batch))
  end
  for i = 1, type(batch) == "table" and n or 0 do
    if type(batch[i]) ~= "boolean" then
      core.badarg(n + 2, where, string.format("batch: a boolean for each of %d inputs expected, got %s at [%d]", n, core.got(batch[i]), i))
    end
  end
end

-- has_batch[i]: the first size of input i is the batch size, which all of these share.
local function batches(inputs, batch, where)
  local has, size, first = {}, nil, nil
  for i, x in ipairs(inputs) do
    if type(batch) == "table" then has[i] = batch[i] else has[i] = batch ~= false and x:dim() > 0 end
    if has[i] and x:dim() == 0 then core.badarg(i + 1, where, "example: a tensor without dims has no batch: { batch = { ... } } says which inputs have one") end
    if has[i] and size and x:size(1) ~= size then
      core.badarg(i + 1, where, string.format("example: %d rows, input %d has %d; { batch = { ... } } says which inputs have a batch", x:size(1), first, size))
    end
    if has[i] and x:size(1) == 0 then core.badarg(i + 1, where, "example: at least one row expected, got none") end
    if has[i] and not size then size, first = x:size(1), i end
  end
  return has, size
end

-- Fresh tensors: those that have a batch `times` times behind themselves.
local function repeated(inputs, has, times)
  local list = {}
  for i, x in ipairs(inputs) do
    x = x:detach()
    local copies = {}
    for k = 1, times do copies[k] = x end
    list[i] = has[i] and times > 1 and core.cat(copies, 1) or x:clone()
  end
  return list
end

-- Everything in evaluation; the function returned puts the modes back.
local function evaluate(self)
  local undo = {}
  local function off(part)
    local on = part:is_training()
    part:eval()
    undo[#undo + 1] = function() part:train(on) end
  end
  local function off_module(part)
    local on = rawget(part, "_training")
    part._training = false
    undo[#undo + 1] = function() part._training = on end
  end
  off_module(self)
  module.each(self, function(kind, _, value)
    if kind == "module" then off_module(value) end
    if kind == "layer" then off(value) end
    if kind == "model" then
      local on = value:is_training()
      undo[#undo + 1] = function() value:train(on) end
      for _, layer in value:named_layers() do off(layer) end -- after the model, whose mode is that of all its layers
      value:eval()
    end
  end)
  return function()
    for _, fn in ipairs(undo) do fn() end
  end
end

-- What the module owns, by its paths.
local function name_parts(trace, self)
  module.each(self, function(kind, path, value)
    if kind == "layer" then trace:layer(path, value) end
    if kind == "model" then
      for name, layer in value:named_layers() do trace:layer(path .. "." .. name, layer) end
    end
  end)
  for name, tensor in self:named_parameters() do trace:tensor(name, tensor, true) end
  for name, tensor in self:named_states() do trace:tensor(name, tensor, false) end
end

local function run(self, inputs, has)
  local trace = core.trace_new()
  name_parts(trace, self)
  for i, x in ipairs(inputs) do trace:input(x, has[i]) end
  local results = table.pack(trace:run(self, table.unpack(inputs)))
  for i = 1, results.n do
    if not core.is_tensor(results[i]) then
      core.raise(string.format("trace: forward gives %s as result %d: tensors alone make a graph", core.got(results[i]), i))
    end
    trace:output(results[i])
  end
  if results.n == 0 then core.raise "trace: forward gives nothing" end
  return trace
end

--- The model in C that does what self:forward does with examples like these; parameters are shared.
local function trace(where, self, ...)
  if not module.is_module(self) then core.badarg(1, where, "instance of a class expected, got " .. core.got(self)) end
  local inputs, options = table.pack(...), {}
  local last = inputs[inputs.n]
  if type(last) == "table" and getmetatable(last) == nil then
    options, inputs[inputs.n] = last, nil
    inputs.n = inputs.n - 1
  end
  for i = 1, inputs.n do
    if not core.is_tensor(inputs[i]) then core.badarg(i + 1, where, "example: tensor expected, got " .. core.got(inputs[i])) end
  end
  if inputs.n == 0 then core.badarg(2, where, "example: tensor expected, got no value") end
  check_options(options, where, inputs.n)
  local has, size = batches(inputs, options.batch, where)
  -- a batch of one row would hide what depends on its size behind what is done to sizes of one
  local once = size == 1 and 2 or 1
  local restore = evaluate(self)
  local ok, a, b = pcall(core.enable_grad, function()
    if require("luron.lazy").waits(self) then core.no_grad(self, table.unpack(inputs, 1, inputs.n)) end -- it has to have its parameters
    return run(self, repeated(inputs, has, once), has), run(self, repeated(inputs, has, size and 2 * once or 1), has)
  end)
  restore()
  if not ok then error(a, 0) end
  local model = core.trace_model(a, b)
  a:close() -- they hold every tensor of both runs
  b:close()
  return model
end

return trace
