--- Luron: neural networks in Lua. `local luron = require "luron"`; nothing is global.
local core = require "luron.core"
local checkpoint = require "luron.checkpoint"
local names = require "luron.names"
require "luron.composed"
local optim = require "luron.optim"

-- What is for luron's own files alone.
local internal = {
  methods = true, raise = true, badarg = true, got = true, node_methods = true, model_new = true, model_input = true, model_add = true,
  model_include = true, model_outputs = true, optim_new = true, tensor_set_dtype = true, optim_add = true, checkpoint_new = true, checkpoint_load = true,
  layer_type = true, layer_function = true, read_file = true, is_terminal = true, json_encode = true, json_decode = true,
  trace_new = true, trace_model = true, trace_refuse = true, is_tracing = true, plan_begin = true, plan_step = true, is_planning = true,
  plan_key = true, plan_refuse = true, plan_ready = true, plan_runs = true, plan_call = true, lazy_type = true, lazy_resize = true, waits = true,
  model_op = true, model_tensor = true, tensor_init = true, initialisers = true, help = true, set_missing = true, set_epochs = true,
  sparse = true, profile_begin = true, profile_end = true, profile_parts = true, before_step = true, check_step = true, list_steps = true,
}

local luron = {}
for name, value in pairs(core) do
  if not internal[name] then luron[name] = value end
end

names.guard(luron.linalg, "luron.linalg")
names.guard(luron.status, "luron.status")
luron.nn = require "luron.nn"
luron.optim = optim
luron.load = checkpoint.load
luron.checkpoint = checkpoint.open

-- Loaded at first use, so that `require "luron"` stays quick.
local lazy = {
  help = function() return require("luron.help").help end,
  compile = function() return require("luron.compile").compile end,
  explain = function() return require("luron.compile").explain end,
  data = function() return require "luron.data" end,
  fit = function() return require("luron.fit").fit end,
  evaluate = function() return require("luron.fit").evaluate end,
  progress = function() return require("luron.progress").new end,
  schedule = function() return require "luron.schedule" end,
  metrics = function() return require "luron.metrics" end,
  sparse = function() return require "luron.sparse" end,
  boxes = function() return require "luron.boxes" end,
  clip_grad_norm = function() return require("luron.clip").clip_grad_norm end,
  clip_grad_value = function() return require("luron.clip").clip_grad_value end,
  vjp = function() return require("luron.functional").vjp end,
  jvp = function() return require("luron.functional").jvp end,
  jacobian = function() return require("luron.functional").jacobian end,
  hessian = function() return require("luron.functional").hessian end,
  hvp = function() return require("luron.functional").hvp end,
  regularizer = function() return require("luron.weights").regularizer end,
  constraint = function() return require("luron.weights").constraint end,
  penalty = function() return require("luron.weights").penalty end,
  activity = function() return require("luron.weights").activity end,
  constrain = function() return require("luron.weights").constrain end,
  prune = function() return require("luron.prune").new end,
  adapt = function() return require("luron.adapt").adapt end,
  preprocess = function() return require "luron.preprocess" end,
  EMA = function() return require("luron.average").ema end,
  SWA = function() return require("luron.average").swa end,
}

-- Sub-tables, and single names of modules that are loaded for them; then what plugins have as functions: luron.relu.
return setmetatable(luron, {
  __index = function(_, name)
    local get = lazy[name]
    local value = get and get() or type(name) == "string" and name:match "^%l" and core.layer_function(name)
    if not value then
      local known = {}
      for key in next, luron do known[key] = true end
      for key in pairs(lazy) do known[key] = true end
      names.refuse("luron", "luron", name, known)
    end
    luron[name] = value
    return value
  end,
  __name = "luron",
})
