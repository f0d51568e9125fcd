-- luron.help: what there is, by name.
local luron = require "luron"

local source = os.getenv "LURON_TEST_SOURCE" or "."

local function has(text, part) assert.is_truthy(text:find(part, 1, true), part .. " is not in:\n" .. text) end
local function fails(text, ...)
  local ok, message = pcall(luron.help, ...)
  assert.is_false(ok, "no error: " .. text)
  has(message, text)
  return message
end

local function each_entry(visit)
  local function walk(section)
    for _, item in ipairs(section) do
      if item.title then walk(item) else visit(item) end
    end
  end
  for _, part in ipairs(dofile(source .. "/docs/reference/parts.lua")) do walk(dofile(source .. "/docs/reference/" .. part .. ".lua")) end
end

describe("luron.help", function()
  it("has every type and every entry of the reference, alone and as it is written", function()
    local n = 0
    for _, kind in ipairs { "layer", "optim", "format" } do
      for _, name in ipairs(luron.types(kind)) do
        has(luron.help(name), name .. "(")
        n = n + 1
      end
    end
    each_entry(function(entry)
      local name = entry[1]:match "^[%a_]+[.:]([%w_]+)"
      has(luron.help(name), entry[1])
      has(luron.help(entry[1]:match "^[%w_.:]+"), entry[1])
      n = n + 1
    end)
    assert.is_true(n > 500, tostring(n))
  end)

  it("shows signature, text, examples and place", function()
    local text = luron.help "LBFGS"
    has(text, "luron.optim.LBFGS(parameters: any, options?: LBFGSOptions): Optimizer\n  L-BFGS, for whole batches")
    has(text, "\n  from docs/lua-api.md: Training, Optimisers")
    assert.are.equal(text, luron.help "luron.optim.LBFGS")
    assert.are.equal(text, luron.help "optim.LBFGS")
    has(luron.help "l1", "luron.regularizer.l1(factor?: number): function\n  factor (0.01) times the sum of |w|.\n")
    has(luron.help "l1", "\n  luron.regularizer.l1(0.5)(luron.tensor { 1, -3 }):item() is 2.0\n")
    has(luron.help "kaiming_normal", "nn.init.kaiming_normal_(t: Tensor")
    has(luron.help "max_norm", "luron.constraint.max_norm(")
    has(luron.help "StepLR", "luron.schedule.StepLR(")
    has(luron.help "luron.matmul", "x:matmul(")
    has(luron.help "penalty", " raises no parameter matches")
    for line in luron.help("fit"):gmatch "[^\n]+" do assert.is_true(#line < 160, line) end
  end)

  it("keeps apart what has one name, where it is told which", function()
    has(luron.help "relu", "ReLU()")
    has(luron.help "x:relu", "ReLU()")
    local both = luron.help "csv"
    has(both, "luron.data.csv(")
    has(both, "from plugin csv")
    assert.is_nil(luron.help("data.csv"):find("from plugin", 1, true))
    assert.is_nil(luron.help("opt:step"):find("lr:step", 1, true))
    has(luron.help "step", "lr:step(")
    assert.is_nil(luron.help("nn.Linear"):find("docs/lua-api.md", 1, true))
  end)

  it("lists all without a name, and the names in a table", function()
    local text = luron.help()
    for _, name in ipairs { "Linear", "AdamW", "Adafactor", "csv", "LBFGS", "OneCycleLR", "xavier_uniform_", "orthogonal", "unit_norm", "einsum" } do has(text, name) end
    has(text, "schedules (luron.schedule.NAME): ")
    has(text, "lazy layers (nn.NAME), whose first input says the first option: LazyBatchNorm1d, ")
    has(text, "LazyConv2d, ")
    has(luron.help "luron", "AdamW") -- the module, and the format of files
    has(luron.help "luron", "a checkpoint of luron")
    has(luron.help "regularizer", "regularisers (luron.regularizer.NAME): l1, l2, l1_l2, orthogonal")
    has(luron.help "luron.schedule", "StepLR")
  end)

  it("knows other libraries' names", function()
    fails("help: nothing is called 'Dense', Keras's name for nn.Linear: units is out_features", "Dense")
    fails("help: nothing is called 'manual_seed'; here it is luron.seed", "manual_seed")
    fails("help: nothing is called 'conv2d'; here it is the layer nn.Conv2d", "conv2d")
  end)

  it("has options too", function()
    has(luron.help "early_stop", "fit.early_stop: table\n  `{ patience = 5,")
    assert.are.equal(luron.help "early_stop", luron.help "fit.early_stop")
    has(luron.help "restore_best", "fit.early_stop: table")
    has(luron.help "grad_outputs", "luron.grad(")
    has(luron.help "max_norm", "\n\nmax_norm, an option of\n  nn.Embedding: rows of a larger norm")
    has(luron.help "num_mel_bins", "num_mel_bins, an option of\n  nn.MelSpectrogram: bands of the result")
    assert.is_truthy(luron.help("bias"):find "\n  and of %d+ others$")
    fails("did you mean 'early_stop'?", "earlystop")
  end)

  it("gives the nearest names", function()
    has(fails("nothing is called 'LBFSG'", "LBFSG"), "did you mean 'LBFGS'?")
    fails("did you mean 'AdamW'", "adamw")
    fails("did you mean 'Linear'", "Liner")
    fails("'StepLR'", "SetpLR")
    fails("'max_norm'", "maxnorm")
    fails("did you mean 'CosineAnnealingLR'", "CosineAnealingLR")
    has(fails("did you mean", "Annealing"), "'CosineAnnealingLR'")
    assert.is_nil(fails("nothing is called 'qqqqqqqqqqqq'", "qqqqqqqqqqqq"):find("did you mean", 1, true))
    fails("nothing is called 'x:LBFGS'; did you mean 'LBFGS'?", "x:LBFGS")
    fails("nothing is called ''", "")
    fails("bad argument #1 to 'help' (name: string expected, got 5)", 5)
  end)
end)
