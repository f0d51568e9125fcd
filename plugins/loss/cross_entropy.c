/* cross_entropy.c: -w[t] log softmax(x)[t]. x (n,C,d...), t (n,d...) ids, w (C) -> scalar, or as t. The mean is over the
 * weights of the targets that count. label_smoothing s takes s of each target and spreads it over the C classes.      */
#ifndef REAL
#include "loss.h"
#define REAL float
#include "cross_entropy.c"
#define REAL double
#include "cross_entropy.c"

static luron_status setup(luron_call *c) { return loss_classes_setup(c, 0, 1); }
static luron_status forward(luron_call *c) {
    classes k = loss_classes_open(c);
    LURON_TRY(loss_check_ids(c, &k));
    double loss_sum, weight_sum;
    loss_rows(&k, BY_TYPE(c, terms), &loss_sum, &weight_sum);
    k.lse[k.rows] = weight_sum;
    loss_put(c, k.o->reduction == LOSS_MEAN ? loss_sum / weight_sum : loss_sum);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    classes k = loss_classes_open(c);
    LURON_TRY(loss_no_gradient(c, WEIGHT, "weight"));
    if (k.o->reduction == LOSS_MEAN) k.scale /= k.lse[k.rows];
    if (k.gx) c->host->parallel_for(c, k.rows, loss_row_grain(&k), BY_TYPE(c, slopes), &k);
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    return loss_compose_ids(c, o, o->log_softmax(c, o->in(c, INPUT), luron_in(c, INPUT)->ndim > 1));
}
static const luron_option *const options[] = { LOSS_IGNORE, LOSS_SMOOTHING, LOSS_REDUCTION, NULL };
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 0, "logits, (n, classes, ...)"),
    LURON_PORT("target", LURON_PORT_INDEX, 0, 0, "class ids, (n, ...)"),
    LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 1, "of each class"), NULL };
const luron_layer_type loss_cross_entropy = { LOSS_TYPE("CrossEntropyLoss", "cross_entropy", "cross entropy of logits and class ids"),
    .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS | LURON_LAYER_FREES_OUT, .in = in, .setup = setup, .forward = forward,
    .backward = backward, .compose = compose };
#else
#include "log_sum_exp.h"
static void TYPED(terms)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const classes *k = arg;
    const REAL *w = k->w;
    const double s = k->o->label_smoothing;
    double loss_sum = 0, weight_sum = 0;
    REAL e[LOSS_PIECE];
    const int64_t block = k->inner == 1 && k->n > 0 && k->n < LOSS_PIECE ? LOSS_PIECE / k->n : 0; /* rows that are one run; 0: none */
    for (int64_t i = begin; i < end; i++) {
        const REAL *x = (const REAL *)k->x + loss_row_at(k, i);
        const int64_t id = luron_id(k->c, TARGET, i);
        const int counts = id != k->o->ignore_index;
        if (block && (i - begin) % block == 0) TYPED(log_sums_exp)(k->c, x, end - i < block ? end - i : block, k->n, k->lse + i, e);
        const double own = !counts ? 0 : w ? w[id] : 1;
        const double lse = !counts ? 0 : block ? k->lse[i] : TYPED(log_sum_exp)(k->c, x, k->n, k->inner);
        double term = counts ? (1 - s) * own * (lse - x[id * k->inner]) : 0;
        for (int64_t j = 0; counts && s > 0 && j < k->n; j++) term += s / (double)k->n * (w ? w[j] : 1) * (lse - x[j * k->inner]);
        if (k->each) ((REAL *)k->each)[i] = (REAL)term;
        k->lse[i] = lse, loss_sum += term, weight_sum += own;
    }
    k->sums[2 * chunk] = loss_sum, k->sums[2 * chunk + 1] = weight_sum;
}
static void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const classes *k = arg;
    const REAL *w = k->w;
    const double s = k->o->label_smoothing, spread = s / (double)k->n;
    const int64_t block = k->inner == 1 && k->n > 0 && k->n < LOSS_PIECE ? LOSS_PIECE / k->n : 0; /* rows that are one run; 0: none */
    REAL e[LOSS_PIECE];
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *x = (const REAL *)k->x + loss_row_at(k, i);
        const int64_t in_block = block ? (i - begin) % block : 0;
        if (block && in_block == 0) TYPED(probabilities_of_rows)(k->c, x, end - i < block ? end - i : block, k->n, k->lse + i, e);
        const REAL *es = e + in_block * k->n;
        REAL *gx = (REAL *)k->gx + loss_row_at(k, i);
        const int64_t id = luron_id(k->c, TARGET, i);
        const int counts = id != k->o->ignore_index;
        const double own = (1 - s) * (counts && w ? w[id] : 1), all = own + spread * k->weight_sum;
        const double g = k->gy ? k->scale * ((const REAL *)k->gy)[i] : k->scale;
        for (int64_t at = 0, m; at < k->n; at += m) {
            m = block ? k->n : TYPED(probabilities)(k->c, x, k->n, k->inner, k->lse[i], at, e);
            for (int64_t j = at; j < at + m; j++) {
                const double d = counts ? g * (es[j - at] * all - spread * (w ? w[j] : 1) - (j == id ? own : 0)) : 0;
                gx[j * k->inner] = (REAL)(k->beta_x != 0 ? gx[j * k->inner] + d : d);
            }
        }
    }
}
#undef REAL
#endif
