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
`layer:close()` lets go of it early. Names of Keras raise and say what the layer and its options are called here.]],
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
