--- luron plugin check FILE: every type of a plugin goes through the checks of plugin_check/, each type in a process of its own,
--- so that a plugin that crashes, hangs or exits is found out too.
local luron = require "luron"

local check = {}

local signals = { [4] = "SIGILL", [6] = "SIGABRT", [7] = "SIGBUS", [8] = "SIGFPE", [9] = "SIGKILL", [11] = "SIGSEGV", [15] = "SIGTERM" }
local titles = { layer = "layer", optim = "optimiser", format = "format" }

local function quote(text) return "'" .. tostring(text):gsub("'", "'\\''") .. "'" end

local function lines_of(command)
  local pipe <close> = assert(io.popen(command .. " 2>/dev/null"))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  return list
end

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "a" or ""
end

-- ---- the file itself -------------------------------------------------------------------------------------------------
local function has_tool(name) return #lines_of("command -v " .. name) > 0 end

local function is_sanitized(path)
  for _, line in ipairs(lines_of("nm -D " .. quote(path))) do
    if line:find("__asan_init", 1, true) or line:find("__ubsan", 1, true) or line:find("__tsan_init", 1, true) then return true end
  end
  return false
end

local function check_symbols(path)
  if not has_tool "nm" then return "skip", "nm (binutils) is missing" end
  if is_sanitized(path) then return "skip", "built with a sanitizer" end
  local names = {}
  for _, line in ipairs(lines_of("nm -D --defined-only " .. quote(path))) do names[#names + 1] = line:match "(%S+)$" end
  if #names == 1 and names[1] == "luron_plugin_main" then return "ok", names[1] end
  table.sort(names)
  return "FAIL", "it exports " .. table.concat(names, ", "):sub(1, 200) .. "; luron_plugin_main alone expected (make the others static)"
end

local function check_constructors(path)
  if not has_tool "readelf" then return "skip", "readelf (binutils) is missing" end
  if is_sanitized(path) then return "skip", "built with a sanitizer" end
  for _, line in ipairs(lines_of("readelf -SW " .. quote(path))) do
    local size = line:match "%.init_array%s+INIT_ARRAY%s+%x+%s+%x+%s+(%x+)"
    if size and tonumber(size, 16) > 8 then -- 8: the compiler's own
      return "FAIL", "code of its own runs when it is loaded (a constructor, or global objects of C++)"
    end
  end
  return "ok", ""
end

-- Data of the file that can change: symbols of the sections .data, .bss, .tdata and .tbss. What compilers put there is no one's.
local function check_statics(path, types)
  local serves = false -- a format may hold a lock of the library behind it
  for _, line in ipairs(types) do serves = serves or line[2] ~= "format" end
  if not serves then return "skip", "formats alone" end
  if not has_tool "readelf" then return "skip", "readelf (binutils) is missing" end
  if is_sanitized(path) then return "skip", "built with a sanitizer" end
  local sections, names, stripped = {}, {}, true
  for _, line in ipairs(lines_of("readelf -SW " .. quote(path))) do
    local number, name = line:match "^%s*%[%s*(%d+)%]%s+%.(%a+)[%.%s]"
    local section = line:match "^%s*%[%s*%d+%]%s+(%S+)" or ""
    if (name == "data" and not section:find "^%.data%.rel") or name == "bss" or name == "tdata" or name == "tbss" then sections[number] = true end
    stripped = stripped and name ~= "symtab"
  end
  if stripped then return "skip", "stripped" end
  for _, line in ipairs(lines_of("readelf -sW " .. quote(path))) do
    local size, kind, number, name = line:match "^%s*%d+:%s+%x+%s+(%w+)%s+(%u+)%s+%u+%s+%u+%s+(%d+)%s+(%S+)"
    local own = name and not name:find "^completed%." and not name:find "^__" and not name:find "^DW%.ref%."
    if own and sections[number] and (kind == "OBJECT" or kind == "TLS") and size ~= "0" then names[#names + 1] = name end
  end
  if #names == 0 then return "ok", "no data that can change" end
  table.sort(names)
  return "FAIL", "data that can change: " .. table.concat(names, ", "):sub(1, 200) .. "; two contexts at once would change it under each other"
end

local function check_links(path)
  if not has_tool "readelf" then return "skip", "readelf (binutils) is missing" end
  local names = {}
  for _, line in ipairs(lines_of("readelf -dW " .. quote(path))) do
    local name = line:match "%(NEEDED%).-%[(.-)%]"
    if name and (name:find "^libluron" or name:find "^libgomp" or name:find "^libomp" or name:find "^liblua") then names[#names + 1] = name end
  end
  if #names == 0 then return "ok", "nothing of luron" end
  return "FAIL", "it links to " .. table.concat(names, ", ") .. ": the host gives what it needs"
end

-- ---- children --------------------------------------------------------------------------------------------------------
-- Run one child; gives the lines that it reported and how it ended: nil (well), or a text.
local function run_child(run, arguments, done, failed)
  local report, output = os.tmpname(), os.tmpname()
  local words = { "timeout", "-k", "5", tostring(run.timeout), quote(run.program), "plugin", "check-one", quote(run.path), quote(report) }
  for _, word in ipairs(arguments) do words[#words + 1] = quote(word) end
  for key, set in pairs { done = done, failed = failed } do
    local names = {}
    for name in pairs(set) do names[#names + 1] = name end
    words[#words + 1] = quote(key .. "=" .. table.concat(names, ","))
  end
  for _, word in ipairs(run.extra) do words[#words + 1] = quote(word) end
  local ok, how, code = os.execute(table.concat(words, " ") .. " >" .. quote(output) .. " 2>&1 </dev/null")
  local lines, text = {}, read(output)
  for line in read(report):gmatch "[^\n]+" do
    local parts = {}
    for part in (line .. "\t"):gmatch "([^\t]*)\t" do parts[#parts + 1] = part end
    lines[#lines + 1] = parts
  end
  os.remove(report)
  os.remove(output)
  if ok then return lines, nil, text end
  if how == "exit" and code == 124 then return lines, string.format("nothing for %d seconds", run.timeout), text end
  if how == "exit" and code > 128 then how, code = "signal", code - 128 end
  if how == "signal" and code == 2 then error("interrupted!", 0) end -- Ctrl-C
  if how == "signal" then return lines, string.format("killed by signal %d%s", code, signals[code] and " (" .. signals[code] .. ")" or ""), text end
  return lines, string.format("the process ended with status %d", code), text
end

local function say(run, subject, verdict, name, detail)
  run.count[verdict] = run.count[verdict] + 1
  local mark = verdict == "ok" and "ok  " or verdict
  print(string.format("%s  %s: %s%s", mark, subject, name, detail ~= "" and ": " .. detail or ""))
end

-- What a signal says of itself (main.c): at NULL, or at memory that is no one's.
local function fault_words(text)
  if text:find "fault at NULL\n" then return "NULL is read or written: what is absent, or what a flag of the type says is not read" end
  return text:find "fault elsewhere\n" and "reads or writes outside its tensors" or nil
end

-- What strict mode says where the plugin ended the process, then with guard pages, where the first that is wrong ends it; nil: nothing.
local function strict_words(run, kind, name, what)
  local job, words = { "kind=" .. kind, "type=" .. name }, nil
  for _, level in ipairs { "true", "pages" } do
    job[3], job[4] = "strict=" .. what, "level=" .. level
    local lines, _, text = run_child(run, job, {}, {})
    for _, line in ipairs(lines) do
      if line[1] == "FAIL" and line[2] == what then return line[3] end
    end
    words = fault_words(text)
  end
  return words
end

-- All checks of one type, in as many processes as it takes.
local function check_type(run, kind, name)
  local subject, done, failed, printed = titles[kind] .. " " .. name, {}, {}, nil
  for _ = 1, 40 do
    local lines, ended, text = run_child(run, { "kind=" .. kind, "type=" .. name }, done, failed)
    local open, crash
    for _, line in ipairs(lines) do
      if line[1] == "begin" then open, crash = line[2], line[3]
      else
        say(run, subject, line[1], line[2], line[3] or "")
        done[line[2]], failed[line[2]], open = true, line[1] == "FAIL" or nil, nil
      end
    end
    if not ended and open then ended = "the process ended as if all were well: a plugin never exits" end
    if not ended then
      if text ~= "" then printed = text end
      break
    end
    if not open then
      say(run, subject, "FAIL", "process", ended .. (text ~= "" and ": " .. text:sub(1, 200):gsub("\n", " ") or ""))
      return
    end
    done[open], failed[open] = true, true
    local fault = fault_words(text)
    local words = open == "inputs" and strict_words(run, kind, name, open) or fault and fault:find "^NULL" and fault or crash ~= "" and crash or fault
    say(run, subject, "FAIL", open, (words and words .. ": " or "") .. ended)
    if open == "inputs" then return end -- nothing else can be tried
  end
  if printed then say(run, subject, "FAIL", "silence", "a plugin prints nothing; it printed " .. printed:sub(1, 100):gsub("\n", " ")) end
end

-- Those of the types that were asked for, all where no name was given; or nil and the name that is none of theirs.
local function wanted_types(types, names)
  if #names == 0 or #types == 0 then return types end
  local wanted, has, list = {}, {}, {}
  for _, name in ipairs(names) do wanted[name] = true end
  for _, line in ipairs(types) do
    has[line[3]] = true
    if wanted[line[3]] then list[#list + 1] = line end
  end
  for _, name in ipairs(names) do
    if not has[name] then return nil, name end
  end
  return list
end

-- ---- the command -----------------------------------------------------------------------------------------------------
--- settings: { program, path, seed, types (names; none: all), timeout, options, inputs, file }. true: nothing failed.
function check.run(settings)
  local run = { program = settings.program, path = settings.path, timeout = settings.timeout, count = { ok = 0, FAIL = 0, skip = 0 }, extra = {} }
  run.extra[1] = "seed=" .. settings.seed
  for key in ("options file"):gmatch "%a+" do
    if settings[key] then run.extra[#run.extra + 1] = key .. "=" .. settings[key] end
  end
  for _, input in ipairs(settings.inputs) do run.extra[#run.extra + 1] = "input=" .. input end
  if not io.open(run.path, "rb") then return nil, run.path .. ": no such file" end
  local lines, ended = run_child(run, { "kind=load" }, {}, {})
  local types = {}
  for _, line in ipairs(lines) do
    if line[1] == "type" then types[#types + 1] = line
    elseif line[1] ~= "begin" then say(run, "plugin", line[1], line[2], line[3]) end
  end
  if ended then say(run, "plugin", "FAIL", "load", ended) end
  local wanted, unknown = wanted_types(types, settings.types)
  if not wanted then return nil, string.format("%s has no type '%s'", run.path, unknown) end
  if #types > 0 then
    say(run, "plugin", "ok", "descriptor", string.format("%s %s, plugin ABI %s", types[1][4], types[1][5], types[1][6]))
    for _, one in ipairs { { "symbols", check_symbols }, { "constructors", check_constructors }, { "links", check_links }, { "statics", check_statics } } do
      local verdict, detail = one[2](run.path, types)
      say(run, "plugin", verdict, one[1], detail)
    end
  end
  for _, line in ipairs(wanted) do check_type(run, line[2], line[3]) end
  print(string.format("%d passed, %d failed%s", run.count.ok, run.count.FAIL, run.count.skip > 0 and string.format(", %d skipped", run.count.skip) or ""))
  return run.count.FAIL == 0
end

--- "3,4" as { 3, 4 }; "" as {}.
local function sizes(text)
  local list = {}
  for size in text:gmatch "%d+" do list[#list + 1] = math.tointeger(size) end
  return list
end

--- The child's side: path of the plugin, path of the report, then key=value.
function check.child(path, report, ...)
  local job = { path = path, report = report, done = {}, failed = {} }
  for _, word in ipairs { ... } do
    local key, value = word:match "^(%a+)=(.*)$"
    if key == "done" or key == "failed" then
      for name in value:gmatch "[^,]+" do job[key][name] = true end
    elseif key == "input" then
      job.inputs = job.inputs or {}
      table.insert(job.inputs, sizes(value))
    elseif key == "options" then
      job.options = assert(load("return " .. value, "=--options", "t", {}))()
    else
      job[key] = key == "seed" and math.tointeger(value) or value
    end
  end
  luron.seed(job.seed)
  return require "luron.plugin_check.child"(job)
end

return check
