/* adaptive.c -- the plugin, and its one type: PyTorch's adaptive softmax. x (n, in), ids (n) -> log-probabilities of
 * the ids (n), and minus their mean; without ids those of all classes, (n, classes). The head has the classes before
 * the first cutoff and one score for each cluster of rarer ones, whose weights have in / div_value^(i + 1) columns.
 *
 * Grave and others, Efficient softmax approximation for GPUs, 2017. */
#include <luron/plugin.h>
#include <math.h>
#include <stdio.h>

enum { INPUT, TARGET };
enum { MOST_CUTOFFS = 7 }; /* two parameters each, beside the head's */
typedef struct adaptive {
    int64_t in_features, n_classes;
    luron_ints cutoffs;
    double div_value;
    int32_t head_bias;
} adaptive;

/* Slots: the weight of the head, its bias, then two weights of each cluster. */
static int slot_of(const adaptive *a, int cluster) { return 1 + a->head_bias + 2 * cluster; }
static int64_t end_of(const adaptive *a, int cluster) { /* of its classes */
    return cluster + 1 < a->cutoffs.n ? a->cutoffs.at[cluster + 1] : a->n_classes;
}
static luron_init near_zero(int64_t fan_in) {
    return luron_init_uniform(-1 / sqrt((double)fan_in), 1 / sqrt((double)fan_in));
}

static luron_status declare(luron_call *c) {
    const adaptive *a = luron_options(c);
    const int64_t in = a->in_features, n = a->cutoffs.n;
    for (int64_t i = 0, before = 0; i < n; before = a->cutoffs.at[i++])
        if (a->cutoffs.at[i] <= before || a->cutoffs.at[i] >= a->n_classes)
            return luron_fail(c, LURON_E_ARGUMENT,
                              "cutoffs: %lld behind %lld, ascending numbers below n_classes %lld expected",
                              (long long)a->cutoffs.at[i], (long long)before, (long long)a->n_classes);
    LURON_TRY(c->host->declare_param(c, 0, "head_weight", LURON_SHAPE(a->cutoffs.at[0] + n, in), near_zero(in)));
    if (a->head_bias)
        LURON_TRY(c->host->declare_param(c, 1, "head_bias", LURON_SHAPE(a->cutoffs.at[0] + n), near_zero(in)));
    for (int i = 0; i < n; i++) {
        const int64_t columns = (int64_t)floor((double)in / pow(a->div_value, i + 1));
        char name[2][32];
        if (columns < 1)
            return luron_fail(
                c, LURON_E_ARGUMENT,
                "cluster %lld has no features: in_features %lld is less than div_value %g to the power of %d",
                (long long)luron_shown(c, i), (long long)in, a->div_value, i + 1);
        for (int k = 0; k < 2; k++)
            snprintf(name[k], sizeof name[k], "tail_%d_%d_weight", i, k); /* PyTorch's tail.0.1.weight */
        LURON_TRY(c->host->declare_param(c, slot_of(a, i), name[0], LURON_SHAPE(columns, in), near_zero(in)));
        LURON_TRY(c->host->declare_param(c, slot_of(a, i) + 1, name[1],
                                         LURON_SHAPE(end_of(a, i) - a->cutoffs.at[i], columns), near_zero(columns)));
    }
    return LURON_OK;
}
static luron_status check(luron_call *c) {
    const adaptive *a = luron_options(c);
    const luron_view *x = luron_in(c, INPUT), *t = luron_in(c, TARGET);
    if (x->ndim < 1 || x->ndim > 2)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, expected (n, features) or (features)",
                          (int)x->ndim);
    if (x->shape[x->ndim - 1] != a->in_features)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld features, in_features is %lld",
                          (long long)x->shape[x->ndim - 1], (long long)a->in_features);
    if (t && (t->ndim != x->ndim - 1 || (t->ndim && t->shape[0] != x->shape[0])))
        return luron_fail(c, LURON_E_SHAPE, "target: an id for each row of input expected");
    return LURON_OK;
}
/* Log-probabilities of all classes, (n, classes). */
static luron_tensor *of_all(luron_call *c, const luron_ops *o, const adaptive *a, luron_tensor *x) {
    const int64_t first = a->cutoffs.at[0];
    luron_tensor *part[MOST_CUTOFFS + 1], *head = o->matmul(c, x, o->param(c, 0), LURON_TRANS_B);
    if (a->head_bias) head = o->add_row(c, head, o->param(c, 1));
    head = o->log_softmax(c, head, 1);
    part[0] = o->narrow(c, head, 1, 0, first);
    for (int i = 0; i < a->cutoffs.n; i++) {
        luron_tensor *y = o->matmul(c, x, o->param(c, slot_of(a, i)), LURON_TRANS_B);
        y = o->log_softmax(c, o->matmul(c, y, o->param(c, slot_of(a, i) + 1), LURON_TRANS_B), 1);
        part[i + 1] = o->add(c, y, o->narrow(c, head, 1, first + i, 1));
    }
    return o->cat(c, (int)a->cutoffs.n + 1, part, 1);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const adaptive *a = luron_options(c);
    const luron_view *x = luron_in(c, INPUT);
    const int64_t n = x->ndim == 2 ? x->shape[0] : 1;
    LURON_TRY(check(c));
    luron_tensor *y = of_all(c, o, a, o->reshape(c, o->in(c, INPUT), LURON_SHAPE(n, a->in_features)));
    if (!luron_in(c, TARGET)) {
        LURON_TRY(o->set_out(c, 0, x->ndim == 2 ? y : o->reshape(c, y, LURON_SHAPE(a->n_classes))));
        return o->set_out(c, 1, o->reshape(c, o->narrow(c, y, 1, 0, 0), LURON_SHAPE(0)));
    }
    LURON_TRY(luron_check_ids(c, TARGET, a->n_classes)); /* or it were an error of gather */
    y = o->gather(c, y, 1, o->reshape(c, o->in(c, TARGET), LURON_SHAPE(n, 1)));
    LURON_TRY(o->set_out(c, 0, o->reshape(c, y, x->ndim - 1, x->shape)));
    return o->set_out(c, 1, o->scale(c, o->sum(c, y, 0, NULL, 0), -1 / (double)(n ? n : 1), 0));
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(adaptive, in_features, 1, 1e9, "features of the input"),
    LURON_OPT_INT_REQ(adaptive, n_classes, 2, 1e9, "classes, the frequent ones first"),
    LURON_OPT_INTS_REQ(adaptive, cutoffs, 1, 1e9, 1, MOST_CUTOFFS,
                       "how many classes the head has, then it and the first clusters, ..."),
    LURON_OPT_FLOAT(adaptive, div_value, 4.0, 1, 1e9,
                    "each cluster has as many times fewer features than the one before"),
    LURON_OPT_BOOL(adaptive, head_bias, 0, "add a bias to the head"),
    NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, in_features) or (in_features)"),
                                       LURON_PORT("target", LURON_PORT_INDEX | LURON_PORT_OPTIONAL, 0, 0,
                                                  "class ids, (n); absent: log-probabilities of all classes are given"),
                                       NULL};
static const luron_port *const out[] = {
    LURON_PORT("output", 0, LURON_REAL, 0, "log-probabilities of the targets, (n), or (n, n_classes)"),
    LURON_PORT("loss", 0, LURON_REAL, 0, "minus their mean, 0 for no rows; without targets no elements"), NULL};
static const luron_layer_type type = {.struct_size = sizeof type,
                                      .flags = LURON_LAYER_F64,
                                      .name = "AdaptiveLogSoftmaxWithLoss",
                                      .doc = "softmax over many classes, of which rare ones have fewer weights",
                                      .options = options,
                                      .options_size = sizeof(adaptive),
                                      .in = in,
                                      .out = out,
                                      .declare = declare,
                                      .compose = compose};
static const luron_layer_type *const layers[] = {&type, NULL};
LURON_PLUGIN_DEFINE(adaptive) = {.struct_size = sizeof(luron_plugin),
                                 .abi_major = LURON_ABI_MAJOR,
                                 .name = "adaptive",
                                 .version = "0.1.0",
                                 .layers = layers};
