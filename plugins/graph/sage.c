/* sage.c: y = a W_l^T + b + x W_r^T, a the mean, the sum or the largest of the rows of x at the sources of a node's
 * edges, zeros without any. x (n, in), edge_index (2, e), W (out, in) -> y (n, out). Hamilton, Ying and Leskovec, 2017.
 * Means and sums are taken of x W_l^T, which is the same and narrower. */
#ifndef REAL
#include "graph.h"
#include <math.h>

enum { WEIGHT_L, BIAS, WEIGHT_R };
enum { MEAN, MAX, SUM };
enum { MOST, LENGTH }; /* saved: a (n, in) of MAX; of normalize, the lengths of rows before it */
typedef struct sage {
    int64_t in_channels, out_channels;
    int32_t aggr, normalize, root_weight, bias;
    luron_named_init weight_init, bias_init;
} sage;
/* In the scratch memory: edges by an end, coef (e) of MEAN, h (n, max(in, out)), gz (n, out). */
typedef struct work {
    luron_call *c;
    graph_pass pass;
    void *coef, *h, *gz;
    const void *x, *most, *length, *gy;
} work;

static int64_t larger(const sage *o) {
    return o->aggr == MAX && o->in_channels > o->out_channels ? o->in_channels : o->out_channels;
}
static work work_of(luron_call *c) {
    const sage *o = luron_options(c);
    const int64_t n = graph_nodes(c), e = graph_edges(c);
    work k = {.c = c, .coef = (char *)luron_scratch(c) + graph_ends_bytes(n, e), .x = luron_data(luron_in(c, X))};
    k.h = (char *)k.coef + graph_bytes(c, e), k.gz = (char *)k.h + graph_bytes(c, n * larger(o));
    k.most = luron_data(luron_saved(c, MOST)), k.length = luron_data(luron_saved(c, LENGTH));
    k.pass = (graph_pass){.wide = o->aggr == MAX ? o->in_channels : o->out_channels};
    return k;
}
#define REAL float
#include "sage.c"
#undef REAL
#define REAL double
#include "sage.c"
#undef REAL

static luron_status declare(luron_call *c) {
    const sage *o = luron_options(c);
    const double r = 1 / sqrt((double)o->in_channels);
    const luron_init weights = luron_init_or(&o->weight_init, luron_init_uniform(-r, r));
    LURON_TRY(c->host->declare_param(c, WEIGHT_L, "weight_l", LURON_SHAPE(o->out_channels, o->in_channels), weights));
    if (o->bias)
        LURON_TRY(c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(o->out_channels),
                                         luron_init_or(&o->bias_init, luron_init_uniform(-r, r))));
    if (!o->root_weight) return LURON_OK;
    return c->host->declare_param(c, WEIGHT_R, "weight_r", LURON_SHAPE(o->out_channels, o->in_channels), weights);
}
static luron_status setup(luron_call *c) {
    const sage *o = luron_options(c);
    LURON_TRY(graph_setup(c, o->in_channels, o->out_channels));
    const int64_t n = graph_nodes(c), e = graph_edges(c);
    if (o->aggr == MAX) LURON_TRY(c->host->declare_saved(c, MOST, LURON_REAL, LURON_SHAPE(n, o->in_channels)));
    if (o->normalize) LURON_TRY(c->host->declare_saved(c, LENGTH, LURON_REAL, LURON_SHAPE(n)));
    return c->host->declare_scratch(c, graph_ends_bytes(n, e) + graph_bytes(c, e) + graph_bytes(c, n * larger(o)) +
                                           graph_bytes(c, n * o->out_channels));
}
static luron_status forward(luron_call *c) {
    const sage *o = luron_options(c);
    work k = work_of(c);
    int64_t shape[2] = {graph_nodes(c), o->out_channels};
    luron_view h = graph_matrix(c, k.h, shape), *y = luron_out(c, 0);
    const luron_view *x = luron_in(c, X), *bias = luron_param(c, BIAS);
    LURON_TRY(luron_check_ids(c, EDGES, graph_nodes(c)));
    graph_sort(c, &k.pass.ends, BY_TARGET, luron_scratch(c));
    if (o->aggr == MAX) {
        c->host->parallel_for(c, shape[0], 64, BY_TYPE(c, largest), &k);
        LURON_TRY(graph_product(c, LURON_TRANS_B, luron_saved(c, MOST), luron_param(c, WEIGHT_L), bias, y, 0));
    } else {
        LURON_TRY(graph_product(c, LURON_TRANS_B, x, luron_param(c, WEIGHT_L), NULL, &h, 0));
        if (o->aggr == MEAN) BY_TYPE(c, weigh)(&k, k.pass.ends.first);
        k.pass.from = k.h, k.pass.to = luron_data(y), k.pass.bias = luron_data(bias);
        graph_run(c, &k.pass);
    }
    if (o->root_weight) LURON_TRY(graph_product(c, LURON_TRANS_B, x, luron_param(c, WEIGHT_R), NULL, y, 1));
    if (o->normalize) c->host->parallel_for(c, shape[0], 64, BY_TYPE(c, shorten), &k);
    return LURON_OK;
}
/* The share of the gradient of x that comes through `a`, and that of W_l. gz: of y before normalize. */
static luron_status backward_neighbours(luron_call *c, work *k, const luron_view *gz) {
    const sage *o = luron_options(c);
    int64_t shape[2] = {graph_nodes(c), k->pass.wide};
    double beta;
    luron_view h = graph_matrix(c, k->h, shape), *g;
    if (o->aggr == MAX) {
        if ((g = luron_grad_param_beta(c, WEIGHT_L, &beta)))
            LURON_TRY(graph_product(c, LURON_TRANS_A, gz, luron_saved(c, MOST), NULL, g, beta));
        if (!(g = luron_grad_in(c, X))) return LURON_OK;
        LURON_TRY(graph_product(c, 0, gz, luron_param(c, WEIGHT_L), NULL, &h, 0));
        graph_sort(c, &k->pass.ends, BY_TARGET, luron_scratch(c));
        c->host->parallel_for(c, shape[0], 64, BY_TYPE(c, share), k);
        graph_sort(c, &k->pass.ends, BY_SOURCE, luron_scratch(c));
        k->pass.to = luron_data(g);
        c->host->parallel_for(c, shape[0], 64, BY_TYPE(c, give), k);
        return LURON_OK;
    }
    if (o->aggr == MEAN) {
        graph_sort(c, &k->pass.ends, BY_TARGET, luron_scratch(c));
        BY_TYPE(c, weigh)(k, k->pass.ends.first);
    }
    graph_sort(c, &k->pass.ends, BY_SOURCE, luron_scratch(c));
    k->pass.from = luron_data(gz), k->pass.to = k->h;
    graph_run(c, &k->pass);
    if ((g = luron_grad_param_beta(c, WEIGHT_L, &beta)))
        LURON_TRY(graph_product(c, LURON_TRANS_A, &h, luron_in(c, X), NULL, g, beta));
    g = luron_grad_in_beta(c, X, &beta);
    return g ? graph_product(c, 0, &h, luron_param(c, WEIGHT_L), NULL, g, beta) : LURON_OK;
}
static luron_status backward(luron_call *c) {
    const sage *o = luron_options(c);
    work k = work_of(c);
    int64_t shape[2] = {graph_nodes(c), o->out_channels};
    luron_view own = graph_matrix(c, k.gz, shape), *g;
    const luron_view *gz = luron_grad_out(c, 0);
    double beta;
    if (o->normalize) {
        k.gy = luron_data(gz);
        c->host->parallel_for(c, shape[0], 64, BY_TYPE(c, lengthen), &k);
        gz = &own;
    }
    LURON_TRY(backward_neighbours(c, &k, gz));
    if (o->root_weight) {
        if ((g = luron_grad_in_beta(c, X, &beta)))
            LURON_TRY(graph_product(c, 0, gz, luron_param(c, WEIGHT_R), NULL, g, beta));
        if ((g = luron_grad_param_beta(c, WEIGHT_R, &beta)))
            LURON_TRY(graph_product(c, LURON_TRANS_A, gz, luron_in(c, X), NULL, g, beta));
    }
    g = luron_grad_param_beta(c, BIAS, &beta);
    return g ? c->host->sum_to(c, gz, g, beta) : LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const sage *p = luron_options(c);
    static const int last[] = {1};
    luron_tensor *x = o->in(c, X), *targets = graph_end(c, o, 1), *said = o->index_select(c, x, 0, graph_end(c, o, 0));
    const int64_t n = graph_nodes(c);
    luron_tensor *a = p->aggr == MEAN  ? o->segment_mean(c, said, targets, n)
                      : p->aggr == SUM ? o->segment_sum(c, said, targets, n)
                                       : o->segment_max(c, said, targets, n);
    luron_tensor *y = o->matmul(c, a, o->param(c, WEIGHT_L), LURON_TRANS_B);
    if (p->bias) y = o->add_row(c, y, o->param(c, BIAS));
    if (p->root_weight) y = o->add(c, y, o->matmul(c, x, o->param(c, WEIGHT_R), LURON_TRANS_B));
    if (p->normalize) y = o->div(c, y, o->maximum(c, o->norm(c, y, 2, 1, last, 1), o->scalar(c, 1e-12)));
    return o->set_out(c, 0, y);
}

static const char *const aggregations[] = {"mean", "max", "sum", NULL};
static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(sage, in_channels, 1, 1e9, "features in"),
    LURON_OPT_INT_REQ(sage, out_channels, 1, 1e9, "features out"),
    LURON_OPT_CHOICE(sage, aggr, "mean", aggregations, "what is taken of the neighbours"),
    LURON_OPT_BOOL(sage, normalize, 0, "rows of length 1"),
    LURON_OPT_BOOL(sage, root_weight, 1, "add x W_r^T, what the node itself says"),
    LURON_OPT_BOOL(sage, bias, 1, "add a bias"),
    LURON_OPT_INITIALISER(sage, weight_init, "first weights; nil: uniform within 1 / sqrt(in_channels)"),
    LURON_OPT_INITIALISER(sage, bias_init, "first bias; nil: the same"),
    NULL};
const luron_layer_type graph_sage = {.struct_size = sizeof(luron_layer_type),
                                     .flags = LURON_LAYER_F64,
                                     .name = "SAGEConv",
                                     .doc = "GraphSAGE: a node and what is taken of its neighbours",
                                     .options = options,
                                     .options_size = sizeof(sage),
                                     .in = graph_in,
                                     .declare = declare,
                                     .setup = setup,
                                     .forward = forward,
                                     .backward = backward,
                                     .compose = compose};
#else
/* coef: 1 over the number of edges of each target; first: of the edges by target. */
static void TYPED(weigh)(work *k, const int64_t *first) {
    REAL *coef = k->coef;
    for (int64_t i = 0; i < k->pass.ends.n; i++)
        for (int64_t p = first[i]; p < first[i + 1]; p++)
            coef[k->pass.ends.edge[p]] = 1 / (REAL)(first[i + 1] - first[i]);
    k->pass.coef = coef;
}
/* MOST: the largest of the rows at the sources. */
static void TYPED(largest)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const graph_ends *ends = &k->pass.ends;
    const int64_t wide = k->pass.wide;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *to = (REAL *)k->most + i * wide;
        for (int64_t j = 0; j < wide; j++)
            to[j] = 0;
        for (int64_t p = ends->first[i]; p < ends->first[i + 1]; p++) {
            const REAL *from = (const REAL *)k->x + ends->other[p] * wide;
            for (int64_t j = 0; j < wide; j++) /* a NaN stays */
                if (p == ends->first[i] || from[j] > to[j] || from[j] != from[j]) to[j] = from[j];
        }
    }
}
/* h, the gradient of MOST: divided by how many edges share it. */
static void TYPED(share)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const graph_ends *ends = &k->pass.ends;
    const int64_t wide = k->pass.wide;
    (void)chunk;
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0; j < wide; j++) {
            const REAL most = ((const REAL *)k->most)[i * wide + j];
            int64_t n = 0;
            for (int64_t p = ends->first[i]; p < ends->first[i + 1]; p++)
                n += ((const REAL *)k->x)[ends->other[p] * wide + j] == most;
            if (n > 1) ((REAL *)k->h)[i * wide + j] /= (REAL)n;
        }
}
/* To the rows of x at the sources, where they are the largest. */
static void TYPED(give)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const graph_ends *ends = &k->pass.ends;
    const int64_t wide = k->pass.wide;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *to = (REAL *)k->pass.to + i * wide;
        const REAL *x = (const REAL *)k->x + i * wide;
        for (int64_t p = ends->first[i]; p < ends->first[i + 1]; p++) {
            const REAL *most = (const REAL *)k->most + ends->other[p] * wide,
                       *g = (const REAL *)k->h + ends->other[p] * wide;
            for (int64_t j = 0; j < wide; j++)
                to[j] += x[j] == most[j] ? g[j] : 0;
        }
    }
}
/* y over its length, which is kept. */
static void TYPED(shorten)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t wide = ((const sage *)luron_options(k->c))->out_channels;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *y = (REAL *)luron_data(luron_out(k->c, 0)) + i * wide, sum = 0;
        for (int64_t j = 0; j < wide; j++)
            sum += y[j] * y[j];
        const REAL length = (REAL)sqrt((double)sum), over = length > (REAL)1e-12 ? length : (REAL)1e-12;
        for (int64_t j = 0; j < wide; j++)
            y[j] /= over;
        ((REAL *)k->length)[i] = length;
    }
}
/* gz = (gy - y (y gy)) / length */
static void TYPED(lengthen)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t wide = ((const sage *)luron_options(k->c))->out_channels;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *y = (const REAL *)luron_data(luron_out(k->c, 0)) + i * wide, *gy = (const REAL *)k->gy + i * wide;
        const REAL length = ((const REAL *)k->length)[i], least = (REAL)1e-12;
        REAL *to = (REAL *)k->gz + i * wide, along = 0;
        for (int64_t j = 0; j < wide && length > least; j++)
            along += y[j] * gy[j];
        for (int64_t j = 0; j < wide; j++)
            to[j] = (gy[j] - y[j] * along) / (length > least ? length : least);
    }
}
#endif
