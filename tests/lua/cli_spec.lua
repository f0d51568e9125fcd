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
