/* gin.c: y = (1 + eps) x + the sum of the rows of x at the sources of a node's edges: what a network behind it gets. x
 * (n, f), edge_index (2, e) -> y as x. Xu, Hu, Leskovec and Jegelka, 2019. eps is a number, or a parameter (1). */
#ifndef REAL
#include "graph.h"

typedef struct gin {
    double eps;
    int32_t train_eps;
} gin;
/* In the scratch memory: edges by an end, self (n); backward the dots of rows (n) for the gradient of eps. */
typedef struct work {
    luron_call *c;
    graph_pass pass;
    const void *x, *gy;
    void *self, *dots;
} work;
enum { GRAIN = 16384 };

static work work_of(luron_call *c) {
    work k = {.c = c,
              .self = (char *)luron_scratch(c) + graph_ends_bytes(graph_nodes(c), graph_edges(c)),
              .x = luron_data(luron_in(c, X))};
    k.dots = (char *)k.self + graph_bytes(c, graph_nodes(c));
    k.pass = (graph_pass){.wide = luron_in(c, X)->shape[1], .self = k.self};
    return k;
}
#define REAL float
#include "gin.c"
#undef REAL
#define REAL double
#include "gin.c"
#undef REAL

static luron_status declare(luron_call *c) {
    const gin *o = luron_options(c);
    return o->train_eps ? c->host->declare_param(c, 0, "eps", LURON_SHAPE(1), luron_init_constant(o->eps)) : LURON_OK;
}
static luron_status setup(luron_call *c) {
    LURON_TRY(graph_setup(c, luron_in(c, X)->shape[1], luron_in(c, X)->shape[1]));
    return c->host->declare_scratch(c, graph_ends_bytes(graph_nodes(c), graph_edges(c)) +
                                           2 * graph_bytes(c, graph_nodes(c)));
}
static luron_status forward(luron_call *c) {
    work k = work_of(c);
    LURON_TRY(luron_check_ids(c, EDGES, graph_nodes(c)));
    graph_sort(c, &k.pass.ends, BY_TARGET, luron_scratch(c));
    BY_TYPE(c, fill)(&k);
    k.pass.from = k.x, k.pass.to = luron_data(luron_out(c, 0));
    graph_run(c, &k.pass);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    work k = work_of(c);
    double beta;
    luron_view *g = luron_grad_in_beta(c, X, &beta);
    k.gy = luron_data(luron_grad_out(c, 0));
    if (g) {
        graph_sort(c, &k.pass.ends, BY_SOURCE, luron_scratch(c));
        BY_TYPE(c, fill)(&k);
        k.pass.from = k.gy, k.pass.to = luron_data(g), k.pass.adds = beta != 0;
        graph_run(c, &k.pass);
    }
    if (!(g = luron_grad_param_beta(c, 0, &beta))) return LURON_OK;
    c->host->parallel_for(c, graph_nodes(c), 1 + GRAIN / (k.pass.wide + 1), BY_TYPE(c, dots), &k);
    BY_TYPE(c, total)(&k, luron_data(g), beta);
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const gin *p = luron_options(c);
    luron_tensor *x = o->in(c, X),
                 *own = p->train_eps ? o->mul(c, x, o->scale(c, o->param(c, 0), 1, 1)) : o->scale(c, x, 1 + p->eps, 0);
    return o->set_out(c, 0, o->add(c, own, graph_gather(c, o, x, NULL)));
}

static const luron_option *const options[] = {
    LURON_OPT_FLOAT(gin, eps, 0, -1e9, 1e9, "how much more than a neighbour the node itself counts"),
    LURON_OPT_BOOL(gin, train_eps, 0, "eps is a parameter"), NULL};
const luron_layer_type graph_gin = {.struct_size = sizeof(luron_layer_type),
                                    .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                    .name = "GINConv",
                                    .doc = "a node and the sum of its neighbours, for the network that follows it",
                                    .options = options,
                                    .options_size = sizeof(gin),
                                    .in = graph_in,
                                    .declare = declare,
                                    .setup = setup,
                                    .forward = forward,
                                    .backward = backward,
                                    .compose = compose};
#else
static void TYPED(fill)(work *k) {
    const REAL *eps = luron_data(luron_param(k->c, 0));
    for (int64_t i = 0; i < k->pass.ends.n; i++)
        ((REAL *)k->self)[i] = 1 + (eps ? *eps : (REAL)((const gin *)luron_options(k->c))->eps);
}
static void TYPED(dots)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t wide = k->pass.wide;
    (void)chunk;
    for (int64_t i = begin; i < end; i++)
        ((REAL *)k->dots)[i] = TYPED(dot)((const REAL *)k->gy + i * wide, (const REAL *)k->x + i * wide, wide);
}
static void TYPED(total)(const work *k, void *grad, double beta) {
    REAL *to = grad;
    double sum = 0;
    for (int64_t i = 0; i < graph_nodes(k->c); i++)
        sum += (double)((const REAL *)k->dots)[i];
    *to = (beta == 0 ? 0 : *to) + (REAL)sum;
}
#endif
