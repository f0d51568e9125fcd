--- luron plugin check: the process in which one type is checked. What it finds goes into a file, line by line, so that the parent
--- knows how far it came if the plugin ends it.
local luron = require "luron"
local guess = require "luron.plugin_check.guess"

local Finding = {}

local function report_to(path)
  local file = assert(io.open(path, "a"))
  return function(...)
    file:write(table.concat({ ... }, "\t"):gsub("[\n\r]", " "), "\n")
    file:flush()
  end
end

-- The context of the checks of a type.
local function context(job)
  local t = { info = assert(luron.type_info(job.kind, job.type)), seed = job.seed, fixed = job, failed = job.failed, rand = guess.random(job.seed) }
  function t.fail(fmt, ...)
    local text = string.format(fmt, ...):gsub("luron plugin:1: ", "") -- where Lua says that an error came from
    error(setmetatable({ verdict = "FAIL", text = text }, Finding), 0)
  end
  function t.skip(reason) error(setmetatable({ verdict = "skip", text = reason }, Finding), 0) end
  --- An error in which the host complains of the plugin is a finding, wherever it comes.
  function t.judge(message)
    if tostring(message):find("plugin '" .. t.info.plugin .. "'", 1, true) then t.fail("%s", message) end
  end
  function t.make_cases()
    local cases, told = guess.cases(t.info, t.info.name, guess.random(job.seed), 5, job, t.judge)
    if #cases == 0 then t.fail("no options and inputs found that it takes (give some: --options '{ ... }' --input 3,4); %s", told) end
    t.cases = cases
  end
  return t
end

local function run_check(t, check)
  luron.strict(t.fixed.strict and (t.fixed.level == "pages" and "pages" or true)) -- again, after a crash: strict mode may have words for it
  luron.higher(false)
  if t.info.flags and check.name ~= "inputs" and check.name ~= "options" and not t.cases and #t.info.ports > 0 then
    if t.failed.inputs then t.skip "no inputs for it are known" end
    t.make_cases()
  end
  return check.run(t)
end

--- job: { path, kind, type, seed, report, done = set of names, failed = set of names, options, inputs, file }
return function(job)
  local report = report_to(job.report)
  if job.kind == "load" then
    report("begin", "load")
    local ok, message = luron.load_plugin(job.path)
    report(ok and "ok" or "FAIL", "load", ok and "" or message)
    for _, kind in ipairs { "layer", "optim", "format" } do
      for _, name in ipairs(ok and luron.types(kind, true) or {}) do
        local info = luron.type_info(kind, name)
        report("type", kind, name, info.plugin, info.plugin_version or "", info.abi)
      end
    end
    return true
  end
  assert(luron.load_plugin(job.path))
  local t = context(job)
  luron.threads(1) -- inputs are small: waiting for each other costs more than it saves; the check of threads takes several
  for _, check in ipairs(require("luron.plugin_check." .. job.kind)) do
    if not job.done[check.name] and (not job.strict or job.strict == check.name) then
      report("begin", check.name, check.crash or "")
      t.rand = guess.random(job.seed + #check.name)
      local ok, result = pcall(run_check, t, check)
      if not ok and not (getmetatable(result) == Finding and result.verdict == "skip") then t.failed[check.name] = true end
      if ok then report("ok", check.name, result or "")
      elseif getmetatable(result) == Finding then report(result.verdict, check.name, result.text)
      else report("FAIL", check.name, (tostring(result):gsub("^luron plugin:1: ", ""))) end
    end
  end
  return true
end
