--- A training with all that a resumed one has to bring back: shuffled batches in the middle of an epoch, noise on the data,
--- dropout, a schedule, averages of the weights. Used by resume_spec.lua, in its process and in children of it:
---   lua resume_run.lua OPTIMISER SCHEDULE PATH THREADS     trains, saves at every second step, and prints each step
local luron = require "luron"
local nn = luron.nn
local STEPS = 24

local schedules = {
  function(opt) return luron.schedule.CosineAnnealingLR(opt, { T_max = STEPS }) end,
  function(opt) return luron.schedule.OneCycleLR(opt, { max_lr = 0.02, total_steps = STEPS + 1, cycle_momentum = false }) end,
  function(opt) return luron.schedule.ReduceLROnPlateau(opt, { patience = 1, factor = 0.5 }) end,
}

local function make(job)
  luron.seed(job.seed or 5)
  local t = {}
  local x = luron.randn(70, 12)
  local bias = job.optim ~= "Muon" -- which takes matrices alone
  t.model = nn.Sequential { nn.Linear(12, 20, bias), nn.ReLU(), nn.Dropout(0.4), nn.Linear(20, 3, bias) }
  t.opt = luron.optim[job.optim](t.model, { lr = 0.01 })
  t.schedule = schedules[job.schedule](t.opt)
  t.ema = luron.EMA(t.model, 0.9)
  t.loader = luron.data.tensors(x, x:narrow(2, 1, 3):argmax(2)):map(function(b) return b + luron.randn_like(b) * 0.1 end)
    :loader { batch = 16, shuffle = true }
  t.step = 0
  return t
end

local function save(t, path)
  t.model:save(path, {
    optim = t.opt, ema = t.ema, loader = t.loader, step = t.step, keep_prev = true, training = { schedule = t.schedule:state() },
  })
end

local parts = {
  optim = function(t, checkpoint) assert(checkpoint:restore_optim(t.opt)) end,
  ema = function(t, checkpoint) t.ema:load(checkpoint) end,
  schedule = function(t, checkpoint) t.schedule:restore(checkpoint.training.schedule) end,
  loader = function(t, checkpoint) t.loader:restore(checkpoint.training.loader) end,
  random = function(_, checkpoint) assert(checkpoint:restore_random()) end,
}

-- `forget`: a part that is not brought back, to see that it is missed.
local function restore(t, path, forget)
  local checkpoint = assert(t.model:restore(path))
  t.step = checkpoint.step
  for name, bring_back in pairs(parts) do
    if name ~= forget then bring_back(t, checkpoint) end
  end
end

--- Every tensor and text of a checkpoint, as one string.
local function bits(path)
  local checkpoint = assert(luron.checkpoint(path))
  local list = {}
  for _, name in ipairs(checkpoint:tensors()) do list[#list + 1] = name .. checkpoint:tensor(name):tobytes() end
  for _, name in ipairs(checkpoint:texts()) do list[#list + 1] = name .. checkpoint:text(name) end
  table.sort(list)
  return table.concat(list, "\n")
end

--- Train to the end, or to step job.stop; job.resume: from the file. The bits of all that there is at the end, nil if it
--- was stopped.
local function run(job)
  luron.threads(job.threads or 1)
  local t = make(job)
  if job.resume then restore(t, job.path, job.forget) end
  if t.step == STEPS then return bits(job.path) end -- it was killed after the last step
  while true do
    for x, y in t.loader do
      local loss = nn.cross_entropy(t.model(x), y)
      t.opt:zero_grad()
      loss:backward()
      t.opt:step()
      t.ema:update()
      t.schedule:step(loss:item())
      t.step = t.step + 1
      if t.step == job.stop or t.step == STEPS or (job.every and t.step % job.every == 0) then save(t, job.path) end
      if job.report then job.report(t.step) end
      if t.step == job.stop then return nil end
      if t.step == STEPS then return bits(job.path) end
    end
  end
end

if arg and arg[0] and arg[0]:find "resume_run%.lua$" and ... then
  local optim, schedule, path, threads = ...
  run {
    optim = optim, schedule = math.tointeger(schedule), path = path, threads = math.tointeger(threads), every = 2,
    report = function(step)
      print(step)
      io.stdout:flush()
    end,
  }
end

return { run = run, n_schedules = #schedules, steps = STEPS, parts = parts }
