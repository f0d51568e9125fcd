/* loss.c -- the plugin: losses with the names, options and numbers of PyTorch's, and what its files share. */
#include "loss.h"

#define LISTED(id) &loss_##id,
static const luron_layer_type *const layers[] = { LOSSES(LISTED) NULL };
LURON_PLUGIN_DEFINE(loss) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "loss", .version = "0.1.0", .layers = layers
};

const char *const loss_reductions[] = { "mean", "sum", "none", NULL };
const char *const loss_reductions_batch[] = { "mean", "sum", "none", "batchmean", NULL };
const luron_port *const loss_pair[] = { LURON_PORT("input", 0, LURON_REAL, 0, "any shape"),
    LURON_PORT("target", 0, LURON_REAL, 0, "as input"), NULL };
static int64_t chunks(int64_t n, int64_t grain) { return n / grain + (n % grain != 0); }

luron_status loss_no_gradient(luron_call *c, int port, const char *name) {
    double beta;
    if (!luron_grad_in_beta(c, port, &beta)) return LURON_OK;
    return luron_fail(c, LURON_E_GRADIENT, "%s has no gradient: give a tensor that does not require one", name);
}

luron_tensor *loss_reduce(luron_call *c, const luron_ops *o, luron_tensor *terms, luron_tensor *count) {
    const int32_t reduction = ((const loss *)c->options)->reduction;
    if (reduction == LOSS_NONE) return terms;
    luron_tensor *sum = o->sum(c, terms, 0, NULL, 0);
    return reduction == LOSS_SUM ? sum : o->div(c, sum, count);
}

void loss_put(luron_call *c, double value) {
    if (((const loss *)c->options)->reduction == LOSS_NONE) return;
    void *y = luron_data(luron_out(c, 0));
    if (c->dtype == LURON_F64) *(double *)y = value;
    else *(float *)y = (float)value;
}

double loss_reduced_gradient(const luron_call *c) {
    const luron_view *gy = luron_grad_out(c, 0);
    if (((const loss *)c->options)->reduction == LOSS_NONE) return 1;
    return c->dtype == LURON_F64 ? *luron_f64(gy) : (double)*luron_f32(gy);
}

/* ---- one term an element ----------------------------------------------------------------------------------------------- */
enum { GRAIN = 4096 }; /* elements whose terms are added up in one chunk */
typedef struct pointwise {
    luron_call *c;
    const loss_pointwise *type;
    uint32_t dtype;
    const luron_host *host;
    const loss *o;
    const luron_view *shape;   /* of the input */
    const luron_view *wv, *pv; /* weight and pos_weight, which broadcast to it, or NULL */
    const void *x, *t, *w, *p, *gy;
    void *each, *gx, *gt; /* NULL: not wanted */
    double *sums, scale, beta_x, beta_t;
} pointwise;

static luron_status check_broadcast(luron_call *c, int port, const char *name) {
    const luron_view *v = luron_in(c, port), *x = luron_in(c, INPUT);
    if (!v) return LURON_OK;
    if (v->ndim > x->ndim)
        return luron_fail(c, LURON_E_SHAPE, "%s has %d dimensions, input has %d", name, (int)v->ndim, (int)x->ndim);
    for (int i = 1; i <= v->ndim; i++) {
        const int64_t have = v->shape[v->ndim - i], want = x->shape[x->ndim - i];
        if (have != 1 && have != want)
            return luron_fail(c, LURON_E_SHAPE, "%s has size %lld in dimension %d, expected 1 or %lld as in input", name,
                              (long long)have, -i, (long long)want);
    }
    return LURON_OK;
}

luron_status loss_pointwise_setup(luron_call *c) {
    const luron_view *x = luron_in(c, INPUT), *t = luron_in(c, TARGET);
    const int32_t reduction = ((const loss *)c->options)->reduction;
    if (x->ndim != t->ndim)
        return luron_fail(c, LURON_E_SHAPE, "target has %d dimensions, input has %d: the two must have one shape", (int)t->ndim,
                          (int)x->ndim);
    for (int i = 0; i < x->ndim; i++)
        if (x->shape[i] != t->shape[i])
            return luron_fail(c, LURON_E_SHAPE, "target has size %lld in dimension %lld, input has %lld: the two must have one shape",
                              (long long)t->shape[i], (long long)luron_shown(c, i), (long long)x->shape[i]);
    if (reduction == LOSS_BATCHMEAN && x->ndim == 0)
        return luron_fail(c, LURON_E_SHAPE, "input has no dimension, reduction \"batchmean\" divides by the size of the first");
    LURON_TRY(check_broadcast(c, WEIGHT, "weight"));
    LURON_TRY(check_broadcast(c, POS_WEIGHT, "pos_weight"));
    LURON_TRY(c->host->declare_scratch(c, chunks(luron_numel(x), GRAIN) * (int64_t)sizeof(double)));
    return reduction == LOSS_NONE ? luron_set_out_like(c, 0, x) : c->host->set_out(c, 0, LURON_REAL, 0, NULL);
}

/* Where element i of `shape` lies in v, which broadcasts to it. */
static int64_t broadcast_at(const luron_view *v, const luron_view *shape, int64_t i) {
    int64_t at = 0, step = 1;
    for (int d = 1; d <= v->ndim; d++) {
        const int64_t size = shape->shape[shape->ndim - d], own = v->shape[v->ndim - d];
        if (own != 1) at += i % size * step;
        i /= size, step *= own;
    }
    return at;
}

/* The loops of a type by dtype. */
static void run(const pointwise *k, loss_piece *at, int what, void *to) {
    const int which = k->dtype == LURON_F64 ? 2 : k->host->vector_bytes >= 32;
    at->what = what, at->to = to;
    k->type->piece[which](at);
}
/* u, then v, if so many are needed. */
static void functions(const pointwise *k, loss_piece *at, int needs, void *u, void *v) {
    if (needs > 0 && k->type->u) {
        run(k, at, LOSS_U, u);
        k->host->map(k->host, (uint32_t)k->type->u(k->o), k->dtype, at->n, u, u);
    }
    if (needs > 1 && k->type->v) {
        run(k, at, LOSS_V, v);
        k->host->map(k->host, (uint32_t)k->type->v(k->o), k->dtype, at->n, v, v);
    }
}
#define REAL float
#include "pieces.h"
#define REAL double
#include "pieces.h"
WIDE_PASS(terms)
WIDE_PASS(slopes)

static pointwise open_pointwise(luron_call *c, const loss_pointwise *type) {
    const luron_view *x = luron_in(c, INPUT), *w = luron_in(c, WEIGHT), *p = luron_in(c, POS_WEIGHT);
    return (pointwise) { .c = c, .type = type, .dtype = c->dtype, .host = c->host, .o = c->options, .shape = x, .wv = w, .pv = p,
        .x = luron_data(x), .w = luron_data(w), .p = luron_data(p), .t = luron_data(luron_in(c, TARGET)), .sums = luron_scratch(c) };
}
static double divisor(const pointwise *k) {
    if (k->o->reduction == LOSS_MEAN) return (double)luron_numel(k->shape);
    return k->o->reduction == LOSS_BATCHMEAN ? (double)k->shape->shape[0] : 1;
}

static void put_terms(pointwise *k, loss_chunk *fn) {
    const int64_t n = luron_numel(k->shape);
    if (k->o->reduction == LOSS_NONE) k->each = luron_data(luron_out(k->c, 0));
    k->host->parallel_for(k->c, n, GRAIN, fn, k);
    double sum = 0;
    for (int64_t i = 0; i < chunks(n, GRAIN); i++) sum += k->sums[i];
    loss_put(k->c, sum / divisor(k));
}
static luron_status open_slopes(pointwise *k) {
    luron_call *c = k->c;
    LURON_TRY(loss_no_gradient(c, WEIGHT, "weight"));
    LURON_TRY(loss_no_gradient(c, POS_WEIGHT, "pos_weight"));
    k->gx = luron_data(luron_grad_in_beta(c, INPUT, &k->beta_x));
    k->gt = luron_data(luron_grad_in_beta(c, TARGET, &k->beta_t));
    k->scale = loss_reduced_gradient(c) / divisor(k);
    if (k->o->reduction == LOSS_NONE) k->gy = luron_data(luron_grad_out(c, 0));
    return LURON_OK;
}
static void piece_and_slopes(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const pointwise *k = arg;
    BY_VECTORS(k, terms)(arg, begin, end, chunk);
    BY_VECTORS(k, slopes)(arg, begin, end, chunk);
}

luron_status loss_pointwise_forward(luron_call *c, const loss_pointwise *type) {
    pointwise k = open_pointwise(c, type);
    put_terms(&k, BY_VECTORS(c, terms));
    return LURON_OK;
}
luron_status loss_pointwise_backward(luron_call *c, const loss_pointwise *type) {
    pointwise k = open_pointwise(c, type);
    LURON_TRY(open_slopes(&k));
    c->host->parallel_for(c, luron_numel(k.shape), GRAIN, BY_VECTORS(c, slopes), &k);
    return LURON_OK;
}
luron_status loss_pointwise_both(luron_call *c, const loss_pointwise *type) {
    pointwise k = open_pointwise(c, type);
    LURON_TRY(open_slopes(&k));
    put_terms(&k, piece_and_slopes);
    return LURON_OK;
}

luron_status loss_pointwise_finish(luron_call *c, const luron_ops *o, luron_tensor *terms) {
    pointwise k = open_pointwise(c, NULL);
    if (k.wv) terms = o->mul(c, terms, o->in(c, WEIGHT));
    return o->set_out(c, 0, loss_reduce(c, o, terms, o->scalar(c, divisor(&k))));
}

/* ---- classes ------------------------------------------------------------------------------------------------------------- */
/* Does the target have the shape of the input: all of it (soft), or all but the dimension of classes? */
static luron_status check_target(luron_call *c, int soft) {
    const luron_view *x = luron_in(c, INPUT), *t = luron_in(c, TARGET);
    const int at = x->ndim > 1 ? 1 : 0, ndim = soft ? x->ndim : x->ndim - 1;
    if (t->ndim != ndim)
        return luron_fail(c, LURON_E_SHAPE, "target has %d dimensions, expected %d: %s", (int)t->ndim, ndim,
                          soft ? "a probability for each number of input" : "the shape of input without its classes");
    for (int i = 0; i < ndim; i++) {
        const int64_t want = x->shape[soft || i < at ? i : i + 1];
        if (t->shape[i] != want)
            return luron_fail(c, LURON_E_SHAPE, "target has size %lld in dimension %lld, expected %lld as in input",
                              (long long)t->shape[i], (long long)luron_shown(c, i), (long long)want);
    }
    return LURON_OK;
}

luron_status loss_classes_setup(luron_call *c, int soft, int extra) {
    const luron_view *x = luron_in(c, INPUT), *w = luron_in(c, WEIGHT);
    if (x->ndim < 1) return luron_fail(c, LURON_E_SHAPE, "input has no dimension, expected (n, classes, ...) or (classes)");
    classes k;
    loss_classes_open(&k, c);
    if (k.n < 1) return luron_fail(c, LURON_E_SHAPE, "input has 0 classes, expected at least one");
    LURON_TRY(check_target(c, soft));
    if (w && w->shape[0] != k.n)
        return luron_fail(c, LURON_E_SHAPE, "weight has %lld numbers, input has %lld classes", (long long)w->shape[0],
                          (long long)k.n);
    LURON_TRY(c->host->declare_scratch(c, chunks(k.rows, loss_row_grain(&k)) * (int64_t)sizeof(double)));
    LURON_TRY(c->host->declare_saved(c, 0, LURON_F64, LURON_SHAPE(k.rows + extra)));
    if (k.o->reduction != LOSS_NONE) return c->host->set_out(c, 0, LURON_REAL, 0, NULL);
    int64_t shape[8] = { x->shape[0] };
    for (int i = 2; i < x->ndim; i++) shape[i - 1] = x->shape[i];
    return c->host->set_out(c, 0, LURON_REAL, x->ndim - 1, shape);
}

void loss_classes_open(classes *k, luron_call *c) {
    const luron_view *x = luron_in(c, INPUT), *t = luron_in(c, TARGET), *w = luron_in(c, WEIGHT);
    const int64_t n = x->shape[x->ndim > 1];
    *k = (classes) { .c = c, .o = c->options, .rows = x->ndim > 1 ? x->shape[0] : 1, .n = n, .inner = 1, .x = luron_data(x),
        .w = luron_data(w), .sums = luron_scratch(c), .lse = luron_data(luron_saved(c, 0)), .scale = 1, .weight_sum = (double)n };
    if (t->dtype_bits == 64) k->ids = luron_data(t);
    for (int i = 2; i < x->ndim; i++) k->inner *= x->shape[i];
    k->rows *= k->inner;
    const luron_view *gy = luron_grad_out(c, 0);
    if (gy) {
        k->scale = loss_reduced_gradient(c);
        if (k->o->reduction == LOSS_NONE) k->gy = luron_data(gy);
        k->gx = luron_data(luron_grad_in_beta(c, INPUT, &k->beta_x));
    }
    if (k->o->reduction == LOSS_NONE) k->each = luron_data(luron_out(c, 0));
    if (!k->w || !k->sums) return; /* setup looks at shapes alone: the weights may not even fit */
    k->weight_sum = 0;
    for (int64_t i = 0; i < n; i++)
        k->weight_sum += c->dtype == LURON_F64 ? ((const double *)k->w)[i] : (double)((const float *)k->w)[i];
}

double loss_rows(classes *k, loss_chunk *fn) {
    const int64_t grain = loss_row_grain(k);
    double sum = 0;
    k->c->host->parallel_for(k->c, k->rows, grain, fn, k);
    for (int64_t i = 0; i < chunks(k->rows, grain); i++) sum += k->sums[i];
    return sum;
}

/* sum_weights where all weigh the same. 0: not every id is one. */
static int count_ids(const classes *k, double *sum) {
    const int64_t *ids = k->ids, base = k->c->index_base, rows = k->rows, ignored = loss_ignored(k);
    const uint64_t n = (uint64_t)k->n;
    int64_t count = 0;
    int bad = 0;
    for (int64_t i = 0; i < rows; i++) {
        const int counts = ids[i] != ignored;
        count += counts, bad |= counts & ((uint64_t)ids[i] - (uint64_t)base >= n);
    }
    *sum = (double)count;
    return !bad;
}

/* Every target is an id within the classes, or ignore_index; the weights of those that count, added up in the rows' chunks. */
static luron_status sum_weights(const classes *k, double *sum) {
    if (k->ids && !k->w && count_ids(k, sum)) return LURON_OK;
    const int64_t grain = loss_row_grain(k), n = k->n, rows = k->rows, ignored = k->o->ignore_index;
    double part = 0, all = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t id = luron_id(k->c, TARGET, i);
        if (k->w && i % grain == 0) all += part, part = 0;
        if (id == ignored && id != INT64_MIN) continue; /* that one is of no id at all */
        if (id < 0 || id >= n) return k->c->host->bad_id(k->c, TARGET, i, n);
        if (!k->w) count++;
        else part += k->c->dtype == LURON_F64 ? ((const double *)k->w)[id] : (double)((const float *)k->w)[id];
    }
    *sum = k->w ? all + part : (double)count;
    return LURON_OK;
}
/* The terms of a chunk, and their slopes while it is in the cache. */
static void terms_and_slopes(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const classes *k = arg;
    k->terms(arg, begin, end, chunk);
    k->slopes(arg, begin, end, chunk);
}

luron_status loss_ids_forward(luron_call *c, loss_chunk *terms, loss_chunk *slopes) {
    classes k;
    loss_classes_open(&k, c);
    double *weight_sum = &k.lse[k.rows];
    LURON_TRY(sum_weights(&k, weight_sum));
    LURON_TRY(loss_no_gradient(c, WEIGHT, "weight"));
    const int is_mean = k.o->reduction == LOSS_MEAN;
    if (is_mean) k.scale /= *weight_sum;
    k.terms = terms, k.slopes = slopes;
    const double sum = loss_rows(&k, k.gx ? terms_and_slopes : terms);
    loss_put(c, is_mean ? sum / *weight_sum : sum);
    return LURON_OK;
}
luron_status loss_ids_backward(luron_call *c, loss_chunk *slopes) {
    classes k;
    loss_classes_open(&k, c);
    LURON_TRY(loss_no_gradient(c, WEIGHT, "weight"));
    if (k.o->reduction == LOSS_MEAN) k.scale /= k.lse[k.rows];
    if (k.gx) c->host->parallel_for(c, k.rows, loss_row_grain(&k), slopes, &k);
    return LURON_OK;
}

luron_tensor *loss_log_probabilities(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, INPUT);
    const int at = luron_in(c, INPUT)->ndim > 1;
    if (((const loss *)c->options)->from_logits) return o->log_softmax(c, x, at);
    return o->log(c, o->clamp(c, o->div(c, x, o->sum(c, x, 1, &at, 1)), 1e-7, 1));
}

luron_status loss_compose_ids(luron_call *c, const luron_ops *o, luron_tensor *logp) {
    const loss *opt = c->options;
    const luron_view *x = luron_in(c, INPUT);
    const int at = x->ndim > 1;
    int64_t wide[8] = { 1 }, row[8] = { 1 };
    for (int i = 0; i < x->ndim; i++) wide[i] = i == at ? 1 : x->shape[i], row[i] = i == at ? x->shape[i] : 1;
    /* Ignored ids are read as the first class, with a weight of 0. */
    luron_tensor *target = o->in(c, TARGET), *ignored = o->scalar(c, (double)luron_shown(c, opt->ignore_index));
    luron_tensor *kept = o->ne(c, target, ignored), *w = o->cast(c, kept, c->dtype);
    luron_tensor *ids = o->mul(c, target, o->cast(c, kept, LURON_I64));
    if (luron_shown(c, 0)) ids = o->add(c, ids, o->cast(c, o->eq(c, target, ignored), LURON_I64));
    ids = o->reshape(c, ids, x->ndim, wide);
    w = o->reshape(c, w, x->ndim, wide);
    luron_tensor *weight = luron_in(c, WEIGHT) ? o->reshape(c, o->in(c, WEIGHT), x->ndim, row) : NULL, *smooth = logp;
    if (weight) {
        int64_t shape[8];
        for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
        w = o->mul(c, w, o->gather(c, o->expand(c, weight, x->ndim, shape), at, ids));
        smooth = o->mul(c, logp, weight);
    }
    const double s = opt->label_smoothing;
    luron_tensor *terms = o->scale(c, o->mul(c, o->gather(c, logp, at, ids), w), s - 1, 0);
    if (s > 0) {
        luron_tensor *zero = o->scalar(c, 0);
        smooth = o->where(c, o->reshape(c, kept, x->ndim, wide), o->sum(c, smooth, 1, &at, 1), zero);
        terms = o->add(c, terms, o->scale(c, smooth, -s / (double)x->shape[at], 0));
    }
    terms = loss_reduce(c, o, terms, o->sum(c, w, 0, NULL, 0));
    if (opt->reduction != LOSS_NONE) return o->set_out(c, 0, terms);
    for (int i = at + 1; i < x->ndim; i++) wide[i - 1] = x->shape[i];
    return o->set_out(c, 0, o->reshape(c, terms, x->ndim - 1, wide));
}
