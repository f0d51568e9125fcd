-- Recurrent layers and embeddings as they are used from Lua: states, hand-written loops, ids from 1, checkpoints, training.
local luron = require "luron"
local nn = luron.nn

local function close(a, b) return (a - b):abs():max():item() < 1e-6 end

describe("recurrent layers", function()
  it("take and give states", function()
    local lstm, x = nn.LSTM(3, 4, { num_layers = 2, bidirectional = true }), luron.randn(5, 7, 3)
    local y, h, c = lstm(x)
    assert.are.same({ 5, 7, 8 }, y:shape())
    assert.are.same({ 4, 5, 4 }, h:shape())
    assert.are.same({ 4, 5, 4 }, c:shape())
    assert.is_true(close(y, (lstm(x, luron.zeros(4, 5, 4), luron.zeros(4, 5, 4)))))
    assert.is_true(close(y, (lstm(x, { c_0 = luron.zeros(4, 5, 4) }))))
    assert.is_true(close(y[{ {}, 7, { 1, 4 } }], h[3]))
    assert.is_true(close(y[{ {}, 1, { 5, 8 } }], h[4]))
    assert.are.same({ 16, 3 }, lstm.weight_ih_l0_reverse:shape())
  end)

  it("go on where they stopped", function()
    for _, name in ipairs { "LSTM", "GRU", "RNN" } do
      local net, x = nn[name](3, 4), luron.randn(2, 6, 3)
      local whole = net(x)
      local first, h, c = net(x:narrow(2, 1, 3))
      local second = c and net(x:narrow(2, 4, 3), h, c) or net(x:narrow(2, 4, 3), h)
      assert.is_true(close(whole, luron.cat({ first, second }, 2)), name)
    end
  end)

  it("are cells in a loop", function()
    local gru, cell, x = nn.GRU(3, 4, { reset_after = false }), nn.GRUCell(3, 4, { reset_after = false }), luron.randn(2, 5, 3)
    for _, name in ipairs { "weight_ih", "weight_hh", "bias_ih", "bias_hh" } do cell[name] = gru[name .. "_l0"] end
    local _, last = gru(x)
    local h
    for t = 1, 5 do h = h and cell(x[{ {}, t }], h) or cell(x[{ {}, t }]) end
    assert.is_true(close(h, last[1]))
  end)

  it("stand in graphs and are saved", function()
    local input = nn.Input "tokens"
    local hidden = nn.LSTM(6, 5, { num_layers = 2 })(nn.Embedding(9, 6, { padding_idx = 1 })(input))
    local model = nn.Graph { inputs = { input }, outputs = { nn.Linear(5, 9)(hidden) } }
    local ids, path = luron.tensor({ { 1, 5, 9 }, { 2, 2, 8 } }, { dtype = "int64" }), os.tmpname()
    model:save(path)
    local loaded = assert(luron.load(path))
    assert.is_true((model(ids) - loaded(ids)):abs():max():item() == 0)
    os.remove(path)
  end)

  it("learn which token came two steps before", function()
    luron.seed(3)
    local embedding, lstm, head = nn.Embedding(5, 8), nn.LSTM(8, 24), nn.Linear(24, 5)
    local parameters = {}
    for _, layer in ipairs { embedding, lstm, head } do
      for _, parameter in ipairs(layer:parameters()) do parameters[#parameters + 1] = parameter end
    end
    local opt, loss = luron.optim.Adam(parameters, { lr = 0.02 }), nil
    for _ = 1, 150 do
      local ids = luron.randint(1, 5, 16, 8)
      local y = head((lstm(embedding(ids)))):narrow(2, 3, 6):reshape(96, 5)
      loss = nn.cross_entropy(y, ids:narrow(2, 1, 6):reshape(96))
      opt:zero_grad()
      loss:backward()
      opt:step()
    end
    assert.is_true(loss:item() < 0.3, tostring(loss:item())) -- log(5) = 1.61 without memory
  end)

  it("say what is wrong", function()
    local function fails(part, fn, ...)
      local ok, message = pcall(fn, ...)
      assert.is_false(ok)
      assert.is_truthy(message:find(part, 1, true), message)
    end
    fails("input has sequences of length 0", nn.RNN(3, 2), luron.zeros(4, 0, 3))
    fails("h_0 has shape (1, 4, 3), (1, 4, 2) expected", nn.RNN(3, 2), luron.zeros(4, 1, 3), luron.zeros(1, 4, 3))
    fails("5 layers need 20 parameters, a layer holds at most 16", nn.LSTM, 3, 2, { num_layers = 5 })
    fails("0 is no id", nn.Embedding(4, 2), luron.tensor({ 0, 1 }, { dtype = "int64" }))
    fails("padding_idx is 5, an id within num_embeddings = 4 expected", nn.Embedding, 4, 2, { padding_idx = 5 })
  end)
end)

describe("nn.Embedding", function()
  it("counts ids from 1 and leaves padding alone", function()
    local e = nn.Embedding(3, 2, { padding_idx = 1 })
    assert.are.same({ 0.0, 0.0 }, e.weight[1]:totable())
    e(luron.tensor({ 1, 3, 3 }, { dtype = "int64" })):sum():backward()
    assert.are.same({ { 0.0, 0.0 }, { 0.0, 0.0 }, { 2.0, 2.0 } }, e.weight:grad():totable())
  end)
end)
