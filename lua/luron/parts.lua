--- What layers, models and instances of Lua classes have in common beyond what C gives them: one meaning for all three. And
--- what happens where one of them is asked for something that it does not have.
local core = require "luron.core"
local names = require "luron.names"

local parts = { methods = {} }
local methods = parts.methods

function parts.is_module(value)
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.is_module == true
end

--- May the value be called: a function, layer, model, instance, or another with __call?
function parts.is_callable(value)
  if type(value) == "function" then return true end
  local meta = (type(value) == "table" or type(value) == "userdata") and debug.getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

--- value[key] of a table; nil where there is none, also where the table says so by raising.
function parts.field(value, key)
  if type(value) ~= "table" then return nil end
  local ok, found = pcall(function() return value[key] end)
  if ok then return found end
  if found == "not enough memory" then error(found, 0) end
end

local function check_self(value, where)
  if core.is_layer(value) or core.is_model(value) or parts.is_module(value) then return end
  local hint = type(value) == "table" and rawget(value, "is_module") and "; a class is called to make one" or ""
  core.badarg(0, where, "layer, model or instance of a class expected, got " .. core.got(value) .. hint)
end

--- The parameter of that name, nil: there is none.
function methods:parameter(name)
  check_self(self, "parameter")
  if type(name) ~= "string" then core.badarg(1, "parameter", "name: string expected, got " .. core.got(name)) end
  for other, tensor in self:named_parameters() do
    if other == name then return tensor end
  end
end

--- How many numbers are in all parameters.
function methods:n_weights()
  check_self(self, "n_weights")
  local n = 0
  for _, tensor in self:named_parameters() do n = n + tensor:numel() end
  return n
end

-- ---- frozen or not -----------------------------------------------------------------------------------------------------
local function set_trained(self, where, prefix, on)
  check_self(self, where)
  if prefix ~= nil and type(prefix) ~= "string" then core.badarg(1, where, "prefix: string expected, got " .. core.got(prefix)) end
  local found = false
  for name, tensor in self:named_parameters() do
    -- whole parts of a path: "enc" is not the beginning of "encoder/weight"
    if not prefix or name == prefix or (name:sub(1, #prefix) == prefix and name:sub(#prefix + 1):match "^[./]") then
      tensor:requires_grad_(on)
      found = true
    end
  end
  if not found then core.badarg(1, where, prefix and string.format("no parameter's path begins with '%s'", prefix) or "there are no parameters") end
  return self
end

--- No longer train the parameters whose path begins so; all without an argument.
function methods:freeze(prefix) return set_trained(self, "freeze", prefix, false) end

--- Train them again.
function methods:unfreeze(prefix) return set_trained(self, "unfreeze", prefix, true) end

-- ---- tensors by name ---------------------------------------------------------------------------------------------------
--- Parameters and state by name; the tensors are shared, not copied.
function methods:state_dict()
  check_self(self, "state_dict")
  local dict = {}
  for name, tensor in self:named_parameters() do dict[name] = tensor end
  for name, tensor in self:named_states() do dict[name] = tensor end
  return dict
end

--- Copy what find(group, name) gives into the part, all or nothing: true, or nil and the differences. `paths`: all there are
--- that it has to know.
function parts.load_tensors(self, find, paths)
  local wait_again, why = require("luron.lazy").resize(self, find)
  if not wait_again then return nil, why end
  local pairs_, wrong, known = {}, {}, {}
  local function compare(group, iterator)
    for name, tensor in iterator do
      local from = find(group, name)
      known[group .. "/" .. name] = true
      if not core.is_tensor(from) then
        wrong[#wrong + 1] = name .. " is missing"
      elseif tostring(from:shape()) ~= tostring(tensor:shape()) then
        wrong[#wrong + 1] = string.format("%s has shape %s, expected %s", name, from:shape(), tensor:shape())
      else
        pairs_[#pairs_ + 1] = { tensor, from }
      end
    end
  end
  compare("parameters", self:named_parameters())
  compare("state", self:named_states())
  for _, path in ipairs(paths or {}) do
    if path:find "^parameters/" or path:find "^state/" then
      if not known[path] then wrong[#wrong + 1] = path .. " is in the file alone" end
    end
  end
  if #wrong > 0 then
    wait_again()
    return nil, "the tensors do not fit: " .. table.concat(wrong, "; ")
  end
  core.no_grad(function()
    for _, pair in ipairs(pairs_) do pair[1]:copy_(pair[2]) end
  end)
  return true
end

--- Copy the tensors of a state_dict in, all or nothing. Names that are missing, and wrong shapes, raise.
function methods:load_state_dict(dict)
  check_self(self, "load_state_dict")
  if type(dict) ~= "table" then core.badarg(1, "load_state_dict", "table expected, got " .. core.got(dict)) end
  local wait_again, why = require("luron.lazy").resize(self, function(_, name) return dict[name] end)
  if not wait_again then core.badarg(1, "load_state_dict", why) end
  local known = self:state_dict()
  for name in pairs(dict) do
    if not known[name] then
      wait_again()
      core.badarg(1, "load_state_dict", "there is no tensor " .. core.got(name))
    end
  end
  local ok, message = parts.load_tensors(self, function(_, name) return dict[name] end)
  if not ok then
    wait_again()
    core.badarg(1, "load_state_dict", message)
  end
  return self
end

-- ---- layers, models and instances inside -------------------------------------------------------------------------------
-- { part, path } for the part itself and every layer, model and instance in it, each before what is inside it.
local function all_parts(self)
  local list = { { self, "" } }
  if parts.is_module(self) then
    require("luron.module").each(self, function(kind, path, value)
      if kind ~= "tensor" and kind ~= "buffer" then list[#list + 1] = { value, path } end
    end)
  end
  return list
end

local function each_layer_of(model, path, visit)
  for name, layer in model:named_layers() do visit(layer, path == "" and name or path .. "." .. name) end
end

--- Calls fn(part, path) for every layer (of models too), model and instance in it, what is inside first, and for itself, with
--- the path "".
function methods:apply(fn)
  check_self(self, "apply")
  if not parts.is_callable(fn) then core.badarg(1, "apply", "function expected, got " .. core.got(fn)) end
  local list = all_parts(self)
  for i = #list, 1, -1 do
    local part, path = list[i][1], list[i][2]
    if core.is_model(part) then each_layer_of(part, path, fn) end
    fn(part, path)
  end
  return self
end

--- Paths and layers, those of models inside too.
function methods:named_layers()
  check_self(self, "named_layers")
  local list, i = {}, -1
  local function add(layer, path) list[#list + 1], list[#list + 2] = path, layer end
  for _, pair in ipairs(all_parts(self)) do
    if core.is_model(pair[1]) then each_layer_of(pair[1], pair[2], add) end
    if core.is_layer(pair[1]) then add(pair[1], pair[2]) end
  end
  return function()
    i = i + 2
    return list[i], list[i + 1]
  end
end

--- The layer at a path; nil: there is none.
function methods:layer(path)
  check_self(self, "layer")
  if type(path) ~= "string" then core.badarg(1, "layer", "path: string expected, got " .. core.got(path)) end
  for other, layer in self:named_layers() do
    if other == path then return layer end
  end
end

-- The table without shapes, of a model that only lists what the part has: every layer in it has the same input, which is not shown.
local function listing(self)
  local model <close>, seen = core.model_new(), {}
  local input = core.model_input(model)
  for path, layer in self:named_layers() do
    local ins = {}
    for i = 1, math.max(1, #core.type_info("layer", layer:type()).inputs) do ins[2 * i - 1], ins[2 * i] = input, 1 end
    core.model_add(model, path, layer, ins)
    for _, tensor in layer:named_parameters() do seen[tensor:id()] = true end
  end
  for name, tensor in self:named_parameters() do -- its own
    if not seen[tensor:id()] then core.model_tensor(model, name, tensor, true) end
  end
  return (model:summary():gsub("\n[^\n]*%(input%)[^\n]*", "", 1))
end

--- The table of layers, shapes, parameters and FLOPs for inputs of these sizes: of the graph that nn.trace makes with zeros.
function methods:summary(...)
  check_self(self, "summary")
  local inputs = table.pack(...)
  if inputs.n == 0 then return listing(self) end
  if math.type(inputs[1]) == "integer" then inputs = { { ... }, n = 1 } end -- the sizes of the one input, one by one
  local waits = require("luron.lazy").waits(self)
  local _, first = (waits and self.named_layers or self.named_parameters)(self)()
  for i, sizes in ipairs(inputs) do
    if type(sizes) ~= "table" then core.badarg(i, "summary", "sizes: table expected, got " .. core.got(sizes)) end
    inputs[i] = core.zeros(sizes, { dtype = first and first:dtype() or nil })
  end
  inputs[inputs.n + 1] = { batch = false }
  local model <close> = require "luron.trace"("summary", self, table.unpack(inputs, 1, inputs.n + 1))
  for i = 1, inputs.n do inputs[i] = inputs[i]:shape() end
  return model:summary(table.unpack(inputs, 1, inputs.n))
end

-- ---- where they go -----------------------------------------------------------------------------------------------------
for _, name in ipairs { "parameter", "apply", "state_dict", "load_state_dict" } do core.methods.model[name] = methods[name] end
for _, name in ipairs { "parameter", "apply", "state_dict", "load_state_dict", "n_weights", "freeze", "unfreeze" } do core.methods.layer[name] = methods[name] end

-- ---- what is not there -------------------------------------------------------------------------------------------------
local function add_keys(to, from)
  for key in pairs(from) do to[key] = true end
  return to
end

local function add_names(to, iterator)
  for name in iterator do to[name] = true end
  return to
end

local refusals = {}

function refusals.layer(layer, key)
  local known = add_names(add_names(add_keys(add_keys({}, core.methods.layer), layer:options()), layer:named_parameters()), layer:named_states())
  names.refuse(layer:type(), "layer", key, known)
end

function refusals.model(model, key)
  if type(key) == "string" and model:layer(key) then core.raise(string.format("a model has no '%s'; the layer of that path is model:layer '%s'", key, key)) end
  names.refuse("a model", "model", key, core.methods.model)
end

function refusals.optimiser(opt, key) names.refuse(opt:type(), "optimiser", key, add_keys({ groups = true }, core.methods.optim)) end

function refusals.tensor(_, key)
  local known = add_keys({}, core.methods.tensor)
  for _, name in ipairs(core.types "layer") do
    local fn = core.type_info("layer", name).function_name
    if fn then known[fn] = true end
  end
  core.raise(string.format("tensors have no method '%s', and no layer type gives one%s", key, names.hint("tensor", key, known)))
end

setmetatable(core.methods.hook, { __index = function(known, key) names.refuse("the handle of a hook", "hook", key, known) end })
core.set_missing(function(kind, object, key) refusals[kind](object, key) end)

--- What a class of nn.class, or one that it inherits from, has under the key.
function parts.of_class(class, key)
  while class do
    local value = rawget(class, key)
    if value ~= nil then return value end
    class = getmetatable(class).base
  end
end

-- The keys of a class and those that it inherits from.
local function add_class(known, class)
  while class do
    add_keys(known, class)
    class = getmetatable(class).base
  end
  return known
end

--- A class was asked for what it does not have. Keys that begin with '_', numbers, and `init`, which may be absent, are nil.
function parts.refuse_method(class, title, key)
  if type(key) ~= "string" or key:sub(1, 1) == "_" or key == "init" then return nil end
  names.refuse(title, "module", key, add_class({ init = true }, class))
end

--- An instance of a class was asked for a field that neither it nor the class has. Keys that begin with '_', and numbers, are
--- the user's own affair.
function parts.refuse_field(self, class, key)
  if type(key) ~= "string" or key:sub(1, 1) == "_" then return nil end
  local hint = names.hint("module", key, add_class(add_keys({}, self), class))
  core.raise(string.format("an instance of '%s' has no '%s'%s%s", class.__name, key, hint,
    hint == "" and "; a part that may be absent is false, not nil" or ""))
end

return parts
