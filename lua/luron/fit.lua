--- Training and evaluation in one call. The loop inside is the one that users write by hand (models/ shows both).
local core = require "luron.core"
local clip = require "luron.clip"
local compiling = require "luron.compile"
local early_stop = require "luron.early_stop"
local lbfgs = require "luron.lbfgs"
local module = require "luron.module"
local nn = require "luron.nn"
local names = require "luron.names"
local optim = require "luron.optim"
local parts = require "luron.parts"
local progress = require "luron.progress"
local weights = require "luron.weights"

local is_callable, field, running = parts.is_callable, parts.field, coroutine.running
local MOST_BATCHES = 32 -- in a step that is planned: a plan takes 64 tensors

-- A dataset, a loader, or what behaves like one of them.
local function is_data(value) return is_callable(field(value, "loader")) or (is_callable(value) and is_callable(field(value, "examples"))) end

local kinds = {
  ["name, function or layer"] = function(value) return type(value) == "string" or is_callable(value) end,
  optimiser = function(value) return core.is_optim(value) or (is_callable(field(value, "step")) and is_callable(field(value, "zero_grad"))) end,
  ["dataset or loader"] = is_data,
  ["number above 0"] = function(value) return type(value) == "number" and value > 0 end,
  schedule = function(value) return is_callable(field(value, "step")) and is_callable(field(value, "every")) end,
  pruning = function(value) return require("luron.prune").is_pruning(value) end,
  table = function(value) return type(value) == "table" and not debug.getmetatable(value) end,
  ["list of functions"] = function(value)
    if type(value) ~= "table" or debug.getmetatable(value) then return false end
    for key, fn in pairs(value) do
      if math.type(key) ~= "integer" or not is_callable(fn) then return false end
    end
    return true
  end,
}
local evaluate_options = { batch = "positive integer", loss = "name, function or layer", metrics = "table" }
local fit_options = {
  epochs = "positive integer", batch = "positive integer", loss = "name, function or layer", optim = "optimiser", validate = "dataset or loader",
  progress = "boolean", callbacks = "list of functions", shuffle = "boolean", accumulate = "positive integer", clip_norm = "number above 0",
  clip_value = "number above 0", schedule = "schedule", early_stop = "table", penalty = "table", activity = "table",
  constrain = "table", prune = "pruning", metrics = "table", first_epoch = "positive integer",
}

-- What to write where the optimiser is a name or a type.
local function optim_hint(value)
  local name = "AdamW"
  for _, other in ipairs(core.types "optim") do
    if type(value) == "string" and other:lower() == value:lower() then name = other end
  end
  return string.format(": give optim = luron.optim.%s(model)", name)
end

local function check_options(where, options, known)
  if is_data(options) then
    core.badarg(3, where, "options: table expected, got a dataset or loader" .. (known.validate and ": give { validate = dataset }" or ""))
  end
  local opt = known.optim and type(options) == "table" and options.optim
  if opt and not kinds.optimiser(opt) then core.badarg(3, where, "optim: optimiser expected, got " .. core.got(opt) .. optim_hint(opt)) end
  return names.options(3, where, options, known, kinds, "fit")
end

--- A function of outputs and targets that gives a tensor, or says that it does not.
local function loss_function(where, loss)
  local fn = loss or nn.cross_entropy
  if type(fn) == "string" then fn = nn[fn] end
  return function(scores, targets)
    -- cross_entropy takes probabilities too: prices would be taken for them in silence.
    if not loss and core.is_tensor(targets) and targets:is_floating() then
      core.badarg(3, where, string.format("loss: the targets are %s and no class ids: name it, 'mse_loss' for numbers, 'cross_entropy' for probabilities",
        targets:dtype()))
    end
    local value = fn(scores, targets)
    if not core.is_tensor(value) then core.raise(string.format("%s: loss: it has to give a tensor, got %s", where, core.got(value))) end
    return value
  end
end

-- How many rows of `scores` (n, classes) have their largest value at `ids`, as a tensor; nil where that has no meaning.
local function right_of(scores, ids)
  if not (core.is_tensor(scores) and core.is_tensor(ids)) then return nil end
  if scores:dim() ~= 2 or ids:dim() ~= 1 or ids:is_floating() then return nil end
  return scores:argmax(2):eq(ids):sum()
end

--- Likewise, as a number.
local function count_right(scores, ids)
  local right = right_of(scores, ids)
  return right and right:item()
end

local function check_subjects(where, model, data)
  if not (core.is_model(model) or core.is_layer(model) or module.is_module(model)) then
    core.badarg(1, where, "model, layer or instance of a class expected, got " .. core.got(model))
  end
  if not is_data(data) then core.badarg(2, where, "dataset or loader expected, got " .. core.got(data)) end
end

-- An optimiser over another model would train nothing. What else steps (a table of several, for one) is not looked into.
local function check_trains(opt, model)
  if not core.is_optim(opt) then return end
  local own = {}
  for _, tensor in model:named_parameters() do own[tensor:id()] = true end
  for _, group in ipairs(opt.groups) do
    for _, tensor in ipairs(group.params) do
      if own[tensor:id()] then return end
    end
  end
  core.badarg(3, "fit", "optim: none of its parameters belongs to the model: it is over another one")
end

local function to_loader(data, batch, shuffle)
  if field(data, "loader") then return data:loader { batch = batch or 64, shuffle = shuffle } end
  return data
end

-- What Lua code of the user is in model and loss, nil: none, and a plan may stand for what they do. Such code may do something
-- else each time: what it decides (by math.random, by counting) would stay what it was when the plan was made, without a word.
local function own_code(model, loss)
  if module.is_module(model) then
    return "the forward of a class is Lua code, which may do something else each time: give nn.trace(model, x), or luron.compile a loop of your own"
  end
  if loss == nil or type(loss) == "string" or core.is_layer(loss) then return nil end
  return "loss is Lua code, which may do something else each time: give a name or a layer, or luron.compile a loop of your own"
end

-- A mean over no examples would be NaN, and what compares with it goes wrong in silence.
local function refuse_nothing(where, data, loader)
  local dataset = field(loader, "dataset")
  local n = dataset and #dataset
  if n == 0 then core.badarg(2, where, "data: there is no example in it") end
  if n and loader:examples() == 0 then
    core.badarg(2, where, string.format("data: %d examples make no batch of %d, and drop_last leaves the rest out", n, loader.batch))
  end
  core.badarg(2, where, "data: the loader gave no batch" .. (data == loader and n and ": it was restored at the end of an epoch" or ""))
end

-- The metrics that options ask for, by name.
local function metrics_of(where, options)
  return options.metrics and getmetatable(require "luron.metrics").prepare(where, options.metrics) or {}
end

--- Mean loss and, for class ids, accuracy over a dataset or loader, in eval mode and without a tape.
---@param options? { batch: integer, loss: string|function, metrics: table }
---@return { loss: number, accuracy: number?, n: integer } and the metrics by their names
local function evaluate(model, data, options)
  core.plan_refuse "evaluates a model: call luron.evaluate outside of the compiled function"
  check_subjects("evaluate", model, data)
  options = check_options("evaluate", options, evaluate_options)
  local metrics = metrics_of("evaluate", options)
  local loss = loss_function("evaluate", options.loss)
  local loader = to_loader(data, options.batch or 1000, false)
  if loader:examples() == 0 then refuse_nothing("evaluate", data, loader) end
  local was_training = model:is_training()
  model:eval()
  local n, sum, right = 0, 0, 0
  local function judge(x, y)
    local scores = model(x)
    return scores, loss(scores, y)
  end
  if not own_code(model, options.loss) then judge = compiling.compile(judge) end
  local ok, message = pcall(core.no_grad, function()
    for x, y in loader do
      local scores, value = judge(x, y)
      local count = #x
      sum = sum + value:item() * count
      local more = count_right(scores, y)
      right = right and more and right + more
      for _, metric in pairs(metrics) do metric:update(scores, y) end
      n = n + count
    end
  end)
  model:train(was_training)
  if not ok then error(message, 0) end
  if n == 0 then refuse_nothing("evaluate", data, loader) end
  local result = { loss = sum / n, accuracy = right and right / n or nil, n = n }
  for name, metric in pairs(metrics) do result[name] = metric:value() end
  return result
end

-- What follows a step.
local function after_step(model, options, last)
  if options.constrain then weights.constrain(model, options.constrain) end
  if options.prune then options.prune:apply() end
  if options.schedule and options.schedule:every() == "step" then options.schedule:step(last) end
end

-- A function that makes one step with the gradients of several batches, x, y, x, y, ..., as if they were one: each counts by
-- its examples. Gives the loss of each, then how many of each were right, where all have that: tensors alone.
local function step_of(model, loss_of, opt, options)
  return function(...)
    local batches, losses, rights, n = table.pack(...), {}, {}, 0
    for i = 1, batches.n, 2 do n = n + #batches[i] end
    opt:zero_grad()
    for i = 1, batches.n, 2 do
      local x, y = batches[i], batches[i + 1]
      local extra, scores
      if options.activity then extra, scores = weights.activity(model, options.activity, x) else scores = model(x) end
      local loss = loss_of(scores, y)
      local whole = extra and loss + extra or loss
      if options.penalty then whole = whole + weights.penalty(model, options.penalty) end
      if batches.n > 2 then whole = whole * (#x / n) end
      whole:backward()
      losses[#losses + 1], rights[#rights + 1] = loss, right_of(scores, y)
    end
    if options.clip_norm then clip.clip_grad_norm(model, options.clip_norm) end
    if options.clip_value then clip.clip_grad_value(model, options.clip_value) end
    opt:step()
    if #rights == #losses then table.move(rights, 1, #rights, #losses + 1, losses) end
    return table.unpack(losses)
  end
end

-- Why a plan may not stand for the step; nil: it may.
local function why_not(model, opt, options)
  if options.activity then return "activity: hooks of layers see what they give" end
  if options.penalty and not weights.are_fixed(options.penalty) then
    return "a rule of penalty is Lua code, which may do something else each time: luron.regularizer has such as do not"
  end
  local why = own_code(model, options.loss)
  if why then return why end
  if not core.is_optim(opt) then return "optim is no optimiser of luron, but Lua code" end
  if (options.accumulate or 1) > MOST_BATCHES then return string.format("accumulate: a plan takes %d batches at most", MOST_BATCHES) end
end

--- One step with a list x, y, x, y, ... of n entries.
local function train_step(model, batches, n, step, options, line)
  local results = table.pack(step(table.unpack(batches, 1, n)))
  local last
  for i = 1, n // 2 do
    local right = results[n // 2 + i]
    last = results[i]:item()
    line:step(#batches[2 * i - 1], last, right and right:item())
  end
  after_step(model, options, last)
end

local places = setmetatable({}, { __mode = "k" }) -- coroutine -> epoch and batch (made or used) that it is in
core.set_epochs(places)

local function begin_epoch(epoch)
  local thread = running()
  local outer = places[thread]
  places[thread] = setmetatable({ epoch, 1 }, { __close = function() places[thread] = outer end })
  return places[thread]
end

local function train_epoch(model, loader, step, options, line, epoch)
  local at <close> = begin_epoch(epoch)
  local batches, n, most = {}, 0, 2 * (options.accumulate or 1)
  for x, y in loader do
    batches[n + 1], batches[n + 2] = x, y
    n = n + 2
    if n == most then
      train_step(model, batches, n, step, options, line)
      batches, n = {}, 0
    end
    at[2] = at[2] + 1
  end
  at[2] = at[2] - 1
  if n > 0 then train_step(model, batches, n, step, options, line) end
end

local silent = { begin = function() end, finish = function() end }
function silent:step(n, loss, right)
  self.seen, self.loss_sum = self.seen + n, self.loss_sum + loss * n
  if right then self.right = (self.right or 0) + right end
end

-- What looks at the metric of an epoch: true where it is time to stop. Of one whose batches were all made before the run was
-- resumed there may be none; a schedule that needs none makes its step all the same.
local function end_epoch(entry, options, watch)
  local schedule = options.schedule
  local watched = schedule and field(field(schedule, "options"), "metric")
  local metric = (entry.validation or entry)[watched or "loss"]
  if watched and not metric then core.raise("fit: schedule: there is no metric '" .. watched .. "' here: give it among the metrics, or watch the loss") end
  if schedule and schedule:every() == "epoch" and (metric or not field(field(schedule, "type"), "observe")) then schedule:step(metric) end
  return watch and (entry.validation or entry).loss and watch:see(entry)
end

-- What the line of progress says of the validation: "validation loss 0.3412 accuracy 87.9 % f1 0.8712".
local function validation_text(result, metrics)
  local text, list = string.format("validation loss %.4f", result.loss), {}
  if result.accuracy and not metrics.accuracy then text = text .. string.format(" accuracy %.1f %%", 100 * result.accuracy) end
  for name in pairs(metrics) do list[#list + 1] = type(result[name]) == "number" and string.format(" %s %.4f", name, result[name]) or nil end
  table.sort(list)
  return text .. table.concat(list)
end

-- The first epoch and the last. Where some lie behind, a schedule of epochs that begins anew was forgotten.
local function epochs_of(options)
  local first, last, schedule = options.first_epoch or 1, options.epochs or 1, options.schedule
  if first > 1 and not options.epochs then
    core.badarg(3, "fit", string.format("first_epoch: it is %d, so epochs is wanted too: the number of the last epoch", first))
  end
  if first > last + 1 then
    core.badarg(3, "fit", string.format("first_epoch: at most %d expected, one more than epochs, got %d", last + 1, first))
  end
  if first > 1 and schedule and schedule:every() == "epoch" and is_callable(field(schedule, "steps")) and schedule:steps() == 0 then
    core.badarg(3, "fit", "schedule: it has made no step, and first_epoch is " .. first .. ": schedule:restore(state) brings it there")
  end
  return first, last
end

--- Train `model` on a dataset or loader.
---@param options table checked against fit_options
---@return table history one entry an epoch: { epoch, loss, accuracy, validation }
local function fit(model, data, options)
  core.plan_refuse "trains a model: call luron.fit outside of the compiled function, it plans its steps by itself"
  check_subjects("fit", model, data)
  options = check_options("fit", options, fit_options)
  local loss_of = loss_function("fit", options.loss)
  if lbfgs.is(options.optim) then core.badarg(3, "fit", "optim: LBFGS needs a closure: call opt:step(closure) in a loop of your own") end
  local metrics = metrics_of("fit", options)
  if next(metrics) and not options.validate then core.badarg(3, "fit", "metrics: they are of the validation: give validate") end
  local watch = options.early_stop and early_stop.new(model, options.early_stop, metrics)
  local opt = options.optim or optim.AdamW(model)
  check_trains(opt, model)
  if options.schedule and core.is_optim(opt) and options.schedule.opt ~= opt then
    core.badarg(3, "fit", "schedule: it is over another optimiser: give that one as optim")
  end
  if options.prune and options.prune.model ~= model then core.badarg(3, "fit", "prune: it is of another model") end
  local loader = to_loader(data, options.batch, options.shuffle ~= false)
  if loader:examples() == 0 then refuse_nothing("fit", data, loader) end
  local history, first, epochs = {}, epochs_of(options)
  local quiet = options.progress == false
  local line = quiet and setmetatable({}, { __index = silent }) or progress.new(epochs, loader:examples(), first)
  local step, why = step_of(model, loss_of, opt, options), why_not(model, opt, options)
  if not why then step = compiling.compile(step) end
  model:train()
  for epoch = first, epochs do
    local is_rest = field(loader, "resumed") -- of an epoch whose last batch may have been out when it was saved
    line.seen, line.loss_sum, line.right = 0, 0, nil
    line:begin()
    train_epoch(model, loader, step, options, line, epoch)
    if line.seen == 0 and not is_rest then refuse_nothing("fit", data, loader) end
    local entry = { epoch = epoch }
    if line.seen > 0 then entry.loss, entry.accuracy = line.loss_sum / line.seen, line.right and line.right / line.seen end
    local extra
    if options.validate then
      entry.validation = evaluate(model, options.validate, { loss = options.loss, metrics = options.metrics })
      for name, value in pairs(entry.validation) do -- a checkpoint keeps the history, and tables alone
        if core.is_tensor(value) then entry.validation[name] = value:totable() end
      end
      extra = validation_text(entry.validation, metrics)
    end
    line:finish(extra)
    history[#history + 1] = entry
    local stop = end_epoch(entry, options, watch)
    if stop and not quiet then print(watch:why()) end
    for _, callback in ipairs(options.callbacks or {}) do stop = callback(entry, model, opt) == "stop" or stop end
    if stop then break end
  end
  if watch then watch:finish() end
  compiling.of_history[history] = why and "steps of fit: computed as they are: " .. why or tostring(step)
  return history
end

return { fit = fit, evaluate = evaluate, count_right = count_right }
