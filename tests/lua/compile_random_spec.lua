-- Compiled steps at random: layers, ops, views and sums in chains, of which outputs and gradients come out, through backward or
-- luron.grad. Five calls each give the bits of the step itself, and there is a plan.
local luron = require "luron"
local nn = luron.nn

local activations = { "ReLU", "Tanh", "Sigmoid", "GELU", "SiLU", "Identity", "ELU", "Softplus", "Hardtanh", "Softsign", "LeakyReLU", "Mish", "ReLU6" }
local ops = { "exp", "sin", "neg", "square" }
local seed = 0
local function draw(n) -- of a generator of our own, the same everywhere
  seed = (seed * 1103515245 + 12345) & 0x7fffffff
  return (seed >> 12) % n + 1
end
local function pick(list) return list[draw(#list)] end

-- A chain for tensors (n, d), as a list of functions of what was computed so far, and the leaves whose gradients are wanted.
local function program(n, d, dtype)
  local leaves, chain = { luron.zeros(n, d, { dtype = dtype }):requires_grad_() }, {}
  local function layer(l)
    for _, p in ipairs(l:to(dtype):parameters()) do leaves[#leaves + 1] = p end
    return function(v) return l(v[#v]) end
  end
  for i = 1, draw(8) + 1 do
    local kind = draw(11)
    if kind <= 5 then chain[i] = layer(nn[pick(activations)]())
    elseif kind == 6 then chain[i] = layer(nn.Linear(d, d))
    elseif kind == 7 then chain[i] = layer(nn.LayerNorm(d))
    elseif kind == 8 then
      local from = draw(i)
      chain[i] = function(v) return v[#v] + v[from] end
    elseif kind == 9 then
      local factor = luron.randn(1, d, { dtype = dtype }):requires_grad_()
      leaves[#leaves + 1] = factor
      chain[i] = function(v) return v[#v] * factor end
    elseif kind == 10 then
      local op = pick(ops)
      chain[i] = function(v) return luron[op](v[#v] * 0.25) end
    else
      chain[i] = function(v) return v[#v]:reshape(d, n):reshape(n, d) end
    end
  end
  return chain, leaves
end

-- A step that gives gradients of some leaves, perhaps the output, and what is made of a gradient.
local function random_step(n, d, dtype)
  local chain, leaves = program(n, d, dtype)
  local way, gives_output, gives_more, every, wanted = draw(3), draw(2) == 1, draw(3) == 1, draw(4), {}
  for i, leaf in ipairs(leaves) do
    if i == 1 or every == 1 or i % every == 0 then wanted[#wanted + 1] = leaf end
  end
  return function(x, g)
    local values, results = { x + leaves[1] }, {}
    for _, fn in ipairs(chain) do values[#values + 1] = fn(values) end
    local y = values[#values]
    if way == 1 then
      for _, leaf in ipairs(leaves) do leaf:zero_grad() end
      y:backward(g)
      for i, leaf in ipairs(wanted) do results[i] = leaf:grad() end
    else
      results = { luron.grad({ y }, wanted, { grad_outputs = { way == 2 and g or g * 2 } }) }
    end
    if gives_output then results[#results + 1] = y:detach() end
    if gives_more then results[#results + 1] = results[1]:relu() end
    return table.unpack(results)
  end
end

describe("a compiled step", function()
  it("gives the bits of the step, whatever it is made of and whatever comes out", function()
    for case = 1, 150 do
      luron.seed(case)
      seed = case
      local n, d, dtype = pick { 1, 2, 5, 33 }, pick { 1, 3, 8, 70 }, pick { "float32", "float64" }
      local step = random_step(n, d, dtype)
      local compiled = luron.compile(step)
      for call = 1, 5 do
        local x, g = luron.randn(n, d, { dtype = dtype }), luron.randn(n, d, { dtype = dtype })
        local expected = { step(x, g) }
        for i, t in ipairs(expected) do expected[i] = t:tobytes() end
        for i, t in ipairs { compiled(x, g) } do assert(expected[i] == t:tobytes(), ("case %d, call %d, result %d differs"):format(case, call, i)) end
      end
      assert.truthy(luron.explain(compiled):find "planned")
    end
  end)
end)
