---@meta luron
-- Written by docs/make_reference.lua: what an editor with the Lua language server shows and checks.

---@alias luron.CyclicOptions { base_lr: number|number[], max_lr: number|number[], step_size_up: number?, step_size_down: number?, mode: string?, gamma: number?, scale_fn: function?, scale_mode: string?, cycle_momentum: boolean?, base_momentum: number?, max_momentum: number? }
---@alias luron.FitOptions { epochs: integer?, first_epoch: integer?, batch: integer?, shuffle: boolean?, loss: string|function|luron.Layer|nil, optim: luron.Optimizer?, validate: luron.Dataset|luron.Loader|nil, progress: boolean?, callbacks: function[]?, accumulate: integer?, clip_norm: number?, clip_value: number?, schedule: luron.Schedule?, early_stop: table?, penalty: table<string, function>?, activity: table<string, function>?, constrain: table<string, function>?, prune: luron.Pruning?, metrics: table? }
---@alias luron.LBFGSOptions { lr: number?, max_iter: integer?, max_eval: integer?, tolerance_grad: number?, tolerance_change: number?, history_size: integer?, line_search_fn: string? }
---@alias luron.NamedLayers fun(): string?, luron.Layer?
---@alias luron.NamedTensors fun(): string?, luron.Tensor?
---@alias luron.OneCycleOptions { max_lr: number|number[], total_steps: integer?, epochs: integer?, steps_per_epoch: integer?, pct_start: number?, anneal_strategy: string?, cycle_momentum: boolean?, base_momentum: number?, max_momentum: number?, div_factor: number?, final_div_factor: number?, three_phase: boolean? }
---@alias luron.PlateauOptions { mode: string?, factor: number?, patience: integer?, threshold: number?, threshold_mode: string?, cooldown: integer?, min_lr: number|number[]|nil, eps: number?, metric: string? }
---@alias luron.SaveOptions { optim: luron.Optimizer?, epoch: integer?, step: integer?, history: table?, loader: luron.Loader?, ema: luron.Average?, prune: luron.Pruning?, preprocessing: table?, training: table?, keep_prev: boolean?, format: string?, trace: luron.Model|luron.Tensor|luron.Tensor[]|nil }
---@alias luron.TensorOptions { dtype: string?, requires_grad: boolean? }
---@alias luron.MetricOptions { threshold: number?, ignore_index: integer? }
---@alias luron.AverageOptions { average: string?, threshold: number?, ignore_index: integer?, beta: number? }
---@alias luron.AreaOptions { average: string?, ignore_index: integer? }
---@alias luron.KappaOptions { weights: string?, threshold: number?, ignore_index: integer? }
---@alias luron.ConfusionOptions { normalize: string?, classes: string[]?, threshold: number?, ignore_index: integer? }

---@class luron.Node
local Node = {}

---@class luron.Tensor
---@field [integer|string|table] luron.Tensor|number
---@operator add(luron.Tensor|number): luron.Tensor
---@operator sub(luron.Tensor|number): luron.Tensor
---@operator mul(luron.Tensor|number): luron.Tensor
---@operator div(luron.Tensor|number): luron.Tensor
---@operator idiv(luron.Tensor|number): luron.Tensor
---@operator mod(luron.Tensor|number): luron.Tensor
---@operator pow(luron.Tensor|number): luron.Tensor
---@operator unm: luron.Tensor
---@operator band(luron.Tensor|boolean): luron.Tensor
---@operator bor(luron.Tensor|boolean): luron.Tensor
---@operator bxor(luron.Tensor|boolean): luron.Tensor
---@operator bnot: luron.Tensor
---@operator concat(string): string
---@operator len: integer
local Tensor = {}

---@class luron.Layer
---@field weight luron.Tensor?
---@field bias luron.Tensor?
---@overload fun(...: luron.Tensor|luron.Node|table): luron.Tensor ...
local Layer = {}

---@class luron.Model
---@field [integer] luron.Layer
---@overload fun(...: luron.Tensor|luron.Node): luron.Tensor ...
local Model = {}

---@class luron.Module
---@overload fun(...: any): any
local Module = {}

---@class luron.Optimizer
---@field groups table[]
local Optimizer = {}

---@class luron.Dataset
---@field classes string[]?
---@field tensors luron.Tensor[]
---@field name string?
---@operator len: integer
local Dataset = {}

---@class luron.Loader
---@overload fun(): luron.Tensor, luron.Tensor
---@operator len: integer
local Loader = {}

---@class luron.Checkpoint
---@field epoch integer?
---@field step integer?
---@field history table?
---@field preprocessing table
---@field training table
---@field path string
local Checkpoint = {}

---@class luron.Progress
local Progress = {}

---@class luron.OpContext
local OpContext = {}

---@class luron.Schedule
local Schedule = {}

---@class luron.Average
local Average = {}

---@class luron.Pruning
local Pruning = {}

---@class luron.Sparse
local Sparse = {}

---@class luron.Lookup
---@overload fun(data: any): luron.Tensor
---@operator len: integer
local Lookup = {}

---@class luron.HookHandle
local HookHandle = {}

---@class luron.Metric
local Metric = {}

---@class luron.Compiled
---@overload fun(...: any): luron.Tensor? ...
local Compiled = {}

---@class luron.init
local init = {}

---@class luron.nn
---@field Module luron.Module
---@field init luron.init
local nn = {}

---@class luron.optim
local optim = {}

---@class luron.data
local data = {}

---@class luron.schedule
local schedule = {}

---@class luron.metrics
local metrics = {}

---@class luron.linalg
local linalg = {}

---@class luron.sparse
local sparse = {}

---@class luron.preprocess
local preprocess = {}

---@class luron.boxes
local boxes = {}

---@class luron.regularizer
local regularizer = {}

---@class luron.constraint
local constraint = {}

---@class luron
---@field version string
---@field abi_major integer
---@field status table<string, integer>
---@field nn luron.nn
---@field optim luron.optim
---@field data luron.data
---@field schedule luron.schedule
---@field metrics luron.metrics
---@field linalg luron.linalg
---@field sparse luron.sparse
---@field preprocess luron.preprocess
---@field boxes luron.boxes
---@field regularizer luron.regularizer
---@field constraint luron.constraint
local luron = {}

--- Seed of all random numbers. The same seed gives the same bits at any number of threads.
---@param seed integer
function luron.seed(seed) end

--- The whole random state.
---@return integer seed
---@return integer position
function luron.random_state() end

--- Puts it back.
---@param seed integer
---@param position integer
function luron.set_random_state(seed, position) end

--- Threads of parallel loops, 1 to 256; with an argument sets it. Results do not depend on it.
---@param n? integer
---@return integer
function luron.threads(n) end

--- Instruction set of the kernels in use: `avx512`, `avx2`, `neon` or `plain`.
---@return string
function luron.isa() end

--- What tensors, tape and models hold now.
---@return integer bytes
---@return integer blocks
function luron.memory() end

--- Bytes that tensors, tape and models may hold at most; 0, as at first: no limit. With an argument sets it. What would lead above it raises. Garbage that is not collected yet counts. For models from strangers: a file of few bytes can describe a graph that asks for any amount when it runs.
---@param bytes? integer
---@return integer
function luron.memory_limit(bytes) end

--- Collects garbage and gives memory that is kept for reuse back to the system, that of plans for results in between too, which their next run takes anew.
function luron.trim() end

--- Runs fn(...) and lets go of every tensor made in it but those that it returns, alone or in tables.
---@param fn function
---@param ... any
---@return any
function luron.scope(fn, ...) end

--- Looks for faults of plugins while they run: every callback runs on copies first, several times, and what it does wrong raises, with plugin, layer and place. Some thirty times as slow; off at first. With an argument sets it; `"pages"`: what reads outside its tensors ends the process, for `luron plugin check`.
---@param on? boolean|string
---@return boolean|string
function luron.strict(on) end

--- Seconds from some moment on, by a clock that is never set back.
---@return number
function luron.clock() end

--- For tests: the k-th allocation from now fails, with `sticky` all after it too; 0 switches it off.
---@param k integer
---@param sticky? boolean
function luron.fail_alloc(k, sticky) end

--- What something does, and which options it has: a layer type, optimiser or file format of a plugin, a function, a schedule, a method; by its name, or as it is written, `"x:sum"`, `"luron.optim.LBFGS"`. Without a name the list of all.
---@param name? string
---@return string
function luron.help(name) end

--- Names of all types of a kind, `"layer"` (unless given), `"optim"` or `"format"`, of all plugins on the path; with `loaded` of those alone that are loaded by now.
---@param kind? string
---@param loaded? boolean
---@return string[]
function luron.types(kind, loaded) end

--- A type as a table: name, function_name, doc, options and inputs (names in order), is_loss, plugin, plugin_version, plugin_path, abi; and whole: schema (options), ports and outputs as lists of tables, flags and forms as sets.
---@param kind string
---@param name string
---@return table?
---@return string? message
---@return string? code
function luron.type_info(kind, name) end

--- The plugin files on the path and those that were loaded, each as `{ path = ..., refused = reason }`; `refused` is nil where it was loaded.
---@return table[]
function luron.plugins() end

--- Loads a plugin file; the path must have a `/`. nil, message, code if it is refused.
---@param path string
---@return boolean?
---@return string? message
---@return string? code
function luron.load_plugin(path) end

--- Loads the file of a loaded plugin, given by its name, again: all layers and optimisers of its types get the new code and keep weights, gradients and state (docs/plugins.md). true; nil, message, code if the new file is refused, and then nothing has changed; raises if no loaded plugin has that name.
---@param plugin string
---@return boolean?
---@return string? message
---@return string? code
function luron.reload(plugin) end

--- Notes in a folder's `index` which plugin has which names (`luron plugin index DIR`).
---@param dir string
function luron.plugin_index(dir) end

--- From a number, a boolean or nested tables. Integers give int64, any float the default dtype, booleans bool. Ragged tables, and numbers that do not fit the dtype, raise and name the place.
---@param data number|boolean|table
---@param options? luron.TensorOptions
---@return luron.Tensor
function luron.tensor(data, options) end

--- Filled with 0. Without sizes: a tensor of no dims, one number.
---@param ... integer|luron.TensorOptions sizes
---@return luron.Tensor
function luron.zeros(...) end

--- Filled with 1.
---@param ... integer|luron.TensorOptions sizes
---@return luron.Tensor
function luron.ones(...) end

--- Filled with one number, in the default dtype unless `dtype` says otherwise.
---@param value number
---@param ... integer|luron.TensorOptions sizes
---@return luron.Tensor
function luron.full(value, ...) end

--- Not filled: the numbers in it are whatever the memory held.
---@param ... integer|luron.TensorOptions sizes
---@return luron.Tensor
function luron.empty(...) end

--- From start to stop, both included, as in Lua's `for`; with one argument from 1 to it. int64 if all arguments are integers; what is no number of an integer dtype raises, as in `fill_`.
---@param start number
---@param stop? number
---@param step? number
---@param options? luron.TensorOptions
---@return luron.Tensor
function luron.arange(start, stop, step, options) end

--- n numbers from start to stop, both included, evenly spaced.
---@param start number
---@param stop number
---@param n integer
---@param options? { dtype: string? }
---@return luron.Tensor
function luron.linspace(start, stop, n, options) end

--- The base (10 unless given) to the power of n numbers from start to stop.
---@param start number
---@param stop number
---@param n integer
---@param options? { base: number?, dtype: string? }
---@return luron.Tensor
function luron.logspace(start, stop, n, options) end

--- Tensors of one dim as a grid of as many dims: the i-th runs along dim i. Views.
---@param lists luron.Tensor[]
---@return luron.Tensor[]
function luron.meshgrid(lists) end

--- The n x n identity matrix.
---@param n integer
---@param options? luron.TensorOptions
---@return luron.Tensor
function luron.eye(n, options) end

--- Uniform random numbers in [0, 1). Real dtypes only.
---@param ... integer|luron.TensorOptions sizes
---@return luron.Tensor
function luron.rand(...) end

--- Normal random numbers of mean 0 and deviation 1.
---@param ... integer|luron.TensorOptions sizes
---@return luron.Tensor
function luron.randn(...) end

--- Random integers, both ends included, int64: `luron.randint(1, 6, 3)` throws three dice.
---@param lowest integer
---@param highest integer
---@param ... integer|luron.TensorOptions sizes
---@return luron.Tensor
function luron.randint(lowest, highest, ...) end

--- The ids 1 to n in random order, int64.
---@param n integer
---@return luron.Tensor
function luron.randperm(n) end

--- Shape and dtype of x, filled with 0.
---@param x luron.Tensor
---@param options? luron.TensorOptions
---@return luron.Tensor
function luron.zeros_like(x, options) end

--- Likewise with 1.
---@param x luron.Tensor
---@param options? luron.TensorOptions
---@return luron.Tensor
function luron.ones_like(x, options) end

--- Likewise with a number.
---@param x luron.Tensor
---@param value number
---@param options? luron.TensorOptions
---@return luron.Tensor
function luron.full_like(x, value, options) end

--- Likewise with uniform random numbers.
---@param x luron.Tensor
---@param options? luron.TensorOptions
---@return luron.Tensor
function luron.rand_like(x, options) end

--- Likewise with normal random numbers.
---@param x luron.Tensor
---@param options? luron.TensorOptions
---@return luron.Tensor
function luron.randn_like(x, options) end

--- From the bytes of a string, in the machine's order; without sizes one dim. The number of bytes must fit.
---@param bytes string
---@param dtype string
---@param ... integer sizes
---@return luron.Tensor
function luron.frombytes(bytes, dtype, ...) end

--- Joins tensors along a dim that they have (1 unless given).
---@param tensors luron.Tensor[]
---@param dim? integer
---@return luron.Tensor
function luron.cat(tensors, dim) end

--- Side by side: along dim 2, vectors along dim 1.
---@param tensors luron.Tensor[]
---@return luron.Tensor
function luron.hstack(tensors) end

--- One on top of the other: along dim 1, vectors as rows.
---@param tensors luron.Tensor[]
---@return luron.Tensor
function luron.vstack(tensors) end

--- Joins tensors of one shape along a new dim.
---@param tensors luron.Tensor[]
---@param dim? integer
---@return luron.Tensor
function luron.stack(tensors, dim) end

--- The dtype where none is given, `float32` or `float64`; with an argument sets it. Layers made from then on have it too.
---@param dtype? string
---@return string
function luron.default_dtype(dtype) end

--- Is the value a tensor (that is not closed)?
---@param value any
---@return boolean
function luron.is_tensor(value) end

--- The sizes, as a list that prints as `(2, 3)`.
---@return integer[]
function Tensor:shape() end

--- The size of a dim; without an argument as `shape`.
---@param dim? integer
---@return integer|integer[]
function Tensor:size(dim) end

--- Number of dims.
---@return integer
function Tensor:dim() end

--- Number of elements.
---@return integer
function Tensor:numel() end

--- The name of the dtype.
---@return string
function Tensor:dtype() end

--- Is the dtype one of the real ones?
---@return boolean
function Tensor:is_floating() end

--- The one element: an integer, a float or a boolean of Lua.
---@return number|boolean
function Tensor:item() end

--- The numbers as nested tables.
---@return any
function Tensor:totable() end

--- The elements in row-major order as the bytes of a string.
---@return string
function Tensor:tobytes() end

--- Elements to go on for the next position of each dim.
---@return integer[]
function Tensor:strides() end

--- Do the elements lie in row-major order without gaps?
---@return boolean
function Tensor:is_contiguous() end

--- Do the two share memory?
---@param other luron.Tensor
---@return boolean
function Tensor:is_shared(other) end

--- Are the two handles of one tensor? Every `layer.weight` is a new handle, so `==` would say no.
---@param other luron.Tensor
---@return boolean
function Tensor:is_same(other) end

--- A key for tables, the same for all handles of a tensor.
---@return lightuserdata
function Tensor:id() end

--- Lets go of the memory now instead of when the collector comes. `local x <close> = ...` does it at the end of the block.
function Tensor:close() end

--- The same numbers in another dtype.
---@param dtype string
---@return luron.Tensor
function Tensor:to(dtype) end

--- The same numbers in another dtype.
---@param x luron.Tensor
---@param dtype string
---@return luron.Tensor
function luron.to(x, dtype) end

--- To float32.
---@return luron.Tensor
function Tensor:float() end

--- To float32.
---@param x luron.Tensor
---@return luron.Tensor
function luron.float(x) end

--- To float64.
---@return luron.Tensor
function Tensor:double() end

--- To float64.
---@param x luron.Tensor
---@return luron.Tensor
function luron.double(x) end

--- To int64.
---@return luron.Tensor
function Tensor:long() end

--- To int64.
---@param x luron.Tensor
---@return luron.Tensor
function luron.long(x) end

--- To int32.
---@return luron.Tensor
function Tensor:int() end

--- To int32.
---@param x luron.Tensor
---@return luron.Tensor
function luron.int(x) end

--- To uint8. Real numbers lose what is behind the point, and those out of range become 0 or 255 (NaN: 0); integers keep their low byte.
---@return luron.Tensor
function Tensor:byte() end

--- To uint8. Real numbers lose what is behind the point, and those out of range become 0 or 255 (NaN: 0); integers keep their low byte.
---@param x luron.Tensor
---@return luron.Tensor
function luron.byte(x) end

--- To bool: is it other than 0?
---@return luron.Tensor
function Tensor:bool() end

--- To bool: is it other than 0?
---@param x luron.Tensor
---@return luron.Tensor
function luron.bool(x) end

--- x, or a copy of it whose elements lie in row-major order.
---@return luron.Tensor
function Tensor:contiguous() end

--- x, or a copy of it whose elements lie in row-major order.
---@param x luron.Tensor
---@return luron.Tensor
function luron.contiguous(x) end

--- A copy with memory of its own; gradients flow through it.
---@return luron.Tensor
function Tensor:clone() end

--- A copy with memory of its own; gradients flow through it.
---@param x luron.Tensor
---@return luron.Tensor
function luron.clone(x) end

--- A view that is not on the tape: no gradient flows through it.
---@return luron.Tensor
function Tensor:detach() end

--- A view that is not on the tape: no gradient flows through it.
---@param x luron.Tensor
---@return luron.Tensor
function luron.detach(x) end

--- Every element becomes the number.
---@param value number|boolean
---@return luron.Tensor
function Tensor:fill_(value) end

--- Every element becomes 0.
---@return luron.Tensor
function Tensor:zero_() end

--- Copies, with broadcasting, into x and its dtype.
---@param source luron.Tensor|number
---@return luron.Tensor
function Tensor:copy_(source) end

--- Adds y.
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:add_(y) end

--- Subtracts y.
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:sub_(y) end

--- Multiplies by y.
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:mul_(y) end

--- Divides by y.
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:div_(y) end

--- Uniform random numbers in [from, to), [0, 1) unless given.
---@param from? number
---@param to? number
---@return luron.Tensor
function Tensor:uniform_(from, to) end

--- Normal random numbers, of mean 0 and deviation 1 unless given.
---@param mean? number
---@param deviation? number
---@return luron.Tensor
function Tensor:normal_(mean, deviation) end

--- 1 with probability p (0.5 unless given), else 0.
---@param p? number
---@return luron.Tensor
function Tensor:bernoulli_(p) end

--- -x
---@return luron.Tensor
function Tensor:neg() end

--- -x
---@param x luron.Tensor
---@return luron.Tensor
function luron.neg(x) end

--- Without its sign
---@return luron.Tensor
function Tensor:abs() end

--- Without its sign
---@param x luron.Tensor
---@return luron.Tensor
function luron.abs(x) end

--- -1, 0 or 1
---@return luron.Tensor
function Tensor:sign() end

--- -1, 0 or 1
---@param x luron.Tensor
---@return luron.Tensor
function luron.sign(x) end

--- x * x
---@return luron.Tensor
function Tensor:square() end

--- x * x
---@param x luron.Tensor
---@return luron.Tensor
function luron.square(x) end

--- 1 / x
---@return luron.Tensor
function Tensor:reciprocal() end

--- 1 / x
---@param x luron.Tensor
---@return luron.Tensor
function luron.reciprocal(x) end

--- Square root
---@return luron.Tensor
function Tensor:sqrt() end

--- Square root
---@param x luron.Tensor
---@return luron.Tensor
function luron.sqrt(x) end

--- 1 / sqrt(x)
---@return luron.Tensor
function Tensor:rsqrt() end

--- 1 / sqrt(x)
---@param x luron.Tensor
---@return luron.Tensor
function luron.rsqrt(x) end

--- e to the power x
---@return luron.Tensor
function Tensor:exp() end

--- e to the power x
---@param x luron.Tensor
---@return luron.Tensor
function luron.exp(x) end

--- exp(x) - 1, exact near 0
---@return luron.Tensor
function Tensor:expm1() end

--- exp(x) - 1, exact near 0
---@param x luron.Tensor
---@return luron.Tensor
function luron.expm1(x) end

--- Natural logarithm
---@return luron.Tensor
function Tensor:log() end

--- Natural logarithm
---@param x luron.Tensor
---@return luron.Tensor
function luron.log(x) end

--- log(1 + x), exact near 0
---@return luron.Tensor
function Tensor:log1p() end

--- log(1 + x), exact near 0
---@param x luron.Tensor
---@return luron.Tensor
function luron.log1p(x) end

--- To base 2
---@return luron.Tensor
function Tensor:log2() end

--- To base 2
---@param x luron.Tensor
---@return luron.Tensor
function luron.log2(x) end

--- To base 10
---@return luron.Tensor
function Tensor:log10() end

--- To base 10
---@param x luron.Tensor
---@return luron.Tensor
function luron.log10(x) end

--- Sine
---@return luron.Tensor
function Tensor:sin() end

--- Sine
---@param x luron.Tensor
---@return luron.Tensor
function luron.sin(x) end

--- Cosine
---@return luron.Tensor
function Tensor:cos() end

--- Cosine
---@param x luron.Tensor
---@return luron.Tensor
function luron.cos(x) end

--- Tangent
---@return luron.Tensor
function Tensor:tan() end

--- Tangent
---@param x luron.Tensor
---@return luron.Tensor
function luron.tan(x) end

--- Inverse sine
---@return luron.Tensor
function Tensor:asin() end

--- Inverse sine
---@param x luron.Tensor
---@return luron.Tensor
function luron.asin(x) end

--- Inverse cosine
---@return luron.Tensor
function Tensor:acos() end

--- Inverse cosine
---@param x luron.Tensor
---@return luron.Tensor
function luron.acos(x) end

--- Inverse tangent
---@return luron.Tensor
function Tensor:atan() end

--- Inverse tangent
---@param x luron.Tensor
---@return luron.Tensor
function luron.atan(x) end

--- Hyperbolic sine
---@return luron.Tensor
function Tensor:sinh() end

--- Hyperbolic sine
---@param x luron.Tensor
---@return luron.Tensor
function luron.sinh(x) end

--- Hyperbolic cosine
---@return luron.Tensor
function Tensor:cosh() end

--- Hyperbolic cosine
---@param x luron.Tensor
---@return luron.Tensor
function luron.cosh(x) end

--- Hyperbolic tangent
---@return luron.Tensor
function Tensor:tanh() end

--- Hyperbolic tangent
---@param x luron.Tensor
---@return luron.Tensor
function luron.tanh(x) end

--- Inverse hyperbolic sine
---@return luron.Tensor
function Tensor:asinh() end

--- Inverse hyperbolic sine
---@param x luron.Tensor
---@return luron.Tensor
function luron.asinh(x) end

--- Inverse hyperbolic cosine, of 1 and more
---@return luron.Tensor
function Tensor:acosh() end

--- Inverse hyperbolic cosine, of 1 and more
---@param x luron.Tensor
---@return luron.Tensor
function luron.acosh(x) end

--- Inverse hyperbolic tangent, between -1 and 1
---@return luron.Tensor
function Tensor:atanh() end

--- Inverse hyperbolic tangent, between -1 and 1
---@param x luron.Tensor
---@return luron.Tensor
function luron.atanh(x) end

--- 1 / (1 + exp(-x))
---@return luron.Tensor
function Tensor:sigmoid() end

--- 1 / (1 + exp(-x))
---@param x luron.Tensor
---@return luron.Tensor
function luron.sigmoid(x) end

--- Error function
---@return luron.Tensor
function Tensor:erf() end

--- Error function
---@param x luron.Tensor
---@return luron.Tensor
function luron.erf(x) end

--- Down to a whole number
---@return luron.Tensor
function Tensor:floor() end

--- Down to a whole number
---@param x luron.Tensor
---@return luron.Tensor
function luron.floor(x) end

--- Up to a whole number
---@return luron.Tensor
function Tensor:ceil() end

--- Up to a whole number
---@param x luron.Tensor
---@return luron.Tensor
function luron.ceil(x) end

--- To the nearest whole number, halves to the even one
---@return luron.Tensor
function Tensor:round() end

--- To the nearest whole number, halves to the even one
---@param x luron.Tensor
---@return luron.Tensor
function luron.round(x) end

--- Towards 0
---@return luron.Tensor
function Tensor:trunc() end

--- Towards 0
---@param x luron.Tensor
---@return luron.Tensor
function luron.trunc(x) end

--- Cut off at both ends; either may be nil.
---@param lowest? number
---@param highest? number
---@return luron.Tensor
function Tensor:clamp(lowest, highest) end

--- Cut off at both ends; either may be nil.
---@param x luron.Tensor
---@param lowest? number
---@param highest? number
---@return luron.Tensor
function luron.clamp(x, lowest, highest) end

--- times * x + plus
---@param times number
---@param plus? number
---@return luron.Tensor
function Tensor:scale(times, plus) end

--- times * x + plus
---@param x luron.Tensor
---@param times number
---@param plus? number
---@return luron.Tensor
function luron.scale(x, times, plus) end

--- bool: neither infinite nor NaN
---@return luron.Tensor
function Tensor:isfinite() end

--- bool: neither infinite nor NaN
---@param x luron.Tensor
---@return luron.Tensor
function luron.isfinite(x) end

--- bool: not a number
---@return luron.Tensor
function Tensor:isnan() end

--- bool: not a number
---@param x luron.Tensor
---@return luron.Tensor
function luron.isnan(x) end

--- bool: infinite, of either sign?
---@return luron.Tensor
function Tensor:isinf() end

--- bool: infinite, of either sign?
---@param x luron.Tensor
---@return luron.Tensor
function luron.isinf(x) end

--- bool: is it 0 (or false)?
---@return luron.Tensor
function Tensor:logical_not() end

--- bool: is it 0 (or false)?
---@param x luron.Tensor
---@return luron.Tensor
function luron.logical_not(x) end

--- x + y
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:add(y) end

--- x + y
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.add(x, y) end

--- x - y
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:sub(y) end

--- x - y
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.sub(x, y) end

--- x * y, element by element
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:mul(y) end

--- x * y, element by element
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.mul(x, y) end

--- x / y; of integers in the default dtype
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:div(y) end

--- x / y; of integers in the default dtype
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.div(x, y) end

--- x to the power y
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:pow(y) end

--- x to the power y
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.pow(x, y) end

--- x // y, rounded down as in Lua. An integer divided by 0 raises.
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:floor_divide(y) end

--- x // y, rounded down as in Lua. An integer divided by 0 raises.
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.floor_divide(x, y) end

--- x % y, with the sign of y as in Lua
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:remainder(y) end

--- x % y, with the sign of y as in Lua
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.remainder(x, y) end

--- The angle of the point (y, x)
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:atan2(y) end

--- The angle of the point (y, x)
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.atan2(x, y) end

--- The larger one; on a tie half the gradient to each
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:maximum(y) end

--- The larger one; on a tie half the gradient to each
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.maximum(x, y) end

--- The smaller one
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:minimum(y) end

--- The smaller one
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.minimum(x, y) end

--- bool: equal
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:eq(y) end

--- bool: equal
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.eq(x, y) end

--- bool: not equal
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:ne(y) end

--- bool: not equal
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.ne(x, y) end

--- bool: x < y
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:lt(y) end

--- bool: x < y
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.lt(x, y) end

--- bool: x <= y
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:le(y) end

--- bool: x <= y
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.le(x, y) end

--- bool: x > y
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:gt(y) end

--- bool: x > y
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.gt(x, y) end

--- bool: x >= y
---@param y luron.Tensor|number
---@return luron.Tensor
function Tensor:ge(y) end

--- bool: x >= y
---@param x luron.Tensor
---@param y luron.Tensor|number
---@return luron.Tensor
function luron.ge(x, y) end

--- bool: both are not 0
---@param y luron.Tensor|boolean
---@return luron.Tensor
function Tensor:logical_and(y) end

--- bool: both are not 0
---@param x luron.Tensor
---@param y luron.Tensor|boolean
---@return luron.Tensor
function luron.logical_and(x, y) end

--- bool: one is not 0
---@param y luron.Tensor|boolean
---@return luron.Tensor
function Tensor:logical_or(y) end

--- bool: one is not 0
---@param x luron.Tensor
---@param y luron.Tensor|boolean
---@return luron.Tensor
function luron.logical_or(x, y) end

--- bool: one of them alone is not 0
---@param y luron.Tensor|boolean
---@return luron.Tensor
function Tensor:logical_xor(y) end

--- bool: one of them alone is not 0
---@param x luron.Tensor
---@param y luron.Tensor|boolean
---@return luron.Tensor
function luron.logical_xor(x, y) end

--- x + weight (y - x).
---@param y luron.Tensor
---@param weight number|luron.Tensor
---@return luron.Tensor
function Tensor:lerp(y, weight) end

--- x + weight (y - x).
---@param x luron.Tensor
---@param y luron.Tensor
---@param weight number|luron.Tensor
---@return luron.Tensor
function luron.lerp(x, y, weight) end

--- n ids, from 1, drawn by the weights x, or by each row of x; they need not sum to 1. Each id once, unless with replacement.
---@param n integer
---@param replacement? boolean
---@return luron.Tensor
function Tensor:multinomial(n, replacement) end

--- n ids, from 1, drawn by the weights x, or by each row of x; they need not sum to 1. Each id once, unless with replacement.
---@param x luron.Tensor
---@param n integer
---@param replacement? boolean
---@return luron.Tensor
function luron.multinomial(x, n, replacement) end

--- For a bool x: a where it is true, b elsewhere.
---@param a luron.Tensor|number
---@param b luron.Tensor|number
---@return luron.Tensor
function Tensor:where(a, b) end

--- For a bool x: a where it is true, b elsewhere.
---@param x luron.Tensor
---@param a luron.Tensor|number
---@param b luron.Tensor|number
---@return luron.Tensor
function luron.where(x, a, b) end

--- Sum.
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:sum(dim, keepdim) end

--- Sum.
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.sum(x, dim, keepdim) end

--- Mean.
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:mean(dim, keepdim) end

--- Mean.
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.mean(x, dim, keepdim) end

--- Product.
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:prod(dim, keepdim) end

--- Product.
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.prod(x, dim, keepdim) end

--- Variance, divided by n - correction (1 unless given).
---@param dim? integer|integer[]
---@param keepdim? boolean
---@param correction? number
---@return luron.Tensor
function Tensor:var(dim, keepdim, correction) end

--- Variance, divided by n - correction (1 unless given).
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@param correction? number
---@return luron.Tensor
function luron.var(x, dim, keepdim, correction) end

--- Its root; the gradient where it is 0 is 0.
---@param dim? integer|integer[]
---@param keepdim? boolean
---@param correction? number
---@return luron.Tensor
function Tensor:std(dim, keepdim, correction) end

--- Its root; the gradient where it is 0 is 0.
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@param correction? number
---@return luron.Tensor
function luron.std(x, dim, keepdim, correction) end

--- Largest; ties share the gradient. An empty dim raises.
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:amax(dim, keepdim) end

--- Largest; ties share the gradient. An empty dim raises.
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.amax(x, dim, keepdim) end

--- Smallest.
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:amin(dim, keepdim) end

--- Smallest.
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.amin(x, dim, keepdim) end

--- Without a dim the largest of all; along a dim the largest and their ids.
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor? ids
function Tensor:max(dim, keepdim) end

--- Without a dim the largest of all; along a dim the largest and their ids.
---@param x luron.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor? ids
function luron.max(x, dim, keepdim) end

--- The smallest likewise.
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor? ids
function Tensor:min(dim, keepdim) end

--- The smallest likewise.
---@param x luron.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor? ids
function luron.min(x, dim, keepdim) end

--- Id, from 1, of the (first) largest along a dim; without one in x flattened. It indexes a Lua table of class names.
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:argmax(dim, keepdim) end

--- Id, from 1, of the (first) largest along a dim; without one in x flattened. It indexes a Lua table of class names.
---@param x luron.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor
function luron.argmax(x, dim, keepdim) end

--- Of the smallest.
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:argmin(dim, keepdim) end

--- Of the smallest.
---@param x luron.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor
function luron.argmin(x, dim, keepdim) end

--- bool: is one of them not 0?
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:any(dim, keepdim) end

--- bool: is one of them not 0?
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.any(x, dim, keepdim) end

--- bool: are all of them not 0?
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:all(dim, keepdim) end

--- bool: are all of them not 0?
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.all(x, dim, keepdim) end

--- exp(x) divided by its sum along dim: probabilities.
---@param dim integer
---@return luron.Tensor
function Tensor:softmax(dim) end

--- exp(x) divided by its sum along dim: probabilities.
---@param x luron.Tensor
---@param dim integer
---@return luron.Tensor
function luron.softmax(x, dim) end

--- Its logarithm, without overflow.
---@param dim integer
---@return luron.Tensor
function Tensor:log_softmax(dim) end

--- Its logarithm, without overflow.
---@param x luron.Tensor
---@param dim integer
---@return luron.Tensor
function luron.log_softmax(x, dim) end

--- The sum over all that broadcasting from these sizes would repeat.
---@param ... integer sizes
---@return luron.Tensor
function Tensor:sum_to(...) end

--- The sum over all that broadcasting from these sizes would repeat.
---@param x luron.Tensor
---@param ... integer sizes
---@return luron.Tensor
function luron.sum_to(x, ...) end

--- `matmul` of two matrices, and of nothing else.
---@param y luron.Tensor
---@return luron.Tensor
function Tensor:mm(y) end

--- `matmul` of two matrices, and of nothing else.
---@param x luron.Tensor
---@param y luron.Tensor
---@return luron.Tensor
function luron.mm(x, y) end

--- `matmul` of two batches of matrices, of 3 dims.
---@param y luron.Tensor
---@return luron.Tensor
function Tensor:bmm(y) end

--- `matmul` of two batches of matrices, of 3 dims.
---@param x luron.Tensor
---@param y luron.Tensor
---@return luron.Tensor
function luron.bmm(x, y) end

--- `matmul` of a matrix and a vector.
---@param y luron.Tensor
---@return luron.Tensor
function Tensor:mv(y) end

--- `matmul` of a matrix and a vector.
---@param x luron.Tensor
---@param y luron.Tensor
---@return luron.Tensor
function luron.mv(x, y) end

--- (m, k) and (k, n) give (m, n); further dims in front broadcast; a single dim is a row on the left, a column on the right.
---@param y luron.Tensor
---@return luron.Tensor
function Tensor:matmul(y) end

--- (m, k) and (k, n) give (m, n); further dims in front broadcast; a single dim is a row on the left, a column on the right.
---@param x luron.Tensor
---@param y luron.Tensor
---@return luron.Tensor
function luron.matmul(x, y) end

--- A matrix transposed.
---@return luron.Tensor
function Tensor:t() end

--- A matrix transposed.
---@param x luron.Tensor
---@return luron.Tensor
function luron.t(x) end

--- Two dims exchanged.
---@param dim1 integer
---@param dim2 integer
---@return luron.Tensor
function Tensor:transpose(dim1, dim2) end

--- Two dims exchanged.
---@param x luron.Tensor
---@param dim1 integer
---@param dim2 integer
---@return luron.Tensor
function luron.transpose(x, dim1, dim2) end

--- Another name for `transpose`.
---@param dim1 integer
---@param dim2 integer
---@return luron.Tensor
function Tensor:swapdims(dim1, dim2) end

--- Another name for `transpose`.
---@param x luron.Tensor
---@param dim1 integer
---@param dim2 integer
---@return luron.Tensor
function luron.swapdims(x, dim1, dim2) end

--- A dim, or several, to other places; the others keep their order.
---@param from integer|integer[]
---@param to integer|integer[]
---@return luron.Tensor
function Tensor:movedim(from, to) end

--- A dim, or several, to other places; the others keep their order.
---@param x luron.Tensor
---@param from integer|integer[]
---@param to integer|integer[]
---@return luron.Tensor
function luron.movedim(x, from, to) end

--- All dims in a new order.
---@param ... integer dims
---@return luron.Tensor
function Tensor:permute(...) end

--- All dims in a new order.
---@param x luron.Tensor
---@param ... integer dims
---@return luron.Tensor
function luron.permute(x, ...) end

--- The same elements in another shape; one size may be -1.
---@param ... integer sizes
---@return luron.Tensor
function Tensor:reshape(...) end

--- The same elements in another shape; one size may be -1.
---@param x luron.Tensor
---@param ... integer sizes
---@return luron.Tensor
function luron.reshape(x, ...) end

--- Another name for `reshape`.
---@param ... integer sizes
---@return luron.Tensor
function Tensor:view(...) end

--- Another name for `reshape`.
---@param x luron.Tensor
---@param ... integer sizes
---@return luron.Tensor
function luron.view(x, ...) end

--- Dims of size 1, and new ones in front, repeated without a copy; -1 keeps a size.
---@param ... integer sizes
---@return luron.Tensor
function Tensor:expand(...) end

--- Dims of size 1, and new ones in front, repeated without a copy; -1 keeps a size.
---@param x luron.Tensor
---@param ... integer sizes
---@return luron.Tensor
function luron.expand(x, ...) end

--- The dims from `from` to `to` (the first and the last unless given) become one.
---@param from? integer
---@param to? integer
---@return luron.Tensor
function Tensor:flatten(from, to) end

--- The dims from `from` to `to` (the first and the last unless given) become one.
---@param x luron.Tensor
---@param from? integer
---@param to? integer
---@return luron.Tensor
function luron.flatten(x, from, to) end

--- One dim becomes several, of which one size may be -1.
---@param dim integer
---@param ... integer sizes
---@return luron.Tensor
function Tensor:unflatten(dim, ...) end

--- One dim becomes several, of which one size may be -1.
---@param x luron.Tensor
---@param dim integer
---@param ... integer sizes
---@return luron.Tensor
function luron.unflatten(x, dim, ...) end

--- Another name for `expand`.
---@param ... integer sizes
---@return luron.Tensor
function Tensor:broadcast_to(...) end

--- Another name for `expand`.
---@param x luron.Tensor
---@param ... integer sizes
---@return luron.Tensor
function luron.broadcast_to(x, ...) end

--- A new dim of size 1 there.
---@param dim integer
---@return luron.Tensor
function Tensor:unsqueeze(dim) end

--- A new dim of size 1 there.
---@param x luron.Tensor
---@param dim integer
---@return luron.Tensor
function luron.unsqueeze(x, dim) end

--- Without that dim of size 1, or without all of them.
---@param dim? integer
---@return luron.Tensor
function Tensor:squeeze(dim) end

--- Without that dim of size 1, or without all of them.
---@param x luron.Tensor
---@param dim? integer
---@return luron.Tensor
function luron.squeeze(x, dim) end

--- `length` positions of a dim from `start` on.
---@param dim integer
---@param start integer
---@param length integer
---@return luron.Tensor
function Tensor:narrow(dim, start, length) end

--- `length` positions of a dim from `start` on.
---@param x luron.Tensor
---@param dim integer
---@param start integer
---@param length integer
---@return luron.Tensor
function luron.narrow(x, dim, start, length) end

--- One position of a dim; the dim goes.
---@param dim integer
---@param position integer
---@return luron.Tensor
function Tensor:select(dim, position) end

--- One position of a dim; the dim goes.
---@param x luron.Tensor
---@param dim integer
---@param position integer
---@return luron.Tensor
function luron.select(x, dim, position) end

--- A list of pieces of `size` positions, of which the last may be smaller; or of these sizes, whose sum is that of the dim.
---@param size integer|integer[]
---@param dim? integer
---@return luron.Tensor[]
function Tensor:split(size, dim) end

--- A list of pieces of `size` positions, of which the last may be smaller; or of these sizes, whose sum is that of the dim.
---@param x luron.Tensor
---@param size integer|integer[]
---@param dim? integer
---@return luron.Tensor[]
function luron.split(x, size, dim) end

--- A list of all positions of a dim (1 unless given), without it.
---@param dim? integer
---@return luron.Tensor[]
function Tensor:unbind(dim) end

--- A list of all positions of a dim (1 unless given), without it.
---@param x luron.Tensor
---@param dim? integer
---@return luron.Tensor[]
function luron.unbind(x, dim) end

--- A list of at most n pieces of one size, but for the last.
---@param n integer
---@param dim? integer
---@return luron.Tensor[]
function Tensor:chunk(n, dim) end

--- A list of at most n pieces of one size, but for the last.
---@param x luron.Tensor
---@param n integer
---@param dim? integer
---@return luron.Tensor[]
function luron.chunk(x, n, dim) end

--- The positions of a dim that ids names, copied.
---@param dim integer
---@param ids luron.Tensor|integer[]
---@return luron.Tensor
function Tensor:index_select(dim, ids) end

--- The positions of a dim that ids names, copied.
---@param x luron.Tensor
---@param dim integer
---@param ids luron.Tensor|integer[]
---@return luron.Tensor
function luron.index_select(x, dim, ids) end

--- For each place of ids the element whose position along dim is that id.
---@param dim integer
---@param ids luron.Tensor|table
---@return luron.Tensor
function Tensor:gather(dim, ids) end

--- For each place of ids the element whose position along dim is that id.
---@param x luron.Tensor
---@param dim integer
---@param ids luron.Tensor|table
---@return luron.Tensor
function luron.gather(x, dim, ids) end

--- x with the elements of source added where `gather` would read.
---@param dim integer
---@param ids luron.Tensor|table
---@param source luron.Tensor
---@return luron.Tensor
function Tensor:scatter_add(dim, ids, source) end

--- x with the elements of source added where `gather` would read.
---@param x luron.Tensor
---@param dim integer
---@param ids luron.Tensor|table
---@param source luron.Tensor
---@return luron.Tensor
function luron.scatter_add(x, dim, ids, source) end

--- x with slices of source added at the positions in ids.
---@param dim integer
---@param ids luron.Tensor|integer[]
---@param source luron.Tensor
---@return luron.Tensor
function Tensor:index_add(dim, ids, source) end

--- x with slices of source added at the positions in ids.
---@param x luron.Tensor
---@param dim integer
---@param ids luron.Tensor|integer[]
---@param source luron.Tensor
---@return luron.Tensor
function luron.index_add(x, dim, ids, source) end

--- Ids to rows of n numbers, 1 at the id and 0 elsewhere.
---@param n integer
---@param options? { dtype: string? }
---@return luron.Tensor
function Tensor:one_hot(n, options) end

--- Ids to rows of n numbers, 1 at the id and 0 elsewhere.
---@param x luron.Tensor
---@param n integer
---@param options? { dtype: string? }
---@return luron.Tensor
function luron.one_hot(x, n, options) end

--- The sums of the elements up to each along dim; of integers and bool int64.
---@param dim integer
---@return luron.Tensor
function Tensor:cumsum(dim) end

--- The sums of the elements up to each along dim; of integers and bool int64.
---@param x luron.Tensor
---@param dim integer
---@return luron.Tensor
function luron.cumsum(x, dim) end

--- The products likewise. The gradient is right where elements are 0.
---@param dim integer
---@return luron.Tensor
function Tensor:cumprod(dim) end

--- The products likewise. The gradient is right where elements are 0.
---@param x luron.Tensor
---@param dim integer
---@return luron.Tensor
function luron.cumprod(x, dim) end

--- In order along a dim, and where each came from.
---@param dim? integer
---@param descending? boolean
---@return luron.Tensor values
---@return luron.Tensor ids
function Tensor:sort(dim, descending) end

--- In order along a dim, and where each came from.
---@param x luron.Tensor
---@param dim? integer
---@param descending? boolean
---@return luron.Tensor values
---@return luron.Tensor ids
function luron.sort(x, dim, descending) end

--- The ids alone.
---@param dim? integer
---@param descending? boolean
---@return luron.Tensor
function Tensor:argsort(dim, descending) end

--- The ids alone.
---@param x luron.Tensor
---@param dim? integer
---@param descending? boolean
---@return luron.Tensor
function luron.argsort(x, dim, descending) end

--- The k largest, the largest first; with `largest` false the k smallest.
---@param k integer
---@param dim? integer
---@param largest? boolean
---@return luron.Tensor values
---@return luron.Tensor ids
function Tensor:topk(k, dim, largest) end

--- The k largest, the largest first; with `largest` false the k smallest.
---@param x luron.Tensor
---@param k integer
---@param dim? integer
---@param largest? boolean
---@return luron.Tensor values
---@return luron.Tensor ids
function luron.topk(x, k, dim, largest) end

--- Turned round along these dims, or along all.
---@param ... integer dims
---@return luron.Tensor
function Tensor:flip(...) end

--- Turned round along these dims, or along all.
---@param x luron.Tensor
---@param ... integer dims
---@return luron.Tensor
function luron.flip(x, ...) end

--- Moved by `shift` positions; what leaves at one end comes in at the other.
---@param shift integer
---@param dim integer
---@return luron.Tensor
function Tensor:roll(shift, dim) end

--- Moved by `shift` positions; what leaves at one end comes in at the other.
---@param x luron.Tensor
---@param shift integer
---@param dim integer
---@return luron.Tensor
function luron.roll(x, shift, dim) end

--- x beside itself that many times along each dim, the last number for the last dim.
---@param ... integer times
---@return luron.Tensor
function Tensor:tile(...) end

--- x beside itself that many times along each dim, the last number for the last dim.
---@param x luron.Tensor
---@param ... integer times
---@return luron.Tensor
function luron.tile(x, ...) end

--- A pair { before, after } for each of the last dims: positions of `value` (0 unless given) around x.
---@param widths integer[][]
---@param value? number
---@return luron.Tensor
function Tensor:pad(widths, value) end

--- A pair { before, after } for each of the last dims: positions of `value` (0 unless given) around x.
---@param x luron.Tensor
---@param widths integer[][]
---@param value? number
---@return luron.Tensor
function luron.pad(x, widths, value) end

--- The lower triangle of a matrix, or of each in a batch, up to the diagonal that many places to the right of the main one; the rest 0.
---@param diagonal? integer
---@return luron.Tensor
function Tensor:tril(diagonal) end

--- The lower triangle of a matrix, or of each in a batch, up to the diagonal that many places to the right of the main one; the rest 0.
---@param x luron.Tensor
---@param diagonal? integer
---@return luron.Tensor
function luron.tril(x, diagonal) end

--- The upper triangle, from that diagonal on.
---@param diagonal? integer
---@return luron.Tensor
function Tensor:triu(diagonal) end

--- The upper triangle, from that diagonal on.
---@param x luron.Tensor
---@param diagonal? integer
---@return luron.Tensor
function luron.triu(x, diagonal) end

--- sum(|x| ^ p) ^ (1 / p), of p = 2 unless given; `math.huge`: the largest size; 0: how many are not 0. Where it is 0 so is the gradient.
---@param p? number
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:norm(p, dim, keepdim) end

--- sum(|x| ^ p) ^ (1 / p), of p = 2 unless given; `math.huge`: the largest size; 0: how many are not 0. Where it is 0 so is the gradient.
---@param x luron.Tensor
---@param p? number
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.norm(x, p, dim, keepdim) end

--- Of several q one behind the other, along a new first dim. The number below which a part q of those along dim (of all, without one) lie, between two of them by straight line; 0.5 gives the median. NaN where one is NaN.
---@param q number|number[]|luron.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:quantile(q, dim, keepdim) end

--- Of several q one behind the other, along a new first dim. The number below which a part q of those along dim (of all, without one) lie, between two of them by straight line; 0.5 gives the median. NaN where one is NaN.
---@param x luron.Tensor
---@param q number|number[]|luron.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor
function luron.quantile(x, q, dim, keepdim) end

--- Sums of squares, made and given in float64: none of a float32 is too large or too small for it. One pass, without a tensor of squares.
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:sum_squares(dim, keepdim) end

--- Sums of squares, made and given in float64: none of a float32 is too large or too small for it. One pass, without a tensor of squares.
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.sum_squares(x, dim, keepdim) end

--- log(sum(exp(x))), without overflow.
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function Tensor:logsumexp(dim, keepdim) end

--- log(sum(exp(x))), without overflow.
---@param x luron.Tensor
---@param dim? integer|integer[]
---@param keepdim? boolean
---@return luron.Tensor
function luron.logsumexp(x, dim, keepdim) end

--- x with `value` where the bool tensor is true.
---@param mask luron.Tensor
---@param value number|boolean
---@return luron.Tensor
function Tensor:masked_fill(mask, value) end

--- x with `value` where the bool tensor is true.
---@param x luron.Tensor
---@param mask luron.Tensor
---@param value number|boolean
---@return luron.Tensor
function luron.masked_fill(x, mask, value) end

--- The elements where the mask is true, in one dim, after broadcasting. `x[mask]` likewise, for a mask that has the first dims of x: it gives rows where x has further dims.
---@param mask luron.Tensor
---@return luron.Tensor
function Tensor:masked_select(mask) end

--- The elements where the mask is true, in one dim, after broadcasting. `x[mask]` likewise, for a mask that has the first dims of x: it gives rows where x has further dims.
---@param x luron.Tensor
---@param mask luron.Tensor
---@return luron.Tensor
function luron.masked_select(x, mask) end

--- The places of all that is not 0 (or false): a row of positions each.
---@return luron.Tensor
function Tensor:nonzero() end

--- The places of all that is not 0 (or false): a row of positions each.
---@param x luron.Tensor
---@return luron.Tensor
function luron.nonzero(x) end

--- x with the elements of source (of the shape of ids), or one number, where `gather` would read.
---@param dim integer
---@param ids luron.Tensor|table
---@param source luron.Tensor|number
---@return luron.Tensor
function Tensor:scatter(dim, ids, source) end

--- x with the elements of source (of the shape of ids), or one number, where `gather` would read.
---@param x luron.Tensor
---@param dim integer
---@param ids luron.Tensor|table
---@param source luron.Tensor|number
---@return luron.Tensor
function luron.scatter(x, dim, ids, source) end

--- Likewise, but what meets in one element is reduced: `sum`, `prod`, `mean`, `amax` or `amin`, with what x has there unless `include_self` is false.
---@param dim integer
---@param ids luron.Tensor|table
---@param source luron.Tensor
---@param how string
---@param include_self? boolean
---@return luron.Tensor
function Tensor:scatter_reduce(dim, ids, source, how, include_self) end

--- Likewise, but what meets in one element is reduced: `sum`, `prod`, `mean`, `amax` or `amin`, with what x has there unless `include_self` is false.
---@param x luron.Tensor
---@param dim integer
---@param ids luron.Tensor|table
---@param source luron.Tensor
---@param how string
---@param include_self? boolean
---@return luron.Tensor
function luron.scatter_reduce(x, dim, ids, source, how, include_self) end

--- x with slices of source at the positions in ids.
---@param dim integer
---@param ids luron.Tensor|integer[]
---@param source luron.Tensor
---@return luron.Tensor
function Tensor:index_copy(dim, ids, source) end

--- x with slices of source at the positions in ids.
---@param x luron.Tensor
---@param dim integer
---@param ids luron.Tensor|integer[]
---@param source luron.Tensor
---@return luron.Tensor
function luron.index_copy(x, dim, ids, source) end

--- x with one number at the positions in ids.
---@param dim integer
---@param ids luron.Tensor|integer[]
---@param value number|boolean
---@return luron.Tensor
function Tensor:index_fill(dim, ids, value) end

--- x with one number at the positions in ids.
---@param x luron.Tensor
---@param dim integer
---@param ids luron.Tensor|integer[]
---@param value number|boolean
---@return luron.Tensor
function luron.index_fill(x, dim, ids, value) end

--- x with values at ids: a list of ids for each of the first dims, which broadcast. `accumulate` adds.
---@param ids table
---@param values luron.Tensor|table|number
---@param accumulate? boolean
---@return luron.Tensor
function Tensor:index_put(ids, values, accumulate) end

--- x with values at ids: a list of ids for each of the first dims, which broadcast. `accumulate` adds.
---@param x luron.Tensor
---@param ids table
---@param values luron.Tensor|table|number
---@param accumulate? boolean
---@return luron.Tensor
function luron.index_put(x, ids, values, accumulate) end

--- The elements of x as one row at ids.
---@param ids luron.Tensor|table
---@return luron.Tensor
function Tensor:take(ids) end

--- The elements of x as one row at ids.
---@param x luron.Tensor
---@param ids luron.Tensor|table
---@return luron.Tensor
function luron.take(x, ids) end

--- x with the elements of source, one after the other, where the bool tensor is true.
---@param mask luron.Tensor
---@param source luron.Tensor
---@return luron.Tensor
function Tensor:masked_scatter(mask, source) end

--- x with the elements of source, one after the other, where the bool tensor is true.
---@param x luron.Tensor
---@param mask luron.Tensor
---@param source luron.Tensor
---@return luron.Tensor
function luron.masked_scatter(x, mask, source) end

--- The sum of the rows of each group.
---@param ids luron.Tensor|integer[]
---@param count integer
---@return luron.Tensor
function Tensor:segment_sum(ids, count) end

--- The sum of the rows of each group.
---@param x luron.Tensor
---@param ids luron.Tensor|integer[]
---@param count integer
---@return luron.Tensor
function luron.segment_sum(x, ids, count) end

--- Their mean.
---@param ids luron.Tensor|integer[]
---@param count integer
---@return luron.Tensor
function Tensor:segment_mean(ids, count) end

--- Their mean.
---@param x luron.Tensor
---@param ids luron.Tensor|integer[]
---@param count integer
---@return luron.Tensor
function luron.segment_mean(x, ids, count) end

--- Element by element the largest; ties share the gradient.
---@param ids luron.Tensor|integer[]
---@param count integer
---@return luron.Tensor
function Tensor:segment_max(ids, count) end

--- Element by element the largest; ties share the gradient.
---@param x luron.Tensor
---@param ids luron.Tensor|integer[]
---@param count integer
---@return luron.Tensor
function luron.segment_max(x, ids, count) end

--- Element by element the smallest.
---@param ids luron.Tensor|integer[]
---@param count integer
---@return luron.Tensor
function Tensor:segment_min(ids, count) end

--- Element by element the smallest.
---@param x luron.Tensor
---@param ids luron.Tensor|integer[]
---@param count integer
---@return luron.Tensor
function luron.segment_min(x, ids, count) end

--- How often each id is in x, or the sums of the weights that stand beside them, for ids up to the largest, and `min_length` at least.
---@param weights? luron.Tensor
---@param min_length? integer
---@return luron.Tensor
function Tensor:bincount(weights, min_length) end

--- How often each id is in x, or the sums of the weights that stand beside them, for ids up to the largest, and `min_length` at least.
---@param x luron.Tensor
---@param weights? luron.Tensor
---@param min_length? integer
---@return luron.Tensor
function luron.bincount(x, weights, min_length) end

--- The different elements (or slices along a dim) in ascending order, for each element which of them it is, and how often each is there.
---@param dim? integer
---@return luron.Tensor values
---@return luron.Tensor ids
---@return luron.Tensor counts
function Tensor:unique(dim) end

--- The different elements (or slices along a dim) in ascending order, for each element which of them it is, and how often each is there.
---@param x luron.Tensor
---@param dim? integer
---@return luron.Tensor values
---@return luron.Tensor ids
---@return luron.Tensor counts
function luron.unique(x, dim) end

--- Each position of a dim so many times; without a dim of x as one row.
---@param repeats integer|luron.Tensor|integer[]
---@param dim? integer
---@return luron.Tensor
function Tensor:repeat_interleave(repeats, dim) end

--- Each position of a dim so many times; without a dim of x as one row.
---@param x luron.Tensor
---@param repeats integer|luron.Tensor|integer[]
---@param dim? integer
---@return luron.Tensor
function luron.repeat_interleave(x, repeats, dim) end

--- The one in the middle, of two the smaller, and along a dim its id; without a dim of all. (`quantile(0.5)` takes the mean of two.)
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor? ids
function Tensor:median(dim, keepdim) end

--- The one in the middle, of two the smaller, and along a dim its id; without a dim of all. (`quantile(0.5)` takes the mean of two.)
---@param x luron.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor? ids
function luron.median(x, dim, keepdim) end

--- The k-th smallest along a dim (the last unless given) and its id.
---@param k integer
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor ids
function Tensor:kthvalue(k, dim, keepdim) end

--- The k-th smallest along a dim (the last unless given) and its id.
---@param x luron.Tensor
---@param k integer
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor ids
function luron.kthvalue(x, k, dim, keepdim) end

--- The one that comes most often along a dim (the last unless given), of several the smallest, and the id of its last.
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor ids
function Tensor:mode(dim, keepdim) end

--- The one that comes most often along a dim (the last unless given), of several the smallest, and the id of its last.
---@param x luron.Tensor
---@param dim? integer
---@param keepdim? boolean
---@return luron.Tensor values
---@return luron.Tensor ids
function luron.mode(x, dim, keepdim) end

--- The largest of the elements up to each along a dim, and its id, of equal ones the last.
---@param dim integer
---@return luron.Tensor values
---@return luron.Tensor ids
function Tensor:cummax(dim) end

--- The largest of the elements up to each along a dim, and its id, of equal ones the last.
---@param x luron.Tensor
---@param dim integer
---@return luron.Tensor values
---@return luron.Tensor ids
function luron.cummax(x, dim) end

--- The smallest likewise.
---@param dim integer
---@return luron.Tensor values
---@return luron.Tensor ids
function Tensor:cummin(dim) end

--- The smallest likewise.
---@param x luron.Tensor
---@param dim integer
---@return luron.Tensor values
---@return luron.Tensor ids
function luron.cummin(x, dim) end

--- log(sum(exp(x))) of the elements up to each along a dim, without overflow.
---@param dim integer
---@return luron.Tensor
function Tensor:logcumsumexp(dim) end

--- log(sum(exp(x))) of the elements up to each along a dim, without overflow.
---@param x luron.Tensor
---@param dim integer
---@return luron.Tensor
function luron.logcumsumexp(x, dim) end

--- Each element along a dim (the last unless given) less the one before it, n times over (1 unless given).
---@param n? integer
---@param dim? integer
---@return luron.Tensor
function Tensor:diff(n, dim) end

--- Each element along a dim (the last unless given) less the one before it, n times over (1 unless given).
---@param x luron.Tensor
---@param n? integer
---@param dim? integer
---@return luron.Tensor
function luron.diff(x, n, dim) end

--- Where in x, ascending along its last dim, each value belongs, from 1 to one beyond the end: before what equals it, or with `right` after it.
---@param values luron.Tensor|number
---@param right? boolean
---@return luron.Tensor
function Tensor:searchsorted(values, right) end

--- Where in x, ascending along its last dim, each value belongs, from 1 to one beyond the end: before what equals it, or with `right` after it.
---@param x luron.Tensor
---@param values luron.Tensor|number
---@param right? boolean
---@return luron.Tensor
function luron.searchsorted(x, values, right) end

--- The same, from the values: which of the intervals between boundaries each lies in.
---@param boundaries luron.Tensor|number[]
---@param right? boolean
---@return luron.Tensor
function Tensor:bucketize(boundaries, right) end

--- The same, from the values: which of the intervals between boundaries each lies in.
---@param x luron.Tensor
---@param boundaries luron.Tensor|number[]
---@param right? boolean
---@return luron.Tensor
function luron.bucketize(x, boundaries, right) end

--- bool: |x - y| <= atol + rtol * |y|, or equal. rtol is 1e-5 and atol 1e-8 unless given.
---@param y luron.Tensor|number
---@param options? { rtol: number?, atol: number?, equal_nan: boolean? }
---@return luron.Tensor
function Tensor:isclose(y, options) end

--- bool: |x - y| <= atol + rtol * |y|, or equal. rtol is 1e-5 and atol 1e-8 unless given.
---@param x luron.Tensor
---@param y luron.Tensor|number
---@param options? { rtol: number?, atol: number?, equal_nan: boolean? }
---@return luron.Tensor
function luron.isclose(x, y, options) end

--- Is that so of all elements?
---@param y luron.Tensor|number
---@param options? { rtol: number?, atol: number?, equal_nan: boolean? }
---@return boolean
function Tensor:allclose(y, options) end

--- Is that so of all elements?
---@param x luron.Tensor
---@param y luron.Tensor|number
---@param options? { rtol: number?, atol: number?, equal_nan: boolean? }
---@return boolean
function luron.allclose(x, y, options) end

--- Sums of products as their indices are written: a letter names a dim of each tensor that has it, and what is not behind `->` is summed. `...` stands for any further dims, which broadcast as sizes of 1 do; a letter twice in one tensor is its diagonal; without `->` the result has the letters that come once, in alphabetical order. Tensors are contracted from left to right; they may also come as one list.
---@param equation string
---@param ... luron.Tensor tensors
---@return luron.Tensor
function luron.einsum(equation, ...) end

--- x with a x = b. b is a matrix, or a vector: of one dim, or of the shape of a without its last dim.
---@param a luron.Tensor
---@param b luron.Tensor
---@return luron.Tensor
function linalg.solve(a, b) end

--- The same for one triangle of a; the rest is not read, nor, with unitriangular, the diagonal, which then counts as 1.
---@param a luron.Tensor
---@param b luron.Tensor
---@param upper boolean
---@param unitriangular? boolean
---@return luron.Tensor
function linalg.solve_triangular(a, b, upper, unitriangular) end

--- The inverse. `solve` is quicker and more exact where it is multiplied with something.
---@param a luron.Tensor
---@return luron.Tensor
function linalg.inverse(a) end

--- The determinant.
---@param a luron.Tensor
---@return luron.Tensor
function linalg.det(a) end

--- The sign of the determinant and the logarithm of its size, which does not overflow; 0 and -infinity for a singular matrix.
---@param a luron.Tensor
---@return luron.Tensor sign
---@return luron.Tensor logabsdet
function linalg.slogdet(a) end

--- The lower triangular l, of positive diagonal, with a = l l^T. Of a, which is symmetric, the lower triangle is read.
---@param a luron.Tensor
---@return luron.Tensor
function linalg.cholesky(a) end

--- a (m, n) = q r: orthonormal columns (m, k) and an upper triangle (k, n), k the smaller of m and n. Signs as in LAPACK.
---@param a luron.Tensor
---@return luron.Tensor q
---@return luron.Tensor r
function linalg.qr(a) end

--- a (m, n) = u diag(s) vh: u (m, k), s (k) from the largest on, vh (k, n), k the smaller of m and n. In each column of u the first element of nearly the largest size is positive.
---@param a luron.Tensor
---@return luron.Tensor u
---@return luron.Tensor s
---@return luron.Tensor vh
function linalg.svd(a) end

--- x with the least |a x - b|; of more unknowns than equations the shortest. a has full rank; b is as in `solve`. Otherwise: `pinv(a):matmul(b)`.
---@param a luron.Tensor
---@param b luron.Tensor
---@return luron.Tensor
function linalg.lstsq(a, b) end

--- The pseudo-inverse. Singular values of at most rcond times the largest count as 0; rcond is the larger size times the precision of the dtype unless given.
---@param a luron.Tensor
---@param rcond? number
---@return luron.Tensor
function linalg.pinv(a, rcond) end

--- a = q diag(values) q^T for a symmetric a, of which the lower triangle is read: values from the smallest on, a vector for each in the columns of q.
---@param a luron.Tensor
---@return luron.Tensor values
---@return luron.Tensor q
function linalg.eigh(a) end

--- A view of the elements of two dims (1 and 2 unless given) at (i, i + offset), as the last dim.
---@param offset? integer
---@param dim1? integer
---@param dim2? integer
---@return luron.Tensor
function Tensor:diagonal(offset, dim1, dim2) end

--- A view of the elements of two dims (1 and 2 unless given) at (i, i + offset), as the last dim.
---@param x luron.Tensor
---@param offset? integer
---@param dim1? integer
---@param dim2? integer
---@return luron.Tensor
function luron.diagonal(x, offset, dim1, dim2) end

--- A matrix with the vector x on that diagonal and 0 elsewhere; of a matrix the diagonal.
---@param offset? integer
---@return luron.Tensor
function Tensor:diag(offset) end

--- A matrix with the vector x on that diagonal and 0 elsewhere; of a matrix the diagonal.
---@param x luron.Tensor
---@param offset? integer
---@return luron.Tensor
function luron.diag(x, offset) end

--- The sum of the diagonal of a matrix, or of each in a batch.
---@return luron.Tensor
function Tensor:trace() end

--- The sum of the diagonal of a matrix, or of each in a batch.
---@param x luron.Tensor
---@return luron.Tensor
function luron.trace(x) end

--- The products of all elements of two vectors.
---@param y luron.Tensor
---@return luron.Tensor
function Tensor:outer(y) end

--- The products of all elements of two vectors.
---@param x luron.Tensor
---@param y luron.Tensor
---@return luron.Tensor
function luron.outer(x, y) end

--- The sum of the products of two vectors.
---@param y luron.Tensor
---@return luron.Tensor
function Tensor:dot(y) end

--- The sum of the products of two vectors.
---@param x luron.Tensor
---@param y luron.Tensor
---@return luron.Tensor
function luron.dot(x, y) end

--- From the row, column and value of each entry, in any order; without values they are 1. Values of equal places are added. size is { rows, columns }.
---@param rows luron.Tensor|integer[]
---@param cols luron.Tensor|integer[]
---@param values luron.Tensor|number[]|nil
---@param size integer[]
---@return luron.Sparse
function sparse.coo(rows, cols, values, size) end

--- From the entries row by row: those of row i are number offsets[i] to offsets[i + 1] - 1, so the first offset is 1 and the last one more than there are entries.
---@param offsets luron.Tensor|integer[]
---@param cols luron.Tensor|integer[]
---@param values luron.Tensor|number[]|nil
---@param size integer[]
---@return luron.Sparse
function sparse.csr(offsets, cols, values, size) end

--- From the elements of a matrix that are not 0; their gradients reach x.
---@param x luron.Tensor
---@return luron.Sparse
function sparse.from_dense(x) end

--- The product with a matrix (columns, n) or a vector (columns). The entries of a row are added in their order.
---@param x luron.Tensor
---@return luron.Tensor
function Sparse:matmul(x) end

--- For each entry the product of its row of g and of the row of x that its column names: scores of edges, to be given to `with_values`.
---@param g luron.Tensor
---@param x luron.Tensor
---@return luron.Tensor
function Sparse:sample(g, x) end

--- The transpose, over the same values.
---@return luron.Sparse
function Sparse:t() end

--- The same entries with other values, in the order of `s:rows()`; nil: all 1.
---@param values luron.Tensor|nil
---@return luron.Sparse
function Sparse:with_values(values) end

--- As a matrix with zeros.
---@return luron.Tensor
function Sparse:to_dense() end

--- The value of each entry, row by row.
---@return luron.Tensor
function Sparse:values() end

--- The row of each entry.
---@return luron.Tensor
function Sparse:rows() end

--- The column of each entry.
---@return luron.Tensor
function Sparse:cols() end

--- Rows and columns.
---@return integer[]
function Sparse:shape() end

--- One of them.
---@param dim integer
---@return integer
function Sparse:size(dim) end

--- How many entries there are.
---@return integer
function Sparse:nnz() end

--- The sums over rows (1) or over columns (2), or of all values.
---@param dim? integer
---@return luron.Tensor
function Sparse:sum(dim) end

--- Does x need a gradient?
---@return boolean
function Tensor:requires_grad() end

--- Says so (or, with false, that it does not), and gives x back. Real tensors that were not computed only.
---@param on? boolean
---@return luron.Tensor
function Tensor:requires_grad_(on) end

--- Was x given rather than computed? Gradients are kept by leaves.
---@return boolean
function Tensor:is_leaf() end

--- Adds dx/dleaf into the gradient of every leaf. Without `gradient` x must have one element. The tape is used up unless `retain_graph`; `create_graph` records the walk too, for higher derivatives.
---@param gradient? luron.Tensor
---@param options? { retain_graph: boolean?, create_graph: boolean? }
function Tensor:backward(gradient, options) end

--- The gradient, nil if there is none.
---@return luron.Tensor?
function Tensor:grad() end

--- Keeps the gradient of x although it was computed: `backward` then adds it to `x:grad()`. Gives x back.
---@return luron.Tensor
function Tensor:retain_grad() end

--- Puts another in its place; nil: none.
---@param gradient? luron.Tensor
---@return luron.Tensor
function Tensor:set_grad(gradient) end

--- Drops the gradient.
---@return luron.Tensor
function Tensor:zero_grad() end

--- How often the memory was changed in place.
---@return integer
function Tensor:version() end

--- The gradients of the sum of ys with respect to each of xs, leaves or not, as so many results; nil where ys do not depend on it. Nothing is added up.
---@param ys luron.Tensor|luron.Tensor[]
---@param xs luron.Tensor|luron.Tensor[]
---@param options? { grad_outputs: (luron.Tensor|luron.Tensor[])?, retain_graph: boolean?, create_graph: boolean? }
---@return luron.Tensor? ...
function luron.grad(ys, xs, options) end

--- Runs fn(...) with nothing recorded and gives its results. Without fn: a guard, `local _ <close> = luron.no_grad()`, until the end of the block. A line `luron.no_grad()` by itself leaves recording off for good, for nothing closes the guard: `backward` raises then, and names the line. So does a coroutine that yields within it, until it goes on, or that an error has ended there, until `coroutine.close`.
---@param fn? function
---@param ... any
---@return any
function luron.no_grad(fn, ...) end

--- The opposite, within `no_grad`.
---@param fn? function
---@param ... any
---@return any
function luron.enable_grad(fn, ...) end

--- Gives what fn(...) gives, but keeps nothing of it for the backward except the arguments: the backward runs fn once more, with the same random numbers, and the state of layers moves once. Memory for time: a block of ten layers keeps about a tenth. Tensors made in fn are closed when it is through, as in `luron.scope`, but for its results, which are tensors, not in tables, or other values as they are. fn must do the same twice; what it catches has to be open, and unchanged, in the backward.
---@param fn function
---@param ... any
---@return any
function luron.recompute(fn, ...) end

--- Are gradients being recorded?
---@return boolean
function luron.is_recording() end

--- Keep, while recording, what second derivatives through layers need? Off at first. With an argument sets it.
---@param on? boolean
---@return boolean
function luron.higher(on) end

--- Looks for numbers that are not finite (below). `true` or `false` sets it and gives what it was; with a function, or nothing, it is a guard like `no_grad`: a line `luron.detect_anomaly()` by itself leaves it on.
---@param on? boolean|function
---@param ... any
---@return any
function luron.detect_anomaly(on, ...) end

--- Is it on?
---@return boolean
function luron.is_detecting_anomaly() end

--- Compares the gradients of fn at float64 inputs with central differences: true, or false and the worst element. `order = 2` checks second derivatives too. fn may be a layer.
---@param fn function
---@param ... luron.Tensor|{ order: integer?, eps: number?, rtol: number?, atol: number?, seed: integer? } inputs
---@return boolean ok
---@return string? message
function luron.gradcheck(fn, ...) end

--- A differentiable function with its own gradient. `forward(ctx, ...)` gets the arguments and gives tensors; `backward(ctx, g...)` gets the gradients of the results and gives one gradient of real numbers, or nil, for each argument; behind the last tensor they may be left out. Written in functions of tensors, it can be differentiated again.
---@param definition { name: string, forward: function, backward: function }
---@return function
function luron.op(definition) end

--- In `forward`: keeps values for `backward`.
---@param ... any
function OpContext:save(...) end

--- In `backward`: gives them back.
---@return any ...
function OpContext:saved() end

--- `fn(g)` gets the complete gradient of x in a backward, before it flows on or, if x is a leaf, is added up; it may return another of the same shape and dtype. The hook of a tensor that was computed goes with its part of the tape.
---@param fn function
---@return luron.HookHandle
function Tensor:register_hook(fn) end

--- `fn(layer, inputs)` before the layer is applied; `inputs` is a list with its length `n`. It may return other inputs, one by one or as a list. So do models and instances of `nn.class`, whose `fn` gets the model or instance.
---@param fn function
---@return luron.HookHandle
function Layer:register_forward_pre_hook(fn) end

--- `fn(layer, inputs, outputs...)` afterwards; it may return other outputs.
---@param fn function
---@return luron.HookHandle
function Layer:register_forward_hook(fn) end

--- `fn(layer, grad_inputs, grad_outputs)`, two lists, once a backward knows the gradients of the inputs (or, if no input requires one, of the outputs); it may return other gradients of inputs.
---@param fn function
---@return luron.HookHandle
function Layer:register_full_backward_hook(fn) end

--- Around a run of the whole model. Included in another model, its layers keep their hooks; its own do not run there.
---@param fn function
---@return luron.HookHandle
function Model:register_forward_pre_hook(fn) end

--- The same, afterwards.
---@param fn function
---@return luron.HookHandle
function Model:register_forward_hook(fn) end

--- The same, in a backward.
---@param fn function
---@return luron.HookHandle
function Model:register_full_backward_hook(fn) end

--- Around a call of the instance.
---@param fn function
---@return luron.HookHandle
function Module:register_forward_pre_hook(fn) end

--- The same, afterwards.
---@param fn function
---@return luron.HookHandle
function Module:register_forward_hook(fn) end

--- The same, in a backward.
---@param fn function
---@return luron.HookHandle
function Module:register_full_backward_hook(fn) end

--- The hook is not called any more. `local _ <close> = x:register_hook(fn)` does so at the end of the block.
function HookHandle:remove() end

--- All first derivatives: a tensor whose shape is that of the result and that of the input, one behind the other.
---@param fn function
---@param inputs luron.Tensor|luron.Tensor[]
---@param options? { create_graph: boolean? }
---@return luron.Tensor|luron.Tensor[]
function luron.jacobian(fn, inputs, options) end

--- All second derivatives of a function that gives one number; `[i][j]` of a list of inputs.
---@param fn function
---@param inputs luron.Tensor|luron.Tensor[]
---@param options? { create_graph: boolean? }
---@return luron.Tensor|luron.Tensor[][]
function luron.hessian(fn, inputs, options) end

--- The result, and v times the derivatives: what `backward` computes.
---@param fn function
---@param inputs luron.Tensor|luron.Tensor[]
---@param v? luron.Tensor
---@param options? { create_graph: boolean? }
---@return luron.Tensor y
---@return luron.Tensor|luron.Tensor[] product
function luron.vjp(fn, inputs, v, options) end

--- The result, and its derivative along v.
---@param fn function
---@param inputs luron.Tensor|luron.Tensor[]
---@param v luron.Tensor|luron.Tensor[]
---@param options? { create_graph: boolean? }
---@return luron.Tensor y
---@return luron.Tensor product
function luron.jvp(fn, inputs, v, options) end

--- The one number that fn gives, and its second derivatives times v, without the matrix.
---@param fn function
---@param inputs luron.Tensor|luron.Tensor[]
---@param v luron.Tensor|luron.Tensor[]
---@param options? { create_graph: boolean? }
---@return luron.Tensor y
---@return luron.Tensor|luron.Tensor[] product
function luron.hvp(fn, inputs, v, options) end

--- List of the parameters.
---@return luron.Tensor[]
function Layer:parameters() end

--- Iterator over names and parameters: `for name, tensor in layer:named_parameters() do`.
---@return luron.NamedTensors
function Layer:named_parameters() end

--- The parameter of that name; nil: there is none.
---@param name string
---@return luron.Tensor?
function Layer:parameter(name) end

--- How many numbers are in all parameters.
---@return integer
function Layer:n_weights() end

--- Parameters and state by name, shared, not copied.
---@return table<string, luron.Tensor>
function Layer:state_dict() end

--- Copies them in, all or nothing; missing names and other shapes raise.
---@param dict table<string, luron.Tensor>
---@return luron.Layer
function Layer:load_state_dict(dict) end

--- Calls `fn(layer, "")`: as for models and instances of classes.
---@param fn function
---@return luron.Layer
function Layer:apply(fn) end

--- No longer trains the parameter; all without an argument.
---@param name? string
---@return luron.Layer
function Layer:freeze(name) end

--- Trains it again.
---@param name? string
---@return luron.Layer
function Layer:unfreeze(name) end

--- Iterator over what is saved and not trained.
---@return luron.NamedTensors
function Layer:named_states() end

--- Training mode, which a new layer is in; `false` is `eval`. Gives the layer back.
---@param on? boolean
---@return luron.Layer
function Layer:train(on) end

--- Mode of use: dropout lets all through.
---@return luron.Layer
function Layer:eval() end

--- Which of the two.
---@return boolean
function Layer:is_training() end

--- Casts parameters and state to `float32` or `float64`; gradients are dropped.
---@param dtype string
---@return luron.Layer
function Layer:to(dtype) end

--- The dtype of the layer.
---@return string
function Layer:dtype() end

--- The name of its type.
---@return string
function Layer:type() end

--- Its path in a model or an instance of `nn.class` (as `init` leaves it), for messages and profiles; with an argument sets it.
---@param name? string
---@return string
function Layer:name(name) end

--- Its options by name.
---@return table
function Layer:options() end

--- Draws the parameters anew.
---@return luron.Layer
function Layer:reset() end

--- A copy with parameters of its own.
---@return luron.Layer
function Layer:clone() end

--- Drops the gradients of its parameters.
---@return luron.Layer
function Layer:zero_grad() end

--- Shapes of the outputs for inputs of these shapes, without computing.
---@param ... integer[] sizes
---@return integer[] ...
function Layer:infer(...) end

--- Number of outputs.
---@return integer
function Layer:n_outs() end

--- Lets go of the layer.
function Layer:close() end

--- Is the value a layer?
---@param value any
---@return boolean
function luron.is_layer(value) end

--- Tensors (t, ...) of unequal t as one, (n, t, ...), with `padding_value` (0) behind the shorter ones; and how long each is.
---@param tensors luron.Tensor[]
---@param options? { padding_value: number }
---@return luron.Tensor
---@return luron.Tensor lengths
function nn.pad_sequence(tensors, options) end

--- Encoder and decoder: `model(src, tgt)`.
---@param d_model? integer
---@param nhead? integer
---@param options? table
---@return luron.Model
function nn.Transformer(d_model, nhead, options) end

--- A block of an encoder: attention and two linear layers.
---@param d_model integer
---@param nhead integer
---@param options? table
---@return luron.Model
function nn.TransformerEncoderLayer(d_model, nhead, options) end

--- A block of a decoder, which looks at a memory too.
---@param d_model integer
---@param nhead integer
---@param options? table
---@return luron.Model
function nn.TransformerDecoderLayer(d_model, nhead, options) end

--- Copies of a block one after the other; all begin with its parameters, as in PyTorch.
---@param layer luron.Model
---@param num_layers integer
---@param norm? luron.Layer
---@return luron.Model
function nn.TransformerEncoder(layer, num_layers, norm) end

--- The same with blocks of a decoder.
---@param layer luron.Model
---@param num_layers integer
---@param norm? luron.Layer
---@return luron.Model
function nn.TransformerDecoder(layer, num_layers, norm) end

--- 0
---@param t luron.Tensor
---@return luron.Tensor
function init.zeros_(t) end

--- 1
---@param t luron.Tensor
---@return luron.Tensor
function init.ones_(t) end

--- The value.
---@param t luron.Tensor
---@param value number
---@return luron.Tensor
function init.constant_(t, value) end

--- Uniform from low (0) to high (1).
---@param t luron.Tensor
---@param low? number
---@param high? number
---@return luron.Tensor
function init.uniform_(t, low, high) end

--- Normal, of mean 0 and deviation 1.
---@param t luron.Tensor
---@param mean? number
---@param std? number
---@return luron.Tensor
function init.normal_(t, mean, std) end

--- Normal, cut off two deviations from the mean.
---@param t luron.Tensor
---@param mean? number
---@param std? number
---@return luron.Tensor
function init.trunc_normal_(t, mean, std) end

--- Uniform within gain (1) times sqrt(6 / (fan_in + fan_out)); Keras: glorot_uniform.
---@param t luron.Tensor
---@param gain? number
---@return luron.Tensor
function init.xavier_uniform_(t, gain) end

--- Normal, of deviation gain (1) times sqrt(2 / (fan_in + fan_out)).
---@param t luron.Tensor
---@param gain? number
---@return luron.Tensor
function init.xavier_normal_(t, gain) end

--- Uniform within sqrt(6 / ((1 + slope^2) fan)); slope (0) of the leaky relu behind, mode "fan_in" or "fan_out"; Keras: he_uniform.
---@param t luron.Tensor
---@param slope? number
---@param mode? string
---@return luron.Tensor
function init.kaiming_uniform_(t, slope, mode) end

--- Normal, of deviation sqrt(2 / ((1 + slope^2) fan)).
---@param t luron.Tensor
---@param slope? number
---@param mode? string
---@return luron.Tensor
function init.kaiming_normal_(t, slope, mode) end

--- Uniform within sqrt(3 / fan_in), as in Keras.
---@param t luron.Tensor
---@return luron.Tensor
function init.lecun_uniform_(t) end

--- Normal, of deviation sqrt(1 / fan_in), cut off at two deviations, as in Keras.
---@param t luron.Tensor
---@return luron.Tensor
function init.lecun_normal_(t) end

--- gain (1) on the diagonal of a matrix, else 0.
---@param t luron.Tensor
---@param gain? number
---@return luron.Tensor
function init.eye_(t, gain) end

--- The weight of a convolution that passes channels on as they are.
---@param t luron.Tensor
---@param groups? integer
---@return luron.Tensor
function init.dirac_(t, groups) end

--- Rows (or columns, of which there are fewer) at right angles to each other, of length gain (1).
---@param t luron.Tensor
---@param gain? number
---@return luron.Tensor
function init.orthogonal_(t, gain) end

--- Normal, of deviation std (0.01), with that part (0.9) of each column 0.
---@param t luron.Tensor
---@param part? number
---@param std? number
---@return luron.Tensor
function init.sparse_(t, part, std) end

--- Layers and models one after the other; named ones as pairs: `nn.Sequential { { "encoder", model }, { "head", nn.Linear(8, 2) } }`.
---@param items table
---@return luron.Model
function nn.Sequential(items) end

--- An input of a graph. Layers and models called on nodes give nodes; so do operators, methods and functions of tensors (`a:transpose(2, 3)`, `luron.maximum(a, 0)`, `nn.relu(a)`), with the same arguments and errors, where nodes, tensors and numbers may stand together. A node has no shape or numbers before the model runs: what asks for them it has not, nor `split`, `chunk` and `unbind`, whose results it could not count.
---@param name? string
---@return luron.Node
function nn.Input(name) end

--- A model from nodes with any number of inputs and outputs; `names` gives layers, and tensors in formulas, their paths.
---@param options { inputs: luron.Node|luron.Node[], outputs: luron.Node|luron.Node[], names: table<string, luron.Layer|luron.Model|luron.Tensor>? }
---@return luron.Model
function nn.Graph(options) end

--- A linear layer or convolution whose weight is g v / |v|, for each output, or with `false` over the whole weight: `weight_g` and the layer's own weight, v, are trained. The model computes what PyTorch's `weight_norm` does by scaling the layer's output, and shares weight and bias with it.
---@param layer luron.Layer
---@param dim? integer|false
---@return luron.Model
function nn.weight_norm(layer, dim) end

--- The same with weight / sigma, where sigma is the largest singular value of the weight, found by power iteration: `n_power_iterations` (1) steps, whenever the model is applied in training; `eps`, `dim` (of the outputs). `spectral/u` and `spectral/v` are state.
---@param layer luron.Layer
---@param options? table
---@return luron.Model
function nn.spectral_norm(layer, options) end

--- Applies a layer or model to every step of `(n, t, ...)`.
---@param part luron.Layer|luron.Model
---@return luron.Model
function nn.TimeDistributed(part) end

--- The model that `model:json()` described, with new parameters.
---@param json string
---@return luron.Model?
---@return string? message
---@return string? code
function luron.model_from_json(json) end

--- Is the value a model?
---@param value any
---@return boolean
function luron.is_model(value) end

--- List of the parameters, each once.
---@return luron.Tensor[]
function Model:parameters() end

--- Iterator over names and parameters.
---@return luron.NamedTensors
function Model:named_parameters() end

--- Iterator over what is saved and not trained.
---@return luron.NamedTensors
function Model:named_states() end

--- Iterator over paths and layers.
---@return luron.NamedLayers
function Model:named_layers() end

--- The layer at a path; nil: there is none.
---@param path string
---@return luron.Layer?
function Model:layer(path) end

--- The parameter of that name; nil: there is none.
---@param name string
---@return luron.Tensor?
function Model:parameter(name) end

--- Parameters and state by name, shared, not copied.
---@return table<string, luron.Tensor>
function Model:state_dict() end

--- Copies them in, all or nothing; missing names and other shapes raise.
---@param dict table<string, luron.Tensor>
---@return luron.Model
function Model:load_state_dict(dict) end

--- Calls `fn(layer, path)` for every layer, and at last for the model itself with the path `""`.
---@param fn function
---@return luron.Model
function Model:apply(fn) end

--- How many numbers are in all parameters.
---@return integer
function Model:n_weights() end

--- Nodes of the graph, inputs included.
---@return integer
function Model:n_nodes() end

--- Names of the inputs, and the number of outputs.
---@return string[] names
---@return integer outputs
function Model:inputs() end

--- Training mode, which a new model is in; `false` is `eval`. Gives the model back.
---@param on? boolean
---@return luron.Model
function Model:train(on) end

--- Mode of use: dropout lets all through.
---@return luron.Model
function Model:eval() end

--- Which of the two.
---@return boolean
function Model:is_training() end

--- No longer trains the parameters whose path begins so, `"encoder"`, `"linear1/bias"`; all without an argument.
---@param prefix? string
---@return luron.Model
function Model:freeze(prefix) end

--- Trains them again.
---@param prefix? string
---@return luron.Model
function Model:unfreeze(prefix) end

--- Drops the gradients of all parameters.
---@return luron.Model
function Model:zero_grad() end

--- Casts everything to `float32` or `float64`.
---@param dtype string
---@return luron.Model
function Model:to(dtype) end

--- A deep copy; what was shared inside stays shared in it.
---@return luron.Model
function Model:clone() end

--- A table of layers, shapes, parameters and FLOPs for inputs of these sizes, the batch included: those of one input one by one or as a list, of several as lists.
---@param ... integer|integer[] sizes
---@return string
function Model:summary(...) end

--- The architecture as JSON (docs/file-format.md).
---@return string
function Model:json() end

--- Writes a checkpoint: under a temporary name, synced, renamed, so that a crash leaves the old file. Raises if it cannot.
---@param path string
---@param options? luron.SaveOptions
function Model:save(path, options) end

--- Puts parameters and state from a file or checkpoint into the model: all or nothing.
---@param from string|luron.Checkpoint
---@return luron.Checkpoint?
---@return string? message
---@return string? code
function Model:restore(from) end

--- Lets go of the model.
function Model:close() end

--- The model in a file, and the checkpoint; or nil, message, code. The file is checked whole before anything is made of it; `verify = false` takes one without a checksum. A class of Lua is made if its file was required before.
---@param path string
---@param options? { verify: boolean? }
---@return (luron.Model|luron.Module)? model
---@return luron.Checkpoint|string
---@return string? code
function luron.load(path, options) end

--- The checkpoint alone. It has the fields `epoch`, `step`, `history`, `preprocessing`, `training` and `path`.
---@param path string
---@param options? { verify: boolean? }
---@return luron.Checkpoint?
---@return string? message
---@return string? code
function luron.checkpoint(path, options) end

--- Makes the model.
---@return (luron.Model|luron.Module)?
---@return string? message
---@return string? code
function Checkpoint:model() end

--- Puts state, steps and options into an optimiser over the same parameters.
---@param opt luron.Optimizer
---@return boolean?
---@return string? message
---@return string? code
function Checkpoint:restore_optim(opt) end

--- Goes on with the random numbers where the file was written.
---@return boolean?
---@return string? message
---@return string? code
function Checkpoint:restore_random() end

--- A tensor by its path, `"parameters/linear1/weight"`.
---@param path string
---@return luron.Tensor?
function Checkpoint:tensor(path) end

--- A text by its path, `"training/epoch"`.
---@param path string
---@return string?
function Checkpoint:text(path) end

--- Paths of all tensors.
---@return string[]
function Checkpoint:tensors() end

--- Paths of all texts.
---@return string[]
function Checkpoint:texts() end

--- The model in C that does what `module:forward` does with inputs like the examples, of any batch size; it shares the parameters. A table `{ batch = false }` or `{ batch = { true, false } }` behind the examples says which of them have a batch as their first dim (all of them otherwise). `forward` is run twice, with batches of two sizes, and what differs must be a multiple of the size. Reading numbers of tensors, `is_training`, random draws outside of layers, changes in place, `x:register_hook` and `luron.op` are refused at their line: the graph would not show what depends on them. What depends on `math.random`, on time, or on numbers that were read before is baked in as it was. `luron.recompute(f, x)` is `f(x)` here.
---@param module luron.Module
---@param example luron.Tensor
---@param ... luron.Tensor more
---@return luron.Model
function nn.trace(module, example, ...) end

--- A class; with `base` one that inherits from it. Name and arguments go into the checkpoint, so that `luron.load` can make the instance again: numbers, strings, booleans and tables of these. With another argument `save` raises: give a name that `init` looks up (`luron[act]`), make it in `init`, or save the graph alone, `nn.trace(net, example):save(path)`.
---@param name string
---@param base? table
---@return table
function nn.class(name, base) end

--- What `module(...)` does. Yours to write.
---@param ... any
---@return any
function Module:forward(...) end

--- Notes a tensor that is saved and not trained; it becomes `module[name]`.
---@param name string
---@param tensor luron.Tensor
---@return luron.Tensor
function Module:buffer(name, tensor) end

--- List of the parameters, each once.
---@return luron.Tensor[]
function Module:parameters() end

--- Iterator over names and parameters.
---@return luron.NamedTensors
function Module:named_parameters() end

--- Iterator over state and buffers.
---@return luron.NamedTensors
function Module:named_states() end

--- Calls `fn(part, path)` for every layer, model and instance in it, what is inside first, then for itself with the path `""`: `net:apply(function(part) if part:parameter "weight" then nn.init.zeros_(part.weight) end end)`.
---@param fn function
---@return luron.Module
function Module:apply(fn) end

--- The parameter of that name; nil: there is none.
---@param name string
---@return luron.Tensor?
function Module:parameter(name) end

--- Iterator over paths and layers, those of models in it too.
---@return luron.NamedLayers
function Module:named_layers() end

--- The layer at a path; nil: there is none.
---@param path string
---@return luron.Layer?
function Module:layer(path) end

--- How many numbers are in all parameters.
---@return integer
function Module:n_weights() end

--- As `model:summary`. With sizes `forward` is run with zeros, as by `nn.trace`, and its graph is what is shown.
---@param ... integer|integer[] sizes
---@return string
function Module:summary(...) end

--- A deep copy with parameters and state of its own. What is shared or tied inside stays so; functions, and what is neither layer, tensor, table nor instance, is shared; hooks stay behind.
---@return luron.Module
function Module:clone() end

--- Training mode for everything in it; `false` is `eval`.
---@param on? boolean
---@return luron.Module
function Module:train(on) end

--- Mode of use.
---@return luron.Module
function Module:eval() end

--- Which of the two.
---@return boolean
function Module:is_training() end

--- No longer trains the parameters whose path begins so, `"encoder"`, `"encoder/bias"`; all without an argument. They stay parameters: they are saved.
---@param prefix? string
---@return luron.Module
function Module:freeze(prefix) end

--- Trains them again.
---@param prefix? string
---@return luron.Module
function Module:unfreeze(prefix) end

--- Drops all gradients.
---@return luron.Module
function Module:zero_grad() end

--- Casts parameters and state of real numbers in place; gradients are dropped, and an optimiser whose state is of the old dtype raises in its step.
---@param dtype string
---@return luron.Module
function Module:to(dtype) end

--- Parameters and state by name, shared, not copied.
---@return table<string, luron.Tensor>
function Module:state_dict() end

--- Copies them in, all or nothing; missing names and other shapes raise.
---@param dict table<string, luron.Tensor>
---@return luron.Module
function Module:load_state_dict(dict) end

--- As `model:save`. With `trace` (an example, a list of them, or what `nn.trace` gave) the graph of `forward` goes in beside the parameters: `luron.load` gives the class where it is defined, and the model elsewhere.
---@param path string
---@param options? luron.SaveOptions
function Module:save(path, options) end

--- As `model:restore`.
---@param from string|luron.Checkpoint
---@return luron.Checkpoint?
---@return string? message
---@return string? code
function Module:restore(from) end

--- One step with the gradients that are there. A gradient that is not finite raises, and nothing has changed. With a closure, a function that drops the gradients, makes the loss, calls `backward` and returns the loss, it is called first, and step gives the loss. LBFGS, below, needs one.
---@param closure? function
---@return any
function Optimizer:step(closure) end

--- Drops the gradients of all parameters.
function Optimizer:zero_grad() end

--- Another group: `opt:add_group { params = layer, lr = 1e-4 }`. Make schedules afterwards.
---@param group table
function Optimizer:add_group(group) end

--- Sets options of all groups: `opt:set { lr = 1e-4 }`.
---@param options table
---@return luron.Optimizer
function Optimizer:set(options) end

--- Steps made so far.
---@return integer
function Optimizer:steps() end

--- The name of its type.
---@return string
function Optimizer:type() end

--- What it keeps for a parameter, and for its group.
---@param group integer
---@param parameter integer
---@return table<string, luron.Tensor> tensors
---@return table<string, number> scalars
function Optimizer:state(group, parameter) end

--- Lets go of the optimiser.
function Optimizer:close() end

--- L-BFGS, for whole batches: `opt:step(closure)`, where the closure drops the gradients, makes the loss, calls `backward` and returns the loss; step gives what its first call gave. Options: lr (1), max_iter (20) directions a step, max_eval (max_iter * 5 // 4) calls of the closure, tolerance_grad (1e-7), tolerance_change (1e-9), history_size (100), line_search_fn `"strong_wolfe"` or none. One group alone. Where a step fails nothing has changed; a line search comes back from where the loss is not finite. `opt:state()` gives `{ iterations, evaluations, history }`.
---@param parameters any
---@param options? luron.LBFGSOptions
---@return luron.Optimizer
function optim.LBFGS(parameters, options) end

--- Is the value an optimiser?
---@param value any
---@return boolean
function luron.is_optim(value) end

--- The sum of what the rules give, a scalar to add to the loss.
---@param model luron.Model|luron.Module|luron.Layer
---@param rules table<string, function>
---@return luron.Tensor
function luron.penalty(model, rules) end

--- Calls the model and gives, before its outputs, the sum of what the rules say to the outputs of its layers, found by patterns of their paths (`model:named_layers()`), each time that they are called: `local penalty, y = luron.activity(model, { ["^relu"] = luron.regularizer.l1(1e-4) }, x)`. Keras's `activity_regularizer`.
---@param model luron.Model|luron.Module|luron.Layer
---@param rules table<string, function>
---@param ... any inputs
---@return luron.Tensor penalty
---@return any outputs...
function luron.activity(model, rules, ...) end

--- factor (0.01) times the sum of |w|.
---@param factor? number
---@return function
function regularizer.l1(factor) end

--- factor (0.01) times the sum of w^2.
---@param factor? number
---@return function
function regularizer.l2(factor) end

--- l1 (0) times the sum of |w| and l2 (0) times that of w^2.
---@param l1? number
---@param l2? number
---@return function
function regularizer.l1_l2(l1, l2) end

--- factor (0.01) times the mean |cosine| between the columns of a matrix, or with mode `"rows"` between its rows, which are the weights into a unit. (Keras's matrices lie the other way: its default, rows, are the columns here.)
---@param factor? number
---@param mode? string
---@return function
function regularizer.orthogonal(factor, mode) end

--- Puts what the rules give in place of the parameters; all or nothing. Numbers that are not finite raise. Call it after `opt:step()`.
---@param model luron.Model|luron.Module|luron.Layer
---@param rules table<string, function>
function luron.constrain(model, rules) end

--- Norms over dims (all but the first: one for each unit) of at most max_value (2).
---@param max_value? number
---@param dims? integer|integer[]
---@return function
function constraint.max_norm(max_value, dims) end

--- Norms between min_value (0) and max_value (1); with a rate below 1 they move that share of the way.
---@param min_value? number
---@param max_value? number
---@param rate? number
---@param dims? integer|integer[]
---@return function
function constraint.min_max_norm(min_value, max_value, rate, dims) end

--- Norms of 1.
---@param dims? integer|integer[]
---@return function
function constraint.unit_norm(dims) end

--- No number below 0.
---@return function
function constraint.non_neg() end

--- A dataset of tensors.
---@param ... luron.Tensor|{ classes: string[]?, name: string? } tensors
---@return luron.Dataset
function data.tensors(...) end

--- MNIST from its four IDX files in a folder, gzip or not: images (n, 1, 28, 28) in [0, 1], digits 0 to 9 as ids 1 to 10. nil, message, code on failure.
---@param dir string
---@return luron.Dataset? train
---@return luron.Dataset|string test
---@return string? code
function data.mnist(dir) end

--- Fashion-MNIST likewise; without a folder from $LURON_DATA/fashion-mnist or where Debian's package dataset-fashion-mnist puts it.
---@param dir? string
---@return luron.Dataset? train
---@return luron.Dataset|string test
---@return string? code
function data.fashion_mnist(dir) end

--- CIFAR-10 from its binary files, gzip or not: images (n, 3, 32, 32) in [0, 1]. The training set is made of data_batch_1.bin and those of the other four that are there, the test set of test_batch.bin or the file that `test` names. nil, message, code on failure.
---@param dir string
---@param options? { test: string? }
---@return luron.Dataset? train
---@return luron.Dataset|string test
---@return string? code
function data.cifar10(dir, options) end

--- The tensor of an IDX file, gzip or not. A row of uint8 is taken for labels, which come as ids from 1.
---@param path string
---@return luron.Tensor?
---@return string? message
---@return string? code
function data.idx(path) end

--- A CSV file as `{ data = tensor, columns = names, target = tensor, ids = { name = tensor }, classes = { name = names } }`: numbers, text columns as ids with their classes, and the column that the option `target` names. Without a header columns are called column1, column2, ... Empty cells and NA are NaN (id -1 in a text column). Options: see the format csv at the end.
---@param path string
---@param options? table
---@return table?
---@return string? message
---@return string? code
function data.csv(path, options) end

--- The tensors of a file of any format that a plugin reads, as a list of `{ name, tensor, ids, ... }`; `{ format = "csv" }` names the format, which options of the format need; otherwise the first bytes decide.
---@param path string
---@param options? table
---@return table[]?
---@return string? message
---@return string? code
function data.read(path, options) end

--- Batches: `for x, y in ds:loader { batch = 64, shuffle = true } do`. 64 unless given, in order unless told to shuffle. transform, a function or layer, makes of the tensors of each batch those that the loop gets, each with a row for each example.
---@param options? { batch: integer?, shuffle: boolean?, drop_last: boolean?, seed: integer?, transform: any }
---@return luron.Loader
function Dataset:loader(options) end

--- Examples first to last, or those that a tensor of ids names, as one tensor each.
---@param first integer|luron.Tensor
---@param last? integer
---@return luron.Tensor ...
function Dataset:batch(first, last) end

--- The first n examples, or those from first to last; memory is shared.
---@param first integer
---@param last? integer
---@return luron.Dataset
function Dataset:range(first, last) end

--- Two datasets, in order: use `ds:shuffled():split(0.8)` where order matters.
---@param fraction number
---@return luron.Dataset first
---@return luron.Dataset rest
function Dataset:split(fraction) end

--- The examples in random order, copied.
---@return luron.Dataset
function Dataset:shuffled() end

--- fn applied to the first tensor of every batch; it gives a tensor with as many rows.
---@param fn fun(x: luron.Tensor): luron.Tensor
---@return luron.Dataset
function Dataset:map(fn) end

--- Number of examples in an epoch; `#loader` is the number of batches.
---@return integer
function Loader:examples() end

--- Where it is; a checkpoint keeps it (`save { loader = }`): `seed`, `epoch` (how many have begun), `position` (within a loop that of the next example in the order of the epoch, one more than there are behind the last batch; nil before a loop and when it has ended) and `examples` (how many there are).
---@return table
function Loader:state() end

--- Goes on from there. A state from within a loop: the next loop gives the rest of that epoch, in the same order, and nothing if the last batch was out; any other: the next epoch. So `for epoch = checkpoint.epoch, n do for x, y in loader do` makes the steps that were left, at whichever step it was saved. A state of another number of examples raises.
---@param state table
function Loader:restore(state) end

--- An object that is called like fn and does the same, by a plan of what it did where it can. fn takes tensors (and numbers, booleans, strings, nil) and gives tensors and nil. Its type is no `function`: luron's functions take it where they take a function, Lua's `coroutine.wrap` takes `function(...) return compiled(...) end`.
---@param fn function
---@return luron.Compiled
function luron.compile(fn) end

--- For each kind of call of what `luron.compile` gave, or of the steps behind the history that `luron.fit` gave, whether there is a plan, and if not, why, and in which line if one is to blame.
---@param subject luron.Compiled|table
---@return string
function luron.explain(subject) end

--- Trains and gives the history, one entry `{ epoch, loss, accuracy, validation }` an epoch; no `accuracy` where targets are no class ids, such as labels that `nn.MixUp` has mixed. Luron's errors in a step or in the data name the epoch and the batch. Its steps are planned where they can be (see Steps that are repeated). The loop in it is the one that the tutorial writes by hand. Data without a batch raise; of a loader that was restored behind the last batch of an epoch the first entry has no loss.
---@param model luron.Model|luron.Module|luron.Layer
---@param data luron.Dataset|luron.Loader
---@param options? luron.FitOptions
---@return table[]
function luron.fit(model, data, options) end

--- Mean loss and, where targets are class ids, the share that is right, and the metrics by their names (see Metrics); in eval mode, with nothing recorded. `batch`: examples at once (1000). Fewer take less memory, which counts where layers have large outputs, as convolutions do.
---@param model luron.Model|luron.Module|luron.Layer
---@param data luron.Dataset|luron.Loader
---@param options? { batch: integer?, loss: string|function|luron.Layer|nil, metrics: table? }
---@return { loss: number, accuracy: number?, n: integer }
function luron.evaluate(model, data, options) end

--- The progress line that `fit` shows: loss, accuracy, examples a second, time left; `first`: number of the first epoch (1).
---@param epochs integer
---@param examples integer
---@param first? integer
---@return luron.Progress
function luron.progress(epochs, examples, first) end

--- Begins the next epoch.
function Progress:begin() end

--- A batch of n examples with this mean loss, of which `right` were right.
---@param n integer
---@param loss number
---@param right? integer
function Progress:step(n, loss, right) end

--- Ends the epoch and its line, with a text of yours behind.
---@param extra? string
function Progress:finish(extra) end

--- Takes in what was said of some examples and what is so.
---@param pred any
---@param target any
---@return luron.Metric
function Metric:update(pred, target) end

--- The metric of all that was taken in.
---@return number|luron.Tensor
function Metric:value() end

--- Forgets what was taken in.
---@return luron.Metric
function Metric:reset() end

--- What it is called in results.
---@return string
function Metric:name() end

--- `"max"` or `"min"`: what is better.
---@return string?
function Metric:mode() end

--- The share that is right; of many labels `(n, labels)` that of all labels.
---@param options? luron.MetricOptions
---@return luron.Metric
function metrics.Accuracy(options) end

--- The share whose class is among the `k` (5) of largest score.
---@param options? { k: integer?, ignore_index: integer? }
---@return luron.Metric
function metrics.TopK(options) end

--- What is right of what was said.
---@param options? luron.AverageOptions
---@return luron.Metric
function metrics.Precision(options) end

--- What was said of what is so; macro: the balanced accuracy.
---@param options? luron.AverageOptions
---@return luron.Metric
function metrics.Recall(options) end

--- The harmonic mean of precision and recall.
---@param options? luron.AverageOptions
---@return luron.Metric
function metrics.F1(options) end

--- The same with recall `beta` (1) times as important.
---@param options? luron.AverageOptions
---@return luron.Metric
function metrics.FBeta(options) end

--- What was not said of what is not so.
---@param options? luron.AverageOptions
---@return luron.Metric
function metrics.Specificity(options) end

--- Intersection over union (Jaccard): of what was said or is so, what is both.
---@param options? luron.AverageOptions
---@return luron.Metric
function metrics.IoU(options) end

--- The Dice coefficient, which is F1, of masks.
---@param options? luron.AverageOptions
---@return luron.Metric
function metrics.Dice(options) end

--- How often each class (columns) was said where each is so (rows); `normalize`: `"true"` by rows, `"pred"` by columns, `"all"`. Prints as a table, with names from `classes`.
---@param options? luron.ConfusionOptions
---@return luron.Metric
function metrics.ConfusionMatrix(options) end

--- Matthews' correlation coefficient, of any number of classes.
---@param options? luron.MetricOptions
---@return luron.Metric
function metrics.MCC(options) end

--- Agreement beyond that by chance; `weights` `"linear"` or `"quadratic"` of ids that are ranks.
---@param options? luron.KappaOptions
---@return luron.Metric
function metrics.CohenKappa(options) end

--- The share that is wrong.
---@param options? luron.MetricOptions
---@return luron.Metric
function metrics.Hamming(options) end

--- The area under the ROC curve, from all scores, which it keeps; each class against the others, `average` of these `"macro"`. NaN where all or none is so.
---@param options? luron.AreaOptions
---@return luron.Metric
function metrics.ROCAUC(options) end

--- The area under precision and recall, by average precision. NaN where none is so.
---@param options? luron.AreaOptions
---@return luron.Metric
function metrics.PRAUC(options) end

--- The mean of -log of the probabilities of what is so.
---@param options? { ignore_index: integer? }
---@return luron.Metric
function metrics.LogLoss(options) end

--- exp of the mean cross entropy of logits `(n, classes, ...)`.
---@param options? { ignore_index: integer? }
---@return luron.Metric
function metrics.Perplexity(options) end

--- Mean absolute error.
---@return luron.Metric
function metrics.MAE() end

--- Mean squared error.
---@return luron.Metric
function metrics.MSE() end

--- Its root.
---@return luron.Metric
function metrics.RMSE() end

--- Mean absolute error in per cent of the target.
---@return luron.Metric
function metrics.MAPE() end

--- 1 - squared error over that of the mean. Of targets that are all the same, 1 where all is right and else 0, as in scikit-learn.
---@return luron.Metric
function metrics.R2() end

--- Correlation.
---@return luron.Metric
function metrics.Pearson() end

--- How many letters (or ids) are put in, taken out or changed, a mean over the sequences.
---@return luron.Metric
function metrics.EditDistance() end

--- Word error rate.
---@return luron.Metric
function metrics.WER() end

--- The same of letters.
---@return luron.Metric
function metrics.CER() end

--- Is the value a metric?
---@param value any
---@return boolean
function metrics.is_metric(value) end

--- Fits the state of a layer to a tensor, or to the first tensors of a dataset, transformed: `mean` and `variance` of `nn.Normalization`, `bin_boundaries` of `nn.Discretization` such that each bin has as many numbers; a list of numbers is taken as its boundaries.
---@param layer luron.Layer
---@param data luron.Tensor|luron.Dataset|number[]
---@return luron.Layer
function luron.adapt(layer, data) end

--- Words, in a list or a list of lists, as ids. Options: vocabulary (a list), max_tokens, num_oov_indices (1: ids for words that are not known; 0: they raise), oov_token (`"[UNK]"`), mask_token.
---@param options? table
---@return luron.Lookup
function preprocess.StringLookup(options) end

--- Integers, in lists or a tensor, likewise; oov_token is -1.
---@param options? table
---@return luron.Lookup
function preprocess.IntegerLookup(options) end

--- Texts, in a list, as rows of the ids of their words, padded to the longest or to output_sequence_length, where they are cut. Options: vocabulary, max_tokens, standardize (`"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"`, false or a function of the text), split (`"whitespace"`, `"character"` or a function that gives a list), ngrams (1), output_mode: `"int"`, or `"multi_hot"` and `"count"`, rows over the vocabulary.
---@param options? table
---@return luron.Lookup
function preprocess.TextVectorization(options) end

--- A lookup from what `lookup:state()` gave.
---@param state table
---@return luron.Lookup
function preprocess.restore(state) end

--- Its vocabulary from data: the most frequent first, of equal ones the later in the order of strings.
---@param data any
---@return luron.Lookup
function Lookup:adapt(data) end

--- All tokens in the order of their ids; `#lookup` is their number.
---@return any[]
function Lookup:vocabulary() end

--- What a checkpoint keeps of it; functions among the options raise.
---@return table
function Lookup:state() end

--- Graphs `{ x, edge_index, edge_weight = nil, y = nil }` as one: `{ x, edge_index, edge_weight, y, batch, ptr }`, batch the graph of each node, ptr where each graph begins, and the end. What one has, all have; y may be numbers or tensors.
---@param graphs table[]
---@return table
function data.graphs(graphs) end

--- The edges, with a loop for each of n nodes that has none (of weight 2 where `improved`), and D^-1/2 (A + I) D^-1/2 as their weights.
---@param edge_index luron.Tensor
---@param edge_weight luron.Tensor|nil
---@param n integer
---@param options? { improved: boolean? }
---@return luron.Tensor edge_index
---@return luron.Tensor edge_weight
function data.gcn_norm(edge_index, edge_weight, n, options) end

--- The area of each box, (..., 4).
---@param boxes luron.Tensor
---@return luron.Tensor
function boxes.box_area(boxes) end

--- The intersection of each of n boxes with each of m over their union, (n, m). Of two points it is NaN.
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@return luron.Tensor
function boxes.box_iou(boxes1, boxes2) end

--- The same, less the part of the smallest box around both that neither covers: what lies far apart is nearer to -1.
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@return luron.Tensor
function boxes.generalized_box_iou(boxes1, boxes2) end

--- The IoU less the squared distance of the centres over that of the corners of the box around both.
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@return luron.Tensor
function boxes.distance_box_iou(boxes1, boxes2) end

--- The same, less how far the ratios of the sides differ; as in torchvision the weight of that has no gradient.
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@return luron.Tensor
function boxes.complete_box_iou(boxes1, boxes2) end

--- From a format to another: `"xyxy"`, two corners; `"xywh"`, the first corner, width and height; `"cxcywh"`, the centre, width and height.
---@param boxes luron.Tensor
---@param from string
---@param to string
---@return luron.Tensor
function boxes.box_convert(boxes, from, to) end

--- What lies within a picture; size is { height, width }.
---@param boxes luron.Tensor
---@param size number[]
---@return luron.Tensor
function boxes.clip_boxes_to_image(boxes, size) end

--- The ids of boxes of which both sides are min_size or more.
---@param boxes luron.Tensor
---@param min_size number
---@return luron.Tensor
function boxes.remove_small_boxes(boxes, min_size) end

--- The ids of boxes that stay when of boxes that overlap only the best stays: the best first, of equal scores the earlier first. A box goes if its IoU with a better one that stays is above the threshold.
---@param boxes luron.Tensor
---@param scores luron.Tensor
---@param iou_threshold number
---@return luron.Tensor
function boxes.nms(boxes, scores, iou_threshold) end

--- The same among the boxes of each class; ids of classes count from 1.
---@param boxes luron.Tensor
---@param scores luron.Tensor
---@param classes luron.Tensor
---@param iou_threshold number
---@return luron.Tensor
function boxes.batched_nms(boxes, scores, classes, iou_threshold) end

--- The boxes of each picture, (k, 4), as `nn.RoIAlign` and `nn.RoIPool` take them: (all, 5), the number of the picture, from 1, and its box.
---@param list luron.Tensor[]
---@return luron.Tensor
function boxes.rois(list) end

--- The rows of each picture, (k, numbers), as one tensor (n, max_number, numbers): the first max_number of them, and rows of fill_value, which is 0, where there are fewer. Keras's `MaxNumBoundingBoxes`, which fills with -1.
---@param list luron.Tensor[]|luron.Tensor
---@param max_number integer
---@param options? { fill_value: number? }
---@return luron.Tensor
function boxes.pad_boxes(list, max_number, options) end

--- Times gamma (0.1) every step_size steps.
---@param opt luron.Optimizer
---@param options { step_size: integer, gamma: number? }
---@return luron.Schedule
function schedule.StepLR(opt, options) end

--- Times gamma (0.1) at each milestone.
---@param opt luron.Optimizer
---@param options { milestones: integer[], gamma: number? }
---@return luron.Schedule
function schedule.MultiStepLR(opt, options) end

--- Times gamma at every step.
---@param opt luron.Optimizer
---@param options { gamma: number }
---@return luron.Schedule
function schedule.ExponentialLR(opt, options) end

--- Times factor (1/3) for total_iters (5) steps, then the base.
---@param opt luron.Optimizer
---@param options? { factor: number?, total_iters: integer? }
---@return luron.Schedule
function schedule.ConstantLR(opt, options) end

--- On a line from start_factor (1/3) to end_factor (1) times the base within total_iters (5) steps; then as it ended.
---@param opt luron.Optimizer
---@param options? { start_factor: number?, end_factor: number?, total_iters: integer? }
---@return luron.Schedule
function schedule.LinearLR(opt, options) end

--- (1 - t / total_iters) to the power (1) times the base, 0 from total_iters (5) on.
---@param opt luron.Optimizer
---@param options? { total_iters: integer?, power: number? }
---@return luron.Schedule
function schedule.PolynomialLR(opt, options) end

--- Half a cosine down to eta_min (0) at T_max, and up again behind it.
---@param opt luron.Optimizer
---@param options { T_max: integer, eta_min: number? }
---@return luron.Schedule
function schedule.CosineAnnealingLR(opt, options) end

--- Half a cosine down to eta_min (0) in T_0 steps, then again from the top, each time T_mult (1) times as long.
---@param opt luron.Optimizer
---@param options { T_0: integer, T_mult: integer?, eta_min: number? }
---@return luron.Schedule
function schedule.CosineAnnealingWarmRestarts(opt, options) end

--- The base times fn(t), t the number of steps; or a function for each group. The function is not saved.
---@param opt luron.Optimizer
---@param fn function|function[]
---@return luron.Schedule
function schedule.LambdaLR(opt, fn) end

--- Times fn(t) at step t, over what it was; or a function for each group. The function is not saved.
---@param opt luron.Optimizer
---@param fn function|function[]
---@return luron.Schedule
function schedule.MultiplicativeLR(opt, fn) end

--- From base_lr up to max_lr in step_size_up (2000) steps and down in step_size_down (as many), again and again. mode `"triangular"`; `"triangular2"`, each cycle half as high; or `"exp_range"`, gamma (1) to the power of the step as high; or scale_fn, a function of the cycle, or of the step with scale_mode `"iterations"`. With cycle_momentum (true) momentum, or beta1, goes from max_momentum (0.9) down to base_momentum (0.8) and back.
---@param opt luron.Optimizer
---@param options luron.CyclicOptions
---@return luron.Schedule
function schedule.CyclicLR(opt, options) end

--- The base times model_size (1) to the power -1/2, times the smaller of t ^ -0.5 and t warmup_steps (4000) ^ -1.5, where t is 1 at first: up on a line, then down as the inverse square root.
---@param opt luron.Optimizer
---@param options? { warmup_steps: integer?, model_size: number? }
---@return luron.Schedule
function schedule.NoamLR(opt, options) end

--- The base times decay_rate to the power t / decay_steps, whole numbers alone with staircase.
---@param opt luron.Optimizer
---@param options { decay_steps: number, decay_rate: number, staircase: boolean? }
---@return luron.Schedule
function schedule.ExponentialDecay(opt, options) end

--- The base over 1 + decay_rate t / decay_steps.
---@param opt luron.Optimizer
---@param options { decay_steps: number, decay_rate: number, staircase: boolean? }
---@return luron.Schedule
function schedule.InverseTimeDecay(opt, options) end

--- From the base to end_learning_rate (1e-4) by (1 - t / decay_steps) to the power (1). With cycle decay_steps grows to the next multiple of itself instead of ending there.
---@param opt luron.Optimizer
---@param options { decay_steps: number, end_learning_rate: number?, power: number?, cycle: boolean? }
---@return luron.Schedule
function schedule.PolynomialDecay(opt, options) end

--- The first value up to and with step boundaries[1], the next up to boundaries[2], and so on, whatever the base.
---@param opt luron.Optimizer
---@param options { boundaries: integer[], values: number[] }
---@return luron.Schedule
function schedule.PiecewiseConstantDecay(opt, options) end

--- Half a cosine from the base to alpha (0) times it in decay_steps. With warmup_target first on a line from the base to it in warmup_steps, and the cosine from there.
---@param opt luron.Optimizer
---@param options { decay_steps: number, alpha: number?, warmup_target: number|number[]|nil, warmup_steps: integer? }
---@return luron.Schedule
function schedule.CosineDecay(opt, options) end

--- Half a cosine from the base to alpha (0) times it, then again, each time t_mul (2) times as long and m_mul (1) times as high.
---@param opt luron.Optimizer
---@param options { first_decay_steps: number, t_mul: number?, m_mul: number?, alpha: number? }
---@return luron.Schedule
function schedule.CosineDecayRestarts(opt, options) end

--- Options max_lr and total_steps, or epochs and steps_per_epoch. One step a batch: from max_lr / div_factor (25) up to max_lr in the share pct_start (0.3) of all steps, then down to 1 / final_div_factor (1e4) of the start; anneal_strategy `"cos"` or `"linear"`. With cycle_momentum (true) momentum, or beta1, goes from max_momentum (0.95) to base_momentum (0.85) and back. three_phase goes down as fast as up and then on to the end. A step behind the end raises.
---@param opt luron.Optimizer
---@param options luron.OneCycleOptions
---@return luron.Schedule
function schedule.OneCycleLR(opt, options) end

--- Times factor (0.1), down to min_lr (0), when the metric that step gets was not better for more than patience (10) steps. mode `"min"` or `"max"`; better is by more than threshold (1e-4), which threshold_mode `"rel"` takes as a share and `"abs"` as it is; for cooldown (0) steps behind a change nothing counts; changes of less than eps (1e-8) are left out.
---@param opt luron.Optimizer
---@param options? luron.PlateauOptions
---@return luron.Schedule
function schedule.ReduceLROnPlateau(opt, options) end

--- One schedule behind the other: at each milestone the next begins, as if new.
---@param opt luron.Optimizer
---@param options { schedules: luron.Schedule[], milestones: integer[] }
---@return luron.Schedule
function schedule.SequentialLR(opt, options) end

--- All at once: the base times the share of it that each of them gives.
---@param opt luron.Optimizer
---@param options { schedules: luron.Schedule[] }
---@return luron.Schedule
function schedule.ChainedScheduler(opt, options) end

--- On a line from start_factor (0) times the rate with which `schedule` begins (the base unless given) to that rate in so many steps; then goes on with the schedule.
---@param opt luron.Optimizer
---@param options { steps: integer, start_factor: number?, schedule: luron.Schedule? }
---@return luron.Schedule
function schedule.WarmupLR(opt, options) end

--- The next rates. ReduceLROnPlateau needs a metric; the others leave it alone.
---@param metric? number|luron.Tensor
function Schedule:step(metric) end

--- The rates of the groups now.
---@return number[]
function Schedule:rates() end

--- Steps made so far.
---@return integer
function Schedule:steps() end

--- When `fit` steps it: `"step"`, after every batch, or `"epoch"`.
---@return string
function Schedule:every() end

--- Where it is, in numbers, for a checkpoint.
---@return table
function Schedule:state() end

--- Goes on from there and sets the rates. Options are those that it was made with.
---@param state table
function Schedule:restore(state) end

--- Scales all gradients together so that their norm is at most max, and gives the norm that they had, a tensor without dims (`:item()` reads it). norm_type: 2 unless given, `math.huge` for the largest element. Gradients that are not finite stay as they are; the step names the parameter.
---@param what any
---@param max number
---@param options? { norm_type: number? }
---@return luron.Tensor
function luron.clip_grad_norm(what, max, options) end

--- Cuts every element of the gradients off at -limit and limit.
---@param what any
---@param limit number
function luron.clip_grad_value(what, limit) end

--- An average that keeps the share decay (0.999) at each update and takes the rest from the model; the first update takes the model as it is.
---@param model luron.Model|luron.Module|luron.Layer
---@param decay? number
---@return luron.Average
function luron.EMA(model, decay) end

--- The mean over all updates, for once an epoch near the end.
---@param model luron.Model|luron.Module|luron.Layer
---@return luron.Average
function luron.SWA(model) end

--- Takes in the weights of now: after `opt:step()`.
function Average:update() end

--- Puts the averages into the model, to evaluate or save it, and keeps its weights. Until `restore` a step of an optimiser over the same parameters raises: it would be lost.
function Average:apply() end

--- Puts the weights back, to go on training.
function Average:restore() end

--- How often `update` was called.
---@return integer
function Average:updates() end

--- Copies of the averages by name. A file keeps them with `model:save(path, { ema = ema })`.
---@return { updates: integer, tensors: table<string, luron.Tensor> }
function Average:state() end

--- Goes on from a state, or from a checkpoint saved with the option `ema`; all or nothing.
---@param state table|luron.Checkpoint
function Average:load(state) end

--- A pruning of nothing so far.
---@param model luron.Model|luron.Module|luron.Layer
---@return luron.Pruning
function luron.prune(model) end

--- In each parameter the numbers of least size, or of least `scores(parameter, name)`.
---@param pattern string
---@param amount number
---@param scores? function
---@return luron.Pruning
function Pruning:l1_unstructured(pattern, amount, scores) end

--- Any numbers.
---@param pattern string
---@param amount number
---@return luron.Pruning
function Pruning:random_unstructured(pattern, amount) end

--- The channels along dim (the last) of least n-norm, `math.huge` for the largest size. Rows of a weight, dim 1, are its units.
---@param pattern string
---@param amount number
---@param n number
---@param dim? integer
---@param scores? function
---@return luron.Pruning
function Pruning:ln_structured(pattern, amount, n, dim, scores) end

--- Any channels along dim (the last).
---@param pattern string
---@param amount number
---@param dim? integer
---@return luron.Pruning
function Pruning:random_structured(pattern, amount, dim) end

--- As l1_unstructured (method `"l1"`) or random_unstructured (`"random"`), over all numbers of all parameters together.
---@param pattern string
---@param amount number
---@param method? string
---@param scores? function
---@return luron.Pruning
function Pruning:global_unstructured(pattern, amount, method, scores) end

--- Prunes where a tensor of the parameter's shape is 0 or false.
---@param pattern string
---@param mask luron.Tensor
---@return luron.Pruning
function Pruning:custom_from_mask(pattern, mask) end

--- Sets what is pruned to 0: after `opt:step()`.
---@return luron.Pruning
function Pruning:apply() end

--- Forgets the masks of these parameters, or of all: the zeros may be trained again.
---@param pattern? string
---@return luron.Pruning
function Pruning:remove(pattern) end

--- Copies of the masks by name, true where a number is kept.
---@return table<string, luron.Tensor>
function Pruning:masks() end

--- Takes masks by name, or those of a checkpoint saved with the option `prune`, in place of its own; all or nothing.
---@param masks table|luron.Checkpoint
---@return luron.Pruning
function Pruning:load(masks) end

--- x W^T + b
---@param in_features integer features in
---@param out_features integer features out
---@param bias? boolean add a bias
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(in_features)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_features: integer, out_features: integer, bias: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.Linear(in_features, out_features, bias, weight_init, bias_init) end

--- nn.LazyLinear takes in_features from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyLinear(...) end

--- x1^T W x2 + b
---@param in1_features integer features of the first input
---@param in2_features integer features of the second
---@param out_features integer features out
---@param bias? boolean add a bias
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(in1_features)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in1_features: integer, in2_features: integer, out_features: integer, bias: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.Bilinear(in1_features, in2_features, out_features, bias, weight_init, bias_init) end

--- einsum of input and weight, + b
---@param equation? string of input and weight
---@param weight_shape integer|integer[] sizes of the weight
---@param bias_shape? integer|integer[] sizes of the bias, which broadcasts; 0: none
---@param weight_init? string first weights; nil: uniform, as Keras's glorot_uniform
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { equation: string?, weight_shape: integer|integer[], bias_shape: integer|integer[]|nil, weight_init: string?, bias_init: string? }): luron.Layer
function nn.EinsumDense(equation, weight_shape, bias_shape, weight_init, bias_init) end

--- convolution along one dimension
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param kernel_size integer|integer[] size of the kernel
---@param stride? integer|integer[] step of the kernel
---@param padding? integer|integer[] border on both sides; 'same': as long as the input, 'causal': before it alone
---@param dilation? integer|integer[] distance of the numbers that the kernel takes
---@param groups? integer sets of channels, each with a kernel of its own
---@param bias? boolean add a bias
---@param padding_mode? string what the border is made of
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(numbers that go into an output)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, groups: integer?, bias: boolean?, padding_mode: string?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.Conv1d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, weight_init, bias_init) end

--- nn.LazyConv1d takes in_channels from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyConv1d(...) end

--- convolution over height and width
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param kernel_size integer|integer[] size of the kernel
---@param stride? integer|integer[] step of the kernel
---@param padding? integer|integer[] border on both sides; 'same': as large as the input
---@param dilation? integer|integer[] distance of the numbers that the kernel takes
---@param groups? integer sets of channels, each with a kernel of its own
---@param bias? boolean add a bias
---@param padding_mode? string what the border is made of
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(numbers that go into an output)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, groups: integer?, bias: boolean?, padding_mode: string?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, weight_init, bias_init) end

--- nn.LazyConv2d takes in_channels from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyConv2d(...) end

--- convolution over depth, height and width
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param kernel_size integer|integer[] size of the kernel
---@param stride? integer|integer[] step of the kernel
---@param padding? integer|integer[] border on both sides; 'same': as large as the input
---@param dilation? integer|integer[] distance of the numbers that the kernel takes
---@param groups? integer sets of channels, each with a kernel of its own
---@param bias? boolean add a bias
---@param padding_mode? string what the border is made of
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(numbers that go into an output)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, groups: integer?, bias: boolean?, padding_mode: string?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.Conv3d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, weight_init, bias_init) end

--- nn.LazyConv3d takes in_channels from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyConv3d(...) end

--- transposed convolution along one dimension: larger by the stride
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param kernel_size integer|integer[] size of the kernel
---@param stride? integer|integer[] places of the output a place of the input
---@param padding? integer|integer[] cut off both sides of the output; 'same': as large as the input times stride
---@param output_padding? integer|integer[] added behind the output, which a stride leaves open
---@param groups? integer sets of channels, each with a kernel of its own
---@param bias? boolean add a bias
---@param dilation? integer|integer[] distance of the numbers that the kernel gives
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(out_channels / groups * kernel)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, output_padding: integer|integer[]|nil, groups: integer?, bias: boolean?, dilation: integer|integer[]|nil, weight_init: string?, bias_init: string? }): luron.Layer
function nn.ConvTranspose1d(in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, weight_init, bias_init) end

--- nn.LazyConvTranspose1d takes in_channels from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyConvTranspose1d(...) end

--- transposed convolution over height and width: larger by the stride
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param kernel_size integer|integer[] size of the kernel
---@param stride? integer|integer[] places of the output a place of the input
---@param padding? integer|integer[] cut off both sides of the output; 'same': as large as the input times stride
---@param output_padding? integer|integer[] added behind the output, which a stride leaves open
---@param groups? integer sets of channels, each with a kernel of its own
---@param bias? boolean add a bias
---@param dilation? integer|integer[] distance of the numbers that the kernel gives
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(out_channels / groups * kernel)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, output_padding: integer|integer[]|nil, groups: integer?, bias: boolean?, dilation: integer|integer[]|nil, weight_init: string?, bias_init: string? }): luron.Layer
function nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, weight_init, bias_init) end

--- nn.LazyConvTranspose2d takes in_channels from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyConvTranspose2d(...) end

--- transposed convolution over depth, height and width: larger by the stride
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param kernel_size integer|integer[] size of the kernel
---@param stride? integer|integer[] places of the output a place of the input
---@param padding? integer|integer[] cut off both sides of the output; 'same': as large as the input times stride
---@param output_padding? integer|integer[] added behind the output, which a stride leaves open
---@param groups? integer sets of channels, each with a kernel of its own
---@param bias? boolean add a bias
---@param dilation? integer|integer[] distance of the numbers that the kernel gives
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(out_channels / groups * kernel)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, output_padding: integer|integer[]|nil, groups: integer?, bias: boolean?, dilation: integer|integer[]|nil, weight_init: string?, bias_init: string? }): luron.Layer
function nn.ConvTranspose3d(in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, weight_init, bias_init) end

--- nn.LazyConvTranspose3d takes in_channels from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyConvTranspose3d(...) end

--- a convolution of each channel, then one over all channels
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param kernel_size integer|integer[] size of the kernels of single channels
---@param stride? integer|integer[] step of the kernel
---@param padding? integer|integer[] border on both sides; 'same': as long as the input, 'causal': before it alone
---@param dilation? integer|integer[] distance of the numbers that the kernel takes
---@param depth_multiplier? integer kernels for each channel
---@param bias? boolean add a bias
---@param padding_mode? string what the border is made of
---@param depthwise_init? string first depthwise weights; nil: uniform within 1 / sqrt(kernel)
---@param pointwise_init? string first pointwise weights; nil: uniform within 1 / sqrt(in_channels * depth_multiplier)
---@param bias_init? string first biases; nil: as the pointwise weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, depth_multiplier: integer?, bias: boolean?, padding_mode: string?, depthwise_init: string?, pointwise_init: string?, bias_init: string? }): luron.Layer
function nn.SeparableConv1d(in_channels, out_channels, kernel_size, stride, padding, dilation, depth_multiplier, bias, padding_mode, depthwise_init, pointwise_init, bias_init) end

--- a convolution of each channel, then one over all channels
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param kernel_size integer|integer[] size of the kernels of single channels
---@param stride? integer|integer[] step of the kernel
---@param padding? integer|integer[] border on both sides; 'same': as large as the input
---@param dilation? integer|integer[] distance of the numbers that the kernel takes
---@param depth_multiplier? integer kernels for each channel
---@param bias? boolean add a bias
---@param padding_mode? string what the border is made of
---@param depthwise_init? string first depthwise weights; nil: uniform within 1 / sqrt(kernel)
---@param pointwise_init? string first pointwise weights; nil: uniform within 1 / sqrt(in_channels * depth_multiplier)
---@param bias_init? string first biases; nil: as the pointwise weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, depth_multiplier: integer?, bias: boolean?, padding_mode: string?, depthwise_init: string?, pointwise_init: string?, bias_init: string? }): luron.Layer
function nn.SeparableConv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, depth_multiplier, bias, padding_mode, depthwise_init, pointwise_init, bias_init) end

--- a convolution along one dimension with weights of its own at every place
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param input_size integer|integer[] size of the input, without channels
---@param kernel_size integer|integer[] size of the kernels
---@param stride? integer|integer[] step from place to place
---@param padding? integer|integer[] zeros on both sides; 'same': as large as the input
---@param dilation? integer|integer[] distance of the numbers that a kernel takes
---@param bias? boolean add a bias, one of its own at every place
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(in_channels * kernel)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, input_size: integer|integer[], kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, bias: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.LocallyConnected1d(in_channels, out_channels, input_size, kernel_size, stride, padding, dilation, bias, weight_init, bias_init) end

--- a convolution over height and width with weights of its own at every place
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param input_size integer|integer[] size of the input, without channels
---@param kernel_size integer|integer[] size of the kernels
---@param stride? integer|integer[] step from place to place
---@param padding? integer|integer[] zeros on both sides; 'same': as large as the input
---@param dilation? integer|integer[] distance of the numbers that a kernel takes
---@param bias? boolean add a bias, one of its own at every place
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(in_channels * kernel)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, input_size: integer|integer[], kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, bias: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.LocallyConnected2d(in_channels, out_channels, input_size, kernel_size, stride, padding, dilation, bias, weight_init, bias_init) end

--- the blocks that a kernel takes of an image, as columns (n, c * kernel, places)
---@param kernel_size integer|integer[] size of the blocks
---@param dilation? integer|integer[] distance of the numbers of a block
---@param padding? integer|integer[] zeros on both sides of the image
---@param stride? integer|integer[] step from block to block
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], dilation: integer|integer[]|nil, padding: integer|integer[]|nil, stride: integer|integer[]|nil }): luron.Layer
function nn.Unfold(kernel_size, dilation, padding, stride) end

--- the sum of blocks where they lie in an image
---@param output_size integer|integer[] height and width of the image
---@param kernel_size integer|integer[] size of the blocks
---@param dilation? integer|integer[] distance of the numbers of a block
---@param padding? integer|integer[] zeros on both sides of the image
---@param stride? integer|integer[] step from block to block
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[], kernel_size: integer|integer[], dilation: integer|integer[]|nil, padding: integer|integer[]|nil, stride: integer|integer[]|nil }): luron.Layer
function nn.Fold(output_size, kernel_size, dilation, padding, stride) end

--- rows of a table by ids
---@param num_embeddings integer ids there are
---@param embedding_dim integer numbers of an id
---@param padding_idx? integer id whose row begins as zeros and gets no gradient; negative: none
---@param max_norm? number rows of a larger norm are shortened as they are read, the gradient is theirs; 0: none
---@param norm_type? number p of that norm
---@param scale_grad_by_freq? boolean divide a row's gradient by how often its id occurs
---@param weight_init? string first weights; nil: normal
---@return luron.Layer
---@overload fun(options: { num_embeddings: integer, embedding_dim: integer, padding_idx: integer?, max_norm: number?, norm_type: number?, scale_grad_by_freq: boolean?, weight_init: string? }): luron.Layer
function nn.Embedding(num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, weight_init) end

--- sums, means or largest of rows of a table by bags of ids
---@param num_embeddings integer ids there are
---@param embedding_dim integer numbers of an id
---@param mode? string what is made of a bag's rows
---@param include_last_offset? boolean offsets end with where the last bag ends
---@param padding_idx? integer id that counts in no bag and gets no gradient; negative: none
---@param max_norm? number rows of a larger norm are shortened as they are read, the gradient is theirs; 0: none
---@param norm_type? number p of that norm
---@param scale_grad_by_freq? boolean divide a row's gradient by how often its id occurs
---@param weight_init? string first weights; nil: normal
---@return luron.Layer
---@overload fun(options: { num_embeddings: integer, embedding_dim: integer, mode: string?, include_last_offset: boolean?, padding_idx: integer?, max_norm: number?, norm_type: number?, scale_grad_by_freq: boolean?, weight_init: string? }): luron.Layer
function nn.EmbeddingBag(num_embeddings, embedding_dim, mode, include_last_offset, padding_idx, max_norm, norm_type, scale_grad_by_freq, weight_init) end

--- long short-term memory over sequences
---@param input_size integer features in
---@param hidden_size integer features of the state
---@param num_layers? integer layers, each over the output of the one before
---@param bias? boolean add biases
---@param dropout? number probability of a 0 between layers, when training
---@param bidirectional? boolean a second direction, from the end; outputs side by side
---@param recurrent_activation? string of the gates; hard_sigmoid is clamp(x / 6 + 1 / 2, 0, 1)
---@param weight_init? string first weight_ih; nil: uniform within 1 / sqrt(hidden_size)
---@param recurrent_init? string first weight_hh; nil: as weight_ih
---@param bias_init? string first biases; nil: as weight_ih
---@return luron.Layer
---@overload fun(options: { input_size: integer, hidden_size: integer, num_layers: integer?, bias: boolean?, dropout: number?, bidirectional: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.LSTM(input_size, hidden_size, num_layers, bias, dropout, bidirectional, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- gated recurrent unit over sequences
---@param input_size integer features in
---@param hidden_size integer features of the state
---@param num_layers? integer layers, each over the output of the one before
---@param bias? boolean add biases
---@param dropout? number probability of a 0 between layers, when training
---@param bidirectional? boolean a second direction, from the end; outputs side by side
---@param reset_after? boolean the reset gate is applied after the recurrent product; false: before
---@param recurrent_activation? string of the gates; hard_sigmoid is clamp(x / 6 + 1 / 2, 0, 1)
---@param weight_init? string first weight_ih; nil: uniform within 1 / sqrt(hidden_size)
---@param recurrent_init? string first weight_hh; nil: as weight_ih
---@param bias_init? string first biases; nil: as weight_ih
---@return luron.Layer
---@overload fun(options: { input_size: integer, hidden_size: integer, num_layers: integer?, bias: boolean?, dropout: number?, bidirectional: boolean?, reset_after: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.GRU(input_size, hidden_size, num_layers, bias, dropout, bidirectional, reset_after, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- simple recurrent network over sequences
---@param input_size integer features in
---@param hidden_size integer features of the state
---@param num_layers? integer layers, each over the output of the one before
---@param nonlinearity? string of the new state
---@param bias? boolean add biases
---@param dropout? number probability of a 0 between layers, when training
---@param bidirectional? boolean a second direction, from the end; outputs side by side
---@param weight_init? string first weight_ih; nil: uniform within 1 / sqrt(hidden_size)
---@param recurrent_init? string first weight_hh; nil: as weight_ih
---@param bias_init? string first biases; nil: as weight_ih
---@return luron.Layer
---@overload fun(options: { input_size: integer, hidden_size: integer, num_layers: integer?, nonlinearity: string?, bias: boolean?, dropout: number?, bidirectional: boolean?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.RNN(input_size, hidden_size, num_layers, nonlinearity, bias, dropout, bidirectional, weight_init, recurrent_init, bias_init) end

--- a step of long short-term memory
---@param input_size integer features in
---@param hidden_size integer features of the state
---@param bias? boolean add biases
---@param recurrent_activation? string of the gates; hard_sigmoid is clamp(x / 6 + 1 / 2, 0, 1)
---@param weight_init? string first weight_ih; nil: uniform within 1 / sqrt(hidden_size)
---@param recurrent_init? string first weight_hh; nil: as weight_ih
---@param bias_init? string first biases; nil: as weight_ih
---@return luron.Layer
---@overload fun(options: { input_size: integer, hidden_size: integer, bias: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.LSTMCell(input_size, hidden_size, bias, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- a step of a gated recurrent unit
---@param input_size integer features in
---@param hidden_size integer features of the state
---@param bias? boolean add biases
---@param reset_after? boolean the reset gate is applied after the recurrent product; false: before
---@param recurrent_activation? string of the gates; hard_sigmoid is clamp(x / 6 + 1 / 2, 0, 1)
---@param weight_init? string first weight_ih; nil: uniform within 1 / sqrt(hidden_size)
---@param recurrent_init? string first weight_hh; nil: as weight_ih
---@param bias_init? string first biases; nil: as weight_ih
---@return luron.Layer
---@overload fun(options: { input_size: integer, hidden_size: integer, bias: boolean?, reset_after: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.GRUCell(input_size, hidden_size, bias, reset_after, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- a step of a simple recurrent network
---@param input_size integer features in
---@param hidden_size integer features of the state
---@param bias? boolean add biases
---@param nonlinearity? string of the new state
---@param weight_init? string first weight_ih; nil: uniform within 1 / sqrt(hidden_size)
---@param recurrent_init? string first weight_hh; nil: as weight_ih
---@param bias_init? string first biases; nil: as weight_ih
---@return luron.Layer
---@overload fun(options: { input_size: integer, hidden_size: integer, bias: boolean?, nonlinearity: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.RNNCell(input_size, hidden_size, bias, nonlinearity, weight_init, recurrent_init, bias_init) end

--- long short-term memory of convolutions over sequences of signals
---@param in_channels integer channels in
---@param out_channels integer channels of the state
---@param kernel_size integer|integer[] size of both kernels
---@param stride? integer|integer[] step of the kernel over the input
---@param padding? string of the input: none, or zeros that keep its size
---@param dilation? integer|integer[] distance of the numbers of the input that the kernel takes
---@param bias? boolean add a bias
---@param recurrent_activation? string of the gates
---@param weight_init? string first weight_ih; nil: xavier_uniform
---@param recurrent_init? string first weight_hh; nil: orthogonal
---@param bias_init? string first bias; nil: zeros
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: string?, dilation: integer|integer[]|nil, bias: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.ConvLSTM1d(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- the same over sequences of images
---@param in_channels integer channels in
---@param out_channels integer channels of the state
---@param kernel_size integer|integer[] size of both kernels
---@param stride? integer|integer[] step of the kernel over the input
---@param padding? string of the input: none, or zeros that keep its size
---@param dilation? integer|integer[] distance of the numbers of the input that the kernel takes
---@param bias? boolean add a bias
---@param recurrent_activation? string of the gates
---@param weight_init? string first weight_ih; nil: xavier_uniform
---@param recurrent_init? string first weight_hh; nil: orthogonal
---@param bias_init? string first bias; nil: zeros
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: string?, dilation: integer|integer[]|nil, bias: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.ConvLSTM2d(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- the same over sequences of volumes
---@param in_channels integer channels in
---@param out_channels integer channels of the state
---@param kernel_size integer|integer[] size of both kernels
---@param stride? integer|integer[] step of the kernel over the input
---@param padding? string of the input: none, or zeros that keep its size
---@param dilation? integer|integer[] distance of the numbers of the input that the kernel takes
---@param bias? boolean add a bias
---@param recurrent_activation? string of the gates
---@param weight_init? string first weight_ih; nil: xavier_uniform
---@param recurrent_init? string first weight_hh; nil: orthogonal
---@param bias_init? string first bias; nil: zeros
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: string?, dilation: integer|integer[]|nil, bias: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.ConvLSTM3d(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- a step of ConvLSTM1d
---@param in_channels integer channels in
---@param out_channels integer channels of the state
---@param kernel_size integer|integer[] size of both kernels
---@param stride? integer|integer[] step of the kernel over the input
---@param padding? string of the input: none, or zeros that keep its size
---@param dilation? integer|integer[] distance of the numbers of the input that the kernel takes
---@param bias? boolean add a bias
---@param recurrent_activation? string of the gates
---@param weight_init? string first weight_ih; nil: xavier_uniform
---@param recurrent_init? string first weight_hh; nil: orthogonal
---@param bias_init? string first bias; nil: zeros
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: string?, dilation: integer|integer[]|nil, bias: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.ConvLSTM1dCell(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- a step of ConvLSTM2d
---@param in_channels integer channels in
---@param out_channels integer channels of the state
---@param kernel_size integer|integer[] size of both kernels
---@param stride? integer|integer[] step of the kernel over the input
---@param padding? string of the input: none, or zeros that keep its size
---@param dilation? integer|integer[] distance of the numbers of the input that the kernel takes
---@param bias? boolean add a bias
---@param recurrent_activation? string of the gates
---@param weight_init? string first weight_ih; nil: xavier_uniform
---@param recurrent_init? string first weight_hh; nil: orthogonal
---@param bias_init? string first bias; nil: zeros
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: string?, dilation: integer|integer[]|nil, bias: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.ConvLSTM2dCell(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- a step of ConvLSTM3d
---@param in_channels integer channels in
---@param out_channels integer channels of the state
---@param kernel_size integer|integer[] size of both kernels
---@param stride? integer|integer[] step of the kernel over the input
---@param padding? string of the input: none, or zeros that keep its size
---@param dilation? integer|integer[] distance of the numbers of the input that the kernel takes
---@param bias? boolean add a bias
---@param recurrent_activation? string of the gates
---@param weight_init? string first weight_ih; nil: xavier_uniform
---@param recurrent_init? string first weight_hh; nil: orthogonal
---@param bias_init? string first bias; nil: zeros
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: string?, dilation: integer|integer[]|nil, bias: boolean?, recurrent_activation: string?, weight_init: string?, recurrent_init: string?, bias_init: string? }): luron.Layer
function nn.ConvLSTM3dCell(in_channels, out_channels, kernel_size, stride, padding, dilation, bias, recurrent_activation, weight_init, recurrent_init, bias_init) end

--- softmax(query key^T scale + mask) value
---@param dropout_p? number probability that a weight is dropped, when training
---@param is_causal? boolean query i sees the keys 1 to i alone
---@param scale? number of the products; 0: 1 / sqrt(features)
---@param enable_gqa? boolean key and value may have fewer heads (dim -3), each for as many of query
---@return luron.Layer
---@overload fun(options: { dropout_p: number?, is_causal: boolean?, scale: number?, enable_gqa: boolean? }): luron.Layer
function nn.ScaledDotProductAttention(dropout_p, is_causal, scale, enable_gqa) end

--- softmax(query key^T scale + mask) value
---@param query luron.Tensor
---@param key luron.Tensor
---@param value luron.Tensor
---@param options? { dropout_p: number?, is_causal: boolean?, scale: number?, enable_gqa: boolean?, attn_mask: luron.Tensor? }
---@return luron.Tensor
function nn.scaled_dot_product_attention(query, key, value, options) end

--- softmax(query key^T scale + mask) value
---@param query luron.Tensor
---@param key luron.Tensor
---@param value luron.Tensor
---@param options? { dropout_p: number?, is_causal: boolean?, scale: number?, enable_gqa: boolean?, attn_mask: luron.Tensor? }
---@return luron.Tensor
function luron.scaled_dot_product_attention(query, key, value, options) end

--- attention of several heads over sequences, with keys and values kept between calls
---@param embed_dim integer features of query and output
---@param num_heads integer heads, which divide embed_dim
---@param dropout? number probability that a weight is dropped, when training
---@param bias? boolean add biases
---@param add_bias_kv? boolean a key and value that are learnt, behind all others
---@param add_zero_attn? boolean a key and value of zeros, behind all others
---@param kdim? integer features of key; 0: embed_dim
---@param vdim? integer features of value; 0: embed_dim
---@param num_kv_heads? integer heads of key and value, each for as many of query; 0: num_heads
---@param is_causal? boolean a place sees itself and what is before it alone, behind the past
---@param need_weights? boolean give the weights; else that output has no elements
---@param average_attn_weights? boolean weights are means over the heads
---@param rotary? boolean turn queries and keys by their positions, as RotaryEmbedding
---@param rope_base? number base of RotaryEmbedding
---@param weight_init? string first weights; nil: xavier_uniform, out_proj_weight as in Linear
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { embed_dim: integer, num_heads: integer, dropout: number?, bias: boolean?, add_bias_kv: boolean?, add_zero_attn: boolean?, kdim: integer?, vdim: integer?, num_kv_heads: integer?, is_causal: boolean?, need_weights: boolean?, average_attn_weights: boolean?, rotary: boolean?, rope_base: number?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.MultiheadAttention(embed_dim, num_heads, dropout, bias, add_bias_kv, add_zero_attn, kdim, vdim, num_kv_heads, is_causal, need_weights, average_attn_weights, rotary, rope_base, weight_init, bias_init) end

--- attention with weights from tanh(query + key)
---@param embed_dim integer features of query and key
---@param use_scale? boolean a weight for each feature of the sum
---@param dropout? number probability that a weight is dropped, when training
---@param is_causal? boolean query i sees the keys 1 to i alone
---@param scale_init? string first scale; nil: uniform within sqrt(3 / embed_dim)
---@return luron.Layer
---@overload fun(options: { embed_dim: integer, use_scale: boolean?, dropout: number?, is_causal: boolean?, scale_init: string? }): luron.Layer
function nn.AdditiveAttention(embed_dim, use_scale, dropout, is_causal, scale_init) end

--- adds sines and cosines of the positions
---@param base? number the longest wave is 2 pi base
---@param offset? integer places before the first
---@return luron.Layer
---@overload fun(options: { base: number?, offset: integer? }): luron.Layer
function nn.SinusoidalPositionalEncoding(base, offset) end

--- turns pairs of features by their positions
---@param dim? integer features that are turned, from the first; 0: all
---@param base? number the slowest pair turns by position / base
---@param interleaved? boolean pairs are neighbours; false: half of the features apart
---@param offset? integer places before the first
---@param seq_dim? integer dimension of the places
---@return luron.Layer
---@overload fun(options: { dim: integer?, base: number?, interleaved: boolean?, offset: integer?, seq_dim: integer? }): luron.Layer
function nn.RotaryEmbedding(dim, base, interleaved, offset, seq_dim) end

--- x as it is
---@return luron.Layer
function nn.Identity() end

--- x as it is
---@param input luron.Tensor
---@return luron.Tensor
function nn.identity(input) end

--- x as it is
---@param input luron.Tensor
---@return luron.Tensor
function luron.identity(input) end

--- x as it is
---@return luron.Tensor
function Tensor:identity() end

--- max(x, 0)
---@return luron.Layer
function nn.ReLU() end

--- max(x, 0)
---@param input luron.Tensor
---@return luron.Tensor
function nn.relu(input) end

--- max(x, 0)
---@param input luron.Tensor
---@return luron.Tensor
function luron.relu(input) end

--- max(x, 0)
---@return luron.Tensor
function Tensor:relu() end

--- x if positive, else negative_slope * x
---@param negative_slope? number slope below 0
---@return luron.Layer
---@overload fun(options: { negative_slope: number? }): luron.Layer
function nn.LeakyReLU(negative_slope) end

--- x if positive, else negative_slope * x
---@param input luron.Tensor
---@param options? { negative_slope: number? }
---@return luron.Tensor
function nn.leaky_relu(input, options) end

--- x if positive, else negative_slope * x
---@param input luron.Tensor
---@param options? { negative_slope: number? }
---@return luron.Tensor
function luron.leaky_relu(input, options) end

--- x if positive, else negative_slope * x
---@param options? { negative_slope: number? }
---@return luron.Tensor
function Tensor:leaky_relu(options) end

--- x if positive, else a learned weight times x
---@param num_parameters? integer 1, or the number of channels
---@param init? number slope at first
---@param weight_init? string first slopes; nil: init
---@return luron.Layer
---@overload fun(options: { num_parameters: integer?, init: number?, weight_init: string? }): luron.Layer
function nn.PReLU(num_parameters, init, weight_init) end

--- x if positive, else alpha * (exp(x) - 1)
---@param alpha? number scale of the part below 0
---@return luron.Layer
---@overload fun(options: { alpha: number? }): luron.Layer
function nn.ELU(alpha) end

--- x if positive, else alpha * (exp(x) - 1)
---@param input luron.Tensor
---@param options? { alpha: number? }
---@return luron.Tensor
function nn.elu(input, options) end

--- x if positive, else alpha * (exp(x) - 1)
---@param input luron.Tensor
---@param options? { alpha: number? }
---@return luron.Tensor
function luron.elu(input, options) end

--- x if positive, else alpha * (exp(x) - 1)
---@param options? { alpha: number? }
---@return luron.Tensor
function Tensor:elu(options) end

--- ELU with the fixed scales that normalise
---@return luron.Layer
function nn.SELU() end

--- ELU with the fixed scales that normalise
---@param input luron.Tensor
---@return luron.Tensor
function nn.selu(input) end

--- ELU with the fixed scales that normalise
---@param input luron.Tensor
---@return luron.Tensor
function luron.selu(input) end

--- ELU with the fixed scales that normalise
---@return luron.Tensor
function Tensor:selu() end

--- x times the normal distribution function of x
---@param approximate? string exact, or by tanh
---@return luron.Layer
---@overload fun(options: { approximate: string? }): luron.Layer
function nn.GELU(approximate) end

--- x times the normal distribution function of x
---@param input luron.Tensor
---@param options? { approximate: string? }
---@return luron.Tensor
function nn.gelu(input, options) end

--- x times the normal distribution function of x
---@param input luron.Tensor
---@param options? { approximate: string? }
---@return luron.Tensor
function luron.gelu(input, options) end

--- x times the normal distribution function of x
---@param options? { approximate: string? }
---@return luron.Tensor
function Tensor:gelu(options) end

--- x * sigmoid(x)
---@return luron.Layer
function nn.SiLU() end

--- x * sigmoid(x)
---@param input luron.Tensor
---@return luron.Tensor
function nn.silu(input) end

--- x * sigmoid(x)
---@param input luron.Tensor
---@return luron.Tensor
function luron.silu(input) end

--- x * sigmoid(x)
---@return luron.Tensor
function Tensor:silu() end

--- x * tanh(softplus(x))
---@return luron.Layer
function nn.Mish() end

--- x * tanh(softplus(x))
---@param input luron.Tensor
---@return luron.Tensor
function nn.mish(input) end

--- x * tanh(softplus(x))
---@param input luron.Tensor
---@return luron.Tensor
function luron.mish(input) end

--- x * tanh(softplus(x))
---@return luron.Tensor
function Tensor:mish() end

--- 1 / (1 + exp(-x))
---@return luron.Layer
function nn.Sigmoid() end

--- 1 / (1 + exp(-x))
---@param input luron.Tensor
---@return luron.Tensor
function nn.sigmoid(input) end

--- hyperbolic tangent
---@return luron.Layer
function nn.Tanh() end

--- hyperbolic tangent
---@param input luron.Tensor
---@return luron.Tensor
function nn.tanh(input) end

--- log(1 + exp(beta * x)) / beta
---@param beta? number sharpness
---@param threshold? number above it, beta * x counts as large and the result is x
---@return luron.Layer
---@overload fun(options: { beta: number?, threshold: number? }): luron.Layer
function nn.Softplus(beta, threshold) end

--- log(1 + exp(beta * x)) / beta
---@param input luron.Tensor
---@param options? { beta: number?, threshold: number? }
---@return luron.Tensor
function nn.softplus(input, options) end

--- log(1 + exp(beta * x)) / beta
---@param input luron.Tensor
---@param options? { beta: number?, threshold: number? }
---@return luron.Tensor
function luron.softplus(input, options) end

--- log(1 + exp(beta * x)) / beta
---@param options? { beta: number?, threshold: number? }
---@return luron.Tensor
function Tensor:softplus(options) end

--- x / (1 + |x|)
---@return luron.Layer
function nn.Softsign() end

--- x / (1 + |x|)
---@param input luron.Tensor
---@return luron.Tensor
function nn.softsign(input) end

--- x / (1 + |x|)
---@param input luron.Tensor
---@return luron.Tensor
function luron.softsign(input) end

--- x / (1 + |x|)
---@return luron.Tensor
function Tensor:softsign() end

--- x cut off at min_val and max_val
---@param min_val? number lower end
---@param max_val? number upper end
---@return luron.Layer
---@overload fun(options: { min_val: number?, max_val: number? }): luron.Layer
function nn.Hardtanh(min_val, max_val) end

--- x cut off at min_val and max_val
---@param input luron.Tensor
---@param options? { min_val: number?, max_val: number? }
---@return luron.Tensor
function nn.hardtanh(input, options) end

--- x cut off at min_val and max_val
---@param input luron.Tensor
---@param options? { min_val: number?, max_val: number? }
---@return luron.Tensor
function luron.hardtanh(input, options) end

--- x cut off at min_val and max_val
---@param options? { min_val: number?, max_val: number? }
---@return luron.Tensor
function Tensor:hardtanh(options) end

--- (x + 3) / 6 cut off at 0 and 1
---@return luron.Layer
function nn.Hardsigmoid() end

--- (x + 3) / 6 cut off at 0 and 1
---@param input luron.Tensor
---@return luron.Tensor
function nn.hardsigmoid(input) end

--- (x + 3) / 6 cut off at 0 and 1
---@param input luron.Tensor
---@return luron.Tensor
function luron.hardsigmoid(input) end

--- (x + 3) / 6 cut off at 0 and 1
---@return luron.Tensor
function Tensor:hardsigmoid() end

--- x * hardsigmoid(x)
---@return luron.Layer
function nn.Hardswish() end

--- x * hardsigmoid(x)
---@param input luron.Tensor
---@return luron.Tensor
function nn.hardswish(input) end

--- x * hardsigmoid(x)
---@param input luron.Tensor
---@return luron.Tensor
function luron.hardswish(input) end

--- x * hardsigmoid(x)
---@return luron.Tensor
function Tensor:hardswish() end

--- min(max(x, 0), 6)
---@return luron.Layer
function nn.ReLU6() end

--- min(max(x, 0), 6)
---@param input luron.Tensor
---@return luron.Tensor
function nn.relu6(input) end

--- min(max(x, 0), 6)
---@param input luron.Tensor
---@return luron.Tensor
function luron.relu6(input) end

--- min(max(x, 0), 6)
---@return luron.Tensor
function Tensor:relu6() end

--- exp(x) divided by its sum along dim
---@param dim? integer along which the results sum to 1
---@return luron.Layer
---@overload fun(options: { dim: integer? }): luron.Layer
function nn.Softmax(dim) end

--- exp(x) divided by its sum along dim
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function nn.softmax(input, options) end

--- log(softmax(x)), without overflow
---@param dim? integer along which the probabilities sum to 1
---@return luron.Layer
---@overload fun(options: { dim: integer? }): luron.Layer
function nn.LogSoftmax(dim) end

--- log(softmax(x)), without overflow
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function nn.log_softmax(input, options) end

--- 0 near 0, else x
---@param lambd? number up to where it is 0
---@return luron.Layer
---@overload fun(options: { lambd: number? }): luron.Layer
function nn.Hardshrink(lambd) end

--- 0 near 0, else x
---@param input luron.Tensor
---@param options? { lambd: number? }
---@return luron.Tensor
function nn.hardshrink(input, options) end

--- 0 near 0, else x
---@param input luron.Tensor
---@param options? { lambd: number? }
---@return luron.Tensor
function luron.hardshrink(input, options) end

--- 0 near 0, else x
---@param options? { lambd: number? }
---@return luron.Tensor
function Tensor:hardshrink(options) end

--- x, lambd nearer to 0
---@param lambd? number up to where it is 0
---@return luron.Layer
---@overload fun(options: { lambd: number? }): luron.Layer
function nn.Softshrink(lambd) end

--- x, lambd nearer to 0
---@param input luron.Tensor
---@param options? { lambd: number? }
---@return luron.Tensor
function nn.softshrink(input, options) end

--- x, lambd nearer to 0
---@param input luron.Tensor
---@param options? { lambd: number? }
---@return luron.Tensor
function luron.softshrink(input, options) end

--- x, lambd nearer to 0
---@param options? { lambd: number? }
---@return luron.Tensor
function Tensor:softshrink(options) end

--- x - tanh(x)
---@return luron.Layer
function nn.Tanhshrink() end

--- x - tanh(x)
---@param input luron.Tensor
---@return luron.Tensor
function nn.tanhshrink(input) end

--- x - tanh(x)
---@param input luron.Tensor
---@return luron.Tensor
function luron.tanhshrink(input) end

--- x - tanh(x)
---@return luron.Tensor
function Tensor:tanhshrink() end

--- x above threshold, else value
---@param threshold number up to which x is replaced
---@param value number by this
---@return luron.Layer
---@overload fun(options: { threshold: number, value: number }): luron.Layer
function nn.Threshold(threshold, value) end

--- x above threshold, else value
---@param input luron.Tensor
---@param options? { threshold: number, value: number }
---@return luron.Tensor
function nn.threshold(input, options) end

--- x above threshold, else value
---@param input luron.Tensor
---@param options? { threshold: number, value: number }
---@return luron.Tensor
function luron.threshold(input, options) end

--- x above threshold, else value
---@param options? { threshold: number, value: number }
---@return luron.Tensor
function Tensor:threshold(options) end

--- log(sigmoid(x)), without overflow
---@return luron.Layer
function nn.LogSigmoid() end

--- log(sigmoid(x)), without overflow
---@param input luron.Tensor
---@return luron.Tensor
function nn.logsigmoid(input) end

--- log(sigmoid(x)), without overflow
---@param input luron.Tensor
---@return luron.Tensor
function luron.logsigmoid(input) end

--- log(sigmoid(x)), without overflow
---@return luron.Tensor
function Tensor:logsigmoid() end

--- x if positive, else alpha * (exp(x / alpha) - 1)
---@param alpha? number scale of the part below 0
---@return luron.Layer
---@overload fun(options: { alpha: number? }): luron.Layer
function nn.CELU(alpha) end

--- x if positive, else alpha * (exp(x / alpha) - 1)
---@param input luron.Tensor
---@param options? { alpha: number? }
---@return luron.Tensor
function nn.celu(input, options) end

--- x if positive, else alpha * (exp(x / alpha) - 1)
---@param input luron.Tensor
---@param options? { alpha: number? }
---@return luron.Tensor
function luron.celu(input, options) end

--- x if positive, else alpha * (exp(x / alpha) - 1)
---@param options? { alpha: number? }
---@return luron.Tensor
function Tensor:celu(options) end

--- (x + sqrt(x^2 + b)) / 2
---@param b? number how round it is at 0
---@return luron.Layer
---@overload fun(options: { b: number? }): luron.Layer
function nn.Squareplus(b) end

--- (x + sqrt(x^2 + b)) / 2
---@param input luron.Tensor
---@param options? { b: number? }
---@return luron.Tensor
function nn.squareplus(input, options) end

--- (x + sqrt(x^2 + b)) / 2
---@param input luron.Tensor
---@param options? { b: number? }
---@return luron.Tensor
function luron.squareplus(input, options) end

--- (x + sqrt(x^2 + b)) / 2
---@param options? { b: number? }
---@return luron.Tensor
function Tensor:squareplus(options) end

--- 0 up to -1, x from 1 on, a parabola between
---@return luron.Layer
function nn.SparsePlus() end

--- 0 up to -1, x from 1 on, a parabola between
---@param input luron.Tensor
---@return luron.Tensor
function nn.sparse_plus(input) end

--- 0 up to -1, x from 1 on, a parabola between
---@param input luron.Tensor
---@return luron.Tensor
function luron.sparse_plus(input) end

--- 0 up to -1, x from 1 on, a parabola between
---@return luron.Tensor
function Tensor:sparse_plus() end

--- (x + 1) / 2 cut off at 0 and 1
---@return luron.Layer
function nn.SparseSigmoid() end

--- (x + 1) / 2 cut off at 0 and 1
---@param input luron.Tensor
---@return luron.Tensor
function nn.sparse_sigmoid(input) end

--- (x + 1) / 2 cut off at 0 and 1
---@param input luron.Tensor
---@return luron.Tensor
function luron.sparse_sigmoid(input) end

--- (x + 1) / 2 cut off at 0 and 1
---@return luron.Tensor
function Tensor:sparse_sigmoid() end

--- exp(x)
---@return luron.Layer
function nn.Exponential() end

--- exp(x)
---@param input luron.Tensor
---@return luron.Tensor
function nn.exponential(input) end

--- exp(x)
---@param input luron.Tensor
---@return luron.Tensor
function luron.exponential(input) end

--- exp(x)
---@return luron.Tensor
function Tensor:exponential() end

--- one half times the sigmoid of the other
---@param dim? integer that is halved
---@return luron.Layer
---@overload fun(options: { dim: integer? }): luron.Layer
function nn.GLU(dim) end

--- one half times the sigmoid of the other
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function nn.glu(input, options) end

--- one half times the sigmoid of the other
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function luron.glu(input, options) end

--- one half times the sigmoid of the other
---@param options? { dim: integer? }
---@return luron.Tensor
function Tensor:glu(options) end

--- what is positive beside what is negative, without signs
---@param dim? integer that doubles
---@return luron.Layer
---@overload fun(options: { dim: integer? }): luron.Layer
function nn.CReLU(dim) end

--- what is positive beside what is negative, without signs
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function nn.crelu(input, options) end

--- what is positive beside what is negative, without signs
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function luron.crelu(input, options) end

--- what is positive beside what is negative, without signs
---@param options? { dim: integer? }
---@return luron.Tensor
function Tensor:crelu(options) end

--- the largest of each run of neighbours
---@param num_units integer numbers that are left
---@param dim? integer along which they lie
---@return luron.Layer
---@overload fun(options: { num_units: integer, dim: integer? }): luron.Layer
function nn.Maxout(num_units, dim) end

--- the largest of each run of neighbours
---@param input luron.Tensor
---@param options? { num_units: integer, dim: integer? }
---@return luron.Tensor
function nn.maxout(input, options) end

--- the largest of each run of neighbours
---@param input luron.Tensor
---@param options? { num_units: integer, dim: integer? }
---@return luron.Tensor
function luron.maxout(input, options) end

--- the largest of each run of neighbours
---@param options? { num_units: integer, dim: integer? }
---@return luron.Tensor
function Tensor:maxout(options) end

--- exp(-x) divided by its sum along dim
---@param dim? integer along which the results sum to 1
---@return luron.Layer
---@overload fun(options: { dim: integer? }): luron.Layer
function nn.Softmin(dim) end

--- exp(-x) divided by its sum along dim
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function nn.softmin(input, options) end

--- exp(-x) divided by its sum along dim
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function luron.softmin(input, options) end

--- exp(-x) divided by its sum along dim
---@param options? { dim: integer? }
---@return luron.Tensor
function Tensor:softmin(options) end

--- softmax over the channels at each place of an image
---@return luron.Layer
function nn.Softmax2d() end

--- softmax over the channels at each place of an image
---@param input luron.Tensor
---@return luron.Tensor
function nn.softmax2d(input) end

--- softmax over the channels at each place of an image
---@param input luron.Tensor
---@return luron.Tensor
function luron.softmax2d(input) end

--- softmax over the channels at each place of an image
---@return luron.Tensor
function Tensor:softmax2d() end

--- a softmax that gives zeros too
---@param dim? integer along which the results sum to 1
---@return luron.Layer
---@overload fun(options: { dim: integer? }): luron.Layer
function nn.Sparsemax(dim) end

--- a softmax that gives zeros too
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function nn.sparsemax(input, options) end

--- a softmax that gives zeros too
---@param input luron.Tensor
---@param options? { dim: integer? }
---@return luron.Tensor
function luron.sparsemax(input, options) end

--- a softmax that gives zeros too
---@param options? { dim: integer? }
---@return luron.Tensor
function Tensor:sparsemax(options) end

--- x if positive, else a slope times x, at random when training
---@param lower? number least slope below 0
---@param upper? number largest slope below 0
---@return luron.Layer
---@overload fun(options: { lower: number?, upper: number? }): luron.Layer
function nn.RReLU(lower, upper) end

--- x if positive, else a slope times x, at random when training
---@param input luron.Tensor
---@param options? { lower: number?, upper: number? }
---@return luron.Tensor
function nn.rrelu(input, options) end

--- x if positive, else a slope times x, at random when training
---@param input luron.Tensor
---@param options? { lower: number?, upper: number? }
---@return luron.Tensor
function luron.rrelu(input, options) end

--- x if positive, else a slope times x, at random when training
---@param options? { lower: number?, upper: number? }
---@return luron.Tensor
function Tensor:rrelu(options) end

--- cross entropy of logits and class ids
---@param ignore_index? integer target id that counts for nothing
---@param label_smoothing? number share of the target spread evenly over the classes
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { ignore_index: integer?, label_smoothing: number?, reduction: string? }): luron.Layer
function nn.CrossEntropyLoss(ignore_index, label_smoothing, reduction) end

--- cross entropy of logits and class ids
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { ignore_index: integer?, label_smoothing: number?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function nn.cross_entropy(input, target, options) end

--- cross entropy of logits and class ids
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { ignore_index: integer?, label_smoothing: number?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function luron.cross_entropy(input, target, options) end

--- cross entropy of logits and class probabilities
---@param label_smoothing? number share of the target spread evenly over the classes
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { label_smoothing: number?, reduction: string? }): luron.Layer
function nn.SoftCrossEntropyLoss(label_smoothing, reduction) end

--- cross entropy of logits and class probabilities
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { label_smoothing: number?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function nn.soft_cross_entropy(input, target, options) end

--- cross entropy of logits and class probabilities
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { label_smoothing: number?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function luron.soft_cross_entropy(input, target, options) end

--- negative log-likelihood of class ids
---@param ignore_index? integer target id that counts for nothing
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { ignore_index: integer?, reduction: string? }): luron.Layer
function nn.NLLLoss(ignore_index, reduction) end

--- negative log-likelihood of class ids
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { ignore_index: integer?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function nn.nll_loss(input, target, options) end

--- negative log-likelihood of class ids
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { ignore_index: integer?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function luron.nll_loss(input, target, options) end

--- squared error
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.MSELoss(reduction) end

--- squared error
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function nn.mse_loss(input, target, options) end

--- squared error
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function luron.mse_loss(input, target, options) end

--- absolute error
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.L1Loss(reduction) end

--- absolute error
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function nn.l1_loss(input, target, options) end

--- absolute error
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function luron.l1_loss(input, target, options) end

--- squared error near 0, absolute error beyond delta
---@param delta? number where the square ends
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { delta: number?, reduction: string? }): luron.Layer
function nn.HuberLoss(delta, reduction) end

--- squared error near 0, absolute error beyond delta
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { delta: number?, reduction: string? }
---@return luron.Tensor
function nn.huber_loss(input, target, options) end

--- squared error near 0, absolute error beyond delta
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { delta: number?, reduction: string? }
---@return luron.Tensor
function luron.huber_loss(input, target, options) end

--- squared error near 0, absolute error beyond beta
---@param beta? number where the square ends
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { beta: number?, reduction: string? }): luron.Layer
function nn.SmoothL1Loss(beta, reduction) end

--- squared error near 0, absolute error beyond beta
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { beta: number?, reduction: string? }
---@return luron.Tensor
function nn.smooth_l1_loss(input, target, options) end

--- squared error near 0, absolute error beyond beta
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { beta: number?, reduction: string? }
---@return luron.Tensor
function luron.smooth_l1_loss(input, target, options) end

--- cross entropy of yes-or-no probabilities
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.BCELoss(reduction) end

--- cross entropy of yes-or-no probabilities
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function nn.bce_loss(input, target, options) end

--- cross entropy of yes-or-no probabilities
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function luron.bce_loss(input, target, options) end

--- cross entropy of yes-or-no logits
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.BCEWithLogitsLoss(reduction) end

--- cross entropy of yes-or-no logits
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string?, weight: luron.Tensor?, pos_weight: luron.Tensor? }
---@return luron.Tensor
function nn.bce_with_logits_loss(input, target, options) end

--- cross entropy of yes-or-no logits
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string?, weight: luron.Tensor?, pos_weight: luron.Tensor? }
---@return luron.Tensor
function luron.bce_with_logits_loss(input, target, options) end

--- Kullback-Leibler divergence of the target from the input
---@param log_target? boolean the target holds log-probabilities
---@param reduction? string "batchmean", sum over batch size, is the divergence
---@return luron.Layer
---@overload fun(options: { log_target: boolean?, reduction: string? }): luron.Layer
function nn.KLDivLoss(log_target, reduction) end

--- Kullback-Leibler divergence of the target from the input
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { log_target: boolean?, reduction: string? }
---@return luron.Tensor
function nn.kl_div(input, target, options) end

--- Kullback-Leibler divergence of the target from the input
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { log_target: boolean?, reduction: string? }
---@return luron.Tensor
function luron.kl_div(input, target, options) end

--- cross entropy, less of what is nearly right
---@param gamma? number how much what is nearly right counts less
---@param alpha? number times all
---@param from_logits? boolean input holds logits; false: probabilities
---@param ignore_index? integer target id that counts for nothing
---@param label_smoothing? number share of the target spread evenly over the classes
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { gamma: number?, alpha: number?, from_logits: boolean?, ignore_index: integer?, label_smoothing: number?, reduction: string? }): luron.Layer
function nn.FocalLoss(gamma, alpha, from_logits, ignore_index, label_smoothing, reduction) end

--- cross entropy, less of what is nearly right
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { gamma: number?, alpha: number?, from_logits: boolean?, ignore_index: integer?, label_smoothing: number?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function nn.focal_loss(input, target, options) end

--- cross entropy, less of what is nearly right
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { gamma: number?, alpha: number?, from_logits: boolean?, ignore_index: integer?, label_smoothing: number?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function luron.focal_loss(input, target, options) end

--- cross entropy that bears wrong labels
---@param q? number from cross entropy to absolute error
---@param from_logits? boolean input holds logits; false: probabilities
---@param ignore_index? integer target id that counts for nothing
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { q: number?, from_logits: boolean?, ignore_index: integer?, reduction: string? }): luron.Layer
function nn.GeneralizedCrossEntropyLoss(q, from_logits, ignore_index, reduction) end

--- cross entropy that bears wrong labels
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { q: number?, from_logits: boolean?, ignore_index: integer?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function nn.generalized_cross_entropy(input, target, options) end

--- cross entropy that bears wrong labels
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { q: number?, from_logits: boolean?, ignore_index: integer?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function luron.generalized_cross_entropy(input, target, options) end

--- negative log-likelihood of counts
---@param log_input? boolean input is the logarithm of the expected number
---@param full? boolean add log t! (Stirling)
---@param eps? number added to input before its logarithm; Keras's Poisson: 1e-7
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { log_input: boolean?, full: boolean?, eps: number?, reduction: string? }): luron.Layer
function nn.PoissonNLLLoss(log_input, full, eps, reduction) end

--- negative log-likelihood of counts
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { log_input: boolean?, full: boolean?, eps: number?, reduction: string? }
---@return luron.Tensor
function nn.poisson_nll_loss(input, target, options) end

--- negative log-likelihood of counts
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { log_input: boolean?, full: boolean?, eps: number?, reduction: string? }
---@return luron.Tensor
function luron.poisson_nll_loss(input, target, options) end

--- negative log-likelihood of numbers with a variance of their own
---@param full? boolean add log(2 pi) / 2
---@param eps? number least variance
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { full: boolean?, eps: number?, reduction: string? }): luron.Layer
function nn.GaussianNLLLoss(full, eps, reduction) end

--- negative log-likelihood of numbers with a variance of their own
---@param input luron.Tensor
---@param target luron.Tensor
---@param var luron.Tensor
---@param options? { full: boolean?, eps: number?, reduction: string? }
---@return luron.Tensor
function nn.gaussian_nll_loss(input, target, var, options) end

--- negative log-likelihood of numbers with a variance of their own
---@param input luron.Tensor
---@param target luron.Tensor
---@param var luron.Tensor
---@param options? { full: boolean?, eps: number?, reduction: string? }
---@return luron.Tensor
function luron.gaussian_nll_loss(input, target, var, options) end

--- logarithm of the hyperbolic cosine of the error
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.LogCoshLoss(reduction) end

--- logarithm of the hyperbolic cosine of the error
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function nn.log_cosh_loss(input, target, options) end

--- logarithm of the hyperbolic cosine of the error
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function luron.log_cosh_loss(input, target, options) end

--- absolute error in per cent of the target
---@param eps? number least size of a target
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { eps: number?, reduction: string? }): luron.Layer
function nn.MAPELoss(eps, reduction) end

--- absolute error in per cent of the target
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { eps: number?, reduction: string? }
---@return luron.Tensor
function nn.mape_loss(input, target, options) end

--- absolute error in per cent of the target
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { eps: number?, reduction: string? }
---@return luron.Tensor
function luron.mape_loss(input, target, options) end

--- squared error of log(1 + x)
---@param eps? number least value that is looked at
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { eps: number?, reduction: string? }): luron.Layer
function nn.MSLELoss(eps, reduction) end

--- squared error of log(1 + x)
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { eps: number?, reduction: string? }
---@return luron.Tensor
function nn.msle_loss(input, target, options) end

--- squared error of log(1 + x)
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { eps: number?, reduction: string? }
---@return luron.Tensor
function luron.msle_loss(input, target, options) end

--- logistic loss of a score whose sign should be the target's
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.SoftMarginLoss(reduction) end

--- logistic loss of a score whose sign should be the target's
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function nn.soft_margin_loss(input, target, options) end

--- logistic loss of a score whose sign should be the target's
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function luron.soft_margin_loss(input, target, options) end

--- distances of what is alike, and how far others are within the margin
---@param margin? number by which what is right has to be so
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { margin: number?, reduction: string? }): luron.Layer
function nn.HingeEmbeddingLoss(margin, reduction) end

--- distances of what is alike, and how far others are within the margin
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { margin: number?, reduction: string? }
---@return luron.Tensor
function nn.hinge_embedding_loss(input, target, options) end

--- distances of what is alike, and how far others are within the margin
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { margin: number?, reduction: string? }
---@return luron.Tensor
function luron.hinge_embedding_loss(input, target, options) end

--- which of two scores should be the larger
---@param margin? number by which what is right has to be so
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { margin: number?, reduction: string? }): luron.Layer
function nn.MarginRankingLoss(margin, reduction) end

--- which of two scores should be the larger
---@param input1 luron.Tensor
---@param input2 luron.Tensor
---@param target luron.Tensor
---@param options? { margin: number?, reduction: string? }
---@return luron.Tensor
function nn.margin_ranking_loss(input1, input2, target, options) end

--- which of two scores should be the larger
---@param input1 luron.Tensor
---@param input2 luron.Tensor
---@param target luron.Tensor
---@param options? { margin: number?, reduction: string? }
---@return luron.Tensor
function luron.margin_ranking_loss(input1, input2, target, options) end

--- by how much other classes come within a margin of the right one
---@param p? integer power of a term
---@param margin? number by which what is right has to be so
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { p: integer?, margin: number?, reduction: string? }): luron.Layer
function nn.MultiMarginLoss(p, margin, reduction) end

--- by how much other classes come within a margin of the right one
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { p: integer?, margin: number?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function nn.multi_margin_loss(input, target, options) end

--- by how much other classes come within a margin of the right one
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { p: integer?, margin: number?, reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function luron.multi_margin_loss(input, target, options) end

--- by how much other classes come within 1 of the right ones
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.MultiLabelMarginLoss(reduction) end

--- by how much other classes come within 1 of the right ones
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function nn.multilabel_margin_loss(input, target, options) end

--- by how much other classes come within 1 of the right ones
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function luron.multilabel_margin_loss(input, target, options) end

--- yes-or-no cross entropy of each class, a row its mean
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.MultiLabelSoftMarginLoss(reduction) end

--- yes-or-no cross entropy of each class, a row its mean
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function nn.multilabel_soft_margin_loss(input, target, options) end

--- yes-or-no cross entropy of each class, a row its mean
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string?, weight: luron.Tensor? }
---@return luron.Tensor
function luron.multilabel_soft_margin_loss(input, target, options) end

--- 1 - t x where that is above 0
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.HingeLoss(reduction) end

--- 1 - t x where that is above 0
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function nn.hinge_loss(input, target, options) end

--- 1 - t x where that is above 0
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function luron.hinge_loss(input, target, options) end

--- the square of 1 - t x where that is above 0
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.SquaredHingeLoss(reduction) end

--- the square of 1 - t x where that is above 0
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function nn.squared_hinge_loss(input, target, options) end

--- the square of 1 - t x where that is above 0
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function luron.squared_hinge_loss(input, target, options) end

--- by how much the best other class comes within 1 of the right one
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { reduction: string? }): luron.Layer
function nn.CategoricalHingeLoss(reduction) end

--- by how much the best other class comes within 1 of the right one
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function nn.categorical_hinge_loss(input, target, options) end

--- by how much the best other class comes within 1 of the right one
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { reduction: string? }
---@return luron.Tensor
function luron.categorical_hinge_loss(input, target, options) end

--- 1 - the Dice coefficient of two masks
---@param per? string what is one region: all, an example, a class of all, or of each
---@param smooth? number added above and below the line
---@param eps? number added below the line
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { per: string?, smooth: number?, eps: number?, reduction: string? }): luron.Layer
function nn.DiceLoss(per, smooth, eps, reduction) end

--- 1 - the Dice coefficient of two masks
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { per: string?, smooth: number?, eps: number?, reduction: string? }
---@return luron.Tensor
function nn.dice_loss(input, target, options) end

--- 1 - the Dice coefficient of two masks
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { per: string?, smooth: number?, eps: number?, reduction: string? }
---@return luron.Tensor
function luron.dice_loss(input, target, options) end

--- the Dice loss with weights of the two kinds of error
---@param alpha? number weight of what is missed
---@param beta? number weight of what is too much
---@param per? string what is one region: all, an example, a class of all, or of each
---@param smooth? number added above and below the line
---@param eps? number added below the line
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { alpha: number?, beta: number?, per: string?, smooth: number?, eps: number?, reduction: string? }): luron.Layer
function nn.TverskyLoss(alpha, beta, per, smooth, eps, reduction) end

--- the Dice loss with weights of the two kinds of error
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { alpha: number?, beta: number?, per: string?, smooth: number?, eps: number?, reduction: string? }
---@return luron.Tensor
function nn.tversky_loss(input, target, options) end

--- the Dice loss with weights of the two kinds of error
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { alpha: number?, beta: number?, per: string?, smooth: number?, eps: number?, reduction: string? }
---@return luron.Tensor
function luron.tversky_loss(input, target, options) end

--- cross entropy of yes-or-no logits, less of what is nearly right
---@param gamma? number how much what is nearly right counts less
---@param alpha? number weight of the targets that are 1
---@param apply_class_balancing? boolean weigh by alpha
---@param from_logits? boolean input holds logits; false: probabilities
---@param label_smoothing? number share of the target that is 1/2
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { gamma: number?, alpha: number?, apply_class_balancing: boolean?, from_logits: boolean?, label_smoothing: number?, reduction: string? }): luron.Layer
function nn.BinaryFocalLoss(gamma, alpha, apply_class_balancing, from_logits, label_smoothing, reduction) end

--- cross entropy of yes-or-no logits, less of what is nearly right
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { gamma: number?, alpha: number?, apply_class_balancing: boolean?, from_logits: boolean?, label_smoothing: number?, reduction: string? }
---@return luron.Tensor
function nn.binary_focal_loss(input, target, options) end

--- cross entropy of yes-or-no logits, less of what is nearly right
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { gamma: number?, alpha: number?, apply_class_balancing: boolean?, from_logits: boolean?, label_smoothing: number?, reduction: string? }
---@return luron.Tensor
function luron.binary_focal_loss(input, target, options) end

--- connectionist temporal classification: sequences that are not aligned
---@param blank? integer the class that stands for no letter
---@param reduction? string of the losses, each over the length of its target; "none" keeps each
---@param zero_infinity? boolean a target that is too long counts as 0; false: it is an error
---@param batch_first? boolean log_probs are (n, times, classes); false: (times, n, classes), PyTorch's order
---@return luron.Layer
---@overload fun(options: { blank: integer?, reduction: string?, zero_infinity: boolean?, batch_first: boolean? }): luron.Layer
function nn.CTCLoss(blank, reduction, zero_infinity, batch_first) end

--- connectionist temporal classification: sequences that are not aligned
---@param log_probs luron.Tensor
---@param targets luron.Tensor
---@param options? { blank: integer?, reduction: string?, zero_infinity: boolean?, batch_first: boolean?, input_lengths: luron.Tensor?, target_lengths: luron.Tensor? }
---@return luron.Tensor
function nn.ctc_loss(log_probs, targets, options) end

--- connectionist temporal classification: sequences that are not aligned
---@param log_probs luron.Tensor
---@param targets luron.Tensor
---@param options? { blank: integer?, reduction: string?, zero_infinity: boolean?, batch_first: boolean?, input_lengths: luron.Tensor?, target_lengths: luron.Tensor? }
---@return luron.Tensor
function luron.ctc_loss(log_probs, targets, options) end

--- cosine of the angle between vectors
---@param dim? integer along which vectors lie
---@param eps? number least length of a vector
---@return luron.Layer
---@overload fun(options: { dim: integer?, eps: number? }): luron.Layer
function nn.CosineSimilarity(dim, eps) end

--- cosine of the angle between vectors
---@param x1 luron.Tensor
---@param x2 luron.Tensor
---@param options? { dim: integer?, eps: number? }
---@return luron.Tensor
function nn.cosine_similarity(x1, x2, options) end

--- cosine of the angle between vectors
---@param x1 luron.Tensor
---@param x2 luron.Tensor
---@param options? { dim: integer?, eps: number? }
---@return luron.Tensor
function luron.cosine_similarity(x1, x2, options) end

--- p-norm of the difference of vectors
---@param p? number power of the norm
---@param eps? number added to each difference
---@param keepdim? boolean the last dimension stays, with size 1
---@return luron.Layer
---@overload fun(options: { p: number?, eps: number?, keepdim: boolean? }): luron.Layer
function nn.PairwiseDistance(p, eps, keepdim) end

--- p-norm of the difference of vectors
---@param x1 luron.Tensor
---@param x2 luron.Tensor
---@param options? { p: number?, eps: number?, keepdim: boolean? }
---@return luron.Tensor
function nn.pairwise_distance(x1, x2, options) end

--- p-norm of the difference of vectors
---@param x1 luron.Tensor
---@param x2 luron.Tensor
---@param options? { p: number?, eps: number?, keepdim: boolean? }
---@return luron.Tensor
function luron.pairwise_distance(x1, x2, options) end

--- minus the cosine of the angle between input and target
---@param dim? integer along which vectors lie
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { dim: integer?, reduction: string? }): luron.Layer
function nn.CosineSimilarityLoss(dim, reduction) end

--- minus the cosine of the angle between input and target
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { dim: integer?, reduction: string? }
---@return luron.Tensor
function nn.cosine_similarity_loss(input, target, options) end

--- minus the cosine of the angle between input and target
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { dim: integer?, reduction: string? }
---@return luron.Tensor
function luron.cosine_similarity_loss(input, target, options) end

--- angles between what is alike, and cosines beyond a margin of others
---@param margin? number cosine up to which vectors count as apart
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { margin: number?, reduction: string? }): luron.Layer
function nn.CosineEmbeddingLoss(margin, reduction) end

--- angles between what is alike, and cosines beyond a margin of others
---@param input1 luron.Tensor
---@param input2 luron.Tensor
---@param target luron.Tensor
---@param options? { margin: number?, reduction: string? }
---@return luron.Tensor
function nn.cosine_embedding_loss(input1, input2, target, options) end

--- angles between what is alike, and cosines beyond a margin of others
---@param input1 luron.Tensor
---@param input2 luron.Tensor
---@param target luron.Tensor
---@param options? { margin: number?, reduction: string? }
---@return luron.Tensor
function luron.cosine_embedding_loss(input1, input2, target, options) end

--- by how much the negative is not farther from the anchor than the positive
---@param margin? number by which the negative should be farther
---@param p? number power of the norm
---@param eps? number added to each difference
---@param swap? boolean the negative is also held against the positive, and the nearer counts
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { margin: number?, p: number?, eps: number?, swap: boolean?, reduction: string? }): luron.Layer
function nn.TripletMarginLoss(margin, p, eps, swap, reduction) end

--- by how much the negative is not farther from the anchor than the positive
---@param anchor luron.Tensor
---@param positive luron.Tensor
---@param negative luron.Tensor
---@param options? { margin: number?, p: number?, eps: number?, swap: boolean?, reduction: string? }
---@return luron.Tensor
function nn.triplet_margin_loss(anchor, positive, negative, options) end

--- by how much the negative is not farther from the anchor than the positive
---@param anchor luron.Tensor
---@param positive luron.Tensor
---@param negative luron.Tensor
---@param options? { margin: number?, p: number?, eps: number?, swap: boolean?, reduction: string? }
---@return luron.Tensor
function luron.triplet_margin_loss(anchor, positive, negative, options) end

--- the triplet loss with another distance
---@param distance? string what is far
---@param margin? number by which the negative should be farther
---@param swap? boolean the negative is also held against the positive, and the nearer counts
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { distance: string?, margin: number?, swap: boolean?, reduction: string? }): luron.Layer
function nn.TripletMarginWithDistanceLoss(distance, margin, swap, reduction) end

--- the triplet loss with another distance
---@param anchor luron.Tensor
---@param positive luron.Tensor
---@param negative luron.Tensor
---@param options? { distance: string?, margin: number?, swap: boolean?, reduction: string? }
---@return luron.Tensor
function nn.triplet_margin_with_distance_loss(anchor, positive, negative, options) end

--- the triplet loss with another distance
---@param anchor luron.Tensor
---@param positive luron.Tensor
---@param negative luron.Tensor
---@param options? { distance: string?, margin: number?, swap: boolean?, reduction: string? }
---@return luron.Tensor
function luron.triplet_margin_with_distance_loss(anchor, positive, negative, options) end

--- how far rows of one id are apart, and those of others near
---@param gamma? number scale
---@param margin? number distance up to which rows of an id should come
---@param remove_diagonal? boolean a row is no reference of its own
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { gamma: number?, margin: number?, remove_diagonal: boolean?, reduction: string? }): luron.Layer
function nn.CircleLoss(gamma, margin, remove_diagonal, reduction) end

--- how far rows of one id are apart, and those of others near
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { gamma: number?, margin: number?, remove_diagonal: boolean?, reduction: string?, ref_input: luron.Tensor?, ref_target: luron.Tensor? }
---@return luron.Tensor
function nn.circle_loss(input, target, options) end

--- how far rows of one id are apart, and those of others near
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { gamma: number?, margin: number?, remove_diagonal: boolean?, reduction: string?, ref_input: luron.Tensor?, ref_target: luron.Tensor? }
---@return luron.Tensor
function luron.circle_loss(input, target, options) end

--- softmax over many classes, of which rare ones have fewer weights
---@param in_features integer features of the input
---@param n_classes integer classes, the frequent ones first
---@param cutoffs integer|integer[] how many classes the head has, then it and the first clusters, ...
---@param div_value? number each cluster has as many times fewer features than the one before
---@param head_bias? boolean add a bias to the head
---@return luron.Layer
---@overload fun(options: { in_features: integer, n_classes: integer, cutoffs: integer|integer[], div_value: number?, head_bias: boolean? }): luron.Layer
function nn.AdaptiveLogSoftmaxWithLoss(in_features, n_classes, cutoffs, div_value, head_bias) end

--- each row through those of several small networks that a gate chooses
---@param in_features integer features of input and output
---@param hidden_features integer features within an expert
---@param num_experts integer experts
---@param top_k? integer how many of them a row goes to
---@param activation? string within an expert
---@param bias? boolean experts add biases
---@param normalize? boolean the shares of the chosen experts sum to 1
---@return luron.Layer
---@overload fun(options: { in_features: integer, hidden_features: integer, num_experts: integer, top_k: integer?, activation: string?, bias: boolean?, normalize: boolean? }): luron.Layer
function nn.MixtureOfExperts(in_features, hidden_features, num_experts, top_k, activation, bias, normalize) end

--- zeros at random when training
---@param p? number probability of a 0
---@return luron.Layer
---@overload fun(options: { p: number? }): luron.Layer
function nn.Dropout(p) end

--- zeros at random when training
---@param input luron.Tensor
---@param options? { p: number? }
---@return luron.Tensor
function nn.dropout(input, options) end

--- zeros at random when training
---@param input luron.Tensor
---@param options? { p: number? }
---@return luron.Tensor
function luron.dropout(input, options) end

--- zeros at random when training
---@param options? { p: number? }
---@return luron.Tensor
function Tensor:dropout(options) end

--- zeros whole channels at random when training
---@param p? number probability of being dropped
---@return luron.Layer
---@overload fun(options: { p: number? }): luron.Layer
function nn.Dropout1d(p) end

--- zeros whole channels at random when training
---@param p? number probability of being dropped
---@return luron.Layer
---@overload fun(options: { p: number? }): luron.Layer
function nn.Dropout2d(p) end

--- zeros whole channels at random when training
---@param p? number probability of being dropped
---@return luron.Layer
---@overload fun(options: { p: number? }): luron.Layer
function nn.Dropout3d(p) end

--- dropout behind SELU: mean 0 and variance 1 stay
---@param p? number probability of being dropped
---@return luron.Layer
---@overload fun(options: { p: number? }): luron.Layer
function nn.AlphaDropout(p) end

--- AlphaDropout of whole channels
---@param p? number probability of being dropped
---@return luron.Layer
---@overload fun(options: { p: number? }): luron.Layer
function nn.FeatureAlphaDropout(p) end

--- multiplies by normal numbers of mean 1 when training
---@param rate number variance rate / (1 - rate): that of a dropout with this probability
---@return luron.Layer
---@overload fun(options: { rate: number }): luron.Layer
function nn.GaussianDropout(rate) end

--- adds normal numbers of mean 0 when training
---@param stddev number standard deviation of what is added
---@return luron.Layer
---@overload fun(options: { stddev: number }): luron.Layer
function nn.GaussianNoise(stddev) end

--- joins dimensions, all but the batch if none are named
---@param start_dim? integer first dimension to join
---@param end_dim? integer last dimension to join
---@return luron.Layer
---@overload fun(options: { start_dim: integer?, end_dim: integer? }): luron.Layer
function nn.Flatten(start_dim, end_dim) end

--- joins dimensions, all but the batch if none are named
---@param input luron.Tensor
---@param options? { start_dim: integer?, end_dim: integer? }
---@return luron.Tensor
function nn.flatten(input, options) end

--- splits a dimension into several
---@param dim integer dimension to split
---@param sizes integer|integer[] what it becomes; one may be -1
---@return luron.Layer
---@overload fun(options: { dim: integer, sizes: integer|integer[] }): luron.Layer
function nn.Unflatten(dim, sizes) end

--- splits a dimension into several
---@param input luron.Tensor
---@param options? { dim: integer, sizes: integer|integer[] }
---@return luron.Tensor
function nn.unflatten(input, options) end

--- gives every example of a batch another shape
---@param shape integer|integer[] of one example, without the batch; one size may be -1
---@return luron.Layer
---@overload fun(options: { shape: integer|integer[] }): luron.Layer
function nn.Reshape(shape) end

--- gives every example of a batch another shape
---@param input luron.Tensor
---@param options? { shape: integer|integer[] }
---@return luron.Tensor
function nn.reshape(input, options) end

--- puts the dimensions of every example into another order
---@param dims integer|integer[] dimensions of one example, which count from 1: { 2, 1 } turns a matrix
---@return luron.Layer
---@overload fun(options: { dims: integer|integer[] }): luron.Layer
function nn.Permute(dims) end

--- exchanges two dimensions
---@param dim0 integer one of the dimensions
---@param dim1 integer the other
---@return luron.Layer
---@overload fun(options: { dim0: integer, dim1: integer }): luron.Layer
function nn.Transpose(dim0, dim1) end

--- one place of a dimension, which goes away
---@param dim integer dimension that goes away
---@param index integer place in it
---@return luron.Layer
---@overload fun(options: { dim: integer, index: integer }): luron.Layer
function nn.Select(dim, index) end

--- some places of a dimension
---@param dim integer dimension
---@param start integer first place
---@param length? integer how many places
---@return luron.Layer
---@overload fun(options: { dim: integer, start: integer, length: integer? }): luron.Layer
function nn.Narrow(dim, start, length) end

--- takes out a dimension if its size is 1
---@param dim integer dimension
---@return luron.Layer
---@overload fun(options: { dim: integer }): luron.Layer
function nn.Squeeze(dim) end

--- puts in a dimension of size 1
---@param dim integer dimension
---@return luron.Layer
---@overload fun(options: { dim: integer }): luron.Layer
function nn.Unsqueeze(dim) end

--- makes a sequence of every row, the same at all steps
---@param n integer how often
---@return luron.Layer
---@overload fun(options: { n: integer }): luron.Layer
function nn.RepeatVector(n) end

--- zeros steps that hold mask_value alone, and tells which
---@param mask_value? number what a step to be skipped is filled with
---@return luron.Layer
---@overload fun(options: { mask_value: number? }): luron.Layer
function nn.Masking(mask_value) end

--- makes a sequence again of rows, one for each step
---@return luron.Layer
function nn.UnflattenSteps() end

--- the sum of inputs that broadcast
---@return luron.Layer
function nn.Add() end

--- the first input less the second; they broadcast
---@return luron.Layer
function nn.Subtract() end

--- the product of inputs that broadcast, number by number
---@return luron.Layer
function nn.Multiply() end

--- the mean of inputs that broadcast
---@return luron.Layer
function nn.Average() end

--- the largest of inputs that broadcast, number by number
---@return luron.Layer
function nn.Maximum() end

--- the smallest of inputs that broadcast, number by number
---@return luron.Layer
function nn.Minimum() end

--- the inputs one behind the other
---@param dim? integer along which they are joined
---@return luron.Layer
---@overload fun(options: { dim: integer? }): luron.Layer
function nn.Concatenate(dim) end

--- products of the vectors along one dimension, example by example
---@param dim1? integer of the first input: summed over
---@param dim2? integer of the second input
---@param normalize? boolean vectors of length 1: cosines of the angles between them
---@return luron.Layer
---@overload fun(options: { dim1: integer?, dim2: integer?, normalize: boolean? }): luron.Layer
function nn.Dot(dim1, dim2, normalize) end

--- the largest of each window
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] places before and after that never win
---@param dilation? integer|integer[] step from place to place in a window
---@param ceil_mode? boolean a last window that reaches over the end too
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, ceil_mode: boolean? }): luron.Layer
function nn.MaxPool1d(kernel_size, stride, padding, dilation, ceil_mode) end

--- the largest of each window
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] places before and after that never win
---@param dilation? integer|integer[] step from place to place in a window
---@param ceil_mode? boolean a last window that reaches over the end too
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, ceil_mode: boolean? }): luron.Layer
function nn.MaxPool2d(kernel_size, stride, padding, dilation, ceil_mode) end

--- the largest of each window
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] places before and after that never win
---@param dilation? integer|integer[] step from place to place in a window
---@param ceil_mode? boolean a last window that reaches over the end too
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, ceil_mode: boolean? }): luron.Layer
function nn.MaxPool3d(kernel_size, stride, padding, dilation, ceil_mode) end

--- the mean of each window
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] zeros before and after
---@param ceil_mode? boolean a last window that reaches over the end too
---@param count_include_pad? boolean padding counts in what a window divides by
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, ceil_mode: boolean?, count_include_pad: boolean? }): luron.Layer
function nn.AvgPool1d(kernel_size, stride, padding, ceil_mode, count_include_pad) end

--- the mean of each window
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] zeros before and after
---@param ceil_mode? boolean a last window that reaches over the end too
---@param count_include_pad? boolean padding counts in what a window divides by
---@param divisor_override? integer what every window divides by; 0: its size
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, ceil_mode: boolean?, count_include_pad: boolean?, divisor_override: integer? }): luron.Layer
function nn.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

--- the mean of each window
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] zeros before and after
---@param ceil_mode? boolean a last window that reaches over the end too
---@param count_include_pad? boolean padding counts in what a window divides by
---@param divisor_override? integer what every window divides by; 0: its size
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, ceil_mode: boolean?, count_include_pad: boolean?, divisor_override: integer? }): luron.Layer
function nn.AvgPool3d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) end

--- the largest of as many windows as output_size says
---@param output_size integer|integer[] size of the output, 1: one window over all; 0: as the input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[] }): luron.Layer
function nn.AdaptiveMaxPool1d(output_size) end

--- the largest of as many windows as output_size says
---@param output_size integer|integer[] size of the output, 1: one window over all; 0: as the input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[] }): luron.Layer
function nn.AdaptiveMaxPool2d(output_size) end

--- the largest of as many windows as output_size says
---@param output_size integer|integer[] size of the output, 1: one window over all; 0: as the input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[] }): luron.Layer
function nn.AdaptiveMaxPool3d(output_size) end

--- the mean of as many windows as output_size says
---@param output_size integer|integer[] size of the output, 1: one window over all; 0: as the input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[] }): luron.Layer
function nn.AdaptiveAvgPool1d(output_size) end

--- the mean of as many windows as output_size says
---@param output_size integer|integer[] size of the output, 1: one window over all; 0: as the input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[] }): luron.Layer
function nn.AdaptiveAvgPool2d(output_size) end

--- the mean of as many windows as output_size says
---@param output_size integer|integer[] size of the output, 1: one window over all; 0: as the input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[] }): luron.Layer
function nn.AdaptiveAvgPool3d(output_size) end

--- the largest of each window, and where it lies
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] places before and after that never win
---@param dilation? integer|integer[] step from place to place in a window
---@param ceil_mode? boolean a last window that reaches over the end too
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, ceil_mode: boolean? }): luron.Layer
function nn.MaxPool1dWithIndices(kernel_size, stride, padding, dilation, ceil_mode) end

--- the largest of each window, and where it lies
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] places before and after that never win
---@param dilation? integer|integer[] step from place to place in a window
---@param ceil_mode? boolean a last window that reaches over the end too
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, ceil_mode: boolean? }): luron.Layer
function nn.MaxPool2dWithIndices(kernel_size, stride, padding, dilation, ceil_mode) end

--- the largest of each window, and where it lies
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] places before and after that never win
---@param dilation? integer|integer[] step from place to place in a window
---@param ceil_mode? boolean a last window that reaches over the end too
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, ceil_mode: boolean? }): luron.Layer
function nn.MaxPool3dWithIndices(kernel_size, stride, padding, dilation, ceil_mode) end

--- the largest of as many windows as output_size says, and where it lies
---@param output_size integer|integer[] size of the output, 1: one window over all; 0: as the input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[] }): luron.Layer
function nn.AdaptiveMaxPool1dWithIndices(output_size) end

--- the largest of as many windows as output_size says, and where it lies
---@param output_size integer|integer[] size of the output, 1: one window over all; 0: as the input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[] }): luron.Layer
function nn.AdaptiveMaxPool2dWithIndices(output_size) end

--- the largest of as many windows as output_size says, and where it lies
---@param output_size integer|integer[] size of the output, 1: one window over all; 0: as the input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[] }): luron.Layer
function nn.AdaptiveMaxPool3dWithIndices(output_size) end

--- puts what MaxPool1dWithIndices gave back to its places
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] of the pooling, before and after
---@param output_size? integer|integer[] of the pooling's input; 0: the usual one
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, output_size: integer|integer[]|nil }): luron.Layer
function nn.MaxUnpool1d(kernel_size, stride, padding, output_size) end

--- puts what MaxPool2dWithIndices gave back to its places
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] of the pooling, before and after
---@param output_size? integer|integer[] of the pooling's input; 0: the usual one
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, output_size: integer|integer[]|nil }): luron.Layer
function nn.MaxUnpool2d(kernel_size, stride, padding, output_size) end

--- puts what MaxPool3dWithIndices gave back to its places
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param padding? integer|integer[] of the pooling, before and after
---@param output_size? integer|integer[] of the pooling's input; 0: the usual one
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, output_size: integer|integer[]|nil }): luron.Layer
function nn.MaxUnpool3d(kernel_size, stride, padding, output_size) end

--- the p-norm of each window
---@param norm_type number p: 1 gives sums, 2 lengths
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param ceil_mode? boolean a last window that reaches over the end too
---@return luron.Layer
---@overload fun(options: { norm_type: number, kernel_size: integer|integer[], stride: integer|integer[]|nil, ceil_mode: boolean? }): luron.Layer
function nn.LPPool1d(norm_type, kernel_size, stride, ceil_mode) end

--- the p-norm of each window
---@param norm_type number p: 1 gives sums, 2 lengths
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param ceil_mode? boolean a last window that reaches over the end too
---@return luron.Layer
---@overload fun(options: { norm_type: number, kernel_size: integer|integer[], stride: integer|integer[]|nil, ceil_mode: boolean? }): luron.Layer
function nn.LPPool2d(norm_type, kernel_size, stride, ceil_mode) end

--- the p-norm of each window
---@param norm_type number p: 1 gives sums, 2 lengths
---@param kernel_size integer|integer[] size of the window
---@param stride? integer|integer[] step from window to window; 0: kernel_size
---@param ceil_mode? boolean a last window that reaches over the end too
---@return luron.Layer
---@overload fun(options: { norm_type: number, kernel_size: integer|integer[], stride: integer|integer[]|nil, ceil_mode: boolean? }): luron.Layer
function nn.LPPool3d(norm_type, kernel_size, stride, ceil_mode) end

--- the largest of windows at random steps
---@param kernel_size integer|integer[] size of the window
---@param output_size? integer|integer[] size of the output; 0: by output_ratio
---@param output_ratio? number size of the output, as a part of the input's
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], output_size: integer|integer[]|nil, output_ratio: number? }): luron.Layer
function nn.FractionalMaxPool2d(kernel_size, output_size, output_ratio) end

--- the largest of windows at random steps
---@param kernel_size integer|integer[] size of the window
---@param output_size? integer|integer[] size of the output; 0: by output_ratio
---@param output_ratio? number size of the output, as a part of the input's
---@return luron.Layer
---@overload fun(options: { kernel_size: integer|integer[], output_size: integer|integer[]|nil, output_ratio: number? }): luron.Layer
function nn.FractionalMaxPool3d(kernel_size, output_size, output_ratio) end

--- a border of zeros
---@param padding integer|integer[] on all sides, or left, right; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.ZeroPad1d(padding) end

--- a border of zeros
---@param padding integer|integer[] on all sides, or left, right, top, bottom; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.ZeroPad2d(padding) end

--- a border of zeros
---@param padding integer|integer[] on all sides, or left, right, top, bottom, front, back; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.ZeroPad3d(padding) end

--- a border of one value
---@param padding integer|integer[] on all sides, or left, right; negative: cut off
---@param value number of the border
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[], value: number }): luron.Layer
function nn.ConstantPad1d(padding, value) end

--- a border of one value
---@param padding integer|integer[] on all sides, or left, right, top, bottom; negative: cut off
---@param value number of the border
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[], value: number }): luron.Layer
function nn.ConstantPad2d(padding, value) end

--- a border of one value
---@param padding integer|integer[] on all sides, or left, right, top, bottom, front, back; negative: cut off
---@param value number of the border
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[], value: number }): luron.Layer
function nn.ConstantPad3d(padding, value) end

--- a border that mirrors the input
---@param padding integer|integer[] on all sides, or left, right; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.ReflectionPad1d(padding) end

--- a border that mirrors the input
---@param padding integer|integer[] on all sides, or left, right, top, bottom; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.ReflectionPad2d(padding) end

--- a border that mirrors the input
---@param padding integer|integer[] on all sides, or left, right, top, bottom, front, back; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.ReflectionPad3d(padding) end

--- a border that repeats the outermost numbers
---@param padding integer|integer[] on all sides, or left, right; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.ReplicationPad1d(padding) end

--- a border that repeats the outermost numbers
---@param padding integer|integer[] on all sides, or left, right, top, bottom; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.ReplicationPad2d(padding) end

--- a border that repeats the outermost numbers
---@param padding integer|integer[] on all sides, or left, right, top, bottom, front, back; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.ReplicationPad3d(padding) end

--- a border that is the input's other end
---@param padding integer|integer[] on all sides, or left, right; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.CircularPad1d(padding) end

--- a border that is the input's other end
---@param padding integer|integer[] on all sides, or left, right, top, bottom; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.CircularPad2d(padding) end

--- a border that is the input's other end
---@param padding integer|integer[] on all sides, or left, right, top, bottom, front, back; negative: cut off
---@return luron.Layer
---@overload fun(options: { padding: integer|integer[] }): luron.Layer
function nn.CircularPad3d(padding) end

--- takes off both ends
---@param cropping integer|integer[] from all sides, or left, right
---@return luron.Layer
---@overload fun(options: { cropping: integer|integer[] }): luron.Layer
function nn.Cropping1d(cropping) end

--- takes off the sides of images
---@param cropping integer|integer[] from all sides, or top, bottom, left, right
---@return luron.Layer
---@overload fun(options: { cropping: integer|integer[] }): luron.Layer
function nn.Cropping2d(cropping) end

--- takes off the sides of volumes
---@param cropping integer|integer[] from all sides, or front, back, top, bottom, left, right
---@return luron.Layer
---@overload fun(options: { cropping: integer|integer[] }): luron.Layer
function nn.Cropping3d(cropping) end

--- the middle of images
---@param height integer of what is left
---@param width integer of what is left
---@return luron.Layer
---@overload fun(options: { height: integer, width: integer }): luron.Layer
function nn.CenterCrop(height, width) end

--- the middle of images
---@param input luron.Tensor
---@param options? { height: integer, width: integer }
---@return luron.Tensor
function nn.center_crop(input, options) end

--- the middle of images
---@param input luron.Tensor
---@param options? { height: integer, width: integer }
---@return luron.Tensor
function luron.center_crop(input, options) end

--- the middle of images
---@param options? { height: integer, width: integer }
---@return luron.Tensor
function Tensor:center_crop(options) end

--- another size, by what lies near
---@param size? integer|integer[] of the output, one number for all dims or one a dim
---@param scale_factor? number|number[] in place of size: output places an input place, one number for all dims or one a dim
---@param mode? string how places between are made
---@param align_corners? boolean the middles of the corners stay where they are, not their outer sides
---@param recompute_scale_factor? boolean the scale is what the sizes make of scale_factor
---@return luron.Layer
---@overload fun(options: { size: integer|integer[]|nil, scale_factor: number|number[]|nil, mode: string?, align_corners: boolean?, recompute_scale_factor: boolean? }): luron.Layer
function nn.Upsample(size, scale_factor, mode, align_corners, recompute_scale_factor) end

--- another size, by what lies near
---@param input luron.Tensor
---@param options? { size: integer|integer[]|nil, scale_factor: number|number[]|nil, mode: string?, align_corners: boolean?, recompute_scale_factor: boolean? }
---@return luron.Tensor
function nn.interpolate(input, options) end

--- another size, by what lies near
---@param input luron.Tensor
---@param options? { size: integer|integer[]|nil, scale_factor: number|number[]|nil, mode: string?, align_corners: boolean?, recompute_scale_factor: boolean? }
---@return luron.Tensor
function luron.interpolate(input, options) end

--- another size, by what lies near
---@param options? { size: integer|integer[]|nil, scale_factor: number|number[]|nil, mode: string?, align_corners: boolean?, recompute_scale_factor: boolean? }
---@return luron.Tensor
function Tensor:interpolate(options) end

--- another size of images, each number the nearest one
---@param size? integer|integer[] of the output, one number for all dims or one a dim
---@param scale_factor? number|number[] in place of size: output places an input place, one number for all dims or one a dim
---@return luron.Layer
---@overload fun(options: { size: integer|integer[]|nil, scale_factor: number|number[]|nil }): luron.Layer
function nn.UpsamplingNearest2d(size, scale_factor) end

--- another size of images, between four numbers; align_corners is true
---@param size? integer|integer[] of the output, one number for all dims or one a dim
---@param scale_factor? number|number[] in place of size: output places an input place, one number for all dims or one a dim
---@return luron.Layer
---@overload fun(options: { size: integer|integer[]|nil, scale_factor: number|number[]|nil }): luron.Layer
function nn.UpsamplingBilinear2d(size, scale_factor) end

--- channels become places: (..., c r^2, h, w) to (..., c, h r, w r)
---@param upscale_factor integer times as high and wide
---@return luron.Layer
---@overload fun(options: { upscale_factor: integer }): luron.Layer
function nn.PixelShuffle(upscale_factor) end

--- channels become places: (..., c r^2, h, w) to (..., c, h r, w r)
---@param input luron.Tensor
---@param options? { upscale_factor: integer }
---@return luron.Tensor
function nn.pixel_shuffle(input, options) end

--- channels become places: (..., c r^2, h, w) to (..., c, h r, w r)
---@param input luron.Tensor
---@param options? { upscale_factor: integer }
---@return luron.Tensor
function luron.pixel_shuffle(input, options) end

--- channels become places: (..., c r^2, h, w) to (..., c, h r, w r)
---@param options? { upscale_factor: integer }
---@return luron.Tensor
function Tensor:pixel_shuffle(options) end

--- places become channels: (..., c, h r, w r) to (..., c r^2, h, w)
---@param downscale_factor integer part of the height and width
---@return luron.Layer
---@overload fun(options: { downscale_factor: integer }): luron.Layer
function nn.PixelUnshuffle(downscale_factor) end

--- places become channels: (..., c, h r, w r) to (..., c r^2, h, w)
---@param input luron.Tensor
---@param options? { downscale_factor: integer }
---@return luron.Tensor
function nn.pixel_unshuffle(input, options) end

--- places become channels: (..., c, h r, w r) to (..., c r^2, h, w)
---@param input luron.Tensor
---@param options? { downscale_factor: integer }
---@return luron.Tensor
function luron.pixel_unshuffle(input, options) end

--- places become channels: (..., c, h r, w r) to (..., c r^2, h, w)
---@param options? { downscale_factor: integer }
---@return luron.Tensor
function Tensor:pixel_unshuffle(options) end

--- the channels of groups take turns
---@param groups integer sets of channels, of which one each in turn follows
---@return luron.Layer
---@overload fun(options: { groups: integer }): luron.Layer
function nn.ChannelShuffle(groups) end

--- the channels of groups take turns
---@param input luron.Tensor
---@param options? { groups: integer }
---@return luron.Tensor
function nn.channel_shuffle(input, options) end

--- the channels of groups take turns
---@param input luron.Tensor
---@param options? { groups: integer }
---@return luron.Tensor
function luron.channel_shuffle(input, options) end

--- the channels of groups take turns
---@param options? { groups: integer }
---@return luron.Tensor
function Tensor:channel_shuffle(options) end

--- each channel with mean 0 and variance 1 over the batch
---@param num_features integer channels
---@param eps? number added to the variance
---@param momentum? number share of the new batch in running values: 1 minus Keras's
---@param affine? boolean a weight and a bias for each channel
---@param track_running_stats? boolean keep running values, which eval mode takes
---@param cumulative? boolean running values are means over all batches, whatever momentum says
---@param unbiased? boolean running_var from n - 1, as in PyTorch; false: from n, as in Keras
---@param weight_init? string first weights; nil: ones
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { num_features: integer, eps: number?, momentum: number?, affine: boolean?, track_running_stats: boolean?, cumulative: boolean?, unbiased: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.BatchNorm1d(num_features, eps, momentum, affine, track_running_stats, cumulative, unbiased, weight_init, bias_init) end

--- nn.LazyBatchNorm1d takes num_features from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyBatchNorm1d(...) end

--- each channel with mean 0 and variance 1 over the batch
---@param num_features integer channels
---@param eps? number added to the variance
---@param momentum? number share of the new batch in running values: 1 minus Keras's
---@param affine? boolean a weight and a bias for each channel
---@param track_running_stats? boolean keep running values, which eval mode takes
---@param cumulative? boolean running values are means over all batches, whatever momentum says
---@param unbiased? boolean running_var from n - 1, as in PyTorch; false: from n, as in Keras
---@param weight_init? string first weights; nil: ones
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { num_features: integer, eps: number?, momentum: number?, affine: boolean?, track_running_stats: boolean?, cumulative: boolean?, unbiased: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.BatchNorm2d(num_features, eps, momentum, affine, track_running_stats, cumulative, unbiased, weight_init, bias_init) end

--- nn.LazyBatchNorm2d takes num_features from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyBatchNorm2d(...) end

--- each channel with mean 0 and variance 1 over the batch
---@param num_features integer channels
---@param eps? number added to the variance
---@param momentum? number share of the new batch in running values: 1 minus Keras's
---@param affine? boolean a weight and a bias for each channel
---@param track_running_stats? boolean keep running values, which eval mode takes
---@param cumulative? boolean running values are means over all batches, whatever momentum says
---@param unbiased? boolean running_var from n - 1, as in PyTorch; false: from n, as in Keras
---@param weight_init? string first weights; nil: ones
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { num_features: integer, eps: number?, momentum: number?, affine: boolean?, track_running_stats: boolean?, cumulative: boolean?, unbiased: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.BatchNorm3d(num_features, eps, momentum, affine, track_running_stats, cumulative, unbiased, weight_init, bias_init) end

--- nn.LazyBatchNorm3d takes num_features from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyBatchNorm3d(...) end

--- each channel of each image with mean 0 and variance 1
---@param num_features integer channels
---@param eps? number added to the variance
---@param momentum? number share of the new batch in running values: 1 minus Keras's
---@param affine? boolean a weight and a bias for each channel
---@param track_running_stats? boolean keep running values, which eval mode takes
---@param cumulative? boolean running values are means over all batches, whatever momentum says
---@param unbiased? boolean running_var from n - 1, as in PyTorch; false: from n, as in Keras
---@param weight_init? string first weights; nil: ones
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { num_features: integer, eps: number?, momentum: number?, affine: boolean?, track_running_stats: boolean?, cumulative: boolean?, unbiased: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.InstanceNorm1d(num_features, eps, momentum, affine, track_running_stats, cumulative, unbiased, weight_init, bias_init) end

--- nn.LazyInstanceNorm1d takes num_features from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyInstanceNorm1d(...) end

--- each channel of each image with mean 0 and variance 1
---@param num_features integer channels
---@param eps? number added to the variance
---@param momentum? number share of the new batch in running values: 1 minus Keras's
---@param affine? boolean a weight and a bias for each channel
---@param track_running_stats? boolean keep running values, which eval mode takes
---@param cumulative? boolean running values are means over all batches, whatever momentum says
---@param unbiased? boolean running_var from n - 1, as in PyTorch; false: from n, as in Keras
---@param weight_init? string first weights; nil: ones
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { num_features: integer, eps: number?, momentum: number?, affine: boolean?, track_running_stats: boolean?, cumulative: boolean?, unbiased: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.InstanceNorm2d(num_features, eps, momentum, affine, track_running_stats, cumulative, unbiased, weight_init, bias_init) end

--- nn.LazyInstanceNorm2d takes num_features from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyInstanceNorm2d(...) end

--- each channel of each image with mean 0 and variance 1
---@param num_features integer channels
---@param eps? number added to the variance
---@param momentum? number share of the new batch in running values: 1 minus Keras's
---@param affine? boolean a weight and a bias for each channel
---@param track_running_stats? boolean keep running values, which eval mode takes
---@param cumulative? boolean running values are means over all batches, whatever momentum says
---@param unbiased? boolean running_var from n - 1, as in PyTorch; false: from n, as in Keras
---@param weight_init? string first weights; nil: ones
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { num_features: integer, eps: number?, momentum: number?, affine: boolean?, track_running_stats: boolean?, cumulative: boolean?, unbiased: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.InstanceNorm3d(num_features, eps, momentum, affine, track_running_stats, cumulative, unbiased, weight_init, bias_init) end

--- nn.LazyInstanceNorm3d takes num_features from its first input.
---@param ... any
---@return luron.Layer
function nn.LazyInstanceNorm3d(...) end

--- each group of channels of each image with mean 0 and variance 1
---@param num_groups integer groups, into which the channels are divided
---@param num_channels integer channels
---@param eps? number added to the variance
---@param affine? boolean a weight and a bias for each channel
---@param weight_init? string first weights; nil: ones
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { num_groups: integer, num_channels: integer, eps: number?, affine: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.GroupNorm(num_groups, num_channels, eps, affine, weight_init, bias_init) end

--- each row with mean 0 and variance 1
---@param normalized_shape integer|integer[] sizes of the last dims, over which it goes
---@param eps? number added to the variance
---@param elementwise_affine? boolean a weight and a bias for each number of a row
---@param bias? boolean the bias too
---@param weight_init? string first weights; nil: ones
---@param bias_init? string first biases; nil: zeros
---@return luron.Layer
---@overload fun(options: { normalized_shape: integer|integer[], eps: number?, elementwise_affine: boolean?, bias: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.LayerNorm(normalized_shape, eps, elementwise_affine, bias, weight_init, bias_init) end

--- each row with a mean square of 1
---@param normalized_shape integer|integer[] sizes of the last dims, over which it goes
---@param eps? number added to the mean of the squares; negative: the machine epsilon of the dtype
---@param elementwise_affine? boolean a weight for each number of a row
---@param weight_init? string first weights; nil: ones
---@return luron.Layer
---@overload fun(options: { normalized_shape: integer|integer[], eps: number?, elementwise_affine: boolean?, weight_init: string? }): luron.Layer
function nn.RMSNorm(normalized_shape, eps, elementwise_affine, weight_init) end

--- graph convolution: the mean of neighbours by degree
---@param in_channels integer features in
---@param out_channels integer features out
---@param improved? boolean A + 2 I in place of A + I
---@param add_self_loops? boolean add I: a loop for each node that has none
---@param normalize? boolean false: the edges as they are, normalised beforehand or not at all
---@param bias? boolean add a bias
---@param weight_init? string first weights; nil: xavier_uniform
---@param bias_init? string first bias; nil: zeros
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, improved: boolean?, add_self_loops: boolean?, normalize: boolean?, bias: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.GCNConv(in_channels, out_channels, improved, add_self_loops, normalize, bias, weight_init, bias_init) end

--- GraphSAGE: a node and what is taken of its neighbours
---@param in_channels integer features in
---@param out_channels integer features out
---@param aggr? string what is taken of the neighbours
---@param normalize? boolean rows of length 1
---@param root_weight? boolean add x W_r^T, what the node itself says
---@param bias? boolean add a bias
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(in_channels)
---@param bias_init? string first bias; nil: the same
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, aggr: string?, normalize: boolean?, root_weight: boolean?, bias: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.SAGEConv(in_channels, out_channels, aggr, normalize, root_weight, bias, weight_init, bias_init) end

--- a node and the sum of its neighbours, for the network that follows it
---@param eps? number how much more than a neighbour the node itself counts
---@param train_eps? boolean eps is a parameter
---@return luron.Layer
---@overload fun(options: { eps: number?, train_eps: boolean? }): luron.Layer
function nn.GINConv(eps, train_eps) end

--- graph attention: neighbours by what they and the node score
---@param in_channels integer features in
---@param out_channels integer features out of a head
---@param heads? integer attentions beside each other
---@param concat? boolean the heads side by side; false: their mean
---@param negative_slope? number of leaky, below 0
---@param dropout? number probability that an edge has no share, when training
---@param add_self_loops? boolean a loop for each node, in place of those of the edges
---@param bias? boolean add a bias
---@param weight_init? string first weights; nil: xavier_uniform
---@param bias_init? string first bias; nil: zeros
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, heads: integer?, concat: boolean?, negative_slope: number?, dropout: number?, add_self_loops: boolean?, bias: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.GATConv(in_channels, out_channels, heads, concat, negative_slope, dropout, add_self_loops, bias, weight_init, bias_init) end

--- graph attention that ranks neighbours anew for each node
---@param in_channels integer features in
---@param out_channels integer features out of a head
---@param heads? integer attentions beside each other
---@param concat? boolean the heads side by side; false: their mean
---@param negative_slope? number of leaky, below 0
---@param dropout? number probability that an edge has no share, when training
---@param add_self_loops? boolean a loop for each node, in place of those of the edges
---@param bias? boolean add a bias
---@param share_weights? boolean the same weights for sources and targets
---@param weight_init? string first weights; nil: xavier_uniform
---@param bias_init? string first bias; nil: zeros
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, heads: integer?, concat: boolean?, negative_slope: number?, dropout: number?, add_self_loops: boolean?, bias: boolean?, share_weights: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.GATv2Conv(in_channels, out_channels, heads, concat, negative_slope, dropout, add_self_loops, bias, share_weights, weight_init, bias_init) end

--- the mean of each graph's nodes
---@param size? integer graphs there are; 0: as ptr has it, or one
---@return luron.Layer
---@overload fun(options: { size: integer? }): luron.Layer
function nn.GlobalMeanPool(size) end

--- the sum of each graph's nodes
---@param size? integer graphs there are; 0: as ptr has it, or one
---@return luron.Layer
---@overload fun(options: { size: integer? }): luron.Layer
function nn.GlobalAddPool(size) end

--- the largest of each graph's nodes, number by number
---@param size? integer graphs there are; 0: as ptr has it, or one
---@return luron.Layer
---@overload fun(options: { size: integer? }): luron.Layer
function nn.GlobalMaxPool(size) end

--- of boxes that overlap those with the best scores
---@param iou_threshold? number a box that overlaps a better one by more is left out
---@return luron.Layer
---@overload fun(options: { iou_threshold: number? }): luron.Layer
function nn.NonMaxSuppression(iou_threshold) end

--- 1 - IoU of boxes, and how empty the smallest box around both is
---@param eps? number added below the lines
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { eps: number?, reduction: string? }): luron.Layer
function nn.GIoULoss(eps, reduction) end

--- 1 - IoU of boxes, and how empty the smallest box around both is
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@param options? { eps: number?, reduction: string? }
---@return luron.Tensor
function nn.generalized_box_iou_loss(boxes1, boxes2, options) end

--- 1 - IoU of boxes, and how empty the smallest box around both is
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@param options? { eps: number?, reduction: string? }
---@return luron.Tensor
function luron.generalized_box_iou_loss(boxes1, boxes2, options) end

--- 1 - IoU of boxes, and how far apart their centres are
---@param eps? number added below the lines
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { eps: number?, reduction: string? }): luron.Layer
function nn.DIoULoss(eps, reduction) end

--- 1 - IoU of boxes, and how far apart their centres are
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@param options? { eps: number?, reduction: string? }
---@return luron.Tensor
function nn.distance_box_iou_loss(boxes1, boxes2, options) end

--- 1 - IoU of boxes, and how far apart their centres are
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@param options? { eps: number?, reduction: string? }
---@return luron.Tensor
function luron.distance_box_iou_loss(boxes1, boxes2, options) end

--- 1 - IoU of boxes, the distance of their centres and the ratio of their sides
---@param eps? number added below the lines
---@param constant_alpha? boolean the weight of the ratio of sides has no gradient, as in the paper
---@param reduction? string of the losses; "none" keeps each
---@return luron.Layer
---@overload fun(options: { eps: number?, constant_alpha: boolean?, reduction: string? }): luron.Layer
function nn.CIoULoss(eps, constant_alpha, reduction) end

--- 1 - IoU of boxes, the distance of their centres and the ratio of their sides
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@param options? { eps: number?, constant_alpha: boolean?, reduction: string? }
---@return luron.Tensor
function nn.complete_box_iou_loss(boxes1, boxes2, options) end

--- 1 - IoU of boxes, the distance of their centres and the ratio of their sides
---@param boxes1 luron.Tensor
---@param boxes2 luron.Tensor
---@param options? { eps: number?, constant_alpha: boolean?, reduction: string? }
---@return luron.Tensor
function luron.complete_box_iou_loss(boxes1, boxes2, options) end

--- regions of images as pictures of one size, read between numbers
---@param output_size integer|integer[] height and width of what is made of a region
---@param spatial_scale? number what the boxes are multiplied by: 1 / stride of input
---@param sampling_ratio? integer places along each side of a bin; 0 or -1: as many as the bin is numbers high or wide, rounded up
---@param aligned? boolean numbers of input lie at the middles of pixels; false: at their corners
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[], spatial_scale: number?, sampling_ratio: integer?, aligned: boolean? }): luron.Layer
function nn.RoIAlign(output_size, spatial_scale, sampling_ratio, aligned) end

--- regions of images as pictures of one size, read between numbers
---@param input luron.Tensor
---@param rois luron.Tensor
---@param options? { output_size: integer|integer[], spatial_scale: number?, sampling_ratio: integer?, aligned: boolean? }
---@return luron.Tensor
function nn.roi_align(input, rois, options) end

--- regions of images as pictures of one size, read between numbers
---@param input luron.Tensor
---@param rois luron.Tensor
---@param options? { output_size: integer|integer[], spatial_scale: number?, sampling_ratio: integer?, aligned: boolean? }
---@return luron.Tensor
function luron.roi_align(input, rois, options) end

--- regions of images as pictures of one size, the largest of each bin
---@param output_size integer|integer[] height and width of what is made of a region
---@param spatial_scale? number what the boxes are multiplied by: 1 / stride of input
---@return luron.Layer
---@overload fun(options: { output_size: integer|integer[], spatial_scale: number? }): luron.Layer
function nn.RoIPool(output_size, spatial_scale) end

--- regions of images as pictures of one size, the largest of each bin
---@param input luron.Tensor
---@param rois luron.Tensor
---@param options? { output_size: integer|integer[], spatial_scale: number? }
---@return luron.Tensor
function nn.roi_pool(input, rois, options) end

--- regions of images as pictures of one size, the largest of each bin
---@param input luron.Tensor
---@param rois luron.Tensor
---@param options? { output_size: integer|integer[], spatial_scale: number? }
---@return luron.Tensor
function luron.roi_pool(input, rois, options) end

--- a head of YOLO as boxes, objectness and probabilities
---@param anchors? string width,height of each anchor in pixels; those of YOLOv3's coarsest head unless given
---@param classes integer classes there are
---@param stride? integer|integer[] pixels of the picture that a cell is high and wide
---@param scale_xy? number how far centres reach beyond their cells, YOLOv4's scale_x_y
---@param softmax? boolean one class a box, by softmax, as YOLOv2; false: each by itself
---@return luron.Layer
---@overload fun(options: { anchors: string?, classes: integer, stride: integer|integer[]|nil, scale_xy: number?, softmax: boolean? }): luron.Layer
function nn.Yolo(anchors, classes, stride, scale_xy, softmax) end

--- a head of YOLO as boxes, objectness and probabilities
---@param input luron.Tensor
---@param options? { anchors: string?, classes: integer, stride: integer|integer[]|nil, scale_xy: number?, softmax: boolean? }
---@return luron.Tensor
function nn.yolo(input, options) end

--- a head of YOLO as boxes, objectness and probabilities
---@param input luron.Tensor
---@param options? { anchors: string?, classes: integer, stride: integer|integer[]|nil, scale_xy: number?, softmax: boolean? }
---@return luron.Tensor
function luron.yolo(input, options) end

--- a head of YOLO as boxes, objectness and probabilities
---@param options? { anchors: string?, classes: integer, stride: integer|integer[]|nil, scale_xy: number?, softmax: boolean? }
---@return luron.Tensor
function Tensor:yolo(options) end

--- of a head of YOLOv3, from true boxes
---@param anchors? string width,height of each anchor in pixels; those of YOLOv3's coarsest head unless given
---@param classes integer classes there are
---@param stride? integer|integer[] pixels of the picture that a cell is high and wide
---@param scale_xy? number how far centres reach beyond their cells, YOLOv4's scale_x_y
---@param softmax? boolean one class a box, by softmax, as YOLOv2; false: each by itself
---@param other_anchors? string those of other heads, to which a box may belong
---@param ignore_thresh? number a box with a higher IoU with a true one need not be no object
---@param reduction? string of the losses of the pictures; "none" keeps each
---@return luron.Layer
---@overload fun(options: { anchors: string?, classes: integer, stride: integer|integer[]|nil, scale_xy: number?, softmax: boolean?, other_anchors: string?, ignore_thresh: number?, reduction: string? }): luron.Layer
function nn.YoloLoss(anchors, classes, stride, scale_xy, softmax, other_anchors, ignore_thresh, reduction) end

--- of a head of YOLOv3, from true boxes
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { anchors: string?, classes: integer, stride: integer|integer[]|nil, scale_xy: number?, softmax: boolean?, other_anchors: string?, ignore_thresh: number?, reduction: string? }
---@return luron.Tensor
function nn.yolo_loss(input, target, options) end

--- of a head of YOLOv3, from true boxes
---@param input luron.Tensor
---@param target luron.Tensor
---@param options? { anchors: string?, classes: integer, stride: integer|integer[]|nil, scale_xy: number?, softmax: boolean?, other_anchors: string?, ignore_thresh: number?, reduction: string? }
---@return luron.Tensor
function luron.yolo_loss(input, target, options) end

--- each feature with mean 0 and variance 1 over the data of luron.adapt
---@param num_features integer features along the axis; 0: one mean and variance for all numbers
---@param axis? integer the dim of features
---@param invert? boolean undo it: input * deviation + mean
---@return luron.Layer
---@overload fun(options: { num_features: integer, axis: integer?, invert: boolean? }): luron.Layer
function nn.Normalization(num_features, axis, invert) end

--- scale * x + offset
---@param scale number factor: 1 / 255 for bytes
---@param offset? number added after it
---@return luron.Layer
---@overload fun(options: { scale: number, offset: number? }): luron.Layer
function nn.Rescaling(scale, offset) end

--- ids as rows of zeros and ones, or of counts
---@param num_tokens integer ids there are
---@param output_mode? string a row for each id, or for the ids along the last dim: which there are, or how often
---@return luron.Layer
---@overload fun(options: { num_tokens: integer, output_mode: string? }): luron.Layer
function nn.CategoryEncoding(num_tokens, output_mode) end

--- numbers as ids of bins, as for CategoryEncoding or Embedding
---@param num_bins integer bins there are
---@return luron.Layer
---@overload fun(options: { num_bins: integer }): luron.Layer
function nn.Discretization(num_bins) end

--- integers as ids of bins, by a hash
---@param num_bins integer bins there are
---@param mask_value? integer|integer[] number that has the first bin, alone; nil: none
---@return luron.Layer
---@overload fun(options: { num_bins: integer, mask_value: integer|integer[]|nil }): luron.Layer
function nn.Hashing(num_bins, mask_value) end

--- images the other way round, at random when training
---@param mode? string which ways, each with probability 0.5
---@return luron.Layer
---@overload fun(options: { mode: string? }): luron.Layer
function nn.RandomFlip(mode) end

--- a part of each image, at random when training, else its middle
---@param height integer rows of a result
---@param width integer columns of a result
---@param padding? integer zeros around an image beforehand
---@return luron.Layer
---@overload fun(options: { height: integer, width: integer, padding: integer? }): luron.Layer
function nn.RandomCrop(height, width, padding) end

--- images turned around their middle, at random when training
---@param factor number|number[] parts of a full turn, -1 to 1: two bounds, or f for { -f, f }
---@param fill_mode? string what there is beside the image
---@param interpolation? string between four numbers, or the nearest
---@param fill_value? number of fill_mode "constant"
---@return luron.Layer
---@overload fun(options: { factor: number|number[], fill_mode: string?, interpolation: string?, fill_value: number? }): luron.Layer
function nn.RandomRotation(factor, fill_mode, interpolation, fill_value) end

--- images nearer or farther, at random when training
---@param height_factor number|number[] part by which more is seen: negative is nearer; two bounds, or f for { -f, f }
---@param width_factor? number|number[] the same along rows; nil: as drawn for the height
---@param fill_mode? string what there is beside the image
---@param interpolation? string between four numbers, or the nearest
---@param fill_value? number of fill_mode "constant"
---@return luron.Layer
---@overload fun(options: { height_factor: number|number[], width_factor: number|number[]|nil, fill_mode: string?, interpolation: string?, fill_value: number? }): luron.Layer
function nn.RandomZoom(height_factor, width_factor, fill_mode, interpolation, fill_value) end

--- images moved, at random when training
---@param height_factor number|number[] parts of the height, positive is down; two bounds, or f for { -f, f }
---@param width_factor number|number[] parts of the width, positive is right
---@param fill_mode? string what there is beside the image
---@param interpolation? string between four numbers, or the nearest
---@param fill_value? number of fill_mode "constant"
---@return luron.Layer
---@overload fun(options: { height_factor: number|number[], width_factor: number|number[], fill_mode: string?, interpolation: string?, fill_value: number? }): luron.Layer
function nn.RandomTranslation(height_factor, width_factor, fill_mode, interpolation, fill_value) end

--- images slanted, at random when training
---@param x_factor? number|number[] columns a row, to either side; two bounds, or f for all up to it
---@param y_factor? number|number[] rows a column
---@param fill_mode? string what there is beside the image
---@param interpolation? string between four numbers, or the nearest
---@param fill_value? number of fill_mode "constant"
---@return luron.Layer
---@overload fun(options: { x_factor: number|number[]|nil, y_factor: number|number[]|nil, fill_mode: string?, interpolation: string?, fill_value: number? }): luron.Layer
function nn.RandomShear(x_factor, y_factor, fill_mode, interpolation, fill_value) end

--- images brighter or darker, at random when training
---@param factor number|number[] parts of the range of values that are added: two bounds, or f for { -f, f }
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[], value_range: number|number[]|nil }): luron.Layer
function nn.RandomBrightness(factor, value_range) end

--- images of more or less contrast, at random when training
---@param factor number|number[] how much less and more than 1 the distance from the mean is multiplied by
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[], value_range: number|number[]|nil }): luron.Layer
function nn.RandomContrast(factor, value_range) end

--- images of stronger or paler colours, at random when training
---@param factor number|number[] 0: grey, 0.5: as it is, 1: full colours; two bounds, or f for { 0, f }
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[], value_range: number|number[]|nil }): luron.Layer
function nn.RandomSaturation(factor, value_range) end

--- images of other colours, at random when training
---@param factor number|number[] half turns of the colours to either side: two bounds, or f for { 0, f }
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[], value_range: number|number[]|nil }): luron.Layer
function nn.RandomHue(factor, value_range) end

--- images without colours, at random when training
---@param factor? number part of the images that changes
---@return luron.Layer
---@overload fun(options: { factor: number? }): luron.Layer
function nn.RandomGrayscale(factor) end

--- images as negatives, at random when training
---@param factor? number|number[] part of the images that changes: two bounds, or f for { 0, f }
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[]|nil, value_range: number|number[]|nil }): luron.Layer
function nn.RandomInvert(factor, value_range) end

--- a rectangle of each image filled, at random when training
---@param factor? number|number[] part of the images: two bounds, or f for { 0, f }
---@param scale? number|number[] part of the image: two bounds, or f for { 0, f }; nil: { 0.02, 0.33 }
---@param fill_value? number|number[] one number, or one a channel; nil: noise
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[]|nil, scale: number|number[]|nil, fill_value: number|number[]|nil, value_range: number|number[]|nil }): luron.Layer
function nn.RandomErasing(factor, scale, fill_value, value_range) end

--- images out of focus, at random when training
---@param factor? number|number[] part of the images: two bounds, or f for { 0, f }
---@param kernel_size? integer|integer[] rows and columns of which a mean is taken, odd
---@param sigma? number|number[] deviation along rows and columns: two bounds, or f for { 0, f }
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[]|nil, kernel_size: integer|integer[]|nil, sigma: number|number[]|nil, value_range: number|number[]|nil }): luron.Layer
function nn.RandomGaussianBlur(factor, kernel_size, sigma, value_range) end

--- bright numbers as negatives, at random when training
---@param addition_factor? number|number[] part of the range of values that is added: two bounds, or f for { 0, f }
---@param threshold_factor? number|number[] part of the range of values from which on they are inverted, likewise
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { addition_factor: number|number[]|nil, threshold_factor: number|number[]|nil, value_range: number|number[]|nil }): luron.Layer
function nn.Solarization(addition_factor, threshold_factor, value_range) end

--- each channel from the least to the largest value, in eval mode too
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { value_range: number|number[]|nil }): luron.Layer
function nn.AutoContrast(value_range) end

--- each channel with all values equally often, when training
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@param bins? integer kinds of numbers that are told apart
---@return luron.Layer
---@overload fun(options: { value_range: number|number[]|nil, bins: integer? }): luron.Layer
function nn.Equalization(value_range, bins) end

--- images of paler colours, at random when training
---@param factor number|number[] 0: as it is, 1: grey; two bounds, or f for { 0, f }
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[], value_range: number|number[]|nil }): luron.Layer
function nn.RandomColorDegeneration(factor, value_range) end

--- images blurred or sharper, at random when training
---@param factor number|number[] 0: a mean of the numbers around, 0.5: as it is, 1: as much farther from it; two bounds, or f for { 0, f }
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[], value_range: number|number[]|nil }): luron.Layer
function nn.RandomSharpness(factor, value_range) end

--- images of fewer bits, at random when training
---@param factor integer|integer[] how many of 8 bits stay: two bounds, fewer than the larger unless both are one; f is { 1, f }
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: integer|integer[], value_range: number|number[]|nil }): luron.Layer
function nn.RandomPosterization(factor, value_range) end

--- brightness, contrast, saturation and hue, at random when training
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@param brightness_factor? number|number[] factor of nn.RandomBrightness; nil: without it
---@param contrast_factor? number|number[] factor of nn.RandomContrast; nil: without it
---@param saturation_factor? number|number[] factor of nn.RandomSaturation; nil: without it
---@param hue_factor? number|number[] factor of nn.RandomHue; nil: without it
---@return luron.Layer
---@overload fun(options: { value_range: number|number[]|nil, brightness_factor: number|number[]|nil, contrast_factor: number|number[]|nil, saturation_factor: number|number[]|nil, hue_factor: number|number[]|nil }): luron.Layer
function nn.RandomColorJitter(value_range, brightness_factor, contrast_factor, saturation_factor, hue_factor) end

--- images changed by layers chosen at random, when training
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@param num_ops? integer layers one after the other
---@param factor? number|number[] factor of each layer: two bounds, or f for { 0, f }
---@param interpolation? string between four numbers, or the nearest
---@return luron.Layer
---@overload fun(options: { value_range: number|number[]|nil, num_ops: integer?, factor: number|number[]|nil, interpolation: string? }): luron.Layer
function nn.RandAugment(value_range, num_ops, factor, interpolation) end

--- images mixed with what chains of layers chosen at random make of them, when training
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@param num_chains? integer chains of layers, of whose results a mean is taken
---@param chain_depth? integer layers of a chain, some of which do nothing
---@param factor? number|number[] factor of each layer: two bounds, or f for { 0, f }
---@param alpha? number of the weights' distributions: a large one makes them equal
---@param all_ops? boolean choose among brightness, colour, contrast and sharpness too
---@param interpolation? string between four numbers, or the nearest
---@return luron.Layer
---@overload fun(options: { value_range: number|number[]|nil, num_chains: integer?, chain_depth: integer?, factor: number|number[]|nil, alpha: number?, all_ops: boolean?, interpolation: string? }): luron.Layer
function nn.AugMix(value_range, num_chains, chain_depth, factor, alpha, all_ops, interpolation) end

--- several integers together as ids of bins, by a hash
---@param num_bins integer bins there are
---@return luron.Layer
---@overload fun(options: { num_bins: integer }): luron.Layer
function nn.HashedCrossing(num_bins) end

--- images seen from aside, at random when training
---@param factor? number|number[] part of the images that changes: two bounds, or f for { 0, f }
---@param scale? number sides grow or shrink by at most half of it
---@param interpolation? string between four numbers, or the nearest
---@param fill_value? number what there is beside the image
---@return luron.Layer
---@overload fun(options: { factor: number|number[]|nil, scale: number?, interpolation: string?, fill_value: number? }): luron.Layer
function nn.RandomPerspective(factor, scale, interpolation, fill_value) end

--- images stretched here and there, at random when training
---@param factor? number|number[] part of the images that changes: two bounds, or f for { 0, f }
---@param scale? number|number[] how far places move: two bounds, or s for { 0, s }
---@param interpolation? string between four numbers, or the nearest
---@param fill_mode? string what there is beside the image
---@param fill_value? number of fill_mode "constant"
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@return luron.Layer
---@overload fun(options: { factor: number|number[]|nil, scale: number|number[]|nil, interpolation: string?, fill_mode: string?, fill_value: number?, value_range: number|number[]|nil }): luron.Layer
function nn.RandomElasticTransform(factor, scale, interpolation, fill_mode, fill_value, value_range) end

--- each channel with all values equally often around each place, in eval mode too
---@param value_range? number|number[] least and largest of the numbers, or the largest alone above 0; nil: { 0, 255 }
---@param clip_limit? number how many times its even share a number may count at most; 0: no limit
---@param tile_grid_size? integer|integer[] tiles down and along
---@return luron.Layer
---@overload fun(options: { value_range: number|number[]|nil, clip_limit: number?, tile_grid_size: integer|integer[]|nil }): luron.Layer
function nn.ContrastLimitedAdaptiveHistogramEqualization(value_range, clip_limit, tile_grid_size) end

--- images and labels each mixed with others of the batch, when training
---@param alpha? number of the beta distribution of the shares: small: nearly one image alone, 1: all shares alike
---@return luron.Layer
---@overload fun(options: { alpha: number? }): luron.Layer
function nn.MixUp(alpha) end

--- a rectangle of each image from another of the batch, the labels by its part, when training
---@param factor? number|number[] alpha of the beta distribution of the shares, drawn for each batch: two bounds, or f for { 0, f }
---@return luron.Layer
---@overload fun(options: { factor: number|number[]|nil }): luron.Layer
function nn.CutMix(factor) end

--- each number over the size of those in channels around it
---@param size integer channels of a mean
---@param alpha? number times the mean square
---@param beta? number power of the divisor
---@param k? number added to the mean square
---@return luron.Layer
---@overload fun(options: { size: integer, alpha: number?, beta: number?, k: number? }): luron.Layer
function nn.LocalResponseNorm(size, alpha, beta, k) end

--- vectors of length 1
---@param p? number of the p-norm: 2 gives lengths
---@param dim? integer along which the vectors lie
---@param eps? number least length that is divided by
---@return luron.Layer
---@overload fun(options: { p: number?, dim: integer?, eps: number? }): luron.Layer
function nn.Normalize(p, dim, eps) end

--- vectors of length 1
---@param input luron.Tensor
---@param options? { p: number?, dim: integer?, eps: number? }
---@return luron.Tensor
function nn.normalize(input, options) end

--- vectors of length 1
---@param input luron.Tensor
---@param options? { p: number?, dim: integer?, eps: number? }
---@return luron.Tensor
function luron.normalize(input, options) end

--- vectors of length 1
---@param options? { p: number?, dim: integer?, eps: number? }
---@return luron.Tensor
function Tensor:normalize(options) end

--- the vectors of a matrix's largest singular value, step by step
---@param rows integer of the matrix
---@param columns integer of the matrix
---@param n_power_iterations? integer steps an application when training
---@param eps? number least length that is divided by
---@return luron.Layer
---@overload fun(options: { rows: integer, columns: integer, n_power_iterations: integer?, eps: number? }): luron.Layer
function nn.PowerIteration(rows, columns, n_power_iterations, eps) end

--- sound as how strong bands of frequencies are, frame by frame
---@param fft_length? integer samples of a frame; memory grows as their square
---@param sequence_stride? integer samples from frame to frame
---@param sequence_length? integer samples of the window; 0: as fft_length
---@param window? string what a frame is multiplied by
---@param sampling_rate? number samples a second
---@param num_mel_bins? integer bands of the result
---@param min_freq? number where the first band begins, in hertz
---@param max_freq? number where the last band ends; 0: half of sampling_rate
---@param power_to_db? boolean decibels in place of powers
---@param top_db? number decibels below the largest, less is cut off
---@param mag_exp? number exponent of the magnitudes: 1 energy, 2 power
---@param min_power? number powers that are not distinguished from less
---@param ref_power? number power of 0 decibels
---@return luron.Layer
---@overload fun(options: { fft_length: integer?, sequence_stride: integer?, sequence_length: integer?, window: string?, sampling_rate: number?, num_mel_bins: integer?, min_freq: number?, max_freq: number?, power_to_db: boolean?, top_db: number?, mag_exp: number?, min_power: number?, ref_power: number? }): luron.Layer
function nn.MelSpectrogram(fft_length, sequence_stride, sequence_length, window, sampling_rate, num_mel_bins, min_freq, max_freq, power_to_db, top_db, mag_exp, min_power, ref_power) end

--- sound by short-time Fourier transform: its frequencies, frame by frame
---@param mode? string what is given of each frequency; stft: real, then imag
---@param frame_length? integer samples of a frame
---@param frame_step? integer samples from frame to frame; 0: half of frame_length
---@param fft_length? integer bins are half of it and 1; 0: the power of two from frame_length; memory grows with frame_length times it
---@param window? string what a frame is multiplied by; none: not scaled either
---@param periodic? boolean the window is one of a row without end
---@param scaling? string the window is divided by its length, or by its sum
---@param padding? string same: zeros at both ends, for a frame each frame_step samples
---@return luron.Layer
---@overload fun(options: { mode: string?, frame_length: integer?, frame_step: integer?, fft_length: integer?, window: string?, periodic: boolean?, scaling: string?, padding: string? }): luron.Layer
function nn.STFTSpectrogram(mode, frame_length, frame_step, fft_length, window, periodic, scaling, padding) end

--- convolution whose kernel reads where offsets say
---@param in_channels integer channels in
---@param out_channels integer channels out
---@param kernel_size integer|integer[] size of the kernel
---@param stride? integer|integer[] step of the kernel
---@param padding? integer|integer[] zeros on both sides
---@param dilation? integer|integer[] distance of the numbers that the kernel takes
---@param groups? integer sets of channels, each with a kernel of its own
---@param bias? boolean add a bias
---@param weight_init? string first weights; nil: uniform within 1 / sqrt(numbers that go into an output)
---@param bias_init? string first biases; nil: as the weights
---@return luron.Layer
---@overload fun(options: { in_channels: integer, out_channels: integer, kernel_size: integer|integer[], stride: integer|integer[]|nil, padding: integer|integer[]|nil, dilation: integer|integer[]|nil, groups: integer?, bias: boolean?, weight_init: string?, bias_init: string? }): luron.Layer
function nn.DeformConv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, weight_init, bias_init) end

--- gradient descent, with momentum if wanted
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, momentum: number?, dampening: number?, weight_decay: number?, nesterov: boolean?, maximize: boolean? }
---@return luron.Optimizer
function optim.SGD(parameters, options) end

--- steps scaled by running means of gradient and square
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, beta1: number?, beta2: number?, eps: number?, weight_decay: number?, maximize: boolean?, amsgrad: boolean? }
---@return luron.Optimizer
function optim.Adam(parameters, options) end

--- Adam with weight decay apart from the gradient
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, beta1: number?, beta2: number?, eps: number?, weight_decay: number?, maximize: boolean?, amsgrad: boolean? }
---@return luron.Optimizer
function optim.AdamW(parameters, options) end

--- steps scaled by a running mean of squares
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, alpha: number?, eps: number?, weight_decay: number?, momentum: number?, centered: boolean?, maximize: boolean? }
---@return luron.Optimizer
function optim.RMSprop(parameters, options) end

--- steps scaled by the sum of squares so far
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, lr_decay: number?, weight_decay: number?, initial_accumulator_value: number?, eps: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.Adagrad(parameters, options) end

--- Adam with Nesterov's momentum
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, beta1: number?, beta2: number?, eps: number?, weight_decay: number?, momentum_decay: number?, decoupled_weight_decay: boolean?, maximize: boolean? }
---@return luron.Optimizer
function optim.NAdam(parameters, options) end

--- Adam that warms up by itself
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, beta1: number?, beta2: number?, eps: number?, weight_decay: number?, decoupled_weight_decay: boolean?, maximize: boolean? }
---@return luron.Optimizer
function optim.RAdam(parameters, options) end

--- Adam scaled by the largest gradient
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, beta1: number?, beta2: number?, eps: number?, weight_decay: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.Adamax(parameters, options) end

--- steps as large as recent ones were
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, rho: number?, eps: number?, weight_decay: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.Adadelta(parameters, options) end

--- steps by the sign of the gradient, for whole batches
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, etaminus: number?, etaplus: number?, step_size_min: number?, step_size_max: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.Rprop(parameters, options) end

--- steps by the sign of the mean gradient
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, beta1: number?, beta2: number?, weight_decay: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.Lion(parameters, options) end

--- gradient descent with a mean of the parameters
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, lambd: number?, alpha: number?, t0: number?, weight_decay: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.ASGD(parameters, options) end

--- Adam with steps as long as the parameter, for large batches
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, beta1: number?, beta2: number?, eps: number?, weight_decay: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.LAMB(parameters, options) end

--- orthogonal steps for the matrices of hidden layers
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, weight_decay: number?, momentum: number?, nesterov: boolean?, ns_a: number?, ns_b: number?, ns_c: number?, eps: number?, ns_steps: integer?, adjust_lr_fn: string? }
---@return luron.Optimizer
function optim.Muon(parameters, options) end

--- Adam without momentum that keeps a row and a column in place of a matrix
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, beta2_decay: number?, eps1: number?, eps2: number?, d: number?, weight_decay: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.Adafactor(parameters, options) end

--- SGD with steps as long as the parameter, for large batches
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, momentum: number?, weight_decay: number?, trust_coefficient: number?, eps: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.LARS(parameters, options) end

--- follows the regularised leader: sparse weights for wide linear models
---@param parameters luron.Layer|luron.Model|luron.Module|luron.Tensor|table
---@param options? { lr: number?, lr_power: number?, initial_accumulator_value: number?, l1: number?, l2: number?, l2_shrinkage: number?, beta: number?, maximize: boolean? }
---@return luron.Optimizer
function optim.FTRL(parameters, options) end

return luron
