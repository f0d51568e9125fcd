--- Blocks of a transformer as graphs of layers, with PyTorch's options, names and order. Inputs behind the first (two) may be nil.
local core = require "luron.core"
local check_options = require("luron.names").options

local defaults = { dim_feedforward = 2048, dropout = 0.1, activation = "relu", layer_norm_eps = 1e-5, norm_first = false, bias = true,
  num_kv_heads = 0, rotary = false }
local of_block = { is_causal = false, cache = false }
local of_whole = { num_encoder_layers = 6, num_decoder_layers = 6, src_is_causal = false, tgt_is_causal = false, custom_encoder = false, custom_decoder = false }
local kinds = { num_encoder_layers = "positive integer", num_decoder_layers = "positive integer", custom_encoder = "model", custom_decoder = "model" }
local more = { model = core.is_model }

local MOST_LAYERS = 1000 -- a copy of the block each

return function(nn)
  local activations = { relu = nn.ReLU, gelu = nn.GELU, silu = nn.SiLU }

  local function options_of(where, options, own)
    local o, known = {}, {}
    for _, list in ipairs { defaults, own } do
      for name, default in pairs(list) do o[name], known[name] = default, kinds[name] or type(default) end
    end
    for name, value in pairs(check_options(3, where, options, known, more, "transformer")) do o[name] = value end
    for name, value in pairs(o) do
      if name:find "^num_.*coder_layers$" and value > MOST_LAYERS then
        core.badarg(3, where, string.format("%s: at most %d expected, got %d", name, MOST_LAYERS, value))
      end
    end
    if not activations[o.activation] then core.badarg(3, where, "activation: 'relu', 'gelu' or 'silu' expected, got " .. core.got(o.activation)) end
    return o
  end

  -- d_model and nhead, given in order or by name among the options, and the options.
  local function sizes_of(where, d_model, nhead, options, own, usual)
    if type(d_model) == "table" and not getmetatable(d_model) and nhead == nil and options == nil then
      local given = {}
      for key, value in pairs(d_model) do given[key] = value end
      d_model, nhead = given.d_model or given[1], given.nhead or given[2]
      given.d_model, given.nhead, given[1], given[2] = nil, nil, nil, nil
      options = given
    end
    local sizes = { d_model or usual and 512, nhead or usual and 8 }
    for i, name in ipairs { "d_model", "nhead" } do
      if math.type(sizes[i]) ~= "integer" or sizes[i] < 1 then core.badarg(i, where, name .. ": positive integer expected, got " .. core.got(sizes[i])) end
    end
    if sizes[1] % sizes[2] ~= 0 then core.badarg(2, where, string.format("nhead: a divisor of d_model, %d, expected, got %d", sizes[1], sizes[2])) end
    return sizes[1], sizes[2], options_of(where, options, own)
  end

  -- A block of `sources` (src; tgt and memory): attention to itself, to the second, and two linear layers, each added to what it takes.
  -- o.weight_init: of all matrices, nil: what each layer does.
  local function block(sources, d_model, nhead, o)
    local inputs, outputs, names, by, n = {}, {}, {}, {}, 0
    local function named(name, layer)
      names[name] = layer
      return layer
    end
    local function input(name)
      by[name] = nn.Input(name)
      inputs[#inputs + 1] = by[name]
    end
    for _, name in ipairs(sources) do input(name) end
    for _, name in ipairs(sources) do input(name .. "_mask") end
    for _, name in ipairs(sources) do input(name .. "_key_padding_mask") end
    if o.cache then
      input "past_key"
      input "past_value"
    end
    local function dropped(x) return nn.Dropout(o.dropout)(x) end
    local function added(x, fn)
      n = n + 1
      local norm = named("norm" .. n, nn.LayerNorm(d_model, { eps = o.layer_norm_eps, bias = o.bias }))
      if o.norm_first then return x + dropped(fn(norm(x))) end
      return norm(x + dropped(fn(x)))
    end
    local function attention(name, own)
      return named(name, nn.MultiheadAttention(d_model, nhead, { dropout = o.dropout, bias = o.bias, num_kv_heads = o.num_kv_heads, rotary = own and o.rotary,
        is_causal = own and o.is_causal, need_weights = false, weight_init = o.weight_init }))
    end
    local self_attn, source = attention("self_attn", true), sources[1]
    local x = added(by[source], function(v)
      local y, _, key, value = self_attn(v, { attn_mask = by[source .. "_mask"], key_padding_mask = by[source .. "_key_padding_mask"],
        past_key = by.past_key, past_value = by.past_value })
      if o.cache then outputs = { key, value } end
      return y
    end)
    if sources[2] then
      local multihead_attn, memory = attention "multihead_attn", nn.Identity()(by.memory) -- without a key attention goes to the query
      x = added(x, function(v)
        return (multihead_attn(v, memory, { attn_mask = by.memory_mask, key_padding_mask = by.memory_key_padding_mask }))
      end)
    end
    local linear1 = named("linear1", nn.Linear(d_model, o.dim_feedforward, { bias = o.bias, weight_init = o.weight_init }))
    local linear2 = named("linear2", nn.Linear(o.dim_feedforward, d_model, { bias = o.bias, weight_init = o.weight_init }))
    x = added(x, function(v) return linear2(dropped(activations[o.activation]()(linear1(v)))) end)
    return nn.Graph { inputs = inputs, outputs = { x, table.unpack(outputs) }, names = names }
  end

  -- Copies of a block one after the other. Masks and memory go to all of them, each has a past of its own.
  local function stack(where, layer, n, norm)
    if not core.is_model(layer) then core.badarg(1, where, "layer: block expected, got " .. core.got(layer)) end
    if math.type(n) ~= "integer" or n < 1 then core.badarg(2, where, "num_layers: positive integer expected, got " .. core.got(n)) end
    if n > MOST_LAYERS then core.badarg(2, where, string.format("num_layers: at most %d expected, got %d", MOST_LAYERS, n)) end
    if norm ~= nil and not (core.is_layer(norm) or core.is_model(norm)) then core.badarg(3, where, "norm: layer or model expected, got " .. core.got(norm)) end
    local names, parts, outputs, shared = layer:inputs(), {}, {}, {}
    local inputs = {}
    local function input(name)
      inputs[#inputs + 1] = nn.Input(name)
      return inputs[#inputs]
    end
    for _, name in ipairs(names) do
      if not name:find "^past_" then shared[name] = input(name) end
    end
    local x = shared[names[1]]
    for k = 1, n do
      local copy, args = layer:clone(), { x }
      for i = 2, #names do args[i] = shared[names[i]] or input(names[i] .. "_" .. k) end
      parts["layers." .. k] = copy
      local outs = { copy(table.unpack(args)) }
      x = outs[1]
      table.move(outs, 2, #outs, #outputs + 1, outputs)
    end
    if norm then
      parts.norm = norm
      x = norm(x)
    end
    return nn.Graph { inputs = inputs, outputs = { x, table.unpack(outputs) }, names = parts }
  end

  -- An encoder, and a decoder whose memory is what it gives; each begins with numbers of its own.
  local function whole(first, second, options)
    local d_model, nhead, o = sizes_of("Transformer", first, second, options, of_whole, true)
    local by, inputs, names = {}, {}, {}
    o.weight_init = "xavier_uniform"
    for i, name in ipairs { "src", "tgt", "src_mask", "tgt_mask", "memory_mask", "src_key_padding_mask", "tgt_key_padding_mask", "memory_key_padding_mask" } do
      inputs[i] = nn.Input(name)
      by[name] = inputs[i]
    end
    local function half(name, sources, is_causal)
      o.is_causal = is_causal
      local part = o["custom_" .. name]
      if not part then
        part = stack("Transformer", block(sources, d_model, nhead, o), o["num_" .. name .. "_layers"],
          nn.LayerNorm(d_model, { eps = o.layer_norm_eps, bias = o.bias }))
        for _, layer in part:named_layers() do layer:reset() end
      end
      names[name] = part
      return part
    end
    local memory = half("encoder", { "src" }, o.src_is_causal)(by.src, by.src_mask, by.src_key_padding_mask)
    local y = half("decoder", { "tgt", "memory" }, o.tgt_is_causal)(by.tgt, memory, by.tgt_mask, by.memory_mask, by.tgt_key_padding_mask,
      by.memory_key_padding_mask)
    return nn.Graph { inputs = inputs, outputs = { y }, names = names }
  end

  local function block_of(where, sources)
    return function(d_model, nhead, options) return block(sources, sizes_of(where, d_model, nhead, options, of_block)) end
  end

  return {
    Transformer = whole,
    TransformerEncoderLayer = block_of("TransformerEncoderLayer", { "src" }),
    TransformerDecoderLayer = block_of("TransformerDecoderLayer", { "tgt", "memory" }),
    TransformerEncoder = function(...) return stack("TransformerEncoder", ...) end,
    TransformerDecoder = function(...) return stack("TransformerDecoder", ...) end,
  }
end
