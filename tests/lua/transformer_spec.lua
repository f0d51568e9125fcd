-- Attention and transformers as they are used from Lua: PyTorch's numbers, generation with a cache, files, errors.
local luron = require "luron"
local nn = luron.nn
local values = dofile((os.getenv "LURON_TEST_SOURCE" or ".") .. "/tests/data/transformer_values.lua")

local function tensor(t)
  return luron.tensor({ table.unpack(t) }, { dtype = type(t[1]) == "boolean" and "bool" or "float64" }):reshape(t.shape)
end
local function far(a, b) return (a - b):abs():max():item() end

local function build(case)
  local options = { dim_feedforward = 6, dropout = 0 }
  for name, value in pairs(case.options) do options[name] = value end
  local block = nn[case.layers > 0 and case.kind .. "Layer" or case.kind](4, 2, options)
  return case.layers > 0 and nn[case.kind](block, case.layers, nn.LayerNorm(4)) or block
end

describe("transformers", function()
  it("give PyTorch's numbers", function()
    luron.default_dtype "float64"
    for i, case in ipairs(values) do
      local model, ins, n = build(case), {}, 0
      for k, x in ipairs(case.inputs) do
        if x then ins[k] = tensor(x) end
        n = k
      end
      luron.no_grad(function()
        for name, pair in pairs(case.parameters) do
          local p = name:find "^norm/" and model:parameter("norm/" .. name:match "/(.*)") or model:parameter(name)
          assert(p, name):copy_(tensor(pair[1]))
        end
      end)
      local count = 0
      for _ in model:named_parameters() do count = count + 1 end
      for _ in pairs(case.parameters) do count = count - 1 end
      assert.are.equal(0, count, case.kind)
      ins[1]:requires_grad_()
      local y = model(table.unpack(ins, 1, n))
      assert.is_true(far(y, tensor(case.output)) < 1e-10, i .. " " .. case.kind)
      y:backward(tensor(case.cotangent))
      assert.is_true(far(ins[1]:grad(), tensor(case.grad)) < 1e-9, i .. " gradient of the input")
      for name, pair in pairs(case.parameters) do
        assert.is_true(far(model:parameter(name):grad(), tensor(pair[2])) < 1e-9, i .. " " .. name)
      end
    end
    luron.default_dtype "float32"
  end)

  it("generate step by step what the whole sequence gives", function()
    local block = nn.TransformerEncoderLayer(8, 4, { dim_feedforward = 16, num_kv_heads = 2, is_causal = true, cache = true, norm_first = true, rotary = true })
    local model, x, past = nn.TransformerEncoder(block, 2, nn.LayerNorm(8)):eval(), luron.randn(2, 6, 8), {}
    assert.are.same({ "src", "src_mask", "src_key_padding_mask", "past_key_1", "past_value_1", "past_key_2", "past_value_2" }, model:inputs())
    local whole = model(x)
    for t = 1, 6 do
      local outs = { model(x:narrow(2, t, 1), nil, nil, table.unpack(past)) }
      assert.is_true(far(outs[1], whole:narrow(2, t, 1)) < 1e-5)
      past = { table.unpack(outs, 2) }
    end
    assert.are.same({ 2, 6, 2, 2 }, past[4]:shape())
  end)

  it("stand in sequences, are saved, and learn", function()
    luron.seed(4)
    local model = nn.Sequential { nn.Embedding(5, 8), nn.SinusoidalPositionalEncoding(), nn.TransformerEncoder(
      nn.TransformerEncoderLayer(8, 2, { dim_feedforward = 16, dropout = 0 }), 2), nn.Linear(8, 5) }
    local ids, path = luron.randint(1, 5, 16, 6), os.tmpname()
    local opt, loss = luron.optim.Adam(model, { lr = 0.01 }), nil
    for _ = 1, 120 do -- the sequence backwards
      loss = nn.cross_entropy(model(ids):reshape(96, 5), ids:flip(2):reshape(96))
      opt:zero_grad()
      loss:backward()
      opt:step()
    end
    assert.is_true(loss:item() < 0.8, tostring(loss:item())) -- log(5) = 1.61 without places
    model:save(path)
    local loaded = assert(luron.load(path))
    os.remove(path)
    assert.is_true(far(model(ids), loaded(ids)) == 0)
  end)

  it("of two halves begin with numbers of their own in every block, or take halves that are given", function()
    local model = nn.Transformer(8, 2, { num_encoder_layers = 2, num_decoder_layers = 1, dim_feedforward = 16, dropout = 0 })
    local a, b = model:parameter "encoder.layers.1.linear1/weight", model:parameter "encoder.layers.2.linear1/weight"
    local most = (6 / (8 + 16)) ^ 0.5 -- Xavier's
    assert.is_true(far(a, b) > 0 and a:abs():max():item() <= most and a:abs():max():item() > most / 2)
    local encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 1)
    local before = encoder:parameter "layers.1.self_attn/in_proj_weight":clone()
    local other = nn.Transformer(8, 2, { custom_encoder = encoder, num_decoder_layers = 1 }):eval()
    assert.is_true(far(other:parameter "encoder.layers.1.self_attn/in_proj_weight", before) == 0)
    local src, tgt, path = luron.randn(2, 3, 8), luron.randn(2, 4, 8), os.tmpname()
    other:save(path)
    assert.is_true(far(assert(luron.load(path)):eval()(src, tgt), other(src, tgt)) == 0)
    os.remove(path)
  end)

  it("take d_model and nhead by name, and name what is wrong with them", function()
    local x = luron.randn(2, 3, 8)
    assert.are.same({ 2, 3, 8 }, nn.Transformer { d_model = 8, nhead = 2, num_encoder_layers = 1, num_decoder_layers = 1 }(x, x):shape())
    assert.are.same({ 2, 3, 8 }, nn.TransformerEncoderLayer { 8, nhead = 2, dropout = 0 }(x):shape())
    for _, case in ipairs {
      { "bad argument #2 to 'Transformer' (nhead: a divisor of d_model, 9, expected, got 2)", 9, 2 },
      { "bad argument #1 to 'Transformer' (d_model: positive integer expected, got '8')", "8", 2 },
      { "bad argument #3 to 'Transformer' (num_encoder_layers: at most 1000 expected, got 1001)", 8, 2, { num_encoder_layers = 1001 } },
    } do
      local ok, message = pcall(nn.Transformer, case[2], case[3], case[4])
      assert.is_true(not ok and message:find(case[1], 1, true) ~= nil, message)
    end
  end)

  it("take masks and what is cached by name", function()
    local block, x = nn.TransformerEncoderLayer { 8, 2, dropout = 0, cache = true }:eval(), luron.randn(2, 3, 8)
    local hidden = luron.tensor { { false, false, true }, { false, false, false } }
    local y, k, v = block(x, { src_key_padding_mask = hidden })
    assert.is_true(far(y, (block(x, nil, hidden))) == 0)
    assert.is_true(far((block(x, nil, nil, k, v)), (block(x, { past_value = v, past_key = k }))) == 0)
    assert.is_true(far((block(x, {})), (block(x))) == 0)
    local input, seen = nn.Input "x", nn.Input "seen"
    local outer = nn.Graph { inputs = { input, seen }, outputs = { (block(input, { src_key_padding_mask = seen })) } }
    assert.is_true(far(outer(x, { seen = hidden }), y) == 0)
    for message, given in pairs { ["the model has no input 'mask'"] = { mask = hidden }, ["the input 'src' is there twice"] = { src = x } } do
      local ok, text = pcall(block, x, given)
      assert.is_true(not ok and text:find(message, 1, true) ~= nil, text)
    end
    assert.is_false((pcall(block, { x })))
  end)

  it("say what is wrong", function()
    local function fails(part, fn, ...)
      local ok, message = pcall(fn, ...)
      assert.is_false(ok)
      assert.is_truthy(message:find(part, 1, true), message)
    end
    fails("no option 'd_ff'; options: activation, bias", nn.TransformerEncoderLayer, 8, 2, { d_ff = 3 })
    fails("dropout: number expected, got 'a'", nn.TransformerEncoderLayer, 8, 2, { dropout = "a" })
    fails("no option 'is_causal'; options: activation, bias, custom_decoder", nn.Transformer, 8, 2, { is_causal = true })
    fails("num_encoder_layers: positive integer expected, got 0", nn.Transformer, 8, 2, { num_encoder_layers = 0 })
    fails("custom_encoder: model expected, got 3", nn.Transformer, 8, 2, { custom_encoder = 3 })
    fails("activation: 'relu', 'gelu' or 'silu' expected", nn.TransformerDecoderLayer, 8, 2, { activation = "tanh" })
    fails("nhead: a divisor of d_model, 8, expected, got 3", nn.TransformerEncoderLayer, 8, 3)
    fails("layer: block expected, got 3", nn.TransformerEncoder, 3, 2)
    fails("num_layers: positive integer expected, got 0", nn.TransformerEncoder, nn.TransformerEncoderLayer(8, 2), 0)
    fails("num_layers: at most 1000 expected, got 1001", nn.TransformerEncoder, nn.TransformerEncoderLayer(8, 2), 1001)
    fails("norm: layer or model expected, got 3", nn.TransformerEncoder, nn.TransformerEncoderLayer(8, 2), 2, 3)
    local decoder = nn.TransformerDecoderLayer(8, 2)
    fails("model: at least 2 inputs expected, got 1: tgt, memory, tgt_mask (optional), memory_mask (optional), ", decoder, luron.zeros(1, 2, 8))
    fails("model: at least 2 inputs expected, got 1: src, tgt, src_mask (optional), ", nn.Transformer(8, 2, { num_encoder_layers = 1, num_decoder_layers = 1 }),
      luron.zeros(1, 2, 8))
    fails("no option 'batch_first': sequences are (n, t, features), always; options: activation", nn.Transformer, 8, 2, { batch_first = true })
    fails("layer 'self_attn' = MultiheadAttention", nn.TransformerEncoderLayer(8, 2), luron.zeros(1, 2, 7))
  end)
end)

describe("attention", function()
  it("takes masks of both kinds as PyTorch does", function()
    local q, k, v = luron.randn(2, 3, 4), luron.randn(2, 5, 4), luron.randn(2, 5, 4)
    local seen = luron.tensor { { true, true, false, true, false }, { false, true, true, true, true }, { false, false, false, false, false } }
    local y = nn.scaled_dot_product_attention(q, k, v, { attn_mask = seen })
    local added = luron.zeros(3, 5):masked_fill(~seen, -1 / 0)
    assert.is_true(far(y, nn.scaled_dot_product_attention(q, k, v, added)) == 0)
    assert.is_true(y[{ {}, 3 }]:abs():max():item() == 0) -- a row that sees nothing
    local mha = nn.MultiheadAttention(4, 2)
    local a, w = mha(q, k, v, { attn_mask = ~seen:narrow(1, 1, 3) })
    assert.are.same({ 2, 3, 5 }, w:shape())
    assert.is_true(w:isfinite():all():item() and a:isfinite():all():item())
    assert.is_true(far(w[{ {}, { 1, 2 } }]:sum(3), luron.ones(2, 2)) < 1e-6)
  end)

  it("takes one number as a mask of all keys but the added one, forward and in compose", function()
    local mha, x = nn.MultiheadAttention(4, 2, { add_zero_attn = true }), luron.randn(3, 2, 4):requires_grad_()
    for _, mask in ipairs { luron.tensor(true), luron.tensor(-1e9) } do
      luron.strict(true) -- compares them
      local y, w = mha(x, { attn_mask = mask })
      y:sum():backward()
      luron.strict(false)
      assert.are.same({ 0, 0, 1 }, w[{ 1, 1 }]:totable())
    end
  end)

  it("turns by positions that count from 1", function()
    local rope, x = nn.RotaryEmbedding { interleaved = true }, luron.randn(2, 4, 6)
    local whole = rope(x)
    for t = 1, 4 do
      local one = rope(x:narrow(2, t, 1), luron.tensor({ t }, { dtype = "int64" }))
      assert.is_true(far(one, whole:narrow(2, t, 1)) == 0)
    end
    assert.is_true(far(whole:narrow(2, 1, 1), x:narrow(2, 1, 1)) == 0)
  end)
end)
