/* nll.c: -w[t] x[t] of log-probabilities x. x (n,C,d...), t (n,d...) ids, w (C) -> scalar, or as t. The mean is over the
 * weights of the targets that count.                                                                                   */
#ifndef REAL
#include "loss.h"
#define REAL float
#include "nll.c"
#define REAL double
#include "nll.c"

static luron_status setup(luron_call *c) { return loss_classes_setup(c, 0, 1); }
static luron_status forward(luron_call *c) { return loss_ids_forward(c, BY_TYPE(c, terms), NULL); }
static luron_status backward(luron_call *c) { return loss_ids_backward(c, BY_TYPE(c, slopes)); }
static luron_status both(luron_call *c) { return loss_ids_forward(c, BY_TYPE(c, terms), BY_TYPE(c, slopes)); }
static luron_status compose(luron_call *c, const luron_ops *o) { return loss_compose_ids(c, o, o->in(c, INPUT)); }
static const luron_option *const options[] = { LOSS_IGNORE, LOSS_REDUCTION, NULL };
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 0, "log-probabilities, (n, classes, ...)"),
    LURON_PORT("target", LURON_PORT_INDEX, 0, 0, "class ids, (n, ...)"),
    LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 1, "of each class"), NULL };
const luron_layer_type loss_nll = { LOSS_TYPE("NLLLoss", "nll_loss", "negative log-likelihood of class ids"),
    .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS | LURON_LAYER_FREES_OUT, .in = in, .setup = setup, .forward = forward,
    .backward = backward, .forward_backward = both, .compose = compose };
#else
JOIN(LOSS_LOOP, REAL) void TYPED(terms)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const classes *k = arg;
    const REAL *x = k->x, *w = k->w;
    double sum = 0;
    for (int64_t i = begin; i < end; i++) {
        const int64_t id = luron_id(k->c, TARGET, i);
        const double own = w && id != k->o->ignore_index ? w[id] : 1;
        const double term = id != k->o->ignore_index ? -own * x[loss_row_at(k, i) + id * k->inner] : 0;
        if (k->each) ((REAL *)k->each)[i] = (REAL)term;
        sum += term;
    }
    k->sums[chunk] = sum;
}
JOIN(LOSS_LOOP, REAL) void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const classes *k = arg;
    const REAL *w = k->w;
    (void)chunk;
    for (int64_t i = begin, m; i < end; i += m) {
        REAL *gx = (REAL *)k->gx + loss_row_at(k, i);
        m = loss_beside(k, i, end);
        const int64_t runs = k->inner == 1 ? 1 : k->n, run = k->inner == 1 ? k->n : m;
        for (int64_t j = 0; k->beta_x == 0 && j < runs; j++) memset(gx + j * k->inner, 0, (size_t)run * sizeof(REAL));
        for (int64_t r = 0; r < m; r++) {
            const int64_t id = luron_id(k->c, TARGET, i + r);
            const double g = k->gy ? k->scale * ((const REAL *)k->gy)[i + r] : k->scale;
            if (id != k->o->ignore_index) gx[r + id * k->inner] -= (REAL)(g * (w ? w[id] : 1));
        }
    }
}
#undef REAL
#endif
