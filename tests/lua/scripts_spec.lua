-- The scripts that build and measure, on folders as their users have them.
local build = os.getenv "LURON_TEST_BUILD" or "build"
local source = os.getenv "LURON_TEST_SOURCE" or "."
local is_sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""

local function run(format, ...)
  local pipe <close> = assert(io.popen(string.format(format, ...) .. " 2>&1"))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  return text, code
end

local function exists(path)
  local file <close> = io.open(path, "rb")
  return file ~= nil
end

describe(".ci/build.sh", function()
  local folder = build .. "/scripts"
  after_each(function() os.execute("rm -rf '" .. folder .. "'") end)

  -- The target `help` lists the others, with either generator.
  it("takes a folder with the generator that its user chose", function()
    for _, generator in ipairs { "Ninja", "Unix Makefiles" } do
      assert.are.equal(0, select(2, run("cmake -S '%s' -B '%s' -G '%s'", source, folder, generator)))
      local text, code = run("sh '%s/.ci/build.sh' '%s' --target help -DLURON_BUILD_TESTS=OFF", source, folder)
      assert.are.equal("", text)
      assert.are.equal(0, code)
      assert.is_true(exists(folder .. "/build.log"))
      assert.is_false(exists(folder .. ".log"))
      os.execute("rm -rf '" .. folder .. "'")
    end
  end)

  it("leaves a folder that cmake takes without a generator, and says what goes wrong", function()
    assert.are.equal(0, select(2, run("sh '%s/.ci/build.sh' '%s' --target help", source, folder)))
    assert.are.equal(0, select(2, run("cmake -S '%s' -B '%s'", source, folder)))
    local text, code = run("sh '%s/.ci/build.sh' '%s' --target nothing", source, folder)
    assert.is_truthy(text:find("nothing", 1, true))
    assert.are.equal(1, code)
  end)
end)

describe("tests/bench/run.sh", function()
  local function bench(environment, words)
    return run("LURON_BENCH_BUILD='%s' %s sh '%s/tests/bench/run.sh' %s", build, environment, source, words)
  end

  it("names a workload that there is not, and those that there are", function()
    if is_sanitized then return end
    local text, code = bench("", "--smoke --only dyce")
    assert.is_truthy(text:find("--only: no workload 'dyce'; there are checkpoint, cold_start, dice, gemm,", 1, true), text)
    assert.are.equal(2, code)
  end)

  it("names a Python that has no PyTorch", function()
    local text, code = bench("LURON_BENCH_PYTHON=/nope", "--quick")
    assert.are.equal("bench: LURON_BENCH_PYTHON=/nope is no python3 that imports torch and numpy\n", text)
    assert.are.equal(2, code)
  end)
end)
