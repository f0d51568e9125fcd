--- Runs the workloads of tests/bench, ours and the peers' in turn, and prints one table (run.sh says how to call it).
---   luron run.lua HERE BUILD OUT PYTHON [--quick] [--compile] [--smoke] [--threads 1,2] [--only NAME] [--library NAME=FILE]
--- PYTHON is "" where there is no PyTorch. OUT gets result.json and the folders of the workloads.
package.path = arg[0]:gsub("[^/]*$", "?.lua;") .. package.path
local core = require "luron.core"
local show = require "show"

local HERE, BUILD, OUT, PYTHON = arg[1], arg[2], arg[3], arg[4]
local given = { threads = nil, only = {}, libraries = {} }

local function fail(...)
  io.stderr:write("bench: ", string.format(...), "\n")
  os.exit(2)
end

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function read_options()
  local i = 5
  local function value()
    i = i + 1
    return arg[i] or fail("%s needs a value", arg[i - 1])
  end
  while arg[i] do
    local option = arg[i]
    if option == "--quick" or option == "--compile" or option == "--smoke" then
      given[option:sub(3)] = true
    elseif option == "--threads" then
      given.threads = {}
      for n in value():gmatch "[^,]+" do
        n = math.tointeger(tonumber(n))
        if not n or n < 1 then fail("--threads: numbers from 1 on expected, got %s", arg[i]) end
        given.threads[#given.threads + 1] = n
      end
    elseif option == "--only" then
      for name in value():gmatch "[^,]+" do given.only[name] = true end
    elseif option == "--library" then
      given.libraries[#given.libraries + 1] = value()
    else
      fail("unknown option '%s'", option)
    end
    i = i + 1
  end
  given.threads = given.threads or (given.quick or given.smoke) and { 1 } or { 1, 2 }
  given.compile = given.compile or not (given.quick or given.smoke) -- it takes up to a minute a model
  given.rounds = given.smoke and 1 or given.quick and 5 or 9
  given.effort = given.smoke and "smoke" or given.quick and "quick" or "full"
end

-- ---- programs that take orders -----------------------------------------------------------------------------------------
local environment = string.format("LURON_PLUGIN_PATH=%s TORCHINDUCTOR_CACHE_DIR=%s", quote(BUILD .. "/lib/luron/plugins"), quote(OUT .. "/inductor"))
local n_started = 0

local function exists(path)
  local file <close> = io.open(path, "rb")
  return file ~= nil
end

-- The last line of a file, for what went wrong.
local function last_line(path)
  local line = ""
  for text in io.lines(path) do
    if text:find "%S" then line = text end
  end
  return line
end

-- A program's next answer; nil once it has ended, with the reason in p.why.
local function answer(p)
  local line = p.answers:read "l"
  local result = line and core.json_decode(line)
  if result and not result.skip then return result end
  p.over, p.why = true, result and result.skip or last_line(p.log)
  return nil
end

local function order(p, what)
  if p.over then return nil end
  p.orders:write(what, "\n")
  p.orders:flush()
  return answer(p)
end

-- Start a command and wait until it is ready.
local function start(command, threads, log)
  n_started = n_started + 1
  local pipe = OUT .. "/answers." .. n_started
  os.remove(pipe)
  if not os.execute("mkfifo " .. quote(pipe)) then fail("no pipe can be made in %s", OUT) end
  local line = string.format("%s OMP_NUM_THREADS=%d exec timeout 600 %s >%s 2>%s", environment, threads, command, quote(pipe), quote(log))
  local p = { orders = assert(io.popen(line, "w")), log = log }
  p.answers = assert(io.open(pipe, "r"))
  os.remove(pipe)
  p.ready = answer(p)
  return p
end

local function stop(p)
  p.orders:close()
  p.answers:close()
end

-- ---- workloads ---------------------------------------------------------------------------------------------------------
-- All of them, in order: what their scripts say about themselves.
local function workloads()
  local list, names, is_name = {}, { "gemm" }, { gemm = true }
  for path in io.popen("ls " .. quote(HERE) .. "/*.lua"):lines() do
    local pipe <close> = assert(io.popen(quote(BUILD .. "/bin/luron") .. " " .. quote(path) .. " describe"))
    local spec = core.json_decode(pipe:read "a")
    if not spec then fail("%s describes nothing", path) end
    spec.script = path
    names[#names + 1], is_name[spec.name] = spec.name, true
    local is_usual = not (given.smoke and spec.is_long or not given.smoke and spec.named_only)
    local wanted = next(given.only) and given.only[spec.name] or not next(given.only) and is_usual
    if wanted then list[#list + 1] = spec end
  end
  table.sort(list, function(a, b) return a.order < b.order end)
  table.sort(names)
  for name in pairs(given.only) do
    if not is_name[name] then fail("--only: no workload '%s'; there are %s", name, table.concat(names, ", ")) end
  end
  return list
end

-- Folder with pictures in IDX files, nil if there is none.
local function pictures()
  local from = os.getenv "LURON_DATA"
  local dirs = { "/usr/share/datasets/fashion-mnist" }
  if from then table.move({ from .. "/mnist", from .. "/fashion-mnist", from }, 1, 3, 1, dirs) end
  for _, dir in ipairs(dirs) do
    if exists(dir .. "/train-images-idx3-ubyte.gz") or exists(dir .. "/train-images-idx3-ubyte") then return dir end
  end
end

-- A command with its placeholders filled.
local function fill(command, spec, threads, work)
  local from = os.getenv "LURON_DATA" or ""
  local args = string.format("--work %s --threads %d --steps %d", quote(work), threads, spec.steps[given.effort])
  local data = pictures()
  if data then args = args .. " --data " .. quote(data) end
  if command:find "{script}" then
    local text, cifar = from .. "/tinyshakespeare/input.txt", from .. "/cifar10/data_batch_1.bin.gz"
    if exists(text) then args = args .. " --text " .. quote(text) end
    if exists(cifar) then args = args .. " --cifar " .. quote(cifar) end
  elseif given.compile then
    args = args .. " --compile"
  end
  local values = {
    luron = quote(BUILD .. "/bin/luron"), script = quote(BUILD .. "/bin/luron") .. " " .. quote(spec.script), here = quote(HERE),
    programs = quote(BUILD .. "/tests"), python = quote(PYTHON), work = quote(work), steps = tostring(spec.steps[given.effort]), args = args,
  }
  return (command:gsub("{(%w+)}", values))
end

-- Start all of one side; those that do not run leave a note.
local function start_side(commands, spec, threads, work, notes)
  local side = {}
  for i, command in ipairs(commands) do
    local p = start(fill(command, spec, threads, work), threads, string.format("%s/%d.log", work, n_started))
    if p.ready then
      side[#side + 1] = p
      for _, note in ipairs(p.ready.notes or {}) do notes[#notes + 1] = p.ready.what .. ", " .. note end
    else
      notes[#notes + 1] = string.format("%s: %s", i == 1 and spec.name or command, p.why)
      stop(p)
    end
  end
  return side
end

-- Add the figures of one answer to those of the rounds before.
local function gather(all, p, result)
  for variant, figures in pairs(result or {}) do
    local key = p.ready.what .. " " .. variant
    all[key] = all[key] or { what = p.ready.what, variant = variant, figures = {} }
    for name, value in pairs(figures) do
      local list = all[key].figures[name] or {}
      list[#list + 1] = value
      all[key].figures[name] = list
    end
  end
end

local function add_reached(all, p, result)
  for variant, reached in pairs(result or {}) do
    local entry = all[p.ready.what .. " " .. variant]
    if entry then entry.reached = reached end
  end
end

-- Do two sides' weighed sums, each { sum, norm }, agree within rounding? Without a peer, or where chance decides, yes.
local function same_sums(ours, theirs)
  if not (ours and theirs) then return true end
  for i, sum in ipairs(ours) do
    local norm = math.max(sum[2], theirs[i] and theirs[i][2] or math.huge)
    if not (theirs[i] and math.abs(sum[1] - theirs[i][1]) <= 1e-4 * norm + 1e-9) then return false end
  end
  return true
end

-- All cases, both sides in turn at each before the next: the machine's speed changes between cases, not within one. A case's ratio is
-- the median of the ratios of its rounds.
local function measure_cases(result, ours, peer)
  result.cases = {}
  for i = 1, #result.spec.cases, given.smoke and 8 or 1 do
    local name = result.spec.cases[i].name .. ", " .. result.spec.cases[i].inputs
    local case = { spec = result.spec.cases[i], figures = {} }
    local mine = order(ours, "case " .. i)
    local theirs = peer and order(peer, "case " .. i)
    if not mine or peer and not theirs then
      result.notes[#result.notes + 1] = name .. ": " .. (ours.why or peer.why)
      return
    end
    case.is_same = same_sums(mine.sums, theirs and theirs.sums)
    if not case.is_same then result.notes[#result.notes + 1] = name .. ": the peer's sums are others" end
    for _ = 1, given.rounds do
      local a = order(ours, "round")
      local b = not peer and {} or order(peer, "round")
      if not a or not b then
        result.notes[#result.notes + 1] = name .. ": " .. (ours.why or peer.why)
        return
      end
      for figure, time in pairs(a) do
        local f = case.figures[figure] or { ours = {}, peer = {}, ratio = {} }
        local n = #f.ours + 1
        case.figures[figure], f.ours[n], f.peer[n], f.ratio[n] = f, time, b[figure], b[figure] and b[figure] / time
      end
    end
    result.cases[#result.cases + 1] = case
  end
end

-- One workload at one number of threads: { ours = entries, peers = entries, notes }.
local function measure(spec, threads)
  local work = string.format("%s/%s-%d", OUT, spec.name, threads)
  os.execute("mkdir -p " .. quote(work))
  local result = { spec = spec, threads = threads, ours = {}, peers = {}, notes = {} }
  if spec.prepare then os.execute(environment .. " " .. fill("{script} prepare {args}", spec, threads, work)) end
  local ours = start_side(spec.ours or { "{script} serve {args}" }, spec, threads, work, result.notes)
  local peers = {}
  if #ours > 0 and PYTHON ~= "" then
    if spec.peers_prepare then os.execute(fill(spec.peers_prepare, spec, threads, work)) end
    peers = start_side(spec.peers or { "{python} {here}/peers/" .. spec.name .. ".py {args}" }, spec, threads, work, result.notes)
  end
  if spec.cases and ours[1] then measure_cases(result, ours[1], peers[1]) end
  for _ = 1, spec.cases and 0 or given.rounds do
    for _, p in ipairs(ours) do gather(result.ours, p, order(p, "round")) end
    for _, p in ipairs(peers) do gather(result.peers, p, order(p, "round")) end
  end
  for side, programs in pairs { ours = ours, peers = peers } do
    for _, p in ipairs(programs) do
      add_reached(result[side], p, order(p, "finish"))
      if p.over and not spec.cases then result.notes[#result.notes + 1] = string.format("%s ended early: %s", p.ready.what, p.why) end
      stop(p)
    end
  end
  os.execute("rm -rf " .. quote(work))
  return result
end

-- ---- matrix products -----------------------------------------------------------------------------------------------------
-- name=file of the libraries that the loader knows, and those given.
local function gemm_libraries()
  local list = table.move(given.libraries, 1, #given.libraries, 1, {})
  for _, known in ipairs { { "OpenBLAS", "libopenblas%.so" }, { "BLIS", "libblis%.so" }, { "oneDNN", "libdnnl%.so" } } do
    for line in io.popen("ldconfig -p 2>/dev/null || /sbin/ldconfig -p"):lines() do
      local path = line:find(known[2]) and line:match "=> (.+)$"
      if path then
        list[#list + 1] = known[1] .. "=" .. path
        break
      end
    end
  end
  return list
end

-- Lines of bench_gemm, and of PyTorch at the same shapes.
local function measure_gemm(threads)
  local words, lines, path = {}, {}, OUT .. "/gemm.jsonl"
  for i, library in ipairs(gemm_libraries()) do words[i] = quote(library) end
  local function collect(command)
    for line in io.popen(command):lines() do lines[#lines + 1] = core.json_decode(line) end
  end
  local which = given.smoke and " --only dice" or ""
  os.execute(string.format("OMP_NUM_THREADS=%d %s --threads %d --rounds %d%s %s >%s", threads, quote(BUILD .. "/tests/bench_gemm"), threads,
    given.rounds, which, table.concat(words, " "), quote(path)))
  collect("cat " .. quote(path))
  if PYTHON ~= "" then collect(string.format("%s %s/peers/gemm.py %s %d %d", quote(PYTHON), quote(HERE), quote(path), threads, given.rounds)) end
  return { threads = threads, lines = lines }
end

local function measure_floor(threads)
  local command = string.format("%s/tests/bench_floor --threads %d --file %s", quote(BUILD), threads, quote(OUT .. "/floor"))
  local pipe <close> = io.popen(command .. (given.quick and " --quick" or ""))
  return core.json_decode(pipe:read "a") or fail "bench_floor fails"
end

-- ---- all of it -------------------------------------------------------------------------------------------------------------
read_options()
local list = workloads()
local result = { head = show.head(core, given, PYTHON, pictures()), floors = {}, workloads = {}, gemm = {} }
local is_layers_alone = #list == 1 and list[1].cases and not given.only.gemm
show.begin(result.head, not is_layers_alone)
for _, threads in ipairs(given.threads) do
  local floor = (given.smoke or is_layers_alone) and {} or measure_floor(threads)
  result.floors[tostring(threads)] = floor
  for _, spec in ipairs(list) do
    if threads <= (spec.most_threads or threads) then
      io.stderr:write(string.format("%s, %d thread%s ...\n", spec.title, threads, threads == 1 and "" or "s"))
      local measured = measure(spec, threads)
      result.workloads[#result.workloads + 1] = measured
      show.workload(measured, floor)
    end
  end
  if not next(given.only) or given.only.gemm then
    local gemm = measure_gemm(threads)
    result.gemm[#result.gemm + 1] = gemm
    show.gemm(gemm, floor)
  end
end
show.finish()
local file <close> = assert(io.open(OUT .. "/result.json", "w"))
assert(file:write(core.json_encode(result), "\n"))
print("\n" .. OUT .. "/result.json has all figures of all variants.")
if given.smoke and show.n_failed() > 0 then os.exit(1) end
