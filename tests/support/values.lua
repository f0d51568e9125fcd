--- values.lua -- values of all kinds, wrong ones for most functions: what calls that are generated draw from. A new list with
--- new objects each time, for a call may close or change what it gets.
local luron = require "luron"
local core = require "luron.core"
local nn, optim = luron.nn, luron.optim
local sanitized = (os.getenv "LURON_TEST_SANITIZE" or "") ~= ""

return function()
  local closed_tensor, closed_layer, closed_model = luron.ones(2), nn.ReLU(), nn.Sequential { nn.ReLU() }
  closed_tensor:close()
  closed_layer:close()
  closed_model:close()
  local layer = nn.Linear(3, 2)
  local model = nn.Sequential { layer, nn.ReLU() }
  local all = {
    true, false, 0, 1, 2, 3, -1, -2, 7, 1 << 61, math.maxinteger, math.mininteger, 0.5, -1.5, 0 / 0, 1 / 0, -1 / 0, 1e300,
    "", "x", "float32", "int64", "1:2", "weight", "a\0b", ("long"):rep(1000), "layer",
    {}, { 1 }, { 1, 2 }, { 2, 3 }, { { 1, 2 }, { 3 } }, { { 1.5 } }, { true }, { x = 1 }, { dtype = "float32" }, { dtype = 3 },
    { requires_grad = true }, { lr = 0.1 }, { 1 << 61, 2 }, { -1 }, { 0 / 0 }, { {} }, { type },
    function() end, function(...) return ... end, function() error "callback" end, coroutine.create(function() end), io.stdout, luron,
    closed_tensor, closed_layer, closed_model, layer, model, optim.SGD(layer, { lr = 0.1 }), nn.Input(), core.checkpoint_new(),
    nn.LazyLinear(2), nn.Sequential { nn.LazyConv1d(2, 1) },
    luron.zeros(0), luron.tensor(1.5), luron.tensor(3), luron.randn(2, 3), luron.randn(3), luron.randn(3, 2), luron.eye(3),
    luron.randn(2, 3, { dtype = "float64", requires_grad = true }), luron.tensor { 1, 2 }, luron.tensor { 0, 9 },
    luron.tensor { { true, false } }, luron.ones(2, 3, { dtype = "uint8" }), luron.ones(3, { dtype = "float16" }), luron.zeros(3, 0, 2),
    luron.randn(2, 1, 3):expand(2, 4, 3), luron.randn(3, 2):t(), { luron.randn(2), luron.randn(2) }, { luron.randn(2), closed_tensor },
  }
  local cyclic = { 1 }
  cyclic[2], cyclic.self = cyclic, cyclic
  local ds = luron.data.tensors(luron.randn(4, 3), luron.tensor { 1, 2, 1, 2 })
  local more = { cyclic, ds, ds:loader { batch = 3 }, luron.EMA(layer), luron.schedule.StepLR(optim.SGD(layer, { lr = 0.1 }), { step_size = 1 }), nn.class "Values"() }
  table.move(more, 1, #more, #all + 1, all)
  if not sanitized then all[#all + 1] = 1 << 42 end -- a sanitizer ends the process for it
  return all
end
