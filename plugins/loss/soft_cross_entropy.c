/* soft_cross_entropy.c: -sum over j of w[j] t[j] log softmax(x)[j]. x (n,C,d...), t as x, w (C) -> scalar, or (n,d...).
 * The mean is over the n d... rows, whatever their weights. label_smoothing s makes t into (1 - s) t + s / C.         */
#ifndef REAL
#include "loss.h"
#define REAL float
#include "soft_cross_entropy.c"
#define REAL double
#include "soft_cross_entropy.c"

static luron_status setup(luron_call *c) { return loss_classes_setup(c, 1, 0); }
static luron_status forward(luron_call *c) {
    classes k = loss_classes_of(c);
    k.t = luron_data(luron_in(c, TARGET));
    const double sum = loss_rows(&k, BY_TYPE(c, terms));
    loss_put(c, k.o->reduction == LOSS_MEAN ? sum / (double)k.rows : sum);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    classes k = loss_classes_of(c);
    LURON_TRY(loss_no_gradient(c, WEIGHT, "weight"));
    k.t = luron_data(luron_in(c, TARGET));
    k.gt = luron_data(luron_grad_in_beta(c, TARGET, &k.beta_t));
    if (k.o->reduction == LOSS_MEAN) k.scale /= (double)k.rows;
    c->host->parallel_for(c, k.rows, loss_row_grain(&k), BY_TYPE(c, slopes), &k);
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, INPUT);
    const int dim = x->ndim > 1;
    const double s = ((const loss *)c->options)->label_smoothing;
    int64_t row[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    row[dim] = x->shape[dim];
    luron_tensor *t = o->scale(c, o->in(c, TARGET), 1 - s, s / (double)x->shape[dim]);
    if (luron_in(c, WEIGHT)) t = o->mul(c, t, o->reshape(c, o->in(c, WEIGHT), x->ndim, row));
    luron_tensor *terms = o->neg(c, o->sum(c, o->mul(c, t, o->log_softmax(c, o->in(c, INPUT), dim)), 1, &dim, 0));
    return o->set_out(c, 0, loss_reduce(c, o, terms, o->scalar(c, (double)luron_numel(x) / (double)x->shape[dim])));
}
static const luron_option *const options[] = { LOSS_SMOOTHING, LOSS_REDUCTION, NULL };
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 0, "logits, (n, classes, ...)"),
    LURON_PORT("target", 0, LURON_REAL, 0, "probabilities, as input"),
    LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 1, "of each class"), NULL };
const luron_layer_type loss_soft_cross_entropy = {
    LOSS_TYPE("SoftCrossEntropyLoss", "soft_cross_entropy", "cross entropy of logits and class probabilities"), .in = in, .setup = setup,
    .forward = forward, .backward = backward, .compose = compose, .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS | LURON_LAYER_FREES_OUT };
#else
#include "log_sum_exp.h"
JOIN(LOSS_LOOP, REAL) void TYPED(terms)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const classes *k = arg;
    double sum = 0;
    loss_put_lse(k, begin, end);
    for (int64_t i = begin; i < end; i++) {
        const REAL *x = (const REAL *)k->x + loss_row_at(k, i), *t = (const REAL *)k->t + loss_row_at(k, i);
        double term = 0;
        if (k->inner == 1 && !k->w) TYPED(soft_term)(k, t, x, k->lse[i], &term);
        else for (int64_t j = 0; j < k->n; j++) term += TYPED(mixed)(k, t, j) * (k->lse[i] - x[j * k->inner]);
        if (k->each) ((REAL *)k->each)[i] = (REAL)term;
        sum += term;
    }
    k->sums[chunk] = sum;
}
JOIN(LOSS_LOOP, REAL) void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const classes *k = arg;
    const double keep = 1 - k->o->label_smoothing;
    REAL e[LOSS_PIECE], d[LOSS_PIECE];
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t row = loss_row_at(k, i);
        const REAL *x = (const REAL *)k->x + row, *t = (const REAL *)k->t + row, *w = k->w;
        const double g = k->gy ? k->scale * ((const REAL *)k->gy)[i] : k->scale, lse = k->lse[i];
        double all = 0;
        if (k->inner == 1 && !w) all = keep * TYPED(total)(k->n, t) + k->o->label_smoothing;
        else for (int64_t j = 0; j < k->n; j++) all += TYPED(mixed)(k, t, j);
        for (int64_t at = 0, m; at < k->n; at += m) {
            const int64_t to = at * k->inner;
            m = TYPED(probabilities)(k->c, x, k->n, k->inner, lse, at, e);
            if (k->inner == 1 && !w) TYPED(soft_slopes)(k, m, t + at, e, g, all, d);
            else for (int64_t j = 0; j < m; j++) d[j] = (REAL)(g * (e[j] * all - TYPED(mixed)(k, t, at + j)));
            if (k->gx) TYPED(put)(m, d, k->beta_x, (REAL *)k->gx + row + to, k->inner);
            for (int64_t j = 0; k->gt && j < m; j++) d[j] = (REAL)(g * keep * (w ? w[at + j] : 1) * (lse - x[to + j * k->inner]));
            if (k->gt) TYPED(put)(m, d, k->beta_t, (REAL *)k->gt + row + to, k->inner);
        }
    }
}
#undef REAL
#endif
