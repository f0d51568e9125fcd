--- Saving and loading: model:save, model:restore, luron.load. The file is written and read in C; no file can run code.
local core = require "luron.core"
local names = require "luron.names"
local parts = require "luron.parts"

local Checkpoint = {}
Checkpoint.__index = names.index(Checkpoint, "a checkpoint", "checkpoint", {
  epoch = true, step = true, history = true, preprocessing = true, training = true, path = true,
})
Checkpoint.__name = "luron.checkpoint"

local save_options = {
  optim = "optimiser", epoch = "integer", step = "integer", history = "table", preprocessing = "table", loader = "loader", training = "table",
  format = "string", keep_prev = "boolean", ema = "average", prune = "pruning", nonfinite = "boolean",
}

local kinds = {
  optimiser = function(value) return core.is_optim(value) end, -- L-BFGS puts its own in when it is loaded
  average = function(value) return getmetatable(value) == require("luron.average").Average end,
  pruning = function(value) return require("luron.prune").is_pruning(value) end,
  loader = function(value) return type(parts.field(value, "state")) == "function" end,
}

local function check_options(options, where)
  local optim = type(options) == "table" and options.optim
  if type(optim) == "table" and not core.is_optim(optim) then
    core.badarg(2, where, "optim: one optimiser expected, got a table: save the others in files of their own, with the same model")
  end
  return names.options(2, where, options, save_options, kinds, "save")
end

local function set_texts(handle, group, values, where)
  for key, value in pairs(values) do
    if type(key) ~= "string" or not key:match "^[%w_.-]+$" then
      core.badarg(2, where, string.format("%s: names of letters, digits, '_', '.' and '-' expected, got %s", group, core.got(key)))
    end
    local ok, text = pcall(core.json_encode, value)
    if not ok then
      local at = group == "training" and key or group .. ": " .. key
      core.badarg(2, where, at .. ": " .. tostring(text):gsub("^.*JSON: ", ""))
    end
    handle:set_text(group .. "/" .. key, text)
  end
end

local function check_path(path, where)
  if type(path) ~= "string" then
    local hint = where == "checkpoint" and parts.is_callable(path) and ": luron.recompute(f, x) gives up what f kept for the gradient" or ""
    core.badarg(1, where, "path: string expected, got " .. core.got(path) .. hint)
  end
  if path:find("\0", 1, true) then core.badarg(1, where, "path: the string has a zero byte in it") end
end

-- What the text of each key in /training is written from, other than the option `training`.
local taken = {
  epoch = "the option epoch", step = "the option step", history = "the option history", loader = "the option loader",
  module = "the class of the instance", ema_updates = "the option ema", lbfgs = "the option optim",
}

-- The option `training`, and those that are kept beside it.
local function training_of(handle, options, where)
  local training = { epoch = options.epoch, step = options.step, history = options.history, loader = options.loader and options.loader:state() }
  for key, value in pairs(options.training or {}) do
    if training[key] ~= nil or (taken[key] and handle:text("training/" .. key)) then
      core.badarg(2, where, string.format("training: %s is written from %s: give one of them", key, taken[key]))
    end
    training[key] = value
  end
  return training
end

--- Write `fill`ed checkpoint with the options of save to `path`.
local function write(fill, path, options, where)
  check_path(path, where)
  options = check_options(options, where)
  local handle <close> = core.checkpoint_new()
  fill(handle)
  local lbfgs = require "luron.lbfgs"
  if lbfgs.is(options.optim) then lbfgs.write(options.optim, handle) elseif options.optim then handle:set_optim(options.optim) end
  if options.ema then require("luron.average").write(options.ema, handle) end
  if options.prune then require("luron.prune").write(options.prune, handle) end
  local training = training_of(handle, options, where)
  set_texts(handle, "training", training, where)
  set_texts(handle, "preprocessing", options.preprocessing or {}, where)
  handle:write(path, options.format, options.keep_prev or false, options.nonfinite or false)
end

local function texts(handle, group)
  local values = {}
  for _, path in ipairs(handle:texts()) do
    local key = path:match("^" .. group .. "/([^/@]+)$")
    if key then
      local text = handle:text(path)
      local value, message = core.json_decode(text)
      if message then value = text end
      values[key] = value
    end
  end
  return values
end

--- Read a file without making a model of it: a checkpoint, or nil, message, code.
local function open(path, options, where)
  where = where or "checkpoint"
  check_path(path, where)
  options = names.options(2, where, options, { verify = "boolean" })
  local handle, message, code = core.checkpoint_load(path, options.verify ~= false)
  if not handle then return nil, message, code end
  local self = setmetatable({ handle = handle, path = path }, Checkpoint)
  self.training = texts(handle, "training")
  self.preprocessing = texts(handle, "preprocessing")
  self.epoch, self.step, self.history = self.training.epoch, self.training.step, self.training.history
  return self
end

local function handle_of(checkpoint, where)
  if getmetatable(checkpoint) ~= Checkpoint then core.badarg(0, where, "checkpoint expected, got " .. core.got(checkpoint)) end
  return checkpoint.handle
end

--- The model, or the instance of a Lua class, that the file describes; nil, message, code.
function Checkpoint:model()
  local handle, module = handle_of(self, "model"), require "luron.module"
  if module.is_known(self) then return module.from_checkpoint(self) end
  local model, message, code = handle:model()
  if model == nil then return nil, message, code end
  if model then return model end
  return module.from_checkpoint(self)
end

--- Put state, steps and options into an optimiser over the same parameters: true, or nil, message, code.
function Checkpoint:restore_optim(opt)
  local handle = handle_of(self, "restore_optim")
  if not core.is_optim(opt) then core.badarg(1, "restore_optim", "optimiser expected, got " .. core.got(opt)) end
  local lbfgs = require "luron.lbfgs"
  if lbfgs.is(opt) then return lbfgs.restore(opt, self) end
  return handle:restore_optim(opt)
end

--- Go on with the random numbers where the file was written: true, or nil, message, code.
function Checkpoint:restore_random() return handle_of(self, "restore_random"):restore_random() end

--- A tensor by its path, "parameters/linear1/weight"; nil if there is none.
function Checkpoint:tensor(path)
  local tensor, message, code = handle_of(self, "tensor"):tensor(path)
  if not tensor then return tensor, message, code end
  return tensor:clone() -- the file's own would keep all of the file in memory
end

--- A text by its path, "training/epoch"; nil if there is none.
function Checkpoint:text(path) return handle_of(self, "text"):text(path) end

--- Paths of all tensors and of all texts.
function Checkpoint:tensors() return handle_of(self, "tensors"):tensors() end
function Checkpoint:texts() return handle_of(self, "texts"):texts() end

function Checkpoint:__tostring()
  local handle = handle_of(self, "tostring")
  return string.format("checkpoint %s: %d tensors%s", self.path, #handle:tensors(), self.epoch and ", epoch " .. self.epoch or "")
end

--- model:save(path[, options])
function core.methods.model.save(model, path, options)
  if not core.is_model(model) then core.badarg(0, "save", "model expected, got " .. core.got(model)) end
  write(function(handle) handle:set_model(model) end, path, options, "save")
end

--- model:restore(path | checkpoint): parameters and state, all or nothing. The checkpoint, or nil, message, code.
function core.methods.model.restore(model, from)
  if not core.is_model(model) then core.badarg(0, "restore", "model expected, got " .. core.got(model)) end
  local checkpoint = from
  if getmetatable(from) ~= Checkpoint then
    local message, code
    checkpoint, message, code = open(from, nil, "restore")
    if not checkpoint then return nil, message, code end
  end
  local wait_again, why = require("luron.lazy").resize(model, function(group, name) return checkpoint.handle:tensor(group .. "/" .. name) end)
  if not wait_again then return nil, checkpoint.path .. ": " .. why, "MISMATCH" end
  local ok, message, code = checkpoint.handle:restore(model)
  if not ok then
    wait_again()
    return nil, message, code
  end
  return checkpoint
end

--- luron.load(path[, { verify = true }]): model, checkpoint; or nil, message, code.
local function load(path, options)
  local checkpoint, message, code = open(path, options, "load")
  if not checkpoint then return nil, message, code end
  local model
  model, message, code = checkpoint:model()
  if not model then return nil, message, code end
  return model, checkpoint
end

return { open = open, load = load, write = write, Checkpoint = Checkpoint }
