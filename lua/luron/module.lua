--- Classes with a `forward` in Lua: nn.class "Name". Layers, models, instances, lists of these, and tensors that require
--- gradients are found by assignment; keys that begin with '_' are left out.
local core = require "luron.core"

local classes = require "luron.classes" -- for luron.load
local names = require "luron.names"
local parts = require "luron.parts"

local is_module = parts.is_module

local Module = { is_module = true }
Module.__index = Module
for name, method in pairs(parts.methods) do Module[name] = method end
setmetatable(Module, {
  __name = "luron.nn.Module",
  __index = function(_, key) return parts.refuse_method(Module, "nn.Module", key) end,
  __call = function()
    core.raise('nn.Module is what classes inherit from; nn.class makes one: local Net = nn.class "Net"; '
      .. "function Net:init() self.linear = nn.Linear(3, 2) end; function Net:forward(x) return self.linear(x) end; local net = Net()")
  end,
})

local function check_self(value, name)
  if not is_module(value) then
    local hint = type(value) == "table" and rawget(value, "is_module") and "; a class is called to make one" or ""
    core.badarg(0, name, "instance of a class expected, got " .. core.got(value) .. hint)
  end
end

-- Keys in an order that does not change from run to run: numbers, then names.
local function sorted_keys(t)
  local keys = {}
  for key in next, t do
    if math.type(key) == "integer" or (type(key) == "string" and key:sub(1, 1) ~= "_") then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    return a < b
  end)
  return keys
end

-- Instances whose mode or hooks a step that luron.compile notes has looked at, with the mode; nil: none is being noted.
local looked_at

--- Note them into the list, or (nil) no more.
local function watch(list) looked_at = list end

local function mode_of(self) return rawget(self, "_training") ~= false end

local function look(self)
  if not core.is_planning() then -- the step was given up
    looked_at = nil
    return
  end
  if rawget(self, "_hooks") then core.plan_refuse "calls a hook of an instance of a class" end
  looked_at[#looked_at + 1], looked_at[#looked_at + 2] = self, mode_of(self)
end

--- Are they as they were?
local function as_watched(list)
  for i = 1, #list, 2 do
    if mode_of(list[i]) ~= list[i + 1] or rawget(list[i], "_hooks") then return false end
  end
  return true
end

-- Tensors that were parameters of some module: they stay parameters while they are frozen.
local parameters = setmetatable({}, { __mode = "k" })

local function is_parameter(tensor)
  if tensor:requires_grad() and tensor:is_leaf() then parameters[tensor] = true end
  return parameters[tensor]
end

-- noted[owner][key]: there was a parameter when it was last looked at.
local noted = setmetatable({}, { __mode = "k" })

local function note(owner, key)
  noted[owner] = noted[owner] or {}
  noted[owner][key] = true
end

-- Raise where an ordinary tensor stands in the place of a parameter: it would be trained and saved no more, in silence.
local function check_still(owner, key, value)
  if is_parameter(value) or (rawget(owner, "_buffers") or {})[key] then return end
  core.raise(string.format("'%s' was a parameter, and the tensor that was assigned to it %s: copy into it, luron.no_grad(function() p:copy_(t) end); "
    .. "or assign t:requires_grad_(), which an optimiser has to be told of; or note one that is not trained, self:buffer(name, t)",
    key, value:is_leaf() and "requires no gradient" or "is a result"))
end

local function check_parameters(self)
  for key in next, noted[self] or {} do
    local value = rawget(self, key)
    if core.is_tensor(value) then check_still(self, key, value) end
    if value == nil then noted[self][key] = nil end -- taken away
  end
end

-- visit(kind, path, value, owner, key) for every part of the module, each once.
local function walk(self, path, seen, visit)
  if seen[self] then return end
  seen[self] = true
  check_parameters(self)
  for _, key in ipairs(sorted_keys(self)) do
    local value = rawget(self, key)
    local at = path == "" and tostring(key) or path .. "." .. key
    if core.is_layer(value) or core.is_model(value) then
      if not seen[value] then visit(core.is_layer(value) and "layer" or "model", at, value, self, key) end
      seen[value] = true
    elseif core.is_tensor(value) then
      if is_parameter(value) then
        if is_module(self) then note(self, key) end
        visit("tensor", path == "" and tostring(key) or path .. "/" .. key, value, self, key)
      end
    elseif is_module(value) then
      visit("module", at, value, self, key)
      walk(value, at, seen, visit)
    elseif type(value) == "table" and getmetatable(value) == nil then
      walk(value, at, seen, visit)
    end
  end
  local buffers = rawget(self, "_buffers") or {}
  for _, name in ipairs(names.sorted(buffers)) do visit("buffer", path == "" and name or path .. "/" .. name, buffers[name], self, name) end
end

local function each(self, visit) walk(self, "", {}, visit) end

-- Names in models are "linear1/weight": under the model's own path they become "encoder.linear1/weight".
local function put_named(into, part, path, method)
  for name, tensor in part[method](part) do
    into[#into + 1] = core.is_layer(part) and path .. "/" .. name or path .. "." .. name
    into[#into + 1] = tensor
  end
end

local function named(self, kinds, method)
  local all, list, seen = {}, {}, {}
  each(self, function(kind, path, value)
    if kind == "layer" or kind == "model" then put_named(all, value, path, method) end
    if kinds[kind] then
      all[#all + 1] = path
      all[#all + 1] = value
    end
  end)
  for i = 1, #all, 2 do
    local id = all[i + 1]:id()
    if not seen[id] then
      seen[id] = true
      list[#list + 1], list[#list + 2] = all[i], all[i + 1]
    end
  end
  local i = -1
  return function()
    i = i + 2
    return list[i], list[i + 1]
  end
end

--- Parameters with their names: `for name, tensor in module:named_parameters() do`.
function Module:named_parameters()
  check_self(self, "named_parameters")
  return named(self, { tensor = true }, "named_parameters")
end

--- State that is saved and not trained: of the layers, and what buffer() has noted.
function Module:named_states()
  check_self(self, "named_states")
  return named(self, { buffer = true }, "named_states")
end

--- List of the parameters, each once.
function Module:parameters()
  check_self(self, "parameters")
  local list = {}
  for _, tensor in self:named_parameters() do list[#list + 1] = tensor end
  return list
end

--- Note a tensor that is saved with the module and not trained; it becomes self[name] too.
function Module:buffer(name, tensor)
  check_self(self, "buffer")
  if type(name) ~= "string" then core.badarg(1, "buffer", "name: string expected, got " .. core.got(name)) end
  if not core.is_tensor(tensor) then core.badarg(2, "buffer", "tensor expected, got " .. core.got(tensor)) end
  self._buffers = rawget(self, "_buffers") or {}
  self._buffers[name], self[name] = tensor, tensor
  return tensor
end

--- A deep copy: parameters and state of its own, what was shared or tied inside stays so. Hooks stay with the original.
function Module:clone()
  check_self(self, "clone")
  local new = require "luron.copy"(self, function(old, copy) parameters[copy] = parameters[old] end)
  each(new, function() end) -- notes the tensors that are parameters
  return new
end

--- Training mode, on or off, for everything below.
function Module:train(on)
  check_self(self, "train")
  if on == nil then on = true end
  if type(on) ~= "boolean" then core.badarg(1, "train", "on: boolean expected, got " .. core.got(on)) end
  self._training = on
  each(self, function(kind, _, value)
    if kind == "layer" or kind == "model" then value:train(on) end
    if kind == "module" then value._training = on end
  end)
  return self
end

function Module:eval() return Module.train(self, false) end

function Module:is_training()
  check_self(self, "is_training")
  core.trace_refuse "asks for the mode (is_training), but a graph has one way for both: nn.Dropout and the like do what the mode says"
  if looked_at then look(self) end
  return mode_of(self)
end

function Module:zero_grad()
  check_self(self, "zero_grad")
  for _, tensor in self:named_parameters() do tensor:zero_grad() end
  return self
end

--- Cast parameters and state of real numbers, in place, as layers do it: whoever has them has them still.
function Module:to(dtype)
  check_self(self, "to")
  if type(dtype) ~= "string" then core.badarg(1, "to", "dtype: string expected, got " .. core.got(dtype)) end
  each(self, function(kind, _, value, owner, key)
    if kind == "layer" or kind == "model" then value:to(dtype) end
    if (kind ~= "tensor" and kind ~= "buffer") or not value:is_floating() or value:dtype() == dtype then return end
    if value:is_leaf() then
      core.tensor_set_dtype(value, dtype)
    else -- a buffer that forward has computed
      local cast = value:detach():to(dtype)
      owner._buffers[key], owner[key] = cast, cast
    end
  end)
  return self
end

-- The graph that `trace` of save's options stands for: a model that nn.trace made, an example, or a list of them.
local function graph_of(self, value)
  if not core.is_model(value) then
    if core.is_tensor(value) then value = { value } end
    if type(value) ~= "table" or getmetatable(value) ~= nil then
      core.badarg(2, "save", "trace: model of nn.trace, example or list of examples expected, got " .. core.got(value))
    end
    local last = value[#value]
    if #value > 1 and type(last) == "table" and getmetatable(last) == nil and last.batch ~= nil then
      core.badarg(2, "save", "trace: batch stands beside the examples: { x, y, batch = { true, false } }")
    end
    local args = table.pack(table.unpack(value))
    args[args.n + 1] = value.batch ~= nil and { batch = value.batch } or {}
    return require "luron.trace"("save", self, table.unpack(args, 1, args.n + 1))
  end
  local own = {}
  for _, tensor in self:named_parameters() do own[tensor:id()] = true end
  for name, tensor in value:named_parameters() do
    if not own[tensor:id()] then core.badarg(2, "save", string.format("trace: '%s' of the model is no parameter of this instance", name)) end
  end
  return value
end

-- Those of the paths that the graph has and the class does not, its constants and other names of what is tied, as a JSON list.
local function graph_alone(paths, own)
  local list = {}
  for _, path in ipairs(paths) do
    if not own[path] then list[#list + 1] = core.json_encode(path) end
  end
  return "[" .. table.concat(list, ", ") .. "]"
end

-- The paths in a checkpoint that the class has to know.
local function paths_of(checkpoint)
  local paths = checkpoint:tensors()
  if not checkpoint:text "architecture" then return paths end
  local module, alone, rest = checkpoint.training.module, {}, {}
  if type(module) ~= "table" then module = nil end
  if module and type(module.graph) ~= "table" then return {} end -- by an earlier version: what is the graph's is not told
  for _, path in ipairs(module and module.graph or {}) do alone[path] = true end
  for _, path in ipairs(paths) do
    -- of a graph alone all parameters are known by the class that was traced, and its constants are not
    if not alone[path] and (module or path:find "^parameters/") then rest[#rest + 1] = path end
  end
  return rest
end

--- Write parameters and state (and what `options` says: as model:save) to a checkpoint; `trace`: an example, whose graph is
--- written beside them, for programs that do not have the class.
function Module:save(path, options)
  check_self(self, "save")
  local graph
  if type(options) == "table" and options.trace ~= nil then
    graph = graph_of(self, options.trace)
    local rest = {}
    for key, value in pairs(options) do
      if key ~= "trace" then rest[key] = value end
    end
    options = rest
  end
  require("luron.checkpoint").write(function(handle)
    if graph then handle:set_model(graph) end
    local own = {}
    local function set(at, tensor)
      own[at] = true
      if not handle:tensor(at) then handle:set_tensor(at, tensor) end
    end
    for name, tensor in self:named_parameters() do set("parameters/" .. name, tensor) end
    for name, tensor in self:named_states() do set("state/" .. name, tensor) end
    local name = getmetatable(self).__name
    local module = classes.module_of(name, getmetatable(self))
    handle:set_text("training/module", string.format('{"args": %s, "class": %s%s%s}', classes.arguments_text(self), core.json_encode(name),
      graph and ', "graph": ' .. graph_alone(handle:tensors(), own) or "", module and ', "module": ' .. core.json_encode(module) or ""))
  end, path, options, "save")
end

--- Parameters and state from a file or checkpoint, all or nothing: the checkpoint, or nil, message, code.
function Module:restore(from)
  check_self(self, "restore")
  local checkpoint = require "luron.checkpoint"
  local message, code
  if getmetatable(from) ~= checkpoint.Checkpoint then
    from, message, code = checkpoint.open(from, nil, "restore")
    if not from then return nil, message, code end
  end
  local ok
  ok, message = parts.load_tensors(self, function(group, name) return from:tensor(group .. "/" .. name) end, paths_of(from))
  if not ok then return nil, message, "MISMATCH" end
  return from
end

local function indent(text) return (text:gsub("\n", "\n  ")) end

local shown = {} -- instances whose text is being made: one may be a part of itself

-- A line for each part in the instance or plain table, by its path.
local function add_lines(lines, owner, path, seen)
  if seen[owner] then return end
  seen[owner] = true
  for _, key in ipairs(sorted_keys(owner)) do
    local value, at = rawget(owner, key), path .. key
    if core.is_tensor(value) then
      lines[#lines + 1] = string.format("  %s: tensor %s %s", at, value:shape(), value:dtype())
    elseif core.is_layer(value) or core.is_model(value) or is_module(value) then
      lines[#lines + 1] = string.format("  %s: %s", at, indent(tostring(value)))
    elseif type(value) == "table" and getmetatable(value) == nil then
      add_lines(lines, value, at .. ".", seen)
    end
  end
end

local function text_of(self)
  local lines = { getmetatable(self).__name }
  add_lines(lines, self, "", {})
  return table.concat(lines, "\n")
end

function Module:__tostring()
  check_self(self, "tostring")
  if shown[self] then return getmetatable(self).__name .. " (as above)" end
  shown[self] = true
  local ok, text = pcall(text_of, self)
  shown[self] = nil
  if not ok then error(text, 0) end
  return text
end

function Module:__call(...)
  check_self(self, "call")
  if looked_at then look(self) end
  check_parameters(self)
  local own = rawget(self, "forward")
  if own ~= nil and not parts.is_callable(own) then
    core.raise(string.format("the field forward of an instance of '%s' is %s, and hides the method", getmetatable(self).__name, core.got(own)))
  end
  if rawget(self, "_hooks") then return require("luron.hooks").call(self, ...) end
  return self:forward(...)
end

function Module:forward()
  check_self(self, "forward")
  core.raise(string.format("class '%s' has no method forward", getmetatable(self).__name))
end

--- fn(self, inputs) before each call, which may give other inputs; a handle to remove it.
function Module:register_forward_pre_hook(fn)
  check_self(self, "register_forward_pre_hook")
  return require("luron.hooks").add(self, "forward_pre", "register_forward_pre_hook", fn)
end

--- fn(self, inputs, outputs...) after each call, which may give other outputs.
function Module:register_forward_hook(fn)
  check_self(self, "register_forward_hook")
  return require("luron.hooks").add(self, "forward", "register_forward_hook", fn)
end

--- fn(self, grad_inputs, grad_outputs) in a backward through a call, which may give other gradients of inputs.
function Module:register_full_backward_hook(fn)
  check_self(self, "register_full_backward_hook")
  return require("luron.hooks").add(self, "backward", "register_full_backward_hook", fn)
end

-- For messages and profiles layers have their paths, as in models; those in an instance within this one a longer path than there. What
-- the user has named stays.
local function name_layer(layer, path)
  local name = layer:name()
  if name == "" or path:sub(-#name - 1) == "." .. name then layer:name(path) end
end

local function name_layers(kind, path, value)
  if kind == "layer" then name_layer(value, path) end
  if kind == "model" then
    for name, layer in value:named_layers() do name_layer(layer, path .. "." .. name) end
  end
end

--- A class: `local Block = nn.class "Block"`; functions Block:init(...) and Block:forward(...); Block(...) makes one.
local function class(name, base)
  if type(name) ~= "string" or name == "" then core.badarg(1, "class", "name: string expected, got " .. core.got(name)) end
  if base ~= nil and (type(base) ~= "table" or not rawget(base, "is_module")) then core.badarg(2, "class", "class expected, got " .. core.got(base)) end
  local new = { __name = name, __call = Module.__call, __tostring = Module.__tostring, is_module = true }
  function new.__index(self, key)
    local value = parts.of_class(new, key)
    if value == nil then return parts.refuse_field(self, new, key) end
    return value
  end
  classes.note(name, new, debug.getinfo(2, "S").source)
  return setmetatable(new, {
    base = base or Module,
    __index = function(_, key)
      local value = parts.of_class(base or Module, key)
      if value == nil then return parts.refuse_method(new, "class '" .. name .. "'", key) end
      return value
    end,
    __name = "class " .. name,
    __tostring = function() return "class " .. name end,
    __call = function(_, ...)
      local self = setmetatable({ _args = table.pack(...) }, new)
      self._args.n = nil
      if new.init then new.init(self, ...) end
      each(self, name_layers) -- and notes the tensors that are parameters
      return self
    end,
  })
end

--- Is the class of the instance in a checkpoint defined in this program?
local function is_known(checkpoint)
  local module = checkpoint.training.module
  if type(module) ~= "table" or type(module.class) ~= "string" then return false end
  return classes.find(module.class, type(module.module) == "string" and module.module or nil) ~= nil
end

--- The instance that a checkpoint written by Module:save describes; nil, message, code.
local function from_checkpoint(checkpoint)
  local module = checkpoint.training.module
  if type(module) ~= "table" or type(module.class) ~= "string" then
    return nil, checkpoint.path .. ": parameters without an architecture; make the model and call model:restore(path)", "STATE"
  end
  local known, missing = classes.find(module.class, type(module.module) == "string" and module.module or nil)
  if not known then return nil, string.format("%s: holds a %s", checkpoint.path, missing), "NOT_FOUND" end
  if type(module.args) ~= "table" then
    return nil, string.format("%s: the arguments of class '%s' are not in it; make an instance and call restore(path)", checkpoint.path, module.class), "MISMATCH"
  end
  local n = 0
  for i in pairs(module.args) do n = math.type(i) == "integer" and math.max(n, i) or n end
  local ok, self = pcall(function() return known(table.unpack(module.args, 1, n)) end)
  if not ok then return nil, string.format("%s: class '%s': %s", checkpoint.path, module.class, tostring(self)), "MISMATCH" end
  local _, message, code = self:restore(checkpoint)
  if message then return nil, message, code end
  return self
end

return { Module = Module, class = class, each = each, is_module = is_module, is_callable = parts.is_callable, from_checkpoint = from_checkpoint, is_known = is_known,
  watch = watch, as_watched = as_watched }
