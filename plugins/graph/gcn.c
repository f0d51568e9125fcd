/* gcn.c: y = D^-1/2 (A + I) D^-1/2 x W^T + b, D the sums of A + I at the targets. x (n, in), edge_index (2, e),
 * edge_weight (e) or 1, W (out, in) -> y (n, out). Kipf and Welling, 2017. A node of which the edges say a loop gets no
 * other. */
#ifndef REAL
#include "graph.h"
#include <math.h>

enum { WEIGHT, BIAS };
typedef struct gcn {
    int64_t in_channels, out_channels;
    int32_t improved, add_self_loops, normalize, bias;
    luron_named_init weight_init, bias_init;
} gcn;
/* In the scratch memory: edges by target or source, coef (e), self, dis = D^-1/2, loop (n): what is added to the
 * diagonal, h = x W^T or its gradient (n, out); backward, where the weights' gradient is wanted: q (e), slope (n). */
typedef struct work {
    luron_call *c;
    graph_pass pass;
    void *coef, *self, *dis, *loop, *h, *q, *slope;
    const void *gy;
    void *gw;
    double beta;
} work;

static work work_of(luron_call *c) {
    const int64_t n = graph_nodes(c), e = graph_edges(c), out = ((const gcn *)luron_options(c))->out_channels;
    char *at = luron_scratch(c);
    work k = {.c = c, .coef = at + graph_ends_bytes(n, e)};
    k.self = (char *)k.coef + graph_bytes(c, e), k.dis = (char *)k.self + graph_bytes(c, n),
    k.loop = (char *)k.dis + graph_bytes(c, n);
    k.h = (char *)k.loop + graph_bytes(c, n), k.q = (char *)k.h + graph_bytes(c, n * out),
    k.slope = (char *)k.q + graph_bytes(c, e);
    k.pass = (graph_pass){.wide = out};
    return k;
}
#define REAL float
#include "gcn.c"
#undef REAL
#define REAL double
#include "gcn.c"
#undef REAL

static luron_status declare(luron_call *c) {
    const gcn *o = luron_options(c);
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(o->out_channels, o->in_channels),
                                     luron_init_or(&o->weight_init, luron_init_(LURON_INIT_XAVIER_UNIFORM, 1, 0))));
    if (!o->bias) return LURON_OK;
    return c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(o->out_channels),
                                  luron_init_or(&o->bias_init, luron_init_zeros()));
}
static luron_status setup(luron_call *c) {
    const gcn *o = luron_options(c);
    LURON_TRY(graph_setup(c, o->in_channels, o->out_channels));
    const int64_t n = graph_nodes(c), e = graph_edges(c);
    return c->host->declare_scratch(c, graph_ends_bytes(n, e) + 2 * graph_bytes(c, e) + 4 * graph_bytes(c, n) +
                                           graph_bytes(c, n * o->out_channels));
}
static luron_status project(work *k) { /* h = x W^T */
    int64_t shape[2] = {graph_nodes(k->c), k->pass.wide};
    luron_view h = graph_matrix(k->c, k->h, shape);
    return graph_product(k->c, LURON_TRANS_B, luron_in(k->c, X), luron_param(k->c, WEIGHT), NULL, &h, 0);
}
static luron_status forward(luron_call *c) {
    work k = work_of(c);
    LURON_TRY(luron_check_ids(c, EDGES, graph_nodes(c)));
    LURON_TRY(project(&k));
    BY_TYPE(c, weigh)(&k);
    graph_sort(c, &k.pass.ends, BY_TARGET, luron_scratch(c));
    k.pass.from = k.h, k.pass.to = luron_data(luron_out(c, 0)), k.pass.bias = luron_data(luron_param(c, BIAS));
    graph_run(c, &k.pass);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    work k = work_of(c);
    double beta;
    int64_t shape[2] = {graph_nodes(c), k.pass.wide};
    luron_view gh = graph_matrix(c, k.h, shape), *gw = luron_grad_in_beta(c, EDGE_WEIGHT, &k.beta), *g;
    const luron_view *gy = luron_grad_out(c, 0);
    k.gy = luron_data(gy), k.gw = luron_data(gw);
    BY_TYPE(c, weigh)(&k);
    if (gw) {
        LURON_TRY(project(&k));
        BY_TYPE(c, slopes)(&k);
    }
    graph_sort(c, &k.pass.ends, BY_SOURCE, luron_scratch(c));
    k.pass.from = k.gy, k.pass.to = k.h;
    graph_run(c, &k.pass);
    if ((g = luron_grad_in_beta(c, X, &beta)))
        LURON_TRY(graph_product(c, 0, &gh, luron_param(c, WEIGHT), NULL, g, beta));
    if ((g = luron_grad_param_beta(c, WEIGHT, &beta)))
        LURON_TRY(graph_product(c, LURON_TRANS_A, &gh, luron_in(c, X), NULL, g, beta));
    g = luron_grad_param_beta(c, BIAS, &beta);
    return g ? c->host->sum_to(c, gy, g, beta) : LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const gcn *p = luron_options(c);
    luron_tensor *sources = graph_end(c, o, 0), *targets = graph_end(c, o, 1), *dis = NULL, *loop = NULL,
                 *one = o->scalar(c, 1);
    luron_tensor *h = o->matmul(c, o->in(c, X), o->param(c, WEIGHT), LURON_TRANS_B);
    luron_tensor *w = luron_in(c, EDGE_WEIGHT) ? o->in(c, EDGE_WEIGHT) : o->expand(c, one, LURON_SHAPE(graph_edges(c)));
    if (p->normalize) {
        luron_tensor *degree = o->segment_sum(c, w, targets, graph_nodes(c));
        if (p->add_self_loops) {
            luron_tensor *has =
                o->segment_sum(c, o->cast(c, o->eq(c, sources, targets), c->dtype), targets, graph_nodes(c));
            loop = o->where(c, o->gt(c, has, o->scalar(c, 0)), o->scalar(c, 0), o->scalar(c, p->improved ? 2 : 1));
            degree = o->add(c, degree, loop);
        }
        luron_tensor *none = o->eq(c, degree, o->scalar(c, 0));
        dis = o->where(c, none, o->scalar(c, 0), o->rsqrt(c, o->where(c, none, one, degree)));
        w = o->mul(c, o->mul(c, o->index_select(c, dis, 0, sources), w), o->index_select(c, dis, 0, targets));
    }
    luron_tensor *y = graph_gather(c, o, h, w);
    if (loop) y = o->add(c, y, o->mul(c, h, o->unsqueeze(c, o->mul(c, o->square(c, dis), loop), 1)));
    return o->set_out(c, 0, p->bias ? o->add_row(c, y, o->param(c, BIAS)) : y);
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(gcn, in_channels, 1, 1e9, "features in"),
    LURON_OPT_INT_REQ(gcn, out_channels, 1, 1e9, "features out"),
    LURON_OPT_BOOL(gcn, improved, 0, "A + 2 I in place of A + I"),
    LURON_OPT_BOOL(gcn, add_self_loops, 1, "add I: a loop for each node that has none"),
    LURON_OPT_BOOL(gcn, normalize, 1, "false: the edges as they are, normalised beforehand or not at all"),
    LURON_OPT_BOOL(gcn, bias, 1, "add a bias"),
    LURON_OPT_INITIALISER(gcn, weight_init, "first weights; nil: xavier_uniform"),
    LURON_OPT_INITIALISER(gcn, bias_init, "first bias; nil: zeros"),
    NULL};
static const luron_port *const in[] = {
    LURON_PORT("x", 0, LURON_REAL, 2, "(nodes, in_channels)"),
    LURON_PORT("edge_index", LURON_PORT_INDEX, 0, 2, "(2, edges): sources, and their targets"),
    LURON_PORT("edge_weight", LURON_PORT_OPTIONAL, LURON_REAL, 1, "(edges); absent: 1"), NULL};
const luron_layer_type graph_gcn = {.struct_size = sizeof(luron_layer_type),
                                    .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                    .name = "GCNConv",
                                    .doc = "graph convolution: the mean of neighbours by degree",
                                    .options = options,
                                    .options_size = sizeof(gcn),
                                    .in = in,
                                    .declare = declare,
                                    .setup = setup,
                                    .forward = forward,
                                    .backward = backward,
                                    .compose = compose};
#else
/* coef and self of the pass, and what they are made from. */
static void TYPED(weigh)(work *k) {
    const luron_call *c = k->c;
    const gcn *o = luron_options(c);
    const int64_t n = graph_nodes(c), e = graph_edges(c);
    const REAL *w = luron_data(luron_in(c, EDGE_WEIGHT));
    REAL *coef = k->coef, *self = k->self, *dis = k->dis, *loop = k->loop;
    if (!o->normalize) {
        k->pass.coef = w, k->pass.self = NULL;
        return;
    }
    for (int64_t i = 0; i < n; i++)
        dis[i] = 0, loop[i] = o->add_self_loops ? o->improved ? 2 : 1 : 0;
    for (int64_t i = 0; i < e; i++) {
        const int64_t t = graph_target(c, i);
        dis[t] += w ? w[i] : 1;
        if (graph_source(c, i) == t) loop[t] = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        const REAL degree = dis[i] + loop[i];
        dis[i] = degree == 0 ? 0 : 1 / (sizeof(REAL) == 4 ? (REAL)sqrtf((float)degree) : (REAL)sqrt((double)degree));
        self[i] = dis[i] * dis[i] * loop[i];
    }
    for (int64_t i = 0; i < e; i++)
        coef[i] = dis[graph_source(c, i)] * (w ? w[i] : 1) * dis[graph_target(c, i)];
    k->pass.coef = coef, k->pass.self = o->add_self_loops ? self : NULL;
}
static void TYPED(dots)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t wide = k->pass.wide;
    (void)chunk;
    for (int64_t i = begin; i < end; i++)
        ((REAL *)k->q)[i] = TYPED(dot)((const REAL *)k->gy + graph_target(k->c, i) * wide,
                                       (const REAL *)k->h + graph_source(k->c, i) * wide, wide);
}
/* The gradient of edge_weight: of coef it is q = gy[target] h[source]; the degrees of both ends have a share in it. */
static void TYPED(slopes)(work *k) {
    luron_call *c = k->c;
    const gcn *o = luron_options(c);
    const int64_t n = graph_nodes(c), e = graph_edges(c), wide = k->pass.wide;
    const REAL *w = luron_data(luron_in(c, EDGE_WEIGHT)), *q = k->q, *dis = k->dis, *loop = k->loop, *gy = k->gy,
               *h = k->h;
    REAL *to = k->gw, *slope = k->slope;
    c->host->parallel_for(c, e, 1 + 16384 / wide, TYPED(dots), k);
    for (int64_t i = 0; i < e; i++)
        to[i] = (k->beta == 0 ? 0 : to[i]) +
                (o->normalize ? q[i] * dis[graph_source(c, i)] * dis[graph_target(c, i)] : q[i]);
    if (!o->normalize) return;
    for (int64_t i = 0; i < n; i++) /* of D^-1/2 */
        slope[i] = 2 * dis[i] * loop[i] * TYPED(dot)(gy + i * wide, h + i * wide, wide);
    for (int64_t i = 0; i < e; i++) {
        const int64_t s = graph_source(c, i), t = graph_target(c, i);
        slope[s] += q[i] * w[i] * dis[t], slope[t] += q[i] * w[i] * dis[s];
    }
    for (int64_t i = 0; i < e; i++) {
        const REAL d = dis[graph_target(c, i)];
        to[i] -= slope[graph_target(c, i)] * d * d * d / 2;
    }
}
#endif
