-- Classes in Lua: apply, deep copies with what is shared and tied, and files that name the module of a class.
local luron = require "luron"
local nn = luron.nn

local function temporary()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local Block = nn.class "ClassesBlock"
function Block:init(n)
  self.a = nn.Linear(n, n)
  self.b = nn.Linear(n, n)
  self.b.weight = self.a.weight -- tied
  self.again = self.a -- the same layer
  self.scale = luron.ones(n, { requires_grad = true })
  self:buffer("count", luron.zeros(1))
  self.notes = { "text", { 1, 2 }, print }
end
function Block:forward(x) return self.b(self.again(x):tanh()) * self.scale end

local Net = nn.class "ClassesNet"
function Net:init()
  self.blocks = { Block(3), Block(3) }
  self.tail = nn.Sequential { { "norm", nn.Dropout(0.5) }, { "out", nn.Linear(3, 2) } }
  self.head = self.tail[2] -- a layer of the model
  self.shared = self.blocks[1]
  self.tied = self.blocks[2].scale
end
function Net:forward(x)
  for _, block in ipairs(self.blocks) do x = block(x) end
  return self.tail(x)
end

local function bytes(module)
  local parts = {}
  for name, tensor in module:named_parameters() do parts[#parts + 1] = name .. tensor:detach():tobytes() end
  for name, tensor in module:named_states() do parts[#parts + 1] = name .. tensor:tobytes() end
  return table.concat(parts)
end

describe("module:clone", function()
  it("has the same numbers in memory of its own", function()
    local net = Net():eval()
    local copy = net:clone()
    assert.equal(getmetatable(net), getmetatable(copy))
    assert.equal(bytes(net), bytes(copy))
    local x = luron.randn(4, 3)
    assert.are.same(net(x):totable(), copy(x):totable())
    local before = bytes(net)
    local opt = luron.optim.SGD(copy, { lr = 0.1 })
    copy(x):sum():backward()
    opt:step()
    assert.equal(before, bytes(net))
    assert.not_equal(before, bytes(copy))
    for _, p in ipairs(net:parameters()) do assert.is_nil(p:grad()) end
  end)

  it("keeps what is shared and tied, and the modes", function()
    local net = Net()
    net.blocks[1].a:eval()
    local copy = net:clone()
    assert.equal(#net:parameters(), #copy:parameters())
    assert.equal(copy.blocks[1], copy.shared)
    assert.is_true(copy.blocks[1].a.weight:is_same(copy.blocks[1].b.weight))
    assert.equal(copy.blocks[1].a, copy.blocks[1].again)
    assert.is_true(copy.head.weight:is_same(copy.tail[2].weight))
    assert.is_true(copy.tied:is_same(copy.blocks[2].scale))
    assert.is_false(copy.blocks[1].a.weight:is_same(net.blocks[1].a.weight))
    assert.is_false(copy.blocks[1].a:is_training())
    assert.equal(net.blocks[1].notes[3], copy.blocks[1].notes[3])
    assert.not_equal(net.blocks[1].notes[2], copy.blocks[1].notes[2])
    assert.are.same(net.blocks[1].notes[2], copy.blocks[1].notes[2])
    copy.blocks[1].count:fill_(7)
    assert.equal(0, net.blocks[1].count:item())
  end)

  it("keeps frozen tensors as parameters, and hooks with the original", function()
    local net = Net()
    net:freeze "blocks.1"
    local calls = 0
    net:register_forward_hook(function() calls = calls + 1 end)
    local copy = net:clone()
    assert.equal(#net:parameters(), #copy:parameters())
    assert.is_false(copy.blocks[1].scale:requires_grad())
    copy(luron.ones(1, 3))
    assert.equal(0, calls)
    net(luron.ones(1, 3))
    assert.equal(1, calls)
    assert.has_error(function() Net.clone(3) end)
  end)

  it("goes round in circles that instances make", function()
    local net = Net()
    net.self = net
    local copy = net:clone()
    assert.equal(copy, copy.self)
  end)
end)

describe("module:apply", function()
  it("visits every part once, what is inside first", function()
    local net, paths = Net(), {}
    assert.equal(net, net:apply(function(_, path) paths[#paths + 1] = path end))
    local place = {}
    for i, path in ipairs(paths) do
      assert.is_nil(place[path], path)
      place[path] = i
    end
    assert.is_true(place["blocks.1.a"] < place["blocks.1"] and place["tail.out"] < place.tail and place[""] == #paths)
    net:apply(function(part) if luron.is_layer(part) and part:type() == "Linear" then nn.init.ones_(part.weight) end end)
    assert.are.same({ { 1, 1, 1 }, { 1, 1, 1 } }, net.head.weight:totable())
    assert.has_error(function() net:apply(3) end)
  end)
end)

describe("a file of an instance", function()
  local folder = temporary()
  local path = folder .. "/net.h5"
  os.execute("mkdir -p " .. folder)
  local function write(name, text)
    local file <close> = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
  end
  local source = [[
    local nn = require("luron").nn
    local Small = nn.class "ClassesSmall"
    function Small:init(n) self.layer = nn.Linear(n, 1) end
    function Small:forward(x) return self.layer(x) end
    return Small]]
  write("classes_one.lua", source)
  write("classes_two.lua", source)
  -- Run Lua code in a process of its own, with the folder on its path.
  local function other(code)
    local i = 0
    while arg[i - 1] do i = i - 1 end
    write("run.lua", code)
    local command = string.format("LUA_PATH='%s/?.lua;'\"$LUA_PATH\" %s %s/run.lua 2>&1", folder, arg[i], folder)
    local pipe <close> = assert(io.popen(command))
    return pipe:read "a"
  end

  it("names the module of the class, and loading runs nothing", function()
    assert.equal("", other('local net = require "classes_one"(3) net:save "' .. path .. '"'))
    local text = other('print(select(2, require("luron").load "' .. path .. '"))')
    assert.is_truthy(text:find("holds a 'ClassesSmall', a class of the Lua module 'classes_one': require 'classes_one' first", 1, true), text)
    assert.equal("ClassesSmall\n", other('require "classes_one" print(getmetatable(assert(require("luron").load "' .. path .. '")).__name)'))
  end)

  it("tells two classes of one name apart", function()
    local compare = ' print(getmetatable(assert(require("luron").load "' .. path .. '")) == one)'
    assert.equal("true\n", other('local one = require "classes_one" require "classes_two"' .. compare))
    assert.equal("true\n", other('require "classes_two" local one = require "classes_one"' .. compare))
    local text = other('require "classes_two" print(select(2, require("luron").load "' .. path .. '"))')
    local part = "the 'ClassesSmall' here is that of 'classes_two': require 'classes_one' first, or make an instance and call restore(path)"
    assert.is_truthy(text:find(part, 1, true), text)
  end)

  it("finds a class of the main script by its name alone", function()
    local script = source:gsub("return Small", "")
    assert.equal("", other(script .. ' Small(2):save "' .. path .. '"'))
    assert.equal("ClassesSmall\n", other(script .. ' print(getmetatable(assert(require("luron").load "' .. path .. '")).__name)'))
    assert.equal("ClassesSmall\n", other('require "classes_two" print(getmetatable(assert(require("luron").load "' .. path .. '")).__name)'))
    os.execute("rm -rf " .. folder)
  end)

  it("is cast in place, as layers are", function()
    local Own = luron.nn.class "Own"
    function Own:init()
      self.w = luron.ones(2, { requires_grad = true })
      self.frozen = luron.ones(2, { requires_grad = true })
      self:buffer("mean", luron.tensor { 1.0, 2.0 })
      self:buffer("last", self.w * 2)
    end
    local net = Own()
    local opt, w, mean, id = luron.optim.SGD(net, { lr = 0.5 }), net.w, net.mean, net.w:id()
    net.frozen:requires_grad_(false);
    (w * 3):sum():backward()
    assert.is_true(net:to "float64" == net)
    assert.are.equal("float64 float64 float64 float64", table.concat({ w:dtype(), net.frozen:dtype(), mean:dtype(), net.last:dtype() }, " "))
    assert.is_true(net.w:is_same(w) and net.mean:is_same(mean) and net.w:id() == id)
    assert.is_true(w:grad() == nil and w:requires_grad() and not net.frozen:requires_grad())
    assert.are.equal(2, #net:parameters());
    (net.w * 3):sum():backward()
    -- As of a layer: the state is of the old dtype, and the step says so.
    assert.error_matches(function() opt:step() end, "SGD: parameter 'w' has another shape or dtype than when it was added")
    luron.optim.SGD(net, { lr = 0.5 }):step()
    assert.are.same({ -0.5, -0.5 }, net.w:totable())
    assert.are.same({ 2, 2 }, net.last:totable())
    assert.has_error(function() net:to "int64" end)
  end)

  it("stays as it is tied, and in order, when it is cast", function()
    local Tied = luron.nn.class "Tied"
    function Tied:init()
      self.a = luron.randn(2, 2):requires_grad_()
      self.b = self.a
      for i = 1, 9 do self:buffer("count" .. i, luron.tensor { i }) end
      self:buffer("mean", luron.zeros(2))
    end
    local net, names = Tied():to "float64", {}
    assert.is_true(net.a:is_same(net.b))
    assert.are.equal("float64 float64 int64", table.concat({ net.a:dtype(), net.mean:dtype(), net.count1:dtype() }, " "))
    assert.are.equal(1, #net:parameters())
    for name in net:named_states() do names[#names + 1] = name end
    assert.are.equal("count1 count2 count3 count4 count5 count6 count7 count8 count9 mean", table.concat(names, " "))
  end)
end)
