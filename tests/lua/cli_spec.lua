-- The luron command, and the modules under stock lua5.4.
local build = os.getenv "LURON_TEST_BUILD" or "build"
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""
local luron_command = build .. "/bin/luron"

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  return text, code
end

local function script(code)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write(code)
  return path
end

local function run_script(code, arguments)
  local path = script(code)
  local text, status = run(luron_command .. " " .. path .. " " .. (arguments or ""))
  os.remove(path)
  return text, status, path
end

describe("luron", function()
  it("runs scripts with arguments", function()
    local text, code, path = run_script("print(arg[0], arg[1], arg[2], #arg, ...)", "'a b' c")
    assert.are.equal(0, code)
    assert.are.equal(path .. "\ta b\tc\t2\ta b\tc\n", text)
  end)

  it("finds luron's modules from any folder", function()
    local text, code = run("cd / && env -u LUA_PATH -u LUA_CPATH " .. luron_command .. " -e 'print(require(\"luron\").version)'")
    assert.are.equal(0, code)
    assert.is_truthy(text:find "^%d+%.%d+%.%d+\n$", text)
  end)

  it("runs code, then a script", function()
    local path = script "print(y)"
    local text = run(luron_command .. " -e 'x = 1' -e'y = x + 1' " .. path)
    os.remove(path)
    assert.are.equal("2\n", text)
  end)

  it("reads standard input", function()
    assert.are.equal("in\tz\n", run("echo 'print(\"in\", ...)' | " .. luron_command .. " - z"))
    assert.are.equal("in\n", run("echo 'print \"in\"' | " .. luron_command))
  end)

  it("says what it is", function()
    assert.is_truthy(run(luron_command .. " --version"):find "^luron %d")
    assert.is_truthy(run(luron_command .. " --help"):find("usage: luron", 1, true))
  end)

  it("reports errors with a traceback and status 1", function()
    local text, code = run_script "local function f() error 'wrong' end f()"
    assert.are.equal(1, code)
    assert.is_truthy(text:find("wrong", 1, true) and text:find("stack traceback", 1, true))
    for _, bad in ipairs { "--nonsense", "/nonexistent.lua", "-e 'x ='", "-e", "plugin", "plugin index /nonexistent" } do
      text, code = run(luron_command .. " " .. bad)
      assert.are.equal(1, code, bad)
      assert.is_truthy(text:find "^luron: ", bad)
    end
    text, code = run(luron_command .. " -e 'error(setmetatable({}, { __tostring = function() return \"object\" end }))'")
    assert.are.equal(1, code)
    assert.is_truthy(text:find "object")
    assert.are.equal(1, select(2, run(luron_command .. " -e 'error()'")))
    assert.are.equal(7, select(2, run(luron_command .. " -e 'os.exit(7)'")))
  end)

  it("loads no bytecode", function()
    local text, code, name = run_script(string.dump(function() return 1 end))
    assert.are.equal(1, code)
    assert.is_truthy(text:find("luron: " .. name .. ": attempt to load a binary chunk", 1, true))
    local path = script(string.dump(function() return 1 end))
    local check = string.format([[
      local bytes = string.dump(function() return 1 end)
      for _, mode in ipairs { "b", "bt", "t" } do assert(not (pcall(load, bytes, "x", mode)) or not load(bytes, "x", "bt")) end
      assert(not load(bytes)) assert(not load(function() local b = bytes bytes = nil return b end))
      assert(not loadfile %q) assert(not pcall(dofile, %q))
      package.path = %q
      assert(not pcall(require, "anything"))
      assert(load("return ...", "x", "t")(5) == 5 and load("return x", "x", "bt", { x = 6 })() == 6 and load("x", "y", "t") == nil)
      print "refused"
    ]], path, path, path)
    text, code = run_script(check)
    os.remove(path)
    assert.are.equal("refused\n", text)
    assert.are.equal(0, code)
  end)
end)

-- press(): Ctrl-C for the script itself, once it is back from the shell; a signal that is ignored where the tests run is not here.
local pressing = [[
local luron = require "luron"
local nn = luron.nn
local pid
do
  local file <close> = io.open "/proc/self/stat"
  pid = file:read "n"
end
local function press() io.popen("kill -INT " .. pid):close() end
]]

local function run_pressed(code, before)
  local path = script(pressing .. code)
  local text = run("{ " .. (before or "env --default-signal=INT ") .. luron_command .. " " .. path .. "; } 2>&1; echo status $?")
  os.remove(path)
  return (text:gsub(path:gsub("%p", "%%%0"), "SCRIPT"))
end

describe("Ctrl-C", function()
  it("is an error at a line, each time", function()
    local text = run_pressed [[
      for _ = 1, 3 do print(pcall(function()
        press()
        while true do end
      end)) end
      print(debug.gethook())]]
    assert.is_truthy(text:find("^" .. ("false\tSCRIPT:[89]: interrupted!\n"):rep(3) .. "nil"), text)
    assert.is_truthy(text:find "\nstatus 0\n$", text)
  end)

  it("that nobody catches ends the process as the signal does", function()
    local text = run_pressed "io.stdout:write('kept\\n') press() while true do end"
    assert.is_truthy(text:find("kept\n", 1, true), text)
    assert.is_truthy(text:find "luron: SCRIPT:[89]: interrupted!\nstack traceback:", text)
    assert.is_truthy(text:find "status 130\n$", text)
    text = run_pressed [[
      local ok, message = pcall(press)
      while ok do ok, message = pcall(function() while true do end end) end
      error(message, 0)]]
    assert.is_truthy(text:find "status 130\n$", text)
  end)

  it("twice ends a call that takes long", function()
    local text = run_pressed [[io.popen("sleep 1; while kill -INT " .. pid .. "; do sleep 0.05; done 2>&1"):close() print "not here"]]
    assert.are.equal("status 130\n", text)
  end)

  it("ends a read, and with it the process", function()
    local limit = "timeout --preserve-status --foreground -s INT 1 "
    local pipe <close> = assert(io.popen("sleep 5 | { env --default-signal=INT " .. limit .. luron_command .. " -; } 2>&1; echo status $?"))
    assert.is_truthy(pipe:read("a"):find "status 130\n$")
  end)

  it("is ignored where it was before", function()
    assert.are.equal("on\nstatus 0\n", run_pressed("press() press() print 'on'", "trap '' INT; "))
  end)

  it("leaves a model that goes on", function()
    local text = run_pressed [[
      luron.seed(1)
      local x = luron.randn(64, 4)
      local ds = luron.data.tensors(x, x:sum(2):gt(0):long() + 1)
      local model = nn.Sequential { nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2) }
      local opt, presses = luron.optim.Adam(model), 0
      local function loss(scores, y)
        presses = presses + 1
        if presses == 3 then press() end
        return nn.cross_entropy(scores, y)
      end
      print(select(2, pcall(luron.fit, model, ds, { batch = 16, epochs = 2, optim = opt, loss = loss, progress = false })), opt:steps())
      presses = 2
      print(select(2, pcall(luron.evaluate, model, ds, { loss = loss })), model:is_training())
      print(select(2, pcall(luron.fit, model, ds, { epochs = 3, optim = opt, callbacks = { press }, progress = false })), opt:steps())
      local history = luron.fit(model, ds, { batch = 16, epochs = 20, optim = opt, progress = false })
      print(history[20].loss < history[1].loss, opt:steps(), luron.explain(history):match "planned")]]
    assert.is_truthy(text:find("^[^\n]*: interrupted!\t2\n[^\n]*: interrupted!\ttrue\n[^\n]*: interrupted!\t3\ntrue\t83\tplanned\nstatus 0\n$"), text)
  end)

  it("leaves a compiled step that goes on", function()
    local text = run_pressed [[
      local n = 0
      local model = nn.Linear(3, 3)
      local function plain(x) return model(x:tanh()):detach() end
      local step = luron.compile(function(x)
        n = n + 1
        if n < 3 then press() end
        return plain(x)
      end)
      for _ = 1, 2 do print(select(2, pcall(step, luron.ones(2, 3)))) end
      local same = true
      for _ = 1, 6 do
        local x = luron.randn(2, 3)
        same = same and step(x):eq(plain(x)):all():item()
      end
      print(same, luron.explain(step):match ": planned", n)]]
    assert.is_truthy(text:find("^[^\n]*: interrupted!\n[^\n]*: interrupted!\ntrue\t: planned\t4\nstatus 0\n$"), text)
  end)

  it("leaves whole files", function()
    local text = run_pressed [[
      local dir = os.tmpname()
      os.remove(dir)
      assert(os.execute("mkdir " .. dir))
      local model = nn.Sequential { nn.Linear(300, 300), nn.Linear(300, 300) }
      for i = 1, 10 do
        local ok, message = pcall(function()
          io.popen(string.format("sleep 0.%03d; kill -INT %d", 3 * i, pid)) -- in the midst of one
          while true do model:save(dir .. "/model.h5") end
        end)
        assert(not ok and message:find "interrupted!$", message)
        local loaded = assert(luron.load(dir .. "/model.h5"))
        assert(loaded[2].weight:eq(model[2].weight):all():item())
        local list <close> = io.popen("ls -A " .. dir)
        assert(list:read "a" == "model.h5\n")
      end
      os.execute("rm -r " .. dir)
      print "whole"]]
    assert.are.equal("whole\nstatus 0\n", text)
  end)
end)

describe("the models", function()
  local models = (os.getenv "LURON_TEST_SOURCE" or ".") .. "/models/"
  it("refuse wrong options", function()
    for _, wrong in ipairs { "--epochs many", "--epochs 2.5", "--epochs 0", "--epochs", "--seed 0.5", "--threads 0", "--nonsense", "more" } do
      for _, model in ipairs { "neuron", "dice", "fashion_mnist", "mnist" } do
        local text, code = run(luron_command .. " " .. models .. model .. ".lua --smoke " .. wrong)
        assert.are.equal(1, code, model .. " " .. wrong)
        assert.is_truthy(text:find("Error: ", 1, true), text)
        assert.is_falsy(text:find("traceback", 1, true), text)
      end
    end
  end)

  it("say how many threads there may be", function()
    local text, code = run(luron_command .. " " .. models .. "dice.lua --threads 1000")
    assert.is_true(code ~= 0)
    assert.is_truthy(text:find("option '--threads': threads: integer from 1 to 256 expected, got 1000", 1, true), text)
    assert.is_falsy(text:find("traceback", 1, true))
  end)

  it("say which data is missing", function()
    local text, code = run(luron_command .. " " .. models .. "fashion_mnist.lua --data /nonexistent")
    assert.are.equal(3, code)
    assert.is_truthy(text:find("/nonexistent/", 1, true) and text:find("dataset-fashion-mnist", 1, true))
    text, code = run(luron_command .. " " .. models .. "mnist.lua --data /nonexistent")
    assert.are.equal(3, code)
    assert.is_truthy(text:find("/nonexistent/", 1, true) and text:find("train-images-idx3-ubyte", 1, true))
  end)
end)

describe("stock lua5.4", function()
  it("runs a parallel op and exits with status 0", function()
    if sanitized then return end -- the sanitizer is in the command alone
    local text, code = run("lua5.4 -e 'local l = require \"luron\" l.threads(4) print(l.ones(500, 500):matmul(l.ones(500, 500)):sum():item())'")
    assert.are.equal("125000000.0\n", text)
    assert.are.equal(0, code)
  end)

  it("puts nothing into the global table", function()
    local text = run(luron_command .. [[ -e 'local n = {} for k in pairs(_G) do n[k] = true end
      local l = require "luron" local _ = l.data, l.fit, l.evaluate, l.progress
      for k in pairs(_G) do assert(n[k], k) end print "clean"']])
    assert.are.equal("clean\n", text)
  end)

  it("ends in any order", function()
    local text, code = run_script [[
      local function use() return luron.ones(2):sum():item() end
      late = setmetatable({}, { __gc = function() print(pcall(use)) end })
      luron = require "luron"
      early = setmetatable({}, { __gc = function() print(use()) end })
      local function forward(ctx, x) ctx:save(x) return x * 2 end
      op = luron.op { name = "f", forward = forward, backward = function(_, g) return g end }
      u = op(op(luron.ones(3, { requires_grad = true }))):sum()]]
    assert.are.equal(0, code)
    assert.is_truthy(text:find "^2.0\nfalse\t.*luron is closed", text)
  end)

  it("has a context in each Lua state", function()
    local text = run(luron_command .. " -e 'local l = require \"luron.nn\" print(l.Linear(2, 3))'")
    assert.are.equal("Linear(in_features = 2, out_features = 3, bias = true)\n", text)
  end)
end)

describe("the environment", function()
  local function run_with(environment)
    local pipe <close> = assert(io.popen(environment .. " " .. build .. "/bin/luron -e 'print(require(\"luron\").isa())' 2>&1"))
    return pipe:read "a"
  end

  it("is refused where it asks for what there is not", function()
    local has = ({ avx512 = "'avx512', 'avx2' or ", avx2 = "'avx2' or ", neon = "'neon' or " })[run_with("LURON_ISA="):match "%w+"] or ""
    for _, text in ipairs { "sse", "Plain", "plain ", "a longer one" } do
      local said = run_with("LURON_ISA='" .. text .. "'")
      assert.equal("luron: LURON_ISA: an instruction set of this machine expected, " .. has .. "'plain', got '" .. text .. "'\n", said)
    end
    for _, text in ipairs { "x", "0", "2x", "257", "-1" } do
      local said = run_with("LURON_NUM_THREADS=" .. text)
      assert.is_truthy(said:find("LURON_NUM_THREADS: whole number from 1 to 256 expected, got '" .. text .. "'", 1, true), said)
    end
    assert.equal("plain\n", run_with "LURON_ISA=plain LURON_NUM_THREADS=2")
    assert.is_truthy(run_with("LURON_ISA= LURON_NUM_THREADS="):find "^%l+%d*\n$")
  end)

  it("is refused in one sentence, by the tools as by a script", function()
    for _, words in ipairs { "-e 'require \"luron\"'", "bench x.lua", "plugin list", "plugin index /nowhere" } do
      local pipe <close> = assert(io.popen(string.format("LURON_NUM_THREADS=x %s/bin/luron %s 2>&1; echo $?", build, words)))
      assert.equal("luron: LURON_NUM_THREADS: whole number from 1 to 256 expected, got 'x'\n1\n", pipe:read "a")
    end
  end)
end)
