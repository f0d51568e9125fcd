/* gat.c: y = the rows of h = x W^T at the sources of a node's edges, by attention: softmax over the edges of a node of
 * their scores, in each head. Scores: GATConv leaky(a_s h[source] + a_t h[target]), Velickovic and others, 2018;
 * GATv2Conv a leaky(h[source] + x W_r^T[target]), Brody, Alon and Yahav, 2022. x (n, in), edge_index (2, e), W (heads
 * out, in) -> y (n, heads out), or the mean of the heads (n, out). In place of the loops of the edges each node has one
 * of its own. */
#include "gat.h"
#include <math.h>

static luron_status declare_common(luron_call *c, luron_init *weights) {
    const gat *o = luron_options(c);
    const int64_t wide = o->heads * o->out_channels;
    *weights = luron_init_or(&o->weight_init, luron_init_(LURON_INIT_XAVIER_UNIFORM, 1, 0));
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(wide, o->in_channels), *weights));
    LURON_TRY(c->host->declare_param(c, ATT_SOURCE, "att_src", LURON_SHAPE(o->heads, o->out_channels),
                                     luron_init_(LURON_INIT_XAVIER_UNIFORM, 1, 0)));
    return o->bias ? c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(o->concat ? wide : o->out_channels),
                                            luron_init_or(&o->bias_init, luron_init_zeros()))
                   : LURON_OK;
}
static luron_status declare(luron_call *c) {
    const gat *o = luron_options(c);
    luron_init weights;
    LURON_TRY(declare_common(c, &weights));
    return c->host->declare_param(c, ATT_TARGET, "att_dst", LURON_SHAPE(o->heads, o->out_channels),
                                  luron_init_(LURON_INIT_XAVIER_UNIFORM, 1, 0));
}
/* ---- in ops --------------------------------------------------------------------------------------------------------
 */
static luron_tensor *heads_of(luron_call *c, const luron_ops *o, luron_tensor *x, int weight) {
    const gat *p = luron_options(c);
    return o->reshape(c, o->matmul(c, x, o->param(c, weight), LURON_TRANS_B),
                      LURON_SHAPE(graph_nodes(c), p->heads, p->out_channels));
}
static luron_tensor *leaky(luron_call *c, const luron_ops *o, luron_tensor *z) {
    return o->where(c, o->gt(c, z, o->scalar(c, 0)), z,
                    o->scale(c, z, ((const gat *)luron_options(c))->negative_slope, 0));
}
/* Some set to 0, the others larger: stream 0 for edges, 1 for loops. */
static luron_tensor *thin(luron_call *c, const luron_ops *o, luron_tensor *part, int stream, int64_t n) {
    const gat *p = luron_options(c);
    if (!luron_is_training(c) || p->dropout == 0) return part;
    luron_tensor *kept = o->ge(c, o->uniform(c, stream, LURON_SHAPE(n, p->heads)), o->scalar(c, p->dropout));
    return o->where(c, kept, o->scale(c, part, p->dropout < 1 ? 1 / (1 - p->dropout) : 0, 0), o->scalar(c, 0));
}
/* h (n, heads, out) by scores of edges (e, heads) and of loops (n, heads). */
static luron_status attend(luron_call *c, const luron_ops *o, luron_tensor *h, luron_tensor *score, luron_tensor *own) {
    const gat *p = luron_options(c);
    const int64_t n = graph_nodes(c), e = graph_edges(c);
    static const int heads[] = {1};
    luron_tensor *sources = graph_end(c, o, 0), *targets = graph_end(c, o, 1), *loops = NULL, *of_own = NULL, *most;
    if (p->add_self_loops) {
        luron_tensor *of_target = o->index_select(c, own, 0, targets);
        loops = o->unsqueeze(c, o->eq(c, sources, targets), 1);
        score = o->where(c, loops, of_target, score); /* such an edge has no share */
        /* By how much more than the own loop: without edges it is that, however low it is. */
        most = o->segment_max(c, o->sub(c, score, of_target), targets, n);
        most = o->add(c, own, o->clamp(c, most, 0, INFINITY));
    } else {
        most = o->segment_max(c, score, targets, n);
    }
    most = o->detach(c, most);
    luron_tensor *part = o->exp(c, o->sub(c, score, o->index_select(c, most, 0, targets)));
    if (loops) part = o->where(c, loops, o->scalar(c, 0), part);
    luron_tensor *total = o->scale(c, o->segment_sum(c, part, targets, n), 1, 1e-16);
    if (p->add_self_loops) {
        of_own = o->exp(c, o->sub(c, own, most));
        total = o->add(c, total, of_own);
    }
    part = thin(c, o, o->div(c, part, o->index_select(c, total, 0, targets)), 0, e);
    luron_tensor *y =
        o->segment_sum(c, o->mul(c, o->index_select(c, h, 0, sources), o->unsqueeze(c, part, 2)), targets, n);
    if (of_own) y = o->add(c, y, o->mul(c, h, o->unsqueeze(c, thin(c, o, o->div(c, of_own, total), 1, n), 2)));
    y = p->concat ? o->reshape(c, y, LURON_SHAPE(n, p->heads * p->out_channels)) : o->mean(c, y, 1, heads, 0);
    return o->set_out(c, 0, p->bias ? o->add_row(c, y, o->param(c, BIAS)) : y);
}
static luron_tensor *scored(luron_call *c, const luron_ops *o, luron_tensor *h,
                            int att) { /* (..., heads, out) -> (..., heads) */
    static const int last[] = {2};
    return o->sum(c, o->mul(c, h, o->param(c, att)), 1, last, 0);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *h = heads_of(c, o, o->in(c, X), WEIGHT), *from = scored(c, o, h, ATT_SOURCE),
                 *to = scored(c, o, h, ATT_TARGET);
    luron_tensor *score =
        o->add(c, o->index_select(c, from, 0, graph_end(c, o, 0)), o->index_select(c, to, 0, graph_end(c, o, 1)));
    return attend(c, o, h, leaky(c, o, score), leaky(c, o, o->add(c, from, to)));
}

#define GAT_OPTIONS                                                                                                    \
    LURON_OPT_INT_REQ(gat, in_channels, 1, 1e9, "features in"),                                                        \
        LURON_OPT_INT_REQ(gat, out_channels, 1, 1e6, "features out of a head"),                                        \
        LURON_OPT_INT(gat, heads, 1, 1, 1e4, "attentions beside each other"),                                          \
        LURON_OPT_BOOL(gat, concat, 1, "the heads side by side; false: their mean"),                                   \
        LURON_OPT_FLOAT(gat, negative_slope, 0.2, -1e9, 1e9, "of leaky, below 0"),                                     \
        LURON_OPT_FLOAT(gat, dropout, 0, 0, 1, "probability that an edge has no share, when training"),                \
        LURON_OPT_BOOL(gat, add_self_loops, 1, "a loop for each node, in place of those of the edges"),                \
        LURON_OPT_BOOL(gat, bias, 1, "add a bias")
#define GAT_INITS                                                                                                      \
    LURON_OPT_INITIALISER(gat, weight_init, "first weights; nil: xavier_uniform"),                                     \
        LURON_OPT_INITIALISER(gat, bias_init, "first bias; nil: zeros")
static const luron_option *const options[] = {GAT_OPTIONS, GAT_INITS, NULL};
const luron_layer_type graph_gat = {.struct_size = sizeof(luron_layer_type),
                                    .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM | LURON_LAYER_FREES_OUT,
                                    .name = "GATConv",
                                    .doc = "graph attention: neighbours by what they and the node score",
                                    .options = options,
                                    .options_size = sizeof(gat),
                                    .in = graph_in,
                                    .declare = declare,
                                    .setup = gat_setup,
                                    .forward = gat_forward,
                                    .backward = gat_backward,
                                    .compose = compose};

/* ---- GATv2Conv -----------------------------------------------------------------------------------------------------
 */
static luron_status declare2(luron_call *c) {
    const gat *o = luron_options(c);
    const int64_t wide = o->heads * o->out_channels;
    const luron_init biases = luron_init_or(&o->bias_init, luron_init_zeros());
    luron_init weights;
    LURON_TRY(declare_common(c, &weights));
    if (o->bias) LURON_TRY(c->host->declare_param(c, BIAS_L, "bias_l", LURON_SHAPE(wide), biases));
    if (o->share_weights) return LURON_OK;
    LURON_TRY(c->host->declare_param(c, WEIGHT_R, "weight_r", LURON_SHAPE(wide, o->in_channels), weights));
    return o->bias ? c->host->declare_param(c, BIAS_R, "bias_r", LURON_SHAPE(wide), biases) : LURON_OK;
}
static luron_status setup2(luron_call *c) {
    const gat *o = luron_options(c);
    return graph_setup(c, o->in_channels, o->concat ? o->heads * o->out_channels : o->out_channels);
}
static luron_tensor *biased(luron_call *c, const luron_ops *o, luron_tensor *h, int bias) {
    const gat *p = luron_options(c);
    return p->bias ? o->add(c, h, o->reshape(c, o->param(c, bias), LURON_SHAPE(p->heads, p->out_channels))) : h;
}
static luron_status compose2(luron_call *c, const luron_ops *o) {
    const gat *p = luron_options(c);
    luron_tensor *x = o->in(c, X), *h = biased(c, o, heads_of(c, o, x, WEIGHT), BIAS_L);
    luron_tensor *to = p->share_weights ? h : biased(c, o, heads_of(c, o, x, WEIGHT_R), BIAS_R);
    luron_tensor *pair =
        o->add(c, o->index_select(c, h, 0, graph_end(c, o, 0)), o->index_select(c, to, 0, graph_end(c, o, 1)));
    return attend(c, o, h, scored(c, o, leaky(c, o, pair), ATT_SOURCE),
                  scored(c, o, leaky(c, o, o->add(c, h, to)), ATT_SOURCE));
}
static const luron_option *const options2[] = {
    GAT_OPTIONS, LURON_OPT_BOOL(gat, share_weights, 0, "the same weights for sources and targets"), GAT_INITS, NULL};
const luron_layer_type graph_gatv2 = {.struct_size = sizeof(luron_layer_type),
                                      .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM,
                                      .name = "GATv2Conv",
                                      .doc = "graph attention that ranks neighbours anew for each node",
                                      .options = options2,
                                      .options_size = sizeof(gat),
                                      .in = graph_in,
                                      .declare = declare2,
                                      .setup = setup2,
                                      .compose = compose2};
