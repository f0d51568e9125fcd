-- R21: whatever is given to whatever function, the worst that happens is a Lua error with a place. Functions are found in
-- the tables of the modules and in the metatables of objects, so that a new one is called without a line here.
local source = os.getenv "LURON_TEST_SOURCE" or "."
local bars = dofile(source .. "/tests/support/bar.lua")
local values = dofile(source .. "/tests/support/values.lua")
local luron = require "luron"
local core = require "luron.core"
local nn, optim, data = luron.nn, luron.optim, luron.data
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""

-- Not called: what writes files, prints, trains on and on, or makes memory fail.
local skipped = {
  save = true, write = true, plugin_index = true, fail_alloc = true, memory_limit = true, fit = true, finish = true, raise = true, badarg = true, set_node = true,
  before_step = true, check_step = true, list_steps = true, watch = true, as_watched = true,
}

-- ---- functions ---------------------------------------------------------------------------------------------------------
-- One object of each kind, anew: what methods are called on.
local function objects()
  local layer, dataset = nn.Linear(3, 2), data.tensors(luron.randn(4, 3), luron.tensor { 1, 2, 1, 2 })
  local opt = optim.SGD(layer, { lr = 0.1 })
  return {
    tensor = luron.randn(2, 3), layer = layer, model = nn.Sequential { nn.Linear(3, 2), nn.ReLU() }, optim = opt, group = opt.groups[1],
    checkpoint = core.checkpoint_new(), dataset = dataset, loader = dataset:loader { batch = 3, shuffle = true }, module = nn.class "Abused"(),
    schedule = luron.schedule.StepLR(opt, { step_size = 2 }), ema = luron.EMA(layer), node = nn.Input(), progress = luron.progress(1, 4),
  }
end

-- Fields of luron that are loaded at first use: the reference names them.
local function load_all()
  for _, part in ipairs { "tools", "tensor", "ops", "autograd", "layer", "model", "training", "schedules" } do
    for _, ending in ipairs { ".lua", ".md" } do
      local file <close> = assert(io.open(source .. "/docs/reference/" .. part .. ending))
      for name in file:read("a"):gmatch "luron%.([%a_]+)[.(]" do local _ = luron[name] end
    end
  end
  for _, name in ipairs(luron.types()) do
    local info = luron.type_info("layer", name)
    local _, _ = nn[name], info.function_name and nn[info.function_name]
  end
  for _, name in ipairs(luron.types "optim") do local _ = optim[name] end
end

-- The fields of t whose names are strings, in their order: what is drawn for a function must not depend on that of a table.
local function fields(t)
  local names, i = {}, 0
  for name in next, t do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  return function()
    i = i + 1
    return names[i], names[i] and rawget(t, names[i])
  end
end

-- { name, fn, kind of the object that it is a method of or nil, is it no user's business }, in order of names.
local function functions()
  local all, seen = {}, {}
  local function walk(prefix, t, kind, depth, internal)
    for name, value in fields(t) do
      if not skipped[name] then
        if type(value) == "function" and not seen[value] then
          seen[value] = true
          all[#all + 1] = { prefix .. name, value, kind, internal }
        elseif type(value) == "table" and depth > 0 and not seen[value] and name ~= "methods" then
          seen[value] = true
          walk(prefix .. name .. ".", value, kind, depth - 1, internal)
        end
      end
    end
  end
  load_all()
  for kind, object in fields(objects()) do
    if core.methods[kind] then walk(kind .. ":", core.methods[kind], kind, 0) end
    local meta = debug.getmetatable(object)
    if type(meta.__index) == "table" then walk(kind .. ":", meta.__index, kind, 0) end
    walk(kind .. ":", meta, kind, 0, true)
  end
  for _, name in ipairs { "loader", "batch", "map", "range", "split", "shuffled" } do walk("dataset:", { [name] = objects().dataset[name] }, "dataset", 0) end
  walk("module:", nn.Module, "module", 0)
  walk("luron.", luron, nil, 1)
  for name, module in fields(package.loaded) do
    if name:find "^luron" and type(module) == "table" then walk(name .. ".", module, nil, 1, true) end
  end
  table.sort(all, function(a, b) return a[1] < b[1] end)
  return all
end

-- ---- calls -------------------------------------------------------------------------------------------------------------
local seed, threads = core.random_state(), luron.threads()
local function put_back()
  luron.threads(threads)
  luron.default_dtype "float32"
  luron.higher(false)
  luron.seed(seed)
end

local tally -- of the bar that is being worked on
local function complain(name, text)
  tally.failures = tally.failures + 1
  if not tally[name] then io.stderr:write(name, ": ", text, "\n") end
  tally[name] = true
end

local function call(fn, args)
  local results = table.pack(fn(table.unpack(args, 1, args.n)))
  for i = 1, results.n do -- a guard that is not closed would leave recording off
    if type(results[i]) == "userdata" and tostring(results[i]):find "^luron.guard" then results[i]:close() end
  end
end

local internal -- of the function that is being called: its errors need no place
local function check(name, fn, ...)
  tally.n = tally.n + 1
  local ok, message = pcall(call, fn, table.pack(...))
  if not ok then
    tally.errors = tally.errors + 1
    if type(message) ~= "string" then complain(name, "raised a " .. type(message))
    elseif not internal and not message:find "_spec%.lua:%d+: " and not message:find "values%.lua:%d+: callback" then complain(name, "no place in: " .. message) end
  end
  if not core.is_recording() then
    complain(name, "left recording off")
    core.enable_grad()
  end
end

-- Ways of the collector, one after the other.
local modes = {
  function() collectgarbage "incremental" end,
  function() collectgarbage "generational" end,
  function()
    collectgarbage "incremental"
    debug.sethook(function() collectgarbage "step" end, "", 4000)
  end,
}

local function bar(what, usual) return bars.begin("R21", what, usual) end
local function begin() tally, internal = { n = 0, failures = 0, errors = 0 }, false end

describe("abuse", function()
  before_each(begin)
  after_each(function()
    debug.sethook()
    collectgarbage "incremental"
    put_back()
  end)

  it("of every function with every value", function()
    local b, all = bar("generated calls", 21), functions()
    local random = b.seed
    local function draw(n)
      random = (random * 6364136223846793005 + 1442695040888963407) & math.maxinteger
      return (random >> 20) % n + 1
    end
    local rounds = bars.is_long and 200 or 16
    for i, entry in ipairs(all) do
      local name, fn, kind = entry[1], entry[2], entry[3]
      internal = entry[4]
      local pool, own = values(), objects()
      local step = bars.is_long and 1 or sanitized and 7 or 4
      modes[i % #modes + 1]()
      check(name, fn)
      check(name, fn, nil)
      for k = draw(step), #pool, step do -- alone, as the argument of a method, twice
        check(name, fn, pool[k])
        check(name, fn, own[kind] or pool[k], pool[k])
        check(name, fn, own[kind] or pool[draw(#pool)], pool[draw(#pool)], pool[k])
      end
      check(name, fn, own[kind], own[kind], own[kind])
      pool, own = values(), objects()
      for _ = 1, rounds do
        local args, n = {}, draw(5) - 1
        for k = 1, n do args[k] = draw(8) > 1 and pool[draw(#pool)] or nil end
        if kind and draw(3) == 1 then args[1] = own[kind] end
        check(name, fn, table.unpack(args, 1, n))
      end
      debug.sethook()
      put_back()
    end
    print(string.format("%d functions, %d calls, %d errors", #all, tally.n, tally.errors))
    assert.is_true(#all > 350, #all .. " functions")
    assert.is_true(tally.n > 20000 or sanitized, tally.n .. " calls")
    assert.is_true(tally.errors > tally.n / 3, tally.errors .. " errors in " .. tally.n)
    assert.are.equal(0, b:finish(tally.n, tally.failures))
  end)

  it("of objects that a finalizer closes meanwhile", function()
    local b = bar("objects closed by finalizers", 21)
    -- A collection at nearly every allocation; each object is closed by the finalizer of some garbage.
    collectgarbage("incremental", 1, 1000, 1)
    local function arm(...)
      for i = 1, select("#", ...) do
        local object = select(i, ...)
        if type(object) == "userdata" and getmetatable(object).__close then
          setmetatable({}, { __gc = function() pcall(object.close, object) end })
        end
      end
    end
    local tries = bars.is_long and 40 or 3
    for kind, methods in pairs(core.methods) do
      for name, fn in pairs(methods) do
        for try = 1, skipped[name] and 0 or tries do
          local own = objects()
          local object, other = own[kind], try % 2 == 0 and luron.randn(2, 3) or own.layer
          arm(object, other)
          check(kind .. ":" .. name, fn, object, try % 3 > 0 and other or try, try % 4 == 0 and "a" or 1)
        end
      end
      for _ = 1, tries do
        local own = objects()
        arm(own[kind], own.optim)
        check(kind .. " tostring", tostring, own[kind])
        check(kind .. " call", function(...) return own[kind](...) end, own.tensor)
        check(kind .. " index", function() return own[kind][1], own[kind].weight, own[kind].groups end)
        check("group", function() return own.group.params, own.group.names, own.group.lr end)
      end
    end
    assert.are.equal(0, b:finish(tally.n, tally.failures))
  end)

  it("by callbacks that raise, yield, and close what they work on", function()
    local b = bar("callbacks that raise or yield", 21)
    local model, ds = nn.Sequential { nn.Linear(3, 2) }, data.tensors(luron.randn(4, 3), luron.tensor { 1, 2, 1, 2 })
    local x = luron.randn(2, 3, { dtype = "float64", requires_grad = true })
    local function op(forward, backward) return luron.op { name = "abused", forward = forward, backward = backward } end
    local same = function(_, v) return v * 1 end
    local takers = {
      no_grad = core.no_grad, enable_grad = core.enable_grad, scope = core.scope,
      forward = function(fn) return op(fn, same)(x) end,
      backward = function(fn) return op(same, fn)(x):sum():backward() end,
      grad = function(fn) return luron.grad(op(same, fn)(x):sum(), x) end,
      gradcheck = function(fn) return luron.gradcheck(fn, x) end,
      gradcheck_of_op = function(fn) return luron.gradcheck(op(same, fn), x) end,
      map = function(fn) return ds:map(fn):batch(1, 2) end,
      loss = function(fn) return luron.fit(model, ds, { progress = false, loss = fn }) end,
      callbacks = function(fn) return luron.fit(model, ds, { progress = false, callbacks = { fn } }) end,
      evaluate = function(fn) return luron.evaluate(model, ds, { loss = fn }) end,
      schedule = function(fn) return luron.schedule.LambdaLR(optim.SGD(model, { lr = 1 }), fn):step() end,
      module = function(fn)
        local Net = nn.class "Raises"
        Net.forward = fn
        return Net()(x)
      end,
      init = function(fn)
        local Net = nn.class "Raises"
        Net.init = fn
        return Net()
      end,
    }
    local callbacks = {
      error = function() error "callback" end, nothing = function() end, wrong = function() return {} end, yield = function() return coroutine.yield(1) end,
      object = function() error(setmetatable({}, { __tostring = function() return "object" end })) end, none = function() error(nil) end,
      close = function(...)
        for i = 1, select("#", ...) do
          local v = select(i, ...)
          if core.is_tensor(v) then v:close() end
        end
        return ...
      end,
      deep = function() return takers.backward(function() error "deep" end) end, collect = function(...) collectgarbage() return select(-1, ...) end,
      recurse = function(...) return pcall(model, ...) and luron.grad(x:sum(), x) end,
    }
    callbacks.forever = function() return takers.no_grad(callbacks.forever) end -- until the stack ends
    for name, take in pairs(takers) do
      for how, fn in pairs(callbacks) do
        local where = name .. " with " .. how
        local function taken(...)
          local ok, message = pcall(take, ...)
          -- A callback may raise what it likes; what luron raises is a text.
          if not ok and type(message) ~= "string" and how ~= "object" and how ~= "none" then complain(where, "raised a " .. type(message)) end
          if not ok and type(message) == "string" and not message:find "_spec%.lua:%d+: " and not (message:find "^attempt to yield" or message == "C stack overflow") then
            complain(where, "no place in: " .. message)
          end
        end
        tally.n = tally.n + 1
        taken(fn)
        local thread = coroutine.create(taken)
        local ok, message = coroutine.resume(thread, fn)
        if not ok then complain(where, "in a coroutine: " .. tostring(message)) end
        if coroutine.status(thread) == "suspended" then coroutine.close(thread) end -- given up while something is open
        if not core.is_recording() then
          complain(where, "left recording off")
          core.enable_grad()
        end
        assert.are.equal(3.0, luron.ones(3):sum():item()) -- all is well
      end
    end
    assert.are.equal(0, b:finish(tally.n, tally.failures))
  end)

  it("of objects as their own parts", function()
    local b = bar("objects as their own parts", 0)
    local function refused(name, fn)
      tally.n = tally.n + 1
      local ok, message = pcall(fn)
      if ok or type(message) ~= "string" then complain(name, ok and "went through" or "raised no text") end
    end
    local function survives(name, fn) check(name, fn) end
    local model = nn.Sequential { nn.Linear(3, 3) }
    local input = nn.Input()
    refused("a model in itself", function() core.model_include(model, "self", model, { 0, 1 }) end)
    survives("a model twice", function() return nn.Sequential { model, model }(luron.ones(1, 3)) end)
    refused("a graph of itself", function() return nn.Graph { inputs = { input }, outputs = { input, model(input), input }, names = { [model] = model } } end)
    survives("an instance in itself", function()
      local m = nn.class "Own"()
      m.child, m.list = m, { m, { m } }
      return m:parameters(), m:train(), m:zero_grad(), m:to "float64", tostring(m), m:named_parameters()
    end)
    survives("two instances in each other", function()
      local m, n = nn.class "Own"(), nn.class "Own"()
      m.other, n.other = n, m
      return m:parameters(), n:eval(), tostring(m)
    end)
    refused("a table in itself as history", function()
      local t = {}
      t.t = t
      model:save("/nonexistent/x", { history = { t } })
    end)
    refused("a table in itself as data", function()
      local t = {}
      t[1] = t
      return luron.tensor(t)
    end)
    refused("a schedule of itself", function()
      local opt = optim.SGD(model, { lr = 1 })
      local list = {}
      list[1] = list
      return luron.schedule.SequentialLR(opt, { schedulers = list, milestones = { 1 } })
    end)
    survives("an average of an average", function() return luron.EMA(luron.EMA(model)) end)
    survives("a parameter in its own place", function()
      local layer = nn.Linear(3, 3)
      layer.weight = layer.weight
      return layer(luron.ones(1, 3))
    end)
    survives("a tensor as its own gradient", function()
      local x = luron.ones(2, { requires_grad = true })
      x:set_grad(x)
      return x:grad(), (x * x):sum():backward()
    end)
    survives("a tensor into itself", function()
      local x = luron.randn(3, 3)
      x:copy_(x:t())
      x[1] = x[2]
      return luron.cat { x, x, x }, x:add_(x)
    end)
    assert.are.equal(0, b:finish(tally.n, tally.failures))
  end)

  it("of a Lua state that ends while everything is alive", function()
    local b = bar("states that end", 21)
    local command = sanitized and os.getenv "LURON_TEST_BUILD" .. "/bin/luron" or "lua5.4"
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(string.format([[
      local luron = require "luron"
      local order, objects, left = ..., {}, {}
      math.randomseed(order + %d)
      local nn = luron.nn
      local x = luron.randn(3, 3, { requires_grad = true })
      local op = luron.op { name = "id", forward = function(ctx, v) ctx:save(v, x) return v * 1 end, backward = function(ctx, g) return g end }
      local model = nn.Sequential { nn.Linear(3, 3), nn.Dropout(0.5) }
      local opt = luron.optim.Adam(model)
      local y = op(model(op(x)))
      for i, v in ipairs { x, y, model, opt, opt.groups[1], model[1], y:sum(), luron.data.tensors(x):loader(), luron.EMA(model), model(nn.Input()) } do
        objects[i] = v
        -- A finalizer that uses, closes or keeps what may be gone already.
        left[i] = setmetatable({ v }, { __gc = function(self)
          pcall(function() return self[1]:sum():item() end)
          pcall(function() return tostring(self[1]), #self[1] end)
          pcall(function() return self[1]:close() end)
          pcall(function() y:sum():backward() end)
          pcall(luron.ones, 3)
          left[#left + 1] = self[1]
        end })
      end
      for i = #objects, 2, -1 do
        local k = math.random(i)
        objects[i], objects[k] = objects[k], objects[i]
      end
      for i = 1, math.random(#objects) do objects[i], left[i] = nil, nil end
      if order %% 3 == 0 then collectgarbage() end
      if order %% 3 == 1 then collectgarbage "generational" end
      if order %% 4 == 0 then local guard <const> = luron.no_grad() end
      if order %% 5 == 0 then os.exit(true, true) end
      if order %% 7 == 0 then luron.scope(function() os.exit(true, true) end) end
      if order %% 8 == 0 then collectgarbage "stop" end
    ]], b.seed))
    file:close()
    for order = 1, bars.is_long and 200 or 20 do
      tally.n = tally.n + 1
      local ok, how, status = os.execute(string.format("%s '%s' %d", command, path, order))
      if not ok then complain("order " .. order, string.format("ended with %s %s", how, status)) end
    end
    os.remove(path)
    assert.are.equal(0, b:finish(tally.n, tally.failures))
  end)
end)
