-- The same seed gives the same bits: at any number of threads, after saving and loading, and in another process.
local luron = require "luron"
local nn, data = luron.nn, luron.data

-- Big enough that work is shared out: a layer that the kernels cut into tiles, dropout, shuffling, an optimiser with state.
local function train(threads, steps)
  luron.threads(threads)
  luron.seed(7)
  local x, y = luron.randn(1024, 300), luron.randint(1, 10, 1024)
  local model = nn.Sequential { nn.Linear(300, 257), nn.GELU(), nn.Dropout(0.3), nn.Linear(257, 10) }
  local opt = luron.optim.AdamW(model, { lr = 1e-3 })
  local loader = data.tensors(x, y):loader { batch = 128, shuffle = true }
  local losses = {}
  while #losses < steps do
    for bx, by in loader do
      local loss = nn.cross_entropy(model(bx), by)
      opt:zero_grad()
      loss:backward()
      opt:step()
      losses[#losses + 1] = loss:tobytes()
      if #losses == steps then break end
    end
  end
  local bits = { table.concat(losses) }
  for name, p in model:named_parameters() do bits[#bits + 1] = name .. p:tobytes() end
  return table.concat(bits), model, opt
end

describe("determinism", function()
  local threads = luron.threads()
  after_each(function() luron.threads(threads) end)

  it("gives the same bits with 1, 2, 3 and 8 threads for 100 training steps", function()
    local one = train(1, 100)
    for _, n in ipairs { 2, 3, 8 } do assert.is_true(train(n, 100) == one, n .. " threads differ from one") end
  end)

  it("gives other bits with another seed", function()
    luron.seed(7)
    local a = luron.randn(100):tobytes()
    luron.seed(8)
    assert.is_true(luron.randn(100):tobytes() ~= a)
  end)

  it("predicts the same bits after saving and loading", function()
    local _, model = train(2, 3)
    local path = os.tmpname()
    model:eval()
    local x = luron.randn(50, 300)
    local before = model(x):tobytes()
    model:save(path)
    local loaded = assert(luron.load(path))
    os.remove(path)
    loaded:eval()
    assert.is_true(loaded(x):tobytes() == before)
  end)

  it("goes on with the same bits from a checkpoint in the middle of an epoch", function()
    local path = os.tmpname()
    local function run(stop, resume)
      luron.seed(3)
      local x, y = luron.randn(200, 12), luron.randint(1, 3, 200)
      local model = nn.Sequential { nn.Linear(12, 20), nn.ReLU(), nn.Dropout(0.5), nn.Linear(20, 3) }
      local opt = luron.optim.Adam(model, { lr = 0.01 })
      local loader = data.tensors(x, y):loader { batch = 16, shuffle = true }
      local step = 0
      if resume then
        local checkpoint = assert(model:restore(path))
        assert(checkpoint:restore_optim(opt))
        assert(checkpoint:restore_random())
        loader:restore(checkpoint.training.loader)
        step = checkpoint.step
      end
      for _ = 1, 3 do
        for bx, by in loader do
          local loss = nn.cross_entropy(model(bx), by)
          opt:zero_grad()
          loss:backward()
          opt:step()
          step = step + 1
          if step == stop then
            model:save(path, { optim = opt, step = step, loader = loader })
            return nil
          end
          if step == 30 then
            local bits = {}
            for name, p in model:named_parameters() do bits[#bits + 1] = name .. p:tobytes() end
            return table.concat(bits)
          end
        end
      end
    end
    local whole = run()
    run(20)
    local resumed = run(nil, true)
    os.remove(path)
    assert.is_true(whole ~= nil and whole == resumed, "the resumed run differs from the uninterrupted one")
  end)

  it("ends with status 0 in a stock interpreter that ran a parallel operation", function()
    local code = "local l = require 'luron'; l.threads(4); local a = l.randn(600, 600); "
      .. "assert((a:matmul(a) + a:exp()):sum():item()); l.randn(2000000):exp()"
    local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""
    local interpreter = sanitized and os.getenv "LURON_TEST_BUILD" .. "/bin/luron" or "lua5.4"
    local ok, how, status = os.execute(string.format('%s -e "%s"', interpreter, code))
    assert.is_true(ok == true and how == "exit" and status == 0, string.format("%s %s", how, status))
  end)
end)
