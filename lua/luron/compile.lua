--- luron.compile: a step of training or inference that is noted and repeated without its program (plan.h). Two calls with the
--- same kinds of arguments are noted; where they did the same, the plan of the second serves the calls that follow.
local core = require "luron.core"

local MOST_PLANS, MOST_MISFITS = 64, 8

--- What compile gives: called like the function.
local Compiled = {}
Compiled.__index = Compiled
Compiled.__name = "luron.compiled"

-- Tensors among the arguments, contiguous, and what they are in words.
local function look_at(arguments)
  local ins, words = {}, {}
  for i = 1, arguments.n do
    local value = arguments[i]
    if core.is_tensor(value) then
      ins[#ins + 1] = value:contiguous()
      words[i] = value:dtype() .. " (" .. table.concat(value:shape(), ", ") .. ")"
    elseif type(value) == "string" then
      words[i] = string.format("%q", value)
    else
      words[i] = math.type(value) == "float" and string.format("%a", value) or tostring(value)
    end
  end
  return ins, table.concat(words, ", ") .. (core.is_recording() and "" or ", no gradients")
end

-- Results that are tensors; nil, why if one is something else.
local function outputs_of(results)
  for i = 1, results.n do
    if not core.is_tensor(results[i]) then return nil, string.format("result %d is no tensor but %s", i, core.got(results[i])) end
  end
  return results
end

-- Ends a plan after an error in the step.
local function guard(plan)
  return setmetatable({}, { __close = function(_, err)
    if err ~= nil then plan:finish() end
  end })
end

-- Call the function, noting what it does. The entry learns of it.
local function note(self, entry, ...)
  local arguments = table.pack(...)
  local ins, kind = look_at(arguments)
  entry.kind = kind
  local plan, refusal = core.plan_begin(ins)
  if not plan then
    entry.refusal = refusal
    return self.fn(...)
  end
  local results
  do
    local _ <close> = guard(plan)
    results = table.pack(self.fn(...))
  end
  local outputs, why = outputs_of(results)
  plan:finish(outputs or {})
  entry.noted = entry.noted + 1
  local hash, refused = plan:hash(), plan:refusal()
  if refused or why then
    entry.refusal = refused and "it " .. refused or why
  elseif entry.hash == hash then
    entry.plan = plan
  elseif entry.noted > MOST_MISFITS then
    entry.refusal = "it does something else in every call: numbers or tensors that it brings in, or layers, change"
  end
  entry.hash = hash
  return table.unpack(results, 1, results.n)
end

-- What a plan's run gives, or a new noting where it does not fit: then why, and the arguments.
local function use(self, entry, fits, ...)
  if fits then
    entry.runs = entry.runs + 1
    return ...
  end
  entry.plan, entry.hash, entry.misfit = nil, nil, (...)
  return note(self, entry, select(2, ...))
end

function Compiled:__call(...)
  local key, why = core.plan_key(...)
  local entry = self.entries[key or false]
  if not entry then
    if not key or self.n_entries == MOST_PLANS then
      self.refusal = why or self.refusal
      return self.fn(...)
    end
    entry = { noted = 0, runs = 0 }
    self.entries[key], self.n_entries = entry, self.n_entries + 1
    self.order[self.n_entries] = entry
  end
  if entry.plan then return use(self, entry, entry.plan:run(...)) end
  if entry.refusal then return self.fn(...) end
  return note(self, entry, ...)
end

local function describe(entry)
  local text = "(" .. entry.kind .. "): "
  if entry.refusal then return text .. "computed as it is: " .. entry.refusal end
  if not entry.plan then return text .. "no plan yet" .. (entry.misfit and ", the last did not fit: " .. entry.misfit or "") end
  local steps, bytes = entry.plan:size()
  return text .. string.format("planned, %d things to do, %d bytes between them, run %d times", steps, bytes, entry.runs)
end

function Compiled:__tostring()
  local lines = { "compiled function" }
  for _, entry in ipairs(self.order) do lines[#lines + 1] = "  " .. describe(entry) end
  if self.refusal then lines[#lines + 1] = "  calls without a plan: " .. self.refusal end
  if self.n_entries == MOST_PLANS then lines[#lines + 1] = "  other kinds of calls: computed as they are, there are too many" end
  return table.concat(lines, "\n")
end

local function compile(fn)
  local mt = debug.getmetatable(fn)
  if type(fn) ~= "function" and not (mt and mt.__call) then core.badarg(1, "compile", "fn: function expected, got " .. core.got(fn)) end
  return setmetatable({ fn = fn, entries = {}, order = {}, n_entries = 0 }, Compiled)
end

local function explain(compiled)
  if getmetatable(compiled) ~= Compiled then core.badarg(1, "explain", "what luron.compile gave expected, got " .. core.got(compiled)) end
  return tostring(compiled)
end

return { compile = compile, explain = explain }
