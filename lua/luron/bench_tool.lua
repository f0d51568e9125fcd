--- The command `luron bench`: how long a script takes, and with --profile where.
local luron = require "luron"
local core = require "luron.core"

local usage = [[
Usage: luron bench [--profile | --runs N] SCRIPT [ARGUMENTS]

Run a script and say what it took. Options may stand right behind SCRIPT too; -- ends them, and so does
the first other word: what follows it is the script's ("bench train.lua 3 --profile" gives it --profile).

  --runs N    N times (5), each in a process of its own: time, processor time, peak of memory.
              What the script prints is shown once
  --profile   once, in this process: each layer's calls, time forward and backward, FLOP/s, bytes,
              and share of the speed of a large matrix product. Steps under luron.compile run as
              they are written
]]

local function complain(message)
  io.stderr:write("luron: ", message, "\n")
  return false
end

-- ---- arguments -------------------------------------------------------------------------------------------------------
--- The words as { script, profile, runs, once, arguments }; nil and what is wrong with them.
local function parse(words)
  local parsed, i = { runs = 5, arguments = {} }, 1
  while words[i] do
    local word = words[i]
    if word == "--" and parsed.script then
      parsed.divided, i = true, i + 1
      break
    end
    if word == "--profile" then parsed.profile = true
    elseif word == "--help" or word == "-h" then parsed.help = true
    elseif word == "--runs" then
      i = i + 1
      parsed.runs, parsed.has_runs = math.tointeger(tonumber(words[i])), true
      if not parsed.runs or parsed.runs < 1 then return nil, string.format("--runs: a whole number from 1 on expected, got %s", words[i] or "nothing") end
    elseif word == "--once" then -- for the processes of --runs
      i = i + 1
      parsed.once = words[i]
    elseif parsed.script then break
    elseif word:find "^%-." then return nil, string.format("no option '%s'", word)
    else parsed.script = word
    end
    i = i + 1
  end
  for k = i, #words do parsed.arguments[#parsed.arguments + 1] = words[k] end
  if not parsed.script and not parsed.help then return nil, "a script is needed" end
  if parsed.profile and parsed.has_runs then return nil, "--profile is one run, in this process: without --runs" end
  return parsed
end

-- ---- running ---------------------------------------------------------------------------------------------------------
--- Run the script as the command would; true, or false and the error. at_end() is called also where the script ends by os.exit.
local function run(parsed, at_end)
  local chunk, message = loadfile(parsed.script, "t")
  if not chunk then return false, message end
  arg = { [0] = parsed.script, table.unpack(parsed.arguments) } -- luacheck: globals arg
  local exit, ended = os.exit, false
  local function finish()
    if not ended then at_end() end
    ended = true
  end
  os.exit = function(...) -- luacheck: ignore 122
    finish()
    exit(...)
  end
  local ok, failure = xpcall(chunk, function(m) return debug.traceback(tostring(m), 2) end, table.unpack(parsed.arguments))
  os.exit = exit -- luacheck: ignore 122
  if not ok then return false, failure end
  finish()
  return true
end

local function peak_of_memory()
  local file <close> = assert(io.open "/proc/self/status")
  return tonumber(file:read("a"):match "VmHWM:%s*(%d+)") / 1024
end

--- Say that a word which looks like an option of ours is the script's, unless `--` says it too.
local function note_options(parsed)
  for i, word in ipairs(parsed.divided and {} or parsed.arguments) do
    if word == "--profile" or word == "--runs" then
      io.stderr:write(string.format("luron: %s behind '%s' is an argument of %s, not of bench\n", word, parsed.arguments[i - 1], parsed.script))
      return
    end
  end
end

--- In a process of its own: leave processor time and memory in a file.
local function run_once(parsed)
  local ok, message = run(parsed, function()
    local file <close> = assert(io.open(parsed.once, "w"))
    file:write(string.format("%.6f %.3f\n", os.clock(), peak_of_memory()))
  end)
  return ok or complain(message)
end

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function median(list)
  table.sort(list)
  local n = #list
  return (list[(n + 1) // 2] + list[n // 2 + 1]) / 2
end

local function run_several(program, parsed)
  local wall, cpu, peak, answer = {}, {}, {}, os.tmpname()
  local words = { quote(program), "bench", "--once", quote(answer), quote(parsed.script), "--" }
  for _, word in ipairs(parsed.arguments) do words[#words + 1] = quote(word) end
  local command = table.concat(words, " ")
  for i = 1, parsed.runs do
    local began = luron.clock()
    local ok, how, code = os.execute(command .. (i > 1 and " >/dev/null" or ""))
    wall[i] = luron.clock() - began
    local line = ok and io.lines(answer)()
    if not line then
      os.remove(answer)
      return complain(string.format("run %d of %s failed%s", i, parsed.script, ok and "" or string.format(", by %s %d", how == "exit" and "status" or how, code)))
    end
    cpu[i], peak[i] = line:match "(%S+) (%S+)"
    cpu[i], peak[i] = tonumber(cpu[i]), tonumber(peak[i])
  end
  os.remove(answer)
  print(string.format("\n%-24s %10s %10s", string.format("%d run%s of %s", parsed.runs, parsed.runs == 1 and "" or "s", parsed.script), "median", "least"))
  local function row(name, unit, format, list, times)
    local middle = median(list) * times
    print(string.format("%-24s %10s %10s %s", name, format:format(middle), format:format(list[1] * times), unit))
  end
  row("time", "ms", "%.1f", wall, 1000)
  row("processor time", "ms", "%.1f", cpu, 1000)
  row("peak of memory", "MiB", "%.1f", peak, 1)
  return true
end

-- ---- the profile -----------------------------------------------------------------------------------------------------
--- FLOP/s of the best of the large products that fit into half a second, with the threads that there are.
local function speed_of_products()
  local n, best, tries, first = 768, math.huge, 0, luron.clock()
  local a, b = luron.ones(n, n), luron.ones(n, n)
  luron.no_grad(function()
    while tries < 3 or luron.clock() - first < 0.5 do
      local began = luron.clock()
      a:matmul(b)
      best, tries = math.min(best, luron.clock() - began), tries + 1
    end
  end)
  return 2 * n ^ 3 / best
end

--- Names of rows: the path in the model; without one the type and a number.
local function name_parts(parts)
  local n = {}
  for _, part in ipairs(parts) do
    if part.kind == "backward" then part.name, part.type = "(rest of backward)", "ops"
    elseif part.kind == "optimizer" then part.name = "(optimiser)"
    elseif part.name == "" then
      n[part.type] = (n[part.type] or 0) + 1
      part.name = part.type .. " " .. n[part.type]
    end
  end
end

local function rest_of(parts, seconds)
  local rest = seconds
  for _, part in ipairs(parts) do rest = rest - part.forward - part.backward end
  return { kind = "rest", name = "(everything else)", type = "", calls = 0, backward_calls = 0, forward = math.max(rest, 0), backward = 0, forward_flops = 0,
    backward_flops = 0, bytes = 0 }
end

local function print_profile(parts, seconds, peak, threads)
  local order, list = { layer = 1, backward = 2, optimizer = 3, rest = 4 }, {}
  name_parts(parts)
  for i, part in ipairs(parts) do list[i], part.at = part, i end
  list[#list + 1] = rest_of(parts, seconds)
  list[#list].at = #list
  table.sort(list, function(a, b)
    if a.kind ~= b.kind then return order[a.kind] < order[b.kind] end
    return a.at < b.at
  end)
  local width = { 18, 12 }
  for _, part in ipairs(list) do width[1], width[2] = math.max(width[1], #part.name), math.max(width[2], #part.type) end
  local format = string.format("%%-%ds  %%-%ds %%8s %%10s %%10s %%6s %%9s %%8s %%8s %%6s", width[1], width[2])
  print("\n" .. format:format("layer", "type", "calls", "forward", "backward", "time", "GFLOP", "GFLOP/s", "MB", "peak"))
  print(format:format("", "", "", "ms", "ms", "%", "", "", "", "%"))
  for _, part in ipairs(list) do
    local flops, time = part.forward_flops + part.backward_flops, part.forward + part.backward
    local function some(pattern, value, shown) return shown and pattern:format(value) or "-" end
    local rate = time > 0 and flops / time or 0
    local calls = math.max(part.calls, part.backward_calls)
    print(format:format(part.name, part.type, some("%d", calls, calls > 0), some("%.2f", 1e3 * part.forward, part.kind ~= "backward"),
      some("%.2f", 1e3 * part.backward, part.backward_calls > 0), string.format("%.1f", 100 * time / seconds), some("%.4g", 1e-9 * flops, flops > 0),
      some("%.2f", 1e-9 * rate, flops > 0), some("%.1f", 1e-6 * part.bytes, part.bytes > 0), some("%.1f", 100 * rate / peak, flops > 0)))
  end
  print(string.format("\n%.1f ms in all. peak: %.1f GFLOP/s, a product of 768 x 768 matrices on %d thread%s.", 1e3 * seconds, 1e-9 * peak, threads,
    threads == 1 and "" or "s"))
end

local function profile(parsed)
  local peak, threads = speed_of_products(), luron.threads() -- before the script sets a dtype or a limit
  core.profile_begin()
  local ok, message = run(parsed, function()
    core.profile_end()
    local parts, seconds = core.profile_parts()
    print_profile(parts, seconds, peak, threads)
  end)
  core.profile_end()
  return ok or complain(message)
end

local tool = {}

--- program: path of the luron command; then the words behind `luron bench`. true; or false, and it is said why.
function tool.main(program, ...)
  local parsed, message = parse { ... }
  if not parsed then return complain(message .. "\n" .. usage) end
  if parsed.help then
    io.write(usage)
    return true
  end
  if parsed.once then return run_once(parsed) end
  local file <const>, why = io.open(parsed.script, "r")
  if not file then return complain(why) end
  file:close()
  local ok = parsed.profile and profile(parsed) or not parsed.profile and run_several(program, parsed)
  note_options(parsed) -- at the end, where it is seen
  return ok
end

return tool
