-- Optimisers: groups, options, steps.
local luron = require "luron"
local nn, optim = luron.nn, luron.optim

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
      local opt = optim[name](model, { lr = name == "Adadelta" and 5 or 0.05 }) -- its steps begin at sqrt(eps)
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
    local opt = optim.Adam({ w, v }, { lr = 0.1 });
    (w * 2 + v * (0 / 0)):sum():backward()
    local ok, message = pcall(opt.step, opt)
    assert.is_false(ok)
    assert.is_truthy(message:find "optim_spec.lua:%d+: ")
    assert.are.equal(1.0, w:item())
    assert.are.equal(0, opt:steps())
  end)
end)
