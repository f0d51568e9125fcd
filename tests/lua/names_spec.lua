-- What is not there raises at the caller's line, with the names that are near and what other libraries' names are here.
local luron = require "luron"
local core = require "luron.core"
local foreign = require "luron.foreign_names"
local nn, optim, data = luron.nn, luron.optim, luron.data

-- The expression must fail at this file with exactly this message.
local function fails(message, fn)
  local ok, got = pcall(fn)
  assert.is_false(ok, message)
  assert.equal("names_spec.lua", tostring(got):match "([%w_]+%.lua):%d+: ", got)
  assert.equal(message, (tostring(got):gsub("^.-%.lua:%d+: ", "")))
end

local function starts(message, fn)
  local ok, got = pcall(fn)
  assert.is_false(ok, message)
  assert.is_truthy(tostring(got):gsub("^.-names_spec%.lua:%d+: ", ""):find(message, 1, true) == 1, got)
end

local Net = nn.class "Net"
function Net:init()
  self.a, self.enc = nn.Linear(2, 3), nn.Sequential { nn.Linear(3, 3), nn.Tanh() }
  self.gain = luron.full(2.0, 1, { requires_grad = true })
  self.list = { nn.Linear(3, 1) }
end
function Net:forward(x) return self.list[1](self.enc(self.a(x)) * self.gain) end

describe("a table of luron", function()
  it("names what is near", function()
    fails("luron has no 'rnadn'; did you mean 'randn' or 'rand'?", function() return luron.rnadn(2) end)
    fails("luron has no 'schedul'; did you mean 'schedule'?", function() return luron.schedul end)
    fails("luron has no 'zzzzzz'", function() return luron.zzzzzz end)
    fails("luron has no 1", function() return luron[1] end)
    fails("luron.linalg has no 'slove'; did you mean 'solve'?", function() return luron.linalg.slove end)
    fails("luron.schedule has no 'SteplR'; did you mean 'StepLR'?", function() return luron.schedule.SteplR end)
    fails("luron.data has no 'minst'; did you mean 'mnist'?", function() return data.minst end)
    fails("luron.sparse has no 'form_dense'; did you mean 'from_dense'?", function() return luron.sparse.form_dense end)
    fails("luron.regularizer has no 'l3'; did you mean 'l1' or 'l2'?", function() return luron.regularizer.l3 end)
    fails("luron.constraint has no 'non_negg'; did you mean 'non_neg'?", function() return luron.constraint.non_negg end)
  end)

  it("knows other libraries' names", function()
    fails("luron has no 'manual_seed'; here it is luron.seed", function() luron.manual_seed(1) end)
    fails("luron.linalg has no 'inv'; here it is inverse", function() return luron.linalg.inv end)
    fails("luron.schedule has no 'CosineLR'; here it is CosineAnnealingLR", function() return luron.schedule.CosineLR end)
    fails("luron.constraint has no 'maxnorm'; here it is max_norm", function() return luron.constraint.maxnorm end)
    fails("luron has no 'load_model'; here it is luron.load", function() return luron.load_model end)
    fails("luron has no 'to_categorical'; here it is luron.one_hot", function() return luron.to_categorical end)
    fails("luron has no 'EarlyStopping'; here it is early_stop, an option of luron.fit", function() return luron.EarlyStopping end)
    fails("luron has no 'onnx': not in this version", function() return luron.onnx end)
    fails("luron has no 'LazyLinear'; here it is luron.nn.LazyLinear", function() return luron.LazyLinear end)
    fails("luron has no 'cuda': there is no device but the CPU in this version", function() return luron.cuda end)
  end)

  it("is read with rawget where nil is wanted", function()
    assert.is_nil(rawget(luron, "nnn"))
    assert.is_nil(rawget(luron.linalg, "inv"))
  end)

  it("has the functions of layer types, as tensors have them", function()
    local x = luron.tensor { -1.0, 2.0 }
    assert.same({ 0.0, 2.0 }, luron.relu(x):totable())
    assert.is_true(luron.gelu(x, { approximate = "tanh" }):eq(x:gelu { approximate = "tanh" }):all():item())
    assert.equal(luron.relu, luron.relu)
    local y = luron.tensor { 1, 2 }
    assert.equal(nn.cross_entropy(luron.eye(2), y):item(), luron.cross_entropy(luron.eye(2), y):item())
  end)
end)

describe("the names of other libraries", function()
  local function known_of(kind)
    local sets = {
      luron = luron, ["luron.nn"] = nn, layer = core.methods.layer, model = core.methods.model, module = nn.Module, optimiser = core.methods.optim,
      tensor = core.methods.tensor, loader = { batch = true, shuffle = true, seed = true, drop_last = true, transform = true },
    }
    if kind == "dataset" then return { loader = true, range = true, batch = true, map = true, split = true, shuffled = true } end
    local sub = kind:match "^luron%.(.*)$"
    return sets[kind] or sub and luron[sub]
  end

  it("are none of ours, and lead to what there is", function()
    local n, fields = 0, { groups = true } -- groups: of optimisers
    for name in pairs(nn.Linear(1, 1):options()) do fields[name] = true end
    for _, methods in ipairs { nn.Module, core.methods.layer, core.methods.model, { weight = true } } do
      for name in pairs(methods) do fields[name] = true end
    end
    for kind, translations in pairs(foreign) do
      local known = known_of(kind)
      for name, here in pairs(known and kind ~= "keras" and translations or {}) do
        n = n + 1
        assert.is_nil(rawget(known, name), kind .. "." .. name)
        local path = here:match "^luron%.([%a_.]+)$"
        local value = path and luron
        for part in (path or ""):gmatch "[^.]+" do value = value[part] end -- raises if it is not there
        if here:find "^[%a_][%w_]*$" then assert.is_true(rawget(known, here) ~= nil or fields[here] ~= nil, kind .. "." .. name .. " -> " .. here) end
      end
    end
    assert.is_true(n > 200, n)
  end)

  it("of layers are not among ours", function()
    for name, theirs in pairs(foreign.keras) do
      assert.is_nil(core.layer_type(name), name)
      assert.is_true(nn[theirs[1]] ~= nil, name)
    end
  end)
end)

describe("nn", function()
  it("says what Keras's layers are called and how their options go", function()
    starts("nn has no 'Dense', Keras's name for nn.Linear: units is out_features, use_bias is bias", function() return nn.Dense(3, 2) end)
    starts("nn has no 'Conv2D', Keras's name for nn.Conv2d: filters is out_channels", function() return nn.Conv2D(3, 2) end)
    starts("nn has no 'SimpleRNN', Keras's name for nn.RNN: units is hidden_size", function() return nn.SimpleRNN(3, 2) end)
    starts("nn has no 'BatchNormalization', Keras's name for nn.BatchNorm1d: epsilon is eps (Keras's 1e-3), momentum is 1 minus Keras's (0.01)",
      function() return nn.BatchNormalization() end)
    starts("nn has no 'MaxPooling2D', Keras's name for nn.MaxPool2d: pool_size is kernel_size", function() return nn.MaxPooling2D(2) end)
    starts("nn has no 'DepthwiseConv2D', Keras's name for nn.Conv2d: out_channels = in_channels * depth_multiplier, groups = in_channels",
      function() return nn.DepthwiseConv2D(3) end)
    for name, row in pairs(foreign.keras) do -- what they lead to is there
      assert.is_truthy(nn[row[1]], name)
    end
  end)

  it("says what Keras's and PyTorch's options are", function()
    starts("bad argument #4 to 'Conv2d' (no option 'filters': here it is out_channels; options: ", function() nn.Conv2d(3, 2, 3, { filters = 2 }) end)
    starts("bad argument #3 to 'Linear' (no option 'activation': here it is a layer behind it, such as nn.ReLU(); options: ",
      function() nn.Linear(3, 2, { activation = "relu" }) end)
    starts("bad argument #1 to 'LSTM' (no option 'units': here it is hidden_size; options: ", function() nn.LSTM { units = 2 } end)
    starts("bad argument #1 to 'BatchNorm2d' (no option 'epsilon': here it is eps; options: ", function() nn.BatchNorm2d { epsilon = 1 } end)
    starts("bad argument #1 to 'ReLU' (no option 'inplace': here it is x:relu_() and the like; ReLU has no options)", function() nn.ReLU { inplace = true } end)
    starts("bad argument #1 to 'MelSpectrogram' (no option 'n_mels': here it is num_mel_bins; options: ", function() nn.MelSpectrogram { n_mels = 1 } end)
    starts("bad argument #1 to 'STFTSpectrogram' (no option 'hop_length': here it is frame_step; options: ",
      function() nn.STFTSpectrogram { hop_length = 1 } end)
    starts("bad argument #3 to 'LSTM' (no option 'proj_size': not in this version; an nn.Linear behind it", function() nn.LSTM(2, 3, { proj_size = 1 }) end)
    starts("bad argument #3 to 'Embedding' (no option 'mask_zero': here it is padding_idx; ", function() nn.Embedding(2, 3, { mask_zero = true }) end)
    starts("bad argument #1 to 'LeakyReLU' (no option 'alpha': here it is negative_slope; options: ", function() nn.LeakyReLU { alpha = 1 } end)
    starts("bad argument #1 to 'Softmax' (no option 'axis': here it is dim; options: ", function() nn.Softmax { axis = 1 } end)
    starts("bad argument #2 to 'LayerNorm' (no option 'axis': here it is normalized_shape, the sizes of the last dims; ",
      function() nn.LayerNorm(3, { axis = 1 }) end)
    starts("bad argument #1 to 'AdaptiveMaxPool1d' (no option 'return_indices': here it is nn.AdaptiveMaxPool1dWithIndices, a type of its own; ",
      function() nn.AdaptiveMaxPool1d { 2, return_indices = true } end)
    starts("bad argument #2 to 'FractionalMaxPool2d' (no option 'return_indices': not in this version; ",
      function() nn.FractionalMaxPool2d(2, { return_indices = true }) end)
    starts("bad argument #1 to 'Linear' (no option 'mask_zero'; options: ", function() nn.Linear { mask_zero = true } end)
    starts("bad argument #1 to 'BatchNorm2d' (no option 'axis': the channels are always dim 2; options: ", function() nn.BatchNorm2d { axis = 1 } end)
    starts("bad argument #1 to 'ReLU' (no option 'trainable': here it is layer:freeze() and unfreeze(), where it has parameters; ",
      function() nn.ReLU { trainable = true } end)
    starts("bad argument #1 to 'CutMix' (no option 'alpha': here it is factor; ", function() nn.CutMix { alpha = 1 } end)
    starts("bad argument #1 to 'RandAugment' (no option 'magnitude': here it is factor; ", function() nn.RandAugment { magnitude = 1 } end)
    starts("bad argument #1 to 'RandomColorJitter' (no option 'hue': here it is hue_factor; ", function() nn.RandomColorJitter { hue = 1 } end)
    starts("bad argument #1 to 'Linear' (no option 'colour'; options: ", function() nn.Linear { colour = 1 } end)
  end)

  it("says what is not in this version", function()
    fails("nn has no 'TernaryDense': not in this version; nn.Linear has weights of any size", function() return nn.TernaryDense end)
    fails("nn has no 'SyncBatchNorm'; here it is nn.BatchNorm1d to 3d: one process has the whole batch", function() return nn.SyncBatchNorm end)
    fails("nn has no 'StackedRNNCells'; here it is num_layers of nn.LSTM, GRU and RNN, or cells in a loop", function() return nn.StackedRNNCells end)
    fails("nn has no 'reorg'; here it is nn.PixelUnshuffle, in another order of channels", function() return nn.reorg end)
    fails("nn has no 'RandomSolarize'; here it is nn.Solarization", function() return nn.RandomSolarize end)
    fails("nn has no 'RandomVerticalFlip'; here it is nn.RandomFlip \"vertical\"", function() return nn.RandomVerticalFlip end)
    fails("nn has no 'NMS'; here it is luron.boxes.nms", function() return nn.NMS end)
    fails("nn has no 'clip_grad_norm_'; here it is luron.clip_grad_norm", function() return nn.clip_grad_norm_ end)
    fails("nn has no 'LazyConv2D'; here it is nn.LazyConv2d; nn.Conv2D tells how the options go", function() return nn.LazyConv2D end)
    fails("nn has no 'LazyDense'; here it is nn.LazyLinear; nn.Dense tells how the options go", function() return nn.LazyDense end)
    for name, text in pairs(foreign["luron.nn"]) do -- and the layers and functions of boxes
      for part in text:gmatch "nn%.([%w_]+)" do assert.is_truthy(nn[part], name) end
      for part in text:gmatch "luron%.boxes%.([%w_]+)" do assert.is_truthy(luron.boxes[part], name) end
    end
    fails("nn has no 'conv2d'; here it is the layer nn.Conv2d", function() return nn.conv2d end)
    for name, layer in pairs(foreign["luron.nn"]) do -- the layers that functions of other libraries lead to are there
      for type_name in layer:gmatch "layer nn%.(%w+)" do assert.is_truthy(nn[type_name], name) end
    end
    fails("luron.optim has no 'SWA'; here it is luron.SWA", function() return optim.SWA end)
    starts("nn has no 'Parameter'; here it is a tensor", function() return nn.Parameter end)
    fails("no layer type 'Linaer'; did you mean 'Linear'?", function() return nn.Linaer end)
  end)

  it("says how a class is written", function()
    starts('nn.Module is what classes inherit from; nn.class makes one: local Net = nn.class "Net"', function() return nn.Module() end)
    assert.is_truthy(nn.class("Other", nn.Module))
  end)

  it("refuses what is no layer in nn.Sequential", function()
    local item = "bad argument #1 to 'Sequential' (item 2: layer or model expected, got "
    starts(item .. "function (functions have layers of their own: nn.ReLU() for nn.relu))", function() return nn.Sequential { nn.Linear(2, 2), luron.relu } end)
    fails(item .. "nil)", function() return nn.Sequential { nn.Linear(2, 2), nil, nn.ReLU() } end)
    fails(item .. "nil)", function() return nn.Sequential(nn.Linear(2, 2), nil) end)
    fails("bad argument #1 to 'Sequential' (item 1: layer or model expected, got nil)", function() return nn.Sequential(nil) end)
  end)
end)

describe("what an object does not have", function()
  local model = nn.Sequential { nn.Linear(2, 3), nn.ReLU() }
  local net, opt, ds = Net(), optim.SGD(model), data.tensors(luron.ones(3, 2))

  it("raises for layers and models", function()
    fails("Linear has no 'weigth'; did you mean 'weight'?", function() return model[1].weigth end)
    fails("Linear has no 'forward': call it, model(x)", function() return model[1]:forward(luron.ones(1, 2)) end)
    fails("Linear has no 'save': a layer alone is saved in a model: nn.Sequential { layer }:save(path)", function() model[1]:save "f" end)
    fails("Linear has no 1", function() return model[1][1] end)
    fails("a model has no 'forward': call it, model(x)", function() return model:forward(luron.ones(1, 2)) end)
    fails("a model has no 'cuda': there is no device but the CPU in this version", function() return model:cuda() end)
    fails("a model has no 'linear1'; the layer of that path is model:layer 'linear1'", function() return model.linear1 end)
    fails("a model has no 'summry'; did you mean 'summary'?", function() return model:summry() end)
    fails("model: layers count from 1 (or from the end: -1), got 0", function() return model[0] end)
    fails("model: layer 3 is not within 1..2; model:named_layers() walks the layers", function() return model[3] end)
    fails("model: layer -3 is not within 1..2; model:named_layers() walks the layers", function() return model[-3] end)
  end)

  it("raises for instances of classes", function()
    fails("an instance of 'Net' has no 'ecn'; did you mean 'enc'?", function() return net.ecn end)
    fails("an instance of 'Net' has no 'summry'; did you mean 'summary'?", function() return net:summry() end)
    fails("an instance of 'Net' has no 'json': nn.trace(net, example):json()", function() return net:json() end)
    fails("an instance of 'Net' has no 'dropout'; a part that may be absent is false, not nil", function() return net.dropout end)
    local Sub = nn.class("Sub", Net)
    fails("an instance of 'Sub' has no 'frward'; did you mean 'forward'?", function() return Sub().frward end)
    assert.is_nil(net._cache) -- the user's own, as numbers are
    assert.is_nil(net[1])
    assert.is_nil(rawget(net, "ecn"))
    net.maybe = false
    assert.is_false(net.maybe)
    net.maybe = nil
  end)

  it("raises for optimisers and datasets", function()
    fails("SGD has no 'param_groups'; here it is groups", function() return opt.param_groups end)
    fails("SGD has no 'colour'", function() return opt.colour end)
    fails("LBFGS has no 'stepp'; did you mean 'step' or 'steps'?", function() return optim.LBFGS(model):stepp() end)
    fails("dataset: examples count from 1 (or from the end: -1), got 0", function() return ds[0] end)
    fails("dataset: example 5 is not within 1..3", function() return ds[5] end)
    fails("dataset: example -4 is not within 1..3", function() return ds[-4] end)
    fails("a dataset has no 'shufled'; did you mean 'shuffled'?", function() return ds:shufled() end)
    assert.is_nil(ds[4]) -- where ipairs ends
    assert.is_nil(ds.classes)
  end)

  it("raises for all other objects, and leaves what is optional and the user's own alone", function()
    local path = os.tmpname()
    model:save(path)
    local checkpoint = assert(luron.checkpoint(path))
    os.remove(path)
    fails("a checkpoint has no 'epochs'; did you mean 'epoch'?", function() return checkpoint.epochs end)
    assert.is_nil(checkpoint.epoch)
    fails("a loader has no 'batch_size'; here it is batch", function() return ds:loader().batch_size end)
    fails("a schedule has no 'get_last_lr'; here it is rates()", function() return luron.schedule.StepLR(opt, { step_size = 1 }).get_last_lr end)
    fails("an average has no 'aply'; did you mean 'apply'?", function() return luron.SWA(model).aply end)
    fails("a pruning has no 'mask'; did you mean 'masks'?", function() return luron.prune(model).mask end)
    local handles = { model:register_forward_hook(print), net:register_forward_hook(print) }
    for _, handle in ipairs(handles) do
      fails("the handle of a hook has no 'remov'; did you mean 'remove'?", function() return handle.remov end)
      handle:remove()
    end
    fails("a sparse matrix has no 'todense'; here it is to_dense()", function() return luron.sparse.from_dense(luron.eye(2)).todense end)
    fails("a progress has no 'finsh'; did you mean 'finish'?", function() return luron.progress(1, 1).finsh end)
    fails("luron.status has no 'IOO'; did you mean 'IO'?", function() return luron.status.IOO end)
    fails("class 'Net' has no 'forwrd'; did you mean 'forward'?", function() return Net.forwrd end)
    fails("nn.Module has no 'parameter_list'; did you mean 'parameters' or 'parameter'?", function() return nn.Module.parameter_list end)
    local Plain = nn.class "Plain"
    assert.is_nil(Plain.init)
    Plain.count = 1
    assert.equal(1, Plain().count)
  end)

  it("raises for what is set", function()
    fails("Linear has no 'wieght'; did you mean 'weight'?", function() model[1].wieght = luron.ones(3, 2) end)
    fails("in_features is an option of Linear, which stays as the layer was made with", function() model[1].in_features = 3 end)
    starts("a model has no fields to set, such as 'foo'", function() model.foo = 1 end) -- luacheck: ignore
    fails("a model keeps the layers that it was made with: nn.Sequential makes another", function() model[1] = nn.ReLU() end) -- luacheck: ignore
    fails("opt.groups[i].lr: number of at least 0.0 expected, got -1", function() opt.groups[1].lr = -1 end)
    fails("the optimiser has 1 group, there is no group 9", function() return opt.groups[9].lr end)
    fails("opt.groups is a list: opt.groups[1].lr", function() return opt.groups.lr end)
    local bad = Net()
    bad.forward = 3
    fails("the field forward of an instance of 'Net' is 3, and hides the method", function() local y = bad(luron.ones(1, 2)) return y end)
  end)

  it("raises for tensors", function()
    local x, none = luron.ones(2), ", and no layer type gives one"
    fails("tensors have no method 'sigmod'" .. none .. "; did you mean 'sigmoid'?", function() return x:sigmod() end)
    fails("tensors have no method 'numpy'" .. none .. "; here it is totable", function() return x:numpy() end)
    fails("tensors have no method 'expand_dims'" .. none .. "; here it is unsqueeze", function() return x:expand_dims(1) end)
    fails("tensors have no method 'type'" .. none .. "; here it is dtype(), and to \"int64\" changes it", function() return x:type "int64" end)
    fails("tensors have no method 'gelv'" .. none .. "; did you mean 'gelu', 'celu' or 'elu'?", function() return x:gelv() end)
  end)

  it("is said of options", function()
    starts("bad argument #3 to 'fit' (no option 'batch_size': it is called batch; options: ", function() luron.fit(model, ds, { batch_size = 2 }) end)
    starts("bad argument #3 to 'fit' (no option 'lr': give optim = luron.optim.AdamW(model, { lr = 1e-3 }); options: ", function() luron.fit(model, ds, { lr = 2 }) end)
    starts("bad argument #3 to 'fit' (no option 'collate_fn': give ds:loader { batch = 64, transform = fn } in", function()
      luron.fit(model, ds, { collate_fn = print })
    end)
    starts("bad argument #2 to 'save' (no option 'scheduler': give training = { schedule = schedule:state() }; options: ", function()
      model:save("f", { scheduler = 1 })
    end)
    starts("bad argument #2 to 'save' (no option 'optimizer': it is called optim; options: ", function() model:save("f", { optimizer = 1 }) end)
    local message = "bad argument #1 to 'loader' (no option 'batch_size': it is called batch; options: batch, drop_last, seed, shuffle, transform)"
    fails(message, function() ds:loader { batch_size = 2 } end)
    starts("bad argument #3 to 'evaluate' (no option 'epochs'; options: batch, loss, metrics)", function() luron.evaluate(model, ds, { epochs = 2 }) end)
  end)
end)

describe("layers, models and instances", function()
  local function list(iterator)
    local names = {}
    for name in iterator do names[#names + 1] = name end
    return names
  end

  it("have the same methods, which mean the same", function()
    local model = nn.Sequential { nn.Linear(2, 3), nn.Tanh() }
    local net = Net()
    assert.same({ "linear1", "tanh1" }, list(model:named_layers()))
    assert.same({ "a", "enc.linear1", "enc.tanh1", "list.1" }, list(net:named_layers()))
    assert.equal("Tanh", net:layer("enc.tanh1"):type())
    assert.is_nil(net:layer "enc")
    assert.same({ 9, 9, 9 + 12 + 1 + 4 }, { model[1]:n_weights(), model:n_weights(), net:n_weights() })
    for _, part in ipairs { model[1], model, net } do
      local dict = part:state_dict()
      assert.same(list(part:named_parameters()), (function()
        local names = {}
        for name in part:named_parameters() do names[#names + 1] = dict[name] and name end
        return names
      end)())
      local name, tensor = part:named_parameters()()
      assert.is_true(part:parameter(name):is_same(tensor))
      assert.is_nil(part:parameter "nothing")
      local copy = part:clone()
      copy:load_state_dict(part:state_dict())
      assert.is_true(copy:parameter(name):eq(tensor):all():item())
      starts("bad argument #1 to 'load_state_dict' (there is no tensor 'x')", function() part:load_state_dict { x = tensor } end)
      part:freeze()
      assert.is_false(tensor:requires_grad())
      part:unfreeze()
      assert.is_true(tensor:requires_grad())
    end
  end)

  it("apply a function from the inside out", function()
    local function paths(part)
      local seen = {}
      assert.equal(part, part:apply(function(_, path) seen[#seen + 1] = path end))
      return seen
    end
    assert.same({ "" }, paths(nn.ReLU()))
    assert.same({ "linear1", "tanh1", "" }, paths(nn.Sequential { nn.Linear(2, 3), nn.Tanh() }))
    assert.same({ "list.1", "enc.linear1", "enc.tanh1", "enc", "a", "" }, paths(Net()))
  end)

  it("have a summary", function()
    local text = Net():summary()
    assert.is_nil(text:find "input")
    for _, row in ipairs { "a +Linear +9\n", "enc.linear1 +Linear +12\n", "gain +%(parameter%) +1\n", "list.1 +Linear +4\n", "26 parameters, 26 of them trained" } do
      assert.is_truthy(text:find(row), row)
    end
    text = Net():summary { 5, 2 }
    assert.is_truthy(text:find "enc.tanh1 +Tanh +%(5, 3%) +0 +15\n")
    assert.is_truthy(text:find "26 parameters, 26 of them trained; [%d,]+ FLOPs forward")
  end)
end)

describe("'...' in an index", function()
  it("stands for the dims that are left", function()
    local x = luron.arange(1, 24):reshape(2, 3, 4)
    assert.same(x[":, :, 1"]:totable(), x["..., 1"]:totable())
    assert.same(x["1, :, 2:3"]:totable(), x["1, ..., 2:3"]:totable())
    assert.same({ 2, 3, 4 }, x["..."]:shape())
    assert.equal(x["2,3,4"]:item(), x["2, 3, ..., 4"]:item())
    assert.equal(1, luron.ones(1, 1, 1, 1, 1, 1, 1, 2)["1,1,1,1,...,1,1,1,2"]:item())
    local y = x:clone()
    y["..., 1"] = 0
    assert.equal(x:sum():item() - x["..., 1"]:sum():item(), y:sum():item())
    fails("index: '...' may stand there once", function() return x["..., 1, ..."] end)
    starts("index: '.., 1' is no list of positions", function() return x[".., 1"] end)
  end)
end)
