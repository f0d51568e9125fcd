/* pool.c: the rows of each graph's nodes in one. x (n, f), batch (n): the graph of each node -> y (graphs, f). A graph
 * without nodes gives zeros. How many graphs there are has to follow from shapes: of ptr, which lists where each graph
 * begins, and the end; else it is an option. */
#include "graph.h"

enum { BATCH = 1, PTR };
typedef struct pool {
    int64_t size;
} pool;

static int64_t graphs(const luron_call *c) {
    const int64_t size = ((const pool *)luron_options(c))->size;
    return size ? size : luron_in(c, PTR) ? luron_in(c, PTR)->shape[0] - 1 : 1;
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0), *batch = luron_in(c, BATCH), *ptr = luron_in(c, PTR);
    const int64_t size = ((const pool *)luron_options(c))->size;
    if (ptr && (ptr->shape[0] < 1 || (size && ptr->shape[0] != size + 1)))
        return luron_fail(c, LURON_E_SHAPE, "ptr has %lld numbers, one more than graphs%s expected",
                          (long long)ptr->shape[0], size ? " (size)" : "");
    if (batch && batch->shape[0] != x->shape[0])
        return luron_fail(c, LURON_E_SHAPE, "batch has %lld ids for %lld nodes", (long long)batch->shape[0],
                          (long long)x->shape[0]);
    if (!batch && graphs(c) != 1)
        return luron_fail(c, LURON_E_ARGUMENT, "batch expected, the graph of each node: there are %lld graphs",
                          (long long)graphs(c));
    return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(graphs(c), x->shape[1]));
}
/* The ids of `batch`, or the first one for each node. */
static luron_tensor *ids(luron_call *c, const luron_ops *o) {
    if (luron_in(c, BATCH)) return o->in(c, BATCH);
    return o->cast(c, o->expand(c, o->scalar(c, (double)c->index_base), LURON_SHAPE(luron_in(c, 0)->shape[0])),
                   LURON_I64);
}
static luron_status mean(luron_call *c, const luron_ops *o) {
    return o->set_out(c, 0, o->segment_mean(c, o->in(c, 0), ids(c, o), graphs(c)));
}
static luron_status sum(luron_call *c, const luron_ops *o) {
    return o->set_out(c, 0, o->segment_sum(c, o->in(c, 0), ids(c, o), graphs(c)));
}
static luron_status most(luron_call *c, const luron_ops *o) {
    return o->set_out(c, 0, o->segment_max(c, o->in(c, 0), ids(c, o), graphs(c)));
}

static const luron_option *const options[] = {
    LURON_OPT_INT(pool, size, 0, 0, 1e9, "graphs there are; 0: as ptr has it, or one"), NULL};
static const luron_port *const in[] = {LURON_PORT("x", 0, LURON_REAL, 2, "(nodes, features)"),
                                       LURON_PORT("batch", LURON_PORT_OPTIONAL | LURON_PORT_INDEX, 0, 1,
                                                  "(nodes): the graph of each; absent: all are of one"),
                                       LURON_PORT("ptr", LURON_PORT_OPTIONAL | LURON_PORT_INDEX, 0, 1,
                                                  "(graphs + 1): its length says how many graphs there are"),
                                       NULL};
#define POOL(id, type_name, text, how)                                                                                 \
    const luron_layer_type graph_##id = {.struct_size = sizeof(luron_layer_type),                                      \
                                         .flags = LURON_LAYER_F64,                                                     \
                                         .name = type_name,                                                            \
                                         .doc = text,                                                                  \
                                         .options = options,                                                           \
                                         .options_size = sizeof(pool),                                                 \
                                         .in = in,                                                                     \
                                         .setup = setup,                                                               \
                                         .compose = how};
POOL(mean_pool, "GlobalMeanPool", "the mean of each graph's nodes", mean)
POOL(add_pool, "GlobalAddPool", "the sum of each graph's nodes", sum)
POOL(max_pool, "GlobalMaxPool", "the largest of each graph's nodes, number by number", most)
