-- luron.reload: a plugin is compiled again while its layers are in use (tests/abi/test_reload*.c has the cases one by one).
local luron = require "luron"
local nn = luron.nn

local source = os.getenv "LURON_TEST_SOURCE" or "."
local folder

local function run(command) assert(os.execute(command), command) end

local variants = {} -- by flags: each is compiled once

local function build(flags)
  local new = folder .. "/plugin.so.new"
  if not variants[flags] then
    variants[flags] = folder .. "/" .. flags:gsub("[^%w]", "_") .. "_.so"
    run(string.format("${CC:-cc} -std=gnu11 -O1 -shared -fPIC -I'%s/core/include' %s -o %s '%s/tests/abi/reload_plugin.c'",
      source, flags, variants[flags], source))
  end
  run("cp " .. variants[flags] .. " " .. new)
  assert(os.rename(new, folder .. "/plugin.so"))
end

local function reload(flags)
  build(flags)
  assert.is_true(assert(luron.reload "reloaded"))
end

local function message(fn, ...)
  local ok, text = pcall(fn, ...)
  assert.is_false(ok)
  return text
end

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  run("mkdir " .. folder)
  build ""
  assert(luron.load_plugin(folder .. "/plugin.so"))
end)
teardown(function() run("rm -r " .. folder) end)

describe("luron.reload", function()
  it("gives the new code to all that was got by name before", function()
    reload "" -- whatever the order of the tests
    local x = luron.tensor { { 1.0, 2.0, 3.0 } }
    local gain, twist, make = nn.Gain(3, { gain = 4 }), nn.Twist(3), nn.Twist
    local y, fn = gain(x):totable(), nn.twist
    assert.are.same({ { 2.0, 4.0, 6.0 } }, x:twist():totable())
    assert.are.same({ { 2.0, 4.0, 6.0 } }, fn(x):totable())
    assert.is_nil(luron.help("Gain"):find("added", 1, true))
    reload "-DFACTOR=4 -DREORDER -DADDED -DNEW_TYPE"
    for i = 1, 3 do assert.are.equal(y[1][i] * 8, gain(x):totable()[1][i]) end
    assert.are.same({ { 12.0, 24.0, 36.0 } }, twist(x):totable())
    assert.are.same({ { 12.0, 24.0, 36.0 } }, make(3)(x):totable())
    assert.are.same({ { 4.0, 8.0, 12.0 } }, x:twist():totable())
    assert.are.same({ { 4.0, 8.0, 12.0 } }, fn(x):totable())
    assert.are.same({ { 4.0, 8.0, 12.0 } }, x:fresh():totable())
    assert.are.equal("Fresh(by = 1.0)", tostring(nn.Fresh()))
    assert.is_truthy(luron.help("Gain"):find("added +integer, default 4; from 0 to 10: new"))
    assert.are.equal("added", luron.type_info("layer", "Gain").options[1])
    assert.are.equal(4, gain.added)
    assert.are.equal(4.0, gain:options().gain)
    assert.are.equal(7, nn.Gain { features = 3, added = 7 }.added)
  end)

  it("keeps weights, gradients and the optimiser while a model learns", function()
    reload "-DREORDER -DADDED"
    luron.seed(1)
    local model = nn.Sequential { nn.Linear(2, 3), nn.Gain { features = 3, gain = 0.01 }, nn.Twist() }
    local opt = luron.optim.Heavy(model, { lr = 1e-3 })
    local x, target = luron.randn(8, 2), luron.randn(8, 3)
    local function step()
      opt:zero_grad()
      local loss = nn.mse_loss(model(x), target)
      loss:backward()
      opt:step()
      return loss:item()
    end
    local first = step()
    for i = 1, 40 do
      if i % 10 == 0 then
        local weight, grad = model[2].weight:totable(), model[2].weight:grad():totable()
        local on_tape = model(x):sum()
        reload(i % 20 == 0 and "-DREORDER -DADDED" or "-DADDED")
        assert.are.same(weight, model[2].weight:totable())
        assert.are.same(grad, model[2].weight:grad():totable())
        on_tape:backward()
      end
      step()
    end
    assert.are.equal(41, opt:steps())
    assert.is_true(step() < first)
    assert.is_truthy(tostring(opt):find("added = 5.0", 1, true))
  end)

  it("says why a file is refused, and leaves everything as it is", function()
    reload "-DADDED -DNEW_TYPE"
    local x = luron.tensor { { 1.0, 2.0, 3.0 } }
    local gain, fresh = nn.Gain { features = 3, gain = 50 }, nn.Fresh(2)
    local before = gain(x):totable()
    for flags, reason in pairs {
      ["-DADDED -DNEW_TYPE -DGAIN_MAX=9 -DFACTOR=4"] = "layer Gain.* option gain: number from 0 to 9 expected, got 50$",
      ["-DADDED -DFACTOR=4"] = "layer type 'Fresh' is gone, and 1 of it is in use$",
      ["-DADDED -DNEW_TYPE -DMINOR=9"] = "needs plugin ABI 1.9 or newer",
    } do
      build(flags)
      local ok, text, code = luron.reload "reloaded"
      assert.is_nil(ok)
      assert.are.equal("PLUGIN", code)
      assert.is_truthy(text:find(reason), text)
      assert.is_truthy(text:find("^plugin .*/plugin.so refused, the one that is loaded stays: "))
      assert.are.same(before, gain(x):totable())
      assert.are.same({ { 4.0, 8.0, 12.0 } }, fresh(x):totable())
    end
    -- What nobody has any more is no reason, nor what a function keeps.
    assert.are.same({ { 2.0, 4.0, 6.0 } }, x:fresh():totable())
    gain, fresh = nil, nil -- luacheck: ignore
    reload "-DADDED -DGAIN_MAX=9"
    assert.is_truthy(message(nn.Fresh, 2):find("no layer type 'Fresh'", 1, true))
    assert.is_truthy(message(x.fresh, x):find("no layer function 'fresh'", 1, true))
    assert.is_truthy(message(nn.Gain, { features = 3, gain = 50 }):find("gain: number from 0.0 to 9.0 expected, got 50", 1, true))
    reload "-DADDED -DNEW_TYPE -DFACTOR=8"
    assert.are.same({ { 8.0, 16.0, 24.0 } }, x:fresh():totable())
  end)

  it("raises for a name that no loaded plugin has", function()
    assert.is_truthy(message(luron.reload, "relaoded"):find("no plugin 'relaoded' is loaded, did you mean 'reloaded'?; loaded: ", 1, true))
    assert.is_truthy(message(luron.reload, "Gain"):find("that is a layer type of plugin 'reloaded'", 1, true))
    assert.is_truthy(message(luron.reload, 3):find("bad argument #1 to 'reload' (name: string expected, got 3)", 1, true))
    assert.is_truthy(message(luron.reload):find("bad argument #1 to 'reload' (name: string expected, got no value)", 1, true))
  end)
end)
