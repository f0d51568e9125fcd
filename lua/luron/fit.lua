--- Training and evaluation in one call. The loop inside is the one that users write by hand (models/ shows both).
local core = require "luron.core"
local nn = require "luron.nn"
local optim = require "luron.optim"
local progress = require "luron.progress"

local fit_options = {
  epochs = "number", batch = "number", loss = "any", optim = "any", validate = "any", progress = "any", callbacks = "table", shuffle = "boolean",
}
local evaluate_options = { batch = "number", loss = "any" }

local function check_options(where, options, known)
  for key, value in pairs(options) do
    local kind = known[key]
    if not kind then
      local names = {}
      for name in pairs(known) do names[#names + 1] = name end
      table.sort(names)
      core.raise(string.format("%s: no option '%s'; there are %s", where, tostring(key), table.concat(names, ", ")))
    elseif kind ~= "any" and type(value) ~= kind then
      core.raise(string.format("%s: %s: %s expected, got %s", where, key, kind, type(value)))
    end
  end
end

local function loss_function(where, loss)
  if loss == nil then return nn.cross_entropy, true end
  if type(loss) == "string" then return nn[loss], loss == "cross_entropy" or loss == "nll_loss" end
  if type(loss) == "function" or type(loss) == "userdata" or type(loss) == "table" then return loss, false end
  core.raise(string.format("%s: loss: name, function or layer expected, got %s", where, type(loss)))
end

--- How many rows of `scores` (n, classes) have their largest value at `ids`; nil where that has no meaning.
local function count_right(scores, ids)
  if scores:dim() ~= 2 or ids:dim() ~= 1 or ids:is_floating() then return nil end
  return scores:argmax(2):eq(ids):sum():item()
end

local function check_subjects(where, model, data)
  local kind = type(model)
  if not (core.is_model(model) or core.is_layer(model) or (kind == "table" and model.parameters)) then
    core.badarg(1, where, "model, layer or instance of a class expected, got " .. core.got(model))
  end
  if type(data) ~= "table" then core.badarg(2, where, "dataset or loader expected, got " .. core.got(data)) end
end

local function to_loader(data, batch, shuffle)
  if data.loader then return data:loader { batch = batch or 64, shuffle = shuffle } end
  return data
end

--- Mean loss and, for class ids, accuracy over a dataset or loader, in eval mode and without a tape.
---@param options? { batch: integer, loss: string|function }
---@return { loss: number, accuracy: number?, n: integer }
local function evaluate(model, data, options)
  options = options or {}
  check_options("evaluate", options, evaluate_options)
  check_subjects("evaluate", model, data)
  local loss = loss_function("evaluate", options.loss)
  local was_training = model:is_training()
  model:eval()
  local n, sum, right = 0, 0, 0
  local ok, message = pcall(core.no_grad, function()
    for x, y in to_loader(data, options.batch or 1000, false) do
      local scores = model(x)
      local count = #x
      sum = sum + loss(scores, y):item() * count
      local more = count_right(scores, y)
      right = right and more and right + more
      n = n + count
    end
  end)
  model:train(was_training)
  if not ok then error(message, 0) end
  return { loss = sum / n, accuracy = right and right / n or nil, n = n }
end

local function train_epoch(model, loader, loss_of, opt, line)
  for x, y in loader do
    local scores = model(x)
    local loss = loss_of(scores, y)
    opt:zero_grad()
    loss:backward()
    opt:step()
    line:step(#x, loss:item(), count_right(scores, y))
  end
end

local silent = { begin = function() end, finish = function() end }
function silent:step(n, loss, right)
  self.seen, self.loss_sum = self.seen + n, self.loss_sum + loss * n
  if right then self.right = (self.right or 0) + right end
end

--- Train `model` on a dataset or loader.
---@param options { epochs: integer, batch: integer, loss: string|function, optim: any, validate: any, progress: boolean,
---  callbacks: function[], shuffle: boolean }
---@return table history one entry an epoch: { epoch, loss, accuracy, validation }
local function fit(model, data, options)
  options = options or {}
  check_options("fit", options, fit_options)
  check_subjects("fit", model, data)
  local loss_of = loss_function("fit", options.loss)
  local opt = options.optim or optim.AdamW(model)
  local loader = to_loader(data, options.batch, options.shuffle ~= false)
  local epochs, history = options.epochs or 1, {}
  local quiet = options.progress == false
  local line = quiet and setmetatable({}, { __index = silent }) or progress.new(epochs, loader:examples())
  model:train()
  for epoch = 1, epochs do
    line.seen, line.loss_sum, line.right = 0, 0, nil
    line:begin()
    train_epoch(model, loader, loss_of, opt, line)
    local entry = { epoch = epoch, loss = line.loss_sum / line.seen, accuracy = line.right and line.right / line.seen }
    local extra
    if options.validate then
      entry.validation = evaluate(model, options.validate, { loss = options.loss })
      extra = string.format("validation loss %.4f", entry.validation.loss)
      if entry.validation.accuracy then extra = extra .. string.format(" accuracy %.1f %%", 100 * entry.validation.accuracy) end
    end
    line:finish(extra)
    history[epoch] = entry
    local stop = false
    for _, callback in ipairs(options.callbacks or {}) do stop = callback(entry, model, opt) == "stop" or stop end
    if stop then break end
  end
  return history
end

return { fit = fit, evaluate = evaluate, count_right = count_right }
