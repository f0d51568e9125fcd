-- Tensors: making them, looking at them, indexing, changing them in place.
return {
  title = "Tensors",
  text = [[
A tensor is a block of numbers of one dtype with a shape of up to 8 dims, row-major. Dtypes: `float32` (the default), `float64`, `float16`
and `bfloat16` (storage: arithmetic on them is done in float32; `matmul`, linear algebra, layers and gradients want `x:float()`), `int64`, `int32`, `uint8`, `bool`. Sizes are given one by one or as one
list; an options table may stand at the end:

```lua
local luron = require "luron"

local x = luron.zeros(3, 4, { dtype = "float64", requires_grad = true })
print(x:shape()[2], x:dtype(), #x)                  -- 4  float64  3
```]],
  {
    title = "Making tensors",
    { "luron.tensor(data: number|boolean|table, options?: TensorOptions): Tensor",
      "From a number, a boolean or nested tables. Integers give int64, any float the default dtype, booleans bool. Ragged tables, and numbers that do not fit the dtype, raise and name the place.",
      is = { "luron.tensor({ { 1, 2 }, { 3, 4 } }):dtype()", '"int64"' },
      raises = { "luron.tensor { { 1, 2 }, { 3 } }", "data: the rows do not have one length: at [2] 2 expected, got 1" } },
    { "luron.zeros(sizes...: integer, options?: TensorOptions): Tensor", "Filled with 0. Without sizes: a tensor of no dims, one number.", is = { "luron.zeros(2)", "{ 0.0, 0.0 }" } },
    { "luron.ones(sizes...: integer, options?: TensorOptions): Tensor", "Filled with 1." },
    { "luron.full(value: number, sizes...: integer, options?: TensorOptions): Tensor", "Filled with one number, in the default dtype unless `dtype` says otherwise.", is = { "luron.full(7, 2)", "{ 7.0, 7.0 }" } },
    { "luron.empty(sizes...: integer, options?: TensorOptions): Tensor", "Not filled: the numbers in it are whatever the memory held." },
    { "luron.arange(start: number, stop?: number, step?: number, options?: TensorOptions): Tensor",
      "From start to stop, both included, as in Lua's `for`; with one argument from 1 to it. int64 if all arguments are integers; what is no number of an integer dtype raises, as in `fill_`.",
      is = { { "luron.arange(4)", "{ 1, 2, 3, 4 }" }, { "luron.arange(0, 1, 0.25)", "{ 0.0, 0.25, 0.5, 0.75, 1.0 }" } },
      raises = { 'luron.arange(0, 1, 0.25, { dtype = "int64" })', "arange: the step is 0.25, but the tensor is int64: a whole number expected" } },
    { "luron.linspace(start: number, stop: number, n: integer, options?: { dtype: string? }): Tensor", "n numbers from start to stop, both included, evenly spaced.", is = { "luron.linspace(0, 1, 3)", "{ 0.0, 0.5, 1.0 }" } },
    { "luron.logspace(start: number, stop: number, n: integer, options?: { base: number?, dtype: string? }): Tensor", "The base (10 unless given) to the power of n numbers from start to stop.", is = { "luron.logspace(0, 2, 3)", "{ 1.0, 10.0, 100.0 }" } },
    { "luron.meshgrid(lists: Tensor[]): Tensor[]", "Tensors of one dim as a grid of as many dims: the i-th runs along dim i. Views.", is = { "luron.meshgrid({ luron.arange(2), luron.arange(3) })[2]", "{ { 1, 2, 3 }, { 1, 2, 3 } }" } },
    { "luron.eye(n: integer, options?: TensorOptions): Tensor", "The n x n identity matrix.", is = { "luron.eye(2)", "{ { 1.0, 0.0 }, { 0.0, 1.0 } }" } },
    { "luron.rand(sizes...: integer, options?: TensorOptions): Tensor", "Uniform random numbers in [0, 1). Real dtypes only." },
    { "luron.randn(sizes...: integer, options?: TensorOptions): Tensor", "Normal random numbers of mean 0 and deviation 1." },
    { "luron.randint(lowest: integer, highest: integer, sizes...: integer, options?: TensorOptions): Tensor", "Random integers, both ends included, int64: `luron.randint(1, 6, 3)` throws three dice." },
    { "luron.randperm(n: integer): Tensor", "The ids 1 to n in random order, int64.", is = { "luron.randperm(5):sum()", "15" } },
    { "luron.zeros_like(x: Tensor, options?: TensorOptions): Tensor", "Shape and dtype of x, filled with 0." },
    { "luron.ones_like(x: Tensor, options?: TensorOptions): Tensor", "Likewise with 1." },
    { "luron.full_like(x: Tensor, value: number, options?: TensorOptions): Tensor", "Likewise with a number." },
    { "luron.rand_like(x: Tensor, options?: TensorOptions): Tensor", "Likewise with uniform random numbers." },
    { "luron.randn_like(x: Tensor, options?: TensorOptions): Tensor", "Likewise with normal random numbers." },
    { "luron.frombytes(bytes: string, dtype: string, sizes...: integer): Tensor", "From the bytes of a string, in the machine's order; without sizes one dim. The number of bytes must fit.",
      is = { [[luron.frombytes("\1\2\3", "uint8")]], "{ 1, 2, 3 }" } },
    { "luron.cat(tensors: Tensor[], dim?: integer): Tensor", "Joins tensors along a dim that they have (1 unless given).", is = { "luron.cat({ luron.zeros(1), luron.ones(2) })", "{ 0.0, 1.0, 1.0 }" } },
    { "luron.hstack(tensors: Tensor[]): Tensor", "Side by side: along dim 2, vectors along dim 1.", is = { "luron.hstack { luron.tensor { 1, 2 }, luron.tensor(3) }", "{ 1, 2, 3 }" } },
    { "luron.vstack(tensors: Tensor[]): Tensor", "One on top of the other: along dim 1, vectors as rows.", is = { "luron.vstack { luron.tensor { 1, 2 }, luron.tensor { 3, 4 } }", "{ { 1, 2 }, { 3, 4 } }" } },
    { "luron.stack(tensors: Tensor[], dim?: integer): Tensor", "Joins tensors of one shape along a new dim.", is = { "luron.stack({ luron.zeros(2), luron.ones(2) }, 2)", "{ { 0.0, 1.0 }, { 0.0, 1.0 } }" } },
    { "luron.default_dtype(dtype?: string): string", "The dtype where none is given, `float32` or `float64`; with an argument sets it. Layers made from then on have it too.", is = { "luron.default_dtype()", '"float32"' } },
    { "luron.is_tensor(value: any): boolean", "Is the value a tensor (that is not closed)?" },
  },
  {
    title = "Looking at tensors",
    text = "`tostring(x)` and `print(x)` show shape, dtype and numbers, of more than 1,000 only the first and last three of each dim.",
    { "x:shape(): integer[]", "The sizes, as a list that prints as `(2, 3)`.", is = { "luron.zeros(2, 3):shape()", "{ 2, 3 }" } },
    { "x:size(dim?: integer): integer|integer[]", "The size of a dim; without an argument as `shape`.", is = { "luron.zeros(2, 3):size(-1)", "3" } },
    { "x:dim(): integer", "Number of dims.", is = { "luron.zeros(2, 3):dim()", "2" } },
    { "x:numel(): integer", "Number of elements.", is = { "luron.zeros(2, 3):numel()", "6" } },
    { "x:dtype(): string", "The name of the dtype." },
    { "x:is_floating(): boolean", "Is the dtype one of the real ones?" },
    { "x:item(): number|boolean", "The one element: an integer, a float or a boolean of Lua.", is = { "luron.tensor(3):item()", "3" },
      raises = { "luron.zeros(2):item()", "item: a tensor of one element expected, got (2,)" } },
    { "x:totable(): any", "The numbers as nested tables." , is = { "luron.eye(2):totable()", "{ { 1.0, 0.0 }, { 0.0, 1.0 } }" } },
    { "x:tobytes(): string", "The elements in row-major order as the bytes of a string.", is = { '#luron.zeros(3, { dtype = "float64" }):tobytes()', "24" } },
    { "x:strides(): integer[]", "Elements to go on for the next position of each dim.", is = { "luron.zeros(2, 3):t():strides()", "{ 1, 3 }" } },
    { "x:is_contiguous(): boolean", "Do the elements lie in row-major order without gaps?", is = { "luron.zeros(2, 3):t():is_contiguous()", "false" } },
    { "x:is_shared(other: Tensor): boolean", "Do the two share memory?", is = { "(function() local x = luron.zeros(2, 3) return x:is_shared(x[1]) end)()", "true" } },
    { "x:is_same(other: Tensor): boolean", "Are the two handles of one tensor? Every `layer.weight` is a new handle, so `==` would say no." },
    { "x:id(): lightuserdata", "A key for tables, the same for all handles of a tensor." },
    { "x:close()", "Lets go of the memory now instead of when the collector comes. `local x <close> = ...` does it at the end of the block." },
  },
  {
    title = "Indexing",
    text = [[
Positions count from 1, negative ones from the end; ranges include both ends. An index makes a view, which shares memory with x:

| written | is |
| --- | --- |
| `x[2]` | row 2: one dim less |
| `x["2:3, :, -1"]` | rows 2 and 3, all of dim 2, the last of dim 3; `::2` is every second; `...` stands for all dims that are left |
| `x[{ { 2, 3 }, {}, -1 }]` | the same as a table: `{ first, last }` or `{ first, last, step }`, `{}` for all, a number |
| `x[x:gt(0)]` | the elements where a bool tensor is true, copied; rows, where it has fewer dims than x |
| `x[ids]` | rows by a tensor of ids (int64, int32 or uint8), copied: the shape of ids, then the further dims |
| `x[{ rows, columns }]` | elements by a tensor of ids for each of the first dims, which broadcast; copied |
| `x[2] = value` | copies a number, table or tensor into the view, in place |
| `x[x:lt(0)] = value` | a number, or a tensor with an element or row for each place, where a bool tensor is true, in place; `x:masked_fill(mask, value)` gives a copy |
| `x[ids] = value` | a number, table or tensor, which broadcasts, at ids, in place; `x:index_put({ ids }, value)` gives a copy |
| `for i, row in pairs(x)` | the rows one by one |
| `#x` | the size of dim 1 |

A place outside the shape raises.]],
    is = {
      { "luron.arange(6):reshape(2, 3)[2]", "{ 4, 5, 6 }" },
      { 'luron.arange(6):reshape(2, 3)[":, -1"]', "{ 3, 6 }" },
      { "luron.arange(6):reshape(2, 3)[{ {}, { 2, 3 } }]", "{ { 2, 3 }, { 5, 6 } }" },
      { 'luron.arange(6)["::2"]', "{ 1, 3, 5 }" },
      { 'luron.arange(6):reshape(1, 3, 2)["..., 1"]', "{ { 1, 3, 5 } }" },
      { "luron.arange(6)[luron.tensor { 6, 1 }]", "{ 6, 1 }" },
    },
    raises = { { "luron.arange(6)[0]", "index: positions count from 1 (or from the end: -1), got 0" }, { "luron.arange(6)[7]", "index: position 7 is not within 1..6, dim 1 of (6,)" } },
  },
  {
    title = "Conversion",
    both = true,
    text = "Each gives x itself where nothing is to be done. Reals become integers by cutting off.",
    { "x:to(dtype: string): Tensor", "The same numbers in another dtype.", is = { 'luron.tensor({ 2.9, -2.9 }):to "int64"', "{ 2, -2 }" } },
    { "x:float(): Tensor", "To float32." },
    { "x:double(): Tensor", "To float64." },
    { "x:long(): Tensor", "To int64." },
    { "x:int(): Tensor", "To int32." },
    { "x:byte(): Tensor", "To uint8." },
    { "x:bool(): Tensor", "To bool: is it other than 0?", is = { "luron.tensor({ 0, 2 }):bool()", "{ false, true }" } },
    { "x:contiguous(): Tensor", "x, or a copy of it whose elements lie in row-major order." },
    { "x:clone(): Tensor", "A copy with memory of its own; gradients flow through it." },
    { "x:detach(): Tensor", "A view that is not on the tape: no gradient flows through it." },
  },
  {
    title = "In place",
    text = "Methods that end in `_` change x and give it back. They are not recorded: while gradients are, a tensor that requires one is refused (use `luron.no_grad`).",
    { "x:fill_(value: number|boolean): Tensor", "Every element becomes the number.", is = { "luron.zeros(2):fill_(3)", "{ 3.0, 3.0 }" },
      raises = { "luron.ones(2):requires_grad_():fill_(3)", "fill: the tensor requires a gradient, so it cannot be changed in place while gradients are recorded" } },
    { "x:zero_(): Tensor", "Every element becomes 0." },
    { "x:copy_(source: Tensor|number): Tensor", "Copies, with broadcasting, into x and its dtype." },
    { "x:add_(y: Tensor|number): Tensor", "Adds y." , is = { "luron.ones(2):add_(2)", "{ 3.0, 3.0 }" } },
    { "x:sub_(y: Tensor|number): Tensor", "Subtracts y." },
    { "x:mul_(y: Tensor|number): Tensor", "Multiplies by y." },
    { "x:div_(y: Tensor|number): Tensor", "Divides by y." },
    { "x:uniform_(from?: number, to?: number): Tensor", "Uniform random numbers in [from, to), [0, 1) unless given." },
    { "x:normal_(mean?: number, deviation?: number): Tensor", "Normal random numbers, of mean 0 and deviation 1 unless given." },
    { "x:bernoulli_(p?: number): Tensor", "1 with probability p (0.5 unless given), else 0." },
  },
}
