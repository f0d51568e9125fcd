--- luron.compile: a step of training or inference that is noted and repeated without its program (plan.h). Two calls with the
--- same kinds of arguments are noted; where they did the same, the plan of the second serves the calls that follow.
local core = require "luron.core"
local module = require "luron.module"

local MOST_PLANS, MOST_KINDS, LONG_AGO = 64, 512, 1024 -- plans, kinds of calls that are remembered, calls
local MOST_TENSORS = 64 -- arguments or results of a plan
local MOST_DIFFERENT = 8 -- notings on end
local MOST_ONCE = 32 -- kinds that are noted at their first call, less those that got a plan
local NOTING = 64 -- calls: what noting one may cost, where it did not help before
local WORTH = 8 -- runs of a plan that are worth its notings

--- What compile gives: is called like fn.
local Compiled = {}
Compiled.__index = Compiled
Compiled.__name = "luron.compiled"

-- Tensors among the arguments, and what they are in words.
local function look_at(arguments)
  local ins, words = {}, {}
  for i = 1, arguments.n do
    local value = arguments[i]
    if core.is_tensor(value) then
      ins[#ins + 1] = value
      words[i] = value:dtype() .. " (" .. table.concat(value:shape(), ", ") .. ")"
    elseif type(value) == "string" then
      words[i] = string.format("%q", value)
    else
      words[i] = math.type(value) == "float" and string.format("%a", value) or tostring(value)
    end
  end
  return ins, table.concat(words, ", ") .. (core.is_recording() and "" or ", no gradients")
end

-- Tensors among the results, and a bit for each that is nil; nil, nil, why if there is something else, or nil behind the 64th.
local function outputs_of(results)
  local outputs, nils = {}, 0
  for i = 1, results.n do
    if core.is_tensor(results[i]) then
      outputs[#outputs + 1] = results[i]
    elseif results[i] == nil and i <= 64 then
      nils = nils | 1 << i - 1
    else
      return nil, nil, string.format("result %d is no tensor but %s", i, core.got(results[i]))
    end
  end
  if #outputs > MOST_TENSORS then return nil, nil, string.format("it gives %d tensors, a plan at most %d", #outputs, MOST_TENSORS) end
  return outputs, nils
end

-- The step is over, and has given these outputs, or failed. Where it has yielded, its plan has ended: another may be noted now.
local function finish(plan, watched, outputs)
  if not plan:is_noted() then return end
  if outputs and not module.as_watched(watched) then core.plan_refuse "switches the mode of a module, or adds hooks: do that outside of it" end
  module.watch(nil)
  core.list_steps(nil)
  plan:finish(outputs)
end

-- What two notings of a step, as plan:trail gives them, did differently, in words. True behind it: that alone says all.
local function difference(was, is)
  for i = 1, math.max(#was, #is), 3 do
    if was[i] ~= is[i] then
      local a, b, made = was[i + 1], is[i + 1], is[i + 2]
      if made then return string.format("it makes a layer, %s: make it outside of the step%s", b, made ~= "" and " (" .. made .. ")" or ""), true end
      local what = a == b and a .. ", with other numbers, shapes or tensors" or string.format("%s, then %s", a or "nothing", b or "nothing")
      return string.format("thing %d of %d was %s", i // 3 + 1, #is // 3, what)
    end
  end
  return "other tensors came out"
end

-- Keep the plan if the noting before did the same, else what that was.
local function compare(entry, plan, nils, watched, stepped)
  local hash, trail = plan:hash(), plan:trail()
  if entry.hash == hash and entry.nils == nils then
    entry.plan, entry.watched, entry.stepped, entry.from = plan, #watched > 0 and watched or nil, stepped, entry.runs
    entry.hash, entry.trail, entry.difference, entry.differed = nil, nil, nil, 0
    return
  end
  local is_whole
  if entry.trail then
    entry.difference, is_whole = difference(entry.trail, trail)
    entry.differed = entry.differed + 1
  end
  entry.hash, entry.nils, entry.trail = hash, nils, trail
  if entry.differed == MOST_DIFFERENT then
    entry.refusal = is_whole and entry.difference
      or "it does something else in every call: numbers or tensors that it brings in, or layers, change; the last time " .. entry.difference
  end
end

-- Call the function, noting what it does in the entry.
local function note(self, entry, ...)
  local args = table.pack(...)
  for i = 1, args.n do -- so that what the function knows of them by another name is told apart
    if core.is_tensor(args[i]) then args[i] = args[i]:detach() end
  end
  local ins
  ins, entry.kind = look_at(args)
  if #ins > MOST_TENSORS then
    entry.refusal = string.format("it takes %d tensors, a plan at most %d", #ins, MOST_TENSORS)
    return self.fn(...)
  end
  local plan, refusal, code = core.plan_begin(ins)
  if not plan then
    entry.refusal = code ~= "NOMEM" and refusal or nil
    return self.fn(...)
  end
  local results, outputs, nils, why
  local watched, stepped = {}, {}
  do
    local _ <close> = setmetatable({}, { __close = function()
      entry.noting = nil
      finish(plan) -- after an error
    end })
    entry.noting = plan
    module.watch(watched)
    core.list_steps(stepped)
    results = table.pack(core.plan_step(self.fn, table.unpack(args, 1, args.n)))
    outputs, nils, why = outputs_of(results)
    finish(plan, watched, outputs or {})
  end
  self.credit = math.max(self.credit - NOTING, 0)
  local refused = plan:refusal()
  if refused and refused:find("there is not enough memory", 1, true) then -- a line of the step may follow
    entry.hash = nil -- another time
  elseif refused or why then
    entry.refusal = refused and "it " .. refused or why
  else
    compare(entry, plan, nils, watched, stepped)
    if entry.plan then self.credit = math.min(self.credit + 2 * NOTING, (MOST_ONCE + 1) * NOTING) end -- both notings were worth it
  end
  if entry.plan ~= plan then plan:close() end -- the collector sees a small thing
  return table.unpack(results, 1, results.n)
end

-- May a call be noted? The second noting of a kind always; the first, where most kinds came once, only if it came before, and seldom.
local function may_note(self, key, entry)
  if entry and entry.hash or self.credit >= 2 * NOTING or (entry or self.met[key]) and self.credit >= NOTING then return true end
  if self.credit < NOTING then self.credit = self.credit + 1 end
  if entry then return false end
  if self.n_met == MOST_KINDS then self.met, self.n_met = {}, 0 end
  if not self.met[key] then self.met[key], self.n_met = true, self.n_met + 1 end
  self.calls = self.calls + 1
  return false
end

-- What a plan's run gives, or a new noting where it does not fit: then why, and the arguments.
local function use(self, entry, fits, ...)
  if fits then
    entry.runs = entry.runs + 1
    return ...
  end
  entry.runs = entry.runs + core.plan_runs(entry.ready)
  if entry.runs - entry.from < WORTH then self.credit = math.max(self.credit - NOTING, 0) end
  self[1], entry.ready, entry.plan, entry.misfit = nil, nil, nil, (...)
  if not may_note(self, entry.key, entry) then return self.fn(select(2, ...)) end
  return note(self, entry, select(2, ...))
end

-- Another kind of call. Where there are too many, those without a plan are forgotten: most were met once.
local function add_entry(self, key)
  if #self.order == MOST_KINDS then
    local kept = {}
    for _, entry in ipairs(self.order) do
      if entry.plan then kept[#kept + 1] = entry else self.entries[entry.key] = nil end
    end
    self.order = kept
  end
  local entry = { differed = 0, runs = 0, key = key }
  self.order[#self.order + 1] = entry -- first: what explain does not know of must not run
  self.entries[key] = entry
  return entry
end

-- May there be one more plan? That of the kind of call which was not met for longest makes room, if that is long ago: of more
-- kinds in turn than there may be plans, most keep theirs: the more kinds there are, the longer each does not come.
local function has_room(self)
  if self.calls < self.full_until then return false end
  local n, oldest = 0, nil
  for _, entry in ipairs(self.order) do
    if entry.plan then
      n = n + 1
      if not oldest or entry.called < oldest.called then oldest = entry end
    end
  end
  if n < MOST_PLANS then return true end
  self.full_until = oldest.called + math.max(LONG_AGO, 8 * #self.order)
  if self.calls < self.full_until then return false end
  oldest.runs = oldest.runs + core.plan_runs(oldest.ready)
  if oldest.runs < WORTH then self.credit = math.max(self.credit - NOTING, 0) end
  oldest.plan, oldest.ready, oldest.misfit = nil, nil, "it was not called for long"
  return true
end

-- A call for which nothing is ready: what is at 1 is what plan_call looks for.
Compiled.__call = core.plan_call(function(self, ...)
  self[1] = nil
  local key, why = core.plan_key(...)
  local entry = self.entries[key or false]
  if not entry then
    if not key then
      self.refusal = why or self.refusal
      return self.fn(...)
    end
    if not may_note(self, key) then return self.fn(...) end
    entry = add_entry(self, key)
  end
  self.calls = self.calls + 1 -- but for those of what is ready, the last that came by here
  entry.called = self.calls
  if entry.plan then
    for _, opt in ipairs(entry.stepped) do core.check_step(opt) end -- a plan does not come by opt:step
    if entry.watched and not module.as_watched(entry.watched) then return use(self, entry, false, "an instance of a class has another mode or hooks", ...) end
    if not entry.watched then
      entry.ready = entry.ready or core.plan_ready(key, entry.plan, entry.nils)
      self[1] = entry.ready
    end
    return use(self, entry, entry.plan:run(entry.nils, ...))
  end
  if entry.refusal or not may_note(self, key, entry) or not has_room(self) then return self.fn(...) end
  return note(self, entry, ...)
end)

local function describe(entry)
  local text = "(" .. (entry.kind or "not noted") .. "): "
  if entry.refusal then return text .. "computed as it is: " .. entry.refusal end
  local gone = entry.plan and entry.plan:refusal() or entry.noting and entry.noting:refusal()
  if gone then return text .. "no plan yet: " .. gone end
  if not entry.plan then
    local why = entry.difference and ": the last two calls did not do the same: " .. entry.difference
      or entry.misfit and ", the last did not fit: " .. entry.misfit or ": it was called once"
    return text .. "no plan yet" .. why
  end
  local steps, bytes, kept = entry.plan:size()
  return text .. string.format("planned, %d things to do, %d bytes between them, %d in gradients and packed weights, run %d times", steps, bytes, kept,
    entry.runs + core.plan_runs(entry.ready))
end

function Compiled:__tostring()
  local lines = { "compiled function" }
  local n_more = 0
  for _, entry in ipairs(self.order) do
    if entry.plan or #self.order <= MOST_PLANS then lines[#lines + 1] = "  " .. describe(entry) else n_more = n_more + 1 end
  end
  if self.refusal then lines[#lines + 1] = "  calls without a plan: " .. self.refusal end
  if self.credit < 2 * NOTING then
    lines[#lines + 1] = string.format("  %d more kinds were noted than came again: others are noted once they do, one in %d calls", MOST_ONCE, NOTING)
  end
  if n_more > 0 then lines[#lines + 1] = string.format("  other kinds of calls without a plan: %d", n_more) end
  return table.concat(lines, "\n")
end

local function compile(fn, options)
  local mt = debug.getmetatable(fn)
  if type(fn) ~= "function" and not (mt and mt.__call) then core.badarg(1, "compile", "fn: function expected, got " .. core.got(fn)) end
  if type(options) == "table" then options = next(options) end -- a name
  if options ~= nil then
    core.badarg(2, "compile", string.format("no options expected, got %s; calls of other shapes have plans of their own", core.got(options)))
  end
  return setmetatable({ fn = fn, entries = {}, order = {}, calls = 0, full_until = 0, credit = (MOST_ONCE + 1) * NOTING, met = {}, n_met = 0 }, Compiled)
end

-- What to say of the steps behind a history of luron.fit.
local of_history = setmetatable({}, { __mode = "k" })

local function explain(subject)
  if getmetatable(subject) ~= Compiled and not of_history[subject] then
    core.badarg(1, "explain", "the function that luron.compile gave, or the history of luron.fit, expected, got " .. core.got(subject))
  end
  return of_history[subject] or tostring(subject)
end

return { compile = compile, explain = explain, of_history = of_history }
