/* mixture.c -- the plugin, and its one type: a mixture of experts. x (..., in) -> y (..., in), the sum over the top_k
 * experts of each row by share times w2 act(w1 x + b1) + b2, where shares are the softmax of a gate, and a loss that is
 * small where experts are used alike: experts times the sum over them of how many rows chose one, in parts of all,
 * times its mean share. Every expert is computed for every row.
 *
 * Shazeer and others, Outrageously large neural networks, 2017; Fedus and others, Switch transformers, 2021, whose loss
 * counts one choice a row. */
#include <luron/plugin.h>
#include <math.h>

enum { GATE, W1, W2, B1, B2 };
enum { RELU, GELU, SILU };
typedef struct mixture {
    int64_t in_features, hidden_features, num_experts, top_k;
    int32_t activation, bias, normalize;
} mixture;

static luron_init near_zero(int64_t fan_in) {
    return luron_init_uniform(-1 / sqrt((double)fan_in), 1 / sqrt((double)fan_in));
}
static luron_status declare(luron_call *c) {
    const mixture *m = luron_options(c);
    const int64_t in = m->in_features, hidden = m->hidden_features, n = m->num_experts;
    if (m->top_k > n)
        return luron_fail(c, LURON_E_ARGUMENT, "top_k is %lld, at most num_experts = %lld expected",
                          (long long)m->top_k, (long long)n);
    LURON_TRY(c->host->declare_param(c, GATE, "gate_weight", LURON_SHAPE(n, in), near_zero(in)));
    LURON_TRY(c->host->declare_param(c, W1, "weight1", LURON_SHAPE(n, hidden, in), near_zero(in)));
    LURON_TRY(c->host->declare_param(c, W2, "weight2", LURON_SHAPE(n, in, hidden), near_zero(hidden)));
    if (!m->bias) return LURON_OK;
    LURON_TRY(c->host->declare_param(c, B1, "bias1", LURON_SHAPE(n, hidden), near_zero(in)));
    return c->host->declare_param(c, B2, "bias2", LURON_SHAPE(n, in), near_zero(hidden));
}
static luron_tensor *activated(luron_call *c, const luron_ops *o, int32_t kind, luron_tensor *x) {
    if (kind == RELU) return o->clamp(c, x, 0, INFINITY);
    if (kind == SILU) return o->mul(c, x, o->sigmoid(c, x));
    luron_tensor *half = o->scale(c, o->erf(c, o->scale(c, x, sqrt(0.5), 0)), 0.5, 0.5);
    return o->mul(c, x, half);
}
/* Rows x (n, in) through a layer of all experts: (experts, n, out). */
static luron_tensor *through(luron_call *c, const luron_ops *o, luron_tensor *x, int weight, int bias) {
    const int64_t out = o->size(c, o->param(c, weight), 1), n = ((const mixture *)luron_options(c))->num_experts;
    x = o->matmul(c, x, o->param(c, weight), LURON_TRANS_B);
    return bias < c->n_param ? o->add(c, x, o->reshape(c, o->param(c, bias), LURON_SHAPE(n, 1, out))) : x;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const mixture *m = luron_options(c);
    const luron_view *v = luron_in(c, 0);
    const int first = 0, last = 1;
    if (v->ndim < 1 || v->shape[v->ndim - 1] != m->in_features)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld features, in_features is %lld",
                          (long long)(v->ndim < 1 ? 0 : v->shape[v->ndim - 1]), (long long)m->in_features);
    const int64_t n = luron_numel(v) / m->in_features, e = m->num_experts;
    luron_tensor *x = o->reshape(c, o->in(c, 0), LURON_SHAPE(n, m->in_features)), *ids, *none;
    luron_tensor *shares = o->softmax(c, o->matmul(c, x, o->param(c, GATE), LURON_TRANS_B), 1);
    luron_tensor *best = o->topk(c, shares, m->top_k, 1, 1, &ids);
    none = o->contiguous(c, o->expand(c, o->scalar(c, 0), LURON_SHAPE(n, e)));
    luron_tensor *one = o->contiguous(c, o->expand(c, o->scalar(c, 1), LURON_SHAPE(n, m->top_k)));
    luron_tensor *chosen = o->sum(c, o->scatter(c, none, 1, ids, one), 1, &first, 0);
    luron_tensor *loss = o->sum(c, o->mul(c, chosen, o->sum(c, shares, 1, &first, 0)), 0, NULL, 0);
    const double rows = (double)(n ? n : 1);
    if (m->normalize) best = o->div(c, best, o->sum(c, best, 1, &last, 1));
    luron_tensor *gate = o->reshape(c, o->transpose(c, o->scatter(c, none, 1, ids, best), 0, 1), LURON_SHAPE(e, n, 1));
    luron_tensor *y = activated(c, o, m->activation, through(c, o, o->unsqueeze(c, x, 0), W1, B1));
    y = o->sum(c, o->mul(c, through(c, o, y, W2, B2), gate), 1, &first, 0);
    LURON_TRY(o->set_out(c, 0, o->reshape(c, y, v->ndim, v->shape)));
    return o->set_out(c, 1, o->scale(c, loss, (double)e / (rows * rows), 0));
}

static const char *const activations[] = {"relu", "gelu", "silu", NULL};
static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(mixture, in_features, 1, 1e9, "features of input and output"),
    LURON_OPT_INT_REQ(mixture, hidden_features, 1, 1e9, "features within an expert"),
    LURON_OPT_INT_REQ(mixture, num_experts, 1, 1e6, "experts"),
    LURON_OPT_INT(mixture, top_k, 2, 1, 1e6, "how many of them a row goes to"),
    LURON_OPT_CHOICE(mixture, activation, "relu", activations, "within an expert"),
    LURON_OPT_BOOL(mixture, bias, 1, "experts add biases"),
    LURON_OPT_BOOL(mixture, normalize, 1, "the shares of the chosen experts sum to 1"),
    NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., in_features)"), NULL};
static const luron_port *const out[] = {
    LURON_PORT("output", 0, LURON_REAL, 0, "as input"),
    LURON_PORT("balance", 0, LURON_REAL, 0, "a loss: top_k where all experts are used alike, up to num_experts"), NULL};
static const luron_layer_type type = {.struct_size = sizeof type,
                                      .flags = LURON_LAYER_F64,
                                      .name = "MixtureOfExperts",
                                      .doc = "each row through those of several small networks that a gate chooses",
                                      .options = options,
                                      .options_size = sizeof(mixture),
                                      .in = in,
                                      .out = out,
                                      .declare = declare,
                                      .compose = compose};
static const luron_layer_type *const layers[] = {&type, NULL};
LURON_PLUGIN_DEFINE(mixture) = {.struct_size = sizeof(luron_plugin),
                                .abi_major = LURON_ABI_MAJOR,
                                .name = "mixture",
                                .version = "0.1.0",
                                .layers = layers};
