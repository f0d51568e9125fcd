-- The same work while the collector runs at every step, and while allocations fail.
local luron = require "luron"
local nn = luron.nn

local double = luron.op {
  name = "double",
  forward = function(ctx, x)
    ctx:save(x, 2)
    return x * 2
  end,
  backward = function(ctx, g)
    local _, factor = ctx:saved()
    return g * factor
  end,
}

-- A bit of everything; gives a number that depends on all of it.
local function work(path)
  luron.seed(5)
  local model = nn.Sequential { nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2) }
  local opt = luron.optim.Adam(model, { lr = 0.1 })
  local x, y = luron.randn(6, 3), luron.tensor { 1, 2, 1, 2, 1, 2 }
  local sum = 0
  for _ = 1, 2 do
    local loss = nn.cross_entropy(double(model(x)), y, { label_smoothing = 0.1 })
    opt:zero_grad()
    loss:backward()
    opt:step()
    sum = sum + loss:item()
  end
  local parts = luron.cat(x:split(2), 1):t():contiguous()
  local values, ids = parts["1:2, ::2"]:max(2)
  sum = sum + values:sum():item() + ids:sum():item() + #tostring(parts) + #tostring(model)
  local g = luron.grad((model[1].weight ^ 2):sum(), model[1].weight)
  sum = sum + luron.scope(function() return luron.tensor(g:totable()):exp():mean() end):item()
  if path then
    model:save(path, { optim = opt, epoch = 1 })
    sum = sum + assert(luron.load(path)):n_weights()
  end
  return sum
end

describe("work", function()
  it("is the same while everything is collected at every step", function()
    local path = os.tmpname()
    local expected = work(path)
    local count = 0
    debug.sethook(function()
      count = count + 1
      collectgarbage()
    end, "", 7)
    local ok, result = pcall(work, path)
    debug.sethook()
    os.remove(path)
    assert.is_true(ok, result)
    assert.are.equal(expected, result)
    assert.is_true(count > 50, count)
  end)

  it("is the same with the generational collector", function()
    local expected = work()
    collectgarbage "generational"
    for _ = 1, 50 do assert.are.equal(expected, work()) end
    collectgarbage "incremental"
  end)

  it("fails with an error, and leaks nothing, whichever allocation fails", function()
    local path = os.tmpname()
    local expected = work(path)
    for _, sticky in ipairs { false, true } do
      collectgarbage()
      collectgarbage()
      local before, failures, k = luron.memory(), 0, 0
      repeat
        k = k + (k < 100 and 1 or 7)
        luron.fail_alloc(k, sticky)
        local ok, result = pcall(work, path)
        luron.fail_alloc(0)
        if not ok then
          failures = failures + 1
          assert.is_truthy(tostring(result):find("memory", 1, true), result)
        else
          assert.are.equal(expected, result)
        end
        assert.is_true(luron.is_recording())
        collectgarbage()
        collectgarbage()
        assert.are.equal(before, (luron.memory()), "after " .. k)
      until ok
      assert.is_true(failures > 50, failures)
    end
    os.remove(path)
  end)
end)

describe("the module", function()
  it("is the same when it is required again, so that old objects keep their finalizers", function()
    local core = require "luron.core"
    do
      local x, layer = luron.ones(3), nn.Linear(2, 2)
      package.loaded["luron.core"] = nil
      assert.are.equal(core, require "luron.core")
      assert.is_true(core.is_tensor(x) and core.is_layer(layer))
    end
    collectgarbage()
    collectgarbage()
    assert.are.equal(2, luron.ones(2):sum():item())
  end)
end)

describe("an object that a finalizer closes in the midst of a call", function()
  it("stays there until the call is over", function()
    collectgarbage("incremental", 1, 1000, 14) -- a collection at nearly every allocation, however much there is
    collectgarbage() -- what the pause was before counts until the next one ends
    local n, closed = 300, 0
    for _ = 1, n do
      local x = luron.randn(2, 3)
      setmetatable({}, { __gc = function() x:close() end })
      for _, name in ipairs { "shape", "strides", "totable", "size" } do
        local ok, message = pcall(x[name], x)
        if not ok then
          assert.is_truthy(message:find("closed", 1, true), message)
          closed = closed + 1
          break
        end
      end
    end
    collectgarbage("incremental", 200, 100, 13)
    assert.is_true(closed > 100, closed .. " were closed") -- how many depends on when the collector comes
    local x = luron.ones(1000)
    local before = luron.memory()
    x:close() -- outside of finalizers the memory goes at once
    assert.is_true(luron.memory() <= before - 4000)
  end)

  it("stays there when a coroutine of the finalizer closes it", function()
    local x, kept = luron.ones(1000), nil
    setmetatable({}, {
      __gc = coroutine.wrap(function()
        local before = luron.memory()
        x:close()
        kept = luron.memory() == before
      end),
    })
    collectgarbage()
    assert.is_true(kept)
    assert.has_error(function() x:shape() end)
  end)
end)

describe("a recursion without end", function()
  it("loses finalizers, for which there is no stack, and nothing else", function()
    local x, calls = luron.ones(3, { requires_grad = true }), 0
    local function down() -- through C, whose calls Lua allows 200 of
      return tostring(setmetatable({}, {
        __tostring = function()
          luron.ones(2)
          return down()
        end,
      }))
    end
    for held = 0, 1 do
      if held == 1 then x:register_hook(function() calls = calls + x:numel() end) end
      collectgarbage("incremental", 1, 1000, 1)
      for _ = 1, 25 do assert.has_error(down) end
      collectgarbage("incremental", 200, 100, 13)
      for _ = 1, 1000 do luron.ones(3) end
      collectgarbage()
    end
    local loss = (x * 2):sum()
    loss:backward()
    assert.are.equal(3, calls)
  end)

  it("collects small tensors before there are many, and leaves those that are held", function()
    collectgarbage()
    local held, blocks, most = {}, select(2, luron.memory()), 0
    for i = 1, 200 do held[i] = luron.ones(1) end
    local each = (select(2, luron.memory()) - blocks) / 200
    for i = 1, 20000 do
      local x = luron.ones(1)
      if i % 10 == 0 then x:close() end
      most = math.max(most, (select(2, luron.memory()) - blocks) / each)
    end
    assert.is_true(most < 5000, most .. " tensors at a time")
    for i = 1, 200 do assert.are.equal(1, held[i]:item()) end
  end)
end)
