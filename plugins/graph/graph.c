/* graph.c -- the plugin `graph`: layers over the edges of graphs, and pools over the nodes of each. */
#include "graph.h"

#define LISTED(name) &graph_##name,
static const luron_layer_type *const layers[] = {TYPES(LISTED) NULL};
LURON_PLUGIN_DEFINE(graph) = {.struct_size = sizeof(luron_plugin),
                              .abi_major = LURON_ABI_MAJOR,
                              .name = "graph",
                              .version = "0.1.0",
                              .layers = layers};

const luron_port *const graph_in[] = {
    LURON_PORT("x", 0, LURON_REAL, 2, "(nodes, in_channels)"),
    LURON_PORT("edge_index", LURON_PORT_INDEX, 0, 2, "(2, edges): sources, and their targets"), NULL};

luron_status graph_setup(luron_call *c, int64_t in_channels, int64_t out_channels) {
    const luron_view *x = luron_in(c, X), *edges = luron_in(c, EDGES), *w = luron_in(c, EDGE_WEIGHT);
    if (x->shape[1] != in_channels)
        return luron_fail(c, LURON_E_SHAPE, "x has %lld features, in_channels is %lld", (long long)x->shape[1],
                          (long long)in_channels);
    if (edges->shape[0] != 2)
        return luron_fail(c, LURON_E_SHAPE, "edge_index has %lld rows, 2 expected: sources and targets%s",
                          (long long)edges->shape[0],
                          edges->shape[1] == 2 ? " (a list of pairs is transposed: edge_index:t())" : "");
    if (w && w->shape[0] != edges->shape[1])
        return luron_fail(c, LURON_E_SHAPE, "edge_weight has %lld numbers for %lld edges", (long long)w->shape[0],
                          (long long)edges->shape[1]);
    return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(x->shape[0], out_channels));
}

/* ---- in ops --------------------------------------------------------------------------------------------------------
 */
luron_tensor *graph_end(luron_call *c, const luron_ops *o, int row) { return o->select(c, o->in(c, EDGES), 0, row); }

luron_tensor *graph_gather(luron_call *c, const luron_ops *o, luron_tensor *h, luron_tensor *coef) {
    luron_tensor *said = o->index_select(c, h, 0, graph_end(c, o, 0));
    if (coef) said = o->mul(c, said, o->unsqueeze(c, coef, 1));
    return o->segment_sum(c, said, graph_end(c, o, 1), graph_nodes(c));
}
