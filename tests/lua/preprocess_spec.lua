-- luron.adapt and luron.preprocess: what is fitted to data, kept in checkpoints, and refused; luron.data.graphs and gcn_norm.
local luron = require "luron"
local nn, preprocess = luron.nn, luron.preprocess
local values = dofile(os.getenv "LURON_TEST_SOURCE" .. "/tests/data/preprocess_values.lua")

local function is(want, t) assert.are.same(want, t:totable()) end
local function near(want, t)
  for i, value in ipairs(t:reshape(-1):totable()) do assert.is_true(math.abs(value - want[i]) < 1e-6 * (1 + math.abs(want[i])), i .. ": " .. value) end
end
local function fails(part, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_truthy(message:find("preprocess_spec.lua:", 1, true), message)
  assert.is_truthy(message:find(part, 1, true), message)
end

describe("luron.adapt", function()
  local data = luron.tensor(values.data, { dtype = "float64" }):reshape(40, 3)

  it("fits Normalization as Keras does, to tensors and datasets, and a checkpoint keeps it", function()
    for _, from in ipairs { data, data:to "float32", luron.data.tensors(data), luron.data.tensors(data:narrow(1, 1, 40), luron.ones(40)) } do
      local layer = luron.adapt(nn.Normalization(3), from)
      near(values.mean, layer.mean)
      near(values.variance, layer.variance)
    end
    local large = luron.adapt(nn.Normalization(3):to "float64", data + 1e6)
    assert.is_true(math.abs(large.variance[1]:item() - values.variance[1]) < 1e-9)
    local columns = luron.adapt(nn.Normalization { num_features = 40, axis = 1 }, data)
    near(data:mean(2):totable(), columns.mean)
    local model = nn.Sequential { luron.adapt(nn.Normalization(0), data), nn.Linear(3, 2) }
    local path = os.tmpname()
    model:save(path)
    local loaded = assert(luron.load(path))
    os.remove(path)
    is(model(data:float()):totable(), loaded(data:float()))
    near({ data:mean():item() }, loaded[1].mean)
  end)

  it("fits Discretization, or takes boundaries", function()
    local layer = luron.adapt(nn.Discretization(4), data:select(2, 1))
    near(values.boundaries, layer.bin_boundaries)
    is({ 1, 2, 2, 3 }, luron.adapt(nn.Discretization(3), { 0, 2.5 })(luron.tensor { -1.0, 0, 2, 2.5 }))
    is({ 1, 1 }, luron.adapt(nn.Discretization(1), data)(luron.ones(2)))
    is({ { 0, 1 }, { 1, 0 } }, nn.CategoryEncoding(2, "one_hot")(luron.adapt(nn.Discretization(2), { 0.5 })(luron.tensor { 1.0, 0 })))
  end)

  it("refuses other layers and data", function()
    fails("a layer that is fitted to data expected (Normalization, Discretization), got ReLU", luron.adapt, nn.ReLU(), data)
    fails("layer expected, got nil", luron.adapt)
    fails("data: tensor or dataset expected, got 3", luron.adapt, nn.Normalization(3), 3)
    fails("data: 4 features along axis -1 expected, got shape (40, 3)", luron.adapt, nn.Normalization(4), data)
    fails("there are no numbers in it", luron.adapt, nn.Normalization(3), luron.zeros(0, 3))
    fails("numbers expected that are finite", luron.adapt, nn.Normalization(1), luron.tensor { { 0 / 0 } })
    fails("2 boundaries for 3 bins expected, got 1", luron.adapt, nn.Discretization(3), { 1.5 })
    fails("number expected at [2], got 'x'", luron.adapt, nn.Discretization(3), { 1, "x" })
    fails("boundaries have to rise, [2] does not", luron.adapt, nn.Discretization(3), { 1, 1 })
  end)
end)

describe("luron.preprocess", function()
  it("gives ids of words", function()
    local words = preprocess.StringLookup():adapt { "b", "a", "b", { "c" } }
    assert.are.same({ "[UNK]", "b", "c", "a" }, words:vocabulary())
    assert.equal(4, #words)
    is({ 4, 2, 1 }, words { "a", "b", "zz" })
    is({ { 4 }, { 3 } }, words { { "a" }, { "c" } })
    is({ 2, 3, 1 }, preprocess.StringLookup { vocabulary = { "x" }, mask_token = "" } { "q", "x", "" })
    local two = preprocess.StringLookup { vocabulary = { "x" }, num_oov_indices = 2 }
    assert.are.same(two({ "p", "q", "x" }):totable(), two({ "p", "q", "x" }):totable())
    assert.equal(3, two({ "x" })[1]:item())
    assert.are.same({ "[UNK]", "b" }, preprocess.StringLookup({ max_tokens = 2 }):adapt({ "b", "a", "b" }):vocabulary())
    assert.equal("StringLookup of 3 tokens", tostring(two))
  end)

  it("gives ids of integers", function()
    local lookup = preprocess.IntegerLookup():adapt(luron.tensor { { 7, 3 }, { 7, 9 } })
    assert.are.same({ -1, 7, 9, 3 }, lookup:vocabulary())
    is({ { 2, 4 }, { 1, 3 } }, lookup(luron.tensor { { 7, 3 }, { 5, 9 } }))
    is({ 2 }, lookup { 7 })
  end)

  it("takes texts apart", function()
    local texts = preprocess.TextVectorization():adapt { "The cat sat.", "the Dog" }
    assert.are.same({ "", "[UNK]", "the", "sat", "dog", "cat" }, texts:vocabulary())
    is({ { 3, 6, 1, 1 }, { 2, 5, 4, 2 } }, texts { "The cat!", "a dog sat on" })
    is({ { 3, 6 } }, preprocess.TextVectorization { output_sequence_length = 2, vocabulary = { "the", "dog", "sat", "cat" } } "the cat sat")
    local pairs_of = preprocess.TextVectorization({ output_mode = "count", ngrams = 2 }):adapt { "a b", "b" }
    assert.are.same({ "[UNK]", "b", "a b", "a" }, pairs_of:vocabulary())
    is({ { 2, 2, 0, 1 } }, pairs_of { "b b a" })
    is({ { 1, 1 } }, preprocess.TextVectorization { output_mode = "multi_hot", vocabulary = { "b" } } { "b b a" })
    is({ { 3, 4, 3 } }, preprocess.TextVectorization { split = "character", standardize = false, vocabulary = { "é", "A" } } { "éAé" })
    assert.are.same({ 0, 0 }, texts({}):shape())
    is({ { 3, 2 } }, preprocess.TextVectorization { split = function(text) return { text:match "(%w+),(%w+)" } end, standardize = false, vocabulary = { "x" } } { "x,y" })
  end)

  it("goes into a checkpoint and comes back", function()
    local path = os.tmpname()
    local texts, ids = preprocess.TextVectorization({ max_tokens = 9 }):adapt { "one two", "two" }, preprocess.IntegerLookup { vocabulary = { 5 }, mask_token = 0 }
    nn.Sequential({ nn.Linear(1, 1) }):save(path, { preprocessing = { texts = texts:state(), ids = ids:state() } })
    local checkpoint = assert(luron.checkpoint(path))
    os.remove(path)
    local again, other = preprocess.restore(checkpoint.preprocessing.texts), preprocess.restore(checkpoint.preprocessing.ids)
    assert.are.same(texts:vocabulary(), again:vocabulary())
    is(texts({ "two three" }):totable(), again { "two three" })
    is({ 3, 1, 2 }, other { 5, 0, 7 })
  end)

  it("refuses what it cannot do", function()
    fails("no option 'spli'; options: max_tokens", preprocess.TextVectorization, { spli = "x" })
    fails("split: one of 'character', 'whitespace' expected, got 'x'", preprocess.TextVectorization, { split = "x" })
    fails("split: a list expected from it, got 'A B'", preprocess.TextVectorization { split = string.upper, standardize = false }, "a b")
    fails("split: a string expected at [1], got 1", preprocess.TextVectorization { split = function() return { 1 } end }, "a b")
    fails("standardize: a string expected from it, got ", preprocess.TextVectorization { standardize = utf8.codes }, "a b")
    fails("max_tokens: positive integer expected, got 0", preprocess.StringLookup, { max_tokens = 0 })
    fails("vocabulary: 'a' comes a second time at [2]", preprocess.StringLookup, { vocabulary = { "a", "a" } })
    fails("vocabulary: string expected at [1], got 3", preprocess.StringLookup, { vocabulary = { 3 } })
    fails("3 tokens with those for mask and unknown ones, max_tokens is 2", preprocess.StringLookup, { vocabulary = { "a", "b" }, max_tokens = 2 })
    local words = preprocess.StringLookup { vocabulary = { "a" }, num_oov_indices = 0 }
    fails("'b' is not in the vocabulary, and num_oov_indices is 0", function() return words { "b" } end)
    fails("strings expected, got 3", words.adapt, words, { 3 })
    fails("texts: list of strings expected, got 3", function() return preprocess.TextVectorization() { 3 } end)
    fails("state: split is a function, which no file holds", function() preprocess.TextVectorization({ split = string.upper }):state() end)
    fails("what lookup:state() gives expected", preprocess.restore, { kind = "x" })
    fails("rows as long as the first, 1, expected, got 2 at [2]", function() return words { { "a" }, { "a", "a" } } end)
    fails("luron.preprocess has no 'StringLookp'; did you mean 'StringLookup'", function() return preprocess.StringLookp end)
  end)
end)

describe("graphs as data", function()
  local edges = luron.tensor { { 1, 2, 3, 2 }, { 2, 3, 1, 2 } }
  local none = luron.zeros(2, 0, { dtype = "int64" })

  it("go side by side", function()
    local g = luron.data.graphs { { x = luron.ones(3, 2), edge_index = edges, y = 2 }, { x = luron.zeros(1, 2), edge_index = none, y = 1 },
      { x = luron.ones(2, 2), edge_index = luron.tensor { { 1 }, { 2 } }, y = luron.tensor(3) } }
    is({ { 1, 2, 3, 2, 5 }, { 2, 3, 1, 2, 6 } }, g.edge_index)
    is({ 1, 1, 1, 2, 3, 3 }, g.batch)
    is({ 1, 4, 5, 7 }, g.ptr)
    is({ 2, 1, 3 }, g.y)
    is({ { 3, 3 }, { 0, 0 }, { 2, 2 } }, nn.GlobalAddPool()(g.x, g.batch, g.ptr))
    fails("graphs[1].edge_index: ids within 1 to 2, its nodes, expected, got 1 to 3", luron.data.graphs, { { x = luron.ones(2, 2), edge_index = edges } })
    fails("graphs[2]: y in all graphs or in none expected", luron.data.graphs, { { x = g.x, edge_index = none, y = 1 }, { x = g.x, edge_index = none } })
    fails("graphs[1].edge_weight: one for each of 4 edges expected, got 3", luron.data.graphs, { { x = g.x, edge_index = edges, edge_weight = luron.ones(3) } })
    fails("graphs[1].x: tensor expected, got nil", luron.data.graphs, { {} })
    fails("list of at least one expected", luron.data.graphs, {})
  end)

  it("go through planned steps with the bits of eager ones", function()
    for _, make in ipairs { function() return nn.GCNConv(5, 4) end, function() return nn.SAGEConv(5, 4, "max", true) end, function() return nn.GINConv(0.5, true) end,
      function() return nn.GATConv { 5, 2, heads = 2, dropout = 0.5 } end, function() return nn.GATv2Conv { 5, 2, heads = 2 } end } do
      local results = {}
      for k, wrap in ipairs { function(step) return step end, luron.compile } do
        luron.seed(3)
        local layer, x, ids = make(), luron.randn(6, 5), luron.tensor { { 1, 2, 3, 2, 6, 4, 4 }, { 2, 3, 1, 2, 1, 1, 2 } }
        local v, opt = luron.randn(6, luron.no_grad(layer, x, ids):size(2)), luron.optim.SGD(layer, { lr = 0.1 })
        local step = wrap(function(a, e, g)
          opt:zero_grad()
          local y = layer(a, e)
          local loss = (y * g):sum()
          loss:backward()
          opt:step()
          return y
        end)
        results[k] = {}
        for _ = 1, 5 do table.insert(results[k], step(x, ids, v):tobytes()) end
        for _, t in ipairs(layer:parameters()) do table.insert(results[k], t:tobytes()) end
        if k == 2 then assert.is_truthy(luron.explain(step):find("run 3 times", 1, true), luron.explain(step)) end
      end
      assert.are.same(results[1], results[2])
    end
  end)

  it("are normalised once for all steps", function()
    local x, w = luron.randn(4, 3), luron.tensor { 0.5, 1, 2, 1.5 }
    local each, before = nn.GCNConv(3, 2), nn.GCNConv(3, 2, { normalize = false })
    before:load_state_dict(each:state_dict())
    assert.is_true((each(x, edges, w) - before(x, luron.data.gcn_norm(edges, w, 4))):abs():max():item() < 1e-6)
    assert.is_true((each(x, edges) - before(x, luron.data.gcn_norm(edges, nil, 4))):abs():max():item() < 1e-6)
    local _, twice = luron.data.gcn_norm(none, nil, 2, { improved = true })
    near({ 1, 1 }, twice)
    fails("edge_index: tensor (2, edges) expected", luron.data.gcn_norm, x, nil, 4)
    fails("n: number of nodes expected, got nil", luron.data.gcn_norm, edges)
    fails("edge_weight: tensor (4), one for each edge, expected, got ", luron.data.gcn_norm, edges, "w", 4)
    fails("options: table expected, got ", luron.data.gcn_norm, edges, nil, 4, print)
  end)
end)
