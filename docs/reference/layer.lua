-- Layers: constructors, application, methods. The types themselves come from the plugins (make_reference.lua).
return {
  title = "Layers",
  text = [[
A layer type is made with its options in the order of the list below, by name in a table, or both: `nn.Linear(784, 128)`,
`nn.Linear { 784, 128, bias = false }`, `nn.Linear { in_features = 784, out_features = 128 }`. Wrong options raise and list the valid ones. Types
of third-party plugins on the search path are there in the same way; an unknown name raises and says which names are near.

A layer is called: `layer(x)`. Losses take `(input, target)`. Optional inputs go last, in a table by name:
`loss(x, y, { weight = w })`. On graph nodes it gives a node. A layer without parameters also has a function,
`nn.relu(x)`, `nn.cross_entropy(x, y, { label_smoothing = 0.1, weight = w })`, which `luron` has too, `luron.relu(x)`, and tensors as a
method, `x:gelu { approximate = "tanh" }`. In `nn.Sequential` the layer stands: `nn.ReLU()`.

`layer.weight` is a parameter or state by its name, `layer.in_features` an option. `layer.weight = tensor` puts another tensor in the
place of the parameter: two layers may share one. Where the old one was trained the new one is too, from then on; a result of recorded operations
raises (`detach` it). What a layer does not have raises; `layer:parameter "weight"` is nil where there is none. `tostring(layer)` shows the options.
`layer:close()` lets go of it early. A layer alone is saved in a model: `nn.Sequential { layer }:save(path)`. Names of Keras raise and say what the layer and its options are called here.]],
  is = {
    { "tostring(nn.Linear(3, 2))", '"Linear(in_features = 3, out_features = 2, bias = true)"' },
    { "nn.leaky_relu(luron.tensor { -1.0, 1.0 }, { negative_slope = 0.5 })", "{ -0.5, 1.0 }" },
    { "nn.Linear(3, 2).weight:shape()", "{ 2, 3 }" },
    { 'nn.Conv2d(3, 8, 5, { padding = "same" })(luron.zeros(2, 3, 28, 28)):shape()', "{ 2, 8, 28, 28 }" },
    { 'nn.Conv1d { 1, 1, 3, stride = 2, padding = "causal", padding_mode = "replicate" }(luron.zeros(1, 1, 9)):shape()', "{ 1, 1, 5 }" },
  },
  raises = {
    { "nn.Linear(784, -3)", "bad argument #2 to 'Linear' (out_features: positive integer expected, got -3)" },
    { "nn.Linear { 3, 2, biass = false }", "no option 'biass'; options: in_features, out_features, bias" },
    { "nn.Linear(3, 2)(luron.zeros(5, 4))", "layer Linear { in_features = 3, out_features = 2, bias = true }: input has 4 features, in_features is 3; given input (5, 4)" },
    { 'nn.Conv2d(3, 8, 5, { padding = "full" })', "padding: same or valid expected, got 'full'" },
    { "nn.Linearr(3, 2)", "no layer type 'Linearr'; did you mean 'Linear'?" },
    { "nn.Dense(3, 2)", "nn has no 'Dense', Keras's name for nn.Linear: units is out_features, use_bias is bias" },
    { "nn.Linear(3, 2).weigth", "Linear has no 'weigth'; did you mean 'weight'?" },
  },
  {
    title = "Methods",
    { "layer:parameters(): Tensor[]", "List of the parameters.", is = { "#nn.Linear(3, 2):parameters()", "2" } },
    { "layer:named_parameters(): NamedTensors", "Iterator over names and parameters: `for name, tensor in layer:named_parameters() do`." },
    { "layer:parameter(name: string): Tensor?", "The parameter of that name; nil: there is none.", is = { 'nn.ReLU():parameter "weight"', "nil" } },
    { "layer:n_weights(): integer", "How many numbers are in all parameters.", is = { "nn.Linear(3, 2):n_weights()", "8" } },
    { "layer:state_dict(): table<string, Tensor>", "Parameters and state by name, shared, not copied." },
    { "layer:load_state_dict(dict: table<string, Tensor>): Layer", "Copies them in, all or nothing; missing names and other shapes raise." },
    { "layer:apply(fn: function): Layer", "Calls `fn(layer, \"\")`: as for models and instances of classes." },
    { "layer:freeze(name?: string): Layer", "No longer trains the parameter; all without an argument." },
    { "layer:unfreeze(name?: string): Layer", "Trains it again." },
    { "layer:named_states(): NamedTensors", "Iterator over what is saved and not trained." },
    { "layer:train(on?: boolean): Layer", "Training mode, which a new layer is in; `false` is `eval`. Gives the layer back." },
    { "layer:eval(): Layer", "Mode of use: dropout lets all through." },
    { "layer:is_training(): boolean", "Which of the two." },
    { "layer:to(dtype: string): Layer", "Casts parameters and state to `float32` or `float64`; gradients are dropped." },
    { "layer:dtype(): string", "The dtype of the layer." , is = { 'nn.Linear(3, 2):to("float64"):dtype()', '"float64"' } },
    { "layer:type(): string", "The name of its type." },
    { "layer:name(name?: string): string", "Its path in a model, for messages; with an argument sets it." },
    { "layer:options(): table", "Its options by name." },
    { "layer:reset(): Layer", "Draws the parameters anew." },
    { "layer:clone(): Layer", "A copy with parameters of its own." },
    { "layer:zero_grad(): Layer", "Drops the gradients of its parameters." },
    { "layer:infer(sizes...: integer[]): integer[] ...", "Shapes of the outputs for inputs of these shapes, without computing.", is = { "nn.Linear(3, 2):infer { 5, 3 }", "{ 5, 2 }" } },
    { "layer:n_outs(): integer", "Number of outputs." },
    { "layer:close()", "Lets go of the layer." },
    { "luron.is_layer(value: any): boolean", "Is the value a layer?" },
  },
  {
    title = "Recurrent layers",
    text = [[
`nn.LSTM`, `nn.GRU` and `nn.RNN` take sequences `(n, t, input_size)` and give `output (n, t, hidden_size)`, then the last states, `h_n` and for LSTM `c_n`,
`(layers * directions, n, hidden_size)`. First states are optional inputs of that shape, zeros where absent: `lstm(x, h, c)`, `gru(x, { h_0 = h })`.
Parameters have PyTorch's names, shapes and order of gates: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, then `..._reverse` with
`bidirectional = true`, and `..._l1` of the next layer, which reads the output of the one before; `dropout` works between layers alone. A layer
holds at most 16 parameters: 4 layers, or 2 in two directions. `nn.GRU { 3, 4, reset_after = false }` is Keras's other form. `nn.LSTMCell`, `nn.GRUCell`
and `nn.RNNCell` are one step, `(n, input_size)` to `(n, hidden_size)`, for loops of one's own: `h, c = cell(x, h, c)`.

`nn.Embedding(num_embeddings, embedding_dim)` gives rows of its weight by ids, which count from 1. The row of `padding_idx` begins as zeros and gets no
gradient. An output that shares the weight is `nn.Linear(embedding_dim, num_embeddings, { bias = false })` with `out.weight = embed.weight`: files keep
it shared. `nn.EmbeddingBag` adds up rows, bag by bag; its offsets are positions, which count from 1 too.]],
    is = {
      { "nn.LSTM(3, 4, { bidirectional = true })(luron.zeros(2, 5, 3)):shape()", "{ 2, 5, 8 }" },
      { "select(2, nn.GRU(3, 4, { num_layers = 2 })(luron.zeros(2, 5, 3))):shape()", "{ 2, 2, 4 }" },
      { "nn.LSTMCell(3, 4).weight_ih:shape()", "{ 16, 3 }" },
      { "nn.Embedding(9, 2)(luron.ones(2, 5, { dtype = 'int64' })):shape()", "{ 2, 5, 2 }" },
      { "nn.Embedding(9, 2, { padding_idx = 3 }).weight[3]", "{ 0.0, 0.0 }" },
    },
    raises = {
      { "nn.LSTM(3, 4, { num_layers = 5 })", "5 layers need 20 parameters, a layer holds at most 16: put several behind each other" },
      { "nn.RNN(3, 4)(luron.zeros(2, 0, 3))", "input has sequences of length 0, 1 or more expected" },
    },
  },
  {
    title = "Convolution, pooling and normalisation",
    text = [[
Layers of images take `(n, c, h, w)`, those of sequences `(n, c, l)`, of volumes `(n, c, d, h, w)`; convolution, pooling and instance normalisation do without `n` too.
Global pooling is `nn.AdaptiveAvgPool2d(1)` or `nn.AdaptiveMaxPool2d(1)`. `nn.MaxPool2dWithIndices` says too where each number lay in its plane, row by row from
1, as `nn.MaxUnpool2d` wants it: PyTorch's `return_indices`. `nn.Add`, `nn.Concatenate` and others of their kind take several inputs; one of a lower rank gets
sizes of 1 behind the batch, as in Keras.

`nn.BatchNorm1d`, `2d` and `3d` go by the statistics of the batch while they are trained, and by `running_mean` and `running_var` after `layer:eval()`. These
are state: saved with the model, changed by a forward pass in training alone, and once where `luron.recompute` makes it twice. A batch of one raises in
training. `momentum` is the share of the new batch, as in PyTorch: Keras's 0.99 is 0.01 here, its `epsilon` 1e-3, and its `moving_variance` is what
`unbiased = false` gives.]],
    is = {
      { "nn.Conv2d(1, 4, 3)(luron.zeros(1, 8, 8)):shape()", "{ 4, 6, 6 }" },
      { "nn.MaxPool2d(2)(luron.arange(1, 16):float():reshape(1, 1, 4, 4))", "{ { { { 6.0, 8.0 }, { 14.0, 16.0 } } } }" },
      { "nn.AvgPool1d { 3, stride = 1, padding = 1, count_include_pad = false }(luron.tensor { { 1.0, 2.0, 6.0 } })", "{ { 1.5, 3.0, 4.0 } }" },
      { "nn.AdaptiveAvgPool2d(1)(luron.ones(2, 3, 5, 7)):shape()", "{ 2, 3, 1, 1 }" },
      { "nn.BatchNorm1d { 1, eps = 0.0 }(luron.tensor { { 1.0 }, { 3.0 } })", "{ { -1.0 }, { 1.0 } }" },
      { "nn.LayerNorm { 2, eps = 0.0 }(luron.tensor { { 1.0, 3.0 }, { 4.0, 2.0 } })", "{ { -1.0, 1.0 }, { 1.0, -1.0 } }" },
      { "nn.BatchNorm2d(3):state_dict().running_var", "{ 1.0, 1.0, 1.0 }" },
      { "select(2, nn.MaxPool1dWithIndices(2)(luron.tensor { { 1.0, 5.0, 7.0, 2.0 } }))", "{ { 2, 3 } }" },
      { "nn.Add()(luron.zeros(2, 4), luron.ones(2, 3, 4)):shape()", "{ 2, 3, 4 }" },
      { "nn.normalize(luron.tensor { { 0.0, -4.0 } })", "{ { 0.0, -1.0 } }" },
    },
    raises = {
      { "nn.BatchNorm1d(2)(luron.ones(1, 2))", "1 value for each channel, training needs at least 2 (a batch of one: use eval mode)" },
      { "nn.MaxPool2d(3)(luron.ones(1, 1, 2, 5))", "a window of size 3 does not fit dimension 3, which has size 2 and padding 0 on both sides" },
      { "nn.GroupNorm(4, 6)", "num_channels 6 is not a multiple of num_groups 4" },
    },
  },
  {
    title = "Transposed, separable and local convolution",
    text = [[
`nn.ConvTranspose1d`, `2d` and `3d` are the way back of a convolution, larger by the stride: `(size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1`.
Their weight is `(in_channels, out_channels / groups, kernel_size)`, as in PyTorch. A depthwise convolution is `nn.Conv2d { c, c, 3, groups = c }`;
`nn.SeparableConv2d` adds one of size 1 behind it. `nn.LocallyConnected2d` has weights of its own at every place, `(places, out_channels, in_channels * kernel)`,
and so has to know `input_size`. `nn.Unfold` gives the blocks under a kernel as columns, `nn.Fold` adds them up again.]],
    is = {
      { "nn.ConvTranspose2d(8, 3, 4, { stride = 2, padding = 1 })(luron.zeros(1, 8, 7, 7)):shape()", "{ 1, 3, 14, 14 }" },
      { 'nn.SeparableConv2d(3, 8, 3, { padding = "same" })(luron.zeros(1, 3, 9, 9)):shape()', "{ 1, 8, 9, 9 }" },
      { "nn.LocallyConnected2d(3, 8, { 9, 7 }, 3).weight:shape()", "{ 35, 8, 27 }" },
      { "nn.Unfold(2)(luron.arange(1, 6):float():reshape(1, 2, 3))", "{ { 1.0, 2.0 }, { 2.0, 3.0 }, { 4.0, 5.0 }, { 5.0, 6.0 } }" },
      { "nn.Fold({ { 2, 3 }, 2 })(luron.ones(4, 2))", "{ { { 1.0, 2.0, 1.0 }, { 1.0, 2.0, 1.0 } } }" },
    },
    raises = {
      { "nn.ConvTranspose2d { 3, 3, 2, output_padding = 1 }", "output_padding is 1, less than stride, 1, or than dilation, 1, expected" },
      { "nn.ConvTranspose1d(2, 2, 1, { padding = 2 })(luron.zeros(1, 2, 3))", "output would have size -1: from an input of size 3 comes 3, and padding takes 4" },
    },
  },
  {
    title = "Padding and resizing",
    text = [[
`nn.ZeroPad2d`, `ConstantPad2d`, `ReflectionPad2d`, `ReplicationPad2d` and `CircularPad2d`, each also as `1d` and `3d`, work on the last dims. `padding` is one number for all sides,
or a list that begins with the last dim, as in PyTorch: `nn.ZeroPad2d { padding = { left, right, top, bottom } }`. A negative number cuts off. `nn.Cropping2d`
takes off what Keras's does, in Keras's order, `{ cropping = { top, bottom, left, right } }`.

`nn.Upsample` and `nn.interpolate` take `size`, one number or one a dim, or `scale_factor`, one number for all dims; `mode` is `nearest` (the rule of most other programs is
`nearest-exact`), `linear`, `bilinear`, `trilinear`, `bicubic` or `area`, and makes images smaller too.]],
    is = {
      { "nn.ReflectionPad1d(2)(luron.tensor { { 1.0, 2.0, 3.0 } })", "{ { 3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0 } }" },
      { "nn.ZeroPad2d { padding = { 1, -1, 0, 1 } }(luron.tensor { { { 1.0, 2.0 } } })", "{ { { 0.0, 1.0 }, { 0.0, 0.0 } } }" },
      { "nn.Cropping1d { cropping = { 1, 0 } }(luron.tensor { { 1.0, 2.0, 3.0 } })", "{ { 2.0, 3.0 } }" },
      { 'nn.interpolate(luron.tensor { { { 0.0, 4.0 } } }, { size = 3, mode = "linear", align_corners = true })', "{ { { 0.0, 2.0, 4.0 } } }" },
      { "nn.PixelShuffle(2)(luron.zeros(1, 8, 3, 5)):shape()", "{ 1, 2, 6, 10 }" },
    },
    raises = {
      { "nn.ReflectionPad1d(3)(luron.ones(1, 3))", "padding of 3 is too much for a size of 3: a reflection has to be less than the size" },
      { "nn.Upsample {}", "size or scale_factor has to be given" },
      { "nn.UpSampling2D(2)", "nn has no 'UpSampling2D', Keras's name for nn.Upsample" },
    },
  },
  {
    title = "Attention and sequences",
    text = [[
`nn.scaled_dot_product_attention(query, key, value, { attn_mask =, is_causal =, dropout_p =, scale =, enable_gqa = })` is the function; a bool mask says where a key is
seen, as in PyTorch, numbers are added, and a row that sees nothing gives zeros. `nn.MultiheadAttention(embed_dim, num_heads)` takes `(n, t, embed_dim)` and
gives output, weights, and all keys and values, `(n, t, heads, features)`; its bool masks say, as in PyTorch, which keys are left *out*. `key` and `value` may be absent
(attention to the query itself), `num_kv_heads` groups the queries, and `out_proj.weight` of PyTorch is `out_proj_weight`. For generation the keys and values of one call
are `past_key` and `past_value` of the next, whose causal mask then begins behind them; `rotary` turns queries and keys by their places as `nn.RotaryEmbedding` does. `nn.AdditiveAttention` is Keras's. `nn.SinusoidalPositionalEncoding` and
`nn.RotaryEmbedding` count places from the first, or take `positions`; learned positions are an `nn.Embedding`.

The four `nn.Transformer...` below are graphs with PyTorch's options (`dim_feedforward`, `dropout`, `activation`, `layer_norm_eps`, `norm_first`, `bias`) and names, and `is_causal`,
`num_kv_heads`, `rotary` and `cache`. Inputs: `src, src_mask, src_key_padding_mask`, or `tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask,
memory_key_padding_mask`; those behind `src` or `memory` may be nil. With `cache` each block takes `past_key` and `past_value` behind these, and gives keys and values.

`LSTM`, `GRU` and `RNN` take `lengths`, int64: outputs behind the end of a sequence are 0 and final states those of its end, as behind PyTorch's `pack_padded_sequence`; and
`mask`, bool `(n, t)`: where it is false state and output stay, as in Keras. What stands in such places has to be finite.]],
    is = {
      { "nn.scaled_dot_product_attention(luron.zeros(1, 2), luron.zeros(2, 2), luron.tensor { { 1.0 }, { 3.0 } })", "{ { 2.0 } }" },
      { "select('#', nn.MultiheadAttention(8, 2)(luron.ones(1, 3, 8)))", "4" },
      { "nn.RotaryEmbedding()(luron.tensor { { 1.0, 2.0 } })", "{ { 1.0, 2.0 } }" },
      { "(select(2, nn.GRU(1, 1, { bias = false })(luron.zeros(2, 3, 1), { lengths = luron.tensor({ 3, 1 }, { dtype = \"int64\" }) })))", "{ { { 0.0 }, { 0.0 } } }" },
    },
    raises = {
      { "nn.MultiheadAttention(8, 3)", "embed_dim 8 is not divisible by num_heads 3" },
      { 'nn.GRU(1, 1)(luron.zeros(2, 3, 1), { lengths = luron.tensor({ 3, 4 }, { dtype = "int64" }) })', "length 4 of sequence 2: 0 to 3 expected" },
    },
    { "nn.pad_sequence(tensors: Tensor[], options?: { padding_value: number }): Tensor, Tensor lengths", "Tensors (t, ...) of unequal t as one, (n, t, ...), with `padding_value` (0) behind the shorter ones; and how long each is.", is = { "nn.pad_sequence { luron.ones(1), luron.ones(2) }", "{ { 1.0, 0.0 }, { 1.0, 1.0 } }" }, raises = { "nn.pad_sequence { 3 }", "bad argument #1 to 'pad_sequence' (tensor expected at [1], got 3)" } },
    { "nn.TransformerEncoderLayer(d_model: integer, nhead: integer, options?: table): Model", "A block of an encoder: attention and two linear layers.", is = { "nn.TransformerEncoderLayer(8, 2, { is_causal = true })(luron.zeros(1, 3, 8)):shape()", "{ 1, 3, 8 }" }, raises = { "nn.TransformerEncoderLayer(8, 2, { depth = 3 })", "no option 'depth'; options: activation, bias, cache" } },
    { "nn.TransformerDecoderLayer(d_model: integer, nhead: integer, options?: table): Model", "A block of a decoder, which looks at a memory too.", is = { "nn.TransformerDecoderLayer(8, 2)(luron.zeros(1, 3, 8), luron.zeros(1, 5, 8)):shape()", "{ 1, 3, 8 }" } },
    { "nn.TransformerEncoder(layer: Model, num_layers: integer, norm?: Layer): Model", "Copies of a block one after the other; all begin with its parameters, as in PyTorch.", is = { "nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 2, nn.LayerNorm(8))(luron.zeros(1, 3, 8)):shape()", "{ 1, 3, 8 }" } },
    { "nn.TransformerDecoder(layer: Model, num_layers: integer, norm?: Layer): Model", "The same with blocks of a decoder.", is = { "#nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2), 2):inputs()", "6" } },
  },
  {
    title = "Cross entropy",
    text = [[
`nn.cross_entropy(x, target, options)` and `nn.CrossEntropyLoss(options)(x, target)` take class ids, `(n, ...)`, or probabilities, real numbers in the shape of `x`,
whose rows should sum to 1 (they are not looked at, as in PyTorch). `weight`, `label_smoothing` and `reduction` go with both, `ignore_index` with ids alone. Nodes
of `nn.Graph` do not tell what will come: there `nn.CrossEntropyLoss` takes ids and `nn.SoftCrossEntropyLoss` probabilities, as layers with hooks should: those of `nn.CrossEntropyLoss` see ids alone.]],
    is = {
      { "nn.CrossEntropyLoss()(luron.zeros(1, 2), luron.tensor { 1 }):item() == nn.CrossEntropyLoss()(luron.zeros(1, 2), luron.tensor { { 1.0, 0.0 } }):item()", "true" },
    },
    raises = {
      { "nn.cross_entropy(luron.zeros(1, 2), luron.tensor { { 1.0, 0.0 } }, { ignore_index = 2 })", "ignore_index goes with class ids, and the target holds probabilities" },
    },
  },
  {
    title = "First values of parameters",
    text = [[
`init` stands for `nn.init`. Each function fills a tensor in place, without a tape, and returns it. The same names stand among the options of layers:
`nn.Linear { 784, 128, weight_init = "kaiming_normal(0.2, fan_out)", bias_init = "zeros" }`. Of a weight `[out, in, ...]`, `fan_in` is how many numbers
go into one output, `fan_out` how many outputs read one input. Names and numbers are PyTorch's; Keras's `glorot`, `he` and `identity` raise and
say which name is meant.]],
    raises = { { "nn.Linear { 3, 2, weight_init = 'he_normal' }", "Linear: weight_init: no initialiser 'he_normal'; here it is 'kaiming_normal'" } },
    { "init.zeros_(t: Tensor): Tensor", "0" }, { "init.ones_(t: Tensor): Tensor", "1" },
    { "init.constant_(t: Tensor, value: number): Tensor", "The value.", is = { "nn.init.constant_(luron.zeros(2), 3)", "{ 3.0, 3.0 }" } },
    { "init.uniform_(t: Tensor, low?: number, high?: number): Tensor", "Uniform from low (0) to high (1)." },
    { "init.normal_(t: Tensor, mean?: number, std?: number): Tensor", "Normal, of mean 0 and deviation 1." },
    { "init.trunc_normal_(t: Tensor, mean?: number, std?: number): Tensor", "Normal, cut off two deviations from the mean." },
    { "init.xavier_uniform_(t: Tensor, gain?: number): Tensor", "Uniform within gain (1) times sqrt(6 / (fan_in + fan_out)); Keras: glorot_uniform." },
    { "init.xavier_normal_(t: Tensor, gain?: number): Tensor", "Normal, of deviation gain (1) times sqrt(2 / (fan_in + fan_out))." },
    { "init.kaiming_uniform_(t: Tensor, slope?: number, mode?: string): Tensor", "Uniform within sqrt(6 / ((1 + slope^2) fan)); slope (0) of the leaky relu behind, mode \"fan_in\" or \"fan_out\"; Keras: he_uniform." },
    { "init.kaiming_normal_(t: Tensor, slope?: number, mode?: string): Tensor", "Normal, of deviation sqrt(2 / ((1 + slope^2) fan))." },
    { "init.lecun_uniform_(t: Tensor): Tensor", "Uniform within sqrt(3 / fan_in), as in Keras." },
    { "init.lecun_normal_(t: Tensor): Tensor", "Normal, of deviation sqrt(1 / fan_in), cut off at two deviations, as in Keras." },
    { "init.eye_(t: Tensor, gain?: number): Tensor", "gain (1) on the diagonal of a matrix, else 0.", is = { "nn.init.eye_(luron.zeros(2, 2))", "{ { 1.0, 0.0 }, { 0.0, 1.0 } }" } },
    { "init.dirac_(t: Tensor, groups?: integer): Tensor", "The weight of a convolution that passes channels on as they are." },
    { "init.orthogonal_(t: Tensor, gain?: number): Tensor", "Rows (or columns, of which there are fewer) at right angles to each other, of length gain (1)." },
    { "init.sparse_(t: Tensor, part?: number, std?: number): Tensor", "Normal, of deviation std (0.01), with that part (0.9) of each column 0." },
  },
}
