-- Networks over graphs.
return {
  title = "Graphs",
  text = [[
A graph is a tensor `x` with a row for each node, and `edge_index`, int64 `(2, edges)`: the sources of the edges and their targets, node ids from 1. Layers have the
names, options and numbers of PyTorch Geometric: `nn.GCNConv`, `nn.SAGEConv`, `nn.GINConv`, `nn.GATConv`, `nn.GATv2Conv`, called with `(x, edge_index)`, GCNConv with
`edge_weight` too. What is said goes from source to target; an edge that is to work both ways stands there twice. Sums over the edges of a node are in the order of the
edges, the same bits at any number of threads. A node without edges has its own share or the bias alone, as there. `nn.GINConv` makes what the network behind it gets, which is an argument there.

Normalising costs little beside the products; there is no `cached`. `luron.data.gcn_norm` does it once, for `nn.GCNConv { normalize = false }`.

Batches of graphs are one graph, its parts side by side: `luron.data.graphs`. `nn.GlobalMeanPool`, `nn.GlobalAddPool` and `nn.GlobalMaxPool` make a row of
each, from `(x, batch, ptr)`; how many there are is told by the length of `ptr`, or by the option `size`.

```lua
local luron = require "luron"
local nn = luron.nn
luron.seed(1)

local triangle = { x = luron.ones(3, 4), edge_index = luron.tensor { { 1, 2, 3 }, { 2, 3, 1 } }, y = 1 }
local pair = { x = luron.zeros(2, 4), edge_index = luron.tensor { { 1, 2 }, { 2, 1 } }, y = 2 }
local batch = luron.data.graphs { triangle, pair }

local x, edges, of, ptr = nn.Input(), nn.Input(), nn.Input(), nn.Input()
local hidden = nn.GCNConv(4, 8)(x, edges):relu()
local model = nn.Graph { inputs = { x, edges, of, ptr }, outputs = { nn.Linear(8, 2)(nn.GlobalMeanPool()(hidden, of, ptr)) } }
print(model(batch.x, batch.edge_index, batch.batch, batch.ptr):shape(), batch.y)
```

```text
(2, 2)	tensor (2,) int64
  1  2
```

Cora, a graph of 2,708 papers: `models/gcn.lua` and `models/gat.lua`. Products with any sparse matrix: `luron.sparse`.]],
  is = {
    { "nn.GCNConv { 1, 1, weight_init = 'ones' }(luron.tensor { { 2.0 }, { 6.0 } }, luron.tensor { { 1, 2 }, { 2, 1 } }):round()", "{ { 4.0 }, { 4.0 } }" },
    { "nn.GlobalMaxPool(2)(luron.tensor { { 1.0 }, { 5.0 }, { 3.0 } }, luron.tensor { 2, 1, 2 })", "{ { 5.0 }, { 3.0 } }" },
    { "nn.GATConv(4, 8, { heads = 3 })(luron.ones(2, 4), luron.tensor { { 1 }, { 2 } }):shape()", "{ 2, 24 }" },
    { "nn.SAGEConv(4, 8, 'max')(luron.ones(2, 4), luron.tensor { { 1 }, { 2 } }):shape()", "{ 2, 8 }" },
  },
  raises = {
    { "nn.GCNConv(1, 1)(luron.ones(2, 1), luron.tensor { { 1 }, { 3 } })", "edge_index: id 3 at position (2, 1) is not within 1 to 2" },
    { "nn.GCNConv(1, 1)(luron.ones(2, 1), luron.tensor { { 1, 2 }, { 2, 1 }, { 1, 1 } })", "a list of pairs is transposed: edge_index:t()" },
  },
  { "data.graphs(graphs: table[]): table",
    "Graphs `{ x, edge_index, edge_weight = nil, y = nil }` as one: `{ x, edge_index, edge_weight, y, batch, ptr }`, batch the graph of each node, ptr where each graph begins, and the end. What one has, all have; y may be numbers or tensors.",
    is = { "luron.data.graphs({ { x = luron.ones(2, 1), edge_index = luron.tensor { { 1 }, { 2 } } }, { x = luron.ones(1, 1), edge_index = luron.tensor { { 1 }, { 1 } } } }).edge_index", "{ { 1, 3 }, { 2, 3 } }" } },
  { "data.gcn_norm(edge_index: Tensor, edge_weight: Tensor|nil, n: integer, options?: { improved: boolean? }): Tensor edge_index, Tensor edge_weight",
    "The edges, with a loop for each of n nodes that has none (of weight 2 where `improved`), and D^-1/2 (A + I) D^-1/2 as their weights.",
    is = { "(select(2, luron.data.gcn_norm(luron.tensor { { 1, 2 }, { 2, 1 } }, nil, 2))):mul(2):round()", "{ 1.0, 1.0, 1.0, 1.0 }" } },
}
