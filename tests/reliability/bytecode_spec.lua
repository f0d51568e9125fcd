-- R23: the luron command runs no bytecode, whichever way it comes: whole, damaged, under any mode and any name.
local source = os.getenv "LURON_TEST_SOURCE" or "."
local build = os.getenv "LURON_TEST_BUILD"
local bars = dofile(source .. "/tests/support/bar.lua")
local luron_command = build .. "/bin/luron"

local b = bars.begin("R23", "bytecode at every entry", 23)
local n, failures = 0, 0
local function complain(text)
  failures = failures + 1
  io.stderr:write(text, "\n")
end

local function run(command)
  local pipe <close> = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  local _, how, code = pipe:close()
  return text, how, code
end

local function write(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
end

-- Bytecode that tells when it is run.
local chunk = string.dump(assert(load "BYTECODE_RAN = true print 'bytecode ran' return true"))
local folder = os.tmpname()

-- Must end with status 1 by a message, without having run.
local function refused(name, command)
  n = n + 1
  local text, how, code = run(command)
  if how ~= "exit" or code ~= 1 or text:find "bytecode ran" or not text:find("^luron: ") then
    complain(string.format("%s: %s %s: %s", name, how, code, text:sub(1, 300)))
  end
end

-- Code in the command that must print "refused" and nothing of the bytecode; CHUNK is the bytes, FILE and FOLDER paths.
local function guarded(name, code)
  n = n + 1
  local path = folder .. "/check.lua"
  local frame = "local FILE, FOLDER = %q, %q\nlocal CHUNK = io.open(FILE, 'rb'):read 'a'\n%s\nprint(BYTECODE_RAN and 'ran' or 'done')"
  write(path, string.format(frame, folder .. "/chunk.lua", folder, code))
  local text, how, code_ = run(luron_command .. " " .. path)
  if how ~= "exit" or code_ ~= 0 or text ~= "done\n" then complain(string.format("%s: %s %s: %s", name, how, code_, text:sub(1, 300))) end
end

describe("bytecode", function()
  setup(function()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    write(folder .. "/chunk.lua", chunk)
  end)
  teardown(function() os.execute("rm -rf " .. folder) end)

  it("runs in stock Lua, so that there is something to refuse", function()
    assert.are.equal("bytecode ran\n", (run("lua5.4 " .. folder .. "/chunk.lua")))
  end)

  it("is refused as a script", function()
    refused("a script", luron_command .. " " .. folder .. "/chunk.lua")
    refused("a script with arguments", luron_command .. " " .. folder .. "/chunk.lua a b")
    refused("a script after --", luron_command .. " -- " .. folder .. "/chunk.lua")
    refused("a script after -e", luron_command .. " -e 'x = 1' " .. folder .. "/chunk.lua")
    refused("standard input", luron_command .. " - <" .. folder .. "/chunk.lua")
    refused("standard input without a name", luron_command .. " <" .. folder .. "/chunk.lua")
    write(folder .. "/first.lua", "#!/usr/bin/luron\n" .. chunk) -- Lua skips the first line and looks again
    refused("a script behind a first line for the shell", luron_command .. " " .. folder .. "/first.lua")
    refused("-e", luron_command .. " -e \"$(printf '\\033LuaT')\"")
    refused("-e without a space", luron_command .. " -e\"$(printf '\\033Lua')\"")
    for _, bytes in ipairs { "\27", "\27Lua", "\27Lua\x54\0", "\xEF\xBB\xBF" .. chunk, "#\n\27Lua" } do
      write(folder .. "/short.lua", bytes)
      refused(string.format("%q", bytes:sub(1, 8)), luron_command .. " " .. folder .. "/short.lua")
    end
  end)

  it("is refused by load and its like", function()
    for _, mode in ipairs { "nil", "'b'", "'t'", "'bt'", "'tb'" } do
      guarded("load " .. mode, "local ok, f = pcall(load, CHUNK, 'c', " .. mode .. ") if ok and f then f() end")
      guarded("load in an environment, " .. mode, "local ok, f = pcall(load, CHUNK, 'c', " .. mode .. ", _G) if ok and f then f() end")
      guarded("load of a function, " .. mode,
        "local i = 0 local ok, f = pcall(load, function() i = i + 1 return CHUNK:sub(i, i) end, 'c', " .. mode .. ") if ok and f then f() end")
      guarded("loadfile " .. mode, "local ok, f = pcall(loadfile, FILE, " .. mode .. ") if ok and f then f() end")
      guarded("loadfile in an environment, " .. mode, "local ok, f = pcall(loadfile, FILE, " .. mode .. ", _G) if ok and f then f() end")
    end
    guarded("dofile", "pcall(dofile, FILE)")
    guarded("load in a coroutine", "coroutine.wrap(function() local ok, f = pcall(load, CHUNK) if ok and f then f() end end)()")
    guarded("load by another name", "local l = load _G.load = nil local ok, f = pcall(l, CHUNK, nil, 'b') if ok and f then f() end")
    guarded("string.dump and back", "local ok, f = pcall(load, string.dump(function() BYTECODE_RAN = true end)) if ok and f then f() end")
    guarded("dofile of standard input", "io.input(FILE) local ok, f = pcall(load, io.read 'a') if ok and f then f() end")
  end)

  it("is refused by require", function()
    guarded("require", "package.path = FOLDER .. '/?.lua' pcall(require, 'chunk')")
    guarded("require of luron itself", "package.path = FOLDER .. '/chunk.lua' pcall(require, 'luron')")
    guarded("the searchers", "package.path = FOLDER .. '/?.lua' for _, s in ipairs(package.searchers) do "
      .. "local ok, f = pcall(s, 'chunk') if ok and type(f) == 'function' then pcall(f) end end")
    guarded("searchpath and loadfile", "local p = package.searchpath('chunk', FOLDER .. '/?.lua') local ok, f = pcall(loadfile, p, 'b') if ok and f then f() end")
    guarded("LUA_INIT", "assert(os.execute(\"LUA_INIT=@\" .. FILE .. \" LUA_INIT_5_4=@\" .. FILE .. \" " .. luron_command .. " -e 'assert(not BYTECODE_RAN)'\"))")
  end)

  it("is refused by all that reads files", function()
    for _, call in ipairs { "luron.load(FILE)", "luron.load(FILE, { verify = false })", "luron.checkpoint(FILE)", "luron.data.csv(FILE)", "luron.data.idx(FILE)",
      "luron.data.read(FILE)", "luron.data.mnist(FOLDER)", "luron.load_plugin(FILE)", "luron.nn.Sequential { luron.nn.ReLU() }:restore(FILE)" } do
      guarded(call, "local luron = require 'luron' pcall(function() return assert(not " .. call .. ") end)")
    end
  end)

  it("is refused however it is damaged", function()
    -- One process for many: each byte string that begins like bytecode is text to the command, so all are refused.
    local rounds = bars.is_long and 20000 or 2000
    n = n + rounds
    local text, how, code = run(string.format("%s -e 'math.randomseed(%d) local c = io.open(%q, \"rb\"):read \"a\" "
      .. "for i = 1, %d do local at = math.random(2, #c) local s = c:sub(1, at - 1) .. string.char(math.random(0, 255)) .. c:sub(at + 1) "
      .. "assert(not load(s)) assert(not pcall(load, s, nil, \"b\") ) end print(BYTECODE_RAN)'", luron_command, b.seed, folder .. "/chunk.lua", rounds))
    if how ~= "exit" or code ~= 0 or text ~= "nil\n" then complain("damaged bytecode: " .. text) end
  end)

  it("is counted", function() assert.are.equal(0, b:finish(n, failures)) end)
end)
