/* cross_entropy.c: -w[t] log softmax(x)[t]. x (n,C,d...), t (n,d...) ids, w (C) -> scalar, or as t. The mean is over the
 * weights of the targets that count. label_smoothing s takes s of each target and spreads it over the C classes.      */
#ifndef REAL
#include "loss.h"
#define REAL float
#include "cross_entropy.c"
#define REAL double
#include "cross_entropy.c"
WIDE_PASS(terms) WIDE_PASS(slopes)

static luron_status setup(luron_call *c) { return loss_classes_setup(c, 0, 1); }
static luron_status forward(luron_call *c) { return loss_ids_forward(c, BY_VECTORS(c, terms), NULL); }
static luron_status backward(luron_call *c) { return loss_ids_backward(c, BY_VECTORS(c, slopes)); }
static luron_status both(luron_call *c) { return loss_ids_forward(c, BY_VECTORS(c, terms), BY_VECTORS(c, slopes)); }
static luron_status compose(luron_call *c, const luron_ops *o) {
    return loss_compose_ids(c, o, o->log_softmax(c, o->in(c, INPUT), luron_in(c, INPUT)->ndim > 1));
}
static const luron_option *const options[] = { LOSS_IGNORE, LOSS_SMOOTHING, LOSS_REDUCTION, NULL };
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 0, "logits, (n, classes, ...)"),
    LURON_PORT("target", LURON_PORT_INDEX, 0, 0, "class ids, (n, ...)"),
    LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 1, "of each class"), NULL };
const luron_layer_type loss_cross_entropy = { LOSS_TYPE("CrossEntropyLoss", "cross_entropy", "cross entropy of logits and class ids"),
    .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS | LURON_LAYER_FREES_OUT, .in = in, .setup = setup, .forward = forward,
    .backward = backward, .forward_backward = both, .compose = compose };
#else
#include "log_sum_exp.h"
/* The term of row i. */
INLINE double TYPED(term)(const classes *k, const REAL *x, int64_t i) {
    const REAL *w = k->w;
    const double s = k->o->label_smoothing, lse = k->lse[i];
    const int64_t id = luron_id(k->c, TARGET, i);
    if (id == k->o->ignore_index) return 0;
    if (s == 0 && !w) return lse - x[id * k->inner]; /* what the sum below comes to */
    const double own = w ? w[id] : 1;
    double term = (1 - s) * own * (lse - x[id * k->inner]);
    for (int64_t j = 0; s > 0 && j < k->n; j++) term += s / (double)k->n * (w ? w[j] : 1) * (lse - x[j * k->inner]);
    return term;
}
/* The sum of the terms of rows whose classes lie side by side and weigh the same; what `term` comes to. */
INLINE double TYPED(plain_terms)(const classes *k, int64_t begin, int64_t end) {
    const int64_t *ids = k->ids, ignored = loss_ignored(k), n = k->n, base = k->c->index_base;
    const REAL *x = k->x;
    const double *lse = k->lse;
    double sum = 0;
    for (int64_t i = begin; i < end; i++)
        if (ids[i] != ignored) sum += lse[i] - x[i * n + ids[i] - base];
    return sum;
}
JOIN(LOSS_LOOP, REAL) void TYPED(terms)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const classes *k = arg;
    double sum = 0;
    loss_put_lse(k, begin, end);
    if (k->ids && !k->w && !k->each && k->inner == 1 && k->o->label_smoothing == 0) {
        k->sums[chunk] = TYPED(plain_terms)(k, begin, end);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        const double term = TYPED(term)(k, (const REAL *)k->x + loss_row_at(k, i), i);
        if (k->each) ((REAL *)k->each)[i] = (REAL)term;
        sum += term;
    }
    k->sums[chunk] = sum;
}
/* The gradient of row i of logits; es: its probabilities, NULL: to be computed. */
LOOP TYPED(slope)(const classes *k, const REAL *x, REAL *gx, int64_t i, const REAL *es) {
    const REAL *w = k->w;
    const double s = k->o->label_smoothing, spread = s / (double)k->n;
    const int64_t id = luron_id(k->c, TARGET, i);
    const int counts = id != k->o->ignore_index;
    const double own = (1 - s) * (counts && w ? w[id] : 1), g = !counts ? 0 : k->gy ? k->scale * ((const REAL *)k->gy)[i] : k->scale;
    const double all = g * (own + spread * k->weight_sum);
    REAL e[LOSS_PIECE];
    for (int64_t at = 0, m; at < k->n; at += m, es = NULL) {
        m = es ? k->n : TYPED(probabilities)(k->c, x, k->n, 1, k->lse[i], at, e);
        const REAL *p = es ? es : e;
        if (counts && spread == 0) TYPED(put_slopes)(m, all, p, id - at, g * own, k->beta_x != 0, gx + at);
        else for (int64_t j = at; j < at + m; j++) {
            double d = counts ? all * p[j - at] : 0;
            if (spread > 0) d -= g * spread * (w ? w[j] : 1);
            if (j == id) d -= g * own;
            gx[j] = (REAL)(k->beta_x != 0 ? gx[j] + d : d);
        }
    }
}
JOIN(LOSS_LOOP, REAL) void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const classes *k = arg;
    REAL e[LOSS_PIECE];
    (void)chunk;
    const int same = k->o->label_smoothing == 0 && !k->w && !k->gy && k->beta_x == 0;
    for (int64_t i = begin, m; i < end; i += m) {
        const int64_t at = loss_row_at(k, i);
        const REAL *x = (const REAL *)k->x + at;
        if ((m = TYPED(beside)(k, i, end))) {
            TYPED(slopes_beside)(k, x, (REAL *)k->gx + at, i, m);
            continue;
        }
        if ((m = TYPED(run)(k, i, end))) TYPED(probabilities_of_rows)(k->c, x, m, k->n, k->lse + i, e);
        if (m && same) TYPED(put_rows)(k, i, m, e, (REAL *)k->gx + at);
        else for (int64_t r = 0; r < (m ? m : 1); r++)
            TYPED(slope)(k, x + r * k->n, (REAL *)k->gx + at + r * k->n, i + r, m ? e + r * k->n : NULL);
        if (!m) m = 1;
    }
}
#undef REAL
#endif
