-- Optimisers: groups, options, steps.
local luron = require "luron"
local nn, optim = luron.nn, luron.optim

local function fails(text, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "no error: " .. text)
  assert.is_truthy(tostring(message):find(text, 1, true), tostring(message))
end

local function weight(v) return luron.tensor(v, { dtype = "float64", requires_grad = true }) end

describe("optimisers", function()
  it("make steps with the gradients that are there", function()
    local w, other = weight { 1, 2 }, weight { 5 }
    local opt = optim.SGD({ w, other }, { lr = 0.1 });
    (w * w):sum():backward()
    opt:step()
    assert.is_true((w - luron.tensor { 0.8, 1.6 }):abs():max():item() < 1e-7)
    assert.are.equal(5.0, other:item())
    assert.are.equal(1, opt:steps())
    opt:zero_grad()
    assert.is_nil(w:grad())
  end)

  it("learn, whichever type it is", function()
    for _, name in ipairs(luron.types "optim") do
      luron.seed(3)
      local bias = name ~= "Muon" -- for matrices alone
      local model = nn.Sequential { nn.Linear(2, 8, bias), nn.Tanh(), nn.Linear(8, 1, bias) }
      local x = luron.randn(64, 2)
      local y = x:sum(2, true)
      local rates = { Adadelta = 5, LARS = 5, FTRL = 0.5 } -- steps begin at sqrt(eps); at 1/1000 of the weight; pull towards 0
      local opt = optim[name](model, { lr = rates[name] or 0.05 })
      local first, last
      for _ = 1, 60 do
        local loss = nn.mse_loss(model(x), y)
        opt:zero_grad()
        loss:backward()
        opt:step()
        first, last = first or loss:item(), loss:item()
      end
      assert.is_true(last < first / 2, string.format("%s: %g -> %g", name, first, last))
      assert.are.equal(name, opt:type())
    end
  end)

  it("have groups with options of their own", function()
    local a, b = weight { 1 }, weight { 1 }
    local opt = optim.SGD({ { params = { a }, lr = 0.5 }, { params = b } }, { lr = 0.1 })
    assert.are.equal(2, #opt.groups)
    assert.are.equal(0.5, opt.groups[1].lr)
    assert.are.equal(0.1, opt.groups[2].lr)
    assert.is_true(opt.groups[1].params[1]:is_same(a));
    (a + b):sum():backward()
    opt:step()
    assert.are.equal(0.5, a:item())
    assert.is_true(math.abs(b:item() - 0.9) < 1e-7)
    opt.groups[2].lr = 0.25
    assert.are.equal(0.25, opt.groups[2].lr)
    opt:set { lr = 1, momentum = 0.5 }
    assert.are.equal(1.0, opt.groups[1].lr)
    assert.are.equal(0.5, opt.groups[2].momentum)
    assert.is_truthy(tostring(opt):find("group 2", 1, true))
  end)

  it("name the parameters of a model, and leave frozen ones as they are until they are unfrozen", function()
    local a = nn.Linear(1, 1)
    local model = nn.Sequential { { "a", a }, { "b", nn.Linear(1, 1) } }
    model:freeze "a"
    local opt = optim.Adam(model)
    assert.are.same({ "a/weight", "a/bias", "b/weight", "b/bias" }, opt.groups[1].names)
    local function step()
      local before = a.weight:clone()
      opt:zero_grad()
      model(luron.ones(1, 1)):sum():backward()
      opt:step()
      return a.weight:ne(before):any():item()
    end
    assert.is_false(step())
    model:unfreeze "a"
    assert.is_true(step())
    assert.are.same({ 1, 1 }, opt:state(1, 1).exp_avg:shape())
  end)

  it("take classes and layers", function()
    local M = nn.class "SpecOptim"
    function M:init() self.l = nn.Linear(1, 1) end
    function M:forward(x) return self.l(x) end
    assert.are.same({ "l/weight", "l/bias" }, optim.SGD(M(), { lr = 1 }).groups[1].names)
    assert.are.same({ "weight", "bias" }, optim.SGD(nn.Linear(1, 1), { lr = 1 }).groups[1].names)
  end)

  it("refuse what is not finite, with nothing changed", function()
    local w, v = weight { 1 }, weight { 1 }
    local opt = optim.Adam({ w, v }, { lr = 0.1 })
    w:set_grad(w:detach() * 2)
    v:set_grad(v:detach() * (0 / 0))
    local ok, message = pcall(opt.step, opt)
    assert.is_false(ok)
    assert.matches("optim_spec.lua:%d+: step 1: gradient of '2' is not finite: %(1,%), nan; no parameter was changed", message)
    assert.are.equal(1.0, w:item())
    assert.are.equal(0, opt:steps())
  end)

  it("have groups by patterns of names", function()
    local model = nn.Sequential { { "encoder", nn.Linear(2, 3) }, { "head", nn.Linear(3, 1) } }
    local opt = optim.AdamW(model, { lr = 0.5, groups = { { match = "bias$", weight_decay = 0 }, { match = "^encoder", lr = 0.25 } } })
    local seen = {}
    for i, group in ipairs(opt.groups) do seen[i] = { group.lr, group.weight_decay, table.concat(group.names, " ") } end
    assert.are.same({ { 0.5, 0.0, "encoder/bias head/bias" }, { 0.25, 0.01, "encoder/weight" }, { 0.5, 0.01, "head/weight" } }, seen)
    opt = optim.SGD(model, { groups = { { match = "" , lr = 2 } } }) -- nothing is left for the others
    assert.are.equal(1, #opt.groups)
    local all = "encoder/weight, encoder/bias, head/weight, head/bias"
    local function refused(text, groups, what) fails(text, optim.SGD, what or model, { lr = 1, groups = groups }) end
    refused('bad argument #2 to \'SGD\' (groups: [1]: match: no parameter matches "norm"; there are ' .. all, { { match = "norm" } })
    refused('[2]: match: earlier groups have all that "^head" matches', { { match = "head" }, { match = "^head" } })
    refused("[1]: match: unfinished capture", { { match = "(bias" } })
    refused("[1]: match: pattern of names expected, got nil", { { lr = 1 } })
    refused("list of { match = pattern, ... } expected, got 5", 5)
    refused("list of { match = pattern, ... } expected, got table", {})
    refused("bad argument #2 to 'SGD' (groups: [1]: no option 'rate'; options: lr", { { match = "bias", rate = 1 } })
    refused("groups: patterns need a model", { { match = "bias" } }, model:parameters())
    refused("groups: give groups as the first argument or by patterns, not both", { { match = "bias" } }, { { params = model } })
  end)

  it("get groups later", function()
    local a, b = weight { 1 }, weight { 1 }
    local opt = optim.SGD(a, { lr = 0.5 })
    opt:add_group { params = b, lr = 0.25 }
    assert.are.same({ 0.25, "2" }, { opt.groups[2].lr, opt.groups[2].names[1] });
    (a + b):sum():backward()
    opt:step()
    assert.are.same({ 0.5, 0.75 }, { a:item(), b:item() })
    fails("parameter '3' is there already, as '1'", opt.add_group, opt, { params = a })
    local path = os.tmpname() -- which counts from 0
    nn.Sequential { nn.ReLU() }:save(path, { optim = opt })
    local file = assert(luron.checkpoint(path))
    assert.equal('["1"]', file:text "optimizer/groups/1/parameters")
    local other = optim.SGD { a, b }
    local ok, message = file:restore_optim(other)
    os.remove(path)
    assert.is_nil(ok)
    assert.is_truthy(message:find("group 1 has 1 parameters in the file, 2 expected", 1, true), message)
    fails("bad argument #1 to 'add_group' (group: table with params expected, got 5)", opt.add_group, opt, 5)
    fails("bad argument #1 to 'add_group' (no option 'rate'", opt.add_group, opt, { params = weight { 1 }, rate = 5 })
    fails("calling 'add_group' on a bad object", opt.add_group, 5, {})
    local lr = luron.schedule.ConstantLR(opt)
    opt:add_group { params = weight { 1 } }
    fails("ConstantLR: the optimiser has 3 groups, it had 2: make the schedule after add_group", lr.step, lr)
  end)

  it("say what an option is called, and where it is", function()
    local opt = optim.AdamW(weight { 1 })
    local list = "; options: lr, beta1, beta2, eps, weight_decay, maximize, amsgrad"
    fails("bad argument #2 to 'AdamW' (no option 'betas': give beta1 and beta2" .. list, optim.AdamW, weight { 1 }, { betas = { 0.9, 0.95 } })
    fails("no option 'betas'; options: lr, momentum", optim.SGD, weight { 1 }, { betas = { 0.9, 0.95 } })
    fails("no option 'learning_rate': it is called lr" .. list, opt.set, opt, { learning_rate = 1 })
    fails("no option 'fused': there is one way to run it here", opt.set, opt, { fused = true })
    fails("no option 'ns_coefficients': give ns_a, ns_b and ns_c", optim.Muon, weight { { 1 } }, { ns_coefficients = { 1, 2, 3 } })
    fails("AdamW has no option 'learning_rate': it is called lr" .. list, function() return opt.groups[1].learning_rate end)
    fails("AdamW has no option 'rate'" .. list, function() opt.groups[1].rate = 1 end)
    fails("lr is an option of a group: read opt.groups[1].lr", function() return opt.lr end)
    fails("lr is an option of a group: opt:set { lr = ... } for all groups, or opt.groups[1].lr = ...", function() opt.lr = 1 end)
    fails("AdamW has no option 'learning_rate': it is called lr", function() opt.learning_rate = 1 end)
    fails("an optimiser has no field 'colour' to set", function() opt.colour = 1 end)
    fails("Muon: parameter '1': 1 dims, at least 2 expected: give it to another optimiser", optim.Muon, weight { 1 })
  end)

  it("go on from a checkpoint with the same bits, whichever type and options", function()
    local options = { Adam = { amsgrad = true }, AdamW = { amsgrad = true, beta2 = 0.5 }, SGD = { momentum = 0.5 } }
    local x = luron.randn(20, 3)
    local y = x:sum(2, true)
    for _, name in ipairs(luron.types "optim") do
      local path, bias = os.tmpname(), name ~= "Muon"
      local function make(how)
        local model = nn.Sequential { nn.Linear(3, 5, bias), nn.Tanh(), nn.Linear(5, 1, bias) }
        return model, optim[name](model, how)
      end
      local function train(model, opt)
        for _ = 1, 5 do
          opt:zero_grad()
          nn.mse_loss(model(x), y):backward()
          opt:step()
        end
      end
      local model, opt = make(options[name])
      train(model, opt)
      model:save(path, { optim = opt })
      train(model, opt)
      local again, fresh = make() -- options, and the state that they bring, come with the file
      local checkpoint = assert(again:restore(path))
      assert(checkpoint:restore_optim(fresh))
      train(again, fresh)
      local theirs = again:parameters()
      for i, p in ipairs(model:parameters()) do assert.is_true(p:tobytes() == theirs[i]:tobytes(), name) end
      local state = fresh:state(1, 1)
      for what, tensor in pairs(opt:state(1, 1)) do assert.is_true(tensor:tobytes() == state[what]:tobytes(), name .. " " .. what) end
      os.remove(path)
    end
  end)

  it("go back to their options where a checkpoint does not fit", function()
    local path = os.tmpname()
    local small, large = nn.Sequential { nn.Linear(3, 1) }, nn.Sequential { nn.Linear(4, 1) }
    small:save(path, { optim = optim.Adam(small, { amsgrad = true, lr = 0.5 }) })
    local opt = optim.Adam(large)
    local ok, message = assert(luron.checkpoint(path)):restore_optim(opt)
    os.remove(path)
    assert.is_nil(ok)
    assert.is_truthy(message:find("optimizer/state/linear1/weight/max_exp_avg_sq has shape (1, 3) in the file, (1, 4) expected", 1, true), message)
    assert.are.same({ false, 1e-3 }, { opt.groups[1].amsgrad, opt.groups[1].lr })
    assert.is_nil(opt:state(1, 1).max_exp_avg_sq)
  end)

  it("call a closure with gradients on, and give its loss", function()
    local layer = nn.Linear(2, 1)
    local opt, calls = optim.SGD(layer, { lr = 0.5 }), 0
    local before, x = layer.weight:detach():clone(), luron.tensor { { 1.0, 2.0 } }
    local loss = luron.no_grad(function()
      local result = opt:step(function()
        calls = calls + 1
        opt:zero_grad()
        local value = layer(x):sum()
        value:backward()
        return value
      end)
      assert.is_false(luron.is_recording())
      return result
    end)
    assert.equal(1, calls)
    assert.equal(1, opt:steps())
    assert.is_true(loss:requires_grad())
    assert.same({ { -0.5, -1.0 } }, (layer.weight - before):totable())
    assert.error_matches(function() opt:step(loss) end, "^bad argument #1 to 'step' %(closure: function expected, got a tensor: loss:backward")
    assert.error_matches(function() opt:step(3) end, "closure: function expected, got 3")
    assert.error_matches(function() opt:step(function() error "mine" end) end, "mine")
    assert.is_true(luron.is_recording())
    assert.equal(1, opt:steps())
  end)

  it("say how many groups a file has", function()
    local model, path = nn.Sequential { nn.Linear(2, 2), nn.Linear(2, 2) }, os.tmpname()
    model:save(path, { optim = optim.Adam(model) })
    local ok, message = assert(luron.checkpoint(path)):restore_optim(optim.Adam { { params = model[1] }, { params = model[2] } })
    os.remove(path)
    assert.is_nil(ok)
    assert.is_truthy(message:find("the optimiser has 1 group of parameters in the file, 2 expected", 1, true), message)
  end)

  it("take gradients of several batches as those of one", function()
    local x = luron.randn(12, 3, { dtype = "float64" })
    local y = x:sum(2, true)
    local whole, parts = nn.Linear(3, 2):to "float64", nn.Linear(3, 2):to "float64"
    luron.no_grad(function()
      parts.weight:copy_(whole.weight)
      parts.bias:copy_(whole.bias)
    end)
    nn.mse_loss(whole(x), y:expand(12, 2)):backward()
    for k = 0, 3 do (nn.mse_loss(parts(x:narrow(1, 3 * k + 1, 3)), y:narrow(1, 3 * k + 1, 3):expand(3, 2)) / 4):backward() end
    assert.is_true((whole.weight:grad() - parts.weight:grad()):abs():amax():item() < 1e-12)
    assert.is_true((whole.bias:grad() - parts.bias:grad()):abs():amax():item() < 1e-12)
  end)
end)
