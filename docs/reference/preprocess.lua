-- What makes data fit for a network.
return {
  title = "Preprocessing",
  text = [[
Layers of Keras's names: `nn.Normalization`, `nn.Rescaling`, `nn.CategoryEncoding`, `nn.Discretization`,
and for images, in training alone, `nn.RandomFlip` and `nn.RandomCrop`. What they have to know of the
data is state, which `luron.adapt` fits to the training set before training, and which the model and its checkpoint keep. Words become ids outside of models, for
tensors hold no strings: by lookups, Lua objects whose `state()` goes into a checkpoint's `preprocessing`.

```lua
local luron = require "luron"
local nn = luron.nn

local train = luron.tensor { { 150, 1 }, { 170, 3 }, { 190, 5 } }
local model = nn.Sequential { luron.adapt(nn.Normalization(2), train), nn.Linear(2, 1) }
print(model[1].mean, model[1](train:float()):select(2, 1))

local words = luron.preprocess.TextVectorization():adapt { "The cat sat.", "the dog" }
print(table.concat(words:vocabulary(), ","), words { "a cat" })
model:save("model.h5", { preprocessing = { words = words:state() } })
local again = luron.preprocess.restore(luron.checkpoint("model.h5").preprocessing.words)
print(#again)
os.remove "model.h5"
```

```text
tensor (2,) float32
  170.0000    3.0000	tensor (3,) float32
  -1.2247   0.0000   1.2247
,[UNK],the,sat,dog,cat	tensor (1, 2) int64
  2  6
6
```

Id 1 stands for padding where a lookup has a mask (of `TextVectorization` with ids `""`; give it to `nn.Embedding` as `padding_idx`), the next one for words that are
not known. Keras's ids are less by one. Punctuation and capitals are those of ASCII.]],
  is = {
    { "nn.Rescaling(1 / 255)(luron.tensor { 0.0, 255 })", "{ 0.0, 1.0 }" },
    { "nn.CategoryEncoding(3)(luron.tensor { { 1, 3 }, { 2, 2 } })", "{ { 1.0, 0.0, 1.0 }, { 0.0, 1.0, 0.0 } }" },
    { "nn.CategoryEncoding(3, \"one_hot\")(luron.tensor { 2, 1 })", "{ { 0.0, 1.0, 0.0 }, { 1.0, 0.0, 0.0 } }" },
    { "nn.CategoryEncoding(3, \"count\")(luron.tensor { { 2, 2 } })", "{ { 0.0, 2.0, 0.0 } }" },
    { "nn.RandomCrop(1, 2):eval()(luron.tensor { { { 1.0, 2.0 }, { 3.0, 4.0 }, { 5.0, 6.0 } } })", "{ { { 3.0, 4.0 } } }" },
  },
  { "luron.adapt(layer: Layer, data: Tensor|Dataset|number[]): Layer",
    "Fits the state of a layer to a tensor, or to the first tensors of a dataset, transformed: `mean` and `variance` of `nn.Normalization`, `bin_boundaries` of `nn.Discretization` such that each bin has as many numbers; a list of numbers is taken as its boundaries.",
    is = { { "luron.adapt(nn.Normalization(1), luron.tensor { { 1.0 }, { 3.0 } }).variance", "{ 1.0 }" },
      { "luron.adapt(nn.Discretization(3), { 0, 10 })(luron.tensor { -5.0, 0, 99 })", "{ 1, 2, 3 }" } },
    raises = { { "luron.adapt(nn.ReLU(), luron.ones(2))", "a layer that is fitted to data expected (Normalization, Discretization), got ReLU" } } },
  { "preprocess.StringLookup(options?: table): Lookup",
    "Words, in a list or a list of lists, as ids. Options: vocabulary (a list), max_tokens, num_oov_indices (1: ids for words that are not known; 0: they raise), oov_token (`\"[UNK]\"`), mask_token.",
    is = { "luron.preprocess.StringLookup({ vocabulary = { \"b\", \"c\" } })({ \"c\", \"a\" })", "{ 3, 1 }" } },
  { "preprocess.IntegerLookup(options?: table): Lookup", "Integers, in lists or a tensor, likewise; oov_token is -1.",
    is = { "luron.preprocess.IntegerLookup({ vocabulary = { 20, 10 } })(luron.tensor { 10, 7 })", "{ 3, 1 }" } },
  { "preprocess.TextVectorization(options?: table): Lookup",
    "Texts, in a list, as rows of the ids of their words, padded to the longest or to output_sequence_length, where they are cut. Options: vocabulary, max_tokens, standardize (`\"lower_and_strip_punctuation\"`, `\"lower\"`, `\"strip_punctuation\"`, false or a function of the text), split (`\"whitespace\"`, `\"character\"` or a function that gives a list), ngrams (1), output_mode: `\"int\"`, or `\"multi_hot\"` and `\"count\"`, rows over the vocabulary.",
    is = { "luron.preprocess.TextVectorization({ vocabulary = { \"the\", \"cat\" } })({ \"The cat!\", \"cat\" })", "{ { 3, 4 }, { 4, 1 } }" },
    raises = { "luron.preprocess.TextVectorization({ split = \"x\" })", "split: one of 'character', 'whitespace' expected, got 'x'" } },
  { "preprocess.restore(state: table): Lookup", "A lookup from what `lookup:state()` gave." },
  { "lookup:adapt(data: any): Lookup", "Its vocabulary from data: the most frequent first, of equal ones the later in the order of strings.",
    is = { "luron.preprocess.StringLookup():adapt({ \"a\", \"b\", \"b\" }):vocabulary()", "{ \"[UNK]\", \"b\", \"a\" }" } },
  { "lookup:vocabulary(): any[]", "All tokens in the order of their ids; `#lookup` is their number." },
  { "lookup:state(): table", "What a checkpoint keeps of it; functions among the options raise." },
}
