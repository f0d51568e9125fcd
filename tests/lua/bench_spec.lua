-- luron bench: a script's time and memory, and the profile by layer.
local build = os.getenv "LURON_TEST_BUILD" or "build"
local command = build .. "/bin/luron bench "

local function run(words)
  local pipe = assert(io.popen(command .. words .. " 2>&1"))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  return text, code
end

--- Run with `%s` in words replaced by the path of a script with this code.
local function bench(words, code)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write(code)
  file:close()
  local text, status = run(words:format(path))
  os.remove(path)
  return text, status, path
end

local training = [[
  local luron = require "luron"
  local nn = luron.nn
  local net = nn.Sequential { nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10) }
  local lstm, loss = nn.LSTM(5, 6), nn.CrossEntropyLoss()
  local opt = luron.optim.Adam(net:parameters(), { lr = 1e-3 })
  local step = luron.compile(function(x, y)
    opt:zero_grad()
    local l = loss(net(x), y)
    l:backward()
    opt:step()
    return l
  end)
  for _ = 1, 4 do step(luron.ones(8, 1, 8, 8), luron.ones(8, { dtype = "int64" })) end
  lstm(luron.ones(2, 3, 5))
  print("given", ...)
]]

--- Rows of the table by name: type, then the numbers as they stand ("-" stays).
local function rows_of(text)
  local rows = {}
  for line in text:gmatch "[^\n]+" do
    local name, rest = line:match "^(%S+[^\n]-)%s%s+(%S.*)$"
    if name then
      local row = {}
      for word in rest:gmatch "%S+" do row[#row + 1] = tonumber(word) or word end
      rows[name] = row
    end
  end
  return rows
end

describe("layers of a class", function()
  local code = [[
    local luron = require "luron"
    local nn = luron.nn
    local Block = nn.class "Block"
    function Block:init() self.linear, self.rest = nn.Linear(4, 4), nn.Sequential { nn.ReLU(), nn.Linear(4, 4) } end
    function Block:forward(x) return self.rest(self.linear(x)) end
    local Net = nn.class "Net"
    function Net:init()
      self.embed, self.a, self.blocks, self.mine = nn.Embedding(10, 4), nn.Linear(4, 4), { Block(), Block() }, nn.Linear(4, 4)
      self.mine:name "special"
      self.twice = self.a
    end
    function Net:forward(x)
      x = self.a(self.embed(x))
      for _, block in ipairs(self.blocks) do x = block(x) end
      return self.mine(x)
    end
    local net = Net()
    net(luron.ones(3, { dtype = "int64" })):sum():backward()
    print(select(2, pcall(net.blocks[2].rest, luron.ones(3, 5))))
    print(select(2, pcall(Block().linear, luron.ones(3, 5))))
    print(net:clone().blocks[1].linear:name())
  ]]

  it("have their paths in profiles and messages", function()
    local text, status = bench("--profile %s", code)
    assert.are.equal(0, status, text)
    local rows = rows_of(text)
    for _, name in ipairs { "embed", "a", "blocks.1.linear", "blocks.1.rest.relu1", "blocks.2.rest.linear1", "special" } do
      assert.is_truthy(rows[name], name .. " is missing in\n" .. text)
    end
    assert.is_truthy(text:find("layer 'blocks.2.rest.linear1' = Linear {", 1, true), text)
    assert.is_truthy(text:find("layer 'linear' = Linear {", 1, true), text)
    assert.is_truthy(text:find("\nblocks.1.linear\n", 1, true), text)
  end)
end)

describe("luron bench --profile", function()
  local text, code = bench("%s --profile a 'b c'", training)
  local rows = rows_of(text)

  it("runs the script with its arguments and prints a row for each layer", function()
    assert.are.equal(0, code, text)
    assert.matches("given\ta\tb c\n", text)
    for name, kind in pairs { conv2d1 = "Conv2d", relu1 = "ReLU", linear1 = "Linear", ["CrossEntropyLoss 1"] = "CrossEntropyLoss", ["LSTM 1"] = "LSTM" } do
      assert.is_truthy(rows[name], name .. " is missing in\n" .. text)
      assert.are.equal(kind, rows[name][1])
    end
  end)

  it("counts calls, products and bytes exactly, and times are positive", function()
    local conv, linear = rows.conv2d1, rows.linear1
    assert.are.same({ 4, 4, 1 }, { conv[2], linear[2], rows["LSTM 1"][2] })
    local function assert_printed(value, printed) assert.are.equal(tonumber(string.format("%.4g", value)), printed) end
    -- 8 pictures, 4 channels of 6 x 6, kernel 3 x 3; forward and the gradient of the weight
    assert_printed(4 * 2 * 2 * 8 * 4 * 36 * 9 * 1e-9, conv[6])
    assert_printed(4 * 3 * 2 * 8 * 10 * 144 * 1e-9, linear[6]) -- and of the input
    assert.is_true(rows["LSTM 1"][6] >= 2 * 2 * 24 * (3 * 5 + 2 * 6) * 1e-9 * 0.99) -- 4 x 6 gates: of 5 in 3 steps, of 6 in 2, for the first state is 0
    for _, name in ipairs { "conv2d1", "relu1", "linear1", "CrossEntropyLoss 1" } do
      for i = 3, 4 do assert.is_true(rows[name][i] >= 0, name) end
      assert.is_true(rows[name][6] > 0 and rows[name][8] >= 0, name)
    end
    assert.is_true(conv[3] > 0 and conv[4] > 0)
  end)

  it("has the optimiser, the rest of the backward, and shares that add up", function()
    assert.are.same({ "Adam", 4 }, { rows["(optimiser)"][1], rows["(optimiser)"][2] })
    assert.are.same({ "ops", 4 }, { rows["(rest of backward)"][1], rows["(rest of backward)"][2] })
    local sum = 0
    for name, row in pairs(rows) do
      local share = name == "(everything else)" and row[4] or #row == 9 and row[5]
      if type(share) == "number" then sum = sum + share end
    end
    assert.is_near(100, sum, 2) -- each share is rounded
    assert.matches("peak: [%d.]+ GFLOP/s", text)
  end)

  it("prints what there is where the script ends itself, with its status", function()
    local ended, status = bench("--profile %s", "require('luron').nn.ReLU()(require('luron').ones(3)) os.exit(3)")
    assert.are.equal(3, status)
    assert.is_truthy(rows_of(ended)["ReLU 1"], ended)
  end)
end)

describe("luron bench", function()
  it("times several runs, and shows what the script prints once", function()
    local text, code = bench("--runs 3 %s x", "assert(arg[1] == 'x' and ... == 'x') print('once') assert(require('luron'))")
    assert.are.equal(0, code, text)
    local _, n = text:gsub("once", "")
    assert.are.equal(1, n)
    local rows = rows_of(text)
    for name, unit in pairs { time = "ms", ["processor time"] = "ms", ["peak of memory"] = "MiB" } do
      local row = assert(rows[name], text)
      assert.is_true(row[1] > 0 and row[2] > 0 and row[2] <= row[1])
      assert.are.equal(unit, row[3])
    end
  end)

  it("gives words behind -- to the script", function()
    local text, code = bench("--runs 1 %s -- --profile", "print(...)")
    assert.are.equal(0, code)
    assert.matches("^%-%-profile\n", text)
    assert.is_nil(text:find "an argument of")
  end)

  it("gives what follows a word of the script to the script", function()
    local text, code, path = bench("--runs 1 %s words --profile", "print(...)")
    assert.are.equal(0, code)
    assert.matches("^words\t%-%-profile\n", text)
    assert.is_truthy(text:find("\nluron: --profile behind 'words' is an argument of " .. path .. ", not of bench\n", 1, true), text)
  end)

  it("says what is wrong, with status 1", function()
    local wrong = { ["/no/such.lua"] = "/no/such.lua: No such file", [""] = "a script is needed", ["--runs 0 x"] = "got 0", ["--runs"] = "got nothing",
      ["--fast x"] = "no option '--fast'", ["--profile --runs 2 x"] = "--profile is one run" }
    for words, message in pairs(wrong) do
      local text, code = run(words)
      assert.are.equal(1, code, words)
      assert.is_truthy(text:find(message, 1, true), text)
    end
    for _, words in ipairs { "%s", "--profile %s" } do
      local text, code = bench(words, "error 'wrong here'")
      assert.are.equal(1, code)
      assert.is_truthy(text:find("wrong here", 1, true) and text:find("stack traceback", 1, true), text)
      text, code = bench(words, "x =")
      assert.are.equal(1, code)
      assert.is_truthy(text:find("unexpected symbol", 1, true), text)
    end
    local text, code = bench("%s", "os.exit(3)")
    assert.are.equal(1, code)
    assert.is_truthy(text:find(" failed, by status 3\n", 1, true), text)
    text, code = bench("--profile %s", "\27Lua")
    assert.are.equal(1, code)
    assert.is_truthy(text:find("attempt to load a binary chunk", 1, true), text)
  end)

  it("tells about itself", function()
    local text, code = run "--help"
    assert.are.equal(0, code)
    assert.matches("^Usage: luron bench", text)
  end)
end)
