-- Sparse matrices.
return {
  title = "Sparse matrices",
  text = [[
A sparse matrix holds the places and values of its entries, row by row, as a graph holds its edges. Products with dense tensors are differentiable in the values and
in the dense factor, to any order, and give the same bits at any number of threads. Places count from 1. An object does not change; what it is made of is
checked and transposed once. `nn.trace` takes products into models (lists of more than 1 MiB it does not). One step of a graph convolution, with the edges as a sparse matrix:

```lua
local luron = require "luron"

-- edges 1-2, 2-3, 3-4, both ways, and of each node with itself
local from, to = { 1, 2, 2, 3, 3, 4, 1, 2, 3, 4 }, { 2, 1, 3, 2, 4, 3, 1, 2, 3, 4 }
local a = luron.sparse.coo(to, from, nil, { 4, 4 })
local scale = a:sum(2):rsqrt()
a = a:with_values(scale:index_select(1, a:rows()) * scale:index_select(1, a:cols()))
local x, layer = luron.eye(4), luron.nn.Linear(4, 2)
print(a, a:matmul(layer(x)):relu():shape()[1])
```

```text
sparse (4, 4), 10 entries, float32	4
```]],
  { "sparse.coo(rows: Tensor|integer[], cols: Tensor|integer[], values: Tensor|number[]|nil, size: integer[]): Sparse",
    "From the row, column and value of each entry, in any order; without values they are 1. Values of equal places are added. size is { rows, columns }.",
    is = { "luron.sparse.coo({ 2, 1, 2 }, { 1, 2, 1 }, { 1.0, 2.0, 3.0 }, { 2, 2 }):to_dense()", "{ { 0.0, 2.0 }, { 4.0, 0.0 } }" },
    raises = { "luron.sparse.coo({ 0 }, { 1 }, nil, { 2, 2 })", "row_ids: 0 at position 1 is not within 1 to 2; ids count from 1 here: 0 is no id" } },
  { "sparse.csr(offsets: Tensor|integer[], cols: Tensor|integer[], values: Tensor|number[]|nil, size: integer[]): Sparse",
    "From the entries row by row: those of row i are number offsets[i] to offsets[i + 1] - 1, so the first offset is 1 and the last one more than there are entries.",
    is = { "luron.sparse.csr({ 1, 2, 3 }, { 2, 1 }, { 5.0, 6.0 }, { 2, 2 }):to_dense()", "{ { 0.0, 5.0 }, { 6.0, 0.0 } }" },
    raises = { "luron.sparse.csr({ 1, 3, 2 }, { 2 }, nil, { 2, 2 })", "offsets fall at position 3: 2 after 3" } },
  { "sparse.from_dense(x: Tensor): Sparse", "From the elements of a matrix that are not 0; their gradients reach x.", is = { "luron.sparse.from_dense(luron.eye(3)):nnz()", "3" } },
  { "s:matmul(x: Tensor): Tensor", "The product with a matrix (columns, n) or a vector (columns). The entries of a row are added in their order.",
    is = { "luron.sparse.from_dense(luron.tensor { { 0.0, 2.0 }, { 1.0, 0.0 } }):matmul(luron.tensor { 10.0, 1.0 })", "{ 2.0, 10.0 }" } },
  { "s:sample(g: Tensor, x: Tensor): Tensor", "For each entry the product of its row of g and of the row of x that its column names: scores of edges, to be given to `with_values`.",
    is = { "luron.sparse.coo({ 1 }, { 2 }, nil, { 1, 2 }):sample(luron.tensor { { 1.0, 2.0 } }, luron.tensor { { 0.0, 0.0 }, { 3.0, 4.0 } })", "{ 11.0 }" } },
  { "s:t(): Sparse", "The transpose, over the same values." },
  { "s:with_values(values: Tensor|nil): Sparse", "The same entries with other values, in the order of `s:rows()`; nil: all 1." },
  { "s:to_dense(): Tensor", "As a matrix with zeros." },
  { "s:values(): Tensor", "The value of each entry, row by row." }, { "s:rows(): Tensor", "The row of each entry." }, { "s:cols(): Tensor", "The column of each entry." },
  { "s:shape(): integer[]", "Rows and columns." }, { "s:size(dim: integer): integer", "One of them." }, { "s:nnz(): integer", "How many entries there are." },
  { "s:sum(dim?: integer): Tensor", "The sums over rows (1) or over columns (2), or of all values.", is = { "luron.sparse.coo({ 1, 1 }, { 1, 2 }, nil, { 2, 2 }):sum(2)", "{ 2.0, 0.0 }" } },
}
