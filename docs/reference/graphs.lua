-- Networks over graphs.
return {
  title = "Graphs",
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
